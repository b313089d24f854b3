/*
 * Goal: a year of a real shop, 541,909 invoice lines, played into onhand as fast as it takes them.
 * Method: every line of the CSV on standard input is one command of one of eight ordered sources, each with its own
 * connection, all at once. The United Kingdom has 91 % of the lines and is split by a hash of the invoice over seven of
 * them, all other countries are the eighth. Quantity above zero is a `sale`, below zero a `return` of the magnitude:
 * the arithmetic of the data, not its meaning. Id and seq are the line number in the file, so lines that repeat each
 * other byte for byte stay two movements. With --opening the file named there is sent instead, as `receive`.
 *
 * Standard output: {"answered":N} now and then, and one summary line.
 */
#include "csv.h"
#include "sender.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fail.h"
#include "mono.h"

#define SOURCES      8
#define HOME_SOURCES 7                /* of them for the United Kingdom */
#define PROGRESS_NS  (NS_PER_S / 50)  /* often enough to strike in the middle of a short replay */
#define RUN_NS_MAX   (900 * NS_PER_S) /* of the whole replay */
#define INPUT_BYTES  (1u << 20)       /* per read */

static const char *const source_names[SOURCES] = {"uk-1", "uk-2", "uk-3", "uk-4", "uk-5", "uk-6", "uk-7", "abroad"};

enum { INVOICE, ITEM, DESCRIPTION, QUANTITY, INVOICE_DATE, PRICE, CUSTOMER, COUNTRY, COLUMNS };
enum { OPENING_ITEM = 0, OPENING_UNITS = 5, OPENING_COLUMNS = 6 };

static void read_all(FILE *file, struct bytequeue *out_bytes)
{
    size_t n;
    do {
        bytequeue_reserve(out_bytes, INPUT_BYTES);
        n = fread(out_bytes->bytes + out_bytes->end, 1, INPUT_BYTES, file);
        out_bytes->end += n;
    } while (n > 0);
    if (ferror(file))
        fail("the input cannot be read: %s", strerror(errno));
}

static long long integer(const struct csv *csv, struct text text)
{
    char digits[24];
    char *end;
    if (text.length == 0 || text.length >= sizeof(digits))
        fail("line %llu: the quantity is no number", (unsigned long long)csv->line);
    memcpy(digits, text.bytes, text.length);
    digits[text.length] = '\0';
    long long number = strtoll(digits, &end, 10);
    if (*end != '\0')
        fail("line %llu: the quantity is no number", (unsigned long long)csv->line);
    return number;
}

static unsigned source_of(struct text country, struct text invoice)
{
    if (!text_equal(country, TEXT("United Kingdom")))
        return HOME_SOURCES;
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (uint32_t i = 0; i < invoice.length; i++)
        hash = (hash ^ (unsigned char)invoice.bytes[i]) * 16777619u;
    return hash % HOME_SOURCES;
}

static void append_command(struct sender *sender, const char *kind, const char *id, struct text item, long long units)
{
    struct bytequeue *out = &sender->commands;
    bytequeue_print(out, "{\"kind\":\"%s\",\"id\":\"%s\",\"source\":\"%s\",\"item\":", kind, id, sender->name);
    bytequeue_json_string(out, item);
    bytequeue_print(out, ",\"location\":\"UK-DC\",\"quantity\":%lld", units);
}

/* Opening stock, so that the ledger starts from figures that were possible. Items that need none get none. */
static void read_opening(struct csv *csv, struct sender *sender)
{
    struct text fields[CSV_FIELDS_MAX];
    unsigned count;
    (void)csv_next(csv, fields, &count); /* the header */
    while (csv_next(csv, fields, &count)) {
        if (count != OPENING_COLUMNS)
            fail("line %llu: %u fields, wanted %d", (unsigned long long)csv->line, count, OPENING_COLUMNS);
        long long units = integer(csv, fields[OPENING_UNITS]);
        char id[32];
        if (units == 0)
            continue;
        (void)snprintf(id, sizeof(id), "opening-%llu", (unsigned long long)csv->line); /* fits */
        append_command(sender, "receive", id, fields[OPENING_ITEM], units);
        bytequeue_literal(&sender->commands, ",\"reason\":\"opening stock\"}");
        sender_command_end(sender);
    }
}

static void read_invoices(struct csv *csv, struct sender *senders, uint64_t lines_max)
{
    struct text fields[CSV_FIELDS_MAX];
    unsigned count;
    (void)csv_next(csv, fields, &count); /* the header */
    for (uint64_t n = 0; n < lines_max && csv_next(csv, fields, &count); n++) {
        if (count != COLUMNS || fields[INVOICE_DATE].length != 19)
            fail("line %llu: not an invoice line", (unsigned long long)csv->line);
        struct sender *sender = &senders[source_of(fields[COUNTRY], fields[INVOICE])];
        long long units = integer(csv, fields[QUANTITY]);
        char id[32];
        (void)snprintf(id, sizeof(id), "%llu", (unsigned long long)csv->line); /* fits */
        append_command(sender, units > 0 ? "sale" : "return", id, fields[ITEM], units > 0 ? units : -units);
        struct bytequeue *out = &sender->commands;
        bytequeue_print(out, ",\"seq\":%s,\"document\":", id);
        bytequeue_json_string(out, fields[INVOICE]);
        /* 2010-12-01 08:26:00, UK local time; the demo calls it UTC. */
        bytequeue_print(out, ",\"occurred_at\":\"%.10sT%.8sZ\"}", fields[INVOICE_DATE].bytes,
                        fields[INVOICE_DATE].bytes + 11);
        sender_command_end(sender);
    }
}

static uint64_t answered_of(const struct sender *senders, unsigned count)
{
    uint64_t answered = 0;
    for (unsigned i = 0; i < count; i++)
        answered += senders[i].answered;
    return answered;
}

/* All senders at once until each has its last answer. rate_per_s: commands of all together, 0 for no limit. */
static uint64_t play(struct sender *senders, unsigned count, uint64_t total, uint64_t rate_per_s)
{
    int epoll = wire_epoll();
    uint64_t from_ns = mono_ns(), said_at_ns = from_ns, now_ns = from_ns;
    while (answered_of(senders, count) < total) {
        for (unsigned i = 0; i < count; i++) {
            size_t allowed = SIZE_MAX;
            if (rate_per_s != 0) /* each in proportion to what it has to send */
                allowed = (size_t)((double)(now_ns - from_ns) / 1e9 * (double)rate_per_s * (double)senders[i].count /
                                   (double)total) +
                          1;
            sender_pump(&senders[i], epoll, now_ns, allowed);
        }
        void *owners[WIRE_EVENTS_MAX];
        int n = wire_wait(epoll, rate_per_s != 0 ? 1 : 20, owners);
        now_ns = mono_ns();
        for (int i = 0; i < n; i++)
            sender_readable(owners[i], now_ns);
        if (now_ns - said_at_ns >= PROGRESS_NS) {
            said_at_ns = now_ns;
            printf("{\"answered\":%llu}\n", (unsigned long long)answered_of(senders, count));
            (void)fflush(stdout); /* only for who watches */
        }
        if (now_ns - from_ns > RUN_NS_MAX)
            fail("the replay is not over after %llu s", (unsigned long long)(RUN_NS_MAX / NS_PER_S));
    }
    (void)close(epoll); /* nothing is lost with it */
    return now_ns - from_ns;
}

static uint64_t number_option(const char *name, const char *value)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    if (errno != 0 || *end != '\0' || end == value || *value == '-')
        fail("%s wants a number, not '%s'", name, value);
    return number;
}

int main(int argc, char **argv)
{
    uint16_t port = 0;
    uint64_t lines_max = UINT64_MAX, rate_per_s = 0;
    const char *opening = NULL;
    for (int i = 1; i < argc; i += 2) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(name, "--port") == 0)
            port = (uint16_t)number_option(name, value);
        else if (strcmp(name, "--lines") == 0)
            lines_max = number_option(name, value);
        else if (strcmp(name, "--rate") == 0)
            rate_per_s = number_option(name, value);
        else if (strcmp(name, "--opening") == 0)
            opening = value;
        else
            fail("usage: demo_replay --port N [--lines N] [--rate COMMANDS_PER_S] < invoices.csv\n"
                 "       demo_replay --port N --opening net-by-sku.csv");
    }
    static struct sender senders[SOURCES];
    unsigned count = opening != NULL ? 1 : SOURCES;
    for (unsigned i = 0; i < count; i++)
        sender_init(&senders[i], opening != NULL ? "opening" : source_names[i], port);

    uint64_t from_ns = mono_ns();
    FILE *file = opening != NULL ? fopen(opening, "re") : stdin;
    if (file == NULL)
        fail("%s: %s", opening, strerror(errno));
    struct bytequeue input = {0};
    read_all(file, &input);
    struct csv csv = csv_of(input.bytes, input.end);
    if (opening != NULL)
        read_opening(&csv, &senders[0]);
    else
        read_invoices(&csv, senders, lines_max);
    csv_deinit(&csv);
    bytequeue_deinit(&input);
    if (opening != NULL)
        (void)fclose(file); /* only read */
    uint64_t total = 0;
    for (unsigned i = 0; i < count; i++)
        total += senders[i].count;
    double read_s = (double)(mono_ns() - from_ns) / 1e9;

    double play_s = (double)play(senders, count, total, rate_per_s) / 1e9;
    uint64_t refused = 0, invalid = 0, replayed = 0, requests = 0;
    printf("{\"lines\":%llu,\"by_source\":{", (unsigned long long)total);
    for (unsigned i = 0; i < count; i++) {
        printf("%s\"%s\":%zu", i == 0 ? "" : ",", senders[i].name, senders[i].count);
        refused += senders[i].refused;
        invalid += senders[i].invalid;
        replayed += senders[i].replayed;
        requests += senders[i].requests;
        sender_deinit(&senders[i]);
    }
    printf("},\"read_s\":%.3f,\"seconds\":%.3f,\"commands_per_s\":%.0f,\"requests\":%llu,\"refused\":%llu,"
           "\"invalid\":%llu,\"replayed\":%llu}\n",
           read_s, play_s, (double)total / play_s, (unsigned long long)requests, (unsigned long long)refused,
           (unsigned long long)invalid, (unsigned long long)replayed);
    return refused + invalid == 0 ? 0 : 1;
}
