/*
 * Writing records, in the form that record_bits.h describes: what is written is small.
 *
 * The encoder first makes sure of room for the longest event and then writes without looking, which makes it about
 * twice as fast. Hence it may call a record too long when fewer than EVENT_BYTES_BOUND bytes would have been left.
 */
#include "journal/record.h"

#include "journal/record_bits.h"

/* Everything of an event but its texts and shortages: 85 integers at most, all counted as long ones, and its bits. */
#define EVENT_BYTES_BOUND  1024
#define SHORTAGE_BYTES_MAX (5 + 5 + 1 + 10 + 10)
/* Everything of a decision but its texts and events. */
#define CONTEXT_BYTES_BOUND 128
#define NAME_RECORD_BYTES_BOUND 16 /* beside its text */
/*
 * What events can really take: quantities have 53 bits (8 bytes). A command changes at most two cells per line, and
 * where those are of bins, their nodes' too: then the claim is the nodes', and a bin has its conditions. Every other
 * event follows one of those, and has little more than the figures again. Of the events of a cell that follow one
 * another one in eight has skips.
 */
#define SKIPS_BYTES_MAX    (SKIP_LEVELS * (8 + 9))
#define EVENT_BYTES_MAX    ((2 * FIGURE_COUNT + CLAIM_FIGURE_COUNT + 9) * 8 + 15 * 5 + 64 + SKIPS_BYTES_MAX)
#define BIN_BYTES_MAX      ((CONDITION_COUNT + FIGURE_COUNT + 9) * 8 + 15 * 5 + 64 + SKIPS_BYTES_MAX)
#define FOLLOWER_BYTES_MAX ((FIGURE_COUNT + 1) * 8 + 8 * 5 + 16)
#define CORRECTION_BYTES_MAX (FOLLOWER_BYTES_MAX + 8 * 8)
#define CHANGES_MAX        (2 * COMMAND_LINES_MAX + 8)
#define BINS_MAX           (2 * COMMAND_LINES_MAX)
_Static_assert(CONTEXT_BYTES_BOUND + 7 * TEXT_BYTES_MAX + CHANGES_MAX * EVENT_BYTES_MAX +
                       BINS_MAX * BIN_BYTES_MAX + CORRECTIONS_MAX * CORRECTION_BYTES_MAX +
                       (DECISION_EVENTS_MAX - CHANGES_MAX - BINS_MAX - CORRECTIONS_MAX) * FOLLOWER_BYTES_MAX +
                       (3 * SERVED_MAX + 8) * NAME_BYTES_MAX + CONFIG_BYTES_MAX +
                       COMMAND_LINES_MAX * SHORTAGE_BYTES_MAX + DECISION_NAMES_MAX * (16 + NAME_BYTES_MAX) +
                       EVENT_BYTES_BOUND <=
                   RECORD_BYTES_MAX,
               "a decision of the largest command has to fit");

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

/* What few events have: those of the types that came last, and those of counts, reviews and closed periods. */
static NEVER_INLINE unsigned also_rarely(const struct event *event)
{
    return (event->count_seq != 0 ? ALSO_COUNT : 0u) | (event->review != 0 ? ALSO_REVIEW : 0u) |
           (event->reversed_seq != 0 ? ALSO_REVERSE : 0u) | (event->booked_us != 0 ? ALSO_BOOKED : 0u) |
           (event->type == EVENT_SNAPSHOT ? ALSO_STATED : 0u) | (event->type == EVENT_COUNT_ASKED ? ALSO_ASKED : 0u) |
           (event->type == EVENT_REPORTED ? ALSO_REPORTED : 0u) |
           (event_of_silence(event) ? ALSO_SILENCE : 0u);
}

static unsigned event_also(const struct event *event)
{
    return (event->channel_number != NUMBER_NONE ? ALSO_QUOTA : 0u) | (event->low ? ALSO_LOW : 0u) |
           (event->config_space != NAME_SPACE_COUNT ? ALSO_CONFIG : 0u) |
           (event->transfer_number != 0 ? ALSO_TRANSFER : 0u) |
           (event->expectation_number != 0 ? ALSO_EXPECTATION : 0u) | (event->mention_total != 0 ? ALSO_MENTIONS : 0u) |
           ((event->delta.units[FIGURE_IN_BINS] | event->figures.units[FIGURE_IN_BINS]) != 0 ? ALSO_IN_BINS : 0u) |
           (event->skip_count != 0 ? ALSO_SKIPS : 0u) |
           (UNLIKELY((event->count_seq | event->review | event->reversed_seq | (uint64_t)event->booked_us) != 0 || event->type >= EVENT_SILENT)
                ? also_rarely(event)
                : 0u);
}

static uint8_t *put_count(uint8_t *at, const struct event *event, int64_t recorded_at_us)
{
    CHECK(event->count_seq <= event->seq && event->count_from_us <= event->count_to_us && event->uncertain >= 0);
    at = put_varint(at, event->seq - event->count_seq);
    *at++ = (uint8_t)(event->count_picked ? COUNT_PICKED : 0u);
    at = put_varint(at, zigzag(wrapping_difference(recorded_at_us, event->count_to_us)));
    at = put_varint(at, (uint64_t)wrapping_difference(event->count_to_us, event->count_from_us));
    at = put_varint(at, zigzag(event->variance));
    return put_varint(at, (uint64_t)event->uncertain);
}

static uint8_t *put_stated(uint8_t *at, const struct event *event)
{
    at = put_varint(at, event->stated_by);
    at = put_varint(at, zigzag(event->books));
    *at++ = (uint8_t)((unsigned)event->policy | (event->net ? STATED_NET : 0u) | (event->shelf ? STATED_SHELF : 0u) |
                      (event->set_name != 0 ? STATED_IN_SET : 0u) | (event->set_closed ? STATED_CLOSES : 0u));
    at = put_varint(at, event->seen_position);
    if (event->set_name == 0)
        return at;
    put_u64(at, event->set_name);
    return at + 8;
}

static uint8_t *put_reported(uint8_t *at, const struct event *event)
{
    bool confirms = event->confirmed_seq != 0;
    CHECK(event->confirmed_seq < event->seq && (!confirms || event->books == event->quantity));
    at = put_varint(at, event->stated_by);
    *at++ = (uint8_t)((event->measure == MEASURE_AVAILABLE ? REPORTED_AVAILABLE : 0u) |
                      (event->late ? REPORTED_LATE : 0u) | (confirms ? REPORTED_CONFIRMS : 0u));
    return put_varint(at, confirms ? event->seq - event->confirmed_seq : zigzag(event->books));
}

static uint8_t *put_review(uint8_t *at, const struct event *event)
{
    CHECK(event->review <= event->seq);
    at = put_varint(at, event->seq - event->review);
    *at++ = (uint8_t)event->brake;
    *at++ = (uint8_t)((event->accepted ? REVIEW_ACCEPTED : 0u) | (text_present(event->held) ? REVIEW_COMMAND : 0u));
    return text_present(event->held) ? put_text(at, event->held) : at;
}

static NEVER_INLINE uint8_t *put_skips(uint8_t *at, const struct event *event, int64_t recorded_at_us)
{
    CHECK(event->version != 0 && event->skip_count == skip_levels(event->version));
    for (unsigned i = 0; i < event->skip_count; i++) {
        const struct skip *skip = &event->skips[i];
        CHECK(skip->seq < event->seq);
        at = put_varint(at, skip->seq == 0 ? 0 : event->seq - skip->seq);
        at = put_varint(at, zigzag(wrapping_difference(recorded_at_us, skip->oldest_us)));
    }
    return at;
}

static uint8_t *put_also(uint8_t *at, const struct event *event, int64_t recorded_at_us, unsigned also,
                         struct claim_names *names)
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
    if ((also & ALSO_IN_BINS) != 0) {
        at = put_varint(at, zigzag(event->delta.units[FIGURE_IN_BINS]));
        at = put_varint(at, zigzag(event->figures.units[FIGURE_IN_BINS]));
    }
    if ((also & ALSO_COUNT) != 0)
        at = put_count(at, event, recorded_at_us);
    if ((also & ALSO_SILENCE) != 0) {
        at = put_varint(at, event->silent_source);
        at = put_varint(at, zigzag(wrapping_difference(recorded_at_us, event->silent_since_us)));
    }
    if ((also & ALSO_REVIEW) != 0)
        at = put_review(at, event);
    if ((also & ALSO_REVERSE) != 0) {
        CHECK(event->reversed_seq <= event->seq);
        at = put_varint(at, event->seq - event->reversed_seq);
        at = put_document(at, event->of_source, &names->of_source);
        at = put_document(at, event->of_id, &names->of_id);
    }
    if ((also & ALSO_STATED) != 0)
        at = put_stated(at, event);
    if ((also & ALSO_REPORTED) != 0)
        at = put_reported(at, event);
    if ((also & ALSO_ASKED) != 0)
        at = put_varint(at, event->stated_by);
    if ((also & ALSO_BOOKED) != 0) {
        CHECK(event->booked_us <= recorded_at_us);
        at = put_varint(at, (uint64_t)wrapping_difference(recorded_at_us, event->booked_us));
    }
    if ((also & ALSO_SKIPS) != 0)
        at = put_skips(at, event, recorded_at_us);
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
           event->config.length + event->held.length + event->of_source.length + event->of_id.length +
           event->transfer.length + event->expectation.length +
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
    return also == 0 ? at : put_also(at, event, recorded_at_us, also, names);
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

static size_t context_bytes_bound(const struct decision *decision)
{
    return CONTEXT_BYTES_BOUND + (size_t)decision->id.length + decision->actor.length + decision->reason.length +
           decision->document.length + decision->document_line.length + decision->channel.length +
           decision->meta.length;
}

size_t record_bytes_bound(const struct decision *decision)
{
    size_t bytes = context_bytes_bound(decision);
    for (uint32_t i = 0; i < decision->name_count; i++)
        bytes += NAME_RECORD_BYTES_BOUND + (size_t)decision->names[i].name.length;
    for (uint32_t i = 0; i < decision->event_count; i++)
        bytes += event_bytes_bound(&decision->events[i]);
    return bytes;
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

    size_t context_bytes = context_bytes_bound(decision);
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
