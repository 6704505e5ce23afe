#!/usr/bin/python3
"""`fedserver replay JOB ROUND` makes a round's model again from what was kept, compares every byte, and finds what was
tampered with. In synchronous rounds and in asynchronous ones, whose updates come from older versions."""

import os
import shutil

import chaos
import harness
import jobs
from runs import CLASSES, SIDE, RunCase

KEPT = 3


class Replay(RunCase):
    def setUp(self):
        harness.TestCase.setUp(self)
        self.proxies = []
        self.srv = self.server()

    def run_job(self, rounds=5, **changes):
        for number in range(2):
            self.site(self.srv, number).start_connected()
        job = jobs.squares('job', side=SIDE, classes=CLASSES, rounds=rounds, clients=2)
        job['aggregation'] = {'server_optimizer': {'type': 'adam', 'learning_rate': 0.05}}
        job['keep'] = {'rounds': KEPT}
        job['rounds'].update(changes)
        self.srv.submit(job)
        self.srv.wait_finished('job')

    def kept(self, round_number):
        folder = os.path.join(self.srv.folder, 'kept', 'job', str(round_number))
        return sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith('.update'))

    def checkpoint(self, version):
        return os.path.join(self.srv.folder, 'checkpoints', 'job', f'{version}.safetensors')

    @staticmethod
    def flip(path, offset):
        with open(path, 'r+b') as file:
            file.seek(offset, os.SEEK_END if offset < 0 else os.SEEK_SET)
            (byte,) = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte ^ 1]))

    def assertAgrees(self, round_number, updates=2):
        done = self.srv.cli('replay', 'job', str(round_number))
        self.assertEqual(done.status, 0, done)
        self.assertIn('every byte agrees', done.out)
        answer = self.srv.ask('replay', 'job', str(round_number))
        self.assertTrue(answer['agrees'])
        self.assertEqual(answer['contributions'], updates)
        self.assertEqual(answer['bytes'], 3 * os.path.getsize(self.kept(round_number)[0]))  # weights, m and v

    def assertDisagrees(self, round_number, *words):
        done = self.srv.cli('replay', 'job', str(round_number))
        self.assertEqual(done.status, 1, done)
        for word in words:
            self.assertIn(word, done.out)
        self.assertEqual(self.srv.cli('replay', 'job', str(round_number), '--json').status, 1)

    def test_the_last_rounds_are_made_again(self):
        self.run_job()
        for number in (3, 4, 5):
            self.assertAgrees(number)
        for number in (1, 2):  # kept only as long as the job file says
            self.assertFails(self.srv.cli('replay', 'job', str(number)), 1, 'keep')
        self.assertEqual(os.listdir(os.path.join(self.srv.folder, 'staging')), [])
        self.srv.kill9()
        self.srv.start()
        self.srv.wait_for('job', lambda shown: 'version' in shown)
        self.assertAgrees(4)

    def test_the_first_round_begins_from_the_seed(self):
        self.run_job(rounds=2)
        self.assertAgrees(1)

    def test_a_tampered_update_is_named(self):
        self.run_job()
        self.flip(self.kept(4)[1], -2)  # of an output's bias, which is never 0
        self.assertDisagrees(4, 'does NOT agree', 'has been changed', 'of site1', 'bytes differ')
        self.assertAgrees(5)
        os.remove(self.kept(5)[0])
        self.assertDisagrees(5, 'cannot be read')

    def test_a_tampered_checkpoint_is_found(self):
        self.run_job()
        self.flip(self.checkpoint(4), -1)  # the optimizer's state or the last tensor
        self.assertDisagrees(4, 'bytes differ')
        self.assertDisagrees(5)  # which goes on from it
        self.assertAgrees(3)

    def test_a_tampered_description_is_found(self):
        self.run_job()
        path = os.path.join(self.srv.folder, 'kept', 'job', '4', 'round.json')
        with open(path, encoding='utf-8') as file:
            text = file.read()
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text.replace('"weight": ', '"weight": 1'))
        self.assertDisagrees(4, 'another weight')
        with open(path, 'w', encoding='utf-8') as file:
            file.write('{')
        self.assertFails(self.srv.cli('replay', 'job', '4'), 1, 'damaged')

    def test_what_was_not_kept_is_said(self):
        self.run_job(rounds=1)
        shutil.rmtree(os.path.join(self.srv.folder, 'kept'))
        self.assertFails(self.srv.cli('replay', 'job', '1'), 1, 'cannot be replayed', 'keep')
        self.assertFails(self.srv.cli('replay', 'job', '2'), 1, 'versions 1 to 1')
        self.assertFails(self.srv.cli('replay', 'job', '0'), 1, 'versions 1 to 1')
        self.assertFails(self.srv.cli('replay', 'job', 'last'), 2, 'no number of a round')
        self.assertFails(self.srv.cli('replay', 'other', '1'), 1, 'no job')

    def test_a_job_that_keeps_nothing_leaves_nothing(self):
        for number in range(2):
            self.site(self.srv, number).start_connected()
        job = jobs.squares('job', side=SIDE, classes=CLASSES, rounds=2, clients=2)
        job['evaluation'] = {'every': 0}  # no round is the best one
        self.srv.submit(job)
        self.srv.wait_finished('job')
        self.assertFalse(os.path.exists(os.path.join(self.srv.folder, 'kept')))
        self.assertEqual(chaos.files(os.path.join(self.srv.folder, 'checkpoints')), ['job/2.safetensors'])

    def test_asynchronous_rounds(self):
        """Updates from older versions, with what staleness leaves of their weight."""
        self.run_job(rounds=6, contributions={'min': 1, 'goal': 1}, staleness={'max': 5})
        for number in (4, 5, 6):
            self.assertAgrees(number, updates=1)


if __name__ == '__main__':
    harness.main()
