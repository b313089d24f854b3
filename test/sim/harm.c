/* Harm that a disk does by itself: rot, and writes that go astray. */
#include "sim_run.h"

#include "base/bytes.h"
#include "journal/frame.h"
#include "journal/packed.h"
#include "journal/segment.h"
#include "ledger/image.h"

static bool is_segment(const char *name)
{
    uint64_t first_seq;
    return strlen(name) == SEGMENT_NAME_BYTES - 1 && segment_name_parse(name, &first_seq);
}

/* Not what is left of one that was dropped. */
static bool is_kept(const char *name)
{
    uint64_t first_seq;
    return is_segment(name) && segment_name_parse(name, &first_seq) && first_seq >= sr.oldest_seq;
}

bool segment_packed(const char *name)
{
    uint8_t head[10];
    sim_peek(&sr.sim, name, 0, head, sizeof(head));
    return is_segment(name) && get_u16(head + 8) == PACKED_FORMAT;
}

/* The last one that ends at this offset or before. */
static bool frame_find(uint64_t limit, struct last_frame *out)
{
    const char *last = NULL;
    for (const char *name = NULL; (name = sim_file_next(&sr.sim, name)) != NULL;)
        if (is_segment(name))
            last = name;
    if (last == NULL)
        return false;
    static uint8_t header[SEGMENT_HEADER_BYTES];
    struct segment segment;
    sim_peek(&sr.sim, last, 0, header, sizeof(header));
    if (segment_parse(header, &segment) != SEGMENT_OK)
        return false;
    *out = (struct last_frame){.begin = SEGMENT_HEADER_BYTES, .end = SEGMENT_HEADER_BYTES,
                               .first_seq = segment.first_seq, .last_seq = segment.first_seq - 1};
    (void)snprintf(out->name, sizeof(out->name), "%s", last);
    uint64_t ordinal = segment.first_ordinal;
    uint64_t size = sim_file_bytes(&sr.sim, last);
    static uint8_t bytes[FRAME_BYTES_MAX];
    for (struct frame frame; out->end + FRAME_STEP_BYTES <= size; ordinal++) {
        sim_peek(&sr.sim, last, out->end, bytes, FRAME_STEP_BYTES);
        if (frame_parse(bytes, segment.ledger_id, &frame) != FRAME_OK || frame.ordinal != ordinal ||
            out->end + frame.frame_bytes > size || out->end + frame.frame_bytes > limit)
            break;
        sim_peek(&sr.sim, last, out->end, bytes, frame.frame_bytes);
        if (!frame_payload_sound(&frame, bytes))
            break;
        out->begin = out->end;
        out->end += frame.frame_bytes;
        out->first_seq = frame.first_seq;
        out->last_seq = frame.last_seq;
    }
    return true;
}

bool last_frame_find(struct last_frame *out)
{
    return frame_find(UINT64_MAX, out);
}

static void pass_genesis(void *context, const struct genesis *genesis)
{
    (void)context;
    (void)genesis;
}

static enum status pass_image(void *context, const uint8_t *bytes, size_t n)
{
    (void)context;
    (void)bytes;
    (void)n;
    return STATUS_OK;
}

static enum status pass_image_end(void *context, uint64_t state_hash)
{
    (void)context;
    (void)state_hash;
    return STATUS_OK;
}

/* Reads all that is kept. */
static enum status verify(struct journal_report *report)
{
    const struct journal_replay replay = {.genesis = pass_genesis,
                                          .image = pass_image,
                                          .image_end = pass_image_end,
                                          .image_layout = IMAGE_LAYOUT,
                                          .whole = true};
    return journal_verify(&sr.sim.env, "data", &replay, report);
}

struct shard_options shard_options(void)
{
    return (struct shard_options){
        .journal = {.env = &sr.sim.env,
                    .path = "data",
                    .segment_bytes = JOURNAL_SEGMENT_BYTES_MIN,
                    .tail_bytes = (size_t)32 << 20,
                    .raw_segments = sr.raw_segments,
                    .fill_on_writer = true},
        .limits = play_limits,
        .id_window_ms = WINDOW_US / 1000,
        .id_capacity = 4096,
        .clock_start_max_us = CLOCK_START_US,
    };
}

enum status start_look(struct journal_report *report, uint64_t *out_hash)
{
    struct shard_options options = shard_options();
    struct shard *shard = NULL;
    options.journal.read_only = true;
    options.accept_clock = true;
    enum status status = shard_open(&options, &shard, report);
    if (status != STATUS_OK)
        return status;
    *out_hash = ledger_state_hash(shard_ledger(shard));
    shard_close(shard);
    return STATUS_OK;
}

/*
 * A start on what is damaged is refused, and modifies nothing; but not when it begins with a checkpoint, and only what is before
 * that is damaged. first_seq: of the segment with the damage, 0 when it is not known.
 */
static void refused_start(uint64_t first_seq)
{
    struct shard_options options = shard_options();
    struct shard *shard = NULL;
    struct journal_report report;
    uint64_t before = sim_hash(&sr.sim), hash;
    if (start_look(&report, &hash) == STATUS_OK) {
        if (report.checkpoint_seq == 0 || report.checkpoint_seq < first_seq)
            violation("a start on a damaged journal begins with event %" PRIu64, report.checkpoint_seq);
        paths[PATH_ROT_BEFORE]++;
        return;
    }
    enum status status = shard_open(&options, &shard, &report);
    if (status != STATUS_DAMAGED)
        violation("a start on a damaged journal: %s: %s", status_text(status), report.problem);
    if (report.problem[0] == 0)
        violation("a start on a damaged journal says nothing");
    if (sim_hash(&sr.sim) != before)
        violation("a refused start modified the data directory");
    paths[PATH_ROT_WRITABLE]++;
}

/* The last frame is gone, and nothing in the journal vouches for it: a start cuts it, unless a checkpoint does. */
static void look_at_cut(const struct last_frame *last)
{
    struct journal_report report;
    uint64_t hash;
    enum status status = start_look(&report, &hash);
    if (status == STATUS_DAMAGED && checkpoint_newest() + 1 >= last->first_seq)
        paths[PATH_CHECKPOINT_VOUCHED]++;
    else if (status != STATUS_OK)
        violation("a torn end is refused: %s: %s", status_text(status), report.problem);
    else if (report.last_seq != last->first_seq - 1)
        violation("the last frame, from event %" PRIu64 " on, is gone, and a start ends at event %" PRIu64
                  ": its checkpoint has event %" PRIu64, last->first_seq, report.last_seq, report.checkpoint_seq);
}

void rot_probe(void)
{
    struct last_frame last;
    struct journal_report report;
    if (!last_frame_find(&last))
        return;
    struct quiet quiet = quiet_begin();
    enum status status = verify(&report);
    if (status != STATUS_OK)
        violation("a sound journal is refused: %s", report.problem);
    uint64_t last_seq = report.last_seq;
    if (last.last_seq < last_seq)
        violation("recovery finds event %" PRIu64 ", the last sound frame has %" PRIu64, last_seq, last.last_seq);
    const char *name = last.name;
    for (const char *other = NULL; (other = sim_file_next(&sr.sim, other)) != NULL;)
        if (plan_one_in(3) && is_kept(other))
            name = other;
    bool in_last = strcmp(name, last.name) == 0;
    uint64_t first_seq = 0;
    (void)segment_name_parse(name, &first_seq);
    uint64_t size = sim_file_bytes(&sr.sim, name);
    uint64_t used = in_last ? last.end : size;
    uint64_t at = plan(plan_one_in(8) ? size : plan_one_in(4) ? SEGMENT_HEADER_BYTES : used);
    if (in_last && plan_one_in(4))
        at = last.begin + plan(last.end - last.begin + 1);
    uint64_t sector = at / SIM_SECTOR_BYTES * SIM_SECTOR_BYTES;
    uint8_t before[SIM_SECTOR_BYTES], after[SIM_SECTOR_BYTES];
    size_t n = size - sector < sizeof(before) ? (size_t)(size - sector) : sizeof(before); /* a packed one ends anywhere */
    sim_peek(&sr.sim, name, sector, before, sizeof(before));
    memcpy(after, before, sizeof(after));
    switch (plan(5)) {
    case 0:
        memset(after, 0, sizeof(after));
        break;
    case 1:
        for (unsigned i = 0; i < sizeof(after); i++)
            after[i] = (uint8_t)prng_next(&sr.plan);
        break;
    case 2: /* what lies elsewhere in the file */
        sim_peek(&sr.sim, name, plan(used / SIM_SECTOR_BYTES) * SIM_SECTOR_BYTES, after, sizeof(after));
        break;
    default:
        after[at - sector] ^= (uint8_t)(1u << plan(8));
    }
    if (sector < size && memcmp(before, after, n) != 0) {
        sim_poke(&sr.sim, name, sector, after, n);
        status = verify(&report);
        /* Of a segment that is not the last, what is behind its last frame counts for nothing. */
        static const uint8_t zeros[SIM_SECTOR_BYTES];
        bool behind = (in_last && sector >= last.end) || (!in_last && memcmp(before, zeros, sizeof(zeros)) == 0);
        bool unvouched = in_last && sector >= last.begin && sector < last.end;
        if (behind && status == STATUS_OK && report.last_seq == last_seq) {
            paths[PATH_ROT_OUTSIDE]++;
        } else if (unvouched && status == STATUS_OK && report.last_seq == last.first_seq - 1) {
            if (report.cut_bytes == 0 && memcmp(after, zeros, sizeof(zeros)) != 0)
                violation("rot of the last frame is cut and not reported");
            paths[PATH_ROT_CUT]++;
            look_at_cut(&last);
        } else if (status == STATUS_DAMAGED && (!behind || !in_last)) {
            if (report.problem[0] == 0)
                violation("damage is refused without a word");
            paths[PATH_ROT_REFUSED]++;
            if (plan_one_in(4))
                refused_start(first_seq);
        } else {
            violation("rot in %s at %" PRIu64 " (last frame %" PRIu64 " to %" PRIu64 " of %s): %s, ends at event %" PRIu64
                      " of %" PRIu64 ", %s", name, sector, last.begin, last.end, last.name, status_text(status),
                      report.last_seq, last_seq, report.problem);
        }
        sim_poke(&sr.sim, name, sector, before, n);
    }
    quiet_end(&quiet);
}

/* The journal has lost its end, as a copy does that was not waited for: a start sees it when a checkpoint has more. Taken back. */
void end_probe(void)
{
    static const uint8_t zeros[1 << 20];
    static uint8_t before[1 << 20];
    struct last_frame last, left;
    if (!last_frame_find(&last) || last.end == SEGMENT_HEADER_BYTES)
        return;
    uint64_t size = sim_file_bytes(&sr.sim, last.name), checkpoint = checkpoint_newest();
    left = last;
    for (unsigned tries = 0; tries < 4 && left.last_seq >= checkpoint; tries++) /* rather before the checkpoint */
        (void)frame_find(SEGMENT_HEADER_BYTES + plan(last.end - SEGMENT_HEADER_BYTES), &left);
    if (left.end == SEGMENT_HEADER_BYTES || left.end == last.end || size - left.end > sizeof(before))
        return;
    struct quiet quiet = quiet_begin();
    size_t n = (size_t)(size - left.end);
    sim_peek(&sr.sim, last.name, left.end, before, n);
    sim_poke(&sr.sim, last.name, left.end, zeros, n);
    struct journal_report report;
    uint64_t hash;
    enum status status = start_look(&report, &hash);
    bool refused = status == STATUS_DAMAGED && checkpoint >= left.last_seq;
    if (status == STATUS_OK ? report.last_seq != left.last_seq || checkpoint > left.last_seq : !refused)
        violation("the journal ends at event %" PRIu64 ", its newest checkpoint at %" PRIu64 ": a start says %s, and ends at %" PRIu64
                  ": %s", left.last_seq, checkpoint, status_text(status), report.last_seq, report.problem);
    paths[refused ? PATH_CHECKPOINT_VOUCHED : PATH_END_CUT]++;
    sim_poke(&sr.sim, last.name, left.end, before, n);
    quiet_end(&quiet);
}

/* From the disk, by one way or the other. */
static enum status reader_read(uint64_t seq, size_t *out_bytes)
{
    for (;;) {
        size_t room = feed_room();
        enum status status = plan_one_in(2) ? journal_read_back(sr.journal, seq, seq, feed_bytes, room, out_bytes)
                                            : journal_read(sr.journal, seq, TAIL_UNKNOWN, false, feed_bytes, room, out_bytes);
        if (status != STATUS_FULL)
            return status;
    }
}

void rot_live(void)
{
    struct last_frame last;
    if (sr.feed_seq == 0 || sr.sim.stray_count > 0 || !last_frame_find(&last))
        return;
    struct quiet quiet = quiet_begin();
    const char *name = last.name;
    for (const char *other = NULL; (other = sim_file_next(&sr.sim, other)) != NULL;)
        if (plan_one_in(3) && is_kept(other))
            name = other;
    bool packed = segment_packed(name);
    uint64_t end = strcmp(name, last.name) == 0 ? last.end : sim_file_bytes(&sr.sim, name);
    uint64_t sector = plan(end / SIM_SECTOR_BYTES) * SIM_SECTOR_BYTES;
    uint8_t before[SIM_SECTOR_BYTES], after[SIM_SECTOR_BYTES];
    sim_peek(&sr.sim, name, sector, before, sizeof(before));
    memcpy(after, before, sizeof(after));
    after[plan(sizeof(after))] ^= (uint8_t)(1u << plan(8));
    sim_poke(&sr.sim, name, sector, after, sizeof(after));
    static const struct siphash_key key = {7, 8};
    for (uint32_t i = 0; i < sr.feed_count; i++) {
        size_t n = 0;
        uint64_t seq = sr.feed[i].last_seq;
        if (seq < sr.oldest_seq)
            continue;
        enum status status = reader_read(seq, &n);
        if (status == STATUS_OK && (n < sr.feed[i].bytes || siphash64(&key, feed_bytes, sr.feed[i].bytes) != sr.feed[i].hash))
            violation("rot in %s at %" PRIu64 " is read as event %" PRIu64, name, sector, seq);
        paths[packed ? PATH_ROT_READ_PACKED : PATH_ROT_READ] += status == STATUS_DAMAGED;
        i += (uint32_t)plan(1 + sr.feed_count / 16);
    }
    sim_poke(&sr.sim, name, sector, before, sizeof(before));
    quiet_end(&quiet);
}

void strays_judge(void)
{
    if (sr.sim.stray_count == 0)
        return;
    struct journal_report report;
    struct quiet quiet = quiet_begin();
    enum status status = verify(&report);
    uint64_t least = sr.feed_seq > sr.read_seq ? sr.feed_seq : sr.read_seq;
    /* The last frame of all may be among them. */
    uint64_t last_seq = 0;
    for (uint32_t i = 0; i < sr.sim.stray_count; i++) {
        struct frame frame;
        if (sr.sim.strays[i].n >= FRAME_HEADER_BYTES &&
            frame_parse(sr.sim.strays[i].bytes, sr.genesis.ledger_id, &frame) == FRAME_OK && frame.first_seq > last_seq)
            last_seq = frame.first_seq;
    }
    if (status == STATUS_DAMAGED) {
        paths[PATH_STRAY_REFUSED]++;
        if (plan_one_in(2))
            refused_start(0);
    } else if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        violation("after a write that went astray: %s: %s", status_text(status), report.problem);
    } else if (report.last_seq >= least) {
        paths[PATH_STRAY_HARMLESS]++;
    } else if (report.last_seq + 1 == last_seq) {
        paths[PATH_STRAY_CUT]++; /* nothing behind it vouches for it */
    } else {
        violation("a write went astray, and the journal ends silently at event %" PRIu64 ", %" PRIu64 " was told",
                  report.last_seq, least);
    }
    quiet_end(&quiet);
    for (uint32_t i = 0; i < sr.sim.stray_count; i++) {
        const struct sim_stray *stray = &sr.sim.strays[i];
        const char *right = sim_name_of(&sr.sim, stray->right), *wrong = sim_name_of(&sr.sim, stray->wrong);
        trace("%zu bytes went to %s at %" PRIu64 " instead of %s at %" PRIu64 ": %s", stray->n, wrong == NULL ? "?" : wrong,
              stray->wrong_offset, right == NULL ? "?" : right, stray->right_offset, status_text(status));
    }
    sim_heal(&sr.sim);
}
