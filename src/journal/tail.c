/*
 * The tail: frames are built where they stay.
 *
 * Direct writes bypass the page cache, so whoever follows the journal closely would go to the disk for what was in
 * memory a moment ago. And a group that is built in one buffer, copied to a second for the write and to a third for the
 * readers moves every byte three times. So there is one place: a ring of chunks, aligned, in which the writer builds a
 * frame, from which it is written, and out of which readers copy it until the ring comes round.
 *
 *     chunk number   n-3        n-2        n-1          n
 *                 |frames....|frames....|frames....|frames [in flight][open group    ]
 *                  oldest                                              ^ writer
 *
 * A tail offset is chunk number times chunk bytes plus the place in the chunk: it grows for ever, so an old one is
 * recognised as gone. A frame never crosses a chunk: what is left at a chunk's end stays unused, and untouched.
 *
 * Readers and the writer meet in two places only.
 * - The list of durable frames, under one mutex, held for a binary search or to add an entry.
 * - A chunk's lock. A reader copies under the read lock after it has seen that the chunk still has its number; the
 *   writer takes the write lock only to give the chunk a new number. It withdraws the old number first, so that no new
 *   reader comes in and the wait is for copies already under way. A stream of readers cannot starve the writer.
 *
 * Invariant: bytes of a frame are written before tail_publish and not changed until the chunk is claimed again.
 */
#include "journal/tail.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "journal/frame.h"
#include "journal/record.h"

#define FRAMES_PER_LOOK 16 /* list entries copied per lock */

struct chunk {
    pthread_rwlock_t lock;
    _Atomic uint64_t number; /* TAIL_NOWHERE while it has none */
};

struct tail {
    const struct env *env;
    uint8_t *memory;
    size_t chunk_bytes;
    uint64_t chunk_count;
    struct chunk *chunks;

    pthread_mutex_t frames_lock;
    struct tail_frame *frames; /* ring: entry k at k & frames_mask */
    uint64_t frames_mask;
    uint64_t frames_oldest, frames_end; /* under frames_lock */
};

struct tail *tail_create(const struct env *env, size_t tail_bytes)
{
    struct tail *tail = calloc(1, sizeof(*tail));
    if (tail == NULL)
        return NULL;
    tail->env = env;
    tail->chunk_bytes = tail_bytes / TAIL_CHUNK_COUNT_MIN;
    if (tail->chunk_bytes < TAIL_CHUNK_BYTES_MIN)
        tail->chunk_bytes = TAIL_CHUNK_BYTES_MIN;
    if (tail->chunk_bytes > TAIL_CHUNK_BYTES_MAX)
        tail->chunk_bytes = TAIL_CHUNK_BYTES_MAX;
    tail->chunk_bytes = (size_t)round_up(tail->chunk_bytes, TAIL_CHUNK_BYTES_MIN);
    tail->chunk_count = tail_bytes / tail->chunk_bytes;
    if (tail->chunk_count < TAIL_CHUNK_COUNT_MIN)
        tail->chunk_count = TAIL_CHUNK_COUNT_MIN;
    /* One entry per smallest frame, so that the list never runs out before the chunks do. */
    uint64_t frames = 1;
    while (frames < tail->chunk_count * tail->chunk_bytes / FRAME_STEP_BYTES)
        frames *= 2;
    tail->frames_mask = frames - 1;
    tail->chunks = calloc((size_t)tail->chunk_count, sizeof(*tail->chunks));
    tail->memory = env->memory_reserve(env->context, (size_t)tail->chunk_count * tail->chunk_bytes);
    tail->frames = env->memory_reserve(env->context, (size_t)frames * sizeof(*tail->frames));
    if (tail->chunks == NULL || tail->memory == NULL || tail->frames == NULL)
        goto fail_memory;
    if (pthread_mutex_init(&tail->frames_lock, NULL) != 0)
        goto fail_memory;
    for (uint64_t i = 0; i < tail->chunk_count; i++) {
        atomic_init(&tail->chunks[i].number, TAIL_NOWHERE);
        if (pthread_rwlock_init(&tail->chunks[i].lock, NULL) != 0) {
            while (i > 0)
                (void)pthread_rwlock_destroy(&tail->chunks[--i].lock);
            goto fail_lock;
        }
    }
    return tail;

fail_lock:
    (void)pthread_mutex_destroy(&tail->frames_lock);
fail_memory:
    env->memory_release(env->context, tail->memory, (size_t)tail->chunk_count * tail->chunk_bytes);
    env->memory_release(env->context, tail->frames, (size_t)frames * sizeof(*tail->frames));
    free(tail->chunks);
    free(tail);
    return NULL;
}

void tail_destroy(struct tail *tail)
{
    if (tail == NULL)
        return;
    const struct env *env = tail->env;
    for (uint64_t i = 0; i < tail->chunk_count; i++)
        (void)pthread_rwlock_destroy(&tail->chunks[i].lock);
    (void)pthread_mutex_destroy(&tail->frames_lock);
    env->memory_release(env->context, tail->memory, (size_t)tail->chunk_count * tail->chunk_bytes);
    env->memory_release(env->context, tail->frames, (size_t)(tail->frames_mask + 1) * sizeof(*tail->frames));
    free(tail->chunks);
    free(tail);
}

size_t tail_chunk_bytes(const struct tail *tail)
{
    return tail->chunk_bytes;
}

uint8_t *tail_claim(struct tail *tail, uint64_t chunk_number)
{
    uint64_t slot = chunk_number % tail->chunk_count;
    struct chunk *chunk = &tail->chunks[slot];
    atomic_store_explicit(&chunk->number, TAIL_NOWHERE, memory_order_relaxed);

    uint64_t oldest_start =
        chunk_number < tail->chunk_count ? 0 : (chunk_number - tail->chunk_count + 1) * (uint64_t)tail->chunk_bytes;
    (void)pthread_mutex_lock(&tail->frames_lock);
    while (tail->frames_oldest != tail->frames_end &&
           tail->frames[tail->frames_oldest & tail->frames_mask].start < oldest_start)
        tail->frames_oldest++;
    (void)pthread_mutex_unlock(&tail->frames_lock);

    (void)pthread_rwlock_wrlock(&chunk->lock);
    atomic_store_explicit(&chunk->number, chunk_number, memory_order_release);
    (void)pthread_rwlock_unlock(&chunk->lock);
    return tail->memory + slot * tail->chunk_bytes;
}

void tail_publish(struct tail *tail, const struct tail_frame *frame)
{
    CHECK(frame->last_seq >= frame->first_seq);
    (void)pthread_mutex_lock(&tail->frames_lock);
    if (tail->frames_end - tail->frames_oldest > tail->frames_mask)
        tail->frames_oldest++;
    tail->frames[tail->frames_end & tail->frames_mask] = *frame;
    tail->frames_end++;
    (void)pthread_mutex_unlock(&tail->frames_lock);
}

/* Number of the entry that holds seq; frames_end when it is later, TAIL_NOWHERE when earlier. Under frames_lock. */
static uint64_t frames_find(const struct tail *tail, uint64_t seq)
{
    uint64_t low = tail->frames_oldest;
    uint64_t high = tail->frames_end;
    if (low == high || seq < tail->frames[low & tail->frames_mask].first_seq)
        return TAIL_NOWHERE;
    /* The first entry that does not end before seq. Most readers are at the end. */
    if (tail->frames[(high - 1) & tail->frames_mask].last_seq < seq)
        return high;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (tail->frames[middle & tail->frames_mask].last_seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Copies up to FRAMES_PER_LOOK entries from number `from` on. Returns how many; 0 when `from` is the end or gone. */
static unsigned frames_copy(struct tail *tail, uint64_t from, struct tail_frame *out_frames)
{
    unsigned count = 0;
    (void)pthread_mutex_lock(&tail->frames_lock);
    if (from >= tail->frames_oldest) {
        for (; count < FRAMES_PER_LOOK && from + count < tail->frames_end; count++)
            out_frames[count] = tail->frames[(from + count) & tail->frames_mask];
    }
    (void)pthread_mutex_unlock(&tail->frames_lock);
    return count;
}

enum status records_copy(const uint8_t *records, size_t n, size_t start, uint64_t from_seq, uint8_t *out, size_t room,
                         size_t *out_used, bool *out_full)
{
    size_t at = start;
    size_t used = 0;
    size_t run = start; /* wanted records from here to `at` are not yet copied */
    bool found = false;
    *out_full = false;
    *out_used = 0;
    while (at < n) {
        if (n - at < 5)
            return STATUS_DAMAGED;
        size_t bytes = get_u32(records + at);
        if (bytes < 5 || bytes > n - at)
            return STATUS_DAMAGED;
        bool wanted = records[at + 4] == RECORD_DECISION;
        if (wanted && !found) {
            /* Sequence numbers only grow: once one record is wanted, all later ones are. */
            struct reader r = reader_of(records + at + 5, bytes - 5);
            uint64_t events = read_varint(&r);
            uint64_t first = read_varint(&r);
            if (r.bad || events == 0)
                return STATUS_DAMAGED;
            wanted = first + (events - 1) >= from_seq;
            found = wanted;
        }
        if (!wanted) {
            memcpy(out + used, records + run, at - run);
            used += at - run;
            run = at + bytes;
            at = run;
            continue;
        }
        if (bytes > room - used - (at - run)) {
            *out_full = true;
            break;
        }
        at += bytes;
    }
    memcpy(out + used, records + run, at - run);
    *out_used = used + (at - run);
    return STATUS_OK;
}

enum status tail_read(struct tail *tail, uint64_t from_seq, uint64_t hint, const struct index_place *near, uint8_t *bytes,
                      size_t n, size_t *out_bytes)
{
    struct tail_frame frames[FRAMES_PER_LOOK];
    (void)pthread_mutex_lock(&tail->frames_lock);
    uint64_t entry = frames_find(tail, from_seq);
    uint64_t end = tail->frames_end;
    (void)pthread_mutex_unlock(&tail->frames_lock);
    if (entry == TAIL_NOWHERE)
        return STATUS_NOT_FOUND;
    if (entry == end)
        return STATUS_END;

    size_t used = 0;
    bool full = false;
    while (!full) {
        unsigned count = frames_copy(tail, entry, frames);
        if (count == 0)
            break;
        for (unsigned i = 0; i < count && !full; i++) {
            const struct tail_frame *frame = &frames[i];
            uint64_t number = frame->start / tail->chunk_bytes;
            struct chunk *chunk = &tail->chunks[number % tail->chunk_count];
            /* Asked twice: before, not to keep the writer waiting; inside, to be sure. */
            if (atomic_load_explicit(&chunk->number, memory_order_acquire) != number)
                goto gone;
            (void)pthread_rwlock_rdlock(&chunk->lock);
            if (atomic_load_explicit(&chunk->number, memory_order_acquire) != number) {
                (void)pthread_rwlock_unlock(&chunk->lock);
                goto gone;
            }
            const uint8_t *records =
                tail->memory + (number % tail->chunk_count) * tail->chunk_bytes + frame->start % tail->chunk_bytes;
            size_t start = 0;
            if (hint >= frame->start && hint - frame->start < frame->record_bytes)
                start = (size_t)(hint - frame->start);
            else if (near->seq >= frame->first_seq && near->seq <= from_seq && from_seq <= frame->last_seq)
                start = near->start; /* a number is in one frame, and so is its place */
            size_t copied = 0;
            enum status status =
                records_copy(records, frame->record_bytes, start, from_seq, bytes + used, n - used, &copied, &full);
            (void)pthread_rwlock_unlock(&chunk->lock);
            CHECK(status == STATUS_OK); /* our own memory */
            used += copied;
            hint = TAIL_NOWHERE;
        }
        entry += count;
    }
gone:
    if (used == 0)
        return full ? STATUS_FULL : STATUS_NOT_FOUND;
    *out_bytes = used;
    return STATUS_OK;
}

size_t tail_copy_frames(struct tail *tail, uint64_t ordinal, uint64_t until_ordinal, uint8_t *bytes, size_t n)
{
    struct tail_frame frames[FRAMES_PER_LOOK];
    size_t used = 0;
    (void)pthread_mutex_lock(&tail->frames_lock);
    uint64_t entry = tail->frames_oldest;
    for (uint64_t high = tail->frames_end; entry < high;) { /* the first that is not before it */
        uint64_t middle = entry + (high - entry) / 2;
        if (tail->frames[middle & tail->frames_mask].ordinal < ordinal)
            entry = middle + 1;
        else
            high = middle;
    }
    (void)pthread_mutex_unlock(&tail->frames_lock);
    for (;;) {
        unsigned count = frames_copy(tail, entry, frames);
        for (unsigned i = 0; i < count; i++) {
            const struct tail_frame *frame = &frames[i];
            if (frame->ordinal != ordinal || ordinal > until_ordinal || frame->frame_bytes > n - used)
                return used;
            uint64_t start = frame->start - FRAME_HEADER_BYTES;
            uint64_t number = start / tail->chunk_bytes;
            struct chunk *chunk = &tail->chunks[number % tail->chunk_count];
            if (atomic_load_explicit(&chunk->number, memory_order_acquire) != number)
                return used;
            (void)pthread_rwlock_rdlock(&chunk->lock);
            bool there = atomic_load_explicit(&chunk->number, memory_order_acquire) == number;
            if (there)
                memcpy(bytes + used, tail->memory + (number % tail->chunk_count) * tail->chunk_bytes +
                           start % tail->chunk_bytes, frame->frame_bytes);
            (void)pthread_rwlock_unlock(&chunk->lock);
            if (!there)
                return used;
            used += frame->frame_bytes;
            ordinal++;
        }
        if (count == 0)
            return used;
        entry += count;
    }
}

int64_t tail_flushed_at_ns(struct tail *tail, uint64_t seq)
{
    int64_t at_ns = 0;
    (void)pthread_mutex_lock(&tail->frames_lock);
    uint64_t entry = frames_find(tail, seq);
    if (entry != TAIL_NOWHERE && entry != tail->frames_end)
        at_ns = tail->frames[entry & tail->frames_mask].flushed_at_ns;
    (void)pthread_mutex_unlock(&tail->frames_lock);
    return at_ns;
}
