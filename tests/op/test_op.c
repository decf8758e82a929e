/* test_op.c: the registry, plans and hazards, without a device. */
#include "args/elements.h"
#include "check.h"
#include "check/check.h"
#include "op/part.h"

#include <stdlib.h>

/* ---- the log, kept to look at ------------------------------------------------------------------------------------ */

static char last_message[512];
static uint32_t messages;

static void keep(void *user, enum mien_log_level level, const char *message)
{
    (void)user, (void)level;
    messages++;
    snprintf(last_message, sizeof(last_message), "%s", message);
}

/* ---- registry ---------------------------------------------------------------------------------------------------- */

static void test_list(void)
{
    CHECK(op_find("add") == &op_add);
    CHECK(op_find("layernorm_bwd") == &op_layernorm_bwd);
    CHECK(op_find("no_such_op") == NULL);
    for (const struct op_desc *const *op = op_list; *op; op++) {
        CHECK(op_find((*op)->name) == *op); /* names are unique */
        CHECK((*op)->summary && (*op)->reference && ((*op)->cases || (*op)->forward[0]));
        CHECK(!(*op)->grad != !((*op)->no_grad || (*op)->forward[0])); /* a rule, or a reason why not */
        for (const struct op_variant *v = (*op)->variants; v && v->name; v++)
            CHECK(op_shader_find(v->name));
    }
    CHECK(op_shader_find("add_fwd"));
    CHECK(!op_shader_find("add"));
}

/* Arithmetic is f32 in every kernel, whatever the device has: 16-bit sums are wrong on several drivers. No module says
 * that it does other arithmetic, but for those whose matrices have f16 operands (their sums are fp32), or needs a
 * SPIR-V newer than what drivers of Vulkan 1.1 take. */
static void test_arithmetic(void)
{
    enum { HEAD = 5, OP_CAPABILITY = 17, INT8 = 39, FLOAT16 = 9, FLOAT64 = 10, INT64 = 11, INT16 = 22, MATRIX = 6022 };
    for (const struct op_shader *s = op_shaders; s->name; s++) {
        CHECK(s->words[1] <= 0x00010300);
        bool half = false, matrices = false;
        for (const uint32_t *w = s->words + HEAD; (*w & 0xffff) == OP_CAPABILITY; w += *w >> 16) {
            half = half || w[1] == FLOAT16;
            matrices = matrices || w[1] == MATRIX;
            CHECK(w[1] != FLOAT64 && w[1] != INT64 && w[1] != INT16 && w[1] != INT8);
        }
        CHECK(!half || matrices);
    }
}

static void test_shapes(void)
{
    struct op_call call = {.op = &op_add, .in_count = 2, .in = {SHAPE_F32(2, 3), SHAPE_F32(2, 3)}};
    CHECK_EQ(op_call_shapes(&call, "here"), MIEN_OK);
    CHECK_EQ(call.out_count, 1);
    CHECK(tensor_shape_equal(&call.out[0], &call.in[0]));

    call.in[1] = SHAPE_F32(3, 2);
    CHECK_EQ(op_call_shapes(&call, "here"), MIEN_ERR_SHAPE);
    CHECK(strstr(last_message, "add at here") && strstr(last_message, "input 1"));
    CHECK(strstr(last_message, "f32[2,3] f32[3,2]"));
    CHECK_EQ(call.out_count, 0);

    call.in[1] = SHAPE_I32(2, 3);
    CHECK_EQ(op_call_shapes(&call, NULL), MIEN_ERR_DTYPE);
    call.in_count = 1;
    CHECK_EQ(op_call_shapes(&call, NULL), MIEN_ERR_ARG);
    call.in_count = 3;
    CHECK_EQ(op_call_shapes(&call, NULL), MIEN_ERR_ARG);

    struct op_call norm = {.op = &op_layernorm, .in_count = 3, .in = {SHAPE_F32(4, 5), SHAPE_F32(5), SHAPE_F32(4)}};
    CHECK_EQ(op_call_shapes(&norm, "vision.ln_pre"), MIEN_ERR_SHAPE);
    CHECK(strstr(last_message, "vision.ln_pre") && strstr(last_message, "input 2"));
}

/* ---- plans ------------------------------------------------------------------------------------------------------- */

static struct vk_caps plain_caps(void)
{
    struct vk_caps caps = {.class_ = VK_CLASS_DESKTOP,
                           .subgroup_size = 1,
                           .max_invocations = 128,
                           .max_local = {128, 128, 64},
                           .max_groups = {65535, 65535, 65535},
                           .max_shared = 16384,
                           .max_push = 128,
                           .max_buffers = 8,
                           .max_range = 128u << 20};
    snprintf(caps.name, sizeof(caps.name), "a device of this test");
    return caps;
}

/* The shapes of an op's first case. */
static struct op_call first_case(const struct op_desc *op)
{
    struct check_case c = {.op = op};
    struct op_call call = {.op = op};
    CHECK(check_case_next(&c));
    CHECK_EQ(check_case_call(&c, &call), MIEN_OK);
    return call;
}

/* The call is refused with that status, and the message names op, place, input and what was given. */
static void check_refused(struct op_call call, uint32_t input, enum mien_status wanted)
{
    char text[64];
    last_message[0] = 0;
    CHECK_EQ(op_call_shapes(&call, "tower.layer"), wanted);
    CHECK_EQ(call.out_count, 0);
    snprintf(text, sizeof(text), "%s at tower.layer: input %u should be ", call.op->name, input);
    CHECK(strstr(last_message, text));
    if (call.in[input].rank) {
        tensor_shape_text(&call.in[input], text, sizeof(text));
        CHECK(strstr(last_message, text));
    }
}

/* Every op, every input: absent, of the wrong type, empty, with one column or row too many. */
static void test_misuse(void)
{
    uint32_t refused = 0;
    for (const struct op_desc *const *op = op_list; *op; op++) {
        const struct op_call good = first_case(*op);
        struct op_call call = good;
        struct op_signature sig;
        op_signature(*op, &sig);
        for (uint32_t i = 0; i < sig.in_count; i++) {
            call = good;
            if (!good.in[i].rank)
                continue;
            call.in[i].dtype = good.in[i].dtype == MIEN_I32 ? MIEN_F32 : MIEN_I32;
            check_refused(call, i, MIEN_ERR_DTYPE);
            call = good;
            call.in[i].dim[0] = 0;
            check_refused(call, i, MIEN_ERR_SHAPE);
            if (!(sig.optional >> i & 1)) {
                call = good;
                call.in[i].rank = 0;
                check_refused(call, i, MIEN_ERR_ARG);
            }
            for (uint32_t d = 0; d < good.in[i].rank; d++) {
                call = good;
                call.in[i].dim[d]++;
                last_message[0] = 0;
                if (op_call_shapes(&call, NULL) == MIEN_OK)
                    continue; /* it may be free */
                CHECK(strstr(last_message, (*op)->name) && strstr(last_message, "should be"));
                CHECK_EQ(call.out_count, 0);
                refused++;
            }
        }
    }
    CHECK(refused > 100);
}

/* The marks of a signature, and what is made of them. */
static void test_signature(void)
{
    struct op_signature sig;
    op_signature(&op_adamw, &sig);
    CHECK(sig.in_count == 6 && sig.out_count == 3 && sig.optional == 1u << 5 && sig.in_place == 7);
    op_signature(&op_max, &sig);
    CHECK(sig.aux_outputs == 2 && sig.index_outputs == 2 && !sig.index_inputs);
    op_signature(&op_matmul, &sig);
    CHECK(sig.half_inputs == 27 && sig.optional == 28 && sig.optional_outputs == 2 && sig.aux_outputs == 2);
    CHECK(sig.stored_outputs == 3);
    op_signature(&op_embedding, &sig);
    CHECK(sig.index_inputs == 2 && op_tensor_named(&sig.in[1], "ids", 3));

    struct op_call call = {.op = &op_tokens_class, .in_count = 3, .in = {SHAPE_F32(2, 3, 5), SHAPE_F32(5)}};
    call.in[2] = SHAPE_F32(3, 5);
    CHECK_EQ(op_call_shapes(&call, "vision"), MIEN_ERR_SHAPE);
    CHECK(strstr(last_message, "input 2 should be pos[G+1,D], here [4,5], as in \"patches[B,G,D] class[D]"));
    call.in[2] = SHAPE_F32(4, 5);
    CHECK_EQ(op_call_shapes(&call, NULL), MIEN_OK);
    CHECK(call.out[0].rank == 3 && call.out[0].dim[1] == 4);

    struct op_call bwd = {.op = &op_select_bwd, .in_count = 2, .in = {SHAPE_F32(2, 5), SHAPE_I32(2)}};
    CHECK_EQ(op_call_shapes(&bwd, "pooling"), MIEN_ERR_ARG);
    CHECK(strstr(last_message, "select_bwd at pooling: output 0 should be dx[B,rows,D], here [2,rows,5]"));

    struct op_call thirds = {.op = &op_attention, .in_count = 1, .in = {SHAPE_F32(2, 5, 13)}};
    CHECK_EQ(op_call_shapes(&thirds, NULL), MIEN_ERR_SHAPE);
    CHECK(strstr(last_message, "input 0 should be qkv[B,T,3D], here [2,5,3D]"));
    thirds.in[0] = SHAPE_F32(2, 5, 12);
    CHECK_EQ(op_call_shapes(&thirds, NULL), MIEN_OK);
    CHECK(thirds.out[0].rank == 3 && thirds.out[0].dim[2] == 4);

    struct op_call ids = {.op = &op_embedding, .in_count = 2, .in = {SHAPE_F32(7, 5), SHAPE_I32(1, 2, 3, 4)}};
    CHECK_EQ(op_call_shapes(&ids, NULL), MIEN_ERR_ARG); /* five dimensions */
    struct op_call flat = {.op = &op_max, .in_count = 1, .in = {SHAPE_F32(7)}};
    CHECK_EQ(op_call_shapes(&flat, NULL), MIEN_OK);
    CHECK(flat.out[1].rank == 1 && flat.out[1].dim[0] == 1 && flat.out[1].dtype == MIEN_I32);
}

static struct tensor_shape in_dtype(struct tensor_shape shape, enum mien_dtype dtype)
{
    shape.dtype = dtype;
    return shape;
}

/* Outputs stored in 16 bits: as attr dtype says, in rows of whole words, beside inputs of one 16-bit type. */
static void test_stored(void)
{
    struct op_signature sig;
    op_signature(&op_layernorm, &sig);
    CHECK(sig.stored_outputs == 1 && sig.half_inputs == 1 && sig.aux_outputs == 6);
    struct op_call call = {.op = &op_layernorm, .in_count = 3, .in = {SHAPE_F32(5, 6), SHAPE_F32(6), SHAPE_F32(6)}};
    CHECK_EQ(op_call_shapes(&call, NULL), MIEN_OK);
    CHECK(call.out[0].dtype == MIEN_F32);
    call.attr.dtype = MIEN_BF16;
    CHECK_EQ(op_call_shapes(&call, "norm"), MIEN_ERR_SHAPE);
    CHECK(strstr(last_message, "layernorm at norm: output 0 has rows of 6 elements; rows stored as bf16 should be"));
    for (uint32_t i = 0; i < 3; i++)
        call.in[i].dim[call.in[i].rank - 1] = 8;
    CHECK_EQ(op_call_shapes(&call, NULL), MIEN_OK);
    CHECK(call.out[0].dtype == MIEN_BF16 && call.out[1].dtype == MIEN_F32 && call.out[2].dtype == MIEN_F32);
    call.in[0].dtype = MIEN_F16;
    CHECK_EQ(op_call_shapes(&call, "norm"), MIEN_ERR_DTYPE);
    CHECK(strstr(last_message, "layernorm at norm: input 0 is f16 beside bf16; 16-bit tensors of one op should be"));
    call.attr.dtype = MIEN_I32;
    CHECK_EQ(op_call_shapes(&call, NULL), MIEN_ERR_DTYPE);
    CHECK(strstr(last_message, "attr dtype should be f32, f16 or bf16") && call.out_count == 0);
}

static void test_choice(void)
{
    struct vk_caps caps = plain_caps();
    struct op_call call = {.op = &op_layernorm, .in_count = 3, .in = {SHAPE_F32(64, 8), SHAPE_F32(8), SHAPE_F32(8)}};
    CHECK_EQ(op_call_shapes(&call, NULL), MIEN_OK);
    CHECK_STR(op_choose(&caps, &call)->name, "layernorm_fwd");
    caps.features = VK_CAP_SUBGROUP | VK_CAP_SUBGROUP_ARITH;
    caps.subgroup_size = 32;
    CHECK_STR(op_choose(&caps, &call)->name, "layernorm_fwd_sg");
    caps.class_ = VK_CLASS_SOFTWARE;
    CHECK_STR(op_choose(&caps, &call)->name, "layernorm_fwd_row");
}

/* A long 1-d grid is folded into two dimensions that cover it. */
static void test_fold(void)
{
    struct vk_caps caps = plain_caps();
    static const uint64_t counts[] = {0, 1, 65535, 65536, 65537, 1000000, 4294836225};
    for (size_t i = 0; i < BASE_COUNT(counts); i++) {
        struct op_dispatch d = {0};
        op_dispatch_groups_1d(&d, &caps, counts[i]);
        uint64_t have = (uint64_t)d.groups[0] * d.groups[1];
        CHECK(d.groups[0] >= 1 && d.groups[0] <= 65535 && d.groups[1] >= 1 && d.groups[1] <= 65535);
        CHECK_EQ(d.groups[2], 1);
        CHECK(have >= counts[i] && have < counts[i] + 65535 + 1);
    }
}

static void test_spec(void)
{
    struct op_dispatch d = {0};
    op_dispatch_spec(&d, 8, 5);
    CHECK_EQ(d.spec_count, 9);
    CHECK_EQ(d.spec[0], 1);
    CHECK_EQ(d.spec[8], 5);
    op_dispatch_spec(&d, 0, 64);
    CHECK_EQ(d.spec_count, 9);
    CHECK_EQ(d.spec[0], 64);
}

/* A tensor of 3 * 2^25 elements is added in parts of at most 128 MiB that join without gap, those of 16 bits as those
 * of 32. */
static void test_parts_of(enum mien_dtype dtype)
{
    struct vk_caps caps = plain_caps();
    struct tensor_shape large = in_dtype(SHAPE_F32(3, 1 << 25), dtype);
    uint64_t size = mien_dtype_size(dtype);
    struct op_call call = {.op = &op_add, .attr = {.dtype = dtype}, .in_count = 2, .in = {large, large}};
    struct op_plan plan = {0};
    CHECK_EQ(op_call_shapes(&call, NULL), MIEN_OK);
    CHECK_EQ(op_make_plan(&caps, &call, NULL, &plan), MIEN_OK);
    CHECK_EQ(plan.count, 3);
    uint64_t next = 0;
    for (size_t i = 0; i < plan.count; i++) {
        struct elements_args args;
        memcpy(&args, plan.dispatch[i].push, sizeof(args));
        CHECK_EQ(args.first, next / size);
        for (uint32_t b = 0; b < plan.dispatch[i].bind_count; b++) {
            CHECK_EQ(plan.dispatch[i].bind[b].offset, next);
            CHECK_EQ(plan.dispatch[i].bind[b].size, args.count * size);
            CHECK(plan.dispatch[i].bind[b].size <= caps.max_range);
        }
        next += args.count * size;
    }
    CHECK_EQ(next, tensor_shape_bytes(&large));
    op_plan_clear(&plan);
    CHECK(plan.dispatch == NULL && plan.count == 0);
}

static void test_parts(void)
{
    test_parts_of(MIEN_F32);
    test_parts_of(MIEN_F16);
}

/* Parts of rows: all of them, or multiples of 64 and of a step; refused where not even that fits. */
static void test_row_parts(void)
{
    struct vk_caps caps = plain_caps();
    struct op_call call = {.op = &op_sum_rows, .in_count = 1, .in = {SHAPE_F32(100, 1000)}};
    struct op_plan plan = {.caps = &caps, .call = &call};
    struct op_parts few = op_parts(&plan, "x", 100, 0), many;
    CHECK(op_parts_next(&few) && few.first == 0 && few.rows == 100 && !op_parts_next(&few));
    call.in[0] = SHAPE_F32(1 << 20, 1000);
    many = op_parts(&plan, "x", 1 << 20, 192);
    CHECK(many.most > 0 && many.most % 192 == 0 && many.most * 4000 <= caps.max_range);
    uint64_t rows = 0;
    while (op_parts_next(&many)) {
        CHECK_EQ(many.first, rows);
        rows += many.rows;
    }
    CHECK_EQ(rows, 1 << 20);
    call.in[0] = in_dtype(SHAPE_F32(1 << 20, 999), MIEN_F16); /* offsets stay multiples of 256 bytes */
    many = op_parts(&plan, "x", 1 << 20, 192);
    CHECK(many.most > 0 && many.most % 192 == 0 && many.most * 999 * 2 % 256 == 0);
    CHECK_EQ(plan.status, MIEN_OK);
    call.in[0] = SHAPE_F32(100, 1 << 24);
    struct op_parts wide = op_parts(&plan, "x", 100, 0);
    CHECK(!op_parts_next(&wide));
    CHECK_EQ(plan.status, MIEN_ERR_UNSUPPORTED);
}

/* What a variant binds is found in its op's signature, on devices of each class. */
static void test_binds(void)
{
    for (const struct op_desc *const *op = op_list; *op; op++) {
        const struct op_call call = first_case(*op);
        for (enum vk_class c = VK_CLASS_DESKTOP; c <= VK_CLASS_SOFTWARE; c++) {
            struct op_plan plan = {0};
            struct vk_caps caps;
            vk_caps_typical(c, &caps);
            CHECK_EQ(op_make_plan(&caps, &call, NULL, &plan), MIEN_OK);
            op_plan_clear(&plan);
        }
    }
}

/* Dispatches of a product, and workgroups of the first. */
static uint32_t product(const struct vk_caps *caps, uint32_t m, uint32_t n, uint32_t k, size_t *dispatches)
{
    struct op_call call = {
        .op = &op_matmul, .in_count = 2, .in = {SHAPE_F32(k, m), SHAPE_F32(k, n)}, .attr.trans_a = true};
    struct op_plan plan = {0};
    CHECK_EQ(op_call_shapes(&call, NULL), MIEN_OK);
    CHECK_EQ(op_make_plan(caps, &call, NULL, &plan), MIEN_OK);
    const uint32_t *groups = plan.dispatch[0].groups;
    uint32_t all = groups[0] * groups[1] * groups[2];
    *dispatches = plan.count;
    op_plan_clear(&plan);
    return all;
}

/* A sum is cut as far as the device is wide: 192 x 192 of 4,160 steps are nine tiles or more. */
static void test_cores(void)
{
    struct vk_caps caps;
    size_t dispatches = 0;
    vk_caps_typical(VK_CLASS_DESKTOP, &caps);
    CHECK_EQ(op_busy_groups(&caps), 128);
    CHECK_EQ(product(&caps, 192, 192, 4160, &dispatches), 126);
    CHECK_EQ(dispatches, 2);
    caps.cores = 36;
    CHECK_EQ(op_busy_groups(&caps), 36);
    uint32_t groups = product(&caps, 192, 192, 4160, &dispatches);
    CHECK(groups >= 27 && groups <= 54 && dispatches == 2);
    caps.cores = 8;
    CHECK(product(&caps, 192, 192, 4160, &dispatches) >= 6 && dispatches == 1);
    product(&caps, 4096, 4096, 4096, &dispatches); /* long sums alone are no reason to cut any */
    CHECK_EQ(dispatches, 8);                       /* of at most 20 GFLOP each */
    caps.max_registers = 64;                       /* a tile there is for any number */
    CHECK(product(&caps, 192, 192, 4160, &dispatches) > 0 && dispatches >= 1);
    caps.type = VK_TYPE_SOFTWARE; /* whose loops end after 65,535 rounds, whatever its kernels are made for */
    product(&caps, 192, 192, 40004, &dispatches);
    CHECK_EQ(dispatches, 2);
    vk_caps_typical(VK_CLASS_MOBILE, &caps);
    caps.cores = 10;
    CHECK_EQ(op_busy_groups(&caps), 40);
    vk_caps_typical(VK_CLASS_SOFTWARE, &caps);
    caps.cores = 10; /* told or not, software drivers' sums keep their order */
    CHECK_EQ(op_busy_groups(&caps), 6);
}

/* Vectors of 16 lanes take 16 steps at once; a range that holds 8 of B's rows is not refused for that. */
static void test_rows_at_once(void)
{
    struct vk_caps caps;
    size_t dispatches = 0;
    vk_caps_typical(VK_CLASS_SOFTWARE, &caps);
    caps.subgroup_size = caps.subgroup_min = caps.subgroup_max = 16;
    CHECK(product(&caps, 64, 1024, 32, &dispatches) > 0 && dispatches == 1);
    caps.max_range = 8 * 1024 * 4;
    CHECK(product(&caps, 4, 1024, 32, &dispatches) > 0 && dispatches > 1);
}

/* One line is logged for a failure, whatever is added behind it. */
static void steps_that_fail(struct op_plan *plan)
{
    op_plan_items(plan, "add_fwd", 0, 1);
    CHECK(op_plan_refuse(plan, true, "no more than %d", 7));
    op_plan_fail(plan, MIEN_ERR_NOMEM, "another");
    struct op_dispatch *d = op_plan_kernel(plan, "add_fwd");
    op_plan_bind(plan, "a b y");
    CHECK(d->bind_count == 3 && plan->count == 1);
}

static void test_sticky(void)
{
    struct vk_caps caps = plain_caps();
    struct op_call call = {.op = &op_add, .in_count = 2, .in = {SHAPE_F32(5), SHAPE_F32(5)}};
    const struct op_variant fails = {.name = "fails", .steps = steps_that_fail};
    const struct op_variant wrong = {.name = "add_fwd", .bind = "a c y"};
    struct op_plan plan = {0};
    CHECK_EQ(op_call_shapes(&call, NULL), MIEN_OK);
    uint32_t before = messages;
    CHECK_EQ(op_make_plan(&caps, &call, &fails, &plan), MIEN_ERR_UNSUPPORTED);
    CHECK_STR(last_message, "add: no more than 7");
    CHECK_EQ(messages, before + 1);
    CHECK(plan.count == 0 && plan.dispatch == NULL);
    CHECK_EQ(op_make_plan(&caps, &call, &wrong, &plan), MIEN_ERR_FAILED);
    CHECK(strstr(last_message, "binds c"));
}

static void test_limits(void)
{
    struct vk_caps caps = plain_caps();
    struct op_call call = {.op = &op_add, .in_count = 2, .in = {SHAPE_F32(5), SHAPE_F32(5)}};
    struct op_plan plan = {0};
    CHECK_EQ(op_call_shapes(&call, NULL), MIEN_OK);
    caps.max_invocations = 32;
    CHECK_EQ(op_make_plan(&caps, &call, NULL, &plan), MIEN_ERR_UNSUPPORTED);
    CHECK(strstr(last_message, "add_fwd") && strstr(last_message, "128 invocations"));
    CHECK(plan.count == 0 && plan.dispatch == NULL);
    caps = plain_caps();
    caps.max_buffers = 2;
    CHECK_EQ(op_make_plan(&caps, &call, NULL, &plan), MIEN_ERR_UNSUPPORTED);
    caps = plain_caps();
    caps.max_push = 4;
    CHECK_EQ(op_make_plan(&caps, &call, NULL, &plan), MIEN_ERR_UNSUPPORTED);
}

/* ---- hazards ----------------------------------------------------------------------------------------------------- */

static const struct vk_block *block(uintptr_t i)
{
    return (const struct vk_block *)(i * 64);
}

/* One dispatch that touches one range; whether a barrier must stand before it. */
static bool step(struct op_hazards *h, uintptr_t b, uint64_t offset, uint64_t size, uint8_t access)
{
    struct vk_range range = {(struct vk_block *)block(b), offset, size};
    bool barrier = false;
    CHECK_EQ(op_hazards_step(h, &range, &access, 1, &barrier), MIEN_OK);
    return barrier;
}

static void test_hazards(void)
{
    struct op_hazards h = {0};
    CHECK(!step(&h, 1, 0, 256, OP_WRITE));   /* nothing before */
    CHECK(!step(&h, 1, 256, 256, OP_WRITE)); /* beside it */
    CHECK(!step(&h, 2, 0, 256, OP_WRITE));   /* another block */
    CHECK(step(&h, 1, 128, 256, OP_READ));   /* read after write, overlapping */
    CHECK(!step(&h, 1, 0, 512, OP_READ));    /* read after read; the writes are behind the barrier */
    CHECK(step(&h, 1, 511, 1, OP_WRITE));    /* write after read, one byte */
    CHECK(step(&h, 1, 500, 100, OP_WRITE));  /* write after write */
    CHECK(!step(&h, 1, 600, 8, OP_READ | OP_WRITE));
    CHECK(step(&h, 1, 600, 8, OP_READ | OP_WRITE));
    op_hazards_barrier(&h);
    CHECK(!step(&h, 1, 600, 8, OP_READ)); /* a barrier was placed for another reason */
    op_hazards_clear(&h);
    CHECK(h.span == NULL && h.count == 0);

    /* a dispatch never conflicts with itself: it may read and write one range in place */
    struct vk_range both[] = {{(struct vk_block *)block(1), 0, 64}, {(struct vk_block *)block(1), 0, 64}};
    const uint8_t access[] = {OP_READ, OP_WRITE};
    bool barrier = true;
    CHECK_EQ(op_hazards_step(&h, both, access, 2, &barrier), MIEN_OK);
    CHECK(!barrier);
    op_hazards_clear(&h);
}

int main(void)
{
    mien_log_set(keep, NULL, MIEN_LOG_WARN);
    test_list();
    test_arithmetic();
    test_shapes();
    test_misuse();
    test_signature();
    test_stored();
    test_choice();
    test_fold();
    test_spec();
    test_parts();
    test_row_parts();
    test_binds();
    test_cores();
    test_rows_at_once();
    test_sticky();
    test_limits();
    test_hazards();
    return check_result();
}
