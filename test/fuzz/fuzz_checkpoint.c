/*
 * Any bytes as a checkpoint, as they are or with their checksums set right: its blocks are read to the end or refused
 * in words, within what the file has; and its image makes a ledger that has a state hash, or is refused. The input is
 * short: flags, the fields of the head, and the blocks.
 */
#include "fuzz.h"

#include "../world/memory_env.h"
#include "base/crc32c.h"
#include "base/region.h"
#include "journal/checkpoint.h"
#include "ledger/image.h"

#define FIELDS_BYTES     128
#define HEAD_BYTES       512
#define BLOCK_HEAD_BYTES 24

static struct memory_env world;

static const struct ledger_limits limits = {
    .item_count_max = 64,
    .location_count_max = 16,
    .source_count_max = 16,
    .quota_count_max = 64,
    .offer_count_max = 64,
    .cell_count_max = 256,
    .claim_count_max = 256,
    .claim_line_count_max = 512,
    .transfer_count_max = 64,
    .expectation_count_max = 64,
    .document_line_count_max = 256,
    .mark_count_max = 256,
    .statement_count_max = 64,
    .review_count_max = 64,
    .id_count_max = 4096,
    .config_mib_max = 1,
    .part_count_max = 64,
    .alias_count_max = 64,
};

static struct memory_file *make(const uint8_t *data, size_t size)
{
    char name[CHECKPOINT_NAME_BYTES];
    size_t n = size - 1 - FIELDS_BYTES;
    checkpoint_name(get_u64(data + 1 + 56), name);
    struct memory_file *file = memory_put(&world, name, HEAD_BYTES + n);
    CHECK(file != NULL);
    uint8_t *bytes = file->bytes;
    memcpy(bytes, data + 1, FIELDS_BYTES);
    memcpy(bytes + HEAD_BYTES, data + 1 + FIELDS_BYTES, n);
    put_u32(bytes + HEAD_BYTES - 4, crc32c(0, bytes, HEAD_BYTES - 4));
    for (size_t at = HEAD_BYTES; (data[0] & 1) != 0 && at + BLOCK_HEAD_BYTES <= file->n;) {
        size_t length = get_u32(bytes + at);
        if (length > file->n - at - BLOCK_HEAD_BYTES)
            break;
        uint32_t crc = crc32c(crc32c(0, bytes + at, 20), bytes + at + BLOCK_HEAD_BYTES, length);
        put_u32(bytes + at + 20, crc);
        at += BLOCK_HEAD_BYTES + length;
    }
    return file;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 + FIELDS_BYTES || size > 1 << 15)
        return 0;
    memory_env_init(&world);
    world.exists = true;
    (void)make(data, size);
    char problem[512] = "";
    const struct env *env = &world.env;
    struct env_directory *directory = NULL;
    struct checkpoint checkpoint;
    struct checkpoint_reader *reader = NULL;
    struct region region = {NULL, ledger_bytes(&limits), 0};
    struct ledger *ledger = NULL;
    uint64_t seqs[2];
    size_t count = 0;
    CHECK(env->directory_open(&world, "", false, true, &directory) == STATUS_OK);
    CHECK(checkpoint_list(env, directory, seqs, 2, &count) == STATUS_OK && count == 1);
    enum status status = checkpoint_open(env, directory, seqs[0], &checkpoint, &reader, problem, sizeof(problem));
    bool opened = status == STATUS_OK;
    enum checkpoint_block kind = CHECKPOINT_END;
    const uint8_t *bytes = NULL;
    size_t n = 0;
    size_t sum = 0;
    bool image = true;
    while (status == STATUS_OK) {
        status = checkpoint_next(reader, &kind, &bytes, &n, problem, sizeof(problem));
        sum += status == STATUS_OK ? n : 0;
        CHECK(sum <= size);
        if (status != STATUS_OK || kind != CHECKPOINT_IMAGE || !image)
            continue;
        if (ledger == NULL) {
            const struct siphash_key key = {checkpoint.genesis.key[0], checkpoint.genesis.key[1]};
            region.base = env->memory_reserve(&world, region.capacity_bytes);
            ledger = ledger_init(&region, &limits, &key);
        }
        const char *limit = NULL;
        uint8_t *copy = fuzz_copy(bytes, n);
        enum status taken = ledger_image_read(ledger, copy, n, &limit);
        CHECK(taken == STATUS_OK || taken == STATUS_DAMAGED || (taken == STATUS_FULL && limit != NULL));
        image = taken == STATUS_OK;
        free(copy);
    }
    CHECK(status == STATUS_END || problem[0] != 0);
    if (ledger != NULL && image && status == STATUS_END && ledger_image_end(ledger) == STATUS_OK)
        (void)ledger_state_hash(ledger);
    if (opened)
        checkpoint_close(reader);
    env->memory_release(&world, region.base, region.capacity_bytes);
    env->directory_close(&world, directory);
    memory_env_deinit(&world);
    return 0;
}
