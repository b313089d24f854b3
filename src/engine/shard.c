#include "engine/shard.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/rebuild.h"
#include "engine/warmer.h"
#include "journal/history.h"
#include "journal/replay.h"
#include "journal/stream.h"
#include "ledger/image.h"

#define KNOWN_CELLS 4096

struct counters {
    atomic_uint_fast64_t accepted[KIND_COUNT], refused[KIND_COUNT];
    atomic_uint_fast64_t replayed, invalid, shed, expired, covered, served, silences, shortened, reads;
};

/* struct ledger_counts, as last published. */
struct gauges {
    atomic_uint_fast32_t items, locations, sources, channels, cells, quotas, offers, claims_live, claims_kept, ids;
};

struct shard {
    struct shard_options options;
    const struct env *env;
    struct journal *journal;
    struct ledger *ledger;
    struct rebuild rebuild; /* of the ledger */
    struct warmer *warmer;  /* while it is opened; NULL for none */
    struct decision decision;  /* with its arrays, reused for every command */
    struct history history;    /* for what commands need to know of the past and is in memory */
    struct decision read_decision;
    struct known {
        uint32_t cell;
        struct cell_bound bounds[2];
    } *known;                  /* of what was read of a cell, at its number modulo KNOWN_CELLS */
    struct prepared {
        const struct request *request;
        bool decoded;
        struct command command;
        struct command_line *lines; /* COMMAND_LINES_MAX of them */
    } prepared[PREPARE_MAX];
    uint32_t prepared_count, prepared_next;
    bool unsettled; /* the settings wait for space on the disk */
    bool blocked;   /* so does what is due */
    struct counters counters;
    struct quality *quality;
    struct gauges gauges;
    atomic_uint_fast64_t channel_changed[CHANNELS_MAX];
    /* Of a copy. */
    struct journal_replay copied_to;
    struct replay copied;
    char copy_problem[512];
};

static void count(atomic_uint_fast64_t *counter)
{
    /* One writer: a load and a store are cheaper than a locked addition. */
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1, memory_order_relaxed);
}

/* ---- opening ---- */

static void replay_genesis(void *context, const struct genesis *genesis)
{
    struct shard *shard = context;
    warmer_stop(shard->warmer); /* of what is given up */
    shard->warmer = NULL;
    (void)rebuild_begin(&shard->rebuild, genesis); /* what follows fails when there is no ledger */
    shard->ledger = shard->rebuild.ledger;
    if (shard->options.warm && shard->ledger != NULL)
        shard->warmer = warmer_start(shard->env, shard->ledger);
}

static enum status replay_image(void *context, const uint8_t *bytes, size_t n)
{
    struct shard *shard = context;
    return rebuild_image(&shard->rebuild, bytes, n);
}

static enum status replay_image_end(void *context, uint64_t state_hash)
{
    struct shard *shard = context;
    enum status status = rebuild_image_end(&shard->rebuild, state_hash);
    uint32_t sources = status == STATUS_OK ? ledger_name_count(shard->ledger, NAME_SOURCE) : 0;
    for (uint32_t s = 0; s < sources; s++)
        quality_restore(shard->quality, shard->ledger, s);
    return status;
}

/* What the sources differ by, after a decision that may have changed it. */
static void follow_drift(struct shard *shard, const struct decision *decision)
{
    uint32_t first = 0;
    uint32_t end = 0;
    if (LIKELY(decision->kind != KIND_SNAPSHOT && decision->kind != KIND_RESOLVE && decision->kind != KIND_DELETE_ITEM &&
               decision->kind != KIND_DELETE_LOCATION))
        return;
    if (decision->kind == KIND_DELETE_ITEM || decision->kind == KIND_DELETE_LOCATION)
        end = quality_count(shard->quality);
    for (uint32_t i = 0; i < decision->event_count && end == 0; i++) {
        if (decision->events[i].type == EVENT_SNAPSHOT) {
            first = decision->events[i].stated_by;
            end = first + 1;
        }
    }
    for (uint32_t s = first; s < end; s++)
        quality_drift(shard->quality, s, ledger_drift(shard->ledger, s));
}

static void replay_prepare(void *context, struct decision *decisions, uint32_t n)
{
    struct shard *shard = context;
    rebuild_prepare(&shard->rebuild, decisions, n);
    if (shard->warmer != NULL)
        warmer_tell(shard->warmer, shard->ledger);
}

static void replay_decision(void *context, const struct decision *decision)
{
    struct shard *shard = context;
    if (!rebuild_apply(&shard->rebuild, decision))
        return;
    quality_follow(shard->quality, decision);
    follow_drift(shard, decision);
}

static void shard_free(struct shard *shard)
{
    free(shard->decision.events);
    free(shard->decision.names);
    free(shard->decision.shortages);
    free(shard->read_decision.events);
    free(shard->read_decision.shortages);
    free(shard->history.bytes);
    free(shard->known);
    for (uint32_t i = 0; i < PREPARE_MAX; i++)
        free(shard->prepared[i].lines);
    quality_destroy(shard->quality);
    if (shard->copied.memory != NULL)
        replay_deinit(&shard->copied);
    rebuild_deinit(&shard->rebuild);
    free(shard);
}

static bool shard_allocate(struct shard *shard)
{
    bool tables = rebuild_init(&shard->rebuild, shard->env, &shard->options.limits) == STATUS_OK;
    shard->decision.events = calloc(DECISION_EVENTS_MAX, sizeof(struct event));
    shard->decision.names = calloc(DECISION_NAMES_MAX, sizeof(struct new_name));
    shard->decision.shortages = calloc(COMMAND_LINES_MAX, sizeof(struct shortage));
    shard->read_decision.events = calloc(DECISION_EVENTS_MAX, sizeof(struct event));
    shard->read_decision.shortages = calloc(COMMAND_LINES_MAX, sizeof(struct shortage));
    shard->history.bytes = malloc(HISTORY_APPENDED_BYTES);
    shard->known = calloc(KNOWN_CELLS, sizeof(struct known)); /* of cell 0: nothing up to event 0 occurred after 1970 */
    shard->quality = quality_create(shard->env);
    bool lines = shard->read_decision.events != NULL && shard->read_decision.shortages != NULL &&
                 shard->history.bytes != NULL && shard->known != NULL;
    for (uint32_t i = 0; i < PREPARE_MAX; i++) {
        shard->prepared[i].lines = calloc(COMMAND_LINES_MAX, sizeof(struct command_line));
        lines = lines && shard->prepared[i].lines != NULL;
    }
    shard->copied_to = (struct journal_replay){.context = shard, .genesis = replay_genesis, .decision = replay_decision,
                                                .prepare = replay_prepare};
    tables = tables && (!shard->options.journal.copy ||
                        replay_init(&shard->copied, shard->env, &shard->copied_to) == STATUS_OK);
    return tables && shard->decision.events != NULL && shard->decision.names != NULL &&
           shard->decision.shortages != NULL && shard->quality != NULL && lines;
}

/* The first stamp after a start may be far ahead of the log, but not without somebody saying so. */
static enum status check_clock(const struct shard *shard, struct journal_report *report)
{
    int64_t log_us = ledger_now_us(shard->ledger);
    int64_t wall_us = shard->env->wall_us(shard->env->context);
    if (log_us == 0 || shard->options.accept_clock || wall_us - log_us <= shard->options.clock_start_max_us)
        return STATUS_OK;
    snprintf(report->problem, sizeof(report->problem),
             "the clock is %lld days ahead of the last entry of the journal: every hold would expire and every id "
             "would be forgotten. If the clock is right, start once with --accept-clock; else set it.",
             (long long)((wall_us - log_us) / (INT64_C(86400) * 1000000)));
    return STATUS_CLOCK;
}

/* What was read can be gone on with. */
static enum status replay_admit(void *context, struct journal_report *report)
{
    const struct shard *shard = context;
    if (shard->ledger == NULL) {
        snprintf(report->problem, sizeof(report->problem), "memory for the tables cannot be had a second time: %s",
                 env_last_error());
        return STATUS_MEMORY;
    }
    if (shard->options.ledger_id != NULL && memcmp(shard->options.ledger_id, report->ledger_id, 16) != 0) {
        snprintf(report->problem, sizeof(report->problem),
                 "it is of another ledger than that of the server that is to be followed: name the one that it is a copy of, or an "
                 "empty directory. Nothing was changed.");
        return STATUS_INVALID;
    }
    if (shard->rebuild.limit_too_low == NULL)
        return shard->options.journal.copy ? STATUS_OK : check_clock(shard, report); /* a copy decides nothing by it */
    snprintf(report->problem, sizeof(report->problem),
             "the journal holds more than this start allows: raise %s (after decision %llu). Nothing was changed.",
             shard->rebuild.limit_too_low, (unsigned long long)shard->rebuild.decision_count);
    return STATUS_INVALID;
}

enum status shard_open(const struct shard_options *options, struct shard **out_shard, struct journal_report *out_report)
{
    struct shard *shard = calloc(1, sizeof(*shard));
    *out_report = (struct journal_report){0};
    if (shard == NULL) {
        snprintf(out_report->problem, sizeof(out_report->problem), "no memory to open the ledger with");
        return STATUS_MEMORY;
    }
    shard->options = *options;
    shard->env = options->journal.env;
    enum status status = STATUS_MEMORY;
    if (!shard_allocate(shard)) {
        snprintf(out_report->problem, sizeof(out_report->problem),
                 "address space for the tables cannot be had (%zu MiB): lower the --…-max limits, or allow overcommit",
                 ledger_bytes(&options->limits) >> 20);
        goto fail_shard;
    }
    const struct journal_replay replay = {.context = shard,
                                          .genesis = replay_genesis,
                                          .decision = replay_decision,
                                          .prepare = replay_prepare,
                                          .admit = replay_admit,
                                          .image = replay_image,
                                          .image_end = replay_image_end,
                                          .image_layout = IMAGE_LAYOUT};
    status = journal_open(&options->journal, &replay, &shard->journal, out_report);
    warmer_stop(shard->warmer); /* the engine has one of its own */
    shard->warmer = NULL;
    shard->options.warm = false;
    if (status == STATUS_FULL && shard->rebuild.limit_too_low != NULL)
        status = replay_admit(shard, out_report); /* which says it */
    if (status != STATUS_OK)
        goto fail_shard;
    history_init_appended(&shard->history, shard->journal, shard->history.bytes, &shard->read_decision);
    *out_shard = shard;
    return STATUS_OK;

fail_shard:
    shard_free(shard);
    return status;
}

void shard_close(struct shard *shard)
{
    journal_close(shard->journal);
    shard_free(shard);
}

/* ---- deciding ---- */

/* Applies and appends the decision just made. */
static void carry_out(struct shard *shard, tail_offset *out_offset)
{
    ledger_evolve(shard->ledger, &shard->decision);
    journal_append(shard->journal, &shard->decision, out_offset);
}

enum status shard_settings(struct shard *shard, int64_t now_us)
{
    const struct shard_options *options = &shard->options;
    if (ledger_last_seq(shard->ledger) != 0 && !journal_wants_event(shard->journal) && !ledger_watches(shard->ledger) &&
        ledger_id_window_ms(shard->ledger) == options->id_window_ms &&
        ledger_id_capacity(shard->ledger) == options->id_capacity && ledger_strict(shard->ledger) == options->strict)
        return STATUS_OK;
    const struct command command = {
        .kind = KIND_SETTINGS,
        .source = TEXT("@ledger"),
        .occurred_at_us = TIME_NONE,
        .not_after_us = TIME_NONE,
        .id_window_ms = options->id_window_ms,
        .id_capacity = options->id_capacity,
        .strict = options->strict,
    };
    struct verdict verdict;
    ledger_decide(shard->ledger, &command, max_i64(now_us, ledger_now_us(shard->ledger)), &shard->decision, &verdict);
    if (verdict.outcome != OUTCOME_DECIDED)
        return STATUS_INVALID;
    shard->unsettled = !journal_has_place(shard->journal, &shard->decision);
    if (shard->unsettled)
        return journal_failed(shard->journal) ? STATUS_IO : STATUS_NO_SPACE;
    tail_offset offset;
    carry_out(shard, &offset);
    return STATUS_OK;
}

/* Applies whole frames that follow one another. */
static enum status apply_frames(struct shard *shard, const uint8_t *frames, size_t n, const char **out_problem)
{
    const uint8_t *ledger_id = journal_genesis(shard->journal)->ledger_id;
    struct replay *replay = &shard->copied;
    replay->ledger_id = ledger_id;
    for (size_t at = 0; at < n;) {
        struct frame frame;
        CHECK(frame_parse(frames + at, ledger_id, &frame) == FRAME_OK);
        enum status status = replay_frame(replay, &frame, frames + at + FRAME_HEADER_BYTES, 0, frame.first_seq);
        if (status == STATUS_OK && shard->rebuild.limit_too_low != NULL)
            status = STATUS_INVALID;
        if (status != STATUS_OK) {
            (void)snprintf(shard->copy_problem, sizeof(shard->copy_problem),
                           status == STATUS_INVALID   ? "the primary holds more than this start allows: raise %s"
                           : status == STATUS_VERSION ? "the primary is of a newer version: use that one%s"
                                                      : "a frame with sound checksums %s: please report this",
                           status == STATUS_INVALID   ? shard->rebuild.limit_too_low
                           : status == STATUS_VERSION ? ""
                           : replay->bad != NULL      ? replay->bad
                                                      : "cannot be decoded");
            *out_problem = shard->copy_problem;
            return status;
        }
        at += frame.frame_bytes;
    }
    return STATUS_OK;
}

enum status shard_copy(struct shard *shard, const uint8_t *items, size_t n, const char **out_problem)
{
    enum status status = STATUS_OK;
    for (size_t at = 0; status == STATUS_OK && at < n;) {
        struct segment segment;
        if (segment_parse(items + at, &segment) == SEGMENT_OK) {
            status = journal_take_segment(shard->journal, items + at);
            at += SEGMENT_HEADER_BYTES;
            continue;
        }
        size_t end = at;
        while (end < n && segment_parse(items + end, &segment) != SEGMENT_OK) {
            struct frame frame;
            CHECK(frame_parse(items + end, journal_genesis(shard->journal)->ledger_id, &frame) == FRAME_OK);
            end += frame.frame_bytes;
        }
        /* Applied first: a name is known before anyone reads a record with it. */
        status = apply_frames(shard, items + at, end - at, out_problem);
        shard_publish(shard);
        if (status == STATUS_OK)
            status = journal_take(shard->journal, items + at, end - at);
        at = end;
    }
    return status;
}

enum status shard_may_promote(const struct shard *shard)
{
    struct journal_report report;
    const struct journal_disk disk = journal_disk(shard->journal);
    if (journal_failed(shard->journal))
        return STATUS_IO;
    if (epoch_number(journal_epoch(shard->journal)) == EPOCH_NUMBER_MAX)
        return STATUS_FULL;
    return disk.full || disk.low ? STATUS_NO_SPACE : check_clock(shard, &report);
}

enum status shard_promote(struct shard *shard, int64_t now_us)
{
    struct journal_report report;
    enum status status = check_clock(shard, &report);
    if (status != STATUS_OK)
        return status;
    status = journal_begin_epoch(shard->journal, EPOCH_promote, NULL);
    if (status != STATUS_OK)
        return status;
    status = shard_settings(shard, now_us);
    return status == STATUS_NO_SPACE ? STATUS_OK : status; /* they wait for space, as after a start */
}

bool shard_room(const struct shard *shard)
{
    return journal_group_room(shard->journal);
}

bool shard_blocked(const struct shard *shard)
{
    return shard->blocked;
}

bool shard_due(struct shard *shard, int64_t now_us)
{
    if (UNLIKELY(shard->unsettled) && shard_settings(shard, now_us) != STATUS_OK) {
        shard->blocked = true;
        return false;
    }
    shard->blocked = false;
    if (LIKELY(!ledger_due(shard->ledger, now_us, &shard->decision)))
        return false;
    shard->blocked = !journal_has_place(shard->journal, &shard->decision);
    if (shard->blocked)
        return false;
    tail_offset offset;
    carry_out(shard, &offset);
    quality_follow(shard->quality, &shard->decision);
    switch ((unsigned)shard->decision.kind) {
    case KIND_EXPIRE:
        count(&shard->counters.expired);
        break;
    case KIND_COVER:
        count(&shard->counters.covered);
        break;
    case KIND_SHORT:
        count(&shard->counters.shortened);
        break;
    case KIND_SILENT:
        count(&shard->counters.silences);
        break;
    case KIND_HEARD:
        break;
    default:
        count(&shard->counters.served);
    }
    return true;
}

bool shard_forget(struct shard *shard, int64_t now_us)
{
    if (shard->unsettled || !ledger_stale(shard->ledger, now_us) || !journal_has_place(shard->journal, NULL))
        return false;
    const struct decision tick = {.kind = KIND_TICK, .recorded_at_us = now_us};
    ledger_evolve(shard->ledger, &tick);
    journal_append_tick(shard->journal, now_us);
    return true;
}

static void shed(struct shard *shard, struct request *request, const struct command *command)
{
    request->answer.status = ANSWER_RETRY;
    count(&shard->counters.shed);
    if (command->has_seq && request->stream != NULL)
        request->stream->shed = true;
}

/* Its decision has no place on disk, or what is due before it has none. */
static void shed_placeless(struct shard *shard, struct request *request, const struct command *command)
{
    request->answer.code = journal_failed(shard->journal) ? CODE_none : CODE_disk_full;
    if (journal_failed(shard->journal))
        request->answer.detail = "the journal cannot be written: the server is stopping";
    shed(shard, request, command);
}

static void answer_invalid(struct shard *shard, struct request *request, const struct command *command,
                           const struct verdict *verdict)
{
    request->answer.code = verdict->code;
    request->answer.line = verdict->line;
    request->answer.field = verdict->field;
    request->answer.detail = verdict->detail;
    if (code_http(verdict->code) == 503) {
        shed(shard, request, command);
        return;
    }
    request->answer.status = ANSWER_INVALID;
    count(&shard->counters.invalid);
    quality_invalid(shard->quality, ledger_number(shard->ledger, NAME_SOURCE, command->source));
}

void shard_prepare(struct shard *shard, struct request *requests, uint32_t n)
{
    const struct genesis *genesis = journal_genesis(shard->journal);
    const struct siphash_key key = {genesis->key[0], genesis->key[1]};
    struct command *commands[PREPARE_MAX];
    uint32_t command_count = 0;
    CHECK(n <= PREPARE_MAX);
    CHECK(shard->prepared_next == shard->prepared_count); /* those before were all judged */
    for (uint32_t i = 0; i < n; i++) {
        struct prepared *prepared = &shard->prepared[i];
        prepared->request = &requests[i];
        prepared->decoded = requests[i].command != NULL &&
                            command_decode(requests[i].command, requests[i].command_bytes, prepared->lines,
                                           &prepared->command) == STATUS_OK;
        if (!prepared->decoded)
            continue;
        prepared->command.reading = requests[i].reading;
        prepared->command.epochs = journal_epochs(shard->journal);
        prepared->command.fingerprint = siphash64(&key, requests[i].command, requests[i].command_bytes);
        commands[command_count++] = &prepared->command;
    }
    ledger_prepare(shard->ledger, commands, command_count);
    shard->prepared_count = n;
    shard->prepared_next = 0;
}

static bool questions_equal(const struct question *a, const struct question *b)
{
    return a->decision_seq == b->decision_seq && a->by_position == b->by_position &&
           a->at_seq == b->at_seq && a->source_seq == b->source_seq &&
           a->source == b->source && a->to_us == b->to_us && a->includes_picked == b->includes_picked &&
           a->told == b->told && a->measure == b->measure &&
           (a->told || a->from_us == b->from_us); /* what was told within the bound, still was */
}

static struct cell_reading cell_known(const struct shard *shard, uint32_t number)
{
    const struct known *known = &shard->known[number % KNOWN_CELLS];
    struct cell_reading reading = {.cell = number, .bounds = {CELL_BOUND_NONE, CELL_BOUND_NONE}};
    if (known->cell == number)
        memcpy(reading.bounds, known->bounds, sizeof(reading.bounds));
    return reading;
}

static void note_known(struct shard *shard, const struct reading *reading)
{
    for (uint32_t i = 0; i < reading->cell_count; i++) {
        const struct cell_reading *cell = &reading->cells[i];
        struct known *known = &shard->known[cell->cell % KNOWN_CELLS];
        if (known->cell != cell->cell || cell->bounds[1].seq > known->bounds[1].seq) {
            known->cell = cell->cell;
            memcpy(known->bounds, cell->bounds, sizeof(known->bounds));
        }
    }
}

/* What there is to read of the cells just named, as they are now; what was read of them before is in it. NULL for no memory. */
static struct reading *reading_create(const struct shard *shard, struct reading *before)
{
    const struct unread *unread = ledger_unread(shard->ledger);
    uint32_t count = unread->cell_count;
    struct reading *reading = malloc(sizeof(*reading) + count * sizeof(struct cell_reading));
    if (reading == NULL)
        return NULL;
    bool known = before != NULL && !before->too_large && questions_equal(&before->question, &unread->question);
    uint32_t b = 0; /* the cells of both are in one order, and none leaves it */
    *reading = (struct reading){
        .question = unread->question, .cell_count = count, .cells = (struct cell_reading *)(reading + 1)};
    for (uint32_t i = 0; i < count; i++) {
        struct cell_view cell;
        uint32_t number = unread->cells[i];
        ledger_cell(shard->ledger, number, &cell);
        struct reported reported = reading->question.told ? unread->reported[i] : (struct reported){0};
        bool same = known && b < before->cell_count && before->cells[b].cell == number &&
                    before->cells[b].reported.condition == reported.condition &&
                    before->cells[b].reported.units == reported.units;
        reading->cells[i] = same ? before->cells[b++] : cell_known(shard, number);
        reading->cells[i].version = cell.version;
        reading->cells[i].reported = reported;
        ledger_cell_top(shard->ledger, number, &reading->cells[i].top);
    }
    if (known) {
        reading->seen_us = before->seen_us;
        reading->decision = before->decision;
        reading->memory = before->memory;
        reading->memory_bytes = before->memory_bytes;
        before->memory = NULL;
    }
    return reading;
}

/* Steps back in memory that the engine's thread takes for a command, and for each of its cells: some microseconds where decisions are small, and what
 * most counts need of a cell that is sold from. */
#define STEPS_HERE      64
#define STEPS_HERE_CELL 6

/*
 * Reads for the command just named here and now, if what it needs is little and in memory. Then nothing can come to its
 * cells before it is decided.
 *
 * A worker has read all up to a moment ago, so that this is what came since. Where that was too much the next worker
 * reads that alone; and here four times as much is read then, so that it ends.
 */
static bool read_here(struct shard *shard, struct request *request)
{
    struct reading *before = request->reading;
    request->reading = reading_create(shard, before);
    reading_destroy(before);
    if (request->reading == NULL)
        return false;
    unsigned doublings = 2 * (unsigned)min_i64(request->readings, 5);
    shard->history.steps_left = (STEPS_HERE + STEPS_HERE_CELL * (uint64_t)request->reading->cell_count) << doublings;
    if (history_read(&shard->history, request->reading) != STATUS_OK)
        return false;
    note_known(shard, request->reading);
    return true;
}

/* Nothing is decided: the past is to be read first, for this command or for one before it in its stream. */
static void park(struct shard *shard, struct request *request, const struct command *command,
                 const struct verdict *verdict)
{
    struct stream *stream = request->stream;
    bool behind = stream != NULL && stream->parked;
    uint32_t cells = verdict->outcome == OUTCOME_UNREAD ? ledger_unread(shard->ledger)->cell_count
                     : request->reading != NULL         ? request->reading->cell_count
                                                        : 0;
    bool later = behind && cells > PARKED_CELLS_MAX - stream->parked_cells;
    request->answer.status = ANSWER_UNREAD;
    if (later) {
        reading_destroy(request->reading);
        request->reading = NULL;
    } else if (verdict->outcome == OUTCOME_UNREAD) {
        if (behind) {
            struct reading *before = request->reading;
            request->reading = reading_create(shard, before);
            reading_destroy(before);
        }
        /* What one before it changes is no fault of its own. */
        if (request->reading == NULL || (!behind && request->readings == READINGS_MAX)) {
            request->answer.detail = request->reading == NULL ? "no memory" : "what it speaks of keeps changing";
            shed(shard, request, command);
            return;
        }
        request->readings += !behind;
    }
    if (stream != NULL) {
        stream->parked = true;
        stream->parked_cells += later ? 0 : cells;
    }
}

void shard_shed(struct shard *shard, struct request *request, enum code code, const char *detail)
{
    struct command command = {.has_seq = false};
    request->answer = (struct answer){.code = code, .line = LINE_NONE, .offset = TAIL_UNKNOWN, .detail = detail};
    if (request->command != NULL &&
        command_decode(request->command, request->command_bytes, shard->prepared[0].lines, &command) != STATUS_OK)
        command.has_seq = false;
    shed(shard, request, &command);
}

void shard_read(struct shard *shard, struct request *request)
{
    request->answer = (struct answer){.line = LINE_NONE, .offset = TAIL_UNKNOWN};
    request->read(shard->ledger, request);
    request->answer.status = ANSWER_READ;
    count(&shard->counters.reads);
}

void shard_request(struct shard *shard, struct request *request, int64_t now_us)
{
    CHECK(shard->prepared_next < shard->prepared_count);
    struct prepared *prepared = &shard->prepared[shard->prepared_next++];
    CHECK(prepared->request == request);
    if (request->command == NULL) {
        shard_read(shard, request);
        return;
    }
    request->answer = (struct answer){.line = LINE_NONE, .offset = TAIL_UNKNOWN};
    if (!prepared->decoded) {
        request->answer.status = ANSWER_INVALID;
        request->answer.code = CODE_bad_value;
        request->answer.detail = "not a command in canonical form";
        count(&shard->counters.invalid);
        return;
    }
    const struct command *command = &prepared->command;
    if (command->has_seq && request->stream != NULL && request->stream->shed) {
        request->answer.detail = "an earlier line of this stream was shed, and the source is ordered";
        shed(shard, request, command);
        return;
    }
    if (UNLIKELY(shard->blocked)) {
        shed_placeless(shard, request, command);
        return;
    }
    struct verdict verdict;
    if (UNLIKELY(request->reading != NULL) && request->reading->complete)
        note_known(shard, request->reading);
    now_us = max_i64(now_us, ledger_now_us(shard->ledger));
    ledger_decide(shard->ledger, command, now_us, &shard->decision, &verdict);
    bool behind = request->stream != NULL && request->stream->parked;
    if (UNLIKELY(verdict.outcome == OUTCOME_UNREAD) && !behind && read_here(shard, request)) {
        prepared->command.reading = request->reading;
        ledger_decide(shard->ledger, command, now_us, &shard->decision, &verdict);
    }
    if (UNLIKELY(verdict.outcome == OUTCOME_UNREAD || behind)) {
        park(shard, request, command, &verdict);
        return;
    }
    struct answer *answer = &request->answer;
    answer->code = verdict.code;
    answer->status = verdict.code == CODE_none ? ANSWER_ACCEPTED : ANSWER_REFUSED;
    switch (verdict.outcome) {
    case OUTCOME_DECIDED:
        if (UNLIKELY(!journal_has_place(shard->journal, &shard->decision))) {
            shed_placeless(shard, request, command);
            return;
        }
        carry_out(shard, &answer->offset);
        answer->last_seq = ledger_last_seq(shard->ledger);
        count(verdict.code == CODE_none ? &shard->counters.accepted[command->kind]
                                        : &shard->counters.refused[command->kind]);
        quality_decided(shard->quality, &shard->decision, command->occurred_at_us != TIME_NONE);
        follow_drift(shard, &shard->decision);
        return;
    case OUTCOME_DUPLICATE:
        answer->replayed = true;
        answer->last_seq = verdict.duplicate_seq;
        count(&shard->counters.replayed);
        quality_replayed(shard->quality, ledger_number(shard->ledger, NAME_SOURCE, command->source));
        return;
    case OUTCOME_DRY: {
        CHECK(request->dry_bytes != NULL);
        struct writer writer = writer_of(request->dry_bytes, RECORD_BYTES_MAX);
        record_write_decision(&writer, &shard->decision);
        CHECK(!writer.full);
        request->dry_length = narrow_u32(writer_bytes(&writer));
        return;
    }
    case OUTCOME_INVALID:
        answer_invalid(shard, request, command, &verdict);
        return;
    case OUTCOME_UNREAD:
        return; /* parked above */
    }
}

bool shard_audit(struct shard *shard, uint32_t entries)
{
    return ledger_audit(shard->ledger, entries);
}

struct journal *shard_journal(struct shard *shard)
{
    return shard->journal;
}

const struct ledger *shard_ledger(const struct shard *shard)
{
    return shard->ledger;
}

const struct quality *shard_quality(const struct shard *shard)
{
    return shard->quality;
}

struct shard_counters shard_counters(const struct shard *shard)
{
    const struct counters *from = &shard->counters;
    struct shard_counters to = {
        .replayed = atomic_load_explicit(&from->replayed, memory_order_relaxed),
        .invalid = atomic_load_explicit(&from->invalid, memory_order_relaxed),
        .shed = atomic_load_explicit(&from->shed, memory_order_relaxed),
        .expired = atomic_load_explicit(&from->expired, memory_order_relaxed),
        .covered = atomic_load_explicit(&from->covered, memory_order_relaxed),
        .shortened = atomic_load_explicit(&from->shortened, memory_order_relaxed),
        .served = atomic_load_explicit(&from->served, memory_order_relaxed),
        .silences = atomic_load_explicit(&from->silences, memory_order_relaxed),
        .reads = atomic_load_explicit(&from->reads, memory_order_relaxed),
    };
    for (unsigned i = 0; i < KIND_COUNT; i++) {
        to.accepted[i] = atomic_load_explicit(&from->accepted[i], memory_order_relaxed);
        to.refused[i] = atomic_load_explicit(&from->refused[i], memory_order_relaxed);
    }
    return to;
}

void shard_publish(struct shard *shard)
{
    const struct ledger_counts counts = ledger_counts(shard->ledger);
    struct gauges *to = &shard->gauges;
    atomic_store_explicit(&to->items, counts.items, memory_order_relaxed);
    atomic_store_explicit(&to->locations, counts.locations, memory_order_relaxed);
    atomic_store_explicit(&to->sources, counts.sources, memory_order_relaxed);
    atomic_store_explicit(&to->channels, counts.channels, memory_order_relaxed);
    atomic_store_explicit(&to->cells, counts.cells, memory_order_relaxed);
    atomic_store_explicit(&to->quotas, counts.quotas, memory_order_relaxed);
    atomic_store_explicit(&to->offers, counts.offers, memory_order_relaxed);
    atomic_store_explicit(&to->claims_live, counts.claims_live, memory_order_relaxed);
    atomic_store_explicit(&to->claims_kept, counts.claims_kept, memory_order_relaxed);
    atomic_store_explicit(&to->ids, counts.ids, memory_order_relaxed);
    uint32_t channels = ledger_name_count(shard->ledger, NAME_CHANNEL);
    for (uint32_t c = 0; c < channels; c++)
        atomic_store_explicit(&shard->channel_changed[c], ledger_offers_changed(shard->ledger, c),
                              memory_order_relaxed);
}

uint64_t shard_channel_changed(const struct shard *shard, uint32_t channel)
{
    return atomic_load_explicit(&shard->channel_changed[channel], memory_order_relaxed);
}

struct ledger_counts shard_gauges(const struct shard *shard)
{
    const struct gauges *from = &shard->gauges;
    return (struct ledger_counts){
        .items = (uint32_t)atomic_load_explicit(&from->items, memory_order_relaxed),
        .locations = (uint32_t)atomic_load_explicit(&from->locations, memory_order_relaxed),
        .sources = (uint32_t)atomic_load_explicit(&from->sources, memory_order_relaxed),
        .channels = (uint32_t)atomic_load_explicit(&from->channels, memory_order_relaxed),
        .cells = (uint32_t)atomic_load_explicit(&from->cells, memory_order_relaxed),
        .quotas = (uint32_t)atomic_load_explicit(&from->quotas, memory_order_relaxed),
        .offers = (uint32_t)atomic_load_explicit(&from->offers, memory_order_relaxed),
        .claims_live = (uint32_t)atomic_load_explicit(&from->claims_live, memory_order_relaxed),
        .claims_kept = (uint32_t)atomic_load_explicit(&from->claims_kept, memory_order_relaxed),
        .ids = (uint32_t)atomic_load_explicit(&from->ids, memory_order_relaxed),
    };
}
