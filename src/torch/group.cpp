/*
 * Processes that train together, on libtorch's c10d: Gloo between CPUs, NCCL between CUDA GPUs.
 *
 * Gradients are summed as PyTorch's DistributedDataParallel does it (Li et al., 2020): parameters share
 * buckets, a bucket's all-reduce begins as soon as backward has made the last gradient in it, and all ranks
 * reduce buckets in one order.  A gradient's memory is its slice of the bucket, so that nothing is copied
 * back.
 *
 * c10d::Reducer does the same and is not used: it takes a gradient when autograd has accumulated it, but a
 * linear layer's gradient in bfloat16 may be pending products that autograd does not see (cpu/gradient.cpp).
 * They must be gathered into the bucket before its all-reduce.
 */
#include "torch/cpu/kernels.hpp"
#include "torch/version.hpp"

#include <cstdint>
#include <set>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/utils/lambda_post_hook.h>
#include <torch/csrc/autograd/variable.h>

#if __has_include(<gloo/algorithm.h>) && __has_include(<torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>)
#define HAS_C10D 1
#define USE_C10D_GLOO 1
#include <torch/csrc/distributed/c10d/FileStore.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#ifdef USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif
#endif

#ifdef HAS_C10D

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

/* A process group of c10d by Gloo, and one by NCCL on cards. */
struct et_group {
    int rank, size;
    at::Device device = at::kCPU; /* of the tensors that it passes on */
    c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo;
#ifdef USE_C10D_NCCL
    c10::intrusive_ptr<c10d::ProcessGroupNCCL> nccl;
#endif

    c10::intrusive_ptr<c10d::Work> reduce(at::Tensor tensor, const c10d::ReduceOp &op)
    {
        std::vector<at::Tensor> tensors = {std::move(tensor)};
        c10d::AllreduceOptions options;

        options.reduceOp = op;
#ifdef USE_C10D_NCCL
        if (nccl && tensors[0].is_cuda())
            return nccl->allreduce(tensors, options);
#endif
        return gloo->allreduce(tensors, options);
    }

    void broadcast(at::Tensor tensor)
    {
        std::vector<at::Tensor> tensors = {std::move(tensor)};

#ifdef USE_C10D_NCCL
        if (nccl && tensors[0].is_cuda()) {
            nccl->broadcast(tensors)->wait();
            return;
        }
#endif
        gloo->broadcast(tensors)->wait();
    }
};

namespace
{

/* The address of this host that another host reaches it by. */
std::string find_own_address(const char *host)
{
    struct addrinfo hints = {}, *found = nullptr;
    struct sockaddr_storage own = {};
    socklen_t length = sizeof own;
    char text[NI_MAXHOST] = "";

    hints.ai_socktype = SOCK_DGRAM; /* connecting it sends nothing */
    if (getaddrinfo(host, "9", &hints, &found) != 0)
        throw std::runtime_error(std::string("no host \"") + host + "\"");
    for (struct addrinfo *a = found; a && !*text; a = a->ai_next) {
        int s = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (s >= 0 && connect(s, a->ai_addr, a->ai_addrlen) == 0 &&
            getsockname(s, reinterpret_cast<struct sockaddr *>(&own), &length) == 0)
            getnameinfo(reinterpret_cast<struct sockaddr *>(&own), length, text, sizeof text, nullptr, 0,
                        NI_NUMERICHOST);
        if (s >= 0)
            close(s);
    }
    freeaddrinfo(found);
    if (!*text)
        throw std::runtime_error(std::string("no way to host \"") + host + "\"");
    return text;
}

/* Where the ranks find each other.  TCPStore listens on every interface, and trusts whoever comes: processes
 * of one machine meet in a file that is theirs alone. */
c10::intrusive_ptr<c10d::Store> open_store(const et_group_env &env, std::chrono::milliseconds timeout)
{
    if (env.store && *env.store)
        return c10::make_intrusive<c10d::FileStore>(env.store, env.size);
    c10d::TCPStoreOptions options;
    options.port = static_cast<uint16_t>(env.port);
    options.isServer = env.rank == 0 && !env.external_store;
    options.numWorkers = static_cast<size_t>(env.size);
    options.waitWorkers = false;
    options.timeout = timeout;
    version::avoid_libuv(options, 0);
    return c10::make_intrusive<c10d::TCPStore>(env.address, options);
}

void join_group(et_group &group, const et_group_env &env)
{
    std::chrono::milliseconds timeout(static_cast<int64_t>(env.timeout * 1000));
    c10::intrusive_ptr<c10d::Store> meeting = open_store(env, timeout);
    auto store = c10::make_intrusive<c10d::PrefixStore>(env.prefix, meeting);
    auto gloo = c10d::ProcessGroupGloo::Options::create(timeout);
    const char *interface = getenv("GLOO_SOCKET_IFNAME");
    gloo->devices.push_back(
        interface && *interface ? c10d::ProcessGroupGloo::createDeviceForInterface(interface)
                                : c10d::ProcessGroupGloo::createDeviceForHostname(
                                      find_own_address(env.address)));
    gloo->threads = 2;
    store->setTimeout(timeout);
    group.gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(store, env.rank, env.size, gloo);
#ifdef USE_C10D_NCCL
    if (env.device != ET_CPU) {
        auto cards = c10d::ProcessGroupNCCL::Options::create();
        cards->timeout = timeout;
        group.nccl = c10::make_intrusive<c10d::ProcessGroupNCCL>(
            c10::make_intrusive<c10d::PrefixStore>("nccl", store), env.rank, env.size, cards);
        group.device = shim::device_of(env.device);
    }
#else
    if (env.device != ET_CPU)
        throw std::runtime_error("this libtorch has no NCCL, which CUDA GPUs need");
#endif
}

/* Runs what needs the other ranks.  A failure counts as theirs. */
template <typename Body> bool run_with_ranks(et_group *group, struct error *error, Body body)
{
    try {
        at::NoGradGuard guard;
        body();
        return true;
    } catch (const std::exception &exception) {
        return error_peer(error, "rank %d of %d lost the others: %s", group->rank, group->size,
                          shim::reason(exception).c_str());
    }
}

} // namespace

/* ---- gradients ---- */

namespace
{

struct Bucket {
    at::Tensor memory; /* slices of its tensors, then `flags` */
    at::Tensor flags;  /* for each, more than 0 where any rank has a gradient */
    std::vector<size_t> tensors;
    size_t missing = 0; /* gradients that backward has yet to make */
    c10::intrusive_ptr<c10d::Work> work;
};

} // namespace

/* A shared_ptr; an intrusive_ptr since about 2.14. */
using Accumulator = decltype(torch::autograd::impl::grad_accumulator(std::declval<const at::Tensor &>()));

struct et_buckets {
    et_group *group;
    std::vector<et_tensor *> tensors;
    std::vector<at::Tensor> slices;        /* each tensor's part of its bucket */
    std::vector<Accumulator> accumulators; /* kept alive */
    std::vector<std::uintptr_t> hooks;
    std::vector<size_t> bucket_of, flag_of;
    std::vector<bool> ready;
    std::vector<Bucket> buckets;
    size_t next = 0; /* bucket to reduce */
    bool armed = false;

    void arm();
    void mark(size_t i);
    void gather(size_t i);
    void launch();
    void skip_unreached(const at::Tensor &loss);
};

/* Puts tensor i's gradient into its slice of the bucket. */
void et_buckets::gather(size_t i)
{
    et_tensor *tensor = tensors[i];
    at::Tensor &slice = slices[i], value = tensor->value;
    at::Tensor flag = buckets[bucket_of[i]].flags.narrow(0, static_cast<int64_t>(flag_of[i]), 1);
    cpu::GradientView gradient;
    bool there = cpu::has_gradient(tensor);

    flag.fill_(there ? 1 : 0);
    if (!there) {
        slice.zero_();
    } else if (value.is_cpu() && cpu::view_gradient(tensor, gradient)) {
        float *to = slice.data_ptr<float>();
        for (int64_t k = 0; k < gradient.count; k += cpu::GradientView::PIECE) {
            float memory[cpu::GradientView::PIECE];
            int64_t length = std::min<int64_t>(cpu::GradientView::PIECE, gradient.count - k);
            const float *from = gradient.read(k, length, memory);
            if (from != to + k)
                std::memcpy(to + k, from, static_cast<size_t>(length) * sizeof *to);
        }
    } else {
        slice.copy_(value.grad());
    }
    if (tensor->cache)
        tensor->cache->pending = 0;
    value.mutable_grad() = slice;
}

/* Begins the all-reduce of the buckets that are complete, in order. */
void et_buckets::launch()
{
    at::NoGradGuard guard;

    while (next < buckets.size() && buckets[next].missing == 0) {
        Bucket &bucket = buckets[next++];
        for (size_t i : bucket.tensors)
            gather(i);
        bucket.work = group->reduce(bucket.memory, c10d::ReduceOp::SUM);
    }
}

void et_buckets::mark(size_t i)
{
    if (!armed || ready[i])
        return;
    ready[i] = true;
    buckets[bucket_of[i]].missing--;
    launch();
}

void et_buckets::arm()
{
    armed = true;
    next = 0;
    ready.assign(tensors.size(), false);
    for (Bucket &bucket : buckets)
        bucket.missing = bucket.tensors.size();
}

/* Marks the tensors that this backward pass does not reach as ready.  What a checkpointed part uses shows
 * only when it runs: nothing is skipped then. */
void et_buckets::skip_unreached(const at::Tensor &loss)
{
    std::set<torch::autograd::Node *> seen;
    std::vector<torch::autograd::Node *> open = {loss.grad_fn().get()};

    while (!open.empty()) {
        torch::autograd::Node *node = open.back();
        open.pop_back();
        if (!node || !seen.insert(node).second)
            continue;
        if (node->name().find("Checkpoint") != std::string::npos)
            return;
        for (const auto &edge : node->next_edges())
            open.push_back(edge.function.get());
    }
    for (size_t i = 0; i < tensors.size(); i++)
        if (!seen.count(accumulators[i].get()))
            mark(i);
}

namespace
{

/* Lays tensors out in buckets of about `bytes`, the last tensor first: backward reaches them in that order.
 */
void lay_out_buckets(et_buckets &b, int64_t bytes)
{
    size_t first = b.tensors.size();

    while (first > 0) {
        size_t last = first;
        int64_t elements = 0;
        while (first > 0 && (first == last || (elements + b.tensors[first - 1]->value.numel()) * 4 <= bytes))
            elements += b.tensors[--first]->value.numel();
        Bucket bucket;
        int64_t at = 0;
        bucket.memory = at::zeros({elements + static_cast<int64_t>(last - first)},
                                  b.tensors[first]->value.options().dtype(at::kFloat).requires_grad(false));
        for (size_t i = first; i < last; i++) {
            const at::Tensor &value = b.tensors[i]->value;
            b.slices[i] = bucket.memory.narrow(0, at, value.numel()).view(value.sizes());
            b.bucket_of[i] = b.buckets.size();
            b.flag_of[i] = i - first;
            bucket.tensors.push_back(i);
            at += value.numel();
        }
        bucket.flags = bucket.memory.narrow(0, elements, static_cast<int64_t>(last - first));
        b.buckets.push_back(std::move(bucket));
    }
}

void add_ready_hook(et_buckets &b, size_t i)
{
    et_buckets *buckets = &b;

    b.accumulators[i] = torch::autograd::impl::grad_accumulator(b.tensors[i]->value);
    b.hooks[i] = b.accumulators[i]->add_post_hook(std::make_unique<torch::autograd::utils::LambdaPostHook>(
        [buckets, i](const std::vector<at::Tensor> &outputs, const std::vector<at::Tensor> &) {
            buckets->mark(i);
            return outputs;
        }));
}

} // namespace

extern "C" {

struct et_group *et_group_join(const struct et_group_env *env, struct error *error)
{
    et_group *group = new et_group;

    group->rank = env->rank;
    group->size = env->size;
    try {
        join_group(*group, *env);
        return group;
    } catch (const std::exception &exception) {
        /* All ranks fail alike: only rank 0 reports it. */
        (env->rank == 0 ? error_set : error_peer)(
            error, "rank %d of %d did not find the others by %s port %d (run.timeout is %.0f s): %s",
            env->rank, env->size, env->address, env->port, env->timeout, shim::reason(exception).c_str());
    }
    delete group;
    return nullptr;
}

void et_group_leave(struct et_group *group, bool failed)
{
    if (!failed)
        delete group;
}

bool et_group_reduce(struct et_group *group, double *values, size_t count, enum et_reduction how,
                     struct error *error)
{
    return run_with_ranks(group, error, [&] {
        at::Tensor all = at::from_blob(values, {static_cast<int64_t>(count)}, at::kDouble).to(group->device);
        group->reduce(all, how == ET_SUM ? c10d::ReduceOp::SUM : c10d::ReduceOp::MAX)->wait();
        all = all.cpu();
        std::memcpy(values, all.data_ptr<double>(), count * sizeof *values);
    });
}

bool et_group_broadcast(struct et_group *group, void *bytes, size_t size, struct error *error)
{
    return run_with_ranks(group, error, [&] {
        at::Tensor all = at::from_blob(bytes, {static_cast<int64_t>(size)}, at::kByte).to(group->device);
        group->broadcast(all);
        all = all.cpu();
        std::memcpy(bytes, all.data_ptr(), size);
    });
}

bool et_group_broadcast_tensor_(struct et_group *group, struct et_tensor *x, struct error *error)
{
    return run_with_ranks(group, error, [&] {
        at::Tensor all = x->value.detach().contiguous();
        group->broadcast(all);
        if (!all.is_alias_of(x->value))
            x->value.detach().copy_(all);
        x->value.unsafeGetTensorImpl()->bump_version();
    });
}

struct et_buckets *et_buckets_new(struct et_group *group, struct et_tensor *const *tensors, size_t count,
                                  int64_t bytes, struct error *error)
{
    et_buckets *buckets = new et_buckets;

    buckets->group = group;
    buckets->tensors.assign(tensors, tensors + count);
    buckets->slices.resize(count);
    buckets->accumulators.resize(count);
    buckets->hooks.resize(count);
    buckets->bucket_of.resize(count);
    buckets->flag_of.resize(count);
    buckets->ready.resize(count);
    try {
        lay_out_buckets(*buckets, bytes);
        for (size_t i = 0; i < count; i++)
            add_ready_hook(*buckets, i);
        return buckets;
    } catch (const std::exception &exception) {
        error_memory(error, "gradients' buckets: %s", shim::reason(exception).c_str());
    }
    delete buckets;
    return nullptr;
}

void et_buckets_free(struct et_buckets *buckets)
{
    if (!buckets)
        return;
    buckets->armed = false;
    for (size_t i = 0; i < buckets->tensors.size(); i++)
        if (buckets->accumulators[i])
            buckets->accumulators[i]->del_post_hook(buckets->hooks[i]);
    delete buckets;
}

void et_buckets_backward(struct et_scope *scope, struct et_buckets *buckets, const struct et_tensor *loss)
{
    shim::attempt(scope, "backward", {loss}, [&] {
        buckets->arm();
        buckets->skip_unreached(loss->value);
        torch::autograd::backward({loss->value}, {});
        buckets->armed = false;
    });
}

bool et_buckets_finish(struct et_buckets *buckets, bool ran, struct error *error)
{
    return run_with_ranks(buckets->group, error, [&] {
        if (!ran)
            buckets->arm();
        buckets->armed = false;
        for (Bucket &bucket : buckets->buckets)
            bucket.missing = 0;
        buckets->launch();
        for (Bucket &bucket : buckets->buckets) {
            bucket.work->wait();
            bucket.work.reset();
            at::Tensor flags = bucket.flags.cpu();
            for (size_t i : bucket.tensors)
                if (flags.data_ptr<float>()[buckets->flag_of[i]] == 0)
                    buckets->tensors[i]->value.mutable_grad().reset();
        }
    });
}
}

#else /* without c10d */

extern "C" {

struct et_group *et_group_join(const struct et_group_env *env, struct error *error)
{
    error_set(error, "rank %d of %d: this program was built without c10d (libtorch's Gloo and its headers)",
              env->rank, env->size);
    return nullptr;
}

void et_group_leave(struct et_group *, bool)
{
}

bool et_group_reduce(struct et_group *, double *, size_t, enum et_reduction, struct error *)
{
    return false;
}

bool et_group_broadcast(struct et_group *, void *, size_t, struct error *)
{
    return false;
}

bool et_group_broadcast_tensor_(struct et_group *, struct et_tensor *, struct error *)
{
    return false;
}

struct et_buckets *et_buckets_new(struct et_group *, struct et_tensor *const *, size_t, int64_t,
                                  struct error *)
{
    return nullptr;
}

void et_buckets_free(struct et_buckets *)
{
}

void et_buckets_backward(struct et_scope *, struct et_buckets *, const struct et_tensor *)
{
}

bool et_buckets_finish(struct et_buckets *, bool, struct error *)
{
    return false;
}
}

#endif
