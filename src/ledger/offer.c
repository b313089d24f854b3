/*
 * Offers: what each channel may sell of each item (ATS, DESIGN I4), kept up as cells change.
 *
 * An offer is a sum over the channel's locations. An event changes one cell, so what the cell gave to each channel that
 * sells there is taken out before the event and put back in after it; nothing else is looked at, and a cell where no
 * channel sells costs one look at its location's bits. When a value has changed, its offer goes to the end of its
 * channel's list: from the end backwards the list is the feed of the channel's changes, each item once, with its present
 * value and the event behind it, bounded by the number of items however far a reader is behind.
 *
 * What silent sources withhold of a location (silence.c) is not in the sums: it may be granted, but is not shown.
 */
#include "ledger/decide.h"

struct offer_key {
    uint32_t channel, item;
};

size_t offers_bytes(uint32_t count_max)
{
    return region_round((size_t)count_max * sizeof(struct offer)) + table_bytes(count_max);
}

void offers_init(struct ledger *ledger, struct region *region)
{
    ledger->offers = region_take(region, ledger->limits.offer_count_max, sizeof(struct offer));
    table_init(&ledger->offer_index, region, ledger->limits.offer_count_max);
}

static bool offer_is(const void *owner, uint32_t entry, const void *key)
{
    const struct offer *offer = &((const struct ledger *)owner)->offers[entry];
    const struct offer_key *wanted = key;
    return ((offer->channel ^ wanted->channel) | (offer->item ^ wanted->item)) == 0;
}

struct offer *offer_find(const struct ledger *ledger, uint32_t channel, uint32_t item)
{
    struct offer_key key = {channel, item};
    uint32_t entry = table_find(&ledger->offer_index, cell_key_hash(ledger, item, channel), offer_is, ledger, &key);
    return entry == TABLE_NONE ? NULL : &ledger->offers[entry];
}

static uint32_t offer_number(const struct ledger *ledger, const struct offer *offer)
{
    return (uint32_t)(offer - ledger->offers);
}

static struct offer *offer_make(struct ledger *ledger, uint32_t channel, uint32_t item)
{
    struct offer *have = offer_find(ledger, channel, item);
    if (have != NULL)
        return have;
    CHECK(ledger->offer_count < ledger->limits.offer_count_max);
    struct offer *offer = &ledger->offers[ledger->offer_count];
    *offer = (struct offer){.channel = channel, .item = item};
    table_insert(&ledger->offer_index, cell_key_hash(ledger, item, channel), ledger->offer_count++);
    return offer;
}

/* An offer that was never configured nor differed from nothing is no state. */
static uint64_t offer_hash(const struct offer *offer)
{
    if ((offer->config_seq | offer->changed_seq) == 0)
        return 0;
    const uint64_t words[] = {offer->channel, offer->item, offer->has_buffer, offer->has_cap, (uint64_t)offer->buffer,
                              (uint64_t)offer->cap, offer->config_seq, (uint64_t)offer->ats, offer->changed_seq,
                              offer->changed_turn};
    return entry_hash(ENTRY_OFFER, words, sizeof(words) / sizeof(words[0]));
}

/* Whole units in base units, at most the largest quantity. */
static int64_t whole_units(int64_t units, uint8_t scale)
{
    for (; scale > 0; scale--) {
        if (units > QUANTITY_UNITS_MAX / 10)
            return QUANTITY_UNITS_MAX;
        units *= 10;
    }
    return units;
}

/* What is shown of units that are free where so much is withheld. */
static int64_t shown(const struct ledger *ledger, uint32_t item, int64_t withheld, int64_t units)
{
    if (LIKELY(withheld == 0))
        return units;
    return withheld == WITHHELD_ALL ? 0 : max_i64(0, units - whole_units(withheld, ledger->items[item].scale));
}

/* Of a cell with its present figures, through a channel. */
static int64_t cell_shown(const struct ledger *ledger, uint32_t number, uint32_t channel)
{
    const struct cell *cell = &ledger->cells[number];
    struct figures figures = cell_figures(ledger, number);
    return shown(ledger, cell->item, ledger->locations[cell->location].withheld,
                 channel_free(ledger, &figures, number, channel, 0));
}

/* Of a kit that can be put together there. */
static int64_t kit_shown(const struct ledger *ledger, uint32_t kit, uint32_t location, uint32_t channel)
{
    return shown(ledger, kit, ledger->locations[location].withheld, kit_buildable(ledger, kit, location, channel));
}

static struct offer_terms terms_of(const struct ledger *ledger, const struct offer *offer)
{
    const struct channel *channel = &ledger->channels[offer->channel];
    uint8_t scale = ledger->items[offer->item].scale;
    return (struct offer_terms){
        .own_buffer = offer->has_buffer,
        .own_cap = offer->has_cap,
        .buffer = offer->has_buffer ? offer->buffer : whole_units(channel->buffer, scale),
        .cap = offer->has_cap ? offer->cap : channel->has_cap ? whole_units(channel->cap, scale) : QUANTITY_UNITS_MAX,
    };
}

static int64_t offer_ats(const struct ledger *ledger, const struct offer *offer)
{
    struct offer_terms terms = terms_of(ledger, offer);
    return max_i64(0, min_i64(offer->free - terms.buffer, terms.cap));
}

static void list_remove(struct ledger *ledger, struct offer *offer)
{
    struct channel *channel = &ledger->channels[offer->channel];
    uint32_t *from_before = offer->previous != 0 ? &ledger->offers[offer->previous - 1].next : &channel->offer_first;
    uint32_t *from_behind = offer->next != 0 ? &ledger->offers[offer->next - 1].previous : &channel->offer_last;
    *from_before = offer->next;
    *from_behind = offer->previous;
    offer->next = offer->previous = 0;
}

static void list_append(struct ledger *ledger, struct offer *offer)
{
    struct channel *channel = &ledger->channels[offer->channel];
    uint32_t number = offer_number(ledger, offer) + 1;
    offer->previous = channel->offer_last;
    offer->next = 0;
    offer->changed_turn = 0;
    if (channel->offer_last != 0 && ledger->offers[channel->offer_last - 1].changed_seq == offer->changed_seq)
        offer->changed_turn = ledger->offers[channel->offer_last - 1].changed_turn + 1;
    if (channel->offer_last != 0)
        ledger->offers[channel->offer_last - 1].next = number;
    else
        channel->offer_first = number;
    channel->offer_last = number;
}

/* Tells a changed value, once per event behind it. */
static void offer_settle(struct ledger *ledger, struct offer *offer, uint64_t seq)
{
    int64_t ats = offer_ats(ledger, offer);
    if (ats == offer->ats)
        return;
    hash_out(ledger, PART_OFFER, offer_number(ledger, offer), offer_hash(offer));
    offer->ats = ats;
    if (offer->changed_seq != 0)
        list_remove(ledger, offer);
    offer->changed_seq = seq;
    list_append(ledger, offer);
    hash_in(ledger, PART_OFFER, offer_number(ledger, offer), offer_hash(offer));
}

/* Calls for each channel that sells from the location: for (c = next_channel(l, 0); c < CHANNELS_MAX; ...). */
static uint32_t next_channel(const struct ledger *ledger, uint32_t location, uint32_t from)
{
    const uint64_t *words = ledger->location_channels[location];
    for (uint32_t w = from / 64; w < CHANNEL_WORDS; w++) {
        uint64_t bits = words[w] & (w == from / 64 ? UINT64_MAX << from % 64 : UINT64_MAX);
        if (bits != 0)
            return w * 64 + (uint32_t)__builtin_ctzll(bits);
    }
    return CHANNELS_MAX;
}
#define FOR_CHANNELS(ledger, location, c)                                                                              \
    for (uint32_t c = next_channel((ledger), (location), 0); c < CHANNELS_MAX; c = next_channel((ledger), (location), c + 1))

void offers_before(struct ledger *ledger, uint32_t item, uint32_t location, uint32_t number)
{
    FOR_CHANNELS(ledger, location, c)
    {
        if (number != NUMBER_NONE)
            offer_make(ledger, c, item)->free -= cell_shown(ledger, number, c);
        for (uint32_t p = ledger->items[item].first_use; p != 0; p = ledger->parts.entries[p - 1].next_of_component) {
            uint32_t kit = ledger->parts.entries[p - 1].kit;
            offer_make(ledger, c, kit)->free -= kit_shown(ledger, kit, location, c);
        }
    }
}

void offers_after(struct ledger *ledger, uint32_t number, uint64_t seq)
{
    const struct cell *cell = &ledger->cells[number];
    FOR_CHANNELS(ledger, cell->location, c)
    {
        struct offer *offer = offer_make(ledger, c, cell->item);
        offer->free += cell_shown(ledger, number, c);
        offer_settle(ledger, offer, seq);
        for (uint32_t p = ledger->items[cell->item].first_use; p != 0;
             p = ledger->parts.entries[p - 1].next_of_component) {
            uint32_t kit = ledger->parts.entries[p - 1].kit;
            offer = offer_make(ledger, c, kit);
            offer->free += kit_shown(ledger, kit, cell->location, c);
            offer_settle(ledger, offer, seq);
        }
    }
}

/* What can be put together of a kit at all of a channel's places. */
static int64_t kit_free(const struct ledger *ledger, uint32_t kit, uint32_t channel)
{
    int64_t sum = 0;
    if (!item_is_kit(ledger, kit))
        return 0;
    for (uint32_t i = 0; i < ledger->channels[channel].place_count; i++)
        sum += kit_shown(ledger, kit, ledger->channels[channel].places[i], channel);
    return sum;
}

void offers_kit_before(struct ledger *ledger, uint32_t kit)
{
    for (uint32_t c = 0; item_is_kit(ledger, kit) && c < ledger->names[NAME_CHANNEL].count; c++)
        offer_make(ledger, c, kit)->free -= kit_free(ledger, kit, c);
}

void offers_kit_after(struct ledger *ledger, uint32_t kit, uint64_t seq)
{
    for (uint32_t c = 0; c < ledger->names[NAME_CHANNEL].count; c++) {
        struct offer *offer = item_is_kit(ledger, kit) ? offer_make(ledger, c, kit) : offer_find(ledger, c, kit);
        if (offer == NULL)
            continue;
        offer->free += kit_free(ledger, kit, c);
        offer_settle(ledger, offer, seq);
    }
}

/* Would the channel sell this item: has it a cell at one of the places, or is it put together? */
static bool sells(const struct ledger *ledger, const struct channel *channel, uint32_t item)
{
    if (item_is_kit(ledger, item))
        return true;
    for (uint32_t c = ledger->items[item].first_cell; c != 0; c = ledger->cells[c - 1].next_of_item) {
        for (uint32_t i = 0; i < channel->place_count; i++) {
            if (ledger->cells[c - 1].location == channel->places[i])
                return true;
        }
    }
    return false;
}

/* Offers that a channel configured so makes. */
static uint32_t offers_of_channel(const struct ledger *ledger, const struct event *event)
{
    struct channel channel;
    uint32_t count = 0;
    channel_form_read(event->config, &channel);
    for (uint32_t i = 0; i < ledger->names[NAME_ITEM].count; i++)
        count += offer_find(ledger, event->config_number, i) == NULL && sells(ledger, &channel, i);
    return count;
}

/* Offers this event makes, at most; two events of one decision may count the same one. */
static uint32_t offers_new(const struct ledger *ledger, const struct event *event)
{
    if (event->config_space == NAME_ITEM)
        return ledger->names[NAME_CHANNEL].count; /* it may become a kit */
    if (event->config_space == NAME_CHANNEL && event->config_deleted)
        return 0;
    if (event->config_space == NAME_CHANNEL)
        return event->item != NUMBER_NONE ? 1 : offers_of_channel(ledger, event);
    if (event->location == NUMBER_NONE || event->location >= ledger->names[NAME_LOCATION].count)
        return 0;
    uint32_t count = 0;
    FOR_CHANNELS(ledger, event->location, c)
    {
        count += offer_find(ledger, c, event->item) == NULL;
        uint32_t part = event->item < ledger->names[NAME_ITEM].count ? ledger->items[event->item].first_use : 0;
        for (; part != 0; part = ledger->parts.entries[part - 1].next_of_component)
            count += offer_find(ledger, c, ledger->parts.entries[part - 1].kit) == NULL;
    }
    return count;
}

bool offers_room(const struct ledger *ledger, const struct decision *decision)
{
    uint32_t left = ledger->limits.offer_count_max - ledger->offer_count;
    /* Far from full, nobody needs to count: a decision's cells times all channels and all kits; all items of a channel. */
    uint64_t offers_per_cell = (uint64_t)CHANNELS_MAX * (1 + ledger->parts.count);
    bool of_channel = decision->kind == KIND_SET_CHANNEL || decision->kind == KIND_PUT_CHANNEL;
    uint64_t all_items = UNLIKELY(of_channel) ? ledger->names[NAME_ITEM].count : 0;
    if (LIKELY(left > decision->event_count * offers_per_cell + all_items))
        return true;
    uint64_t wanted = 0;
    for (uint32_t i = 0; i < decision->event_count; i++)
        wanted += offers_new(ledger, &decision->events[i]);
    return wanted <= left;
}

void offer_evolve(struct ledger *ledger, const struct event *event)
{
    struct offer *offer = offer_make(ledger, event->config_number, event->item);
    hash_out(ledger, PART_OFFER, offer_number(ledger, offer), offer_hash(offer));
    struct offer configured;
    offer_form_read(event->config, &configured);
    offer->has_buffer = configured.has_buffer;
    offer->has_cap = configured.has_cap;
    offer->buffer = configured.buffer;
    offer->cap = configured.cap;
    offer->config_seq = event->seq;
    hash_in(ledger, PART_OFFER, offer_number(ledger, offer), offer_hash(offer));
    offer_settle(ledger, offer, event->seq);
}

/* ---- a channel changes ---- */

/*
 * A channel sums over the cells at its places, so only what changes of it is summed anew. Its buffer and cap change no sum.
 * A place more or less changes its own by what is free there; whether it shares the rest changes all of its own. The
 * order of the channels matters where quotas are cut: in cells where it has one, for all channels there.
 */
struct channel_change {
    bool places; /* it has other ones */
    bool order;  /* it is served before, or behind, others than it was, and has quotas */
    bool whole;  /* all that is free through it is summed anew */
    bool limits; /* buffer or cap */
};

static bool has_place(const struct channel *channel, uint32_t location)
{
    uint32_t i = 0;
    while (i < channel->place_count && channel->places[i] != location)
        i++;
    return i < channel->place_count;
}

static struct channel_change change_of(const struct ledger *ledger, const struct channel *old, const struct channel *new)
{
    bool places = old->place_count != new->place_count ||
                  memcmp(old->places, new->places, old->place_count * sizeof(old->places[0])) != 0;
    bool order = old->priority != new->priority && ledger->quota_count != 0;
    return (struct channel_change){
        .places = places,
        .order = order,
        .whole = old->shares_rest != new->shares_rest || (places && order),
        .limits = old->buffer != new->buffer || old->has_cap != new->has_cap || old->cap != new->cap,
    };
}

/* The kit whose first part this is, or NUMBER_NONE: so each kit is met once. */
static uint32_t kit_of_part(const struct ledger *ledger, uint32_t part)
{
    const struct kit_part *entry = &ledger->parts.entries[part];
    bool first = entry->units != 0 && ledger->items[entry->kit].first_part == part + 1; /* else a free part, or not the first */
    return first ? entry->kit : NUMBER_NONE;
}

/* Puts in, or takes out (sign -1), what is free through the channel at its places that `other` does not have. */
static void sum_places(struct ledger *ledger, uint32_t channel, const struct channel *other, int64_t sign)
{
    const struct channel *own = &ledger->channels[channel];
    uint32_t places[COMMAND_PLACES_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < own->place_count; i++) {
        if (!has_place(other, own->places[i]))
            places[count++] = own->places[i];
    }
    if (count == 0)
        return;
    for (uint32_t i = 0; i < ledger->cell_count; i++) {
        const struct cell *cell = &ledger->cells[i];
        if (!channel_serves(ledger, channel, cell->location) || has_place(other, cell->location))
            continue;
        offer_make(ledger, channel, cell->item)->free += sign * cell_shown(ledger, i, channel);
    }
    for (uint32_t p = 0; p < ledger->parts.count; p++) {
        uint32_t kit = kit_of_part(ledger, p);
        for (uint32_t i = 0; kit != NUMBER_NONE && i < count; i++)
            offer_make(ledger, channel, kit)->free += sign * kit_shown(ledger, kit, places[i], channel);
    }
}

/* Has the channel a quota of one of its components anywhere? */
static bool kit_has_quota(const struct ledger *ledger, uint32_t kit, uint32_t channel)
{
    for (uint32_t p = ledger->items[kit].first_part; p != 0; p = ledger->parts.entries[p - 1].next_of_kit) {
        uint32_t component = ledger->parts.entries[p - 1].component;
        for (uint32_t c = ledger->items[component].first_cell; c != 0; c = ledger->cells[c - 1].next_of_item) {
            if (quota_find(ledger, c - 1, channel) != NULL)
                return true;
        }
    }
    return false;
}

/* For all channels but one (NUMBER_NONE: for all), where the order of this one matters: puts in what is free there,
 * takes it out (sign -1), or tells what has changed (0). Who has no quota in a cell is not touched by the order. */
static void sum_order(struct ledger *ledger, uint32_t channel, uint32_t but, int64_t sign, uint64_t seq)
{
    for (uint32_t q = 0; q < ledger->quota_count; q++) {
        if (ledger->quotas[q].channel != channel)
            continue;
        uint32_t number = ledger->quotas[q].cell;
        const struct cell *cell = &ledger->cells[number];
        uint32_t first = cell_extra(ledger, number)->quota_first;
        if (ledger->quotas[first - 1].next == 0)
            continue; /* the only one */
        for (uint32_t other = first; other != 0; other = ledger->quotas[other - 1].next) {
            uint32_t c = ledger->quotas[other - 1].channel;
            if (c == but || !channel_serves(ledger, c, cell->location))
                continue;
            struct offer *offer = offer_make(ledger, c, cell->item);
            if (sign == 0)
                offer_settle(ledger, offer, seq);
            else
                offer->free += sign * cell_shown(ledger, number, c);
        }
    }
    for (uint32_t p = 0; p < ledger->parts.count; p++) {
        uint32_t kit = kit_of_part(ledger, p);
        if (kit == NUMBER_NONE || !kit_has_quota(ledger, kit, channel))
            continue;
        for (uint32_t c = 0; c < ledger->names[NAME_CHANNEL].count; c++) {
            if (c == but || ledger->channels[c].place_count == 0)
                continue;
            struct offer *offer = offer_make(ledger, c, kit);
            if (sign == 0)
                offer_settle(ledger, offer, seq);
            else
                offer->free += sign * kit_free(ledger, kit, c);
        }
    }
}

void offers_channel_before(struct ledger *ledger, uint32_t channel, const struct channel *after)
{
    const struct channel_change change = change_of(ledger, &ledger->channels[channel], after);
    if (change.order)
        sum_order(ledger, channel, change.whole ? channel : NUMBER_NONE, -1, 0);
    if (change.places && !change.whole)
        sum_places(ledger, channel, after, -1);
}

void offers_channel_after(struct ledger *ledger, uint32_t channel, const struct channel *before, uint64_t seq)
{
    static const struct channel nowhere = {0};
    const struct channel_change change = change_of(ledger, before, &ledger->channels[channel]);
    uint32_t but = change.whole ? channel : NUMBER_NONE;
    for (uint32_t i = 0; change.whole && i < ledger->offer_count; i++) {
        if (ledger->offers[i].channel == channel)
            ledger->offers[i].free = 0;
    }
    if (change.whole || change.places)
        sum_places(ledger, channel, change.whole ? &nowhere : before, 1);
    if (change.order) {
        sum_order(ledger, channel, but, 1, 0);
        sum_order(ledger, channel, but, 0, seq); /* when all sums are what they are now: each is told once */
    }
    for (uint32_t i = 0; (change.whole || change.places || change.limits) && i < ledger->offer_count; i++) {
        if (ledger->offers[i].channel == channel)
            offer_settle(ledger, &ledger->offers[i], seq);
    }
}

/* ---- what is withheld changes ---- */

/* So many units more are shown, of which `units` are free there. */
static int64_t shown_more(const struct ledger *ledger, uint32_t item, const struct withheld_place *place, int64_t units)
{
    return shown(ledger, item, ledger->locations[place->location].withheld, units) -
           shown(ledger, item, place->before, units);
}

void offers_withheld(struct ledger *ledger, const struct withheld *withheld, uint64_t seq)
{
    const struct withheld_place *changed[sizeof(withheld->places) / sizeof(withheld->places[0])];
    uint32_t count = 0;
    for (uint32_t i = 0; i < withheld->count; i++) {
        const struct withheld_place *place = &withheld->places[i];
        if (ledger->locations[place->location].withheld != place->before && offers_at(ledger, place->location))
            changed[count++] = place;
    }
    if (count == 0)
        return;
    for (uint32_t i = 0; i < ledger->cell_count; i++) {
        const struct cell *cell = &ledger->cells[i];
        uint32_t place = 0;
        while (place < count && changed[place]->location != cell->location)
            place++;
        if (place == count)
            continue;
        struct figures figures = cell_figures(ledger, i);
        FOR_CHANNELS(ledger, cell->location, c)
        {
            int64_t more = shown_more(ledger, cell->item, changed[place], channel_free(ledger, &figures, i, c, 0));
            if (more != 0)
                offer_find(ledger, c, cell->item)->free += more;
        }
    }
    for (uint32_t p = 0; p < ledger->parts.count; p++) {
        uint32_t kit = kit_of_part(ledger, p);
        for (uint32_t i = 0; kit != NUMBER_NONE && i < count; i++) {
            uint32_t location = changed[i]->location;
            FOR_CHANNELS(ledger, location, c)
                offer_find(ledger, c, kit)->free +=
                    shown_more(ledger, kit, changed[i], kit_buildable(ledger, kit, location, c));
        }
    }
    for (uint32_t i = 0; i < ledger->offer_count; i++) /* when all sums are what they are now: each is told once */
        offer_settle(ledger, &ledger->offers[i], seq);
}

/* ---- check ---- */

bool offer_hashed(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    audit->hash += offer_hash(&ledger->offers[number]);
    return true;
}

/* Its neighbours in the list know it, and are in order. */
static bool offer_listed(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    static const char astray[] = "the list of its channel's changes goes astray";
    const struct offer *offer = &ledger->offers[number];
    const struct channel *channel = &ledger->channels[offer->channel];
    AUDIT_CHECK(audit, I4, offer->previous <= ledger->offer_count && offer->next <= ledger->offer_count, astray);
    if (offer->changed_seq == 0) {
        AUDIT_CHECK(audit, I4, (offer->next | offer->previous | offer->changed_turn) == 0, astray);
        return true;
    }
    if (offer->previous == 0) {
        AUDIT_CHECK(audit, I4, channel->offer_first == number + 1, astray);
    } else {
        const struct offer *before = &ledger->offers[offer->previous - 1];
        AUDIT_CHECK(audit, I4, before->next == number + 1 && before->channel == offer->channel, astray);
        AUDIT_CHECK(audit, I4, before->changed_seq < offer->changed_seq ||
                                   (before->changed_seq == offer->changed_seq &&
                                    before->changed_turn < offer->changed_turn), astray);
    }
    if (offer->next == 0)
        AUDIT_CHECK(audit, I4, channel->offer_last == number + 1, astray);
    else
        AUDIT_CHECK(audit, I4, ledger->offers[offer->next - 1].previous == number + 1, astray);
    return true;
}

bool offer_list_sound(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    static const char astray[] = "the list of its changes goes astray";
    const struct channel *channel = &ledger->channels[number];
    AUDIT_CHECK(audit, I4, channel->offer_first <= ledger->offer_count && channel->offer_last <= ledger->offer_count, astray);
    AUDIT_CHECK(audit, I4, (channel->offer_first == 0) == (channel->offer_last == 0), astray);
    if (channel->offer_first == 0)
        return true;
    const struct offer *first = &ledger->offers[channel->offer_first - 1];
    const struct offer *last = &ledger->offers[channel->offer_last - 1];
    AUDIT_CHECK(audit, I4, first->channel == number && first->previous == 0 && first->changed_seq != 0, astray);
    AUDIT_CHECK(audit, I4, last->channel == number && last->next == 0 && last->changed_seq != 0, astray);
    return true;
}

bool offer_sound(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    const struct offer *offer = &ledger->offers[number];
    AUDIT_CHECK(audit, STATE, offer_find(ledger, offer->channel, offer->item) == offer,
                "the index does not find it by its channel and item");
    AUDIT_CHECK(audit, I4,
                offer->config_seq != 0 || !(offer->has_buffer || offer->has_cap || offer->buffer != 0 || offer->cap != 0),
                "it has limits that nobody set");
    const struct channel *channel = &ledger->channels[offer->channel];
    int64_t free_units = kit_free(ledger, offer->item, offer->channel);
    for (uint32_t i = 0; i < channel->place_count; i++) {
        uint32_t cell = cell_find(ledger, offer->item, channel->places[i]);
        if (cell != NUMBER_NONE)
            free_units += cell_shown(ledger, cell, offer->channel);
    }
    audit->looked_at += channel->place_count;
    audit->finding.expected = free_units;
    audit->finding.found = offer->free;
    AUDIT_CHECK(audit, I4, offer->free == free_units, "it is not the sum of what is shown at its channel's locations");
    audit->finding.expected = offer_ats(ledger, offer);
    audit->finding.found = offer->ats;
    AUDIT_CHECK(audit, I4, offer->ats == audit->finding.expected, "it is not what is free less the buffer, up to the cap");
    return offer_listed(ledger, number, audit);
}

bool offers_made(const struct ledger *ledger, uint32_t cell, struct audit *audit)
{
    FOR_CHANNELS(ledger, ledger->cells[cell].location, c)
        AUDIT_CHECK(audit, I4, offer_find(ledger, c, ledger->cells[cell].item) != NULL, "a channel that sells it has no offer");
    return true;
}

void offers_check(const struct ledger *ledger)
{
    CHECK(ledger->offer_index.count == ledger->offer_count);
}

/* ---- views ---- */

bool ledger_offer_terms(const struct ledger *ledger, uint32_t channel, uint32_t item, struct offer_terms *out_terms)
{
    const struct offer *offer = offer_find(ledger, channel, item);
    if (offer != NULL)
        *out_terms = terms_of(ledger, offer);
    return offer != NULL;
}

int64_t ledger_shown(const struct ledger *ledger, uint32_t cell, uint32_t channel)
{
    return cell_shown(ledger, cell, channel);
}

int64_t ledger_kits(const struct ledger *ledger, uint32_t kit, uint32_t location, uint32_t channel, int64_t *out_shown)
{
    bool is_kit = item_is_kit(ledger, kit);
    *out_shown = is_kit ? kit_shown(ledger, kit, location, channel) : 0;
    return is_kit ? kit_buildable(ledger, kit, location, channel) : 0;
}

int64_t ledger_ats(const struct ledger *ledger, uint32_t channel, uint32_t item)
{
    const struct offer *offer = offer_find(ledger, channel, item);
    return offer == NULL ? 0 : offer->ats;
}

uint32_t ledger_offer_count(const struct ledger *ledger)
{
    return ledger->offer_count;
}

void ledger_offer(const struct ledger *ledger, uint32_t number, struct offer_view *out_view)
{
    const struct offer *offer = &ledger->offers[number];
    *out_view = (struct offer_view){offer->channel, offer->item, ledger->items[offer->item].scale, offer->ats,
                                    {offer->changed_seq, offer->changed_turn}};
}

struct offer_turn ledger_offer_turn(const struct ledger *ledger, uint32_t offer)
{
    return (struct offer_turn){ledger->offers[offer].changed_seq, ledger->offers[offer].changed_turn};
}

uint64_t ledger_offers_changed(const struct ledger *ledger, uint32_t channel)
{
    const struct channel *own = &ledger->channels[channel];
    if (ledger->names[NAME_CHANNEL].retired[channel])
        return own->config_seq; /* when it was given up: behind all else it had */
    return own->offer_last == 0 ? 0 : ledger->offers[own->offer_last - 1].changed_seq;
}

uint32_t ledger_offer_before(const struct ledger *ledger, uint32_t channel, uint32_t offer)
{
    uint32_t c = offer == NUMBER_NONE ? channel : ledger->offers[offer].channel;
    uint32_t number = offer == NUMBER_NONE ? ledger->channels[c].offer_last : ledger->offers[offer].previous;
    while (number == 0 && ledger->channels[c].former != 0) {
        c = ledger->channels[c].former - 1;
        number = ledger->channels[c].offer_last;
    }
    return number == 0 ? NUMBER_NONE : number - 1;
}

uint32_t ledger_offer_behind(const struct ledger *ledger, uint32_t channel, uint32_t offer)
{
    uint32_t c = offer == NUMBER_NONE ? channel : ledger->offers[offer].channel;
    while (offer == NUMBER_NONE && ledger->channels[c].former != 0)
        c = ledger->channels[c].former - 1;
    uint32_t number = offer == NUMBER_NONE ? ledger->channels[c].offer_first : ledger->offers[offer].next;
    while (number == 0 && ledger->channels[c].latter != 0) {
        c = ledger->channels[c].latter - 1;
        number = ledger->channels[c].offer_first;
    }
    return number == 0 ? NUMBER_NONE : number - 1;
}

bool ledger_offer_stands(const struct ledger *ledger, uint32_t offer)
{
    const struct offer *told = &ledger->offers[offer];
    bool again = false;
    for (uint32_t c = ledger->channels[told->channel].latter; c != 0 && !again; c = ledger->channels[c - 1].latter) {
        const struct offer *later = offer_find(ledger, c - 1, told->item);
        again = later != NULL && later->changed_seq != 0;
    }
    return !again;
}
