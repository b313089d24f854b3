#include "api/feed_text.h"

#include <stdlib.h>

#include "feed/position.h"

/* Records are read in pieces of this size; a larger one takes the whole scratch. */
#define PIECE_BYTES ((size_t)128 * 1024)

bool feed_scratch_init(struct feed_scratch *scratch)
{
    *scratch = (struct feed_scratch){
        .bytes = malloc(RECORD_BYTES_MAX),
        .decision = {.events = malloc(DECISION_EVENTS_MAX * sizeof(struct event)),
                     .names = NULL,
                     .shortages = malloc(COMMAND_LINES_MAX * sizeof(struct shortage))},
    };
    return scratch->bytes != NULL && scratch->decision.events != NULL && scratch->decision.shortages != NULL;
}

void feed_scratch_deinit(struct feed_scratch *scratch)
{
    free(scratch->bytes);
    free(scratch->decision.events);
    free(scratch->decision.shortages);
}

static void append_event(struct buffer *out, const struct render *render, enum feed_format format, uint64_t count,
                         const struct decision *decision, uint32_t index)
{
    const struct event *event = &decision->events[index];
    if (format == FEED_JSON) {
        if (count != 0)
            buffer_byte(out, ',');
        render_event(out, render, decision, index);
        return;
    }
    const char *type = event_name(event->type);
    buffer_literal(out, "id: ");
    char *room = buffer_room(out, POSITION_TEXT_BYTES);
    if (room != NULL)
        out->length += position_format((struct position){epochs_of(render->epochs, event->seq), event->seq}, room);
    buffer_literal(out, "\nevent: ");
    buffer_append(out, type, strlen(type));
    buffer_literal(out, "\ndata: ");
    render_event(out, render, decision, index);
    buffer_literal(out, "\n\n");
}

static void append_stamp(struct buffer *out, struct journal *journal, uint64_t seq, int64_t *last_ns)
{
    int64_t flushed_ns = journal_flushed_at_ns(journal, seq);
    if (flushed_ns == *last_ns || flushed_ns == 0)
        return;
    *last_ns = flushed_ns;
    buffer_literal(out, ": flushed ");
    json_i64(out, flushed_ns);
    buffer_literal(out, "\n");
}

enum status feed_text(const struct service *service, const struct filter *filter, enum feed_format format, bool stamps,
                      uint64_t count_max, size_t bytes_max, bool memory_only, struct feed_scratch *scratch,
                      struct feed_cursor *cursor, struct buffer *out)
{
    struct journal *journal = service->journal;
    const struct render render = {service->ledger, journal_epochs(journal), 0, NULL};
    size_t start = out->length;
    size_t passed = 0;
    int64_t last_ns = 0;
    bool any = false;
    while (cursor->count < count_max && out->length - start < bytes_max && passed < 8 * bytes_max && !out->failed) {
        size_t n = 0;
        enum status status =
            journal_read(journal, cursor->seq + 1, TAIL_UNKNOWN, memory_only, scratch->bytes, PIECE_BYTES, &n);
        if (status == STATUS_FULL)
            status = journal_read(journal, cursor->seq + 1, TAIL_UNKNOWN, memory_only, scratch->bytes, RECORD_BYTES_MAX, &n);
        if (status != STATUS_OK)
            return any ? STATUS_OK : status;
        any = true;
        passed += n;
        for (size_t at = 0; at < n && cursor->count < count_max;) {
            struct record record;
            if (record_decode(scratch->bytes + at, n - at, &scratch->decision, &record) != STATUS_OK)
                return STATUS_DAMAGED;
            at += record.bytes;
            const struct decision *decision = &scratch->decision;
            if (stamps)
                append_stamp(out, journal, decision->first_seq, &last_ns);
            for (uint32_t i = 0; i < decision->event_count && cursor->count < count_max; i++) {
                if (decision->events[i].seq <= cursor->seq)
                    continue;
                cursor->seq = decision->events[i].seq;
                if (!filter_match(filter, service->ledger, decision, &decision->events[i]))
                    continue;
                append_event(out, &render, format, cursor->count, decision, i);
                cursor->count++;
            }
        }
    }
    return STATUS_OK;
}
