#!/usr/bin/python3
"""Secure aggregation between real processes: the model is that of the sum, whoever drops out, and the server never sees an
update of one site."""

import os

import numpy

import datasets
import harness
import jobs

INPUTS = 200


def secret(name, rounds=2, sites=4, least=3, **sections):
    job = jobs.plain(name, INPUTS, rounds=rounds, clients=sites, learning_rate=0.001)
    job['rounds']['contributions'] = {'min': least, 'goal': sites}
    job['quantisation'] = {'clipping_norm': 100, 'steps': 1 << 24, 'weight_max': 64}
    job['secure_aggregation'] = {}
    return {**job, **sections}


class Secure(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.srv = self.server()
        self.sites = []
        for number in range(4):
            path = self.path(f'site{number}.csv')
            datasets.plain_table(path, 5 + number, INPUTS, seed=number)
            self.sites.append(self.client(self.srv, f'site{number}', {'format': 'csv', 'path': path, 'label': 'target',
                                                                      'test_fraction': 0.2}))

    def weights(self, name):
        _, tensors = datasets.read_safetensors(self.srv.export(name, f'{name}.safetensors'))
        return numpy.concatenate([tensors[each].ravel() for each in sorted(tensors)]).astype(float)

    def test_the_model_is_that_of_the_sum(self):
        job = secret('secret')
        self.srv.submit(job)
        self.srv.wait_finished('secret')
        plain = {**job, 'name': 'plain'}
        del plain['quantisation'], plain['secure_aggregation']
        self.srv.submit(plain)
        self.srv.wait_finished('plain')
        moved = self.weights('plain')
        self.assertGreater(numpy.linalg.norm(moved), 0.01)
        # The grid has steps of 100 / 2^24.
        self.assertLess(abs(self.weights('secret') - moved).max(), 1e-4)


if __name__ == '__main__':
    harness.main()
