/*
 * Silence in the model: who has said nothing for too long, and what is shown less while it does. Written from "Silence"
 * in docs/protocol.md. Who is next is found by looking at everybody.
 */
#include "model_work.h"

#include <string.h>

#define SECOND INT64_C(1000000)

static bool same_name(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

int64_t shown_of(const struct model_state *s, const char *item, const char *location, int64_t units)
{
    int64_t least = units;
    for (int64_t i = 0; i < s->source_count; i++) {
        const struct model_silence *silence = &s->sources[i].silence;
        for (int64_t p = 0; s->sources[i].silent_since_us != 0 && p < silence->place_count; p++) {
            if (!same_name(silence->places[p], location))
                continue;
            int64_t less = units - scaled(silence->buffer, s->items[find_item(s, item)].scale);
            if (silence->buffer == 0 || less < 0)
                less = 0;
            least = less < least ? less : least;
        }
    }
    return least;
}

bool silence_stands_on(const struct model_state *s, const char *location)
{
    for (int64_t i = 0; i < s->source_count; i++)
        for (int64_t p = 0; p < s->sources[i].silence.place_count; p++)
            if (same_name(s->sources[i].silence.places[p], location))
                return true;
    return false;
}

/* When something is to be said of it; MODEL_TIME_NONE for never. */
static int64_t say_at(const struct model_state *s, const struct model_source *source)
{
    if (source->silence.after_s == 0)
        return MODEL_TIME_NONE;
    if (source->silent_since_us != 0)
        return source->heard_us > source->silent_since_us ? source->heard_us : MODEL_TIME_NONE;
    int64_t from = source->heard_us > s->listening_us ? source->heard_us : s->listening_us;
    return from + source->silence.after_s * SECOND;
}

int64_t next_say(const struct model_state *s, int64_t now_us, int64_t *out_at_us)
{
    int64_t next = -1;
    for (int64_t i = 0; i < s->source_count; i++) {
        int64_t at = say_at(s, &s->sources[i]);
        if (at == MODEL_TIME_NONE || at > now_us || (next >= 0 && at >= *out_at_us))
            continue;
        next = i;
        *out_at_us = at;
    }
    return next;
}

void say(struct model_state *s, int64_t source, bool *out_silent, int64_t *out_since_us)
{
    struct model_source *of = &s->sources[source];
    *out_silent = of->silent_since_us == 0;
    *out_since_us = *out_silent ? of->heard_us : of->silent_since_us;
    of->silent_since_us = *out_silent ? of->heard_us : 0;
    s->seq++;
}

bool listen_to(struct model_state *s, int64_t source, const struct model_silence *silence, int64_t now_us)
{
    struct model_source *of = &s->sources[source];
    bool ended = of->silent_since_us != 0 &&
                 (silence->after_s == 0 || of->heard_us + silence->after_s * SECOND > now_us);
    if (ended)
        of->silent_since_us = 0;
    if (of->silence.after_s == 0)
        of->heard_us = now_us;
    of->silence = *silence;
    s->seq += ended ? 2 : 1;
    return ended;
}
