#include "cli/dump.h"

#include <inttypes.h>
#include <stdlib.h>

#include "api/render.h"
#include "base/rfc3339.h"
#include "cli/cli.h"
#include "feed/position.h"

#define OUT_BYTES_MAX ((size_t)1 << 30) /* of one frame, which is at most 7 MiB long */

bool dump_init(struct dump *dump, FILE *out)
{
    const struct ledger_limits limits = ledger_limits_most(); /* whatever the server was started with */
    *dump = (struct dump){.out = out, .range = DUMP_ALL, .log_us = INT64_MIN};
    dump->decision.events = calloc(DECISION_EVENTS_MAX, sizeof(struct event));
    dump->decision.shortages = calloc(COMMAND_LINES_MAX, sizeof(struct shortage));
    return rebuild_init(&dump->rebuild, linux_env(), &limits) == STATUS_OK && dump->decision.events != NULL &&
           dump->decision.shortages != NULL;
}

void dump_deinit(struct dump *dump)
{
    free(dump->decision.events);
    free(dump->decision.shortages);
    for (uint32_t i = 0; i < dump->name_count; i++)
        free((void *)(uintptr_t)dump->names[i].name.bytes); /* ours, made by keep_name */
    free(dump->names);
    rebuild_deinit(&dump->rebuild);
}

/* A name that events behind it may have. */
static void keep_name(struct dump *dump, const struct new_name *name)
{
    char *copy = malloc((size_t)name->name.length + 1);
    if (dump->name_count == dump->name_max) {
        uint32_t max = 2 * dump->name_max + 64;
        struct new_name *names = realloc(dump->names, max * sizeof(*names));
        if (names != NULL) {
            dump->names = names;
            dump->name_max = max;
        }
    }
    if (copy == NULL || dump->name_count == dump->name_max) {
        free(copy);
        dump->failed = true;
        return;
    }
    memcpy(copy, name->name.bytes, name->name.length);
    dump->names[dump->name_count++] =
        (struct new_name){name->space, name->number, text_of(copy, name->name.length)};
}

/* A time in quotes. */
static void put_time(struct buffer *out, int64_t us)
{
    char text[RFC3339_TEXT_BYTES];
    unsigned n = rfc3339_format(us, text);
    buffer_byte(out, '"');
    buffer_append(out, text, n);
    buffer_byte(out, '"');
}

/* "2x0c3f1" */
static void put_epoch(struct buffer *out, uint32_t epoch)
{
    char text[POSITION_TEXT_BYTES];
    unsigned n = position_format((struct position){epoch, 0}, text);
    buffer_byte(out, '"');
    buffer_append(out, text, n - 2); /* without "-0" */
    buffer_byte(out, '"');
}

static void put_hex(struct buffer *out, const uint8_t *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    buffer_byte(out, '"');
    for (size_t i = 0; i < n; i++) {
        buffer_byte(out, digits[bytes[i] >> 4]);
        buffer_byte(out, digits[bytes[i] & 15]);
    }
    buffer_byte(out, '"');
}

#define MEMBER(out, name, value)                                                                                       \
    do {                                                                                                               \
        buffer_literal((out), ",\"" name "\":");                                                                       \
        json_u64((out), (value));                                                                                      \
    } while (0)

static void put_segment(struct buffer *out, const struct journal_met *met)
{
    const struct segment *segment = met->segment;
    buffer_literal(out, "{\"segment\":");
    json_string(out, text_of(met->name, strlen(met->name)));
    MEMBER(out, "number", segment->number);
    buffer_literal(out, ",\"ledger\":");
    put_hex(out, segment->ledger_id, sizeof(segment->ledger_id));
    buffer_literal(out, ",\"epoch\":");
    put_epoch(out, segment->epochs.now);
    MEMBER(out, "level", segment->level);
    MEMBER(out, "first_seq", segment->first_seq);
    MEMBER(out, "first_frame", segment->first_ordinal);
    buffer_literal(out, ",\"created_at\":");
    put_time(out, segment->created_us);
    buffer_literal(out, ",\"epochs\":[");
    for (uint32_t i = 0; i < segment->epochs.count; i++) {
        const struct epoch *epoch = &segment->epochs.list[i];
        const char *reason = epoch_reason_text(epoch->reason);
        if (i > 0)
            buffer_byte(out, ',');
        buffer_literal(out, "{\"epoch\":");
        put_epoch(out, epoch->epoch);
        buffer_literal(out, ",\"why\":");
        json_string(out, text_of(reason, strlen(reason)));
        MEMBER(out, "parted_seq", epoch->parted_seq);
        buffer_literal(out, ",\"began_at\":");
        put_time(out, epoch->began_us);
        buffer_byte(out, '}');
    }
    buffer_literal(out, "]}\n");
}

static void put_frame(struct buffer *out, const struct journal_met *met)
{
    const struct frame *frame = met->frame;
    uint8_t chain[4] = {(uint8_t)(frame->chain >> 24), (uint8_t)(frame->chain >> 16), (uint8_t)(frame->chain >> 8),
                        (uint8_t)frame->chain};
    buffer_literal(out, "{\"frame\":");
    json_u64(out, frame->ordinal);
    MEMBER(out, "offset", met->offset);
    MEMBER(out, "bytes", frame->frame_bytes);
    MEMBER(out, "record_bytes", frame->record_bytes);
    MEMBER(out, "level", frame->level);
    MEMBER(out, "first_seq", frame->first_seq);
    MEMBER(out, "last_seq", frame->last_seq);
    MEMBER(out, "durable_frame", frame->durable_ordinal);
    MEMBER(out, "durable_seq", frame->durable_seq);
    buffer_literal(out, ",\"log_time\":");
    put_time(out, frame->log_us);
    buffer_literal(out, ",\"chain\":");
    put_hex(out, chain, sizeof(chain));
    buffer_literal(out, "}\n");
}

static bool in_time(const struct dump *dump, int64_t us)
{
    return us >= dump->range.from_us && us <= dump->range.to_us;
}

static void put_events(struct dump *dump, struct buffer *out, const struct epochs *epochs)
{
    const struct decision *decision = &dump->decision;
    static const struct new_name none[1];
    const struct render render = {dump->rebuild.ledger, epochs, dump->name_count,
                                  dump->names != NULL || !dump->keep_names ? dump->names : none};
    if (dump->kind_counts != NULL)
        dump->kind_counts[decision->kind]++;
    for (uint32_t i = 0; i < decision->event_count && in_time(dump, decision->recorded_at_us); i++) {
        uint64_t seq = decision->events[i].seq;
        if (seq < dump->range.from_seq || seq > dump->range.to_seq)
            continue;
        if (dump->mark && dump->acknowledged)
            buffer_literal(out, "{\"acknowledged\":true,\"event\":");
        else if (dump->mark)
            buffer_literal(out, "{\"acknowledged\":false,\"event\":");
        else if (!dump->events_only)
            buffer_literal(out, "{\"event\":");
        render_event(out, &render, decision, i);
        if (dump->mark || !dump->events_only)
            buffer_byte(out, '}');
        buffer_byte(out, '\n');
        dump->event_count++;
    }
}

static void put_record(struct dump *dump, struct buffer *out, const struct journal_met *met, const struct record *record)
{
    static const struct text spaces[NAME_SPACE_COUNT] = {{"item", 4}, {"location", 8}, {"source", 6}, {"channel", 7}};
    if (record->type == RECORD_DECISION) {
        put_events(dump, out, &met->segment->epochs);
        return;
    }
    if (record->type == RECORD_NAME && dump->keep_names)
        keep_name(dump, &record->name);
    if (dump->events_only || (record->type == RECORD_TICK && !in_time(dump, record->tick_us)))
        return;
    switch (record->type) {
    case RECORD_GENESIS:
        buffer_literal(out, "{\"genesis\":");
        put_hex(out, record->genesis.ledger_id, sizeof(record->genesis.ledger_id));
        break;
    case RECORD_NAME:
        buffer_literal(out, "{\"name\":");
        json_string(out, record->name.name);
        buffer_literal(out, ",\"of\":");
        json_string(out, spaces[record->name.space]);
        MEMBER(out, "number", record->name.number);
        break;
    case RECORD_TICK:
        buffer_literal(out, "{\"tick\":");
        put_time(out, record->tick_us);
        break;
    case RECORD_SEAL:
        buffer_literal(out, "{\"seal\":true");
        break;
    case RECORD_DECISION:
    case RECORD_SKIP:
        return;
    }
    buffer_literal(out, "}\n");
}

void dump_frame(struct dump *dump, const struct journal_met *met)
{
    const struct frame *frame = met->frame;
    int64_t before_us = dump->log_us;
    dump->log_us = frame->log_us;
    if (frame->last_seq < dump->range.from_seq || frame->first_seq > dump->range.to_seq ||
        frame->log_us < dump->range.from_us || before_us > dump->range.to_us || dump->failed)
        return;
    struct buffer out;
    buffer_init(&out, OUT_BYTES_MAX);
    if (!dump->events_only && met->segment->number != dump->segment_number)
        put_segment(&out, met);
    dump->segment_number = met->segment->number;
    if (!dump->events_only)
        put_frame(&out, met);
    const uint8_t *records = met->bytes + FRAME_HEADER_BYTES;
    for (size_t at = 0; at < frame->record_bytes && !out.failed;) {
        struct record record;
        if (record_decode(records + at, frame->record_bytes - at, &dump->decision, &record) != STATUS_OK)
            break; /* it was decoded when it was replayed */
        put_record(dump, &out, met, &record);
        at += record.bytes;
    }
    dump->failed = dump->failed || out.failed || fwrite(out.bytes, 1, out.length, dump->out) != out.length;
    buffer_deinit(&out);
}

int dump_refused(const char *command, const char *path, const struct journal_report *report, enum status status)
{
    cli_error(command, "'%s': %s", path, report->problem[0] != 0 ? report->problem : status_text(status));
    return status == STATUS_DAMAGED || status == STATUS_VERSION ? EXIT_REFUSED : EXIT_FILES;
}

static void on_frame(void *context, const struct journal_met *met)
{
    struct dump *dump = context;
    if (dump->rebuild.limit_too_low == NULL)
        dump_frame(dump, met);
}

int dump_directory(struct dump *dump, const char *command, const char *path)
{
    const struct journal_replay replay = rebuild_replay_whole(&dump->rebuild);
    const struct journal_frames frames = {.context = dump, .met = on_frame};
    struct journal_report report = {0};
    enum status status = journal_walk(linux_env(), path, &replay, &frames, &report);
    if (dump->rebuild.limit_too_low != NULL)
        cli_error(command, "'%s': the state does not fit this version's limit of %s", path, dump->rebuild.limit_too_low);
    else if (dump->failed)
        cli_error(command, "standard output cannot be written, or memory is out");
    else
        return status == STATUS_OK ? EXIT_DONE : dump_refused(command, path, &report, status);
    return EXIT_FILES;
}
