/*
 * The cell's events are read back from the statement to where the source last agreed. Each entry that changes the figure
 * belongs to the first statement since which had it: in it when the books of that moment had it.
 *
 *     agreed       said: 0        said: -2           said: 1
 *       |  3 7 -1    |   -2 5       |   4 -3 -3        |          entries
 *                        -2 is explained by these ^    3 by these ^
 *
 * A change is explained by, in this order, whatever makes it exactly:
 *
 *     twice        an entry with the document, line and quantity of another one
 *     not_here     an open document that was due
 *     (gone)       what explained the opposite before: the source has heard of it since
 *     lacks        a document, an entry, all of a source, all of a type, the newest few; or one in place of another
 *     two or three of these together, when they are the only two or three
 *
 * else the first two kinds as far as they bring it closer, and the rest is unexplained. So is what came by entries that are no
 * longer kept.
 */
#include "api/explain_drift.h"

#include <stdlib.h>

#include "api/explain.h"
#include "base/siphash.h"

#define PARTS_MAX     64        /* what is beyond is one part, unexplained */
#define CHOICES_MAX   256       /* of one kind */
#define POOL_MAX      24        /* of which two or three are looked for: 2,024 sums */
#define STRONG_MAX    8         /* of which any are: 256 sums */
#define NEAR_US       120000000 /* without a document the same is booked twice within two minutes */
#define DAY_US        (INT64_C(24) * 60 * 60 * 1000000)

enum why { WHY_TWICE, WHY_NOT_HERE, WHY_LACKS, WHY_UNEXPLAINED, WHY_NONE };
static const char *const why_names[] = {"twice", "not_here", "lacks", "unexplained"};

struct entry {
    uint64_t seq, decision_seq; /* its decision's first event */
    uint64_t document, line;    /* hashes, 0 for none */
    int64_t occurred_us;
    int64_t units;  /* by which it changed the figure */
    uint32_t source;
    uint32_t told;  /* the statement it belongs to, or one of the next two */
    enum event_type type;
};
#define TOLD_BEFORE UINT32_MAX       /* the two agreed with it */
#define TOLD_SINCE  (UINT32_MAX - 1) /* newer than the last statement */

/* What the source said. */
struct told {
    uint64_t seq, seen_position;
    int64_t seen_us;
    int64_t difference;
};

struct part {
    enum why why;
    int64_t value;
    uint32_t told;   /* the statement that first had it */
    uint32_t member, count; /* entries, of drift->members; of not_here the open line */
    uint32_t others; /* that would explain the same */
};

/* One that may be combined with others: an entry or a document's, an open line, each with what it would explain. */
struct candidate {
    enum why why;
    int64_t value;
    uint32_t of;   /* the entry, or the line */
    bool document; /* with all entries of its document */
};

struct drift {
    const struct drift_row *row;
    struct entry entries[DRIFT_LOOK_MAX]; /* newest first, as are these */
    struct told told[DRIFT_LOOK_MAX];
    uint32_t entry_count, told_count;
    uint32_t looked;
    uint64_t looked_seq; /* no further back was looked than here; 0 when that is all there is to know */
    struct part parts[PARTS_MAX];
    uint32_t part_count;
    uint32_t members[DRIFT_LOOK_MAX * 2];
    uint32_t member_count;
    bool line_used[DRIFT_OPEN_MAX];
};

void drift_copy(const struct ledger *ledger, uint32_t statement, struct drift_row *out_row)
{
    ledger_statement(ledger, statement, &out_row->view);
    out_row->open_count = ledger_statement_open(ledger, statement, out_row->open, DRIFT_OPEN_MAX);
    for (uint32_t i = 0; i < out_row->open_count; i++) { /* in their place their names stay */
        struct text *name = &out_row->open[i].name;
        memcpy(out_row->names[i], name->bytes, name->length);
        *name = text_of(out_row->names[i], name->length);
    }
}

struct drift *drift_create(void)
{
    return calloc(1, sizeof(struct drift));
}

void drift_destroy(struct drift *drift)
{
    free(drift);
}

/* ---- reading ---- */

static uint64_t hash_of(struct text text)
{
    static const struct siphash_key key = {UINT64_C(0x6472696674), 1}; /* two texts with one hash only look like twice */
    return text_present(text) ? siphash64(&key, text.bytes, text.length) | 1 : 0;
}

/* What an event changed of the figure that the source told. */
static int64_t changed(const struct statement_view *view, const struct figures *delta)
{
    if (view->report)
        return told_units(delta, view->measure, view->condition);
    return counted_units(delta, view->condition, !view->shelf) - (view->net ? delta->units[FIGURE_COMMITTED] : 0);
}

/* Did the books of a statement's moment have it? */
static bool is_in(const struct entry *entry, uint64_t seq, uint64_t seen_position, int64_t seen_us)
{
    return seen_position != 0 ? entry->seq <= seen_position : entry->seq < seq && entry->occurred_us <= seen_us;
}

static bool is_before(const struct statement_view *view, const struct entry *entry)
{
    return view->agreed_seq != 0 && is_in(entry, view->agreed_seq, view->agreed_position, view->agreed_us);
}

/* Nothing from here on is newer than the last agreement. */
static bool is_agreed(const struct statement_view *view, const struct decision *decision, uint64_t seq)
{
    return view->agreed_seq > seq && (view->agreed_position != 0 ? seq <= view->agreed_position
                                                                 : decision->recorded_at_us <= view->agreed_us);
}

static void take_event(struct drift *drift, const struct decision *decision, const struct event *event)
{
    const struct statement_view *view = &drift->row->view;
    int64_t units = changed(view, &event->delta);
    if (event->type == EVENT_SNAPSHOT && event->stated_by == view->source && !view->report) {
        if (event->condition == view->condition && event->seq > view->agreed_seq)
            drift->told[drift->told_count++] = (struct told){event->seq, event->seen_position,
                                                             decision_occurred_us(decision), event->quantity - event->books};
    } else if (units != 0) {
        drift->entries[drift->entry_count++] = (struct entry){.seq = event->seq,
                                                              .decision_seq = decision->first_seq,
                                                              .document = hash_of(decision->document),
                                                              .line = hash_of(decision->document_line),
                                                              .occurred_us = event_occurred_us(decision, event),
                                                              .units = units,
                                                              .source = decision->source,
                                                              .type = event->type};
    }
}

/* From an event on, which is gone, nothing is known: is it needed? Where the two last agreed is all that counts. */
static void take_gone(struct drift *drift, const struct history *history, uint64_t seq)
{
    const struct statement_view *view = &drift->row->view;
    const struct decision gone = {.recorded_at_us = history->oldest_us};
    if (drift->told_count == 0) /* its own event is */
        drift->told[drift->told_count++] =
            (struct told){view->seq, view->seen_position, view->seen_us, view->stated - view->books};
    drift->looked_seq = is_agreed(view, &gone, seq) ? 0 : history->oldest_seq;
}

static enum status read_back(struct drift *drift, struct history *history)
{
    const struct statement_view *view = &drift->row->view;
    uint32_t before = 0;
    if (view->report) /* none of the cell's events, as of all that had come to it */
        drift->told[drift->told_count++] = (struct told){view->seq, view->seq, view->seen_us, view->stated - view->books};
    for (uint64_t seq = view->report ? view->last_seq : view->seq; seq != 0 && before < DRIFT_BEFORE_MAX; drift->looked++) {
        const struct event *event;
        if (drift->looked == DRIFT_LOOK_MAX) {
            drift->looked_seq = before == 0 ? seq : 0;
            break;
        }
        if (seq < history->oldest_seq) {
            if (before == 0)
                take_gone(drift, history, seq);
            break;
        }
        enum status status = history_event(history, seq, &event);
        if (status != STATUS_OK)
            return status;
        before += is_agreed(view, history->decision, seq);
        take_event(drift, history->decision, event);
        seq = event->previous_seq;
    }
    for (uint32_t i = 0; i < drift->entry_count; i++) {
        struct entry *entry = &drift->entries[i];
        entry->told = is_before(view, entry) ? TOLD_BEFORE : TOLD_SINCE;
        for (uint32_t t = drift->told_count; entry->told == TOLD_SINCE && t-- > 0;) {
            const struct told *told = &drift->told[t];
            if (is_in(entry, told->seq, told->seen_position, told->seen_us))
                entry->told = t;
        }
    }
    return STATUS_OK;
}

/* ---- what may explain a change ---- */

static bool is_own(const struct drift *drift, const struct entry *entry)
{
    return entry->source == drift->row->view.source;
}

static bool is_same(const struct entry *a, const struct entry *b)
{
    if (a->units != b->units || a->document != b->document || a->line != b->line || a->decision_seq == b->decision_seq)
        return false;
    int64_t apart_us = a->occurred_us < b->occurred_us ? b->occurred_us - a->occurred_us : a->occurred_us - b->occurred_us;
    return a->document != 0 || (a->type == b->type && a->source == b->source && apart_us <= NEAR_US);
}

/* The entry that was booked before and is the same, NUMBER_NONE for none. */
static uint32_t first_of(const struct drift *drift, uint32_t number)
{
    for (uint32_t i = number + 1; i < drift->entry_count; i++) {
        if (is_same(&drift->entries[i], &drift->entries[number]))
            return i;
    }
    return NUMBER_NONE;
}

/* What is expected by then, or under way. */
static bool is_due(const struct drift *drift, uint32_t line, const struct told *told)
{
    const struct open_line *open = &drift->row->open[line];
    return drift->row->view.condition == CONDITION_SELLABLE && !drift->line_used[line] &&
           (open->when.form == MOMENT_ABSENT || open->when.us <= told->seen_us + DAY_US);
}

static int64_t line_value(const struct open_line *line)
{
    return line->direction == DIRECTION_OUT ? -line->units : line->units;
}

/* ---- parts ---- */

static struct part *add_part(struct drift *drift, enum why why, uint32_t told, int64_t value)
{
    if (drift->part_count == PARTS_MAX) { /* the last one is the rest */
        struct part *rest = &drift->parts[PARTS_MAX - 1];
        *rest = (struct part){.why = WHY_UNEXPLAINED, .value = rest->value + value, .told = told};
        return rest;
    }
    struct part *part = &drift->parts[drift->part_count++];
    *part = (struct part){.why = why, .value = value, .told = told, .member = drift->member_count};
    return part;
}

static void add_member(struct drift *drift, struct part *part, uint32_t entry)
{
    if (part->why == WHY_UNEXPLAINED || drift->member_count == sizeof(drift->members) / sizeof(drift->members[0]))
        return;
    drift->members[drift->member_count++] = entry;
    part->count++;
}

static bool is_with(const struct drift *drift, const struct candidate *choice, uint32_t number)
{
    const struct entry *entry = &drift->entries[number];
    const struct entry *of = &drift->entries[choice->of];
    return number == choice->of ||
           (choice->document && entry->told == of->told && entry->document == of->document && !is_own(drift, entry));
}

static struct part *add_choice(struct drift *drift, const struct candidate *choice, uint32_t told)
{
    struct part *part = add_part(drift, choice->why, told, choice->value);
    if (choice->why == WHY_NOT_HERE) {
        drift->line_used[choice->of] = true;
        part->member = choice->of;
        return part;
    }
    for (uint32_t i = 0; i < drift->entry_count; i++) {
        if (is_with(drift, choice, i))
            add_member(drift, part, i);
    }
    return part;
}

/* ---- one thing that explains a change ---- */

/* Adds up the choices that are as large as the change; the first is taken. */
static bool take_one(struct drift *drift, const struct candidate *choices, uint32_t count, uint32_t told, int64_t change)
{
    const struct candidate *found = NULL;
    uint32_t others = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (choices[i].value != change)
            continue;
        others += found != NULL;
        found = found == NULL ? &choices[i] : found;
    }
    if (found == NULL)
        return false;
    add_choice(drift, found, told)->others = others;
    return true;
}

/* The entries of a statement that are the same as another one; with_document: those that have one. */
static uint32_t choose_twice(const struct drift *drift, uint32_t told, bool with_document, struct candidate *choices,
                             uint32_t count_max)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < drift->entry_count && count < count_max; i++) {
        const struct entry *entry = &drift->entries[i];
        if (entry->told == told && (entry->document != 0) == with_document && first_of(drift, i) != NUMBER_NONE)
            choices[count++] = (struct candidate){.why = WHY_TWICE, .value = -entry->units, .of = i};
    }
    return count;
}

static uint32_t choose_open(const struct drift *drift, uint32_t told, struct candidate *choices, uint32_t count_max)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < drift->row->open_count && count < count_max; i++) {
        if (is_due(drift, i, &drift->told[told]))
            choices[count++] = (struct candidate){
                .why = WHY_NOT_HERE, .value = line_value(&drift->row->open[i]), .of = i};
    }
    return count;
}

/* Of each document of others than the source, all its entries. */
static uint32_t choose_documents(const struct drift *drift, uint32_t told, struct candidate *choices, uint32_t count_max)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < drift->entry_count && count < count_max; i++) {
        struct candidate choice = {.why = WHY_LACKS, .of = i, .document = true};
        const struct entry *entry = &drift->entries[i];
        bool known = entry->told != told || is_own(drift, entry) || entry->document == 0;
        for (uint32_t j = 0; !known && j < count; j++)
            known = is_with(drift, &choices[j], i);
        if (known)
            continue;
        for (uint32_t j = i; j < drift->entry_count; j++)
            choice.value -= is_with(drift, &choice, j) ? drift->entries[j].units : 0;
        choices[count++] = choice;
    }
    return count;
}

static uint32_t choose_entries(const struct drift *drift, uint32_t told, bool with_document, struct candidate *choices,
                               uint32_t count_max)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < drift->entry_count && count < count_max; i++) {
        const struct entry *entry = &drift->entries[i];
        if (entry->told == told && !is_own(drift, entry) && (with_document || entry->document == 0))
            choices[count++] = (struct candidate){.why = WHY_LACKS, .value = -entry->units, .of = i};
    }
    return count;
}

/* What explained the opposite is so no more. What is still open is. */
static bool take_away(struct drift *drift, int64_t change)
{
    for (uint32_t p = drift->part_count; p-- > 0;) {
        struct part *part = &drift->parts[p];
        if (part->why == WHY_NOT_HERE || part->value != -change)
            continue;
        memmove(part, part + 1, (--drift->part_count - p) * sizeof(*part));
        return true;
    }
    return false;
}

/* ---- many entries that explain it together ---- */

enum many { MANY_OF_SOURCE, MANY_OF_TYPE, MANY_NEWEST, MANY_COUNT };

/* Do these belong to the many that begin with an entry? */
static bool is_of(const struct drift *drift, enum many many, uint32_t first, uint32_t number)
{
    const struct entry *entry = &drift->entries[number];
    const struct entry *of = &drift->entries[first];
    return entry->told == of->told && !is_own(drift, entry) &&
           (many == MANY_OF_SOURCE ? entry->source == of->source
            : many == MANY_OF_TYPE ? entry->type == of->type
                                   : number <= first);
}

/* The first two of these, or the last few, that make the change; only when nothing else of their kind does. */
static bool take_many(struct drift *drift, uint32_t told, int64_t change)
{
    for (unsigned many = 0; many < MANY_COUNT; many++) {
        uint32_t found = NUMBER_NONE;
        uint32_t found_count = 0;
        for (uint32_t i = 0; i < drift->entry_count; i++) {
            int64_t sum = 0;
            uint32_t count = 0;
            bool known = drift->entries[i].told != told || is_own(drift, &drift->entries[i]);
            for (uint32_t j = 0; !known && j < drift->entry_count; j++) {
                if (!is_of(drift, (enum many)many, i, j))
                    continue;
                known = many != MANY_NEWEST && j < i; /* they began with that one */
                sum -= drift->entries[j].units;
                count++;
            }
            if (known || count < 2 || sum != change)
                continue;
            found = i;
            found_count++;
        }
        if (found_count != 1)
            continue;
        struct part *part = add_part(drift, WHY_LACKS, told, change);
        for (uint32_t j = 0; j < drift->entry_count; j++) {
            if (is_of(drift, (enum many)many, found, j))
                add_member(drift, part, j);
        }
        return true;
    }
    return false;
}

/* Do both speak of one entry? */
static bool is_overlap(const struct drift *drift, const struct candidate *a, const struct candidate *b)
{
    if (a->why == WHY_NOT_HERE || b->why == WHY_NOT_HERE)
        return a->why == b->why && a->of == b->of;
    return is_with(drift, a, b->of) || is_with(drift, b, a->of);
}

/* Two or three different things, when these alone make the change. */
static bool take_some(struct drift *drift, uint32_t told, int64_t change)
{
    struct candidate pool[POOL_MAX];
    uint32_t count = choose_twice(drift, told, true, pool, POOL_MAX);
    count += choose_open(drift, told, pool + count, POOL_MAX - count);
    uint32_t strong = count;
    count += choose_documents(drift, told, pool + count, POOL_MAX - count);
    count += choose_entries(drift, told, false, pool + count, POOL_MAX - count);
    if (count == POOL_MAX)
        count = strong < POOL_MAX ? strong : 0; /* too many to say that others would not do */
    uint32_t found[3] = {0};
    for (uint32_t size = 2; size <= 3; size++) {
        uint32_t found_count = 0;
        for (uint32_t i = 0; i < count; i++) {
            for (uint32_t j = i + 1; j < count; j++) {
                bool apart = !is_overlap(drift, &pool[i], &pool[j]);
                if (size == 2 && apart && pool[i].value + pool[j].value == change && found_count++ == 0)
                    memcpy(found, (uint32_t[3]){i, j, 0}, sizeof(found));
                for (uint32_t k = j + 1; size == 3 && apart && k < count; k++) {
                    if (pool[i].value + pool[j].value + pool[k].value == change && !is_overlap(drift, &pool[i], &pool[k]) &&
                        !is_overlap(drift, &pool[j], &pool[k]) && found_count++ == 0)
                        memcpy(found, (uint32_t[3]){i, j, k}, sizeof(found));
                }
            }
        }
        if (found_count > 1)
            return false;
        for (uint32_t i = 0; found_count == 1 && i < size; i++)
            add_choice(drift, &pool[found[i]], told);
        if (found_count == 1)
            return true;
    }
    return false;
}

/* What is booked twice or was due, as far as it brings the change closer. Returns what is left. */
static int64_t take_strong(struct drift *drift, uint32_t told, int64_t change)
{
    struct candidate pool[STRONG_MAX];
    uint32_t count = choose_twice(drift, told, true, pool, STRONG_MAX);
    count += choose_open(drift, told, pool + count, STRONG_MAX - count);
    uint32_t best = 0;
    int64_t best_rest = change;
    for (uint32_t set = 1; set < UINT32_C(1) << count; set++) {
        int64_t rest = change;
        for (uint32_t bits = set; bits != 0; bits &= bits - 1)
            rest -= pool[__builtin_ctz(bits)].value;
        if ((rest < 0 ? -rest : rest) < (best_rest < 0 ? -best_rest : best_rest)) {
            best = set;
            best_rest = rest;
        }
    }
    for (uint32_t bits = best; bits != 0; bits &= bits - 1)
        add_choice(drift, &pool[__builtin_ctz(bits)], told);
    return best_rest;
}

/* What is booked twice or was due. */
static bool take_certain(struct drift *drift, uint32_t told, int64_t change)
{
    struct candidate choices[CHOICES_MAX];
    return take_one(drift, choices, choose_twice(drift, told, true, choices, CHOICES_MAX), told, change) ||
           take_one(drift, choices, choose_open(drift, told, choices, CHOICES_MAX), told, change);
}

/* What the source lacks, one thing. */
static bool take_lacking(struct drift *drift, uint32_t told, int64_t change)
{
    struct candidate choices[CHOICES_MAX];
    return take_one(drift, choices, choose_documents(drift, told, choices, CHOICES_MAX), told, change) ||
           take_one(drift, choices, choose_twice(drift, told, false, choices, CHOICES_MAX), told, change) ||
           take_one(drift, choices, choose_entries(drift, told, true, choices, CHOICES_MAX), told, change);
}

/* The source has heard of what it lacked, and not of what is newer. */
static bool take_instead(struct drift *drift, uint32_t told, int64_t change)
{
    for (uint32_t p = drift->part_count; p-- > 0 && drift->part_count < PARTS_MAX;) {
        struct part *part = &drift->parts[p];
        if (part->why != WHY_LACKS ||
            !(take_certain(drift, told, change + part->value) || take_lacking(drift, told, change + part->value)))
            continue;
        memmove(part, part + 1, (--drift->part_count - p) * sizeof(*part));
        return true;
    }
    return false;
}

static void explain_change(struct drift *drift, uint32_t told, int64_t change)
{
    if (change == 0 || take_certain(drift, told, change) || take_away(drift, change) ||
        take_lacking(drift, told, change) || take_many(drift, told, change) || take_instead(drift, told, change) ||
        take_some(drift, told, change))
        return;
    change = take_strong(drift, told, change);
    if (change != 0)
        (void)add_part(drift, WHY_UNEXPLAINED, told, change);
}

/* ---- rendering ---- */

static void begin_leaf(const struct tree *tree, bool *comma, enum why why, const struct drift *drift, uint32_t told)
{
    tree_begin(tree, comma, "why", text_of(why_names[why], strlen(why_names[why])));
    buffer_literal(tree->out, ",\"told\":");
    render_position(tree->out, tree->render->epochs, drift->told[told].seq);
}

static void end_leaf(const struct tree *tree, uint32_t others, int64_t value)
{
    if (others != 0) {
        buffer_literal(tree->out, ",\"others\":");
        json_u64(tree->out, others);
    }
    tree_value(tree, value);
    buffer_byte(tree->out, '}');
}

static void open_leaf(const struct tree *tree, bool *comma, const struct drift *drift, const struct part *part)
{
    const struct open_line *line = &drift->row->open[part->member];
    begin_leaf(tree, comma, part->why, drift, part->told);
    if (line->transfer)
        buffer_literal(tree->out, ",\"transfer\":");
    else
        buffer_literal(tree->out, ",\"expectation\":");
    json_string(tree->out, line->name);
    if (line->when.form != MOMENT_ABSENT) {
        buffer_literal(tree->out, ",\"due\":");
        render_moment(tree->out, line->when);
    }
    end_leaf(tree, part->others, part->value);
}

static enum status entry_leaf(const struct tree *tree, bool *comma, const struct drift *drift, const struct part *part,
                              uint32_t number, struct history *history)
{
    const struct event *event;
    enum status status = history_event(history, drift->entries[number].seq, &event);
    if (status != STATUS_OK)
        return status;
    begin_leaf(tree, comma, part->why, drift, part->told);
    buffer_byte(tree->out, ',');
    explain_members(tree->out, tree->render, history->decision, event);
    if (text_present(history->decision->document_line)) {
        buffer_literal(tree->out, ",\"line\":");
        json_string(tree->out, history->decision->document_line);
    }
    buffer_literal(tree->out, ",\"quantity\":");
    json_units(tree->out, event->quantity, tree->scale);
    if (part->why == WHY_TWICE) {
        buffer_literal(tree->out, ",\"first\":");
        render_position(tree->out, tree->render->epochs, drift->entries[first_of(drift, number)].seq);
    }
    end_leaf(tree, part->others, -drift->entries[number].units);
    return STATUS_OK;
}

static enum status part_leaves(const struct tree *tree, bool *comma, const struct drift *drift, const struct part *part,
                               struct history *history)
{
    int64_t rest = part->value;
    if (part->why == WHY_NOT_HERE) {
        open_leaf(tree, comma, drift, part);
        return STATUS_OK;
    }
    for (uint32_t i = 0; i < part->count && i < DRIFT_NAMED_MAX; i++) {
        uint32_t number = drift->members[part->member + i];
        enum status status = entry_leaf(tree, comma, drift, part, number, history);
        if (status != STATUS_OK)
            return status;
        rest += drift->entries[number].units;
    }
    if (rest == 0)
        return STATUS_OK;
    begin_leaf(tree, comma, part->why, drift, part->told);
    if (part->why != WHY_UNEXPLAINED)
        buffer_literal(tree->out, ",\"rest\":\"entries\"");
    end_leaf(tree, 0, rest);
    return STATUS_OK;
}

static enum status explain_row(struct drift *drift, struct history *history, const struct render *render,
                               const struct drift_row *row, struct buffer *out)
{
    const struct statement_view *view = &row->view;
    const struct tree tree = {out, render, view->scale};
    enum status status = STATUS_OK;
    drift->row = row;
    drift->entry_count = drift->told_count = drift->looked = drift->part_count = drift->member_count = 0;
    drift->looked_seq = 0;
    memset(drift->line_used, 0, sizeof(drift->line_used));
    if (view->stated != view->books)
        status = read_back(drift, history);
    for (uint32_t t = drift->told_count; t-- > 0;)
        explain_change(drift, t, drift->told[t].difference -
                                     (t + 1 < drift->told_count ? drift->told[t + 1].difference : 0));
    render_statement_open(out, render, view);
    if (drift->looked_seq != 0) {
        buffer_literal(out, ",\"looked_back_to\":");
        render_position(out, render->epochs, drift->looked_seq);
    }
    bool comma = false;
    buffer_literal(out, ",\"explain\":[{\"figure\":\"difference\"");
    tree_value(&tree, view->stated - view->books);
    buffer_literal(out, ",\"sum\":[");
    comma = false;
    for (uint32_t p = 0; p < drift->part_count && status == STATUS_OK; p++)
        status = part_leaves(&tree, &comma, drift, &drift->parts[p], history);
    buffer_literal(out, "]}]}");
    return status;
}

enum status drift_explain(struct drift *drift, struct history *history, const struct render *render,
                          const struct drift_row *row, struct buffer *out)
{
    size_t begin = out->length;
    enum status status;
    history_begin(history);
    do {
        out->length = begin;
        status = explain_row(drift, history, render, row, out);
    } while (history_again(history, status));
    return status;
}
