/* onhand send: commands as NDJSON from a file or standard input. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/lines.h"
#include "cli/progress.h"
#include "cli/savepoint.h"
#include "cli/stream.h"

#define SAVE_STEP_NS INT64_C(1000000000) /* at most so much is sent again after a kill */

enum printed { PRINT_ALL, PRINT_ERRORS, PRINT_SUMMARY };

struct send {
    const char *input_name; /* for messages */
    const char *state_path; /* NULL for none */
    uint64_t from;          /* lines before this one are passed over */
    enum printed printed;
    bool json;
    struct lines lines;
    struct savepoint saved;
    int64_t saved_mono_ns;
};

static bool is_blank(struct text line)
{
    for (uint32_t i = 0; i < line.length; i++) {
        if (line.bytes[i] != ' ' && line.bytes[i] != '\t' && line.bytes[i] != '\r')
            return false;
    }
    return true;
}

static enum stream_next send_next(void *context, struct stream_line *out_line)
{
    struct send *send = context;
    for (;;) {
        uint64_t start = send->lines.offset;
        struct text line = TEXT_NONE;
        switch (lines_next(&send->lines, &line)) {
        case LINES_LINE:
            if (send->lines.number < send->from || is_blank(line))
                continue;
            out_line->bytes = line;
            out_line->number = send->lines.number;
            out_line->origin_offset = start;
            out_line->origin_bytes = (uint32_t)(send->lines.offset - start);
            return STREAM_LINE;
        case LINES_LATER:
            return STREAM_LATER;
        case LINES_END:
            return STREAM_END;
        case LINES_TOO_LONG:
            cli_error("send", "line %" PRIu64 " of %s is longer than %d bytes; a command is one line of JSON",
                      send->lines.number + 1, send->input_name, LINES_BYTES_MAX);
            return STREAM_FAILED;
        case LINES_FAILED:
            cli_error("send", "%s cannot be read behind line %" PRIu64 ": %s", send->input_name, send->lines.number,
                      strerror(errno));
            return STREAM_FAILED;
        }
    }
}

static const char *verdict_text(enum stream_verdict verdict)
{
    switch (verdict) {
    case STREAM_VERDICT_ACCEPTED:
        return "accepted";
    case STREAM_VERDICT_REFUSED:
        return "refused";
    case STREAM_VERDICT_INVALID:
    case STREAM_VERDICT_LOCAL:
        break;
    }
    return "invalid";
}

static void print_part(const char *before, struct text part)
{
    if (part.length != 0)
        printf("%s%.*s", before, (int)part.length, part.bytes);
}

static bool send_answered(void *context, const struct stream_answer *answer)
{
    const struct send *send = context;
    if (send->printed == PRINT_SUMMARY)
        return true;
    if (send->json) {
        /* The answer as it came, with the line's number in the input instead of that in its request. */
        size_t behind = (size_t)answer->line_offset + answer->line_bytes;
        fwrite(answer->json.bytes, 1, answer->line_offset, stdout);
        printf("%" PRIu64, answer->entry->number);
        fwrite(answer->json.bytes + behind, 1, answer->json.length - behind, stdout);
    } else {
        printf("line %" PRIu64 ": %s", answer->entry->number, verdict_text(answer->verdict));
        print_part(" ", answer->verdict == STREAM_VERDICT_ACCEPTED ? answer->position : answer->code);
        print_part(", ", answer->field);
        print_part(": ", answer->detail);
        print_part("; ", answer->cells);
        fputs(answer->replayed ? " (replayed)" : "", stdout);
    }
    return putchar('\n') != EOF;
}

/* Keeps the state file up to date. */
static bool save(struct send *send, uint64_t line_count, uint64_t bytes)
{
    if (send->state_path == NULL || line_count <= send->saved.line_count)
        return true;
    struct savepoint savepoint = {.line_count = line_count, .bytes = bytes};
    if (savepoint_write(send->state_path, &savepoint) != STATUS_OK) {
        cli_error("send", "the state file %s cannot be written: %s", send->state_path, strerror(errno));
        return false;
    }
    send->saved = savepoint;
    return true;
}

static bool send_advanced(void *context, const struct stream_totals *totals, uint64_t done_offset)
{
    struct send *send = context;
    int64_t now_ns = progress_now_ns();
    if (fflush(stdout) != 0)
        return false;
    if (now_ns - send->saved_mono_ns < SAVE_STEP_NS)
        return true;
    send->saved_mono_ns = now_ns;
    return save(send, totals->done_number, done_offset);
}

/* Puts the file where its state file says, so far as it can be moved. False with a message when it does not fit. */
static bool resume(struct send *send, int file)
{
    struct stat about;
    char before = '\n';
    if (fstat(file, &about) != 0 || !S_ISREG(about.st_mode)) {
        send->from = send->saved.line_count + 1; /* the same input again, from its start */
        send->saved.bytes = 0;
        return true;
    }
    uint64_t bytes = send->saved.bytes;
    bool fits = bytes <= (uint64_t)about.st_size;
    bool at_end = bytes == (uint64_t)about.st_size;
    if (fits && bytes != 0)
        fits = pread(file, &before, 1, (off_t)bytes - 1) == 1 && (before == '\n' || at_end);
    if (fits && lseek(file, (off_t)bytes, SEEK_SET) == (off_t)bytes)
        return true;
    cli_error("send",
              "%s does not fit the state file %s (%" PRIu64 " lines in %" PRIu64
              " bytes): another file? Remove the state file to send from the start; ids keep that safe",
              send->input_name, send->state_path, send->saved.line_count, bytes);
    return false;
}

static void print_summary(const struct send *send, const struct stream_totals *totals)
{
    uint64_t lines = totals->accepted + totals->refused + totals->invalid + totals->unanswered;
    if (send->json) {
        if (send->printed != PRINT_ALL)
            printf("{\"summary\":{\"lines\":%" PRIu64 ",\"accepted\":%" PRIu64 ",\"refused\":%" PRIu64
                   ",\"invalid\":%" PRIu64 ",\"unanswered\":%" PRIu64 ",\"replayed\":%" PRIu64
                   ",\"sent_again\":%" PRIu64 ",\"last_line\":%" PRIu64 ",\"position\":\"%s\"}}\n",
                   lines, totals->accepted, totals->refused, totals->invalid, totals->unanswered, totals->replayed,
                   totals->put_off, totals->done_number, totals->position);
        return;
    }
    char text[PROGRESS_NUMBER_BYTES];
    printf("%s lines", progress_number(lines, text));
    printf(", %s accepted", progress_number(totals->accepted, text));
    printf(", %s refused", progress_number(totals->refused, text));
    printf(", %s invalid", progress_number(totals->invalid, text));
    if (totals->replayed != 0)
        printf("; %s of them were answered before", progress_number(totals->replayed, text));
    if (totals->put_off != 0)
        printf("; %s put off and sent again", progress_number(totals->put_off, text));
    if (totals->position[0] != '\0')
        printf("; position %s", totals->position);
    putchar('\n');
}

static int run(struct send *send, int file, const char *server, int64_t patience_s, bool patient_at_start)
{
    struct client client;
    struct stream_totals totals;
    enum status status =
        lines_init(&send->lines, file, send->saved.bytes == 0 ? 0 : send->saved.line_count, send->saved.bytes);
    if (status != STATUS_OK) {
        cli_error("send", "%s cannot be read: %s", send->input_name,
                  status == STATUS_IO ? strerror(errno) : status_text(status));
        return EXIT_FILES;
    }
    status = client_init(&client, "send", server);
    if (status != STATUS_OK) {
        lines_deinit(&send->lines);
        return status == STATUS_INVALID ? EXIT_USAGE : EXIT_ANSWER;
    }
    struct stream_work work = {
        .context = send,
        .next = send_next,
        .answered = send_answered,
        .advanced = send_advanced,
        .wait_file = send->lines.pollable ? file : -1,
        .answers = send->printed == PRINT_ALL ? STREAM_ANSWERS_ALL : STREAM_ANSWERS_ERRORS,
        .patience_s = patience_s,
        .patient_at_start = patient_at_start,
    };
    int code = stream_run(&client, &work, &totals);
    uint64_t offset = code == EXIT_DONE || code == EXIT_REFUSED ? send->lines.offset : send->saved.bytes;
    uint64_t number = code == EXIT_DONE || code == EXIT_REFUSED ? send->lines.number : send->saved.line_count;
    if (!save(send, number, offset))
        code = EXIT_FILES;
    print_summary(send, &totals);
    uint64_t next = totals.done_number + 1 > send->from ? totals.done_number + 1 : send->from;
    if (totals.unanswered != 0)
        cli_error("send", "lines without an answer: %" PRIu64 "; repeat with --from %" PRIu64 "%s", totals.unanswered,
                  next, send->state_path == NULL ? "" : ", or with the same --state file");
    client_deinit(&client);
    lines_deinit(&send->lines);
    return cli_finish("send", code);
}

static bool printed_of(const char *answers, enum printed *out_printed)
{
    static const char *const names[] = {"all", "errors", "summary"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(answers, names[i]) == 0) {
            *out_printed = (enum printed)i;
            return true;
        }
    }
    cli_error("send", "--answers takes all, errors or summary, not '%s'", answers);
    return false;
}

int cmd_send(int argc, char **argv)
{
    struct send send = {.input_name = "-"};
    const char *server = NULL, *answers = "errors", *words[1] = {"-"};
    int64_t from = -1, patience_s = -1;
    unsigned word_count = 0;
    int code = EXIT_DONE;
    const struct args_option options[] = {
        {"server", ARGS_TEXT, &server}, {"answers", ARGS_TEXT, &answers},       {"json", ARGS_FLAG, &send.json},
        {"from", ARGS_NUMBER, &from},   {"state", ARGS_TEXT, &send.state_path}, {"patience", ARGS_NUMBER, &patience_s},
        {NULL, ARGS_FLAG, NULL},
    };
    if (!args_parse(argc, argv, options, words, 1, &word_count, &code))
        return code;
    if (!printed_of(answers, &send.printed))
        return EXIT_USAGE;
    if (from == 0) {
        cli_error("send", "--from is 0, but lines are counted from 1");
        return EXIT_USAGE;
    }
    send.from = from < 0 ? 0 : (uint64_t)from;
    int file = STDIN_FILENO;
    if (strcmp(words[0], "-") != 0) {
        send.input_name = words[0];
        file = open(words[0], O_RDONLY | O_CLOEXEC);
        if (file < 0) {
            cli_error("send", "%s cannot be opened: %s", words[0], strerror(errno));
            return EXIT_FILES;
        }
    }
    if (send.state_path != NULL) {
        enum status status = savepoint_read(send.state_path, &send.saved);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
            cli_error("send", "the state file %s cannot be used (%s); remove it or name another", send.state_path,
                      status == STATUS_IO ? strerror(errno) : "it is no state file of onhand send");
            code = EXIT_FILES;
        } else if (from < 0 && !resume(&send, file)) {
            code = EXIT_FILES;
        } else if (from > 0) {
            send.saved = (struct savepoint){0, 0}; /* --from overrules */
        }
    }
    if (code == EXIT_DONE)
        code = run(&send, file, args_server(server), patience_s < 0 ? STREAM_PATIENCE_S : patience_s, patience_s >= 0);
    if (file != STDIN_FILENO)
        (void)close(file); /* only read */
    return code;
}
