#include "api/config_copy.h"

void config_copy(const struct ledger *ledger, const struct quality *quality, enum name_space space, uint32_t number,
                 uint8_t *room, struct config_copy *out_copy)
{
    struct item_view item;
    *out_copy = (struct config_copy){.space = space, .name = ledger_name(ledger, space, number)};
    if (space == NAME_CHANNEL) {
        CHECK(ledger_channel(ledger, number, &out_copy->channel));
        out_copy->stamp = out_copy->channel.stamp;
        return;
    }
    if (space == NAME_ITEM && ledger_item(ledger, number, &item))
        out_copy->scale = item.scale;
    out_copy->has_seq = space == NAME_SOURCE;
    if (out_copy->has_seq) {
        out_copy->source_seq = ledger_source_seq(ledger, number);
        out_copy->silent_since_us = ledger_silence(ledger, number).since_us;
        out_copy->drift = ledger_drift(ledger, number);
        out_copy->has_quality = quality_counts(quality, number, &out_copy->counts) &&
                                quality_lateness(quality, number, &out_copy->lateness);
    }
    out_copy->stamp = ledger_config_seq(ledger, space, number);
    struct text form = ledger_config(ledger, space, number);
    if (form.length == 0)
        return;
    memcpy(room, form.bytes, form.length);
    out_copy->form = text_of((const char *)room, form.length);
}
