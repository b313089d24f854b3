#include "journal/replay.h"

#include "base/region.h"

/* A group ends when its decisions have more of these together, so that they stay in the nearer caches. */
#define AHEAD_EVENTS    32
#define AHEAD_NAMES     32
#define AHEAD_SHORTAGES 32

#define EVENTS_MAX    (AHEAD_EVENTS + DECISION_EVENTS_MAX)
#define NAMES_MAX     (AHEAD_NAMES + DECISION_NAMES_MAX)
#define SHORTAGES_MAX (AHEAD_SHORTAGES + COMMAND_LINES_MAX)
#define MEMORY_BYTES                                                                                                   \
    (EVENTS_MAX * sizeof(struct event) + NAMES_MAX * sizeof(struct new_name) + SHORTAGES_MAX * sizeof(struct shortage) +  \
     (size_t)3 * 64)

enum status replay_init(struct replay *replay, const struct env *env, const struct journal_replay *to)
{
    struct region region = {env->memory_reserve(env->context, MEMORY_BYTES), MEMORY_BYTES, 0};
    if (region.base == NULL)
        return STATUS_MEMORY;
    *replay = (struct replay){
        .to = to, .until_us = INT64_MAX, .until_seq = UINT64_MAX, .frame_seq = UINT64_MAX, .env = env, .memory = region.base};
    replay->events = region_take(&region, EVENTS_MAX, sizeof(struct event));
    replay->names = region_take(&region, NAMES_MAX, sizeof(struct new_name));
    replay->shortages = region_take(&region, SHORTAGES_MAX, sizeof(struct shortage));
    return STATUS_OK;
}

void replay_deinit(struct replay *replay)
{
    replay->env->memory_release(replay->env->context, replay->memory, MEMORY_BYTES);
}

static void hand_on(struct replay *replay)
{
    const struct journal_replay *to = replay->to;
    if (to != NULL && to->prepare != NULL && replay->group_count != 0)
        to->prepare(to->context, replay->group, replay->group_count);
    if (to != NULL && to->decision != NULL)
        for (uint32_t i = 0; i < replay->group_count; i++)
            to->decision(to->context, &replay->group[i]);
    replay->group_count = replay->events_used = replay->names_used = replay->shortages_used = 0;
}

/* The last one of the group is complete; no name waits. */
static void group_add(struct replay *replay)
{
    const struct decision *decision = &replay->group[replay->group_count++];
    replay->events_used += decision->event_count;
    replay->names_used += decision->name_count;
    replay->shortages_used += decision->shortage_count;
    if (replay->group_count == REPLAY_AHEAD || replay->events_used > AHEAD_EVENTS || replay->names_used > AHEAD_NAMES ||
        replay->shortages_used > AHEAD_SHORTAGES)
        hand_on(replay);
}

/* Is this decision or tick, whose last event is last_seq, behind what is asked for? */
static bool is_behind(const struct replay *replay, int64_t recorded_us, uint64_t last_seq)
{
    return recorded_us > replay->until_us || last_seq > replay->until_seq ||
           (replay->stop != NULL && atomic_load_explicit(replay->stop, memory_order_relaxed));
}

static void take_name(struct replay *replay, const struct new_name *name)
{
    if (replay->name_count == DECISION_NAMES_MAX)
        replay->bad = "too many names for one decision";
    else
        replay->names[replay->names_used + replay->name_count++] = *name;
}

static void take_decision(struct replay *replay, struct decision *decision)
{
    if (decision->first_seq != replay->next_seq) {
        replay->bad = "a decision does not follow the sequence number before it";
        return;
    }
    uint64_t next_seq = replay->next_seq + decision->event_count;
    replay->ended = is_behind(replay, decision->recorded_at_us, next_seq - 1);
    if (replay->ended)
        return;
    replay->next_seq = next_seq;
    replay->log_us = decision->recorded_at_us;
    replay->decision_count++;
    decision->names = replay->names + replay->names_used;
    decision->name_count = replay->name_count;
    replay->name_count = 0;
    group_add(replay);
}

static void take_tick(struct replay *replay, int64_t tick_us)
{
    replay->ended = is_behind(replay, tick_us, replay->next_seq - 1);
    if (replay->ended)
        return;
    replay->log_us = tick_us;
    replay->group[replay->group_count] = (struct decision){.kind = KIND_TICK,
                                                           .source = NUMBER_NONE,
                                                           .recorded_at_us = tick_us,
                                                           .occurred_at_us = tick_us,
                                                           .first_seq = replay->next_seq};
    group_add(replay);
}

static void take_record(struct replay *replay, const struct frame *frame, const struct record *record)
{
    bool first = frame->ordinal == 1 && replay->at == 0;
    if (first != (record->type == RECORD_GENESIS))
        replay->bad = "the genesis record is not the first, or not there";
    else if (replay->name_count > 0 && record->type != RECORD_NAME && record->type != RECORD_DECISION)
        replay->bad = "a name belongs to no decision";
    if (replay->bad != NULL)
        return;
    replay->sealed = record->type == RECORD_SEAL;
    switch (record->type) {
    case RECORD_GENESIS:
        replay->genesis = record->genesis;
        if (memcmp(record->genesis.ledger_id, replay->ledger_id, 16) != 0)
            replay->bad = "the genesis record names another ledger";
        else if (replay->to != NULL && replay->to->genesis != NULL)
            replay->to->genesis(replay->to->context, &record->genesis);
        break;
    case RECORD_NAME:
        take_name(replay, &record->name);
        break;
    case RECORD_DECISION:
        take_decision(replay, record->decision);
        break;
    case RECORD_TICK:
        take_tick(replay, record->tick_us);
        break;
    case RECORD_SEAL:
    case RECORD_SKIP:
        break;
    }
}

static enum status decode_next(struct replay *replay, const uint8_t *bytes, size_t n, struct record *out_record)
{
    struct decision *decision = &replay->group[replay->group_count];
    decision->events = replay->events + replay->events_used;
    decision->shortages = replay->shortages + replay->shortages_used;
    return record_decode(bytes, n, decision, out_record);
}

static enum status take_records(struct replay *replay, const struct frame *frame, const uint8_t *records, size_t at,
                                uint64_t next_seq)
{
    size_t next = at;          /* of the record behind */
    size_t names_at = at;      /* where the names of the next decision begin */
    replay->next_seq = next_seq;
    replay->name_count = 0;
    replay->sealed = false;
    replay->ended = false;
    replay->bad = NULL;
    while (next < frame->record_bytes && replay->bad == NULL && !replay->ended) {
        struct record record;
        replay->at = next;
        enum status status = decode_next(replay, records + next, frame->record_bytes - next, &record);
        if (status != STATUS_OK)
            return status;
        take_record(replay, frame, &record);
        next += record.bytes;
        names_at = replay->name_count > 0 || replay->ended ? names_at : next;
    }
    if (replay->ended) {
        replay->at = names_at; /* the names are read again with their decision */
        replay->name_count = 0;
        return STATUS_OK;
    }
    if (replay->bad == NULL && replay->name_count > 0)
        replay->bad = "a name belongs to no decision";
    if (replay->bad == NULL && replay->next_seq != frame->last_seq + 1)
        replay->bad = "its events are not those its header names";
    return replay->bad == NULL ? STATUS_OK : STATUS_DAMAGED;
}

enum status replay_frame(struct replay *replay, const struct frame *frame, const uint8_t *records, size_t at,
                         uint64_t next_seq)
{
    enum status status = take_records(replay, frame, records, at, next_seq);
    hand_on(replay); /* also what comes before something bad */
    return status;
}
