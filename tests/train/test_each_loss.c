/* Every loss that the build finds: what it records, from a matrix of scores and streamed, is its own formula on the
 * host, and its gradients are the slope of that formula. */
#include "check.h"

#include "train/loss.h"

#include <math.h>

enum { PAIRS = 5, WIDTH = 8, SIZE = PAIRS * WIDTH };

/* fp32 against double; slopes are of differences over 2e-5. */
#define LOSS_MAX 2e-6
#define SLOPE_MAX 2e-5

struct pairs {
    struct train_host_term term; /* first, so that a term is its pairs */
    double u[SIZE], v[SIZE];
    double scale, scalars[IO_SCALARS_MAX];
};

static double score(const struct train_host_term *term, uint32_t image, uint32_t text)
{
    const struct pairs *p = (const struct pairs *)(const void *)term;
    double sum = 0;
    for (uint32_t k = 0; k < WIDTH; k++)
        sum += p->u[image * WIDTH + k] * p->v[text * WIDTH + k];
    return p->scale * sum;
}

/* Unit rows, as fp32 holds them. */
static void draw(double *rows, const char *name)
{
    struct base_rng rng = base_rng_make(11, name, 0, 0);
    for (uint32_t i = 0; i < PAIRS; i++) {
        double *row = rows + (size_t)i * WIDTH, square = 0;
        for (uint32_t k = 0; k < WIDTH; k++) {
            row[k] = base_rng_normal(&rng);
            square += row[k] * row[k];
        }
        for (uint32_t k = 0; k < WIDTH; k++)
            row[k] = (double)(float)(row[k] / sqrt(square));
    }
}

static struct io_clip_config small_config(void)
{
    static const struct io_tower_config tower = {
        .width = 12, .mlp = 20, .layers = 1, .heads = 3, .act = IO_ACT_QUICK_GELU, .eps = 1e-5};
    struct io_clip_config c;
    io_clip_config_default(&c);
    c.vision.tower = c.text.tower = tower;
    c.vision.image = 12;
    c.vision.patch = 4;
    c.text.vocab = 50;
    c.text.context = 16;
    c.text.bos = 48;
    c.text.eos = c.text.pad = 49;
    c.embed = WIDTH;
    c.logit_scale_init = 1.5;
    return c;
}

/* One form of a loss in a graph. */
struct recorded {
    op_value u, v, loss, grads[2];
};

static void record(struct nn_scope *scope, const struct train_config *config, const struct train_loss *loss,
                   bool streamed, struct recorded *out)
{
    const struct op_mining mining = {.kind = OP_MINING_NONE};
    struct graph *graph = scope->graph;
    struct train_recorded made = {OP_NONE, OP_NONE};
    out->u = graph_input(graph, "u", SHAPE_F32(PAIRS, WIDTH));
    out->v = graph_input(graph, "v", SHAPE_F32(PAIRS, WIDTH));
    struct train_term term = {.scope = scope,
                              .config = config,
                              .mining = &mining,
                              .u = out->u,
                              .v = out->v,
                              .scores = OP_NONE,
                              .text_similarity = OP_NONE,
                              .image_similarity = OP_NONE,
                              .text_guide = OP_NONE,
                              .image_guide = OP_NONE,
                              .same = OP_NONE,
                              .weights = OP_NONE};
    if (!streamed) {
        const struct op_attr transposed = {.trans_b = true};
        term.scores = GRAPH_OP(graph, &op_matmul, &transposed, out->u, out->v, OP_NONE, OP_NONE);
    }
    loss->record(&term, &made);
    out->loss = made.loss;
    const op_value of[] = {out->u, out->v};
    graph_backward(graph, out->loss, of, 2, out->grads);
    graph_output(graph, out->loss);
    graph_output(graph, out->grads[0]);
    graph_output(graph, out->grads[1]);
}

static void check_slopes(const struct train_loss *loss, struct pairs *p, double *rows, const float *grads)
{
    for (uint32_t i = 0; i < SIZE; i++) {
        const double step = 1e-5, value = rows[i];
        rows[i] = value + step;
        double above = loss->on_host(&p->term) / PAIRS;
        rows[i] = value - step;
        double below = loss->on_host(&p->term) / PAIRS;
        rows[i] = value;
        CHECK_NEAR((double)grads[i], (above - below) / (2 * step), SLOPE_MAX);
    }
}

static void run(const struct train_loss *loss, bool streamed, struct nn_scope *scope, struct pairs *p)
{
    enum mien_status status = MIEN_OK;
    struct graph_program *program = NULL;
    struct recorded r;
    record(scope, p->term.config, loss, streamed, &r);
    TRY(graph_compile(scope->graph, scope->model->device, NULL, &program));
    float *u = graph_program_input(program, 0, r.u), *v = graph_program_input(program, 0, r.v);
    for (uint32_t i = 0; i < SIZE; i++) {
        u[i] = (float)p->u[i];
        v[i] = (float)p->v[i];
    }
    TRY(graph_program_submit(program, 0));
    TRY(graph_program_wait(program, 0));
    double got = (double)*(const float *)graph_program_output(program, 0, r.loss);
    double want = loss->on_host(&p->term) / PAIRS;
    printf("%s%s: %.7f, on the host %.7f\n", loss->word.name, streamed ? " streamed" : "", got, want);
    CHECK(want > 0.01);
    CHECK_NEAR(got, want, LOSS_MAX * want);
    check_slopes(loss, p, p->u, graph_program_output(program, 0, r.grads[0]));
    check_slopes(loss, p, p->v, graph_program_output(program, 0, r.grads[1]));
fail:
    CHECK_EQ(status, MIEN_OK);
    graph_program_destroy(&program);
}

static void test_loss(struct vk_device *device, const struct train_loss *loss, bool streamed)
{
    enum mien_status status = MIEN_OK;
    struct io_clip_config config = small_config();
    struct nn_model *model = NULL;
    struct graph *graph = NULL;
    struct nn_scope scope = {0};
    struct train_config *defaults = NULL;
    struct pairs p = {.term = {.count = PAIRS, .score = score}, .scale = exp(1.5)};
    p.term.scalars = p.scalars;
    draw(p.u, "u");
    draw(p.v, "v");
    for (uint32_t i = 0; loss->scalars && loss->scalars[i].name[0]; i++)
        p.scalars[i] = (double)(float)loss->scalars[i].init;
    TRY(train_config_default(&defaults));
    p.term.config = defaults;
    TRY(io_clip_scalars_add(&config, loss->scalars));
    TRY(nn_model_create(device, &config, MIEN_F32, &model));
    TRY(nn_model_init(model, 7));
    TRY(graph_create(&graph));
    TRY(nn_scope_open(&scope, graph, model, true));
    run(loss, streamed, &scope, &p);
fail:
    CHECK_EQ(status, MIEN_OK);
    nn_scope_close(&scope);
    graph_destroy(&graph);
    nn_model_destroy(&model);
    train_config_destroy(&defaults);
}

int main(void)
{
    struct vk_instance *instance = NULL;
    struct vk_device *device = NULL;
    uint32_t index = 0, count = 0;
    if (vk_instance_create(NULL, &instance) != MIEN_OK || vk_instance_choose(instance, NULL, &index) != MIEN_OK)
        CHECK_SKIP("no Vulkan device");
    CHECK_EQ(vk_device_create(instance, index, NULL, &device), MIEN_OK);
    for (; device && train_losses[count]; count++) {
        CHECK(train_losses[count]->word.help != NULL);
        test_loss(device, train_losses[count], false);
        test_loss(device, train_losses[count], true);
    }
    CHECK(count >= 2);
    vk_device_destroy(&device);
    vk_instance_destroy(&instance);
    return check_result();
}
