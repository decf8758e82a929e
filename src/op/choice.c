/* choice.c: see choice.h. */
#include "op/choice.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what could serve -------------------------------------------------------------------------------------------- */

static bool may_serve(const struct vk_caps *caps, const struct op_call *call, const struct op_variant *v)
{
    return (v->needs & caps->features) == v->needs && (!v->fits || v->fits(caps, call));
}

static bool has_failed(const struct vk_caps *caps, const struct op_call *call, const struct op_variant *v)
{
    return vk_caps_refuse(caps, call->op->name, v->name);
}

/* A variant's tiles, the rule's first. */
static uint32_t tiles_of(const struct vk_caps *caps, const struct op_call *call, const struct op_variant *v,
                         struct op_tile tiles[1 + OP_MAX_TILES])
{
    tiles[0] = (struct op_tile){0};
    return 1 + (v->tiles ? v->tiles(caps, call, tiles + 1) : 0);
}

uint32_t op_choices(const struct vk_caps *caps, const struct op_call *call, struct op_choice out[OP_MAX_CHOICES])
{
    struct op_tile tiles[1 + OP_MAX_TILES];
    uint32_t count = 0;
    for (const struct op_variant *v = call->op->variants; v && v->name; v++) {
        if (!may_serve(caps, call, v) || has_failed(caps, call, v))
            continue;
        uint32_t more = tiles_of(caps, call, v, tiles);
        for (uint32_t i = 0; i < more && count < OP_MAX_CHOICES; i++)
            out[count++] = (struct op_choice){v, tiles[i]};
    }
    return count;
}

static uint64_t mix(uint64_t hash, const void *data, size_t size)
{
    for (const unsigned char *at = data; size > 0; size--, at++)
        hash = (hash ^ *at) * 1099511628211u;
    return hash;
}

uint64_t op_choices_key(const struct vk_caps *caps, const struct op_call *call)
{
    struct op_tile tiles[1 + OP_MAX_TILES];
    uint64_t hash = 14695981039346656037u;
    for (const struct op_variant *v = call->op->variants; v && v->name; v++) {
        if (!may_serve(caps, call, v))
            continue;
        hash = mix(hash, v->name, strlen(v->name) + 1);
        hash = mix(hash, tiles, tiles_of(caps, call, v, tiles) * sizeof(tiles[0]));
    }
    if (caps->class_ == VK_CLASS_SOFTWARE) /* one driver of several widths (mien_gpu_prepare), in one table */
        hash = mix(hash, &caps->subgroup_size, sizeof(caps->subgroup_size));
    return hash;
}

/* ---- what serves ------------------------------------------------------------------------------------------------- */

static bool tile_equal(struct op_tile a, struct op_tile b)
{
    return a.rows == b.rows && a.cols == b.cols && a.parts == b.parts;
}

/* The table's choice; variant NULL where it has none of use. */
static struct op_choice tuned(const struct vk_caps *caps, const struct op_call *call)
{
    struct op_choice choices[OP_MAX_CHOICES];
    struct op_tile tile;
    char text[OP_CALL_TEXT];
    uint64_t key = op_choices_key(caps, call);
    const struct vk_choice *row = op_call_text(call, text) ? vk_tuned_find(caps->tuned, text, key) : NULL;
    if (row && op_tile_parse(row->tile, &tile)) {
        uint32_t count = op_choices(caps, call, choices);
        for (uint32_t i = 0; i < count; i++) {
            if (strcmp(choices[i].variant->name, row->variant) == 0 && tile_equal(choices[i].tile, tile))
                return choices[i];
        }
    }
    return (struct op_choice){0};
}

struct op_choice op_choice_of(const struct vk_caps *caps, const struct op_call *call)
{
    struct op_choice choice = {0};
    if (caps->tuned)
        choice = tuned(caps, call);
    for (const struct op_variant *v = call->op->variants; v && v->name && !choice.variant; v++) {
        if (may_serve(caps, call, v) && !has_failed(caps, call, v))
            choice.variant = v;
    }
    return choice;
}

const struct op_variant *op_choose(const struct vk_caps *caps, const struct op_call *call)
{
    return op_choice_of(caps, call).variant;
}

/* ---- as text ----------------------------------------------------------------------------------------------------- */

/* Options that are numbers of 32 bits, enumerations among them. */
static const struct {
    const char *name;
    size_t at;
    enum { FLAG, COUNT, REAL } kind;
} options[] = {
#define OPTION(name, kind)                                                                                             \
    {                                                                                                                  \
#name, offsetof(struct op_attr, name), kind                                                                    \
    }
    OPTION(trans_a, FLAG),     OPTION(trans_b, FLAG), OPTION(save_pre, FLAG),   OPTION(flatten, FLAG),
    OPTION(same_order, FLAG),  OPTION(causal, FLAG),  OPTION(heads, COUNT),     OPTION(patch, COUNT),
    OPTION(activation, COUNT), OPTION(rows, COUNT),   OPTION(axis, COUNT),      OPTION(first, COUNT),
    OPTION(count, COUNT),      OPTION(dtype, COUNT),  OPTION(precision, COUNT), OPTION(eps, REAL),
    OPTION(scale, REAL),       OPTION(value, REAL),   OPTION(low, REAL),        OPTION(high, REAL),
    OPTION(tau, REAL),
#undef OPTION
};
_Static_assert(sizeof(enum op_activation) == sizeof(uint32_t) && sizeof(enum mien_dtype) == sizeof(uint32_t),
               "options are read as numbers of 32 bits");

static void append(char *text, size_t *used, const char *fmt, ...) MIEN_PRINTF(3, 4);
static void append(char *text, size_t *used, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = *used < OP_CALL_TEXT ? vsnprintf(text + *used, OP_CALL_TEXT - *used, fmt, args) : 0;
    va_end(args);
    *used += n > 0 ? (size_t)n : 0;
}

static void append_option(const struct op_attr *attr, size_t o, char *text, size_t *used)
{
    const void *member = (const char *)attr + options[o].at;
    uint32_t count;
    float real;
    if (options[o].kind == FLAG) {
        if (*(const bool *)member)
            append(text, used, " %s", options[o].name);
    } else if (options[o].kind == COUNT) {
        memcpy(&count, member, sizeof(count));
        if (count)
            append(text, used, " %s=%u", options[o].name, count);
    } else {
        memcpy(&real, member, sizeof(real));
        if (real != 0)
            append(text, used, " %s=%.9g", options[o].name, (double)real);
    }
}

bool op_call_text(const struct op_call *call, char text[OP_CALL_TEXT])
{
    size_t used = 0;
    append(text, &used, "%s", call->op->name);
    for (size_t o = 0; o < BASE_COUNT(options); o++)
        append_option(&call->attr, o, text, &used);
    append(text, &used, " :");
    for (uint32_t i = 0; i < call->in_count; i++) {
        char shape[64] = "-";
        if (call->in[i].rank)
            tensor_shape_text(&call->in[i], shape, sizeof(shape));
        append(text, &used, " %s", shape);
    }
    return used < OP_CALL_TEXT && call->attr.mining.kind == OP_MINING_NONE;
}

static bool parse_option(const char *word, struct op_attr *attr)
{
    size_t length = strcspn(word, "=");
    for (size_t o = 0; o < BASE_COUNT(options); o++) {
        void *member = (char *)attr + options[o].at;
        const char *value = word + length + 1;
        char *end = NULL;
        if (strlen(options[o].name) != length || memcmp(options[o].name, word, length) != 0)
            continue;
        if (options[o].kind == FLAG) {
            *(bool *)member = true;
            return word[length] == 0;
        }
        if (word[length] == 0)
            return false;
        uint32_t count = options[o].kind == COUNT ? (uint32_t)strtoul(value, &end, 10) : 0;
        float real = options[o].kind == REAL ? strtof(value, &end) : 0;
        memcpy(member, options[o].kind == COUNT ? (const void *)&count : (const void *)&real, sizeof(count));
        return *value && !*end;
    }
    return false;
}

static bool parse_shape(const char *word, struct tensor_shape *out)
{
    size_t length = strcspn(word, "[");
    const char *at = word + length;
    *out = (struct tensor_shape){.dtype = MIEN_DTYPE_COUNT};
    for (uint32_t d = 0; d < MIEN_DTYPE_COUNT; d++) {
        const char *name = mien_dtype_name((enum mien_dtype)d);
        if (strlen(name) == length && memcmp(name, word, length) == 0)
            out->dtype = (enum mien_dtype)d;
    }
    while (out->rank < MIEN_MAX_RANK && (*at == '[' || *at == ',')) {
        char *end = NULL;
        unsigned long size = strtoul(at + 1, &end, 10);
        if (end == at + 1 || size == 0 || size > UINT32_MAX)
            return false;
        out->dim[out->rank++] = (uint32_t)size;
        at = end;
    }
    return out->dtype != MIEN_DTYPE_COUNT && out->rank > 0 && strcmp(at, "]") == 0;
}

/* What stands behind the op's name. */
static bool parse_rest(char *rest, struct op_call *out)
{
    char *next = NULL;
    bool shapes = false;
    for (char *word = rest; word; word = next) {
        next = strchr(word, ' ');
        if (next)
            *next++ = 0;
        if (!shapes && strcmp(word, ":") == 0)
            shapes = true;
        else if (!shapes && !parse_option(word, &out->attr))
            return false;
        else if (shapes && out->in_count == OP_MAX_IN)
            return false;
        else if (shapes && strcmp(word, "-") != 0 && !parse_shape(word, &out->in[out->in_count]))
            return false;
        out->in_count += shapes && strcmp(word, ":") != 0;
    }
    return shapes;
}

enum mien_status op_call_parse(const char *text, struct op_call *out)
{
    enum mien_status status = MIEN_OK;
    char words[OP_CALL_TEXT];
    *out = (struct op_call){0};
    size_t length = (size_t)snprintf(words, sizeof(words), "%s", text);
    char *rest = strchr(words, ' ');
    if (rest)
        *rest++ = 0;
    out->op = op_find(words);
    FAIL_IF(length >= sizeof(words) || !rest || !out->op || !parse_rest(rest, out), MIEN_ERR_DATA,
            "\"%.200s\" is no call of an op", text);
    TRY(op_call_shapes(out, "a tuned call"));
fail:
    return status;
}

void op_tile_text(struct op_tile tile, char text[OP_TILE_TEXT])
{
    text[0] = 0;
    if (tile.parts)
        snprintf(text, OP_TILE_TEXT, "%" PRIu32 "x%" PRIu32 "/%" PRIu32, tile.rows, tile.cols, tile.parts);
    else if (tile.rows || tile.cols)
        snprintf(text, OP_TILE_TEXT, "%" PRIu32 "x%" PRIu32, tile.rows, tile.cols);
}

bool op_tile_parse(const char *text, struct op_tile *out)
{
    char again[OP_TILE_TEXT];
    *out = (struct op_tile){0};
    if (*text && sscanf(text, "%" SCNu32 "x%" SCNu32 "/%" SCNu32, &out->rows, &out->cols, &out->parts) < 2)
        return false;
    op_tile_text(*out, again);
    return strcmp(again, text) == 0;
}
