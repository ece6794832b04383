/*
 * Every configuration key: its type, default, range and meaning.  A run's config.ini lists them in this
 * order.  An empty default means "not set"; what then happens is said in the help.
 */
#include "base/config.h"

#define MANY 1e9 /* no limit in practice */
#define FIGURE_CHOICES                                                                                       \
    "auto|accuracy|uar|macro_f1|micro_f1|weighted_f1|macro_auc|map|ccc|pearson|mae|rmse|eval_loss"
#define SEEDS 4294967295.0 /* 2^32 - 1, as NumPy takes them */

#define TEXT(section, key, fallback, help)                                                                   \
    {                                                                                                        \
        section, key, fallback, SETTING_TEXT, 0, 0, NULL, help                                               \
    }
#define INTEGER(section, key, fallback, low, high, help)                                                     \
    {                                                                                                        \
        section, key, fallback, SETTING_INTEGER, low, high, NULL, help                                       \
    }
#define NUMBER(section, key, fallback, low, high, help)                                                      \
    {                                                                                                        \
        section, key, fallback, SETTING_NUMBER, low, high, NULL, help                                        \
    }
#define BOOL(section, key, fallback, help)                                                                   \
    {                                                                                                        \
        section, key, fallback, SETTING_BOOL, 0, 0, NULL, help                                               \
    }
#define CHOICE(section, key, fallback, choices, help)                                                        \
    {                                                                                                        \
        section, key, fallback, SETTING_CHOICE, 0, 0, choices, help                                          \
    }

/* A corpus beside the first: to train on some and test on others. */
#define MORE_CORPUS(section)                                                                                 \
    TEXT(section, "root", "", "another corpus' folder; empty: none.  Here and below as in [corpus]"),        \
        TEXT(section, "kind", "ravdess", ""), TEXT(section, "file", "", ""),                                 \
        TEXT(section, "columns", "", ""), TEXT(section, "map", "", ""),                                      \
        CHOICE(section, "part", "split", "split|train|validation|test", "")

/* Tables of handlers (corpora, models, poolings, protocols) check their own names: those keys are TEXT. */

const struct setting SETTINGS[] = {
    TEXT("run", "name", "", "the run's name; empty: the configuration file's name and the time"),
    TEXT("run", "directory", "runs", "folder that holds the run folders"),
    TEXT("run", "database", "runs/emotrain.db", "the catalogue (SQLite)"),
    INTEGER("run", "seed", "101", 0, SEEDS, "initialisation, clip order, dropout, masks"),
    TEXT("run", "device", "auto", "auto, cpu, cuda or cuda:N"),
    INTEGER("run", "threads", "0", 0, 4096, "0: every processor this process may use"),
    INTEGER("run", "timeout", "1800", 1, MANY,
            "seconds for which processes that train together wait for one another"),
    CHOICE("run", "precision", "auto", "auto|float32|bfloat16|float16",
           "auto: bfloat16 where the hardware multiplies it natively, else float32"),

    TEXT("corpus", "kind", "ravdess",
         "ravdess, emodb, savee, crema-d, tess, emoreact, folders (a folder per label) or csv"),
    TEXT("corpus", "root", "datasets/ravdess", "folder of the recordings"),
    TEXT("corpus", "file", "", "of kind=csv: the list, with the columns path, label and more"),
    TEXT("corpus", "columns", "", "of kind=csv: other names of its columns: path=file label=emotion"),
    TEXT("corpus", "map", "", "labels to rename, merge or leave out: joy=happy, elation=happy, other=-"),
    CHOICE("corpus", "part", "split", "split|train|validation|test",
           "split: parts as [split] says; else all its clips"),
    TEXT("corpus", "labels", "", "labels to use, in their order, separated by commas; empty: all, sorted"),
    MORE_CORPUS("corpus_2"),
    MORE_CORPUS("corpus_3"),
    MORE_CORPUS("corpus_4"),
    BOOL("corpus", "strict", "no", "stop if any file is broken, instead of leaving it out"),
    TEXT("corpus", "note", "", "a remark on the corpus that every report repeats"),

    INTEGER("audio", "sample_rate", "16000", 1000, 384000, "Hz after resampling"),
    CHOICE("audio", "resampler", "sinc_best", "sinc_best|sinc_medium|sinc_fastest|linear",
           "libsamplerate's converter"),
    CHOICE("audio", "normalize", "auto", "auto|yes|no",
           "zero mean and unit variance over each clip; auto: as the model takes it in"),
    NUMBER("audio", "max_seconds", "0", 0, MANY,
           "longer clips are cut to their beginning; predict hears them in windows; 0: never"),
    TEXT("audio", "cache", "", "folder of decoded, resampled clips; empty: cache/ beside the database"),

    TEXT("split", "protocol", "stratified", "stratified, speaker or predefined"),
    NUMBER("split", "test", "0.2", 0, MANY, "test part: a fraction below 1, or a number of clips"),
    NUMBER("split", "validation", "0", 0, MANY, "validation part of the whole: likewise; 0: none"),
    INTEGER("split", "seed", "101", 0, SEEDS, "random_state of the split"),
    INTEGER("split", "folds", "0", 0, MANY, "k-fold cross-validation; 0: a single split"),
    INTEGER("split", "fold", "0", 0, MANY, "which fold is the test part, from 0"),
    TEXT("split", "file", "",
         "of protocol=predefined: CSV with the columns name (or path) and part; empty: as the corpus says"),

    TEXT("model", "kind", "wav2vec2", "wav2vec2, cnn, vggish, deepmoji or svm"),
    TEXT("model", "pretrained", "",
         "model directory, or a config.json alone for random weights, or OWNER/NAME of the Hugging Face hub; "
         "an svm "
         "needs none"),
    TEXT("model", "revision", "main", "of a model of the hub: a branch, tag or commit"),
    TEXT("model", "layers", "last",
         "hidden states to merge: last, weighted (learned, as SUPERB), or a layer's number"),
    TEXT("model", "pooling", "mean",
         "merge strategy over time: mean, sum, max, first, last, statistics, attention, "
         "attentive_statistics, mean+max"),
    CHOICE("model", "pooling_padding", "exclude", "exclude|include",
           "include: merge over the padding too, as the reference did"),
    CHOICE("model", "attention_mask", "auto", "auto|yes|no",
           "hide padding from the encoder; auto: yes, but for group-norm checkpoints with "
           "pooling_padding=include"),
    CHOICE("model", "head", "dense", "dense|linear",
           "of a wav2vec2, from the merged vector to labels: a dense layer, tanh and another, or one layer "
           "alone (which "
           "emotrain export --as sequence-classification asks for)"),
    TEXT("model", "freeze", "feature_encoder",
         "none, feature_encoder, layers:N or encoder; of deepmoji also chain_thaw"),
    INTEGER("model", "lora_rank", "0", 0, 4096,
            "above 0: train low-rank adapters (LoRA) on attention's projections, beside head and merge "
            "strategy, and "
            "nothing else of a wav2vec2; checkpoints have them merged in"),
    NUMBER("model", "lora_alpha", "16", 1e-9, 1e9, "adapters count alpha / rank times"),
    TEXT("model", "lora_targets", "q_proj,v_proj", "which: of q_proj, k_proj, v_proj, out_proj"),
    CHOICE("model", "problem", "single_label", "single_label|multi_label|regression",
           "one label of several, any of several, or numbers"),
    TEXT("model", "features", "egemaps",
         "of kind=svm: egemaps, or a CSV of features: path, then a column each"),
    CHOICE("model", "svm_kernel", "auto", "auto|linear|rbf",
           "auto, here and below: by cross-validation in the train part"),
    NUMBER("model", "svm_c", "", 1e-9, 1e9, "cost of mistakes; empty: by cross-validation"),
    NUMBER("model", "svm_gamma", "", 1e-12, 1e6,
           "width of the rbf kernel, over standardised features; empty: likewise"),
    INTEGER("model", "svm_folds", "5", 2, 100, "folds of that; by speaker where the split is"),
    BOOL("model", "gradient_checkpointing", "no",
         "recompute each layer in the backward pass: less memory, a third more time"),
    NUMBER("model", "hidden_dropout", "", 0, 1, "empty here and below: as the checkpoint's config.json says"),
    NUMBER("model", "activation_dropout", "", 0, 1, "inside the feed-forward block"),
    NUMBER("model", "attention_dropout", "", 0, 1, "of attention probabilities"),
    NUMBER("model", "feat_proj_dropout", "", 0, 1, "after the feature projection"),
    NUMBER("model", "final_dropout", "", 0, 1, "in the classifier head"),
    NUMBER("model", "layerdrop", "", 0, 1, "probability of skipping a transformer layer in training"),
    BOOL("model", "apply_spec_augment", "", "mask spans of frames and features in training"),
    NUMBER("model", "mask_time_prob", "", 0, 1, "share of frames masked"),
    INTEGER("model", "mask_time_length", "", 1, 1048576, "frames per span"),
    INTEGER("model", "mask_time_min_masks", "", 0, 1048576, "spans at least"),
    NUMBER("model", "mask_feature_prob", "", 0, 1, "share of features masked"),
    INTEGER("model", "mask_feature_length", "", 1, 1048576, "features per span"),
    INTEGER("model", "mask_feature_min_masks", "", 0, 1048576, "spans at least"),

    INTEGER("train", "epochs", "2", 0, MANY, "passes over the training part"),
    INTEGER("train", "max_steps", "0", 0, MANY, "optimizer steps at most; 0: as many as the epochs give"),
    INTEGER("train", "batch_size", "2", 1, MANY, "clips per forward pass"),
    NUMBER("train", "batch_seconds", "0", 0, MANY,
           "above 0: in place of batch_size, as many clips as fill so many seconds with their padding"),
    INTEGER("train", "accumulate", "2", 1, MANY,
            "batches per optimizer step, of all processes together; a step's clips are dealt evenly to them"),
    INTEGER(
        "train", "concurrent_batches", "0", 0, 64,
        "passes of a step that run at the same time, each on its share of the processor's threads; 0: two "
        "in bfloat16, else one; two take more memory"),
    CHOICE(
        "train", "optimizer", "adamw", "adamw|adamw_8bit",
        "Loshchilov and Hutter, 2019; betas 0.9 0.999, eps 1e-8.  8bit: with moments in 8 bits, block-wise "
        "(Dettmers et al., 2022), a quarter of their memory"),
    NUMBER("train", "learning_rate", "1e-4", 0, 1000, "the schedule's peak"),
    NUMBER("train", "weight_decay", "0", 0, 1000, "decoupled"),
    TEXT("train", "schedule", "linear", "constant, linear or cosine"),
    INTEGER("train", "warmup_steps", "0", 0, MANY, "steps over which the learning rate rises from 0"),
    NUMBER("train", "clip_norm", "1.0", 0, MANY, "gradients are clipped to this norm; 0: never"),
    INTEGER("train", "bad_steps", "5", 1, MANY,
            "training stops after so many steps in a row whose loss or gradients are not finite; each is "
            "left out"),
    BOOL("train", "shuffle", "yes", "no: clips in the split's order"),
    BOOL("train", "group_by_length", "no", "batches of clips of like length"),
    BOOL("train", "feature_store", "no",
         "keep what a frozen feature encoder makes of each clip in the cache, in float16, and compute it "
         "once; what frozen layers make too, where nothing is drawn in them (no masks, dropout, layerdrop)"),
    INTEGER("train", "log_steps", "20", 1, MANY, "training loss is logged as the mean over this many steps"),
    BOOL("train", "class_weights", "no", "weigh classes by their inverse frequency in the training part"),
    CHOICE(
        "train", "loss", "auto", "auto|cross_entropy|mse|ccc",
        "auto: cross_entropy (of multi_label: binary), of regression mse; ccc: 1 - concordance over a batch"),
    NUMBER("train", "average", "0", 0, 0.99999,
           "decay of a moving average of the weights, which is what is evaluated and saved as best; 0: none"),
    NUMBER("train", "label_smoothing", "0", 0, 0.999, "share of the target spread over all classes"),

    NUMBER("augment", "speed", "0", 0, 0.5, "training clips play up to so much slower or faster: 0.1"),
    NUMBER("augment", "shift", "0", 0, 60, "training clips move in time by up to so many seconds"),
    NUMBER("augment", "noise", "0", 0, 1, "probability that a training clip gets white noise"),
    NUMBER("augment", "noise_snr", "10", -20, 100,
           "its signal-to-noise ratio at least, dB; up to 30 dB more"),
    NUMBER("augment", "mixup", "0", 0, 1, "alpha of mixup: clips of a batch are mixed in pairs; 0: never"),

    INTEGER("eval", "batch_size", "8", 1, MANY, "clips per forward pass"),
    INTEGER("eval", "every_steps", "0", 0, MANY, "evaluate every so many optimizer steps; 0: never by steps"),
    INTEGER("eval", "every_epochs", "1", 0, MANY, "evaluate every so many epochs; 0: only at the end"),
    CHOICE(
        "eval", "best_metric", "auto", FIGURE_CHOICES "|last",
        "what the best checkpoint is chosen by; auto: accuracy, of multi_label macro_f1, of regression ccc; "
        "last: not at all, the last is taken"),

    INTEGER("checkpoint", "every_steps", "0", 0, MANY,
            "save every so many optimizer steps; 0: never by steps"),
    INTEGER("checkpoint", "every_epochs", "1", 0, MANY, "save every so many epochs; 0: only at the end"),
    INTEGER("checkpoint", "keep", "2", 1, MANY, "newest checkpoints kept, besides the best"),

    TEXT("report", "baseline", "", "a run to say what changed against: its name or folder"),
    BOOL("report", "audio", "yes", "the sound of the worst mistakes inside report.html"),

    TEXT("sweep", "grid", "", "of emotrain sweep: section.key=a,b,c, several separated by blanks"),
    TEXT("sweep", "grid_2", "", "more of it, and below"),
    TEXT("sweep", "grid_3", "", ""),
    TEXT("sweep", "grid_4", "", ""),
    BOOL("sweep", "folds", "no",
         "run every fold of split.folds; a setting's answers over all folds, each clip's once, are taken "
         "together"),
    TEXT("sweep", "seeds", "", "run.seed of each setting's runs, separated by commas; empty: run.seed alone"),
    TEXT("compare", "models", "",
         "of emotrain compare: configuration files, one for each model, separated by blanks"),
    TEXT("compare", "models_2", "", "more of them"),
    TEXT("compare", "models_3", "", ""),

    INTEGER("sweep", "jobs", "1", 1, 4096, "runs at a time; each gets its share of the processors"),
    CHOICE("sweep", "metric", "", FIGURE_CHOICES,
           "what settings are compared by, on the test part; empty: eval.best_metric"),
};

const size_t SETTINGS_COUNT = sizeof SETTINGS / sizeof SETTINGS[0];
