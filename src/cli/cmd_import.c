/* onhand import: the rows of a CSV file as commands of an ordered source. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/json_write.h"
#include "cli/args.h"
#include "cli/csv_file.h"
#include "cli/digest.h"
#include "cli/mapping.h"
#include "cli/progress.h"
#include "cli/rejects.h"
#include "cli/stream.h"

#define COMMAND_BYTES_MAX  (1024 * 1024) /* JSON of one row: fields of up to 64 KiB, as long as rows may be */
#define FIRST_REJECT_BYTES 400           /* of the first rejected row, what is printed with the result */
#define PROBLEM_BYTES_MAX  1024
#define SOURCE_PREFIX_MAX  100 /* bytes; a name has 128, the hash takes 17 */
#define HASH_DIGITS        16
#define DRY_RUN_COMMANDS   5

struct import {
    const char *path;
    int file;
    struct stat before; /* of the file, when it was opened */
    struct csv_file csv;
    struct mapping mapping;
    bool has_header;
    bool row_waits; /* without a header: the first row is read, and still to be imported */
    uint64_t header_bytes;
    char source[SOURCE_PREFIX_MAX + HASH_DIGITS + 2];
    struct buffer command;
    struct buffer problem;
    struct rejects rejects;
    char first_reject[FIRST_REJECT_BYTES]; /* its line and reason, cut; for a mistake that all rows have in common */
    struct progress progress;
    uint64_t remark_count;
};

/* ---- rows ---- */

static bool is_remark(const struct csv_row *row)
{
    struct text mark = TEXT(REJECTS_REMARK);
    return row->fields[0].length >= mark.length && memcmp(row->fields[0].bytes, mark.bytes, mark.length) == 0;
}

enum row_status { ROW_COMMAND, ROW_BAD, ROW_END, ROW_FAILED };

/* The next row: import->command or import->problem is filled. */
static enum row_status next_row(struct import *import, struct mapping_oddity *oddity)
{
    for (;;) {
        enum csv_status parsed = CSV_ROW;
        if (!import->row_waits && csv_file_next(&import->csv, &parsed) != STATUS_OK) {
            cli_error("import", "%s cannot be read at line %" PRIu64 ": %s", import->path, import->csv.line,
                      strerror(errno));
            return ROW_FAILED;
        }
        import->row_waits = false;
        const struct csv_row *row = &import->csv.row;
        if (parsed == CSV_END)
            return ROW_END;
        if (parsed == CSV_BAD) {
            char text[PROBLEM_BYTES_MAX];
            snprintf(text, sizeof(text), "column #%u: %s", row->problem_column, row->problem);
            buffer_reset(&import->problem);
            buffer_append(&import->problem, text, strlen(text));
            return ROW_BAD;
        }
        if (is_remark(row)) {
            import->remark_count++;
            continue;
        }
        bool good = mapping_command(&import->mapping, row, text_of(import->source, strlen(import->source)),
                                    import->csv.row_line, &import->command, &import->problem, oddity);
        return good ? ROW_COMMAND : ROW_BAD;
    }
}

/* Reads the header and binds the mapping to it. */
static int read_header(struct import *import)
{
    enum csv_status parsed = CSV_END;
    if (csv_file_next(&import->csv, &parsed) != STATUS_OK) {
        cli_error("import", "%s cannot be read: %s", import->path, strerror(errno));
        return EXIT_FILES;
    }
    if (parsed == CSV_END) {
        cli_error("import", "%s is empty; there is not even a header", import->path);
        return EXIT_REFUSED;
    }
    if (parsed == CSV_BAD) {
        cli_error("import", "%s: the first row, column #%u: %s", import->path, import->csv.row.problem_column,
                  import->csv.row.problem);
        return EXIT_REFUSED;
    }
    import->row_waits = !import->has_header;
    import->header_bytes = import->has_header ? import->csv.row_offset + import->csv.row_bytes : 0;
    return mapping_bind(&import->mapping, &import->csv.row, import->has_header) ? EXIT_DONE : EXIT_USAGE;
}

/* ---- sending ---- */

static enum stream_next import_next(void *context, struct stream_line *out_line)
{
    struct import *import = context;
    struct mapping_oddity oddity;
    enum row_status status = next_row(import, &oddity);
    out_line->number = import->csv.row_line;
    out_line->origin_offset = import->csv.row_offset;
    out_line->origin_bytes = import->csv.row_bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)import->csv.row_bytes;
    switch (status) {
    case ROW_COMMAND:
        out_line->bytes = text_of(import->command.bytes, import->command.length);
        return STREAM_LINE;
    case ROW_BAD:
        out_line->bytes = text_of(import->problem.bytes, import->problem.length);
        return STREAM_LOCAL;
    case ROW_END:
        return STREAM_END;
    case ROW_FAILED:
        break;
    }
    return STREAM_FAILED;
}

static void append_part(struct buffer *out, const char *before, struct text part)
{
    if (part.length == 0)
        return;
    buffer_append(out, before, strlen(before));
    buffer_text(out, part);
}

static bool import_answered(void *context, const struct stream_answer *answer)
{
    struct import *import = context;
    struct buffer reason;
    buffer_init(&reason, PROBLEM_BYTES_MAX * 16);
    switch (answer->verdict) {
    case STREAM_VERDICT_ACCEPTED:
        return true;
    case STREAM_VERDICT_REFUSED:
        buffer_literal(&reason, "refused");
        break;
    case STREAM_VERDICT_INVALID:
        buffer_literal(&reason, "invalid");
        break;
    case STREAM_VERDICT_LOCAL:
        buffer_literal(&reason, "not sent");
        break;
    }
    append_part(&reason, " ", answer->code);
    append_part(&reason, ", ", answer->field);
    append_part(&reason, ": ", answer->detail);
    append_part(&reason, "; ", answer->cells);
    const struct outbox_entry *entry = answer->entry;
    if (import->first_reject[0] == '\0') {
        snprintf(import->first_reject, sizeof(import->first_reject), "line %" PRIu64 ": %.*s", entry->number,
                 (int)reason.length, reason.length == 0 ? "" : reason.bytes);
        for (char *byte = import->first_reject; *byte != '\0'; byte++)
            *byte = (unsigned char)*byte < 0x20 || *byte == 0x7f ? '?' : *byte; /* it goes to a terminal */
    }
    enum status status = rejects_add(&import->rejects, entry->number, text_of(reason.bytes, reason.length),
                                     entry->origin_offset, entry->origin_bytes);
    buffer_deinit(&reason);
    if (status != STATUS_OK) {
        progress_clear(&import->progress);
        cli_error("import", "the rejects file %s cannot be written: %s", import->rejects.path, strerror(errno));
    }
    return status == STATUS_OK;
}

static bool import_advanced(void *context, const struct stream_totals *totals, uint64_t done_offset)
{
    struct import *import = context;
    progress_show(&import->progress, totals->accepted + totals->refused + totals->invalid + totals->local, done_offset);
    return true;
}

static void print_result(const struct import *import, const struct stream_totals *totals, bool json)
{
    uint64_t rows = totals->accepted + totals->refused + totals->invalid + totals->local + totals->unanswered;
    double seconds = progress_seconds(&import->progress);
    if (json) {
        struct buffer names;
        buffer_init(&names, 2 * sizeof(import->source) + 8 * REJECTS_PATH_BYTES_MAX);
        json_string(&names, text_of(import->source, strlen(import->source)));
        size_t source_bytes = names.length;
        bool rejected = import->rejects.count != 0;
        json_string(&names, rejected ? text_of(import->rejects.path, strlen(import->rejects.path)) : TEXT_NONE);
        printf("{\"source\":%.*s,\"rows\":%" PRIu64 ",\"accepted\":%" PRIu64 ",\"replayed\":%" PRIu64
               ",\"refused\":%" PRIu64 ",\"invalid\":%" PRIu64 ",\"not_sent\":%" PRIu64 ",\"unanswered\":%" PRIu64
               ",\"rejects\":%" PRIu64 ",\"rejects_file\":%.*s,\"seconds\":%.3f,\"position\":\"%s\"}\n",
               (int)source_bytes, names.bytes, rows, totals->accepted, totals->replayed, totals->refused,
               totals->invalid, totals->local, totals->unanswered, import->rejects.count,
               (int)(names.length - source_bytes), names.bytes + source_bytes, seconds, totals->position);
        buffer_deinit(&names);
        return;
    }
    char text[PROGRESS_NUMBER_BYTES];
    printf("%s rows as source %s", progress_number(rows, text), import->source);
    printf(": %s accepted", progress_number(totals->accepted, text));
    printf(", %s refused", progress_number(totals->refused, text));
    printf(", %s invalid", progress_number(totals->invalid + totals->local, text));
    if (totals->replayed != 0)
        printf("; %s of them were answered before", progress_number(totals->replayed, text));
    printf("; %.1f s (%s rows/s)\n", seconds, progress_number((uint64_t)((double)rows / seconds), text));
    if (import->rejects.count != 0)
        printf("the first: %s\n"
               "%s rows are in %s with their reasons: mend them there and import that file\n",
               import->first_reject, progress_number(import->rejects.count, text), import->rejects.path);
}

/* True when the file is still what it was when its hash was taken. */
static bool unchanged(const struct import *import)
{
    struct stat now;
    return fstat(import->file, &now) == 0 && now.st_size == import->before.st_size &&
           now.st_mtim.tv_sec == import->before.st_mtim.tv_sec && now.st_mtim.tv_nsec == import->before.st_mtim.tv_nsec;
}

struct import_how {
    const char *server;
    const char *rejects_path;
    int64_t patience_s; /* -1 for the usual */
    bool json, quiet;
};

static int send_rows(struct import *import, const struct import_how *how)
{
    struct client client;
    struct stream_totals totals;
    enum status status =
        rejects_init(&import->rejects, how->rejects_path, import->path, import->file, import->header_bytes);
    if (status != STATUS_OK) {
        cli_error("import", "%s cannot be the rejects file: %s; name another with --rejects",
                  how->rejects_path == NULL ? import->path : how->rejects_path,
                  status == STATUS_EXISTS ? "it is the imported file, or there are too many of that name"
                                          : "its name is too long");
        return EXIT_USAGE;
    }
    status = client_init(&client, "import", args_server(how->server));
    if (status != STATUS_OK)
        return status == STATUS_INVALID ? EXIT_USAGE : EXIT_ANSWER;
    progress_start(&import->progress, "import", "rows", (uint64_t)import->before.st_size, how->quiet);
    struct stream_work work = {
        .context = import,
        .next = import_next,
        .answered = import_answered,
        .advanced = import_advanced,
        .wait_file = -1,
        .answers = STREAM_ANSWERS_ERRORS,
        .patience_s = how->patience_s < 0 ? STREAM_PATIENCE_S : how->patience_s,
        .patient_at_start = how->patience_s >= 0,
    };
    int code = stream_run(&client, &work, &totals);
    progress_clear(&import->progress);
    bool complete = code == EXIT_DONE || code == EXIT_REFUSED;
    if ((complete || import->rejects.count != 0) && rejects_finish(&import->rejects) != STATUS_OK) {
        cli_error("import", "the rejects file %s cannot be written: %s", import->rejects.path, strerror(errno));
        code = EXIT_FILES;
    }
    print_result(import, &totals, how->json);
    if (!complete)
        cli_error("import",
                  "rows sent without an answer: %" PRIu64 "; repeat the same command, nothing is applied twice",
                  totals.unanswered);
    if (!unchanged(import)) {
        cli_error("import",
                  "%s changed while it was read: what was sent may be a mixture; check it, then import an "
                  "unchanging copy",
                  import->path);
        code = EXIT_FILES;
    }
    client_deinit(&client);
    return code;
}

/* ---- dry run ---- */

static void print_mapping(const struct import *import)
{
    char text[PROGRESS_NUMBER_BYTES];
    printf("file      %s, %s bytes\nsource    %s\n", import->path,
           progress_number((uint64_t)import->before.st_size, text), import->source);
    for (unsigned i = 0; i < import->mapping.field_count; i++) {
        const struct mapping_field *field = &import->mapping.fields[i];
        if (field->constant)
            printf("  %-14s = '%s'\n", field->name, field->value);
        else
            printf("  %-14s from column #%u %s\n", field->name, field->column + 1,
                   field->value[0] == '#' ? "" : field->value);
    }
    if (import->mapping.kind_auto)
        printf("  %-14s receive for quantities from 0, sale with the magnitude below\n", "kind");
    if (import->mapping.kind_negative != NULL)
        printf("  %-14s %s with the magnitude for quantities below 0\n", "kind", import->mapping.kind_negative);
}

static int dry_run(struct import *import)
{
    struct {
        uint64_t rows, bad, negative, zero, bad_quantity, empty_field;
    } count = {0, 0, 0, 0, 0, 0};
    print_mapping(import);
    for (;;) {
        struct mapping_oddity oddity = {false, false, false, false};
        enum row_status status = next_row(import, &oddity);
        if (status == ROW_FAILED)
            return EXIT_FILES;
        if (status == ROW_END)
            break;
        if (count.rows == 0)
            printf("the first %d commands or problems:\n", DRY_RUN_COMMANDS);
        struct buffer *shown = status == ROW_COMMAND ? &import->command : &import->problem;
        if (count.rows < DRY_RUN_COMMANDS)
            printf("  %s%.*s\n", status == ROW_COMMAND ? "" : "bad: ", (int)shown->length, shown->bytes);
        count.rows++;
        count.bad += status == ROW_BAD;
        count.negative += oddity.negative;
        count.zero += oddity.zero;
        count.bad_quantity += oddity.bad_quantity;
        count.empty_field += oddity.empty_field;
    }
    printf("rows %" PRIu64 ", of which bad %" PRIu64 " (quantity no number %" PRIu64 ", needed value empty %" PRIu64
           "); quantity below 0 %" PRIu64 ", quantity 0 %" PRIu64 "; remarks passed over %" PRIu64 "\n",
           count.rows, count.bad, count.bad_quantity, count.empty_field, count.negative, count.zero,
           import->remark_count);
    puts("nothing was sent (--dry-run)");
    return count.bad == 0 ? EXIT_DONE : EXIT_REFUSED;
}

/* ---- the command line ---- */

static bool set_kind(struct mapping *mapping, const char *kind)
{
    char text[MAPPING_NAME_BYTES_MAX];
    if (kind == NULL)
        return true;
    if (strcmp(kind, MAPPING_KIND_AUTO) == 0) {
        mapping->kind_auto = true;
        return true;
    }
    if ((size_t)snprintf(text, sizeof(text), "kind=%s", kind) < sizeof(text))
        return mapping_add_constant(mapping, text);
    cli_error("import", "--kind '%.40s...' is no kind", kind);
    return false;
}

static bool set_location(struct mapping *mapping, const char *location)
{
    char text[MAPPING_NAME_BYTES_MAX];
    if (location == NULL)
        return true;
    if ((size_t)snprintf(text, sizeof(text), "location=%s", location) < sizeof(text))
        return mapping_add_constant(mapping, text);
    cli_error("import", "--location '%.40s...' is longer than a name may be (128 bytes)", location);
    return false;
}

static bool separator_of(const char *text, char *out_separator)
{
    if (strcmp(text, "tab") == 0) {
        *out_separator = '\t';
        return true;
    }
    if (strlen(text) == 1 && strchr("\"\r\n", text[0]) == NULL) {
        *out_separator = text[0];
        return true;
    }
    cli_error("import", "--separator takes one character, or tab, not '%s'", text);
    return false;
}

/* Names the file as a source by the hash of its bytes. */
static int name_source(struct import *import, const char *prefix)
{
    char hash[DIGEST_HEX_BYTES];
    uint64_t bytes = 0;
    if (prefix[0] == '\0' || prefix[0] == '@' || strlen(prefix) > SOURCE_PREFIX_MAX) {
        cli_error("import", "--source-prefix '%s' must have 1 to %d bytes and not begin with '@'", prefix,
                  SOURCE_PREFIX_MAX);
        return EXIT_USAGE;
    }
    enum status status = digest_file(import->file, hash, &bytes);
    if (status != STATUS_OK) {
        cli_error("import", "%s cannot be read: %s", import->path,
                  status == STATUS_IO ? strerror(errno) : status_text(status));
        return EXIT_FILES;
    }
    snprintf(import->source, sizeof(import->source), "%s:%.*s", prefix, HASH_DIGITS, hash);
    return EXIT_DONE;
}

static int run(struct import *import, const char *prefix, char separator, bool dry, const struct import_how *how)
{
    int code = name_source(import, prefix);
    if (code != EXIT_DONE)
        return code;
    enum status status = csv_file_init(&import->csv, import->file, separator);
    if (status != STATUS_OK) {
        cli_error("import", "%s cannot be read: %s", import->path,
                  status == STATUS_INVALID ? "it is UTF-16 or UTF-32; save it as CSV in UTF-8"
                  : status == STATUS_IO    ? strerror(errno)
                                           : status_text(status));
        return EXIT_FILES;
    }
    code = read_header(import);
    if (code == EXIT_DONE)
        code = dry ? dry_run(import) : send_rows(import, how);
    csv_file_deinit(&import->csv);
    return code;
}

int cmd_import(int argc, char **argv)
{
    struct import *import = calloc(1, sizeof(*import)); /* a row has hundreds of fields: too large for a stack */
    struct args_list maps = {.count = 0}, sets = {.count = 0};
    const char *kind = NULL, *location = NULL, *prefix = "import", *separator_text = ",", *words[1] = {NULL};
    bool dry = false, no_header = false;
    struct import_how how = {.patience_s = -1};
    unsigned word_count = 0;
    int code = EXIT_DONE;
    char separator = ',';
    if (import == NULL) {
        cli_error("import", "memory cannot be had");
        return EXIT_ANSWER;
    }
    struct mapping *mapping = &import->mapping;
    const struct args_option options[] = {
        {"server", ARGS_TEXT, &how.server},
        {"map", ARGS_LIST, &maps},
        {"set", ARGS_LIST, &sets},
        {"kind", ARGS_TEXT, &kind},
        {"kind-negative", ARGS_TEXT, &mapping->kind_negative},
        {"location", ARGS_TEXT, &location},
        {"zone", ARGS_TEXT, &mapping->zone},
        {"source-prefix", ARGS_TEXT, &prefix},
        {"separator", ARGS_TEXT, &separator_text},
        {"no-header", ARGS_FLAG, &no_header},
        {"rejects", ARGS_TEXT, &how.rejects_path},
        {"dry-run", ARGS_FLAG, &dry},
        {"json", ARGS_FLAG, &how.json},
        {"quiet", ARGS_FLAG, &how.quiet},
        {"patience", ARGS_NUMBER, &how.patience_s},
        {NULL, ARGS_FLAG, NULL},
    };
    if (!args_parse(argc, argv, options, words, 1, &word_count, &code))
        goto done;
    code = EXIT_USAGE;
    if (word_count == 0 || strcmp(words[0], "-") == 0) {
        cli_error("import", "a file is needed (its hash names the source); usage: onhand import FILE.csv --map "
                            "item=COLUMN,quantity=COLUMN --kind KIND --location LOCATION");
        goto done;
    }
    bool mapped = separator_of(separator_text, &separator);
    for (unsigned i = 0; mapped && i < maps.count; i++)
        mapped = mapping_add_columns(mapping, maps.values[i]);
    for (unsigned i = 0; mapped && i < sets.count; i++)
        mapped = mapping_add_constant(mapping, sets.values[i]);
    if (!mapped || !set_kind(mapping, kind) || !set_location(mapping, location))
        goto done;
    import->path = words[0];
    import->has_header = !no_header;
    buffer_init(&import->command, COMMAND_BYTES_MAX);
    buffer_init(&import->problem, PROBLEM_BYTES_MAX);
    import->file = open(import->path, O_RDONLY | O_CLOEXEC);
    if (import->file < 0 || fstat(import->file, &import->before) != 0 || !S_ISREG(import->before.st_mode)) {
        cli_error("import", "%s cannot be read: %s", import->path,
                  import->file < 0 ? strerror(errno) : "it is not a regular file");
        code = EXIT_FILES;
    } else {
        code = cli_finish("import", run(import, prefix, separator, dry, &how));
    }
    if (import->file >= 0)
        (void)close(import->file); /* only read */
    buffer_deinit(&import->command);
    buffer_deinit(&import->problem);
done:
    free(import);
    return code;
}
