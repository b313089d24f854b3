/*
 * After a standby took over: the old primary's directory may have decisions that it had acknowledged and the standby had not
 * yet copied. They are in no other place, so they are printed for the sources to send again.
 *
 *     old       1 ........ 800 | 801 ... 1000      printed
 *     promoted  1 ........ 800 | 801 ..............  another epoch
 */
#include "cli/diverged.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/document.h"
#include "cli/dump.h"
#include "feed/position.h"

/* Asks a server for what follows the last position here: it knows where that one parts. */
static int ask_server(const struct journal_report *own, const char *address, uint64_t *out_common)
{
    struct client client;
    struct client_answer answer;
    struct document document;
    char position[POSITION_TEXT_BYTES];
    char path[64 + POSITION_TEXT_BYTES];
    unsigned n = position_format((struct position){epochs_of(&own->epochs, own->last_seq), own->last_seq}, position);
    (void)snprintf(path, sizeof(path), "/v1/feed?limit=1&after=%.*s", (int)n, position);
    if (client_init(&client, "verify", address) != STATUS_OK)
        return EXIT_USAGE;
    buffer_init(&answer.body, CLIENT_BODY_BYTES_MAX);
    int code = EXIT_DONE;
    if (client_get(&client, path, &answer) != STATUS_OK) {
        code = client_unreachable(&client);
    } else if (answer.http == 200) {
        *out_common = own->last_seq;
    } else if (answer.http != 409 ||
               document_init(&document, text_of(answer.body.bytes, answer.body.length)) != STATUS_OK) {
        code = client_refused(&client, answer.http, text_of(answer.body.bytes, answer.body.length));
    } else {
        struct position common;
        if (position_parse(document_text(&document, 0, TEXT("position")), &common)) {
            *out_common = common.seq;
        } else if (text_equal(document_text(&document, 0, TEXT("code")), TEXT("epoch_ahead"))) {
            cli_error("verify", "this directory is of a newer epoch than what %s has: ask the other way round, of that one's directory with "
                      "--diverged and this one",
                      client.base);
            code = EXIT_REFUSED;
        } else {
            cli_error("verify", "%s never had an epoch that this directory is in: is it of the same ledger?", client.base);
            code = EXIT_REFUSED;
        }
        document_deinit(&document);
    }
    buffer_deinit(&answer.body);
    client_deinit(&client);
    return code;
}

static int ask_directory(const struct journal_report *own, const char *other, uint64_t *out_common)
{
    struct journal_report report = {0};
    enum status status = journal_verify(linux_env(), other, NULL, &report);
    if (status != STATUS_OK)
        return dump_refused("verify", other, &report, status);
    if (memcmp(report.ledger_id, own->ledger_id, sizeof(own->ledger_id)) != 0) {
        cli_error("verify", "'%s' is of another ledger", other);
        return EXIT_REFUSED;
    }
    uint64_t common = epochs_meet(&own->epochs, &report.epochs);
    *out_common = common < report.last_seq ? common : report.last_seq;
    return EXIT_DONE;
}

/* The last event that both have. */
static int find_common(const struct journal_report *own, const char *other, uint64_t *out_common)
{
    struct position position;
    if (position_parse(text_of(other, strlen(other)), &position)) {
        *out_common = position.seq;
        if (epochs_has(&own->epochs, position.epoch, position.seq))
            return EXIT_DONE;
        cli_error("verify", "--diverged is '%s', a position that this directory never had", other);
        return EXIT_REFUSED;
    }
    bool server = strncmp(other, "http://", 7) == 0 || strncmp(other, "https://", 8) == 0;
    return server ? ask_server(own, other, out_common) : ask_directory(own, other, out_common);
}

static int print(const char *path, uint64_t common)
{
    struct dump dump;
    int code = EXIT_FILES;
    if (dump_init(&dump, stdout)) {
        dump.events_only = true;
        dump.range.from_seq = common + 1;
        code = dump_directory(&dump, "verify", path);
        if (code == EXIT_DONE) {
            fprintf(stderr, "the histories part behind event %" PRIu64 ": %" PRIu64 " events are in '%s' alone\n", common,
                    dump.event_count, path);
            code = dump.event_count == 0 ? EXIT_DONE : EXIT_REFUSED;
        }
    } else {
        cli_error("verify", "memory for the tables cannot be had");
    }
    dump_deinit(&dump);
    return code;
}

int diverged(const char *path, const char *other)
{
    struct journal_report own = {0};
    uint64_t common = 0;
    enum status status = journal_verify(linux_env(), path, NULL, &own);
    if (status != STATUS_OK)
        return dump_refused("verify", path, &own, status);
    int code = find_common(&own, other, &common);
    return code != EXIT_DONE ? code : print(path, common < own.last_seq ? common : own.last_seq);
}
