/*
 * Disk readers: a few windows on the segment files, shared by all who read.
 *
 * A reader that has fallen behind the tail asks again and again for the next stretch, in pieces smaller than a frame
 * may be. So what was read stays in a window, and the next question of the same reader finds it there: the window is
 * chosen by place first, by age second.
 *
 *     window   segment, file | from ....... bytes | checked up to
 *
 * Only durable frames are looked at: the index says how far they reach, and it is told after the flush. Bytes beyond
 * may be half written; a window may hold them, but is read again before they count, because it ends where the durable
 * part ended when it was read. Every frame's checksums are verified when it is first met in a window.
 */
#include "journal/reader.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "journal/frame.h"
#include "journal/segment_file.h"
#include "journal/tail.h"

#define RUN_VERIFY ": run 'onhand verify' on a copy of the data directory"

#define WINDOW_COUNT      8 /* reading at once; the next waits */
#define WINDOW_BYTES      ((size_t)FRAME_BYTES_MAX)
#define WINDOW_READ_BYTES ((size_t)256 << 10) /* of one read, when the frame is not longer and much is wanted */
#define PLACE_READ_BYTES  ((size_t)32 << 10)  /* who asks for no more is likely to go elsewhere next */

struct window {
    bool busy;
    uint64_t used_at; /* age: pool->clock when it was last used */
    uint32_t segment;
    uint64_t first_seq;        /* its name */
    struct segment_file *file; /* NULL while it has none */
    uint64_t from;
    size_t bytes;
    uint64_t checked_from, checked_to; /* one frame, or the records behind one place, known to be sound */
    uint8_t *memory;
};

struct reader_pool {
    const struct env *env;
    struct env_directory *directory;
    struct index *index;
    uint8_t ledger_id[16];
    uint8_t *memory;
    pthread_mutex_t lock;
    pthread_cond_t idle;
    uint64_t clock; /* under lock */
    atomic_uint_fast64_t failures;
    char failure[400]; /* under lock */
    struct window windows[WINDOW_COUNT];
};

struct reader_pool *reader_pool_create(const struct env *env, struct env_directory *directory, struct index *index,
                                       const uint8_t ledger_id[16])
{
    struct reader_pool *pool = calloc(1, sizeof(*pool));
    if (pool == NULL)
        return NULL;
    pool->env = env;
    pool->directory = directory;
    pool->index = index;
    memcpy(pool->ledger_id, ledger_id, 16);
    pool->memory = env->memory_reserve(env->context, WINDOW_COUNT * WINDOW_BYTES);
    if (pool->memory == NULL || pthread_mutex_init(&pool->lock, NULL) != 0)
        goto fail_memory;
    if (pthread_cond_init(&pool->idle, NULL) != 0)
        goto fail_lock;
    for (unsigned i = 0; i < WINDOW_COUNT; i++)
        pool->windows[i].memory = pool->memory + i * WINDOW_BYTES;
    return pool;

fail_lock:
    (void)pthread_mutex_destroy(&pool->lock);
fail_memory:
    env->memory_release(env->context, pool->memory, WINDOW_COUNT * WINDOW_BYTES);
    free(pool);
    return NULL;
}

void reader_pool_destroy(struct reader_pool *pool)
{
    if (pool == NULL)
        return;
    for (unsigned i = 0; i < WINDOW_COUNT; i++) {
        CHECK(!pool->windows[i].busy);
        if (pool->windows[i].file != NULL)
            segment_file_close(pool->windows[i].file);
    }
    (void)pthread_cond_destroy(&pool->idle);
    (void)pthread_mutex_destroy(&pool->lock);
    pool->env->memory_release(pool->env->context, pool->memory, WINDOW_COUNT * WINDOW_BYTES);
    free(pool);
}

/*
 * Takes the idle window that covers the place; or one that has the same packed segment open, which keeps several blocks of it; or the
 * one longest unused. Waits while all are busy.
 */
static struct window *window_take(struct reader_pool *pool, uint32_t segment, uint64_t offset)
{
    (void)pthread_mutex_lock(&pool->lock);
    struct window *chosen = NULL;
    for (;;) {
        struct window *near = NULL;
        for (unsigned i = 0; i < WINDOW_COUNT; i++) {
            struct window *window = &pool->windows[i];
            if (window->busy)
                continue;
            bool here = window->file != NULL && window->segment == segment;
            if (here && (segment_file_holds(window->file, offset) ||
                         (offset >= window->from && offset < window->from + window->bytes))) {
                chosen = near = window;
                break;
            }
            if (here && segment_file_packed(window->file))
                near = window;
            if (chosen == NULL || window->used_at < chosen->used_at)
                chosen = window;
        }
        if (near != NULL)
            chosen = near;
        if (chosen != NULL)
            break;
        (void)pthread_cond_wait(&pool->idle, &pool->lock);
    }
    chosen->busy = true;
    (void)pthread_mutex_unlock(&pool->lock);
    return chosen;
}

static void window_give(struct reader_pool *pool, struct window *window)
{
    (void)pthread_mutex_lock(&pool->lock);
    window->busy = false;
    window->used_at = ++pool->clock;
    (void)pthread_cond_broadcast(&pool->idle); /* who forgets waits for a certain one */
    (void)pthread_mutex_unlock(&pool->lock);
}

void reader_pool_forget(struct reader_pool *pool, uint64_t first_seq)
{
    (void)pthread_mutex_lock(&pool->lock);
    for (unsigned i = 0; i < WINDOW_COUNT; i++) {
        struct window *window = &pool->windows[i];
        while (window->busy)
            (void)pthread_cond_wait(&pool->idle, &pool->lock);
        if (window->file == NULL || window->first_seq != first_seq)
            continue;
        segment_file_close(window->file);
        window->file = NULL;
    }
    (void)pthread_cond_broadcast(&pool->idle);
    (void)pthread_mutex_unlock(&pool->lock);
}

/* Counts and keeps what went wrong: who reads is told that it did, and an operator what. */
static enum status read_failed(struct reader_pool *pool, const struct window *window, uint64_t offset, enum status status,
                               const char *why)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(window->first_seq, name);
    (void)pthread_mutex_lock(&pool->lock);
    (void)snprintf(pool->failure, sizeof(pool->failure), "%s, offset %" PRIu64 ": %.250s", name, offset, why);
    (void)pthread_mutex_unlock(&pool->lock);
    atomic_fetch_add(&pool->failures, 1);
    return status;
}

uint64_t reader_pool_failures(const struct reader_pool *pool)
{
    return atomic_load(&pool->failures);
}

void reader_pool_failure(struct reader_pool *pool, char *out_text, size_t n)
{
    (void)pthread_mutex_lock(&pool->lock);
    (void)snprintf(out_text, n, "%s", pool->failure);
    (void)pthread_mutex_unlock(&pool->lock);
}

/* A packed segment is checked where it is unpacked. */
static const char *why_unread(enum status status)
{
    return status == STATUS_DAMAGED ? "the packed segment is damaged" RUN_VERIFY : env_last_error();
}

static enum status window_aim(struct reader_pool *pool, struct window *window, uint32_t segment, uint64_t first_seq)
{
    if (window->file != NULL && window->segment == segment)
        return STATUS_OK;
    if (window->file != NULL)
        segment_file_close(window->file);
    window->file = NULL;
    window->from = 0;
    window->bytes = 0;
    window->checked_from = window->checked_to = 0;
    window->segment = segment;
    window->first_seq = first_seq;
    char name[SEGMENT_NAME_BYTES];
    segment_name(first_seq, name);
    enum status status = segment_file_open(pool->env, pool->directory, name, &window->file);
    if (status == STATUS_NOT_FOUND && segment < index_first(pool->index))
        return status; /* it was dropped meanwhile */
    return status == STATUS_OK ? status : read_failed(pool, window, 0, status, why_unread(status));
}

/* Bytes [offset, offset + n), all before durable_end, and some behind them. DAMAGED when the file ends before. */
static enum status window_get(struct reader_pool *pool, struct window *window, uint64_t offset, size_t n, size_t ahead,
                              uint64_t durable_end, const uint8_t **out_bytes)
{
    if (offset < window->from || offset + n > window->from + window->bytes) {
        uint64_t wanted = n > ahead ? n : ahead;
        if (wanted > durable_end - offset)
            wanted = durable_end - offset;
        size_t got = 0;
        window->bytes = 0;
        window->checked_from = window->checked_to = 0;
        enum status status = segment_file_read(window->file, offset, window->memory, (size_t)wanted, &got);
        if (status != STATUS_OK)
            return read_failed(pool, window, offset, status, why_unread(status));
        window->from = offset;
        window->bytes = got;
        if (got < n)
            return read_failed(pool, window, offset, STATUS_DAMAGED, "the file ends before what was durable" RUN_VERIFY);
    }
    *out_bytes = window->memory + (offset - window->from);
    return STATUS_OK;
}

/* The frame at offset: its header, and when it reaches to from_seq all of it, verified. */
static enum status window_frame(struct reader_pool *pool, struct window *window, uint64_t offset, size_t ahead,
                                uint64_t durable_end, uint64_t from_seq, struct frame *out_frame, const uint8_t **out_bytes)
{
    const uint8_t *bytes = NULL;
    if (durable_end - offset < FRAME_STEP_BYTES)
        return STATUS_DAMAGED;
    enum status status = window_get(pool, window, offset, FRAME_STEP_BYTES, ahead, durable_end, &bytes);
    if (status != STATUS_OK)
        return status;
    if (frame_parse(bytes, pool->ledger_id, out_frame) != FRAME_OK || out_frame->frame_bytes > durable_end - offset)
        return read_failed(pool, window, offset, STATUS_DAMAGED, "there is no sound header of a frame" RUN_VERIFY);
    if (out_frame->last_seq < from_seq)
        return STATUS_OK;
    status = window_get(pool, window, offset, out_frame->frame_bytes, ahead, durable_end, &bytes);
    if (status != STATUS_OK)
        return status;
    if (window->checked_from != offset || window->checked_to != offset + out_frame->frame_bytes) {
        if (!frame_payload_sound(out_frame, bytes))
            return read_failed(pool, window, offset, STATUS_DAMAGED, "the frame's records fail their checksum" RUN_VERIFY);
        window->checked_from = offset;
        window->checked_to = offset + out_frame->frame_bytes;
    }
    *out_bytes = bytes;
    return STATUS_OK;
}

/* The records behind a place, without the rest of their frame: sound when their checksum is the one that the index has. */
static enum status window_place(struct reader_pool *pool, struct window *window, const struct index_place *place,
                                const uint8_t **out_records)
{
    uint64_t offset = place->offset + FRAME_HEADER_BYTES + place->start;
    enum status status = window_get(pool, window, offset, place->bytes, 0, offset + place->bytes, out_records);
    if (status != STATUS_OK || (window->checked_from == offset && window->checked_to == offset + place->bytes))
        return status;
    if (crc32c(0, *out_records, place->bytes) != place->crc)
        return STATUS_DAMAGED;
    window->checked_from = offset;
    window->checked_to = offset + place->bytes;
    return STATUS_OK;
}

/* For who wants little: NOT_FOUND when it is not right behind the place. */
static enum status place_read(struct reader_pool *pool, const struct index_place *place, uint64_t from_seq, uint8_t *bytes,
                              size_t n, size_t *out_bytes)
{
    struct index_segment segment;
    const uint8_t *records = NULL;
    bool full = false;
    if (place->bytes == 0 || !index_segment(pool->index, place->segment, &segment))
        return STATUS_NOT_FOUND;
    struct window *window = window_take(pool, place->segment, place->offset + FRAME_HEADER_BYTES + place->start);
    enum status status = window_aim(pool, window, place->segment, segment.first_seq);
    if (status == STATUS_OK)
        status = window_place(pool, window, place, &records);
    if (status == STATUS_OK)
        status = records_copy(records, place->bytes, 0, from_seq, bytes, n, out_bytes, &full);
    window_give(pool, window);
    if (status == STATUS_OK && *out_bytes == 0)
        return full ? STATUS_FULL : STATUS_NOT_FOUND;
    return status;
}

enum status reader_pool_read(struct reader_pool *pool, uint64_t from_seq, uint8_t *bytes, size_t n, size_t *out_bytes)
{
    struct index_place place;
    if (!index_find(pool->index, from_seq, &place))
        return STATUS_END;
    if (n <= PLACE_READ_BYTES) {
        enum status status = place_read(pool, &place, from_seq, bytes, n, out_bytes);
        if (status == STATUS_OK || status == STATUS_FULL)
            return status; /* of all else the frame tells what it is */
    }
    size_t ahead = n <= PLACE_READ_BYTES ? INDEX_SPACING_BYTES : WINDOW_READ_BYTES;
    uint32_t segment = place.segment;
    uint64_t offset = place.offset;
    struct window *window = window_take(pool, segment, offset);
    struct index_segment here;
    enum status status = STATUS_OK;
    size_t used = 0;
    bool full = false;
    while (!full && index_segment(pool->index, segment, &here)) {
        if (offset >= here.end) {
            struct index_segment next;
            if (!index_segment(pool->index, segment + 1, &next))
                break;
            /* The end may have moved since `here` was read; with a next segment there it no longer moves. */
            (void)index_segment(pool->index, segment, &here);
            if (offset < here.end)
                continue;
            segment++;
            offset = SEGMENT_HEADER_BYTES;
            continue;
        }
        struct frame frame;
        const uint8_t *at = NULL;
        status = window_aim(pool, window, segment, here.first_seq);
        if (status == STATUS_OK)
            status = window_frame(pool, window, offset, ahead, here.end, from_seq, &frame, &at);
        if (status != STATUS_OK)
            break;
        if (frame.last_seq >= from_seq && frame.last_seq >= frame.first_seq) {
            size_t copied = 0;
            status = records_copy(at + FRAME_HEADER_BYTES, frame.record_bytes, 0, from_seq, bytes + used, n - used,
                                  &copied, &full);
            if (status != STATUS_OK)
                break;
            used += copied;
            full = full || used == n;
        }
        offset += frame.frame_bytes;
    }
    window_give(pool, window);
    if (used > 0) {
        *out_bytes = used; /* a bad frame behind it is met by the next call */
        return STATUS_OK;
    }
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_IO : status;
    return full ? STATUS_FULL : STATUS_END;
}

/* The frame at the place, whose segment is `here`. The window is its own until its records are handed on: they lie
 * there. */
static enum status place_replay(struct reader_pool *pool, const struct index_segment *here,
                                const struct journal_place *place, struct replay *replay, struct frame *out_frame)
{
    const uint8_t *bytes = NULL;
    struct window *window = window_take(pool, place->segment, place->offset);
    enum status status = window_aim(pool, window, place->segment, here->first_seq);
    if (status == STATUS_OK)
        status = window_frame(pool, window, place->offset, WINDOW_READ_BYTES, here->end, 0, out_frame, &bytes);
    if (status == STATUS_OK)
        status = replay_frame(replay, out_frame, bytes + FRAME_HEADER_BYTES, place->record, place->seq);
    window_give(pool, window);
    return status == STATUS_NOT_FOUND ? STATUS_IO : status;
}

enum status reader_pool_replay(struct reader_pool *pool, struct journal_place *place, struct replay *replay)
{
    struct index_segment here, next;
    replay->ledger_id = pool->ledger_id;
    while (index_segment(pool->index, place->segment, &here)) {
        if (place->offset == 0)
            place->offset = SEGMENT_HEADER_BYTES;
        if (place->offset >= here.end) {
            if (!index_segment(pool->index, place->segment + 1, &next))
                break;
            /* As in reader_pool_read: with a next segment there the end no longer moves. */
            (void)index_segment(pool->index, place->segment, &here);
            if (place->offset < here.end)
                continue;
            *place = (struct journal_place){
                .segment = place->segment + 1, .seq = place->seq, .ordinal = place->ordinal, .chain = place->chain};
            continue;
        }
        struct frame frame;
        enum status status = place_replay(pool, &here, place, replay, &frame);
        if (status != STATUS_OK)
            return status;
        place->seq = replay->next_seq;
        place->record = replay->ended ? replay->at : 0;
        if (replay->ended)
            break;
        place->frame_offset = place->offset;
        place->ordinal = frame.ordinal;
        place->chain = frame.chain;
        place->offset += frame.frame_bytes;
        if (frame.last_seq >= replay->frame_seq && frame.log_us >= replay->frame_us && frame.ordinal >= replay->frame_ordinal)
            break;
    }
    return STATUS_OK;
}

/* ---- frames as they are ---- */

/* Moves the cursor from the end of a segment to the next one. False when there is none. */
static bool cursor_over(struct reader_pool *pool, struct journal_cursor *cursor, struct index_segment *here)
{
    struct index_segment next;
    if (!index_segment(pool->index, cursor->segment + 1, &next))
        return false;
    /* As in reader_pool_read: with a next segment there the end no longer moves. */
    (void)index_segment(pool->index, cursor->segment, here);
    if (cursor->offset >= here->end)
        *cursor = (struct journal_cursor){.segment = cursor->segment + 1,
                                          .header = true,
                                          .offset = SEGMENT_HEADER_BYTES,
                                          .ordinal = cursor->ordinal,
                                          .chain = cursor->chain};
    return true;
}

enum status reader_pool_find(struct reader_pool *pool, uint64_t seq, uint64_t ordinal, uint32_t chain,
                             struct journal_cursor *out_cursor)
{
    struct index_place place;
    struct index_segment here;
    if (!index_find(pool->index, seq, &place))
        return STATUS_END;
    struct journal_cursor cursor = {.segment = place.segment,
                                    .offset = place.offset == 0 ? SEGMENT_HEADER_BYTES : place.offset};
    struct window *window = window_take(pool, cursor.segment, cursor.offset);
    enum status status = STATUS_OK;
    bool found = false;
    while (status == STATUS_OK && !found && index_segment(pool->index, cursor.segment, &here)) {
        if (cursor.offset >= here.end) {
            if (!cursor_over(pool, &cursor, &here))
                break;
            continue;
        }
        struct frame frame;
        const uint8_t *bytes = NULL;
        status = window_aim(pool, window, cursor.segment, here.first_seq);
        if (status == STATUS_OK) /* headers alone */
            status = window_frame(pool, window, cursor.offset, INDEX_SPACING_BYTES, here.end, UINT64_MAX, &frame, &bytes);
        if (status != STATUS_OK)
            break;
        if (ordinal == 0 && frame.last_seq > seq) {
            cursor.ordinal = frame.ordinal - 1; /* it is the next */
            break;
        }
        if (ordinal != 0 && (frame.ordinal > ordinal || (frame.ordinal == ordinal && frame.chain != chain)))
            status = STATUS_INVALID;
        found = frame.ordinal == ordinal;
        cursor.offset += frame.frame_bytes;
        cursor.ordinal = frame.ordinal;
        cursor.chain = frame.chain;
    }
    window_give(pool, window);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_IO : status;
    /* Whoever has the last frame of a segment may have the header of the next one, too, but surely lacks its first frame. */
    if (found && cursor.offset >= here.end)
        (void)cursor_over(pool, &cursor, &here);
    cursor.header = true;
    *out_cursor = cursor;
    return ordinal == 0 || found ? STATUS_OK : STATUS_END;
}

enum status reader_pool_copy(struct reader_pool *pool, struct journal_cursor *cursor, uint64_t until_ordinal,
                             uint8_t *bytes, size_t n, size_t *out_bytes)
{
    struct index_segment here;
    struct window *window = window_take(pool, cursor->segment, cursor->offset);
    enum status status = STATUS_OK;
    size_t used = 0;
    bool full = false;
    while (!full && cursor->ordinal < until_ordinal && index_segment(pool->index, cursor->segment, &here)) {
        if (!cursor->header && cursor->offset >= here.end) {
            if (!cursor_over(pool, cursor, &here))
                break;
            continue;
        }
        const uint8_t *at = NULL;
        struct frame frame = {.frame_bytes = SEGMENT_HEADER_BYTES};
        bool header = cursor->header;
        status = window_aim(pool, window, cursor->segment, here.first_seq);
        if (status == STATUS_OK && header)
            status = window_get(pool, window, 0, SEGMENT_HEADER_BYTES, WINDOW_READ_BYTES, here.end, &at);
        else if (status == STATUS_OK)
            status = window_frame(pool, window, cursor->offset, WINDOW_READ_BYTES, here.end, 0, &frame, &at);
        if (status != STATUS_OK)
            break;
        full = frame.frame_bytes > n - used;
        if (full)
            continue;
        memcpy(bytes + used, at, frame.frame_bytes);
        used += frame.frame_bytes;
        cursor->header = false;
        if (header)
            continue;
        cursor->offset += frame.frame_bytes;
        cursor->ordinal = frame.ordinal;
        cursor->chain = frame.chain;
    }
    window_give(pool, window);
    *out_bytes = used;
    if (used > 0)
        return STATUS_OK; /* a bad frame behind it is met by the next call */
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_IO : status;
    return full ? STATUS_FULL : STATUS_END;
}
