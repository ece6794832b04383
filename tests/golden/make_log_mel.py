#!/usr/bin/env python3
"""Writes log_mel.csv: a log-mel spectrogram by NumPy, for test_cnn.c to compare with.

The signal is 4000 samples at 16 kHz of 0.5 sin(2 pi 440 t) + 0.25 sin(2 pi (200 + 300 t) t), t in seconds.
"""
import numpy as np

rate, window, hop, bands, low, high, floor = 16000, 400, 160, 40, 50.0, 8000.0, 0.01
t = np.arange(4000) / rate
x = (0.5 * np.sin(2 * np.pi * 440 * t) + 0.25 * np.sin(2 * np.pi * (200 + 300 * t) * t)).astype(np.float32)
size = 512
taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
frames = np.stack([x[s:s + window] * taper for s in range(0, len(x) - window + 1, hop)])
power = np.abs(np.fft.rfft(frames, size)) ** 2
mel = lambda f: 2595 * np.log10(1 + f / 700)
points = 700 * (10 ** (np.linspace(mel(low), mel(high), bands + 2) / 2595) - 1)
f = np.fft.rfftfreq(size, 1 / rate)
filters = np.stack([np.maximum(0, np.minimum((f - a) / (b - a), (c - f) / (c - b)))
                    for a, b, c in zip(points, points[1:], points[2:])])
np.savetxt("log_mel.csv", np.log(power @ filters.T + floor), fmt="%.5f", delimiter=",")
