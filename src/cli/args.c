#include "cli/args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void list_options(const struct args_option *options)
{
    fputs("  options:", stderr);
    for (const struct args_option *o = options; o->name != NULL; o++)
        fprintf(stderr, " --%s", o->name);
    fputs(" --help\n", stderr);
}

static const struct args_option *find(const struct args_option *options, const char *name, size_t length)
{
    for (const struct args_option *o = options; o->name != NULL; o++) {
        if (strlen(o->name) == length && memcmp(o->name, name, length) == 0)
            return o;
    }
    return NULL;
}

static bool store(const char *subcommand, const struct args_option *option, const char *value)
{
    switch (option->kind) {
    case ARGS_FLAG:
        *(bool *)option->target = true;
        return true;
    case ARGS_TEXT:
        *(const char **)option->target = value;
        return true;
    case ARGS_NUMBER: {
        char *end = NULL;
        errno = 0;
        long long number = strtoll(value, &end, 10);
        if (errno != 0 || end == value || *end != '\0' || value[0] < '0' || value[0] > '9') {
            cli_error(subcommand, "--%s takes a whole number, not '%s'", option->name, value);
            return false;
        }
        *(int64_t *)option->target = number;
        return true;
    }
    case ARGS_LIST: {
        struct args_list *list = option->target;
        if (list->count == ARGS_LIST_MAX) {
            cli_error(subcommand, "--%s is given more than %d times", option->name, ARGS_LIST_MAX);
            return false;
        }
        list->values[list->count++] = value;
        return true;
    }
    }
    return false;
}

bool args_parse(int argc, char **argv, const struct args_option *options, const char **words, unsigned word_max,
                unsigned *out_word_count, int *out_exit)
{
    unsigned word_count = 0;
    bool options_ended = false;
    *out_exit = EXIT_USAGE;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (!options_ended && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
            const struct subcommand *self = cli_find(argv[0]);
            if (self != NULL)
                fputs(self->help, stdout);
            *out_exit = cli_finish(argv[0], EXIT_DONE);
            return false;
        }
        if (!options_ended && strcmp(word, "--") == 0) {
            options_ended = true;
            continue;
        }
        if (options_ended || word[0] != '-' || word[1] == '\0') {
            if (word_count == word_max) {
                cli_error(argv[0], "unexpected '%s'; see onhand help %s", word, argv[0]);
                return false;
            }
            words[word_count++] = word;
            continue;
        }
        const char *equals = strchr(word, '=');
        size_t length = equals == NULL ? strlen(word) : (size_t)(equals - word);
        const struct args_option *option = length > 2 && word[1] == '-' ? find(options, word + 2, length - 2) : NULL;
        if (option == NULL) {
            cli_error(argv[0], "no option '%.*s'", (int)length, word);
            list_options(options);
            return false;
        }
        const char *value = equals == NULL ? NULL : equals + 1;
        if (option->kind == ARGS_FLAG && value != NULL) {
            cli_error(argv[0], "--%s takes no value, seen '%s'", option->name, value);
            return false;
        }
        if (option->kind != ARGS_FLAG && value == NULL) {
            if (i + 1 == argc) {
                cli_error(argv[0], "--%s needs a value; see onhand help %s", option->name, argv[0]);
                return false;
            }
            value = argv[++i];
        }
        if (!store(argv[0], option, value))
            return false;
    }
    *out_word_count = word_count;
    *out_exit = EXIT_DONE;
    return true;
}

const char *args_server(const char *option)
{
    if (option != NULL)
        return option;
    const char *environment = getenv("ONHAND_SERVER");
    return environment != NULL && environment[0] != '\0' ? environment : SERVER_DEFAULT;
}
