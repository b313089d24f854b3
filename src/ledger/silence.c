/*
 * Silence: a source that is expected to speak and does not.
 *
 * A source with `silence` is watched. When nothing was decided of it for so long, the ledger says so, as it says that
 * a hold has expired: a decision of its own, by log time alone. The first thing decided of the source afterwards makes
 * the ledger say that it is heard again, right behind it. In between, what is shown of its locations is less (offer.c):
 * their figures lack what it has not told.
 *
 *     decided of it     PUT      x  x    x                                   x
 *     said                                  <-- after --> silent             heard
 *     shown             all                               all but withheld   all
 *
 * Time in which the ledger was not there is nobody's silence: a start is journalled (KIND_SETTINGS), and the time that
 * a source has begins anew with it. Who is looked at next is the first of a heap by time, then number: a source that
 * often speaks lies at its bottom, and is not moved by speaking once more. Nothing depends on where an entry lies.
 */
#include "ledger/decide.h"

size_t watches_bytes(uint32_t source_count_max)
{
    return region_round((size_t)source_count_max * sizeof(uint32_t));
}

void watches_init(struct watches *watches, struct region *region, uint32_t source_count_max)
{
    watches->heap = region_take(region, source_count_max, sizeof(uint32_t));
    watches->due_us = INT64_MAX;
}

/* ---- the heap ---- */

/* When something is to be said of it. */
static int64_t say_at_us(const struct ledger *ledger, uint32_t number)
{
    const struct source *source = &ledger->sources[number];
    if (source->silent_since_us != 0)
        return source->heard_us;
    return max_i64(source->heard_us, ledger->listening_us) + (int64_t)source->silence_after_s * 1000000;
}

static bool said_before(const struct ledger *ledger, uint32_t a, uint32_t b)
{
    int64_t at_a = say_at_us(ledger, a), at_b = say_at_us(ledger, b);
    return at_a != at_b ? at_a < at_b : a < b;
}

static void heap_put(struct ledger *ledger, uint32_t place, uint32_t number)
{
    ledger->watches.heap[place] = number;
    ledger->sources[number].watch_place = place + 1;
}

/* Moves the source at `place` to where it belongs. */
static void heap_settle(struct ledger *ledger, uint32_t place)
{
    const uint32_t *heap = ledger->watches.heap;
    uint32_t number = heap[place];
    for (; place > 0 && said_before(ledger, number, heap[(place - 1) / 2]); place = (place - 1) / 2)
        heap_put(ledger, place, heap[(place - 1) / 2]);
    for (uint32_t child; (child = 2 * place + 1) < ledger->watches.count; place = child) {
        if (child + 1 < ledger->watches.count && said_before(ledger, heap[child + 1], heap[child]))
            child++;
        if (said_before(ledger, number, heap[child]))
            break;
        heap_put(ledger, place, heap[child]);
    }
    heap_put(ledger, place, number);
}

static void heap_add(struct ledger *ledger, uint32_t number)
{
    heap_put(ledger, ledger->watches.count++, number);
    heap_settle(ledger, ledger->watches.count - 1);
}

static void heap_remove(struct ledger *ledger, uint32_t number)
{
    uint32_t place = ledger->sources[number].watch_place - 1;
    uint32_t last = ledger->watches.heap[--ledger->watches.count];
    ledger->sources[number].watch_place = 0;
    if (last != number) {
        heap_put(ledger, place, last);
        heap_settle(ledger, place);
    }
}

static int64_t first_us(const struct ledger *ledger)
{
    return ledger->watches.count == 0 ? INT64_MAX : say_at_us(ledger, ledger->watches.heap[0]);
}

/* Is something to be said of it when time comes? Of a silent one, when it has spoken. */
static bool has_say(const struct source *source)
{
    return source->silence_after_s != 0 && (source->silent_since_us == 0 || source->heard_us > source->silent_since_us);
}

/* Puts it where it belongs after a change, which may be out of the heap. */
static void rewatch(struct ledger *ledger, uint32_t number)
{
    const struct source *source = &ledger->sources[number];
    if (!has_say(source)) {
        if (source->watch_place != 0)
            heap_remove(ledger, number);
    } else if (source->watch_place == 0) {
        heap_add(ledger, number);
    } else {
        heap_settle(ledger, source->watch_place - 1);
    }
    ledger->watches.due_us = first_us(ledger);
}

/* ---- decide ---- */

static void say(struct judge *judge, enum event_type type, uint32_t number, int64_t since_us)
{
    struct event *event = judge_event(judge, type);
    event->silent_source = number;
    event->silent_since_us = since_us;
}

void decide_silence(struct judge *judge)
{
    uint32_t number = judge->ledger->watches.heap[0];
    const struct source *source = &judge->ledger->sources[number];
    bool silent = source->silent_since_us != 0;
    own_begin(judge, silent ? KIND_HEARD : KIND_SILENT);
    say(judge, silent ? EVENT_HEARD : EVENT_SILENT, number, silent ? source->silent_since_us : source->heard_us);
}

void silence_judge(struct judge *judge, uint32_t number, int64_t after_s)
{
    const struct source *source = &judge->ledger->sources[number];
    if (source->silent_since_us == 0)
        return;
    /* A start since does not count: the same body, sent again each night, would end every silence. */
    if (after_s == 0 || source->heard_us + after_s * 1000000 > judge->now_us)
        say(judge, EVENT_HEARD, number, source->silent_since_us);
}

/* ---- what is shown less ---- */

static uint32_t place_number(const struct ledger *ledger, struct text place)
{
    uint32_t location = ledger_number(ledger, NAME_LOCATION, place);
    CHECK(location != NUMBER_NONE); /* made with the decision, and not deleted while it stands there */
    return location;
}

static void read_config(const struct ledger *ledger, uint32_t number, struct source_config *out_config)
{
    CHECK(source_config_read(config_body(ledger, NAME_SOURCE, number), out_config));
}

/* What silent sources keep back of a location: the most that one of them does. */
static int64_t withheld_at(const struct ledger *ledger, uint32_t location)
{
    int64_t most = 0;
    uint32_t left = ledger->silent_count;
    for (uint32_t i = 0; left != 0; i++) {
        struct source_config config;
        if (ledger->sources[i].silent_since_us == 0)
            continue;
        left--;
        read_config(ledger, i, &config);
        for (uint32_t p = 0; p < config.silence.place_count; p++) {
            if (place_number(ledger, config.silence.places[p]) == location)
                most = max_i64(most, config.silence.buffer == 0 ? WITHHELD_ALL : config.silence.buffer);
        }
    }
    return most;
}

/* Adds the locations of which another part may be shown. */
static void add_places(const struct ledger *ledger, const struct silence_config *config, struct withheld *withheld)
{
    for (uint32_t p = 0; p < config->place_count; p++) {
        uint32_t location = place_number(ledger, config->places[p]);
        uint32_t i = 0;
        while (i < withheld->count && withheld->places[i].location != location)
            i++;
        if (i == withheld->count)
            withheld->places[withheld->count++] =
                (struct withheld_place){location, ledger->locations[location].withheld};
    }
}

/* Behind a change of who is silent, or of what that one keeps back. */
static void withhold(struct ledger *ledger, const struct withheld *withheld, uint64_t seq)
{
    for (uint32_t i = 0; i < withheld->count; i++) {
        uint32_t location = withheld->places[i].location;
        ledger->locations[location].withheld = withheld_at(ledger, location);
    }
    offers_withheld(ledger, withheld, seq);
}

/* ---- evolve ---- */

uint64_t silence_hash(const struct ledger *ledger, uint32_t number)
{
    const struct source *source = &ledger->sources[number];
    if (source->silence_after_s == 0)
        return 0;
    const uint64_t words[] = {number, (uint64_t)source->heard_us, (uint64_t)source->silent_since_us};
    return entry_hash(ENTRY_SILENCE, words, 3);
}

NEVER_INLINE void silence_heard(struct ledger *ledger, uint32_t number)
{
    if (ledger->sources[number].silence_after_s == 0)
        return;
    hash_out(ledger, PART_SOURCE, number, silence_hash(ledger, number));
    ledger->sources[number].heard_us = ledger->now_us;
    hash_in(ledger, PART_SOURCE, number, silence_hash(ledger, number));
    rewatch(ledger, number);
}

void silence_listen(struct ledger *ledger)
{
    uint32_t count = ledger->watches.count;
    ledger->listening_us = ledger->now_us;
    ledger->watches.count = 0;
    for (uint32_t i = 0; i < count; i++) /* each is put at its own place or before it */
        heap_add(ledger, ledger->watches.heap[i]);
    ledger->watches.due_us = first_us(ledger);
}

NEVER_INLINE void silence_evolve(struct ledger *ledger, const struct event *event)
{
    uint32_t number = event->silent_source;
    struct withheld withheld = {.count = 0};
    struct source_config config;
    CHECK(number < ledger->names[NAME_SOURCE].count);
    struct source *source = &ledger->sources[number];
    bool silent = event->type == EVENT_SILENT;
    CHECK(silent == (source->silent_since_us == 0));
    CHECK(event->silent_since_us == (silent ? source->heard_us : source->silent_since_us));
    CHECK(event->silent_since_us != 0);
    read_config(ledger, number, &config);
    add_places(ledger, &config.silence, &withheld);
    hash_out(ledger, PART_SOURCE, number, silence_hash(ledger, number));
    source->silent_since_us = silent ? event->silent_since_us : 0;
    hash_in(ledger, PART_SOURCE, number, silence_hash(ledger, number));
    if (silent)
        ledger->silent_count++;
    else
        ledger->silent_count--;
    withhold(ledger, &withheld, event->seq);
    rewatch(ledger, number);
}

void silence_config_before(struct ledger *ledger, uint32_t number, const struct silence_config *after,
                           struct withheld *out_withheld)
{
    struct source_config before;
    out_withheld->count = 0;
    if (ledger->sources[number].silent_since_us == 0)
        return;
    read_config(ledger, number, &before);
    add_places(ledger, &before.silence, out_withheld);
    add_places(ledger, after, out_withheld);
}

void silence_config_after(struct ledger *ledger, uint32_t number, const struct silence_config *after,
                          const struct withheld *withheld, uint64_t seq)
{
    struct source *source = &ledger->sources[number];
    if (source->silence_after_s == 0 || after->after_s == 0) /* its time begins with this, or ends */
        source->heard_us = after->after_s == 0 ? 0 : ledger->now_us;
    ledger->watches.of_all += (uint32_t)(after->after_s != 0) - (uint32_t)(source->silence_after_s != 0);
    source->silence_after_s = (uint32_t)after->after_s;
    withhold(ledger, withheld, seq);
    rewatch(ledger, number);
}

/* ---- check ---- */

bool silence_sound(const struct ledger *ledger, uint32_t number, const struct silence_config *config, struct audit *audit)
{
    static const char other[] = "when it is silent is not what its configuration and the log say";
    static const char astray[] = "its place among those that are watched is another's";
    const struct source *source = &ledger->sources[number];
    const uint32_t *heap = ledger->watches.heap;
    uint32_t place = source->watch_place; /* + 1 */
    AUDIT_CHECK(audit, I6, config->after_s == source->silence_after_s, other);
    AUDIT_CHECK(audit, I6, source->silence_after_s != 0 || (source->heard_us | source->silent_since_us) == 0, other);
    AUDIT_CHECK(audit, I6, source->heard_us <= ledger->now_us && source->silent_since_us <= source->heard_us, other);
    AUDIT_CHECK(audit, I6, has_say(source) == (place != 0), "whether it is watched is not what it says");
    AUDIT_CHECK(audit, I6, place <= ledger->watches.count, astray);
    AUDIT_CHECK(audit, I6, place == 0 || heap[place - 1] == number, astray);
    AUDIT_CHECK(audit, I6, place < 2 || said_before(ledger, heap[(place - 2) / 2], number), "those that are watched are out of order");
    return true;
}

void silence_check(const struct ledger *ledger)
{
    uint32_t of_all = 0, watched = 0, silent = 0;
    for (uint32_t i = 0; i < ledger->names[NAME_SOURCE].count; i++) {
        of_all += ledger->sources[i].silence_after_s != 0;
        watched += ledger->sources[i].watch_place != 0;
        silent += ledger->sources[i].silent_since_us != 0;
    }
    CHECK(silent == ledger->silent_count);
    CHECK(watched == ledger->watches.count);
    CHECK(of_all == ledger->watches.of_all);
    CHECK(first_us(ledger) == ledger->watches.due_us);
    for (uint32_t i = 0; i < ledger->names[NAME_LOCATION].count; i++)
        CHECK(ledger->locations[i].withheld == withheld_at(ledger, i));
}

/* ---- views ---- */

bool ledger_watches(const struct ledger *ledger)
{
    return ledger->watches.count != 0;
}

struct silence_view ledger_silence(const struct ledger *ledger, uint32_t source)
{
    const struct source *of = &ledger->sources[source];
    return (struct silence_view){of->silence_after_s != 0, of->silent_since_us, of->decided_us};
}
