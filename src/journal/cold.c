/*
 * Rewriting old segments.
 *
 *     N.journal, raw         read frame by frame: whole, sound, each the next
 *     packed.journal.new     written, flushed
 *     both                   read and compared: the frames that are made of the packed one, and the raw ones
 *     N.journal, packed      by rename; then the directory is flushed, and readers open it anew
 *
 * A crash before the rename leaves the raw one and a file that the next start removes; one behind it leaves either of them under
 * the name, both complete. Readers that have the raw file open go on reading it.
 *
 * A segment is sparse when little of it is records: a lonely command takes a block of the device. Those come first, because they
 * give back most.
 */
#include "journal/cold.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "journal/segment_file.h"

#define REST          3  /* times what a block took */
#define RETRY_SECONDS 60 /* after a failure that may pass */
#define COMPARE_BYTES PACKED_BLOCK_BYTES
#define TABLE_STEP    256

struct cold {
    const struct env *env;
    struct env_directory *directory;
    struct index *index;
    struct reader_pool *readers;
    size_t keep;
    bool running;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work;
    bool look; /* under lock */
    atomic_bool stop;
    _Atomic uint64_t packed, raw_bytes, bytes, failures;
};

/* One segment on its way. */
struct packing {
    const struct env *env;
    struct env_directory *directory;
    struct cold *cold; /* for rests and the end; NULL for none */
    const char *name;
    uint64_t end; /* of the frames of the raw segment */
    struct segment segment;
    struct segment_file *raw;
    struct env_file *file; /* COLD_NEW_NAME */
    uint64_t at;           /* so far it is written */
    struct packed_codec *codec;
    uint8_t *frames;       /* FRAME_BYTES_MAX, of the raw segment */
    uint8_t *stored;       /* PACKED_STORED_BYTES_MAX, of the packed one */
    uint8_t *table;
    size_t table_room;
    struct packed_trailer trailer;
};

/* ---- the thread's time ---- */

static bool ended(const struct packing *packing)
{
    return packing->cold != NULL && atomic_load_explicit(&packing->cold->stop, memory_order_relaxed);
}

static void wait_until(struct cold *cold, int64_t until_ns)
{
    const struct timespec until = {(time_t)(until_ns / 1000000000), (long)(until_ns % 1000000000)};
    while (!atomic_load_explicit(&cold->stop, memory_order_relaxed) &&
           pthread_cond_timedwait(&cold->work, &cold->lock, &until) == 0)
        ;
}

static void rest(const struct packing *packing, int64_t since_ns)
{
    struct cold *cold = packing->cold;
    if (cold == NULL || !cold->running)
        return;
    int64_t now_ns = packing->env->monotonic_ns(packing->env->context);
    (void)pthread_mutex_lock(&cold->lock);
    wait_until(cold, now_ns + REST * (now_ns - since_ns));
    (void)pthread_mutex_unlock(&cold->lock);
}

/* ---- writing ---- */

static enum status put(struct packing *packing, const void *bytes, size_t n)
{
    enum status status = packing->env->file_write(packing->env->context, packing->file, packing->at, bytes, n);
    packing->at += n;
    return status;
}

static enum status header_pack(struct packing *packing)
{
    uint8_t raw[SEGMENT_HEADER_BYTES], own[SEGMENT_HEADER_BYTES];
    size_t got = 0;
    enum status status = segment_file_read(packing->raw, 0, raw, sizeof(raw), &got);
    if (status != STATUS_OK)
        return status;
    if (got != sizeof(raw) || segment_parse(raw, &packing->segment) != SEGMENT_OK)
        return STATUS_DAMAGED;
    packed_write_header(packing->segment.level, packing->segment.ledger_id, own);
    status = put(packing, own, sizeof(own));
    return status == STATUS_OK ? put(packing, raw, sizeof(raw)) : status;
}

static bool table_add(struct packing *packing, const struct packed_entry *entry)
{
    size_t used = packing->trailer.blocks * PACKED_ENTRY_BYTES;
    if (used == packing->table_room) {
        size_t room = packing->table_room + TABLE_STEP * PACKED_ENTRY_BYTES * (1 + packing->table_room / PACKED_BLOCK_BYTES);
        uint8_t *table = realloc(packing->table, room);
        if (table == NULL)
            return false;
        packing->table = table;
        packing->table_room = room;
    }
    packed_write_entry(entry, packing->table + used);
    packing->trailer.blocks++;
    return true;
}

/* How many bytes of whole frames are there, of n, for one block. 0 when there is not even one. */
static size_t block_extent(const struct packing *packing, size_t n, uint64_t *out_last_ordinal, uint64_t *out_last_seq)
{
    size_t bytes = 0;
    struct frame frame;
    while (n - bytes >= FRAME_STEP_BYTES &&
           frame_parse(packing->frames + bytes, packing->segment.ledger_id, &frame) == FRAME_OK &&
           frame.frame_bytes <= n - bytes && (bytes == 0 || bytes + frame.frame_bytes <= PACKED_BLOCK_BYTES)) {
        bytes += frame.frame_bytes;
        *out_last_ordinal = frame.ordinal;
        *out_last_seq = frame.last_seq;
    }
    return bytes;
}

/* The block of the frames at `offset`, which moves on. */
static enum status block_pack(struct packing *packing, uint64_t *offset)
{
    struct packed_trailer *trailer = &packing->trailer;
    size_t n = packing->end - *offset < FRAME_BYTES_MAX ? (size_t)(packing->end - *offset) : FRAME_BYTES_MAX;
    size_t got = 0, stored = 0;
    enum status status = segment_file_read(packing->raw, *offset, packing->frames, n, &got);
    if (status != STATUS_OK)
        return status;
    struct packed_block block = {.offset = *offset,
                                 .first_ordinal = trailer->last_ordinal + 1,
                                 .first_seq = trailer->last_seq + 1,
                                 .previous_chain = trailer->chain};
    const struct packed_entry entry = {packing->at, *offset, block.first_seq};
    size_t bytes = block_extent(packing, got, &trailer->last_ordinal, &trailer->last_seq);
    if (bytes == 0 || trailer->blocks == PACKED_BLOCKS_MAX)
        return STATUS_DAMAGED;
    status = packed_block_encode(packing->codec, packing->frames, bytes, packing->segment.ledger_id, &block,
                                 packing->stored, &stored);
    if (status == STATUS_OK)
        status = put(packing, packing->stored, stored);
    if (status == STATUS_OK && !table_add(packing, &entry))
        status = STATUS_MEMORY;
    trailer->chain = block.chain;
    trailer->largest = bytes > trailer->largest ? (uint32_t)bytes : trailer->largest;
    *offset += bytes;
    return status;
}

static enum status blocks_pack(struct packing *packing)
{
    struct packed_trailer *trailer = &packing->trailer;
    *trailer = (struct packed_trailer){.bytes = packing->end,
                                       .last_ordinal = packing->segment.first_ordinal - 1,
                                       .last_seq = packing->segment.first_seq - 1,
                                       .chain = packing->segment.previous_chain};
    enum status status = STATUS_OK;
    for (uint64_t offset = SEGMENT_HEADER_BYTES; status == STATUS_OK && offset < packing->end;) {
        int64_t since_ns = packing->env->monotonic_ns(packing->env->context);
        status = ended(packing) ? STATUS_AGAIN : block_pack(packing, &offset);
        rest(packing, since_ns);
    }
    return status;
}

static enum status end_pack(struct packing *packing)
{
    struct packed_trailer *trailer = &packing->trailer;
    size_t n = trailer->blocks * PACKED_ENTRY_BYTES;
    uint8_t bytes[PACKED_TRAILER_BYTES];
    trailer->table_at = packing->at;
    trailer->table_crc = crc32c(0, packing->table, n);
    packed_write_trailer(trailer, bytes);
    enum status status = put(packing, packing->table, n);
    if (status == STATUS_OK)
        status = put(packing, bytes, sizeof(bytes));
    return status == STATUS_OK ? packing->env->file_sync(packing->env->context, packing->file) : status;
}

/* ---- reading back ---- */

/* Is COLD_NEW_NAME, read through the same door as the segment, the same to the end of the frames? */
static enum status compare(struct packing *packing)
{
    struct segment_file *made = NULL;
    enum status status = segment_file_open(packing->env, packing->directory, COLD_NEW_NAME, &made);
    if (status != STATUS_OK)
        return status;
    uint64_t size = 0;
    status = segment_file_size(made, &size);
    if (status == STATUS_OK && size != packing->end)
        status = STATUS_DAMAGED;
    for (uint64_t at = 0; status == STATUS_OK && at < packing->end; at += COMPARE_BYTES) {
        int64_t since_ns = packing->env->monotonic_ns(packing->env->context);
        size_t n = packing->end - at < COMPARE_BYTES ? (size_t)(packing->end - at) : COMPARE_BYTES;
        size_t got = 0, got_raw = 0;
        status = ended(packing) ? STATUS_AGAIN : segment_file_read(made, at, packing->stored, n, &got);
        if (status == STATUS_OK)
            status = segment_file_read(packing->raw, at, packing->frames, n, &got_raw);
        if (status == STATUS_OK && (got != n || got_raw != n || memcmp(packing->stored, packing->frames, n) != 0))
            status = STATUS_DAMAGED;
        rest(packing, since_ns);
    }
    segment_file_close(made);
    return status;
}

/* ---- a segment ---- */

static enum status new_create(struct packing *packing)
{
    const struct env *env = packing->env;
    enum status status = env->file_remove(env->context, packing->directory, COLD_NEW_NAME);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    return env->file_open(env->context, packing->directory, COLD_NEW_NAME, ENV_OPEN_CREATE, &packing->file);
}

static enum status packing_begin(struct packing *packing)
{
    packing->frames = malloc(FRAME_BYTES_MAX);
    packing->stored = malloc(PACKED_STORED_BYTES_MAX);
    packing->codec = packed_codec_create();
    if (packing->frames == NULL || packing->stored == NULL || packing->codec == NULL)
        return STATUS_MEMORY;
    enum status status = segment_file_open(packing->env, packing->directory, packing->name, &packing->raw);
    return status == STATUS_OK ? new_create(packing) : status;
}

/* The new file takes the name when all went well, and goes when not. */
static enum status packing_end(struct packing *packing, enum status status)
{
    const struct env *env = packing->env;
    if (packing->raw != NULL)
        segment_file_close(packing->raw);
    if (packing->file != NULL) {
        env->file_close(env->context, packing->file);
        if (status == STATUS_OK)
            status = env->file_rename(env->context, packing->directory, COLD_NEW_NAME, packing->name);
        if (status != STATUS_OK)
            (void)env->file_remove(env->context, packing->directory, COLD_NEW_NAME); /* a start does it else */
        else
            status = env->directory_sync(env->context, packing->directory);
    }
    packed_codec_destroy(packing->codec);
    free(packing->frames);
    free(packing->stored);
    free(packing->table);
    return status;
}

static enum status segment_pack(struct packing *packing)
{
    enum status status = packing_begin(packing);
    if (status == STATUS_OK)
        status = segment_file_packed(packing->raw) ? STATUS_EXISTS : header_pack(packing);
    if (status == STATUS_OK)
        status = blocks_pack(packing);
    if (status == STATUS_OK)
        status = end_pack(packing);
    if (status == STATUS_OK)
        status = compare(packing);
    return packing_end(packing, status);
}

enum status cold_unpack(const struct env *env, struct env_directory *directory, const char *name)
{
    struct packing packing = {.env = env, .directory = directory, .name = name};
    enum status status = packing_begin(&packing);
    if (status == STATUS_OK)
        status = segment_file_size(packing.raw, &packing.end);
    for (uint64_t at = 0; status == STATUS_OK && at < packing.end; at = packing.at) {
        size_t n = packing.end - at < COMPARE_BYTES ? (size_t)(packing.end - at) : COMPARE_BYTES;
        size_t got = 0;
        status = segment_file_read(packing.raw, at, packing.frames, n, &got);
        if (status == STATUS_OK)
            status = got == n ? put(&packing, packing.frames, n) : STATUS_DAMAGED;
    }
    if (status == STATUS_OK)
        status = env->file_sync(env->context, packing.file);
    if (status == STATUS_OK)
        status = compare(&packing);
    return packing_end(&packing, status);
}

enum status cold_step(struct cold *cold)
{
    uint32_t number = 0;
    struct index_segment here;
    if (!index_sparsest(cold->index, cold->keep, &number, &here))
        return STATUS_END;
    char name[SEGMENT_NAME_BYTES];
    segment_name(here.first_seq, name);
    struct packing packing = {
        .env = cold->env, .directory = cold->directory, .cold = cold, .name = name, .end = here.end};
    enum status status = segment_pack(&packing);
    if (status == STATUS_OK) {
        index_set_form(cold->index, number, INDEX_PACKED);
        if (number < index_first(cold->index)) /* it was dropped meanwhile, and its name is taken again */
            (void)cold->env->file_remove(cold->env->context, cold->directory, name);
        reader_pool_forget(cold->readers, here.first_seq);
        atomic_fetch_add(&cold->raw_bytes, here.end);
        atomic_fetch_add(&cold->bytes, packing.at);
        atomic_fetch_add(&cold->packed, 1);
    } else if (status == STATUS_EXISTS) {
        index_set_form(cold->index, number, INDEX_PACKED);
        status = STATUS_OK;
    } else if (status != STATUS_AGAIN) {
        atomic_fetch_add(&cold->failures, 1);
        if (status == STATUS_DAMAGED || status == STATUS_VERSION)
            index_set_form(cold->index, number, INDEX_STAYS_RAW);
    }
    return status;
}

/* ---- the thread ---- */

static void *cold_main(void *argument)
{
    struct cold *cold = argument;
    while (!atomic_load(&cold->stop)) {
        enum status status = cold_step(cold);
        if (status == STATUS_OK || status == STATUS_DAMAGED || status == STATUS_VERSION)
            continue;
        int64_t now_ns = cold->env->monotonic_ns(cold->env->context);
        (void)pthread_mutex_lock(&cold->lock);
        while (status == STATUS_END && !cold->look && !atomic_load(&cold->stop))
            (void)pthread_cond_wait(&cold->work, &cold->lock);
        cold->look = false;
        if (status != STATUS_END)
            wait_until(cold, now_ns + RETRY_SECONDS * INT64_C(1000000000));
        (void)pthread_mutex_unlock(&cold->lock);
    }
    return NULL;
}

static enum status leftover_remove(const struct env *env, struct env_directory *directory)
{
    enum status status = env->file_remove(env->context, directory, COLD_NEW_NAME);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status cold_create(const struct env *env, struct env_directory *directory, struct index *index,
                        struct reader_pool *readers, size_t keep, bool on_writer, struct cold **out_cold)
{
    CHECK(keep >= 1);
    enum status status = leftover_remove(env, directory);
    if (status != STATUS_OK)
        return status;
    struct cold *cold = calloc(1, sizeof(*cold));
    if (cold == NULL)
        return STATUS_MEMORY;
    cold->env = env;
    cold->directory = directory;
    cold->index = index;
    cold->readers = readers;
    cold->keep = keep;
    pthread_condattr_t monotonic;
    if (pthread_mutex_init(&cold->lock, NULL) != 0)
        goto fail_cold;
    if (pthread_condattr_init(&monotonic) != 0)
        goto fail_lock;
    if (pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) != 0 || pthread_cond_init(&cold->work, &monotonic) != 0)
        goto fail_attributes;
    cold->running = !on_writer;
    if (!on_writer && pthread_create(&cold->thread, NULL, cold_main, cold) != 0)
        goto fail_work;
    (void)pthread_condattr_destroy(&monotonic);
    *out_cold = cold;
    return STATUS_OK;

fail_work:
    (void)pthread_cond_destroy(&cold->work);
fail_attributes:
    (void)pthread_condattr_destroy(&monotonic);
fail_lock:
    (void)pthread_mutex_destroy(&cold->lock);
fail_cold:
    free(cold);
    return STATUS_MEMORY;
}

void cold_destroy(struct cold *cold)
{
    if (cold == NULL)
        return;
    if (cold->running) {
        (void)pthread_mutex_lock(&cold->lock);
        atomic_store(&cold->stop, true);
        (void)pthread_cond_signal(&cold->work);
        (void)pthread_mutex_unlock(&cold->lock);
        (void)pthread_join(cold->thread, NULL);
    }
    (void)pthread_cond_destroy(&cold->work);
    (void)pthread_mutex_destroy(&cold->lock);
    free(cold);
}

void cold_look(struct cold *cold)
{
    if (!cold->running) {
        (void)cold_step(cold); /* what fails is counted, and tried at the next end */
        return;
    }
    (void)pthread_mutex_lock(&cold->lock);
    cold->look = true;
    (void)pthread_cond_signal(&cold->work);
    (void)pthread_mutex_unlock(&cold->lock);
}

struct cold_counters cold_counters(const struct cold *cold)
{
    return (struct cold_counters){.packed = atomic_load(&cold->packed),
                                  .raw_bytes = atomic_load(&cold->raw_bytes),
                                  .bytes = atomic_load(&cold->bytes),
                                  .failures = atomic_load(&cold->failures)};
}
