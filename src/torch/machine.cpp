/* The library and the machine: threads, devices, random seeds, and the modes of a thread. */
#include "torch/shim.hpp"
#include "torch/version.hpp"

#include "base/processor.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <cstdlib>
#include <dlfcn.h>
#include <torch/csrc/api/include/torch/version.h>

extern "C" void omp_set_num_threads(int threads); /* of the calling thread's loops */

static thread_local shim::Autocast autocast, paused;
static thread_local int own_worker = 0;
static thread_local bool inference = false, recorded_before = true;

static bool asks_for_plain_torch()
{
    const char *value = std::getenv("EMOTRAIN_PLAIN_TORCH");

    return value && std::strcmp(value, "1") == 0;
}

bool shim::plain_torch = asks_for_plain_torch();

/* One for each thread, so that passes at the same time get the numbers that they would get one after the
 * other. */
static at::CPUGeneratorImpl *own_generator()
{
    static thread_local at::Generator generator = at::detail::createCPUGenerator();

    return generator.get<at::CPUGeneratorImpl>();
}

int64_t shim::random_seed()
{
    return static_cast<int64_t>(own_generator()->random64());
}

int shim::worker()
{
    return own_worker;
}

shim::Autocast shim::current_autocast()
{
    return autocast;
}

bool shim::in_inference()
{
    return inference;
}

at::ScalarType shim::scalar_type(et_dtype dtype)
{
    switch (dtype) {
    case ET_FLOAT16:
        return at::kHalf;
    case ET_BFLOAT16:
        return at::kBFloat16;
    case ET_FLOAT64:
        return at::kDouble;
    case ET_INT64:
        return at::kLong;
    case ET_INT32:
        return at::kInt;
    case ET_BOOL:
        return at::kBool;
    case ET_FLOAT32:
        break;
    }
    return at::kFloat;
}

/* float32 on a GPU is float32: not TF32, of ten bits' precision, which libtorch lets convolutions use. */
static bool make_exact()
{
    at::globalContext().setAllowTF32CuDNN(false);
    at::globalContext().setAllowTF32CuBLAS(false);
    return true;
}

at::Device shim::device_of(int device)
{
    if (device == ET_CPU)
        return at::Device(at::kCPU);
    static const bool exact = make_exact();
    (void)exact;
    return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(device));
}

/* How many products oneDNN keeps the code of.  NULL where libtorch does not show these functions. */
struct ProductCache {
    int (*get)(int *capacity), (*set)(int capacity);
};

static const ProductCache &product_cache()
{
    static const ProductCache found = {
        reinterpret_cast<int (*)(int *)>(dlsym(RTLD_DEFAULT, "dnnl_get_primitive_cache_capacity")),
        reinterpret_cast<int (*)(int)>(dlsym(RTLD_DEFAULT, "dnnl_set_primitive_cache_capacity"))};

    return found;
}

extern "C" {

const char *et_version(void)
{
    return TORCH_VERSION;
}

bool et_use_plain_torch(void)
{
    return shim::plain_torch;
}

void et_set_plain_torch(bool plain)
{
    shim::plain_torch = plain;
}

void et_set_threads(int threads)
{
    at::set_num_threads(threads);
}

int et_get_threads(void)
{
    return at::get_num_threads();
}

void et_use_worker(int worker, int threads)
{
    (void)at::get_num_threads(); /* sets the thread up, which would undo the next line if it came later */
    omp_set_num_threads(threads);
    own_worker = worker;
}

int et_use_threads(int threads)
{
    int before = at::get_num_threads(); /* likewise */

    omp_set_num_threads(threads);
    return before;
}

static int kept_products = -1; /* oneDNN's own limit, while it is lifted */

void et_workers_begin(void)
{
    const int unlimited = 1 << 20;
    const ProductCache &cache = product_cache();

    if (cache.get && cache.set && cache.get(&kept_products) == 0)
        cache.set(unlimited);
}

void et_workers_end(void)
{
    if (kept_products >= 0)
        product_cache().set(kept_products);
    kept_products = -1;
}

int et_cuda_count(void)
{
    try {
        return at::hasCUDA() ? static_cast<int>(at::detail::getCUDAHooks().getNumGPUs()) : 0;
    } catch (...) {
        return 0;
    }
}

/* Every card that current CUDA supports, and on which training in float16 makes sense, has and gains by it.
 */
bool et_bfloat16_is_native(int device)
{
    return device != ET_CPU || processor_has_bfloat16();
}

bool et_bfloat16_is_faster(int device)
{
    return device != ET_CPU || processor_gains_by_bfloat16();
}

void et_manual_seed(uint64_t seed)
{
    at::manual_seed(seed);
    own_generator()->set_current_seed(seed);
}

bool et_grad_mode(bool enabled)
{
    bool was = at::GradMode::is_enabled();

    at::GradMode::set_enabled(enabled);
    return was;
}

void et_autocast_begin(int device, enum et_dtype dtype)
{
    autocast = {device, dtype};
    if (dtype == ET_FLOAT32)
        return;
    /* Threads would share autocast's cache; cpu/linear.cpp keeps a copy with each weight. */
    at::autocast::set_autocast_cache_enabled(false);
    at::autocast::increment_nesting();
    version::set_autocast(shim::device_of(device).type(), true, shim::scalar_type(dtype));
}

void et_autocast_end(void)
{
    if (autocast.dtype == ET_FLOAT32)
        return;
    at::autocast::decrement_nesting();
    version::set_autocast(shim::device_of(autocast.device).type(), false, at::kFloat);
    autocast = shim::Autocast();
}

void et_autocast_pause(void)
{
    paused = autocast;
    autocast = shim::Autocast();
    if (paused.dtype != ET_FLOAT32)
        version::set_autocast(shim::device_of(paused.device).type(), false, at::kFloat);
}

void et_autocast_resume(void)
{
    autocast = paused;
    paused = shim::Autocast();
    if (autocast.dtype != ET_FLOAT32)
        version::set_autocast(shim::device_of(autocast.device).type(), true,
                              shim::scalar_type(autocast.dtype));
}

void et_inference_begin(int device, enum et_dtype dtype)
{
    recorded_before = et_grad_mode(false);
    inference = true;
    et_autocast_begin(device, dtype);
}

void et_inference_abandon(void)
{
    if (inference)
        et_inference_end();
}

void et_inference_end(void)
{
    et_autocast_end();
    inference = false;
    et_grad_mode(recorded_before);
}
}
