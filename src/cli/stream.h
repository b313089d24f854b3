/*
 * Sending lines: POST /v1/commands as a chunked NDJSON upload whose answers are read while it goes on, repeated after
 * a broken connection until every line has its answer.
 *
 * The promise: every line the source gives is answered exactly once to the caller, in order, except that lines which
 * the server put off (`retry`, `unknown`) come later. What makes this safe is the id in each command: a line that was
 * decided and whose answer was lost is repeated, and the server replays its first answer.
 *
 * One request carries as much as possible. It is ended early, and another begun, when a line was put off (so that its
 * successors do not pass it), when the outbox stays full without a sign of progress, and when the input pauses while
 * lines are unanswered that the server does not name one by one.
 */
#ifndef ONHAND_CLI_STREAM_H
#define ONHAND_CLI_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/client.h"
#include "cli/outbox.h"

#define STREAM_PATIENCE_S 60 /* without any answer, before a lost server is given up */

enum stream_next {
    STREAM_LINE,  /* a line to send */
    STREAM_LOCAL, /* not to be sent: reported in its place as STREAM_VERDICT_LOCAL; bytes say what is wrong */
    STREAM_LATER, /* nothing now; poll wait_file */
    STREAM_END,   /* nothing any more */
    STREAM_FAILED /* the input cannot be read; a message is printed */
};

struct stream_line {
    struct text bytes;      /* without LF; at most OUTBOX_LINE_BYTES_MAX; borrowed until the next call */
    uint64_t number;        /* in the input, from 1 */
    uint64_t origin_offset; /* bytes of the input it stands for */
    uint32_t origin_bytes;
};

enum stream_verdict { STREAM_VERDICT_ACCEPTED, STREAM_VERDICT_REFUSED, STREAM_VERDICT_INVALID, STREAM_VERDICT_LOCAL };

/* One line's answer. Texts are borrowed until the callback returns. */
struct stream_answer {
    enum stream_verdict verdict;
    const struct outbox_entry *entry;
    struct text json;                    /* the server's line; absent for STREAM_VERDICT_LOCAL */
    uint32_t line_offset, line_bytes;    /* where json has the number of the line in its request */
    struct text code, detail, field, id; /* absent where the answer has none; LOCAL: detail says what is wrong */
    struct text position;
    struct text cells; /* "A at LON: asked 12, free 10", or "'A'" for the name that a refusal is about; or empty */
    bool replayed;
};

enum stream_answers { STREAM_ANSWERS_ALL, STREAM_ANSWERS_ERRORS };

struct stream_totals {
    uint64_t accepted, refused, invalid, local;
    uint64_t replayed; /* answered from memory, as far as the server said */
    uint64_t put_off;  /* `retry` and `unknown` answers; those lines were sent again */
    uint64_t requests;
    uint64_t unanswered; /* lines without an answer when the work was given up */
    uint64_t done_number;
    char position[64]; /* the last one the server named, or empty */
};

struct stream_work {
    void *context; /* of the three functions */
    enum stream_next (*next)(void *context, struct stream_line *out_line);
    /* Every answer, or (STREAM_ANSWERS_ERRORS) every one that is not accepted. False stops the work: EXIT_FILES. */
    bool (*answered)(void *context, const struct stream_answer *answer);
    /* From time to time and at the end: totals->done_number and the input's bytes up to done_offset are answered for
     * good. False stops: EXIT_FILES. */
    bool (*advanced)(void *context, const struct stream_totals *totals, uint64_t done_offset);
    int wait_file; /* polled after STREAM_LATER; -1 for none */
    enum stream_answers answers;
    int64_t patience_s;
    bool patient_at_start; /* also wait that long for the first connection */
};

/*
 * Sends everything. Returns EXIT_DONE when every line was answered, EXIT_REFUSED when some were not accepted, else
 * another exit code with its message printed. *out_totals is always written.
 */
MUST_USE int stream_run(struct client *client, const struct stream_work *work, struct stream_totals *out_totals);

#endif
