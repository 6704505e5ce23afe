#!/usr/bin/python3
"""What people get wrong: files, tables, jobs, models, commands. Each refusal has its exit status and says what to do."""

import json
import os
import random
import socket
import struct

import datasets
import harness
import jobs

SECRET = 'PATIENT-4711-HIV'  # a cell that nobody but the site may ever see


def write_bytes(path, content):
    with open(path, 'wb') as file:
        file.write(content)
    return path


class Configuration(harness.TestCase):
    def test_all_errors_of_a_server_file_at_once(self):
        path = self.write('server.json', json.dumps({
            'listen': 'nohost', 'io_threads': -1, 'limts': {}, 'log': {'level': 'loud'}}))
        for command in (['check', path], ['run', '--config', path]):
            done = harness.fedserver(*command)
            self.assertFails(done, 2, f'{path}: /limts: unknown key; did you mean "limits"?', '/io_threads: is -1',
                             'a whole number from 0 to 1024', '/listen: is "nohost"', 'HOST:PORT', '/log/level',
                             '"loud"', '"debug"')

    def test_all_errors_of_a_job_at_once(self):
        server = self.server()
        path = self.write('job.json', json.dumps({
            'name': 'Bad Name', 'rounds': {'max': 0, 'cohort': 2},
            'model': {'type': 'mlp', 'inputs': 4, 'outputs': 2, 'hidden': [0], 'activaton': 'relu'}}))
        expected = ('/model/activaton: unknown key; did you mean "activation"?', '/model/hidden/0: is 0', '/name: is',
                    '/rounds/max: is 0')
        self.assertFails(harness.fedserver('check', path), 2, *expected)
        self.assertFails(server.cli('submit', path), 2, *expected)
        told = harness.fedserver('check', path, '--json')
        self.assertEqual(told.status, 2)
        pointers = {problem['pointer'] for problem in json.loads(told.out)[0]['problems']}
        self.assertEqual(pointers, {'/model/activaton', '/model/hidden/0', '/name', '/rounds/max'})
        self.assertEqual(server.ask('jobs')['jobs'], [])

    def test_values_that_do_not_fit_together(self):
        for change, words in [({'rounds': {'max': 1, 'cohort': 2, 'contributions': {'goal': 3}}}, 'goal'),
                              ({'evaluation': {'metric': 'r2'}}, 'r2'),
                              ({'training': {'class_weights': [1, 2]}}, 'class_weights'),
                              ({'model': {'type': 'softmax', 'inputs': 7}}, 'inputs')]:
            job = {**jobs.colours('fits'), **change}
            path = self.path('job.json')
            harness.write_json(path, job)
            self.assertFails(harness.fedserver('check', path), 2, words)

    def test_files_that_cannot_be_read(self):
        folder = self.path('folder', '')
        cut = self.write('cut.json', '{"listen": "127.0.0.1:0", ')
        binary = write_bytes(self.path('binary.json'), random.Random(1).randbytes(3000))
        deep = self.write('deep.json', '[' * 100_000)
        huge = self.write('huge.json', '{"listen": "' + 'x' * 3_000_000 + '"}')
        for path in (self.path('missing.json'), folder, cut, binary, deep, huge, os.devnull):
            for command in (['run', '--config', path], ['check', path]):
                done = harness.fedserver(*command)
                self.assertFails(done, 2, os.path.basename(path.rstrip('/')))
                self.assertLess(len(done.err), 2000, 'an essay instead of an error')
            self.assertFails(harness.fedclient('run', '--config', path), 2)
        self.assertFails(harness.fedserver('check', cut), 2, 'line 1')

    def test_a_key_that_others_could_read(self):
        server = self.server(start=False)
        os.chmod(os.path.join(server.folder, 'server.key'), 0o644)
        self.assertFails(harness.fedserver('run', '--config', server.config), 1, 'server.key', 'chmod')

    def test_init_overwrites_nothing(self):
        server = self.server(start=False)
        again = harness.fedserver('init', '--state', server.folder)
        self.assertFails(again, 1, 'not overwritten')
        self.assertEqual(os.stat(os.path.join(server.folder, 'server.key')).st_mode & 0o777, 0o600)

    def test_a_port_in_use(self):
        server = self.server()
        other = self.server(name='other', start=False)
        harness.edit_json(other.config, {'listen': f'127.0.0.1:{server.port}'})
        done = harness.fedserver('run', '--config', other.config)
        self.assertFails(done, 1, f'127.0.0.1:{server.port}', 'Address already in use')
        self.assertEqual(server.ask('jobs')['jobs'], [])

    def test_a_state_folder_that_others_can_use(self):
        server = self.server(start=False)
        os.chmod(server.folder, 0o755)
        server.start()
        server.daemon.wait_log(f'others can look into {server.folder} .mode 0755.: run `chmod 700 {server.folder}`')

    def test_a_second_daemon_on_the_same_folder(self):
        server = self.server()
        with open(server.config, encoding='utf-8') as file:
            settings = json.load(file)
        settings.update(listen='127.0.0.1:0', admin_socket=self.path('other.sock'))
        path = self.path('second.json')
        harness.write_json(path, settings)
        done = harness.fedserver('run', '--config', path)
        self.assertFails(done, 1, str(server.pid), server.folder)
        self.assertEqual(server.ask('jobs')['jobs'], [])
        data = {'format': 'csv', 'path': datasets.write_table(self.path('d.csv'), datasets.table(20, 1)),
                'label': 'colour'}
        client = self.client(server, 'a', data)
        self.assertFails(harness.fedclient('run', '--config', client.config), 1, 'another fedclient', client.state)


class Commands(harness.TestCase):
    def test_bad_usage(self):
        for program in (harness.fedserver, harness.fedclient):
            for arguments in ([], ['frobnicate'], ['run'], ['run', '--config'], ['run', '--bogus'],
                              ['run', '--config', 'a', 'b']):
                self.assertFails(program(*arguments), 2, '--help')
            self.assertEqual(program('--help').status, 0)
            self.assertRegex(program('--version').out, r'^fed(server|client) \d+\.\d+\.\d+ \(.+\)\n$')
        self.assertFails(harness.fedserver('invite'), 2, 'NAME')
        self.assertFails(harness.fedserver('schema', 'cake'), 2, 'server, job, client')
        self.assertFails(harness.fedclient('split', '--scheme', 'salami', '--clients', '2', '--format', 'csv', '--path',
                                           'x', '--output', self.path('o')), 2)

    def test_no_daemon_there(self):
        server = self.server(start=False)
        for command in (['status'], ['jobs'], ['clients'], ['why', 'x'], ['invite', 'x'], ['drain']):
            self.assertFails(server.cli(*command), 3, 'no daemon', 'admin.sock')
        server.start()
        server.kill9()  # leaves its socket behind
        self.assertFails(server.cli('status'), 3, 'no daemon')
        server.start()
        self.assertEqual(server.cli('status').status, 0)

    def test_refused_by_the_daemon(self):
        server = self.server()
        for command in (['show', 'x'], ['why', 'x'], ['pause', 'x'], ['resume', 'x'], ['cancel', 'x'],
                        ['export', 'x', '--output', self.path('m.safetensors')]):
            self.assertFails(server.cli(*command), 1, 'there is no job "x"')
        self.assertFalse(os.path.exists(self.path('m.safetensors')))
        self.assertFails(server.cli('revoke', 'nobody'), 1, 'nobody')
        for name in ('a name with spaces', '', '../up', 'x' * 64, 'line\nbreak'):
            self.assertFails(server.cli('invite', name), 1, 'name')
        self.assertFails(server.cli('invite', 'x', '--expires', 'soon'), 2, '24h')
        done = server.cli('show', 'x', '--json')
        self.assertEqual(json.loads(done.err)['error'], 'not_found')

    def test_a_revoked_client_is_gone_at_once(self):
        server = self.server()
        data = {'format': 'csv', 'path': datasets.write_table(self.path('d.csv'), datasets.table(20, 1)),
                'label': 'colour'}
        client, other = self.client(server, 'a', data), self.client(server, 'b', data)
        server.ask('revoke', 'a')
        client.daemon.wait_log('revoked')
        told = {row['name']: row for row in server.ask('clients')['clients']}
        self.assertTrue(told['a']['revoked'])
        self.assertFalse(told['a']['connected'])
        client.daemon.wait_log('not connected')
        client.kill9()
        since = client.start()
        client.daemon.wait_log('not connected', since)
        self.assertEqual(client.daemon.count(' connected to', since), 0)
        self.assertEqual(server.daemon.count('client a connected'), 1)
        server.submit(jobs.colours('go-on', rounds=1, clients=1))
        server.wait_finished('go-on')
        self.assertEqual(other.trainings('go-on', 1), 1)
        server.kill9()
        server.start()
        other.daemon.wait_log('connected to', count=2)
        self.assertTrue({row['name']: row for row in server.ask('clients')['clients']}['a']['revoked'])

    def test_garbage_on_the_admin_socket(self):
        server = self.server()
        source = random.Random(4)
        for request in (b'', b'\n', b'{}\n', b'[1]\n', b'{"command": 7}\n', b'{"command":"invite","valid_s":"x"}\n',
                        b'{"command":"invite","name":"x","valid_s":9223372036854775807}\n',
                        b'{"command":"export","job":"x","round":"y"}\n', b'{"command":"submit","job":"{"}\n',
                        source.randbytes(5000) + b'\n', b'x' * 5_000_000):
            with socket.socket(socket.AF_UNIX) as admin:
                admin.settimeout(30)
                try:
                    admin.connect(os.path.join(server.folder, 'admin.sock'))
                except OSError as error:
                    self.fail(f'the daemon is gone before {request[:60]}: {error}\n{server.daemon.tail()}')
                try:
                    admin.sendall(request)
                    admin.shutdown(socket.SHUT_WR)
                    while admin.recv(65536):
                        pass
                except OSError as error:
                    self.assertNotIsInstance(error, TimeoutError, request[:60])
            self.assertTrue(server.daemon.running, request[:60])
        self.assertEqual(server.ask('jobs')['jobs'], [])


class Jobs(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.data = {'format': 'csv', 'path': datasets.write_table(self.path('d.csv'), datasets.table(40, 1)),
                     'label': 'colour'}

    def test_a_job_that_does_not_fit_memory(self):
        server = self.server({'limits': {'memory_bytes_max': 10_000_000}})
        self.client(server, 'a', self.data)
        large = jobs.squares('large', hidden=[100_000])
        self.assertFails(server.try_submit(large), 1, 'of memory', 'limits.memory_bytes_max')
        self.assertEqual(server.ask('jobs')['jobs'], [])
        server.submit(jobs.colours('small', rounds=1, clients=1))
        server.wait_finished('small')

    def test_a_job_with_an_absurd_model(self):
        server = self.server()
        absurd = jobs.squares('absurd', hidden=[1_000_000, 1_000_000])
        done = server.try_submit(absurd)
        self.assertFails(done, 1, 'memory')
        self.assertTrue(server.daemon.running)

    def test_a_job_twice(self):
        server = self.server()
        self.client(server, 'a', self.data)
        server.submit(jobs.colours('same', rounds=1, clients=1))
        self.assertFails(server.try_submit(jobs.colours('same')), 1, 'same', 'another name')

    def test_a_job_that_nobody_can_do(self):
        server = self.server()
        for name in ('north', 'south'):
            self.client(server, name, self.data)
        job = jobs.colours('impossible', clients=2)
        job['inputs']['columns'] = [{'name': 'blood_pressure'}]
        self.assertFails(server.try_submit(job), 1, 'no connected client can do this job', 'north:', 'south:')
        self.assertEqual(server.ask('jobs')['jobs'], [])
        job = jobs.squares('images', clients=2)
        self.assertFails(server.try_submit(job), 1, 'north:', 'south:')
        server.submit(jobs.colours('possible', rounds=1, clients=2))
        server.wait_finished('possible')

    def test_cells_never_reach_the_server(self):
        server = self.server({'log': {'level': 'debug'}})
        rows = datasets.table(40, 2, missing=0)
        spoiled = {
            'number': [(SECRET, *rows[0][1:])], 'category': [(*rows[0][:2], SECRET, *rows[0][3:])],
            'label': [(*rows[0][:3], SECRET, rows[0][4])], 'ragged': [(*rows[0], SECRET)]}
        sites = []
        for kind, extra in spoiled.items():
            path = datasets.write_table(self.path(f'{kind}.csv'), rows + extra)
            sites.append(self.client(server, kind, {'format': 'csv', 'path': path, 'label': 'colour'}))
        answers = [server.try_submit(jobs.colours('leak', clients=4))]
        self.assertEqual(answers[0].status, 1)
        for kind in spoiled:
            self.assertIn(f'{kind}:', answers[0].err)
        # With one site that can, the job runs; the others' reasons are shown again.
        self.client(server, 'able', self.data)
        server.submit(jobs.colours('leak', rounds=2, clients=1))
        server.wait_finished('leak')
        for command in (['why', 'leak'], ['show', 'leak'], ['status'], ['clients'], ['jobs']):
            answers += [server.cli(*command), server.cli(*command, '--json')]
        for site in sites[:3]:
            site.daemon.wait_log(SECRET)  # its own log is where the site's administrator finds the cell
        sites[3].daemon.wait_log('line 42 has 6 fields')
        self.assertIn('number', answers[1].out)
        for answer in answers:
            self.assertNotIn(SECRET, answer.out + answer.err)
        self.assertEqual(server.daemon.count(SECRET), 0)
        server.kill9()
        for folder, _, names in os.walk(server.folder):
            for name in set(names) - {'admin.sock'}:
                with open(os.path.join(folder, name), 'rb') as file:
                    self.assertNotIn(SECRET.encode(), file.read(), name)

    def test_training_that_diverges(self):
        """Refused by the client's own check or by the server's gate: with the reason, and the job goes on to say so."""
        server = self.server()
        client = self.client(server, 'a', self.data)
        job = jobs.colours('wild', rounds=2, clients=1, scaling='none')
        job['training']['optimizer']['learning_rate'] = 1000
        job['aggregation'] = {'update_limit': 0.5}
        job['rounds']['seconds'] = {'max': 5, 'select': 0}
        server.submit(job)
        server.daemon.wait_log('the update of a is refused: .*(limit|magnitude)')
        client.daemon.wait_log('refused: .*(limit|magnitude)')
        self.assertIn('refus', json.dumps(server.ask('why', 'wild')))
        self.assertIsNotNone(client.ask('status')['last_refusal'])
        server.ask('cancel', 'wild')
        self.assertEqual(server.show('wild')['state'], 'cancelled')
        self.assertFails(server.cli('resume', 'wild'), 1, 'has ended')

    def test_pause_and_resume(self):
        server = self.server()
        client = self.client(server, 'a', self.data, start=False)
        server.submit(jobs.colours('rest', rounds=2, clients=1))
        server.ask('pause', 'rest')
        client.start_connected()
        client.daemon.wait_log('job rest: .* rows to train on')
        self.assertEqual(server.show('rest')['state'], 'paused')
        server.kill9()
        server.start()
        self.assertEqual(server.wait_for('rest', lambda job: job['state'] != 'loading')['state'], 'paused')
        self.assertEqual(client.trainings('rest', 1), 0)
        server.ask('resume', 'rest')
        server.wait_finished('rest')


class Tables(harness.TestCase):
    """`fedclient check`: status 2, with file, line, column and what was expected."""

    def check(self, table, *words, **section):
        path = self.path('d.csv')
        write_bytes(path, table if isinstance(table, bytes) else table.encode())
        config = self.path('client.json')
        harness.write_json(config, {
            'server': '127.0.0.1:1', 'server_key': 'A' * 43, 'state_dir': self.path('state'),
            'data': {'format': 'csv', 'path': path, 'label': 'colour', **section}})
        job = jobs.colours('j', scaling='none')
        job['inputs']['missing'] = 'mean'
        harness.write_json(self.path('job.json'), job)
        done = harness.fedclient('check', '--config', config, '--job', self.path('job.json'))
        if words:
            self.assertFails(done, 2, path, *words)
        return done

    def test_each_fault(self):
        good = 'x,y,kind,colour\n1,2,a,red\n3,4,b,green\n'
        self.assertEqual(self.check(good).status, 0)
        self.check(good + '5,6,b\n', 'line 4', '3 fields', 'the header has 4')
        self.check(good + '5,6,b,red,7\n', 'line 4', '5 fields')
        self.check(good + '5,six,b,red\n', 'line 4', 'column "y"', '"six" is not a number')
        self.check(good + '5,6,d,red\n', 'line 4', 'column "kind"', '"d"', '"a", "b", "c"')
        self.check(good + '5,6,b,pink\n', 'line 4', 'column "colour"', '"pink"', '"red", "green", "blue"')
        self.check(good + '5,6,b,\n', 'line 4', 'column "colour"', 'the label is missing')
        self.check('x,y,kind\n1,2,a\n', 'there is no column "colour"')
        self.check('x,kind,colour\n1,a,red\n', 'there is no column "y"')
        self.check('x,x,y,kind,colour\n1,1,2,a,red\n', '"x" twice')
        self.check(good + '1e99,6,b,red\n', 'line 4', 'range')
        self.check(good + 'inf,6,b,red\n', 'line 4', 'not a finite number')
        self.check(good + '"5,6,b,red\n', 'line 4', 'quote')
        self.check('', 'is empty')
        self.check('x,y,kind,colour\n', 'no rows')
        self.check(good.encode('utf-16'), 'UTF-16')
        self.check(b'\x1f\x8b\x08\x00' + bytes(20), 'compressed')

    def test_all_problems_together(self):
        self.check('x,y,kind,colour\n1,two,a,red\n3,4,z,green\n5,6,b,\n', '3 problems', 'line 2', 'line 3', 'line 4')

    def test_names_of_the_site(self):
        self.assertEqual(self.check('AGE,y,kind,colour\n1,2,a,red\n', columns={'x': 'AGE'}).status, 0)
        self.check('x,y,kind,colour\n1,2,a,red\n', '"AGE"', columns={'x': 'AGE'})
        self.assertEqual(self.check('x;y;kind;colour\n1;2;a;red\n', delimiter=';').status, 0)

    def test_no_file_and_no_table(self):
        self.check('x,y,kind,colour\n1,2,a,red\n')
        config = self.path('client.json')
        harness.edit_json(config, {'data': {'path': self.path('missing.csv')}})
        self.assertFails(harness.fedclient('check', '--config', config), 2, 'missing.csv', 'No such file')
        harness.edit_json(config, {'data': {'path': self.path('folder', '')}})
        self.assertFails(harness.fedclient('check', '--config', config), 2, 'folder', 'directory')

    def test_images(self):
        images, labels = self.path('images'), self.path('labels')
        config = self.path('client.json')
        harness.write_json(config, {
            'server': '127.0.0.1:1', 'server_key': 'A' * 43, 'state_dir': self.path('state'),
            'data': {'format': 'idx', 'images': images, 'labels': labels}})

        def check(*words):
            done = harness.fedclient('check', '--config', config)
            self.assertFails(done, 2, *words) if words else self.assertEqual(done.status, 0, done)

        datasets.images(images, labels, count=20, side=4, classes=3, seed=1)
        check()
        with open(images, 'rb') as file:
            whole = file.read()
        write_bytes(images, whole[:-1])
        check(images)
        write_bytes(images, whole + b'x')
        check(images)
        write_bytes(images, b'\x00\x00\x0d\x03' + whole[4:])
        check(images)
        write_bytes(images, whole[:4] + struct.pack('>I', 0xffffffff) + whole[8:])
        check(images)
        write_bytes(images, b'')
        check(images)
        write_bytes(images, whole)
        write_bytes(labels, struct.pack('>II', 0x00000801, 19) + bytes(19))
        check('19', '20')


class Models(harness.TestCase):
    """Files that `fedclient evaluate` and `predict` must refuse, with status 2."""

    def setUp(self):
        super().setUp()
        server = self.server()
        self.table = datasets.write_table(self.path('d.csv'), datasets.table(40, 1))
        self.site = self.client(server, 'a', {'format': 'csv', 'path': self.table, 'label': 'colour'})
        server.submit(jobs.colours('m', rounds=1, clients=1))
        server.wait_finished('m')
        self.model = server.export('m', 'm.safetensors')

    def judge(self, content):
        path = write_bytes(self.path('bad.safetensors'), content)
        done = self.site.cli('evaluate', '--model', path)
        predicted = harness.fedclient('predict', '--model', path, '--input', self.table, '--output', self.path('out'))
        self.assertFails(predicted, 2, path)
        self.assertFalse(os.path.exists(self.path('out')))
        self.assertFails(done, 2, path)
        return done.err

    def test_damaged_files(self):
        with open(self.model, 'rb') as file:
            whole = file.read()
        (length,) = struct.unpack_from('<Q', whole)
        self.assertEqual(self.site.cli('evaluate', '--model', self.model).status, 0)
        for cut in (0, 7, 8, 9, 8 + length - 1, 8 + length, len(whole) - 1):
            self.judge(whole[:cut])
        self.judge(whole + b'x')
        self.judge(struct.pack('<Q', 2 ** 63) + whole[8:])
        self.judge(struct.pack('<Q', length + 1) + whole[8:])
        self.judge(whole[:-4] + struct.pack('<f', float('nan')))
        self.judge(b'PK\x03\x04 this is something else')

    def test_another_models_weights(self):
        metadata, tensors = datasets.read_safetensors(self.model)

        def rebuilt(change):
            shapes = {name: list(tensor.shape) for name, tensor in tensors.items()}
            told = dict(metadata)
            change(shapes, told)
            header, offset, body = {'__metadata__': told}, 0, b''
            for name, shape in shapes.items():
                size = 4
                for extent in shape:
                    size *= extent
                header[name] = {'dtype': 'F32', 'shape': shape, 'data_offsets': [offset, offset + size]}
                offset += size
                body += bytes(size)
            text = json.dumps(header).encode()
            text += b' ' * (-len(text) % 8)
            return struct.pack('<Q', len(text)) + text + body

        good = write_bytes(self.path('good.safetensors'), rebuilt(lambda shapes, told: None))
        self.assertEqual(self.site.cli('evaluate', '--model', good).status, 0)
        wrong = rebuilt(lambda shapes, told: shapes.update({'layers.0.weight': [3, 6]}))
        self.assertIn('layers.0.weight', self.judge(wrong))
        self.assertIn('layers.0.bias', self.judge(rebuilt(lambda shapes, told: shapes.pop('layers.0.bias'))))
        self.judge(rebuilt(lambda shapes, told: told.clear()))
        self.judge(rebuilt(lambda shapes, told: told.pop('statistics')))
        self.judge(rebuilt(lambda shapes, told: told.update(job_text='{}')))

    def test_data_that_does_not_fit_the_model(self):
        other = self.write('other.csv', 'x,colour\n1,red\n')
        done = harness.fedclient('predict', '--model', self.model, '--input', other, '--output', self.path('out'))
        self.assertFails(done, 2, other, 'there is no column "y"')
        harness.edit_json(self.site.config, {'data': {'path': other}})
        self.assertFails(self.site.cli('evaluate', '--model', self.model), 2, other)


if __name__ == '__main__':
    harness.main()
