#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct subcommand *cli_find(const char *name)
{
    for (const struct subcommand *s = cli_subcommands(); s->name != NULL; s++) {
        if (strcmp(s->name, name) == 0)
            return s;
    }
    return NULL;
}

void cli_error(const char *subcommand, const char *format, ...)
{
    va_list arguments;
    fflush(stdout); /* so that both streams read in order on one terminal */
    fprintf(stderr, "onhand %s: ", subcommand);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputs("\n", stderr);
}

int cli_finish(const char *subcommand, int code)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return code;
    cli_error(subcommand, "standard output cannot be written: %s", strerror(errno));
    return EXIT_FILES;
}
