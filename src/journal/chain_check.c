#include "journal/chain_check.h"

enum status chain_check_init(struct chain_check *check)
{
    *check = (struct chain_check){.chain = chain_create()};
    return check->chain == NULL ? STATUS_MEMORY : STATUS_OK;
}

void chain_check_deinit(struct chain_check *check)
{
    chain_destroy(check->chain);
    check->chain = NULL;
}

/* What was dropped ended with a head that was kept. */
static void begin(struct chain_check *check, const struct journal_report *report)
{
    struct chain_head head = {.seq = report->oldest_seq - 1};
    check->unknown = !report->has_oldest_head;
    if (check->unknown)
        return;
    memcpy(head.bytes, report->oldest_head, CHAIN_HEAD_BYTES);
    chain_set(check->chain, &head);
    for (size_t i = 0; i < check->count; i++) {
        struct chain_wanted *wanted = &check->list[i];
        if (wanted->head.seq != head.seq)
            continue;
        wanted->verdict = memcmp(wanted->head.bytes, head.bytes, CHAIN_HEAD_BYTES) == 0 ? CHAIN_RIGHT : CHAIN_WRONG;
        wanted->found = head;
    }
}

static void judge(struct chain_wanted *wanted, const struct frame *frame, const struct chain_head *head)
{
    if (wanted->head.seq < frame->first_seq || wanted->head.seq > frame->last_seq)
        return;
    if (wanted->head.seq != head->seq)
        wanted->verdict = CHAIN_INSIDE;
    else if (memcmp(wanted->head.bytes, head->bytes, CHAIN_HEAD_BYTES) == 0)
        wanted->verdict = CHAIN_RIGHT;
    else
        wanted->verdict = CHAIN_WRONG;
    wanted->found = *head;
}

void chain_check_meet(struct chain_check *check, const struct journal_met *met, const struct journal_report *report)
{
    const struct frame *frame = met->frame;
    if (!check->begun && frame->ordinal != 1)
        begin(check, report);
    check->begun = true;
    if (check->unknown || check->failed)
        return;
    check->failed = !chain_add(check->chain, frame, met->bytes + FRAME_HEADER_BYTES);
    for (size_t i = 0; i < check->count && !check->failed && frame->last_seq >= frame->first_seq; i++)
        judge(&check->list[i], frame, chain_head(check->chain));
}

const struct chain_head *chain_check_head(const struct chain_check *check)
{
    return check->unknown || check->failed ? NULL : chain_head(check->chain);
}

uint64_t chain_check_right(const struct chain_check *check)
{
    uint64_t seq = 0;
    for (size_t i = 0; i < check->count; i++)
        if (check->list[i].verdict == CHAIN_RIGHT && check->list[i].head.seq > seq)
            seq = check->list[i].head.seq;
    return seq;
}
