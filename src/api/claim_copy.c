#include "api/claim_copy.h"

static struct text keep(struct text text, char bytes[NAME_BYTES_MAX])
{
    if (!text_present(text))
        return TEXT_NONE;
    memcpy(bytes, text.bytes, text.length);
    return text_of(bytes, text.length);
}

void claim_copy(const struct ledger *ledger, const struct claim_view *view, struct claim_line_view *lines,
                struct claim_copy *out_copy)
{
    out_copy->view = *view;
    out_copy->view.hold = keep(view->hold, out_copy->bytes[0]);
    out_copy->view.holder = keep(view->holder, out_copy->bytes[1]);
    out_copy->view.channel = keep(view->channel, out_copy->bytes[2]);
    out_copy->lines = lines;
    out_copy->line_count = 0;
    out_copy->seq = ledger_last_seq(ledger);
    for (uint32_t l = view->line; l != NUMBER_NONE; l = lines[out_copy->line_count++].next) {
        CHECK(out_copy->line_count < COMMAND_LINES_MAX);
        ledger_claim_line(ledger, l, &lines[out_copy->line_count]);
    }
}
