/*
 * The grammar of RFC 8259 once more, as plainly as it can be written, to compare the real parser with: what the parser
 * takes must be JSON, and what is JSON must be taken or refused for a reason beyond the grammar.
 */
#ifndef ONHAND_TEST_JSON_ORACLE_H
#define ONHAND_TEST_JSON_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "api/json.h"

struct oracle {
    const char *at, *end;
};

static inline bool oracle_take(struct oracle *o, const char *literal)
{
    size_t n = strlen(literal);
    if ((size_t)(o->end - o->at) < n || memcmp(o->at, literal, n) != 0)
        return false;
    o->at += n;
    return true;
}
static inline void oracle_blanks(struct oracle *o)
{
    while (oracle_take(o, " ") || oracle_take(o, "\t") || oracle_take(o, "\n") || oracle_take(o, "\r"))
        continue;
}
static inline size_t oracle_digits(struct oracle *o)
{
    size_t n = 0;
    for (; o->at < o->end && *o->at >= '0' && *o->at <= '9'; n++)
        o->at++;
    return n;
}
static inline bool oracle_number(struct oracle *o)
{
    (void)oracle_take(o, "-");
    if (!oracle_take(o, "0") && oracle_digits(o) == 0)
        return false;
    if (oracle_take(o, ".") && oracle_digits(o) == 0)
        return false;
    if (oracle_take(o, "e") || oracle_take(o, "E")) {
        if (!oracle_take(o, "+"))
            (void)oracle_take(o, "-");
        return oracle_digits(o) != 0;
    }
    return true;
}
static inline bool oracle_string(struct oracle *o)
{
    if (!oracle_take(o, "\""))
        return false;
    while (o->at < o->end) {
        unsigned char c = (unsigned char)*o->at++;
        if (c == '"')
            return true;
        if (c < 0x20)
            return false;
        if (c != '\\')
            continue;
        if (o->at == o->end)
            return false;
        c = (unsigned char)*o->at++;
        if (c == 'u') {
            for (int i = 0; i < 4; i++, o->at++) {
                if (o->at == o->end || *o->at == 0 || strchr("0123456789abcdefABCDEF", *o->at) == NULL)
                    return false;
            }
        } else if (c == 0 || strchr("\"\\/bfnrt", c) == NULL) {
            return false;
        }
    }
    return false;
}
/* A value with the blanks around it; deeper than 40 is not looked at (the parser stops at 32). */
static inline bool oracle_value(struct oracle *o, unsigned depth)
{
    bool right = true;
    oracle_blanks(o);
    if (depth > 40 || o->at == o->end)
        return false;
    if (oracle_take(o, "[")) {
        oracle_blanks(o);
        if (!oracle_take(o, "]")) {
            do
                right = oracle_value(o, depth + 1);
            while (right && oracle_take(o, ","));
            right = right && oracle_take(o, "]");
        }
    } else if (oracle_take(o, "{")) {
        oracle_blanks(o);
        if (!oracle_take(o, "}")) {
            do {
                oracle_blanks(o);
                right = oracle_string(o);
                oracle_blanks(o);
                right = right && oracle_take(o, ":") && oracle_value(o, depth + 1);
            } while (right && oracle_take(o, ","));
            right = right && oracle_take(o, "}");
        }
    } else if (*o->at == '"') {
        right = oracle_string(o);
    } else if (!oracle_take(o, "true") && !oracle_take(o, "false") && !oracle_take(o, "null")) {
        right = oracle_number(o);
    }
    oracle_blanks(o);
    return right;
}

/* Is this answer of json_parse possible for these bytes? */
static inline bool oracle_agrees(const char *bytes, size_t n, enum json_status status)
{
    struct oracle o = {bytes, bytes + n};
    bool is_json = oracle_value(&o, 0) && o.at == o.end;
    switch (status) {
    case JSON_OK:
        return is_json;
    case JSON_EMPTY:
    case JSON_SYNTAX:
    case JSON_UNCLOSED:
    case JSON_BAD_NUMBER:
    case JSON_BAD_STRING:
    case JSON_TRAILING:
        return !is_json;
    case JSON_NOT_UTF8:
    case JSON_BAD_SURROGATE:
    case JSON_NUL:
    case JSON_DUPLICATE_KEY:
    case JSON_TOO_DEEP:
    case JSON_TOO_MANY_KEYS:
    case JSON_TOO_MANY_VALUES:
    case JSON_TOO_LONG:
    case JSON_MEMORY:
        break;
    }
    return true;
}

#endif
