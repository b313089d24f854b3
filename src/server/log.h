/* Lines for an operator, on standard error: time, level, text. Only the server ring logs. Any thread. */
#ifndef ONHAND_SERVER_LOG_H
#define ONHAND_SERVER_LOG_H

#include "base/check.h"

void log_info(const char *format, ...) PRINTF_LIKE(1, 2);
void log_warning(const char *format, ...) PRINTF_LIKE(1, 2);
void log_error(const char *format, ...) PRINTF_LIKE(1, 2);

#endif
