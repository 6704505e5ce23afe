"""What every end-to-end test is made of: a server and clients as real processes, in a folder of the test's own.

    class Example(harness.TestCase):
        def test_it(self):
            server = self.server()
            client = self.client(server, 'a', data={'format': 'csv', ...})
            server.submit(job)
            server.wait_finished('job')

Each test file is a program: `test_x.py FEDSERVER FEDCLIENT [unittest's arguments]`.
"""

import json
import os
import shutil
import sys
import tempfile
import time
import unittest

import processes
from processes import DEADLINE_S, Daemon, Failure

BINARIES = {}
SKIPPED = 77  # what ctest is told when nothing could be tested here


def main():
    """Takes the paths of the two programs from the command line, and runs the tests of the calling file."""
    if len(sys.argv) < 3:
        sys.exit(f'usage: {sys.argv[0]} FEDSERVER FEDCLIENT [unittest arguments]')
    BINARIES['fedserver'] = os.path.abspath(sys.argv.pop(1))
    BINARIES['fedclient'] = os.path.abspath(sys.argv.pop(1))
    # Peers that fail by design leave their sockets behind: no warnings.
    result = unittest.main(verbosity=2, warnings='ignore', exit=False).result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(SKIPPED if result.testsRun == len(result.skipped) else 0)


def fedserver(*arguments, **options):
    return processes.run([BINARIES['fedserver'], *arguments], **options)


def fedclient(*arguments, **options):
    return processes.run([BINARIES['fedclient'], *arguments], **options)


def edit_json(path, changes):
    """Merges `changes` into the file, one level deep."""
    with open(path, encoding='utf-8') as file:
        content = json.load(file)
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(content.get(key), dict):
            content[key].update(value)
        else:
            content[key] = value
    write_json(path, content)


def write_json(path, content):
    with open(path, 'w', encoding='utf-8') as file:
        json.dump(content, file, indent=1)


class Server:
    def __init__(self, folder, settings=None):
        self.folder = folder
        self.config = os.path.join(folder, 'server.json')
        self.port = None
        self.daemon = Daemon('fedserver', [BINARIES['fedserver'], 'run', '--config', self.config])
        made = fedserver('init', '--state', folder, '--listen', '127.0.0.1:0', '--json')
        if made.status != 0:
            raise Failure(f'init: {made}')
        self.public_key = json.loads(made.out)['public_key']
        edit_json(self.config, {'durability': 'process', 'io_threads': 1, 'compute_threads': 2, **(settings or {})})

    @property
    def pid(self):
        return self.daemon.process.pid

    def start(self, **options):
        since = self.daemon.mark()
        self.daemon.start(**options)
        self.port = int(self.daemon.wait_log(r'listening on 127\.0\.0\.1:(\d+)', since).group(1))
        edit_json(self.config, {'listen': f'127.0.0.1:{self.port}'})  # clients find it again after a restart
        return self

    def kill9(self):
        self.daemon.kill9()

    def cli(self, *arguments, timeout=DEADLINE_S):
        return fedserver(*arguments, '--config', self.config, timeout=timeout)

    def ask(self, *arguments, timeout=DEADLINE_S):
        """The command's answer as JSON; fails if it is refused."""
        done = self.cli(*arguments, '--json', timeout=timeout)
        if done.status != 0:
            raise Failure(f'fedserver {" ".join(arguments)}: {done}\n{self.daemon.tail()}')
        return json.loads(done.out)

    def invite(self, name, *options):
        return self.ask('invite', name, *options)['code']

    def submit(self, job):
        path = os.path.join(self.folder, f'submit-{job["name"]}.json')
        write_json(path, job)
        return self.ask('submit', path)

    def try_submit(self, job):
        path = os.path.join(self.folder, f'submit-{job["name"]}.json')
        write_json(path, job)
        return self.cli('submit', path)

    def show(self, job):
        return self.ask('show', job)

    def wait_for(self, job, predicate, timeout=DEADLINE_S):
        """Blocks until `predicate(show)` holds. Asked again whenever the daemon has logged something."""
        deadline = time.monotonic() + timeout
        while True:
            seen = self.daemon.mark()
            shown = self.show(job)
            if predicate(shown):
                return shown
            if time.monotonic() >= deadline:
                raise Failure(f'{job} does not get there: {self.cli("why", job).out}\n{self.daemon.tail()}')
            try:
                self.daemon.wait_log('', seen, timeout=1)
            except Failure:
                if not self.daemon.running:
                    raise

    def wait_finished(self, job, timeout=DEADLINE_S):
        self.daemon.wait_log(rf'job {job}: finished', timeout=timeout)
        return self.show(job)

    def export(self, job, name, *options):
        path = os.path.join(self.folder, name)
        self.ask('export', job, '--output', path, *options)
        return path


class Client:
    """A client that has joined. `data` is the data section; `settings` are other keys of client.json."""

    def __init__(self, folder, server, name, data, settings=None, join_code=None):
        self.name = name
        self.state = os.path.join(folder, name)
        self.config = os.path.join(self.state, 'client.json')
        joined = fedclient('join', join_code or server.invite(name), '--state', self.state)
        if joined.status != 0:
            raise Failure(f'join: {joined}\n{server.daemon.tail()}')
        edit_json(self.config, {'reconnect_s_max': 0.3})
        edit_json(self.config, settings or {})
        if data is not None:
            with open(self.config, encoding='utf-8') as file:
                content = json.load(file)
            content['data'] = data
            write_json(self.config, content)
        self.daemon = Daemon(name, [BINARIES['fedclient'], 'run', '--config', self.config])

    def start(self, *options):
        since = self.daemon.mark()
        base = [BINARIES['fedclient'], 'run', '--config', self.config]
        self.daemon.command = base + list(options)
        self.daemon.start()
        return since

    def start_connected(self):
        self.daemon.wait_log('connected to', self.start())
        return self

    def kill9(self):
        self.daemon.kill9()

    def cli(self, command, *arguments):
        return fedclient(command, '--config', self.config, *arguments)

    def ask(self, command, *arguments):
        done = self.cli(command, *arguments, '--json')
        if done.status != 0:
            raise Failure(f'fedclient {command}: {done}')
        return json.loads(done.out)

    def trainings(self, job, round_number):
        """How often this client has begun to train in that round."""
        return self.daemon.count(rf'job {job} task {round_number}: training on')


class TestCase(unittest.TestCase):
    """A folder that goes with the test, and everything started in it."""

    maxDiff = None

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='fed-e2e-')
        self.daemons = []

    def tearDown(self):
        outcome = self._outcome.result if hasattr(self._outcome, 'result') else None
        failed = outcome is not None and any(
            test is self for test, _ in getattr(outcome, 'failures', []) + getattr(outcome, 'errors', []))
        if failed:
            for daemon in self.daemons:
                print(daemon.tail(), file=sys.stderr)
        for daemon in self.daemons:
            daemon.stop_for_good()
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, *parts):
        path = os.path.join(self.folder, *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def write(self, name, text):
        path = self.path(name)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        return path

    def server(self, settings=None, name='server', start=True):
        server = Server(self.path(name), settings)
        self.daemons.append(server.daemon)
        return server.start() if start else server

    def client(self, server, name, data=None, settings=None, start=True, join_code=None):
        client = Client(self.folder, server, name, data, settings, join_code)
        self.daemons.append(client.daemon)
        return client.start_connected() if start else client

    def assertFails(self, done, status, *parts):
        """An exit status, and words that the person who reads stderr needs."""
        self.assertEqual(done.status, status, done)
        for part in parts:
            self.assertIn(part, done.err, done)
