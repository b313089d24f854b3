/*
 * Goal: nothing that was acknowledged is lost, changed or doubled, whatever happens to the file; and what was never
 * acknowledged never keeps the journal from starting.
 * Method: real files in a temporary directory. A small journal is written and its bytes taken while it is open, as a
 * crash would leave them; then they are cut at every byte, every bit is flipped, frames are moved, segments taken away.
 * A wrapped env fails the n-th operation for every n. Readers run beside the writer while the tail comes round.
 */
#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/prng.h"
#include "journal/filler.h"
#include "journal/frame.h"
#include "journal/index.h"
#include "journal/journal.h"
#include "journal/replay.h"
#include "journal/segment.h"
#include "journal/stream.h"
#include "journal/tail.h"

#define FIRST_SEGMENT "00000000000000000001.journal"

/* ---- files ---- */

struct place {
    char path[64];
};

static void place_empty(const struct place *place)
{
    DIR *dir = opendir(place->path);
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] != '.')
            assert_int_equal(unlinkat(dirfd(dir), entry->d_name, 0), 0);
    }
    closedir(dir);
}

static struct place place_create(void)
{
    struct place place;
    strcpy(place.path, "/tmp/onhand-journal-XXXXXX");
    assert_non_null(mkdtemp(place.path));
    return place;
}

static void place_destroy(const struct place *place)
{
    place_empty(place);
    assert_int_equal(rmdir(place->path), 0);
}

struct content {
    uint8_t *bytes;
    size_t n;
};

static struct content file_get(const struct place *place, const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", place->path, name);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    struct content content = {malloc((size_t)st.st_size + 1), (size_t)st.st_size};
    assert_int_equal(read(fd, content.bytes, content.n), st.st_size);
    close(fd);
    return content;
}

static void file_put(const struct place *place, const char *name, const uint8_t *bytes, size_t n)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", place->path, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), (ssize_t)n);
    close(fd);
}

static void file_patch(const struct place *place, const char *name, size_t offset, const void *bytes, size_t n)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", place->path, name);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, n, (off_t)offset), (ssize_t)n);
    close(fd);
}

/* ---- decisions ---- */

static char filler_text[1024];

struct made {
    struct decision decision;
    struct event events[4];
    struct new_name name;
    char id[24];
};

/* A decision whose content follows from its first sequence number alone. */
static void make(struct made *made, uint64_t seq, uint32_t meta_bytes)
{
    memset(filler_text, 'm', sizeof(filler_text));
    memset(made, 0, sizeof(*made));
    int n = snprintf(made->id, sizeof(made->id), "id-%llu", (unsigned long long)seq);
    made->decision = (struct decision){.kind = KIND_SALE,
                                       .source = 1,
                                       .id = text_of(made->id, (size_t)n),
                                       .fingerprint = seq * UINT64_C(0x9e3779b97f4a7c15),
                                       .recorded_at_us = (int64_t)seq * 1000,
                                       .occurred_at_us = (int64_t)seq * 1000,
                                       .first_seq = seq,
                                       .event_count = 1 + (uint32_t)(seq % 3),
                                       .events = made->events,
                                       .names = &made->name};
    if (meta_bytes > 0)
        made->decision.meta = text_of(filler_text, meta_bytes);
    if (seq % 5 == 1) {
        made->decision.name_count = 1;
        made->name = (struct new_name){NAME_ITEM, (uint32_t)seq, TEXT("an item")};
    }
    for (uint32_t i = 0; i < made->decision.event_count; i++) {
        struct event *event = &made->events[i];
        event->seq = seq + i;
        event->type = EVENT_SALE;
        event->item = (uint32_t)seq;
        event->location = 1;
        event->other_location = NUMBER_NONE;
        event->quantity = 2;
        event->condition = CONDITION_SELLABLE;
        event->to_condition = CONDITION_NONE;
        event->account = ACCOUNT_CUSTOMER;
        event->figures.units[0] = (int64_t)seq;
        event->version = 1;
        event->expires_at_us = TIME_NONE;
    }
}

/* What replay saw, checked against make(). */
struct seen {
    uint64_t decisions, ticks, names, next_seq;
    uint64_t prepared; /* decisions and ticks */
    bool genesis;
};

static void seen_genesis(void *context, const struct genesis *genesis)
{
    struct seen *seen = context;
    assert_false(seen->genesis);
    assert_int_equal(seen->decisions, 0);
    assert_true(genesis->key[0] != 0 || genesis->key[1] != 0);
    seen->genesis = true;
    seen->next_seq = 1;
}

static void seen_prepare(void *context, struct decision *decisions, uint32_t n)
{
    struct seen *seen = context;
    uint64_t next_seq = seen->next_seq;
    assert_true(n > 0 && n <= REPLAY_AHEAD);
    assert_int_equal(seen->prepared, seen->decisions + seen->ticks); /* the group before was handed on */
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(decisions[i].first_seq, next_seq);
        next_seq += decisions[i].event_count;
        for (uint32_t e = 0; e < decisions[i].event_count; e++)
            decisions[i].events[e].hints.cell = 77;
    }
    seen->prepared += n;
}

static void seen_decision(void *context, const struct decision *decision)
{
    struct seen *seen = context;
    assert_true(seen->genesis);
    assert_true(seen->decisions + seen->ticks < seen->prepared);
    for (uint32_t i = 0; i < decision->event_count; i++)
        assert_int_equal(decision->events[i].hints.cell, 77);
    if (decision->kind == KIND_TICK) {
        assert_int_equal(decision->event_count, 0);
        seen->ticks++;
        return;
    }
    assert_int_equal(decision->first_seq, seen->next_seq);
    struct made made;
    make(&made, decision->first_seq, decision->meta.length);
    assert_true(text_equal(decision->id, made.decision.id));
    assert_int_equal(decision->event_count, made.decision.event_count);
    assert_int_equal(decision->name_count, made.decision.name_count);
    if (decision->name_count > 0) {
        assert_int_equal(decision->names[0].number, made.name.number);
        assert_true(text_equal(decision->names[0].name, made.name.name));
    }
    for (uint32_t i = 0; i < decision->event_count; i++)
        assert_int_equal(decision->events[i].figures.units[0], decision->first_seq);
    seen->decisions++;
    seen->names += decision->name_count;
    seen->next_seq += decision->event_count;
}

static struct journal_replay replay_into(struct seen *seen)
{
    *seen = (struct seen){0};
    return (struct journal_replay){
        .context = seen, .genesis = seen_genesis, .decision = seen_decision, .prepare = seen_prepare};
}

static struct journal_options options_of(const struct place *place)
{
    return (struct journal_options){.env = linux_env(),
                                    .path = place->path,
                                    .segment_bytes = JOURNAL_SEGMENT_BYTES_MIN,
                                    .fill_on_writer = true};
}

static struct journal *must_open_with(const struct journal_options *options, struct seen *seen,
                                      struct journal_report *report)
{
    struct journal_replay replay = replay_into(seen);
    struct journal *journal = NULL;
    enum status status = journal_open(options, &replay, &journal, report);
    if (status != STATUS_OK)
        fail_msg("open: %s: %s", status_text(status), report->problem);
    assert_string_equal(report->problem, "");
    return journal;
}

static struct journal *must_open(const struct place *place, struct seen *seen, struct journal_report *report)
{
    struct journal_options options = options_of(place);
    return must_open_with(&options, seen, report);
}

static enum status verify(const struct place *place, struct seen *seen, struct journal_report *report)
{
    struct journal_replay replay = replay_into(seen);
    return journal_verify(linux_env(), place->path, &replay, report);
}

/* Appends decisions from *seq on and flushes them as one group. */
static void write_group(struct journal *journal, uint64_t *seq, unsigned count, uint32_t meta_bytes)
{
    struct made made;
    tail_offset offset;
    for (unsigned i = 0; i < count; i++) {
        assert_true(journal_group_room(journal));
        make(&made, *seq, meta_bytes);
        journal_append(journal, &made.decision, &offset);
        *seq += made.decision.event_count;
    }
    assert_int_equal(journal_flush(journal), STATUS_OK);
    assert_int_equal(journal_durable_seq(journal), *seq - 1);
}

/* Ends of the frames in a segment, [0] being its first offset. */
static unsigned frame_ends(const struct content *content, size_t *out_ends, unsigned max)
{
    struct segment segment;
    assert_int_equal(segment_parse(content->bytes, &segment), SEGMENT_OK);
    unsigned count = 0;
    size_t at = SEGMENT_HEADER_BYTES;
    struct frame frame;
    out_ends[0] = at;
    while (at + FRAME_HEADER_BYTES <= content->n && count + 1 < max &&
           frame_parse(content->bytes + at, segment.ledger_id, &frame) == FRAME_OK) {
        at += frame.frame_bytes;
        out_ends[++count] = at;
    }
    return count;
}

/* A journal as a crash leaves it: five frames in one short segment, the last two of several blocks; no seal. */
static struct content crashed(const struct place *place, uint64_t *out_last_seqs)
{
    struct seen seen;
    struct journal_report report;
    struct journal *journal = must_open(place, &seen, &report);
    assert_true(report.created);
    uint64_t seq = 1;
    out_last_seqs[1] = 0; /* the genesis frame */
    write_group(journal, &seq, 1, 0);
    out_last_seqs[2] = seq - 1;
    journal_append_tick(journal, 5000000);
    assert_int_equal(journal_flush(journal), STATUS_OK);
    out_last_seqs[3] = seq - 1;
    write_group(journal, &seq, 3, 300);
    out_last_seqs[4] = seq - 1;
    write_group(journal, &seq, 2, 500);
    out_last_seqs[5] = seq - 1;
    struct content content = file_get(place, FIRST_SEGMENT);
    content.n = 16384; /* the rest is zeros, and every test below writes the file anew */
    journal_close(journal);
    return content;
}

/* ---- tests ---- */

static void what_was_written_is_replayed(void **state)
{
    (void)state;
    struct place place = place_create();
    struct seen seen;
    struct journal_report report;
    uint64_t seq = 1;
    uint8_t ledger_id[16];
    for (unsigned start = 0; start < 4; start++) {
        struct journal *journal = must_open(&place, &seen, &report);
        assert_int_equal(report.created, start == 0);
        assert_int_equal(report.epochs.now, EPOCH_FIRST);
        assert_int_equal(report.cut_bytes, 0);
        assert_int_equal(seen.next_seq, seq);
        assert_int_equal(report.last_seq, seq - 1);
        assert_int_equal(journal_durable_seq(journal), seq - 1);
        assert_int_equal(seen.ticks, start);
        if (start == 0)
            memcpy(ledger_id, report.ledger_id, 16);
        assert_memory_equal(ledger_id, report.ledger_id, 16);
        assert_memory_equal(ledger_id, journal_genesis(journal)->ledger_id, 16);
        for (unsigned i = 0; i < 20; i++)
            write_group(journal, &seq, 1 + i, 10 * i);
        journal_append_tick(journal, 77);
        assert_int_equal(journal_flush(journal), STATUS_OK);
        assert_true(journal_append_seal(journal));
        assert_int_equal(journal_flush(journal), STATUS_OK);
        assert_false(journal_append_seal(journal)); /* nothing since */
        journal_close(journal);
    }
    assert_int_equal(verify(&place, &seen, &report), STATUS_OK);
    assert_int_equal(seen.next_seq, seq);
    place_destroy(&place);
}

static void a_journal_is_opened_once(void **state)
{
    (void)state;
    struct place place = place_create();
    struct seen seen;
    struct journal_report report;
    struct journal *journal = must_open(&place, &seen, &report);
    struct journal *second = NULL;
    struct journal_options options = options_of(&place);
    assert_int_equal(journal_open(&options, NULL, &second, &report), STATUS_LOCKED);
    assert_non_null(strstr(report.problem, place.path));
    assert_int_equal(verify(&place, &seen, &report), STATUS_LOCKED);
    journal_close(journal);
    options.read_only = true;
    assert_int_equal(journal_open(&options, NULL, &journal, &report), STATUS_OK);
    assert_int_equal(verify(&place, &seen, &report), STATUS_OK); /* readers share it */
    journal_close(journal);
    place_empty(&place);
    assert_int_equal(verify(&place, &seen, &report), STATUS_NOT_FOUND);
    place_destroy(&place);
    assert_int_equal(verify(&place, &seen, &report), STATUS_NOT_FOUND);
}

struct watched {
    struct seen seen;
    struct journal_progress *progress;
    uint64_t stop_at; /* decisions; 0 for none */
    uint64_t bytes_seen;
};

static void watched_genesis(void *context, const struct genesis *genesis)
{
    struct watched *watched = context;
    seen_genesis(&watched->seen, genesis);
}

static void watched_prepare(void *context, struct decision *decisions, uint32_t n)
{
    struct watched *watched = context;
    seen_prepare(&watched->seen, decisions, n);
}

static void watched_decision(void *context, const struct decision *decision)
{
    struct watched *watched = context;
    struct journal_progress *progress = watched->progress;
    uint32_t epoch;
    uint64_t seq;
    seen_decision(&watched->seen, decision);
    /* Whole frames are told, when they are over. */
    assert_true(atomic_load(&progress->decisions) < watched->seen.decisions);
    assert_true(!journal_progress_event(progress, &epoch, &seq) || (epoch == EPOCH_FIRST && seq < decision->first_seq));
    assert_true(atomic_load(&progress->bytes_read) >= watched->bytes_seen);
    assert_true(atomic_load(&progress->bytes_read) <= atomic_load(&progress->bytes_to_read));
    watched->bytes_seen = atomic_load(&progress->bytes_read);
    if (watched->seen.decisions == watched->stop_at)
        atomic_store(&progress->stop, true);
}

static struct journal_replay watched_replay(struct watched *watched)
{
    return (struct journal_replay){
        .context = watched, .genesis = watched_genesis, .decision = watched_decision, .prepare = watched_prepare};
}

static void opening_tells_how_far_it_is_and_can_be_stopped(void **state)
{
    (void)state;
    struct place place = place_create();
    struct seen seen;
    struct journal_report report;
    struct journal *journal = must_open(&place, &seen, &report);
    uint64_t seq = 1;
    uint64_t bytes = 0;
    while (report.segment_count < 3) { /* segments, and frames in each */
        for (unsigned i = 0; i < 100; i++)
            write_group(journal, &seq, 20, 500);
        report.segment_count = journal_counters(journal).segments;
    }
    journal_close(journal);
    const struct journal_options plain = options_of(&place);
    struct journal_options options = plain;
    for (uint64_t stop_at = 1; stop_at != 0; stop_at = stop_at == 1 ? seq / 2 : 0) {
        struct journal_progress progress = {0};
        struct watched watched = {.progress = &progress, .stop_at = stop_at};
        struct journal_replay replay = watched_replay(&watched);
        options.progress = &progress;
        assert_int_equal(journal_open(&options, &replay, &journal, &report), STATUS_AGAIN);
        /* The frame is ended. */
        assert_true(watched.seen.decisions >= stop_at && watched.seen.decisions < stop_at + 20);
        assert_string_equal(report.problem, "it was stopped before all was read. Nothing was changed.");
    }
    struct journal_progress progress = {0};
    struct watched watched = {.progress = &progress};
    struct journal_replay replay = watched_replay(&watched);
    uint32_t epoch;
    uint64_t last;
    options.progress = &progress;
    assert_int_equal(journal_open(&options, &replay, &journal, &report), STATUS_OK);
    bytes = atomic_load(&progress.bytes_to_read);
    assert_true(bytes > 2 * JOURNAL_SEGMENT_BYTES_MIN);
    assert_int_equal(atomic_load(&progress.bytes_read), bytes);
    assert_int_equal(atomic_load(&progress.decisions), report.decision_count);
    assert_true(journal_progress_event(&progress, &epoch, &last) && epoch == EPOCH_FIRST && last == seq - 1);
    journal_close(journal);
    place_destroy(&place);
}

static void a_tail_torn_at_any_byte_is_cut(void **state)
{
    (void)state;
    struct place place = place_create();
    struct place work = place_create();
    uint64_t last_seqs[8];
    struct content content = crashed(&place, last_seqs);
    size_t ends[8];
    assert_int_equal(frame_ends(&content, ends, 8), 5);
    assert_true(ends[5] - ends[4] > 2 * FRAME_STEP_BYTES);
    /* Only the newest frame can be torn: the one before it was durable when it was written. */
    uint8_t *torn = malloc(content.n);
    for (size_t cut = ends[4]; cut <= ends[5]; cut++) {
        for (unsigned way = 0; way < 3; way++) {
            size_t n = content.n;
            memcpy(torn, content.bytes, n);
            if (way == 0)
                n = cut; /* the file ends there */
            else if (way == 1)
                memset(torn + cut, 0, ends[5] - cut); /* written from the front */
            else
                memset(torn + ends[4], 0, cut - ends[4]); /* written from the back */
            bool whole = memcmp(torn, content.bytes, n < ends[5] ? n : ends[5]) == 0 && n >= ends[5];
            uint64_t expected = whole ? last_seqs[5] : last_seqs[4];
            file_put(&work, FIRST_SEGMENT, torn, n);
            struct seen seen;
            struct journal_report report;
            enum status status = verify(&work, &seen, &report);
            if (status != STATUS_OK || report.last_seq != expected)
                fail_msg("cut at %zu, way %u: %s, last %llu of %llu: %s", cut, way, status_text(status),
                         (unsigned long long)report.last_seq, (unsigned long long)expected, report.problem);
            /* And written on, at a sample of the places. */
            if ((cut - ends[4]) % 97 != 0)
                continue;
            struct journal *journal = must_open(&work, &seen, &report);
            assert_int_equal(seen.next_seq, expected + 1);
            assert_int_equal(report.cut_bytes > 0, report.cut_where[0] != 0);
            uint64_t seq = expected + 1;
            write_group(journal, &seq, 1, 0);
            journal_close(journal);
            journal = must_open(&work, &seen, &report);
            assert_int_equal(report.cut_bytes, 0);
            assert_int_equal(seen.next_seq, seq);
            journal_close(journal);
            struct content after = file_get(&work, FIRST_SEGMENT);
            size_t after_ends[10];
            unsigned frames = frame_ends(&after, after_ends, 10);
            for (size_t i = after_ends[frames]; i < after.n; i++)
                assert_int_equal(after.bytes[i], 0); /* nothing stale is left to come alive */
            free(after.bytes);
        }
    }
    free(torn);
    free(content.bytes);
    place_destroy(&place);
    place_destroy(&work);
}

static void every_flipped_bit_is_seen(void **state)
{
    (void)state;
    struct place place = place_create();
    struct place work = place_create();
    uint64_t last_seqs[8];
    struct content content = crashed(&place, last_seqs);
    size_t ends[8];
    assert_int_equal(frame_ends(&content, ends, 8), 5);
    file_put(&work, FIRST_SEGMENT, content.bytes, content.n);
    struct seen seen;
    struct journal_report report;
    for (size_t byte = 0; byte < content.n; byte++) {
        /* Every bit of headers and of the last two frames, one of each other byte. */
        bool all = byte >= ends[3] || (byte >= ends[1] && byte < ends[1] + FRAME_HEADER_BYTES) || byte < 128;
        unsigned step = all ? 1 : 8;
        if (byte >= ends[5] || (byte >= 128 && byte < SEGMENT_HEADER_BYTES - 8 && byte % 16 != 0))
            step = 64; /* zeros behind the end, zeros of the segment's header: a sample */
        if (step == 64 && byte % 61 != 0)
            continue;
        for (unsigned bit = 0; bit < 8; bit += step) {
            uint8_t flipped = content.bytes[byte] ^ (uint8_t)(1u << bit);
            file_patch(&work, FIRST_SEGMENT, byte, &flipped, 1);
            enum status status = verify(&work, &seen, &report);
            if (byte < ends[4]) {
                if (status != STATUS_DAMAGED || report.problem[0] == 0)
                    fail_msg("byte %zu bit %u: %s", byte, bit, status_text(status));
                assert_non_null(strstr(report.problem, FIRST_SEGMENT));
                assert_non_null(strstr(report.problem, "offset"));
            } else if (byte < ends[5]) {
                /* Nobody vouches for the last frame: it is taken for torn, and said so. */
                if (status != STATUS_OK || report.last_seq != last_seqs[4] || report.cut_bytes == 0)
                    fail_msg("byte %zu bit %u: %s", byte, bit, status_text(status));
            } else {
                assert_int_equal(status, STATUS_OK);
                assert_int_equal(report.last_seq, last_seqs[5]);
                assert_true(report.cut_bytes > 0);
            }
        }
        file_patch(&work, FIRST_SEGMENT, byte, content.bytes + byte, 1);
    }
    assert_int_equal(verify(&work, &seen, &report), STATUS_OK);
    /* With a seal behind it, the last frame is vouched for as well. */
    struct content sealed = file_get(&place, FIRST_SEGMENT);
    assert_int_equal(frame_ends(&sealed, ends, 8), 6);
    sealed.bytes[ends[4] + 200] ^= 4;
    file_put(&work, FIRST_SEGMENT, sealed.bytes, 16384);
    assert_int_equal(verify(&work, &seen, &report), STATUS_DAMAGED);
    /* A lost frame, zeros where it was; the frame without events (3) too. */
    for (unsigned lost = 1; lost <= 5; lost++) {
        sealed.bytes[ends[4] + 200] ^= lost == 1 ? 4 : 0;
        struct content hole = {malloc(16384), 16384};
        memcpy(hole.bytes, sealed.bytes, 16384);
        memset(hole.bytes + ends[lost - 1], 0, ends[lost] - ends[lost - 1]);
        file_put(&work, FIRST_SEGMENT, hole.bytes, hole.n);
        assert_int_equal(verify(&work, &seen, &report), STATUS_DAMAGED);
        struct journal *journal = NULL;
        struct journal_options options = options_of(&work);
        assert_int_equal(journal_open(&options, NULL, &journal, &report), STATUS_DAMAGED);
        struct content after = file_get(&work, FIRST_SEGMENT);
        assert_int_equal(after.n, hole.n);
        assert_memory_equal(after.bytes, hole.bytes, hole.n); /* nothing was changed */
        free(after.bytes);
        free(hole.bytes);
    }
    free(sealed.bytes);
    free(content.bytes);
    place_destroy(&place);
    place_destroy(&work);
}

static void header_signed_anew(uint8_t *frame)
{
    put_u32(frame + 124, crc32c(0, frame, 124));
}

static void a_frame_has_a_next_one(void **state)
{
    (void)state;
    uint8_t bytes[FRAME_STEP_BYTES] = {0};
    struct frame frame = {.level = JOURNAL_LEVEL, .epoch = 1, .frame_bytes = sizeof(bytes), .ordinal = 7, .first_seq = 9};
    frame.last_seq = 9;
    frame_finish(bytes, &frame, 0);
    assert_int_equal(frame_parse(bytes, frame.ledger_id, &frame), FRAME_OK);
    static const size_t numbers[] = {40, 48, 56}; /* ordinal, first and last event */
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        uint64_t before = get_u64(bytes + numbers[i]);
        put_u64(bytes + numbers[i], UINT64_MAX);
        header_signed_anew(bytes);
        assert_int_equal(frame_parse(bytes, frame.ledger_id, &frame), FRAME_BROKEN);
        put_u64(bytes + numbers[i], before);
    }
}

static void two_frames_in_flight_are_both_cut(void **state)
{
    (void)state;
    struct place place = place_create();
    uint64_t last_seqs[8];
    struct content content = crashed(&place, last_seqs);
    size_t ends[8];
    assert_int_equal(frame_ends(&content, ends, 8), 5);
    struct seen seen;
    struct journal_report report;
    content.bytes[ends[3] + 150] ^= 1; /* frame 4 */
    file_put(&place, FIRST_SEGMENT, content.bytes, content.n);
    assert_int_equal(verify(&place, &seen, &report), STATUS_DAMAGED);
    assert_non_null(strstr(report.problem, "frame 4"));
    /* The same bytes, had frame 5 been written before frame 4 was durable. */
    put_u64(content.bytes + ends[4] + 64, 3);
    put_u64(content.bytes + ends[4] + 72, last_seqs[3]);
    header_signed_anew(content.bytes + ends[4]);
    file_put(&place, FIRST_SEGMENT, content.bytes, content.n);
    struct journal *journal = must_open(&place, &seen, &report);
    assert_int_equal(report.last_seq, last_seqs[3]);
    assert_int_equal(report.cut_bytes, ends[5] - ends[3]);
    uint64_t seq = last_seqs[3] + 1;
    write_group(journal, &seq, 1, 0);
    journal_close(journal);
    journal = must_open(&place, &seen, &report);
    assert_int_equal(seen.next_seq, seq);
    journal_close(journal);
    free(content.bytes);
    place_destroy(&place);
}

static void stale_and_foreign_frames_do_not_come_alive(void **state)
{
    (void)state;
    struct place place = place_create();
    struct place other = place_create();
    uint64_t last_seqs[8];
    struct content content = crashed(&place, last_seqs);
    struct content foreign = crashed(&other, last_seqs);
    size_t ends[8];
    assert_int_equal(frame_ends(&content, ends, 8), 5);
    struct seen seen;
    struct journal_report report;
    for (unsigned k = 1; k <= 5; k++) {
        /* An older frame of this journal where the next one would be. */
        struct content stale = {malloc(content.n), content.n};
        memcpy(stale.bytes, content.bytes, content.n);
        memcpy(stale.bytes + ends[5], content.bytes + ends[k - 1], ends[k] - ends[k - 1]);
        file_put(&place, FIRST_SEGMENT, stale.bytes, stale.n);
        assert_int_equal(verify(&place, &seen, &report), STATUS_OK);
        assert_int_equal(report.last_seq, last_seqs[5]);
        assert_int_equal(report.cut_bytes, ends[k] - ends[k - 1]);
        /* The same frame of another ledger in the place of ours: ours is lost. */
        memcpy(stale.bytes, content.bytes, content.n);
        memcpy(stale.bytes + ends[k - 1], foreign.bytes + ends[k - 1], ends[k] - ends[k - 1]);
        file_put(&place, FIRST_SEGMENT, stale.bytes, stale.n);
        assert_int_equal(verify(&place, &seen, &report), k < 5 ? STATUS_DAMAGED : STATUS_OK);
        assert_int_equal(report.last_seq, last_seqs[k - 1] * (k > 1));
        free(stale.bytes);
    }
    free(content.bytes);
    free(foreign.bytes);
    place_destroy(&place);
    place_destroy(&other);
}

static void nth_segment(const struct place *place, unsigned nth, char *out_name)
{
    uint64_t previous = 0;
    for (unsigned i = 0; i <= nth; i++) {
        uint64_t best = UINT64_MAX;
        DIR *dir = opendir(place->path);
        for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
            uint64_t first_seq = 0;
            if (strlen(entry->d_name) == SEGMENT_NAME_BYTES - 1 && segment_name_parse(entry->d_name, &first_seq) &&
                first_seq > previous && first_seq < best)
                best = first_seq;
        }
        closedir(dir);
        previous = best;
    }
    segment_name(previous, out_name);
}

static void copy_file(const struct place *from, const struct place *to, const char *name)
{
    struct content content = file_get(from, name);
    file_put(to, name, content.bytes, content.n);
    free(content.bytes);
}

static void another_history_of_the_same_ledger_does_not_fit(void **state)
{
    (void)state;
    /* Two copies of one journal, each written on: same ledger, same numbers, other content. */
    struct place place = place_create();
    struct place other = place_create();
    uint64_t last_seqs[8];
    struct content start = crashed(&place, last_seqs);
    free(start.bytes);
    copy_file(&place, &other, FIRST_SEGMENT);
    struct seen seen;
    struct journal_report report;
    struct content forks[2];
    for (unsigned i = 0; i < 2; i++) {
        struct journal *journal = must_open(i == 0 ? &place : &other, &seen, &report);
        uint64_t seq = seen.next_seq;
        write_group(journal, &seq, 1, 100 + i);
        write_group(journal, &seq, 1, 100 + i);
        for (unsigned k = 0; k < 6; k++)
            write_group(journal, &seq, 400, 1000 - i);
        journal_close(journal);
        forks[i] = file_get(i == 0 ? &place : &other, FIRST_SEGMENT);
    }
    size_t ends[16];
    unsigned frames = frame_ends(&forks[0], ends, 16);
    assert_true(frames > 8);
    struct content spliced = {malloc(ends[8]), ends[8]};
    memcpy(spliced.bytes, forks[0].bytes, ends[8]);
    memcpy(spliced.bytes + ends[7], forks[1].bytes + ends[7], ends[8] - ends[7]); /* frame 8 of the other */
    struct place work = place_create();
    file_put(&work, FIRST_SEGMENT, spliced.bytes, spliced.n);
    assert_int_equal(verify(&work, &seen, &report), STATUS_OK);
    assert_int_equal(report.frame_count, 7);
    assert_int_equal(report.cut_bytes, ends[8] - ends[7]);
    /* And a whole segment of the other. */
    char name[SEGMENT_NAME_BYTES];
    nth_segment(&place, 1, name);
    copy_file(&other, &place, name);
    assert_int_equal(verify(&place, &seen, &report), STATUS_DAMAGED);
    assert_int_equal(report.segment_count, 2);
    free(spliced.bytes);
    free(forks[0].bytes);
    free(forks[1].bytes);
    place_destroy(&work);
    place_destroy(&place);
    place_destroy(&other);
}

static void newer_versions_are_refused(void **state)
{
    (void)state;
    struct place place = place_create();
    uint64_t last_seqs[8];
    struct content content = crashed(&place, last_seqs);
    size_t ends[8];
    assert_int_equal(frame_ends(&content, ends, 8), 5);
    struct seen seen;
    struct journal_report report;
    static const size_t places[] = {8, 10, 12, 90}; /* format, level, flags, reserved */
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct content newer = {malloc(content.n), content.n};
        memcpy(newer.bytes, content.bytes, content.n);
        newer.bytes[ends[4] + places[i]]++;
        header_signed_anew(newer.bytes + ends[4]);
        file_put(&place, FIRST_SEGMENT, newer.bytes, newer.n);
        assert_int_equal(verify(&place, &seen, &report), STATUS_VERSION);
        memcpy(newer.bytes, content.bytes, content.n);
        newer.bytes[places[i]]++;
        put_u32(newer.bytes + 4092, crc32c(0, newer.bytes, 4092));
        file_put(&place, FIRST_SEGMENT, newer.bytes, newer.n);
        assert_int_equal(verify(&place, &seen, &report), STATUS_VERSION);
        assert_non_null(strstr(report.problem, "newer"));
        free(newer.bytes);
    }
    free(content.bytes);
    place_destroy(&place);
}

/* Writes until there are `segments` segments; returns the next sequence number. */
static uint64_t write_segments(const struct place *place, uint64_t segments, bool on_writer)
{
    struct seen seen;
    struct journal_report report;
    struct journal_options options = options_of(place);
    options.fill_on_writer = on_writer;
    struct journal *journal = must_open_with(&options, &seen, &report);
    uint64_t seq = seen.next_seq;
    while (journal_counters(journal).segments < segments)
        write_group(journal, &seq, 400, 1000);
    write_group(journal, &seq, 1, 0);
    journal_close(journal);
    return seq;
}

static void segments_follow_one_another(void **state)
{
    (void)state;
    struct place place = place_create();
    struct place other = place_create();
    struct seen seen;
    struct journal_report report;
    for (unsigned way = 0; way < 2; way++) {
        uint64_t seq = write_segments(&place, 4, way == 0);
        assert_int_equal(verify(&place, &seen, &report), STATUS_OK);
        assert_int_equal(seen.next_seq, seq);
        assert_int_equal(report.segment_count, 4);
        if (way == 0)
            place_empty(&place);
    }
    write_segments(&other, 4, true);
    char names[4][SEGMENT_NAME_BYTES];
    for (unsigned i = 0; i < 4; i++)
        nth_segment(&place, i, names[i]);

    /* Each one missing. Without the last, the journal is shorter: that is known to nobody but its cursors. */
    for (unsigned i = 0; i < 3; i++) {
        struct content content = file_get(&place, names[i]);
        char path[256];
        snprintf(path, sizeof(path), "%s/%s", place.path, names[i]);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(verify(&place, &seen, &report), STATUS_DAMAGED);
        assert_non_null(strstr(report.problem, "missing"));
        file_put(&place, names[i], content.bytes, content.n);
        assert_int_equal(verify(&place, &seen, &report), STATUS_OK);
        free(content.bytes);
    }
    /* The last frame of a segment that has a successor is vouched for by that. */
    struct content first = file_get(&place, names[0]);
    size_t ends[8];
    unsigned frames = frame_ends(&first, ends, 8);
    uint8_t flipped = first.bytes[ends[frames] - 1] ^ 1;
    file_patch(&place, names[0], ends[frames] - 1, &flipped, 1);
    assert_int_equal(verify(&place, &seen, &report), STATUS_DAMAGED);
    assert_non_null(strstr(report.problem, names[0]));
    file_put(&place, names[0], first.bytes, first.n);
    /* A segment of another ledger, of the same name. */
    struct content second = file_get(&place, names[1]);
    struct content foreign = file_get(&other, names[1]);
    file_put(&place, names[1], foreign.bytes, foreign.n);
    assert_int_equal(verify(&place, &seen, &report), STATUS_DAMAGED);
    assert_non_null(strstr(report.problem, "another ledger"));
    file_put(&place, names[1], second.bytes, second.n);
    /* A file that is no segment; one with a wrong name; and others that are none of our business. */
    file_put(&place, "notes.txt", (const uint8_t *)"hello", 5);
    file_put(&place, SEGMENT_NEXT_NAME, (const uint8_t *)"half made", 9);
    assert_int_equal(verify(&place, &seen, &report), STATUS_OK);
    file_put(&place, "copy.journal", (const uint8_t *)"hello", 5);
    assert_int_equal(verify(&place, &seen, &report), STATUS_DAMAGED);
    assert_non_null(strstr(report.problem, "copy.journal"));
    char path[256];
    snprintf(path, sizeof(path), "%s/copy.journal", place.path);
    unlink(path);
    file_put(&place, "00000000000099999999.journal", second.bytes + 8192, 8192);
    assert_int_equal(verify(&place, &seen, &report), STATUS_DAMAGED);
    snprintf(path, sizeof(path), "%s/00000000000099999999.journal", place.path);
    unlink(path);
    write_segments(&place, 5, false); /* the half-made one is made anew */
    assert_int_equal(verify(&place, &seen, &report), STATUS_OK);
    free(first.bytes);
    free(second.bytes);
    free(foreign.bytes);
    place_destroy(&place);
    place_destroy(&other);
}

static void reading_only_changes_nothing(void **state)
{
    (void)state;
    struct place place = place_create();
    uint64_t last_seqs[8];
    struct content content = crashed(&place, last_seqs);
    size_t ends[8];
    assert_int_equal(frame_ends(&content, ends, 8), 5);
    content.bytes[ends[5] - 1] ^= 1; /* torn */
    file_put(&place, FIRST_SEGMENT, content.bytes, content.n);
    struct seen seen;
    struct journal_report report;
    assert_int_equal(verify(&place, &seen, &report), STATUS_OK);
    assert_int_equal(report.cut_bytes, ends[5] - ends[4]);
    assert_non_null(strstr(report.cut_where, FIRST_SEGMENT));
    struct journal_options options = options_of(&place);
    options.read_only = true;
    struct journal *journal = must_open_with(&options, &seen, &report);
    uint8_t bytes[8192];
    size_t n = 0;
    assert_int_equal(journal_durable_seq(journal), last_seqs[4]);
    assert_int_equal(journal_read(journal, 1, TAIL_UNKNOWN, false, bytes, sizeof(bytes), &n), STATUS_OK);
    journal_close(journal);
    struct content after = file_get(&place, FIRST_SEGMENT);
    assert_int_equal(after.n, content.n);
    assert_memory_equal(after.bytes, content.bytes, content.n);
    DIR *dir = opendir(place.path);
    unsigned files = 0;
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        files += entry->d_name[0] != '.';
    closedir(dir);
    assert_int_equal(files, 1);
    free(after.bytes);
    free(content.bytes);
    place_destroy(&place);
}

static void segments_of_ticks_alone_grow(void **state)
{
    (void)state;
    struct place place = place_create();
    struct seen seen;
    struct journal_report report;
    struct journal_options options = options_of(&place);
    options.fault_no_flush = true; /* for speed */
    struct journal *journal = must_open_with(&options, &seen, &report);
    unsigned ticks = 2 * (unsigned)(JOURNAL_SEGMENT_BYTES_MIN / 512) + 10;
    for (unsigned i = 0; i < ticks; i++) {
        journal_append_tick(journal, i);
        assert_int_equal(journal_flush(journal), STATUS_OK);
    }
    uint64_t seq = 1;
    write_group(journal, &seq, 1, 0);
    write_group(journal, &seq, 1, 0);
    assert_int_equal(journal_counters(journal).segments, 2);
    journal_close(journal);
    assert_int_equal(verify(&place, &seen, &report), STATUS_OK);
    assert_int_equal(seen.ticks, ticks);
    assert_int_equal(seen.next_seq, seq);
    place_destroy(&place);
}

/* ---- reading ---- */

/* Checks a row of whole decision records that begins with the one holding from_seq; returns the next number. */
static uint64_t check_records(const uint8_t *bytes, size_t n, uint64_t from_seq, struct decision *decision)
{
    struct record record;
    bool first = true;
    assert_true(n > 0);
    for (size_t at = 0; at < n; at += record.bytes) {
        assert_int_equal(record_decode(bytes + at, n - at, decision, &record), STATUS_OK);
        assert_int_equal(record.type, RECORD_DECISION);
        if (first)
            assert_true(decision->first_seq <= from_seq && from_seq < decision->first_seq + decision->event_count);
        else
            assert_int_equal(decision->first_seq, from_seq);
        assert_int_equal(decision->events[0].figures.units[0], decision->first_seq);
        from_seq = decision->first_seq + decision->event_count;
        first = false;
    }
    return from_seq;
}

static struct decision decision_room(void)
{
    return (struct decision){.events = calloc(DECISION_EVENTS_MAX, sizeof(struct event)),
                             .shortages = calloc(COMMAND_LINES_MAX, sizeof(struct shortage))};
}

static void decision_free(struct decision *decision)
{
    free(decision->events);
    free(decision->shortages);
}

static void everything_can_be_read_from_any_number(void **state)
{
    (void)state;
    struct place place = place_create();
    write_segments(&place, 3, true);
    struct seen seen;
    struct journal_report report;
    struct journal *journal = must_open(&place, &seen, &report);
    uint64_t seq = seen.next_seq;
    uint64_t first_in_tail = seq;
    struct made made;
    tail_offset offsets[50];
    uint64_t seqs[50];
    for (unsigned i = 0; i < 50; i++) {
        make(&made, seq, 50);
        journal_append(journal, &made.decision, &offsets[i]);
        seqs[i] = seq;
        seq += made.decision.event_count;
        if (i % 7 == 6)
            assert_int_equal(journal_flush(journal), STATUS_OK);
    }
    uint64_t durable = journal_durable_seq(journal);
    struct decision decision = decision_room();
    size_t room = 65536;
    uint8_t *bytes = malloc(RECORD_BYTES_MAX);
    size_t n = 0;
    struct prng prng = prng_of(5);
    for (unsigned round = 0; round < 3000; round++) {
        uint64_t from = 1 + prng_below(&prng, durable);
        assert_int_equal(journal_read(journal, from, TAIL_UNKNOWN, false, bytes, room, &n), STATUS_OK);
        assert_true(n <= room);
        assert_true(check_records(bytes, n, from, &decision) <= durable + 1);
    }
    for (unsigned round = 0; round < 3000; round++) { /* one for its own sake, with what is before it */
        uint64_t wanted = 1 + prng_below(&prng, durable);
        uint64_t back = prng_below(&prng, round % 2 == 0 ? 100 : durable);
        uint64_t from = wanted > back ? wanted - back : 1;
        assert_int_equal(journal_read_back(journal, from, wanted, bytes, RECORD_BYTES_MAX, &n), STATUS_OK);
        struct record record;
        assert_int_equal(record_decode(bytes, get_u32(bytes), &decision, &record), STATUS_OK);
        assert_true(decision.first_seq <= wanted && decision.first_seq + decision.event_count > from);
        assert_true(check_records(bytes, n, decision.first_seq, &decision) > wanted);
    }
    assert_int_equal(journal_read_back(journal, durable, durable + 1, bytes, room, &n), STATUS_OK);
    assert_int_equal(journal_read_back(journal, durable + 1, durable + 1, bytes, room, &n), STATUS_END);
    for (uint64_t from = 1; from <= durable;) { /* the whole, in pieces */
        assert_int_equal(journal_read(journal, from, TAIL_UNKNOWN, false, bytes, room, &n), STATUS_OK);
        from = check_records(bytes, n, from, &decision);
    }
    for (unsigned i = 0; i < 50; i++) {
        enum status status = journal_read(journal, seqs[i], offsets[i], true, bytes, room, &n);
        assert_int_equal(status, seqs[i] <= durable ? STATUS_OK : STATUS_END);
        if (status == STATUS_OK) {
            check_records(bytes, n, seqs[i], &decision);
            assert_true(journal_flushed_at_ns(journal, seqs[i]) > 0);
        }
    }
    assert_int_equal(journal_flushed_at_ns(journal, 1), 0);
    assert_int_equal(journal_read(journal, first_in_tail - 1, TAIL_UNKNOWN, true, bytes, room, &n), STATUS_AGAIN);
    assert_int_equal(journal_read(journal, 0, TAIL_UNKNOWN, false, bytes, room, &n), STATUS_NOT_FOUND);
    assert_int_equal(journal_read(journal, durable + 1, TAIL_UNKNOWN, false, bytes, room, &n), STATUS_END);
    assert_int_equal(journal_read(journal, first_in_tail, TAIL_UNKNOWN, false, bytes, 20, &n), STATUS_FULL);
    assert_int_equal(journal_read(journal, 1, TAIL_UNKNOWN, false, bytes, 20, &n), STATUS_FULL);
    journal_close(journal);
    /* Damage that comes while the journal is open is met by a reader, and not handed on. */
    journal = must_open(&place, &seen, &report);
    uint8_t garbage[64];
    memset(garbage, 0x5a, sizeof(garbage));
    file_patch(&place, FIRST_SEGMENT, SEGMENT_HEADER_BYTES + 512 + 300, garbage, sizeof(garbage));
    assert_int_equal(journal_read(journal, 1, TAIL_UNKNOWN, false, bytes, room, &n), STATUS_DAMAGED);
    assert_int_equal(journal_read(journal, durable, TAIL_UNKNOWN, false, bytes, room, &n), STATUS_OK);
    journal_close(journal);
    assert_int_equal(verify(&place, &seen, &report), STATUS_DAMAGED);
    free(bytes);
    decision_free(&decision);
    place_destroy(&place);
}

/* One record of a frame of a megabyte is found, and checked, without the rest of the frame. */
static void little_is_read_of_a_long_frame(void **state)
{
    (void)state;
    struct place place = place_create();
    struct seen seen;
    struct journal_report report;
    struct journal *journal = must_open(&place, &seen, &report);
    uint64_t seq = seen.next_seq;
    struct made made;
    tail_offset offset;
    while (journal_group_room(journal)) {
        make(&made, seq, 50);
        journal_append(journal, &made.decision, &offset);
        seq += made.decision.event_count;
    }
    size_t group_bytes = journal_group_bytes(journal);
    assert_int_equal(journal_flush(journal), STATUS_OK);
    uint64_t durable = journal_durable_seq(journal);
    struct decision decision = decision_room();
    size_t room = 8192;
    uint8_t *bytes = malloc(RECORD_BYTES_MAX);
    size_t n = 0;
    struct prng prng = prng_of(6);
    for (unsigned pass = 0; pass < 2; pass++) { /* from the tail, then from disk */
        for (uint64_t from = durable; from > 0; from -= from < 40 ? 1 : prng_below(&prng, 40)) {
            assert_int_equal(journal_read(journal, from, TAIL_UNKNOWN, pass == 0, bytes, room, &n), STATUS_OK);
            assert_true(check_records(bytes, n, from, &decision) <= durable + 1);
        }
        journal_close(journal);
        journal = must_open(&place, &seen, &report);
    }
    uint8_t garbage[64];
    memset(garbage, 0x5a, sizeof(garbage));
    file_patch(&place, FIRST_SEGMENT, SEGMENT_HEADER_BYTES + 4096 + group_bytes / 2, garbage, sizeof(garbage));
    unsigned sound = 0, damaged = 0;
    for (uint64_t from = 1; from <= durable; from++) {
        enum status status = journal_read(journal, from, TAIL_UNKNOWN, false, bytes, room, &n);
        assert_true(status == STATUS_OK || status == STATUS_DAMAGED);
        if (status == STATUS_OK)
            (void)check_records(bytes, n, from, &decision);
        *(status == STATUS_OK ? &sound : &damaged) += 1;
    }
    /* All but those from one place to the next: a sixteenth, and there is a rest. */
    assert_true(damaged > 0 && sound > 10 * damaged);
    assert_int_equal(journal_read(journal, 1, TAIL_UNKNOWN, false, bytes, 65536, &n), STATUS_DAMAGED);
    journal_close(journal);
    free(bytes);
    decision_free(&decision);
    place_destroy(&place);
}

static void the_index_thins_itself(void **state)
{
    (void)state;
    struct index index;
    assert_int_equal(index_init(&index, linux_env(), 64), STATUS_OK);
    assert_int_equal(index_add_segment(&index, 1, SEGMENT_HEADER_BYTES), STATUS_OK);
    for (uint64_t i = 0; i < 10000; i++) {
        uint64_t offset = SEGMENT_HEADER_BYTES + i * 70000;
        index_add_frame(&index, offset, offset + 70000, true, 1 + i * 10, NULL, 0);
        assert_true(index.place_count <= 64);
    }
    for (uint64_t seq = 1; seq <= 100000; seq += 7) {
        struct index_place place = {.segment = 9};
        assert_true(index_find(&index, seq, &place));
        uint64_t offset = place.offset;
        uint64_t frame = (seq - 1) / 10;
        assert_int_equal(place.segment, 0);
        assert_true(offset <= SEGMENT_HEADER_BYTES + frame * 70000);
        assert_true(offset + 2 * index.spacing_bytes + 140000 > SEGMENT_HEADER_BYTES + frame * 70000);
    }
    index_deinit(&index);
}

/* ---- two buffers, concurrency ---- */

static void one_group_is_filled_while_another_is_written(void **state)
{
    (void)state;
    struct place place = place_create();
    struct seen seen;
    struct journal_report report;
    struct journal *journal = must_open(&place, &seen, &report);
    struct made made;
    tail_offset offset;
    uint64_t seq = 1;
    assert_int_equal(journal_flush(journal), STATUS_OK);       /* nothing to do */
    assert_int_equal(journal_flush_start(journal), STATUS_OK); /* nor here */
    assert_true(journal_flush_done(journal));
    assert_int_equal(journal_flush_wait(journal), STATUS_OK);
    for (unsigned round = 0; round < 200; round++) {
        uint64_t durable = journal_durable_seq(journal);
        make(&made, seq, 100);
        journal_append(journal, &made.decision, &offset);
        seq += made.decision.event_count;
        uint64_t flying_last = seq - 1;
        assert_int_equal(journal_flush_start(journal), STATUS_OK);
        assert_int_equal(journal_group_bytes(journal), 0);
        make(&made, seq, 100);
        journal_append(journal, &made.decision, &offset);
        seq += made.decision.event_count;
        assert_int_equal(journal_durable_seq(journal), durable); /* not before the wait */
        uint8_t bytes[16];
        size_t n = 0;
        assert_int_equal(journal_read(journal, flying_last, offset, false, bytes, 16, &n), STATUS_END);
        while (!journal_flush_done(journal))
            ;
        assert_int_equal(journal_flush_wait(journal), STATUS_OK);
        assert_int_equal(journal_durable_seq(journal), flying_last);
        assert_false(journal_append_seal(journal)); /* the open group holds something */
        assert_int_equal(journal_flush(journal), STATUS_OK);
        assert_int_equal(journal_durable_seq(journal), seq - 1);
    }
    make(&made, seq, 0);
    journal_append(journal, &made.decision, &offset);
    assert_int_equal(journal_flush_start(journal), STATUS_OK);
    seq += made.decision.event_count;
    make(&made, seq, 0);
    journal_append(journal, &made.decision, &offset);
    seq += made.decision.event_count;
    journal_close(journal); /* lands what flies, writes what is open, seals */
    assert_int_equal(verify(&place, &seen, &report), STATUS_OK);
    assert_int_equal(seen.next_seq, seq);
    place_destroy(&place);
}

/* Durable, in flight or in the open group: the engine's thread reads it all, a record or what is before it as well. */
static void what_was_appended_is_read_before_it_is_durable(void **state)
{
    (void)state;
    struct place place = place_create();
    struct seen seen;
    struct journal_report report;
    struct journal *journal = must_open(&place, &seen, &report);
    struct made made;
    tail_offset offset;
    struct decision decision = decision_room();
    static uint8_t bytes[16384];
    uint64_t seq = 1;
    size_t n = 0;
    struct prng prng = prng_of(6);
    assert_int_equal(journal_read_appended(journal, 1, 1, bytes, sizeof(bytes), &n), STATUS_AGAIN);
    for (unsigned group = 0; group < 60; group++) {
        uint64_t durable = journal_durable_seq(journal);
        uint64_t open_first = seq;
        unsigned records = 1 + (unsigned)prng_below(&prng, group % 3 == 0 ? 3 : 600);
        for (unsigned i = 0; i < records; i++) {
            make(&made, seq, 10 + (uint32_t)prng_below(&prng, 300));
            journal_append(journal, &made.decision, &offset);
            seq += made.decision.event_count;
            if (i % 50 == 7)
                journal_append_tick(journal, (int64_t)seq * 1000);
            for (unsigned round = 0; round < 4; round++) {
                uint64_t wanted = 1 + prng_below(&prng, seq - 1);
                wanted = round == 3 ? seq - 1 : round == 2 && wanted < open_first ? open_first : wanted;
                uint64_t back = prng_below(&prng, 20);
                uint64_t from = round == 0 || wanted <= back ? wanted : wanted - back;
                assert_int_equal(journal_read_appended(journal, from, wanted, bytes, sizeof(bytes), &n), STATUS_OK);
                struct record record;
                assert_int_equal(record_decode(bytes, get_u32(bytes), &decision, &record), STATUS_OK);
                /* It begins there, or where the group does, and does not end before what is wanted. */
                assert_true(decision.first_seq <= from || decision.first_seq == open_first ||
                            decision.first_seq == durable + 1);
                assert_true(decision.first_seq <= wanted);
                assert_true(check_records(bytes, n, decision.first_seq, &decision) > wanted);
            }
        }
        assert_int_equal(journal_read_appended(journal, seq, seq, bytes, sizeof(bytes), &n), STATUS_AGAIN);
        assert_int_equal(journal_read_appended(journal, seq - 1, seq - 1, bytes, 20, &n), STATUS_FULL);
        if (group != 0)
            assert_int_equal(journal_flush_wait(journal), STATUS_OK);
        assert_int_equal(journal_flush_start(journal), STATUS_OK);
    }
    assert_int_equal(journal_flush_wait(journal), STATUS_OK);
    assert_int_equal(journal_read_appended(journal, 1, seq - 1, bytes, sizeof(bytes), &n), STATUS_OK);
    journal_close(journal);
    journal = must_open(&place, &seen, &report); /* then it is on the disk alone */
    assert_int_equal(journal_read_appended(journal, seq - 1, seq - 1, bytes, sizeof(bytes), &n), STATUS_AGAIN);
    journal_close(journal);
    decision_free(&decision);
    place_destroy(&place);
}

/* The thread that starts is slow to remove what an earlier run had in the making: nothing that runs beside it may be hit. */
static enum status slow_remove(void *context, struct env_directory *directory, const char *name)
{
    nanosleep(&(struct timespec){0, 100000000}, NULL);
    return linux_env()->file_remove(context, directory, name);
}

static void leftovers_are_removed_and_nothing_else(void **state)
{
    (void)state;
    static const char *const leftovers[] = {SEGMENT_NEXT_NAME, "next.checkpoint.new", "packed.journal.new"};
    struct place place = place_create();
    struct seen seen;
    struct journal_report report;
    uint64_t seq = 1;
    struct journal *journal = must_open(&place, &seen, &report);
    while (journal_counters(journal).disk_bytes < JOURNAL_SEGMENT_BYTES_MIN / 2)
        write_group(journal, &seq, 30, 1000);
    journal_close(journal);
    for (unsigned i = 0; i < 3; i++)
        file_put(&place, leftovers[i], (const uint8_t *)"half made", 9);
    struct env slow = *linux_env();
    slow.file_remove = slow_remove;
    struct journal_options options = options_of(&place);
    options.env = &slow;
    options.fill_on_writer = false;
    journal = must_open_with(&options, &seen, &report);
    for (unsigned i = 1; i < 3; i++) {
        char path[256];
        snprintf(path, sizeof(path), "%s/%s", place.path, leftovers[i]);
        assert_int_equal(access(path, F_OK), -1);
    }
    while (journal_counters(journal).segments < 2)
        write_group(journal, &seq, 30, 1000);
    assert_string_equal(journal_failure(journal), "");
    journal_close(journal);
    assert_int_equal(verify(&place, &seen, &report), STATUS_OK);
    place_destroy(&place);
}

struct follower {
    struct journal *journal;
    _Atomic bool *stop;
    uint64_t last;    /* to be reached */
    unsigned rest_us; /* between reads: a slow one falls behind the tail */
    size_t room;
    uint64_t next;
    bool bad;
};

static void *follow(void *argument)
{
    struct follower *follower = argument;
    struct decision decision = decision_room();
    uint8_t *bytes = malloc(follower->room);
    follower->next = 1;
    while (follower->next <= follower->last && !atomic_load(follower->stop)) {
        size_t n = 0;
        enum status status =
            journal_read(follower->journal, follower->next, TAIL_UNKNOWN, false, bytes, follower->room, &n);
        if (status == STATUS_END)
            continue;
        if (status != STATUS_OK) {
            follower->bad = true;
            break;
        }
        for (size_t at = 0; at < n;) {
            struct record record;
            if (record_decode(bytes + at, n - at, &decision, &record) != STATUS_OK ||
                decision.first_seq != follower->next ||
                decision.events[0].figures.units[0] != (int64_t)decision.first_seq) {
                follower->bad = true;
                break;
            }
            follower->next += decision.event_count;
            at += record.bytes;
        }
        if (follower->bad)
            break;
        if (follower->rest_us > 0)
            nanosleep(&(struct timespec){0, (long)follower->rest_us * 1000}, NULL);
    }
    free(bytes);
    decision_free(&decision);
    return NULL;
}

static void readers_follow_while_the_tail_comes_round(void **state)
{
    (void)state;
    struct place place = place_create();
    struct seen seen;
    struct journal_report report;
    struct journal_options options = options_of(&place);
    options.tail_bytes = 1; /* the smallest: four chunks of 8 MiB */
    options.segment_bytes = (uint64_t)16 << 20;
    options.fill_on_writer = false;
    struct journal *journal = must_open_with(&options, &seen, &report);
    enum { GROUPS = 90, PER_GROUP = 600 };
    uint64_t last = 0;
    for (unsigned i = 0; i < GROUPS * PER_GROUP; i++)
        last += 1 + (last + 1) % 3;
    _Atomic bool stop = false;
    struct follower followers[4];
    pthread_t threads[4];
    for (unsigned i = 0; i < 4; i++) {
        followers[i] = (struct follower){.journal = journal,
                                         .stop = &stop,
                                         .last = last,
                                         .rest_us = i == 0   ? 0
                                                    : i == 1 ? 100
                                                             : 2000,
                                         .room = i == 3 ? RECORD_BYTES_MAX : 200000};
        assert_int_equal(pthread_create(&threads[i], NULL, follow, &followers[i]), 0);
    }
    struct made made;
    tail_offset offset;
    uint64_t seq = 1;
    for (unsigned group = 0; group < GROUPS; group++) {
        for (unsigned i = 0; i < PER_GROUP; i++) {
            make(&made, seq, 1000);
            journal_append(journal, &made.decision, &offset);
            seq += made.decision.event_count;
        }
        if (group > 0)
            assert_int_equal(journal_flush_wait(journal), STATUS_OK);
        assert_int_equal(journal_flush_start(journal), STATUS_OK);
    }
    assert_int_equal(journal_flush_wait(journal), STATUS_OK);
    assert_int_equal(seq - 1, last);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_false(followers[i].bad);
        assert_int_equal(followers[i].next, last + 1);
    }
    assert_true(journal_counters(journal).segments >= 3);
    /* The oldest of it is no longer in memory, the newest is. */
    uint8_t *bytes = malloc(RECORD_BYTES_MAX);
    size_t n = 0;
    assert_int_equal(journal_read(journal, 1, TAIL_UNKNOWN, true, bytes, RECORD_BYTES_MAX, &n), STATUS_AGAIN);
    assert_int_equal(journal_read(journal, last, TAIL_UNKNOWN, true, bytes, RECORD_BYTES_MAX, &n), STATUS_OK);
    free(bytes);
    journal_close(journal);
    assert_int_equal(verify(&place, &seen, &report), STATUS_OK);
    assert_int_equal(seen.next_seq, last + 1);
    place_destroy(&place);
}

/* A tail without a journal: the writer races round it, each frame one record filled with its own number. */
enum { RACE_RECORD_BYTES = 200000, RACE_FRAMES = 3000 };

struct race {
    struct tail *tail;
    _Atomic uint64_t published;
    unsigned behind;
    bool bad;
    uint64_t hits;
};

static void *race_read(void *argument)
{
    struct race *race = argument;
    const struct index_place nowhere = {.seq = 0};
    uint8_t *bytes = malloc(RACE_RECORD_BYTES);
    for (;;) {
        uint64_t published = atomic_load(&race->published);
        if (published == RACE_FRAMES)
            break;
        uint64_t seq = published > race->behind ? published - race->behind : 1;
        size_t n = 0;
        if (tail_read(race->tail, seq, TAIL_NOWHERE, &nowhere, bytes, RACE_RECORD_BYTES, &n) != STATUS_OK)
            continue;
        race->hits++;
        struct reader r = reader_of(bytes + 5, n - 5);
        bool right = n == RACE_RECORD_BYTES && read_varint(&r) == 1 && read_varint(&r) == seq;
        for (size_t at = n - reader_left(&r); right && at < n; at++)
            right = bytes[at] == (uint8_t)seq;
        race->bad |= !right;
    }
    free(bytes);
    return NULL;
}

static void a_reader_never_gets_what_the_writer_overwrote(void **state)
{
    (void)state;
    struct tail *tail = tail_create(linux_env(), 1);
    assert_non_null(tail);
    size_t chunk_bytes = tail_chunk_bytes(tail);
    struct race races[3];
    pthread_t threads[3];
    /* The oldest that may still be there, which the writer takes next, are the interesting ones. */
    static const unsigned behind[3] = {79, 78, 76};
    for (unsigned i = 0; i < 3; i++) {
        races[i] = (struct race){.tail = tail, .behind = behind[i]};
        assert_int_equal(pthread_create(&threads[i], NULL, race_read, &races[i]), 0);
    }
    uint64_t chunk = 0;
    size_t used = 0;
    uint8_t *memory = tail_claim(tail, 0);
    for (uint64_t seq = 1; seq <= RACE_FRAMES; seq++) {
        if (used + RACE_RECORD_BYTES > chunk_bytes) {
            memory = tail_claim(tail, ++chunk);
            used = 0;
        }
        memset(memory + used, (int)(uint8_t)seq, RACE_RECORD_BYTES);
        struct writer w = writer_of(memory + used, 32);
        write_u32(&w, RACE_RECORD_BYTES);
        write_u8(&w, RECORD_DECISION);
        write_varint(&w, 1);
        write_varint(&w, seq);
        tail_publish(tail, &(struct tail_frame){.first_seq = seq,
                                                .last_seq = seq,
                                                .start = chunk * chunk_bytes + used,
                                                .record_bytes = RACE_RECORD_BYTES,
                                                .flushed_at_ns = 1});
        used += RACE_RECORD_BYTES;
        for (unsigned i = 0; i < 3; i++)
            atomic_store(&races[i].published, seq);
    }
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_false(races[i].bad);
    }
    tail_destroy(tail);
}

/* ---- faults ---- */

struct faulty {
    struct env env;
    uint64_t count;   /* operations that change the disk */
    uint64_t fail_at; /* this one fails, and all that follow are counted as forbidden */
    uint64_t after;
    uint32_t block_bytes; /* told instead of the true one; 0 for the true one */
    enum status started;
    bool unread; /* nothing can be read */
};

static bool due(void *context)
{
    struct faulty *faulty = context;
    faulty->count++;
    if (faulty->fail_at != 0 && faulty->count > faulty->fail_at)
        faulty->after++;
    return faulty->count == faulty->fail_at;
}

static enum status faulty_write(void *context, struct env_file *file, uint64_t offset, const void *bytes, size_t n)
{
    return due(context) ? STATUS_IO : linux_env()->file_write(NULL, file, offset, bytes, n);
}
static enum status faulty_sync(void *context, struct env_file *file)
{
    return due(context) ? STATUS_IO : linux_env()->file_sync(NULL, file);
}
static enum status faulty_durable(void *context, struct env_file *file, uint64_t offset, const void *bytes, size_t n)
{
    if (!due(context))
        return linux_env()->write_durable(NULL, file, offset, bytes, n);
    /* Half of it reaches the disk. */
    (void)linux_env()->file_write(NULL, file, offset, bytes, n / 2);
    return STATUS_IO;
}
static enum status faulty_start(void *context, struct env_file *file, uint64_t offset, const void *bytes, size_t n)
{
    struct faulty *faulty = context;
    faulty->started = due(context) ? STATUS_IO : STATUS_OK;
    return linux_env()->write_start(NULL, file, offset, bytes, n);
}
static enum status faulty_wait(void *context, struct env_file *file)
{
    enum status status = linux_env()->write_wait(NULL, file);
    const struct faulty *faulty = context;
    return faulty->started == STATUS_OK ? status : faulty->started;
}
static enum status faulty_rename(void *context, struct env_directory *directory, const char *from, const char *to)
{
    return due(context) ? STATUS_IO : linux_env()->file_rename(NULL, directory, from, to);
}
static enum status faulty_directory_sync(void *context, struct env_directory *directory)
{
    return due(context) ? STATUS_IO : linux_env()->directory_sync(NULL, directory);
}
static enum status faulty_open(void *context, struct env_directory *directory, const char *name, enum env_open how,
                               struct env_file **out_file)
{
    if (how == ENV_OPEN_CREATE && due(context))
        return STATUS_IO;
    return linux_env()->file_open(NULL, directory, name, how, out_file);
}
static uint32_t faulty_block_bytes(void *context, struct env_file *file)
{
    const struct faulty *faulty = context;
    return faulty->block_bytes != 0 ? faulty->block_bytes : linux_env()->file_block_bytes(NULL, file);
}

static void faulty_init(struct faulty *faulty, uint64_t fail_at)
{
    *faulty = (struct faulty){.env = *linux_env(), .fail_at = fail_at};
    faulty->env.context = faulty;
    faulty->env.file_write = faulty_write;
    faulty->env.file_sync = faulty_sync;
    faulty->env.write_durable = faulty_durable;
    faulty->env.write_start = faulty_start;
    faulty->env.write_wait = faulty_wait;
    faulty->env.file_rename = faulty_rename;
    faulty->env.directory_sync = faulty_directory_sync;
    faulty->env.file_open = faulty_open;
    faulty->env.file_block_bytes = faulty_block_bytes;
}

static void any_failure_is_final_and_loses_nothing(void **state)
{
    (void)state;
    struct place place = place_create();
    struct seen seen;
    struct journal_report report;
    uint64_t fail_at = 1;
    bool done = false;
    for (; !done; fail_at++) {
        place_empty(&place);
        struct faulty faulty;
        faulty_init(&faulty, fail_at);
        struct journal_options options = options_of(&place);
        options.env = &faulty.env;
        struct journal *journal = NULL;
        enum status status = journal_open(&options, NULL, &journal, &report);
        uint64_t acknowledged = 0;
        uint64_t written = 0;
        if (status == STATUS_OK) {
            struct made made;
            tail_offset offset;
            uint64_t seq = 1;
            for (unsigned group = 0; group < 8 && status == STATUS_OK; group++) {
                /* Long groups, so that a new segment begins on the way; both ways of flushing. */
                for (unsigned i = 0; i < 300; i++) {
                    make(&made, seq, 1000);
                    journal_append(journal, &made.decision, &offset);
                    seq += made.decision.event_count;
                }
                written = seq - 1;
                if (group % 2 == 0) {
                    status = journal_flush(journal);
                } else {
                    status = journal_flush_start(journal);
                    if (status == STATUS_OK)
                        status = journal_flush_wait(journal);
                }
                if (status == STATUS_OK)
                    acknowledged = seq - 1;
                assert_int_equal(journal_durable_seq(journal), acknowledged);
            }
            if (status == STATUS_OK) {
                faulty.fail_at = 0;
                done = true;
            } else {
                assert_int_equal(status, STATUS_IO);
                assert_true(journal_failed(journal));
                assert_non_null(strstr(journal_failure(journal), "journal")); /* of a file */
                assert_non_null(strstr(journal_failure(journal), "offset"));
                assert_int_equal(journal_finish(journal), STATUS_IO);
                make(&made, seq, 0);
                journal_append(journal, &made.decision, &offset);
                assert_int_equal(journal_flush(journal), STATUS_IO);
                assert_int_equal(journal_flush_start(journal), STATUS_IO);
                assert_int_equal(journal_flush_wait(journal), STATUS_IO);
                assert_false(journal_append_seal(journal));
            }
            journal_close(journal);
            if (!done)
                assert_int_equal(faulty.after, 0); /* nothing was written after the failure */
        } else {
            assert_true(report.problem[0] != 0);
            assert_int_equal(faulty.after, 0);
        }
        /* The restart finds all that was acknowledged, and nothing that was never written. */
        journal = must_open(&place, &seen, &report);
        uint64_t found = seen.genesis ? seen.next_seq - 1 : 0;
        assert_true(found >= acknowledged && found <= written);
        uint64_t seq = found + 1;
        write_group(journal, &seq, 1, 0);
        journal_close(journal);
        assert_int_equal(verify(&place, &seen, &report), STATUS_OK);
        assert_int_equal(seen.next_seq, seq);
    }
    assert_true(fail_at > 40);
    place_destroy(&place);
}

static enum status broken_read(void *context, struct env_file *file, uint64_t offset, void *bytes, size_t n, size_t *out_bytes)
{
    const struct faulty *faulty = context;
    return faulty->unread ? STATUS_IO : linux_env()->file_read(NULL, file, offset, bytes, n, out_bytes);
}

static void what_cannot_be_read_back_is_told_and_read_again_later(void **state)
{
    (void)state;
    struct place place = place_create();
    struct seen seen;
    struct journal_report report;
    struct journal *journal = must_open(&place, &seen, &report);
    uint64_t seq = 1;
    for (unsigned i = 0; i < 20; i++)
        write_group(journal, &seq, 10, 500);
    journal_close(journal);
    struct faulty faulty;
    faulty_init(&faulty, 0);
    faulty.env.file_read = broken_read;
    struct journal_options options = options_of(&place);
    options.env = &faulty.env;
    static uint8_t bytes[1 << 20];
    size_t n = 0;
    char problem[500];
    struct content content = file_get(&place, FIRST_SEGMENT);
    size_t ends[32];
    assert_true(frame_ends(&content, ends, 32) >= 20);
    for (unsigned harm = 0; harm < 3; harm++) {
        journal = must_open_with(&options, &seen, &report); /* nothing is in its tail */
        uint8_t changed = content.bytes[ends[1] + 200] ^ 1;
        faulty.unread = harm == 0;
        if (harm == 1)
            file_patch(&place, FIRST_SEGMENT, ends[1] + 200, &changed, 1);
        if (harm == 2)
            file_patch(&place, FIRST_SEGMENT, ends[1], "no frame", 8);
        assert_int_equal(journal_read(journal, 1, TAIL_UNKNOWN, false, bytes, sizeof(bytes), &n),
                         harm == 0 ? STATUS_IO : STATUS_DAMAGED);
        assert_int_equal(journal_counters(journal).read_failures, 1);
        journal_read_failure(journal, problem, sizeof(problem));
        assert_non_null(strstr(problem, FIRST_SEGMENT ", offset "));
        assert_true((strstr(problem, "onhand verify") != NULL) == (harm != 0));
        assert_false(journal_failed(journal));
        faulty.unread = false;
        file_patch(&place, FIRST_SEGMENT, 0, content.bytes, content.n);
        journal_close(journal);
    }
    free(content.bytes);
    place_destroy(&place);
}

/* ---- a full disk ---- */

/* Files grow as long as there is space. */
struct disk {
    struct env env;
    atomic_uint_fast64_t space; /* bytes */
    atomic_int_fast64_t ahead_ns; /* the clock is, of the real one */
    atomic_bool unnamed; /* a file cannot be given another name for lack of space */
    unsigned refusals;
};

static enum status disk_write(void *context, struct env_file *file, uint64_t offset, const void *bytes, size_t n)
{
    struct disk *disk = context;
    uint64_t size = 0;
    assert_int_equal(linux_env()->file_size(NULL, file, &size), STATUS_OK);
    uint64_t growth = offset + n > size ? offset + n - size : 0;
    uint64_t space = atomic_load(&disk->space);
    if (growth <= space) {
        atomic_store(&disk->space, space - growth);
        return linux_env()->file_write(NULL, file, offset, bytes, n);
    }
    disk->refusals++;
    atomic_store(&disk->space, 0);
    if (growth - space < n)
        assert_int_equal(linux_env()->file_write(NULL, file, offset, bytes, n - (size_t)(growth - space)), STATUS_OK);
    return STATUS_NO_SPACE;
}

static enum status disk_rename(void *context, struct env_directory *directory, const char *from, const char *to)
{
    const struct disk *disk = context;
    return atomic_load(&disk->unnamed) ? STATUS_NO_SPACE : linux_env()->file_rename(NULL, directory, from, to);
}

static enum status disk_durable(void *context, struct env_file *file, uint64_t offset, const void *bytes, size_t n)
{
    uint64_t size = 0;
    (void)context;
    assert_int_equal(linux_env()->file_size(NULL, file, &size), STATUS_OK);
    assert_true(offset + n <= size); /* a group has its place before it is written */
    return linux_env()->write_durable(NULL, file, offset, bytes, n);
}

static int64_t disk_monotonic(void *context)
{
    struct disk *disk = context;
    return linux_env()->monotonic_ns(NULL) + atomic_load(&disk->ahead_ns);
}

static void disk_init(struct disk *disk, uint64_t space)
{
    *disk = (struct disk){.env = *linux_env()};
    atomic_init(&disk->space, space);
    disk->env.context = disk;
    disk->env.file_write = disk_write;
    disk->env.file_rename = disk_rename;
    disk->env.write_durable = disk_durable;
    disk->env.monotonic_ns = disk_monotonic;
}

/* Appends and flushes in groups until something has no place, or up to a sequence number. */
static void fill_the_disk(struct journal *journal, uint64_t *seq, uint64_t until_seq, unsigned group)
{
    struct made made;
    tail_offset offset;
    for (unsigned i = 1; *seq < until_seq; i++) {
        assert_true(journal_group_room(journal));
        make(&made, *seq, 1000);
        if (!journal_has_place(journal, &made.decision))
            break;
        journal_append(journal, &made.decision, &offset);
        *seq += made.decision.event_count;
        if (i % group == 0)
            assert_int_equal(journal_flush(journal), STATUS_OK);
    }
    assert_int_equal(journal_flush(journal), STATUS_OK);
    assert_int_equal(journal_durable_seq(journal), *seq - 1);
}

static void a_full_disk_refuses_before_anything_is_appended_and_passes(void **state)
{
    (void)state;
    struct place place = place_create();
    struct seen seen;
    struct journal_report report;
    for (unsigned run = 0; run < 12; run++) {
        place_empty(&place);
        struct disk disk;
        /* Room for one segment to some; what is left over is no step, a step, or in the middle of one. */
        disk_init(&disk, ((uint64_t)1 << 20) * (1 + run / 3) + (run % 3) * 300000);
        struct journal_options options = options_of(&place);
        options.env = &disk.env;
        struct journal *journal = must_open_with(&options, &seen, &report);
        atomic_store(&disk.unnamed, run % 4 == 3);
        uint64_t seq = 1;
        fill_the_disk(journal, &seq, UINT64_MAX, 60 + 97 * (run % 5));
        assert_true(seq > 500);
        assert_true(journal_disk(journal).full && journal_disk(journal).low);
        assert_false(journal_failed(journal));
        char problem[400];
        journal_disk_problem(journal, problem, sizeof(problem));
        assert_string_not_equal(problem, "");
        /* Asking again writes nothing before its time. */
        struct made made;
        make(&made, seq, 1000);
        unsigned refusals = disk.refusals;
        assert_false(journal_has_place(journal, &made.decision));
        assert_int_equal(disk.refusals, refusals);
        atomic_store(&disk.ahead_ns, FILL_RETRY_NS);
        assert_false(journal_has_place(journal, &made.decision));
        assert_true(disk.refusals > refusals);
        if (run % 2 == 0) { /* it goes on by itself */
            atomic_store(&disk.space, (uint64_t)8 << 20);
            atomic_store(&disk.unnamed, false);
            atomic_store(&disk.ahead_ns, 3 * FILL_RETRY_NS);
            assert_true(journal_has_place(journal, &made.decision));
            assert_false(journal_disk(journal).full);
            fill_the_disk(journal, &seq, seq + 3000, 200);
            assert_false(journal_disk(journal).low);
            assert_true(journal_counters(journal).segments > 1);
            atomic_store(&disk.space, 0);
            fill_the_disk(journal, &seq, UINT64_MAX, 300);
        }
        /* A clean stop has room for its seal, and so has the next one, which begins on a full disk. */
        assert_int_equal(journal_finish(journal), STATUS_OK);
        assert_false(journal_append_seal(journal));
        journal_close(journal);
        atomic_store(&disk.space, 0);
        for (unsigned start = 0; start < 2; start++) {
            journal = must_open_with(&options, &seen, &report);
            assert_int_equal(seen.next_seq, seq);
            assert_int_equal(report.cut_bytes, 0);
            assert_false(journal_append_seal(journal)); /* it has one */
            fill_the_disk(journal, &seq, UINT64_MAX, 1); /* what the step in the middle of which the disk was full has left */
            assert_true(journal_disk(journal).full);
            journal_close(journal);
        }
        assert_int_equal(verify(&place, &seen, &report), STATUS_OK);
        assert_int_equal(seen.next_seq, seq);
    }
    place_destroy(&place);
}

static void a_disk_too_full_for_a_journal_is_left_as_it_was(void **state)
{
    (void)state;
    struct place place = place_create();
    struct journal_report report;
    struct disk disk;
    disk_init(&disk, FILL_STEP_BYTES - 1);
    struct journal_options options = options_of(&place);
    options.env = &disk.env;
    struct journal *journal = NULL;
    assert_int_equal(journal_open(&options, NULL, &journal, &report), STATUS_NO_SPACE);
    assert_non_null(strstr(report.problem, "full"));
    assert_non_null(strstr(report.problem, "free space"));
    assert_int_equal(rmdir(place.path), 0); /* it is empty */
}

static void a_full_disk_passes_for_the_filling_thread(void **state)
{
    (void)state;
    struct place place = place_create();
    struct seen seen;
    struct journal_report report;
    struct disk disk;
    disk_init(&disk, (uint64_t)3 << 20);
    struct journal_options options = options_of(&place);
    options.env = &disk.env;
    options.fill_on_writer = false;
    struct journal *journal = must_open_with(&options, &seen, &report);
    uint64_t seq = 1;
    fill_the_disk(journal, &seq, UINT64_MAX, 50);
    assert_true(journal_disk(journal).full);
    atomic_store(&disk.space, (uint64_t)100 << 20);
    for (unsigned i = 0; i < 12000 && journal_disk(journal).full; i++)
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    assert_false(journal_disk(journal).full); /* without being asked */
    fill_the_disk(journal, &seq, seq + 4000, 50);
    assert_true(journal_counters(journal).segments > 1);
    journal_close(journal);
    assert_int_equal(verify(&place, &seen, &report), STATUS_OK);
    assert_int_equal(seen.next_seq, seq);
    place_destroy(&place);
}

static void a_disk_with_larger_blocks_goes_on(void **state)
{
    (void)state;
    struct place place = place_create();
    struct seen seen;
    struct journal_report report;
    uint64_t seq = 1;
    static const uint32_t blocks[] = {512, 4096, 512, 4096};
    for (unsigned i = 0; i < 4; i++) {
        struct faulty faulty;
        faulty_init(&faulty, 0);
        faulty.block_bytes = blocks[i];
        struct journal_options options = options_of(&place);
        options.env = &faulty.env;
        struct journal *journal = must_open_with(&options, &seen, &report);
        assert_int_equal(seen.next_seq, seq);
        write_group(journal, &seq, 1, 0);
        write_group(journal, &seq, 2, 0);
        write_group(journal, &seq, 7, 300);
        if (blocks[i] == 4096)
            assert_int_equal(journal_counters(journal).disk_bytes % 512, 0);
        journal_close(journal);
    }
    assert_int_equal(verify(&place, &seen, &report), STATUS_OK);
    assert_int_equal(seen.next_seq, seq);
    place_destroy(&place);
}

static void the_filler_keeps_ahead(void **state)
{
    (void)state;
    /* With its thread: it fills the whole segment, then begins the next when a quarter is used. */
    struct place place = place_create();
    struct seen seen;
    struct journal_report report;
    struct journal_options options = options_of(&place);
    options.segment_bytes = (uint64_t)4 << 20;
    options.fill_on_writer = false;
    struct journal *journal = must_open_with(&options, &seen, &report);
    uint64_t seq = 1;
    write_group(journal, &seq, 900, 1000);
    write_group(journal, &seq, 900, 1000);
    char path[256];
    struct stat st = {0};
    snprintf(path, sizeof(path), "%s/" SEGMENT_NEXT_NAME, place.path);
    for (unsigned i = 0; i < 12000 && (stat(path, &st) != 0 || st.st_size < 4 << 20); i++)
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    assert_int_equal(st.st_size, 4 << 20);
    snprintf(path, sizeof(path), "%s/" FIRST_SEGMENT, place.path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, (4 << 20) + FILL_BEYOND_BYTES);
    journal_close(journal);
    place_destroy(&place);
}

/* ---- epochs ---- */

static void an_epoch_begins_with_a_segment(void **state)
{
    (void)state;
    struct place place = place_create();
    struct seen seen;
    struct journal_report report;
    uint64_t seq = 1;
    uint64_t parted[3] = {0};
    uint32_t epochs[3] = {0};
    struct journal *journal = must_open(&place, &seen, &report);
    write_group(journal, &seq, 30, 100);
    for (unsigned i = 0; i < 3; i++) {
        const struct epochs *before = journal_epochs(journal);
        parted[i] = seq - 1;
        assert_int_equal(journal_begin_epoch(journal, EPOCH_promote, NULL), STATUS_OK);
        epochs[i] = journal_epoch(journal);
        assert_int_equal(epoch_number(epochs[i]), 2 + i);
        assert_int_equal(before->count, i); /* who holds it is not disturbed */
        if (i == 1) { /* across a start */
            journal_close(journal);
            journal = must_open(&place, &seen, &report);
            assert_int_equal(journal_epoch(journal), epochs[i]);
        }
        write_group(journal, &seq, 30, 100);
    }
    journal_close(journal);
    assert_int_equal(verify(&place, &seen, &report), STATUS_OK);
    assert_int_equal(seen.next_seq, seq);
    assert_int_equal(report.segment_count, 4);
    assert_int_equal(report.epochs.count, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(report.epochs.list[i].epoch, epochs[i]);
        assert_int_equal(report.epochs.list[i].parted_seq, parted[i]);
        assert_int_equal(report.epochs.list[i].reason, EPOCH_promote);
    }
    assert_int_equal(epochs_of(&report.epochs, parted[0]), EPOCH_FIRST);
    assert_int_equal(epochs_of(&report.epochs, parted[1]), epochs[0]);
    place_destroy(&place);
}

/* A segment is named by its first event, so one without makes room. What was written is never written otherwise: somebody may
 * have copied it. */
static void epochs_begin_where_nothing_was_decided(void **state)
{
    enum { GROUPS = 24, GROUP = 4000, TICKS = GROUPS * GROUP };
    (void)state;
    struct place place = place_create();
    struct seen seen;
    struct journal_report report;
    uint64_t seq = 1;
    uint8_t *bytes = malloc(RECORD_BYTES_MAX);
    size_t n = 0;
    struct journal *journal = must_open(&place, &seen, &report);
    assert_true(journal_wants_event(journal));
    assert_int_equal(journal_begin_epoch(journal, EPOCH_restore, NULL), STATUS_NOT_FOUND);
    write_group(journal, &seq, 3, 0);
    assert_false(journal_wants_event(journal));
    struct content first = file_get(&place, FIRST_SEGMENT);
    for (unsigned i = 0; i < 3; i++) { /* across a start, too */
        assert_int_equal(journal_begin_epoch(journal, EPOCH_repair, NULL), STATUS_OK);
        assert_true(journal_wants_event(journal));
        assert_false(journal_append_seal(journal));
        assert_int_equal(journal_counters(journal).segments, 2);
        if (i == 1) {
            journal_close(journal);
            journal = must_open(&place, &seen, &report);
            assert_true(journal_wants_event(journal));
        }
    }
    struct content again = file_get(&place, FIRST_SEGMENT);
    assert_int_equal(again.n, first.n);
    assert_memory_equal(again.bytes, first.bytes, first.n);
    free(again.bytes);
    free(first.bytes);
    write_group(journal, &seq, 3, 0);
    for (unsigned i = 0; i < TICKS; i++) { /* more than a segment of them: they stay in the one they are in */
        journal_append_tick(journal, 20000);
        if (i % GROUP == GROUP - 1)
            assert_int_equal(journal_flush(journal), STATUS_OK);
    }
    assert_true(journal_counters(journal).disk_bytes > JOURNAL_SEGMENT_BYTES_MIN);
    struct journal_place at = JOURNAL_BEGIN; /* opens every file there is */
    struct journal_replay replay = replay_into(&seen);
    assert_int_equal(journal_replay_until(journal, &at, INT64_MAX, UINT64_MAX, &replay, NULL), STATUS_OK);
    assert_int_equal(seen.ticks, TICKS);
    assert_int_equal(journal_begin_epoch(journal, EPOCH_promote, NULL), STATUS_OK);
    assert_int_equal(journal_begin_epoch(journal, EPOCH_promote, NULL), STATUS_OK);
    write_group(journal, &seq, 3, 0);
    assert_int_equal(journal_replay_until(journal, &at, INT64_MAX, UINT64_MAX, &replay, NULL), STATUS_OK);
    assert_int_equal(seen.ticks, TICKS);
    assert_int_equal(seen.next_seq, seq);
    assert_int_equal(journal_counters(journal).segments, 3);
    journal_close(journal);
    journal = must_open(&place, &seen, &report);
    assert_int_equal(seen.ticks, TICKS);
    assert_int_equal(seen.next_seq, seq);
    assert_int_equal(report.segment_count, 3);
    assert_int_equal(report.epochs.count, 5);
    assert_int_equal(journal_read(journal, 1, TAIL_UNKNOWN, false, bytes, RECORD_BYTES_MAX, &n), STATUS_OK);
    journal_close(journal);
    assert_int_equal(verify(&place, &seen, &report), STATUS_OK);
    free(bytes);
    place_destroy(&place);
}

/* Two copies begin their second epochs: neither's segments are taken for the other's. */
static void segments_of_two_epochs_do_not_mix(void **state)
{
    (void)state;
    struct place place = place_create();
    struct place copy = place_create();
    struct seen seen;
    struct journal_report report;
    uint64_t seq = 1;
    struct journal *journal = must_open(&place, &seen, &report);
    write_group(journal, &seq, 30, 100);
    journal_close(journal);
    struct content first = file_get(&place, FIRST_SEGMENT);
    file_put(&copy, FIRST_SEGMENT, first.bytes, first.n);
    char names[2][SEGMENT_NAME_BYTES];
    uint64_t after = seq;
    const struct place *places[2] = {&place, &copy};
    for (unsigned i = 0; i < 2; i++) {
        uint64_t here = seq;
        segment_name(here, names[0]);
        journal = must_open(places[i], &seen, &report);
        assert_int_equal(journal_begin_epoch(journal, EPOCH_promote, NULL), STATUS_OK);
        write_group(journal, &here, 30, 100);
        segment_name(here, names[1]);
        assert_int_equal(journal_begin_epoch(journal, EPOCH_promote, NULL), STATUS_OK);
        write_group(journal, &here, 30, 100);
        after = here;
        journal_close(journal);
    }
    assert_true(after > seq);
    assert_int_equal(verify(&copy, &seen, &report), STATUS_OK);
    for (unsigned i = 0; i < 2; i++) {
        struct content own = file_get(&place, names[i]);
        struct content other = file_get(&copy, names[i]);
        file_put(&place, names[i], other.bytes, other.n);
        assert_int_equal(verify(&place, &seen, &report), STATUS_DAMAGED);
        file_put(&place, names[i], own.bytes, own.n);
        free(own.bytes);
        free(other.bytes);
    }
    assert_int_equal(verify(&place, &seen, &report), STATUS_OK);
    /* An epoch that its own header does not explain. */
    struct content second = file_get(&place, names[0]);
    struct segment segment;
    assert_int_equal(segment_parse(second.bytes, &segment), SEGMENT_OK);
    const struct {
        uint32_t at;
        uint8_t value;
        enum segment_verdict verdict;
    } rows[] = {{32, 3, SEGMENT_BROKEN}, {72, 0, SEGMENT_BROKEN},  {72, 65, SEGMENT_TOO_NEW}, {92, 200, SEGMENT_TOO_NEW},
                {88, 9, SEGMENT_BROKEN}, {200, 1, SEGMENT_TOO_NEW}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t header[SEGMENT_HEADER_BYTES];
        memcpy(header, second.bytes, sizeof(header));
        header[rows[i].at] = rows[i].value;
        put_u32(header + SEGMENT_HEADER_BYTES - 4, crc32c(0, header, SEGMENT_HEADER_BYTES - 4));
        assert_int_equal(segment_parse(header, &segment), rows[i].verdict);
    }
    free(first.bytes);
    free(second.bytes);
    place_destroy(&place);
    place_destroy(&copy);
}

/* ---- copies ---- */

/* All of a journal as a stream, without marks. */
static struct content stream_of(struct journal *journal, const struct journal_cursor *from, bool memory_first)
{
    struct content stream = {malloc((size_t)16 << 20), 0};
    struct journal_cursor cursor = *from;
    for (;;) {
        size_t n = 0;
        uint8_t *at = stream.bytes + stream.n;
        enum status status = journal_copy(journal, &cursor, UINT64_MAX, memory_first, at, FRAME_BYTES_MAX, &n);
        if (status == STATUS_AGAIN)
            status = journal_copy(journal, &cursor, UINT64_MAX, false, at, FRAME_BYTES_MAX, &n);
        if (status == STATUS_END)
            return stream;
        assert_int_equal(status, STATUS_OK);
        stream.n += n;
        assert_true(stream.n < (size_t)8 << 20);
    }
}

static const struct journal_cursor from_the_beginning = {.header = true, .offset = SEGMENT_HEADER_BYTES};

/* Reads items until the stream ends or is refused; how many bytes were taken. */
static size_t take_stream(struct stream_reader *reader, const uint8_t *bytes, size_t n, enum status *out_status)
{
    size_t at = 0;
    for (;;) {
        enum stream_item item;
        size_t length = 0;
        *out_status = stream_reader_next(reader, bytes + at, n - at, &item, &length);
        if (*out_status != STATUS_OK)
            return at;
        at += length;
    }
}

static void a_copy_is_the_journal_byte_for_byte(void **state)
{
    (void)state;
    struct place place = place_create();
    struct place other = place_create();
    struct seen seen;
    struct journal_report report;
    struct journal *journal = must_open(&place, &seen, &report);
    uint64_t seq = 1;
    for (unsigned i = 0; i < 60; i++) {
        write_group(journal, &seq, 1 + i % 60, 1000);
        journal_append_tick(journal, (int64_t)seq * 1000);
        assert_int_equal(journal_flush(journal), STATUS_OK);
    }
    assert_true(journal_counters(journal).segments > 1);
    struct content memory = stream_of(journal, &from_the_beginning, true);
    struct content disk = stream_of(journal, &from_the_beginning, false);
    assert_int_equal(memory.n, disk.n);
    assert_memory_equal(memory.bytes, disk.bytes, disk.n);

    /* It begins with the first segment's header and frame; then items, one by one. */
    struct stream_reader reader;
    stream_reader_init(&reader, &(struct stream_place){0});
    enum stream_item item;
    size_t at = 0;
    size_t n = 0;
    assert_int_equal(stream_reader_next(&reader, disk.bytes, disk.n, &item, &n), STATUS_OK);
    assert_int_equal(item, STREAM_SEGMENT);
    at += n;
    assert_int_equal(stream_reader_next(&reader, disk.bytes + at, disk.n - at, &item, &n), STATUS_OK);
    assert_int_equal(item, STREAM_FRAME);
    at += n;
    struct journal_options options = options_of(&other);
    options.copy = true;
    struct journal *copy = NULL;
    static uint8_t sent[128 * 1024];
    assert_int_equal(journal_open(&options, NULL, &copy, &report), STATUS_NOT_FOUND);
    options.copy_start = disk.bytes;
    options.copy_start_bytes = at;
    for (unsigned turn = 0; at < disk.n; turn++) {
        if (copy == NULL)
            assert_int_equal(journal_open(&options, NULL, &copy, &report), STATUS_OK);
        struct stream_place there;
        journal_copied(copy, &there);
        assert_memory_equal(&there, &reader.place, sizeof(there));
        struct journal_cursor cursor;
        assert_int_equal(journal_copy_find(journal, there.seq, there.ordinal, there.chain, &cursor), STATUS_OK);
        assert_int_equal(journal_copy_find(journal, there.seq, there.ordinal, there.chain ^ 1, &cursor), STATUS_INVALID);
        /* Whatever is sent from there follows, also when the next segment's header is all that the copy has of it. */
        assert_int_equal(journal_copy_find(journal, there.seq, there.ordinal, there.chain, &cursor), STATUS_OK);
        assert_int_equal(journal_copy(journal, &cursor, UINT64_MAX, false, sent, sizeof(sent), &n), STATUS_OK);
        struct stream_reader from;
        stream_reader_init(&from, &there);
        for (size_t taken = 0, sent_bytes = n; taken < sent_bytes; taken += n)
            assert_int_equal(stream_reader_next(&from, sent + taken, sent_bytes - taken, &item, &n), STATUS_OK);
        assert_int_equal(stream_reader_next(&reader, disk.bytes + at, disk.n - at, &item, &n), STATUS_OK);
        if (item == STREAM_SEGMENT)
            assert_int_equal(journal_take_segment(copy, disk.bytes + at), STATUS_OK);
        else
            assert_int_equal(journal_take(copy, disk.bytes + at, n), STATUS_OK);
        at += n;
        if (turn % 7 == 3) { /* it is closed in between: nothing of its own is written */
            journal_close(copy);
            copy = NULL;
        }
    }
    if (copy == NULL)
        assert_int_equal(journal_open(&options, NULL, &copy, &report), STATUS_OK);
    struct content again = stream_of(copy, &from_the_beginning, true);
    assert_int_equal(again.n, disk.n);
    assert_memory_equal(again.bytes, disk.bytes, disk.n);
    struct journal_cursor cursor;
    assert_int_equal(journal_copy_find(journal, seq - 1, UINT64_C(1) << 40, 0, &cursor), STATUS_END);
    journal_close(copy);
    journal_close(journal);
    assert_int_equal(verify(&other, &seen, &report), STATUS_OK);
    assert_int_equal(seen.next_seq, seq);
    free(memory.bytes);
    free(disk.bytes);
    free(again.bytes);
    place_destroy(&place);
    place_destroy(&other);
}

/* A copy makes several frames durable with one write. What a power cut leaves of it is torn, whatever they say of each other, until
 * a frame behind them came; all else that is missing is damage. */
static void a_torn_block_of_a_copy_comes_again(void **state)
{
    (void)state;
    struct place place = place_create();
    struct place other = place_create();
    struct seen seen;
    struct journal_report report;
    struct journal *journal = must_open(&place, &seen, &report);
    uint64_t seq = 1;
    for (unsigned i = 0; i < 12; i++)
        write_group(journal, &seq, 9, 100);
    struct content disk = stream_of(journal, &from_the_beginning, false);
    journal_close(journal);
    size_t starts[14], count = 0;
    struct stream_reader reader;
    stream_reader_init(&reader, &(struct stream_place){0});
    for (size_t at = 0, n = 0; at < disk.n; at += n) {
        enum stream_item item;
        assert_int_equal(stream_reader_next(&reader, disk.bytes + at, disk.n - at, &item, &n), STATUS_OK);
        starts[count++] = at;
    }
    assert_int_equal(count, 14); /* the header, the genesis, and those */
    struct journal_options options = options_of(&other);
    options.copy = true;
    options.copy_start = disk.bytes;
    options.copy_start_bytes = starts[2];
    struct journal *copy = NULL;
    assert_int_equal(journal_open(&options, NULL, &copy, &report), STATUS_OK);
    for (size_t i = 2; i < 5; i++)
        assert_int_equal(journal_take(copy, disk.bytes + starts[i], starts[i + 1] - starts[i]), STATUS_OK);
    assert_int_equal(journal_take(copy, disk.bytes + starts[5], starts[12] - starts[5]), STATUS_OK);
    journal_close(copy);
    struct content whole = file_get(&other, FIRST_SEGMENT);
    static const uint8_t nothing[512];
    for (size_t i = 2; i < 12; i++) { /* frame i */
        for (size_t at = starts[i]; at < starts[i + 1]; at += sizeof(nothing)) {
            file_patch(&other, FIRST_SEGMENT, at, nothing, sizeof(nothing));
            enum status status = journal_open(&options, NULL, &copy, &report);
            assert_int_equal(status, i < 5 ? STATUS_DAMAGED : STATUS_OK);
            if (status == STATUS_OK) {
                assert_int_equal(journal_durable_ordinal(copy), memcmp(whole.bytes + at, nothing, 512) == 0 ? 11 : i - 1);
                size_t from = starts[journal_durable_ordinal(copy) + 1];
                if (from < starts[12])
                    assert_int_equal(journal_take(copy, disk.bytes + from, starts[12] - from), STATUS_OK);
                journal_close(copy);
                struct content again = file_get(&other, FIRST_SEGMENT);
                assert_memory_equal(again.bytes, disk.bytes, starts[12]);
                free(again.bytes);
            }
            file_put(&other, FIRST_SEGMENT, whole.bytes, whole.n);
        }
    }
    assert_int_equal(journal_open(&options, NULL, &copy, &report), STATUS_OK);
    assert_int_equal(journal_take(copy, disk.bytes + starts[12], starts[13] - starts[12]), STATUS_OK);
    journal_close(copy);
    file_patch(&other, FIRST_SEGMENT, starts[7], nothing, sizeof(nothing));
    assert_int_equal(journal_open(&options, NULL, &copy, &report), STATUS_DAMAGED);
    free(whole.bytes);
    free(disk.bytes);
    place_destroy(&place);
    place_destroy(&other);
}

static void every_flipped_bit_of_a_stream_is_seen(void **state)
{
    (void)state;
    struct place place = place_create();
    struct seen seen;
    struct journal_report report;
    struct journal *journal = must_open(&place, &seen, &report);
    uint64_t seq = 1;
    for (unsigned i = 0; i < 3; i++)
        write_group(journal, &seq, 2, 30);
    struct content stream = stream_of(journal, &from_the_beginning, true);
    struct stream_mark mark = {.end = true, .current = true, .epoch = 1, .ordinal = 4, .seq = seq - 1, .wall_us = 1};
    memcpy(mark.ledger_id, journal_genesis(journal)->ledger_id, 16);
    stream_mark_write(&mark, stream.bytes + stream.n);
    stream.n += STREAM_MARK_BYTES;

    struct stream_reader reader;
    enum status status;
    stream_reader_init(&reader, &(struct stream_place){0});
    assert_int_equal(take_stream(&reader, stream.bytes, stream.n, &status), stream.n);
    assert_int_equal(status, STATUS_AGAIN); /* more may come */
    assert_true(reader.mark.end && reader.mark.current && reader.mark.seq == seq - 1);
    for (size_t bit = 0; bit < 8 * stream.n; bit++) {
        stream.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        stream_reader_init(&reader, &(struct stream_place){0});
        size_t taken = take_stream(&reader, stream.bytes, stream.n, &status);
        if (taken > bit / 8)
            fail_msg("bit %zu was taken for right", bit);
        stream.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    /* Cut anywhere, it is no more than its beginning. */
    for (size_t n = 0; n < stream.n; n++) {
        stream_reader_init(&reader, &(struct stream_place){0});
        assert_true(take_stream(&reader, stream.bytes, n, &status) <= n);
        assert_int_equal(status, STATUS_AGAIN);
        assert_false(reader.mark.end);
    }
    journal_close(journal);
    free(stream.bytes);
    place_destroy(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_replayed),
        cmocka_unit_test(a_journal_is_opened_once),
        cmocka_unit_test(opening_tells_how_far_it_is_and_can_be_stopped),
        cmocka_unit_test(a_tail_torn_at_any_byte_is_cut),
        cmocka_unit_test(every_flipped_bit_is_seen),
        cmocka_unit_test(a_frame_has_a_next_one),
        cmocka_unit_test(two_frames_in_flight_are_both_cut),
        cmocka_unit_test(stale_and_foreign_frames_do_not_come_alive),
        cmocka_unit_test(another_history_of_the_same_ledger_does_not_fit),
        cmocka_unit_test(newer_versions_are_refused),
        cmocka_unit_test(segments_follow_one_another),
        cmocka_unit_test(reading_only_changes_nothing),
        cmocka_unit_test(segments_of_ticks_alone_grow),
        cmocka_unit_test(everything_can_be_read_from_any_number),
        cmocka_unit_test(little_is_read_of_a_long_frame),
        cmocka_unit_test(the_index_thins_itself),
        cmocka_unit_test(one_group_is_filled_while_another_is_written),
        cmocka_unit_test(what_was_appended_is_read_before_it_is_durable),
        cmocka_unit_test(readers_follow_while_the_tail_comes_round),
        cmocka_unit_test(a_reader_never_gets_what_the_writer_overwrote),
        cmocka_unit_test(any_failure_is_final_and_loses_nothing),
        cmocka_unit_test(what_cannot_be_read_back_is_told_and_read_again_later),
        cmocka_unit_test(a_full_disk_refuses_before_anything_is_appended_and_passes),
        cmocka_unit_test(a_disk_too_full_for_a_journal_is_left_as_it_was),
        cmocka_unit_test(a_full_disk_passes_for_the_filling_thread),
        cmocka_unit_test(a_disk_with_larger_blocks_goes_on),
        cmocka_unit_test(the_filler_keeps_ahead),
        cmocka_unit_test(a_copy_is_the_journal_byte_for_byte),
        cmocka_unit_test(a_torn_block_of_a_copy_comes_again),
        cmocka_unit_test(every_flipped_bit_of_a_stream_is_seen),
        cmocka_unit_test(leftovers_are_removed_and_nothing_else),
        cmocka_unit_test(an_epoch_begins_with_a_segment),
        cmocka_unit_test(epochs_begin_where_nothing_was_decided),
        cmocka_unit_test(segments_of_two_epochs_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
