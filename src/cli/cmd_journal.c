/*
 * onhand journal dump: what is in a data directory, as JSON lines. For people who look for something, and programs that read
 * the journal of a stopped server. Of a damaged one all that is before the damage is printed.
 */
#include <string.h>

#include "base/rfc3339.h"
#include "cli/args.h"
#include "cli/dump.h"
#include "feed/position.h"

static bool take_time(const char *option, const char *text, int64_t *out_us)
{
    if (text == NULL || rfc3339_parse(text_of(text, strlen(text)), out_us) == RFC3339_OK)
        return true;
    cli_error("journal", "--%s is '%s', but must be a time such as 2026-12-01T10:00:00Z", option, text);
    return false;
}

static bool take_position(const char *option, const char *text, uint64_t *out_seq)
{
    struct position position;
    if (text == NULL)
        return true;
    if (!position_parse(text_of(text, strlen(text)), &position)) {
        cli_error("journal", "--%s is '%s', but must be a position as answers and events have it", option, text);
        return false;
    }
    *out_seq = position.seq;
    return true;
}

int cmd_journal(int argc, char **argv)
{
    struct dump dump;
    const char *from_position = NULL;
    const char *to_position = NULL;
    const char *from_time = NULL;
    const char *to_time = NULL;
    bool events = false;
    const struct args_option table[] = {
        {"from-position", ARGS_TEXT, &from_position}, {"to-position", ARGS_TEXT, &to_position},
        {"from-time", ARGS_TEXT, &from_time},         {"to-time", ARGS_TEXT, &to_time},
        {"events", ARGS_FLAG, &events},               {NULL, ARGS_FLAG, NULL}};
    const char *words[2];
    unsigned word_count;
    int code;
    if (!args_parse(argc, argv, table, words, 2, &word_count, &code))
        return code;
    if (word_count != 2 || strcmp(words[0], "dump") != 0) {
        cli_error("journal", "what of which data directory? say: onhand journal dump DIR");
        return EXIT_USAGE;
    }
    if (!dump_init(&dump, stdout)) {
        cli_error("journal", "memory for the tables cannot be had");
        dump_deinit(&dump);
        return EXIT_FILES;
    }
    struct dump_range *range = &dump.range;
    dump.events_only = events;
    code = EXIT_USAGE;
    if (take_position("from-position", from_position, &range->from_seq) &&
        take_position("to-position", to_position, &range->to_seq) &&
        take_time("from-time", from_time, &range->from_us) && take_time("to-time", to_time, &range->to_us))
        code = dump_directory(&dump, "journal", words[1]);
    dump_deinit(&dump);
    return cli_finish("journal", code);
}
