/*
 * What must be set before libtorch is loaded: threads, waiting, kernels, the allocator.
 *
 * The threads' environment is set here because libgomp and OpenBLAS read it once, when they are loaded.  GNU
 * OpenMP's waiting threads spin by default, which takes the cores from OpenBLAS's own threads: on two cores
 * that doubles the time of a training step.  What the user has set stays.
 */
#include "cli/process_setup.h"

#include "base/files.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/processor.h"
#include "config/dist_env.h"
#include "run/run_folder.h"

#include <dlfcn.h>
#ifndef EMOTRAIN_JEMALLOC
#include <malloc.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- threads ---- */

/* The configuration of the run that goes on or predictions, else that of --config and --set; NULL where it is
 * bad, which the command itself reports.  Caller frees. */
static struct config *find_config(const struct options *options)
{
    struct error ignored = {0};
    struct config *config = options_config(options, &ignored);
    const char *run = options->resume            ? options->run
                      : options->arguments.count ? options->arguments.items[0]
                                                 : NULL;

    if (config && options->resume && !run)
        run = config_settings(config)->run.name;
    char *folder =
        config && run ? run_folder_find(run, config_settings(config)->run.directory, false, &ignored) : NULL;
    if (folder && (options->resume || !options->config)) {
        struct config *own = run_folder_config(folder, &ignored);
        config_free(config);
        config = own;
    }
    free(folder);
    return config;
}

/* Whether products are made by threads of OpenBLAS's own, beside OpenMP's. */
#ifdef EMOTRAIN_OPENBLAS
static bool uses_openblas(const struct config *config)
{
    const char *precision = config ? config_text(config, "run.precision") : "auto";
    bool is_small = config && strcmp(config_settings(config)->model.kind, "cnn") == 0; /* model_kind.small */

    return !(strcmp(precision, "bfloat16") == 0 ||
             (strcmp(precision, "auto") == 0 &&
              (processor_gains_by_bfloat16() || (is_small && processor_has_bfloat16()))));
}
#else
static bool uses_openblas(const struct config *config)
{
    (void)config;
    return false;
}
#endif

/* Where no thread is OpenBLAS's, OpenMP's may wait awake for some tens of microseconds, which spares most of
 * the calls to the system. */
static void set_threads(const char *command, const struct options *options)
{
    struct dist_env env = DIST_ENV_ALONE;
    struct error ignored = {0};
    struct config *config = find_config(options);
    char text[24];

    if (strcmp(command, "train") == 0)
        dist_env_read(&env, &ignored); /* the command itself reports a bad one */
    snprintf(text, sizeof text, "%d",
             dist_env_threads(&env, config ? config_settings(config)->run.threads : 0));
    setenv("OMP_NUM_THREADS", text, 0);
    setenv("OPENBLAS_NUM_THREADS", text, 0);
    if (!getenv("OMP_WAIT_POLICY") && !uses_openblas(config))
        setenv("GOMP_SPINCOUNT", "20000", 0);
    setenv("OMP_WAIT_POLICY", "passive", 0);
    /* What each thread of libtorch keeps of the products it has described.  oneDNN before 2.7 makes a product
     * of freed memory from an older description whose product it has dropped since, if another thread had
     * made that. */
    setenv("LRU_CACHE_CAPACITY", "1", 0);
    config_free(config);
}

#ifdef EMOTRAIN_OPENBLAS
#if defined(__x86_64__)
/* The family of OpenBLAS kernels that this processor can run, or NULL: none wider than it would take by
 * itself. */
static const char *wide_kernels(void)
{
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return "SKYLAKEX";
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? "HASWELL" : NULL;
}
#else
static const char *wide_kernels(void)
{
    return NULL;
}
#endif

/* The words that this process was started with; caller frees both. */
static char **own_words(char **text)
{
    struct error unread = {0};
    size_t size = 0, count = 0;

    *text = file_read("/proc/self/cmdline", &size, &unread);
    char **words = mem_zero(size + 1, sizeof *words);
    if (!*text)
        return words;
    for (size_t i = 0; i < size; i += strlen(*text + i) + 1)
        words[count++] = *text + i;
    return words;
}

/*
 * OpenBLAS picks its kernels when it is loaded, by the processor's model number.  For a processor newer than
 * itself it falls back to kernels of 2004, without AVX: training a wav2vec 2.0 of the base shape then
 * takes 2.5 times as long. Only the environment can tell it better, and only before it is loaded: so the
 * program begins again.  Nothing has been read or written by then.
 */
static void restart_with_wide_kernels(void)
{
    static const char *const narrow[] = {"Prescott", "Core2", "Penryn", "Nehalem", "Barcelona", "Generic"};
    const char *(*core_name)(void);
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL); /* alone, it loads at once */
    void *symbol = library ? dlsym(library, "openblas_get_corename") : NULL;
    const char *wide = wide_kernels();
    bool is_narrow = false;

    if (!symbol || !wide || getenv("OPENBLAS_CORETYPE"))
        return;
    memcpy(&core_name, &symbol, sizeof core_name); /* ISO C has no cast from data to function */
    for (size_t i = 0; i < sizeof narrow / sizeof narrow[0]; i++)
        is_narrow = is_narrow || strcmp(core_name(), narrow[i]) == 0;
    if (!is_narrow)
        return;
    char *text, **words = own_words(&text);
    setenv("OPENBLAS_CORETYPE", wide, 1);
    if (words[0])
        execv("/proc/self/exe", words);
    free(words); /* it could not begin again: it goes on, slower */
    free(text);
}
#else
static void restart_with_wide_kernels(void)
{
}
#endif

/* ---- the allocator ---- */

/*
 * Memory that a step frees and the next one asks for again stays with the process: given back to the system
 * and fetched anew, page by page, it takes a third of a training step's time.
 *
 * jemalloc reads this string when the program starts, and after it the user's MALLOC_CONF, which wins: keep
 * what is freed (decay), of any size (oversize), cut small blocks out of large free ones (fit) and share them
 * among threads (arenas), so that memory does not grow; pages of 2 MiB.
 */
#ifdef EMOTRAIN_JEMALLOC
extern const char *malloc_conf;
const char *malloc_conf = "dirty_decay_ms:-1,muzzy_decay_ms:-1,oversize_threshold:0,"
                          "lg_extent_max_active_fit:30,narenas:1,thp:always";

static void keep_memory(void)
{
}
#else
/* The same of glibc's allocator, as far as it goes; what the user set in the environment stands. */
static void keep_memory(void)
{
    if (getenv("MALLOC_MMAP_THRESHOLD_") || getenv("MALLOC_TRIM_THRESHOLD_") || getenv("GLIBC_TUNABLES"))
        return;
    mallopt(M_MMAP_THRESHOLD, 64 << 20);
    mallopt(M_TRIM_THRESHOLD, -1);
    mallopt(M_TOP_PAD, 32 << 20);
}
#endif

/* ---- beginning and end ---- */

void process_set_up(const char *command, const struct options *options)
{
    set_threads(command, options);
    restart_with_wide_kernels();
    keep_memory();
}

void process_leave(int status)
{
#ifndef EMOTRAIN_INSTRUMENTED /* whose counts and findings are written by the exit's handlers */
    if (fflush(NULL) == 0)
        _exit(status);
#else
    (void)status;
#endif
}
