#include "engine/standby.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/checked.h"

void standby_init(struct standby *standby, const struct env *env, const char *primary, int64_t as_of_us)
{
    *standby = (struct standby){.env = env, .as_of_us = as_of_us};
    (void)snprintf(standby->primary, sizeof(standby->primary), "%s", primary);
    (void)snprintf(standby->refusal, sizeof(standby->refusal),
                   "this server is a standby: send commands to %s, or promote this one", standby->primary);
    CHECK(pthread_mutex_init(&standby->lock, NULL) == 0);
}

void standby_deinit(struct standby *standby)
{
    CHECK(pthread_mutex_destroy(&standby->lock) == 0);
}

static void lock(struct standby *standby)
{
    CHECK(pthread_mutex_lock(&standby->lock) == 0);
}

static void unlock(struct standby *standby)
{
    CHECK(pthread_mutex_unlock(&standby->lock) == 0);
}

void standby_current(struct standby *standby, int64_t log_us, int64_t marked_us, uint64_t primary_seq)
{
    lock(standby);
    int64_t as_of_us = marked_us != 0 ? marked_us : max_i64(standby->as_of_us, log_us);
    standby->as_of_us = min_i64(as_of_us, standby->env->wall_us(standby->env->context));
    if (primary_seq > standby->report.primary_seq)
        standby->report.primary_seq = primary_seq;
    unlock(standby);
}

void standby_state(struct standby *standby, bool following, bool gave_up, const char *problem)
{
    lock(standby);
    standby->report.following = following;
    standby->report.gave_up = gave_up;
    (void)snprintf(standby->report.problem, sizeof(standby->report.problem), "%s", problem);
    unlock(standby);
}

bool standby_promotion(struct standby *standby, bool *out_fence)
{
    lock(standby);
    bool asked = standby->report.promotion == PROMOTION_ASKED;
    *out_fence = standby->fence;
    unlock(standby);
    return asked;
}

void standby_promoted(struct standby *standby, enum promotion promotion, bool fenced, uint64_t seq, const char *problem)
{
    lock(standby);
    standby->report.promotion = promotion;
    standby->report.fenced = fenced;
    standby->report.seq = seq;
    (void)snprintf(standby->report.promotion_problem, sizeof(standby->report.promotion_problem), "%s", problem);
    unlock(standby);
}

void standby_look(struct standby *standby, struct standby_report *out_report)
{
    lock(standby);
    *out_report = standby->report;
    out_report->as_of_us = standby->as_of_us;
    unlock(standby);
    out_report->lag_us = max_i64(0, standby->env->wall_us(standby->env->context) - out_report->as_of_us);
}

bool standby_pursues(struct standby *standby)
{
    lock(standby);
    bool pursues = standby->report.promotion == PROMOTION_DONE && standby->fence;
    unlock(standby);
    return pursues;
}

void standby_promote(struct standby *standby, bool fence)
{
    lock(standby);
    if (standby->report.promotion == PROMOTION_NONE || standby->report.promotion == PROMOTION_FAILED) {
        standby->report.promotion = PROMOTION_ASKED;
        standby->fence = fence;
    }
    unlock(standby);
}
