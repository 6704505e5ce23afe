#!/usr/bin/env python3
"""What fedclient makes of a state folder that it cannot read, and what it hides. Usage: at_rest_test.py PROGRAM"""

import json
import os
import subprocess
import sys
import unittest

import fedclient_test as base


class Outbox(base.Case):
    def test_an_outbox_that_cannot_be_read(self):
        base.call('join', base.join_code(f'127.0.0.1:{base.closed_port()}'), '--state', self.path('state'))
        config = self.csv_config('a,outcome\n1,0\n')
        os.mkdir(self.path('state', 'outbox'))
        kept = [self.path('state', 'outbox', f'job.{task}.{kind}') for task in (1, 2) for kind in ('update', 'offer')]
        for path in kept:  # with the identifier of a key that nobody has
            with open(path, 'wb') as file:
                file.write(b'fedseal1' + bytes([1]) + bytes(7) + b'no key!!' + bytes(200))

        def told():
            return json.loads(base.call('status', '--config', config, '--json')[1])

        self.assertEqual((told()['outbox'], told()['outbox_unreadable']['updates']), ([], 2))
        self.assertIn('another key than this client.key', told()['outbox_unreadable']['why'])
        self.assertIn('2 updates cannot be read: sealed with another key', base.call('status', '--config', config)[1])
        # The daemon says so in one line, leaves them there and goes on.
        with subprocess.Popen([base.PROGRAM, 'run', '--config', config], stderr=subprocess.PIPE, text=True) as daemon:
            line = daemon.stderr.readline()
            self.assertIn('sealed with another key than this client.key', line)
            self.assertIn('job.1.offer, job.2.offer', line)
            self.assertIn('not connected', daemon.stderr.readline())
            daemon.terminate()
            daemon.communicate(timeout=60)
        self.assertEqual(daemon.returncode, 0)
        self.assertTrue(all(map(os.path.exists, kept)))
        os.remove(self.path('state', 'client.key'))
        self.assertEqual(told()['outbox_unreadable']['updates'], 2)
        self.assertIn('this command has no key', told()['outbox_unreadable']['why'])

    def test_an_outbox_that_is_not_whole(self):
        base.call('join', base.join_code(f'127.0.0.1:{base.closed_port()}'), '--state', self.path('state'))
        config = self.csv_config('a,outcome\n1,0\n')
        os.mkdir(self.path('state', 'outbox'))
        offer = self.write(os.path.join('state', 'outbox', 'job.1.offer'), 'torn')
        with subprocess.Popen([base.PROGRAM, 'run', '--config', config], stderr=subprocess.PIPE, text=True) as daemon:
            self.assertRegex(daemon.stderr.readline(), 'not whole.*job.1.offer')
            daemon.terminate()
            daemon.communicate(timeout=60)
        self.assertFalse(os.path.exists(offer))


class Memory(base.Case):
    def test_it_is_not_dumped(self):
        base.call('join', base.join_code(f'127.0.0.1:{base.closed_port()}'), '--state', self.path('state'))
        config = self.csv_config('a,outcome\n1,0\n')
        with subprocess.Popen([base.PROGRAM, 'run', '--config', config], stderr=subprocess.PIPE, text=True) as daemon:
            daemon.stderr.readline()
            with open(f'/proc/{daemon.pid}/limits', encoding='ascii') as file:
                self.assertRegex(file.read(), r'Max core file size +0 +0 ')
            daemon.terminate()
            daemon.communicate(timeout=60)


if __name__ == '__main__':
    base.PROGRAM = sys.argv.pop(1)
    unittest.main()
