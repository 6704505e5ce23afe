#!/usr/bin/python3
"""`kill -9` of the server and of clients at every interesting moment: the run ends with the very bytes of the run that
nobody disturbed, and nobody trains more often than its own end explains."""

import glob
import os
import signal

import harness
import jobs
from proxy import UP, Fault, Proxy
from runs import IN_THE_UPLOAD, MODEL_BYTES, ROUNDS, RunCase


class Restarts(RunCase):
    def setUp(self):
        super().setUp()
        self.srv = self.server({'durability': 'power'})

    def sites(self, *faults):
        """Both clients; behind a proxy with its fault where one is given."""
        clients = []
        for number in range(2):
            fault = faults[number] if number < len(faults) else None
            proxy = Proxy(self.srv.port, [fault]) if fault else None
            clients.append(self.site(self.srv, number, through=proxy).start_connected())
        return clients

    def kill_server_at(self, pattern, clients):
        self.srv.daemon.wait_log(pattern)
        self.srv.kill9()
        self.srv.start()
        self.assertAsUndisturbed(self.srv)

    def received(self):
        """The bytes in the clear of the updates on their way, as far as the server has them."""
        parts = []
        for path in glob.glob(os.path.join(self.srv.folder, 'staging', 'job', '*', '*.part')):
            with open(path, 'rb') as file:
                parts.append(file.read())
        return [part for part in parts if len(part) - part.count(0) > IN_THE_UPLOAD / 2]

    def assertSealed(self, client):
        """Nothing that the server has got of the client's update is to be found on the client's disk, nor are its
        metrics."""
        self.srv.wait_for('job', lambda shown: self.received())
        (part,) = self.received()
        words = {part[at:at + 16] for at in range(0, len(part) - 16, 1024)}
        words = {word for word in words if word.count(0) < 4}
        self.assertGreater(len(words), 20)
        paths = [os.path.join(at, name) for at, _, names in os.walk(client.state) for name in names]
        self.assertEqual(sum('outbox' in path for path in paths), 2)
        for path in paths:
            with open(path, 'rb') as file:
                content = file.read()
            self.assertFalse(b'train_loss' in content, path)
            self.assertFalse(any(word in content for word in words), path)

    def once_more(self, first):
        """A kill that follows a line of the log comes some milliseconds later, and on a busy machine rounds later."""
        return {number: 2 for number in range(first, ROUNDS + 1)}

    # ---- the server ----

    def test_server_killed_after_selection(self):
        clients = self.sites()
        self.submit(self.srv)
        self.kill_server_at(r'job job round 1: 2 clients', clients)
        # Whoever lost the task before its training ended may be asked again.
        self.assertTrained(clients, site0=self.once_more(1), site1=self.once_more(1))

    def test_server_killed_while_one_client_uploads(self):
        clients = self.sites(Fault(UP, IN_THE_UPLOAD, 'hold'))
        self.submit(self.srv)
        self.assertTrue(self.proxies[0].held.wait(60), self.srv.daemon.tail())
        clients[1].daemon.wait_log('task 1: accepted')
        self.srv.kill9()
        self.proxies[0].release()
        self.srv.start()
        self.assertAsUndisturbed(self.srv)
        self.assertTrained(clients)

    def test_server_killed_while_both_clients_upload(self):
        clients = self.sites(Fault(UP, IN_THE_UPLOAD, 'hold'), Fault(UP, IN_THE_UPLOAD, 'hold'))
        self.submit(self.srv)
        for proxy in self.proxies:
            self.assertTrue(proxy.held.wait(60), self.srv.daemon.tail())
        self.srv.kill9()
        for proxy in self.proxies:
            proxy.release()
        self.srv.start()
        self.assertAsUndisturbed(self.srv)
        self.assertTrained(clients)

    def test_server_killed_while_it_folds(self):
        clients = self.sites()
        self.submit(self.srv)
        self.kill_server_at(r'round 2: folding', clients)
        self.assertTrained(clients, site0=self.once_more(3), site1=self.once_more(3))

    def test_server_killed_between_rounds(self):
        clients = self.sites()
        self.submit(self.srv)
        self.kill_server_at(r'committed version 1', clients)
        self.assertTrained(clients, site0=self.once_more(2), site1=self.once_more(2))

    def test_server_killed_again_and_again(self):
        clients = self.sites()
        self.submit(self.srv)
        for pattern in (r'round 1: 2 clients', r'round 1: folding', r'committed version 1', r'round 2: folding',
                        r'committed version 2', r'round 3: folding'):
            self.srv.daemon.wait_log(pattern)
            self.srv.kill9()
            self.srv.start()
        self.assertAsUndisturbed(self.srv)

    def test_server_killed_after_the_last_commit(self):
        clients = self.sites()
        self.submit(self.srv)
        self.kill_server_at(rf'committed version {ROUNDS}', clients)
        self.assertTrained(clients)

    # ---- a client ----

    def test_client_killed_while_it_trains(self):
        clients = self.sites()
        self.submit(self.srv)
        clients[0].daemon.wait_log('task 1: training on')
        clients[0].kill9()
        clients[0].start_connected()
        self.assertAsUndisturbed(self.srv)
        self.assertTrained(clients, site0=self.once_more(1))

    def test_client_killed_right_after_training(self):
        clients = self.sites(Fault(UP, IN_THE_UPLOAD, 'hold'))
        self.submit(self.srv)
        clients[0].daemon.wait_log('task 1: done')
        clients[0].kill9()
        clients[0].start_connected()
        self.assertAsUndisturbed(self.srv)
        self.assertTrained(clients)

    def test_client_killed_while_it_uploads(self):
        clients = self.sites(Fault(UP, IN_THE_UPLOAD, 'hold'))
        self.submit(self.srv)
        self.assertTrue(self.proxies[0].held.wait(60), self.srv.daemon.tail())
        clients[0].kill9()
        told = clients[0].ask('status')
        self.assertEqual([(kept['job'], kept['task'], kept['bytes']) for kept in told['outbox']],
                         [('job', 1, MODEL_BYTES)])
        self.assertSealed(clients[0])
        self.proxies[0].release()
        clients[0].start_connected()
        self.assertAsUndisturbed(self.srv)
        self.assertTrained(clients)
        # The second connection went on where the first one ended, give or take a chunk.
        self.assertLess(self.proxies[0].totals[UP], ROUNDS * MODEL_BYTES + IN_THE_UPLOAD / 2)

    def test_client_killed_after_the_receipt(self):
        clients = self.sites()
        self.submit(self.srv)
        clients[0].daemon.wait_log('task 1: accepted')
        clients[0].kill9()
        clients[0].start_connected()
        self.assertAsUndisturbed(self.srv)
        self.assertTrained(clients, site0=self.once_more(2))

    def test_both_ends_killed(self):
        clients = self.sites(Fault(UP, IN_THE_UPLOAD, 'hold'))
        self.submit(self.srv)
        self.assertTrue(self.proxies[0].held.wait(60), self.srv.daemon.tail())
        clients[1].daemon.wait_log('task 1: accepted')
        self.srv.kill9()
        for client in clients:
            client.kill9()
        self.proxies[0].release()
        for client in clients:
            client.start()
        self.srv.start()
        self.assertAsUndisturbed(self.srv)
        self.assertTrained(clients)

    # ---- in good order ----

    def test_sigterm_finishes_the_round(self):
        clients = self.sites(Fault(UP, IN_THE_UPLOAD, 'hold'))
        self.submit(self.srv)
        self.assertTrue(self.proxies[0].held.wait(60), self.srv.daemon.tail())
        self.srv.daemon.signal(signal.SIGTERM)
        self.srv.daemon.wait_log('draining')
        refused = self.srv.try_submit(jobs.squares('other'))
        self.assertFails(refused, 1, 'draining')
        self.proxies[0].release()
        self.assertEqual(self.srv.daemon.wait_exit(), 0)
        self.assertEqual(self.srv.daemon.count('committed version 1'), 1)
        self.assertEqual(self.srv.daemon.count('committed version 2'), 0)
        self.srv.start()
        self.assertAsUndisturbed(self.srv)
        self.assertTrained(clients)

    def test_the_drain_command_does_the_same(self):
        clients = self.sites(Fault(UP, IN_THE_UPLOAD, 'hold'))
        self.submit(self.srv)
        self.assertTrue(self.proxies[0].held.wait(60), self.srv.daemon.tail())
        self.proxies[0].release()
        self.srv.ask('drain')
        self.assertEqual(self.srv.daemon.wait_exit(), 0)
        self.srv.start()
        self.assertAsUndisturbed(self.srv)
        self.assertTrained(clients)


if __name__ == '__main__':
    harness.main()
