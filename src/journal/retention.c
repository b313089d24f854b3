#include "journal/retention.h"

#include <stdio.h>
#include <stdlib.h>

#include "journal/chain.h"
#include "journal/checkpoint.h"
#include "journal/segment_file.h"

#define PROBLEM(...) (void)snprintf(problem, problem_bytes, __VA_ARGS__)

/* ---- checkpoints ---- */

/* The oldest segment that one of the checkpoints is gone on in; as many as are kept have to be good. */
static enum status checkpoints_need(const struct env *env, struct env_directory *directory, bool read, uint64_t *out_seq,
                                    char *problem, size_t problem_bytes)
{
    uint64_t seqs[CHECKPOINT_KEPT];
    size_t count = 0;
    *out_seq = 0;
    enum status status = checkpoint_list(env, directory, seqs, CHECKPOINT_KEPT, &count);
    if (status != STATUS_OK)
        PROBLEM("the data directory cannot be listed: %s", env_last_error());
    if (status != STATUS_OK || count < CHECKPOINT_KEPT)
        return status;
    uint64_t oldest = UINT64_MAX;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        struct checkpoint checkpoint;
        struct checkpoint_reader *reader = NULL;
        if (read) {
            status = checkpoint_sound(env, directory, seqs[i], &checkpoint, problem, problem_bytes);
        } else {
            status = checkpoint_open(env, directory, seqs[i], &checkpoint, &reader, problem, problem_bytes);
            if (status == STATUS_OK)
                checkpoint_close(reader);
        }
        if (status == STATUS_OK && checkpoint.segment_seq < oldest)
            oldest = checkpoint.segment_seq;
    }
    if (status == STATUS_OK)
        *out_seq = oldest;
    return status == STATUS_VERSION || status == STATUS_NOT_FOUND ? STATUS_DAMAGED : status;
}

/* ---- segments ---- */

/* What a segment says of all that is before it. */
struct before {
    struct segment segment;
    int64_t us; /* by then it was recorded */
};

/* END when it has no frame yet. */
static enum status segment_look(const struct env *env, struct env_directory *directory, uint64_t first_seq,
                                struct before *out_before)
{
    char name[SEGMENT_NAME_BYTES];
    uint8_t header[SEGMENT_HEADER_BYTES], head[FRAME_STEP_BYTES];
    size_t got = 0;
    struct frame frame;
    struct segment_file *file = NULL;
    segment_name(first_seq, name);
    enum status status = segment_file_open(env, directory, name, &file);
    if (status != STATUS_OK)
        return status;
    status = segment_file_read(file, 0, header, sizeof(header), &got);
    if (status == STATUS_OK && (got != sizeof(header) || segment_parse(header, &out_before->segment) != SEGMENT_OK))
        status = STATUS_DAMAGED;
    if (status == STATUS_OK)
        status = segment_file_read(file, SEGMENT_HEADER_BYTES, head, sizeof(head), &got);
    if (status == STATUS_OK &&
        (got != sizeof(head) || frame_parse(head, out_before->segment.ledger_id, &frame) != FRAME_OK ||
         frame.ordinal != out_before->segment.first_ordinal))
        status = STATUS_END;
    segment_file_close(file);
    if (status == STATUS_OK)
        out_before->us = frame.log_us; /* log time never goes back */
    return status;
}

static enum status file_bytes(const struct env *env, struct env_directory *directory, uint64_t first_seq, uint64_t *out_bytes)
{
    char name[SEGMENT_NAME_BYTES];
    struct env_file *file = NULL;
    segment_name(first_seq, name);
    enum status status = env->file_open(env->context, directory, name, ENV_OPEN_READ, &file);
    if (status != STATUS_OK)
        return status;
    status = env->file_size(env->context, file, out_bytes);
    env->file_close(env->context, file);
    return status;
}

/* Of all that are kept. */
static enum status all_bytes(const struct env *env, struct env_directory *directory, struct index *index, uint64_t *out_bytes)
{
    struct index_segment here;
    *out_bytes = 0;
    for (uint32_t i = index_first(index); index_segment(index, i, &here); i++) {
        uint64_t bytes = 0;
        enum status status = file_bytes(env, directory, here.first_seq, &bytes);
        if (status != STATUS_OK)
            return status;
        *out_bytes += bytes;
    }
    return STATUS_OK;
}

/* May all before this segment go? RETAINED_NOT: yes. */
static enum retained_for judge(const struct before *before, const struct journal_retention *wanted, uint64_t checkpoints_seq,
                               uint64_t left_bytes)
{
    uint64_t seq = before->segment.first_seq;
    if (before->us > wanted->before_us && left_bytes <= wanted->most_bytes)
        return RETAINED_WANTED;
    if (seq > checkpoints_seq)
        return RETAINED_CHECKPOINT;
    if (seq > wanted->needed_seq)
        return RETAINED_LEDGER;
    return before->us > wanted->horizon_us ? RETAINED_HORIZON : RETAINED_NOT;
}

enum status retention_choose(const struct env *env, struct env_directory *directory, struct index *index,
                             const struct journal_retention *wanted, struct retention_choice *out_choice, char *problem,
                             size_t problem_bytes)
{
    uint32_t first = index_first(index);
    uint64_t checkpoints_seq = 0, left_bytes = 0;
    struct index_segment here, next;
    *out_choice = (struct retention_choice){.first = first, .end = first};
    enum status status = checkpoints_need(env, directory, false, &checkpoints_seq, problem, problem_bytes);
    if (status != STATUS_OK)
        return status;
    status = all_bytes(env, directory, index, &left_bytes);
    for (uint32_t i = first; status == STATUS_OK && index_segment(index, i, &here); i++) {
        struct before before;
        uint64_t bytes = 0;
        out_choice->reason = RETAINED_WANTED; /* the one in use stays */
        if (!index_segment(index, i + 1, &next))
            break;
        status = segment_look(env, directory, next.first_seq, &before);
        if (status == STATUS_END) {
            status = STATUS_OK;
            break;
        }
        if (status == STATUS_OK)
            status = file_bytes(env, directory, here.first_seq, &bytes);
        if (status != STATUS_OK)
            break;
        out_choice->reason = judge(&before, wanted, checkpoints_seq, left_bytes);
        if (out_choice->reason != RETAINED_NOT)
            break;
        left_bytes -= bytes;
        out_choice->end = i + 1;
    }
    if (status != STATUS_OK) {
        PROBLEM("a segment cannot be read: %s", status == STATUS_IO ? env_last_error() : status_text(status));
        return status;
    }
    out_choice->over_bytes = left_bytes > wanted->most_bytes ? left_bytes - wanted->most_bytes : 0;
    /* A start depends on them from now on: they are read before anything goes. */
    if (out_choice->end != first)
        status = checkpoints_need(env, directory, true, &checkpoints_seq, problem, problem_bytes);
    return status;
}

/* ---- the chain goes on over what goes ---- */

/* Adds the frames of a segment. DAMAGED: one of them is not what it was. AGAIN: *stop. */
static enum status chain_over(const struct env *env, struct env_directory *directory, const struct index_segment *here,
                              const struct genesis *genesis, const atomic_bool *stop, struct chain *chain)
{
    char name[SEGMENT_NAME_BYTES];
    struct segment_file *file = NULL;
    uint8_t *bytes = malloc(FRAME_BYTES_MAX);
    segment_name(here->first_seq, name);
    enum status status = bytes == NULL ? STATUS_MEMORY : segment_file_open(env, directory, name, &file);
    for (uint64_t at = SEGMENT_HEADER_BYTES; status == STATUS_OK && at < here->end;) {
        struct frame frame;
        size_t got = 0;
        status = segment_file_read(file, at, bytes, FRAME_STEP_BYTES, &got);
        if (status == STATUS_OK && (got < FRAME_STEP_BYTES || frame_parse(bytes, genesis->ledger_id, &frame) != FRAME_OK))
            status = STATUS_DAMAGED;
        if (status == STATUS_OK)
            status = segment_file_read(file, at, bytes, frame.frame_bytes, &got);
        if (status == STATUS_OK && (got < frame.frame_bytes || !frame_payload_sound(&frame, bytes)))
            status = STATUS_DAMAGED;
        if (status == STATUS_OK && !chain_add(chain, &frame, bytes + FRAME_HEADER_BYTES))
            status = STATUS_MEMORY;
        if (status == STATUS_OK && stop != NULL && atomic_load(stop))
            status = STATUS_AGAIN;
        at += status == STATUS_OK ? frame.frame_bytes : 0;
    }
    if (file != NULL)
        segment_file_close(file);
    free(bytes);
    return status;
}

enum status retention_chain(const struct env *env, struct env_directory *directory, struct index *index, uint32_t segment,
                            const atomic_bool *stop, struct beginning *beginning)
{
    struct beginning before;
    struct index_segment here;
    enum status status = beginning_read(env, directory, &before);
    if (status != STATUS_OK || (!beginning_is_of_all(&before) && !before.has_head))
        return status;
    struct chain *chain = chain_create();
    if (chain == NULL)
        return STATUS_MEMORY;
    struct chain_head head = {.seq = before.first_seq - 1};
    memcpy(head.bytes, before.head, CHAIN_HEAD_BYTES);
    if (before.has_head)
        chain_set(chain, &head);
    for (uint32_t i = index_first(index); status == STATUS_OK && i < segment && index_segment(index, i, &here); i++)
        status = chain_over(env, directory, &here, &beginning->genesis, stop, chain);
    const struct chain_head *now = chain_head(chain);
    beginning->has_head = status == STATUS_OK && now != NULL && now->seq == beginning->first_seq - 1;
    if (beginning->has_head)
        memcpy(beginning->head, now->bytes, CHAIN_HEAD_BYTES);
    chain_destroy(chain);
    return status == STATUS_DAMAGED || status == STATUS_VERSION ? STATUS_OK : status; /* then it is not known any more */
}

enum status retention_beginning(const struct env *env, struct env_directory *directory, struct index *index, uint32_t segment,
                                const struct genesis *genesis, struct beginning *out_beginning, uint64_t *out_bytes)
{
    struct index_segment here;
    struct before before;
    enum status status = STATUS_OK;
    *out_bytes = 0;
    for (uint32_t i = index_first(index); status == STATUS_OK && i < segment && index_segment(index, i, &here); i++) {
        uint64_t bytes = 0;
        status = file_bytes(env, directory, here.first_seq, &bytes);
        *out_bytes += bytes;
    }
    CHECK(index_segment(index, segment, &here));
    if (status == STATUS_OK)
        status = segment_look(env, directory, here.first_seq, &before);
    if (status == STATUS_OK)
        *out_beginning = (struct beginning){.genesis = *genesis,
                                            .number = before.segment.number,
                                            .first_seq = before.segment.first_seq,
                                            .first_ordinal = before.segment.first_ordinal,
                                            .previous_chain = before.segment.previous_chain,
                                            .before_us = before.us};
    return status == STATUS_END ? STATUS_DAMAGED : status;
}

/* ---- removing ---- */

struct leftovers {
    uint64_t first_seq; /* those before it */
    uint64_t *seqs;
    size_t count, most;
};

static void collect(void *argument, const char *name)
{
    struct leftovers *leftovers = argument;
    uint64_t seq = 0;
    if (strlen(name) != SEGMENT_NAME_BYTES - 1 || !segment_name_parse(name, &seq) || seq >= leftovers->first_seq)
        return;
    if (leftovers->count == leftovers->most) {
        size_t most = 2 * leftovers->most + 64;
        uint64_t *seqs = realloc(leftovers->seqs, most * sizeof(*seqs));
        if (seqs == NULL)
            return; /* the next start has memory, perhaps */
        leftovers->seqs = seqs;
        leftovers->most = most;
    }
    leftovers->seqs[leftovers->count++] = seq;
}

void retention_remove(const struct env *env, struct env_directory *directory, uint64_t first_seq)
{
    struct leftovers leftovers = {.first_seq = first_seq};
    if (env->directory_list(env->context, directory, collect, &leftovers) == STATUS_OK) {
        for (size_t i = 0; i < leftovers.count; i++) {
            char name[SEGMENT_NAME_BYTES];
            segment_name(leftovers.seqs[i], name);
            (void)env->file_remove(env->context, directory, name);
        }
    }
    free(leftovers.seqs);
}
