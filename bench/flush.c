/*
 * Goal: what one durable write costs on this device with nothing around it, the yardstick of commit latency
 * (DESIGN section 8).
 * Method: one block after another into a file that was filled with zeros and synced before, as the journal does it:
 * O_DIRECT with RWF_DSYNC, or pwrite and fdatasync where the file system refuses that. One line of JSON at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/histogram.h"
#include "fail.h"
#include "mono.h"
#include "usage.h"

#define FILE_BYTES  (64u << 20)
#define BLOCK_MAX   4096
#define WARM_BLOCKS 64 /* not counted */

enum method { METHOD_DIRECT, METHOD_FDATASYNC };

static bool write_block(int fd, enum method method, const void *block, size_t bytes, off_t at)
{
    struct iovec piece = {.iov_base = (void *)(uintptr_t)block, .iov_len = bytes};
    if (method == METHOD_DIRECT)
        return pwritev2(fd, &piece, 1, at, RWF_DSYNC) == (ssize_t)bytes;
    return pwritev(fd, &piece, 1, at) == (ssize_t)bytes && fdatasync(fd) == 0;
}

static void fill_with_zeros(int fd, const void *block)
{
    for (off_t at = 0; at < (off_t)FILE_BYTES; at += BLOCK_MAX)
        if (pwrite(fd, block, BLOCK_MAX, at) != BLOCK_MAX)
            fail("the file cannot be filled: %s", strerror(errno));
    if (fsync(fd) != 0)
        fail("the file cannot be synced: %s", strerror(errno));
}

int main(int argc, char **argv)
{
    const char *directory = argc == 3 ? argv[1] : NULL;
    double seconds = argc == 3 ? strtod(argv[2], NULL) : 0;
    if (directory == NULL || !(seconds > 0 && seconds <= 60))
        fail("usage: flush DIRECTORY SECONDS");
    char path[4096];
    int length = snprintf(path, sizeof(path), "%s/flush-probe.%d", directory, (int)getpid());
    if (length < 0 || (size_t)length >= sizeof(path))
        fail("%s: too long a name", directory);
    void *block = NULL;
    if (posix_memalign(&block, BLOCK_MAX, BLOCK_MAX) != 0)
        fail("no memory for a block");
    memset(block, 0, BLOCK_MAX);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        fail("%s: %s", path, strerror(errno));
    fill_with_zeros(fd, block);
    enum method method = METHOD_DIRECT;
    size_t bytes = 512;
    int direct = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
    (void)unlink(path); /* it stays as long as it is open */
    if (direct >= 0 && !write_block(direct, method, block, bytes, 0))
        bytes = BLOCK_MAX;
    if (direct < 0 || !write_block(direct, method, block, bytes, 0))
        method = METHOD_FDATASYNC;
    int used = method == METHOD_DIRECT ? direct : fd;

    static struct histogram latency_ns;
    memset(block, 'x', BLOCK_MAX);
    struct usage before = {0};
    uint64_t until_ns = mono_ns() + (uint64_t)(seconds * 1e9);
    off_t at = 0;
    for (unsigned n = 0;; n++, at += (off_t)bytes) {
        if (at + (off_t)bytes > (off_t)FILE_BYTES)
            at = 0;
        if (n == WARM_BLOCKS) {
            histogram_reset(&latency_ns);
            before = usage_of(0, directory);
        }
        uint64_t from_ns = mono_ns();
        if (!write_block(used, method, block, bytes, at))
            fail("a block cannot be written: %s", strerror(errno));
        uint64_t now_ns = mono_ns();
        histogram_add(&latency_ns, now_ns - from_ns, 1);
        if (now_ns >= until_ns && n > WARM_BLOCKS)
            break;
    }
    printf("{\"method\":\"%s\",\"block_bytes\":%zu,\"count\":%llu,\"p50_us\":%.1f,\"p99_us\":%.1f,\"flushes\":%llu}\n",
           method == METHOD_DIRECT ? "O_DIRECT, RWF_DSYNC" : "pwrite, fdatasync", bytes,
           (unsigned long long)latency_ns.count, (double)histogram_quantile(&latency_ns, 500000) / 1e3,
           (double)histogram_quantile(&latency_ns, 990000) / 1e3,
           (unsigned long long)usage_between(before, usage_of(0, directory)).flushes);
    free(block);
    return 0;
}
