/*
 * Any bytes as the target of a request: what of it is a name, a position, a cursor or a filter is that in exactly one form. Any
 * decoding stays within what it was given.
 */
#include "fuzz.h"

#include "api/cursor.h"
#include "api/url.h"
#include "base/utf8.h"
#include "feed/filter.h"
#include "feed/position.h"

static void as_position(struct text text)
{
    struct position position;
    uint64_t part = 0;
    char again[POSITION_TEXT_BYTES];
    if (position_parse(text, &position)) {
        unsigned n = position_format(position, again);
        CHECK(n == text.length && memcmp(again, text.bytes, n) == 0);
    }
    if (position_parse_part(text, &position, &part)) {
        unsigned n = position_format_part(position, part, again);
        CHECK(n == text.length && memcmp(again, text.bytes, n) == 0);
    }
}

static void as_cursor(struct text text)
{
    static struct buffer out;
    uint8_t bytes[CURSOR_BYTES];
    if (!cursor_read(text, bytes))
        return;
    buffer_init(&out, 1000);
    cursor_write(&out, bytes);
    CHECK(out.length == (size_t)text.length + 2 && memcmp(out.bytes + 1, text.bytes, text.length) == 0);
    buffer_deinit(&out);
}

static void value(struct text text, struct filter *filter, unsigned *field)
{
    enum name_status status = name_check(text);
    bool utf8 = utf8_valid(text.bytes, text.length);
    CHECK(status != NAME_OK || (utf8 && text.length != 0 && text.length <= 128 && text.bytes[0] != '@'));
    CHECK(!utf8 || status == name_check_utf8(text));
    CHECK(label_check(text) == status || status == NAME_RESERVED);
    as_position(text);
    as_cursor(text);
    if (utf8)
        (void)filter_add(filter, (enum filter_field)(++*field % FILTER_FIELD_COUNT), text);
    CHECK(filter->count <= FILTER_VALUES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 4096)
        return 0;
    char *bytes = fuzz_copy(data, size);
    char *decoded = malloc(size + 1);
    CHECK(decoded != NULL);
    static struct filter filter;
    filter = (struct filter){.count = 0};
    unsigned field = 0;
    const char *mark = size == 0 ? NULL : memchr(bytes, '?', size);
    struct text path = text_of(bytes, mark == NULL ? size : (size_t)(mark - bytes));
    struct text query = mark == NULL ? TEXT_NONE : text_of(mark + 1, size - path.length - 1);
    struct text piece;
    struct text out;
    size_t steps = 0;
    if (path.length != 0 && path.bytes[0] == '/') {
        for (struct text rest = path; url_segment_next(&rest, &piece); steps++) {
            CHECK(steps <= size && piece.length <= size);
            if (url_decode(URL_SEGMENT, piece, decoded, size + 1, &out)) {
                CHECK(out.length <= piece.length);
                value(out, &filter, &field);
            }
        }
    }
    steps = 0;
    struct text key;
    for (struct text rest = query; url_parameter_next(&rest, &key, &piece); steps++) {
        CHECK(steps <= size && key.length + piece.length <= size);
        CHECK(!url_decode(URL_PARAMETER, key, decoded, size + 1, &out) || out.length <= key.length);
        if (text_present(piece) && url_decode(URL_PARAMETER, piece, decoded, size + 1, &out)) {
            CHECK(out.length <= piece.length);
            value(out, &filter, &field);
        }
        if (url_decode(URL_PARAMETER, piece, decoded, 3, &out))
            CHECK(out.length <= 3);
    }
    (void)filter_is_open(&filter);
    filter_deinit(&filter);
    free(decoded);
    free(bytes);
    return 0;
}
