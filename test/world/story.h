/*
 * A story: commands of every kind, played at a shard, and with it a journal that has every kind of record, decision and
 * event.
 *
 * The same story on the same env.h (memory_env.h) leaves the same bytes, so a journal of it can be written down.
 */
#ifndef ONHAND_TEST_STORY_H
#define ONHAND_TEST_STORY_H

#include "engine/shard.h"
#include "journal/history.h"
#include "../unit/ledger_world.h"

struct story_row {
    int64_t after_s; /* since the row before */
    const char *prose; /* ledger_world.h; "flush" ends a group, "seal" writes a seal, "tick" lets what is due happen */
};

static const struct story_row story_rows[] = {
    {0, "item item=A scale=0"},
    {0, "item item=B alias:shop=SKU-7 unit:case=12 attributes={\"colour\":\"red\"}"},
    {0, "item item=W scale=1"},
    {0, "receive 100 A@L document=d-1 reason=first"},
    {0, "receive 50.5 W@L"},
    {1, "flush"},
    {0, "location location=DC"},
    {0, "location location=BIN parent=DC no_promise"},
    {0, "location location=L shortfall=unpaid,newest zone=+3600"},
    {0, "channel channel=web locations=L"},
    {0, "source name=till source=@api silence=600 withhold=L keep=2"},
    {0, "source name=shop pair=y"},
    {0, "source name=book ordered strict holds=600 returns=quality_control"},
    {1, "flush"},
    {0, "receive 20 B@BIN"},
    {0, "receive 30 B@L"},
    {0, "hold hold=H 4 A@L"},
    {0, "hold hold=H2 holder=anna channel=web expires=60 3 A@L 2 B@L"},
    {0, "extend hold=H expires=6000"},
    {0, "commit hold=H paid priority=3"},
    {0, "pick hold=H 3 A@L"},
    {0, "unpick hold=H 1 A@L"},
    {0, "ship hold=H 2 A@L"},
    {2, "flush"},
    {0, "amend hold=H 3 A@L"},
    {0, "receive 1 A@DC"},
    {0, "reassign hold=H to=DC 1 A@L"},
    {0, "release hold=H"},
    {0, "sale 5 A@L occurred=-3"},
    {0, "sale 3 W@L"},
    {0, "return 1 A@L"},
    {0, "adjust -3 A@L"},
    {0, "reclassify from=sellable to=damaged 1 A@L"},
    {0, "transfer to=DC 4 A@L"},
    {0, "hold hold=X 1000 A@L"},
    {1, "flush"},
    {1, "seal"},
    {0, "set_policy item=A location=L reorder=90 backorders=9 safety=1"},
    {0, "set_channel channel=web buffer=2 shares=no"},
    {0, "allocate channel=web item=A location=L units=4"},
    {0, "transfer_out transfer=T to=DC eta=+3600 4 A@L"},
    {0, "transfer_in transfer=T 3 A@DC"},
    {0, "transfer_loss transfer=T 1 A@DC"},
    {0, "expect expectation=PO direction=in due=2023-12-01 9 A@L"},
    {0, "redate expectation=PO due=+7200"},
    {0, "receive expectation=PO 2 A@L"},
    {0, "cancel_expected expectation=PO"},
    {1, "flush"},
    {0, "count 80 A@L occurred=0"},
    {0, "sale 1 A@L occurred=-2"},
    {0, "snapshot 78 A@L seen=9 epoch=1 source=shop"},
    {0, "snapshot report available 40 A@L source=shop"},
    {0, "source name=ware policy=review"},
    {0, "snapshot 3 B@L seen=4 epoch=1 source=ware"},
    {0, "source name=far policy=count"},
    {0, "snapshot 4 A@L seen=9 epoch=1 source=far"},
    {0, "sale id=r source=shop 2 B@L"},
    {0, "reverse of=r of_source=shop"},
    {0, "sale source=book seq=7 1 A@L"},
    {0, "sale source=book seq=6 1 A@L"},
    {1, "flush"},
    {0, "resolve review=60 accept"},
    {0, "hold hold=Q wait channel=web 200 A@L"},
    {0, "set_policy item=A location=DC backorders=9"},
    {0, "hold hold=S backorder expires=0 9 A@DC"},
    {0, "sale 60 A@L"},
    {0, "sale 3 A@L"},
    {0, "receive 2 A@DC"},
    {0, "commit hold=S"},
    {0, "receive 100 A@L"},
    {0, "sale fact 300 A@L"},
    {1, "flush"},
    {120, "tick"},
    {0, "close_period until=-50"},
    {0, "sale 1 A@L occurred=-100"},
    {700, "tick"},
    {0, "sale 1 A@L source=till"},
    {0, "tick"},
    {1, "flush"},
    {0, "receive 1 Z@L"},
    {0, "sale 1 Z@L"},
    {0, "item item=Z merge=A"},
    {0, "channel channel=till"},
    {0, "delete_channel channel=till"},
    {0, "location location=K"},
    {0, "delete_location location=K"},
    {0, "delete_source name=far"},
    {0, "delete_item item=W"},
    {1, "flush"},
};

static const struct ledger_limits story_limits = {
    .item_count_max = 64,
    .location_count_max = 16,
    .source_count_max = 16,
    .quota_count_max = 64,
    .offer_count_max = 64,
    .cell_count_max = 256,
    .claim_count_max = 256,
    .claim_line_count_max = 512,
    .transfer_count_max = 64,
    .expectation_count_max = 64,
    .document_line_count_max = 256,
    .mark_count_max = 256,
    .statement_count_max = 64,
    .review_count_max = 64,
    .id_count_max = 4096,
    .config_mib_max = 1,
    .part_count_max = 64,
    .alias_count_max = 64,
};

static inline struct shard_options story_options(const struct env *env, const char *path)
{
    return (struct shard_options){
        .journal = {.env = env,
                    .path = path,
                    .segment_bytes = JOURNAL_SEGMENT_BYTES_MIN,
                    .tail_bytes = 1,
                    .fill_on_writer = true},
        .limits = story_limits,
        .id_window_ms = INT64_C(604800) * 1000,
        .id_capacity = 4096,
        .clock_start_max_us = INT64_MAX,
        .accept_clock = true,
    };
}

struct story {
    struct shard *shard;
    struct world world; /* for its parser and its clock */
    size_t next;        /* row */
    uint64_t told;      /* last event that was durable when a flush said so */
    uint8_t form[COMMAND_BYTES_MAX];
    struct text meta;   /* of every command, or none */
    void (*answered)(const char *prose, const struct answer *answer); /* may be NULL */
};

static inline enum status story_flush(struct story *story)
{
    struct journal *journal = shard_journal(story->shard);
    enum status status = journal_flush(journal);
    if (status == STATUS_OK)
        story->told = journal_durable_seq(journal);
    return status;
}

/* What a command needs to know of the past, as a worker reads it: from what is durable. */
static inline enum status story_read(struct story *story, struct reading *reading)
{
    struct decision decision = {.events = calloc(DECISION_EVENTS_MAX, sizeof(struct event)),
                                .names = calloc(DECISION_NAMES_MAX, sizeof(struct new_name)),
                                .shortages = calloc(COMMAND_LINES_MAX, sizeof(struct shortage))};
    uint8_t *bytes = malloc(RECORD_BYTES_MAX);
    enum status status = STATUS_MEMORY;
    if (bytes != NULL && decision.events != NULL && decision.names != NULL && decision.shortages != NULL)
        status = story_flush(story);
    if (status == STATUS_OK) {
        static struct history history;
        history_init(&history, shard_journal(story->shard), bytes, &decision, NULL);
        status = history_read(&history, reading);
    }
    free(bytes);
    free(decision.events);
    free(decision.names);
    free(decision.shortages);
    return status;
}

static inline enum status story_command(struct story *story, const char *prose)
{
    struct shard *shard = story->shard;
    world_parse(&story->world, prose);
    story->world.command.meta = story->meta;
    size_t n = command_encode(&story->world.command, story->form, sizeof(story->form));
    CHECK(n != 0);
    struct request request = {.command = story->form, .command_bytes = (uint32_t)n};
    enum status status = STATUS_OK;
    while (shard_due(shard, story->world.now_us))
        ;
    if (!shard_room(shard))
        status = story_flush(story);
    while (status == STATUS_OK) {
        shard_prepare(shard, &request, 1);
        shard_request(shard, &request, story->world.now_us);
        if (request.answer.status != ANSWER_UNREAD || request.reading == NULL)
            break;
        status = story_read(story, request.reading);
    }
    reading_destroy(request.reading);
    if (request.answer.status == ANSWER_RETRY || request.answer.status == ANSWER_UNREAD)
        status = status == STATUS_OK ? STATUS_MEMORY : status; /* nothing else sheds here */
    if (status == STATUS_OK && story->answered != NULL)
        story->answered(prose, &request.answer);
    return status;
}

/* Does the next row; END behind the last. What a flush says otherwise. */
static inline enum status story_step(struct story *story)
{
    if (story->next == sizeof(story_rows) / sizeof(story_rows[0]))
        return STATUS_END;
    const struct story_row *row = &story_rows[story->next++];
    struct journal *journal = shard_journal(story->shard);
    story->world.now_us += row->after_s * SECOND_US;
    if (strcmp(row->prose, "flush") == 0)
        return story_flush(story);
    if (strcmp(row->prose, "seal") == 0)
        return journal_append_seal(journal) ? story_flush(story) : STATUS_OK;
    if (strcmp(row->prose, "tick") != 0)
        return story_command(story, row->prose);
    while (shard_due(story->shard, story->world.now_us))
        ;
    journal_append_tick(journal, story->world.now_us);
    return STATUS_OK;
}

/* A new story at an open shard. */
static inline enum status story_begin(struct story *story, struct shard *shard)
{
    story->shard = shard;
    story->world.now_us = WORLD_START_US;
    story->world.ids = 0;
    story->next = 0;
    story->told = 0;
    enum status status = shard_settings(shard, WORLD_START_US);
    return status == STATUS_OK ? story_flush(story) : status;
}

#endif
