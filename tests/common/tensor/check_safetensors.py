"""Reads the file that safetensors_test.cc wrote, by the format's description alone; then writes FILE.numpy for it."""
import json
import sys

import numpy as np

path = sys.argv[1]
raw = open(path, "rb").read()
length = int.from_bytes(raw[:8], "little")
header = json.loads(raw[8 : 8 + length].decode("utf-8"))
data = raw[8 + length :]
assert length % 8 == 0 and raw[8:9] == b"{", length
assert header.pop("__metadata__") == {"text": 'quote " back\\slash \n tab\t \x01 é', "round": "7"}

dtypes = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "U8": "u1"}
arrays = {}
for name, entry in header.items():
    begin, end = entry["data_offsets"]
    array = np.frombuffer(data[begin:end], dtypes[entry["dtype"]]).reshape(entry["shape"])
    assert begin % array.dtype.itemsize == 0, name
    arrays[name] = array
assert sum(array.nbytes for array in arrays.values()) == len(data)

expected = {
    "bytes": np.array([1, 2, 3], "u1"),
    "layers.0.weight": np.arange(6, dtype="<f4").reshape(2, 3) / 4 - 1,
    'odd "name"\\': np.array([1.5, -2.5], "<f8"),
    "counts": np.array([[-1], [2**62]], "<i8"),
    "scalar": np.array(42.0, "<f4"),
    "empty": np.zeros((0, 5), "<f4"),
}
assert arrays.keys() == expected.keys(), arrays.keys()
for name, array in expected.items():
    assert arrays[name].dtype == array.dtype and arrays[name].shape == array.shape, name
    assert np.array_equal(arrays[name], array), name

# The other way: another order of keys than of offsets, no padding, white space, \u escapes.
header = (
    '{ "b\\u00e9" : {"shape": [2, 2], "data_offsets": [8, 24], "dtype": "F32"},\n'
    ' "a": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}, "__metadata__": {"k": "v\\n"} }'
).encode()
with open(path + ".numpy", "wb") as out:
    out.write(len(header).to_bytes(8, "little") + header)
    out.write(np.array([-5], "<i8").tobytes())
    out.write(np.array([[1, 2], [3, 4]], "<f4").tobytes())
