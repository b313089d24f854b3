/*
 * A command in its canonical form as JSON again: what a review held, for whoever has to decide. Members that say nothing
 * are left out; times are in UTC.
 */
#include "api/render.h"

#include <stdlib.h>

static void render_key(struct buffer *out, const char *key)
{
    buffer_literal(out, ",\"");
    buffer_text(out, text_of(key, strlen(key)));
    buffer_literal(out, "\":");
}

static void render_text(struct buffer *out, const char *key, struct text value)
{
    if (!text_present(value))
        return;
    render_key(out, key);
    json_string(out, value);
}

static void render_word(struct buffer *out, const char *key, const char *word)
{
    render_text(out, key, text_of(word, strlen(word)));
}

static void render_time(struct buffer *out, const char *key, int64_t us)
{
    if (us == TIME_NONE)
        return;
    render_key(out, key);
    json_time(out, us);
}

static void render_moment_of(struct buffer *out, const char *key, struct moment moment)
{
    if (moment.form == MOMENT_ABSENT)
        return;
    render_key(out, key);
    render_moment(out, moment);
}

static void render_decimal(struct buffer *out, const char *key, struct decimal decimal)
{
    render_key(out, key);
    json_units(out, decimal.digits, decimal.places);
}

static void render_optional(struct buffer *out, const char *key, struct optional_decimal decimal)
{
    if (decimal.present)
        render_decimal(out, key, decimal.value);
}

static void render_true(struct buffer *out, const char *key, bool value)
{
    if (!value)
        return;
    render_key(out, key);
    json_bool(out, true);
}

static void render_precondition(struct buffer *out, const struct precondition *precondition)
{
    if (precondition->present == 0)
        return;
    render_key(out, "if");
    size_t begin = out->length;
    if ((precondition->present & PRECONDITION_VERSION) != 0) {
        render_key(out, "version");
        json_u64(out, precondition->version);
    }
    if ((precondition->present & PRECONDITION_ON_HAND) != 0)
        render_decimal(out, "on_hand", precondition->on_hand);
    if ((precondition->present & PRECONDITION_AVAILABLE) != 0)
        render_decimal(out, "available", precondition->available);
    if ((precondition->present & PRECONDITION_RESERVED) != 0)
        render_decimal(out, "reserved", precondition->reserved);
    if (!out->failed)
        out->bytes[begin] = '{'; /* where the first member's comma stood */
    buffer_byte(out, '}');
}

static void render_lines(struct buffer *out, const struct command *command)
{
    render_key(out, "lines");
    buffer_byte(out, '[');
    for (uint32_t i = 0; i < command->line_count; i++) {
        const struct command_line *line = &command->lines[i];
        if (i != 0)
            buffer_byte(out, ',');
        buffer_literal(out, "{\"item\":");
        json_string(out, line->item);
        render_text(out, "location", line->location);
        render_decimal(out, "quantity", line->quantity);
        render_text(out, "unit", line->unit);
        if (line->condition != CONDITION_NONE)
            render_word(out, "condition", condition_name(line->condition));
        render_precondition(out, &line->precondition);
        buffer_byte(out, '}');
    }
    buffer_byte(out, ']');
}

static void render_seen(struct buffer *out, const struct command *command)
{
    static const char *const contained[] = {[CONTAINS_NONE] = "none", [CONTAINS_SHIPPED] = "shipped",
                                            [CONTAINS_COMMITTED] = "committed"};
    render_key(out, "seen");
    buffer_byte(out, '{');
    if (command->has_position) {
        buffer_literal(out, "\"position\":");
        render_position_said(out, command->seen_epoch, command->seen_position);
        if (command->seen_seq != 0) {
            render_key(out, "seq");
            json_u64(out, command->seen_seq);
        }
    } else {
        buffer_literal(out, "\"time\":");
        json_time(out, command->occurred_at_us);
    }
    buffer_byte(out, '}');
    if (command->measure == MEASURE_AVAILABLE)
        render_word(out, "measure", "available");
    render_text(out, "set", command->set);
    render_true(out, "last", command->last);
    if (command->contains != CONTAINS_DEFAULT)
        render_word(out, "contains", contained[command->contains]);
}

static void render_members(struct buffer *out, const struct command *command)
{
    bool count = command->kind == KIND_STOCK_COUNT;
    render_text(out, "id", command->id);
    render_text(out, "source", command->source);
    if (command->kind == KIND_SNAPSHOT && !command->report)
        render_seen(out, command);
    else
        render_time(out, count ? "counted_to" : "occurred_at", command->occurred_at_us);
    if (command->report)
        render_word(out, "measure", command->measure == MEASURE_AVAILABLE ? "available" : "on_hand");
    render_time(out, "counted_from", command->counted_from_us);
    render_true(out, "includes_picked", command->includes_picked);
    if (command->has_seq) {
        render_key(out, "seq");
        json_u64(out, command->seq);
    }
    if (command->guard != GUARD_DEFAULT) {
        render_key(out, "guard");
        json_bool(out, command->guard == GUARD_ON);
    }
    render_text(out, "actor", command->actor);
    render_text(out, "reason", command->reason);
    render_text(out, "document", command->document);
    render_text(out, "line", command->document_line);
    render_text(out, "channel", command->channel);
    render_text(out, "hold", command->hold);
    render_text(out, "transfer", command->transfer);
    render_text(out, "expectation", command->expectation);
    render_text(out, "item", command->item);
    render_text(out, "location", command->location);
    if (command->from != CONDITION_NONE)
        render_word(out, "from", condition_name(command->from));
    if (command->to_condition != CONDITION_NONE)
        render_word(out, "to", condition_name(command->to_condition));
    render_text(out, "to", command->to_location);
    render_optional(out, "to", command->to);
    render_optional(out, "add", command->add);
    render_moment_of(out, command->kind == KIND_TRANSFER_OUT ? "eta" : "due", command->due);
    if (command->direction != DIRECTION_NONE)
        render_word(out, "direction", command->direction == DIRECTION_IN ? "in" : "out");
    render_optional(out, "safety_stock", command->safety_stock);
    render_optional(out, "backorder_limit", command->backorder_limit);
    render_optional(out, "reorder_point", command->reorder_point);
    render_optional(out, "buffer", command->buffer);
    render_optional(out, "cap", command->cap);
    render_precondition(out, &command->precondition);
    if (command->line_count != 0)
        render_lines(out, command);
    if (text_present(command->meta)) {
        render_key(out, "meta");
        buffer_text(out, command->meta);
    }
}

void render_command(struct buffer *out, struct text form)
{
    struct command command;
    struct command_line *lines = malloc(COMMAND_LINES_MAX * sizeof(*lines));
    if (lines == NULL || command_decode((const uint8_t *)form.bytes, form.length, lines, &command) != STATUS_OK) {
        buffer_literal(out, "null");
    } else {
        const char *kind = kind_name(command.kind);
        buffer_literal(out, "{\"kind\":");
        json_string(out, text_of(kind, strlen(kind)));
        render_members(out, &command);
        buffer_byte(out, '}');
    }
    free(lines);
}
