#include "journal/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/crc32c.h"

static const uint8_t magic[8] = {0xff, 'o', 'n', 'h', 'c', 'h', 'k', 0x0a};

#define HEAD_BYTES        512
#define HEAD_FIELDS_END   136
#define HEAD_CRC_AT       (HEAD_BYTES - 4)
#define BLOCK_HEAD_BYTES  24 /* u32 bytes, u16 kind, u16 0, u64 number, u32 0, u32 checksum of all but itself */
#define BLOCK_CRC_AT      20
#define BUFFER_BYTES      (2 * (CHECKPOINT_BLOCK_BYTES_MAX + BLOCK_HEAD_BYTES))
#define END_BYTES         8

/* ---- names ---- */

#define DIGITS 20

void checkpoint_name(uint64_t last_seq, char out_name[CHECKPOINT_NAME_BYTES])
{
    (void)snprintf(out_name, CHECKPOINT_NAME_BYTES, "%020" PRIu64 CHECKPOINT_SUFFIX, last_seq);
}

bool checkpoint_name_parse(const char *name, uint64_t *out_last_seq)
{
    char again[CHECKPOINT_NAME_BYTES];
    uint64_t seq = 0;
    if (strlen(name) != CHECKPOINT_NAME_BYTES - 1)
        return false;
    for (unsigned i = 0; i < DIGITS; i++)
        seq = seq * 10 + (uint64_t)(name[i] - '0');
    checkpoint_name(seq, again); /* what is no digit, or too large, comes out as something else */
    if (memcmp(name, again, CHECKPOINT_NAME_BYTES) != 0)
        return false;
    *out_last_seq = seq;
    return true;
}

struct listing {
    uint64_t *seqs;
    size_t most, count;
};

/* Keeps the newest, newest first. */
static void list_name(void *argument, const char *name)
{
    struct listing *listing = argument;
    uint64_t seq;
    if (!checkpoint_name_parse(name, &seq))
        return;
    size_t at = listing->count;
    while (at > 0 && listing->seqs[at - 1] < seq)
        at--;
    if (at == listing->most)
        return;
    if (listing->count < listing->most)
        listing->count++;
    memmove(&listing->seqs[at + 1], &listing->seqs[at], (listing->count - 1 - at) * sizeof(seq));
    listing->seqs[at] = seq;
}

enum status checkpoint_list(const struct env *env, struct env_directory *directory, uint64_t *out_seqs, size_t most,
                            size_t *out_count)
{
    struct listing listing = {out_seqs, most, 0};
    enum status status = env->directory_list(env->context, directory, list_name, &listing);
    *out_count = listing.count;
    return status;
}

/* ---- the head ---- */

static void head_write(const struct checkpoint *c, uint8_t out[HEAD_BYTES])
{
    memset(out, 0, HEAD_BYTES);
    memcpy(out, magic, sizeof(magic));
    put_u16(out + 8, CHECKPOINT_FORMAT);
    put_u16(out + 10, JOURNAL_LEVEL);
    put_u32(out + 12, c->layout);
    memcpy(out + 16, c->genesis.ledger_id, 16);
    put_u64(out + 32, c->genesis.key[0]);
    put_u64(out + 40, c->genesis.key[1]);
    put_u32(out + 48, c->epoch);
    put_u32(out + 52, c->chain);
    put_u64(out + 56, c->last_seq);
    put_u64(out + 64, (uint64_t)c->log_us);
    put_u64(out + 72, c->state_hash);
    put_u64(out + 80, c->segment_seq);
    put_u64(out + 88, c->frame_offset);
    put_u64(out + 96, c->offset);
    put_u64(out + 104, c->ordinal);
    put_u64(out + 112, c->spacing_bytes);
    put_u64(out + 120, (uint64_t)c->created_us);
    put_u64(out + 128, c->segment_first);
    put_u32(out + HEAD_CRC_AT, crc32c(0, out, HEAD_CRC_AT));
}

static enum status head_parse(const uint8_t in[HEAD_BYTES], struct checkpoint *out)
{
    if (memcmp(in, magic, sizeof(magic)) != 0 || get_u32(in + HEAD_CRC_AT) != crc32c(0, in, HEAD_CRC_AT))
        return STATUS_DAMAGED;
    if (get_u16(in + 8) != CHECKPOINT_FORMAT || get_u16(in + 10) > JOURNAL_LEVEL)
        return STATUS_VERSION;
    for (unsigned i = HEAD_FIELDS_END; i < HEAD_CRC_AT; i++)
        if (in[i] != 0)
            return STATUS_VERSION;
    *out = (struct checkpoint){
        .layout = get_u32(in + 12),
        .genesis.key = {get_u64(in + 32), get_u64(in + 40)},
        .epoch = get_u32(in + 48),
        .chain = get_u32(in + 52),
        .last_seq = get_u64(in + 56),
        .log_us = (int64_t)get_u64(in + 64),
        .state_hash = get_u64(in + 72),
        .segment_seq = get_u64(in + 80),
        .frame_offset = get_u64(in + 88),
        .offset = get_u64(in + 96),
        .ordinal = get_u64(in + 104),
        .spacing_bytes = get_u64(in + 112),
        .created_us = (int64_t)get_u64(in + 120),
        .segment_first = get_u64(in + 128),
    };
    memcpy(out->genesis.ledger_id, in + 16, 16);
    return out->segment_first > UINT32_MAX ? STATUS_DAMAGED : STATUS_OK;
}

static void block_head(uint8_t out[BLOCK_HEAD_BYTES], enum checkpoint_block kind, uint64_t number, size_t n)
{
    memset(out, 0, BLOCK_HEAD_BYTES);
    put_u32(out, (uint32_t)n);
    put_u16(out + 4, (uint16_t)kind);
    put_u64(out + 8, number);
}

/* ---- writing ---- */

struct checkpoint_writer {
    const struct env *env;
    struct env_directory *directory;
    struct env_file *file;
    struct checkpoint checkpoint;
    uint64_t blocks;
    uint64_t offset; /* of the buffer in the file */
    size_t used;     /* of it */
    uint8_t *buffer;
};

static void writer_free(struct checkpoint_writer *writer)
{
    writer->env->file_close(writer->env->context, writer->file);
    writer->env->memory_release(writer->env->context, writer->buffer, BUFFER_BYTES);
    free(writer);
}

enum status checkpoint_begin(const struct env *env, struct env_directory *directory, const struct checkpoint *checkpoint,
                             struct checkpoint_writer **out_writer)
{
    enum status status = env->file_remove(env->context, directory, CHECKPOINT_NEXT_NAME);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    struct checkpoint_writer *writer = calloc(1, sizeof(*writer));
    if (writer == NULL)
        return STATUS_MEMORY;
    *writer = (struct checkpoint_writer){.env = env, .directory = directory, .checkpoint = *checkpoint};
    writer->buffer = env->memory_reserve(env->context, BUFFER_BYTES);
    status = writer->buffer == NULL ? STATUS_MEMORY : env->file_open(env->context, directory, CHECKPOINT_NEXT_NAME,
                                                                     ENV_OPEN_CREATE, &writer->file);
    if (status != STATUS_OK) {
        env->memory_release(env->context, writer->buffer, BUFFER_BYTES);
        free(writer);
        return status;
    }
    head_write(checkpoint, writer->buffer);
    writer->used = HEAD_BYTES;
    *out_writer = writer;
    return STATUS_OK;
}

static enum status writer_flush(struct checkpoint_writer *writer)
{
    const struct env *env = writer->env;
    enum status status = env->file_write(env->context, writer->file, writer->offset, writer->buffer, writer->used);
    writer->offset += writer->used;
    writer->used = 0;
    return status;
}

enum status checkpoint_put(struct checkpoint_writer *writer, enum checkpoint_block kind, const uint8_t *bytes, size_t n)
{
    CHECK(n <= CHECKPOINT_BLOCK_BYTES_MAX);
    if (writer->used + BLOCK_HEAD_BYTES + n > BUFFER_BYTES) {
        enum status status = writer_flush(writer);
        if (status != STATUS_OK)
            return status;
    }
    uint8_t *at = writer->buffer + writer->used;
    block_head(at, kind, writer->blocks++, n);
    memcpy(at + BLOCK_HEAD_BYTES, bytes, n);
    put_u32(at + BLOCK_CRC_AT, crc32c(crc32c(0, at, BLOCK_CRC_AT), bytes, n));
    writer->used += BLOCK_HEAD_BYTES + n;
    return STATUS_OK;
}

uint64_t checkpoint_bytes(const struct checkpoint_writer *writer)
{
    return writer->offset + writer->used;
}

enum status checkpoint_settle(struct checkpoint_writer *writer)
{
    enum status status = writer_flush(writer);
    return status == STATUS_OK ? writer->env->file_sync(writer->env->context, writer->file) : status;
}

/* Those that are not among the newest: what cannot be removed is in nobody's way. */
static void drop_old(const struct env *env, struct env_directory *directory)
{
    uint64_t seqs[CHECKPOINT_KEPT + 8];
    size_t count = 0;
    if (checkpoint_list(env, directory, seqs, sizeof(seqs) / sizeof(seqs[0]), &count) != STATUS_OK)
        return;
    for (size_t i = CHECKPOINT_KEPT; i < count; i++) {
        char name[CHECKPOINT_NAME_BYTES];
        checkpoint_name(seqs[i], name);
        (void)env->file_remove(env->context, directory, name);
    }
}

enum status checkpoint_end(struct checkpoint_writer *writer)
{
    const struct env *env = writer->env;
    struct env_directory *directory = writer->directory;
    uint8_t end[END_BYTES];
    char name[CHECKPOINT_NAME_BYTES];
    checkpoint_name(writer->checkpoint.last_seq, name);
    put_u64(end, writer->blocks);
    enum status status = checkpoint_put(writer, CHECKPOINT_END, end, sizeof(end));
    if (status == STATUS_OK)
        status = checkpoint_settle(writer);
    if (status != STATUS_OK) {
        checkpoint_abandon(writer);
        return status;
    }
    writer_free(writer);
    status = env->file_rename(env->context, directory, CHECKPOINT_NEXT_NAME, name);
    if (status == STATUS_OK)
        status = env->directory_sync(env->context, directory);
    if (status == STATUS_OK)
        drop_old(env, directory);
    return status;
}

void checkpoint_abandon(struct checkpoint_writer *writer)
{
    if (writer == NULL)
        return;
    const struct env *env = writer->env;
    struct env_directory *directory = writer->directory;
    writer_free(writer);
    (void)env->file_remove(env->context, directory, CHECKPOINT_NEXT_NAME);
}

/* ---- reading ---- */

struct checkpoint_reader {
    const struct env *env;
    struct env_file *file;
    char name[CHECKPOINT_NAME_BYTES];
    uint64_t blocks; /* read so far */
    uint64_t from;   /* file offset of the buffer */
    size_t at, have; /* in it */
    uint8_t *buffer;
};

#define PROBLEM(...) (void)snprintf(problem, problem_bytes, __VA_ARGS__)

/* Has n bytes more in the buffer; fewer at the end of the file. */
static enum status reader_fill(struct checkpoint_reader *reader, size_t n)
{
    if (reader->have - reader->at >= n)
        return STATUS_OK;
    size_t left = reader->have - reader->at;
    memmove(reader->buffer, reader->buffer + reader->at, left);
    reader->from += reader->at;
    reader->at = 0;
    reader->have = left;
    size_t got = 0;
    enum status status = reader->env->file_read(reader->env->context, reader->file, reader->from + left,
                                                reader->buffer + left, BUFFER_BYTES - left, &got);
    reader->have += got;
    return status;
}

static enum status open_named(const struct env *env, struct env_directory *directory, const char *name,
                              struct checkpoint *out_checkpoint, struct checkpoint_reader **out_reader, char *problem,
                              size_t problem_bytes)
{
    struct checkpoint_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL) {
        PROBLEM("no memory to read a checkpoint with");
        return STATUS_MEMORY;
    }
    reader->env = env;
    (void)snprintf(reader->name, sizeof(reader->name), "%s", name);
    reader->buffer = env->memory_reserve(env->context, BUFFER_BYTES);
    enum status status = reader->buffer == NULL
                             ? STATUS_MEMORY
                             : env->file_open(env->context, directory, reader->name, ENV_OPEN_READ, &reader->file);
    if (status != STATUS_OK) {
        PROBLEM("%s cannot be opened: %s", reader->name, env_last_error());
        env->memory_release(env->context, reader->buffer, BUFFER_BYTES);
        free(reader);
        return status;
    }
    status = reader_fill(reader, HEAD_BYTES);
    if (status != STATUS_OK)
        PROBLEM("%s cannot be read: %s", reader->name, env_last_error());
    if (status == STATUS_OK)
        status = reader->have < HEAD_BYTES ? STATUS_DAMAGED : head_parse(reader->buffer, out_checkpoint);
    if (status == STATUS_DAMAGED)
        PROBLEM("%s, offset 0: its head fails its checksum", reader->name);
    if (status == STATUS_VERSION)
        PROBLEM("%s was written by a newer version", reader->name);
    if (status != STATUS_OK) {
        checkpoint_close(reader);
        return status;
    }
    reader->at = HEAD_BYTES;
    *out_reader = reader;
    return STATUS_OK;
}

enum status checkpoint_open(const struct env *env, struct env_directory *directory, uint64_t last_seq,
                            struct checkpoint *out_checkpoint, struct checkpoint_reader **out_reader, char *problem,
                            size_t problem_bytes)
{
    char name[CHECKPOINT_NAME_BYTES];
    checkpoint_name(last_seq, name);
    enum status status = open_named(env, directory, name, out_checkpoint, out_reader, problem, problem_bytes);
    if (status != STATUS_OK || out_checkpoint->last_seq == last_seq)
        return status;
    PROBLEM("%s, offset 0: its head is not that of this file", name);
    checkpoint_close(*out_reader);
    return STATUS_DAMAGED;
}

enum status checkpoint_copied(const struct env *env, struct env_directory *directory, struct checkpoint *out_checkpoint)
{
    struct checkpoint_reader *reader = NULL;
    char problem[256];
    enum status status =
        open_named(env, directory, CHECKPOINT_COPIED_NAME, out_checkpoint, &reader, problem, sizeof(problem));
    if (status == STATUS_OK)
        checkpoint_close(reader);
    return status;
}

enum status checkpoint_adopt(const struct env *env, struct env_directory *directory, uint64_t last_seq)
{
    char name[CHECKPOINT_NAME_BYTES];
    checkpoint_name(last_seq, name);
    enum status status = env->file_rename(env->context, directory, CHECKPOINT_COPIED_NAME, name);
    return status == STATUS_OK ? env->directory_sync(env->context, directory) : status;
}

enum status checkpoint_next(struct checkpoint_reader *reader, enum checkpoint_block *out_kind, const uint8_t **out_bytes,
                            size_t *out_n, char *problem, size_t problem_bytes)
{
    enum status status = reader_fill(reader, BLOCK_HEAD_BYTES);
    uint64_t offset = reader->from + reader->at;
    if (status != STATUS_OK) {
        PROBLEM("%s cannot be read: %s", reader->name, env_last_error());
        return status;
    }
    size_t n = 0;
    uint32_t kind = 0;
    if (reader->have - reader->at >= BLOCK_HEAD_BYTES) {
        n = get_u32(reader->buffer + reader->at);
        kind = get_u16(reader->buffer + reader->at + 4);
        if (n <= CHECKPOINT_BLOCK_BYTES_MAX)
            status = reader_fill(reader, BLOCK_HEAD_BYTES + n);
    }
    if (status != STATUS_OK) {
        PROBLEM("%s cannot be read: %s", reader->name, env_last_error());
        return status;
    }
    const uint8_t *head = reader->buffer + reader->at;
    if (reader->have - reader->at < BLOCK_HEAD_BYTES || n > CHECKPOINT_BLOCK_BYTES_MAX ||
        reader->have - reader->at < BLOCK_HEAD_BYTES + n || get_u64(head + 8) != reader->blocks ||
        kind < CHECKPOINT_SEGMENTS || kind > CHECKPOINT_END ||
        get_u32(head + BLOCK_CRC_AT) != crc32c(crc32c(0, head, BLOCK_CRC_AT), head + BLOCK_HEAD_BYTES, n)) {
        PROBLEM("%s, offset %" PRIu64 ": block %" PRIu64 " is cut off or fails its checksum", reader->name, offset,
                reader->blocks);
        return STATUS_DAMAGED;
    }
    reader->at += BLOCK_HEAD_BYTES + n;
    if (kind == CHECKPOINT_END) {
        bool ends = n == END_BYTES && get_u64(head + BLOCK_HEAD_BYTES) == reader->blocks;
        status = ends ? reader_fill(reader, 1) : STATUS_OK;
        if (ends && status == STATUS_OK && reader->have == reader->at)
            return STATUS_END;
        if (status == STATUS_OK)
            PROBLEM("%s, offset %" PRIu64 ": it does not end where it says", reader->name, offset);
        else
            PROBLEM("%s cannot be read: %s", reader->name, env_last_error());
        return status == STATUS_OK ? STATUS_DAMAGED : status;
    }
    reader->blocks++;
    *out_kind = (enum checkpoint_block)kind;
    *out_bytes = head + BLOCK_HEAD_BYTES;
    *out_n = n;
    return STATUS_OK;
}

void checkpoint_close(struct checkpoint_reader *reader)
{
    reader->env->file_close(reader->env->context, reader->file);
    reader->env->memory_release(reader->env->context, reader->buffer, BUFFER_BYTES);
    free(reader);
}

enum status checkpoint_sound(const struct env *env, struct env_directory *directory, uint64_t last_seq,
                             struct checkpoint *out_checkpoint, char *problem, size_t problem_bytes)
{
    struct checkpoint_reader *reader = NULL;
    enum status status =
        checkpoint_open(env, directory, last_seq, out_checkpoint, &reader, problem, problem_bytes);
    if (status != STATUS_OK)
        return status;
    while (status == STATUS_OK) {
        enum checkpoint_block kind;
        const uint8_t *bytes;
        size_t n;
        status = checkpoint_next(reader, &kind, &bytes, &n, problem, problem_bytes);
    }
    checkpoint_close(reader);
    return status == STATUS_END ? STATUS_OK : status;
}
