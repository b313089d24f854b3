/* The offline check is recovery without the writing part: one piece of code decides what a good journal is. */
#include "journal/journal.h"

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
