/* model.c: waves on a SIMD, cycle by cycle: see model.h. */
#include "model.h"

#include <string.h>

enum {
    MOST_WAVES = 32,
    MOST_LOOPS = 64,
    FLIGHT = 128, /* loads remembered: more than a wait can tell apart */
    LDS_LATENCY = 64,
    LDS_BYTES = 64, /* a cycle */
    LDS_AHEAD = 32,
    GLOBAL_BYTES = 32,
    GLOBAL_AHEAD = 64,
    SCALAR_BYTES = 16,
    BARRIER_CYCLES = 8,
    MATRIX_CYCLES = 32,
    MATRIX_FLOPS = 8192, /* 16x16x16 */
    PEAK_FMA = 128,      /* FLOP a cycle: 64 multiply-adds */
    PEAK_MATRIX = 256,
};

/* ---- the loop, unrolled ------------------------------------------------------------------------------------------ */

enum unit {
    UNIT_ALU,
    UNIT_LDS,
    UNIT_LOAD,
    UNIT_STORE,
    UNIT_WAIT,
    UNIT_BARRIER,
    UNIT_BRANCH,
    UNIT_SCALAR,
    UNIT_FETCH,
    UNITS
};

struct step {
    enum unit unit;
    uint32_t cycles; /* that the unit is busy */
    uint32_t fetch;  /* that a scalar load takes of the scalar cache, 0 = is none */
    uint32_t loads, lds;
    uint32_t flops;
};
struct program {
    struct step *steps;
    size_t count, capacity;
    bool matrix, scalar_loads;
};

static bool starts(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Vector instructions that both halves of a wave of 64 do in one cycle. */
static bool is_paired(const char *word)
{
    static const char *const names[] = {"v_fma", "v_mul", "v_add", "v_sub", "v_mov", "v_max", "v_min", "v_cndmask"};
    for (size_t i = 0; i < BASE_COUNT(names); i++)
        if (starts(word, names[i]))
            return true;
    return false;
}

static uint32_t flops_of(const char *word, uint32_t lanes)
{
    enum isa_kind kind = isa_kind_of(word);
    if (kind != ISA_FMA)
        return kind == ISA_MATRIX ? MATRIX_FLOPS : 0;
    return lanes * (starts(word, "v_pk_") || starts(word, "v_dot2") || starts(word, "v_dual_dot2") ? 4 : 2);
}

static uint32_t op_flops(const struct isa_op *op, uint32_t lanes)
{
    return flops_of(op->word, lanes) + (op->second && op->kind != ISA_MATRIX ? flops_of(op->second, lanes) : 0);
}

/* "s_load_b512", "s_buffer_load_b64" (once "s_load_dwordx16") */
static bool is_fetch(const struct isa_op *op)
{
    return starts(op->word, "s_load_") || starts(op->word, "s_buffer_load_");
}

static struct step step_of(const struct isa_op *op, uint32_t lanes)
{
    static const enum unit units[ISA_KINDS] = {
        [ISA_MATRIX] = UNIT_ALU,    [ISA_FMA] = UNIT_ALU,        [ISA_VALU] = UNIT_ALU,      [ISA_LDS] = UNIT_LDS,
        [ISA_LOAD] = UNIT_LOAD,     [ISA_STORE] = UNIT_STORE,    [ISA_SCALAR] = UNIT_SCALAR, [ISA_WAIT] = UNIT_WAIT,
        [ISA_BRANCH] = UNIT_BRANCH, [ISA_BARRIER] = UNIT_BARRIER};
    struct step s = {.unit = units[op->kind], .cycles = 1, .loads = op->loads, .lds = op->lds};
    uint32_t bytes = isa_bytes(op->word) * lanes;
    if (op->kind == ISA_MATRIX)
        s.cycles = MATRIX_CYCLES;
    else if (s.unit == UNIT_ALU)
        s.cycles = lanes <= 32 || is_paired(op->word) ? 1 : 2;
    else if (s.unit == UNIT_LDS)
        s.cycles = BASE_MAX(bytes / LDS_BYTES, 1u);
    else if (s.unit == UNIT_LOAD || s.unit == UNIT_STORE)
        s.cycles = BASE_MAX(bytes / GLOBAL_BYTES, 1u);
    if (is_fetch(op))
        s.fetch = BASE_MAX(isa_bytes(op->word) / SCALAR_BYTES, 1u);
    s.flops = op_flops(op, lanes);
    return s;
}

struct body {
    const struct isa_code *code;
    const struct model_params *params;
    struct isa_loop loops[MOST_LOOPS];
    uint32_t loop_count;
};

static uint32_t trips_of(const struct body *b, uint32_t block)
{
    for (uint32_t i = 0; i < b->params->trip_count; i++)
        if (b->params->trips[i].label == b->code->labels[block - 1])
            return b->params->trips[i].count;
    return 1;
}

/* The largest loop that begins with the block, within `outer` and not it. */
static const struct isa_loop *loop_at(const struct body *b, uint32_t block, const struct isa_loop *outer)
{
    const struct isa_loop *found = NULL;
    for (uint32_t i = 0; i < b->loop_count; i++) {
        const struct isa_loop *l = &b->loops[i];
        if (l != outer && l->first == block && l->last <= outer->last && (!found || l->last > found->last))
            found = l;
    }
    return found;
}

static enum mien_status add_block(const struct body *b, uint32_t block, struct program *out)
{
    enum mien_status status = MIEN_OK;
    for (size_t i = 0; i < b->code->count; i++) {
        const struct isa_op *op = &b->code->ops[i];
        if (op->block != block)
            continue;
        TRY(base_grow(&out->steps, &out->capacity, out->count + 1, sizeof *out->steps));
        out->steps[out->count++] = step_of(op, b->params->lanes);
        out->matrix = out->matrix || op->kind == ISA_MATRIX;
        out->scalar_loads = out->scalar_loads || is_fetch(op);
    }
fail:
    return status;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as loops are nested */
static enum mien_status unroll(const struct body *b, const struct isa_loop *loop, struct program *out)
{
    enum mien_status status = MIEN_OK;
    for (uint32_t block = loop->first; block <= loop->last; block++) {
        const struct isa_loop *inner = loop_at(b, block, loop);
        if (!inner) {
            TRY(add_block(b, block, out));
            continue;
        }
        for (uint32_t n = trips_of(b, block); n > 0; n--)
            TRY(unroll(b, inner, out));
        block = inner->last;
    }
fail:
    return status;
}

/* Multiply-adds of a round. */
static double worth(const struct program *p)
{
    double sum = 0;
    for (size_t i = 0; i < p->count; i++)
        sum += p->steps[i].flops;
    return sum;
}

/* Of equals the first, which is the outer one. */
static enum mien_status find_hottest(struct body *b, struct program *out, uint32_t *label)
{
    enum mien_status status = MIEN_OK;
    struct program one = {0};
    double most = 0;
    *label = 0;
    b->loop_count = BASE_MIN(isa_loops(b->code, b->loops, MOST_LOOPS), (uint32_t)MOST_LOOPS);
    for (uint32_t i = 0; i < b->loop_count; i++) {
        TRY(unroll(b, &b->loops[i], &one));
        if (worth(&one) > most) {
            most = worth(&one);
            *label = b->code->labels[b->loops[i].first - 1];
            base_free(out->steps);
            *out = one;
            one = (struct program){0};
        }
        one.count = 0;
        one.matrix = one.scalar_loads = false;
    }
fail:
    base_free(one.steps);
    return status;
}

/* ---- the SIMD ---------------------------------------------------------------------------------------------------- */

/* Accesses under way; they come back in the order in which they went. */
struct flight {
    uint64_t due[FLIGHT], last;
    uint32_t first, count;
};
struct wave {
    size_t at;
    uint32_t round;
    uint64_t busy; /* until then */
    bool stopped;  /* at a barrier */
    struct flight loads, lds;
};
struct simd {
    const struct program *program;
    const struct model_params *params;
    struct wave waves[MOST_WAVES];
    uint32_t order[MOST_WAVES];             /* the least far first */
    uint64_t now, alu, lds, global, scalar; /* until when they are taken */
    uint64_t next;                          /* when something may change */
    uint32_t going;                         /* waves not at their end */
    double flops;
    enum { FREE, FOR_GLOBAL, FOR_LDS, FOR_OTHER } why;
    uint64_t idle[4];
};

static void soon(struct simd *s, uint64_t when)
{
    if (when > s->now)
        s->next = BASE_MIN(s->next, when);
}

static void send(struct flight *f, uint64_t due)
{
    f->last = BASE_MAX(f->last, due);
    if (f->count == FLIGHT) {
        f->first = (f->first + 1) % FLIGHT;
        f->count--;
    }
    f->due[(f->first + f->count++) % FLIGHT] = f->last;
}

/* Whether more than `left` are still under way. */
static bool is_waiting(struct simd *s, struct flight *f, uint32_t left)
{
    while (f->count && f->due[f->first] <= s->now) {
        f->first = (f->first + 1) % FLIGHT;
        f->count--;
    }
    if (f->count <= left)
        return false;
    soon(s, f->due[f->first]);
    return true;
}

/* When all waves of the group are there, or through, they go on. */
static void arrive(struct simd *s, uint32_t wave)
{
    uint32_t first = wave / s->params->group_waves * s->params->group_waves;
    uint32_t end = BASE_MIN(first + s->params->group_waves, s->params->waves);
    s->waves[wave].stopped = true;
    for (uint32_t i = first; i < end; i++)
        if (!s->waves[i].stopped && s->waves[i].round < s->params->rounds)
            return;
    for (uint32_t i = first; i < end; i++) {
        s->waves[i].stopped = false;
        s->waves[i].busy = s->now + BARRIER_CYCLES;
        soon(s, s->waves[i].busy);
    }
}

/* Whether an access may join the queue before a unit; it is done when the unit has come to it. */
static bool enqueue(struct simd *s, uint64_t *unit, uint32_t ahead, uint32_t cycles)
{
    if (*unit > s->now + ahead) {
        soon(s, *unit - ahead);
        return false;
    }
    *unit = BASE_MAX(*unit, s->now) + cycles;
    return true;
}

/* Whether the wave's next instruction goes now. */
static bool try_step(struct simd *s, uint32_t index, const struct step *step)
{
    struct wave *w = &s->waves[index];
    uint64_t busy = s->now + 1;
    switch (step->unit) {
    case UNIT_ALU:
        if (s->alu > s->now) {
            s->why = FOR_OTHER;
            return false;
        }
        s->alu = busy = s->now + step->cycles;
        break;
    case UNIT_LDS:
        if (!enqueue(s, &s->lds, LDS_AHEAD, step->cycles))
            return false;
        send(&w->lds, s->lds + LDS_LATENCY);
        break;
    case UNIT_LOAD:
    case UNIT_STORE:
        if (!enqueue(s, &s->global, GLOBAL_AHEAD, step->cycles))
            return false;
        if (step->unit == UNIT_LOAD)
            send(&w->loads, s->global + s->params->latency);
        break;
    case UNIT_SCALAR:
        if (step->fetch && s->params->scalar_latency) {
            s->scalar = BASE_MAX(s->scalar, s->now) + step->fetch;
            send(&w->lds, s->scalar + s->params->scalar_latency);
        }
        break;
    case UNIT_WAIT:
        if (is_waiting(s, &w->loads, step->loads) || is_waiting(s, &w->lds, step->lds)) {
            if (s->why == FREE)
                s->why = w->loads.count > step->loads ? FOR_GLOBAL : FOR_LDS;
            return false;
        }
        break;
    case UNIT_BARRIER:
        arrive(s, index);
        return true;
    default:
        break;
    }
    w->busy = busy;
    return true;
}

/* In place, for the order changes little from cycle to cycle. */
static void sort_waves(struct simd *s)
{
    for (uint32_t i = 1; i < s->params->waves; i++) {
        uint32_t moved = s->order[i], at = i;
        const struct wave *w = &s->waves[moved];
        for (; at > 0; at--) {
            const struct wave *o = &s->waves[s->order[at - 1]];
            if (o->round < w->round || (o->round == w->round && o->at < w->at) ||
                (o->round == w->round && o->at == w->at && s->order[at - 1] < moved))
                break;
            s->order[at] = s->order[at - 1];
        }
        s->order[at] = moved;
    }
}

static void run_cycle(struct simd *s)
{
    const struct program *p = s->program;
    bool taken[UNITS] = {0}, any = false;
    s->next = UINT64_MAX;
    s->why = FREE;
    sort_waves(s);
    for (uint32_t i = 0; i < s->params->waves; i++) {
        struct wave *w = &s->waves[s->order[i]];
        if (w->round >= s->params->rounds || w->stopped)
            continue;
        if (w->busy > s->now) {
            soon(s, w->busy);
            continue;
        }
        const struct step *step = &p->steps[w->at];
        if (taken[step->unit] || !try_step(s, s->order[i], step))
            continue;
        taken[step->unit] = any = true;
        s->flops += step->flops;
        if (++w->at == p->count) {
            w->at = 0;
            s->going -= ++w->round == s->params->rounds;
        }
    }
    soon(s, s->alu);
    uint64_t next = any ? s->now + 1 : s->next;
    if (s->alu <= s->now)
        s->idle[s->why == FREE ? FOR_OTHER : s->why] += next - s->now;
    s->now = next;
}

uint32_t model_group_waves(uint32_t invocations, uint32_t lanes)
{
    uint32_t waves = (invocations + lanes - 1) / lanes;
    return BASE_MAX((waves + 3) / 4, 1u);
}

static enum mien_status simulate(const struct program *p, const struct model_params *params, struct model_result *out)
{
    enum mien_status status = MIEN_OK;
    struct simd *s = base_alloc(1, sizeof *s);
    FAIL_IF_NULL(s, "a SIMD");
    s->program = p;
    s->params = params;
    s->going = params->waves;
    for (uint32_t i = 0; i < params->waves; i++)
        s->order[i] = i;
    while (s->going > 0 && s->now < UINT64_MAX)
        run_cycle(s);
    FAIL_IF(s->going, MIEN_ERR_FAILED, "the model: %u waves wait for what never comes", s->going);
    double cycles = (double)s->now;
    out->share = s->flops / cycles / (p->matrix ? PEAK_MATRIX : PEAK_FMA);
    out->cycles = cycles / params->rounds;
    out->scalar_loads = p->scalar_loads;
    out->idle_global = (double)s->idle[FOR_GLOBAL] / cycles;
    out->idle_lds = (double)s->idle[FOR_LDS] / cycles;
    out->idle_other = (double)s->idle[FOR_OTHER] / cycles;
fail:
    base_free(s);
    return status;
}

enum mien_status model_estimate(const struct isa_code *code, const struct model_params *given, struct model_result *out)
{
    enum mien_status status = MIEN_OK;
    struct program program = {0};
    struct model_params params = *given;
    struct body body = {.code = code, .params = &params};
    *out = (struct model_result){0};
    params.latency = params.latency ? params.latency : 500;
    params.rounds = params.rounds ? params.rounds : 12;
    params.group_waves = BASE_MAX(params.group_waves, 1u);
    FAIL_IF(params.lanes < 1 || params.waves < 1 || params.waves > MOST_WAVES, MIEN_ERR_ARG,
            "the model: %u waves of %u lanes on a SIMD are not what it knows", params.waves, params.lanes);
    TRY(find_hottest(&body, &program, &out->label));
    if (program.count)
        TRY(simulate(&program, &params, out));
fail:
    base_free(program.steps);
    return status;
}
