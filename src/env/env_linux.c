/*
 * The real world on Linux.
 *
 * Durable writes: an O_DIRECT descriptor and pwritev2 with RWF_DSYNC, one system call that writes whole blocks and
 * flushes the device (measured 50 us p50 for 4 KiB, docs/decisions). Where the file system or a sandbox refuses either,
 * the file falls back to pwrite and fdatasync for good.
 *
 * A file opened for writing has two open file descriptions:
 *
 *     fd          buffered: reads, filling, file_sync
 *     durable_fd  write_durable alone
 *
 * The kernel reports a failed write-back once per description. If filling and durable writes shared one, the sync of
 * a filling step could swallow the error of a frame, and the frame's own flush would then claim success.
 *
 * Errors: EINTR before anything was done is repeated, and what a short write has left is written; a write of which nothing
 * is left says why. Every failure is an error: what the disk then holds is unknown, and asking again could report
 * success for pages the kernel has already dropped.
 */
#include "env/env.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_BYTES_SMALL 512  /* smallest logical block of any disk */
#define BLOCK_BYTES_SAFE  4096 /* accepted by every disk; what buffered writes rewrite anyway */

struct env_directory {
    int fd;
};

enum helper_state { HELPER_IDLE, HELPER_ASKED, HELPER_DONE, HELPER_STOP };

struct env_file {
    int fd;
    int durable_fd;       /* -1 when opened for reading */
    bool direct;          /* durable_fd bypasses the page cache */
    bool dsync;           /* pwritev2 with RWF_DSYNC works */
    uint32_t block_bytes; /* 0 until probed */

    /* The helper of write_start, created with the first one. */
    bool helper_running;
    pthread_t helper;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum helper_state state; /* under lock */
    uint64_t offset;
    const void *bytes;
    size_t n;
    enum status result;
    char error[256];
};

static _Thread_local char last_error[256] = "no error";

const char *env_last_error(void)
{
    return last_error;
}

/* Notes what the operating system said and gives the status for it. */
static enum status failed(const char *what, const char *name, int error)
{
    const char *text = strerrordesc_np(error); /* a constant, safe in any thread */
    (void)snprintf(last_error, sizeof(last_error), "%s%s%.150s: %s", what, name[0] != 0 ? " " : "", name,
                   text != NULL ? text : "unknown error");
    switch (error) {
    case ENOENT:
    case ENOTDIR: /* a file where a directory is meant: the path is wrong, not the disk */
        return STATUS_NOT_FOUND;
    case EEXIST:
        return STATUS_EXISTS;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: /* a limit on the size of files, as ulimit -f */
        return STATUS_NO_SPACE;
    case ENOMEM:
        return STATUS_MEMORY;
    case EMFILE: /* open files of the process, or of the machine */
    case ENFILE:
        return STATUS_FULL;
    case EACCES:
    case EPERM:
    case EROFS:
        return STATUS_DENIED;
    default:
        return STATUS_IO;
    }
}

/* ---- directory ---- */

/* A new directory is durable only when the directory above it is synced. */
static enum status sync_parent(const char *path)
{
    char parent[4096];
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    while (n > 0 && path[n - 1] != '/')
        n--;
    if (n >= sizeof(parent))
        return failed("open the directory above", path, ENAMETOOLONG);
    if (n == 0) {
        parent[0] = '.';
        n = 1;
    } else {
        memcpy(parent, path, n);
    }
    parent[n] = 0;
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return failed("open", parent, errno);
    enum status status = STATUS_OK;
    if (fsync(fd) != 0)
        status = failed("sync", parent, errno);
    (void)close(fd); /* nothing was written through it */
    return status;
}

static enum status linux_directory_open(void *context, const char *path, bool create, bool exclusive,
                                        struct env_directory **out_directory)
{
    (void)context;
    if (create) {
        if (mkdir(path, 0700) == 0) {
            enum status status = sync_parent(path);
            if (status != STATUS_OK)
                return status;
        } else if (errno != EEXIST) {
            return failed("create", path, errno);
        }
    }
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return failed("open", path, errno);
    int locked;
    do {
        locked = flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB);
    } while (locked != 0 && errno == EINTR);
    if (locked != 0) {
        int error = errno;
        (void)close(fd);
        enum status status = failed("lock", path, error);
        return error == EWOULDBLOCK ? STATUS_LOCKED : status;
    }
    /* Found out now, not when the next file is due. */
    if (exclusive && faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) != 0) {
        int error = errno;
        (void)close(fd);
        return failed("write to", path, error);
    }
    struct env_directory *directory = malloc(sizeof(*directory));
    if (directory == NULL) {
        (void)close(fd);
        return failed("open", path, ENOMEM);
    }
    directory->fd = fd;
    *out_directory = directory;
    return STATUS_OK;
}

static void linux_directory_close(void *context, struct env_directory *directory)
{
    (void)context;
    (void)close(directory->fd); /* the lock goes with it */
    free(directory);
}

static enum status linux_directory_list(void *context, struct env_directory *directory,
                                        void (*each)(void *argument, const char *name), void *argument)
{
    (void)context;
    int fd = openat(directory->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return failed("list", "", errno);
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        int error = errno;
        (void)close(fd);
        return failed("list", "", error);
    }
    enum status status = STATUS_OK;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL) {
            if (errno != 0)
                status = failed("list", "", errno);
            break;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            each(argument, entry->d_name);
    }
    (void)closedir(dir);
    return status;
}

static enum status linux_directory_sync(void *context, struct env_directory *directory)
{
    (void)context;
    return fsync(directory->fd) == 0 ? STATUS_OK : failed("sync the directory", "", errno);
}

static enum status linux_file_rename(void *context, struct env_directory *directory, const char *from, const char *to)
{
    (void)context;
    return renameat(directory->fd, from, directory->fd, to) == 0 ? STATUS_OK : failed("rename", from, errno);
}

static enum status linux_file_remove(void *context, struct env_directory *directory, const char *name)
{
    (void)context;
    return unlinkat(directory->fd, name, 0) == 0 ? STATUS_OK : failed("remove", name, errno);
}

/* ---- file ---- */

static enum status linux_file_open(void *context, struct env_directory *directory, const char *name, enum env_open how,
                                   struct env_file **out_file)
{
    (void)context;
    struct env_file *file = calloc(1, sizeof(*file));
    if (file == NULL)
        return failed("open", name, ENOMEM);
    file->durable_fd = -1;
    int flags = how == ENV_OPEN_READ ? O_RDONLY : how == ENV_OPEN_WRITE ? O_RDWR : O_RDWR | O_CREAT | O_EXCL;
    file->fd = openat(directory->fd, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file->fd < 0) {
        enum status status = failed("open", name, errno);
        free(file);
        return status;
    }
    if (how == ENV_OPEN_READ) {
        (void)posix_fadvise(file->fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* advice only */
        *out_file = file;
        return STATUS_OK;
    }
    file->dsync = true;
    file->direct = true;
    file->durable_fd = openat(directory->fd, name, O_RDWR | O_DIRECT | O_CLOEXEC | O_NOFOLLOW);
    if (file->durable_fd < 0) {
        file->direct = false;
        file->durable_fd = openat(directory->fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    }
    if (file->durable_fd < 0) {
        enum status status = failed("open", name, errno);
        (void)close(file->fd);
        free(file);
        return status;
    }
    if (pthread_mutex_init(&file->lock, NULL) != 0)
        goto fail_files;
    if (pthread_cond_init(&file->changed, NULL) != 0)
        goto fail_lock;
    *out_file = file;
    return STATUS_OK;

fail_lock:
    (void)pthread_mutex_destroy(&file->lock);
fail_files:
    (void)close(file->durable_fd);
    (void)close(file->fd);
    free(file);
    return failed("open", name, ENOMEM);
}

static void linux_file_close(void *context, struct env_file *file)
{
    (void)context;
    if (file->helper_running) {
        (void)pthread_mutex_lock(&file->lock);
        file->state = HELPER_STOP;
        (void)pthread_cond_broadcast(&file->changed);
        (void)pthread_mutex_unlock(&file->lock);
        (void)pthread_join(file->helper, NULL);
    }
    if (file->durable_fd >= 0) {
        (void)pthread_cond_destroy(&file->changed);
        (void)pthread_mutex_destroy(&file->lock);
        (void)close(file->durable_fd); /* all that counts was synced before */
    }
    (void)close(file->fd);
    free(file);
}

static enum status linux_file_size(void *context, struct env_file *file, uint64_t *out_bytes)
{
    (void)context;
    struct stat st;
    if (fstat(file->fd, &st) != 0)
        return failed("stat", "", errno);
    *out_bytes = (uint64_t)st.st_size;
    return STATUS_OK;
}

/* Asks the file system by trying: a direct read at an address and offset that are multiples of 512 only. */
static uint32_t linux_file_block_bytes(void *context, struct env_file *file)
{
    (void)context;
    if (file->block_bytes != 0)
        return file->block_bytes;
    if (!file->direct || file->durable_fd < 0) {
        file->block_bytes = BLOCK_BYTES_SAFE;
        return file->block_bytes;
    }
    struct stat st;
    if (fstat(file->fd, &st) != 0 || st.st_size < BLOCK_BYTES_SAFE)
        return BLOCK_BYTES_SAFE; /* too short to ask; asked again when it has grown */
    _Alignas(BLOCK_BYTES_SAFE) char probe[2 * BLOCK_BYTES_SMALL];
    ssize_t got = pread(file->durable_fd, probe + BLOCK_BYTES_SMALL, BLOCK_BYTES_SMALL, BLOCK_BYTES_SMALL);
    file->block_bytes = got == BLOCK_BYTES_SMALL ? BLOCK_BYTES_SMALL : BLOCK_BYTES_SAFE;
    return file->block_bytes;
}

static enum status linux_file_read(void *context, struct env_file *file, uint64_t offset, void *bytes, size_t n,
                                   size_t *out_bytes)
{
    (void)context;
    size_t done = 0;
    while (done < n) {
        ssize_t got = pread(file->fd, (char *)bytes + done, n - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return failed("read", "", errno);
        if (got == 0)
            break;
        done += (size_t)got;
    }
    *out_bytes = done;
    return STATUS_OK;
}

static enum status write_whole(int fd, uint64_t offset, const void *bytes, size_t n)
{
    /* A file system that runs full writes what fits: the next byte says so. */
    for (size_t done = 0; done < n;) {
        ssize_t put = pwrite(fd, (const char *)bytes + done, n - done, (off_t)(offset + done));
        if (put > 0)
            done += (size_t)put;
        else if (put == 0)
            return failed("short write", "", EIO);
        else if (errno != EINTR)
            return failed("write", "", errno);
    }
    return STATUS_OK;
}

static enum status linux_file_write(void *context, struct env_file *file, uint64_t offset, const void *bytes, size_t n)
{
    (void)context;
    return n == 0 ? STATUS_OK : write_whole(file->fd, offset, bytes, n);
}

static enum status linux_file_sync(void *context, struct env_file *file)
{
    (void)context;
    return fdatasync(file->fd) == 0 ? STATUS_OK : failed("flush", "", errno);
}

/* Replaces the direct descriptor by a buffered one, in place. False when that fails. */
static bool give_up_direct(struct env_file *file)
{
    int flags = fcntl(file->durable_fd, F_GETFL);
    if (flags < 0 || fcntl(file->durable_fd, F_SETFL, flags & ~O_DIRECT) != 0)
        return false;
    file->direct = false;
    return true;
}

static enum status write_durable_now(struct env_file *file, uint64_t offset, const void *bytes, size_t n)
{
    while (file->direct && file->dsync) {
        union {
            const void *in;
            void *base;
        } address = {bytes}; /* struct iovec is shared with reading and lacks the const */
        struct iovec vector = {address.base, n};
        ssize_t put = pwritev2(file->durable_fd, &vector, 1, (off_t)offset, RWF_DSYNC);
        if (put == (ssize_t)n)
            return STATUS_OK;
        if (put >= 0) {
            /* What it wrote is durable. The rest goes on at a boundary of blocks, as direct writes must. */
            size_t whole = (size_t)put / BLOCK_BYTES_SAFE * BLOCK_BYTES_SAFE;
            if (whole == 0)
                return failed("short write", "", EIO);
            offset += whole;
            bytes = (const char *)bytes + whole;
            n -= whole;
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno == EOPNOTSUPP || errno == ENOSYS) {
            file->dsync = false; /* kernels before 4.7 and some sandboxes: write, then flush */
            break;
        }
        if (errno != EINVAL)
            return failed("write", "", errno);
        /* Refused for its alignment or kind; nothing was written. */
        if (!give_up_direct(file))
            return failed("write", "", EINVAL);
    }
    enum status status = write_whole(file->durable_fd, offset, bytes, n);
    if (status == STATUS_OK && fdatasync(file->durable_fd) != 0)
        status = failed("flush", "", errno);
    return status;
}

static enum status linux_write_durable(void *context, struct env_file *file, uint64_t offset, const void *bytes,
                                       size_t n)
{
    (void)context;
    return write_durable_now(file, offset, bytes, n);
}

static void *helper_main(void *argument)
{
    struct env_file *file = argument;
    (void)pthread_mutex_lock(&file->lock);
    for (;;) {
        while (file->state != HELPER_ASKED && file->state != HELPER_STOP)
            (void)pthread_cond_wait(&file->changed, &file->lock);
        if (file->state == HELPER_STOP)
            break;
        (void)pthread_mutex_unlock(&file->lock);
        enum status result = write_durable_now(file, file->offset, file->bytes, file->n);
        (void)pthread_mutex_lock(&file->lock);
        file->result = result;
        if (result != STATUS_OK)
            memcpy(file->error, last_error, sizeof(file->error));
        if (file->state != HELPER_STOP)
            file->state = HELPER_DONE;
        (void)pthread_cond_broadcast(&file->changed);
    }
    (void)pthread_mutex_unlock(&file->lock);
    return NULL;
}

static enum status linux_write_start(void *context, struct env_file *file, uint64_t offset, const void *bytes, size_t n)
{
    (void)context;
    if (!file->helper_running) {
        int error = pthread_create(&file->helper, NULL, helper_main, file);
        if (error != 0)
            return failed("start the writing thread", "", error);
        file->helper_running = true;
    }
    (void)pthread_mutex_lock(&file->lock);
    CHECK(file->state == HELPER_IDLE); /* one in flight */
    file->offset = offset;
    file->bytes = bytes;
    file->n = n;
    file->state = HELPER_ASKED;
    (void)pthread_cond_broadcast(&file->changed);
    (void)pthread_mutex_unlock(&file->lock);
    return STATUS_OK;
}

static enum status linux_write_wait(void *context, struct env_file *file)
{
    (void)context;
    (void)pthread_mutex_lock(&file->lock);
    CHECK(file->state != HELPER_IDLE);
    while (file->state != HELPER_DONE)
        (void)pthread_cond_wait(&file->changed, &file->lock);
    file->state = HELPER_IDLE;
    enum status result = file->result;
    if (result != STATUS_OK)
        memcpy(last_error, file->error, sizeof(last_error));
    (void)pthread_mutex_unlock(&file->lock);
    return result;
}

static bool linux_write_done(void *context, struct env_file *file)
{
    (void)context;
    (void)pthread_mutex_lock(&file->lock);
    bool done = file->state != HELPER_ASKED;
    (void)pthread_mutex_unlock(&file->lock);
    return done;
}

/* ---- clock, randomness, memory ---- */

static int64_t linux_wall_us(void *context)
{
    (void)context;
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t); /* cannot fail for this clock */
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t linux_monotonic_ns(void *context)
{
    (void)context;
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail for this clock */
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t linux_elapsed_ns(void *context)
{
    (void)context;
    struct timespec t;
    (void)clock_gettime(CLOCK_BOOTTIME, &t); /* cannot fail for this clock */
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void linux_random_bytes(void *context, void *out_bytes, size_t n)
{
    (void)context;
    size_t done = 0;
    while (done < n) {
        ssize_t got = getrandom((char *)out_bytes + done, n - done, 0);
        CHECK(got > 0 || errno == EINTR); /* every kernel we run on has it */
        done += got > 0 ? (size_t)got : 0;
    }
}

static void *linux_memory_reserve(void *context, size_t bytes)
{
    (void)context;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        (void)failed("reserve memory", "", errno);
        return NULL;
    }
    (void)madvise(memory, bytes, MADV_HUGEPAGE); /* advice only */
    return memory;
}

static void linux_memory_warm(void *context, uintptr_t address, size_t bytes)
{
    (void)context;
#ifdef MADV_POPULATE_WRITE
    (void)madvise((void *)address, bytes, MADV_POPULATE_WRITE); /* an older kernel refuses: the first write waits */
#else
    (void)address;
    (void)bytes;
#endif
}

static void linux_memory_release(void *context, void *memory, size_t bytes)
{
    (void)context;
    if (memory != NULL)
        (void)munmap(memory, bytes);
}

static enum status linux_zone_read(void *context, const char *name, void *bytes, size_t capacity, size_t *out_bytes)
{
    char path[256];
    struct stat about;
    (void)context;
    int n = snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
    if (n < 0 || (size_t)n >= sizeof(path))
        return STATUS_NOT_FOUND;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return STATUS_NOT_FOUND;
    enum status status = fstat(fd, &about) == 0 && S_ISREG(about.st_mode) ? STATUS_OK : STATUS_NOT_FOUND;
    size_t have = 0;
    while (status == STATUS_OK) {
        if (have == capacity) {
            status = STATUS_FULL;
            break;
        }
        ssize_t got = read(fd, (uint8_t *)bytes + have, capacity - have);
        if (got == 0)
            break;
        if (got > 0)
            have += (size_t)got;
        else if (errno != EINTR)
            status = STATUS_IO;
    }
    (void)close(fd);
    *out_bytes = have;
    return status;
}

static const struct env table = {
    .directory_open = linux_directory_open,
    .directory_close = linux_directory_close,
    .directory_list = linux_directory_list,
    .directory_sync = linux_directory_sync,
    .file_rename = linux_file_rename,
    .file_remove = linux_file_remove,
    .file_open = linux_file_open,
    .file_close = linux_file_close,
    .file_size = linux_file_size,
    .file_block_bytes = linux_file_block_bytes,
    .file_read = linux_file_read,
    .file_write = linux_file_write,
    .file_sync = linux_file_sync,
    .write_durable = linux_write_durable,
    .write_start = linux_write_start,
    .write_wait = linux_write_wait,
    .write_done = linux_write_done,
    .zone_read = linux_zone_read,
    .wall_us = linux_wall_us,
    .monotonic_ns = linux_monotonic_ns,
    .elapsed_ns = linux_elapsed_ns,
    .random_bytes = linux_random_bytes,
    .memory_reserve = linux_memory_reserve,
    .memory_warm = linux_memory_warm,
    .memory_release = linux_memory_release,
};

const struct env *linux_env(void)
{
    return &table;
}
