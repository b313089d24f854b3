/*
 * Time zones by name: from the system's description (TZif, RFC 8536, with the rule for later years at its end) to the list
 * of changes that is journalled. The ledger itself reads no tz database (DESIGN I5).
 */
#ifndef ONHAND_API_ZONE_FILE_H
#define ONHAND_API_ZONE_FILE_H

#include <stddef.h>

#include "ledger/config_form.h"

#define ZONE_FILE_BYTES_MAX 65536 /* the largest there is has 4 KiB */

/*
 * The offsets from from_s to to_s (UTC) that the n bytes describe; before and after, those at either end go on. name is
 * kept in *out_zone as it is. False when the bytes are no such description. Pure.
 */
MUST_USE bool zone_file_read(const uint8_t *bytes, size_t n, struct text name, int64_t from_s, int64_t to_s,
                             struct zone *out_zone);

/* A fixed offset: "+01:00", "-05:30". False when the text is none. */
MUST_USE bool zone_offset_read(struct text text, struct zone *out_zone);

/* May this be the name of a zone: letters, digits, "_", "-", "+" and single "/" between them? */
bool zone_name_valid(struct text name);

#endif
