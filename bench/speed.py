#!/usr/bin/env python3
"""Training speed against a Python peer on the same clip lengths, as ratios within one run on one machine.

    bench/speed.py [PEER.py] --config configs/ravdess.ini [--set section.key=value]... [--rounds 5] [--steps 3]
        [--batch 2] [--accumulate 2] [--size xlsr] [--emotrain build/emotrain] [--python /usr/bin/python3]

Each round runs, one after the other: emotrain bench as the machine has it (run.precision=auto) and in float32, then
the peer at its defaults and at its best settings (every processor, threads that wait asleep).  PEER.py (default:
reference/wav2vec2_peer_train.py beside this script) takes
`DIRECTORY --size S --batch N --accumulate N --steps N [--threads N] --lengths-file F` and prints one line of JSON
with "step_s" and "clips_per_s", the median over all steps but the first, and "peak_memory_mib" where it knows it.  Prints the medians over
the rounds, their ranges, and the ratios.  Nothing else should run meanwhile.
"""
import argparse, json, os, random, statistics, subprocess, sys, tempfile

FAST, EXACT, DEFAULT, BEST = "emotrain", "emotrain, float32", "peer, its defaults", "peer, its best settings"


def bench(a, folder, settings, steps):
    out = os.path.join(folder, "bench.json")
    sets = [word for s in a.set + settings for word in ("--set", s)]
    subprocess.run([a.emotrain, "bench", "--config", a.config, *sets, "--steps", str(steps), "--format", "json", "--quiet",
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
    ap.add_argument("--emotrain", default="build/emotrain")
    ap.add_argument("--python", default="/usr/bin/python3")
    a = ap.parse_args()
    a.set += [f"train.batch_size={a.batch}", f"train.gradient_accumulation_steps={a.accumulate}"]
    rates = {name: [] for name in (FAST, EXACT, DEFAULT, BEST)}
    ceilings, shares, memory, peers = [], [], [], []

    with tempfile.TemporaryDirectory() as folder:
        lengths = os.path.join(folder, "lengths")
        for number in range(a.rounds):
            fast = bench(a, folder, [], a.steps)
            exact = bench(a, folder, ["run.precision=float32"], a.steps)
            write_lengths(lengths, fast["training"]["samples"], a.batch * a.accumulate, number)
            rates[FAST].append(fast["training"]["clips_per_second"])
            rates[EXACT].append(exact["training"]["clips_per_second"])
            for name, words, environment in ((DEFAULT, [], {}), (BEST, ["--threads", str(os.cpu_count())],
                                                                 {"OMP_WAIT_POLICY": "passive"})):
                run = peer(a, lengths, words, environment)
                rates[name].append(run["clips_per_s"])
                peers.append(run.get("peak_memory_mib") or 0)
            ceilings.append(fast["ceiling_flop_per_second"] * 1e-9)
            shares.append(fast["stages"]["forward and backward"]["of_ceiling"])
            memory.append((fast["peak_memory_mib"], exact["peak_memory_mib"]))
            print(f"round {number + 1}: " + ", ".join(f"{name} {r[-1]:.3f}" for name, r in rates.items()), "clips/s",
                  file=sys.stderr, flush=True)
    print(f"{a.rounds} rounds of {a.steps} steps of {a.batch * a.accumulate} clips, {fast['precision']} and float32\n")
    for name, values in rates.items():
        print(f"{name:26} {statistics.median(values):7.3f} clips/s ({min(values):.3f} to {max(values):.3f})")
    middle = {name: statistics.median(values) for name, values in rates.items()}
    print()
    for ours in (FAST, EXACT):
        for theirs in (DEFAULT, BEST):
            print(f"{ours} / {theirs}: {middle[ours] / middle[theirs]:.2f}")
    print(f"\n{FAST}: ceiling {statistics.median(ceilings):.0f} GFLOP/s, forward and backward at "
          f"{100 * statistics.median(shares):.0f} % of it; memory {max(m[0] for m in memory) / 1024:.2f} GiB, "
          f"{max(m[1] for m in memory) / 1024:.2f} GiB in float32" +
          (f", the peer's {max(peers) / 1024:.2f} GiB" if max(peers) else ""))


if __name__ == "__main__":
    main()
