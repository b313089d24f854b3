/*
 * Writes the journal of the story (test/world/story.h), as this version would: golden_story DIRECTORY [retained], which exists
 * and gets its files. Clock and identity are given, so each run of one version writes the same bytes. `retained`: it goes on for some
 * segments, and the oldest are dropped, so that what is left can only be begun with a checkpoint.
 */
#define UNIT_ALONE
#include "../world/memory_env.h"
#include "../world/story.h"
#include "engine/checkpointer.h"

static struct memory_env world;
static struct story story;

static void put(const char *directory, const struct memory_file *file)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, file->name);
    FILE *out = fopen(path, "wb");
    if (out == NULL || fwrite(file->bytes, 1, file->n, out) != file->n || fclose(out) != 0) {
        perror(path);
        exit(1);
    }
}

/* Goes on until a segment has ended, and makes a checkpoint. */
static void go_on(struct shard *shard)
{
    static char meta[1024] = "{\"x\":\"";
    const struct ledger *ledger = shard_ledger(shard);
    const struct checkpointer_options options = {.env = &world.env, .journal = shard_journal(shard), .limits = story_limits};
    uint64_t segments = journal_counters(shard_journal(shard)).segments;
    uint64_t bytes = 0;
    char problem[512];
    memset(meta + 6, 'y', sizeof(meta) - 8);
    memcpy(meta + sizeof(meta) - 2, "\"}", 2);
    story.meta = text_of(meta, sizeof(meta));
    while (journal_counters(shard_journal(shard)).segments == segments)
        CHECK(story_command(&story, "receive 1 A@L") == STATUS_OK && story_flush(&story) == STATUS_OK);
    const struct group_mark mark = {
        .last_seq = ledger_last_seq(ledger), .log_us = ledger_now_us(ledger), .state_hash = ledger_state_hash(ledger)};
    CHECK(checkpointer_make(&options, &mark, NULL, &bytes, problem, sizeof(problem)) == STATUS_OK);
}

static void retain(struct shard *shard)
{
    const struct journal_retention all = {
        .before_us = INT64_MAX, .most_bytes = UINT64_MAX, .horizon_us = INT64_MAX, .needed_seq = UINT64_MAX};
    struct journal_retained retained;
    char problem[512];
    go_on(shard);
    go_on(shard);
    CHECK(journal_retain(shard_journal(shard), &all, &retained, problem, sizeof(problem)) == STATUS_OK);
    CHECK(retained.segments != 0);
}

int main(int argc, char **argv)
{
    bool retained = argc == 3 && strcmp(argv[2], "retained") == 0;
    if (argc != 2 && !retained) {
        (void)fprintf(stderr, "usage: golden_story DIRECTORY [retained]\n");
        return 2;
    }
    memory_env_init(&world);
    struct shard_options options = story_options(&world.env, "golden");
    struct journal_report report;
    struct shard *shard = NULL;
    CHECK(shard_open(&options, &shard, &report) == STATUS_OK && story_begin(&story, shard) == STATUS_OK);
    while (story_step(&story) == STATUS_OK)
        ;
    if (retained)
        retain(shard);
    shard_close(shard);
    for (unsigned i = 0; i < MEMORY_FILES_MAX; i++) {
        if (world.files[i].bytes != NULL)
            put(argv[1], &world.files[i]);
    }
    memory_env_deinit(&world);
    return 0;
}
