#!/usr/bin/env python3
"""The rules of this repository that a compiler does not check. Each check takes {path: text} and yields
findings; tests/lint/lint_test.py shows each one a bad example. Usage: lint.py [--root FOLDER]"""

import argparse
import ast
import os
import re
import subprocess
import sys

import cpp

# Which layers a layer may include, besides itself and what these include in turn.
LAYERS = {
    'base': [],
    'cli': ['base'],
    'crypto': ['base'],
    'paillier': ['crypto'],
    'secagg': ['crypto'],
    'privacy': ['crypto'],
    'tensor': ['base'],
    'channel': ['crypto'],
    'wire': ['secagg'],
    'config': ['base'],
    'data': ['config', 'tensor', 'model'],
    'model': ['tensor', 'config'],
    'net': ['channel', 'wire', 'cli'],
    'coding': ['secagg', 'paillier', 'privacy', 'config', 'model'],
    'round': ['config'],
    'aggregate': ['tensor', 'config'],
    'secure': ['wire'],
    'store': ['tensor', 'crypto'],
    'train': ['model', 'data'],
    'session': ['wire', 'config', 'channel', 'secagg'],
}
FOLDERS = {'server': ['round', 'aggregate', 'secure', 'store'], 'client': ['train', 'session']}

# A header, and the only places that may include it (folders end in a slash).
CONFINED = [
    (r'(sodium(\.h|/)|nettle/)', ['common/crypto/']),
    (r'gmp(xx)?\.h$', ['common/paillier/']),
    (r'(.*/)?(cblas|openblas_config|lapacke)\.h$', ['common/tensor/']),
    (r'sqlite3\.h$', ['server/store/']),
    (r'flatbuffers/|.*_generated\.h$', ['common/wire/']),
    (r'boost/(asio|beast)\b', ['common/net/', 'server/app/', 'client/app/']),
    (r'(nlohmann|valijson)/', ['common/config/', 'server/app/', 'client/app/',
                               'common/tensor/safetensors.cc']),
]

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
SOURCE = ('.cc', '.h', '.def', '.py', '.sh', '.cmake', '.fbs', 'CMakeLists.txt')

# Written in pieces, so that this file passes its own check.
BANNED = [
    (r'\b(?:TO' r'DO|FIX' r'ME|XX' r'X|HA' r'CK)\b', 0, 'a note of unfinished work: finish it or leave it out'),
    (r'\bnot ' r'implemented\b', re.IGNORECASE, 'nothing here is a stub'),
    (r'(?<![\w./-])/wo' r'rk/', 0, "a path of somebody's machine"),
    (r'\b(?:deb|security)\.deb' r'ian\.org\b|\bregistry\.npm' r'js\.org\b|\bpypi\.or' r'g\b'
     r'|\bproxy\.gol' r'ang\.org\b|\bfiles\.python' r'hosted\.org\b', re.IGNORECASE, 'the name of a package host'),
    (r'\bissue ' r'#\d+', re.IGNORECASE, 'the repository says why by itself'),
]
SLEEPS = re.compile(r'\bsleep_(?:for|until)\b|\btime\.sl' r'eep\b|\b(?:u|nano)sleep\s*\('
                    r'|(?:^|[;&|(])\s*sl' r'eep\s+[\d.$]', re.MULTILINE)


def is_cpp(path):
    return path.endswith(('.cc', '.h', '.def'))


def layer_of(path):
    """The layer that a file belongs to; None for files that the table does not bind (tests)."""
    parts = path.split('/')
    return parts[1] if len(parts) > 2 and parts[0] in ('common', 'server', 'client') else None


def reachable(layer):
    """The layer itself and everything below it."""
    found = {layer}
    for lower in LAYERS[layer]:
        found |= reachable(lower)
    return found


def allowed_layers(path):
    layer, side = layer_of(path), path.split('/')[0]
    if layer != 'app':
        return reachable(layer) if layer in LAYERS else None
    other = FOLDERS['client' if side == 'server' else 'server']
    return (set(LAYERS) | {'app'}) - set(other)


def includes(text):
    for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', text, re.MULTILINE):
        yield cpp.line_of(text, match.start()), match.group(1), match.group(2)


def check_layers(files):
    for path, text in files.items():
        if not is_cpp(path) or layer_of(path) is None:
            continue
        allowed = allowed_layers(path)
        if allowed is None:
            yield path, 1, f"the layer '{layer_of(path)}' is not in the table of tests/lint/lint.py"
            continue
        for line, quote, name in includes(text):
            if quote == '<' or name.endswith('_generated.h'):
                continue
            if '/' not in name:
                yield path, line, f'"{name}": an include path begins with its layer'
            elif name.split('/')[0] not in allowed:
                yield path, line, f"the layer '{layer_of(path)}' must not include \"{name}\""


def check_confined(files):
    for path, text in files.items():
        if not is_cpp(path) or layer_of(path) is None:
            continue
        for line, _, name in includes(text):
            for pattern, places in CONFINED:
                if re.match(pattern, name) and not path.startswith(tuple(places)):
                    yield path, line, f'<{name}> belongs to {", ".join(places)} only'


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno


def check_sizes(files):
    for path, text in files.items():
        if path.endswith(SOURCE) or path.startswith('scripts/'):
            lines = text.count('\n')
            if lines > FILE_LINES_MAX and not path.endswith('.md'):
                yield path, 1, f'{lines} lines; a file has at most {FILE_LINES_MAX}'
        spans = []
        if is_cpp(path):
            spans = cpp.functions(cpp.strip(text))
        elif path.endswith('.py'):
            spans = python_functions(text)
        for first, last in spans:
            if last - first + 1 > FUNCTION_LINES_MAX:
                yield path, first, f'{last - first + 1} lines; a function has at most {FUNCTION_LINES_MAX}'


def beside_co_await(statement):
    """What must not stand in one full expression with co_await (g++ 12 frees it twice), or None."""
    if '{' in statement:
        return 'a braced initialiser or a lambda'
    if '?' in statement:
        return 'a conditional operator'
    if re.search(r'\bthrow\b', statement):
        return 'a throw'
    if any(captures for _, captures in cpp.lambdas(statement)):
        return 'a capturing lambda'
    return None


def coroutine_lambdas(code):
    """Positions of lambdas that are coroutines."""
    for position, _ in cpp.lambdas(code):
        body = re.compile(r'\[[^\]]*\][^;{}]*').match(code, position)
        if body and code[body.end():body.end() + 1] == '{':
            inner = code[body.end():cpp.matching(code, body.end())]
            if re.search(r'\bco_(?:await|return|yield)\b', inner):
                yield position


def check_coroutines(files):
    for path, text in files.items():
        if not is_cpp(path):
            continue
        code = cpp.strip(text)
        for match in re.finditer(r'\bdetached\b', code):
            yield path, cpp.line_of(code, match.start()), 'detached loses exceptions; name a completion handler'
        if 'co_' not in code:
            continue
        for position, statement in cpp.statements(code):
            if re.search(r'\bco_await\b', statement):
                reason = beside_co_await(statement)
                if reason:
                    yield path, cpp.line_of(code, position), f'{reason} beside co_await; use a named local'
        for position in coroutine_lambdas(code):
            yield path, cpp.line_of(code, position), 'a lambda coroutine dangles; make it a named function'


def check_words(files):
    for path, text in files.items():
        for pattern, flags, why in BANNED:
            for match in re.finditer(pattern, text, flags):
                yield path, cpp.line_of(text, match.start()), f"'{match.group()}': {why}"
        if path.startswith('tests/') and not path.endswith('.md'):
            for match in SLEEPS.finditer(text):
                line = cpp.line_of(text, match.end())
                yield path, line, 'a test does not sleep; wait for the event'


def check_readmes(files):
    folders = {os.path.dirname(path) for path in files}
    for folder in sorted(folders):
        bound = folder.startswith(('common/', 'server/', 'client/')) and f'{folder}/CMakeLists.txt' in files
        sources = any(is_cpp(path) and os.path.dirname(path) == folder for path in files)
        if bound and sources and f'{folder}/README.md' not in files:
            yield f'{folder}/CMakeLists.txt', 1, 'the folder has no README.md'


def check_headers(files):
    for path, text in files.items():
        if not path.endswith('.h'):
            continue
        if not text.lstrip().startswith(('//', '/*')):
            yield path, 1, 'a header begins with a comment: what it is for, what holds'
        if not re.search(r'^#pragma once$', text, re.MULTILINE):
            yield path, 1, 'no #pragma once'


_TEST_NAME = re.compile(r'\bTEST_CASE\(((?:\s*"(?:\\.|[^"\\])*")+)')


def check_test_names(files):
    for path, text in files.items():
        for match in _TEST_NAME.finditer(text) if is_cpp(path) else ():
            if ';' in match.group(1):
                line = cpp.line_of(text, match.start())
                yield path, line, 'CMake splits a test name at a semicolon, and never runs it'


CHECKS = [check_layers, check_confined, check_sizes, check_coroutines, check_words, check_readmes,
          check_headers, check_test_names]


def listed(root):
    """Paths that git tracks or would track; in a folder without git, all that is not built."""
    command = ['git', '-C', root, 'ls-files', '-z', '--cached', '--others', '--exclude-standard']
    result = subprocess.run(command, capture_output=True, check=False)
    if result.returncode == 0 and result.stdout:
        return sorted(set(result.stdout.decode().split('\0')) - {''})
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if not f.startswith(('build', '.git', '__pycache__'))]
        found += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(found)


def read_texts(root):
    texts = {}
    for path in listed(root):
        full = os.path.join(root, path)
        if not os.path.isfile(full):
            continue
        with open(full, 'rb') as file:
            content = file.read()
        if b'\0' not in content:
            texts[path] = content.decode('utf-8', errors='replace')
    return texts


def main():
    parser = argparse.ArgumentParser(description='Checks the rules that a compiler does not check.')
    parser.add_argument('--root', default=os.path.join(os.path.dirname(os.path.abspath(__file__)), '../..'))
    files = read_texts(parser.parse_args().root)
    findings = sorted(finding for check in CHECKS for finding in check(files))
    for path, line, message in findings:
        print(f'{path}:{line}: {message}')
    print(f'{len(files)} files, {len(findings)} findings')
    return 1 if findings or not files else 0


if __name__ == '__main__':
    sys.exit(main())
