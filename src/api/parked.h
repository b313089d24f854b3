/*
 * Parked commands: those of one stream that came back from the engine undecided, because the past is to be read for the
 * first of them (engine/batch.h, struct request, reading). They wait in their order, are read for together, and are
 * submitted again.
 *
 * Owner: the I/O thread of their connection; while parked_read runs, that worker.
 */
#ifndef ONHAND_API_PARKED_H
#define ONHAND_API_PARKED_H

#include <stdatomic.h>

#include "api/service.h"
#include "engine/batch.h"

struct parked {
    struct parked *next;
    struct request request; /* its command, reading, detail and dry_bytes are ours */
    uint8_t command[];
};

struct parked_list {
    struct parked *first, *last;
    uint32_t count;
};

/* Takes over the reading, detail and dry_bytes of a request that came back. False when memory cannot be had: it keeps them. */
MUST_USE bool parked_add(struct parked_list *list, struct request *request);
/* Puts all of `from`, which is empty then, in front of what is in the list. */
void parked_move(struct parked_list *list, struct parked_list *from);
/* The first one, no longer in the list; the caller frees it. NULL for none. */
struct parked *parked_take(struct parked_list *list);
/* With all that is its own. */
void parked_free(struct parked *parked);
void parked_list_free(struct parked_list *list);
/*
 * Reads for those that have something to be read, from the first on, until the decisions that they need are of so many
 * bytes that the others are to be read for when these are decided: the first of those is parked again, and all behind it.
 * OK, MEMORY, or as history_read for the first that fails. Any thread.
 */
MUST_USE enum status parked_read(struct parked_list *list, const struct service *service, const atomic_bool *stop);

#endif
