#!/usr/bin/env python3
"""Runs exactly the lines of the walk in README.md, as a newcomer would type them, and looks at what came out.

usage: walk_test.py SOURCE_FOLDER BUILD_FOLDER
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile

SECONDS_MAX = 240


def walk_of(readme):
    with open(readme, encoding='utf-8') as file:
        found = re.search(r'<!-- walk -->\n```sh\n(.*?)```', file.read(), re.DOTALL)
    if found is None:
        raise SystemExit('README.md has no walk')
    return found.group(1)


def run(script, folder):
    """The script's exit status and output; whatever it started is gone afterwards."""
    shell = subprocess.Popen(['bash', '-e', '-o', 'pipefail', '-c', script], cwd=folder, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try:
        output, _ = shell.communicate(timeout=SECONDS_MAX)
        return shell.returncode, output
    finally:
        try:
            os.killpg(shell.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def main():
    source, build = (os.path.abspath(path) for path in sys.argv[1:3])
    script = walk_of(os.path.join(source, 'README.md'))
    with tempfile.TemporaryDirectory() as folder:
        # The root of a repository that has been built, without what other builds and walks have left there.
        os.mkdir(os.path.join(folder, 'build'))
        for program in ('fedserver', 'fedclient'):
            os.symlink(os.path.join(build, program), os.path.join(folder, 'build', program))
        os.symlink(os.path.join(source, 'configs'), os.path.join(folder, 'configs'))
        status, output = run(script, folder)
        print(output)
        if status != 0:
            raise SystemExit(f'the walk ended with status {status}')
        accuracy = re.search(r'accuracy\s+([0-9.]+)', output)
        if accuracy is None or float(accuracy.group(1)) < 0.7:
            raise SystemExit('the model of the walk has not learned')
        model = os.path.join(folder, 'build/trial/first.safetensors')
        with open(model, 'rb') as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), 'little')))
        if 'layers.0.weight' not in header:
            raise SystemExit(f'{model} has no first layer')


if __name__ == '__main__':
    main()
