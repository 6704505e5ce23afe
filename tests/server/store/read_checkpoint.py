#!/usr/bin/python3
"""Reads a .safetensors or .npz file with NumPy alone and prints it, one line a tensor and one a metadata entry.

An independent reader: it shares nothing with the program that wrote the file but the formats' descriptions.
"""
import json
import struct
import sys

import numpy


def tensors(path):
    if path.endswith(".npz"):
        with numpy.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}, {}
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    found = {}
    for name, entry in header.items():
        assert entry["dtype"] == "F32", entry
        begin, end = entry["data_offsets"]
        found[name] = numpy.frombuffer(data[begin:end], "<f4").reshape(entry["shape"])
    return found, metadata


found, metadata = tensors(sys.argv[1])
for name in sorted(found):
    assert found[name].dtype == numpy.float32
    print(name, list(found[name].shape), *(float(value).hex() for value in found[name].ravel()))
for key in sorted(metadata):
    print(f"{key} = {metadata[key]}")
