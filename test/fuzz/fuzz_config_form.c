/* Any bytes as the bodies of configuration: refused, or exactly the bytes that are written of what was read. */
#include "fuzz.h"

#include "ledger/config_form.h"

static struct item_config item;
static struct location_config location;
static struct source_config source;
static uint8_t again[CONFIG_BYTES_MAX];

static void same(const uint8_t *bytes, size_t size, size_t n, bool fits)
{
    CHECK(fits && n == size && (n == 0 || memcmp(again, bytes, n) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > CONFIG_BYTES_MAX)
        return 0;
    uint8_t *bytes = fuzz_copy(data, size);
    struct text form = size == 0 ? TEXT_NONE : text_of((const char *)bytes, size);
    bool fits = true;
    if (item_config_read(form, &item))
        same(bytes, size, item_config_write(&item, again, &fits), fits);
    if (location_config_read(form, &location))
        same(bytes, size, location_config_write(&location, again, &fits), fits);
    if (source_config_read(form, &source))
        same(bytes, size, source_config_write(&source, again, &fits), fits);
    free(bytes);
    return 0;
}
