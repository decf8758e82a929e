/* shapes.c: matmul, fp32 and with operands that may be rounded to f16, at the peak's size, as ViT-B's MLP on 16 texts
 * of 37 tokens and as a projection of 32 images of 50, in the three forms of a step (B stored [K,N] or, as weights are,
 * [N,K]; A stored [K,M]); attention of ViT-B/32, ViT-B/16 and L/14 on 64 images, of f32 and, rounded, of f16. */
#include "shapes.h"

#define TA .trans_a = true
#define TB .trans_b = true
#define PRODUCT(name_, m, n, k, ...)                                                                                   \
    {.name = name_ " " #m "x" #n "x" #k ", B [K,N]", .attr = {__VA_ARGS__}, .in = {{m, k}, {k, n}}},                   \
        {.name = name_ " " #m "x" #n "x" #k ", B [N,K]", .attr = {TB, __VA_ARGS__}, .in = {{m, k}, {n, k}}},           \
    {                                                                                                                  \
        .name = name_ " " #m "x" #n "x" #k ", A [K,M]", .attr = {TA, __VA_ARGS__}, .in = { {k, m}, {k, n} }            \
    }
#define ATTENTION(t)                                                                                                   \
    {                                                                                                                  \
        .name = "attention T = " #t, .attr = {.heads = 12}, .in = { {64, t, 3 * 768} }                                 \
    }
#define ATTENTION_F16(t)                                                                                               \
    {                                                                                                                  \
        .name = "f16 attention, T = " #t, .attr = {.heads = 12, .dtype = MIEN_F16, .precision = MIEN_F16},             \
        .dtype = MIEN_F16, .in = {                                                                                     \
            {64, t, 3 * 768}                                                                                           \
        }                                                                                                              \
    }

static const struct op_case products[] = {
    PRODUCT("matmul", 4096, 4096, 4096, .precision = MIEN_F32),
    PRODUCT("matmul", 592, 3072, 768, .precision = MIEN_F32),
    PRODUCT("matmul", 1600, 768, 768, .precision = MIEN_F32),
    PRODUCT("f16 matmul", 4096, 4096, 4096, .precision = MIEN_F16),
    PRODUCT("f16 matmul", 592, 3072, 768, .precision = MIEN_F16),
    PRODUCT("f16 matmul", 1600, 768, 768, .precision = MIEN_F16),
};
static const struct op_case attentions[] = {ATTENTION(50),     ATTENTION(197),     ATTENTION(257),
                                            ATTENTION_F16(50), ATTENTION_F16(197), ATTENTION_F16(257)};

struct check_case shapes_get(size_t index)
{
    _Static_assert(SHAPES == BASE_COUNT(products) + 2 * BASE_COUNT(attentions), "see shapes.h");
    size_t forward = index - BASE_COUNT(products), backward = forward - BASE_COUNT(attentions);
    if (index < BASE_COUNT(products))
        return (struct check_case){.op = &op_matmul, .given = &products[index]};
    if (forward < BASE_COUNT(attentions))
        return (struct check_case){.op = &op_attention, .given = &attentions[forward]};
    return (struct check_case){.op = &op_attention_bwd, .forward = &op_attention, .given = &attentions[backward]};
}
