/*
 * Retention: old segments are dropped between the commands. What was dropped is gone for readers, and for nobody else: all was judged
 * before, and a start has the same state as before.
 */
#include "sim_run.h"

#include "engine/retainer.h"
#include "journal/beginning.h"
#include "journal/segment.h"

uint64_t retention_oldest(void)
{
    uint8_t bytes[BEGINNING_BYTES];
    struct beginning beginning;
    if (sim_file_bytes(&sr.sim, BEGINNING_NAME) != 2 * sizeof(bytes))
        return SEGMENT_FIRST_SEQ;
    sim_peek(&sr.sim, BEGINNING_NAME, 0, bytes, sizeof(bytes));
    return beginning_parse(bytes, &beginning) ? beginning.first_seq : SEGMENT_FIRST_SEQ;
}

bool retention_ready(void)
{
    if (sr.sim.stray_count > 0 || sr.sim.dead)
        return false;
    feed_read();
    judge_all();
    return !sr.sim.dead && sr.feed_seq == journal_durable_seq(sr.journal); /* else a read failed */
}

void retention_judge(void)
{
    uint64_t oldest = journal_oldest_seq(sr.journal);
    if (oldest < sr.oldest_seq)
        violation("the oldest event kept was %" PRIu64 " and is %" PRIu64, sr.oldest_seq, oldest);
    paths[PATH_DROPPED] += oldest != sr.oldest_seq;
    paths[PATH_DROP_CUT] += sr.sim.dead && (oldest != sr.oldest_seq || sim_has(&sr.sim, BEGINNING_NEW_NAME));
    sr.oldest_seq = oldest;
}

static void on_not_retained(void *context, const char *problem)
{
    (void)context;
    trace("nothing is dropped: %s", problem);
    paths[PATH_DROP_FAILED] += !sr.sim.dead;
}

const struct retainer *retention_retainer(void)
{
    static struct retainer retainer;
    retainer = (struct retainer){.keep_us = INT64_MAX, .most_bytes = sr.keep_bytes, .failed = on_not_retained};
    return sr.keep_bytes != 0 && sr.keeps_ids ? &retainer : NULL;
}

void retention_turn(void)
{
    if (sr.keep_bytes == 0 || sr.keeps_ids || !plan_one_in(40) || !retention_ready())
        return;
    const struct journal_retention wanted = {
        .before_us = INT64_MIN, .most_bytes = sr.keep_bytes, .horizon_us = INT64_MAX, .needed_seq = UINT64_MAX};
    struct journal_retained retained;
    char problem[512] = "";
    enum status status = journal_retain(sr.journal, &wanted, &retained, problem, sizeof(problem));
    retention_judge();
    if (status == STATUS_OK || sr.sim.dead)
        return;
    on_not_retained(NULL, problem);
    if (status != STATUS_IO && status != STATUS_MEMORY && status != STATUS_NO_SPACE &&
        !(status == STATUS_DAMAGED && sr.damaged_count > 0))
        violation("old segments cannot be dropped: %s: %s", status_text(status), problem);
    if (problem[0] == '\0')
        violation("old segments cannot be dropped, and nothing says why");
}

void retention_judge_start(const struct journal_report *report)
{
    if (report->oldest_seq < sr.oldest_seq)
        violation("the journal began with event %" PRIu64 ", and a start begins with %" PRIu64, sr.oldest_seq,
                  report->oldest_seq);
    sr.oldest_seq = report->oldest_seq;
    paths[PATH_DROP_START] += report->oldest_seq > SEGMENT_FIRST_SEQ;
    for (const char *name = NULL; (name = sim_file_next(&sr.sim, name)) != NULL;) {
        uint64_t seq;
        if (strlen(name) == SEGMENT_NAME_BYTES - 1 && segment_name_parse(name, &seq) && seq < report->oldest_seq &&
            !sr.has[FAULT_NAMES] && !sr.has[FAULT_READS])
            violation("%s is left, and the oldest event kept is %" PRIu64, name, report->oldest_seq);
    }
}

void beginning_rot(void)
{
    uint8_t before[2 * BEGINNING_BYTES], after[2 * BEGINNING_BYTES];
    if (sim_file_bytes(&sr.sim, BEGINNING_NAME) != sizeof(before))
        return;
    struct quiet quiet = quiet_begin();
    sim_peek(&sr.sim, BEGINNING_NAME, 0, before, sizeof(before));
    memcpy(after, before, sizeof(after));
    bool both = plan_one_in(4);
    size_t at = plan(2) * BEGINNING_BYTES;
    if (plan_one_in(2))
        memset(after + at, 0, BEGINNING_BYTES);
    else
        after[at + plan(64)] ^= (uint8_t)(1u << plan(8));
    if (both)
        memset(after + BEGINNING_BYTES - at, 0, BEGINNING_BYTES);
    struct journal_report report;
    uint64_t hash_before = 0, hash = 0;
    if (start_look(&report, &hash_before) != STATUS_OK)
        violation("a sound journal is refused: %s", report.problem);
    sim_poke(&sr.sim, BEGINNING_NAME, 0, after, sizeof(after));
    enum status status = start_look(&report, &hash);
    if (both ? status != STATUS_DAMAGED || report.problem[0] == '\0' : status != STATUS_OK || hash != hash_before)
        violation("%s of the records in " BEGINNING_NAME " is damaged, and a start says: %s: %s", both ? "each" : "one",
                  status_text(status), report.problem);
    paths[both ? PATH_BEGINNING_REFUSED : PATH_BEGINNING_ONE]++;
    sim_poke(&sr.sim, BEGINNING_NAME, 0, before, sizeof(before));
    quiet_end(&quiet);
}
