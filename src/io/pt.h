/* pt.h: inside io: tensors of PyTorch's zip form. */
#ifndef IO_PT_H
#define IO_PT_H

#include "io/zip.h"
#include "io/safetensors.h"

struct pt {
    struct zip zip;
    struct base_arena arena;   /* names, strides */
    struct io_tensor *tensors; /* sorted by name */
    size_t count, capacity;
    bool scripted;            /* a TorchScript archive */
    struct pt_opaque *opaque; /* what was passed over, the first PT_OPAQUE_MOST of a class of its own */
    size_t opaque_count, opaque_capacity;
};

enum { PT_OPAQUE_MOST = 1 << 12 };
struct pt_opaque {
    const char *name, *class; /* "state_dict.visual.proj", "numpy.ndarray" */
};

/* As io_weights_open says. `path` must outlive the file. */
enum mien_status pt_open(const struct base_source *source, const char *path, struct pt *out);
void pt_close(struct pt *pt);

/* Says how a file that is no zip archive looks, and fails: legacy torch.save or something else. */
enum mien_status pt_refuse(const char *path, const unsigned char *data, size_t size);
/* Whether the first bytes are those of a pickle: torch.save before 1.6. */
bool pt_is_legacy(const unsigned char *data, size_t size);

#endif
