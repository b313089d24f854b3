#include "ledger/state.h"

/* Odd, so that one figure that is wrong never cancels out. */
#define MIX_1 UINT64_C(0x9e3779b97f4a7c15)
#define MIX_2 UINT64_C(0xbf58476d1ce4e5b9)
#define MIX_3 UINT64_C(0x94d049bb133111eb)

/* ---- the hashes of blocks ---- */

static uint32_t part_count_max(const struct ledger_limits *limits, enum state_part part)
{
    const uint32_t most[PART_HASHED] = {
        [PART_ITEM] = limits->item_count_max,
        [PART_LOCATION] = limits->location_count_max,
        [PART_SOURCE] = limits->source_count_max,
        [PART_CHANNEL] = CHANNELS_MAX,
        [PART_CELL] = limits->cell_count_max,
        [PART_QUOTA] = limits->quota_count_max,
        [PART_OFFER] = limits->offer_count_max,
        [PART_CLAIM] = limits->claim_count_max,
        [PART_CLAIM_LINE] = limits->claim_line_count_max,
        [PART_TRANSFER] = limits->transfer_count_max,
        [PART_EXPECTATION] = limits->expectation_count_max,
        [PART_DOCUMENT_LINE] = limits->document_line_count_max,
        [PART_MARK] = limits->mark_count_max,
        [PART_REVIEW] = limits->review_count_max,
        [PART_STATEMENT] = limits->statement_count_max,
        [PART_ID] = id_places(limits->id_count_max),
    };
    return most[part];
}

size_t part_blocks_max(const struct ledger_limits *limits, enum state_part part)
{
    return (size_t)part_count_max(limits, part) / BLOCK_ENTRIES + 1;
}

size_t audit_bytes(const struct ledger_limits *limits)
{
    size_t bytes = 0;
    for (unsigned part = 0; part < PART_HASHED; part++)
        bytes += region_round(part_blocks_max(limits, (enum state_part)part) * sizeof(uint64_t));
    return bytes;
}

void audit_init(struct ledger *ledger, struct region *region)
{
    for (unsigned part = 0; part < PART_HASHED; part++)
        ledger->block_hashes[part] =
            region_take(region, part_blocks_max(&ledger->limits, (enum state_part)part), sizeof(uint64_t));
}

/* ---- parts ---- */

uint32_t part_count(const struct ledger *ledger, enum state_part part)
{
    switch (part) {
    case PART_ITEM:
    case PART_LOCATION:
    case PART_SOURCE:
    case PART_CHANNEL:
        return ledger->names[part].count;
    case PART_CELL:
        return ledger->cell_count;
    case PART_QUOTA:
        return ledger->quota_count;
    case PART_OFFER:
        return ledger->offer_count;
    case PART_CLAIM:
        return ledger->claims.entry_count;
    case PART_CLAIM_LINE:
        return ledger->claims.line_count;
    case PART_TRANSFER:
        return ledger->documents[DOCUMENT_TRANSFER].entry_count;
    case PART_EXPECTATION:
        return ledger->documents[DOCUMENT_EXPECTATION].entry_count;
    case PART_DOCUMENT_LINE:
        return ledger->document_lines.count;
    case PART_MARK:
        return ledger->marks.count;
    case PART_REVIEW:
        return ledger->reviews.count;
    case PART_STATEMENT:
        return ledger->statements.count;
    case PART_ID:
        return (uint32_t)(ledger->ids.next < ledger->ids.ring_count ? ledger->ids.next : ledger->ids.ring_count);
    case PART_EXPIRY:
    case PART_COUNT:
    default:
        break;
    }
    return ledger->claims.heap_count;
}

static bool entry_hashed(const struct ledger *ledger, enum state_part part, uint32_t entry, struct audit *audit)
{
    switch (part) {
    case PART_ITEM:
        return item_hashed(ledger, entry, audit);
    case PART_LOCATION:
        return location_hashed(ledger, entry, audit);
    case PART_SOURCE:
        return source_hashed(ledger, entry, audit);
    case PART_CHANNEL:
        return channel_hashed(ledger, entry, audit);
    case PART_CELL:
        return cell_hashed(ledger, entry, audit);
    case PART_QUOTA:
        return quota_hashed(ledger, entry, audit);
    case PART_OFFER:
        return offer_hashed(ledger, entry, audit);
    case PART_CLAIM:
        return claim_hashed(ledger, entry, audit);
    case PART_CLAIM_LINE:
        return claim_line_hashed(ledger, entry, audit);
    case PART_TRANSFER:
        return document_hashed(ledger, DOCUMENT_TRANSFER, entry, audit);
    case PART_EXPECTATION:
        return document_hashed(ledger, DOCUMENT_EXPECTATION, entry, audit);
    case PART_DOCUMENT_LINE:
        return document_line_hashed(ledger, entry, audit);
    case PART_MARK:
        return mark_hashed(ledger, entry, audit);
    case PART_REVIEW:
        return review_hashed(ledger, entry, audit);
    case PART_STATEMENT:
        return statement_hashed(ledger, entry, audit);
    case PART_ID:
    case PART_EXPIRY:
    case PART_COUNT:
    default:
        break;
    }
    return id_hashed(ledger, entry, audit);
}

static bool entry_sound(const struct ledger *ledger, enum state_part part, uint32_t entry, struct audit *audit)
{
    switch (part) {
    case PART_ITEM:
        return item_sound(ledger, entry, audit);
    case PART_LOCATION:
        return location_sound(ledger, entry, audit);
    case PART_SOURCE:
        return source_sound(ledger, entry, audit);
    case PART_CHANNEL:
        return channel_sound(ledger, entry, audit);
    case PART_CELL:
        return cell_sound(ledger, entry, audit);
    case PART_QUOTA:
        return quota_sound(ledger, entry, audit);
    case PART_OFFER:
        return offer_sound(ledger, entry, audit);
    case PART_CLAIM:
        return claim_sound(ledger, entry, audit);
    case PART_CLAIM_LINE:
        return claim_line_sound(ledger, entry, audit);
    case PART_TRANSFER:
        return document_sound(ledger, DOCUMENT_TRANSFER, entry, audit);
    case PART_EXPECTATION:
        return document_sound(ledger, DOCUMENT_EXPECTATION, entry, audit);
    case PART_DOCUMENT_LINE:
        return document_line_sound(ledger, entry, audit);
    case PART_MARK:
        return mark_sound(ledger, entry, audit);
    case PART_REVIEW:
        return review_sound(ledger, entry, audit);
    case PART_STATEMENT:
        return statement_sound(ledger, entry, audit);
    case PART_ID:
        return id_sound(ledger, entry, audit);
    case PART_EXPIRY:
    case PART_COUNT:
    default:
        break;
    }
    return expiry_sound(ledger, entry, audit);
}

/* What an entry of a part is held against, a bit for each; the state hash comes with its block. */
static unsigned part_invariants(enum state_part part)
{
    static const unsigned invariants[PART_COUNT] = {
        [PART_ITEM] = 1u << INVARIANT_I1,
        [PART_CHANNEL] = 1u << INVARIANT_I3 | 1u << INVARIANT_I4,
        [PART_CELL] = 1u << INVARIANT_I1 | 1u << INVARIANT_I2 | 1u << INVARIANT_I5 | 1u << INVARIANT_I7,
        [PART_QUOTA] = 1u << INVARIANT_I3,
        [PART_OFFER] = 1u << INVARIANT_I4,
        [PART_CLAIM] = 1u << INVARIANT_I2 | 1u << INVARIANT_I6,
        [PART_CLAIM_LINE] = 1u << INVARIANT_I2 | 1u << INVARIANT_I3 | 1u << INVARIANT_I5,
        [PART_TRANSFER] = 1u << INVARIANT_I5 | 1u << INVARIANT_I6,
        [PART_EXPECTATION] = 1u << INVARIANT_I5 | 1u << INVARIANT_I6,
        [PART_DOCUMENT_LINE] = 1u << INVARIANT_I5,
        [PART_ID] = 1u << INVARIANT_I6,
        [PART_EXPIRY] = 1u << INVARIANT_I6,
    };
    return invariants[part] | (part < PART_HASHED ? 1u << INVARIANT_STATE : 0);
}

static const char *part_name(enum state_part part)
{
    static const char *const names[PART_COUNT] = {
        "items",     "locations",    "sources",        "channels", "cells",   "quotas", "offers", "holds", "hold lines",
        "transfers", "expectations", "document lines", "counts",   "reviews", "statements", "ids", "expiry",
    };
    return names[part];
}

/* ---- sums ---- */

static uint64_t weight(const struct ledger *ledger, uint32_t key, uint32_t with)
{
    return cell_key_hash(ledger, key, with) | 1;
}

static uint64_t mix_claimed(const struct figures *figures)
{
    return (uint64_t)figures->units[FIGURE_HELD] + MIX_1 * (uint64_t)figures->units[FIGURE_COMMITTED] +
           MIX_2 * (uint64_t)figures->units[FIGURE_PICKED] + MIX_3 * (uint64_t)figures->units[FIGURE_BACKORDERED];
}

static uint64_t mix_expected(const struct figures *figures)
{
    return (uint64_t)figures->units[FIGURE_IN_TRANSIT] + MIX_1 * (uint64_t)figures->units[FIGURE_INCOMING] +
           MIX_2 * (uint64_t)figures->units[FIGURE_OUTGOING];
}

/* What a line of a claim, or of a document, puts into the figures of its cell. */
static struct figures claimed_by(const struct claim_line *line)
{
    struct figures figures = {{0}};
    figures.units[FIGURE_HELD] = line->units[CLAIM_HELD];
    figures.units[FIGURE_COMMITTED] = line->units[CLAIM_COMMITTED];
    figures.units[FIGURE_PICKED] = line->units[CLAIM_PICKED];
    figures.units[FIGURE_BACKORDERED] = line->units[CLAIM_BACKORDERED];
    return figures;
}

static struct figures expected_by(const struct document_line *line)
{
    struct figures figures = {{0}};
    if (line->kind == DOCUMENT_TRANSFER)
        figures.units[FIGURE_IN_TRANSIT] = line->units;
    if (line->due_list < DUE_OUT_INSTANT)
        figures.units[FIGURE_INCOMING] = line->units;
    else if (line->due_list < DUE_UNDATED)
        figures.units[FIGURE_OUTGOING] = line->units;
    return figures;
}

static void cell_terms(const struct ledger *ledger, uint32_t number, uint64_t sign, uint64_t sums[SUM_COUNT])
{
    const struct cell *cell = &ledger->cells[number];
    struct figures figures = cell_figures(ledger, number);
    int64_t moved = figures_on_hand(&figures) + figures.units[FIGURE_IN_TRANSIT];
    uint64_t own = sign * weight(ledger, number, NUMBER_NONE);
    sums[SUM_MOVED] += sign * weight(ledger, cell->item, NUMBER_NONE) * (uint64_t)moved;
    sums[SUM_CLAIMED] += own * mix_claimed(&figures);
    sums[SUM_EXPECTED] += own * mix_expected(&figures);
    if (LIKELY(ledger->bin_count == 0 && figures.units[FIGURE_IN_BINS] == 0))
        return;
    sums[SUM_IN_BINS] += sign * weight(ledger, cell->item, cell->location) * (uint64_t)figures.units[FIGURE_IN_BINS];
    uint32_t node = node_of(ledger, cell->location);
    if (node != cell->location && node != NUMBER_NONE)
        sums[SUM_IN_BINS] -= sign * weight(ledger, cell->item, node) * (uint64_t)figures.units[CONDITION_SELLABLE];
}

void terms_add(const struct ledger *ledger, enum state_part part, uint32_t entry, uint64_t sign, uint64_t sums[SUM_COUNT])
{
    if (part == PART_CELL) {
        cell_terms(ledger, entry, sign, sums);
    } else if (part == PART_CLAIM_LINE) {
        const struct claim_line *line = &ledger->claims.lines[entry];
        struct figures figures = claimed_by(line);
        sums[SUM_CLAIMED] -= sign * weight(ledger, line->cell, NUMBER_NONE) * mix_claimed(&figures);
    } else if (part == PART_DOCUMENT_LINE) {
        const struct document_line *line = &ledger->document_lines.entries[entry];
        struct figures figures = expected_by(line);
        sums[SUM_EXPECTED] -= sign * weight(ledger, line->cell, NUMBER_NONE) * mix_expected(&figures);
    } else if (part == PART_ITEM) {
        int64_t outside = 0;
        for (unsigned a = 0; a < ACCOUNT_COUNT; a++)
            outside += ledger->items[entry].accounts[a];
        sums[SUM_MOVED] += sign * weight(ledger, entry, NUMBER_NONE) * (uint64_t)outside;
    }
}

void terms_before(struct ledger *ledger, const struct event *event)
{
    uint32_t cell = cell_find(ledger, event->item, event->location);
    terms_out(ledger, PART_ITEM, event->item);
    if (cell != NUMBER_NONE)
        terms_out(ledger, PART_CELL, cell);
}

void terms_behind(struct ledger *ledger, const struct event *event, uint32_t cell)
{
    terms_in(ledger, PART_ITEM, event->item);
    terms_in(ledger, PART_CELL, cell);
}

/* ---- what is wrong ---- */

bool audit_find(struct audit *audit, enum invariant invariant, const char *what)
{
    audit->found = true;
    audit->finding.invariant = invariant;
    audit->finding.what = what;
    audit->finding.table = part_name(audit->part);
    audit->finding.entry = audit->entry;
    audit->finding.entries = 1;
    return false;
}

static void name_item(const struct ledger *ledger, uint32_t item, struct finding *finding)
{
    finding->item = ledger_name(ledger, NAME_ITEM, item);
    finding->scale = ledger->items[item].scale;
}

static void name_cell(const struct ledger *ledger, uint32_t cell, struct finding *finding)
{
    if (cell >= ledger->cell_count)
        return;
    name_item(ledger, ledger->cells[cell].item, finding);
    finding->location = ledger_name(ledger, NAME_LOCATION, ledger->cells[cell].location);
}

static void name_text(const struct textpool *texts, struct textref ref, struct finding *finding)
{
    if (textpool_holds(texts, ref))
        finding->name = textpool_text(texts, ref);
}

static void name_claim(const struct ledger *ledger, uint32_t claim, struct finding *finding)
{
    if (claim < ledger->claims.entry_count)
        name_text(&ledger->claims.texts, ledger->claims.entries[claim].name, finding);
}

static void name_document(const struct ledger *ledger, enum document_kind kind, uint32_t document, struct finding *finding)
{
    if (kind < DOCUMENT_KIND_COUNT && document < ledger->documents[kind].entry_count)
        name_text(&ledger->documents[kind].names, ledger->documents[kind].entries[document].name, finding);
}

/* Says of what the entry is, as far as it can be told. */
static void name_entry(const struct ledger *ledger, enum state_part part, uint32_t entry, struct finding *finding)
{
    const struct document_line *line;
    if (part <= PART_CHANNEL && !name_held(ledger, (enum name_space)part, entry))
        return;
    switch (part) {
    case PART_ITEM:
        name_item(ledger, entry, finding);
        return;
    case PART_LOCATION:
        finding->location = ledger_name(ledger, NAME_LOCATION, entry);
        return;
    case PART_SOURCE:
        finding->name = ledger_name(ledger, NAME_SOURCE, entry);
        return;
    case PART_CHANNEL:
        finding->name = ledger_name(ledger, NAME_CHANNEL, entry);
        return;
    case PART_CELL:
        name_cell(ledger, entry, finding);
        return;
    case PART_QUOTA:
        name_cell(ledger, ledger->quotas[entry].cell, finding);
        finding->name = ledger_name(ledger, NAME_CHANNEL, ledger->quotas[entry].channel);
        return;
    case PART_OFFER:
        name_item(ledger, ledger->offers[entry].item, finding);
        finding->name = ledger_name(ledger, NAME_CHANNEL, ledger->offers[entry].channel);
        return;
    case PART_CLAIM:
        name_claim(ledger, entry, finding);
        return;
    case PART_CLAIM_LINE:
        name_cell(ledger, ledger->claims.lines[entry].cell, finding);
        name_claim(ledger, ledger->claims.lines[entry].claim, finding);
        return;
    case PART_TRANSFER:
        name_document(ledger, DOCUMENT_TRANSFER, entry, finding);
        return;
    case PART_EXPECTATION:
        name_document(ledger, DOCUMENT_EXPECTATION, entry, finding);
        return;
    case PART_DOCUMENT_LINE:
        line = &ledger->document_lines.entries[entry];
        name_cell(ledger, line->cell, finding);
        name_document(ledger, line->kind, line->document, finding);
        return;
    case PART_EXPIRY:
        name_claim(ledger, ledger->claims.heap[entry], finding);
        return;
    case PART_MARK:
        name_cell(ledger, ledger->marks.entries[entry].cell, finding);
        return;
    case PART_STATEMENT:
        name_cell(ledger, ledger->statements.entries[entry].cell, finding);
        return;
    case PART_REVIEW: /* a number, and a hash: nothing to be named by */
    case PART_ID:
    case PART_COUNT:
    default:
        return;
    }
}

/* The key that an entry's terms in these sums have: an item, or a cell. */
static uint32_t key_of(const struct ledger *ledger, enum sum sum, enum state_part part, uint32_t entry)
{
    if (part == PART_CLAIM_LINE)
        return ledger->claims.lines[entry].cell;
    if (part == PART_DOCUMENT_LINE)
        return ledger->document_lines.entries[entry].cell;
    return part == PART_CELL && sum <= SUM_IN_BINS ? ledger->cells[entry].item : entry;
}

/* A sum over the keys from `first` to before `end`, made anew. */
static uint64_t sum_between(const struct ledger *ledger, enum sum sum, uint32_t first, uint32_t end)
{
    static const enum state_part parts[] = {PART_ITEM, PART_CELL, PART_CLAIM_LINE, PART_DOCUMENT_LINE};
    uint64_t sums[SUM_COUNT] = {0};
    for (unsigned p = 0; p < sizeof(parts) / sizeof(parts[0]); p++) {
        uint32_t count = part_count(ledger, parts[p]);
        for (uint32_t entry = 0; entry < count; entry++) {
            uint32_t key = key_of(ledger, sum, parts[p], entry);
            if (key >= first && key < end)
                terms_add(ledger, parts[p], entry, 1, sums);
        }
    }
    return sums[sum];
}

static void figures_add(struct figures *figures, struct figures more)
{
    for (unsigned f = 0; f < FIGURE_COUNT; f++)
        figures->units[f] += more.units[f];
}

/* What the lines of claims and of documents say of a cell. */
static struct figures figures_by_lines(const struct ledger *ledger, uint32_t cell)
{
    struct figures figures = {{0}};
    for (uint32_t l = 0; l < ledger->claims.line_count; l++) {
        if (ledger->claims.lines[l].cell == cell)
            figures_add(&figures, claimed_by(&ledger->claims.lines[l]));
    }
    for (uint32_t l = 0; l < ledger->document_lines.count; l++) {
        if (ledger->document_lines.entries[l].cell == cell)
            figures_add(&figures, expected_by(&ledger->document_lines.entries[l]));
    }
    return figures;
}

/* Notes in which figure a cell differs from what the lines say of it. */
static void find_in_cell(const struct ledger *ledger, struct audit *audit, enum sum sum, uint32_t cell)
{
    static const char *const what[FIGURE_COUNT] = {
        [FIGURE_HELD] = "held is not the sum over its holds",
        [FIGURE_COMMITTED] = "committed is not the sum over its holds",
        [FIGURE_PICKED] = "picked is not the sum over its holds",
        [FIGURE_BACKORDERED] = "backordered is not the sum over its holds",
        [FIGURE_IN_TRANSIT] = "in_transit is not the sum over its transfers",
        [FIGURE_INCOMING] = "incoming is not the sum over its transfers and expectations",
        [FIGURE_OUTGOING] = "outgoing is not the sum over its expectations",
    };
    struct figures should = figures_by_lines(ledger, cell);
    struct figures are = cell_figures(ledger, cell);
    unsigned f = sum == SUM_CLAIMED ? FIGURE_HELD : FIGURE_IN_TRANSIT; /* one of these, or it would not be looked for */
    while (should.units[f] == are.units[f])
        f++;
    (void)audit_find(audit, sum == SUM_CLAIMED ? INVARIANT_I2 : INVARIANT_I5, what[f]);
    audit->finding.expected = should.units[f];
    audit->finding.found = are.units[f];
    audit->finding.entry = cell;
    name_cell(ledger, cell, &audit->finding);
}

/* Notes what of an item does not add up. */
static void find_in_item(const struct ledger *ledger, struct audit *audit, enum sum sum, uint32_t item)
{
    uint32_t cell = ledger->items[item].first_cell;
    if (sum == SUM_IN_BINS) {
        while (cell != 0) {
            struct figures figures = cell_figures(ledger, cell - 1);
            int64_t should = bins_sum(ledger, item, ledger->cells[cell - 1].location);
            if (figures.units[FIGURE_IN_BINS] != should)
                break;
            cell = ledger->cells[cell - 1].next_of_item;
        }
        (void)audit_find(audit, INVARIANT_I4, "in_bins is not the sum over its bins");
        name_item(ledger, item, &audit->finding);
        if (cell == 0)
            return; /* its node has no cell */
        name_cell(ledger, cell - 1, &audit->finding);
        audit->finding.entry = cell - 1;
        audit->finding.expected = bins_sum(ledger, item, ledger->cells[cell - 1].location);
        audit->finding.found = cell_figures(ledger, cell - 1).units[FIGURE_IN_BINS];
        return;
    }
    int64_t left = 0;
    for (unsigned a = 0; a < ACCOUNT_COUNT; a++)
        left += ledger->items[item].accounts[a];
    for (uint32_t c = 0; c < ledger->cell_count; c++) {
        struct figures figures = cell_figures(ledger, c);
        if (ledger->cells[c].item == item)
            left += figures_on_hand(&figures) + figures.units[FIGURE_IN_TRANSIT];
    }
    (void)audit_find(audit, INVARIANT_I1, "what is in its cells and what came and went do not add up to 0");
    audit->finding.entry = item;
    name_item(ledger, item, &audit->finding);
    audit->finding.found = left;
}

/* A sum is not 0. Halves the keys until one is left. */
static void find_in_sum(const struct ledger *ledger, struct audit *audit, enum sum sum)
{
    bool by_item = sum <= SUM_IN_BINS;
    audit->part = sum == SUM_MOVED ? PART_ITEM : PART_CELL;
    uint32_t first = 0;
    uint32_t end = by_item ? ledger->names[NAME_ITEM].count : ledger->cell_count;
    audit->entry = 0;
    if (sum_between(ledger, sum, first, end) == 0) { /* an event has written over what was wrong */
        (void)audit_find(audit, INVARIANT_STATE, "a sum over them did not come out at the end of a pass, and does now");
        audit->finding.entries = end;
        return;
    }
    while (end - first > 1) {
        uint32_t middle = first + (end - first) / 2;
        if (sum_between(ledger, sum, first, middle) != 0)
            end = middle;
        else
            first = middle;
    }
    if (by_item)
        find_in_item(ledger, audit, sum, first);
    else
        find_in_cell(ledger, audit, sum, first);
}

/* ---- the walk ---- */

/* The block that begins with the entry is what it is to be. */
static bool block_hashed(const struct ledger *ledger, struct audit *audit)
{
    uint32_t block = audit->entry;
    uint32_t count = part_count(ledger, audit->part);
    uint32_t end = count - block < BLOCK_ENTRIES ? count : block + BLOCK_ENTRIES;
    audit->hash = 0;
    for (; audit->entry < end; audit->entry++) {
        if (!entry_hashed(ledger, audit->part, audit->entry, audit))
            return false;
    }
    audit->looked_at += end - block;
    audit->entry = block + BLOCK_ENTRIES; /* though it may grow now */
    if (audit->hash == ledger->block_hashes[audit->part][block / BLOCK_ENTRIES])
        return true;
    audit->entry = block;
    (void)audit_find(audit, INVARIANT_STATE, "they are not what their last events made them");
    audit->finding.entries = end - block;
    return false;
}

/* The entry says what can be. */
static bool one_sound(const struct ledger *ledger, struct audit *audit)
{
    if (!entry_sound(ledger, audit->part, audit->entry, audit))
        return false;
    terms_add(ledger, audit->part, audit->entry, 1, audit->sums);
    for (unsigned i = 0; i < INVARIANT_COUNT; i++)
        audit->checked[i] += part_invariants(audit->part) >> i & 1;
    audit->looked_at++;
    audit->end[audit->part] = ++audit->entry;
    return true;
}

static void finish_pass(const struct ledger *ledger, struct audit *audit)
{
    for (unsigned sum = 0; sum < SUM_COUNT && !audit->found; sum++) {
        if (audit->sums[sum] != 0 && !(sum == SUM_IN_BINS && audit->moved))
            find_in_sum(ledger, audit, (enum sum)sum);
    }
    if (audit->found)
        return;
    audit->passes++;
    memcpy(audit->checked_before, audit->checked, sizeof(audit->checked));
    memset(audit->checked, 0, sizeof(audit->checked));
    memset(audit->sums, 0, sizeof(audit->sums));
    memset(audit->end, 0, sizeof(audit->end));
    audit->hashed = false;
    audit->part = PART_ITEM;
}

/* One entry more, or one block, or what comes behind the last of a part. */
static void go_on(const struct ledger *ledger, struct audit *audit)
{
    if (audit->part == PART_COUNT) {
        finish_pass(ledger, audit);
        return;
    }
    if (audit->entry >= part_count(ledger, audit->part)) {
        if (audit->hashed)
            audit->end[audit->part] = UINT32_MAX; /* those that come now are known as they come */
        audit->part++;
        audit->entry = 0;
        if (audit->hashed || audit->part != PART_HASHED)
            return;
        audit->hashed = true;
        audit->moved = false;
        audit->part = PART_ITEM;
        return;
    }
    audit->finding = (struct finding){.item = TEXT_NONE, .location = TEXT_NONE, .name = TEXT_NONE};
    bool right = audit->hashed ? one_sound(ledger, audit) : block_hashed(ledger, audit);
    if (!right && audit->finding.entries == 1)
        name_entry(ledger, audit->part, audit->entry, &audit->finding);
}

bool ledger_audit(struct ledger *ledger, uint32_t entries)
{
    struct audit *audit = &ledger->audit;
    uint64_t passes = audit->passes;
    uint64_t until = audit->looked_at + entries;
    while (!audit->found && audit->looked_at < until && audit->passes == passes)
        go_on(ledger, audit);
    return !audit->found;
}

void audit_whole(const struct ledger *ledger)
{
    struct audit audit = {.passes = 0};
    while (!audit.found && audit.passes == 0)
        go_on(ledger, &audit);
    if (audit.found)
        check_failed(audit.finding.what, audit.finding.table, (int)audit.finding.entry);
    uint64_t hash = 0;
    for (unsigned part = 0; part < PART_HASHED; part++) {
        for (uint32_t entry = 0; entry < part_count(ledger, (enum state_part)part); entry += BLOCK_ENTRIES)
            hash += ledger->block_hashes[part][entry / BLOCK_ENTRIES];
    }
    CHECK(hash == ledger->entries_hash);
}

void ledger_audit_look(const struct ledger *ledger, struct audit_view *out_view)
{
    const struct audit *audit = &ledger->audit;
    *out_view = (struct audit_view){
        .passes = audit->passes,
        .entries = audit->looked_at,
        .in_pass = audit->hashed || audit->part != PART_ITEM || audit->entry != 0,
        .found = audit->found,
        .finding = audit->finding,
    };
    memcpy(out_view->checked, audit->checked_before, sizeof(out_view->checked));
}

const char *invariant_name(enum invariant invariant)
{
    static const char *const names[INVARIANT_COUNT] = {"I1", "I2", "I3", "I4", "I5", "I6", "I7", "state"};
    return names[invariant];
}
