#include "base/blockpool.h"

#include "base/bytes.h"

void blockpool_init(struct blockpool *pool, struct region *region, uint32_t unit_count_max)
{
    *pool = (struct blockpool){
        .units = region_take(region, unit_count_max, BLOCKPOOL_UNIT_BYTES),
        .unit_count_max = unit_count_max,
    };
}

uint32_t blockpool_class_units(unsigned size_class)
{
    if (size_class == 0)
        return 1;
    return size_class % 2 == 1 ? UINT32_C(1) << (size_class + 1) / 2 : UINT32_C(3) << (size_class / 2 - 1);
}

unsigned blockpool_class(uint32_t length)
{
    _Static_assert(BLOCKPOOL_BYTES_MAX == 1024 * BLOCKPOOL_UNIT_BYTES && BLOCKPOOL_CLASSES == 20,
                   "the last size holds the longest text");
    CHECK(length >= 1);
    CHECK(length <= BLOCKPOOL_BYTES_MAX);
    uint32_t units = (length + BLOCKPOOL_UNIT_BYTES - 1) / BLOCKPOOL_UNIT_BYTES;
    unsigned size_class = 0;
    while (blockpool_class_units(size_class) < units)
        size_class++;
    return size_class;
}

bool blockpool_room(const struct blockpool *pool, uint32_t length)
{
    unsigned size_class = blockpool_class(length);
    return pool->free_heads[size_class] != 0 ||
           pool->unit_count_max - pool->unit_count >= blockpool_class_units(size_class);
}

struct blockref blockpool_add(struct blockpool *pool, struct text bytes)
{
    if (bytes.length == 0)
        return (struct blockref){0, 0};
    CHECK(blockpool_room(pool, bytes.length));
    unsigned size_class = blockpool_class(bytes.length);
    uint32_t *head = &pool->free_heads[size_class];
    uint32_t unit;
    if (*head != 0) {
        unit = *head - 1;
        *head = get_u32(pool->units + (size_t)unit * BLOCKPOOL_UNIT_BYTES);
    } else {
        unit = pool->unit_count;
        pool->unit_count += blockpool_class_units(size_class);
    }
    memcpy(pool->units + (size_t)unit * BLOCKPOOL_UNIT_BYTES, bytes.bytes, bytes.length);
    return (struct blockref){unit, bytes.length};
}

void blockpool_remove(struct blockpool *pool, struct blockref ref)
{
    if (ref.length == 0)
        return;
    uint32_t *head = &pool->free_heads[blockpool_class(ref.length)];
    put_u32(pool->units + (size_t)ref.unit * BLOCKPOOL_UNIT_BYTES, *head);
    *head = ref.unit + 1;
}

struct text blockpool_text(const struct blockpool *pool, struct blockref ref)
{
    if (ref.length == 0)
        return TEXT_NONE;
    return text_of((const char *)pool->units + (size_t)ref.unit * BLOCKPOOL_UNIT_BYTES, ref.length);
}
