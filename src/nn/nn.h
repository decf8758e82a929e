/* nn.h: CLIP as graphs: named parameters on a device, the towers of any size, and the loss.
 *
 *   struct nn_model *model;
 *   TRY(nn_model_load(device, dir, NULL, &model));              // or nn_model_create + nn_model_init
 *   struct nn_scope s;
 *   TRY(nn_scope_open(&s, graph, model, true));
 *   op_value image = nn_image_tower(&s, pixels);          // [B,E], as projected
 *   op_value text = nn_text_tower(&s, ids, eot);          // [B,E]
 *   op_value loss = nn_clip_loss(&s, nn_unit_rows(&s, image), nn_unit_rows(&s, text));
 *   graph_backward(graph, loss, s.values, model->stack_count, grads);
 *   nn_scope_close(&s);
 *
 * Names and shapes are those of Hugging Face's CLIPModel. Sizes in comments: B batch, R image side, P patch, G patches
 * = (R/P)^2, N = G+1 tokens, L text length, D width, E projection. Not thread-safe: one thread per device. */
#ifndef NN_NN_H
#define NN_NN_H

#include "graph/graph.h"
#include "io/clip_tensors.h"
#include "tensor/pack.h"

/* ---- parameters ---- */

struct nn_param {
    const char *name;    /* "text_model.encoder.layers.0.mlp.fc1.weight" */
    struct tensor value; /* f32, or as nn_model.precision says; a scalar has shape [1] here, rank 0 in files. For
                            upload and download: what graphs bind is its stack */
    uint32_t stack;      /* where it lies: in nn_model.stacks[stack], from element `first` on */
    uint64_t first;
    enum io_init init; /* and spread: how it starts when there are no weights (io/clip_tensors.h) */
    double spread;
    bool is_scalar; /* rank 0 in files */
};

/* What graphs take for one tensor: a parameter, or q, k and v of an attention layer, whose weights [D,D] (and biases)
 * lie one behind another without gaps, so that one product with [3D,D] makes all three. */
struct nn_stack {
    const char *name;      /* the parameter's; "...self_attn.qkv_proj.weight" */
    struct tensor value;   /* begins at a multiple of 256 bytes */
    uint32_t begin, count; /* its parameters: nn_model.order[begin], ... */
};

struct nn_model {
    struct vk_device *device; /* borrowed; must outlive the model; NULL: shapes only, for plans */
    struct io_clip_config config;
    struct base_arena arena; /* names and the array */
    struct nn_param *params; /* sorted by name */
    uint32_t count;
    struct nn_stack *stacks;
    uint32_t stack_count;
    uint32_t *order;         /* [count]: the parameters as they lie in memory, stack by stack */
    struct tensor_pack pack; /* the stacks' memory, in their order */
    uint64_t elements;       /* of all parameters */
    /* How matrices are stored: f32, or f16 or bf16 for inference. All but positions and the class token of clips, which
     * are small and added; what has one dimension is f32 always, and so is the arithmetic, but that matrix units, where
     * the device has them for this type, multiply numbers rounded to it. */
    enum mien_dtype precision;
};

/* Parameters of a configuration on the device in a precision (nn_model.precision), contents undefined; device NULL:
 * shapes only, for plans. MIEN_ERR_ARG: another precision, or names the size that cannot be (patch that does not divide
 * the image, heads that do not divide the width, ...). config is copied. */
enum mien_status nn_model_create(struct vk_device *device, const struct io_clip_config *config,
                                 enum mien_dtype precision, struct nn_model **out);
void nn_model_destroy(struct nn_model **model);

/* Fills every parameter from a seed: each from a stream of its own name, so that a value does not depend on the other
 * parameters or on any order. */
enum mien_status nn_model_init(struct nn_model *model, uint64_t seed);

/* Parts that a directory may lack. */
struct nn_extras {
    const struct io_temporal_config *temporal; /* its sizes: the directory's own where it has one (of the same sizes,
                                                  else MIEN_ERR_ARG), or else a new one; NULL = none wanted */
    const struct io_head_config *head;         /* likewise; its means and deviations are those given here */
    const struct io_scalar *scalars;           /* wanted, ended by an empty name; NULL = none */
    uint64_t seed;                             /* of what is new, as by nn_model_init */
    enum mien_dtype precision;                 /* nn_model.precision; 0 = f32 */
};
/* config.json and the weights of a model directory (io_weights_open: model.safetensors, several by their index, or
 * pytorch_model.bin). F32, F16 and BF16 are read, exactly; an image tower's position embedding of another image size is
 * resized, with a warning. MIEN_ERR_DATA names the missing, unexpected or misshapen tensor; position_ids are ignored.
 * extras may be NULL. */
enum mien_status nn_model_load(struct vk_device *device, const char *dir, const struct nn_extras *extras,
                               struct nn_model **out);
/* The same of a directory or of memory; nothing of the source is needed afterwards. */
enum mien_status nn_model_load_from(struct vk_device *device, const struct base_source *source,
                                    const struct nn_extras *extras, struct nn_model **out);
/* Fills the parameters from a file of weights, or a directory with one; checks as above. Rounded to nearest even where
 * the model's precision is less than the file's, kept to the bit where it is the same; MIEN_ERR_DATA for a number that
 * f16 does not hold. */
enum mien_status nn_model_load_weights(struct nn_model *model, const char *path);
/* All parameters as F32 under their names. Equal values give equal bytes. */
enum mien_status nn_model_save_weights(const struct nn_model *model, const char *path);

/* A parameter's values as f32, whatever it is stored as: out [elements]. */
enum mien_status nn_model_values(const struct nn_model *model, const struct nn_param *param, float *out);

/* A parameter's part of a tensor that is laid out as its stack is: a gradient, a moment. */
struct tensor nn_param_of(const struct nn_param *param, const struct tensor *stack);

/* Index by name, or UINT32_MAX. */
uint32_t nn_param_find(const struct nn_model *model, const char *name);

/* ---- recording ---- */

/* One graph's view of a model: which stack of parameters is which value. */
struct nn_scope {
    struct graph *graph;
    const struct nn_model *model;
    op_value *values; /* [model->stack_count]: every one, bound */
    bool training;    /* the backward pass will come: keep what it needs */
    bool same_order;  /* set after opening: a row's result does not depend on how many rows there are */
    bool recompute;   /* set after opening: towers make their blocks' results again for the backward pass instead of
                         keeping them (graph_recompute_begin); the same bits, less memory, a third more time */
    enum mien_dtype stored; /* set after opening: what transformer blocks keep for the backward pass, f32, f16 or bf16:
                               their norms, q, k and v, what attention gives, the inner layer before and after its
                               activation, and the gradients of these. The stream of residuals is f32 always, as is the
                               arithmetic, but that matrix units, where the device has them for this type, multiply
                               numbers rounded to it, forward and backward: products of towers, projections and heads,
                               attention, not the loss's. Widths, of heads too, must be multiples of 4 where
                               it is 16 bits */
};

enum mien_status nn_scope_open(struct nn_scope *scope, struct graph *graph, const struct nn_model *model,
                               bool training);
void nn_scope_close(struct nn_scope *scope); /* the graph lives on */

/* The value of the stack that begins with the parameter: of a layer's q_proj, q, k and v. Another name, or one that the
 * model does not have, is a defect of the caller (asserted). */
op_value nn_param_value(struct nn_scope *scope, const char *fmt, ...) MIEN_PRINTF(2, 3);

/* ---- towers: errors are sticky in the graph ---- */

/* pixels f32 [B,3,R,R], normalised -> image embedding [B,E], not normalised. */
op_value nn_image_tower(struct nn_scope *scope, op_value pixels);
/* The same, and the patches in the embedding space: last norm and projection of tokens 1..N-1 -> *patches [B,G,E], row
 * by row from the image's upper left corner, not normalised. CLIP's own loss never trains these. */
op_value nn_image_tower_patches(struct nn_scope *scope, op_value pixels, op_value *patches);
/* Raw embeddings of a clip's frames [B,T,E] -> the clip's [B,E], not normalised: the temporal transformer's class token
 * (EmoCLIP), T below max_frames; without a temporal transformer the mean of the frames. */
op_value nn_temporal_tower(struct nn_scope *scope, op_value frames);
/* Raw embeddings [B,E] -> what the model's head says of them [B,targets]: standardised values, or logits of classes. */
op_value nn_head(struct nn_scope *scope, op_value raw);
/* ids i32 [B,L], L <= context; eot i32 [B]: the token of each text to pool (nn_eot_positions) -> [B,E]. */
op_value nn_text_tower(struct nn_scope *scope, op_value ids, op_value eot);
/* Rows of unit length. */
op_value nn_unit_rows(struct nn_scope *scope, op_value x);
/* Symmetric InfoNCE of unit rows u, v [B,E] with the model's logit_scale -> [1]. */
op_value nn_clip_loss(struct nn_scope *scope, op_value u, op_value v);

/* ---- host side of the text tower ---- */

/* The position that a row of `length` ids is pooled at: the first eos_token_id, or, for the legacy value 2, the first
 * largest id. A row without the end token pools its last position. */
uint32_t nn_eot_position(const struct io_clip_config *config, const int32_t *ids, uint32_t length);
/* The same for each row of ids [batch,length]. */
void nn_eot_positions(const struct io_clip_config *config, const int32_t *ids, uint32_t batch, uint32_t length,
                      int32_t *positions);
/* The text length to run for texts whose longest has `longest` ids: a multiple of 8, at most the context. */
uint32_t nn_text_length(const struct io_clip_config *config, uint32_t longest);

#endif
