#!/usr/bin/env python3
"""Makes the fuzz targets' seeds, a few hundred bytes each, below seeds/ (needs python3-torch, python3-soundfile).

    /usr/bin/python3 tests/fuzz/make_seeds.py [AUDIO_CACHE_FOLDER]

The cache's seeds are the smallest entries of an audio cache: `emotrain index` over a clip of 120 samples makes one of half
a kilobyte.  The others are written here.
"""
import binascii, io, json, pathlib, pickle, struct, sys, zipfile
import numpy, soundfile, torch

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent


def seed(target, name, data):
    folder = HERE / "seeds" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)


seed("settings", "demo.ini", "[corpus]\nkind = csv\nroot = a\nlabels = x, y ; both\n[train]\nepochs=3\nlearning_rate = 1e-4\n")
seed("settings", "set", "train.batch_size=4")
for name in ("03-01-06-01-02-01-12.wav", "03a01Fa.wav", "DC_a01.wav", "1001_DFA_ANG_XX.wav", "OAF_back_angry.wav", "happy/a.wav"):
    seed("names", name.replace("/", "_"), name)
seed("list", "plain.csv", 'path,label,speaker,part,start,end\na.wav,happy,"ann, b",train,,\nb/c.flac,sad,,test,0.5,1.25\n')
seed("list", "columns.csv", "path;a;b\nx.wav;1;0\ny.wav;0.5;1\n")
seed("list", "lines.jsonl", '{"wav": "a.wav", "emotion": "x", "start": "0:01.5"}\n{"wav": "b", "emotion": null, "votes": [1, 2]}\n')
seed("list", "utf16.csv", "path\tlabel\tpart\na.wav\tx\tdev\n".encode("utf-16"))
seed("list", "labels.csv", "path,labels\nx.wav,a;b\ny.wav,\n")
seed("model", "tiny.json", json.dumps(json.loads((ROOT / "tests/cli/tiny.json").read_text())))

seed("svm", "three_classes", "svm_type c_svc\nkernel_type rbf\ngamma 0.125\nnr_class 3\ntotal_sv 4\nrho 0.5 -0.25 1e-3\n"
     "label 0 1 2\nnr_sv 1 1 2\nSV\n0.5 -1 1:0.25 8:-1 \n1 0 2:3 \n-0.5 1 1:1 \n0 -1 3:2 4:1 \n")
seed("svm", "regression", "svm_type epsilon_svr\nkernel_type linear\nnr_class 2\ntotal_sv 2\nrho 0.5\nSV\n1 1:0.5 \n-1 2:0.5 \n")

archive = io.BytesIO()
numpy.savez(archive, features=numpy.arange(6, dtype=numpy.float32).reshape(3, 2), paths=numpy.array(["a.wav", "b", "c"]))
seed("npz", "features", archive.getvalue())
seed("digests", "whole", 'weights{"step": 1, "crc32": {"model.safetensors": "%08x", "optimizer.safetensors": "%08x"}}'
     % (binascii.crc32(b"weights"), binascii.crc32(b"wei")))
seed("digests", "sealed", 'w{"step": 1, "state_crc32": "00000000", "crc32": {}}')
seed("hub", "file", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: W/\"abc\"\r\nX-Linked-Size: 3\r\nX-Linked-ETag: \"" + "a" * 64 +
     "\"\r\nX-Repo-Commit: " + "0" * 40 + "\r\n\r\n{}")
seed("hub", "elsewhere", "HTTP/1.1 302 Found\r\nLocation: ftp://a/b\r\nContent-Length: 0\r\n\r\n")

header = json.dumps({"__metadata__": {"format": "pt"},
                     "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
                     "b": {"dtype": "F16", "shape": [2], "data_offsets": [24, 28]},
                     "c": {"dtype": "I64", "shape": [], "data_offsets": [28, 36]}}).encode()
header += b" " * (-len(header) % 8)
seed("safetensors", "three", struct.pack("<Q", len(header)) + header + bytes(range(36)))

buffer = io.BytesIO()
torch.save({"a": torch.arange(6.0).reshape(2, 3).t(), "b": torch.ones(2, dtype=torch.bfloat16)}, buffer)
whole = buffer.getvalue()
archive = zipfile.ZipFile(io.BytesIO(whole))
small = io.BytesIO()
with zipfile.ZipFile(small, "w", zipfile.ZIP_STORED) as out:
    for entry in archive.namelist():
        out.writestr(entry, archive.read(entry))
seed("pickle", "archive", small.getvalue())
seed("pickle", "plain", next(archive.read(e) for e in archive.namelist() if e.endswith("data.pkl")))
seed("pickle", "refused", pickle.dumps(print, protocol=2))

for name, entries in (("plain", {"a.wav": "x", "b/": "", "b/c.txt": "y" * 40}), ("outside", {"../up.txt": "x"}),
                      ("absolute", {"/tmp/up.txt": "x"}), ("link", {})):
    small = io.BytesIO()
    with zipfile.ZipFile(small, "w", zipfile.ZIP_DEFLATED) as out:
        for entry, text in entries.items():
            out.writestr(zipfile.ZipInfo(entry), text)
        if name == "link":
            link = zipfile.ZipInfo("link")
            link.external_attr = 0o120777 << 16
            out.writestr(link, "a.wav")
    seed("archive", name, small.getvalue())

seed("features", "eight", bytes((16, 8, 150, 4)) + numpy.ones((8, 16), "<f2").tobytes())
seed("features", "none", b"emoF")

seed("checkpoint", "state.json", json.dumps({"step": 3, "epoch": 1, "batches": 0, "best_score": 0.5, "optimizer_steps": [3, 3]}))

wave = (numpy.sin(numpy.arange(60) / 3) * 9000).astype("int16")
for name, form, kind in (("pcm.wav", "WAV", "PCM_16"), ("float.wav", "WAV", "FLOAT"), ("clip.flac", "FLAC", "PCM_16"),
                         ("clip.aiff", "AIFF", "PCM_16"), ("ulaw.au", "AU", "ULAW")):
    buffer = io.BytesIO()
    soundfile.write(buffer, wave, 16000, format=form, subtype=kind)
    seed("audio", name, buffer.getvalue())

if len(sys.argv) > 1:
    entries = list(pathlib.Path(sys.argv[1]).rglob("*.pcm")) + list(pathlib.Path(sys.argv[1]).rglob("*.egemaps"))
    for entry in sorted(entries, key=lambda e: e.stat().st_size)[:2]:
        seed("cache", entry.suffix[1:], entry.read_bytes())
