/*
 * What all I/O threads of a server share: the running shard and the rules of the door. The door is set up before the threads
 * start; the shard's part when the journal has been read, before `open` is set. Constant afterwards but for the atomics.
 */
#ifndef ONHAND_API_SERVICE_H
#define ONHAND_API_SERVICE_H

#include <stdatomic.h>

#include "api/past_work.h"
#include "api/source_zones.h"
#include "engine/engine.h"
#include "engine/checkpointer.h"
#include "engine/past_ledger.h"
#include "engine/standby.h"
#include "engine/verifier.h"

#define SERVICE_HOSTS_MAX     32
#define SERVICE_ADDRESS_BYTES 256 /* of another server */

/* Where a server's taking in of commands ended. */
struct fenced_at {
    uint64_t seq;     /* the last event */
    uint64_t ordinal; /* the last frame */
    uint32_t chain;   /* of that */
};

struct service {
    const struct env *env;
    struct source_zones *zones;
    struct past_works *past;    /* that read the journal back */
    struct past_works *replays; /* that replay it into past_ledger */
    const struct journal_progress *progress; /* of reading the journal */
    atomic_bool open; /* the shard is there, and all up to `fence_context`: see service_is_open */
    struct shard *shard;
    struct journal *journal;
    const struct ledger *ledger; /* names only, outside the engine's thread */
    struct engine *engine;
    struct inbox *inbox;
    struct past_ledger *past_ledger; /* NULL: none is to be had */
    struct checkpointer *checkpointer; /* NULL: none is made */
    struct verifier *verifier;
    struct standby *standby; /* NULL: it began as no standby */
    /* Ends the taking in of commands for ever, because the server at this address takes over; durable. Waits for it. */
    enum status (*fence)(void *context, const char *by, struct fenced_at *out_at);
    void *fence_context;
    const char *version;
    /* Names a Host field may have, without port; compared without case. */
    uint32_t host_count;
    const char *hosts[SERVICE_HOSTS_MAX];
    uint32_t connection_count_max; /* per I/O thread */
    int64_t spin_ns; /* an I/O thread looks so long for answers before it sleeps; 0 never */
    atomic_bool stopping;
    atomic_uint_fast64_t connections, connections_refused, requests, subscribers, slow_closed;
    atomic_uint_fast64_t accepts_owed; /* times that no memory was there for a connection */
};

/* False while the journal is read: there is no shard yet. Any thread; true is for ever. */
static inline bool service_is_open(const struct service *service)
{
    return atomic_load_explicit(&service->open, memory_order_acquire);
}

#endif
