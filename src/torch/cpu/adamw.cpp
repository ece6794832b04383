/*
 * AdamW, Loshchilov and Hutter, 2019, with PyTorch's arithmetic, in one pass over memory per tensor.  The
 * pass also brings the weights' copies in bfloat16 (linear.cpp) up to date.
 *
 * Replaces: libtorch's in-place operations, each of which passes over memory (step_with_libtorch; a GPU
 * uses them too).
 *
 * Gains: a step of 8 million elements takes a sixth of the time in float32, a fifteenth with moments in 8
 * bits (2).
 *
 * May go: when libtorch's fused AdamW (on the CPU since 2.4) is as fast, and linear.cpp and gradient.cpp are
 * gone.
 */
#include "torch/cpu/block_quantized.hpp"
#include "torch/cpu/simd.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <cmath>
#include <vector>

namespace
{

const int64_t LEAST_QUANTIZED = 4096; /* elements; fewer save nothing that is worth the error of 8 bits */

struct Slot {
    et_tensor *parameter;
    at::Tensor moments[2]; /* float32; undefined where they are quantized */
    cpu::BlockQuantized blocks[2];
    int64_t steps = 0;
    double rate = 1; /* times the learning rate */

    bool is_quantized() const
    {
        return blocks[0].codes.defined();
    }
};

/* The numbers of one step of one tensor. */
struct Step {
    float beta1, beta2, eps, decay, step_size, root_correction, scale;

    bool operator==(const Step &other) const
    {
        return beta1 == other.beta1 && beta2 == other.beta2 && eps == other.eps && decay == other.decay &&
               step_size == other.step_size && root_correction == other.root_correction &&
               scale == other.scale;
    }
};

/* One step of `count` elements.  Writes their copy in bfloat16 too, unless that is NULL. */
SIMD_CLONES void step_range(float *p, uint16_t *bf16, const float *g, float *m, float *v, int64_t count,
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
    for (int64_t i = 0; bf16 && i < count; i++)
        bf16[i] = cpu::round_to_bf16(p[i]);
}

void step_with_kernel(float *p, uint16_t *bf16, const cpu::GradientView &gradient, float *m, float *v,
                      const Step &s)
{
    at::parallel_for(0, gradient.count, cpu::GRAIN, [&](int64_t begin, int64_t end) {
        float memory[cpu::GradientView::PIECE];
        for (int64_t i = begin; i < end; i += cpu::GradientView::PIECE) {
            int64_t length = std::min<int64_t>(cpu::GradientView::PIECE, end - i);
            step_range(p + i, bf16 ? bf16 + i : nullptr, gradient.read(i, length, memory), m + i, v + i,
                       length, s);
        }
    });
}

/* The same with quantized moments.  A piece of the gradient is a whole number of blocks. */
void step_quantized_with_kernel(float *p, uint16_t *bf16, const cpu::GradientView &gradient,
                                cpu::BlockQuantized *blocks, const Step &s)
{
    const int64_t piece = cpu::GradientView::PIECE, count = gradient.count;
    uint8_t *codes[2] = {blocks[0].codes.data_ptr<uint8_t>(), blocks[1].codes.data_ptr<uint8_t>()};
    float *scales[2] = {blocks[0].scales.data_ptr<float>(), blocks[1].scales.data_ptr<float>()};

    at::parallel_for(0, (count + piece - 1) / piece, 1, [&](int64_t begin, int64_t end) {
        float memory[cpu::GradientView::PIECE], moments[2][cpu::BLOCK];
        for (int64_t first = begin * piece; first < std::min(count, end * piece); first += piece) {
            int64_t length = std::min(piece, count - first);
            const float *g = gradient.read(first, length, memory);
            for (int64_t i = 0; i < length; i += cpu::BLOCK) {
                int64_t at = first + i, b = at / cpu::BLOCK, size = std::min<int64_t>(cpu::BLOCK, length - i);
                for (int k = 0; k < 2; k++)
                    blocks[k].codebook->decode(moments[k], codes[k] + at, scales[k][b], size);
                step_range(p + at, bf16 ? bf16 + at : nullptr, g + i, moments[0], moments[1], size, s);
                for (int k = 0; k < 2; k++)
                    scales[k][b] = blocks[k].codebook->encode(moments[k], codes[k] + at, size);
            }
        }
    });
}

/* The copy in bfloat16 that linear layers use, or NULL.  The caller writes both the tensor and the copy. */
uint16_t *bf16_copy_to_update(et_tensor *tensor)
{
    at::Tensor &value = tensor->value;

    value.unsafeGetTensorImpl()->bump_version(); /* libtorch does not see writes by address */
    if (!tensor->cache)
        return nullptr;
    tensor->cache->packed = nullptr;
    cpu::Bf16Copy &copy = *tensor->cache->bf16_copy;
    if (!copy.value.defined() || !copy.value.is_contiguous())
        return nullptr;
    copy.version = value._version();
    return static_cast<uint16_t *>(copy.value.data_ptr());
}

/* Tensors that step alike, each a list of which libtorch's operations take many in one go: on a GPU, tensor
 * by tensor, the starting of so many small ones takes longer than their work. */
struct Alike {
    const int64_t most = 1 << 25; /* elements at once: as much memory again is needed */
    std::vector<at::Tensor> parameters, gradients, first, second;
    int64_t elements = 0;
    Step step{};

    bool takes(const Step &other) const
    {
        return parameters.empty() || (elements < most && step == other);
    }

    void add(const at::Tensor &p, const at::Tensor &g, const at::Tensor &m, const at::Tensor &v,
             const Step &s)
    {
        parameters.push_back(p);
        gradients.push_back(g);
        first.push_back(m);
        second.push_back(v);
        elements += p.numel();
        step = s;
    }

    void run() /* and begins again */
    {
        if (parameters.empty())
            return;
        const Step &s = step;
        if (s.scale != 1)
            gradients = at::_foreach_mul(gradients, s.scale);
        at::_foreach_mul_(first, s.beta1);
        at::_foreach_add_(first, gradients, 1 - s.beta1);
        at::_foreach_mul_(second, s.beta2);
        at::_foreach_addcmul_(second, gradients, gradients, 1 - s.beta2);
        std::vector<at::Tensor> denominators = at::_foreach_sqrt(second);
        at::_foreach_div_(denominators, s.root_correction);
        at::_foreach_add_(denominators, s.eps);
        at::_foreach_mul_(parameters, s.decay);
        at::_foreach_addcdiv_(parameters, first, denominators, -s.step_size);
        for (std::vector<at::Tensor> *list : {&parameters, &gradients, &first, &second})
            list->clear();
        elements = 0;
    }
};

/* Quantized moments stay in the host's memory, also those of a tensor on a GPU. */
void step_quantized_with_libtorch(Slot &slot, const Step &s)
{
    at::Tensor &parameter = slot.parameter->value;
    at::Tensor host[2], there[2];

    for (int k = 0; k < 2; k++) {
        host[k] = at::empty(parameter.sizes(), at::kFloat);
        slot.blocks[k].read(host[k].data_ptr<float>());
        there[k] = host[k].to(parameter.device());
    }
    Alike alone;
    alone.add(parameter, parameter.grad(), there[0], there[1], s);
    alone.run();
    for (int k = 0; k < 2; k++)
        slot.blocks[k].write(there[k].cpu().data_ptr<float>());
}

} // namespace

struct et_adamw {
    et_adamw_settings settings;
    std::vector<Slot> slots;
    Alike alike; /* those that wait for their step */

    void step(Slot &slot, double learning_rate, double scale);
};

void et_adamw::step(Slot &slot, double learning_rate, double scale)
{
    at::Tensor &parameter = slot.parameter->value;
    cpu::GradientView gradient;

    if (!cpu::has_gradient(slot.parameter))
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
    if (cpu::kernels_take(parameter) && parameter.is_contiguous() &&
        cpu::view_gradient(slot.parameter, gradient)) {
        uint16_t *bf16 = bf16_copy_to_update(slot.parameter);
        if (slot.is_quantized())
            step_quantized_with_kernel(parameter.data_ptr<float>(), bf16, gradient, slot.blocks, s);
        else
            step_with_kernel(parameter.data_ptr<float>(), bf16, gradient, m[0].data_ptr<float>(),
                             m[1].data_ptr<float>(), s);
        return;
    }
    cpu::settle_gradient(slot.parameter);
    if (slot.is_quantized())
        return step_quantized_with_libtorch(slot, s);
    if (!alike.takes(s))
        alike.run();
    alike.add(parameter, parameter.grad(), m[0], m[1], s);
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
                if (settings.eight_bits && value.numel() >= LEAST_QUANTIZED)
                    slot.blocks[k] = cpu::BlockQuantized::zeros(value.numel(), k == 0);
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

void et_adamw_set_rates(struct et_adamw *optimizer, const double *rates)
{
    for (size_t i = 0; i < optimizer->slots.size(); i++)
        optimizer->slots[i].rate = rates[i];
}

bool et_adamw_step(struct et_adamw *optimizer, double learning_rate, double scale, struct error *error)
{
    try {
        at::NoGradGuard no_grad;
        for (Slot &slot : optimizer->slots)
            optimizer->step(slot, learning_rate * slot.rate, scale);
        optimizer->alike.run();
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
        if (slot.is_quantized()) {
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
        if (slot.is_quantized())
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
