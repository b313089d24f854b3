/*
 * A JSON document read whole (api/json.h), with memory to fit it: answers of the server.
 */
#ifndef ONHAND_CLI_DOCUMENT_H
#define ONHAND_CLI_DOCUMENT_H

#include "api/json.h"
#include "base/status.h"
#include "base/text.h"

struct document {
    struct json_parser *parser; /* owned */
    struct json_node *nodes;    /* owned; nodes[0] is the root */
    uint32_t node_count;
};

/*
 * Parses json, of which JSON_PADDING more bytes can be read; its texts are borrowed.
 * STATUS_INVALID when it is not JSON, STATUS_MEMORY; nothing is to be given back then.
 */
MUST_USE enum status document_init(struct document *document, struct text json);
void document_deinit(struct document *document);

/* The member's string, number token, or "true", "false"; TEXT_NONE when it is absent, null, or a container. */
struct text document_text(const struct document *document, uint32_t object, struct text key);
/* The same of a node. */
struct text document_value(const struct json_node *node);
/* The member that is an array or object, or 0. */
uint32_t document_container(const struct document *document, uint32_t object, struct text key);

#endif
