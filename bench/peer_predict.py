#!/usr/bin/env python3
"""Prediction by the peers of bench/predict_speed.py: transformers' encoder with a mean over frames and a linear head, by PyTorch
or ONNX Runtime, in float32 on the CPU.

    bench/peer_predict.py --size CONFIG.json --batch N --lengths-file F [--engine torch|onnxruntime] [--sorted] [--threads N]

CONFIG.json gives family and shape; weights are random, sounds are noise of the lengths in F (samples at 16 kHz, one a line).
--sorted takes clips from long to short, which pads least; else they come as in F.  Each batch is padded to its longest clip, with
a mask; Whisper's are lengthened to 30 s, as transformers does, with --sorted to the longest alone.  Prints one line of JSON: clips_per_s over all clips after one batch that is not counted, and peak_memory_mib."""
import argparse, json, os, resource, tempfile, time

ap = argparse.ArgumentParser()
ap.add_argument("--size", required=True)
ap.add_argument("--batch", type=int, default=8)
ap.add_argument("--lengths-file", required=True)
ap.add_argument("--engine", choices=["torch", "onnxruntime"], default="torch")
ap.add_argument("--sorted", action="store_true")
ap.add_argument("--threads", type=int)
a = ap.parse_args()

import torch
from transformers import AutoConfig, AutoModel, WhisperFeatureExtractor

if a.threads:
    torch.set_num_threads(a.threads)
torch.manual_seed(101)
given = json.load(open(a.size))
given.pop("architectures", None), given.pop("torch_dtype", None), given.pop("dtype", None)
config = AutoConfig.for_model(given.pop("model_type", "wav2vec2"), **given)
config.apply_spec_augment = False
is_whisper = config.model_type == "whisper"


class Classifier(torch.nn.Module):
    """Sounds (clips, samples) and mask, or log-mel (clips, bands, frames) -> logits (clips, 8)."""

    def __init__(self):
        super().__init__()
        net = AutoModel.from_config(config)
        self.net = net.encoder if is_whisper else net
        self.head = torch.nn.Linear(config.hidden_size, 8)

    def forward(self, values, mask=None):
        if is_whisper:
            return self.head(self.whisper_states(values).mean(1))
        hidden = self.net(values, attention_mask=mask).last_hidden_state
        frames = self.net._get_feature_vector_attention_mask(hidden.shape[1], mask)[..., None].to(hidden.dtype)
        return self.head((hidden * frames).sum(1) / frames.sum(1))

    def whisper_states(self, values):
        """transformers' encoder refuses clips that are not 30 s: the same modules in the same order."""
        net = self.net
        x = torch.nn.functional.gelu(net.conv1(values))
        x = torch.nn.functional.gelu(net.conv2(x)).permute(0, 2, 1)
        x = x + net.embed_positions.weight[: x.shape[1]]
        for layer in net.layers:
            x = layer(x, None)
            x = x[0] if isinstance(x, tuple) else x
        return net.layer_norm(x)


model = Classifier().eval()
if is_whisper:
    extractor = WhisperFeatureExtractor(feature_size=config.num_mel_bins)
lengths = [int(line) for line in open(a.lengths_file)]
if a.sorted:
    lengths.sort(reverse=True)
clips = [0.1 * torch.randn(n) for n in lengths]


def inputs_of(chosen):
    samples = torch.nn.utils.rnn.pad_sequence(chosen, batch_first=True)
    if not is_whisper:
        return samples, (torch.arange(samples.shape[1])[None] < torch.tensor([len(c) for c in chosen])[:, None]).long()
    made = extractor([c.numpy() for c in chosen], sampling_rate=16000, return_tensors="pt", padding="longest" if a.sorted else "max_length")
    values = made["input_features"]
    return (torch.nn.functional.pad(values, (0, values.shape[-1] % 2)),)


def by_torch():
    def run(values):
        with torch.inference_mode():
            return model(*values)

    return run


def by_onnxruntime():
    import onnxruntime

    names = ["values"] if is_whisper else ["values", "mask"]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        axes = {"values": {0: "clips", 2: "frames"}} if is_whisper else {n: {0: "clips", 1: "samples"} for n in names}
        torch.onnx.export(model, inputs_of(clips[:2]), path, input_names=names, output_names=["logits"],
                          dynamic_axes=axes, opset_version=17, dynamo=False)
        options = onnxruntime.SessionOptions()
        if a.threads:
            options.intra_op_num_threads = a.threads
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda values: session.run(None, {n: v.numpy() for n, v in zip(names, values)})


run = {"torch": by_torch, "onnxruntime": by_onnxruntime}[a.engine]()
run(inputs_of(clips[: a.batch]))
started = time.perf_counter()
for first in range(0, len(clips), a.batch):
    run(inputs_of(clips[first : first + a.batch]))
seconds = time.perf_counter() - started
print(json.dumps({"clips_per_s": len(clips) / seconds, "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
