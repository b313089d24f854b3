#include "engine/rebuild.h"

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

void rebuild_begin(struct rebuild *rebuild, const struct genesis *genesis)
{
    const struct siphash_key key = {genesis->key[0], genesis->key[1]};
    rebuild->ledger = ledger_init(&rebuild->region, &rebuild->limits, &key);
}

bool rebuild_apply(struct rebuild *rebuild, const struct decision *decision)
{
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
