#include "cli/sse.h"

#include "api/json.h"

void sse_init(struct sse *sse, void *context, bool (*frame)(void *context, struct text data, const char *id))
{
    memset(sse, 0, sizeof(*sse));
    buffer_init(&sse->line, SSE_FRAME_BYTES_MAX);
    buffer_init(&sse->data, SSE_FRAME_BYTES_MAX);
    sse->context = context;
    sse->frame = frame;
}

void sse_deinit(struct sse *sse)
{
    buffer_deinit(&sse->line);
    buffer_deinit(&sse->data);
}

void sse_reset(struct sse *sse)
{
    buffer_reset(&sse->line);
    buffer_reset(&sse->data);
    sse->has_data = false;
    sse->id[0] = '\0';
}

/* The value of "name: value" when the line has this name. */
static bool field(struct text line, struct text name, struct text *out_value)
{
    if (line.length <= name.length || memcmp(line.bytes, name.bytes, name.length) != 0 ||
        line.bytes[name.length] != ':')
        return false;
    uint32_t at = name.length + 1;
    if (at < line.length && line.bytes[at] == ' ')
        at++;
    *out_value = text_of(line.bytes + at, line.length - at);
    return true;
}

static bool take_line(struct sse *sse, struct text line)
{
    struct text value = TEXT_NONE;
    if (line.length != 0 && line.bytes[line.length - 1] == '\r')
        line.length--;
    if (line.length == 0) {
        bool has_data = sse->has_data;
        sse->has_data = false;
        if (!has_data || buffer_room(&sse->data, JSON_PADDING) == NULL)
            return !has_data;
        memset(sse->data.bytes + sse->data.length, 0, JSON_PADDING);
        bool go_on = sse->frame(sse->context, text_of(sse->data.bytes, sse->data.length), sse->id);
        buffer_reset(&sse->data);
        return go_on;
    }
    if (field(line, TEXT("data"), &value)) {
        if (sse->has_data)
            buffer_byte(&sse->data, '\n');
        sse->has_data = true;
        buffer_text(&sse->data, value);
    } else if (field(line, TEXT("id"), &value) && value.length < SSE_ID_BYTES_MAX) {
        memcpy(sse->id, value.bytes, value.length);
        sse->id[value.length] = '\0';
    }
    return !sse->data.failed;
}

bool sse_take(struct sse *sse, const char *bytes, size_t n)
{
    while (n != 0) {
        const char *end = memchr(bytes, '\n', n);
        size_t part = end == NULL ? n : (size_t)(end - bytes);
        if (end != NULL && sse->line.length == 0) {
            if (!take_line(sse, text_of(bytes, part)))
                return false;
        } else {
            buffer_append(&sse->line, bytes, part);
            if (sse->line.failed)
                return false;
            if (end != NULL) {
                if (!take_line(sse, text_of(sse->line.bytes, sse->line.length)))
                    return false;
                buffer_reset(&sse->line);
            }
        }
        size_t taken = end == NULL ? part : part + 1;
        bytes += taken;
        n -= taken;
    }
    return true;
}
