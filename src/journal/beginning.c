#include "journal/beginning.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "journal/frame.h"

static const uint8_t magic[8] = {0xff, 'o', 'n', 'h', 'b', 'e', 'g', 0x0a};

#define FORMAT     1
#define HEAD_AT    80
#define FIELDS_END (HEAD_AT + CHAIN_HEAD_BYTES)
#define CRC_AT     (BEGINNING_BYTES - 4)

void beginning_write_record(const struct beginning *beginning, uint8_t out_bytes[BEGINNING_BYTES])
{
    memset(out_bytes, 0, BEGINNING_BYTES);
    memcpy(out_bytes, magic, sizeof(magic));
    put_u16(out_bytes + 8, FORMAT);
    put_u16(out_bytes + 10, JOURNAL_LEVEL);
    put_u32(out_bytes + 12, beginning->previous_chain);
    memcpy(out_bytes + 16, beginning->genesis.ledger_id, 16);
    put_u64(out_bytes + 32, beginning->genesis.key[0]);
    put_u64(out_bytes + 40, beginning->genesis.key[1]);
    put_u64(out_bytes + 48, beginning->number);
    put_u64(out_bytes + 56, beginning->first_seq);
    put_u64(out_bytes + 64, beginning->first_ordinal);
    put_u64(out_bytes + 72, (uint64_t)beginning->before_us);
    if (beginning->has_head)
        memcpy(out_bytes + HEAD_AT, beginning->head, CHAIN_HEAD_BYTES);
    put_u32(out_bytes + CRC_AT, crc32c(0, out_bytes, CRC_AT));
}

static enum status parse(const uint8_t bytes[BEGINNING_BYTES], struct beginning *out)
{
    if (memcmp(bytes, magic, sizeof(magic)) != 0 || get_u32(bytes + CRC_AT) != crc32c(0, bytes, CRC_AT))
        return STATUS_DAMAGED;
    if (get_u16(bytes + 8) != FORMAT || get_u16(bytes + 10) > JOURNAL_LEVEL)
        return STATUS_VERSION;
    for (unsigned i = FIELDS_END; i < CRC_AT; i++)
        if (bytes[i] != 0)
            return STATUS_VERSION;
    struct beginning beginning = {.genesis.key = {get_u64(bytes + 32), get_u64(bytes + 40)},
                                  .number = get_u64(bytes + 48),
                                  .first_seq = get_u64(bytes + 56),
                                  .first_ordinal = get_u64(bytes + 64),
                                  .previous_chain = get_u32(bytes + 12),
                                  .before_us = (int64_t)get_u64(bytes + 72)};
    memcpy(beginning.genesis.ledger_id, bytes + 16, 16);
    memcpy(beginning.head, bytes + HEAD_AT, CHAIN_HEAD_BYTES);
    for (unsigned i = 0; i < CHAIN_HEAD_BYTES; i++)
        beginning.has_head = beginning.has_head || beginning.head[i] != 0;
    if (beginning.number < 2 || beginning.number > UINT32_MAX || beginning.first_seq < 2 || beginning.first_ordinal < 2)
        return STATUS_DAMAGED;
    *out = beginning;
    return STATUS_OK;
}

bool beginning_parse(const uint8_t bytes[BEGINNING_BYTES], struct beginning *out_beginning)
{
    return parse(bytes, out_beginning) == STATUS_OK;
}

enum status beginning_read(const struct env *env, struct env_directory *directory, struct beginning *out_beginning)
{
    struct env_file *file = NULL;
    *out_beginning = BEGINNING_OF_ALL;
    enum status status = env->file_open(env->context, directory, BEGINNING_NAME, ENV_OPEN_READ, &file);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    uint8_t bytes[2 * BEGINNING_BYTES] = {0};
    size_t got = 0;
    status = env->file_read(env->context, file, 0, bytes, sizeof(bytes), &got);
    env->file_close(env->context, file);
    if (status == STATUS_OK)
        status = parse(bytes, out_beginning);
    if (status == STATUS_DAMAGED)
        status = parse(bytes + BEGINNING_BYTES, out_beginning);
    return status;
}

enum status beginning_write(const struct env *env, struct env_directory *directory, const struct beginning *beginning)
{
    uint8_t bytes[2 * BEGINNING_BYTES];
    struct env_file *file = NULL;
    beginning_write_record(beginning, bytes);
    memcpy(bytes + BEGINNING_BYTES, bytes, BEGINNING_BYTES);
    enum status status = env->file_remove(env->context, directory, BEGINNING_NEW_NAME);
    if (status == STATUS_OK || status == STATUS_NOT_FOUND)
        status = env->file_open(env->context, directory, BEGINNING_NEW_NAME, ENV_OPEN_CREATE, &file);
    if (status != STATUS_OK)
        return status;
    status = env->file_write(env->context, file, 0, bytes, sizeof(bytes));
    if (status == STATUS_OK)
        status = env->file_sync(env->context, file);
    env->file_close(env->context, file);
    if (status == STATUS_OK)
        status = env->file_rename(env->context, directory, BEGINNING_NEW_NAME, BEGINNING_NAME);
    if (status != STATUS_OK) {
        (void)env->file_remove(env->context, directory, BEGINNING_NEW_NAME);
        return status;
    }
    return env->directory_sync(env->context, directory);
}
