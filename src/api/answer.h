/*
 * The answer to one request of a sender: from what the engine said, and the record it points to, to JSON.
 */
#ifndef ONHAND_API_ANSWER_H
#define ONHAND_API_ANSWER_H

#include "api/io.h"

/* A command that is no command: why, until its turn to be answered comes (request->detail). */
struct malformed {
    enum code code;
    bool not_json;
    int32_t line;
    char field[192];
    char detail[512];
};

/* What an answer turned out to be. */
struct rendered {
    enum answer_status status; /* what it counts as */
    int http;                  /* the status it has on its own */
    enum code code;            /* CODE_none when nothing was objected */
};

/* The word an answer is summed up by: accepted, refused, invalid, retry or unknown. A constant. */
const char *answer_word(enum answer_status status);

/* The HTTP status of an ANSWER_RETRY on its own: 503, or 507 for a full disk. */
int answer_retry_http(const struct answer *answer);

#define ANSWER_FIELD_BYTES 96
/* Where in the command an objection is, "/lines/3/quantity" or "/hold", written to bytes; TEXT_NONE for nowhere. */
struct text answer_field(const struct answer *answer, char bytes[ANSWER_FIELD_BYTES]);

/*
 * Appends the members of an answer, without braces. single: it is a whole response, so that what is not accepted is a
 * problem document. May read the disk: an old answer is given again from the journal.
 */
struct rendered answer_render(struct io *io, struct buffer *out, const struct request *request, bool single);

/* Responds with the answer alone. */
void answer_respond(struct connection *connection, const struct request *request);

#endif
