/* spirv.c: what a module needs of a device, read from its words (SPIR-V 1.3, 2 and 3): capabilities, local size, shared
 * memory, barriers and bindings, under given specialisation constants. Drivers do not check these against a mask, and
 * some not even against their own limits. Also writes the constants' values into a copy of the module. */
#include "vk/vk_internal.h"

#include <string.h>

enum {
    OP_EXECUTION_MODE = 16,
    OP_CAPABILITY = 17,
    OP_TYPE_BOOL = 20,
    OP_TYPE_INT = 21,
    OP_TYPE_FLOAT = 22,
    OP_TYPE_VECTOR = 23,
    OP_TYPE_MATRIX = 24,
    OP_TYPE_IMAGE = 25,
    OP_TYPE_ARRAY = 28,
    OP_TYPE_STRUCT = 30,
    OP_TYPE_POINTER = 32,
    OP_CONSTANT_TRUE = 41,
    OP_CONSTANT_FALSE = 42,
    OP_CONSTANT = 43,
    OP_CONSTANT_COMPOSITE = 44,
    OP_SPEC_CONSTANT_TRUE = 48,
    OP_SPEC_CONSTANT_FALSE = 49,
    OP_SPEC_CONSTANT = 50,
    OP_SPEC_CONSTANT_COMPOSITE = 51,
    OP_SPEC_CONSTANT_OP = 52,
    OP_VARIABLE = 59,
    OP_DECORATE = 71,
    OP_CONTROL_BARRIER = 224,
};
/* What OpSpecConstantOp may hold in Mien's kernels. */
enum {
    OP_COMPOSITE_EXTRACT = 81,
    OP_I_ADD = 128,
    OP_I_SUB = 130,
    OP_I_MUL = 132,
    OP_U_DIV = 134,
    OP_U_MOD = 137,
    OP_LOGICAL_OR = 166,
    OP_LOGICAL_AND = 167,
    OP_LOGICAL_NOT = 168,
    OP_SELECT = 169,
    OP_I_EQUAL = 170,
    OP_I_NOT_EQUAL = 171,
    OP_U_GREATER_THAN = 172,
    OP_U_LESS_THAN = 176,
    OP_SHIFT_RIGHT = 194,
    OP_SHIFT_LEFT = 196,
    OP_BITWISE_OR = 197,
    OP_BITWISE_AND = 199,
};
enum {
    MODE_LOCAL_SIZE = 17,
    BUILTIN_WORKGROUP_SIZE = 25,
    CLASS_UNIFORM_CONSTANT = 0,
    CLASS_WORKGROUP = 4,
    CLASS_STORAGE = 12
};
enum { DIM_BUFFER = 5 };
enum { DECORATION_SPEC_ID = 1, DECORATION_BUILTIN = 11, DECORATION_BINDING = 33 };
enum {
    MAGIC = 0x07230203,
    MOST_VERSION = 0x00010300,
    HEAD_WORDS = 5,
    MOST_IDS = 0x3fffff /* SPIR-V's own limit */,
    DEEPEST = 32
};

/* The capabilities and the feature that each needs. Mien enables no other feature of a device, so a module that
 * declares anything else would be invalid. */
static const struct {
    uint32_t capability, feature;
    const char *name;
} capabilities[] = {
    {0, 0, "Matrix"},
    {1, 0, "Shader"},
    {9, VK_CAP_F16, "Float16"},
    {46, VK_CAP_TEXEL, "SampledBuffer"},
    {61, VK_CAP_SUBGROUP, "GroupNonUniform"},
    {63, VK_CAP_SUBGROUP_ARITH, "GroupNonUniformArithmetic"},
    {64, VK_CAP_SUBGROUP_SHUFFLE, "GroupNonUniformBallot"},
    {65, VK_CAP_SUBGROUP_SHUFFLE, "GroupNonUniformShuffle"},
    {4433, VK_CAP_STORAGE16, "StorageBuffer16BitAccess"},
    {5116, VK_CAP_COOPMAT_BF16, "BFloat16TypeKHR"},
    {5118, VK_CAP_COOPMAT_BF16, "BFloat16CooperativeMatrixKHR"},
    {5345, VK_CAP_COOPMAT, "VulkanMemoryModel"},
    {6022, VK_CAP_COOPMAT, "CooperativeMatrixKHR"},
};

/* What is known of one id. */
struct id {
    const uint32_t *def; /* the instruction that makes it */
    uint32_t spec_id, binding;
    bool has_spec_id, has_binding, is_local_size;
};

struct reader {
    const struct vk_kernel *kernel;
    struct id *ids;
    uint32_t bound;
    const uint32_t *mode; /* OpExecutionMode LocalSize */
    bool barrier;
    uint32_t unknown; /* an operation that value() does not know */
    bool broken;      /* an id or a length out of place */
};

static uint32_t opcode(const uint32_t *word)
{
    return *word & 0xffff;
}

static uint32_t length(const uint32_t *word)
{
    return *word >> 16;
}

/* ---- capabilities ------------------------------------------------------------------------------------------------ */

/* They come first, after the head. */
enum mien_status vk_spirv_features(const struct vk_kernel *kernel, uint32_t *features)
{
    size_t words = kernel->spirv_size / 4;
    *features = 0;
    for (size_t at = HEAD_WORDS; at + 1 < words && opcode(&kernel->spirv[at]) == OP_CAPABILITY; at += 2) {
        size_t i = 0;
        while (i < BASE_COUNT(capabilities) && capabilities[i].capability != kernel->spirv[at + 1])
            i++;
        if (i == BASE_COUNT(capabilities))
            return base_fail(MIEN_ERR_UNSUPPORTED, "kernel %s: SPIR-V capability %u is not among those that Mien uses",
                             kernel->name, kernel->spirv[at + 1]);
        *features |= capabilities[i].feature;
    }
    return MIEN_OK;
}

const char *vk_spirv_missing(uint32_t needs, uint32_t has)
{
    for (size_t i = 0; i < BASE_COUNT(capabilities); i++)
        if (capabilities[i].feature & needs & ~has)
            return capabilities[i].name;
    return NULL;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* Where an instruction's result id stands; 0 = it is none that is followed here. */
static uint32_t result_at(uint32_t op)
{
    if (op >= OP_TYPE_BOOL && op <= OP_TYPE_POINTER)
        return 1;
    if ((op >= OP_CONSTANT_TRUE && op <= OP_SPEC_CONSTANT_OP) || op == OP_VARIABLE)
        return 2;
    return 0;
}

static void note_decoration(struct id *id, uint32_t decoration, uint32_t value)
{
    if (decoration == DECORATION_SPEC_ID) {
        id->spec_id = value;
        id->has_spec_id = true;
    } else if (decoration == DECORATION_BINDING) {
        id->binding = value;
        id->has_binding = true;
    } else if (decoration == DECORATION_BUILTIN && value == BUILTIN_WORKGROUP_SIZE) {
        id->is_local_size = true;
    }
}

static void note(struct reader *r, const uint32_t *word)
{
    uint32_t op = opcode(word), words = length(word), at = result_at(op);
    if (op == OP_CONTROL_BARRIER)
        r->barrier = true;
    else if (op == OP_EXECUTION_MODE && words == 6 && word[2] == MODE_LOCAL_SIZE)
        r->mode = word;
    else if (op == OP_DECORATE && words == 4 && word[1] < r->bound)
        note_decoration(&r->ids[word[1]], word[2], word[3]);
    else if (at && at < words && word[at] < r->bound)
        r->ids[word[at]].def = word;
}

static bool read_words(struct reader *r)
{
    const uint32_t *words = r->kernel->spirv;
    size_t count = r->kernel->spirv_size / 4;
    for (size_t at = HEAD_WORDS; at < count; at += length(&words[at])) {
        if (length(&words[at]) == 0 || length(&words[at]) > count - at)
            return false;
        note(r, &words[at]);
    }
    return true;
}

/* The instruction that makes an id, which has `words` words at least; NULL marks the module as broken. */
static const uint32_t *definition(struct reader *r, uint32_t id, uint32_t words)
{
    const uint32_t *def = id < r->bound ? r->ids[id].def : NULL;
    if (def && length(def) >= words)
        return def;
    r->broken = true;
    return NULL;
}

/* ---- values and sizes -------------------------------------------------------------------------------------------- */

static uint32_t value(struct reader *r, uint32_t id, int depth);

/* An operation over specialisation constants: [head, type, result, operation, operands...]. */
static uint32_t operation(struct reader *r, const uint32_t *def, int depth)
{
    uint32_t words = length(def);
    if (words == 5 && def[3] == OP_LOGICAL_NOT)
        return !value(r, def[4], depth);
    if (words < 6) {
        r->unknown = def[3];
        return 0;
    }
    if (def[3] == OP_COMPOSITE_EXTRACT) {
        const uint32_t *composite = definition(r, def[4], 4 + def[5]);
        if (composite && opcode(composite) != OP_CONSTANT_COMPOSITE && opcode(composite) != OP_SPEC_CONSTANT_COMPOSITE)
            r->unknown = def[3];
        return composite && !r->unknown ? value(r, composite[3 + def[5]], depth) : 0;
    }
    uint32_t a = value(r, def[4], depth), b = value(r, def[5], depth);
    switch (def[3]) {
    case OP_I_ADD:
        return a + b;
    case OP_I_SUB:
        return a - b;
    case OP_I_MUL:
        return a * b;
    case OP_U_DIV:
        return b ? a / b : 0;
    case OP_U_MOD:
        return b ? a % b : 0;
    case OP_SHIFT_RIGHT:
        return b < 32 ? a >> b : 0;
    case OP_SHIFT_LEFT:
        return b < 32 ? a << b : 0;
    case OP_LOGICAL_OR:
    case OP_BITWISE_OR:
        return a | b;
    case OP_LOGICAL_AND:
    case OP_BITWISE_AND:
        return a & b;
    case OP_I_EQUAL:
        return a == b;
    case OP_I_NOT_EQUAL:
        return a != b;
    case OP_U_GREATER_THAN:
        return a > b;
    case OP_U_LESS_THAN:
        return a < b;
    case OP_SELECT:
        return words < 7 ? 0 : a ? b : value(r, def[6], depth);
    default:
        r->unknown = def[3];
        return 0;
    }
}

/* The value of a 32-bit integer or boolean constant under the kernel's specialisation. */
static uint32_t value(struct reader *r, uint32_t id, int depth)
{
    const uint32_t *def = depth < DEEPEST ? definition(r, id, 3) : NULL;
    if (!def)
        return 0;
    const struct id *known = &r->ids[id];
    bool special = known->has_spec_id && known->spec_id < r->kernel->spec_count;
    switch (opcode(def)) {
    case OP_CONSTANT_TRUE:
        return 1;
    case OP_SPEC_CONSTANT_TRUE:
        return special ? r->kernel->spec[known->spec_id] != 0 : 1;
    case OP_SPEC_CONSTANT_FALSE:
        return special ? r->kernel->spec[known->spec_id] != 0 : 0;
    case OP_CONSTANT:
        return length(def) > 3 ? def[3] : 0;
    case OP_SPEC_CONSTANT:
        return special ? r->kernel->spec[known->spec_id] : length(def) > 3 ? def[3] : 0;
    case OP_SPEC_CONSTANT_OP:
        return length(def) > 3 ? operation(r, def, depth + 1) : 0;
    default:
        return 0;
    }
}

/* Bytes of a type; a boolean, whose size is the driver's choice, counts as 4. */
static uint64_t type_size(struct reader *r, uint32_t type, int depth)
{
    const uint32_t *def = depth < DEEPEST ? definition(r, type, 2) : NULL;
    uint32_t words = def ? length(def) : 0;
    uint64_t size = 0;
    switch (def ? opcode(def) : 0) {
    case OP_TYPE_INT:
    case OP_TYPE_FLOAT:
        return words > 2 ? def[2] / 8 : 0;
    case OP_TYPE_VECTOR:
    case OP_TYPE_MATRIX:
        return words > 3 ? type_size(r, def[2], depth + 1) * def[3] : 0;
    case OP_TYPE_ARRAY:
        return words > 3 ? type_size(r, def[2], depth + 1) * value(r, def[3], 0) : 0;
    case OP_TYPE_STRUCT:
        for (uint32_t i = 2; i < words; i++)
            size += type_size(r, def[i], depth + 1);
        return size;
    default:
        return 4;
    }
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static void read_local_size(struct reader *r, struct vk_module *module)
{
    for (int axis = 0; axis < 3; axis++)
        module->local[axis] = r->mode ? r->mode[3 + axis] : 1;
    for (uint32_t i = 0; i < r->bound; i++) {
        const uint32_t *def = r->ids[i].is_local_size ? definition(r, i, 6) : NULL;
        for (int axis = 0; def && axis < 3; axis++) /* a constant of three members outranks the mode */
            module->local[axis] = value(r, def[3 + axis], 0);
    }
}

/* A binding whose variable points to `type`: a uniform texel buffer is an image without dimensions. */
static void read_binding(struct reader *r, uint32_t binding, uint32_t class, uint32_t type, struct vk_module *module)
{
    const uint32_t *image = class == CLASS_UNIFORM_CONSTANT ? definition(r, type, 4) : NULL;
    bool texel = image && opcode(image) == OP_TYPE_IMAGE && image[3] == DIM_BUFFER && binding < VK_MAX_BUFFERS;
    if (texel) {
        const uint32_t *sampled = definition(r, image[2], 2);
        module->texels |= 1u << binding;
        module->words |= (sampled && opcode(sampled) == OP_TYPE_INT ? 1u : 0u) << binding;
    }
    if (texel || class == CLASS_STORAGE)
        module->buffers = BASE_MAX(module->buffers, binding + 1);
}

static void read_variables(struct reader *r, struct vk_module *module)
{
    for (uint32_t i = 0; i < r->bound; i++) {
        const uint32_t *def = r->ids[i].def;
        if (!def || opcode(def) != OP_VARIABLE || length(def) < 4)
            continue;
        const uint32_t *pointer = definition(r, def[1], 4);
        if (pointer && def[3] == CLASS_WORKGROUP)
            module->shared += type_size(r, pointer[3], 0);
        if (pointer && r->ids[i].has_binding)
            read_binding(r, r->ids[i].binding, def[3], pointer[3], module);
    }
}

/* Checks the module's head and notes what is needed of its instructions; r->ids is the caller's to free. */
static enum mien_status open_module(struct reader *r)
{
    enum mien_status status = MIEN_OK;
    const struct vk_kernel *kernel = r->kernel;
    const size_t words = kernel->spirv_size / 4;
    r->bound = words > HEAD_WORDS ? kernel->spirv[3] : 0;
    FAIL_IF(words <= HEAD_WORDS || kernel->spirv_size % 4 || kernel->spirv[0] != MAGIC || r->bound > MOST_IDS,
            MIEN_ERR_ARG, "kernel %s: %zu bytes are no SPIR-V module", kernel->name, kernel->spirv_size);
    FAIL_IF(kernel->spirv[1] > MOST_VERSION, MIEN_ERR_UNSUPPORTED,
            "kernel %s: its module is SPIR-V %u.%u; drivers of Vulkan 1.1 take up to 1.3", kernel->name,
            kernel->spirv[1] >> 16 & 0xff, kernel->spirv[1] >> 8 & 0xff);
    r->ids = base_alloc(r->bound, sizeof *r->ids);
    FAIL_IF_NULL(r->ids, "a SPIR-V module");
    r->broken = !read_words(r);
fail:
    return status;
}

/* What was found wrong on the way. */
static enum mien_status close_module(const struct reader *r)
{
    enum mien_status status = MIEN_OK;
    FAIL_IF(r->broken, MIEN_ERR_ARG, "kernel %s: its SPIR-V module is damaged", r->kernel->name);
    FAIL_IF(r->unknown, MIEN_ERR_UNSUPPORTED,
            "kernel %s: SPIR-V operation %u over specialisation constants is not known to src/vk/spirv.c: use another, "
            "or add it there",
            r->kernel->name, r->unknown);
fail:
    return status;
}

enum mien_status vk_spirv_read(const struct vk_kernel *kernel, struct vk_module *out)
{
    enum mien_status status = MIEN_OK;
    struct reader r = {.kernel = kernel};
    *out = (struct vk_module){0};
    TRY(open_module(&r));
    TRY(vk_spirv_features(kernel, &out->features));
    if (!r.broken) {
        read_local_size(&r, out);
        read_variables(&r, out);
        out->barrier = r.barrier;
    }
    TRY(close_module(&r));
fail:
    base_free(r.ids);
    return status;
}

enum mien_status vk_kernel_shared(const struct vk_kernel *kernel, uint64_t *bytes)
{
    struct vk_module module;
    enum mien_status status = vk_spirv_read(kernel, &module);
    *bytes = status == MIEN_OK ? module.shared : 0;
    return status;
}

/* ---- constants instead of specialisation ------------------------------------------------------------------------- */

/* The constant of a boolean or 32-bit integer type that an instruction with a result makes. Returns its words. */
static uint32_t write_constant(struct reader *r, const uint32_t *word, bool truth, uint32_t *out)
{
    uint32_t result = value(r, word[2], 0);
    uint32_t op = truth ? result ? OP_CONSTANT_TRUE : OP_CONSTANT_FALSE : OP_CONSTANT;
    uint32_t words = truth ? 3 : 4;
    memcpy(out, (const uint32_t[]){words << 16 | op, word[1], word[2], result}, words * sizeof *out);
    return words;
}

/* One instruction as it is without specialisation. Returns its words, at most as many as before. */
static uint32_t write_settled(struct reader *r, const uint32_t *word, uint32_t *out)
{
    uint32_t op = opcode(word), words = length(word);
    if (op == OP_DECORATE && words > 2 && word[2] == DECORATION_SPEC_ID)
        return 0;
    memcpy(out, word, words * sizeof *out);
    if (op == OP_SPEC_CONSTANT_COMPOSITE)
        out[0] = words << 16 | OP_CONSTANT_COMPOSITE;
    if (op < OP_SPEC_CONSTANT_TRUE || op > OP_SPEC_CONSTANT_OP || op == OP_SPEC_CONSTANT_COMPOSITE)
        return words;
    const uint32_t *type = definition(r, word[1], 2);
    bool truth = type && opcode(type) == OP_TYPE_BOOL;
    if (!truth && (!type || opcode(type) != OP_TYPE_INT || type[2] != 32)) {
        if (op == OP_SPEC_CONSTANT) /* of another size than the kernel's constants */
            r->unknown = op;
        return words; /* operations over constants alone, on vectors say, are allowed to stay */
    }
    return write_constant(r, word, truth, out);
}

enum mien_status vk_kernel_settle(const struct vk_kernel *kernel, uint32_t **out, size_t *size)
{
    enum mien_status status = MIEN_OK;
    struct reader r = {.kernel = kernel};
    const size_t words = kernel->spirv_size / 4;
    size_t count = HEAD_WORDS;
    uint32_t *copy = NULL;
    *out = NULL;
    *size = 0;
    TRY(open_module(&r));
    copy = base_alloc(words, sizeof *copy);
    FAIL_IF_NULL(copy, "a SPIR-V module");
    memcpy(copy, kernel->spirv, HEAD_WORDS * sizeof *copy);
    for (size_t at = HEAD_WORDS; at < words && !r.broken; at += length(&kernel->spirv[at]))
        count += write_settled(&r, &kernel->spirv[at], copy + count);
    TRY(close_module(&r));
    *out = copy;
    *size = count * sizeof *copy;
    copy = NULL;
fail:
    base_free(copy);
    base_free(r.ids);
    return status;
}
