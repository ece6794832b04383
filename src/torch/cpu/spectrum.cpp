/* Power spectra.  libtorch's transform runs on one thread on the CPU, and writes the complex spectra of all
 * frames before anything reads them: here each thread transforms a few frames at a time. */
#include "torch/shim.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <algorithm>

static at::Tensor power(const at::Tensor &x, int64_t size)
{
    return at::view_as_real(at::fft_rfft(x, size)).square().sum(-1);
}

/* x (frames, samples) in float32 on the CPU; no gradient is recorded. */
static at::Tensor power_by_parts(const at::Tensor &x, int64_t size)
{
    const int64_t frames = x.size(0), bins = size / 2 + 1, part = 32;
    at::Tensor result = at::empty({frames, bins}, x.options());
    float *to = result.data_ptr<float>();

    at::parallel_for(0, (frames + part - 1) / part, 1, [&](int64_t begin, int64_t end) {
        at::NoGradGuard guard;
        for (int64_t first = begin * part; first < std::min(frames, end * part); first += part) {
            int64_t count = std::min(part, frames - first);
            at::Tensor spectra = at::view_as_real(at::fft_rfft(x.narrow(0, first, count), size));
            const float *values = spectra.data_ptr<float>();
            for (int64_t i = 0; i < count * bins; i++)
                to[first * bins + i] = values[2 * i] * values[2 * i] + values[2 * i + 1] * values[2 * i + 1];
        }
    });
    return result;
}

extern "C" struct et_tensor *et_power_spectrum(struct et_scope *scope, const struct et_tensor *x,
                                               int64_t size)
{
    return shim::make(scope, "power_spectrum", {x}, [&] {
        const at::Tensor &value = x->value;
        const bool recorded = value.requires_grad() && at::GradMode::is_enabled();
        if (recorded || !value.is_cpu() || value.scalar_type() != at::kFloat || value.numel() == 0)
            return power(value, size);
        std::vector<int64_t> sizes = value.sizes().vec();
        at::Tensor result = power_by_parts(value.reshape({-1, sizes.back()}), size);
        sizes.back() = result.size(1);
        return result.view(sizes);
    });
}
