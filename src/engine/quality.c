#include "engine/quality.h"

#include <stdatomic.h>
#include <stdlib.h>

struct source_quality {
    atomic_uint_fast64_t accepted, refused, invalid, replayed, contradictions, clock_skew;
    atomic_uint_fast64_t late[QUALITY_LATENESS_COUNT + 1], late_sum_us;
    atomic_int_fast64_t heard_us;
    atomic_uint_fast32_t drift;
    atomic_bool silent, gone;
};

struct quality {
    const struct env *env;
    struct source_quality *sources; /* QUALITY_SOURCES_MAX, as are these */
    struct histogram *lateness;     /* microseconds */
    size_t bytes;
    atomic_uint_fast32_t count;
};

struct quality *quality_create(const struct env *env)
{
    struct quality *quality = calloc(1, sizeof(*quality));
    if (quality == NULL)
        return NULL;
    quality->env = env;
    quality->bytes = QUALITY_SOURCES_MAX * sizeof(struct histogram);
    quality->sources = calloc(QUALITY_SOURCES_MAX, sizeof(*quality->sources));
    quality->lateness = env->memory_reserve(env->context, quality->bytes);
    if (quality->sources != NULL && quality->lateness != NULL)
        return quality;
    quality_destroy(quality);
    return NULL;
}

void quality_destroy(struct quality *quality)
{
    if (quality == NULL)
        return;
    if (quality->lateness != NULL)
        quality->env->memory_release(quality->env->context, quality->lateness, quality->bytes);
    free(quality->sources);
    free(quality);
}

/* ---- engine thread ---- */

/* One writer: a load and a store are cheaper than a locked addition. */
static void add(atomic_uint_fast64_t *counter, uint64_t more)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more, memory_order_relaxed);
}

/* The source's entry, and all before it are there from now on; NULL beyond the bound. */
static struct source_quality *find(struct quality *quality, uint32_t source)
{
    if (source >= QUALITY_SOURCES_MAX)
        return NULL;
    /* Whoever sees the count sees the names that came before it. */
    if (UNLIKELY(source >= atomic_load_explicit(&quality->count, memory_order_relaxed)))
        atomic_store_explicit(&quality->count, source + 1, memory_order_release);
    return &quality->sources[source];
}

/* What an event says of a source. */
static void follow_event(struct quality *quality, const struct event *event)
{
    bool config = event->type == EVENT_CONFIG && event->config_space == NAME_SOURCE;
    bool silence = event_of_silence(event);
    if (!config && !silence)
        return;
    struct source_quality *of = find(quality, config ? event->config_number : event->silent_source);
    if (of == NULL)
        return;
    if (silence)
        atomic_store_explicit(&of->silent, event->type == EVENT_SILENT, memory_order_relaxed);
    if (config && event->config_deleted)
        atomic_store_explicit(&of->gone, true, memory_order_relaxed);
}

void quality_follow(struct quality *quality, const struct decision *decision)
{
    struct source_quality *of = find(quality, decision->source);
    if (of != NULL)
        atomic_store_explicit(&of->heard_us, decision->recorded_at_us, memory_order_relaxed);
    if (LIKELY(decision->kind != KIND_SILENT && decision->kind != KIND_HEARD && decision->kind != KIND_PUT_SOURCE &&
               decision->kind != KIND_DELETE_SOURCE))
        return;
    for (uint32_t i = 0; i < decision->event_count; i++)
        follow_event(quality, &decision->events[i]);
}

static void count_lateness(struct quality *quality, struct source_quality *of, const struct decision *decision)
{
    static const int64_t bounds_us[QUALITY_LATENESS_COUNT] = {
#define X(seconds) INT64_C(1000000) * (seconds),
        QUALITY_LATENESS_MAP(X)
#undef X
    };
    int64_t late_us = decision->recorded_at_us - decision_occurred_us(decision);
    uint32_t bound = 0;
    while (bound < QUALITY_LATENESS_COUNT && late_us > bounds_us[bound])
        bound++;
    add(&of->late[bound], 1);
    add(&of->late_sum_us, (uint64_t)late_us);
    histogram_add(&quality->lateness[of - quality->sources], (uint64_t)late_us, 1);
}

void quality_decided(struct quality *quality, const struct decision *decision, bool timed)
{
    quality_follow(quality, decision);
    struct source_quality *of = find(quality, decision->source);
    if (of == NULL)
        return;
    if (UNLIKELY(timed))
        count_lateness(quality, of, decision);
    add(decision->events[0].type == EVENT_REFUSED ? &of->refused : &of->accepted, 1);
    if (UNLIKELY(decision->clock_skew))
        add(&of->clock_skew, 1);
    if (LIKELY(decision->event_count == 1))
        return;
    uint64_t contradictions = 0;
    for (uint32_t i = 0; i < decision->event_count; i++)
        contradictions +=
            decision->events[i].type == EVENT_DISCREPANCY || decision->events[i].type == EVENT_OVERSOLD;
    add(&of->contradictions, contradictions);
}

void quality_restore(struct quality *quality, const struct ledger *ledger, uint32_t source)
{
    struct source_quality *of = find(quality, source);
    if (of == NULL)
        return;
    const struct silence_view silence = ledger_silence(ledger, source);
    atomic_store_explicit(&of->heard_us, silence.heard_us, memory_order_relaxed);
    atomic_store_explicit(&of->silent, silence.since_us != 0, memory_order_relaxed);
    atomic_store_explicit(&of->gone, ledger_retired(ledger, NAME_SOURCE, source), memory_order_relaxed);
    atomic_store_explicit(&of->drift, ledger_drift(ledger, source), memory_order_relaxed);
}

void quality_drift(struct quality *quality, uint32_t source, uint32_t count)
{
    struct source_quality *of = find(quality, source);
    if (of != NULL)
        atomic_store_explicit(&of->drift, count, memory_order_relaxed);
}

void quality_replayed(struct quality *quality, uint32_t source)
{
    struct source_quality *of = find(quality, source);
    if (of != NULL)
        add(&of->replayed, 1);
}

void quality_invalid(struct quality *quality, uint32_t source)
{
    struct source_quality *of = find(quality, source);
    if (of != NULL)
        add(&of->invalid, 1);
}

bool quality_lateness(const struct quality *quality, uint32_t source, struct quality_lateness *out_lateness)
{
    if (source >= QUALITY_SOURCES_MAX)
        return false;
    const struct histogram *histogram = &quality->lateness[source];
    *out_lateness = (struct quality_lateness){
        .count = histogram->count,
        .p50_us = histogram_quantile(histogram, 500000),
        .p99_us = histogram_quantile(histogram, 990000),
        .max_us = histogram->max,
    };
    return true;
}

/* ---- any thread ---- */

uint32_t quality_count(const struct quality *quality)
{
    return (uint32_t)atomic_load_explicit(&quality->count, memory_order_acquire);
}

static uint64_t load(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

bool quality_counts(const struct quality *quality, uint32_t source, struct quality_counts *out_counts)
{
    if (source >= QUALITY_SOURCES_MAX)
        return false;
    const struct source_quality *of = &quality->sources[source];
    if (atomic_load_explicit(&of->gone, memory_order_relaxed))
        return false;
    *out_counts = (struct quality_counts){
        .accepted = load(&of->accepted),
        .refused = load(&of->refused),
        .invalid = load(&of->invalid),
        .replayed = load(&of->replayed),
        .contradictions = load(&of->contradictions),
        .clock_skew = load(&of->clock_skew),
        .heard_us = atomic_load_explicit(&of->heard_us, memory_order_relaxed),
        .silent = atomic_load_explicit(&of->silent, memory_order_relaxed),
        .drift = (uint32_t)atomic_load_explicit(&of->drift, memory_order_relaxed),
        .late_sum_us = load(&of->late_sum_us),
    };
    for (unsigned i = 0; i <= QUALITY_LATENESS_COUNT; i++)
        out_counts->late[i] = load(&of->late[i]);
    return true;
}
