#include "journal/copied.h"

#include "base/bytes.h"
#include "base/crc32c.h"

/*
 *     0     8      10       12    16        32    40   48       508
 *     magic|format|reserved|epoch|ledger id|after|last|reserved|crc
 */
static const uint8_t magic[8] = {0xff, 'o', 'n', 'h', 'c', 'p', 'b', 0x0a};

#define FORMAT 1
#define CRC_AT (COPIED_BYTES - 4)

enum status copied_read(const struct env *env, struct env_directory *directory, struct copied *out_copied)
{
    struct env_file *file = NULL;
    uint8_t bytes[COPIED_BYTES] = {0};
    size_t got = 0;
    *out_copied = (struct copied){0};
    enum status status = env->file_open(env->context, directory, COPIED_NAME, ENV_OPEN_READ, &file);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    status = env->file_read(env->context, file, 0, bytes, sizeof(bytes), &got);
    env->file_close(env->context, file);
    if (status == STATUS_OK && memcmp(bytes, magic, sizeof(magic)) == 0 && get_u16(bytes + 8) == FORMAT &&
        get_u32(bytes + CRC_AT) == crc32c(0, bytes, CRC_AT)) {
        *out_copied = (struct copied){
            .epoch = get_u32(bytes + 12), .after = get_u64(bytes + 32), .last = get_u64(bytes + 40)};
        memcpy(out_copied->ledger_id, bytes + 16, 16);
    }
    return status;
}

enum status copied_write(const struct env *env, struct env_directory *directory, const struct copied *copied,
                         struct env_file **file)
{
    uint8_t bytes[COPIED_BYTES] = {0};
    memcpy(bytes, magic, sizeof(magic));
    put_u16(bytes + 8, FORMAT);
    put_u32(bytes + 12, copied->epoch);
    memcpy(bytes + 16, copied->ledger_id, 16);
    put_u64(bytes + 32, copied->after);
    put_u64(bytes + 40, copied->last);
    put_u32(bytes + CRC_AT, crc32c(0, bytes, CRC_AT));
    enum status status = STATUS_OK;
    bool created = false;
    if (*file == NULL)
        status = env->file_open(env->context, directory, COPIED_NAME, ENV_OPEN_WRITE, file);
    if (status == STATUS_NOT_FOUND) {
        status = env->file_open(env->context, directory, COPIED_NAME, ENV_OPEN_CREATE, file);
        created = status == STATUS_OK;
    }
    if (status == STATUS_OK)
        status = env->file_write(env->context, *file, 0, bytes, sizeof(bytes));
    if (status == STATUS_OK)
        status = env->file_sync(env->context, *file);
    if (status == STATUS_OK && created)
        status = env->directory_sync(env->context, directory);
    return status;
}
