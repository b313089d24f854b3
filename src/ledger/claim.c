/*
 * Claims: who was promised what. A claim has a name, a holder and a line per cell; the lines carry the counters of I2.
 *
 *     live:   in the index; in the expiry heap while it has an end
 *     ended:  still in the index, so that its name answers hold_ended; in the list of ended claims, by time
 *     gone:   after the id window; the name is free
 *
 * Lookups judge by time, not by whether the entry has been dropped yet, so that dropping can be done in small steps.
 * The heap's order of equals is by claim number: nothing depends on where an entry lies.
 */
#include "ledger/state.h"

/*
 * A block of the text pool keeps its size for ever. In the worst history every size was once needed by all the texts
 * there can be, so there is room for that: address space only, memory is touched as names come.
 */
#define TEXTS_PER_CLAIM 3 /* name, holder, channel */
#define TEXT_UNITS_PER_CLAIM (TEXTS_PER_CLAIM * TEXTPOOL_SIZES * (TEXTPOOL_SIZES + 1) / 2)

/* Units of the pool are numbered in 32 bits. */
_Static_assert(CLAIMS_MAX <= UINT32_MAX / TEXT_UNITS_PER_CLAIM, "the texts of all claims have their numbers");

static uint32_t text_units(const struct ledger_limits *limits)
{
    return narrow_u32((uint64_t)limits->claim_count_max * TEXT_UNITS_PER_CLAIM);
}

size_t claims_bytes(const struct ledger_limits *limits)
{
    return region_round((size_t)limits->claim_count_max * sizeof(struct claim)) +
           region_round((size_t)limits->claim_line_count_max * sizeof(struct claim_line)) +
           table_bytes(limits->claim_count_max) +
           region_round((size_t)text_units(limits) * TEXTPOOL_UNIT_BYTES) +
           region_round((size_t)limits->claim_count_max * sizeof(uint32_t)) +
           region_round((size_t)limits->cell_count_max * sizeof(uint32_t));
}

void claims_init(struct claims *claims, struct region *region, const struct ledger_limits *limits)
{
    *claims = (struct claims){
        .entries = region_take(region, limits->claim_count_max, sizeof(struct claim)),
        .lines = region_take(region, limits->claim_line_count_max, sizeof(struct claim_line)),
    };
    table_init(&claims->index, region, limits->claim_count_max);
    textpool_init(&claims->texts, region, text_units(limits));
    claims->heap = region_take(region, limits->claim_count_max, sizeof(uint32_t));
    claims->cell_lines = region_take(region, limits->cell_count_max, sizeof(uint32_t));
}

/* ---- hashes ---- */

static uint64_t texts_hash(const struct ledger *ledger, const struct claim *claim)
{
    const struct textref refs[TEXTS_PER_CLAIM] = {claim->name, claim->holder, claim->channel};
    uint64_t words[TEXTS_PER_CLAIM];
    for (unsigned i = 0; i < TEXTS_PER_CLAIM; i++) {
        struct text text = textpool_text(&ledger->claims.texts, refs[i]);
        words[i] = text_hash(ledger, text);
    }
    return entry_hash(ENTRY_CLAIM, words, TEXTS_PER_CLAIM);
}

static uint64_t claim_hash(const struct claim *claim)
{
    const uint64_t words[] = {claim->number,
                              claim->texts_hash,
                              (uint64_t)claim->expires_at_us,
                              (uint64_t)claim->ended_at_us,
                              claim->last_seq,
                              claim->state,
                              (uint64_t)claim->priority << 8 | (uint64_t)claim->paid << 1 | claim->partial,
                              claim->at.form,
                              (uint64_t)claim->at.us};
    return entry_hash(ENTRY_CLAIM, words, sizeof(words) / sizeof(words[0]));
}

static uint64_t claim_line_hash(const struct ledger *ledger, const struct claim_line *line)
{
    uint64_t words[4 + CLAIM_FIGURE_COUNT] = {ledger->claims.entries[line->claim].number, line->cell, line->last_seq,
                                              (uint64_t)line->lapsed};
    for (unsigned i = 0; i < CLAIM_FIGURE_COUNT; i++)
        words[4 + i] = (uint64_t)line->units[i];
    return entry_hash(ENTRY_CLAIM_LINE, words, 4 + CLAIM_FIGURE_COUNT);
}

/* ---- index ---- */

static bool claim_is(const void *owner, uint32_t entry, const void *key)
{
    const struct claims *claims = owner;
    return text_equal(textpool_text(&claims->texts, claims->entries[entry].name), *(const struct text *)key);
}

uint64_t claim_name_hash(const struct ledger *ledger, struct text name)
{
    return siphash64(&ledger->key, name.bytes, name.length);
}

static bool is_before_window(const struct ledger *ledger, int64_t ended_at_us, int64_t now_us)
{
    return ended_at_us < now_us - ledger->id_window_ms * 1000;
}

static bool is_past_window(const struct ledger *ledger, const struct claim *claim, int64_t now_us)
{
    return claim->ended_at_us != TIME_NONE && is_before_window(ledger, claim->ended_at_us, now_us);
}

uint32_t claim_find(const struct ledger *ledger, struct text name, int64_t now_us)
{
    return claim_find_hashed(ledger, name, claim_name_hash(ledger, name), now_us);
}

uint32_t claim_find_hashed(const struct ledger *ledger, struct text name, uint64_t name_hash, int64_t now_us)
{
    const struct claims *claims = &ledger->claims;
    uint32_t entry = table_find(&claims->index, name_hash, claim_is, claims, &name);
    return entry == TABLE_NONE || is_past_window(ledger, &claims->entries[entry], now_us) ? NUMBER_NONE : entry;
}

uint32_t claim_line_find(const struct ledger *ledger, uint32_t claim, uint32_t cell)
{
    const struct claims *claims = &ledger->claims;
    for (uint32_t line = claims->entries[claim].first_line; line != 0; line = claims->lines[line - 1].next) {
        if (claims->lines[line - 1].cell == cell)
            return line - 1;
    }
    return NUMBER_NONE;
}

bool claims_stale(const struct ledger *ledger, int64_t now_us)
{
    const struct claims *claims = &ledger->claims;
    return claims->ended_first != 0 &&
           is_before_window(ledger, claims->entries[claims->ended_first - 1].ended_at_us, now_us);
}

bool claims_room(const struct ledger *ledger, int64_t now_us, bool new_claim, uint32_t new_lines)
{
    const struct claims *claims = &ledger->claims;
    uint32_t entries = ledger->limits.claim_count_max - claims->entry_live - claims->entry_kept;
    uint32_t lines = ledger->limits.claim_line_count_max - claims->line_count + claims->line_free_count;
    /* Those past the window leave before the new one comes (claims_forget in ledger_evolve). */
    uint32_t leaving = claims->ended_first;
    for (unsigned most = FORGET_CLAIMS; entries < new_claim || lines < new_lines; most--) {
        if (most == 0 || leaving == 0 ||
            !is_before_window(ledger, claims->entries[leaving - 1].ended_at_us, now_us))
            return false;
        entries++;
        for (uint32_t l = claims->entries[leaving - 1].first_line; l != 0; l = claims->lines[l - 1].next)
            lines++;
        leaving = claims->entries[leaving - 1].ended_next;
    }
    return true;
}

/* ---- expiry heap ---- */

static bool expires_before(const struct claim *a, const struct claim *b)
{
    return a->expires_at_us != b->expires_at_us ? a->expires_at_us < b->expires_at_us : a->number < b->number;
}

static void heap_put(struct claims *claims, uint32_t place, uint32_t entry)
{
    claims->heap[place] = entry;
    claims->entries[entry].heap_place = place + 1;
}

/* Moves the entry at `place` to where it belongs. */
static void heap_settle(struct claims *claims, uint32_t place)
{
    uint32_t entry = claims->heap[place];
    const struct claim *claim = &claims->entries[entry];
    while (place > 0 && expires_before(claim, &claims->entries[claims->heap[(place - 1) / 2]])) {
        heap_put(claims, place, claims->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    for (;;) {
        uint32_t child = 2 * place + 1;
        if (child >= claims->heap_count)
            break;
        if (child + 1 < claims->heap_count &&
            expires_before(&claims->entries[claims->heap[child + 1]], &claims->entries[claims->heap[child]]))
            child++;
        if (!expires_before(&claims->entries[claims->heap[child]], claim))
            break;
        heap_put(claims, place, claims->heap[child]);
        place = child;
    }
    heap_put(claims, place, entry);
}

static void heap_add(struct claims *claims, uint32_t entry)
{
    heap_put(claims, claims->heap_count++, entry);
    heap_settle(claims, claims->heap_count - 1);
}

static void heap_remove(struct claims *claims, uint32_t entry)
{
    uint32_t place = claims->entries[entry].heap_place - 1;
    claims->entries[entry].heap_place = 0;
    uint32_t last = claims->heap[--claims->heap_count];
    if (last != entry) {
        heap_put(claims, place, last);
        heap_settle(claims, place);
    }
}

/* ---- list of ended claims ---- */

static void ended_add(struct claims *claims, uint32_t entry)
{
    struct claim *claim = &claims->entries[entry];
    claim->ended_previous = claims->ended_last;
    claim->ended_next = 0;
    if (claims->ended_last != 0)
        claims->entries[claims->ended_last - 1].ended_next = entry + 1;
    else
        claims->ended_first = entry + 1;
    claims->ended_last = entry + 1;
}

static void ended_remove(struct claims *claims, uint32_t entry)
{
    struct claim *claim = &claims->entries[entry];
    if (claim->ended_previous != 0)
        claims->entries[claim->ended_previous - 1].ended_next = claim->ended_next;
    else
        claims->ended_first = claim->ended_next;
    if (claim->ended_next != 0)
        claims->entries[claim->ended_next - 1].ended_previous = claim->ended_previous;
    else
        claims->ended_last = claim->ended_previous;
    claim->ended_next = claim->ended_previous = 0;
}

static void claim_drop(struct ledger *ledger, uint32_t entry)
{
    struct claims *claims = &ledger->claims;
    struct claim *claim = &claims->entries[entry];
    for (uint32_t line = claim->first_line; line != 0;) {
        struct claim_line *dropped = &claims->lines[line - 1];
        uint32_t next = dropped->next;
        hash_out(ledger, PART_CLAIM_LINE, line - 1, claim_line_hash(ledger, dropped));
        *dropped = (struct claim_line){.next = claims->line_free};
        claims->line_free = line;
        claims->line_free_count++;
        line = next;
    }
    hash_out(ledger, PART_CLAIM, entry, claim_hash(claim));
    ended_remove(claims, entry);
    claims->entry_kept--;
    table_remove(&claims->index, claim_name_hash(ledger, textpool_text(&claims->texts, claim->name)), entry);
    textpool_remove(&claims->texts, claim->name);
    textpool_remove(&claims->texts, claim->holder);
    textpool_remove(&claims->texts, claim->channel);
    *claim = (struct claim){.first_line = claims->entry_free};
    claims->entry_free = entry + 1;
}

void claims_forget(struct ledger *ledger, int64_t now_us, unsigned most)
{
    struct claims *claims = &ledger->claims;
    for (; most > 0 && claims_stale(ledger, now_us); most--)
        claim_drop(ledger, claims->ended_first - 1);
}

/* ---- lines that stand in a cell's queues ---- */

/* Who is served first: in the line of those that wait by priority, then the older claim. */
static bool stands_before(const struct claims *claims, enum queue_kind kind, uint32_t a, uint32_t b)
{
    const struct claim *x = &claims->entries[claims->lines[a].claim];
    const struct claim *y = &claims->entries[claims->lines[b].claim];
    if (kind == QUEUE_WAITING && x->priority != y->priority)
        return (x->priority == 0 ? UINT32_MAX : x->priority) < (y->priority == 0 ? UINT32_MAX : y->priority);
    return x->number < y->number;
}

static void queue_leave(struct ledger *ledger, enum queue_kind kind, uint32_t number)
{
    struct claim_line *lines = ledger->claims.lines;
    struct queue *queue = &cell_extra(ledger, lines[number].cell)->queues[kind];
    struct queue_link *link = &lines[number].links[kind];
    *(link->previous != 0 ? &lines[link->previous - 1].links[kind].next : &queue->first) = link->next;
    *(link->next != 0 ? &lines[link->next - 1].links[kind].previous : &queue->last) = link->previous;
    *link = (struct queue_link){0, 0, false};
}

/* From both ends: who comes last is most often the newest, and the newest are the first to lose cover. */
static void queue_join(struct ledger *ledger, enum queue_kind kind, uint32_t number)
{
    struct claim_line *lines = ledger->claims.lines;
    struct queue *queue = &cell_extra_make(ledger, lines[number].cell)->queues[kind];
    uint32_t before = queue->last;
    uint32_t from_front = queue->first;
    while (before != 0 && stands_before(&ledger->claims, kind, number, before - 1)) {
        if (stands_before(&ledger->claims, kind, number, from_front - 1)) {
            before = lines[from_front - 1].links[kind].previous;
            break;
        }
        before = lines[before - 1].links[kind].previous;
        from_front = lines[from_front - 1].links[kind].next;
    }
    uint32_t behind = before != 0 ? lines[before - 1].links[kind].next : queue->first;
    lines[number].links[kind] = (struct queue_link){behind, before, true};
    *(before != 0 ? &lines[before - 1].links[kind].next : &queue->first) = number + 1;
    *(behind != 0 ? &lines[behind - 1].links[kind].previous : &queue->last) = number + 1;
}

static void queues_follow(struct ledger *ledger, uint32_t number)
{
    static const enum claim_figure needs[QUEUE_COUNT] = {[QUEUE_BACKORDERED] = CLAIM_BACKORDERED,
                                                         [QUEUE_WAITING] = CLAIM_WAITING};
    struct claim_line *line = &ledger->claims.lines[number];
    for (unsigned kind = 0; kind < QUEUE_COUNT; kind++) {
        if (kind == QUEUE_BACKORDERED && line->links[kind].in && line->units[needs[kind]] > 0)
            continue; /* a claim's number stays, its priority may not */
        if (line->links[kind].in)
            queue_leave(ledger, (enum queue_kind)kind, number);
        if (line->units[needs[kind]] > 0)
            queue_join(ledger, (enum queue_kind)kind, number);
    }
}

/* ---- the open lines of a cell ---- */

static void cell_lines_join(struct claims *claims, uint32_t number)
{
    struct claim_line *line = &claims->lines[number];
    uint32_t *first = &claims->cell_lines[line->cell];
    line->cell_next = *first;
    line->cell_previous = 0;
    if (*first != 0)
        claims->lines[*first - 1].cell_previous = number + 1;
    *first = number + 1;
}

static void cell_lines_leave(struct claims *claims, uint32_t number)
{
    struct claim_line *line = &claims->lines[number];
    if (line->cell_previous != 0)
        claims->lines[line->cell_previous - 1].cell_next = line->cell_next;
    else
        claims->cell_lines[line->cell] = line->cell_next;
    if (line->cell_next != 0)
        claims->lines[line->cell_next - 1].cell_previous = line->cell_previous;
    line->cell_next = line->cell_previous = 0;
}

uint32_t ledger_cell_claim_next(const struct ledger *ledger, uint32_t cell, uint32_t line)
{
    const struct claims *claims = &ledger->claims;
    uint32_t next = line == NUMBER_NONE ? claims->cell_lines[cell] : claims->lines[line].cell_next;
    return next == 0 ? NUMBER_NONE : next - 1;
}

/* ---- evolve ---- */

uint32_t claims_through(const struct ledger *ledger, struct text channel)
{
    const struct claims *claims = &ledger->claims;
    uint32_t count = 0;
    for (uint32_t i = 0; i < claims->entry_count; i++) {
        const struct claim *claim = &claims->entries[i];
        count += claim->number != 0 && claim->ended_at_us == TIME_NONE &&
                 text_equal(textpool_text(&claims->texts, claim->channel), channel);
    }
    return count;
}

/* Open claims are counted with the channel they came through. */
static void count_with_channel(struct ledger *ledger, const struct claim *claim, bool opens)
{
    struct text name = textpool_text(&ledger->claims.texts, claim->channel);
    uint32_t channel = text_present(name) ? ledger_number(ledger, NAME_CHANNEL, name) : NUMBER_NONE;
    if (channel != NUMBER_NONE)
        ledger->channels[channel].claims_live += opens ? 1 : UINT32_MAX;
}

static uint32_t claim_create(struct ledger *ledger, const struct event *event, uint64_t name_hash)
{
    struct claims *claims = &ledger->claims;
    uint32_t entry;
    if (claims->entry_free != 0) {
        entry = claims->entry_free - 1;
        claims->entry_free = claims->entries[entry].first_line;
    } else {
        CHECK(claims->entry_count < ledger->limits.claim_count_max);
        entry = claims->entry_count++;
    }
    claims->entries[entry] = (struct claim){
        .number = event->claim,
        .name = textpool_add(&claims->texts, event->hold),
        .holder = textpool_add(&claims->texts, event->holder),
        .channel = textpool_add(&claims->texts, event->channel),
        .expires_at_us = TIME_NONE,
        .ended_at_us = TIME_NONE,
    };
    claims->entries[entry].texts_hash = texts_hash(ledger, &claims->entries[entry]);
    table_insert(&claims->index, name_hash, entry);
    claims->entry_live++;
    count_with_channel(ledger, &claims->entries[entry], true);
    return entry;
}

static void claim_line_evolve(struct ledger *ledger, uint32_t entry, uint32_t cell, const struct event *event)
{
    struct claims *claims = &ledger->claims;
    struct claim *claim = &claims->entries[entry];
    uint32_t number = claim_line_find(ledger, entry, cell);
    if (number == NUMBER_NONE) {
        if (claims->line_free != 0) {
            number = claims->line_free - 1;
            claims->line_free = claims->lines[number].next;
            claims->line_free_count--;
        } else {
            CHECK(claims->line_count < ledger->limits.claim_line_count_max);
            number = claims->line_count++;
        }
        claims->lines[number] = (struct claim_line){.claim = entry, .cell = cell};
        /* Lines stay in the order they were claimed. */
        if (claim->last_line != 0)
            claims->lines[claim->last_line - 1].next = number + 1;
        else
            claim->first_line = number + 1;
        claim->last_line = number + 1;
    } else {
        hash_out(ledger, PART_CLAIM_LINE, number, claim_line_hash(ledger, &claims->lines[number]));
    }
    struct claim_line *line = &claims->lines[number];
    bool was_open = claim_line_is_open(line);
    terms_out(ledger, PART_CLAIM_LINE, number);
    line->lapsed = claim->state == CLAIM_STATE_EXPIRED ? event->claim_units[CLAIM_EXPIRED] - line->units[CLAIM_EXPIRED] : 0;
    memcpy(line->units, event->claim_units, sizeof(line->units));
    terms_in(ledger, PART_CLAIM_LINE, number);
    line->last_seq = event->seq;
    CHECK(line->units[CLAIM_GRANTED] == line->units[CLAIM_CONSUMED] + line->units[CLAIM_RELEASED] +
                                            line->units[CLAIM_EXPIRED] + line->units[CLAIM_HELD] +
                                            line->units[CLAIM_COMMITTED]);
    hash_in(ledger, PART_CLAIM_LINE, number, claim_line_hash(ledger, line));
    bool is_open = claim_line_is_open(line);
    if (is_open && !was_open)
        cell_lines_join(claims, number);
    if (was_open && !is_open)
        cell_lines_leave(claims, number);
    queues_follow(ledger, number);
}

/* The claim is had again, or a part of it: what had expired of it before is history. */
static void claim_revive(struct ledger *ledger, const struct claim *claim)
{
    for (uint32_t l = claim->first_line; l != 0; l = ledger->claims.lines[l - 1].next) {
        struct claim_line *line = &ledger->claims.lines[l - 1];
        uint64_t hash_before = claim_line_hash(ledger, line);
        line->lapsed = 0;
        hash_in(ledger, PART_CLAIM_LINE, l - 1, claim_line_hash(ledger, line) - hash_before);
    }
}

/* Goods alone have no claim: kept out of ledger_evolve, where each event comes by. */
NEVER_INLINE uint32_t claim_evolve(struct ledger *ledger, const struct event *event, uint32_t cell, int64_t now_us)
{
    struct claims *claims = &ledger->claims;
    uint64_t name_hash = event->hints.hold != 0 ? event->hints.hold : claim_name_hash(ledger, event->hold);
    VERIFY(name_hash == claim_name_hash(ledger, event->hold));
    uint32_t entry = table_find(&claims->index, name_hash, claim_is, claims, &event->hold);
    if (entry != TABLE_NONE && is_past_window(ledger, &claims->entries[entry], now_us)) {
        claim_drop(ledger, entry); /* the name is free again, only its last owner had not been dropped yet */
        entry = TABLE_NONE;
    }
    if (entry == TABLE_NONE) {
        CHECK(event->claim <= event->seq);
        entry = claim_create(ledger, event, name_hash);
    } else {
        hash_out(ledger, PART_CLAIM, entry, claim_hash(&claims->entries[entry]));
    }
    struct claim *claim = &claims->entries[entry];
    CHECK(claim->number == event->claim);

    if (claim->heap_place != 0)
        heap_remove(claims, entry);
    bool was_ended = claim->ended_at_us != TIME_NONE;
    bool ends = claim_state_ended(event->claim_state);
    if (was_ended && !ends) {
        ended_remove(claims, entry);
        claims->entry_kept--;
        claims->entry_live++;
        count_with_channel(ledger, claim, true);
        claim_revive(ledger, claim);
        claim->ended_at_us = TIME_NONE;
    } else if (!was_ended && ends) {
        claim->ended_at_us = now_us;
        ended_add(claims, entry);
        claims->entry_kept++;
        claims->entry_live--;
        count_with_channel(ledger, claim, false);
    }
    claim->state = event->claim_state;
    claim->priority = event->claim_priority;
    claim->paid = event->claim_paid;
    claim->partial = event->claim_partial;
    claim->at = event->claim_at;
    claim->expires_at_us = event->expires_at_us;
    claim->last_seq = event->seq;
    if (!ends && claim->expires_at_us != TIME_NONE)
        heap_add(claims, entry);
    hash_in(ledger, PART_CLAIM, entry, claim_hash(claim));

    if (cell != NUMBER_NONE)
        claim_line_evolve(ledger, entry, cell, event);
    return entry;
}

/* ---- check ---- */

bool claim_hashed(const struct ledger *ledger, uint32_t entry, struct audit *audit)
{
    const struct claim *claim = &ledger->claims.entries[entry];
    if (claim->number == 0)
        return true;
    AUDIT_CHECK(audit, STATE, textpool_holds(&ledger->claims.texts, claim->name) &&
                                  textpool_holds(&ledger->claims.texts, claim->holder) &&
                                  textpool_holds(&ledger->claims.texts, claim->channel),
                "its name, holder or channel is not among the texts");
    audit->hash += claim_hash(claim);
    return true;
}

bool claim_line_hashed(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    const struct claim_line *line = &ledger->claims.lines[number];
    if (line->last_seq == 0)
        return true;
    AUDIT_CHECK(audit, STATE, line->claim < ledger->claims.entry_count, "it is of no hold");
    AUDIT_CHECK(audit, STATE, line->cell < ledger->cell_count, "it is on no cell");
    audit->hash += claim_line_hash(ledger, line);
    return true;
}

/* An ended claim stands in the list of them, by time, and no other does. */
static bool claim_listed(const struct claims *claims, uint32_t entry, struct audit *audit)
{
    static const char astray[] = "the list of ended holds goes astray";
    const struct claim *claim = &claims->entries[entry];
    uint32_t previous = claim->ended_previous;
    uint32_t next = claim->ended_next;
    AUDIT_CHECK(audit, I6, previous <= claims->entry_count && next <= claims->entry_count, astray);
    if (claim->ended_at_us == TIME_NONE) {
        AUDIT_CHECK(audit, I6, (previous | next) == 0, astray);
        return true;
    }
    if (previous == 0)
        AUDIT_CHECK(audit, I6, claims->ended_first == entry + 1, astray);
    else
        AUDIT_CHECK(audit, I6, claims->entries[previous - 1].ended_next == entry + 1 &&
                                   claims->entries[previous - 1].ended_at_us <= claim->ended_at_us, astray);
    if (next == 0)
        AUDIT_CHECK(audit, I6, claims->ended_last == entry + 1, astray);
    else
        AUDIT_CHECK(audit, I6, claims->entries[next - 1].ended_previous == entry + 1, astray);
    return true;
}

bool claim_sound(const struct ledger *ledger, uint32_t entry, struct audit *audit)
{
    static const char wrong_state[] = "its state is not that of its lines";
    const struct claims *claims = &ledger->claims;
    const struct claim *claim = &claims->entries[entry];
    if (claim->number == 0)
        return true;
    struct text name = textpool_text(&claims->texts, claim->name);
    AUDIT_CHECK(audit, STATE, table_find(&claims->index, claim_name_hash(ledger, name), claim_is, claims, &name) == entry,
                "the index does not find it by its name");
    AUDIT_CHECK(audit, STATE, claim->texts_hash == texts_hash(ledger, claim), "its name, holder or channel has changed");
    int64_t sums[CLAIM_FIGURE_COUNT] = {0};
    uint32_t last = 0;
    uint32_t count = 0;
    for (uint32_t l = claim->first_line; l != 0; l = claims->lines[l - 1].next) {
        AUDIT_CHECK(audit, I2, ++count <= claims->line_count, "its lines have no end");
        const struct claim_line *line = &claims->lines[l - 1];
        AUDIT_CHECK(audit, I2, line->claim == entry, "a line of it is another hold's");
        last = l;
        for (unsigned f = 0; f < CLAIM_FIGURE_COUNT; f++)
            sums[f] += line->units[f];
    }
    audit->looked_at += count;
    AUDIT_CHECK(audit, I2, claim->last_line == last, "its last line is another");
    int64_t held = sums[CLAIM_HELD];
    int64_t committed = sums[CLAIM_COMMITTED];
    int64_t waiting = sums[CLAIM_WAITING];
    if (claim_state_ended(claim->state)) {
        AUDIT_CHECK(audit, I2, held + committed + waiting == 0, "it has ended, and claims something");
        AUDIT_CHECK(audit, I6, claim->heap_place == 0, "it has ended, and is to expire");
        AUDIT_CHECK(audit, I6, claim->ended_at_us != TIME_NONE, "nothing says when it ended");
    } else {
        AUDIT_CHECK(audit, I6, claim->ended_at_us == TIME_NONE, "it is open, and has ended");
        AUDIT_CHECK(audit, I2, held + committed + waiting > 0, "it is open, and claims nothing");
        AUDIT_CHECK(audit, I2, (claim->state == CLAIM_STATE_HELD) == (held > 0), wrong_state);
        AUDIT_CHECK(audit, I2, (claim->state == CLAIM_STATE_WAITING) == (held + committed == 0), wrong_state);
        AUDIT_CHECK(audit, I6, (claim->heap_place != 0) == (claim->expires_at_us != TIME_NONE),
                    "whether it is to expire is not what it says");
        AUDIT_CHECK(audit, I6, claim->heap_place <= claims->heap_count, "it has no place among those that expire");
        AUDIT_CHECK(audit, I6, claim->heap_place == 0 || claims->heap[claim->heap_place - 1] == entry,
                    "its place among those that expire is another's");
    }
    return claim_listed(claims, entry, audit);
}

/* Where a line stands in a queue of its cell, its neighbours know it, and are in order. */
static bool line_queued(const struct ledger *ledger, uint32_t number, enum queue_kind kind, struct audit *audit)
{
    static const char astray[] = "the queue of its cell goes astray";
    const struct claims *claims = &ledger->claims;
    const struct queue_link *link = &claims->lines[number].links[kind];
    uint32_t previous = link->previous;
    uint32_t next = link->next;
    if (!link->in) {
        AUDIT_CHECK(audit, I2, (previous | next) == 0, astray);
        return true;
    }
    uint32_t cell = claims->lines[number].cell;
    const struct cell_extra *extra = cell_extra(ledger, cell);
    AUDIT_CHECK(audit, I2, extra != NULL && previous <= claims->line_count && next <= claims->line_count, astray);
    if (previous == 0)
        AUDIT_CHECK(audit, I2, extra->queues[kind].first == number + 1, astray);
    else
        AUDIT_CHECK(audit, I2, claims->lines[previous - 1].links[kind].next == number + 1 &&
                                   claims->lines[previous - 1].cell == cell &&
                                   stands_before(claims, kind, previous - 1, number), astray);
    if (next == 0)
        AUDIT_CHECK(audit, I2, extra->queues[kind].last == number + 1, astray);
    else
        AUDIT_CHECK(audit, I2, claims->lines[next - 1].links[kind].previous == number + 1, astray);
    return true;
}

bool queues_sound(const struct ledger *ledger, uint32_t extra, struct audit *audit)
{
    static const char astray[] = "the queue of its holds goes astray";
    const struct claims *claims = &ledger->claims;
    for (unsigned kind = 0; kind < QUEUE_COUNT; kind++) {
        uint32_t ends[] = {ledger->extras[extra].queues[kind].first, ledger->extras[extra].queues[kind].last};
        AUDIT_CHECK(audit, I2, (ends[0] == 0) == (ends[1] == 0), astray);
        for (unsigned i = 0; i < 2 && ends[i] != 0; i++) {
            AUDIT_CHECK(audit, I2, ends[i] <= claims->line_count, astray);
            const struct claim_line *line = &claims->lines[ends[i] - 1];
            AUDIT_CHECK(audit, I2, line->links[kind].in && line->cell == ledger->extras[extra].cell, astray);
            AUDIT_CHECK(audit, I2, (i == 0 ? line->links[kind].previous : line->links[kind].next) == 0, astray);
        }
    }
    return true;
}

/* An open line is in the list of its cell, whose neighbours know it, and no other is. */
static bool line_listed(const struct claims *claims, uint32_t number, struct audit *audit)
{
    static const char astray[] = "the list of its cell's holds goes astray";
    const struct claim_line *line = &claims->lines[number];
    uint32_t previous = line->cell_previous;
    uint32_t next = line->cell_next;
    AUDIT_CHECK(audit, I2, previous <= claims->line_count && next <= claims->line_count, astray);
    if (!claim_line_is_open(line)) {
        AUDIT_CHECK(audit, I2, (previous | next) == 0, astray);
        return true;
    }
    if (previous == 0)
        AUDIT_CHECK(audit, I2, claims->cell_lines[line->cell] == number + 1, astray);
    else
        AUDIT_CHECK(audit, I2, claims->lines[previous - 1].cell_next == number + 1, astray);
    if (next != 0)
        AUDIT_CHECK(audit, I2, claims->lines[next - 1].cell_previous == number + 1 &&
                                   claims->lines[next - 1].cell == line->cell, astray);
    return true;
}

bool cell_lines_sound(const struct ledger *ledger, uint32_t cell, struct audit *audit)
{
    static const char astray[] = "the list of its holds goes astray";
    const struct claims *claims = &ledger->claims;
    uint32_t first = claims->cell_lines[cell];
    AUDIT_CHECK(audit, I2, first <= claims->line_count, astray);
    AUDIT_CHECK(audit, I2, first == 0 || (claims->lines[first - 1].cell == cell && claims->lines[first - 1].cell_previous == 0 &&
                                          claim_line_is_open(&claims->lines[first - 1])), astray);
    return true;
}

bool claim_line_sound(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    static const char lapsed[] = "what lapsed of it is not what expired";
    const struct claim_line *line = &ledger->claims.lines[number];
    int64_t open = line->units[CLAIM_HELD] + line->units[CLAIM_COMMITTED];
    if (!line_listed(&ledger->claims, number, audit))
        return false;
    if (line->last_seq == 0)
        return true;
    AUDIT_CHECK(audit, I2, claim_line_find(ledger, line->claim, line->cell) == number, "it is not among its hold's lines");
    for (unsigned f = 0; f < CLAIM_FIGURE_COUNT; f++)
        AUDIT_CHECK(audit, I2, line->units[f] >= 0, "a figure is below 0");
    audit->finding.expected = open + line->units[CLAIM_CONSUMED] + line->units[CLAIM_RELEASED] + line->units[CLAIM_EXPIRED];
    audit->finding.found = line->units[CLAIM_GRANTED];
    AUDIT_CHECK(audit, I2, audit->finding.found == audit->finding.expected,
                "what was granted is not what was consumed, released, has expired, and is open");
    AUDIT_CHECK(audit, I2, line->lapsed >= 0 && line->lapsed <= line->units[CLAIM_EXPIRED], lapsed);
    AUDIT_CHECK(audit, I2, line->lapsed == 0 || ledger->claims.entries[line->claim].state == CLAIM_STATE_EXPIRED, lapsed);
    AUDIT_CHECK(audit, I2, line->units[CLAIM_PICKED] <= line->units[CLAIM_COMMITTED], "more is picked than committed");
    AUDIT_CHECK(audit, I2, line->units[CLAIM_BACKORDERED] <= open, "more is backordered than open");
    AUDIT_CHECK(audit, I2, line->units[CLAIM_SHORT] <= line->units[CLAIM_BACKORDERED], "more is short than backordered");
    AUDIT_CHECK(audit, I3, line->units[CLAIM_QUOTA] <= open, "more is of a quota than open");
    AUDIT_CHECK(audit, I2, line->links[QUEUE_BACKORDERED].in == (line->units[CLAIM_BACKORDERED] != 0),
                "whether it waits for cover is not what it says");
    AUDIT_CHECK(audit, I2, line->links[QUEUE_WAITING].in == (line->units[CLAIM_WAITING] != 0),
                "whether it waits is not what it says");
    for (unsigned kind = 0; kind < QUEUE_COUNT; kind++) {
        if (!line_queued(ledger, number, (enum queue_kind)kind, audit))
            return false;
    }
    return promise_sound(ledger, number, audit);
}

bool expiry_sound(const struct ledger *ledger, uint32_t place, struct audit *audit)
{
    static const char astray[] = "the holds that expire are out of order";
    const struct claims *claims = &ledger->claims;
    AUDIT_CHECK(audit, I6, claims->heap[place] < claims->entry_count, astray);
    const struct claim *claim = &claims->entries[claims->heap[place]];
    AUDIT_CHECK(audit, I6, claim->heap_place == place + 1, astray);
    AUDIT_CHECK(audit, I6, place == 0 || expires_before(&claims->entries[claims->heap[(place - 1) / 2]], claim), astray);
    return true;
}

void claims_check(const struct ledger *ledger)
{
    const struct claims *claims = &ledger->claims;
    uint32_t live = 0;
    uint32_t kept = 0;
    uint32_t expiring = 0;
    uint32_t through_channels = 0;
    uint32_t lines = 0;
    for (uint32_t i = 0; i < claims->entry_count; i++) {
        const struct claim *claim = &claims->entries[i];
        if (claim->number == 0)
            continue;
        for (uint32_t l = claim->first_line; l != 0; l = claims->lines[l - 1].next)
            lines++;
        kept += claim->ended_at_us != TIME_NONE;
        live += claim->ended_at_us == TIME_NONE;
        expiring += claim->heap_place != 0;
        struct text channel = claim->ended_at_us == TIME_NONE ? textpool_text(&claims->texts, claim->channel) : TEXT_NONE;
        through_channels += text_present(channel) && ledger_number(ledger, NAME_CHANNEL, channel) != NUMBER_NONE;
    }
    for (uint32_t c = 0; c < ledger->names[NAME_CHANNEL].count; c++)
        through_channels -= ledger->channels[c].claims_live;
    CHECK(through_channels == 0);
    CHECK(live == claims->entry_live);
    CHECK(kept == claims->entry_kept);
    CHECK(kept != 0 || (claims->ended_first | claims->ended_last) == 0);
    CHECK(expiring == claims->heap_count);
    CHECK(live + kept == claims->index.count);
    CHECK(lines == claims->line_count - claims->line_free_count);
}

/* ---- lists ---- */

bool claim_is_kept(const struct ledger *ledger, uint32_t entry, int64_t now_us)
{
    const struct claim *claim = &ledger->claims.entries[entry];
    return claim->number != 0 && !is_past_window(ledger, claim, now_us);
}
