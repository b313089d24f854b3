/* The program's entry: which subcommand is meant. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const struct subcommand subcommands[] = {
    {"serve", "run the server on a data directory", cmd_serve, help_serve},
    {"send", "send commands (NDJSON) from a file or standard input", cmd_send, help_send},
    {"get", "show stock, holds, items and figures", cmd_get, help_get},
    {"feed", "show what happened, or follow it as it happens", cmd_feed, help_feed},
    {"import", "turn the rows of a CSV file into commands", cmd_import, help_import},
    {"follow", "run a standby of another server", cmd_follow, help_follow},
    {"promote", "make a standby the server that takes commands", cmd_promote, help_promote},
    {"backup", "copy the journal of a server, or of a stopped one's directory", cmd_backup, help_backup},
    {"journal", "print what is in a data directory, as JSON lines", cmd_journal, help_journal},
    {"restore", "make a data directory of a backup, up to a point", cmd_restore, help_restore},
    {"repair", "give up what is damaged in a data directory", cmd_repair, help_repair},
    {"verify", "check a data directory offline, or a running server", cmd_verify, help_verify},
    {"version", "show the version", cmd_version, help_version},
    {"help", "show this page, or the page of one subcommand", cmd_help, help_help},
    {NULL, NULL, NULL, NULL},
};

const struct subcommand *cli_subcommands(void)
{
    return subcommands;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        char name[] = "help";
        char *words[] = {name, NULL};
        (void)cmd_help(1, words); /* the page is the answer; what counts is that nothing was asked */
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        name = "version";
    const struct subcommand *chosen = cli_find(name);
    if (chosen == NULL) {
        fprintf(stderr, "onhand: no subcommand '%s'; there are:", name);
        for (const struct subcommand *s = subcommands; s->name != NULL; s++)
            fprintf(stderr, " %s", s->name);
        fputs("\n", stderr);
        return EXIT_USAGE;
    }
    if (argc > 2 && strcmp(argv[2], "--help") == 0) {
        fputs(chosen->help, stdout);
        return cli_finish(chosen->name, EXIT_DONE);
    }
    return chosen->run(argc - 1, argv + 1);
}
