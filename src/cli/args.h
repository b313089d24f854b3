/*
 * The command line of one subcommand: options and the words around them.
 *
 * An option is --name, --name VALUE or --name=VALUE; options and words may come in any order; "--" ends the options;
 * "-" is a word (standard input). An unknown option is an error that names what exists. Texts are borrowed from argv.
 */
#ifndef ONHAND_CLI_ARGS_H
#define ONHAND_CLI_ARGS_H

#include "cli/cli.h"

#define ARGS_LIST_MAX 64 /* values of one repeatable option; more than anybody types */

struct args_list {
    const char *values[ARGS_LIST_MAX];
    unsigned count;
};

enum args_kind {
    ARGS_FLAG,   /* bool: no value */
    ARGS_TEXT,   /* const char *: the last one counts */
    ARGS_NUMBER, /* int64_t: whole, at least 0 */
    ARGS_LIST    /* struct args_list: may be repeated */
};

struct args_option {
    const char *name; /* without the dashes; NULL ends the table */
    enum args_kind kind;
    void *target; /* written when the option is there, else left alone */
};

/*
 * Reads argv[1..]. words: the words, at most word_max of them, in order; *out_word_count their number.
 * Returns true to go on. On false *out_exit is the exit code: EXIT_DONE after --help (the page is printed), EXIT_USAGE
 * after an error (the message is printed).
 */
MUST_USE bool args_parse(int argc, char **argv, const struct args_option *options, const char **words,
                         unsigned word_max, unsigned *out_word_count, int *out_exit);

/* The server's address: the option's value, else the environment's ONHAND_SERVER, else SERVER_DEFAULT. */
const char *args_server(const char *option);

#endif
