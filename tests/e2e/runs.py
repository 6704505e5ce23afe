"""A run of two clients with updates large enough to be interrupted, and the bytes that it has to end with."""

import datasets
import harness
import jobs

SIDE, HIDDEN, CLASSES, ROUNDS = 16, 220, 4, 3
MODEL_BYTES = 4 * (HIDDEN * (SIDE * SIDE + 1) + CLASSES * (HIDDEN + 1))  # 229,696: several records, never inline
IN_THE_UPLOAD = 200_000  # bytes from a client: past every small message, late in the first update
IN_THE_DOWNLOAD = 200_000  # bytes to a client: late in the first model


class RunCase(harness.TestCase):
    """Two clients, both needed in each of three rounds of the job "job"."""

    undisturbed = None  # the tensors of the run that nothing happens to; computed once a process

    def setUp(self):
        super().setUp()
        self.proxies = []
        if RunCase.undisturbed is None:
            server = self.server(name='reference')
            for number in range(2):
                self.site(server, number, 'reference-').start_connected()
            self.submit(server)
            server.wait_finished('job')
            RunCase.undisturbed = datasets.tensor_bytes(server.export('job', 'final.safetensors'))

    def tearDown(self):
        for proxy in self.proxies:
            proxy.close()
        super().tearDown()

    def site(self, server, number, folder='', through=None):
        """Has joined, does not run yet."""
        images, labels = self.path(f'images{number}'), self.path(f'labels{number}')
        datasets.images(images, labels, count=120 + 40 * number, side=SIDE, classes=CLASSES, seed=number)
        data = {'format': 'idx', 'images': images, 'labels': labels}
        client = harness.Client(self.path(folder, ''), server, f'site{number}', data)
        self.daemons.append(client.daemon)
        if through is not None:
            self.proxies.append(through)
            harness.edit_json(client.config, {'server': through.address})
        return client

    def submit(self, server):
        job = jobs.squares('job', side=SIDE, hidden=[HIDDEN], classes=CLASSES, rounds=ROUNDS, clients=2)
        job['rounds']['seconds'] = {'max': 60, 'select': 30}
        server.submit(job)

    def assertAsUndisturbed(self, server, timeout=harness.DEADLINE_S):
        shown = server.wait_finished('job', timeout)
        self.assertEqual(shown['version'], ROUNDS)
        self.assertEqual([row['round'] for row in shown['rounds'] if row['state'] == 'committed'],
                         list(range(1, ROUNDS + 1)))
        exported = datasets.tensor_bytes(server.export('job', 'final.safetensors'))
        self.assertEqual(set(exported), set(self.undisturbed))
        for name, content in exported.items():
            self.assertTrue(content == self.undisturbed[name],
                            f'{name} differs from the undisturbed run\n{server.daemon.tail()}')

    def assertTrained(self, clients, **more):
        """Once in each round, but for `more`: {'site0': {round: the most}}."""
        for client in clients:
            for number in range(1, ROUNDS + 1):
                most = more.get(client.name, {}).get(number, 1)
                times = client.trainings('job', number)
                self.assertTrue(1 <= times <= most, f'{client.name} trained {times} times in round {number}, '
                                f'at most {most} is explained\n{client.daemon.tail()}')
