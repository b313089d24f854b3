/*
 * How a row of a CSV file becomes a command: which column or constant each field of the command takes, and which kind
 * the sign of the quantity means.
 *
 *     --map item=StockCode,quantity=Quantity --set location=LON --kind sale --kind-negative return
 *     536365,85123A,-6  ->
 * {"source":"import:…","id":"17","seq":17,"kind":"return","item":"85123A","quantity":6,"location":"LON"}
 *
 * A column is named by its header, byte for byte, or by its number ("#2"). "meta.NAME=COLUMN" puts a column into the
 * command's meta object. An empty value leaves an optional field out.
 */
#ifndef ONHAND_CLI_MAPPING_H
#define ONHAND_CLI_MAPPING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "cli/args.h"
#include "cli/csv.h"

#define MAPPING_FIELDS_MAX     32  /* fields of one command; the richest kind has about twenty */
#define MAPPING_NAME_BYTES_MAX 256 /* one NAME=COLUMN */
#define MAPPING_KIND_AUTO      "auto"

struct mapping_field {
    char name[MAPPING_NAME_BYTES_MAX];  /* of the command */
    char value[MAPPING_NAME_BYTES_MAX]; /* the column's name or number, or the constant */
    bool constant;
    uint32_t column; /* from 0, once bound */
    uint8_t type;    /* what the value must be; mapping.c */
};

struct mapping {
    struct mapping_field fields[MAPPING_FIELDS_MAX];
    unsigned field_count;
    const char *kind_negative; /* borrowed: the kind of rows with a quantity below 0, or NULL */
    const char *zone;          /* borrowed: appended to times without an offset, or NULL */
    bool kind_auto;            /* `receive` above 0, `sale` below */
    uint32_t column_count;     /* every row has as many; 0 until known */
};

/* What a row looked like, for the report of a dry run. */
struct mapping_oddity {
    bool negative, zero, bad_quantity, empty_field;
};

/* Adds the fields of one --map ("field=COLUMN,field=COLUMN") or one --set ("field=value"). False with a message. */
MUST_USE bool mapping_add_columns(struct mapping *mapping, const char *text);
MUST_USE bool mapping_add_constant(struct mapping *mapping, const char *text);
/* Finds the columns in the header. has_header: false takes numbers only. False with a message. */
MUST_USE bool mapping_bind(struct mapping *mapping, const struct csv_row *header, bool has_header);

/*
 * Writes the command of a row. source: of the file. number: the row's line.
 * False when the row gives none: *out_problem says why (reset first). oddity may be NULL.
 */
MUST_USE bool mapping_command(const struct mapping *mapping, const struct csv_row *row, struct text source,
                              uint64_t number, struct buffer *out_command, struct buffer *out_problem,
                              struct mapping_oddity *oddity);

#endif
