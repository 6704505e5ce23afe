#!/usr/bin/python3
"""The operator's pause, resume, cancel and drain at any moment, also in the middle of an upload: the state is what was
ordered, nothing that was acknowledged is lost, and the clients are told. And several jobs that share their clients."""

import random
import signal

import chaos
import datasets
import harness
import jobs
from proxy import UP, Fault, Proxy
from runs import CLASSES, HIDDEN, IN_THE_UPLOAD, MODEL_BYTES, ROUNDS, SIDE, RunCase


class OrdersCase(RunCase):
    def setUp(self):
        super().setUp()
        self.srv = self.server()

    def held_upload(self):
        """The job runs, the first client's first upload stands still in the middle, the second's is accepted."""
        proxy = Proxy(self.srv.port, [Fault(UP, IN_THE_UPLOAD, 'hold')])
        clients = [self.site(self.srv, 0, through=proxy).start_connected(), self.site(self.srv, 1).start_connected()]
        self.submit(self.srv)
        self.assertTrue(proxy.held.wait(harness.DEADLINE_S), self.srv.daemon.tail())
        clients[1].daemon.wait_log('task 1: accepted')
        return proxy, clients

    def training(self):
        """The job runs, the first client has begun to train, the round cannot end: the second's upload is held."""
        proxy = Proxy(self.srv.port, [Fault(UP, IN_THE_UPLOAD, 'hold')])
        clients = [self.site(self.srv, 0).start_connected(), self.site(self.srv, 1, through=proxy).start_connected()]
        self.submit(self.srv)
        clients[0].daemon.wait_log('task 1: training on')
        return proxy, clients

    def slow_line(self, clock):
        """So that there is something to interrupt."""
        proxy = Proxy(self.srv.port, watch=clock.passed)
        proxy.rates[UP] = 400_000
        return proxy

    def assertNothingStaged(self):
        self.assertEqual(chaos.files(self.path('server', 'staging', '')), [])
        self.assertEqual(self.srv.ask('status')['staged_bytes'], 0)


class Pause(OrdersCase):
    def test_in_the_middle_of_an_upload(self):
        """Updates under way still come in, and count; nothing new begins before it is resumed."""
        proxy, clients = self.held_upload()
        self.srv.ask('pause', 'job')
        self.assertEqual(self.srv.show('job')['state'], 'paused')
        proxy.release()
        clients[0].daemon.wait_log('task 1: accepted')
        self.srv.daemon.wait_log('committed version 1')
        shown = self.srv.show('job')
        self.assertEqual((shown['state'], shown['version'], shown['phase']), ('paused', 1, 'idle'))
        self.assertIn('paused', self.srv.cli('why', 'job').out)
        self.srv.ask('resume', 'job')
        self.assertAsUndisturbed(self.srv)
        self.assertTrained(clients)

    def test_survives_a_crash_in_the_middle_of_an_upload(self):
        proxy, clients = self.held_upload()
        self.srv.ask('pause', 'job')
        self.srv.kill9()
        proxy.release()
        self.srv.start()
        self.srv.daemon.wait_log('client site0 connected', count=2)
        shown = self.srv.wait_for('job', lambda shown: shown.get('version') == 1)
        self.assertEqual(shown['state'], 'paused')
        self.srv.ask('resume', 'job')
        self.assertAsUndisturbed(self.srv)
        self.assertTrained(clients)

    def test_while_clients_train_or_come_and_go(self):
        proxy, clients = self.training()
        self.srv.ask('pause', 'job')
        clients[0].kill9()
        since = clients[0].start()
        clients[0].daemon.wait_log('rows to train on', since)
        proxy.release()
        clients[1].daemon.wait_log('task 1: accepted')
        self.srv.ask('resume', 'job')
        self.assertAsUndisturbed(self.srv)
        self.assertTrained(clients, site0={1: 2})  # where it had not ended when it was killed

    def test_again_and_again_at_random_moments(self):
        source = random.Random(11)
        clock = chaos.Clock()
        self.srv.daemon.listen(clock.tick)
        proxies = [self.slow_line(clock) for _ in range(2)]
        clients = [self.site(self.srv, number, through=proxy).start_connected()
                   for number, proxy in enumerate(proxies)]
        self.submit(self.srv)
        orders = 0
        while clock.wait(source.randint(1, 8), lambda: self.srv.daemon.count('job job: finished')):
            for order in ('pause', 'resume'):
                orders += self.srv.cli(order, 'job').status == 0
        self.assertGreater(orders, 5)
        self.assertAsUndisturbed(self.srv)
        self.assertTrained(clients)

    def test_of_one_job_does_not_touch_another(self):
        proxy, clients = self.held_upload()
        self.srv.ask('pause', 'job')
        proxy.release()
        self.srv.submit(jobs.squares('other', side=SIDE, classes=CLASSES, rounds=2, clients=2))
        self.srv.wait_finished('other')
        self.assertEqual(self.srv.show('job')['state'], 'paused')
        self.srv.ask('resume', 'job')
        self.assertAsUndisturbed(self.srv)
        self.assertTrained(clients)


class Cancel(OrdersCase):
    def test_in_the_middle_of_an_upload(self):
        """Who uploads is told at once, and stops: the rest of the update is never sent."""
        proxy, clients = self.held_upload()
        self.srv.ask('cancel', 'job')
        self.assertEqual(self.srv.show('job')['state'], 'cancelled')
        for client in clients:
            client.daemon.wait_log('job job has ended')
        clients[0].daemon.wait_log('task 1: discarded')  # the line to the client is still held upwards
        proxy.release()
        self.assertNothingLeft(clients)
        self.assertLess(proxy.totals[UP], 1.2 * MODEL_BYTES)

    def test_of_a_large_upload_stops_it(self):
        proxy = Proxy(self.srv.port)
        proxy.rates[UP] = 1e6
        client = self.site(self.srv, 0, through=proxy).start_connected()
        size = 20_000_000
        job = jobs.squares('large', side=SIDE, hidden=[size // 4 // (SIDE ** 2 + 5)], rounds=1, clients=1)
        job['training']['batch_size'] = 1000
        self.srv.submit(job)
        clock = chaos.Clock()
        proxy.watch = clock.passed
        client.daemon.wait_log('bytes to send')
        clock.wait(50, lambda: False)
        self.srv.ask('cancel', 'large')
        client.daemon.wait_log('task 1: discarded')
        self.assertNothingLeft([client])
        self.assertLess(proxy.taken[UP], size / 2, 'the upload went on')

    def test_while_they_train(self):
        proxy, clients = self.training()
        self.srv.ask('cancel', 'job')
        for client in clients:
            client.daemon.wait_log('job job has ended')
        proxy.release()
        self.assertEqual(self.srv.show('job')['state'], 'cancelled')
        self.assertNothingLeft(clients)

    def test_while_a_client_is_away(self):
        proxy, clients = self.held_upload()
        clients[0].kill9()
        self.srv.ask('cancel', 'job')
        self.srv.kill9()
        self.srv.start()
        proxy.release()
        since = clients[0].start()
        clients[0].daemon.wait_log('task 1: discarded', since)
        self.assertEqual(self.srv.show('job')['state'], 'cancelled')
        self.assertNothingLeft(clients)

    def assertNothingLeft(self, clients):
        """No update of the job is kept anywhere, and another job runs."""
        self.srv.submit(jobs.squares('next', side=SIDE, classes=CLASSES, rounds=1, clients=len(clients)))
        self.srv.wait_finished('next')
        self.assertNothingStaged()
        for client in clients:
            self.assertEqual(client.ask('status')['outbox'], [], client.daemon.tail())


class Drain(OrdersCase):
    def test_that_takes_too_long_loses_nothing(self):
        """SIGTERM in the middle of an upload that does not go on: the daemon ends after drain_s; after its restart the
        upload goes on where it was."""
        self.srv.kill9()
        harness.edit_json(self.srv.config, {'drain_s': 1})
        self.srv.start()
        proxy, clients = self.held_upload()
        self.srv.daemon.signal(signal.SIGTERM)
        self.assertEqual(self.srv.daemon.wait_exit(), 0)
        self.assertEqual(self.srv.daemon.count('committed version 1'), 0)
        proxy.release()
        self.srv.start()
        self.assertAsUndisturbed(self.srv)
        self.assertTrained(clients)
        self.assertLess(proxy.totals[UP], ROUNDS * MODEL_BYTES + IN_THE_UPLOAD / 2)

    def test_again_and_again_at_random_moments(self):
        source = random.Random(12)
        clock = chaos.Clock()
        self.srv.daemon.listen(clock.tick)
        proxies = [self.slow_line(clock) for _ in range(2)]
        clients = [self.site(self.srv, number, through=proxy).start_connected()
                   for number, proxy in enumerate(proxies)]
        self.submit(self.srv)
        drains = 0
        while clock.wait(source.randint(1, 25), lambda: self.srv.daemon.count('job job: finished')):
            self.assertEqual(self.srv.daemon.terminate(), 0, self.srv.daemon.tail())
            self.srv.start()
            drains += 1
        self.assertGreater(drains, 2)
        self.assertAsUndisturbed(self.srv)
        self.assertTrained(clients)

    def test_of_a_paused_job_does_not_wait_for_it(self):
        proxy, clients = self.held_upload()
        self.srv.ask('pause', 'job')
        self.srv.wait_for('job', lambda shown: shown['state'] == 'paused')
        proxy.release()
        self.srv.daemon.wait_log('committed version 1')
        self.srv.ask('drain')
        self.assertEqual(self.srv.daemon.wait_exit(), 0)
        self.srv.start()
        self.assertEqual(self.srv.wait_for('job', lambda shown: 'version' in shown)['state'], 'paused')
        self.srv.ask('resume', 'job')
        self.assertAsUndisturbed(self.srv)
        self.assertTrained(clients, site0={2: 2, 3: 2}, site1={2: 2, 3: 2})


class Sharing(OrdersCase):
    def job(self, name, seed):
        job = jobs.squares(name, side=SIDE, hidden=[HIDDEN], classes=CLASSES, rounds=ROUNDS, clients=2, seed=seed)
        job['rounds']['seconds'] = {'max': 60, 'select': 30}
        return job

    def tensors(self, server, name):
        server.wait_finished(name)
        return datasets.tensor_bytes(server.export(name, f'{name}.safetensors'))

    def test_two_jobs_take_turns_and_each_ends_as_if_it_were_alone(self):
        alone = {}
        for number, name in enumerate(('first', 'second')):
            server = self.server(name=f'alone-{name}')
            for site in range(2):
                self.site(server, site, f'alone-{name}-').start_connected()
            server.submit(self.job(name, number + 1))
            alone[name] = self.tensors(server, name)
        # Both jobs wait for the sites: neither can be over before the other one begins.
        clients = [self.site(self.srv, number) for number in range(2)]
        for number, name in enumerate(alone):
            self.srv.submit(self.job(name, number + 1))
        for client in clients:
            client.start()
        for name, tensors in alone.items():
            self.assertEqual(self.tensors(self.srv, name), tensors)
        committed = [line.split(' job ')[1].split()[0] for line in self.srv.daemon.lines if 'committed version' in line]
        for name in alone:
            between = committed[committed.index(name):]
            self.assertNotEqual(between[:ROUNDS], [name] * ROUNDS, f'no turns were taken: {committed}')
        for client in clients:
            for name in alone:
                for number in range(1, ROUNDS + 1):
                    self.assertEqual(client.trainings(name, number), 1, client.daemon.tail())


if __name__ == '__main__':
    harness.main()
