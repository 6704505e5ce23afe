#!/usr/bin/python3
"""`fedserver privacy plan`, typed as an operator would: the figures that others publish for the same questions."""

import json

import harness


def plan(*arguments):
    done = harness.fedserver('privacy', 'plan', '--json', *arguments)
    assert done.status == 0, done.err
    return json.loads(done.out)


class Plan(harness.TestCase):
    def test_what_a_noise_promises(self):
        # Poisson-sampled Gaussian, epsilon of Opacus and of TensorFlow Privacy.
        for rate, noise, rounds, delta, epsilon in ((0.04, 1.5, 2250, 1e-5, 7.32911117143),
                                                    (150 / 60000, 1.3, 6000, 1e-5, 0.7242234026),
                                                    (0.001, 1, 30000, 1e-7, 1.4154988495)):
            found = plan('--sampling-rate', repr(rate), '--noise-multiplier', str(noise), '--rounds', str(rounds), '--delta',
                         str(delta))
            self.assertAlmostEqual(found['epsilon'], epsilon, places=6)

    def test_what_a_promise_needs(self):
        asked = ('--sampling-rate', '0.04', '--epsilon', '8')
        found = plan(*asked, '--rounds', '2250')
        self.assertAlmostEqual(found['noise_multiplier'], 1.416, places=3)
        self.assertLessEqual(found['epsilon'], 8)
        # As many rounds as that noise allows, and not one more.
        noise = repr(found['noise_multiplier'])
        self.assertEqual(plan(*asked, '--noise-multiplier', noise)['rounds'], 2250)

    def test_one_laplace_release(self):
        # Its epsilon is 1 / multiplier, with no delta at all; accounting by Renyi costs adds up to 0.01.
        found = plan('--mechanism', 'local_laplace', '--noise-multiplier', '1', '--rounds', '1', '--delta', '1e-8')
        self.assertGreater(found['epsilon'], 1 - 1e-6)
        self.assertLess(found['epsilon'], 1.01)
        self.assertIn('nobody but the client is trusted', found['adversary'])

    def test_text_says_for_whom_and_against_whom(self):
        done = harness.fedserver('privacy', 'plan', '--noise-multiplier', '1.5', '--sampling-rate', '0.04', '--rounds', '2250')
        self.assertEqual(done.status, 0)
        self.assertIn('epsilon           7.32911 at delta 1e-05', done.out)
        self.assertIn('one client added or removed', done.out)

    def test_questions_without_an_answer(self):
        for arguments, *parts in (
                ((), 'two of noise multiplier, epsilon and rounds'),
                (('--epsilon', '1', '--rounds', '-3'), '--rounds is -3'),
                (('--epsilon', '0', '--rounds', '3'), 'epsilon'),
                (('--epsilon', '1', '--rounds', '3', '--delta', '2'), 'delta'),
                (('--mechanism', 'gauss', '--epsilon', '1', '--rounds', '3'), '--mechanism gauss', 'local_laplace'),
                (('--mechanism', 'distributed_gaussian', '--epsilon', '1', '--rounds', '3'), '--survivors-min'),
                (('--parameters', '9', '--epsilon', '1', '--rounds', '3'), '--parameters', 'distributed_gaussian only'),
                (('--epsilon', '0.5', '--noise-multiplier', '0.1'), 'one round', 'costs more')):
            self.assertFails(harness.fedserver('privacy', 'plan', *arguments), 2, *parts)
        self.assertFails(harness.fedserver('privacy', 'guess'), 2, 'plan')


if __name__ == '__main__':
    harness.main()
