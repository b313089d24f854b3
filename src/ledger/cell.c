/*
 * Cells: item x location, the figures of each, and the outside accounts of each item (I1).
 */
#include "ledger/state.h"

uint64_t cell_hash(const struct cell *cell)
{
    uint64_t words[4 + FIGURE_COUNT] = {cell->item, cell->location, cell->version, cell->last_seq};
    for (unsigned i = 0; i < FIGURE_COUNT; i++)
        words[4 + i] = (uint64_t)cell->figures.units[i];
    return entry_hash(ENTRY_CELL, words, 4 + FIGURE_COUNT);
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

void cell_evolve(struct ledger *ledger, const struct event *event)
{
    CHECK(event->item < ledger->names[NAME_ITEM].count);
    CHECK(event->location < ledger->names[NAME_LOCATION].count);
    struct item *item = &ledger->items[event->item];
    uint32_t number = cell_find(ledger, event->item, event->location);
    if (number == NUMBER_NONE) {
        CHECK(ledger->cell_count < ledger->limits.cell_count_max);
        number = ledger->cell_count++;
        ledger->cells[number] = (struct cell){.item = event->item, .location = event->location,
                                              .next_of_item = item->first_cell};
        item->first_cell = number + 1;
        table_insert(&ledger->cell_index, cell_key_hash(ledger, event->item, event->location), number);
    } else {
        ledger->entries_hash -= cell_hash(&ledger->cells[number]);
    }
    struct cell *cell = &ledger->cells[number];
    CHECK(event->version == cell->version + 1);
    CHECK(event->previous_seq == cell->last_seq);
    cell->figures = event->figures;
    cell->version = event->version;
    cell->last_seq = event->seq;
    ledger->entries_hash += cell_hash(cell);

    if (event->account != ACCOUNT_NONE) {
        ledger->entries_hash -= item_hash(event->item, item);
        item->accounts[event->account] = event->account_units;
        item->account_seq = event->seq;
        ledger->entries_hash += item_hash(event->item, item);
    }
}

void cell_check(const struct ledger *ledger, uint64_t *hash)
{
    CHECK(ledger->cell_index.count == ledger->cell_count);
    for (uint32_t i = 0; i < ledger->cell_count; i++) {
        const struct cell *cell = &ledger->cells[i];
        CHECK(cell_find(ledger, cell->item, cell->location) == i);
        CHECK(cell->version > 0);
        CHECK(cell->last_seq <= ledger->last_seq);
        for (unsigned f = 0; f < FIGURE_COUNT; f++)
            CHECK(quantity_in_range(cell->figures.units[f]));
        *hash += cell_hash(cell);
    }
    /* I1: what is here plus what is outside is zero, per item. And each cell is in the list of its item. */
    uint32_t walked = 0;
    for (uint32_t i = 0; i < ledger->names[NAME_ITEM].count; i++) {
        const struct item *item = &ledger->items[i];
        int64_t sum = 0;
        for (unsigned a = 0; a < ACCOUNT_COUNT; a++)
            sum += item->accounts[a];
        for (uint32_t c = item->first_cell; c != 0; c = ledger->cells[c - 1].next_of_item) {
            CHECK(ledger->cells[c - 1].item == i);
            CHECK(++walked <= ledger->cell_count);
            sum += figures_on_hand(&ledger->cells[c - 1].figures);
        }
        CHECK(sum == 0);
        *hash += item_hash(i, item);
    }
    CHECK(walked == ledger->cell_count);
}
