/* Any bytes as a time, a quantity, the name of a zone, an offset: refused, or written again and read again the same. */
#include "fuzz.h"

#include "api/zone_file.h"
#include "base/decimal.h"
#include "base/rfc3339.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 200)
        return 0;
    char *bytes = fuzz_copy(data, size);
    struct text text = text_of(bytes, size);
    int64_t us = 0;
    char written[64];
    if (rfc3339_parse(text, &us) == RFC3339_OK) {
        int64_t again = 0;
        unsigned n = rfc3339_format(us, written);
        CHECK(rfc3339_parse(text_of(written, n), &again) == RFC3339_OK);
        int64_t year_0 = INT64_C(-62167219200) * 1000000;
        int64_t year_10000 = INT64_C(253402300800) * 1000000;
        CHECK(again == us || us < year_0 || us >= year_10000); /* an offset may reach beyond what can be written */
    }
    struct decimal decimal;
    if (decimal_parse(text, &decimal) == DECIMAL_OK) {
        int64_t units = 0;
        CHECK(decimal.places <= DECIMAL_PLACES_MAX && (decimal.places == 0 || decimal.digits % 10 != 0));
        for (unsigned scale = decimal.places; scale <= DECIMAL_PLACES_MAX; scale++) {
            struct decimal again;
            if (decimal_to_units(decimal, scale, &units) != DECIMAL_OK)
                continue;
            unsigned n = decimal_format(units, scale, written);
            CHECK(decimal_parse(text_of(written, n), &again) == DECIMAL_OK);
            CHECK(again.digits == decimal.digits && again.places == decimal.places);
        }
    }
    struct zone zone = {0};
    if (zone_offset_read(text, &zone))
        CHECK(zone.change_count == 0 && zone.offset_s % 60 == 0 && abs(zone.offset_s) <= ZONE_OFFSET_S_MAX);
    CHECK(!zone_name_valid(text) || memchr(bytes, '.', size) == NULL); /* it becomes a path */
    free(bytes);
    return 0;
}
