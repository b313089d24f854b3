/*
 * Goal: who was told a position in any epoch gets the right answer in any later one: it is still so, or up to where.
 * Method: a table of histories, with restores to before an earlier parting; random histories of more epochs than are
 * kept, against copies of the whole lists of events they had.
 */
#include "unit.h"

#include "base/epochs.h"
#include "base/prng.h"

/* Begins one with the tag `tag`. */
static uint32_t begin(struct epochs *epochs, uint64_t tag, uint64_t parted_seq)
{
    assert_true(epochs_begin(epochs, EPOCH_restore, tag, parted_seq, 5));
    return epochs->now;
}

static void a_position_holds_up_to_where_the_histories_part(void **state)
{
    (void)state;
    struct epochs epochs = epochs_first;
    uint64_t common = 0;
    assert_true(epochs_common(&epochs, EPOCH_FIRST, &common) && common == UINT64_MAX);
    assert_int_equal(epochs_of(&epochs, 1), EPOCH_FIRST);
    uint32_t second = begin(&epochs, 7, 800);
    assert_int_equal(second, 7 << EPOCH_NUMBER_BITS | 2);
    uint32_t third = begin(&epochs, 0, 900); /* a tag is never 0 */
    assert_int_equal(third, 1 << EPOCH_NUMBER_BITS | 3);
    uint32_t fourth = begin(&epochs, 9, 500); /* to before the second began */
    const struct {
        uint32_t epoch;
        uint64_t common;
    } rows[] = {{EPOCH_FIRST, 500}, {second, 500}, {third, 500}, {fourth, UINT64_MAX}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(epochs_common(&epochs, rows[i].epoch, &common));
        assert_true(common == rows[i].common);
        assert_true(epochs_has(&epochs, rows[i].epoch, 500));
        assert_int_equal(epochs_has(&epochs, rows[i].epoch, 501), rows[i].epoch == fourth);
    }
    /* Begun by another copy, of another ledger, or not yet. */
    const uint32_t unknown[] = {0, 2, 8 << EPOCH_NUMBER_BITS | 2, 5, 1 << EPOCH_NUMBER_BITS | 1};
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        assert_false(epochs_common(&epochs, unknown[i], &common));
        assert_false(epochs_has(&epochs, unknown[i], 1));
    }
    assert_int_equal(epochs_of(&epochs, 500), EPOCH_FIRST);
    assert_int_equal(epochs_of(&epochs, 501), fourth);
}

static void an_epoch_extends_what_it_came_from(void **state)
{
    (void)state;
    struct epochs one = epochs_first;
    (void)begin(&one, 1, 10);
    struct epochs two = one;
    (void)begin(&two, 2, 20);
    struct epochs other = one;
    (void)begin(&other, 3, 20);
    struct epochs later = one;
    later.list[0].parted_seq = 11;
    assert_true(epochs_extend(&epochs_first, &epochs_first));
    assert_true(epochs_extend(&epochs_first, &two));
    assert_true(epochs_extend(&one, &one) && epochs_extend(&one, &two) && epochs_extend(&one, &other));
    assert_false(epochs_extend(&two, &one));
    assert_false(epochs_extend(&two, &other));
    assert_false(epochs_extend(&one, &epochs_first));
    assert_false(epochs_extend(&later, &two));
    assert_true(epochs_meet(&one, &one) == UINT64_MAX);
    assert_true(epochs_meet(&epochs_first, &one) == 10 && epochs_meet(&one, &epochs_first) == 10);
    assert_true(epochs_meet(&two, &other) == 20 && epochs_meet(&one, &two) == 20);
    (void)begin(&other, 4, 5); /* to before what both have */
    assert_true(epochs_meet(&two, &other) == 5);
}

#define LINES 200
#define MOST  400

/* More epochs than are kept: what is said of those forgotten is what they surely have in common, and never more. */
static void forgotten_epochs_are_never_trusted_too_far(void **state)
{
    (void)state;
    static uint32_t lines[LINES][MOST]; /* per epoch, in which epoch each of its events was decided; [0] its length */
    static uint32_t names[LINES];
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct prng prng = prng_of(seed);
        struct epochs epochs = epochs_first;
        memset(lines, 0, sizeof(lines));
        names[0] = EPOCH_FIRST;
        lines[0][0] = 50;
        for (uint32_t i = 1; i <= 50; i++)
            lines[0][i] = EPOCH_FIRST;
        for (unsigned e = 1; e < LINES; e++) {
            uint32_t parted = (uint32_t)prng_below(&prng, lines[e - 1][0] + 1);
            if (prng_below(&prng, 4) != 0)
                parted = lines[e - 1][0];
            struct epochs before = epochs;
            names[e] = begin(&epochs, prng_next(&prng), parted);
            assert_true(epochs_extend(&before, &epochs));
            memcpy(lines[e], lines[e - 1], sizeof(lines[e]));
            uint32_t end = parted + (uint32_t)prng_below(&prng, 3);
            for (uint32_t i = parted + 1; i <= end; i++)
                lines[e][i] = names[e];
            lines[e][0] = end;
            for (unsigned old = 0; old <= e; old++) {
                uint64_t common = 0;
                uint32_t same = 0; /* events that are still what they were in `old` */
                while (same < lines[old][0] && same < lines[e][0] && lines[old][same + 1] == lines[e][same + 1])
                    same++;
                assert_true(epochs_common(&epochs, names[old], &common));
                bool kept = e < EPOCHS_MAX || (old > 0 && old > e - EPOCHS_MAX);
                if (common < same && kept)
                    fail_msg("seed %llu: epoch %u of %u: %llu, but %u are common", (unsigned long long)seed, old, e,
                             (unsigned long long)common, same);
                if (old < e && common > same && same < lines[old][0])
                    fail_msg("seed %llu: epoch %u of %u: %llu, but only %u are common", (unsigned long long)seed, old, e,
                             (unsigned long long)common, same);
            }
            for (uint32_t i = 1; i <= end && e < EPOCHS_MAX; i++)
                assert_int_equal(epochs_of(&epochs, i), lines[e][i]);
        }
    }
}

static void after_the_last_number_none_begins(void **state)
{
    (void)state;
    struct epochs epochs = epochs_first;
    for (unsigned i = 1; i < EPOCH_NUMBER_MAX; i++)
        (void)begin(&epochs, i, i);
    struct epochs before = epochs;
    assert_false(epochs_begin(&epochs, EPOCH_repair, 1, 1, 1));
    assert_memory_equal(&before, &epochs, sizeof(epochs));
}

static void the_last_promotion_is_known(void **state)
{
    (void)state;
    struct epochs epochs = epochs_first;
    assert_int_equal(epochs_promoted(&epochs), 0);
    assert_true(epochs_begin(&epochs, EPOCH_restore, 7, 1, 1));
    assert_int_equal(epochs_promoted(&epochs), 0);
    assert_true(epochs_begin(&epochs, EPOCH_promote, 8, 2, 2));
    uint32_t promoted = epochs.now;
    assert_true(epochs_begin(&epochs, EPOCH_repair, 9, 3, 3));
    assert_int_equal(epochs_promoted(&epochs), promoted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_position_holds_up_to_where_the_histories_part),
        cmocka_unit_test(an_epoch_extends_what_it_came_from),
        cmocka_unit_test(forgotten_epochs_are_never_trusted_too_far),
        cmocka_unit_test(after_the_last_number_none_begins),
        cmocka_unit_test(the_last_promotion_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
