/*
 * Every configuration key: its type, default, range, meaning, and the field that it fills.  A run's
 * config.ini and docs/settings.md list them in this order.  An empty default means "not set"; the help says
 * what then happens.
 */
#include "config/settings.h"

#include "base/text.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#define MANY 1e9 /* no limit in practice */
#define METRIC_CHOICES                                                                                       \
    "auto|accuracy|uar|macro_f1|micro_f1|weighted_f1|macro_auc|map|ccc|pearson|mae|rmse|eval_loss"
#define SEEDS 4294967295.0 /* 2^32 - 1, as NumPy takes them */

/* Where a field lies; a compile error where it is not of that type. */
#define OFFSET(type, structure, field)                                                                       \
    offsetof(structure, field) + 0 * sizeof(char[_Generic(((structure *)0)->field, type : 1)])

/* A row, for the field of struct settings that is named as section and key are. */
#define ROW(kind, type_, section_, key_, fallback_, ...)                                                     \
    .section = #section_, .key = #key_, .fallback = fallback_, .type = kind,                                 \
    .offset = OFFSET(type_, struct settings, section_.key_), __VA_ARGS__

/* clang-format off */
#define TEXT(section, key, fallback, text) {ROW(SETTING_TEXT, const char *, section, key, fallback, .help = text)}
#define PATH(section, key, fallback, text) {ROW(SETTING_PATH, const char *, section, key, fallback, .help = text)}
#define MODEL(section, key, fallback, text) {ROW(SETTING_MODEL, const char *, section, key, fallback, .help = text)}
#define NAME(section, key, fallback, names, text) \
    {ROW(SETTING_NAME, const char *, section, key, fallback, .choices = names, .help = text)}
#define LIST(section, key, fallback, between, text) \
    {ROW(SETTING_LIST, const char *, section, key, fallback, .separator = between, .help = text)}
#define INTEGER(section, key, fallback, low, high, text) \
    {ROW(SETTING_INTEGER, int64_t, section, key, fallback, .minimum = low, .maximum = high, .help = text)}
#define NUMBER(section, key, fallback, low, high, text) \
    {ROW(SETTING_NUMBER, double, section, key, fallback, .minimum = low, .maximum = high, .help = text)}
#define BOOL(section, key, fallback, text) {ROW(SETTING_BOOL, bool, section, key, fallback, .help = text)}
#define CHOICE(type, section, key, fallback, names, text) \
    {ROW(SETTING_CHOICE, enum type, section, key, fallback, .choices = names, .help = text)}
/* clang-format on */

/* Rows of [corpus]: of each corpus, and those that stand there once. */
#define OF_CORPUS(key_)                                                                                      \
    .section = "corpus", .key = #key_, .of_each_corpus = true,                                               \
    .offset = OFFSET(const char *, struct corpus_settings, key_)
#define OF_CORPORA(type, key_)                                                                               \
    .section = "corpus", .key = #key_, .offset = OFFSET(type, struct settings, corpora.key_)

/* Names of models, poolings, corpus formats and so on stand here and in the tables of their handlers; a test
 * holds both against each other. */
const struct setting SETTINGS[] = {
    TEXT(run, name, "", "the run's name; empty: the configuration file's name and the time"),
    PATH(run, directory, "runs",
         "folder that holds the run folders; where the current folder has none, the nearest above it with a "
         "catalogue"),
    PATH(run, database, "runs/emotrain.db", "the catalogue (SQLite)"),
    INTEGER(run, seed, "101", 0, SEEDS, "initialisation, clip order, dropout, masks"),
    TEXT(run, device, "auto", "auto, cpu, cuda or cuda:N"),
    INTEGER(run, threads, "0", 0, 4096, "0: every processor this process may use"),
    NUMBER(run, timeout, "1800", 1, MANY,
           "seconds for which processes that train together wait for one another"),
    CHOICE(precision, run, precision, "auto", "auto|float32|bfloat16|float16",
           "auto: bfloat16 where the hardware multiplies it faster, else float32"),

    {OF_CORPUS(kind), .fallback = "ravdess", .type = SETTING_NAME,
     .choices =
         "ravdess|emodb|savee|crema-d|tess|emoreact|iemocap|esd|emovo|cafe|nemo|shemo|urdu|subesco|jl|"
         "enterface|mesd|"
         "emov-db|aesdd|baved|asvp-esd|msp-podcast|msp-improv|meld|crema-d-votes|cmu-mosei|emozionalmente|"
         "audformat|kaldi|folders|list",
     .help = "a known corpus, folders (a folder for each label) or a list (a table)"},
    {OF_CORPUS(root), .fallback = "datasets/ravdess", .type = SETTING_PATH,
     .help = "folder of the recordings"},
    {OF_CORPUS(file), .fallback = "", .type = SETTING_PATH,
     .help = "of kind=list: the table, CSV or JSON lines, with the columns path, label and more"},
    {OF_CORPUS(columns), .fallback = "", .type = SETTING_LIST, .separator = ',',
     .help = "of kind=list: which columns are meant, where their names do not say: path=file, label=emotion"},
    {OF_CORPUS(part_map), .fallback = "", .type = SETTING_LIST, .separator = ',',
     .help =
         "of kind=list: what words for parts mean: Development=validation, Test1=test, Test2=- (left out)"},
    {OF_CORPUS(votes), .fallback = "none", .type = SETTING_NAME, .choices = "none|majority|all_agree",
     .help = "of kind=list, where each annotator has a row, or each of corpus.labels a column of votes: the "
             "label "
             "that most give, or that all give; clips without one are left out"},
    {OF_CORPUS(filter), .fallback = "", .type = SETTING_LIST, .separator = ',',
     .help = "which clips count, by channel, intensity, sex, speaker, text or label: channel=speech|song, "
             "sex=female; empty: as usual for the corpus (ravdess: channel=speech); none: all"},
    {OF_CORPUS(label_map), .fallback = "", .type = SETTING_LIST, .separator = ',',
     .help = "labels to rename, join or leave out: joy=happy, elation=happy, other=-"},
    {OF_CORPUS(part), .fallback = "split", .type = SETTING_NAME, .choices = "split|train|validation|test",
     .help = "split: parts as [split] says; else all its clips are in that part"},
    {OF_CORPORA(const char *, labels), .fallback = "", .type = SETTING_LIST, .separator = ',',
     .help = "labels to use, in their order; empty: all, sorted"},
    {OF_CORPORA(bool, strict), .fallback = "no", .type = SETTING_BOOL,
     .help = "stop if any file is broken, instead of leaving it out"},
    {OF_CORPORA(const char *, note), .fallback = "", .type = SETTING_TEXT,
     .help = "a remark on the corpus that every report repeats"},

    {ROW(SETTING_INTEGER, int64_t, audio, sample_rate, "16000", .word = "native", .minimum = 1000,
         .maximum = 384000,
         .help = "Hz after resampling; native: as recorded, of linear.features=egemaps, whose functionals "
                 "differ from "
                 "rate to rate")},
    NAME(audio, resampler, "sinc_best", "sinc_best|sinc_medium|sinc_fastest|linear",
         "libsamplerate's converter"),
    TEXT(audio, channel, "mean",
         "of recordings with several channels: mean, left, right, loudest or a number from 1; mean takes the "
         "loudest where the mean would lose the sound"),
    CHOICE(automatic, audio, normalize, "auto", "auto|yes|no",
           "zero mean and unit variance over each clip; auto: as the model expects"),
    NUMBER(audio, max_seconds, "0", 0, MANY,
           "longer clips are cut to their beginning; predict splits them into windows; 0: never"),
    NUMBER(audio, crop_seconds, "0", 0, MANY,
           "longer clips are cut to a random piece of this length, another one each time they train; 0: "
           "never"),
    NUMBER(audio, min_seconds, "0", 0, MANY, "shorter clips are left out; 0: none"),
    PATH(audio, cache, "", "folder of decoded, resampled clips; empty: cache/ beside the database"),

    NAME(split, protocol, "stratified", "stratified|speaker|predefined|emobox",
         "how clips are divided; emobox: the published folds by speaker of EmoBox (Ma et al., 2024), of "
         "RAVDESS six"),
    {ROW(SETTING_LIST, const char *, split, test_speakers, "", .separator = ',',
         .help = "of protocol=speaker: the test part's speakers; empty: as many as split.test says")},
    {ROW(SETTING_LIST, const char *, split, validation_speakers, "", .separator = ',', .help = "likewise")},
    NUMBER(split, test, "0.2", 0, MANY, "test part: a fraction below 1, or a number of clips"),
    NUMBER(split, validation, "0", 0, MANY, "validation part of the whole: likewise; 0: none"),
    INTEGER(split, seed, "101", 0, SEEDS, "random_state of the split"),
    {ROW(SETTING_INTEGER, int64_t, split, folds, "0", .word = "speakers", .minimum = 0, .maximum = MANY,
         .help =
             "k-fold cross-validation; 0: a single split; speakers: of protocol=speaker, each speaker is a "
             "fold (leave one speaker out)")},
    INTEGER(split, fold, "0", 0, MANY, "which fold is the test part, from 0"),
    PATH(split, file, "",
         "of protocol=predefined: CSV with the columns name (or path) and part; empty: as the corpus says"),
    NAME(split, copies, "auto", "auto|drop|keep",
         "clips to train on that sound like one of the test or validation part, and to validate on like one "
         "of the test part: left out, or kept and reported; auto: kept in a known corpus by itself, as "
         "published results have them, else left out"),
    BOOL(split, recordings_together, "yes",
         "of protocol=stratified: the clips of one recording (start and end in a list) are in one part"),

    NAME(model, kind, "encoder", "encoder|cnn|vggish|deepmoji|linear",
         "encoder: a pretrained speech encoder with a new head; linear: a classifier on fixed features "
         "([linear])"),
    MODEL(
        model, pretrained, "",
        "model directory, or a config.json alone for random weights, or OWNER/NAME of the Hugging Face hub; "
        "linear needs none"),
    TEXT(model, revision, "main", "of a model of the hub: a branch, tag or commit"),
    MODEL(model, head_from, "",
          "a run, model directory or sweep (of that, the run named alike) to take pooling, layers and head "
          "from (linear probing, then fine-tuning: Kumar et al., 2022); empty: a new head, or "
          "model.pretrained's where it has the same labels"),
    TEXT(model, layer, "last",
         "hidden states to pool: last, weighted (a learned sum, as SUPERB), a layer's number, or several "
         "side by side, as 2,3,4"),
    NAME(model, pooling, "mean", "mean|sum|max|first|last|statistics|attention|attentive_statistics|mean+max",
         "how frames are pooled over time"),
    CHOICE(pooling_padding, model, pooling_padding, "exclude", "exclude|include",
           "include: pool over the padding too, as the reference did"),
    NUMBER(model, context_seconds, "", 0, 30,
           "Whisper: shorter clips are zero-padded to this many seconds; empty: 5 in training, 30 for "
           "published models"),
    CHOICE(automatic, model, attention_mask, "auto", "auto|yes|no",
           "hide padding from the encoder; auto: yes, but for group-norm checkpoints with "
           "pooling_padding=include"),
    CHOICE(
        head_kind, model, head, "dense", "dense|linear|projector|relu",
        "of an encoder, from the pooled vector to labels: a dense layer, tanh and an output layer; one layer "
        "alone; transformers' projector and classifier; a dense layer, ReLU and an output layer"),
    CHOICE(head_scale, model, head_scale, "none", "none|standard",
           "standard: the pooled vector of an encoder is scaled to zero mean and unit variance over the "
           "training "
           "clips, as measured before the first step"),
    TEXT(model, freeze, "feature_encoder",
         "none, feature_encoder, layers:N or encoder; of deepmoji also chain_thaw"),
    INTEGER(model, lora_rank, "0", 0, 4096,
            "above 0: train low-rank adapters (LoRA) on attention's projections, head and pooling, and "
            "nothing else of an "
            "encoder; checkpoints contain the merged weights"),
    NUMBER(model, lora_alpha, "16", 1e-9, 1e9, "adapters are scaled by alpha / rank"),
    LIST(model, lora_targets, "q_proj,v_proj", ',',
         "linear layers with adapters: of q_proj, k_proj, v_proj, out_proj and the feed-forward layers' "
         "intermediate_dense, output_dense"),
    CHOICE(task, model, task, "single_label", "single_label|multi_label|regression",
           "one label of several, any of several, or numbers"),
    BOOL(model, gradient_checkpointing, "no",
         "recompute each layer in the backward pass: less memory, a third more time"),
    NUMBER(model, hidden_dropout, "", 0, 1, "empty here and below: as the checkpoint's config.json says"),
    NUMBER(model, activation_dropout, "", 0, 1, "inside the feed-forward block"),
    NUMBER(model, attention_dropout, "", 0, 1, "of attention probabilities"),
    NUMBER(model, feat_proj_dropout, "", 0, 1, "after the feature projection"),
    NUMBER(model, final_dropout, "", 0, 1, "in the classifier head"),
    NUMBER(model, layerdrop, "", 0, 1, "probability of skipping a transformer layer in training"),
    {ROW(SETTING_TRI, enum tristate, model, apply_spec_augment, "",
         .help = "mask spans of frames and features in training")},
    NUMBER(model, mask_time_prob, "", 0, 1, "share of frames masked"),
    INTEGER(model, mask_time_length, "", 1, 1048576, "frames per span"),
    INTEGER(model, mask_time_min_masks, "", 0, 1048576, "spans at least"),
    NUMBER(model, mask_feature_prob, "", 0, 1, "share of features masked"),
    INTEGER(model, mask_feature_length, "", 1, 1048576, "features per span"),
    INTEGER(model, mask_feature_min_masks, "", 0, 1048576, "spans at least"),

    MODEL(linear, features, "egemaps",
          "of model.kind=linear: encoder (a layer of model.pretrained, averaged over time), egemaps, or a "
          "CSV of features: path, then a column each"),
    CHOICE(linear_classifier, linear, classifier, "auto", "auto|logistic_regression|svm",
           "auto: logistic_regression of an encoder, svm of other features; logistic_regression is ridge "
           "regression where numbers are learned"),
    TEXT(linear, layer, "auto",
         "of features=encoder: auto (chosen by cross-validation), or hidden states, as 2,3,4"),
    NAME(linear, pooling, "mean", "mean|mean+std|auto",
         "of features=encoder: over time, mean, or mean and standard deviation; auto: one of both, chosen "
         "likewise"),
    NAME(linear, combine, "none", "none|mean|concat",
         "of several layers: none (each is a candidate), mean (of their classifiers' probabilities), concat "
         "(one classifier on all)"),
    CHOICE(linear_scale, linear, scale, "standard", "standard|none|speaker",
           "standardise features by the training part (svm: always), or leave them; speaker: first, by all "
           "clips of their speaker, "
           "of the test part too, without labels: such a model cannot predict a recording by itself"),
    BOOL(linear, wccn, "no",
         "of logistic_regression and single_label: transform features so that clips of one label in the "
         "training part vary about alike in every direction (within-class covariance normalisation: Hatch et "
         "al., 2006)"),
    CHOICE(svm_kernel, linear, kernel, "auto", "auto|linear|rbf",
           "of svm; auto, here and below: by cross-validation in the training part"),
    TEXT(linear, C, "auto",
         "inverse strength of the penalty, or cost of errors: auto, or a number; of "
         "logistic_regression also several numbers to choose from"),
    NUMBER(linear, gamma, "", 1e-12, 1e6,
           "width of the rbf kernel, over standardised features; empty: likewise"),
    INTEGER(linear, folds, "5", 2, 100,
            "folds of the cross-validation; by speaker where speakers are known (svm: where the split is by "
            "speaker)"),

    INTEGER(train, epochs, "2", 0, MANY, "times through the training part"),
    INTEGER(train, max_steps, "0", 0, MANY, "optimizer steps at most; 0: as many as the epochs give"),
    INTEGER(train, batch_size, "2", 1, MANY, "clips per forward pass"),
    NUMBER(train, batch_seconds, "0", 0, MANY,
           "above 0: in place of batch_size, as many clips as fill so many seconds with their padding"),
    INTEGER(train, gradient_accumulation_steps, "2", 1, MANY,
            "batches per optimizer step, of all processes together"),
    INTEGER(
        train, concurrent_batches, "0", 0, 64,
        "batches of a step that run at the same time, each on its part of the processor's threads; 0: two in "
        "bfloat16, else one; two take more memory"),
    CHOICE(
        optimizer_kind, train, optimizer, "adamw", "adamw|adamw_8bit",
        "Loshchilov and Hutter, 2019; betas 0.9 0.999, eps 1e-8.  8bit: with moments in 8 bits, block-wise "
        "(Dettmers et al., 2022), a quarter of their memory"),
    NUMBER(train, learning_rate, "1e-4", 0, 1000, "the schedule's peak"),
    NUMBER(train, head_learning_rate, "", 0, 1000, "of the head and the pooling; empty: as learning_rate"),
    NUMBER(train, layer_decay, "1", 0, 1,
           "each layer of an encoder learns at this times the rate of the layer above it"),
    NUMBER(train, weight_decay, "0", 0, 1000, "decoupled"),
    NAME(train, lr_scheduler, "linear", "constant|linear|cosine|reduce_lr_on_plateau",
         "after the warm-up; reduce_lr_on_plateau: as PyTorch's, by eval.best_metric on the validation part"),
    INTEGER(train, warmup_steps, "0", 0, MANY, "steps over which the learning rate rises from 0"),
    NUMBER(train, warmup_ratio, "0", 0, 1, "above 0: in place of warmup_steps, this share of all steps"),
    INTEGER(train, plateau_patience, "10", 0, MANY,
            "reduce_lr_on_plateau: evaluations without improvement before the rate is reduced"),
    NUMBER(train, plateau_factor, "0.1", 0, 1,
           "reduce_lr_on_plateau: the learning rate is multiplied by this"),
    INTEGER(train, early_stopping_patience, "0", 0, MANY,
            "training ends after so many evaluations in a row that are no better than the best by "
            "eval.best_metric; "
            "needs a validation part; 0: never"),
    NUMBER(train, max_grad_norm, "1.0", 0, MANY, "gradients are clipped to this norm; 0: never"),
    INTEGER(train, max_nonfinite_steps, "5", 1, MANY,
            "training stops after so many steps in a row whose loss or gradients are not finite; such steps "
            "change "
            "nothing"),
    NAME(train, sampler, "random", "random|balanced|balanced_speakers",
         "random: every clip once an epoch; balanced: as many clips an epoch, every label as often (with "
         "replacement); "
         "balanced_speakers: and every speaker of a label"),
    BOOL(train, shuffle, "yes", "no: clips in the split's order"),
    BOOL(train, group_by_length, "no", "batches of clips of similar length"),
    BOOL(train, feature_cache, "no",
         "compute the output of a frozen feature encoder once for each clip and keep it in the cache, in "
         "float16; "
         "that of frozen layers too, where nothing in them is random (masks, dropout, layerdrop)"),
    INTEGER(train, log_steps, "20", 1, MANY, "training loss is logged as the mean over this many steps"),
    BOOL(train, class_weights, "no",
         "weigh classes by their inverse frequency in the training part; multi_label: clips with a label by "
         "those "
         "without, for each that has it"),
    NAME(train, loss, "auto", "auto|cross_entropy|focal|kl|mse|ccc",
         "auto: cross_entropy (binary for multi_label), mse for regression; focal: Lin et al., 2017; kl: "
         "divergence from the annotators' votes, where corpus.votes has kept them; ccc: 1 - concordance over "
         "a batch"),
    NUMBER(train, focal_gamma, "2", 0, 100, "of the focal loss"),
    NAME(
        train, auxiliary_task, "none", "none|sex|speaker|intensity|channel|text",
        "a second target to learn (multi-task learning: Caruana, 1997): an extra layer on the pooled vector, "
        "removed after training"),
    NUMBER(train, auxiliary_weight, "0.1", 1e-6, 100, "weight of the auxiliary loss; the main loss has 1"),
    NUMBER(train, ema_decay, "0", 0, 0.99999,
           "of an exponential moving average of the weights, which is then evaluated and saved as best; 0: "
           "none"),
    NUMBER(train, label_smoothing, "0", 0, 0.999, "share of the target spread over all classes"),

    NUMBER(augment, speed, "0", 0, 0.5, "training clips play up to so much slower or faster: 0.1"),
    NUMBER(augment, shift, "0", 0, 60, "training clips move in time by up to so many seconds"),
    NUMBER(augment, noise, "0", 0, 1, "probability that a training clip gets white noise"),
    NUMBER(augment, noise_snr, "10", -20, 100, "its signal-to-noise ratio at least, dB; up to 30 dB more"),
    {ROW(
        SETTING_PATHS, const char *, augment, distort, "", .separator = ' ', .colons = 2,
        .help =
            "a training clip gets one of these: noise:SNR[:FOLDER], room:RT60[:FOLDER], telephone, mp3:RATE, "
            "opus:RATE, gain:DB, pitch:SEMITONES, band:LOW-HIGH; a number may be a range: noise:0..20dB")},
    NUMBER(augment, distort_probability, "0.5", 0, 1, "probability that a clip is distorted"),
    NUMBER(augment, mixup, "0", 0, 1, "alpha of mixup: clips of a batch are mixed in pairs; 0: never"),

    INTEGER(eval, batch_size, "8", 1, MANY, "clips per forward pass"),
    INTEGER(eval, every_steps, "0", 0, MANY, "evaluate every so many optimizer steps; 0: never by steps"),
    INTEGER(eval, every_epochs, "1", 0, MANY, "evaluate every so many epochs; 0: only at the end"),
    NAME(eval, best_metric, "auto", METRIC_CHOICES "|last",
         "what the best checkpoint is chosen by; auto: accuracy, macro_f1 for multi_label, ccc for "
         "regression; last: the "
         "last checkpoint is taken"),
    BOOL(eval, temperature_scaling, "no",
         "divide a classifier's logits by the temperature that makes the validation part's labels likeliest "
         "(Guo et al., 2017)"),

    INTEGER(checkpoint, every_steps, "0", 0, MANY, "save every so many optimizer steps; 0: never by steps"),
    INTEGER(checkpoint, every_epochs, "1", 0, MANY, "save every so many epochs; 0: only at the end"),
    INTEGER(checkpoint, keep, "2", 1, MANY, "newest checkpoints kept, besides the best"),

    TEXT(report, baseline, "",
         "a run to compare with: its name or folder; of a sweep its run of the same setting, seed and fold"),
    BOOL(report, audio, "yes", "the sound of the worst mistakes inside report.html"),

    LIST(sweep, grid, "", ' ', "of emotrain sweep: section.key=a,b,c, several separated by blanks"),
    BOOL(sweep, folds, "no",
         "run every fold of the split and pool the predictions of a setting over all folds (also --folds "
         "all)"),
    LIST(sweep, seeds, "", ',', "run.seed of each setting's runs; empty: run.seed alone"),
    INTEGER(sweep, jobs, "1", 1, 4096, "runs at a time; each gets its part of the processors"),
    NAME(sweep, metric, "", METRIC_CHOICES,
         "what settings are compared by, on the test part or as sweep.search says; empty: eval.best_metric"),
    CHOICE(sweep_search, sweep, search, "grid", "grid|random|halving",
           "grid: all settings, ranked on the test part; random: sweep.trials of them, chosen by run.seed, "
           "ranked "
           "on the validation part; halving: those, of which the best third on the validation part trains "
           "three times as long, and so on, the last for train.epochs (Jamieson and Talwalkar, 2016)"),
    INTEGER(sweep, trials, "0", 0, 100000, "how many settings of the grid random and halving try; 0: all"),
    NUMBER(sweep, hours, "0", 0, 1e6, "no run begins after so long; the same command goes on; 0: no limit"),

    {ROW(SETTING_PATHS, const char *, compare, models, "", .separator = ' ',
         .help = "of emotrain compare: configuration files, one for each model, separated by blanks; "
                 "FILE:section.key=value is one with another value")},
    BOOL(compare, ensemble, "no",
         "one row more: the unweighted mean of all models' predictions (of multi_label, labels above 0.5)"),
};

const size_t SETTINGS_COUNT = sizeof SETTINGS / sizeof SETTINGS[0];

const char *const PRECISION_NAMES[] = {"auto", "float32", "bfloat16", "float16"};

/* ---- names of old ---- */

static const struct {
    const char *old, *now;
} RENAMED[] = {
    {"model.problem", "model.task"},
    {"model.layers", "model.layer"},
    {"model.features", "linear.features"},
    {"model.svm_kernel", "linear.kernel"},
    {"model.svm_c", "linear.C"},
    {"model.svm_gamma", "linear.gamma"},
    {"model.svm_folds", "linear.folds"},
    {"train.accumulate", "train.gradient_accumulation_steps"},
    {"train.clip_norm", "train.max_grad_norm"},
    {"train.schedule", "train.lr_scheduler"},
    {"train.average", "train.ema_decay"},
    {"train.bad_steps", "train.max_nonfinite_steps"},
    {"train.feature_store", "train.feature_cache"},
    {"train.lr", "train.learning_rate"},
    {"train.scheduler", "train.lr_scheduler"},
    {"train.patience", "train.early_stopping_patience"},
    {"train.early_stopping", "train.early_stopping_patience"},
    {"train.seed", "run.seed"},
    {"train.precision", "run.precision"},
    {"train.device", "run.device"},
    {"corpus.map", "corpus.label_map"},
    {"corpus.path", "corpus.root"},
    {"optim.lr", "train.learning_rate"},
    {"sweep.grid_2", "sweep.grid"},
    {"sweep.grid_3", "sweep.grid"},
    {"sweep.grid_4", "sweep.grid"},
    {"compare.models_2", "compare.models"},
    {"compare.models_3", "compare.models"},
};

const char *setting_renamed(const char *section, const char *key)
{
    size_t length = strlen(section);

    for (size_t i = 0; i < sizeof RENAMED / sizeof RENAMED[0]; i++)
        if (strncmp(RENAMED[i].old, section, length) == 0 && RENAMED[i].old[length] == '.' &&
            strcmp(RENAMED[i].old + length + 1, key) == 0)
            return RENAMED[i].now;
    return NULL;
}

int settings_rate(const struct audio_settings *audio)
{
    return audio->sample_rate == SETTING_WORD ? 0 : (int)audio->sample_rate;
}

/* ---- values ---- */

int setting_choice(const char *choices, const char *value)
{
    size_t length = strlen(value);
    int index = 0;

    for (const char *at = choices; length; index++) {
        size_t width = strcspn(at, "|");
        if (width == length && strncmp(at, value, length) == 0)
            return index;
        if (!at[width])
            break;
        at += width + 1;
    }
    return -1;
}

bool setting_bool(const char *value, bool *truth)
{
    static const char *const yes[] = {"yes", "true", "on", "1"}, *const no[] = {"no", "false", "off", "0"};

    for (size_t i = 0; i < 4; i++) {
        if (strcmp(value, yes[i]) == 0 || strcmp(value, no[i]) == 0) {
            *truth = strcmp(value, yes[i]) == 0;
            return true;
        }
    }
    return false;
}

void setting_store(const struct setting *setting, const char *value, void *base)
{
    void *field = (char *)base + setting->offset;
    long long integer = SETTING_UNSET;
    double number = (double)NAN;
    bool truth = false;
    int choice;

    switch (setting->type) {
    case SETTING_TEXT:
    case SETTING_PATH:
    case SETTING_MODEL:
    case SETTING_NAME:
    case SETTING_LIST:
    case SETTING_PATHS:
        *(const char **)field = value;
        break;
    case SETTING_INTEGER:
        if (!text_to_integer(value, &integer) && setting->word && strcmp(value, setting->word) == 0)
            integer = SETTING_WORD;
        *(int64_t *)field = integer;
        break;
    case SETTING_NUMBER:
        text_to_number(value, &number);
        *(double *)field = number;
        break;
    case SETTING_BOOL:
        setting_bool(value, &truth);
        *(bool *)field = truth;
        break;
    case SETTING_TRI:
        choice = !setting_bool(value, &truth) ? TRI_UNSET : truth ? TRI_YES : TRI_NO;
        memcpy(field, &choice, sizeof choice); /* an enum is as large as an int */
        break;
    case SETTING_CHOICE:
        choice = setting_choice(setting->choices, value);
        memcpy(field, &choice, sizeof choice);
        break;
    }
}

_Static_assert(sizeof(enum tristate) == sizeof(int) && sizeof(enum precision) == sizeof(int),
               "setting_store");

/* ---- defaults ---- */

static struct corpus_settings default_corpus = {.name = ""};
static struct settings defaults = {.corpora = {.items = &default_corpus, .count = 1}};

static void make_defaults(void)
{
    for (size_t i = 0; i < SETTINGS_COUNT; i++)
        setting_store(&SETTINGS[i], SETTINGS[i].fallback,
                      SETTINGS[i].of_each_corpus ? (void *)&default_corpus : (void *)&defaults);
    defaults.corpora.task = defaults.model.task;
    defaults.corpora.channel = defaults.audio.channel;
    defaults.corpora.min_seconds = defaults.audio.min_seconds;
}

const struct settings *settings_default(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_defaults);
    return &defaults;
}
