/* Any bytes as the system's description of a time zone: refused, or a list of changes that can be kept, in its one form. */
#include "fuzz.h"

#include "api/zone_file.h"

static struct zone zone;
static struct location_config location, again;
static uint8_t form[CONFIG_BYTES_MAX];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > ZONE_FILE_BYTES_MAX)
        return 0;
    uint8_t *bytes = fuzz_copy(data, size);
    int64_t from_s = INT64_C(1577836800);
    if (zone_file_read(bytes, size, TEXT("Europe/Berlin"), from_s, from_s + INT64_C(11) * 366 * 86400, &zone)) {
        CHECK(zone.change_count <= ZONE_CHANGES_MAX);
        location = (struct location_config){.zone = zone};
        bool fits = true;
        size_t n = location_config_write(&location, form, &fits);
        CHECK(fits && location_config_read(text_of((const char *)form, n), &again));
        CHECK(again.zone.change_count == zone.change_count && again.zone.offset_s == zone.offset_s);
    }
    free(bytes);
    return 0;
}
