/*
 * Bodies of configuration in binary form: what a PUT sets beside the name (and an item's scale). Carried by commands
 * and events, kept in the ledger, given back by GET.
 *
 * One value has one form: lists are sorted by bytes without doubles, ratios are in lowest terms, what has its default
 * is not written, and a body of defaults alone is no bytes at all. The reader refuses everything the writer never
 * writes. docs/format.md has the bytes. Texts borrow the form. Pure, any thread.
 */
#ifndef ONHAND_LEDGER_CONFIG_FORM_H
#define ONHAND_LEDGER_CONFIG_FORM_H

#include "ledger/command.h"

#define UNITS_MAX            32   /* of an item */
#define ALIASES_MAX          256  /* of an item, merged names among them */
#define COMPONENTS_MAX       100  /* of an item, directly */
#define ATTRIBUTES_BYTES_MAX META_BYTES_MAX
#define GTIN_BYTES_MAX       14
#define UNIT_NUMERATOR_MAX   QUANTITY_UNITS_MAX
#define UNIT_DENOMINATOR_MAX INT64_C(1000000000000) /* times 10^6 it still fits int64_t */
#define ZONE_NAME_BYTES_MAX  64
#define ZONE_CHANGES_MAX     128 /* eleven years of two a year, and then some */
#define ZONE_OFFSET_S_MAX    (18 * 60 * 60) /* as ISO 8601 in java.time; the widest there was is below 16 hours */
#define ZONE_TIME_S_MAX      INT64_C(253402300800) /* year 10000: beyond what a time can say */

/* One of this unit is numerator / denominator of the item's own; in lowest terms, both at least 1. */
struct config_unit {
    struct text name; /* 1 to UNIT_BYTES_MAX bytes */
    int64_t numerator, denominator;
};
struct config_alias {
    struct text source; /* absent: a merged name, everybody's */
    struct text name;
};
struct config_component {
    struct text item;
    struct decimal quantity; /* > 0 */
};
struct item_config {
    uint32_t unit_count, alias_count, component_count;
    struct config_unit units[UNITS_MAX];                 /* by name */
    struct config_alias aliases[ALIASES_MAX];            /* by source, then name; merged names first */
    struct config_component components[COMPONENTS_MAX]; /* by item */
    struct text gtin;       /* absent, or 8, 12, 13 or 14 digits with the right check digit */
    struct text attributes; /* absent, or a JSON object in canonical form */
    struct text merge;      /* absent, or the item this name becomes a name of; nothing else is there then */
};

/* Offset from UTC by time, in whole seconds. */
struct zone_change {
    int64_t from_s; /* UTC, ascending */
    int32_t offset_s;
};
struct zone {
    struct text name;  /* absent: no zone. As it was given: "Europe/Berlin", "+01:00" */
    int32_t offset_s;  /* before the first change */
    uint32_t change_count;
    struct zone_change changes[ZONE_CHANGES_MAX]; /* each to another offset than before */
};

/*
 * Which claims lose cover when more is promised than there is (shortfall.c): by the first criterion, those that it makes
 * no difference between by the next one, and so on. X(enum, name on the wire). Stored in journals: append only.
 */
#define SHORTFALL_MAP(X)                                                                                               \
    X(NEWEST, newest)                   /* whose claim began last */                                                   \
    X(LOWEST_PRIORITY, lowest_priority) /* the largest number; before it those that have none */                       \
    X(UNPAID, unpaid)                                                                                                  \
    X(OTHER_PLACE, other_place)         /* what they would lose is free to them at another location */
enum shortfall_criterion {
#define X(upper, lower) SHORTFALL_##upper,
    SHORTFALL_MAP(X)
#undef X
        SHORTFALL_COUNT
};
const char *shortfall_name(enum shortfall_criterion criterion);
struct shortfall {
    uint8_t count;                     /* 0: no rule */
    uint8_t criteria[SHORTFALL_COUNT]; /* the first `count`, none twice; the others are 0 */
};

struct location_config {
    struct text parent; /* absent at the top of a tree */
    bool no_promise;    /* it takes none: its parent does */
    struct zone zone;
    struct text attributes;
    struct shortfall shortfall;
};

#define SILENCE_S_MAX (INT64_C(366) * 24 * 60 * 60) /* a year: beyond it nobody waits for it */

/* When a source counts as silent, and what is shown less while it does. */
struct silence_config {
    int64_t after_s; /* nothing is decided of it for so long, 1 and more; 0 for never */
    int64_t buffer;  /* whole units of each item kept back from what is shown at each of the places, >= 1; 0 for all */
    uint32_t place_count;
    struct text places[COMMAND_PLACES_MAX]; /* locations, by name */
};

/* What becomes of snapshots of some locations and what lies below them, where it is not what the source's policy says. */
struct place_policies {
    uint32_t count;
    struct text places[COMMAND_PLACES_MAX]; /* locations, by name, sorted */
    uint8_t policies[COMMAND_PLACES_MAX];   /* enum snapshot_policy (event.h) */
};

/* How much a statement may change: what is beyond all bounds that are there is beyond it. */
struct limit {
    bool has_units, has_percent;
    int64_t units;    /* whole units of the item */
    uint32_t percent; /* of what the books say */
};
#define LIMIT_PERCENT_MAX 1000000
#define AGE_LIMIT_MS_MAX  (UINT64_C(100) * 366 * 86400 * 1000) /* a hundred years */
/* base units of an item of this scale. */
bool limit_exceeded(const struct limit *limit, int64_t change, int64_t books, unsigned scale);

struct source_config {
    struct zone zone;
    bool ordered, strict;
    enum condition default_condition; /* of what comes back; CONDITION_NONE for sellable */
    int64_t expires_in_ms;            /* of its holds; EXPIRES_DEFAULT, or 0 and more */
    struct silence_config silence;
    int64_t age_limit_ms;             /* older facts are reviewed; 0 for all that are admitted otherwise */
    struct limit count_limit;         /* of the variance of a count */
    struct limit max_change;          /* of what a snapshot changes */
    unsigned snapshot_policy;         /* enum snapshot_policy (event.h) */
    struct place_policies policies;   /* at some locations */
    bool pair;                        /* it is told our figures, and reports its own (partner.c) */
};

/* Each writes at most CONFIG_BYTES_MAX bytes and returns how many, 0 for defaults alone; *out_fits is false when it
 * does not fit. The lists must be as the structs say. */
size_t item_config_write(const struct item_config *config, uint8_t out_form[CONFIG_BYTES_MAX], bool *out_fits);
size_t location_config_write(const struct location_config *config, uint8_t out_form[CONFIG_BYTES_MAX], bool *out_fits);
size_t source_config_write(const struct source_config *config, uint8_t out_form[CONFIG_BYTES_MAX], bool *out_fits);

/* Each returns false when the form is not exactly one that its writer writes. An absent form is all defaults. */
MUST_USE bool item_config_read(struct text form, struct item_config *out_config);
MUST_USE bool location_config_read(struct text form, struct location_config *out_config);
MUST_USE bool source_config_read(struct text form, struct source_config *out_config);

/* The order of the lists: byte by byte, the shorter first. Below 0, 0, above 0 as memcmp. */
int config_compare(struct text a, struct text b);
/* Is this a GTIN of 8, 12, 13 or 14 digits with the right check digit (GS1 General Specifications, section 7.9)? */
bool gtin_valid(struct text text);

/* The unit of an item's form, without reading the rest of it. False when it has none of this name. */
bool item_config_unit(struct text form, struct text name, struct config_unit *out_unit);
enum unit_status { UNIT_OK, UNIT_UNEVEN, UNIT_OUT_OF_RANGE };
/* So many of the unit in base units of an item of this scale, exactly. */
MUST_USE enum unit_status unit_to_units(struct decimal quantity, const struct config_unit *unit, unsigned scale,
                                        int64_t *out_units);

/* The offset at this moment. */
int32_t zone_offset_s(const struct zone *zone, int64_t utc_us);
/*
 * The moment at which clocks of the zone show this local time, given as if it were UTC. Where they show it twice, the first
 * time; where they leap over it, as far behind the leap as it lies behind the leap's begin.
 */
int64_t zone_to_utc_us(const struct zone *zone, int64_t local_us);
/* The first moment of the day whose midnight this would be in UTC: where clocks leap over midnight, the leap itself. */
int64_t zone_day_start_us(const struct zone *zone, int64_t midnight_utc_us);

#endif
