#include "base/textpool.h"

#include "base/bytes.h"

static uint32_t units_for(uint32_t length)
{
    return (length + TEXTPOOL_UNIT_BYTES - 1) / TEXTPOOL_UNIT_BYTES;
}

void textpool_init(struct textpool *pool, struct region *region, uint32_t unit_count_max)
{
    *pool = (struct textpool){
        .units = region_take(region, unit_count_max, TEXTPOOL_UNIT_BYTES),
        .unit_count_max = unit_count_max,
    };
}

bool textpool_room(const struct textpool *pool, uint32_t n)
{
    return (pool->unit_count_max - pool->unit_count) / TEXTPOOL_SIZES >= n;
}

struct textref textpool_add(struct textpool *pool, struct text text)
{
    if (text.length == 0)
        return (struct textref){0, 0};
    CHECK(text.length <= TEXTPOOL_BYTES_MAX);
    uint32_t units = units_for(text.length);
    uint32_t *head = &pool->free_heads[units - 1];
    uint32_t unit;
    if (*head != 0) {
        unit = *head - 1;
        *head = get_u32(pool->units + (size_t)unit * TEXTPOOL_UNIT_BYTES);
    } else {
        CHECK(pool->unit_count_max - pool->unit_count >= units);
        unit = pool->unit_count;
        pool->unit_count += units;
    }
    memcpy(pool->units + (size_t)unit * TEXTPOOL_UNIT_BYTES, text.bytes, text.length);
    return (struct textref){unit, text.length};
}

void textpool_remove(struct textpool *pool, struct textref ref)
{
    if (ref.length == 0)
        return;
    uint32_t *head = &pool->free_heads[units_for(ref.length) - 1];
    put_u32(pool->units + (size_t)ref.unit * TEXTPOOL_UNIT_BYTES, *head);
    *head = ref.unit + 1;
}

struct text textpool_text(const struct textpool *pool, struct textref ref)
{
    if (ref.length == 0)
        return TEXT_NONE;
    return text_of((const char *)pool->units + (size_t)ref.unit * TEXTPOOL_UNIT_BYTES, ref.length);
}

bool textpool_holds(const struct textpool *pool, struct textref ref)
{
    return ref.length == 0 ? ref.unit == 0
                           : ref.length <= TEXTPOOL_BYTES_MAX &&
                                 (uint64_t)ref.unit + units_for(ref.length) <= pool->unit_count;
}
