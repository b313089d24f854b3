#include "api/url.h"

#include "base/utf8.h"
#include "ledger/command.h"

bool url_segment_next(struct text *rest, struct text *out_segment)
{
    if (rest->length == 0 || rest->bytes[0] != '/')
        return false;
    const char *start = rest->bytes + 1;
    uint32_t left = rest->length - 1;
    const char *slash = left == 0 ? NULL : memchr(start, '/', left);
    uint32_t length = slash == NULL ? left : (uint32_t)(slash - start);
    *out_segment = text_of(start, length);
    *rest = text_of(start + length, left - length);
    return true;
}

bool url_parameter_next(struct text *rest, struct text *out_key, struct text *out_value)
{
    while (rest->length != 0) {
        const char *start = rest->bytes;
        const char *and = memchr(start, '&', rest->length);
        uint32_t length = and == NULL ? rest->length : (uint32_t)(and - start);
        uint32_t used = and == NULL ? length : length + 1;
        *rest = text_of(start + used, rest->length - used);
        if (length == 0)
            continue;
        const char *equals = memchr(start, '=', length);
        if (equals == NULL) {
            *out_key = text_of(start, length);
            *out_value = TEXT_NONE;
        } else {
            uint32_t key_length = (uint32_t)(equals - start);
            *out_key = text_of(start, key_length);
            *out_value = text_of(equals + 1, length - key_length - 1);
        }
        return true;
    }
    return false;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool url_decode(enum url_part part, struct text raw, char *out_bytes, size_t capacity, struct text *out_text)
{
    size_t n = 0;
    for (uint32_t i = 0; i < raw.length; i++) {
        char c = raw.bytes[i];
        if (c == '%') {
            int high = raw.length - i > 2 ? hex_digit(raw.bytes[i + 1]) : -1;
            int low = raw.length - i > 2 ? hex_digit(raw.bytes[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(unsigned char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && part == URL_PARAMETER) {
            c = ' ';
        }
        if (n == capacity)
            return false;
        out_bytes[n++] = c;
    }
    *out_text = text_of(out_bytes, n);
    return true;
}

const char *name_problem(enum name_status status)
{
    switch (status) {
#define X(name, text)                                                                                                  \
    case NAME_##name:                                                                                                  \
        return text;
        NAME_MAP(X)
#undef X
    }
    return "?";
}

enum name_status label_check_utf8(struct text text)
{
    if (text.length == 0)
        return NAME_EMPTY;
    if (text.length > NAME_BYTES_MAX)
        return NAME_TOO_LONG;
    return utf8_first_control(text.bytes, text.length) == text.length ? NAME_OK : NAME_CONTROL;
}

enum name_status name_check_utf8(struct text text)
{
    enum name_status status = label_check_utf8(text);
    return status == NAME_OK && text.bytes[0] == '@' ? NAME_RESERVED : status;
}

/* Length first: the bytes of a text that is far too long are not looked at. */
static bool checkable_but_not_utf8(struct text text)
{
    return text.length != 0 && text.length <= NAME_BYTES_MAX && !utf8_valid(text.bytes, text.length);
}

enum name_status label_check(struct text text)
{
    return checkable_but_not_utf8(text) ? NAME_NOT_UTF8 : label_check_utf8(text);
}

enum name_status name_check(struct text text)
{
    return checkable_but_not_utf8(text) ? NAME_NOT_UTF8 : name_check_utf8(text);
}
