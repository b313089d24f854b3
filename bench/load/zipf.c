#include "zipf.h"

#include <math.h>
#include <stdlib.h>

#include "fail.h"

static void *take(size_t n, size_t bytes)
{
    void *memory = calloc(n, bytes);
    if (memory == NULL)
        fail("no memory for %zu weights", n);
    return memory;
}

void zipf_init(struct zipf *zipf, uint32_t count, double theta)
{
    CHECK(count > 0);
    double *share = take(count, sizeof(*share)); /* of the whole, times count: 1 is the average */
    uint32_t *order = take(count, sizeof(*order));
    *zipf = (struct zipf){count, take(count, sizeof(uint64_t)), take(count, sizeof(uint32_t))};
    double sum = 0;
    for (uint32_t k = 0; k < count; k++)
        sum += share[k] = pow((double)k + 1, -theta);
    /* Small shares from the front of `order`, large ones from its end. */
    uint32_t small = 0, large = count;
    for (uint32_t k = 0; k < count; k++) {
        share[k] *= (double)count / sum;
        if (share[k] < 1)
            order[small++] = k;
        else
            order[--large] = k;
    }
    /* Each small one fills its column up with a piece of a large one, which may become small by that. */
    uint32_t next = 0;
    while (next < small && large < count) {
        uint32_t s = order[next++], l = order[large];
        zipf->keep[s] = (uint64_t)(share[s] * 18446744073709551615.0);
        zipf->alias[s] = l;
        share[l] -= 1 - share[s];
        if (share[l] < 1) {
            /* `large` moves up by one and `small` with it: the place is the same when no gap is left. */
            large++;
            order[small++] = l;
        }
    }
    for (; next < small; next++) {
        zipf->keep[order[next]] = UINT64_MAX;
        zipf->alias[order[next]] = order[next];
    }
    for (; large < count; large++) {
        zipf->keep[order[large]] = UINT64_MAX;
        zipf->alias[order[large]] = order[large];
    }
    free(share);
    free(order);
}

void zipf_deinit(struct zipf *zipf)
{
    free(zipf->keep);
    free(zipf->alias);
}
