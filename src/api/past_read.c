#include "api/past_read.h"

#include "base/rfc3339.h"
#include "api/routes.h"

bool route_as_of(struct connection *connection, struct text as_of, struct text axis, struct as_of *out_as_of)
{
    const struct env *env = connection->io->service->env;
    *out_as_of = (struct as_of){.past = text_present(as_of)};
    if (!route_axis(connection, axis, &out_as_of->axis))
        return false;
    if (text_present(axis) && !out_as_of->past)
        respond_problem(connection, 422, "missing_field", TEXT("as_of"), TEXT("an axis is of a time: say which"));
    else if (out_as_of->past && rfc3339_parse(as_of, &out_as_of->us) != RFC3339_OK)
        respond_problem(connection, 422, "bad_value", TEXT("as_of"),
                        TEXT("is a time with an offset, as 2026-11-22T09:45:00Z"));
    else if (out_as_of->past && out_as_of->us > env->wall_us(env->context))
        respond_problem(connection, 422, "bad_value", TEXT("as_of"),
                        TEXT("is ahead of now: leave it out for the present figures; /v1/atp says what will be there"));
    else
        return true;
    return false;
}

bool route_as_of_recorded(struct connection *connection, struct text as_of, struct text axis, struct as_of *out_as_of)
{
    if (!route_as_of(connection, as_of, axis, out_as_of))
        return false;
    if (out_as_of->axis != AXIS_RECORDED)
        respond_problem(connection, 422, "bad_value", TEXT("axis"),
                        TEXT("is recorded here: what was promised then was decided on what was known then, and no fact "
                             "that came late changes it; /v1/stock answers on others"));
    else if (out_as_of->past && connection->io->service->past_ledger == NULL)
        respond_problem(connection, 422, "bad_value", TEXT("as_of"),
                        TEXT("is not looked at here: the server was started with --past-keep 0, and answers as of now "
                             "alone"));
    else
        return true;
    return false;
}

/* ---- engine thread ---- */

static void look(const struct ledger *ledger, struct request *request)
{
    struct past_read *read = request->detail;
    struct request asked = {.detail = read->detail};
    read->last_seq = ledger_last_seq(ledger);
    read->present = !read->as_of.past || ledger_now_us(ledger) <= read->as_of.us;
    if (read->present)
        read->read(ledger, &asked);
}

/* ---- worker ---- */

static void work_run(void *context)
{
    struct past_read *read = ((struct connection *)context)->past_read;
    struct request asked = {.detail = read->detail};
    const struct ledger *ledger;
    read->status =
        past_ledger_take(read->service->past_ledger, read->as_of.us, read->last_seq, &read->work.stop, &ledger);
    if (read->status != STATUS_OK)
        return;
    read->read(ledger, &asked);
    past_ledger_give(read->service->past_ledger);
}

/* ---- I/O thread ---- */

static void work_done(void *context)
{
    struct connection *connection = context;
    const struct past_read *read = connection->past_read;
    connection->past_read = NULL;
    if (!connection_past_done(connection))
        return;
    if (read->status == STATUS_MEMORY)
        respond_problem(connection, 503, "limit_reached", TEXT_NONE,
                        TEXT("there is no memory for a second ledger, into which the past is replayed; see "
                             "operations.md"));
    else if (read->status == STATUS_NOT_FOUND)
        respond_problem(connection, 410, "history_expired", TEXT("as_of"),
                        TEXT("no checkpoint is as old as that, and the beginning of the journal is no longer kept; /v1/stock "
                             "reaches further back"));
    else if (read->status != STATUS_OK)
        respond_unreadable(connection);
    else
        read->done(connection);
}

bool past_read_ask(struct connection *connection, struct past_read *read)
{
    read->service = connection->io->service;
    return io_read(connection->io, connection, look, read); /* resumed when a batch is free */
}

void past_read_go_on(struct connection *connection, struct past_read *read, void (*done)(struct connection *connection))
{
    if (read->present) {
        done(connection);
        return;
    }
    read->done = done;
    read->status = STATUS_AGAIN; /* until it runs */
    connection->past_read = read;
    connection_past_start(connection, connection->io->service->replays, &read->work, work_run, work_done);
}
