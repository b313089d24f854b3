#include "cli/verify_online.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/document.h"
#include "connect/pull.h"

#define PATH         "/v1/verify"
#define ANSWER_BYTES 16384
#define PATIENCE_MS  30000 /* for one answer, which waits for nothing */
#define LOOK_FIRST_MS 50   /* from one look to the next: at first, and at most */
#define LOOK_MOST_MS  1000

struct answer {
    struct client client;
    char text[ANSWER_BYTES + JSON_PADDING];
    long http;
};

/* False when there is none to go on with: *out_code says so. */
static bool ask(struct answer *answer, const char *body, int *out_code)
{
    enum status status =
        pull_call(answer->client.base, PATH, body, PATIENCE_MS, answer->text, ANSWER_BYTES, &answer->http);
    if (status == STATUS_OK && (answer->http == 200 || answer->http == 202))
        return true;
    if (status != STATUS_OK) {
        cli_error("verify", "no answer from %s (%s); a check that runs there goes on, ask again", answer->client.base, answer->text);
        *out_code = EXIT_UNREACHABLE;
    } else {
        *out_code = client_refused(&answer->client, answer->http, text_of(answer->text, strlen(answer->text)));
    }
    return false;
}

static bool is_state(const struct answer *answer, const char *state)
{
    char text[16] = "";
    return pull_member(answer->text, "state", text, sizeof(text)) && strcmp(text, state) == 0;
}

/* Waits until it is no longer running. False: *out_code. */
static bool wait_for_end(struct answer *answer, int *out_code)
{
    long rest_ms = LOOK_FIRST_MS;
    bool shows = isatty(STDERR_FILENO) == 1;
    bool shown = false;
    bool answered = true;
    while (answered && is_state(answer, "running")) {
        const struct timespec rest = {rest_ms / 1000, rest_ms % 1000 * 1000000};
        struct document document;
        if (shows && document_init(&document, text_of(answer->text, strlen(answer->text))) == STATUS_OK) {
            struct text frame = document_text(&document, 0, TEXT("frame"));
            struct text until = document_text(&document, 0, TEXT("until_frame"));
            if (text_present(until))
                fprintf(stderr, "\rframe %.*s of %.*s ", (int)frame.length, frame.bytes, (int)until.length, until.bytes);
            shown = true;
            document_deinit(&document);
        }
        (void)nanosleep(&rest, NULL);
        rest_ms = 2 * rest_ms < LOOK_MOST_MS ? 2 * rest_ms : LOOK_MOST_MS;
        answered = ask(answer, NULL, out_code);
    }
    if (shown)
        fputs("\r\033[K", stderr);
    return answered;
}

static void print(const struct document *document, const char *label, struct text key)
{
    struct text value = document_text(document, 0, key);
    if (text_present(value))
        printf("%-11s %.*s\n", label, (int)value.length, value.bytes);
}

static int report(const struct answer *answer, bool json)
{
    struct document document;
    struct text whole = text_of(answer->text, strlen(answer->text));
    bool right = is_state(answer, "right");
    if (json)
        fputs(answer->text, stdout);
    if (document_init(&document, whole) != STATUS_OK || (!right && !is_state(answer, "wrong") && !is_state(answer, "undone"))) {
        cli_error("verify", "%s gave an answer that is not understood: %s", answer->client.base, answer->text);
        return EXIT_ANSWER;
    }
    struct text problem = document_text(&document, 0, TEXT("problem"));
    if (!json) {
        print(&document, "position", TEXT("position"));
        print(&document, "segments", TEXT("segments"));
        print(&document, "frames", TEXT("frames"));
        print(&document, "decisions", TEXT("decisions"));
        print(&document, "bytes", TEXT("bytes"));
        print(&document, "state hash", TEXT("state_hash"));
        uint32_t chain = document_container(&document, 0, TEXT("chain"));
        if (chain != 0) {
            struct text position = document_text(&document, chain, TEXT("position"));
            struct text head = document_text(&document, chain, TEXT("head"));
            printf("%-11s %.*s %.*s\n", "chain", (int)position.length, position.bytes, (int)head.length, head.bytes);
        }
        if (right)
            printf("checksums, chain, order, sums and invariants are right, in the journal and in memory\n");
    }
    if (text_present(problem))
        cli_error("verify", "%.*s", (int)problem.length, problem.bytes);
    document_deinit(&document);
    return right ? EXIT_DONE : is_state(answer, "wrong") ? EXIT_REFUSED : EXIT_ANSWER;
}

int verify_online(const char *server, bool json)
{
    static struct answer answer;
    int code = EXIT_USAGE;
    if (client_init(&answer.client, "verify", server) != STATUS_OK)
        return code;
    if (ask(&answer, "{}", &code) && wait_for_end(&answer, &code))
        code = report(&answer, json);
    client_deinit(&answer.client);
    return code;
}
