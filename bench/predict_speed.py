#!/usr/bin/env python3
"""Speed and memory of predictions on the CPU, in float32, beside transformers and ONNX Runtime: ratios within one run.

    bench/predict_speed.py --config configs/ravdess.ini --size configs/models/xlsr.json [--set section.key=value]...
        [--emotrain NAME=build/emotrain]... [--batch 1,8] [--rounds 5] --python PYTHON

Each round runs, one after the other and for each batch size: every emotrain given (emotrain bench --steps 0, the first clips of
the test part), transformers at its defaults (clips as they come) and at its best (from long to short, every processor), and ONNX
Runtime from long to short.  All get sounds of the same lengths, and no one's first batch is counted (bench/peer_predict.py).
Prints medians over the rounds, ranges, the peak memory of each process (of ONNX Runtime with the export before it), and ratios to
transformers.  PYTHON has torch, transformers, onnx and onnxruntime.  Nothing else should run meanwhile."""
import argparse, json, os, statistics, subprocess, sys, tempfile

PEERS = {"transformers, defaults": [], "transformers, best": ["--sorted", "--threads", str(os.cpu_count())],
         "ONNX Runtime": ["--sorted", "--engine", "onnxruntime"]}


def ours(a, program, batch, folder):
    out = os.path.join(folder, "bench.json")
    sets = [w for s in [f"model.pretrained={a.size}", "run.precision=float32", f"eval.batch_size={batch}", *a.set] for w in ("--set", s)]
    subprocess.run([program, "bench", "--config", a.config, *sets, "--steps", "0", "--format", "json", "--quiet", "-o", out],
                   check=True, stderr=subprocess.DEVNULL)
    with open(out) as file:
        return json.load(file)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--config", required=True)
    ap.add_argument("--size", required=True)
    ap.add_argument("--set", action="append", default=[])
    ap.add_argument("--emotrain", action="append", default=[])
    ap.add_argument("--batch", default="1,8")
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--python", default="python3")
    a = ap.parse_args()
    programs = dict(pair.split("=", 1) for pair in a.emotrain or ["emotrain=build/emotrain"])
    peer = os.path.join(os.path.dirname(__file__), "peer_predict.py")
    rates, memory = {}, {}

    def note(name, batch, rate, mib):
        rates.setdefault((name, batch), []).append(rate)
        memory[name, batch] = max(mib, memory.get((name, batch), 0))
        print(f"  {name}, batch {batch}: {rate:.3f} clips/s, {mib / 1024:.2f} GiB", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory() as folder:
        lengths = os.path.join(folder, "lengths")
        for number in range(a.rounds):
            print(f"round {number + 1}", file=sys.stderr)
            for batch in map(int, a.batch.split(",")):
                for name, program in programs.items():
                    run = ours(a, program, batch, folder)
                    note(name, batch, run["prediction"]["clips_per_second"], run["peak_memory_mib"])
                with open(lengths, "w") as file:
                    file.writelines(f"{n}\n" for n in run["prediction"]["samples"])
                for name, options in PEERS.items():
                    words = [a.python, peer, "--size", a.size, "--batch", str(batch), "--lengths-file", lengths, *options]
                    run = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
                    note(name, batch, run["clips_per_s"], run["peak_memory_mib"])
    print("| | batch | clips/s, median (range) | to transformers' defaults | to its best | memory, GiB |\n|---|---|---|---|---|---|")
    middle = {key: statistics.median(values) for key, values in rates.items()}
    for (name, batch), values in rates.items():
        rate, (default, best) = middle[name, batch], [middle[peer, batch] for peer in list(PEERS)[:2]]
        print(f"| {name} | {batch} | {rate:.3f} ({min(values):.3f} to {max(values):.3f}) | {rate / default:.2f} | {rate / best:.2f} | "
              f"{memory[name, batch] / 1024:.2f} |")


if __name__ == "__main__":
    main()
