/* attention_plain.c: attention's plain form, which takes any shape: the scores and weights of a chunk of (batch, head)
 * pairs in scratch memory, between strided matmuls. */
#include "args/attention.h"
#include "op/attention.h"

enum { CHUNK_BYTES = 32 << 20 }; /* most of one scratch matrix */

/* The largest chunk: whole pairs when one fits, else rows of one pair; 0 rows when not even a row fits. */
static void chunk_limits(const struct vk_caps *caps, const struct attention_size *s, uint32_t *pairs, uint32_t *rows)
{
    uint64_t lines = BASE_MIN(caps->max_range, (uint64_t)CHUNK_BYTES) / 4 / s->tokens;
    *rows = (uint32_t)BASE_MIN(lines, (uint64_t)s->tokens);
    *pairs = (uint32_t)BASE_MAX(lines / s->tokens, 1);
}

/* A plain kernel's dispatch of `count` invocations, without binds and push constants. */
static struct op_dispatch *add_plain(const struct attention_chunk *c, const char *shader, uint64_t count)
{
    return op_plan_items(c->plan, shader, c->plan->caps->class_ == VK_CLASS_SOFTWARE ? 32 : 64, count);
}

static struct op_dispatch *add_rows(const struct attention_chunk *c, const char *shader, uint64_t count)
{
    const struct attention_size *s = &c->size;
    struct attention_rows_args args = {.count = (uint32_t)count,
                                       .tokens = s->tokens,
                                       .heads = s->heads,
                                       .dim = s->dim,
                                       .pair0 = c->pair0,
                                       .row0 = c->row0,
                                       .rows = c->rows,
                                       .causal = s->causal,
                                       .skip = c->part.rows.skip,
                                       .skip_qkv = c->part.qkv.skip,
                                       .skip_lse = c->part.lse.skip,
                                       .scale = (float)s->scale};
    struct op_dispatch *d = add_plain(c, shader, count);
    OP_PUSH(d, args);
    return d;
}

/* An operand of attention_mm: a model tensor's rows from `row0` on, all of a [B,T,D] or a third of a [B,T,3D]; or a
 * scratch matrix. Either may be transposed. */
enum columns { WHOLE, QUERIES, KEYS, VALUES };
struct operand {
    enum op_place place;
    uint32_t index, row0;
    enum columns columns;
    bool transposed;
};

struct operand_strides {
    uint32_t first, batch, head, chunk, row, col;
};

static struct operand_strides strides_of(const struct attention_chunk *c, const struct operand *m)
{
    const struct attention_size *s = &c->size;
    struct operand_strides out = {.col = 1};
    if (m->place == OP_SCRATCH) {
        out.chunk = c->rows * s->tokens;
        out.row = s->tokens;
    } else {
        uint32_t third = m->columns == WHOLE ? 0 : m->columns - QUERIES;
        out.row = m->columns == WHOLE ? s->width : 3 * s->width;
        out.first = (m->columns == WHOLE ? c->part.rows.skip : c->part.qkv.skip) + m->row0 * out.row + third * s->width;
        out.batch = s->tokens * out.row;
        out.head = s->dim;
    }
    if (m->transposed)
        out = (struct operand_strides){out.first, out.batch, out.head, out.chunk, out.col, out.row};
    return out;
}

static void bind_operand(struct op_dispatch *d, const struct attention_chunk *c, const struct operand *m,
                         uint32_t access)
{
    if (m->place == OP_SCRATCH)
        op_dispatch_bind(d, OP_SCRATCH, m->index, access);
    else
        op_part_bind(d, m->place, m->index, access, m->columns == WHOLE ? c->part.rows : c->part.qkv);
}

/* c[rows, cols] (+)= a[rows, depth] b[depth, cols] for every pair of the chunk. */
static void add_mm(const struct attention_chunk *chunk, const struct operand *a, const struct operand *b,
                   const struct operand *c, uint32_t rows, uint32_t cols, uint32_t depth, bool accumulate)
{
    struct operand_strides x = strides_of(chunk, a), y = strides_of(chunk, b), z = strides_of(chunk, c);
    uint64_t count = base_div_up(rows, 4) * base_div_up(cols, 4) * chunk->pairs;
    /* as they stand in args/attention.h */
    struct attention_mm_args args = {(uint32_t)count, rows,    cols,    depth,   chunk->size.heads,
                                     chunk->pair0,    x.first, x.batch, x.head,  x.chunk,
                                     x.row,           x.col,   y.first, y.batch, y.head,
                                     y.chunk,         y.row,   y.col,   z.first, z.batch,
                                     z.head,          z.chunk, z.row};
    struct op_dispatch *d = add_plain(chunk, accumulate ? "attention_mm_add" : "attention_mm", count);
    bind_operand(d, chunk, a, OP_READ);
    bind_operand(d, chunk, b, OP_READ);
    bind_operand(d, chunk, c, accumulate ? OP_READ | OP_WRITE : OP_WRITE);
    attention_formats(d, chunk->plan->call);
    OP_PUSH(d, args);
    op_plan_cut(chunk->plan, 2.0 * chunk->pairs * rows * (double)cols * depth);
}

static void chunk_fwd(const struct attention_chunk *c)
{
    const struct attention_size *s = &c->size;
    const struct operand q = {OP_IN, ATTENTION_QKV, c->row0, QUERIES, false};
    const struct operand k_t = {OP_IN, ATTENTION_QKV, 0, KEYS, true}, v = {OP_IN, ATTENTION_QKV, 0, VALUES, false};
    const struct operand o = {OP_OUT, 0, c->row0, WHOLE, false};
    const struct operand score = {OP_SCRATCH, 0, 0, WHOLE, false}, weight = {OP_SCRATCH, 1, 0, WHOLE, false};
    add_mm(c, &q, &k_t, &score, c->rows, s->tokens, s->dim, false);
    struct op_dispatch *d = add_rows(c, "attention_fwd", (uint64_t)c->pairs * c->rows);
    op_plan_bind(c->plan, "<$0 >$1");
    op_part_bind(d, OP_OUT, 1, OP_WRITE, c->part.lse);
    add_mm(c, &weight, &v, &o, c->rows, s->dim, s->tokens, false);
}

static void chunk_bwd(const struct attention_chunk *c)
{
    const struct attention_size *s = &c->size;
    const struct operand q = {OP_IN, ATTENTION_QKV, c->row0, QUERIES, false};
    const struct operand k = {OP_IN, ATTENTION_QKV, 0, KEYS, false};
    const struct operand g = {OP_IN, ATTENTION_DO, c->row0, WHOLE, false}, weight_t = {OP_SCRATCH, 0, 0, WHOLE, true};
    const struct operand ds = {OP_SCRATCH, 1, 0, WHOLE, false}, ds_t = {OP_SCRATCH, 1, 0, WHOLE, true};
    const struct operand dq = {OP_OUT, 0, c->row0, QUERIES, false};
    const struct operand dk = {OP_OUT, 0, 0, KEYS, false}, dv = {OP_OUT, 0, 0, VALUES, false};
    bool more = c->row0 > 0;
    uint64_t tiles = base_div_up(c->rows, 4) * base_div_up(s->tokens, 4) * c->pairs;
    struct op_dispatch *d = add_rows(c, "attention_bwd", tiles);
    attention_bind_with_delta(d, &c->part, 2);
    op_plan_bind(c->plan, ">$0 >$1");
    attention_formats(d, c->plan->call);
    op_plan_cut(c->plan, 4.0 * c->pairs * c->rows * (double)s->tokens * s->dim);
    add_mm(c, &ds, &k, &dq, c->rows, s->dim, s->tokens, false);
    add_mm(c, &ds_t, &q, &dk, s->tokens, s->dim, c->rows, more);
    add_mm(c, &weight_t, &g, &dv, s->tokens, s->dim, c->rows, more);
}

void attention_plan_delta(const struct attention_chunk *c, uint32_t index)
{
    uint64_t count = (uint64_t)c->part.batches * c->size.heads * c->size.tokens;
    struct op_dispatch *d = add_rows(c, "attention_bwd_delta", count);
    op_part_bind(d, OP_IN, ATTENTION_O, OP_READ, c->part.rows);
    op_part_bind(d, OP_IN, ATTENTION_DO, OP_READ, c->part.rows);
    op_part_bind(d, OP_SCRATCH, index, OP_WRITE, c->part.lse);
    attention_formats(d, c->plan->call);
}

/* The chunks of a part, each by `run`. */
static void plan_chunks(struct attention_chunk *c, uint32_t most_pairs, uint32_t most_rows,
                        void (*run)(const struct attention_chunk *c))
{
    uint64_t *scratch = c->plan->scratch;
    uint32_t pairs = c->part.batches * c->size.heads, tokens = c->size.tokens;
    for (c->pair0 = 0; c->pair0 < pairs; c->pair0 += c->pairs) {
        c->pairs = BASE_MIN(most_pairs, pairs - c->pair0);
        for (c->row0 = 0; c->row0 < tokens; c->row0 += c->rows) {
            c->rows = BASE_MIN(most_rows, tokens - c->row0);
            run(c);
            scratch[0] = scratch[1] = BASE_MAX(scratch[0], (uint64_t)c->pairs * c->rows * tokens * 4);
        }
    }
}

static void plan_plain(struct op_plan *plan, bool delta, void (*run)(const struct attention_chunk *c))
{
    struct attention_chunk c = {.plan = plan, .size = attention_size_of(plan->call)};
    const struct attention_size *s = &c.size;
    uint32_t most_pairs, most_rows;
    uint64_t most = op_most_rounds(plan->caps) / 33 * 32; /* attention_mm sums in runs of 32 */
    if (op_plan_refuse(
            plan, BASE_MAX(s->tokens, s->dim) > most,
            "%u tokens of heads of %u; on software drivers, which end long loops, at most %llu are supported",
            s->tokens, s->dim, (unsigned long long)most))
        return;
    chunk_limits(plan->caps, s, &most_pairs, &most_rows);
    if (op_plan_refuse(plan, delta && s->dtype != MIEN_F32 && most_rows < s->tokens,
                       "%u tokens whose gradients are %s: they would be summed in parts; at most %u rows are one part",
                       s->tokens, mien_dtype_name(s->dtype), most_rows))
        return;
    plan->scratch[2] = delta ? (uint64_t)s->batch * s->heads * s->tokens * 4 : 0;
    for (uint32_t first = 0; first < s->batch; first += c.part.batches) {
        c.part = attention_part_at(plan->caps, s, first);
        if (op_plan_too_large(plan, c.part.batches == 0 || most_rows == 0, (uint64_t)s->tokens * s->width * 3))
            return;
        if (delta)
            attention_plan_delta(&c, 2);
        plan_chunks(&c, most_pairs, most_rows, run);
    }
}

void attention_plan_fwd(struct op_plan *plan)
{
    plan_plain(plan, false, chunk_fwd);
}

void attention_plan_bwd(struct op_plan *plan)
{
    plan_plain(plan, true, chunk_bwd);
}
