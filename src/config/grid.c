/* Grids of settings: see grid.h. */
#include "config/grid.h"

#include "base/files.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_SETTINGS = 100000 };

/* Appends the values of "a,b,c", empty ones too. */
static void split_values(struct strings *values, const char *text)
{
    for (;;) {
        size_t length = strcspn(text, ",");
        char *value = mem_format("%.*s", (int)length, text);
        strings_add_new(values, value);
        free(value);
        if (!text[length])
            return;
        text += length + 1;
    }
}

/* Appends the items of a list. */
static void split_list(struct strings *items, const char *list, char separator)
{
    for (char *item; (item = list_next(&list, separator)); free(item))
        strings_add_new(items, item);
}

/* "_" in place of what a file's name cannot hold. */
static void make_file_name(char *name)
{
    for (char *c = name; *c; c++)
        if (*c == '/' || (unsigned char)*c < ' ')
            *c = '_';
}

/* Settings that say where a run goes cannot differ within a sweep; its seed has an option of its own. */
static bool may_vary(const char *name, struct error *error)
{
    const struct setting *setting = setting_find(name);

    if (strcmp(name, "run.seed") == 0)
        return error_usage(error, "sweep.grid: run.seed is varied with sweep.seeds (--seeds)");
    return !setting || !setting_is_bookkeeping(setting) ||
           error_usage(error, "sweep.grid: %s cannot vary within a sweep", name);
}

static bool check_values(const struct grid_axis *axis, const struct config *config, struct error *error)
{
    struct config *copy = config_copy(config);
    bool done = true;

    for (size_t v = 0; done && v < axis->values.count; v++) {
        char *assignment = mem_format("%s=%s", axis->name, axis->values.items[v]);
        done = config_set(copy, "sweep.grid", assignment, error);
        free(assignment);
    }
    config_free(copy);
    return done;
}

static bool add_axis(struct grid *grid, const struct config *config, const char *text, struct error *error)
{
    const char *equals = strchr(text, '=');
    size_t capacity = grid->axis_count;

    if (!equals || !strchr(text, '.') || strchr(text, '.') > equals || text_ends(text, ","))
        return error_usage(error, "sweep.grid: \"%s\": expected section.key=a,b,c without blanks", text);
    grid->axes = mem_grow(grid->axes, &capacity, grid->axis_count + 1, sizeof *grid->axes);
    struct grid_axis *axis = &grid->axes[grid->axis_count++];
    *axis = (struct grid_axis){.name = mem_format("%.*s", (int)(equals - text), text)};
    axis->label = strrchr(axis->name, '.') + 1;
    split_values(&axis->values, equals + 1);
    for (size_t a = 0; a + 1 < grid->axis_count; a++)
        if (strcmp(grid->axes[a].name, axis->name) == 0)
            return error_usage(error, "sweep.grid: %s is given twice", axis->name);
    if (axis->values.count > MOST_SETTINGS / grid->settings)
        return error_usage(error, "sweep.grid: more than %d settings", MOST_SETTINGS);
    grid->settings *= axis->values.count;
    return may_vary(axis->name, error) && check_values(axis, config, error);
}

/* A key that stands in several sections (batch_size) goes by its whole name, whatever the other axes are:
 * names of runs must mean the same in every sweep.  [linear]'s keys leave [model]'s as they are: pooling,
 * layer. */
static void tell_apart(struct grid *grid)
{
    for (size_t a = 0; grid->files.count == 0 && a < grid->axis_count; a++) {
        const char *key = strrchr(grid->axes[a].name, '.') + 1;
        size_t sections = 0;
        bool of_model = text_starts(grid->axes[a].name, "model.");
        for (size_t i = 0; i < SETTINGS_COUNT; i++)
            sections += strcmp(key, SETTINGS[i].key) == 0 &&
                        !(of_model && strcmp(SETTINGS[i].section, "linear") == 0);
        if (sections > 1)
            grid->axes[a].label = grid->axes[a].name;
    }
}

/* Seeds are numbers: 1 and 01 are one. */
static bool read_seeds(struct grid *grid, const struct config *config, struct error *error)
{
    struct config *copy = config_copy(config);
    struct strings words = {0};
    const char *seeds = config_settings(config)->sweep.seeds;
    bool done = true;

    split_list(&words, *seeds ? seeds : config_text(config, "run.seed"), ',');
    for (size_t s = 0; done && s < words.count; s++) {
        char *assignment = mem_format("run.seed=%s", words.items[s]);
        done = config_set(copy, "sweep.seeds", assignment, error);
        if (done) {
            char *seed = mem_format("%lld", (long long)config_settings(copy)->run.seed);
            strings_add_new(&grid->seeds, seed);
            free(seed);
        }
        free(assignment);
    }
    strings_free(&words);
    config_free(copy);
    return done && (grid->seeds.count > 0 || error_usage(error, "sweep.seeds names no seed: --seeds 1,2,3"));
}

/* Values that differ only in what a file name cannot hold would share a folder. */
static bool check_names(const struct grid *grid, struct error *error)
{
    struct strings names = {0};
    bool done = true;

    for (size_t i = 0; i < grid->settings; i++) {
        char *name = grid_run_name(grid, i, "", 0);
        strings_add(&names, name);
        free(name);
    }
    strings_sort(&names);
    for (size_t i = 1; done && i < names.count; i++)
        if (strcmp(names.items[i - 1], names.items[i]) == 0)
            done = error_usage(error, "sweep.grid: two settings would share the folder %s", names.items[i]);
    strings_free(&names);
    return done;
}

/* ---- experiments ---- */

/* Where in FILE:section.key=value... the settings begin, with their colon; at the end where there are none.
 */
static const char *own_settings(const char *item)
{
    for (const char *at = strchr(item, ':'); at; at = strchr(at + 1, ':')) {
        size_t name = strcspn(at + 1, "=:/ ");
        if (at[1 + name] == '=' && memchr(at + 1, '.', name))
            return at;
    }
    return item + strlen(item);
}

/* The file's name without folder and ending, and its settings' keys and values: "probe,context_seconds=30".
 * Caller frees. */
static char *experiment_name(const char *item)
{
    const char *settings = own_settings(item);
    char *file = mem_format("%.*s", (int)(settings - item), item), *stem = path_stem(path_base(file));
    struct text name = {0};

    text_add(&name, "%s", stem);
    for (const char *rest = settings; *rest;) {
        const char *end = own_settings(rest + 1), *key = rest + 1,
                   *equals = memchr(key, '=', (size_t)(end - key));
        for (const char *dot; (dot = memchr(key, '.', (size_t)(equals - key)));)
            key = dot + 1;
        text_add(&name, ",%.*s", (int)(end - key), key);
        rest = end;
    }
    make_file_name(name.text);
    free(stem);
    free(file);
    return name.text;
}

/* Whether a comparison's own value stands over an experiment's.  context: the comparison's configuration. */
static bool is_common(const struct config_entry *entry, const void *context)
{
    static const char *const sections[] = {"run", "corpus", "split", "report", "sweep", "compare"};
    const struct setting *setting = entry->setting;

    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
        if (strcmp(setting->section, sections[i]) == 0 && strcmp(entry->name, "run.precision") != 0)
            return true;
    return strcmp(entry->name, "model.task") == 0 || config_is_set(context, entry->name) ||
           !setting_same_value(setting, entry->value, setting->fallback);
}

/* One of an item's own settings.  The comparison's must not say otherwise: the row's name has this value. */
static bool set_own(struct config *experiment, const struct config *comparison, const char *assignment,
                    struct error *error)
{
    char *name = mem_format("%.*s", (int)strcspn(assignment, "="), assignment);
    const struct setting *setting = setting_find(name);
    bool done = config_set(experiment, "compare.models", assignment, error);
    struct config *laid_over = config_copy(experiment);

    if (done && setting && strchr(assignment, '/') &&
        (setting->type == SETTING_PATH || setting->type == SETTING_MODEL || setting->type == SETTING_PATHS))
        done = error_usage(error, "compare.models: %s: a path cannot stand there: write a file of its own",
                           assignment);
    if (done) {
        config_take(laid_over, comparison, is_common, comparison);
        if (strcmp(config_text(laid_over, name), config_text(experiment, name)) != 0)
            done = error_usage(error, "compare.models: %s: the comparison itself has %s=%s: leave out one",
                               assignment, name, config_text(laid_over, name));
    }
    config_free(laid_over);
    free(name);
    return done;
}

/* Reads FILE:section.key=value.... */
static bool read_experiment(struct config *experiment, const struct config *comparison, const char *item,
                            struct error *error)
{
    const char *settings = own_settings(item);
    char *file = mem_format("%.*s", (int)(settings - item), item);
    bool done = config_read(experiment, file, error);

    while (done && *settings) {
        const char *end = own_settings(settings + 1);
        char *assignment = mem_format("%.*s", (int)(end - settings - 1), settings + 1);
        done = set_own(experiment, comparison, assignment, error);
        free(assignment);
        settings = end;
    }
    free(file);
    return done;
}

/* The one axis of a comparison: its experiments' names. */
static bool read_files(struct grid *grid, const struct config *config, struct error *error)
{
    size_t capacity = 0;

    split_list(&grid->files, config_settings(config)->compare.models, ' ');
    if (config_settings(config)->compare.ensemble && grid->files.count < 2)
        return error_usage(error, "compare.ensemble: compare.models must name two models or more");
    if (grid->files.count == 0)
        return true;
    grid->axes = mem_grow(grid->axes, &capacity, 1, sizeof *grid->axes);
    grid->axes[grid->axis_count++] = (struct grid_axis){.name = mem_string("model"), .label = "model"};
    for (size_t i = 0; i < grid->files.count; i++) {
        char *name = experiment_name(grid->files.items[i]);
        if (strings_index(&grid->axes[0].values, name) >= 0)
            error_usage(error, "compare.models: two are called %s", name);
        if (config_settings(config)->compare.ensemble && strcmp(name, "ensemble") == 0)
            error_usage(error, "compare.ensemble: the row of that name is the mean; rename %s",
                        grid->files.items[i]);
        strings_add(&grid->axes[0].values, name);
        free(name);
    }
    grid->settings = grid->files.count;
    return !error->kind;
}

bool grid_load_experiments(struct grid *grid, const struct config *config, struct error *error)
{
    bool done = true;

    if (grid->files.count == 0)
        return true;
    grid->experiments = mem_zero(grid->files.count, sizeof(struct config *));
    for (size_t i = 0; done && i < grid->files.count; i++) {
        struct config *experiment = grid->experiments[i] = config_new();
        done = read_experiment(experiment, config, grid->files.items[i], error);
        if (done)
            config_take(experiment, config, is_common, config);
    }
    return done;
}

/* sweep.trials of the product, in an order of their own: with more trials, the same come first. */
static bool choose_settings(struct grid *grid, const struct settings *settings, struct error *error)
{
    struct random_stream stream = random_stream((uint64_t)settings->run.seed, RANDOM_SEARCH, 0);
    size_t trials = (size_t)settings->sweep.trials, product = grid->settings;

    if (settings->sweep.search != SEARCH_GRID && (grid->files.count || grid->axis_count == 0))
        return error_usage(error, "sweep.search chooses from a grid: give --grid section.key=a,b,c");
    if (settings->sweep.search == SEARCH_GRID && trials > 0)
        return error_usage(error,
                           "sweep.trials is of sweep.search=random and halving; grid runs every setting");
    for (size_t a = 0; settings->sweep.search == SEARCH_HALVING && a < grid->axis_count; a++)
        if (strcmp(grid->axes[a].name, "train.epochs") == 0 ||
            strcmp(grid->axes[a].name, "train.max_steps") == 0)
            return error_usage(error, "sweep.search=halving sets how long settings train: %s cannot vary",
                               grid->axes[a].name);
    if (settings->sweep.search == SEARCH_GRID || trials == 0 || trials >= product)
        return true;
    grid->chosen = mem_zero(product, sizeof *grid->chosen);
    for (size_t i = 0; i < product; i++)
        grid->chosen[i] = i;
    for (size_t i = 0; i < trials; i++) {
        size_t j = i + random_below(&stream, product - i), one = grid->chosen[j];
        grid->chosen[j] = grid->chosen[i];
        grid->chosen[i] = one;
    }
    grid->settings = trials;
    return true;
}

bool grid_read(struct grid *grid, const struct config *config, struct error *error)
{
    struct strings axes = {0};

    *grid = (struct grid){.settings = 1, .folds = 1};
    const struct settings *settings = config_settings(config);
    split_list(&axes, settings->sweep.grid, ' ');
    if (settings->sweep.folds)
        grid->folds = (size_t)settings->split.folds;
    bool done =
        grid->folds > 0 ||
        error_usage(error, "sweep.folds=yes (--folds all): the split has no folds: set split.folds, or "
                           "split.protocol=emobox");
    done = done && read_files(grid, config, error);
    if (done && grid->files.count && axes.count)
        done = error_usage(error, "compare.models and a grid exclude each other");
    if (done && grid->files.count == 0 && axes.count == 0 && grid->folds < 2)
        done = error_usage(error, "nothing to vary: give --grid section.key=a,b,c or sweep.grid in the file");
    for (size_t i = 0; done && i < axes.count; i++)
        done = add_axis(grid, config, axes.items[i], error);
    strings_free(&axes);
    done = done && choose_settings(grid, settings, error);
    if (done)
        tell_apart(grid);
    done = done && read_seeds(grid, config, error) && check_names(grid, error);
    if (!done)
        grid_free(grid);
    return done;
}

void grid_free(struct grid *grid)
{
    for (size_t a = 0; a < grid->axis_count; a++) {
        free(grid->axes[a].name);
        strings_free(&grid->axes[a].values);
    }
    free(grid->axes);
    free(grid->chosen);
    for (size_t i = 0; grid->experiments && i < grid->files.count; i++)
        config_free(grid->experiments[i]);
    free(grid->experiments);
    strings_free(&grid->files);
    strings_free(&grid->seeds);
    *grid = (struct grid){0};
}

const char *grid_value(const struct grid *grid, size_t setting, size_t axis)
{
    if (grid->chosen)
        setting = grid->chosen[setting];
    for (size_t a = grid->axis_count - 1; a > axis; a--)
        setting /= grid->axes[a].values.count;
    return grid->axes[axis].values.items[setting % grid->axes[axis].values.count];
}

/* "label=value" pairs. */
static struct text join_values(const struct grid *grid, size_t setting, const char *separator)
{
    struct text text = {0};

    for (size_t a = 0; a < grid->axis_count; a++)
        text_add(&text, "%s%s=%s", a ? separator : "", grid->axes[a].label, grid_value(grid, setting, a));
    return text;
}

char *grid_label(const struct grid *grid, size_t setting)
{
    if (grid->files.count) /* a model goes by its name */
        return mem_string(grid->axes[0].values.items[setting]);
    return grid->axis_count ? join_values(grid, setting, " ").text : mem_string("all folds");
}

char *grid_run_name(const struct grid *grid, size_t setting, const char *seed, size_t fold)
{
    struct text text = join_values(grid, setting, ",");

    text_add(&text, "%sseed=%s", text.length ? "," : "", seed);
    if (grid->folds > 1 && fold == grid->folds)
        text_add(&text, ",fold=all");
    else if (grid->folds > 1)
        text_add(&text, ",fold=%zu", fold);
    make_file_name(text.text);
    return text.text;
}

void grid_apply(const struct grid *grid, size_t setting, const char *seed, struct config *config)
{
    if (grid->experiments)
        config_take(config, grid->experiments[setting], NULL, NULL);
    for (size_t a = 0; grid->files.count == 0 && a < grid->axis_count; a++)
        config_choose(config, grid->axes[a].name, grid_value(grid, setting, a));
    config_choose(config, "run.seed", seed);
}
