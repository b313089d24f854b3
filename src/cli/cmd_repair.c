/*
 * onhand repair: makes a damaged data directory start again, by giving up what is from the damage on. Without --give-up it
 * only says what that would be. What can still be read of it goes into a file, for its sources to send again: it cannot be
 * applied, because decisions depend on all before them. Files are put aside, never deleted.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/dump.h"
#include "feed/position.h"
#include "journal/repair.h"

struct work {
    const char *path;
    struct dump dump;
    struct repair_loss loss;
    uint64_t kinds[KIND_COUNT];
    uint64_t acknowledged; /* events */
};

static void on_lost(void *context, const struct journal_met *met)
{
    struct work *work = context;
    uint64_t before = work->dump.event_count;
    work->dump.acknowledged = met->frame->ordinal <= work->loss.durable_frame;
    dump_frame(&work->dump, met);
    work->acknowledged += work->dump.acknowledged ? work->dump.event_count - before : 0;
}

static void print_loss(const struct work *work, const struct recovery_end *kept, bool json)
{
    char position[POSITION_TEXT_BYTES];
    const struct repair_loss *loss = &work->loss;
    unsigned n = position_format((struct position){epochs_of(&kept->segment.epochs, kept->last_seq), kept->last_seq}, position);
    uint64_t unread = loss->last_seq > kept->last_seq + work->dump.event_count
                          ? loss->last_seq - kept->last_seq - work->dump.event_count : 0;
    if (json) {
        printf("{\"kept\":\"%.*s\",\"files\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"frames\":%" PRIu64
               ",\"events\":%" PRIu64 ",\"acknowledged\":%" PRIu64 ",\"unreadable\":%" PRIu64 ",\"decisions\":{",
               (int)n, position, loss->files, loss->bytes, loss->frames, work->dump.event_count, work->acknowledged, unread);
        const char *comma = "";
        for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
            if (work->kinds[kind] != 0) {
                printf("%s\"%s\":%" PRIu64, comma, kind_name((enum command_kind)kind), work->kinds[kind]);
                comma = ",";
            }
        }
        printf("}}\n");
        return;
    }
    printf("kept          up to position %.*s\ngiven up      %" PRIu64 " bytes, and %" PRIu64 " files whole\n", (int)n, position,
           loss->bytes, loss->files);
    printf("readable      %" PRIu64 " frames, %" PRIu64 " events, %" PRIu64 " of them acknowledged for sure\n", loss->frames,
           work->dump.event_count, work->acknowledged);
    printf("not readable  %" PRIu64 " events, which were acknowledged when anything behind them was\n", unread);
    for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
        if (work->kinds[kind] != 0)
            printf("  %-14s %" PRIu64 " decisions\n", kind_name((enum command_kind)kind), work->kinds[kind]);
    }
}

/* The events that can be read, in a file; NULL as its name only counts them. */
static bool list_lost(struct work *work, struct repair *repair, const char *name)
{
    const struct journal_frames lost = {.context = work, .met = on_lost};
    char file[4096];
    (void)snprintf(file, sizeof(file), "%s/%s", work->path, name == NULL ? "" : name);
    work->dump.out = fopen(name == NULL ? "/dev/null" : file, name == NULL ? "w" : "wx");
    if (work->dump.out == NULL) {
        cli_error("repair", "'%s' cannot be written: %s", file, strerror(errno));
        return false;
    }
    enum status status = repair_look(repair, NULL, &work->loss);
    struct repair_loss again;
    if (status == STATUS_OK)
        status = repair_look(repair, &lost, &again);
    bool good = status == STATUS_OK && !work->dump.failed && fflush(work->dump.out) == 0 &&
                (name == NULL || fsync(fileno(work->dump.out)) == 0);
    (void)fclose(work->dump.out);
    if (!good)
        cli_error("repair", "'%s': what is behind the damage cannot be listed: %s. Nothing was changed", work->path,
                  status != STATUS_OK ? env_last_error() : strerror(errno));
    return good;
}

static int finish(const struct work *work, struct repair *repair)
{
    enum status status = repair_end(repair);
    if (status == STATUS_OK)
        return EXIT_DONE;
    cli_error("repair", "'%s': the repair was begun and not ended: %s (%s). Run it again: it goes on", work->path,
              status_text(status), env_last_error());
    return EXIT_FILES;
}

static int carry_out(struct work *work, struct repair *repair, bool give_up, bool json)
{
    char stamp[32];
    char name[64];
    time_t now = time(NULL);
    struct tm utc;
    (void)strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &utc));
    (void)snprintf(name, sizeof(name), "given-up-%s.jsonl", stamp);
    if (!list_lost(work, repair, give_up ? name : NULL))
        return EXIT_FILES;
    print_loss(work, repair_kept(repair), json);
    if (!give_up) {
        cli_error("repair", "nothing was changed. To give this up say --give-up; a backup that has it is better");
        return EXIT_REFUSED;
    }
    enum status status = repair_begin(repair, stamp);
    if (status != STATUS_OK) {
        cli_error("repair", "'%s': cannot prepare it: %s (%s). Nothing was changed but files called repair.*; run it again",
                  work->path, status_text(status), env_last_error());
        return EXIT_FILES;
    }
    int code = finish(work, repair);
    if (code == EXIT_DONE)
        fprintf(stderr, "repaired. What was given up is in *.given-up-%s; what could be read of it, in %s: let its sources send it "
                        "again. An epoch begins\n", stamp, name);
    return code;
}

static int run(struct work *work, bool give_up, bool json)
{
    const struct journal_replay replay = rebuild_replay_whole(&work->dump.rebuild);
    struct journal_report report;
    struct repair *repair = NULL;
    int code = EXIT_FILES;
    enum status status = repair_open(linux_env(), work->path, &replay, NULL, &repair, &report);
    switch ((unsigned)status) {
    case STATUS_OK:
        fprintf(stderr, "%s\n", report.problem);
        if (work->dump.rebuild.limit_too_low != NULL)
            cli_error("repair", "'%s': the state does not fit this version's limit of %s", work->path,
                      work->dump.rebuild.limit_too_low);
        else
            code = carry_out(work, repair, give_up, json);
        break;
    case STATUS_AGAIN:
        if (!give_up)
            cli_error("repair", "'%s': a repair was begun and not ended. Say --give-up to end it", work->path);
        code = give_up ? finish(work, repair) : EXIT_REFUSED;
        break;
    case STATUS_END:
        printf(json ? "{\"damaged\":false}\n" : "nothing is damaged; nothing was changed\n");
        return EXIT_DONE;
    case STATUS_INVALID:
        cli_error("repair", "'%s': %s. Nothing of it can be kept: restore a backup", work->path, report.problem);
        return EXIT_REFUSED;
    default:
        cli_error("repair", "'%s': %s", work->path, report.problem[0] != 0 ? report.problem : status_text(status));
        return status == STATUS_VERSION || status == STATUS_DAMAGED ? EXIT_REFUSED : EXIT_FILES;
    }
    repair_close(repair);
    return code;
}

int cmd_repair(int argc, char **argv)
{
    static struct work work;
    bool give_up = false;
    bool json = false;
    const struct args_option table[] = {
        {"give-up", ARGS_FLAG, &give_up}, {"json", ARGS_FLAG, &json}, {NULL, ARGS_FLAG, NULL}};
    unsigned word_count;
    int code;
    if (!args_parse(argc, argv, table, &work.path, 1, &word_count, &code))
        return code;
    if (word_count != 1) {
        cli_error("repair", "which data directory? say: onhand repair DIR");
        return EXIT_USAGE;
    }
    if (!dump_init(&work.dump, stdout)) {
        cli_error("repair", "memory for the tables cannot be had");
        dump_deinit(&work.dump);
        return EXIT_FILES;
    }
    work.dump.events_only = work.dump.keep_names = work.dump.mark = true;
    work.dump.kind_counts = work.kinds;
    code = run(&work, give_up, json);
    dump_deinit(&work.dump);
    return cli_finish("repair", code);
}
