/*
 * Cells: item x location, the figures of each, and the outside accounts of each item (I1).
 */
#include "ledger/state.h"

/*
 * 0 while there is nothing in it: an extra that is made for a queue is no change of state. Never inlined: most cells have
 * no extra, and would pay for its room on the stack.
 */
static NEVER_INLINE uint64_t extra_hash(const struct cell_extra *extra)
{
    uint64_t words[2 + FIGURES_APART] = {extra->cell, extra->low};
    uint64_t any = extra->low;
    for (unsigned i = 0; i < FIGURES_APART; i++)
        any |= words[2 + i] = (uint64_t)extra->units[i];
    return any == 0 ? 0 : entry_hash(ENTRY_CELL_EXTRA, words, 2 + FIGURES_APART);
}

static uint64_t cell_hash(const struct ledger *ledger, const struct cell *cell)
{
    uint64_t words[5 + FIGURE_OF_EVERY_CELL] = {cell->item, cell->location, cell->version, cell->last_seq,
                                                (uint64_t)cell->oldest_us};
    for (unsigned i = 0; i < FIGURE_OF_EVERY_CELL; i++)
        words[5 + i] = (uint64_t)cell->units[i];
    uint64_t hash = entry_hash(ENTRY_CELL, words, 5 + FIGURE_OF_EVERY_CELL);
    return cell->extra == 0 ? hash : hash + extra_hash(&ledger->extras[cell->extra - 1]);
}

struct cell_extra *cell_extra(const struct ledger *ledger, uint32_t cell)
{
    uint32_t extra = ledger->cells[cell].extra;
    return extra == 0 ? NULL : &ledger->extras[extra - 1];
}

struct cell_extra *cell_extra_make(struct ledger *ledger, uint32_t cell)
{
    struct cell_extra *have = cell_extra(ledger, cell);
    if (have != NULL)
        return have;
    CHECK(ledger->extra_count < ledger->limits.cell_count_max);
    ledger->extras[ledger->extra_count] = (struct cell_extra){.cell = cell};
    ledger->cells[cell].extra = ++ledger->extra_count;
    return &ledger->extras[ledger->extra_count - 1];
}

struct figures cell_figures(const struct ledger *ledger, uint32_t number)
{
    const struct cell *cell = &ledger->cells[number];
    struct figures figures = {{0}};
    memcpy(figures.units, cell->units, sizeof(cell->units));
    if (cell->extra != 0)
        memcpy(figures.units + FIGURE_OF_EVERY_CELL, ledger->extras[cell->extra - 1].units,
               sizeof(ledger->extras[0].units));
    return figures;
}

static bool needs_extra(const struct event *event)
{
    int64_t any = event->low;
    for (unsigned i = FIGURE_OF_EVERY_CELL; i < FIGURE_COUNT; i++)
        any |= event->figures.units[i];
    return any != 0;
}

uint64_t item_hash(uint32_t number, const struct item *item)
{
    uint64_t words[4 + ACCOUNT_COUNT] = {number, item->account_seq, item->config_seq, item->scale};
    for (unsigned i = 0; i < ACCOUNT_COUNT; i++)
        words[4 + i] = (uint64_t)item->accounts[i];
    return entry_hash(ENTRY_ITEM, words, 4 + ACCOUNT_COUNT);
}

struct cell_key {
    uint32_t item, location;
};

uint64_t cell_key_hash(const struct ledger *ledger, uint32_t item, uint32_t location)
{
    /* Numbers are given by us, the key makes their spread unknown outside: a finaliser is enough. */
    uint64_t x = ((uint64_t)item << 32 | location) ^ ledger->key.k0;
    x = (x ^ (x >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ (x >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ (x >> 33);
}

static bool cell_is(const void *owner, uint32_t entry, const void *key)
{
    const struct cell *cell = &((const struct ledger *)owner)->cells[entry];
    const struct cell_key *wanted = key;
    return ((cell->item ^ wanted->item) | (cell->location ^ wanted->location)) == 0;
}

uint32_t cell_find(const struct ledger *ledger, uint32_t item, uint32_t location)
{
    struct cell_key key = {item, location};
    return table_find(&ledger->cell_index, cell_key_hash(ledger, item, location), cell_is, ledger, &key);
}

uint32_t cell_evolve(struct ledger *ledger, struct event *event, int64_t occurred_us)
{
    CHECK(event->item < ledger->names[NAME_ITEM].count);
    CHECK(event->location < ledger->names[NAME_LOCATION].count);
    struct item *item = &ledger->items[event->item];
    bool sells = offers_at(ledger, event->location);
    uint32_t number = event->hints.cell != 0 ? event->hints.cell - 1 : cell_find(ledger, event->item, event->location);
    if (sells)
        offers_before(ledger, event->item, event->location, number);
    if (number == NUMBER_NONE) {
        CHECK(ledger->cell_count < ledger->limits.cell_count_max);
        number = ledger->cell_count++;
        ledger->cells[number] = (struct cell){.item = event->item, .location = event->location,
                                              .next_of_item = item->first_cell, .oldest_us = SKIP_NOTHING_US};
        item->first_cell = number + 1;
        ledger->locations[event->location].cells++;
        table_insert(&ledger->cell_index, cell_key_hash(ledger, event->item, event->location), number);
    } else {
        CHECK(ledger->cells[number].item == event->item);
        CHECK(ledger->cells[number].location == event->location);
    }
    struct cell *cell = &ledger->cells[number];
    CHECK(event->version == cell->version + 1);
    CHECK(event->previous_seq == cell->last_seq);
    memcpy(cell->units, event->figures.units, sizeof(cell->units));
    if (cell->extra != 0 || needs_extra(event)) {
        struct cell_extra *extra = cell_extra_make(ledger, number);
        memcpy(extra->units, event->figures.units + FIGURE_OF_EVERY_CELL, sizeof(extra->units));
        extra->low = event->low;
    }
    cell->version = event->version;
    cell->last_seq = event->seq;
    cell->oldest_us = min_i64(cell->oldest_us, occurred_us);
    if (event->version % SKIP_STEP == 0)
        skips_evolve(ledger, number, event);
    if (event->channel_number != NUMBER_NONE)
        quota_evolve(ledger, event, number);
    uint64_t hash_before = cell->hash;
    cell->hash = cell_hash(ledger, cell);
    hash_in(ledger, PART_CELL, number, cell->hash - hash_before);
    if (sells)
        offers_after(ledger, number, event->seq);

    if (event->account != ACCOUNT_NONE) {
        hash_before = item_hash(event->item, item);
        item->accounts[event->account] = event->account_units;
        item->account_seq = event->seq;
        hash_in(ledger, PART_ITEM, event->item, item_hash(event->item, item) - hash_before);
    }
    return number;
}

bool cell_hashed(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    const struct cell *cell = &ledger->cells[number];
    AUDIT_CHECK(audit, STATE, cell->extra <= ledger->extra_count, "its figures are not where it says");
    AUDIT_CHECK(audit, STATE, cell->hash == cell_hash(ledger, cell), "it is not what its last event made it");
    audit->hash += cell->hash;
    return ladder_hashed(ledger, number, audit);
}

bool cell_sound(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    const struct cell *cell = &ledger->cells[number];
    if (number + AUDIT_AHEAD < ledger->cell_count)
        table_prefetch(&ledger->cell_index,
                       cell_key_hash(ledger, cell[AUDIT_AHEAD].item, cell[AUDIT_AHEAD].location));
    AUDIT_CHECK(audit, STATE, cell_find(ledger, cell->item, cell->location) == number,
                "the index does not find it by its item and location");
    AUDIT_CHECK(audit, STATE, cell->next_of_item <= number, "the list of its item's cells goes astray");
    AUDIT_CHECK(audit, STATE, cell->next_of_item == 0 || ledger->cells[cell->next_of_item - 1].item == cell->item,
                "the list of its item's cells leads to another item's");
    AUDIT_CHECK(audit, I7, cell->version > 0, "it has no version");
    AUDIT_CHECK(audit, I7, cell->last_seq <= ledger->last_seq, "its last event is yet to come");
    struct figures figures = cell_figures(ledger, number);
    for (unsigned f = 0; f < FIGURE_COUNT; f++)
        AUDIT_CHECK(audit, STATE, quantity_in_range(figures.units[f]), "a figure is out of range");
    if (cell->extra != 0) {
        const struct cell_extra *extra = &ledger->extras[cell->extra - 1];
        AUDIT_CHECK(audit, STATE, extra->cell == number, "its figures are another cell's");
        AUDIT_CHECK(audit, I3, extra->quota_first <= ledger->quota_count, "the list of its quotas goes astray");
        AUDIT_CHECK(audit, I3, extra->quota_first == 0 || ledger->quotas[extra->quota_first - 1].cell == number,
                    "the list of its quotas leads to another cell's");
        AUDIT_CHECK(audit, STATE, extra->mark_first <= ledger->marks.count, "the list of its counts goes astray");
        AUDIT_CHECK(audit, STATE, extra->mark_first == 0 || ledger->marks.entries[extra->mark_first - 1].cell == number,
                    "the list of its counts leads to another cell's");
        if (!queues_sound(ledger, cell->extra - 1, audit) || !due_lists_sound(ledger, cell->extra - 1, audit))
            return false;
    }
    if (!cell_lines_sound(ledger, number, audit))
        return false;
    return ladder_sound(ledger, number, audit) && offers_made(ledger, number, audit);
}

void cell_check(const struct ledger *ledger)
{
    CHECK(ledger->cell_index.count == ledger->cell_count);
    /* Each cell is in the list of its item. */
    uint32_t walked = 0;
    for (uint32_t i = 0; i < ledger->names[NAME_ITEM].count; i++) {
        for (uint32_t c = ledger->items[i].first_cell; c != 0; c = ledger->cells[c - 1].next_of_item) {
            CHECK(ledger->cells[c - 1].item == i);
            CHECK(++walked <= ledger->cell_count);
        }
    }
    CHECK(walked == ledger->cell_count);
}
