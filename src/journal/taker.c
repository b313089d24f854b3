#include "journal/taker.h"

#include <stdio.h>
#include <stdlib.h>

#define BLOCK_BYTES ((size_t)FRAME_BYTES_MAX)

enum status taker_init(struct taker *taker, const struct env *env, const char *path)
{
    *taker = (struct taker){.env = env, .path = path, .block = malloc(BLOCK_BYTES)};
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

static void keep(struct taker *taker, const void *bytes, size_t n)
{
    if (taker->block_bytes + n > BLOCK_BYTES && taker_flush(taker) != STATUS_OK)
        return;
    memcpy(taker->block + taker->block_bytes, bytes, n);
    taker->block_bytes += n;
}

static void begin(struct taker *taker)
{
    const struct journal_options options = {.env = taker->env,
                                            .path = taker->path,
                                            .fill_on_writer = true, /* no more zeros than are needed */
                                            .copy = true,
                                            .copy_start = taker->block,
                                            .copy_start_bytes = taker->block_bytes};
    struct journal_report report;
    enum status status = journal_open(&options, NULL, &taker->journal, &report);
    if (status != STATUS_OK)
        (void)snprintf(taker->problem, sizeof(taker->problem), "%s", report.problem);
    note(taker, status);
    taker->block_bytes = 0;
}

void taker_frame(struct taker *taker, const struct segment *segment, const struct frame *frame, const uint8_t *bytes)
{
    if (taker->status != STATUS_OK)
        return;
    if (segment->number != taker->segment_number) {
        uint8_t header[SEGMENT_HEADER_BYTES];
        segment_write_header(segment, header);
        if (taker->journal == NULL) {
            keep(taker, header, sizeof(header));
        } else {
            if (taker_flush(taker) == STATUS_OK)
                note(taker, journal_take_segment(taker->journal, header));
            if (taker->status != STATUS_OK)
                return;
        }
        taker->segment_number = segment->number;
    }
    keep(taker, bytes, frame->frame_bytes);
    if (taker->journal == NULL)
        begin(taker);
}

void taker_deinit(struct taker *taker)
{
    if (taker->journal != NULL)
        journal_close(taker->journal);
    free(taker->block);
    taker->journal = NULL;
    taker->block = NULL;
}
