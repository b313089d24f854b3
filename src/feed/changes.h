/*
 * A reader's place among a channel's availabilities in the order of their last change (ledger_offer_behind), and the
 * way to find it again.
 *
 * An offer that changes goes to the end of that order. A reader who always goes on behind the last one it has therefore
 * gets each changed item with its present value, and may skip values in between: there is at most one per item, however
 * far it is behind. Its place is an event and, where one event changed many offers (the channel was configured, a
 * component of many kits moved), which of them it has.
 *
 *     offers   a@3  f@7  c@9  b@12  h@12  d@15          (item @ event of its last change)
 *     place              ^ c@9: what follows is b
 *
 * A channel that was given up offers nothing any more: its offers, all 0, stand before those of the channel that has
 * its name now, and who has followed the old one is told them.
 *
 * There is no index by event. Mostly the offer of the place still stands where it stood, and the next one is behind it.
 * When it has changed since, or the reader names an event alone, the place is walked to from the end, in pieces,
 * between which the ledger goes on. Where a piece stopped is marked; a mark whose offer has changed since is no longer
 * there, and the walk goes on from the one before it. Marks are thinned out when they are many, so that one that is
 * lost costs a part of the way, never all of it.
 */
#ifndef ONHAND_FEED_CHANGES_H
#define ONHAND_FEED_CHANGES_H

#include "ledger/ledger.h"

#define CHANGES_MARKS_MAX 64

struct change_place {
    struct offer_turn at; /* everything that changed up to here has been given */
    uint32_t offer;       /* the last one given; NUMBER_NONE: all of the event's, whatever the turn */
};

struct change_reader {
    struct change_place place;
    uint32_t mark_count;
    struct change_place marks[CHANGES_MARKS_MAX]; /* ahead of the place, farthest first */
};

/*
 * The first offer behind the reader's place of a channel, the last of its name, or of one that had the name before it;
 * NUMBER_NONE when there is none. Takes at most *steps steps and counts them down; false when they were used up: to be
 * called again, whether or not the ledger went on. Ledger thread.
 */
MUST_USE bool changes_next(const struct ledger *ledger, uint32_t channel, struct change_reader *reader, uint32_t *steps,
                           uint32_t *out_offer);

#endif
