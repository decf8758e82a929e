/* What a step's activations take where transformer blocks store them in 16 bits, planned without a device. */
#include "check.h"

#include "nn/nn.h"

enum { BATCH = 64 };

/* The activations and gradients of a contrastive step on a ViT-B/32: towers, loss, the gradients of all weights. */
static uint64_t activations(enum mien_dtype stored)
{
    enum mien_status status = MIEN_OK;
    struct io_clip_config config;
    struct nn_model *model = NULL;
    struct nn_scope scope = {0};
    struct graph *graph = NULL;
    struct graph_program_stats stats = {0};
    struct vk_caps caps;
    op_value *grads = NULL;
    io_clip_config_default(&config);
    vk_caps_typical(VK_CLASS_DESKTOP, &caps);
    TRY(nn_model_create(NULL, &config, MIEN_F32, &model));
    TRY(graph_create(&graph));
    TRY(nn_scope_open(&scope, graph, model, true));
    scope.stored = stored;
    grads = base_alloc(model->stack_count, sizeof(*grads));
    FAIL_IF_NULL(grads, "gradients");
    op_value pixels = graph_input(graph, "pixels", SHAPE_F32(BATCH, 3, config.vision.image, config.vision.image));
    op_value ids = graph_input(graph, "ids", SHAPE_I32(BATCH, config.text.context));
    op_value eot = graph_input(graph, "eot", SHAPE_I32(BATCH));
    op_value u = nn_unit_rows(&scope, nn_image_tower(&scope, pixels));
    op_value v = nn_unit_rows(&scope, nn_text_tower(&scope, ids, eot));
    op_value loss = nn_clip_loss(&scope, u, v);
    TRY(graph_backward(graph, loss, scope.values, model->stack_count, grads));
    graph_output(graph, loss);
    for (uint32_t i = 0; i < model->stack_count; i++)
        graph_output(graph, grads[i]); /* all are there when clipping sums their squares */
    TRY(graph_plan(graph, &caps, NULL, &stats));
fail:
    CHECK_EQ(status, MIEN_OK);
    base_free(grads);
    nn_scope_close(&scope);
    graph_destroy(&graph);
    nn_model_destroy(&model);
    return stats.activation_bytes;
}

int main(void)
{
    static const enum mien_dtype half[] = {MIEN_BF16, MIEN_F16};
    double whole = (double)activations(MIEN_F32);
    for (size_t i = 0; i < BASE_COUNT(half); i++) {
        double share = (double)activations(half[i]) / whole;
        printf("ViT-B/32, batch %d, %s: %.3f of the %.0f MiB of f32\n", BATCH, mien_dtype_name(half[i]), share,
               whole / (1 << 20));
        /* of 16 values of a token that a block keeps, 14 in half the bytes: 0.5625, and what is not of blocks */
        CHECK(share <= 0.6);
    }
    return check_result();
}
