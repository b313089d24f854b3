#include "engine/rebuild.h"

#include <stdio.h>

#include "journal/replay.h"
#include "ledger/image.h"

_Static_assert(REPLAY_AHEAD <= PREPARE_MAX, "a group is looked at as a whole");

#define AUDIT_STEP 4096 /* entries */

enum status rebuild_init(struct rebuild *rebuild, const struct env *env, const struct ledger_limits *limits)
{
    size_t bytes = ledger_bytes(limits);
    *rebuild = (struct rebuild){
        .env = env, .limits = *limits, .region = {env->memory_reserve(env->context, bytes), bytes, 0}};
    return rebuild->region.base != NULL ? STATUS_OK : STATUS_MEMORY;
}

void rebuild_deinit(struct rebuild *rebuild)
{
    if (rebuild->region.base != NULL)
        rebuild->env->memory_release(rebuild->env->context, rebuild->region.base, rebuild->region.capacity_bytes);
}

bool rebuild_begin(struct rebuild *rebuild, const struct genesis *genesis)
{
    const struct siphash_key key = {genesis->key[0], genesis->key[1]};
    if (rebuild->ledger != NULL) { /* a ledger begins in memory that is all 0 */
        struct ledger_limits limits = rebuild->limits;
        rebuild_deinit(rebuild);
        if (rebuild_init(rebuild, rebuild->env, &limits) != STATUS_OK)
            return false;
    }
    if (rebuild->region.base == NULL)
        return false; /* there was none when it was begun anew before */
    rebuild->ledger = ledger_init(&rebuild->region, &rebuild->limits, &key);
    return true;
}

enum status rebuild_image(struct rebuild *rebuild, const uint8_t *bytes, size_t n)
{
    return rebuild->ledger == NULL ? STATUS_MEMORY
                                   : ledger_image_read(rebuild->ledger, bytes, n, &rebuild->limit_too_low);
}

enum status rebuild_image_end(struct rebuild *rebuild, uint64_t state_hash)
{
    if (rebuild->ledger == NULL)
        return STATUS_MEMORY;
    enum status status = ledger_image_end(rebuild->ledger);
    if (status == STATUS_OK && ledger_state_hash(rebuild->ledger) != state_hash)
        status = STATUS_DAMAGED;
    return status;
}

void rebuild_prepare(const struct rebuild *rebuild, struct decision *decisions, uint32_t n)
{
    if (rebuild->ledger != NULL && rebuild->limit_too_low == NULL)
        ledger_prepare_replay(rebuild->ledger, decisions, n);
}

bool rebuild_apply(struct rebuild *rebuild, const struct decision *decision)
{
    if (rebuild->ledger == NULL)
        return false;
    if (rebuild->limit_too_low == NULL && decision->kind == KIND_SETTINGS &&
        decision->id_capacity > rebuild->limits.id_count_max)
        rebuild->limit_too_low = "the id capacity (a newer version wrote it)";
    if (rebuild->limit_too_low == NULL)
        rebuild->limit_too_low = ledger_overflow(rebuild->ledger, decision);
    if (rebuild->limit_too_low != NULL)
        return false;
    ledger_evolve(rebuild->ledger, decision);
    rebuild->decision_count++;
    return true;
}

bool rebuild_audit(struct rebuild *rebuild, char *out_finding, size_t n)
{
    struct audit_view view = {0};
    while (view.passes == 0 && !view.found) {
        (void)ledger_audit(rebuild->ledger, AUDIT_STEP);
        ledger_audit_look(rebuild->ledger, &view);
    }
    if (view.found)
        (void)snprintf(out_finding, n, "of %s %u, against %s: %s", view.finding.table, (unsigned)view.finding.entry,
                       invariant_name(view.finding.invariant), view.finding.what);
    return !view.found;
}

static void replay_genesis(void *context, const struct genesis *genesis)
{
    (void)rebuild_begin(context, genesis);
}

static void replay_prepare(void *context, struct decision *decisions, uint32_t n)
{
    rebuild_prepare(context, decisions, n);
}

static void replay_decision(void *context, const struct decision *decision)
{
    (void)rebuild_apply(context, decision); /* it remembers that it could not */
}

static enum status replay_image(void *context, const uint8_t *bytes, size_t n)
{
    return rebuild_image(context, bytes, n);
}

static enum status replay_image_end(void *context, uint64_t state_hash)
{
    return rebuild_image_end(context, state_hash);
}

struct journal_replay rebuild_replay(struct rebuild *rebuild)
{
    return (struct journal_replay){.context = rebuild,
                                   .genesis = replay_genesis,
                                   .decision = replay_decision,
                                   .prepare = replay_prepare,
                                   .image = replay_image,
                                   .image_end = replay_image_end,
                                   .image_layout = IMAGE_LAYOUT};
}

struct journal_replay rebuild_replay_whole(struct rebuild *rebuild)
{
    struct journal_replay replay = rebuild_replay(rebuild);
    replay.whole = true;
    return replay;
}
