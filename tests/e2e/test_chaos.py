#!/usr/bin/python3
"""`kill -9` of the server and of clients at seeded random moments, fifty times a run, in synchronous rounds and in
buffered asynchronous ones whose order the seed fixes: the model has the very bytes and each round the very metrics of
the run that nobody disturbed, and nothing is left over: no process, no file, no descriptor.

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
SITES, KILLS = 3, 50
SIDE, HIDDEN, CLASSES = 16, 96, 4  # updates of 100 KB: several records, never inline
TICKS_MAX = 60
MODES = {  # the job's rounds; more of them than fifty ends take
    'synchronous': {'max': 24, 'contributions': {'min': SITES, 'goal': SITES}},
    'buffered': {'max': 48, 'contributions': {'min': 2, 'goal': 2}, 'staleness': {'max': 8}, 'order': 'seeded'},
}


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
    references = {}  # by mode, of the undisturbed run: tensors, metrics of each round, files, descriptors

    def reference(self, mode):
        if mode not in Chaos.references:
            world = World(self, 'reference').start()
            before = self.settled_descriptors(world)
            self.submit(world, mode)
            tensors, metrics = self.result(world, mode)
            self.assertEqual(self.settled_descriptors(world, before), before)
            world.stop()
            Chaos.references[mode] = {'tensors': tensors, 'metrics': metrics, 'descriptors': before,
                                      'files': world.left_files()}
        return Chaos.references[mode]

    def submit(self, world, mode):
        job = jobs.squares('job', side=SIDE, hidden=[HIDDEN], classes=CLASSES, clients=SITES)
        job['rounds'].update({'seconds': {'max': 60, 'select': 30}, **MODES[mode]})
        world.server.submit(job)

    def result(self, world, mode):
        rounds = MODES[mode]['max']
        shown = world.server.wait_finished('job')
        self.assertEqual(shown['version'], rounds)
        committed = [row for row in shown['rounds'] if row['state'] == 'committed']
        self.assertEqual([row['round'] for row in committed], list(range(1, rounds + 1)))
        metrics = [shown['best']] + [row['metrics'] for row in committed]
        return datasets.tensor_bytes(world.server.export('job', 'final.safetensors')), metrics

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

    def disturb(self, mode, kills, victims):
        """A run in which those that `victims` chooses from the world are killed; then what it must have come to."""
        reference = self.reference(mode)
        world = World(self, 'disturbed').start()
        self.submit(world, mode)
        everyone = {'server': world.server, **{client.name: client for client in world.clients}}
        killer = chaos.Killer(world.clock, {key: everyone[key] for key in victims(everyone)}, SEED, TICKS_MAX)
        killer.run(kills, world.finished)
        version = world.server.daemon.count(r'job job round \d+: committed')
        print(f'seed {SEED}: killed {dict(killer.killed)} while {version} of {MODES[mode]["max"]} rounds '
              'were committed', file=sys.stderr)
        self.assertEqual(sum(killer.killed.values()), kills, 'the run was over before that')
        self.assertFalse(world.finished(), 'the run was over before the last of them')
        tensors, metrics = self.result(world, mode)
        for tensor, content in reference['tensors'].items():
            self.assertTrue(tensors[tensor] == content, f'{tensor} differs\n{world.server.daemon.tail()}')
        self.assertEqual(set(tensors), set(reference['tensors']))
        self.assertEqual(metrics, reference['metrics'])
        self.assertEqual(self.settled_descriptors(world, reference['descriptors']), reference['descriptors'])
        world.stop()
        self.assertEqual(world.left_files(), reference['files'])
        self.assertEqual(chaos.processes_of(self.folder), [])

    def test_everybody_is_killed(self):
        self.disturb('synchronous', KILLS, sorted)

    def test_everybody_is_killed_in_buffered_rounds(self):
        self.disturb('buffered', KILLS, sorted)

    def test_clients_are_killed_the_server_lives(self):
        self.disturb('synchronous', KILLS // 3, lambda everyone: sorted(set(everyone) - {'server'}))

    def test_the_server_is_killed_clients_live(self):
        self.disturb('synchronous', KILLS // 3, lambda everyone: ['server'])


if __name__ == '__main__':
    harness.main()
