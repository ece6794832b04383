#!/usr/bin/env python3
"""The peer of bench/speed.py where transformers is installed: its wav2vec 2.0 with our head in a Trainer-style loop, on
a CUDA card in bfloat16 where there is one.

    bench/peer_transformers.py DIRECTORY [--size CONFIG.json] --batch N --accumulate N --steps N [--threads N] --lengths-file F

CONFIG.json (default: configs/models/xlsr.json beside bench/) gives the shape; weights are random.  Prints one line of
JSON, as speed.py says, with the card's peak memory."""
import argparse, json, os, statistics, time

import torch
from transformers import Wav2Vec2Config, Wav2Vec2Model

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
config = Wav2Vec2Config.from_json_file(a.size)
config.hidden_dropout = config.activation_dropout = config.feat_proj_dropout = config.layerdrop = 0.05
config.attention_dropout = 0.1
net = Wav2Vec2Model(config).to(device).train()
net.freeze_feature_encoder() if hasattr(net, "freeze_feature_encoder") else net.feature_extractor._freeze_parameters()
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
    return samples.to(device), mask.to(device), targets.to(device)


def wait():
    if device == "cuda":
        torch.cuda.synchronize()


seconds, at = [], 0
for _ in range(a.steps):
    wait()
    started = time.perf_counter()
    for _ in range(a.accumulate):
        samples, mask, targets = batch_at(at)
        at += a.batch
        with torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda"):
            hidden = net(samples, attention_mask=mask.long()).last_hidden_state
            frames = net._get_feature_vector_attention_mask(hidden.shape[1], mask.long())[..., None]
            logits = head((hidden * frames).sum(1) / frames.sum(1))
        (torch.nn.functional.cross_entropy(logits.float(), targets) / a.accumulate).backward()
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    wait()
    seconds.append(time.perf_counter() - started)
step = statistics.median(seconds[1:])
memory = torch.cuda.max_memory_allocated() / 2**20 if device == "cuda" else None
print(json.dumps({"device": device, "step_s": step, "clips_per_s": a.batch * a.accumulate / step, "peak_memory_mib": memory}))
