/* The description of the running interface (OpenAPI 3.1): openapi.json of this folder, built into the program. */
#ifndef ONHAND_API_OPENAPI_H
#define ONHAND_API_OPENAPI_H

#include "base/text.h"

struct text openapi_text(void);

#endif
