#include "server/server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/io.h"
#include "server/archive.h"
#include "server/follower.h"
#include "server/log.h"
#include "server/peer.h"
#include "server/role_file.h"
#include "server/watch.h"

#define EXIT_UNUSABLE 4
#define EXIT_JOURNAL  70 /* EX_SOFTWARE of sysexits.h: restart me */

#define INBOX_BATCHES (SERVER_IO_THREADS_MAX * IO_BATCHES) /* of requests: all there are */
#define INBOX_ACTS    4 /* the follower's and a fence's, one each at a time: a submit fails only when closed */

struct server {
    const struct server_options *options;
    struct service service;
    struct inbox *inbox;
    struct engine *engine;
    pthread_t opener; /* the thread that opens the shard, with what became of it */
    enum status opened;
    struct journal_progress progress;
    struct io *io; /* io_count of them */
    uint32_t io_count;
    uint32_t io_ready, io_started;
    struct source_zones *zones;
    struct past_works *past, *replays;
    struct past_ledger *past_ledger;
    struct marker marker;
    struct checkpointer *checkpointer;
    struct retainer retainer;
    struct verifier *verifier;
    uint64_t replayed_bytes; /* of journal, at the start */
    enum engine_role role;
    char role_address[ROLE_TEXT_BYTES]; /* of the primary, or of who took over */
    char refusal[2 * ROLE_TEXT_BYTES];  /* what commands are told when it is fenced */
    struct standby standby;
    struct follower *follower; /* NULL for none */
    struct peer_watch *peers[2]; /* the same: of --peer, and of the primary that is followed */
    pthread_mutex_t fencing;   /* one at a time */
    char address[SERVICE_ADDRESS_BYTES]; /* that it listens on */
};

void server_options_init(struct server_options *options)
{
    *options = (struct server_options){
        .address = "127.0.0.1",
        .port = 4760,
        .connections_max = 12000,
        .segment_bytes = JOURNAL_SEGMENT_BYTES,
        .raw_segments = 4,
        .id_window_s = INT64_C(7) * 24 * 60 * 60,
        .id_capacity = 64 * 1024 * 1024,
        .clock_step_s = 60,
        .spin_us = 0,
        .audit_rate = AUDITOR_RATE_DEFAULT,
        .checkpoint_mib = (int64_t)(CHECKPOINTER_BYTES_DEFAULT >> 20),
        .history_days = 7,
        .past_keep_s = PAST_LEDGER_KEEP_S,
        .limits = {.item_count_max = 16 * 1024 * 1024,
                   .location_count_max = 64 * 1024,
                   .source_count_max = 64 * 1024,
                   .quota_count_max = 4 * 1024 * 1024,
                   .offer_count_max = 16 * 1024 * 1024,
                   .cell_count_max = 32 * 1024 * 1024,
                   .claim_count_max = 32 * 1024 * 1024,
                   .claim_line_count_max = 64 * 1024 * 1024,
                   .transfer_count_max = 1024 * 1024,
                   .expectation_count_max = 4 * 1024 * 1024,
                   .document_line_count_max = 16 * 1024 * 1024,
                   .mark_count_max = 4 * 1024 * 1024,
                   .statement_count_max = 4 * 1024 * 1024,
                   .review_count_max = 64 * 1024,
                   .id_count_max = 256 * 1024 * 1024,
                   .config_mib_max = 4096,
                   .part_count_max = 4 * 1024 * 1024,
                   .alias_count_max = 16 * 1024 * 1024},
    };
}

static bool is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

static void on_journal_failed(void *argument, enum status status)
{
    const struct server *server = argument;
    log_error("the journal cannot be written (%s: %s); %s. Nothing more is accepted; start again to recover from disk",
              status_text(status), journal_failure(server->service.journal), status_remedy(status));
    kill(getpid(), SIGUSR1);
}

static void on_audit_failed(void *argument, const char *problem)
{
    (void)argument;
    log_error("%s", problem);
}

static void on_checkpoint(void *argument, uint64_t last_seq, uint64_t bytes, int64_t took_ns)
{
    (void)argument;
    log_info("checkpoint of event %llu: %.1f MiB in %.1f s", (unsigned long long)last_seq,
             (double)bytes / (1024.0 * 1024.0), (double)took_ns / 1e9);
}

static void on_verified(void *argument, const struct verifier_report *report)
{
    (void)argument;
    if (report->state == VERIFIER_RIGHT)
        log_info("verified up to event %llu: %llu frames, %.1f MiB read back in %.1f s; journal and memory are right",
                 (unsigned long long)report->until_seq, (unsigned long long)report->frames,
                 (double)report->bytes / (1 << 20), (double)report->took_ns / 1e9);
    else if (report->state == VERIFIER_WRONG)
        log_error("verify: %s", report->problem);
    else
        log_warning("verify could not be carried out: %s", report->problem);
}

static void on_no_checkpoint(void *argument, enum status status, const char *problem)
{
    (void)argument;
    (void)status;
    log_error("%s", problem);
}

static const char *const reasons[] = {
    [RETAINED_NOT] = "nothing keeps it",
    [RETAINED_WANTED] = "the rest is younger than --retain-days, or the one file in use",
    [RETAINED_CHECKPOINT] = "a checkpoint is begun with there, which a start may need: --checkpoint-mib says how far they are apart",
    [RETAINED_LEDGER] = "an id or a review that is remembered has its answer there: --id-window says for how long",
    [RETAINED_HORIZON] = "--history-days says that questions about the past reach there, or a count or snapshot waits for a review since",
    [RETAINED_ARCHIVE] = "the archive command did not put it away",
};

static void on_retained(void *argument, const struct journal_retained *retained)
{
    (void)argument;
    if (retained->segments != 0)
        log_info("%llu old segments of the journal dropped, %.1f MiB", (unsigned long long)retained->segments,
                 (double)retained->bytes / (1024.0 * 1024.0));
    if (retained->over_bytes != 0)
        log_warning("the journal is %.1f MiB larger than --retain-mib: its oldest segment stays, because %s",
                    (double)retained->over_bytes / (1024.0 * 1024.0), reasons[retained->reason]);
}

static void on_not_retained(void *argument, const char *problem)
{
    (void)argument;
    log_error("no old segment of the journal was dropped: %s", problem);
}

static bool on_archive(void *argument, const char *name, const atomic_bool *stop)
{
    const struct server *server = argument;
    return archive_run(server->options->archive_command, server->options->data, name, stop);
}

/* What is dropped of the journal. False when nothing ever is. */
static bool set_up_retainer(struct server *server)
{
    const struct server_options *options = server->options;
    const int64_t day_us = INT64_C(86400) * 1000000;
    server->retainer = (struct retainer){
        .keep_us = options->retain_days == 0 ? INT64_MAX : options->retain_days * day_us,
        .most_bytes = options->retain_mib == 0 ? UINT64_MAX : (uint64_t)options->retain_mib << 20,
        .history_us = options->history_days * day_us,
        .archive = options->archive_command == NULL ? NULL : on_archive,
        .retained = on_retained,
        .failed = on_not_retained,
        .context = server,
    };
    return options->retain_days != 0 || options->retain_mib != 0;
}

/* The files of a process that are no connections: the journal's, its readers', those of the loops. One that the journal cannot
 * open is worse than a connection that is closed. */
#define FILES_KEPT           64
#define FILES_KEPT_OF_THREAD 8

static uint32_t connections_max(const struct server_options *options)
{
    struct rlimit limit;
    uint64_t kept = FILES_KEPT + FILES_KEPT_OF_THREAD * (uint64_t)options->io_threads;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return options->connections_max;
    uint64_t most = limit.rlim_cur > kept + options->io_threads ? (limit.rlim_cur - kept) / options->io_threads : 1;
    if (most >= options->connections_max)
        return options->connections_max;
    log_warning("%llu files may be open at once (ulimit -n): at most %llu connections are taken for each I/O thread, not %u",
                (unsigned long long)limit.rlim_cur, (unsigned long long)most, options->connections_max);
    return (uint32_t)most;
}

static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* with fewer files there are fewer connections, nothing else */
}

/* It is fenced: what commands are told, and the operator. */
static void tell_fenced(struct server *server)
{
    (void)snprintf(server->refusal, sizeof(server->refusal), "%s took over from this server: send to that one",
                   server->role_address);
    log_warning("%s: commands are refused, reads are answered. Follow that one with 'onhand follow'; if it never took over, "
                "remove the file role in '%s' and start again",
                server->refusal, server->options->data);
}

/* A copy that begins: first whose it is, so that what a kill leaves behind is never taken for a primary's. */
static enum status begin_copy(struct server *server, const struct shard_options *shard_options, struct journal_report *report)
{
    const struct env *env = linux_env();
    struct env_directory *directory = NULL;
    enum status status = env->directory_open(env->context, server->options->data, true, true, &directory);
    if (status != STATUS_OK) {
        (void)snprintf(report->problem, sizeof(report->problem), "%s", env_last_error());
        return status;
    }
    env->directory_close(env->context, directory);
    status = role_file_write(server->options->data, ROLE_STANDBY, server->options->follow);
    if (status != STATUS_OK) {
        (void)snprintf(report->problem, sizeof(report->problem), "the file role cannot be written in it");
        return status;
    }
    return shard_open(shard_options, &server->service.shard, report);
}

static enum status open_shard(struct server *server)
{
    const struct server_options *options = server->options;
    struct shard_options shard_options = {
        .journal = {.env = linux_env(),
                    .path = options->data,
                    .segment_bytes = options->segment_bytes,
                    .tail_bytes = JOURNAL_TAIL_BYTES,
                    .raw_segments = options->raw_segments,
                    .fault_no_flush = options->fault_no_flush,
                    .progress = &server->progress,
                    .copy = server->role != ROLE_PRIMARY},
        .limits = options->limits,
        .id_window_ms = options->id_window_s * 1000,
        .id_capacity = options->id_capacity,
        .strict = options->strict,
        .clock_start_max_us = INT64_C(30) * 24 * 60 * 60 * 1000000, /* DESIGN section 2, I6 */
        .accept_clock = options->accept_clock,
        .warm = true,
    };
    struct journal_report report;
    uint8_t ledger_id[16];
    if (server->role == ROLE_STANDBY && peer_ledger(options->follow, ledger_id))
        shard_options.ledger_id = ledger_id;
    int64_t begin_ns = linux_env()->monotonic_ns(linux_env()->context);
    enum status status = server->role == ROLE_STANDBY && follower_start_unfinished(options->data)
                             ? STATUS_NOT_FOUND
                             : shard_open(&shard_options, &server->service.shard, &report);
    if (status == STATUS_NOT_FOUND && server->role == ROLE_STANDBY) { /* it begins with what the primary's journal begins with */
        status = follower_fetch_start(options->follow, options->data, &server->progress.stop, report.problem);
        if (atomic_load(&server->progress.stop))
            status = STATUS_AGAIN;
        else if (status == STATUS_OK)
            status = begin_copy(server, &shard_options, &report);
        else
            log_error("nothing to begin the copy with comes from %s", options->follow);
    }
    if (status == STATUS_AGAIN && atomic_load(&server->progress.stop))
        return status;
    if (status != STATUS_OK) {
        log_error("data directory '%s': %s", options->data,
                  report.problem[0] != 0 ? report.problem : status_text(status));
        return status;
    }
    double seconds = (double)(linux_env()->monotonic_ns(linux_env()->context) - begin_ns) / 1e9;
    server->replayed_bytes = report.bytes_read;
    if (report.checkpoint_problem[0] != '\0')
        log_warning("a checkpoint was passed over: %s", report.checkpoint_problem);
    if (report.created)
        log_info("data directory '%s' is new", options->data);
    else if (report.checkpoint_seq != 0)
        log_info("data directory '%s': checkpoint of event %llu, and %llu decisions up to event %llu replayed, in %.3f s",
                 options->data, (unsigned long long)report.checkpoint_seq, (unsigned long long)report.decision_count,
                 (unsigned long long)report.last_seq, seconds);
    else
        log_info("data directory '%s': %llu decisions up to event %llu replayed in %.3f s", options->data,
                 (unsigned long long)report.decision_count, (unsigned long long)report.last_seq, seconds);
    if (report.cut_bytes != 0)
        log_warning("the last write before the stop was incomplete and never acknowledged: %llu bytes cut at %s",
                    (unsigned long long)report.cut_bytes, report.cut_where);
    if (server->role == ROLE_PRIMARY && options->peer != NULL &&
        peer_look(options->peer, shard_journal(server->service.shard)) == PEER_NEWER) {
        status = role_file_write(options->data, ROLE_FENCED, options->peer);
        if (status != STATUS_OK) {
            log_error("data directory '%s': %s took over, and the file role that says so cannot be written", options->data,
                      options->peer);
            shard_close(server->service.shard);
            return status;
        }
        journal_set_copy(shard_journal(server->service.shard), true);
        server->role = ROLE_FENCED;
        (void)snprintf(server->role_address, sizeof(server->role_address), "%s", options->peer);
        tell_fenced(server);
    }
    if (server->role != ROLE_PRIMARY)
        return STATUS_OK; /* it decides nothing */
    status = shard_settings(server->service.shard, linux_env()->wall_us(linux_env()->context));
    if (status == STATUS_NO_SPACE) {
        log_warning("data directory '%s': the disk is full. Reads are served; commands are refused, and what the command line "
                    "sets waits, until there is space", options->data);
        return STATUS_OK;
    }
    if (status == STATUS_OK)
        status = journal_flush(shard_journal(server->service.shard));
    if (status != STATUS_OK) {
        log_error("data directory '%s': the settings cannot be written: %s (%s)", options->data, status_text(status),
                  journal_failure(shard_journal(server->service.shard)));
        shard_close(server->service.shard);
    }
    return status;
}

/* What the directory says it is, and what the operator says. False, with a message, when they do not go together. */
static bool find_role(struct server *server)
{
    const struct server_options *options = server->options;
    if (role_file_read(options->data, &server->role, server->role_address) != STATUS_OK) {
        log_error("data directory '%s': the file role in it is not one that this version writes, or cannot be read. It says that "
                  "the directory is a standby's or fenced; look at it, and remove it if it should not be there",
                  options->data);
        return false;
    }
    if (options->follow != NULL && server->role == ROLE_PRIMARY && server->role_address[0] != 0) {
        log_error("data directory '%s' is of a server that was promoted, in place of %s, and takes commands: start it with 'onhand "
                  "serve'. If another one took over since, which did not reach it, and it is to be that one's standby, remove the file role in it",
                  options->data, server->role_address);
        return false;
    }
    if (options->follow != NULL) {
        server->role = ROLE_STANDBY;
        (void)snprintf(server->role_address, sizeof(server->role_address), "%s", options->follow);
    } else if (server->role == ROLE_STANDBY) {
        log_error("data directory '%s' is of a standby of %s: start it with 'onhand follow %s', and make it the one that takes "
                  "commands with 'onhand promote'",
                  options->data, server->role_address, server->role_address);
        return false;
    } else if (server->role == ROLE_FENCED) {
        tell_fenced(server);
    }
    return true;
}

/* ---- the end of taking commands in, and its beginning ---- */

struct fence_wait {
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done;
};

static void fence_wake(void *argument)
{
    struct fence_wait *wait = argument;
    CHECK(pthread_mutex_lock(&wait->lock) == 0);
    wait->is_done = true;
    CHECK(pthread_cond_signal(&wait->done) == 0);
    CHECK(pthread_mutex_unlock(&wait->lock) == 0);
}

/* Hands the act to the engine and waits until it is done. AGAIN when the server is stopping. */
static enum status act_here(struct server *server, struct batch_act *act)
{
    struct batch *batch = calloc(1, sizeof(*batch));
    if (batch == NULL)
        return STATUS_MEMORY;
    struct fence_wait wait = {.is_done = false};
    struct done_queue done;
    CHECK(pthread_mutex_init(&wait.lock, NULL) == 0 && pthread_cond_init(&wait.done, NULL) == 0);
    done_queue_init(&done, fence_wake, &wait);
    batch->done = &done;
    batch->act = act;
    bool submitted = inbox_submit(server->inbox, batch);
    CHECK(pthread_mutex_lock(&wait.lock) == 0);
    while (submitted && !wait.is_done)
        CHECK(pthread_cond_wait(&wait.done, &wait.lock) == 0);
    CHECK(pthread_mutex_unlock(&wait.lock) == 0);
    (void)done_queue_take(&done);
    done_queue_deinit(&done);
    CHECK(pthread_cond_destroy(&wait.done) == 0 && pthread_mutex_destroy(&wait.lock) == 0);
    free(batch);
    return submitted ? act->status : STATUS_AGAIN;
}

/* On a thread that may wait: first the file, then the engine, so that a crash between leaves it fenced. */
static enum status fence(void *context, const char *by, struct fenced_at *out_at)
{
    struct server *server = context;
    CHECK(pthread_mutex_lock(&server->fencing) == 0);
    enum status status = role_file_write(server->options->data, ROLE_FENCED, by);
    bool before = engine_role(server->engine) == ROLE_FENCED;
    if (!before) /* else it is being told: it stays */
        (void)snprintf(server->refusal, sizeof(server->refusal), "%s took over from this server: send to that one", by);
    struct batch_act act = {.kind = ACT_FENCE, .refusal = server->refusal};
    if (status == STATUS_OK)
        status = act_here(server, &act);
    if (status == STATUS_OK && !before)
        log_warning("%s takes over from this server at event %llu: commands are refused from now on", by,
                    (unsigned long long)act.seq);
    *out_at = (struct fenced_at){act.seq, act.ordinal, act.chain};
    CHECK(pthread_mutex_unlock(&server->fencing) == 0);
    return status;
}

static void on_promoted(void *argument)
{
    struct server *server = argument;
    if (!source_zones_load(server->zones, shard_ledger(server->service.shard)))
        log_error("no memory for the zones of sources: times without an offset are refused");
    if (role_file_write(server->options->data, ROLE_PRIMARY, server->standby.primary) != STATUS_OK)
        log_error("the file role in '%s' cannot be written: remove it, else the next start says that it is a standby's",
                  server->options->data);
    log_warning("promoted: this server takes commands from now on, behind event %llu",
                (unsigned long long)journal_durable_seq(server->service.journal));
}

static void on_copy_failed(void *argument, const char *problem)
{
    (void)argument;
    log_error("what %s cannot be applied: %s", "was copied", problem);
    kill(getpid(), SIGUSR1);
}

static void on_gave_up(const char *problem)
{
    log_error("%s", problem);
}

/* The standby, and the thread that follows. */
static bool start_following(struct server *server)
{
    const struct follower_options options = {.inbox = server->inbox,
                                             .journal = server->service.journal,
                                             .standby = &server->standby,
                                             .address = server->address,
                                             .gave_up = on_gave_up};
    if (server->role != ROLE_STANDBY)
        return true;
    server->follower = follower_start(&options);
    return server->follower != NULL;
}

/* The threads that look at the peer, and at the one that a standby follows, once it is promoted. */
static bool start_watching(struct server *server)
{
    bool standby = server->role == ROLE_STANDBY;
    const char *peer = server->options->peer;
    const char *former = standby ? server->standby.primary : NULL;
    const char *addresses[] = {peer, former != NULL && peer != NULL && strcmp(peer, former) == 0 ? NULL : former};
    for (unsigned i = 0; i < 2; i++) {
        const struct peer_options options = {.address = addresses[i],
                                             .own_address = server->address,
                                             .standby = standby ? &server->standby : NULL,
                                             .service = &server->service};
        if (options.address == NULL)
            continue;
        server->peers[i] = peer_watch_start(&options);
        if (server->peers[i] == NULL)
            return false;
    }
    return true;
}

/* The door: what there is before the journal is read. */
static void set_up_door(struct server *server)
{
    const struct server_options *options = server->options;
    struct service *service = &server->service;
    service->env = linux_env();
    service->zones = server->zones;
    service->past = server->past;
    service->replays = server->replays;
    service->progress = &server->progress;
    service->version = options->version;
    service->connection_count_max = connections_max(options);
    service->spin_ns = options->spin_us * 1000;
    service->hosts[service->host_count++] = "localhost";
    service->hosts[service->host_count++] = "127.0.0.1";
    service->hosts[service->host_count++] = "[::1]";
    service->hosts[service->host_count++] = options->address;
    for (uint32_t i = 0; i < options->host_count && service->host_count < SERVICE_HOSTS_MAX; i++)
        service->hosts[service->host_count++] = options->hosts[i];
}

/* The shard's part, before the door lets anything through to it. */
static void set_up_service(struct server *server)
{
    struct service *service = &server->service;
    service->journal = shard_journal(service->shard);
    service->ledger = shard_ledger(service->shard);
    service->engine = server->engine;
    service->inbox = server->inbox;
    service->past_ledger = server->past_ledger;
    service->checkpointer = server->checkpointer;
    service->verifier = server->verifier;
    service->standby = server->role == ROLE_STANDBY ? &server->standby : NULL;
    service->fence = fence;
    service->fence_context = server;
}

static enum status open_doors(struct server *server)
{
    int port = server->options->port;
    for (uint32_t i = 0; i < server->io_count; i++) {
        const char *problem = "";
        enum status status = STATUS_OK;
        if (i == 0 && server->io_count > 1 && port != 0)
            status = io_probe(server->options->address, port, &problem);
        if (status == STATUS_OK)
            status = io_init(&server->io[i], &server->service, server->options->address, &port,
                             server->io_count > 1, &problem);
        if (status != STATUS_OK) {
            log_error("cannot listen on %s:%d: %s; --listen ADDRESS:PORT names another, port 0 takes a free one",
                      server->options->address, port, problem);
            return status;
        }
        server->io_ready++;
    }
    bool v6 = strchr(server->options->address, ':') != NULL;
    for (uint32_t i = 0; i < server->io_count; i++) {
        if (io_start(&server->io[i]) != STATUS_OK)
            return STATUS_MEMORY;
        server->io_started++;
    }
    (void)snprintf(server->address, sizeof(server->address), "http://%s%s%s:%d", v6 ? "[" : "", server->options->address,
                   v6 ? "]" : "", port);
    return STATUS_OK;
}

static void close_doors(struct server *server)
{
    atomic_store(&server->service.stopping, true);
    for (uint32_t i = 0; i < server->io_started; i++)
        io_stop(&server->io[i]);
    for (uint32_t i = 0; i < server->io_started; i++)
        io_join(&server->io[i]);
    server->io_started = 0;
}

/* ---- reading the journal ---- */

#define TELL_S_MAX 30 /* from one line about it to the next, at most: at first it is a second, then twice as long each time */

static void *run_opener(void *argument)
{
    struct server *server = argument;
    server->opened = open_shard(server);
    kill(getpid(), SIGUSR2); /* wakes who waits */
    return NULL;
}

static void tell_progress(const struct server *server, int64_t seconds)
{
    const struct journal_progress *progress = &server->progress;
    uint64_t whole = atomic_load(&progress->bytes_to_read);
    uint64_t read = atomic_load(&progress->bytes_read);
    char left[64] = "";
    if (whole == 0)
        return;
    if (read != 0 && read < whole)
        (void)snprintf(left, sizeof(left), ", about %.0f s to go", (double)(whole - read) * (double)seconds / (double)read);
    log_info("recovering: %.1f of %.1f MiB read (%.0f %%), %llu decisions replayed, up to event %llu%s; %s/readyz tells it, too",
             (double)read / (1 << 20), (double)whole / (1 << 20), 100.0 * (double)read / (double)whole,
             (unsigned long long)atomic_load(&progress->decisions), (unsigned long long)atomic_load(&progress->last_seq),
             left, server->address);
}

/*
 * Opens the shard on a thread of its own, and tells how far it is meanwhile. False when it could not be opened (which is said), or
 * when it is to stop: then *out_code is the exit code.
 */
static bool open_shard_beside(struct server *server, const sigset_t *signals, int *out_code)
{
    sigset_t awaited = *signals;
    const struct timespec second = {.tv_sec = 1};
    int64_t seconds = 0;
    int64_t tell_s = 1;
    int number = 0;
    sigaddset(&awaited, SIGUSR2);
    if (pthread_create(&server->opener, NULL, run_opener, server) != 0) {
        log_error("there is no thread to read the journal with");
        return false;
    }
    while ((number = sigtimedwait(&awaited, NULL, &second)) < 0) {
        if (++seconds != tell_s)
            continue;
        tell_progress(server, seconds);
        tell_s += tell_s < TELL_S_MAX ? tell_s : TELL_S_MAX;
    }
    if (number != SIGUSR2)
        atomic_store(&server->progress.stop, true);
    CHECK(pthread_join(server->opener, NULL) == 0);
    if (number == SIGUSR2)
        return server->opened == STATUS_OK;
    *out_code = 0;
    if (server->opened == STATUS_AGAIN)
        log_info("stopped before the journal was read; nothing was changed in '%s'", server->options->data);
    else if (server->opened != STATUS_OK)
        *out_code = EXIT_UNUSABLE;
    else
        shard_close(server->service.shard); /* all was read before it was told */
    return false;
}

/* Until it is to stop; looks after the states that the log tells meanwhile. */
static int wait_for_signal(const struct server *server, const sigset_t *signals)
{
    const struct timespec pause = {.tv_sec = WATCH_S};
    struct watch watch = {0};
    int signal_number;
    while ((signal_number = sigtimedwait(signals, NULL, &pause)) < 0)
        watch_look(&watch, &server->service);
    return signal_number;
}

static int run_engine(struct server *server, const sigset_t *signals)
{
    const struct server_options *options = server->options;
    struct engine_options engine_options = {
        .env = linux_env(),
        .shard = server->service.shard,
        .sequencer = inbox_sequencer(server->inbox),
        .role = server->role,
        .refusal = server->role == ROLE_STANDBY ? server->standby.refusal : server->refusal,
        .seal_after_ns = ENGINE_SEAL_AFTER_NS,
        .audit_rate = options->audit_rate,
        .audit_pass_ns = AUDITOR_PASS_NS,
        .marker = &server->marker,
        .failed = on_journal_failed,
        .audit_failed = on_audit_failed,
        .copy_failed = on_copy_failed,
        .promoted = on_promoted,
        .failed_argument = server,
    };
    for (uint32_t i = 0; i < server->io_count; i++)
        engine_options.listeners[engine_options.listener_count++] = (struct engine_listener){io_wake, &server->io[i]};
    server->engine = engine_create(&engine_options);
    if (server->engine == NULL)
        return EXIT_UNUSABLE;
    int code = EXIT_UNUSABLE;
    set_up_service(server);
    bool engine_started = engine_start(server->engine) == STATUS_OK;
    if (engine_started) {
        atomic_store_explicit(&server->service.open, true, memory_order_release);
        printf("listening on %s\n", server->address);
        fflush(stdout);
        if (server->checkpointer != NULL && checkpointer_start(server->checkpointer) != STATUS_OK)
            log_warning("there is no thread to make checkpoints with: the next start replays the whole journal");
        bool started = start_following(server) && start_watching(server);
        if (!started)
            log_error("there is no memory, or no thread, to follow or look at another server with");
        int signal_number = started ? wait_for_signal(server, signals) : SIGUSR1;
        code = signal_number == SIGUSR1 ? EXIT_JOURNAL : 0;
        log_info("stopping");
    }
    peer_watch_stop(server->peers[0]);
    peer_watch_stop(server->peers[1]);
    follower_stop(server->follower);
    close_doors(server);
    inbox_close(server->inbox);
    if (engine_started)
        engine_join(server->engine);
    engine_destroy(server->engine);
    return code;
}

/* With the shard open: until it stops. */
static int run_shard(struct server *server, const sigset_t *signals)
{
    const struct server_options *options = server->options;
    int code = EXIT_UNUSABLE;
    if (server->role == ROLE_STANDBY &&
        role_file_write(options->data, ROLE_STANDBY, options->follow) != STATUS_OK) {
        log_error("data directory '%s': the file role cannot be written", options->data);
        shard_close(server->service.shard);
        return code;
    }
    CHECK(pthread_mutex_init(&server->fencing, NULL) == 0);
    standby_init(&server->standby, linux_env(), server->role_address, ledger_now_us(shard_ledger(server->service.shard)));
    const struct inbox_options inbox_options = {
        .env = linux_env(),
        .batch_count_max = INBOX_BATCHES + INBOX_ACTS,
        .clock_step_max_us = options->clock_step_s * 1000000,
        .spin_ns = options->spin_us * 1000,
        .log_time_us = ledger_now_us(shard_ledger(server->service.shard)),
    };
    server->inbox = inbox_create(&inbox_options);
    if (options->past_keep_s != 0)
        server->past_ledger = past_ledger_create(linux_env(), shard_journal(server->service.shard), &options->limits,
                                                 options->past_keep_s * 1000000000);
    marker_init(&server->marker);
    const struct checkpointer_options checkpointer_options = {
        .env = linux_env(),
        .journal = shard_journal(server->service.shard),
        .marker = &server->marker,
        .limits = options->limits,
        .every_bytes = (uint64_t)options->checkpoint_mib << 20,
        .behind_bytes = server->replayed_bytes,
        .pace_bytes = CHECKPOINTER_PACE_DEFAULT,
        .retainer = set_up_retainer(server) ? &server->retainer : NULL,
        .made = on_checkpoint,
        .failed = on_no_checkpoint,
    };
    if (options->checkpoint_mib != 0)
        server->checkpointer = checkpointer_create(&checkpointer_options);
    const struct verifier_options verifier_options = {.env = linux_env(),
                                                      .journal = shard_journal(server->service.shard),
                                                      .marker = &server->marker,
                                                      .limits = options->limits,
                                                      .ended = on_verified};
    server->verifier = verifier_create(&verifier_options);
    if (server->inbox != NULL && (server->past_ledger != NULL || options->past_keep_s == 0) &&
        (server->checkpointer != NULL || options->checkpoint_mib == 0) && server->verifier != NULL &&
        source_zones_load(server->zones, shard_ledger(server->service.shard)))
        code = run_engine(server, signals);
    close_doors(server); /* when it did not come to that */
    past_ledger_destroy(server->past_ledger);
    checkpointer_destroy(server->checkpointer);
    verifier_destroy(server->verifier);
    marker_deinit(&server->marker);
    if (server->inbox != NULL)
        inbox_destroy(server->inbox);
    struct journal *journal = shard_journal(server->service.shard);
    if (code == 0 && journal_finish(journal) != STATUS_OK) {
        log_error("the end of the journal could not be written at the stop (%s). What was acknowledged is durable; look at "
                  "the disk", journal_failure(journal));
        code = EXIT_JOURNAL;
    }
    shard_close(server->service.shard);
    standby_deinit(&server->standby);
    CHECK(pthread_mutex_destroy(&server->fencing) == 0);
    if (code == 0)
        log_info("stopped; everything acknowledged is in '%s'", options->data);
    return code;
}

int server_run(const struct server_options *options)
{
    struct server server = {.options = options};
    if (!is_loopback(options->address)) {
        if (!options->insecure) {
            log_error("%s is not a loopback address, and this version has neither keys nor TLS: anybody who reaches it "
                      "could change your stock. Listen on 127.0.0.1, or say --insecure",
                      options->address);
            return EXIT_UNUSABLE;
        }
        log_warning("--insecure: listening on %s WITHOUT keys or TLS. Anybody who reaches it can read and change the "
                    "stock",
                    options->address);
    }
    if (options->fault_no_flush)
        log_warning("flushes are switched off for a test: a power cut LOSES acknowledged commands");
    raise_file_limit();
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGUSR1);
    sigset_t blocked = signals;
    sigaddset(&blocked, SIGUSR2); /* of open_shard_beside */
    pthread_sigmask(SIG_BLOCK, &blocked, NULL); /* before any thread: only this one takes them */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is a full disk */

    int code = EXIT_UNUSABLE;
    if (!find_role(&server))
        return code;
    server.io_count = options->io_threads;
    server.io = calloc(server.io_count, sizeof(struct io));
    server.zones = source_zones_create();
    server.past = past_works_create(PAST_WORKS_MAX);
    server.replays = past_works_create(REPLAYS_MAX);
    if (server.io != NULL && server.zones != NULL && server.past != NULL && server.replays != NULL) {
        set_up_door(&server);
        if (open_doors(&server) == STATUS_OK && open_shard_beside(&server, &signals, &code))
            code = run_shard(&server, &signals);
    }
    close_doors(&server);
    for (uint32_t i = 0; i < server.io_ready; i++)
        io_deinit(&server.io[i]);
    free(server.io);
    past_works_destroy(server.past);
    past_works_destroy(server.replays);
    source_zones_destroy(server.zones);
    return code;
}
