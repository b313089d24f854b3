/*
 * The canonical binary form of a command (drawn in command.h).
 *
 * One value has one encoding: every optional field has a default, is written exactly when it differs from it, and its
 * bit in `present` says so. The reader refuses what the writer never writes: a present field with its default, a
 * decimal with a trailing zero, a varint with padding, an unknown bit, anything behind the last line. So the
 * fingerprint of a command can be a hash of these bytes, and encode(decode(x)) is x.
 *
 *     flags     bits 0-1 guard | bit 2 dry_run | bit 3 mode | bit 4 strict | others 0
 *     fields    source first (always there), then the present ones in the order of enum field below
 *     line      u8 bits: 0-3 what the line's precondition has (enum precondition_bit), 4 condition present, 5 unit
 *               present, 6 location absent | others 0
 *
 * The bounds checked here are those of memory and of numbers. Which fields a kind needs, and whether a name is UTF-8,
 * is decided where commands come in (api/command_json.c); decide() judges what it is given and never relies on it.
 */
#include "ledger/command.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/checked.h"

/* The numbers are stored in journals and outside logs: append only, never renumber (docs/format.md). */
enum field {
    FIELD_ID,
    FIELD_SEQ,
    FIELD_OCCURRED_AT,
    FIELD_NOT_AFTER,
    FIELD_ACTOR,
    FIELD_REASON,
    FIELD_DOCUMENT,
    FIELD_DOCUMENT_LINE,
    FIELD_CHANNEL,
    FIELD_META,
    FIELD_PRECONDITION,
    FIELD_HOLD,
    FIELD_HOLDER,
    FIELD_EXPIRES_IN,
    FIELD_FROM,
    FIELD_TO_CONDITION,
    FIELD_TO_LOCATION,
    FIELD_ITEM,
    FIELD_SCALE,
    FIELD_ID_WINDOW,
    FIELD_ID_CAPACITY,
    FIELD_CLAIM_FLAGS, /* u8 of enum claim_flag */
    FIELD_PRIORITY,
    FIELD_AT,
    FIELD_SOURCING,
    FIELD_PLACES, /* an empty list is present too: it is a value of its own */
    FIELD_TRANSFER,
    FIELD_EXPECTATION,
    FIELD_DIRECTION,
    FIELD_DUE,
    FIELD_LOCATION,
    FIELD_SAFETY_STOCK,
    FIELD_BACKORDER_LIMIT,
    FIELD_REORDER_POINT,
    FIELD_BUFFER,
    FIELD_CAP,
    FIELD_SHARES_REST,
    FIELD_ADD,
    FIELD_TO,
    FIELD_SOURCE_NAME,
    FIELD_CONFIG,
    FIELD_COUNTED_FROM,
    FIELD_REVIEW,
    FIELD_VERDICT,
    FIELD_SEEN,    /* varint epoch, varint position, varint own seq */
    FIELD_SET,
    FIELD_MEASURE, /* u8 measure, u8 contains; absent when both are left out */
    FIELD_OF_SOURCE,
    FIELD_OF_ID,
    FIELD_REPORT, /* the bit is the value */
    FIELD_COUNT
};

#define FLAG_GUARD_MASK 0x03u
#define FLAG_DRY_RUN    0x04u
#define FLAG_MODE       0x08u
#define FLAG_STRICT     0x10u
#define FLAG_PICKED     0x20u
#define FLAG_LAST       0x40u
#define FLAG_ALL        0x7fu

#define LINE_PRECONDITION 0x0fu
#define LINE_CONDITION    0x10u
#define LINE_UNIT         0x20u
#define LINE_NO_LOCATION  0x40u
#define LINE_ALL          0x7fu

enum claim_flag { CLAIM_FLAG_BACKORDER = 1, CLAIM_FLAG_WAIT = 2, CLAIM_FLAG_PAID = 4, CLAIM_FLAG_ALL = 7 };

#define PRECONDITION_ALL (PRECONDITION_VERSION | PRECONDITION_ON_HAND | PRECONDITION_AVAILABLE | PRECONDITION_RESERVED)

/* Worst cases, to show that COMMAND_BYTES_MAX always suffices. */
#define TEXT_BYTES_MAX         (2 + NAME_BYTES_MAX)
#define DECIMAL_BYTES_MAX      (VARINT_BYTES_MAX + 1)
#define PRECONDITION_BYTES_MAX (VARINT_BYTES_MAX + 3 * DECIMAL_BYTES_MAX)
#define LINE_BYTES_MAX         (1 + 2 * TEXT_BYTES_MAX + 1 + UNIT_BYTES_MAX + DECIMAL_BYTES_MAX + 1 + PRECONDITION_BYTES_MAX)
#define HEAD_BYTES_MAX                                                                                                 \
    (2 + (FIELD_COUNT + 2) * TEXT_BYTES_MAX + 2 + META_BYTES_MAX + PRECONDITION_BYTES_MAX + COMMAND_PLACES_BYTES +     \
     CONFIG_BYTES_MAX)
_Static_assert(HEAD_BYTES_MAX + COMMAND_LINES_MAX * LINE_BYTES_MAX <= COMMAND_BYTES_MAX,
               "a command within its bounds fits COMMAND_BYTES_MAX");
_Static_assert(LINE_PRECONDITION == PRECONDITION_ALL, "a line's bits carry its precondition's");
_Static_assert(FIELD_COUNT <= 64, "one varint of bits");

const char *kind_name(enum command_kind kind)
{
    switch (kind) {
#define X(upper, lower, request)                                                                                       \
    case KIND_##upper:                                                                                                 \
        return #lower;
        KIND_MAP(X)
#undef X
    case KIND_COUNT:
        break;
    }
    return "?";
}

bool kind_is_request(enum command_kind kind)
{
    switch (kind) {
#define X(upper, lower, request)                                                                                       \
    case KIND_##upper:                                                                                                 \
        return request;
        KIND_MAP(X)
#undef X
    case KIND_COUNT:
        break;
    }
    return false;
}

const char *measure_name(enum measure measure)
{
    return measure == MEASURE_AVAILABLE ? "available" : "on_hand";
}

const char *condition_name(enum condition condition)
{
    switch (condition) {
#define X(upper, lower)                                                                                                \
    case CONDITION_##upper:                                                                                            \
        return #lower;
        CONDITION_MAP(X)
#undef X
    case CONDITION_NONE:
        break;
    }
    return "";
}

/* ---- Writing ---- */

static uint64_t bit(enum field field, bool present)
{
    return (uint64_t)present << field;
}

static uint8_t claim_flags(const struct command *c)
{
    return (uint8_t)((c->backorder ? CLAIM_FLAG_BACKORDER : 0) | (c->wait ? CLAIM_FLAG_WAIT : 0) |
                     (c->paid ? CLAIM_FLAG_PAID : 0));
}

static uint64_t present_fields(const struct command *c)
{
    return bit(FIELD_ID, c->id.length != 0) | bit(FIELD_SEQ, c->has_seq) |
           bit(FIELD_OCCURRED_AT, c->occurred_at_us != TIME_NONE) | bit(FIELD_NOT_AFTER, c->not_after_us != TIME_NONE) |
           bit(FIELD_ACTOR, c->actor.length != 0) | bit(FIELD_REASON, c->reason.length != 0) |
           bit(FIELD_DOCUMENT, c->document.length != 0) | bit(FIELD_DOCUMENT_LINE, c->document_line.length != 0) |
           bit(FIELD_CHANNEL, c->channel.length != 0) | bit(FIELD_META, c->meta.length != 0) |
           bit(FIELD_PRECONDITION, c->precondition.present != 0) | bit(FIELD_HOLD, c->hold.length != 0) |
           bit(FIELD_HOLDER, c->holder.length != 0) | bit(FIELD_EXPIRES_IN, c->expires_in_ms != EXPIRES_DEFAULT) |
           bit(FIELD_FROM, c->from != CONDITION_NONE) | bit(FIELD_TO_CONDITION, c->to_condition != CONDITION_NONE) |
           bit(FIELD_TO_LOCATION, c->to_location.length != 0) | bit(FIELD_ITEM, c->item.length != 0) |
           bit(FIELD_SCALE, c->scale != 0) | bit(FIELD_ID_WINDOW, c->id_window_ms != 0) |
           bit(FIELD_ID_CAPACITY, c->id_capacity != 0) | bit(FIELD_CLAIM_FLAGS, claim_flags(c) != 0) |
           bit(FIELD_PRIORITY, c->priority != 0) | bit(FIELD_AT, c->at.form != MOMENT_ABSENT) |
           bit(FIELD_SOURCING, c->sourcing != SOURCING_NONE) | bit(FIELD_PLACES, text_present(c->places)) |
           bit(FIELD_TRANSFER, c->transfer.length != 0) | bit(FIELD_EXPECTATION, c->expectation.length != 0) |
           bit(FIELD_DIRECTION, c->direction != DIRECTION_NONE) | bit(FIELD_DUE, c->due.form != MOMENT_ABSENT) |
           bit(FIELD_LOCATION, c->location.length != 0) | bit(FIELD_SAFETY_STOCK, c->safety_stock.present) |
           bit(FIELD_BACKORDER_LIMIT, c->backorder_limit.present) | bit(FIELD_REORDER_POINT, c->reorder_point.present) |
           bit(FIELD_BUFFER, c->buffer.present) | bit(FIELD_CAP, c->cap.present) |
           bit(FIELD_SHARES_REST, c->shares_rest != CHOICE_ABSENT) | bit(FIELD_ADD, c->add.present) |
           bit(FIELD_TO, c->to.present) | bit(FIELD_SOURCE_NAME, c->source_name.length != 0) |
           bit(FIELD_CONFIG, c->config.length != 0) | bit(FIELD_COUNTED_FROM, c->counted_from_us != TIME_NONE) |
           bit(FIELD_REVIEW, c->review != 0) | bit(FIELD_VERDICT, c->verdict != VERDICT_NONE) |
           bit(FIELD_SEEN, c->has_position) | bit(FIELD_SET, c->set.length != 0) |
           bit(FIELD_MEASURE, c->measure != MEASURE_ON_HAND || c->contains != CONTAINS_DEFAULT) |
           bit(FIELD_OF_SOURCE, c->of_source.length != 0) | bit(FIELD_OF_ID, c->of_id.length != 0) |
           bit(FIELD_REPORT, c->report);
}

static void write_name(struct writer *w, struct text name)
{
    CHECK(name.length >= 1 && name.length <= NAME_BYTES_MAX);
    write_text(w, name);
}

static void write_decimal(struct writer *w, struct decimal decimal)
{
    CHECK(decimal.places == 0 || (decimal.places <= DECIMAL_PLACES_MAX && decimal.digits % 10 != 0));
    write_zigzag(w, decimal.digits);
    write_u8(w, decimal.places);
}

static void write_moment(struct writer *w, struct moment moment)
{
    CHECK(moment.form <= MOMENT_DAY);
    write_u8(w, (uint8_t)moment.form);
    write_zigzag(w, moment.us);
}

size_t command_place_put(uint8_t *at, struct text name)
{
    struct writer w = writer_of(at, NAME_BYTES_MAX + 2);
    write_name(&w, name);
    return writer_bytes(&w);
}

static void write_precondition(struct writer *w, const struct precondition *p)
{
    if (p->present & PRECONDITION_VERSION)
        write_varint(w, p->version);
    if (p->present & PRECONDITION_ON_HAND)
        write_decimal(w, p->on_hand);
    if (p->present & PRECONDITION_AVAILABLE)
        write_decimal(w, p->available);
    if (p->present & PRECONDITION_RESERVED)
        write_decimal(w, p->reserved);
}

static void write_line(struct writer *w, const struct command_line *line)
{
    CHECK((line->precondition.present & ~PRECONDITION_ALL) == 0);
    CHECK(line->condition <= CONDITION_NONE);
    bool has_condition = line->condition != CONDITION_NONE;
    bool has_location = line->location.length != 0;
    write_u8(w, (uint8_t)(line->precondition.present | (has_condition ? LINE_CONDITION : 0) |
                          (line->unit.length != 0 ? LINE_UNIT : 0) | (has_location ? 0 : LINE_NO_LOCATION)));
    write_name(w, line->item);
    if (has_location)
        write_name(w, line->location);
    write_decimal(w, line->quantity);
    if (has_condition)
        write_u8(w, (uint8_t)line->condition);
    if (line->unit.length != 0) {
        CHECK(line->unit.length <= UNIT_BYTES_MAX);
        write_text(w, line->unit);
    }
    if (UNLIKELY(line->precondition.present != 0))
        write_precondition(w, &line->precondition);
}

static void write_field(struct writer *w, const struct command *c, enum field field)
{
    switch (field) {
    case FIELD_ID:
        write_name(w, c->id);
        break;
    case FIELD_SEQ:
        write_varint(w, c->seq);
        break;
    case FIELD_OCCURRED_AT:
        write_zigzag(w, c->occurred_at_us);
        break;
    case FIELD_NOT_AFTER:
        write_zigzag(w, c->not_after_us);
        break;
    case FIELD_ACTOR:
        write_name(w, c->actor);
        break;
    case FIELD_REASON:
        write_name(w, c->reason);
        break;
    case FIELD_DOCUMENT:
        write_name(w, c->document);
        break;
    case FIELD_DOCUMENT_LINE:
        write_name(w, c->document_line);
        break;
    case FIELD_CHANNEL:
        write_name(w, c->channel);
        break;
    case FIELD_META:
        CHECK(c->meta.length <= META_BYTES_MAX);
        write_text(w, c->meta);
        break;
    case FIELD_PRECONDITION:
        CHECK((c->precondition.present & ~PRECONDITION_ALL) == 0);
        write_u8(w, c->precondition.present);
        write_precondition(w, &c->precondition);
        break;
    case FIELD_HOLD:
        write_name(w, c->hold);
        break;
    case FIELD_HOLDER:
        write_name(w, c->holder);
        break;
    case FIELD_EXPIRES_IN:
        CHECK(c->expires_in_ms >= 0);
        write_varint(w, (uint64_t)c->expires_in_ms);
        break;
    case FIELD_FROM:
        CHECK(c->from < CONDITION_COUNT);
        write_u8(w, (uint8_t)c->from);
        break;
    case FIELD_TO_CONDITION:
        CHECK(c->to_condition < CONDITION_COUNT);
        write_u8(w, (uint8_t)c->to_condition);
        break;
    case FIELD_TO_LOCATION:
        write_name(w, c->to_location);
        break;
    case FIELD_ITEM:
        write_name(w, c->item);
        break;
    case FIELD_SCALE:
        CHECK(c->scale <= DECIMAL_PLACES_MAX);
        write_u8(w, c->scale);
        break;
    case FIELD_ID_WINDOW:
        CHECK(c->id_window_ms > 0);
        write_varint(w, (uint64_t)c->id_window_ms);
        break;
    case FIELD_ID_CAPACITY:
        write_varint(w, c->id_capacity);
        break;
    case FIELD_CLAIM_FLAGS:
        write_u8(w, claim_flags(c));
        break;
    case FIELD_PRIORITY:
        write_varint(w, c->priority);
        break;
    case FIELD_AT:
        write_moment(w, c->at);
        break;
    case FIELD_SOURCING:
        CHECK(c->sourcing <= SOURCING_MOST_STOCK);
        write_u8(w, (uint8_t)c->sourcing);
        break;
    case FIELD_PLACES:
        CHECK(c->place_count <= COMMAND_PLACES_MAX && c->places.length <= COMMAND_PLACES_BYTES);
        write_varint(w, c->place_count);
        write_bytes(w, c->places.bytes, c->places.length);
        break;
    case FIELD_TRANSFER:
        write_name(w, c->transfer);
        break;
    case FIELD_EXPECTATION:
        write_name(w, c->expectation);
        break;
    case FIELD_DIRECTION:
        CHECK(c->direction <= DIRECTION_OUT);
        write_u8(w, (uint8_t)c->direction);
        break;
    case FIELD_DUE:
        write_moment(w, c->due);
        break;
    case FIELD_LOCATION:
        write_name(w, c->location);
        break;
    case FIELD_SAFETY_STOCK:
        write_decimal(w, c->safety_stock.value);
        break;
    case FIELD_BACKORDER_LIMIT:
        write_decimal(w, c->backorder_limit.value);
        break;
    case FIELD_REORDER_POINT:
        write_decimal(w, c->reorder_point.value);
        break;
    case FIELD_BUFFER:
        write_decimal(w, c->buffer.value);
        break;
    case FIELD_CAP:
        write_decimal(w, c->cap.value);
        break;
    case FIELD_SHARES_REST:
        CHECK(c->shares_rest <= CHOICE_YES);
        write_u8(w, (uint8_t)c->shares_rest);
        break;
    case FIELD_ADD:
        write_decimal(w, c->add.value);
        break;
    case FIELD_TO:
        write_decimal(w, c->to.value);
        break;
    case FIELD_SOURCE_NAME:
        write_name(w, c->source_name);
        break;
    case FIELD_CONFIG:
        CHECK(c->config.length <= CONFIG_BYTES_MAX);
        write_text(w, c->config);
        break;
    case FIELD_COUNTED_FROM:
        write_zigzag(w, c->counted_from_us);
        break;
    case FIELD_REVIEW:
        write_varint(w, c->review);
        break;
    case FIELD_VERDICT:
        CHECK(c->verdict <= VERDICT_REJECT);
        write_u8(w, (uint8_t)c->verdict);
        break;
    case FIELD_SEEN:
        write_varint(w, c->seen_epoch);
        write_varint(w, c->seen_position);
        write_varint(w, c->seen_seq);
        break;
    case FIELD_SET:
        write_name(w, c->set);
        break;
    case FIELD_MEASURE:
        CHECK(c->measure <= MEASURE_AVAILABLE && c->contains <= CONTAINS_COMMITTED);
        write_u8(w, (uint8_t)c->measure);
        write_u8(w, (uint8_t)c->contains);
        break;
    case FIELD_OF_SOURCE:
        write_name(w, c->of_source);
        break;
    case FIELD_OF_ID:
        write_name(w, c->of_id);
        break;
    case FIELD_REPORT:
    case FIELD_COUNT:
        break;
    }
}

size_t command_encode(const struct command *command, uint8_t *out_bytes, size_t capacity)
{
    CHECK(command->kind < KIND_COUNT);
    CHECK(command->guard <= GUARD_OFF);
    CHECK(command->mode <= HOLD_PARTIAL);
    CHECK(command->line_count <= COMMAND_LINES_MAX);
    struct writer w = writer_of(out_bytes, capacity);
    write_u8(&w, (uint8_t)command->kind);
    write_u8(&w, (uint8_t)((unsigned)command->guard | (command->dry_run ? FLAG_DRY_RUN : 0) |
                           (command->mode == HOLD_PARTIAL ? FLAG_MODE : 0) | (command->strict ? FLAG_STRICT : 0) |
                           (command->includes_picked ? FLAG_PICKED : 0) | (command->last ? FLAG_LAST : 0)));
    uint64_t present = present_fields(command);
    write_varint(&w, present);
    write_name(&w, command->source);
    for (; present != 0; present &= present - 1)
        write_field(&w, command, (enum field)__builtin_ctzll(present));
    write_varint(&w, command->line_count);
    for (uint32_t i = 0; i < command->line_count; i++)
        write_line(&w, &command->lines[i]);
    return w.full ? 0 : writer_bytes(&w);
}

/* ---- Reading ---- */

/* In place: a command is large, and a value of it would be written twice. */
static void command_reset(struct command *command, enum command_kind kind, struct command_line *lines)
{
    bytes_clear(command, sizeof(*command));
    command->kind = kind;
    command->occurred_at_us = TIME_NONE;
    command->not_after_us = TIME_NONE;
    command->counted_from_us = TIME_NONE;
    command->expires_in_ms = EXPIRES_DEFAULT;
    command->from = CONDITION_NONE;
    command->to_condition = CONDITION_NONE;
    command->lines = lines;
}

struct command command_blank(enum command_kind kind, struct command_line *lines)
{
    struct command command;
    command_reset(&command, kind, lines);
    return command;
}

/* An empty name is never written. */
static struct text read_name(struct reader *r)
{
    struct text name = read_text(r, NAME_BYTES_MAX);
    if (name.length == 0)
        r->bad = true;
    return name;
}

/* A number that is written only when it is not `absent`, and is at most `max`. */
static uint64_t read_bounded(struct reader *r, uint64_t absent, uint64_t max)
{
    uint64_t v = read_varint(r);
    if (v == absent || v > max)
        r->bad = true;
    return v;
}

static enum condition read_condition(struct reader *r)
{
    uint8_t v = read_u8(r);
    if (v >= CONDITION_COUNT) {
        r->bad = true;
        return CONDITION_NONE;
    }
    return (enum condition)v;
}

static struct decimal read_decimal(struct reader *r)
{
    struct decimal d = {read_zigzag(r), 0};
    d.places = read_u8(r);
    if (!quantity_in_range(d.digits) || d.places > DECIMAL_PLACES_MAX || (d.places != 0 && d.digits % 10 == 0))
        r->bad = true;
    return d;
}

static int64_t read_time(struct reader *r)
{
    int64_t us = read_zigzag(r);
    if (us == TIME_NONE)
        r->bad = true;
    return us;
}

/* A small enum that is written only when it is not 0. */
static uint8_t read_small(struct reader *r, uint8_t most)
{
    uint8_t v = read_u8(r);
    if (v == 0 || v > most) {
        r->bad = true;
        return 0;
    }
    return v;
}

static struct moment read_moment(struct reader *r)
{
    enum moment_form form = (enum moment_form)read_small(r, MOMENT_DAY);
    return (struct moment){form, read_time(r)};
}

static struct optional_decimal read_optional(struct reader *r)
{
    return (struct optional_decimal){true, read_decimal(r)};
}

bool command_place_next(struct text *places, struct text *out_name)
{
    if (places->length == 0)
        return false;
    struct reader r = reader_of((const uint8_t *)places->bytes, places->length);
    *out_name = read_text(&r, NAME_BYTES_MAX);
    uint32_t rest = (uint32_t)reader_left(&r);
    *places = text_of(places->bytes + (places->length - rest), rest);
    return true;
}

static void read_places(struct reader *r, struct command *c)
{
    uint64_t count = read_varint(r);
    const char *start = (const char *)r->at;
    if (count > COMMAND_PLACES_MAX)
        r->bad = true;
    for (uint64_t i = 0; i < count && !r->bad; i++)
        (void)read_name(r);
    c->place_count = (uint32_t)count;
    c->places = text_of(start, (size_t)((const char *)r->at - start));
}

static void read_precondition(struct reader *r, uint8_t present, struct precondition *out)
{
    out->present = present;
    if (present & PRECONDITION_VERSION)
        out->version = read_varint(r);
    if (present & PRECONDITION_ON_HAND)
        out->on_hand = read_decimal(r);
    if (present & PRECONDITION_AVAILABLE)
        out->available = read_decimal(r);
    if (present & PRECONDITION_RESERVED)
        out->reserved = read_decimal(r);
}

static void read_line(struct reader *r, struct command_line *out)
{
    uint8_t bits = read_u8(r);
    if ((bits & ~LINE_ALL) != 0)
        r->bad = true;
    out->item = read_name(r);
    out->location = (bits & LINE_NO_LOCATION) == 0 ? read_name(r) : TEXT_NONE;
    out->quantity = read_decimal(r);
    out->condition = (bits & LINE_CONDITION) != 0 ? read_condition(r) : CONDITION_NONE;
    out->unit = (bits & LINE_UNIT) != 0 ? read_text(r, UNIT_BYTES_MAX) : TEXT_NONE;
    if ((bits & LINE_UNIT) != 0 && out->unit.length == 0)
        r->bad = true;
    out->precondition = (struct precondition){0};
    if (UNLIKELY((bits & LINE_PRECONDITION) != 0))
        read_precondition(r, bits & LINE_PRECONDITION, &out->precondition);
}

static void read_field(struct reader *r, struct command *c, enum field field)
{
    switch (field) {
    case FIELD_ID:
        c->id = read_name(r);
        break;
    case FIELD_SEQ:
        c->has_seq = true;
        c->seq = read_varint(r);
        break;
    case FIELD_OCCURRED_AT:
        c->occurred_at_us = read_time(r);
        break;
    case FIELD_NOT_AFTER:
        c->not_after_us = read_time(r);
        break;
    case FIELD_ACTOR:
        c->actor = read_name(r);
        break;
    case FIELD_REASON:
        c->reason = read_name(r);
        break;
    case FIELD_DOCUMENT:
        c->document = read_name(r);
        break;
    case FIELD_DOCUMENT_LINE:
        c->document_line = read_name(r);
        break;
    case FIELD_CHANNEL:
        c->channel = read_name(r);
        break;
    case FIELD_META:
        c->meta = read_text(r, META_BYTES_MAX);
        if (c->meta.length == 0)
            r->bad = true;
        break;
    case FIELD_PRECONDITION: {
        uint8_t present = read_u8(r);
        if (present == 0 || (present & ~PRECONDITION_ALL) != 0)
            r->bad = true;
        read_precondition(r, present & PRECONDITION_ALL, &c->precondition);
        break;
    }
    case FIELD_HOLD:
        c->hold = read_name(r);
        break;
    case FIELD_HOLDER:
        c->holder = read_name(r);
        break;
    case FIELD_EXPIRES_IN:
        c->expires_in_ms = (int64_t)read_bounded(r, UINT64_MAX, INT64_MAX);
        break;
    case FIELD_FROM:
        c->from = read_condition(r);
        break;
    case FIELD_TO_CONDITION:
        c->to_condition = read_condition(r);
        break;
    case FIELD_TO_LOCATION:
        c->to_location = read_name(r);
        break;
    case FIELD_ITEM:
        c->item = read_name(r);
        break;
    case FIELD_SCALE:
        c->scale = read_u8(r);
        if (c->scale == 0 || c->scale > DECIMAL_PLACES_MAX)
            r->bad = true;
        break;
    case FIELD_ID_WINDOW:
        c->id_window_ms = (int64_t)read_bounded(r, 0, INT64_MAX);
        break;
    case FIELD_ID_CAPACITY:
        c->id_capacity = (uint32_t)read_bounded(r, 0, UINT32_MAX);
        break;
    case FIELD_CLAIM_FLAGS: {
        uint8_t flags = read_small(r, CLAIM_FLAG_ALL);
        c->backorder = (flags & CLAIM_FLAG_BACKORDER) != 0;
        c->wait = (flags & CLAIM_FLAG_WAIT) != 0;
        c->paid = (flags & CLAIM_FLAG_PAID) != 0;
        break;
    }
    case FIELD_PRIORITY:
        c->priority = (uint32_t)read_bounded(r, 0, UINT32_MAX);
        break;
    case FIELD_AT:
        c->at = read_moment(r);
        break;
    case FIELD_SOURCING:
        c->sourcing = (enum sourcing_rule)read_small(r, SOURCING_MOST_STOCK);
        break;
    case FIELD_PLACES:
        read_places(r, c);
        break;
    case FIELD_TRANSFER:
        c->transfer = read_name(r);
        break;
    case FIELD_EXPECTATION:
        c->expectation = read_name(r);
        break;
    case FIELD_DIRECTION:
        c->direction = (enum direction)read_small(r, DIRECTION_OUT);
        break;
    case FIELD_DUE:
        c->due = read_moment(r);
        break;
    case FIELD_LOCATION:
        c->location = read_name(r);
        break;
    case FIELD_SAFETY_STOCK:
        c->safety_stock = read_optional(r);
        break;
    case FIELD_BACKORDER_LIMIT:
        c->backorder_limit = read_optional(r);
        break;
    case FIELD_REORDER_POINT:
        c->reorder_point = read_optional(r);
        break;
    case FIELD_BUFFER:
        c->buffer = read_optional(r);
        break;
    case FIELD_CAP:
        c->cap = read_optional(r);
        break;
    case FIELD_SHARES_REST:
        c->shares_rest = (enum choice)read_small(r, CHOICE_YES);
        break;
    case FIELD_ADD:
        c->add = read_optional(r);
        break;
    case FIELD_TO:
        c->to = read_optional(r);
        break;
    case FIELD_SOURCE_NAME:
        c->source_name = read_name(r);
        break;
    case FIELD_CONFIG:
        c->config = read_text(r, CONFIG_BYTES_MAX);
        if (c->config.length == 0)
            r->bad = true;
        break;
    case FIELD_COUNTED_FROM:
        c->counted_from_us = read_time(r);
        break;
    case FIELD_REVIEW:
        c->review = read_bounded(r, 0, UINT64_MAX);
        break;
    case FIELD_VERDICT:
        c->verdict = (enum verdict_word)read_small(r, VERDICT_REJECT);
        break;
    case FIELD_SEEN:
        c->has_position = true;
        c->seen_epoch = (uint32_t)read_bounded(r, UINT64_MAX, UINT32_MAX);
        c->seen_position = read_bounded(r, UINT64_MAX, INT64_MAX);
        c->seen_seq = read_bounded(r, UINT64_MAX, INT64_MAX);
        break;
    case FIELD_SET:
        c->set = read_name(r);
        break;
    case FIELD_MEASURE: {
        uint8_t measure = read_u8(r), contains = read_u8(r);
        if (measure > MEASURE_AVAILABLE || contains > CONTAINS_COMMITTED || (measure | contains) == 0)
            r->bad = true;
        c->measure = r->bad ? MEASURE_ON_HAND : (enum measure)measure;
        c->contains = r->bad ? CONTAINS_DEFAULT : (enum contains)contains;
        break;
    }
    case FIELD_OF_SOURCE:
        c->of_source = read_name(r);
        break;
    case FIELD_OF_ID:
        c->of_id = read_name(r);
        break;
    case FIELD_REPORT:
        c->report = true;
        break;
    case FIELD_COUNT:
        break;
    }
}

enum status command_decode(const uint8_t *bytes, size_t n, struct command_line *lines, struct command *out_command)
{
    struct reader r = reader_of(bytes, n);
    uint8_t kind = read_u8(&r), flags = read_u8(&r);
    uint64_t present = read_varint(&r);
    if (r.bad || kind >= KIND_COUNT || (flags & ~FLAG_ALL) != 0 || (flags & FLAG_GUARD_MASK) > GUARD_OFF ||
        present >> FIELD_COUNT != 0)
        return STATUS_INVALID;
    command_reset(out_command, (enum command_kind)kind, lines);
    out_command->guard = (enum guard)(flags & FLAG_GUARD_MASK);
    out_command->dry_run = (flags & FLAG_DRY_RUN) != 0;
    out_command->mode = (flags & FLAG_MODE) != 0 ? HOLD_PARTIAL : HOLD_ALL_OR_NOTHING;
    out_command->strict = (flags & FLAG_STRICT) != 0;
    out_command->includes_picked = (flags & FLAG_PICKED) != 0;
    out_command->last = (flags & FLAG_LAST) != 0;
    out_command->source = read_name(&r);
    for (; present != 0; present &= present - 1)
        read_field(&r, out_command, (enum field)__builtin_ctzll(present));
    uint64_t line_count = read_varint(&r);
    if (r.bad || line_count > COMMAND_LINES_MAX)
        return STATUS_INVALID;
    for (uint32_t i = 0; i < line_count && !r.bad; i++)
        read_line(&r, &lines[i]);
    if (r.bad || reader_left(&r) != 0)
        return STATUS_INVALID;
    out_command->line_count = (uint32_t)line_count;
    return STATUS_OK;
}
