/* Compares: what a ledger made of a command, and all that it has then, with the model. */
#include "play.h"

#include "../unit/image_copy.h"

struct run run;

uint64_t play_silent_told, play_heard_told, play_shown_less;
uint64_t play_expired, play_covered, play_served, play_short, play_promised_served, play_promised_expired;
int64_t play_trolleys_short, play_others_short;

const char *const play_kind_names[MODEL_KIND_COUNT] = {"receive", "sale",   "ship",   "return",  "adjust",
                                                         "reclassify", "transfer", "hold", "extend", "commit",
                                                         "release", "item",   "settings", "amend", "reassign",
                                                         "pick", "unpick", "set_policy", "set_channel", "allocate",
                                                         "transfer_out", "transfer_in", "transfer_loss", "expect",
                                                         "redate", "cancel_expected", "count", "close_period",
                                                         "reverse", "snapshot"};

/* ---- failing ---- */

static void print_option(const char *option_name, const struct model_option *option)
{
    if (option->given)
        fprintf(stderr, "    %s %" PRId64 "e-%" PRId64 "\n", option_name, option->value.digits,
                option->value.places);
}

static void print_command(const struct model_command *c)
{
    fprintf(stderr, "  %s id=%s source=%s hold=%s holder=%s channel=%s to=%s item=%s location=%s guard=%d dry=%d "
            "partial=%d seq=%" PRId64 " from=%d to=%d scale=%d backorder=%d wait=%d priority=%d sourcing=%d "
            "shares=%d\n",
            play_kind_names[c->kind], c->id, c->source, c->hold, c->holder, c->channel, c->to, c->item, c->location,
            (int)c->guard, (int)c->dry_run, (int)c->partial, c->has_seq ? c->seq : -1, (int)c->from,
            (int)c->to_condition, (int)c->scale, (int)c->backorder, (int)c->wait, (int)c->priority, (int)c->sourcing,
            (int)c->shares_rest);
    if (c->occurred_at_us != MODEL_TIME_NONE)
        fprintf(stderr, "    occurred=%" PRId64 " since=%" PRId64 " picked=%d now=%" PRId64 "\n", c->occurred_at_us,
                c->counted_from_us, (int)c->includes_picked, run.now_us);
    if (c->transfer[0] != '\0' || c->expectation[0] != '\0' || c->at.form != 0)
        fprintf(stderr, "    transfer=%s expectation=%s direction=%d due=%d %" PRId64 " at=%d %" PRId64 "\n",
                c->transfer, c->expectation, (int)c->direction, (int)c->due.form, c->due.us, (int)c->at.form, c->at.us);
    if (c->of_id[0] != '\0')
        fprintf(stderr, "    of=%s %s\n", c->of_source, c->of_id);
    print_option("safety_stock", &c->safety_stock);
    print_option("backorder_limit", &c->backorder_limit);
    print_option("reorder_point", &c->reorder_point);
    print_option("buffer", &c->buffer);
    print_option("cap", &c->cap);
    print_option("add", &c->add);
    print_option("to", &c->set_to);
    for (int64_t i = 0; i < c->place_count; i++)
        fprintf(stderr, "    place %s\n", c->places[i]);
    for (int64_t i = 0; i < c->part_count; i++)
        fprintf(stderr, "    made of %" PRId64 "e-%" PRId64 " of %s\n", c->parts[i].quantity.digits,
                c->parts[i].quantity.places, c->parts[i].item);
    for (int64_t i = 0; i < c->line_count; i++)
        fprintf(stderr, "    %" PRId64 "e-%" PRId64 " of %s@%s condition %d\n", c->lines[i].quantity.digits,
                c->lines[i].quantity.places, c->lines[i].item, c->lines[i].location, (int)c->lines[i].condition);
}

/* Where the model stands: what is open of its claims, cells and channels. */
static void print_model(void)
{
    const struct model_state *s = &run.model.now;
    for (int64_t i = 0; i < s->item_count; i++)
        for (int64_t p = 0; p < s->items[i].part_count; p++)
            fprintf(stderr, "  %s has %" PRId64 " units of %s\n", s->items[i].name, s->items[i].parts[p].units,
                    s->items[i].parts[p].item);
    for (int64_t i = 0; i < s->claim_count; i++) {
        const struct model_claim *claim = &s->claims[i];
        fprintf(stderr, "  %s %s made %" PRId64 " channel %s priority %" PRId64 " partial %" PRId64 "\n",
                claim->name, claim->state, claim->made, claim->channel, claim->priority, claim->partial);
        for (int64_t l = 0; l < claim->line_count; l++) {
            const struct model_claim_line *line = &claim->lines[l];
            const struct model_cell *cell = &s->cells[line->cell];
            if (line->held + line->committed + line->waiting > 0)
                fprintf(stderr, "    %s@%s held %" PRId64 " committed %" PRId64 " picked %" PRId64
                        " backordered %" PRId64 " quota %" PRId64 " waiting %" PRId64 "\n", cell->item,
                        cell->location, line->held, line->committed, line->picked, line->backordered, line->quota,
                        line->waiting);
        }
    }
    for (int64_t c = 0; c < s->cell_count; c++) {
        const struct model_cell *cell = &s->cells[c];
        fprintf(stderr, "  %s@%s sellable %" PRId64 " reserved %" PRId64 " backordered %" PRId64 " safety %" PRId64
                " limit %" PRId64 " reorder %" PRId64 " low %" PRId64, cell->item, cell->location, cell->on[0],
                model_held(s, c) + model_committed(s, c), model_backordered(s, c), cell->safety_stock,
                cell->backorder_limit, cell->reorder_point, cell->low);
        for (int64_t k = 0; k < s->channel_count; k++)
            fprintf(stderr, ", %s has %" PRId64 " of %" PRId64, s->channels[k].name, cell->quota[k],
                    model_free(s, c, s->channels[k].name));
        fprintf(stderr, "\n");
    }
}

static void print_decision(void)
{
    fprintf(stderr, "  the ledger's last decision:\n");
    for (uint32_t i = 0; i < run.decision.event_count && !run.alone; i++) {
        const struct event *event = &run.decision.events[i];
        struct text item = play_decision_name(NAME_ITEM, event->item);
        struct text location = play_decision_name(NAME_LOCATION, event->location);
        fprintf(stderr, "    %" PRIu64 " %s %" PRId64 " of %.*s@%.*s, sellable %" PRId64 " variance %" PRId64 "\n",
                event->seq, event_name(event->type), event->quantity, (int)item.length, item.bytes,
                (int)location.length, location.bytes, event->figures.units[CONDITION_SELLABLE], event->variance);
    }
}

_Noreturn void play_disagree(const char *what, const char *name, int64_t model, int64_t ledger)
{
    fprintf(stderr, "not ok - %s of %s: the model has %" PRId64 ", the ledger %" PRId64 "\n", what, name, model,
            ledger);
    print_model();
    print_decision();
    fprintf(stderr, "  seed %" PRIu64 ", world %" PRIu64 ", command %" PRIu64 "; the last commands, newest first:\n",
            run.seed, run.world_number, run.command_number);
    for (uint64_t i = 0; i < 12 && i < run.history_count; i++)
        print_command(&run.history[(run.history_count - 1 - i) % HISTORY]);
    if (run.disagreed != NULL)
        run.disagreed();
    exit(1);
}

void play_same(const char *what, const char *name, int64_t model, int64_t ledger)
{
    if (model != ledger)
        play_disagree(what, name, model, ledger);
}

bool play_is_text(const char *model, struct text ledger)
{
    return strlen(model) == ledger.length && (ledger.length == 0 || memcmp(model, ledger.bytes, ledger.length) == 0);
}

void play_same_text(const char *what, const char *model, struct text ledger)
{
    if (!play_is_text(model, ledger)) {
        fprintf(stderr, "%s: '%s' and '%.*s'\n", what, model, (int)ledger.length,
                ledger.bytes == NULL ? "" : ledger.bytes);
        play_disagree(what, model, 0, 0);
    }
}

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, condition);
    play_disagree("assertion", condition, 0, 0);
}

/* ---- the adapter ---- */

static struct decimal decimal(struct model_decimal d)
{
    return (struct decimal){d.digits, (uint8_t)d.places};
}

static struct precondition adapt_if(const struct model_if *p)
{
    return (struct precondition){
        .present = (uint8_t)((p->has_version ? PRECONDITION_VERSION : 0) | (p->has_on_hand ? PRECONDITION_ON_HAND : 0) |
                             (p->has_available ? PRECONDITION_AVAILABLE : 0) |
                             (p->has_reserved ? PRECONDITION_RESERVED : 0)),
        .version = (uint64_t)p->version,
        .on_hand = decimal(p->on_hand),
        .available = decimal(p->available),
        .reserved = decimal(p->reserved),
    };
}

static const enum command_kind kinds_of[MODEL_KIND_COUNT] = {
    KIND_RECEIVE, KIND_SALE, KIND_SHIP, KIND_RETURN, KIND_ADJUST, KIND_RECLASSIFY, KIND_TRANSFER,
    KIND_HOLD, KIND_EXTEND, KIND_COMMIT, KIND_RELEASE, KIND_PUT_ITEM, KIND_SETTINGS, KIND_AMEND, KIND_REASSIGN,
    KIND_PICK, KIND_UNPICK, KIND_SET_POLICY, KIND_SET_CHANNEL, KIND_ALLOCATE, KIND_TRANSFER_OUT, KIND_TRANSFER_IN,
    KIND_TRANSFER_LOSS, KIND_EXPECT, KIND_REDATE, KIND_CANCEL_EXPECTED, KIND_STOCK_COUNT,
    KIND_CLOSE_PERIOD, KIND_REVERSE, KIND_SNAPSHOT};

static struct moment adapt_moment(const struct model_moment *moment)
{
    return (struct moment){(enum moment_form)moment->form, moment->us};
}

static struct optional_decimal adapt_option(const struct model_option *option)
{
    return (struct optional_decimal){option->given != 0, decimal(option->value)};
}

struct command play_adapt(const struct model_command *c)
{
    static struct command_line adapted[MODEL_LINES_MAX];
    static uint8_t places[COMMAND_PLACES_BYTES];
    size_t place_bytes = 0;
    for (int64_t i = 0; i < c->place_count; i++)
        place_bytes += command_place_put(places + place_bytes, text(c->places[i]));
    for (int64_t i = 0; i < c->line_count; i++) {
        adapted[i] = (struct command_line){
            .item = text(c->lines[i].item),
            .location = text(c->lines[i].location),
            .quantity = decimal(c->lines[i].quantity),
            .condition = (enum condition)c->lines[i].condition,
            .precondition = adapt_if(&c->lines[i].precondition),
        };
    }
    struct command command = {
        .kind = kinds_of[c->kind],
        .guard = (enum guard)c->guard,
        .dry_run = c->dry_run != 0,
        .mode = c->partial ? HOLD_PARTIAL : HOLD_ALL_OR_NOTHING,
        .has_seq = c->has_seq != 0,
        .seq = (uint64_t)c->seq,
        .source = text(c->source),
        .id = text(c->id),
        .occurred_at_us = c->occurred_at_us,
        .not_after_us = c->not_after_us,
        .counted_from_us = c->counted_from_us,
        .includes_picked = c->includes_picked != 0,
        .epochs = &epochs_first,
        .has_position = c->has_position != 0,
        .seen_epoch = (uint32_t)c->seen_epoch,
        .seen_position = (uint64_t)c->seen_position,
        .seen_seq = (uint64_t)c->seen_seq,
        .set = text(c->set),
        .last = c->last != 0,
        .measure = (enum measure)c->measure,
        .contains = (enum contains)c->contains,
        .channel = text(c->channel),
        .precondition = adapt_if(&c->precondition),
        .hold = text(c->hold),
        .holder = text(c->holder),
        .expires_in_ms = c->has_expires_in ? c->expires_in_ms : EXPIRES_DEFAULT,
        .from = (enum condition)c->from,
        .to_condition = (enum condition)c->to_condition,
        .to_location = text(c->to),
        .line_count = (uint32_t)c->line_count,
        .lines = adapted,
        .item = text(c->item),
        .location = text(c->location),
        .scale = (uint8_t)c->scale,
        .backorder = c->backorder != 0,
        .wait = c->wait != 0,
        .paid = c->paid != 0,
        .priority = (uint32_t)c->priority,
        .sourcing = (enum sourcing_rule)c->sourcing,
        .place_count = (uint32_t)c->place_count,
        .places = c->place_count > 0 ? text_of((const char *)places, place_bytes) : TEXT_NONE,
        .transfer = text(c->transfer),
        .expectation = text(c->expectation),
        .direction = (enum direction)c->direction,
        .of_source = text(c->of_source),
        .of_id = text(c->of_id),
        .at = adapt_moment(&c->at),
        .due = adapt_moment(&c->due),
        .safety_stock = adapt_option(&c->safety_stock),
        .backorder_limit = adapt_option(&c->backorder_limit),
        .reorder_point = adapt_option(&c->reorder_point),
        .buffer = adapt_option(&c->buffer),
        .cap = adapt_option(&c->cap),
        .shares_rest = (enum choice)c->shares_rest,
        .add = adapt_option(&c->add),
        .to = adapt_option(&c->set_to),
    };
    if (c->kind == MODEL_SETTINGS) {
        command.id_window_ms = WINDOW_US / 1000;
        command.id_capacity = 4096;
        command.strict = c->strict != 0;
    }
    if (c->part_count > 0) {
        static struct item_config config;
        static uint8_t body[CONFIG_BYTES_MAX];
        bool fits;
        config.component_count = (uint32_t)c->part_count;
        for (int64_t p = 0; p < c->part_count; p++)
            config.components[p] = (struct config_component){text(c->parts[p].item), decimal(c->parts[p].quantity)};
        command.config = text_of((const char *)body, item_config_write(&config, body, &fits));
        assert(fits);
    }
    static uint8_t form[COMMAND_BYTES_MAX];
    static const struct siphash_key key = {3, 4};
    size_t n = command_encode(&command, form, sizeof(form));
    command.fingerprint = siphash64(&key, form, n);
    return command;
}

/* ---- the two ledgers ---- */

const struct ledger_limits play_limits = {
    .item_count_max = 16, .location_count_max = 16, .source_count_max = 8, .quota_count_max = 512,
    .offer_count_max = 512, .cell_count_max = 128,
    .claim_count_max = 16, .claim_line_count_max = 256,
    .transfer_count_max = 16, .expectation_count_max = 16, .document_line_count_max = 512,
    .mark_count_max = 1024, .statement_count_max = 512, .review_count_max = 512, .id_count_max = 4096,
    .config_mib_max = 1, .part_count_max = 64, .alias_count_max = 64,
};

#define TWIN_MORE_IDS 2000 /* its ring of ids is of another size, as after a start with another limit */
#define RESTORED_EACH 400

static struct ledger *fresh(struct ledger **out, uint32_t more_ids)
{
    struct ledger_limits limits = play_limits;
    limits.id_count_max += more_ids;
    size_t bytes = ledger_bytes(&limits);
    if (*out == NULL)
        *out = aligned_alloc(REGION_ALIGNMENT, bytes);
    if (*out == NULL)
        exit(2);
    struct region region = {(uint8_t *)*out, bytes, 0};
    memset(region.base, 0, bytes);
    struct ledger *ledger = ledger_init(&region, &limits, &run.key);
    assert((void *)ledger == (void *)*out);
    return ledger;
}

/* The twin goes on as a copy made of the ledger's image. */
static void restore_twin(void)
{
    run.twin = fresh(&run.twin_memory, TWIN_MORE_IDS);
    const char *wrong = image_copy(run.ledger, run.twin);
    if (wrong != NULL)
        play_disagree(wrong, "the twin", 0, 0);
    ledger_check(run.twin);
}

void play_begin(void)
{
    static struct ledger *memory;
    static struct model_remembered remembered[WORLD_ROOM];
    static struct model_move moves[MODEL_MOVES_MAX];
    static struct model_count counted[MODEL_COUNTS_MAX];
    static struct model_change changes[MODEL_MOVES_MAX];
    static struct model_statement statements[MODEL_STATEMENTS_MAX];
    static struct past past[PAST_MAX];
    static struct decision kept[WORLD_ROOM];
    static int64_t kept_order[WORLD_ROOM];
    static struct event events[DECISION_EVENTS_MAX];
    static struct new_name names[DECISION_NAMES_MAX];
    static struct shortage shortages[COMMAND_LINES_MAX];
    run.now_us = START_US;
    run.history_count = 0;
    run.passes = 0;
    run.ids = 0;
    memset(run.seqs, 0, sizeof(run.seqs));
    run.past = past;
    run.past_count = 0;
    run.kept = kept;
    run.kept_order = kept_order;
    run.kept_count = run.kept_events = 0;
    model_init(&run.model, WINDOW_US, remembered, WORLD_ROOM, moves, counted, changes, statements);
    if (!run.alone) {
        run.ledger = fresh(&memory, 0);
        run.twin = fresh(&run.twin_memory, TWIN_MORE_IDS);
    }
    run.decision = (struct decision){.events = events, .names = names, .shortages = shortages};
}

static void copy_text(struct text *text, char *room, size_t *used)
{
    if (!text_present(*text))
        return;
    memcpy(room + *used, text->bytes, text->length);
    text->bytes = room + *used;
    *used += text->length;
}

uint64_t play_audited; /* passes */

/* Some entries more, so that every pass meets decisions in the middle of it. */
static void audit(void)
{
    struct audit_view view;
    bool right = ledger_audit(run.ledger, (uint32_t)(ledger_last_seq(run.ledger) * 17 % 64));
    ledger_audit_look(run.ledger, &view);
    play_audited += view.passes - run.passes;
    run.passes = view.passes;
    if (!right)
        play_disagree(view.finding.what, view.finding.table, view.finding.expected, view.finding.found);
}

/* Those of cells that fall into what is closed; all others say nothing. */
static void compare_booked(void)
{
    int64_t closed_us = model_closed_us(&run.model);
    for (uint32_t i = 0; i < run.decision.event_count; i++) {
        const struct event *event = &run.decision.events[i];
        bool falls = event->location != NUMBER_NONE && event_occurred_us(&run.decision, event) < closed_us;
        if (event->type != EVENT_CLOSE_PERIOD)
            play_same("booked", event_name(event->type), falls ? closed_us : 0, event->booked_us);
    }
}

/* For who wants to reverse it. */
static void keep_decision(void)
{
    static struct event events[KEPT_EVENTS_MAX];
    const struct decision *d = &run.decision;
    if (!d->has_id_hash || d->event_count == 0) /* a tick */
        return;
    assert(run.kept_count < WORLD_ROOM && run.kept_events + d->event_count <= KEPT_EVENTS_MAX);
    run.kept_order[run.kept_count] = run.model.order;
    struct decision *kept = &run.kept[run.kept_count++];
    *kept = (struct decision){.kind = d->kind, .first_seq = d->first_seq, .event_count = d->event_count,
                              .recorded_at_us = d->recorded_at_us, .occurred_at_us = d->occurred_at_us,
                              .events = &events[run.kept_events]};
    memcpy(kept->events, d->events, d->event_count * sizeof(events[0]));
    run.kept_events += d->event_count;
}

void play_evolve(void)
{
    static struct event events[DECISION_EVENTS_MAX];
    static struct new_name names[DECISION_NAMES_MAX];
    static char room[64 * 1024];
    size_t used = 0;
    struct decision copy = run.decision;
    copy.events = events;
    copy.names = names;
    copy.shortages = NULL;
    copy_text(&copy.id, room, &used);
    for (uint32_t i = 0; i < copy.event_count; i++) {
        events[i] = run.decision.events[i];
        copy_text(&events[i].hold, room, &used);
        copy_text(&events[i].holder, room, &used);
        copy_text(&events[i].channel, room, &used);
        copy_text(&events[i].config, room, &used);
        copy_text(&events[i].transfer, room, &used);
        copy_text(&events[i].expectation, room, &used);
        events[i].subject = events[i].field = TEXT_NONE;
        events[i].shortages = NULL;
        events[i].mentions = NULL;
        events[i].hints = (struct event_hints){0};
    }
    for (uint32_t i = 0; i < copy.name_count; i++) {
        names[i] = run.decision.names[i];
        copy_text(&names[i].name, room, &used);
    }
    assert(used <= sizeof(room));
    ledger_evolve(run.ledger, &run.decision);
    for (uint32_t i = 0; i < copy.event_count; i++) {
        events[i].skip_count = events[i].seq % 2 == 0 ? run.decision.events[i].skip_count : 0;
        memcpy(events[i].skips, run.decision.events[i].skips, sizeof(events[i].skips));
    }
    copy.has_id_hash = false; /* as it is read back */
    if (copy.first_seq % 2 == 0)
        ledger_prepare_replay(run.twin, &copy, 1);
    ledger_evolve(run.twin, &copy);
    for (uint32_t i = 0; i < copy.event_count; i++)
        play_same("skips after replay", event_name(events[i].type), run.decision.events[i].skip_count, events[i].skip_count);
    memset(room, 0x5a, used);
    if (ledger_state_hash(run.ledger) != ledger_state_hash(run.twin))
        play_disagree("state hash after replay", "the twin", 0, 0);
    if (ledger_last_seq(run.ledger) % RESTORED_EACH == 0)
        restore_twin();
    audit();
    compare_booked();
    keep_decision();
    for (uint32_t i = 0; i < run.decision.event_count; i++) {
        const struct event *event = &run.decision.events[i];
        if (event->location == NUMBER_NONE)
            continue;
        assert(run.past_count < PAST_MAX);
        run.past[run.past_count++] =
            (struct past){event->item, event->location,
                          event->count_seq == 0,
                          event_occurred_us(&run.decision, event), event_booked_us(&run.decision, event), event->delta,
                          event->seq, run.decision.source,
                          event->type == EVENT_SNAPSHOT ? event->stated_by : NUMBER_NONE, event->seen_position,
                          run.decision.has_seq ? run.decision.source_seq : 0};
    }
}

/* Is it in the figures that a question is about? */
static bool is_asked(const struct past *past, const struct question *question)
{
    if (!question->by_position)
        return past->occurred_us <= question->to_us;
    bool told = past->source == question->source && past->own != 0 && past->own <= question->source_seq;
    bool said = past->stated_by == question->source ||
                (past->stated_by != NUMBER_NONE && past->seen_position != 0 && past->seen_position <= question->at_seq);
    return past->seq <= question->at_seq || told || said;
}

/* What the journal's reader finds out about the cells that the ledger has named. */
void play_read_past(struct reading *reading, struct cell_reading *cells)
{
    const struct unread *unread = ledger_unread(run.ledger);
    *reading = (struct reading){.question = unread->question, .complete = true, .cell_count = unread->cell_count,
                                .cells = cells};
    for (uint64_t k = 0; k < run.kept_count && unread->question.by_position; k++)
        if (run.kept[k].first_seq <= unread->question.at_seq)
            reading->seen_us = run.kept[k].recorded_at_us;
    for (uint64_t k = 0; k < run.kept_count && unread->question.decision_seq != 0; k++)
        if (run.kept[k].first_seq + run.kept[k].event_count - 1 == unread->question.decision_seq)
            reading->decision = &run.kept[k];
    for (uint32_t i = 0; i < unread->cell_count; i++) {
        struct cell_view view;
        ledger_cell(run.ledger, unread->cells[i], &view);
        cells[i] = (struct cell_reading){.cell = unread->cells[i], .version = view.version};
        ledger_cell_top(run.ledger, unread->cells[i], &cells[i].top);
        for (uint64_t p = 0; p < run.past_count; p++) {
            const struct past *past = &run.past[p];
            if (past->item != view.item || past->location != view.location || !is_asked(past, &reading->question))
                continue;
            for (unsigned f = 0; f < FIGURE_COUNT; f++)
                cells[i].as_of.units[f] += past->delta.units[f];
            for (unsigned c = 0; c < CONDITION_COUNT; c++) {
                int64_t units = counted_units(&past->delta, (enum condition)c, reading->question.includes_picked);
                if (past->moves && past->occurred_us > reading->question.from_us)
                    cells[i].moved[c] += units < 0 ? -units : units;
            }
        }
    }
}

/* ---- comparing ---- */

static void compare_items(void)
{
    const struct model_state *s = &run.model.now;
    struct ledger_counts counts = ledger_counts(run.ledger);
    play_same("items", "the ledger", s->item_count, counts.items);
    play_same("locations", "the ledger", s->location_count, counts.locations);
    play_same("sources", "the ledger", s->source_count + 1, counts.sources); /* and @ledger */
    play_same("cells", "the ledger", s->cell_count, counts.cells);
    play_same("events", "the ledger", s->seq, (int64_t)ledger_last_seq(run.ledger));
    for (int64_t i = 0; i < s->item_count; i++) {
        const struct model_item *item = &s->items[i];
        struct item_view view;
        uint32_t number = ledger_number(run.ledger, NAME_ITEM, text(item->name));
        if (!ledger_item(run.ledger, number, &view))
            play_disagree("item", item->name, 1, 0);
        play_same("scale", item->name, item->scale, view.scale);
        play_same("stamp", item->name, item->config_seq, (int64_t)view.stamp);
        play_same("declared", item->name, item->config_seq != 0, view.declared);
        play_same("@supplier", item->name, item->supplier, ledger_account(run.ledger, number, ACCOUNT_SUPPLIER));
        play_same("@customer", item->name, item->customer, ledger_account(run.ledger, number, ACCOUNT_CUSTOMER));
        play_same("@loss", item->name, item->loss, ledger_account(run.ledger, number, ACCOUNT_LOSS));
        play_same("@found", item->name, item->found, ledger_account(run.ledger, number, ACCOUNT_FOUND));
    }
}

static uint32_t cell_of(const struct model_cell *cell)
{
    uint32_t item = ledger_number(run.ledger, NAME_ITEM, text(cell->item));
    uint32_t location = ledger_number(run.ledger, NAME_LOCATION, text(cell->location));
    uint32_t number = item == NUMBER_NONE || location == NUMBER_NONE ? NUMBER_NONE
                                                                      : ledger_cell_find(run.ledger, item, location);
    if (number == NUMBER_NONE)
        play_disagree("cell", cell->item, 1, 0);
    return number;
}

static uint32_t cell_numbers[MODEL_CELLS_MAX]; /* the ledger's, for the model's */

/* The claims of a cell, by its own list: each open one once. */
static void compare_cell_claims(int64_t cell)
{
    const struct model_state *s = &run.model.now;
    int64_t wanted = 0, listed = 0, units = 0;
    for (int64_t i = 0; i < s->claim_count; i++)
        for (int64_t l = 0; l < s->claims[i].line_count; l++) {
            const struct model_claim_line *line = &s->claims[i].lines[l];
            wanted += line->cell == cell && line->held + line->committed + line->waiting > 0;
        }
    for (uint32_t l = NUMBER_NONE; (l = ledger_cell_claim_next(run.ledger, cell_numbers[cell], l)) != NUMBER_NONE;) {
        struct claim_line_view view;
        struct claim_view claim;
        ledger_claim_line(run.ledger, l, &view);
        if (!ledger_claim_at(run.ledger, view.claim, &claim))
            play_disagree("claim of", s->cells[cell].item, 1, 0);
        listed++;
        units += view.units[CLAIM_HELD] + view.units[CLAIM_COMMITTED];
    }
    play_same("claims of", s->cells[cell].item, wanted, listed);
    play_same("claimed of", s->cells[cell].item, model_held(s, cell) + model_committed(s, cell), units);
}

static void compare_cells(void)
{
    const struct model_state *s = &run.model.now;
    for (int64_t c = 0; c < s->cell_count; c++) {
        struct cell_view view;
        cell_numbers[c] = cell_of(&s->cells[c]);
        ledger_cell(run.ledger, cell_numbers[c], &view);
        for (unsigned k = 0; k < MODEL_CONDITIONS; k++)
            play_same(condition_name((enum condition)k), s->cells[c].item, s->cells[c].on[k], view.figures.units[k]);
        play_same("held", s->cells[c].item, model_held(s, c), view.figures.units[FIGURE_HELD]);
        play_same("committed", s->cells[c].item, model_committed(s, c), view.figures.units[FIGURE_COMMITTED]);
        play_same("picked", s->cells[c].item, model_picked(s, c), view.figures.units[FIGURE_PICKED]);
        play_same("backordered", s->cells[c].item, model_backordered(s, c), view.figures.units[FIGURE_BACKORDERED]);
        play_same("in_transit", s->cells[c].item, model_in_transit(s, c), view.figures.units[FIGURE_IN_TRANSIT]);
        play_same("incoming", s->cells[c].item, model_incoming(s, c), view.figures.units[FIGURE_INCOMING]);
        play_same("outgoing", s->cells[c].item, model_outgoing(s, c), view.figures.units[FIGURE_OUTGOING]);
        play_same("safety_stock", s->cells[c].item, s->cells[c].safety_stock, view.figures.units[FIGURE_SAFETY_STOCK]);
        play_same("backorder_limit", s->cells[c].item, s->cells[c].backorder_limit,
             view.figures.units[FIGURE_BACKORDER_LIMIT]);
        play_same("in_bins", s->cells[c].item, model_in_bins(s, c), view.figures.units[FIGURE_IN_BINS]);
        play_same("reorder_point", s->cells[c].item, s->cells[c].reorder_point, view.figures.units[FIGURE_REORDER_POINT]);
        /* For another time after each command: days, and instants around now. */
        int64_t turn = (int64_t)(run.command_number % 8);
        struct model_moment at = {MODEL_MOMENT_DAY, (run.now_us / DAY_US + turn - 1) * DAY_US};
        if (turn > 4)
            at = (struct model_moment){MODEL_MOMENT_INSTANT, run.now_us + (turn - 6) * DAY_US};
        play_same("atp", s->cells[c].item, model_atp(s, c, &at, run.now_us),
                 ledger_atp(run.ledger, view.item, view.location, adapt_moment(&at), run.now_us));
        play_same("version", s->cells[c].item, s->cells[c].version, (int64_t)view.version);
        compare_cell_claims(c);
    }
}

uint64_t play_pasts_compared, play_booked_apart;

/* What was there then, of one cell and condition, on both axes, for another time after each command. */
void play_compare_past(void)
{
    const struct model_state *s = &run.model.now;
    if (s->cell_count == 0 || !run.late)
        return;
    int64_t c = (int64_t)below((uint64_t)s->cell_count);
    int64_t condition = one_in(2) ? 0 : (int64_t)below(MODEL_CONDITIONS);
    int64_t closings_there = s->closing_count, at_us, sum = 0, booked = 0;
    play_late_time(&at_us);
    if (closings_there > 0 && one_in(2)) /* around the end of what is, or was, closed */
        at_us = s->closings[below((uint64_t)closings_there)].until_us - (int64_t)below(2) * (one_in(2) ? 1 : SECOND_US);
    struct cell_view view;
    ledger_cell(run.ledger, cell_numbers[c], &view);
    for (uint64_t p = 0; p < run.past_count; p++) {
        if (run.past[p].item != view.item || run.past[p].location != view.location)
            continue;
        sum += run.past[p].occurred_us <= at_us ? run.past[p].delta.units[condition] : 0;
        booked += run.past[p].booked_us <= at_us ? run.past[p].delta.units[condition] : 0;
    }
    play_same("as of", s->cells[c].item,
         model_as_of(&run.model, s->cells[c].item, s->cells[c].location, condition, at_us), sum);
    play_same("as booked", s->cells[c].item,
         model_as_booked(&run.model, s->cells[c].item, s->cells[c].location, condition, at_us), booked);
    play_pasts_compared++;
    play_booked_apart += sum != booked;
}

uint64_t play_earliest_later;

/* Of one cell after each command, for so many: the earliest time is one that will do, and no earlier one does. */
static void compare_earliest(void)
{
    const struct model_state *s = &run.model.now;
    if (s->cell_count == 0)
        return;
    int64_t c = (int64_t)(run.command_number / 7) % s->cell_count;
    int64_t units = 1 + (int64_t)(run.command_number % 16);
    struct model_moment at = {MODEL_MOMENT_INSTANT, run.now_us + (int64_t)(run.command_number % 3 - 1) * DAY_US};
    struct model_moment then = {MODEL_MOMENT_INSTANT, INT64_MAX / 8};
    struct cell_view view;
    ledger_cell(run.ledger, cell_numbers[c], &view);
    bool ever = ledger_atp_earliest(run.ledger, view.item, view.location, adapt_moment(&at), run.now_us, units,
                                    &then.us);
    play_same("earliest: enough", s->cells[c].item, model_atp(s, c, &then, run.now_us) >= units, ever);
    play_earliest_later += ever && then.us > at.us;
    if (!ever || then.us == at.us)
        return;
    then.us--;
    play_same("earliest: before, too little", s->cells[c].item, model_atp(s, c, &then, run.now_us) < units, 1);
}

enum asked { ASKED_DENIED, ASKED_GIVEN, ASKED_NOTHING };

/* Would a hold of so many be granted or promised? at absent: granted alone. Nothing comes of it. */
static enum asked ask_hold(const struct model_cell *cell, struct moment at, int64_t units)
{
    struct command_line line = {.item = text(cell->item), .location = text(cell->location),
                                .quantity = {units, 0}, .condition = CONDITION_NONE};
    const struct command command = {.kind = KIND_HOLD, .source = TEXT("asks"), .hold = TEXT("asked"), .at = at,
                                    .occurred_at_us = TIME_NONE, .not_after_us = TIME_NONE, .lines = &line,
                                    .line_count = 1};
    ledger_decide(run.ledger, &command, run.now_us, &run.decision, &run.verdict);
    if (run.verdict.code == CODE_none)
        return ASKED_GIVEN;
    /* Else a bin, or beyond the figures' range. */
    return run.verdict.code == CODE_insufficient_stock ? ASKED_DENIED : ASKED_NOTHING;
}

uint64_t play_kits_asked_later;

/* What can be promised of a kit is what a hold for that time gets, unless more is free now. */
void play_compare_promises(void)
{
    const struct model_state *s = &run.model.now;
    int64_t turn = (int64_t)(run.command_number % 8);
    struct model_moment at = {MODEL_MOMENT_DAY, (run.now_us / DAY_US + turn) * DAY_US};
    if (turn > 4)
        at = (struct model_moment){MODEL_MOMENT_INSTANT, run.now_us + (turn - 6) * DAY_US};
    for (int64_t c = 0; c < s->cell_count; c++) {
        int64_t atp = model_is_kit(s, s->cells[c].item) ? model_atp(s, c, &at, run.now_us) : -1;
        for (int64_t units = atp; units <= atp + 1; units++) {
            if (units <= 0 || units > QUANTITY_UNITS_MAX)
                continue;
            enum asked now = ask_hold(&s->cells[c], (struct moment){.form = MOMENT_ABSENT}, units);
            enum asked then = ask_hold(&s->cells[c], adapt_moment(&at), units);
            if (then == ASKED_NOTHING)
                continue;
            play_same("hold at", s->cells[c].item, now == ASKED_GIVEN || units <= atp, then == ASKED_GIVEN);
            play_kits_asked_later += now == ASKED_DENIED && then == ASKED_GIVEN;
        }
    }
}

static void compare_channels(void)
{
    const struct model_state *s = &run.model.now;
    play_same("channels", "the ledger", s->channel_count, ledger_counts(run.ledger).channels);
    for (int64_t i = 0; i < s->channel_count; i++) {
        const struct model_channel *channel = &s->channels[i];
        struct channel_view view;
        uint32_t number = ledger_number(run.ledger, NAME_CHANNEL, text(channel->name));
        if (!ledger_channel(run.ledger, number, &view))
            play_disagree("channel", channel->name, 1, 0);
        play_same("priority", channel->name, channel->priority, view.priority);
        play_same("shares_rest", channel->name, channel->shares_rest, view.shares_rest);
        play_same("buffer", channel->name, channel->buffer, view.buffer);
        play_same("has a cap", channel->name, channel->has_cap, view.has_cap);
        play_same("cap", channel->name, channel->cap, view.cap);
        play_same("places", channel->name, channel->place_count, view.place_count);
        for (int64_t p = 0; p < channel->place_count; p++)
            play_same_text("place", channel->places[p], ledger_name(run.ledger, NAME_LOCATION, view.places[p]));
        for (int64_t c = 0; c < s->cell_count; c++) {
            uint32_t cell = cell_numbers[c];
            play_same("quota", channel->name, s->cells[c].quota[i], ledger_quota(run.ledger, cell, number));
            play_same("free", channel->name, model_free(s, c, channel->name), ledger_free(run.ledger, cell, number));
        }
        for (int64_t k = 0; k < s->item_count; k++)
            play_same("ats", channel->name, model_ats(s, i, k),
                 ledger_ats(run.ledger, number, ledger_number(run.ledger, NAME_ITEM, text(s->items[k].name))));
    }
    for (int64_t c = 0; c < s->cell_count; c++)
        play_same("free", "no channel", model_free(s, c, ""), ledger_free(run.ledger, cell_numbers[c], NUMBER_NONE));
}

static void compare_claim(const char *hold)
{
    const struct model_claim *claim = model_claim_named(&run.model, hold, ledger_now_us(run.ledger));
    struct claim_view view;
    bool there = ledger_claim(run.ledger, text(hold), &view);
    play_same("claim", hold, claim != NULL, there);
    if (claim == NULL)
        return;
    play_same_text("state", claim->state, text_of(claim_state_name(view.state), strlen(claim_state_name(view.state))));
    play_same_text("holder", claim->holder, view.holder);
    play_same_text("channel", claim->channel, view.channel);
    play_same("paid", hold, claim->paid, view.paid);
    play_same("priority", hold, claim->priority, view.priority);
    play_same("at", hold, claim->at.us, view.at.us);
    play_same("made", hold, claim->made, (int64_t)view.claim);
    play_same("end", hold, claim->expires_at_us, view.expires_at_us);
    /* In which order the cells of a claim stand is of no account. */
    int64_t lines = 0;
    for (uint32_t number = view.line; number != NUMBER_NONE; lines++) {
        struct claim_line_view have;
        ledger_claim_line(run.ledger, number, &have);
        number = have.next;
        const struct model_claim_line *line = NULL;
        for (int64_t l = 0; l < claim->line_count; l++) {
            const struct model_cell *cell = &run.model.now.cells[claim->lines[l].cell];
            if (play_is_text(cell->item, ledger_name(run.ledger, NAME_ITEM, have.item)) &&
                play_is_text(cell->location, ledger_name(run.ledger, NAME_LOCATION, have.location)))
                line = &claim->lines[l];
        }
        if (line == NULL)
            play_disagree("lines", hold, claim->line_count, lines + 1);
        play_same("granted", hold, line->granted, have.units[CLAIM_GRANTED]);
        play_same("held", hold, line->held, have.units[CLAIM_HELD]);
        play_same("committed", hold, line->committed, have.units[CLAIM_COMMITTED]);
        play_same("picked", hold, line->picked, have.units[CLAIM_PICKED]);
        play_same("consumed", hold, line->consumed, have.units[CLAIM_CONSUMED]);
        play_same("released", hold, line->released, have.units[CLAIM_RELEASED]);
        play_same("expired", hold, line->expired, have.units[CLAIM_EXPIRED]);
        play_same("short", hold, line->lost, have.units[CLAIM_SHORT]);
        play_same("backordered", hold, line->backordered, have.units[CLAIM_BACKORDERED]);
        play_same("quota", hold, line->quota, have.units[CLAIM_QUOTA]);
        play_same("waiting", hold, line->waiting, have.units[CLAIM_WAITING]);
    }
    play_same("lines", hold, claim->line_count, lines);
}

/* Transfers and expected documents: what is open of them in each cell, and for when. */
static void compare_paper(bool transfer, const char *paper_name)
{
    const struct model_paper *paper = model_paper_named(&run.model, transfer, paper_name, ledger_now_us(run.ledger));
    struct transfer_view under_way = {.line = NUMBER_NONE};
    struct expectation_view expected = {.line = NUMBER_NONE};
    bool there = transfer ? ledger_transfer(run.ledger, text(paper_name), &under_way)
                          : ledger_expectation(run.ledger, text(paper_name), &expected);
    play_same("document", paper_name, paper != NULL, there);
    if (paper == NULL)
        return;
    play_same("open", paper_name, paper->closed_at_us == MODEL_TIME_NONE, transfer ? under_way.open : expected.open);
    if (!transfer)
        play_same("direction", paper_name, paper->direction, expected.direction);
    for (int64_t l = 0; l < paper->line_count; l++) {
        const struct model_cell *cell = &run.model.now.cells[paper->lines[l].cell];
        int64_t units = 0;
        struct document_line_view have;
        for (uint32_t n = transfer ? under_way.line : expected.line; n != NUMBER_NONE; n = have.next) {
            ledger_document_line(run.ledger, n, &have);
            if (!play_is_text(cell->item, ledger_name(run.ledger, NAME_ITEM, have.item)) ||
                !play_is_text(cell->location, ledger_name(run.ledger, NAME_LOCATION, have.location)))
                continue;
            units = have.units;
            if (paper->lines[l].open > 0) {
                play_same("form of the time", paper_name, paper->lines[l].due.form, have.when.form);
                play_same("time", paper_name, paper->lines[l].due.us, have.when.us);
            }
        }
        int64_t open = 0;
        for (int64_t k = 0; k < paper->line_count; k++)
            open += paper->lines[k].cell == paper->lines[l].cell ? paper->lines[k].open : 0;
        play_same("open units", paper_name, open, units);
    }
}

static void compare_papers(void)
{
    for (unsigned n = 0; n < HOLDS; n++) {
        model_name paper_name;
        (void)snprintf(paper_name, sizeof(paper_name), "h%u", n);
        compare_paper(false, paper_name);
        (void)snprintf(paper_name, sizeof(paper_name), "t%u", n);
        if (n < PAPERS)
            compare_paper(true, paper_name);
    }
}

static void compare_sources(void)
{
    const struct model_state *s = &run.model.now;
    for (int64_t i = 0; i < s->source_count; i++) {
        const struct model_source *source = &s->sources[i];
        uint32_t number = ledger_number(run.ledger, NAME_SOURCE, text(source->name));
        if (number == NUMBER_NONE)
            play_disagree("source", source->name, 1, 0);
        struct silence_view view = ledger_silence(run.ledger, number);
        play_same("watched", source->name, source->silence.after_s != 0, view.watched);
        play_same("silent since", source->name, source->silent_since_us, view.since_us);
    }
}

const enum snapshot_policy play_policies[MODEL_POLICIES] = {SNAPSHOT_REBASE, SNAPSHOT_COMPARE_AND_SET,
                                                              SNAPSHOT_LATEST_EVENT_TIME, SNAPSHOT_REPORT};

static void compare_statements(void)
{
    const struct model *model = &run.model;
    play_same("statements", "the ledger", model->statement_count, ledger_statement_count(run.ledger));
    for (uint32_t n = 0; n < ledger_statement_count(run.ledger); n++) {
        struct statement_view view;
        ledger_statement(run.ledger, n, &view);
        const struct model_statement *said = NULL;
        for (int64_t i = 0; i < model->statement_count && said == NULL; i++) {
            const struct model_statement *other = &model->statements[i];
            if (other->condition == (int64_t)view.condition &&
                play_is_text(other->source, ledger_name(run.ledger, NAME_SOURCE, view.source)) &&
                play_is_text(other->item, ledger_name(run.ledger, NAME_ITEM, view.item)) &&
                play_is_text(other->location, ledger_name(run.ledger, NAME_LOCATION, view.location)))
                said = other;
        }
        if (said == NULL)
            play_disagree("statement", "the ledger", 0, n);
        play_same("stated last", said->item, said->stated, view.stated);
        play_same("books then", said->item, said->books, view.books);
        play_same("policy", said->item, (int64_t)play_policies[said->policy], (int64_t)view.policy);
        play_same("seen position", said->item, said->seen_position, (int64_t)view.seen_position);
        play_same("seen time", said->item, said->seen_us, view.seen_us);
        play_same("net", said->item, said->net, view.net);
        play_same("of the shelf", said->item, said->shelf, view.shelf);
    }
}

void play_compare_state(void)
{
    compare_items();
    compare_sources();
    compare_cells();
    compare_earliest();
    compare_channels();
    for (unsigned h = 0; h < HOLDS; h++) {
        model_name hold;
        (void)snprintf(hold, sizeof(hold), "h%u", h);
        compare_claim(hold);
    }
    compare_papers();
    compare_statements();
    play_same("closed until", "the ledger", model_closed_us(&run.model), ledger_period(run.ledger).closed_us);
}

static void copy_name(model_name out, struct text name)
{
    memset(out, 0, sizeof(model_name));
    if (text_present(name) && name.length < sizeof(model_name))
        memcpy(out, name.bytes, name.length);
}

/* What holds in the model at any time (I1, I2); a model that breaks it is wrong in itself. */
void play_check_model(void)
{
    const struct model_state *s = &run.model.now;
    for (int64_t i = 0; i < s->claim_count; i++) {
        for (int64_t l = 0; l < s->claims[i].line_count; l++) {
            const struct model_claim_line *line = &s->claims[i].lines[l];
            int64_t open = line->held + line->committed;
            if (line->granted != line->consumed + line->released + line->expired + open || line->held < 0 ||
                line->picked < 0 || line->picked > line->committed || line->backordered < 0 ||
                line->lost < 0 || line->lost > line->backordered || line->backordered > open || line->quota < 0 ||
                line->quota > open || line->waiting < 0)
                play_disagree("claim in itself", s->claims[i].name, l, 0);
        }
    }
    for (int64_t i = 0; i < s->item_count; i++) {
        const struct model_item *item = &s->items[i];
        int64_t sum = item->supplier + item->customer + item->loss + item->found;
        for (int64_t c = 0; c < s->cell_count; c++) {
            if (strcmp(s->cells[c].item, item->name) != 0)
                continue;
            sum += model_in_transit(s, c);
            for (unsigned k = 0; k < MODEL_CONDITIONS; k++)
                sum += s->cells[c].on[k];
        }
        if (sum != 0)
            play_disagree("all accounts (I1)", item->name, sum, 0);
    }
    for (int64_t c = 0; c < s->cell_count; c++)
        for (int64_t q = 0; q < s->channel_count; q++)
            if (s->cells[c].quota[q] < 0)
                play_disagree("quota in itself", s->cells[c].item, s->cells[c].quota[q], 0);
}

struct text play_decision_name(enum name_space space, uint32_t number)
{
    for (uint32_t i = 0; i < run.decision.name_count; i++)
        if (run.decision.names[i].space == space && run.decision.names[i].number == number)
            return run.decision.names[i].name;
    return number == NUMBER_NONE ? TEXT_NONE : ledger_name(run.ledger, space, number);
}

uint64_t play_count_fates[COUNT_FATES];

static bool is_of(const struct event *event, const struct model_count *count)
{
    return event->condition == (enum condition)count->condition &&
           play_is_text(count->item, play_decision_name(NAME_ITEM, event->item)) &&
           play_is_text(count->location, play_decision_name(NAME_LOCATION, event->location));
}

/* A count that was made, or all corrections of one. */
static void compare_told(const struct model_told *told)
{
    const struct model_count *count = &told->after;
    int64_t events = 0, units = 0;
    const struct event *last = NULL;
    for (uint32_t k = 0; k < run.decision.event_count; k++) {
        const struct event *event = &run.decision.events[k];
        enum event_type made = count->snapshot ? EVENT_SNAPSHOT : EVENT_STOCK_COUNT;
        if (told->made ? event->type != made || !is_of(event, count)
                       : event->type != EVENT_CORRECTION || (int64_t)event->count_seq != count->seq)
            continue;
        events++;
        units += event->quantity;
        last = event;
    }
    play_same("events of a count", count->item, told->events, events);
    if (!is_of(last, count))
        play_disagree("correction of a count", count->item, 1, 0);
    play_same("quantity of a count", count->item,
         told->made ? count->counted : count->variance - told->before.variance, units);
    play_same("variance", count->item, count->variance, last->variance);
    play_same("uncertain", count->item, count->uncertain, last->uncertain);
    play_same("begin of the window", count->item, count->from_us, last->count_from_us);
    play_same("end of the window", count->item, count->to_us, last->count_to_us);
    play_same("includes picked", count->item, count->includes_picked, last->count_picked);
    if (run.verdict.outcome == OUTCOME_DECIDED && told->made)
        run.model.counts[told->number].seq = (int64_t)last->seq;
}

/* What was said of each condition of a cell, one event of each, and none besides. */
static void compare_said(const struct model_command *c, const struct model_answer *answer)
{
    int64_t there = 0;
    for (uint32_t k = 0; k < run.decision.event_count; k++) {
        const struct event *event = &run.decision.events[k];
        there += event->type == EVENT_SNAPSHOT;
        play_same("end of a set", c->set, event->type == EVENT_SNAPSHOT && event->location == NUMBER_NONE,
             event->set_closed);
    }
    play_same("events of a snapshot", "the command", answer->said_count + c->last, there);
    for (int64_t i = 0; i < answer->said_count; i++) {
        const struct model_statement *said = &answer->said[i];
        const struct event *event = NULL;
        for (uint32_t k = 0; k < run.decision.event_count; k++) {
            const struct event *other = &run.decision.events[k];
            if (other->type == EVENT_SNAPSHOT && !other->set_closed &&
                other->condition == (enum condition)said->condition &&
                play_is_text(said->item, play_decision_name(NAME_ITEM, other->item)) &&
                play_is_text(said->location, play_decision_name(NAME_LOCATION, other->location)))
                event = other;
        }
        if (event == NULL)
            play_disagree("an event of what was said", said->item, 1, 0);
        play_same("stated", said->item, said->stated, event->quantity);
        play_same("books of that moment", said->item, said->books, event->books);
        play_same("booked", said->item, said->booked, event->delta.units[said->condition]);
        play_same("net", said->item, said->net, event->net);
        play_same("of the shelf", said->item, said->shelf, event->shelf);
    }
}

static void compare_counts(const struct model_answer *answer)
{
    int64_t wanted = 0, there = 0;
    for (uint32_t k = 0; k < run.decision.event_count; k++)
        there += run.decision.events[k].count_seq != 0;
    for (int64_t i = 0; i < answer->told_count; i++) {
        compare_told(&answer->told[i]);
        wanted += answer->told[i].events;
    }
    for (int64_t i = 0; i < answer->undone_count; i++) {
        const struct model_count *count = &answer->undone[i];
        int64_t events = 0;
        for (uint32_t k = 0; k < run.decision.event_count; k++) {
            const struct event *event = &run.decision.events[k];
            events += event->type == EVENT_REVERSE && (int64_t)event->count_seq == count->seq && is_of(event, count) &&
                      event->quantity == -count->variance;
        }
        play_same("reversals of a count", count->item, 1, events);
        wanted++;
    }
    play_same("events of counts", "the command", wanted, there);
}

/* One event of the command's own kind for each cell that its lines came to, with as many units, and none besides. */
static void compare_events(const struct model_command *c, const struct model_answer *answer)
{
    static const enum event_type types[MODEL_KIND_COUNT] = {
        [MODEL_SALE] = EVENT_SALE, [MODEL_SHIP] = EVENT_SHIP, [MODEL_HOLD] = EVENT_HOLD, [MODEL_COMMIT] = EVENT_COMMIT,
        [MODEL_RELEASE] = EVENT_RELEASE, [MODEL_AMEND] = EVENT_AMEND, [MODEL_PICK] = EVENT_PICK,
        [MODEL_UNPICK] = EVENT_UNPICK};
    if (types[c->kind] == 0)
        return;
    int64_t wanted = 0, there = 0;
    for (uint32_t k = 0; k < run.decision.event_count; k++)
        there += run.decision.events[k].type == types[c->kind] && run.decision.events[k].quantity > 0;
    for (int64_t i = 0; i < answer->taken_count; i++) {
        const struct model_taken *taken = &answer->taken[i];
        bool found = taken->units == 0;
        for (uint32_t k = 0; k < run.decision.event_count && !found; k++) {
            const struct event *event = &run.decision.events[k];
            found = event->type == types[c->kind] && event->quantity == taken->units &&
                    play_is_text(taken->item, play_decision_name(NAME_ITEM, event->item)) &&
                    play_is_text(taken->location, play_decision_name(NAME_LOCATION, event->location));
        }
        if (!found)
            play_disagree("an event of this quantity", taken->item, taken->units, 0);
        wanted += taken->units > 0;
    }
    play_same("events of the kind", c->id, wanted, there);
}

bool play_is_held(enum brake brake)
{
    return run.verdict.outcome <= OUTCOME_DRY && run.decision.events[0].type == EVENT_REVIEW &&
           run.decision.event_count == 1 && run.decision.events[0].brake == brake;
}

/* What the ledger answered. To the model a fact that is held for being too late is one that is refused: nothing changes. */
enum code play_ledger_code(void)
{
    return play_is_held(BRAKE_TOO_LATE) ? CODE_too_late : run.verdict.code;
}

const char *play_ledger_said(void)
{
    return play_is_held(BRAKE_MAX_CHANGE) ? "held" : code_name(play_ledger_code());
}

void play_compare_answer(const struct model_command *c, const struct model_answer *answer)
{
    const struct verdict *v = &run.verdict;
    const char *code = play_ledger_said();
    static const char *const words[] = {"accepted", "refused", "invalid", "duplicate"};
    unsigned outcome = v->outcome == OUTCOME_INVALID     ? MODEL_INVALID
                       : v->outcome == OUTCOME_DUPLICATE ? MODEL_DUPLICATE
                       : strcmp(code, "none") == 0       ? MODEL_ACCEPTED
                                                         : MODEL_REFUSED;
    if (outcome != (unsigned)answer->outcome || strcmp(answer->code, code) != 0) {
        fprintf(stderr, "the model: %s %s, the ledger: %s %s\n", words[answer->outcome], answer->code, words[outcome],
                code);
        play_disagree("answer", play_kind_names[c->kind], answer->outcome, (int64_t)outcome);
    }
    if (outcome == MODEL_DUPLICATE)
        play_same("position of the first answer", c->id, answer->seq, (int64_t)v->duplicate_seq);
    if (outcome == MODEL_DUPLICATE || outcome == MODEL_INVALID)
        return;
    play_same("dry", c->id, c->dry_run, v->outcome == OUTCOME_DRY);
    if (outcome == MODEL_REFUSED) {
        play_same("shortages", c->id, answer->shortage_count, run.decision.shortage_count);
        play_same("claims in the way", c->id, answer->mentions, run.decision.events[0].mention_total);
    }
    for (int64_t i = 0; outcome == MODEL_REFUSED && i < answer->shortage_count; i++) {
        const struct model_shortage *row = &answer->shortages[i];
        bool there = false;
        for (uint32_t k = 0; k < run.decision.shortage_count; k++) {
            const struct shortage *s = &run.decision.shortages[k];
            there = there || (play_is_text(row->item, play_decision_name(NAME_ITEM, s->item)) &&
                              play_is_text(row->location, play_decision_name(NAME_LOCATION, s->location)) &&
                              row->asked == s->asked && row->free == s->free);
        }
        if (!there) {
            fprintf(stderr, "of %s@%s: the model asked %" PRId64 ", free %" PRId64 "\n", row->item, row->location,
                    row->asked, row->free);
            for (uint32_t k = 0; k < run.decision.shortage_count; k++) {
                const struct shortage *s = &run.decision.shortages[k];
                struct text item = play_decision_name(NAME_ITEM, s->item);
                fprintf(stderr, "  the ledger: of %.*s asked %" PRId64 ", free %" PRId64 "\n", (int)item.length,
                        item.bytes, s->asked, s->free);
            }
            play_disagree("shortage", c->id, i, 0);
        }
    }
    if (outcome == MODEL_ACCEPTED) {
        play_same("clock skew", c->id, answer->clock_skew, run.decision.clock_skew);
        compare_events(c, answer);
        compare_counts(answer);
        compare_said(c, answer);
    }
    if (v->code == CODE_hold_ended) {
        play_same("consumed", c->hold, answer->consumed, run.decision.events[0].consumed);
        play_same("released", c->hold, answer->released, run.decision.events[0].released);
    }
}

/* What all channels show of everything. */
static int64_t all_shown(void)
{
    const struct model_state *s = &run.model.now;
    int64_t sum = 0;
    for (int64_t c = 0; c < s->channel_count && !run.huge; c++)
        for (int64_t i = 0; i < s->item_count; i++)
            sum += model_ats(s, c, i);
    return sum;
}

/* What is to be said of a source, by the model. Its name, or NULL. */
const char *play_say_next(bool *out_silent, int64_t *out_since_us)
{
    int64_t before = all_shown();
    const char *source = model_say(&run.model, run.now_us, out_silent, out_since_us);
    if (source == NULL)
        return NULL;
    play_silent_told += *out_silent;
    play_heard_told += !*out_silent;
    play_shown_less += *out_silent && all_shown() < before;
    return source;
}

/* What the ledger itself does next, done by the model too. */
void play_follow(void)
{
    const struct event *event = &run.decision.events[0];
    const char *what = kind_name(run.decision.kind);
    model_name item, location, hold;
    bool of_cell = event->item != NUMBER_NONE;
    copy_name(item, of_cell ? ledger_name(run.ledger, NAME_ITEM, event->item) : TEXT_NONE);
    copy_name(location, of_cell ? ledger_name(run.ledger, NAME_LOCATION, event->location) : TEXT_NONE);
    copy_name(hold, event->hold);
    if (run.decision.kind == KIND_SHORT) {
        if (!model_short(&run.model, item, location, &play_trolleys_short, &play_others_short))
            play_disagree(what, item, 0, 1);
        play_short += run.decision.event_count;
    } else if (run.decision.kind == KIND_COVER) {
        if (!model_cover(&run.model, item, location))
            play_disagree(what, item, 0, 1);
        play_covered++;
    } else if (run.decision.kind == KIND_HOLD) {
        if (!model_serve(&run.model, hold, item, location, run.now_us))
            play_disagree(what, hold, 0, 1);
        play_served++;
        play_promised_served += event->claim_at.form != MOMENT_ABSENT;
    } else if (event_of_silence(event)) {
        bool silent;
        int64_t since_us;
        const char *source = play_say_next(&silent, &since_us);
        if (source == NULL)
            play_disagree(what, "a source", 0, 1);
        play_same_text("source of which something is said", source, ledger_name(run.ledger, NAME_SOURCE, event->silent_source));
        play_same("silent", source, silent, event->type == EVENT_SILENT);
        play_same("since", source, since_us, event->silent_since_us);
    } else {
        const char *expired = model_expire(&run.model, run.now_us);
        if (expired == NULL)
            play_disagree(what, hold, 0, 1);
        play_same_text("hold that expires", expired, event->hold);
        play_expired++;
        play_promised_expired += event->claim_at.form != MOMENT_ABSENT && event->expected_delta < 0;
    }
    play_evolve();
    play_compare_state();
}

