#!/usr/bin/python3
"""`kill -9` of the server and of clients at seeded random moments, fifty times a run: every committed version has the
very bytes of the run that nobody disturbed, and nothing is left over: no process, no file, no descriptor.

FED_CHAOS_SEED=N tries another seed.
"""

import os
import sys
import time

import chaos
import datasets
import harness
import jobs
from processes import DEADLINE_S
from proxy import Proxy

SEED = int(os.environ.get('FED_CHAOS_SEED', '1'))
SITES, ROUNDS, KILLS = 3, 24, 50
SIDE, HIDDEN, CLASSES = 16, 96, 4  # updates of 100 KB: several records, never inline
TICKS_MAX = 60


class World:
    """A server and clients that have joined, each behind a proxy; nothing runs before start()."""

    def __init__(self, test, name):
        self.test, self.name = test, name
        self.clock = chaos.Clock()
        self.server = test.server({'log': {'level': 'debug'}}, name=f'{name}/server')
        self.watch(self.server.daemon)
        self.clients = [self.site(number) for number in range(SITES)]

    def watch(self, daemon):
        daemon.listen(self.clock.tick)

    def site(self, number):
        test = self.test
        images, labels = test.path(f'images{number}'), test.path(f'labels{number}')
        datasets.images(images, labels, count=60 + 20 * number, side=SIDE, classes=CLASSES, seed=number)
        proxy = Proxy(self.server.port, watch=self.clock.passed)
        test.addCleanup(proxy.close)
        client = harness.Client(test.path(self.name, ''), self.server, f'site{number}',
                                {'format': 'idx', 'images': images, 'labels': labels},
                                {'server': proxy.address, 'log': {'level': 'debug'}})
        test.daemons.append(client.daemon)
        self.watch(client.daemon)
        return client

    def start(self):
        for client in self.clients:
            client.start_connected()
        return self

    def finished(self):
        return self.server.daemon.count(r'job job: finished') > 0

    def open_descriptors(self):
        """By process, once every client is connected and has no job at work."""
        pids = {client.name: client.daemon.process.pid for client in self.clients}
        pids['server'] = self.server.pid
        return {name: chaos.descriptors(pid) for name, pid in pids.items()}

    def all_connected(self):
        return self.server.ask('status')['connected'] == SITES

    def stop(self):
        """In good order, everybody."""
        for daemon in [client.daemon for client in self.clients] + [self.server.daemon]:
            status = daemon.terminate()
            self.test.assertEqual(status, 0, daemon.tail())

    def left_files(self):
        folders = {client.name: client.state for client in self.clients}
        folders['server'] = self.server.folder
        return {name: chaos.files(folder) for name, folder in folders.items()}


class Chaos(harness.TestCase):
    reference = None  # of the undisturbed run: tensors, files, descriptors before and after it

    def setUp(self):
        super().setUp()
        if Chaos.reference is None:
            world = World(self, 'reference').start()
            before = self.settled_descriptors(world)
            self.submit(world)
            tensors = self.result(world)
            self.assertEqual(self.settled_descriptors(world, before), before)
            world.stop()
            Chaos.reference = {'tensors': tensors, 'descriptors': before, 'files': world.left_files()}

    def submit(self, world):
        job = jobs.squares('job', side=SIDE, hidden=[HIDDEN], classes=CLASSES, rounds=ROUNDS, clients=SITES)
        job['rounds']['seconds'] = {'max': 60, 'select': 30}
        job['rounds']['contributions'] = {'min': SITES, 'goal': SITES}
        world.server.submit(job)

    def result(self, world):
        shown = world.server.wait_finished('job')
        self.assertEqual(shown['version'], ROUNDS)
        committed = [row['round'] for row in shown['rounds'] if row['state'] == 'committed']
        self.assertEqual(committed, list(range(1, ROUNDS + 1)))
        return datasets.tensor_bytes(world.server.export('job', 'final.safetensors'))

    def settled_descriptors(self, world, expected=None):
        """As soon as all are connected and they are what is expected (the same as a moment ago, if nothing is); else
        those when patience ends."""
        deadline = time.monotonic() + DEADLINE_S / 4
        before = expected
        while True:
            connected, found = world.all_connected(), world.open_descriptors()
            if (connected and found == before) or time.monotonic() > deadline:
                return found
            if expected is None:
                before = found

    def disturb(self, name, kills, victims):
        """A run in which those that `victims` chooses from the world are killed; then what it must have come to."""
        world = World(self, name).start()
        self.submit(world)
        everyone = {'server': world.server, **{client.name: client for client in world.clients}}
        killer = chaos.Killer(world.clock, {key: everyone[key] for key in victims(everyone)}, SEED, TICKS_MAX)
        killer.run(kills, world.finished)
        version = world.server.daemon.count(r'job job round \d+: committed')
        print(f'seed {SEED}: killed {dict(killer.killed)} while {version} of {ROUNDS} rounds were committed',
              file=sys.stderr)
        self.assertEqual(sum(killer.killed.values()), kills, 'the run was over before that')
        self.assertFalse(world.finished(), 'the run was over before the last of them')
        tensors = self.result(world)
        for tensor, content in self.reference['tensors'].items():
            self.assertTrue(tensors[tensor] == content, f'{tensor} differs\n{world.server.daemon.tail()}')
        self.assertEqual(set(tensors), set(self.reference['tensors']))
        self.assertEqual(self.settled_descriptors(world, self.reference['descriptors']),
                         self.reference['descriptors'])
        world.stop()
        self.assertEqual(world.left_files(), self.reference['files'])
        self.assertEqual(chaos.processes_of(self.folder), [])

    def test_everybody_is_killed(self):
        self.disturb('mixed', KILLS, sorted)

    def test_clients_are_killed_the_server_lives(self):
        self.disturb('clients', KILLS // 3, lambda everyone: sorted(set(everyone) - {'server'}))

    def test_the_server_is_killed_clients_live(self):
        self.disturb('server', KILLS // 3, lambda everyone: ['server'])


if __name__ == '__main__':
    harness.main()
