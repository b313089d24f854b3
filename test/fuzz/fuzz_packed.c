/*
 * A block of a packed segment, whose checksums are made right, so that what is behind them is reached. What is decoded are frames:
 * packed again they give the same block but for what zstd makes of it, and from that the same frames.
 */
#include "fuzz.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "journal/packed.h"

static uint8_t block_bytes[PACKED_STORED_BYTES_MAX], again[PACKED_STORED_BYTES_MAX];
static uint8_t frames[FRAME_BYTES_MAX], made[FRAME_BYTES_MAX];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct packed_codec *codec;
    static const uint8_t ledger_id[16] = "a ledger of ours";
    struct packed_block block, parsed;
    if (codec == NULL)
        codec = packed_codec_create();
    if (codec == NULL || size < PACKED_BLOCK_HEADER || size > sizeof(block_bytes))
        return 0;
    memcpy(block_bytes, data, size);
    uint8_t magic[8] = {0xff, 'o', 'n', 'h', 'b', 'l', 'k', 0x0a};
    memcpy(block_bytes, magic, sizeof(magic));
    put_u32(block_bytes + 8, (uint32_t)(size - PACKED_BLOCK_HEADER));
    put_u32(block_bytes + 56, crc32c(0, block_bytes + PACKED_BLOCK_HEADER, size - PACKED_BLOCK_HEADER));
    put_u32(block_bytes + 60, crc32c(0, block_bytes, 60));
    if (!packed_block_parse(block_bytes, &block))
        return 0;
    if (packed_block_decode(codec, &block, block_bytes + PACKED_BLOCK_HEADER, ledger_id, frames) != STATUS_OK)
        return 0;
    parsed = block;
    size_t n = 0;
    enum status status = packed_block_encode(codec, frames, block.bytes, ledger_id, &parsed, again, &n);
    if (status == STATUS_DAMAGED)
        return 0; /* sound, but of a level or a form that is not ours: recovery says so */
    CHECK(status == STATUS_OK && parsed.chain == block.chain && parsed.frames == block.frames &&
          parsed.content_bytes == block.content_bytes);
    CHECK(packed_block_decode(codec, &parsed, again + PACKED_BLOCK_HEADER, ledger_id, made) == STATUS_OK);
    CHECK(memcmp(made, frames, block.bytes) == 0);
    return 0;
}
