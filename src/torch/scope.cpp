/* Scopes: ownership of tensors and the first failure. */
#include "torch/shim.hpp"

#include <c10/util/Exception.h>

void et_scope::link(et_tensor *tensor)
{
    tensor->scope = this;
    tensor->previous = nullptr;
    tensor->next = tensors;
    if (tensors)
        tensors->previous = tensor;
    tensors = tensor;
}

void et_scope::unlink(et_tensor *tensor)
{
    if (tensor->previous)
        tensor->previous->next = tensor->next;
    else
        tensor->scope->tensors = tensor->next;
    if (tensor->next)
        tensor->next->previous = tensor->previous;
}

et_tensor *et_scope::adopt(at::Tensor value)
{
    et_tensor *tensor = new et_tensor;

    tensor->value = std::move(value);
    link(tensor);
    return tensor;
}

void et_scope::fail(const char *operation, const char *reason)
{
    if (failed)
        return;
    failed = true;
    message = operation[0] ? std::string(operation) + ": " + reason : reason;
}

std::string shim::reason(const std::exception &exception)
{
    const c10::Error *error = dynamic_cast<const c10::Error *>(&exception);
    std::string text = error ? error->what_without_backtrace() : exception.what();
    size_t end = text.find("\nException raised from");

    return end == std::string::npos ? text : text.substr(0, end);
}

/* In whatever words an allocator says it. */
static bool ran_out_of_memory(const std::string &message)
{
    for (const char *words : {"allocate memory", "out of memory", "bad_alloc"})
        if (message.find(words) != std::string::npos)
            return true;
    return false;
}

extern "C" {

struct et_scope *et_scope_open(struct et_scope *parent)
{
    et_scope *scope = new et_scope;

    scope->parent = parent;
    if (parent && parent->failed) {
        scope->failed = true;
        scope->message = parent->message;
    }
    return scope;
}

bool et_scope_close(struct et_scope *scope, struct error *error)
{
    bool good = !scope->failed;

    while (scope->tensors)
        et_drop(scope->tensors); // NOLINT(clang-analyzer-cplusplus.NewDelete): it takes itself off the list
    if (!good && scope->parent)
        scope->parent->fail("", scope->message.c_str());
    if (!good && error)
        (ran_out_of_memory(scope->message) ? error_memory : error_set)(error, "%s", scope->message.c_str());
    delete scope;
    return good;
}

bool et_scope_failed(const struct et_scope *scope)
{
    return scope->failed;
}

void et_scope_fail(struct et_scope *scope, const char *message)
{
    scope->fail("", message);
}

void *et_scope_memory(struct et_scope *scope, size_t size)
{
    scope->memory.emplace_back(new std::max_align_t[size / sizeof(std::max_align_t) + 1]());
    return scope->memory.back().get();
}

struct et_tensor *et_keep(struct et_tensor *tensor, struct et_scope *scope)
{
    if (tensor) {
        et_scope::unlink(tensor);
        scope->link(tensor);
    }
    return tensor;
}

void et_drop(struct et_tensor *tensor)
{
    if (!tensor)
        return;
    et_scope::unlink(tensor);
    delete tensor;
}
}
