#!/usr/bin/python3
"""Holds an exported Wav2Vec2ForSequenceClassification against an independent loader (torchaudio's
import_huggingface_model, from Debian's python3-torchaudio):

    build/emotrain export RUN MODEL --as sequence-classification
    build/emotrain predict RUN SOUND... --format csv --set run.precision=float32 -o predictions.csv
    bench/export_agreement.py MODEL predictions.csv

The sounds must be at the model's rate.  Prints the largest difference of a probability; status 1 above 1e-4."""
import csv, json, os, struct, sys
from types import SimpleNamespace

import numpy, soundfile, torch
from torchaudio.models.wav2vec2.utils import import_huggingface_model


def read_safetensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    return {
        name: torch.from_numpy(numpy.frombuffer(data, "<f4", offset=e["data_offsets"][0],
                                                count=(e["data_offsets"][1] - e["data_offsets"][0]) // 4)
                               .reshape(e["shape"]).copy())
        for name, e in header.items() if name != "__metadata__"
    }


def part(weights, prefix):
    return SimpleNamespace(state_dict=lambda: {n[len(prefix):]: t for n, t in weights.items() if n.startswith(prefix)})


class Wav2Vec2Model:
    """What import_huggingface_model reads of transformers' class of this name."""

    def __init__(self, config, weights):
        self.config = SimpleNamespace(**config)
        self.feature_extractor = part(weights, "wav2vec2.feature_extractor.")
        self.feature_projection = part(weights, "wav2vec2.feature_projection.")
        self.encoder = part(weights, "wav2vec2.encoder.")


folder, predictions = sys.argv[1:3]
config = json.load(open(os.path.join(folder, "config.json")))
preprocessor = json.load(open(os.path.join(folder, "preprocessor_config.json")))
assert config["architectures"] == ["Wav2Vec2ForSequenceClassification"] and not config["use_weighted_layer_sum"]
for name in ("feat_proj_dropout", "attention_dropout", "activation_dropout", "hidden_dropout", "layerdrop"):
    config.setdefault(name, 0.0)
weights = read_safetensors(os.path.join(folder, "model.safetensors"))
model = import_huggingface_model(Wav2Vec2Model(config, weights)).eval()

largest, clips = 0.0, 0
with torch.no_grad():
    for row in csv.DictReader(open(predictions)):
        samples, rate = soundfile.read(row["path"], dtype="float32")
        assert rate == preprocessor["sampling_rate"], "sounds must be at the model's rate"
        x = torch.from_numpy(samples)[None]
        if preprocessor["do_normalize"]:
            x = (x - x.mean()) / torch.sqrt(x.var(unbiased=False) + 1e-7)
        hidden = model(x)[0] @ weights["projector.weight"].T + weights["projector.bias"]
        logits = hidden.mean(1) @ weights["classifier.weight"].T + weights["classifier.bias"]
        for label, p in zip((config["id2label"][str(k)] for k in range(logits.shape[1])), logits.softmax(-1)[0]):
            largest = max(largest, abs(float(row[label]) - float(p)))
        clips += 1
print(f"{clips} clips: probabilities at most {largest:.2g} apart")
sys.exit(clips == 0 or largest > 1e-4)
