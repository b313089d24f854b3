/*
 * The journal in a directory, as its server would have sent it: what recovery reads becomes the items of a stream, and goes through
 * the same reader. All of it is looked at first, so that of a damaged one nothing is handed on.
 */
#include <inttypes.h>
#include <stdio.h>

#include "connect/pull.h"
#include "journal/journal.h"

struct walk {
    struct pull *pull;
    const struct env *env;
    struct stream_reader reader;
    bool found;           /* the frame that the receiver has */
    uint64_t segment_number; /* of the last header handed on */
    struct stream_place last;
    enum status status;   /* the first that was not OK: nothing is handed on from then on */
};

#define PROBLEM(pull, ...) (void)snprintf((pull)->problem, sizeof((pull)->problem), __VA_ARGS__)

static void hand_on(struct walk *walk, const uint8_t *bytes, size_t n)
{
    struct pull *pull = walk->pull;
    enum stream_item item;
    size_t needed = 0;
    if (walk->status != STATUS_OK)
        return;
    walk->status = stream_reader_next(&walk->reader, bytes, n, &item, &needed);
    if (walk->status != STATUS_OK) {
        PROBLEM(pull, "behind frame %" PRIu64 ": %s", pull->place.ordinal,
                walk->reader.problem != NULL ? walk->reader.problem : status_text(walk->status));
        return;
    }
    walk->status = pull->item(pull->context, item, &walk->reader, bytes, n);
    if (walk->status != STATUS_OK)
        return;
    pull->place = walk->reader.place;
    pull->bytes += n;
    pull->complete = item == STREAM_MARK && walk->reader.mark.end;
}

/* Is the last frame that the receiver has this one? */
static void find(struct walk *walk, const struct journal_met *met)
{
    const struct stream_place *at = &walk->pull->at;
    walk->found = met->frame->ordinal == at->ordinal && met->frame->chain == at->chain;
    if (met->frame->ordinal > at->ordinal) {
        PROBLEM(walk->pull, "what follows frame %" PRIu64 ", the last one of the copy, is no longer kept in it, whose first one is %" PRIu64
                            ": begin a new copy", at->ordinal, met->frame->ordinal);
        walk->status = STATUS_INVALID;
    }
    if (met->frame->ordinal != at->ordinal || walk->found)
        return;
    PROBLEM(walk->pull, "%s, offset %" PRIu64 " has another frame %" PRIu64 ": the copy and this journal have parted. Keep the copy for "
                        "what only it has, and begin a new one", met->name, met->offset, at->ordinal);
    walk->status = STATUS_INVALID;
}

static void on_frame(void *context, const struct journal_met *met)
{
    struct walk *walk = context;
    struct pull *pull = walk->pull;
    if (walk->last.ordinal == 0 && pull->at.ordinal == 0 && met->frame->ordinal != 1) {
        PROBLEM(pull, "its first segments are no longer kept, and a copy begins with the first: copy its files, with the checkpoints");
        walk->status = STATUS_NOT_FOUND;
    }
    memcpy(walk->last.ledger_id, met->segment->ledger_id, 16);
    walk->last.epoch = met->segment->epochs.now;
    walk->last.ordinal = met->frame->ordinal;
    walk->last.seq = met->frame->last_seq;
    if (walk->status != STATUS_OK)
        return;
    if (pull->stop != NULL && pull->stop(pull->context)) {
        PROBLEM(pull, "it was stopped");
        walk->status = STATUS_AGAIN;
        return;
    }
    if (!walk->found) {
        find(walk, met);
        return;
    }
    if (met->segment->number != walk->segment_number) {
        uint8_t header[SEGMENT_HEADER_BYTES];
        segment_write_header(met->segment, header);
        hand_on(walk, header, sizeof(header));
        walk->segment_number = met->segment->number;
    }
    hand_on(walk, met->bytes, met->frame->frame_bytes);
}

/* The mark that says it is whole. */
static void end(struct walk *walk)
{
    struct pull *pull = walk->pull;
    uint8_t bytes[STREAM_MARK_BYTES];
    struct stream_mark mark = {.end = true,
                               .current = true,
                               .epoch = walk->last.epoch,
                               .ordinal = walk->last.ordinal,
                               .seq = walk->last.seq,
                               .wall_us = walk->env->wall_us(walk->env->context)};
    memcpy(mark.ledger_id, walk->last.ledger_id, 16);
    if (walk->status == STATUS_OK && !walk->found) {
        PROBLEM(pull, "it ends with frame %" PRIu64 ", before frame %" PRIu64 ", which the copy has: it was restored, or is itself an older copy",
                walk->last.ordinal, pull->at.ordinal);
        walk->status = STATUS_INVALID;
    }
    stream_mark_write(&mark, bytes);
    hand_on(walk, bytes, sizeof(bytes));
}

static enum status pull_locked(struct pull *pull, const struct env *env)
{
    struct journal_report report = {0};
    struct walk walk = {.pull = pull, .env = env, .found = pull->at.ordinal == 0};
    const struct journal_frames frames = {.context = &walk, .met = on_frame};
    enum status status = journal_verify(env, pull->base, NULL, &report);
    if (status == STATUS_OK && pull->at.begun && memcmp(report.ledger_id, pull->at.ledger_id, 16) != 0) {
        PROBLEM(pull, "it has another ledger: name the directory that the copy is of, or begin a new copy");
        return STATUS_INVALID;
    }
    stream_reader_init(&walk.reader, &pull->at);
    if (status == STATUS_OK)
        status = journal_walk(env, pull->base, NULL, &frames, &report);
    if (status != STATUS_OK) {
        PROBLEM(pull, "%s", report.problem[0] != 0 ? report.problem : status_text(status));
        return status;
    }
    end(&walk);
    return walk.status;
}

enum status pull_directory(struct pull *pull, const struct env *env)
{
    struct env_directory *directory = NULL;
    pull->connected = pull->complete = false;
    pull->problem[0] = 0;
    pull->place = pull->at;
    enum status status = env->directory_open(env->context, pull->base, false, false, &directory);
    if (status != STATUS_OK) {
        PROBLEM(pull, "cannot open the data directory: %s (%s). To mend it: %s", status_text(status), env_last_error(),
                status_remedy(status));
        return status;
    }
    status = pull_locked(pull, env); /* nobody writes it from the look to the end */
    env->directory_close(env->context, directory);
    return status;
}
