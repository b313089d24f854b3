#include "server/peer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "connect/pull.h"
#include "feed/position.h"
#include "server/log.h"

#define LOOK_MS      1000
#define FENCE_MS     5000
#define ANSWER_BYTES 8192
#define STEP_NS      (100 * 1000 * 1000)

struct peer_watch {
    struct peer_options options;
    pthread_t thread;
    atomic_bool stop;
    bool parted_told, refusal_told;
};

static void ledger_text(const struct journal *journal, char out_text[33])
{
    bytes_hex(journal_genesis(journal)->ledger_id, 16, out_text);
}

/* An epoch as positions of it begin. False when there is none of that name. */
static bool epoch_of(const char *answer, const char *name, uint32_t *out_epoch)
{
    char text[POSITION_TEXT_BYTES + 1];
    struct position position;
    if (!pull_member(answer, name, text, sizeof(text) - 2))
        return false;
    (void)strcat(text, "-0"); /* a position of it, whether there is one yet or not */
    if (!position_parse(text_of(text, strlen(text)), &position))
        return false;
    *out_epoch = position.epoch;
    return true;
}

enum peer_found peer_look(const char *address, const struct journal *journal)
{
    char answer[ANSWER_BYTES];
    char role[16];
    char ledger[64];
    char own[33] = "";
    long http = 0;
    uint32_t epoch = 0;
    uint32_t promoted = 0;
    ledger_text(journal, own);
    if (pull_call(address, "/v1/role", NULL, LOOK_MS, answer, sizeof(answer), &http) != STATUS_OK || http != 200 ||
        !pull_member(answer, "role", role, sizeof(role)) || strcmp(role, "primary") != 0 ||
        !pull_member(answer, "ledger", ledger, sizeof(ledger)) || strcmp(ledger, own) != 0 ||
        !epoch_of(answer, "epoch", &epoch))
        return PEER_NOTHING;
    const struct epochs *epochs = journal_epochs(journal);
    uint64_t common = 0;
    if (epoch == epochs->now)
        return PEER_NOTHING; /* this one itself, or a copy that was served: the journals tell */
    /* Only a promotion is a taking over: a restore or a repair of a copy begins an epoch, too, beside the one that goes on. */
    if (epochs_common(epochs, epoch, &common))
        return epoch_number(epochs_promoted(epochs)) > epoch_number(epoch) ? PEER_OLDER : PEER_PARTED;
    bool since = epoch_of(answer, "promoted", &promoted) && epoch_number(promoted) > epoch_number(epochs->now);
    return since ? PEER_NEWER : PEER_PARTED;
}

bool peer_ledger(const char *address, uint8_t out_id[16])
{
    char answer[ANSWER_BYTES];
    char ledger[34];
    unsigned byte = 0;
    long http = 0;
    if (pull_call(address, "/v1/role", NULL, LOOK_MS, answer, sizeof(answer), &http) != STATUS_OK || http != 200 ||
        !pull_member(answer, "ledger", ledger, sizeof(ledger)) || strlen(ledger) != 32)
        return false;
    for (unsigned i = 0; i < 16; i++) {
        if (sscanf(ledger + (size_t)2 * i, "%2x", &byte) != 1)
            return false;
        out_id[i] = (uint8_t)byte;
    }
    return true;
}

/* Percent-encodes all that is not unreserved: an IPv6 address has brackets. */
static void encode(const char *text, char *out, size_t n)
{
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    size_t used = 0;
    for (; *text != 0 && used + 3 < n; text++)
        used += (size_t)snprintf(out + used, n - used, strchr(unreserved, *text) != NULL ? "%c" : "%%%02X", (unsigned char)*text);
    out[used] = 0;
}

enum status peer_fence(const char *address, const struct journal *journal, const char *by, char *out_answer, size_t n,
                       long *out_http)
{
    char path[64 + 33 + 3 * SERVICE_ADDRESS_BYTES];
    char ledger[33];
    char encoded[3 * SERVICE_ADDRESS_BYTES];
    ledger_text(journal, ledger);
    encode(by, encoded, sizeof(encoded));
    (void)snprintf(path, sizeof(path), "/v1/fence?ledger=%s&by=%s", ledger, encoded);
    return pull_call(address, path, "{}", FENCE_MS, out_answer, n, out_http);
}

static void fence_peer(struct peer_watch *watch)
{
    const struct peer_options *options = &watch->options;
    char answer[ANSWER_BYTES];
    char why[256] = "";
    long http = 0;
    enum status status = peer_fence(options->address, options->service->journal, options->own_address, answer,
                                    sizeof(answer), &http);
    if (status == STATUS_OK && http == 200) {
        log_warning("%s was a primary of an older epoch: it has been told that this server took over, and takes nothing in any more",
                    options->address);
        return;
    }
    if (watch->refusal_told)
        return;
    if (status != STATUS_OK || !pull_member(answer, "detail", why, sizeof(why)))
        (void)snprintf(why, sizeof(why), "%.200s", answer);
    log_error("%s is a primary of an older epoch, and does not take it that this server took over (%s): stop it. It is told again "
              "every %d seconds",
              options->address, why, PEER_LOOK_S);
    watch->refusal_told = true;
}

static void look(struct peer_watch *watch)
{
    const struct peer_options *options = &watch->options;
    const struct service *service = options->service;
    struct fenced_at at;
    if (engine_role(service->engine) != ROLE_PRIMARY)
        return;
    switch (peer_look(options->address, service->journal)) {
    case PEER_NEWER:
        (void)service->fence(service->fence_context, options->address, &at); /* it says what it did */
        break;
    case PEER_OLDER:
        if (options->standby == NULL || standby_pursues(options->standby))
            fence_peer(watch);
        break;
    case PEER_PARTED:
        if (!watch->parted_told)
            log_error("%s takes commands for the same ledger in an epoch of its own, as this server does: the two have parted. "
                      "Decide which is right, and stop the other",
                      options->address);
        watch->parted_told = true;
        break;
    case PEER_NOTHING:
        break;
    }
}

static void *watch_main(void *argument)
{
    struct peer_watch *watch = argument;
    while (!atomic_load(&watch->stop)) {
        look(watch);
        for (unsigned i = 0; i < PEER_LOOK_S * 10 && !atomic_load(&watch->stop); i++)
            (void)nanosleep(&(struct timespec){.tv_nsec = STEP_NS}, NULL);
    }
    return NULL;
}

struct peer_watch *peer_watch_start(const struct peer_options *options)
{
    struct peer_watch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL)
        return NULL;
    watch->options = *options;
    if (pthread_create(&watch->thread, NULL, watch_main, watch) == 0)
        return watch;
    free(watch);
    return NULL;
}

void peer_watch_stop(struct peer_watch *watch)
{
    if (watch == NULL)
        return;
    atomic_store(&watch->stop, true);
    CHECK(pthread_join(watch->thread, NULL) == 0);
    free(watch);
}
