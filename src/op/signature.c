/* signature.c: see signature.h. */
#include "op/signature.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- taking a line apart ----------------------------------------------------------------------------------------- */

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " ");
}

/* One tensor from `at` on; returns what is behind it. `bit` goes into the masks that its marks name. */
static const char *take_tensor(const char *at, struct op_tensor *tensor, uint32_t bit, uint32_t *optional,
                               uint32_t *index, uint32_t *half, uint32_t *stored)
{
    *tensor = (struct op_tensor){.name = at,
                                 .length = (uint32_t)strspn(at, "abcdefghijklmnopqrstuvwxyz_"
                                                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ")};
    assert(tensor->length);
    at += tensor->length;
    if (*at == '?') {
        *optional |= bit;
        at++;
    }
    if (strncmp(at, ":i32", 4) == 0) {
        *index |= bit;
        at += 4;
    } else if (strncmp(at, ":half", 5) == 0) {
        *half |= bit;
        at += 5;
    } else if (strncmp(at, ":stored", 7) == 0) {
        *stored |= bit;
        at += 7;
    }
    if (*at == '[') {
        tensor->dims = at + 1;
        at = strchr(at, ']');
        assert(at);
        at++;
    }
    return skip_blanks(at);
}

bool op_tensor_named(const struct op_tensor *tensor, const char *name, size_t length)
{
    return tensor->length == length && memcmp(tensor->name, name, length) == 0;
}

void op_signature(const struct op_desc *op, struct op_signature *s)
{
    const char *at = op->signature;
    uint32_t none = 0, aux = 0;
    memset(s, 0, sizeof(*s));
    while (*at != '-') {
        assert(s->in_count < OP_MAX_IN);
        at = take_tensor(at, &s->in[s->in_count], 1u << s->in_count, &s->optional, &s->index_inputs, &s->half_inputs,
                         &none);
        s->in_count++;
    }
    for (at = skip_blanks(at + 2); *at; s->out_count++) {
        uint32_t o = s->out_count, bit = 1u << o;
        assert(o < OP_MAX_OUT);
        if (*at == '(') {
            aux = ~0u;
            at++;
        }
        at = take_tensor(at, &s->out[o], bit, &s->optional_outputs, &s->index_outputs, &none, &s->stored_outputs);
        s->aux_outputs |= aux & bit;
        if (o < s->in_count && op_tensor_named(&s->in[o], s->out[o].name, s->out[o].length))
            s->in_place |= bit;
        if (*at == ')') {
            aux = 0;
            at = skip_blanks(at + 1);
        }
    }
}

/* ---- sizes ------------------------------------------------------------------------------------------------------- */

/* What is known of a call's sizes. */
struct sizes {
    const struct op_attr *attr;
    uint64_t letter[26]; /* 0 = not known */
    uint32_t lead[MIEN_MAX_RANK], lead_count;
    bool lead_known;
};

static uint64_t lead_product(const struct sizes *s)
{
    uint64_t product = 1;
    for (uint32_t d = 0; d < s->lead_count; d++)
        product *= s->lead[d];
    return product;
}

/* The size at `at`, 0 when it is not known; *letter = the letter's place where it is one alone or times a number, else
 * NULL. */
static uint64_t size_at(struct sizes *s, const char *at, uint64_t **letter)
{
    uint64_t value;
    *letter = NULL;
    if (isdigit((unsigned char)*at)) {
        char *behind;
        value = strtoull(at, &behind, 10);
        return isupper((unsigned char)*behind) ? value * size_at(s, behind, letter) : value;
    }
    if (strncmp(at, "rows", 4) == 0)
        return s->attr->rows;
    if (strncmp(at, "count", 5) == 0)
        return s->attr->count;
    if (strncmp(at, "heads", 5) == 0)
        return BASE_MAX(s->attr->heads, 1);
    assert(isupper((unsigned char)*at));
    value = s->letter[*at - 'A'];
    if (*at == 'R' && !value && s->lead_known)
        return lead_product(s);
    if (at[1] == '+' || at[1] == '-')
        return value ? at[1] == '+' ? value + 1 : value - 1 : 0;
    *letter = &s->letter[*at - 'A'];
    return value;
}

static bool is_lead(const char *at)
{
    return *at == '.';
}

/* The next size, NULL behind the last. */
static const char *next_size(const char *at)
{
    at += strcspn(at, ",]");
    return *at == ',' ? at + 1 : NULL;
}

static uint32_t count_sizes(const char *dims)
{
    uint32_t count = 0;
    for (const char *at = dims; at; at = next_size(at))
        count += !is_lead(at);
    return count;
}

/* Holds a shape against sizes, and learns from it those that are not known yet. */
static bool match(struct sizes *s, const char *dims, const struct tensor_shape *shape)
{
    uint32_t fixed = count_sizes(dims), lead = shape->rank - fixed, d = 0;
    if (shape->rank < fixed || (lead > 0 && !is_lead(dims)))
        return false;
    for (const char *at = dims; at; at = next_size(at)) {
        uint64_t *letter = NULL;
        if (is_lead(at)) {
            if (s->lead_known && (s->lead_count != lead || memcmp(s->lead, shape->dim, lead * sizeof(*s->lead)) != 0))
                return false;
            s->lead_known = true;
            s->lead_count = lead;
            memcpy(s->lead, shape->dim, lead * sizeof(*s->lead));
            d += lead;
            continue;
        }
        uint64_t want = size_at(s, at, &letter), times = isdigit((unsigned char)*at) ? strtoull(at, NULL, 10) : 1;
        if (!want && letter && shape->dim[d] % times == 0) {
            want = shape->dim[d];
            *letter = want / times;
        }
        if (want != shape->dim[d++])
            return false;
    }
    return true;
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

struct text {
    char *buffer;
    size_t size, used;
};

static void put(struct text *t, const char *fmt, ...) MIEN_PRINTF(2, 3);

static void put(struct text *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = t->used < t->size ? vsnprintf(t->buffer + t->used, t->size - t->used, fmt, args) : 0;
    va_end(args);
    t->used += n > 0 ? (size_t)n : 0;
}

/* "w[D], here [5], as in \"x[...,D] w[D] -> y[...,D]\"" */
static void expected_text(struct sizes *s, const struct op_call *call, const struct op_tensor *tensor, struct text *t)
{
    bool known = false;
    uint64_t *letter;
    if (!tensor->dims)
        return;
    for (const char *at = tensor->dims; at; at = next_size(at))
        known = known || (is_lead(at) ? s->lead_known && s->lead_count : size_at(s, at, &letter) != 0);
    put(t, "%.*s[%.*s]", (int)tensor->length, tensor->name, (int)strcspn(tensor->dims, "]"), tensor->dims);
    if (known)
        put(t, ", here [");
    for (const char *at = tensor->dims; at && known; at = next_size(at)) {
        const char *comma = at == tensor->dims ? "" : ",";
        if (is_lead(at) && s->lead_known) {
            for (uint32_t d = 0; d < s->lead_count; d++)
                put(t, "%s%u", d ? "," : comma, s->lead[d]);
        } else if (!is_lead(at) && size_at(s, at, &letter)) {
            put(t, "%s%llu", comma, (unsigned long long)size_at(s, at, &letter));
        } else {
            put(t, "%s%.*s", comma, (int)strcspn(at, ",]"), at);
        }
    }
    put(t, "%s, as in \"%s\"", known ? "]" : "", call->op->signature);
}

/* ---- the rule ---------------------------------------------------------------------------------------------------- */

/* One output's shape. False: a size is not known, 0, or too large, or there are too many. */
static bool make_shape(struct sizes *s, const char *dims, enum mien_dtype dtype, struct tensor_shape *out)
{
    *out = (struct tensor_shape){.dtype = dtype};
    for (const char *at = dims; at; at = next_size(at)) {
        uint64_t *letter;
        for (uint32_t d = 0; is_lead(at) && d < s->lead_count; d++)
            out->dim[out->rank++] = s->lead[d];
        if (is_lead(at))
            continue;
        uint64_t size = size_at(s, at, &letter);
        if (out->rank == MIEN_MAX_RANK || size == 0 || size > UINT32_MAX)
            return false;
        out->dim[out->rank++] = (uint32_t)size;
    }
    if (out->rank == 0) /* of the rows of a single row */
        out->dim[out->rank++] = 1;
    return true;
}

enum mien_status op_signature_apply(const struct op_signature *sig, struct op_call *call, const char *label)
{
    struct sizes s = {.attr = &call->attr};
    char buffer[512];
    struct text text = {buffer, sizeof(buffer), 0};
    for (uint32_t i = 0; i < sig->in_count; i++) {
        if (!call->in[i].rank || !sig->in[i].dims || match(&s, sig->in[i].dims, &call->in[i]))
            continue;
        expected_text(&s, call, &sig->in[i], &text);
        return op_shape_error(call, label, i, buffer);
    }
    for (uint32_t o = 0; o < sig->out_count; o++) {
        enum mien_dtype dtype = sig->index_outputs >> o & 1 ? MIEN_I32 : MIEN_F32;
        if (sig->optional_outputs >> o & 1)
            continue;
        call->out_count = o + 1;
        if (!sig->out[o].dims || make_shape(&s, sig->out[o].dims, dtype, &call->out[o]))
            continue;
        expected_text(&s, call, &sig->out[o], &text);
        return base_fail(MIEN_ERR_ARG,
                         "%s%s%s: output %u should be %s; sizes are 1 to 2^32 - 1, at most %d of them, and those named "
                         "as attributes are to be set",
                         call->op->name, label ? " at " : "", label ? label : "", o, buffer, MIEN_MAX_RANK);
    }
    return MIEN_OK;
}
