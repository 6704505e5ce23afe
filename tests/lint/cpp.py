"""Just enough of C++'s surface for the checks of lint.py: text without comments and literals, statements,
functions. No parser: it follows brackets and looks at the text before an opening brace."""

import re

_TOKEN = re.compile(
    r'(?P<comment>//[^\n]*|/\*.*?\*/)'
    r'|R"(?P<tag>[^()\s\\]{0,16})\((?P<raw>.*?)\)(?P=tag)"'
    r'|(?P<literal>"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\')',
    re.DOTALL)
_DIRECTIVE = re.compile(r'^[ \t]*#(?:[^\n\\]|\\\n|\\.)*', re.MULTILINE)
_BLOCK_WORDS = re.compile(r'(?:\)|\b(?:else|do|try|const|noexcept|override|final|mutable))\s*$')
_NO_FUNCTION = re.compile(
    r'^\s*(?:if|else|for|while|switch|do|try|catch|namespace|struct|class|enum|union|extern|return)\b')
_CONTROL = re.compile(r'^\s*(?:\}?\s*else\s+)?(?:if(?:\s+constexpr)?|for|while|switch)\s*$')
_MEMBER_INITIALISER = re.compile(r'\)\s*(?:noexcept\s*)?:[^:].*[\w>]\s*$', re.DOTALL)


def _blank(text):
    """The same number of lines and columns, nothing on them."""
    return re.sub(r'[^\n]', ' ', text)


def strip(text):
    """Without comments, literals (an empty string stays) and directives; positions do not move."""
    def replace(match):
        if match.group('comment') is not None:
            return _blank(match.group())
        return '"' + _blank(match.group()[1:-1]) + '"'
    return _DIRECTIVE.sub(lambda m: _blank(m.group()), _TOKEN.sub(replace, text))


def line_of(text, position):
    return text.count('\n', 0, position) + 1


def matching(code, start):
    """The position of the bracket that closes the one at `start`, or the end of the text."""
    depth = 0
    for position in range(start, len(code)):
        if code[position] in '({[':
            depth += 1
        elif code[position] in ')}]':
            depth -= 1
            if depth == 0:
                return position
    return len(code)


def opens_block(code, start, brace):
    """Whether the brace opens a block of statements (and not an initialiser) after the text code[start:brace]."""
    head = code[start:brace].strip()
    inner = code[brace + 1:matching(code, brace)]
    return not head or ';' in inner or _BLOCK_WORDS.search(head) is not None


def statements(code):
    """(position, text) of each statement and each head (`if (...)`) with every bracket inside it: what a
    reader would call one full expression and its surroundings."""
    found, start, position = [], 0, 0

    def emit(end):
        text = code[start:end]
        if text.strip():
            found.append((start + len(text) - len(text.lstrip()), text.strip()))

    while position < len(code):
        character = code[position]
        if character in '([' or (character == '{' and not opens_block(code, start, position)):
            control = character == '(' and _CONTROL.match(code[start:position])
            position = matching(code, position)
            if control:
                emit(position + 1)
                start = position + 1
        elif character in ';{}':
            emit(position)
            start = position + 1
        position += 1
    emit(len(code))
    return found


def functions(code):
    """(first line, last line) of each function body with its head. What is nested counts as its parent's."""
    found, start, position = [], 0, 0
    while position < len(code):
        character = code[position]
        if character in '([':
            position = matching(code, position)
        elif character in ';}':
            start = position + 1
        elif character == '{':
            head = code[start:position]
            if _MEMBER_INITIALISER.search(head):
                position = matching(code, position) + 1
                continue
            if ')' in head and not _NO_FUNCTION.match(head):
                end = matching(code, position)
                first = start + len(head) - len(head.lstrip())
                found.append((line_of(code, first), line_of(code, end)))
                position = end
            start = position + 1
        position += 1
    return found


def lambdas(text):
    """(position, captures) of each lambda introducer: a bracket that no name, call or attribute precedes."""
    for match in re.finditer(r'\[', text):
        before = text[:match.start()].rstrip()
        if before and re.search(r'[\w)\]\[]$', before) and not re.search(r'\b(?:return|co_return)$', before):
            continue
        if text[match.end():match.end() + 1] == '[':
            continue
        yield match.start(), text[match.end():matching(text, match.start())].strip()
