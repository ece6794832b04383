#!/usr/bin/env python3
"""Writes training_golden.h: losses with their gradients, and a learning rate on plateaus, as PyTorch makes them (Debian's
python3-torch 1.13 will do).

    /usr/bin/python3 tests/golden/make_training.py

The focal loss is that of Lin et al. (2017): for one label as its paper has it over a softmax, for several as torchvision's
sigmoid_focal_loss with alpha=-1, written out here; smoothed and mixed labels are what torch.nn.functional.cross_entropy makes of
probabilities as targets.
"""
import pathlib, torch
import torch.nn.functional as F

torch.manual_seed(3)
CLIPS, LABELS = 6, 4
logits = (2 * torch.randn(CLIPS, LABELS, dtype=torch.float64)).float()
labels = torch.tensor([0, 3, 1, 1, 2, 0])
targets = (torch.rand(CLIPS, LABELS) > 0.6).float()
counts, clips = torch.tensor([10., 40., 25., 5.]), 80
balanced, positive = clips / (LABELS * counts), (clips - counts) / counts
SHARE = 0.7
votes = torch.tensor([[3, 0, 1, 1], [0, 0, 0, 5], [1, 1, 1, 1], [0, 4, 1, 0], [2, 0, 2, 1], [1, 0, 0, 0]])
shares = votes / votes.sum(1, keepdim=True)


def floats(name, values):
    values = ", ".join(f"{v:.9g}F" if "e" in f"{v:.9g}" or "." in f"{v:.9g}" else f"{v:.9g}.0F" for v in values)
    return f"static const float {name}[] = {{{values}}};\n"


def mixed(rows, smoothing, share):
    return share * rows + (1 - share) * rows.flip(0)


def single(x, kind, weighted, smoothing, share, gamma):
    hot = F.one_hot(labels, LABELS).double()
    t = (1 - smoothing) * mixed(shares.double() if kind == "kl" else hot, smoothing, share) + smoothing / LABELS
    w = balanced.double() if weighted else torch.ones(LABELS).double()
    log_p = F.log_softmax(x, 1)
    if kind == "kl":
        return (w * F.kl_div(log_p, t, reduction="none")).sum()
    factor = (1 - log_p.exp()) ** gamma if kind == "focal" else 1
    if kind == "cross_entropy" and share == 1:  # PyTorch's own, against the formula
        own = F.cross_entropy(x, labels, w, reduction="sum", label_smoothing=smoothing)
        assert abs(own - -(t * w * log_p).sum()) < 1e-9
    return -(t * w * factor * log_p).sum()


def several(x, kind, weighted, smoothing, share, gamma):
    t = (1 - smoothing) * mixed(targets.double(), smoothing, share) + smoothing / 2
    w = positive.double() if weighted else torch.ones(LABELS).double()
    if kind == "cross_entropy":
        return F.binary_cross_entropy_with_logits(x, t, pos_weight=w, reduction="sum") / LABELS
    p = torch.sigmoid(x)
    return -(t * w * (1 - p) ** gamma * F.logsigmoid(x) + (1 - t) * p ** gamma * F.logsigmoid(-x)).sum() / LABELS


out = "/* Made by make_training.py with PyTorch %s. */\n" % torch.__version__.split("+")[0]
out += f"enum {{ GOLDEN_CLIPS = {CLIPS}, GOLDEN_LABELS = {LABELS}, GOLDEN_TRAINED = {clips} }};\n"
out += floats("GOLDEN_LOGITS", logits.flatten().tolist()) + floats("GOLDEN_TARGETS", targets.flatten().tolist())
out += floats("GOLDEN_SHARES", shares.flatten().tolist())
out += "static const int64_t GOLDEN_CLASSES[] = {%s};\n" % ", ".join(map(str, labels.tolist()))
out += "static size_t GOLDEN_COUNTS[] = {%s};\n" % ", ".join(str(int(c)) for c in counts)
out += """static const struct golden_loss {
    const char *loss;
    bool several, weighted;
    double smoothing, share, gamma;
    float value, gradient[GOLDEN_CLIPS * GOLDEN_LABELS];
} GOLDEN_LOSSES[] = {
"""
for name, make in (("false", single), ("true", several)):
    for kind in ("cross_entropy", "focal") + (("kl",) if make is single else ()):
        for weighted in (False, True):
            for smoothing, share, gamma in ((0, 1, 2), (0.1, 1, 2), (0, SHARE, 2), (0.1, SHARE, 0.5), (0, 1, 5)):
                x = logits.double().requires_grad_()
                value = make(x, kind, weighted, smoothing, share, gamma)
                value.backward()
                gradient = ", ".join(f"{g:.9g}" for g in x.grad.flatten().tolist())
                out += (f'    {{"{kind}", {name}, {str(weighted).lower()}, {smoothing}, {share}, {gamma}, {value.item():.9g}, '
                        f"{{{gradient}}}}},\n")
out += "};\n"

scores = [0.1, 0.2, 0.2, 0.20001, 0.19, 0.3, 0.3, 0.3, 0.3, 0.3, 0.31, 0.1, 0.1, 0.1, 0.1, -0.5, 0.5]
weight = torch.nn.Parameter(torch.zeros(1))
optimizer = torch.optim.SGD([weight], lr=1.0)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", factor=0.5, patience=2)
rates = []
for score in scores:
    plateau.step(score)
    rates.append(optimizer.param_groups[0]["lr"])
out += "/* ReduceLROnPlateau(mode=\"max\", factor=0.5, patience=2) */\n"
out += "static const double GOLDEN_SCORES[] = {%s};\n" % ", ".join(map(str, scores))
out += "static const double GOLDEN_RATES[] = {%s};\n" % ", ".join(map(str, rates))
# Temperature scaling: logits that are too sure of themselves, by L-BFGS in double precision.
sure = 3 * torch.randn(40, LABELS, dtype=torch.float64)
truth = torch.where(torch.rand(40) < 0.6, sure.argmax(1), torch.randint(LABELS, (40,)))
log_t = torch.zeros(1, dtype=torch.float64, requires_grad=True)
search = torch.optim.LBFGS([log_t], max_iter=200, tolerance_grad=1e-14, tolerance_change=1e-16, line_search_fn="strong_wolfe")


def nll():
    search.zero_grad()
    loss = F.cross_entropy(sure / log_t.exp(), truth)
    loss.backward()
    return loss


search.step(nll)
out += "enum { GOLDEN_SURE = 40 };\n"
out += floats("GOLDEN_SURE_LOGITS", sure.float().flatten().tolist())
out += "static const int GOLDEN_TRUTH[] = {%s};\n" % ", ".join(map(str, truth.tolist()))
out += "static const double GOLDEN_TEMPERATURE = %.10g, GOLDEN_COOL_LOSS = %.10g, GOLDEN_HOT_LOSS = %.10g;\n" % (
    log_t.exp().item(), nll().item(), F.cross_entropy(sure, truth).item())
# train.auxiliary_task: a linear layer on pooled vectors; the class of the third clip is not known.
WIDTH, KINDS, WEIGHT = 3, 2, 0.25
pooled, layer, offset = torch.randn(CLIPS, WIDTH), torch.randn(KINDS, WIDTH), torch.randn(KINDS)
kinds = torch.tensor([0, 1, -100, 1, 0, 0])
out += f"enum {{ GOLDEN_WIDTH = {WIDTH}, GOLDEN_KINDS = {KINDS} }};\n"
for name, values in (("POOLED", pooled), ("LAYER", layer), ("OFFSET", offset)):
    out += floats("GOLDEN_" + name, values.flatten().tolist())
out += "static const int64_t GOLDEN_KNOWN[] = {%s};\n" % ", ".join(map(str, kinds.tolist()))
out += """static const struct golden_auxiliary {
    double weight, share;
    float value, gradient[GOLDEN_CLIPS * GOLDEN_WIDTH];
} GOLDEN_AUXILIARY[] = {
"""
for share in (1, SHARE):
    x = pooled.double().requires_grad_()
    y = F.linear(x, layer.double(), offset.double())
    value = WEIGHT * (share * F.cross_entropy(y, kinds, reduction="sum") + (1 - share) * F.cross_entropy(y, kinds.flip(0), reduction="sum"))
    value.backward()
    gradient = ", ".join(f"{g:.9g}" for g in x.grad.flatten().tolist())
    out += f"    {{{WEIGHT}, {share}, {value.item():.9g}, {{{gradient}}}}},\n"
out += "};\n"
pathlib.Path(__file__).with_name("training_golden.h").write_text("// clang-format off\n#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n\n" + out)
