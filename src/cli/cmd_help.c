/* onhand help: what there is, or the page of one subcommand. */
#include <stdio.h>
#include <string.h>

#include "cli/args.h"

static void print_overview(void)
{
    fputs("onhand keeps one truth about stock and tells every system of each change.\n\n"
          "usage: onhand SUBCOMMAND [options]\n\nsubcommands:\n",
          stdout);
    for (const struct subcommand *s = cli_subcommands(); s->name != NULL; s++)
        printf("  %-9s%s\n", s->name, s->summary);
    fputs("\nexit codes:\n", stdout);
#define X(name, code, meaning) printf("  %-9d%s\n", (code), (meaning));
    EXIT_MAP(X)
#undef X
    fputs("\nenvironment:\n  ONHAND_SERVER  the server's address; --server overrules it; else " SERVER_DEFAULT "\n"
          "\nexamples:\n"
          "  onhand serve --data /var/lib/onhand\n"
          "  echo "
          "'{\"kind\":\"receive\",\"source\":\"desk\",\"id\":\"1\",\"item\":\"A\",\"location\":\"LON\",\"quantity\":10}"
          "' | "
          "onhand send\n"
          "  onhand get stock A\n"
          "  onhand help import\n",
          stdout);
}

int cmd_help(int argc, char **argv)
{
    const char *words[1] = {NULL};
    unsigned word_count = 0;
    int code = EXIT_DONE;
    const struct args_option options[] = {{NULL, ARGS_FLAG, NULL}};
    if (!args_parse(argc, argv, options, words, 1, &word_count, &code))
        return code;
    const struct subcommand *asked = word_count == 0 ? NULL : cli_find(words[0]);
    if (word_count != 0 && asked == NULL) {
        cli_error("help", "no subcommand '%s'; see onhand help", words[0]);
        return EXIT_USAGE;
    }
    if (asked == NULL)
        print_overview();
    else
        fputs(asked->help, stdout);
    return cli_finish("help", EXIT_DONE);
}
