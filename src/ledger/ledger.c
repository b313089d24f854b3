/*
 * The ledger as a whole: its memory, evolve, and the views for readers.
 *
 * Everything lies in one region, cut into tables at start. Evolve applies one decision: new names, then what has left
 * the window, then the events one by one, then the remembered id. The order matters and is part of the format: replay
 * must take the same steps.
 */
#include "ledger/state.h"

/* A tick has nothing else to do. */
#define FORGET_BY_TICK 256

#define ID_WINDOW_DEFAULT_MS (INT64_C(7) * 24 * 60 * 60 * 1000) /* API.md section 1 */

struct ledger_limits ledger_limits_most(void)
{
    return (struct ledger_limits){
        .item_count_max = UINT32_C(1) << 30,
        .location_count_max = UINT32_C(1) << 24,
        .source_count_max = UINT32_C(1) << 24,
        .cell_count_max = UINT32_C(1) << 30,
        .claim_count_max = CLAIMS_MAX,
        .claim_line_count_max = UINT32_C(1) << 30,
        .quota_count_max = UINT32_C(1) << 28,
        .offer_count_max = UINT32_C(1) << 30,
        .transfer_count_max = DOCUMENTS_MAX,
        .expectation_count_max = DOCUMENTS_MAX,
        .document_line_count_max = UINT32_C(1) << 30,
        .mark_count_max = UINT32_C(1) << 30,
        .review_count_max = UINT32_C(1) << 28,
        .statement_count_max = UINT32_C(1) << 30,
        .id_count_max = UINT32_C(1) << 30,
        .config_mib_max = CONFIG_MIB_MAX,
        .part_count_max = UINT32_C(1) << 30,
        .alias_count_max = UINT32_C(1) << 30,
    };
}

size_t ledger_bytes(const struct ledger_limits *limits)
{
    return region_round(sizeof(struct ledger)) + names_bytes(limits->item_count_max) +
           names_bytes(limits->location_count_max) + names_bytes(limits->source_count_max) +
           names_bytes(CHANNELS_MAX) +
           region_round((size_t)limits->item_count_max * sizeof(struct item)) +
           region_round((size_t)limits->location_count_max * sizeof(struct location)) +
           region_round((size_t)limits->source_count_max * sizeof(struct source)) +
           watches_bytes(limits->source_count_max) + configs_bytes(limits) +
           region_round((size_t)limits->cell_count_max * sizeof(struct cell)) +
           region_round((size_t)limits->cell_count_max * sizeof(struct ladder)) +
           region_round((size_t)limits->cell_count_max * sizeof(struct cell_extra)) + table_bytes(limits->cell_count_max) +
           claims_bytes(limits) + documents_bytes(limits) + marks_bytes(limits->mark_count_max) +
           statements_bytes(limits->statement_count_max) + reviews_bytes(limits->review_count_max) + region_round(COMMAND_BYTES_MAX) + region_round(sizeof(struct command)) +
           region_round((size_t)COMMAND_LINES_MAX * sizeof(struct command_line)) + ids_bytes(limits->id_count_max) +
           region_round((size_t)DRAFTS_MAX * sizeof(struct draft)) + region_round(sizeof(struct unread)) +
           region_round((size_t)DRAFTS_MAX * CONDITION_COUNT * sizeof(int64_t)) +
           region_round((size_t)DRAFTS_MAX * sizeof(uint32_t)) +
           region_round((size_t)DRAFTS_MAX * sizeof(struct reported)) +
           region_round(2 * sizeof(struct item_config)) +
           parts_bytes(limits->part_count_max) + region_round((size_t)CHANNELS_MAX * sizeof(struct channel)) +
           region_round((size_t)limits->quota_count_max * sizeof(struct quota)) + offers_bytes(limits->offer_count_max) +
           region_round((size_t)limits->location_count_max * CHANNEL_WORDS * sizeof(uint64_t)) +
           region_round(CONFIG_BYTES_MAX) + region_round(sizeof(struct pending)) +
           2 * region_round((size_t)limits->cell_count_max * sizeof(uint32_t)) +
           region_round((size_t)limits->claim_count_max * sizeof(uint64_t)) + audit_bytes(limits);
}

struct ledger *ledger_init(struct region *region, const struct ledger_limits *limits, const struct siphash_key *key)
{
    struct ledger *ledger = region_take(region, 1, sizeof(struct ledger));
    *ledger = (struct ledger){
        .limits = *limits,
        .key = *key,
        .id_window_ms = ID_WINDOW_DEFAULT_MS,
        .id_capacity = limits->id_count_max,
    };
    names_init(&ledger->names[NAME_ITEM], region, limits->item_count_max);
    names_init(&ledger->names[NAME_LOCATION], region, limits->location_count_max);
    names_init(&ledger->names[NAME_SOURCE], region, limits->source_count_max);
    names_init(&ledger->names[NAME_CHANNEL], region, CHANNELS_MAX);
    ledger->items = region_take(region, limits->item_count_max, sizeof(struct item));
    ledger->locations = region_take(region, limits->location_count_max, sizeof(struct location));
    ledger->sources = region_take(region, limits->source_count_max, sizeof(struct source));
    watches_init(&ledger->watches, region, limits->source_count_max);
    configs_init(&ledger->configs, region, limits);
    ledger->cells = region_take(region, limits->cell_count_max, sizeof(struct cell));
    ledger->ladders = region_take(region, limits->cell_count_max, sizeof(struct ladder));
    ledger->extras = region_take(region, limits->cell_count_max, sizeof(struct cell_extra));
    table_init(&ledger->cell_index, region, limits->cell_count_max);
    claims_init(&ledger->claims, region, limits);
    documents_init(ledger, region);
    marks_init(ledger, region);
    reviews_init(ledger, region);
    statements_init(ledger, region);
    ledger->held_room = region_take(region, COMMAND_BYTES_MAX, 1);
    ledger->held = region_take(region, 1, sizeof(struct command));
    ledger->held_lines = region_take(region, COMMAND_LINES_MAX, sizeof(struct command_line));
    ids_init(&ledger->ids, region, limits->id_count_max);
    ledger->drafts = region_take(region, DRAFTS_MAX, sizeof(struct draft));
    ledger->stated = region_take(region, DRAFTS_MAX, CONDITION_COUNT * sizeof(int64_t));
    ledger->unread = region_take(region, 1, sizeof(struct unread));
    ledger->unread->cells = region_take(region, DRAFTS_MAX, sizeof(uint32_t));
    ledger->unread->reported = region_take(region, DRAFTS_MAX, sizeof(struct reported));
    ledger->bodies = region_take(region, 2, sizeof(struct item_config));
    parts_init(&ledger->parts, region, limits->part_count_max);
    ledger->channels = region_take(region, CHANNELS_MAX, sizeof(struct channel));
    ledger->quotas = region_take(region, limits->quota_count_max, sizeof(struct quota));
    offers_init(ledger, region);
    ledger->location_channels = region_take(region, limits->location_count_max, CHANNEL_WORDS * sizeof(uint64_t));
    ledger->config_room = region_take(region, CONFIG_BYTES_MAX, 1);
    pending_init(ledger, region);
    audit_init(ledger, region);
    return ledger;
}

/* ---- evolve ---- */

static void name_evolve(struct ledger *ledger, const struct new_name *name)
{
    CHECK(name->number == ledger->names[name->space].count);
    names_add(ledger, name->space, name->name);
    if (name->space == NAME_ITEM)
        hash_in(ledger, PART_ITEM, name->number, item_hash(name->number, &ledger->items[name->number]));
    if (name->space == NAME_LOCATION)
        hash_in(ledger, PART_LOCATION, name->number, location_hash(ledger, name->number));
    if (name->space == NAME_SOURCE)
        hash_in(ledger, PART_SOURCE, name->number, source_hash(ledger, name->number));
    if (name->space == NAME_CHANNEL)
        channel_create(ledger, name->number);
}

static void settings_evolve(struct ledger *ledger, const struct decision *decision)
{
    ledger->id_window_ms = decision->id_window_ms;
    ledger->id_capacity = decision->id_capacity;
    ledger->strict = decision->strict;
    silence_listen(ledger);
}

/* Of statements, what somebody said of the stock, and of the few events that came with them. */
static NEVER_INLINE void said_evolve(struct ledger *ledger, const struct decision *decision, const struct event *event,
                                     uint32_t cell)
{
    if (event->count_seq != 0)
        mark_evolve(ledger, event, cell, ledger->now_us);
    if (event->type >= EVENT_SNAPSHOT)
        statement_evolve(ledger, decision, event, cell);
    if (event->type == EVENT_CLOSE_PERIOD)
        period_evolve(ledger, event);
    if (event->review != 0)
        review_evolve(ledger, decision, event);
}

void ledger_evolve(struct ledger *ledger, const struct decision *decision)
{
    CHECK(decision->recorded_at_us >= ledger->now_us);
    ledger->now_us = decision->recorded_at_us;
    bool tick = decision->kind == KIND_TICK;
    ids_forget(ledger, ledger->now_us, tick ? FORGET_BY_TICK : FORGET_IDS);
    claims_forget(ledger, ledger->now_us, tick ? FORGET_BY_TICK : FORGET_CLAIMS);
    documents_forget(ledger, ledger->now_us, tick ? FORGET_BY_TICK : FORGET_DOCUMENTS);
    if (UNLIKELY(ledger->marks.recent_first != 0)) /* most of the time there is none, as of the next */
        marks_forget(ledger, ledger->now_us, tick ? FORGET_BY_TICK : FORGET_MARKS);
    if (UNLIKELY(ledger->reviews.closed_first != 0))
        reviews_forget(ledger, ledger->now_us, tick ? FORGET_BY_TICK : FORGET_REVIEWS);
    for (uint32_t i = 0; i < decision->name_count; i++)
        name_evolve(ledger, &decision->names[i]);
    if (decision->event_count == 0) {
        CHECK(tick);
        return;
    }
    CHECK(decision->first_seq == ledger->last_seq + 1);
    uint32_t shrunk = NUMBER_NONE;
    for (uint32_t i = 0; i < decision->event_count; i++) {
        struct event *event = &decision->events[i];
        CHECK(event->seq == ledger->last_seq + 1);
        ledger->last_seq = event->seq;
        if (event->config_space == NAME_CHANNEL)
            channel_evolve(ledger, event);
        else if (event->type == EVENT_CONFIG && decision->kind == KIND_SETTINGS)
            settings_evolve(ledger, decision);
        else if (event->type == EVENT_CONFIG)
            config_evolve(ledger, event);
        uint32_t cell = NUMBER_NONE;
        if (LIKELY(event->location != NUMBER_NONE)) {
            if (UNLIKELY(ledger->audit.hashed))
                terms_before(ledger, event);
            cell = cell_evolve(ledger, event, event_occurred_us(decision, event));
            if (UNLIKELY(ledger->audit.hashed))
                terms_behind(ledger, event, cell);
        } else if (event_of_silence(event))
            silence_evolve(ledger, event);
        if (event->claim != 0) {
            uint32_t claim = claim_evolve(ledger, event, cell, ledger->now_us);
            if (event->type == EVENT_RELEASE || event->type == EVENT_AMEND)
                shrunk = claim;
        }
        if (UNLIKELY((event->count_seq | event->review) != 0 || event->type >= EVENT_SNAPSHOT))
            said_evolve(ledger, decision, event, cell);
        if (event->transfer_number != 0 || event->expectation_number != 0)
            document_evolve(ledger, event, ledger->now_us);
        if (cell != NUMBER_NONE)
            pending_consider(ledger, cell);
    }
    if (shrunk != NUMBER_NONE)
        pending_consider_claim(ledger, shrunk);
    CHECK(decision->source < ledger->names[NAME_SOURCE].count);
    if (decision->has_seq && decision->source_seq > ledger->sources[decision->source].seq_mark) {
        hash_out(ledger, PART_SOURCE, decision->source, source_hash(ledger, decision->source));
        ledger->sources[decision->source].seq_mark = decision->source_seq;
        hash_in(ledger, PART_SOURCE, decision->source, source_hash(ledger, decision->source));
    }
    ledger->sources[decision->source].decided_us = ledger->now_us;
    if (UNLIKELY(ledger->watches.of_all != 0))
        silence_heard(ledger, decision->source);
    if (UNLIKELY(decision->events[0].reversed_seq != 0))
        id_reverse(ledger, id_hash(ledger, decision->events[0].of_source, decision->events[0].of_id));
    if (text_present(decision->id)) {
        struct hash128 hash = decision->has_id_hash
                                  ? decision->id_hash
                                  : id_hash(ledger, ledger_name(ledger, NAME_SOURCE, decision->source), decision->id);
        id_add(ledger, hash, decision->fingerprint, ledger->last_seq, ledger->now_us);
    }
}

/* Lines and claims the decision adds; as evolve would count them. */
static void count_new_claims(const struct ledger *ledger, const struct decision *decision, bool *out_claim,
                             uint32_t *out_lines)
{
    *out_claim = false;
    *out_lines = 0;
    for (uint32_t i = 0; i < decision->event_count; i++) {
        const struct event *event = &decision->events[i];
        if (event->claim == 0)
            continue;
        bool is_new = event->claim >= decision->first_seq;
        *out_claim = *out_claim || is_new;
        if (event->location == NUMBER_NONE)
            continue;
        uint32_t claim = is_new ? NUMBER_NONE : claim_find(ledger, event->hold, decision->recorded_at_us);
        uint32_t cell = cell_find(ledger, event->item, event->location);
        bool has_line = claim != NUMBER_NONE && cell != NUMBER_NONE &&
                        claim_line_find(ledger, claim, cell) != NUMBER_NONE;
        *out_lines += !has_line;
    }
}

/* Quotas the decision makes. */
static uint32_t new_quotas(const struct ledger *ledger, const struct decision *decision)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < decision->event_count; i++) {
        const struct event *event = &decision->events[i];
        if (event->channel_number != NUMBER_NONE)
            count += quota_find(ledger, cell_find(ledger, event->item, event->location), event->channel_number) == NULL;
    }
    return count;
}

const char *ledger_overflow(const struct ledger *ledger, const struct decision *decision)
{
    static const char *const options[NAME_SPACE_COUNT] = {"--items-max", "--locations-max", "--sources-max",
                                                          "the number of channels (a newer version wrote it)"};
    for (uint32_t i = 0; i < decision->name_count; i++) {
        const struct new_name *name = &decision->names[i];
        if (name->number >= ledger->names[name->space].count_max)
            return options[name->space];
    }
    uint32_t new_cells = 0;
    for (uint32_t i = 0; i < decision->event_count; i++)
        new_cells += decision->events[i].location != NUMBER_NONE && decision->events[i].version == 1;
    if (new_cells > ledger->limits.cell_count_max - ledger->cell_count)
        return "--cells-max";
    if (new_quotas(ledger, decision) > ledger->limits.quota_count_max - ledger->quota_count)
        return "--quotas-max";
    if (!offers_room(ledger, decision))
        return "--offers-max";
    bool new_claim;
    uint32_t new_lines;
    count_new_claims(ledger, decision, &new_claim, &new_lines);
    if ((new_claim || new_lines != 0) && !claims_room(ledger, decision->recorded_at_us, new_claim, new_lines))
        return "--holds-max or --hold-lines-max";
    const char *documents = documents_room(ledger, decision);
    if (documents != NULL)
        return documents;
    if (!marks_room(ledger, decision))
        return "--counts-max";
    if (!statements_room(ledger, decision))
        return "--statements-max";
    if (decision->event_count != 0 && !reviews_room(ledger, decision))
        return "--reviews-max";
    static const char *const lacks[] = {NULL, "--config-mib", "--aliases-max", "--parts-max"};
    return lacks[configs_overflow(ledger, decision)];
}

bool ledger_stale(const struct ledger *ledger, int64_t now_us)
{
    return ids_stale(ledger, now_us) || claims_stale(ledger, now_us) || documents_stale(ledger, now_us) ||
           marks_stale(ledger, now_us) || reviews_stale(ledger, now_us);
}

/* ---- state ---- */

uint64_t ledger_state_hash(const struct ledger *ledger)
{
    const uint64_t words[] = {(uint64_t)ledger->now_us, ledger->last_seq, (uint64_t)ledger->id_window_ms,
                              ledger->id_capacity, ledger->strict, ledger->ids.next, (uint64_t)ledger->listening_us,
                              (uint64_t)ledger->closed_us, ledger->closed_seq};
    return ledger->entries_hash + entry_hash(ENTRY_LEDGER, words, sizeof(words) / sizeof(words[0]));
}

int64_t ledger_now_us(const struct ledger *ledger)
{
    return ledger->now_us;
}

uint64_t ledger_last_seq(const struct ledger *ledger)
{
    return ledger->last_seq;
}

int64_t ledger_id_window_ms(const struct ledger *ledger)
{
    return ledger->id_window_ms;
}

uint32_t ledger_id_capacity(const struct ledger *ledger)
{
    return ledger->id_capacity;
}

uint64_t ledger_oldest_needed_seq(const struct ledger *ledger)
{
    uint64_t oldest = ledger->last_seq + 1;
    uint64_t of_ids = ids_oldest_seq(&ledger->ids);
    uint64_t of_reviews = reviews_oldest_seq(&ledger->reviews);
    oldest = of_ids < oldest ? of_ids : oldest;
    return of_reviews < oldest ? of_reviews : oldest;
}

bool ledger_strict(const struct ledger *ledger)
{
    return ledger->strict;
}

void ledger_check(const struct ledger *ledger)
{
    audit_whole(ledger);
    uint32_t retired = 0;
    for (unsigned space = 0; space < NAME_SPACE_COUNT; space++) {
        const struct names *names = &ledger->names[space];
        CHECK(names->index.count == names->count - names->retired_count);
        retired += names->retired_count;
    }
    CHECK(retired == ledger->retired_count);
    configs_check(ledger);
    cell_check(ledger);
    bins_check(ledger);
    quotas_check(ledger);
    parts_check(ledger);
    silence_check(ledger);
    offers_check(ledger);
    pending_check(ledger);
    claims_check(ledger);
    documents_check(ledger);
    marks_check(ledger);
    reviews_check(ledger);
    period_check(ledger);
    statements_check(ledger);
    ids_check(ledger);
}

struct ledger_counts ledger_counts(const struct ledger *ledger)
{
    return (struct ledger_counts){
        .items = ledger->names[NAME_ITEM].count - ledger->names[NAME_ITEM].retired_count,
        .locations = ledger->names[NAME_LOCATION].count - ledger->names[NAME_LOCATION].retired_count,
        .sources = ledger->names[NAME_SOURCE].count - ledger->names[NAME_SOURCE].retired_count,
        .channels = ledger->names[NAME_CHANNEL].count - ledger->names[NAME_CHANNEL].retired_count,
        .quotas = ledger->quota_count,
        .offers = ledger->offer_count,
        .cells = ledger->cell_count,
        .claims_live = ledger->claims.entry_live,
        .claims_kept = ledger->claims.entry_kept,
        .reviews_open = ledger->reviews.open,
        .ids = (uint32_t)(ledger->ids.next - ledger->ids.first),
    };
}

void ledger_frontiers(const struct ledger *ledger, struct ledger_frontier out_frontiers[LEDGER_FRONTIERS])
{
    const struct ledger_limits *limits = &ledger->limits;
    const struct claims *claims = &ledger->claims;
    const struct ids *ids = &ledger->ids;
    const struct names *items = &ledger->names[NAME_ITEM];
    const struct documents *transfers = &ledger->documents[DOCUMENT_TRANSFER];
    const struct documents *expectations = &ledger->documents[DOCUMENT_EXPECTATION];
    const struct document_lines *lines = &ledger->document_lines;
    const struct blockpool *bodies = &ledger->configs.bodies;
    const struct table *tables[] = {&claims->index, &ids->index, &ledger->cell_index, &items->index};
    const struct ledger_frontier arrays[] = {
        {claims->entries + claims->entry_count, claims->entries + limits->claim_count_max},
        {claims->lines + claims->line_count, claims->lines + limits->claim_line_count_max},
        {claims->texts.units + (size_t)claims->texts.unit_count * TEXTPOOL_UNIT_BYTES,
         claims->texts.units + (size_t)claims->texts.unit_count_max * TEXTPOOL_UNIT_BYTES},
        {claims->heap + claims->heap_count, claims->heap + limits->claim_count_max},
        {claims->cell_lines + ledger->cell_count, claims->cell_lines + limits->cell_count_max},
        {transfers->entries + transfers->entry_count, transfers->entries + transfers->count_max},
        {expectations->entries + expectations->entry_count, expectations->entries + expectations->count_max},
        {lines->entries + lines->count, lines->entries + limits->document_line_count_max},
        {ledger->extras + ledger->extra_count, ledger->extras + limits->cell_count_max},
        {ids->ring + ids->next % ids->ring_count, ids->ring + ids->ring_count},
        {ledger->cells + ledger->cell_count, ledger->cells + limits->cell_count_max},
        {ledger->items + items->count, ledger->items + limits->item_count_max},
        {items->entries + items->count, items->entries + items->count_max},
        {items->bytes + items->bytes_used, items->bytes + (size_t)items->count_max * NAME_BYTES_MAX},
        {bodies->units + (size_t)bodies->unit_count * BLOCKPOOL_UNIT_BYTES,
         bodies->units + (size_t)bodies->unit_count_max * BLOCKPOOL_UNIT_BYTES},
    };
    _Static_assert(sizeof(tables) / sizeof(tables[0]) + sizeof(arrays) / sizeof(arrays[0]) == LEDGER_FRONTIERS,
                   "every frontier is written");
    uint32_t n = 0;
    for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
        out_frontiers[n++] = arrays[i];
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++, n++)
        table_frontier(tables[i], &out_frontiers[n].used_end, &out_frontiers[n].end);
}

/* ---- views ---- */

bool ledger_item(const struct ledger *ledger, uint32_t number, struct item_view *out_view)
{
    if (number >= ledger->names[NAME_ITEM].count || ledger->names[NAME_ITEM].retired[number])
        return false;
    const struct item *item = &ledger->items[number];
    *out_view = (struct item_view){number, item->scale, item->config_seq != 0, item->config_seq};
    return true;
}

uint32_t ledger_cell_count(const struct ledger *ledger)
{
    return ledger->cell_count;
}

void ledger_cell(const struct ledger *ledger, uint32_t number, struct cell_view *out_view)
{
    CHECK(number < ledger->cell_count);
    const struct cell *cell = &ledger->cells[number];
    *out_view = (struct cell_view){
        .item = cell->item,
        .location = cell->location,
        .scale = ledger->items[cell->item].scale,
        .in_bin = ledger->locations[cell->location].no_promise,
        .figures = cell_figures(ledger, number),
        .version = cell->version,
        .last_seq = cell->last_seq,
    };
}

uint32_t ledger_cell_find(const struct ledger *ledger, uint32_t item, uint32_t location)
{
    return cell_find(ledger, item, location);
}

uint32_t ledger_cell_next(const struct ledger *ledger, uint32_t item, uint32_t cell)
{
    uint32_t next = cell == NUMBER_NONE ? ledger->items[item].first_cell : ledger->cells[cell].next_of_item;
    while (next != 0 && ledger->names[NAME_LOCATION].retired[ledger->cells[next - 1].location])
        next = ledger->cells[next - 1].next_of_item;
    return next == 0 ? NUMBER_NONE : next - 1;
}

static void claim_look(const struct ledger *ledger, uint32_t entry, struct claim_view *out_view)
{
    const struct claims *claims = &ledger->claims;
    const struct claim *claim = &claims->entries[entry];
    CHECK(claim->first_line != 0);
    *out_view = (struct claim_view){
        .claim = claim->number,
        .hold = textpool_text(&claims->texts, claim->name),
        .holder = textpool_text(&claims->texts, claim->holder),
        .channel = textpool_text(&claims->texts, claim->channel),
        .state = claim->state,
        .paid = claim->paid,
        .priority = claim->priority,
        .at = claim->at,
        .expires_at_us = claim->expires_at_us,
        .line = claim->first_line - 1,
    };
}

bool ledger_claim_at(const struct ledger *ledger, uint32_t entry, struct claim_view *out_view)
{
    if (!claim_is_kept(ledger, entry, ledger->now_us))
        return false;
    claim_look(ledger, entry, out_view);
    return true;
}

bool ledger_claim(const struct ledger *ledger, struct text hold, struct claim_view *out_view)
{
    uint32_t entry = claim_find(ledger, hold, ledger->now_us);
    if (entry == NUMBER_NONE)
        return false;
    claim_look(ledger, entry, out_view);
    return true;
}

void ledger_claim_line(const struct ledger *ledger, uint32_t number, struct claim_line_view *out_view)
{
    const struct claim_line *line = &ledger->claims.lines[number];
    const struct cell *cell = &ledger->cells[line->cell];
    *out_view = (struct claim_line_view){
        .claim = line->claim,
        .item = cell->item,
        .location = cell->location,
        .scale = ledger->items[cell->item].scale,
        .next = line->next == 0 ? NUMBER_NONE : line->next - 1,
    };
    memcpy(out_view->units, line->units, sizeof(out_view->units));
}

int64_t ledger_account(const struct ledger *ledger, uint32_t item, enum account account)
{
    return ledger->items[item].accounts[account];
}

uint32_t ledger_name_count(const struct ledger *ledger, enum name_space space)
{
    return ledger->names[space].count;
}

uint64_t ledger_source_seq(const struct ledger *ledger, uint32_t source)
{
    return ledger->sources[source].seq_mark;
}

uint32_t ledger_claim_places(const struct ledger *ledger)
{
    return ledger->claims.entry_count;
}

/* ---- names of the enums ---- */

const char *event_name(enum event_type type)
{
    static const char *const names[EVENT_COUNT] = {
#define X(upper, lower) #lower,
        EVENT_MAP(X)
#undef X
    };
    return names[type];
}

const char *figure_name(enum figure figure)
{
    static const char *const names[FIGURE_COUNT] = {
#define X(upper, lower) #lower,
        CONDITION_MAP(X)
#undef X
        "held", "committed", "picked", "backordered", "in_transit", "incoming", "outgoing", "safety_stock",
        "backorder_limit", "reorder_point", "in_bins"};
    return names[figure];
}

const char *claim_figure_name(enum claim_figure figure)
{
    static const char *const names[CLAIM_FIGURE_COUNT] = {"granted", "held", "committed", "picked", "consumed",
                                                          "released", "expired", "short", "backordered", "quota",
                                                          "waiting"};
    return names[figure];
}

const char *claim_state_name(enum claim_state state)
{
    static const char *const names[] = {"held", "committed", "released", "consumed", "expired", "waiting"};
    return names[state];
}

const char *discrepancy_name(enum discrepancy discrepancy)
{
    static const char *const names[] = {"none", "below_zero", "exceeds_claim", "no_claim", "exceeds_transfer",
                                        "exceeds_expectation"};
    return names[discrepancy];
}
