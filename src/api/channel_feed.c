#include "api/channel_feed.h"

#include "feed/position.h"

/* ---- places ---- */

void render_place(struct buffer *out, const struct epochs *epochs, struct change_place place, bool quotes)
{
    char text[POSITION_TEXT_BYTES];
    uint64_t part = place.offer == NUMBER_NONE ? 0 : ((uint64_t)place.at.turn << 32 | place.offer) + 1;
    unsigned n = position_format_part((struct position){epochs_of(epochs, place.at.seq), place.at.seq}, part, text);
    if (quotes)
        buffer_byte(out, '"');
    buffer_append(out, text, n);
    if (quotes)
        buffer_byte(out, '"');
}

bool place_parse(struct text text, uint32_t *out_epoch, struct change_place *out_place)
{
    struct position position;
    uint64_t part;
    if (!position_parse_part(text, &position, &part))
        return false;
    *out_epoch = position.epoch;
    *out_place = place_at(position.seq);
    if (part != 0) {
        out_place->at.turn = (uint32_t)((part - 1) >> 32);
        out_place->offer = (uint32_t)(part - 1);
    }
    return part == 0 || out_place->offer != NUMBER_NONE;
}

/* ---- engine thread ---- */

/* A place within an event names an offer that it changed: of a channel of this name, and maybe changed again since. */
static bool is_ours(const struct ledger *ledger, struct text channel, struct change_place place)
{
    struct offer_view view;
    if (place.offer == NUMBER_NONE)
        return true;
    if (place.offer >= ledger_offer_count(ledger))
        return false;
    ledger_offer(ledger, place.offer, &view);
    return text_equal(ledger_name(ledger, NAME_CHANNEL, view.channel), channel) && view.changed.seq >= place.at.seq;
}

void channel_feed_read(const struct ledger *ledger, struct request *request)
{
    struct channel_feed *feed = request->detail;
    uint32_t channel = ledger_channel_last(ledger, feed->channel);
    uint32_t left = CHANNEL_LOOKS_MAX;
    uint32_t offer;
    feed->row_count = 0;
    feed->over = false;
    feed->gone = channel != NUMBER_NONE && ledger_retired(ledger, NAME_CHANNEL, channel);
    /* Who begins anew has nothing to be told of one that is gone. */
    feed->unknown = channel == NUMBER_NONE || (feed->gone && feed->reader.place.at.seq == 0);
    feed->number = channel;
    feed->foreign = !feed->unknown && !is_ours(ledger, feed->channel, feed->reader.place);
    if (feed->unknown || feed->foreign || !changes_next(ledger, channel, &feed->reader, &left, &offer))
        return;
    while (offer != NUMBER_NONE && left != 0 && feed->row_count < CHANNEL_ROWS_MAX && feed->row_count < feed->wanted) {
        struct channel_row *row = &feed->rows[feed->row_count];
        row->number = offer;
        ledger_offer(ledger, offer, &row->offer);
        feed->reader.place = (struct change_place){row->offer.changed, offer};
        offer = ledger_offer_behind(ledger, channel, offer);
        row->last = offer == NUMBER_NONE || ledger_offer_turn(ledger, offer).seq != row->offer.changed.seq;
        feed->row_count += filter_match_cell(feed->filter, ledger, row->offer.item, NUMBER_NONE) &&
                           ledger_offer_stands(ledger, row->number);
        left--;
    }
    feed->over = offer == NUMBER_NONE;
    if (feed->over)
        feed->reader.place = place_at(ledger_last_seq(ledger));
}

/* ---- I/O thread ---- */

static void render_row(struct buffer *out, const struct service *service, const struct channel_feed *feed,
                       const struct channel_row *row)
{
    buffer_literal(out, "{\"position\":");
    render_position(out, journal_epochs(service->journal), row->offer.changed.seq);
    buffer_literal(out, ",\"type\":\"availability\",\"channel\":");
    json_string(out, feed->channel);
    buffer_literal(out, ",\"item\":");
    json_string(out, ledger_name(service->ledger, NAME_ITEM, row->offer.item));
    buffer_literal(out, ",\"ats\":");
    json_units(out, row->offer.ats, row->offer.scale);
    buffer_byte(out, '}');
}

void channel_feed_render(const struct channel_feed *feed, const struct service *service, enum feed_format format,
                         uint64_t count, struct buffer *out)
{
    for (uint32_t i = 0; i < feed->row_count; i++) {
        const struct channel_row *row = &feed->rows[i];
        if (format == FEED_JSON) {
            if (count + i != 0)
                buffer_byte(out, ',');
            render_row(out, service, feed, row);
            continue;
        }
        /* Where one event changed several, the id says which of them: the next connection goes on from there. */
        struct change_place place = {row->offer.changed, row->last ? NUMBER_NONE : row->number};
        buffer_literal(out, "id: ");
        render_place(out, journal_epochs(service->journal), place, false);
        buffer_literal(out, "\nevent: availability\ndata: ");
        render_row(out, service, feed, row);
        buffer_literal(out, "\n\n");
    }
}
