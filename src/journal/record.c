/*
 * The codec of records: what is written is small, what is read is checked.
 *
 * Problem: an event has some sixty figures, of which a sale changes four. Written out it would be 500 bytes, and every
 * byte is written, checksummed, flushed, replayed and sent. So a record names what is there by bits and writes only
 * that, as variable-length integers; what an event shares with its decision (time, source, id, reason) is written once,
 * and its sequence number not at all, because the events of a decision are consecutive.
 *
 *     decision   u32 bytes | u8 type | varint events | varint first seq | u8 kind | u16 present | u64 recorded at
 *                | fields that are present | events
 *     event      u8 type | u16 present | fields that are present, in the order of their bits
 *
 * docs/format.md has every bit. A one-line sale is 60 to 80 bytes.
 *
 * One decision has one encoding: the decoder refuses a bit whose value is the one that its absence means, integers in
 * a longer form than needed, and bytes left over. So a record can be compared and hashed as bytes.
 *
 * Names of claims repeat: all events of a command speak of one hold, its holder and its channel. A name equal to that
 * of the claim event before it (in the same decision) is written as two bits. This is also what bounds the longest
 * record: see the assertion below RECORD_BYTES_MAX.
 *
 * The encoder first makes sure of room for the longest event and then writes without looking, which makes it about
 * twice as fast. Hence it may call a record too long when fewer than EVENT_BYTES_BOUND bytes would have been left.
 */
#include "journal/record.h"

/* Fields of the decision: bits of `present`. */
enum {
    HAS_CLOCK_SKEW = 1 << 0,
    HAS_FORCED = 1 << 1,
    HAS_STRICT = 1 << 2,
    HAS_SEQ = 1 << 3,         /* varint */
    HAS_SOURCE = 1 << 4,      /* varint */
    HAS_ID = 1 << 5,          /* text */
    HAS_FINGERPRINT = 1 << 6, /* u64 */
    HAS_OCCURRED = 1 << 7,    /* zigzag, from recorded at; absent when equal */
    HAS_ACTOR = 1 << 8,       /* text, as are the next five */
    HAS_REASON = 1 << 9,
    HAS_DOCUMENT = 1 << 10,
    HAS_DOCUMENT_LINE = 1 << 11,
    HAS_CHANNEL = 1 << 12,
    HAS_META = 1 << 13,
    HAS_SETTINGS = 1 << 14, /* zigzag window, varint capacity */
    DECISION_UNKNOWN = 1 << 15
};

/* Fields of the event: bits of `present`. */
enum {
    WITH_ITEM = 1 << 0,     /* varint */
    WITH_LOCATION = 1 << 1, /* varint */
    WITH_SCALE = 1 << 2,    /* u8 */
    WITH_QUANTITY = 1 << 3, /* zigzag */
    WITH_CONDITION = 1 << 4,
    WITH_TO_CONDITION = 1 << 5,
    WITH_ACCOUNT = 1 << 6,        /* u8 */
    WITH_ACCOUNT_UNITS = 1 << 7,  /* zigzag */
    WITH_OTHER_LOCATION = 1 << 8, /* varint */
    WITH_DELTA = 1 << 9,          /* u16 bit per figure, zigzag each */
    WITH_FIGURES = 1 << 10,       /* the same */
    WITH_VERSION = 1 << 11,       /* varint */
    WITH_PREVIOUS = 1 << 12,      /* varint, back from this event */
    WITH_CLAIM = 1 << 13,
    WITH_REFUSAL = 1 << 14,
    WITH_DISCREPANCY = 1 << 15 /* u8 */
};

/* The type's byte says whether a second word of bits follows the first. */
#define TYPE_EXTENDED 0x80u

/* Further fields of the event, behind those above: bits of the second word. */
enum {
    ALSO_QUOTA = 1 << 0, /* varint channel, zigzag delta, zigzag after */
    ALSO_LOW = 1 << 1,   /* the bit is the value */
    ALSO_CONFIG = 1 << 2,
    ALSO_TRANSFER = 1 << 3,
    ALSO_EXPECTATION = 1 << 4,
    ALSO_MENTIONS = 1 << 5, /* varint total, varint count, texts */
    ALSO_UNKNOWN = 0xffc0
};
#define CONFIG_DELETED 0x80u /* beside the space */

/* The claim's flags: two bits for each name, then its end. */
enum { NAME_ABSENT, NAME_GIVEN, NAME_SAME };
enum { CLAIM_HOLD_SHIFT = 0, CLAIM_HOLDER_SHIFT = 2, CLAIM_CHANNEL_SHIFT = 4, CLAIM_EXPIRES = 64, CLAIM_EXTENDED = 128 };
/* More of the claim, when its flags say so. */
enum {
    CLAIM_WIDE = 1,
    CLAIM_PAID = 2,
    CLAIM_PRIORITY = 4,
    CLAIM_AT = 8,
    CLAIM_PARTIAL = 16,
    CLAIM_MORE_UNKNOWN = 0xe0
};

/* The refusal's flags. */
enum {
    REFUSAL_SUBJECT = 1,
    REFUSAL_FIELD = 2,
    REFUSAL_CONSUMED = 4,
    REFUSAL_RELEASED = 8,
    REFUSAL_SHORTAGES = 16,
    REFUSAL_UNKNOWN = 224
};

#define RECORD_HEAD_BYTES 5
#define TEXT_BYTES_MAX    META_BYTES_MAX /* the longest text of a decision */
/* Everything of an event but its texts and shortages: 70 integers at most, all counted as long ones, and its bits. */
#define EVENT_BYTES_BOUND  1024
#define SHORTAGE_BYTES_MAX (5 + 5 + 1 + 10 + 10)
/* Everything of a decision but its texts and events. */
#define CONTEXT_BYTES_BOUND 128
/*
 * What events can really take: quantities have 53 bits (8 bytes). A command changes at most two cells per line; every other
 * event follows one of those, and has little more than the figures again.
 */
#define EVENT_BYTES_MAX    ((2 * FIGURE_COUNT + CLAIM_FIGURE_COUNT + 8) * 8 + 15 * 5 + 64)
#define FOLLOWER_BYTES_MAX (FIGURE_COUNT * 8 + 8 * 5 + 16)
#define CHANGES_MAX        (2 * COMMAND_LINES_MAX + 8)
_Static_assert(CONTEXT_BYTES_BOUND + 7 * TEXT_BYTES_MAX + CHANGES_MAX * EVENT_BYTES_MAX +
                       (DECISION_EVENTS_MAX - CHANGES_MAX) * FOLLOWER_BYTES_MAX +
                       (3 * SERVED_MAX + 8) * NAME_BYTES_MAX + CONFIG_BYTES_MAX +
                       COMMAND_LINES_MAX * SHORTAGE_BYTES_MAX + DECISION_NAMES_MAX * (16 + NAME_BYTES_MAX) +
                       EVENT_BYTES_BOUND <=
                   RECORD_BYTES_MAX,
               "a decision of the largest command has to fit");
_Static_assert(FIGURE_COUNT <= 16 && CLAIM_FIGURE_COUNT <= 16, "a bit for each figure");

/* ---- encoding ---- */

static inline uint8_t *put_varint(uint8_t *at, uint64_t v)
{
    while (v >= 0x80) {
        *at++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *at++ = (uint8_t)v;
    return at;
}

static inline uint8_t *put_text(uint8_t *at, struct text text)
{
    at = put_varint(at, text.length);
    if (text.length != 0)
        memcpy(at, text.bytes, text.length);
    return at + text.length;
}

/* Differences of times and numbers wrap, so that every pair of values has one. */
static inline int64_t wrapping_difference(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}
static inline int64_t wrapping_sum(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static uint8_t *put_moment(uint8_t *at, struct moment moment)
{
    *at++ = (uint8_t)moment.form;
    return put_varint(at, zigzag(moment.us));
}

static inline uint8_t *put_figures(uint8_t *at, const struct figures *figures, unsigned bits)
{
    put_u16(at, (uint16_t)bits);
    at += 2;
    for (unsigned rest = bits; rest != 0; rest &= rest - 1)
        at = put_varint(at, zigzag(figures->units[__builtin_ctz(rest)]));
    return at;
}

/* The names of the claim, transfer and expectation events before, within one decision. */
struct claim_names {
    bool any;
    struct text hold, holder, channel;
    struct text transfer, expectation;
};

static inline unsigned name_form(struct text name, struct text before, bool any)
{
    if (!text_present(name))
        return NAME_ABSENT;
    return any && text_present(before) &&
                   (name.bytes == before.bytes ? name.length == before.length : text_equal(name, before))
               ? NAME_SAME
               : NAME_GIVEN;
}

static uint8_t *put_claim(uint8_t *at, const struct event *event, int64_t recorded_at_us, struct claim_names *names)
{
    CHECK(event->claim <= event->seq);
    unsigned hold = name_form(event->hold, names->hold, names->any);
    unsigned holder = name_form(event->holder, names->holder, names->any);
    unsigned channel = name_form(event->channel, names->channel, names->any);
    bool expires = event->expires_at_us != TIME_NONE;
    unsigned bits = 0;
    for (unsigned i = 0; i < CLAIM_FIGURE_COUNT; i++) {
        if (UNLIKELY(event->claim_units[i] != 0)) /* as figures_bits */
            bits |= 1u << i;
    }
    unsigned more = (bits > 0xff ? CLAIM_WIDE : 0u) | (event->claim_paid ? CLAIM_PAID : 0u) |
                    (event->claim_partial ? CLAIM_PARTIAL : 0u) | (event->claim_priority != 0 ? CLAIM_PRIORITY : 0u) |
                    (event->claim_at.form != MOMENT_ABSENT ? CLAIM_AT : 0u);
    *at++ = (uint8_t)(hold << CLAIM_HOLD_SHIFT | holder << CLAIM_HOLDER_SHIFT | channel << CLAIM_CHANNEL_SHIFT |
                      (expires ? CLAIM_EXPIRES : 0u) | (more != 0 ? CLAIM_EXTENDED : 0u));
    *at++ = (uint8_t)event->claim_state;
    at = put_varint(at, event->seq - event->claim);
    if (hold == NAME_GIVEN)
        at = put_text(at, event->hold);
    if (holder == NAME_GIVEN)
        at = put_text(at, event->holder);
    if (channel == NAME_GIVEN)
        at = put_text(at, event->channel);
    if (expires)
        at = put_varint(at, zigzag(wrapping_difference(event->expires_at_us, recorded_at_us)));
    if (UNLIKELY(more != 0)) {
        *at++ = (uint8_t)more;
        if (event->claim_priority != 0)
            at = put_varint(at, event->claim_priority);
        if (event->claim_at.form != MOMENT_ABSENT)
            at = put_moment(at, event->claim_at);
    }
    *at++ = (uint8_t)bits;
    if (bits > 0xff)
        *at++ = (uint8_t)(bits >> 8);
    for (unsigned rest = bits; rest != 0; rest &= rest - 1)
        at = put_varint(at, zigzag(event->claim_units[__builtin_ctz(rest)]));
    names->any = true;
    names->hold = event->hold;
    names->holder = event->holder;
    names->channel = event->channel;
    return at;
}

/* The name of a document, as a byte that says how it stands and the name if it must. */
static uint8_t *put_document(uint8_t *at, struct text name, struct text *before)
{
    unsigned form = name_form(name, *before, true);
    *at++ = (uint8_t)form;
    if (form == NAME_GIVEN)
        at = put_text(at, name);
    *before = name;
    return at;
}

static unsigned event_also(const struct event *event)
{
    return (event->channel_number != NUMBER_NONE ? ALSO_QUOTA : 0u) | (event->low ? ALSO_LOW : 0u) |
           (event->config_space != NAME_SPACE_COUNT ? ALSO_CONFIG : 0u) |
           (event->transfer_number != 0 ? ALSO_TRANSFER : 0u) |
           (event->expectation_number != 0 ? ALSO_EXPECTATION : 0u) | (event->mention_total != 0 ? ALSO_MENTIONS : 0u);
}

static uint8_t *put_also(uint8_t *at, const struct event *event, unsigned also, struct claim_names *names)
{
    if ((also & ALSO_QUOTA) != 0) {
        at = put_varint(at, event->channel_number);
        at = put_varint(at, zigzag(event->quota_delta));
        at = put_varint(at, zigzag(event->quota));
    }
    if ((also & ALSO_CONFIG) != 0) {
        *at++ = (uint8_t)((unsigned)event->config_space | (event->config_deleted ? CONFIG_DELETED : 0u));
        at = put_varint(at, event->config_number);
        at = put_text(at, event->config);
    }
    if ((also & ALSO_TRANSFER) != 0) {
        CHECK(event->transfer_number <= event->seq);
        at = put_varint(at, event->seq - event->transfer_number);
        at = put_document(at, event->transfer, &names->transfer);
        at = put_varint(at, zigzag(event->transit_delta));
        at = put_varint(at, zigzag(event->transit));
        at = put_moment(at, event->eta);
    }
    if ((also & ALSO_EXPECTATION) != 0) {
        CHECK(event->expectation_number <= event->seq);
        at = put_varint(at, event->seq - event->expectation_number);
        at = put_document(at, event->expectation, &names->expectation);
        *at++ = (uint8_t)event->direction;
        at = put_moment(at, event->due);
        at = put_varint(at, zigzag(event->expected_delta));
        at = put_varint(at, zigzag(event->expected));
    }
    if ((also & ALSO_MENTIONS) != 0) {
        CHECK(event->mention_count <= MENTIONS_MAX && event->mention_count <= event->mention_total);
        at = put_varint(at, event->mention_total);
        at = put_varint(at, event->mention_count);
        for (uint32_t i = 0; i < event->mention_count; i++)
            at = put_text(at, event->mentions[i]);
    }
    return at;
}

static uint8_t *put_refusal(uint8_t *at, const struct event *event)
{
    *at++ =
        (uint8_t)((text_present(event->subject) ? REFUSAL_SUBJECT : 0) |
                  (text_present(event->field) ? REFUSAL_FIELD : 0) | (event->consumed != 0 ? REFUSAL_CONSUMED : 0) |
                  (event->released != 0 ? REFUSAL_RELEASED : 0) | (event->shortage_count != 0 ? REFUSAL_SHORTAGES : 0));
    at = put_varint(at, (uint64_t)event->code);
    if (text_present(event->subject))
        at = put_text(at, event->subject);
    if (text_present(event->field))
        at = put_text(at, event->field);
    if (event->consumed != 0)
        at = put_varint(at, zigzag(event->consumed));
    if (event->released != 0)
        at = put_varint(at, zigzag(event->released));
    if (event->shortage_count != 0)
        at = put_varint(at, event->shortage_count);
    for (uint32_t i = 0; i < event->shortage_count; i++) {
        const struct shortage *shortage = &event->shortages[i];
        at = put_varint(at, shortage->item);
        at = put_varint(at, shortage->location);
        *at++ = shortage->scale;
        at = put_varint(at, zigzag(shortage->asked));
        at = put_varint(at, zigzag(shortage->free));
    }
    return at;
}

static inline bool event_refuses(const struct event *event)
{
    return event->code != CODE_none || text_present(event->subject) || text_present(event->field) ||
           event->consumed != 0 || event->released != 0 || event->shortage_count != 0;
}

static inline size_t event_bytes_bound(const struct event *event)
{
    return EVENT_BYTES_BOUND + (size_t)event->hold.length + event->holder.length + event->channel.length +
           event->subject.length + event->field.length + (size_t)event->shortage_count * SHORTAGE_BYTES_MAX +
           event->config.length + event->transfer.length + event->expectation.length +
           (size_t)event->mention_count * (NAME_BYTES_MAX + 2);
}

static uint8_t *put_event(uint8_t *at, const struct event *event, int64_t recorded_at_us, struct claim_names *names)
{
    CHECK(event->previous_seq < event->seq);
    unsigned delta_bits = figures_bits(&event->delta);
    unsigned figure_bits = figures_bits(&event->figures);
    unsigned present = 0;
    unsigned also = event_also(event);
    uint8_t *head = at;
    *head = (uint8_t)((unsigned)event->type | (also != 0 ? TYPE_EXTENDED : 0u));
    at += 3;
    if (also != 0) {
        put_u16(at, (uint16_t)also);
        at += 2;
    }
    if (event->item != NUMBER_NONE) {
        present |= WITH_ITEM;
        at = put_varint(at, event->item);
    }
    if (event->location != NUMBER_NONE) {
        present |= WITH_LOCATION;
        at = put_varint(at, event->location);
    }
    if (event->scale != 0) {
        present |= WITH_SCALE;
        *at++ = event->scale;
    }
    if (event->quantity != 0) {
        present |= WITH_QUANTITY;
        at = put_varint(at, zigzag(event->quantity));
    }
    if (event->condition != CONDITION_NONE) {
        present |= WITH_CONDITION;
        *at++ = (uint8_t)event->condition;
    }
    if (event->to_condition != CONDITION_NONE) {
        present |= WITH_TO_CONDITION;
        *at++ = (uint8_t)event->to_condition;
    }
    if (event->account != ACCOUNT_NONE) {
        present |= WITH_ACCOUNT;
        *at++ = (uint8_t)event->account;
    }
    if (event->account_units != 0) {
        present |= WITH_ACCOUNT_UNITS;
        at = put_varint(at, zigzag(event->account_units));
    }
    if (event->other_location != NUMBER_NONE) {
        present |= WITH_OTHER_LOCATION;
        at = put_varint(at, event->other_location);
    }
    if (delta_bits != 0) {
        present |= WITH_DELTA;
        at = put_figures(at, &event->delta, delta_bits);
    }
    if (figure_bits != 0) {
        present |= WITH_FIGURES;
        at = put_figures(at, &event->figures, figure_bits);
    }
    if (event->version != 0) {
        present |= WITH_VERSION;
        at = put_varint(at, event->version);
    }
    if (event->previous_seq != 0) {
        present |= WITH_PREVIOUS;
        at = put_varint(at, event->seq - event->previous_seq);
    }
    if (event->claim != 0) {
        present |= WITH_CLAIM;
        at = put_claim(at, event, recorded_at_us, names);
    }
    if (event_refuses(event)) {
        present |= WITH_REFUSAL;
        at = put_refusal(at, event);
    }
    if (event->discrepancy != DISCREPANCY_NONE) {
        present |= WITH_DISCREPANCY;
        *at++ = (uint8_t)event->discrepancy;
    }
    put_u16(head + 1, (uint16_t)present);
    return also == 0 ? at : put_also(at, event, also, names);
}

static uint8_t *put_context(uint8_t *at, const struct decision *decision)
{
    unsigned present = (decision->clock_skew ? HAS_CLOCK_SKEW : 0u) | (decision->forced ? HAS_FORCED : 0u) |
                       (decision->strict ? HAS_STRICT : 0u);
    at = put_varint(at, decision->event_count);
    at = put_varint(at, decision->first_seq);
    uint8_t *head = at;
    *head = (uint8_t)decision->kind;
    put_u64(head + 3, (uint64_t)decision->recorded_at_us);
    at += 11;
    if (decision->has_seq) {
        present |= HAS_SEQ;
        at = put_varint(at, decision->source_seq);
    }
    if (decision->source != NUMBER_NONE) {
        present |= HAS_SOURCE;
        at = put_varint(at, decision->source);
    }
    if (text_present(decision->id)) {
        present |= HAS_ID;
        at = put_text(at, decision->id);
    }
    if (decision->fingerprint != 0) {
        present |= HAS_FINGERPRINT;
        put_u64(at, decision->fingerprint);
        at += 8;
    }
    if (decision->occurred_at_us != decision->recorded_at_us) {
        present |= HAS_OCCURRED;
        at = put_varint(at, zigzag(wrapping_difference(decision->occurred_at_us, decision->recorded_at_us)));
    }
    if (text_present(decision->actor)) {
        present |= HAS_ACTOR;
        at = put_text(at, decision->actor);
    }
    if (text_present(decision->reason)) {
        present |= HAS_REASON;
        at = put_text(at, decision->reason);
    }
    if (text_present(decision->document)) {
        present |= HAS_DOCUMENT;
        at = put_text(at, decision->document);
    }
    if (text_present(decision->document_line)) {
        present |= HAS_DOCUMENT_LINE;
        at = put_text(at, decision->document_line);
    }
    if (text_present(decision->channel)) {
        present |= HAS_CHANNEL;
        at = put_text(at, decision->channel);
    }
    if (text_present(decision->meta)) {
        present |= HAS_META;
        at = put_text(at, decision->meta);
    }
    if (decision->id_window_ms != 0 || decision->id_capacity != 0) {
        present |= HAS_SETTINGS;
        at = put_varint(at, zigzag(decision->id_window_ms));
        at = put_varint(at, decision->id_capacity);
    }
    put_u16(head + 1, (uint16_t)present);
    return at;
}

static void write_name_record(struct writer *w, const struct new_name *name)
{
    CHECK(name->name.length >= 1 && name->name.length <= NAME_BYTES_MAX);
    uint8_t *start = w->at;
    write_u32(w, 0);
    write_u8(w, RECORD_NAME);
    write_u8(w, (uint8_t)name->space);
    write_varint(w, name->number);
    write_text(w, name->name);
    if (!w->full)
        put_u32(start, (uint32_t)(w->at - start));
}

void record_write_decision(struct writer *w, const struct decision *decision)
{
    CHECK(decision->event_count >= 1 && decision->event_count <= DECISION_EVENTS_MAX);
    CHECK(decision->name_count <= DECISION_NAMES_MAX);
    CHECK(decision->first_seq >= 1);
    for (uint32_t i = 0; i < decision->name_count; i++)
        write_name_record(w, &decision->names[i]);

    size_t context_bytes = CONTEXT_BYTES_BOUND + (size_t)decision->id.length + decision->actor.length +
                           decision->reason.length + decision->document.length + decision->document_line.length +
                           decision->channel.length + decision->meta.length;
    CHECK(context_bytes <= CONTEXT_BYTES_BOUND + 7 * TEXT_BYTES_MAX);
    if (w->full || !writer_room(w, context_bytes))
        return;
    uint8_t *start = w->at;
    start[4] = RECORD_DECISION;
    uint8_t *at = put_context(start + RECORD_HEAD_BYTES, decision);
    struct claim_names names = {0};
    for (uint32_t i = 0; i < decision->event_count; i++) {
        const struct event *event = &decision->events[i];
        CHECK(event->seq == decision->first_seq + i);
        if (UNLIKELY((size_t)(w->end - at) < event_bytes_bound(event))) {
            w->full = true;
            return;
        }
        at = put_event(at, event, decision->recorded_at_us, &names);
    }
    put_u32(start, (uint32_t)(at - start));
    w->at = at;
}

void record_write_genesis(struct writer *w, const struct genesis *genesis)
{
    write_u32(w, RECORD_HEAD_BYTES + 32);
    write_u8(w, RECORD_GENESIS);
    write_bytes(w, genesis->ledger_id, 16);
    write_u64(w, genesis->key[0]);
    write_u64(w, genesis->key[1]);
}

void record_write_tick(struct writer *w, int64_t now_us)
{
    write_u32(w, RECORD_HEAD_BYTES + 8);
    write_u8(w, RECORD_TICK);
    write_u64(w, (uint64_t)now_us);
}

void record_write_seal(struct writer *w)
{
    write_u32(w, RECORD_HEAD_BYTES);
    write_u8(w, RECORD_SEAL);
}

/* ---- decoding ---- */

/*
 * What a decoder carries along. `unknown` is a value that a newer version may have defined: the whole record is then
 * STATUS_VERSION, unless its bytes are bad as well.
 */
struct decoder {
    struct reader r;
    bool unknown;
};

static inline void refuse(struct decoder *d, bool bad)
{
    if (UNLIKELY(bad))
        d->r.bad = true;
}

/* One-byte integers are nearly all there are: they need no loop. */
static inline uint64_t take_varint(struct decoder *d)
{
    if (LIKELY(!d->r.bad && d->r.at < d->r.end && *d->r.at < 0x80))
        return *d->r.at++;
    return read_varint(&d->r);
}

static inline uint32_t take_number(struct decoder *d)
{
    uint64_t v = take_varint(d);
    refuse(d, v >= NUMBER_NONE);
    return (uint32_t)v;
}

/* A number in a field that is written only when it is not 0. */
static inline uint64_t take_nonzero(struct decoder *d)
{
    uint64_t v = take_varint(d);
    refuse(d, v == 0);
    return v;
}

static inline int64_t take_units(struct decoder *d)
{
    return unzigzag(take_nonzero(d));
}

/* An enum value below count; the default value may not be written. */
static inline unsigned take_enum(struct decoder *d, unsigned count)
{
    unsigned v = read_u8(&d->r);
    if (UNLIKELY(v >= count)) {
        d->unknown = true;
        return 0;
    }
    return v;
}

static struct moment take_moment(struct decoder *d)
{
    struct moment moment = {(enum moment_form)take_enum(d, MOMENT_DAY + 1), 0};
    moment.us = unzigzag(take_varint(d));
    refuse(d, moment.form == MOMENT_ABSENT && moment.us != 0);
    return moment;
}

static void take_figures(struct decoder *d, struct figures *out_figures)
{
    unsigned bits = read_u16(&d->r);
    refuse(d, bits == 0);
    if (bits >> FIGURE_COUNT != 0) {
        d->unknown = true;
        return;
    }
    for (unsigned rest = bits; rest != 0; rest &= rest - 1)
        out_figures->units[__builtin_ctz(rest)] = take_units(d);
}

static struct text take_claim_name(struct decoder *d, unsigned form, struct text before)
{
    switch (form) {
    case NAME_ABSENT:
        return TEXT_NONE;
    case NAME_GIVEN: {
        struct text name = read_text(&d->r, TEXT_BYTES_MAX);
        refuse(d, text_present(before) && text_equal(name, before));
        return name;
    }
    case NAME_SAME:
        refuse(d, !text_present(before));
        return before;
    default:
        d->unknown = true;
        return TEXT_NONE;
    }
}

static void take_claim(struct decoder *d, int64_t recorded_at_us, struct claim_names *names, struct event *event)
{
    unsigned flags = read_u8(&d->r);
    event->claim_state = (enum claim_state)take_enum(d, CLAIM_STATE_WAITING + 1);
    uint64_t back = take_varint(d);
    refuse(d, back >= event->seq);
    event->claim = event->seq - back;
    event->hold = take_claim_name(d, flags >> CLAIM_HOLD_SHIFT & 3, names->hold);
    event->holder = take_claim_name(d, flags >> CLAIM_HOLDER_SHIFT & 3, names->holder);
    event->channel = take_claim_name(d, flags >> CLAIM_CHANNEL_SHIFT & 3, names->channel);
    if ((flags & CLAIM_EXPIRES) != 0) {
        event->expires_at_us = wrapping_sum(recorded_at_us, unzigzag(take_varint(d)));
        refuse(d, event->expires_at_us == TIME_NONE);
    }
    unsigned more = 0;
    if ((flags & CLAIM_EXTENDED) != 0) {
        more = read_u8(&d->r);
        refuse(d, more == 0);
        d->unknown |= (more & CLAIM_MORE_UNKNOWN) != 0;
        event->claim_paid = (more & CLAIM_PAID) != 0;
        event->claim_partial = (more & CLAIM_PARTIAL) != 0;
        if ((more & CLAIM_PRIORITY) != 0) {
            uint64_t priority = take_nonzero(d);
            refuse(d, priority > UINT32_MAX);
            event->claim_priority = (uint32_t)priority;
        }
        if ((more & CLAIM_AT) != 0) {
            event->claim_at = take_moment(d);
            refuse(d, event->claim_at.form == MOMENT_ABSENT && !d->unknown);
        }
    }
    unsigned bits = read_u8(&d->r);
    if ((more & CLAIM_WIDE) != 0) {
        unsigned high = read_u8(&d->r);
        refuse(d, high == 0);
        bits |= high << 8;
    }
    d->unknown |= bits >> CLAIM_FIGURE_COUNT != 0;
    for (unsigned rest = d->unknown ? 0 : bits; rest != 0; rest &= rest - 1)
        event->claim_units[__builtin_ctz(rest)] = take_units(d);
    names->any = true;
    names->hold = event->hold;
    names->holder = event->holder;
    names->channel = event->channel;
}

static struct text take_document(struct decoder *d, struct text *before)
{
    unsigned form = read_u8(&d->r);
    refuse(d, form == NAME_ABSENT);
    struct text name = take_claim_name(d, form, *before);
    *before = name;
    return name;
}

static uint64_t take_back(struct decoder *d, uint64_t seq)
{
    uint64_t back = take_varint(d);
    refuse(d, back >= seq);
    return seq - back;
}

static void take_mentions(struct decoder *d, struct decision *decision, struct event *event)
{
    uint64_t total = take_nonzero(d);
    uint64_t count = take_varint(d);
    refuse(d, total > UINT32_MAX || count > total || count > MENTIONS_MAX);
    /* One refusal has them; a second one in the same decision would need room of its own. */
    refuse(d, decision->mention_total != 0);
    if (d->r.bad)
        return;
    event->mention_total = decision->mention_total = (uint32_t)total;
    event->mention_count = decision->mention_count = (uint32_t)count;
    event->mentions = decision->mentions;
    for (uint32_t i = 0; i < count; i++)
        decision->mentions[i] = read_text(&d->r, NAME_BYTES_MAX);
}

static void take_also(struct decoder *d, struct decision *decision, unsigned also, struct claim_names *names,
                      struct event *event)
{
    d->unknown |= (also & ALSO_UNKNOWN) != 0;
    event->low = (also & ALSO_LOW) != 0;
    if ((also & ALSO_QUOTA) != 0) {
        event->channel_number = take_number(d);
        event->quota_delta = unzigzag(take_varint(d));
        event->quota = unzigzag(take_varint(d));
    }
    if ((also & ALSO_CONFIG) != 0) {
        unsigned space = read_u8(&d->r);
        event->config_deleted = (space & CONFIG_DELETED) != 0;
        d->unknown |= (space & ~CONFIG_DELETED) >= NAME_SPACE_COUNT;
        event->config_space = d->unknown ? NAME_SPACE_COUNT : (enum name_space)(space & ~CONFIG_DELETED);
        event->config_number = take_number(d);
        event->config = read_text(&d->r, CONFIG_BYTES_MAX);
    }
    if ((also & ALSO_TRANSFER) != 0) {
        event->transfer_number = take_back(d, event->seq);
        event->transfer = take_document(d, &names->transfer);
        event->transit_delta = unzigzag(take_varint(d));
        event->transit = unzigzag(take_varint(d));
        event->eta = take_moment(d);
    }
    if ((also & ALSO_EXPECTATION) != 0) {
        event->expectation_number = take_back(d, event->seq);
        event->expectation = take_document(d, &names->expectation);
        event->direction = (enum direction)take_enum(d, DIRECTION_OUT + 1);
        event->due = take_moment(d);
        event->expected_delta = unzigzag(take_varint(d));
        event->expected = unzigzag(take_varint(d));
    }
    if ((also & ALSO_MENTIONS) != 0)
        take_mentions(d, decision, event);
}

static void take_refusal(struct decoder *d, struct decision *decision, struct event *event)
{
    unsigned flags = read_u8(&d->r);
    d->unknown |= (flags & REFUSAL_UNKNOWN) != 0;
    uint64_t code = take_varint(d);
    if (code >= CODE_COUNT)
        d->unknown = true;
    else
        event->code = (enum code)code;
    refuse(d, code == CODE_none && flags == 0);
    if ((flags & REFUSAL_SUBJECT) != 0)
        event->subject = read_text(&d->r, TEXT_BYTES_MAX);
    if ((flags & REFUSAL_FIELD) != 0)
        event->field = read_text(&d->r, TEXT_BYTES_MAX);
    if ((flags & REFUSAL_CONSUMED) != 0)
        event->consumed = take_units(d);
    if ((flags & REFUSAL_RELEASED) != 0)
        event->released = take_units(d);
    if ((flags & REFUSAL_SHORTAGES) == 0)
        return;
    uint64_t count = take_nonzero(d);
    if (count > COMMAND_LINES_MAX - decision->shortage_count || d->r.bad) {
        d->r.bad = true;
        return;
    }
    event->shortages = decision->shortages + decision->shortage_count;
    event->shortage_count = (uint32_t)count;
    for (uint32_t i = 0; i < count && !d->r.bad; i++) {
        struct shortage *shortage = &decision->shortages[decision->shortage_count++];
        uint64_t item = take_varint(d);
        uint64_t location = take_varint(d);
        refuse(d, item > UINT32_MAX || location > UINT32_MAX);
        shortage->item = (uint32_t)item;
        shortage->location = (uint32_t)location;
        shortage->scale = read_u8(&d->r);
        shortage->asked = unzigzag(take_varint(d));
        shortage->free = unzigzag(take_varint(d));
        refuse(d, shortage->scale > DECIMAL_PLACES_MAX);
    }
}

static void take_event(struct decoder *d, struct decision *decision, struct claim_names *names, struct event *event)
{
    unsigned type = read_u8(&d->r);
    unsigned also = 0;
    d->unknown |= (type & ~TYPE_EXTENDED) >= EVENT_COUNT;
    event->type = d->unknown ? EVENT_RECEIVE : (enum event_type)(type & ~TYPE_EXTENDED);
    unsigned present = read_u16(&d->r);
    if ((type & TYPE_EXTENDED) != 0) {
        also = read_u16(&d->r);
        refuse(d, also == 0);
    }
    refuse(d, (present & (WITH_ITEM | WITH_LOCATION)) == WITH_LOCATION);
    if ((present & WITH_ITEM) != 0)
        event->item = take_number(d);
    if ((present & WITH_LOCATION) != 0)
        event->location = take_number(d);
    if ((present & WITH_SCALE) != 0) {
        event->scale = read_u8(&d->r);
        refuse(d, event->scale == 0 || event->scale > DECIMAL_PLACES_MAX);
    }
    if ((present & WITH_QUANTITY) != 0)
        event->quantity = take_units(d);
    if ((present & WITH_CONDITION) != 0)
        event->condition = (enum condition)take_enum(d, CONDITION_COUNT);
    if ((present & WITH_TO_CONDITION) != 0)
        event->to_condition = (enum condition)take_enum(d, CONDITION_COUNT);
    if ((present & WITH_ACCOUNT) != 0)
        event->account = (enum account)take_enum(d, ACCOUNT_COUNT);
    if ((present & WITH_ACCOUNT_UNITS) != 0)
        event->account_units = take_units(d);
    if ((present & WITH_OTHER_LOCATION) != 0)
        event->other_location = take_number(d);
    if ((present & WITH_DELTA) != 0)
        take_figures(d, &event->delta);
    if ((present & WITH_FIGURES) != 0)
        take_figures(d, &event->figures);
    if ((present & WITH_VERSION) != 0)
        event->version = take_nonzero(d);
    if ((present & WITH_PREVIOUS) != 0) {
        uint64_t back = take_nonzero(d);
        refuse(d, back >= event->seq);
        event->previous_seq = event->seq - back;
    }
    if ((present & WITH_CLAIM) != 0)
        take_claim(d, decision->recorded_at_us, names, event);
    if ((present & WITH_REFUSAL) != 0)
        take_refusal(d, decision, event);
    if ((present & WITH_DISCREPANCY) != 0) {
        event->discrepancy = (enum discrepancy)take_enum(d, DISCREPANCY_EXCEEDS_EXPECTATION + 1);
        refuse(d, event->discrepancy == DISCREPANCY_NONE && !d->unknown);
    }
    if (also != 0)
        take_also(d, decision, also, names, event);
}

static void take_context(struct decoder *d, struct decision *decision)
{
    decision_reset(decision);
    uint64_t event_count = take_nonzero(d);
    decision->first_seq = take_nonzero(d);
    refuse(d, event_count > DECISION_EVENTS_MAX || decision->first_seq > (uint64_t)INT64_MAX);
    decision->kind = (enum command_kind)take_enum(d, KIND_COUNT);
    unsigned present = read_u16(&d->r);
    d->unknown |= (present & DECISION_UNKNOWN) != 0;
    decision->recorded_at_us = (int64_t)read_u64(&d->r);
    decision->occurred_at_us = decision->recorded_at_us;
    decision->clock_skew = (present & HAS_CLOCK_SKEW) != 0;
    decision->forced = (present & HAS_FORCED) != 0;
    decision->strict = (present & HAS_STRICT) != 0;
    if ((present & HAS_SEQ) != 0) {
        decision->has_seq = true;
        decision->source_seq = take_varint(d);
    }
    if ((present & HAS_SOURCE) != 0)
        decision->source = take_number(d);
    if ((present & HAS_ID) != 0)
        decision->id = read_text(&d->r, TEXT_BYTES_MAX);
    if ((present & HAS_FINGERPRINT) != 0) {
        decision->fingerprint = read_u64(&d->r);
        refuse(d, decision->fingerprint == 0);
    }
    if ((present & HAS_OCCURRED) != 0)
        decision->occurred_at_us = wrapping_sum(decision->recorded_at_us, take_units(d));
    if ((present & HAS_ACTOR) != 0)
        decision->actor = read_text(&d->r, TEXT_BYTES_MAX);
    if ((present & HAS_REASON) != 0)
        decision->reason = read_text(&d->r, TEXT_BYTES_MAX);
    if ((present & HAS_DOCUMENT) != 0)
        decision->document = read_text(&d->r, TEXT_BYTES_MAX);
    if ((present & HAS_DOCUMENT_LINE) != 0)
        decision->document_line = read_text(&d->r, TEXT_BYTES_MAX);
    if ((present & HAS_CHANNEL) != 0)
        decision->channel = read_text(&d->r, TEXT_BYTES_MAX);
    if ((present & HAS_META) != 0)
        decision->meta = read_text(&d->r, TEXT_BYTES_MAX);
    if ((present & HAS_SETTINGS) != 0) {
        decision->id_window_ms = unzigzag(take_varint(d));
        uint64_t capacity = take_varint(d);
        refuse(d, capacity > UINT32_MAX || (capacity == 0 && decision->id_window_ms == 0));
        decision->id_capacity = (uint32_t)capacity;
    }
    if (!d->r.bad)
        decision->event_count = (uint32_t)event_count;
}

static void take_decision(struct decoder *d, struct decision *decision)
{
    take_context(d, decision);
    struct claim_names names = {0};
    for (uint32_t i = 0; i < decision->event_count && !d->r.bad && !d->unknown; i++) {
        struct event *event = &decision->events[i];
        event_reset(event, decision->first_seq + i);
        take_event(d, decision, &names, event);
    }
}

enum status record_decode(const uint8_t *bytes, size_t n, struct decision *decision, struct record *out_record)
{
    if (n < RECORD_HEAD_BYTES)
        return STATUS_DAMAGED;
    uint32_t length = get_u32(bytes);
    if (length < RECORD_HEAD_BYTES || length > n || length > RECORD_BYTES_MAX)
        return STATUS_DAMAGED;
    struct decoder d = {reader_of(bytes + RECORD_HEAD_BYTES, length - RECORD_HEAD_BYTES), false};
    struct record record = {.bytes = length};
    switch (bytes[4]) {
    case RECORD_GENESIS:
        record.type = RECORD_GENESIS;
        for (unsigned i = 0; i < 16; i++)
            record.genesis.ledger_id[i] = read_u8(&d.r);
        record.genesis.key[0] = read_u64(&d.r);
        record.genesis.key[1] = read_u64(&d.r);
        break;
    case RECORD_NAME:
        record.type = RECORD_NAME;
        record.name.space = (enum name_space)take_enum(&d, NAME_SPACE_COUNT);
        record.name.number = take_number(&d);
        record.name.name = read_text(&d.r, NAME_BYTES_MAX);
        refuse(&d, record.name.name.length == 0);
        break;
    case RECORD_DECISION:
        record.type = RECORD_DECISION;
        record.decision = decision;
        take_decision(&d, decision);
        break;
    case RECORD_TICK:
        record.type = RECORD_TICK;
        record.tick_us = (int64_t)read_u64(&d.r);
        break;
    case RECORD_SEAL:
        record.type = RECORD_SEAL;
        break;
    default:
        /* RECORD_SKIP is reserved: what a version that writes it means is not known here. */
        return bytes[4] == 0 ? STATUS_DAMAGED : STATUS_VERSION;
    }
    if (d.r.bad)
        return STATUS_DAMAGED;
    if (d.unknown)
        return STATUS_VERSION;
    if (reader_left(&d.r) != 0)
        return STATUS_DAMAGED;
    *out_record = record;
    return STATUS_OK;
}
