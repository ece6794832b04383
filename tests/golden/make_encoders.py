#!/usr/bin/env python3
"""Makes encoders/FAMILY_SHAPE/: random tiny encoders as published model directories, a batch, and what they must compute.

    python3 -m venv venv && venv/bin/pip install torch transformers safetensors funasr pyyaml
    venv/bin/python tests/golden/make_encoders.py [FAMILY...]

All but emotion2vec are audio classification models of transformers:

FAMILY_SHAPE/model/           config.json, model.safetensors, preprocessor_config.json by save_pretrained
FAMILY_SHAPE/data.safetensors
    waveform [B,S], lengths [B], labels [B]    samples in [-1,1], zeros after each clip's end
    inputs                what the model is given: the normalised waveform, or log-mel features, by the library's feature extractor
    attention_mask [B,T]  only where one of feature frames is given; a mask of samples is not written, the lengths say it all
    hidden_0..hidden_L    output_hidden_states of the base encoder; hidden_0 goes into layer 0; what hidden_L is, expected.json says
    last_hidden_state     the base encoder's output, where it is not hidden_L
    logits [B,3], loss    in eval mode
    grad_norm [n]         in train mode, every parameter trainable; in the order of expected.json's grad_norm_order
    losses [10]           before each of ten AdamW steps in train mode: 1e-3 falling linearly to 0, no weight decay, gradients clipped to 1
FAMILY_SHAPE/expected.json    grad_norm_order, no_gradient (trainable parameters that get none), hidden_last, model_class, versions

The hidden states of an encoder with a final norm: transformers 5 gives the last one before that norm, and so weighs it; transformers 4,
with which the published weighted sums were trained, gave and weighed it after the norm.  Here hidden_L is before it, but where layers are
weighed tie_last_hidden_states makes transformers 5 do as transformers 4 did.

A key's bias changes no softmax: its gradient is 0, and its norm here is rounding.

Dropout, layer drop and SpecAugment are off, so train mode differs from eval mode only by the conformers' batch norm: in train mode it
uses the batch's own statistics (padding too), and the running ones change nothing; there loss differs from losses[0].

emotion2vec is FunASR's: model/ has config.yaml, model.pt, tokens.txt (a label a line).  Each clip runs alone, without padding:

    inputs [B,S]          normalised by torch's layer_norm over the clip's own samples: (x - mean) / sqrt(variance + 1e-5), the variance
                          divided by n; wav2vec 2.0's extractor adds 1e-7.  Zeros after the clip's end
    hidden_I_0..hidden_I_N  clip I, extra tokens first: what goes into the first block, and every block's output: prenet's, then main
    features_I            the last block's output without the extra tokens
    logits [B,9]          proj of the features' mean over time, before FunASR sets labels that start with "unuse" to -inf
    scores [B,9]          softmax with those at -inf
    loss, losses, grad_norm  as above, of the mean cross entropy of the logits of the clips that each ran alone
"""
import functools, json, os, shutil, sys, types, zlib

import numpy, torch, transformers
from safetensors.torch import save_file
from transformers import AutoModelForAudioClassification, SeamlessM4TFeatureExtractor, Wav2Vec2FeatureExtractor, WhisperFeatureExtractor

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "encoders")
LABELS = ["angry", "calm", "sad"]
STEPS = 10
SHAPES = []


def shape(family, name):
    """Registers a function that returns (config, feature extractor, lengths, whether an attention mask is given)."""
    return lambda make: SHAPES.append((family, name, make))


# ---- Families ----

OFF = dict(hidden_dropout=0.0, attention_dropout=0.0, activation_dropout=0.0, feat_proj_dropout=0.0, final_dropout=0.0, layerdrop=0.0,
           apply_spec_augment=False, mask_time_prob=0.0, mask_feature_prob=0.0)
LAYER = dict(feat_extract_norm="layer", do_stable_layer_norm=True, conv_bias=True, conv_dim=[16] * 4, conv_kernel=[10, 5, 3, 2],
             conv_stride=[5, 4, 2, 2], hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=32,
             num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=4, classifier_proj_size=12)
GROUP = dict(feat_extract_norm="group", do_stable_layer_norm=False, conv_bias=False, conv_dim=[8, 8, 12, 12, 12],
             conv_kernel=[10, 3, 3, 3, 2], conv_stride=[5, 2, 2, 2, 2], hidden_size=18, num_hidden_layers=3, num_attention_heads=3,
             intermediate_size=24, num_conv_pos_embeddings=6, num_conv_pos_embedding_groups=2, classifier_proj_size=8)
RAGGED, EVEN = [3600, 2500], [3600, 3600]


def waveform_layer(config):
    return config, Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=True), RAGGED, True


def waveform_even(config):
    return config, Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=True), EVEN, True


def waveform_group(config):
    return config, Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=False), EVEN, False


def tied(config):
    """Weighs the last layer after the final norm."""
    config.tie_last_hidden_states = True
    return config


# Buckets: half for each direction; the first half of those is exact, the others are logarithmic up to the largest distance.
@shape("wavlm", "layer")
def wavlm_layer():
    return waveform_layer(transformers.WavLMConfig(**OFF, **LAYER, num_buckets=16, max_bucket_distance=40))


@shape("wavlm", "group")
def wavlm_group():
    return waveform_group(transformers.WavLMConfig(**OFF, **GROUP, num_buckets=12, max_bucket_distance=24, use_weighted_layer_sum=True))


@shape("hubert", "layer")
def hubert_layer():
    return waveform_layer(transformers.HubertConfig(**OFF, **LAYER))


# As superb/hubert-large-superb-er: layers are weighed, and the last one has a final norm.
@shape("hubert", "superb")
def hubert_superb():
    return waveform_layer(tied(transformers.HubertConfig(**OFF, **LAYER, use_weighted_layer_sum=True)))


@shape("hubert", "group")
def hubert_group():
    return waveform_group(transformers.HubertConfig(**OFF, **GROUP, feat_proj_layer_norm=False, use_weighted_layer_sum=True))


def whisper(mels, seconds, **sizes):
    config = transformers.WhisperConfig(num_mel_bins=mels, max_source_positions=50 * seconds, max_target_positions=8, vocab_size=8,
                                        decoder_layers=1, decoder_attention_heads=1, decoder_ffn_dim=8, pad_token_id=0,
                                        bos_token_id=1, eos_token_id=2, decoder_start_token_id=3, begin_suppress_tokens=None,
                                        classifier_proj_size=12, **sizes)
    return config, WhisperFeatureExtractor(feature_size=mels, chunk_length=seconds), [4800, 3100], False


@shape("whisper", "80")
def whisper_80():
    return whisper(80, 1, d_model=16, encoder_layers=2, encoder_attention_heads=4, encoder_ffn_dim=32)


@shape("whisper", "128")
def whisper_128():
    return whisper(128, 1, d_model=18, encoder_layers=2, encoder_attention_heads=3, encoder_ffn_dim=32, use_weighted_layer_sum=True)


@shape("wav2vec2", "layer")
def wav2vec2_layer():
    return waveform_layer(transformers.Wav2Vec2Config(**OFF, **LAYER))


@shape("wav2vec2", "group")
def wav2vec2_group():
    return waveform_group(transformers.Wav2Vec2Config(**OFF, **GROUP, use_weighted_layer_sum=True))


@shape("wav2vec2", "mms")
def wav2vec2_mms():
    return waveform_layer(transformers.Wav2Vec2Config(**OFF, **LAYER, adapter_attn_dim=6))


@shape("unispeech_sat", "layer")
def unispeech_sat_layer():
    return waveform_layer(transformers.UniSpeechSatConfig(**OFF, **LAYER))


@shape("unispeech_sat", "group")
def unispeech_sat_group():
    return waveform_group(transformers.UniSpeechSatConfig(**OFF, **GROUP, use_weighted_layer_sum=True))


@shape("unispeech", "layer")
def unispeech_layer():
    return waveform_layer(transformers.UniSpeechConfig(**OFF, **LAYER))


# The positions' convolutions are a stack here, each with a norm that has no weights; a conv layer norm and post norm, always.
def data2vec(**sizes):
    fixed = {k: v for k, v in (OFF | LAYER).items() if k not in ("apply_spec_augment", "feat_extract_norm", "do_stable_layer_norm")}
    return transformers.Data2VecAudioConfig(**(fixed | sizes))


# Clips of one length where transformers lets padding into convolutions behind the mask: ours does not.
@shape("data2vec_audio", "mask")
def data2vec_mask():
    return waveform_even(data2vec(conv_bias=False, num_conv_pos_embeddings=3, conv_pos_kernel_size=7))


@shape("data2vec_audio", "even")
def data2vec_even():
    config = data2vec(hidden_size=12, num_attention_heads=2, num_conv_pos_embeddings=2, conv_pos_kernel_size=5,
                      num_conv_pos_embedding_groups=3, use_weighted_layer_sum=True)
    return waveform_group(config)


def conformer(**sizes):
    fixed = dict(conformer_conv_dropout=0.0, hidden_act="swish", max_source_positions=100)
    return transformers.Wav2Vec2ConformerConfig(**(OFF | LAYER | fixed | sizes))


@shape("wav2vec2_conformer", "relative")
def conformer_relative():
    return waveform_even(conformer(position_embeddings_type="relative", conv_depthwise_kernel_size=7))


@shape("wav2vec2_conformer", "rotary")
def conformer_rotary():
    return waveform_group(tied(conformer(position_embeddings_type="rotary", conv_depthwise_kernel_size=5, conv_bias=False,
                                         feat_extract_norm="group", num_attention_heads=2, use_weighted_layer_sum=True)))


def w2v_bert(lengths, padding_value, **sizes):
    config = transformers.Wav2Vec2BertConfig(**OFF, conformer_conv_dropout=0.0, hidden_size=16, num_hidden_layers=2,
                                             intermediate_size=32, classifier_proj_size=12, **sizes)
    return config, SeamlessM4TFeatureExtractor(padding_value=padding_value), lengths, True


@shape("wav2vec2_bert", "key")
def w2v_bert_key():
    return w2v_bert([4800, 3100], 0.0, num_attention_heads=4, position_embeddings_type="relative_key", conv_depthwise_kernel_size=7,
                    left_max_position_embeddings=6, right_max_position_embeddings=2)


@shape("wav2vec2_bert", "weighted")
def w2v_bert_weighted():
    return w2v_bert([4600, 3600, 2790], 1.0, num_attention_heads=2, position_embeddings_type="relative_key", conv_depthwise_kernel_size=5,
                    left_max_position_embeddings=4, right_max_position_embeddings=3, use_weighted_layer_sum=True)


# ---- Making ----

def clips(lengths, seed):
    """Noise that is smoothed over ten samples, each clip louder than the one before, with a slow swell."""
    random = numpy.random.default_rng(seed)
    out = numpy.zeros((len(lengths), max(lengths)), "float32")
    for i, n in enumerate(lengths):
        noise = numpy.convolve(random.standard_normal(n + 9), numpy.hanning(12)[1:-1], "valid")
        swell = 0.6 + 0.4 * numpy.sin(numpy.arange(n) * (i + 2) / 700)
        out[i, :n] = (0.1 + 0.25 * i) * noise / abs(noise).max() * swell + 0.01 * i
    return out


def randomise(model, seed):
    """Values large enough that every parameter matters, the ones that start at zero or one too."""
    random = torch.Generator().manual_seed(seed)
    state = list(model.named_parameters()) + [(n, b) for n, b in model.named_buffers() if "running" in n]
    for name, value in state:
        noise = torch.randn(value.shape, generator=random)
        with torch.no_grad():
            if "running_var" in name:
                value.copy_(1 + 0.5 * noise.abs())
            elif value.dim() == 1 and name.endswith("weight") and "layer_weights" not in name:
                value.copy_(1 + 0.1 * noise)
            elif name.endswith(("original0", "weight_g", "gru_rel_pos_const")):
                value.copy_(1 + 0.2 * noise)
            elif name.endswith("alibi_scale"):
                value.copy_(1 + 0.3 * noise)
                value[:, :, 0] = -0.2  # counts as 0
            elif "layer_weights" in name or "rel_attn_embed" in name:
                value.copy_(0.7 * noise)
            elif value.dim() == 1:
                value.copy_(0.1 * noise)
            elif value.dim() == 3 and not name.endswith("original1"):
                value.copy_(noise * 1.4 / (value.shape[1] * value.shape[2]) ** 0.5)
            else:
                value.copy_(0.3 * noise)


def extract(extractor, wave, lengths, masked):
    """The model's arguments: the feature extractor's output of the clips, the mask only where the family takes one."""
    made = extractor([w[:n] for w, n in zip(wave, lengths)], sampling_rate=16000, return_tensors="pt",
                     **({} if isinstance(extractor, WhisperFeatureExtractor) else {"padding": True}))
    given = {k: v for k, v in made.items() if k != "attention_mask" or masked}
    return {k: v.float() if v.is_floating_point() else v for k, v in given.items()}


def train(model, given, labels):
    """Gradient norms before the first step, then the loss before each step."""
    model.train()
    # Whisper's positions are made frozen, and stay so; a model that transformers 5 has loaded from a file would train them.
    parameters = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW([p for _, p in parameters], lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
    losses, norms = [], None
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * (STEPS - step) / STEPS
        optimizer.zero_grad(set_to_none=True)
        loss = model(**given, labels=labels).loss
        loss.backward()
        if norms is None:
            norms = {n: p.grad.norm().item() if p.grad is not None else None for n, p in parameters}
        losses.append(loss.item())
        torch.nn.utils.clip_grad_norm_([p for _, p in parameters], 1.0)
        optimizer.step()
    return norms, losses


# ---- emotion2vec ----

TOKENS = "生气/angry 厌恶/disgusted 恐惧/fearful 开心/happy 中立/neutral 其他/other 难过/sad 吃惊/surprised <unk>".split()
PLAIN = "angry disgusted fearful happy neutral other sad surprised <unk>".split()


def emotion2vec_config(width, heads, ratio, prenet, depth, extra, convs, pos_width, pos_depth, pos_groups):
    """What FunASR's class reads of a config.yaml, without dropout."""
    audio = dict(type="AUDIO", prenet_depth=prenet, prenet_layerdrop=0.0, prenet_dropout=0.0, start_drop_path_rate=0.0,
                 end_drop_path_rate=0.0, num_extra_tokens=extra, init_extra_token_zero=True, local_grad_mult=1.0, use_alibi_encoder=True,
                 alibi_scale=1.0, learned_alibi=False, alibi_max_pos=None, learned_alibi_scale=True, learned_alibi_scale_per_head=True,
                 learned_alibi_scale_per_layer=False, num_alibi_heads=heads, model_depth=depth, extractor_mode="layer_norm",
                 feature_encoder_spec=convs, conv_pos_width=pos_width, conv_pos_groups=pos_groups, conv_pos_depth=pos_depth,
                 conv_pos_pre_ln=False,
                 decoder=dict(input_dropout=0.1, decoder_dim=8, decoder_groups=2, decoder_kernel=3, decoder_layers=1, projection_layers=1,
                              projection_ratio=2.0, decoder_residual=True, add_positions_masked=False, add_positions_all=False))
    model = dict(depth=depth, start_drop_path_rate=0.0, end_drop_path_rate=0.0, num_heads=heads, norm_eps=1e-5, norm_affine=True,
                 encoder_dropout=0.0, post_mlp_drop=0.0, attention_dropout=0.0, activation_dropout=0.0, dropout_input=0.0, layerdrop=0.0,
                 embed_dim=width, mlp_ratio=ratio, layer_norm_first=False, average_top_k_layers=depth,
                 end_of_block_targets=False, clone_batch=8, normalize=True, modalities=dict(audio=audio))
    return dict(model="Emotion2vec", model_conf=model, tokenizer="CharTokenizer", scope_map=["d2v_model.", "none"],
                tokenizer_conf=dict(unk_symbol="<unk>", split_with_space=True))


@shape("emotion2vec", "plus")
def emotion2vec_plus():
    return emotion2vec_config(16, 4, 2.0, 2, 2, 3, "[(16, 10, 5)] + [(16, 3, 2)] * 3 + [(16,2,2)]", 15, 3, 4), TOKENS, "d2v_model."


# Three heads, as the published base has twelve: the slopes of a number that is no power of two are woven from two rows.
@shape("emotion2vec", "base")
def emotion2vec_base():
    return emotion2vec_config(12, 3, 4.0, 1, 3, 2, "[(8, 10, 5)] + [(8, 3, 2)] * 2 + [(12,2,2)]", 8, 2, 3), PLAIN, ""


def emotion2vec_forward(model, source, hidden=None):
    """What inference() does with one clip; hidden receives what goes into the first block and each block's output."""
    blocks = list(model.modality_encoders["AUDIO"].context_encoder.blocks) + list(model.blocks)
    hooks = [blocks[0].register_forward_pre_hook(lambda _, given: hidden.append(given[0]))] if hidden is not None else []
    hooks += [b.register_forward_hook(lambda _, given, out: hidden.append(out[0])) for b in blocks] if hidden is not None else []
    features = model.extract_features(source[None], padding_mask=None)["x"]
    for hook in hooks:
        hook.remove()
    return features[0], model.proj(features.mean(1))[0]


class Alone(torch.nn.Module):
    """Clips that each run alone, and their mean cross entropy, as train() wants it."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def named_parameters(self):
        return self.model.named_parameters()

    def forward(self, sources, labels):
        logits = torch.stack([emotion2vec_forward(self.model, s)[1] for s in sources])
        return types.SimpleNamespace(loss=torch.nn.functional.cross_entropy(logits, labels))


def write_emotion2vec(name, seed, config, tokens, prefix):
    import funasr, yaml
    from funasr.models.emotion2vec.model import Emotion2vec
    folder = os.path.join(HERE, f"emotion2vec_{name}")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(f"{folder}/model")
    yaml.safe_dump(config, open(f"{folder}/model/config.yaml", "w"), sort_keys=False)
    open(f"{folder}/model/tokens.txt", "w", encoding="utf-8").write("\n".join(tokens) + "\n")
    model = Emotion2vec(model_conf=config["model_conf"], vocab_size=len(tokens)).eval()
    randomise(model, seed)
    state = {("" if n.startswith("proj.") else prefix) + n: v for n, v in model.state_dict().items()}
    torch.save({"model": state}, f"{folder}/model/model.pt")

    lengths, labels = [3600, 2500], torch.tensor([3, 6])
    wave = torch.from_numpy(clips(lengths, seed))
    sources = [torch.nn.functional.layer_norm(w[:n], (n,)) for w, n in zip(wave, lengths)]
    data = {"waveform": wave, "lengths": torch.tensor(lengths), "labels": labels, "inputs": torch.zeros_like(wave)}
    logits = []
    for i, source in enumerate(sources):
        data["inputs"][i, :lengths[i]] = source
        hidden = []
        with torch.no_grad():
            data[f"features_{i}"], one = emotion2vec_forward(model, source, hidden)
        data |= {f"hidden_{i}_{k}": h[0] for k, h in enumerate(hidden)}
        logits.append(one)
    data["logits"] = torch.stack(logits)
    masked = data["logits"].masked_fill(torch.tensor([t.startswith("unuse") for t in tokens]), -torch.inf)
    data["scores"] = masked.softmax(-1)
    data["loss"] = torch.nn.functional.cross_entropy(data["logits"], labels)
    same_as_funasr(folder, wave, lengths, tokens, data)
    norms, losses = train(Alone(model), {"sources": sources}, labels)
    data |= {"losses": torch.tensor(losses), "grad_norm": torch.tensor([v for v in norms.values() if v is not None])}
    finish(folder, data, norms, "features, after the extra tokens", "Emotion2vec", funasr=funasr.__version__)


def same_as_funasr(folder, wave, lengths, tokens, data):
    """FunASR's own reading of the folder gives the same features and scores."""
    import funasr
    model = funasr.AutoModel(model=f"{folder}/model", device="cpu", disable_update=True, disable_pbar=True, disable_log=True, ncpu=1)
    used = [i for i, t in enumerate(tokens) if not t.startswith("unuse")]
    for i, (w, n) in enumerate(zip(wave, lengths)):
        found = model.generate(w[:n].numpy(), granularity="frame")[0]
        same = numpy.array_equal(found["feats"], data[f"features_{i}"])
        if not same or not numpy.allclose(found["scores"], data["scores"][i, used], atol=1e-7):
            sys.exit(f"{folder}: FunASR computes something else")


# ---- Writing ----

def finish(folder, data, norms, hidden_last, model_class, **versions):
    save_file({k: v.detach().contiguous().clone() for k, v in data.items()}, f"{folder}/data.safetensors")
    expected = {"grad_norm_order": [n for n, v in norms.items() if v is not None],
                "no_gradient": [n for n, v in norms.items() if v is None], "hidden_last": hidden_last, "model_class": model_class,
                **versions, "torch": torch.__version__}
    json.dump(expected, open(f"{folder}/expected.json", "w"), indent=1)
    size = sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(folder) for f in files)
    print(f"{os.path.basename(folder)}: {size} bytes, {hidden_last}, no gradient: {expected['no_gradient']}, "
          f"loss {data['loss']:.4f}, losses {data['losses'][0]:.4f} to {data['losses'][-1]:.4f}")


def same_as_file(folder, given, logits):
    back = AutoModelForAudioClassification.from_pretrained(folder, attn_implementation="eager").eval()
    with torch.no_grad():
        if not torch.equal(back(**given).logits, logits):
            sys.exit(f"{folder}: the logits differ after loading back")


def hidden_last(encoded):
    last, output = encoded.hidden_states[-1], encoded.last_hidden_state
    if torch.equal(last, output):
        return "last_hidden_state"
    return "before the final norm" if last.shape == output.shape else "before the upsampling"


def write(family, name, seed, config, extractor, lengths, masked):
    folder = os.path.join(HERE, f"{family}_{name}")
    shutil.rmtree(folder, ignore_errors=True)
    config.id2label, config.label2id = dict(enumerate(LABELS)), {l: i for i, l in enumerate(LABELS)}
    config._attn_implementation = "eager"
    torch.manual_seed(seed)
    model = AutoModelForAudioClassification.from_config(config, attn_implementation="eager").eval()
    randomise(model, seed)
    model.save_pretrained(f"{folder}/model")
    extractor.save_pretrained(f"{folder}/model")

    wave, labels = clips(lengths, seed), torch.arange(len(lengths)) * 2 % len(LABELS)
    given = extract(extractor, wave, lengths, masked)
    base = model.encoder if family == "whisper" else model.base_model
    with torch.no_grad():
        encoded, classified = base(**given, output_hidden_states=True), model(**given, labels=labels)
    same_as_file(f"{folder}/model", given, classified.logits)
    norms, losses = train(model, given, labels)

    data = {"waveform": torch.from_numpy(wave), "lengths": torch.tensor(lengths), "labels": labels,
            "inputs": next(v for k, v in given.items() if k != "attention_mask"), "logits": classified.logits,
            "loss": classified.loss, "losses": torch.tensor(losses),
            "grad_norm": torch.tensor([v for v in norms.values() if v is not None])}
    data |= {f"hidden_{i}": h for i, h in enumerate(encoded.hidden_states)}
    if hidden_last(encoded) != "last_hidden_state":
        data["last_hidden_state"] = encoded.last_hidden_state
    if masked and "input_features" in given:
        data["attention_mask"] = given["attention_mask"].long()
    finish(folder, data, norms, hidden_last(encoded), type(model).__name__, transformers=transformers.__version__)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for family, name, make in SHAPES:
        if len(sys.argv) == 1 or family in sys.argv[1:]:
            writer = write_emotion2vec if family == "emotion2vec" else functools.partial(write, family)
            writer(name, zlib.crc32(f"{family}_{name}".encode()), *make())
