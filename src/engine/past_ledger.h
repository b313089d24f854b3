/*
 * The ledger as it was: a second one, into which the journal is replayed up to a time, for questions whose answer no
 * chain of a cell's events tells. The ledger is a pure function of its journal (DESIGN section 1), so it says what the
 * first one said then, read by the same code.
 *
 * There is one at most in a process, because it takes as much memory as the ledger had by then. It is kept for a while
 * behind the last question: one about the same time or a later one goes on from where it stands, one about an earlier
 * time begins anew.
 *
 *     journal   | 1 ........ 700 ........ 900 ........
 *     kept            up to 700 -> asked: 900, replays 200
 *
 * Taken by one thread at a time; which one does not matter. A thread of its own gives the memory back.
 */
#ifndef ONHAND_ENGINE_PAST_LEDGER_H
#define ONHAND_ENGINE_PAST_LEDGER_H

#include <stdatomic.h>

#include "engine/rebuild.h"

#define PAST_LEDGER_KEEP_S 60 /* a person reads an answer and asks the next question */

struct past_ledger;

/* limits: those of the ledger. rest_ns: how long it is kept. Borrowed: env, journal. NULL when memory or a thread
 * cannot be had. */
struct past_ledger *past_ledger_create(const struct env *env, struct journal *journal,
                                       const struct ledger_limits *limits, int64_t rest_ns);
/* It is not taken. NULL is none. */
void past_ledger_destroy(struct past_ledger *past);

/*
 * The ledger with all that was recorded by at_us, up to the event last_seq, which is durable. It is the caller's to
 * read until past_ledger_give. AGAIN when stop became true (may be NULL); what was replayed is kept. MEMORY; FULL when
 * a limit of the tables is too low; NOT_FOUND when the journal's beginning is gone, and every checkpoint is newer; else as
 * journal_replay_until. Nothing is taken then.
 */
MUST_USE enum status past_ledger_take(struct past_ledger *past, int64_t at_us, uint64_t last_seq,
                                      const atomic_bool *stop, const struct ledger **out_ledger);
void past_ledger_give(struct past_ledger *past);

#endif
