#include "report/chart.h"

#include "base/files.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A name as a gnuplot string in double quotes. */
static void add_quoted(struct text *out, const char *name)
{
    text_add(out, "\"");
    for (; *name; name++) {
        if (*name == '"' || *name == '\\')
            text_add(out, "\\");
        text_add_bytes(out, (unsigned char)*name < ' ' ? " " : name, 1);
    }
    text_add(out, "\"");
}

/* Runs gnuplot on charts/NAME.gp in the run's folder. */
static bool run_gnuplot(const char *run, const char *name, struct error *error)
{
    char *script = mem_format("charts/%s.gp", name), *log = mem_format("charts/%s.log", name);
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        int output = chdir(run) == 0 ? open(log, O_WRONLY | O_CREAT | O_TRUNC, 0666) : -1;
        if (output >= 0 && dup2(output, STDERR_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0)
            execlp("gnuplot", "gnuplot", script, (char *)NULL);
        _exit(errno == ENOENT ? 127 : 126);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (child < 0)
        error_set(error, "cannot start gnuplot: %s", strerror(errno));
    else if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        error_set(error, "no charts: gnuplot is not installed (Debian: apt-get install gnuplot-nox)");
    else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        error_set(error, "no %s chart: gnuplot failed, see %s/%s", name, run, log);
    free(script);
    free(log);
    return !error->kind;
}

/* Writes data and script, the latter once per format, and draws.  The script's body draws to the terminal
 * that the head sets; sizes are in pixels. */
static bool draw(const char *run, const char *name, const char *data, const char *body, int width, int height,
                 struct error *error)
{
    struct text script = {0};
    char *folder = path_join(run, "charts");
    char *data_path = mem_format("%s/%s.dat", folder, name),
         *script_path = mem_format("%s/%s.gp", folder, name);

    text_add(&script,
             "# Draws %s.svg and %s.png from charts/%s.dat; run in the folder above this one.\n"
             "set encoding utf8\n"
             "do for [format in \"svg png\"] {\n"
             "if (format eq \"svg\") { set terminal svg size %d,%d noenhanced font \"sans-serif,14\" "
             "background rgb \"white\" } else { set terminal pngcairo size %d,%d noenhanced font "
             "\"sans-serif,11\" }\n"
             "set output \"%s.\".format\n%s\nset output\n}\n",
             name, name, name, width, height, width, height, name, body);
    bool done = folder_make(folder, error) && file_write(data_path, data, strlen(data), error) &&
                file_write(script_path, script.text, script.length, error) && run_gnuplot(run, name, error);
    text_free(&script);
    free(folder);
    free(data_path);
    free(script_path);
    return done;
}

/* ---- loss ---- */

/* One data block (gnuplot's "index"): step, epoch, value of each metric of that name.  Returns the count. */
static size_t add_series(struct text *data, const struct metric_list *metrics, const char *name)
{
    char epoch[TEXT_NUMBER_SIZE], value[TEXT_NUMBER_SIZE];
    size_t count = 0;

    text_add(data, "# %s: step, epoch, value\n", name);
    for (size_t i = 0; i < metrics->count; i++) {
        const struct metric *m = &metrics->items[i];
        if (strcmp(m->name, name) != 0 || !isfinite(m->value))
            continue;
        text_add(data, "%lld %s %s\n", (long long)m->step, text_from_number(epoch, m->epoch),
                 text_from_number(value, m->value));
        count++;
    }
    if (count == 0)
        text_add(data, "NaN NaN NaN\n");
    text_add(data, "\n\n");
    return count;
}

/* One panel: a training series and the evaluation's, told apart by line, mark and shade. */
static void add_panel(struct text *body, const char *xlabel, int column, int training_index, size_t points,
                      const char *training, const char *extra)
{
    bool marks = points <= 60;

    text_add(body, "set xlabel \"%s\"\n%splot ", xlabel, extra);
    text_add(body,
             "\"charts/loss.dat\" index %d using %d:3 with %s lc rgb \"#3b6ea5\" lw 2 %s title \"%s\", ",
             training_index, column, marks ? "linespoints" : "lines", marks ? "pt 7 ps 0.5" : "", training);
    text_add(body,
             "\"charts/loss.dat\" index 1 using %d:3 with linespoints lc rgb \"#c0392b\" lw 2 dt 2 pt 6 "
             "ps 1 title \"evaluation\"\n",
             column);
}

bool chart_loss(const char *run, const char *title, const struct metric_list *metrics, struct error *error)
{
    struct text data = {0}, body = {0};
    size_t steps = add_series(&data, metrics, "loss");
    add_series(&data, metrics, "eval_loss");
    size_t epochs = add_series(&data, metrics, "epoch_loss");

    text_add(&body, "set multiplot layout 2,1 title ");
    add_quoted(&body, title);
    text_add(&body, "\nset grid lc rgb \"#dddddd\"\nset border 3\nset tics nomirror\nset key top right\n"
                    "set ylabel \"cross-entropy loss\"\nset yrange [0:*]\nset xrange [0:*]\n");
    add_panel(&body, "optimizer step", 1, 0, steps, "training, mean since the previous point", "");
    add_panel(&body, "epoch", 2, 2, epochs, "training, mean over the epoch", "");
    text_add(&body, "unset multiplot");
    bool done = draw(run, "loss", data.text, body.text, 800, 800, error);
    text_free(&data);
    text_free(&body);
    return done;
}

/* ---- confusion matrix ---- */

enum { CELL = 62, MARGIN = 190 }; /* pixels */

static void add_tics(struct text *body, const struct evaluation *e)
{
    for (int axis = 0; axis < 2; axis++) {
        text_add(body, "set %ctics (", axis ? 'y' : 'x');
        for (size_t k = 0; k < e->label_count; k++) {
            text_add(body, k ? ", " : "");
            add_quoted(body, e->labels[k]);
            text_add(body, " %zu", k);
        }
        text_add(body, ") %s scale 0\n", axis ? "" : "rotate by 40 right");
    }
}

bool chart_confusion(const char *run, const char *title, const struct evaluation *e, struct error *error)
{
    struct text data = {0}, body = {0};
    int side = (int)e->label_count * CELL + MARGIN;

    text_add(&data, "# column (predicted), row (true), rate of the row, count\n");
    for (size_t i = 0; i < e->label_count; i++) {
        for (size_t j = 0; j < e->label_count; j++) {
            size_t count = e->confusion[i * e->label_count + j], support = e->classes[i].support;
            text_add(&data, "%zu %zu %.4f %zu\n", j, i, support ? (double)count / (double)support : 0, count);
        }
    }
    text_add(&body, "unset key\nunset colorbox\nset title ");
    add_quoted(&body, title);
    text_add(&body, "\n");
    add_tics(&body, e);
    text_add(&body,
             "set xlabel \"predicted\"\nset ylabel \"true\"\nset size ratio -1\n"
             "set xrange [-0.5:%zu.5]\nset yrange [%zu.5:-0.5]\nset cbrange [0:1]\n"
             "set palette defined (0 \"#ffffff\", 1 \"#1f4e79\")\n"
             "dark(r) = r > 0.5 ? 0xffffff : 0x222222\n"
             "plot \"charts/confusion.dat\" using 1:2:3 with image pixels, "
             "\"\" using 1:($2-0.14):(sprintf(\"%%d\", $4)):(dark($3)) with labels tc rgb variable, "
             "\"\" using 1:($2+0.2):($4 > 0 ? sprintf(\"%%.0f%%%%\", 100*$3) : \"\"):(dark($3)) with labels "
             "tc rgb variable font \",9\"",
             e->label_count - 1, e->label_count - 1);
    bool done =
        draw(run, "confusion", data.text, body.text, side < 400 ? 400 : side, side < 400 ? 400 : side, error);
    text_free(&data);
    text_free(&body);
    return done;
}
