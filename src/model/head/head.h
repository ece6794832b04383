/*
 * The classifier head: dropout, a dense layer, an activation, dropout, an output layer; or dropout and the
 * output layer alone.  Which layers, and what checkpoints call them, is a row of HEAD_LAYOUTS.
 */
#ifndef EMOTRAIN_MODEL_HEAD_HEAD_H
#define EMOTRAIN_MODEL_HEAD_HEAD_H

#include "config/settings.h"
#include "model/onnx/onnx.h"
#include "model/weights/parameters.h"
#include "model/weights/weights.h"

/* What published heads are: by enum head_kind (model.head, but for the last, which is only read). */
struct head_layout {
    const char *name;  /* model.head's */
    const char *dense; /* parameters DENSE.weight, DENSE.bias; NULL: there is no dense layer */
    const char *out;   /* OUT.weight, OUT.bias */
    enum { ACTIVATION_NONE, ACTIVATION_TANH, ACTIVATION_RELU } activation;
    const char *norm; /* a layer norm before the activation: NORM.weight, NORM.bias; NULL: there is none */
};

extern const struct head_layout HEAD_LAYOUTS[HEAD_COUNT];

/* The layout that a checkpoint's names show, or HEAD_COUNT. */
enum head_kind head_of_checkpoint(const struct weights *weights);

/* The layout of that name, or HEAD_COUNT. */
enum head_kind head_of_name(const char *name);

/* "dense (classifier.dense, tanh, classifier.out_proj), ...", for errors; caller frees. */
char *head_list(void);

struct head {
    const struct head_layout *layout;
    bool scales; /* (pooled - mean) / deviation, as measured of the training clips */
    size_t mean, deviation;
    size_t dense_weight, dense_bias, norm_weight, norm_bias, out_weight, out_bias; /* indices of parameters */
    double dropout;
    int64_t members; /* above 1: the output layer is one for each of so many hidden states side by side, and
                        the mean of their probabilities counts */
    int64_t outputs; /* of the pooling: of every hidden state mean, or mean and deviation */
};

/* Declares its parameters, for pooled vectors of `input` values and a dense layer of `width`, where the
 * layout has one: weights normal with standard deviation `range`, biases zero. */
void head_declare(struct head *head, struct parameters *parameters, enum head_kind kind, int64_t input,
                  int64_t width, int64_t labels, double range, double dropout);

/* Makes it a mean of probabilities over `members` output layers, each of one of the hidden states side by
 * side: with that, out_weight is (members * labels, input / members).  The pooled vector has the means of
 * all, then with two outputs the deviations of all.  For one label of several. */
void head_declare_members(struct head *head, struct parameters *parameters, int64_t members, int64_t outputs);

/* Declares the scale of pooled vectors: head_scale.mean and .deviation (input), nothing that is learned. */
void head_declare_scale(struct head *head, struct parameters *parameters, int64_t input);

/* Its first parameter; what the pooled vector depends on comes before. */
size_t head_first(const struct head *head);

/* Values of the pooled vectors that it takes in. */
int64_t head_input(const struct head *head, const struct parameters *parameters);

/* As a graph. */
const char *head_build_onnx(const struct head *head, const struct parameters *parameters, struct onnx *graph,
                            const char *pooled);

/* pooled (clips, input) -> (clips, labels) */
struct et_tensor *head_forward(const struct head *head, const struct parameters *parameters,
                               struct et_scope *scope, struct et_tensor *pooled, bool training);

#endif
