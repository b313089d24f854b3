#include "engine/checkpoint_check.h"

#include <inttypes.h>
#include <stdio.h>

#include "journal/frame.h"
#include "journal/index.h"
#include "journal/resume.h"
#include "journal/segment.h"

#define REMEDY     "Delete it: a start takes an older one, or all of the journal"

#define JUDGE(checked, judgement, ...)                                                                                 \
    do {                                                                                                               \
        (void)snprintf((checked)->problem, sizeof((checked)->problem), __VA_ARGS__);                                   \
        (checked)->verdict = (judgement);                                                                              \
    } while (0)
#define WRONG(checked, ...) JUDGE(checked, CHECKPOINT_WRONG, __VA_ARGS__)

const char *checkpoint_verdict_name(enum checkpoint_verdict verdict)
{
    static const char *const names[] = {[CHECKPOINT_UNMET] = "unmet",
                                        [CHECKPOINT_RIGHT] = "right",
                                        [CHECKPOINT_SOUND] = "sound",
                                        [CHECKPOINT_OTHER_VERSION] = "other_version",
                                        [CHECKPOINT_WRONG] = "wrong"};
    return names[verdict];
}

/* ---- in itself ---- */

static void judge(struct checkpoint_checked *checked, struct rebuild *rebuild)
{
    char finding[384];
    const struct ledger *ledger = rebuild->ledger;
    if (!rebuild_audit(rebuild, finding, sizeof(finding)))
        WRONG(checked, "it makes a ledger that contradicts itself: %s. " REMEDY, finding);
    else if (ledger_last_seq(ledger) != checked->head.last_seq || ledger_now_us(ledger) != checked->head.log_us)
        WRONG(checked, "it makes a ledger of event %" PRIu64 ", and says %" PRIu64 ", or of another time. " REMEDY,
              ledger_last_seq(ledger), checked->head.last_seq);
}

/* OK also when it is wrong, which it says then. NOT_FOUND: a server made newer ones, and removed it. */
static enum status read_one(struct checkpoint_checked *checked, const struct env *env, struct env_directory *directory,
                            uint64_t last_seq, const struct ledger_limits *limits)
{
    struct rebuild rebuild;
    struct index index;
    char problem[384] = "";
    checkpoint_name(last_seq, checked->name);
    enum status status = rebuild_init(&rebuild, env, limits);
    if (status != STATUS_OK)
        return status;
    status = index_init(&index, env, INDEX_PLACES_MAX);
    if (status == STATUS_OK) {
        const struct journal_replay replay = rebuild_replay(&rebuild);
        status = resume_read(env, directory, last_seq, &replay, &index, &checked->head, problem, sizeof(problem));
        index_deinit(&index);
    }
    if (status == STATUS_OK) {
        judge(checked, &rebuild);
    } else if (status == STATUS_VERSION || status == STATUS_FULL) {
        JUDGE(checked, CHECKPOINT_OTHER_VERSION, "it is of another version, and a start of this one passes it over");
    } else if (status != STATUS_MEMORY && status != STATUS_NOT_FOUND) {
        WRONG(checked, "%s. " REMEDY, problem);
    }
    rebuild_deinit(&rebuild);
    return status == STATUS_MEMORY || status == STATUS_NOT_FOUND ? status : STATUS_OK;
}

enum status checkpoint_check_read(struct checkpoint_check *check, const struct env *env, struct env_directory *directory,
                                  const struct ledger_limits *limits)
{
    uint64_t seqs[CHECKPOINTS_CHECKED_MAX];
    size_t count = 0;
    *check = (struct checkpoint_check){0};
    enum status status = checkpoint_list(env, directory, seqs, CHECKPOINTS_CHECKED_MAX, &count);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = read_one(&check->list[check->count], env, directory, seqs[i], limits);
        check->count += status == STATUS_OK;
        status = status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    return status;
}

/* ---- against the journal ---- */

static void meet(struct checkpoint_checked *checked, const struct journal_met *met, const struct ledger *ledger)
{
    const struct checkpoint *head = &checked->head;
    if (met->segment->first_seq != head->segment_seq || met->offset != head->frame_offset ||
             met->offset + met->frame->frame_bytes != head->offset || met->frame->chain != head->chain ||
             met->frame->last_seq != head->last_seq)
        WRONG(checked, "it ends with frame %" PRIu64 ", which is another one here: at %s, offset %" PRIu64 ", with last event %" PRIu64
                       ". " REMEDY, head->ordinal, met->name, met->offset, met->frame->last_seq);
    else if (ledger_last_seq(ledger) > head->last_seq)
        checked->verdict = CHECKPOINT_SOUND; /* the replay began behind it */
    else if (ledger_state_hash(ledger) != head->state_hash || ledger_now_us(ledger) != head->log_us)
        WRONG(checked, "it has state hash %016" PRIx64 " at event %" PRIu64 ", where the journal makes %016" PRIx64 ": it is false. "
                       REMEDY, head->state_hash, head->last_seq, ledger_state_hash(ledger));
    else
        checked->verdict = CHECKPOINT_RIGHT;
}

void checkpoint_check_meet(struct checkpoint_check *check, const struct journal_met *met, const struct ledger *ledger)
{
    for (size_t i = 0; i < check->count; i++)
        if (check->list[i].verdict == CHECKPOINT_UNMET && check->list[i].head.ordinal == met->frame->ordinal &&
            memcmp(check->list[i].head.genesis.ledger_id, met->segment->ledger_id, 16) == 0)
            meet(&check->list[i], met, ledger);
}

size_t checkpoint_check_end(struct checkpoint_check *check, const struct journal_report *report, uint64_t until_ordinal)
{
    size_t count = 0;
    for (size_t i = 0; i < check->count; i++) {
        struct checkpoint_checked *checked = &check->list[i];
        if (checked->verdict == CHECKPOINT_UNMET && memcmp(checked->head.genesis.ledger_id, report->ledger_id, 16) != 0)
            WRONG(checked, "it is of another ledger. Move it out of the data directory");
        else if (checked->verdict == CHECKPOINT_UNMET && checked->head.last_seq < report->oldest_seq)
            checked->verdict = CHECKPOINT_SOUND; /* the frame it ends with was dropped, too */
        else if (checked->verdict == CHECKPOINT_UNMET && checked->head.ordinal <= until_ordinal)
            WRONG(checked, "it says that frame %" PRIu64 " (up to event %" PRIu64 ") was durable, which is not there: the journal has lost "
                           "its end, or the file is of another directory. Look for the lost files, or restore a backup; when "
                           "nothing is lost, delete it",
                  checked->head.ordinal, checked->head.last_seq);
        if (checked->verdict == CHECKPOINT_RIGHT && checked->head.last_seq == report->checkpoint_seq)
            checked->verdict = CHECKPOINT_SOUND; /* the replay began with it */
        count += checked->verdict == CHECKPOINT_WRONG;
    }
    return count;
}
