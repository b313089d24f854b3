/*
 * Goal: the ledger and the model (model.h) never disagree, whatever comes.
 * Method: many small worlds of few names, so that commands collide; random commands of all kinds at both sides, with
 * time that runs and jumps (ends of holds, the id window), kits that are made and unmade, repeats, reused ids, guards,
 * partial holds, preconditions, decimals, dry runs, ordered sources, malformed commands; counts of goods and what comes
 * late before them, commands between what is read for a count and its decision; snapshots of other systems, by
 * position and by time; reversals of all that; and periods that are closed. After EACH command the answer, the events
 * of its lines, of counts and of what corrects them, every figure, account, claim, document, statement, version and
 * name is compared; a copy of every decision is evolved by a second ledger, whose state hash must be equal.
 * Counts per kind and outcome, of kits and per code are printed; each must pass a floor, or the test has not tested it.
 *
 * One seed is one run: test_model [--commands N] [--seed S]. A failure prints the seed, the world and the
 * command. With --alone the model runs without a ledger, with every kind it knows: is it right in itself, and do the
 * commands reach all of it?
 */
#include <time.h>

#include "play.h"

#define COMMANDS_DEFAULT 200000
#define FLOOR_SHARE      20000 /* each count must pass commands / this: 10 of 200,000 */

/* ---- counting ---- */

static const char *const count_names[COUNT_FATES] = {
    "counts: made", "counts: late ones", "counts: too much", "counts: missing", "counts: corrected",
    "counts: sign turned", "counts: uncertain", "counts: late uncertain", "counts: by turns", "counts: forgotten",
    "counts: older, last", "counts: too late", "counts: with trolleys", "counts: in bins", "counts: read",
    "counts: read again", "counts: read, still so"};

enum { ACCEPTED, REFUSED, INVALID, DUPLICATE, DRY, OUTCOMES };
static const char *const outcome_names[OUTCOMES] = {"accepted", "refused", "invalid", "duplicate", "dry"};
static uint64_t counts[MODEL_KIND_COUNT][OUTCOMES];
static uint64_t codes[CODE_COUNT];
static uint64_t places_set, places_refused, bins_told, bins_shipped;
static uint64_t sources_set, sources_refused, heard_by_settings;
static uint64_t ticks, forgotten, skewed;

/* What became of holds for later (PROMISES). */
enum {
    PROMISED, PROMISED_CHANNEL, PROMISED_SOURCED, PROMISED_DAY, GRANTED_AT_ONCE, NOT_PROMISED, NAME_TAKEN, REOPENED,
    OTHER_AT, WITHOUT_AT, PROMISED_DRY, PROMISED_SERVED, PROMISED_EXPIRED, PROMISED_RELEASED, PROMISED_EXTENDED,
    BESIDE_COMMIT, BESIDE_AMEND, BESIDE_SHIP, KEPT_EXPECT, KEPT_REDATE, KEPT_CANCEL, PROMISE_COUNT
};
static const char *const promise_names[PROMISE_COUNT] = {
    "at: promised", "at: in a channel", "at: sourced", "at: for a day", "at: granted at once", "at: refused",
    "at: name taken", "at: document reopened", "at: for another time", "at: no longer", "at: dry", "at: served",
    "at: expired", "at: released", "at: extended", "at: commit beside", "at: amend beside", "at: ship beside",
    "at: kept from expect", "at: kept from redate", "at: kept from cancel"};
static uint64_t promises[PROMISE_COUNT];

static enum code code_of(const char *name)
{
    for (unsigned c = 0; c < CODE_COUNT; c++)
        if (strcmp(code_name((enum code)c), name) == 0)
            return (enum code)c;
    play_disagree("code", name, 1, 0);
}

/* Commands with lines of kits, and what became of the kits in those that were accepted. */
static uint64_t kit_counts[MODEL_KIND_COUNT][OUTCOMES];
enum { KIT_BUILT, KIT_PARTS, KIT_BOTH, KIT_SHARED, KIT_SOURCED, KIT_PARTIAL, KIT_WAITS, KIT_BACKORDERED, KIT_CHANNEL,
       KIT_ANEW, KIT_LATER, KIT_FATES };
static const char *const kit_fate_names[KIT_FATES] = {
    "kits built", "kits put together", "built and together", "parts of two lines", "kits sourced", "kits in part",
    "kits that wait", "kits backordered", "kits of a channel", "kits of expired", "kits for later"};
static uint64_t kit_fates[KIT_FATES];

static void count_kits(const struct model_command *c, const struct model_answer *answer, unsigned outcome)
{
    bool any = false, seeks = false;
    for (int64_t i = 0; i < c->line_count; i++) {
        bool kit = model_is_kit(&run.model.now, c->lines[i].item);
        any = any || kit;
        seeks = seeks || (kit && c->lines[i].location[0] == '\0');
    }
    kit_counts[c->kind][outcome] += any;
    const struct model_claim *claim = model_claim_named(&run.model, c->hold, run.now_us);
    if (outcome != ACCEPTED || answer->built + answer->put_together == 0)
        return;
    int64_t waiting = 0, backordered = 0, expired = 0;
    for (int64_t l = 0; claim != NULL && l < claim->line_count; l++) {
        waiting += claim->lines[l].waiting;
        backordered += claim->lines[l].backordered;
        expired += claim->lines[l].expired;
    }
    bool together = answer->put_together > 0;
    kit_fates[KIT_BUILT] += answer->built > 0;
    kit_fates[KIT_PARTS] += together;
    kit_fates[KIT_BOTH] += answer->built > 0 && together;
    kit_fates[KIT_SHARED] += answer->shared > 0;
    kit_fates[KIT_SOURCED] += seeks && together;
    bool partial = c->kind == MODEL_HOLD && c->partial && !c->wait && !c->backorder;
    kit_fates[KIT_PARTIAL] += partial && answer->shortage_count > 0;
    kit_fates[KIT_WAITS] += c->kind == MODEL_HOLD && together && waiting > 0;
    kit_fates[KIT_BACKORDERED] += together && backordered > 0;
    kit_fates[KIT_CHANNEL] += together && claim != NULL && claim->channel[0] != '\0';
    kit_fates[KIT_ANEW] += c->kind == MODEL_COMMIT && expired > 0;
    kit_fates[KIT_LATER] += c->kind == MODEL_HOLD && together && c->at.form != MODEL_MOMENT_NONE;
}

static int64_t open_units(const struct model_paper *paper)
{
    int64_t sum = 0;
    for (int64_t l = 0; paper != NULL && l < paper->line_count; l++)
        sum += paper->lines[l].open;
    return sum;
}

static bool waits(const struct model_claim *claim)
{
    return claim != NULL && strcmp(claim->state, "waiting") == 0;
}

/* What a command was about, of holds for later, before and after it. */
struct promise {
    bool there, at, waits; /* the claim; has it a time; does all of it wait */
    struct model_moment when;
    bool paper, closed, out;
    int64_t open;
};

static struct promise promise_of(const struct model_command *c)
{
    const char *of = c->expectation[0] != '\0' ? c->expectation : c->hold;
    const struct model_claim *claim = model_claim_named(&run.model, of, run.now_us);
    const struct model_paper *paper = model_paper_named(&run.model, false, of, run.now_us);
    struct promise p = {.there = claim != NULL && claim->ended_at_us == MODEL_TIME_NONE, .paper = paper != NULL};
    if (p.there) {
        p.at = claim->at.form != MODEL_MOMENT_NONE;
        p.when = claim->at;
        p.waits = waits(claim);
    }
    if (p.paper) {
        p.closed = paper->closed_at_us != MODEL_TIME_NONE;
        p.out = paper->direction == MODEL_DIRECTION_OUT;
        p.open = open_units(paper);
    }
    return p;
}

static void count_hold(const struct model_command *c, const struct model_answer *answer, const struct promise *before)
{
    struct promise after = promise_of(c);
    bool accepted = answer->outcome == MODEL_ACCEPTED;
    bool at = c->at.form != MODEL_MOMENT_NONE;
    bool later = at && (!before->there || before->waits);
    if (c->dry_run) {
        promises[PROMISED_DRY] += at && accepted;
        return;
    }
    promises[NOT_PROMISED] += later && strcmp(answer->code, "insufficient_stock") == 0;
    promises[NAME_TAKEN] += later && strcmp(answer->code, "expectation_closed") == 0;
    if (!accepted)
        return;
    promises[WITHOUT_AT] += !at && before->at && before->waits;
    promises[GRANTED_AT_ONCE] += at && !after.waits;
    if (!at || !after.waits)
        return;
    promises[PROMISED]++;
    promises[PROMISED_CHANNEL] += c->channel[0] != '\0';
    promises[PROMISED_SOURCED] += c->sourcing != 0;
    promises[PROMISED_DAY] += c->at.form == MODEL_MOMENT_DAY;
    promises[REOPENED] += before->paper && before->closed;
    promises[OTHER_AT] += before->at && before->when.us != c->at.us;
}

static void count_promise(const struct model_command *c, const struct model_answer *answer,
                          const struct promise *before)
{
    if (c->kind == MODEL_HOLD) {
        count_hold(c, answer, before);
        return;
    }
    if (strcmp(answer->code, "expectation_promised") == 0) {
        promises[KEPT_EXPECT] += c->kind == MODEL_EXPECT;
        promises[KEPT_REDATE] += c->kind == MODEL_REDATE;
        promises[KEPT_CANCEL] += c->kind == MODEL_CANCEL_EXPECTED;
    }
    if (answer->outcome != MODEL_ACCEPTED || c->dry_run || !before->at)
        return;
    struct promise after = promise_of(c);
    bool less = before->out && after.open < before->open;
    promises[PROMISED_RELEASED] += c->kind == MODEL_RELEASE && less;
    promises[PROMISED_EXTENDED] += c->kind == MODEL_EXTEND && before->waits;
    promises[BESIDE_COMMIT] += c->kind == MODEL_COMMIT && before->waits;
    promises[BESIDE_AMEND] += c->kind == MODEL_AMEND && before->waits;
    promises[BESIDE_SHIP] += (c->kind == MODEL_SHIP || c->kind == MODEL_SALE) && before->waits;
}

enum { BY_POSITION, BY_TIME, BY_OWN, NET, LEFT, REPORTED, HELD, HELD_SETS, SETS, LEFT_OUT, SNAPSHOT_FATES };
static const char *const snapshot_names[SNAPSHOT_FATES] = {
    "snapshots: by position", "snapshots: by time", "snapshots: own seq", "snapshots: net", "snapshots: left",
    "snapshots: reported", "snapshots: held", "sets: held", "sets: told", "sets: left out"};
static uint64_t snapshot_fates[SNAPSHOT_FATES];
static uint64_t counts_reversed, reversed_under, reversed_inside;

static void count_counts(const struct model_command *c, const struct model_answer *answer)
{
    int64_t by_turns = 0;
    play_count_fates[COUNTS_TOO_LATE] += c->kind == MODEL_COUNT && strcmp(answer->code, "too_late") == 0;
    if (answer->outcome != MODEL_ACCEPTED || c->dry_run)
        return;
    counts_reversed += answer->undone_count > 0;
    snapshot_fates[LEFT] += (uint64_t)answer->left;
    snapshot_fates[SETS] += c->last != 0;
    snapshot_fates[LEFT_OUT] += (uint64_t)answer->left_out;
    for (int64_t i = 0; i < answer->said_count; i++) {
        const struct model_statement *said = &answer->said[i];
        snapshot_fates[REPORTED] += said->policy == MODEL_REPORT && said->stated != said->books;
        snapshot_fates[BY_POSITION] += c->has_position && said->booked != 0;
        snapshot_fates[BY_TIME] += !c->has_position && said->booked != 0;
        snapshot_fates[BY_OWN] += c->has_position && c->seen_seq > 0 && said->booked != 0;
        snapshot_fates[NET] += said->net && said->booked != 0;
    }
    reversed_under += c->kind == MODEL_REVERSE && answer->told_count > 0;
    for (int64_t i = 0; i < answer->told_count; i++) {
        const struct model_told *told = &answer->told[i];
        const struct model_count *after = &told->after;
        reversed_inside += c->kind == MODEL_REVERSE && after->uncertain != told->before.uncertain;
        bool old = after->recorded_us < run.now_us - WINDOW_US;
        play_count_fates[COUNTS_MADE] += told->made != 0;
        play_count_fates[COUNTS_FOUND] += told->made && after->variance > 0;
        play_count_fates[COUNTS_MISSING] += told->made && after->variance < 0;
        play_count_fates[COUNTS_OF_PICKED] += told->made && after->includes_picked && after->condition == 0;
        play_count_fates[UNCERTAIN] += told->made && after->uncertain > 0;
        play_count_fates[CORRECTED] += !told->made;
        play_count_fates[COUNTS_LATE] += !told->made && c->kind == MODEL_COUNT;
        play_count_fates[SIGN_TURNS] += told->events == 2;
        play_count_fates[UNCERTAIN_LATE] += !told->made && after->uncertain != told->before.uncertain;
        play_count_fates[COUNTS_LAST] += !told->made && old;
        for (int64_t l = 0; l < run.model.now.location_count; l++)
            play_count_fates[CORRECTED_IN_BINS] += !told->made && run.model.now.bins[l] &&
                                              strcmp(run.model.now.locations[l], after->location) == 0;
        by_turns += !told->made && c->kind != MODEL_COUNT && i > 0 && !answer->told[i - 1].made &&
                    answer->told[i - 1].after.condition == 0 && after->condition == 0 &&
                    strcmp(answer->told[i - 1].after.item, after->item) == 0 &&
                    strcmp(answer->told[i - 1].after.location, after->location) == 0;
    }
    play_count_fates[BY_TURNS] += by_turns > 0;
}

static void count(const struct model_command *c, const struct model_answer *answer)
{
    count_counts(c, answer);
    unsigned outcome = c->dry_run && answer->outcome <= MODEL_REFUSED ? DRY : (unsigned)answer->outcome;
    counts[c->kind][outcome]++;
    if (strcmp(answer->code, "held") == 0)
        snapshot_fates[answer->left_out > 0 ? HELD_SETS : HELD]++;
    else
        codes[run.alone ? code_of(answer->code) : play_ledger_code()]++;
    skewed += answer->clock_skew;
    count_kits(c, answer, outcome);
}

/* Lines of kits in each kind that has any, and what became of them. */
static bool report_kits(uint64_t floor)
{
    static const struct {
        int64_t kind;
        bool accepted, refused;
    } rows[] = {{MODEL_RECEIVE, true, true}, {MODEL_SALE, true, true}, {MODEL_SHIP, true, true},
                {MODEL_RETURN, true, true}, {MODEL_ADJUST, true, true}, {MODEL_RECLASSIFY, true, true},
                {MODEL_TRANSFER, true, true}, {MODEL_HOLD, true, true}, {MODEL_COMMIT, true, true},
                {MODEL_RELEASE, true, true}, {MODEL_AMEND, false, true}, {MODEL_REASSIGN, true, true},
                {MODEL_PICK, true, true}, {MODEL_UNPICK, false, true}, {MODEL_TRANSFER_OUT, true, true},
                {MODEL_TRANSFER_IN, true, true}, {MODEL_EXPECT, true, true}};
    bool good = true;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const uint64_t *of = kit_counts[rows[i].kind];
        printf("# kits: %-12s", play_kind_names[rows[i].kind]);
        for (unsigned o = 0; o < OUTCOMES; o++)
            printf("%11" PRIu64, of[o]);
        printf("\n");
        good = good && (of[ACCEPTED] >= floor || !rows[i].accepted) && (of[REFUSED] >= floor || !rows[i].refused) &&
               of[INVALID] >= floor;
    }
    for (unsigned f = 0; f < KIT_FATES; f++) {
        printf("# %-22s%9" PRIu64 "\n", kit_fate_names[f], kit_fates[f]);
        good = good && kit_fates[f] >= floor;
    }
    return good;
}

static bool report(uint64_t commands)
{
    static const enum code expected[] = {
        CODE_missing_field, CODE_bad_value, CODE_too_many_decimals, CODE_out_of_range, CODE_id_reused,
        CODE_insufficient_stock, CODE_precondition_failed, CODE_unknown_item, CODE_unknown_location,
        CODE_expired_command, CODE_seq_passed, CODE_too_late, CODE_unknown_hold, CODE_hold_exists, CODE_hold_ended,
        CODE_hold_expired, CODE_exceeds_claim, CODE_same_condition, CODE_same_location, CODE_scale_in_use,
        CODE_kit_in_kit, CODE_circular, CODE_in_future, CODE_period_closed,
        CODE_unknown_command, CODE_already_reversed, CODE_not_reversible, CODE_snapshot_passed, CODE_seen_forked,
        CODE_set_closed, CODE_has_bins, CODE_below_consumed, CODE_unknown_channel, CODE_claims_open, CODE_negative_quota,
        CODE_transfer_exists, CODE_unknown_transfer, CODE_exceeds_transit, CODE_unknown_expectation,
        CODE_expectation_closed, CODE_no_source};
    uint64_t floor = commands / FLOOR_SHARE;
    bool good = true;
    printf("# floor of each count: %" PRIu64 "\n# %-12s", floor, "");
    for (unsigned o = 0; o < OUTCOMES; o++)
        printf("%11s", outcome_names[o]);
    for (unsigned k = 0; k < MODEL_KIND_COUNT; k++) {
        printf("\n# %-12s", play_kind_names[k]);
        for (unsigned o = 0; o < OUTCOMES; o++) {
            printf("%11" PRIu64, counts[k][o]);
            good = good && counts[k][o] >= floor;
        }
    }
    printf("\n");
    for (unsigned i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        printf("# %-22s%9" PRIu64 "\n", code_name(expected[i]), codes[expected[i]]);
        good = good && codes[expected[i]] >= floor;
    }
    good = report_kits(floor) && good;
    promises[PROMISED_SERVED] = play_promised_served;
    promises[PROMISED_EXPIRED] = play_promised_expired;
    for (unsigned p = 0; p < PROMISE_COUNT; p++) {
        if (run.alone && (p == PROMISED_SERVED || p == PROMISED_EXPIRED))
            continue; /* told by the ledger's events */
        printf("# %-22s%9" PRIu64 "\n", promise_names[p], promises[p]);
        good = good && promises[p] >= floor;
    }
    for (unsigned f = 0; f < COUNT_FATES; f++) {
        if (run.alone && f >= READ)
            continue; /* the ledger's */
        printf("# %-22s%9" PRIu64 "\n", count_names[f], play_count_fates[f]);
        good = good && play_count_fates[f] >= floor;
    }
    for (unsigned f = 0; f < SNAPSHOT_FATES; f++) {
        printf("# %-22s%9" PRIu64 "\n", snapshot_names[f], snapshot_fates[f]);
        good = good && snapshot_fates[f] >= floor;
    }
    const struct {
        const char *name;
        uint64_t count;
        bool expected;
    } others[] = {{"pasts compared", play_pasts_compared, !run.alone},
                  {"booked, not so then", play_booked_apart, !run.alone},
                  {"counts reversed", counts_reversed, true}, {"reversed under counts", reversed_under, true},
                  {"reversed in windows", reversed_inside, true},
                  {"claims expired", play_expired, true}, {"ticks", ticks, !run.alone},
                  {"ids forgotten", forgotten, !run.alone},
                  {"clock skew", skewed, true}, {"cells covered", play_covered, true},
                  {"claims short", play_short, true}, {"short of trolleys", (uint64_t)play_trolleys_short, true},
                  {"short, not the newest", (uint64_t)play_others_short, true},
                  {"claims served", play_served, true}, {"trees changed", places_set, true},
                  {"trees kept", places_refused, true}, {"sources watched", sources_set, true},
                  {"sources not watched", sources_refused, true}, {"sources silent", play_silent_told, true},
                  {"sources heard again", play_heard_told, true}, {"heard by settings", heard_by_settings, true},
                  {"silences shown less", play_shown_less, true}, {"changes in bins told", bins_told, !run.alone},
                  {"claims shipped of bins", bins_shipped, !run.alone},
                  {"passes of the audit", play_audited, !run.alone},
                  {"earliest: later", play_earliest_later, !run.alone},
                  {"kits for later asked", play_kits_asked_later, !run.alone}};
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (!others[i].expected)
            continue;
        printf("# %-22s%9" PRIu64 "\n", others[i].name, others[i].count);
        good = good && others[i].count >= floor;
    }
    return good;
}

/* ---- running ---- */

static void play_settle(void);

/* PUT of a location. */
static void place(const char *location, const char *parent, bool bin, const struct model_rule *rule)
{
    static uint8_t form[CONFIG_BYTES_MAX];
    bool fits;
    const char *code = model_place(&run.model, location, parent, bin, rule, run.now_us);
    places_set += strcmp(code, "none") == 0;
    places_refused += strcmp(code, "none") != 0;
    if (run.alone)
        return;
    static const uint8_t criteria[MODEL_CRITERIA] = {
        [MODEL_NEWEST] = SHORTFALL_NEWEST, [MODEL_LOWEST_PRIORITY] = SHORTFALL_LOWEST_PRIORITY,
        [MODEL_UNPAID] = SHORTFALL_UNPAID, [MODEL_OTHER_PLACE] = SHORTFALL_OTHER_PLACE};
    struct location_config config = {.parent = text(parent), .no_promise = bin};
    for (int64_t i = 0; i < rule->count; i++)
        config.shortfall.criteria[config.shortfall.count++] = criteria[rule->by[i]];
    size_t n = location_config_write(&config, form, &fits);
    const struct command command = {
        .kind = KIND_PUT_LOCATION, .source = TEXT("@ledger"), .location = text(location), .occurred_at_us = TIME_NONE,
        .not_after_us = TIME_NONE, .config = n == 0 ? TEXT_NONE : text_of((const char *)form, n)};
    ledger_decide(run.ledger, &command, run.now_us, &run.decision, &run.verdict);
    if (strcmp(code, code_name(run.verdict.code)) != 0)
        play_disagree("place", code_name(run.verdict.code), 0, 1);
    play_evolve();
    play_compare_state();
}

/* PUT of a source: it is watched, and what is shown of some locations while it is silent; or it is not. */
static void change_source(void)
{
    static uint8_t form[CONFIG_BYTES_MAX];
    static struct source_config config;
    static const char *const places[] = {"l0", "l1", "l2"};
    struct model_silence silence = {0};
    model_name source;
    bool fits, ended;
    struct model_stating stating = {.policy = (int64_t)below(MODEL_POLICIES)};
    static const int64_t percents[] = {5, 50, 100, 1000};
    stating.has_units = one_in(4);
    stating.units = stating.has_units ? (int64_t)below(20) : 0;
    stating.has_percent = one_in(2);
    stating.percent = stating.has_percent ? percents[below(4)] : 0;
    play_name(source, "s", 4);
    if (!one_in(4)) {
        silence.after_s = 1 + (int64_t)below(60);
        silence.buffer = one_in(2) ? 0 : 1 + (int64_t)below(4);
        for (unsigned i = 0; i < 3; i++)
            if (one_in(i < 2 ? 2 : 8))
                memcpy(silence.places[silence.place_count++], places[i], 3);
        if (silence.place_count == 0)
            silence.buffer = 0;
    }
    const char *code = model_listen(&run.model, source, &silence, &stating, run.now_us, &ended);
    sources_set += strcmp(code, "none") == 0;
    sources_refused += strcmp(code, "none") != 0;
    heard_by_settings += ended;
    if (run.alone)
        return;
    if (!source_config_read(TEXT_NONE, &config))
        exit(2);
    config.silence.after_s = silence.after_s;
    config.snapshot_policy = play_policies[stating.policy];
    config.max_change = (struct limit){stating.has_units != 0, stating.has_percent != 0, stating.units,
                                       (uint32_t)stating.percent};
    config.silence.buffer = silence.buffer;
    config.silence.place_count = (uint32_t)silence.place_count;
    for (int64_t p = 0; p < silence.place_count; p++)
        config.silence.places[p] = text(silence.places[p]);
    size_t n = source_config_write(&config, form, &fits);
    const struct command command = {
        .kind = KIND_PUT_SOURCE, .source = TEXT("@ledger"), .source_name = text(source), .occurred_at_us = TIME_NONE,
        .not_after_us = TIME_NONE, .config = n == 0 ? TEXT_NONE : text_of((const char *)form, n)};
    ledger_decide(run.ledger, &command, run.now_us, &run.decision, &run.verdict);
    if (strcmp(code, code_name(run.verdict.code)) != 0)
        play_disagree("source", code_name(run.verdict.code), 0, 1);
    play_same("events of a source", source, ended ? 2 : 1, run.decision.event_count);
    play_evolve();
    play_compare_state();
}

/* Another rule of who loses cover for a location that is there. */
static void change_rule(void)
{
    const struct model_state *s = &run.model.now;
    if (s->location_count == 0)
        return;
    uint64_t l = below((uint64_t)s->location_count);
    model_name location, parent;
    memcpy(location, s->locations[l], sizeof(location));
    memcpy(parent, s->parents[l], sizeof(parent));
    struct model_rule rule = play_some_rule();
    place(location, parent, s->bins[l] != 0, &rule);
    play_settle();
}

/* The tree of a world: l2 and l3 are bins most of the time, l1 is now and then. */
static void change_tree(void)
{
    static const char *const parents[][3] = {{"", "l0", "l0"}, {"l0", "l1", ""}, {"l2", "l0", ""}};
    uint64_t which = below(3);
    model_name location;
    (void)snprintf(location, sizeof(location), "l%u", (unsigned)which + 1);
    const char *parent = parents[which][below(3)];
    bool bin = which == 0 ? one_in(6) : !one_in(4);
    struct model_rule rule = play_some_rule();
    place(location, parent, bin, &rule);
    play_settle();
}

static void begin_tree(void)
{
    struct model_rule rules[4] = {{0, {0}}};
    for (unsigned i = 0; run.rules && i < 4; i++)
        rules[i] = play_some_rule();
    for (unsigned i = 0; (run.tree || run.rules) && i < 2; i++)
        place(i == 0 ? "l0" : "l1", "", false, &rules[i]);
    if (run.tree) {
        place("l2", "l0", true, &rules[2]);
        place("l3", "l2", true, &rules[3]);
    }
}

static void begin_world(uint64_t number)
{
    for (int64_t i = 0; i < run.model.count_count; i++)
        play_count_fates[COUNTS_FORGOTTEN] += run.model.counts[i].forgotten != 0;
    run.world_number = number;
    run.prng = prng_of(run.seed + number * UINT64_C(0x9e3779b97f4a7c15));
    run.huge = one_in(8);
    run.kits = !one_in(3);
    run.tree = one_in(2);
    run.rules = !one_in(3);
    run.late = !run.huge && !one_in(3);
    play_begin();
    run.model.now.seq = 1;
    if (run.alone) {
        begin_tree();
        return;
    }
    const struct command settings = {
        .kind = KIND_SETTINGS, .source = TEXT("@ledger"), .occurred_at_us = TIME_NONE, .not_after_us = TIME_NONE,
        .id_window_ms = WINDOW_US / 1000, .id_capacity = 4096};
    ledger_decide(run.ledger, &settings, run.now_us, &run.decision, &run.verdict);
    play_evolve();
    begin_tree();
}

/* The model left alone does what it may do, cells and claims in their order. */
static bool follow_alone(void)
{
    const struct model_state *s = &run.model.now;
    for (int64_t c = 0; c < s->cell_count; c++)
        if (model_short(&run.model, s->cells[c].item, s->cells[c].location, &play_trolleys_short, &play_others_short)) {
            play_short++;
            return true;
        }
    for (int64_t c = 0; c < s->cell_count; c++)
        if (model_cover(&run.model, s->cells[c].item, s->cells[c].location)) {
            play_covered++;
            return true;
        }
    for (int64_t i = 0; i < s->claim_count; i++)
        for (int64_t l = 0; l < s->claims[i].line_count; l++) {
            const struct model_cell *cell = &s->cells[s->claims[i].lines[l].cell];
            if (model_serve(&run.model, s->claims[i].name, cell->item, cell->location, run.now_us)) {
                play_served++;
                return true;
            }
        }
    bool silent;
    int64_t since_us;
    if (model_expire(&run.model, run.now_us) != NULL)
        play_expired++;
    else if (play_say_next(&silent, &since_us) == NULL)
        return false;
    return true;
}

static void play_settle(void)
{
    if (run.alone)
        while (follow_alone())
            play_check_model();
    else
        while (ledger_due(run.ledger, run.now_us, &run.decision))
            play_follow();
    if (!model_idle(&run.model, run.now_us))
        play_disagree("something to do", "the ledger", 1, 0);
}

static void pass_time(void)
{
    if (!one_in(4))
        run.now_us += (int64_t)below(4) * SECOND_US;
    if (one_in(40))
        run.now_us += (int64_t)below(1000) * SECOND_US;
    if (one_in(100))
        run.now_us += WINDOW_US - SECOND_US + (int64_t)below(3) * SECOND_US;
    play_settle();
    if (one_in(60) && !run.alone) {
        run.decision.kind = KIND_TICK;
        run.decision.recorded_at_us = run.now_us;
        run.decision.event_count = run.decision.name_count = 0;
        run.decision.id = TEXT_NONE;
        play_evolve();
        ticks++;
    }
}

static void one_command_alone(void)
{
    struct model_command c;
    pass_time();
    if (run.tree && one_in(60))
        change_tree();
    if (one_in(40))
        change_source();
    if (run.rules && one_in(60))
        change_rule();
    play_command(&c);
    play_remember(&c);
    struct promise before = promise_of(&c);
    struct model_answer answer = model_command(&run.model, &c, run.now_us, true);
    count(&c, &answer);
    count_promise(&c, &answer, &before);
    play_check_model();
}

static void decide(const struct model_command *c);

/* Changes nothing yet. */
static void judge(const struct command *command)
{
    uint64_t before = ledger_state_hash(run.ledger);
    ledger_decide(run.ledger, command, run.now_us, &run.decision, &run.verdict);
    if (ledger_state_hash(run.ledger) != before)
        play_disagree("state hash", "a decision not yet evolved", 0, 0);
}

/* Decides it with what is read of the past for it; now and then something comes between. */
static void decide_read(const struct model_command *c, const struct command *command)
{
    static bool inside; /* of another one that waits for its reading */
    struct cell_reading cells[MODEL_CELLS_MAX];
    struct reading reading;
    judge(command);
    for (unsigned times = 0; run.verdict.outcome == OUTCOME_UNREAD; times++) {
        play_read_past(&reading, cells);
        bool slips = times < 2 && one_in(3);
        if (slips) {
            struct model_command other;
            do
                play_command(&other);
            while (other.kind == MODEL_COUNT || other.kind == MODEL_REVERSE ||
                   (other.kind == MODEL_SNAPSHOT && inside));
            if (other.kind == MODEL_SNAPSHOT && c->kind == MODEL_SNAPSHOT) /* it says the same, or another thing */
                memcpy(other.source, c->source, sizeof(model_name));
            if (other.line_count > 0 && other.lines[0].location[0] != '\0' && c->line_count > 0 && one_in(2)) {
                memcpy(other.lines[0].item, c->lines[0].item, sizeof(model_name));
                memcpy(other.lines[0].location, c->lines[0].location, sizeof(model_name));
            }
            bool outside = !inside;
            inside = true;
            decide(&other);
            inside = !outside;
        }
        struct command again = play_adapt(c);
        again.reading = &reading;
        judge(&again);
        play_count_fates[READ]++;
        play_count_fates[READ_AGAIN] += slips && run.verdict.outcome == OUTCOME_UNREAD;
        play_count_fates[READ_STILL] += slips && run.verdict.outcome != OUTCOME_UNREAD;
    }
}

static void one_command(void)
{
    struct model_command c;
    pass_time();
    if (run.tree && !run.huge && one_in(60))
        change_tree();
    if (one_in(40))
        change_source();
    if (run.rules && one_in(60))
        change_rule();
    play_command(&c);
    decide(&c);
}

static void decide(const struct model_command *of)
{
    struct model_command c = *of;
    struct command command = play_adapt(&c);
    decide_read(&c, &command);
    /* The model asks for it when the id is past the window. */
    bool known = run.verdict.outcome == OUTCOME_DUPLICATE || run.verdict.code == CODE_id_reused;
    bool repeated = model_remembers(&run.model, &c);
    run.model.old_is_reversible = run.verdict.code != CODE_unknown_command;
    play_remember(&c);
    struct promise promised = promise_of(&c);
    struct model_answer answer = model_command(&run.model, &c, run.now_us, known);
    forgotten += repeated && !known && !c.dry_run;
    play_compare_answer(&c, &answer);
    count(&c, &answer);
    count_promise(&c, &answer, &promised);
    for (uint32_t i = 0; i < run.decision.event_count && run.verdict.outcome == OUTCOME_DECIDED; i++) {
        bins_told += run.decision.events[i].type == EVENT_BINS;
        bins_shipped += run.decision.events[i].type == EVENT_BINS && run.decision.events[i].claim != 0;
    }
    if (run.verdict.outcome == OUTCOME_DECIDED)
        play_evolve();
    play_compare_state();
    if (one_in(4))
        play_compare_past();
    if (one_in(8))
        play_compare_promises();
    if (one_in(3))
        play_settle(); /* at once, or when time has passed: nothing comes between */
    if (one_in(64))
        ledger_check(run.ledger);
}

static uint64_t number_of(const char *argument)
{
    char *end;
    uint64_t number = strtoull(argument, &end, 10);
    if (*argument == '\0' || *end != '\0') {
        fprintf(stderr, "not a number: %s\n", argument);
        exit(2);
    }
    return number;
}

int main(int argc, char **argv)
{
    uint64_t commands = COMMANDS_DEFAULT;
    run.seed = 1;
    run.key = (struct siphash_key){5, 6};
    if (argc > 1 && strcmp(argv[argc - 1], "--alone") == 0) {
        run.alone = true;
        argc--;
    }
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 < argc && strcmp(argv[i], "--commands") == 0)
            commands = number_of(argv[i + 1]);
        else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0)
            run.seed = number_of(argv[i + 1]);
        else {
            fprintf(stderr, "usage: %s [--commands N] [--seed S] [--alone]\n", argv[0]);
            return 2;
        }
    }
    printf("1..1\n# seed %" PRIu64 ", %" PRIu64 " commands\n", run.seed, commands);
    struct timespec start, end;
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    for (run.command_number = 0; run.command_number < commands; run.command_number++) {
        if (run.command_number % WORLD_COMMANDS == 0)
            begin_world(run.command_number / WORLD_COMMANDS);
        if (run.alone)
            one_command_alone();
        else
            one_command();
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    double seconds = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
    printf("# %.1f s, %.0f commands/s\n", seconds, (double)commands / seconds);
    bool good = report(commands);
    printf("%s 1 - the ledger and the model agree\n", good ? "ok" : "not ok");
    free(run.ledger);
    free(run.twin);
    return good ? 0 : 1;
}

