/*
 * The journal: appending, flushing, and what holds the parts together.
 *
 * The way of a decision:
 *
 *     journal_append     record_encode.c encodes it into the open group, which lies in the tail (tail.c)
 *     journal_flush      the group gets its header (frame.c) and is written from where it lies
 *                        at its place in the segment, which the filler has made ready (filler.c)
 *     durable            the index (index.c) and the tail's list learn of it, then durable_seq moves: readers see it
 *
 * Two groups exist at most: one in flight, one open. The next flush begins when the one before has ended, so a frame's
 * durable_through is always the frame before it, and recovery finds at most one frame that nobody vouches for. A copy writes many
 * at once, which were so where they were written first: copied.h says how those are told.
 *
 * A segment ends when the next frame would pass its size and has an event: a segment is named by its first sequence number,
 * so two cannot begin with the same one, and its first frame has that event. Ticks and seals grow the one they are in.
 * What was written once stays as it is, as somebody may have copied it. Only a segment in which no frame is may be
 * replaced by another one of its name, as nobody has: a crash between its name and its first frame leaves one, and an epoch that begins
 * makes one. The next that is written into it is an event (journal_wants_event).
 * Nothing is in flight at that moment, so the new header states truly what was durable before it. Its name appears
 * (rename, directory sync) only after header and zeros are durable.
 *
 * Where the device's block is larger than what the segment was written with (a copied data directory), the next frame
 * is made long enough to end at a block's boundary and is written once through the file and flushed; from then on all
 * frames are aligned.
 *
 * Nothing is appended that has no place on disk: journal_has_place asks the filler, and what it has filled can be written. When
 * the next segment cannot be had on a full disk, this one grows beyond its size for as long as its place lasts. So a full
 * disk is met before anything is decided, and passes.
 *
 * A failed write or flush is final. What the disk holds then is unknown; it is found out by reading it, after a
 * restart, and by nothing else. Every later flush answers IO, and close writes nothing.
 */
#include "journal/journal.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "journal/beginning.h"
#include "journal/checkpoint.h"
#include "journal/cold.h"
#include "journal/copied.h"
#include "journal/copy.h"
#include "journal/filler.h"
#include "journal/frame.h"
#include "journal/index.h"
#include "journal/reader.h"
#include "journal/recovery.h"
#include "journal/resume.h"
#include "journal/retention.h"
#include "journal/segment.h"
#include "journal/stream.h"
#include "journal/tail.h"

/* A group stops taking normal decisions here, so that its flush stays short (1 MiB took 0.8 ms). */
#define GROUP_BYTES_SOFT ((size_t)(1 << 20) - 65536)
/* Ticks may come after the last decision that had room. */
#define GROUP_BYTES_SLACK 4096
/* Of its place, what a group takes beside its decisions: its head, ticks, the padding; and a seal behind it. */
#define PLACE_BYTES (FRAME_HEADER_BYTES + GROUP_BYTES_SLACK + 2 * SEGMENT_HEADER_BYTES)
_Static_assert(GROUP_BYTES_SOFT + RECORD_BYTES_MAX + GROUP_BYTES_SLACK + SEGMENT_HEADER_BYTES <= FRAME_BYTES_MAX,
               "the largest group is a frame");
_Static_assert(FRAME_BYTES_MAX <= TAIL_CHUNK_BYTES_MIN, "a frame fits into a chunk");
_Static_assert(TAIL_UNKNOWN == TAIL_NOWHERE, "an unknown place is in no frame");

struct group {
    uint8_t *frame;  /* in the tail; NULL while the group is empty */
    uint64_t start;  /* its tail offset */
    struct writer w; /* of the records */
    bool seals;      /* it is a seal and nothing else */
};

/* Places among the records of a group that is not durable, as the index has them of those that are. */
#define MARK_BYTES ((size_t)4096) /* from one to the next, or more */
#define MARKS_MAX  ((size_t)FRAME_BYTES_MAX / MARK_BYTES + 1)

struct marks {
    const uint8_t *records; /* which group's; NULL for none */
    uint64_t first_seq;     /* of the group: its memory is used again */
    size_t looked;          /* at so many bytes of its records */
    size_t count;
    struct mark_place {
        uint64_t seq;
        uint32_t at;
    } places[MARKS_MAX];
};

/* The epochs as they were told to readers, who may hold on to them. */
struct history {
    struct epochs epochs;
    struct history *before;
};

struct journal {
    const struct env *env;
    bool read_only, no_flush;
    bool copy; /* engine thread */
    uint64_t segment_bytes;
    struct env_directory *directory;
    struct genesis genesis;
    struct history *history; /* all there have been while it is open; the engine thread's */
    _Atomic(const struct epochs *) epochs; /* the newest of them */

    struct index index;
    struct tail *tail; /* NULL when read_only */
    struct reader_pool *readers;

    /* Engine thread. */
    struct env_file *file; /* the segment in use; NULL when read_only */
    struct env_file *copied; /* copied.h; NULL before the first block of several frames */
    struct filler *filler;
    struct cold *cold; /* NULL when all segments stay raw */
    uint32_t block_bytes;
    struct segment segment;
    uint64_t offset;  /* of the next frame in it */
    uint64_t ordinal; /* of the last frame finished */
    uint32_t chain;
    uint64_t next_seq;        /* of the next event appended */
    uint64_t frame_first_seq; /* of the open group */
    int64_t log_us;
    uint64_t tail_chunk;  /* the chunk being filled */
    size_t tail_used;     /* of it */
    uint8_t *tail_memory; /* of it; NULL before the first */
    struct group open;
    uint64_t image_seq, image_ordinal; /* of a checkpoint that came with the copy, and is not reached; 0 for none */
    uint64_t placed_bytes; /* records of the open group, or the next, have a place up to so many */
    bool unsealed; /* frames since the last seal */
    bool failed;
    char failure[512];

    bool in_flight, started; /* started: env's write_start was used */
    struct frame flying;
    const uint8_t *flying_records; /* in the tail */
    uint64_t flying_offset, flying_start;
    struct marks marks[2]; /* of the open group and the one in flight; made when one is read */

    _Atomic uint64_t oldest_seq; /* written after oldest_us */
    _Atomic int64_t oldest_us;
    _Atomic uint64_t dropped, dropped_bytes;

    _Atomic uint64_t durable_ordinal; /* written after durable_seq */
    _Atomic uint64_t durable_seq;
    _Atomic uint64_t flushes, frames, record_bytes, disk_bytes, segments;
};

/* ---- opening ---- */

#define PROBLEM(report, ...) (void)snprintf((report)->problem, sizeof((report)->problem), __VA_ARGS__)

/* The next segment, whose content is durable, gets its name. */
static enum status segment_name_it(struct journal *journal, uint64_t first_seq)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(first_seq, name);
    return journal->env->file_rename(journal->env->context, journal->directory, SEGMENT_NEXT_NAME, name);
}

/* Its name is made durable; its bytes are for readers, 0 when they know that of one with this name already. */
static enum status segment_appear(struct journal *journal, uint64_t first_seq, uint64_t bytes)
{
    const struct env *env = journal->env;
    enum status status = env->directory_sync(env->context, journal->directory);
    if (status == STATUS_NO_SPACE)
        status = STATUS_IO; /* it has its name, and nobody knows for how long */
    if (status == STATUS_OK && bytes != 0)
        status = index_add_segment(&journal->index, first_seq, bytes);
    return status;
}

/* A new journal's first bytes: the header of its segment, and the genesis frame of one block. */
static void make_start(const struct env *env, uint32_t block_bytes, uint8_t *bytes)
{
    struct segment segment = {.level = JOURNAL_LEVEL,
                              .epochs = epochs_first,
                              .number = 1,
                              .first_seq = SEGMENT_FIRST_SEQ,
                              .first_ordinal = 1,
                              .created_us = env->wall_us(env->context)};
    struct genesis genesis;
    env->random_bytes(env->context, genesis.ledger_id, sizeof(genesis.ledger_id));
    env->random_bytes(env->context, genesis.key, sizeof(genesis.key));
    memcpy(segment.ledger_id, genesis.ledger_id, 16);
    segment_write_header(&segment, bytes);
    uint8_t *at = bytes + SEGMENT_HEADER_BYTES;
    struct writer w = writer_of(at + FRAME_HEADER_BYTES, block_bytes - FRAME_HEADER_BYTES);
    record_write_genesis(&w, &genesis);
    CHECK(!w.full);
    struct frame frame = {.level = JOURNAL_LEVEL,
                          .epoch = segment.epochs.now,
                          .record_bytes = (uint32_t)writer_bytes(&w),
                          .frame_bytes = block_bytes,
                          .ordinal = 1,
                          .first_seq = SEGMENT_FIRST_SEQ,
                          .last_seq = SEGMENT_FIRST_SEQ - 1};
    memcpy(frame.ledger_id, genesis.ledger_id, 16);
    frame_finish(at, &frame, 0);
}

/* What a journal's first bytes say, of a copy without its beginning. False when they are not that. */
static bool read_later_start(const uint8_t *bytes, size_t n, struct recovery_end *out_end)
{
    struct segment segment;
    struct beginning beginning;
    if (n != BEGINNING_BYTES + SEGMENT_HEADER_BYTES || !beginning_parse(bytes, &beginning) ||
        segment_parse(bytes + BEGINNING_BYTES, &segment) != SEGMENT_OK || segment.number != beginning.number ||
        segment.first_seq != beginning.first_seq || segment.first_ordinal != beginning.first_ordinal ||
        segment.previous_chain != beginning.previous_chain ||
        memcmp(segment.ledger_id, beginning.genesis.ledger_id, 16) != 0)
        return false;
    *out_end = (struct recovery_end){.genesis = beginning.genesis,
                                     .beginning = beginning,
                                     .segment = segment,
                                     .offset = SEGMENT_HEADER_BYTES,
                                     .size_bytes = FILL_STEP_BYTES,
                                     .ordinal = beginning.first_ordinal - 1,
                                     .chain = beginning.previous_chain,
                                     .last_seq = beginning.first_seq - 1,
                                     .log_us = beginning.before_us};
    out_end->uncovered_offset = out_end->cut_end = SEGMENT_HEADER_BYTES;
    return true;
}

/* What a journal's first bytes say. False when they are not that. */
static bool read_start(const uint8_t *bytes, size_t n, struct recovery_end *out_end)
{
    struct segment segment;
    struct frame frame;
    struct record record;
    if (read_later_start(bytes, n, out_end))
        return true;
    if (n < SEGMENT_HEADER_BYTES + FRAME_STEP_BYTES || segment_parse(bytes, &segment) != SEGMENT_OK || segment.number != 1)
        return false;
    const uint8_t *at = bytes + SEGMENT_HEADER_BYTES;
    if (frame_parse(at, segment.ledger_id, &frame) != FRAME_OK || frame.frame_bytes != n - SEGMENT_HEADER_BYTES ||
        frame.ordinal != 1 || frame.last_seq >= SEGMENT_FIRST_SEQ || !frame_payload_sound(&frame, at) ||
        frame.record_bytes < 5 || at[FRAME_HEADER_BYTES + 4] != RECORD_GENESIS ||
        record_decode(at + FRAME_HEADER_BYTES, frame.record_bytes, NULL, &record) != STATUS_OK ||
        memcmp(record.genesis.ledger_id, segment.ledger_id, 16) != 0)
        return false;
    *out_end = (struct recovery_end){.genesis = record.genesis,
                                     .beginning = BEGINNING_OF_ALL,
                                     .segment = segment,
                                     .offset = n,
                                     .size_bytes = FILL_STEP_BYTES,
                                     .ordinal = 1,
                                     .chain = frame.chain,
                                     .last_seq = SEGMENT_FIRST_SEQ - 1};
    out_end->uncovered_offset = out_end->cut_end = n;
    return true;
}

/* The first segment with the genesis frame in it, its own or that of the journal it becomes a copy of: whole and durable
 * before it has its name. */
static enum status journal_create(struct journal *journal, const struct journal_options *options,
                                  struct recovery_end *end)
{
    const struct env *env = journal->env;
    enum status status = env->file_remove(env->context, journal->directory, SEGMENT_NEXT_NAME);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    struct env_file *file = NULL;
    status = env->file_open(env->context, journal->directory, SEGMENT_NEXT_NAME, ENV_OPEN_CREATE, &file);
    if (status != STATUS_OK)
        return status;
    status = fill_zeros(env, file, 0, FILL_STEP_BYTES);
    uint32_t block_bytes = env->file_block_bytes(env->context, file);
    size_t n = options->copy ? options->copy_start_bytes : (size_t)SEGMENT_HEADER_BYTES + block_bytes;
    uint8_t *bytes = calloc(1, n);
    if (bytes == NULL)
        status = STATUS_MEMORY;
    if (status == STATUS_OK && options->copy)
        memcpy(bytes, options->copy_start, n);
    else if (status == STATUS_OK)
        make_start(env, block_bytes, bytes);
    if (status == STATUS_OK && !read_start(bytes, n, end))
        status = STATUS_INVALID;
    size_t skip = status == STATUS_OK && !beginning_is_of_all(&end->beginning) ? BEGINNING_BYTES : 0;
    if (status == STATUS_OK)
        status = env->file_write(env->context, file, 0, bytes + skip, n - skip);
    if (status == STATUS_OK)
        status = env->file_sync(env->context, file);
    free(bytes);
    env->file_close(env->context, file);
    if (status == STATUS_OK && skip != 0)
        status = beginning_write(env, journal->directory, &end->beginning);
    if (status == STATUS_OK)
        status = segment_name_it(journal, end->segment.first_seq);
    if (status == STATUS_OK)
        index_clear(&journal->index, narrow_u32(end->segment.number - 1));
    if (status == STATUS_OK)
        status = segment_appear(journal, end->segment.first_seq, n - skip);
    else
        (void)env->file_remove(env->context, journal->directory, SEGMENT_NEXT_NAME); /* as it was before */
    return status;
}

/* The journal fails, once; later failures only follow from it. */
static void journal_fail(struct journal *journal, const char *name, uint64_t offset, const char *what)
{
    if (journal->failure[0] == 0)
        (void)snprintf(journal->failure, sizeof(journal->failure), "%s, offset %" PRIu64 ": %s", name, offset, what);
    journal->failed = true;
    journal->open.frame = NULL;
}

/* The same of the segment in use, by what the system said. */
static void journal_fail_here(struct journal *journal, uint64_t offset)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(journal->segment.first_seq, name);
    journal_fail(journal, name, offset, env_last_error());
}

/* By what filling it has met. */
static void journal_fail_filling(struct journal *journal)
{
    char problem[320];
    char name[SEGMENT_NAME_BYTES];
    filler_problem(journal->filler, problem, sizeof(problem));
    segment_name(journal->segment.first_seq, name);
    journal_fail(journal, name, journal->offset, problem);
}

/* What is filled behind the last frame is the place of the next one. */
static void place_look(struct journal *journal)
{
    uint64_t begin = journal->offset + PLACE_BYTES;
    uint64_t filled = filler_filled(journal->filler);
    journal->placed_bytes = filled > begin ? filled - begin : 0;
}

/* A checkpoint that came with a copy counts when all is there that it is of. */
static enum status image_reach(struct journal *journal)
{
    if (journal->image_ordinal == 0 || journal->ordinal < journal->image_ordinal)
        return STATUS_OK;
    journal->image_ordinal = 0;
    return checkpoint_adopt(journal->env, journal->directory, journal->image_seq);
}

static enum status image_look(struct journal *journal)
{
    struct checkpoint checkpoint;
    enum status status = checkpoint_copied(journal->env, journal->directory, &checkpoint);
    if (status != STATUS_OK) /* what is no good is not missed before a start needs it */
        return status == STATUS_MEMORY || status == STATUS_IO ? status : STATUS_OK;
    journal->image_seq = checkpoint.last_seq;
    journal->image_ordinal = checkpoint.ordinal;
    return image_reach(journal);
}

/* Everything that is needed to write on: the file, the filler, the tail. */
static enum status journal_ready(struct journal *journal, const struct journal_options *options,
                                 const struct recovery_end *end, struct journal_report *report)
{
    const struct env *env = journal->env;
    char name[SEGMENT_NAME_BYTES];
    segment_name(end->segment.first_seq, name);
    enum status status = end->packed ? cold_unpack(env, journal->directory, name) : STATUS_OK;
    if (status == STATUS_OK)
        status = env->file_open(env->context, journal->directory, name, ENV_OPEN_WRITE, &journal->file);
    if (status == STATUS_OK)
        status = recovery_mend(env, journal->file, end, report);
    /* The last process may have ended between naming this segment and making its name durable. */
    if (status == STATUS_OK)
        status = env->directory_sync(env->context, journal->directory);
    if (status != STATUS_OK)
        return status;
    journal->block_bytes = env->file_block_bytes(env->context, journal->file);
    CHECK(journal->block_bytes % FRAME_STEP_BYTES == 0 && journal->block_bytes <= SEGMENT_HEADER_BYTES);
    /* What an earlier run had in the making: space to have. From here on threads may have such files in the making again. */
    static const char *const leftovers[] = {SEGMENT_NEXT_NAME, CHECKPOINT_NEXT_NAME, COLD_NEW_NAME};
    for (unsigned i = 0; i < sizeof(leftovers) / sizeof(leftovers[0]); i++)
        (void)env->file_remove(env->context, journal->directory, leftovers[i]);
    status = filler_create(env, journal->directory, journal->segment_bytes, options->fill_on_writer, journal->file,
                           end->size_bytes, &journal->filler);
    if (status != STATUS_OK)
        return status;
    journal->tail = tail_create(env, options->tail_bytes == 0 ? JOURNAL_TAIL_BYTES : options->tail_bytes);
    if (journal->tail == NULL)
        return STATUS_MEMORY;
    filler_used(journal->filler, end->offset);
    place_look(journal);
    if (!beginning_is_of_all(&end->beginning))
        retention_remove(env, journal->directory, end->beginning.first_seq);
    status = options->copy ? image_look(journal) : STATUS_OK;
    if (status != STATUS_OK || options->raw_segments == 0)
        return status;
    return cold_create(env, journal->directory, &journal->index, journal->readers, options->raw_segments,
                       options->fill_on_writer, &journal->cold);
}

/* From here on readers are told of these. False when memory cannot be had. */
static bool history_add(struct journal *journal, const struct epochs *epochs)
{
    struct history *history = malloc(sizeof(*history));
    if (history == NULL)
        return false;
    *history = (struct history){*epochs, journal->history};
    journal->history = history;
    atomic_store_explicit(&journal->epochs, &history->epochs, memory_order_release);
    return true;
}

static void journal_free(struct journal *journal)
{
    const struct env *env = journal->env;
    cold_destroy(journal->cold);
    filler_destroy(journal->filler);
    tail_destroy(journal->tail);
    reader_pool_destroy(journal->readers);
    if (journal->file != NULL)
        env->file_close(env->context, journal->file);
    if (journal->copied != NULL)
        env->file_close(env->context, journal->copied);
    while (journal->history != NULL) {
        struct history *history = journal->history;
        journal->history = history->before;
        free(history);
    }
    index_deinit(&journal->index);
    env->directory_close(env->context, journal->directory);
    free(journal);
}

enum status journal_open(const struct journal_options *options, const struct journal_replay *replay,
                         struct journal **out_journal, struct journal_report *out_report)
{
    const struct env *env = options->env;
    struct journal_report *report = out_report;
    *report = (struct journal_report){0};
    struct journal *journal = calloc(1, sizeof(*journal));
    if (journal == NULL) {
        PROBLEM(report, "no memory to open the journal with");
        return STATUS_MEMORY;
    }
    journal->env = env;
    journal->read_only = options->read_only;
    journal->no_flush = options->fault_no_flush;
    journal->copy = options->copy;
    journal->segment_bytes = options->segment_bytes == 0 ? JOURNAL_SEGMENT_BYTES : options->segment_bytes;
    if (journal->segment_bytes < JOURNAL_SEGMENT_BYTES_MIN)
        journal->segment_bytes = JOURNAL_SEGMENT_BYTES_MIN;
    journal->segment_bytes = round_up(journal->segment_bytes, FILL_STEP_BYTES);

    enum status status =
        env->directory_open(env->context, options->path, !options->read_only, !options->read_only, &journal->directory);
    if (status != STATUS_OK) {
        PROBLEM(report, "cannot open the data directory %.400s: %s (%.250s). To mend it: %s.", options->path,
                status_text(status), env_last_error(), status_remedy(status));
        goto fail_journal;
    }
    status = index_init(&journal->index, env, INDEX_PLACES_MAX);
    if (status != STATUS_OK) {
        PROBLEM(report, "no memory for the journal's index: %s", env_last_error());
        goto fail_directory;
    }
    struct recovery_end end;
    status = recovery_run(env, journal->directory, replay, options->frames, options->progress, &journal->index, &end, report);
    if (status == STATUS_OK && !end.empty && replay != NULL && replay->admit != NULL)
        status = replay->admit(replay->context, report);
    if (status != STATUS_OK)
        goto fail_index;
    if (end.empty && (options->read_only || (options->copy && options->copy_start == NULL))) {
        PROBLEM(report, "there is no journal in %.400s", options->path);
        status = STATUS_NOT_FOUND;
        goto fail_index;
    }
    if (end.empty) {
        status = journal_create(journal, options, &end);
        if (status != STATUS_OK) {
            PROBLEM(report, "cannot create a journal in %.400s: %s (%.250s). To mend it: %s.", options->path,
                    status_text(status), env_last_error(), status_remedy(status));
            goto fail_index;
        }
        report->created = true;
        report->epochs = end.segment.epochs;
        report->segment_count = 1;
        report->oldest_seq = end.beginning.first_seq;
        report->frame_count = 1;
        memcpy(report->ledger_id, end.segment.ledger_id, 16);
        if (replay != NULL && replay->genesis != NULL)
            replay->genesis(replay->context, &end.genesis);
    }
    journal->genesis = end.genesis;
    atomic_init(&journal->oldest_seq, end.beginning.first_seq);
    atomic_init(&journal->oldest_us, end.beginning.before_us);
    journal->segment = end.segment;
    journal->offset = end.offset;
    journal->ordinal = end.ordinal;
    atomic_init(&journal->durable_ordinal, end.ordinal);
    journal->chain = end.chain;
    journal->next_seq = end.last_seq + 1;
    journal->frame_first_seq = end.last_seq + 1;
    journal->log_us = end.log_us;
    journal->unsealed = !end.sealed;
    atomic_init(&journal->durable_seq, end.last_seq);
    atomic_init(&journal->segments, report->segment_count);
    journal->readers = reader_pool_create(env, journal->directory, &journal->index, end.segment.ledger_id);
    if (journal->readers == NULL || !history_add(journal, &end.segment.epochs))
        status = STATUS_MEMORY;
    else if (!options->read_only)
        status = journal_ready(journal, options, &end, report);
    if (status != STATUS_OK) {
        if (report->problem[0] == 0)
            PROBLEM(report, "cannot make the journal in %.400s ready for writing: %s (%.250s). To mend it: %s.",
                    options->path, status_text(status), env_last_error(), status_remedy(status));
        journal_free(journal);
        return status;
    }
    *out_journal = journal;
    return STATUS_OK;

fail_index:
    index_deinit(&journal->index);
fail_directory:
    env->directory_close(env->context, journal->directory);
fail_journal:
    free(journal);
    return status;
}

enum status journal_finish(struct journal *journal)
{
    if (journal->failed)
        return STATUS_IO;
    enum status status = journal->in_flight ? journal_flush_wait(journal) : STATUS_OK;
    if (status == STATUS_OK)
        status = journal_flush(journal);
    if (status == STATUS_OK && journal_append_seal(journal))
        status = journal_flush(journal);
    return status;
}

void journal_close(struct journal *journal)
{
    if (!journal->read_only && !journal->failed) {
        /* A failure here is found by the next start; who wants to know it has finished before. */
        enum status status = journal_finish(journal);
        (void)status;
    } else if (journal->in_flight && journal->started) {
        (void)journal->env->write_wait(journal->env->context, journal->file); /* failed already */
    }
    journal_free(journal);
}

/* ---- appending ---- */

static void group_open(struct journal *journal)
{
    size_t chunk_bytes = tail_chunk_bytes(journal->tail);
    size_t at = (size_t)round_up(journal->tail_used, journal->block_bytes);
    size_t needed = FRAME_HEADER_BYTES + RECORD_BYTES_MAX + GROUP_BYTES_SLACK + SEGMENT_HEADER_BYTES;
    if (journal->tail_memory == NULL || at + needed > chunk_bytes) {
        if (journal->tail_memory != NULL)
            journal->tail_chunk++;
        journal->tail_memory = tail_claim(journal->tail, journal->tail_chunk);
        at = 0;
    }
    size_t room = chunk_bytes - at;
    if (room > FRAME_BYTES_MAX)
        room = FRAME_BYTES_MAX;
    /* The padding of the last block needs its place too. */
    size_t capacity = room - FRAME_HEADER_BYTES - SEGMENT_HEADER_BYTES;
    uint8_t *frame = journal->tail_memory + at;
    journal->open.frame = frame;
    journal->open.start = journal->tail_chunk * (uint64_t)chunk_bytes + at;
    journal->open.w = writer_of(frame + FRAME_HEADER_BYTES, capacity);
    journal->open.seals = false;
    journal->frame_first_seq = journal->next_seq;
}

static tail_offset group_at(const struct journal *journal)
{
    return journal->open.start + FRAME_HEADER_BYTES + writer_bytes(&journal->open.w);
}

size_t journal_group_bytes(const struct journal *journal)
{
    return journal->open.frame == NULL ? 0 : writer_bytes(&journal->open.w);
}

bool journal_group_room(const struct journal *journal)
{
    if (journal->open.frame == NULL)
        return true;
    const struct writer *w = &journal->open.w;
    return writer_bytes(w) < GROUP_BYTES_SOFT && (size_t)(w->end - w->at) >= RECORD_BYTES_MAX + GROUP_BYTES_SLACK;
}

/* The records of the open group, and so many bytes more, get a place. False when there is none. */
static bool place_find(struct journal *journal, size_t more)
{
    if (journal->failed)
        return false;
    uint64_t end = journal->offset + PLACE_BYTES + journal_group_bytes(journal) + more;
    enum status status = filler_need(journal->filler, end);
    if (status == STATUS_OK)
        place_look(journal);
    if (status == STATUS_OK || status == STATUS_NO_SPACE)
        return status == STATUS_OK;
    journal_fail_filling(journal);
    return false;
}

bool journal_has_place(struct journal *journal, const struct decision *decision)
{
    /* The largest one fits nearly always: then it is not measured. */
    if (LIKELY(journal->placed_bytes >= journal_group_bytes(journal) + RECORD_BYTES_MAX))
        return true;
    return place_find(journal, decision == NULL ? 0 : record_bytes_bound(decision));
}

/* What was just appended has its place. */
static void place_check(struct journal *journal)
{
    if (LIKELY(writer_bytes(&journal->open.w) <= journal->placed_bytes) || place_find(journal, 0) || journal->failed)
        return;
    journal_fail_here(journal, journal->offset);
}

void journal_append(struct journal *journal, const struct decision *decision, tail_offset *out_offset)
{
    CHECK(!journal->read_only && !journal->copy);
    *out_offset = TAIL_UNKNOWN;
    if (UNLIKELY(journal->failed))
        return; /* the flush to come says so */
    CHECK(decision->first_seq == journal->next_seq); /* positions have no gap */
    if (journal->open.frame == NULL)
        group_open(journal);
    struct writer *w = &journal->open.w;
    const uint8_t *start = w->at;
    tail_offset offset = group_at(journal);
    record_write_decision(w, decision);
    CHECK(!w->full); /* the caller asked journal_group_room */
    for (uint32_t i = 0; i < decision->name_count; i++) {
        uint32_t bytes = get_u32(start);
        start += bytes;
        offset += bytes;
    }
    journal->next_seq += decision->event_count;
    journal->log_us = decision->recorded_at_us;
    *out_offset = offset;
    place_check(journal);
}

void journal_append_tick(struct journal *journal, int64_t now_us)
{
    CHECK(!journal->read_only);
    if (journal->failed)
        return;
    if (journal->open.frame == NULL)
        group_open(journal);
    record_write_tick(&journal->open.w, now_us);
    CHECK(!journal->open.w.full);
    journal->log_us = now_us;
    place_check(journal);
}

bool journal_wants_event(const struct journal *journal)
{
    return journal->next_seq == journal->segment.first_seq;
}

bool journal_append_seal(struct journal *journal)
{
    CHECK(!journal->read_only);
    /* A seal vouches for the frames before it, so it is a frame of its own, behind durable ones. */
    if (journal->failed || journal->copy || !journal->unsealed || journal->open.frame != NULL || journal->in_flight)
        return false;
    if (journal_wants_event(journal))
        return false; /* its header vouches for the frames before it */
    /* Behind a group its place is kept; only a start on a full disk may find none. */
    uint64_t end = round_up(journal->offset, journal->block_bytes) + SEGMENT_HEADER_BYTES;
    if (filler_filled(journal->filler) < end && !place_find(journal, 0))
        return false;
    group_open(journal);
    record_write_seal(&journal->open.w);
    journal->open.seals = true;
    return true;
}

/* ---- reading what was appended ---- */

/* The marks of a group, with all that was appended to it. */
static const struct marks *marks_of(struct journal *journal, const uint8_t *records, size_t n, uint64_t first_seq)
{
    struct marks *marks = &journal->marks[journal->marks[1].records == records];
    if (marks->records != records || marks->first_seq != first_seq) {
        /* The one in flight was the open one: its marks stay for it. */
        marks = &journal->marks[journal->marks[0].records == journal->flying_records];
        marks->records = records;
        marks->first_seq = first_seq;
        marks->looked = marks->count = 0;
    }
    for (; marks->looked < n; marks->looked += get_u32(records + marks->looked)) {
        size_t at = marks->looked;
        bool far = marks->count == 0 || at - marks->places[marks->count - 1].at >= MARK_BYTES;
        if (far && records[at + 4] == RECORD_DECISION) {
            struct reader r = reader_of(records + at + 5, get_u32(records + at) - 5);
            (void)read_varint(&r); /* events */
            CHECK(marks->count < MARKS_MAX);
            marks->places[marks->count++] = (struct mark_place){read_varint(&r), (uint32_t)at};
        }
    }
    return marks;
}

/* Of a group that is not durable. */
static enum status read_group(struct journal *journal, const uint8_t *records, size_t n, uint64_t first_seq,
                              uint64_t from_seq, uint8_t *bytes, size_t room, size_t *out_bytes)
{
    bool full = false;
    const struct marks *marks = marks_of(journal, records, n, first_seq);
    size_t low = 0; /* places before low are not behind it */
    for (size_t high = marks->count; low < high;) {
        size_t middle = (low + high) / 2;
        if (marks->places[middle].seq <= from_seq)
            low = middle + 1;
        else
            high = middle;
    }
    size_t start = low == 0 ? 0 : marks->places[low - 1].at;
    CHECK(records_copy(records, n, start, from_seq, bytes, room, out_bytes, &full) == STATUS_OK); /* our own memory */
    return *out_bytes != 0 ? STATUS_OK : full ? STATUS_FULL : STATUS_AGAIN;
}

enum status journal_read_appended(struct journal *journal, uint64_t from_seq, uint64_t seq, uint8_t *bytes, size_t n,
                                  size_t *out_bytes)
{
    if (from_seq < journal_oldest_seq(journal) || seq >= journal->next_seq)
        return STATUS_AGAIN;
    if (seq <= atomic_load_explicit(&journal->durable_seq, memory_order_relaxed)) {
        struct index_place near = {.seq = 0};
        (void)index_find(&journal->index, from_seq, &near);
        enum status status = tail_read(journal->tail, from_seq, TAIL_UNKNOWN, &near, bytes, n, out_bytes);
        return status == STATUS_OK || status == STATUS_FULL ? status : STATUS_AGAIN;
    }
    const struct frame *flying = &journal->flying;
    if (journal->in_flight && seq <= flying->last_seq)
        return read_group(journal, journal->flying_records, flying->record_bytes, flying->first_seq, from_seq, bytes, n,
                          out_bytes);
    if (journal->open.frame == NULL)
        return STATUS_AGAIN; /* a write failed */
    return read_group(journal, journal->open.frame + FRAME_HEADER_BYTES, writer_bytes(&journal->open.w),
                      journal->frame_first_seq, from_seq, bytes, n, out_bytes);
}

/* ---- flushing ---- */

/*
 * The next segment, with this header and a place for a frame of so many bytes, becomes the one in use. NO_SPACE: it is not to be
 * had now, and nothing has changed.
 */
static enum status segment_begin(struct journal *journal, const struct segment *segment,
                                 const uint8_t header[SEGMENT_HEADER_BYTES], uint64_t frame_bytes)
{
    const struct env *env = journal->env;
    struct env_file *file = NULL;
    uint64_t filled_bytes = 0;
    bool again = segment->first_seq == journal->segment.first_seq; /* it takes the place of one without frames */
    enum status status = filler_next(journal->filler, SEGMENT_HEADER_BYTES + frame_bytes + SEGMENT_HEADER_BYTES, &file,
                                     &filled_bytes);
    if (status == STATUS_NO_SPACE)
        return status;
    if (status != STATUS_OK) {
        char problem[320];
        filler_problem(journal->filler, problem, sizeof(problem));
        journal_fail(journal, SEGMENT_NEXT_NAME, 0, problem);
        return status;
    }
    status = env->file_write(env->context, file, 0, header, SEGMENT_HEADER_BYTES);
    if (status == STATUS_OK)
        status = env->file_sync(env->context, file);
    if (status == STATUS_OK)
        status = segment_name_it(journal, segment->first_seq);
    if (status == STATUS_NO_SPACE) {
        filler_next_back(journal->filler, file, filled_bytes);
        return status;
    }
    if (status == STATUS_OK)
        status = segment_appear(journal, segment->first_seq, again ? 0 : SEGMENT_HEADER_BYTES);
    if (status != STATUS_OK) {
        journal_fail(journal, SEGMENT_NEXT_NAME, 0, env_last_error());
        env->file_close(env->context, file);
        return status;
    }
    filler_switch(journal->filler, file, filled_bytes);
    env->file_close(env->context, journal->file);
    journal->file = file;
    journal->segment = *segment;
    journal->block_bytes = env->file_block_bytes(env->context, file);
    journal->offset = SEGMENT_HEADER_BYTES;
    if (again)
        reader_pool_forget(journal->readers, segment->first_seq);
    else
        atomic_fetch_add_explicit(&journal->segments, 1, memory_order_relaxed);
    place_look(journal);
    if (journal->cold != NULL)
        cold_look(journal->cold);
    return STATUS_OK;
}

/* Goes on in a new segment of these epochs, whose first event will be first_seq, with room for so many bytes of a frame. */
static enum status segment_next(struct journal *journal, uint64_t first_seq, const struct epochs *epochs,
                                uint64_t frame_bytes)
{
    CHECK(!journal->in_flight && journal_durable_ordinal(journal) == journal->ordinal);
    struct segment segment = journal->segment;
    segment.level = JOURNAL_LEVEL;
    segment.epochs = *epochs;
    segment.created_us = journal->env->wall_us(journal->env->context);
    segment.number += first_seq != journal->segment.first_seq;
    segment.first_seq = first_seq;
    segment.first_ordinal = journal->ordinal + 1;
    segment.previous_chain = journal->chain;
    uint8_t header[SEGMENT_HEADER_BYTES];
    segment_write_header(&segment, header);
    return segment_begin(journal, &segment, header, frame_bytes);
}

enum status journal_begin_epoch(struct journal *journal, enum epoch_reason reason, const struct epochs *known)
{
    const struct env *env = journal->env;
    struct epochs epochs = known == NULL ? journal->segment.epochs : *known;
    uint64_t id = 0;
    CHECK(!journal->read_only && journal->open.frame == NULL && !journal->in_flight);
    CHECK(epochs_extend(&journal->segment.epochs, &epochs));
    if (journal->failed)
        return STATUS_IO;
    if (journal_wants_event(journal) && journal->ordinal >= journal->segment.first_ordinal)
        return STATUS_NOT_FOUND; /* it begins with the genesis, or was not written by these rules */
    env->random_bytes(env->context, &id, sizeof(id));
    if (!epochs_begin(&epochs, reason, id, journal->next_seq - 1, env->wall_us(env->context)))
        return STATUS_FULL;
    enum status status = segment_next(journal, journal->next_seq, &epochs, 0);
    if (status == STATUS_OK && !history_add(journal, &epochs))
        status = STATUS_MEMORY;
    journal->copy = false;
    if (status == STATUS_NO_SPACE)
        journal_fail_filling(journal);
    else if (status != STATUS_OK)
        journal_fail(journal, SEGMENT_NEXT_NAME, 0, status_text(status));
    return status;
}

/* Makes the open group a frame with a place in a segment that is ready for it. */
static enum status group_finish(struct journal *journal)
{
    uint64_t used = FRAME_HEADER_BYTES + writer_bytes(&journal->open.w);
    uint64_t frame_bytes = round_up(journal->offset + used, journal->block_bytes) - journal->offset;
    bool has_events_before = journal->frame_first_seq > journal->segment.first_seq;
    bool has_events = journal->next_seq > journal->frame_first_seq;
    if (journal->offset + frame_bytes > journal->segment_bytes && has_events_before && has_events) {
        enum status status = segment_next(journal, journal->frame_first_seq, &journal->segment.epochs,
                                          round_up(used, SEGMENT_HEADER_BYTES));
        if (status == STATUS_OK)
            frame_bytes = round_up(used, journal->block_bytes);
        else if (status != STATUS_NO_SPACE) /* else it has its place here */
            return status;
    }
    CHECK(filler_filled(journal->filler) >= journal->offset + frame_bytes);
    struct frame frame = {.level = JOURNAL_LEVEL,
                          .epoch = journal->segment.epochs.now,
                          .record_bytes = (uint32_t)writer_bytes(&journal->open.w),
                          .frame_bytes = (uint32_t)frame_bytes,
                          .ordinal = journal->ordinal + 1,
                          .first_seq = journal->frame_first_seq,
                          .last_seq = journal->next_seq - 1,
                          .durable_ordinal = atomic_load_explicit(&journal->durable_ordinal, memory_order_relaxed),
                          .durable_seq = atomic_load_explicit(&journal->durable_seq, memory_order_relaxed),
                          .log_us = journal->log_us};
    memcpy(frame.ledger_id, journal->genesis.ledger_id, 16);
    frame_finish(journal->open.frame, &frame, journal->chain);
    journal->chain = frame.chain;
    journal->ordinal = frame.ordinal;
    journal->flying = frame;
    journal->flying_offset = journal->offset;
    journal->flying_start = journal->open.start + FRAME_HEADER_BYTES;
    journal->flying_records = journal->open.frame + FRAME_HEADER_BYTES;
    journal->offset += frame_bytes;
    size_t chunk_bytes = tail_chunk_bytes(journal->tail);
    journal->tail_used = (size_t)(journal->open.start % chunk_bytes) + frame_bytes;
    journal->unsealed = !journal->open.seals;
    place_look(journal);
    return STATUS_OK;
}

/* This frame is durable, with its records at this place of the tail: tell the readers, in this order. */
static void frame_landed(struct journal *journal, const struct frame *frame, uint64_t file_offset,
                         const uint8_t *records, uint64_t start)
{
    const struct env *env = journal->env;
    bool has_events = frame->last_seq >= frame->first_seq;
    index_add_frame(&journal->index, file_offset, file_offset + frame->frame_bytes, has_events, frame->first_seq,
                    records, frame->record_bytes);
    if (has_events) {
        tail_publish(journal->tail, &(struct tail_frame){.first_seq = frame->first_seq,
                                                         .last_seq = frame->last_seq,
                                                         .start = start,
                                                         .record_bytes = frame->record_bytes,
                                                         .frame_bytes = frame->frame_bytes,
                                                         .ordinal = frame->ordinal,
                                                         .flushed_at_ns = env->monotonic_ns(env->context)});
    }
    atomic_store_explicit(&journal->durable_seq, frame->last_seq, memory_order_release);
    atomic_store_explicit(&journal->durable_ordinal, frame->ordinal, memory_order_release);
    atomic_fetch_add_explicit(&journal->frames, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&journal->record_bytes, frame->record_bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&journal->disk_bytes, frame->frame_bytes, memory_order_relaxed);
}

static void flying_landed(struct journal *journal)
{
    frame_landed(journal, &journal->flying, journal->flying_offset, journal->flying_records, journal->flying_start);
    atomic_fetch_add_explicit(&journal->flushes, 1, memory_order_relaxed);
    filler_used(journal->filler, journal->offset);
}

/* Writes whole blocks, or through the file where the blocks of another device do not fit this one. */
static enum status write_here(struct journal *journal, uint64_t offset, const uint8_t *bytes, size_t n)
{
    const struct env *env = journal->env;
    if (journal->no_flush)
        return env->file_write(env->context, journal->file, offset, bytes, n);
    if (offset % journal->block_bytes == 0 && n % journal->block_bytes == 0)
        return env->write_durable(env->context, journal->file, offset, bytes, n);
    enum status status = env->file_write(env->context, journal->file, offset, bytes, n);
    return status == STATUS_OK ? env->file_sync(env->context, journal->file) : status;
}

static enum status flush_begin(struct journal *journal, bool here)
{
    const struct env *env = journal->env;
    CHECK(!journal->read_only);
    CHECK(!journal->in_flight);
    if (journal->failed)
        return STATUS_IO;
    if (journal->open.frame == NULL)
        return STATUS_OK;
    enum status status = group_finish(journal);
    if (status != STATUS_OK)
        goto fail;
    const uint8_t *bytes = journal->open.frame;
    size_t n = journal->flying.frame_bytes;
    uint64_t offset = journal->flying_offset;
    journal->started = false;
    bool aligned = offset % journal->block_bytes == 0 && n % journal->block_bytes == 0;
    if (here || journal->no_flush || !aligned) {
        status = write_here(journal, offset, bytes, n);
    } else {
        status = env->write_start(env->context, journal->file, offset, bytes, n);
        journal->started = status == STATUS_OK;
    }
    if (status != STATUS_OK)
        goto fail;
    journal->in_flight = true;
    journal->open.frame = NULL;
    return STATUS_OK;

fail:
    journal_fail_here(journal, journal->flying_offset);
    return status == STATUS_NO_SPACE ? STATUS_IO : status; /* what the disk now holds is not known */
}

enum status journal_flush_wait(struct journal *journal)
{
    if (journal->failed)
        return STATUS_IO;
    if (!journal->in_flight)
        return STATUS_OK;
    journal->in_flight = false;
    if (journal->started) {
        enum status status = journal->env->write_wait(journal->env->context, journal->file);
        journal->started = false;
        if (status != STATUS_OK) {
            journal_fail_here(journal, journal->flying_offset);
            return status == STATUS_NO_SPACE ? STATUS_IO : status;
        }
    }
    flying_landed(journal);
    return STATUS_OK;
}

enum status journal_flush(struct journal *journal)
{
    enum status status = flush_begin(journal, true);
    return status == STATUS_OK ? journal_flush_wait(journal) : status;
}

enum status journal_flush_start(struct journal *journal)
{
    return flush_begin(journal, false);
}

bool journal_failed(const struct journal *journal)
{
    return journal->failed;
}

const char *journal_failure(const struct journal *journal)
{
    return journal->failure;
}

bool journal_flush_done(const struct journal *journal)
{
    return !journal->in_flight || !journal->started || journal->env->write_done(journal->env->context, journal->file);
}

/* ---- a copy ---- */

void journal_set_copy(struct journal *journal, bool copy)
{
    CHECK(journal->open.frame == NULL && !journal->in_flight);
    journal->copy = copy;
}

bool journal_awaits_image(const struct journal *journal)
{
    return journal->image_ordinal != 0;
}

void journal_copied(const struct journal *journal, struct stream_place *out_place)
{
    *out_place = (struct stream_place){.begun = true,
                                       .segment_number = journal->segment.number,
                                       .segment_empty = journal->ordinal < journal->segment.first_ordinal,
                                       .epoch = journal->segment.epochs.now,
                                       .ordinal = journal->ordinal,
                                       .seq = journal->next_seq - 1,
                                       .chain = journal->chain};
    memcpy(out_place->ledger_id, journal->genesis.ledger_id, 16);
}

static enum status take_failed(struct journal *journal, enum status status)
{
    if (status != STATUS_OK)
        journal_fail_here(journal, journal->offset);
    return status;
}

enum status journal_take_segment(struct journal *journal, const uint8_t *header)
{
    struct segment segment;
    CHECK(journal->copy && journal->open.frame == NULL && !journal->in_flight);
    if (journal->failed)
        return STATUS_IO;
    CHECK(segment_parse(header, &segment) == SEGMENT_OK); /* the caller verified it */
    bool begins = segment.epochs.now != journal->segment.epochs.now;
    if (segment.number == journal->segment.number && !begins)
        return STATUS_OK;
    CHECK(segment.first_ordinal == journal->ordinal + 1 && segment.previous_chain == journal->chain);
    enum status status = segment_begin(journal, &segment, header, 0);
    if (status == STATUS_OK && begins && !history_add(journal, &segment.epochs))
        status = STATUS_MEMORY;
    return take_failed(journal, status);
}

/* Frames are about to be written with one write: says which, when there are several. */
static enum status take_note(struct journal *journal, const uint8_t *frames, size_t n)
{
    struct frame frame = {.frame_bytes = 0};
    for (size_t at = 0; at < n; at += frame.frame_bytes)
        CHECK(frame_parse(frames + at, journal->genesis.ledger_id, &frame) == FRAME_OK);
    if (frame.ordinal == journal->ordinal + 1 || journal->no_flush)
        return STATUS_OK;
    struct copied copied = {.epoch = frame.epoch, .after = journal->ordinal, .last = frame.ordinal};
    memcpy(copied.ledger_id, journal->genesis.ledger_id, sizeof(copied.ledger_id));
    enum status status = copied_write(journal->env, journal->directory, &copied, &journal->copied);
    if (status != STATUS_OK)
        journal_fail(journal, COPIED_NAME, 0, env_last_error());
    return status;
}

enum status journal_take(struct journal *journal, const uint8_t *frames, size_t n)
{
    CHECK(journal->copy && journal->open.frame == NULL && !journal->in_flight && n <= FRAME_BYTES_MAX);
    if (journal->failed)
        return STATUS_IO;
    /* Into the tail, from where they are written and read. */
    size_t chunk_bytes = tail_chunk_bytes(journal->tail);
    size_t at = (size_t)round_up(journal->tail_used, journal->block_bytes);
    if (journal->tail_memory == NULL || at + n > chunk_bytes) {
        if (journal->tail_memory != NULL)
            journal->tail_chunk++;
        journal->tail_memory = tail_claim(journal->tail, journal->tail_chunk);
        at = 0;
    }
    uint8_t *bytes = journal->tail_memory + at;
    uint64_t start = journal->tail_chunk * (uint64_t)chunk_bytes + at;
    memcpy(bytes, frames, n);
    journal->tail_used = at + n;
    enum status status = filler_need(journal->filler, journal->offset + n);
    if (status != STATUS_OK) {
        journal_fail_filling(journal);
        return status;
    }
    status = take_note(journal, bytes, n);
    if (status != STATUS_OK)
        return status;
    status = write_here(journal, journal->offset, bytes, n);
    if (status != STATUS_OK)
        return take_failed(journal, status);
    for (size_t done = 0; done < n;) {
        struct frame frame;
        CHECK(frame_parse(bytes + done, journal->genesis.ledger_id, &frame) == FRAME_OK);
        CHECK(frame.ordinal == journal->ordinal + 1 && frame.frame_bytes <= n - done);
        frame_landed(journal, &frame, journal->offset, bytes + done + FRAME_HEADER_BYTES,
                     start + done + FRAME_HEADER_BYTES);
        journal->ordinal = frame.ordinal;
        journal->chain = frame.chain;
        journal->next_seq = frame.last_seq + 1;
        journal->frame_first_seq = journal->next_seq;
        journal->log_us = frame.log_us;
        journal->offset += frame.frame_bytes;
        journal->unsealed = true;
        done += frame.frame_bytes;
    }
    atomic_fetch_add_explicit(&journal->flushes, 1, memory_order_relaxed);
    filler_used(journal->filler, journal->offset);
    place_look(journal);
    return take_failed(journal, image_reach(journal));
}

/* ---- any thread ---- */

uint64_t journal_durable_seq(const struct journal *journal)
{
    return atomic_load_explicit(&journal->durable_seq, memory_order_acquire);
}

uint64_t journal_durable_ordinal(const struct journal *journal)
{
    return atomic_load_explicit(&journal->durable_ordinal, memory_order_acquire);
}

uint64_t journal_oldest_seq(const struct journal *journal)
{
    return atomic_load_explicit(&journal->oldest_seq, memory_order_acquire);
}

int64_t journal_oldest_us(const struct journal *journal)
{
    return atomic_load_explicit(&journal->oldest_us, memory_order_acquire);
}

/* What a read said, unless what it was for was dropped meanwhile. */
static enum status unless_gone(const struct journal *journal, uint64_t from_seq, enum status status)
{
    return status != STATUS_OK && from_seq < journal_oldest_seq(journal) ? STATUS_NOT_FOUND : status;
}

const struct epochs *journal_epochs(const struct journal *journal)
{
    return atomic_load_explicit(&journal->epochs, memory_order_acquire);
}

const struct genesis *journal_genesis(const struct journal *journal)
{
    return &journal->genesis;
}

struct env_directory *journal_directory(const struct journal *journal)
{
    return journal->directory;
}

const struct env *journal_env(const struct journal *journal)
{
    return journal->env;
}

enum status journal_read(struct journal *journal, uint64_t from_seq, tail_offset hint, bool memory_only, uint8_t *bytes,
                         size_t n, size_t *out_bytes)
{
    if (from_seq < journal_oldest_seq(journal))
        return STATUS_NOT_FOUND;
    if (from_seq > journal_durable_seq(journal))
        return STATUS_END;
    if (journal->tail != NULL) {
        struct index_place near = {.seq = 0};
        if (hint == TAIL_UNKNOWN)
            (void)index_find(&journal->index, from_seq, &near);
        enum status status = tail_read(journal->tail, from_seq, hint, &near, bytes, n, out_bytes);
        if (status != STATUS_NOT_FOUND && status != STATUS_END)
            return status;
    }
    if (memory_only)
        return STATUS_AGAIN;
    return unless_gone(journal, from_seq, reader_pool_read(journal->readers, from_seq, bytes, n, out_bytes));
}

enum status journal_read_back(struct journal *journal, uint64_t from_seq, uint64_t seq, uint8_t *bytes, size_t n,
                              size_t *out_bytes)
{
    enum status status = journal_read(journal, from_seq, TAIL_UNKNOWN, true, bytes, n, out_bytes);
    struct index_place place;
    if (status != STATUS_AGAIN)
        return status;
    if (index_find(&journal->index, seq, &place) && from_seq < place.seq)
        from_seq = place.seq;
    return unless_gone(journal, from_seq, reader_pool_read(journal->readers, from_seq, bytes, n, out_bytes));
}

enum status journal_replay_until(struct journal *journal, struct journal_place *place, int64_t until_us, uint64_t until_seq,
                                 const struct journal_replay *replay, const atomic_bool *stop)
{
    struct replay work;
    enum status status = replay_init(&work, journal->env, replay);
    if (status != STATUS_OK)
        return status;
    work.until_us = until_us;
    work.until_seq = until_seq;
    work.stop = stop;
    status = reader_pool_replay(journal->readers, place, &work);
    replay_deinit(&work);
    if (place->segment < index_first(&journal->index))
        return STATUS_NOT_FOUND;
    return status == STATUS_OK && stop != NULL && atomic_load(stop) ? STATUS_AGAIN : status;
}

enum status journal_copy_find(struct journal *journal, uint64_t seq, uint64_t ordinal, uint32_t chain,
                              struct journal_cursor *out_cursor)
{
    if (seq == 0 && ordinal == 0)
        return copy_from_beginning(journal->env, journal->directory, &journal->index, out_cursor);
    if (seq + 1 < journal_oldest_seq(journal))
        return STATUS_NOT_FOUND;
    return unless_gone(journal, seq + 1, reader_pool_find(journal->readers, seq, ordinal, chain, out_cursor));
}

/* What of it is in memory. False when it is not, or not right behind what was copied. */
static bool copy_tail(struct journal *journal, struct journal_cursor *cursor, uint64_t until_ordinal, uint8_t *bytes,
                      size_t n, size_t *out_bytes)
{
    struct index_segment here;
    if (journal->tail == NULL || cursor->header || !index_segment(&journal->index, cursor->segment, &here) ||
        cursor->offset >= here.end)
        return false;
    /* A frame behind here.end is of the next segment, or not durable. */
    size_t room = here.end - cursor->offset < n ? (size_t)(here.end - cursor->offset) : n;
    size_t used = tail_copy_frames(journal->tail, cursor->ordinal + 1, until_ordinal, bytes, room);
    for (size_t at = 0; at < used;) {
        struct frame frame;
        CHECK(frame_parse(bytes + at, journal->genesis.ledger_id, &frame) == FRAME_OK); /* our own memory */
        at += frame.frame_bytes;
        cursor->offset += frame.frame_bytes;
        cursor->ordinal = frame.ordinal;
        cursor->chain = frame.chain;
    }
    *out_bytes = used;
    return used != 0;
}

enum status journal_copy(struct journal *journal, struct journal_cursor *cursor, uint64_t until_ordinal,
                         bool memory_only, uint8_t *bytes, size_t n, size_t *out_bytes)
{
    if (until_ordinal <= cursor->ordinal || journal_durable_ordinal(journal) <= cursor->ordinal)
        return STATUS_END;
    if (cursor->segment < index_first(&journal->index))
        return STATUS_NOT_FOUND;
    if (cursor->beginning || cursor->image_seq != 0)
        return memory_only ? STATUS_AGAIN
                           : copy_beginning(journal->env, journal->directory, &journal->index, &journal->genesis, cursor, bytes, n,
                                            out_bytes);
    if (copy_tail(journal, cursor, until_ordinal, bytes, n, out_bytes))
        return STATUS_OK;
    return memory_only ? STATUS_AGAIN : reader_pool_copy(journal->readers, cursor, until_ordinal, bytes, n, out_bytes);
}

enum status journal_replay_to(struct journal *journal, struct journal_place *place, uint64_t last_seq, int64_t log_us,
                              uint64_t ordinal, const struct journal_replay *replay, const atomic_bool *stop)
{
    struct replay work;
    enum status status = replay_init(&work, journal->env, replay);
    if (status != STATUS_OK)
        return status;
    work.frame_seq = last_seq;
    work.frame_us = log_us;
    work.frame_ordinal = ordinal;
    work.stop = stop;
    status = reader_pool_replay(journal->readers, place, &work);
    bool there = place->record == 0 && place->seq > last_seq && work.log_us >= log_us && place->ordinal >= ordinal;
    replay_deinit(&work);
    if (place->segment < index_first(&journal->index))
        return STATUS_NOT_FOUND;
    return status == STATUS_OK && !there ? STATUS_AGAIN : status;
}

/* The segment of this name, by its place in the index. */
static bool segment_find(struct journal *journal, uint64_t first_seq, uint32_t *out_segment)
{
    struct index_segment segment;
    for (uint32_t i = index_first(&journal->index); index_segment(&journal->index, i, &segment); i++) {
        if (segment.first_seq != first_seq)
            continue;
        *out_segment = i;
        return true;
    }
    return false;
}

enum status journal_replay_checkpoint(struct journal *journal, struct journal_place *out_place, int64_t until_us,
                                      uint64_t until_seq, const struct journal_replay *replay)
{
    uint64_t seqs[CHECKPOINT_LISTED];
    size_t count = 0;
    bool unread = false;
    enum status status = checkpoint_list(journal->env, journal->directory, seqs, CHECKPOINT_LISTED, &count);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        char problem[256];
        struct checkpoint checkpoint;
        struct checkpoint_reader *reader = NULL;
        uint32_t segment = 0;
        if (seqs[i] > until_seq)
            continue;
        status = checkpoint_open(journal->env, journal->directory, seqs[i], &checkpoint, &reader, problem, sizeof(problem));
        unread = unread || checkpoint_is_unread(status);
        if (checkpoint_is_bad(status))
            continue;
        if (status != STATUS_OK)
            return status;
        checkpoint_close(reader);
        if (checkpoint.log_us > until_us || memcmp(checkpoint.genesis.ledger_id, journal->genesis.ledger_id, 16) != 0 ||
            !segment_find(journal, checkpoint.segment_seq, &segment))
            continue;
        status = resume_read(journal->env, journal->directory, seqs[i], replay, NULL, &checkpoint, problem, sizeof(problem));
        unread = unread || checkpoint_is_unread(status);
        if (checkpoint_is_bad(status))
            continue;
        *out_place = (struct journal_place){.segment = segment,
                                            .offset = checkpoint.offset,
                                            .seq = checkpoint.last_seq + 1,
                                            .frame_offset = checkpoint.frame_offset,
                                            .ordinal = checkpoint.ordinal,
                                            .chain = checkpoint.chain};
        return status;
    }
    /* What could not be read may be read the next time; with a beginning nobody needs to wait for that. */
    return unread && journal_oldest_us(journal) != INT64_MIN ? STATUS_IO : STATUS_NOT_FOUND;
}

enum status journal_checkpoint_begin(struct journal *journal, const struct journal_place *place, int64_t log_us,
                                     uint64_t state_hash, uint32_t image_layout, struct checkpoint_writer **out_writer)
{
    CHECK(place->record == 0 && place->ordinal != 0);
    struct checkpoint checkpoint = {.genesis = journal->genesis,
                                    .epoch = journal_epoch(journal),
                                    .layout = image_layout,
                                    .last_seq = place->seq - 1,
                                    .log_us = log_us,
                                    .state_hash = state_hash,
                                    .frame_offset = place->frame_offset,
                                    .offset = place->offset,
                                    .ordinal = place->ordinal,
                                    .chain = place->chain,
                                    .created_us = journal->env->wall_us(journal->env->context)};
    return resume_write(journal->env, journal->directory, &journal->index, place->segment, &checkpoint, out_writer);
}

enum status journal_pack(struct journal *journal)
{
    return journal->cold == NULL ? STATUS_END : cold_step(journal->cold);
}

/* How many of them are put away, and may go. */
static uint32_t archive(struct journal *journal, const struct journal_retention *wanted, const struct retention_choice *choice)
{
    struct index_segment here;
    uint32_t i = wanted->archive == NULL ? choice->end : choice->first;
    for (; i < choice->end; i++) {
        char name[SEGMENT_NAME_BYTES];
        CHECK(index_segment(&journal->index, i, &here));
        segment_name(here.first_seq, name);
        if (!wanted->archive(wanted->context, name))
            break;
    }
    return i;
}

/* From now on it begins with this segment, and what is before it goes. */
static enum status begin_at(struct journal *journal, uint32_t segment, const atomic_bool *stop,
                            struct journal_retained *retained, char *problem, size_t problem_bytes)
{
    const struct env *env = journal->env;
    struct beginning beginning;
    enum status status = retention_beginning(env, journal->directory, &journal->index, segment, &journal->genesis, &beginning,
                                             &retained->bytes);
    if (status == STATUS_OK)
        status = retention_chain(env, journal->directory, &journal->index, segment, stop, &beginning);
    if (status == STATUS_OK)
        status = beginning_write(env, journal->directory, &beginning);
    if (status != STATUS_OK) {
        (void)snprintf(problem, problem_bytes, BEGINNING_NAME " cannot be written: %s",
                       status == STATUS_DAMAGED ? "a segment changed meanwhile" : env_last_error());
        return status;
    }
    uint32_t first = index_first(&journal->index);
    retained->segments = segment - first;
    atomic_store_explicit(&journal->oldest_us, beginning.before_us, memory_order_release);
    atomic_store_explicit(&journal->oldest_seq, beginning.first_seq, memory_order_release);
    atomic_fetch_add(&journal->dropped, retained->segments);
    atomic_fetch_add(&journal->dropped_bytes, retained->bytes);
    atomic_fetch_sub(&journal->segments, retained->segments);
    for (uint32_t i = first; i < segment; i++) {
        struct index_segment gone;
        CHECK(index_segment(&journal->index, i, &gone));
        index_drop(&journal->index, i + 1);
        reader_pool_forget(journal->readers, gone.first_seq);
    }
    retention_remove(env, journal->directory, beginning.first_seq);
    return STATUS_OK;
}

enum status journal_retain(struct journal *journal, const struct journal_retention *wanted,
                           struct journal_retained *out_retained, char *problem, size_t problem_bytes)
{
    struct retention_choice choice;
    *out_retained = (struct journal_retained){.reason = RETAINED_WANTED};
    enum status status =
        retention_choose(journal->env, journal->directory, &journal->index, wanted, &choice, problem, problem_bytes);
    if (status != STATUS_OK)
        return status;
    uint32_t end = archive(journal, wanted, &choice);
    out_retained->over_bytes = choice.over_bytes;
    out_retained->reason = end < choice.end ? RETAINED_ARCHIVE : choice.reason;
    return end == choice.first ? STATUS_OK : begin_at(journal, end, wanted->stop, out_retained, problem, problem_bytes);
}

struct journal_counters journal_counters(const struct journal *journal)
{
    const struct cold_counters cold = journal->cold == NULL ? (struct cold_counters){0} : cold_counters(journal->cold);
    return (struct journal_counters){
        .packed = cold.packed,
        .packed_raw_bytes = cold.raw_bytes,
        .packed_bytes = cold.bytes,
        .pack_failures = cold.failures,
        .flushes = atomic_load_explicit(&journal->flushes, memory_order_relaxed),
        .frames = atomic_load_explicit(&journal->frames, memory_order_relaxed),
        .record_bytes = atomic_load_explicit(&journal->record_bytes, memory_order_relaxed),
        .disk_bytes = atomic_load_explicit(&journal->disk_bytes, memory_order_relaxed),
        .segments = atomic_load_explicit(&journal->segments, memory_order_relaxed),
        .dropped = atomic_load_explicit(&journal->dropped, memory_order_relaxed),
        .dropped_bytes = atomic_load_explicit(&journal->dropped_bytes, memory_order_relaxed),
        .read_failures = reader_pool_failures(journal->readers),
    };
}

void journal_read_failure(struct journal *journal, char *out_text, size_t n)
{
    reader_pool_failure(journal->readers, out_text, n);
}

struct journal_disk journal_disk(const struct journal *journal)
{
    if (journal->filler == NULL)
        return (struct journal_disk){0};
    const struct filler_state state = filler_state(journal->filler);
    return (struct journal_disk){.full = state.full, .low = state.low};
}

void journal_disk_problem(struct journal *journal, char *out_text, size_t n)
{
    filler_problem(journal->filler, out_text, n);
}

int64_t journal_flushed_at_ns(struct journal *journal, uint64_t seq)
{
    return journal->tail == NULL ? 0 : tail_flushed_at_ns(journal->tail, seq);
}
