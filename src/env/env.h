/*
 * The world: disk, clock, randomness, memory. Everything below the server reaches it through this table alone, so
 * that a simulated world can stand in for the real one. Network and threads belong to the rings above (api, server);
 * the engine's own thread is started by them.
 *
 * Declarations only; counts as base. Implementations: env_linux.c, and the simulated one in the tests.
 *
 * Every function returns STATUS_OK or the status named; env_last_error of the calling thread then says what the
 * operating system said. Paths are relative to the directory opened with `directory_open`.
 */
#ifndef ONHAND_ENV_ENV_H
#define ONHAND_ENV_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct env_directory; /* an open, locked data directory */
struct env_file;      /* an open file */

enum env_open {
    ENV_OPEN_READ,   /* must exist; buffered reads */
    ENV_OPEN_WRITE,  /* must exist; durable writes at block boundaries (direct I/O where the file system allows it) */
    ENV_OPEN_CREATE  /* must not exist; created empty, for writing */
};

struct env {
    void *context;

    /* -- directory -- */
    /* Opens (creates when `create`) and locks a directory, exclusively when `exclusive`, else shared with other readers.
     * NOT_FOUND, LOCKED, DENIED (an exclusive one must be writable), IO. */
    enum status (*directory_open)(void *context, const char *path, bool create, bool exclusive,
                                  struct env_directory **out_directory);
    void (*directory_close)(void *context, struct env_directory *directory);
    /* Calls `each` for every name in it, of whatever it is, in no order. */
    enum status (*directory_list)(void *context, struct env_directory *directory,
                                  void (*each)(void *argument, const char *name), void *argument);
    /* Makes created, renamed and removed names durable. IO is final. */
    enum status (*directory_sync)(void *context, struct env_directory *directory);
    enum status (*file_rename)(void *context, struct env_directory *directory, const char *from, const char *to);
    enum status (*file_remove)(void *context, struct env_directory *directory, const char *name);

    /* -- file -- */
    enum status (*file_open)(void *context, struct env_directory *directory, const char *name, enum env_open how,
                             struct env_file **out_file);
    void (*file_close)(void *context, struct env_file *file);
    enum status (*file_size)(void *context, struct env_file *file, uint64_t *out_bytes);
    /* Smallest unit of a durable write: offsets, lengths and addresses of write_durable are multiples of it. */
    uint32_t (*file_block_bytes)(void *context, struct env_file *file);
    /* Reads up to n bytes; *out_bytes is less than n only at the end of the file. Any thread. */
    enum status (*file_read)(void *context, struct env_file *file, uint64_t offset, void *bytes, size_t n,
                             size_t *out_bytes);
    /* Writes without promising durability (filling, temporary files): any offset and length. NO_SPACE, IO. */
    enum status (*file_write)(void *context, struct env_file *file, uint64_t offset, const void *bytes, size_t n);
    /* Data and size of the file are durable on return. IO is final: never retried. */
    enum status (*file_sync)(void *context, struct env_file *file);
    /* Writes whole blocks; they are durable on return. IO is final: never retried. One at a time per file. */
    enum status (*write_durable)(void *context, struct env_file *file, uint64_t offset, const void *bytes, size_t n);
    /* The same, begun now and finished by write_wait; bytes stay untouched until then. One in flight per file. */
    enum status (*write_start)(void *context, struct env_file *file, uint64_t offset, const void *bytes, size_t n);
    enum status (*write_wait)(void *context, struct env_file *file);
    /* True when write_wait would return at once. */
    bool (*write_done)(void *context, struct env_file *file);

    /* The system's description of a time zone ("Europe/Berlin"), all of it. name: letters, digits, "_-+" and single "/".
     * NOT_FOUND; FULL when it is larger than capacity. */
    enum status (*zone_read)(void *context, const char *name, void *bytes, size_t capacity, size_t *out_bytes);

    /* -- clock -- */
    int64_t (*wall_us)(void *context);      /* UTC, microseconds since 1970; may jump */
    int64_t (*monotonic_ns)(void *context); /* never goes back; stands while the machine is suspended */
    int64_t (*elapsed_ns)(void *context);   /* the same, and goes on then. NULL in a world that never sleeps */

    /* -- randomness: ledger ids and hash keys, never decisions -- */
    void (*random_bytes)(void *context, void *out_bytes, size_t n);

    /* -- memory: zeroed address space, committed when touched; NULL when it cannot be had -- */
    void *(*memory_reserve)(void *context, size_t bytes);
    /* Has the system hand over the pages of [address, address + bytes) now instead of at the first write; a wish. */
    void (*memory_warm)(void *context, uintptr_t address, size_t bytes);
    void (*memory_release)(void *context, void *memory, size_t bytes);
};

/* What the operating system said to the calling thread's last failed call, a constant or thread-local text. */
const char *env_last_error(void);

/* The real world. The table is constant; linux_env() may be called from any thread. */
const struct env *linux_env(void);

#endif
