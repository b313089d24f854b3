/*
 * A small world for tests of the ledger, driven by lines of near-prose:
 *
 *     {"# title", NULL, NULL}                       a fresh world; it says what the rows below show
 *     {"command", "answer", "cell: ...; claim: ..."} one step, its answer, and what is so after it
 *
 * Commands: `KIND [QUANTITY [CONDITION] ITEM@LOCATION [if:VERSION=n]]... [key=value]...`. A number begins a line of the
 * command; `if:` speaks of the line before it, `IF:` of the command. Keys: hold holder channel to from id source seq
 * expires(seconds) occurred(seconds from now) not_after(seconds from now) scale window(seconds) capacity transfer
 * expectation direction(in, out), due and eta(a moment); words: guard fact (guard: false) dry partial strict. A moment
 * is a day as 2023-12-01, or +SECONDS from now. Configuration: unit:NAME=RATIO ("12", "1/3") alias:SOURCE=NAME
 * part:ITEM=QUANTITY merge=ITEM attributes=JSON of items, parent=LOCATION zone=SECONDS (an offset) no_promise
 * shortfall=CRITERION,… of locations, name=SOURCE zone ordered strict returns=CONDITION holds=SECONDS silence=SECONDS
 * withhold=LOCATION,… keep=UNITS of sources; `unit=NAME` speaks of the line before it. Of a count: occurred= ends its
 * window, since(seconds from now) begins it, `picked` includes what is picked; what it needs to know of the past comes
 * from a list of all that happened, summed anew. A reversal is of=ID [of_source=SOURCE], a
 * closing until=MOMENT. `wait SECONDS` lets time pass
 * and runs what falls due, `until MOMENT` the same; `tick` is the engine's.
 *
 * Every decision is copied, text by text, and evolved by a second ledger: after each step both have the same state hash
 * and ledger_check finds nothing. A step that decides nothing changes nothing.
 */
#ifndef ONHAND_TEST_LEDGER_WORLD_H
#define ONHAND_TEST_LEDGER_WORLD_H

#include "unit.h"

#include <inttypes.h>

#include "base/siphash.h"
#include "image_copy.h"
#include "ledger/config_form.h"
#include "ledger/ledger.h"
#include "ledger/reading.h"

#define WORLD_START_US (INT64_C(1700000000) * 1000 * 1000)
#define SECOND_US      INT64_C(1000000)

struct world_past {
    uint32_t item, location;
    enum event_type type;
    bool moves; /* it is no count, and corrects none */
    int64_t occurred_us, booked_us, recorded_us;
    struct figures delta, figures;
    uint32_t source;
    uint64_t source_seq; /* 0 for none */
    uint32_t stated_by;  /* of a snapshot */
    uint64_t seen_position;
    uint64_t seq;
};
#define WORLD_PAST_MAX 20000

/* A decision as its record has it, but for texts: of those it has the command of a review. */
struct world_done {
    struct world_done *next;
    char *held;
    struct decision decision;
    struct event events[];
};

struct world {
    struct world_done *done;
    struct ledger_limits limits;
    void *memory, *twin_memory;
    struct ledger *ledger;
    struct ledger *twin; /* fed with copies of the decisions alone */
    int64_t now_us;
    unsigned ids; /* ids given so far */
    unsigned steps;
    struct decision decision;
    struct verdict verdict;
    void (*told)(const struct decision *decision); /* of each decision that was evolved; NULL for nobody */
    struct command command;
    uint8_t places[COMMAND_PLACES_BYTES];
    struct command_line lines[COMMAND_LINES_MAX];
    struct item_config item;
    struct location_config location;
    struct source_config source;
    uint8_t form[CONFIG_BYTES_MAX];
    char text[256 * 1024]; /* of the command */
    char answer[64 * 1024];
    struct world_past *past; /* of all events of cells so far, in the order of their numbers */
    size_t past_count;
    unsigned readings;                                /* made so far */
    void (*read)(struct world *world, unsigned time); /* between a reading and the decision; NULL for nothing */
    unsigned expired;                                 /* from this reading for a command on the past is gone; 0 for never */
    char *copies[4 * COMMAND_LINES_MAX]; /* texts of the copy of a decision */
    size_t copy_count;
};

static const struct ledger_limits world_limits = {
    .item_count_max = 64,
    .location_count_max = 64,
    .source_count_max = 16,
    .quota_count_max = 64,
    .offer_count_max = 64,
    .cell_count_max = 256,
    .claim_count_max = 64,
    .claim_line_count_max = 256,
    .transfer_count_max = 16,
    .expectation_count_max = 16,
    .document_line_count_max = 64, .mark_count_max = 64, .statement_count_max = 16, .review_count_max = 8,
    .id_count_max = 4096,
    .config_mib_max = 1,
    .part_count_max = 64,
    .alias_count_max = 64,
};
static const struct siphash_key world_key = {1, 2};

static inline struct ledger *world_ledger(const struct ledger_limits *limits, void **out_memory)
{
    size_t bytes = ledger_bytes(limits);
    struct region region = {aligned_alloc(REGION_ALIGNMENT, bytes), bytes, 0};
    assert_non_null(region.base);
    memset(region.base, 0, bytes);
    *out_memory = region.base;
    struct ledger *ledger = ledger_init(&region, limits, &world_key);
    assert_int_equal(region.used_bytes, bytes);
    return ledger;
}

/* ---- copies of decisions ---- */

static inline struct text world_copy_text(struct world *world, struct text text)
{
    if (!text_present(text))
        return TEXT_NONE;
    char *bytes = malloc(text.length + 1u);
    assert_non_null(bytes);
    memcpy(bytes, text.bytes, text.length);
    assert_true(world->copy_count < sizeof(world->copies) / sizeof(world->copies[0]));
    world->copies[world->copy_count++] = bytes;
    return text_of(bytes, text.length);
}

/* Keeps a decision for who reads it later. */
static inline void world_keep(struct world *world)
{
    const struct decision *decision = &world->decision;
    size_t bytes = decision->event_count * sizeof(struct event);
    struct world_done *done = malloc(sizeof(*done) + bytes);
    assert_non_null(done);
    *done = (struct world_done){.next = world->done, .decision = *decision};
    memcpy(done->events, decision->events, bytes);
    done->decision.events = done->events;
    if (decision->event_count != 0 && text_present(decision->events[0].held)) {
        struct text held = decision->events[0].held;
        done->held = malloc(held.length);
        assert_non_null(done->held);
        memcpy(done->held, held.bytes, held.length);
        done->events[0].held = text_of(done->held, held.length);
    }
    world->done = done;
}

/* Evolves the decision, and a copy of it in the twin, made before. */
static inline void world_evolve(struct world *world)
{
    static struct event events[DECISION_EVENTS_MAX];
    static struct new_name names[DECISION_NAMES_MAX];
    struct decision copy = world->decision;
    copy.events = events;
    copy.names = names;
    copy.shortages = NULL;
    copy.id = world_copy_text(world, copy.id);
    copy.has_id_hash = false; /* as read back from a journal */
    copy.actor = copy.reason = copy.document = copy.document_line = copy.channel = copy.meta = TEXT_NONE;
    for (uint32_t i = 0; i < copy.event_count; i++) {
        events[i] = world->decision.events[i];
        events[i].hold = world_copy_text(world, events[i].hold);
        events[i].holder = world_copy_text(world, events[i].holder);
        events[i].channel = world_copy_text(world, events[i].channel);
        events[i].transfer = world_copy_text(world, events[i].transfer);
        events[i].expectation = world_copy_text(world, events[i].expectation);
        events[i].config = world_copy_text(world, events[i].config);
        events[i].held = world_copy_text(world, events[i].held);
        events[i].of_source = world_copy_text(world, events[i].of_source);
        events[i].of_id = world_copy_text(world, events[i].of_id);
        events[i].subject = events[i].field = TEXT_NONE;
        events[i].shortages = NULL;
        events[i].hints = (struct event_hints){0};
    }
    for (uint32_t i = 0; i < copy.name_count; i++) {
        names[i] = world->decision.names[i];
        names[i].name = world_copy_text(world, names[i].name);
    }
    assert_null(ledger_overflow(world->twin, &copy)); /* what was decided has room */
    ledger_evolve(world->ledger, &world->decision);
    /* A journal brings the skips, one that was begun before there were any does not: both must do. */
    for (uint32_t i = 0; i < copy.event_count; i++) {
        events[i].skip_count = events[i].seq % 2 == 0 ? world->decision.events[i].skip_count : 0;
        memcpy(events[i].skips, world->decision.events[i].skips, sizeof(events[i].skips));
    }
    if (copy.first_seq % 2 == 0) /* the other half is not looked ahead at */
        ledger_prepare_replay(world->twin, &copy, 1);
    ledger_evolve(world->twin, &copy);
    for (uint32_t i = 0; i < copy.event_count; i++)
        assert_int_equal(events[i].skip_count, world->decision.events[i].skip_count);
    for (uint32_t i = 0; i < copy.event_count; i++) {
        const struct event *event = &world->decision.events[i];
        assert_true(world->past_count < WORLD_PAST_MAX);
        world->past[world->past_count++] =
            (struct world_past){event->item, event->location,
                                event->type, event->count_seq == 0,
                                event_occurred_us(&world->decision, event), event_booked_us(&world->decision, event),
                                world->decision.recorded_at_us, event->delta, event->figures, world->decision.source,
                                world->decision.has_seq ? world->decision.source_seq : 0, event->stated_by, event->seen_position,
                                event->seq};
    }
    world_keep(world);
    if (world->told != NULL)
        world->told(&world->decision);
    while (world->copy_count > 0)
        free(world->copies[--world->copy_count]);
    assert_true(ledger_state_hash(world->ledger) == ledger_state_hash(world->twin));
}

/* ---- commands in near-prose ---- */

static inline struct decimal world_decimal(const char *text)
{
    struct decimal d;
    if (decimal_parse(text_of(text, strlen(text)), &d) != DECIMAL_OK)
        fail_msg("'%s' is not a quantity", text);
    return d;
}

static inline enum condition world_condition(const char *word)
{
    for (unsigned c = 0; c < CONDITION_COUNT; c++) {
        if (strcmp(condition_name((enum condition)c), word) == 0)
            return (enum condition)c;
    }
    return CONDITION_NONE;
}

static inline void world_precondition(struct precondition *p, const char *name, const char *value)
{
    if (strcmp(name, "version") == 0) {
        p->present |= PRECONDITION_VERSION;
        p->version = strtoull(value, NULL, 10);
    } else if (strcmp(name, "on_hand") == 0) {
        p->present |= PRECONDITION_ON_HAND;
        p->on_hand = world_decimal(value);
    } else if (strcmp(name, "available") == 0) {
        p->present |= PRECONDITION_AVAILABLE;
        p->available = world_decimal(value);
    } else {
        assert_string_equal(name, "reserved");
        p->present |= PRECONDITION_RESERVED;
        p->reserved = world_decimal(value);
    }
}

/* Days since 1970 of a day of the Gregorian calendar. */
static inline int64_t world_days(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1 - 719468;
}

/* "2023-12-01" or "+3600". */
static inline struct moment world_moment(const struct world *world, const char *text)
{
    int year;
    int month;
    int day;
    if (*text == '+' || (*text == '-' && strchr(text + 1, '-') == NULL))
        return (struct moment){MOMENT_INSTANT, world->now_us + strtoll(text, NULL, 10) * SECOND_US};
    if (sscanf(text, "%4d-%2d-%2d", &year, &month, &day) != 3) {
        fail_msg("'%s' is no moment", text);
        return (struct moment){MOMENT_ABSENT, 0};
    }
    return (struct moment){MOMENT_DAY, world_days(year, month, day) * 86400 * SECOND_US};
}

/* What stands behind the colon of a key, when the key begins so. */
static inline bool world_key_of(const char *key, const char *prefix, struct text *out_rest)
{
    const char *rest = key;
    for (; *prefix != '\0' && *rest == *prefix; prefix++)
        rest++;
    *out_rest = *prefix == '\0' ? text_of(rest, strlen(rest)) : TEXT_NONE;
    return text_present(*out_rest);
}

/* "unpaid,newest" */
static inline void world_shortfall(struct shortfall *shortfall, const char *value)
{
    for (shortfall->count = 0; *value != '\0'; shortfall->count++) {
        size_t length = strcspn(value, ",");
        uint8_t c = 0;
        while (strlen(shortfall_name((enum shortfall_criterion)c)) != length ||
               strncmp(shortfall_name((enum shortfall_criterion)c), value, length) != 0)
            assert_true(++c < SHORTFALL_COUNT);
        shortfall->criteria[shortfall->count] = c;
        value += length + (value[length] == ',');
    }
}

/* Options of bodies of configuration; the lists must be given in order. False when it is none. */
static inline bool world_config_option(struct world *world, const char *key, const char *value)
{
    struct text text = text_of(value, strlen(value));
    struct text rest;
    int64_t number = strtoll(value, NULL, 10);
    if (world_key_of(key, "unit:", &rest)) {
        const char *slash = strchr(value, '/');
        world->item.units[world->item.unit_count++] =
            (struct config_unit){rest, number, slash == NULL ? 1 : strtoll(slash + 1, NULL, 10)};
    } else if (world_key_of(key, "alias:", &rest)) {
        world->item.aliases[world->item.alias_count++] =
            (struct config_alias){rest.length == 0 ? TEXT_NONE : rest, text};
    } else if (world_key_of(key, "part:", &rest)) {
        world->item.components[world->item.component_count++] = (struct config_component){rest, world_decimal(value)};
    } else if (strcmp(key, "merge") == 0) {
        world->item.merge = text;
    } else if (strcmp(key, "attributes") == 0) {
        world->item.attributes = world->location.attributes = text;
    } else if (strcmp(key, "parent") == 0) {
        world->location.parent = text;
    } else if (strcmp(key, "shortfall") == 0) {
        world_shortfall(&world->location.shortfall, value);
    } else if (strcmp(key, "zone") == 0) {
        world->location.zone.name = world->source.zone.name = text;
        world->location.zone.offset_s = world->source.zone.offset_s = (int32_t)number;
    } else if (strcmp(key, "returns") == 0) {
        world->source.default_condition = world_condition(value);
    } else if (strcmp(key, "policy") == 0) {
        while (strcmp(snapshot_policy_name((enum snapshot_policy)world->source.snapshot_policy), value) != 0)
            world->source.snapshot_policy++;
    } else if (world_key_of(key, "policy:", &rest)) { /* sorted */
        struct place_policies *policies = &world->source.policies;
        policies->policies[policies->count] = 0;
        while (strcmp(snapshot_policy_name((enum snapshot_policy)policies->policies[policies->count]), value) != 0)
            policies->policies[policies->count]++;
        policies->places[policies->count++] = rest;
    } else if (strcmp(key, "pair") == 0) {
        world->source.pair = *value == 'y';
    } else if (strcmp(key, "change_units") == 0) {
        world->source.max_change.has_units = true;
        world->source.max_change.units = number;
    } else if (strcmp(key, "change_percent") == 0) {
        world->source.max_change.has_percent = true;
        world->source.max_change.percent = (uint32_t)number;
    } else if (strcmp(key, "age_limit") == 0) {
        world->source.age_limit_ms = number * 1000;
    } else if (strcmp(key, "count_units") == 0) {
        world->source.count_limit.has_units = true;
        world->source.count_limit.units = number;
    } else if (strcmp(key, "count_percent") == 0) {
        world->source.count_limit.has_percent = true;
        world->source.count_limit.percent = (uint32_t)number;
    } else if (strcmp(key, "holds") == 0) {
        world->source.expires_in_ms = number * 1000;
    } else if (strcmp(key, "silence") == 0) {
        world->source.silence.after_s = number;
    } else if (strcmp(key, "keep") == 0) {
        world->source.silence.buffer = number;
    } else if (strcmp(key, "withhold") == 0) {
        for (struct silence_config *silence = &world->source.silence; *value != '\0'; value += *value == ',') {
            silence->places[silence->place_count++] = text_of(value, strcspn(value, ","));
            value += strcspn(value, ",");
        }
    } else if (strcmp(key, "unit") == 0 && world->command.line_count > 0) {
        world->lines[world->command.line_count - 1].unit = text;
    } else {
        return false;
    }
    return true;
}

/* "L,M": names of locations. */
static inline void world_places(struct world *world, const char *value)
{
    struct command *c = &world->command;
    size_t n = 0;
    for (c->place_count = 0; *value != '\0'; c->place_count++) {
        size_t length = strcspn(value, ",");
        n += command_place_put(world->places + n, text_of(value, length));
        value += length;
        value += *value == ',';
    }
    c->places = text_of((const char *)world->places, n);
}

static inline void world_option(struct world *world, const char *key, const char *value)
{
    struct command *c = &world->command;
    struct text text = text_of(value, strlen(value));
    if (world_config_option(world, key, value))
        return;
    const struct {
        const char *key;
        struct text *field;
    } texts[] = {{"hold", &c->hold},       {"holder", &c->holder},      {"channel", &c->channel}, {"id", &c->id},
                 {"source", &c->source},   {"reason", &c->reason},      {"item", &c->item},
                 {"document", &c->document}, {"location", &c->location},   {"transfer", &c->transfer},
                 {"expectation", &c->expectation}, {"name", &c->source_name}, {"set", &c->set},
                 {"of", &c->of_id}, {"of_source", &c->of_source}};
    const struct {
        const char *key;
        struct optional_decimal *field;
    } decimals[] = {{"safety", &c->safety_stock}, {"backorders", &c->backorder_limit}, {"reorder", &c->reorder_point},
                    {"buffer", &c->buffer},       {"cap", &c->cap},                    {"add", &c->add},
                    {"units", &c->to}};
    for (size_t i = 0; i < sizeof(decimals) / sizeof(decimals[0]); i++) {
        if (strcmp(decimals[i].key, key) == 0) {
            *decimals[i].field = (struct optional_decimal){true, world_decimal(value)};
            return;
        }
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(texts[i].key, key) == 0) {
            *texts[i].field = text.length == 0 ? TEXT_NONE : text;
            return;
        }
    }
    int64_t number = strtoll(value, NULL, 10);
    if (strcmp(key, "to") == 0 && c->kind == KIND_RECLASSIFY)
        c->to_condition = world_condition(value);
    else if (strcmp(key, "to") == 0)
        c->to_location = text;
    else if (strcmp(key, "from") == 0)
        c->from = world_condition(value);
    else if (strcmp(key, "direction") == 0)
        c->direction = strcmp(value, "out") == 0 ? DIRECTION_OUT : DIRECTION_IN;
    else if (strcmp(key, "at") == 0 || strcmp(key, "until") == 0)
        c->at = world_moment(world, value);
    else if (strcmp(key, "due") == 0 || strcmp(key, "eta") == 0)
        c->due = world_moment(world, value);
    else if (strcmp(key, "seq") == 0) {
        c->has_seq = true;
        c->seq = (uint64_t)number;
    } else if (strcmp(key, "expires") == 0)
        c->expires_in_ms = number * 1000;
    else if (strcmp(key, "occurred") == 0)
        c->occurred_at_us = world->now_us + number * SECOND_US;
    else if (strcmp(key, "since") == 0)
        c->counted_from_us = world->now_us + number * SECOND_US;
    else if (strcmp(key, "seen") == 0) {
        c->has_position = true;
        c->seen_epoch = EPOCH_FIRST;
        c->seen_position = (uint64_t)number;
    } else if (strcmp(key, "epoch") == 0)
        c->seen_epoch = (uint32_t)number;
    else if (strcmp(key, "own") == 0)
        c->seen_seq = (uint64_t)number;
    else if (strcmp(key, "contains") == 0)
        c->contains = *value == 'n' ? CONTAINS_NONE : *value == 's' ? CONTAINS_SHIPPED : CONTAINS_COMMITTED;
    else if (strcmp(key, "review") == 0)
        c->review = (uint64_t)number;
    else if (strcmp(key, "not_after") == 0)
        c->not_after_us = world->now_us + number * SECOND_US;
    else if (strcmp(key, "scale") == 0)
        c->scale = (uint8_t)number;
    else if (strcmp(key, "priority") == 0)
        c->priority = (uint32_t)number;
    else if (strcmp(key, "shares") == 0)
        c->shares_rest = strcmp(value, "yes") == 0 ? CHOICE_YES : CHOICE_NO;
    else if (strcmp(key, "locations") == 0)
        world_places(world, value);
    else if (strcmp(key, "rule") == 0)
        c->sourcing = strcmp(value, "priority") == 0         ? SOURCING_PRIORITY
                      : strcmp(value, "fewest_splits") == 0 ? SOURCING_FEWEST_SPLITS
                                                             : SOURCING_MOST_STOCK;
    else if (strcmp(key, "window") == 0)
        c->id_window_ms = number * 1000;
    else if (strcmp(key, "capacity") == 0)
        c->id_capacity = (uint32_t)number;
    else if (strncmp(key, "IF:", 3) == 0)
        world_precondition(&c->precondition, key + 3, value);
    else if (strncmp(key, "if:", 3) == 0 && c->line_count > 0)
        world_precondition(&world->lines[c->line_count - 1].precondition, key + 3, value);
    else
        fail_msg("no such key: %s", key);
}

static inline void world_word(struct world *world, char *word)
{
    struct command *c = &world->command;
    struct command_line *line = c->line_count == 0 ? NULL : &world->lines[c->line_count - 1];
    char *equals = strchr(word, '=');
    char *at = strchr(word, '@');
    if (equals != NULL) {
        *equals = '\0';
        world_option(world, word, equals + 1);
    } else if (at != NULL) {
        assert_non_null(line);
        *at = '\0';
        line->item = text_of(word, strlen(word));
        line->location = at[1] == '\0' ? TEXT_NONE : text_of(at + 1, strlen(at + 1));
    } else if ((*word >= '0' && *word <= '9') || *word == '-') {
        assert_true(c->line_count < COMMAND_LINES_MAX);
        world->lines[c->line_count++] = (struct command_line){.quantity = world_decimal(word),
                                                              .condition = CONDITION_NONE};
    } else if (strcmp(word, "guard") == 0) {
        c->guard = GUARD_ON;
    } else if (strcmp(word, "fact") == 0) {
        c->guard = GUARD_OFF;
    } else if (strcmp(word, "dry") == 0) {
        c->dry_run = true;
    } else if (strcmp(word, "partial") == 0) {
        c->mode = HOLD_PARTIAL;
    } else if (strcmp(word, "accept") == 0 || strcmp(word, "reject") == 0) {
        c->verdict = *word == 'a' ? VERDICT_ACCEPT : VERDICT_REJECT;
    } else if (strcmp(word, "last") == 0) {
        c->last = true;
    } else if (strcmp(word, "available") == 0) {
        c->measure = MEASURE_AVAILABLE;
    } else if (strcmp(word, "report") == 0) {
        c->report = true;
    } else if (strcmp(word, "picked") == 0) {
        c->includes_picked = true;
    } else if (strcmp(word, "backorder") == 0) {
        c->backorder = true;
    } else if (strcmp(word, "wait") == 0) {
        c->wait = true;
    } else if (strcmp(word, "paid") == 0) {
        c->paid = true;
    } else if (strcmp(word, "strict") == 0) {
        c->strict = c->kind == KIND_SETTINGS;
        world->source.strict = true;
    } else if (strcmp(word, "ordered") == 0) {
        world->source.ordered = true;
    } else if (strcmp(word, "no_promise") == 0) {
        world->location.no_promise = true;
    } else {
        enum condition condition = world_condition(word);
        if (condition == CONDITION_NONE || line == NULL)
            fail_msg("no such word: %s", word);
        else
            line->condition = condition;
    }
}

static inline enum command_kind world_kind(const char *word)
{
    for (unsigned k = 0; k < KIND_COUNT; k++) {
        if (strcmp(kind_name((enum command_kind)k), word) == 0)
            return (enum command_kind)k;
    }
    fail_msg("no such kind: %s", word);
    return KIND_COUNT;
}

/* Fills world->command from its words. */
static inline void world_parse(struct world *world, const char *prose)
{
    static const char separators[] = " ";
    assert_true(strlen(prose) < sizeof(world->text) - 32);
    char *end = stpcpy(world->text, prose) + 1;
    int n = sprintf(end, "#%u", ++world->ids);
    char *rest = NULL;
    char *word = strtok_r(world->text, separators, &rest);
    world->command = (struct command){
        .kind = world_kind(word),
        .source = TEXT("pos-1"),
        .id = text_of(end, (size_t)n),
        .occurred_at_us = TIME_NONE,
        .not_after_us = TIME_NONE,
        .counted_from_us = TIME_NONE,
        .expires_in_ms = EXPIRES_DEFAULT,
        .epochs = &epochs_first,
        .from = CONDITION_NONE,
        .to_condition = CONDITION_NONE,
        .lines = world->lines,
    };
    bool fits = true;
    size_t length = 0;
    if (world->command.kind == KIND_REVERSE)
        world->command.of_source = world->command.source;
    CHECK(item_config_read(TEXT_NONE, &world->item) && location_config_read(TEXT_NONE, &world->location) &&
          source_config_read(TEXT_NONE, &world->source));
    while ((word = strtok_r(NULL, separators, &rest)) != NULL)
        world_word(world, word);
    if (world->command.kind == KIND_PUT_ITEM)
        length = item_config_write(&world->item, world->form, &fits);
    else if (world->command.kind == KIND_PUT_LOCATION)
        length = location_config_write(&world->location, world->form, &fits);
    else if (world->command.kind == KIND_PUT_SOURCE)
        length = source_config_write(&world->source, world->form, &fits);
    assert_true(fits);
    world->command.config = length == 0 ? TEXT_NONE : text_of((const char *)world->form, length);
}

/* ---- answers in near-prose ---- */

static inline struct text world_name(const struct world *world, enum name_space space, uint32_t number)
{
    const struct decision *decision = &world->decision;
    for (uint32_t i = 0; i < decision->name_count; i++) {
        if (decision->names[i].space == space && decision->names[i].number == number)
            return decision->names[i].name;
    }
    return ledger_name(world->ledger, space, number);
}

PRINTF_LIKE(2, 3) static inline void world_say(struct world *world, const char *format, ...)
{
    size_t have = strlen(world->answer);
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(world->answer + have, sizeof(world->answer) - have, format, arguments);
    va_end(arguments);
    assert_true(n >= 0 && (size_t)n < sizeof(world->answer) - have);
}

#define TEXT_ARGUMENTS(text) (int)(text).length, (text).bytes == NULL ? "" : (text).bytes

static inline void world_say_event(struct world *world, const struct event *event)
{
    world_say(world, " %s", event_name(event->type));
    if (event->type == EVENT_OVERSOLD)
        world_say(world, "(%" PRId64 ")", event->quantity);
    if (event->type == EVENT_DISCREPANCY)
        world_say(world, "(%s %" PRId64 ")", discrepancy_name(event->discrepancy), event->quantity);
    if (event->review != 0)
        world_say(world, "(%" PRIu64 " %s)", event->review, brake_name(event->brake));
    if (event->type == EVENT_SNAPSHOT && event->set_closed)
        world_say(world, "(last)");
    else if (event->type == EVENT_SNAPSHOT)
        world_say(world, "(%" PRId64 " not %" PRId64 ")", event->quantity, event->books);
    else if (event->type == EVENT_COUNT_ASKED)
        world_say(world, "(%" PRId64 ")", event->quantity);
    else if (event->count_seq != 0)
        world_say(world, event->uncertain != 0 ? "(%" PRId64 " uncertain %" PRId64 ")" : "(%" PRId64 ")",
                  event->variance, event->uncertain);
    if (event->type == EVENT_CLOSE_PERIOD)
        world_say(world, "(%+" PRId64 ")", (event->booked_us - world->now_us) / SECOND_US);
    if (event->type == EVENT_REPORTED)
        world_say(world, event->confirmed_seq != 0 ? "(%" PRId64 " at %" PRId64 "%s)" : "(%" PRId64 " not %" PRId64 "%s)",
                  event->quantity, event->confirmed_seq != 0 ? (int64_t)event->confirmed_seq : event->books,
                  event->late ? " late" : "");
    if (event->type == EVENT_SHORT)
        world_say(world, "(%.*s %" PRId64 ")", TEXT_ARGUMENTS(event->hold), event->quantity);
}

static inline void world_say_answer(struct world *world)
{
    const struct verdict *verdict = &world->verdict;
    const struct decision *decision = &world->decision;
    world->answer[0] = '\0';
    if (verdict->outcome == OUTCOME_DUPLICATE) {
        world_say(world, "duplicate of %" PRIu64, verdict->duplicate_seq);
        return;
    }
    if (verdict->outcome == OUTCOME_INVALID) {
        world_say(world, "invalid %s", code_name(verdict->code));
        if (verdict->line != LINE_NONE)
            world_say(world, " line %u", verdict->line);
        if (verdict->field != NULL)
            world_say(world, " %s", verdict->field);
        return;
    }
    world_say(world, "%s%s", verdict->outcome == OUTCOME_DRY ? "dry " : "",
              verdict->code == CODE_none ? "ok:" : code_name(verdict->code));
    for (uint32_t i = 0; verdict->code == CODE_none && i < decision->event_count; i++)
        world_say_event(world, &decision->events[i]);
    if (verdict->code == CODE_none && decision->clock_skew)
        world_say(world, " clock_skew");
    if (verdict->code != CODE_none) {
        assert_int_equal(decision->event_count, 1);
        assert_int_equal(decision->events[0].type, EVENT_REFUSED);
        assert_int_equal(decision->events[0].code, verdict->code);
        if (text_present(decision->events[0].subject))
            world_say(world, " %.*s", TEXT_ARGUMENTS(decision->events[0].subject));
        if (verdict->code == CODE_hold_ended)
            world_say(world, ", consumed %" PRId64 " released %" PRId64, decision->events[0].consumed,
                      decision->events[0].released);
    }
    if (decision->mention_total != 0)
        world_say(world, ", claims %u:", decision->mention_total);
    for (uint32_t i = 0; i < decision->mention_count; i++)
        world_say(world, " %.*s", TEXT_ARGUMENTS(decision->mentions[i]));
    for (uint32_t i = 0; i < decision->shortage_count; i++) {
        const struct shortage *s = &decision->shortages[i];
        world_say(world, ", %.*s@%.*s asked %" PRId64 " free %" PRId64,
                  TEXT_ARGUMENTS(world_name(world, NAME_ITEM, s->item)),
                  TEXT_ARGUMENTS(s->location == NUMBER_NONE ? TEXT("?") : world_name(world, NAME_LOCATION, s->location)),
                  s->asked, s->free);
    }
}

/* ---- the state in near-prose ---- */

static inline void world_say_units(struct world *world, const char *name, int64_t units)
{
    if (units != 0)
        world_say(world, " %s %" PRId64, name, units);
}

/* "A@L: sellable 10 held 2 v3": figures that are not zero, then the version. */
static inline void world_say_cell(struct world *world, const char *item, const char *location)
{
    const struct ledger *ledger = world->ledger;
    uint32_t i = ledger_number(ledger, NAME_ITEM, text_of(item, strlen(item)));
    uint32_t l = ledger_number(ledger, NAME_LOCATION, text_of(location, strlen(location)));
    uint32_t number = i == NUMBER_NONE || l == NUMBER_NONE ? NUMBER_NONE : ledger_cell_find(ledger, i, l);
    if (number == NUMBER_NONE) {
        world_say(world, " none");
        return;
    }
    struct cell_view cell;
    ledger_cell(ledger, number, &cell);
    for (unsigned f = 0; f < FIGURE_COUNT; f++)
        world_say_units(world, figure_name((enum figure)f), cell.figures.units[f]);
    world_say(world, " v%" PRIu64, cell.version);
}

/* "H1: held of ann, A@L granted 7 held 7, ends +900" (seconds from now). */
static inline void world_say_claim(struct world *world, const char *name)
{
    const struct ledger *ledger = world->ledger;
    struct claim_view claim;
    if (!ledger_claim(ledger, text_of(name, strlen(name)), &claim)) {
        world_say(world, " none");
        return;
    }
    world_say(world, " %s of %.*s", claim_state_name(claim.state), TEXT_ARGUMENTS(claim.holder));
    if (text_present(claim.channel))
        world_say(world, " through %.*s", TEXT_ARGUMENTS(claim.channel));
    for (uint32_t l = claim.line; l != NUMBER_NONE;) {
        struct claim_line_view line;
        ledger_claim_line(ledger, l, &line);
        world_say(world, ", %.*s@%.*s", TEXT_ARGUMENTS(ledger_name(ledger, NAME_ITEM, line.item)),
                  TEXT_ARGUMENTS(ledger_name(ledger, NAME_LOCATION, line.location)));
        for (unsigned f = 0; f < CLAIM_FIGURE_COUNT; f++)
            world_say_units(world, claim_figure_name((enum claim_figure)f), line.units[f]);
        l = line.next;
    }
    if (claim.expires_at_us != TIME_NONE)
        world_say(world, ", ends +%" PRId64, (claim.expires_at_us - world->now_us) / SECOND_US);
}

/* "$A: supplier -10 customer 3": the accounts outside. */
static inline void world_say_accounts(struct world *world, const char *item)
{
    static const char *const names[ACCOUNT_COUNT] = {"supplier", "customer", "loss", "found"};
    uint32_t number = ledger_number(world->ledger, NAME_ITEM, text_of(item, strlen(item)));
    for (unsigned a = 0; number != NUMBER_NONE && a < ACCOUNT_COUNT; a++)
        world_say_units(world, names[a], ledger_account(world->ledger, number, (enum account)a));
}

/* " 2023-12-01", or " +3600" from now. */
static inline void world_say_moment(struct world *world, struct moment moment)
{
    if (moment.form == MOMENT_INSTANT)
        world_say(world, " %+" PRId64, (moment.us - world->now_us) / SECOND_US);
    if (moment.form != MOMENT_DAY)
        return;
    int64_t days = moment.us / SECOND_US / 86400;
    int64_t year = 1970 + days / 366;
    while (world_days(year + 1, 1, 1) <= days)
        year++;
    int64_t month = 1;
    while (month < 12 && world_days(year, month + 1, 1) <= days)
        month++;
    world_say(world, " %04d-%02d-%02d", (int)year, (int)month, (int)(days - world_days(year, month, 1) + 1));
}

static inline void world_say_lines(struct world *world, uint32_t l)
{
    while (l != NUMBER_NONE) {
        struct document_line_view line;
        ledger_document_line(world->ledger, l, &line);
        world_say(world, ", %.*s@%.*s %" PRId64, TEXT_ARGUMENTS(ledger_name(world->ledger, NAME_ITEM, line.item)),
                  TEXT_ARGUMENTS(ledger_name(world->ledger, NAME_LOCATION, line.location)), line.units);
        world_say_moment(world, line.when);
        l = line.next;
    }
}

/* "T1: open from DC to S1, A@S1 5 2023-12-01". */
static inline void world_say_transfer(struct world *world, const char *name)
{
    struct transfer_view transfer;
    if (!ledger_transfer(world->ledger, text_of(name, strlen(name)), &transfer)) {
        world_say(world, " none");
        return;
    }
    assert_true(transfer.open == (transfer.line != NUMBER_NONE));
    world_say(world, transfer.open ? " open" : " closed");
    if (transfer.from != NUMBER_NONE)
        world_say(world, " from %.*s", TEXT_ARGUMENTS(ledger_name(world->ledger, NAME_LOCATION, transfer.from)));
    world_say(world, " to %.*s", TEXT_ARGUMENTS(ledger_name(world->ledger, NAME_LOCATION, transfer.to)));
    world_say_lines(world, transfer.line);
}

/* "PO9: open in, A@DC 50 2023-12-01". */
static inline void world_say_expectation(struct world *world, const char *name)
{
    struct expectation_view expectation;
    if (!ledger_expectation(world->ledger, text_of(name, strlen(name)), &expectation)) {
        world_say(world, " none");
        return;
    }
    assert_true(expectation.open == (expectation.line != NUMBER_NONE));
    world_say(world, "%s %s", expectation.open ? " open" : " closed",
              expectation.direction == DIRECTION_OUT ? "out" : "in");
    world_say_lines(world, expectation.line);
}

/* The lines that an ATP counts sum to it, all or the first two of them and the rest. Of a kit, the built ones. */
static inline void world_check_atp(const struct ledger *ledger, uint32_t item, uint32_t location, struct moment at,
                                   int64_t now_us)
{
    struct atp_line lines[64];
    uint32_t cell = ledger_cell_find(ledger, item, location);
    for (uint32_t most = 2; most <= 64; most += 62) {
        struct cell_view view = {.in_bin = true};
        int64_t sum = 0;
        uint32_t count = ledger_atp_lines(ledger, item, location, at, now_us, lines, most, &sum);
        if (cell != NUMBER_NONE)
            ledger_cell(ledger, cell, &view);
        if (!view.in_bin)
            sum += figures_available(&view.figures) - view.figures.units[FIGURE_SAFETY_STOCK];
        for (uint32_t i = 0; i < count; i++) {
            assert_true(i == 0 || lines[i - 1].due_us <= lines[i].due_us);
            assert_true(lines[i].name.length > 0);
            sum += lines[i].counted;
        }
        if (item == NUMBER_NONE || ledger_kit_next(ledger, item, NUMBER_NONE) == NUMBER_NONE)
            assert_int_equal(sum, ledger_atp(ledger, item, location, at, now_us));
    }
}

/* "A@S1 2023-12-01": what can be promised; "A@S1 2023-12-01 30": and when thirty. */
static inline void world_say_atp(struct world *world, char *words)
{
    const struct ledger *ledger = world->ledger;
    char *rest = NULL;
    const char *item = strtok_r(words, "@", &rest);
    const char *location = strtok_r(NULL, " ", &rest);
    const char *at_word = strtok_r(NULL, " ", &rest);
    const char *units_word = strtok_r(NULL, " ", &rest);
    uint32_t i = ledger_number(ledger, NAME_ITEM, text_of(item, strlen(item)));
    uint32_t l = ledger_number(ledger, NAME_LOCATION, text_of(location, strlen(location)));
    struct moment at = {MOMENT_ABSENT, 0};
    if (at_word != NULL && strcmp(at_word, "now") != 0)
        at = world_moment(world, at_word);
    world_say(world, " %" PRId64, ledger_atp(ledger, i, l, at, world->now_us));
    world_check_atp(ledger, i, l, at, world->now_us);
    int64_t us;
    if (units_word == NULL)
        return;
    if (ledger_atp_earliest(ledger, i, l, at, world->now_us, strtoll(units_word, NULL, 10), &us))
        world_say(world, " from %+" PRId64, (us - world->now_us) / SECOND_US);
    else
        world_say(world, " never");
}

/* What the channel may sell, summed from what is shown at its places: it is what the ledger keeps. */
static inline int64_t world_ats(const struct ledger *ledger, uint32_t channel, uint32_t item)
{
    struct channel_view view;
    struct offer_terms terms = {.cap = QUANTITY_UNITS_MAX};
    int64_t sum = 0;
    assert_true(ledger_channel(ledger, channel, &view));
    if (!ledger_offer_terms(ledger, channel, item, &terms))
        view.place_count = 0;
    for (uint32_t p = 0; p < view.place_count; p++) {
        int64_t shown;
        uint32_t cell = ledger_cell_find(ledger, item, view.places[p]);
        int64_t kits = ledger_kits(ledger, item, view.places[p], channel, &shown);
        assert_true(shown <= kits);
        sum += shown + (cell == NUMBER_NONE ? 0 : ledger_shown(ledger, cell, channel));
        int64_t least = ledger_kit_next(ledger, item, NUMBER_NONE) == NUMBER_NONE ? 0 : INT64_MAX;
        for (uint32_t k = ledger_kit_next(ledger, item, NUMBER_NONE); k != NUMBER_NONE; k = ledger_kit_next(ledger, item, k)) {
            uint32_t component;
            int64_t units;
            ledger_kit_part(ledger, k, &component, &units);
            uint32_t other = ledger_cell_find(ledger, component, view.places[p]);
            least = min_i64(least, other == NUMBER_NONE ? 0 : ledger_free(ledger, other, channel) / units);
        }
        assert_int_equal(kits, least);
        uint32_t q = cell == NUMBER_NONE ? NUMBER_NONE : ledger_quota_next(ledger, cell, NUMBER_NONE);
        for (; q != NUMBER_NONE; q = ledger_quota_next(ledger, cell, q)) {
            uint32_t of;
            int64_t units;
            ledger_quota_at(ledger, q, &of, &units);
            assert_int_equal(units, ledger_quota(ledger, cell, of));
        }
    }
    int64_t ats = max_i64(0, min_i64(sum - terms.buffer, terms.cap));
    assert_int_equal(ledger_ats(ledger, channel, item), ats);
    return ats;
}

/* "web/A: ats 65" and "web/A@L: free 65 quota 40". */
static inline void world_say_channel(struct world *world, const char *channel, char *what)
{
    const struct ledger *ledger = world->ledger;
    char *at = strchr(what, '@');
    if (at != NULL)
        *at = '\0';
    uint32_t c = ledger_number(ledger, NAME_CHANNEL, text_of(channel, strlen(channel)));
    uint32_t i = ledger_number(ledger, NAME_ITEM, text_of(what, strlen(what)));
    assert_true(i != NUMBER_NONE);
    if (at == NULL) {
        world_say(world, " ats %" PRId64, world_ats(ledger, c, i));
        return;
    }
    uint32_t l = ledger_number(ledger, NAME_LOCATION, text_of(at + 1, strlen(at + 1)));
    uint32_t cell = ledger_cell_find(ledger, i, l);
    assert_true(cell != NUMBER_NONE);
    world_say(world, " free %" PRId64 " quota %" PRId64, ledger_free(ledger, cell, c), ledger_quota(ledger, cell, c));
}

/* "source till: silent since -600", from now. */
static inline void world_say_source(struct world *world, const char *name)
{
    uint32_t number = ledger_number(world->ledger, NAME_SOURCE, text_of(name, strlen(name)));
    if (number == NUMBER_NONE) {
        world_say(world, " none");
        return;
    }
    struct silence_view silence = ledger_silence(world->ledger, number);
    world_say(world, silence.since_us != 0 ? " silent" : silence.watched ? " heard" : " not watched");
    if (silence.since_us != 0)
        world_say(world, " since %+" PRId64, (silence.since_us - world->now_us) / SECOND_US);
}

/* "A@L -3600": as of so many seconds from now, on the axis `occurred`, or `booked`. */
static inline void world_say_past(struct world *world, char *words, bool booked)
{
    char *rest = NULL;
    const char *item = strtok_r(words, "@", &rest);
    const char *location = strtok_r(NULL, " ", &rest);
    int64_t at_us = world->now_us + strtoll(strtok_r(NULL, " ", &rest), NULL, 10) * SECOND_US;
    uint32_t i = ledger_number(world->ledger, NAME_ITEM, text_of(item, strlen(item)));
    uint32_t l = ledger_number(world->ledger, NAME_LOCATION, text_of(location, strlen(location)));
    struct figures sum = {{0}};
    for (size_t p = 0; p < world->past_count; p++) {
        const struct world_past *past = &world->past[p];
        bool counts = past->item == i && past->location == l && (booked ? past->booked_us : past->occurred_us) <= at_us;
        for (unsigned f = 0; counts && f < FIGURE_COUNT; f++)
            sum.units[f] += past->delta.units[f];
    }
    for (unsigned f = 0; f < FIGURE_COUNT; f++)
        world_say_units(world, figure_name((enum figure)f), sum.units[f]);
}

/* "drift: shop A@L 36 not 37": all that sources said last and the books did not. */
static inline void world_say_drift(struct world *world)
{
    for (uint32_t i = 0; i < ledger_statement_count(world->ledger); i++) {
        struct statement_view view;
        ledger_statement(world->ledger, i, &view);
        if (view.stated == view.books)
            continue;
        world_say(world, " %.*s %.*s@%.*s %" PRId64 " not %" PRId64,
                  TEXT_ARGUMENTS(world_name(world, NAME_SOURCE, view.source)),
                  TEXT_ARGUMENTS(world_name(world, NAME_ITEM, view.item)),
                  TEXT_ARGUMENTS(world_name(world, NAME_LOCATION, view.location)), view.stated, view.books);
        if (view.report && view.agreed_position != 0)
            world_say(world, " since %" PRIu64, view.agreed_position);
    }
}

/* What is so of one thing: `what` is CHANNEL/ITEM, CHANNEL/ITEM@LOCATION, ITEM@LOCATION, $ITEM, `transfer NAME`,
 * `expectation NAME`, `past ITEM@LOCATION SECONDS`, `booked ITEM@LOCATION SECONDS`, `source NAME`, `drift`,
 * `atp ITEM@LOCATION [MOMENT|now [UNITS]]` or the name of a hold. In world->answer. */
static inline void world_say_state(struct world *world, const char *what)
{
    char name[300];
    assert_true(strlen(what) < sizeof(name));
    strcpy(name, what);
    world->answer[0] = '\0';
    world_say(world, "%s:", what);
    char *at = strchr(name, '@');
    char *slash = strchr(name, '/');
    if (strncmp(what, "transfer ", 9) == 0) {
        world_say_transfer(world, what + 9);
    } else if (strncmp(what, "expectation ", 12) == 0) {
        world_say_expectation(world, what + 12);
    } else if (strncmp(what, "source ", 7) == 0) {
        world_say_source(world, what + 7);
    } else if (strcmp(what, "drift") == 0) {
        world_say_drift(world);
    } else if (strncmp(what, "past ", 5) == 0) {
        world_say_past(world, name + 5, false);
    } else if (strncmp(what, "booked ", 7) == 0) {
        world_say_past(world, name + 7, true);
    } else if (strncmp(what, "atp ", 4) == 0) {
        world_say_atp(world, name + 4);
    } else if (slash != NULL) {
        *slash = '\0';
        world_say_channel(world, name, slash + 1);
    } else if (at != NULL) {
        *at = '\0';
        world_say_cell(world, name, at + 1);
    } else if (*what == '$') {
        world_say_accounts(world, what + 1);
    } else {
        world_say_claim(world, what);
    }
}

/* ---- steps ---- */

static inline void world_attach(struct world *world)
{
    static struct event events[DECISION_EVENTS_MAX];
    static struct new_name names[DECISION_NAMES_MAX];
    static struct shortage shortages[COMMAND_LINES_MAX];
    world->decision = (struct decision){.events = events, .names = names, .shortages = shortages};
}

/* The newest event that told a figure: among the bounds' number of events, and what was so at the bound's time. */
static inline void world_read_told(const struct world *world, const struct question *question,
                                   const struct cell_view *cell, struct cell_reading *out)
{
    unsigned count = 0;
    for (size_t p = world->past_count; p-- > 0 && out->told_seq == 0 && count < TOLD_EVENTS_MAX;) {
        const struct world_past *past = &world->past[p];
        if (past->item != cell->item || past->location != cell->location)
            continue;
        count++;
        if (is_told(&past->figures, question->measure, &out->reported))
            out->told_seq = past->seq;
        if (past->recorded_us < question->from_us)
            break;
    }
}

/* What the journal's reader finds out, from the list of what happened. */
static inline void world_read(struct world *world, struct reading *reading, struct cell_reading *cells)
{
    const struct unread *unread = ledger_unread(world->ledger);
    uint32_t count = unread->cell_count;
    *reading = (struct reading){.question = unread->question, .complete = true, .cell_count = count, .cells = cells};
    for (const struct world_done *done = world->done; done != NULL && unread->question.by_position; done = done->next) {
        bool before = done->decision.event_count != 0 && done->decision.first_seq <= unread->question.at_seq;
        if ((before || done->next == NULL) && reading->seen_us == 0)
            reading->seen_us = done->decision.recorded_at_us;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct cell_view cell;
        ledger_cell(world->ledger, unread->cells[i], &cell);
        cells[i] = (struct cell_reading){.cell = unread->cells[i], .version = cell.version};
        ledger_cell_top(world->ledger, unread->cells[i], &cells[i].top);
        if (unread->question.told) {
            cells[i].reported = unread->reported[i];
            world_read_told(world, &unread->question, &cell, &cells[i]);
            continue;
        }
        for (size_t p = 0; p < world->past_count; p++) {
            const struct world_past *past = &world->past[p];
            const struct question *question = &reading->question;
            bool own = (past->source == question->source && past->source_seq != 0 &&
                        past->source_seq <= question->source_seq) ||
                       (past->type == EVENT_SNAPSHOT &&
                        (past->stated_by == question->source ||
                         (past->seen_position != 0 && past->seen_position <= question->at_seq)));
            bool in = past->item == cell.item && past->location == cell.location &&
                      (question->by_position ? past->seq <= question->at_seq || own : past->occurred_us <= question->to_us);
            bool moves = in && past->moves && past->occurred_us > reading->question.from_us;
            for (unsigned f = 0; in && f < FIGURE_COUNT; f++)
                cells[i].as_of.units[f] += past->delta.units[f];
            for (unsigned c = 0; moves && c < CONDITION_COUNT; c++)
                cells[i].moved[c] +=
                    llabs(counted_units(&past->delta, (enum condition)c, reading->question.includes_picked));
        }
        for (unsigned f = 0; f < FIGURE_COUNT; f++)
            reading->too_large = reading->too_large || !quantity_in_range(cells[i].as_of.units[f]);
        for (unsigned c = 0; c < CONDITION_COUNT; c++)
            reading->too_large = reading->too_large || !quantity_in_range(cells[i].moved[c]);
    }
    reading->decision = NULL;
    const struct world_done *done = unread->question.decision_seq == 0 ? NULL : world->done;
    for (; done != NULL && reading->decision == NULL; done = done->next) {
        if (unread->question.decision_seq - done->decision.first_seq < done->decision.event_count)
            reading->decision = &done->decision;
    }
    world->readings++;
}

/* Nothing is summed up anew here: for very many. */
static inline void world_decide_quickly(struct world *world)
{
    static struct cell_reading cells[DECISION_EVENTS_MAX];
    struct reading reading;
    static uint8_t form[COMMAND_BYTES_MAX];
    size_t n = command_encode(&world->command, form, sizeof(form));
    world->command.fingerprint = siphash64(&world_key, form, n);
    uint64_t before = ledger_state_hash(world->ledger);
    struct command *ahead[] = {&world->command};
    ledger_prepare(world->ledger, ahead, 1);
    ledger_decide(world->ledger, &world->command, world->now_us, &world->decision, &world->verdict);
    assert_true(ledger_state_hash(world->ledger) == before);
    for (unsigned time = 1; world->verdict.outcome == OUTCOME_UNREAD; time++) {
        assert_true(time < 4);
        world_read(world, &reading, cells);
        if (world->expired != 0 && time >= world->expired) /* what is in it then is nothing */
            reading = (struct reading){.question = reading.question, .complete = true, .expired = true,
                                       .cell_count = reading.cell_count, .cells = cells};
        if (world->read != NULL)
            world->read(world, time);
        world->command.reading = &reading;
        ledger_decide(world->ledger, &world->command, world->now_us, &world->decision, &world->verdict);
    }
    world_say_answer(world);
    if (world->verdict.outcome == OUTCOME_DECIDED)
        world_evolve(world);
}

static inline void world_decide(struct world *world)
{
    world_decide_quickly(world);
    ledger_check(world->ledger);
}

static inline void world_wait(struct world *world, int64_t seconds)
{
    world->now_us += seconds * SECOND_US;
    world->answer[0] = '\0';
    world_say(world, "ok:");
    while (ledger_due(world->ledger, world->now_us, &world->decision)) {
        for (uint32_t i = 0; i < world->decision.event_count; i++)
            world_say_event(world, &world->decision.events[i]);
        world_evolve(world);
        ledger_check(world->ledger);
    }
    assert_true(ledger_next_due_us(world->ledger) > world->now_us);
}

/* What a command made possible is done before the next one; behind a bar in the answer. */
static inline void world_serve(struct world *world)
{
    if (world->verdict.outcome != OUTCOME_DECIDED)
        return;
    while (ledger_due(world->ledger, world->now_us, &world->decision)) {
        world_say(world, " |");
        for (uint32_t i = 0; i < world->decision.event_count; i++)
            world_say_event(world, &world->decision.events[i]);
        world_evolve(world);
        ledger_check(world->ledger);
    }
}

static inline void world_tick(struct world *world)
{
    world->decision.kind = KIND_TICK;
    world->decision.recorded_at_us = world->now_us;
    world->decision.event_count = world->decision.name_count = 0;
    world->decision.id = TEXT_NONE;
    world_evolve(world);
    ledger_check(world->ledger);
    world->answer[0] = '\0';
    world_say(world, "ok:");
}

/* The twin goes on as a copy made of the ledger's image: in a ring of ids of another size. */
static inline void world_restore(struct world *world)
{
    struct ledger_limits limits = world->limits;
    limits.id_count_max += 5000;
    free(world->twin_memory);
    world->twin = world_ledger(&limits, &world->twin_memory);
    const char *wrong = image_copy(world->ledger, world->twin);
    if (wrong != NULL)
        fail_msg("%s", wrong);
    ledger_check(world->twin);
}

/* One step; its answer is in world->answer. */
static inline void world_step(struct world *world, const char *prose)
{
    if (strncmp(prose, "wait ", 5) == 0) {
        world_wait(world, strtoll(prose + 5, NULL, 10));
    } else if (strncmp(prose, "until ", 6) == 0) {
        world_wait(world, (world_moment(world, prose + 6).us - world->now_us) / SECOND_US);
    } else if (strcmp(prose, "tick") == 0) {
        world_tick(world);
    } else {
        world_parse(world, prose);
        world_decide(world);
        world_serve(world);
    }
    if (world->steps++ % 16 == 9)
        world_restore(world);
}

/* A fresh ledger with the journal's first decision, the settings, made. */
static inline void world_init(struct world *world, const struct ledger_limits *limits)
{
    world->limits = *limits;
    world->ledger = world_ledger(limits, &world->memory);
    world->twin = world_ledger(limits, &world->twin_memory);
    world->now_us = WORLD_START_US;
    world->ids = 0;
    world->steps = 0;
    world->copy_count = 0;
    world->past = malloc(WORLD_PAST_MAX * sizeof(*world->past));
    assert_non_null(world->past);
    world->past_count = 0;
    world->done = NULL;
    world->read = NULL;
    world->expired = 0;
    world_attach(world);
    char settings[100];
    (void)sprintf(settings, "settings source=@ledger id= window=604800 capacity=%u", limits->id_count_max);
    world_step(world, settings);
    assert_string_equal(world->answer, "ok: config");
}

static inline void world_deinit(struct world *world)
{
    free(world->memory);
    free(world->twin_memory);
    free(world->past);
    while (world->done != NULL) {
        struct world_done *next = world->done->next;
        free(world->done->held);
        free(world->done);
        world->done = next;
    }
}

struct world_row {
    const char *command, *answer, *after;
};

/* Plays a table. The first row is a title. */
static inline void world_play(const struct world_row *rows, size_t count)
{
    static struct world world;
    const char *title = "";
    bool begun = false;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].answer == NULL) {
            if (begun)
                world_deinit(&world);
            world_init(&world, &world_limits);
            title = rows[i].command;
            begun = true;
            continue;
        }
        world_step(&world, rows[i].command);
        if (strcmp(world.answer, rows[i].answer) != 0)
            fail_msg("%s\n  row %zu: %s\n  expected: %s\n  answered: %s", title, i, rows[i].command, rows[i].answer,
                     world.answer);
        for (const char *at = rows[i].after; at != NULL && *at != '\0';) {
            char expected[1000];
            size_t n = strcspn(at, ";");
            assert_true(n < sizeof(expected));
            memcpy(expected, at, n);
            expected[n] = '\0';
            char what[300];
            size_t w = strcspn(expected, ":");
            assert_true(w < n && w < sizeof(what));
            memcpy(what, expected, w);
            what[w] = '\0';
            world_say_state(&world, what);
            if (strcmp(world.answer, expected) != 0)
                fail_msg("%s\n  row %zu: %s\n  expected: %s\n  is so   : %s", title, i, rows[i].command, expected,
                         world.answer);
            at += n;
            at += strspn(at, "; ");
        }
    }
    world_deinit(&world);
}
#define WORLD_PLAY(rows) world_play((rows), sizeof(rows) / sizeof((rows)[0]))

#endif
