/*
 * What the deciding files share: the judge, who holds one command against the state and writes the decision.
 * Private to src/ledger.
 *
 * A rule file (movement.c, hold.c, count.c, transfer.c, expectation.c, config.c) resolves the command's lines into drafts, one per
 * cell, judges each draft, then emits the events. Functions that can object return false after the judge has noted the
 * objection; the rule returns at once and nothing has been changed, because nothing is written before evolve.
 */
#ifndef ONHAND_LEDGER_DECIDE_H
#define ONHAND_LEDGER_DECIDE_H

#include "ledger/state.h"

struct judge {
    const struct ledger *ledger;
    const struct command *command;
    int64_t now_us;
    bool request; /* can be refused for want of stock, creates no names */
    bool strict;  /* facts create no items and locations: the ledger's setting, or the source's */
    bool hinted;  /* the command's hints can be relied on */
    const struct source *source; /* of the command; NULL while it is new */
    struct decision *decision;
    struct verdict *verdict;
    uint32_t draft_count;
    bool objected; /* refused or invalid: the decision is complete or void */
    uint32_t channel;         /* whose share a grant takes, NUMBER_NONE for none; see judge_channel */
    uint32_t promised;        /* the expectation of a hold with `at`, NUMBER_NONE for none */
    bool backorder;           /* grants may exceed what is free by the cell's room */
    bool new_quota;           /* the decision sets something apart where nothing was */
    bool new_claim;           /* the decision makes a claim */
    bool states;              /* it may make a count, a statement or a review */
    bool documents;           /* it may make a transfer, an expectation, or lines of them */
    int64_t late_us;          /* counts whose windows end from then on are corrected; INT64_MAX for none: it occurs now */
    uint32_t more_corrections; /* of counts behind the first one that a movement corrects */
    uint64_t late_seq;        /* and of those that end right then, such as have a number above it */
    bool unread;              /* the past is to be read first: ledger->unread says what */
    uint64_t admitted;        /* the review whose command is decided, so that no brake holds it; 0 for none */
    uint32_t new_claim_lines; /* cells its claim is on with this decision for the first time */
};

/* ---- objections; each returns false, for `return judge_refuse(...)` ---- */

/* A brake holds the command: it becomes a review. What was found in the cells was noted before. */
bool judge_review(struct judge *judge, enum brake brake);
/* Forgets what was decided so far; the source keeps its new name. */
void judge_forget(struct judge *judge);
/* When the command occurs, and what counts it comes late for. */
void judge_times(struct judge *judge);
/* The rule of its kind. */
void judge_rule(struct judge *judge);

/* 409: a decision of one refused event. subject and field may be absent. Shortages noted before are kept with it. */
bool judge_refuse(struct judge *judge, enum code code, struct text subject, struct text field);
/* Notes an open claim that is in the way of a refusal to come. */
void judge_mention(struct judge *judge, struct text hold);
/* Notes a cell of a refusal to come: less is there than asked. */
void judge_short(struct judge *judge, const struct draft *draft, int64_t asked, int64_t free_units);
/* 422 and 503: nothing decided. line may be LINE_NONE; field and detail are constants or NULL. */
bool judge_invalid(struct judge *judge, enum code code, uint32_t line, const char *field, const char *detail);

/* ---- lines to drafts ---- */

enum lines_names {
    LINES_CREATE, /* a fact: unknown items and locations become provisional ones (unless the ledger is strict) */
    LINES_KNOWN   /* unknown names are refused */
};
/* Sums the command's lines per cell into ledger->drafts, checks decimals, ranges and the preconditions. */
MUST_USE bool judge_lines(struct judge *judge, enum lines_names names);
/* One draft per line of the claim that has units of these figures (bits, 1 << enum claim_figure, or LAPSED_UNITS); asked = their sum. For
 * commands without lines. A claim has at most COMMAND_LINES_MAX lines (claim_conclude). */
MUST_USE bool judge_claim_lines(struct judge *judge, uint32_t claim, unsigned figures);
#define OPEN_UNITS   (1u << CLAIM_HELD | 1u << CLAIM_COMMITTED)
#define LAPSED_UNITS (1u << CLAIM_FIGURE_COUNT) /* of an expired claim: what was held to its end */
/* One draft per open line of a transfer or an expectation; asked = what is open. For commands without lines. */
MUST_USE bool judge_document_lines(struct judge *judge, enum document_kind kind, uint32_t document);
/* Does a line of the command look for its location? */
bool command_seeks(const struct command *command);
struct draft *judge_draft(const struct judge *judge, uint32_t index);
/* The draft of a cell, NULL for none. */
struct draft *judge_draft_at(const struct judge *judge, uint32_t item, uint32_t location);
/* The draft of a cell, made when it is the first line on it. */
struct draft *judge_draft_of(struct judge *judge, uint32_t item, uint32_t location, uint32_t line);
/* A quantity in base units of an item of this scale; 422 when it has too many decimals or leaves the range. */
MUST_USE bool judge_units(struct judge *judge, struct decimal quantity, unsigned scale, uint32_t line, const char *field,
                          int64_t *out_units);
/* The quantity of a line, in its unit or the item's own, in base units of the item, whose scale this is. */
MUST_USE bool judge_line_units(struct judge *judge, uint32_t index, uint32_t item, unsigned scale, int64_t *out_units);
/* The `if` of the command, which must speak of exactly one cell. */
MUST_USE bool judge_precondition(struct judge *judge);
/* The number of a name, given now when it is new. NUMBER_NONE after an objection (table full). */
uint32_t judge_name(struct judge *judge, enum name_space space, struct text name);
/* The same for an item by its own name. 409 alias_in_use when a name of another item would become an item's own. */
uint32_t judge_new_item(struct judge *judge, struct text name);
/*
 * The item a command means: by its own name, an alias of the command's source, or a merged name. create: an unknown one
 * becomes a provisional item. NUMBER_NONE when there is none, or after an objection.
 */
uint32_t judge_item(struct judge *judge, bool create, struct text name);

/* 422 unless the moment is absent, an instant, or the midnight in UTC of a day, in the years 0000 to 9999. */
MUST_USE bool judge_moment(struct judge *judge, struct moment moment, const char *field);

/* The figures of a draft's cell before the command, zero when there is none. */
struct figures draft_figures(const struct judge *judge, const struct draft *draft);
/* What a request may take through the judge's channel (I3), backorders aside. */
int64_t draft_free(const struct judge *judge, const struct draft *draft);
/*
 * The channel that a command or claim names becomes the judge's. A request through one that nobody declared is refused
 * with unknown_channel; for a fact it is a label. must: it has to be a request's own choice, not a claim's.
 */
MUST_USE bool judge_channel(struct judge *judge, struct text name, bool must);

/* ---- events ---- */

/* A blank event of the decision, numbered. */
struct event *judge_event(struct judge *judge, enum event_type type);
struct event *bins_event(struct judge *judge, const struct draft *draft); /* of type `bins`, with what changes in them */
/* An event of a draft's cell: of this type, or `bins` where no line names the cell. */
static inline struct event *judge_draft_event(struct judge *judge, const struct draft *draft, enum event_type type)
{
    return LIKELY(!draft->unnamed) ? judge_event(judge, type) : bins_event(judge, draft);
}
/* Follows an event of a cell with one that has no delta of its own. */
struct event *judge_follow(struct judge *judge, const struct event *event, enum event_type type, int64_t quantity);
/*
 * Finishes an event of a cell whose delta, quantity, condition, account and claim parts are filled: computes figures,
 * version and account, appends discrepancy and oversold events. account_units of the event holds the account's change.
 * discrepancy_units: what exceeds the document (why says how), 0 for none.
 */
MUST_USE bool judge_cell(struct judge *judge, struct draft *draft, struct event *event, enum discrepancy why,
                         int64_t discrepancy_units);
/* The first part of it: figures, version, quota and account; what they cross is not told. */
MUST_USE bool judge_figures(struct judge *judge, struct draft *draft, struct event *event);
/* Behind the one event of a cell whose location takes promises from now on: what it has is told as if it came now. */
void judge_begins(struct judge *judge, struct event *event);

/* A blank decision at this log time, numbered after the ledger's last event. */
void decision_begin(struct judge *judge, enum command_kind kind);
/* The same, of the ledger itself (serve.c). */
void own_begin(struct judge *judge, enum command_kind kind);

/* ---- the rules, one file each ---- */
void decide_movement(struct judge *judge); /* receive sale ship return adjust reclassify transfer */
void decide_transit(struct judge *judge);  /* transfer_out transfer_in transfer_loss */
void decide_expected(struct judge *judge); /* expect redate cancel_expected */
void decide_hold(struct judge *judge);
void decide_extend(struct judge *judge);
void decide_release(struct judge *judge);
void decide_commit(struct judge *judge);
void decide_amend(struct judge *judge);
void decide_picking(struct judge *judge);  /* pick unpick */
void decide_reassign(struct judge *judge);
void decide_policy(struct judge *judge);   /* set_policy */
void decide_count(struct judge *judge);
void decide_resolve(struct judge *judge);
void decide_snapshot(struct judge *judge);
void decide_report(struct judge *judge);   /* a snapshot that says no `seen` */
void decide_reverse(struct judge *judge);
void decide_period(struct judge *judge);   /* close_period */
void decide_allocate(struct judge *judge);
void decide_channel(struct judge *judge);  /* set_channel, PUT */
void decide_delete_channel(struct judge *judge);
void decide_config(struct judge *judge);   /* item settings */

/* ---- silence.c ---- */
/* Says that a source is silent, or heard again: the first whose time has come. */
void decide_silence(struct judge *judge);
/* Behind the configuration of a source that there is: it may be silent no more with `after_s` seconds. */
void silence_judge(struct judge *judge, uint32_t number, int64_t after_s);

/* ---- period.c ---- */
/* Behind a decision that occurred before the end of what is closed: books it there. */
void period_book(const struct judge *judge);

/* ---- snapshot.c ---- */
/* Whose statement the command is, be it one that was held. */
uint32_t stated_by(const struct judge *judge);
/* What becomes of what it says of this location, NUMBER_NONE for all that have no policy of their own. */
enum snapshot_policy snapshot_policy_at(const struct judge *judge, uint32_t location);

/* ---- count.c ---- */

/* False when the past of the drafts' cells is not known, or no longer: they are named, all of them, with what is asked. */
bool cells_read(struct judge *judge, const struct question *question);
/* What was read of the draft's cell, the nth that exists, when it is still so; NULL when it is not. */
const struct cell_reading *cell_read(const struct judge *judge, const struct draft *draft, uint32_t nth);
/* What a variance, not 0, is booked against. */
enum account variance_account(int64_t variance);

/* Would what moves in this cell and condition correct a count? Then it changes nothing of what is here now. */
bool count_corrects(const struct judge *judge, uint32_t cell, enum condition condition);
/* Behind an event of the draft's cell, which a count was told of: those that correct it. */
MUST_USE bool counts_correct(struct judge *judge, struct draft *draft, const struct event *event);

/* ---- movement.c, for goods that leave ---- */

/* Notes what a guarded taking lacks in one cell. by: units taken by condition, > 0 where taken. */
void judge_taking(struct judge *judge, const struct draft *draft, const int64_t by[CONDITION_COUNT]);
/*
 * The claim that goods leave from, NUMBER_NONE for none, and what to call the part of them it does not cover; its
 * channel or the command's becomes the judge's. False when the kind needs a claim that is not there.
 */
MUST_USE bool movement_claim(struct judge *judge, uint32_t *out_claim, enum discrepancy *out_excess);
/* The drafts of goods that leave: the lines, or all that the claim has open; each with its line of the claim. */
MUST_USE bool movement_drafts(struct judge *judge, uint32_t claim);
/* Finishes an event in which the draft's goods leave, from the claim first. */
MUST_USE bool movement_take(struct judge *judge, struct draft *draft, uint32_t claim, enum discrepancy excess,
                            struct event *event);
/* The location `to`, new when it may be. NUMBER_NONE after an objection. */
uint32_t movement_to(struct judge *judge);
/* May the drafts go to this location? Not when one is there already; a request, only when all is free to it. */
MUST_USE bool movement_departs(struct judge *judge, uint32_t to);
/* Is an earlier draft of the same item? Its goods arrive together with that one's. */
bool movement_is_later(const struct judge *judge, uint32_t index);
/*
 * What arrives at `to` of the item of the draft at index: the sum over its drafts. out_origin: where it comes from,
 * NUMBER_NONE for several places.
 */
MUST_USE bool movement_arrival(struct judge *judge, uint32_t index, uint32_t to, struct draft *out_arrival,
                               uint32_t *out_origin);

/* ---- expectation.c, for kinds that fulfil what was expected ---- */

/* The expectation a receipt names, NUMBER_NONE for none; refuses when it is unknown, closed, or of goods that go. */
MUST_USE bool expectation_in(struct judge *judge, uint32_t *out_expectation);
/* What it has open in the draft's cell. */
int64_t expectation_in_open(const struct judge *judge, const struct draft *draft, uint32_t expectation);
/* Takes up to this many units off what it expects in the draft's cell. Returns what was taken. */
int64_t expectation_in_take(const struct judge *judge, const struct draft *draft, uint32_t expectation, int64_t units,
                            struct event *event);
/*
 * Goods were committed, or shipped without that: takes as many off what is expected to go out of the draft's cell, when
 * there is an open expectation of direction out with the name of the hold, but leaves open what `stays`: a hold for
 * later is counted as long as it waits. Fills the event's expectation part, so the event is not finished yet (judge_cell).
 */
void expectation_out_take(const struct judge *judge, const struct draft *draft, struct text hold, int64_t units,
                          int64_t stays, struct event *event);

/*
 * What a hold with `at` waits for is an expectation of direction out with its name: that is how it counts in outgoing
 * until it is covered. The one of the command's hold, closed or not: it opens again with what is promised anew.
 * NUMBER_NONE for none; taken: because goods are or were expected in by this name, so that nothing can be promised.
 */
uint32_t expectation_of_hold(const struct judge *judge, bool *out_taken);
/* Sets what it has open there, for the time in the event's claim_at. Before judge_cell, like the one above. */
void expectation_out_set(struct judge *judge, const struct draft *draft, uint32_t expectation, int64_t units,
                         struct event *event);

/* ---- channel.c: the bytes of a configuration, in room for CONFIG_BYTES_MAX ---- */
struct text channel_form_write(const struct channel *channel, uint8_t *room);
void channel_form_read(struct text form, struct channel *out_channel);
struct text offer_form_write(const struct offer *offer, uint8_t *room);
void offer_form_read(struct text form, struct offer *out_offer);

/* ---- bin.c ---- */
/*
 * The drafts are of goods that leave, or come: those of bins pass what is sellable of them to the draft of their node,
 * made behind all others where no line names it, and with goods that leave their line of the claim. What a node's draft
 * has is in the first event of its cell (judge_cell).
 */
MUST_USE bool bins_gather(struct judge *judge, int sign); /* -1: they leave */
MUST_USE static inline bool bins_leave(struct judge *judge)
{
    return LIKELY(judge->ledger->bin_count == 0) || bins_gather(judge, -1);
}
MUST_USE static inline bool bins_come(struct judge *judge)
{
    return LIKELY(judge->ledger->bin_count == 0) || bins_gather(judge, 1);
}
/* The goods of the first `count` drafts come to `to`, which may be a bin. */
MUST_USE bool bins_arrive(struct judge *judge, uint32_t to, uint32_t count);
/* Behind bins_come: what the expectation does not have open at a bin is asked of its node. */
MUST_USE bool bins_expect(struct judge *judge, uint32_t expectation);
/* The claim's line in a draft's cell, of a bin in that of its node; NUMBER_NONE for none. */
uint32_t draft_claim_line(const struct judge *judge, uint32_t claim, const struct draft *draft);
/* The first event of a node's cell in the decision has what changes in its bins (judge_cell). */
MUST_USE bool bins_tell(struct judge *judge, struct draft *draft, struct event *event);
/* The events of nodes that have none yet: the last that a rule does. */
void bins_rest(struct judge *judge);
/* A location is put elsewhere in the tree, or begins or ceases to be a bin: notes what changes nodes with it. Refuses
 * with in_use when that is more than one decision can say. */
MUST_USE bool bins_replace(struct judge *judge, struct replaced replaced);

/* ---- grant.c: what a claim gets and gives back in one cell ---- */

/* The terms of a draft's cell, after what `event` has given back there already (NULL for nothing). */
struct terms grant_terms(const struct judge *judge, const struct draft *draft, const struct event *event);
/* Grants units in this event's claim and cell into CLAIM_HELD or CLAIM_COMMITTED; quota first, backordered beyond free. */
void grant_units(const struct judge *judge, const struct draft *draft, struct event *event, enum claim_figure into,
                 int64_t units, struct terms terms);
/* So many of the event's claim and cell no longer lack cover; what lost it goes first. */
void lack_less(struct event *event, int64_t units);
/* Takes units out of the event's claim and cell: from held, then from committed. Gives back what they had of the quota;
 * uncovered ones go first. */
void give_back_units(const struct judge *judge, struct event *event, int64_t from_held, int64_t from_committed);
/* Uses the judge's channel's quota for units that go without a claim. */
void quota_use(const struct judge *judge, const struct draft *draft, struct event *event, int64_t units);

/* ---- shortfall.c ---- */
/* So many units in the draft's cell lose cover, by the rule of its location: an event for each of their claims,
 * SERVED_MAX at most; what is left is for the next decision. */
void decide_short(struct judge *judge, struct draft draft, int64_t units);

/* ---- kit.c ---- */
enum kit_fit {
    KIT_WHOLE,  /* refused when they cannot all be had */
    KIT_PART,   /* as many as can be had; the rest is noted as short */
    KIT_ANYHOW, /* a fact, or what may lack cover: the components tell */
    KIT_LATER   /* the same for the command's time: of built ones, what can be promised then */
};
/* Is a draft of a kit? Most commands have none. */
bool judge_has_kits(const struct judge *judge);
/*
 * Turns drafts of kits into drafts of what a new grant takes: built kits that are free, then components. The drafts'
 * terms are known; those added have theirs.
 */
MUST_USE bool judge_kits_granted(struct judge *judge, uint32_t claim, enum kit_fit fit);
/* So many kits can be put together there beside what the drafts so far take, the claim's own goods counted; with_room:
 * also without cover, where the components may be backordered. */
int64_t kits_left(const struct judge *judge, uint32_t claim, uint32_t kit, uint32_t location, bool with_room);
/* The same for goods of a claim: built kits that it has in these figures (bits), then components. Without a claim: built
 * ones that are free. */
MUST_USE bool judge_kits_claimed(struct judge *judge, uint32_t claim, unsigned figures);

/* ---- sourcing.c ---- */
/*
 * Finds locations for the lines that name none, by the command's `sourcing`, and adds them to the drafts with their terms.
 * Those of the other lines are known. What cannot be had is noted as short, a row per item over all places.
 */
MUST_USE bool judge_sourcing(struct judge *judge, uint32_t claim, bool wait);

/* ---- claims, shared by their rules (hold.c) ---- */
/* The draft's terms as if its claim had given back what it holds there: that much is its own in any case. */
void hold_terms(const struct judge *judge, uint32_t claim, struct draft *draft);
/* The same for any cell, and what the drafts so far have asked of it. */
struct terms hold_terms_at(const struct judge *judge, uint32_t claim, uint32_t item, uint32_t location,
                           int64_t *out_taken);
/* What can be promised in the draft's cell for the command's time (I5), as if nothing was promised to the claim yet. */
int64_t draft_promisable(const struct judge *judge, const struct draft *draft);
/* The claim that the command names, live; refuses and returns NUMBER_NONE when there is none. */
uint32_t live_claim(struct judge *judge);
/* Finds the drafts' lines in a claim. */
void attach_lines(struct judge *judge, uint32_t claim);
/* A counter of the draft's claim line, 0 when there is none. */
int64_t draft_claimed(const struct judge *judge, const struct draft *draft, enum claim_figure figure);
/* What the claim, NUMBER_NONE for none, waits for in the draft's cell as a hold for later. */
int64_t draft_promised(const struct judge *judge, uint32_t claim, const struct draft *draft);
/* The name of a claim's channel, absent for none. */
struct text claim_channel_name(const struct judge *judge, uint32_t claim);
/* The channel of a claim becomes the judge's. */
void claim_channel(struct judge *judge, uint32_t claim);
/* Refuses what speaks of promises at a location that takes none: a fact too, no claim stands there. */
MUST_USE bool judge_promises(struct judge *judge);
/* Refuses with this code when shortages were noted. */
MUST_USE bool judge_shorts(struct judge *judge, enum code code, struct text subject, struct text field);
/* The claim with the name of the command's hold, or NUMBER_NONE. */
uint32_t judge_claim(const struct judge *judge);
/* The claim's part of an event in one cell, from its line as it stands (zeros for none). */
void claim_fill(const struct judge *judge, uint32_t claim, uint32_t claim_line, struct event *event);
/* Takes units from a claim in this event and cell: committed before held. Returns what was taken. */
int64_t claim_consume(struct event *event, int64_t units);
/*
 * Sets state and end on all events of the claim, from the claim's sums after the decision.
 * claim: NUMBER_NONE for a new one. ended: how, if nothing stays open. expires_at_us: the end of what stays held.
 * 422 too_many_lines when the claim would have more than COMMAND_LINES_MAX lines.
 */
void claim_conclude(struct judge *judge, uint32_t claim, enum claim_state ended, int64_t expires_at_us);
/* Refuses with hold_ended and what became of the claim. */
bool judge_hold_ended(struct judge *judge, uint32_t claim);

#endif
