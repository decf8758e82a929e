/* spirv.c: reads a module's own declarations (SPIR-V 1.3) and holds the plan's dispatch against them: a wrong
 * access would misplace barriers, and no software driver would show it. */
#include "check/check.h"

#include <string.h>

enum {
    OP_CAPABILITY = 17,
    OP_TYPE_INT = 21,
    OP_TYPE_FLOAT = 22,
    OP_TYPE_VECTOR = 23,
    OP_TYPE_ARRAY = 28,
    OP_TYPE_STRUCT = 30,
    OP_TYPE_POINTER = 32,
    OP_CONSTANT = 43,
    OP_VARIABLE = 59,
    OP_DECORATE = 71,
    OP_MEMBER_DECORATE = 72,
};
enum { DECORATION_NON_WRITABLE = 24, DECORATION_NON_READABLE = 25, DECORATION_BINDING = 33, DECORATION_OFFSET = 35 };
enum { CLASS_UNIFORM_CONSTANT = 0, CLASS_PUSH = 9, CLASS_STORAGE = 12 };
enum { CAPABILITY_SHADER = 1 };

/* What is known of one id. */
struct id {
    const uint32_t *def; /* its defining instruction */
    uint32_t binding, qualifiers;
    bool has_binding;
};
enum { NON_WRITABLE = 1, NON_READABLE = 2 };

struct module {
    const struct op_shader *shader;
    const struct op_dispatch *dispatch;
    struct id *id;
    uint32_t bound;
    bool plain; /* declares no capability but Shader */
};

static uint32_t opcode(const uint32_t *word)
{
    return *word & 0xffff;
}

/* Where an instruction's result id stands, 0 = it is not one that is followed here. */
static uint32_t result_at(uint32_t op)
{
    switch (op) {
    case OP_TYPE_INT:
    case OP_TYPE_FLOAT:
    case OP_TYPE_VECTOR:
    case OP_TYPE_ARRAY:
    case OP_TYPE_STRUCT:
    case OP_TYPE_POINTER:
        return 1;
    case OP_CONSTANT:
    case OP_VARIABLE:
        return 2;
    default:
        return 0;
    }
}

static void decorate(struct id *id, uint32_t decoration, uint32_t value)
{
    switch (decoration) {
    case DECORATION_BINDING:
        id->binding = value;
        id->has_binding = true;
        break;
    case DECORATION_NON_WRITABLE:
        id->qualifiers |= NON_WRITABLE;
        break;
    case DECORATION_NON_READABLE:
        id->qualifiers |= NON_READABLE;
        break;
    default:
        break;
    }
}

static void note_instruction(struct module *m, const uint32_t *word)
{
    uint32_t op = opcode(word), at = result_at(op);
    if (op == OP_CAPABILITY && word[1] != CAPABILITY_SHADER)
        m->plain = false;
    else if (op == OP_DECORATE)
        decorate(&m->id[word[1]], word[2], *word >> 16 > 3 ? word[3] : 0);
    else if (op == OP_MEMBER_DECORATE && word[3] != DECORATION_OFFSET)
        decorate(&m->id[word[1]], word[3], 0);
    else if (at)
        m->id[word[at]].def = word;
}

static bool module_read(struct module *m)
{
    const uint32_t *words = m->shader->words;
    size_t count = m->shader->size / 4;
    m->plain = true;
    m->bound = count > 5 ? words[3] : 0;
    m->id = m->bound ? base_alloc(m->bound, sizeof(*m->id)) : NULL;
    for (size_t i = 5; m->id && i < count; i += words[i] >> 16) {
        if (words[i] >> 16 == 0)
            return false;
        note_instruction(m, &words[i]);
    }
    return m->id != NULL;
}

/* Bytes of a type of 32-bit scalars, vectors, arrays of a constant length and structs. */
static uint64_t type_size(const struct module *m, uint32_t type)
{
    const uint32_t *def = m->id[type].def;
    uint64_t size = 0;
    switch (def ? opcode(def) : 0) {
    case OP_TYPE_INT:
    case OP_TYPE_FLOAT:
        return def[2] / 8;
    case OP_TYPE_VECTOR:
        return type_size(m, def[2]) * def[3];
    case OP_TYPE_ARRAY:
        return m->id[def[3]].def ? type_size(m, def[2]) * m->id[def[3]].def[3] : 0;
    case OP_TYPE_STRUCT:
        for (uint32_t i = 2; i < *def >> 16; i++)
            size += type_size(m, def[i]);
        return size;
    default:
        return 4; /* bool */
    }
}

static bool check_buffer(const struct module *m, uint32_t variable, uint32_t type, bool texel, uint32_t *seen,
                         struct check_row *row)
{
    const struct op_dispatch *d = m->dispatch;
    uint32_t binding = m->id[variable].binding;
    if (!m->id[variable].has_binding || binding >= d->bind_count)
        return check_fail(row, "%s uses binding %u; the plan binds %u buffers", d->shader, binding, d->bind_count);
    uint32_t qualifiers = m->id[variable].qualifiers | m->id[type].qualifiers;
    uint32_t access = texel || qualifiers & NON_WRITABLE ? OP_READ
                      : qualifiers & NON_READABLE        ? OP_WRITE
                                                         : OP_READ | OP_WRITE;
    if (*seen >> binding & 1) /* a second view of the binding, say as vec4: together they do what the bind says */
        access |= d->bind[binding].access;
    *seen |= 1u << binding;
    if (access != d->bind[binding].access)
        return check_fail(row, "%s: binding %u is %s in the shader, but the plan's access is %u (1 read, 2 write)",
                          d->shader, binding,
                          access == OP_READ    ? "readonly"
                          : access == OP_WRITE ? "writeonly"
                                               : "read and written",
                          d->bind[binding].access);
    return true;
}

static bool check_variables(const struct module *m, struct check_row *row)
{
    uint32_t seen = 0;
    uint64_t push = 0;
    for (uint32_t i = 0; i < m->bound; i++) {
        const uint32_t *def = m->id[i].def;
        if (!def || opcode(def) != OP_VARIABLE)
            continue;
        uint32_t type = m->id[def[1]].def ? m->id[def[1]].def[3] : 0; /* what the pointer points to */
        if (def[3] == CLASS_PUSH)
            push = type_size(m, type);
        else if ((def[3] == CLASS_STORAGE || def[3] == CLASS_UNIFORM_CONSTANT) &&
                 !check_buffer(m, i, type, def[3] == CLASS_UNIFORM_CONSTANT, &seen, row))
            return false;
    }
    const struct op_dispatch *d = m->dispatch;
    if (push != d->push_size)
        return check_fail(row, "%s has %llu bytes of push constants; the plan gives %u", d->shader,
                          (unsigned long long)push, d->push_size);
    return true;
}

static bool check_shared(const struct module *m, const struct vk_caps *caps, bool plain, struct check_row *row)
{
    struct vk_kernel kernel = op_dispatch_kernel(m->dispatch, m->shader);
    uint64_t shared = 0, most = plain ? BASE_MIN(caps->max_shared, 16384) : caps->max_shared;
    if (vk_kernel_shared(&kernel, &shared) != MIEN_OK)
        return check_fail(row, "%s: its shared memory cannot be told", m->shader->name);
    if (shared > most)
        return check_fail(row, "%s uses %llu bytes of shared memory; %llu allowed", m->shader->name,
                          (unsigned long long)shared, (unsigned long long)most);
    return true;
}

bool check_spirv(const struct op_shader *shader, const struct op_dispatch *d, const struct vk_caps *caps, bool plain,
                 struct check_row *row)
{
    struct module m = {.shader = shader, .dispatch = d};
    uint32_t invocations = 1;
    for (uint32_t i = 0; i < BASE_MIN(d->spec_count, 3); i++)
        invocations *= d->spec[i];
    bool ok = module_read(&m);
    if (!ok)
        check_fail(row, "%s is not a SPIR-V module", d->shader);
    else if (plain && !m.plain)
        ok =
            check_fail(row, "%s belongs to a variant without needs but declares a capability beyond Shader", d->shader);
    else if (plain && invocations > 128)
        ok = check_fail(row, "%s belongs to a variant without needs but has %u invocations", d->shader, invocations);
    else
        ok = check_shared(&m, caps, plain, row) && check_variables(&m, row);
    base_free(m.id);
    return ok;
}
