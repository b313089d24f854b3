/*
 * Statements: what each source said last of each condition of a cell, in a snapshot, and what the books said of the same
 * moment. Where the two differ the systems have drifted apart.
 *
 * Each also keeps when the two last agreed before it: of themselves, or because the difference was booked. What they
 * differ by has come since, so that its explanation need not look further back (api/explain_drift.h).
 *
 * Where the source's policy is to have it counted, a difference asks for a count of that condition of the cell: a task, which
 * stands until the first count whose window ends after it was asked for, or until the two say the same. When there was a
 * count, the same difference is no new task: what is there is known, and it is the source that is wrong.
 *
 * One entry for each source, cell and condition, made by the first snapshot and never removed: what a source says of a place
 * it says again. What a partner reports (partner.c) has entries of its own, one for each measure: a report neither counts as
 * told in a set, nor passes a snapshot.
 */
#include "ledger/state.h"

const char *snapshot_policy_name(enum snapshot_policy policy)
{
    static const char *const names[SNAPSHOT_POLICY_COUNT] = {
#define X(upper, lower) #lower,
        SNAPSHOT_POLICY_MAP(X)
#undef X
    };
    return names[policy];
}

size_t statements_bytes(uint32_t count_max)
{
    return region_round((size_t)count_max * sizeof(struct statement)) + table_bytes(count_max);
}

void statements_init(struct ledger *ledger, struct region *region)
{
    ledger->statements.entries = region_take(region, ledger->limits.statement_count_max, sizeof(struct statement));
    table_init(&ledger->statements.index, region, ledger->limits.statement_count_max);
}

static uint64_t statement_hash(const struct statement *statement)
{
    const uint64_t words[] = {statement->seq,
                              statement->source,
                              statement->cell,
                              statement->condition,
                              statement->policy,
                              statement->seen_position,
                              (uint64_t)statement->seen_us,
                              (uint64_t)statement->stated,
                              (uint64_t)statement->books,
                              statement->net,
                              statement->shelf,
                              statement->settled,
                              statement->agreed.seq,
                              statement->agreed.seen_position,
                              (uint64_t)statement->agreed.seen_us,
                              statement->asked_seq,
                              (uint64_t)statement->asked_us,
                              statement->said};
    return entry_hash(ENTRY_STATEMENT, words, sizeof(words) / sizeof(words[0]));
}

static uint32_t about(enum condition condition, enum said said)
{
    return (uint32_t)condition | (uint32_t)said << 8;
}

static uint64_t key_hash(const struct ledger *ledger, const uint32_t key[3])
{
    return siphash64(&ledger->key, key, 3 * sizeof(key[0]));
}

static bool statement_is(const void *owner, uint32_t entry, const void *key)
{
    const struct statement *statement = &((const struct statements *)owner)->entries[entry];
    const uint32_t own[3] = {statement->source, statement->cell, about(statement->condition, statement->said)};
    return memcmp(own, key, sizeof(own)) == 0;
}

uint32_t statement_find(const struct ledger *ledger, uint32_t source, uint32_t cell, enum condition condition,
                        enum said said)
{
    const uint32_t key[3] = {source, cell, about(condition, said)};
    return table_find(&ledger->statements.index, key_hash(ledger, key), statement_is, &ledger->statements, key);
}

uint64_t statement_last(const struct ledger *ledger, uint32_t source, uint32_t cell)
{
    uint64_t last = 0;
    for (unsigned c = 0; c < CONDITION_COUNT; c++) {
        uint32_t found = statement_find(ledger, source, cell, (enum condition)c, SAID_SNAPSHOT);
        if (found != NUMBER_NONE && ledger->statements.entries[found].seq > last)
            last = ledger->statements.entries[found].seq;
    }
    return last;
}

uint64_t set_name_hash(const struct ledger *ledger, struct text name)
{
    return siphash64(&ledger->key, name.bytes, name.length) | 1; /* never that of none */
}

/* A set begins with the first part that names it, and ends with its last. */
static void set_evolve(struct ledger *ledger, const struct event *event)
{
    struct source *source = &ledger->sources[event->stated_by];
    uint64_t hash_before = source_hash(ledger, event->stated_by);
    if (source->set_name != event->set_name) {
        source->set_name = event->set_name;
        source->set_seq = event->seq;
    }
    source->set_closed = event->set_closed;
    hash_in(ledger, PART_SOURCE, event->stated_by, source_hash(ledger, event->stated_by) - hash_before);
}

/* The last agreement, after this statement. */
static struct agreement agreed_with(const struct statement *statement)
{
    return statement->settled
               ? (struct agreement){statement->seq, statement->seen_position, statement->seen_us}
               : statement->agreed;
}

static bool differs(const struct statement *statement)
{
    return statement->stated != statement->books;
}

/* As its source's drift is counted: a report's difference ends with the cell's figure, unseen. */
static bool drifts(const struct statement *statement)
{
    return statement->said == SAID_SNAPSHOT && differs(statement);
}

static void asked_evolve(struct ledger *ledger, const struct decision *decision, const struct event *event, uint32_t cell)
{
    uint32_t entry = statement_find(ledger, event->stated_by, cell, event->condition, SAID_SNAPSHOT);
    CHECK(entry != NUMBER_NONE);
    struct statement *statement = &ledger->statements.entries[entry];
    uint64_t hash_before = statement_hash(statement);
    statement->asked_seq = event->seq;
    statement->asked_us = decision->recorded_at_us;
    hash_in(ledger, PART_STATEMENT, entry, statement_hash(statement) - hash_before);
}

void statement_evolve(struct ledger *ledger, const struct decision *decision, const struct event *event, uint32_t cell)
{
    struct statements *statements = &ledger->statements;
    if (event->type == EVENT_COUNT_ASKED)
        asked_evolve(ledger, decision, event, cell);
    bool report = event->type == EVENT_REPORTED;
    if (event->type != EVENT_SNAPSHOT && !report)
        return;
    struct source *source = &ledger->sources[event->stated_by];
    if (event->set_name != 0)
        set_evolve(ledger, event);
    if (report)
        cell = cell_find(ledger, event->item, event->other_location);
    if (cell == NUMBER_NONE || event->late)
        return; /* the end of a set, or a report that has been passed */
    enum said as = report ? said_by(event->measure) : SAID_SNAPSHOT;
    const uint32_t key[3] = {event->stated_by, cell, about(event->condition, as)};
    uint32_t entry = statement_find(ledger, key[0], cell, event->condition, as);
    uint64_t hash_before = 0;
    struct statement said = {.seq = 0};
    if (entry == NUMBER_NONE) {
        CHECK(statements->count < ledger->limits.statement_count_max);
        entry = statements->count++;
        statements->entries[entry] = (struct statement){.next_of_source = source->statement_first};
        source->statement_first = entry + 1;
        table_insert(&statements->index, key_hash(ledger, key), entry);
    } else {
        hash_before = statement_hash(&statements->entries[entry]);
        said = statements->entries[entry];
    }
    bool to_count = event->policy == SNAPSHOT_COUNT && event->quantity != event->books;
    struct statement *statement = &statements->entries[entry];
    *statement = (struct statement){.seq = event->seq,
                                    .next_of_source = statement->next_of_source,
                                    .source = key[0],
                                    .cell = cell,
                                    .condition = event->condition,
                                    .said = as,
                                    .policy = report ? SNAPSHOT_REPORT : event->policy,
                                    .seen_position = report ? event->confirmed_seq : event->seen_position,
                                    /* A partner's clock orders what it reports, also where it is ahead of ours. */
                                    .seen_us = report ? decision->occurred_at_us : decision_occurred_us(decision),
                                    .stated = event->quantity,
                                    .books = event->books,
                                    .net = event->net,
                                    .shelf = event->shelf,
                                    .settled = event->quantity - event->books == event->delta.units[event->condition],
                                    .agreed = agreed_with(&said),
                                    .asked_seq = to_count ? said.asked_seq : 0,
                                    .asked_us = to_count ? said.asked_us : 0};
    source->drift_count += (uint32_t)drifts(statement) - (uint32_t)drifts(&said);
    hash_in(ledger, PART_STATEMENT, entry, statement_hash(statement) - hash_before);
}

/* Does it count as drift? */
static bool is_drift(const struct ledger *ledger, const struct statement *statement)
{
    const struct cell *cell = &ledger->cells[statement->cell];
    return drifts(statement) && !ledger->names[NAME_ITEM].retired[cell->item] &&
           !ledger->names[NAME_LOCATION].retired[cell->location];
}

static void give_up_cell(struct ledger *ledger, uint32_t cell)
{
    for (uint32_t s = 0; s < ledger->names[NAME_SOURCE].count; s++) {
        for (unsigned c = 0; ledger->sources[s].drift_count != 0 && c < CONDITION_COUNT; c++) {
            uint32_t entry = statement_find(ledger, s, cell, (enum condition)c, SAID_SNAPSHOT);
            ledger->sources[s].drift_count -= entry != NUMBER_NONE && is_drift(ledger, &ledger->statements.entries[entry]);
        }
    }
}

void statements_give_up(struct ledger *ledger, enum name_space space, uint32_t number)
{
    const struct statements *statements = &ledger->statements;
    if (space == NAME_ITEM) {
        for (uint32_t c = ledger->items[number].first_cell; c != 0; c = ledger->cells[c - 1].next_of_item)
            give_up_cell(ledger, c - 1);
        return;
    }
    for (uint32_t i = 0; i < statements->count; i++) {
        const struct statement *statement = &statements->entries[i];
        if (ledger->cells[statement->cell].location == number)
            ledger->sources[statement->source].drift_count -= is_drift(ledger, statement);
    }
}

uint64_t statement_counted(const struct ledger *ledger, const struct statement *statement)
{
    uint32_t number = statement->asked_seq == 0 ? NUMBER_NONE
                                                : mark_newest(ledger, statement->cell, statement->condition);
    if (number == NUMBER_NONE)
        return 0;
    const struct mark *mark = &ledger->marks.entries[number];
    bool after = mark->to_us > statement->asked_us ||
                 (mark->to_us == statement->asked_us && mark->seq > statement->asked_seq);
    return after ? mark->seq : 0;
}

/* Does its source tell for the first time of this? */
static bool is_new(const struct ledger *ledger, const struct event *event)
{
    bool report = event->type == EVENT_REPORTED;
    if (!report && (event->type != EVENT_SNAPSHOT || event->location == NUMBER_NONE))
        return false; /* no statement, or the end of a set */
    uint32_t cell = cell_find(ledger, event->item, report ? event->other_location : event->location);
    return cell == NUMBER_NONE ||
           statement_find(ledger, event->stated_by, cell, event->condition,
                          report ? said_by(event->measure) : SAID_SNAPSHOT) == NUMBER_NONE;
}

bool statements_room(const struct ledger *ledger, const struct decision *decision)
{
    uint32_t left = ledger->limits.statement_count_max - ledger->statements.count;
    uint32_t added = 0;
    if (LIKELY(left >= decision->event_count))
        return true; /* far from full, nobody needs to count */
    for (uint32_t i = 0; i < decision->event_count; i++)
        added += is_new(ledger, &decision->events[i]);
    return added <= left;
}

/* ---- views ---- */

uint32_t ledger_statement_count(const struct ledger *ledger)
{
    return ledger->statements.count;
}

void ledger_statement(const struct ledger *ledger, uint32_t number, struct statement_view *out_view)
{
    const struct statement *statement = &ledger->statements.entries[number];
    const struct cell *cell = &ledger->cells[statement->cell];
    enum measure measure = statement->said == SAID_AVAILABLE ? MEASURE_AVAILABLE : MEASURE_ON_HAND;
    *out_view = (struct statement_view){.seq = statement->seq,
                                        .source = statement->source,
                                        .item = cell->item,
                                        .location = cell->location,
                                        .scale = ledger->items[cell->item].scale,
                                        .condition = statement->condition,
                                        .policy = statement->policy,
                                        .seen_position = statement->seen_position,
                                        .seen_us = statement->seen_us,
                                        .stated = statement->stated,
                                        .books = statement->books,
                                        .net = statement->net,
                                        .shelf = statement->shelf,
                                        .agreed_seq = statement->agreed.seq,
                                        .agreed_position = statement->agreed.seen_position,
                                        .agreed_us = statement->agreed.seen_us,
                                        .asked_seq = statement->asked_seq,
                                        .counted_seq = statement_counted(ledger, statement),
                                        .report = statement->said != SAID_SNAPSHOT,
                                        .paired = ledger->sources[statement->source].pair,
                                        .measure = measure,
                                        .last_seq = cell->last_seq};
    struct figures figures = cell_figures(ledger, statement->cell);
    if (!out_view->report || !is_told(&figures, measure, &(struct reported){statement->condition, statement->stated}))
        return;
    /* Whatever it was when it was reported, it has been told since. */
    out_view->books = statement->stated;
    out_view->seen_position = cell->last_seq;
}

uint32_t ledger_drift(const struct ledger *ledger, uint32_t source)
{
    return ledger->sources[source].drift_count;
}

uint32_t ledger_statement_open(const struct ledger *ledger, uint32_t number, struct open_line *lines, uint32_t count_max)
{
    const struct statement *statement = &ledger->statements.entries[number];
    const struct cell_extra *extra = cell_extra(ledger, statement->cell);
    uint32_t count = 0;
    for (unsigned l = 0; extra != NULL && l < DUE_LIST_COUNT; l++) {
        for (uint32_t n = extra->due[l].first; n != 0 && count < count_max; n = ledger->document_lines.entries[n - 1].due_next) {
            const struct document_line *line = &ledger->document_lines.entries[n - 1];
            const struct documents *documents = &ledger->documents[line->kind];
            const struct document *document = &documents->entries[line->document];
            if (document->number <= statement->seq)
                lines[count++] = (struct open_line){.transfer = line->kind == DOCUMENT_TRANSFER,
                                                    .direction = document->direction,
                                                    .name = textpool_text(&documents->names, document->name),
                                                    .when = line->when,
                                                    .units = line->units};
        }
    }
    return count;
}

/* ---- audit ---- */

bool statement_hashed(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    audit->hash += statement_hash(&ledger->statements.entries[number]);
    return true;
}

bool statement_sound(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    const struct statement *statement = &ledger->statements.entries[number];
    AUDIT_CHECK(audit, STATE, statement->source < ledger->names[NAME_SOURCE].count, "it is of no source");
    AUDIT_CHECK(audit, STATE, statement->cell < ledger->cell_count, "it is of no cell");
    AUDIT_CHECK(audit, STATE, statement_find(ledger, statement->source, statement->cell, statement->condition,
                                              statement->said) == number,
                "the index does not find it");
    AUDIT_CHECK(audit, STATE, statement->next_of_source <= number, "the list of its source's goes astray");
    AUDIT_CHECK(audit, STATE, statement->next_of_source == 0 ||
                                  ledger->statements.entries[statement->next_of_source - 1].source == statement->source,
                "the list of its source's goes astray");
    AUDIT_CHECK(audit, STATE, statement->agreed.seq < statement->seq, "it agreed before it was made");
    uint64_t last_seq = ledger->cells[statement->cell].last_seq;
    AUDIT_CHECK(audit, STATE, statement->settled || differs(statement), "it agrees and differs");
    AUDIT_CHECK(audit, STATE, statement->asked_seq == 0 || (statement->policy == SNAPSHOT_COUNT && differs(statement)),
                "it asks for a count and needs none");
    AUDIT_CHECK(audit, STATE, statement->asked_seq <= last_seq, "what asks for a count is yet to come");
    AUDIT_CHECK(audit, STATE, statement->seq <= (statement->said == SAID_SNAPSHOT ? last_seq : ledger->last_seq),
                "its event is yet to come");
    return true;
}

void statements_check(const struct ledger *ledger)
{
    uint32_t listed = 0;
    CHECK(ledger->statements.index.count == ledger->statements.count);
    for (uint32_t s = 0; s < ledger->names[NAME_SOURCE].count; s++) {
        uint32_t drift = 0;
        for (uint32_t n = ledger->sources[s].statement_first; n != 0; n = ledger->statements.entries[n - 1].next_of_source) {
            CHECK(++listed <= ledger->statements.count && ledger->statements.entries[n - 1].source == s);
            drift += is_drift(ledger, &ledger->statements.entries[n - 1]);
        }
        CHECK(drift == ledger->sources[s].drift_count);
    }
    CHECK(listed == ledger->statements.count);
}
