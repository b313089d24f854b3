/*
 * Writes seeds for the fuzz targets that read what the program wrote itself: seeds DIRECTORY, where a directory of each target's
 * name is. Of the story (test/world/story.h): one command, record and body of configuration of each kind, and short journals.
 */
#define UNIT_ALONE
#include "../world/memory_env.h"
#include "../world/story.h"
#include "engine/checkpointer.h"
#include "journal/checkpoint.h"
#include "journal/segment.h"
#include "journal/stream.h"

static const char *directory;
static struct story story;
static uint8_t bytes[1 << 20];

static void put(const char *target, const char *name, unsigned number, const void *content, size_t n)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s/%s%u", directory, target, name, number);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(content, 1, n, file) != n || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

static void on_answer(const char *prose, const struct answer *answer)
{
    static bool seen[KIND_COUNT];
    (void)prose;
    enum command_kind kind = story.world.command.kind;
    if (answer->status == ANSWER_ACCEPTED && !seen[kind])
        put("command_decode", kind_name(kind), 0,
            bytes, command_encode(&story.world.command, bytes, sizeof(bytes)));
    seen[kind] = true;
}

static void on_decision(void *context, const struct decision *decision)
{
    static bool seen[KIND_COUNT];
    static unsigned bodies;
    (void)context;
    for (uint32_t i = 0; i < decision->event_count; i++) {
        struct text body = decision->events[i].config;
        if (body.length != 0)
            put("config_form", kind_name(decision->kind), bodies++, body.bytes, body.length);
    }
    if (decision->kind == KIND_TICK || seen[decision->kind])
        return;
    seen[decision->kind] = true;
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct decision alone = *decision;
    alone.name_count = 0;
    record_write_decision(&w, &alone);
    CHECK(!w.full);
    put("record", kind_name(decision->kind), 0, bytes, writer_bytes(&w));
}

/* Flags, how many blocks are in the first file, the fields of the header, and frames: see fuzz_journal.c. */
static void put_journals(const struct memory_file *file)
{
    const uint8_t *frames = file->bytes + SEGMENT_HEADER_BYTES;
    struct segment segment;
    struct frame frame;
    CHECK(segment_parse(file->bytes, &segment) == SEGMENT_OK);
    memcpy(bytes + 2, file->bytes, 72);
    size_t ends[4] = {0};
    for (unsigned i = 0; i < 3; i++) {
        CHECK(frame_parse(frames + ends[i], segment.ledger_id, &frame) == FRAME_OK);
        ends[i + 1] = ends[i] + frame.frame_bytes;
        put("frame", "frame", i, frames + ends[i], frame.frame_bytes);
    }
    put("frame", "segment", 0, file->bytes, 128);
    memcpy(bytes + 74, frames, ends[3]);
    for (unsigned flags = 0; flags < 16; flags += 3) {
        bytes[0] = (uint8_t)flags;
        bytes[1] = (uint8_t)(ends[2] / FRAME_STEP_BYTES);
        put("journal", "flags", flags, bytes, 74 + ends[3]);
    }
    bytes[0] = 0;
    memcpy(bytes + 1, file->bytes, SEGMENT_HEADER_BYTES + ends[3]);
    struct stream_mark mark = {.end = true, .current = true, .epoch = 1, .ordinal = 3, .seq = frame.last_seq, .wall_us = 1};
    memcpy(mark.ledger_id, segment.ledger_id, 16);
    stream_mark_write(&mark, bytes + 1 + SEGMENT_HEADER_BYTES + ends[3]);
    put("stream", "stream", 0, bytes, 1 + SEGMENT_HEADER_BYTES + ends[3] + STREAM_MARK_BYTES);
    /* What stands for a beginning that is gone, and the header of the segment that is the oldest then. */
    struct beginning beginning = {.genesis.key = {1, 2}, .number = 2, .first_seq = 9, .first_ordinal = 4, .before_us = 1};
    struct stream_piece piece = {.seq = 12, .total = 100, .n = 100};
    memcpy(beginning.genesis.ledger_id, segment.ledger_id, 16);
    beginning_write_record(&beginning, bytes + 1);
    memset(bytes + 1 + BEGINNING_BYTES + STREAM_PIECE_HEADER, 'c', piece.n);
    stream_piece_write(&piece, bytes + 1 + BEGINNING_BYTES);
    segment.number = beginning.number;
    segment.first_seq = beginning.first_seq;
    segment.first_ordinal = beginning.first_ordinal;
    segment.previous_chain = 0;
    segment_write_header(&segment, bytes + 1 + BEGINNING_BYTES + STREAM_PIECE_HEADER + piece.n);
    put("stream", "stream", 1, bytes, 1 + BEGINNING_BYTES + STREAM_PIECE_HEADER + piece.n + SEGMENT_HEADER_BYTES);
}

/* Of the ledger as it is: flags, the fields of the head, and the blocks; see fuzz_checkpoint.c. */
static void put_checkpoint(struct memory_env *world, struct shard *shard, unsigned number)
{
    const struct ledger *ledger = shard_ledger(shard);
    const struct group_mark mark = {
        .last_seq = ledger_last_seq(ledger), .log_us = ledger_now_us(ledger), .state_hash = ledger_state_hash(ledger)};
    const struct checkpointer_options how = {.env = &world->env, .journal = shard_journal(shard), .limits = story_limits};
    char name[CHECKPOINT_NAME_BYTES];
    char problem[512];
    uint64_t n = 0;
    CHECK(story_flush(&story) == STATUS_OK);
    CHECK(checkpointer_make(&how, &mark, NULL, &n, problem, sizeof(problem)) == STATUS_OK);
    checkpoint_name(mark.last_seq, name);
    const struct memory_file *file = memory_find(world, name);
    bytes[0] = 1;
    memcpy(bytes + 1, file->bytes, 128);
    memcpy(bytes + 129, file->bytes + 512, file->n - 512);
    put("checkpoint", "checkpoint", number, bytes, 129 + file->n - 512);
}

int main(int argc, char **argv)
{
    static struct memory_env world;
    if (argc != 2) {
        (void)fprintf(stderr, "usage: seeds DIRECTORY\n");
        return 2;
    }
    directory = argv[1];
    memory_env_init(&world);
    struct shard_options options = story_options(&world.env, "seeds");
    struct journal_report report;
    struct shard *shard = NULL;
    story.answered = on_answer;
    CHECK(shard_open(&options, &shard, &report) == STATUS_OK && story_begin(&story, shard) == STATUS_OK);
    for (unsigned step = 0; story_step(&story) == STATUS_OK; step++) {
        if (step == 4 || step == 40)
            put_checkpoint(&world, shard, step);
    }
    shard_close(shard);
    const struct journal_replay replay = {.decision = on_decision};
    CHECK(journal_verify(&world.env, "seeds", &replay, &report) == STATUS_OK);
    struct writer w = writer_of(bytes, sizeof(bytes));
    const struct genesis genesis = {.key = {1, 2}};
    record_write_genesis(&w, &genesis);
    put("record", "genesis", 0, bytes, writer_bytes(&w));
    w = writer_of(bytes, sizeof(bytes));
    record_write_tick(&w, 1);
    put("record", "tick", 0, bytes, writer_bytes(&w));
    w = writer_of(bytes, sizeof(bytes));
    record_write_seal(&w);
    put("record", "seal", 0, bytes, writer_bytes(&w));
    put_journals(memory_find(&world, "00000000000000000001.journal"));
    memory_env_deinit(&world);
    return 0;
}
