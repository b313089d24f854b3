/*
 * Why a channel may sell so many of an item (ATS, DESIGN I4): what is shown at each of its places, less the buffer, cut by the
 * cap. As in explain.h, the values of the parts of a node sum to its own; a rule is what it adds or takes.
 *
 *     ats 12 = DC 15 - buffer 3
 *         DC 15 = available 40 - safety stock 5 - quotas 20
 */
#ifndef ONHAND_API_EXPLAIN_OFFER_H
#define ONHAND_API_EXPLAIN_OFFER_H

#include "api/render.h"

struct explain_offer;

/* NULL when memory cannot be had. All fit in COMMAND_PLACES_MAX places each. */
struct explain_offer *explain_offers_create(uint32_t count);
void explain_offers_destroy(struct explain_offer *offers); /* NULL is none */
/* Of the i-th of them, in the read that looks at the ATS itself. Engine thread. */
void explain_offer_read(struct explain_offer *offers, uint32_t i, const struct ledger *ledger, uint32_t channel,
                        uint32_t item);
/* `,"explain":[…]` of the i-th. */
void explain_offer_render(struct buffer *out, const struct render *render, const struct explain_offer *offers, uint32_t i,
                          int64_t ats, unsigned scale);

#endif
