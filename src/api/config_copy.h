/*
 * An item, location, channel or source as it is configured, and what is known of a source, as the engine's thread copies
 * it out of the ledger, to be rendered on another: its body is the ledger's, and the next command may change that.
 */
#ifndef ONHAND_API_CONFIG_COPY_H
#define ONHAND_API_CONFIG_COPY_H

#include "engine/quality.h"

struct config_copy {
    enum name_space space;
    struct text name; /* the ledger's: names never move */
    uint64_t stamp;   /* sequence of the last configuration, 0 when provisional */
    uint8_t scale;    /* of an item */
    bool has_seq;     /* of a source: the next four are known */
    uint64_t source_seq;         /* the highest decided, 0 for none */
    int64_t silent_since_us;     /* UTC, log time: nothing was decided of it since; 0 while it is not silent */
    uint32_t drift;              /* what it said last that differs from the books */
    bool has_quality;            /* and the next two */
    struct quality_counts counts;
    struct quality_lateness lateness;
    struct channel_view channel; /* of a channel, which has no form */
    struct text form;            /* config_form.h */
};

/* Copies one. room: the caller's CONFIG_BYTES_MAX bytes, of which the form takes what it needs. Ledger thread. */
void config_copy(const struct ledger *ledger, const struct quality *quality, enum name_space space, uint32_t number,
                 uint8_t *room, struct config_copy *out_copy);

#endif
