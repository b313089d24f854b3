/*
 * Targets: path segments, query parameters, percent-decoding (RFC 3986 section 2.1), and what a name may be
 * (API.md section 1). Everything works on borrowed raw text; decoding writes into the caller's memory. Pure, any thread.
 */
#ifndef ONHAND_API_URL_H
#define ONHAND_API_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"
#include "base/text.h"

/*
 * The next segment of a raw path: *rest begins with '/' ("/v1/items/a%2Fb") and is moved on; false when nothing is
 * left. "/" has one empty segment, "/a/" has "a" and an empty one.
 *
 *     struct text rest = request.path, segment;
 *     while (url_segment_next(&rest, &segment)) ...
 */
bool url_segment_next(struct text *rest, struct text *out_segment);

/*
 * The next parameter of a raw query ("a=1&b&a=2", without the '?'): false when nothing is left. Repeated keys come
 * once each, in order. Empty pieces ("a=1&&b=2") are skipped. A parameter without '=' has an absent value.
 */
bool url_parameter_next(struct text *rest, struct text *out_key, struct text *out_value);

enum url_part {
    URL_SEGMENT,  /* '+' is itself */
    URL_PARAMETER /* '+' is a blank, as browsers write it (application/x-www-form-urlencoded) */
};

/*
 * Percent-decodes raw into out_bytes (capacity at least raw.length always suffices). False, nothing usable, when an
 * escape is not two hex digits or the result does not fit. The result is not yet known to be UTF-8: see name_check.
 */
MUST_USE bool url_decode(enum url_part part, struct text raw, char *out_bytes, size_t capacity, struct text *out_text);

/* X(name, what is wrong, for the answer's detail) */
#define NAME_MAP(X)                                                                                                    \
    X(OK, "is a name")                                                                                                 \
    X(EMPTY, "is empty")                                                                                               \
    X(TOO_LONG, "is longer than 128 bytes")                                                                            \
    X(NOT_UTF8, "is not UTF-8")                                                                                        \
    X(CONTROL, "has a control character")                                                                              \
    X(RESERVED, "begins with '@', which is reserved for the server's own names")

enum name_status {
#define X(name, text) NAME_##name,
    NAME_MAP(X)
#undef X
};

/* The clause that goes behind the field's name, a constant in English. */
const char *name_problem(enum name_status status);
/* Is this decoded text a name: 1 to 128 bytes of UTF-8, no control character (category Cc), no leading '@'? */
MUST_USE enum name_status name_check(struct text text);
/* The same for free text of that length (reasons): a leading '@' is allowed. */
MUST_USE enum name_status label_check(struct text text);
/* As name_check, for text that is UTF-8 already (every string that json_parse gave). */
MUST_USE enum name_status name_check_utf8(struct text text);
MUST_USE enum name_status label_check_utf8(struct text text);

#endif
