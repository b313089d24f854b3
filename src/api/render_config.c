/*
 * Configuration in events and answers.
 */
#include "api/render.h"

void render_config_body(struct buffer *out, const struct event *event)
{
    (void)out;
    (void)event;
}
