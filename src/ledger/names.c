/*
 * The dictionary: names of items, locations, sources and channels, numbered from 0 as they first appear. Names are never
 * moved or changed, so that a number read from a record can be turned into its name by any thread. One that is given up
 * leaves the index alone; when it comes again it gets a new number, and with it nothing of what the old one had.
 */
#include "ledger/state.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/bytes.h"

#define ENTRY_WORDS_MAX 24 /* the widest entry has 15 */

uint64_t entry_hash(enum entry_tag tag, const uint64_t *words, size_t word_count)
{
    CHECK(word_count <= ENTRY_WORDS_MAX);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return XXH3_64bits_withSeed(words, 8 * word_count, tag); /* their bytes are in order already */
#else
    uint8_t bytes[8 * ENTRY_WORDS_MAX];
    for (size_t i = 0; i < word_count; i++)
        put_u64(bytes + 8 * i, words[i]);
    return XXH3_64bits_withSeed(bytes, 8 * word_count, tag);
#endif
}

uint64_t text_hash(const struct ledger *ledger, struct text text)
{
    return text.length == 0 ? 0 : XXH3_64bits_withSeed(text.bytes, text.length, ledger->key.k0);
}

size_t names_bytes(uint32_t count_max)
{
    return region_round((size_t)count_max * sizeof(uint64_t)) + region_round((size_t)count_max * NAME_BYTES_MAX) +
           region_round((size_t)count_max * sizeof(bool)) + table_bytes(count_max);
}

void names_init(struct names *names, struct region *region, uint32_t count_max)
{
    *names = (struct names){
        .entries = region_take(region, count_max, sizeof(uint64_t)),
        .bytes = region_take(region, count_max, NAME_BYTES_MAX),
        .retired = region_take(region, count_max, sizeof(bool)),
        .count_max = count_max,
    };
    table_init(&names->index, region, count_max);
}

static struct text name_at(const struct names *names, uint32_t number)
{
    uint64_t entry = names->entries[number];
    return text_of((const char *)names->bytes + (entry >> 8), (size_t)(entry & 0xff));
}

static bool name_is(const void *owner, uint32_t number, const void *key)
{
    return text_equal(name_at(owner, number), *(const struct text *)key);
}

struct text ledger_name(const struct ledger *ledger, enum name_space space, uint32_t number)
{
    return name_at(&ledger->names[space], number);
}

uint32_t name_find(const struct ledger *ledger, enum name_space space, struct text name, uint64_t hash)
{
    const struct names *names = &ledger->names[space];
    return table_find(&names->index, hash, name_is, names, &name);
}

uint32_t ledger_number(const struct ledger *ledger, enum name_space space, struct text name)
{
    return name_find(ledger, space, name, siphash64(&ledger->key, name.bytes, name.length));
}

uint64_t name_hash(const struct ledger *ledger, enum name_space space, uint32_t number)
{
    struct text name = ledger_name(ledger, space, number);
    const uint64_t words[] = {space, number, text_hash(ledger, name), ledger->names[space].retired[number]};
    return entry_hash(ENTRY_NAME, words, 4);
}

void name_retire(struct ledger *ledger, enum name_space space, uint32_t number)
{
    struct names *names = &ledger->names[space];
    struct text name = ledger_name(ledger, space, number);
    CHECK(!names->retired[number]);
    hash_out(ledger, (enum state_part)space, number, name_hash(ledger, space, number));
    table_remove(&names->index, siphash64(&ledger->key, name.bytes, name.length), number);
    names->retired[number] = true;
    names->retired_count++;
    ledger->retired_count++;
    hash_in(ledger, (enum state_part)space, number, name_hash(ledger, space, number));
}

bool ledger_retired(const struct ledger *ledger, enum name_space space, uint32_t number)
{
    return ledger->names[space].retired[number];
}

void names_add(struct ledger *ledger, enum name_space space, struct text name)
{
    struct names *names = &ledger->names[space];
    CHECK(names->count < names->count_max);
    CHECK(name.length >= 1);
    CHECK(name.length <= NAME_BYTES_MAX);
    uint32_t number = names->count;
    memcpy(names->bytes + names->bytes_used, name.bytes, name.length);
    names->entries[number] = names->bytes_used << 8 | name.length;
    names->bytes_used += name.length;
    names->count++;
    table_insert(&names->index, siphash64(&ledger->key, name.bytes, name.length), number);
    hash_in(ledger, (enum state_part)space, number, name_hash(ledger, space, number));
}

bool name_held(const struct ledger *ledger, enum name_space space, uint32_t number)
{
    uint64_t entry = ledger->names[space].entries[number];
    return (entry >> 8) + (entry & 0xff) <= ledger->names[space].bytes_used;
}

bool name_hashed(const struct ledger *ledger, enum name_space space, uint32_t number, struct audit *audit)
{
    AUDIT_CHECK(audit, STATE, name_held(ledger, space, number), "its name is not among the names");
    audit->hash += name_hash(ledger, space, number);
    return true;
}

bool name_sound(const struct ledger *ledger, enum name_space space, uint32_t number, struct audit *audit)
{
    uint32_t found = ledger_number(ledger, space, ledger_name(ledger, space, number));
    bool retired = ledger->names[space].retired[number];
    AUDIT_CHECK(audit, STATE, retired ? found == NUMBER_NONE || found > number : found == number,
                "the index does not find it by its name");
    return true;
}
