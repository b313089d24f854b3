#include "server/peer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
    bool parted_told;
};

static void ledger_text(const struct journal *journal, char out_text[33])
{
    for (unsigned i = 0; i < 16; i++)
        (void)snprintf(out_text + (size_t)2 * i, 3, "%02x", journal_genesis(journal)->ledger_id[i]);
}

enum peer_found peer_look(const char *address, const struct journal *journal)
{
    char answer[ANSWER_BYTES];
    char role[16];
    char ledger[64];
    char own[33] = "";
    char text[POSITION_TEXT_BYTES + 1];
    long http = 0;
    struct position position;
    ledger_text(journal, own);
    if (pull_call(address, "/v1/role", NULL, LOOK_MS, answer, sizeof(answer), &http) != STATUS_OK || http != 200 ||
        !pull_member(answer, "role", role, sizeof(role)) || strcmp(role, "primary") != 0 ||
        !pull_member(answer, "ledger", ledger, sizeof(ledger)) || strcmp(ledger, own) != 0 ||
        !pull_member(answer, "epoch", text, sizeof(text) - 2))
        return PEER_NOTHING;
    (void)strcat(text, "-0"); /* a position of it, whether there is one yet or not */
    if (!position_parse(text_of(text, strlen(text)), &position))
        return PEER_NOTHING;
    const struct epochs *epochs = journal_epochs(journal);
    uint64_t common = 0;
    if (position.epoch == epochs->now)
        return PEER_NOTHING; /* this one itself, or a copy that was served: the journals tell */
    if (epochs_common(epochs, position.epoch, &common))
        return PEER_OLDER;
    return epoch_number(position.epoch) > epoch_number(epochs->now) ? PEER_NEWER : PEER_PARTED;
}

static void fence_peer(const struct peer_options *options)
{
    char path[1024];
    char answer[ANSWER_BYTES];
    char ledger[33] = "";
    long http = 0;
    ledger_text(options->service->journal, ledger);
    (void)snprintf(path, sizeof(path), "/v1/fence?ledger=%s&by=%s", ledger, options->own_address);
    if (pull_call(options->address, path, "{}", FENCE_MS, answer, sizeof(answer), &http) == STATUS_OK && http == 200)
        log_warning("%s was a primary of an older epoch: it has been told that this server took over, and takes nothing in any more",
                    options->address);
}

static void look(struct peer_watch *watch)
{
    const struct peer_options *options = &watch->options;
    const struct service *service = options->service;
    struct fenced_at at;
    if (engine_role(service->engine) != ROLE_PRIMARY ||
        (options->standby != NULL && !standby_pursues(options->standby)))
        return;
    switch (peer_look(options->address, service->journal)) {
    case PEER_NEWER:
        (void)service->fence(service->fence_context, options->address, &at); /* it says what it did */
        break;
    case PEER_OLDER:
        fence_peer(options);
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
