/* The check, offline or of a journal that is open, is recovery without the writing part: one piece of code decides what a good journal
 * is. */
#include "journal/frame.h"
#include "journal/recovery.h"

enum status journal_verify(const struct env *env, const char *path, const struct journal_replay *replay,
                           struct journal_report *out_report)
{
    return journal_walk(env, path, replay, NULL, out_report);
}

enum status journal_walk(const struct env *env, const char *path, const struct journal_replay *replay,
                         const struct journal_frames *frames, struct journal_report *out_report)
{
    struct journal_options options = {.env = env, .path = path, .read_only = true, .frames = frames};
    struct journal *journal = NULL;
    enum status status = journal_open(&options, replay, &journal, out_report);
    if (status == STATUS_OK)
        journal_close(journal);
    return status;
}

enum status journal_reread(struct journal *journal, const struct journal_replay *replay, const struct journal_frames *frames,
                           struct journal_progress *progress, struct journal_report *out_report)
{
    struct recovery_end end;
    *out_report = (struct journal_report){0};
    CHECK(frames->until_ordinal != 0 && frames->until_ordinal <= journal_durable_ordinal(journal));
    return recovery_run(journal_env(journal), journal_directory(journal), replay, frames, progress, NULL, &end, out_report);
}
