/*
 * libtorch for C: the operations this program uses, and no others.  Compiles as C17; no ATen type shows.
 *
 *     struct et_scope *scope = et_scope_open(NULL);
 *     struct et_tensor *y = et_gelu(scope, et_linear(scope, x, weight, bias));
 *     et_backward(scope, et_sum(scope, y));
 *     if (!et_scope_close(scope, &error)) ...
 *
 * Scopes.  A scope owns every tensor made in it and frees them when it closes; et_keep moves a result out to
 * another scope first.  Open one per layer, not one per step.  Operations take borrowed tensors and never
 * change them, except those whose name ends in "_".
 *
 * Errors.  The first failure in a scope sticks, with the operation's name and libtorch's message.  Later
 * operations on that scope do nothing and return NULL, and so do operations given a NULL tensor; the caller
 * checks once, when closing.  Closing a failed scope fails its parent too.  No C++ exception leaves the shim.
 *
 * Shapes stand beside each operation as (batch, frames, hidden).  Names are libtorch's, after the prefix.
 * A tensor belongs to one thread at a time; modes (gradients, autocast) are per thread.
 */
#ifndef EMOTRAIN_TORCH_TORCH_H
#define EMOTRAIN_TORCH_TORCH_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct et_tensor;
struct et_scope;
struct et_adamw;

enum et_dtype { ET_FLOAT32, ET_FLOAT16, ET_BFLOAT16, ET_FLOAT64, ET_INT64, ET_INT32, ET_BOOL };

/* A device is ET_CPU or the index of a CUDA GPU. */
enum { ET_CPU = -1 };

/* ---- the library and the machine ---- */

const char *et_version(void); /* "1.13.1" */

/* Whether libtorch's own operations run in place of the kernels in torch/cpu/: with EMOTRAIN_PLAIN_TORCH=1 in
 * the environment, or as a test sets it between steps. */
bool et_use_plain_torch(void);
void et_set_plain_torch(bool plain);

void et_set_threads(int threads);
int et_get_threads(void);

/* For threads that run batches at the same time: the calling thread is worker number `worker` from now on,
 * and its operations use `threads` threads, whatever the other workers do. */
void et_use_worker(int worker, int threads);

/* The calling thread's operations use `threads` threads from now on; returns how many they used before. */
int et_use_threads(int threads);

/* Around passes at the same time.  Between them oneDNN drops none of the products that it has generated code
 * for: before 2.7 it can use freed memory where one thread drops a product that another looks up. */
void et_workers_begin(void);
void et_workers_end(void);

int et_cuda_count(void);                /* cards libtorch can use */
bool et_bfloat16_is_native(int device); /* the hardware multiplies bfloat16 itself */
bool et_bfloat16_is_faster(int device); /* than float32 */
void et_manual_seed(uint64_t seed);     /* every device's default generator, and the calling thread's */

/* ---- scopes ---- */

struct et_scope *et_scope_open(struct et_scope *parent); /* parent may be NULL */
bool et_scope_close(struct et_scope *scope,
                    struct error *error); /* frees; error may be NULL if parent is not */
bool et_scope_failed(const struct et_scope *scope);
void et_scope_fail(struct et_scope *scope, const char *message); /* from C, e.g. a shape check */

/* Zeroed memory that lives as long as the scope. */
void *et_scope_memory(struct et_scope *scope, size_t size);

/* Moves a tensor to another scope.  Returns it; NULL stays NULL. */
struct et_tensor *et_keep(struct et_tensor *tensor, struct et_scope *scope);
void et_drop(struct et_tensor *tensor); /* frees one tensor before its scope closes */

/* ---- making tensors ---- */

struct et_tensor *et_zeros(struct et_scope *scope, enum et_dtype dtype, const int64_t *shape, int dims,
                           int device);
struct et_tensor *et_from_data(struct et_scope *scope, const void *data, enum et_dtype dtype,
                               const int64_t *shape, int dims, int device); /* copies */
struct et_tensor *et_clone(struct et_scope *scope, const struct et_tensor *x);
struct et_tensor *et_detach(struct et_scope *scope, const struct et_tensor *x);

/* ---- looking at tensors ---- */

int et_dims(const struct et_tensor *x);
int64_t et_size(const struct et_tensor *x, int dim); /* negative dim counts from the end */
int64_t et_numel(const struct et_tensor *x);
bool et_requires_grad(const struct et_tensor *x);

/* Copies all elements, converted to float32, to `out`, which has room for `count` = et_numel(x). */
void et_read(struct et_scope *scope, const struct et_tensor *x, float *out, int64_t count);
/* The same, rounded to float16, as bits. */
void et_read_float16(struct et_scope *scope, const struct et_tensor *x, uint16_t *out, int64_t count);
double et_item(struct et_scope *scope, const struct et_tensor *x); /* of a tensor of one element */

/* ---- changing tensors in place; no gradient is recorded ---- */

void et_copy_(struct et_scope *scope, struct et_tensor *x, const struct et_tensor *from);
void et_copy_data_(struct et_scope *scope, struct et_tensor *x, const void *data, enum et_dtype dtype);
void et_fill_(struct et_scope *scope, struct et_tensor *x, double value);
void et_normal_(struct et_scope *scope, struct et_tensor *x, double mean, double deviation);
void et_uniform_(struct et_scope *scope, struct et_tensor *x, double low, double high);
/* x = x + share * (from - x) */
void et_lerp_(struct et_scope *scope, struct et_tensor *x, const struct et_tensor *from, double share);
void et_swap_(struct et_scope *scope, struct et_tensor *x, struct et_tensor *y); /* exchanges their values */
void et_set_requires_grad_(struct et_scope *scope, struct et_tensor *x, bool requires_grad);

/* ---- operations ---- */

struct et_tensor *et_add(struct et_scope *scope, const struct et_tensor *a, const struct et_tensor *b);
struct et_tensor *et_sub(struct et_scope *scope, const struct et_tensor *a, const struct et_tensor *b);
struct et_tensor *et_mul(struct et_scope *scope, const struct et_tensor *a, const struct et_tensor *b);
struct et_tensor *et_div(struct et_scope *scope, const struct et_tensor *a, const struct et_tensor *b);
struct et_tensor *et_add_scalar(struct et_scope *scope, const struct et_tensor *x, double value);
struct et_tensor *et_mul_scalar(struct et_scope *scope, const struct et_tensor *x, double factor);
struct et_tensor *et_sqrt(struct et_scope *scope, const struct et_tensor *x);
struct et_tensor *et_rsqrt(struct et_scope *scope, const struct et_tensor *x);
struct et_tensor *et_log(struct et_scope *scope, const struct et_tensor *x);
struct et_tensor *et_tanh(struct et_scope *scope, const struct et_tensor *x);
struct et_tensor *et_sigmoid(struct et_scope *scope, const struct et_tensor *x);
struct et_tensor *et_round(struct et_scope *scope, const struct et_tensor *x); /* passes no gradient */
struct et_tensor *et_exp(struct et_scope *scope, const struct et_tensor *x);
struct et_tensor *et_clamp(struct et_scope *scope, const struct et_tensor *x, double low, double high);
struct et_tensor *et_gelu(struct et_scope *scope, const struct et_tensor *x); /* the exact one, by erf */
struct et_tensor *et_relu(struct et_scope *scope, const struct et_tensor *x);
struct et_tensor *et_softmax(struct et_scope *scope, const struct et_tensor *x, int dim);
struct et_tensor *et_log_sigmoid(struct et_scope *scope, const struct et_tensor *x);
struct et_tensor *et_log_softmax(struct et_scope *scope, const struct et_tensor *x, int dim); /* in float32 */
struct et_tensor *et_dropout(struct et_scope *scope, const struct et_tensor *x,
                             double p); /* as in training */

/* x + dropout(y), of one shape; p > 0 */
struct et_tensor *et_add_dropped(struct et_scope *scope, const struct et_tensor *x, const struct et_tensor *y,
                                 double p);
struct et_tensor *et_to_dtype(struct et_scope *scope, const struct et_tensor *x, enum et_dtype dtype);
struct et_tensor *et_matmul(struct et_scope *scope, const struct et_tensor *a, const struct et_tensor *b);

/* Scaled dot-product attention, Vaswani et al., 2017: query, key, value (batch, time, heads * width) -> the
 * same. hidden (batch, 1, 1, time): true where a key is to be ignored; NULL: none is.  dropout: of the
 * probabilities. */
struct et_tensor *et_attention(struct et_scope *scope, const struct et_tensor *query,
                               const struct et_tensor *key, const struct et_tensor *value,
                               const struct et_tensor *hidden, int64_t heads, double dropout);

/* The same for packed clips (et_pack): (1, rows, heads * width). */
struct et_tensor *et_attention_packed(struct et_scope *scope, const struct et_tensor *query,
                                      const struct et_tensor *key, const struct et_tensor *value,
                                      const int64_t *lengths, int64_t clips, int64_t heads, double dropout);

/* Clips (clips, frames, width) as rows one after another without their padding: (1, sum of lengths, width).
 * And back, with zeros for padding. */
struct et_tensor *et_pack(struct et_scope *scope, const struct et_tensor *x, const int64_t *lengths);
struct et_tensor *et_unpack(struct et_scope *scope, const struct et_tensor *x, const int64_t *lengths,
                            int64_t clips, int64_t frames);

/* x (..., in), weight (out, in), bias (out) or NULL -> (..., out) */
struct et_tensor *et_linear(struct et_scope *scope, const struct et_tensor *x, const struct et_tensor *weight,
                            const struct et_tensor *bias);

/* x (batch, in, time), weight (out, in / groups, kernel), bias (out) or NULL -> (batch, out, time') */
struct et_tensor *et_conv1d(struct et_scope *scope, const struct et_tensor *x, const struct et_tensor *weight,
                            const struct et_tensor *bias, int64_t stride, int64_t padding, int64_t groups);

/* x (batch, in, height, width), weight (out, in, kernel, kernel), bias (out) or NULL -> (batch, out, height',
 * width') */
struct et_tensor *et_conv2d(struct et_scope *scope, const struct et_tensor *x, const struct et_tensor *weight,
                            const struct et_tensor *bias, int64_t stride, int64_t padding);

/* The same values, laid out in memory with the channels innermost, as convolutions of images are quickest. */
struct et_tensor *et_channels_last(struct et_scope *scope, const struct et_tensor *x);

/* x (batch, channels, height, width): maxima of 2 x 2 */
struct et_tensor *et_max_pool2d(struct et_scope *scope, const struct et_tensor *x);

/* weight (words, width), index (...) ET_INT64 -> (..., width) */
struct et_tensor *et_embedding(struct et_scope *scope, const struct et_tensor *weight,
                               const struct et_tensor *index);

/* x (batch, heads, rows, values), index (rows, columns) ET_INT64 -> (batch, heads, rows, columns): of each
 * row the values that its indices name */
struct et_tensor *et_gather_rows(struct et_scope *scope, const struct et_tensor *x,
                                 const struct et_tensor *index);

/* x (batch, channels, height, width) -> half the height and width, rounded down */
struct et_tensor *et_halve2d(struct et_scope *scope, const struct et_tensor *x);

/* Ioffe and Szegedy, 2015: over all but dimension 1.  `training` uses the batch's mean and variance and moves
 * the running ones, which it changes; else the running ones are used. */
struct et_tensor *et_batch_norm(struct et_scope *scope, const struct et_tensor *x,
                                const struct et_tensor *weight, const struct et_tensor *bias,
                                struct et_tensor *running_mean, struct et_tensor *running_variance,
                                bool training, double momentum, double eps);

/* x (batch, samples) -> (batch, frames, length): frames every `hop` samples; no copy is made */
struct et_tensor *et_unfold(struct et_scope *scope, const struct et_tensor *x, int64_t length, int64_t hop);

/* x (..., samples) real -> (..., size / 2 + 1): squared magnitudes of the discrete Fourier transform over
 * `size` samples, zeros after the last */
struct et_tensor *et_power_spectrum(struct et_scope *scope, const struct et_tensor *x, int64_t size);

/* weight and bias (width); NULL: none */
struct et_tensor *et_layer_norm(struct et_scope *scope, const struct et_tensor *x,
                                const struct et_tensor *weight, const struct et_tensor *bias, double eps);
/* gelu(layer_norm(x)); the result may be bfloat16 where x is */
struct et_tensor *et_layer_norm_gelu(struct et_scope *scope, const struct et_tensor *x,
                                     const struct et_tensor *weight, const struct et_tensor *bias,
                                     double eps);
struct et_tensor *et_group_norm(struct et_scope *scope, const struct et_tensor *x, int64_t groups,
                                const struct et_tensor *weight, const struct et_tensor *bias, double eps);

/* Salimans and Kingma, 2016: v * g / |v|, the norm over all dimensions but `dim`. */
struct et_tensor *et_weight_norm(struct et_scope *scope, const struct et_tensor *v, const struct et_tensor *g,
                                 int dim);

struct et_tensor *et_sum_dim(struct et_scope *scope, const struct et_tensor *x, int dim, bool keep);
struct et_tensor *et_mean_dim(struct et_scope *scope, const struct et_tensor *x, int dim, bool keep);
struct et_tensor *et_amax(struct et_scope *scope, const struct et_tensor *x, int dim, bool keep);
struct et_tensor *et_sum(struct et_scope *scope, const struct et_tensor *x);
struct et_tensor *et_transpose(struct et_scope *scope, const struct et_tensor *x, int a, int b);
struct et_tensor *et_reshape(struct et_scope *scope, const struct et_tensor *x, const int64_t *shape,
                             int dims);
struct et_tensor *et_cat(struct et_scope *scope, struct et_tensor *const *tensors, size_t count, int dim);
struct et_tensor *et_narrow(struct et_scope *scope, const struct et_tensor *x, int dim, int64_t start,
                            int64_t length);

/* Elements where `mask` (ET_BOOL, broadcast) is true become `value`. */
struct et_tensor *et_masked_fill(struct et_scope *scope, const struct et_tensor *x,
                                 const struct et_tensor *mask, double value);
struct et_tensor *et_where(struct et_scope *scope, const struct et_tensor *condition,
                           const struct et_tensor *yes, const struct et_tensor *no);

/* logits (batch, classes), targets (batch) ET_INT64, weights (classes) or NULL -> sum of the clips' losses */
struct et_tensor *et_cross_entropy_sum(struct et_scope *scope, const struct et_tensor *logits,
                                       const struct et_tensor *targets, const struct et_tensor *weights,
                                       double label_smoothing);

/* logits and targets (batch, labels) -> sum of the binary cross-entropies of all elements */
/* weights (labels) or NULL: what a label that is so counts, as PyTorch's pos_weight. */
struct et_tensor *et_binary_cross_entropy_sum(struct et_scope *scope, const struct et_tensor *logits,
                                              const struct et_tensor *targets,
                                              const struct et_tensor *weights);

/* ---- modes of this thread ---- */

bool et_grad_mode(bool enabled); /* whether operations record gradients; returns what it was */

/* Between these, matrix products on `device` are done in `dtype` (ET_FLOAT32: as without).  They do not nest.
 */
void et_autocast_begin(int device, enum et_dtype dtype);
void et_autocast_end(void);

/* Float32 for a while, between or outside of those, as for spectra, of which few bits make noise. */
void et_autocast_pause(void);
void et_autocast_resume(void);

/* The same for predictions: moreover no operation records gradients, and weights are taken to stay for many
 * batches, so that it pays to keep packed copies of them. */
void et_inference_begin(int device, enum et_dtype dtype);
void et_inference_end(void);
void et_inference_abandon(void); /* ends it where a caller was left in its middle; else does nothing */

/* ---- measuring ---- */

/* A matrix product (batch, rows, inner) x (batch, inner, columns), made `count` times; which of its factors
 * also get a gradient, each by a product of the same size.  A convolution counts as the product that it is
 * over its patches, with its groups as the batch. */
struct et_product {
    int64_t batch, rows, inner, columns;
    bool left_learned, right_learned;
    int64_t count;
};

/* The product itself, or the one that makes the gradient of its left or right factor. */
enum et_factor { ET_RESULT, ET_LEFT, ET_RIGHT };

void et_products_record(bool on); /* in every worker; forgets what was recorded */
size_t
et_products_take(struct et_product **list); /* what this worker made since; the caller frees the list */
double et_product_seconds(struct et_scope *scope, const struct et_product *product, enum et_factor of,
                          enum et_dtype dtype, int device); /* one, on operands at hand */
void et_synchronize(int device);                            /* waits until the device has done all */

/* ---- gradients ---- */

void et_backward(struct et_scope *scope, const struct et_tensor *loss);
struct et_tensor *et_grad(struct et_scope *scope, const struct et_tensor *x); /* a view, good until
                          gradients are cleared; zeros if there is none */
void et_clear_grads(struct et_tensor *const *tensors, size_t count);

/*
 * Replicas: further handles of the same memory, each with a gradient of its own, so that several passes
 * through one model can go backward at the same time.  et_replicas_begin, before the passes, makes a replica
 * require a gradient where its tensor does.  et_replicas_end, after them, adds the replicas' gradients to
 * those of the tensors, in this order, and clears them.
 */
struct et_tensor *et_gradient_replica(struct et_scope *scope, const struct et_tensor *x);
void et_replicas_begin(struct et_tensor *const *tensors, struct et_tensor *const *replicas, size_t count);
void et_replicas_end(struct et_scope *scope, struct et_tensor *const *tensors,
                     struct et_tensor *const *replicas, size_t count);

/* The 2-norm over all gradients together; NaN or infinity if any element is. */
double et_grad_norm(struct et_scope *scope, struct et_tensor *const *tensors, size_t count);

/*
 * Gradient checkpointing (Chen et al., 2016): runs body(context, scope, x) without recording it, and again in
 * the backward pass.  `context` must live until then, and the body must draw the same random numbers each
 * time (et_manual_seed first).
 */
typedef struct et_tensor *et_checkpoint_body(void *context, struct et_scope *scope, struct et_tensor *x);
struct et_tensor *et_checkpoint(struct et_scope *scope, et_checkpoint_body *body, void *context,
                                struct et_tensor *x);

/* ---- processes that train together: c10d, by Gloo between CPUs and NCCL between CUDA GPUs ---- */

struct et_group;
struct et_buckets;

/* Which process this is of how many, and where they meet. */
struct et_group_env {
    int rank, size;
    const char *address; /* host of rank 0 */
    int port;
    const char
        *store; /* a file in place of that port, for processes of one machine: nothing listens; "": none */
    bool external_store; /* something else than rank 0 answers at that port (torchrun's agent) */
    const char *prefix;  /* of what stands in that store */
    double timeout;      /* seconds to wait for the others, now and later */
    int device;
};

/* Waits for the others.  Where they are lost later on, errors are ERROR_PEER, and on ranks other than 0 where
 * they do not come. */
struct et_group *et_group_join(const struct et_group_env *env, struct error *error);

/* Waits for what is under way, unless it `failed`: then it is left to the process's end.  NULL does nothing.
 */
void et_group_leave(struct et_group *group, bool failed);

/* All ranks call these alike, in one order. */
enum et_reduction { ET_SUM, ET_MAX };
bool et_group_reduce(struct et_group *group, double *values, size_t count, enum et_reduction how,
                     struct error *error);
bool et_group_broadcast(struct et_group *group, void *bytes, size_t size, struct error *error); /* rank 0's */
bool et_group_broadcast_tensor_(struct et_group *group, struct et_tensor *x, struct error *error);

/*
 * Sums of tensors' gradients over the ranks, in buckets of about `bytes`.  The last backward pass of a step
 * is et_buckets_backward: buckets leave while it runs.  et_buckets_finish, with `ran` false on a rank that
 * had no such pass, waits for all; then each rank's gradients are the sums, to the bit alike, and a tensor
 * has one if it has one on any rank.  Group and tensors must outlive the buckets.
 */
struct et_buckets *et_buckets_new(struct et_group *group, struct et_tensor *const *tensors, size_t count,
                                  int64_t bytes, struct error *error);
void et_buckets_free(struct et_buckets *buckets); /* NULL does nothing */
void et_buckets_backward(struct et_scope *scope, struct et_buckets *buckets, const struct et_tensor *loss);
bool et_buckets_finish(struct et_buckets *buckets, bool ran, struct error *error);

/* ---- AdamW (Loshchilov and Hutter, 2019) ---- */

struct et_adamw_settings {
    double beta1, beta2, eps, weight_decay;
    bool eight_bits; /* keep the moments of tensors of 4096 elements or more in 8 bits, block-wise (Dettmers
                        et al., 2022): two bytes an element in place of eight */
};

/* The tensors must outlive the optimizer.  Their moments start at zero. */
struct et_adamw *et_adamw_new(struct et_tensor *const *tensors, size_t count,
                              struct et_adamw_settings settings, struct error *error);
void et_adamw_free(struct et_adamw *optimizer); /* NULL does nothing */

/* Tensor i steps at rates[i] times the learning rate; at first all at it. */
void et_adamw_set_rates(struct et_adamw *optimizer, const double *rates);

/* One step with gradients multiplied by `scale`.  A tensor without a gradient is left alone, as in PyTorch.
 */
bool et_adamw_step(struct et_adamw *optimizer, double learning_rate, double scale, struct error *error);

/* The state of tensor i, for checkpoints: first (which 0) and second moments, in the tensor's shape, and the
 * number of its steps.  Moments in 8 bits that are read and written again stay what they are. */
void et_adamw_read_moment(struct et_scope *scope, const struct et_adamw *optimizer, size_t i, int which,
                          float *values);
void et_adamw_write_moment_(struct et_scope *scope, struct et_adamw *optimizer, size_t i, int which,
                            const float *values);
int64_t et_adamw_steps(const struct et_adamw *optimizer, size_t i);
void et_adamw_set_steps(struct et_adamw *optimizer, size_t i, int64_t steps);

#ifdef __cplusplus
}
#endif

#endif
