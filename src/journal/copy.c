#include "journal/copy.h"

#include "journal/checkpoint.h"
#include "journal/retention.h"
#include "journal/stream.h"

enum status copy_from_beginning(const struct env *env, struct env_directory *directory, struct index *index,
                                struct journal_cursor *out_cursor)
{
    uint32_t first = index_first(index);
    uint64_t seqs[CHECKPOINT_KEPT];
    size_t count = 0;
    *out_cursor = (struct journal_cursor){.segment = first, .header = true, .offset = SEGMENT_HEADER_BYTES};
    if (first == 0)
        return STATUS_OK;
    enum status status = checkpoint_list(env, directory, seqs, CHECKPOINT_KEPT, &count);
    out_cursor->beginning = true;
    while (status == STATUS_OK && count > 0 && out_cursor->image_seq == 0) {
        struct checkpoint checkpoint;
        char problem[256];
        uint64_t seq = seqs[--count];
        enum status sound = checkpoint_sound(env, directory, seq, &checkpoint, problem, sizeof(problem));
        if (sound == STATUS_OK)
            out_cursor->image_seq = seq;
        else if (sound != STATUS_DAMAGED && sound != STATUS_VERSION && sound != STATUS_NOT_FOUND)
            status = sound;
    }
    return status == STATUS_OK && out_cursor->image_seq == 0 ? STATUS_NOT_FOUND : status;
}

/* The next piece of the checkpoint. FULL: it does not fit. */
static enum status copy_piece(const struct env *env, struct env_directory *directory, struct journal_cursor *cursor,
                              uint8_t *bytes, size_t n, size_t *out_bytes)
{
    struct stream_piece piece = {.seq = cursor->image_seq, .offset = cursor->image_offset};
    char name[CHECKPOINT_NAME_BYTES];
    struct env_file *file = NULL;
    size_t got = 0;
    if (n < STREAM_PIECE_HEADER + STREAM_PIECE_BYTES_MAX)
        return STATUS_FULL;
    checkpoint_name(piece.seq, name);
    enum status status = env->file_open(env->context, directory, name, ENV_OPEN_READ, &file);
    if (status != STATUS_OK)
        return status;
    status = env->file_size(env->context, file, &piece.total);
    if (status == STATUS_OK)
        status = env->file_read(env->context, file, piece.offset, bytes + STREAM_PIECE_HEADER, STREAM_PIECE_BYTES_MAX, &got);
    env->file_close(env->context, file);
    if (status == STATUS_OK && got == 0)
        status = STATUS_DAMAGED;
    if (status != STATUS_OK)
        return status;
    piece.n = (uint32_t)got;
    stream_piece_write(&piece, bytes);
    *out_bytes = STREAM_PIECE_HEADER + got;
    cursor->image_offset += got;
    if (cursor->image_offset >= piece.total)
        cursor->image_seq = 0;
    return STATUS_OK;
}

enum status copy_beginning(const struct env *env, struct env_directory *directory, struct index *index,
                           const struct genesis *genesis, struct journal_cursor *cursor, uint8_t *bytes, size_t n,
                           size_t *out_bytes)
{
    if (!cursor->beginning)
        return copy_piece(env, directory, cursor, bytes, n, out_bytes);
    struct beginning beginning;
    uint64_t before_bytes = 0;
    if (n < BEGINNING_BYTES)
        return STATUS_FULL;
    enum status status = retention_beginning(env, directory, index, cursor->segment, genesis, &beginning, &before_bytes);
    if (status != STATUS_OK)
        return status;
    struct beginning kept; /* knows the head of the chain there */
    if (beginning_read(env, directory, &kept) == STATUS_OK && kept.number == beginning.number) {
        beginning.has_head = kept.has_head;
        memcpy(beginning.head, kept.head, sizeof(beginning.head));
    }
    beginning_write_record(&beginning, bytes);
    *out_bytes = BEGINNING_BYTES;
    cursor->beginning = false;
    cursor->ordinal = beginning.first_ordinal - 1;
    cursor->chain = beginning.previous_chain;
    return STATUS_OK;
}
