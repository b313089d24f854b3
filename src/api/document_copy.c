#include "api/document_copy.h"

static void copy_lines(const struct ledger *ledger, uint32_t line, struct document_line_view *lines,
                       struct document_copy *out_copy)
{
    out_copy->lines = lines;
    out_copy->line_count = 0;
    out_copy->seq = ledger_last_seq(ledger);
    for (uint32_t l = line; l != NUMBER_NONE; l = lines[out_copy->line_count++].next) {
        CHECK(out_copy->line_count < COMMAND_LINES_MAX);
        ledger_document_line(ledger, l, &lines[out_copy->line_count]);
    }
}

static struct text keep(struct text name, char *bytes)
{
    memcpy(bytes, name.bytes, name.length);
    return text_of(bytes, name.length);
}

void document_copy_transfer(const struct ledger *ledger, const struct transfer_view *view,
                            struct document_line_view *lines, struct document_copy *out_copy)
{
    out_copy->transfer = *view;
    out_copy->transfer.name = keep(view->name, out_copy->bytes);
    copy_lines(ledger, view->line, lines, out_copy);
}

void document_copy_expectation(const struct ledger *ledger, const struct expectation_view *view,
                               struct document_line_view *lines, struct document_copy *out_copy)
{
    out_copy->expectation = *view;
    out_copy->expectation.name = keep(view->name, out_copy->bytes);
    copy_lines(ledger, view->line, lines, out_copy);
}
