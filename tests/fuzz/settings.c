/* The configuration: an INI file, then --set; and what is printed reads back the same. */
#include "fuzz.h"

#include "config/config.h"

static void read_again(const struct config *config)
{
    struct config *copy = config_new();
    char *printed = config_print(config, NULL);
    struct error error = {0};

    if (!config_read_text(copy, "printed", ".", printed, &error))
        abort();
    char *reprinted = config_print(copy, NULL);
    if (strcmp(printed, reprinted) != 0)
        abort();
    free(printed);
    free(reprinted);
    config_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {0}, refused = {0};
    struct config *config = config_new();
    char *text = malloc(size + 1);

    memcpy(text, data, size);
    text[size] = '\0';
    bool read = config_read_text(config, "fuzz", "folder", text, &error);
    fuzz_check(read, &error);
    bool set = config_set(config, "--set", text, &refused);
    fuzz_check(set, &refused);
    if (read || set)
        read_again(config);
    free(text);
    config_free(config);
    return 0;
}
