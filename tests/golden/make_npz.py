"""Writes numpy.npz beside this file: what NumPy 2 saves of features, for tests/unit/test_npz.c."""
import os

import numpy as np

numbers = np.arange(12).reshape(3, 4)
np.savez_compressed(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "numpy.npz"),
    features=numbers / 8,                       # float64
    single=(numbers / 8).astype(np.float32),
    integers=numbers.astype(np.int32).reshape(3, 2, 2),
    paths=np.array(["a.wav", "Größe/☃.wav", "c d.wav"]),
    fortran=np.asfortranarray(numbers / 8),
    complex=numbers * 1j,
)
