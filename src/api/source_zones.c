#include "api/source_zones.h"

#include <pthread.h>
#include <stdlib.h>

#include "ledger/config_form.h"

struct source_zone {
    uint64_t seq;
    struct zone *zone; /* owned; NULL for none */
    struct text name;  /* behind this */
    char bytes[];
};

struct source_zones {
    pthread_rwlock_t lock;
    struct source_zone **entries; /* by name */
    size_t count, capacity;
};

struct source_zones *source_zones_create(void)
{
    struct source_zones *zones = calloc(1, sizeof(*zones));
    if (zones != NULL && pthread_rwlock_init(&zones->lock, NULL) != 0) {
        free(zones);
        return NULL;
    }
    return zones;
}

static void entry_free(struct source_zone *entry)
{
    free(entry->zone);
    free(entry);
}

void source_zones_destroy(struct source_zones *zones)
{
    if (zones == NULL)
        return;
    for (size_t i = 0; i < zones->count; i++)
        entry_free(zones->entries[i]);
    free(zones->entries);
    (void)pthread_rwlock_destroy(&zones->lock);
    free(zones);
}

/* Where the name is, or would be. */
static size_t place_of(const struct source_zones *zones, struct text name)
{
    size_t low = 0, high = zones->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (config_compare(zones->entries[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct source_zone *find(const struct source_zones *zones, struct text name)
{
    size_t place = place_of(zones, name);
    return place < zones->count && text_equal(zones->entries[place]->name, name) ? zones->entries[place] : NULL;
}

static struct source_zone *add(struct source_zones *zones, struct text name)
{
    if (zones->count == zones->capacity) {
        size_t capacity = zones->capacity == 0 ? 16 : 2 * zones->capacity;
        struct source_zone **entries = realloc(zones->entries, capacity * sizeof(struct source_zone *));
        if (entries == NULL)
            return NULL;
        zones->entries = entries;
        zones->capacity = capacity;
    }
    struct source_zone *entry = calloc(1, sizeof(*entry) + name.length);
    if (entry == NULL)
        return NULL;
    memcpy(entry->bytes, name.bytes, name.length);
    entry->name = text_of(entry->bytes, name.length);
    size_t place = place_of(zones, name);
    memmove(zones->entries + place + 1, zones->entries + place, (zones->count - place) * sizeof(struct source_zone *));
    zones->entries[place] = entry;
    zones->count++;
    return entry;
}

static bool set(struct source_zones *zones, struct text name, uint64_t seq, struct text form)
{
    struct source_config config;
    struct zone *zone = NULL;
    if (!source_config_read(form, &config))
        return true; /* not one that this version knows: as if it had no zone */
    if (text_present(config.zone.name)) {
        zone = malloc(sizeof(*zone));
        if (zone == NULL)
            return false;
        *zone = config.zone;
        zone->name = TEXT_NONE; /* it was borrowed */
    }
    CHECK(pthread_rwlock_wrlock(&zones->lock) == 0);
    struct source_zone *entry = find(zones, name);
    if (entry == NULL)
        entry = add(zones, name);
    bool done = entry != NULL;
    if (done && entry->seq <= seq) {
        free(entry->zone);
        entry->zone = zone;
        entry->seq = seq;
        zone = NULL;
    }
    CHECK(pthread_rwlock_unlock(&zones->lock) == 0);
    free(zone);
    return done;
}

void source_zones_set(struct source_zones *zones, struct text source, uint64_t seq, struct text form)
{
    /* Without memory its times without an offset are refused, as they are for a source without a zone. */
    (void)set(zones, source, seq, form);
}

bool source_zones_load(struct source_zones *zones, const struct ledger *ledger)
{
    bool done = true;
    for (uint32_t i = 0; done && i < ledger_name_count(ledger, NAME_SOURCE); i++) {
        struct text form = ledger_config(ledger, NAME_SOURCE, i);
        if (form.length != 0 && !ledger_retired(ledger, NAME_SOURCE, i))
            done = set(zones, ledger_name(ledger, NAME_SOURCE, i), ledger_config_seq(ledger, NAME_SOURCE, i), form);
    }
    return done;
}

bool source_zones_to_utc(struct source_zones *zones, struct text source, int64_t local_us, int64_t *out_utc_us)
{
    CHECK(pthread_rwlock_rdlock(&zones->lock) == 0);
    const struct source_zone *entry = find(zones, source);
    bool found = entry != NULL && entry->zone != NULL;
    if (found)
        *out_utc_us = zone_to_utc_us(entry->zone, local_us);
    CHECK(pthread_rwlock_unlock(&zones->lock) == 0);
    return found;
}
