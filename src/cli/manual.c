/* The manual page and the shell completion, from the tables of commands, options and settings. */
#include "base/text.h"
#include "cli/command.h"
#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Text of a manual page: hyphens that are typed, backslashes, no request at a line's beginning. */
static void print_roff(const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", stdout);
    for (; *text; text++) {
        if (*text == '-')
            fputs("\\-", stdout);
        else if (*text == '\\')
            fputs("\\e", stdout);
        else
            putchar(*text);
    }
}

static void print_entry(const char *head, const char *rest, const char *text)
{
    printf(".TP\n.B ");
    print_roff(head);
    printf("%s", rest && *rest ? " \\fR" : "");
    print_roff(rest ? rest : "");
    printf("\n");
    print_roff(*text ? text : "As above.");
    printf("\n");
}

static void print_commands(void)
{
    size_t count;
    const struct command *list = commands(&count);

    printf(".SH COMMANDS\n");
    for (size_t i = 0; i < count; i++)
        print_entry(list[i].name, list[i].usage, list[i].summary);
}

static void print_options(void)
{
    const char *name, *argument, *help;

    printf(".SH OPTIONS\nWhich commands take which, \"emotrain COMMAND \\-\\-help\" says.\n");
    for (size_t i = 0; options_describe(i, &name, &argument, &help); i++) {
        char head[64];
        snprintf(head, sizeof head, "--%s", name);
        print_entry(head, argument, help);
    }
}

static void print_settings(void)
{
    const char *section = "";

    printf(".SH CONFIGURATION\nAn INI file; \\-\\-set section.key=value overrides one key.\n");
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        const struct setting *s = &SETTINGS[i];
        struct text rest = {0};
        if (strcmp(section, s->section) != 0)
            printf(".SS [%s]\n", s->section);
        section = s->section;
        text_add(&rest, "= %s", s->fallback);
        const char *choices = s->choices ? s->choices : "";
        for (char *choice; (choice = list_next(&choices, '|')); free(choice))
            text_add(&rest, "%s%s", strchr(rest.text, '(') ? ", " : "  (",
                     choice); /* a long list has many lines */
        text_add(&rest, "%s", s->choices ? ")" : "");
        print_entry(s->key, rest.text, s->help);
        text_free(&rest);
    }
}

void manual_print(void)
{
    printf(".TH EMOTRAIN 1 \"\" \"emotrain " EMOTRAIN_VERSION "\" \"User Commands\"\n"
           ".SH NAME\nemotrain \\- train and evaluate speech\\-emotion classifiers\n"
           ".SH SYNOPSIS\n.B emotrain\n[\\fICOMMAND\\fR] [\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]...\n"
           ".SH DESCRIPTION\nIndexes a folder of labelled recordings, splits it, fine\\-tunes a model, and "
           "leaves a run "
           "folder with the model, loss curves, a classification report and a page that explains them. "
           "Without a command: "
           "the main job, \\fBtrain\\fR.\n");
    print_commands();
    print_options();
    print_settings();
    printf(".SH EXIT STATUS\n0: done. 1: the work failed. 2: bad usage or configuration. 130: interrupted, "
           "state saved.\n"
           ".SH ENVIRONMENT\n");
    print_entry("HF_HOME, HF_HUB_CACHE, HF_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE", NULL,
                "As the Hugging Face hub's own library takes them.");
    print_entry("RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR, MASTER_PORT", NULL,
                "Rank and world size of this process, as torchrun sets them; those of mpirun and Slurm are "
                "read too.");
    print_entry("EMOTRAIN_PLAIN_TORCH", NULL,
                "1: libtorch's own operations in place of emotrain's CPU kernels, to compare both.");
    print_entry("OMP_NUM_THREADS, OPENBLAS_NUM_THREADS, OMP_WAIT_POLICY", NULL,
                "Set here unless they are set already.");
}

/* A cell of a Markdown table. */
static void print_cell(const char *text)
{
    for (; *text; text++)
        printf(strchr("|<>*_`", *text) ? "\\%c" : "%c", *text);
}

static const char *type_name(const struct setting *s)
{
    static const char *const names[] = {
        [SETTING_TEXT] = "text",     [SETTING_PATH] = "path",           [SETTING_MODEL] = "path or name",
        [SETTING_LIST] = "list",     [SETTING_PATHS] = "list of paths", [SETTING_INTEGER] = "whole number",
        [SETTING_NUMBER] = "number", [SETTING_BOOL] = "yes or no",      [SETTING_TRI] = "yes or no"};

    return s->choices ? s->choices : names[s->type];
}

static void print_type(const struct setting *s)
{
    print_cell(type_name(s));
    if (s->word)
        printf(" or %s", s->word);
}

void settings_print(void)
{
    const char *section = "";

    printf("# Settings\n\nMade by `emotrain --settings`; a test compares it with the program. A "
           "configuration is an INI file; "
           "`--set section.key=value`\nwins over it. A relative path in a file is relative to that file, one "
           "given by `--set` to "
           "the current folder. In a file, a key that\ntakes a list may be repeated. An empty default means "
           "that nothing is set. Further "
           "corpora are sections `[corpus.NAME]` with the first\nsix keys of `[corpus]`.\n");
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        const struct setting *s = &SETTINGS[i];
        if (strcmp(section, s->section) != 0)
            printf("\n## [%s]\n\n| key | default | values | meaning |\n|---|---|---|---|\n", s->section);
        section = s->section;
        printf("| %s | ", s->key);
        print_cell(s->fallback);
        printf(" | ");
        print_type(s);
        printf(" | ");
        print_cell(s->help);
        printf(" |\n");
    }
}

void completion_print(void)
{
    size_t count;
    const struct command *list = commands(&count);

    printf("# bash completion for emotrain " EMOTRAIN_VERSION "\n_emotrain() {\n"
           "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} "
           "command=${COMP_WORDS[1]} options\n"
           "  COMPREPLY=()\n  case $before in\n"
           "    --config|--output|-o) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n"
           "    --set|--grid|--where) COMPREPLY=($(compgen -S = -W '");
    for (size_t i = 0; i < SETTINGS_COUNT; i++)
        printf("%s%s.%s", i ? " " : "", SETTINGS[i].section, SETTINGS[i].key);
    printf(
        "' -- \"$word\")); compopt -o nospace; return ;;\n"
        "    --part|--list) COMPREPLY=($(compgen -W 'train validation test' -- \"$word\")); return ;;\n"
        "    --run|--baseline) COMPREPLY=($(compgen -W \"$(ls runs 2>/dev/null)\" -- \"$word\")); return ;;\n"
        "    --as) COMPREPLY=($(compgen -W 'classification sequence-classification onnx' -- \"$word\")); "
        "return ;;\n"
        "  esac\n  if [ \"$COMP_CWORD\" = 1 ] && [[ $word != -* ]]; then\n    COMPREPLY=($(compgen -W '");
    for (size_t i = 0; i < count; i++)
        printf("%s%s", i ? " " : "", list[i].name);
    printf("' -- \"$word\"))\n    return\n  fi\n  case $command in\n");
    for (size_t i = 0; i < count; i++) {
        printf("    %s%s) options='", list[i].name, i == 0 ? "|-*" : "");
        for (const char *at = list[i].accepts; *at; at += strcspn(at, " ") + 1)
            printf("--%.*s ", (int)strcspn(at, " "), at);
        printf("--quiet --help' ;;\n");
    }
    printf("  esac\n  if [[ $word == -* ]]; then\n    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n  "
           "else\n"
           "    COMPREPLY=($(compgen -f -- \"$word\") $(compgen -W \"$(ls runs 2>/dev/null)\" -- "
           "\"$word\"))\n  fi\n}\n"
           "complete -o filenames -F _emotrain emotrain\n");
}
