#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS        INT64_C(1000000000)
#define TERMINAL_STEP_NS (SECOND_NS / 10) /* as often as an eye follows */
#define PLAIN_STEP_NS    (SECOND_NS * 10) /* as often as a log bears */
#define BAR_CELLS        24

int64_t progress_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * SECOND_NS + now.tv_nsec;
}

void progress_start(struct progress *progress, const char *label, const char *noun, uint64_t total_bytes, bool quiet)
{
    *progress = (struct progress){.label = label, .noun = noun, .total = total_bytes, .quiet = quiet};
    progress->terminal = isatty(STDERR_FILENO) == 1;
    progress->start_mono_ns = progress_now_ns();
    progress->drawn_mono_ns = progress->start_mono_ns;
}

double progress_seconds(const struct progress *progress)
{
    int64_t elapsed_ns = progress_now_ns() - progress->start_mono_ns;
    return (double)(elapsed_ns > 0 ? elapsed_ns : 1) / (double)SECOND_NS;
}

const char *progress_number(uint64_t value, char out_text[PROGRESS_NUMBER_BYTES])
{
    char digits[PROGRESS_NUMBER_BYTES];
    int n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
    int at = 0;
    for (int i = 0; i < n; i++) {
        if (i != 0 && (n - i) % 3 == 0)
            out_text[at++] = ',';
        out_text[at++] = digits[i];
    }
    out_text[at] = '\0';
    return out_text;
}

void progress_show(struct progress *progress, uint64_t count, uint64_t done_bytes)
{
    int64_t now_ns = progress_now_ns();
    int64_t step_ns = progress->terminal ? TERMINAL_STEP_NS : PLAIN_STEP_NS;
    if (progress->quiet || now_ns - progress->drawn_mono_ns < step_ns)
        return;
    progress->drawn_mono_ns = now_ns;
    double seconds = progress_seconds(progress);
    double share = progress->total == 0 ? 0 : (double)done_bytes / (double)progress->total;
    share = share > 1 ? 1 : share;
    char counted[PROGRESS_NUMBER_BYTES];
    char rate[PROGRESS_NUMBER_BYTES];
    char left[32] = "";
    progress_number(count, counted);
    progress_number((uint64_t)((double)count / seconds), rate);
    if (share > 0) {
        uint64_t left_s = (uint64_t)(seconds / share - seconds + 0.5);
        snprintf(left, sizeof(left), ", %llu:%02u:%02u left", (unsigned long long)(left_s / 3600),
                 (unsigned)(left_s / 60 % 60), (unsigned)(left_s % 60));
    }
    if (!progress->terminal) {
        fprintf(stderr, "%s: %3.0f %%, %s %s, %s/s%s\n", progress->label, share * 100, counted, progress->noun, rate,
                left);
        return;
    }
    char bar[BAR_CELLS + 1];
    size_t full = (size_t)(share * BAR_CELLS);
    memset(bar, '.', BAR_CELLS);
    memset(bar, '#', full);
    bar[BAR_CELLS] = '\0';
    fprintf(stderr, "\r%s [%s] %3.0f %%  %s %s  %s/s%s\033[K", progress->label, bar, share * 100, counted,
            progress->noun, rate, left);
    fflush(stderr);
    progress->drawn = true;
}

void progress_clear(struct progress *progress)
{
    if (progress->drawn)
        fputs("\r\033[K", stderr);
    progress->drawn = false;
}
