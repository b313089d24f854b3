/*
 * Checkpoints: they are made between the commands, a step at a time, and a start begins with the newest one that is sound. The
 * judge goes by the files: what has its name is whole, unless it was damaged here.
 */
#include "sim_run.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "engine/checkpointer.h"
#include "journal/checkpoint.h"
#include "journal/resume.h"

/* ---- those that are there ---- */

static bool is_damaged(uint64_t seq)
{
    for (uint32_t i = 0; i < sr.damaged_count; i++)
        if (sr.damaged[i] == seq)
            return true;
    return false;
}

static void damaged_set(uint64_t seq, bool damaged)
{
    for (uint32_t i = 0; i < sr.damaged_count; i++)
        if (sr.damaged[i] == seq)
            sr.damaged[i--] = sr.damaged[--sr.damaged_count];
    if (sr.damaged_count == sizeof(sr.damaged) / sizeof(sr.damaged[0]))
        violation("more damaged checkpoints than there is room for");
    if (damaged)
        sr.damaged[sr.damaged_count++] = seq;
}

/* The newest one below this event that a start can begin with, or any. 0 for none. */
static uint64_t newest(uint64_t below, bool any)
{
    uint64_t oldest = retention_oldest(); /* what is behind an older one is gone: a crash has left it */
    uint64_t found = 0, seq;
    for (const char *name = NULL; (name = sim_file_next(&sr.sim, name)) != NULL;)
        if (checkpoint_name_parse(name, &seq) && seq < below && (any || (!is_damaged(seq) && seq >= oldest)))
            found = seq; /* they come by name */
    return found;
}

uint64_t checkpoint_newest(void)
{
    return newest(UINT64_MAX, false);
}

static unsigned checkpoint_count(void)
{
    unsigned count = 0;
    for (uint64_t seq = UINT64_MAX; (seq = newest(seq, true)) != 0;)
        count++;
    return count;
}

void checkpoint_judge_start(const struct journal_report *report, bool faults)
{
    uint64_t sound = checkpoint_newest(), there = newest(UINT64_MAX, true);
    trace("start from the checkpoint of event %" PRIu64 ", the newest is of %" PRIu64 ", oldest event %" PRIu64,
          report->checkpoint_seq, there, report->oldest_seq);
    if (there < sr.checkpoint_seq)
        violation("the checkpoint of event %" PRIu64 " was made, and the newest there is that of %" PRIu64,
                  sr.checkpoint_seq, there);
    bool passed_over = faults && report->checkpoint_problem[0] != '\0' && report->checkpoint_seq < sound; /* it was not read */
    if (report->checkpoint_seq != sound && !passed_over)
        violation("a start began with the checkpoint of event %" PRIu64 ", the newest that is sound is that of %" PRIu64
                  ": %s", report->checkpoint_seq, sound, report->checkpoint_problem);
    if (!passed_over && (there != sound) != (report->checkpoint_problem[0] != '\0'))
        violation("the newest checkpoint is %s, and the start says: %s", there == sound ? "sound" : "damaged",
                  report->checkpoint_problem);
    paths[PATH_CHECKPOINT_START] += sound != 0;
    paths[PATH_CHECKPOINT_OLDER] += sound != 0 && there != sound;
    paths[PATH_CHECKPOINT_NONE] += sound == 0 && there != 0;
}

/* ---- making them ---- */

static void on_made(void *argument, uint64_t last_seq, uint64_t bytes, int64_t took_ns)
{
    (void)argument;
    trace("checkpoint of event %" PRIu64 ", %" PRIu64 " bytes, in %.3f s", last_seq, bytes, (double)took_ns / 1e9);
    damaged_set(last_seq, false);
    sr.checkpoint_seq = last_seq;
    paths[PATH_CHECKPOINT_MADE]++;
    unsigned count = checkpoint_count();
    paths[PATH_CHECKPOINT_DROPPED] += !sr.sim.dead && count == sr.checkpoint_count && count == CHECKPOINT_KEPT;
    if (count > CHECKPOINT_KEPT && !sr.sim.dead && !sr.has[FAULT_NAMES] && !sr.has[FAULT_READS])
        violation("%u checkpoints are kept", count);
    sr.checkpoint_count = count;
    digest(last_seq ^ bytes << 32);
}

static void on_not_made(void *argument, enum status status, const char *problem)
{
    (void)argument;
    trace("no checkpoint: %s", problem);
    if (sr.sim.dead)
        return;
    if (status != STATUS_IO && status != STATUS_MEMORY && status != STATUS_NO_SPACE &&
        !(status == STATUS_DAMAGED && sr.sim.stray_count > 0))
        violation("a checkpoint could not be made: %s: %s", status_text(status), problem);
    paths[PATH_CHECKPOINT_FAILED]++;
}

void checkpoints_begin(const struct journal_report *report)
{
    sr.checkpointer = NULL;
    if (sr.checkpoint_every == 0)
        return;
    marker_init(&sr.marker);
    const struct checkpointer_options options = {.env = &sr.sim.env,
                                                 .journal = sr.journal,
                                                 .marker = &sr.marker,
                                                 .limits = play_limits,
                                                 .every_bytes = sr.checkpoint_every,
                                                 .behind_bytes = report->bytes_read,
                                                 .slice_events = sr.checkpoint_slice,
                                                 .retainer = retention_retainer(),
                                                 .made = on_made,
                                                 .failed = on_not_made};
    sr.checkpointer = checkpointer_create(&options);
    if (sr.checkpointer == NULL)
        exit(2);
    sr.checkpoint_count = checkpoint_count();
    sr.checkpoint_ns = 0;
}

void checkpoints_turn(void)
{
    if (sr.checkpointer == NULL || sr.sim.now_ns < sr.checkpoint_ns || !plan_one_in(sr.checkpoint_one_in))
        return;
    bool makes = sim_has(&sr.sim, CHECKPOINT_NEXT_NAME);
    bool retains = makes && retention_retainer() != NULL; /* behind it */
    if (retains && !retention_ready())
        return;
    int64_t rest_ns = checkpointer_step(sr.checkpointer);
    if (retains)
        retention_judge();
    sr.checkpoint_ns = sr.sim.now_ns + rest_ns;
    paths[PATH_CHECKPOINT_CUT] += sr.sim.dead && (makes || sim_has(&sr.sim, CHECKPOINT_NEXT_NAME));
}

void checkpoints_end(void)
{
    if (sr.checkpointer == NULL)
        return;
    checkpointer_destroy(sr.checkpointer);
    marker_deinit(&sr.marker);
    sr.checkpointer = NULL;
}

/* ---- rot ---- */

#define BYTES_MAX  (1 << 20)
#define HEAD_BYTES 512 /* of the file; and of a block, with its checksum in the last four (docs/format.md) */
#define BLOCK_HEAD 24

/* Changes some of a file: a bit, a sector, what lies elsewhere in it, or all from some place on. */
static void damage(uint8_t *bytes, size_t n)
{
    size_t at = (size_t)plan(n);
    size_t sector = at / SIM_SECTOR_BYTES * SIM_SECTOR_BYTES;
    size_t part = n - sector < SIM_SECTOR_BYTES ? n - sector : SIM_SECTOR_BYTES;
    switch (plan(5)) {
    case 0:
        memset(bytes + sector, 0, part);
        break;
    case 1:
        memset(bytes + sector, 0, n - sector); /* torn */
        break;
    case 2:
        memmove(bytes + sector, bytes + plan(n / SIM_SECTOR_BYTES + 1) * SIM_SECTOR_BYTES % (n - part + 1), part);
        break;
    case 3:
        for (size_t i = sector; i < sector + part; i++)
            bytes[i] = (uint8_t)prng_next(&sr.plan);
        break;
    default:
        bytes[at] ^= (uint8_t)(1u << plan(8));
    }
}

/* Changes a bit of the image as if before its checksum was made: wrong memory. False when the file has none. */
static bool image_change(uint8_t *bytes, size_t n)
{
    size_t places[64], count = 0;
    for (size_t at = HEAD_BYTES; at + BLOCK_HEAD < n && count < sizeof(places) / sizeof(places[0]);
         at += BLOCK_HEAD + get_u32(bytes + at))
        if (bytes[at + 4] == CHECKPOINT_IMAGE)
            places[count++] = at;
    if (count == 0)
        return false;
    uint8_t *block = bytes + places[plan_one_in(2) ? 0 : plan(count)]; /* the first has what the ledger is as a whole */
    size_t of = get_u32(block);
    block[BLOCK_HEAD + plan(of)] ^= (uint8_t)(1u << plan(8));
    put_u32(block + BLOCK_HEAD - 4, crc32c(crc32c(0, block, BLOCK_HEAD - 4), block + BLOCK_HEAD, of));
    return true;
}

/* The image of a checkpoint makes the ledger that it says, or none. */
static void image_look(uint64_t seq)
{
    const struct env *env = &sr.sim.env;
    struct env_directory *directory = NULL;
    struct checkpoint checkpoint;
    struct rebuild rebuild;
    char problem[512];
    enum status status = env->directory_open(env->context, "data", false, false, &directory);
    if (status != STATUS_OK || rebuild_init(&rebuild, env, &play_limits) != STATUS_OK)
        violation("the directory cannot be looked at: %s", status_text(status));
    const struct journal_replay replay = rebuild_replay(&rebuild);
    status = resume_read(env, directory, seq, &replay, NULL, &checkpoint, problem, sizeof(problem));
    if (status == STATUS_OK && ledger_state_hash(rebuild.ledger) != checkpoint.state_hash)
        violation("the checkpoint of event %" PRIu64 " makes another ledger than it says", seq);
    if (status != STATUS_OK && status != STATUS_DAMAGED && status != STATUS_FULL)
        violation("the checkpoint of event %" PRIu64 " is wrong: %s", seq, status_text(status));
    paths[PATH_IMAGE_REFUSED] += status != STATUS_OK;
    rebuild_deinit(&rebuild);
    env->directory_close(env->context, directory);
}

void checkpoint_rot(void)
{
    static uint8_t before[BYTES_MAX], after[BYTES_MAX];
    char name[CHECKPOINT_NAME_BYTES];
    uint64_t seq = newest(UINT64_MAX, true);
    if (seq != 0 && plan_one_in(4) && newest(seq, true) != 0)
        seq = newest(seq, true);
    if (seq == 0 || is_damaged(seq))
        return;
    checkpoint_name(seq, name);
    uint64_t n = sim_file_bytes(&sr.sim, name);
    if (n == 0 || n > sizeof(before))
        violation("%s has %" PRIu64 " bytes", name, n);
    sim_peek(&sr.sim, name, 0, before, (size_t)n);
    memcpy(after, before, (size_t)n);
    struct quiet quiet = quiet_begin();
    if (plan_one_in(3) && image_change(after, (size_t)n)) {
        sim_poke(&sr.sim, name, 0, after, (size_t)n);
        image_look(seq);
        sim_poke(&sr.sim, name, 0, before, (size_t)n);
        quiet_end(&quiet);
        return;
    }
    memcpy(after, before, (size_t)n);
    damage(after, (size_t)n);
    if (memcmp(before, after, (size_t)n) == 0) {
        quiet_end(&quiet);
        return;
    }
    struct journal_report report;
    uint64_t hash, hash_before;
    enum status status = start_look(&report, &hash_before);
    if (status != STATUS_OK)
        violation("a sound journal is refused: %s: %s", status_text(status), report.problem);
    sim_poke(&sr.sim, name, 0, after, (size_t)n);
    damaged_set(seq, true);
    status = start_look(&report, &hash);
    bool needed = retention_oldest() != 1 && checkpoint_newest() == 0; /* nothing else has what was dropped */
    if (status != STATUS_OK && !(needed && status == STATUS_DAMAGED && report.problem[0] != '\0'))
        violation("a damaged checkpoint stops a start: %s: %s", status_text(status), report.problem);
    if (status == STATUS_OK)
        checkpoint_judge_start(&report, false);
    if (status == STATUS_OK && hash != hash_before)
        violation("behind a damaged checkpoint a start makes another state");
    paths[PATH_CHECKPOINT_PASSED] += status == STATUS_OK && seq > report.checkpoint_seq;
    paths[PATH_DROP_REFUSED] += status != STATUS_OK;
    if (needed || !plan_one_in(3)) { /* else it stays so */
        sim_poke(&sr.sim, name, 0, before, (size_t)n);
        damaged_set(seq, false);
    }
    quiet_end(&quiet);
}
