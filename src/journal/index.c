/*
 * The index of the journal on disk: sparse, in memory, never stored. A reader that asks for a sequence number starts at
 * the nearest place before it and walks frames from there, at most one spacing (or one frame) of them.
 *
 * Bound: when all places are used, every second one is dropped and the spacing doubles. Nothing is ever refused.
 */
#include "journal/index.h"

#include "journal/segment.h"

enum status index_init(struct index *index, const struct env *env, size_t place_max)
{
    *index = (struct index){.env = env, .place_max = place_max, .spacing_bytes = INDEX_SPACING_BYTES};
    index->segments = env->memory_reserve(env->context, INDEX_SEGMENTS_MAX * sizeof(*index->segments));
    index->places = env->memory_reserve(env->context, place_max * sizeof(*index->places));
    if (index->segments != NULL && index->places != NULL && pthread_mutex_init(&index->lock, NULL) == 0)
        return STATUS_OK;
    env->memory_release(env->context, index->segments, INDEX_SEGMENTS_MAX * sizeof(*index->segments));
    env->memory_release(env->context, index->places, place_max * sizeof(*index->places));
    return STATUS_MEMORY;
}

void index_deinit(struct index *index)
{
    const struct env *env = index->env;
    (void)pthread_mutex_destroy(&index->lock);
    env->memory_release(env->context, index->segments, INDEX_SEGMENTS_MAX * sizeof(*index->segments));
    env->memory_release(env->context, index->places, index->place_max * sizeof(*index->places));
}

enum status index_add_segment(struct index *index, uint64_t first_seq, uint64_t end)
{
    (void)pthread_mutex_lock(&index->lock);
    enum status status = STATUS_FULL;
    if (index->segment_count < INDEX_SEGMENTS_MAX) {
        index->segments[index->segment_count++] = (struct index_segment){first_seq, end};
        index->since_bytes = index->spacing_bytes; /* its first frame gets a place */
        status = STATUS_OK;
    }
    (void)pthread_mutex_unlock(&index->lock);
    return status;
}

static void places_thin(struct index *index)
{
    size_t kept = 0;
    for (size_t i = 0; i < index->place_count; i += 2)
        index->places[kept++] = index->places[i];
    index->place_count = kept;
    index->spacing_bytes *= 2;
}

void index_add_frame(struct index *index, uint64_t offset, uint64_t end, bool has_events, uint64_t seq)
{
    (void)pthread_mutex_lock(&index->lock);
    index->segments[index->segment_count - 1].end = end;
    index->since_bytes += end - offset;
    if (has_events && index->since_bytes >= index->spacing_bytes) {
        if (index->place_count == index->place_max)
            places_thin(index);
        index->places[index->place_count++] = (struct index_place){seq, offset, (uint32_t)(index->segment_count - 1)};
        index->since_bytes = 0;
    }
    (void)pthread_mutex_unlock(&index->lock);
}

bool index_find(struct index *index, uint64_t seq, uint32_t *out_segment, uint64_t *out_offset)
{
    (void)pthread_mutex_lock(&index->lock);
    bool any = index->segment_count > 0;
    if (any) {
        size_t low = 0; /* places before low have a sequence number <= seq */
        size_t high = index->place_count;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (index->places[middle].seq <= seq)
                low = middle + 1;
            else
                high = middle;
        }
        *out_segment = low == 0 ? 0 : index->places[low - 1].segment;
        *out_offset = low == 0 ? SEGMENT_HEADER_BYTES : index->places[low - 1].offset;
    }
    (void)pthread_mutex_unlock(&index->lock);
    return any;
}

bool index_segment(struct index *index, uint32_t segment, struct index_segment *out_segment)
{
    (void)pthread_mutex_lock(&index->lock);
    bool there = segment < index->segment_count;
    if (there)
        *out_segment = index->segments[segment];
    (void)pthread_mutex_unlock(&index->lock);
    return there;
}
