/* test_units.c: which products of a model go to matrix units, from plans made without a device: those of towers,
 * projections and heads, forward and backward, where activations or weights are stored in 16 bits; never the loss's. */
#include "check.h"

#include "nn/nn.h"

enum { BATCH = 32, IMAGES = 1, TEXTS = 2, CLIPS = 4, STEP = 8 };

/* What is planned: a step's forward and backward pass with activations stored so, or towers whose weights are. */
struct plan {
    uint32_t parts;
    enum mien_dtype stored, weights;
};

struct counted {
    uint32_t on_units, elsewhere;
    uint32_t loss, loss_on_units;
    uint32_t attention, attention_on_units;
    char first[160]; /* of those elsewhere */
};

/* A line of the plan: "step 3: label op variant shapes". */
static void count_line(void *user, const char *line)
{
    struct counted *c = user;
    char label[96], op[48], variant[64];
    if (sscanf(line, "step %*u: %95s %47s %63s", label, op, variant) != 3)
        return;
    c->attention += strncmp(op, "attention", strlen("attention")) == 0; /* and its gradient */
    c->attention_on_units += strncmp(variant, "attention_fwd_cm", strlen("attention_fwd_cm")) == 0 ||
                             strncmp(variant, "attention_bwd_kv_cm", strlen("attention_bwd_kv_cm")) == 0;
    if (strcmp(op, "matmul") != 0)
        return;
    bool unit = strncmp(variant, "matmul_fwd_cm", strlen("matmul_fwd_cm")) == 0;
    if (strncmp(label, "loss", 4) == 0) {
        c->loss++;
        c->loss_on_units += unit;
        return;
    }
    if (!unit && c->elsewhere == 0)
        snprintf(c->first, sizeof c->first, "%s", line);
    c->on_units += unit;
    c->elsewhere += !unit;
}

/* ViT-B/32 with three layers, a transformer of clips and a head. */
static void config_of(struct io_clip_config *c)
{
    io_clip_config_default(c);
    c->vision.tower.layers = c->text.tower.layers = 3;
    c->temporal = (struct io_temporal_config){2, 8, 64, 1024, 33};
    c->head = (struct io_head_config){.kind = IO_HEAD_REGRESSION, .hidden = 256, .targets = 1, .std = {1}};
    snprintf(c->head.name[0], sizeof c->head.name[0], "valence");
}

static op_value images_of(struct nn_scope *s, uint32_t count)
{
    uint32_t side = s->model->config.vision.image;
    return nn_image_tower(s, graph_input(s->graph, "pixels", SHAPE_F32(count, 3, side, side)));
}

static op_value texts_of(struct nn_scope *s)
{
    op_value ids = graph_input(s->graph, "ids", SHAPE_I32(BATCH, s->model->config.text.context));
    return nn_text_tower(s, ids, graph_input(s->graph, "eot", SHAPE_I32(BATCH)));
}

static op_value clips_of(struct nn_scope *s)
{
    return nn_temporal_tower(s, graph_input(s->graph, "frames", SHAPE_F32(BATCH, 32, s->model->config.embed)));
}

/* A contrastive loss of pictures and texts, and one of what the head says of clips. */
static enum mien_status record_step(struct nn_scope *s, op_value *grads)
{
    enum mien_status status = MIEN_OK;
    op_value u = nn_unit_rows(s, images_of(s, BATCH)), v = nn_unit_rows(s, texts_of(s));
    op_value out[2] = {nn_clip_loss(s, u, v), nn_head(s, clips_of(s))}, seeds[2];
    for (int i = 0; i < 2; i++)
        seeds[i] = graph_input(s->graph, "gradient", graph_shape(s->graph, out[i]));
    TRY(graph_backward_from(s->graph, out, seeds, 2, s->values, s->model->stack_count, grads));
    for (uint32_t i = 0; i < s->model->stack_count; i++)
        if (grads[i] != OP_NONE)
            graph_output(s->graph, grads[i]);
fail:
    return status;
}

static struct counted count(const struct vk_caps *caps, const struct plan *plan)
{
    enum mien_status status = MIEN_OK;
    struct io_clip_config config;
    struct nn_model *model = NULL;
    struct nn_scope scope = {0};
    struct graph *graph = NULL;
    struct graph_program_stats stats;
    struct counted counted = {0};
    op_value *grads = NULL;
    config_of(&config);
    TRY(nn_model_create(NULL, &config, plan->weights, &model));
    TRY(graph_create(&graph));
    TRY(nn_scope_open(&scope, graph, model, plan->parts & STEP));
    scope.stored = plan->stored;
    scope.same_order = !(plan->parts & STEP);
    grads = base_alloc(model->stack_count, sizeof(*grads));
    FAIL_IF_NULL(grads, "gradients");
    if (plan->parts & STEP)
        TRY(record_step(&scope, grads));
    if (plan->parts & IMAGES)
        graph_output(graph, images_of(&scope, 1));
    if (plan->parts & TEXTS)
        graph_output(graph, texts_of(&scope));
    if (plan->parts & CLIPS)
        graph_output(graph, nn_head(&scope, clips_of(&scope)));
    TRY(graph_plan(graph, caps, &(struct graph_compile_params){.dump = count_line, .dump_user = &counted}, &stats));
fail:
    CHECK_EQ(status, MIEN_OK);
    base_free(grads);
    nn_scope_close(&scope);
    graph_destroy(&graph);
    nn_model_destroy(&model);
    return counted;
}

static void check_all(const struct vk_caps *caps, struct plan plan, bool units)
{
    struct counted c = count(caps, &plan);
    uint32_t expected = plan.parts & STEP ? 109 : plan.parts & IMAGES ? 14 : plan.parts & TEXTS ? 13 : 10;
    printf("activations %s, weights %s: %u products on matrix units, %u elsewhere%s%s\n", mien_dtype_name(plan.stored),
           mien_dtype_name(plan.weights), c.on_units, c.elsewhere, units && c.elsewhere ? ": " : "",
           units ? c.first : "");
    CHECK_EQ(c.on_units, units ? expected : 0);
    CHECK_EQ(c.elsewhere, units ? 0 : expected);
    /* attention's operands are what is stored: f32 where only weights are 16 bits */
    CHECK_EQ(c.attention, plan.parts & STEP ? 2 * 8 : plan.parts & CLIPS ? 2 : 3);
    CHECK_EQ(c.attention_on_units, units && plan.stored != MIEN_F32 ? c.attention : 0);
    CHECK_EQ(c.loss, plan.parts & STEP ? 3 : 0);
    CHECK_EQ(c.loss_on_units, 0);
}

int main(void)
{
    static const enum mien_dtype half[] = {MIEN_BF16, MIEN_F16};
    struct vk_caps caps, poor;
    vk_caps_typical(VK_CLASS_DESKTOP, &caps);
    caps.features &= ~(uint32_t)(VK_CAP_COOPMAT | VK_CAP_COOPMAT_BF16);
    poor = caps;
    caps.features |= VK_CAP_COOPMAT | VK_CAP_COOPMAT_BF16;
    caps.coopmat = caps.coopmat_bf16 = (struct vk_matrix){16, 16, 16};
    check_all(&caps, (struct plan){STEP, MIEN_F32, MIEN_F32}, false);
    check_all(&caps, (struct plan){IMAGES, MIEN_F32, MIEN_F32}, false);
    for (size_t i = 0; i < BASE_COUNT(half); i++) {
        check_all(&caps, (struct plan){STEP, half[i], MIEN_F32}, true);
        check_all(&caps, (struct plan){IMAGES, MIEN_F32, half[i]}, true);
        check_all(&caps, (struct plan){TEXTS, MIEN_F32, half[i]}, true);
        check_all(&caps, (struct plan){CLIPS, MIEN_F32, half[i]}, true);
        check_all(&poor, (struct plan){STEP, half[i], MIEN_F32}, false);
    }
    caps.features &= ~(uint32_t)VK_CAP_COOPMAT_BF16; /* f16 does not hold bf16's range */
    check_all(&caps, (struct plan){STEP, MIEN_BF16, MIEN_F32}, false);
    return check_result();
}
