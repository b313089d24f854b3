/*
 * A table for people: cells are added row by row, columns become as wide as their widest cell, numbers stand right.
 * The texts are copied. Control characters from outside are shown as '?', so that a name cannot steer a terminal.
 */
#ifndef ONHAND_CLI_COLUMNS_H
#define ONHAND_CLI_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/check.h"
#include "base/text.h"

#define COLUMNS_MAX 24 /* figures of a cell, and what names it */

struct columns {
    unsigned column_count;
    const char *const *titles;   /* borrowed, column_count of them; a leading '>' makes the column stand right */
    unsigned width[COLUMNS_MAX]; /* characters */
    char *bytes;                 /* owned: the cells one after the other, each ended by a NUL */
    size_t bytes_used;
    size_t bytes_capacity;
    unsigned cell_count;
    bool failed; /* memory ran out: what is printed is not whole */
};

void columns_init(struct columns *columns, const char *const *titles, unsigned column_count);
/* Adds the next cell, from left to right, row by row. */
void columns_add(struct columns *columns, struct text cell);
/* Prints titles and rows. False when memory ran out before. */
MUST_USE bool columns_print(const struct columns *columns, FILE *out);
void columns_deinit(struct columns *columns);

/* Characters a text takes on a screen: code points, wide ones counted once. */
unsigned columns_width(struct text text);

#endif
