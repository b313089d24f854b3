/* Any bytes as a record: refused, or exactly the bytes that are written of what was read. */
#include "fuzz.h"

#include "journal/record.h"

static struct event events[DECISION_EVENTS_MAX];
static struct shortage shortages[COMMAND_LINES_MAX];
static uint8_t again[RECORD_BYTES_MAX + 65536];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct decision decision = {.events = events, .shortages = shortages};
    struct record record;
    uint8_t *bytes = fuzz_copy(data, size);
    enum status status = record_decode(bytes, size, &decision, &record);
    if (status != STATUS_OK) {
        CHECK(status == STATUS_DAMAGED || status == STATUS_VERSION);
        free(bytes);
        return 0;
    }
    struct writer w = writer_of(again, sizeof(again));
    CHECK(record.bytes <= size);
    switch (record.type) {
    case RECORD_GENESIS:
        record_write_genesis(&w, &record.genesis);
        break;
    case RECORD_NAME: /* written with its decision: behind it comes that one */
        events[0] = (struct event){.seq = 1, .type = EVENT_REFUSED, .item = NUMBER_NONE, .location = NUMBER_NONE};
        decision = (struct decision){.names = &record.name, .name_count = 1, .first_seq = 1, .event_count = 1, .events = events};
        record_write_decision(&w, &decision);
        CHECK(memcmp(again, bytes, record.bytes) == 0);
        free(bytes);
        return 0;
    case RECORD_DECISION:
        record_write_decision(&w, &decision);
        break;
    case RECORD_TICK:
        record_write_tick(&w, record.tick_us);
        break;
    case RECORD_SEAL:
        record_write_seal(&w);
        break;
    case RECORD_SKIP:
        abort(); /* reserved: VERSION */
    }
    CHECK(!w.full && writer_bytes(&w) == record.bytes && memcmp(again, bytes, record.bytes) == 0);
    free(bytes);
    return 0;
}
