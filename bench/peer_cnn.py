#!/usr/bin/env python3
"""The network of configs/cnn.ini as a PyTorch user would write it, to time the project against (bench/speed.py).

Log-mel on the way, SpecAugment's masks, three blocks of convolution, batch norm, ReLU and pooling, mean and maximum
over time without the padding, a linear classifier; cross-entropy with smoothing, clipping, AdamW, an average of the
weights.  Trains on noise of the lengths (16 kHz samples, one a line) in --lengths-file, in that order.

    bench/peer_cnn.py . --lengths-file FILE [--batch 8] [--accumulate 1] [--steps 20] [--threads N]

Prints one line of JSON with the median clips per second over all steps but the first.
"""
import argparse, json, statistics, time
import torch
import torch.nn.functional as F
from torch import nn

RATE, WINDOW, HOP, BANDS, LOW, HIGH, FLOOR, LABELS = 16000, 1024, 320, 80, 50, 8000, 1e-4, 8


def mel_filters():
    mel = lambda f: 2595 * torch.log10(1 + torch.as_tensor(f) / 700)
    points = 700 * (10 ** (torch.linspace(float(mel(LOW)), float(mel(HIGH)), BANDS + 2) / 2595) - 1)
    f = torch.linspace(0, RATE / 2, WINDOW // 2 + 1)
    rise = (f - points[:-2, None]) / (points[1:-1] - points[:-2])[:, None]
    fall = (points[2:, None] - f) / (points[2:] - points[1:-1])[:, None]
    return torch.minimum(rise, fall).clamp(min=0)


class Net(nn.Module):
    def __init__(self, channels=(32, 64, 192)):
        super().__init__()
        self.register_buffer("taper", torch.hann_window(WINDOW))
        self.register_buffer("filters", mel_filters())
        self.input_norm = nn.BatchNorm1d(BANDS)
        ins = (1, *channels[:-1])
        self.convs = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1, bias=False) for i, o in zip(ins, channels))
        self.norms = nn.ModuleList(nn.BatchNorm2d(o) for o in channels)
        self.out = nn.Linear(2 * channels[-1] * (BANDS >> len(channels)), LABELS)

    def forward(self, x, lengths):
        frames = (lengths - WINDOW) // HOP + 1
        spectrum = torch.fft.rfft(x.unfold(1, WINDOW, HOP) * self.taper).abs() ** 2
        x = torch.log(spectrum @ self.filters.T + FLOOR)
        x = self.input_norm(x.transpose(1, 2)).transpose(1, 2)
        for width, dim, share, span in ((x.shape[1], 1, 0.02, 8), (BANDS, 2, 0.05, 4)):
            hidden = torch.zeros(len(x), width, dtype=torch.bool)
            for row in hidden:
                for start in torch.randint(0, width - span, (max(1, int(share * width / span)),)):
                    row[start:start + span] = True
            x = x.masked_fill(hidden.unsqueeze(3 - dim), 0)
        x = x.unsqueeze(1).contiguous(memory_format=torch.channels_last)
        for conv, norm in zip(self.convs, self.norms):
            padding = torch.arange(x.shape[2]) >= frames[:, None]
            x = F.relu(norm(conv(x))).masked_fill(padding[:, None, :, None], 0)
            x, frames = F.avg_pool2d(x, 2), frames // 2
        padding = torch.arange(x.shape[2]) >= frames[:, None]
        x = F.dropout(x.transpose(1, 2).flatten(2), 0.1).masked_fill(padding[..., None], 0)
        mean = x.sum(1) / frames[:, None]
        most = x.masked_fill(padding[..., None], float("-inf")).amax(1)
        return self.out(F.dropout(torch.cat([mean, most], 1), 0.1))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("folder")
    ap.add_argument("--lengths-file", required=True)
    ap.add_argument("--batch", type=int, default=8)
    ap.add_argument("--accumulate", type=int, default=1)
    ap.add_argument("--steps", type=int, default=20)
    ap.add_argument("--threads", type=int)
    a = ap.parse_args()
    if a.threads:
        torch.set_num_threads(a.threads)
    torch.manual_seed(101)
    with open(a.lengths_file) as file:
        clips = [(torch.randn(int(n)), i % LABELS) for i, n in enumerate(file)]
    net = Net().train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.01)
    averages = [p.detach().clone() for p in net.parameters()]
    rates, at = [], 0
    for _ in range(a.steps):
        start, heard = time.perf_counter(), 0
        optimizer.zero_grad(set_to_none=True)
        for _ in range(a.accumulate):
            rows = clips[at:at + a.batch]
            at += a.batch
            if not rows:
                break
            x = nn.utils.rnn.pad_sequence([clip for clip, _ in rows], batch_first=True)
            logits = net(x, torch.tensor([len(clip) for clip, _ in rows]))
            loss = F.cross_entropy(logits, torch.tensor([label for _, label in rows]), label_smoothing=0.1)
            (loss / a.accumulate).backward()
            heard += len(rows)
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5)
        optimizer.step()
        with torch.no_grad():
            for average, p in zip(averages, net.parameters()):
                average.lerp_(p, 0.01)
        if heard:
            rates.append(heard / (time.perf_counter() - start))
    print(json.dumps({"threads": torch.get_num_threads(), "clips_per_s": statistics.median(rates[1:] or rates)}))


if __name__ == "__main__":
    main()
