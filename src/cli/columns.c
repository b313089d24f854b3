#include "cli/columns.h"

#include <stdlib.h>
#include <string.h>

#define GAP "  "

unsigned columns_width(struct text text)
{
    unsigned width = 0;
    for (uint32_t i = 0; i < text.length; i++)
        width += ((unsigned char)text.bytes[i] & 0xc0) != 0x80;
    return width;
}

static bool stands_right(const char *title)
{
    return title[0] == '>';
}

static const char *title_text(const char *title)
{
    return title + stands_right(title);
}

void columns_init(struct columns *columns, const char *const *titles, unsigned column_count)
{
    CHECK(column_count <= COLUMNS_MAX);
    memset(columns, 0, sizeof(*columns));
    columns->titles = titles;
    columns->column_count = column_count;
    for (unsigned i = 0; i < column_count; i++)
        columns->width[i] = (unsigned)strlen(title_text(titles[i]));
}

void columns_add(struct columns *columns, struct text cell)
{
    size_t needed = columns->bytes_used + cell.length + 1;
    if (needed > columns->bytes_capacity) {
        size_t capacity = needed * 2 + 4096;
        char *bytes = realloc(columns->bytes, capacity);
        if (bytes == NULL) {
            columns->failed = true;
            return;
        }
        columns->bytes = bytes;
        columns->bytes_capacity = capacity;
    }
    for (uint32_t i = 0; i < cell.length; i++) {
        char byte = cell.bytes[i];
        columns->bytes[columns->bytes_used++] = (unsigned char)byte < 0x20 || byte == 0x7f ? '?' : byte;
    }
    columns->bytes[columns->bytes_used++] = '\0';
    unsigned column = columns->cell_count++ % columns->column_count;
    unsigned width = columns_width(cell);
    if (width > columns->width[column])
        columns->width[column] = width;
}

static void print_cell(const struct columns *columns, unsigned column, const char *text, FILE *out)
{
    unsigned pad = columns->width[column] - columns_width(text_of(text, strlen(text)));
    if (stands_right(columns->titles[column]))
        fprintf(out, "%*s%s", (int)pad, "", text);
    else if (column + 1 < columns->column_count)
        fprintf(out, "%s%*s", text, (int)pad, "");
    else
        fputs(text, out);
    fputs(column + 1 < columns->column_count ? GAP : "\n", out);
}

bool columns_print(const struct columns *columns, FILE *out)
{
    if (columns->failed)
        return false;
    for (unsigned i = 0; i < columns->column_count; i++)
        print_cell(columns, i, title_text(columns->titles[i]), out);
    const char *cell = columns->bytes;
    for (unsigned i = 0; i < columns->cell_count; i++) {
        print_cell(columns, i % columns->column_count, cell, out);
        cell += strlen(cell) + 1;
    }
    return true;
}

void columns_deinit(struct columns *columns)
{
    free(columns->bytes);
    columns->bytes = NULL;
}
