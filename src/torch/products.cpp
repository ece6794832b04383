/* Which matrix products a pass makes, and how long each takes by itself: the best that a machine could do.
 * For emotrain bench. */
#include "torch/cpu/kernels.hpp"

#include <ATen/core/grad_mode.h>
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <torch/csrc/api/include/torch/cuda.h>
#include <vector>

namespace
{

/* A checkpointed layer may run again in a thread of libtorch's: that counts as worker 0. */
struct RecordedProduct {
    et_product product;
    int worker;
};

std::mutex mutex;
bool recording = false;
std::vector<RecordedProduct> recorded;

bool is_same_product(const et_product &a, const et_product &b)
{
    return a.batch == b.batch && a.rows == b.rows && a.inner == b.inner && a.columns == b.columns &&
           a.left_learned == b.left_learned && a.right_learned == b.right_learned;
}

double steady_seconds()
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

} // namespace

void shim::record_product(int64_t batch, int64_t rows, int64_t inner, int64_t columns, bool left, bool right)
{
    std::lock_guard<std::mutex> lock(mutex);
    if (!recording)
        return;
    bool learns = at::GradMode::is_enabled();
    et_product product = {batch, rows, inner, columns, learns && left, learns && right, 1};
    for (RecordedProduct &known : recorded) {
        if (known.worker == worker() && is_same_product(known.product, product)) {
            known.product.count++;
            return;
        }
    }
    recorded.push_back({product, worker()});
}

void shim::record_matmul(const at::Tensor &a, const at::Tensor &b)
{
    if (a.dim() >= 2 && b.dim() >= 2)
        record_product(a.numel() / (a.size(-1) * a.size(-2)), a.size(-2), a.size(-1), b.size(-1),
                       a.requires_grad(), b.requires_grad());
}

/* Patches are (positions, kernel), the kernels (kernel, channels). */
at::Tensor shim::record_convolution(at::Tensor y, const at::Tensor &x, const at::Tensor &weight,
                                    int64_t groups)
{
    const int64_t channels = weight.size(0);

    record_product(groups, y.numel() / channels, weight.numel() / channels, channels / groups,
                   x.requires_grad(), weight.requires_grad());
    return y;
}

extern "C" {

void et_products_record(bool on)
{
    std::lock_guard<std::mutex> lock(mutex);
    recording = on;
    recorded.clear();
}

size_t et_products_take(struct et_product **list)
{
    std::lock_guard<std::mutex> lock(mutex);
    size_t count = 0;

    *list = static_cast<et_product *>(std::calloc(recorded.size() + 1, sizeof **list));
    if (!*list)
        return 0;
    for (const RecordedProduct &one : recorded)
        if (one.worker == shim::worker())
            (*list)[count++] = one.product;
    recorded.erase(std::remove_if(recorded.begin(), recorded.end(),
                                  [](const RecordedProduct &one) { return one.worker == shim::worker(); }),
                   recorded.end());
    return count;
}

double et_product_seconds(struct et_scope *scope, const struct et_product *product, enum et_factor of,
                          enum et_dtype dtype, int device)
{
    double seconds = 0;

    shim::attempt(scope, "product", {}, [&] {
        at::NoGradGuard guard;
        auto options = at::TensorOptions(shim::device_of(device)).dtype(shim::scalar_type(dtype));
        int64_t b = product->batch, r = product->rows, i = product->inner, c = product->columns;
        at::Tensor left = at::ones({b, r, i}, options), right = at::ones({b, c, i}, options).transpose(1, 2),
                   result = at::ones({b, r, c}, options), out = result;
        if (of == ET_LEFT) { /* its gradient: result x right' */
            out = at::empty({b, r, i}, options);
            left = result;
            right = right.transpose(1, 2);
        } else if (of == ET_RIGHT) { /* as it is kept, transposed: result' x left */
            out = at::empty({b, c, i}, options);
            right = left;
            left = result.transpose(1, 2);
        }
        et_synchronize(device);
        double start = steady_seconds();
        if (b == 1)
            cpu::multiply(out[0], left[0], right[0]);
        else
            cpu::multiply(out, left, right);
        et_synchronize(device);
        seconds = steady_seconds() - start;
    });
    return seconds;
}

void et_synchronize(int device)
{
    if (device != ET_CPU)
        torch::cuda::synchronize(device);
}
}
