#!/usr/bin/python3
"""Whole runs of real programs, from an empty folder to an exported model, and the numbers worked out again here."""

import csv
import json
import os

import numpy

import datasets
import harness
import jobs


def rounds_of(shown):
    return [row for row in shown['rounds'] if row['round'] > 0]


class Tables(harness.TestCase):
    """Three clients with tables of different size; columns with gaps and a category."""

    SIZES = (60, 90, 150)

    def setUp(self):
        super().setUp()
        self.srv = self.server()
        self.tables = [datasets.table(size, seed) for seed, size in enumerate(self.SIZES)]

    def sites(self, label, **section):
        clients = []
        for number, rows in enumerate(self.tables):
            path = datasets.write_table(self.path(f'site{number}.csv'), rows)
            data = {'format': 'csv', 'path': path, 'label': label, **section}
            clients.append(self.client(self.srv, f'site{number}', data))
        return clients

    def test_softmax_with_federated_scaling(self):
        self.sites('colour', test_fraction=0)
        self.srv.submit(jobs.colours('colours'))
        shown = self.srv.wait_finished('colours')
        metadata, tensors = datasets.read_safetensors(self.srv.export('colours', 'm.safetensors'))

        self.assertEqual([row['round'] for row in shown['rounds']], [0, 1, 2, 3, 4, 5])
        self.assertEqual({row['state'] for row in shown['rounds']}, {'committed'})
        rows = [row for table in self.tables for row in table]
        columns = [numpy.array([row[i] for row in rows if row[i] is not None]) for i in (0, 1)]
        scaling = json.loads(metadata['statistics'])
        numpy.testing.assert_allclose(scaling['means'], [c.mean() for c in columns], rtol=1e-9)
        numpy.testing.assert_allclose(scaling['deviations'], [c.std() for c in columns], rtol=1e-7)
        self.assertEqual(tensors['layers.0.weight'].shape, (3, 5))
        self.assertEqual(metadata['version'], '5')
        contributions = json.loads(metadata['contributions'])
        self.assertEqual({c['client']: c['examples'] for c in contributions},
                         {f'site{i}': size for i, size in enumerate(self.SIZES)})

    def test_the_metrics_are_those_of_the_model(self):
        """The server's evaluation of the last version, and fedclient's, against numpy's."""
        test_rows = datasets.table(200, 99)
        test_path = datasets.write_table(self.path('central.csv'), test_rows)
        clients = self.sites('colour')
        job = jobs.colours('judged')
        job['evaluation'] = {'data': {'format': 'csv', 'path': test_path}}
        self.srv.submit(job)
        shown = self.srv.wait_finished('judged')
        model = self.srv.export('judged', 'm.safetensors')

        scores = self.scores(model, test_rows)
        labels = numpy.array([datasets.CLASSES.index(row[3]) for row in test_rows])
        probabilities = numpy.exp(scores) / numpy.exp(scores).sum(axis=1, keepdims=True)
        loss = -numpy.log(probabilities[numpy.arange(len(labels)), labels]).mean()
        accuracy = (scores.argmax(axis=1) == labels).mean()
        self.assertGreater(accuracy, 0.85)
        at_server = rounds_of(shown)[-1]['metrics']['server']
        self.assertAlmostEqual(at_server['loss'], loss, places=5)
        self.assertAlmostEqual(at_server['accuracy'], accuracy, places=9)

        harness.edit_json(clients[0].config, {'data': {'path': test_path}})
        judged = clients[0].ask('evaluate', '--model', model, '--all')
        self.assertEqual(judged['examples'], 200)
        self.assertAlmostEqual(judged['loss'], loss, places=5)
        self.assertAlmostEqual(judged['accuracy'], accuracy, places=9)

        output = self.path('predicted.csv')
        done = harness.fedclient('predict', '--model', model, '--input', test_path, '--output', output)
        self.assertEqual(done.status, 0, done)
        with open(output, encoding='utf-8') as file:
            predicted = list(csv.DictReader(file))
        self.assertEqual([row['predicted'] for row in predicted],
                         [datasets.CLASSES[i] for i in scores.argmax(axis=1)])
        told = [[float(row[f'probability_{name}']) for name in datasets.CLASSES] for row in predicted]
        numpy.testing.assert_allclose(told, probabilities, atol=1e-5)

    def scores(self, model, rows):
        """The exported softmax regression on these rows: gaps are the mean, categories one-hot."""
        metadata, tensors = datasets.read_safetensors(model)
        scaling = json.loads(metadata['statistics'])
        features = numpy.zeros((len(rows), 5))
        for number, row in enumerate(rows):
            for column in (0, 1):
                if row[column] is not None:
                    centred = row[column] - scaling['means'][column]
                    features[number, column] = centred / scaling['deviations'][column]
            features[number, 2 + datasets.KINDS.index(row[2])] = 1
        return features @ tensors['layers.0.weight'].T.astype(float) + tensors['layers.0.bias']

    def test_linear_regression(self):
        self.sites('length')
        self.srv.submit(jobs.lengths('lengths'))
        shown = self.srv.wait_finished('lengths')
        last = rounds_of(shown)[-1]['metrics']['clients']
        for metric in ('loss', 'rmse', 'mae', 'r2'):
            self.assertIn(metric, last)
        self.assertGreater(last['r2'], 0.6)
        self.assertAlmostEqual(last['rmse'] ** 2, last['loss'], delta=0.2 * last['loss'])
        self.assertEqual(shown['metric'], 'rmse')

    def test_logistic_regression_with_its_area_under_the_curve(self):
        for table in self.tables:
            table[:] = [row for row in table if row[3] != 'green']
        self.sites('colour')
        job = jobs.colours('binary')
        job['model'] = {'type': 'logistic'}
        job['inputs']['label']['classes'] = ['red', 'blue']
        job['evaluation'] = {'metric': 'auc'}
        self.srv.submit(job)
        shown = self.srv.wait_finished('binary')
        last = rounds_of(shown)[-1]['metrics']['clients']
        self.assertGreater(last['auc'], 0.95)
        self.assertGreater(last['accuracy'], 0.85)
        self.assertEqual(shown['metric'], 'auc')

    def test_the_same_run_again_gives_the_same_bytes(self):
        self.sites('colour')
        exports = []
        for name in ('first', 'second'):
            self.srv.submit(jobs.colours(name))
            self.srv.wait_finished(name)
            exports.append(datasets.tensor_bytes(self.srv.export(name, f'{name}.safetensors')))
        self.assertEqual(exports[0], exports[1])

    def test_a_target_ends_the_job(self):
        self.sites('colour')
        job = jobs.colours('target', rounds=50)
        job['evaluation'] = {'metric': 'accuracy', 'target': 0.7}
        self.srv.submit(job)
        shown = self.srv.wait_finished('target')
        self.assertLess(shown['version'], 50)
        self.assertGreaterEqual(shown['best']['value'], 0.7)
        self.assertIn('target', shown['detail'])

    def test_patience_ends_the_job_and_the_best_model_is_kept(self):
        self.sites('colour')
        job = jobs.colours('patience', rounds=200)
        job['evaluation'] = {'metric': 'accuracy', 'patience': 3}
        self.srv.submit(job)
        shown = self.srv.wait_finished('patience')
        self.assertLess(shown['version'], 200)
        self.assertIn('patience', shown['detail'])
        self.assertLess(shown['best']['round'], shown['version'])
        best, _ = datasets.read_safetensors(self.srv.export('patience', 'best.safetensors', '--best'))
        last, _ = datasets.read_safetensors(self.srv.export('patience', 'last.safetensors'))
        self.assertEqual(best['version'], str(shown['best']['round']))
        self.assertEqual(last['version'], str(shown['version']))

    def test_npz_is_the_same_model(self):
        self.sites('colour')
        self.srv.submit(jobs.colours('both', rounds=1))
        self.srv.wait_finished('both')
        _, tensors = datasets.read_safetensors(self.srv.export('both', 'm.safetensors'))
        with numpy.load(self.srv.export('both', 'm.npz'), allow_pickle=False) as npz:
            self.assertEqual(set(npz.files), set(tensors))
            for name in npz.files:
                numpy.testing.assert_array_equal(npz[name], tensors[name])

    def test_what_the_client_says_about_itself(self):
        client = self.sites('colour')[0]
        checked = client.ask('check')
        self.assertEqual(checked['rows'], self.SIZES[0])
        columns = {column['name']: column for column in checked['columns']}
        self.assertEqual(columns['x']['missing'], sum(row[0] is None for row in self.tables[0]))
        colours = [row[3] for row in self.tables[0]]
        self.assertEqual(checked['classes'], {name: colours.count(name) for name in datasets.CLASSES})
        self.assertIn('never leaves', client.cli('check').out)
        job = self.path('job.json')
        harness.write_json(job, jobs.colours('colours'))
        self.assertEqual(client.ask('check', '--job', job)['job']['inputs'], 5)

        self.srv.submit(jobs.colours('colours', rounds=2))
        self.srv.wait_finished('colours')
        client.daemon.wait_log('job colours has ended')
        told = client.ask('status')
        self.assertEqual(told['connection'], 'connected')
        self.assertEqual(told['last_answer']['outcome'], 'accepted')
        self.assertEqual(told['last_answer']['task'], 2)
        self.assertEqual(told['outbox'], [])
        self.assertEqual(client.daemon.terminate(), 0)
        self.assertIn('not running', client.cli('status').out)

    def test_once_ends_with_the_job(self):
        clients = self.sites('colour')
        self.assertEqual(clients[0].daemon.terminate(), 0)
        clients[0].daemon.wait_log('connected to', clients[0].start('--once'))
        self.srv.submit(jobs.colours('once', rounds=2))
        self.srv.wait_finished('once')
        self.assertEqual(clients[0].daemon.wait_exit(), 0)


class Arithmetic(harness.TestCase):
    """One round of linear models, from the exported version 1 to version 2, by numpy from the clients' files."""

    INPUTS = 4
    ROWS = (20, 50, 90)
    RATE = 0.1

    def setUp(self):
        super().setUp()
        self.srv = self.server()
        self.data = []
        for number, rows in enumerate(self.ROWS):
            path = self.path(f'{number}.csv')
            self.data.append(datasets.plain_table(path, rows, self.INPUTS, seed=number))
            section = {'format': 'csv', 'path': path, 'label': 'target', 'test_fraction': 0}
            self.client(self.srv, f'site{number}', section)

    def versions(self, name, **sections):
        """Checkpoints 1 and 2 of the same run, with the optimizer's moments."""
        found = []
        for rounds in (1, 2):
            job = jobs.plain(f'{name}{rounds}', self.INPUTS, rounds, learning_rate=self.RATE)
            job.update(json.loads(json.dumps(sections)))
            self.srv.submit(job)
            self.srv.wait_finished(job['name'])
            path = os.path.join(self.srv.folder, 'checkpoints', job['name'], f'{rounds}.safetensors')
            found.append({key: value.astype(float) for key, value in datasets.read_safetensors(path)[1].items()})
        return found

    def gradients(self, version):
        """Of the mean squared error at every client, as [weights..., bias]."""
        result = []
        for features, labels in self.data:
            error = features @ version['layers.0.weight'][0] + version['layers.0.bias'][0] - labels
            result.append(numpy.append(2 * features.T @ error, 2 * error.sum()) / len(labels))
        return result

    @staticmethod
    def flat(version):
        return numpy.append(version['layers.0.weight'][0], version['layers.0.bias'])

    def mean_delta(self, version, weights):
        deltas = [-self.RATE * gradient for gradient in self.gradients(version)]
        return numpy.average(deltas, axis=0, weights=weights)

    def assertClose(self, version, expected):
        numpy.testing.assert_allclose(self.flat(version), expected, rtol=0, atol=1e-5)

    def test_federated_averaging_weighs_by_examples(self):
        one, two = self.versions('avg')
        self.assertClose(two, self.flat(one) + self.mean_delta(one, self.ROWS))
        uniform = self.flat(one) + self.mean_delta(one, None)
        self.assertGreater(abs(self.flat(two) - uniform).max(), 1e-3, 'the weights made no difference')

    def test_uniform_weighting(self):
        one, two = self.versions('uniform', aggregation={'weighting': 'uniform'})
        self.assertClose(two, self.flat(one) + self.mean_delta(one, None))

    def test_fedsgd_steps_against_the_mean_gradient(self):
        one, two = self.versions('fedsgd', training={'update': 'gradient'}, aggregation={
            'server_optimizer': {'type': 'sgd', 'learning_rate': 0.2}})
        gradient = numpy.average(self.gradients(one), axis=0, weights=self.ROWS)
        self.assertClose(two, self.flat(one) - 0.2 * gradient)

    def test_server_momentum(self):
        one, two = self.versions('momentum', aggregation={
            'server_optimizer': {'type': 'sgd', 'learning_rate': 0.7, 'momentum': 0.9}})
        moment = 0.9 * one['optimizer.m'] + self.mean_delta(one, self.ROWS)
        self.assertClose(two, self.flat(one) + 0.7 * moment)

    def check_adaptive(self, kind, second, beta1=0.9):
        """Reddi et al. 2020, algorithm 2, with the paper's line for v as `second(v, squared delta)`."""
        settings = {'type': kind, 'learning_rate': 0.05, 'epsilon': 0.01, 'beta1': beta1}
        one, two = self.versions(kind, aggregation={'server_optimizer': settings})
        delta = self.mean_delta(one, self.ROWS)
        m = beta1 * one['optimizer.m'] + (1 - beta1) * delta
        v = second(one['optimizer.v'], delta ** 2)
        self.assertClose(two, self.flat(one) + 0.05 * m / (numpy.sqrt(v) + 0.01))

    def test_adam(self):
        self.check_adaptive('adam', lambda v, square: 0.99 * v + 0.01 * square)

    def test_yogi(self):
        self.check_adaptive('yogi', lambda v, square: v - 0.01 * square * numpy.sign(v - square))

    def test_adagrad(self):
        self.check_adaptive('adagrad', lambda v, square: v + square, beta1=0)


class Images(harness.TestCase):
    def test_a_perceptron_on_idx_files_cut_by_fedclient_split(self):
        images, labels = self.path('train-images-idx3-ubyte'), self.path('train-labels-idx1-ubyte')
        datasets.images(images, labels, count=600, side=8, classes=4, seed=5)
        done = harness.fedclient('split', '--scheme', 'dirichlet:1', '--clients', '3', '--seed', '3', '--format',
                                 'idx', '--images', images, '--labels', labels, '--output', self.path('parts', ''),
                                 '--json')
        self.assertEqual(done.status, 0, done)
        parts = json.loads(done.out)['clients']
        self.assertEqual(sum(part['rows'] for part in parts), 600)
        server = self.server()
        for number, part in enumerate(parts):
            files = {kind: os.path.join(part['folder'], name) for name in os.listdir(part['folder'])
                     for kind in ('images', 'labels') if f'-{kind}-' in name}
            client = self.client(server, f'site{number}', {'format': 'idx', **files})
        server.submit(jobs.squares('squares', rounds=6))
        shown = server.wait_finished('squares', timeout=120)
        self.assertGreater(shown['best']['value'], 0.9)
        model = server.export('squares', 'm.safetensors')
        judged = client.ask('evaluate', '--model', model)
        self.assertGreater(judged['accuracy'], 0.9)
        _, tensors = datasets.read_safetensors(model)
        self.assertEqual({name: tensor.shape for name, tensor in tensors.items()},
                         {'layers.0.weight': (16, 64), 'layers.0.bias': (16,),
                          'layers.1.weight': (4, 16), 'layers.1.bias': (4,)})


if __name__ == '__main__':
    harness.main()
