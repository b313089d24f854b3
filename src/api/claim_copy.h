/*
 * A claim as the engine's thread copies it out of the ledger, to be rendered on another: its view borrows from the
 * ledger, and the next command may change that.
 */
#ifndef ONHAND_API_CLAIM_COPY_H
#define ONHAND_API_CLAIM_COPY_H

#include "ledger/ledger.h"

struct claim_copy {
    struct claim_view view; /* its texts are in `bytes`: a copy stays where it was made */
    char bytes[3][NAME_BYTES_MAX];
    struct claim_line_view *lines; /* the caller's */
    uint32_t line_count;
    uint64_t seq; /* of the ledger's last event when it was copied */
};

/* Copies a claim and its lines. lines: the caller's room for COMMAND_LINES_MAX, a claim has no more. Ledger thread. */
void claim_copy(const struct ledger *ledger, const struct claim_view *view, struct claim_line_view *lines,
                struct claim_copy *out_copy);

#endif
