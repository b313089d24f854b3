#include "resp.h"

void resp_command(struct bytequeue *out, unsigned count)
{
    bytequeue_literal(out, "*");
    bytequeue_number(out, count);
    bytequeue_literal(out, "\r\n");
}

void resp_bytes(struct bytequeue *out, const void *bytes, size_t n)
{
    bytequeue_literal(out, "$");
    bytequeue_number(out, n);
    bytequeue_literal(out, "\r\n");
    bytequeue_append(out, bytes, n);
    bytequeue_literal(out, "\r\n");
}

enum resp_step resp_read(struct bytequeue *in, struct resp_reply *out_reply)
{
    size_t length = bytequeue_length(in);
    const char *front = length == 0 ? NULL : bytequeue_front(in);
    const char *end = length == 0 ? NULL : memchr(front, '\n', length);
    if (end == NULL)
        return RESP_MORE;
    size_t line = (size_t)(end - front);
    if (line < 2 || front[line - 1] != '\r')
        return RESP_BAD;
    struct text text = text_of(front + 1, line - 2);
    size_t taken = line + 1;
    if (*front == '$' && text.length > 0 && text.bytes[0] == '-') {
        text = TEXT_NONE;
    } else if (*front == '$') {
        size_t n = 0;
        for (uint32_t i = 0; i < text.length && i < 9; i++) {
            if (text.bytes[i] < '0' || text.bytes[i] > '9')
                return RESP_BAD;
            n = n * 10 + (size_t)(text.bytes[i] - '0');
        }
        if (length - taken < n + 2)
            return RESP_MORE;
        text = text_of(front + taken, n);
        taken += n + 2;
    } else if (*front != '+' && *front != '-' && *front != ':') {
        return RESP_BAD;
    }
    *out_reply = (struct resp_reply){*front, text};
    bytequeue_take(in, taken);
    return RESP_REPLY;
}
