/*
 * Operations: is it alive, is it ready, its counters in the Prometheus text format, its audit, and its description.
 * None of them waits for the engine.
 */
#include "api/openapi.h"
#include "api/routes.h"

#include <stdio.h>

static void metric(struct buffer *out, const char *name, const char *type, const char *help)
{
    char line[256];
    int n = snprintf(line, sizeof(line), "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
    buffer_append(out, line, (size_t)n);
}

static void value(struct buffer *out, const char *name, const char *labels, uint64_t number)
{
    char line[256];
    int n = snprintf(line, sizeof(line), "%s%s %llu\n", name, labels, (unsigned long long)number);
    buffer_append(out, line, (size_t)n);
}

static void single(struct buffer *out, const char *name, const char *type, const char *help, uint64_t number)
{
    metric(out, name, type, help);
    value(out, name, "", number);
}

/* ---- sources ---- */

#define LATENESS "onhand_source_lateness_seconds"
#define METRICS_BYTES_MAX ((size_t)8 << 20) /* QUALITY_SOURCES_MAX sources of 16 lines and the longest names */

/* The value of a label: backslash and quote are escaped, control characters are in no name. */
static void label(struct buffer *out, struct text text)
{
    for (uint32_t i = 0; i < text.length; i++) {
        if (text.bytes[i] == '\\' || text.bytes[i] == '"')
            buffer_byte(out, '\\');
        buffer_byte(out, text.bytes[i]);
    }
}

/* NAME{source="…"MORE} NUMBER */
static void of_source(struct buffer *out, const char *name, struct text source, const char *more, const char *number)
{
    buffer_text(out, text_of(name, strlen(name)));
    buffer_literal(out, "{source=\"");
    label(out, source);
    buffer_byte(out, '"');
    buffer_text(out, text_of(more, strlen(more)));
    buffer_literal(out, "} ");
    buffer_text(out, text_of(number, strlen(number)));
    buffer_byte(out, '\n');
}

static const char *whole(char room[32], uint64_t number)
{
    (void)snprintf(room, 32, "%llu", (unsigned long long)number);
    return room;
}

static const char *seconds(char room[32], uint64_t us)
{
    (void)snprintf(room, 32, "%llu.%06u", (unsigned long long)(us / 1000000), (unsigned)(us % 1000000));
    return room;
}

static void commands_of_source(struct buffer *out, struct text source, const struct quality_counts *counts)
{
    const struct {
        const char *more;
        uint64_t number;
    } rows[] = {{",outcome=\"accepted\"", counts->accepted},
                {",outcome=\"refused\"", counts->refused},
                {",outcome=\"invalid\"", counts->invalid},
                {",outcome=\"replayed\"", counts->replayed}};
    char room[32];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        of_source(out, "onhand_source_commands_total", source, rows[i].more, whole(room, rows[i].number));
}

static void contradictions_of_source(struct buffer *out, struct text source, const struct quality_counts *counts)
{
    char room[32];
    of_source(out, "onhand_source_contradictions_total", source, "", whole(room, counts->contradictions));
}

static void skew_of_source(struct buffer *out, struct text source, const struct quality_counts *counts)
{
    char room[32];
    of_source(out, "onhand_source_clock_skew_total", source, "", whole(room, counts->clock_skew));
}

static void heard_of_source(struct buffer *out, struct text source, const struct quality_counts *counts)
{
    char room[32];
    of_source(out, "onhand_source_heard_timestamp_seconds", source, "", seconds(room, (uint64_t)counts->heard_us));
}

static void silence_of_source(struct buffer *out, struct text source, const struct quality_counts *counts)
{
    of_source(out, "onhand_source_silent", source, "", counts->silent ? "1" : "0");
}

static void drift_of_source(struct buffer *out, struct text source, const struct quality_counts *counts)
{
    char room[32];
    of_source(out, "onhand_source_drift", source, "", whole(room, counts->drift));
}

static void lateness_of_source(struct buffer *out, struct text source, const struct quality_counts *counts)
{
    static const char *const bounds[QUALITY_LATENESS_COUNT + 1] = {
#define X(seconds) ",le=\"" #seconds "\"",
        QUALITY_LATENESS_MAP(X)
#undef X
        ",le=\"+Inf\""};
    char room[32];
    uint64_t through = 0;
    for (unsigned i = 0; i <= QUALITY_LATENESS_COUNT; i++) {
        through += counts->late[i];
        of_source(out, LATENESS "_bucket", source, bounds[i], whole(room, through));
    }
    of_source(out, LATENESS "_sum", source, "", seconds(room, counts->late_sum_us));
    of_source(out, LATENESS "_count", source, "", whole(room, through));
}

/* Of each source, metric by metric; the server's own names are nobody's. */
static void source_metrics(struct buffer *out, const struct service *service)
{
    const struct quality *quality = shard_quality(service->shard);
    const struct {
        const char *name, *type, *help;
        void (*lines)(struct buffer *out, struct text source, const struct quality_counts *counts);
    } rows[] = {
        {"onhand_source_commands_total", "counter", "Commands of a source since the start, by outcome.",
         commands_of_source},
        {"onhand_source_contradictions_total", "counter",
         "Events discrepancy and oversold that a source's commands caused.", contradictions_of_source},
        {"onhand_source_clock_skew_total", "counter", "Commands whose source's clock was more than 5 minutes ahead.",
         skew_of_source},
        {"onhand_source_heard_timestamp_seconds", "gauge", "Log time of the last decision of a source, 0 for none.",
         heard_of_source},
        {"onhand_source_silent", "gauge", "1 while a watched source is silent.", silence_of_source},
        {"onhand_source_drift", "gauge", "What a source said last of cells that differs from the books.", drift_of_source},
        {LATENESS, "histogram", "From when a source says it happened to when it was decided.",
         lateness_of_source},
    };
    uint32_t count = quality_count(quality);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        metric(out, rows[i].name, rows[i].type, rows[i].help);
        for (uint32_t s = 0; s < count; s++) {
            struct quality_counts counts;
            struct text source = ledger_name(service->ledger, NAME_SOURCE, s);
            if (source.bytes[0] != '@' && quality_counts(quality, s, &counts))
                rows[i].lines(out, source, &counts);
        }
    }
}

/* ---- the audit ---- */

static void duration(struct buffer *out, const char *name, const char *help, int64_t ns)
{
    char line[128];
    metric(out, name, "gauge", help);
    int n = snprintf(line, sizeof(line), "%s %.3f\n", name, (double)ns / 1e9);
    buffer_append(out, line, (size_t)n);
}

static void audit_metrics(struct buffer *out, const struct service *service)
{
    struct audit_report report;
    auditor_look(engine_auditor(service->engine), &report);
    single(out, "onhand_audit_passes_total", "counter", "Complete passes of the audit.", report.passes);
    single(out, "onhand_audit_entries_total", "counter", "Entries the audit has looked at.", report.entries);
    single(out, "onhand_audit_violations", "gauge", "1 when the audit has found a contradiction: nothing is taken in.",
           report.state == AUDITOR_FAILED);
    if (report.age_ns < 0)
        return; /* absent until there is one */
    duration(out, "onhand_audit_pass_seconds", "Duration of the last complete pass.", report.pass_ns);
    duration(out, "onhand_audit_age_seconds", "Time since the last complete pass.", report.age_ns);
}

static void verify_metrics(struct buffer *out, const struct service *service)
{
    struct verifier_report report;
    verifier_look(service->verifier, &report);
    single(out, "onhand_verifies_total", "counter", "Times that the journal was read back and compared with the memory.",
           report.runs);
    single(out, "onhand_verify_running", "gauge", "1 while it is.", report.state == VERIFIER_RUNNING);
    single(out, "onhand_verify_wrong", "gauge", "1 when the last one found something wrong.", report.state == VERIFIER_WRONG);
    if (report.age_ns >= 0)
        duration(out, "onhand_verify_age_seconds", "Time since the last one ended.", report.age_ns);
}

static void checkpoint_metrics(struct buffer *out, const struct checkpointer *checkpointer)
{
    const struct checkpointer_counters counters = checkpointer_counters(checkpointer);
    single(out, "onhand_checkpoints_total", "counter", "Checkpoints made.", counters.made);
    single(out, "onhand_checkpoint_failures_total", "counter", "Checkpoints that could not be made.", counters.failures);
    single(out, "onhand_checkpoint_behind_bytes", "gauge", "Journal behind the newest checkpoint.", counters.behind_bytes);
    if (counters.made == 0)
        return; /* absent until there is one */
    single(out, "onhand_checkpoint_seq", "gauge", "Last event in the newest checkpoint.", counters.last_seq);
    single(out, "onhand_checkpoint_bytes", "gauge", "Bytes of the newest checkpoint.", counters.last_bytes);
    duration(out, "onhand_checkpoint_seconds", "Duration of making it.", counters.last_took_ns);
}

/* ---- a standby ---- */

static void standby_metrics(struct buffer *out, const struct service *service)
{
    enum engine_role role = engine_role(service->engine);
    single(out, "onhand_standby", "gauge", "1 while the server is a standby.", role == ROLE_STANDBY);
    single(out, "onhand_fenced", "gauge", "1 when another server took over from this one.", role == ROLE_FENCED);
    if (role != ROLE_STANDBY)
        return;
    struct standby_report report;
    standby_look(service->standby, &report);
    duration(out, "onhand_standby_lag_seconds", "How old what it shows is at most.", report.lag_us * 1000);
    single(out, "onhand_standby_position", "counter", "Sequence number of the last event applied.",
           journal_durable_seq(service->journal));
    single(out, "onhand_standby_primary_position", "counter", "Sequence number of the last event durable at the primary, as told.",
           report.primary_seq);
    single(out, "onhand_standby_following", "gauge", "1 while the primary's journal comes in.", report.following);
}

static void respond_metrics(struct connection *connection)
{
    struct service *service = connection->io->service;
    const struct shard_counters shard = shard_counters(service->shard);
    const struct ledger_counts tables = shard_gauges(service->shard);
    const struct journal_counters journal = journal_counters(service->journal);
    const struct journal_disk disk = journal_disk(service->journal);
    struct buffer out;
    buffer_init(&out, METRICS_BYTES_MAX);
    metric(&out, "onhand_commands_total", "counter", "Commands decided since the start, by kind and outcome.");
    for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
        char labels[128];
        snprintf(labels, sizeof(labels), "{kind=\"%s\",outcome=\"accepted\"}", kind_name((enum command_kind)kind));
        value(&out, "onhand_commands_total", labels, shard.accepted[kind]);
        snprintf(labels, sizeof(labels), "{kind=\"%s\",outcome=\"refused\"}", kind_name((enum command_kind)kind));
        value(&out, "onhand_commands_total", labels, shard.refused[kind]);
    }
    single(&out, "onhand_commands_replayed_total", "counter", "Answers given again for a known id.", shard.replayed);
    single(&out, "onhand_commands_invalid_total", "counter", "Commands answered 422 by the ledger.", shard.invalid);
    single(&out, "onhand_commands_shed_total", "counter", "Commands shed: nothing happened, send again.", shard.shed);
    single(&out, "onhand_holds_expired_total", "counter", "Holds that came to their end.", shard.expired);
    single(&out, "onhand_covers_total", "counter", "Times that backordered units were covered.", shard.covered);
    single(&out, "onhand_shorts_total", "counter", "Times that units of claims lost cover.", shard.shortened);
    single(&out, "onhand_waits_served_total", "counter", "Times that waiting holds got something.", shard.served);
    single(&out, "onhand_silences_total", "counter", "Times that a watched source fell silent.", shard.silences);
    single(&out, "onhand_items", "gauge", "Items.", tables.items);
    single(&out, "onhand_locations", "gauge", "Locations.", tables.locations);
    single(&out, "onhand_sources", "gauge", "Sources.", tables.sources);
    single(&out, "onhand_channels", "gauge", "Channels.", tables.channels);
    single(&out, "onhand_cells", "gauge", "Cells: items at locations.", tables.cells);
    single(&out, "onhand_quotas", "gauge", "Quotas of channels in cells.", tables.quotas);
    single(&out, "onhand_offers", "gauge", "Items of channels whose availability is kept.", tables.offers);
    single(&out, "onhand_holds_open", "gauge", "Holds that have not ended.", tables.claims_live);
    single(&out, "onhand_holds_kept", "gauge", "Holds that have ended and are remembered.", tables.claims_kept);
    single(&out, "onhand_ids", "gauge", "Ids that are remembered.", tables.ids);
    single(&out, "onhand_reads_total", "counter", "Point reads.", shard.reads);
    single(&out, "onhand_durable_seq", "counter", "Sequence number of the last durable event.",
           journal_durable_seq(service->journal));
    single(&out, "onhand_epoch", "gauge", "Number of the journal's epoch.", epoch_number(journal_epoch(service->journal)));
    single(&out, "onhand_journal_flushes_total", "counter", "Durable writes.", journal.flushes);
    single(&out, "onhand_journal_frames_total", "counter", "Flush groups written.", journal.frames);
    single(&out, "onhand_journal_record_bytes_total", "counter", "Bytes of records.", journal.record_bytes);
    single(&out, "onhand_journal_disk_bytes_total", "counter", "Bytes written durably.", journal.disk_bytes);
    single(&out, "onhand_journal_segments", "gauge", "Segments in the data directory.", journal.segments);
    single(&out, "onhand_journal_packed_total", "counter", "Old segments rewritten compressed.", journal.packed);
    single(&out, "onhand_journal_packed_raw_bytes_total", "counter", "Bytes of frames in them before.",
           journal.packed_raw_bytes);
    single(&out, "onhand_journal_packed_bytes_total", "counter", "Bytes of the same compressed.", journal.packed_bytes);
    single(&out, "onhand_journal_dropped_total", "counter", "Old segments dropped, by --retain-days or --retain-mib.",
           journal.dropped);
    single(&out, "onhand_journal_dropped_bytes_total", "counter", "Bytes of their files.", journal.dropped_bytes);
    single(&out, "onhand_journal_oldest_seq", "counter", "Sequence number of the oldest event kept.",
           journal_oldest_seq(service->journal));
    single(&out, "onhand_journal_pack_failures_total", "counter", "Times that a segment could not be rewritten.",
           journal.pack_failures);
    if (service->checkpointer != NULL)
        checkpoint_metrics(&out, service->checkpointer);
    single(&out, "onhand_connections", "gauge", "Open connections.", atomic_load(&service->connections));
    single(&out, "onhand_connections_refused_total", "counter", "Connections closed because there were too many.",
           atomic_load(&service->connections_refused));
    single(&out, "onhand_accepts_delayed_total", "counter", "Connections that waited for memory.",
           atomic_load(&service->accepts_owed));
    single(&out, "onhand_connections_slow_total", "counter", "Connections closed because the peer read nothing.",
           atomic_load(&service->slow_closed));
    single(&out, "onhand_requests_total", "counter", "HTTP requests.", atomic_load(&service->requests));
    single(&out, "onhand_subscribers", "gauge", "Readers waiting at the end of the feed.",
           atomic_load(&service->subscribers));
    single(&out, "onhand_clock_jumped", "gauge", "1 while the clock stands too far ahead and nothing is taken in.",
           inbox_clock_jumped(service->inbox));
    int64_t ahead_us = inbox_clock_ahead_us(service->inbox);
    duration(&out, "onhand_clock_ahead_seconds", "How far the clock has jumped ahead.", max_i64(0, ahead_us) * 1000);
    duration(&out, "onhand_clock_behind_seconds", "How far the clock stands behind the log.", max_i64(0, -ahead_us) * 1000);
    single(&out, "onhand_journal_read_failures_total", "counter", "Reads of segments that failed or found damage.",
           journal.read_failures);
    single(&out, "onhand_disk_full", "gauge", "1 while commands are refused because the disk is full.", disk.full);
    single(&out, "onhand_disk_low", "gauge", "1 when space ahead of the journal could not be had.", disk.low);
    standby_metrics(&out, service);
    audit_metrics(&out, service);
    verify_metrics(&out, service);
    single(&out, "onhand_ready", "gauge", "1 while commands are taken in.",
           !engine_failed(service->engine) && engine_role(service->engine) == ROLE_PRIMARY &&
               auditor_problem(engine_auditor(service->engine)) == NULL && !disk.full &&
               !inbox_clock_jumped(service->inbox) && !atomic_load(&service->stopping));
    source_metrics(&out, service);
    respond(connection, 200, "text/plain; version=0.0.4; charset=utf-8", TEXT_NONE, text_of(out.bytes, out.length));
    buffer_deinit(&out);
}

/* Another server takes the commands. */
static void respond_role_problem(struct connection *connection)
{
    struct service *service = connection->io->service;
    struct standby_report report;
    char text[STANDBY_TEXT_BYTES + 512];
    if (engine_role(service->engine) == ROLE_FENCED) {
        respond_problem(connection, 503, "fenced", TEXT_NONE, TEXT("another server took over from this one; see the log"));
        return;
    }
    standby_look(service->standby, &report);
    int n = snprintf(text, sizeof(text), "a standby, %lld ms behind %s at most%s%s", (long long)(report.lag_us / 1000),
                     service->standby->primary, report.problem[0] != 0 ? ": " : "", report.problem);
    respond_problem(connection, 503, "standby", TEXT_NONE, text_of(text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1));
}

static void respond_ready(struct connection *connection)
{
    struct service *service = connection->io->service;
    const char *contradiction = auditor_problem(engine_auditor(service->engine));
    if (engine_failed(service->engine)) {
        respond_problem(connection, 503, "journal_failed", TEXT_NONE,
                        TEXT("a write of the journal failed; the server ends and must be started again"));
    } else if (contradiction != NULL) {
        respond_problem(connection, 503, "audit_failed", TEXT_NONE, text_of(contradiction, strlen(contradiction)));
    } else if (engine_role(service->engine) != ROLE_PRIMARY) {
        respond_role_problem(connection);
    } else if (inbox_clock_jumped(service->inbox)) {
        respond_problem(connection, 503, "clock_jumped", TEXT_NONE,
                        TEXT("the clock has jumped ahead: nothing is taken in until it is set right"));
    } else if (journal_disk(service->journal).full) {
        respond_problem(connection, 503, "disk_full", TEXT_NONE,
                        TEXT("the disk of the data directory is full: nothing is taken in until there is space; see the log"));
    } else if (atomic_load(&service->stopping)) {
        respond_problem(connection, 503, "stopping", TEXT_NONE, TEXT("the server is stopping"));
    } else {
        struct buffer out;
        buffer_init(&out, 1024);
        buffer_literal(&out, "{\"ready\":true,\"version\":\"");
        buffer_append(&out, service->version, strlen(service->version));
        buffer_literal(&out, "\",\"position\":");
        render_position(&out, journal_epochs(service->journal), journal_durable_seq(service->journal));
        buffer_literal(&out, "}\n");
        respond(connection, 200, "application/json", TEXT_NONE, text_of(out.bytes, out.length));
        buffer_deinit(&out);
    }
}

static void write_units(struct buffer *out, const char *key, int64_t units, uint8_t scale)
{
    buffer_append(out, key, strlen(key));
    json_units(out, units, scale);
}

static void write_name(struct buffer *out, const char *key, struct text name)
{
    if (!text_present(name))
        return;
    buffer_append(out, key, strlen(key));
    json_string(out, name);
}

static void write_violation(struct buffer *out, const struct finding *finding)
{
    buffer_literal(out, "{\"invariant\":");
    json_string(out, literal_text(invariant_name(finding->invariant)));
    buffer_literal(out, ",\"what\":");
    json_string(out, literal_text(finding->what));
    buffer_literal(out, ",\"table\":");
    json_string(out, literal_text(finding->table));
    buffer_literal(out, ",\"entry\":");
    json_u64(out, finding->entry);
    buffer_literal(out, ",\"entries\":");
    json_u64(out, finding->entries);
    write_name(out, ",\"item\":", finding->item);
    write_name(out, ",\"location\":", finding->location);
    write_name(out, ",\"name\":", finding->name);
    if (finding->expected != finding->found) {
        write_units(out, ",\"expected\":", finding->expected, finding->scale);
        write_units(out, ",\"found\":", finding->found, finding->scale);
    }
    buffer_literal(out, "}");
}

static void respond_audit(struct connection *connection)
{
    static const char *const states[] = {"off", "running", "resting", "failed"};
    struct service *service = connection->io->service;
    struct audit_report report;
    struct buffer out;
    auditor_look(engine_auditor(service->engine), &report);
    buffer_init(&out, 16 * 1024);
    buffer_literal(&out, "{\"state\":");
    json_string(&out, literal_text(states[report.state]));
    buffer_literal(&out, ",\"passes\":");
    json_u64(&out, report.passes);
    buffer_literal(&out, ",\"entries\":");
    json_u64(&out, report.entries);
    if (report.age_ns >= 0) {
        buffer_literal(&out, ",\"pass_ms\":");
        json_u64(&out, (uint64_t)report.pass_ns / 1000000);
        buffer_literal(&out, ",\"age_ms\":");
        json_u64(&out, (uint64_t)report.age_ns / 1000000);
    }
    buffer_literal(&out, ",\"invariants\":[");
    for (unsigned i = 0; i < INVARIANT_COUNT; i++) {
        buffer_append(&out, ",", i != 0);
        buffer_literal(&out, "{\"invariant\":");
        json_string(&out, literal_text(invariant_name((enum invariant)i)));
        buffer_literal(&out, ",\"checked\":");
        json_u64(&out, report.checked[i]);
        buffer_literal(&out, "}");
    }
    buffer_literal(&out, "]");
    if (report.state == AUDITOR_FAILED) {
        buffer_literal(&out, ",\"violation\":");
        write_violation(&out, &report.finding);
        buffer_literal(&out, ",\"detail\":");
        json_string(&out, literal_text(auditor_problem(engine_auditor(service->engine))));
    }
    buffer_literal(&out, "}\n");
    respond(connection, 200, "application/json", TEXT_NONE, text_of(out.bytes, out.length));
    buffer_deinit(&out);
}

static void on_begin(struct connection *connection)
{
    route_query(connection, NULL, 0, NULL);
}

static void on_body_end(struct connection *connection)
{
    switch ((enum operations_call)connection->call) {
    case OPERATIONS_LIVE:
        respond(connection, 200, "application/json", TEXT_NONE, TEXT("{\"live\":true}\n"));
        return;
    case OPERATIONS_READY:
        respond_ready(connection);
        return;
    case OPERATIONS_METRICS:
        respond_metrics(connection);
        return;
    case OPERATIONS_OPENAPI:
        respond(connection, 200, "application/json", TEXT_NONE, openapi_text());
        return;
    case OPERATIONS_AUDIT:
        respond_audit(connection);
        return;
    }
}

const struct handler operations_handler = {.begin = on_begin, .body_end = on_body_end};
