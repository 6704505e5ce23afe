#!/usr/bin/env python3
"""Takes one check at a time out of the engine, of staging and of what joins them, and shows that a seed fails.

usage: tests/sim/mutants.py [--seeds A..B] [--build FOLDER] [NAME...]

Works on a copy of the repository's files in FOLDER (default: build/mutants), which it builds once and then once for each
mutant. A mutant whose seeds all pass is one that the simulator cannot tell from the real program: exit status 1.
"""

import argparse
import filecmp
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# name: (file, text that is there once, text in its place)
MUTANTS = {
    'not finite': ('server/round/gate.cc', 'if (!facts.finite) return refusal(Reason::not_finite);', ''),
    'over the limit': ('server/round/gate.cc', 'if (!(facts.max_abs <= gate.shape.limit)) {', 'if (false) {'),
    'too many examples': ('server/round/gate.cc',
                          'if (offer.examples < 1 || offer.examples > member->examples) {', 'if (false) {'),
    'wrong base version': ('server/round/gate.cc', 'if (offer.base_version != member->base_version) {', 'if (false) {'),
    'wrong size': ('server/round/gate.cc', 'if (offer.bytes != gate.shape.bytes) {', 'if (false) {'),
    'receipt once more': ('server/round/gate.cc',
                          'if (at == gate.answered.end() || at->second.task != task) return std::nullopt;',
                          'return std::nullopt;'),
    'a member is decided once': ('server/round/gate.cc',
                                 'if (auto decided = check_member(*member, true)) return decided;', ''),
    'a job that has ended': ('server/round/gate.cc',
                             'if (ended(gate)) return refusal(Reason::job_ended);\n  const Member* member = find(gate, upload',
                             'const Member* member = find(gate, upload'),
    'stale tasks end': ('server/round/engine_async.cc',
                        'if (old && member.status != Status::storing) stale.push_back(client);', 'static_cast<void>(old);'),
    'late tasks end': ('server/round/engine_async.cc',
                       'if (member.deadline <= now && member.status != Status::storing) late.push_back(client);',
                       'static_cast<void>(now);'),
    'a version uses up its updates': ('server/round/engine_async.cc',
                                      'for (const TaskKey& key : closing_) buffer_.erase(key);', ''),
    'staleness counts': ('server/round/engine_async.cc', '.discount = discount(config_.policy.staleness, staleness)};',
                         '.discount = 1 + 0 * static_cast<double>(staleness)};'),
    'a deadline ends a round': ('server/round/engine_rounds.cc', 'if (!paused_at_ && now >= deadline_) expired_ = true;',
                                'static_cast<void>(now);'),
    'a record is waited for': ('server/round/engine_rounds.cc',
                               'if (count(Status::storing) > 0) return false;\n  const std::int64_t', 'const std::int64_t'),
    'the update is synced': ('server/store/upload.cc', 'file_.sync(durability_)', 'Status()'),
    'the bytes are compared': ('server/store/upload.cc', 'if (checksummer_.finish() != expected_) {', 'if (false) {'),
    'the row comes first': ('server/app/job_effects.cc',
                            'const Status written = services_.journal.accept_contribution(accepted);',
                            'const Status written;'),
    'a commit names its updates': ('server/app/job_effects.cc',
                                   'commit.contributions.push_back({each.task, each.client});',
                                   'static_cast<void>(each);'),
}


def run(*command, **more):
    return subprocess.run(command, text=True, capture_output=True, check=False, **more)


def copy_sources(folder):
    listed = run('git', 'ls-files', '--cached', '--others', '--exclude-standard', cwd=ROOT).stdout.split('\n')
    for name in filter(None, listed):
        source, copy = os.path.join(ROOT, name), os.path.join(folder, name)
        if not os.path.isfile(source) or os.path.isfile(copy) and filecmp.cmp(source, copy, shallow=False):
            continue
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        shutil.copyfile(source, copy)  # newer than what was built of a mutant that a kill has left


def build(folder):
    """An error's last lines, or nothing."""
    done = run('cmake', '--build', os.path.join(folder, 'build'), '--target', 'fedsim')
    return '' if done.returncode == 0 else '\n'.join(done.stdout.splitlines()[-12:])


def judge(folder, seeds):
    """The first failing seed and what it says; nothing if all pass."""
    done = run(os.path.join(folder, 'build', 'fedsim'), 'chaos', '--first', '--seeds', seeds, timeout=580)
    failed = re.search(r'^seed (\d+) failed\n *(.*)', done.stdout + done.stderr, re.MULTILINE)
    if failed:
        return f'seed {failed.group(1)}: {failed.group(2)}'
    if done.returncode != 0:
        return f'exit status {done.returncode}: {(done.stdout + done.stderr).strip().splitlines()[-1]}'
    return ''


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seeds', default='1..300')
    parser.add_argument('--build', default=os.path.join(ROOT, 'build', 'mutants'))
    parser.add_argument('names', nargs='*')
    options = parser.parse_args()
    folder = os.path.abspath(options.build)
    copy_sources(folder)
    source = folder
    configured = run('cmake', '-S', source, '-B', os.path.join(folder, 'build'), '-G', 'Ninja', '-DFED_TESTS=ON')
    problem = configured.stderr if configured.returncode else build(folder)
    if problem:
        sys.exit(f'the program as it is does not build:\n{problem}')
    problem = judge(folder, options.seeds)
    if problem:
        sys.exit(f'the program as it is fails: {problem}')
    survivors = 0
    for name in options.names or MUTANTS:
        file, old, new = MUTANTS[name]
        path = os.path.join(source, file)
        with open(path, encoding='utf-8') as text:
            before = text.read()
        if before.count(old) != 1:
            sys.exit(f'{name}: {file} has the text {before.count(old)} times: {old}')
        with open(path, 'w', encoding='utf-8') as text:
            text.write(before.replace(old, new))
        found = build(folder)
        verdict = 'does not build: ' + found if found else judge(folder, options.seeds)
        with open(path, 'w', encoding='utf-8') as text:
            text.write(before)
        survivors += not verdict
        print(f'{"survives" if not verdict else "found":9} {name}: {verdict}', flush=True)
    print(f'{survivors} survive')
    return 1 if survivors else 0


if __name__ == '__main__':
    sys.exit(main())
