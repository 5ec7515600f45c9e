"""Lists each rule with the tests that name it: rules.py RULES_FILE TEST_FILE...

A test names its rules in brackets at the end of its title: "sleep: zero yields once (S115, S116)".
The status is 1 if a rule has neither a test nor a reason, or a test names a rule that is not there.
"""

import re
import sys


def numbers(text):
    """'S3-S5' or 'S3' as the numbers meant."""
    first, _, last = text.partition('-')
    return range(int(first[1:]), int((last or first)[1:]) + 1)


def read_rules(path):
    sections, reasons = [], {}
    with open(path, encoding='utf-8') as lines:
        for line in lines:
            kind, _, rest = line.strip().partition(' ')
            if kind == 'section':
                number, rules, title = rest.split(' ', 2)
                sections.append((number, numbers(rules), title))
            elif kind == 'none':
                rules, reason = rest.split(' ', 1)
                reasons.update((rule, reason) for rule in numbers(rules))
    return sections, reasons


def read_titles(path):
    with open(path, encoding='utf-8') as file:
        source = file.read()
    for strings in re.findall(r'TEST_CASE\w*\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)', source):
        yield ''.join(re.findall(r'"((?:[^"\\]|\\.)*)"', strings))


def rules_of(title):
    """'(S4, S6a, S30-S32)' names 4, 6, 30, 31 and 32."""
    for brackets in re.findall(r'\(([^()]*\bS\d[^()]*)\)', title):
        for rule in re.findall(r'S\d+-S\d+|S\d+', brackets):
            yield from numbers(rule)


def main():
    sections, reasons = read_rules(sys.argv[1])
    tests = {}
    for path in sys.argv[2:]:
        for title in read_titles(path):
            for rule in rules_of(title):
                tests.setdefault(rule, []).append(title)

    known = {rule for _, rules, _ in sections for rule in rules}
    wrong = [f'"{tests[rule][0]}" names S{rule}, which is no rule' for rule in tests.keys() - known]
    for number, rules, title in sections:
        print(f'\n{number}. {title}')
        for rule in rules:
            print(f'  S{rule}')
            for test in tests.get(rule, []):
                print(f'      {test}')
            if rule not in tests:
                print(f'      no test: {reasons.get(rule, "")}')
                if rule not in reasons:
                    wrong.append(f'S{rule} has neither a test nor a reason')
    tested = len(known & tests.keys())
    print(f'\n{len(known)} rules: {tested} with tests, {len(known) - tested} without')
    for text in wrong:
        print(text)
    return 1 if wrong else 0


sys.exit(main())
