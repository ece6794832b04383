/*
 * AdamW, Loshchilov and Hutter, 2019, with PyTorch's arithmetic.  On the CPU one pass over memory per tensor;
 * elsewhere libtorch's operations.
 */
#include "torch/cpu/block_quantized.hpp"
#include "torch/shim.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <cmath>
#include <vector>

namespace
{

const int64_t SMALL = 4096; /* elements below which 8 bits spare nothing worth their error */

struct Slot {
    et_tensor *parameter;
    at::Tensor moments[2]; /* float32; undefined where they are in blocks */
    shim::Blocks blocks[2];
    int64_t steps = 0;

    bool is_coded() const
    {
        return blocks[0].codes.defined();
    }
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

/* The same with moments in blocks.  A piece of the gradient is a whole number of blocks. */
void step_blocks(float *p, uint16_t *rounded, const shim::Gradient &gradient, shim::Blocks *blocks,
                 const Step &s)
{
    const int64_t piece = shim::Gradient::PIECE, count = gradient.count;
    uint8_t *codes[2] = {blocks[0].codes.data_ptr<uint8_t>(), blocks[1].codes.data_ptr<uint8_t>()};
    float *scales[2] = {blocks[0].scales.data_ptr<float>(), blocks[1].scales.data_ptr<float>()};

    at::parallel_for(0, (count + piece - 1) / piece, 1, [&](int64_t begin, int64_t end) {
        float memory[shim::Gradient::PIECE], moments[2][shim::BLOCK];
        for (int64_t first = begin * piece; first < std::min(count, end * piece); first += piece) {
            int64_t length = std::min(piece, count - first);
            const float *g = gradient.read(first, length, memory);
            for (int64_t i = 0; i < length; i += shim::BLOCK) {
                int64_t at = first + i, b = at / shim::BLOCK,
                        size = std::min<int64_t>(shim::BLOCK, length - i);
                for (int k = 0; k < 2; k++)
                    blocks[k].map->decode(moments[k], codes[k] + at, scales[k][b], size);
                step_range(p + at, rounded ? rounded + at : nullptr, g + i, moments[0], moments[1], size, s);
                for (int k = 0; k < 2; k++)
                    scales[k][b] = blocks[k].map->encode(moments[k], codes[k] + at, size);
            }
        }
    });
}

/* The copy in bfloat16 that linear layers use, where there is one; it is up to date from now on. */
uint16_t *rounded_copy(et_tensor *tensor)
{
    at::Tensor &value = tensor->value;

    value.unsafeGetTensorImpl()->bump_version(); /* it is written to by its address */
    if (!tensor->companion)
        return nullptr;
    shim::Rounded &kept = *tensor->companion->rounded;
    if (!kept.copy.defined() || kept.copy.scalar_type() != at::kBFloat16 || !kept.copy.is_contiguous())
        return nullptr;
    kept.version = value._version();
    return static_cast<uint16_t *>(kept.copy.data_ptr());
}

void step_elsewhere(at::Tensor &p, const at::Tensor &g, at::Tensor &m, at::Tensor &v, const Step &s)
{
    at::Tensor grad = s.scale == 1 ? g : g * s.scale;

    m.mul_(s.beta1).add_(grad, 1 - s.beta1);
    v.mul_(s.beta2).addcmul_(grad, grad, 1 - s.beta2);
    at::Tensor denominator = v.sqrt().div_(s.root_correction).add_(s.eps);
    p.mul_(s.decay).addcdiv_(m, denominator, -s.step_size);
}

/* Moments in blocks of a tensor on a card: they stay in the host's memory. */
void step_decoded(Slot &slot, const Step &s)
{
    at::Tensor &parameter = slot.parameter->value;
    at::Tensor host[2], there[2];

    for (int k = 0; k < 2; k++) {
        host[k] = at::empty(parameter.sizes(), at::kFloat);
        slot.blocks[k].read(host[k].data_ptr<float>());
        there[k] = host[k].to(parameter.device());
    }
    step_elsewhere(parameter, parameter.grad(), there[0], there[1], s);
    for (int k = 0; k < 2; k++)
        slot.blocks[k].write(there[k].cpu().data_ptr<float>());
}

} // namespace

struct et_adamw {
    et_adamw_settings settings;
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
    at::Tensor *m = slot.moments;
    bool plain =
        parameter.is_cpu() && parameter.is_contiguous() && shim::plain_gradient(slot.parameter, gradient);
    if (slot.is_coded() && plain)
        step_blocks(parameter.data_ptr<float>(), rounded_copy(slot.parameter), gradient, slot.blocks, s);
    else if (slot.is_coded())
        step_decoded(slot, s);
    else if (plain)
        step_cpu(parameter.data_ptr<float>(), rounded_copy(slot.parameter), gradient, m[0].data_ptr<float>(),
                 m[1].data_ptr<float>(), s);
    else
        step_elsewhere(parameter, parameter.grad(), m[0], m[1], s);
}

extern "C" {

struct et_adamw *et_adamw_new(struct et_tensor *const *tensors, size_t count,
                              struct et_adamw_settings settings, struct error *error)
{
    et_adamw *optimizer = new et_adamw;

    try {
        optimizer->settings = settings;
        optimizer->slots.resize(count);
        for (size_t i = 0; i < count; i++) {
            Slot &slot = optimizer->slots[i];
            slot.parameter = tensors[i];
            const at::Tensor &value = slot.parameter->value;
            for (int k = 0; k < 2; k++) {
                if (settings.eight_bits && value.numel() >= SMALL)
                    slot.blocks[k] = shim::Blocks::zeros(value.numel(), k == 0);
                else
                    slot.moments[k] =
                        at::zeros_like(value, at::MemoryFormat::Contiguous).set_requires_grad(false);
            }
        }
        return optimizer;
    } catch (const std::exception &exception) {
        error_memory(error, "adamw: %s", shim::reason(exception).c_str());
    }
    delete optimizer;
    return nullptr;
}

void et_adamw_free(struct et_adamw *optimizer)
{
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

void et_adamw_read_moment(struct et_scope *scope, const struct et_adamw *optimizer, size_t i, int which,
                          float *values)
{
    shim::attempt(scope, "adamw", {}, [&] {
        const Slot &slot = optimizer->slots[i];
        if (slot.is_coded()) {
            slot.blocks[which].read(values);
        } else {
            at::Tensor all = slot.moments[which].cpu();
            std::memcpy(values, all.data_ptr<float>(), static_cast<size_t>(all.numel()) * sizeof *values);
        }
    });
}

void et_adamw_write_moment_(struct et_scope *scope, struct et_adamw *optimizer, size_t i, int which,
                            const float *values)
{
    shim::attempt(scope, "adamw", {}, [&] {
        Slot &slot = optimizer->slots[i];
        if (slot.is_coded())
            slot.blocks[which].write(values);
        else
            slot.moments[which].copy_(
                at::from_blob(const_cast<float *>(values), slot.moments[which].sizes(), at::kFloat));
    });
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
