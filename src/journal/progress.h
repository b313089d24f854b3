/*
 * How far the opening of a journal is, and the way to have it end before it is through. Written by the thread that opens it, read by
 * any; zeroed at first.
 */
#ifndef ONHAND_JOURNAL_PROGRESS_H
#define ONHAND_JOURNAL_PROGRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct journal_progress {
    atomic_uint_fast64_t bytes_to_read; /* of files: the segments, and the checkpoint it begins with; 0 until it is known */
    atomic_uint_fast64_t bytes_read;    /* of these; holes at the ends of files count when they are passed */
    atomic_uint_fast64_t decisions;     /* handed on */
    atomic_uint_fast64_t last_seq;      /* the last event handed on, 0 for none */
    atomic_uint_fast32_t epoch;         /* its epoch */
    atomic_bool stop;                   /* any thread: it is to end, with AGAIN and nothing changed; too late once all is read */
};

/* The last event handed on, with its epoch; false before there is one. Any thread. */
bool journal_progress_event(const struct journal_progress *progress, uint32_t *out_epoch, uint64_t *out_seq);
/* The thread that opens. */
void journal_progress_to(struct journal_progress *progress, uint32_t epoch, uint64_t last_seq);

#endif
