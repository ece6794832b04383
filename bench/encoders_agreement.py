#!/usr/bin/env python3
"""Every encoder family's exports against the peers' own programs, for each published model under tests/golden/encoders:

    bench/encoders_agreement.py [--emotrain build/emotrain] [FOLDER]...

  own        emotrain export, opened again by emotrain: the same probabilities
  hub        emotrain export --as sequence-classification, by transformers' AutoModelForAudioClassification
  onnx       emotrain export --as onnx, by ONNX Runtime, two lengths, batches of one and of two

Each as the largest difference of a probability from emotrain predict's; status 1 above 1e-4.  Needs a python3 with torch,
transformers, onnxruntime and soundfile."""
import argparse, csv, glob, json, os, subprocess, sys, tempfile

import numpy, onnxruntime, soundfile, torch
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
here = os.path.dirname(os.path.abspath(__file__))
ap.add_argument("folders", nargs="*", default=sorted(glob.glob(os.path.join(here, "../tests/golden/encoders/*/model"))))
ap.add_argument("--emotrain", default="build/emotrain")
a = ap.parse_args()


def emotrain(*words):
    run = subprocess.run([a.emotrain, *words, "--quiet", "--set", "run.device=cpu"], capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(run.stderr.strip().splitlines()[-1])


def predict(model, sounds, out):
    emotrain("predict", model, *sounds, "--format", "csv", "-o", out, "--set", "run.precision=float32")
    rows = list(csv.DictReader(open(out)))
    names = labels_of(model)
    return numpy.array([[float(row[label]) for label in names] for row in rows])


def labels_of(model):
    path = os.path.join(model, "config.json")
    if os.path.exists(path):
        return [label for _, label in sorted((int(k), v) for k, v in json.load(open(path))["id2label"].items())]
    lines = open(os.path.join(model, "tokens.txt"), encoding="utf-8").read().split("\n")
    return ["unknown" if line == "<unk>" else line.split("/")[-1] for line in lines if line]


def by_transformers(folder, sounds):
    model = AutoModelForAudioClassification.from_pretrained(folder).eval()
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    out = []
    with torch.no_grad():
        for sound in sounds:
            given = extractor(soundfile.read(sound, dtype="float32")[0], sampling_rate=16000, return_tensors="pt")
            out.append(model(**given).logits.softmax(-1)[0].numpy())
    return numpy.array(out)


def by_onnx(folder, groups):
    session = onnxruntime.InferenceSession(os.path.join(folder, "model.onnx"), providers=["CPUExecutionProvider"])
    out = []
    for group in groups:
        out.extend(session.run(None, {"samples": numpy.stack([soundfile.read(s, dtype="float32")[0] for s in group])})[0])
    return numpy.array(out)


failed = False
print(f"{'model':30} {'own':>9} {'hub':>9} {'onnx':>9}")
with tempfile.TemporaryDirectory() as scratch:
    random = numpy.random.default_rng(101)
    sounds = []
    for i, length in enumerate([5000, 5000, 8640]):
        sounds.append(os.path.join(scratch, f"{i}.wav"))
        noise = numpy.convolve(random.standard_normal(length), numpy.ones(8) / 8, "same") * (0.05 + 0.1 * i)
        soundfile.write(sounds[-1], noise.astype("float32"), 16000, subtype="FLOAT")
    for folder in a.folders:
        name = os.path.basename(os.path.dirname(os.path.abspath(folder)))
        cells = []
        base = predict(folder, sounds, os.path.join(scratch, "a.csv"))
        for form, answer in (("classification", lambda out: predict(out, sounds, os.path.join(scratch, "b.csv"))),
                             ("sequence-classification", lambda out: by_transformers(out, sounds)),
                             ("onnx", lambda out: by_onnx(out, [sounds[:2], sounds[2:], sounds[:1]])[[0, 1, 2]])):
            out = os.path.join(scratch, f"{name}-{form}")
            try:
                emotrain("export", folder, out, "--as", form)
                difference = abs(answer(out) - base).max()
                failed = failed or not difference < 1e-4
                cells.append(f"{difference:9.1e}")
            except Exception as error:  # what cannot be exported says why
                expected = form == "sequence-classification" and "transformers has no class" in str(error)
                failed = failed or not expected
                cells.append("     none" if expected else f" FAILED ({str(error)[-160:]})")
        print(f"{name:30} {' '.join(cells)}", flush=True)
sys.exit(failed)
