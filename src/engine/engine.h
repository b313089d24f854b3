/*
 * The engine: one thread that takes batches in order, has the shard judge them, makes what was decided durable in groups,
 * and only then gives the batches back and wakes the feed.
 *
 *     sequencer -> shard (decide, append) -> journal flush -> batches back, listeners woken
 *
 * Groups form without a timer: what has gathered while the last flush ran is the next group. A small group is written
 * by this thread; a large one by the journal's writer, while this thread fills the next (DESIGN section 3).
 *
 * Between groups the auditor looks for contradictions in the ledger. When it finds one nothing is decided any more: what
 * was decided is made durable, commands are answered ANSWER_RETRY with CODE_audit_failed, reads go on.
 *
 * A failed write or flush is final: waiting batches are answered ANSWER_UNKNOWN, later ones ANSWER_RETRY, `failed` is
 * called, and the process is expected to end and recover from disk.
 */
#ifndef ONHAND_ENGINE_ENGINE_H
#define ONHAND_ENGINE_ENGINE_H

#include "engine/auditor.h"
#include "engine/marker.h"
#include "engine/sequencer.h"
#include "engine/shard.h"

#define ENGINE_LISTENERS_MAX 64

enum engine_role {
    ROLE_PRIMARY, /* decides */
    ROLE_STANDBY, /* applies what another one decided (ACT_COPY); answers reads, sheds commands */
    ROLE_FENCED   /* another one decides: answers reads, sheds commands */
};

struct engine_listener {
    void (*wake)(void *argument); /* engine thread: something more is durable */
    void *argument;
};

struct engine_options {
    const struct env *env;
    struct shard *shard;          /* the engine's from now on, until engine_stop */
    struct sequencer sequencer;
    enum engine_role role;
    const char *refusal;          /* what commands are told while it is no primary; a text that stays */
    int64_t seal_after_ns;        /* a seal frame follows when nothing was written for so long */
    uint32_t audit_rate;          /* entries looked at a second, 0 for none */
    int64_t audit_pass_ns;        /* from the beginning of a pass to that of the next, at least */
    struct marker *marker;        /* is told where groups end; NULL for none. Borrowed */
    uint32_t listener_count;
    struct engine_listener listeners[ENGINE_LISTENERS_MAX];
    /* Engine thread: the journal failed; nothing more will be accepted. */
    void (*failed)(void *argument, enum status status);
    /* Engine thread: the audit found this, said in words that stay. */
    void (*audit_failed)(void *argument, const char *problem);
    /* Engine thread: what was copied cannot be applied, for this reason; nothing more will be. */
    void (*copy_failed)(void *argument, const char *problem);
    /* Engine thread: the standby is the primary from now on. */
    void (*promoted)(void *argument);
    void *failed_argument;
};

#define ENGINE_SEAL_AFTER_NS (INT64_C(50) * 1000 * 1000)

struct engine;

struct engine *engine_create(const struct engine_options *options); /* NULL: no memory */
void engine_destroy(struct engine *engine);
/* Runs until the sequencer ends, on the calling thread. What was handed out is durable or answered on return. */
void engine_run(struct engine *engine);
/* Runs it on a thread of its own. */
MUST_USE enum status engine_start(struct engine *engine);
/* Waits for that thread, after the sequencer was closed. */
void engine_join(struct engine *engine);
/* Any thread. */
enum engine_role engine_role(const struct engine *engine);
/* True after a failed write or flush. Any thread. */
bool engine_failed(const struct engine *engine);
/* For auditor_look and auditor_problem. Any thread. */
const struct auditor *engine_auditor(const struct engine *engine);

#endif
