#include "csv.h"

#include "fail.h"

struct csv csv_of(const char *bytes, size_t n)
{
    return (struct csv){.at = bytes, .end = bytes + n, .next_line = 1};
}

void csv_deinit(struct csv *csv)
{
    bytequeue_deinit(&csv->scratch);
}

/* A field in quotes, `at` behind the opening one. Doubled quotes are one. */
static struct text quoted(struct csv *csv)
{
    size_t from = csv->scratch.end;
    for (; csv->at < csv->end; csv->at++) {
        if (*csv->at == '"') {
            csv->at++;
            if (csv->at == csv->end || *csv->at != '"')
                return text_of(csv->scratch.bytes + from, csv->scratch.end - from);
        }
        if (*csv->at == '\n')
            csv->next_line++;
        csv->scratch.bytes[csv->scratch.end++] = *csv->at; /* csv_next made room */
    }
    fail("line %llu: a quote is not closed", (unsigned long long)csv->line);
}

/* Every record is far shorter; a field that is not closed would run to the end of the file. */
#define RECORD_BYTES_MAX 65536

bool csv_next(struct csv *csv, struct text out_fields[CSV_FIELDS_MAX], unsigned *out_count)
{
    if (csv->at >= csv->end)
        return false;
    csv->line = csv->next_line++;
    csv->scratch.start = csv->scratch.end = 0;
    size_t left = (size_t)(csv->end - csv->at);
    bytequeue_reserve(&csv->scratch, left + 1 < RECORD_BYTES_MAX ? left + 1 : RECORD_BYTES_MAX);
    const char *whole_end = csv->end;
    if (left > RECORD_BYTES_MAX)
        csv->end = csv->at + RECORD_BYTES_MAX;
    for (unsigned n = 0; n < CSV_FIELDS_MAX; n++) {
        if (csv->at < csv->end && *csv->at == '"') {
            csv->at++;
            out_fields[n] = quoted(csv);
        } else {
            const char *from = csv->at;
            while (csv->at < csv->end && *csv->at != ',' && *csv->at != '\n')
                csv->at++;
            out_fields[n] = text_of(from, (size_t)(csv->at - from));
            if ((csv->at == csv->end || *csv->at == '\n') && csv->at > from && csv->at[-1] == '\r')
                out_fields[n].length--;
        }
        if (csv->at < csv->end && *csv->at == '\r')
            csv->at++;
        if (csv->at == csv->end || *csv->at == '\n') {
            if (csv->at == csv->end && csv->end != whole_end)
                fail("line %llu: longer than %d bytes", (unsigned long long)csv->line, RECORD_BYTES_MAX);
            if (csv->at < csv->end)
                csv->at++;
            csv->end = whole_end;
            *out_count = n + 1;
            return true;
        }
        if (*csv->at != ',')
            fail("line %llu: something follows a closing quote", (unsigned long long)csv->line);
        csv->at++;
    }
    fail("line %llu: more than %d fields", (unsigned long long)csv->line, CSV_FIELDS_MAX);
}
