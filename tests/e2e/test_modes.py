"""Rounds of every kind with the real programs: over-selected, asynchronous, buffered, in a seeded order."""

import datasets
import harness
import jobs

SIDE, CLASSES, SITES = 8, 4, 4


class Modes(harness.TestCase):
    def run_job(self, name, rounds=8, training=None, aggregation=None, **changes):
        """The server after the job has finished, what it shows, and the sites."""
        server = self.server(name=name)
        sites = []
        for number in range(SITES):
            images, labels = self.path(f'{name}-images{number}'), self.path(f'{name}-labels{number}')
            datasets.images(images, labels, count=60 + 40 * number, side=SIDE, classes=CLASSES, seed=number)
            data = {'format': 'idx', 'images': images, 'labels': labels}
            site = harness.Client(self.path(name, ''), server, f'site{number}', data)
            self.daemons.append(site.daemon)
            site.start_connected()
            sites.append(site)
        job = jobs.squares('job', side=SIDE, classes=CLASSES, rounds=rounds, clients=SITES)
        job['rounds'].update(changes)
        job['training'].update(training or {})
        job['aggregation'] = aggregation or {}
        server.submit(job)
        return server, server.wait_finished('job'), sites

    def assertLearned(self, shown, rounds):
        self.assertEqual(shown['version'], rounds)
        metrics = [row['metrics']['clients'] for row in shown['rounds'] if row['state'] == 'committed']
        self.assertLess(metrics[-1]['loss'], metrics[0]['loss'])

    def test_buffered(self):
        _, shown, _ = self.run_job('fedbuff', rounds=10, contributions={'goal': 3}, staleness={'max': 5},
                                   aggregation={'weighting': 'uniform'})
        self.assertLearned(shown, 10)
        self.assertEqual({row['accepted'] for row in shown['rounds'] if row['state'] == 'committed'}, {3})

    def test_asynchronous(self):
        mixing = {'weighting': 'uniform', 'server_optimizer': {'type': 'sgd', 'learning_rate': 0.6}}
        _, shown, _ = self.run_job('fedasync', rounds=20, contributions={'goal': 1}, training={'update': 'weights'},
                                   staleness={'max': 5, 'weight': 'hinge'}, aggregation=mixing)
        self.assertLearned(shown, 20)

    def test_a_seeded_order_gives_the_same_bytes(self):
        results = []
        for name in ('first', 'second'):
            server, shown, _ = self.run_job(name, contributions={'goal': 2}, staleness={'max': 8}, order='seeded')
            self.assertLearned(shown, 8)
            results.append(datasets.tensor_bytes(server.export('job', f'{name}.safetensors')))
        self.assertEqual(results[0], results[1])

    def test_over_selected(self):
        """Three of four are enough. Whoever was too late hears it, and waits for a round."""
        _, shown, sites = self.run_job('over', contributions={'min': 3, 'goal': 3})
        self.assertLearned(shown, 8)
        self.assertEqual({row['accepted'] for row in shown['rounds'] if row['state'] == 'committed'}, {3})
        asked = sum(site.trainings('job', number) for site in sites for number in range(1, 9))
        self.assertLessEqual(asked, 8 * SITES)


if __name__ == '__main__':
    harness.main()
