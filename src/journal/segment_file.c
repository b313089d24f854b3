/*
 * Reading a segment in either form.
 *
 *     raw      |header|frame|frame|...|zeros     read as it is
 *
 *     packed   |its header|header|block|block|...|table|trailer
 *                                  ^ the block of an offset is found in the table, its frames are made in memory
 */
#include "journal/segment_file.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/crc32c.h"

#define SLOTS_MAX 32

/* A block that was made again. */
struct slot {
    uint8_t *frames;   /* trailer.largest bytes; NULL until it is used */
    uint64_t from, to; /* its offsets; none while they are equal */
    uint64_t used_at;
};

struct segment_file {
    const struct env *env;
    struct env_file *file;
    uint64_t file_bytes; /* of a packed one */
    struct packed_trailer trailer;
    struct packed_entry *entries; /* NULL when it is raw */
    struct packed_codec *codec;
    uint8_t ledger_id[16];
    uint8_t *stored; /* a block as it is in the file */
    size_t stored_room;
    struct slot slots[SLOTS_MAX];
    unsigned slot_count;
    uint64_t clock;
};

/* Exactly n bytes. */
static enum status read_whole(struct segment_file *file, uint64_t at, void *bytes, size_t n)
{
    size_t got = 0;
    enum status status = file->env->file_read(file->env->context, file->file, at, bytes, n, &got);
    return status != STATUS_OK ? status : got == n ? STATUS_OK : STATUS_DAMAGED;
}

/* The blocks lie side by side, as do their frames. */
static bool entries_sound(const struct segment_file *file)
{
    const struct packed_trailer *trailer = &file->trailer;
    const struct packed_entry *entries = file->entries;
    if (entries[0].at != PACKED_HEADER_BYTES || entries[0].offset != SEGMENT_HEADER_BYTES)
        return false;
    for (uint32_t i = 0; i < trailer->blocks; i++) {
        bool last = i + 1 == trailer->blocks;
        uint64_t end = last ? trailer->table_at : entries[i + 1].at;
        uint64_t offset_end = last ? trailer->bytes : entries[i + 1].offset;
        if (end <= entries[i].at || end - entries[i].at < PACKED_BLOCK_HEADER ||
            end - entries[i].at > PACKED_STORED_BYTES_MAX || offset_end <= entries[i].offset ||
            offset_end - entries[i].offset > trailer->largest)
            return false;
    }
    return true;
}

static enum status table_read(struct segment_file *file)
{
    uint8_t bytes[PACKED_TRAILER_BYTES];
    enum status status = file->env->file_size(file->env->context, file->file, &file->file_bytes);
    if (status != STATUS_OK)
        return status;
    if (file->file_bytes < PACKED_HEADER_BYTES + PACKED_TRAILER_BYTES)
        return STATUS_DAMAGED;
    status = read_whole(file, file->file_bytes - PACKED_TRAILER_BYTES, bytes, sizeof(bytes));
    if (status != STATUS_OK)
        return status;
    if (!packed_parse_trailer(bytes, file->file_bytes, &file->trailer))
        return STATUS_DAMAGED;
    size_t n = file->trailer.blocks * PACKED_ENTRY_BYTES;
    uint8_t *table = malloc(n);
    file->entries = calloc(file->trailer.blocks, sizeof(*file->entries));
    file->slot_count = (unsigned)(SEGMENT_FILE_KEPT_BYTES / file->trailer.largest);
    file->slot_count = file->slot_count < 1 ? 1 : file->slot_count > SLOTS_MAX ? SLOTS_MAX : file->slot_count;
    file->codec = packed_codec_create();
    status = table == NULL || file->entries == NULL || file->codec == NULL ? STATUS_MEMORY : STATUS_OK;
    if (status == STATUS_OK)
        status = read_whole(file, file->trailer.table_at, table, n);
    if (status == STATUS_OK) {
        for (uint32_t i = 0; i < file->trailer.blocks; i++)
            file->entries[i] = packed_parse_entry(table + i * PACKED_ENTRY_BYTES);
        if (crc32c(0, table, n) != file->trailer.table_crc || !entries_sound(file))
            status = STATUS_DAMAGED;
    }
    free(table);
    return status;
}

enum status segment_file_open(const struct env *env, struct env_directory *directory, const char *name,
                              struct segment_file **out_file)
{
    struct segment_file *file = calloc(1, sizeof(*file));
    if (file == NULL)
        return STATUS_MEMORY;
    file->env = env;
    enum status status = env->file_open(env->context, directory, name, ENV_OPEN_READ, &file->file);
    if (status != STATUS_OK) {
        free(file);
        return status;
    }
    uint8_t header[SEGMENT_HEADER_BYTES];
    size_t got = 0;
    status = env->file_read(env->context, file->file, 0, header, sizeof(header), &got);
    if (status == STATUS_OK && got == sizeof(header) && packed_is(header)) {
        memcpy(file->ledger_id, header + 16, 16);
        status = table_read(file);
    }
    if (status != STATUS_OK) {
        segment_file_close(file);
        return status;
    }
    *out_file = file;
    return STATUS_OK;
}

void segment_file_close(struct segment_file *file)
{
    file->env->file_close(file->env->context, file->file);
    packed_codec_destroy(file->codec);
    free(file->entries);
    free(file->stored);
    for (unsigned i = 0; i < file->slot_count; i++)
        free(file->slots[i].frames);
    free(file);
}

bool segment_file_packed(const struct segment_file *file)
{
    return file->entries != NULL;
}

/* The block of this offset, when it is in memory; else NULL. */
static struct slot *slot_find(struct segment_file *file, uint64_t offset)
{
    for (unsigned i = 0; i < file->slot_count; i++) {
        if (offset >= file->slots[i].from && offset < file->slots[i].to)
            return &file->slots[i];
    }
    return NULL;
}

bool segment_file_holds(const struct segment_file *file, uint64_t offset)
{
    for (unsigned i = 0; i < file->slot_count; i++) {
        if (offset >= file->slots[i].from && offset < file->slots[i].to)
            return true;
    }
    return false;
}

enum status segment_file_size(struct segment_file *file, uint64_t *out_bytes)
{
    if (file->entries == NULL)
        return file->env->file_size(file->env->context, file->file, out_bytes);
    *out_bytes = file->trailer.bytes;
    return STATUS_OK;
}

/* How many blocks begin at or before it, by what `by_seq` says. */
static uint32_t entries_before(const struct segment_file *file, uint64_t value, bool by_seq)
{
    uint32_t low = 0;
    for (uint32_t high = file->trailer.blocks; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        uint64_t here = by_seq ? file->entries[middle].first_seq : file->entries[middle].offset;
        if (here <= value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct packed_entry segment_file_find(const struct segment_file *file, uint64_t seq)
{
    uint32_t count = entries_before(file, seq, true);
    return file->entries[count == 0 ? 0 : count - 1];
}

const struct packed_trailer *segment_file_trailer(const struct segment_file *file)
{
    return &file->trailer;
}

/* The slot longest unused, with room for a block and none in it. NULL when memory cannot be had. */
static struct slot *slot_take(struct segment_file *file)
{
    struct slot *slot = &file->slots[0];
    for (unsigned i = 1; i < file->slot_count; i++) {
        if (file->slots[i].used_at < slot->used_at)
            slot = &file->slots[i];
    }
    slot->from = slot->to = 0;
    if (slot->frames == NULL)
        slot->frames = malloc(file->trailer.largest);
    return slot->frames == NULL ? NULL : slot;
}

/* Makes the frames of a block. */
static enum status block_load(struct segment_file *file, uint32_t number, struct slot **out_slot)
{
    const struct packed_entry *entry = &file->entries[number];
    bool last = number + 1 == file->trailer.blocks;
    size_t n = (size_t)((last ? file->trailer.table_at : entry[1].at) - entry->at);
    uint64_t end = last ? file->trailer.bytes : entry[1].offset;
    if (file->stored_room < n) {
        free(file->stored);
        file->stored = malloc(n);
        file->stored_room = file->stored == NULL ? 0 : n;
    }
    struct slot *slot = slot_take(file);
    if (file->stored == NULL || slot == NULL)
        return STATUS_MEMORY;
    enum status status = read_whole(file, entry->at, file->stored, n);
    struct packed_block block;
    if (status != STATUS_OK)
        return status;
    if (!packed_block_parse(file->stored, &block) || block.stored_bytes != n - PACKED_BLOCK_HEADER ||
        block.offset != entry->offset || block.bytes != end - entry->offset || block.first_seq != entry->first_seq)
        return STATUS_DAMAGED;
    status = packed_block_decode(file->codec, &block, file->stored + PACKED_BLOCK_HEADER, file->ledger_id, slot->frames);
    if (status != STATUS_OK)
        return status;
    slot->from = entry->offset;
    slot->to = end;
    *out_slot = slot;
    return STATUS_OK;
}

static enum status packed_read(struct segment_file *file, uint64_t offset, uint8_t *bytes, size_t n, size_t *out_bytes)
{
    size_t done = 0;
    if (offset >= file->trailer.bytes)
        n = 0;
    else if (n > file->trailer.bytes - offset)
        n = (size_t)(file->trailer.bytes - offset);
    while (done < n) {
        uint64_t at = offset + done;
        size_t left = n - done, here = 0;
        enum status status = STATUS_OK;
        if (at < SEGMENT_HEADER_BYTES) {
            here = SEGMENT_HEADER_BYTES - (size_t)at < left ? SEGMENT_HEADER_BYTES - (size_t)at : left;
            status = read_whole(file, SEGMENT_HEADER_BYTES + at, bytes + done, here);
        } else {
            struct slot *slot = slot_find(file, at);
            if (slot == NULL)
                status = block_load(file, entries_before(file, at, false) - 1, &slot);
            if (status == STATUS_OK) {
                here = slot->to - at < left ? (size_t)(slot->to - at) : left;
                memcpy(bytes + done, slot->frames + (at - slot->from), here);
                slot->used_at = ++file->clock;
            }
        }
        if (status == STATUS_DAMAGED && done > 0)
            break; /* what is before it is sound; who asks for what is in it is told */
        if (status != STATUS_OK)
            return status;
        done += here;
    }
    *out_bytes = done;
    return STATUS_OK;
}

uint64_t segment_file_behind(const struct segment_file *file, uint64_t offset)
{
    uint32_t count = entries_before(file, offset, false);
    return count == file->trailer.blocks ? file->trailer.bytes : file->entries[count].offset;
}

enum status segment_file_read(struct segment_file *file, uint64_t offset, void *bytes, size_t n, size_t *out_bytes)
{
    if (file->entries == NULL)
        return file->env->file_read(file->env->context, file->file, offset, bytes, n, out_bytes);
    return packed_read(file, offset, bytes, n, out_bytes);
}
