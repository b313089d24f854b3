/*
 * A transfer or an expectation as the engine's thread copies it out of the ledger, to be rendered on another: its view
 * borrows from the ledger, and the next command may change that.
 */
#ifndef ONHAND_API_DOCUMENT_COPY_H
#define ONHAND_API_DOCUMENT_COPY_H

#include "ledger/ledger.h"

struct document_copy {
    /* One of the two. Their names are in `bytes`: a copy stays where it was made. */
    struct transfer_view transfer;
    struct expectation_view expectation;
    char bytes[NAME_BYTES_MAX];
    struct document_line_view *lines; /* the caller's */
    uint32_t line_count;
    uint64_t seq; /* of the ledger's last event when it was copied */
};

/* Copies one and its lines. lines: the caller's room for COMMAND_LINES_MAX, a document has no more. Ledger thread. */
void document_copy_transfer(const struct ledger *ledger, const struct transfer_view *view,
                            struct document_line_view *lines, struct document_copy *out_copy);
void document_copy_expectation(const struct ledger *ledger, const struct expectation_view *view,
                               struct document_line_view *lines, struct document_copy *out_copy);

#endif
