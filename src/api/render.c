#include "api/render.h"

#include "feed/position.h"

#define DAY_BYTES 10 /* of a time: "2026-12-01" */

static struct text constant(const char *string)
{
    return text_of(string, strlen(string));
}

struct text render_name(const struct render *render, enum name_space space, uint32_t number)
{
    for (uint32_t i = 0; i < render->name_count; i++) {
        if (render->names[i].space == space && render->names[i].number == number)
            return render->names[i].name;
    }
    /* Behind a repair there may be events whose names are lost. */
    if (UNLIKELY(render->names != NULL) && number >= ledger_name_count(render->ledger, space))
        return TEXT("?");
    return ledger_name(render->ledger, space, number);
}

void render_position(struct buffer *out, const struct epochs *epochs, uint64_t seq)
{
    render_position_said(out, epochs_of(epochs, seq), seq);
}

void render_position_said(struct buffer *out, uint32_t epoch, uint64_t seq)
{
    char *room = buffer_room(out, POSITION_TEXT_BYTES + 2);
    if (room == NULL)
        return;
    room[0] = '"';
    unsigned n = position_format((struct position){epoch, seq}, room + 1);
    room[n + 1] = '"';
    out->length += n + 2;
}

bool decision_refused(const struct decision *decision)
{
    return decision->event_count == 1 && decision->events[0].type == EVENT_REFUSED;
}

static void render_text_member(struct buffer *out, const char *key, struct text value)
{
    if (!text_present(value))
        return;
    buffer_literal(out, ",\"");
    buffer_text(out, constant(key));
    buffer_literal(out, "\":");
    json_string(out, value);
}

/* A time, or a day by its date alone; null when there is none. */
void render_moment(struct buffer *out, struct moment moment)
{
    char time[RFC3339_TEXT_BYTES];
    unsigned n = moment.form == MOMENT_ABSENT ? 0 : rfc3339_format(moment.us, time);
    json_string(out, moment.form == MOMENT_ABSENT ? TEXT_NONE : text_of(time, moment.form == MOMENT_DAY ? DAY_BYTES : n));
}

static void render_moment_member(struct buffer *out, const char *key, struct moment moment)
{
    if (moment.form == MOMENT_ABSENT)
        return;
    buffer_literal(out, ",\"");
    buffer_text(out, constant(key));
    buffer_literal(out, "\":");
    render_moment(out, moment);
}

/* ---- figures ---- */

#define UNITS(literal, value)                                                                                          \
    do {                                                                                                               \
        buffer_literal(out, literal);                                                                                  \
        json_units(out, (value), scale);                                                                               \
    } while (0)

void render_figures(struct buffer *out, const struct figures *figures, int64_t oversold, unsigned scale)
{
    const int64_t *units = figures->units;
    int64_t on_hand = figures_on_hand(figures);
    UNITS("\"on_hand\":", on_hand);
    UNITS(",\"sellable\":", units[CONDITION_SELLABLE]);
    UNITS(",\"unavailable\":", on_hand - units[CONDITION_SELLABLE]);
    UNITS(",\"conditions\":{\"sellable\":", units[CONDITION_SELLABLE]);
    UNITS(",\"damaged\":", units[CONDITION_DAMAGED]);
    UNITS(",\"quality_control\":", units[CONDITION_QUALITY_CONTROL]);
    UNITS(",\"quarantined\":", units[CONDITION_QUARANTINED]);
    UNITS(",\"recalled\":", units[CONDITION_RECALLED]);
    UNITS(",\"expired\":", units[CONDITION_EXPIRED]);
    UNITS("},\"in_transit\":", units[FIGURE_IN_TRANSIT]);
    UNITS(",\"held\":", units[FIGURE_HELD]);
    UNITS(",\"committed\":", units[FIGURE_COMMITTED]);
    UNITS(",\"picked\":", units[FIGURE_PICKED]);
    UNITS(",\"backordered\":", units[FIGURE_BACKORDERED]);
    UNITS(",\"reserved\":", figures_reserved(figures));
    UNITS(",\"available\":", figures_available(figures));
    UNITS(",\"oversold\":", oversold);
    UNITS(",\"safety_stock\":", units[FIGURE_SAFETY_STOCK]);
    UNITS(",\"backorder_limit\":", units[FIGURE_BACKORDER_LIMIT]);
    UNITS(",\"reorder_point\":", units[FIGURE_REORDER_POINT]);
    UNITS(",\"incoming\":", units[FIGURE_INCOMING]);
    UNITS(",\"outgoing\":", units[FIGURE_OUTGOING]);
    UNITS(",\"in_bins\":", units[FIGURE_IN_BINS]);
}

void render_cell_open(struct buffer *out, const struct render *render, const struct cell_view *cell)
{
    buffer_literal(out, "{\"item\":");
    json_string(out, render_name(render, NAME_ITEM, cell->item));
    buffer_literal(out, ",\"location\":");
    json_string(out, render_name(render, NAME_LOCATION, cell->location));
    buffer_byte(out, ',');
    render_figures(out, &cell->figures, cell_oversold(cell), cell->scale);
    buffer_literal(out, ",\"version\":");
    json_u64(out, cell->version);
    buffer_literal(out, ",\"position\":");
    render_position(out, render->epochs, cell->last_seq);
}

void render_cell(struct buffer *out, const struct render *render, const struct cell_view *cell)
{
    render_cell_open(out, render, cell);
    buffer_byte(out, '}');
}

/* ---- channels ---- */

void render_availability_open(struct buffer *out, struct text item, int64_t ats, unsigned scale)
{
    buffer_literal(out, "{\"item\":");
    json_string(out, item);
    UNITS(",\"ats\":", ats);
}

void render_availability(struct buffer *out, struct text item, int64_t ats, unsigned scale)
{
    render_availability_open(out, item, ats, scale);
    buffer_byte(out, '}');
}

/* The short form of answers. */
static void render_brief(struct buffer *out, const struct render *render, const struct event *event)
{
    unsigned scale = event->scale;
    buffer_literal(out, "{\"item\":");
    json_string(out, render_name(render, NAME_ITEM, event->item));
    buffer_literal(out, ",\"location\":");
    json_string(out, render_name(render, NAME_LOCATION, event->location));
    UNITS(",\"on_hand\":", figures_on_hand(&event->figures));
    UNITS(",\"reserved\":", figures_reserved(&event->figures));
    UNITS(",\"available\":", figures_available(&event->figures));
    buffer_literal(out, ",\"version\":");
    json_u64(out, event->version);
    buffer_byte(out, '}');
}

/* Only what changed, under the names of the figures; sums that changed with it are there too. */
static void render_delta(struct buffer *out, const struct event *event)
{
    unsigned scale = event->scale;
    const struct {
        const char *name;
        int64_t units;
    } sums[] = {{"on_hand", figures_on_hand(&event->delta)},
                {"reserved", figures_reserved(&event->delta)},
                {"available", figures_available(&event->delta)}};
    bool first = true;
    buffer_byte(out, '{');
    for (unsigned i = 0; i < FIGURE_COUNT + 3; i++) {
        const char *name = i < 3 ? sums[i].name : figure_name((enum figure)(i - 3));
        int64_t units = i < 3 ? sums[i].units : event->delta.units[i - 3];
        if (units == 0)
            continue;
        if (!first)
            buffer_byte(out, ',');
        first = false;
        buffer_byte(out, '"');
        buffer_text(out, constant(name));
        UNITS("\":", units);
    }
    buffer_byte(out, '}');
}

/* ---- claims ---- */

static void render_claim_line(struct buffer *out, const struct render *render, const struct claim_line_view *line)
{
    unsigned scale = line->scale;
    buffer_literal(out, "{\"item\":");
    json_string(out, render_name(render, NAME_ITEM, line->item));
    buffer_literal(out, ",\"location\":");
    json_string(out, render_name(render, NAME_LOCATION, line->location));
    for (unsigned i = 0; i < CLAIM_FIGURE_COUNT; i++) {
        buffer_literal(out, ",\"");
        buffer_text(out, constant(claim_figure_name((enum claim_figure)i)));
        UNITS("\":", line->units[i]);
    }
    buffer_byte(out, '}');
}

void render_claim(struct buffer *out, const struct render *render, const struct claim_copy *claim)
{
    const struct claim_view *view = &claim->view;
    buffer_literal(out, "{\"hold\":");
    json_string(out, view->hold);
    buffer_literal(out, ",\"state\":");
    json_string(out, constant(claim_state_name(view->state)));
    buffer_literal(out, ",\"holder\":");
    json_string(out, view->holder);
    buffer_literal(out, ",\"channel\":");
    json_string(out, view->channel);
    buffer_literal(out, ",\"expires_at\":");
    if (view->expires_at_us == TIME_NONE)
        buffer_literal(out, "null");
    else
        json_time(out, view->expires_at_us);
    buffer_literal(out, ",\"paid\":");
    json_bool(out, view->paid);
    buffer_literal(out, ",\"priority\":");
    if (view->priority == 0)
        buffer_literal(out, "null");
    else
        json_u64(out, view->priority);
    buffer_literal(out, ",\"at\":");
    render_moment(out, view->at);
    buffer_literal(out, ",\"lines\":[");
    for (uint32_t i = 0; i < claim->line_count; i++) {
        if (i != 0)
            buffer_byte(out, ',');
        render_claim_line(out, render, &claim->lines[i]);
    }
    buffer_literal(out, "],\"position\":");
    render_position(out, render->epochs, claim->seq);
    buffer_byte(out, '}');
}

/* ---- refusals ---- */

/* The cells of a refusal or a review, with what was asked for and what is there, or the change and what the books say. */
static void render_short_cells(struct buffer *out, const struct render *render, const struct event *event,
                               const char *asked, const char *there)
{
    buffer_literal(out, ",\"cells\":[");
    bool comma = false;
    for (uint32_t i = 0; i < event->shortage_count; i++) {
        const struct shortage *shortage = &event->shortages[i];
        unsigned scale = shortage->scale;
        if (comma)
            buffer_byte(out, ',');
        comma = true;
        buffer_literal(out, "{\"item\":");
        json_string(out, render_name(render, NAME_ITEM, shortage->item));
        buffer_literal(out, ",\"location\":");
        /* NUMBER_NONE: all that were asked, together. */
        json_string(out, shortage->location == NUMBER_NONE ? TEXT_NONE
                                                           : render_name(render, NAME_LOCATION, shortage->location));
        buffer_literal(out, ",\"");
        buffer_text(out, constant(asked));
        UNITS("\":", shortage->asked);
        buffer_literal(out, ",\"");
        buffer_text(out, constant(there));
        UNITS("\":", shortage->free);
        buffer_byte(out, '}');
    }
    buffer_byte(out, ']');
}

void render_refusal(struct buffer *out, const struct render *render, const struct event *event)
{
    buffer_literal(out, ",\"code\":");
    json_string(out, constant(code_name(event->code)));
    buffer_literal(out, ",\"detail\":");
    json_string(out, constant(code_meaning(event->code)));
    if (text_present(event->subject)) {
        buffer_literal(out, ",\"subject\":");
        json_string(out, event->subject);
    }
    if (text_present(event->field)) {
        buffer_literal(out, ",\"field\":");
        json_string(out, event->field);
    }
    if (event->code == CODE_hold_ended) {
        unsigned scale = event->scale;
        UNITS(",\"consumed\":", event->consumed);
        UNITS(",\"released\":", event->released);
    }
    if (event->mention_count != 0) {
        buffer_literal(out, ",\"claims\":[");
        for (uint32_t i = 0; i < event->mention_count; i++) {
            if (i != 0)
                buffer_byte(out, ',');
            json_string(out, event->mentions[i]);
        }
        buffer_literal(out, "],\"claims_total\":");
        json_u64(out, event->mention_total);
    }
    if (event->shortage_count != 0)
        render_short_cells(out, render, event, "asked", "free");
}

/* Which brake held a command, why, and what to do. */
static void render_brake(struct buffer *out, enum brake brake)
{
    render_text_member(out, "brake", constant(brake_name(brake)));
    buffer_literal(out, ",\"detail\":\"");
    buffer_text(out, constant(brake_text(brake)));
    buffer_literal(out, ". Nothing is changed until somebody looks at it and sends resolve, with accept or reject\"");
}

/* What was made or resolved of a review; whole: with its command. */
static void render_review_members(struct buffer *out, const struct render *render, const struct event *event, bool whole)
{
    buffer_literal(out, ",\"review\":");
    render_position(out, render->epochs, event->review);
    if (event->type == EVENT_REVIEW && !whole)
        render_brake(out, event->brake);
    else
        render_text_member(out, "brake", constant(brake_name(event->brake)));
    if (event->type == EVENT_RESOLVE)
        render_text_member(out, "verdict", event->accepted ? TEXT("accept") : TEXT("reject"));
    if (event->shortage_count != 0)
        render_short_cells(out, render, event, "change", "books");
    if (whole && text_present(event->held)) {
        buffer_literal(out, ",\"command\":");
        render_command(out, event->held);
    }
}

/* The command that was reversed. */
static void render_of(struct buffer *out, const struct render *render, const struct event *event)
{
    buffer_literal(out, ",\"of\":{\"source\":");
    json_string(out, event->of_source);
    render_text_member(out, "id", event->of_id);
    buffer_literal(out, ",\"position\":");
    render_position(out, render->epochs, event->reversed_seq);
    buffer_byte(out, '}');
}

static void render_booked(struct buffer *out, const struct event *event)
{
    if (event->type == EVENT_CLOSE_PERIOD)
        buffer_literal(out, ",\"until\":");
    else
        buffer_literal(out, ",\"booked_at\":");
    json_time(out, event->booked_us);
}

void render_review(struct buffer *out, const struct render *render, const struct review_view *view,
                   const struct event *event)
{
    buffer_literal(out, "{\"review\":");
    render_position(out, render->epochs, view->review);
    render_text_member(out, "state", view->closed_us == TIME_NONE ? TEXT("open")
                                     : view->accepted             ? TEXT("accepted")
                                                                  : TEXT("rejected"));
    render_text_member(out, "brake", constant(brake_name(view->brake)));
    render_text_member(out, "kind", constant(kind_name(view->kind)));
    render_text_member(out, "source", render_name(render, NAME_SOURCE, view->source));
    buffer_literal(out, ",\"recorded_at\":");
    json_time(out, view->recorded_us);
    if (view->closed_us != TIME_NONE) {
        buffer_literal(out, ",\"resolved_at\":");
        json_time(out, view->closed_us);
    }
    if (event != NULL && event->shortage_count != 0)
        render_short_cells(out, render, event, "change", "books");
    if (event != NULL) {
        buffer_literal(out, ",\"command\":");
        render_command(out, event->held);
    }
    buffer_literal(out, ",\"position\":");
    render_position(out, render->epochs, view->last_seq);
    buffer_byte(out, '}');
}

/* ---- answers ---- */

void render_status(struct buffer *out, const char *word, int http)
{
    if (http != 0 && http != 200) {
        buffer_literal(out, "\"status\":");
        json_u64(out, (uint64_t)http);
        buffer_literal(out, ",\"outcome\":\"");
    } else {
        buffer_literal(out, "\"status\":\"");
    }
    buffer_text(out, constant(word));
    buffer_byte(out, '"');
}

/* {"item":…,"location":… of an answer's list; the caller closes it. */
static void render_row(struct buffer *out, const struct render *render, const struct event *event, bool *comma)
{
    if (*comma)
        buffer_byte(out, ',');
    *comma = true;
    buffer_literal(out, "{\"item\":");
    json_string(out, render_name(render, NAME_ITEM, event->item));
    buffer_literal(out, ",\"location\":");
    json_string(out, render_name(render, NAME_LOCATION,
                                 event->type == EVENT_REPORTED ? event->other_location : event->location));
}

static bool of_claim(const struct event *event)
{
    return event->claim != 0;
}

static bool of_transfer(const struct event *event)
{
    return event->transfer_number != 0;
}

static bool of_expectation(const struct event *event)
{
    return event->expectation_number != 0;
}

static const struct event *first_with(const struct decision *decision, bool (*is)(const struct event *))
{
    for (uint32_t i = 0; i < decision->event_count; i++) {
        if (is(&decision->events[i]))
            return &decision->events[i];
    }
    return NULL;
}

static void render_claim_answer(struct buffer *out, const struct render *render, const struct decision *decision)
{
    const struct event *first = first_with(decision, of_claim); /* goods that leave a bin are claimed at its node */
    if (first == NULL)
        return;
    buffer_literal(out, ",\"hold\":");
    json_string(out, first->hold);
    buffer_literal(out, ",\"state\":");
    json_string(out, constant(claim_state_name(first->claim_state)));
    buffer_literal(out, ",\"expires_at\":");
    if (first->expires_at_us == TIME_NONE)
        buffer_literal(out, "null");
    else
        json_time(out, first->expires_at_us);
    if (decision->kind != KIND_HOLD && decision->kind != KIND_AMEND)
        return;
    buffer_literal(out, ",\"granted\":[");
    bool comma = false;
    for (uint32_t i = 0; i < decision->event_count; i++) {
        const struct event *event = &decision->events[i];
        unsigned scale = event->scale;
        int64_t waiting = event->claim_units[CLAIM_WAITING];
        bool asked = event->type == EVENT_HOLD && (event->quantity != 0 || waiting != 0);
        if (!asked && event->type != EVENT_AMEND)
            continue;
        render_row(out, render, event, &comma);
        UNITS(",\"granted\":", event->quantity);
        if (waiting != 0)
            UNITS(",\"waiting\":", waiting);
        buffer_byte(out, '}');
    }
    buffer_byte(out, ']');
}

/* What is now under way of the transfer to the cells that the command touched. */
static void render_transfer_answer(struct buffer *out, const struct render *render, const struct decision *decision)
{
    const struct event *first = first_with(decision, of_transfer);
    if (first == NULL)
        return;
    render_text_member(out, "transfer", first->transfer);
    buffer_literal(out, ",\"transit\":[");
    bool comma = false;
    for (uint32_t i = 0; i < decision->event_count; i++) {
        const struct event *event = &decision->events[i];
        unsigned scale = event->scale;
        if (!of_transfer(event) || event->location == NUMBER_NONE || event->transit_delta == 0)
            continue;
        render_row(out, render, event, &comma);
        UNITS(",\"units\":", event->transit);
        buffer_byte(out, '}');
    }
    buffer_byte(out, ']');
}

/* What is still open of the expected document in those cells. */
static void render_expectation_answer(struct buffer *out, const struct render *render, const struct decision *decision)
{
    const struct event *first = first_with(decision, of_expectation);
    if (first == NULL)
        return;
    render_text_member(out, "expectation", first->expectation);
    buffer_literal(out, ",\"expected\":[");
    bool comma = false;
    for (uint32_t i = 0; i < decision->event_count; i++) {
        const struct event *event = &decision->events[i];
        unsigned scale = event->scale;
        if (!of_expectation(event) || event->location == NUMBER_NONE)
            continue;
        render_row(out, render, event, &comma);
        UNITS(",\"units\":", event->expected);
        buffer_byte(out, '}');
    }
    buffer_byte(out, ']');
}

/* A figure that was told, or what it differs by. */
static void render_reported(struct buffer *out, const struct render *render, const struct event *event)
{
    unsigned scale = event->scale;
    render_text_member(out, "measure", constant(measure_name(event->measure)));
    if (event->confirmed_seq != 0) {
        buffer_literal(out, ",\"confirmed\":{\"position\":");
        render_position(out, render->epochs, event->confirmed_seq);
        buffer_byte(out, '}');
    } else {
        UNITS(",\"books\":", event->books);
        UNITS(",\"difference\":", event->quantity - event->books);
    }
    if (event->late)
        buffer_literal(out, ",\"late\":true");
}

/* What a partner reported, each of it. */
static void render_reports_answer(struct buffer *out, const struct render *render, const struct decision *decision)
{
    bool comma = false;
    for (uint32_t i = 0; i < decision->event_count; i++) {
        const struct event *event = &decision->events[i];
        unsigned scale = event->scale;
        if (event->type != EVENT_REPORTED)
            continue;
        if (!comma)
            buffer_literal(out, ",\"stated\":[");
        render_row(out, render, event, &comma);
        render_text_member(out, "condition", constant(condition_name(event->condition)));
        UNITS(",\"quantity\":", event->quantity);
        render_reported(out, render, event);
        buffer_byte(out, '}');
    }
    if (comma)
        buffer_byte(out, ']');
}

/* What the command counted or stated, or which counts it corrected: what each of them found, as far as is known now. */
static void render_counts_answer(struct buffer *out, const struct render *render, const struct decision *decision,
                                 enum event_type type, const char *name)
{
    bool comma = false;
    for (uint32_t i = 0; i < decision->event_count; i++) {
        const struct event *event = &decision->events[i];
        unsigned scale = event->scale;
        /* One that changes its sign takes two: the last one says what it is. */
        bool more = type == EVENT_CORRECTION && i + 1 < decision->event_count && event[1].type == type &&
                    event[1].count_seq == event->count_seq;
        if (event->type != type || more || event->set_closed)
            continue;
        if (!comma) {
            buffer_literal(out, ",\"");
            buffer_text(out, constant(name));
            buffer_literal(out, "\":[");
        }
        render_row(out, render, event, &comma);
        render_text_member(out, "condition", constant(condition_name(event->condition)));
        if (type == EVENT_CORRECTION) {
            buffer_literal(out, ",\"count\":");
            render_position(out, render->epochs, event->count_seq);
        } else {
            UNITS(",\"quantity\":", event->quantity);
        }
        if (type == EVENT_SNAPSHOT) {
            UNITS(",\"books\":", event->books);
            UNITS(",\"difference\":", event->quantity - event->books);
            UNITS(",\"booked\":", event->delta.units[event->condition]);
            buffer_byte(out, '}');
            continue;
        }
        UNITS(",\"variance\":", event->variance);
        UNITS(",\"uncertain\":", event->uncertain);
        buffer_byte(out, '}');
    }
    if (comma)
        buffer_byte(out, ']');
}

/* Up to when it closes a period; or when it is booked, all that falls into a closed one. */
static void render_booked_answer(struct buffer *out, const struct decision *decision)
{
    for (uint32_t i = 0; i < decision->event_count; i++) {
        const struct event *event = &decision->events[i];
        if (event->booked_us == 0)
            continue;
        render_booked(out, event);
        return;
    }
}

void render_answer(struct buffer *out, const struct render *render, const struct decision *decision,
                   struct text configured, bool replayed, bool dry_run, bool single)
{
    bool refused = decision_refused(decision);
    if (text_present(configured)) {
        buffer_literal(out, "\"name\":");
        json_string(out, configured);
        buffer_byte(out, ',');
    }
    if (text_present(decision->id)) {
        buffer_literal(out, "\"id\":");
        json_string(out, decision->id);
        buffer_byte(out, ',');
    }
    buffer_literal(out, "\"source\":");
    json_string(out, render_name(render, NAME_SOURCE, decision->source));
    buffer_byte(out, ',');
    render_status(out, refused ? "refused" : "accepted",
                  single && refused ? code_http(decision->events[0].code) : 0);
    if (dry_run) {
        buffer_literal(out, ",\"dry_run\":true");
    } else {
        buffer_literal(out, ",\"position\":");
        render_position(out, render->epochs, decision->first_seq + decision->event_count - 1);
        buffer_literal(out, ",\"replayed\":");
        json_bool(out, replayed);
    }
    if (decision->clock_skew)
        buffer_literal(out, ",\"clock_skew\":true");
    if (refused) {
        render_refusal(out, render, &decision->events[0]);
        return;
    }
    if (decision->events[0].review != 0)
        render_review_members(out, render, &decision->events[0], false);
    if (decision->events[0].reversed_seq != 0)
        render_of(out, render, &decision->events[0]);
    render_booked_answer(out, decision);
    render_claim_answer(out, render, decision);
    render_transfer_answer(out, render, decision);
    render_expectation_answer(out, render, decision);
    render_counts_answer(out, render, decision, EVENT_STOCK_COUNT, "counted");
    render_counts_answer(out, render, decision, EVENT_SNAPSHOT, "stated");
    render_reports_answer(out, render, decision);
    render_counts_answer(out, render, decision, EVENT_CORRECTION, "corrected");
    buffer_literal(out, ",\"figures\":[");
    bool comma = false;
    for (uint32_t i = 0; i < decision->event_count; i++) {
        const struct event *event = &decision->events[i];
        /* The events of a cell stand together: the last one has the figures the command leaves. */
        bool last = i + 1 == decision->event_count || event[1].item != event->item ||
                    event[1].location != event->location;
        if (event->location == NUMBER_NONE || !last)
            continue;
        if (comma)
            buffer_byte(out, ',');
        comma = true;
        render_brief(out, render, event);
    }
    buffer_byte(out, ']');
}

/* ---- events ---- */

static void render_cell_members(struct buffer *out, const struct render *render, const struct event *event)
{
    static const char *const accounts[ACCOUNT_COUNT] = {"@supplier", "@customer", "@loss", "@found"};
    unsigned scale = event->scale;
    buffer_literal(out, ",\"location\":");
    json_string(out, render_name(render, NAME_LOCATION, event->location));
    UNITS(",\"quantity\":", event->quantity);
    if (event->condition != CONDITION_NONE)
        render_text_member(out, "condition", constant(condition_name(event->condition)));
    if (event->to_condition != CONDITION_NONE)
        render_text_member(out, "to", constant(condition_name(event->to_condition)));
    if (event->account != ACCOUNT_NONE)
        render_text_member(out, "account", constant(accounts[event->account]));
    if (event->other_location != NUMBER_NONE)
        render_text_member(out, "other_location", render_name(render, NAME_LOCATION, event->other_location));
    if (event->discrepancy != DISCREPANCY_NONE)
        render_text_member(out, "discrepancy", constant(discrepancy_name(event->discrepancy)));
    buffer_literal(out, ",\"delta\":");
    render_delta(out, event);
    buffer_literal(out, ",\"figures\":{");
    render_figures(out, &event->figures, figures_oversold(&event->figures), scale);
    buffer_literal(out, "},\"version\":");
    json_u64(out, event->version);
    if (event->low)
        buffer_literal(out, ",\"low\":true");
    if (event->channel_number != NUMBER_NONE) {
        buffer_literal(out, ",\"quota\":{\"channel\":");
        json_string(out, render_name(render, NAME_CHANNEL, event->channel_number));
        UNITS(",\"units\":", event->quota);
        UNITS(",\"delta\":", event->quota_delta);
        buffer_byte(out, '}');
    }
}

/* What a source had seen: all up to a position, or all by a time. */
static void render_seen(struct buffer *out, const struct render *render, uint64_t position, int64_t us)
{
    buffer_literal(out, ",\"seen\":{");
    if (position != 0) {
        buffer_literal(out, "\"position\":");
        render_position(out, render->epochs, position);
    } else {
        buffer_literal(out, "\"time\":");
        json_time(out, us);
    }
    buffer_byte(out, '}');
}

static void render_snapshot_members(struct buffer *out, const struct render *render, const struct decision *decision,
                                    const struct event *event)
{
    unsigned scale = event->scale;
    buffer_literal(out, ",\"snapshot\":{\"source\":");
    json_string(out, render_name(render, NAME_SOURCE, event->stated_by));
    if (event->set_closed) {
        buffer_literal(out, ",\"last\":true}");
        return;
    }
    UNITS(",\"stated\":", event->quantity);
    UNITS(",\"books\":", event->books);
    UNITS(",\"difference\":", event->quantity - event->books);
    render_text_member(out, "policy", constant(snapshot_policy_name(event->policy)));
    render_seen(out, render, event->seen_position, decision_occurred_us(decision));
    buffer_byte(out, '}');
}

static void render_position_or_null(struct buffer *out, const struct render *render, uint64_t seq)
{
    if (seq == 0)
        buffer_literal(out, "null");
    else
        render_position(out, render->epochs, seq);
}

static void render_report_members(struct buffer *out, const struct render *render, const struct event *event)
{
    unsigned scale = event->scale;
    render_text_member(out, "location", render_name(render, NAME_LOCATION, event->other_location));
    render_text_member(out, "condition", constant(condition_name(event->condition)));
    buffer_literal(out, ",\"report\":{\"source\":");
    json_string(out, render_name(render, NAME_SOURCE, event->stated_by));
    UNITS(",\"stated\":", event->quantity);
    render_reported(out, render, event);
    buffer_byte(out, '}');
}

void render_statement_open(struct buffer *out, const struct render *render, const struct statement_view *view)
{
    unsigned scale = view->scale;
    buffer_literal(out, "{\"source\":");
    json_string(out, render_name(render, NAME_SOURCE, view->source));
    render_text_member(out, "item", render_name(render, NAME_ITEM, view->item));
    render_text_member(out, "location", render_name(render, NAME_LOCATION, view->location));
    render_text_member(out, "condition", constant(condition_name(view->condition)));
    UNITS(",\"stated\":", view->stated);
    UNITS(",\"books\":", view->books);
    UNITS(",\"difference\":", view->stated - view->books);
    render_text_member(out, "policy", constant(snapshot_policy_name(view->policy)));
    render_seen(out, render, view->seen_position, view->seen_us);
    if (view->report)
        render_text_member(out, "measure", constant(measure_name(view->measure)));
    buffer_literal(out, ",\"position\":");
    render_position(out, render->epochs, view->seq);
    buffer_literal(out, ",\"count_asked\":");
    render_position_or_null(out, render, view->asked_seq);
    buffer_literal(out, ",\"counted\":");
    render_position_or_null(out, render, view->counted_seq);
    buffer_literal(out, ",\"agreed\":");
    if (view->agreed_seq == 0) {
        buffer_literal(out, "null");
        return;
    }
    buffer_literal(out, "{\"position\":");
    render_position(out, render->epochs, view->agreed_seq);
    render_seen(out, render, view->agreed_position, view->agreed_us);
    buffer_byte(out, '}');
}

void render_statement(struct buffer *out, const struct render *render, const struct statement_view *view)
{
    render_statement_open(out, render, view);
    buffer_byte(out, '}');
}

static void render_count_members(struct buffer *out, const struct render *render, const struct event *event)
{
    unsigned scale = event->scale;
    buffer_literal(out, ",\"count\":{\"position\":");
    render_position(out, render->epochs, event->count_seq);
    buffer_literal(out, ",\"from\":");
    json_time(out, event->count_from_us);
    buffer_literal(out, ",\"to\":");
    json_time(out, event->count_to_us);
    buffer_literal(out, ",\"includes_picked\":");
    json_bool(out, event->count_picked);
    UNITS(",\"variance\":", event->variance);
    UNITS(",\"uncertain\":", event->uncertain);
    buffer_byte(out, '}');
}

static void render_transfer_members(struct buffer *out, const struct event *event)
{
    unsigned scale = event->scale;
    render_text_member(out, "transfer", event->transfer);
    render_moment_member(out, "eta", event->eta);
    if (event->transit == 0 && event->transit_delta == 0)
        return; /* a cell that goods left, or came to by another way */
    UNITS(",\"transit\":{\"units\":", event->transit);
    UNITS(",\"delta\":", event->transit_delta);
    buffer_byte(out, '}');
}

static void render_expectation_members(struct buffer *out, const struct event *event)
{
    unsigned scale = event->scale;
    render_text_member(out, "expectation", event->expectation);
    if (event->direction != DIRECTION_NONE)
        render_text_member(out, "direction", event->direction == DIRECTION_IN ? TEXT("in") : TEXT("out"));
    render_moment_member(out, "due", event->due);
    if (event->location == NUMBER_NONE)
        return;
    UNITS(",\"expected\":{\"units\":", event->expected);
    UNITS(",\"delta\":", event->expected_delta);
    buffer_byte(out, '}');
}

static void render_config_members(struct buffer *out, const struct render *render, const struct event *event)
{
    static const char *const spaces[NAME_SPACE_COUNT] = {"item", "location", "source", "channel"};
    buffer_literal(out, ",\"config\":{\"space\":\"");
    buffer_text(out, constant(spaces[event->config_space]));
    buffer_literal(out, "\",\"name\":");
    json_string(out, render_name(render, event->config_space, event->config_number));
    if (event->config_deleted)
        buffer_literal(out, ",\"deleted\":true");
    if (!event->config_deleted || event->config.length != 0)
        render_config_body(out, render, event);
    buffer_byte(out, '}');
}

static void render_silence_members(struct buffer *out, const struct render *render, const struct event *event)
{
    buffer_literal(out, ",\"silence\":{\"source\":");
    json_string(out, render_name(render, NAME_SOURCE, event->silent_source));
    buffer_literal(out, ",\"since\":");
    json_time(out, event->silent_since_us);
    buffer_byte(out, '}');
}

static void render_claim_members(struct buffer *out, const struct event *event)
{
    unsigned scale = event->scale;
    buffer_literal(out, ",\"hold\":");
    json_string(out, event->hold);
    render_text_member(out, "holder", event->holder);
    render_text_member(out, "state", constant(claim_state_name(event->claim_state)));
    if (event->expires_at_us != TIME_NONE) {
        buffer_literal(out, ",\"expires_at\":");
        json_time(out, event->expires_at_us);
    }
    if (event->claim_paid)
        buffer_literal(out, ",\"paid\":true");
    if (event->claim_priority != 0) {
        buffer_literal(out, ",\"priority\":");
        json_u64(out, event->claim_priority);
    }
    render_moment_member(out, "at", event->claim_at);
    if (event->location == NUMBER_NONE)
        return;
    buffer_literal(out, ",\"claim\":{");
    for (unsigned i = 0; i < CLAIM_FIGURE_COUNT; i++) {
        if (i != 0)
            buffer_byte(out, ',');
        buffer_byte(out, '"');
        buffer_text(out, constant(claim_figure_name((enum claim_figure)i)));
        UNITS("\":", event->claim_units[i]);
    }
    buffer_byte(out, '}');
}

void render_event(struct buffer *out, const struct render *render, const struct decision *decision, uint32_t index)
{
    const struct event *event = &decision->events[index];
    buffer_literal(out, "{\"position\":");
    render_position(out, render->epochs, event->seq);
    buffer_literal(out, ",\"shard\":0,\"seq\":");
    json_u64(out, event->seq);
    buffer_literal(out, ",\"type\":\"");
    buffer_text(out, constant(event_name(event->type)));
    buffer_literal(out, "\",\"kind\":\"");
    buffer_text(out, constant(kind_name(decision->kind)));
    buffer_literal(out, "\",\"id\":");
    if (text_present(decision->id))
        json_string(out, decision->id);
    else
        render_position(out, render->epochs, decision->first_seq); /* the ledger's own: its position is its name */
    buffer_literal(out, ",\"source\":");
    json_string(out, render_name(render, NAME_SOURCE, decision->source));
    if (event->item != NUMBER_NONE) {
        buffer_literal(out, ",\"item\":");
        json_string(out, render_name(render, NAME_ITEM, event->item));
    }
    if (event->location != NUMBER_NONE)
        render_cell_members(out, render, event);
    if (event->type == EVENT_SNAPSHOT)
        render_snapshot_members(out, render, decision, event);
    if (event->type == EVENT_COUNT_ASKED)
        render_text_member(out, "asked_by", render_name(render, NAME_SOURCE, event->stated_by));
    if (event->type == EVENT_REPORTED)
        render_report_members(out, render, event);
    if (event->count_seq != 0)
        render_count_members(out, render, event);
    if (event->claim != 0)
        render_claim_members(out, event);
    if (event->review != 0)
        render_review_members(out, render, event, true);
    if (event->reversed_seq != 0)
        render_of(out, render, event);
    if (of_transfer(event))
        render_transfer_members(out, event);
    if (of_expectation(event))
        render_expectation_members(out, event);
    if (event->config_space != NAME_SPACE_COUNT)
        render_config_members(out, render, event);
    if (event_of_silence(event))
        render_silence_members(out, render, event);
    if (event->type == EVENT_REFUSED)
        render_refusal(out, render, event);
    if (event->type == EVENT_CONFIG && event->item != NUMBER_NONE) {
        buffer_literal(out, ",\"scale\":");
        json_u64(out, event->scale);
    }
    if (decision->kind == KIND_SETTINGS && event->type == EVENT_CONFIG) {
        buffer_literal(out, ",\"id_window_ms\":");
        json_i64(out, decision->id_window_ms);
        buffer_literal(out, ",\"id_capacity\":");
        json_u64(out, decision->id_capacity);
        buffer_literal(out, ",\"strict\":");
        json_bool(out, decision->strict);
    }
    buffer_literal(out, ",\"part\":[");
    json_u64(out, index + 1);
    buffer_byte(out, ',');
    json_u64(out, decision->event_count);
    buffer_byte(out, ']');
    if (decision->has_seq) {
        buffer_literal(out, ",\"source_seq\":");
        json_u64(out, decision->source_seq);
    }
    if (decision->clock_skew)
        buffer_literal(out, ",\"clock_skew\":true");
    render_text_member(out, "actor", decision->actor);
    render_text_member(out, "reason", decision->reason);
    render_text_member(out, "document", decision->document);
    render_text_member(out, "line", decision->document_line);
    render_text_member(out, "channel", text_present(decision->channel) ? decision->channel : event->channel);
    if (text_present(decision->meta)) {
        buffer_literal(out, ",\"meta\":");
        buffer_text(out, decision->meta);
    }
    buffer_literal(out, ",\"occurred_at\":");
    json_time(out, event->type == EVENT_CORRECTION ? event->count_to_us : decision->occurred_at_us);
    if (event->booked_us != 0)
        render_booked(out, event);
    buffer_literal(out, ",\"recorded_at\":");
    json_time(out, decision->recorded_at_us);
    buffer_byte(out, '}');
}

/* ---- documents ---- */

/* Each with its units; due: and when. */
static void render_document_lines(struct buffer *out, const struct render *render,
                                  const struct document_copy *document, bool due)
{
    buffer_literal(out, ",\"lines\":[");
    for (uint32_t i = 0; i < document->line_count; i++) {
        const struct document_line_view *line = &document->lines[i];
        unsigned scale = line->scale;
        if (i != 0)
            buffer_byte(out, ',');
        buffer_literal(out, "{\"item\":");
        json_string(out, render_name(render, NAME_ITEM, line->item));
        buffer_literal(out, ",\"location\":");
        json_string(out, render_name(render, NAME_LOCATION, line->location));
        UNITS(",\"units\":", line->units);
        if (due) {
            buffer_literal(out, ",\"due\":");
            render_moment(out, line->when);
        }
        buffer_byte(out, '}');
    }
    buffer_literal(out, "],\"position\":");
    render_position(out, render->epochs, document->seq);
    buffer_byte(out, '}');
}

static void render_open(struct buffer *out, bool open)
{
    buffer_literal(out, ",\"state\":");
    json_string(out, constant(open ? "open" : "closed"));
}

void render_transfer(struct buffer *out, const struct render *render, const struct document_copy *document)
{
    const struct transfer_view *view = &document->transfer;
    buffer_literal(out, "{\"transfer\":");
    json_string(out, view->name);
    render_open(out, view->open);
    buffer_literal(out, ",\"from\":");
    if (view->from == NUMBER_NONE)
        buffer_literal(out, "null");
    else
        json_string(out, render_name(render, NAME_LOCATION, view->from));
    buffer_literal(out, ",\"to\":");
    json_string(out, render_name(render, NAME_LOCATION, view->to));
    buffer_literal(out, ",\"eta\":");
    /* All lines have the same, and a closed one has none. */
    if (document->line_count == 0 || document->lines[0].when.form == MOMENT_ABSENT)
        buffer_literal(out, "null");
    else
        render_moment(out, document->lines[0].when);
    render_document_lines(out, render, document, false);
}

void render_expectation(struct buffer *out, const struct render *render, const struct document_copy *document)
{
    const struct expectation_view *view = &document->expectation;
    buffer_literal(out, "{\"expectation\":");
    json_string(out, view->name);
    render_open(out, view->open);
    buffer_literal(out, ",\"direction\":");
    json_string(out, constant(view->direction == DIRECTION_OUT ? "out" : "in"));
    render_document_lines(out, render, document, true);
}
