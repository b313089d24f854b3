/*
 * How far a long job is. On a terminal one line that is drawn anew (bar, rate, time left); elsewhere a plain line from
 * time to time, fit for a log. Written to standard error.
 */
#ifndef ONHAND_CLI_PROGRESS_H
#define ONHAND_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *label; /* borrowed */
    const char *noun;  /* what is counted, plural, borrowed */
    uint64_t total;    /* the whole job, in bytes; 0 when unknown */
    bool quiet;        /* draws nothing */
    bool terminal;
    bool drawn; /* a bar stands on the terminal's last line */
    int64_t start_mono_ns;
    int64_t drawn_mono_ns; /* when the last line was drawn */
};

/* Monotonic nanoseconds. */
int64_t progress_now_ns(void);

void progress_start(struct progress *progress, const char *label, const char *noun, uint64_t total_bytes, bool quiet);
/* Draws when it is time to. count: things done; done_bytes: of total_bytes. */
void progress_show(struct progress *progress, uint64_t count, uint64_t done_bytes);
/* Takes the bar away, so that other lines can be printed. */
void progress_clear(struct progress *progress);
/* Seconds since the start, at least one nanosecond. */
double progress_seconds(const struct progress *progress);

/* "1,234,567" */
#define PROGRESS_NUMBER_BYTES 32
const char *progress_number(uint64_t value, char out_text[PROGRESS_NUMBER_BYTES]);

#endif
