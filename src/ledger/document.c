/*
 * Documents: transfers under way and expected goods. Two tables of names; the lines of both lie in a third.
 *
 *     open:    in the index, with the lines that have open units
 *     closed:  no lines; still in the index, so that its name is known; in the list of closed ones, by time
 *     open again: an expectation, when something is promised anew to the hold of its name
 *     gone:    after the id window; the name is free
 *
 * A line comes with its first units and goes with its last: what is kept of a document is what is open of it. As with
 * claims, lookups judge by time, not by whether the entry has been dropped yet, so that dropping can be done in steps.
 */
#include "ledger/state.h"

/* A name's block keeps its size for ever: room for the history in which every size was once needed by all. */
#define TEXT_UNITS_PER_DOCUMENT (TEXTPOOL_SIZES * (TEXTPOOL_SIZES + 1) / 2)
_Static_assert(DOCUMENTS_MAX <= UINT32_MAX / TEXT_UNITS_PER_DOCUMENT, "the names of all documents have their numbers");

static uint32_t count_max(const struct ledger_limits *limits, enum document_kind kind)
{
    return kind == DOCUMENT_TRANSFER ? limits->transfer_count_max : limits->expectation_count_max;
}

size_t documents_bytes(const struct ledger_limits *limits)
{
    size_t bytes = region_round((size_t)limits->document_line_count_max * sizeof(struct document_line));
    for (unsigned kind = 0; kind < DOCUMENT_KIND_COUNT; kind++) {
        uint32_t most = count_max(limits, (enum document_kind)kind);
        bytes += region_round((size_t)most * sizeof(struct document)) + table_bytes(most) +
                 region_round((size_t)most * TEXT_UNITS_PER_DOCUMENT * TEXTPOOL_UNIT_BYTES);
    }
    return bytes;
}

void documents_init(struct ledger *ledger, struct region *region)
{
    ledger->document_lines.entries =
        region_take(region, ledger->limits.document_line_count_max, sizeof(struct document_line));
    for (unsigned kind = 0; kind < DOCUMENT_KIND_COUNT; kind++) {
        struct documents *documents = &ledger->documents[kind];
        documents->count_max = count_max(&ledger->limits, (enum document_kind)kind);
        documents->entries = region_take(region, documents->count_max, sizeof(struct document));
        table_init(&documents->index, region, documents->count_max);
        textpool_init(&documents->names, region, documents->count_max * TEXT_UNITS_PER_DOCUMENT);
    }
}

/* ---- hashes ---- */

static enum state_part document_part(enum document_kind kind)
{
    return kind == DOCUMENT_TRANSFER ? PART_TRANSFER : PART_EXPECTATION;
}

static uint64_t document_hash(const struct ledger *ledger, enum document_kind kind, const struct document *document)
{
    const uint64_t words[] = {document->number,
                              text_hash(ledger, textpool_text(&ledger->documents[kind].names, document->name)),
                              (uint64_t)document->closed_at_us,
                              document->last_seq,
                              document->from,
                              document->to,
                              document->direction};
    return entry_hash(kind == DOCUMENT_TRANSFER ? ENTRY_TRANSFER : ENTRY_EXPECTATION, words,
                      sizeof(words) / sizeof(words[0]));
}

static uint64_t line_hash(const struct ledger *ledger, const struct document_line *line)
{
    const uint64_t words[] = {ledger->documents[line->kind].entries[line->document].number,
                              line->cell,
                              (uint64_t)line->units,
                              line->when.form,
                              (uint64_t)line->when.us,
                              line->last_seq};
    return entry_hash(line->kind == DOCUMENT_TRANSFER ? ENTRY_TRANSFER_LINE : ENTRY_EXPECTATION_LINE, words,
                      sizeof(words) / sizeof(words[0]));
}

/* ---- index ---- */

static bool document_is(const void *owner, uint32_t entry, const void *key)
{
    const struct documents *documents = owner;
    return text_equal(textpool_text(&documents->names, documents->entries[entry].name), *(const struct text *)key);
}

static uint64_t name_key(const struct ledger *ledger, struct text name)
{
    return siphash64(&ledger->key, name.bytes, name.length);
}

static bool is_past_window(const struct ledger *ledger, const struct document *document, int64_t now_us)
{
    return document->closed_at_us != TIME_NONE && document->closed_at_us < now_us - ledger->id_window_ms * 1000;
}

bool document_is_kept(const struct ledger *ledger, enum document_kind kind, uint32_t document, int64_t now_us)
{
    const struct document *entry = &ledger->documents[kind].entries[document];
    return entry->number != 0 && !is_past_window(ledger, entry, now_us);
}

uint32_t document_find(const struct ledger *ledger, enum document_kind kind, struct text name, int64_t now_us)
{
    const struct documents *documents = &ledger->documents[kind];
    uint32_t entry = table_find(&documents->index, name_key(ledger, name), document_is, documents, &name);
    return entry == TABLE_NONE || !document_is_kept(ledger, kind, entry, now_us) ? NUMBER_NONE : entry;
}

uint32_t document_line_find(const struct ledger *ledger, enum document_kind kind, uint32_t document, uint32_t cell)
{
    const struct document_line *lines = ledger->document_lines.entries;
    for (uint32_t l = ledger->documents[kind].entries[document].first_line; l != 0; l = lines[l - 1].next) {
        if (lines[l - 1].cell == cell)
            return l - 1;
    }
    return NUMBER_NONE;
}

/* The one that closed first and has left the window, or NULL. */
static const struct document *stale(const struct ledger *ledger, enum document_kind kind, int64_t now_us)
{
    const struct documents *documents = &ledger->documents[kind];
    if (documents->closed_first == 0)
        return NULL;
    const struct document *document = &documents->entries[documents->closed_first - 1];
    return is_past_window(ledger, document, now_us) ? document : NULL;
}

bool documents_stale(const struct ledger *ledger, int64_t now_us)
{
    return stale(ledger, DOCUMENT_TRANSFER, now_us) != NULL || stale(ledger, DOCUMENT_EXPECTATION, now_us) != NULL;
}

/* ---- room ---- */

static bool kind_has_room(const struct ledger *ledger, enum document_kind kind, int64_t now_us)
{
    const struct documents *documents = &ledger->documents[kind];
    /* One that is past the window leaves before the new one comes (documents_forget in ledger_evolve). */
    return documents->open + documents->kept < documents->count_max || stale(ledger, kind, now_us) != NULL;
}

const char *documents_room(const struct ledger *ledger, const struct decision *decision)
{
    bool new_transfer = false;
    bool new_expectation = false;
    uint32_t new_lines = 0;
    for (uint32_t i = 0; i < decision->event_count; i++) {
        const struct event *event = &decision->events[i];
        new_transfer = new_transfer || event->transfer_number >= decision->first_seq;
        new_expectation = new_expectation || event->expectation_number >= decision->first_seq;
        new_lines += event->transit > 0 && event->transit == event->transit_delta;
        new_lines += event->expected > 0 && event->expected == event->expected_delta;
    }
    if (new_transfer && !kind_has_room(ledger, DOCUMENT_TRANSFER, decision->recorded_at_us))
        return "--transfers-max";
    if (new_expectation && !kind_has_room(ledger, DOCUMENT_EXPECTATION, decision->recorded_at_us))
        return "--expectations-max";
    const struct document_lines *lines = &ledger->document_lines;
    if (new_lines > ledger->limits.document_line_count_max - lines->count + lines->free_count)
        return "--document-lines-max";
    return NULL;
}

/* ---- list of closed ones ---- */

static void closed_add(struct documents *documents, uint32_t entry)
{
    struct document *document = &documents->entries[entry];
    document->closed_previous = documents->closed_last;
    document->closed_next = 0;
    if (documents->closed_last != 0)
        documents->entries[documents->closed_last - 1].closed_next = entry + 1;
    else
        documents->closed_first = entry + 1;
    documents->closed_last = entry + 1;
}

static void closed_remove(struct documents *documents, uint32_t entry)
{
    const struct document *document = &documents->entries[entry];
    if (document->closed_previous != 0)
        documents->entries[document->closed_previous - 1].closed_next = document->closed_next;
    else
        documents->closed_first = document->closed_next;
    if (document->closed_next != 0)
        documents->entries[document->closed_next - 1].closed_previous = document->closed_previous;
    else
        documents->closed_last = document->closed_previous;
}

static void document_drop(struct ledger *ledger, enum document_kind kind, uint32_t entry)
{
    struct documents *documents = &ledger->documents[kind];
    struct document *document = &documents->entries[entry];
    CHECK(document->first_line == 0);
    hash_out(ledger, document_part(kind), entry, document_hash(ledger, kind, document));
    closed_remove(documents, entry);
    documents->kept--;
    table_remove(&documents->index, name_key(ledger, textpool_text(&documents->names, document->name)), entry);
    textpool_remove(&documents->names, document->name);
    *document = (struct document){.first_line = documents->entry_free};
    documents->entry_free = entry + 1;
}

void documents_forget(struct ledger *ledger, int64_t now_us, unsigned most)
{
    const struct documents *both = ledger->documents;
    if (LIKELY((both[DOCUMENT_TRANSFER].closed_first | both[DOCUMENT_EXPECTATION].closed_first) == 0))
        return;
    for (unsigned kind = 0; kind < DOCUMENT_KIND_COUNT; kind++) {
        for (unsigned n = 0; n < most && stale(ledger, (enum document_kind)kind, now_us) != NULL; n++)
            document_drop(ledger, (enum document_kind)kind, ledger->documents[kind].closed_first - 1);
    }
}

/* ---- evolve ---- */

/* What an event says of a document, whichever kind. */
struct part {
    enum document_kind kind;
    uint64_t number;
    struct text name;
    uint32_t to;
    enum direction direction;
    int64_t units, delta;
    struct moment when;
};

static uint32_t document_create(struct ledger *ledger, const struct event *event, const struct part *part)
{
    struct documents *documents = &ledger->documents[part->kind];
    uint32_t entry;
    if (documents->entry_free != 0) {
        entry = documents->entry_free - 1;
        documents->entry_free = documents->entries[entry].first_line;
    } else {
        CHECK(documents->entry_count < documents->count_max);
        entry = documents->entry_count++;
    }
    documents->entries[entry] = (struct document){
        .number = part->number,
        .name = textpool_add(&documents->names, part->name),
        .closed_at_us = TIME_NONE,
        .from = part->kind == DOCUMENT_TRANSFER ? event->location : NUMBER_NONE,
        .to = part->to,
    };
    table_insert(&documents->index, name_key(ledger, part->name), entry);
    documents->open++;
    return entry;
}

static uint32_t line_create(struct ledger *ledger, const struct part *part, uint32_t document, uint32_t cell)
{
    struct document_lines *lines = &ledger->document_lines;
    uint32_t number;
    if (lines->free != 0) {
        number = lines->free - 1;
        lines->free = lines->entries[number].next;
        lines->free_count--;
    } else {
        CHECK(lines->count < ledger->limits.document_line_count_max);
        number = lines->count++;
    }
    lines->entries[number] = (struct document_line){.document = document, .cell = cell, .kind = part->kind};
    /* Lines stay in the order they were announced. */
    struct document *entry = &ledger->documents[part->kind].entries[document];
    if (entry->last_line != 0)
        lines->entries[entry->last_line - 1].next = number + 1;
    else
        entry->first_line = number + 1;
    entry->last_line = number + 1;
    return number;
}

static void line_drop(struct ledger *ledger, enum document_kind kind, uint32_t document, uint32_t number)
{
    struct document_lines *lines = &ledger->document_lines;
    struct document *entry = &ledger->documents[kind].entries[document];
    uint32_t previous = 0;
    for (uint32_t l = entry->first_line; l != number + 1; l = lines->entries[l - 1].next)
        previous = l;
    if (previous != 0)
        lines->entries[previous - 1].next = lines->entries[number].next;
    else
        entry->first_line = lines->entries[number].next;
    if (entry->last_line == number + 1)
        entry->last_line = previous;
    lines->entries[number] = (struct document_line){.next = lines->free};
    lines->free = number + 1;
    lines->free_count++;
}

static void line_evolve(struct ledger *ledger, const struct event *event, const struct part *part, uint32_t document)
{
    uint32_t cell = cell_find(ledger, event->item, event->location);
    CHECK(cell != NUMBER_NONE);
    uint32_t number = document_line_find(ledger, part->kind, document, cell);
    CHECK(part->units >= 0);
    CHECK(part->units - part->delta == (number == NUMBER_NONE ? 0 : ledger->document_lines.entries[number].units));
    if (number == NUMBER_NONE) {
        if (part->units == 0)
            return; /* the event only names the document */
        number = line_create(ledger, part, document, cell);
    } else {
        hash_out(ledger, PART_DOCUMENT_LINE, number, line_hash(ledger, &ledger->document_lines.entries[number]));
        due_remove(ledger, number);
    }
    terms_out(ledger, PART_DOCUMENT_LINE, number);
    if (part->units == 0) {
        line_drop(ledger, part->kind, document, number);
        return;
    }
    struct document_line *line = &ledger->document_lines.entries[number];
    line->units = part->units;
    line->when = part->when;
    line->last_seq = event->seq;
    due_add(ledger, number);
    terms_in(ledger, PART_DOCUMENT_LINE, number);
    hash_in(ledger, PART_DOCUMENT_LINE, number, line_hash(ledger, line));
}

static void part_evolve(struct ledger *ledger, const struct event *event, const struct part *part, int64_t now_us)
{
    struct documents *documents = &ledger->documents[part->kind];
    uint32_t entry = table_find(&documents->index, name_key(ledger, part->name), document_is, documents, &part->name);
    if (entry != TABLE_NONE && is_past_window(ledger, &documents->entries[entry], now_us)) {
        document_drop(ledger, part->kind, entry); /* the name is free again */
        entry = TABLE_NONE;
    }
    if (entry == TABLE_NONE) {
        CHECK(part->number <= event->seq);
        entry = document_create(ledger, event, part);
    } else {
        hash_out(ledger, document_part(part->kind), entry, document_hash(ledger, part->kind, &documents->entries[entry]));
    }
    struct document *document = &documents->entries[entry];
    CHECK(document->number == part->number);
    document->direction = part->direction;
    document->last_seq = event->seq;
    if (event->type == EVENT_TRANSFER_OUT && event->location != document->to && event->location != document->from)
        document->from = NUMBER_NONE; /* several */
    line_evolve(ledger, event, part, entry);
    if (document->closed_at_us != TIME_NONE && document->first_line != 0) {
        closed_remove(documents, entry); /* promised anew, see expectation.c */
        document->closed_at_us = TIME_NONE;
        document->closed_next = document->closed_previous = 0;
        documents->kept--;
        documents->open++;
    }
    if (part->delta < 0 && document->first_line == 0) {
        document->closed_at_us = now_us;
        closed_add(documents, entry);
        documents->kept++;
        documents->open--;
    }
    hash_in(ledger, document_part(part->kind), entry, document_hash(ledger, part->kind, document));
}

void document_evolve(struct ledger *ledger, const struct event *event, int64_t now_us)
{
    if (event->transfer_number != 0) {
        /* The event that begins a transfer is of its origin, and names the destination. */
        const struct part part = {DOCUMENT_TRANSFER, event->transfer_number, event->transfer, event->other_location,
                                  DIRECTION_IN,      event->transit,         event->transit_delta, event->eta};
        part_evolve(ledger, event, &part, now_us);
    }
    if (event->expectation_number != 0) {
        const struct part part = {DOCUMENT_EXPECTATION, event->expectation_number, event->expectation, NUMBER_NONE,
                                  event->direction,     event->expected, event->expected_delta, event->due};
        part_evolve(ledger, event, &part, now_us);
    }
}

/* ---- check ---- */

bool document_hashed(const struct ledger *ledger, enum document_kind kind, uint32_t entry, struct audit *audit)
{
    const struct document *document = &ledger->documents[kind].entries[entry];
    if (document->number == 0)
        return true;
    AUDIT_CHECK(audit, STATE, textpool_holds(&ledger->documents[kind].names, document->name),
                "its name is not among the names");
    audit->hash += document_hash(ledger, kind, document);
    return true;
}

bool document_line_hashed(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    const struct document_line *line = &ledger->document_lines.entries[number];
    if (line->units == 0)
        return true;
    AUDIT_CHECK(audit, STATE, line->kind < DOCUMENT_KIND_COUNT && line->document < ledger->documents[line->kind].entry_count,
                "it is of no document");
    AUDIT_CHECK(audit, STATE, line->cell < ledger->cell_count, "it is on no cell");
    audit->hash += line_hash(ledger, line);
    return true;
}

/* A closed document stands in the list of them, by time, and no other does. */
static bool document_listed(const struct documents *documents, uint32_t entry, struct audit *audit)
{
    static const char astray[] = "the list of closed documents goes astray";
    const struct document *document = &documents->entries[entry];
    uint32_t previous = document->closed_previous;
    uint32_t next = document->closed_next;
    AUDIT_CHECK(audit, I6, previous <= documents->entry_count && next <= documents->entry_count, astray);
    if (document->closed_at_us == TIME_NONE) {
        AUDIT_CHECK(audit, I6, (previous | next) == 0, astray);
        return true;
    }
    if (previous == 0)
        AUDIT_CHECK(audit, I6, documents->closed_first == entry + 1, astray);
    else
        AUDIT_CHECK(audit, I6, documents->entries[previous - 1].closed_next == entry + 1 &&
                                   documents->entries[previous - 1].closed_at_us <= document->closed_at_us, astray);
    if (next == 0)
        AUDIT_CHECK(audit, I6, documents->closed_last == entry + 1, astray);
    else
        AUDIT_CHECK(audit, I6, documents->entries[next - 1].closed_previous == entry + 1, astray);
    return true;
}

bool document_sound(const struct ledger *ledger, enum document_kind kind, uint32_t entry, struct audit *audit)
{
    const struct documents *documents = &ledger->documents[kind];
    const struct document *document = &documents->entries[entry];
    if (document->number == 0)
        return true;
    struct text name = textpool_text(&documents->names, document->name);
    AUDIT_CHECK(audit, STATE, table_find(&documents->index, name_key(ledger, name), document_is, documents, &name) == entry,
                "the index does not find it by its name");
    uint32_t last = 0;
    uint32_t count = 0;
    for (uint32_t l = document->first_line; l != 0; l = ledger->document_lines.entries[l - 1].next) {
        AUDIT_CHECK(audit, I5, ++count <= ledger->document_lines.count, "its lines have no end");
        const struct document_line *line = &ledger->document_lines.entries[l - 1];
        AUDIT_CHECK(audit, I5, line->document == entry && line->kind == kind && line->units > 0,
                    "a line of it is another document's");
        AUDIT_CHECK(audit, I5, kind != DOCUMENT_TRANSFER || ledger->cells[line->cell].location == document->to,
                    "a line of it does not go where it goes");
        last = l;
    }
    audit->looked_at += count;
    AUDIT_CHECK(audit, I5, document->last_line == last, "its last line is another");
    AUDIT_CHECK(audit, I5, (document->closed_at_us == TIME_NONE) == (last != 0), "whether it is open is not what it says");
    return document_listed(documents, entry, audit);
}

/* What a hold for later waits for is expected to go by its name. */
bool promise_sound(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    static const char unexpected[] = "what it waits for is not expected to go";
    const struct claims *claims = &ledger->claims;
    const struct claim_line *line = &claims->lines[number];
    const struct claim *claim = &claims->entries[line->claim];
    if (line->units[CLAIM_WAITING] == 0 || claim->at.form == MOMENT_ABSENT)
        return true;
    struct text name = textpool_text(&claims->texts, claim->name);
    uint32_t expectation = document_find(ledger, DOCUMENT_EXPECTATION, name, ledger->now_us);
    AUDIT_CHECK(audit, I5, expectation != NUMBER_NONE, unexpected);
    AUDIT_CHECK(audit, I5, ledger->documents[DOCUMENT_EXPECTATION].entries[expectation].direction == DIRECTION_OUT, unexpected);
    uint32_t open = document_line_find(ledger, DOCUMENT_EXPECTATION, expectation, line->cell);
    AUDIT_CHECK(audit, I5, open != NUMBER_NONE, unexpected);
    AUDIT_CHECK(audit, I5, ledger->document_lines.entries[open].units >= line->units[CLAIM_WAITING], unexpected);
    return true;
}

void documents_check(const struct ledger *ledger)
{
    uint32_t lines = 0;
    for (unsigned kind = 0; kind < DOCUMENT_KIND_COUNT; kind++) {
        const struct documents *documents = &ledger->documents[kind];
        uint32_t open = 0;
        uint32_t kept = 0;
        for (uint32_t i = 0; i < documents->entry_count; i++) {
            const struct document *document = &documents->entries[i];
            if (document->number == 0)
                continue;
            for (uint32_t l = document->first_line; l != 0; l = ledger->document_lines.entries[l - 1].next)
                lines++;
            open += document->closed_at_us == TIME_NONE;
            kept += document->closed_at_us != TIME_NONE;
        }
        CHECK(open == documents->open);
        CHECK(kept == documents->kept);
        CHECK(kept != 0 || (documents->closed_first | documents->closed_last) == 0);
        CHECK(open + kept == documents->index.count);
    }
    CHECK(lines == ledger->document_lines.count - ledger->document_lines.free_count);
}

/* ---- views ---- */

static uint32_t first_line(const struct document *document)
{
    return document->first_line == 0 ? NUMBER_NONE : document->first_line - 1;
}

uint32_t ledger_transfer_places(const struct ledger *ledger)
{
    return ledger->documents[DOCUMENT_TRANSFER].entry_count;
}

bool ledger_transfer_at(const struct ledger *ledger, uint32_t place, struct transfer_view *out_view)
{
    if (!document_is_kept(ledger, DOCUMENT_TRANSFER, place, ledger->now_us))
        return false;
    const struct documents *documents = &ledger->documents[DOCUMENT_TRANSFER];
    const struct document *document = &documents->entries[place];
    *out_view = (struct transfer_view){
        .transfer = document->number,
        .name = textpool_text(&documents->names, document->name),
        .from = document->from,
        .to = document->to,
        .open = document->closed_at_us == TIME_NONE,
        .line = first_line(document),
    };
    return true;
}

bool ledger_transfer(const struct ledger *ledger, struct text name, struct transfer_view *out_view)
{
    uint32_t place = document_find(ledger, DOCUMENT_TRANSFER, name, ledger->now_us);
    if (place == NUMBER_NONE)
        return false;
    return ledger_transfer_at(ledger, place, out_view);
}

uint32_t ledger_expectation_places(const struct ledger *ledger)
{
    return ledger->documents[DOCUMENT_EXPECTATION].entry_count;
}

bool ledger_expectation_at(const struct ledger *ledger, uint32_t place, struct expectation_view *out_view)
{
    if (!document_is_kept(ledger, DOCUMENT_EXPECTATION, place, ledger->now_us))
        return false;
    const struct documents *documents = &ledger->documents[DOCUMENT_EXPECTATION];
    const struct document *document = &documents->entries[place];
    *out_view = (struct expectation_view){
        .expectation = document->number,
        .name = textpool_text(&documents->names, document->name),
        .direction = document->direction,
        .open = document->closed_at_us == TIME_NONE,
        .line = first_line(document),
    };
    return true;
}

bool ledger_expectation(const struct ledger *ledger, struct text name, struct expectation_view *out_view)
{
    uint32_t place = document_find(ledger, DOCUMENT_EXPECTATION, name, ledger->now_us);
    if (place == NUMBER_NONE)
        return false;
    return ledger_expectation_at(ledger, place, out_view);
}

void ledger_document_line(const struct ledger *ledger, uint32_t number, struct document_line_view *out_view)
{
    const struct document_line *line = &ledger->document_lines.entries[number];
    const struct cell *cell = &ledger->cells[line->cell];
    *out_view = (struct document_line_view){
        .item = cell->item,
        .location = cell->location,
        .scale = ledger->items[cell->item].scale,
        .units = line->units,
        .when = line->when,
        .next = line->next == 0 ? NUMBER_NONE : line->next - 1,
    };
}
