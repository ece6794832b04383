#!/usr/bin/env python3
"""Training speed against a Python peer on the same clip lengths, as ratios within one run on one machine.

    bench/speed.py [PEER.py] --config configs/ravdess.ini [--set section.key=value]... [--rounds 5] [--steps 3]
        [--batch 2] [--accumulate 2] [--size xlsr] [--emotrain [NAME=]build/emotrain]... [--python /usr/bin/python3]

Each round runs, one after the other: emotrain bench, of every program given, as the machine has it (run.precision=auto) and,
where that is another precision, in float32; then the peer at its defaults and at its best settings (every processor, threads that wait asleep).  PEER.py (default:
reference/wav2vec2_peer_train.py beside this script) takes
`DIRECTORY --size S --batch N --accumulate N --steps N [--threads N] --lengths-file F` and prints one line of JSON
with "step_s" and "clips_per_s", the median over all steps but the first, and "peak_memory_mib" where it knows it.  Prints the medians over
the rounds, their ranges, and the ratios.  Nothing else should run meanwhile.
"""
import argparse, json, os, random, statistics, subprocess, sys, tempfile

DEFAULT, BEST = "peer, its defaults", "peer, its best settings"


def bench(a, program, folder, settings, steps):
    out = os.path.join(folder, "bench.json")
    sets = [word for s in a.set + settings for word in ("--set", s)]
    subprocess.run([program, "bench", "--config", a.config, *sets, "--steps", str(steps), "--format", "json", "--quiet",
                    "-o", out], check=True, stderr=subprocess.DEVNULL)
    with open(out) as file:
        return json.load(file)


def write_lengths(path, samples, step, seed):
    """The clips of each step in random order, as a sampler gives them: emotrain has evened out its batches."""
    mixed = random.Random(seed)
    with open(path, "w") as file:
        for first in range(0, len(samples), step):
            clips = samples[first:first + step]
            mixed.shuffle(clips)
            file.writelines(f"{n}\n" for n in clips)


def peer(a, lengths, settings, environment):
    run = subprocess.run([a.python, a.peer, ".", *(["--size", a.size] if a.size else []), "--batch", str(a.batch),
                          "--accumulate", str(a.accumulate), "--steps", str(a.steps + 1), "--lengths-file", lengths,
                          *settings], check=True, capture_output=True,
                         text=True, env={**os.environ, **environment})
    return json.loads(run.stdout.splitlines()[-1])


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("peer", nargs="?", default=os.path.join(os.path.dirname(__file__), "reference", "wav2vec2_peer_train.py"))
    ap.add_argument("--config", required=True)
    ap.add_argument("--set", action="append", default=[])
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--steps", type=int, default=3)
    ap.add_argument("--batch", type=int, default=2)
    ap.add_argument("--accumulate", type=int, default=2)
    ap.add_argument("--size", default="")
    ap.add_argument("--emotrain", action="append", default=[])
    ap.add_argument("--python", default="/usr/bin/python3")
    a = ap.parse_args()
    a.set += [f"train.batch_size={a.batch}", f"train.gradient_accumulation_steps={a.accumulate}"]
    programs = dict(p.split("=", 1) if "=" in p else ("emotrain", p) for p in a.emotrain or ["build/emotrain"])
    runs = {}  # name: of each round (clips/s, peak memory in MiB, GFLOP/s of the ceiling, share of it)

    def note(name, rate, memory, *ceiling):
        runs.setdefault(name, []).append((rate, memory, *ceiling))
        print(f"  {name}: {rate:.3f} clips/s", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory() as folder:
        lengths = os.path.join(folder, "lengths")
        for number in range(a.rounds):
            print(f"round {number + 1}", file=sys.stderr)
            for name, program in programs.items():
                for settings in ([], ["run.precision=float32"]):
                    run = bench(a, program, folder, settings, a.steps)
                    note(f"{name}, {run['precision']}", run["training"]["clips_per_second"], run["peak_memory_mib"],
                         run["ceiling_flop_per_second"] * 1e-9, run["stages"]["forward and backward"]["of_ceiling"])
                    if run["precision"] == "float32":
                        break
            write_lengths(lengths, run["training"]["samples"], a.batch * a.accumulate, number)
            for name, words, environment in ((DEFAULT, [], {}), (BEST, ["--threads", str(os.cpu_count())],
                                                                 {"OMP_WAIT_POLICY": "passive"})):
                run = peer(a, lengths, words, environment)
                note(name, run["clips_per_s"], run.get("peak_memory_mib") or 0)
    print(f"{a.rounds} rounds of {a.steps} steps of {a.batch * a.accumulate} clips\n\n"
          "| | clips/s, median (range) | to the peer's defaults | to its best | memory, GiB | ceiling, GFLOP/s | forward and backward |\n"
          "|---|---|---|---|---|---|---|")
    middle = {name: statistics.median(r[0] for r in rounds) for name, rounds in runs.items()}
    for name, rounds in runs.items():
        rates = [r[0] for r in rounds]
        ceiling = [statistics.median(r[i] for r in rounds) for i in (2, 3) if len(rounds[0]) > 2]
        print(f"| {name} | {middle[name]:.3f} ({min(rates):.3f} to {max(rates):.3f}) | {middle[name] / middle[DEFAULT]:.2f} | "
              f"{middle[name] / middle[BEST]:.2f} | {max(r[1] for r in rounds) / 1024:.2f} | " +
              (f"{ceiling[0]:.0f} | {100 * ceiling[1]:.0f} % |" if ceiling else "| |"))


if __name__ == "__main__":
    main()
