#!/usr/bin/env python3
"""Each check of lint.py against a bad example that it must find and a good one that it must leave alone.
Banned words are written in pieces, since this file is checked as well."""

import unittest

import cpp
import lint


def findings(check, path, text, **others):
    files = {path: text}
    files.update({name.replace('__', '/'): content for name, content in others.items()})
    return list(check(files))


class CheckTest(unittest.TestCase):
    def assert_bad(self, check, path, text, line=None):
        found = findings(check, path, text)
        self.assertTrue(found, f'{check.__name__} missed: {text}')
        if line is not None:
            self.assertIn(line, [at for _, at, _ in found])

    def assert_good(self, check, path, text):
        self.assertEqual(findings(check, path, text), [], text)


class Layers(CheckTest):
    def test_a_lower_layer_must_not_include_a_higher_one(self):
        for path, name in [
                ('common/base/a.h', 'tensor/layout.h'), ('server/round/engine.cc', 'aggregate/mean.h'),
                ('server/round/engine.cc', 'wire/messages.h'), ('server/store/journal.cc', 'net/connection.h'),
                ('common/net/connection.cc', 'app/daemon.h'), ('client/app/main.cc', 'round/engine.h'),
                ('server/app/main.cc', 'session/session.h'), ('client/train/a.def', 'session/session.h')]:
            self.assert_bad(lint.check_layers, path, f'// why\n#include "{name}"\n', line=2)

    def test_a_layer_may_include_itself_and_what_is_below(self):
        for path, name in [
                ('common/base/a.h', 'base/bytes.h'), ('common/channel/a.cc', 'base/bytes.h'),
                ('server/round/engine.cc', 'config/job.h'), ('server/app/main.cc', 'round/engine.h'),
                ('client/app/main.cc', 'session/session.h'), ('tests/server/round/a.cc', 'store/journal.h')]:
            self.assert_good(lint.check_layers, path, f'#include "{name}"\n#include <round/engine.h>\n')

    def test_a_path_without_a_layer_and_an_unknown_layer(self):
        self.assert_bad(lint.check_layers, 'common/base/a.cc', '#include "bytes.h"\n')
        self.assert_bad(lint.check_layers, 'common/extra/a.cc', '#include "base/bytes.h"\n')

    def test_the_table_has_no_cycle(self):
        for layer, lower in lint.LAYERS.items():
            self.assertFalse(any(layer in lint.reachable(other) for other in lower), layer)


class TestNames(CheckTest):
    def test_a_semicolon_anywhere_in_the_name(self):
        for name in ['"one; two"', '"one "\n    "two; three", "[tag]"']:
            self.assert_bad(lint.check_test_names, 'tests/a_test.cc', f'// why\nTEST_CASE({name}) {{\n', line=2)

    def test_elsewhere_it_is_fine(self):
        self.assert_good(lint.check_test_names, 'tests/a_test.cc', 'TEST_CASE("one") { f(";"); g("two;"); }\n')


class Confined(CheckTest):
    def test_a_library_stays_in_its_layer(self):
        for path, name in [
                ('common/channel/a.cc', 'sodium.h'), ('common/model/a.cc', 'cblas.h'), ('common/crypto/a.cc', 'gmp.h'),
                ('common/model/a.cc', 'openblas/cblas.h'), ('server/app/a.cc', 'sqlite3.h'),
                ('common/net/a.cc', 'wire/wire_generated.h'), ('common/net/a.cc', 'flatbuffers/flatbuffers.h'),
                ('server/round/a.cc', 'boost/asio/io_context.hpp'), ('client/session/a.cc', 'boost/asio.hpp'),
                ('common/wire/a.cc', 'nlohmann/json.hpp'), ('common/tensor/npz.cc', 'nlohmann/json.hpp')]:
            self.assert_bad(lint.check_confined, path, f'#include <{name}>\n')

    def test_at_home_it_is_welcome(self):
        for path, name in [
                ('common/crypto/a.cc', 'sodium.h'), ('common/tensor/a.cc', 'cblas.h'),
                ('server/store/a.cc', 'sqlite3.h'), ('common/wire/a.cc', 'wire_generated.h'),
                ('server/app/a.cc', 'boost/asio.hpp'), ('common/net/a.h', 'boost/asio/awaitable.hpp'),
                ('common/tensor/safetensors.cc', 'nlohmann/json.hpp'), ('common/base/error.h', 'boost/system/result.hpp'),
                ('tests/common/channel/a.cc', 'sodium.h')]:
            self.assert_good(lint.check_confined, path, f'#include <{name}>\n')


class Sizes(CheckTest):
    def test_a_long_file(self):
        self.assert_bad(lint.check_sizes, 'common/base/a.h', 'int a;\n' * 501)
        self.assert_bad(lint.check_sizes, 'scripts/demo', 'true\n' * 501)
        self.assert_good(lint.check_sizes, 'common/base/a.h', 'int a;\n' * 500)

    def test_a_long_function(self):
        body = '  step();\n' * 69
        for head in ['int f() {', 'template <class T>\nT C<T>::f(int a) const noexcept {', 'C::C() : a_{1} {',
                     'auto f() -> int {', 'TEST_CASE("it works") {']:
            text = f'namespace a {{\n\n{head}\n  if (x) {{ y(); }}\n{body}}}\n\n}}\n'
            self.assert_bad(lint.check_sizes, 'common/base/a.cc', text)

    def test_a_function_of_the_largest_size(self):
        body = '  step();\n' * 68
        text = f'namespace a {{\nstruct B {{\nint f() {{\n{body}}}\nint g() {{\n{body}}}\n}};\n}}\n'
        self.assert_good(lint.check_sizes, 'common/base/a.cc', text)

    def test_a_long_python_function(self):
        self.assert_bad(lint.check_sizes, 'tests/a.py', 'def f():\n' + '    pass\n' * 70)
        self.assert_good(lint.check_sizes, 'tests/a.py', 'def f():\n' + '    pass\n' * 69)


class Coroutines(CheckTest):
    path = 'common/net/a.cc'

    def wrap(self, body):
        return f'// co_await x{{}}\nawaitable<void> f(int a) {{\n  first();\n  {body}\n  last();\n}}\n'

    def test_what_must_not_stand_beside_co_await(self):
        for body in ['co_await send(Message{1});', 'auto a = co_await send({1, 2});', 'Frame a{co_await get()};',
                     'co_return Frame{co_await get()};', 'auto a = ready ? 1 : co_await get();',
                     'co_await post([this] { go(); });', 'co_await post([=]() { go(); });',
                     'f(co_await get(), throw 1);', 'if (a) co_return Frame{co_await get()};',
                     'if (a ? co_await get() : 0) { b(); }',
                     'while (co_await get(Message{})) { b(); }', 'co_await each([] { b(); c(); });']:
            self.assert_bad(lint.check_coroutines, self.path, self.wrap(body), line=4)

    def test_plain_statements(self):
        for body in ['co_await send(message);', 'auto a = co_await get(b[0], names[i]);',
                     'if (co_await get()) { b(); }', 'while (co_await get()) {}', 'for (;;) { co_await get(); }',
                     'if (!co_await get()) co_return Frame{};', 'Frame a{1};\n  co_await send(a);',
                     'do { co_await get(); } while (a ? b : c);', 'try { co_await get(); } catch (const E& e) {}',
                     'switch (co_await get()) { case 1: b(); }', 'log("co_await {}", a ? b : c);',
                     'else { co_await get(); }', "auto c = '{'; co_await get(c);"]:
            self.assert_good(lint.check_coroutines, self.path, self.wrap(body))

    def test_a_lambda_that_is_a_coroutine(self):
        for body in ['auto a = [&](int b) -> awaitable<void> { co_await get(); };',
                     'spawn(io, []() -> awaitable<void> { co_return; }, done);']:
            self.assert_bad(lint.check_coroutines, self.path, self.wrap(body))
        self.assert_good(lint.check_coroutines, self.path,
                         '[[nodiscard]] awaitable<void> f() {\n  b[1] = 2;\n  co_await get();\n}\n')

    def test_detached(self):
        self.assert_bad(lint.check_coroutines, self.path, 'void f() { co_spawn(io, g(), asio::detached); }\n')
        self.assert_good(lint.check_coroutines, self.path, '// never detached\nvoid f();\n')


class Words(CheckTest):
    def test_banned_words(self):
        for text in ['// TO' 'DO later', '# FIX' 'ME', '// XX' 'X', '/* HA' 'CK */', 'die("Not ' 'implemented")',
                     'cd /wo' 'rk/main', 'see deb.deb' 'ian.org', 'PYPI.or' 'g', 'as in issue ' '#12']:
            self.assert_bad(lint.check_words, 'README.md', 'fine\n' + text + '\n', line=2)

    def test_words_that_only_look_alike(self):
        for text in ['mkdtemp("a.XX' 'XXXX")', 'a TODOS list', 'home/wo' 'rk/a', 'network/', 'an issue of trust']:
            self.assert_good(lint.check_words, 'README.md', text)

    def test_sleeping_tests(self):
        for text in ['std::this_thread::sl' 'eep_for(1ms);', 'time.sl' 'eep(1)', 'set -e\nsl' 'eep 1\n',
                     'true && sl' 'eep 0.1', 'usl' 'eep(10);']:
            self.assert_bad(lint.check_words, 'tests/a/b', text)
        self.assert_good(lint.check_words, 'tests/a/b', 'while asleep: wait()')
        self.assert_good(lint.check_words, 'scripts/demo', 'time.sl' 'eep(1)')


class ReadmesAndHeaders(CheckTest):
    def test_a_layer_without_a_readme(self):
        files = {'common/other/CMakeLists.txt': 'fed_layer(other)', 'common/other/a.cc': ''}
        self.assertEqual(len(list(lint.check_readmes(files))), 1)
        files['common/other/README.md'] = 'What it is for.'
        self.assertEqual(list(lint.check_readmes(files)), [])

    def test_headers(self):
        self.assert_bad(lint.check_headers, 'common/net/a.h', '#pragma once\n// What it is for.\n')
        self.assert_bad(lint.check_headers, 'common/net/a.h', '// What it is for.\n#ifndef A\n#endif\n')
        self.assert_good(lint.check_headers, 'common/net/a.h', '// What it is for.\n#pragma once\n')


class Cpp(unittest.TestCase):
    def test_stripping_keeps_positions(self):
        text = 'a("{\\"", \'}\', 1\'000); // {\n#define B {\\\n  }\nR"x({)x" /* { \n */ b'
        code = cpp.strip(text)
        self.assertEqual([len(line) for line in code.split('\n')], [len(line) for line in text.split('\n')])
        self.assertNotIn('{', code)
        self.assertNotIn('}', code)
        self.assertTrue(code.endswith('b'))
        self.assertIn("1'000", code)

    def test_functions_by_line(self):
        code = 'struct A {\n  int f() {\n    return 1;\n  }\n};\n\nint g(\n    int a) {\n}\n'
        self.assertEqual(cpp.functions(code), [(2, 4), (7, 9)])

    def test_statements(self):
        texts = [text for _, text in cpp.statements('a(1, [] { b; }); if (c) { d = {1}; } for (;;) e();')]
        self.assertEqual(texts, ['a(1, [] { b; })', 'if (c)', 'd = {1}', 'for (;;)', 'e()'])


if __name__ == '__main__':
    unittest.main()
