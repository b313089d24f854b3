#include "journal/taker.h"

#include <stdio.h>
#include <stdlib.h>

#include "journal/checkpoint.h"

#define BLOCK_BYTES ((size_t)FRAME_BYTES_MAX)
#define START_BYTES (BEGINNING_BYTES + SEGMENT_HEADER_BYTES) /* what may be before the first frame */

enum status taker_init(struct taker *taker, const struct env *env, const char *path)
{
    *taker = (struct taker){.env = env, .path = path, .block = malloc(START_BYTES + BLOCK_BYTES)};
    taker->status = taker->block == NULL ? STATUS_MEMORY : STATUS_OK;
    return taker->status;
}

static void note(struct taker *taker, enum status status)
{
    taker->status = status;
    if (status != STATUS_OK && taker->problem[0] == 0)
        (void)snprintf(taker->problem, sizeof(taker->problem), "%.400s cannot be written: %s (%.250s). To mend it: %s.",
                       taker->path, status_text(status), env_last_error(), status_remedy(status));
}

enum status taker_flush(struct taker *taker)
{
    if (taker->status == STATUS_OK && taker->journal != NULL && taker->block_bytes != 0)
        note(taker, journal_take(taker->journal, taker->block, taker->block_bytes));
    if (taker->journal != NULL)
        taker->block_bytes = 0;
    return taker->status;
}

/* The journal is written from here on; with `start` bytes of the block when the directory has none. */
static enum status open_journal(struct taker *taker, size_t start)
{
    const struct journal_options options = {.env = taker->env,
                                            .path = taker->path,
                                            .fill_on_writer = true, /* no more zeros than are needed */
                                            .copy = true,
                                            .copy_start = start == 0 ? NULL : taker->block,
                                            .copy_start_bytes = start};
    struct journal_report report;
    enum status status = journal_open(&options, NULL, &taker->journal, &report);
    taker->block_bytes = 0;
    if (status != STATUS_OK)
        (void)snprintf(taker->problem, sizeof(taker->problem), "%s", report.problem);
    return status;
}

enum status taker_resume(struct taker *taker)
{
    enum status status = open_journal(taker, 0);
    if (status == STATUS_OK) {
        struct stream_place place;
        journal_copied(taker->journal, &place);
        taker->segment_number = place.segment_number;
    } else if (status == STATUS_NOT_FOUND) {
        taker->problem[0] = 0;
    }
    return status;
}

static void keep(struct taker *taker, const void *bytes, size_t n)
{
    if (taker->journal != NULL && taker->block_bytes + n > BLOCK_BYTES && taker_flush(taker) != STATUS_OK)
        return;
    memcpy(taker->block + taker->block_bytes, bytes, n);
    taker->block_bytes += n;
}

static void take_header(struct taker *taker, const struct segment *segment)
{
    uint8_t header[SEGMENT_HEADER_BYTES];
    segment_write_header(segment, header);
    taker->segment_number = segment->number;
    if (taker->journal != NULL) {
        if (taker_flush(taker) == STATUS_OK)
            note(taker, journal_take_segment(taker->journal, header));
        return;
    }
    bool later = taker->block_bytes != 0; /* with what it begins with */
    keep(taker, header, sizeof(header));
    if (later)
        note(taker, open_journal(taker, taker->block_bytes));
}

void taker_frame(struct taker *taker, const struct segment *segment, const struct frame *frame, const uint8_t *bytes)
{
    if (taker->status == STATUS_OK && segment->number != taker->segment_number)
        take_header(taker, segment);
    if (taker->status != STATUS_OK)
        return;
    keep(taker, bytes, frame->frame_bytes);
    if (taker->journal == NULL)
        note(taker, open_journal(taker, taker->block_bytes));
}

/* ---- a checkpoint that comes along ---- */

static enum status image_begin(struct taker *taker)
{
    const struct env *env = taker->env;
    enum status status = env->directory_open(env->context, taker->path, true, true, &taker->directory);
    if (status == STATUS_OK)
        status = env->file_remove(env->context, taker->directory, CHECKPOINT_COPIED_NAME); /* of a copy that did not get far */
    if (status == STATUS_OK || status == STATUS_NOT_FOUND)
        status = env->file_open(env->context, taker->directory, CHECKPOINT_COPIED_NAME, ENV_OPEN_CREATE, &taker->image);
    return status;
}

static void image_close(struct taker *taker)
{
    if (taker->image != NULL)
        taker->env->file_close(taker->env->context, taker->image);
    if (taker->directory != NULL)
        taker->env->directory_close(taker->env->context, taker->directory);
    taker->image = NULL;
    taker->directory = NULL;
}

static void take_piece(struct taker *taker, const struct stream_piece *piece, const uint8_t *bytes)
{
    const struct env *env = taker->env;
    enum status status = taker->image == NULL ? image_begin(taker) : STATUS_OK;
    if (status == STATUS_OK)
        status = env->file_write(env->context, taker->image, piece->offset, bytes, piece->n);
    bool last = piece->offset + piece->n == piece->total;
    if (status == STATUS_OK && last)
        status = env->file_sync(env->context, taker->image);
    if (status == STATUS_OK && last)
        status = env->directory_sync(env->context, taker->directory);
    note(taker, status);
    if (status != STATUS_OK || last)
        image_close(taker); /* the journal takes the directory */
}

void taker_item(struct taker *taker, enum stream_item item, const struct stream_reader *reader, const uint8_t *bytes)
{
    if (taker->status != STATUS_OK)
        return;
    switch (item) {
    case STREAM_BEGINNING:
        image_close(taker); /* of a stream that broke off before */
        taker->block_bytes = 0;
        keep(taker, bytes, BEGINNING_BYTES);
        break;
    case STREAM_PIECE:
        take_piece(taker, &reader->piece, bytes + STREAM_PIECE_HEADER);
        break;
    case STREAM_FRAME:
        taker_frame(taker, &reader->segment, &reader->frame, bytes);
        break;
    case STREAM_SEGMENT: /* with its first frame */
    case STREAM_MARK:
        break;
    }
}

void taker_deinit(struct taker *taker)
{
    image_close(taker);
    if (taker->journal != NULL)
        journal_close(taker->journal);
    free(taker->block);
    taker->journal = NULL;
    taker->block = NULL;
}
