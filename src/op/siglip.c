/* siglip.c: the sigmoid loss on a given score matrix, with learnable temperature and bias. Z = exp(q) A + b; each pair
 * (i, j) is judged by itself: loss = sum_ij (w_i + w_j) softplus(-sign_ij Z_ij) / (2 sum w), which without weights is
 * (1/N) sum_ij softplus(-sign_ij Z_ij). Signs are +1 (positive), -1 (negative) and 0 (left out); absent ones are +1 on
 * the diagonal and -1 elsewhere. What has weight 0 is left out altogether: rows, columns and their count.
 * G = dloss/dZ = -(w_i + w_j) sign sigmoid(-sign Z) / (2 sum w); dA = exp(q) G, dq = sum of G (Z - b), db = sum of G.
 * Signs and weights count as constants. */
#include "op/infonce.h"
#include "op/siglip.h"

#include <math.h>

enum { MOST_ROWS = 4096 };
enum { SCORES, SCALE, BIAS, SIGNS, WEIGHTS };
enum { DLOSS = 3, BWD_SIGNS, BWD_WEIGHTS }; /* of siglip_bwd */

/* A, q, b, and at `signs` and the next the optional inputs. */
static enum mien_status check(const struct op_call *call, const char *label, uint32_t signs)
{
    const struct tensor_shape *a = &call->in[SCORES], scalar = SHAPE_F32(1), line = SHAPE_F32(a->dim[0]);
    if (a->rank != 2 || a->dim[0] != a->dim[1] || a->dim[0] > MOST_ROWS)
        return op_shape_error(call, label, SCORES, "scores A[N,N], N at most 4096");
    if (!tensor_shape_equal(&call->in[SCALE], &scalar))
        return op_shape_error(call, label, SCALE, "the logarithm of the scale, q[1]");
    if (!tensor_shape_equal(&call->in[BIAS], &scalar))
        return op_shape_error(call, label, BIAS, "the bias, b[1]");
    if (call->in[signs].rank && !tensor_shape_equal(&call->in[signs], a))
        return op_shape_error(call, label, signs, "signs [N,N], like the scores");
    if (call->in[signs + 1].rank && !tensor_shape_equal(&call->in[signs + 1], &line))
        return op_shape_error(call, label, signs + 1, "weights of the pairs, w[N]");
    return MIEN_OK;
}

static enum mien_status shapes_fwd(struct op_call *call, const char *label)
{
    enum mien_status status = check(call, label, SIGNS);
    call->out[0] = SHAPE_F32(1);
    call->out_count = 1;
    return status;
}

static enum mien_status shapes_bwd(struct op_call *call, const char *label)
{
    struct tensor_shape scalar = SHAPE_F32(1);
    enum mien_status status = check(call, label, BWD_SIGNS);
    if (status == MIEN_OK && !tensor_shape_equal(&call->in[DLOSS], &scalar))
        status = op_shape_error(call, label, DLOSS, "dloss[1]");
    call->out[0] = call->in[SCORES];
    call->out[1] = call->out[2] = scalar;
    call->out_count = 3;
    return status;
}

/* ---- reference --------------------------------------------------------------------------------------------------- */

enum mien_status siglip_host_open(struct siglip_host *host, uint32_t n, float q, float b)
{
    enum mien_status status = MIEN_OK;
    *host = (struct siglip_host){.n = n, .s = exp((double)q), .b = (double)b};
    host->a = base_alloc((size_t)n * n, sizeof(*host->a));
    host->sign = base_alloc((size_t)n * n, sizeof(*host->sign));
    host->w = base_alloc(n, sizeof(*host->w));
    FAIL_IF_NULL(host->a, "scores");
    FAIL_IF_NULL(host->sign, "signs");
    FAIL_IF_NULL(host->w, "weights");
    return MIEN_OK;
fail:
    siglip_host_close(host);
    return status;
}

void siglip_host_close(struct siglip_host *host)
{
    base_free(host->a);
    base_free(host->sign);
    base_free(host->w);
    *host = (struct siglip_host){0};
}

/* w_i + w_j of an element that counts. */
static double weight_of(const struct siglip_host *host, uint32_t i, uint32_t j)
{
    bool there = host->w[i] > 0 && host->w[j] > 0 && host->sign[(size_t)i * host->n + j] != 0;
    return there ? host->w[i] + host->w[j] : 0;
}

double siglip_host_scale(const struct siglip_host *host, float dloss)
{
    double sum = 0;
    for (uint32_t i = 0; i < host->n; i++)
        sum += fmax(host->w[i], 0);
    return sum > 0 ? (double)dloss / (2 * sum) : 0;
}

double siglip_host_loss(const struct siglip_host *host)
{
    double sum = 0;
    for (uint32_t i = 0; i < host->n; i++) {
        for (uint32_t j = 0; j < host->n; j++) {
            size_t at = (size_t)i * host->n + j;
            double x = -(double)host->sign[at] * (host->s * host->a[at] + host->b), weight = weight_of(host, i, j);
            sum += weight > 0 ? weight * (fmax(x, 0) + log1p(exp(-fabs(x)))) : 0;
        }
    }
    return sum * siglip_host_scale(host, 1);
}

double siglip_host_gradient(const struct siglip_host *host, double scale, uint32_t i, uint32_t j, double dq_db[2])
{
    size_t at = (size_t)i * host->n + j;
    double weight = weight_of(host, i, j), z = host->s * host->a[at], sign = (double)host->sign[at];
    double g = weight > 0 ? -scale * weight * sign / (1 + exp(sign * (z + host->b))) : 0;
    dq_db[0] += weight > 0 ? g * z : 0;
    dq_db[1] += g;
    return host->s * g;
}

static enum mien_status open_given(struct siglip_host *host, const struct op_call *call, uint32_t signs)
{
    uint32_t n = call->in[SCORES].dim[0];
    const float *a = call->in_data[SCORES], *sign = call->in_data[signs], *w = call->in_data[signs + 1];
    enum mien_status status =
        siglip_host_open(host, n, *(const float *)call->in_data[SCALE], *(const float *)call->in_data[BIAS]);
    for (size_t i = 0; status == MIEN_OK && i < (size_t)n * n; i++) {
        host->a[i] = a[i];
        host->sign[i] = sign ? sign[i] : i % (n + 1) == 0 ? 1 : -1;
        host->w[i % n] = w ? w[i % n] : 1;
    }
    return status;
}

static void reference_fwd(const struct op_call *call)
{
    struct siglip_host host;
    if (open_given(&host, call, SIGNS) == MIEN_OK)
        *(float *)call->out_data[0] = (float)siglip_host_loss(&host);
    siglip_host_close(&host);
}

static void reference_bwd(const struct op_call *call)
{
    struct siglip_host host;
    float *da = call->out_data[0];
    double dq_db[2] = {0};
    if (open_given(&host, call, BWD_SIGNS) == MIEN_OK) {
        double scale = siglip_host_scale(&host, *(const float *)call->in_data[DLOSS]);
        for (uint32_t i = 0; i < host.n * host.n; i++)
            da[i] = (float)siglip_host_gradient(&host, scale, i / host.n, i % host.n, dq_db);
        for (uint32_t k = 0; k < 2; k++)
            *(float *)call->out_data[1 + k] = (float)dq_db[k];
    }
    siglip_host_close(&host);
}

static void grad(struct op_recorder *recorder, const struct op_use *use, op_value *din)
{
    op_value sign = use->in_count > SIGNS ? use->in[SIGNS] : OP_NONE;
    op_value w = use->in_count > WEIGHTS ? use->in[WEIGHTS] : OP_NONE;
    const op_value in[] = {use->in[SCORES], use->in[SCALE], use->in[BIAS], use->dout[0], sign, w};
    op_value out[OP_MAX_OUT] = {OP_NONE, OP_NONE, OP_NONE, OP_NONE};
    if (use->dout[0] != OP_NONE)
        recorder->record(recorder, &op_siglip_bwd, use->attr, in, BASE_COUNT(in), out);
    din[SCORES] = out[0];
    din[SCALE] = out[1];
    din[BIAS] = out[2];
}

/* ---- plans ------------------------------------------------------------------------------------------------------- */

enum mien_status siglip_begin(struct siglip *s, uint32_t q, uint32_t dloss, struct siglip_weights weights)
{
    struct contrast *c = &s->c;
    s->args = (struct siglip_args){
        .n = c->n, .slice_rows = c->caps->class_ == VK_CLASS_SOFTWARE ? 128 : 32, .scale = c->scale};
    s->args.count = (uint32_t)base_div_up(c->slab, s->args.slice_rows) * c->n;
    s->scale = contrast_scratch(c, 12);
    s->part = contrast_scratch(c, 8ull * s->args.count);
    struct op_dispatch *d = contrast_add(c, "siglip_scale", &s->args, sizeof(s->args), 0);
    if (!d)
        return MIEN_ERR_NOMEM;
    op_dispatch_bind(d, OP_IN, q, OP_READ);
    op_dispatch_bind(d, OP_IN, q + 1, OP_READ);
    op_dispatch_bind(d, OP_IN, dloss == OP_NONE ? q : dloss, OP_READ);
    contrast_bind(d, weights.where, 0, BASE_MAX((uint64_t)weights.stride * c->n, 1), OP_READ);
    contrast_bind(d, s->scale, 0, 3, OP_WRITE);
    op_dispatch_spec(d, 8, weights.stride);
    op_dispatch_spec(d, 9, dloss != OP_NONE);
    return MIEN_OK;
}

struct op_dispatch *siglip_add(struct siglip *s, const char *shader, struct op_where scores, uint32_t access)
{
    uint64_t slices = base_div_up(s->args.rows, s->args.slice_rows);
    struct op_dispatch *d = contrast_add(&s->c, shader, &s->args, sizeof(s->args), slices * s->c.n);
    if (!d)
        return NULL;
    contrast_bind(d, scores, 0, (uint64_t)s->args.rows * s->c.n, access);
    contrast_bind(d, s->scale, 0, 3, OP_READ);
    return d;
}

void siglip_bind_part(const struct siglip *s, struct op_dispatch *d)
{
    uint64_t slices = base_div_up(s->args.rows, s->args.slice_rows);
    contrast_bind(d, s->part, 0, 2 * slices * s->c.n, OP_READ | OP_WRITE);
}

enum mien_status siglip_end(struct siglip *s, uint32_t x, uint32_t y)
{
    struct op_dispatch *d = contrast_add(&s->c, "siglip_sum", &s->args, sizeof(s->args), 0);
    if (!d)
        return MIEN_ERR_NOMEM;
    contrast_bind(d, s->part, 0, 2ull * s->args.count, OP_READ);
    op_dispatch_bind(d, OP_OUT, x, OP_WRITE);
    op_dispatch_bind(d, OP_OUT, y == OP_NONE ? x : y, OP_WRITE);
    op_dispatch_spec(d, 8, y != OP_NONE);
    return MIEN_OK;
}

/* Slabs of a given matrix, each bound by itself. */
static enum mien_status plan_given(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan,
                                   bool backward)
{
    enum mien_status status = MIEN_OK;
    struct siglip s;
    uint32_t n = call->in[SCORES].dim[0], signs = backward ? BWD_SIGNS : SIGNS, weights = signs + 1;
    bool with_signs = call->in[signs].rank != 0, with_weights = call->in[weights].rank != 0;
    struct op_where w = {OP_IN, with_weights ? weights : SCALE, 0};
    TRY(contrast_begin_given(&s.c, caps, call, plan, n));
    TRY(siglip_begin(&s, SCALE, backward ? DLOSS : OP_NONE, (struct siglip_weights){w, with_weights}));
    for (s.args.first = 0; s.args.first < n; s.args.first += s.args.rows) {
        uint64_t offset = (uint64_t)s.args.first * n * 4, count;
        s.args.rows = BASE_MIN(s.c.slab, n - s.args.first);
        count = (uint64_t)s.args.rows * n;
        struct op_where a = {OP_IN, SCORES, offset};
        struct op_dispatch *d = siglip_add(&s, backward ? "siglip_bwd" : "siglip_fwd_part", a, OP_READ);
        FAIL_IF_NULL(d, "a plan");
        contrast_bind(d, with_signs ? (struct op_where){OP_IN, signs, offset} : a, 0, count, OP_READ);
        contrast_bind(d, w, 0, with_weights ? n : 1, OP_READ);
        if (backward)
            contrast_bind(d, (struct op_where){OP_OUT, 0, offset}, 0, count, OP_WRITE);
        siglip_bind_part(&s, d);
        op_dispatch_spec(d, 8, with_signs);
        op_dispatch_spec(d, 9, with_weights);
    }
    TRY(backward ? siglip_end(&s, 1, 2) : siglip_end(&s, 0, OP_NONE));
fail:
    return status;
}

static enum mien_status plan_fwd(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_given(caps, call, plan, false);
}

static enum mien_status plan_bwd(const struct vk_caps *caps, const struct op_call *call, struct op_plan *plan)
{
    return plan_given(caps, call, plan, true);
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

float siglip_draw_b(uint32_t n, struct base_rng *rng)
{
    return n < 8 ? -0.25f : (float)(-12 * base_rng_uniform(rng));
}

static void fill(struct op_call *call, struct base_rng *rng, uint32_t signs)
{
    uint32_t n = call->in[SCORES].dim[0];
    float *sign = call->in_data[signs];
    infonce_fill(call, rng, signs + 2, signs + 1); /* no targets there */
    *(float *)call->in_data[BIAS] = siglip_draw_b(n, rng);
    for (size_t i = 0; sign && i < (size_t)n * n; i++) {
        uint32_t draw = base_rng_below(rng, 16);
        sign[i] = i % (n + 1) == 0 || draw < 3 ? 1 : draw == 3 ? 0 : -1;
    }
}

static void prepare_fwd(struct op_call *call, struct base_rng *rng)
{
    fill(call, rng, SIGNS);
}

static void prepare_bwd(struct op_call *call, struct base_rng *rng)
{
    fill(call, rng, BWD_SIGNS);
    *(float *)call->in_data[DLOSS] = 0.5f + (float)base_rng_uniform(rng);
}

static double flops(const struct op_call *call)
{
    return 8.0 * (double)tensor_shape_count(&call->in[SCORES]);
}

static const struct op_variant variants_fwd[] = {{.name = "siglip_fwd_part", .plan = plan_fwd}, {0}};
static const struct op_variant variants_bwd[] = {{.name = "siglip_bwd", .plan = plan_bwd}, {0}};

static const struct op_case cases_fwd[] = {
    {.name = "1", .in = {{1, 1}, {1}, {1}}},
    {.name = "5", .in = {{5, 5}, {1}, {1}}, .grad = true},
    {.name = "64", .in = {{64, 64}, {1}, {1}}, .bench = true},
    {.name = "127", .in = {{127, 127}, {1}, {1}}},
    {.name = "513", .in = {{513, 513}, {1}, {1}}},
    {.name = "1024", .in = {{1024, 1024}, {1}, {1}}, .bench = true},
    {.name = "4096", .in = {{4096, 4096}, {1}, {1}}, .bench = true, .slow = true},
    {.name = "given_1", .in = {{1, 1}, {1}, {1}, {1, 1}, {1}}},
    {.name = "given_6", .in = {{6, 6}, {1}, {1}, {6, 6}, {6}}, .grad = true},
    {.name = "signs_7", .in = {{7, 7}, {1}, {1}, {7, 7}}, .grad = true},
    {.name = "weights_7", .in = {{7, 7}, {1}, {1}, {0}, {7}}, .grad = true},
    {.name = "given_33", .in = {{33, 33}, {1}, {1}, {33, 33}, {33}}},
    {.name = "given_513", .in = {{513, 513}, {1}, {1}, {513, 513}, {513}}},
    {.name = "given_4096", .in = {{4096, 4096}, {1}, {1}, {4096, 4096}, {4096}}, .bench = true, .slow = true},
    {0},
};

static const struct op_case cases_bwd[] = {
    {.name = "1", .in = {{1, 1}, {1}, {1}, {1}}},
    {.name = "5", .in = {{5, 5}, {1}, {1}, {1}}},
    {.name = "64", .in = {{64, 64}, {1}, {1}, {1}}, .bench = true},
    {.name = "127", .in = {{127, 127}, {1}, {1}, {1}}},
    {.name = "513", .in = {{513, 513}, {1}, {1}, {1}}},
    {.name = "1024", .in = {{1024, 1024}, {1}, {1}, {1}}, .bench = true},
    {.name = "4096", .in = {{4096, 4096}, {1}, {1}, {1}}, .bench = true, .slow = true},
    {.name = "given_6", .in = {{6, 6}, {1}, {1}, {1}, {6, 6}, {6}}},
    {.name = "signs_33", .in = {{33, 33}, {1}, {1}, {1}, {33, 33}}},
    {.name = "weights_127", .in = {{127, 127}, {1}, {1}, {1}, {0}, {127}}},
    {.name = "given_513", .in = {{513, 513}, {1}, {1}, {1}, {513, 513}, {513}}},
    {.name = "given_4096", .in = {{4096, 4096}, {1}, {1}, {1}, {4096, 4096}, {4096}}, .bench = true, .slow = true},
    {0},
};

const struct op_desc op_siglip = {
    .name = "siglip",
    .summary =
        "loss[1] = mean over rows of sum_j softplus(-sign Z), Z = exp(q[1]) A[N,N] + b[1]; optional signs[N,N] of "
        "+1, -1 and 0 = left out, and weights w[N]; N at most 4096",
    .in_count = 5,
    .out_count = 1,
    .optional = 1u << SIGNS | 1u << WEIGHTS,
    .constants = 1u << SIGNS | 1u << WEIGHTS,
    .shapes = shapes_fwd,
    .reference = reference_fwd,
    .grad = grad,
    .variants = variants_fwd,
    .cases = cases_fwd,
    .fill = {OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE},
    .prepare = prepare_fwd,
    /* the error of Z, up to 100 in fp32, is a relative one of softplus: 100 * 6e-8 * 2 */
    .tolerance = {.abs = 1e-6, .rel = 2e-5, .nmse = 1e-11},
    .flops = flops,
};

const struct op_desc op_siglip_bwd = {
    .name = "siglip_bwd",
    .summary = "dA[N,N] = exp(q) G, dq[1] = sum of G (Z - b), db[1] = sum of G, G = -sign sigmoid(-sign Z) dloss / N, "
               "from A, q, b, dloss and optional signs and weights",
    .in_count = 6,
    .out_count = 3,
    .optional = 1u << BWD_SIGNS | 1u << BWD_WEIGHTS,
    .shapes = shapes_bwd,
    .reference = reference_bwd,
    .no_grad = "a gradient itself; second derivatives are not used",
    .variants = variants_bwd,
    .cases = cases_bwd,
    .fill = {OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE, OP_FILL_PREPARE},
    .prepare = prepare_bwd,
    /* the error of Z, up to 100 in fp32, is a relative one of the sigmoid: 100 * 6e-8 * 2, and of exp */
    .tolerance = {.abs = 2e-6, .rel = 3e-5, .nmse = 1e-10},
    .flops = flops,
};
