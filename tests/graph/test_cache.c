/* Programs by shape: made once, shared memory, the oldest dropped. */
#include "base/capture.h"
#include "gpu.h"
#include "graph/graph_internal.h"

static struct gpu gpu;

struct sums {
    op_value x, y;
};

static uint32_t makes;

/* y = ((x + x) + x) + ... , key[0] rows of 64, key[1] = 1: fails */
static enum mien_status make_sums(void *context, const uint32_t *key, struct graph_compile_params params,
                                  struct graph_program **program, void **user)
{
    struct graph *g = NULL;
    enum mien_status status = graph_create(&g);
    struct sums *sums = base_alloc(1, sizeof(*sums));
    CHECK(context == &makes);
    makes++;
    *user = sums;
    sums->x = graph_input(g, "x", SHAPE_F32(key[0], 64));
    sums->y = sums->x;
    for (uint32_t i = 0; i < 6; i++)
        sums->y = GRAPH_OP(g, &op_add, NULL, sums->y, sums->x);
    if (key[1])
        graph_view(g, sums->x, SHAPE_F32(1), 1);
    graph_output(g, sums->y);
    if (status == MIEN_OK)
        status = graph_compile(g, gpu.device, &params, program);
    graph_destroy(&g);
    return status;
}

static struct graph_program *get(struct graph_cache *cache, uint32_t rows, struct sums **sums)
{
    struct graph_program *program = NULL;
    void *user = NULL;
    uint32_t key[2] = {rows, 0};
    CHECK_EQ(graph_cache_get(cache, key, 2, make_sums, &makes, &program, &user), MIEN_OK);
    if (sums)
        *sums = user;
    return program;
}

static bool run(struct graph_program *program, const struct sums *sums, uint32_t rows, float value)
{
    float *x = graph_program_input(program, 0, sums->x);
    for (uint32_t i = 0; i < rows * 64; i++)
        x[i] = value;
    CHECK_EQ(graph_program_run(program), MIEN_OK);
    const float *y = graph_program_output(program, 0, sums->y);
    for (uint32_t i = 0; i < rows * 64; i++) {
        if (y[i] != 7 * value)
            return false;
    }
    return true;
}

static uint64_t device_bytes(void)
{
    struct vk_memory_stats stats;
    vk_memory_stats(gpu.device, &stats);
    return stats.in_use[VK_MEMORY_DEVICE];
}

static void test_reuse(void)
{
    struct graph_cache *cache = NULL;
    struct sums *a, *b;
    CHECK_EQ(graph_cache_create(gpu.device, 4, &cache), MIEN_OK);
    makes = 0;
    struct graph_program *big = get(cache, 64, &a);
    uint64_t before = device_bytes();
    struct graph_program *small = get(cache, 16, &b);
    CHECK_EQ(device_bytes() - before, 16 * 64 * 4); /* its input; the slab is shared */
    CHECK(big != small && get(cache, 64, NULL) == big);
    CHECK_EQ(makes, 2);
    CHECK(run(big, a, 64, 1));
    CHECK(run(small, b, 16, 2));
    CHECK(run(big, a, 64, 3));
    get(cache, 17, NULL);
    get(cache, 18, NULL);
    CHECK_EQ(graph_cache_count(cache), 4);
    get(cache, 64, NULL);
    get(cache, 19, NULL); /* drops 16 */
    CHECK_EQ(graph_cache_count(cache), 4);
    CHECK_EQ(makes, 5);
    get(cache, 64, NULL);
    CHECK_EQ(makes, 5);
    get(cache, 16, NULL);
    CHECK_EQ(makes, 6);
    graph_cache_destroy(&cache);
    CHECK(cache == NULL);
    CHECK_EQ(device_bytes(), 0);
}

/* A larger shape outgrows the slab: programs on the old one go, but not the one given last. */
static void test_growth(void)
{
    struct graph_cache *cache = NULL;
    struct sums *a, *b;
    CHECK_EQ(graph_cache_create(gpu.device, 0, &cache), MIEN_OK);
    get(cache, 8, NULL);
    struct graph_program *small = get(cache, 16, &a);
    CHECK_EQ(graph_cache_count(cache), 2); /* 8 rows stand on a smaller slab, but were given last */
    CHECK_EQ(graph_program_submit(small, 1), MIEN_OK);
    struct graph_program *big = get(cache, 64, &b);
    CHECK_EQ(graph_cache_count(cache), 2); /* now 8 rows are gone */
    CHECK_EQ(graph_program_submit(big, 1), MIEN_OK);
    CHECK_EQ(graph_program_wait(small, 1), MIEN_OK);
    CHECK(run(small, a, 16, 2));
    CHECK(run(big, b, 64, 5));
    graph_cache_destroy(&cache);
    CHECK_EQ(device_bytes(), 0);
}

static void hit(struct graph_cache *cache, uint32_t step)
{
    struct sums *sums = NULL;
    uint32_t rows = 8 + step % 3 * 8;
    struct graph_program *program = get(cache, rows, &sums);
    CHECK(run(program, sums, rows, (float)step));
}

/* A step through the cache whose program is there: found, filled, run, read without an allocation of any kind. */
static void test_hits(void)
{
    struct graph_cache *cache = NULL;
    struct vk_memory_stats before, after;
    CHECK_EQ(graph_cache_create(gpu.device, 4, &cache), MIEN_OK);
    for (uint32_t step = 0; step < 6; step++) /* twice: what the growing slab has dropped is made again */
        hit(cache, step);
    uint64_t allocations = base_alloc_count();
    vk_memory_stats(gpu.device, &before);
    for (uint32_t step = 0; step < 60; step++)
        hit(cache, step);
    vk_memory_stats(gpu.device, &after);
    CHECK_EQ(base_alloc_count(), allocations);
    CHECK_EQ(after.allocations, before.allocations);
    CHECK_EQ(after.blocks, before.blocks);
    graph_cache_destroy(&cache);
}

static void test_errors(void)
{
    struct graph_cache *cache = NULL;
    struct graph_program *program;
    uint32_t key[2] = {8, 1};
    capture_start();
    CHECK_EQ(graph_cache_create(gpu.device, 1, &cache), MIEN_ERR_ARG);
    CHECK_EQ(graph_cache_create(gpu.device, 0, &cache), MIEN_OK);
    CHECK_EQ(graph_cache_get(cache, key, 2, make_sums, &makes, &program, NULL), MIEN_ERR_SHAPE);
    CHECK(program == NULL);
    CHECK_EQ(graph_cache_get(cache, key, 9, make_sums, &makes, &program, NULL), MIEN_ERR_ARG);
    CHECK_EQ(graph_cache_count(cache), 0);
    graph_cache_destroy(&cache);
    graph_cache_destroy(&cache);
    graph_cache_destroy(NULL);
    mien_log_set(NULL, NULL, MIEN_LOG_WARN);
}

int main(void)
{
    if (!gpu_open(&gpu))
        CHECK_SKIP("no Vulkan device");
    test_reuse();
    test_growth();
    test_hits();
    test_errors();
    gpu_close(&gpu);
    return check_result();
}
