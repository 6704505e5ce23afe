#!/usr/bin/python3
"""`kill -9` of the server and of clients at every interesting moment: the run ends with the very bytes of the run that
nobody disturbed, and nobody trains more often than its own end explains."""

import signal

import datasets
import harness
import jobs
from proxy import UP, Fault, Proxy

SIDE, HIDDEN, CLASSES, ROUNDS = 16, 220, 4, 3
UPDATE_BYTES = 4 * (HIDDEN * (SIDE * SIDE + 1) + CLASSES * (HIDDEN + 1))  # 229,696: several records, never inline
IN_THE_UPLOAD = 200_000  # bytes from a client: past every small message, late in the update


class Restarts(harness.TestCase):
    """Two clients, both needed in each round."""

    undisturbed = None  # the tensors of the run that nothing happens to; computed once

    def setUp(self):
        super().setUp()
        self.proxies = []
        self.srv = self.server({'durability': 'power'})
        if Restarts.undisturbed is None:
            Restarts.undisturbed = self.reference()

    def tearDown(self):
        for proxy in self.proxies:
            proxy.close()
        super().tearDown()

    def reference(self):
        server = self.server(name='reference')
        for number in range(2):
            self.site(server, number, 'reference-')
        return self.finish(server)

    def site(self, server, number, folder='', through=None):
        images, labels = self.path(f'images{number}'), self.path(f'labels{number}')
        datasets.images(images, labels, count=120 + 40 * number, side=SIDE, classes=CLASSES, seed=number)
        data = {'format': 'idx', 'images': images, 'labels': labels}
        client = harness.Client(self.path(folder, ''), server, f'site{number}', data)
        self.daemons.append(client.daemon)
        if through is not None:
            harness.edit_json(client.config, {'server': through.address})
        return client.start_connected()

    def sites(self, *faults):
        """Both clients; behind a proxy with its fault where one is given."""
        clients = []
        for number in range(2):
            proxy = None
            if number < len(faults) and faults[number]:
                proxy = Proxy(self.srv.port, [faults[number]])
                self.proxies.append(proxy)
            clients.append(self.site(self.srv, number, through=proxy))
        return clients

    def submit(self, server=None):
        job = jobs.squares('job', side=SIDE, hidden=[HIDDEN], classes=CLASSES, rounds=ROUNDS, clients=2)
        job['rounds']['seconds'] = {'max': 60, 'select': 30}
        (server or self.srv).submit(job)

    def finish(self, server):
        self.submit(server)
        server.wait_finished('job')
        return datasets.tensor_bytes(server.export('job', 'final.safetensors'))

    def assertAsUndisturbed(self):
        shown = self.srv.wait_finished('job')
        self.assertEqual(shown['version'], ROUNDS)
        exported = datasets.tensor_bytes(self.srv.export('job', 'final.safetensors'))
        self.assertEqual(set(exported), set(self.undisturbed))
        for name, content in exported.items():
            self.assertTrue(content == self.undisturbed[name], f'{name} differs from the undisturbed run\n'
                            + self.srv.daemon.tail())
        self.assertEqual(len(self.srv.show('job')['rounds']), ROUNDS)

    def assertTrained(self, clients, **more):
        """Once in each round, but for `more`: {'site0': {round: the most}}."""
        for client in clients:
            for number in range(1, ROUNDS + 1):
                most = more.get(client.name, {}).get(number, 1)
                times = client.trainings('job', number)
                self.assertTrue(1 <= times <= most, f'{client.name} trained {times} times in round {number}, '
                                f'at most {most} is explained\n{client.daemon.tail()}')

    def kill_server_at(self, pattern, clients):
        self.srv.daemon.wait_log(pattern)
        self.srv.kill9()
        self.srv.start()
        self.assertAsUndisturbed()
        return clients

    # ---- the server ----

    def test_server_killed_after_selection(self):
        clients = self.sites()
        self.submit()
        self.kill_server_at(r'job job round 1: 2 clients', clients)
        # Whoever lost the task before its training ended may be asked again.
        self.assertTrained(clients, site0={1: 2}, site1={1: 2})

    def test_server_killed_while_one_client_uploads(self):
        clients = self.sites(Fault(UP, IN_THE_UPLOAD, 'hold'))
        self.submit()
        self.assertTrue(self.proxies[0].held.wait(60), self.srv.daemon.tail())
        clients[1].daemon.wait_log('round 1: accepted')
        self.srv.kill9()
        self.proxies[0].release()
        self.srv.start()
        self.assertAsUndisturbed()
        self.assertTrained(clients)

    def test_server_killed_while_both_clients_upload(self):
        clients = self.sites(Fault(UP, IN_THE_UPLOAD, 'hold'), Fault(UP, IN_THE_UPLOAD, 'hold'))
        self.submit()
        for proxy in self.proxies:
            self.assertTrue(proxy.held.wait(60), self.srv.daemon.tail())
        self.srv.kill9()
        for proxy in self.proxies:
            proxy.release()
        self.srv.start()
        self.assertAsUndisturbed()
        self.assertTrained(clients)

    def test_server_killed_while_it_folds(self):
        clients = self.sites()
        self.submit()
        self.kill_server_at(r'round 2: folding', clients)
        self.assertTrained(clients)

    def test_server_killed_between_rounds(self):
        clients = self.sites()
        self.submit()
        self.kill_server_at(r'committed version 1', clients)
        self.assertTrained(clients, site0={2: 2}, site1={2: 2})

    def test_server_killed_again_and_again(self):
        clients = self.sites()
        self.submit()
        for pattern in (r'round 1: 2 clients', r'round 1: folding', r'committed version 1', r'round 2: folding',
                        r'committed version 2', r'round 3: folding'):
            self.srv.daemon.wait_log(pattern)
            self.srv.kill9()
            self.srv.start()
        self.assertAsUndisturbed()

    def test_server_killed_after_the_last_commit(self):
        clients = self.sites()
        self.submit()
        self.kill_server_at(rf'committed version {ROUNDS}', clients)
        self.assertTrained(clients)

    # ---- a client ----

    def test_client_killed_while_it_trains(self):
        clients = self.sites()
        self.submit()
        clients[0].daemon.wait_log('round 1: training on')
        clients[0].kill9()
        clients[0].start_connected()
        self.assertAsUndisturbed()
        self.assertTrained(clients, site0={1: 2})

    def test_client_killed_right_after_training(self):
        clients = self.sites(Fault(UP, IN_THE_UPLOAD, 'hold'))
        self.submit()
        clients[0].daemon.wait_log('round 1: done')
        clients[0].kill9()
        clients[0].start_connected()
        self.assertAsUndisturbed()
        self.assertTrained(clients)

    def test_client_killed_while_it_uploads(self):
        clients = self.sites(Fault(UP, IN_THE_UPLOAD, 'hold'))
        self.submit()
        self.assertTrue(self.proxies[0].held.wait(60), self.srv.daemon.tail())
        clients[0].kill9()
        told = clients[0].ask('status')
        self.assertEqual([(kept['job'], kept['round'], kept['bytes']) for kept in told['outbox']],
                         [('job', 1, UPDATE_BYTES)])
        self.proxies[0].release()
        clients[0].start_connected()
        self.assertAsUndisturbed()
        self.assertTrained(clients)
        # The second connection went on where the first one ended, give or take a chunk.
        self.assertLess(self.proxies[0].totals[UP], ROUNDS * UPDATE_BYTES + IN_THE_UPLOAD / 2)

    def test_client_killed_after_the_receipt(self):
        clients = self.sites()
        self.submit()
        clients[0].daemon.wait_log('round 1: accepted')
        clients[0].kill9()
        clients[0].start_connected()
        self.assertAsUndisturbed()
        self.assertTrained(clients, site0={2: 2})

    def test_both_ends_killed(self):
        clients = self.sites(Fault(UP, IN_THE_UPLOAD, 'hold'))
        self.submit()
        self.assertTrue(self.proxies[0].held.wait(60), self.srv.daemon.tail())
        clients[1].daemon.wait_log('round 1: accepted')
        self.srv.kill9()
        for client in clients:
            client.kill9()
        self.proxies[0].release()
        for client in clients:
            client.start()
        self.srv.start()
        self.assertAsUndisturbed()
        self.assertTrained(clients)

    # ---- in good order ----

    def test_sigterm_finishes_the_round(self):
        clients = self.sites(Fault(UP, IN_THE_UPLOAD, 'hold'))
        self.submit()
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
        self.assertAsUndisturbed()
        self.assertTrained(clients)

    def test_the_drain_command_does_the_same(self):
        clients = self.sites(Fault(UP, IN_THE_UPLOAD, 'hold'))
        self.submit()
        self.assertTrue(self.proxies[0].held.wait(60), self.srv.daemon.tail())
        self.proxies[0].release()
        self.srv.ask('drain')
        self.assertEqual(self.srv.daemon.wait_exit(), 0)
        self.srv.start()
        self.assertAsUndisturbed()
        self.assertTrained(clients)


if __name__ == '__main__':
    harness.main()
