#!/usr/bin/env python3
"""fedsim as its users meet it: its command line, its output, its exit status.

usage: fedsim_test.py FEDSIM CONFIGS
"""

import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
import unittest

FEDSIM = CONFIGS = ''


def fedsim(*arguments):
    return subprocess.run([FEDSIM, *arguments], text=True, capture_output=True, check=False, timeout=240)


def lines_of(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


class Chaos(unittest.TestCase):
    def test_says_what_happened(self):
        done = fedsim('chaos', '--seeds', '11..13', '--json')
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        total = json.loads(done.stdout)
        self.assertEqual(total['seeds'], 3)
        self.assertEqual(total['failed'], [])
        self.assertGreater(total['hours'], 0)
        self.assertGreater(sum(total['faults'].values()), 10)

    def test_one_seed_line_by_line(self):
        first, second = fedsim('chaos', '--seed', '11', '--verbose'), fedsim('chaos', '--seed', '11', '--verbose')
        self.assertEqual(first.returncode, 0)
        told = [line for line in first.stdout.splitlines() if re.match(r' *\d+\.\d{6} ', line)]
        self.assertGreater(len(told), 100)
        self.assertEqual(told, [line for line in second.stdout.splitlines() if line in set(told)])
        speakers = {line.split()[1] for line in told}
        self.assertLessEqual({'***', 'server', 'site-1', 'site-2'}, speakers)
        for speaker in speakers:
            self.assertRegex(speaker, r'^(\*\*\*|server|site-\d+|rogue-\d+)$')

    def test_bad_usage(self):
        for arguments in (['chaos', '--seeds', '5..1'], ['chaos', '--seeds', 'many'], ['chaos', '--jobs', '-1'],
                          ['chaos', '--nonsense'], ['guess'], ['run'], ['run', 'nowhere.json', '--clients', '3']):
            done = fedsim(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertTrue(done.stderr, arguments)

    def test_help(self):
        for arguments in (['--help'], ['chaos', '--help'], ['run', '--help']):
            done = fedsim(*arguments)
            self.assertEqual(done.returncode, 0, arguments)
            self.assertIn('fedsim', done.stdout)


class Run(unittest.TestCase):
    """The asynchronous example, with images of noise around one pattern a class."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        source = random.Random(7)
        rows, classes, pixels = 240, 10, 28 * 28
        patterns = [[source.randrange(256) for _ in range(pixels)] for _ in range(classes)]
        labels = [row % classes for row in range(rows)]
        images = bytearray()
        for label in labels:
            images += bytes(min(255, max(0, value + source.randrange(-40, 41))) for value in patterns[label])
        self.images, self.labels = self.path('images'), self.path('labels')
        with open(self.images, 'wb') as file:
            file.write(struct.pack('>IIII', 0x803, rows, 28, 28) + images)
        with open(self.labels, 'wb') as file:
            file.write(struct.pack('>II', 0x801, rows) + bytes(labels))

    def tearDown(self):
        self.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def try_out(self, *more):
        return fedsim('run', os.path.join(CONFIGS, 'jobs', 'fashion-fedbuff.json'), '--data',
                      f'idx:{self.images},{self.labels}', '--clients', '12', '--rounds', '8', '--test-fraction', '0.2',
                      '--speed', '20:1', '--link-mbit', '5:0.5', *more)

    def test_an_asynchronous_job(self):
        model = self.path('model.safetensors')
        done = self.try_out('--seed', '3', '--json', '--output', model)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        *rounds, end = lines_of(done)
        self.assertEqual([each['round'] for each in rounds], list(range(1, 9)))
        self.assertEqual([each['accepted'] for each in rounds], [5] * 8)  # K of fashion-fedbuff.json
        self.assertFalse([each for each in rounds if 'asked' in each])
        self.assertEqual((end['state'], end['version']), ('finished', 8))
        self.assertEqual(end['bytes_up'], sum(each['bytes_up'] for each in rounds))
        self.assertGreater(os.path.getsize(model), 4 * 784 * 200)

    def test_the_same_seed_the_same_bits(self):
        one = lines_of(self.try_out('--seed', '3', '--json', '--threads', '1'))
        two = lines_of(self.try_out('--seed', '3', '--json', '--threads', '4'))
        other = lines_of(self.try_out('--seed', '4', '--json'))
        for lines in (one, two, other):
            lines[-1].pop('took_s')
        self.assertEqual(one, two)
        self.assertNotEqual(one[-1]['checksum'], other[-1]['checksum'])

    def test_for_people(self):
        done = self.try_out('--dropout', '0.2', '--offline-s', '60')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('last version  8', done.stdout)
        # Nobody is asked for a round of such a job.
        self.assertRegex(done.stdout, r'round +8/8 +5 updates  ')


if __name__ == '__main__':
    FEDSIM, CONFIGS = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
