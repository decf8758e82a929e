/* test_tiles.c: what could serve a call besides the rule's kernel: every choice, with every tile, is right; a table
 * names one of them, and what is none of them is passed over; calls keep their meaning as text. */
#include "check/check.h"

#include "op/choice.h"
#include "op/on_device.h"

static struct on_device gpu;

/* ---- on the host ------------------------------------------------------------------------------------------------- */

static struct op_call matmul_of(uint32_t m, uint32_t n, uint32_t k, struct op_attr attr)
{
    struct op_call call = {.op = &op_matmul, .in_count = 2, .attr = attr};
    call.in[0] = attr.trans_a ? SHAPE_F32(k, m) : SHAPE_F32(m, k);
    call.in[1] = attr.trans_b ? SHAPE_F32(n, k) : SHAPE_F32(k, n);
    CHECK_EQ(op_call_shapes(&call, "a test"), MIEN_OK);
    return call;
}

static void test_one_text(const struct op_call *call)
{
    char text[OP_CALL_TEXT], again[OP_CALL_TEXT];
    struct op_call read;
    if (!op_call_text(call, text))
        return;
    CHECK_EQ(op_call_parse(text, &read), MIEN_OK);
    CHECK(op_call_text(&read, again));
    CHECK_STR(again, text);
    CHECK(read.op == call->op && read.in_count == call->in_count && read.out_count == call->out_count);
    for (uint32_t i = 0; i < call->in_count; i++)
        CHECK(tensor_shape_equal(&read.in[i], &call->in[i]));
    for (uint32_t o = 0; o < call->out_count; o++)
        CHECK(tensor_shape_equal(&read.out[o], &call->out[o]));
    CHECK(read.attr.eps == call->attr.eps && read.attr.scale == call->attr.scale && read.attr.tau == call->attr.tau);
    CHECK(read.attr.activation == call->attr.activation && read.attr.heads == call->attr.heads);
}

static void test_texts(void)
{
    static const char *const bad[] = {"",
                                      "matmul",
                                      "matmul :",
                                      "matmul : f32[2,3] f32[2,3]",
                                      "matmul trans_b=1 : f32[2,3] f32[2,3]",
                                      "matmul heads : f32[2,3] f32[3,2]",
                                      "matmul : f32[2,3 f32[3,2]",
                                      "matmul : f32[2,0] f32[3,2]",
                                      "matmul : f99[2,3] f32[3,2]",
                                      "nothing : f32[2,3] f32[3,2]"};
    uint32_t texts = 0;
    struct op_call call;
    char text[OP_CALL_TEXT];
    for (const struct op_desc *const *op = op_list; *op; op++) {
        for (struct check_case c = {.op = *op}; check_case_next(&c);) {
            if (check_case_call(&c, &call) != MIEN_OK)
                continue;
            test_one_text(&call);
            texts += op_call_text(&call, text);
        }
    }
    CHECK(texts > 500);
    for (size_t i = 0; i < BASE_COUNT(bad); i++)
        CHECK(op_call_parse(bad[i], &call) != MIEN_OK);
    call = matmul_of(5, 8, 12, (struct op_attr){.trans_b = true});
    CHECK(op_call_text(&call, text));
    CHECK_STR(text, "matmul trans_b : f32[5,12] f32[8,12]");
}

static void test_tile_texts(void)
{
    static const struct op_tile tiles[] = {{0}, {8, 4, 0}, {0, 0, 3}, {48, 1, 2}};
    static const char *const texts[] = {"", "8x4", "0x0/3", "48x1/2"};
    static const char *const bad[] = {"8", "8x", "8x4/", "8x4/0", "8x4 ", "x4", "08x4"};
    char text[OP_TILE_TEXT];
    struct op_tile tile;
    for (size_t i = 0; i < BASE_COUNT(tiles); i++) {
        op_tile_text(tiles[i], text);
        CHECK_STR(text, texts[i]);
        CHECK(op_tile_parse(text, &tile) && memcmp(&tile, &tiles[i], sizeof(tile)) == 0);
    }
    for (size_t i = 0; i < BASE_COUNT(bad); i++)
        CHECK(!op_tile_parse(bad[i], &tile));
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static struct vk_choice row_of(const struct vk_caps *caps, const struct op_call *call, struct op_choice choice)
{
    struct vk_choice row = {.key = op_choices_key(caps, call), .gain = 1.5};
    CHECK(op_call_text(call, row.call));
    snprintf(row.variant, sizeof(row.variant), "%s", choice.variant->name);
    op_tile_text(choice.tile, row.tile);
    return row;
}

static bool same_choice(struct op_choice a, struct op_choice b)
{
    return a.variant == b.variant && memcmp(&a.tile, &b.tile, sizeof(a.tile)) == 0;
}

static void test_table(struct vk_caps caps)
{
    struct op_choice choices[OP_MAX_CHOICES];
    struct vk_tuned table = {0};
    struct op_call call = matmul_of(96, 64, 4096, (struct op_attr){0}), other = matmul_of(96, 64, 4092, call.attr);
    uint32_t count = op_choices(&caps, &call, choices);
    CHECK(count > 3);
    struct op_choice last = choices[count - 1], rule = choices[0], tiled = choices[1];
    CHECK(same_choice(op_choice_of(&caps, &call), rule));
    CHECK(tiled.tile.rows || tiled.tile.parts);
    caps.tuned = &table;
    CHECK(same_choice(op_choice_of(&caps, &call), rule));
    struct vk_choice row = row_of(&caps, &call, tiled);
    CHECK_EQ(vk_tuned_put(&table, &row), MIEN_OK);
    CHECK(same_choice(op_choice_of(&caps, &call), tiled));
    CHECK(same_choice(op_choice_of(&caps, &other), (struct op_choice){rule.variant, {0}}));
    snprintf(row.tile, sizeof(row.tile), "7x7"); /* none of the list */
    CHECK_EQ(vk_tuned_put(&table, &row), MIEN_OK);
    CHECK(same_choice(op_choice_of(&caps, &call), rule));
    row = row_of(&caps, &call, last);
    CHECK_EQ(vk_tuned_put(&table, &row), MIEN_OK);
    CHECK_EQ(table.count, 1);
    CHECK(same_choice(op_choice_of(&caps, &call), last));
    row.key++; /* of another list */
    vk_tuned_clear(&table);
    CHECK_EQ(vk_tuned_put(&table, &row), MIEN_OK);
    CHECK(same_choice(op_choice_of(&caps, &call), rule));
    row = row_of(&caps, &call, tiled);
    CHECK_EQ(vk_tuned_put(&table, &row), MIEN_OK);
    CHECK_EQ(table.count, 2);
    caps.refused[caps.refused_count++] = vk_caps_refusal("matmul", tiled.variant->name); /* fails its self-test */
    CHECK(op_choice_of(&caps, &call).variant != tiled.variant);
    vk_tuned_clear(&table);
}

/* attention has the same kernels with vectors of 256 and of 512 bits: what is measured with one is not the other's. */
static void test_width(void)
{
    struct vk_caps caps;
    struct op_choice narrow[OP_MAX_CHOICES], wide[OP_MAX_CHOICES];
    struct vk_tuned table = {0};
    struct op_call call;
    CHECK_EQ(op_call_parse("attention heads=2 : f32[4,17,192]", &call), MIEN_OK);
    vk_caps_typical(VK_CLASS_SOFTWARE, &caps);
    uint32_t count = op_choices(&caps, &call, narrow);
    CHECK(count > 1);
    struct vk_choice row = row_of(&caps, &call, narrow[1]);
    CHECK_EQ(vk_tuned_put(&table, &row), MIEN_OK);
    caps.tuned = &table;
    CHECK(same_choice(op_choice_of(&caps, &call), narrow[1]));
    caps.subgroup_size = caps.subgroup_min = caps.subgroup_max = 16;
    CHECK_EQ(op_choices(&caps, &call, wide), count);
    for (uint32_t i = 0; i < count; i++)
        CHECK(same_choice(narrow[i], wide[i]));
    CHECK(same_choice(op_choice_of(&caps, &call), wide[0]));
    vk_tuned_clear(&table);
}

static void test_tables(void)
{
    struct vk_caps caps;
    for (int c = 0; c < 3; c++) {
        vk_caps_typical((enum vk_class)c, &caps);
        test_table(caps);
    }
}

/* ---- on the device ----------------------------------------------------------------------------------------------- */

/* As a case of the op is filled. */
static void fill(struct op_call *call)
{
    for (uint32_t i = 0; i < call->in_count; i++) {
        struct base_rng rng = base_rng_make(3, "tiles", i, 0);
        float *x = call->in_data[i] = base_alloc(tensor_shape_count(&call->in[i]) + 1, sizeof(float));
        for (uint64_t k = 0; k < tensor_shape_count(&call->in[i]); k++)
            x[k] = (float)base_rng_normal(&rng);
    }
    for (uint32_t o = 0; o < call->out_count; o++)
        call->out_data[o] = base_alloc(tensor_shape_count(&call->out[o]) + 1, sizeof(float));
}

/* Runs one choice, by a table that names it; its outputs against those of the reference, in `call`. */
static void test_choice(const struct op_call *call, struct vk_caps caps, struct op_choice choice)
{
    struct op_call run = *call;
    struct check_row row = {.note = ""};
    struct vk_tuned table = {0};
    struct vk_choice entry = row_of(&caps, call, choice);
    CHECK_EQ(vk_tuned_put(&table, &entry), MIEN_OK);
    caps.tuned = &table;
    CHECK(same_choice(op_choice_of(&caps, call), choice));
    for (uint32_t o = 0; o < call->out_count; o++)
        run.out_data[o] = base_alloc(tensor_shape_count(&call->out[o]) + 1, sizeof(float));
    gpu.as = &caps;
    CHECK_EQ(on_device_run(&gpu, &run, NULL), MIEN_OK);
    gpu.as = NULL;
    for (uint32_t o = 0; o < call->out_count; o++) {
        if (!check_compare(call, choice.variant, o, run.out_data[o], &row)) {
            printf("%s %s: %s\n", entry.call, entry.variant, row.note);
            CHECK(!"a choice is wrong");
        }
        base_free(run.out_data[o]);
    }
    vk_tuned_clear(&table);
}

/* All choices of the device as it is masked; with a mask only those that have a tile: the rules' are check_ops' matter.
 */
static uint32_t test_call(struct op_call call, const char *mask)
{
    struct vk_caps caps = *vk_device_caps(gpu.device);
    struct op_choice choices[OP_MAX_CHOICES];
    uint32_t tiled = 0;
    CHECK_EQ(vk_caps_clamp(&caps, mask), MIEN_OK);
    uint32_t count = op_choices(&caps, &call, choices);
    CHECK(count > 0 && count < OP_MAX_CHOICES);
    fill(&call);
    call.op->reference(&call);
    for (uint32_t i = 0; i < count; i++) {
        bool has_tile = choices[i].tile.rows || choices[i].tile.parts;
        tiled += has_tile;
        if (has_tile || !*mask)
            test_choice(&call, caps, choices[i]);
    }
    for (uint32_t i = 0; i < OP_MAX_IN; i++)
        base_free(call.in_data[i]);
    for (uint32_t o = 0; o < OP_MAX_OUT; o++)
        base_free(call.out_data[o]);
    return tiled;
}

static struct op_call attention_of(uint32_t tokens)
{
    struct op_call call = {.op = &op_attention, .in_count = 1, .attr = {.heads = 2, .causal = tokens % 2}};
    call.in[0] = SHAPE_F32(2, tokens, 3 * 64);
    CHECK_EQ(op_call_shapes(&call, "a test"), MIEN_OK);
    return call;
}

static struct op_call attention_bwd_of(uint32_t tokens)
{
    struct op_call call = attention_of(tokens);
    call.op = &op_attention_bwd;
    call.in_count = 4;
    call.in[1] = call.in[3] = SHAPE_F32(2, tokens, 64);
    call.in[2] = SHAPE_F32(2, 2, tokens);
    CHECK_EQ(op_call_shapes(&call, "a test"), MIEN_OK);
    return call;
}

static void test_device(void)
{
    static const char *const masks[] = {"", "class=desktop", "class=mobile"};
    for (size_t m = 0; m < BASE_COUNT(masks); m++) {
        uint32_t tiled = test_call(matmul_of(50, 36, 516, (struct op_attr){.trans_b = true}), masks[m]);
        tiled += test_call(matmul_of(4, 8, 1032, (struct op_attr){.trans_a = true}), masks[m]);
        CHECK(tiled > 8);
        test_call(attention_of(31), masks[m]);
        test_call(attention_of(70), masks[m]);
        test_call(attention_bwd_of(31), masks[m]);
        test_call(attention_bwd_of(70), masks[m]);
    }
    CHECK(test_call(matmul_of(50, 36, 516, (struct op_attr){.same_order = true}), "") > 2);
    test_call(matmul_of(33, 35, 1030, (struct op_attr){0}), "class=desktop"); /* the odd tile */
}

int main(void)
{
    test_texts();
    test_tile_texts();
    test_tables();
    test_width();
    if (!on_device_open(&gpu))
        CHECK_SKIP("no device");
    test_device();
    on_device_close(&gpu);
    return check_result();
}
