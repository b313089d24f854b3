/*
 * Goal: what a plain command costs, as a count of instructions that does not depend on the machine's load: one line, a
 * known item and location, a fresh id, one source of a few.
 * Method: does to COUNT commands of one kind what the engine does between the inbox and the group (engine/shard.c),
 * on a ledger alone: no journal, no other thread, a log time of its own. All of it is in two functions, take_in and
 * carry_out, so that a tool that counts the instructions of functions counts nothing else; bench/cost.py does, and
 * takes the difference of two runs.
 */
#include <stdlib.h>

#include "fail.h"
#include "journal/record.h"
#include "ledger/ledger.h"

#define ITEMS          5000
#define LOCATIONS      4
#define SOURCES        3
#define STOCK_UNITS    1000000
#define COUNT_MAX      1000000
#define FORM_BYTES_MAX 128u /* any command below in canonical form */
#define START_US       (INT64_C(1) << 50)
#define STEP_US        100 /* between groups: no hold of a run expires */

/* Never inlined, copied or renamed: they are counted by these names. */
#define COUNTED __attribute__((noipa))

struct bench {
    struct ledger *ledger;
    struct siphash_key key;
    uint64_t made; /* commands, for their ids */
    int64_t now_us;
    uint8_t forms[PREPARE_MAX][FORM_BYTES_MAX];
    size_t forms_bytes[PREPARE_MAX];
    struct command commands[PREPARE_MAX];
    struct command_line lines[PREPARE_MAX][COMMAND_LINES_MAX];
    struct decision decision;
    uint8_t record[RECORD_BYTES_MAX];
};

static struct text print_name(char *out, size_t n, char letter, uint64_t number)
{
    size_t at = n;
    do
        out[--at] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    out[--at] = letter;
    return text_of(out + at, n - at);
}

/* Each command goes to another cell: round the items, and to the next location after each round. */
static void make(struct bench *bench, uint32_t i, enum command_kind kind, int64_t units)
{
    char item[24], location[24], source[24], id[24];
    struct command_line line = {.item = print_name(item, sizeof(item), 'i', bench->made % ITEMS),
                                .location = print_name(location, sizeof(location), 'L',
                                                       bench->made / ITEMS % LOCATIONS),
                                .quantity = {.digits = units},
                                .condition = CONDITION_NONE};
    struct command command = {.kind = kind,
                              .source = print_name(source, sizeof(source), 's', bench->made % SOURCES),
                              .id = print_name(id, sizeof(id), 'c', bench->made),
                              .occurred_at_us = TIME_NONE,
                              .not_after_us = TIME_NONE,
                              .expires_in_ms = EXPIRES_DEFAULT,
                              .from = CONDITION_NONE,
                              .to_condition = CONDITION_NONE,
                              .line_count = 1,
                              .lines = &line};
    if (kind == KIND_HOLD)
        command.hold = command.id;
    bench->made++;
    bench->forms_bytes[i] = command_encode(&command, bench->forms[i], FORM_BYTES_MAX);
    CHECK(bench->forms_bytes[i] != 0);
}

/* As shard_prepare. */
COUNTED void take_in(struct bench *bench, uint32_t n);
COUNTED void take_in(struct bench *bench, uint32_t n)
{
    struct command *commands[PREPARE_MAX];
    for (uint32_t i = 0; i < n; i++) {
        struct command *command = &bench->commands[i];
        CHECK(command_decode(bench->forms[i], bench->forms_bytes[i], bench->lines[i], command) == STATUS_OK);
        command->fingerprint = siphash64(&bench->key, bench->forms[i], bench->forms_bytes[i]);
        commands[i] = command;
    }
    ledger_prepare(bench->ledger, commands, n);
}

/* As shard_due and shard_request. */
COUNTED void carry_out(struct bench *bench, uint32_t n);
COUNTED void carry_out(struct bench *bench, uint32_t n)
{
    bench->now_us += STEP_US;
    for (uint32_t i = 0; i < n; i++) {
        CHECK(!ledger_due(bench->ledger, bench->now_us, &bench->decision));
        struct verdict verdict;
        ledger_decide(bench->ledger, &bench->commands[i], bench->now_us, &bench->decision, &verdict);
        CHECK(verdict.outcome == OUTCOME_DECIDED && verdict.code == CODE_none);
        ledger_evolve(bench->ledger, &bench->decision);
        struct writer writer = writer_of(bench->record, sizeof(bench->record));
        record_write_decision(&writer, &bench->decision);
        CHECK(!writer.full);
    }
}

static void set_up(struct bench *bench)
{
    const struct ledger_limits limits = {.item_count_max = ITEMS,
                                         .location_count_max = LOCATIONS,
                                         .source_count_max = SOURCES + 1,
                                         .quota_count_max = 64u << 10,
                                         .offer_count_max = 64u << 10,
                                         .cell_count_max = ITEMS * LOCATIONS,
                                         .claim_count_max = COUNT_MAX,
                                         .claim_line_count_max = COUNT_MAX,
                                         .transfer_count_max = 1,
                                         .expectation_count_max = 1,
                                         .document_line_count_max = 1, .mark_count_max = 1, .statement_count_max = 1, .review_count_max = 1,
                                         .id_count_max = COUNT_MAX + ITEMS * LOCATIONS,
                                         .config_mib_max = 1,
                                         .part_count_max = 1,
                                         .alias_count_max = 1};
    struct region region = {.capacity_bytes = ledger_bytes(&limits)};
    region.base = calloc(region.capacity_bytes + REGION_ALIGNMENT, 1);
    bench->decision.events = calloc(DECISION_EVENTS_MAX, sizeof(struct event));
    bench->decision.names = calloc(DECISION_NAMES_MAX, sizeof(struct new_name));
    bench->decision.shortages = calloc(COMMAND_LINES_MAX, sizeof(struct shortage));
    if (region.base == NULL || bench->decision.events == NULL || bench->decision.names == NULL ||
        bench->decision.shortages == NULL)
        fail("no memory");
    region.base += region_round((uintptr_t)region.base) - (uintptr_t)region.base;
    bench->key = (struct siphash_key){20101201, 20111209};
    bench->now_us = START_US;
    bench->ledger = ledger_init(&region, &limits, &bench->key);
    const struct command settings = {.kind = KIND_SETTINGS,
                                     .source = TEXT("@ledger"),
                                     .occurred_at_us = TIME_NONE,
                                     .not_after_us = TIME_NONE,
                                     .id_window_ms = INT64_C(7) * 24 * 60 * 60 * 1000,
                                     .id_capacity = limits.id_count_max};
    struct verdict verdict;
    ledger_decide(bench->ledger, &settings, bench->now_us, &bench->decision, &verdict);
    CHECK(verdict.outcome == OUTCOME_DECIDED);
    ledger_evolve(bench->ledger, &bench->decision);
}

static void play(struct bench *bench, enum command_kind kind, int64_t units, uint32_t count)
{
    for (uint32_t done = 0; done < count; done += PREPARE_MAX) {
        uint32_t n = count - done < PREPARE_MAX ? count - done : PREPARE_MAX;
        for (uint32_t i = 0; i < n; i++)
            make(bench, i, kind, units);
        take_in(bench, n);
        carry_out(bench, n);
    }
}

int main(int argc, char **argv)
{
    static const enum command_kind kinds[] = {KIND_RECEIVE, KIND_SALE, KIND_HOLD};
    enum command_kind kind = KIND_COUNT;
    for (unsigned i = 0; argc == 3 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(argv[1], kind_name(kinds[i])) == 0)
            kind = kinds[i];
    }
    long count = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
    if (kind == KIND_COUNT || count < 1 || count > COUNT_MAX)
        fail("usage: cost receive|sale|hold COUNT, up to %d", COUNT_MAX);
    static struct bench bench;
    set_up(&bench);
    play(&bench, KIND_RECEIVE, STOCK_UNITS, ITEMS * LOCATIONS);
    play(&bench, kind, 1, (uint32_t)count);
    return 0;
}
