/*
 * Goal: the simulated world fails as it says (test/sim/env_sim.h): what the simulation finds depends on it. Method: files of a
 * few sectors, one call that fails or is the last, and what is there afterwards, for many seeds: what must be is there for
 * each, what may happen for some of them.
 */
#include "unit.h"

#include "../sim/env_sim.h"

#define SEEDS   64
#define SECTORS 8
#define BYTES   ((size_t)SECTORS * SIM_SECTOR_BYTES)

static struct sim sim;
static struct env_directory *directory;

static const struct env *begin(uint64_t seed)
{
    sim_begin(&sim, seed);
    assert_int_equal(sim.env.directory_open(&sim, "data", true, true, &directory), STATUS_OK);
    return &sim.env;
}

static void end(void)
{
    sim.env.directory_close(&sim, directory);
}

/* The power goes, with all that is open. */
static void cut(void)
{
    end();
    sim_power_cut(&sim);
    assert_int_equal(sim.env.directory_open(&sim, "data", true, true, &directory), STATUS_OK);
}

/* A file of these letters, whose name and content are durable. */
static struct env_file *file_of(const char *name, char letter)
{
    uint8_t bytes[BYTES];
    struct env_file *file = NULL;
    memset(bytes, letter, sizeof(bytes));
    assert_int_equal(sim.env.file_open(&sim, directory, name, ENV_OPEN_CREATE, &file), STATUS_OK);
    assert_int_equal(sim.env.file_write(&sim, file, 0, bytes, sizeof(bytes)), STATUS_OK);
    assert_int_equal(sim.env.file_sync(&sim, file), STATUS_OK);
    assert_int_equal(sim.env.directory_sync(&sim, directory), STATUS_OK);
    return file;
}

static enum status write_letter(struct env_file *file, char letter, bool durable)
{
    static uint8_t bytes[BYTES];
    memset(bytes, letter, sizeof(bytes));
    return durable ? sim.env.write_durable(&sim, file, 0, bytes, sizeof(bytes))
                   : sim.env.file_write(&sim, file, 0, bytes, sizeof(bytes));
}

/* How many sectors are all of this letter; each is of one of the two. */
static unsigned sectors_of(const char *name, char letter, char other)
{
    uint8_t bytes[BYTES], whole[SIM_SECTOR_BYTES], whole_other[SIM_SECTOR_BYTES];
    unsigned count = 0;
    memset(whole, letter, sizeof(whole));
    memset(whole_other, other, sizeof(whole_other));
    sim_peek(&sim, name, 0, bytes, sizeof(bytes));
    for (size_t at = 0; at < BYTES; at += SIM_SECTOR_BYTES) {
        bool is = memcmp(bytes + at, whole, sizeof(whole)) == 0;
        assert_true(is || memcmp(bytes + at, whole_other, sizeof(whole)) == 0);
        count += is;
    }
    return count;
}

/* ---- data ---- */

static void what_is_not_synced_may_be_lost_sector_by_sector(void **state)
{
    (void)state;
    unsigned none = 0, all = 0, some = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        begin(seed);
        struct env_file *file = file_of("a", 'a');
        assert_int_equal(write_letter(file, 'b', false), STATUS_OK);
        assert_int_equal(sectors_of("a", 'b', 'a'), SECTORS); /* it is seen */
        sim.env.file_close(&sim, file);
        cut();
        unsigned kept = sectors_of("a", 'b', 'a');
        none += kept == 0;
        all += kept == SECTORS;
        some += kept != 0 && kept != SECTORS;
        end();
    }
    assert_true(none > 0 && all > 0 && some > 0);
}

static void what_is_synced_or_written_durably_stays(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        begin(seed);
        struct env_file *file = file_of("a", 'a');
        assert_int_equal(write_letter(file, 'b', true), STATUS_OK);
        struct env_file *other = file_of("c", 'c');
        assert_int_equal(write_letter(other, 'd', false), STATUS_OK);
        assert_int_equal(sim.env.file_sync(&sim, other), STATUS_OK);
        sim.env.file_close(&sim, file);
        sim.env.file_close(&sim, other);
        cut();
        assert_int_equal(sectors_of("a", 'b', 'a'), SECTORS);
        assert_int_equal(sectors_of("c", 'd', 'c'), SECTORS);
        end();
    }
}

static void a_durable_write_in_which_the_power_goes_is_torn_between_sectors(void **state)
{
    (void)state;
    unsigned torn = 0, whole = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        begin(seed);
        struct env_file *file = file_of("a", 'a');
        sim.crash_in = 1;
        assert_int_equal(write_letter(file, 'b', true), STATUS_IO);
        assert_true(sim.dead);
        assert_int_equal(write_letter(file, 'c', true), STATUS_IO); /* nothing changes any more */
        sim.env.file_close(&sim, file);
        cut();
        assert_false(sim.dead);
        unsigned kept = sectors_of("a", 'b', 'a');
        whole += kept == SECTORS;
        torn += kept != 0 && kept != SECTORS;
        end();
    }
    assert_true(torn > 0 && whole > 0);
}

static void a_flush_that_fails_leaves_pages_clean(void **state)
{
    (void)state;
    unsigned lost = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        begin(seed);
        struct env_file *file = file_of("a", 'a');
        assert_int_equal(write_letter(file, 'b', false), STATUS_OK);
        sim.faults.sync = 1;
        assert_int_equal(sim.env.file_sync(&sim, file), STATUS_IO);
        assert_true(sim.failed);
        sim.faults.sync = 0;
        assert_int_equal(sim.env.file_sync(&sim, file), STATUS_OK); /* of nothing: no page is dirty */
        assert_int_equal(sectors_of("a", 'b', 'a'), SECTORS);
        sim.env.file_close(&sim, file);
        cut();
        lost += sectors_of("a", 'b', 'a') != SECTORS;
        end();
    }
    assert_true(lost > SEEDS / 2);
}

static void a_durable_write_that_fails_is_there_in_parts(void **state)
{
    (void)state;
    unsigned whole = 0, seen = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        begin(seed);
        struct env_file *file = file_of("a", 'a');
        sim.faults.durable = 1;
        sim.faults.buffered = seed % 2 == 0;
        assert_int_equal(write_letter(file, 'b', true), STATUS_IO);
        assert_true(sim.failed);
        unsigned before = sectors_of("a", 'b', 'a');
        assert_true(!sim.faults.buffered || before == SECTORS); /* read from the cache, whatever the disk has */
        sim.env.file_close(&sim, file);
        cut();
        unsigned kept = sectors_of("a", 'b', 'a');
        assert_true(kept <= before && (sim.faults.buffered || kept == before));
        seen += kept < before;
        whole += kept == SECTORS;
        end();
    }
    assert_true(whole > 0 && seen > 0);
}

/* ---- names ---- */

static void names_that_are_not_synced_are_lost_from_the_end(void **state)
{
    (void)state;
    unsigned old = 0, renamed = 0, removed = 0, out_of_order = 0;
    for (uint64_t seed = 1; seed <= 2 * SEEDS; seed++) {
        begin(seed);
        sim.faults.names_in_any_order = seed > SEEDS;
        sim.env.file_close(&sim, file_of("a", 'a'));
        sim.env.file_close(&sim, file_of("z", 'z'));
        assert_int_equal(sim.env.file_rename(&sim, directory, "a", "b"), STATUS_OK);
        assert_int_equal(sim.env.file_remove(&sim, directory, "z"), STATUS_OK);
        assert_true(sim_has(&sim, "b") && !sim_has(&sim, "a") && !sim_has(&sim, "z"));
        cut();
        assert_true(sim_has(&sim, "a") != sim_has(&sim, "b"));
        if (seed <= SEEDS) {
            assert_true(sim_has(&sim, "z") || sim_has(&sim, "b"));
            old += sim_has(&sim, "a");
            renamed += sim_has(&sim, "b");
            removed += !sim_has(&sim, "z");
        }
        out_of_order += sim_has(&sim, "a") && !sim_has(&sim, "z");
        end();
    }
    assert_true(old > 0 && renamed > 0 && removed > 0 && out_of_order > 0);
}

static void names_that_are_synced_stay(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        begin(seed);
        sim.env.file_close(&sim, file_of("a", 'a'));
        assert_int_equal(sim.env.file_rename(&sim, directory, "a", "b"), STATUS_OK);
        assert_int_equal(sim.env.directory_sync(&sim, directory), STATUS_OK);
        cut();
        assert_true(sim_has(&sim, "b") && !sim_has(&sim, "a"));
        assert_int_equal(sectors_of("b", 'a', 'b'), SECTORS);
        end();
    }
}

static void a_file_whose_content_was_not_synced_is_there_by_name(void **state)
{
    (void)state;
    unsigned empty = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct env_file *file = NULL;
        begin(seed);
        assert_int_equal(sim.env.file_open(&sim, directory, "a", ENV_OPEN_CREATE, &file), STATUS_OK);
        assert_int_equal(write_letter(file, 'b', false), STATUS_OK);
        assert_int_equal(sim.env.directory_sync(&sim, directory), STATUS_OK);
        sim.env.file_close(&sim, file);
        cut();
        assert_true(sim_has(&sim, "a"));
        empty += sim_file_bytes(&sim, "a") == 0;
        end();
    }
    assert_true(empty > 0);
}

/* ---- the end of the process alone ---- */

static void a_kill_loses_nothing_that_was_seen(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        begin(seed);
        struct env_file *file = file_of("a", 'a');
        assert_int_equal(write_letter(file, 'b', false), STATUS_OK);
        assert_int_equal(sim.env.file_rename(&sim, directory, "a", "b"), STATUS_OK);
        sim.env.file_close(&sim, file);
        end();
        sim_kill(&sim);
        assert_int_equal(sectors_of("b", 'b', 'a'), SECTORS);
    }
}

/* ---- space ---- */

static void a_full_disk_takes_what_fits(void **state)
{
    (void)state;
    begin(1);
    struct env_file *file = file_of("a", 'a');
    uint8_t bytes[BYTES];
    memset(bytes, 'b', sizeof(bytes));
    sim.faults.capacity_bytes = sim_used(&sim) + 1000;
    assert_int_equal(write_letter(file, 'b', true), STATUS_OK); /* in its place */
    assert_int_equal(sim.env.write_durable(&sim, file, BYTES, bytes, BYTES), STATUS_NO_SPACE);
    assert_int_equal(sim_file_bytes(&sim, "a"), BYTES); /* nothing of it */
    assert_int_equal(sim.env.file_write(&sim, file, BYTES, bytes, BYTES), STATUS_NO_SPACE);
    assert_int_equal(sim_file_bytes(&sim, "a"), BYTES + 1000); /* some from the front */
    assert_false(sim.failed);
    sim.faults.capacity_bytes = 0;
    assert_int_equal(sim.env.file_write(&sim, file, BYTES, bytes, BYTES), STATUS_OK);
    sim.env.file_close(&sim, file);
    end();
}

/* ---- what goes elsewhere, and what harms nobody ---- */

static void a_write_that_goes_astray_says_that_all_is_well(void **state)
{
    (void)state;
    unsigned met = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        begin(seed);
        struct env_file *file = file_of("a", 'a'), *other = file_of("c", 'a');
        sim.faults.misdirect = 1;
        uint8_t bytes[SIM_SECTOR_BYTES];
        memset(bytes, 'b', sizeof(bytes));
        assert_int_equal(sim.env.write_durable(&sim, file, 0, bytes, sizeof(bytes)), STATUS_OK);
        unsigned here = sectors_of("a", 'b', 'a');
        unsigned there = sectors_of("c", 'b', 'a');
        assert_int_equal(here + there, 1);
        met += there;
        sim_heal(&sim);
        uint8_t first[SIM_SECTOR_BYTES];
        sim_peek(&sim, "a", 0, first, sizeof(first));
        assert_memory_equal(first, bytes, sizeof(bytes));
        assert_int_equal(sectors_of("a", 'b', 'a') + sectors_of("c", 'b', 'a'), 1);
        sim.env.file_close(&sim, file);
        sim.env.file_close(&sim, other);
        end();
    }
    assert_true(met > 0);
}

static void what_fails_of_a_file_aside_is_no_failure(void **state)
{
    (void)state;
    begin(1);
    sim.aside[0] = "new";
    struct env_file *file = file_of("new", 'a');
    sim.faults.sync = sim.faults.write = sim.faults.names = 1;
    assert_int_equal(write_letter(file, 'b', false), STATUS_IO);
    assert_int_equal(sim.env.file_sync(&sim, file), STATUS_IO);
    assert_false(sim.failed);
    sim.faults.names = 0;
    assert_int_equal(sim.env.file_rename(&sim, directory, "new", "a"), STATUS_OK);
    sim.faults.names = 1;
    assert_int_equal(sim.env.directory_sync(&sim, directory), STATUS_IO);
    assert_false(sim.failed);
    assert_int_equal(sim.env.file_sync(&sim, file), STATUS_IO); /* it has another name now */
    assert_true(sim.failed);
    sim.env.file_close(&sim, file);
    end();

    begin(2);
    sim.aside[0] = "new";
    sim.env.file_close(&sim, file_of("next", 'a'));
    assert_int_equal(sim.env.file_rename(&sim, directory, "next", "b"), STATUS_OK);
    sim.faults.names = 1;
    assert_int_equal(sim.env.directory_sync(&sim, directory), STATUS_IO);
    assert_true(sim.failed);
    end();
}

static void the_same_seed_is_the_same_world(void **state)
{
    (void)state;
    uint64_t hashes[2];
    for (unsigned i = 0; i < 2; i++) {
        begin(7);
        struct env_file *file = file_of("a", 'a');
        assert_int_equal(write_letter(file, 'b', false), STATUS_OK);
        assert_int_equal(sim.env.file_rename(&sim, directory, "a", "b"), STATUS_OK);
        sim.env.file_close(&sim, file);
        cut();
        hashes[i] = sim_hash(&sim);
        end();
    }
    assert_true(hashes[0] == hashes[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_synced_may_be_lost_sector_by_sector),
        cmocka_unit_test(what_is_synced_or_written_durably_stays),
        cmocka_unit_test(a_durable_write_in_which_the_power_goes_is_torn_between_sectors),
        cmocka_unit_test(a_flush_that_fails_leaves_pages_clean),
        cmocka_unit_test(a_durable_write_that_fails_is_there_in_parts),
        cmocka_unit_test(names_that_are_not_synced_are_lost_from_the_end),
        cmocka_unit_test(names_that_are_synced_stay),
        cmocka_unit_test(a_file_whose_content_was_not_synced_is_there_by_name),
        cmocka_unit_test(a_kill_loses_nothing_that_was_seen),
        cmocka_unit_test(a_full_disk_takes_what_fits),
        cmocka_unit_test(a_write_that_goes_astray_says_that_all_is_well),
        cmocka_unit_test(what_fails_of_a_file_aside_is_no_failure),
        cmocka_unit_test(the_same_seed_is_the_same_world),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sim_end(&sim);
    return failed;
}
