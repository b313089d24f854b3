/*
 * Goal: a source that is watched falls silent and is heard again when the log's time says so, each is told once, and
 * what is shown of its locations is less in between, while what may be granted is not.
 * Method: tables in near-prose (ledger_world.h); each step is checked against a twin and by ledger_check, which sums the
 * offers anew.
 */
#include "ledger_world.h"

static void a_watched_source_falls_silent(void **state)
{
    (void)state;
    const struct world_row rows[] = {
        {"# after so long without anything decided of it; the first thing decided is heard", NULL, NULL},
        {"source name=till source=@api silence=600", "ok: config", "source till: heard"},
        {"wait 599", "ok:", "source till: heard"},
        {"wait 1", "ok: silent", "source till: silent since -600"},
        {"wait 10000", "ok:", "source till: silent since -10600"},
        {"receive 1 A@L source=till", "ok: receive | heard", "source till: heard"},
        {"wait 599", "ok:", ""},
        {"receive 1 A@L source=till", "ok: receive", ""},
        {"wait 599", "ok:", "source till: heard"},
        {"wait 1", "ok: silent", ""},
        {"# a refusal is something decided; a first answer given again is not, nor what is invalid or dry", NULL, NULL},
        {"source name=till source=@api silence=600", "ok: config", ""},
        {"wait 600", "ok: silent", ""},
        {"release source=till hold=H", "unknown_hold H | heard", ""},
        {"receive 1 A@L source=till id=one", "ok: receive", ""},
        {"wait 600", "ok: silent", ""},
        {"receive 1 A@L source=till id=one", "duplicate of 6", "source till: silent since -600"},
        {"receive 0.5 A@L source=till", "invalid too_many_decimals line 0 quantity", ""},
        {"receive 1 A@L source=till dry", "dry ok: receive", ""},
        {"receive 1 A@L", "ok: receive", "source till: silent since -600"},
        {"# who is not watched may be silent", NULL, NULL},
        {"receive 1 A@L source=till", "ok: receive", "source till: not watched; source tills: none"},
        {"source name=till source=@api", "ok: config", "source till: not watched"},
        {"wait 1000000", "ok:", ""},
        {"# each has its own time; of those that fall due together the first named comes first", NULL, NULL},
        {"source name=a source=@api silence=20", "ok: config", ""},
        {"source name=b source=@api silence=10", "ok: config", ""},
        {"source name=c source=@api silence=20", "ok: config", ""},
        {"source name=d source=@api silence=30", "ok: config", ""},
        {"wait 10", "ok: silent", "source a: heard; source b: silent since -10; source c: heard"},
        {"receive 1 A@L source=c", "ok: receive", ""},
        {"receive 1 A@L source=b", "ok: receive | heard", ""},
        {"wait 10", "ok: silent silent", "source a: silent since -20; source b: silent since -10; source c: heard"},
        {"wait 10", "ok: silent silent", "source c: silent since -20; source d: silent since -30"},
        {"# ends of holds and silences come in the order of their times, the hold first where equal", NULL, NULL},
        {"receive 9 A@L", "ok: receive", ""},
        {"source name=till source=@api silence=20", "ok: config", ""},
        {"hold 1 A@L hold=H1 expires=10", "ok: hold", ""},
        {"hold 1 A@L hold=H2 expires=20", "ok: hold", ""},
        {"hold 1 A@L hold=H3 expires=30", "ok: hold", ""},
        {"wait 100", "ok: expire expire silent expire", ""},
        {"# goods that are waited for are given out before anybody is called heard", NULL, NULL},
        {"source name=till source=@api silence=20", "ok: config", ""},
        {"receive 1 A@L", "ok: receive", ""},
        {"hold 2 A@L hold=H wait expires=0", "ok: hold, A@L asked 2 free 1", ""},
        {"wait 20", "ok: silent", ""},
        {"receive 1 A@L source=till", "ok: receive | hold out_of_stock | heard", ""},
    };
    WORLD_PLAY(rows);
}

static void settings_change_who_is_silent(void **state)
{
    (void)state;
    const struct world_row rows[] = {
        {"# the same body, or another that asks for less patience, changes nothing of a time that runs", NULL, NULL},
        {"source name=till source=@api silence=600", "ok: config", ""},
        {"wait 300", "ok:", ""},
        {"source name=till source=@api silence=600 ordered", "ok: config", "source till: heard"},
        {"wait 299", "ok:", ""},
        {"wait 1", "ok: silent", "source till: silent since -600"},
        {"source name=till source=@api silence=600", "ok: config", "source till: silent since -600"},
        {"source name=till source=@api silence=10", "ok: config", "source till: silent since -600"},
        {"# with less patience it may be silent at once, with more no longer", NULL, NULL},
        {"source name=till source=@api silence=600", "ok: config", ""},
        {"wait 300", "ok:", ""},
        {"source name=till source=@api silence=300", "ok: config | silent", "source till: silent since -300"},
        {"source name=till source=@api silence=301", "ok: config heard", "source till: heard"},
        {"wait 1", "ok: silent", "source till: silent since -301"},
        {"# who is watched no longer is silent no longer; and begins anew", NULL, NULL},
        {"source name=till source=@api silence=600", "ok: config", ""},
        {"wait 700", "ok: silent", ""},
        {"source name=till source=@api", "ok: config heard", "source till: not watched"},
        {"wait 700", "ok:", ""},
        {"source name=till source=@api silence=600", "ok: config", "source till: heard"},
        {"wait 600", "ok: silent", "source till: silent since -600"},
        {"delete_source name=till", "ok: config heard", "source till: none"},
        {"source name=till source=@api silence=600", "ok: config", "source till: heard"},
        {"delete_source name=till", "ok: config", "source till: none"},
        {"wait 600", "ok:", ""},
        {"# of several, the one in the middle is given up", NULL, NULL},
        {"source name=a source=@api silence=10", "ok: config", ""},
        {"source name=b source=@api silence=20", "ok: config", ""},
        {"source name=c source=@api silence=15", "ok: config", ""},
        {"source name=d source=@api silence=30", "ok: config", ""},
        {"source name=e source=@api silence=25", "ok: config", ""},
        {"delete_source name=a", "ok: config", ""},
        {"source name=e source=@api silence=5", "ok: config", ""},
        {"wait 5", "ok: silent", "source e: silent since -5"},
        {"wait 25", "ok: silent silent silent", ""},
        {"# the time in which the ledger was not there is nobody's silence", NULL, NULL},
        {"source name=a source=@api silence=600", "ok: config", ""},
        {"source name=b source=@api silence=500", "ok: config", ""},
        {"source name=c source=@api silence=100", "ok: config", ""},
        {"wait 499", "ok: silent", ""},
        {"settings source=@ledger id= window=604800 capacity=4096", "ok: config", ""},
        {"wait 499", "ok:", "source a: heard; source b: heard; source c: silent since -998"},
        {"wait 1", "ok: silent", "source b: silent since -999"},
        {"wait 100", "ok: silent", "source a: silent since -1099"},
        {"settings source=@ledger id= window=604800 capacity=4096", "ok: config", ""},
        {"source name=c source=@api silence=100", "ok: config", "source c: silent since -1099"},
        {"receive 1 A@L source=c", "ok: receive | heard", ""},
        {"# what is not as it should be", NULL, NULL},
        {"location location=N", "ok: config", ""},
        {"location location=B parent=N no_promise", "ok: config", ""},
        {"source name=till source=@api silence=600 withhold=B", "no_promise B", "source till: none"},
        {"source name=till source=@api silence=600 withhold=N IF:version=7", "precondition_failed till", ""},
    };
    WORLD_PLAY(rows);
}

static void what_is_shown_of_a_silent_source_is_less(void **state)
{
    (void)state;
    const struct world_row rows[] = {
        {"# nothing of its locations is shown, and may be granted all the same", NULL, NULL},
        {"receive 10 A@S1 5 A@DC 3 B@S1", "ok: receive receive receive", ""},
        {"set_channel channel=web locations=S1,DC", "ok: set_channel", "web/A: ats 15; web/B: ats 3"},
        {"set_channel channel=shop locations=DC", "ok: set_channel", "shop/A: ats 5"},
        {"source name=till source=@api silence=600 withhold=S1", "ok: config", "web/A: ats 15"},
        {"wait 600", "ok: silent", "web/A: ats 5; web/B: ats 0; shop/A: ats 5; web/A@S1: free 10 quota 0"},
        {"hold 12 A@S1 hold=H channel=web", "insufficient_stock, A@S1 asked 12 free 10", ""},
        {"hold 4 A@S1 hold=H channel=web", "ok: hold", "web/A: ats 5"},
        {"receive 2 A@S1 1 A@DC", "ok: receive receive", "web/A: ats 6"},
        {"receive 2 C@S1", "ok: receive", "web/C: ats 0"},
        {"sale 1 A@S1 source=till", "ok: sale | heard", "web/A: ats 13; web/B: ats 3; web/C: ats 2"},
        {"# or all but a buffer, of each item at each location, in whole units", NULL, NULL},
        {"item item=A scale=1", "ok: config", ""},
        {"receive 10.5 A@S1 5 A@DC 3 B@S1", "ok: receive receive receive", ""},
        {"set_channel channel=web locations=S1,DC", "ok: set_channel", "web/A: ats 155; web/B: ats 3"},
        {"source name=till source=@api silence=600 withhold=DC,S1 keep=4", "ok: config", ""},
        {"wait 600", "ok: silent", "web/A: ats 75; web/B: ats 0"},
        {"sale 8 A@S1", "ok: sale", "web/A: ats 10"},
        {"receive 4 B@S1", "ok: receive", "web/B: ats 3"},
        {"receive 1 A@DC source=till", "ok: receive | heard", "web/A: ats 85; web/B: ats 7"},
        {"# the channel's own buffer and cap come on top", NULL, NULL},
        {"receive 10 A@S1", "ok: receive", ""},
        {"set_channel channel=web locations=S1 buffer=1 cap=8", "ok: set_channel", "web/A: ats 8"},
        {"source name=till source=@api silence=600 withhold=S1 keep=4", "ok: config", ""},
        {"wait 600", "ok: silent", "web/A: ats 5"},
        {"# of two that are silent the one that keeps back more counts", NULL, NULL},
        {"receive 10 A@S1", "ok: receive", ""},
        {"set_channel channel=web locations=S1", "ok: set_channel", ""},
        {"source name=till source=@api silence=600 withhold=S1", "ok: config", ""},
        {"source name=wms source=@api silence=300 withhold=S1 keep=4", "ok: config", ""},
        {"source name=erp source=@api silence=300 withhold=S1 keep=2", "ok: config", ""},
        {"source name=mute source=@api silence=300", "ok: config", ""},
        {"wait 300", "ok: silent silent silent", "web/A: ats 6"},
        {"wait 300", "ok: silent", "web/A: ats 0"},
        {"receive 1 A@S1 source=till", "ok: receive | heard", "web/A: ats 7"},
        {"receive 1 A@S1 source=wms", "ok: receive | heard", "web/A: ats 10"},
        {"receive 1 A@S1 source=erp", "ok: receive | heard", "web/A: ats 13"},
        {"# settings that change while it is silent are those that count", NULL, NULL},
        {"receive 10 A@S1 7 A@S2", "ok: receive receive", ""},
        {"set_channel channel=web locations=S1,S2", "ok: set_channel", "web/A: ats 17"},
        {"source name=till source=@api silence=600 withhold=S1", "ok: config", ""},
        {"wait 600", "ok: silent", "web/A: ats 7"},
        {"source name=till source=@api silence=600 withhold=S1,S2 keep=2", "ok: config", "web/A: ats 13"},
        {"source name=till source=@api silence=600 withhold=S2,S3", "ok: config", "web/A: ats 10"},
        {"source name=till source=@api silence=601 withhold=S2", "ok: config heard", "web/A: ats 17"},
        {"wait 1", "ok: silent", "web/A: ats 10"},
        {"source name=till source=@api", "ok: config heard", "web/A: ats 17"},
        {"# channels, quotas and kits are summed with what is withheld", NULL, NULL},
        {"item item=A scale=0", "ok: config", ""},
        {"item item=K scale=0 part:A=2", "ok: config", ""},
        {"receive 10 A@S1 6 A@S2 1 K@S1", "ok: receive receive receive", ""},
        {"set_channel channel=web locations=S1", "ok: set_channel", "web/A: ats 10; web/K: ats 6"},
        {"source name=till source=@api silence=600 withhold=S1", "ok: config", ""},
        {"source name=wms source=@api silence=600 withhold=S2 keep=1", "ok: config", ""},
        {"wait 600", "ok: silent silent", "web/A: ats 0; web/K: ats 0"},
        {"set_channel channel=web locations=S1,S2", "ok: set_channel", "web/A: ats 5; web/K: ats 2"},
        {"receive 2 A@S2", "ok: receive", "web/A: ats 7; web/K: ats 3"},
        {"allocate channel=web item=A location=S2 units=3", "ok: allocate", "web/A: ats 7; web/K: ats 3"},
        {"set_channel channel=amz locations=S2", "ok: set_channel", "amz/A: ats 4; web/A: ats 7"},
        {"allocate channel=amz item=A location=S2 units=2", "ok: allocate", "amz/A: ats 4; web/A: ats 5; web/K: ats 2"},
        {"set_channel channel=amz priority=1", "ok: set_channel", "amz/A: ats 4; web/A: ats 5"},
        {"set_channel channel=web shares=no", "ok: set_channel", "amz/A: ats 4; web/A: ats 2; web/K: ats 0"},
        {"item item=K scale=1 part:A=1", "scale_in_use K", ""},
        {"item item=K scale=0 part:A=1", "ok: config", "web/K: ats 2; amz/K: ats 4"},
        {"receive 1 A@S1 source=till", "ok: receive | heard", "web/A: ats 2; web/K: ats 2"},
        {"set_channel channel=web shares=yes", "ok: set_channel", "web/A: ats 16; web/K: ats 17"},
        {"set_channel channel=web shares=no", "ok: set_channel", "web/A: ats 2"},
        {"receive 1 A@S2 source=wms", "ok: receive | heard", "web/A: ats 3; amz/A: ats 6; amz/K: ats 6"},
        {"# a location stays as long as somebody's silence is about it, and cannot be a bin", NULL, NULL},
        {"source name=till source=@api silence=600 withhold=S2", "ok: config", ""},
        {"location location=S2 no_promise", "in_use till", ""},
        {"delete_location location=S2", "in_use till", ""},
        {"source name=till source=@api silence=600 withhold=S3", "ok: config", ""},
        {"delete_location location=S2", "ok: config", ""},
        {"# where nobody sells nothing is shown", NULL, NULL},
        {"receive 1 A@S1", "ok: receive", ""},
        {"source name=till source=@api silence=600 withhold=S1", "ok: config", ""},
        {"wait 600", "ok: silent", ""},
        {"set_channel channel=web locations=S1", "ok: set_channel", "web/A: ats 0"},
        {"receive 1 A@S1 source=till", "ok: receive | heard", "web/A: ats 2"},
    };
    WORLD_PLAY(rows);
}

/* What was told of a channel has the event of the silence behind it, once for each item. */
static void a_change_of_what_is_shown_is_told(void **state)
{
    (void)state;
    static struct world world;
    static const char *const steps[] = {"receive 5 A@S1 5 A@S2 5 B@S2", "set_channel channel=web locations=S1,S2",
                                        "source name=till source=@api silence=600 withhold=S1,S2", "wait 600",
                                        "receive 1 C@S3 source=till"};
    world_init(&world, &world_limits);
    for (size_t i = 0; i < 4; i++)
        world_step(&world, steps[i]);
    assert_string_equal(world.answer, "ok: silent");
    uint64_t silent_seq = ledger_last_seq(world.ledger);
    assert_true(ledger_offers_changed(world.ledger, 0) == silent_seq);
    uint32_t last = ledger_offer_before(world.ledger, 0, NUMBER_NONE);
    struct offer_view view;
    for (uint32_t turn = 2; turn-- > 0; last = ledger_offer_before(world.ledger, 0, last)) {
        ledger_offer(world.ledger, last, &view);
        assert_true(view.changed.seq == silent_seq && view.changed.turn == turn);
        assert_int_equal(view.ats, 0);
    }
    assert_int_equal(last, NUMBER_NONE);
    world_step(&world, steps[4]);
    assert_string_equal(world.answer, "ok: receive | heard");
    assert_true(ledger_offers_changed(world.ledger, 0) == ledger_last_seq(world.ledger));
    assert_true(ledger_watches(world.ledger));
    world_deinit(&world);
    world_init(&world, &world_limits);
    assert_false(ledger_watches(world.ledger));
    world_deinit(&world);
}

/* The names of its locations need room like any others. */
static void locations_of_a_silence_are_names(void **state)
{
    (void)state;
    static struct world world;
    struct ledger_limits limits = world_limits;
    limits.location_count_max = 1;
    world_init(&world, &limits);
    world_step(&world, "source name=till source=@api silence=600 withhold=S1,S2");
    assert_string_equal(world.answer, "invalid limit_reached");
    world_step(&world, "source name=till source=@api silence=600 withhold=S1");
    assert_string_equal(world.answer, "ok: config");
    world_deinit(&world);
}

static struct text places_of_form[2];

static bool form_is_read(int64_t after_s, struct text first, struct text second, int64_t buffer)
{
    static uint8_t form[CONFIG_BYTES_MAX];
    static struct source_config config, read;
    bool fits;
    assert_true(source_config_read(TEXT_NONE, &config));
    config.silence = (struct silence_config){.after_s = after_s, .buffer = buffer, .place_count = 2};
    config.silence.places[0] = first;
    config.silence.places[1] = second;
    size_t n = source_config_write(&config, form, &fits);
    bool good = source_config_read(text_of((const char *)form, n), &read);
    places_of_form[0] = good ? read.silence.places[0] : TEXT_NONE;
    places_of_form[1] = good ? read.silence.places[1] : TEXT_NONE;
    return good;
}

/* One silence has one form: the locations are sorted, none is there twice, and numbers have bounds. */
static void a_silence_has_one_form(void **state)
{
    (void)state;
    assert_true(form_is_read(SILENCE_S_MAX, TEXT("L1"), TEXT("L2"), QUANTITY_UNITS_MAX));
    assert_true(text_equal(places_of_form[0], TEXT("L1")) && text_equal(places_of_form[1], TEXT("L2")));
    assert_false(form_is_read(1, TEXT("L2"), TEXT("L1"), 1));
    assert_false(form_is_read(1, TEXT("L1"), TEXT("L1"), 1));
    assert_false(form_is_read(1, TEXT(""), TEXT("L1"), 1));
    assert_false(form_is_read(SILENCE_S_MAX + 1, TEXT("L1"), TEXT("L2"), 1));
    assert_false(form_is_read(1, TEXT("L1"), TEXT("L2"), QUANTITY_UNITS_MAX + 1));
}

static uint32_t told_sources[8];
static uint32_t told_count;

static void note_silence(const struct decision *decision)
{
    for (uint32_t i = 0; i < decision->event_count; i++) {
        if (event_of_silence(&decision->events[i]))
            told_sources[told_count++] = decision->events[i].silent_source;
    }
}

/* Of those that fall silent at the same time the one that was named first comes first, wherever it lies in the heap. */
static void at_the_same_time_the_first_named_comes_first(void **state)
{
    (void)state;
    static struct world world;
    world_init(&world, &world_limits);
    for (unsigned i = 0; i < 6; i++) {
        char prose[64];
        (void)snprintf(prose, sizeof(prose), "source name=s%u silence=%u", i, i < 2 ? 99u : 20u);
        world_step(&world, prose);
    }
    world_step(&world, "source name=s1 silence=20");
    world_step(&world, "source name=s0 silence=20");
    world.told = note_silence;
    world_step(&world, "wait 20");
    assert_string_equal(world.answer, "ok: silent silent silent silent silent silent");
    for (uint32_t i = 0; i < 6; i++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "s%u", i);
        assert_int_equal(told_sources[i], ledger_number(world.ledger, NAME_SOURCE, text_of(name, 2)));
    }
    world.told = NULL;
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_watched_source_falls_silent),
        cmocka_unit_test(settings_change_who_is_silent),
        cmocka_unit_test(what_is_shown_of_a_silent_source_is_less),
        cmocka_unit_test(a_change_of_what_is_shown_is_told),
        cmocka_unit_test(locations_of_a_silence_are_names),
        cmocka_unit_test(a_silence_has_one_form),
        cmocka_unit_test(at_the_same_time_the_first_named_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
