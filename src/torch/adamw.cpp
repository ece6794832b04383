/*
 * AdamW, Loshchilov and Hutter, 2019, with PyTorch's arithmetic.  On the CPU one pass over memory per tensor;
 * elsewhere libtorch's operations.
 */
#include "torch/shim.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <cmath>
#include <vector>

namespace
{

struct Slot {
    et_tensor *parameter;
    et_tensor *moments[2];
    int64_t steps = 0;
};

/* The numbers of one step of one tensor. */
struct Step {
    float beta1, beta2, eps, decay, step_size, root_correction, scale;
};

/* One step of `count` elements, and their rounded copies, unless that is NULL. */
WIDE_LOOP void step_range(float *p, uint16_t *rounded, const float *g, float *m, float *v, int64_t count,
                          const Step &step)
{
    const Step s = step;

    for (int64_t i = 0; i < count; i++) {
        float grad = g[i] * s.scale;
        m[i] = s.beta1 * m[i] + (1 - s.beta1) * grad;
        v[i] = s.beta2 * v[i] + (1 - s.beta2) * grad * grad;
        float denominator = std::sqrt(v[i]) / s.root_correction + s.eps;
        p[i] = p[i] * s.decay - s.step_size * m[i] / denominator;
    }
    for (int64_t i = 0; rounded && i < count; i++)
        rounded[i] = shim::narrow(p[i]);
}

void step_cpu(float *p, uint16_t *rounded, const shim::Gradient &gradient, float *m, float *v, const Step &s)
{
    at::parallel_for(0, gradient.count, shim::GRAIN, [&](int64_t begin, int64_t end) {
        float memory[shim::Gradient::PIECE];
        for (int64_t i = begin; i < end; i += shim::Gradient::PIECE) {
            int64_t length = std::min<int64_t>(shim::Gradient::PIECE, end - i);
            step_range(p + i, rounded ? rounded + i : nullptr, gradient.read(i, length, memory), m + i, v + i,
                       length, s);
        }
    });
}

/* The copy in bfloat16 that linear layers use, where there is one; it is up to date from now on. */
uint16_t *rounded_copy(et_tensor *tensor)
{
    at::Tensor &value = tensor->value;

    value.unsafeGetTensorImpl()->bump_version(); /* it is written to by its address */
    shim::Companion *companion = tensor->companion.get();
    if (!companion || !companion->rounded.defined() || companion->rounded.scalar_type() != at::kBFloat16 ||
        !companion->rounded.is_contiguous())
        return nullptr;
    companion->version = value._version();
    return static_cast<uint16_t *>(companion->rounded.data_ptr());
}

void step_elsewhere(at::Tensor &p, const at::Tensor &g, at::Tensor &m, at::Tensor &v, const Step &s)
{
    at::Tensor grad = s.scale == 1 ? g : g * s.scale;

    m.mul_(s.beta1).add_(grad, 1 - s.beta1);
    v.mul_(s.beta2).addcmul_(grad, grad, 1 - s.beta2);
    at::Tensor denominator = v.sqrt().div_(s.root_correction).add_(s.eps);
    p.mul_(s.decay).addcdiv_(m, denominator, -s.step_size);
}

} // namespace

struct et_adamw {
    et_adamw_settings settings;
    et_scope *scope;
    std::vector<Slot> slots;

    void step(Slot &slot, double learning_rate, double scale);
};

void et_adamw::step(Slot &slot, double learning_rate, double scale)
{
    at::Tensor &parameter = slot.parameter->value;
    shim::Gradient gradient;

    if (!shim::has_gradient(slot.parameter))
        return;
    slot.steps++;
    double correction1 = 1 - std::pow(settings.beta1, static_cast<double>(slot.steps));
    double correction2 = 1 - std::pow(settings.beta2, static_cast<double>(slot.steps));
    Step s = {static_cast<float>(settings.beta1),
              static_cast<float>(settings.beta2),
              static_cast<float>(settings.eps),
              static_cast<float>(1 - learning_rate * settings.weight_decay),
              static_cast<float>(learning_rate / correction1),
              static_cast<float>(std::sqrt(correction2)),
              static_cast<float>(scale)};
    at::Tensor &m = slot.moments[0]->value, &v = slot.moments[1]->value;
    if (parameter.is_cpu() && parameter.is_contiguous() && shim::plain_gradient(slot.parameter, gradient))
        step_cpu(parameter.data_ptr<float>(), rounded_copy(slot.parameter), gradient, m.data_ptr<float>(),
                 v.data_ptr<float>(), s);
    else
        step_elsewhere(parameter, parameter.grad(), m, v, s);
}

extern "C" {

struct et_adamw *et_adamw_new(struct et_tensor *const *tensors, size_t count,
                              struct et_adamw_settings settings, struct error *error)
{
    et_adamw *optimizer = new et_adamw;

    optimizer->settings = settings;
    optimizer->scope = et_scope_open(nullptr);
    optimizer->slots.resize(count);
    for (size_t i = 0; i < count; i++) {
        Slot &slot = optimizer->slots[i];
        slot.parameter = tensors[i];
        for (et_tensor *&moment : slot.moments)
            moment = shim::make(optimizer->scope, "adamw", {}, [&] {
                return at::zeros_like(slot.parameter->value, at::MemoryFormat::Contiguous)
                    .set_requires_grad(false);
            });
    }
    if (!et_scope_failed(optimizer->scope))
        return optimizer;
    error_set(error, "%s", optimizer->scope->message.c_str());
    et_adamw_free(optimizer);
    return nullptr;
}

void et_adamw_free(struct et_adamw *optimizer)
{
    if (!optimizer)
        return;
    et_scope_close(optimizer->scope, nullptr);
    delete optimizer;
}

bool et_adamw_step(struct et_adamw *optimizer, double learning_rate, double scale, struct error *error)
{
    try {
        at::NoGradGuard no_grad;
        for (Slot &slot : optimizer->slots)
            optimizer->step(slot, learning_rate, scale);
        return true;
    } catch (const std::exception &exception) {
        return error_set(error, "adamw: %s", shim::reason(exception).c_str());
    }
}

struct et_tensor *et_adamw_moment(struct et_adamw *optimizer, size_t i, int which)
{
    return optimizer->slots[i].moments[which];
}

int64_t et_adamw_steps(const struct et_adamw *optimizer, size_t i)
{
    return optimizer->slots[i].steps;
}

void et_adamw_set_steps(struct et_adamw *optimizer, size_t i, int64_t steps)
{
    optimizer->slots[i].steps = steps;
}
}
