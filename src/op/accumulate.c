/* accumulate.c: sums over micro-batches, in place: y += x, and y += op(A) op(B) without the product in between. */
#include "op/inner.h"
#include "op/matmul.h"

#include <string.h>

/* ---- accumulate -------------------------------------------------------------------------------------------------- */

static void reference(const struct op_call *call)
{
    const float *y = call->in_data[0], *x = call->in_data[1];
    float *sum = call->out_data[0];
    uint64_t count = tensor_shape_count(&call->in[0]);
    for (uint64_t i = 0; i < count; i++)
        sum[i] = (float)((double)y[i] + (double)x[i]);
}

static const struct op_variant variants[] = {{.name = "accumulate_fwd", .bind = "y x"}, {0}};

static const struct op_case cases[] = {
    {.name = "one", .in = {{1}, {1}}},
    {.name = "3x127", .in = {{3, 127}, {3, 127}}},
    {.name = "long", .in = {{40963}, {40963}}},
    {.name = "weights", .in = {{512, 128}, {512, 128}}, .bench = true},
    {0},
};

static const char no_grad[] = "adds up gradients, behind the backward pass; differentiate add instead";

const struct op_desc op_accumulate = {
    .name = "accumulate",
    .signature = "y[...] x[...] -> y[...]",
    .summary = "y += x, in place",
    .reference = reference,
    .no_grad = no_grad,
    .variants = variants,
    .cases = cases,
    /* one rounding; sums of opposite numbers within a unit of their terms */
    .tolerance = {.abs = 0, .rel = 1.2e-7, .nmse = 1e-13},
    .flops_per_element = 1,
};

/* ---- matmul_add -------------------------------------------------------------------------------------------------- */

enum { SUM, A, B };

/* y += op(A) op(B) as matmul with y as its residual, which its kernels read and write element by element, in the
 * dispatch that ends an element's sum. */
static struct op_call product_of(const struct op_call *call)
{
    struct op_call product = {
        .op = &op_matmul, .attr = call->attr, .in_count = 4, .in = {call->in[A], call->in[B], {0}, call->in[SUM]}};
    product.attr.activation = OP_ACT_NONE;
    product.attr.save_pre = false;
    product.in_data[MATMUL_A] = call->in_data[A];
    product.in_data[MATMUL_B] = call->in_data[B];
    product.in_data[MATMUL_RESIDUAL] = call->in_data[SUM];
    product.out_data[0] = call->out_data[0];
    return product;
}

static enum mien_status matmul_add_shapes(struct op_call *call, const char *label)
{
    struct op_call product = product_of(call);
    struct op_desc named = op_matmul; /* its messages count A and B from 0 */
    named.name = "matmul_add, product of its inputs 1 and 2";
    product.op = &named;
    memset(&product.in[MATMUL_RESIDUAL], 0, sizeof(product.in[0]));
    enum mien_status status = op_call_shapes(&product, label);
    if (status != MIEN_OK)
        return status;
    if (!tensor_shape_equal(&call->in[SUM], &product.out[0]))
        return op_shape_error(call, label, SUM, "of the shape of op(input 1) . op(input 2)");
    return MIEN_OK;
}

static void matmul_add_reference(const struct op_call *call)
{
    struct op_call product = product_of(call);
    if (op_call_shapes(&product, NULL) == MIEN_OK)
        op_matmul.reference(&product);
}

static void matmul_add_plan(struct op_plan *plan)
{
    const struct op_product product = {
        .attr = product_of(plan->call).attr,
        .a_shape = plan->call->in[A],
        .b_shape = plan->call->in[B],
        .a = {OP_IN, A, 0},
        .b = {OP_IN, B, 0},
        .y = {OP_OUT, 0, 0},
        .add = true,
    };
    op_plan_product(plan, &product, (struct op_where){OP_SCRATCH, 0, 0});
}

static const struct op_variant matmul_add_variants[] = {{.name = "matmul_fwd", .steps = matmul_add_plan}, {0}};

#define TA .trans_a = true
#define TB .trans_b = true
static const struct op_case matmul_add_cases[] = {
    {.name = "1x1x1", .in = {{1, 1}, {1, 1}, {1, 1}}},
    {.name = "nn_127x130x513", .in = {{127, 130}, {127, 513}, {513, 130}}},
    {.name = "nt_127x132x516", .attr = {TB}, .in = {{127, 132}, {127, 516}, {132, 516}}},
    {.name = "tn_100x36x513", .attr = {TA}, .in = {{100, 36}, {513, 100}, {513, 36}}},
    {.name = "tt_65x67x33", .attr = {TA, TB}, .in = {{65, 67}, {33, 65}, {67, 33}}},
    {.name = "rows_3x37x12", .attr = {TB}, .in = {{3, 37, 12}, {3, 37, 20}, {12, 20}}},
    {.name = "batch_nn_5x37x36", .in = {{5, 37, 36}, {5, 37, 64}, {5, 64, 36}}},
    {.name = "batch_nt_6x37x37", .attr = {TB}, .in = {{6, 37, 37}, {6, 37, 64}, {6, 37, 64}}},
    {.name = "batch_tn_5x37x64", .attr = {TA}, .in = {{5, 36, 64}, {5, 37, 36}, {5, 37, 64}}},
    {.name = "batch_split", .attr = {TA}, .in = {{3, 8, 12}, {3, 5000, 8}, {3, 5000, 12}}},
    {.name = "nt_split_9k", .attr = {TB}, .in = {{3, 5}, {3, 9001}, {5, 9001}}},
    {.name = "tn_split_20k", .attr = {TA}, .in = {{12, 8}, {20003, 12}, {20003, 8}}},
    {.name = "mlp_up_dw",
     .attr = {TA, .flatten = true},
     .in = {{512, 128}, {16, 37, 512}, {16, 37, 128}},
     .bench = true},
    {0},
};

static double matmul_add_flops(const struct op_call *call)
{
    struct op_call product = product_of(call);
    return op_matmul.flops(&product);
}

const struct op_desc op_matmul_add = {
    .name = "matmul_add",
    .signature = "y[...] A B -> y[...]",
    .summary = "y += op(A) . op(B), in place; A and B apart from y; attr trans_a, trans_b, flatten as matmul's",
    .shapes = matmul_add_shapes,
    .reference = matmul_add_reference,
    .no_grad = no_grad,
    .variants = matmul_add_variants,
    .cases = matmul_add_cases,
    .tolerance = {.abs = 1e-5, .rel = 1e-5, .nmse = 1e-11}, /* matmul's, for matmul's reasons */
    .flops = matmul_add_flops,
};
