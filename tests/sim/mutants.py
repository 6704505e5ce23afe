#!/usr/bin/env python3
"""Takes one check at a time out of the engine, of staging, of secure sums and of what joins them, and shows that a seed fails.

usage: tests/sim/mutants.py [--seeds A..B] [--build FOLDER] [--seconds N] [NAME...]
       tests/sim/mutants.py --table    whether the program has each of the texts that are to go

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

# name: edits, each (file, text that is there once, text in its place)
GATE = 'server/round/gate.cc'
ROUNDS = 'server/round/engine_rounds.cc'
ASYNC = 'server/round/engine_async.cc'
STAGING = 'server/store/staging.cc'
UPLOAD = 'server/store/upload.cc'
JOB = 'server/app/job.cc'
EFFECTS = 'server/app/job_effects.cc'
RECORDS = 'server/app/job_records.cc'
ATTEMPT = 'server/secure/attempt.cc'
SUM = 'server/app/secure_round.cc'
JOB_SUM = 'server/app/job_secure.cc'
ENGINE_SUM = 'server/round/engine_secure.cc'
PARTY = 'client/session/secure_party.cc'
WORK = 'client/app/secure_work.cc'
# What is there twice, where it is there once.
OFFER_ANSWERED = 'return answered;\n  }\n'
ENDED = '  if (ended(gate)) return refusal(Reason::job_ended);\n'
OFFER_MEMBER = """  const Member* member = find(gate, offer.client, offer.task);
  if (!member) return no_task(gate, offer.task);
  if (auto decided"""
LOST = 'if (code != ErrorCode::io && code != ErrorCode::disk_full) setup_.lost(update, input.error());'
MUTANTS = {
    'not finite': [(GATE, 'if (!facts.finite) return refusal(Reason::not_finite);', '')],
    'over the limit': [(GATE, 'if (!(facts.max_abs <= gate.shape.limit)) {', 'if (false) {')],
    'too many examples': [(GATE, 'if (offer.examples < 1 || offer.examples > member.examples) {', 'if (false) {')],
    'wrong base version': [(GATE, 'if (offer.base_version != member.base_version) {', 'if (false) {')],
    # The offer's size and that of what has come cover each other: both go.
    'wrong size': [(GATE, 'if (offer.bytes != gate.shape.bytes) {', 'if (false) {'),
                   (GATE, 'if (facts.bytes != gate.shape.bytes) {', 'if (false) {'),
                   (GATE, 'if (facts.count != gate.shape.count) {', 'if (false) {')],
    'receipt once more': [(GATE, 'if (at == gate.answered.end() || at->second.task != task) return std::nullopt;',
                           'if (at == gate.answered.end() || task >= 0) return std::nullopt;')],
    # At the end of an upload Staging::keep covers it; at the offer nothing does.
    'an offer is decided once': [(GATE, 'member->ticket && member->ticket->checksum == offer.checksum)) {\n    return decided;',
                                  'member->ticket && member->ticket->checksum == offer.checksum)) {')],
    # At the end of an upload Engine::on(Recorded) covers it; at the offer nothing does.
    'a job that has ended': [(GATE, OFFER_ANSWERED + ENDED + OFFER_MEMBER, OFFER_ANSWERED + OFFER_MEMBER)],
    'stale tasks end': [(ASYNC, 'if (old && !engaged(member)) stale.push_back(client);',
                         'if (old && client < 0) stale.push_back(client);')],
    'late tasks end': [(ASYNC, 'if (over && !engaged(member)) late.push_back(client);',
                        'if (over && client < 0) late.push_back(client);')],
    'a version uses up its updates': [(ASYNC, 'buffer_.erase(key);\n    if (!secured()) continue;',
                                       'if (!secured()) continue;')],
    'staleness counts': [(ASYNC, '.discount = discount(config_.policy.staleness, staleness)};',
                          '.discount = 1 + 0 * static_cast<double>(staleness)};')],
    'a deadline ends a round': [(ROUNDS, 'if (!paused_at_ && now >= deadline_) expired_ = true;',
                                 'static_cast<void>(now);')],
    'the update is synced': [(UPLOAD, 'file_.sync(durability_)', 'Status()')],
    'the bytes are compared': [(UPLOAD, 'if (checksummer_.finish() != expected_) {', 'if (false) {')],
    'chunks follow one another': [(UPLOAD, 'if (offset != offset_ || chunk.size() > bytes_ - offset_) {',
                                   'if (chunk.size() > bytes_ - offset_) {')],
    'what is acknowledged is kept': [(STAGING, 'if (found != slots_.end() && found->second.kept) {', 'if (false) {')],
    'the bytes are those of the offer': [(JOB, 'offer->second.checksum == facts->checksum;', 'facts->bytes > 0;')],
    'a site that rests stops': [('client/session/session.cc', 'if (was_open && !open_) effects = rest();',
                                 'static_cast<void>(was_open);')],
    'the row comes first': [(RECORDS, 'const Status all = services_.journal.accept_contributions(records);',
                             'const Status all;')],
    'a commit names its updates': [(EFFECTS, 'commit.contributions.push_back({each.task, each.client});',
                                    'static_cast<void>(each);')],
    # Secure sums.
    'what is told is on record': [(SUM, 'const Status written = write(*note);',
                                   'const Status written = note->client < -1 ? write(*note) : Status();')],
    'a step is durable before the next': [(SUM, 'return note.kind == secure::Note::Kind::close ? log_->sync() : Status();',
                                           'return Status();')],
    'a restart knows the answers': [(SUM, 'attempt->restore(notes_in(found->entries), now)',
                                     'attempt->restore(std::vector<secure::Note>(0 * notes_in(found->entries).size()), now)')],
    'a row is an input after a restart': [(SUM, 'for (const std::int64_t client : recorded) this->recorded(client);',
                                           'static_cast<void>(recorded);')],
    'a sum that is known is made': [(SUM, 'if (!sum.error().passing) return', 'if (sum.has_error()) return')],
    'an input comes in time': [(JOB, 'if (secure_ && !secure_->wants_input(client)) {', 'if (false) {')],
    'what is left of a sum is gone before the next': [(JOB_SUM, 'const Status cleared = clear_inputs();', 'const Status cleared;')],
    'a step ends at its deadline': [(ATTEMPT, 'return waiting_.empty() || now >= deadline_;',
                                     'return waiting_.empty() || now < Instant();')],
    'a receipt comes with the version': [(ENGINE_SUM, 'out.push_back(Await{.client = client, .task = member.task});',
                                          'answer(client, member.task, Refusal{}, out);')],
    'a sum given up counts nobody': [(ENGINE_SUM, 'if (member.invited) take_back(client, member, now, out);',
                                      'static_cast<void>(client), static_cast<void>(member);')],
    'who is counted hears so': [('server/round/engine.cc', 'if (secured()) answer(client, event.round, Refusal{}, out);', '')],
    'an attempt is answered in one life': [(PARTY,
                                            'const auto kept = answered_->remember(name_.job, round_, message.terms.attempt);',
                                            'const Status kept;')],
    'an answer is remembered': [(PARTY, 'if (given && given->to == to) return given->answer;', '')],
    'a mask is of its sum': [(WORK, 'if (at == parts_.end() || at->second.number != number) return;',
                              'if (at == parts_.end() || number == 0) return;')],
    'what is lost is trained anew': [(WORK, LOST, 'static_cast<void>(code), static_cast<void>(update);')],
    'what was revealed is in no other sum': [(WORK, 'return open_memory() && answered_->is_revealed(update.job, update.task, update.checksum);',
                                              'return static_cast<void>(update), static_cast<void>(open_memory()), false;')],
    'a round that cannot be made pauses its job': [('server/round/engine_rounds.cc', 'if (!in_vain) return', 'if (!in_vain || now > Instant()) return')],
    'integers are sized for the cohort': [('server/round/engine_rounds.cc',
                                           'kind() == TaskKind::statistics && !config_.statistics_of_cohort;',
                                           'kind() == TaskKind::statistics;')],
    'nothing leaves without a mask': [('client/app/client_effects.cc', 'if (effect.attempt == 0 && offer.model) {',
                                       'if (false) {')],
}


def run(*command, **more):
    return subprocess.run(command, text=True, capture_output=True, check=False, **more)


def wrong_texts():
    wrong = []
    for name, edits in MUTANTS.items():
        for file, old, _ in edits:
            with open(os.path.join(ROOT, file), encoding='utf-8') as text:
                times = text.read().count(old)
            if times != 1:
                wrong.append(f'{name}: {file} has this text {times} times, not once: {old}')
    return wrong


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


def judge(folder, seeds, seconds):
    """The first failing seed and what it says; nothing if all pass."""
    command = (os.path.join(folder, 'build', 'fedsim'), 'chaos', '--first', '--seeds', seeds)
    try:
        done = run(*command, timeout=seconds)
    except subprocess.TimeoutExpired:
        return f'the seeds do not come to an end within {seconds} s'
    failed = re.search(r'^seed (\d+) failed\n *(.*)', done.stdout + done.stderr, re.MULTILINE)
    if failed:
        return f'seed {failed.group(1)}: {failed.group(2)}'
    if done.returncode != 0:
        return f'exit status {done.returncode}: {(done.stdout + done.stderr).strip().splitlines()[-1:]}'
    return ''


def mutate(folder, edits):
    """Makes the edits; returns what was there, by path."""
    before = {}
    for file, old, new in edits:
        path = os.path.join(folder, file)
        with open(path, encoding='utf-8') as text:
            content = text.read()
        before.setdefault(path, content)
        write(path, content.replace(old, new))
    return before


def write(path, content):
    with open(path, 'w', encoding='utf-8') as text:
        text.write(content)


def try_one(folder, name, options):
    before = mutate(folder, MUTANTS[name])
    try:
        problem = build(folder)
        if problem:
            sys.exit(f'{name}: the mutant does not build:\n{problem}')
        return judge(folder, options.seeds, options.seconds)
    finally:
        for path, content in before.items():
            write(path, content)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seeds', default='1..300')
    parser.add_argument('--build', default=os.path.join(ROOT, 'build', 'mutants'))
    parser.add_argument('--seconds', type=int, default=300, help='for all seeds; more means that they do not end')
    parser.add_argument('--table', action='store_true')
    parser.add_argument('names', nargs='*')
    options = parser.parse_args()
    wrong = wrong_texts()
    if wrong or options.table:
        sys.exit('\n'.join(wrong) or 0)
    folder = os.path.abspath(options.build)
    copy_sources(folder)
    configured = run('cmake', '-S', folder, '-B', os.path.join(folder, 'build'), '-G', 'Ninja', '-DFED_TESTS=ON')
    problem = configured.stderr if configured.returncode else build(folder)
    if problem:
        sys.exit(f'the program as it is does not build:\n{problem}')
    problem = judge(folder, options.seeds, options.seconds)
    if problem:
        sys.exit(f'the program as it is fails: {problem}')
    names = options.names or list(MUTANTS)
    survivors = 0
    for name in names:
        verdict = try_one(folder, name, options)
        survivors += not verdict
        print(f'{name:34} {verdict or "SURVIVES"}', flush=True)
    print(f'{len(names) - survivors} of {len(names)} mutants are found by seeds {options.seeds}')
    return 1 if survivors else 0


if __name__ == '__main__':
    sys.exit(main())
