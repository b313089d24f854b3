/*
 * Assertions and function marks used everywhere.
 *
 * Assertions stay on in release builds: a bug must stop the process before bad numbers reach the journal
 * (docs/guarantees: "right" comes first). They test one condition each and are never used on input from outside.
 *
 * CHECK(condition)   always on; on failure calls check_failed, which does not return.
 * VERIFY(condition)  costly whole-table checks; only in builds with ONHAND_VERIFY (every test set-up has it).
 * NEVER_INLINE       a rare path, kept out of the frequent one.
 * MUST_USE           the result must be looked at; ignore it only with (void) and a reason.
 */
#ifndef ONHAND_BASE_CHECK_H
#define ONHAND_BASE_CHECK_H

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_index, first_argument) __attribute__((format(printf, format_index, first_argument)))
#define NEVER_INLINE __attribute__((noinline))
#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* Defined by whoever links the code (src/env for programs): reports the condition and ends the process. */
_Noreturn void check_failed(const char *condition, const char *file, int line);

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (UNLIKELY(!(condition)))                                                                                    \
            check_failed(#condition, __FILE__, __LINE__);                                                              \
    } while (0)

#ifdef ONHAND_VERIFY
#define VERIFY(condition) CHECK(condition)
#else
#define VERIFY(condition) ((void)0)
#endif

#endif
