/*
 * onhand backup: the journal of a running server, or of the directory of a stopped one, copied into a data directory, a file or
 * standard output. Each frame is verified before it is written. A directory is gone on with where it ends; a file is
 * written anew and whole.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/client.h"
#include "connect/pull.h"
#include "feed/position.h"
#include "journal/taker.h"

#define FILE_SUFFIX ".onhand"
#define ATTEMPTS    10 /* of a directory's backup, whose connection breaks */

struct backup {
    const char *to;
    bool offline; /* from a directory */
    FILE *file; /* of a file or standard output; NULL for a directory */
    /* Of a directory. */
    bool made; /* it was not there */
    struct taker taker;
    uint64_t new_frames, new_bytes;
    struct stream_mark end;
    char problem[1024];
};

/* ---- what comes ---- */

static enum status on_item(void *context, enum stream_item item, const struct stream_reader *reader, const uint8_t *bytes,
                           size_t n)
{
    struct backup *backup = context;
    backup->new_frames += item == STREAM_FRAME;
    backup->new_bytes += item == STREAM_FRAME ? n : 0;
    if (item == STREAM_MARK)
        backup->end = reader->mark;
    if (backup->file == NULL) {
        taker_item(&backup->taker, item, reader, bytes);
        return backup->taker.status;
    }
    if (fwrite(bytes, 1, n, backup->file) == n)
        return STATUS_OK;
    (void)snprintf(backup->problem, sizeof(backup->problem), "%s cannot be written: %s", backup->to, strerror(errno));
    return STATUS_IO;
}

/* ---- life ---- */

static enum status copy(const struct backup *backup, struct pull *pull)
{
    return backup->offline ? pull_directory(pull, linux_env()) : pull_run(pull);
}

static int explain(const struct backup *backup, const struct pull *pull, enum status status)
{
    const char *problem = backup->file == NULL ? backup->taker.problem : backup->problem;
    if (backup->offline && status != STATUS_INVALID && problem[0] == 0) {
        cli_error("backup", "'%s': nothing was copied: %s", pull->base, pull->problem[0] != 0 ? pull->problem : status_text(status));
        return status == STATUS_DAMAGED || status == STATUS_VERSION ? EXIT_REFUSED : EXIT_FILES;
    }
    switch ((unsigned)status) {
    case STATUS_AGAIN:
        cli_error("backup", "no whole answer from %s (%s); what is in %s is sound, but not all: run it again", pull->base,
                  pull->problem, backup->to);
        return EXIT_UNREACHABLE;
    case STATUS_INVALID:
        cli_error("backup", "%s is no backup that %s can go on with: %s", backup->to, pull->base, pull->problem);
        return EXIT_REFUSED;
    case STATUS_DAMAGED:
    case STATUS_VERSION:
        cli_error("backup", "what %s sent is not right: %s. Nothing of it was kept", pull->base, pull->problem);
        return EXIT_ANSWER;
    default:
        cli_error("backup", "%s", problem[0] != 0 ? problem : status_text(status));
        return EXIT_FILES;
    }
}

static void report(const struct backup *backup, const struct pull *pull, bool json)
{
    FILE *out = backup->file == stdout ? stderr : stdout;
    char ledger[33] = "";
    char position[POSITION_TEXT_BYTES];
    unsigned length = position_format((struct position){pull->place.epoch, pull->place.seq}, position);
    for (unsigned i = 0; i < 16; i++)
        (void)snprintf(ledger + (size_t)2 * i, 3, "%02x", pull->place.ledger_id[i]);
    if (json)
        fprintf(out,
                "{\"to\":\"%s\",\"ledger\":\"%s\",\"position\":\"%.*s\",\"frames\":%llu,\"bytes\":%llu}\n", backup->to,
                ledger, (int)length, position, (unsigned long long)backup->new_frames,
                (unsigned long long)backup->new_bytes);
    else
        fprintf(out, "%s: ledger %s up to position %.*s; %llu frames, %llu bytes are new\n", backup->to, ledger,
                (int)length, position, (unsigned long long)backup->new_frames,
                (unsigned long long)backup->new_bytes);
}

static bool has_suffix(const char *text, const char *suffix)
{
    size_t n = strlen(text);
    size_t m = strlen(suffix);
    return n > m && strcmp(text + n - m, suffix) == 0;
}

/* What to copy from: an address has a scheme, or nothing that a path has. */
static bool is_directory(const char *word)
{
    struct stat there;
    return strstr(word, "://") == NULL && (strchr(word, '/') != NULL || (stat(word, &there) == 0 && S_ISDIR(there.st_mode)));
}

static int into_files(struct backup *backup, struct pull *pull)
{
    struct taker *taker = &backup->taker;
    enum status status = taker_init(taker, linux_env(), backup->to);
    if (status == STATUS_OK)
        status = taker_resume(taker);
    if (status == STATUS_NOT_FOUND)
        status = STATUS_OK; /* it begins with the stream */
    for (unsigned attempt = 0; status == STATUS_OK; attempt++) {
        if (taker->journal != NULL)
            journal_copied(taker->journal, &pull->at);
        status = copy(backup, pull);
        enum status written = status == STATUS_OK || status == STATUS_AGAIN ? taker_flush(taker) : status;
        if (written != STATUS_OK)
            status = written;
        if (status != STATUS_AGAIN || !pull->connected || attempt + 1 == ATTEMPTS)
            break;
        status = STATUS_OK;
        (void)nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    }
    int code = status == STATUS_OK ? EXIT_DONE : explain(backup, pull, status);
    if (taker->journal == NULL && backup->made)
        (void)rmdir(backup->to); /* nothing came */
    taker_deinit(taker);
    return code;
}

static int into_stream(struct backup *backup, struct pull *pull)
{
    char part[4096];
    bool standard = strcmp(backup->to, "-") == 0;
    (void)snprintf(part, sizeof(part), "%s.part", backup->to);
    if (!standard && access(backup->to, F_OK) == 0) {
        cli_error("backup", "%s is there already: a backup in one file is written anew and whole; name another one", backup->to);
        return EXIT_FILES;
    }
    backup->file = standard ? stdout : fopen(part, "wb");
    if (backup->file == NULL) {
        cli_error("backup", "%s cannot be written: %s", part, strerror(errno));
        return EXIT_FILES;
    }
    enum status status = copy(backup, pull);
    int code = status == STATUS_OK ? EXIT_DONE : explain(backup, pull, status);
    if (standard)
        return cli_finish("backup", code);
    if (code == EXIT_DONE &&
        (fflush(backup->file) != 0 || fsync(fileno(backup->file)) != 0 || rename(part, backup->to) != 0)) {
        cli_error("backup", "%s cannot be written: %s", backup->to, strerror(errno));
        code = EXIT_FILES;
    }
    (void)fclose(backup->file);
    if (code != EXIT_DONE)
        (void)unlink(part);
    return code;
}

int cmd_backup(int argc, char **argv)
{
    struct backup backup = {.to = NULL};
    const char *server = NULL;
    bool json = false;
    const struct args_option table[] = {{"server", ARGS_TEXT, &server},
                                        {"to", ARGS_TEXT, &backup.to},
                                        {"json", ARGS_FLAG, &json},
                                        {NULL, ARGS_FLAG, NULL}};
    const char *words[1];
    unsigned word_count;
    int code;
    if (!args_parse(argc, argv, table, words, 1, &word_count, &code))
        return code;
    if (backup.to == NULL || backup.to[0] == 0) {
        cli_error("backup", "where to? say --to DIRECTORY, --to FILE" FILE_SUFFIX " or --to -");
        return EXIT_USAGE;
    }
    struct client client = {0};
    backup.offline = word_count == 1 && is_directory(words[0]);
    if (!backup.offline && client_init(&client, "backup", args_server(word_count == 1 ? words[0] : server)) != STATUS_OK)
        return EXIT_USAGE;
    struct pull pull = {
        .base = backup.offline ? words[0] : client.base, .until_now = true, .context = &backup, .item = on_item};
    struct stat there, from;
    backup.made = stat(backup.to, &there) != 0;
    bool directory = backup.made ? !has_suffix(backup.to, FILE_SUFFIX) : S_ISDIR(there.st_mode);
    directory = directory && strcmp(backup.to, "-") != 0;
    if (backup.offline && !backup.made && stat(words[0], &from) == 0 && from.st_dev == there.st_dev &&
        from.st_ino == there.st_ino) {
        cli_error("backup", "'%s' is both what is copied and where to: name another directory", words[0]);
        return EXIT_USAGE;
    }
    code = directory ? into_files(&backup, &pull) : into_stream(&backup, &pull);
    if (code == EXIT_DONE)
        report(&backup, &pull, json);
    client_deinit(&client);
    return cli_finish("backup", code);
}
