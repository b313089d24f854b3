#include "journal/resume.h"

#include <stdio.h>

#include "base/columns.h"

#define FIELD(type, member) {(uint32_t)offsetof(struct type, member), (uint32_t)sizeof(((struct type *)0)->member), 1}
static const struct column segment_fields[] = {FIELD(index_segment, first_seq), FIELD(index_segment, end)};
static const struct column place_fields[] = {FIELD(index_place, seq),   FIELD(index_place, offset),
                                             FIELD(index_place, segment), FIELD(index_place, start),
                                             FIELD(index_place, bytes), FIELD(index_place, crc)};
#define SEGMENT_FIELDS (sizeof(segment_fields) / sizeof(segment_fields[0]))
#define PLACE_FIELDS   (sizeof(place_fields) / sizeof(place_fields[0]))

/* A block is the number of entries, in 4 bytes, and their columns. */
#define COUNT_BYTES   4
#define BLOCK_ENTRIES ((size_t)512) /* copied at once: the writer waits meanwhile */

union entries {
    struct index_segment segments[BLOCK_ENTRIES];
    struct index_place places[BLOCK_ENTRIES];
};
_Static_assert(COUNT_BYTES + 6 * (9 + 8 * BLOCK_ENTRIES) <= CHECKPOINT_BLOCK_BYTES_MAX, "a block has room for them");

struct work {
    union entries entries;
    uint8_t bytes[CHECKPOINT_BLOCK_BYTES_MAX];
};

/* ---- writing ---- */

static enum status put_entries(struct checkpoint_writer *writer, enum checkpoint_block kind, struct work *work, size_t n)
{
    bool segments = kind == CHECKPOINT_SEGMENTS;
    work->bytes[0] = (uint8_t)n;
    work->bytes[1] = (uint8_t)(n >> 8);
    work->bytes[2] = work->bytes[3] = 0;
    size_t bytes = columns_write(segments ? segment_fields : place_fields, segments ? SEGMENT_FIELDS : PLACE_FIELDS,
                                 &work->entries, segments ? sizeof(struct index_segment) : sizeof(struct index_place), n,
                                 work->bytes + COUNT_BYTES);
    return checkpoint_put(writer, kind, work->bytes, COUNT_BYTES + bytes);
}

static enum status put_segments(struct checkpoint_writer *writer, struct index *index, uint32_t first, uint32_t last,
                                uint64_t offset, struct work *work)
{
    size_t n = 0;
    for (uint32_t i = first; i <= last; i++) {
        if (!index_segment(index, i, &work->entries.segments[n]))
            return STATUS_AGAIN;
        if (i == last)
            work->entries.segments[n].end = offset;
        if (++n < BLOCK_ENTRIES && i < last)
            continue;
        enum status status = put_entries(writer, CHECKPOINT_SEGMENTS, work, n);
        if (status != STATUS_OK)
            return status;
        n = 0;
    }
    return STATUS_OK;
}

static enum status put_places(struct checkpoint_writer *writer, struct index *index, uint32_t segment,
                              const struct checkpoint *checkpoint, struct work *work)
{
    size_t from = 0, n;
    uint64_t spacing = 0;
    while ((n = index_copy(index, from, segment, checkpoint->offset, work->entries.places, BLOCK_ENTRIES, &spacing)) != 0) {
        if (spacing != checkpoint->spacing_bytes)
            return STATUS_AGAIN;
        enum status status = put_entries(writer, CHECKPOINT_PLACES, work, n);
        if (status != STATUS_OK)
            return status;
        from += n;
    }
    return STATUS_OK;
}

enum status resume_write(const struct env *env, struct env_directory *directory, struct index *index, uint32_t segment,
                         struct checkpoint *checkpoint, struct checkpoint_writer **out_writer)
{
    struct index_segment of;
    struct work *work = env->memory_reserve(env->context, sizeof(*work));
    if (work == NULL)
        return STATUS_MEMORY;
    struct checkpoint_writer *writer = NULL;
    enum status status = index_segment(index, segment, &of) ? STATUS_OK : STATUS_AGAIN;
    checkpoint->segment_seq = of.first_seq;
    checkpoint->segment_first = index_first(index);
    (void)index_copy(index, 0, segment, checkpoint->offset, work->entries.places, 1, &checkpoint->spacing_bytes);
    if (status == STATUS_OK)
        status = checkpoint_begin(env, directory, checkpoint, &writer);
    if (status == STATUS_OK)
        status = put_segments(writer, index, (uint32_t)checkpoint->segment_first, segment, checkpoint->offset, work);
    if (status == STATUS_OK)
        status = put_places(writer, index, segment, checkpoint, work);
    env->memory_release(env->context, work, sizeof(*work));
    if (status != STATUS_OK)
        checkpoint_abandon(writer);
    else
        *out_writer = writer;
    return status;
}

/* ---- reading ---- */

static enum status take_entries(struct index *index, enum checkpoint_block kind, const struct checkpoint *checkpoint,
                                const uint8_t *bytes, size_t n, union entries *entries)
{
    bool segments = kind == CHECKPOINT_SEGMENTS;
    size_t count = n < COUNT_BYTES ? 0 : (size_t)bytes[0] | (size_t)bytes[1] << 8;
    if (count == 0 || count > BLOCK_ENTRIES)
        return STATUS_DAMAGED;
    memset(entries, 0, sizeof(*entries));
    if (!columns_read(segments ? segment_fields : place_fields, segments ? SEGMENT_FIELDS : PLACE_FIELDS, entries,
                      segments ? sizeof(struct index_segment) : sizeof(struct index_place), count, bytes + COUNT_BYTES,
                      n - COUNT_BYTES))
        return STATUS_DAMAGED;
    if (!segments && checkpoint->spacing_bytes < INDEX_SPACING_BYTES)
        return STATUS_DAMAGED; /* a frame would have more places than there can be */
    if (!segments)
        return index_load(index, entries->places, count, checkpoint->spacing_bytes);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = index_add_segment(index, entries->segments[i].first_seq, entries->segments[i].end);
    return status;
}

static enum status read_blocks(struct checkpoint_reader *reader, const struct journal_replay *replay, struct index *index,
                               const struct checkpoint *checkpoint, union entries *entries, char *problem,
                               size_t problem_bytes)
{
    enum status status;
    enum checkpoint_block kind;
    const uint8_t *bytes;
    size_t n;
    while ((status = checkpoint_next(reader, &kind, &bytes, &n, problem, problem_bytes)) == STATUS_OK) {
        if (kind == CHECKPOINT_IMAGE)
            status = replay->image(replay->context, bytes, n);
        else if (index != NULL)
            status = take_entries(index, kind, checkpoint, bytes, n, entries);
        if (status == STATUS_DAMAGED)
            (void)snprintf(problem, problem_bytes, "the checkpoint of event %llu has a block that is none",
                           (unsigned long long)checkpoint->last_seq);
        if (status != STATUS_OK)
            return status;
    }
    if (status != STATUS_END)
        return status;
    status = replay->image_end(replay->context, checkpoint->state_hash);
    if (status == STATUS_DAMAGED)
        (void)snprintf(problem, problem_bytes, "the checkpoint of event %llu makes a ledger with another state hash",
                       (unsigned long long)checkpoint->last_seq);
    return status;
}

enum status resume_read(const struct env *env, struct env_directory *directory, uint64_t last_seq,
                        const struct journal_replay *replay, struct index *index, struct checkpoint *out_checkpoint,
                        char *problem, size_t problem_bytes)
{
    struct checkpoint_reader *reader = NULL;
    problem[0] = '\0';
    enum status status =
        checkpoint_open(env, directory, last_seq, out_checkpoint, &reader, problem, problem_bytes);
    if (status != STATUS_OK)
        return status;
    if (out_checkpoint->layout != replay->image_layout) {
        (void)snprintf(problem, problem_bytes, "the checkpoint of event %llu was written by another version",
                       (unsigned long long)last_seq);
        checkpoint_close(reader);
        return STATUS_VERSION;
    }
    union entries *entries = env->memory_reserve(env->context, sizeof(*entries));
    if (entries == NULL) {
        (void)snprintf(problem, problem_bytes, "no memory to read a checkpoint with");
        checkpoint_close(reader);
        return STATUS_MEMORY;
    }
    if (index != NULL)
        index_clear(index, narrow_u32(out_checkpoint->segment_first));
    replay->genesis(replay->context, &out_checkpoint->genesis);
    status = read_blocks(reader, replay, index, out_checkpoint, entries, problem, problem_bytes);
    if (status != STATUS_OK && problem[0] == '\0')
        (void)snprintf(problem, problem_bytes, "the checkpoint of event %llu cannot be taken: %s", (unsigned long long)last_seq,
                       status_text(status));
    env->memory_release(env->context, entries, sizeof(*entries));
    checkpoint_close(reader);
    return status;
}
