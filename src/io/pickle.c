/* pickle.c: the stack machine: what protocols 2 to 5 write. Each opcode takes memory in proportion to its own bytes, so
 * that a small file cannot ask for much. */
#include "io/pickle.h"

#include <stdarg.h>
#include <string.h>

enum mien_status pickle_bad(const struct pickle *p, const char *fmt, ...)
{
    char what[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    return base_fail(MIEN_ERR_DATA, "%s: byte %llu (data.pkl): %s", p->path, (unsigned long long)(p->base + p->at),
                     what);
}

struct pickle_value *pickle_new(struct pickle *p, enum pickle_kind kind)
{
    struct pickle_value *v = base_arena_alloc(p->arena, sizeof(*v));
    if (v)
        v->kind = kind;
    return v;
}

enum mien_status pickle_append(struct pickle *p, struct pickle_value *list, struct pickle_value *item)
{
    enum mien_status status = MIEN_OK;
    if (list->count == list->capacity) {
        size_t room = list->capacity ? 2 * list->capacity : 4;
        struct pickle_value **items = base_arena_array(p->arena, room, sizeof(*items));
        FAIL_IF_NULL(items, p->path);
        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof(*items));
        list->items = items;
        list->capacity = room;
    }
    list->items[list->count++] = item;
fail:
    return status;
}

/* Values above the last mark (or all) can be taken; NULL when there is none. */
static struct pickle_value *top(const struct pickle *p, size_t below)
{
    size_t floor = p->mark_count ? p->marks[p->mark_count - 1] : 0;
    return p->depth > floor + below ? p->stack[p->depth - 1 - below] : NULL;
}

static enum mien_status read_global(struct pickle *p)
{
    enum mien_status status = MIEN_OK;
    const char *module, *name;
    struct pickle_value *v;
    TRY(pickle_read_line(p, &module));
    TRY(pickle_read_line(p, &name));
    TRY(pickle_global(p, module, name, &v));
    TRY(pickle_push(p, v));
fail:
    return status;
}

static enum mien_status stack_global(struct pickle *p)
{
    enum mien_status status = MIEN_OK;
    struct pickle_value *name = top(p, 0), *module = top(p, 1), *v;
    if (!name || !module || name->kind != PICKLE_TEXT || module->kind != PICKLE_TEXT)
        return pickle_bad(p, "a global without its names");
    p->depth -= 2;
    TRY(pickle_global(p, module->as.text, name->as.text, &v));
    TRY(pickle_push(p, v));
fail:
    return status;
}

static enum mien_status mark(struct pickle *p)
{
    enum mien_status status = MIEN_OK;
    TRY(base_grow(&p->marks, &p->mark_room, p->mark_count + 1, sizeof(*p->marks)));
    p->marks[p->mark_count++] = p->depth;
fail:
    return status;
}

/* Removes the last mark; *from is where the values above it begin. */
static enum mien_status unmark(struct pickle *p, size_t *from)
{
    if (p->mark_count == 0)
        return pickle_bad(p, "the end of a group that never began");
    *from = p->marks[--p->mark_count];
    return MIEN_OK;
}

/* A set or the like of what stands above the last mark. */
static enum mien_status drop_marked(struct pickle *p)
{
    enum mien_status status = MIEN_OK;
    size_t from = 0;
    TRY(unmark(p, &from));
    p->depth = from;
    TRY(pickle_push(p, pickle_new(p, PICKLE_OPAQUE)));
fail:
    return status;
}

/* The top `count` values become one. */
static enum mien_status group(struct pickle *p, enum pickle_kind kind, size_t from)
{
    enum mien_status status = MIEN_OK;
    struct pickle_value *v = pickle_new(p, kind);
    FAIL_IF_NULL(v, p->path);
    if (kind == PICKLE_DICT && (p->depth - from) % 2)
        return pickle_bad(p, "a key without a value");
    for (size_t i = from; i < p->depth; i++)
        TRY(pickle_append(p, v, p->stack[i]));
    p->depth = from;
    TRY(pickle_push(p, v));
fail:
    return status;
}

static enum mien_status group_marked(struct pickle *p, enum pickle_kind kind)
{
    enum mien_status status = MIEN_OK;
    size_t from = 0;
    TRY(unmark(p, &from));
    TRY(group(p, kind, from));
fail:
    return status;
}

static enum mien_status group_top(struct pickle *p, size_t count)
{
    if (count > 0 && !top(p, count - 1))
        return pickle_bad(p, "a tuple of more values than there are");
    return group(p, PICKLE_TUPLE, p->depth - count);
}

/* Values from `from` on join the list or dictionary below them. */
static enum mien_status join(struct pickle *p, size_t from, enum pickle_kind kind)
{
    enum mien_status status = MIEN_OK;
    struct pickle_value *into = from > 0 ? p->stack[from - 1] : NULL;
    if (!into || (into->kind != kind && into->kind != PICKLE_OPAQUE) ||
        (p->mark_count && p->marks[p->mark_count - 1] >= from))
        return pickle_bad(p, "items for something that is no %s", kind == PICKLE_DICT ? "dictionary" : "list");
    if (kind == PICKLE_DICT && (p->depth - from) % 2)
        return pickle_bad(p, "a key without a value");
    bool dropped = into->kind == PICKLE_OPAQUE && kind == PICKLE_LIST; /* of a list or set of a class of its own */
    for (size_t i = from; i < p->depth && !dropped; i++)
        TRY(pickle_append(p, into, p->stack[i]));
    p->depth = from;
fail:
    return status;
}

static enum mien_status join_marked(struct pickle *p, enum pickle_kind kind)
{
    enum mien_status status = MIEN_OK;
    size_t from = 0;
    TRY(unmark(p, &from));
    TRY(join(p, from, kind));
fail:
    return status;
}

static enum mien_status join_top(struct pickle *p, size_t count, enum pickle_kind kind)
{
    if (!top(p, count))
        return pickle_bad(p, "an item without a container");
    return join(p, p->depth - count, kind);
}

/* NEWOBJ (class, arguments) or REDUCE (callable, arguments). */
static enum mien_status make(struct pickle *p, bool instance)
{
    enum mien_status status = MIEN_OK;
    struct pickle_value *args = top(p, 0), *callee = top(p, 1), *v = NULL;
    if (!callee || args->kind != PICKLE_TUPLE)
        return pickle_bad(p, "a call without its arguments");
    TRY(instance ? pickle_instance(p, callee, &v) : pickle_call(p, callee, args, &v));
    p->depth -= 2;
    TRY(pickle_push(p, v));
fail:
    return status;
}

/* NEWOBJ_EX: class, arguments, named arguments. */
static enum mien_status make_named(struct pickle *p)
{
    if (!top(p, 2) || top(p, 0)->kind != PICKLE_DICT)
        return pickle_bad(p, "an object without its arguments");
    p->depth--;
    return make(p, true);
}

/* The state of an object is kept; that of a dictionary (state_dict's versions) or opaque value is of no interest. */
static enum mien_status build(struct pickle *p)
{
    struct pickle_value *state = top(p, 0), *object = top(p, 1);
    if (!object || (object->kind != PICKLE_OBJECT && object->kind != PICKLE_DICT && object->kind != PICKLE_TENSOR &&
                    object->kind != PICKLE_OPAQUE))
        return pickle_bad(p, "a state without an object");
    p->depth--;
    if (object->kind != PICKLE_OBJECT)
        return MIEN_OK;
    if (object->count > 0)
        return pickle_bad(p, "an object with two states");
    return pickle_append(p, object, state);
}

static enum mien_status reference(struct pickle *p)
{
    enum mien_status status = MIEN_OK;
    struct pickle_value *id = top(p, 0), *v = NULL;
    if (!id)
        return pickle_bad(p, "a reference to nothing");
    TRY(pickle_storage(p, id, &v));
    p->stack[p->depth - 1] = v;
fail:
    return status;
}

/* Numbers of memory slots are dense in what Python and PyTorch write; one beyond the pickle's size is damage. */
static enum mien_status put(struct pickle *p, uint64_t slot)
{
    enum mien_status status = MIEN_OK;
    if (!top(p, 0) || slot > p->size)
        return pickle_bad(p, "nothing to keep, or slot %llu", (unsigned long long)slot);
    TRY(base_grow(&p->memo, &p->memo_room, (size_t)slot + 1, sizeof(*p->memo)));
    while (p->memo_count <= slot)
        p->memo[p->memo_count++] = NULL;
    p->memo[slot] = p->stack[p->depth - 1];
fail:
    return status;
}

static enum mien_status get(struct pickle *p, uint64_t slot)
{
    if (slot >= p->memo_count || !p->memo[slot])
        return pickle_bad(p, "slot %llu was never filled", (unsigned long long)slot);
    return pickle_push(p, p->memo[slot]);
}

static enum mien_status push_truth(struct pickle *p, bool truth)
{
    struct pickle_value *v = pickle_new(p, PICKLE_BOOL);
    if (v)
        v->as.truth = truth;
    return pickle_push(p, v);
}

/* Opcodes with a number behind them; *known says whether it was one. */
static enum mien_status step_number(struct pickle *p, unsigned char op, bool *known)
{
    enum mien_status status = MIEN_OK;
    static const struct {
        char op;
        unsigned char bytes;
    } widths[] = {{'K', 1}, {'M', 2}, {'J', 4}, {'q', 1}, {'r', 4}, {'h', 1}, {'j', 4}};
    uint64_t n = 0;
    size_t i = 0;
    while (i < BASE_COUNT(widths) && (unsigned char)widths[i].op != op)
        i++;
    *known = i < BASE_COUNT(widths);
    if (!*known)
        return MIEN_OK;
    TRY(pickle_number(p, widths[i].bytes, &n));
    if (op == 'q' || op == 'r')
        return put(p, n);
    if (op == 'h' || op == 'j')
        return get(p, n);
    TRY(pickle_push_int(p, op == 'J' ? (int64_t)(int32_t)(uint32_t)n : (int64_t)n));
fail:
    return status;
}

/* Opcodes with a value behind them, and its length before it. */
static enum mien_status step_counted(struct pickle *p, unsigned char op, bool *known)
{
    *known = true;
    switch (op) {
    case 0x8a:
        return pickle_read_long(p, 1);
    case 0x8b:
        return pickle_read_long(p, 4);
    case 'C':
        return pickle_skip_bytes(p, 1);
    case 'B':
        return pickle_skip_bytes(p, 4);
    case 0x8e: /* more bytes, and those that can change */
    case 0x96:
        return pickle_skip_bytes(p, 8);
    case 'G':
        return pickle_read_float(p);
    case 'X':
    case 'T': /* of Python 2 */
        return pickle_read_text(p, 4);
    case 0x8c:
    case 'U':
        return pickle_read_text(p, 1);
    case 0x8d:
        return pickle_read_text(p, 8);
    default:
        *known = false;
        return MIEN_OK;
    }
}

static enum mien_status step(struct pickle *p, unsigned char op)
{
    switch (op) {
    case '(':
        return mark(p);
    case 'N':
        return pickle_push(p, pickle_new(p, PICKLE_NONE));
    case 0x88:
    case 0x89:
        return push_truth(p, op == 0x88);
    case 0x8f:
        return pickle_push(p, pickle_new(p, PICKLE_OPAQUE)); /* an empty set */
    case 0x91:
        return drop_marked(p);
    case 0x92:
        return make_named(p);
    case ']':
        return pickle_push(p, pickle_new(p, PICKLE_LIST));
    case ')':
        return pickle_push(p, pickle_new(p, PICKLE_TUPLE));
    case '}':
        return pickle_push(p, pickle_new(p, PICKLE_DICT));
    case 'a':
        return join_top(p, 1, PICKLE_LIST);
    case 'e':
    case 0x90:
        return join_marked(p, PICKLE_LIST);
    case 's':
        return join_top(p, 2, PICKLE_DICT);
    case 'u':
        return join_marked(p, PICKLE_DICT);
    case 't':
        return group_marked(p, PICKLE_TUPLE);
    case 0x85:
    case 0x86:
    case 0x87:
        return group_top(p, op - 0x84u);
    case 'c':
        return read_global(p);
    case 0x93:
        return stack_global(p);
    case 'R':
    case 0x81:
        return make(p, op == 0x81);
    case 'b':
        return build(p);
    case 'Q':
        return reference(p);
    case 0x94: /* the next slot */
        return put(p, p->memo_count);
    default:
        return pickle_bad(p, "opcode 0x%02x is not one that PyTorch writes", op);
    }
}

static enum mien_status run(struct pickle *p, struct pickle_value **out)
{
    enum mien_status status = MIEN_OK;
    const unsigned char *d = NULL;
    uint64_t ignored;
    TRY(pickle_take(p, 2, &d));
    if (d[0] != 0x80 || d[1] < 2 || d[1] > 5)
        return pickle_bad(p, "no pickle of protocol 2 to 5");
    for (;;) {
        bool known = false;
        TRY(pickle_take(p, 1, &d));
        if (*d == '.')
            break;
        if (*d == 0x95) { /* a frame: its length is a hint for readers of streams */
            TRY(pickle_number(p, 8, &ignored));
            continue;
        }
        const unsigned char op = *d;
        TRY(step_number(p, op, &known));
        if (!known)
            TRY(step_counted(p, op, &known));
        if (!known)
            TRY(step(p, op));
    }
    if (p->mark_count > 0 || p->depth != 1 || p->at != p->size)
        return pickle_bad(p, "the pickle ends with %zu values or with bytes behind it", p->depth);
    *out = p->stack[0];
fail:
    return status;
}

enum mien_status pickle_read(const char *path, const unsigned char *data, size_t size, uint64_t base,
                             struct base_arena *arena, struct pickle_value **out)
{
    struct pickle p = {.path = path, .data = data, .size = size, .base = base, .arena = arena};
    *out = NULL;
    enum mien_status status = run(&p, out);
    base_free(p.stack);
    base_free(p.memo);
    base_free(p.marks);
    return status;
}
