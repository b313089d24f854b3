/* How a load program gives up: a sentence on stderr, exit code 1. */
#ifndef ONHAND_BENCH_FAIL_H
#define ONHAND_BENCH_FAIL_H

#include "base/check.h"

_Noreturn void fail(const char *format, ...) PRINTF_LIKE(1, 2);

#endif
