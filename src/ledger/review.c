/*
 * Reviews: what a brake held, so that a person decides.
 *
 * A statement that would change more than its source may, or a fact that is older than anybody remembers, is not applied
 * blindly and not lost: it is accepted as a review. Its event has the command as it came, and what a brake found. What is
 * kept here is who is asked about what; the command is read from the journal when somebody resolves it.
 *
 *     open:    it waits
 *     closed:  it was resolved; kept for the id window, so that who resolves it again is told
 *
 * `resolve` with the verdict `accept` decides the command as if it came now, at its own time and without brakes; with
 * `reject` it is dropped. A command that is refused then leaves its review open.
 */
#include "ledger/decide.h"

const char *brake_name(enum brake brake)
{
    static const char *const names[BRAKE_COUNT] = {
#define X(upper, lower, said) #lower,
        BRAKE_MAP(X)
#undef X
    };
    return names[brake];
}

const char *brake_text(enum brake brake)
{
    static const char *const texts[BRAKE_COUNT] = {
#define X(upper, lower, said) said,
        BRAKE_MAP(X)
#undef X
    };
    return texts[brake];
}

/* ---- the table ---- */

size_t reviews_bytes(uint32_t count_max)
{
    return region_round((size_t)count_max * sizeof(struct review)) + table_bytes(count_max);
}

void reviews_init(struct ledger *ledger, struct region *region)
{
    ledger->reviews.entries = region_take(region, ledger->limits.review_count_max, sizeof(struct review));
    table_init(&ledger->reviews.index, region, ledger->limits.review_count_max);
}

static uint64_t review_hash(const struct review *review)
{
    const uint64_t words[] = {review->number,       review->source, review->kind,
                              review->brake,        (uint64_t)review->recorded_us, (uint64_t)review->closed_us,
                              review->accepted,     review->last_seq};
    return entry_hash(ENTRY_REVIEW, words, sizeof(words) / sizeof(words[0]));
}

static bool review_is(const void *owner, uint32_t entry, const void *key)
{
    return ((const struct reviews *)owner)->entries[entry].number == *(const uint64_t *)key;
}

static uint64_t number_key(const struct ledger *ledger, uint64_t number)
{
    return siphash64(&ledger->key, &number, sizeof(number));
}

static bool is_past_window(const struct ledger *ledger, const struct review *review, int64_t now_us)
{
    return review->closed_us != TIME_NONE && review->closed_us < now_us - ledger->id_window_ms * 1000;
}

/* The review of this number, open or closed inside the window, or NUMBER_NONE. */
static uint32_t review_find(const struct ledger *ledger, uint64_t number, int64_t now_us)
{
    const struct reviews *reviews = &ledger->reviews;
    uint32_t entry = table_find(&reviews->index, number_key(ledger, number), review_is, reviews, &number);
    return entry == TABLE_NONE || is_past_window(ledger, &reviews->entries[entry], now_us) ? NUMBER_NONE : entry;
}

bool reviews_stale(const struct ledger *ledger, int64_t now_us)
{
    const struct reviews *reviews = &ledger->reviews;
    return reviews->closed_first != 0 && is_past_window(ledger, &reviews->entries[reviews->closed_first - 1], now_us);
}

void reviews_forget(struct ledger *ledger, int64_t now_us, unsigned most)
{
    struct reviews *reviews = &ledger->reviews;
    for (; most > 0 && reviews_stale(ledger, now_us); most--) {
        uint32_t entry = reviews->closed_first - 1;
        struct review *review = &reviews->entries[entry];
        reviews->closed_first = review->next;
        if (review->next == 0)
            reviews->closed_last = 0;
        hash_out(ledger, PART_REVIEW, entry, review_hash(review));
        table_remove(&reviews->index, number_key(ledger, review->number), entry);
        *review = (struct review){.next = reviews->free_first};
        reviews->free_first = entry + 1;
        reviews->live--;
    }
}

bool reviews_room(const struct ledger *ledger, const struct decision *decision)
{
    return decision->events[0].type != EVENT_REVIEW || ledger->reviews.live < ledger->limits.review_count_max ||
           reviews_stale(ledger, decision->recorded_at_us);
}

static void review_add(struct ledger *ledger, const struct decision *decision, const struct event *event)
{
    struct reviews *reviews = &ledger->reviews;
    uint32_t entry = reviews->free_first != 0 ? reviews->free_first - 1 : reviews->count++;
    CHECK(entry < ledger->limits.review_count_max);
    struct review *review = &reviews->entries[entry];
    if (reviews->free_first != 0)
        reviews->free_first = review->next;
    *review = (struct review){.number = event->seq,
                              .source = decision->source,
                              .kind = decision->kind,
                              .brake = event->brake,
                              .recorded_us = decision->recorded_at_us,
                              .closed_us = TIME_NONE,
                              .last_seq = event->seq};
    reviews->live++;
    reviews->open++;
    table_insert(&reviews->index, number_key(ledger, event->seq), entry);
    hash_in(ledger, PART_REVIEW, entry, review_hash(review));
}

void review_evolve(struct ledger *ledger, const struct decision *decision, const struct event *event)
{
    struct reviews *reviews = &ledger->reviews;
    if (event->type == EVENT_REVIEW) {
        review_add(ledger, decision, event);
        return;
    }
    uint32_t entry = review_find(ledger, event->review, ledger->now_us);
    CHECK(entry != NUMBER_NONE);
    struct review *review = &reviews->entries[entry];
    CHECK(review->closed_us == TIME_NONE);
    uint64_t hash_before = review_hash(review);
    review->closed_us = ledger->now_us;
    review->accepted = event->accepted;
    review->last_seq = event->seq;
    hash_in(ledger, PART_REVIEW, entry, review_hash(review) - hash_before);
    reviews->open--;
    if (reviews->closed_last != 0)
        reviews->entries[reviews->closed_last - 1].next = entry + 1;
    else
        reviews->closed_first = entry + 1;
    reviews->closed_last = entry + 1;
}

uint64_t reviews_oldest_seq(const struct reviews *reviews)
{
    uint64_t oldest = UINT64_MAX;
    for (uint32_t i = 0; i < reviews->count; i++) {
        uint64_t number = reviews->entries[i].number;
        oldest = number != 0 && number < oldest ? number : oldest;
    }
    return oldest;
}

int64_t ledger_books_needed_us(const struct ledger *ledger)
{
    int64_t needed_us = INT64_MAX;
    for (uint32_t i = 0; i < ledger->reviews.count; i++) {
        const struct review *review = &ledger->reviews.entries[i];
        bool open = review->number != 0 && review->closed_us == TIME_NONE;
        if (open && (review->kind == KIND_STOCK_COUNT || review->kind == KIND_SNAPSHOT))
            needed_us = min_i64(needed_us, review->recorded_us - ledger->id_window_ms * 1000);
    }
    return needed_us;
}

bool review_hashed(const struct ledger *ledger, uint32_t entry, struct audit *audit)
{
    if (ledger->reviews.entries[entry].number != 0)
        audit->hash += review_hash(&ledger->reviews.entries[entry]);
    return true;
}

bool review_sound(const struct ledger *ledger, uint32_t entry, struct audit *audit)
{
    static const char astray[] = "the list of closed reviews goes astray";
    const struct reviews *reviews = &ledger->reviews;
    const struct review *review = &reviews->entries[entry];
    if (review->number == 0)
        return true;
    AUDIT_CHECK(audit, STATE, table_find(&reviews->index, number_key(ledger, review->number), review_is, reviews,
                                         &review->number) == entry, "the index does not find it by its number");
    AUDIT_CHECK(audit, STATE, review->next <= reviews->count, astray);
    if (review->closed_us == TIME_NONE) {
        AUDIT_CHECK(audit, STATE, review->next == 0 && reviews->closed_last != entry + 1, astray);
        return true;
    }
    AUDIT_CHECK(audit, STATE, (review->next == 0) == (reviews->closed_last == entry + 1), astray);
    if (review->next != 0)
        AUDIT_CHECK(audit, I6, review->closed_us <= reviews->entries[review->next - 1].closed_us, astray);
    return true;
}

void reviews_check(const struct ledger *ledger)
{
    const struct reviews *reviews = &ledger->reviews;
    uint32_t live = 0;
    uint32_t open = 0;
    uint32_t closed = 0;
    for (uint32_t i = 0; i < reviews->count; i++) {
        const struct review *review = &reviews->entries[i];
        if (review->number == 0)
            continue;
        live++;
        open += review->closed_us == TIME_NONE;
    }
    uint32_t last = 0;
    for (uint32_t r = reviews->closed_first; r != 0; r = reviews->entries[r - 1].next) {
        CHECK(++closed <= live && reviews->entries[r - 1].closed_us != TIME_NONE);
        last = r;
    }
    CHECK(reviews->closed_last == last);
    CHECK(live == reviews->live && open == reviews->open && open + closed == live && live == reviews->index.count);
    for (uint32_t r = reviews->free_first; r != 0; r = reviews->entries[r - 1].next)
        CHECK(++live <= reviews->count && reviews->entries[r - 1].number == 0);
    CHECK(live == reviews->count);
}

/* ---- views ---- */

uint32_t ledger_review_places(const struct ledger *ledger)
{
    return ledger->reviews.count;
}

static void review_tell(const struct review *review, struct review_view *out_view)
{
    *out_view = (struct review_view){.review = review->number,
                                     .source = review->source,
                                     .kind = review->kind,
                                     .brake = review->brake,
                                     .recorded_us = review->recorded_us,
                                     .closed_us = review->closed_us,
                                     .accepted = review->accepted,
                                     .last_seq = review->last_seq};
}

bool ledger_review_at(const struct ledger *ledger, uint32_t place, struct review_view *out_view)
{
    const struct review *review = &ledger->reviews.entries[place];
    if (review->number == 0 || is_past_window(ledger, review, ledger->now_us))
        return false;
    review_tell(review, out_view);
    return true;
}

bool ledger_review(const struct ledger *ledger, uint64_t number, struct review_view *out_view)
{
    uint32_t entry = review_find(ledger, number, ledger->now_us);
    if (entry == NUMBER_NONE)
        return false;
    review_tell(&ledger->reviews.entries[entry], out_view);
    return true;
}

/* ---- deciding ---- */

bool judge_review(struct judge *judge, enum brake brake)
{
    const struct ledger *ledger = judge->ledger;
    struct decision *decision = judge->decision;
    struct command held = *judge->command;
    judge->objected = true;
    judge->states = true;
    judge_forget(judge);
    held.dry_run = false;
    struct event *event = judge_event(judge, EVENT_REVIEW);
    event->review = event->seq;
    event->brake = brake;
    event->shortages = decision->shortages;
    event->shortage_count = decision->shortage_count;
    size_t n = command_encode(&held, ledger->held_room, COMMAND_BYTES_MAX);
    CHECK(n != 0);
    event->held = text_of((const char *)ledger->held_room, n);
    return false;
}

/* What is decided is the command of the review, with what the one that resolves it does not say. */
static bool take_held(struct judge *judge, struct text held)
{
    const struct ledger *ledger = judge->ledger;
    const struct command *resolve = judge->command;
    struct decision *decision = judge->decision;
    struct command *command = ledger->held;
    if (command_decode((const uint8_t *)held.bytes, held.length, ledger->held_lines, command) != STATUS_OK)
        return judge_invalid(judge, CODE_bad_value, LINE_NONE, "review", "its command is not one of this version");
    command->reading = resolve->reading;
    command->dry_run = resolve->dry_run;
    command->epochs = resolve->epochs;
    const struct {
        const struct text *said, *held;
        struct text *told;
    } texts[] = {{&resolve->actor, &command->actor, &decision->actor},
                 {&resolve->reason, &command->reason, &decision->reason},
                 {&resolve->document, &command->document, &decision->document},
                 {&resolve->document_line, &command->document_line, &decision->document_line},
                 {&resolve->channel, &command->channel, &decision->channel},
                 {&resolve->meta, &command->meta, &decision->meta}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i].told = text_present(*texts[i].said) ? *texts[i].said : *texts[i].held;
    uint32_t source = ledger_number(ledger, NAME_SOURCE, command->source);
    judge->source = source == NUMBER_NONE ? NULL : &ledger->sources[source];
    judge->strict = ledger->strict || (judge->source != NULL && judge->source->strict);
    judge->command = command;
    judge->hinted = false;
    judge_times(judge);
    return true;
}

void decide_resolve(struct judge *judge)
{
    const struct ledger *ledger = judge->ledger;
    const struct command *command = judge->command;
    uint32_t entry = review_find(ledger, command->review, judge->now_us);
    if (entry == NUMBER_NONE) {
        (void)judge_refuse(judge, CODE_unknown_review, TEXT_NONE, TEXT("/review"));
        return;
    }
    const struct review *review = &ledger->reviews.entries[entry];
    if (review->closed_us != TIME_NONE) {
        (void)judge_refuse(judge, CODE_already_resolved, TEXT_NONE, TEXT("/review"));
        return;
    }
    struct event *event = judge_event(judge, EVENT_RESOLVE);
    event->review = review->number;
    event->brake = review->brake;
    event->accepted = command->verdict == VERDICT_ACCEPT;
    if (!event->accepted)
        return;
    const struct decision *past = command->reading == NULL ? NULL : command->reading->decision;
    CHECK(past == NULL || past->first_seq == review->number);
    judge->admitted = review->number;
    if (past == NULL) {
        ledger->unread->question = (struct question){.decision_seq = review->number};
        ledger->unread->cell_count = 0;
        judge->unread = true;
        return;
    }
    if (take_held(judge, past->events[0].held))
        judge_rule(judge);
}
