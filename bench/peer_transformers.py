#!/usr/bin/env python3
"""The peer of bench/speed.py where transformers is installed: its encoder with our head in a Trainer-style loop, on a CUDA
card in bfloat16 where there is one.

    bench/peer_transformers.py DIRECTORY [--size CONFIG.json] --batch N --accumulate N --steps N [--threads N] --lengths-file F

CONFIG.json (default: configs/models/xlsr.json beside bench/) gives family and shape; weights are random.  Prints one line of
JSON, as speed.py says, with the peak memory, of the card where there is one."""
import argparse, json, os, resource, statistics, time

import torch
from transformers import AutoConfig, AutoModel, SeamlessM4TFeatureExtractor, WhisperFeatureExtractor

ap = argparse.ArgumentParser()
ap.add_argument("directory")
ap.add_argument("--size", default=os.path.join(os.path.dirname(__file__), "..", "configs", "models", "xlsr.json"))
ap.add_argument("--batch", type=int, default=2)
ap.add_argument("--accumulate", type=int, default=2)
ap.add_argument("--steps", type=int, default=4)
ap.add_argument("--threads", type=int)
ap.add_argument("--lengths-file", required=True)
a = ap.parse_args()
if a.threads:
    torch.set_num_threads(a.threads)
torch.manual_seed(101)
device = "cuda" if torch.cuda.is_available() else "cpu"
given = json.load(open(a.size))
for key in ("dtype", "torch_dtype"):  # weights are random: in float32
    given.pop(key, None)
config = AutoConfig.for_model(given.pop("model_type", "wav2vec2"), **given)
for name, value in (("hidden_dropout", 0.05), ("activation_dropout", 0.05), ("feat_proj_dropout", 0.05), ("layerdrop", 0.05),
                    ("attention_dropout", 0.1), ("apply_spec_augment", False)):
    if hasattr(config, name):
        setattr(config, name, value)
net = AutoModel.from_config(config)
net = (net.encoder if config.model_type == "whisper" else net).to(device).train()
frozen = [net.feature_extractor] if hasattr(net, "feature_extractor") else [net.conv1, net.conv2] if hasattr(net, "conv1") else []
for part in frozen:
    part.requires_grad_(False)
extractor = {"whisper": lambda: WhisperFeatureExtractor(feature_size=config.num_mel_bins),
             "wav2vec2-bert": SeamlessM4TFeatureExtractor}.get(config.model_type, lambda: None)()
width, labels = config.hidden_size, 8
head = torch.nn.Sequential(torch.nn.Linear(width, width), torch.nn.Tanh(), torch.nn.Linear(width, labels)).to(device).train()
parameters = [p for p in [*net.parameters(), *head.parameters()] if p.requires_grad]
optimizer = torch.optim.AdamW(parameters, lr=1e-4, weight_decay=0, fused=device == "cuda")
lengths = [int(line) for line in open(a.lengths_file)][: a.steps * a.accumulate * a.batch]
clips = [torch.randn(n) for n in lengths]


def batch_at(first):
    chosen = clips[first : first + a.batch]
    samples = torch.nn.utils.rnn.pad_sequence(chosen, batch_first=True)
    mask = torch.arange(samples.shape[1])[None] < torch.tensor([len(c) for c in chosen])[:, None]
    targets = torch.tensor([(first + i) % labels for i in range(len(chosen))])
    if extractor is None:
        return {"input_values": samples.to(device), "attention_mask": mask.long().to(device)}, targets.to(device)
    made = extractor([c.numpy() for c in chosen], sampling_rate=16000, return_tensors="pt")
    made = {k: v.to(device) for k, v in made.items() if k == "input_features" or config.model_type != "whisper"}
    return made, targets.to(device)


def forward(inputs):
    """Frames and which of them are clips' own: (B, T, H), (B, T, 1)."""
    hidden = net(**inputs).last_hidden_state
    if "attention_mask" not in inputs:
        return hidden, torch.ones_like(hidden[..., :1])
    mask = inputs["attention_mask"]
    if mask.shape[1] != hidden.shape[1]:
        mask = net._get_feature_vector_attention_mask(hidden.shape[1], mask)
    return hidden, mask[..., None]


def wait():
    if device == "cuda":
        torch.cuda.synchronize()


seconds, at = [], 0
for _ in range(a.steps):
    wait()
    started = time.perf_counter()
    for _ in range(a.accumulate):
        inputs, targets = batch_at(at)
        at += a.batch
        with torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda"):
            hidden, frames = forward(inputs)
            logits = head((hidden * frames).sum(1) / frames.sum(1))
        (torch.nn.functional.cross_entropy(logits.float(), targets) / a.accumulate).backward()
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    wait()
    seconds.append(time.perf_counter() - started)
step = statistics.median(seconds[1:])
memory = torch.cuda.max_memory_allocated() / 2**20 if device == "cuda" else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"device": device, "step_s": step, "clips_per_s": a.batch * a.accumulate / step, "peak_memory_mib": memory}))
