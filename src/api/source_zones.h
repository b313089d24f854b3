/*
 * The zones that sources have declared, for I/O threads: a time without an offset means that zone's clock. The ledger has
 * them too; this is a copy that is read without asking the engine, and only for such times.
 *
 * It is brought up to date by the I/O thread that learns of a change, before the sender of the change is answered.
 * Changes may come out of order from several threads: the later one in the journal stays.
 */
#ifndef ONHAND_API_SOURCE_ZONES_H
#define ONHAND_API_SOURCE_ZONES_H

#include "ledger/ledger.h"

struct source_zones;

/* NULL when memory cannot be had. */
struct source_zones *source_zones_create(void);
void source_zones_destroy(struct source_zones *zones);

/* What the source's configuration at this sequence number says; form absent: all defaults, or deleted. Any thread. */
void source_zones_set(struct source_zones *zones, struct text source, uint64_t seq, struct text form);
/* All that the ledger has, at the start. Ledger thread. False when memory cannot be had. */
MUST_USE bool source_zones_load(struct source_zones *zones, const struct ledger *ledger);

/* The moment of a local time, given as if it were UTC, by the source's zone. False when it has none. Any thread. */
bool source_zones_to_utc(struct source_zones *zones, struct text source, int64_t local_us, int64_t *out_utc_us);

#endif
