#include "api/parked.h"

#include <stdlib.h>
#include <string.h>

#include "api/feed_text.h"
#include "journal/history.h"

/* What reverses a receipt of 1,000 lines has a MiB of it read, and a sender can have thousands of those parked. */
#define DECISIONS_BYTES_MAX ((size_t)16 << 20)

bool parked_add(struct parked_list *list, struct request *request)
{
    struct parked *parked = malloc(sizeof(*parked) + request->command_bytes);
    if (parked == NULL)
        return false;
    parked->next = NULL;
    parked->request = *request;
    if (request->command != NULL) /* one that could not be parsed keeps its place, too */
        memcpy(parked->command, request->command, request->command_bytes);
    parked->request.command = parked->command;
    request->reading = NULL;
    request->dry_bytes = NULL;
    request->detail = NULL;
    if (list->last != NULL)
        list->last->next = parked;
    else
        list->first = parked;
    list->last = parked;
    list->count++;
    return true;
}

void parked_move(struct parked_list *list, struct parked_list *from)
{
    if (from->last == NULL)
        return;
    from->last->next = list->first;
    list->first = from->first;
    if (list->last == NULL)
        list->last = from->last;
    list->count += from->count;
    *from = (struct parked_list){.count = 0};
}

struct parked *parked_take(struct parked_list *list)
{
    struct parked *parked = list->first;
    if (parked == NULL)
        return NULL;
    list->first = parked->next;
    if (list->first == NULL)
        list->last = NULL;
    list->count--;
    return parked;
}

void parked_free(struct parked *parked)
{
    reading_destroy(parked->request.reading);
    free(parked->request.dry_bytes);
    free(parked->request.detail);
    free(parked);
}

void parked_list_free(struct parked_list *list)
{
    for (struct parked *parked = parked_take(list); parked != NULL; parked = parked_take(list))
        parked_free(parked);
}

enum status parked_read(struct parked_list *list, const struct service *service, const atomic_bool *stop)
{
    struct feed_scratch scratch;
    struct history history;
    enum status status = STATUS_MEMORY;
    if (feed_scratch_init(&scratch)) {
        history_init(&history, service->journal, scratch.bytes, &scratch.decision, stop);
        status = STATUS_OK;
        size_t bytes = 0; /* of the decisions up to here */
        for (struct parked *parked = list->first; parked != NULL && status == STATUS_OK && bytes <= DECISIONS_BYTES_MAX;
             parked = parked->next) {
            struct reading *reading = parked->request.reading;
            if (reading == NULL)
                continue;
            if (!reading->complete)
                status = history_read(&history, reading);
            bytes += reading->memory_bytes;
        }
    }
    feed_scratch_deinit(&scratch);
    return status;
}
