#include "cli/outbox.h"

#include <stdlib.h>

#define CAPACITY_BYTES ((size_t)2 * OUTBOX_BYTES_MAX) /* moving the lines together is rare: half of it is free then */

_Static_assert((OUTBOX_ENTRIES_MAX & (OUTBOX_ENTRIES_MAX - 1)) == 0, "ordinals are masked");

static struct outbox_entry *entry_at(const struct outbox *outbox, uint64_t ordinal)
{
    return &outbox->entries[ordinal & (OUTBOX_ENTRIES_MAX - 1)];
}

enum status outbox_init(struct outbox *outbox)
{
    memset(outbox, 0, sizeof(*outbox));
    outbox->entries = calloc(OUTBOX_ENTRIES_MAX, sizeof(*outbox->entries));
    outbox->bytes = malloc(CAPACITY_BYTES);
    if (outbox->entries != NULL && outbox->bytes != NULL)
        return STATUS_OK;
    outbox_deinit(outbox);
    return STATUS_MEMORY;
}

void outbox_deinit(struct outbox *outbox)
{
    free(outbox->entries);
    free(outbox->bytes);
    outbox->entries = NULL;
    outbox->bytes = NULL;
}

bool outbox_room(const struct outbox *outbox)
{
    return outbox->tail - outbox->head < OUTBOX_ENTRIES_MAX &&
           outbox->bytes_live + OUTBOX_LINE_BYTES_MAX + 1 <= OUTBOX_BYTES_MAX;
}

/* Moves the lines to the front of the memory, in order, over those that left. */
static void gather(struct outbox *outbox)
{
    size_t at = 0;
    for (uint64_t i = outbox->head; i != outbox->tail; i++) {
        struct outbox_entry *entry = entry_at(outbox, i);
        if (entry->state == OUTBOX_DONE)
            continue;
        memmove(outbox->bytes + at, outbox->bytes + entry->at, (size_t)entry->line_bytes + 1);
        entry->at = at;
        at += (size_t)entry->line_bytes + 1;
    }
    outbox->bytes_tail = at;
}

void outbox_add(struct outbox *outbox, const struct outbox_entry *entry, struct text line, bool local)
{
    CHECK(line.length <= OUTBOX_LINE_BYTES_MAX);
    CHECK(outbox_room(outbox));
    if (CAPACITY_BYTES - outbox->bytes_tail < (size_t)line.length + 1)
        gather(outbox);
    struct outbox_entry *added = entry_at(outbox, outbox->tail++);
    *added = *entry;
    outbox->last_number = entry->number;
    outbox->last_offset = entry->origin_offset + entry->origin_bytes;
    added->at = outbox->bytes_tail;
    added->line_bytes = line.length;
    added->state = local ? OUTBOX_LOCAL : OUTBOX_WAITING;
    if (line.length != 0)
        memcpy(outbox->bytes + outbox->bytes_tail, line.bytes, line.length);
    outbox->bytes[outbox->bytes_tail + line.length] = '\n';
    outbox->bytes_tail += (size_t)line.length + 1;
    outbox->bytes_live += (size_t)line.length + 1;
}

void outbox_begin(struct outbox *outbox)
{
    outbox_trim(outbox);
    uint64_t to = outbox->head;
    for (uint64_t i = outbox->head; i != outbox->tail; i++) {
        const struct outbox_entry *entry = entry_at(outbox, i);
        if (entry->state == OUTBOX_DONE) {
            outbox->bytes_live -= (size_t)entry->line_bytes + 1;
            continue;
        }
        *entry_at(outbox, to) = *entry_at(outbox, i);
        to++;
    }
    outbox->tail = to;
    outbox->answer = outbox->send = outbox->head;
    outbox->send_part = 0;
    outbox->sent_line_count = 0;
    outbox->answered_line_count = 0;
}

/* Moves `send` over what is not to be sent. */
static void skip_local(struct outbox *outbox)
{
    while (outbox->send != outbox->tail && entry_at(outbox, outbox->send)->state != OUTBOX_WAITING)
        outbox->send++;
}

bool outbox_unsent(const struct outbox *outbox)
{
    for (uint64_t i = outbox->send; i != outbox->tail; i++) {
        if (entry_at(outbox, i)->state == OUTBOX_WAITING)
            return true;
    }
    return false;
}

size_t outbox_take(struct outbox *outbox, bool whole_lines_only, char *out_bytes, size_t size)
{
    size_t taken = 0;
    while (taken < size) {
        skip_local(outbox);
        if (outbox->send == outbox->tail || (whole_lines_only && outbox->send_part == 0))
            break;
        const struct outbox_entry *entry = entry_at(outbox, outbox->send);
        size_t left = (size_t)entry->line_bytes + 1 - outbox->send_part;
        size_t n = left < size - taken ? left : size - taken;
        memcpy(out_bytes + taken, outbox->bytes + entry->at + outbox->send_part, n);
        taken += n;
        outbox->send_part += n;
        if (n == left) {
            outbox->send++;
            outbox->send_part = 0;
            outbox->sent_line_count++;
        }
    }
    return taken;
}

const struct outbox_entry *outbox_next_local(struct outbox *outbox)
{
    if (outbox->answer == outbox->tail)
        return NULL;
    struct outbox_entry *entry = entry_at(outbox, outbox->answer);
    if (entry->state != OUTBOX_LOCAL)
        return NULL;
    entry->state = OUTBOX_DONE;
    outbox->answer++;
    return entry;
}

struct outbox_entry *outbox_next_answered(struct outbox *outbox)
{
    if (outbox->answered_line_count == outbox->sent_line_count)
        return NULL;
    struct outbox_entry *entry = entry_at(outbox, outbox->answer);
    CHECK(entry->state == OUTBOX_WAITING);
    outbox->answer++;
    outbox->answered_line_count++;
    return entry;
}

void outbox_trim(struct outbox *outbox)
{
    while (outbox->head != outbox->tail) {
        const struct outbox_entry *entry = entry_at(outbox, outbox->head);
        if (entry->state != OUTBOX_DONE)
            break;
        outbox->bytes_live -= (size_t)entry->line_bytes + 1;
        outbox->done_number = entry->number;
        outbox->done_offset = entry->origin_offset + entry->origin_bytes;
        outbox->head++;
    }
    if (outbox_empty(outbox)) {
        /* Also those that were answered while an earlier one was sent again. */
        outbox->done_number = outbox->last_number;
        outbox->done_offset = outbox->last_offset;
    }
    if (outbox->send < outbox->head)
        outbox->send = outbox->head;
    if (outbox->answer < outbox->head)
        outbox->answer = outbox->head;
}
