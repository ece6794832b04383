/* The table of commands; the main job is the first. */
#include "cli/command.h"

#include <stdint.h>

static const struct command COMMANDS[] = {
    {"train", "--config FILE [--set section.key=value]... [--run NAME] [--resume | --folds all [--jobs N]]",
     "index, split, train, evaluate, report: the main job (the command's name may be left out)",
     "config set run resume folds jobs ", 0, 0, NULL},
    {"launch", "--processes N --config FILE [--set section.key=value]... [--run NAME] [--resume]",
     "the main job by several processes of this machine that train together",
     "processes config set run resume ", 0, 0, command_launch},
    {"corpora", "",
     "the corpora that are known: names of their files, size, languages, licence, where to get them", "", 0,
     0, command_corpora},
    {"index", "--config FILE [--no-decode] [--format table|json] [-o FILE.html|.json|.txt]",
     "scan the corpus into the catalogue, and say what its recordings are like",
     "config set no-decode format output ", 0, 0, command_index},
    {"split", "--config FILE [--list PART] [--no-decode]",
     "make and show the split: clips per label and part", "config set list no-decode ", 0, 0, command_split},
    {"eval",
     "RUN|MODEL [--config FILE] [--part PART] [--reject ACCURACY] [--distort noise:10dB]... [--distort all]",
     "a trained model's report on a part of a corpus, and what it stands of noise, rooms, telephones",
     "config set part reject distort ", 1, 1, NULL},
    {"predict", "RUN|MODEL PATH|-... [--windows] [--reject ACCURACY] [--format table|csv|json] [-o FILE]",
     "a trained model's predictions for recordings", "set format windows reject output ", 2, SIZE_MAX, NULL},
    {"ensemble", "RUN RUN... [--weigh] [--run NAME] [--set section.key=value]...",
     "a run whose model averages other runs' predictions", "weigh run set ", 2, SIZE_MAX, NULL},
    {"sweep",
     "--config FILE [--grid section.key=a,b,c]... [--seeds 1,2,3] [--folds all] [--jobs N] [--run NAME]",
     "the main job over a grid of settings and seeds; again, it runs what is missing",
     "config set grid seeds folds jobs run ", 0, 0, command_sweep},
    {"compare", "--config FILE [--seeds 1,2,3] [--folds all] [--jobs N] [--run NAME]",
     "the models of compare.models on one corpus and split, in one table; again, it runs what is missing",
     "config set seeds folds jobs run ", 0, 0, command_compare},
    {"features",
     "egemaps|RUN|MODEL PATH... [--layer N|all] [--pooling mean|mean+std|none] [-o FILE.csv|.npz]",
     "features of recordings: the 88 functionals of eGeMAPS v02, or an encoder's layers; as CSV or NumPy "
     "archive",
     "config set layer pooling output ", 2, SIZE_MAX, command_features},
    {"plot", "RUN|SWEEP... [-o FOLDER]", "make charts again from what was recorded; several runs in one",
     "set output ", 1, SIZE_MAX, command_plot},
    {"report", "RUN|SWEEP... [--baseline RUN] [-o FOLDER]", "write a report again from what was recorded",
     "set baseline output ", 1, SIZE_MAX, command_report},
    {"runs",
     "[list [PATTERN]... | show RUN... | compare RUN RUN... | rm RUN...] [--where section.key=value]... "
     "[--sort COLUMN] [--format table|csv|json|html]",
     "what runs there are, what one was, where they differ; remove some",
     "set where sort state format output ", 0, SIZE_MAX, command_runs},
    {"export", "RUN|MODEL FOLDER [--as classification|sequence-classification|onnx]",
     "a trained model for use elsewhere, with a model card", "as set ", 2, 2, NULL},
    {"fetch", "ravdess|OWNER/NAME[@REVISION] [FOLDER]",
     "a corpus from Zenodo, or a model from the Hugging Face hub into its cache or a folder", "", 1, 2, NULL},
    {"bench", "--config FILE [--steps N] [--format table|json] [-o FILE]",
     "speed and memory of training steps, against what the machine's own products take",
     "config set steps format output ", 0, 0, NULL},
    {"doctor", "", "versions, devices, threads, what is missing and how to get it", "", 0, 0, NULL},
};

const struct command *commands(size_t *count)
{
    *count = sizeof COMMANDS / sizeof COMMANDS[0];
    return COMMANDS;
}
