#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "env_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/siphash.h"

#define PAGE_BYTES   4096
#define PAGE_SECTORS (PAGE_BYTES / SIM_SECTOR_BYTES)
#define NAME_BYTES   64
#define NAMES_MAX    512
#define CHANGES_MAX  64

/* Pointers are NULL for zeros; seen and kept are the same where they do not differ. */
struct page {
    uint8_t *seen, *kept;
    uint8_t dirty; /* a bit for each sector: a sync will keep it */
};

struct sim_file {
    struct page *pages;
    size_t page_count;
    uint64_t seen_bytes, kept_bytes;
};

struct entry {
    char name[NAME_BYTES];
    struct sim_file *file;
};

struct names {
    unsigned count;
    struct entry entries[NAMES_MAX];
};

struct change {
    enum { CHANGE_CREATE, CHANGE_RENAME, CHANGE_REMOVE } what;
    char from[NAME_BYTES], to[NAME_BYTES];
    struct sim_file *file;
};

struct sim_world {
    bool there;            /* the directory was created */
    unsigned exclusive, shared; /* locks */
    struct names seen, kept;
    unsigned change_count;
    struct change changes[CHANGES_MAX]; /* since the last sync, in order */
    unsigned file_count;
    struct sim_file *files[SIM_FILES_MAX];
    uint8_t *free_page; /* a list: the first bytes of each point to the next */
};

struct env_directory {
    bool exclusive;
};

struct env_file {
    struct sim_file *file;
    bool writes;
    bool flying, flying_fails;
    uint64_t offset;
    const uint8_t *bytes;
    size_t n;
    int64_t landed_ns;
};

uint64_t sim_marks[SIM_MARK_COUNT];
const char *const sim_mark_words[SIM_MARK_COUNT] = {
#define X(name, words) words,
    SIM_MARK_MAP(X)
#undef X
};

static const char *last_error = "no error";

const char *env_last_error(void)
{
    return last_error;
}

static enum status failed(enum status status, const char *words)
{
    last_error = words;
    return status;
}

static enum status dead(void)
{
    return failed(STATUS_IO, "the world has ended");
}

/* ---- chance ---- */

static bool strikes(struct sim *sim, uint32_t one_in)
{
    return one_in != 0 && prng_below(&sim->faulty, one_in) == 0;
}

static bool coin(struct sim *sim)
{
    return prng_below(&sim->disk, 2) == 0;
}

/* Counts a call on the disk. True when the world ends in it. */
static bool last_call(struct sim *sim)
{
    sim->calls++;
    if (sim->crash_in == 0 || --sim->crash_in != 0)
        return false;
    sim->dead = true;
    return true;
}

static void pass(struct sim *sim, uint64_t least_us, uint64_t most_us)
{
    sim->now_ns += (int64_t)(least_us * 1000 + prng_below(&sim->faulty, (most_us - least_us) * 1000 + 1));
}

static void flush_passes(struct sim *sim)
{
    int64_t before_ns = sim->now_ns;
    pass(sim, sim->flush_min_us, sim->flush_max_us);
    sim_marks[SIM_SLOW] += sim->now_ns - before_ns > 100000000;
}

/* ---- pages ---- */

static uint8_t *page_take(struct sim_world *world, const uint8_t *from)
{
    uint8_t *page = world->free_page;
    if (page != NULL)
        memcpy(&world->free_page, page, sizeof(page));
    else if ((page = malloc(PAGE_BYTES)) == NULL)
        exit(2);
    if (from == NULL)
        memset(page, 0, PAGE_BYTES);
    else
        memcpy(page, from, PAGE_BYTES);
    return page;
}

static void page_give(struct sim_world *world, uint8_t *page)
{
    if (page == NULL)
        return;
    memcpy(page, &world->free_page, sizeof(page));
    world->free_page = page;
}

static bool all_zero(const uint8_t *bytes, size_t n)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0;
}

static struct page *page_at(struct sim_file *file, uint64_t offset)
{
    size_t number = (size_t)(offset / PAGE_BYTES);
    if (number >= file->page_count) {
        size_t count = number + 64;
        file->pages = realloc(file->pages, count * sizeof(struct page));
        if (file->pages == NULL)
            exit(2);
        memset(file->pages + file->page_count, 0, (count - file->page_count) * sizeof(struct page));
        file->page_count = count;
    }
    return &file->pages[number];
}

/* A copy of its own for what is seen of a page. */
static uint8_t *page_seen(struct sim_world *world, struct page *page)
{
    if (page->seen == page->kept)
        page->seen = page_take(world, page->kept);
    return page->seen;
}

static bool sector_same(const struct page *page, unsigned sector)
{
    static const uint8_t zeros[SIM_SECTOR_BYTES];
    size_t at = (size_t)sector * SIM_SECTOR_BYTES;
    if (page->seen == page->kept)
        return true;
    return memcmp(page->seen == NULL ? zeros : page->seen + at, page->kept == NULL ? zeros : page->kept + at,
                  SIM_SECTOR_BYTES) == 0;
}

/* Keeps what is seen of the sectors (bits). */
static void page_keep(struct sim_world *world, struct page *page, uint8_t sectors)
{
    page->dirty &= (uint8_t)~sectors;
    if (page->seen == page->kept)
        return;
    bool all = true;
    for (unsigned s = 0; s < PAGE_SECTORS; s++)
        all = all && ((sectors >> s & 1) || sector_same(page, s));
    if (all) {
        page_give(world, page->kept);
        page->kept = page->seen;
        return;
    }
    uint8_t *kept = page->kept == NULL ? page_take(world, NULL) : page->kept;
    for (unsigned s = 0; s < PAGE_SECTORS; s++) {
        size_t at = (size_t)s * SIM_SECTOR_BYTES;
        if (sectors >> s & 1)
            memcpy(kept + at, page->seen + at, SIM_SECTOR_BYTES);
    }
    page->kept = kept;
}

/* Changes what is seen; the sectors are dirty. Within one page. */
static void page_write(struct sim_world *world, struct sim_file *file, uint64_t offset, const uint8_t *bytes, size_t n)
{
    struct page *page = page_at(file, offset);
    size_t at = (size_t)(offset % PAGE_BYTES);
    if (page->seen == NULL && page->kept == NULL && all_zero(bytes, n))
        return;
    memcpy(page_seen(world, page) + at, bytes, n);
    for (size_t s = at / SIM_SECTOR_BYTES; s <= (at + n - 1) / SIM_SECTOR_BYTES; s++)
        page->dirty |= (uint8_t)(1u << s);
}

static void file_put(struct sim_world *world, struct sim_file *file, uint64_t offset, const uint8_t *bytes, size_t n)
{
    while (n > 0) {
        size_t part = PAGE_BYTES - (size_t)(offset % PAGE_BYTES);
        part = part < n ? part : n;
        page_write(world, file, offset, bytes, part);
        offset += part;
        bytes += part;
        n -= part;
        file->seen_bytes = offset > file->seen_bytes ? offset : file->seen_bytes;
    }
}

static void file_get(const struct sim_file *file, uint64_t offset, uint8_t *bytes, size_t n, bool kept)
{
    while (n > 0) {
        size_t at = (size_t)(offset % PAGE_BYTES);
        size_t part = PAGE_BYTES - at;
        part = part < n ? part : n;
        size_t number = (size_t)(offset / PAGE_BYTES);
        const struct page *page = number < file->page_count ? &file->pages[number] : NULL;
        const uint8_t *from = page == NULL ? NULL : kept ? page->kept : page->seen;
        if (from == NULL)
            memset(bytes, 0, part);
        else
            memcpy(bytes, from + at, part);
        offset += part;
        bytes += part;
        n -= part;
    }
}

/* Keeps the sectors of a range, all of them or each by chance; of those not kept, what is seen is as before. */
static void file_put_kept(struct sim *sim, struct sim_file *file, uint64_t offset, const uint8_t *bytes, size_t n,
                          bool whole)
{
    bool some = false;
    bool others = false;
    for (size_t at = 0; at < n; at += SIM_SECTOR_BYTES) {
        size_t part = n - at < SIM_SECTOR_BYTES ? n - at : SIM_SECTOR_BYTES;
        bool keep = whole || coin(sim);
        some = some || keep;
        others = others || !keep;
        if (!keep && !sim->faults.buffered)
            continue;
        file_put(sim->world, file, offset + at, bytes + at, part);
        struct page *page = page_at(file, offset + at);
        uint8_t sector = (uint8_t)(1u << ((offset + at) % PAGE_BYTES / SIM_SECTOR_BYTES));
        if (keep)
            page_keep(sim->world, page, sector);
        else
            page->dirty &= (uint8_t)~sector; /* seen, clean and not kept */
    }
    if (file->kept_bytes < offset + n)
        file->kept_bytes = whole || some ? offset + n : file->kept_bytes;
    if (file->seen_bytes < file->kept_bytes)
        file->seen_bytes = file->kept_bytes;
    sim_marks[SIM_TORN] += some && others;
}

static void file_keep(struct sim *sim, struct sim_file *file, bool whole)
{
    for (size_t p = 0; p < file->page_count; p++) {
        struct page *page = &file->pages[p];
        if (page->dirty == 0)
            continue;
        uint8_t sectors = whole ? page->dirty : page->dirty & (uint8_t)prng_next(&sim->disk);
        page_keep(sim->world, page, sectors);
        page->dirty = 0;
    }
    file->kept_bytes = file->seen_bytes;
}

static void write_back(struct sim *sim, struct sim_file *file)
{
    for (size_t p = 0; p < file->page_count; p++) {
        struct page *page = &file->pages[p];
        uint8_t sectors = page->dirty & (uint8_t)prng_next(&sim->disk);
        if (sectors != 0) {
            page_keep(sim->world, page, sectors);
            sim_marks[SIM_WRITTEN_BACK]++;
        }
    }
}

/* ---- names ---- */

static struct entry *entry_find(struct names *names, const char *name)
{
    for (unsigned i = 0; i < names->count; i++)
        if (strcmp(names->entries[i].name, name) == 0)
            return &names->entries[i];
    return NULL;
}

static void entry_remove(struct names *names, const char *name)
{
    struct entry *entry = entry_find(names, name);
    if (entry != NULL)
        *entry = names->entries[--names->count];
}

static void entry_put(struct names *names, const char *name, struct sim_file *file)
{
    struct entry *entry = entry_find(names, name);
    if (entry == NULL) {
        if (names->count == NAMES_MAX)
            exit(2);
        entry = &names->entries[names->count++];
        (void)snprintf(entry->name, NAME_BYTES, "%s", name);
    }
    entry->file = file;
}

static void change_apply(struct names *names, const struct change *change)
{
    const struct entry *from = entry_find(names, change->from);
    switch (change->what) {
    case CHANGE_CREATE:
        entry_put(names, change->to, change->file);
        break;
    case CHANGE_RENAME:
        if (from != NULL && from->file == change->file)
            entry_remove(names, change->from);
        entry_put(names, change->to, change->file);
        break;
    case CHANGE_REMOVE:
        if (from != NULL && from->file == change->file)
            entry_remove(names, change->from);
        break;
    }
}

static void names_changed(struct sim *sim, const struct change *change)
{
    struct sim_world *world = sim->world;
    if (world->change_count == CHANGES_MAX) { /* so many that the oldest has been written by now */
        change_apply(&world->kept, &world->changes[0]);
        memmove(world->changes, world->changes + 1, (CHANGES_MAX - 1) * sizeof(struct change));
        world->change_count--;
    }
    world->changes[world->change_count++] = *change;
    change_apply(&world->seen, change);
}

/* After a power cut: a part of the changes, from the front or any. */
static void names_cut(struct sim *sim)
{
    struct sim_world *world = sim->world;
    uint64_t kept = prng_below(&sim->disk, world->change_count + 1);
    bool lost = false;
    for (unsigned i = 0; i < world->change_count; i++) {
        bool keep = sim->faults.names_in_any_order ? coin(sim) : i < kept;
        sim_marks[SIM_NAME_LOST] += !keep;
        sim_marks[SIM_NAME_REORDERED] += keep && lost;
        lost = lost || !keep;
        if (keep)
            change_apply(&world->kept, &world->changes[i]);
    }
    world->change_count = 0;
    world->seen = world->kept;
}

static bool is_aside(const struct sim *sim, const char *name)
{
    for (size_t i = 0; i < sizeof(sim->aside) / sizeof(sim->aside[0]) && name != NULL; i++)
        if (sim->aside[i] != NULL && strcmp(sim->aside[i], name) == 0)
            return true;
    return false;
}

static void note_failure(struct sim *sim, const struct sim_file *file)
{
    sim->failed = sim->failed || !is_aside(sim, sim_name_of(sim, file));
}

/* Of a sync of names: a file that took its name since the last one may lose it. */
static void note_names_failure(struct sim *sim)
{
    const struct sim_world *world = sim->world;
    for (unsigned i = 0; i < world->change_count; i++)
        if (world->changes[i].what == CHANGE_RENAME && !is_aside(sim, world->changes[i].from))
            sim->failed = true;
}

/* ---- directory ---- */

static enum status sim_directory_open(void *context, const char *path, bool create, bool exclusive,
                                      struct env_directory **out_directory)
{
    struct sim *sim = context;
    struct sim_world *world = sim->world;
    (void)path;
    if (sim->dead || last_call(sim))
        return dead();
    if (!world->there && !create)
        return failed(STATUS_NOT_FOUND, "no such directory");
    if (world->exclusive > 0 || (exclusive && world->shared > 0))
        return failed(STATUS_LOCKED, "locked");
    if (strikes(sim, sim->faults.open)) {
        sim_marks[SIM_OPEN_FAILED]++;
        return failed(STATUS_IO, "opening the directory failed");
    }
    struct env_directory *directory = calloc(1, sizeof(*directory));
    if (directory == NULL)
        exit(2);
    directory->exclusive = exclusive;
    *(exclusive ? &world->exclusive : &world->shared) += 1;
    world->there = true;
    *out_directory = directory;
    return STATUS_OK;
}

static void sim_directory_close(void *context, struct env_directory *directory)
{
    struct sim_world *world = ((struct sim *)context)->world;
    *(directory->exclusive ? &world->exclusive : &world->shared) -= 1;
    free(directory);
}

static enum status sim_directory_list(void *context, struct env_directory *directory,
                                      void (*each)(void *argument, const char *name), void *argument)
{
    struct sim *sim = context;
    (void)directory;
    if (sim->dead || last_call(sim))
        return dead();
    if (strikes(sim, sim->faults.read)) {
        sim_marks[SIM_READ_FAILED]++;
        return failed(STATUS_IO, "listing the directory failed");
    }
    unsigned count = sim->world->seen.count;
    uint64_t first = count == 0 ? 0 : prng_below(&sim->disk, count); /* in no order */
    for (unsigned i = 0; i < count; i++)
        each(argument, sim->world->seen.entries[(first + i) % count].name);
    return STATUS_OK;
}

static enum status sim_directory_sync(void *context, struct env_directory *directory)
{
    struct sim *sim = context;
    (void)directory;
    if (sim->dead)
        return dead();
    if (last_call(sim)) {
        sim_marks[SIM_CUT_IN_NAMES]++;
        return dead();
    }
    flush_passes(sim);
    if (strikes(sim, sim->faults.names)) {
        sim_marks[SIM_NAMES_FAILED]++;
        note_names_failure(sim);
        return failed(STATUS_IO, "the sync of the directory failed");
    }
    sim->world->change_count = 0;
    sim->world->kept = sim->world->seen;
    return STATUS_OK;
}

/* The change happens, does not, or the world ends before it or behind it. */
static enum status change_names(struct sim *sim, const struct change *change)
{
    bool last = last_call(sim);
    sim_marks[SIM_CUT_IN_NAMES] += last;
    if (last && coin(sim))
        return dead();
    if (!last && strikes(sim, sim->faults.names)) {
        sim_marks[SIM_NAMES_FAILED]++;
        return failed(STATUS_IO, "a change of names failed");
    }
    names_changed(sim, change);
    return last ? dead() : STATUS_OK;
}

static enum status sim_file_rename(void *context, struct env_directory *directory, const char *from, const char *to)
{
    struct sim *sim = context;
    (void)directory;
    if (sim->dead)
        return dead();
    const struct entry *entry = entry_find(&sim->world->seen, from);
    if (entry == NULL)
        return failed(STATUS_NOT_FOUND, "no such file");
    struct change change = {.what = CHANGE_RENAME, .file = entry->file};
    (void)snprintf(change.from, NAME_BYTES, "%s", from);
    (void)snprintf(change.to, NAME_BYTES, "%s", to);
    return change_names(sim, &change);
}

static enum status sim_file_remove(void *context, struct env_directory *directory, const char *name)
{
    struct sim *sim = context;
    (void)directory;
    if (sim->dead)
        return dead();
    const struct entry *entry = entry_find(&sim->world->seen, name);
    if (entry == NULL)
        return failed(STATUS_NOT_FOUND, "no such file");
    struct change change = {.what = CHANGE_REMOVE, .file = entry->file};
    (void)snprintf(change.from, NAME_BYTES, "%s", name);
    return change_names(sim, &change);
}

/* ---- file ---- */

static enum status sim_file_open(void *context, struct env_directory *directory, const char *name, enum env_open how,
                                 struct env_file **out_file)
{
    struct sim *sim = context;
    struct sim_world *world = sim->world;
    (void)directory;
    if (sim->dead)
        return dead();
    const struct entry *entry = entry_find(&world->seen, name);
    if (how == ENV_OPEN_CREATE ? entry != NULL : entry == NULL)
        return failed(how == ENV_OPEN_CREATE ? STATUS_EXISTS : STATUS_NOT_FOUND, "no such file, or one there");
    if (strikes(sim, sim->faults.open)) {
        sim_marks[SIM_OPEN_FAILED]++;
        return failed(STATUS_IO, "opening a file failed");
    }
    struct sim_file *of = entry == NULL ? NULL : entry->file;
    if (how == ENV_OPEN_CREATE) {
        of = calloc(1, sizeof(*of));
        if (of == NULL || world->file_count == SIM_FILES_MAX)
            exit(2);
        world->files[world->file_count++] = of;
        struct change change = {.what = CHANGE_CREATE, .file = of};
        (void)snprintf(change.to, NAME_BYTES, "%s", name);
        enum status status = change_names(sim, &change);
        if (status != STATUS_OK)
            return status;
    } else if (last_call(sim)) {
        return dead();
    }
    struct env_file *file = calloc(1, sizeof(*file));
    if (file == NULL)
        exit(2);
    file->file = of;
    file->writes = how != ENV_OPEN_READ;
    *out_file = file;
    return STATUS_OK;
}

static void flying_ends(struct sim *sim, struct env_file *file, bool whole)
{
    file->flying = false;
    file_put_kept(sim, file->file, file->offset, file->bytes, file->n, whole);
}

static void sim_file_close(void *context, struct env_file *file)
{
    struct sim *sim = context;
    if (file->flying) {
        sim_marks[SIM_CUT_IN_FLIGHT] += sim->dead;
        flying_ends(sim, file, false);
    }
    free(file);
}

static enum status sim_file_size(void *context, struct env_file *file, uint64_t *out_bytes)
{
    struct sim *sim = context;
    if (sim->dead || last_call(sim))
        return dead();
    *out_bytes = file->file->seen_bytes;
    return STATUS_OK;
}

static uint32_t sim_file_block_bytes(void *context, struct env_file *file)
{
    (void)file;
    return ((struct sim *)context)->block_bytes;
}

static enum status sim_file_read(void *context, struct env_file *file, uint64_t offset, void *bytes, size_t n,
                                 size_t *out_bytes)
{
    struct sim *sim = context;
    if (sim->dead)
        return dead();
    if (last_call(sim)) {
        sim_marks[SIM_CUT_IN_READ]++;
        return dead();
    }
    pass(sim, 5, 100);
    if (strikes(sim, sim->faults.read)) {
        sim_marks[SIM_READ_FAILED]++;
        return failed(STATUS_IO, "a read failed");
    }
    uint64_t left = offset < file->file->seen_bytes ? file->file->seen_bytes - offset : 0;
    *out_bytes = left < n ? (size_t)left : n;
    file_get(file->file, offset, bytes, *out_bytes, false);
    return STATUS_OK;
}

/* How much of a write fits the disk. */
static size_t fitting(const struct sim *sim, const struct sim_file *file, uint64_t offset, size_t n)
{
    if (sim->faults.capacity_bytes == 0 || offset + n <= file->seen_bytes)
        return n;
    uint64_t grows = offset + n - file->seen_bytes;
    uint64_t used = sim_used(sim);
    uint64_t left = used < sim->faults.capacity_bytes ? sim->faults.capacity_bytes - used : 0;
    if (grows <= left)
        return n;
    return grows - left < n ? n - (size_t)(grows - left) : 0;
}

static enum status sim_file_write(void *context, struct env_file *file, uint64_t offset, const void *bytes, size_t n)
{
    struct sim *sim = context;
    CHECK(file->writes);
    if (sim->dead)
        return dead();
    bool last = last_call(sim);
    pass(sim, 1, 20);
    size_t fits = fitting(sim, file->file, offset, n);
    enum status status = last ? dead() : STATUS_OK;
    if (last || (fits == n && strikes(sim, sim->faults.write))) {
        fits = coin(sim) ? 0 : (size_t)prng_below(&sim->disk, n + 1); /* some from the front */
        if (!last) {
            status = failed(STATUS_IO, "a write failed");
            sim_marks[fits > 0 ? SIM_WRITE_SHORT : SIM_WRITE_FAILED]++;
            note_failure(sim, file->file);
        }
    } else if (fits < n) {
        status = failed(STATUS_NO_SPACE, "the disk is full");
        sim_marks[SIM_NO_SPACE]++;
    }
    file_put(sim->world, file->file, offset, bytes, fits);
    if (strikes(sim, sim->faults.write_back))
        write_back(sim, file->file);
    return status;
}

static enum status sim_file_sync(void *context, struct env_file *file)
{
    struct sim *sim = context;
    if (sim->dead)
        return dead();
    if (last_call(sim)) {
        sim_marks[SIM_CUT_IN_SYNC]++;
        write_back(sim, file->file);
        return dead();
    }
    flush_passes(sim);
    if (strikes(sim, sim->faults.sync)) {
        sim_marks[SIM_SYNC_FAILED]++;
        note_failure(sim, file->file);
        file_keep(sim, file->file, false);
        return failed(STATUS_IO, "a flush failed");
    }
    file_keep(sim, file->file, true);
    return STATUS_OK;
}

/* Somewhere else in a file: at a place of blocks, not overlapping the right one. False when there is none. */
static bool go_astray(struct sim *sim, struct sim_file *file, uint64_t offset, const uint8_t *bytes, size_t n)
{
    struct sim_world *world = sim->world;
    if (sim->stray_count == SIM_STRAYS_MAX)
        return false;
    struct sim_file *wrong = file;
    if (coin(sim))
        wrong = world->seen.entries[prng_below(&sim->disk, world->seen.count)].file;
    uint64_t most = wrong->seen_bytes < offset + 16 * n || coin(sim) ? wrong->seen_bytes : offset + 16 * n;
    if (most < n + sim->block_bytes)
        return false;
    uint64_t at = prng_below(&sim->disk, (most - n) / sim->block_bytes + 1) * sim->block_bytes;
    if (wrong == file && at < offset + n && offset < at + n)
        return false;
    struct sim_stray *stray = &sim->strays[sim->stray_count++];
    *stray = (struct sim_stray){file, wrong, offset, at, n, malloc(n), malloc(n)};
    if (stray->bytes == NULL || stray->before == NULL)
        exit(2);
    memcpy(stray->bytes, bytes, n);
    file_get(wrong, at, stray->before, n, false);
    file_put_kept(sim, wrong, at, bytes, n, true);
    sim_marks[SIM_MISDIRECTED]++;
    return true;
}

/* Of a durable write that fails: all of it, or some. */
static enum status durable_fails(struct sim *sim, struct sim_file *file, uint64_t offset, const uint8_t *bytes, size_t n)
{
    bool whole = prng_below(&sim->disk, 4) == 0;
    file_put_kept(sim, file, offset, bytes, n, whole);
    sim_marks[whole ? SIM_DURABLE_FAILED_WHOLE : SIM_DURABLE_FAILED]++;
    note_failure(sim, file);
    return failed(STATUS_IO, "a durable write failed");
}

static void check_blocks(const struct sim *sim, uint64_t offset, size_t n)
{
    CHECK(offset % sim->block_bytes == 0 && n % sim->block_bytes == 0 && n > 0);
}

static enum status sim_write_durable(void *context, struct env_file *file, uint64_t offset, const void *bytes, size_t n)
{
    struct sim *sim = context;
    check_blocks(sim, offset, n);
    CHECK(file->writes && !file->flying);
    if (sim->dead)
        return dead();
    if (last_call(sim)) {
        sim_marks[SIM_CUT_IN_WRITE]++;
        file_put_kept(sim, file->file, offset, bytes, n, prng_below(&sim->disk, 4) == 0);
        return dead();
    }
    flush_passes(sim);
    if (fitting(sim, file->file, offset, n) < n) {
        sim_marks[SIM_NO_SPACE]++;
        return failed(STATUS_NO_SPACE, "the disk is full");
    }
    if (strikes(sim, sim->faults.durable))
        return durable_fails(sim, file->file, offset, bytes, n);
    if (strikes(sim, sim->faults.misdirect) && go_astray(sim, file->file, offset, bytes, n))
        return STATUS_OK;
    file_put_kept(sim, file->file, offset, bytes, n, true);
    return STATUS_OK;
}

static enum status sim_write_start(void *context, struct env_file *file, uint64_t offset, const void *bytes, size_t n)
{
    struct sim *sim = context;
    check_blocks(sim, offset, n);
    CHECK(file->writes && !file->flying);
    if (sim->dead)
        return dead();
    int64_t now_ns = sim->now_ns;
    file->flying = true;
    file->offset = offset;
    file->bytes = bytes;
    file->n = n;
    flush_passes(sim);
    file->landed_ns = sim->now_ns;
    sim->now_ns = now_ns;
    if (last_call(sim)) {
        sim_marks[SIM_CUT_IN_FLIGHT]++;
        flying_ends(sim, file, false);
        return dead();
    }
    sim_marks[SIM_STARTED]++;
    file->flying_fails = strikes(sim, (sim->faults.durable + 15) / 16); /* there are few */
    return STATUS_OK;
}

static enum status sim_write_wait(void *context, struct env_file *file)
{
    struct sim *sim = context;
    CHECK(file->flying);
    if (sim->dead || last_call(sim)) {
        sim_marks[SIM_CUT_IN_FLIGHT]++;
        flying_ends(sim, file, false);
        return dead();
    }
    if (sim->now_ns < file->landed_ns)
        sim->now_ns = file->landed_ns;
    if (file->flying_fails) {
        file->flying = false;
        sim_marks[SIM_START_FAILED]++;
        return durable_fails(sim, file->file, file->offset, file->bytes, file->n);
    }
    if (strikes(sim, sim->faults.misdirect) && go_astray(sim, file->file, file->offset, file->bytes, file->n)) {
        file->flying = false;
        return STATUS_OK;
    }
    flying_ends(sim, file, true);
    return STATUS_OK;
}

static bool sim_write_done(void *context, struct env_file *file)
{
    const struct sim *sim = context;
    return sim->dead || !file->flying || sim->now_ns >= file->landed_ns;
}

static enum status sim_zone_read(void *context, const char *name, void *bytes, size_t capacity, size_t *out_bytes)
{
    (void)context;
    (void)name;
    (void)bytes;
    (void)capacity;
    *out_bytes = 0;
    return failed(STATUS_NOT_FOUND, "there are no zones here");
}

/* ---- clock, randomness, memory ---- */

static int64_t sim_wall_us(void *context)
{
    const struct sim *sim = context;
    return sim->now_ns / 1000 + sim->wall_offset_us;
}

static int64_t sim_monotonic_ns(void *context)
{
    return ((const struct sim *)context)->now_ns;
}

static void sim_random_bytes(void *context, void *out_bytes, size_t n)
{
    struct sim *sim = context;
    uint8_t *bytes = out_bytes;
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)prng_next(&sim->disk);
}

static void *sim_memory_reserve(void *context, size_t bytes)
{
    struct sim *sim = context;
    if (!sim->dead && strikes(sim, sim->faults.memory)) {
        sim_marks[SIM_NO_MEMORY]++;
        last_error = "no memory";
        return NULL;
    }
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        exit(2);
    sim->memory_held++;
    return memory;
}

static void sim_memory_warm(void *context, uintptr_t address, size_t bytes)
{
    (void)context;
    (void)address;
    (void)bytes;
}

static void sim_memory_release(void *context, void *memory, size_t bytes)
{
    struct sim *sim = context;
    if (memory == NULL)
        return;
    CHECK(munmap(memory, bytes) == 0 && sim->memory_held > 0);
    sim->memory_held--;
}

/* ---- worlds ---- */

static void strays_forget(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->stray_count; i++) {
        free(sim->strays[i].bytes);
        free(sim->strays[i].before);
    }
    sim->stray_count = 0;
}

static void files_free(struct sim_world *world)
{
    for (unsigned i = 0; i < world->file_count; i++) {
        struct sim_file *file = world->files[i];
        for (size_t p = 0; p < file->page_count; p++) {
            if (file->pages[p].seen != file->pages[p].kept)
                page_give(world, file->pages[p].seen);
            page_give(world, file->pages[p].kept);
        }
        free(file->pages);
        free(file);
    }
    world->file_count = 0;
}

void sim_begin(struct sim *sim, uint64_t seed)
{
    struct sim_world *world = sim->world;
    if (world == NULL && (world = calloc(1, sizeof(*world))) == NULL)
        exit(2);
    strays_forget(sim);
    files_free(world);
    uint8_t *free_page = world->free_page;
    memset(world, 0, sizeof(*world));
    world->free_page = free_page;
    *sim = (struct sim){
        .env = {.context = sim,
                .directory_open = sim_directory_open, .directory_close = sim_directory_close,
                .directory_list = sim_directory_list, .directory_sync = sim_directory_sync,
                .file_rename = sim_file_rename, .file_remove = sim_file_remove, .file_open = sim_file_open,
                .file_close = sim_file_close, .file_size = sim_file_size, .file_block_bytes = sim_file_block_bytes,
                .file_read = sim_file_read, .file_write = sim_file_write, .file_sync = sim_file_sync,
                .write_durable = sim_write_durable, .write_start = sim_write_start, .write_wait = sim_write_wait,
                .write_done = sim_write_done, .zone_read = sim_zone_read, .wall_us = sim_wall_us,
                .monotonic_ns = sim_monotonic_ns, .random_bytes = sim_random_bytes,
                .memory_reserve = sim_memory_reserve, .memory_warm = sim_memory_warm,
                .memory_release = sim_memory_release},
        .disk = prng_of(seed ^ UINT64_C(0x6469736b)),
        .faulty = prng_of(seed ^ UINT64_C(0x6661756c7479)),
        .block_bytes = SIM_SECTOR_BYTES,
        .flush_min_us = 50,
        .flush_max_us = 200,
        .now_ns = INT64_C(1000000000),
        .wall_offset_us = INT64_C(1700000000) * 1000000,
        .world = world,
    };
}

void sim_end(struct sim *sim)
{
    strays_forget(sim);
    files_free(sim->world);
    for (uint8_t *page = sim->world->free_page; page != NULL;) {
        uint8_t *next;
        memcpy(&next, page, sizeof(next));
        free(page);
        page = next;
    }
    free(sim->world);
    sim->world = NULL;
}

static void begin_anew(struct sim *sim)
{
    CHECK(sim->world->exclusive == 0 && sim->world->shared == 0);
    sim->dead = false;
    sim->failed = false;
    sim->crash_in = 0;
}

void sim_power_cut(struct sim *sim)
{
    struct sim_world *world = sim->world;
    sim_marks[SIM_POWER_CUT]++;
    uint64_t way = prng_below(&sim->disk, 4); /* nothing survives, all does, each by chance */
    for (unsigned i = 0; i < world->file_count; i++) {
        struct sim_file *file = world->files[i];
        bool lost = false;
        for (size_t p = 0; p < file->page_count; p++) {
            struct page *page = &file->pages[p];
            if (page->seen == page->kept && page->dirty == 0)
                continue;
            uint8_t kept = page->dirty;
            if (way == 0)
                kept = 0;
            else if (way != 1)
                kept &= (uint8_t)prng_next(&sim->disk);
            sim_marks[SIM_LOST] += kept != page->dirty;
            sim_marks[SIM_REORDERED] += lost && kept != 0;
            lost = lost || kept != page->dirty;
            page_keep(world, page, kept);
            if (page->seen != page->kept)
                page_give(world, page->seen);
            page->seen = page->kept;
            page->dirty = 0;
        }
        if (file->seen_bytes != file->kept_bytes && way != 0 && (way == 1 || coin(sim)))
            file->kept_bytes = file->seen_bytes;
        sim_marks[SIM_SIZE_LOST] += file->seen_bytes != file->kept_bytes;
        file->seen_bytes = file->kept_bytes;
    }
    names_cut(sim);
    begin_anew(sim);
}

void sim_kill(struct sim *sim)
{
    sim_marks[SIM_KILL]++;
    begin_anew(sim);
}

/* ---- looking at it, and doing it harm ---- */

const char *sim_file_next(const struct sim *sim, const char *name)
{
    const struct names *names = &sim->world->seen;
    const char *next = NULL;
    for (unsigned i = 0; i < names->count; i++) {
        const char *other = names->entries[i].name;
        if ((name == NULL || strcmp(other, name) > 0) && (next == NULL || strcmp(other, next) < 0))
            next = other;
    }
    return next;
}

uint64_t sim_file_bytes(const struct sim *sim, const char *name)
{
    const struct entry *entry = entry_find(&sim->world->seen, name);
    return entry == NULL ? 0 : entry->file->seen_bytes;
}

bool sim_has(const struct sim *sim, const char *name)
{
    return entry_find(&sim->world->seen, name) != NULL;
}

void sim_peek(const struct sim *sim, const char *name, uint64_t offset, void *bytes, size_t n)
{
    file_get(entry_find(&sim->world->seen, name)->file, offset, bytes, n, false);
}

void sim_poke(struct sim *sim, const char *name, uint64_t offset, const void *bytes, size_t n)
{
    struct sim_file *file = entry_find(&sim->world->seen, name)->file;
    for (size_t at = 0; at < n;) {
        size_t part = SIM_SECTOR_BYTES - (size_t)((offset + at) % SIM_SECTOR_BYTES);
        part = part < n - at ? part : n - at;
        file_put(sim->world, file, offset + at, (const uint8_t *)bytes + at, part);
        struct page *page = page_at(file, offset + at);
        page_keep(sim->world, page, (uint8_t)(1u << ((offset + at) % PAGE_BYTES / SIM_SECTOR_BYTES)));
        at += part;
    }
}

uint64_t sim_hash(const struct sim *sim)
{
    static const struct siphash_key key = {1, 2};
    uint64_t sum = 0;
    for (const char *name = NULL; (name = sim_file_next(sim, name)) != NULL;) {
        const struct sim_file *file = entry_find(&sim->world->seen, name)->file;
        uint64_t of = siphash64(&key, name, strlen(name)) + file->seen_bytes;
        for (size_t p = 0; p < file->page_count; p++)
            if (file->pages[p].seen != NULL && !all_zero(file->pages[p].seen, PAGE_BYTES))
                of += siphash64(&key, file->pages[p].seen, PAGE_BYTES) * (2 * p + 1);
        sum = sum * 31 + of;
    }
    return sum;
}

uint64_t sim_used(const struct sim *sim)
{
    uint64_t used = 0;
    for (unsigned i = 0; i < sim->world->seen.count; i++)
        used += sim->world->seen.entries[i].file->seen_bytes;
    return used;
}

const char *sim_name_of(const struct sim *sim, const struct sim_file *file)
{
    for (unsigned i = 0; i < sim->world->seen.count; i++)
        if (sim->world->seen.entries[i].file == file)
            return sim->world->seen.entries[i].name;
    return NULL;
}

void sim_heal(struct sim *sim)
{
    for (uint32_t i = sim->stray_count; i > 0; i--) {
        const struct sim_stray *stray = &sim->strays[i - 1];
        uint8_t now[SIM_SECTOR_BYTES];
        for (size_t at = 0; at < stray->n; at += SIM_SECTOR_BYTES) {
            file_get(stray->wrong, stray->wrong_offset + at, now, SIM_SECTOR_BYTES, false);
            if (memcmp(now, stray->bytes + at, SIM_SECTOR_BYTES) == 0)
                file_put_kept(sim, stray->wrong, stray->wrong_offset + at, stray->before + at, SIM_SECTOR_BYTES, true);
        }
    }
    for (uint32_t i = 0; i < sim->stray_count; i++) {
        const struct sim_stray *stray = &sim->strays[i];
        file_put_kept(sim, stray->right, stray->right_offset, stray->bytes, stray->n, true);
    }
    strays_forget(sim);
}
