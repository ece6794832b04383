/* An entry of the store of a frozen part's output, as a disk may give it back: the bytes as they are, and as
 * the values and sizes of an entry whose checksums hold, which then go through the model. */
#include "fuzz.h"

#include "base/digest.h"
#include "base/log.h"
#include "train/feature_cache.h"

static const char HASH[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/* As in feature_cache.c. */
struct header {
    char magic[4];
    uint32_t version, checksum, channels;
    uint64_t samples, frames;
    uint32_t header_checksum, layers;
};

static struct model *model;
static struct audio_cache *cache;
static struct feature_cache *store;
static char *entry_path; /* of the clip named HASH */

static void need(bool done)
{
    if (!done)
        abort();
}

static void begin(void)
{
    static struct settings settings; /* the cache keeps it */
    struct strings labels = {0};
    struct error error = {0};

    settings = *settings_default();
    log_quiet(true);
    strings_add(&labels, "a");
    strings_add(&labels, "b");
    settings.model.freeze = "feature_encoder";
    settings.train.feature_cache = true;
    struct model_source source = {
        .path = EMOTRAIN_TESTS "/cli/tiny.json", .settings = &settings, .labels = &labels, .device = ET_CPU};
    need((model = model_open(&source, &error)) != NULL);
    need((cache = audio_cache_open(fuzz_folder(), 16000, "sinc_fastest", "mean", &error)) != NULL);
    need((store = feature_cache_open(&settings, cache, model, &error)) != NULL);
    entry_path = audio_cache_entry(cache, HASH, feature_cache_ending(store));
    char *below = path_folder(entry_path);
    need(folder_make(below, &error));
    free(below);
    strings_free(&labels);
}

/* Loads the entry and, where it is taken, runs it through the model. */
static void use(void)
{
    const struct clip clip = {.path = "fuzz", .sha256 = HASH};
    const struct clip *clips[1] = {&clip};
    const struct forward_mode mode = {.training = true, .seed = 1};
    struct batch batch;
    struct error error = {0};

    bool done = feature_cache_load(store, clips, 1, &batch, &error);
    fuzz_check(done, &error);
    if (done && batch.frozen_width <= 1024) {
        struct et_scope *scope = et_scope_open(NULL);
        model_forward(model, scope, &batch, &mode);
        done = et_scope_close(scope, &error);
        fuzz_check(done, &error);
    }
    batch_free(&batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct header header = {.magic = {'e', 'm', 'o', 'F'}, .version = 2};

    if (!model)
        begin();
    fuzz_write(entry_path, NULL, 0, data, size);
    use();
    if (size < 4)
        return 0;
    header.channels = data[0];
    header.frames = data[1];
    header.samples = (uint64_t)data[2] << (data[3] % 64);
    header.layers = data[3] / 64;
    header.checksum = checksum(data + 4, size - 4);
    header.header_checksum = checksum(&header, sizeof header);
    fuzz_write(entry_path, &header, sizeof header, data + 4, size - 4);
    use();
    return 0;
}
