/*
 * The image of a ledger: all its tables as bytes, from which a fresh one is made that decides, evolves and hashes as the
 * first would have. What is derived is in it, too, but for the index of ids, which depends on a limit of the program.
 *
 * An image is a series of chunks, each of some entries of one table, as columns (base/columns.h). The same history
 * gives the same bytes on every machine. Where all of a chunk is 0 there is none. docs/format.md has its form.
 *
 * Owner: one thread, which has the ledger for itself while an image is written or read.
 */
#ifndef ONHAND_LEDGER_IMAGE_H
#define ONHAND_LEDGER_IMAGE_H

#include "base/status.h"
#include "ledger/ledger.h"

/* Of the fields that tables have: raised with each change of one, which a test finds. An image of another layout is not read. */
#define IMAGE_LAYOUT 1

#define IMAGE_CHUNK_BYTES_MAX ((size_t)512 << 10)

/* Where writing goes on. All zero: the beginning. */
struct image_place {
    uint32_t table;
    uint64_t entry;
};

/* Writes the next chunk, IMAGE_CHUNK_BYTES_MAX at most. Returns its bytes, 0 behind the last. */
size_t ledger_image_write(const struct ledger *ledger, struct image_place *place, uint8_t *out_bytes);

/*
 * Puts the next chunk of an image into a ledger that ledger_init made and that nothing was done with but this. They come in the order
 * in which they were written. DAMAGED: it is no chunk, or not one that can come now. FULL: the ledger has too little room
 * for it; *out_limit is the option that names the limit, a constant. Such a ledger is good for nothing.
 */
MUST_USE enum status ledger_image_read(struct ledger *ledger, const uint8_t *bytes, size_t n, const char **out_limit);
/* Behind the last chunk: makes what is not in it. From now on it is a ledger like any other. DAMAGED when the image cannot have been
 * whole. */
MUST_USE enum status ledger_image_end(struct ledger *ledger);

/* A number that changes with the fields. */
uint64_t ledger_image_fields(void);

#endif
