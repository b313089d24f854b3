/*
 * The warmer: has the system hand over the tables' memory a little before it is needed.
 *
 * Tables reserve address space and grow into it. The first write to a fresh (huge) page stops the writer while the system
 * finds and clears 2 MiB, up to milliseconds on a virtual machine; a thread of its own takes that wait instead of the
 * engine's. It only asks for pages ahead of each table's used part; it reads and writes no table.
 */
#ifndef ONHAND_ENGINE_WARMER_H
#define ONHAND_ENGINE_WARMER_H

#include "env/env.h"
#include "ledger/ledger.h"

struct warmer;

/* Starts the thread. NULL when there is no memory or thread: the tables then warm themselves. */
struct warmer *warmer_start(const struct env *env, const struct ledger *ledger);
/* Tells it how far the tables are used. The ledger's thread; cheap enough for every flush group. */
void warmer_tell(struct warmer *warmer, const struct ledger *ledger);
/* Ends the thread and frees it. NULL is allowed. */
void warmer_stop(struct warmer *warmer);

#endif
