/*
 * A ledger made anew of what its journal says: at a start, and when the past is asked for. The one way to evolve what
 * was read back.
 *
 * Owner: one thread at a time.
 */
#ifndef ONHAND_ENGINE_REBUILD_H
#define ONHAND_ENGINE_REBUILD_H

#include "env/env.h"
#include "journal/journal.h"
#include "ledger/ledger.h"

struct rebuild {
    const struct env *env;
    struct ledger_limits limits;
    struct region region;
    struct ledger *ledger;     /* NULL before rebuild_begin, and when that failed */
    const char *limit_too_low; /* met: the journal needs more than this limit allows; NULL for none */
    uint64_t decision_count;   /* applied, ticks included */
};

/* Reserves address space for all tables; memory is used as they fill. MEMORY. */
MUST_USE enum status rebuild_init(struct rebuild *rebuild, const struct env *env, const struct ledger_limits *limits);
void rebuild_deinit(struct rebuild *rebuild);

/* An empty ledger of this identity. Again: what there was is given up. False when there is no memory to begin anew. */
bool rebuild_begin(struct rebuild *rebuild, const struct genesis *genesis);
/* The next chunk of an image, first thing after rebuild_begin; its end. As of struct journal_replay. */
MUST_USE enum status rebuild_image(struct rebuild *rebuild, const uint8_t *bytes, size_t n);
MUST_USE enum status rebuild_image_end(struct rebuild *rebuild, uint64_t state_hash);
/* All of these, as what a replay is handed on to. When there was no memory to begin anew, ledger is NULL afterwards. */
struct journal_replay rebuild_replay(struct rebuild *rebuild);
/* The same of every decision that is kept, whatever a checkpoint stands for. */
struct journal_replay rebuild_replay_whole(struct rebuild *rebuild);
/* Audits all of the ledger. False: it contradicts itself; out_finding says where and how, in words. */
MUST_USE bool rebuild_audit(struct rebuild *rebuild, char *out_finding, size_t n);
/* Looks ahead at the next ones. */
void rebuild_prepare(const struct rebuild *rebuild, struct decision *decisions, uint32_t n);
/* Applies the next decision or tick; false when a limit is too low for it or was for one before. */
bool rebuild_apply(struct rebuild *rebuild, const struct decision *decision);

#endif
