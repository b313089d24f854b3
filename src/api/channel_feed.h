/*
 * What a channel may sell, as it changes: the feed with channel=. feed_route.c runs it; here is what is read and how it
 * looks.
 *
 * Values are not in the journal; they are read from the ledger, in their place among the commands, and given out when
 * what they show is durable. Each read looks at a bounded number of offers (feed/changes.h), so that a reader who is a
 * million changes behind costs the engine's thread many small reads and nobody waits for them.
 */
#ifndef ONHAND_API_CHANNEL_FEED_H
#define ONHAND_API_CHANNEL_FEED_H

#include "api/feed_text.h"
#include "feed/changes.h"

#define CHANNEL_LOOKS_MAX 1024 /* steps and offers of one read: some 100 us */
#define CHANNEL_ROWS_MAX  256  /* copied by one read */

struct channel_feed {
    struct text channel;
    char channel_bytes[NAME_BYTES_MAX];
    const struct filter *filter; /* its items */
    struct change_reader reader;
    bool asking;                 /* a read is on its way */
    /* Of the last read. */
    uint32_t number;    /* of the channel, or of the last of its name */
    uint64_t wanted;    /* rows, set before it */
    bool unknown;       /* there is no such channel */
    bool gone;          /* nor is there now, but there was: its offers, all 0 by now, are what is left to be told */
    bool foreign;       /* the place to begin at is none of this channel's */
    bool over;          /* nothing more had changed */
    uint32_t row_count;
    struct channel_row {
        struct offer_view offer;
        uint32_t number;
        bool last; /* of those that its event changed */
    } rows[CHANNEL_ROWS_MAX];
};

/* Reads on from the reader's place and moves it. request->detail: the channel feed. Engine thread. */
void channel_feed_read(const struct ledger *ledger, struct request *request);
/*
 * Appends the rows of the last read, as elements of an array or as server-sent events, behind `count` others. Only when
 * they are durable.
 */
void channel_feed_render(const struct channel_feed *channel, const struct service *service, enum feed_format format,
                         uint64_t count, struct buffer *out);
/* The place of who has everything up to an event. */
static inline struct change_place place_at(uint64_t seq)
{
    return (struct change_place){{seq, 0}, NUMBER_NONE};
}
/* The position of a place, in quotes or bare. */
void render_place(struct buffer *out, const struct epochs *epochs, struct change_place place, bool quotes);
/* False when the text is no position; *out_epoch is the caller's to judge. */
MUST_USE bool place_parse(struct text text, uint32_t *out_epoch, struct change_place *out_place);

#endif
