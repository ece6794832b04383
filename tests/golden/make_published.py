#!/usr/bin/env python3
"""Makes encoders/odyssey_wavlm/ and encoders/speechbrain_wav2vec2/: random tiny models in the layouts that these authors publish in, and
what they must compute, as make_encoders.py does of transformers' classes (which see for the files).

    venv/bin/python tests/golden/make_published.py

The heads are written after the authors' code: github.com/MSP-UTD/MSP-Podcast_Challenge (net/pooling.py, net/ser.py) and
github.com/speechbrain/speechbrain (recipes/IEMOCAP, nnet/pooling.py, integrations/huggingface/wav2vec2.py; the noise of 1e-5 that its
StatisticsPooling adds is left out).  Each clip runs alone, without padding."""
import json, os, shutil, types, zlib

import torch, transformers
from torch.nn.functional import cross_entropy, layer_norm

from make_encoders import EVEN, GROUP, HERE, LAYER, OFF, RAGGED, clips, finish, hidden_last, randomise, train

LABELS = ["Angry", "Sad", "Happy"]
MEAN, STD = 0.0123, 0.087


class Odyssey(torch.nn.Module):
    """WavLM, attentive statistics over time, one hidden layer with a layer norm, an output layer."""

    def __init__(self, config):
        super().__init__()
        width = config.hidden_size
        self.ssl_model = transformers.WavLMModel(config)
        self.pool_model = torch.nn.Module()
        self.pool_model.sap_linear = torch.nn.Linear(width, width)
        self.pool_model.attention = torch.nn.Parameter(torch.zeros(width, 1))
        self.ser_model = torch.nn.Module()
        self.ser_model.fc = torch.nn.ModuleList([torch.nn.Sequential(torch.nn.Linear(2 * width, width), torch.nn.LayerNorm(width))])
        self.ser_model.out = torch.nn.Sequential(torch.nn.Linear(width, len(LABELS)))

    def prepare(self, wave):
        return (wave - MEAN) / (STD + 1e-6)

    def classify(self, hidden):
        x = hidden[0]
        share = (torch.tanh(self.pool_model.sap_linear(x)) @ self.pool_model.attention).softmax(0)
        mean = (share * x).sum(0)
        deviation = ((share * x * x).sum(0) - mean ** 2).clamp(min=1e-5).sqrt()
        return self.ser_model.out(self.ser_model.fc[0](torch.cat([mean, deviation])).relu())

    def base(self):
        return self.ssl_model

    def save(self, folder):
        torch.save(self.state_dict(), f"{folder}/pytorch_model.bin")
        sizes = {k: v for k, v in self.ssl_model.config.to_diff_dict().items() if k != "model_type"}
        json.dump(sizes | dict(model_type="ser", ssl_type="microsoft/wavlm-large", mean=MEAN, std=STD, sampling_rate=16000,
                               classifier_hidden_layers=1, num_classes=len(LABELS), id2label=dict(enumerate(LABELS))),
                  open(f"{folder}/config.json", "w"), indent=1)


class SpeechBrain(torch.nn.Module):
    """wav2vec 2.0 whose last hidden state is normed over time and values, the mean over time, a matrix."""

    def __init__(self, config):
        super().__init__()
        self.model = transformers.Wav2Vec2Model(config)
        self.mlp = torch.nn.ModuleList([torch.nn.Module()])
        self.mlp[0].w = torch.nn.Linear(config.hidden_size, len(LABELS), bias=False)

    def prepare(self, wave):
        return layer_norm(wave, wave.shape)

    def classify(self, hidden):
        return self.mlp[0].w(layer_norm(hidden, hidden.shape[1:])[0].mean(0))

    def base(self):
        return self.model

    def named_parameters(self, *given, **named):
        for name, value in super().named_parameters(*given, **named):
            yield name.removeprefix("mlp."), value

    def save(self, folder):
        torch.save({"model." + k: v for k, v in self.model.state_dict().items()}, f"{folder}/wav2vec2.ckpt")
        torch.save(self.mlp.state_dict(), f"{folder}/model.ckpt")
        sizes = {k: v for k, v in self.model.config.to_diff_dict().items() if k != "model_type"}
        json.dump(sizes | {"speechbrain_interface": "EncoderWav2vecClassifier"}, open(f"{folder}/config.json", "w"), indent=1)
        open(f"{folder}/label_encoder.txt", "w").write(
            "".join(f"'{l}' => {i}\n" for i, l in enumerate(LABELS)) + "================\n'starting_index' => 0\n")
        open(f"{folder}/hyperparams.yaml", "w").write("""wav2vec2_hub: facebook/wav2vec2-base
encoder_dim: 768
wav2vec2: !new:speechbrain.lobes.models.huggingface_wav2vec.HuggingFaceWav2Vec2
    source: !ref <wav2vec2_hub>
    output_norm: True
    freeze: True
avg_pool: !new:speechbrain.nnet.pooling.StatisticsPooling
    return_std: False
output_mlp: !new:speechbrain.nnet.linear.Linear
    input_size: !ref <encoder_dim>
    bias: False
""")


class Alone(torch.nn.Module):
    """Clips that each run alone, and their mean cross entropy, as train() wants it."""

    def __init__(self, model):
        super().__init__()
        self.model, self.named_parameters = model, model.named_parameters

    def logits(self, sources):
        return torch.stack([self.model.classify(self.model.base()(s[None]).last_hidden_state) for s in sources])

    def forward(self, sources, labels):
        return types.SimpleNamespace(loss=cross_entropy(self.logits(sources), labels))


def write(name, model, lengths):
    folder, seed = os.path.join(HERE, name), zlib.crc32(name.encode())
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(f"{folder}/model")
    randomise(model.eval(), seed)
    model.save(f"{folder}/model")
    wave, labels = torch.from_numpy(clips(lengths, seed)), torch.arange(len(lengths)) * 2 % len(LABELS)
    sources = [model.prepare(w[:n]) for w, n in zip(wave, lengths)]
    data = {"waveform": wave, "lengths": torch.tensor(lengths), "labels": labels, "inputs": torch.zeros_like(wave)}
    for i, source in enumerate(sources):
        data["inputs"][i, :lengths[i]] = source
        with torch.no_grad():
            encoded = model.base()(source[None], output_hidden_states=True)
        data |= {f"hidden_{i}_{k}": h[0] for k, h in enumerate(encoded.hidden_states)}
    if hidden_last(encoded) != "last_hidden_state":
        data["last_hidden_state"] = encoded.last_hidden_state
    with torch.no_grad():
        data["logits"] = Alone(model).logits(sources)
    data["loss"] = cross_entropy(data["logits"], labels)
    norms, losses = train(Alone(model), {"sources": sources}, labels)
    data |= {"losses": torch.tensor(losses), "grad_norm": torch.tensor([v for v in norms.values() if v is not None])}
    finish(folder, data, norms, hidden_last(encoded), type(model).__name__, transformers=transformers.__version__)


if __name__ == "__main__":
    torch.set_num_threads(1)
    eager = dict(attn_implementation="eager")
    write("odyssey_wavlm", Odyssey(transformers.WavLMConfig(**OFF, **LAYER, **eager, num_buckets=16, max_bucket_distance=40)), RAGGED)
    write("speechbrain_wav2vec2", SpeechBrain(transformers.Wav2Vec2Config(**OFF, **GROUP, **eager)), EVEN)
