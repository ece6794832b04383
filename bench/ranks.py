#!/usr/bin/env python3
"""What a step takes where several processes of this machine train together: seconds, and bytes over loopback.

    bench/ranks.py --config FILE [EMOTRAIN_OPTION]...       STEPS=10 RANKS="1 2 4" EMOTRAIN=build/emotrain

Steps are told apart by the lines of the run's metrics.jsonl; the first is not counted.  Medians, and ranges."""
import os, statistics, subprocess, sys, tempfile, time

emotrain = os.environ.get("EMOTRAIN", "build/emotrain")
steps = int(os.environ.get("STEPS", "10"))


def sent():
    with open("/proc/net/dev") as file:
        return next(int(line.split(":")[1].split()[8]) for line in file if line.strip().startswith("lo:"))


def measure(ranks, folder):
    """Seconds of each step after the first, and bytes a step that all ranks together sent."""
    name, record, moments = f"ranks{ranks}", os.path.join(folder, f"ranks{ranks}", "metrics.jsonl"), []
    sets = [f"run.directory={folder}", f"train.max_steps={steps}", "train.epochs=0", "train.log_steps=1", "split.test=16",
            "eval.every_steps=0", "checkpoint.keep=1"]
    process = subprocess.Popen([emotrain, "launch", "--processes", str(ranks), *sys.argv[1:], "--run", name,
                                *(word for s in sets for word in ("--set", s))], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    while process.poll() is None:
        lines = 0
        if os.path.exists(record):
            with open(record) as file:
                lines = sum('"loss"' in line for line in file)
        while len(moments) < lines:
            moments.append((time.perf_counter(), sent()))
        time.sleep(0.005)
    if process.returncode:
        sys.exit(process.stderr.read())
    seconds = [b[0] - a[0] for a, b in zip(moments, moments[1:])]
    return seconds, (moments[-1][1] - moments[0][1]) / (len(moments) - 1)


first = None
print(f"{'ranks':>6} {'s/step':>8} {'range':>16} {'MB/step, rank':>14} {'against 1':>10}")
for ranks in map(int, os.environ.get("RANKS", "1 2 4").split()):
    with tempfile.TemporaryDirectory() as folder:
        seconds, size = measure(ranks, folder)
    step = statistics.median(seconds)
    first = first or step
    print(f"{ranks:6} {step:8.2f} {min(seconds):7.2f} to {max(seconds):5.2f} {size / ranks / 1e6:14.1f} {first / step:10.2f}",
          flush=True)
