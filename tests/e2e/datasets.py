"""Small data sets, the same ones every time, and readers of what the server exports, both independent of the
programs under test."""

import json
import random
import struct

import numpy

CLASSES = ['red', 'green', 'blue']
KINDS = ['a', 'b', 'c']

# What a job says about the columns of `table`.
TABLE_COLUMNS = [{'name': 'x', 'type': 'number'}, {'name': 'y', 'type': 'number'},
                 {'name': 'kind', 'type': 'category', 'values': KINDS}]


def table(rows, seed, missing=0.1):
    """Rows of (x, y, kind, colour, length): the colour depends on x and y, the length on all. x and y may be None."""
    source = random.Random(seed)
    result = []
    for _ in range(rows):
        colour = source.randrange(3)
        x = 50 + 20 * (colour - 1) + source.gauss(0, 4)
        y = 0.01 * ((colour * 2) % 3) + source.gauss(0, 0.003)
        kind = source.randrange(3)
        length = 0.5 + 0.3 * (x - 50) / 20 - 20 * y + 0.25 * kind + source.gauss(0, 0.05)
        x, y = (None if source.random() < missing else round(value, 6) for value in (x, y))
        result.append((x, y, KINDS[kind], CLASSES[colour], round(length, 6)))
    return result


def write_table(path, rows, header=('x', 'y', 'kind', 'colour', 'length')):
    """Missing values are written in each of the three ways."""
    gaps = ['', '?', 'NA']
    with open(path, 'w', encoding='utf-8') as file:
        file.write(','.join(header) + '\n')
        for number, row in enumerate(rows):
            file.write(','.join(gaps[number % 3] if cell is None else str(cell) for cell in row) + '\n')
    return path


def plain_table(path, rows, inputs, seed):
    """Numbers only, no gaps: columns c0..., and a label that is linear in them. Returns (features, labels)."""
    source = random.Random(seed)
    features, labels = [], []
    for _ in range(rows):
        values = [round(source.uniform(-1, 1), 5) for _ in range(inputs)]
        features.append(values)
        labels.append(round(sum((i + 1) * v for i, v in enumerate(values)) + 0.5 + source.gauss(0, 0.01), 5))
    with open(path, 'w', encoding='utf-8') as file:
        file.write(','.join([f'c{i}' for i in range(inputs)] + ['target']) + '\n')
        for values, label in zip(features, labels):
            file.write(','.join(map(str, values + [label])) + '\n')
    return numpy.array(features, dtype=numpy.float32), numpy.array(labels, dtype=numpy.float32)


def images(images_path, labels_path, count, side, classes, seed):
    """IDX files of squares whose brightest column tells the class."""
    source = random.Random(seed)
    pixels, labels = bytearray(), bytearray()
    for _ in range(count):
        label = source.randrange(classes)
        labels.append(label)
        for _ in range(side):
            for column in range(side):
                pixels.append(source.randrange(160, 256) if column % classes == label else source.randrange(0, 96))
    with open(images_path, 'wb') as file:
        file.write(struct.pack('>IIII', 0x00000803, count, side, side) + bytes(pixels))
    with open(labels_path, 'wb') as file:
        file.write(struct.pack('>II', 0x00000801, count) + bytes(labels))


def read_safetensors(path):
    """(metadata, {name: array}) by the format's description, without its library."""
    with open(path, 'rb') as file:
        content = file.read()
    (length,) = struct.unpack_from('<Q', content)
    header = json.loads(content[8:8 + length])
    metadata = header.pop('__metadata__', {})
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry['data_offsets'])
        if entry['dtype'] != 'F32':
            raise ValueError(f'{name} is {entry["dtype"]}')
        tensors[name] = numpy.frombuffer(content[begin:end], dtype='<f4').reshape(entry['shape'])
    return metadata, tensors


def tensor_bytes(path):
    """{name: bytes} of an export, for comparing two of them bit by bit."""
    return {name: tensor.tobytes() for name, tensor in read_safetensors(path)[1].items()}
