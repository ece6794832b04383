/* Gradients: backward, checkpointing. */
#include "torch/shim.hpp"

#include <ATen/core/grad_mode.h>
#include <stdexcept>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

using shim::attempt;
using shim::make;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace
{

/* Autocast until `end`, or until an exception passes. */
class AutocastGuard
{
  public:
    AutocastGuard(int device, et_dtype dtype)
    {
        et_autocast_begin(device, dtype);
    }
    AutocastGuard(const AutocastGuard &) = delete;
    AutocastGuard &operator=(const AutocastGuard &) = delete;
    ~AutocastGuard()
    {
        end();
    }
    void end()
    {
        if (!ended)
            et_autocast_end();
        ended = true;
    }

  private:
    bool ended = false;
};

at::Tensor run_checkpoint_body(et_checkpoint_body *body, void *context, const at::Tensor &input)
{
    et_scope *scope = et_scope_open(nullptr);
    struct error error = {};
    et_tensor *x = scope->adopt(input);
    et_tensor *y = body(context, scope, x);
    at::Tensor value = y ? y->value : at::Tensor();

    if (!et_scope_close(scope, &error))
        throw std::runtime_error(error.message);
    return value;
}

/* A pointer that went through autograd, which takes numbers. */
template <class T> T *pointer_of(int64_t number)
{
    return reinterpret_cast<T *>(number); // NOLINT(performance-no-int-to-ptr): it was one
}

/* `anchor` requires a gradient even where the input does not, so that backward is called for the
 * parameters' sake. */
struct Checkpoint : public torch::autograd::Function<Checkpoint> {
    static at::Tensor forward(AutogradContext *save, const at::Tensor &input, const at::Tensor &anchor,
                              int64_t body, int64_t context, int64_t device, int64_t dtype)
    {
        (void)anchor;
        save->save_for_backward({input});
        save->saved_data["body"] = body;
        save->saved_data["context"] = context;
        save->saved_data["device"] = device;
        save->saved_data["dtype"] = dtype;
        save->saved_data["input_needs_grad"] = input.requires_grad();
        return run_checkpoint_body(pointer_of<et_checkpoint_body>(body), pointer_of<void>(context), input);
    }

    static variable_list backward(AutogradContext *save, variable_list grads)
    {
        at::AutoGradMode recording(true);
        at::Tensor input = save->get_saved_variables()[0].detach();
        bool needs_grad = save->saved_data["input_needs_grad"].toBool();
        int device = static_cast<int>(save->saved_data["device"].toInt());
        et_dtype dtype = static_cast<et_dtype>(save->saved_data["dtype"].toInt());

        input.set_requires_grad(needs_grad);
        AutocastGuard autocast(device, dtype);
        at::Tensor output =
            run_checkpoint_body(pointer_of<et_checkpoint_body>(save->saved_data["body"].toInt()),
                                pointer_of<void>(save->saved_data["context"].toInt()), input);
        autocast.end();
        torch::autograd::backward({output}, {grads[0]});
        return {needs_grad ? input.grad() : at::Tensor(),
                at::Tensor(),
                at::Tensor(),
                at::Tensor(),
                at::Tensor(),
                at::Tensor()};
    }
};

} // namespace

extern "C" {

void et_backward(struct et_scope *scope, const struct et_tensor *loss)
{
    attempt(scope, "backward", {loss}, [&] { torch::autograd::backward({loss->value}, {}); });
}

struct et_tensor *et_checkpoint(struct et_scope *scope, et_checkpoint_body *body, void *context,
                                struct et_tensor *x)
{
    return make(scope, "checkpoint", {x}, [&] {
        shim::Autocast autocast = shim::current_autocast();
        at::Tensor anchor = at::zeros({1}, x->value.options().dtype(at::kFloat)).set_requires_grad(true);
        return Checkpoint::apply(x->value, anchor, reinterpret_cast<int64_t>(body),
                                 reinterpret_cast<int64_t>(context), static_cast<int64_t>(autocast.device),
                                 static_cast<int64_t>(autocast.dtype));
    });
}
}
