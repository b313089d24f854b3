/*
 * Codes of business answers: what a sender reads in `code`. One list yields the enum, the name on the wire, the HTTP
 * status and the table in docs/errors.md.
 *
 * 409 codes are refusals: decisions, journalled and remembered by id. 422 codes say that the command itself is wrong:
 * nothing is decided, nothing remembered (API.md section 1). 503 and 507 codes say that nothing happened: send it again later.
 */
#ifndef ONHAND_LEDGER_CODE_H
#define ONHAND_LEDGER_CODE_H

/* X(name, HTTP status, what it means and what the sender does about it) */
#define CODE_MAP(X)                                                                                                    \
    X(none, 200, "no objection")                                                                                       \
    X(missing_field, 422, "a required field is absent; add it")                                                        \
    X(unknown_field, 422, "this kind or body has no such field; remove it")                                            \
    X(bad_value, 422, "the field's value has the wrong type or form; see the detail")                                  \
    X(too_many_decimals, 422, "the quantity has more decimals than the item's scale; declare the scale or round")      \
    X(too_many_lines, 422, "a command has at most 1,000 lines; split it")                                              \
    X(out_of_range, 422, "a figure would leave the range of 2^53-1 base units; check the quantity")                    \
    X(id_reused, 422, "this id was used for a different command; use a new id")                                        \
    X(insufficient_stock, 409, "less is free than asked; see the cells")                                               \
    X(precondition_failed, 409, "what `if` states does not hold; read again and decide anew")                          \
    X(unknown_item, 409, "no such item; requests never create one")                                                    \
    X(unknown_location, 409, "no such location; requests never create one")                                            \
    X(unknown_channel, 409, "no such channel")                                                                         \
    X(expired_command, 409, "`not_after` has passed")                                                                  \
    X(seq_passed, 409, "the source's `seq` is already past this one and its answer is no longer kept")                 \
    X(too_late, 409, "the fact is older than the id window and has no `seq`; send it with one, or as a count")         \
    X(unknown_hold, 409, "no such hold")                                                                               \
    X(hold_exists, 409, "another holder has a hold of this name; choose another name")                                 \
    X(hold_ended, 409, "nothing of it is held: it has ended (its name is free after the id window) or is committed")   \
    X(hold_expired, 409, "the hold expired and cannot be had again; see the cells")                                    \
    X(exceeds_claim, 409, "more than the hold has open; see the cells")                                                \
    X(same_condition, 409, "`from` and `to` are the same condition")                                                   \
    X(same_location, 409, "the goods are at `to` already")                                                             \
    X(scale_in_use, 409, "the item has entries in its present scale, which can no longer change")                      \
    X(id_table_full, 503, "the id table is full; raise its capacity, or wait until the window has passed")             \
    X(limit_reached, 503, "a table of the server is full; raise the limit that the detail names")                      \
    X(no_source, 409, "the locations asked have less free together; see the cells")                                    \
    X(below_consumed, 409, "less than was shipped or picked already; see the cells")                                   \
    X(claims_open, 409, "open claims stand on it; see `claims`, release or reassign them first")                       \
    X(negative_quota, 409, "the quota would fall below 0; see the cells")                                              \
    X(transfer_exists, 409, "there is a transfer of this name, or was within the id window; choose another name")                               \
    X(unknown_transfer, 409, "no such transfer, or it is closed")                                                      \
    X(exceeds_transit, 409, "more than is under way; see the cells")                                                   \
    X(unknown_expectation, 409, "no such expectation, or it is closed")                                                \
    X(expectation_closed, 409, "the expectation was received or cancelled in full, or goods are expected in by this name; choose another") \
    X(uneven_unit, 422, "the quantity does not come out even in base units; check the unit and the item's scale")      \
    X(unknown_unit, 422, "the item has no such unit; declare it with the item")                                        \
    X(in_use, 409, "something is left: the cells, or what `subject` and `field` name; clear it first")                 \
    X(alias_in_use, 409, "another item has this name or alias; see `subject`")                                         \
    X(circular, 409, "it would contain itself; see `subject`")                                                         \
    X(kit_in_kit, 409, "a kit's components are no kits; name what `subject` is made of instead")                                                         \
    X(unknown_source, 409, "no such source")                                                                           \
    X(no_promise, 409, "the location takes no promises; name one that does, as the one above it")                     \
    X(too_deep, 409, "the tree of locations would have more than 32 levels; see `subject`") \
    X(expectation_promised, 409, "a hold for later of this name waits for it; change or release the hold")             \
    X(in_future, 409, "the statement is about a time ahead of the server's clock; set the sender's clock and send it anew") \
    X(unknown_review, 409, "no such review")                                                                           \
    X(already_resolved, 409, "the review was resolved before")                                                         \
    X(seen_forked, 409, "the position it saw is of another epoch; read the figures anew and send what they are now")    \
    X(snapshot_passed, 409, "the source has told of a cell as of later; see the cells, send what is there now")        \
    X(set_closed, 409, "the set has had its last part; begin another one")                                             \
    X(audit_failed, 503, "the server found its figures contradicting each other and takes nothing in; see `/v1/audit`")\
    X(unknown_command, 409, "no such command, or it is older than the id window")                                      \
    X(already_reversed, 409, "the command was reversed before")                                                        \
    X(not_reversible, 409, "it moved no goods, or is a reversal, a snapshot, a transfer under way or a forgotten count")\
    X(period_closed, 409, "it is closed beyond that already, and does not open again; see `/v1/periods`")              \
    X(unknown_cell, 409, "nothing was ever told of the cells, so that no report can be about them")                    \
    X(has_bins, 409, "the location has bins: say what lies in each of them, see the cells")                            \
    X(disk_full, 507, "the disk of the data directory is full; nothing happened: send it again when there is space")         \
    X(standby, 503, "the server is a standby and takes nothing in; see the detail for the one that does")              \
    X(fenced, 503, "another server took over from this one; see the detail, and send to that one")                   \
    X(history_expired, 422, "what the books said then is no longer kept; tell of a later time or position")

enum code {
#define X(name, http, meaning) CODE_##name,
    CODE_MAP(X)
#undef X
        CODE_COUNT
};

/* The name on the wire. */
const char *code_name(enum code code);
/* The HTTP status of a single command answered with this code. */
int code_http(enum code code);
/* What it means and what to do, one clause in English. */
const char *code_meaning(enum code code);

#endif
