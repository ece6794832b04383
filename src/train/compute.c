#include "train/compute.h"

#include "base/log.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* own: the card of this process, of those that share the machine. */
static bool choose_device(struct config *config, int own, int *device, struct error *error)
{
    const char *wanted = config_text(config, "run.device");
    int cards = et_cuda_count();
    long long index = own;

    if (strcmp(wanted, "cpu") == 0 || (strcmp(wanted, "auto") == 0 && cards == 0)) {
        *device = ET_CPU;
    } else if (strcmp(wanted, "auto") == 0 || strcmp(wanted, "cuda") == 0 ||
               (text_starts(wanted, "cuda:") && text_to_integer(wanted + 5, &index) && index >= 0)) {
        if (index >= cards)
            return error_usage(error, "run.device=%s: libtorch %s sees %d CUDA cards here", wanted,
                               et_version(), cards);
        *device = (int)index;
    } else {
        return error_usage(error, "run.device must be auto, cpu, cuda or cuda:N, not \"%s\"", wanted);
    }
    char *name = *device == ET_CPU ? mem_string("cpu") : mem_format("cuda:%d", *device);
    config_choose(config, "run.device", name);
    free(name);
    return true;
}

static bool choose_precision(struct config *config, struct compute *compute, struct error *error)
{
    const char *wanted = config_text(config, "run.precision");
    bool native = et_bfloat16_is_native(compute->device);

    if (strcmp(wanted, "auto") == 0)
        wanted = native ? "bfloat16" : "float32";
    if (strcmp(wanted, "float16") == 0 && compute->device == ET_CPU)
        return error_usage(
            error, "run.precision=float16 needs a CUDA card; on the CPU there are float32 and bfloat16");
    if (strcmp(wanted, "bfloat16") == 0 && !native)
        log_warn("run.precision=bfloat16: this processor has no bfloat16 products, float32 is faster here");
    compute->precision = strcmp(wanted, "bfloat16") == 0  ? ET_BFLOAT16
                         : strcmp(wanted, "float16") == 0 ? ET_FLOAT16
                                                          : ET_FLOAT32;
    config_choose(config, "run.precision", wanted);
    return true;
}

static void choose_threads(struct config *config, const struct place *place)
{
    int64_t wanted = config_integer(config, "run.threads");
    int threads = place_threads(place, wanted);

    if (wanted > threads)
        log_warn("run.threads=%lld: this process has %d processors and uses them all", (long long)wanted,
                 threads);
    char *text = mem_format("%d", threads);

    et_set_threads(threads);
    if (place->size == 1) /* a share says nothing to a run that goes on with another number of processes */
        config_choose(config, "run.threads", text);
    free(text);
}

bool compute_choose(struct config *config, const struct place *place, struct compute *compute,
                    struct error *error)
{
    place = place ? place : &PLACE_ALONE;
    choose_threads(config, place);
    return choose_device(config, place->local_rank, &compute->device, error) &&
           choose_precision(config, compute, error);
}
