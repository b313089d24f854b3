/*
 * Kits in the model: what a line of a kit takes, and how many can be had. Written from "Kits" in docs/protocol.md. How
 * many can be put together is found by trying: the most of which all the parts are there.
 */
#include "model_work.h"

#include <string.h>

static bool same_name(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static const struct model_item *kit_named(const struct model_state *s, const char *item)
{
    int64_t i = find_item(s, item);
    return i < 0 || s->items[i].part_count == 0 ? NULL : &s->items[i];
}

bool model_is_kit(const struct model_state *s, const char *item)
{
    return kit_named(s, item) != NULL;
}

bool model_is_component(const struct model_state *s, const char *item)
{
    for (int64_t i = 0; i < s->item_count; i++)
        for (int64_t p = 0; p < s->items[i].part_count; p++)
            if (same_name(s->items[i].parts[p].item, item))
                return true;
    return false;
}

/* ---- how many ---- */

/* So many kits need no more of any part than is there of it. */
static bool parts_are_there(const struct model_item *kit, int64_t kits, const int64_t *there)
{
    for (int64_t p = 0; p < kit->part_count && kits > 0; p++)
        if (kits > RANGE / kit->parts[p].units || kits * kit->parts[p].units > there[p])
            return false;
    return true;
}

/* The most for which the parts are there, bit by bit: whoever has enough for more has enough for less. */
static int64_t most_kits(const struct model_item *kit, const int64_t *there)
{
    int64_t kits = 0;
    int64_t more = INT64_C(1) << 52;
    while (more > 0 && more > there[0])
        more /= 2; /* not more kits than units of one part */
    for (; more > 0; more /= 2)
        if (parts_are_there(kit, kits + more, there))
            kits += more;
    return kits;
}

int64_t kits_in_channel(const struct model_state *s, const char *item, const char *location, const char *channel)
{
    const struct model_item *kit = kit_named(s, item);
    int64_t there[MODEL_PARTS_MAX];
    if (kit == NULL)
        return 0;
    for (int64_t p = 0; p < kit->part_count; p++)
        there[p] = model_free(s, find_cell(s, kit->parts[p].item, location), channel);
    return most_kits(kit, there);
}

int64_t kits_beside(const struct work *w, const char *item, const char *location, bool with_room)
{
    const struct model_item *kit = kit_named(&w->next, item);
    int64_t there[MODEL_PARTS_MAX];
    if (kit == NULL)
        return 0;
    for (int64_t p = 0; p < kit->part_count; p++) {
        const char *part = kit->parts[p].item;
        there[p] = free_to_hold(w, part, location) + (with_room ? room_to_hold(w, part, location) : 0);
        for (int64_t i = 0; i < w->sum_count; i++)
            if (same_name(w->sums[i].item, part) && same_name(w->sums[i].location, location))
                there[p] -= w->sums[i].total;
    }
    return most_kits(kit, there);
}

/* ---- lines of kits ---- */

/* A sum of sellable units of a kit becomes so many built ones, and parts for so many more. */
static bool take_apart(struct work *w, int64_t at, int64_t built, int64_t kits)
{
    const struct sum line = w->sums[at];
    const struct model_item *kit = kit_named(&w->next, line.item);
    w->sums[at].total -= line.by[0] - built;
    w->sums[at].by[0] = built;
    w->answer.built += built;
    w->answer.put_together += kits;
    for (int64_t p = 0; p < kit->part_count && kits > 0; p++) {
        if (kits > RANGE / kit->parts[p].units)
            return invalid(w, "out_of_range");
        int64_t units = kits * kit->parts[p].units;
        int64_t others = w->sum_count;
        struct sum *sum = sum_of(w, kit->parts[p].item, line.location);
        w->answer.shared += others == w->sum_count;
        sum->total += units;
        sum->by[0] += units;
        if (sum->total > RANGE)
            return invalid(w, "out_of_range");
    }
    return true;
}

/* A kit of which no built one is meant is not in the command any more. */
static void drop_empty(struct work *w)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < w->sum_count; i++)
        if (w->sums[i].total != 0)
            w->sums[kept++] = w->sums[i];
    w->sum_count = kept;
}

static bool any_kits(const struct work *w)
{
    for (int64_t i = 0; i < w->sum_count; i++)
        if (model_is_kit(&w->next, w->sums[i].item))
            return true;
    return false;
}

/* "Granted anew: first the built ones that are free, then the components of the rest" */
bool kits_granted(struct work *w, const char *channel, enum kit_whole whole)
{
    int64_t lines = w->sum_count;
    if (!any_kits(w))
        return true;
    for (int64_t i = 0; i < lines; i++) {
        const struct sum line = w->sums[i];
        if (!model_is_kit(&w->next, line.item))
            continue;
        int64_t free = w->holding != NULL
                           ? free_to_hold(w, line.item, line.location)
                           : model_free(&w->next, find_cell(&w->next, line.item, line.location), channel);
        if (whole == KITS_LATER)
            free = promised_then(w, line.item, line.location);
        int64_t built = line.total < free ? line.total : free;
        int64_t kits = line.total - built;
        if (kits > 0 && (whole == KITS_WHOLE || whole == KITS_PART)) {
            int64_t most = kits_beside(w, line.item, line.location, true);
            if (kits > most) {
                note_short(w, &line, line.total, built + most);
                if (whole == KITS_WHOLE)
                    return refuse(w, "insufficient_stock");
                kits = most;
            }
        }
        if (!take_apart(w, i, built, kits))
            return false;
    }
    drop_empty(w);
    return true;
}

/* Of the built ones that a claim has, those that the kind speaks of. */
static int64_t spoken_of(const struct work *w, const struct model_claim_line *line)
{
    switch (w->command->kind) {
    case MODEL_COMMIT:
        return line->held;
    case MODEL_PICK:
        return line->committed - line->picked;
    case MODEL_UNPICK:
        return line->picked;
    case MODEL_REASSIGN:
        return line->held + line->committed - line->picked;
    case MODEL_RELEASE:
        return line->held + line->committed + line->waiting;
    default:
        return line->held + line->committed;
    }
}

/*
 * The built ones that a sum may take: of a claim, what it has where the sum's goods are promised; without one, what is
 * free there and lies where the sum is. "Each is free once": less what earlier sums of the same place take.
 */
static int64_t built_at(struct work *w, int64_t claim, int64_t at, const char *channel)
{
    struct sum node = w->sums[at];
    int64_t cell = find_cell(&w->next, node.item, node.location);
    int64_t there = cell < 0 || w->next.cells[cell].on[0] < 0 ? 0 : w->next.cells[cell].on[0];
    const char *answers = node_of(&w->next, w->sums[at].location);
    memset(node.location, 0, sizeof(node.location));
    memcpy(node.location, answers, strlen(answers));
    if (claim < 0 && answers[0] == '\0')
        return there;
    struct model_claim_line has = line_now(w, claim, &node);
    int64_t most =
        claim >= 0 ? spoken_of(w, &has) : model_free(&w->next, find_cell(&w->next, node.item, answers), channel);
    for (int64_t i = 0; i < at; i++)
        if (same_name(w->sums[i].item, node.item) && same_name(node_of(&w->next, w->sums[i].location), answers))
            most -= w->sums[i].by[0];
    if (claim < 0 && there < most)
        most = there;
    return most < 0 ? 0 : most;
}

/* "Of a claim: first the built ones that it has, then the components of the rest" */
bool kits_claimed(struct work *w, int64_t claim, const char *channel)
{
    int64_t lines = w->sum_count;
    if (!any_kits(w))
        return true;
    for (int64_t i = 0; i < lines; i++) {
        const struct sum line = w->sums[i];
        if (!model_is_kit(&w->next, line.item))
            continue;
        int64_t most = built_at(w, claim, i, channel);
        int64_t built = line.by[0] < most ? line.by[0] : most;
        if (!take_apart(w, i, built, line.by[0] - built))
            return false;
    }
    drop_empty(w);
    return true;
}

/* ---- PUT of an item ---- */

bool kit_config(struct work *w)
{
    const struct model_command *c = w->command;
    struct model_part parts[MODEL_PARTS_MAX];
    for (int64_t p = 0; p < c->part_count; p++) {
        const struct model_command_part *part = &c->parts[p];
        if (same_name(part->item, c->item))
            return refuse(w, "circular");
        if (find_item(&w->model->now, part->item) < 0)
            return refuse(w, "unknown_item");
        if (model_is_kit(&w->model->now, part->item))
            return refuse(w, "kit_in_kit");
        memcpy(parts[p].item, part->item, sizeof(model_name));
        if (!to_units(w, part->quantity, part->item, &parts[p].units))
            return false;
    }
    if (c->part_count > 0 && model_is_component(&w->model->now, c->item))
        return refuse(w, "kit_in_kit");
    if (c->part_count > 0 && c->scale != 0)
        return invalid(w, "bad_value"); /* "a kit is counted whole, its scale is 0" */
    struct model_item *item = &w->next.items[find_item(&w->next, c->item)];
    item->part_count = c->part_count;
    memcpy(item->parts, parts, (size_t)c->part_count * sizeof(parts[0]));
    return true;
}
