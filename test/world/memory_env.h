/*
 * A data directory in memory, for tests that need many of them: every function of env.h that touches the disk, on a few
 * files that are arrays. It counts the calls that can fail and lets the n-th fail, once or with all that follow, and
 * what is held open, so that a test sees what was not given back.
 *
 * Nothing here is volatile: what was written is there, as after kill -9. Clock and randomness are given, so that the
 * same calls leave the same bytes. One thread, which the filler's is not: journals on it are opened with
 * fill_on_writer.
 */
#ifndef ONHAND_TEST_MEMORY_ENV_H
#define ONHAND_TEST_MEMORY_ENV_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "env/env.h"

#define MEMORY_FILES_MAX 24
#define MEMORY_NAME_MAX  40
#define MEMORY_PAGE      ((size_t)4096)
#define MEMORY_ALIGNMENT ((size_t)64)

struct memory_file {
    char name[MEMORY_NAME_MAX]; /* "" for none */
    uint8_t *bytes;             /* owned; NULL when the file is none */
    size_t n, capacity;
    unsigned opened;
};

/* What a write that fails leaves. */
enum memory_tear { TEAR_LOST, TEAR_HALF, TEAR_WRITTEN, TEAR_COUNT };

struct env_file {
    struct memory_file *file;
    /* A write begun and not waited for; NULL for none. */
    const void *bytes;
    uint64_t offset;
    size_t n;
    enum status result;
};

struct memory_env {
    struct env env;
    struct memory_file files[MEMORY_FILES_MAX];
    bool exists, locked;
    uint32_t block_bytes;
    int64_t wall_us, mono_ns; /* the second moves on as it is asked */
    uint8_t random_next;

    uint64_t calls;        /* that could have failed so far */
    uint64_t fail_at;      /* the number of the one that fails; 0 for none */
    bool fail_on;          /* and all behind it */
    enum status fail_with; /* of memory, NULL is what fails */
    enum memory_tear tear;
    uint64_t failed;       /* calls that did */
    const char *failed_in; /* the first one, "" for none */

    unsigned directories_open, files_open, reservations; /* not given back yet */
    uint64_t writes; /* calls that changed a file, or would have */
};

/* For what lies on the disk: no allocation of the process under test. */
static void *(*memory_disk_realloc)(void *bytes, size_t n) = realloc;
static void (*memory_disk_free)(void *bytes) = free;

static inline struct memory_env *memory_of(void *context)
{
    return context;
}

static inline bool memory_fails(struct memory_env *world, const char *what)
{
    world->calls++;
    bool due = world->fail_on ? world->calls >= world->fail_at : world->calls == world->fail_at;
    bool fails = world->fail_at != 0 && due;
    if (fails && world->failed++ == 0)
        world->failed_in = what;
    return fails;
}

static inline struct memory_file *memory_find(struct memory_env *world, const char *name)
{
    for (unsigned i = 0; i < MEMORY_FILES_MAX; i++) {
        if (world->files[i].bytes != NULL && strcmp(world->files[i].name, name) == 0)
            return &world->files[i];
    }
    return NULL;
}

/* A file of n zeros; NULL when there are too many. */
static inline struct memory_file *memory_put(struct memory_env *world, const char *name, size_t n)
{
    for (unsigned i = 0; i < MEMORY_FILES_MAX; i++) {
        struct memory_file *file = &world->files[i];
        if (file->bytes != NULL)
            continue;
        *file = (struct memory_file){.bytes = memory_disk_realloc(NULL, n + 1), .n = n, .capacity = n + 1};
        CHECK(file->bytes != NULL && strlen(name) < MEMORY_NAME_MAX);
        memset(file->bytes, 0, n + 1);
        (void)strcpy(file->name, name);
        return file;
    }
    return NULL;
}

static inline void memory_drop(struct memory_file *file)
{
    memory_disk_free(file->bytes);
    *file = (struct memory_file){0};
}

static inline void memory_write(struct memory_file *file, uint64_t offset, const void *bytes, size_t n)
{
    size_t end = (size_t)offset + n;
    if (end > file->capacity) {
        file->capacity = end < 4096 ? 4096 : end + end / 2;
        file->bytes = memory_disk_realloc(file->bytes, file->capacity);
        CHECK(file->bytes != NULL);
    }
    if (offset > file->n)
        memset(file->bytes + file->n, 0, (size_t)offset - file->n);
    if (n != 0)
        memcpy(file->bytes + offset, bytes, n);
    if (end > file->n)
        file->n = end;
}

static inline enum status memory_directory_open(void *context, const char *path, bool create, bool exclusive,
                                                struct env_directory **out_directory)
{
    struct memory_env *world = memory_of(context);
    (void)path;
    if (memory_fails(world, "directory_open"))
        return world->fail_with;
    if (!world->exists && !create)
        return STATUS_NOT_FOUND;
    if (world->locked || (exclusive && world->directories_open != 0))
        return STATUS_LOCKED;
    world->exists = true;
    world->locked = exclusive;
    world->directories_open++;
    *out_directory = (struct env_directory *)context;
    return STATUS_OK;
}

static inline void memory_directory_close(void *context, struct env_directory *directory)
{
    struct memory_env *world = memory_of(context);
    (void)directory;
    CHECK(world->directories_open != 0);
    world->directories_open--;
    world->locked = false;
}

static inline enum status memory_directory_list(void *context, struct env_directory *directory,
                                                void (*each)(void *argument, const char *name), void *argument)
{
    struct memory_env *world = memory_of(context);
    (void)directory;
    if (memory_fails(world, "directory_list"))
        return world->fail_with;
    for (unsigned i = MEMORY_FILES_MAX; i-- > 0;) { /* in no order */
        if (world->files[i].bytes != NULL && world->files[i].name[0] != 0)
            each(argument, world->files[i].name);
    }
    return STATUS_OK;
}

static inline enum status memory_directory_sync(void *context, struct env_directory *directory)
{
    struct memory_env *world = memory_of(context);
    (void)directory;
    return memory_fails(world, "directory_sync") ? world->fail_with : STATUS_OK;
}

static inline enum status memory_file_rename(void *context, struct env_directory *directory, const char *from,
                                             const char *to)
{
    struct memory_env *world = memory_of(context);
    (void)directory;
    struct memory_file *file = memory_find(world, from);
    struct memory_file *other = memory_find(world, to);
    bool fails = memory_fails(world, "file_rename");
    world->writes++;
    if (fails && world->tear != TEAR_WRITTEN)
        return world->fail_with;
    if (file == NULL)
        return STATUS_NOT_FOUND;
    if (other != NULL && other->opened != 0)
        other->name[0] = 0; /* who has it open has it still */
    else if (other != NULL)
        memory_drop(other);
    CHECK(strlen(to) < MEMORY_NAME_MAX);
    (void)strcpy(file->name, to);
    return fails ? world->fail_with : STATUS_OK;
}

static inline enum status memory_file_remove(void *context, struct env_directory *directory, const char *name)
{
    struct memory_env *world = memory_of(context);
    (void)directory;
    if (memory_fails(world, "file_remove"))
        return world->fail_with;
    struct memory_file *file = memory_find(world, name);
    if (file == NULL)
        return STATUS_NOT_FOUND;
    CHECK(file->opened == 0); /* a name that is gone would still be written */
    world->writes++;
    memory_drop(file);
    return STATUS_OK;
}

static inline enum status memory_file_open(void *context, struct env_directory *directory, const char *name,
                                           enum env_open how, struct env_file **out_file)
{
    struct memory_env *world = memory_of(context);
    (void)directory;
    struct memory_file *file = memory_find(world, name);
    if (memory_fails(world, how == ENV_OPEN_CREATE ? "file_open, create" : "file_open"))
        return world->fail_with;
    if (how == ENV_OPEN_CREATE && file != NULL)
        return STATUS_EXISTS;
    if (how != ENV_OPEN_CREATE && file == NULL)
        return STATUS_NOT_FOUND;
    struct env_file *open = calloc(1, sizeof(*open));
    if (open == NULL)
        return STATUS_MEMORY;
    if (how == ENV_OPEN_CREATE) {
        world->writes++;
        file = memory_put(world, name, 0);
        CHECK(file != NULL);
    }
    open->file = file;
    file->opened++;
    world->files_open++;
    *out_file = open;
    return STATUS_OK;
}

static inline void memory_file_close(void *context, struct env_file *file)
{
    struct memory_env *world = memory_of(context);
    CHECK(file->file->opened != 0 && world->files_open != 0);
    file->file->opened--;
    if (file->file->opened == 0 && file->file->name[0] == 0)
        memory_drop(file->file);
    world->files_open--;
    free(file);
}

static inline enum status memory_file_size(void *context, struct env_file *file, uint64_t *out_bytes)
{
    struct memory_env *world = memory_of(context);
    if (memory_fails(world, "file_size"))
        return world->fail_with;
    *out_bytes = file->file->n;
    return STATUS_OK;
}

static inline uint32_t memory_file_block_bytes(void *context, struct env_file *file)
{
    (void)file;
    return memory_of(context)->block_bytes;
}

static inline enum status memory_file_read(void *context, struct env_file *file, uint64_t offset, void *bytes, size_t n,
                                           size_t *out_bytes)
{
    struct memory_env *world = memory_of(context);
    if (memory_fails(world, "file_read"))
        return world->fail_with;
    size_t there = offset < file->file->n ? file->file->n - (size_t)offset : 0;
    *out_bytes = there < n ? there : n;
    if (*out_bytes != 0)
        memcpy(bytes, file->file->bytes + offset, *out_bytes);
    return STATUS_OK;
}

/* As much of it as gets there. */
static inline enum status memory_store(struct memory_env *world, struct env_file *file, uint64_t offset,
                                       const void *bytes, size_t n, const char *what)
{
    bool fails = memory_fails(world, what);
    world->writes++;
    if (!fails || world->tear == TEAR_WRITTEN)
        memory_write(file->file, offset, bytes, n);
    else if (world->tear == TEAR_HALF)
        memory_write(file->file, offset, bytes, n / 2);
    return fails ? world->fail_with : STATUS_OK;
}

static inline enum status memory_file_write(void *context, struct env_file *file, uint64_t offset, const void *bytes,
                                            size_t n)
{
    return memory_store(memory_of(context), file, offset, bytes, n, "file_write");
}

static inline enum status memory_file_sync(void *context, struct env_file *file)
{
    struct memory_env *world = memory_of(context);
    (void)file;
    return memory_fails(world, "file_sync") ? world->fail_with : STATUS_OK;
}

static inline enum status memory_write_durable(void *context, struct env_file *file, uint64_t offset, const void *bytes,
                                               size_t n)
{
    struct memory_env *world = memory_of(context);
    CHECK(offset % world->block_bytes == 0 && n % world->block_bytes == 0 && file->bytes == NULL);
    return memory_store(world, file, offset, bytes, n, "write_durable");
}

static inline enum status memory_write_start(void *context, struct env_file *file, uint64_t offset, const void *bytes,
                                             size_t n)
{
    struct memory_env *world = memory_of(context);
    CHECK(offset % world->block_bytes == 0 && n % world->block_bytes == 0 && file->bytes == NULL);
    if (memory_fails(world, "write_start"))
        return world->fail_with;
    file->bytes = bytes;
    file->offset = offset;
    file->n = n;
    return STATUS_OK;
}

static inline enum status memory_write_wait(void *context, struct env_file *file)
{
    CHECK(file->bytes != NULL);
    const void *bytes = file->bytes;
    file->bytes = NULL;
    return memory_store(memory_of(context), file, file->offset, bytes, file->n, "write_wait");
}

static inline bool memory_write_done(void *context, struct env_file *file)
{
    (void)context;
    (void)file;
    return true;
}

static inline int64_t memory_wall_us(void *context)
{
    return memory_of(context)->wall_us;
}

static inline int64_t memory_monotonic_ns(void *context)
{
    return memory_of(context)->mono_ns += 1000;
}

static inline void memory_random_bytes(void *context, void *out_bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out_bytes)[i] = ++memory_of(context)->random_next;
}

/* What is reserved ends, but for its alignment, where a page begins that nobody may touch. */
static inline size_t memory_used(size_t bytes)
{
    return (bytes + MEMORY_ALIGNMENT - 1) / MEMORY_ALIGNMENT * MEMORY_ALIGNMENT;
}

static inline size_t memory_pages(size_t bytes)
{
    return (bytes + MEMORY_PAGE - 1) / MEMORY_PAGE * MEMORY_PAGE;
}

static inline void *memory_memory_reserve(void *context, size_t bytes)
{
    struct memory_env *world = memory_of(context);
    if (memory_fails(world, "memory_reserve"))
        return NULL;
    size_t pages = memory_pages(bytes);
    int fd = open("/dev/zero", O_RDWR);
    void *base = mmap(NULL, pages + MEMORY_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(fd >= 0 && base != MAP_FAILED && close(fd) == 0);
    CHECK(mprotect((uint8_t *)base + pages, MEMORY_PAGE, PROT_NONE) == 0);
    world->reservations++;
    return (uint8_t *)base + (pages - memory_used(bytes));
}

static inline void memory_memory_warm(void *context, uintptr_t address, size_t bytes)
{
    (void)context;
    (void)address;
    (void)bytes;
}

static inline void memory_memory_release(void *context, void *memory, size_t bytes)
{
    struct memory_env *world = memory_of(context);
    if (memory == NULL)
        return;
    CHECK(world->reservations != 0);
    world->reservations--;
    size_t pages = memory_pages(bytes);
    CHECK(munmap((uint8_t *)memory - (pages - memory_used(bytes)), pages + MEMORY_PAGE) == 0);
}

/* An empty directory that does not exist yet. */
static inline void memory_env_init(struct memory_env *world)
{
    *world = (struct memory_env){
        .env = {.directory_open = memory_directory_open,
                .directory_close = memory_directory_close,
                .directory_list = memory_directory_list,
                .directory_sync = memory_directory_sync,
                .file_rename = memory_file_rename,
                .file_remove = memory_file_remove,
                .file_open = memory_file_open,
                .file_close = memory_file_close,
                .file_size = memory_file_size,
                .file_block_bytes = memory_file_block_bytes,
                .file_read = memory_file_read,
                .file_write = memory_file_write,
                .file_sync = memory_file_sync,
                .write_durable = memory_write_durable,
                .write_start = memory_write_start,
                .write_wait = memory_write_wait,
                .write_done = memory_write_done,
                .zone_read = linux_env()->zone_read,
                .wall_us = memory_wall_us,
                .monotonic_ns = memory_monotonic_ns,
                .random_bytes = memory_random_bytes,
                .memory_reserve = memory_memory_reserve,
                .memory_warm = memory_memory_warm,
                .memory_release = memory_memory_release},
        .block_bytes = 512,
        .wall_us = INT64_C(1700000000) * 1000 * 1000,
        .failed_in = "",
    };
    world->env.context = world;
}

/* Files and all; nothing is open. */
static inline void memory_env_deinit(struct memory_env *world)
{
    CHECK(world->directories_open == 0 && world->files_open == 0 && world->reservations == 0);
    for (unsigned i = 0; i < MEMORY_FILES_MAX; i++) {
        if (world->files[i].bytes != NULL)
            memory_drop(&world->files[i]);
    }
}

/* The files of another one, whatever that has open. */
static inline void memory_env_copy(struct memory_env *world, const struct memory_env *from)
{
    memory_env_deinit(world);
    memory_env_init(world);
    world->exists = from->exists;
    for (unsigned i = 0; i < MEMORY_FILES_MAX; i++) {
        if (from->files[i].bytes != NULL && from->files[i].name[0] != 0) {
            struct memory_file *file = memory_put(world, from->files[i].name, 0);
            CHECK(file != NULL);
            memory_write(file, 0, from->files[i].bytes, from->files[i].n);
        }
    }
}

#endif
