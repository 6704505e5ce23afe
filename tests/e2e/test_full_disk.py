#!/usr/bin/python3
"""A disk that is full: no new work, nothing that was acknowledged is lost, the daemon lives and says so, and goes on
when there is room again. Needs root, for a small tmpfs of the test's own."""

import os
import shutil
import subprocess
import unittest

import harness
import jobs
from proxy import UP, Fault, Proxy
from runs import IN_THE_UPLOAD, RunCase

DISK_BYTES = 16 << 20
FULL = '(?i)(no space left|disk is full|disk full)'


class FullDisk(RunCase):
    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest('only root can mount the small disk that this test fills')
        super().setUp()
        self.mounted = []

    def tearDown(self):
        super().tearDown()
        for path in self.mounted:
            subprocess.run(['umount', '--lazy', path], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def small_disk(self, name):
        path = self.path(name, '')
        done = subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={DISK_BYTES},mode=700', 'fed-e2e', path],
                              capture_output=True, check=False)
        if done.returncode != 0:
            raise unittest.SkipTest(f'cannot mount a tmpfs here: {done.stderr.decode().strip()}')
        self.mounted.append(path)
        return path

    @staticmethod
    def fill(folder):
        """Takes every byte that is left."""
        filler = os.open(os.path.join(folder, 'filler'), os.O_WRONLY | os.O_CREAT)
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    os.write(filler, bytes(size))
            except OSError:
                pass
        os.close(filler)

    @staticmethod
    def make_room(folder):
        os.remove(os.path.join(folder, 'filler'))

    def test_the_servers_disk(self):
        disk = self.small_disk('server')
        server = self.server()
        proxy = Proxy(server.port, [Fault(UP, IN_THE_UPLOAD, 'hold')])
        clients = [self.site(server, 0, through=proxy).start_connected(), self.site(server, 1).start_connected()]
        self.submit(server)
        self.assertTrue(proxy.held.wait(60), server.daemon.tail())
        clients[1].daemon.wait_log('task 1: accepted')  # acknowledged before the disk is full
        mark = server.daemon.mark()
        self.fill(disk)
        proxy.release()
        server.daemon.wait_log(FULL, mark)
        other = os.path.join(self.folder, 'other.json')
        harness.write_json(other, jobs.squares('other', side=16, clients=2))
        self.assertFails(server.cli('submit', other), 1, 'full')
        status = server.ask('status')
        self.assertLess(status['disk_free_bytes'], 65536)
        self.assertEqual(server.cli('why', 'job').status, 0)
        self.assertTrue(server.daemon.running)
        self.make_room(disk)
        self.assertAsUndisturbed(server)
        self.assertTrained(clients)

    def test_the_servers_disk_and_kill_9(self):
        disk = self.small_disk('server')
        server = self.server()
        proxy = Proxy(server.port, [Fault(UP, IN_THE_UPLOAD, 'hold')])
        clients = [self.site(server, 0, through=proxy).start_connected(), self.site(server, 1).start_connected()]
        self.submit(server)
        self.assertTrue(proxy.held.wait(60), server.daemon.tail())
        clients[1].daemon.wait_log('task 1: accepted')
        mark = server.daemon.mark()
        self.fill(disk)
        proxy.release()
        server.daemon.wait_log(FULL, mark)
        server.kill9()
        self.make_room(disk)
        server.start()
        self.assertAsUndisturbed(server)
        self.assertTrained(clients)

    def test_full_at_the_end_of_a_round(self):
        """Both updates are there; the checkpoint does not fit."""
        disk = self.small_disk('server')
        server = self.server()
        clients = [self.site(server, number).start_connected() for number in range(2)]
        self.submit(server)
        server.daemon.wait_log('round 1: folding')
        self.fill(disk)
        server.daemon.wait_log(FULL)
        self.assertTrue(server.daemon.running)
        self.assertEqual(server.cli('status').status, 0)
        self.make_room(disk)
        self.assertAsUndisturbed(server)
        self.assertTrained(clients, site0={2: 2, 3: 2}, site1={2: 2, 3: 2})

    def test_a_server_that_starts_on_a_full_disk(self):
        disk = self.small_disk('server')
        server = self.server()
        clients = [self.site(server, number).start_connected() for number in range(2)]
        self.submit(server)
        server.daemon.wait_log('committed version 1')
        server.kill9()
        self.fill(disk)
        server.daemon.start()
        server.daemon.wait_log(FULL)
        self.make_room(disk)
        if not server.daemon.running:  # it may refuse to start: then it says why, and works when there is room
            self.assertEqual(server.daemon.wait_exit(), 1)
            server.start()
        self.assertAsUndisturbed(server)
        self.assertTrained(clients, site0={2: 2}, site1={2: 2})

    def test_a_clients_disk(self):
        disk = self.small_disk('site0')
        server = self.server()
        clients = [self.site(server, number).start_connected() for number in range(2)]
        self.fill(disk)
        job = jobs.squares('job', side=16, hidden=[220], classes=4, rounds=3, clients=2)
        job['rounds']['seconds'] = {'max': 60, 'select': 1}
        server.submit(job)
        clients[0].daemon.wait_log(FULL)
        self.assertTrue(clients[0].daemon.running)
        why = server.daemon.wait_log('site0 cannot do its task: .*').group()
        self.assertRegex(why, '(?i)(space|disk|full)')
        self.assertRegex(server.cli('why', 'job').out, '(?i)(space|disk|full)')
        self.assertTrue(clients[0].ask('status')['stale'])
        self.assertIn('STALE', clients[0].cli('status').out)
        self.make_room(disk)
        self.assertAsUndisturbed(server)
        self.assertFalse(clients[0].ask('status')['stale'])
        # The attempt is abandoned, and with it what the other client was training just then.
        self.assertTrained(clients[1:], site1={1: 2})
        self.assertNotIn(disk.rstrip('/'), why, "the names of a site's files are nobody else's business")


if __name__ == '__main__':
    harness.main()
