#include "api/openapi.h"

/* The file as it stands, between two symbols: no generator, no copy of its text in C. */
__asm__(".section .rodata\n"
        ".global openapi_begin\n"
        ".global openapi_end\n"
        "openapi_begin:\n"
        ".incbin \"" OPENAPI_PATH "\"\n"
        "openapi_end:\n"
        ".previous\n");

extern const char openapi_begin[];
extern const char openapi_end[];

struct text openapi_text(void)
{
    return text_of(openapi_begin, (size_t)(openapi_end - openapi_begin));
}
