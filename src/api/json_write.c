#include "api/json_write.h"

/* A byte in a JSON string is at most six bytes long: \u001f. */
#define ESCAPE_BYTES_MAX 6

void json_string_escaped(struct buffer *out, struct text text)
{
    static const char hex[] = "0123456789abcdef";
    /* First exactly, so that a full buffer fails only when the string really does not fit. */
    size_t n = 2;
    for (uint32_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.bytes[i];
        bool short_form = c == '"' || c == '\\' || c == '\b' || c == '\f' || c == '\n' || c == '\r' || c == '\t';
        n += short_form ? 2 : c < 0x20 ? ESCAPE_BYTES_MAX : 1;
    }
    char *to = buffer_room(out, n);
    if (to == NULL)
        return;
    *to++ = '"';
    for (uint32_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.bytes[i];
        if (c >= 0x20 && c != '"' && c != '\\') {
            *to++ = (char)c;
            continue;
        }
        *to++ = '\\';
        switch (c) {
        case '"':
        case '\\':
            *to++ = (char)c;
            break;
        case '\b':
            *to++ = 'b';
            break;
        case '\f':
            *to++ = 'f';
            break;
        case '\n':
            *to++ = 'n';
            break;
        case '\r':
            *to++ = 'r';
            break;
        case '\t':
            *to++ = 't';
            break;
        default:
            *to++ = 'u';
            *to++ = '0';
            *to++ = '0';
            *to++ = hex[c >> 4];
            *to++ = hex[c & 15];
            break;
        }
    }
    *to = '"';
    out->length += n;
}
