/*
 * Channels and their quotas: who else may have what is in a cell.
 *
 * What may be granted in a cell is its pool (I3). Parts of it are set apart for channels: their quotas. Those are promises
 * about stock that may shrink under them, so they are cut when the pool no longer holds all of them: by the channels'
 * priority, the first served whole. What is left over is the rest, shared by whoever may.
 *
 *     pool        |----------------------------------------|
 *     quotas      |--- web 40 ---|-- amz 30 --|
 *     rest                                    |-- shared --|
 *
 * A channel's configuration travels as bytes in its config event, whole each time:
 *
 *     channel     u8 flags (1 shares the rest, 2 has a cap) | varint priority | varint buffer | [varint cap]
 *                 | varint locations | varint number each
 *     of an item  u8 flags (1 has a buffer, 2 has a cap) | [varint buffer] | [varint cap]
 */
#include "ledger/decide.h"

#include "base/bytes.h"

enum { FORM_SHARES = 1, FORM_CAP = 2, FORM_OWN_BUFFER = 1, FORM_OWN_CAP = 2 };

/* ---- the form ---- */

struct text channel_form_write(const struct channel *channel, uint8_t *room)
{
    struct writer w = writer_of(room, CONFIG_BYTES_MAX);
    write_u8(&w, (uint8_t)((channel->shares_rest ? FORM_SHARES : 0) | (channel->has_cap ? FORM_CAP : 0)));
    write_varint(&w, channel->priority);
    write_varint(&w, (uint64_t)channel->buffer);
    if (channel->has_cap)
        write_varint(&w, (uint64_t)channel->cap);
    write_varint(&w, channel->place_count);
    for (uint32_t i = 0; i < channel->place_count; i++)
        write_varint(&w, channel->places[i]);
    CHECK(!w.full);
    return text_of((const char *)room, writer_bytes(&w));
}

void channel_form_read(struct text form, struct channel *out_channel)
{
    struct reader r = reader_of((const uint8_t *)form.bytes, form.length);
    uint8_t flags = read_u8(&r);
    *out_channel = (struct channel){
        .shares_rest = (flags & FORM_SHARES) != 0,
        .has_cap = (flags & FORM_CAP) != 0,
        .priority = (uint32_t)read_varint(&r),
        .buffer = (int64_t)read_varint(&r),
    };
    out_channel->cap = out_channel->has_cap ? (int64_t)read_varint(&r) : 0;
    uint64_t count = read_varint(&r);
    CHECK(count <= COMMAND_PLACES_MAX);
    for (uint32_t i = 0; i < count; i++)
        out_channel->places[i] = (uint32_t)read_varint(&r);
    out_channel->place_count = (uint32_t)count;
    CHECK(!r.bad && reader_left(&r) == 0);
}

struct text offer_form_write(const struct offer *offer, uint8_t *room)
{
    struct writer w = writer_of(room, CONFIG_BYTES_MAX);
    write_u8(&w, (uint8_t)((offer->has_buffer ? FORM_OWN_BUFFER : 0) | (offer->has_cap ? FORM_OWN_CAP : 0)));
    if (offer->has_buffer)
        write_varint(&w, (uint64_t)offer->buffer);
    if (offer->has_cap)
        write_varint(&w, (uint64_t)offer->cap);
    CHECK(!w.full);
    return text_of((const char *)room, writer_bytes(&w));
}

void offer_form_read(struct text form, struct offer *out_offer)
{
    struct reader r = reader_of((const uint8_t *)form.bytes, form.length);
    uint8_t flags = read_u8(&r);
    *out_offer = (struct offer){.has_buffer = (flags & FORM_OWN_BUFFER) != 0, .has_cap = (flags & FORM_OWN_CAP) != 0};
    out_offer->buffer = out_offer->has_buffer ? (int64_t)read_varint(&r) : 0;
    out_offer->cap = out_offer->has_cap ? (int64_t)read_varint(&r) : 0;
    CHECK(!r.bad && reader_left(&r) == 0);
}

/* ---- channels ---- */

static uint64_t channel_hash(const struct ledger *ledger, uint32_t number)
{
    const struct channel *channel = &ledger->channels[number];
    uint64_t hash = 0;
    const uint64_t words[] = {number,
                              channel->config_seq,
                              channel->priority,
                              channel->shares_rest,
                              channel->has_cap,
                              (uint64_t)channel->buffer,
                              (uint64_t)channel->cap,
                              channel->place_count};
    hash = entry_hash(ENTRY_CHANNEL, words, sizeof(words) / sizeof(words[0]));
    for (uint32_t i = 0; i < channel->place_count; i++) {
        const uint64_t place[] = {number, i, channel->places[i]};
        hash += entry_hash(ENTRY_CHANNEL, place, 3);
    }
    return hash;
}

static bool served_before(const struct ledger *ledger, uint32_t a, uint32_t b)
{
    uint32_t pa = ledger->channels[a].priority == CHANNEL_PRIORITY_NONE ? UINT32_MAX : ledger->channels[a].priority;
    uint32_t pb = ledger->channels[b].priority == CHANNEL_PRIORITY_NONE ? UINT32_MAX : ledger->channels[b].priority;
    if (pa != pb)
        return pa < pb;
    struct text x = ledger_name(ledger, NAME_CHANNEL, a);
    struct text y = ledger_name(ledger, NAME_CHANNEL, b);
    uint32_t n = x.length < y.length ? x.length : y.length;
    int order = memcmp(x.bytes, y.bytes, n);
    return order != 0 ? order < 0 : x.length < y.length;
}

/* Ranks all channels and says for each location which of them sell from it. Both are few and change rarely. */
static void channels_derive(struct ledger *ledger)
{
    uint32_t count = ledger->names[NAME_CHANNEL].count;
    memset(ledger->location_channels, 0, (size_t)ledger->names[NAME_LOCATION].count * sizeof(ledger->location_channels[0]));
    for (uint32_t c = 0; c < count; c++) {
        struct channel *channel = &ledger->channels[c];
        channel->rank = 0;
        for (uint32_t other = 0; other < count; other++)
            channel->rank += other != c && served_before(ledger, other, c);
        for (uint32_t i = 0; i < channel->place_count; i++)
            ledger->location_channels[channel->places[i]][c / 64] |= UINT64_C(1) << c % 64;
    }
}

/* The last channel of this name, given up or not, among those before a number; NUMBER_NONE for none. */
static uint32_t channel_of_name(const struct ledger *ledger, struct text name, uint32_t before)
{
    while (before != 0 && !text_equal(ledger_name(ledger, NAME_CHANNEL, before - 1), name))
        before--;
    return before == 0 ? NUMBER_NONE : before - 1;
}

void channel_create(struct ledger *ledger, uint32_t number)
{
    struct text name = ledger_name(ledger, NAME_CHANNEL, number);
    ledger->channels[number] = (struct channel){.shares_rest = true, .claims_live = claims_through(ledger, name)};
    uint32_t former = channel_of_name(ledger, name, number);
    if (former != NUMBER_NONE) {
        ledger->channels[number].former = former + 1;
        ledger->channels[former].latter = number + 1;
    }
    hash_in(ledger, PART_CHANNEL, number, channel_hash(ledger, number));
    channels_derive(ledger);
}

bool channel_serves(const struct ledger *ledger, uint32_t channel, uint32_t location)
{
    return (ledger->location_channels[location][channel / 64] >> channel % 64 & 1) != 0;
}

void channel_evolve(struct ledger *ledger, const struct event *event)
{
    CHECK(event->config_number < ledger->names[NAME_CHANNEL].count);
    if (event->item != NUMBER_NONE) {
        offer_evolve(ledger, event);
        return;
    }
    struct channel *channel = &ledger->channels[event->config_number];
    hash_out(ledger, PART_CHANNEL, event->config_number, channel_hash(ledger, event->config_number));
    struct channel configured = {.shares_rest = true};
    if (event->config_deleted)
        name_retire(ledger, NAME_CHANNEL, event->config_number);
    else
        channel_form_read(event->config, &configured);
    configured.config_seq = event->seq;
    configured.offer_first = channel->offer_first;
    configured.offer_last = channel->offer_last;
    configured.former = channel->former;
    configured.latter = channel->latter;
    configured.claims_live = channel->claims_live;
    const struct channel before = *channel;
    offers_channel_before(ledger, event->config_number, &configured);
    *channel = configured;
    hash_in(ledger, PART_CHANNEL, event->config_number, channel_hash(ledger, event->config_number));
    channels_derive(ledger);
    offers_channel_after(ledger, event->config_number, &before, event->seq);
    for (uint32_t i = 0; i < ledger->extra_count; i++)
        pending_consider(ledger, ledger->extras[i].cell);
}

/* ---- quotas ---- */

static uint64_t quota_hash(const struct quota *quota)
{
    const uint64_t words[] = {quota->cell, quota->channel, (uint64_t)quota->units, quota->last_seq};
    return entry_hash(ENTRY_QUOTA, words, 4);
}

static uint32_t quota_number(const struct ledger *ledger, const struct quota *quota)
{
    return (uint32_t)(quota - ledger->quotas);
}

struct quota *quota_find(const struct ledger *ledger, uint32_t cell, uint32_t channel)
{
    const struct cell_extra *extra = cell == NUMBER_NONE ? NULL : cell_extra(ledger, cell);
    for (uint32_t q = extra == NULL ? 0 : extra->quota_first; q != 0; q = ledger->quotas[q - 1].next) {
        if (ledger->quotas[q - 1].channel == channel)
            return &ledger->quotas[q - 1];
    }
    return NULL;
}

void quota_evolve(struct ledger *ledger, const struct event *event, uint32_t cell)
{
    CHECK(event->channel_number < ledger->names[NAME_CHANNEL].count);
    CHECK(event->quota >= 0);
    struct quota *quota = quota_find(ledger, cell, event->channel_number);
    if (quota == NULL) {
        CHECK(ledger->quota_count < ledger->limits.quota_count_max);
        struct cell_extra *extra = cell_extra_make(ledger, cell);
        quota = &ledger->quotas[ledger->quota_count++];
        *quota = (struct quota){.cell = cell, .channel = event->channel_number, .next = extra->quota_first};
        extra->quota_first = ledger->quota_count;
    } else {
        hash_out(ledger, PART_QUOTA, quota_number(ledger, quota), quota_hash(quota));
    }
    CHECK(event->quota == quota->units + event->quota_delta);
    quota->units = event->quota;
    quota->last_seq = event->seq;
    hash_in(ledger, PART_QUOTA, quota_number(ledger, quota), quota_hash(quota));
}

/* ---- what is free ---- */

/* Parts of the pool that channels served before `rank` keep, and the whole that all keep. */
static int64_t kept_before(const struct ledger *ledger, uint32_t first, uint32_t rank, uint32_t own, int64_t own_back,
                           int64_t pool)
{
    int64_t sum = 0;
    for (uint32_t q = first; q != 0; q = ledger->quotas[q - 1].next) {
        const struct quota *quota = &ledger->quotas[q - 1];
        if (ledger->channels[quota->channel].rank < rank)
            sum += quota->units + (quota->channel == own ? own_back : 0); /* few terms below 2^53: no overflow */
    }
    return min_i64(sum, pool);
}

int64_t channel_free(const struct ledger *ledger, const struct figures *figures, uint32_t cell, uint32_t channel,
                     int64_t quota_back)
{
    if (cell != NUMBER_NONE && is_bin(ledger, ledger->cells[cell].location))
        return 0; /* its goods are promised at its node */
    int64_t pool = max_i64(0, figures_available(figures) + figures->units[FIGURE_BACKORDERED] -
                                  figures->units[FIGURE_SAFETY_STOCK]);
    bool shares = channel == NUMBER_NONE || ledger->channels[channel].shares_rest;
    const struct cell_extra *extra = cell == NUMBER_NONE ? NULL : cell_extra(ledger, cell);
    uint32_t first = extra == NULL ? 0 : extra->quota_first;
    if (pool == 0 || (first == 0 && shares))
        return pool;
    /* Cut by priority, a quota is what is left of the pool when those before it have theirs. */
    int64_t all = kept_before(ledger, first, UINT32_MAX, channel, quota_back, pool);
    int64_t own = 0;
    if (channel != NUMBER_NONE) {
        const struct quota *quota = quota_find(ledger, cell, channel);
        int64_t before = kept_before(ledger, first, ledger->channels[channel].rank, channel, quota_back, pool);
        own = quota == NULL ? 0 : min_i64(quota->units + quota_back, pool - before);
    }
    return own + (shares ? pool - all : 0);
}

/* ---- check ---- */

bool channel_hashed(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    AUDIT_CHECK(audit, STATE, ledger->channels[number].place_count <= COMMAND_PLACES_MAX, "it has too many locations");
    if (!name_hashed(ledger, NAME_CHANNEL, number, audit))
        return false;
    audit->hash += channel_hash(ledger, number);
    return true;
}

bool channel_sound(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    const struct channel *channel = &ledger->channels[number];
    uint32_t count = ledger->names[NAME_CHANNEL].count;
    uint32_t rank = 0;
    for (uint32_t other = 0; other < count; other++)
        rank += other != number && served_before(ledger, other, number);
    AUDIT_CHECK(audit, I3, channel->rank == rank, "it is not in its place among the channels");
    uint32_t former = channel_of_name(ledger, ledger_name(ledger, NAME_CHANNEL, number), number);
    AUDIT_CHECK(audit, STATE, channel->former == (former == NUMBER_NONE ? 0 : former + 1),
                "it follows another channel than the one that had its name");
    AUDIT_CHECK(audit, STATE, former == NUMBER_NONE || ledger->names[NAME_CHANNEL].retired[former],
                "two channels have its name");
    AUDIT_CHECK(audit, STATE, former == NUMBER_NONE || ledger->channels[former].latter == number + 1,
                "the channel that had its name is followed by another");
    AUDIT_CHECK(audit, STATE, channel->latter <= count, "it is followed by no channel");
    AUDIT_CHECK(audit, STATE, channel->latter == 0 || ledger->channels[channel->latter - 1].former == number + 1,
                "it is followed by a channel of another name");
    for (uint32_t i = 0; i < channel->place_count; i++)
        AUDIT_CHECK(audit, I4, channel_serves(ledger, number, channel->places[i]), "it does not sell from its location");
    audit->looked_at += count + channel->place_count;
    return name_sound(ledger, NAME_CHANNEL, number, audit) && offer_list_sound(ledger, number, audit);
}

bool quota_hashed(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    audit->hash += quota_hash(&ledger->quotas[number]);
    return true;
}

bool quota_sound(const struct ledger *ledger, uint32_t number, struct audit *audit)
{
    const struct quota *quota = &ledger->quotas[number];
    AUDIT_CHECK(audit, I3, quota->units >= 0, "it is below 0");
    AUDIT_CHECK(audit, I3, quota->next <= number, "the list of its cell's quotas goes astray");
    AUDIT_CHECK(audit, I3, quota->next == 0 || ledger->quotas[quota->next - 1].cell == quota->cell,
                "the list of its cell's quotas leads to another cell's");
    AUDIT_CHECK(audit, I3, quota_find(ledger, quota->cell, quota->channel) == quota, "its cell does not find it");
    return true;
}

void quotas_check(const struct ledger *ledger)
{
    uint32_t listed = 0;
    for (uint32_t i = 0; i < ledger->extra_count; i++) {
        for (uint32_t q = ledger->extras[i].quota_first; q != 0; q = ledger->quotas[q - 1].next) {
            CHECK(++listed <= ledger->quota_count);
            CHECK(ledger->quotas[q - 1].cell == ledger->extras[i].cell);
        }
    }
    CHECK(listed == ledger->quota_count);
}

/* ---- views ---- */

static void channel_look(const struct channel *channel, struct channel_view *out_view)
{
    *out_view = (struct channel_view){
        .stamp = channel->config_seq,
        .priority = channel->priority,
        .shares_rest = channel->shares_rest,
        .has_cap = channel->has_cap,
        .buffer = channel->buffer,
        .cap = channel->cap,
        .place_count = channel->place_count,
    };
    memcpy(out_view->places, channel->places, sizeof(out_view->places));
}

uint32_t ledger_channel_last(const struct ledger *ledger, struct text name)
{
    return channel_of_name(ledger, name, ledger->names[NAME_CHANNEL].count);
}

bool ledger_channel(const struct ledger *ledger, uint32_t number, struct channel_view *out_view)
{
    if (number >= ledger->names[NAME_CHANNEL].count)
        return false;
    channel_look(&ledger->channels[number], out_view);
    return true;
}

void ledger_channel_form(struct text form, struct channel_view *out_view)
{
    struct channel channel;
    channel_form_read(form, &channel);
    channel_look(&channel, out_view);
}

void ledger_offer_form(struct text form, struct offer_form *out_form)
{
    struct offer offer;
    offer_form_read(form, &offer);
    *out_form = (struct offer_form){offer.has_buffer, offer.has_cap, offer.buffer, offer.cap};
}

bool ledger_channel_serves(const struct ledger *ledger, uint32_t channel, uint32_t location)
{
    return channel_serves(ledger, channel, location);
}

uint32_t ledger_quota_next(const struct ledger *ledger, uint32_t cell, uint32_t quota)
{
    if (quota != NUMBER_NONE)
        return ledger->quotas[quota].next - 1;
    const struct cell_extra *extra = cell_extra(ledger, cell);
    return extra == NULL ? NUMBER_NONE : extra->quota_first - 1;
}

void ledger_quota_at(const struct ledger *ledger, uint32_t quota, uint32_t *out_channel, int64_t *out_units)
{
    *out_channel = ledger->quotas[quota].channel;
    *out_units = ledger->quotas[quota].units;
}

int64_t ledger_quota(const struct ledger *ledger, uint32_t cell, uint32_t channel)
{
    const struct quota *quota = quota_find(ledger, cell, channel);
    return quota == NULL ? 0 : quota->units;
}

int64_t ledger_free(const struct ledger *ledger, uint32_t cell, uint32_t channel)
{
    struct figures figures = cell_figures(ledger, cell);
    return channel_free(ledger, &figures, cell, channel, 0);
}
