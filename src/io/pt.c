/* pt.c: an archive of torch.save or TorchScript: NAME/data.pkl says which tensors there are, NAME/data/KEY hold their
 * elements, NAME/byteorder their order of bytes. */
#include "io/pt.h"

#include "io/pickle.h"

#include <stdlib.h>
#include <string.h>

/* Bounds for hostile files: what is shared in a pickle may be met again and again on the way through it. */
enum { MAX_PICKLE = 64 << 20, MAX_NAME = 1000, MAX_DEPTH = 64, MAX_VISITS = 1 << 22, MAX_TENSORS = 1 << 20 };

bool pt_is_legacy(const unsigned char *data, size_t size)
{
    return size >= 2 && data[0] == 0x80 && data[1] >= 2 && data[1] <= 5;
}

enum mien_status pt_refuse(const char *path, const unsigned char *data, size_t size)
{
    if (pt_is_legacy(data, size))
        return base_fail(MIEN_ERR_DATA,
                         "%s: byte 0: a bare pickle, PyTorch's form of before 1.6; load it in PyTorch and save it "
                         "again: torch.save(torch.load(...), ...)",
                         path);
    return base_fail(MIEN_ERR_DATA, "%s: byte 0: neither a PyTorch zip archive nor safetensors", path);
}

/* A walk over the values of a pickle. */
struct walk {
    struct pt *pt;
    const char *root; /* the archive's folder, "" or ended by '/' */
    uint64_t base;    /* of the pickle, for messages */
    char name[MAX_NAME + 1];
    size_t length, visits;
};

static enum mien_status count_elements(const struct walk *w, const struct pickle_tensor *t, struct io_tensor *out)
{
    enum mien_status status = MIEN_OK;
    uint64_t size = io_dtype_size(t->storage->dtype);
    out->count = 1;
    for (uint32_t i = 0; i < t->rank; i++) {
        FAIL_IF(t->dims[i] != 0 && out->count > UINT64_MAX / size / t->dims[i], MIEN_ERR_DATA,
                "%s: byte %llu (data.pkl): the size of tensor \"%s\" overflows", w->pt->zip.path,
                (unsigned long long)(w->base + t->at), w->name);
        out->count *= t->dims[i];
    }
    out->bytes = out->count * size;
fail:
    return status;
}

/* Strides, unless the elements lie row by row. */
static enum mien_status keep_strides(struct pt *pt, const struct pickle_tensor *t, struct io_tensor *out)
{
    enum mien_status status = MIEN_OK;
    uint64_t step = 1;
    bool dense = true;
    for (uint32_t i = t->rank; i-- > 0; step *= t->dims[i])
        dense = dense && (t->dims[i] == 1 || t->strides[i] == step);
    if (dense || out->count == 0)
        return MIEN_OK;
    uint64_t *strides = base_arena_array(&pt->arena, t->rank, sizeof(*strides));
    FAIL_IF_NULL(strides, pt->zip.path);
    memcpy(strides, t->strides, t->rank * sizeof(*strides));
    out->strides = strides;
fail:
    return status;
}

/* The bytes of a storage: the member must be as long as the pickle says. */
static enum mien_status find_storage(struct walk *w, const struct pickle_tensor *t, uint64_t *offset)
{
    enum mien_status status = MIEN_OK;
    struct zip *zip = &w->pt->zip;
    const struct pickle_storage *s = t->storage;
    const char *name = base_arena_printf(&w->pt->arena, "%sdata/%s", w->root, s->key);
    FAIL_IF_NULL(name, zip->path);
    struct zip_member *m = zip_find(zip, name);
    FAIL_IF(!m, MIEN_ERR_DATA, "%s: byte %llu (data.pkl): tensor \"%s\" lies in %s, which is not in the archive",
            zip->path, (unsigned long long)(w->base + t->at), w->name, name);
    TRY(zip_check(zip, m));
    *offset = m->offset;
    FAIL_IF(s->count > UINT64_MAX / io_dtype_size(s->dtype) || s->count * io_dtype_size(s->dtype) != m->size,
            MIEN_ERR_DATA, "%s: byte %llu: %s has %llu bytes, but tensor \"%s\" says it holds %llu elements of %s",
            zip->path, (unsigned long long)m->offset, name, (unsigned long long)m->size, w->name,
            (unsigned long long)s->count, io_dtype_name(s->dtype));
fail:
    return status;
}

static enum mien_status add_tensor(struct walk *w, const struct pickle_tensor *t)
{
    enum mien_status status = MIEN_OK;
    struct pt *pt = w->pt;
    uint64_t offset = 0;
    FAIL_IF(pt->count >= MAX_TENSORS, MIEN_ERR_DATA, "%s: more than %d tensors", pt->zip.path, MAX_TENSORS);
    TRY(base_grow(&pt->tensors, &pt->capacity, pt->count + 1, sizeof(*pt->tensors)));
    struct io_tensor *out = &pt->tensors[pt->count];
    *out = (struct io_tensor){.dtype = t->storage->dtype, .rank = t->rank, .file = pt->zip.path};
    memcpy(out->dims, t->dims, sizeof(out->dims));
    out->name = base_arena_strdup(&pt->arena, w->length ? w->name : "tensor");
    FAIL_IF_NULL(out->name, pt->zip.path);
    TRY(count_elements(w, t, out));
    TRY(keep_strides(pt, t, out));
    TRY(find_storage(w, t, &offset));
    out->in = pt->zip.in;
    out->offset = offset + t->offset * io_dtype_size(out->dtype);
    pt->count++;
fail:
    return status;
}

static enum mien_status visit(struct walk *w, const struct pickle_value *v, int depth);

/* visit with ".key" behind the name. */
static enum mien_status visit_under(struct walk *w, const char *key, size_t length, const struct pickle_value *v,
                                    int depth)
{
    enum mien_status status = MIEN_OK;
    size_t before = w->length;
    FAIL_IF(before + length + 2 > MAX_NAME || memchr(key, 0, length), MIEN_ERR_DATA,
            "%s: data.pkl: a name under \"%s\" is too long or holds a zero byte", w->pt->zip.path, w->name);
    if (before > 0)
        w->name[w->length++] = '.';
    memcpy(w->name + w->length, key, length);
    w->length += length;
    w->name[w->length] = '\0';
    TRY(visit(w, v, depth));
fail:
    w->length = before;
    w->name[before] = '\0';
    return status;
}

/* Keys are texts or numbers; under others no tensor of a model is looked for. */
static enum mien_status visit_dict(struct walk *w, const struct pickle_value *dict, int depth)
{
    enum mien_status status = MIEN_OK;
    char digits[32];
    for (size_t i = 0; i + 1 < dict->count; i += 2) {
        const struct pickle_value *key = dict->items[i];
        if (key->kind == PICKLE_TEXT) {
            TRY(visit_under(w, key->as.text, key->length, dict->items[i + 1], depth));
        } else if (key->kind == PICKLE_INT) {
            int n = snprintf(digits, sizeof(digits), "%lld", (long long)key->as.integer);
            TRY(visit_under(w, digits, (size_t)n, dict->items[i + 1], depth));
        }
    }
fail:
    return status;
}

static enum mien_status visit_list(struct walk *w, const struct pickle_value *list, int depth)
{
    enum mien_status status = MIEN_OK;
    char digits[32];
    for (size_t i = 0; i < list->count; i++) {
        int n = snprintf(digits, sizeof(digits), "%zu", i);
        TRY(visit_under(w, digits, (size_t)n, list->items[i], depth));
    }
fail:
    return status;
}

/* What it is one of, for whoever misses it as a weight. */
static enum mien_status note_opaque(struct walk *w, const char *what)
{
    enum mien_status status = MIEN_OK;
    struct pt *pt = w->pt;
    if (!what || pt->opaque_count == PT_OPAQUE_MOST)
        return MIEN_OK;
    TRY(base_grow(&pt->opaque, &pt->opaque_capacity, pt->opaque_count + 1, sizeof(*pt->opaque)));
    const char *name = base_arena_strdup(&pt->arena, w->length ? w->name : "the whole");
    char *class = (char *)(uintptr_t)base_arena_strdup(&pt->arena, what);
    FAIL_IF(!name || !class, MIEN_ERR_NOMEM, "%s: out of host memory", pt->zip.path);
    class[strcspn(class, " ")] = '.';
    pt->opaque[pt->opaque_count++] = (struct pt_opaque){name, class};
fail:
    return status;
}

static enum mien_status visit(struct walk *w, const struct pickle_value *v, int depth)
{
    if (++w->visits > MAX_VISITS || depth > MAX_DEPTH)
        return base_fail(MIEN_ERR_DATA, "%s: data.pkl: \"%s\" is nested too deeply or repeated too often",
                         w->pt->zip.path, w->name);
    switch (v->kind) {
    case PICKLE_TENSOR:
        return add_tensor(w, v->as.tensor);
    case PICKLE_DICT:
        return visit_dict(w, v, depth + 1);
    case PICKLE_LIST:
    case PICKLE_TUPLE:
        return visit_list(w, v, depth + 1);
    case PICKLE_OBJECT: /* its attributes, as TorchScript keeps the parameters of modules */
        return v->count > 0 && v->items[0]->kind == PICKLE_DICT ? visit_dict(w, v->items[0], depth + 1) : MIEN_OK;
    case PICKLE_OPAQUE: /* a dictionary of a class of its own is one all the same */
        return v->count > 0 ? visit_dict(w, v, depth + 1) : note_opaque(w, v->as.text);
    default:
        return MIEN_OK;
    }
}

/* The one "NAME/data.pkl" (or "data.pkl"); *root is "NAME/" or "". */
static enum mien_status find_pickle(struct pt *pt, struct zip_member **out, const char **root)
{
    enum mien_status status = MIEN_OK;
    *out = NULL;
    for (size_t i = 0; i < pt->zip.count; i++) {
        struct zip_member *m = &pt->zip.members[i];
        const char *slash = strchr(m->name, '/');
        if (strcmp(slash ? slash + 1 : m->name, "data.pkl") != 0)
            continue;
        FAIL_IF(*out, MIEN_ERR_DATA, "%s: byte %llu: a second data.pkl", pt->zip.path, (unsigned long long)m->offset);
        *out = m;
        *root = base_arena_strndup(&pt->arena, m->name, slash ? (size_t)(slash + 1 - m->name) : 0);
        FAIL_IF_NULL(*root, pt->zip.path);
    }
    FAIL_IF(!*out, MIEN_ERR_DATA, "%s: byte 0: a zip archive without data.pkl; PyTorch did not write it", pt->zip.path);
    FAIL_IF((*out)->size > MAX_PICKLE, MIEN_ERR_DATA, "%s: byte %llu: data.pkl has %llu bytes, %d are allowed",
            pt->zip.path, (unsigned long long)(*out)->offset, (unsigned long long)(*out)->size, MAX_PICKLE);
fail:
    return status;
}

static struct zip_member *find_under(struct pt *pt, const char *root, const char *name)
{
    const char *full = base_arena_printf(&pt->arena, "%s%s", root, name);
    return full ? zip_find(&pt->zip, full) : NULL;
}

static enum mien_status check_order_of_bytes(struct pt *pt, const char *root)
{
    enum mien_status status = MIEN_OK;
    const unsigned char *text;
    struct zip_member *m = find_under(pt, root, "byteorder");
    if (!m)
        return MIEN_OK; /* PyTorch 1 did not say; its machines were little endian */
    FAIL_IF(m->size > 64, MIEN_ERR_DATA, "%s: byte %llu: byteorder is no word", pt->zip.path,
            (unsigned long long)m->offset);
    TRY(zip_read(&pt->zip, m, &pt->arena, &text));
    FAIL_IF(m->size != 6 || memcmp(text, "little", 6) != 0, MIEN_ERR_DATA,
            "%s: byte %llu: the order of bytes is not \"little\"; save the file on a little-endian machine",
            pt->zip.path, (unsigned long long)m->offset);
fail:
    return status;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct io_tensor *)a)->name, ((const struct io_tensor *)b)->name);
}

static enum mien_status sort(struct pt *pt)
{
    if (pt->count == 0)
        return base_fail(MIEN_ERR_DATA,
                         pt->opaque_count ? "%s: data.pkl holds no tensor; %s is a %s, which Mien does not make: save "
                                            "the weights alone: torch.save(model.state_dict(), ...)"
                                          : "%s: data.pkl holds no tensor",
                         pt->zip.path, pt->opaque_count ? pt->opaque->name : "",
                         pt->opaque_count ? pt->opaque->class : "");
    qsort(pt->tensors, pt->count, sizeof(*pt->tensors), by_name);
    for (size_t i = 1; i < pt->count; i++)
        if (by_name(&pt->tensors[i - 1], &pt->tensors[i]) == 0)
            return base_fail(MIEN_ERR_DATA, "%s: two tensors are named \"%s\"", pt->zip.path, pt->tensors[i].name);
    return MIEN_OK;
}

static enum mien_status read_tensors(struct pt *pt)
{
    enum mien_status status = MIEN_OK;
    struct base_arena values = {0};
    struct zip_member *m;
    struct pickle_value *top;
    const unsigned char *data;
    struct walk *w = base_alloc(1, sizeof(*w));
    FAIL_IF_NULL(w, pt->zip.path);
    w->pt = pt;
    TRY(find_pickle(pt, &m, &w->root));
    TRY(check_order_of_bytes(pt, w->root));
    pt->scripted = find_under(pt, w->root, "constants.pkl") != NULL;
    TRY(zip_read(&pt->zip, m, &values, &data));
    w->base = m->offset;
    TRY(pickle_read(pt->zip.path, data, (size_t)m->size, m->offset, &values, &top));
    TRY(visit(w, top, 0));
    TRY(sort(pt));
fail:
    base_arena_clear(&values);
    base_free(w);
    return status;
}

enum mien_status pt_open(const struct base_source *source, const char *path, struct pt *out)
{
    enum mien_status status = MIEN_OK;
    *out = (struct pt){0};
    TRY(zip_open(source, path, &out->zip));
    TRY(read_tensors(out));
    return MIEN_OK;
fail:
    pt_close(out);
    return status;
}

void pt_close(struct pt *pt)
{
    zip_close(&pt->zip);
    base_arena_clear(&pt->arena);
    base_free(pt->tensors);
    base_free(pt->opaque);
    *pt = (struct pt){0};
}
