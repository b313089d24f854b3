/*
 * The problem: every kind has its own fields, and a field that is silently ignored is stock that is silently wrong.
 *
 * The idea: one table says for each kind which members it may have and which it must have, as bits. One loop over the
 * members judges each as it comes; what needs several of them (lines or a single line, `if` and its cell, fields that
 * exclude or need each other) is judged behind the loop. Two kinds of errors cannot hide each other: the first one
 * found ends it. What a single value must be is in command_values.c.
 *
 * Kinds and fields of API.md that are not in the table are not served yet: they are refused like any unknown name.
 */
#include "api/command_json.h"

#include <stdio.h>

#include "api/command_values.h"
#include "base/rfc3339.h"

/* Members of a command, in the order in which missing ones are named. X(enum, name) */
#define MEMBER_MAP(X)                                                                                                  \
    X(KIND, "kind")                                                                                                    \
    X(ID, "id")                                                                                                        \
    X(SOURCE, "source")                                                                                                \
    X(HOLD, "hold")                                                                                                    \
    X(ITEM, "item")                                                                                                    \
    X(LOCATION, "location")                                                                                            \
    X(QUANTITY, "quantity")                                                                                            \
    X(LINES, "lines")                                                                                                  \
    X(CONDITION, "condition")                                                                                          \
    X(FROM, "from")                                                                                                    \
    X(TO, "to")                                                                                                        \
    X(EXPIRES_IN, "expires_in")                                                                                        \
    X(HOLDER, "holder")                                                                                                \
    X(MODE, "mode")                                                                                                    \
    X(REASON, "reason")                                                                                                \
    X(ACTOR, "actor")                                                                                                  \
    X(DOCUMENT, "document")                                                                                            \
    X(LINE, "line")                                                                                                    \
    X(CHANNEL, "channel")                                                                                              \
    X(META, "meta")                                                                                                    \
    X(SEQ, "seq")                                                                                                      \
    X(OCCURRED_AT, "occurred_at")                                                                                      \
    X(NOT_AFTER, "not_after")                                                                                          \
    X(IF, "if")                                                                                                        \
    X(DRY_RUN, "dry_run")                                                                                              \
    X(GUARD, "guard")                                                                                                  \
    X(UNIT, "unit")                                                                                                    \
    X(SOURCING, "sourcing")                                                                                            \
    X(PRIORITY, "priority")                                                                                            \
    X(BACKORDER, "backorder")                                                                                          \
    X(WAIT, "wait")                                                                                                    \
    X(AT, "at")                                                                                                        \
    X(PAID, "paid")                                                                                                    \
    X(TRANSFER, "transfer")                                                                                            \
    X(ETA, "eta")                                                                                                      \
    X(EXPECTATION, "expectation")                                                                                      \
    X(DIRECTION, "direction")                                                                                          \
    X(DUE, "due")                                                                                                      \
    X(SAFETY_STOCK, "safety_stock")                                                                                    \
    X(BACKORDER_LIMIT, "backorder_limit")                                                                              \
    X(REORDER_POINT, "reorder_point")                                                                                  \
    X(LOCATIONS, "locations")                                                                                          \
    X(SHARES_REST, "shares_rest")                                                                                      \
    X(BUFFER, "buffer")                                                                                                \
    X(CAP, "cap")                                                                                                      \
    X(ADD, "add")                                                                                                      \
    X(COUNTED_TO, "counted_to")                                                                                        \
    X(COUNTED_FROM, "counted_from")                                                                                    \
    X(INCLUDES_PICKED, "includes_picked")                                                                              \
    X(REVIEW, "review")                                                                                                \
    X(VERDICT, "verdict")                                                                                              \
    X(SEEN, "seen")                                                                                                    \
    X(MEASURE, "measure")                                                                                              \
    X(CONTAINS, "contains")                                                                                            \
    X(SET, "set")                                                                                                      \
    X(LAST, "last")                                                                                                    \
    X(OF, "of")                                                                                                        \
    X(UNTIL, "until")

enum member {
#define X(upper, name) MEMBER_##upper,
    MEMBER_MAP(X)
#undef X
        MEMBER_COUNT
};
#define BIT(upper) (UINT64_C(1) << MEMBER_##upper)
_Static_assert(MEMBER_COUNT <= 64, "one bit each");

#define COMMON                                                                                                         \
    (BIT(KIND) | BIT(ID) | BIT(SOURCE) | BIT(REASON) | BIT(ACTOR) | BIT(DOCUMENT) | BIT(LINE) | BIT(CHANNEL) |         \
     BIT(META) | BIT(SEQ) | BIT(OCCURRED_AT) | BIT(NOT_AFTER) | BIT(IF) | BIT(DRY_RUN) | BIT(GUARD))
#define ALWAYS        (BIT(ID) | BIT(SOURCE))
#define SINGLE        (BIT(ITEM) | BIT(LOCATION) | BIT(QUANTITY)) /* what makes a single line */
#define IN_LINE       (SINGLE | BIT(CONDITION) | BIT(UNIT))
#define L             (IN_LINE | BIT(LINES))
#define POLICY        (BIT(SAFETY_STOCK) | BIT(BACKORDER_LIMIT) | BIT(REORDER_POINT))
#define CHANNEL_PLACE (BIT(LOCATIONS) | BIT(PRIORITY) | BIT(SHARES_REST)) /* of a channel as a whole */
#define CHANNEL_BOUND (BIT(BUFFER) | BIT(CAP))                            /* of a channel, or of an item in it */

/* LINES_NEVER: what such a kind has of a line's members is its own. */
enum lines_rule { LINES_NEVER, LINES_REQUIRED, LINES_OPTIONAL, LINES_OR_HOLD };
enum quantity_rule { ABOVE_0, NOT_0, FROM_0 };

struct kind_rule {
    uint64_t allowed;
    uint64_t required;
    enum lines_rule lines;
    enum quantity_rule quantity;
    bool sellable_only; /* it moves or claims sellable goods: another condition cannot be meant */
    bool may_source;    /* a line may leave its location to the ledger */
    bool may_be_empty;  /* `lines` may be: the end of a set */
};

/* API.md section 3, as far as it is served. A kind with no allowed member is not taken from outside. */
static const struct kind_rule kind_rules[KIND_COUNT] = {
    [KIND_RECEIVE] = {.allowed = COMMON | L | BIT(EXPECTATION), .required = ALWAYS, .lines = LINES_REQUIRED},
    [KIND_SALE] = {.allowed = COMMON | L | BIT(HOLD), .required = ALWAYS, .lines = LINES_REQUIRED},
    [KIND_SHIP] = {.allowed = COMMON | L | BIT(HOLD),
                   .required = ALWAYS,
                   .lines = LINES_OR_HOLD,
                   .sellable_only = true},
    [KIND_RETURN] = {.allowed = COMMON | L, .required = ALWAYS, .lines = LINES_REQUIRED},
    [KIND_ADJUST] = {.allowed = COMMON | L,
                     .required = ALWAYS | BIT(REASON),
                     .lines = LINES_REQUIRED,
                     .quantity = NOT_0},
    [KIND_RECLASSIFY] = {.allowed = (COMMON | L | BIT(FROM) | BIT(TO)) & ~BIT(CONDITION),
                         .required = ALWAYS | BIT(FROM) | BIT(TO),
                         .lines = LINES_REQUIRED},
    [KIND_TRANSFER] = {.allowed = COMMON | L | BIT(TO), .required = ALWAYS | BIT(TO), .lines = LINES_REQUIRED},
    [KIND_HOLD] = {.allowed = COMMON | L | BIT(HOLD) | BIT(EXPIRES_IN) | BIT(HOLDER) | BIT(MODE) | BIT(SOURCING) |
                              BIT(PRIORITY) | BIT(BACKORDER) | BIT(WAIT) | BIT(AT),
                   .required = ALWAYS | BIT(HOLD),
                   .lines = LINES_REQUIRED,
                   .sellable_only = true,
                   .may_source = true},
    [KIND_EXTEND] = {.allowed = COMMON | BIT(HOLD) | BIT(EXPIRES_IN),
                     .required = ALWAYS | BIT(HOLD) | BIT(EXPIRES_IN),
                     .lines = LINES_NEVER},
    [KIND_COMMIT] = {.allowed = COMMON | L | BIT(HOLD) | BIT(PAID) | BIT(BACKORDER),
                     .required = ALWAYS | BIT(HOLD),
                     .lines = LINES_OPTIONAL,
                     .sellable_only = true},
    [KIND_RELEASE] = {.allowed = COMMON | L | BIT(HOLD),
                      .required = ALWAYS | BIT(HOLD),
                      .lines = LINES_OPTIONAL,
                      .sellable_only = true},
    [KIND_AMEND] = {.allowed = COMMON | L | BIT(HOLD) | BIT(BACKORDER),
                    .required = ALWAYS | BIT(HOLD),
                    .lines = LINES_REQUIRED,
                    .quantity = FROM_0,
                    .sellable_only = true},
    [KIND_REASSIGN] = {.allowed = COMMON | L | BIT(HOLD) | BIT(TO) | BIT(BACKORDER),
                       .required = ALWAYS | BIT(HOLD) | BIT(TO),
                       .lines = LINES_REQUIRED,
                       .sellable_only = true},
    [KIND_PICK] = {.allowed = COMMON | L | BIT(HOLD),
                   .required = ALWAYS | BIT(HOLD),
                   .lines = LINES_REQUIRED,
                   .sellable_only = true},
    [KIND_UNPICK] = {.allowed = COMMON | L | BIT(HOLD),
                     .required = ALWAYS | BIT(HOLD),
                     .lines = LINES_REQUIRED,
                     .sellable_only = true},
    [KIND_SET_POLICY] = {.allowed = COMMON | BIT(ITEM) | BIT(LOCATION) | POLICY,
                         .required = ALWAYS | BIT(ITEM) | BIT(LOCATION),
                         .lines = LINES_NEVER},
    /* No cell, so there is nothing that `if` could speak of. */
    [KIND_SET_CHANNEL] = {.allowed = (COMMON & ~BIT(IF)) | BIT(ITEM) | CHANNEL_PLACE | CHANNEL_BOUND,
                          .required = ALWAYS | BIT(CHANNEL),
                          .lines = LINES_NEVER},
    [KIND_ALLOCATE] = {.allowed = COMMON | BIT(ITEM) | BIT(LOCATION) | BIT(ADD) | BIT(TO),
                       .required = ALWAYS | BIT(CHANNEL) | BIT(ITEM) | BIT(LOCATION),
                       .lines = LINES_NEVER},
    [KIND_TRANSFER_OUT] = {.allowed = COMMON | L | BIT(TRANSFER) | BIT(TO) | BIT(ETA) | BIT(HOLD),
                           .required = ALWAYS | BIT(TRANSFER) | BIT(TO),
                           .lines = LINES_REQUIRED,
                           .sellable_only = true},
    [KIND_TRANSFER_IN] = {.allowed = COMMON | L | BIT(TRANSFER),
                          .required = ALWAYS | BIT(TRANSFER),
                          .lines = LINES_REQUIRED},
    [KIND_TRANSFER_LOSS] = {.allowed = COMMON | L | BIT(TRANSFER),
                            .required = ALWAYS | BIT(TRANSFER),
                            .lines = LINES_OPTIONAL,
                            .sellable_only = true},
    [KIND_EXPECT] = {.allowed = COMMON | L | BIT(EXPECTATION) | BIT(DIRECTION) | BIT(DUE),
                     .required = ALWAYS | BIT(EXPECTATION) | BIT(DIRECTION) | BIT(DUE),
                     .lines = LINES_REQUIRED,
                     .sellable_only = true},
    [KIND_REDATE] = {.allowed = COMMON | L | BIT(EXPECTATION) | BIT(DUE),
                     .required = ALWAYS | BIT(EXPECTATION) | BIT(DUE),
                     .lines = LINES_OPTIONAL,
                     .sellable_only = true},
    [KIND_CANCEL_EXPECTED] = {.allowed = COMMON | L | BIT(EXPECTATION),
                              .required = ALWAYS | BIT(EXPECTATION),
                              .lines = LINES_OPTIONAL,
                              .sellable_only = true},
    /* It occurs when its window ends. */
    [KIND_STOCK_COUNT] = {.allowed = ((COMMON & ~BIT(OCCURRED_AT)) | L | BIT(COUNTED_TO) | BIT(COUNTED_FROM) |
                                      BIT(INCLUDES_PICKED)),
                          .required = ALWAYS | BIT(COUNTED_TO),
                          .lines = LINES_REQUIRED,
                          .quantity = FROM_0},
    /* What its command says of times, cells and channels stays as it is. */
    [KIND_RESOLVE] = {.allowed = (COMMON & ~(BIT(OCCURRED_AT) | BIT(IF) | BIT(GUARD))) | BIT(REVIEW) | BIT(VERDICT),
                      .required = ALWAYS | BIT(REVIEW) | BIT(VERDICT),
                      .lines = LINES_NEVER},
    [KIND_SNAPSHOT] = {.allowed = COMMON | L | BIT(SEEN) | BIT(MEASURE) | BIT(CONTAINS) |
                                  BIT(SET) | BIT(LAST),
                       .required = ALWAYS,
                       .lines = LINES_OPTIONAL,
                       .quantity = FROM_0,
                       .may_be_empty = true},
    /* It is a fact, and occurs when what it reverses did. */
    [KIND_REVERSE] = {.allowed = (COMMON & ~(BIT(OCCURRED_AT) | BIT(GUARD))) | BIT(OF),
                      .required = ALWAYS | BIT(OF),
                      .lines = LINES_NEVER},
    /* It is of the whole ledger, and occurs now. */
    [KIND_CLOSE_PERIOD] = {.allowed =
                               (COMMON & ~(BIT(OCCURRED_AT) | BIT(GUARD) | BIT(IF) | BIT(CHANNEL))) | BIT(UNTIL),
                           .required = ALWAYS | BIT(UNTIL),
                           .lines = LINES_NEVER},
};

struct intake {
    const struct json_node *nodes;
    uint32_t root;
    struct command_room *room;
    struct command *command;
    struct command_error *error;
    const struct kind_rule *rule;
    const char *kind;
};

static struct text member_name(enum member member)
{
    static const struct text names[MEMBER_COUNT] = {
#define X(upper, name) [MEMBER_##upper] = {name, sizeof(name) - 1},
        MEMBER_MAP(X)
#undef X
    };
    return names[member];
}

static enum member member_of(struct text key)
{
#define X(upper, name)                                                                                                 \
    if (key.length == sizeof(name) - 1 && memcmp(key.bytes, name, sizeof(name) - 1) == 0)                              \
        return MEMBER_##upper;
    MEMBER_MAP(X)
#undef X
    return MEMBER_COUNT;
}

static bool read_precondition(struct intake *r, uint32_t index, int32_t line, struct precondition *out)
{
    const struct json_node *node = &r->nodes[index];
    struct place place = {line, NULL, TEXT("if")};
    if (node->type != JSON_OBJECT || node->count == 0)
        return value_fail(r->error, CODE_bad_value, place,
                          "is %s, but must be an object with version, on_hand, available or reserved",
                          node->type == JSON_OBJECT ? "empty" : value_show(node).text);
    place.parent = "if";
    uint32_t at = index + 1;
    for (uint32_t k = 0; k < node->count; k++, at = r->nodes[at].next) {
        const struct json_node *value = &r->nodes[at];
        place.key = value->key;
        int64_t version = 0;
        if (text_equal(value->key, TEXT("version"))) {
            if (!value_whole(r->error, value, place, 0, QUANTITY_UNITS_MAX, &version))
                return false;
            out->version = (uint64_t)version;
            out->present |= PRECONDITION_VERSION;
        } else if (text_equal(value->key, TEXT("on_hand"))) {
            if (!value_decimal(r->error, value, place, &out->on_hand))
                return false;
            out->present |= PRECONDITION_ON_HAND;
        } else if (text_equal(value->key, TEXT("available"))) {
            if (!value_decimal(r->error, value, place, &out->available))
                return false;
            out->present |= PRECONDITION_AVAILABLE;
        } else if (text_equal(value->key, TEXT("reserved"))) {
            if (!value_decimal(r->error, value, place, &out->reserved))
                return false;
            out->present |= PRECONDITION_RESERVED;
        } else {
            return value_fail(r->error, CODE_unknown_field, place,
                              "is not known here; `if` has version, on_hand, available and reserved");
        }
    }
    return true;
}

/* ---- Lines ---- */

static bool check_quantity(struct intake *r, const struct json_node *node, struct place place, struct decimal d)
{
    static const char *const wanted[] = {[ABOVE_0] = "above 0", [NOT_0] = "other than 0", [FROM_0] = "0 or above"};
    enum quantity_rule rule = r->rule->quantity;
    if (rule == NOT_0 ? d.digits != 0 : rule == FROM_0 ? d.digits >= 0 : d.digits > 0)
        return true;
    return value_fail(r->error, CODE_bad_value, place, "is %s, but must be %s", value_show(node).text, wanted[rule]);
}

/* One member of a line. */
static bool read_line_member(struct intake *r, uint32_t index, enum member member, struct place place,
                             struct command_line *line)
{
    const struct json_node *node = &r->nodes[index];
    switch ((unsigned)member) {
    case MEMBER_ITEM:
        return value_label(r->error, node, place, name_check_utf8, &line->item);
    case MEMBER_LOCATION:
        return value_label(r->error, node, place, name_check_utf8, &line->location);
    case MEMBER_QUANTITY:
        return value_decimal(r->error, node, place, &line->quantity) && check_quantity(r, node, place, line->quantity);
    case MEMBER_CONDITION:
        if (!value_condition(r->error, node, place, &line->condition))
            return false;
        if (r->rule->sellable_only) {
            if (line->condition != CONDITION_SELLABLE)
                return value_fail(r->error, CODE_bad_value, place, "is %s, but %s is about sellable goods only",
                                  value_show(node).text, r->kind);
            line->condition = CONDITION_NONE; /* said or not, it means the same */
        }
        return true;
    case MEMBER_UNIT:
        return value_unit(r->error, node, place, &line->unit);
    case MEMBER_IF:
        return read_precondition(r, index, place.line, &line->precondition);
    default:
        return value_fail(r->error, CODE_unknown_field, place, "is not a field of a line of %s", r->kind);
    }
}

static bool line_complete(struct intake *r, uint64_t seen, int32_t line)
{
    uint64_t needed = r->rule->may_source ? SINGLE & ~BIT(LOCATION) : SINGLE;
    for (unsigned member = 0; member < MEMBER_COUNT; member++) {
        if ((needed & ~seen & (UINT64_C(1) << member)) != 0)
            return value_fail(r->error, CODE_missing_field,
                              (struct place){line, NULL, member_name((enum member)member)},
                              r->rule->may_source ? "is missing: a line has item and quantity"
                                                  : "is missing: a line has item, location and quantity");
    }
    return true;
}

static bool read_lines(struct intake *r, uint32_t index, struct place place)
{
    const struct json_node *array = &r->nodes[index];
    if (array->type != JSON_ARRAY || (array->count == 0 && !r->rule->may_be_empty))
        return value_fail(r->error, CODE_bad_value, place, "is %s, but must be an array of lines",
                          array->type == JSON_ARRAY ? "empty" : value_show(array).text);
    if (array->count > COMMAND_LINES_MAX)
        return value_fail(r->error, CODE_too_many_lines, place, "has %u lines, but at most %d are possible",
                          (unsigned)array->count, COMMAND_LINES_MAX);
    uint32_t at = index + 1;
    for (uint32_t i = 0; i < array->count; i++, at = r->nodes[at].next) {
        const struct json_node *node = &r->nodes[at];
        struct place here = {(int32_t)i, NULL, TEXT_NONE};
        if (node->type != JSON_OBJECT)
            return value_fail(r->error, CODE_bad_value, here,
                              "is %s, but must be an object with item, location and quantity", value_show(node).text);
        struct command_line *line = &r->room->lines[i];
        *line = (struct command_line){.condition = CONDITION_NONE};
        uint64_t seen = 0;
        uint32_t value = at + 1;
        for (uint32_t k = 0; k < node->count; k++, value = r->nodes[value].next) {
            here.key = r->nodes[value].key;
            enum member member = member_of(here.key);
            uint64_t bit = member == MEMBER_COUNT ? 0 : UINT64_C(1) << member;
            if ((bit & (IN_LINE & r->rule->allowed)) == 0 && member != MEMBER_IF)
                return value_fail(r->error, CODE_unknown_field, here, "is not a field of a line of %s", r->kind);
            if (!read_line_member(r, value, member, here, line))
                return false;
            seen |= bit;
        }
        if (!line_complete(r, seen, (int32_t)i))
            return false;
    }
    r->command->line_count = array->count;
    return true;
}

/* ---- The command ---- */

static bool read_kind(struct intake *r, uint32_t root)
{
    uint32_t index = json_member(r->nodes, root, TEXT("kind"));
    struct place place = {-1, NULL, TEXT("kind")};
    char known[sizeof(r->error->detail)] = "";
    size_t n = 0;
    for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
        if (kind_rules[kind].allowed == 0)
            continue;
        const char *name = kind_name((enum command_kind)kind);
        if (index != 0 && r->nodes[index].type == JSON_STRING &&
            text_equal(r->nodes[index].text, text_of(name, strlen(name)))) {
            r->command->kind = (enum command_kind)kind;
            r->kind = name;
            r->rule = &kind_rules[kind];
            return true;
        }
    }
    for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
        if (kind_rules[kind].allowed != 0 && n < sizeof(known))
            n += (size_t)snprintf(known + n, sizeof(known) - n, " %s", kind_name((enum command_kind)kind));
    }
    if (index == 0)
        return value_fail(r->error, CODE_missing_field, place, "is missing: one of%s", known);
    return value_fail(r->error, CODE_bad_value, place, "is %s, but must be one of%s", value_show(&r->nodes[index]).text,
                      known);
}

/* The members that the kind does have, so that a slip of the pen is seen: "is not a field of sale; there are: …". */
static bool unknown_member(struct intake *r, struct place place)
{
    char known[sizeof(r->error->detail)] = "";
    size_t n = 0;
    for (unsigned member = 0; member < MEMBER_COUNT && n < sizeof(known); member++) {
        struct text name = member_name((enum member)member);
        if ((r->rule->allowed & UINT64_C(1) << member) != 0)
            n += (size_t)snprintf(known + n, sizeof(known) - n, " %.*s", (int)name.length, name.bytes);
    }
    return value_fail(r->error, CODE_unknown_field, place, "is not a field of %s; there are:%s", r->kind, known);
}

static bool read_to(struct intake *r, const struct json_node *node, struct place place)
{
    struct command *c = r->command;
    if (c->kind == KIND_RECLASSIFY)
        return value_condition(r->error, node, place, &c->to_condition);
    if (c->kind == KIND_ALLOCATE)
        return value_from_zero(r->error, node, place, &c->to);
    return value_label(r->error, node, place, name_check_utf8, &c->to_location);
}

/* {"locations":[…],"rule":"…"}, one of them at least. A rule left out is `priority`: one meaning, one form. */
static bool read_sourcing(struct intake *r, uint32_t index, struct place place)
{
    static const struct text rules[] = {{"priority", 8}, {"fewest_splits", 13}, {"most_stock", 10}};
    _Static_assert(SOURCING_PRIORITY == 1 && SOURCING_FEWEST_SPLITS == 2 && SOURCING_MOST_STOCK == 3, "as in the list");
    const struct json_node *node = &r->nodes[index];
    struct command *c = r->command;
    if (node->type != JSON_OBJECT || node->count == 0)
        return value_fail(r->error, CODE_bad_value, place, "is %s, but must be an object with locations or rule",
                          node->type == JSON_OBJECT ? "empty" : value_show(node).text);
    c->sourcing = SOURCING_PRIORITY;
    place.parent = "sourcing";
    uint32_t at = index + 1;
    for (uint32_t k = 0; k < node->count; k++, at = r->nodes[at].next) {
        place.key = r->nodes[at].key;
        unsigned word = 0;
        if (text_equal(place.key, TEXT("rule"))) {
            if (!value_word(r->error, &r->nodes[at], place, rules, 3, " priority fewest_splits most_stock", &word))
                return false;
            c->sourcing = (enum sourcing_rule)(SOURCING_PRIORITY + word);
        } else if (text_equal(place.key, TEXT("locations"))) {
            if (!value_places(r->error, r->nodes, at, place, 1, r->room->places, &c->place_count, &c->places))
                return false;
        } else {
            return value_fail(r->error, CODE_unknown_field, place,
                              "is not known here; `sourcing` has locations and rule");
        }
    }
    return true;
}

/* {"source":"…","id":"…"}, both. */
static bool read_of(struct intake *r, uint32_t index, struct place place)
{
    const struct json_node *node = &r->nodes[index];
    struct command *c = r->command;
    if (node->type != JSON_OBJECT)
        return value_fail(r->error, CODE_bad_value, place, "is %s, but must be an object with source and id",
                          value_show(node).text);
    place.parent = "of";
    uint32_t at = index + 1;
    for (uint32_t k = 0; k < node->count; k++, at = r->nodes[at].next) {
        place.key = r->nodes[at].key;
        struct text *name = text_equal(place.key, TEXT("source")) ? &c->of_source
                            : text_equal(place.key, TEXT("id"))   ? &c->of_id
                                                                  : NULL;
        if (name == NULL)
            return value_fail(r->error, CODE_unknown_field, place, "is not known here; `of` has source and id");
        if (!value_label(r->error, &r->nodes[at], place, name_check_utf8, name))
            return false;
    }
    place.key = text_present(c->of_source) ? TEXT("id") : TEXT("source");
    if (!text_present(c->of_source) || !text_present(c->of_id))
        return value_fail(r->error, CODE_missing_field, place, "is missing: a command is named by its source and id");
    return true;
}

/* A time without an offset, by the clocks of the source's zone; false when it is something else or there is no zone. */
static bool read_local_time(struct intake *r, const struct json_node *node, int64_t *out_us)
{
    char utc[64];
    int64_t local_us;
    if (node->type != JSON_STRING || node->text.length >= sizeof(utc) || r->room->to_utc == NULL ||
        rfc3339_parse(node->text, &local_us) != RFC3339_NO_OFFSET)
        return false;
    uint32_t source = json_member(r->nodes, r->root, TEXT("source"));
    memcpy(utc, node->text.bytes, node->text.length);
    utc[node->text.length] = 'Z';
    return source != 0 && r->nodes[source].type == JSON_STRING &&
           rfc3339_parse(text_of(utc, node->text.length + 1u), &local_us) == RFC3339_OK &&
           r->room->to_utc(r->room->context, r->nodes[source].text, local_us, out_us);
}

static bool read_time(struct intake *r, const struct json_node *node, struct place place, int64_t *out_us)
{
    return read_local_time(r, node, out_us) || value_time(r->error, node, place, out_us);
}

/* {"position":…,"seq":…} or {"time":…}. */
static bool read_seen(struct intake *r, uint32_t index, struct place place)
{
    const struct json_node *node = &r->nodes[index];
    struct command *c = r->command;
    int64_t seq = 0;
    if (node->type != JSON_OBJECT || node->count == 0)
        return value_fail(r->error, CODE_bad_value, place, "is %s, but must be an object with position or time",
                          node->type == JSON_OBJECT ? "empty" : value_show(node).text);
    place.parent = "seen";
    uint32_t at = index + 1;
    for (uint32_t k = 0; k < node->count; k++, at = r->nodes[at].next) {
        const struct json_node *value = &r->nodes[at];
        place.key = value->key;
        if (text_equal(place.key, TEXT("position"))) {
            if (!value_position(r->error, value, place, &c->seen_epoch, &c->seen_position))
                return false;
            c->has_position = true;
        } else if (text_equal(place.key, TEXT("seq"))) {
            if (!value_whole(r->error, value, place, 1, QUANTITY_UNITS_MAX, &seq))
                return false;
            c->seen_seq = (uint64_t)seq;
        } else if (text_equal(place.key, TEXT("time"))) {
            if (!read_time(r, value, place, &c->occurred_at_us))
                return false;
        } else {
            return value_fail(r->error, CODE_unknown_field, place, "is not known here; `seen` has position, seq and time");
        }
    }
    place.key = c->has_position ? TEXT("time") : TEXT("position");
    if (c->has_position == (c->occurred_at_us != TIME_NONE))
        return value_fail(r->error, c->has_position ? CODE_bad_value : CODE_missing_field, place,
                          c->has_position ? "stands beside position: give one of them"
                                          : "is missing: `seen` has a position of the feed, or a time");
    place.key = TEXT("seq");
    if (c->seen_seq != 0 && !c->has_position)
        return value_fail(r->error, CODE_bad_value, place, "stands beside time, but goes with a position");
    return true;
}

static bool read_moment(struct intake *r, const struct json_node *node, struct place place, struct moment *out)
{
    out->form = MOMENT_INSTANT;
    return read_local_time(r, node, &out->us) || value_moment(r->error, node, place, out);
}

static bool read_member(struct intake *r, uint32_t index, enum member member, struct place place)
{
    static const struct text modes[] = {{"all_or_nothing", 14}, {"partial", 7}}, directions[] = {{"in", 2}, {"out", 3}},
                             verdicts[] = {{"accept", 6}, {"reject", 6}}, measures[] = {{"on_hand", 7}, {"available", 9}},
                             contained[] = {{"none", 4}, {"shipped", 7}, {"committed", 9}};
    const struct json_node *node = &r->nodes[index];
    struct command *c = r->command;
    int64_t number = 0;
    unsigned word = 0;
    bool yes = false;
    switch (member) {
    case MEMBER_KIND:
        return true;
    case MEMBER_ID:
        return value_label(r->error, node, place, name_check_utf8, &c->id);
    case MEMBER_SOURCE:
        return value_label(r->error, node, place, name_check_utf8, &c->source);
    case MEMBER_HOLD:
        return value_label(r->error, node, place, name_check_utf8, &c->hold);
    case MEMBER_HOLDER:
        return value_label(r->error, node, place, name_check_utf8, &c->holder);
    case MEMBER_ACTOR:
        return value_label(r->error, node, place, name_check_utf8, &c->actor);
    case MEMBER_DOCUMENT:
        return value_label(r->error, node, place, name_check_utf8, &c->document);
    case MEMBER_CHANNEL:
        return value_label(r->error, node, place, name_check_utf8, &c->channel);
    case MEMBER_REASON:
        return value_label(r->error, node, place, label_check_utf8, &c->reason);
    case MEMBER_LINE:
        return value_label(r->error, node, place, label_check_utf8, &c->document_line);
    case MEMBER_META:
        return value_meta(r->error, r->nodes, index, place, r->room->meta, &c->meta);
    case MEMBER_SEQ:
        if (!value_whole(r->error, node, place, 1, QUANTITY_UNITS_MAX, &number))
            return false;
        c->has_seq = true;
        c->seq = (uint64_t)number;
        return true;
    case MEMBER_OCCURRED_AT:
    case MEMBER_COUNTED_TO:
        return read_time(r, node, place, &c->occurred_at_us);
    case MEMBER_COUNTED_FROM:
        return read_time(r, node, place, &c->counted_from_us);
    case MEMBER_INCLUDES_PICKED:
        return value_bool(r->error, node, place, &c->includes_picked);
    case MEMBER_NOT_AFTER:
        return read_time(r, node, place, &c->not_after_us);
    case MEMBER_DRY_RUN:
        return value_bool(r->error, node, place, &c->dry_run);
    case MEMBER_GUARD:
        if (!value_bool(r->error, node, place, &yes))
            return false;
        c->guard = yes ? GUARD_ON : GUARD_OFF;
        return true;
    case MEMBER_IF:
        return read_precondition(r, index, -1, &c->precondition);
    case MEMBER_LINES:
        return read_lines(r, index, place);
    case MEMBER_EXPIRES_IN:
        return value_expires_in(r->error, node, place, &c->expires_in_ms);
    case MEMBER_MODE:
        if (!value_word(r->error, node, place, modes, 2, " all_or_nothing partial", &word))
            return false;
        c->mode = word == 0 ? HOLD_ALL_OR_NOTHING : HOLD_PARTIAL;
        return true;
    case MEMBER_FROM:
        return value_condition(r->error, node, place, &c->from);
    case MEMBER_TO:
        return read_to(r, node, place);
    case MEMBER_ITEM:
        return value_label(r->error, node, place, name_check_utf8, &c->item);
    case MEMBER_LOCATION:
        return value_label(r->error, node, place, name_check_utf8, &c->location);
    case MEMBER_SOURCING:
        return read_sourcing(r, index, place);
    case MEMBER_PRIORITY:
        if (!value_whole(r->error, node, place, 1, PRIORITY_MAX, &number))
            return false;
        c->priority = (uint32_t)number;
        return true;
    case MEMBER_BACKORDER:
        return value_bool(r->error, node, place, &c->backorder);
    case MEMBER_WAIT:
        return value_bool(r->error, node, place, &c->wait);
    case MEMBER_PAID:
        return value_bool(r->error, node, place, &c->paid);
    case MEMBER_UNTIL:
        c->at.form = MOMENT_INSTANT;
        return read_time(r, node, place, &c->at.us);
    case MEMBER_AT:
        return read_moment(r, node, place, &c->at);
    case MEMBER_ETA:
    case MEMBER_DUE:
        return read_moment(r, node, place, &c->due);
    case MEMBER_TRANSFER:
        return value_label(r->error, node, place, name_check_utf8, &c->transfer);
    case MEMBER_EXPECTATION:
        return value_label(r->error, node, place, name_check_utf8, &c->expectation);
    case MEMBER_DIRECTION:
        if (!value_word(r->error, node, place, directions, 2, " in out", &word))
            return false;
        c->direction = word == 0 ? DIRECTION_IN : DIRECTION_OUT;
        return true;
    case MEMBER_OF:
        return read_of(r, index, place);
    case MEMBER_REVIEW:
        return value_review(r->error, node, place, r->room->epochs, &c->review);
    case MEMBER_VERDICT:
        if (!value_word(r->error, node, place, verdicts, 2, " accept reject", &word))
            return false;
        c->verdict = word == 0 ? VERDICT_ACCEPT : VERDICT_REJECT;
        return true;
    case MEMBER_SEEN:
        return read_seen(r, index, place);
    case MEMBER_SET:
        return value_label(r->error, node, place, name_check_utf8, &c->set);
    case MEMBER_LAST:
        return value_bool(r->error, node, place, &c->last);
    case MEMBER_MEASURE:
        if (!value_word(r->error, node, place, measures, 2, " on_hand available", &word))
            return false;
        c->measure = word == 0 ? MEASURE_ON_HAND : MEASURE_AVAILABLE;
        return true;
    case MEMBER_CONTAINS:
        if (!value_word(r->error, node, place, contained, 3, " none shipped committed", &word))
            return false;
        c->contains = (enum contains)(CONTAINS_NONE + word);
        return true;
    case MEMBER_SAFETY_STOCK:
        return value_from_zero(r->error, node, place, &c->safety_stock);
    case MEMBER_BACKORDER_LIMIT:
        return value_from_zero(r->error, node, place, &c->backorder_limit);
    case MEMBER_REORDER_POINT:
        return value_from_zero(r->error, node, place, &c->reorder_point);
    case MEMBER_LOCATIONS:
        return value_places(r->error, r->nodes, index, place, 0, r->room->places, &c->place_count, &c->places);
    case MEMBER_SHARES_REST:
        if (!value_bool(r->error, node, place, &yes))
            return false;
        c->shares_rest = yes ? CHOICE_YES : CHOICE_NO;
        return true;
    case MEMBER_BUFFER:
        return value_from_zero(r->error, node, place, &c->buffer);
    case MEMBER_CAP:
        return value_from_zero(r->error, node, place, &c->cap);
    case MEMBER_ADD:
        if (!value_decimal(r->error, node, place, &c->add.value))
            return false;
        if (c->add.value.digits == 0)
            return value_fail(r->error, CODE_bad_value, place, "is %s, but must be other than 0",
                              value_show(node).text);
        c->add.present = true;
        return true;
    case MEMBER_QUANTITY:
    case MEMBER_CONDITION:
    case MEMBER_UNIT:
    case MEMBER_COUNT:
        break;
    }
    CHECK(false); /* the caller took these */
    return false;
}

/* Lines, a single line, or neither: what was seen must fit the kind. */
static bool check_lines(struct intake *r, uint64_t seen, const struct command_line *single)
{
    struct command *c = r->command;
    if (r->rule->lines == LINES_NEVER)
        return true;
    if ((seen & IN_LINE) != 0) {
        if ((seen & BIT(LINES)) != 0)
            return value_fail(
                r->error, CODE_bad_value, (struct place){-1, NULL, TEXT("lines")},
                "stands beside item, location, quantity, condition or unit: give one line or lines, not both");
        if (!line_complete(r, seen, -1))
            return false;
        r->room->lines[0] = *single;
        c->line_count = 1;
    }
    if (c->line_count != 0)
        return true;
    if (r->rule->lines == LINES_REQUIRED)
        return value_fail(r->error, CODE_missing_field, (struct place){-1, NULL, TEXT("item")},
                          "is missing: %s needs item, %squantity, or lines", r->kind,
                          r->rule->may_source ? "" : "location and ");
    if (r->rule->lines == LINES_OR_HOLD && (seen & BIT(HOLD)) == 0)
        return value_fail(r->error, CODE_missing_field, (struct place){-1, NULL, TEXT("hold")},
                          "is missing: %s needs a hold, or item, location and quantity, or lines", r->kind);
    return true;
}

/* A command's `if` speaks of one cell; with one line it is that line's. */
static bool check_precondition(struct intake *r)
{
    struct command *c = r->command;
    if (c->precondition.present == 0)
        return true;
    struct place place = {-1, NULL, TEXT("if")};
    if (c->line_count == 0)
        return true; /* all that is open: the ledger knows whether that is one cell */
    for (uint32_t i = 1; i < c->line_count; i++) {
        if (!text_equal(c->lines[i].item, c->lines[0].item) || !text_equal(c->lines[i].location, c->lines[0].location))
            return value_fail(r->error, CODE_bad_value, place,
                              "stands on a command that touches several cells; put it on the lines");
    }
    if (c->line_count == 1 && c->lines[0].precondition.present == 0) {
        c->lines[0].precondition = c->precondition;
        c->precondition = (struct precondition){0};
    }
    return true;
}

/* What a hold asks for beside its lines: nothing of it may be without meaning. */
static bool check_hold(struct intake *r, uint64_t seen)
{
    const struct command *c = r->command;
    bool sourced = false;
    for (uint32_t i = 0; i < c->line_count; i++) {
        bool here = !text_present(c->lines[i].location);
        sourced = sourced || here;
        struct place place = {(seen & BIT(LINES)) != 0 ? (int32_t)i : -1, NULL, TEXT("location")};
        if (here && c->guard == GUARD_OFF)
            return value_fail(r->error, CODE_missing_field, place,
                              "is missing: with guard false every line says where");
        place.key = TEXT("if");
        if (here && c->lines[i].precondition.present != 0)
            return value_fail(r->error, CODE_bad_value, place,
                              "stands on a line without location: there is no cell yet");
    }
    if (sourced && c->precondition.present != 0)
        return value_fail(r->error, CODE_bad_value, (struct place){-1, NULL, TEXT("if")},
                          "stands beside a line without location: there is no cell yet");
    if ((seen & BIT(SOURCING)) != 0 && !sourced)
        return value_fail(r->error, CODE_bad_value, (struct place){-1, NULL, TEXT("sourcing")},
                          "finds a location for lines without one, but every line has its location");
    if (c->guard == GUARD_OFF && (c->wait || c->at.form != MOMENT_ABSENT))
        return value_fail(r->error, CODE_bad_value, (struct place){-1, NULL, c->wait ? TEXT("wait") : TEXT("at")},
                          "stands beside guard false, but a fact does not wait");
    return true;
}

static bool check_set_channel(struct intake *r, uint64_t seen)
{
    const struct command *c = r->command;
    bool of_item = (seen & BIT(ITEM)) != 0;
    for (unsigned member = 0; of_item && member < MEMBER_COUNT; member++) {
        if ((CHANNEL_PLACE & seen & (UINT64_C(1) << member)) != 0)
            return value_fail(r->error, CODE_bad_value, (struct place){-1, NULL, member_name((enum member)member)},
                              "stands beside item, but an item in a channel has only buffer and cap");
    }
    if (of_item && (seen & CHANNEL_BOUND) == 0)
        return value_fail(r->error, CODE_missing_field, (struct place){-1, NULL, TEXT("buffer")},
                          "is missing: with item, set_channel needs buffer or cap");
    bool whole = c->buffer.value.places == 0;
    if (!of_item && (!whole || c->cap.value.places != 0))
        return value_fail(r->error, CODE_bad_value, (struct place){-1, NULL, whole ? TEXT("cap") : TEXT("buffer")},
                          "has decimals, but without item it is whole units of every item");
    return true;
}

/* A snapshot occurs when its source had seen what it says; without that it is a report. */
static bool check_seen(struct intake *r, uint64_t seen)
{
    struct command *c = r->command;
    const struct place at_seen = {-1, NULL, TEXT("seen")};
    c->report = (seen & BIT(SEEN)) == 0;
    if (!c->report)
        return (seen & BIT(OCCURRED_AT)) == 0 ||
               value_fail(r->error, CODE_bad_value, (struct place){-1, NULL, TEXT("occurred_at")},
                          "stands beside seen, which says when");
    if ((seen & (BIT(SET) | BIT(LAST) | BIT(CONTAINS))) != 0)
        return value_fail(r->error, CODE_missing_field, at_seen, "is missing: set, last and contains go with it");
    if ((seen & BIT(MEASURE)) == 0)
        c->measure = MEASURE_AVAILABLE;
    return true;
}

/* Members that need or exclude each other. */
static bool check_kind(struct intake *r, uint64_t seen)
{
    switch ((unsigned)r->command->kind) {
    case KIND_HOLD:
        return check_hold(r, seen);
    case KIND_SET_CHANNEL:
        return check_set_channel(r, seen);
    case KIND_SNAPSHOT:
        if (!check_seen(r, seen))
            return false;
        if (r->command->last && !text_present(r->command->set))
            return value_fail(r->error, CODE_missing_field, (struct place){-1, NULL, TEXT("set")},
                              "is missing: last ends one");
        if (r->command->line_count == 0 && !r->command->last)
            return value_fail(r->error, CODE_missing_field, (struct place){-1, NULL, TEXT("item")},
                              "is missing: snapshot needs item, location and quantity, or lines; the last part of a set may have none");
        if (r->command->measure == MEASURE_ON_HAND && r->command->contains == CONTAINS_COMMITTED)
            return value_fail(r->error, CODE_bad_value, (struct place){-1, NULL, TEXT("contains")},
                              "is committed, but what is on hand has no orders off it: measure available does");
        return true;
    case KIND_SET_POLICY:
        if ((seen & POLICY) == 0)
            return value_fail(r->error, CODE_missing_field, (struct place){-1, NULL, TEXT("safety_stock")},
                              "is missing: set_policy needs safety_stock, backorder_limit or reorder_point");
        return true;
    case KIND_ALLOCATE:
        if ((seen & (BIT(ADD) | BIT(TO))) == 0)
            return value_fail(r->error, CODE_missing_field, (struct place){-1, NULL, TEXT("to")},
                              "is missing: allocate needs add or to");
        if ((~seen & (BIT(ADD) | BIT(TO))) == 0)
            return value_fail(r->error, CODE_bad_value, (struct place){-1, NULL, TEXT("to")},
                              "stands beside add: give one of them");
        return true;
    default:
        return true;
    }
}

bool command_from_json(const struct json_node *nodes, uint32_t root, struct command_room *room,
                       struct command *out_command, struct command_error *out_error)
{
    struct intake r = {.nodes = nodes, .root = root, .room = room, .command = out_command, .error = out_error};
    const struct json_node *object = &nodes[root];
    if (object->type != JSON_OBJECT)
        return value_fail(out_error, CODE_bad_value, (struct place){-1, NULL, TEXT_NONE},
                          "the command is %s, but must be an object", value_show(object).text);
    *out_command = command_blank(KIND_RECEIVE, room->lines);
    if (!read_kind(&r, root))
        return false;
    struct command_line single = {.condition = CONDITION_NONE};
    uint64_t in_line = r.rule->lines == LINES_NEVER ? 0 : IN_LINE;
    uint64_t seen = 0;
    uint32_t at = root + 1;
    for (uint32_t k = 0; k < object->count; k++, at = nodes[at].next) {
        struct place place = {-1, NULL, nodes[at].key};
        enum member member = member_of(place.key);
        uint64_t bit = member == MEMBER_COUNT ? 0 : UINT64_C(1) << member;
        if ((bit & r.rule->allowed) == 0)
            return unknown_member(&r, place);
        bool read = (bit & in_line) != 0 ? read_line_member(&r, at, member, place, &single)
                                         : read_member(&r, at, member, place);
        if (!read)
            return false;
        seen |= bit;
    }
    for (unsigned member = 0; member < MEMBER_COUNT; member++) {
        if ((r.rule->required & ~seen & (UINT64_C(1) << member)) != 0)
            return value_fail(out_error, CODE_missing_field, (struct place){-1, NULL, member_name((enum member)member)},
                              "is missing: %s needs it", r.kind);
    }
    return check_lines(&r, seen, &single) && check_precondition(&r) && check_kind(&r, seen);
}
