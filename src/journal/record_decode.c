/*
 * Reading records, in the form that record_bits.h describes: what is read is checked.
 *
 * One decision has one encoding: the decoder refuses a bit whose value is the one that its absence means, integers in
 * a longer form than needed, and bytes left over. So a record can be compared and hashed as bytes.
 */
#include "journal/record.h"

#include "journal/record_bits.h"

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

/* Times are stored as differences that wrap, so that every pair of values has one. */
static inline int64_t wrapping_sum(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static inline int64_t wrapping_difference(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
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
    if (bits >> FIGURES_BY_BITS != 0) {
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

static void take_count(struct decoder *d, const struct decision *decision, struct event *event)
{
    event->count_seq = take_back(d, event->seq);
    unsigned flags = read_u8(&d->r);
    d->unknown |= (flags & ~COUNT_PICKED) != 0;
    event->count_picked = (flags & COUNT_PICKED) != 0;
    event->count_to_us = wrapping_difference(decision->recorded_at_us, unzigzag(take_varint(d)));
    event->count_from_us = wrapping_difference(event->count_to_us, (int64_t)take_varint(d));
    event->variance = unzigzag(take_varint(d));
    event->uncertain = (int64_t)take_varint(d);
    refuse(d, event->count_from_us > event->count_to_us || event->uncertain < 0);
}

static void take_stated(struct decoder *d, struct event *event)
{
    event->stated_by = take_number(d);
    event->books = unzigzag(take_varint(d));
    unsigned policy = read_u8(&d->r);
    bool in_set = (policy & STATED_IN_SET) != 0;
    event->net = (policy & STATED_NET) != 0;
    event->shelf = (policy & STATED_SHELF) != 0;
    event->set_closed = (policy & STATED_CLOSES) != 0;
    policy &= ~(unsigned)STATED_FLAGS;
    d->unknown |= policy >= SNAPSHOT_POLICY_COUNT;
    event->policy = d->unknown ? SNAPSHOT_REBASE : (enum snapshot_policy)policy;
    event->seen_position = take_varint(d);
    event->set_name = in_set ? read_u64(&d->r) : 0;
    refuse(d, (in_set && event->set_name == 0) || (event->set_closed && !in_set));
}

static void take_reported(struct decoder *d, struct event *event)
{
    event->stated_by = take_number(d);
    unsigned flags = read_u8(&d->r);
    d->unknown |= (flags & REPORTED_UNKNOWN) != 0;
    event->measure = (flags & REPORTED_AVAILABLE) != 0 ? MEASURE_AVAILABLE : MEASURE_ON_HAND;
    event->late = (flags & REPORTED_LATE) != 0;
    if ((flags & REPORTED_CONFIRMS) == 0) {
        event->books = unzigzag(take_varint(d));
        return;
    }
    uint64_t back = take_nonzero(d);
    refuse(d, back >= event->seq);
    event->confirmed_seq = event->seq - back;
    event->books = event->quantity;
}

static void take_review(struct decoder *d, struct event *event)
{
    event->review = take_back(d, event->seq);
    unsigned brake = read_u8(&d->r);
    unsigned flags = read_u8(&d->r);
    d->unknown |= brake >= BRAKE_COUNT || (flags & REVIEW_UNKNOWN) != 0;
    event->brake = brake < BRAKE_COUNT ? (enum brake)brake : BRAKE_TOO_LATE;
    event->accepted = (flags & REVIEW_ACCEPTED) != 0;
    if ((flags & REVIEW_COMMAND) != 0)
        event->held = read_text(&d->r, COMMAND_BYTES_MAX);
}

/* Not before an event of a cell occurred, and not after it was recorded. */
static void take_booked(struct decoder *d, const struct decision *decision, struct event *event)
{
    bool closes = event->type == EVENT_CLOSE_PERIOD;
    event->booked_us = wrapping_difference(decision->recorded_at_us, (int64_t)take_varint(d));
    refuse(d, event->booked_us > decision->recorded_at_us || event->booked_us == 0);
    refuse(d, closes == (event->location != NUMBER_NONE));
    refuse(d, !closes && event->booked_us <= event_occurred_us(decision, event));
}

/* Each level goes back further than the one below it, and to nothing from the first version that has it. */
static NEVER_INLINE void take_skips(struct decoder *d, const struct decision *decision, struct event *event)
{
    refuse(d, event->version == 0 || event->version % SKIP_STEP != 0);
    unsigned levels = skip_levels(event->version);
    uint64_t back_before = event->seq - event->previous_seq;
    int64_t oldest_before = event_occurred_us(decision, event);
    for (unsigned i = 0; i < levels && !d->r.bad; i++) {
        uint64_t back = take_varint(d);
        int64_t oldest_us = wrapping_difference(decision->recorded_at_us, unzigzag(take_varint(d)));
        bool first = event->version == UINT64_C(1) << (i + 1) * SKIP_STEP_BITS;
        refuse(d, first ? back != 0 : back <= back_before || back >= event->seq);
        refuse(d, oldest_us > oldest_before);
        back_before = back;
        oldest_before = oldest_us;
        event->skips[i] = (struct skip){back == 0 ? 0 : event->seq - back, oldest_us};
    }
    event->skip_count = (uint8_t)levels;
}

static void take_also(struct decoder *d, struct decision *decision, unsigned also, struct claim_names *names,
                      struct event *event)
{
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
    if ((also & ALSO_IN_BINS) != 0) {
        event->delta.units[FIGURE_IN_BINS] = unzigzag(take_varint(d));
        event->figures.units[FIGURE_IN_BINS] = unzigzag(take_varint(d));
        refuse(d, (event->delta.units[FIGURE_IN_BINS] | event->figures.units[FIGURE_IN_BINS]) == 0);
    }
    if ((also & ALSO_COUNT) != 0)
        take_count(d, decision, event);
    if ((also & ALSO_SILENCE) != 0) {
        event->silent_source = take_number(d);
        event->silent_since_us = wrapping_difference(decision->recorded_at_us, unzigzag(take_varint(d)));
    }
    if ((also & ALSO_REVIEW) != 0)
        take_review(d, event);
    if ((also & ALSO_REVERSE) != 0) {
        event->reversed_seq = take_back(d, event->seq);
        event->of_source = take_document(d, &names->of_source);
        event->of_id = take_document(d, &names->of_id);
    }
    if ((also & ALSO_STATED) != 0)
        take_stated(d, event);
    if ((also & ALSO_REPORTED) != 0)
        take_reported(d, event);
    if ((also & ALSO_ASKED) != 0)
        event->stated_by = take_number(d);
    if ((also & ALSO_BOOKED) != 0)
        take_booked(d, decision, event);
    if ((also & ALSO_SKIPS) != 0)
        take_skips(d, decision, event);
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
    refuse(d, !d->unknown && event_of_silence(event) != ((also & ALSO_SILENCE) != 0));
    refuse(d, !d->unknown && (event->type == EVENT_SNAPSHOT) != ((also & ALSO_STATED) != 0));
    refuse(d, !d->unknown && event->type == EVENT_CLOSE_PERIOD && (also & ALSO_BOOKED) == 0);
    refuse(d, !d->unknown && (event->type == EVENT_COUNT_ASKED) != ((also & ALSO_ASKED) != 0));
    refuse(d, !d->unknown && (event->type == EVENT_REPORTED) != ((also & ALSO_REPORTED) != 0));
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
