/* weights.h: named tensors of a file or directory, whichever form they have: safetensors, one file or several with an
 * index, or PyTorch's zip form (torch.save since 1.6, and TorchScript archives). */
#ifndef IO_WEIGHTS_H
#define IO_WEIGHTS_H

#include "io/safetensors.h"

enum io_weights_form { IO_WEIGHTS_SAFETENSORS, IO_WEIGHTS_TORCH, IO_WEIGHTS_TORCHSCRIPT };

struct io_weights;

/* `path`: a file, judged by its first bytes, or a directory: model.safetensors, model.safetensors.index.json,
 * pytorch_model.bin, pytorch_model.bin.index.json, open_clip_model.safetensors or open_clip_pytorch_model.bin in it,
 * the first that is there. PyTorch's files are read as data, nothing is run; names of nested dictionaries are joined by
 * points
 * ("state_dict.visual.proj"), a lone tensor is named "tensor"; what is no tensor is passed over.
 * MIEN_ERR_DATA with path and byte, key or tensor; PyTorch's form of before 1.6 is refused by name. */
enum mien_status io_weights_open(const char *path, struct io_weights **out);
/* The same of a directory or of memory, whose bytes must outlive the weights. */
enum mien_status io_weights_open_from(const struct base_source *source, struct io_weights **out);
void io_weights_close(struct io_weights **weights);

enum io_weights_form io_weights_form(const struct io_weights *weights);
const char *io_weights_path(const struct io_weights *weights); /* the file; the index of several */
size_t io_weights_count(const struct io_weights *weights);
/* In order of names (by bytes); index < count. Tensors of PyTorch's form may have strides: io_tensor_read_f32. */
const struct io_tensor *io_weights_at(const struct io_weights *weights, size_t index);
/* NULL, or what stands there under the name of a tensor that is none: "numpy.ndarray". */
const char *io_weights_opaque(const struct io_weights *weights, const char *name);
/* NULL when there is none of that name. */
const struct io_tensor *io_weights_find(const struct io_weights *weights, const char *name);

#endif
