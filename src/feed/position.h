/*
 * Positions: where in the feed a reader is. Outside they are opaque text; inside they name the epoch and the sequence
 * number of the last event seen. One shard exists, so the text is "<epoch>-<seq>" (DESIGN section 6 has room for more).
 * The epoch is its number, and for those with a tag (base/epochs.h) "x" and that in five hexadecimal digits: 2x0c3f1-900.
 */
#ifndef ONHAND_FEED_POSITION_H
#define ONHAND_FEED_POSITION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "base/text.h"

#define POSITION_TEXT_BYTES 52 /* 4 + 5 + 20 + 20 digits and what parts them */

struct position {
    uint32_t epoch;
    uint64_t seq; /* of the last event seen, 0 for none */
};

/* Writes the position; returns its length. */
unsigned position_format(struct position position, char out_text[POSITION_TEXT_BYTES]);
/* False when the text is not a position in exactly the form position_format writes. */
MUST_USE bool position_parse(struct text text, struct position *out_position);

/*
 * A position within what one event made, "<epoch>-<seq>.<part>": where one event changes many things, a reader may have
 * some of them. part: 0 is none and is not written.
 */
unsigned position_format_part(struct position position, uint64_t part, char out_text[POSITION_TEXT_BYTES]);
MUST_USE bool position_parse_part(struct text text, struct position *out_position, uint64_t *out_part);

#endif
