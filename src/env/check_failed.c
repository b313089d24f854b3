/* The assertion handler of programs. A file of its own, so that tests can bring theirs. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    /* No stdio streams and no locks: the process may be in any state. */
    char text[512];
    int n =
        snprintf(text, sizeof(text), "onhand: bug: %s does not hold (%s:%d); stopping before bad numbers are kept\n",
                 condition, file, line);
    size_t bytes = n < 0 ? 0 : (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
    ssize_t ignored = write(STDERR_FILENO, text, bytes);
    (void)ignored; /* nobody is left to be told */
    abort();
}
