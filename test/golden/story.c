/*
 * Writes the journal of the story (test/world/story.h), as this version would: golden_story DIRECTORY, which exists and gets
 * the segments. Clock and identity are given, so each run of one version writes the same bytes.
 */
#define UNIT_ALONE
#include "../world/memory_env.h"
#include "../world/story.h"

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

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: golden_story DIRECTORY\n");
        return 2;
    }
    memory_env_init(&world);
    struct shard_options options = story_options(&world.env, "golden");
    struct journal_report report;
    struct shard *shard = NULL;
    CHECK(shard_open(&options, &shard, &report) == STATUS_OK && story_begin(&story, shard) == STATUS_OK);
    while (story_step(&story) == STATUS_OK)
        ;
    shard_close(shard);
    for (unsigned i = 0; i < MEMORY_FILES_MAX; i++) {
        if (world.files[i].bytes != NULL)
            put(argv[1], &world.files[i]);
    }
    memory_env_deinit(&world);
    return 0;
}
