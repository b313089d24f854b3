#include "cli/document.h"

#include <stdlib.h>

/* Every value but the root follows a comma or an opening bracket: an upper bound, exact but for such bytes in strings.
 */
static size_t count_values(struct text json)
{
    size_t count = 1;
    for (uint32_t i = 0; i < json.length; i++)
        count += json.bytes[i] == ',' || json.bytes[i] == '[' || json.bytes[i] == '{';
    return count;
}

enum status document_init(struct document *document, struct text json)
{
    size_t capacity = count_values(json);
    document->parser = json_parser_create((size_t)json.length + 1);
    document->nodes = calloc(capacity, sizeof(*document->nodes));
    enum status status = STATUS_MEMORY;
    if (document->parser != NULL && document->nodes != NULL) {
        enum json_status parsed = json_parse(document->parser, json.bytes, json.length, document->nodes,
                                             (uint32_t)capacity, &document->node_count, NULL);
        status = parsed == JSON_OK ? STATUS_OK : parsed == JSON_MEMORY ? STATUS_MEMORY : STATUS_INVALID;
    }
    if (status != STATUS_OK)
        document_deinit(document);
    return status;
}

void document_deinit(struct document *document)
{
    if (document->parser != NULL)
        json_parser_destroy(document->parser);
    free(document->nodes);
    document->parser = NULL;
    document->nodes = NULL;
}

struct text document_value(const struct json_node *node)
{
    switch ((enum json_type)node->type) {
    case JSON_STRING:
    case JSON_NUMBER:
        return node->text;
    case JSON_TRUE:
        return TEXT("true");
    case JSON_FALSE:
        return TEXT("false");
    case JSON_NULL:
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return TEXT_NONE;
}

struct text document_text(const struct document *document, uint32_t object, struct text key)
{
    if (document->nodes[object].type != JSON_OBJECT)
        return TEXT_NONE;
    uint32_t member = json_member(document->nodes, object, key);
    return member == 0 ? TEXT_NONE : document_value(&document->nodes[member]);
}

uint32_t document_container(const struct document *document, uint32_t object, struct text key)
{
    if (document->nodes[object].type != JSON_OBJECT)
        return 0;
    uint32_t member = json_member(document->nodes, object, key);
    if (member == 0)
        return 0;
    uint8_t type = document->nodes[member].type;
    return type == JSON_ARRAY || type == JSON_OBJECT ? member : 0;
}
