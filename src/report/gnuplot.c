/* Plotting with gnuplot: see gnuplot.h. */
#include "report/gnuplot.h"

#include "base/files.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void add_quoted(struct text *out, const char *name, bool is_format)
{
    text_add(out, "\"");
    for (; *name; name++) {
        if (*name == '`') { /* in double quotes, gnuplot runs what stands between backquotes */
            text_add(out, "\\140");
            continue;
        }
        if (*name == '"' || *name == '\\')
            text_add(out, "\\");
        if (*name == '%' && is_format)
            text_add(out, "%%");
        text_add_bytes(out, (unsigned char)*name < ' ' ? " " : name, 1);
    }
    text_add(out, "\"");
}

void gnuplot_quote(struct text *out, const char *name)
{
    add_quoted(out, name, false);
}

void gnuplot_quote_tic(struct text *out, const char *name)
{
    add_quoted(out, name, true);
}

/* In the child process: gnuplot on charts/NAME.gp in the folder, its words into a log. */
static void become_gnuplot(const char *folder, const char *script, const char *log, const char *ending)
{
    setpgid(0, 0); /* what interrupts emotrain lets a chart be finished */
    int output = chdir(folder) == 0 ? open(log, O_WRONLY | O_CREAT | O_TRUNC, 0666) : -1;

    if (output >= 0 && dup2(output, STDERR_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0)
        execlp("gnuplot", "gnuplot", "-e", ending, script, (char *)NULL);
    _exit(errno == ENOENT ? 127 : 126);
}

/* Runs gnuplot on charts/NAME.gp in the folder; the pictures' names get an ending. */
static bool run_gnuplot(const char *folder, const char *name, const char *ending, struct error *error)
{
    char *script = mem_format("charts/%s.gp", name), *log = mem_format("charts/%s.log", name),
         *setting = mem_format("ending = '%s'", ending);
    int status = 0;
    pid_t child = fork();

    if (child == 0)
        become_gnuplot(folder, script, log, setting);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    bool done = child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (child < 0)
        error_set(error, "cannot start gnuplot: %s", strerror(errno));
    else if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        error_set(error, "no charts: gnuplot is not installed (Debian: apt-get install gnuplot-nox)");
    else if (!done)
        error_set(error, "no %s chart: gnuplot failed, see %s/%s", name, folder, log);
    free(setting);
    free(script);
    free(log);
    return done;
}

/* Puts a picture under its own name, or removes what there is of it. */
static bool finish_picture(const char *folder, const char *name, const char *format, const char *ending,
                           bool done, struct error *error)
{
    char *path = mem_format("%s/%s.%s", folder, name, format), *temporary = mem_format("%s%s", path, ending);

    if (done && rename(temporary, path) != 0)
        done = error_set(error, "%s: cannot write: %s", path, strerror(errno));
    if (!done)
        unlink(temporary);
    free(temporary);
    free(path);
    return done;
}

static bool make_pictures(const char *folder, const char *name, struct error *error)
{
    char *ending = mem_format(".tmp-%ld", (long)getpid()); /* as files.h names what is being written */
    bool done = run_gnuplot(folder, name, ending, error),
         svg = finish_picture(folder, name, "svg", ending, done, error),
         png = finish_picture(folder, name, "png", ending, done, error);

    free(ending);
    return svg && png;
}

bool gnuplot_plot(const char *folder, const char *name, const char *data, const char *body, int width,
                  int height, struct error *error)
{
    struct text script = {0};
    char *charts = path_join(folder, "charts");
    char *data_path = mem_format("%s/%s.dat", charts, name),
         *script_path = mem_format("%s/%s.gp", charts, name);

    text_add(&script,
             "# Plots %s.svg and %s.png from charts/%s.dat; run in the folder above this one.\n"
             "if (!exists(\"ending\")) ending = \"\"\n"
             "do for [format in \"svg png\"] {\n"
             "reset\nset encoding utf8\n"
             "if (format eq \"svg\") { set terminal svg size %d,%d noenhanced font \"sans-serif,14\" "
             "background rgb \"white\" } else { set terminal pngcairo size %d,%d noenhanced font "
             "\"sans-serif,11\" }\n"
             "set output \"%s.\".format.ending\n%s\nset output\n}\n",
             name, name, name, width, height, width, height, name, body);
    bool done = folder_make(charts, error) && file_write(data_path, data, strlen(data), error) &&
                file_write(script_path, script.text, script.length, error) &&
                make_pictures(folder, name, error);
    text_free(&script);
    free(charts);
    free(data_path);
    free(script_path);
    return done;
}

/* Colours of Okabe and Ito (2008), told apart by colour-blind people too; marks and dashes tell them apart
 * without any. */
void gnuplot_style(struct text *out, size_t i, bool marks)
{
    static const char *const colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                          "#000000", "#E69F00", "#56B4E9", "#7F7F7F"};
    static const int points[] = {7, 5, 9, 11, 6, 4, 8, 10};
    size_t count = sizeof points / sizeof points[0];

    text_add(out, "lc rgb \"%s\" lw 2 dt %zu", colours[i % count], (i + i / count) % 5 + 1);
    if (marks)
        text_add(out, " pt %d ps 0.8", points[(i + i / count) % count]);
}
