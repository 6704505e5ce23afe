#!/usr/bin/env python3
"""What scripts/demo does once the programs are built. It uses the programs as an administrator would: their
commands, their files, and what they say with --json. Standard library only."""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FEWEST_IN_A_SUM = 3
IMAGES = '/usr/share/datasets/fashion-mnist'
POLL_S = 0.2
START_S = 60     # until the server answers
STALL_S = 600    # without any change in what the server says
STOP_S = 30      # until a process that was asked to end is killed
ENDED = {'finished', 'failed', 'cancelled'}


class DemoError(Exception):
    """Said to the user as one sentence."""


def call(*command):
    """Runs one command of a program to its end and returns its standard output."""
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        words = ' '.join(command[:2]).replace(os.path.dirname(command[0]) + '/', '')
        raise DemoError(f'{words}: exit status {result.returncode}: {(result.stderr or result.stdout).strip()}')
    return result.stdout


def read_json(path):
    with open(path, encoding='utf-8') as file:
        return json.load(file)


def write_json(path, value):
    with open(path, 'w', encoding='utf-8') as file:
        json.dump(value, file, indent=2)
        file.write('\n')


def edit_json(path, **changes):
    write_json(path, {**read_json(path), **changes})


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Process:
    """A program in the background with its log in a file. Ended by stop(), at the latest."""

    def __init__(self, name, log, command):
        self.name, self.log = name, log
        with open(log, 'wb') as output:
            # A session of its own: ctrl-C reaches the demo alone, which ends the others in order.
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            start_new_session=True)

    def status(self):
        return self.process.poll()

    def ask_to_end(self):
        if self.status() is None:
            self.process.send_signal(signal.SIGTERM)

    def stop(self, wait_s=STOP_S):
        try:
            self.process.wait(wait_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def last_words(self, lines=15):
        with open(self.log, encoding='utf-8', errors='replace') as file:
            return ''.join(f'  {self.name}: {line}' for line in file.readlines()[-lines:])


class Display:
    """Progress for people, or as lines of JSON."""

    def __init__(self, as_json, rounds):
        self.as_json, self.rounds = as_json, rounds
        self.live = not as_json and sys.stdout.isatty()

    def say(self, event, text, **values):
        if self.as_json:
            print(json.dumps({'event': event, **values}), flush=True)
        else:
            print(('\r\033[K' if self.live else '') + text, flush=True)

    def line(self, number, done, goal, rest):
        filled = 20 * done // max(goal, 1)
        width = len(str(self.rounds))
        return (f'round {number:{width}}/{self.rounds} [{"#" * filled}{"." * (20 - filled)}] '
                f'{done}/{goal} updates{rest}')

    def collecting(self, number, done, goal):
        if self.live:
            print('\r\033[K' + self.line(number, done, goal, ''), end='', flush=True)

    def committed(self, entry, goal, took_s):
        number, done = entry['round'], entry['accepted']
        metrics = server_metrics(entry)
        rest = ''.join(f'  {name} {metrics[name]:.4f}' for name in ('accuracy', 'loss') if name in metrics)
        self.say('round', self.line(number, done, goal, f'{rest}  {took_s:.1f} s'), round=number,
                 contributions=done, goal=goal, seconds=round(took_s, 3), metrics=metrics)


def server_metrics(entry):
    """What the server found of a round's model on its own test rows."""
    return (entry.get('metrics') or {}).get('server') or {}


def committed_rounds(job):
    return [entry for entry in job.get('rounds', []) if entry['state'] == 'committed' and entry['round'] > 0]


class Demo:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.server_program = os.path.join(options.build, 'fedserver')
        self.client_program = os.path.join(options.build, 'fedclient')
        self.server_file = self.path('server.json')
        self.job = self.make_job()
        self.display = Display(options.json, self.job['rounds']['max'])
        self.server, self.clients = None, []

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def make_job(self):
        job = read_json(os.path.join(ROOT, 'configs/jobs/fashion.json'))
        clients = self.options.clients
        rounds = job['rounds']
        least = max(1, clients * 8 // 10)
        if clients >= FEWEST_IN_A_SUM:
            least = max(FEWEST_IN_A_SUM, least)
        else:
            job.pop('secure_aggregation')  # each of two would learn the other's update
        rounds.update(cohort=clients, seed=self.options.seed, contributions={'min': least, 'goal': clients})
        if self.options.rounds is not None:
            rounds['max'] = self.options.rounds
            for name in ('target', 'patience'):
                job['evaluation'].pop(name, None)
        job['evaluation'].update(every=1, metric='accuracy', data={
            'format': 'idx', 'images': f'{IMAGES}/t10k-images-idx3-ubyte.gz',
            'labels': f'{IMAGES}/t10k-labels-idx1-ubyte.gz'})
        return job

    def ask_server(self, *command):
        return call(self.server_program, *command, '--config', self.server_file)

    def ask_about_job(self):
        return json.loads(self.ask_server('show', self.job['name'], '--json'))

    def run(self):
        self.cut()
        self.start_server()
        self.start_clients()
        write_json(self.path('job.json'), self.job)
        self.ask_server('submit', self.path('job.json'))
        self.display.say('submitted', f'job {self.job["name"]}: {self.options.clients} clients, '
                         f'at most {self.job["rounds"]["max"]} rounds', job=self.job['name'],
                         clients=self.options.clients, rounds=self.job['rounds']['max'])
        return self.finish(self.follow())

    def cut(self):
        call(self.client_program, 'split', '--scheme', self.options.scheme, '--clients', str(self.options.clients),
             '--seed', str(self.options.seed), '--format', 'idx',
             '--images', f'{IMAGES}/train-images-idx3-ubyte.gz',
             '--labels', f'{IMAGES}/train-labels-idx1-ubyte.gz', '--output', self.path('data'))
        self.display.say('split', f'cut 60000 images into {self.options.clients} folders, '
                         f'{self.options.scheme}, seed {self.options.seed}', scheme=self.options.scheme,
                         clients=self.options.clients, seed=self.options.seed)

    def start_server(self):
        address = f'127.0.0.1:{free_port()}'
        call(self.server_program, 'init', '--state', self.path('server'), '--listen', address,
             '--config', self.server_file)
        # The socket's default place, /run, is not for trials; and an interrupted trial has no round to finish.
        edit_json(self.server_file, admin_socket=self.path('admin.sock'), drain_s=1)
        self.server = Process('server', self.path('server.log'),
                              [self.server_program, 'run', '--config', self.server_file])
        deadline = time.monotonic() + START_S
        while True:
            self.check_server()
            try:
                self.ask_server('status', '--json')
                break
            except DemoError as error:
                if time.monotonic() > deadline:
                    raise DemoError(f'the server does not answer: {error}') from error
            time.sleep(POLL_S)
        self.display.say('server', f'server at {address}', address=address)

    def start_clients(self):
        folders = sorted(entry.path for entry in os.scandir(self.path('data')) if entry.is_dir())
        if len(folders) != self.options.clients:
            raise DemoError(f'split made {len(folders)} folders, not {self.options.clients}')
        os.mkdir(self.path('clients'))
        for data in folders:
            name = os.path.basename(data)
            state, file = self.path('clients', name), self.path('clients', f'{name}.json')
            code = self.ask_server('invite', name).strip().splitlines()[-1]
            call(self.client_program, 'join', code, '--state', state, '--config', file)
            edit_json(file, data=self.client_data(data), threads=1)
            self.clients.append(Process(name, self.path(f'{name}.log'),
                                        [self.client_program, 'run', '--config', file, '--once']))
        self.display.say('clients', f'{len(folders)} clients joined', clients=len(folders))

    @staticmethod
    def client_data(folder):
        def the_only(word):
            found = [name for name in os.listdir(folder) if word in name]
            if len(found) != 1:
                raise DemoError(f'{folder} holds {len(found)} files of {word}')
            return os.path.join(folder, found[0])
        # All rows are for training: the server has the test images.
        return {'format': 'idx', 'images': the_only('images'), 'labels': the_only('labels'), 'test_fraction': 0}

    def check_server(self):
        if self.server.status() is not None:
            raise DemoError(f'the server ended, exit status {self.server.status()}\n{self.server.last_words()}')

    def no_client_left(self):
        return all(client.status() is not None for client in self.clients)

    def follow(self):
        """Shows each round; returns what the server says of the job when it has ended."""
        shown, last, changed, began = 0, None, time.monotonic(), time.monotonic()
        while True:
            self.check_server()
            alone = self.no_client_left()  # asked first: clients end when the job has ended
            job = self.ask_about_job()
            for entry in committed_rounds(job):
                if entry['round'] > shown:
                    self.display.committed(entry, job.get('goal', entry['cohort']), time.monotonic() - began)
                    shown, began = entry['round'], time.monotonic()
            if job['state'] in ENDED:
                return job
            if job.get('phase') == 'collecting' and job['round'] > shown:
                self.display.collecting(job['round'], job['accepted'], job['goal'])
            job.pop('seconds_left', None)  # counts down by itself
            if job != last:
                last, changed = job, time.monotonic()
            elif time.monotonic() - changed > STALL_S:
                raise DemoError(f'nothing moved for {STALL_S} s; {self.ask_server("why", self.job["name"])}')
            if alone:
                words = ''.join(client.last_words(5) for client in self.clients[:3])
                raise DemoError(f'no client is left, and the job has not ended\n{words}')
            time.sleep(POLL_S)

    def finish(self, job):
        if job['state'] != 'finished':
            raise DemoError(f'the job is {job["state"]}: {job.get("detail") or "no reason given"}\n'
                            f'{self.server.last_words()}')
        for client in self.clients:
            client.stop()
        failed = [client for client in self.clients if client.status() != 0]
        for client in failed:
            print(f'{client.name} ended with exit status {client.status()}\n{client.last_words(5)}',
                  file=sys.stderr)
        rounds = committed_rounds(job)
        accuracy = server_metrics(rounds[-1]).get('accuracy') if rounds else None
        if accuracy is None:
            raise DemoError('the job finished without an accuracy')
        self.display.say('final', f'final job={job["name"]} rounds={len(rounds)} accuracy={accuracy:.4f}',
                         job=job['name'], rounds=len(rounds), accuracy=accuracy)
        return 1 if failed else 0

    def stop(self):
        running = self.clients + ([self.server] if self.server else [])
        for process in running:
            process.ask_to_end()
        for process in running:
            process.stop()


def ranged(low, high):
    def parse(text):
        value = int(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f'{value} is not in {low} to {high}')
        return value
    parse.__name__ = 'number'
    return parse


def parse_options():
    parser = argparse.ArgumentParser(prog='scripts/demo')
    parser.add_argument('--clients', type=ranged(1, 100), default=10)
    parser.add_argument('--rounds', type=ranged(1, 100000))
    parser.add_argument('--scheme', default='dirichlet:0.5')
    parser.add_argument('--seed', type=ranged(0, 2**53 - 1), default=1)
    parser.add_argument('--json', action='store_true')
    parser.add_argument('--keep')
    parser.add_argument('--build', default=os.path.join(ROOT, 'build'), help='the folder of the build')
    parser.add_argument('--from', dest='caller', default='.', help='the folder that --keep is relative to')
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    return options


def work_folder(options):
    if options.keep is None:
        return tempfile.mkdtemp(prefix='fed-demo-')
    folder = os.path.abspath(os.path.join(options.caller, options.keep))
    if os.path.exists(folder):
        raise DemoError(f'{folder} exists; --keep makes a new folder')
    os.makedirs(folder)
    return folder


def interrupt(*_):
    raise KeyboardInterrupt


def main():
    options = parse_options()
    signal.signal(signal.SIGTERM, interrupt)
    demo, folder, status = None, None, 1
    try:
        folder = work_folder(options)
        demo = Demo(options, folder)
        status = demo.run()
    except DemoError as error:
        print(f'scripts/demo: {error}', file=sys.stderr)
    except KeyboardInterrupt:
        print('scripts/demo: interrupted', file=sys.stderr)
        status = 130
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if demo:
            demo.stop()
        if folder and options.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    return status


if __name__ == '__main__':
    sys.exit(main())
