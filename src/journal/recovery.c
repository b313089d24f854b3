/*
 * Recovery: reading the journal back, and telling a torn tail from damage.
 *
 * A crash can leave the last frame half written. Nobody was told that it was durable, so it is cut. A disk can also
 * lose or change a frame that somebody was told about; cutting there would take back what was promised, and must never
 * happen by itself. Both look the same at the bad frame. What comes behind it tells them apart:
 *
 *     | 41 | 42 | ?? | 44, durable through 43 | ...    44 was written when 43 was durable: ?? is damage
 *     | 41 | 42 | ?? | 44, durable through 42 |        two were in flight: ?? was never acknowledged, torn
 *     | 41 | 42 | ?? | zeros or anything      |        torn
 *
 * Frames are counted (ordinal), so this also works for frames without events. The search behind the bad frame goes in
 * steps of the smallest block through the rest of the segment and believes only headers with a sound checksum, of this
 * ledger. When a later segment exists, its header says the same as a durable_through of everything before it.
 * The last frame of all has nothing behind it: hence the seal that follows when the journal is idle or closed.
 * Of the block that a copy wrote last, frames are not believed about each other (copied.h).
 *
 * Reading goes through one window of memory, large enough for two frames; records are decoded where they lie, so the
 * texts given to replay point into the window and no memory is allocated per record.
 *
 *     file    ...|..frame..|..frame..|..frame..|...
 *     window          [ at            end )          moved when the frame at hand is not whole in it
 */
#include "journal/recovery.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "journal/checkpoint.h"
#include "journal/copied.h"
#include "journal/repair.h"
#include "journal/replay.h"
#include "journal/resume.h"
#include "journal/segment_file.h"

#define WINDOW_BYTES  ((size_t)2 * FRAME_BYTES_MAX)
#define SEGMENTS_STEP 64

struct window {
    struct segment_file *file;
    uint8_t *memory;
    uint64_t from; /* file offset of memory[0] */
    size_t bytes;
};

struct recovery {
    const struct env *env;
    struct env_directory *directory;
    const struct journal_frames *frames; /* NULL for none */
    struct index *index; /* NULL for none */
    struct recovery_end *end;
    struct journal_report *report;
    struct journal_progress *progress; /* NULL for none */
    uint64_t *sizes;                   /* then: of the files of the segments */
    uint64_t bytes_before;             /* of what was read before the present segment */
    struct checkpoint checkpoint;      /* the one that is tried or taken */

    uint64_t *names; /* first sequence numbers of the segments, sorted */
    size_t name_count, name_max;
    size_t position; /* of the segment being read, in names */
    enum status listing;

    uint32_t base;         /* number of the first of them, from 0 */
    bool unread;           /* a checkpoint is there that the system did not read */
    struct copied copied;  /* the block that a copy took last */
    uint32_t image_chain;  /* of the frame end->image_ordinal; frames up to it are checked, and not handed on */

    struct window window;
    struct replay replay;
    uint64_t before_offset; /* where the segment before the one being read ends */
    uint64_t last_offset; /* of the frame before, in the present segment; 0 for none */
    const char *bad;      /* why there is no frame at end->offset */
};

#define PROBLEM(recovery, ...)                                                                                         \
    (void)snprintf((recovery)->report->problem, sizeof((recovery)->report->problem), __VA_ARGS__)

#define REMEDY                                                                                                         \
    "Nothing was changed. Run 'onhand verify' for the whole picture, then restore a copy of the data directory or "    \
    "repair it explicitly."

/* Bytes [offset, offset + n) of the file, or fewer at its end. Borrowed until the next call. */
static enum status window_get(struct window *window, uint64_t offset, size_t n, const uint8_t **out_bytes,
                              size_t *out_n)
{
    if (offset < window->from || offset + n > window->from + window->bytes) {
        size_t got = 0;
        enum status status = segment_file_read(window->file, offset, window->memory, WINDOW_BYTES, &got);
        if (status != STATUS_OK)
            return status;
        window->from = offset;
        window->bytes = got;
    }
    size_t there = (size_t)(window->from + window->bytes - offset);
    *out_bytes = window->memory + (offset - window->from);
    *out_n = there < n ? there : n;
    return STATUS_OK;
}

static void window_open(struct window *window, struct segment_file *file)
{
    window->file = file;
    window->from = 0;
    window->bytes = 0;
}

static enum status io_problem(struct recovery *recovery, enum status status, const char *what, const char *name)
{
    if (status == STATUS_DAMAGED) { /* a raw one is judged frame by frame */
        PROBLEM(recovery,
                "%s, behind offset %" PRIu64 " of its frames: a block, the table or the end of this packed segment fails its "
                "checksums: acknowledged decisions are damaged. %s",
                name, recovery->end->offset, REMEDY);
        return status;
    }
    PROBLEM(recovery, "%s %s: %s. To mend it: %s. Nothing was changed.", what, name, env_last_error(),
            status_remedy(status));
    return status;
}

/* ---- the list of segments ---- */

static void collect_name(void *argument, const char *name)
{
    struct recovery *recovery = argument;
    size_t length = strlen(name);
    size_t suffix = sizeof(SEGMENT_SUFFIX) - 1;
    if (recovery->listing != STATUS_OK || length < suffix || strcmp(name + length - suffix, SEGMENT_SUFFIX) != 0)
        return; /* not ours: cursors, checkpoints, people's notes */
    uint64_t first_seq = 0;
    if (strcmp(name, REPAIR_LOG_NAME) == 0) {
        PROBLEM(recovery, "a repair of this data directory was begun and not ended. Run 'onhand repair DIR --give-up' "
                          "again: it goes on.");
        recovery->listing = STATUS_DAMAGED;
        return;
    }
    if (length != SEGMENT_NAME_BYTES - 1 || !segment_name_parse(name, &first_seq)) {
        PROBLEM(recovery,
                "%.200s ends in " SEGMENT_SUFFIX " but is not named like a segment (20 digits). Move it out "
                "of the data directory if it is not part of the journal; nothing was changed.",
                name);
        recovery->listing = STATUS_DAMAGED;
        recovery->end->in_the_way = true;
        return;
    }
    if (recovery->name_count == recovery->name_max) {
        size_t max = recovery->name_max + SEGMENTS_STEP * (1 + recovery->name_max / SEGMENTS_STEP);
        uint64_t *names = realloc(recovery->names, max * sizeof(*names));
        if (names == NULL) {
            recovery->listing = STATUS_MEMORY;
            return;
        }
        recovery->names = names;
        recovery->name_max = max;
    }
    recovery->names[recovery->name_count++] = first_seq;
}

static int compare_names(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return x < y ? -1 : x > y;
}

/* ---- how far it is ---- */

/* 0 when it cannot be had: who reads the file says why. */
static uint64_t file_bytes(const struct recovery *recovery, const char *name)
{
    const struct env *env = recovery->env;
    struct env_file *file = NULL;
    uint64_t bytes = 0;
    if (env->file_open(env->context, recovery->directory, name, ENV_OPEN_READ, &file) != STATUS_OK)
        return 0;
    if (env->file_size(env->context, file, &bytes) != STATUS_OK)
        bytes = 0;
    env->file_close(env->context, file);
    return bytes;
}

/* What there is to read: the segments from this one on, behind a checkpoint of so many bytes. */
static void progress_begin(struct recovery *recovery, uint64_t first_seq, uint64_t checkpoint_bytes)
{
    uint64_t bytes = checkpoint_bytes;
    if (recovery->progress == NULL)
        return;
    for (size_t i = 0; i < recovery->name_count; i++)
        bytes += recovery->names[i] >= first_seq ? recovery->sizes[i] : 0;
    recovery->bytes_before = checkpoint_bytes;
    atomic_store(&recovery->progress->bytes_read, 0);
    atomic_store(&recovery->progress->bytes_to_read, bytes);
}

static enum status progress_measure(struct recovery *recovery)
{
    char name[SEGMENT_NAME_BYTES];
    if (recovery->progress == NULL)
        return STATUS_OK;
    recovery->sizes = calloc(recovery->name_count, sizeof(*recovery->sizes));
    if (recovery->sizes == NULL)
        return STATUS_MEMORY;
    for (size_t i = 0; i < recovery->name_count; i++) {
        segment_name(recovery->names[i], name);
        recovery->sizes[i] = file_bytes(recovery, name);
    }
    progress_begin(recovery, 0, 0);
    return STATUS_OK;
}

/* Read up to this offset of the raw segment: a packed one's file is smaller. */
static void progress_at(const struct recovery *recovery, size_t position, uint64_t offset)
{
    if (recovery->progress == NULL)
        return;
    uint64_t file = recovery->sizes[position];
    uint64_t raw = recovery->end->size_bytes;
    double part = offset >= raw ? 1 : (double)offset / (double)raw;
    atomic_store_explicit(&recovery->progress->bytes_read, recovery->bytes_before + (uint64_t)((double)file * part),
                          memory_order_relaxed);
}

static void progress_frame(const struct recovery *recovery, const struct frame *frame)
{
    if (recovery->progress == NULL)
        return;
    progress_at(recovery, recovery->position, recovery->end->offset);
    atomic_store_explicit(&recovery->progress->decisions, recovery->replay.decision_count, memory_order_relaxed);
    if (frame->last_seq >= frame->first_seq)
        journal_progress_to(recovery->progress, frame->epoch, frame->last_seq);
}

static bool is_stopped(const struct recovery *recovery)
{
    return recovery->progress != NULL && atomic_load_explicit(&recovery->progress->stop, memory_order_relaxed);
}

/* ---- frames ---- */

/* Is a frame of this number of the block that a copy took last? Then it may be torn. */
static bool is_copied(const struct recovery *recovery, uint64_t ordinal)
{
    const struct segment *segment = &recovery->end->segment;
    const struct copied *copied = &recovery->copied;
    return ordinal > copied->after && ordinal <= copied->last && copied->epoch == segment->epochs.now &&
           memcmp(copied->ledger_id, segment->ledger_id, 16) == 0;
}

static enum status records_replay(struct recovery *recovery, const struct frame *frame, const uint8_t *records,
                                  const char *name)
{
    struct recovery_end *end = recovery->end;
    struct replay *replay = &recovery->replay;
    const struct journal_replay *to = replay->to;
    replay->ledger_id = end->segment.ledger_id;
    replay->to = frame->ordinal > end->image_ordinal ? to : NULL;
    enum status status = replay_frame(replay, frame, records, 0, frame->first_seq);
    replay->to = to;
    if (status != STATUS_OK && replay->bad == NULL)
        PROBLEM(recovery, "%s, offset %" PRIu64 ": the record %zu bytes into frame %" PRIu64 " %s. %s", name, end->offset,
                replay->at, frame->ordinal,
                status == STATUS_VERSION ? "is of a kind this version does not know: use the version that wrote it"
                                         : "is malformed although its checksum is right: please report this",
                REMEDY);
    else if (status != STATUS_OK)
        PROBLEM(recovery,
                "%s, offset %" PRIu64 ": frame %" PRIu64 " has sound checksums but %s. Please report this. %s", name,
                end->offset, frame->ordinal, replay->bad, REMEDY);
    if (status == STATUS_OK && frame->ordinal == end->image_ordinal && frame->chain != recovery->image_chain) {
        PROBLEM(recovery,
                "%s, offset %" PRIu64 ": frame %" PRIu64 " is not the one that the checkpoint of event %" PRIu64
                " was made of, and the journal's beginning is no longer kept. %s",
                name, end->offset, frame->ordinal, recovery->report->checkpoint_seq, REMEDY);
        status = STATUS_DAMAGED;
    }
    if (status != STATUS_OK)
        return status;
    end->genesis = replay->genesis;
    end->log_us = replay->log_us;
    end->sealed = replay->sealed;
    return STATUS_OK;
}

/*
 * Reads the frame at end->offset. OK: it was the next one and is replayed. END: there is none, recovery->bad says why.
 */
static enum status frame_read(struct recovery *recovery, const char *name)
{
    struct recovery_end *end = recovery->end;
    const uint8_t *bytes = NULL;
    size_t n = 0;
    if (is_stopped(recovery))
        return STATUS_AGAIN;
    enum status status = window_get(&recovery->window, end->offset, FRAME_STEP_BYTES, &bytes, &n);
    if (status != STATUS_OK)
        return io_problem(recovery, status, "cannot read", name);
    recovery->bad = "the file ends";
    if (n < FRAME_STEP_BYTES)
        return STATUS_END;
    struct frame frame;
    switch (frame_parse(bytes, end->segment.ledger_id, &frame)) {
    case FRAME_OK:
        break;
    case FRAME_ABSENT:
        recovery->bad = "there is no frame";
        return STATUS_END;
    case FRAME_BROKEN:
        recovery->bad = "the frame's header fails its checksum or bounds";
        return STATUS_END;
    case FRAME_TOO_NEW:
        PROBLEM(recovery,
                "%s, offset %" PRIu64 ": the frame was written by a newer version. Use that version; nothing "
                "was changed.",
                name, end->offset);
        return STATUS_VERSION;
    }
    recovery->bad = "the frame is not the one that follows (number, epoch, sequence or chain)";
    if (frame.ordinal != end->ordinal + 1 || frame.epoch != end->segment.epochs.now ||
        frame.first_seq != end->last_seq + 1 || !frame_follows(bytes, &frame, end->chain))
        return STATUS_END;
    status = window_get(&recovery->window, end->offset, frame.frame_bytes, &bytes, &n);
    if (status != STATUS_OK)
        return io_problem(recovery, status, "cannot read", name);
    recovery->bad = "the frame is cut off by the end of the file";
    if (n < frame.frame_bytes)
        return STATUS_END;
    recovery->bad = "the frame's payload fails its checksum";
    if (!frame_payload_sound(&frame, bytes))
        return STATUS_END;
    status = records_replay(recovery, &frame, bytes + FRAME_HEADER_BYTES, name);
    if (status != STATUS_OK)
        return status;

    if (recovery->frames != NULL)
        recovery->frames->met(recovery->frames->context, &(struct journal_met){.name = name,
                                                                               .offset = end->offset,
                                                                               .segment = &end->segment,
                                                                               .frame = &frame,
                                                                               .bytes = bytes});

    /* All before frame.durable_ordinal was durable; what is not is at most the frame before this one and this one. */
    if (is_copied(recovery, frame.ordinal) && frame.ordinal != recovery->copied.after + 1)
        ; /* the beginning of that block is not covered either: all of it is written anew */
    else if (frame.durable_ordinal + 1 >= frame.ordinal || recovery->last_offset == 0)
        end->uncovered_offset = end->offset;
    else
        end->uncovered_offset = recovery->last_offset;
    recovery->last_offset = end->offset;
    uint64_t frame_end = end->offset + frame.frame_bytes;
    if (recovery->index != NULL)
        index_add_frame(recovery->index, end->offset, frame_end, frame.last_seq >= frame.first_seq, frame.first_seq,
                        bytes + FRAME_HEADER_BYTES, frame.record_bytes);
    end->offset = frame_end;
    end->ordinal = frame.ordinal;
    end->chain = frame.chain;
    end->last_seq = frame.last_seq;
    recovery->report->frame_count++;
    recovery->report->bytes_read += frame.frame_bytes;
    progress_frame(recovery, &frame);
    return STATUS_OK;
}

/* ---- segments ---- */

/* A segment goes on in the epoch of the one before it, or begins its own with its first event. */
static bool epochs_follow(const struct segment *before, const struct segment *segment)
{
    return epochs_extend(&before->epochs, &segment->epochs) &&
           (segment->epochs.now == before->epochs.now || segment->epochs.parted_seq == segment->first_seq - 1);
}

static enum status header_read(struct recovery *recovery, const char *name, struct segment *out_segment)
{
    const uint8_t *bytes = NULL;
    size_t n = 0;
    enum status status = window_get(&recovery->window, 0, SEGMENT_HEADER_BYTES, &bytes, &n);
    if (status != STATUS_OK)
        return io_problem(recovery, status, "cannot read", name);
    enum segment_verdict verdict = n < SEGMENT_HEADER_BYTES ? SEGMENT_BROKEN : segment_parse(bytes, out_segment);
    if (verdict == SEGMENT_FOREIGN) {
        PROBLEM(recovery, "%s, offset 0: this is not a segment of a journal. %s", name, REMEDY);
        return STATUS_DAMAGED;
    }
    if (verdict == SEGMENT_BROKEN) {
        PROBLEM(recovery, "%s, offset 0: the segment's header is cut off or fails its checksum. %s", name, REMEDY);
        return STATUS_DAMAGED;
    }
    if (verdict == SEGMENT_TOO_NEW) {
        PROBLEM(recovery, "%s was written by a newer version. Use that version; nothing was changed.", name);
        return STATUS_VERSION;
    }
    return STATUS_OK;
}

/* The same of one that is read. */
static enum status segment_header(struct recovery *recovery, const char *name, struct segment *out_segment)
{
    enum status status = header_read(recovery, name, out_segment);
    if (status != STATUS_OK)
        return status;
    recovery->report->segment_count++;
    recovery->report->bytes_read += SEGMENT_HEADER_BYTES;
    return STATUS_OK;
}

/* Of the one in which a checkpoint ends: all but its header is known. */
static enum status segment_resume(struct recovery *recovery, const char *name)
{
    struct recovery_end *end = recovery->end;
    struct segment segment;
    enum status status = segment_header(recovery, name, &segment);
    if (status != STATUS_OK)
        return status;
    end->segment = segment;
    return STATUS_OK;
}

/* Is it the one that the journal begins with? */
static enum status check_first(struct recovery *recovery, const struct segment *segment, const char *name)
{
    const struct beginning *beginning = &recovery->end->beginning;
    if (segment->number != beginning->number || segment->first_seq != beginning->first_seq ||
        segment->first_ordinal != beginning->first_ordinal || segment->previous_chain != beginning->previous_chain ||
        recovery->names[0] != beginning->first_seq) {
        PROBLEM(recovery,
                "the first segment is missing: the oldest one there, %s, is number %" PRIu64 " of its journal, and number %" PRIu64
                " is the oldest that was kept. %s",
                name, segment->number, beginning->number, REMEDY);
        return STATUS_DAMAGED;
    }
    if (beginning_is_of_all(beginning) || memcmp(segment->ledger_id, beginning->genesis.ledger_id, 16) == 0)
        return STATUS_OK;
    PROBLEM(recovery, "%s belongs to another ledger than " BEGINNING_NAME ". %s", name, REMEDY);
    return STATUS_DAMAGED;
}

static enum status segment_begin(struct recovery *recovery, size_t position, const char *name)
{
    struct recovery_end *end = recovery->end;
    struct segment segment;
    enum status status = segment_header(recovery, name, &segment);
    if (status != STATUS_OK)
        return status;
    end->offset = recovery->before_offset; /* until it is known to follow */
    if (position == 0) {
        const struct beginning *beginning = &end->beginning;
        status = check_first(recovery, &segment, name);
        if (status != STATUS_OK)
            return status;
        end->ordinal = beginning->first_ordinal - 1;
        end->chain = beginning->previous_chain;
        end->last_seq = beginning->first_seq - 1;
    } else {
        char before[SEGMENT_NAME_BYTES];
        segment_name(end->segment.first_seq, before);
        if (memcmp(segment.ledger_id, end->segment.ledger_id, 16) != 0) {
            PROBLEM(recovery,
                    "%s belongs to another ledger than %s. Move it out of the data directory if it was put "
                    "there by mistake. %s",
                    name, before, REMEDY);
            return STATUS_DAMAGED;
        }
        if (segment.number != end->segment.number + 1) {
            PROBLEM(recovery, "a segment is missing between %s (number %" PRIu64 ") and %s (number %" PRIu64 "). %s",
                    before, end->segment.number, name, segment.number, REMEDY);
            return STATUS_DAMAGED;
        }
        if (segment.first_ordinal != end->ordinal + 1 || segment.previous_chain != end->chain ||
            segment.first_seq != end->last_seq + 1 || segment.first_seq != recovery->names[position]) {
            PROBLEM(recovery,
                    "%s, offset %" PRIu64 ": %s where frame %" PRIu64 " should be, yet %s begins after frame %" PRIu64
                    ", so everything up to it was durable: acknowledged decisions are damaged. %s",
                    before, end->offset, recovery->bad, end->ordinal + 1, name, segment.first_ordinal - 1, REMEDY);
            return STATUS_DAMAGED;
        }
        if (!epochs_follow(&end->segment, &segment)) {
            PROBLEM(recovery,
                    "%s is of epoch %" PRIu32 ", which does not follow from epoch %" PRIu32 " of %s: segments of two "
                    "histories are in one directory. %s",
                    name, epoch_number(segment.epochs.now), epoch_number(end->segment.epochs.now), before, REMEDY);
            return STATUS_DAMAGED;
        }
    }
    end->segment = segment;
    end->offset = SEGMENT_HEADER_BYTES;
    end->uncovered_offset = SEGMENT_HEADER_BYTES;
    recovery->last_offset = 0;
    return STATUS_OK;
}

/* Has all that is to be read been read? */
static bool is_through(const struct recovery *recovery)
{
    return recovery->frames != NULL && recovery->frames->until_ordinal != 0 &&
           recovery->end->ordinal >= recovery->frames->until_ordinal;
}

static bool all_zero(const uint8_t *bytes, size_t n)
{
    return n == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0);
}

/* There is no next frame at end->offset of the last segment. Torn or rotten? */
static enum status tail_judge(struct recovery *recovery, const char *name)
{
    struct recovery_end *end = recovery->end;
    uint64_t expected = end->ordinal + 1;
    end->cut_end = end->offset;
    if (recovery->frames != NULL && recovery->frames->until_ordinal >= expected) {
        PROBLEM(recovery,
                "%s, offset %" PRIu64 ": %s where frame %" PRIu64 " (sequence %" PRIu64
                " on) should be, which was durable: acknowledged decisions are damaged. %s",
                name, end->offset, recovery->bad, expected, end->last_seq + 1, REMEDY);
        return STATUS_DAMAGED;
    }
    for (uint64_t at = end->offset;;) {
        const uint8_t *bytes = NULL;
        size_t n = 0;
        enum status status = window_get(&recovery->window, at, FRAME_STEP_BYTES, &bytes, &n);
        if (status != STATUS_OK)
            return io_problem(recovery, status, "cannot read", name);
        if (n == 0)
            break;
        if (!all_zero(bytes, n)) {
            end->cut_end = at + n;
            struct frame frame;
            if (n == FRAME_STEP_BYTES && frame_parse(bytes, end->segment.ledger_id, &frame) == FRAME_OK &&
                frame.epoch == end->segment.epochs.now && frame.durable_ordinal >= expected &&
                !(is_copied(recovery, expected) && is_copied(recovery, frame.ordinal))) {
                PROBLEM(recovery,
                        "%s, offset %" PRIu64 ": %s where frame %" PRIu64 " (sequence %" PRIu64
                        " on) should be, yet frame %" PRIu64 " at offset %" PRIu64 " says that everything up to frame "
                        "%" PRIu64 " (sequence %" PRIu64 ") was durable: acknowledged decisions are damaged. %s",
                        name, end->offset, recovery->bad, expected, end->last_seq + 1, frame.ordinal, at,
                        frame.durable_ordinal, frame.durable_seq, REMEDY);
                return STATUS_DAMAGED;
            }
        }
        at += n;
        progress_at(recovery, recovery->position, at);
        if (n < FRAME_STEP_BYTES)
            break;
    }
    recovery->report->cut_bytes = end->cut_end - end->offset;
    if (end->cut_end > end->offset)
        (void)snprintf(recovery->report->cut_where, sizeof(recovery->report->cut_where), "%s, offset %" PRIu64 ": %s",
                       name, end->offset, recovery->bad);
    return STATUS_OK;
}

/* resumed: reading goes on in it where a checkpoint ended. */
static enum status segment_read(struct recovery *recovery, size_t position, bool resumed)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(recovery->names[position], name);
    struct segment_file *file = NULL;
    recovery->position = position;
    recovery->before_offset = recovery->end->offset;
    recovery->end->offset = resumed ? recovery->end->offset : 0;
    enum status status = segment_file_open(recovery->env, recovery->directory, name, &file);
    if (status != STATUS_OK) {
        status = io_problem(recovery, status, "cannot open", name);
        recovery->end->offset = recovery->before_offset;
        return status;
    }
    window_open(&recovery->window, file);
    recovery->end->packed = segment_file_packed(file);
    status = segment_file_size(file, &recovery->end->size_bytes);
    if (status != STATUS_OK) {
        status = io_problem(recovery, status, "cannot read", name);
        goto close;
    }
    status = resumed ? segment_resume(recovery, name) : segment_begin(recovery, position, name);
    if (status == STATUS_DAMAGED && !resumed && recovery->end->offset == 0)
        recovery->end->offset = recovery->before_offset;
    if (status == STATUS_OK && recovery->index != NULL && !resumed)
        status = index_add_segment(recovery->index, recovery->names[position], SEGMENT_HEADER_BYTES);
    if (status == STATUS_OK && recovery->index != NULL && recovery->end->packed && position + 1 < recovery->name_count)
        index_set_form(recovery->index, recovery->base + (uint32_t)position, INDEX_PACKED);
    while (status == STATUS_OK && !is_through(recovery))
        status = frame_read(recovery, name);
    if (status == STATUS_END)
        status = position + 1 == recovery->name_count ? tail_judge(recovery, name) : STATUS_OK;
    if (status == STATUS_OK && recovery->end->ordinal == 0) { /* not even the genesis */
        PROBLEM(recovery, "%s, offset %" PRIu64 ": %s where the journal's first frame should be. %s", name,
                recovery->end->offset, recovery->bad, REMEDY);
        status = STATUS_DAMAGED;
    }
    if (status == STATUS_OK) {
        progress_at(recovery, position, recovery->end->size_bytes);
        recovery->bytes_before += recovery->progress == NULL ? 0 : recovery->sizes[position];
    }
close:
    segment_file_close(file);
    return status;
}

/* ---- beginning with a checkpoint ---- */

/* Is the frame before it there? What the checkpoint has was durable: when it is not, the journal has lost its end. VERSION: the
 * segment is another ledger's. */
static enum status check_reached(struct recovery *recovery, const struct checkpoint *checkpoint)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(checkpoint->segment_seq, name);
    struct segment_file *file = NULL;
    enum status status = segment_file_open(recovery->env, recovery->directory, name, &file);
    if (status == STATUS_NOT_FOUND)
        return STATUS_NOT_FOUND;
    if (status != STATUS_OK)
        return io_problem(recovery, status, "cannot open", name);
    const uint8_t *bytes = NULL;
    size_t n = 0;
    struct frame frame;
    struct segment segment;
    window_open(&recovery->window, file);
    status = window_get(&recovery->window, 0, SEGMENT_HEADER_BYTES, &bytes, &n);
    if (status == STATUS_OK && n == SEGMENT_HEADER_BYTES && segment_parse(bytes, &segment) == SEGMENT_OK &&
        memcmp(segment.ledger_id, checkpoint->genesis.ledger_id, 16) != 0) {
        segment_file_close(file);
        return STATUS_VERSION;
    }
    if (status == STATUS_OK)
        status = window_get(&recovery->window, checkpoint->frame_offset, FRAME_HEADER_BYTES, &bytes, &n);
    bool there = status == STATUS_OK && n >= FRAME_HEADER_BYTES &&
                 frame_parse(bytes, checkpoint->genesis.ledger_id, &frame) == FRAME_OK &&
                 frame.ordinal == checkpoint->ordinal && frame.chain == checkpoint->chain &&
                 checkpoint->frame_offset + frame.frame_bytes == checkpoint->offset;
    if (there)
        status = window_get(&recovery->window, checkpoint->frame_offset, frame.frame_bytes, &bytes, &n);
    there = there && status == STATUS_OK && n == frame.frame_bytes && frame_payload_sound(&frame, bytes);
    segment_file_close(file);
    if (status != STATUS_OK)
        return io_problem(recovery, status, "cannot read", name);
    if (there)
        return STATUS_OK;
    PROBLEM(recovery,
            "%s, offset %" PRIu64 ": frame %" PRIu64 " (up to sequence %" PRIu64 ") is not there or not sound, yet a checkpoint "
            "of it says that it was durable: acknowledged decisions are damaged or missing. Nothing was changed. "
            "Look for a file that was lost or replaced by an older one, or restore a copy of the data directory; deleting the checkpoints "
            "makes it start without what is missing.",
            name, checkpoint->frame_offset, checkpoint->ordinal, checkpoint->last_seq);
    return STATUS_DAMAGED;
}

/* The index has the segments the checkpoint knew: are they those that are there? */
static bool segments_agree(const struct recovery *recovery, uint64_t segment_seq, size_t *out_position)
{
    struct index_segment known;
    uint32_t base = recovery->base;
    size_t i = 0;
    for (; i < recovery->name_count && index_segment(recovery->index, base + (uint32_t)i, &known); i++)
        if (known.first_seq != recovery->names[i])
            return false;
    *out_position = i - 1;
    return i > 0 && recovery->names[i - 1] == segment_seq && !index_segment(recovery->index, base + (uint32_t)i, &known);
}

/* Is it one of this journal, with what it was made of there? DAMAGED, VERSION, NOT_FOUND: no, and problem says why, unless the report
 * does: then the journal has lost what the checkpoint proves that it had. */
static enum status check_taken(struct recovery *recovery, const struct checkpoint *checkpoint, size_t *out_position,
                               char *problem, size_t problem_bytes)
{
    if (!segments_agree(recovery, checkpoint->segment_seq, out_position)) {
        (void)snprintf(problem, problem_bytes, "the checkpoint of event %" PRIu64 " knows other segments than there are",
                       checkpoint->last_seq);
        return STATUS_DAMAGED;
    }
    index_drop(recovery->index, recovery->base);
    enum status status = check_reached(recovery, checkpoint);
    if (status == STATUS_VERSION)
        (void)snprintf(problem, problem_bytes, "the checkpoint of event %" PRIu64 " is of another ledger", checkpoint->last_seq);
    return status;
}

/* Reading goes on behind it. */
static void go_on_behind(struct recovery *recovery, const struct checkpoint *checkpoint)
{
    struct recovery_end *end = recovery->end;
    end->genesis = recovery->replay.genesis = checkpoint->genesis;
    end->log_us = recovery->replay.log_us = checkpoint->log_us;
    end->offset = checkpoint->offset;
    end->uncovered_offset = recovery->last_offset = checkpoint->frame_offset;
    end->ordinal = checkpoint->ordinal;
    end->chain = checkpoint->chain;
    end->last_seq = checkpoint->last_seq;
}

/* A checkpoint is handed on through these, so that it is seen how far it is and can be stopped. */

static void met_genesis(void *context, const struct genesis *genesis)
{
    struct recovery *recovery = context;
    char name[CHECKPOINT_NAME_BYTES];
    checkpoint_name(recovery->checkpoint.last_seq, name);
    if (recovery->progress != NULL)
        progress_begin(recovery, recovery->replay.to->whole ? 0 : recovery->checkpoint.segment_seq, file_bytes(recovery, name));
    recovery->replay.to->genesis(recovery->replay.to->context, genesis);
}

static enum status met_image(void *context, const uint8_t *bytes, size_t n)
{
    const struct recovery *recovery = context;
    if (is_stopped(recovery))
        return STATUS_AGAIN;
    if (recovery->progress != NULL)
        atomic_fetch_add(&recovery->progress->bytes_read, n);
    return recovery->replay.to->image(recovery->replay.to->context, bytes, n);
}

static enum status met_image_end(void *context, uint64_t state_hash)
{
    const struct recovery *recovery = context;
    return recovery->replay.to->image_end(recovery->replay.to->context, state_hash);
}

/*
 * Takes the newest checkpoint that is good, or with `whole` the oldest. *out_position: the segment to read on in, 0 when there is
 * none, or all is to be read; *out_taken: whether there is one.
 */
static enum status checkpoint_take(struct recovery *recovery, bool whole, size_t *out_position, bool *out_taken)
{
    struct journal_report *report = recovery->report;
    struct checkpoint *checkpoint = &recovery->checkpoint;
    const struct journal_replay replay = {.context = recovery,
                                          .genesis = met_genesis,
                                          .image = met_image,
                                          .image_end = met_image_end,
                                          .image_layout = recovery->replay.to->image_layout};
    struct index *index = whole ? NULL : recovery->index; /* all is read: it comes from what is met */
    uint64_t seqs[CHECKPOINT_LISTED];
    size_t count = 0;
    enum status status = checkpoint_list(recovery->env, recovery->directory, seqs, CHECKPOINT_LISTED, &count);
    if (status != STATUS_OK)
        return io_problem(recovery, status, "cannot list", "the data directory");
    for (size_t i = 0; i < count; i++) {
        char problem[sizeof(report->checkpoint_problem)];
        uint64_t seq = seqs[whole ? count - 1 - i : i];
        status = resume_read(recovery->env, recovery->directory, seq, &replay, index, checkpoint, problem, sizeof(problem));
        if (status == STATUS_OK && !whole) {
            status = check_taken(recovery, checkpoint, out_position, problem, sizeof(problem));
            if (status != STATUS_OK && report->problem[0] != '\0')
                return status;
        }
        if (checkpoint_is_bad(status)) {
            recovery->unread = recovery->unread || status == STATUS_IO;
            if (report->checkpoint_problem[0] == '\0')
                (void)snprintf(report->checkpoint_problem, sizeof(report->checkpoint_problem), "%s", problem);
            continue;
        }
        if (status != STATUS_OK) {
            PROBLEM(recovery, "%s", problem);
            return status; /* the next one, or all of the journal, would not fit either */
        }
        report->checkpoint_seq = checkpoint->last_seq;
        if (recovery->progress != NULL)
            journal_progress_to(recovery->progress, checkpoint->epoch, checkpoint->last_seq);
        *out_taken = true;
        if (!whole) {
            go_on_behind(recovery, checkpoint);
            return STATUS_OK;
        }
        recovery->replay.genesis = checkpoint->genesis;
        recovery->end->image_ordinal = checkpoint->ordinal;
        recovery->image_chain = checkpoint->chain;
        break;
    }
    *out_position = 0;
    return STATUS_OK;
}

/* ---- where it begins ---- */

/* A start from a checkpoint does not read the oldest segment: is it there, and the right one? */
static enum status first_look(struct recovery *recovery)
{
    char name[SEGMENT_NAME_BYTES];
    struct segment segment;
    struct segment_file *file = NULL;
    segment_name(recovery->names[0], name);
    enum status status = segment_file_open(recovery->env, recovery->directory, name, &file);
    if (status != STATUS_OK)
        return io_problem(recovery, status, "cannot open", name);
    window_open(&recovery->window, file);
    status = header_read(recovery, name, &segment);
    segment_file_close(file);
    window_open(&recovery->window, NULL);
    return status == STATUS_OK ? check_first(recovery, &segment, name) : status;
}

/* What is kept, without the leftovers of what is not. */
static enum status beginning_take(struct recovery *recovery)
{
    struct beginning *beginning = &recovery->end->beginning;
    enum status status = beginning_read(recovery->env, recovery->directory, beginning);
    if (status == STATUS_DAMAGED || status == STATUS_VERSION) {
        PROBLEM(recovery,
                BEGINNING_NAME " %s: what the oldest segment kept is, is not known. %s",
                status == STATUS_DAMAGED ? "is damaged, both records in it" : "was written by a newer version", REMEDY);
        return status;
    }
    if (status != STATUS_OK)
        return io_problem(recovery, status, "cannot read", BEGINNING_NAME);
    recovery->base = (uint32_t)(beginning->number - 1);
    if (recovery->index != NULL)
        index_clear(recovery->index, recovery->base);
    if (beginning_is_of_all(beginning))
        return STATUS_OK;
    recovery->replay.genesis = recovery->end->genesis = beginning->genesis;
    size_t gone = 0;
    while (gone < recovery->name_count && recovery->names[gone] < beginning->first_seq)
        gone++;
    recovery->name_count -= gone;
    memmove(recovery->names, recovery->names + gone, recovery->name_count * sizeof(*recovery->names));
    if (recovery->name_count > 0)
        return first_look(recovery);
    PROBLEM(recovery, BEGINNING_NAME " is there, but no segment is: the journal is missing. %s", REMEDY);
    return STATUS_DAMAGED;
}

/* What replay is to begin with, where the journal's beginning is not enough or not needed. */
static enum status image_take(struct recovery *recovery, size_t *out_position, bool *out_resumed)
{
    const struct journal_replay *to = recovery->replay.to;
    bool of_all = beginning_is_of_all(&recovery->end->beginning);
    bool taken = false;
    if (to == NULL || (to->whole ? of_all : of_all && (to->image == NULL || recovery->index == NULL)))
        return STATUS_OK;
    enum status status = to->image == NULL || (recovery->index == NULL && !to->whole)
                             ? STATUS_OK
                             : checkpoint_take(recovery, to->whole, out_position, &taken);
    if (status != STATUS_OK)
        return status;
    if (!taken && recovery->index != NULL)
        index_clear(recovery->index, recovery->base);
    if (!taken)
        progress_begin(recovery, 0, 0);
    *out_resumed = taken && !to->whole;
    if (taken || of_all)
        return STATUS_OK;
    const char *why = recovery->report->checkpoint_problem;
    PROBLEM(recovery,
            "the journal's beginning is no longer kept, and no checkpoint is good: %s. Put archived segments back and remove "
            BEGINNING_NAME ", or restore a copy of the data directory. Nothing was changed.",
            why[0] != '\0' ? why : "there is none");
    return recovery->unread ? STATUS_IO : STATUS_DAMAGED; /* it may be read the next time */
}

static enum status recovery_read(struct recovery *recovery)
{
    const struct env *env = recovery->env;
    enum status status = env->directory_list(env->context, recovery->directory, collect_name, recovery);
    if (status != STATUS_OK)
        return io_problem(recovery, status, "cannot list", "the data directory");
    if (recovery->listing != STATUS_OK)
        return recovery->listing;
    if (recovery->name_count > 0)
        qsort(recovery->names, recovery->name_count, sizeof(*recovery->names), compare_names);
    status = beginning_take(recovery);
    if (status != STATUS_OK)
        return status;
    if (recovery->name_count == 0) {
        recovery->end->empty = true;
        return STATUS_OK;
    }
    size_t first = 0;
    bool resumed = false;
    status = copied_read(env, recovery->directory, &recovery->copied);
    if (status != STATUS_OK)
        return io_problem(recovery, status, "cannot read", COPIED_NAME);
    status = progress_measure(recovery);
    if (status == STATUS_OK)
        status = image_take(recovery, &first, &resumed);
    if (status != STATUS_OK)
        return status;
    recovery->report->segment_count = first;
    recovery->report->oldest_seq = recovery->end->beginning.first_seq;
    recovery->report->has_oldest_head = recovery->end->beginning.has_head;
    memcpy(recovery->report->oldest_head, recovery->end->beginning.head, sizeof(recovery->report->oldest_head));
    for (size_t i = first; i < recovery->name_count && !is_through(recovery); i++) {
        status = segment_read(recovery, i, resumed && i == first);
        if (status != STATUS_OK)
            return status;
    }
    if (recovery->end->ordinal < recovery->end->image_ordinal) {
        PROBLEM(recovery,
                "the journal ends with frame %" PRIu64 ", yet the checkpoint of event %" PRIu64 " says that frame %" PRIu64
                " was durable: acknowledged decisions are missing. %s",
                recovery->end->ordinal, recovery->report->checkpoint_seq, recovery->end->image_ordinal, REMEDY);
        return STATUS_DAMAGED;
    }
    memcpy(recovery->report->ledger_id, recovery->end->segment.ledger_id, 16);
    recovery->report->epochs = recovery->end->segment.epochs;
    return STATUS_OK;
}

enum status recovery_run(const struct env *env, struct env_directory *directory, const struct journal_replay *replay,
                         const struct journal_frames *frames, struct journal_progress *progress, struct index *index,
                         struct recovery_end *out_end, struct journal_report *report)
{
    struct recovery_end end = {0};
    struct recovery recovery = {.env = env,
                                .directory = directory,
                                .frames = frames,
                                .progress = progress,
                                .index = index,
                                .end = &end,
                                .report = report};
    recovery.window.memory = env->memory_reserve(env->context, WINDOW_BYTES);
    if (recovery.window.memory == NULL || replay_init(&recovery.replay, env, replay) != STATUS_OK) {
        PROBLEM(&recovery, "no memory to read the journal with: %s", env_last_error());
        env->memory_release(env->context, recovery.window.memory, WINDOW_BYTES);
        return STATUS_MEMORY;
    }

    enum status status = recovery_read(&recovery);
    report->last_seq = end.last_seq;
    report->decision_count = recovery.replay.decision_count;
    if (status == STATUS_AGAIN)
        PROBLEM(&recovery, "it was stopped before all was read. Nothing was changed.");
    else if (status != STATUS_OK && report->problem[0] == 0)
        PROBLEM(&recovery, "the journal cannot be read: %s", status_text(status));
    free(recovery.names);
    free(recovery.sizes);
    replay_deinit(&recovery.replay);
    env->memory_release(env->context, recovery.window.memory, WINDOW_BYTES);
    if (status == STATUS_OK || status == STATUS_DAMAGED)
        *out_end = end;
    return status;
}

enum status recovery_mend(const struct env *env, struct env_file *file, const struct recovery_end *end,
                          struct journal_report *report)
{
    size_t uncovered_bytes = (size_t)(end->offset - end->uncovered_offset);
    enum status status = STATUS_OK;
    if (uncovered_bytes > 0) {
        uint8_t *bytes = env->memory_reserve(env->context, uncovered_bytes);
        if (bytes == NULL)
            return STATUS_MEMORY;
        size_t got = 0;
        status = env->file_read(env->context, file, end->uncovered_offset, bytes, uncovered_bytes, &got);
        /* Read a second time: it is checked a second time before it is written over the first. */
        for (size_t at = 0; status == STATUS_OK && at < uncovered_bytes;) {
            struct frame frame;
            if (got != uncovered_bytes || frame_parse(bytes + at, end->segment.ledger_id, &frame) != FRAME_OK ||
                frame.frame_bytes > uncovered_bytes - at || !frame_payload_sound(&frame, bytes + at)) {
                status = STATUS_DAMAGED;
                (void)snprintf(report->problem, sizeof(report->problem),
                               "the last frames read differently a second time: look at the disk and the memory of "
                               "this machine. Nothing was changed.");
                break;
            }
            at += frame.frame_bytes;
        }
        if (status == STATUS_OK)
            status = env->file_write(env->context, file, end->uncovered_offset, bytes, uncovered_bytes);
        env->memory_release(env->context, bytes, uncovered_bytes);
    }
    if (status == STATUS_OK && end->cut_end > end->offset) {
        static const uint8_t zeros[FRAME_STEP_BYTES];
        for (uint64_t at = end->offset; status == STATUS_OK && at < end->cut_end; at += FRAME_STEP_BYTES) {
            uint64_t left = end->cut_end - at;
            status = env->file_write(env->context, file, at, zeros,
                                     left < FRAME_STEP_BYTES ? (size_t)left : FRAME_STEP_BYTES);
        }
    }
    if (status == STATUS_OK)
        status = env->file_sync(env->context, file);
    return status;
}
