/*
 * onhand restore: a new data directory from a backup, up to a point. The backup is a data directory (which is left as it is)
 * or a stream in one file. All of it is read and verified, also what is behind the point: of a damaged backup nothing is kept.
 *
 *     source     frame  frame  frame with the point in it  frame ...       verified to the end
 *     TARGET.restoring  frame  frame  the part up to it | epoch begins     then it gets its name
 *
 * A decision is restored whole or not at all. The history that is restored is another one from the point on, so an epoch
 * begins there (base/epochs.h); epochs of the backup that are behind the point are remembered as parted.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rfc3339.h"
#include "cli/args.h"
#include "connect/pull.h"
#include "engine/rebuild.h"
#include "feed/position.h"
#include "journal/replay.h"
#include "journal/stream.h"
#include "journal/taker.h"

#define PART_SUFFIX ".restoring"

struct restore {
    const char *source, *target;
    char part[4096]; /* beside the target, until it is whole */
    bool by_position, by_time;
    struct position to;
    int64_t to_us;

    struct taker taker;
    struct replay replay; /* up to the point; to find it */
    uint64_t first_seq;   /* the oldest event of the source */
    uint64_t image_seq;   /* of the checkpoint that stands for what was before it; 0 for none */
    struct rebuild rebuild; /* of what was restored */
    bool passed; /* the point is in a frame that was read */
    uint64_t next_seq;
    struct epochs epochs; /* of the source, at its end */
    struct segment last;  /* of the last frame that was taken */
    uint8_t *cut;         /* a frame that the point is in: the part up to it */
    char problem[1200];
};

#define PROBLEM(restore, ...) (void)snprintf((restore)->problem, sizeof((restore)->problem), __VA_ARGS__)

/* Keeps of a frame what is before its record at `bytes_kept`. Ticks alone stay in the segment before: each begins with an event. */
static void take_part(struct restore *restore, const struct segment *segment, const struct frame *frame,
                      const uint8_t *bytes, size_t bytes_kept)
{
    struct frame part = *frame;
    if (restore->taker.journal == NULL)
        return; /* not even its first frame is whole */
    if (restore->replay.next_seq == frame->first_seq)
        segment = &restore->last;
    part.epoch = segment->epochs.now;
    part.record_bytes = (uint32_t)bytes_kept;
    part.frame_bytes = (uint32_t)round_up(FRAME_HEADER_BYTES + bytes_kept, SEGMENT_HEADER_BYTES);
    if (part.frame_bytes > frame->frame_bytes)
        part.frame_bytes = frame->frame_bytes;
    part.last_seq = restore->replay.next_seq - 1;
    part.log_us = restore->replay.log_us;
    memcpy(part.ledger_id, segment->ledger_id, 16);
    restore->cut = malloc(part.frame_bytes);
    if (restore->cut == NULL) {
        restore->taker.status = STATUS_MEMORY;
        return;
    }
    memcpy(restore->cut, bytes, FRAME_HEADER_BYTES + bytes_kept);
    struct stream_place place = {0};
    if (taker_flush(&restore->taker) != STATUS_OK)
        return;
    journal_copied(restore->taker.journal, &place);
    /* The first frame of a segment follows the chain of the segment before it: the place has it already. */
    frame_finish(restore->cut, &part, place.chain);
    taker_frame(&restore->taker, segment, &part, restore->cut);
}

/* The next frame of the source, sound and in its place. */
static void take(struct restore *restore, const struct segment *segment, const struct frame *frame, const uint8_t *bytes)
{
    restore->epochs = segment->epochs;
    if (restore->passed)
        return;
    restore->replay.ledger_id = segment->ledger_id;
    enum status status = replay_frame(&restore->replay, frame, bytes + FRAME_HEADER_BYTES, 0, frame->first_seq);
    if (status != STATUS_OK) {
        restore->taker.status = status;
        PROBLEM(restore, "a record of frame %" PRIu64 " cannot be read: %s", frame->ordinal, status_text(status));
        restore->passed = true;
        return;
    }
    restore->next_seq = restore->replay.next_seq;
    restore->passed = restore->replay.ended;
    if (!restore->passed) {
        taker_frame(&restore->taker, segment, frame, bytes);
        restore->last = *segment;
    } else if (restore->replay.at > 0) {
        take_part(restore, segment, frame, bytes, restore->replay.at);
    }
}

/* ---- sources ---- */

/* The next item of the source, sound and in its place. */
static void take_item(struct restore *restore, enum stream_item item, const struct stream_reader *reader, const uint8_t *bytes)
{
    if (item == STREAM_FRAME)
        take(restore, &reader->segment, &reader->frame, bytes);
    else
        taker_item(&restore->taker, item, reader, bytes);
    if (item == STREAM_SEGMENT)
        restore->epochs = reader->segment.epochs;
    if (item == STREAM_BEGINNING)
        restore->first_seq = restore->next_seq = reader->beginning.first_seq;
    if (item == STREAM_PIECE)
        restore->image_seq = reader->piece.seq;
}

static enum status on_item(void *context, enum stream_item item, const struct stream_reader *reader, const uint8_t *bytes, size_t n)
{
    struct restore *restore = context;
    (void)n;
    take_item(restore, item, reader, bytes);
    return restore->taker.status; /* nothing more comes into it */
}

static enum status read_directory(struct restore *restore)
{
    struct pull pull = {.base = restore->source, .until_now = true, .context = restore, .item = on_item};
    enum status status = pull_directory(&pull, linux_env());
    if (status == STATUS_OK)
        restore->epochs = pull.epochs; /* also of a last segment without frames */
    else if (restore->problem[0] == 0 && restore->taker.problem[0] == 0)
        PROBLEM(restore, "%s", pull.problem);
    return status;
}

static enum status stream_problem(struct restore *restore, const struct stream_reader *reader, uint64_t at,
                                  enum status status)
{
    PROBLEM(restore, "%s, offset %" PRIu64 ": %s. It is damaged, or no stream of a journal: restore from another backup",
            restore->source, at, reader->problem != NULL ? reader->problem : status_text(status));
    return status;
}

static enum status read_stream(struct restore *restore, FILE *file)
{
    struct stream_reader reader;
    const struct stream_place nothing = {0};
    size_t room = STREAM_ITEM_BYTES_MAX;
    uint8_t *bytes = malloc(room);
    size_t have = 0;
    uint64_t at = 0;
    bool ended = false;
    enum status status = bytes == NULL ? STATUS_MEMORY : STATUS_OK;
    stream_reader_init(&reader, &nothing);
    while (status == STATUS_OK) {
        enum stream_item item;
        size_t n = 0;
        status = have == 0 && ended ? STATUS_END : stream_reader_next(&reader, bytes, have, &item, &n);
        if (status == STATUS_AGAIN || status == STATUS_END) {
            size_t wanted = status == STATUS_END ? 1 : n - have;
            size_t got = wanted > room - have ? 0 : fread(bytes + have, 1, wanted, file);
            have += got;
            if (got != 0) {
                status = STATUS_OK;
                continue;
            }
            if (ferror(file)) {
                PROBLEM(restore, "%s cannot be read: %s", restore->source, strerror(errno));
                status = STATUS_IO;
            } else if (have != 0 || !ended) {
                PROBLEM(restore, "%s ends at offset %" PRIu64 " without the mark that says it is whole: it was cut off. "
                                 "Make the backup again", restore->source, at + have);
                status = STATUS_DAMAGED;
            }
            break;
        }
        if (status != STATUS_OK) {
            status = stream_problem(restore, &reader, at, status);
            break;
        }
        ended = item == STREAM_MARK && reader.mark.end;
        take_item(restore, item, &reader, bytes);
        at += n;
        have -= n;
        memmove(bytes, bytes + n, have);
    }
    free(bytes);
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status read_source(struct restore *restore)
{
    struct stat there;
    if (stat(restore->source, &there) != 0) {
        PROBLEM(restore, "%s: %s", restore->source, strerror(errno));
        return STATUS_NOT_FOUND;
    }
    if (S_ISDIR(there.st_mode))
        return read_directory(restore);
    FILE *file = fopen(restore->source, "rb");
    if (file == NULL) {
        PROBLEM(restore, "%s: %s", restore->source, strerror(errno));
        return STATUS_IO;
    }
    enum status status = read_stream(restore, file);
    (void)fclose(file);
    return status;
}

/* ---- the point ---- */

static const char *position_text(const struct restore *restore, uint64_t seq, char out_text[POSITION_TEXT_BYTES + 1])
{
    unsigned n = position_format((struct position){epochs_of(&restore->epochs, seq), seq}, out_text);
    out_text[n] = 0;
    return out_text;
}

/* Is what was read up to the point what was asked for? */
static bool check_point(struct restore *restore)
{
    char last[POSITION_TEXT_BYTES + 1];
    uint64_t common = 0;
    if (restore->by_position && !epochs_common(&restore->epochs, restore->to.epoch, &common)) {
        PROBLEM(restore, "--to-position is of an epoch that the ledger in %s never had: is it the right backup?",
                restore->source);
        return false;
    }
    if (restore->by_position && restore->to.seq > common) {
        PROBLEM(restore, "--to-position is of an older epoch, which parted from what is in %s at %s: restore from a backup of "
                         "that one, or to a position up to there", restore->source, position_text(restore, common, last));
        return false;
    }
    if (restore->by_position && restore->next_seq - 1 != restore->to.seq) {
        (void)position_text(restore, restore->next_seq - 1, last);
        if (restore->passed)
            PROBLEM(restore, "--to-position is in the middle of a decision, which is restored whole or not at all: the "
                             "position before it is %s", last);
        else
            PROBLEM(restore, "--to-position is beyond the end of %s, which is at %s", restore->source, last);
        return false;
    }
    if (restore->image_seq != 0 && (restore->taker.journal == NULL || journal_awaits_image(restore->taker.journal))) {
        PROBLEM(restore, "the journal in %s no longer has its beginning: it can be restored to %s or later", restore->source,
                position_text(restore, restore->image_seq, last));
        return false;
    }
    if (restore->taker.journal == NULL) {
        PROBLEM(restore, "there is no journal in what was named");
        return false;
    }
    if (restore->by_time && restore->next_seq <= restore->first_seq) {
        PROBLEM(restore, "nothing in %s was recorded by --to-time", restore->source);
        return false;
    }
    return true;
}

/* What was written, read as verify reads it. */
static enum status check_part(struct restore *restore)
{
    const struct ledger_limits limits = ledger_limits_most(); /* whatever the server was started with */
    const struct journal_replay replay = rebuild_replay_whole(&restore->rebuild);
    struct journal_report report = {0};
    enum status status = rebuild_init(&restore->rebuild, linux_env(), &limits);
    if (status == STATUS_OK)
        status = journal_verify(linux_env(), restore->part, &replay, &report);
    if (status != STATUS_OK) {
        PROBLEM(restore, "what was written is not what it should be: %.900s", report.problem[0] != 0 ? report.problem : status_text(status));
    } else if (restore->rebuild.limit_too_low != NULL) {
        PROBLEM(restore, "the state does not fit this version's limit of %s", restore->rebuild.limit_too_low);
        status = STATUS_INVALID;
    }
    return status;
}

/* ---- life ---- */

/* Of a directory of files alone. */
static void remove_directory(const char *path)
{
    DIR *directory = opendir(path);
    if (directory == NULL)
        return;
    for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)unlinkat(dirfd(directory), entry->d_name, 0);
    }
    (void)closedir(directory);
    (void)rmdir(path);
}

static bool is_empty(const char *path)
{
    DIR *directory = opendir(path);
    bool empty = directory != NULL;
    for (const struct dirent *entry = empty ? readdir(directory) : NULL; entry != NULL && empty; entry = readdir(directory))
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (directory != NULL)
        (void)closedir(directory);
    return empty;
}

/* Before anything is written. */
static int check_target(struct restore *restore)
{
    struct stat there;
    size_t n = strlen(restore->target);
    while (n > 1 && restore->target[n - 1] == '/')
        n--;
    if (n + sizeof(PART_SUFFIX) > sizeof(restore->part)) {
        cli_error("restore", "the name of the target is too long");
        return EXIT_USAGE;
    }
    memcpy(restore->part, restore->target, n);
    memcpy(restore->part + n, PART_SUFFIX, sizeof(PART_SUFFIX));
    if (lstat(restore->target, &there) == 0 && (!S_ISDIR(there.st_mode) || !is_empty(restore->target))) {
        cli_error("restore", "'%s' is there already: name a directory that does not exist, or is empty", restore->target);
        return EXIT_FILES;
    }
    if (lstat(restore->part, &there) == 0) {
        cli_error("restore", "'%s' is there: a restore that did not end, or one that runs; remove it when none does",
                  restore->part);
        return EXIT_FILES;
    }
    return EXIT_DONE;
}

/* It is whole and durable: it gets its name. */
static enum status name_target(struct restore *restore)
{
    char above[sizeof(restore->part) + 2];
    const char *slash = strrchr(restore->part, '/');
    if (slash == NULL)
        (void)snprintf(above, sizeof(above), ".");
    else
        (void)snprintf(above, sizeof(above), "%.*s", slash == restore->part ? 1 : (int)(slash - restore->part),
                       restore->part);
    int fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status status = STATUS_OK;
    if (fd < 0 || rename(restore->part, restore->target) != 0 || fsync(fd) != 0) {
        PROBLEM(restore, "%.400s cannot be named %.400s: %s", restore->part, restore->target, strerror(errno));
        status = STATUS_IO;
    }
    if (fd >= 0)
        (void)close(fd);
    return status;
}

static void print_report(const struct restore *restore, const struct epochs *epochs, bool json)
{
    char last[POSITION_TEXT_BYTES + 1];
    char epoch[POSITION_TEXT_BYTES + 1];
    unsigned n = position_format((struct position){epochs->now, 0}, epoch);
    epoch[n - 2] = 0; /* without "-0" */
    (void)position_text(restore, restore->next_seq - 1, last);
    uint64_t hash = ledger_state_hash(restore->rebuild.ledger);
    char at[RFC3339_TEXT_BYTES + 1] = "";
    at[rfc3339_format(restore->replay.log_us, at)] = 0;
    if (json)
        printf("{\"to\":\"%s\",\"position\":\"%s\",\"recorded_at\":\"%s\",\"epoch\":\"%s\",\"state_hash\":\"%016" PRIx64
               "\"}\n", restore->target, last, at, epoch, hash);
    else
        printf("restored    %s\nposition    %s\nrecorded    %s\nepoch       %s begins\nstate hash  %016" PRIx64 "\n",
               restore->target, last, at, epoch, hash);
}

static int run(struct restore *restore, bool json)
{
    struct epochs epochs = epochs_first;
    enum status status = read_source(restore);
    if (status == STATUS_OK)
        status = taker_flush(&restore->taker);
    if (status == STATUS_OK && !check_point(restore))
        status = STATUS_INVALID;
    if (status == STATUS_OK) {
        status = journal_begin_epoch(restore->taker.journal, EPOCH_restore, &restore->epochs);
        if (status != STATUS_OK)
            PROBLEM(restore, "an epoch cannot be begun in %.400s: %s", restore->part,
                    status == STATUS_NOT_FOUND ? "nothing was decided up to there" : status_text(status));
        else
            epochs = *journal_epochs(restore->taker.journal);
    }
    if (status != STATUS_OK && restore->problem[0] == 0)
        PROBLEM(restore, "%s", restore->taker.problem);
    taker_deinit(&restore->taker);
    if (status == STATUS_OK)
        status = check_part(restore);
    if (status == STATUS_OK)
        status = name_target(restore);
    if (status == STATUS_OK) {
        print_report(restore, &epochs, json);
        return EXIT_DONE;
    }
    remove_directory(restore->part);
    cli_error("restore", "%s. Nothing was restored", restore->problem);
    return status == STATUS_DAMAGED || status == STATUS_VERSION || status == STATUS_INVALID ? EXIT_REFUSED : EXIT_FILES;
}

int cmd_restore(int argc, char **argv)
{
    static struct restore restore;
    const char *to_position = NULL;
    const char *to_time = NULL;
    bool json = false;
    const struct args_option table[] = {{"to", ARGS_TEXT, &restore.target},
                                        {"to-position", ARGS_TEXT, &to_position},
                                        {"to-time", ARGS_TEXT, &to_time},
                                        {"json", ARGS_FLAG, &json},
                                        {NULL, ARGS_FLAG, NULL}};
    unsigned word_count;
    int code;
    if (!args_parse(argc, argv, table, &restore.source, 1, &word_count, &code))
        return code;
    if (word_count != 1 || restore.target == NULL || restore.target[0] == 0) {
        cli_error("restore", "what, and where to? say: onhand restore BACKUP --to DIR");
        return EXIT_USAGE;
    }
    restore.by_position = to_position != NULL;
    restore.by_time = to_time != NULL;
    if (restore.by_position && restore.by_time) {
        cli_error("restore", "--to-position and --to-time do not go together");
        return EXIT_USAGE;
    }
    if (restore.by_position && !position_parse(text_of(to_position, strlen(to_position)), &restore.to)) {
        cli_error("restore", "--to-position is '%s', but must be a position as answers and events have it", to_position);
        return EXIT_USAGE;
    }
    if (restore.by_time && rfc3339_parse(text_of(to_time, strlen(to_time)), &restore.to_us) != RFC3339_OK) {
        cli_error("restore", "--to-time is '%s', but must be a time such as 2026-12-01T10:00:00Z", to_time);
        return EXIT_USAGE;
    }
    code = check_target(&restore);
    if (code != EXIT_DONE)
        return code;
    restore.first_seq = restore.next_seq = 1;
    if (taker_init(&restore.taker, linux_env(), restore.part) != STATUS_OK ||
        replay_init(&restore.replay, linux_env(), NULL) != STATUS_OK) {
        cli_error("restore", "memory for the tables cannot be had");
        return EXIT_FILES;
    }
    if (restore.by_position)
        restore.replay.until_seq = restore.to.seq;
    if (restore.by_time)
        restore.replay.until_us = restore.to_us;
    code = run(&restore, json);
    free(restore.cut);
    replay_deinit(&restore.replay);
    if (restore.rebuild.env != NULL)
        rebuild_deinit(&restore.rebuild);
    return cli_finish("restore", code);
}
