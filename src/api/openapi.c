#include "api/openapi.h"

#include <stddef.h>

/* openapi.json of this folder, byte by byte (embed.py). */
static const unsigned char bytes[] = {
#include "openapi_bytes.inc"
};

struct text openapi_text(void)
{
    return text_of((const char *)bytes, sizeof(bytes));
}
