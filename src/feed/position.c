#include "feed/position.h"

#include "base/epochs.h"

#define TAG_DIGITS 5 /* hexadecimal, of 20 bits */

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
    uint32_t tag = epoch_tag(position.epoch);
    unsigned n = put_number(epoch_number(position.epoch), out_text);
    if (tag != 0) {
        out_text[n++] = 'x';
        for (unsigned digit = TAG_DIGITS; digit > 0; digit--)
            out_text[n++] = "0123456789abcdef"[tag >> 4 * (digit - 1) & 15];
    }
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

/* The tag of an epoch, "x" and its digits; none is 0. False when it is not in exactly that form. */
static bool take_tag(const char **at, const char *end, uint32_t *out)
{
    uint32_t tag = 0;
    *out = 0;
    if (*at == end || **at != 'x')
        return true;
    if (end - ++*at < TAG_DIGITS)
        return false;
    for (unsigned i = 0; i < TAG_DIGITS; i++, ++*at) {
        char digit = **at;
        if (digit >= '0' && digit <= '9')
            tag = tag << 4 | (uint32_t)(digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            tag = tag << 4 | (uint32_t)(digit - 'a' + 10);
        else
            return false;
    }
    *out = tag;
    return tag != 0;
}

bool position_parse_part(struct text text, struct position *out_position, uint64_t *out_part)
{
    const char *at = text.bytes;
    const char *end = text.bytes + text.length;
    uint64_t number;
    uint32_t tag;
    uint64_t seq;
    uint64_t part = 0;
    if (!text_present(text) || !take_number(&at, end, EPOCH_NUMBER_MAX, &number) || !take_tag(&at, end, &tag) ||
        at == end || *at++ != '-' || !take_number(&at, end, INT64_MAX, &seq))
        return false;
    if (at != end && (*at++ != '.' || !take_number(&at, end, INT64_MAX, &part) || part == 0 || at != end))
        return false;
    *out_position = (struct position){tag << EPOCH_NUMBER_BITS | (uint32_t)number, seq};
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
