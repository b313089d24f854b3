/*
 * JSON in (RFC 8259): one document becomes a flat array of nodes in the caller's memory, in the order of the text.
 *
 *     {"a":[1,"x"],"b":true}
 *
 *     0 object  count 2  next 5      A container is directly followed by its children; `next` is the index behind
 *     1 array   key a  count 2  next 4   the whole value: the following sibling, if the parent has one more.
 *     2 number  "1"      next 3
 *     3 string  "x"      next 4
 *     4 true    key b    next 5
 *
 * Every value is visited, so a document that gives nodes is right as a whole: UTF-8, grammar of every number, no
 * control byte in a string, no duplicate key in an object, no lone surrogate, nothing behind the end, and within the
 * bounds below. \u0000 in a string or key is refused everywhere: no name, reason or meta of ours may carry it, and C code
 * behind us must never meet it.
 *
 * The parser is simdjson On-Demand (json_simdjson.cc, the only C++ in the tree). It looks ahead up to JSON_PADDING
 * bytes: bytes[n] to bytes[n + JSON_PADDING - 1] must be readable; what they hold does not matter and is never used.
 */
#ifndef ONHAND_API_JSON_H
#define ONHAND_API_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
/* base/text.h is C17 and compiles as C++ but for -Wpedantic; base/check.h does not. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#include "base/text.h"
#pragma GCC diagnostic pop
#define MUST_USE __attribute__((warn_unused_result))
extern "C" {
#else
#include "base/check.h"
#include "base/text.h"
#endif

#define JSON_PADDING   64
#define JSON_DEPTH_MAX 32  /* containers inside each other; a command needs 3, its meta a few more */
#define JSON_KEYS_MAX  128 /* members of one object; the richest body of ours has about 30 */

enum json_type { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_node {
    struct text key;  /* unescaped; absent outside of objects */
    struct text text; /* string: unescaped UTF-8; number: the token as written; else absent */
    uint32_t count;   /* container: number of direct children; else 0 */
    uint32_t next;    /* index of the node behind this whole value */
    uint32_t offset;  /* byte offset of the value in the document */
    uint8_t type;     /* enum json_type */
};

/* X(name, text for the answer's detail) */
#define JSON_STATUS_MAP(X)                                                                                             \
    X(OK, "is right")                                                                                                  \
    X(EMPTY, "there is no JSON value")                                                                                 \
    X(NOT_UTF8, "the text is not UTF-8")                                                                               \
    X(SYNTAX, "the text is not JSON")                                                                                  \
    X(UNCLOSED, "the text ends inside a string, an array or an object")                                                \
    X(BAD_NUMBER, "a number is not in JSON's grammar")                                                                 \
    X(BAD_STRING, "a string has a control byte or an unknown escape")                                                  \
    X(BAD_SURROGATE, "a string has a surrogate escape without its partner")                                            \
    X(NUL, "a string has \\u0000")                                                                                     \
    X(DUPLICATE_KEY, "an object has the same key twice")                                                               \
    X(TRAILING, "something follows the JSON value")                                                                    \
    X(TOO_DEEP, "arrays and objects are more than 32 deep")                                                            \
    X(TOO_MANY_KEYS, "an object has more than 128 members")                                                            \
    X(TOO_MANY_VALUES, "the document has more values than this call takes")                                            \
    X(TOO_LONG, "the document is longer than this call takes")                                                         \
    X(MEMORY, "memory could not be had")

enum json_status {
#define X(name, text) JSON_##name,
    JSON_STATUS_MAP(X)
#undef X
};

/* What is wrong, a constant in English. */
const char *json_status_text(enum json_status status);

#define JSON_OFFSET_NONE UINT32_MAX

struct json_error {
    enum json_status status;
    uint32_t offset; /* byte in the document at or near which it went wrong, or JSON_OFFSET_NONE */
};

struct json_parser; /* one thread at a time */

/* A parser for documents of up to document_bytes_max bytes (below 4 GiB); NULL when memory cannot be had. */
struct json_parser *json_parser_create(size_t document_bytes_max);
void json_parser_destroy(struct json_parser *parser);

/*
 * Parses the n bytes as one document. On JSON_OK nodes[0] is its root and *out_count nodes are written. Texts borrow the
 * document or the parser: they are valid until either the bytes change or the parser is used again.
 * On any other status *out_error (may be NULL) says where. Allocates nothing.
 */
MUST_USE enum json_status json_parse(struct json_parser *parser, const char *bytes, size_t n, struct json_node *nodes,
                                     uint32_t node_capacity, uint32_t *out_count, struct json_error *out_error);

/* Is this text exactly one number in JSON's grammar? */
bool json_number_valid(const char *bytes, size_t n);

/* The member of object nodes[object] with this key, or 0 (never a member's index) when it has none. */
uint32_t json_member(const struct json_node *nodes, uint32_t object, struct text key);

#ifdef __cplusplus
}
#endif
#endif
