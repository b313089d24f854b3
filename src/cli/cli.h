/*
 * What every subcommand of the program shares: its shape, its exit codes, and how it speaks.
 *
 * A subcommand is a function like main: argv[0] is its own name. Results go to standard output, everything else
 * (progress, warnings, errors) to standard error, each message as "onhand <subcommand>: what, where, value, remedy".
 */
#ifndef ONHAND_CLI_CLI_H
#define ONHAND_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

/* X(name, code, what it means): one list gives the enum and the text of `onhand help`. */
#define EXIT_MAP(X)                                                                                                    \
    X(DONE, 0, "done; every command was accepted, now or at an earlier run")                                           \
    X(REFUSED, 1, "done, but something was refused, invalid, not found or does not match")                             \
    X(USAGE, 2, "the command line is wrong; nothing was sent")                                                         \
    X(UNREACHABLE, 3, "the server cannot be reached, or stayed away for longer than --patience")                       \
    X(FILES, 4, "a file or standard output cannot be read or written")                                                 \
    X(ANSWER, 5, "the server refused the whole request, or its answer is not understood")

enum exit_code {
#define X(name, code, meaning) EXIT_##name = (code),
    EXIT_MAP(X)
#undef X
};

#define SERVER_DEFAULT "http://127.0.0.1:4760"

int cmd_serve(int argc, char **argv); /* src/server */
int cmd_send(int argc, char **argv);
int cmd_get(int argc, char **argv);
int cmd_feed(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_follow(int argc, char **argv);
int cmd_promote(int argc, char **argv);
int cmd_backup(int argc, char **argv);
int cmd_journal(int argc, char **argv);
int cmd_repair(int argc, char **argv);
int cmd_restore(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_version(int argc, char **argv);
int cmd_help(int argc, char **argv);

/* A subcommand as the dispatch table has it (main.c). */
struct subcommand {
    const char *name;
    const char *summary; /* one line */
    int (*run)(int argc, char **argv);
    const char *help; /* the page of `onhand help NAME` (help.c) */
};

/* The table; its end has a NULL name. */
const struct subcommand *cli_subcommands(void);
/* The entry of that name, or NULL. */
const struct subcommand *cli_find(const char *name);

/* Prints "onhand NAME: " and the message and a line end to standard error. */
void cli_error(const char *subcommand, const char *format, ...) PRINTF_LIKE(2, 3);

/* Flushes standard output. EXIT_FILES with a message when what was printed did not get out, else `code`. */
int cli_finish(const char *subcommand, int code);

/* Help pages, one per subcommand (help.c). */
extern const char help_serve[];
extern const char help_send[];
extern const char help_get[];
extern const char help_feed[];
extern const char help_import[];
extern const char help_backup[];
extern const char help_journal[];
extern const char help_repair[];
extern const char help_restore[];
extern const char help_promote[];
extern const char help_follow[];
extern const char help_verify[];
extern const char help_version[];
extern const char help_help[];

#endif
