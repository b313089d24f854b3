/*
 * Operating status of a function that can fail. Business answers (not enough stock, unknown item) are not here:
 * they are decisions, see ledger/code.h.
 *
 * One list yields the enum, the text and the table in docs/errors.md, so that they cannot drift.
 */
#ifndef ONHAND_BASE_STATUS_H
#define ONHAND_BASE_STATUS_H

#include "base/check.h"

/* X(name, text, what an operator does about it) */
#define STATUS_MAP(X)                                                                                                  \
    X(OK, "ok", "nothing to do")                                                                                       \
    X(FULL, "a named bound is reached", "raise the limit the message names, or wait until work drains")                \
    X(MEMORY, "memory could not be had", "free memory or lower the sizes in the configuration")                        \
    X(IO, "the operating system refused a read, write or flush", "look at the disk and the system log")                \
    X(NO_SPACE, "the disk is full", "free space on the file system of the data directory")                             \
    X(NOT_FOUND, "it does not exist", "check the name or path")                                                        \
    X(EXISTS, "it exists already", "choose another name, or use what is there")                                        \
    X(LOCKED, "another process holds it", "stop the other process, or use another directory")                          \
    X(INVALID, "the input is not what it should be", "mend the input as the message says")                             \
    X(DAMAGED, "stored bytes fail their checksum or chain", "run 'onhand verify', restore a copy")                     \
    X(TORN, "the last, never acknowledged write is incomplete", "nothing: recovery cuts it and reports it")            \
    X(VERSION, "written by a newer or unknown version", "use the version of onhand that wrote it")                     \
    X(AGAIN, "not now", "try again")                                                                                   \
    X(END, "no more", "nothing to do")                                                                                 \
    X(DENIED, "the system does not permit it", "let onhand's user read and write the data directory and its files")    \
    X(CLOCK, "the clock jumped", "set the clock right, then restart, with --accept-clock if it is right now")

enum status {
#define X(name, text, remedy) STATUS_##name,
    STATUS_MAP(X)
#undef X
};

/* The text of a status, a constant in English. */
const char *status_text(enum status status);
/* What an operator does about it, a constant in English. */
const char *status_remedy(enum status status);

#endif
