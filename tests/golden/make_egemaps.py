#!/usr/bin/env python3
"""Makes egemaps_ravdess.csv: openSMILE's eGeMAPSv02 functionals of 24 RAVDESS clips, one of each actor, three of each emotion;
with --native egemaps_ravdess_native.csv: of the same clips at their own 48 kHz.

    python3 -m venv venv && venv/bin/pip install opensmile==2.6.0 samplerate==0.2.4 soundfile
    venv/bin/python tests/golden/make_egemaps.py RAVDESS >tests/golden/egemaps_ravdess.csv
    venv/bin/python tests/golden/make_egemaps.py RAVDESS --native >tests/golden/egemaps_ravdess_native.csv

RAVDESS holds the clips at 48 kHz, at any depth, as .wav or .flac.  openSMILE reads what emotrain hears, one channel at 16 kHz by
libsamplerate's best converter, from a file of 32-bit floats: opensmile's process_signal would round it to 16 bits, and with that, at
another rate or by another resampler openSMILE itself differs from these numbers in a fifth of the functionals (RAVDESS's pauses are
nearly silent).

Of some clips openSMILE's own numbers hang on the last bit: made louder by a millionth, a formant's deviation doubles.  Such a clip
cannot be compared with: the script refuses it at 16 kHz, and leaves it out at 48 kHz.
"""
import csv, os, sys, tempfile

import numpy, opensmile, samplerate, soundfile

RATE = 16000
CLIPS = """
03-01-01-01-01-01-01 03-01-02-01-01-01-02 03-01-03-01-02-01-03 03-01-04-01-02-02-04 03-01-05-02-01-02-05 03-01-06-02-01-02-06
03-01-07-01-01-01-07 03-01-08-02-02-01-08 03-01-02-01-01-01-09 03-01-03-01-01-02-10 03-01-04-01-01-01-11 03-01-05-01-02-02-12
03-01-06-02-01-01-13 03-01-07-02-01-01-14 03-01-08-02-02-01-15 03-01-01-01-02-02-16 03-01-03-01-01-02-17 03-01-04-01-01-02-18
03-01-05-01-02-01-19 03-01-06-01-02-01-20 03-01-07-02-01-01-21 03-01-08-02-01-02-22 03-01-01-01-02-02-23 03-01-02-01-01-01-24
""".split()


class Smile(opensmile.Smile):
    def of_file(self, path):
        """The functionals of a sound file that openSMILE reads itself (its default input is a 16-bit signal)."""
        values, starts, ends = [], [], []
        source = os.path.join(self.default_config_root, "shared", "standard_wave_input.conf.inc")
        smile = self._smile(self._options() | {"source": source, "filename": path})
        smile.external_sink_set_callback_ex("extsink", self._sink_callback(values, starts, ends))
        smile.run()
        smile.free()
        return numpy.concatenate(values).ravel()


native = sys.argv[2:] == ["--native"]
if len(sys.argv) != 2 + native:
    sys.exit("usage: make_egemaps.py RAVDESS [--native]")
found = {}
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        found.setdefault(os.path.splitext(name)[0], os.path.join(folder, name))
smile = Smile(feature_set=opensmile.FeatureSet.eGeMAPSv02, feature_level=opensmile.FeatureLevel.Functionals)
out = csv.writer(sys.stdout, lineterminator="\n")
out.writerow(["name", *smile.feature_names])
with tempfile.TemporaryDirectory() as scratch:
    path = os.path.join(scratch, "clip.wav")
    for clip in CLIPS:
        samples, rate = soundfile.read(found[clip], dtype="float32", always_2d=True)
        samples = samples.mean(1)
        if not native:
            samples, rate = samplerate.resample(samples, RATE / rate, "sinc_best"), RATE
        values = []
        for gain in (1, 1 - 2e-6, 1 - 1e-6, 1 + 1e-6, 1 + 2e-6):
            soundfile.write(path, samples * numpy.float32(gain), rate, subtype="FLOAT")
            values.append(smile.of_file(path))
        spread = numpy.ptp(values, axis=0) / numpy.maximum(abs(values[0]), 1e-9)
        if spread.max() > 0.1:
            why = f"{clip}: not steady: {smile.feature_names[spread.argmax()]} differs by {spread.max():.0%}"
            if not native:
                sys.exit(why)
            print(why, file=sys.stderr)
            continue
        out.writerow([clip, *(f"{value:.9g}" for value in values[0])])
