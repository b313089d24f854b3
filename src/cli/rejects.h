/*
 * Rows that could not be imported, as a file to be mended and imported alone: the header of the original, and for each
 * row a remark and then the row's own bytes, untouched. A remark is a row whose one field begins with "#onhand:";
 * import passes over such rows, also after a spreadsheet wrote the file anew.
 *
 *     InvoiceNo,StockCode,Quantity
 *     "#onhand: line 17: refused insufficient_stock: 12 asked, 10 free"
 *     536365,85123A,12
 */
#ifndef ONHAND_CLI_REJECTS_H
#define ONHAND_CLI_REJECTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"
#include "base/text.h"

#define REJECTS_REMARK          "#onhand:"
#define REJECTS_PATH_BYTES_MAX  4096 /* PATH_MAX of Linux */
#define REJECTS_NAME_NUMBER_MAX 1000 /* files of one name; by then somebody should look into them */

struct rejects {
    char path[REJECTS_PATH_BYTES_MAX]; /* the file; empty until it is chosen */
    bool named;                        /* by the user: written anew, even without rows */
    FILE *file;                        /* NULL until the first row */
    int origin;                        /* the imported file, borrowed */
    uint64_t header_bytes;             /* at the start of the origin: mark and header line */
    uint64_t count;
};

/*
 * path: the user's choice, or NULL: then the imported file's name with ".rejects.csv" for ".csv", numbered so that no
 * file is overwritten, and written only when there is a row for it.
 * STATUS_INVALID when the name is too long; STATUS_EXISTS when it is the imported file itself.
 */
MUST_USE enum status rejects_init(struct rejects *rejects, const char *path, const char *origin_path, int origin,
                                  uint64_t header_bytes);
/* Adds a row of the origin with its reason. STATUS_IO (errno says why). */
MUST_USE enum status rejects_add(struct rejects *rejects, uint64_t line, struct text reason, uint64_t row_offset,
                                 uint64_t row_bytes);
/* Ends the file. STATUS_IO (errno says why) when it is not whole. */
MUST_USE enum status rejects_finish(struct rejects *rejects);

#endif
