#include "feed/position.h"

static unsigned put_number(uint64_t value, char *out)
{
    char reversed[20];
    unsigned n = 0;
    do {
        reversed[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    for (unsigned i = 0; i < n; i++)
        out[i] = reversed[n - 1 - i];
    return n;
}

unsigned position_format(struct position position, char out_text[POSITION_TEXT_BYTES])
{
    unsigned n = put_number(position.epoch, out_text);
    out_text[n++] = '-';
    return n + put_number(position.seq, out_text + n);
}

unsigned position_format_part(struct position position, uint64_t part, char out_text[POSITION_TEXT_BYTES])
{
    unsigned n = position_format(position, out_text);
    if (part == 0)
        return n;
    out_text[n++] = '.';
    return n + put_number(part, out_text + n);
}

/* Digits without leading zeros, up to most; false otherwise. */
static bool take_number(const char **at, const char *end, uint64_t most, uint64_t *out)
{
    const char *start = *at;
    uint64_t value = 0;
    while (*at < end && **at >= '0' && **at <= '9') {
        uint64_t digit = (uint64_t)(**at - '0');
        if (value > (most - digit) / 10)
            return false;
        value = value * 10 + digit;
        (*at)++;
    }
    *out = value;
    return *at > start && (*start != '0' || *at == start + 1);
}

bool position_parse_part(struct text text, struct position *out_position, uint64_t *out_part)
{
    const char *at = text.bytes;
    const char *end = text.bytes + text.length;
    uint64_t epoch;
    uint64_t seq;
    uint64_t part = 0;
    if (!text_present(text) || !take_number(&at, end, UINT32_MAX, &epoch) || at == end || *at++ != '-' ||
        !take_number(&at, end, INT64_MAX, &seq))
        return false;
    if (at != end && (*at++ != '.' || !take_number(&at, end, INT64_MAX, &part) || part == 0 || at != end))
        return false;
    *out_position = (struct position){(uint32_t)epoch, seq};
    *out_part = part;
    return true;
}

bool position_parse(struct text text, struct position *out_position)
{
    struct position position;
    uint64_t part;
    if (!position_parse_part(text, &position, &part) || part != 0)
        return false;
    *out_position = position;
    return true;
}
