/*
 * The id table: which (source, id) was decided already, and where its answer is in the journal. Entries leave in the
 * order they came, when they are older than the window, a few with every decision; never early (API.md section 1).
 */
#include "ledger/state.h"

uint32_t id_places(uint32_t count_max)
{
    return (count_max / ID_BLOCK + 2) * ID_BLOCK; /* whole blocks, and one to spare so that none is half reused */
}

size_t ids_bytes(uint32_t count_max)
{
    uint32_t ring_count = id_places(count_max);
    return region_round((size_t)ring_count * sizeof(struct id_entry)) +
           region_round((size_t)ring_count / ID_BLOCK * sizeof(int64_t)) + table_bytes(ring_count);
}

void ids_init(struct ids *ids, struct region *region, uint32_t count_max)
{
    uint32_t ring_count = id_places(count_max);
    *ids = (struct ids){
        .ring = region_take(region, ring_count, sizeof(struct id_entry)),
        .block_us = region_take(region, ring_count / ID_BLOCK, sizeof(int64_t)),
        .ring_count = ring_count,
    };
    table_init(&ids->index, region, ring_count);
}

struct hash128 id_hash(const struct ledger *ledger, struct text source, struct text id)
{
    /* The length in front keeps ("ab", "c") and ("a", "bc") apart. */
    uint8_t bytes[1 + 2 * NAME_BYTES_MAX];
    CHECK(source.length <= NAME_BYTES_MAX);
    CHECK(id.length <= NAME_BYTES_MAX);
    bytes[0] = (uint8_t)source.length;
    memcpy(bytes + 1, source.bytes, source.length);
    memcpy(bytes + 1 + source.length, id.bytes, id.length);
    return siphash128(&ledger->key, bytes, 1 + (size_t)source.length + id.length);
}

static bool id_is(const void *owner, uint32_t entry, const void *key)
{
    const struct id_entry *have = &((const struct ids *)owner)->ring[entry];
    const struct hash128 *wanted = key;
    return ((have->hash.low ^ wanted->low) | (have->hash.high ^ wanted->high)) == 0;
}

const struct id_entry *id_find(const struct ledger *ledger, struct hash128 hash)
{
    uint32_t place = table_find(&ledger->ids.index, hash.low, id_is, &ledger->ids, &hash);
    return place == TABLE_NONE ? NULL : &ledger->ids.ring[place];
}

const struct id_entry *id_find_kept(const struct ledger *ledger, struct hash128 hash, int64_t now_us)
{
    const struct ids *ids = &ledger->ids;
    const struct id_entry *entry = id_find(ledger, hash);
    bool stale = entry != NULL && ids->block_us[(entry - ids->ring) / ID_BLOCK] < now_us - ledger->id_window_ms * 1000;
    return stale ? NULL : entry;
}

static uint64_t id_entry_hash(const struct ids *ids, uint64_t n)
{
    const struct id_entry *entry = &ids->ring[n % ids->ring_count];
    const uint64_t words[] = {n, entry->hash.low, entry->hash.high, entry->fingerprint, entry->last_seq};
    return entry_hash(ENTRY_ID, words, 5);
}

/* Of the block a place is in. */
static uint32_t first_of_block(uint32_t place)
{
    return place - place % ID_BLOCK;
}

static int64_t *block_of(const struct ids *ids, uint64_t n)
{
    return &ids->block_us[n % ids->ring_count / ID_BLOCK];
}

/* A block's time says when its entries leave, so it is state like them. It counts while one of its entries is kept. */
static uint64_t block_hash(const struct ids *ids, uint64_t n)
{
    const uint64_t words[] = {n / ID_BLOCK, (uint64_t)*block_of(ids, n)};
    return entry_hash(ENTRY_ID_BLOCK, words, 2);
}

bool ids_stale(const struct ledger *ledger, int64_t now_us)
{
    const struct ids *ids = &ledger->ids;
    return ids->first != ids->next && *block_of(ids, ids->first) < now_us - ledger->id_window_ms * 1000;
}

bool ids_room(const struct ledger *ledger, int64_t now_us)
{
    return ledger->ids.next - ledger->ids.first < ledger->id_capacity || ids_stale(ledger, now_us);
}

void ids_forget(struct ledger *ledger, int64_t now_us, unsigned most)
{
    struct ids *ids = &ledger->ids;
    for (; most > 0 && ids_stale(ledger, now_us); most--) {
        uint32_t place = (uint32_t)(ids->first % ids->ring_count);
        hash_out(ledger, PART_ID, place, id_entry_hash(ids, ids->first));
        table_remove(&ids->index, ids->ring[place].hash.low, place);
        ids->first++;
        if (ids->first % ID_BLOCK == 0 || ids->first == ids->next)
            hash_out(ledger, PART_ID, first_of_block(place), block_hash(ids, ids->first - 1));
    }
}

void id_add(struct ledger *ledger, struct hash128 hash, uint64_t fingerprint, uint64_t last_seq, int64_t now_us)
{
    struct ids *ids = &ledger->ids;
    CHECK(ids->next - ids->first < ids->ring_count - ID_BLOCK);
    uint32_t place = (uint32_t)(ids->next % ids->ring_count);
    ids->ring[place] = (struct id_entry){hash, fingerprint, last_seq};
    /* Commands decided together have one time: most of the time there is nothing to do for the block. */
    bool begun = ids->first != ids->next && ids->next % ID_BLOCK != 0;
    if (!begun || *block_of(ids, ids->next) != now_us) {
        if (begun)
            hash_out(ledger, PART_ID, first_of_block(place), block_hash(ids, ids->next));
        *block_of(ids, ids->next) = now_us;
        hash_in(ledger, PART_ID, first_of_block(place), block_hash(ids, ids->next));
    }
    table_insert(&ids->index, hash.low, place);
    hash_in(ledger, PART_ID, place, id_entry_hash(ids, ids->next));
    ids->next++;
}

void ids_index(struct ledger *ledger)
{
    struct ids *ids = &ledger->ids;
    uint64_t *hashes = ledger->block_hashes[PART_ID];
    for (uint64_t n = ids->first; n < ids->next; n++) {
        uint32_t place = (uint32_t)(n % ids->ring_count);
        if (n == ids->first || n % ID_BLOCK == 0)
            hashes[first_of_block(place) / BLOCK_ENTRIES] += block_hash(ids, n);
        hashes[place / BLOCK_ENTRIES] += id_entry_hash(ids, n);
        if (n + AUDIT_AHEAD < ids->next)
            table_prefetch(&ids->index, ids->ring[(n + AUDIT_AHEAD) % ids->ring_count].hash.low);
        table_insert(&ids->index, ids->ring[place].hash.low, place);
    }
}

/* The entry that is at a place, or would be next; it is kept when its number is before ids.next. */
static uint64_t number_at(const struct ids *ids, uint32_t place)
{
    uint32_t first = (uint32_t)(ids->first % ids->ring_count);
    return ids->first + (place >= first ? place - first : ids->ring_count - first + place);
}

void id_reverse(struct ledger *ledger, struct hash128 hash)
{
    struct ids *ids = &ledger->ids;
    uint32_t place = table_find(&ids->index, hash.low, id_is, ids, &hash);
    CHECK(place != TABLE_NONE);
    uint64_t n = number_at(ids, place);
    hash_out(ledger, PART_ID, place, id_entry_hash(ids, n));
    ids->ring[place].last_seq |= ID_REVERSED;
    hash_in(ledger, PART_ID, place, id_entry_hash(ids, n));
}

uint64_t ids_oldest_seq(const struct ids *ids)
{
    return ids->first == ids->next ? UINT64_MAX : id_last_seq(&ids->ring[ids->first % ids->ring_count]);
}

bool id_hashed(const struct ledger *ledger, uint32_t place, struct audit *audit)
{
    const struct ids *ids = &ledger->ids;
    uint64_t n = number_at(ids, place);
    if (n < ids->next)
        audit->hash += id_entry_hash(ids, n);
    /* A block's time counts with its first place, kept or forgotten. */
    if (ids->first != ids->next && place == first_of_block((uint32_t)(ids->first % ids->ring_count)))
        audit->hash += block_hash(ids, ids->first);
    else if (n < ids->next && place == first_of_block(place))
        audit->hash += block_hash(ids, n);
    return true;
}

bool id_sound(const struct ledger *ledger, uint32_t place, struct audit *audit)
{
    const struct ids *ids = &ledger->ids;
    const struct id_entry *entry = &ids->ring[place];
    uint64_t n = number_at(ids, place);
    if (n >= ids->next)
        return true;
    if (place + AUDIT_AHEAD < ids->ring_count)
        table_prefetch(&ids->index, entry[AUDIT_AHEAD].hash.low);
    AUDIT_CHECK(audit, STATE, id_find(ledger, entry->hash) == entry, "the index does not find it");
    AUDIT_CHECK(audit, I6, id_last_seq(entry) <= ledger->last_seq, "its event is yet to come");
    AUDIT_CHECK(audit, I6, *block_of(ids, n) <= ledger->now_us, "it is younger than the log");
    if (n == ids->first)
        return true;
    AUDIT_CHECK(audit, I6, id_last_seq(&ids->ring[(n - 1) % ids->ring_count]) < id_last_seq(entry),
                "it was decided out of order");
    AUDIT_CHECK(audit, I6, *block_of(ids, n - 1) <= *block_of(ids, n), "it is older than the one before it");
    return true;
}

void ids_check(const struct ledger *ledger)
{
    CHECK(ledger->ids.index.count == ledger->ids.next - ledger->ids.first);
}
