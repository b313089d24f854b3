/* What every unit test includes: cmocka with its prerequisites, and the assertion handler of tests. */
#ifndef ONHAND_TEST_UNIT_H
#define ONHAND_TEST_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"

/* A failed CHECK can be expected with expect_assert_failure(); a program that is no cmocka test defines UNIT_ALONE. */
_Noreturn void check_failed(const char *condition, const char *file, int line)
{
#ifdef UNIT_ALONE
    (void)fprintf(stderr, "%s:%d: %s\n", file, line, condition);
#else
    mock_assert(0, condition, file, line);
#endif
    abort();
}

#endif
