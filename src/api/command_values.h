/*
 * The values of a JSON body, read one by one: names, decimals, times, and the error that names what is wrong with one.
 *
 * Every function gives true with its output written, or false with *error filled: where (`place`), the code, and a
 * clause with what the value is and what it must be. Pure, no allocation, any thread.
 */
#ifndef ONHAND_API_COMMAND_VALUES_H
#define ONHAND_API_COMMAND_VALUES_H

#include "api/command_json.h"
#include "api/url.h"

/* Where we are in the document, for errors: a JSON Pointer of up to four parts. */
struct place {
    int32_t line;       /* index into `lines`, or -1 */
    const char *parent; /* "if", "sourcing/locations" or the like, or NULL */
    struct text key;    /* TEXT_NONE for the object itself */
};

#define SHOWN_BYTES 64 /* of a value, in an error's detail */
struct shown {
    char text[SHOWN_BYTES + 8];
};

/* Always false. */
PRINTF_LIKE(4, 5)
bool value_fail(struct command_error *error, enum code code, struct place place, const char *format, ...);
/* A value as an error shows it: short, in one line, without control characters. */
struct shown value_show(const struct json_node *node);

/* A name or a label, by its check (url.h). */
MUST_USE bool value_label(struct command_error *error, const struct json_node *node, struct place place,
                          enum name_status (*check)(struct text), struct text *out);
/* A name of at most UNIT_BYTES_MAX bytes. */
MUST_USE bool value_unit(struct command_error *error, const struct json_node *node, struct place place,
                         struct text *out);
MUST_USE bool value_decimal(struct command_error *error, const struct json_node *node, struct place place,
                            struct decimal *out);
/* One that may be left out elsewhere, and is not below 0 here. */
MUST_USE bool value_from_zero(struct command_error *error, const struct json_node *node, struct place place,
                              struct optional_decimal *out);
/* A whole JSON number from `low` to `high`. */
MUST_USE bool value_whole(struct command_error *error, const struct json_node *node, struct place place, int64_t low,
                          int64_t high, int64_t *out);
/* A position of the feed. */
MUST_USE bool value_position(struct command_error *error, const struct json_node *node, struct place place,
                             uint32_t *out_epoch, uint64_t *out_seq);
/* A review, by the position of its event: the number of that. epochs: of the journal, or NULL. */
MUST_USE bool value_review(struct command_error *error, const struct json_node *node, struct place place,
                           const struct epochs *epochs, uint64_t *out);
MUST_USE bool value_bool(struct command_error *error, const struct json_node *node, struct place place, bool *out);
/* One of `count` words; *out is its index. known: the words with a blank before each, for the error. */
MUST_USE bool value_word(struct command_error *error, const struct json_node *node, struct place place,
                         const struct text *words, unsigned count, const char *known, unsigned *out);
MUST_USE bool value_condition(struct command_error *error, const struct json_node *node, struct place place,
                              enum condition *out);
MUST_USE bool value_time(struct command_error *error, const struct json_node *node, struct place place,
                         int64_t *out_us);
#define DAY_BYTES 10
/* A time, or a day such as 2026-12-01 (DAY_BYTES long, which no time is). */
MUST_USE bool value_moment(struct command_error *error, const struct json_node *node, struct place place,
                           struct moment *out);
MUST_USE bool value_expires_in(struct command_error *error, const struct json_node *node, struct place place,
                               int64_t *out_ms);
/*
 * An array of `least` to COMMAND_PLACES_MAX names, none of them twice, in the form of command_place_put. bytes: the
 * caller's room for COMMAND_PLACES_BYTES, borrowed by *out. place: of the array.
 */
MUST_USE bool value_places(struct command_error *error, const struct json_node *nodes, uint32_t index,
                           struct place place, uint32_t least, uint8_t *bytes, uint32_t *out_count, struct text *out);
/* An object in canonical form: keys sorted, no blanks. bytes: the caller's room for META_BYTES_MAX, borrowed by *out.
 */
MUST_USE bool value_meta(struct command_error *error, const struct json_node *nodes, uint32_t index, struct place place,
                         char *bytes, struct text *out);

#endif
