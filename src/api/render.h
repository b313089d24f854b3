/*
 * Decisions and figures as JSON. The only place that knows how an event, an answer or a figure looks outside.
 *
 * Everything is rendered from records: a first answer, a replayed one and the feed are the same bytes read by the same
 * code. Any thread, for durable records.
 */
#ifndef ONHAND_API_RENDER_H
#define ONHAND_API_RENDER_H

#include "api/claim_copy.h"
#include "api/config_copy.h"
#include "api/document_copy.h"
#include "api/json_write.h"
#include "feed/filter.h"
#include "journal/journal.h"

struct render {
    const struct ledger *ledger; /* for names */
    const struct epochs *epochs; /* of the journal */
    /* Dry runs: names that exist in the record alone. */
    uint32_t name_count;
    const struct new_name *names;
};

/* The position of an event in quotes: it names the epoch in which it was decided, whatever began since. */
void render_position(struct buffer *out, const struct epochs *epochs, uint64_t seq);
/* The same of one that somebody said. */
void render_position_said(struct buffer *out, uint32_t epoch, uint64_t seq);

/* Fields of an answer to a decided command, without the braces: "id":…,"source":…,"status":…, and for an accepted one
 * its position and figures, for a refused one its code and what it was judged on. configured: the name whose
 * configuration was sent, absent for other commands. single: see render_status. */
void render_answer(struct buffer *out, const struct render *render, const struct decision *decision,
                   struct text configured, bool replayed, bool dry_run, bool single);
/*
 * "status":"<word>" as answers have it. In a problem document (http not 0 and not 200) `status` is the HTTP status, by RFC
 * 9457, and the word is in `outcome`.
 */
void render_status(struct buffer *out, const char *word, int http);

/*
 * The body of a config event, from its binary form: `,"body":{…}` as GET answers it. Writes nothing when it has no form
 * that this version knows.
 */
void render_config_body(struct buffer *out, const struct render *render, const struct event *event);
/* An item, a location, a channel or a source as its calls and lists answer it. */
void render_config(struct buffer *out, const struct render *render, const struct config_copy *config);
/* The name with this number. */
struct text render_name(const struct render *render, enum name_space space, uint32_t number);

/* A command in its canonical form, as a JSON object; null when it has none that this version knows. */
void render_command(struct buffer *out, struct text form);
/* What a review is about: the review itself is `view`, its first event has the command and the cells. */
void render_review(struct buffer *out, const struct render *render, const struct review_view *view,
                   const struct event *event);
/* What a source said last of a cell; and without the last brace. */
void render_statement_open(struct buffer *out, const struct render *render, const struct statement_view *view);
void render_statement(struct buffer *out, const struct render *render, const struct statement_view *view);
/* One event as a JSON object. */
void render_event(struct buffer *out, const struct render *render, const struct decision *decision, uint32_t index);

/* The figures of a cell, from on_hand to in_bins, without braces; zero figures are there. */
void render_figures(struct buffer *out, const struct figures *figures, int64_t oversold, unsigned scale);
/* A whole cell as the calls for stock answer it. */
void render_cell(struct buffer *out, const struct render *render, const struct cell_view *cell);
/* The same without the last brace, for who has more to say of it. */
void render_cell_open(struct buffer *out, const struct render *render, const struct cell_view *cell);
/* What a channel may sell of an item; and without the last brace. */
void render_availability(struct buffer *out, struct text item, int64_t ats, unsigned scale);
void render_availability_open(struct buffer *out, struct text item, int64_t ats, unsigned scale);
/* A claim as the calls for holds answer it. */
void render_claim(struct buffer *out, const struct render *render, const struct claim_copy *claim);
/* A transfer and an expectation as their calls answer them. */
void render_transfer(struct buffer *out, const struct render *render, const struct document_copy *document);
void render_expectation(struct buffer *out, const struct render *render, const struct document_copy *document);
/* A moment that is not absent, in quotes: a day as 2026-12-01, an instant as a time in UTC. */
void render_moment(struct buffer *out, struct moment moment);
/* The members of a refused event beyond "status": code, title, subject, cells … Begins with a comma. */
void render_refusal(struct buffer *out, const struct render *render, const struct event *event);
/* Is this decision a refusal? */
bool decision_refused(const struct decision *decision);

#endif
