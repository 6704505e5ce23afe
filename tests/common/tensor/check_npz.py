"""Reads the archive that npz_test.cc wrote with NumPy, and checks it with Python's zipfile."""
import sys
import zipfile

import numpy as np

path = sys.argv[1]
assert zipfile.ZipFile(path).testzip() is None
expected = {
    "layers.0.weight": np.arange(6, dtype="<f4").reshape(2, 3) / 4 - 1,
    "layers.0.bias": np.array([7], "<f4"),
    "scalar": np.array(42.0, "<f4"),
    "empty": np.zeros((0, 5), "<f4"),
    "counts": np.array([[-1], [2**62]], "<i8"),
    "flags": np.array([True, False, True]),
    "é": np.array([1.5, -2.5], "<f8"),
}
with np.load(path, allow_pickle=False) as arrays:
    assert set(arrays.files) == set(expected), arrays.files
    for name, array in expected.items():
        found = arrays[name]
        assert found.dtype == array.dtype and found.shape == array.shape, name
        assert np.array_equal(found, array), name
