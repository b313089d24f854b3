#include "feed/changes.h"

static bool is_behind(struct change_place place, struct offer_turn turn)
{
    return turn.seq > place.at.seq ||
           (turn.seq == place.at.seq && place.offer != NUMBER_NONE && turn.turn > place.at.turn);
}

/* Offers keep their order for as long as they do not change: one that stands where it stood has the same before it. */
static bool stands(const struct ledger *ledger, uint32_t channel, struct change_place place)
{
    struct offer_view view;
    if (place.offer >= ledger_offer_count(ledger)) /* NUMBER_NONE too */
        return false;
    ledger_offer(ledger, place.offer, &view);
    /* It may be one of a channel that had the name before. */
    return text_equal(ledger_name(ledger, NAME_CHANNEL, view.channel), ledger_name(ledger, NAME_CHANNEL, channel)) &&
           view.changed.seq == place.at.seq && view.changed.turn == place.at.turn;
}

static void mark(struct change_reader *reader, struct change_place place)
{
    if (reader->mark_count == CHANGES_MARKS_MAX) {
        reader->mark_count /= 2;
        for (uint32_t i = 0; i < reader->mark_count; i++)
            reader->marks[i] = reader->marks[2 * i + 1];
    }
    reader->marks[reader->mark_count++] = place;
}

/* The nearest mark that still stands ahead of the place, else the last offer. */
static uint32_t begin_walk(const struct ledger *ledger, uint32_t channel, struct change_reader *reader)
{
    for (; reader->mark_count != 0; reader->mark_count--) {
        struct change_place nearest = reader->marks[reader->mark_count - 1];
        if (is_behind(reader->place, nearest.at) && stands(ledger, channel, nearest))
            return nearest.offer;
    }
    return ledger_offer_before(ledger, channel, NUMBER_NONE);
}

bool changes_next(const struct ledger *ledger, uint32_t channel, struct change_reader *reader, uint32_t *steps,
                  uint32_t *out_offer)
{
    uint32_t first = ledger_offer_behind(ledger, channel, NUMBER_NONE);
    uint32_t last = ledger_offer_before(ledger, channel, NUMBER_NONE);
    if (first == NUMBER_NONE || !is_behind(reader->place, ledger_offer_turn(ledger, last))) {
        *out_offer = NUMBER_NONE;
        return true;
    }
    if (is_behind(reader->place, ledger_offer_turn(ledger, first))) { /* who begins at the beginning */
        *out_offer = first;
        return true;
    }
    if (stands(ledger, channel, reader->place)) {
        *out_offer = ledger_offer_behind(ledger, channel, reader->place.offer);
        return true;
    }
    uint32_t at = begin_walk(ledger, channel, reader);
    for (; *steps != 0; (*steps)--) {
        uint32_t before = ledger_offer_before(ledger, channel, at); /* there is one: `first` is not behind the place */
        if (!is_behind(reader->place, ledger_offer_turn(ledger, before))) {
            *out_offer = at;
            return true;
        }
        at = before;
    }
    mark(reader, (struct change_place){ledger_offer_turn(ledger, at), at});
    return false;
}
