/*
 * The simulated world: a disk, a clock, randomness and memory behind env.h, on one thread, out of one seed.
 *
 * A file is two images: what is seen (page cache and disk together, what a read gives) and what is kept (the disk alone,
 * what is there after a power cut). They differ by 512-byte sectors:
 *
 *     file_write      changes what is seen; the sector is dirty. Now and then the system writes some back by itself
 *     file_sync       keeps all dirty sectors. When it fails it keeps some of them, and the others are clean, too:
 *                     seen and not kept, and no later sync of what is not written again will keep them
 *     write_durable   keeps its sectors, when it succeeds; when it fails, or the world ends in it, some of them
 *     power cut       of each dirty sector it is open whether it was kept; then what is kept is what is seen
 *
 * Names are the same: what was created, renamed and removed since the last directory_sync is there after a power cut, or a
 * part of it, from the front or in any order.
 *
 * The world can end at any call (crash_in): from then on nothing changes any more and every call fails, until sim_power_cut or
 * sim_kill begin anew. So a program comes to its end by its ordinary ways, and gives back what it holds.
 *
 * Time passes by what is done: a flush takes from flush_min_us to flush_max_us. Nothing waits.
 */
#ifndef ONHAND_TEST_ENV_SIM_H
#define ONHAND_TEST_ENV_SIM_H

#include "base/prng.h"
#include "env/env.h"

#define SIM_SECTOR_BYTES 512
#define SIM_FILES_MAX    4096
#define SIM_STRAYS_MAX   16

/* What was met, over all runs of the process. X(name, words) */
#define SIM_MARK_MAP(X)                                                                                                \
    X(POWER_CUT, "power cut")                                                                                          \
    X(KILL, "process killed, page cache kept")                                                                         \
    X(CUT_IN_WRITE, "power cut in a durable write")                                                                    \
    X(CUT_IN_FLIGHT, "power cut with a write in flight")                                                               \
    X(CUT_IN_SYNC, "power cut in a flush")                                                                             \
    X(CUT_IN_NAMES, "power cut in a change of names")                                                                  \
    X(CUT_IN_READ, "power cut in a read")                                                                              \
    X(TORN, "write torn between sectors")                                                                              \
    X(LOST, "unflushed sector lost")                                                                                   \
    X(REORDERED, "later write kept, earlier lost")                                                                     \
    X(WRITTEN_BACK, "sector written back unasked")                                                                     \
    X(NAME_LOST, "name lost that was not synced")                                                                      \
    X(NAME_REORDERED, "later name kept, earlier lost")                                                                 \
    X(SIZE_LOST, "size lost that was not synced")                                                                      \
    X(READ_FAILED, "read failed")                                                                                      \
    X(WRITE_FAILED, "write failed")                                                                                    \
    X(WRITE_SHORT, "write failed in its middle")                                                                       \
    X(SYNC_FAILED, "flush failed, pages clean")                                                                        \
    X(DURABLE_FAILED, "durable write failed")                                                                          \
    X(DURABLE_FAILED_WHOLE, "durable write failed, all of it kept")                                                    \
    X(START_FAILED, "write in flight failed")                                                                          \
    X(NAMES_FAILED, "change or sync of names failed")                                                                  \
    X(OPEN_FAILED, "open failed")                                                                                      \
    X(NO_SPACE, "no space")                                                                                            \
    X(NO_MEMORY, "no memory")                                                                                          \
    X(MISDIRECTED, "write misdirected")                                                                                \
    X(STARTED, "write begun beside the next group")                                                                    \
    X(SLOW, "flush above 100 ms")

enum sim_mark {
#define X(name, words) SIM_##name,
    SIM_MARK_MAP(X)
#undef X
        SIM_MARK_COUNT
};
extern uint64_t sim_marks[SIM_MARK_COUNT];
extern const char *const sim_mark_words[SIM_MARK_COUNT];

/* How often what fails: one call in so many, 0 never. */
struct sim_faults {
    uint32_t read, write, sync, durable, names, open, memory, misdirect;
    uint32_t write_back;       /* one write in so many has the system write back some sectors */
    uint64_t capacity_bytes;   /* of all files, 0 for no end */
    bool buffered;             /* durable writes go through the page cache: what fails is seen */
    bool names_in_any_order;   /* of those that survive a power cut */
};

struct sim_file;
struct sim_stray { /* a durable write that went elsewhere */
    struct sim_file *right, *wrong;
    uint64_t right_offset, wrong_offset;
    size_t n;
    uint8_t *bytes, *before; /* what it wrote, and what was there where it went */
};

struct sim {
    struct env env;
    struct sim_faults faults;
    struct prng disk, faulty; /* what survives; what fails */
    uint32_t block_bytes, flush_min_us, flush_max_us;
    int64_t now_ns;           /* monotonic */
    int64_t wall_offset_us;   /* of the wall clock */
    uint64_t crash_in;        /* the so-manyth call on the disk from here is the last; 0 for none */
    bool dead;                /* it was */
    bool failed;              /* a durable write, a flush or a sync of names failed since the last start, of no file aside */
    const char *aside[4];     /* files with these names can fail without harm, and so can a sync of no other new names */
    uint64_t calls;           /* on the disk, since the beginning */
    uint32_t memory_held;     /* reservations not given back */
    uint32_t stray_count;
    struct sim_stray strays[SIM_STRAYS_MAX];
    struct sim_world *world;
};

/* An empty world of this seed, without faults; what an earlier one had is freed. sim: zeroed before the first. */
void sim_begin(struct sim *sim, uint64_t seed);
void sim_end(struct sim *sim);

/* The power goes, all handles are given back: what is kept is what is there. */
void sim_power_cut(struct sim *sim);
/* The process ends, the system does not: what is seen stays. */
void sim_kill(struct sim *sim);

/* ---- looking at it, and doing it harm ---- */

/* The file that comes next, by name; behind NULL the first, behind the last NULL. */
const char *sim_file_next(const struct sim *sim, const char *name);
/* The size that is seen. 0 for no such file. */
uint64_t sim_file_bytes(const struct sim *sim, const char *name);
bool sim_has(const struct sim *sim, const char *name);
/* Reads what is seen, zeros behind the end. */
void sim_peek(const struct sim *sim, const char *name, uint64_t offset, void *bytes, size_t n);
/* Changes what is seen and kept. */
void sim_poke(struct sim *sim, const char *name, uint64_t offset, const void *bytes, size_t n);
/* A hash over all names and what is seen of the files. */
uint64_t sim_hash(const struct sim *sim);
/* Bytes of all files. */
uint64_t sim_used(const struct sim *sim);
/* Puts right what misdirected writes did, where nothing else was written since, and forgets them. */
void sim_heal(struct sim *sim);
/* The name of a file now; NULL when it has none. */
const char *sim_name_of(const struct sim *sim, const struct sim_file *file);

#endif
