/*
 * The index of the journal: sparse, in memory, never stored. A reader that asks for a sequence number starts at the nearest
 * place before it and walks records or frames from there, at most one spacing of them.
 *
 * Bound: when all places are used, every second one is dropped and the spacing doubles. Nothing is ever refused.
 */
#include "journal/index.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "journal/record.h"
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
        index->segments[index->segment_count++] = (struct index_segment){.first_seq = first_seq, .end = end};
        index->since_bytes = index->spacing_bytes; /* its first frame gets a place */
        status = STATUS_OK;
    }
    (void)pthread_mutex_unlock(&index->lock);
    return status;
}

static void places_thin(struct index *index)
{
    size_t kept = 0;
    for (size_t i = index->place_first; i < index->place_count; i += 2)
        index->places[kept++] = index->places[i];
    index->place_first = 0;
    index->place_count = kept;
    index->spacing_bytes *= 2;
}

/* Makes room for another one: of those that are gone, when they are many, else by a wider spacing. */
static void places_make_room(struct index *index)
{
    if (index->place_first < index->place_max / 4) {
        places_thin(index);
        return;
    }
    index->place_count -= index->place_first;
    memmove(index->places, index->places + index->place_first, index->place_count * sizeof(*index->places));
    index->place_first = 0;
}

#define FRAME_PLACES_MAX (FRAME_BYTES_MAX / INDEX_SPACING_BYTES + 1)

/* The places of a frame: at its beginning, and at the first decision behind each spacing. */
static size_t frame_places(const struct index *index, struct index_place first, const uint8_t *records, size_t n,
                           struct index_place *out_places)
{
    size_t count = 0;
    struct index_place place = first;
    for (size_t at = 0; at < n; at += get_u32(records + at)) {
        if (at - place.start < index->spacing_bytes || records[at + 4] != RECORD_DECISION)
            continue;
        place.bytes = (uint32_t)at - place.start;
        out_places[count++] = place;
        struct reader r = reader_of(records + at + 5, get_u32(records + at) - 5);
        (void)read_varint(&r); /* events */
        place.seq = read_varint(&r);
        place.start = (uint32_t)at;
    }
    place.bytes = (uint32_t)n - place.start;
    out_places[count++] = place;
    for (size_t i = 0; i < count; i++)
        out_places[i].crc = crc32c(0, records + out_places[i].start, out_places[i].bytes);
    return count;
}

void index_add_frame(struct index *index, uint64_t offset, uint64_t end, bool has_events, uint64_t seq,
                     const uint8_t *records, size_t record_bytes)
{
    struct index_place places[FRAME_PLACES_MAX];
    size_t count = 0;
    index->since_bytes += end - offset; /* of the writer alone, as is the spacing */
    if (has_events && index->since_bytes >= index->spacing_bytes) {
        const struct index_place first = {
            .seq = seq, .offset = offset, .segment = (uint32_t)(index->segment_count - 1)};
        count = frame_places(index, first, records, record_bytes, places);
        index->since_bytes = 0;
    }
    (void)pthread_mutex_lock(&index->lock);
    index->segments[index->segment_count - 1].end = end;
    index->segments[index->segment_count - 1].record_bytes += record_bytes;
    for (size_t i = 0; i < count; i++) {
        if (index->place_count == index->place_max)
            places_make_room(index);
        index->places[index->place_count++] = places[i];
    }
    (void)pthread_mutex_unlock(&index->lock);
}

size_t index_copy(struct index *index, size_t from, uint32_t segment, uint64_t offset, struct index_place *out_places,
                  size_t most, uint64_t *out_spacing_bytes)
{
    size_t count = 0;
    (void)pthread_mutex_lock(&index->lock);
    *out_spacing_bytes = index->spacing_bytes;
    for (size_t i = index->place_first + from; i < index->place_count && count < most; i++) {
        const struct index_place *place = &index->places[i];
        if (place->segment > segment || (place->segment == segment && place->offset >= offset))
            break;
        out_places[count++] = *place;
    }
    (void)pthread_mutex_unlock(&index->lock);
    return count;
}

enum status index_load(struct index *index, const struct index_place *places, size_t n, uint64_t spacing_bytes)
{
    if (n > index->place_max - index->place_count)
        return STATUS_FULL;
    memcpy(index->places + index->place_count, places, n * sizeof(*places));
    index->place_count += n;
    index->spacing_bytes = spacing_bytes;
    return STATUS_OK;
}

void index_clear(struct index *index, uint32_t first)
{
    index->segment_first = index->segment_count = first;
    index->place_first = index->place_count = 0;
    index->spacing_bytes = INDEX_SPACING_BYTES;
    index->since_bytes = 0;
}

void index_drop(struct index *index, uint32_t first)
{
    (void)pthread_mutex_lock(&index->lock);
    CHECK(first < index->segment_count);
    if (first > index->segment_first)
        index->segment_first = first;
    while (index->place_first < index->place_count && index->places[index->place_first].segment < first)
        index->place_first++;
    (void)pthread_mutex_unlock(&index->lock);
}

uint32_t index_first(struct index *index)
{
    (void)pthread_mutex_lock(&index->lock);
    size_t first = index->segment_first;
    (void)pthread_mutex_unlock(&index->lock);
    return (uint32_t)first;
}

bool index_find(struct index *index, uint64_t seq, struct index_place *out_place)
{
    (void)pthread_mutex_lock(&index->lock);
    bool any = index->segment_count > index->segment_first;
    if (any) {
        size_t low = index->place_first; /* places before low have a sequence number <= seq */
        size_t high = index->place_count;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (index->places[middle].seq <= seq)
                low = middle + 1;
            else
                high = middle;
        }
        *out_place = low == index->place_first
                         ? (struct index_place){.offset = SEGMENT_HEADER_BYTES, .segment = (uint32_t)index->segment_first}
                         : index->places[low - 1];
    }
    (void)pthread_mutex_unlock(&index->lock);
    return any;
}

bool index_segment(struct index *index, uint32_t segment, struct index_segment *out_segment)
{
    (void)pthread_mutex_lock(&index->lock);
    bool there = segment >= index->segment_first && segment < index->segment_count;
    if (there)
        *out_segment = index->segments[segment];
    (void)pthread_mutex_unlock(&index->lock);
    return there;
}

void index_set_form(struct index *index, uint32_t segment, enum index_form form)
{
    (void)pthread_mutex_lock(&index->lock);
    index->segments[segment].form = form;
    (void)pthread_mutex_unlock(&index->lock);
}

/* Is the share of records in a smaller than in b? Segments have less than 2^43 bytes; shares are compared in 1/1024. */
static bool sparser(const struct index_segment *a, const struct index_segment *b)
{
    return a->record_bytes * 1024 / a->end < b->record_bytes * 1024 / b->end;
}

bool index_sparsest(struct index *index, size_t keep, uint32_t *out_segment, struct index_segment *out_here)
{
    const struct index_segment *found = NULL;
    (void)pthread_mutex_lock(&index->lock);
    for (size_t i = index->segment_first; i + keep < index->segment_count; i++) {
        const struct index_segment *here = &index->segments[i];
        if (here->form == INDEX_RAW && (found == NULL || sparser(here, found)))
            found = here;
    }
    if (found != NULL) {
        *out_segment = (uint32_t)(found - index->segments);
        *out_here = *found;
    }
    (void)pthread_mutex_unlock(&index->lock);
    return found != NULL;
}
