/* Traces: a run's spans on the device, one per node, inside the host's submit and wait; results untouched. */
#include "check.h"

#include "graph/program_kit.h"
#include "mien/gpu.h"

#include <unistd.h>

static char file_name[64]; /* another in each process: several of them run side by side */
enum { N = 33, RUNS = 6, MOST = 256 };

struct chain {
    struct graph *graph;
    op_value x, y;
    struct graph_program *program;
};

/* y [N,N] = softmax((x x^T) + x) */
static void make(struct chain *c, const char *label)
{
    /* every dispatch a piece, timed, and all of them one slice */
    const struct graph_compile_params params = {.label = label, .no_fuse = true, .slice_flops = 1, .slice_ms = 1e9};
    c->graph = new_graph();
    c->x = graph_input(c->graph, "x", SHAPE_F32(N, N));
    op_value product = GRAPH_OP(c->graph, &op_matmul, &(struct op_attr){.trans_b = true}, c->x, c->x, OP_NONE, OP_NONE);
    c->y = GRAPH_OP(c->graph, &op_softmax, NULL, add(c->graph, product, c->x));
    graph_output(c->graph, c->y);
    c->program = compiled(c->graph, &params);
}

static void drop(struct chain *c)
{
    graph_program_destroy(&c->program);
    graph_destroy(&c->graph);
}

/* RUNS runs, two in flight; out [RUNS,N,N] */
static void run(struct chain *c, float *out)
{
    for (uint32_t i = 0; i <= RUNS; i++) {
        if (i < RUNS) {
            fill_input(c->program, c->graph, i % 2, c->x, i);
            CHECK_EQ(graph_program_submit(c->program, i % 2), MIEN_OK);
        }
        if (i > 0) {
            uint32_t slot = (i - 1) % 2;
            CHECK_EQ(graph_program_wait(c->program, slot), MIEN_OK);
            memcpy(out + (size_t)(i - 1) * N * N, graph_program_output(c->program, slot, c->y), N * N * sizeof(float));
        }
    }
}

/* ---- the file ---- */

struct span {
    double from, to;
    bool host;
    const char *name;
};

static struct span spans[MOST];
static uint32_t span_count;

static double number(const cJSON *event, const char *key)
{
    double value = -1;
    CHECK_EQ(base_json_number(event, key, file_name, &value), MIEN_OK);
    return value;
}

static void read_spans(const cJSON *events)
{
    const cJSON *event;
    span_count = 0;
    cJSON_ArrayForEach(event, events)
    {
        const char *phase = "", *name = "";
        CHECK_EQ(base_json_string(event, "ph", file_name, &phase), MIEN_OK);
        CHECK_EQ(base_json_string(event, "name", file_name, &name), MIEN_OK);
        if (strcmp(phase, "X") != 0 || span_count == MOST)
            continue;
        struct span *s = &spans[span_count++];
        s->from = number(event, "ts");
        s->to = s->from + number(event, "dur");
        s->host = number(event, "pid") == 1;
        s->name = name;
        CHECK(s->to >= s->from);
    }
}

static uint32_t count_spans(bool host, const char *name)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < span_count; i++)
        count += spans[i].host == host && (!name || strcmp(spans[i].name, name) == 0);
    return count;
}

static struct span nth(bool host, const char *name, uint32_t n)
{
    for (uint32_t i = 0; i < span_count; i++)
        if (spans[i].host == host && strcmp(spans[i].name, name) == 0 && n-- == 0)
            return spans[i];
    return (struct span){0};
}

/* Microseconds that rounding in the file, and aligning the clocks on a loaded machine, may be wrong by. */
#define ROUNDING 0.01
#define CLOCKS 20000

/* Nodes follow each other inside their run; runs follow each other; each lies between its submit and its wait. */
static void check_order(void)
{
    static const char *const names[] = {"matmul", "add", "softmax"};
    for (uint32_t r = 0; r < RUNS; r++) {
        struct span whole = nth(false, "chain", r), before = {0};
        for (uint32_t n = 0; n < 3; n++) {
            struct span node = nth(false, names[n], r);
            CHECK(node.from >= whole.from - ROUNDING && node.to <= whole.to + ROUNDING);
            CHECK(n == 0 || node.from >= before.to - ROUNDING);
            before = node;
        }
        CHECK(before.to > 0);
        CHECK(whole.from >= nth(true, "submit", r).from - CLOCKS && whole.to <= nth(true, "wait", r).to + CLOCKS);
        CHECK(r == 0 || whole.from >= nth(false, "chain", r - 1).to - ROUNDING);
    }
}

/* Each run of the program says how it was submitted. */
static void check_slices(const cJSON *events)
{
    const cJSON *event;
    double longest = 0;
    uint32_t told = 0;
    cJSON_ArrayForEach(event, events)
    {
        const char *detail = cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetObjectItem(event, "args"), "detail"));
        told += detail && sscanf(detail, "slices: 1, the longest of %lf ms", &longest) == 1 && longest > 0;
    }
    CHECK_EQ(told, RUNS);
}

static void check_file(bool stamps)
{
    cJSON *events = NULL;
    CHECK_EQ(base_json_read(file_name, &events), MIEN_OK);
    read_spans(events);
    CHECK_EQ(count_spans(true, "compile"), 1);
    CHECK_EQ(count_spans(true, "submit"), RUNS);
    CHECK_EQ(count_spans(true, "wait"), RUNS);
    CHECK_EQ(count_spans(true, "read time stamps"), stamps ? RUNS : 0);
    CHECK_EQ(count_spans(false, NULL), stamps ? RUNS * (1 + 3) : 0);
    if (stamps) {
        check_order();
        check_slices(events);
    }
    cJSON_Delete(events);
    remove(file_name);
}

static void test_trace(void)
{
    static float plain[RUNS * N * N], traced[RUNS * N * N];
    struct base_trace *trace = NULL;
    struct chain without, with;
    make(&without, "untraced");
    run(&without, plain);
    CHECK_EQ(base_trace_open(file_name, 1000, &trace), MIEN_OK);
    CHECK_EQ(vk_device_set_trace(gpu.device, trace), MIEN_OK);
    make(&with, "chain");
    CHECK_EQ(stats_of(with.program).nodes, 3);
    run(&with, traced);
    CHECK(memcmp(plain, traced, sizeof(plain)) == 0);
    CHECK_EQ(vk_device_set_trace(gpu.device, NULL), MIEN_OK);
    run(&with, traced); /* no more spans */
    CHECK_EQ(base_trace_close(&trace), MIEN_OK);
    uint64_t taken = base_alloc_count();
    run(&without, traced);
    CHECK_EQ(base_alloc_count(), taken);
    CHECK(memcmp(plain, traced, sizeof(plain)) == 0);
    drop(&without);
    drop(&with);
    check_file(vk_device_caps(gpu.device)->timestamp_ns > 0);
}

/* ---- the public device ---- */

static void test_public(void)
{
    struct mien_gpu *device = NULL;
    cJSON *events = NULL;
    CHECK_EQ(
        mien_gpu_create(&(struct mien_gpu_params){.size = sizeof(struct mien_gpu_params), .trace = file_name}, &device),
        MIEN_OK);
    CHECK(!base_file_exists(file_name));
    CHECK_EQ(mien_gpu_trace_end(device), MIEN_OK);
    CHECK_EQ(base_json_read(file_name, &events), MIEN_OK);
    cJSON_Delete(events);
    remove(file_name);
    CHECK_EQ(mien_gpu_trace_end(device), MIEN_OK);
    mien_gpu_destroy(&device);
    CHECK(!base_file_exists(file_name));
    CHECK_EQ(
        mien_gpu_create(&(struct mien_gpu_params){.size = sizeof(struct mien_gpu_params), .trace = file_name}, &device),
        MIEN_OK);
    mien_gpu_destroy(&device);
    CHECK(base_file_exists(file_name));
    remove(file_name);
    capture_start();
    CHECK_EQ(
        mien_gpu_create(&(struct mien_gpu_params){.size = sizeof(struct mien_gpu_params), .trace = "no/folder/t.json"},
                        &device),
        MIEN_ERR_IO);
    CHECK(device == NULL && captured_once("no/folder"));
    CHECK_EQ(mien_gpu_trace_end(NULL), MIEN_OK);
}

int main(void)
{
    snprintf(file_name, sizeof(file_name), "test_program_trace.%ld.json", (long)getpid());
    if (!gpu_open(&gpu))
        CHECK_SKIP("no Vulkan device");
    test_trace();
    test_public();
    test_leaks();
    gpu_close(&gpu);
    return check_result();
}
