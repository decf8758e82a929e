/* isa.c: reading RADV's disassembly: a line "BB3:" begins a block, an indented word is an instruction, the block named
 * behind a branch its target. */
#include "isa.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BLOCKS = 4096 };

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

static enum isa_kind kind_of(const char *word)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(word, kinds[i].start, strlen(kinds[i].start)) == 0)
            return kinds[i].kind;
    return ISA_SCALAR;
}

static bool starts_block(const char *line, unsigned long *number)
{
    char *end;
    if (strncmp(line, "BB", 2) != 0 || !isdigit((unsigned char)line[2]))
        return false;
    *number = strtoul(line + 2, &end, 10);
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

/* A word within the line. */
static const char *find(const char *line, const char *word)
{
    const char *at = strstr(line, word);
    return at && at < next_line(line) ? at : NULL;
}

/* The place in the text of each block's number, 1 on; 0 = there is no such block. */
static void place_blocks(const char *text, uint32_t place[MOST_BLOCKS])
{
    uint32_t count = 0;
    unsigned long number;
    memset(place, 0, MOST_BLOCKS * sizeof *place);
    for (const char *line = text; *line; line = next_line(line))
        if (starts_block(line, &number) && number < MOST_BLOCKS)
            place[number] = ++count;
}

/* The place of the block to which an instruction branches, 0 = it does not. */
static uint32_t target_of(const char *line, const uint32_t place[MOST_BLOCKS])
{
    const char *at = find(line, "branch") ? find(line, " BB") : NULL;
    unsigned long number = at ? strtoul(at + 3, NULL, 10) : MOST_BLOCKS;
    return number < MOST_BLOCKS ? place[number] : 0;
}

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

/* Two instructions may be issued as one: the second comes behind "::". */
static void count_line(struct isa_loop *loop, const char *line, uint32_t *pending)
{
    const char *second = find(line, ":: v_dual_");
    enum isa_kind kind = kind_of(line + strspn(line, " \t"));
    loop->of[kind]++;
    if (second)
        loop->of[kind_of(second + 3)]++;
    if (kind == ISA_LOAD)
        ++*pending;
    if (kind == ISA_WAIT && *pending) {
        loop->waits++;
        loop->alone += *pending == 1;
        *pending = 0;
    }
}

static void count_loop(struct isa_loop *loop, const char *text)
{
    uint32_t place = 0, pending = 0;
    unsigned long number;
    for (const char *line = text; *line && place <= loop->last; line = next_line(line)) {
        if (starts_block(line, &number))
            place++;
        else if (place >= loop->first && place <= loop->last && is_instruction(line))
            count_line(loop, line, &pending);
    }
}

uint32_t isa_loops(const char *assembly, struct isa_loop *loops, uint32_t capacity)
{
    uint32_t place[MOST_BLOCKS], at = 0, count = 0;
    unsigned long number;
    place_blocks(assembly, place);
    for (const char *line = assembly; *line; line = next_line(line)) {
        uint32_t target;
        if (starts_block(line, &number))
            at++;
        else if (is_instruction(line) && (target = target_of(line, place)) > 0 && target <= at)
            add_loop(loops, capacity, &count, target, at);
    }
    uint32_t known = count < capacity ? count : capacity;
    qsort(loops, known, sizeof *loops, by_place);
    for (uint32_t i = 0; i < known; i++)
        count_loop(&loops[i], assembly);
    return count;
}
