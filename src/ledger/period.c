/*
 * Closed periods: what was reported for October stays what it was.
 *
 * A fact that comes late changes the figures of a time that somebody has reported on: on the axis `occurred` they move for
 * ever. `close_period` says up to when they are not to. What occurred before that bound and comes behind the closing keeps
 * the time it occurred, and is booked at the bound, the first moment of what is open:
 *
 *     30 October  a sale of 3, which nobody has told yet
 *      2 November closed until 1 November 00:00
 *      3 November the sale comes      occurred 30 October, booked 1 November 00:00
 *
 * On the axis `booked` an entry counts from then on. Nothing is booked before the bound any more: every figure of a
 * time before it is what it was when that was closed.
 *
 * What an entry is booked at is in its event: a later closing does not move it. The bound never goes back (a figure of a
 * closed period would change again), and is not ahead of log time, so that nothing is booked after it is recorded.
 * Nothing else is judged by it: stock, counts and their corrections are of the time at which things occurred.
 */
#include "ledger/decide.h"

void period_evolve(struct ledger *ledger, const struct event *event)
{
    ledger->closed_us = event->booked_us;
    ledger->closed_seq = event->seq;
}

void period_check(const struct ledger *ledger)
{
    CHECK((ledger->closed_us == 0) == (ledger->closed_seq == 0));
    CHECK(ledger->closed_us >= 0 && ledger->closed_us <= ledger->now_us && ledger->closed_seq <= ledger->last_seq);
}

struct period_view ledger_period(const struct ledger *ledger)
{
    return (struct period_view){ledger->closed_us, ledger->closed_seq};
}

void decide_period(struct judge *judge)
{
    int64_t until_us = judge->command->at.us;
    if (until_us <= 0) {
        (void)judge_invalid(judge, CODE_bad_value, LINE_NONE, "until", "must be after 1970-01-01T00:00:00Z");
        return;
    }
    if (until_us > judge->now_us) {
        (void)judge_refuse(judge, CODE_in_future, TEXT_NONE, TEXT("/until"));
        return;
    }
    if (until_us < judge->ledger->closed_us) {
        (void)judge_refuse(judge, CODE_period_closed, TEXT_NONE, TEXT("/until"));
        return;
    }
    judge_event(judge, EVENT_CLOSE_PERIOD)->booked_us = until_us;
}

void period_book(const struct judge *judge)
{
    struct decision *decision = judge->decision;
    for (uint32_t i = 0; i < decision->event_count; i++) {
        struct event *event = &decision->events[i];
        /* What corrects a count that ended in an open period belongs there. */
        if (event->location != NUMBER_NONE && event_occurred_us(decision, event) < judge->ledger->closed_us)
            event->booked_us = judge->ledger->closed_us;
    }
}
