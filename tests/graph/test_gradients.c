/* A tiny CLIP as a whole: gradients by the graph against finite differences of the forward references (host only), and
 * the device's loss, gradients and training steps against the same graph run by references. */
#include "clip_graph.h"
#include "interpret.h"

static op_value bind_input(void *user, struct graph *graph, const struct clip_param *param)
{
    (void)user;
    return graph_input(graph, param->name, param->shape);
}

static struct graph *new_graph(void)
{
    struct graph *g = NULL;
    CHECK_EQ(graph_create(&g), MIEN_OK);
    return g;
}

static void host_fill(const struct clip *c, struct interpret *host, uint32_t round)
{
    for (uint32_t p = 0; p < c->count; p++)
        clip_values(&c->param[p], interpret_data(host, c->param[p].value));
    clip_batch(interpret_data(host, c->patches), interpret_data(host, c->ids), interpret_data(host, c->eot), round);
}

/* ---- finite differences, on the host ---- */

/* loss(p + t * direction) in double */
static double loss_at(const struct clip *c, struct interpret *host, const struct clip_param *p, const float *direction,
                      double t)
{
    float *data = interpret_data(host, p->value);
    uint64_t count = tensor_shape_count(&p->shape);
    clip_values(p, data);
    for (uint64_t i = 0; i < count; i++)
        data[i] = (float)(data[i] + t * direction[i]);
    interpret_run(host);
    clip_values(p, data);
    return *(float *)interpret_data(host, c->loss);
}

/* Slope of the loss along a direction by a five-point stencil. */
static double slope(const struct clip *c, struct interpret *host, const struct clip_param *p, const float *direction)
{
    double h = 1.0 / 32 / (1 + 4 * p->scale);
    double near_ = loss_at(c, host, p, direction, h) - loss_at(c, host, p, direction, -h);
    double far_ = loss_at(c, host, p, direction, 2 * h) - loss_at(c, host, p, direction, -2 * h);
    return (8 * near_ - far_) / (12 * h);
}

static void test_differences(void)
{
    struct clip forward = {.graph = new_graph(), .bind = bind_input}, c = {.graph = new_graph(), .bind = bind_input};
    struct interpret host_forward, host;
    op_value of[MAX_PARAMS], grads[MAX_PARAMS];
    float direction[1024];
    clip_record(&forward);
    clip_record(&c);
    for (uint32_t p = 0; p < c.count; p++)
        of[p] = c.param[p].value;
    CHECK_EQ(graph_backward(c.graph, c.loss, of, c.count, grads), MIEN_OK);
    interpret_open(&host, c.graph);
    interpret_open(&host_forward, forward.graph);
    host_fill(&c, &host, 0);
    host_fill(&forward, &host_forward, 0);
    interpret_run(&host);
    for (uint32_t p = 0; p < c.count; p++) {
        const struct clip_param *param = &forward.param[p];
        const float *grad = grads[p] == OP_NONE ? NULL : interpret_data(&host, grads[p]);
        uint64_t count = tensor_shape_count(&param->shape);
        double rule = 0;
        CHECK(grad != NULL);
        fill_normal(direction, count, "direction", 1 / sqrt((double)count));
        for (uint64_t i = 0; grad && i < count; i++)
            rule += (double)direction[i] * grad[i];
        double fd = slope(&forward, &host_forward, param, direction);
        /* a float loss of about 1 is rounded to 6e-8, divided by h ~ 1/64: 1e-5 of noise; a wrong factor in any rule
         * shows as a good part of slopes of 1e-2 and more */
        if (!(fabs(fd - rule) <= 2e-5 + 1e-3 * fabs(rule)))
            printf("%s: %.8g by differences, %.8g by the rules\n", param->name, fd, rule);
        CHECK(fabs(fd - rule) <= 2e-5 + 1e-3 * fabs(rule));
    }
    interpret_close(&host);
    interpret_close(&host_forward);
    graph_destroy(&forward.graph);
    graph_destroy(&c.graph);
}

/* ---- views of parts and joins ---- */

struct pieces {
    struct graph *graph;
    op_value x, loss, grad;
};

/* Overlapping, repeated and missing rows of gelu(x [6,64]), each bent again, joined and summed. */
static void pieces_record(struct pieces *p, bool backward)
{
    static const uint64_t first[] = {64, 0, 192, 64, 128}, rows[] = {1, 2, 2, 1, 2};
    struct op_attr attr = {.activation = OP_ACT_GELU};
    op_value part[5];
    *p = (struct pieces){.graph = new_graph(), .grad = OP_NONE};
    p->x = graph_input(p->graph, "x", SHAPE_F32(6, 64));
    op_value y = GRAPH_OP(p->graph, &op_activation, &attr, p->x);
    for (uint32_t i = 0; i < 5; i++) {
        part[i] = graph_view(p->graph, y, SHAPE_F32((uint32_t)rows[i], 64), first[i]);
        if (i != 1)
            part[i] = GRAPH_OP(p->graph, &op_activation, &attr, part[i]);
    }
    op_value join = graph_join(p->graph, part, 5, SHAPE_F32(8, 64));
    p->loss = GRAPH_OP(p->graph, &op_sum, NULL, GRAPH_OP(p->graph, &op_activation, &attr, join));
    graph_output(p->graph, p->loss);
    if (backward)
        CHECK_EQ(graph_backward(p->graph, p->loss, &p->x, 1, &p->grad), MIEN_OK);
}

static double pieces_loss(struct pieces *p, struct interpret *host, uint32_t element, double step)
{
    float *x = interpret_data(host, p->x), kept = x[element];
    x[element] = (float)(kept + step);
    interpret_run(host);
    x[element] = kept;
    return *(float *)interpret_data(host, p->loss);
}

/* The gradient on the host against differences, then the device's against the host's. */
static void test_pieces(struct gpu *gpu)
{
    struct pieces p, forward;
    struct interpret host, host_forward;
    pieces_record(&p, true);
    pieces_record(&forward, false);
    interpret_open(&host, p.graph);
    interpret_open(&host_forward, forward.graph);
    float *x = interpret_data(&host, p.x);
    fill_normal(x, 384, "pieces", 1);
    memcpy(interpret_data(&host_forward, forward.x), x, 384 * sizeof(float));
    interpret_run(&host);
    const float *grad = interpret_data(&host, p.grad);
    for (uint32_t i = 0; i < 384; i += 7) {
        const double h = 1.0 / 16;
        double near_ = pieces_loss(&forward, &host_forward, i, h) - pieces_loss(&forward, &host_forward, i, -h);
        double far_ = pieces_loss(&forward, &host_forward, i, 2 * h) - pieces_loss(&forward, &host_forward, i, -2 * h);
        /* a float sum of some hundreds is rounded to 2e-5, over 12 h; h^4 of three bends leaves some 1e-4 */
        CHECK_NEAR((8 * near_ - far_) / (12 * h), grad[i], 2e-3);
    }
    for (uint32_t i = 320; i < 384; i++)
        CHECK(grad[i] == 0); /* the last row is in no view */
    if (gpu) {
        struct graph_program *program = NULL;
        graph_output(p.graph, p.grad);
        CHECK_EQ(graph_compile(p.graph, gpu->device, NULL, &program), MIEN_OK);
        memcpy(graph_program_input(program, 0, p.x), x, 384 * sizeof(float));
        CHECK_EQ(graph_program_run(program), MIEN_OK);
        CHECK(nmse(graph_program_output(program, 0, p.grad), grad, 384) < 1e-11);
        graph_program_destroy(&program);
    }
    interpret_close(&host);
    interpret_close(&host_forward);
    graph_destroy(&p.graph);
    graph_destroy(&forward.graph);
}

/* ---- the device ---- */

struct trainer {
    struct gpu *gpu;
    struct clip clip;
    struct tensor weight[MAX_PARAMS], m[MAX_PARAMS], v[MAX_PARAMS];
    op_value hyper, norm, m_value[MAX_PARAMS], v_value[MAX_PARAMS], grad[MAX_PARAMS], updated[MAX_PARAMS];
};

static struct tensor zeros(struct gpu *gpu, struct tensor_shape shape)
{
    return make_tensor(gpu, shape, "zeros", 0);
}

static op_value bind_weight(void *user, struct graph *graph, const struct clip_param *param)
{
    struct trainer *t = user;
    struct tensor *tensor = &t->weight[t->clip.count - 1];
    float *data = base_alloc(tensor_shape_count(&param->shape), sizeof(float));
    *tensor = zeros(t->gpu, param->shape);
    clip_values(param, data);
    CHECK_EQ(tensor_upload(t->gpu->device, tensor, data), MIEN_OK);
    base_free(data);
    return graph_bound(graph, param->name, tensor);
}

/* forward, backward, clipping by the global norm, AdamW in place: one program */
static void trainer_open(struct trainer *t, struct gpu *gpu)
{
    struct clip *c = &t->clip;
    op_value of[MAX_PARAMS], squares[MAX_PARAMS], out[OP_MAX_OUT];
    struct op_attr attr = {.value = 1};
    *t = (struct trainer){.gpu = gpu, .clip = {.graph = new_graph(), .bind = bind_weight, .user = t}};
    struct graph *g = c->graph;
    clip_record(c);
    for (uint32_t p = 0; p < c->count; p++)
        of[p] = c->param[p].value;
    CHECK_EQ(graph_backward(g, c->loss, of, c->count, t->grad), MIEN_OK);
    graph_push(g, "optimizer");
    t->hyper = graph_input(g, "hyper", SHAPE_F32(HYPER_COUNT));
    for (uint32_t p = 0; p < c->count; p++)
        squares[p] = GRAPH_OP(g, &op_sum_squares, NULL, t->grad[p]);
    op_value partials = graph_join(g, squares, c->count, SHAPE_F32(c->count, 64));
    t->norm = GRAPH_OP(g, &op_clip_factor, NULL, partials, t->hyper);
    graph_output(g, t->norm);
    for (uint32_t p = 0; p < c->count; p++) {
        t->m[p] = zeros(gpu, c->param[p].shape);
        t->v[p] = zeros(gpu, c->param[p].shape);
        t->m_value[p] = graph_bound(g, "m", &t->m[p]);
        t->v_value[p] = graph_bound(g, "v", &t->v[p]);
        op_value in[] = {of[p], t->m_value[p], t->v_value[p], t->grad[p], t->hyper, t->norm};
        graph_op(g, &op_adamw, &attr, in, BASE_COUNT(in), out);
        t->updated[p] = out[0];
    }
    graph_pop(g);
    CHECK_EQ(graph_status(g), MIEN_OK);
}

static void trainer_close(struct trainer *t)
{
    for (uint32_t p = 0; p < t->clip.count; p++) {
        tensor_destroy(t->gpu->device, &t->weight[p]);
        tensor_destroy(t->gpu->device, &t->m[p]);
        tensor_destroy(t->gpu->device, &t->v[p]);
    }
    graph_destroy(&t->clip.graph);
}

static void device_fill(struct trainer *t, struct graph_program *program, uint32_t slot, uint32_t step)
{
    const struct clip *c = &t->clip;
    clip_batch(graph_program_input(program, slot, c->patches), graph_program_input(program, slot, c->ids),
               graph_program_input(program, slot, c->eot), step);
    clip_hyper(graph_program_input(program, slot, t->hyper), step + 1);
}

static struct graph_program *trainer_compile(struct trainer *t, struct graph_compile_params params, bool outputs)
{
    struct graph_program *program = NULL;
    for (uint32_t p = 0; outputs && p < t->clip.count; p++)
        graph_output(t->clip.graph, t->grad[p]);
    params.label = "tiny CLIP step";
    CHECK_EQ(graph_compile(t->clip.graph, t->gpu->device, &params, &program), MIEN_OK);
    return program;
}

/* Starts the host's copy of a trainer: weights, zero moments. */
static void trainer_interpret(struct trainer *t, struct interpret *host)
{
    interpret_open(host, t->clip.graph);
    for (uint32_t p = 0; p < t->clip.count; p++)
        clip_values(&t->clip.param[p], interpret_data(host, t->clip.param[p].value));
}

static void host_step(struct trainer *t, struct interpret *host, uint32_t step)
{
    const struct clip *c = &t->clip;
    clip_batch(interpret_data(host, c->patches), interpret_data(host, c->ids), interpret_data(host, c->eot), step);
    clip_hyper(interpret_data(host, t->hyper), step + 1);
    interpret_run(host);
}

/* The largest gradient component of all: against it the ones whose exact value is 0 are judged. */
static double largest_gradient(const struct trainer *t, const struct interpret *host)
{
    double largest = 0;
    for (uint32_t p = 0; p < t->clip.count; p++) {
        const float *grad = interpret_data(host, t->grad[p]);
        for (uint64_t i = 0; i < tensor_shape_count(&t->clip.param[p].shape); i++)
            largest = check_larger(largest, fabs((double)grad[i]));
    }
    return largest;
}

static double largest_difference(const float *a, const float *b, uint64_t count)
{
    double largest = 0;
    for (uint64_t i = 0; i < count; i++)
        largest = check_larger(largest, fabs((double)a[i] - b[i]));
    return largest;
}

/* Gradients by name: NMSE 1e-9, or, where the exact gradient is 0 (a key's bias), within 1e-6 of the largest. */
static void test_device_gradients(struct gpu *gpu)
{
    struct trainer t;
    struct interpret host;
    trainer_open(&t, gpu);
    struct graph_program *program = trainer_compile(&t, (struct graph_compile_params){0}, true);
    device_fill(&t, program, 0, 0);
    CHECK_EQ(graph_program_run(program), MIEN_OK);
    trainer_interpret(&t, &host);
    host_step(&t, &host, 0);
    double largest = largest_gradient(&t, &host), worst = 0;
    for (uint32_t p = 0; p < t.clip.count; p++) {
        const float *have = graph_program_output(program, 0, t.grad[p]), *want = interpret_data(&host, t.grad[p]);
        uint64_t count = tensor_shape_count(&t.clip.param[p].shape);
        double error = nmse(have, want, count), difference = largest_difference(have, want, count);
        bool good = error <= 1e-9 || difference <= 1e-6 * largest;
        if (!good)
            printf("%s: NMSE %g, largest difference %g of %g\n", t.clip.param[p].name, error, difference, largest);
        if (error <= 1e-9)
            worst = fmax(worst, error);
        CHECK(good);
    }
    float loss = *(const float *)graph_program_output(program, 0, t.clip.loss);
    CHECK_NEAR(loss, *(float *)interpret_data(&host, t.clip.loss), 1e-6);
    struct graph_program_stats stats;
    graph_program_stats(program, &stats);
    printf("loss %g, gradients within NMSE %.2g; %u nodes, %u dispatches, %u barriers, %llu activation bytes "
           "(%llu live, %llu unshared)\n",
           (double)loss, worst, stats.nodes, stats.dispatches, stats.barriers,
           (unsigned long long)stats.activation_bytes, (unsigned long long)stats.live_bytes,
           (unsigned long long)stats.unaliased_bytes);
    CHECK(stats.activation_bytes < stats.unaliased_bytes);
    CHECK(stats.barriers < stats.dispatches);
    interpret_close(&host);
    graph_program_destroy(&program);
    trainer_close(&t);
}

enum { STEPS = 8 };

/* Trains with both slots in flight; weights of all parameters, one after another, go to *weights (base_alloc'ed). */
static uint64_t device_train(struct gpu *gpu, struct graph_compile_params params, double *losses, float **weights)
{
    struct vk_memory_stats before, after;
    struct graph_program_stats stats;
    struct trainer t;
    uint64_t count = 0, at = 0;
    trainer_open(&t, gpu);
    struct graph_program *program = trainer_compile(&t, params, false);
    uint64_t allocations = base_alloc_count();
    vk_memory_stats(gpu->device, &before);
    graph_program_stats(program, &stats);
    CHECK((stats.slices > 20) == (params.slice_flops > 0));
    for (uint32_t step = 0; step <= STEPS; step++) {
        uint32_t slot = step % 2;
        if (step < STEPS) {
            device_fill(&t, program, slot, step);
            CHECK_EQ(graph_program_submit(program, slot), MIEN_OK);
        }
        if (step == 0)
            continue;
        CHECK_EQ(graph_program_wait(program, !slot), MIEN_OK);
        losses[step - 1] = *(const float *)graph_program_output(program, !slot, t.clip.loss);
    }
    CHECK_EQ(base_alloc_count(), allocations);
    vk_memory_stats(gpu->device, &after);
    CHECK_EQ(after.allocations, before.allocations);
    CHECK_EQ(after.blocks, before.blocks);
    for (uint32_t p = 0; p < t.clip.count; p++)
        count += tensor_shape_count(&t.clip.param[p].shape);
    *weights = base_alloc(count, sizeof(float));
    for (uint32_t p = 0; p < t.clip.count; p++) {
        CHECK_EQ(tensor_download(gpu->device, &t.weight[p], *weights + at), MIEN_OK);
        at += tensor_shape_count(&t.clip.param[p].shape);
    }
    graph_program_destroy(&program);
    trainer_close(&t);
    return count;
}

/* The same steps by references. AdamW divides by the root of squared gradients, so that rounding of gradients near 0
 * moves a weight by as much as lr: weights are compared as a whole. */
static void compare_with_host(struct gpu *gpu, const double *losses, const float *weights, uint64_t count)
{
    struct trainer t;
    struct interpret host;
    double error = 0, power = 0;
    uint64_t at = 0;
    trainer_open(&t, gpu);
    trainer_interpret(&t, &host);
    for (uint32_t step = 0; step < STEPS; step++) {
        host_step(&t, &host, step);
        CHECK_NEAR(losses[step], *(float *)interpret_data(&host, t.clip.loss), 2e-4);
    }
    for (uint32_t p = 0; p < t.clip.count; p++) {
        const float *want = interpret_data(&host, t.updated[p]);
        for (uint64_t i = 0; i < tensor_shape_count(&t.clip.param[p].shape); i++, at++) {
            error += pow((double)weights[at] - want[i], 2);
            power += pow((double)want[i], 2);
        }
    }
    CHECK_EQ(at, count);
    printf("weights after %d steps: NMSE %.2g, loss %.4f -> %.4f\n", STEPS, error / power, losses[0],
           losses[STEPS - 1]);
    CHECK(error / power < 1e-5);
    interpret_close(&host);
    trainer_close(&t);
}

/* The same bits again, wherever memory lies, however the recording is cut, whether sums are fused or not. */
static void test_training(struct gpu *gpu)
{
    static const struct graph_compile_params styles[] = {
        {.no_alias = true}, {.slice_flops = 20000}, {.no_fuse = true}, {.label = NULL}};
    double losses[STEPS], again[STEPS];
    float *weights = NULL, *weights2 = NULL;
    uint64_t count = device_train(gpu, (struct graph_compile_params){0}, losses, &weights);
    for (uint32_t i = 0; i < BASE_COUNT(styles); i++) {
        device_train(gpu, styles[i], again, &weights2);
        CHECK(memcmp(losses, again, sizeof(losses)) == 0);
        CHECK(memcmp(weights, weights2, count * sizeof(float)) == 0);
        base_free(weights2);
    }
    compare_with_host(gpu, losses, weights, count);
    base_free(weights);
}

int main(void)
{
    struct gpu gpu;
    test_differences();
    if (!gpu_open(&gpu)) {
        printf("no Vulkan device: only the host's part was run\n");
        test_pieces(NULL);
        return check_result();
    }
    test_pieces(&gpu);
    test_device_gradients(&gpu);
    test_training(&gpu);
    gpu_close(&gpu);
    return check_result();
}
