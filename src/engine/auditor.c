#include "engine/auditor.h"

#include <inttypes.h>
#include <stdio.h>

/* Entries a step: 32 cells take 8 us and 128 take 30 us when nothing of them is in a cache. */
#define STEP_BUSY 32
#define STEP_IDLE 128

#define SECOND_NS (INT64_C(1000) * 1000 * 1000)

static int64_t now_ns(const struct auditor *auditor)
{
    return auditor->env->monotonic_ns(auditor->env->context);
}

void auditor_init(struct auditor *auditor, const struct env *env, struct shard *shard, uint32_t rate, int64_t pass_ns)
{
    *auditor = (struct auditor){.env = env, .shard = shard, .rate = rate, .pass_ns = pass_ns};
    auditor->due_ns = auditor->began_ns = now_ns(auditor);
    atomic_init(&auditor->told_done_ns, -1);
}

/* Says it in words, once. */
static void describe(struct auditor *auditor)
{
    const struct finding *finding = &auditor->finding;
    char figures[80] = "";
    if (finding->expected != finding->found)
        snprintf(figures, sizeof(figures), " (expected %" PRId64 ", found %" PRId64 " base units)", finding->expected,
                 finding->found);
    snprintf(auditor->problem, sizeof(auditor->problem),
             "the audit found a contradiction in memory: of %s %" PRIu32 "%s%.*s%s%.*s%s%.*s, against %s: %s%s. Nothing "
             "more is taken in, reads are answered. Copy the data directory, run onhand verify on the copy: when it "
             "says ok, start again, else restore",
             finding->table, finding->entry, text_present(finding->item) ? ", item " : "", (int)finding->item.length,
             finding->item.bytes, text_present(finding->location) ? ", location " : "", (int)finding->location.length,
             finding->location.bytes,
             text_present(finding->name) ? ", " : "", (int)finding->name.length, finding->name.bytes,
             invariant_name(finding->invariant), finding->what, figures);
}

static void store(atomic_uint_fast64_t *to, uint64_t number)
{
    atomic_store_explicit(to, number, memory_order_relaxed);
}

/* A pass is complete. */
static void tell_pass(struct auditor *auditor, const struct audit_view *view, int64_t at_ns)
{
    for (unsigned i = 0; i < INVARIANT_COUNT; i++)
        store(&auditor->told_checked[i], view->checked[i]);
    atomic_store(&auditor->told_pass_ns, at_ns - auditor->began_ns);
    atomic_store(&auditor->told_done_ns, at_ns);
    store(&auditor->told_passes, view->passes);
}

bool auditor_step(struct auditor *auditor, bool busy)
{
    struct audit_view view;
    int64_t begin_ns = now_ns(auditor);
    if (auditor->rate == 0 || begin_ns < auditor->due_ns)
        return true;
    if (!atomic_load_explicit(&auditor->in_pass, memory_order_relaxed))
        auditor->began_ns = begin_ns;
    bool right = shard_audit(auditor->shard, busy ? STEP_BUSY : STEP_IDLE);
    ledger_audit_look(shard_ledger(auditor->shard), &view);
    uint64_t entries = view.entries - auditor->entries_seen;
    auditor->entries_seen = view.entries;
    store(&auditor->told_entries, view.entries);
    atomic_store(&auditor->in_pass, view.in_pass);
    auditor->due_ns = begin_ns + (int64_t)entries * SECOND_NS / auditor->rate;
    if (view.passes != auditor->passes) {
        auditor->passes = view.passes;
        tell_pass(auditor, &view, now_ns(auditor));
        auditor->due_ns = max_i64(auditor->due_ns, auditor->began_ns + auditor->pass_ns);
    }
    if (!right) {
        auditor->finding = view.finding;
        describe(auditor);
        atomic_store(&auditor->found, true);
    }
    return right;
}

int64_t auditor_wait_ns(const struct auditor *auditor, int64_t most_ns)
{
    if (auditor->rate == 0)
        return most_ns;
    return min_i64(most_ns, max_i64(0, auditor->due_ns - now_ns(auditor)));
}

void auditor_look(const struct auditor *auditor, struct audit_report *out_report)
{
    *out_report = (struct audit_report){
        .state = auditor->rate == 0                ? AUDITOR_OFF
                 : atomic_load(&auditor->found)   ? AUDITOR_FAILED
                 : atomic_load(&auditor->in_pass) ? AUDITOR_RUNNING
                                                  : AUDITOR_RESTING,
        .passes = atomic_load(&auditor->told_passes),
        .entries = atomic_load(&auditor->told_entries),
        .pass_ns = -1,
        .age_ns = -1,
    };
    for (unsigned i = 0; i < INVARIANT_COUNT; i++)
        out_report->checked[i] = atomic_load(&auditor->told_checked[i]);
    int64_t done_ns = atomic_load(&auditor->told_done_ns);
    if (done_ns >= 0) {
        out_report->pass_ns = atomic_load(&auditor->told_pass_ns);
        out_report->age_ns = max_i64(0, now_ns(auditor) - done_ns);
    }
    if (out_report->state == AUDITOR_FAILED)
        out_report->finding = auditor->finding;
}

const char *auditor_problem(const struct auditor *auditor)
{
    return atomic_load(&auditor->found) ? auditor->problem : NULL;
}
