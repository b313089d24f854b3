#include "engine/retainer.h"

struct archiving {
    const struct retainer *retainer;
    const atomic_bool *stop;
};

static bool archive(void *context, const char *name)
{
    const struct archiving *archiving = context;
    return archiving->retainer->archive(archiving->retainer->context, name, archiving->stop);
}

/* So long before now; the least there is when that is before all times. */
static int64_t ago(int64_t now_us, int64_t us)
{
    return us == INT64_MAX || now_us < us ? INT64_MIN : now_us - us;
}

void retainer_run(const struct retainer *retainer, struct journal *journal, const struct ledger *ledger,
                  const atomic_bool *stop)
{
    struct archiving archiving = {retainer, stop};
    int64_t now_us = ledger_now_us(ledger);
    const struct journal_retention wanted = {.before_us = ago(now_us, retainer->keep_us),
                                             .most_bytes = retainer->most_bytes,
                                             .horizon_us = min_i64(ago(now_us, retainer->history_us),
                                                                   ledger_books_needed_us(ledger)),
                                             .needed_seq = ledger_oldest_needed_seq(ledger),
                                             .archive = retainer->archive == NULL ? NULL : archive,
                                             .context = &archiving,
                                             .stop = stop};
    char problem[512];
    struct journal_retained retained;
    enum status status = journal_retain(journal, &wanted, &retained, problem, sizeof(problem));
    if (status == STATUS_AGAIN)
        return;
    if (status != STATUS_OK) {
        if (retainer->failed != NULL)
            retainer->failed(retainer->context, problem);
    } else if (retainer->retained != NULL && (retained.segments != 0 || retained.over_bytes != 0)) {
        retainer->retained(retainer->context, &retained);
    }
}
