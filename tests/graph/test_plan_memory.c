/* The memory planner alone: no two items that live together may overlap, and sharing must be worth its name. */
#include "check.h"
#include "graph/graph_internal.h"

enum { ITEMS = 400, STEPS = 300 };

static bool items_ok(const struct plan_item *items, size_t count, const struct plan_result *plan)
{
    for (size_t i = 0; i < count; i++) {
        const struct plan_item *a = &items[i];
        if (a->offset % PLAN_ALIGN || a->slab >= plan->slab_count || a->offset + a->bytes > plan->slab_bytes[a->slab])
            return false;
        for (size_t j = 0; j < i; j++) {
            const struct plan_item *b = &items[j];
            bool together = a->slab == b->slab && a->first <= b->last && b->first <= a->last;
            if (together && a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes)
                return false;
        }
    }
    return true;
}

static void random_items(struct plan_item *items, uint64_t seed)
{
    struct base_rng rng = base_rng_make(seed, "plan", 0, 0);
    for (uint32_t i = 0; i < ITEMS; i++) {
        uint32_t first = base_rng_below(&rng, STEPS);
        uint32_t length = base_rng_below(&rng, i % 7 ? 4 : STEPS);
        items[i] = (struct plan_item){
            .bytes = 1 + base_rng_below(&rng, i % 3 ? 5000 : 900000), .first = first, .last = first + length};
    }
}

static void test_random(void)
{
    struct plan_item items[ITEMS], again[ITEMS];
    struct plan_result plan;
    for (uint64_t seed = 0; seed < 20; seed++) {
        random_items(items, seed);
        CHECK_EQ(plan_memory(items, ITEMS, UINT64_MAX, false, &plan), MIEN_OK);
        CHECK_EQ(plan.slab_count, 1);
        CHECK(items_ok(items, ITEMS, &plan));
        CHECK(plan.live_peak <= plan.total && plan.total < plan.unaliased);
        CHECK(plan.total < plan.live_peak * 1.25);
        random_items(again, seed);
        CHECK_EQ(plan_memory(again, ITEMS, UINT64_MAX, false, &plan), MIEN_OK);
        CHECK(memcmp(items, again, sizeof(items)) == 0);
    }
}

/* A chain keeps two values alive at a time, however long it is. */
static void test_chain(void)
{
    struct plan_item items[50];
    struct plan_result plan;
    for (uint32_t i = 0; i < 50; i++)
        items[i] = (struct plan_item){.bytes = 1024, .first = i, .last = i + 1};
    CHECK_EQ(plan_memory(items, 50, UINT64_MAX, false, &plan), MIEN_OK);
    CHECK_EQ(plan.total, 2048);
    CHECK_EQ(plan.live_peak, 2048);
    CHECK_EQ(plan.unaliased, 50 * 1024);
    CHECK_EQ(plan_memory(items, 50, UINT64_MAX, true, &plan), MIEN_OK);
    CHECK_EQ(plan.total, 50 * 1024);
    CHECK(items_ok(items, 50, &plan));
}

/* Activations of a forward pass that the backward pass reads in reverse nest like brackets: no waste at all. */
static void test_nested(void)
{
    struct plan_item items[64];
    struct plan_result plan;
    for (uint32_t i = 0; i < 64; i++)
        items[i] = (struct plan_item){.bytes = 256u * (1 + i * 7 % 13), .first = i, .last = 200 - i};
    CHECK_EQ(plan_memory(items, 64, UINT64_MAX, false, &plan), MIEN_OK);
    CHECK_EQ(plan.total, plan.live_peak);
}

static void test_limits(void)
{
    struct plan_item items[3] = {{.bytes = 1000, .last = 5}, {.bytes = 1000, .last = 5}, {.bytes = 1, .last = 5}};
    struct plan_result plan;
    CHECK_EQ(plan_memory(items, 3, 1536, false, &plan), MIEN_OK);
    CHECK_EQ(plan.slab_count, 2);
    CHECK(items_ok(items, 3, &plan));
    CHECK(plan.slab_bytes[0] <= 1536 && plan.slab_bytes[1] <= 1536);
    mien_log_set(NULL, NULL, MIEN_LOG_SILENT);
    CHECK_EQ(plan_memory(items, 3, 512, false, &plan), MIEN_ERR_DEVICE_MEMORY);
    mien_log_set(NULL, NULL, MIEN_LOG_WARN);
    CHECK_EQ(plan_memory(items, 0, 512, false, &plan), MIEN_OK);
    CHECK_EQ(plan.total, 0);
}

int main(void)
{
    test_random();
    test_chain();
    test_nested();
    test_limits();
    return check_result();
}
