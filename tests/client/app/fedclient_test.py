#!/usr/bin/env python3
"""fedclient as a script sees it: exit statuses, what is printed where, files. Usage: fedclient_test.py PROGRAM"""

import base64
import csv
import hashlib
import json
import math
import os
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

PROGRAM = None


def call(*arguments):
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def join_code(address, server_key=b'\x09' + bytes(31)):
    """As common/channel/join_code.h describes it."""
    body = bytes([3]) + server_key + bytes(range(8)) + bytes(range(32)) + address.encode()
    check = hashlib.sha256(b'fed1-' + body).digest()[:4]
    return 'fed1-' + base64.urlsafe_b64encode(body + check).decode().rstrip('=')


def closed_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def write_safetensors(path, tensors, metadata):
    header, data = {'__metadata__': metadata}, b''
    for name, (shape, values) in tensors.items():
        begin, data = len(data), data + struct.pack(f'<{len(values)}f', *values)
        header[name] = {'dtype': 'F32', 'shape': shape, 'data_offsets': [begin, len(data)]}
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as file:
        file.write(struct.pack('<Q', len(text)) + text + data)


def write_idx(path, sizes, values):
    with open(path, 'wb') as file:
        file.write(bytes([0, 0, 8, len(sizes)]) + struct.pack(f'>{len(sizes)}I', *sizes) + bytes(values))


class Case(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix='fed-test-')
        self.addCleanup(self.scratch.cleanup)

    def path(self, *parts):
        return os.path.join(self.scratch.name, *parts)

    def write(self, name, text):
        with open(self.path(name), 'w', encoding='utf-8') as file:
            file.write(text)
        return self.path(name)

    def write_config(self, data, **changes):
        config = {'server': '127.0.0.1:1', 'server_key': 'A' * 43, 'state_dir': self.path('state'), 'data': data}
        config.update(changes)
        return self.write('client.json', json.dumps(config))

    def csv_config(self, text, label='outcome', **changes):
        self.write('data.csv', text)
        return self.write_config({'format': 'csv', 'path': 'data.csv', 'label': label, **changes})


class Usage(Case):
    def test_help_and_version(self):
        for command in ('join', 'check', 'run', 'evaluate', 'predict', 'status', 'roster', 'split'):
            status, out, _ = call(command, '--help')
            self.assertEqual(status, 0, command)
            self.assertIn('--json', out)
        status, out, _ = call('--help')
        self.assertEqual(status, 0)
        self.assertIn('predict', out)
        status, out, _ = call('--version')
        self.assertEqual(status, 0)
        self.assertTrue(out.startswith('fedclient '))

    def test_bad_usage(self):
        for arguments in ([], ['dance'], ['run'], ['check'], ['join'], ['status', '--config'],
                          ['run', '--config', 'x', '--twice'], ['predict', '--model', 'x']):
            status, out, err = call(*arguments)
            self.assertEqual(status, 2, arguments)
            self.assertEqual(out, '')
            self.assertNotEqual(err, '')

    def test_bad_config(self):
        for command in (['run'], ['check'], ['status'], ['roster'], ['evaluate', '--model', 'x']):
            status, _, err = call(*command, '--config', self.path('absent.json'))
            self.assertEqual(status, 2, command)
            self.assertIn('absent.json', err)

    def test_all_problems_of_a_config_at_once(self):
        config = self.write_config({'format': 'csv', 'path': 'x', 'label': 'y'}, threads=0, idle_s='long', serverr=1)
        status, _, err = call('run', '--config', config)
        self.assertEqual(status, 2)
        for pointer in ('/threads', '/idle_s', '/serverr'):
            self.assertIn(f'client.json: {pointer}: ', err)
        status, _, err = call('run', '--config', config, '--json')
        self.assertEqual(status, 2)
        self.assertEqual({p['pointer'] for p in json.loads(err)['problems']}, {'/threads', '/idle_s', '/serverr'})

    def test_run_before_join(self):
        status, _, err = call('run', '--config', self.csv_config('a,outcome\n1,0\n'))
        self.assertEqual(status, 1)
        self.assertIn('fedclient join', err)


class Join(Case):
    def join(self, code, *more):
        return call('join', code, '--state', self.path('state'), *more)

    def keys(self):
        found = []
        for name in ('client.key', 'identity.key'):
            with open(self.path('state', name), encoding='ascii') as file:
                found.append(file.read())
        return found

    def test_no_server(self):
        address = f'127.0.0.1:{closed_port()}'
        status, _, err = self.join(join_code(address))
        self.assertEqual(status, 1)
        self.assertIn(address, err)
        self.assertIn('the code is still good', err)
        self.assertFalse(os.path.exists(self.path('state', 'client.json')))
        # The keys are there, and stay the same for the next attempt.
        keys = self.keys()
        self.assertEqual(os.stat(self.path('state', 'client.key')).st_mode & 0o777, 0o600)
        self.join(join_code(address))
        self.assertEqual(self.keys(), keys)

    def test_a_server_that_hangs_up(self):
        with socket.create_server(('127.0.0.1', 0)) as server:
            server.settimeout(60)
            code = join_code(f'127.0.0.1:{server.getsockname()[1]}')
            with subprocess.Popen([PROGRAM, 'join', code, '--state', self.path('state'), '--json'],
                                  stderr=subprocess.PIPE, text=True) as joining:
                connection, _ = server.accept()
                connection.recv(8)
                connection.close()
                err = joining.communicate(timeout=60)[1]
        self.assertEqual(joining.returncode, 1)
        self.assertIn('fedserver invite', json.loads(err)['detail'])

    def test_a_code_that_is_none(self):
        good = join_code('127.0.0.1:7600')
        slip = good[:20] + ('A' if good[20] != 'A' else 'B') + good[21:]
        for code in ('fed1-', 'hello', good[:-3], slip):
            status, _, err = self.join(code)
            self.assertEqual(status, 2, code)
            self.assertNotEqual(err, '')
        self.assertFalse(os.path.exists(self.path('state')))

    def test_a_client_file_is_not_overwritten(self):
        file = self.write('mine.json', 'precious')
        status, _, err = self.join(join_code('127.0.0.1:1'), '--config', file)
        self.assertEqual(status, 1)
        self.assertIn('--force', err)
        with open(file, encoding='ascii') as content:
            self.assertEqual(content.read(), 'precious')

    def test_bad_data_option(self):
        for data in ('parquet:x', 'csv', 'csv:', 'idx:images'):
            status, _, err = self.join(join_code('127.0.0.1:1'), '--data', data)
            self.assertEqual(status, 2, data)
            self.assertIn('idx:IMAGES,LABELS', err)


class Check(Case):
    def test_what_is_in_a_table(self):
        config = self.csv_config('age,pain,outcome\n50,1,0\n61,?,1\n,2,1\n')
        status, out, _ = call('check', '--config', config, '--json')
        self.assertEqual(status, 0)
        told = json.loads(out)
        self.assertEqual(told['rows'], 3)
        self.assertEqual(told['classes'], {'0': 1, '1': 2})
        columns = {column['name']: column for column in told['columns']}
        self.assertEqual(columns['age']['missing'], 1)
        self.assertEqual((columns['age']['min'], columns['age']['max']), (50, 61))
        self.assertEqual(columns['pain']['missing'], 1)
        status, out, _ = call('check', '--config', config)
        self.assertEqual(status, 0)
        self.assertIn('3 rows', out)
        self.assertIn('never leaves', out)

    def test_the_sites_own_limits(self):
        config = self.csv_config('age,outcome\n50,1\n61,0\n')
        with open(config, encoding='utf-8') as file:
            content = json.load(file)
        content['limits'] = {'hours': [{'from': '20:00', 'to': '06:00', 'days': ['sat', 'sun']}],
                             'upload_mbit_s_max': 2, 'nice': 10}
        content['jobs'] = {'names': ['heart-*'], 'leaves': ['delta'], 'rows_min': 50}
        with open(config, 'w', encoding='utf-8') as file:
            json.dump(content, file)
        status, out, _ = call('check', '--config', config)
        self.assertEqual(status, 0)
        for words in ('sat,sun 20:00-06:00; ', ' until ', '2 Mbit/s at most', 'nice level 10', 'heart-*', 'at least 50'):
            self.assertIn(words, out)
        self.assertNotIn('loss', out)
        self.assertIn('masked if the job has secure_aggregation', out)
        status, out, _ = call('check', '--config', config, '--json')
        limits = json.loads(out)['limits']
        self.assertIn('changes_in_s', limits)
        self.assertEqual(limits['download_mbit_s_max'], 0)
        job = {'name': 'heart-1', 'model': {'type': 'logistic'}, 'rounds': {'max': 1, 'cohort': 1},
               'inputs': {'columns': [{'name': 'age', 'type': 'number'}],
                          'label': {'name': 'outcome', 'classes': ['0', '1']}}}
        for changes, key in (({}, 'jobs.rows_min'), ({'name': 'lung'}, 'jobs.names'),
                             ({'training': {'update': 'gradient'}}, 'jobs.leaves')):
            file = self.write('job.json', json.dumps({**job, **changes}))
            status, _, err = call('check', '--config', config, '--job', file)
            self.assertEqual(status, 2)
            self.assertIn(key, err)

    def test_a_broken_table(self):
        config = self.csv_config('age,outcome\n50,"0\n')
        status, out, err = call('check', '--config', config)
        self.assertEqual(status, 2)
        self.assertEqual(out, '')
        self.assertIn('data.csv', err)

    def test_no_such_file(self):
        config = self.write_config({'format': 'csv', 'path': 'none.csv', 'label': 'y'})
        status, _, err = call('check', '--config', config)
        self.assertEqual(status, 2)
        self.assertIn('none.csv', err)

    def test_against_a_job(self):
        job = {'name': 'trial', 'model': {'type': 'logistic'}, 'rounds': {'max': 1, 'cohort': 1},
               'inputs': {'columns': [{'name': 'age', 'type': 'number'}],
                          'label': {'name': 'outcome', 'classes': ['0', '1']}, 'scaling': 'federated'}}
        file = self.write('job.json', json.dumps(job))
        rows = ''.join(f'{i},{i % 2}\n' for i in range(20))
        status, out, _ = call('check', '--config', self.csv_config('age,outcome\n' + rows), '--job', file, '--json')
        self.assertEqual(status, 0)
        self.assertEqual(json.loads(out)['job'], {'train_rows': 16, 'test_rows': 4, 'inputs': 1, 'number_columns': 1})
        # All problems, each with its line.
        config = self.csv_config('age,outcome\nold,0\n1,2\n3,1\n')
        status, _, err = call('check', '--config', config, '--job', file)
        self.assertEqual(status, 2)
        self.assertIn('line 2', err)
        self.assertIn('line 3', err)


class Models(Case):
    """A model of known weights; the expected numbers are computed here."""

    WEIGHTS, BIAS, MEANS, DEVIATIONS = (2.0, -1.0), 0.5, (10.0, 0.0), (4.0, 2.0)

    def write_model(self, **metadata):
        job = {'name': 'trial', 'model': {'type': 'logistic'}, 'rounds': {'max': 1, 'cohort': 1},
               'inputs': {'columns': [{'name': 'a', 'type': 'number'}, {'name': 'b', 'type': 'number'}],
                          'label': {'name': 'y', 'classes': ['no', 'yes']}, 'scaling': 'federated'}}
        all_metadata = {'job': 'trial', 'job_text': json.dumps(job), 'statistics': json.dumps(
            {'means': self.MEANS, 'deviations': self.DEVIATIONS}), **metadata}
        tensors = {self.names()[0]: ([1, 2], self.WEIGHTS), self.names()[1]: ([1], [self.BIAS])}
        write_safetensors(self.path('m.safetensors'), tensors, {k: v for k, v in all_metadata.items() if v})
        return self.path('m.safetensors')

    @staticmethod
    def names():
        return ('layers.0.weight', 'layers.0.bias')

    def probability(self, a, b):
        score = self.BIAS + sum(w * (x - m) / d for w, x, m, d in
                                zip(self.WEIGHTS, (a, b), self.MEANS, self.DEVIATIONS))
        return 1 / (1 + math.exp(-score))

    def test_predict(self):
        rows = [(10, 0), (14, -3), (2.5, 1), (9, 8)]
        text = 'b,a\n' + ''.join(f'{b},{a}\n' for a, b in rows)  # no label, another order
        status, out, err = call('predict', '--model', self.write_model(), '--input', self.write('in.csv', text),
                                '--output', self.path('out.csv'))
        self.assertEqual((status, out, err), (0, '4 rows\n', ''))
        with open(self.path('out.csv'), newline='', encoding='ascii') as file:
            lines = list(csv.DictReader(file))
        self.assertEqual(len(lines), len(rows))
        for line, row in zip(lines, rows):
            p = self.probability(*row)
            self.assertAlmostEqual(float(line['probability_yes']), p, places=5)
            self.assertAlmostEqual(float(line['probability_no']), 1 - p, places=5)
            self.assertEqual(line['predicted'], 'yes' if p > 0.5 else 'no')

    def test_predict_with_a_sites_names(self):
        self.write('in.csv', 'A_1;b\n14;-3\n')
        config = self.write_config({'format': 'csv', 'path': 'x.csv', 'label': 'y', 'delimiter': ';',
                                    'columns': {'a': 'A_1'}})
        status, _, err = call('predict', '--model', self.write_model(), '--input', self.path('in.csv'),
                              '--output', self.path('out.csv'), '--config', config)
        self.assertEqual((status, err), (0, ''))
        with open(self.path('out.csv'), newline='', encoding='ascii') as file:
            self.assertAlmostEqual(float(next(csv.DictReader(file))['probability_yes']),
                                   self.probability(14, -3), places=5)

    def test_evaluate(self):
        rows = [(10, 0, 'yes'), (14, -3, 'no'), (2.5, 1, 'no'), (9, 8, 'no'), (12, 1, 'yes')]
        config = self.csv_config('a,b,y\n' + ''.join(f'{a},{b},{y}\n' for a, b, y in rows), label='y')
        status, out, _ = call('evaluate', '--model', self.write_model(), '--config', config, '--all', '--json')
        self.assertEqual(status, 0)
        told = json.loads(out)
        right = [(self.probability(a, b) > 0.5) == (y == 'yes') for a, b, y in rows]
        losses = [-math.log(self.probability(a, b) if y == 'yes' else 1 - self.probability(a, b)) for a, b, y in rows]
        self.assertEqual(told['examples'], 5)
        self.assertAlmostEqual(told['accuracy'], sum(right) / 5)
        self.assertAlmostEqual(told['loss'], sum(losses) / 5, places=5)
        status, out, _ = call('evaluate', '--model', self.path('m.safetensors'), '--config', config, '--json')
        self.assertEqual((status, json.loads(out)['examples']), (0, 1))  # a fifth is kept for tests

    def test_predict_images(self):
        job = {'name': 'trial', 'model': {'type': 'softmax', 'inputs': 4, 'outputs': 3}, 'rounds': {'max': 1, 'cohort': 1}}
        weights = [0.0] * 12
        weights[0], weights[5], weights[10] = 9.0, 9.0, 9.0  # class i lights up with pixel i
        write_safetensors(self.path('m.safetensors'),
                          {self.names()[0]: ([3, 4], weights), self.names()[1]: ([3], [0.0] * 3)},
                          {'job': 'trial', 'job_text': json.dumps(job)})
        write_idx(self.path('images'), [3, 2, 2], [0, 255, 0, 0, 255, 0, 0, 0, 0, 0, 255, 0])
        status, _, err = call('predict', '--model', self.path('m.safetensors'), '--input', self.path('images'),
                              '--output', self.path('out.csv'), '--json')
        self.assertEqual((status, err), (0, ''))
        with open(self.path('out.csv'), newline='', encoding='ascii') as file:
            lines = list(csv.DictReader(file))
        self.assertEqual([line['predicted'] for line in lines], ['1', '0', '2'])
        expected = math.exp(9) / (math.exp(9) + 2)
        self.assertAlmostEqual(float(lines[0]['probability_1']), expected, places=5)

    def test_what_is_no_model(self):
        self.write('in.csv', 'a,b\n1,2\n')
        arguments = ('--input', self.path('in.csv'), '--output', self.path('out.csv'))
        cases = [self.write('text.safetensors', 'hello, this is text'), self.path('absent.safetensors')]
        for model in cases:
            status, _, err = call('predict', '--model', model, *arguments)
            self.assertEqual(status, 2)
            self.assertIn(model, err)
        for change in ({'job_text': ''}, {'job_text': '{}'}, {'statistics': ''}, {'statistics': '{"means":[1]}'}):
            status, _, err = call('predict', '--model', self.write_model(**change), *arguments)
            self.assertEqual(status, 2, change)
            self.assertIn('m.safetensors', err)
        self.assertFalse(os.path.exists(self.path('out.csv')))

    def test_an_input_that_does_not_fit(self):
        for text in ('a\n1\n', 'a,b\n1,x\n', ''):
            status, _, err = call('predict', '--model', self.write_model(), '--input', self.write('in.csv', text),
                                  '--output', self.path('out.csv'))
            self.assertEqual(status, 2, text)
            self.assertIn('in.csv', err)


class Split(Case):
    def test_a_table(self):
        rows = [f'{i},{i % 4}' for i in range(200)]
        source = self.write('all.csv', 'x,label\n' + '\n'.join(rows) + '\n')
        status, out, _ = call('split', '--scheme', 'labels:2', '--clients', 4, '--seed', 3, '--format', 'csv',
                              '--path', source, '--label', 'label', '--output', self.path('parts'), '--json')
        self.assertEqual(status, 0)
        clients = json.loads(out)['clients']
        self.assertEqual(len(clients), 4)
        found = []
        for client in clients:
            self.assertEqual(len(client['classes']), 2)
            with open(os.path.join(client['folder'], 'data.csv'), encoding='ascii') as file:
                lines = file.read().split('\n')
            self.assertEqual((lines[0], lines[-1]), ('x,label', ''))
            self.assertEqual(len(lines) - 2, client['rows'])
            found += lines[1:-1]
        self.assertEqual(sorted(found), sorted(rows))
        # A part is data that check accepts.
        self.write('c.json', json.dumps({'server': 'h:1', 'server_key': 'A' * 43, 'state_dir': 's', 'data': {
            'format': 'csv', 'path': 'parts/client-01/data.csv', 'label': 'label'}}))
        status, out, _ = call('check', '--config', self.path('c.json'), '--json')
        self.assertEqual((status, json.loads(out)['rows']), (0, clients[0]['rows']))

    def test_images(self):
        labels = [i % 3 for i in range(60)]
        write_idx(self.path('images'), [60, 1, 2], [v % 256 for v in range(120)])
        write_idx(self.path('labels'), [60], labels)
        arguments = ('split', '--scheme', 'iid', '--clients', 3, '--format', 'idx', '--images', self.path('images'),
                     '--labels', self.path('labels'), '--output', self.path('parts'))
        status, out, _ = call(*arguments)
        self.assertEqual(status, 0)
        table = [line.split() for line in out.splitlines()]
        self.assertEqual(table[0], ['client', 'rows', '0', '1', '2'])
        self.assertEqual(len(table), 4)
        self.assertEqual(sum(int(line[1]) for line in table[1:]), 60)
        for column in (2, 3, 4):
            self.assertEqual(sum(int(line[column]) for line in table[1:]), 20)
        status, _, err = call(*arguments)  # nothing is overwritten
        self.assertEqual(status, 1)
        self.assertIn('client-01', err)

    def test_bad_requests(self):
        source = self.write('all.csv', 'x,label\n1,0\n2,1\n')
        base = ['split', '--output', self.path('parts'), '--path', source]
        for more in (['--scheme', 'iid', '--clients', 2, '--format', 'xml'],
                     ['--scheme', 'fair', '--clients', 2, '--format', 'csv', '--label', 'label'],
                     ['--scheme', 'iid', '--clients', 0, '--format', 'csv', '--label', 'label'],
                     ['--scheme', 'iid', '--clients', 3, '--format', 'csv', '--label', 'label'],
                     ['--scheme', 'labels:2', '--clients', 2, '--format', 'csv'],
                     ['--scheme', 'iid', '--clients', 2, '--format', 'idx'],
                     ['--scheme', 'iid', '--clients', 'two', '--format', 'csv']):
            status, out, err = call(*base, *more)
            self.assertEqual((status, out), (2, ''), more)
            self.assertNotEqual(err, '')
        self.assertFalse(os.path.exists(self.path('parts')))


class Status(Case):
    def test_before_anything(self):
        config = self.csv_config('a,outcome\n1,0\n')
        status, _, err = call('status', '--config', config)
        self.assertEqual(status, 1)
        self.assertIn('fedclient join', err)

    def test_a_daemon_that_finds_no_server(self):
        call('join', join_code(f'127.0.0.1:{closed_port()}'), '--state', self.path('state'))
        config = self.csv_config('a,outcome\n1,0\n')
        with subprocess.Popen([PROGRAM, 'run', '--config', config], stderr=subprocess.PIPE, text=True) as daemon:
            line = daemon.stderr.readline()
            self.assertIn('not connected', line)
            # One daemon a state folder.
            status, _, err = call('run', '--config', config)
            self.assertEqual(status, 1)
            self.assertIn('another fedclient', err)
            while True:
                status, out, _ = call('status', '--config', config, '--json')
                self.assertEqual(status, 0)
                told = json.loads(out)
                if told['connection'].startswith('not connected'):
                    break
            self.assertEqual((told['outbox'], told['last_task'], told['last_refusal']), ([], None, None))
            daemon.terminate()
            rest = daemon.communicate(timeout=60)[1]
        self.assertEqual(daemon.returncode, 0)
        self.assertEqual(rest.count('not connected'), 0)  # said once, though tried again
        status, out, _ = call('status', '--config', config)
        self.assertEqual(status, 0)
        self.assertIn('not running', out)


if __name__ == '__main__':
    PROGRAM = sys.argv.pop(1)
    unittest.main()
