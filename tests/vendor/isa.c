/* isa.c: reading RADV's disassembly: a line "BB3:" begins a block, an indented word is an instruction, the block named
 * behind a branch its target; what follows a semicolon is the encoding. */
#include "isa.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* The first that fits. */
static const struct {
    const char *start;
    enum isa_kind kind;
} kinds[] = {
    {"v_wmma", ISA_MATRIX},
    {"v_mfma", ISA_MATRIX},
    {"v_swmmac", ISA_MATRIX},
    {"v_dual_fma", ISA_FMA},
    {"v_dual_mac", ISA_FMA},
    {"v_dual_mad", ISA_FMA},
    {"v_dual_dot", ISA_FMA},
    {"v_fma", ISA_FMA},
    {"v_mac", ISA_FMA},
    {"v_mad", ISA_FMA},
    {"v_pk_fma", ISA_FMA},
    {"v_dot", ISA_FMA},
    {"v_", ISA_VALU},
    {"ds_", ISA_LDS},
    {"buffer_load", ISA_LOAD},
    {"global_load", ISA_LOAD},
    {"flat_load", ISA_LOAD},
    {"scratch_load", ISA_LOAD},
    {"buffer_store", ISA_STORE},
    {"global_store", ISA_STORE},
    {"flat_store", ISA_STORE},
    {"scratch_store", ISA_STORE},
    {"s_waitcnt", ISA_WAIT},
    {"s_wait_", ISA_WAIT},
    {"s_barrier", ISA_BARRIER},
    {"s_cbranch", ISA_BRANCH},
    {"s_branch", ISA_BRANCH},
};

const char *isa_kind_name(enum isa_kind kind)
{
    static const char *const names[ISA_KINDS] = {"matrix", "fma",    "valu", "lds",    "load",
                                                 "store",  "scalar", "wait", "branch", "barrier"};
    return names[kind];
}

static bool starts(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

enum isa_kind isa_kind_of(const char *word)
{
    for (size_t i = 0; i < BASE_COUNT(kinds); i++)
        if (starts(word, kinds[i].start))
            return kinds[i].kind;
    return ISA_SCALAR;
}

static size_t word_length(const char *word)
{
    size_t n = 0;
    while (islower((unsigned char)word[n]) || isdigit((unsigned char)word[n]) || word[n] == '_')
        n++;
    return n;
}

/* "ds_load_b64", "buffer_load_dwordx4", "ds_store_2addr_b32" (two at once; once "ds_write2_b32"). */
uint32_t isa_bytes(const char *word)
{
    char name[64];
    uint32_t bytes = 4;
    snprintf(name, sizeof name, "%.*s", (int)word_length(word), word);
    const char *last = strrchr(name, '_'), *end = last ? last + 1 : name;
    if (*end && strchr("buidf", *end) && isdigit((unsigned char)end[1]))
        bytes = (uint32_t)strtoul(end + 1, NULL, 10) / 8;
    else if (starts(end, "dwordx"))
        bytes = 4 * (uint32_t)strtoul(end + 6, NULL, 10);
    else if (starts(end, "ushort") || starts(end, "short"))
        bytes = 2;
    bool twice = strstr(name, "2addr") || strstr(name, "2st64") || strstr(name, "read2") || strstr(name, "write2");
    return bytes * (twice ? 2 : 1);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static bool starts_block(const char *line, uint32_t *label)
{
    char *end;
    line += strspn(line, " \t");
    if (!starts(line, "BB") || !isdigit((unsigned char)line[2]))
        return false;
    *label = (uint32_t)strtoul(line + 2, &end, 10);
    return *end == ':';
}

static bool is_instruction(const char *line)
{
    return isspace((unsigned char)line[0]) && islower((unsigned char)line[strspn(line, " \t")]);
}

static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');
    return end ? end + 1 : line + strlen(line);
}

/* What follows a word within the line, before its encoding. NULL = the word is not there. */
static const char *behind(const char *line, const char *word)
{
    const char *end = line + strcspn(line, ";\n"), *at = strstr(line, word);
    return at && at < end ? at + strlen(word) : NULL;
}

/* "s_waitcnt vmcnt(0) lgkmcnt(1)"; from RDNA4 on "s_wait_loadcnt 0x0", "s_wait_dscnt", "s_wait_kmcnt", and two in one
 * number, "s_wait_loadcnt_dscnt 0x102". Other waits (for stores, for the arithmetic) are for none of these. */
static void read_wait(const char *word, struct isa_op *op)
{
    const char *number = word + word_length(word), *at;
    if ((at = behind(word, "vmcnt(")) != NULL)
        op->loads = (uint32_t)strtoul(at, NULL, 10);
    if ((at = behind(word, "lgkmcnt(")) != NULL)
        op->lds = (uint32_t)strtoul(at, NULL, 10);
    if (starts(word, "s_wait_loadcnt_dscnt")) {
        unsigned long both = strtoul(number, NULL, 0);
        op->loads = (uint32_t)(both >> 8 & 63);
        op->lds = (uint32_t)(both & 63);
    } else if (starts(word, "s_wait_loadcnt")) {
        op->loads = (uint32_t)strtoul(number, NULL, 0);
    } else if (starts(word, "s_wait_dscnt") || starts(word, "s_wait_kmcnt")) {
        op->lds = (uint32_t)strtoul(number, NULL, 0);
    }
}

static enum mien_status add_op(const char *word, struct isa_code *out)
{
    enum mien_status status = MIEN_OK;
    TRY(base_grow(&out->ops, &out->capacity, out->count + 1, sizeof *out->ops));
    struct isa_op *op = &out->ops[out->count++];
    *op = (struct isa_op){.word = word,
                          .second = behind(word, ":: "),
                          .kind = isa_kind_of(word),
                          .block = (uint32_t)out->blocks,
                          .loads = ISA_ANY,
                          .lds = ISA_ANY};
    if (op->kind == ISA_WAIT)
        read_wait(word, op);
fail:
    return status;
}

/* Labels become places when all are known. */
static void set_targets(struct isa_code *code)
{
    for (size_t i = 0; i < code->count; i++) {
        const char *at = code->ops[i].kind == ISA_BRANCH ? behind(code->ops[i].word, " BB") : NULL;
        uint32_t label = at ? (uint32_t)strtoul(at, NULL, 10) : 0;
        for (size_t b = 0; at && b < code->blocks; b++)
            if (code->labels[b] == label)
                code->ops[i].target = (uint32_t)b + 1;
    }
}

enum mien_status isa_read(const char *assembly, struct isa_code *out)
{
    enum mien_status status = MIEN_OK;
    uint32_t label;
    *out = (struct isa_code){0};
    for (const char *line = assembly; *line; line = next_line(line)) {
        if (starts_block(line, &label)) {
            TRY(base_grow(&out->labels, &out->label_capacity, out->blocks + 1, sizeof *out->labels));
            out->labels[out->blocks++] = label;
        } else if (is_instruction(line) && out->blocks) {
            TRY(add_op(line + strspn(line, " \t"), out));
        }
    }
    set_targets(out);
    return MIEN_OK;
fail:
    isa_clear(out);
    return status;
}

void isa_clear(struct isa_code *code)
{
    base_free(code->ops);
    base_free(code->labels);
    *code = (struct isa_code){0};
}

/* ---- loops ------------------------------------------------------------------------------------------------------- */

static int by_place(const void *a, const void *b)
{
    const struct isa_loop *x = a, *y = b;
    return x->first != y->first ? (x->first > y->first) - (x->first < y->first)
                                : (x->last > y->last) - (x->last < y->last);
}

static void add_loop(struct isa_loop *loops, uint32_t capacity, uint32_t *count, uint32_t first, uint32_t last)
{
    for (uint32_t i = 0; i < *count && i < capacity; i++)
        if (loops[i].first == first && loops[i].last == last)
            return;
    if (*count < capacity)
        loops[*count] = (struct isa_loop){.first = first, .last = last};
    ++*count;
}

static bool within(const struct isa_loop *loop, uint32_t block)
{
    return block >= loop->first && block <= loop->last;
}

/* Whether the block is in a smaller loop than this one. */
static bool is_inner(const struct isa_loop *loops, uint32_t count, const struct isa_loop *loop, uint32_t block)
{
    for (uint32_t i = 0; i < count; i++)
        if (within(&loops[i], block) && loops[i].last - loops[i].first < loop->last - loop->first)
            return true;
    return false;
}

/* For a wave of 32 lanes, in cycles of the unit that does it. */
static uint32_t weight_of(const struct isa_op *op)
{
    switch (op->kind) {
    case ISA_MATRIX:
        return 32;
    case ISA_FMA:
    case ISA_VALU:
        return 1;
    case ISA_LDS:
        return isa_bytes(op->word) / 2;
    case ISA_LOAD:
    case ISA_STORE:
        return isa_bytes(op->word);
    default:
        return 0;
    }
}

/* Loads under way, the oldest first. */
struct flight {
    bool together[ISA_ANY]; /* with another */
    uint32_t count;
};

/* A load that comes while ISA_ANY are under way says nothing new: none of them is alone. */
static void issue(struct flight *f)
{
    for (uint32_t i = 0; i < f->count; i++)
        f->together[i] = true;
    if (f->count < ISA_ANY) {
        f->together[f->count] = f->count > 0;
        f->count++;
    }
}

/* Until `left` are under way; returns how many of those waited for were alone. */
static uint32_t wait_for(struct flight *f, uint32_t left)
{
    uint32_t done = f->count > left ? f->count - left : 0, alone = 0;
    for (uint32_t i = 0; i < done; i++)
        alone += !f->together[i];
    memmove(f->together, f->together + done, (f->count - done) * sizeof *f->together);
    f->count -= done;
    return alone;
}

static void count_loop(const struct isa_code *code, const struct isa_loop *loops, uint32_t count, struct isa_loop *loop)
{
    struct flight flight = {0};
    for (size_t i = 0; i < code->count; i++) {
        const struct isa_op *op = &code->ops[i];
        if (!within(loop, op->block))
            continue;
        bool own = !is_inner(loops, count, loop, op->block);
        loop->of[op->kind]++;
        loop->own[op->kind] += own;
        if (op->second) {
            loop->of[isa_kind_of(op->second)]++;
            loop->own[isa_kind_of(op->second)] += own;
        }
        loop->weight += weight_of(op);
        loop->own_weight += own ? weight_of(op) : 0;
        if (own && op->kind == ISA_LOAD)
            issue(&flight);
        else if (own && op->kind == ISA_WAIT)
            loop->alone += wait_for(&flight, op->loads);
    }
}

/* The smallest loop around it, NULL = none. */
static const struct isa_loop *parent_of(const struct isa_loop *loops, uint32_t count, const struct isa_loop *loop)
{
    const struct isa_loop *found = NULL;
    for (uint32_t i = 0; i < count; i++) {
        const struct isa_loop *l = &loops[i];
        if (l != loop && within(l, loop->first) && within(l, loop->last) &&
            (!found || l->last - l->first < found->last - found->first))
            found = l;
    }
    return found;
}

/* The nearest one that ends before it and is in the same loop. */
static const struct isa_loop *before(const struct isa_loop *loops, uint32_t count, const struct isa_loop *loop)
{
    const struct isa_loop *found = NULL, *parent = parent_of(loops, count, loop);
    for (uint32_t i = 0; i < count; i++)
        if (loops[i].last < loop->first && parent_of(loops, count, &loops[i]) == parent &&
            (!found || loops[i].last > found->last))
            found = &loops[i];
    return found;
}

static bool is_main(const struct isa_loop *loops, uint32_t count, const struct isa_loop *loop)
{
    static const enum isa_kind telling[] = {ISA_MATRIX, ISA_FMA, ISA_LDS, ISA_STORE};
    const struct isa_loop *b = before(loops, count, loop);
    if (2 * loop->own_weight < loop->weight - loop->own_weight)
        return false;
    if (!b || b->own[ISA_LOAD] < 2 * loop->own[ISA_LOAD])
        return true;
    for (size_t i = 0; i < BASE_COUNT(telling); i++)
        if (!b->own[telling[i]] != !loop->own[telling[i]])
            return true;
    return false;
}

uint32_t isa_loops(const struct isa_code *code, struct isa_loop *loops, uint32_t capacity)
{
    uint32_t count = 0;
    for (size_t i = 0; i < code->count; i++)
        if (code->ops[i].target && code->ops[i].target <= code->ops[i].block)
            add_loop(loops, capacity, &count, code->ops[i].target, code->ops[i].block);
    uint32_t known = BASE_MIN(count, capacity);
    qsort(loops, known, sizeof *loops, by_place);
    for (uint32_t i = 0; i < known; i++)
        count_loop(code, loops, known, &loops[i]);
    for (uint32_t i = 0; i < known; i++)
        loops[i].main = is_main(loops, known, &loops[i]);
    return count;
}
