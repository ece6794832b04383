#!/usr/bin/env python3
"""Random VGGish and DeepMoji models in the published names, inputs, and what they must compute, by plain PyTorch.

    make_models.py vggish|deepmoji FOLDER [--full]

Written from the papers' descriptions and the ports' parameter names, with no code of ours: VGGish's log-mel in NumPy
and its layers as torch.nn modules; DeepMoji's LSTMs one text and one word at a time, its tokenizer as one regular
expression.  --full: the published sizes.  Needs python3-torch and python3-numpy.
"""
import json, math, os, re, struct, sys
import numpy as np
import torch

LABELS = ["angry", "calm", "happy"]


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, value in tensors.items():
        value = np.ascontiguousarray(value)
        kind = {"float32": "F32", "int64": "I64"}[str(value.dtype)]
        header[name] = {"dtype": kind, "shape": list(value.shape), "data_offsets": [len(data), len(data) + value.nbytes]}
        data += value.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def write_config(folder, config):
    config["id2label"] = {str(i): l for i, l in enumerate(LABELS)}
    config["pooling_mode"] = "mean"
    json.dump(config, open(f"{folder}/model/config.json", "w"), indent=1)


def head(width, state, bias_only=False):
    out = torch.nn.Linear(width, len(LABELS))
    state["classifier.out_proj.weight"], state["classifier.out_proj.bias"] = out.weight.data, out.bias.data
    return out


# ---- VGGish ----

def vggish_log_mel(samples):
    window, hop, size, bands = 400, 160, 512, 64
    hann = 0.5 - 0.5 * np.cos(2 * np.pi / window * np.arange(window))
    frames = 1 + (len(samples) - window) // hop
    spectrum = np.abs(np.stack([np.fft.rfft(samples[i * hop:i * hop + window] * hann, size) for i in range(frames)]))
    mel = lambda f: 1127.0 * np.log(1.0 + f / 700.0)
    edges = np.linspace(mel(125.0), mel(7500.0), bands + 2)
    bins = mel(np.linspace(0.0, 8000.0, size // 2 + 1))
    weights = np.zeros((size // 2 + 1, bands))
    for i in range(bands):
        low, middle, high = edges[i:i + 3]
        weights[:, i] = np.maximum(0.0, np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle)))
    weights[0] = 0
    return np.log(spectrum @ weights + 0.01).astype("float32")


def vggish(folder, full):
    channels, sizes = ([64, 128, 256, 512], [4096, 4096, 128]) if full else ([4, 6, 8, 8], [16, 16, 12])
    layers, width = [], 1
    for c in [channels[0], "M", channels[1], "M", channels[2], channels[2], "M", channels[3], channels[3], "M"]:
        layers += [torch.nn.MaxPool2d(2, 2)] if c == "M" else [torch.nn.Conv2d(width, c, 3, padding=1), torch.nn.ReLU()]
        width = width if c == "M" else c
    features = torch.nn.Sequential(*layers)
    dense, width = [], channels[3] * 6 * 4
    for s in sizes:
        dense += [torch.nn.Linear(width, s), torch.nn.ReLU()]
        width = s
    embeddings = torch.nn.Sequential(*dense)
    state = {f"features.{k}": v for k, v in features.state_dict().items()}
    state.update({f"embeddings.{k}": v for k, v in embeddings.state_dict().items()})
    for v in state.values():  # livelier than the default, so that little comes out as 0
        v.mul_(1.6)
    state["pproc.pca_eigen_vectors"] = torch.linalg.qr(torch.randn(sizes[2], sizes[2]))[0] * 20
    state["pproc.pca_means"] = torch.randn(sizes[2], 1) * 0.05
    # the head that emotrain puts on top: dense, tanh, out, over the mean of the patches
    first, out = torch.nn.Linear(sizes[2], sizes[2]), head(sizes[2], state)
    state["classifier.dense.weight"], state["classifier.dense.bias"] = first.weight.data, first.bias.data
    write_config(folder, {"model_type": "vggish", "channels": channels, "embedding": sizes, "pca": True, "quantize": True})
    torch.save(state, f"{folder}/model/pytorch_model.bin")

    random = np.random.default_rng(3)
    lengths = [16000, 33000, 47000] if full else [15600, 33000]
    clips = [(random.standard_normal(n) * np.sin(np.arange(n) / 900.0) * 0.3).astype("float32") for n in lengths]
    padded = np.zeros((len(clips), max(lengths)), "float32")
    logits, outs = [], {"log_mel": [], "embedding": [], "quantized": []}
    with torch.no_grad():
        for i, clip in enumerate(clips):
            padded[i, :len(clip)] = clip
            mel = vggish_log_mel(clip.astype("float64"))
            patches = torch.from_numpy(mel[:len(mel) // 96 * 96].reshape(-1, 1, 96, 64))
            x = features(patches).permute(0, 2, 3, 1).reshape(len(patches), -1)  # TensorFlow's order
            x = embeddings(x)
            pca = (state["pproc.pca_eigen_vectors"] @ (x.T - state["pproc.pca_means"])).T
            quantized = torch.round((pca.clamp(-2, 2) + 2) * (255 / 4))
            pooled = (quantized * 4 / 255 - 2).mean(0)
            logits.append(out(torch.tanh(first(pooled))).numpy())
            for name, value in (("log_mel", patches), ("embedding", x), ("quantized", quantized)):
                outs[name].append(value.numpy())
    write_safetensors(f"{folder}/expected.safetensors", {
        "samples": padded, "lengths": np.array(lengths, "int64"), "logits": np.stack(logits),
        **{f"{name}.{i}": v for name, values in outs.items() for i, v in enumerate(values)}})


# ---- DeepMoji ----

SPECIAL = ["CUSTOM_MASK", "CUSTOM_UNKNOWN", "CUSTOM_AT", "CUSTOM_URL", "CUSTOM_NUMBER", "CUSTOM_BREAK"]
TEXTS = ["Kids are talking by the door.", "Dogs are sitting by the door!!!", "I looooove this :)) <33 #winning",
         "@you see https://example.org/a?b=1 or mail me.at@home.example.com, at 10:45", "can't... won't; re-use it (now)",
         "Mr. Fox of the U.S.A. said \u2018no\u2019 -_- x_x", "caf\u00e9 \u20ac\u20ac5 ##tag ?!?!", "line one<br>line two\nthree", ":-( ;P =/ >:o"]
MID, END = ["-", ",", "^", "'", '"'], ["D", "d", "p", "P", "v", ")", "o", "O", "(", "3", "/", "|", "\\"]
EMOTICON = "|".join(re.escape(e) for e in ["-_-", "x_x", "^_^", "o.o", "o_o", "(:", "):", ");", "(;"]) + "".join(
    f"|{re.escape(s)}{re.escape(m)}?{re.escape(e)}+" for s in [">:", ":", "=", ";"] for m in MID for e in END)
SYMBOLS = "|".join(re.escape(s) + "+" for s in "()<!?.,/'\"-_=\\\u00a7|\u00b4\u02c7\u00b0[]<>{}~$^&*;:%+\u00a3\u20ac`")
URL = r"(?:https?://|www\.)(?:[a-zA-Z]|[0-9]|[$-_@.&+]|[!*\(\),]|(?:%[0-9a-fA-F][0-9a-fA-F]))+"
MENTION = r"@[a-zA-Z0-9_]+"
PATTERN = re.compile("|".join([
    URL, r"\b[a-zA-Z0-9_.+-]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9-.]+\b", r"[a-zA-Z]+[-_][a-zA-Z]+", r"#[a-zA-Z0-9_]+", MENTION,
    r"(?:<+/?3+)+", EMOTICON, r"[a-zA-Z]+'[a-zA-Z]+", r"mr\.|ms\.|mrs\.|dr\.|prof\.", r"\b(?<!\.)(?:[A-Za-z]\.){2,}",
    r"[0-9]+", r"[a-zA-Z]+", SYMBOLS, r"#+(?=#[a-zA-Z0-9_]+)|@+(?=@[a-zA-Z0-9_]+)|#+|@+", r"[\u2600-\u27bf]", r"."]))


def words_of(text):
    text = text.strip().lower()
    for mark in ["\\n", "\n", "\\r", "\r", "<br>"]:
        text = text.replace(mark, " CUSTOM_BREAK ")
    text = text.replace("\u2018", "'").replace("\u2019", "'")
    words = [m.group(0) for m in PATTERN.finditer(" ".join(text.split())) if m.group(0).strip()]
    words = [re.sub(r"([\x00-\x7f])\1{2,}", r"\1\1", w) for w in words]
    return ["CUSTOM_NUMBER" if re.fullmatch(r"[0-9]+", w) else "CUSTOM_AT" if re.search(MENTION, w) else
            "CUSTOM_URL" if re.search(URL, w) else w for w in words]


def deepmoji(folder, full):
    embedding, hidden = (256, 512) if full else (6, 5)
    known = SPECIAL + sorted({w for t in TEXTS[:6] for w in words_of(t)} - set(SPECIAL))
    known += [f"filler{i}" for i in range((50000 if full else 60) - len(known))]
    json.dump({w: i for i, w in enumerate(known)}, open(f"{folder}/model/vocabulary.json", "w"))
    state = {"embed.weight": torch.rand(len(known), embedding) - 0.5}
    for layer, width in enumerate([embedding, 2 * hidden]):
        for suffix in ["", "_reverse"]:
            state[f"lstm_{layer}.weight_ih_l0{suffix}"] = torch.randn(4 * hidden, width) / math.sqrt(width) * 2
            state[f"lstm_{layer}.weight_hh_l0{suffix}"] = torch.randn(4 * hidden, hidden) / math.sqrt(hidden)
            state[f"lstm_{layer}.bias_ih_l0{suffix}"] = torch.randn(4 * hidden) * 0.1
            state[f"lstm_{layer}.bias_hh_l0{suffix}"] = torch.randn(4 * hidden) * 0.1
    size = 4 * hidden + embedding
    state["attention_layer.attention_vector"] = torch.randn(size)
    state["output_layer.0.weight"], state["output_layer.0.bias"] = torch.randn(64, size), torch.randn(64)  # emojis'
    out = head(size, state)
    write_config(folder, {"model_type": "deepmoji", "embedding_size": embedding, "hidden_size": hidden, "max_words": 30})
    torch.save(state, f"{folder}/model/pytorch_model.bin")

    hard = lambda x: (0.2 * x + 0.5).clamp(0, 1)

    def lstm(x, layer, suffix):
        w = {k: state[f"lstm_{layer}.{k}_l0{suffix}"] for k in ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]}
        h = c = torch.zeros(hidden)
        rows = []
        for row in (x.flip(0) if suffix else x):
            i, f, g, o = (w["weight_ih"] @ row + w["bias_ih"] + w["weight_hh"] @ h + w["bias_hh"]).chunk(4)
            c = hard(f) * c + hard(i) * torch.tanh(g)
            h = hard(o) * torch.tanh(c)
            rows.append(h)
        rows = torch.stack(rows)
        return rows.flip(0) if suffix else rows

    number = {w: i for i, w in enumerate(known)}
    features, logits, counts, numbers = [], [], [], []
    with torch.no_grad():
        for text in TEXTS:
            tokens = [number.get(w, 1) for w in words_of(text)][:30]
            counts.append(len(tokens))
            numbers += tokens
            x = torch.tanh(state["embed.weight"][tokens])
            first = torch.cat([lstm(x, 0, ""), lstm(x, 0, "_reverse")], 1)
            second = torch.cat([lstm(first, 1, ""), lstm(first, 1, "_reverse")], 1)
            rows = torch.cat([second, first, x], 1)
            share = torch.softmax(rows @ state["attention_layer.attention_vector"], 0)
            features.append((rows * share[:, None]).sum(0))
            logits.append(out(features[-1]).numpy())
    json.dump({"texts": TEXTS, "words": [words_of(t) for t in TEXTS]}, open(f"{folder}/texts.json", "w"), indent=1)
    write_safetensors(f"{folder}/expected.safetensors", {
        "features": torch.stack(features).numpy(), "logits": np.stack(logits),
        "counts": np.array(counts, "int64"), "numbers": np.array(numbers, "int64")})


if __name__ == "__main__":
    kind, target = sys.argv[1], sys.argv[2]
    os.makedirs(f"{target}/model", exist_ok=True)
    torch.manual_seed(11)
    {"vggish": vggish, "deepmoji": deepmoji}[kind](target, "--full" in sys.argv)
