/* What every fuzz target includes: its entry, and what happens when a CHECK fails. */
#ifndef ONHAND_TEST_FUZZ_H
#define ONHAND_TEST_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    (void)fprintf(stderr, "%s:%d: %s\n", file, line, condition);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of exactly so many bytes, so that a read beyond them is seen. The caller's to free. */
static inline void *fuzz_copy(const void *bytes, size_t n)
{
    void *copy = malloc(n);
    CHECK(copy != NULL || n == 0);
    if (n != 0)
        memcpy(copy, bytes, n);
    return copy;
}

#endif
