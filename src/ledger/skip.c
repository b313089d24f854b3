/*
 * Skips: ways back over many events of a cell.
 *
 * Every event names the one before it of its cell. Who asks for what was a year ago would have to walk all of them, so
 * each event whose version is a multiple of 8^k also names the one 8^k versions before it, and says the oldest time at
 * which anything between them occurred. A walk to version v of a cell at version n takes at most 7 steps a level, up
 * and down again, where n has log8(n) levels; and what occurred late is found without looking at what did not.
 *
 *     version    1 ... 8 ... 16 ... 24 ... ... 64 ... 72 ...
 *                0 <-- 8 <-- 16 <-- 24 <--     64 <-- 72      level 1
 *                0 <-------------------------- 64             level 2
 *
 * What is needed to write the next skip of each level is the cell's ladder. The oldest time goes up it like a carry: a
 * level is looked at when the one below it is complete. Seven events of eight do nothing but keep the cell's
 * `oldest_us`.
 *
 * Rejected: an index of each cell's events in memory (8 bytes an event, for ever); two way links (an event that is
 * written does not change).
 */
#include "ledger/state.h"

static uint64_t ladder_hash(uint32_t cell, const struct ladder *ladder)
{
    uint64_t words[1 + 2 * SKIP_LEVELS] = {cell};
    memcpy(words + 1, ladder->seqs, sizeof(ladder->seqs));
    memcpy(words + 1 + SKIP_LEVELS, ladder->oldest_us, sizeof(ladder->oldest_us));
    return entry_hash(ENTRY_LADDER, words, sizeof(words) / sizeof(words[0]));
}

static void ladder_init(struct ladder *ladder)
{
    *ladder = (struct ladder){.hash = 0};
    for (unsigned i = 0; i < SKIP_LEVELS; i++)
        ladder->oldest_us[i] = SKIP_NOTHING_US;
}

void skips_evolve(struct ledger *ledger, uint32_t number, struct event *event)
{
    struct cell *cell = &ledger->cells[number];
    struct ladder *ladder = &ledger->ladders[number];
    unsigned levels = skip_levels(event->version);
    int64_t oldest_us = cell->oldest_us;
    struct skip skips[SKIP_LEVELS];
    if (event->version == SKIP_STEP)
        ladder_init(ladder);
    for (unsigned i = 0; i < levels; i++) {
        if (i > 0) {
            oldest_us = min_i64(oldest_us, ladder->oldest_us[i - 1]);
            ladder->oldest_us[i - 1] = SKIP_NOTHING_US;
        }
        skips[i] = (struct skip){ladder->seqs[i], oldest_us};
        ladder->seqs[i] = event->seq;
    }
    ladder->oldest_us[levels - 1] = min_i64(oldest_us, ladder->oldest_us[levels - 1]);
    cell->oldest_us = SKIP_NOTHING_US;
    uint64_t hash_before = ladder->hash;
    ladder->hash = ladder_hash(number, ladder);
    hash_in(ledger, PART_CELL, number, ladder->hash - hash_before);

    /* One that was read back may bring them. A journal that was begun before there were any does not. */
    CHECK(event->skip_count == 0 || event->skip_count == levels);
    for (unsigned i = 0; i < event->skip_count; i++)
        CHECK(event->skips[i].seq == skips[i].seq && event->skips[i].oldest_us == skips[i].oldest_us);
    event->skip_count = (uint8_t)levels;
    memcpy(event->skips, skips, levels * sizeof(skips[0]));
}

void ledger_cell_top(const struct ledger *ledger, uint32_t number, struct cell_top *out_top)
{
    const struct cell *cell = &ledger->cells[number];
    const struct ladder *ladder = &ledger->ladders[number];
    int64_t oldest_us = cell->oldest_us;
    out_top->last_seq = cell->last_seq;
    out_top->version = cell->version;
    out_top->figures = cell_figures(ledger, number);
    for (unsigned i = 0; i < SKIP_LEVELS; i++) {
        if (i > 0 && cell->version >= SKIP_STEP)
            oldest_us = min_i64(oldest_us, ladder->oldest_us[i - 1]);
        out_top->skips[i] = (struct skip){ladder->seqs[i], oldest_us};
    }
}

int64_t cell_oldest_since(const struct ledger *ledger, uint32_t number, uint64_t version)
{
    struct cell_top top;
    uint64_t now = ledger->cells[number].version;
    ledger_cell_top(ledger, number, &top);
    for (unsigned i = 0; i < SKIP_LEVELS; i++) {
        if (now >> (i + 1) * SKIP_STEP_BITS << (i + 1) * SKIP_STEP_BITS <= version)
            return top.skips[i].oldest_us;
    }
    return INT64_MIN; /* too many have come */
}

bool ladder_hashed(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    const struct ladder *ladder = &ledger->ladders[number];
    if (ledger->cells[number].version < SKIP_STEP)
        return true;
    AUDIT_CHECK(audit, I7, ladder->hash == ladder_hash(number, ladder), "its ways back are not what its events made them");
    audit->hash += ladder->hash;
    return true;
}

bool ladder_sound(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    static const char astray[] = "its ways back do not lead where they should";
    const struct cell *cell = &ledger->cells[number];
    const struct ladder *ladder = &ledger->ladders[number];
    AUDIT_CHECK(audit, I7, (cell->oldest_us == SKIP_NOTHING_US) == (cell->version % SKIP_STEP == 0), astray);
    if (cell->version < SKIP_STEP)
        return true;
    uint64_t below_seq = cell->last_seq; /* of the level below */
    for (unsigned i = 0; i < SKIP_LEVELS; i++) {
        uint64_t blocks = cell->version >> (i + 1) * SKIP_STEP_BITS; /* complete ones of the level */
        bool now = cell->version % (UINT64_C(1) << (i + 1) * SKIP_STEP_BITS) == 0;
        AUDIT_CHECK(audit, I7, (ladder->seqs[i] == 0) == (blocks == 0), astray);
        AUDIT_CHECK(audit, I7, !now || ladder->seqs[i] == cell->last_seq, astray);
        AUDIT_CHECK(audit, I7, ladder->seqs[i] <= below_seq, astray);
        below_seq = ladder->seqs[i];
        /* Above the last level nothing is completed. */
        bool nothing = i + 1 < SKIP_LEVELS ? blocks % SKIP_STEP == 0 : blocks == 0;
        AUDIT_CHECK(audit, I7, (ladder->oldest_us[i] == SKIP_NOTHING_US) == nothing, astray);
    }
    return true;
}
