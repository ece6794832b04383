#!/usr/bin/env python3
"""An independent wav2vec 2.0 to hold the project's own against.

Builds a randomly initialised wav2vec 2.0 classifier with torchaudio (Debian: python3-torch,
python3-torchaudio), writes it as a Hugging Face model directory, and writes what it computes
on a padded batch: hidden states, pooled logits, the loss, every gradient's norm, and the
losses of a short AdamW run.  All dropout, layer drop and SpecAugment are off, so a correct
implementation reproduces the numbers to float32 rounding.

    bench/reference/wav2vec2_reference.py OUT [--size tiny|base|xlsr] [--norm layer|group]
                                           [--seed N] [--steps N] [--batch N] [--seconds S]

OUT/model/    config.json  model.safetensors  pytorch_model.bin  preprocessor_config.json
OUT/batch.safetensors      input_values [B, samples] f32 (zero mean, unit variance over each
                           clip's own length, then zero padded), lengths [B] i64, labels [B] i64
OUT/expected.safetensors   features [B, frames, conv_dim]; hidden_K [B, frames, hidden], the input of
                           transformer layer K, and for K = layers the last layer's output;
                           encoder_output, the same after the final layer norm where there is one;
                           logits_<pooling> [B, 8]; loss_<pooling> []; grad_norm [n] of the masked-mean
                           loss, feature encoder frozen (order in expected.json); losses [steps]
OUT/expected.json          the same scalars, the order of grad_norm, and the settings

Pooling names: mean/sum/max run over every frame of the padded batch, padding included, as the
2021 speech-classification notebooks do; mean_masked/max_masked run over each clip's own frames.
"""
import argparse, collections, json, math, os, struct
import torch, torchaudio
import torch.nn.functional as F

SIZES = {
    "tiny": dict(hidden=48, layers=3, heads=4, ff=96, conv=32, pos_k=16, pos_g=4),
    "base": dict(hidden=768, layers=12, heads=12, ff=3072, conv=512, pos_k=128, pos_g=16),
    "xlsr": dict(hidden=1024, layers=24, heads=16, ff=4096, conv=512, pos_k=128, pos_g=16),
}
KERNELS, STRIDES = [10, 3, 3, 3, 3, 2, 2], [5, 2, 2, 2, 2, 2, 2]
LABELS = ["angry", "calm", "disgust", "fearful", "happy", "neutral", "sad", "surprised"]
DTYPES = {torch.float32: "F32", torch.int64: "I64"}


def save_safetensors(path, tensors):
    header, blobs, offset = {"__metadata__": {"format": "pt"}}, [], 0
    for name, t in tensors.items():
        blob = t.detach().contiguous().numpy().tobytes()
        header[name] = dict(dtype=DTYPES[t.dtype], shape=list(t.shape), data_offsets=[offset, offset + len(blob)])
        blobs.append(blob)
        offset += len(blob)
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(head)) + head)
        f.writelines(blobs)


def hf_name(name):
    """torchaudio parameter name -> Hugging Face Wav2Vec2 parameter name."""
    for a, b in (("encoder.feature_projection.", "feature_projection."), ("encoder.transformer.", "encoder.")):
        name = name.replace(a, b)
    return "wav2vec2." + name


def build(a, s):
    conv = [(s["conv"], k, st) for k, st in zip(KERNELS, STRIDES)]
    net = torchaudio.models.wav2vec2_model(
        extractor_mode="layer_norm" if a.norm == "layer" else "group_norm",
        extractor_conv_layer_config=conv, extractor_conv_bias=a.norm == "layer",
        encoder_embed_dim=s["hidden"], encoder_projection_dropout=0.0, encoder_pos_conv_kernel=s["pos_k"],
        encoder_pos_conv_groups=s["pos_g"], encoder_num_layers=s["layers"], encoder_num_heads=s["heads"],
        encoder_attention_dropout=0.0, encoder_ff_interm_features=s["ff"], encoder_ff_interm_dropout=0.0,
        encoder_dropout=0.0, encoder_layer_norm_first=a.norm == "layer", encoder_layer_drop=0.0, aux_num_out=None)
    with torch.no_grad():                        # norms away from their trivial 1 and 0
        for n, p in net.named_parameters():
            if "norm" in n:
                p.add_(0.1 * torch.randn_like(p))
    head = torch.nn.ModuleDict(dict(dense=torch.nn.Linear(s["hidden"], s["hidden"]),
                                    out_proj=torch.nn.Linear(s["hidden"], len(LABELS))))
    return net, head


def config(a, s):
    return {
        "model_type": "wav2vec2", "architectures": ["Wav2Vec2ForSpeechClassification"],
        "hidden_size": s["hidden"], "num_hidden_layers": s["layers"], "num_attention_heads": s["heads"],
        "intermediate_size": s["ff"], "conv_dim": [s["conv"]] * 7, "conv_kernel": KERNELS, "conv_stride": STRIDES,
        "conv_bias": a.norm == "layer", "feat_extract_norm": a.norm, "do_stable_layer_norm": a.norm == "layer",
        "num_feat_extract_layers": 7, "num_conv_pos_embeddings": s["pos_k"],
        "num_conv_pos_embedding_groups": s["pos_g"], "feat_extract_activation": "gelu", "hidden_act": "gelu",
        "layer_norm_eps": 1e-5, "hidden_dropout": 0.0, "attention_dropout": 0.0, "activation_dropout": 0.0,
        "feat_proj_dropout": 0.0, "final_dropout": 0.0, "layerdrop": 0.0, "apply_spec_augment": False,
        "mask_time_prob": 0.0, "mask_time_length": 10, "mask_feature_prob": 0.0, "mask_feature_length": 10,
        "pooling_mode": "mean", "id2label": {str(i): l for i, l in enumerate(LABELS)},
        "label2id": {l: i for i, l in enumerate(LABELS)}, "torch_dtype": "float32"}


def frames(length):
    for k, st in zip(KERNELS, STRIDES):
        length = (length - k) // st + 1
    return length


def batch(a):
    full = int(16000 * a.seconds)
    lengths = [max(full - i * full // (2 * a.batch), 800) for i in range(a.batch)]
    x = torch.zeros(a.batch, full)
    for i, n in enumerate(lengths):
        t = torch.arange(n) / 16000
        wave = torch.sin(2 * math.pi * (110 + 40 * i) * t) * torch.exp(-t) + 0.1 * torch.randn(n)
        x[i, :n] = (wave - wave.mean()) / torch.sqrt(wave.var(unbiased=False) + 1e-7)
    return x, torch.tensor(lengths), torch.tensor([(3 * i + 1) % len(LABELS) for i in range(a.batch)])


def forward(a, net, head, x, lengths):
    masked = a.norm == "layer"                   # group-norm checkpoints are trained without an attention mask
    feats, flen = net.feature_extractor(x, lengths if masked else None)
    h, mask = net.encoder._preprocess(feats, flen)
    tr = net.encoder.transformer
    h = tr._preprocess(h)
    hidden = [h]
    for layer in tr.layers:
        h = layer(h, mask)
        hidden.append(h)
    if not tr.layer_norm_first:                  # "stable" layer norm: the encoder's own norm comes last
        h = tr.layer_norm(h)
    return feats, hidden, h


def pooled(h, lengths, how):
    if how == "mean": return h.mean(1)
    if how == "sum": return h.sum(1)
    if how == "max": return h.max(1)[0]
    keep = torch.arange(h.shape[1])[None, :] < torch.tensor([frames(int(n)) for n in lengths])[:, None]
    if how == "mean_masked": return (h * keep[..., None]).sum(1) / keep.sum(1, keepdim=True)
    if how == "max_masked": return h.masked_fill(~keep[..., None], float("-inf")).max(1)[0]
    raise ValueError(how)


def classify(head, p):
    return head["out_proj"](torch.tanh(head["dense"](p)))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("out")
    ap.add_argument("--size", choices=SIZES, default="tiny")
    ap.add_argument("--norm", choices=["layer", "group"], default="layer")
    ap.add_argument("--seed", type=int, default=101)
    ap.add_argument("--steps", type=int, default=10)
    ap.add_argument("--batch", type=int, default=3)
    ap.add_argument("--seconds", type=float, default=1.5)
    ap.add_argument("--lr", type=float, default=1e-3)
    a = ap.parse_args()
    torch.manual_seed(a.seed)
    s = SIZES[a.size]
    net, head = build(a, s)
    net.train(), head.train()
    for p in net.feature_extractor.parameters():
        p.requires_grad = False
    x, lengths, labels = batch(a)

    os.makedirs(os.path.join(a.out, "model"), exist_ok=True)
    state = {hf_name(n): p.detach().clone() for n, p in net.state_dict().items()}
    state["wav2vec2.masked_spec_embed"] = torch.rand(s["hidden"])
    state.update({"classifier." + n: p.detach().clone() for n, p in head.state_dict().items()})
    save_safetensors(os.path.join(a.out, "model", "model.safetensors"), state)
    bin_state = collections.OrderedDict(state)   # as a module's state_dict() is: ordered, with _metadata
    bin_state._metadata = net.state_dict()._metadata
    torch.save(bin_state, os.path.join(a.out, "model", "pytorch_model.bin"))
    json.dump(config(a, s), open(os.path.join(a.out, "model", "config.json"), "w"), indent=1)
    json.dump({"do_normalize": True, "feature_extractor_type": "Wav2Vec2FeatureExtractor", "feature_size": 1,
               "padding_side": "right", "padding_value": 0.0, "return_attention_mask": a.norm == "layer",
               "sampling_rate": 16000}, open(os.path.join(a.out, "model", "preprocessor_config.json"), "w"), indent=1)
    save_safetensors(os.path.join(a.out, "batch.safetensors"),
                     dict(input_values=x, lengths=lengths, labels=labels))

    feats, hidden, h = forward(a, net, head, x, lengths)
    expected = {"features": feats} | {f"hidden_{i}": t for i, t in enumerate(hidden[:-1])}
    expected["hidden_%d" % (len(hidden) - 1)] = hidden[-1]
    expected["encoder_output"] = h
    scalars = {}
    for how in ("mean", "sum", "max", "mean_masked", "max_masked"):
        logits = classify(head, pooled(h, lengths, how))
        loss = F.cross_entropy(logits, labels)
        expected["logits_" + how], expected["loss_" + how] = logits, loss
        scalars["loss_" + how] = loss.item()
    params = [(hf_name(n), p) for n, p in net.named_parameters() if p.requires_grad]
    params += [("classifier." + n, p) for n, p in head.named_parameters()]
    F.cross_entropy(classify(head, pooled(h, lengths, "mean_masked")), labels).backward()
    norms = torch.stack([p.grad.norm() if p.grad is not None else torch.zeros(()) for _, p in params])
    expected["grad_norm"] = norms

    opt = torch.optim.AdamW([p for _, p in params], lr=a.lr, weight_decay=0.0)
    losses = []
    for step in range(a.steps):                  # linear decay to 0, gradients clipped to norm 1
        for g in opt.param_groups: g["lr"] = a.lr * (a.steps - step) / a.steps
        opt.zero_grad(set_to_none=True)
        _, _, h = forward(a, net, head, x, lengths)
        loss = F.cross_entropy(classify(head, pooled(h, lengths, "mean_masked")), labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for _, p in params], 1.0)
        opt.step()
        losses.append(loss.item())
    expected["losses"] = torch.tensor(losses)
    save_safetensors(os.path.join(a.out, "expected.safetensors"), expected)
    json.dump({"settings": vars(a) | {"out": None}, **scalars, "losses": losses,
               "grad_norm_order": [n for n, _ in params], "grad_norm": norms.tolist()},
              open(os.path.join(a.out, "expected.json"), "w"), indent=1)
    print(json.dumps(scalars), "losses", [round(l, 5) for l in losses])


if __name__ == "__main__":
    main()
