#include "engine/marker.h"

void marker_init(struct marker *marker)
{
    *marker = (struct marker){.count = 0};
    CHECK(pthread_mutex_init(&marker->mutex, NULL) == 0);
}

void marker_deinit(struct marker *marker)
{
    CHECK(pthread_mutex_destroy(&marker->mutex) == 0);
}

void marker_put(struct marker *marker, const struct group_mark *mark)
{
    if (pthread_mutex_trylock(&marker->mutex) != 0)
        return; /* a thread of low priority has it, and may have to wait for a processor: the next group does as well */
    atomic_store(&marker->wanted, false);
    marker->mark = *mark;
    marker->count++;
    CHECK(pthread_mutex_unlock(&marker->mutex) == 0);
}

uint64_t marker_ask(struct marker *marker)
{
    CHECK(pthread_mutex_lock(&marker->mutex) == 0);
    uint64_t ticket = marker->count;
    atomic_store(&marker->wanted, true);
    CHECK(pthread_mutex_unlock(&marker->mutex) == 0);
    return ticket;
}

bool marker_take(struct marker *marker, uint64_t ticket, struct group_mark *out_mark)
{
    CHECK(pthread_mutex_lock(&marker->mutex) == 0);
    bool there = marker->count != ticket;
    if (there)
        *out_mark = marker->mark;
    CHECK(pthread_mutex_unlock(&marker->mutex) == 0);
    return there;
}
