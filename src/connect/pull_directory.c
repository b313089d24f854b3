/*
 * The journal in a directory, as its server would have sent it: the same items, through the same reader. All of it is looked at first, so
 * that of a damaged one nothing is handed on.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "connect/pull.h"
#include "journal/journal.h"

struct walk {
    struct pull *pull;
    const struct env *env;
    struct stream_reader reader;
};

#define PROBLEM(pull, ...) (void)snprintf((pull)->problem, sizeof((pull)->problem), __VA_ARGS__)

/* Whole items, n bytes of them. */
static enum status hand_on(struct walk *walk, const uint8_t *bytes, size_t n)
{
    struct pull *pull = walk->pull;
    for (size_t at = 0, used = 0; at < n; at += used) {
        enum stream_item item;
        enum status status = stream_reader_next(&walk->reader, bytes + at, n - at, &item, &used);
        if (status != STATUS_OK) {
            PROBLEM(pull, "behind frame %" PRIu64 ": %s", pull->place.ordinal,
                    walk->reader.problem != NULL ? walk->reader.problem : status_text(status));
            return status;
        }
        status = pull->item(pull->context, item, &walk->reader, bytes + at, used);
        if (status != STATUS_OK)
            return status;
        pull->place = walk->reader.place;
        pull->bytes += used;
        pull->complete = item == STREAM_MARK && walk->reader.mark.end;
    }
    return STATUS_OK;
}

/* Where the copy goes on. */
static enum status find(struct pull *pull, struct journal *journal, struct journal_cursor *out_cursor)
{
    const struct stream_place *at = &pull->at;
    enum status status = journal_copy_find(journal, at->seq, at->ordinal, at->chain, out_cursor);
    if (status == STATUS_INVALID)
        PROBLEM(pull, "it has another frame %" PRIu64 ": the copy and this journal have parted. Keep the copy for what only it has, "
                      "and begin a new one", at->ordinal);
    else if (status == STATUS_END)
        PROBLEM(pull, "it ends before frame %" PRIu64 ", which the copy has: it was restored, or is itself an older copy", at->ordinal);
    else if (status == STATUS_NOT_FOUND && at->begun)
        PROBLEM(pull, "it no longer keeps what follows frame %" PRIu64 ": begin a new copy", at->ordinal);
    else if (status == STATUS_NOT_FOUND)
        PROBLEM(pull, "its beginning is no longer kept, and no checkpoint that stands for it is good: serve it once, and it makes one");
    else if (status != STATUS_OK)
        PROBLEM(pull, "%s", status_text(status));
    return status == STATUS_END || status == STATUS_NOT_FOUND ? STATUS_INVALID : status;
}

/* The mark that says it is whole. */
static enum status end(struct walk *walk, const struct journal *journal)
{
    uint8_t bytes[STREAM_MARK_BYTES];
    struct stream_mark mark = {.end = true,
                               .current = true,
                               .epoch = journal_epoch(journal),
                               .ordinal = journal_durable_ordinal(journal),
                               .seq = journal_durable_seq(journal),
                               .wall_us = walk->env->wall_us(walk->env->context)};
    memcpy(mark.ledger_id, journal_genesis(journal)->ledger_id, 16);
    stream_mark_write(&mark, bytes);
    return hand_on(walk, bytes, sizeof(bytes));
}

static enum status copy(struct walk *walk, struct journal *journal, struct journal_cursor *cursor, uint8_t *bytes, size_t room)
{
    struct pull *pull = walk->pull;
    for (;;) {
        size_t n = 0;
        if (pull->stop != NULL && pull->stop(pull->context)) {
            PROBLEM(pull, "it was stopped");
            return STATUS_AGAIN;
        }
        enum status status = journal_copy(journal, cursor, UINT64_MAX, false, bytes, room, &n);
        if (status == STATUS_END)
            return end(walk, journal);
        if (status != STATUS_OK)
            journal_read_failure(journal, pull->problem, sizeof(pull->problem));
        else
            status = hand_on(walk, bytes, n);
        if (status != STATUS_OK)
            return status;
    }
}

static enum status pull_locked(struct pull *pull, const struct env *env)
{
    struct journal_report report = {0};
    struct walk walk = {.pull = pull, .env = env};
    const struct journal_options options = {.env = env, .path = pull->base, .read_only = true};
    struct journal *journal = NULL;
    struct journal_cursor cursor;
    enum status status = journal_open(&options, NULL, &journal, &report);
    if (status != STATUS_OK) {
        PROBLEM(pull, "%s", report.problem[0] != 0 ? report.problem : status_text(status));
        return status;
    }
    uint8_t *bytes = malloc(STREAM_ITEM_BYTES_MAX);
    stream_reader_init(&walk.reader, &pull->at);
    if (pull->at.begun && memcmp(report.ledger_id, pull->at.ledger_id, 16) != 0) {
        PROBLEM(pull, "it has another ledger: name the directory that the copy is of, or begin a new copy");
        status = STATUS_INVALID;
    } else if (bytes == NULL) {
        status = STATUS_MEMORY;
    } else {
        status = find(pull, journal, &cursor);
    }
    pull->epochs = *journal_epochs(journal);
    if (status == STATUS_OK)
        status = copy(&walk, journal, &cursor, bytes, STREAM_ITEM_BYTES_MAX);
    free(bytes);
    journal_close(journal);
    return status;
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
