/*
 * Cursors of lists and histories, as text: 24 bytes, which say a place and tie it to a call, in small hexadecimal digits.
 * What they say is the route's (list_route.c, history_route.c). Pure, any thread.
 */
#ifndef ONHAND_API_CURSOR_H
#define ONHAND_API_CURSOR_H

#include "base/buffer.h"

#define CURSOR_BYTES 24

/* Appends it as a JSON string. */
void cursor_write(struct buffer *out, const uint8_t bytes[CURSOR_BYTES]);
/* False when the text is none in exactly the form that was written. */
MUST_USE bool cursor_read(struct text text, uint8_t out_bytes[CURSOR_BYTES]);

#endif
