#include "engine/batch.h"

#include <stdlib.h>

void reading_destroy(struct reading *reading)
{
    if (reading == NULL)
        return;
    free(reading->memory);
    free(reading);
}

void done_queue_init(struct done_queue *queue, void (*wake)(void *argument), void *argument)
{
    *queue = (struct done_queue){.wake = wake, .argument = argument};
    CHECK(pthread_mutex_init(&queue->mutex, NULL) == 0);
}

void done_queue_deinit(struct done_queue *queue)
{
    CHECK(queue->first == NULL);
    CHECK(pthread_mutex_destroy(&queue->mutex) == 0);
}

struct batch *done_queue_take(struct done_queue *queue)
{
    CHECK(pthread_mutex_lock(&queue->mutex) == 0);
    struct batch *first = queue->first;
    queue->first = queue->last = NULL;
    CHECK(pthread_mutex_unlock(&queue->mutex) == 0);
    return first;
}

void done_queue_put(struct done_queue *queue, struct batch *batch)
{
    batch->next = NULL;
    CHECK(pthread_mutex_lock(&queue->mutex) == 0);
    if (queue->last != NULL)
        queue->last->next = batch;
    else
        queue->first = batch;
    queue->last = batch;
    CHECK(pthread_mutex_unlock(&queue->mutex) == 0);
}
