/* Device, precision and threads: see compute.h. */
#include "train/compute.h"

#include "base/log.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* local_rank: the GPU of this process, of those that share the machine. */
static bool choose_device(const char *wanted, int local_rank, int *device, struct error *error)
{
    int cards = et_cuda_count();
    long long index = local_rank;

    if (strcmp(wanted, "cpu") == 0 || (strcmp(wanted, "auto") == 0 && cards == 0)) {
        *device = ET_CPU;
    } else if (strcmp(wanted, "auto") == 0 || strcmp(wanted, "cuda") == 0 ||
               (text_starts(wanted, "cuda:") && text_to_integer(wanted + 5, &index) && index >= 0)) {
        if (index >= cards)
            return error_usage(error, "run.device=%s: libtorch %s sees %d CUDA GPUs here", wanted,
                               et_version(), cards);
        *device = (int)index;
    } else {
        return error_usage(error, "run.device must be auto, cpu, cuda or cuda:N, not \"%s\"", wanted);
    }
    return true;
}

static bool choose_precision(enum precision wanted, struct compute *compute, struct error *error)
{
    compute->wanted = wanted;
    if (wanted == PRECISION_AUTO)
        wanted = et_bfloat16_is_faster(compute->device) ? PRECISION_BFLOAT16 : PRECISION_FLOAT32;
    if (wanted == PRECISION_FLOAT16 && compute->device == ET_CPU)
        return error_usage(
            error, "run.precision=float16 needs a CUDA GPU; on the CPU there are float32 and bfloat16");
    compute->precision = wanted == PRECISION_BFLOAT16  ? ET_BFLOAT16
                         : wanted == PRECISION_FLOAT16 ? ET_FLOAT16
                                                       : ET_FLOAT32;
    return true;
}

bool compute_choose(const struct run_settings *settings, const struct dist_env *env, struct compute *compute,
                    struct error *error)
{
    env = env ? env : &DIST_ENV_ALONE;
    compute->threads = dist_env_threads(env, settings->threads);
    if (settings->threads > compute->threads)
        log_warn("run.threads=%lld: this process has %d processors and uses them all",
                 (long long)settings->threads, compute->threads);
    return choose_device(settings->device, env->local_rank, &compute->device, error) &&
           choose_precision(settings->precision, compute, error);
}

void compute_suit(struct compute *compute, const struct model *model)
{
    bool faster = et_bfloat16_is_faster(compute->device) ||
                  (model->kind->small && et_bfloat16_is_native(compute->device));

    if (compute->wanted == PRECISION_AUTO)
        compute->precision = faster ? ET_BFLOAT16 : ET_FLOAT32;
    else if (compute->wanted == PRECISION_BFLOAT16 && !faster)
        log_warn("run.precision=bfloat16: this model is faster in float32 on this processor");
}

const char *compute_device_name(const struct compute *compute, char name[COMPUTE_NAME_SIZE])
{
    if (compute->device == ET_CPU)
        snprintf(name, COMPUTE_NAME_SIZE, "cpu");
    else
        snprintf(name, COMPUTE_NAME_SIZE, "cuda:%d", compute->device);
    return name;
}

const char *compute_precision_name(const struct compute *compute)
{
    return PRECISION_NAMES[compute->precision == ET_BFLOAT16  ? PRECISION_BFLOAT16
                           : compute->precision == ET_FLOAT16 ? PRECISION_FLOAT16
                                                              : PRECISION_FLOAT32];
}
