/* pickle_call.c: the callables that a pickle may name, and what they stand for. Nothing is called: each builds a value.
 */
#include "io/pickle.h"

#include <string.h>

enum pickle_call {
    CALL_ORDERED_DICT,
    CALL_DEFAULT_DICT,
    CALL_TENSOR,    /* (storage, offset, size, stride, requires_grad, hooks[, metadata]) */
    CALL_PARAMETER, /* (tensor, requires_grad, hooks) */
    CALL_FIRST,     /* the first argument as it is: sizes, typed lists of TorchScript */
    CALL_TYPED,     /* (function, type, arguments, state): what the function makes of the arguments */
    CALL_OTHER,     /* not known: it makes an opaque value */
    CALL_STORAGE,   /* a type of storage; its dtype is call - CALL_STORAGE */
    CALL_CLASS = CALL_STORAGE + IO_DTYPE_COUNT,
};

struct known {
    const char *name; /* "module name" */
    int call;
};

static const struct known known[] = {
    {"collections OrderedDict", CALL_ORDERED_DICT},
    {"torch._utils _rebuild_tensor_v2", CALL_TENSOR},
    {"torch._utils _rebuild_tensor", CALL_TENSOR},
    {"torch._utils _rebuild_parameter", CALL_PARAMETER},
    {"torch._utils _rebuild_parameter_with_state", CALL_PARAMETER},
    {"torch._tensor _rebuild_from_type_v2", CALL_TYPED},
    {"collections defaultdict", CALL_DEFAULT_DICT},
    {"torch.nn.parameter Parameter", CALL_PARAMETER},
    {"torch Size", CALL_FIRST},
    {"torch.jit._pickle build_intlist", CALL_FIRST},
    {"torch.jit._pickle build_doublelist", CALL_FIRST},
    {"torch.jit._pickle build_boollist", CALL_FIRST},
    {"torch.jit._pickle build_tensorlist", CALL_FIRST},
    {"torch.jit._pickle restore_type_tag", CALL_FIRST},
    {"torch FloatStorage", CALL_STORAGE + IO_F32},
    {"torch HalfStorage", CALL_STORAGE + IO_F16},
    {"torch BFloat16Storage", CALL_STORAGE + IO_BF16},
    {"torch DoubleStorage", CALL_STORAGE + IO_F64},
    {"torch LongStorage", CALL_STORAGE + IO_I64},
    {"torch IntStorage", CALL_STORAGE + IO_I32},
    {"torch ShortStorage", CALL_STORAGE + IO_I16},
    {"torch CharStorage", CALL_STORAGE + IO_I8},
    {"torch ByteStorage", CALL_STORAGE + IO_U8},
    {"torch BoolStorage", CALL_STORAGE + IO_BOOL},
};

/* What only an attack asks for. Nothing would be run of it either; but such a file deserves no trust. */
static bool is_hostile(const char *module, const char *name)
{
    static const char *const modules[] = {"os",        "posix",  "nt",         "subprocess", "sys",
                                          "pty",       "socket", "shutil",     "ctypes",     "runpy",
                                          "importlib", "timeit", "webbrowser", "commands"};
    static const char *const words[] = {"eval", "exec", "execfile", "compile", "open", "__import__", "input"};
    bool builtin = strcmp(module, "builtins") == 0 || strcmp(module, "__builtin__") == 0;
    size_t top = strcspn(module, ".");
    for (size_t i = 0; i < BASE_COUNT(modules); i++)
        if (strlen(modules[i]) == top && strncmp(module, modules[i], top) == 0)
            return true;
    for (size_t i = 0; builtin && i < BASE_COUNT(words); i++)
        if (strcmp(name, words[i]) == 0)
            return true;
    return false;
}

static struct pickle_value *opaque(struct pickle *p, const char *what)
{
    struct pickle_value *v = pickle_new(p, PICKLE_OPAQUE);
    if (v)
        v->as.text = what;
    return v;
}

enum mien_status pickle_global(struct pickle *p, const char *module, const char *name, struct pickle_value **out)
{
    enum mien_status status = MIEN_OK;
    int call = CALL_OTHER;
    const char *full = base_arena_printf(p->arena, "%s %s", module, name);
    *out = pickle_new(p, PICKLE_GLOBAL);
    FAIL_IF(!full || !*out, MIEN_ERR_NOMEM, "%s: out of host memory", p->path);
    for (size_t i = 0; i < BASE_COUNT(known); i++)
        if (strcmp(full, known[i].name) == 0)
            call = known[i].call;
    /* a module of a TorchScript archive: a name for a dictionary of attributes, no code is looked at */
    if (strcmp(module, "__torch__") == 0 || strncmp(module, "__torch__.", 10) == 0)
        call = CALL_CLASS;
    if (is_hostile(module, name))
        return pickle_bad(
            p,
            "it asks for %s.%s, which no weights need; Mien runs nothing of a file, but does not trust this "
            "one; take it from another source, or save the weights alone: torch.save(model.state_dict(), "
            "...)",
            module, name);
    (*out)->as.text = full;
    (*out)->call = call;
fail:
    return status;
}

enum mien_status pickle_instance(struct pickle *p, const struct pickle_value *class, struct pickle_value **out)
{
    enum mien_status status = MIEN_OK;
    if (class->kind == PICKLE_OPAQUE || (class->kind == PICKLE_GLOBAL && class->call == CALL_OTHER)) {
        *out = opaque(p, class->as.text);
    } else {
        if (class->kind != PICKLE_GLOBAL || (class->call != CALL_CLASS && class->call != CALL_ORDERED_DICT))
            return pickle_bad(p, "an object of something that is no class");
        *out = pickle_new(p, class->call == CALL_CLASS ? PICKLE_OBJECT : PICKLE_DICT);
    }
    FAIL_IF_NULL(*out, p->path);
fail:
    return status;
}

enum mien_status pickle_storage(struct pickle *p, const struct pickle_value *id, struct pickle_value **out)
{
    enum mien_status status = MIEN_OK;
    if (id->kind != PICKLE_TUPLE || id->count < 5 || id->items[0]->kind != PICKLE_TEXT ||
        strcmp(id->items[0]->as.text, "storage") != 0 || id->items[1]->kind != PICKLE_GLOBAL ||
        id->items[2]->kind != PICKLE_TEXT || id->items[4]->kind != PICKLE_INT || id->items[4]->as.integer < 0)
        return pickle_bad(p, "a reference that is no storage");
    int dtype = id->items[1]->call - CALL_STORAGE;
    if (dtype < 0 || dtype >= IO_DTYPE_COUNT) { /* complex or quantised numbers: not a weight's */
        *out = opaque(p, id->items[1]->as.text);
        FAIL_IF_NULL(*out, p->path);
        return MIEN_OK;
    }
    *out = pickle_new(p, PICKLE_STORAGE);
    FAIL_IF_NULL(*out, p->path);
    (*out)->as.storage =
        (struct pickle_storage){id->items[2]->as.text, (enum io_dtype)dtype, (uint64_t)id->items[4]->as.integer};
fail:
    return status;
}

/* A tuple of numbers from 0 on. */
static bool numbers(const struct pickle_value *v, uint64_t out[IO_MAX_RANK])
{
    if ((v->kind != PICKLE_TUPLE && v->kind != PICKLE_LIST) || v->count > IO_MAX_RANK)
        return false;
    for (size_t i = 0; i < v->count; i++) {
        if (v->items[i]->kind != PICKLE_INT || v->items[i]->as.integer < 0)
            return false;
        out[i] = (uint64_t)v->items[i]->as.integer;
    }
    return true;
}

/* Whether the tensor's last element lies in its storage; sums and products are watched for overflow. */
static bool fits(const struct pickle_tensor *t)
{
    uint64_t last = t->offset, most = t->storage->count;
    for (uint32_t i = 0; i < t->rank; i++)
        if (t->dims[i] == 0)
            return t->offset <= most;
    for (uint32_t i = 0; i < t->rank; i++) {
        if (t->strides[i] != 0 && t->dims[i] - 1 > UINT64_MAX / t->strides[i])
            return false;
        uint64_t step = (t->dims[i] - 1) * t->strides[i];
        if (step > UINT64_MAX - last)
            return false;
        last += step;
    }
    return last < most;
}

static enum mien_status make_tensor(struct pickle *p, const struct pickle_value *args, struct pickle_value **out)
{
    enum mien_status status = MIEN_OK;
    if (args->count > 0 && args->items[0]->kind == PICKLE_OPAQUE) {
        *out = args->items[0];
        return MIEN_OK;
    }
    if (args->count < 4 || args->items[0]->kind != PICKLE_STORAGE || args->items[1]->kind != PICKLE_INT ||
        args->items[1]->as.integer < 0)
        return pickle_bad(p, "a tensor needs a storage, an offset, sizes and strides");
    struct pickle_tensor *t = base_arena_alloc(p->arena, sizeof(*t));
    *out = pickle_new(p, PICKLE_TENSOR);
    FAIL_IF(!t || !*out, MIEN_ERR_NOMEM, "%s: out of host memory", p->path);
    (*out)->as.tensor = t;
    t->storage = &args->items[0]->as.storage;
    t->offset = (uint64_t)args->items[1]->as.integer;
    t->rank = (uint32_t)args->items[2]->count;
    t->at = p->at;
    if (!numbers(args->items[2], t->dims) || !numbers(args->items[3], t->strides) ||
        args->items[3]->count != args->items[2]->count)
        return pickle_bad(p, "sizes and strides of a tensor must be as many numbers from 0 on, at most %d",
                          IO_MAX_RANK);
    if (!fits(t))
        return pickle_bad(p, "a tensor goes beyond its storage of %llu elements",
                          (unsigned long long)t->storage->count);
fail:
    return status;
}

/* Pairs given to the call, as Python 2 wrote them, are refused: many calls over one long list would cost its square. */
static enum mien_status make_dict(struct pickle *p, const struct pickle_value *args, struct pickle_value **out)
{
    enum mien_status status = MIEN_OK;
    if (args->count > 0)
        return pickle_bad(p, "an OrderedDict made from a list (Python 2); save the file again with a present PyTorch");
    *out = pickle_new(p, PICKLE_DICT);
    FAIL_IF_NULL(*out, p->path);
fail:
    return status;
}

enum mien_status pickle_call(struct pickle *p, const struct pickle_value *callee, struct pickle_value *args,
                             struct pickle_value **out)
{
    if ((callee->kind != PICKLE_GLOBAL && callee->kind != PICKLE_OPAQUE) || args->kind != PICKLE_TUPLE)
        return pickle_bad(p, "a call of something that cannot be called");
    switch (callee->kind == PICKLE_OPAQUE ? CALL_OTHER : callee->call) {
    case CALL_DEFAULT_DICT:
        *out = pickle_new(p, PICKLE_DICT);
        return *out ? MIEN_OK : base_fail(MIEN_ERR_NOMEM, "%s: out of host memory", p->path);
    case CALL_TYPED: /* no deeper: nobody writes one in one */
        if (args->count < 3 || args->items[2]->kind != PICKLE_TUPLE || args->items[0]->kind != PICKLE_GLOBAL ||
            args->items[0]->call == CALL_TYPED)
            return pickle_bad(p, "a tensor of a type needs a function, the type and arguments");
        return pickle_call(p, args->items[0], args->items[2], out);
    case CALL_ORDERED_DICT:
        return make_dict(p, args, out);
    case CALL_TENSOR:
        return make_tensor(p, args, out);
    case CALL_PARAMETER:
        if (args->count < 1 || (args->items[0]->kind != PICKLE_TENSOR && args->items[0]->kind != PICKLE_OPAQUE))
            return pickle_bad(p, "a parameter needs a tensor");
        *out = args->items[0];
        return MIEN_OK;
    case CALL_FIRST:
        if (args->count < 1)
            return pickle_bad(p, "%s needs an argument", callee->as.text);
        *out = args->items[0];
        return MIEN_OK;
    case CALL_OTHER:
        *out = opaque(p, callee->as.text);
        return *out ? MIEN_OK : base_fail(MIEN_ERR_NOMEM, "%s: out of host memory", p->path);
    default:
        return pickle_bad(p, "a call of %s", callee->as.text);
    }
}
