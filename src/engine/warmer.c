#include "engine/warmer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

/* How far ahead of its used part a table is warm. The fastest grows by some 60 MB/s: enough for 60 ms. */
#define AHEAD_BYTES ((uintptr_t)4 << 20)
/* One request to the system: a huge page. */
#define STEP_BYTES  ((uintptr_t)2 << 20)
/* Looks so often. */
#define REST_NS     (INT64_C(2) * 1000 * 1000)

struct warmer {
    const struct env *env;
    pthread_t thread;
    pthread_mutex_t mutex; /* of stopping */
    pthread_cond_t stopped;
    bool stopping;
    atomic_uintptr_t used[LEDGER_FRONTIERS]; /* first unused byte of each table */
    uintptr_t end[LEDGER_FRONTIERS];
    uintptr_t warm[LEDGER_FRONTIERS]; /* the thread's: warm up to here */
};

/* One step for one table; false when it is far enough ahead. */
static bool warm_step(struct warmer *warmer, uint32_t i)
{
    uintptr_t used = atomic_load_explicit(&warmer->used[i], memory_order_relaxed);
    if (warmer->warm[i] < used)
        warmer->warm[i] = used & ~(STEP_BYTES - 1);
    uintptr_t to = (warmer->warm[i] & ~(STEP_BYTES - 1)) + STEP_BYTES;
    if (warmer->warm[i] >= used + AHEAD_BYTES || to > warmer->end[i])
        return false;
    warmer->env->memory_warm(warmer->env->context, warmer->warm[i], to - warmer->warm[i]);
    warmer->warm[i] = to;
    return true;
}

/* Rests until it is time to look again; false when it is told to stop. */
static bool rest(struct warmer *warmer)
{
    int64_t until_ns = warmer->env->monotonic_ns(warmer->env->context) + REST_NS;
    const struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000), .tv_nsec = (long)(until_ns % 1000000000)};
    CHECK(pthread_mutex_lock(&warmer->mutex) == 0);
    int result = 0;
    while (!warmer->stopping && result == 0)
        result = pthread_cond_timedwait(&warmer->stopped, &warmer->mutex, &until);
    bool stopping = warmer->stopping;
    CHECK(pthread_mutex_unlock(&warmer->mutex) == 0);
    return !stopping;
}

static void *warmer_main(void *argument)
{
    struct warmer *warmer = argument;
    do {
        for (uint32_t i = 0; i < LEDGER_FRONTIERS; i++) {
            while (warm_step(warmer, i)) {
            }
        }
    } while (rest(warmer));
    return NULL;
}

void warmer_tell(struct warmer *warmer, const struct ledger *ledger)
{
    struct ledger_frontier frontiers[LEDGER_FRONTIERS];
    ledger_frontiers(ledger, frontiers);
    for (uint32_t i = 0; i < LEDGER_FRONTIERS; i++)
        atomic_store_explicit(&warmer->used[i], (uintptr_t)frontiers[i].used_end, memory_order_relaxed);
}

struct warmer *warmer_start(const struct env *env, const struct ledger *ledger)
{
    struct warmer *warmer = calloc(1, sizeof(*warmer));
    if (warmer == NULL)
        return NULL;
    struct ledger_frontier frontiers[LEDGER_FRONTIERS];
    ledger_frontiers(ledger, frontiers);
    warmer->env = env;
    for (uint32_t i = 0; i < LEDGER_FRONTIERS; i++)
        warmer->end[i] = (uintptr_t)frontiers[i].end;
    warmer_tell(warmer, ledger);
    pthread_condattr_t attributes;
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&warmer->stopped, &attributes) == 0);
    CHECK(pthread_condattr_destroy(&attributes) == 0);
    CHECK(pthread_mutex_init(&warmer->mutex, NULL) == 0);
    if (pthread_create(&warmer->thread, NULL, warmer_main, warmer) != 0) {
        free(warmer);
        return NULL;
    }
    return warmer;
}

void warmer_stop(struct warmer *warmer)
{
    if (warmer == NULL)
        return;
    CHECK(pthread_mutex_lock(&warmer->mutex) == 0);
    warmer->stopping = true;
    CHECK(pthread_mutex_unlock(&warmer->mutex) == 0);
    CHECK(pthread_cond_signal(&warmer->stopped) == 0);
    CHECK(pthread_join(warmer->thread, NULL) == 0);
    CHECK(pthread_cond_destroy(&warmer->stopped) == 0);
    CHECK(pthread_mutex_destroy(&warmer->mutex) == 0);
    free(warmer);
}
