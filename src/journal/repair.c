/*
 * How the end of a journal is moved to before the damage, so that a crash at any moment leaves it damaged, or repaired, or
 * refused until the repair is gone on with:
 *
 *     repair.1          what is kept of the segment with the damage       written, synced
 *     repair.2          the header of the first segment of the new epoch
 *     repair.journal    "segment -> segment.given-up-STAMP", ...          from here on no start
 *     renames           each only when it has not been made yet
 *     repair.journal    goes
 *
 * A segment of which no event is kept has the name that the new epoch's would have: then its ticks are in that one.
 */
#include "journal/repair.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "journal/checkpoint.h"
#include "journal/filler.h"
#include "journal/segment_file.h"

#define KEPT_NAME  "repair.1"
#define BEGUN_NAME "repair.2"
#define NAME_BYTES 96
#define LOG_BYTES_MAX ((size_t)64 << 20)

struct repair {
    const struct env *env;
    struct env_directory *directory;
    struct recovery_end end;
    struct epochs epochs; /* all that any sound header behind the damage knows of */
    char (*names)[NAME_BYTES]; /* of segments behind it, then of checkpoints that have something of what is given up */
    size_t name_count, name_max, segment_count;
    bool begun, out_of_memory;
    bool cut; /* the segment with the end has something behind it */
};

static void collect(struct repair *repair, const char *name)
{
    if (repair->name_count == repair->name_max) {
        size_t max = 2 * repair->name_max + 64;
        char(*names)[NAME_BYTES] = realloc(repair->names, max * sizeof(*names));
        if (names == NULL) {
            repair->out_of_memory = true;
            return;
        }
        repair->names = names;
        repair->name_max = max;
    }
    (void)snprintf(repair->names[repair->name_count++], NAME_BYTES, "%s", name);
}

static void on_log(void *argument, const char *name)
{
    struct repair *repair = argument;
    repair->begun = repair->begun || strcmp(name, REPAIR_LOG_NAME) == 0;
}

static void on_segment(void *argument, const char *name)
{
    struct repair *repair = argument;
    uint64_t first_seq = 0;
    if (strlen(name) == SEGMENT_NAME_BYTES - 1 && segment_name_parse(name, &first_seq) &&
        first_seq > repair->end.segment.first_seq)
        collect(repair, name);
}

static void on_checkpoint(void *argument, const char *name)
{
    size_t n = strlen(name);
    size_t suffix = sizeof(CHECKPOINT_SUFFIX) - 1;
    if (n > suffix && n < 64 && strcmp(name + n - suffix, CHECKPOINT_SUFFIX) == 0)
        collect(argument, name);
}

/* Is all that this checkpoint has kept, as it is? Then a start may begin with it, and has to when the beginning is no longer kept. */
static bool is_of_kept(const struct repair *repair, const char *name)
{
    const struct recovery_end *end = &repair->end;
    struct checkpoint checkpoint;
    struct checkpoint_reader *reader = NULL;
    uint64_t seq = 0;
    char problem[256];
    if (!checkpoint_name_parse(name, &seq) ||
        checkpoint_open(repair->env, repair->directory, seq, &checkpoint, &reader, problem, sizeof(problem)) != STATUS_OK)
        return false;
    checkpoint_close(reader);
    bool rewritten = end->last_seq + 1 == end->segment.first_seq && checkpoint.segment_seq == end->segment.first_seq;
    return checkpoint.ordinal <= end->ordinal && !rewritten;
}

static void keep_checkpoints(struct repair *repair)
{
    size_t count = repair->segment_count;
    for (size_t i = count; i < repair->name_count; i++) {
        if (!is_of_kept(repair, repair->names[i]))
            memmove(repair->names[count++], repair->names[i], NAME_BYTES);
    }
    repair->name_count = count;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

enum status repair_open(const struct env *env, const char *path, const struct journal_replay *replay,
                        const struct journal_frames *frames, struct repair **out_repair,
                        struct journal_report *out_report)
{
    *out_report = (struct journal_report){0};
    struct repair *repair = calloc(1, sizeof(*repair));
    if (repair == NULL)
        return STATUS_MEMORY;
    repair->env = env;
    enum status status = env->directory_open(env->context, path, false, true, &repair->directory);
    if (status != STATUS_OK) {
        (void)snprintf(out_report->problem, sizeof(out_report->problem), "cannot open it: %s (%.250s). To mend it: %s.",
                       status_text(status), env_last_error(), status_remedy(status));
        free(repair);
        return status;
    }
    status = env->directory_list(env->context, repair->directory, on_log, repair);
    if (status == STATUS_OK && repair->begun) {
        *out_repair = repair;
        return STATUS_AGAIN;
    }
    if (status == STATUS_OK)
        status = recovery_run(env, repair->directory, replay, frames, NULL, NULL, &repair->end, out_report);
    if (status == STATUS_OK)
        status = repair->end.empty ? STATUS_NOT_FOUND : STATUS_END;
    else if (status == STATUS_DAMAGED)
        status = repair->end.in_the_way ? STATUS_DAMAGED
                 : repair->end.ordinal == 0 || repair->end.ordinal < repair->end.image_ordinal ? STATUS_INVALID : STATUS_OK;
    if (status == STATUS_OK) {
        repair->epochs = repair->end.segment.epochs;
        status = env->directory_list(env->context, repair->directory, on_segment, repair);
        repair->segment_count = repair->name_count;
        if (repair->name_count > 0)
            qsort(repair->names, repair->name_count, NAME_BYTES, compare_names);
    }
    if (status == STATUS_OK)
        status = env->directory_list(env->context, repair->directory, on_checkpoint, repair);
    if (status == STATUS_OK && repair->out_of_memory)
        status = STATUS_MEMORY;
    if (status == STATUS_OK)
        keep_checkpoints(repair);
    if (status != STATUS_OK)
        repair_close(repair);
    else
        *out_repair = repair;
    return status;
}

void repair_close(struct repair *repair)
{
    repair->env->directory_close(repair->env->context, repair->directory);
    free(repair->names);
    free(repair);
}

const struct recovery_end *repair_kept(const struct repair *repair)
{
    return &repair->end;
}

/* ---- what is behind it ---- */

static bool all_zero(const uint8_t *bytes, size_t n)
{
    return n == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0);
}

static void look_at_header(struct repair *repair, const uint8_t *bytes, size_t n, struct repair_loss *loss)
{
    struct segment segment;
    if (n < SEGMENT_HEADER_BYTES || segment_parse(bytes, &segment) != SEGMENT_OK ||
        memcmp(segment.ledger_id, repair->end.segment.ledger_id, 16) != 0)
        return;
    if (epochs_extend(&repair->epochs, &segment.epochs))
        repair->epochs = segment.epochs;
    if (segment.first_ordinal - 1 > loss->durable_frame)
        loss->durable_frame = segment.first_ordinal - 1;
    if (segment.first_seq - 1 > loss->last_seq)
        loss->last_seq = segment.first_seq - 1;
}

/* Reads what can be read from *at on, or behind it where a block of a packed segment is damaged. */
static enum status read_around(struct segment_file *file, uint64_t *at, uint8_t *memory, size_t *out_n)
{
    uint64_t size = 0;
    enum status status = segment_file_size(file, &size);
    *out_n = 0;
    while (status == STATUS_OK && *at < size) {
        status = segment_file_read(file, *at, memory, 2 * (size_t)FRAME_BYTES_MAX, out_n);
        if (status != STATUS_DAMAGED)
            break;
        status = STATUS_OK;
        *out_n = 0;
        *at = segment_file_behind(file, *at);
    }
    return status;
}

/* The frames from an offset of a file on, wherever one begins. lost: NULL only to count. */
static enum status look_at_file(struct repair *repair, const char *name, uint64_t at, uint8_t *memory,
                                const struct journal_frames *lost, struct repair_loss *loss)
{
    struct segment_file *file = NULL;
    enum status status = segment_file_open(repair->env, repair->directory, name, &file);
    if (status != STATUS_OK)
        return status == STATUS_DAMAGED ? STATUS_OK : status; /* packed, and nobody knows where what is */
    size_t n = 0; /* in memory, from `at` on */
    uint64_t last = at;
    uint64_t begin = at;
    for (size_t used = 0;; used += FRAME_STEP_BYTES) {
        if (n - used < FRAME_STEP_BYTES || (n - used < FRAME_BYTES_MAX && n == 2 * (size_t)FRAME_BYTES_MAX)) {
            at += used;
            used = 0;
            status = read_around(file, &at, memory, &n);
            if (status != STATUS_OK || n < FRAME_STEP_BYTES)
                break;
        }
        const uint8_t *bytes = memory + used;
        if (all_zero(bytes, FRAME_STEP_BYTES))
            continue;
        last = at + used + FRAME_STEP_BYTES;
        if (at + used == 0)
            look_at_header(repair, bytes, n - used, loss);
        struct frame frame;
        if (frame_parse(bytes, repair->end.segment.ledger_id, &frame) != FRAME_OK || frame.ordinal <= repair->end.ordinal)
            continue;
        if (frame.durable_ordinal > loss->durable_frame)
            loss->durable_frame = frame.durable_ordinal;
        if (frame.last_seq > loss->last_seq)
            loss->last_seq = frame.last_seq;
        if (frame.frame_bytes > n - used || !frame_payload_sound(&frame, bytes))
            continue;
        loss->frames++;
        last = at + used + frame.frame_bytes;
        if (lost != NULL)
            lost->met(lost->context, &(struct journal_met){name, at + used, &repair->end.segment, &frame, bytes});
        used += frame.frame_bytes - FRAME_STEP_BYTES;
    }
    loss->bytes += last - begin;
    repair->cut = repair->cut || (begin != 0 && last > begin);
    segment_file_close(file);
    return status;
}

enum status repair_look(struct repair *repair, const struct journal_frames *lost, struct repair_loss *out_loss)
{
    const struct env *env = repair->env;
    char own[SEGMENT_NAME_BYTES];
    size_t room = 2 * (size_t)FRAME_BYTES_MAX;
    uint8_t *memory = env->memory_reserve(env->context, room);
    enum status status = memory == NULL ? STATUS_MEMORY : STATUS_OK;
    segment_name(repair->end.segment.first_seq, own);
    *out_loss = (struct repair_loss){.files = repair->segment_count};
    if (status == STATUS_OK)
        status = look_at_file(repair, own, repair->end.offset, memory, lost, out_loss);
    for (size_t i = 0; i < repair->segment_count && status == STATUS_OK; i++)
        status = look_at_file(repair, repair->names[i], 0, memory, lost, out_loss);
    if (memory != NULL)
        env->memory_release(env->context, memory, room);
    return status;
}

/* ---- giving it up ---- */

static enum status create(struct repair *repair, const char *name, struct env_file **out_file)
{
    const struct env *env = repair->env;
    enum status status = env->file_remove(env->context, repair->directory, name); /* of a repair that did not get far */
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    return env->file_open(env->context, repair->directory, name, ENV_OPEN_CREATE, out_file);
}

/* What is kept of the segment with the damage, in these epochs: as it is, or its ticks as frames of the new one. */
static enum status write_kept(struct repair *repair, const struct segment *segment, bool again)
{
    const struct env *env = repair->env;
    struct segment_file *from = NULL;
    struct env_file *to = NULL;
    char own[SEGMENT_NAME_BYTES];
    uint8_t header[SEGMENT_HEADER_BYTES];
    uint8_t *bytes = env->memory_reserve(env->context, FRAME_BYTES_MAX);
    uint32_t chain = segment->previous_chain;
    segment_name(segment->first_seq, own);
    segment_write_header(segment, header);
    enum status status = bytes == NULL ? STATUS_MEMORY
                                       : segment_file_open(env, repair->directory, own, &from);
    if (status == STATUS_OK)
        status = create(repair, KEPT_NAME, &to);
    if (status == STATUS_OK)
        status = fill_zeros(env, to, 0, round_up(repair->end.offset + 1, FILL_STEP_BYTES));
    if (status == STATUS_OK)
        status = env->file_write(env->context, to, 0, header, sizeof(header));
    for (uint64_t at = SEGMENT_HEADER_BYTES; status == STATUS_OK && at < repair->end.offset;) {
        struct frame frame;
        size_t got = 0;
        status = segment_file_read(from, at, bytes, FRAME_HEADER_BYTES, &got);
        if (status == STATUS_OK && (got != FRAME_HEADER_BYTES || frame_parse(bytes, segment->ledger_id, &frame) != FRAME_OK))
            status = STATUS_DAMAGED; /* it was sound a moment ago */
        if (status == STATUS_OK)
            status = segment_file_read(from, at, bytes, frame.frame_bytes, &got);
        if (status == STATUS_OK && (got != frame.frame_bytes || !frame_payload_sound(&frame, bytes)))
            status = STATUS_DAMAGED;
        if (status != STATUS_OK)
            break;
        if (again) {
            frame.epoch = segment->epochs.now;
            memcpy(frame.ledger_id, segment->ledger_id, 16);
            frame_finish(bytes, &frame, chain);
            chain = frame.chain;
        }
        status = env->file_write(env->context, to, at, bytes, frame.frame_bytes);
        at += frame.frame_bytes;
    }
    if (status == STATUS_OK)
        status = env->file_sync(env->context, to);
    if (to != NULL)
        env->file_close(env->context, to);
    if (from != NULL)
        segment_file_close(from);
    if (bytes != NULL)
        env->memory_release(env->context, bytes, FRAME_BYTES_MAX);
    return status;
}

static enum status write_begun(struct repair *repair, const struct segment *segment)
{
    const struct env *env = repair->env;
    struct env_file *file = NULL;
    uint8_t header[SEGMENT_HEADER_BYTES];
    segment_write_header(segment, header);
    enum status status = create(repair, BEGUN_NAME, &file);
    if (status != STATUS_OK)
        return status;
    status = fill_zeros(env, file, 0, FILL_STEP_BYTES);
    if (status == STATUS_OK)
        status = env->file_write(env->context, file, 0, header, sizeof(header));
    if (status == STATUS_OK)
        status = env->file_sync(env->context, file);
    env->file_close(env->context, file);
    return status;
}

static enum status write_log(struct repair *repair, const char *text, size_t n)
{
    const struct env *env = repair->env;
    struct env_file *file = NULL;
    enum status status = create(repair, REPAIR_LOG_NAME ".new", &file);
    if (status != STATUS_OK)
        return status;
    status = env->file_write(env->context, file, 0, text, n);
    if (status == STATUS_OK)
        status = env->file_sync(env->context, file);
    env->file_close(env->context, file);
    if (status == STATUS_OK)
        status = env->directory_sync(env->context, repair->directory); /* what it names is there */
    if (status == STATUS_OK)
        status = env->file_rename(env->context, repair->directory, REPAIR_LOG_NAME ".new", REPAIR_LOG_NAME);
    if (status == STATUS_OK)
        status = env->directory_sync(env->context, repair->directory);
    return status;
}

enum status repair_begin(struct repair *repair, const char *stamp)
{
    const struct env *env = repair->env;
    const struct recovery_end *end = &repair->end;
    struct segment kept = end->segment;
    struct segment begun = end->segment;
    struct epochs epochs = repair->epochs;
    char own[SEGMENT_NAME_BYTES];
    char first[SEGMENT_NAME_BYTES];
    uint64_t id = 0;
    env->random_bytes(env->context, &id, sizeof(id));
    if (!epochs_begin(&epochs, EPOCH_repair, id, end->last_seq, env->wall_us(env->context)))
        return STATUS_FULL;
    bool again = end->last_seq + 1 == kept.first_seq;
    if (again)
        kept.epochs = epochs;
    begun.epochs = epochs;
    begun.level = JOURNAL_LEVEL;
    begun.number = kept.number + 1;
    begun.first_seq = end->last_seq + 1;
    begun.first_ordinal = end->ordinal + 1;
    begun.previous_chain = end->chain;
    begun.created_us = env->wall_us(env->context);
    segment_name(kept.first_seq, own);
    segment_name(begun.first_seq, first);
    enum status status = again || repair->cut ? write_kept(repair, &kept, again) : STATUS_OK;
    if (status == STATUS_OK && !again)
        status = write_begun(repair, &begun);
    if (status != STATUS_OK)
        return status;

    size_t room = (repair->name_count + 4) * (2 * NAME_BYTES + 64);
    char *text = malloc(room);
    size_t n = 0;
    if (text == NULL)
        return STATUS_MEMORY;
    for (size_t i = repair->name_count; i > 0; i--)
        n += (size_t)snprintf(text + n, room - n, "%s %s.given-up-%s\n", repair->names[i - 1], repair->names[i - 1], stamp);
    if (again || repair->cut)
        n += (size_t)snprintf(text + n, room - n, "%s %s.given-up-%s\n" KEPT_NAME " %s\n", own, own, stamp, own);
    if (!again)
        n += (size_t)snprintf(text + n, room - n, BEGUN_NAME " %s\n", first);
    status = write_log(repair, text, n);
    free(text);
    return status;
}

static bool is_there(struct repair *repair, const char *name)
{
    struct env_file *file = NULL;
    if (repair->env->file_open(repair->env->context, repair->directory, name, ENV_OPEN_READ, &file) != STATUS_OK)
        return false;
    repair->env->file_close(repair->env->context, file);
    return true;
}

enum status repair_end(struct repair *repair)
{
    const struct env *env = repair->env;
    struct env_file *file = NULL;
    uint64_t size = 0;
    size_t got = 0;
    enum status status = env->file_open(env->context, repair->directory, REPAIR_LOG_NAME, ENV_OPEN_READ, &file);
    if (status == STATUS_OK)
        status = env->file_size(env->context, file, &size);
    char *text = status == STATUS_OK && size < LOG_BYTES_MAX ? calloc(1, (size_t)size + 1) : NULL;
    if (status == STATUS_OK && text == NULL)
        status = STATUS_MEMORY;
    if (status == STATUS_OK)
        status = env->file_read(env->context, file, 0, text, (size_t)size, &got);
    if (file != NULL)
        env->file_close(env->context, file);
    char *rest = NULL;
    for (char *line = text == NULL ? NULL : strtok_r(text, "\n", &rest); line != NULL && status == STATUS_OK;
         line = strtok_r(NULL, "\n", &rest)) {
        char *to = strchr(line, ' ');
        if (to == NULL) {
            status = STATUS_INVALID;
            break;
        }
        *to++ = 0;
        if (is_there(repair, line) && !is_there(repair, to))
            status = env->file_rename(env->context, repair->directory, line, to);
    }
    free(text);
    if (status == STATUS_OK)
        status = env->directory_sync(env->context, repair->directory);
    if (status == STATUS_OK)
        status = env->file_remove(env->context, repair->directory, REPAIR_LOG_NAME);
    if (status == STATUS_OK)
        status = env->directory_sync(env->context, repair->directory);
    return status;
}
