#include "server/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/rfc3339.h"

#define LINE_BYTES 2048

static void log_line(const char *level, const char *format, va_list arguments)
{
    char text[LINE_BYTES];
    struct timespec now;
    char when[RFC3339_TEXT_BYTES];
    (void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for this clock */
    unsigned n = rfc3339_format((int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, when);
    vsnprintf(text, sizeof(text), format, arguments);
    for (char *at = text; *at != 0; at++) { /* one line stays one line, whatever a name holds */
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = ' ';
    }
    fprintf(stderr, "%.*s %s %s\n", (int)n, when, level, text);
}

void log_info(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_line("info", format, arguments);
    va_end(arguments);
}

void log_warning(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_line("warning", format, arguments);
    va_end(arguments);
}

void log_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_line("error", format, arguments);
    va_end(arguments);
}
