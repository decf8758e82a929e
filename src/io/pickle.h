/* pickle.h: inside io: Python's pickle format as PyTorch uses it, read as data: nothing is imported, nothing is run.
 * The callables that stand for containers, tensors and storages are known (pickle_call.c); what any other would make is
 * an opaque value, passed over: options, dates, paths, numpy's scalars and arrays, whole objects. */
#ifndef IO_PICKLE_H
#define IO_PICKLE_H

#include "base/base.h"
#include "io/safetensors.h"

enum pickle_kind {
    PICKLE_NONE,
    PICKLE_BOOL,
    PICKLE_INT,
    PICKLE_FLOAT,
    PICKLE_TEXT,
    PICKLE_TUPLE,
    PICKLE_LIST,
    PICKLE_DICT,   /* items: key, value, key, value, ... */
    PICKLE_GLOBAL, /* one of the known callables, or a class of a TorchScript archive */
    PICKLE_OBJECT, /* an instance of such a class: items[0] is its state once it is built */
    PICKLE_STORAGE,
    PICKLE_TENSOR,
    PICKLE_OPAQUE, /* what nothing here can make; items: those of one that is used as a dictionary */
};

/* Elements in a member of the archive: `key` names it. */
struct pickle_storage {
    const char *key;
    enum io_dtype dtype;
    uint64_t count;
};

struct pickle_tensor {
    const struct pickle_storage *storage;
    uint64_t offset; /* elements */
    uint32_t rank;
    uint64_t dims[IO_MAX_RANK], strides[IO_MAX_RANK];
    uint64_t at; /* byte of the pickle where it was made, for messages */
};

struct pickle_value {
    enum pickle_kind kind;
    union {
        bool truth;
        int64_t integer;
        double real;
        const char *text; /* TEXT; the name of a GLOBAL, or of what an OPAQUE is one of: "module name", or NULL */
        struct pickle_storage storage;
        struct pickle_tensor *tensor;
    } as;
    int call;        /* GLOBAL: enum pickle_call */
    uint32_t length; /* TEXT: bytes */
    struct pickle_value **items;
    size_t count, capacity;
};

/* A pickle under way: shared by its three files. */
struct pickle {
    const char *path;
    const unsigned char *data;
    size_t size, at;
    uint64_t base; /* where data lies in the file: messages count from the file's beginning */
    struct base_arena *arena;
    struct pickle_value **stack, **memo;
    size_t depth, stack_room, memo_count, memo_room;
    size_t *marks; /* depths */
    size_t mark_count, mark_room;
};

/* Reads data [size], which lies at byte `base` of `path`; values live in the arena. MIEN_ERR_DATA with path and byte.
 */
enum mien_status pickle_read(const char *path, const unsigned char *data, size_t size, uint64_t base,
                             struct base_arena *arena, struct pickle_value **out);

/* ---- between pickle.c, pickle_read.c and pickle_call.c ---- */

enum mien_status pickle_bad(const struct pickle *p, const char *fmt, ...) MIEN_PRINTF(2, 3);
struct pickle_value *pickle_new(struct pickle *p, enum pickle_kind kind); /* NULL when out of memory */
enum mien_status pickle_append(struct pickle *p, struct pickle_value *list, struct pickle_value *item);
/* Onto the stack; v NULL: out of memory. */
enum mien_status pickle_push(struct pickle *p, struct pickle_value *v);
enum mien_status pickle_push_int(struct pickle *p, int64_t value);
/* The next bytes; a number of them, little endian. */
enum mien_status pickle_take(struct pickle *p, size_t bytes, const unsigned char **out);
enum mien_status pickle_number(struct pickle *p, int bytes, uint64_t *out);
/* Values onto the stack, their length in `length_bytes` before them. */
enum mien_status pickle_read_long(struct pickle *p, int length_bytes);
enum mien_status pickle_read_text(struct pickle *p, int length_bytes);
enum mien_status pickle_skip_bytes(struct pickle *p, int length_bytes);
enum mien_status pickle_read_float(struct pickle *p);
/* One line, without its end. */
enum mien_status pickle_read_line(struct pickle *p, const char **out);

/* "module name" -> *out; MIEN_ERR_DATA for one that only an attack asks for. */
enum mien_status pickle_global(struct pickle *p, const char *module, const char *name, struct pickle_value **out);
/* What a call of a known callable stands for. */
enum mien_status pickle_call(struct pickle *p, const struct pickle_value *callee, struct pickle_value *args,
                             struct pickle_value **out);
/* An instance without its state. */
enum mien_status pickle_instance(struct pickle *p, const struct pickle_value *class, struct pickle_value **out);
/* ("storage", type, key, device, count) -> a storage */
enum mien_status pickle_storage(struct pickle *p, const struct pickle_value *id, struct pickle_value **out);

#endif
