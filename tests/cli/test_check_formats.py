"""The machine formats of check: each parsed by somebody else, and names that
try to break out of each."""
import json
import os
import subprocess
import unittest
import xml.etree.ElementTree as ET

import lt_encode as e
from looptrace import Case, needs
from trace_text import CLEAN, SHOP, SITES, Fixture, trace

FORMATS = ('text', 'json', 'ndjson', 'junit', 'sarif', 'github', 'gitlab',
           'markdown')
HOSTILE = [
    ''.join(map(chr, range(1, 32))) + '\x7f',
    ''.join(map(chr, range(0x80, 0xa0))),
    '\x1b]0;owned\x07\x1b[2J\x1b[31m',
    'abc\u202edcba\u2066\u2069\u200b\u2028\ufeff',
    'a]]><failure/>&amp;<!--"\'',
    'x\n::error file=a,line=1::pwned',
    'x\r\n##[error]pwned ##[set-output name=a]b',
    '%0A::error::pwned%25',
    '| a | `b` | <img src=x onerror=1> [x](http://evil) @root #1 :smile: $x$',
    '"},{"rule":"x","a":"\\',
    'back\\slash',
    'n' * 65535,
]
INVALID = b'\xff\xfe\xc3\x28\xed\xa0\x80\xf4\x90\x80\x80'


class Renamed(Fixture):
    """A fixture whose strings (functions, files, labels, reasons) are others:
    any bytes, also such as its text cannot hold."""
    hostile = b''

    def make(self, *arguments, **options):
        kept = e.string
        e.string = lambda i, text: kept(i, self.hostile)
        try:
            return super().make(*arguments, **options)
        finally:
            e.string = kept


def hostile_trace(text):
    """SHOP, with these bytes in every place where a program can put some."""
    raw = text if isinstance(text, bytes) else text.encode()
    name = raw.decode('utf-8', 'replace')[:100]
    fixture = Renamed(names=(name, name))
    fixture.hostile = raw
    return fixture.make(SHOP, comm='\x1b[31m]]>"')


class Formats(Case):
    def write(self, data, name='x.lt'):
        (self.dir / name).write_bytes(data)
        return name

    def told(self, form, *arguments, codes=(0, 1, 3, 4), **options):
        result = self.looptrace('check', '--format', form, *arguments,
                                **options)
        self.assertIn(result.returncode, codes,
                      (result.stdout[-2000:], result.stderr[-2000:]))
        return result.stdout

    def assert_inert(self, told, form):
        text = told.decode()  # it is UTF-8
        for c in text:
            self.assertTrue(c == '\n' or 32 <= ord(c) < 127 or ord(c) >= 160,
                            (form, hex(ord(c))))
        for c in '\u202e\u2066\u200b\u2028\ufeff':
            self.assertNotIn(c, text, form)

    def check_all(self, name):
        for form in FORMATS:
            told = self.told(form, '--max-blocking', '0', '--max-stall-p99',
                             '1ms', name)
            self.assert_inert(told, form)
            self.parse(form, told)

    def parse(self, form, told):
        text = told.decode()
        if form in ('json', 'sarif'):
            json.loads(text)
        elif form == 'ndjson':
            lines = [json.loads(line) for line in text.splitlines()]
            self.assertIn('verdict', lines[-1])
        elif form == 'junit':
            suites = ET.fromstring(told)
            self.check_junit(suites)
        elif form == 'github':
            self.check_github(text)
        elif form == 'gitlab':
            self.check_gitlab(json.loads(text))
        elif form == 'markdown':
            self.check_markdown(text)

    def check_junit(self, suites):
        known = {'testsuites', 'testsuite', 'testcase', 'failure', 'error',
                 'skipped', 'system-out'}
        self.assertLessEqual({e.tag for e in suites.iter()}, known)
        for suite in suites.iter('testsuite'):
            for word, tag in (('tests', 'testcase'), ('failures', 'failure'),
                              ('errors', 'error'), ('skipped', 'skipped')):
                self.assertEqual(int(suite.get(word)),
                                 len(list(suite.iter(tag))), word)

    def check_github(self, text):
        self.assertLessEqual(text.count('::error '), 12)
        for line in text.splitlines():
            self.assertRegex(line, r'\A::(error|warning|notice) '
                             r'(file=[^:,]*,line=\d+,)?title=[^:,]*::[^\r\n]*\Z')
            self.assertNotIn('##[', line)

    def check_gitlab(self, issues):
        # What https://docs.gitlab.com/ci/testing/code_quality says is read.
        for issue in issues:
            self.assertLessEqual({'description', 'check_name', 'fingerprint',
                                  'severity', 'location'}, set(issue))
            self.assertIn(issue['severity'], ('info', 'minor', 'major',
                                              'critical', 'blocker'))
            self.assertRegex(issue['fingerprint'], r'\A[0-9a-f]{16}\Z')
            self.assertTrue(issue['location']['path'])
            self.assertGreaterEqual(issue['location']['lines']['begin'], 1)

    def check_markdown(self, text):
        for line in text.splitlines():
            if line.startswith('|'):
                self.assertIn(line.count('|'), (5, 7), line[:300])
            for mark in ('<', '`', '@', '](', '://', '$'):
                self.assertNotIn(mark, line)

    def test_hostile_names_come_out_inert(self):
        for i, text in enumerate(HOSTILE + [INVALID]):
            self.write(hostile_trace(text), f'{i}.lt')
            self.check_all(f'{i}.lt')
        for form in FORMATS:  # the names are there, and told
            self.assertIn(b'owned', self.told(form, '2.lt'), form)

    def test_hostile_file_names_come_out_inert(self):
        for raw in (INVALID, b']]>\n::error::', b'\x1b[31m', b'##[error]'):
            path = os.fsencode(self.dir) + b'/' + raw + b'.lt'
            with open(path, 'wb') as file:
                file.write(trace(SHOP))
            for form in FORMATS:
                told = self.told(form, os.fsdecode(path), codes=(1,))
                self.assert_inert(told, form)
                self.parse(form, told)

    @needs('jq')
    def test_jq_takes_the_json_forms(self):
        self.write(trace(SHOP))
        for form, query in (('json', '.findings | length'),
                            ('sarif', '.runs[0].results | length'),
                            ('ndjson', 'select(.rule) | 1')):
            told = self.told(form, 'x.lt')
            jq = subprocess.run(['jq', query], input=told, capture_output=True,
                                check=True)
            self.assertEqual(sum(map(int, jq.stdout.split())), 3, form)

    @needs('xmllint')
    def test_xmllint_takes_junit(self):
        for i, text in enumerate(HOSTILE):
            self.write(hostile_trace(text))
            lint = subprocess.run(['xmllint', '--noout', '-'],
                                  input=self.told('junit', 'x.lt'),
                                  capture_output=True, check=False)
            self.assertEqual((lint.returncode, lint.stderr), (0, b''), i)

    def test_junit_has_a_case_for_each_budget_line_kept_or_not(self):
        self.write(trace(SHOP))
        suites = ET.fromstring(self.told(
            'junit', '--max-utilization', '90%', '--max-stall-p99', '20ms',
            'x.lt', codes=(1,)))
        cases = {c.get('name'): [e.tag for e in c] for c in
                 suites.iter('testcase')}
        self.assertEqual(cases, {
            'utilization.max <= 90%': ['system-out'],
            'stall.p99 <= 20ms': ['failure', 'system-out'],
            'stall.max <= 100ms': ['failure', 'system-out'],
            'complete enough for a verdict': []})

    def test_junit_says_unreadable_and_inconclusive_as_errors(self):
        self.write(trace(CLEAN, ended=False), 'cut.lt')
        self.write(b'hello', 'none.lt')
        suites = ET.fromstring(self.told('junit', 'cut.lt', 'none.lt',
                                         codes=(3,)))
        self.check_junit(suites)
        self.assertEqual([e.get('type') for e in suites.iter('error')],
                         ['inconclusive', 'unreadable'])

    def test_sarif_has_what_code_scanning_wants(self):
        (self.dir / 'shop.c').write_text('x\n' * 100)
        sites = dict(SITES, render=(f'{self.dir}/a b#.c', 47))
        self.write(trace(SHOP, sites=sites))
        log = json.loads(self.told('sarif', 'x.lt'))
        self.assertEqual(log['version'], '2.1.0')
        run, = log['runs']
        rules = [rule['id'] for rule in run['tool']['driver']['rules']]
        self.assertEqual(len(rules), len(set(rules)))
        for rule in run['tool']['driver']['rules']:
            self.assertTrue(rule['shortDescription']['text'])
            self.assertTrue(rule['help']['text'])
        self.assertFalse([r for r in run['results'] if r['ruleId'] not in rules
                          or r['level'] not in ('none', 'note', 'warning',
                                                'error')])
        first = run['results'][0]
        place = first['locations'][0]['physicalLocation']
        self.assertEqual(place['artifactLocation']['uri'], 'a%20b%23.c')
        self.assertEqual(place['region']['startLine'], 47)
        self.assertRegex(
            first['partialFingerprints']['looptraceFingerprint/v1'],
            r'\A[0-9a-f]{16}\Z')
        flow = first['codeFlows'][0]['threadFlows'][0]['locations']
        self.assertEqual(len(flow), 2)
        for result in run['results']:
            self.assertGreaterEqual(result['occurrenceCount'], 1)
        self.assertIs(run['invocations'][0]['executionSuccessful'], True)

    def many(self, n):
        sites = {f'place_{i}': ('/src/many.c', i) for i in range(1, n + 1)}
        lines = ['0 loop+', '1 poll']
        for i in range(1, n + 1):
            at = i * 1000
            lines += [f'{at} wake', f'{at} usage cpu={at}',
                      f'{at} resume task={i} kind=timer site=place_{i}',
                      f'{at + 100 + i} await task={i}',
                      f'{at + 100 + i} usage cpu={at + 100 + i}',
                      f'{at + 100 + i} poll']
        at = (n + 1) * 1000
        return trace('\n'.join(lines + [f'{at} wake', f'{at} loop-']),
                     sites=sites)

    def test_github_shows_ten_at_most_the_worst_first(self):
        for n, shown, last in ((10, 10, None), (11, 10, 'and 2 more')):
            self.write(self.many(n))
            lines = self.told('github', 'x.lt').decode().splitlines()
            self.assertEqual(len(lines), shown)
            self.assertIn(f'line={n},', lines[0])
            if last:
                self.assertIn(last, lines[-1])

    def test_gitlab_gets_each_finding_with_its_place(self):
        self.write(trace(SHOP))
        issues = json.loads(self.told('gitlab', 'x.lt'))
        self.check_gitlab(issues)
        self.assertEqual(
            [(i['check_name'], i['severity'], i['location']['path'],
              i['location']['lines']['begin']) for i in issues],
            [('stall', 'critical', '/src/shop.c', 47),
             ('stall', 'critical', '/src/shop.c', 31),
             ('stall', 'info', 'x.lt', 1)])  # code without a symbol
        told = json.loads(self.told('json', 'x.lt'))
        self.assertEqual([i['fingerprint'] for i in issues],
                         [f['fingerprint'] for f in told['findings']])
        self.told('text', '--baseline', 'b.json', '--update-baseline', 'x.lt')
        issues = json.loads(self.told('gitlab', '--baseline', 'b.json',
                                      'x.lt'))
        self.assertEqual({i['severity'] for i in issues}, {'info'})

    def test_on_github_annotations_and_a_summary_come_by_themselves(self):
        self.write(trace(SHOP))
        (self.dir / 'summary.md').write_text('before\n')
        result = self.looptrace(
            'check', 'x.lt', env={'GITHUB_ACTIONS': 'true', 'PATH': '/bin',
                                  'GITHUB_STEP_SUMMARY': 'summary.md'})
        self.assertIn(b'\nerror[stall]', b'\n' + result.stdout)
        self.assertIn(b'\n::error file=/src/shop.c,line=47', result.stdout)
        summary = (self.dir / 'summary.md').read_text()
        self.assertTrue(summary.startswith('before\n## looptrace check: FAIL'))

    def test_a_trace_whose_name_is_a_command_is_none(self):
        self.write(trace(SHOP), '::error::x.lt')
        told = self.told('text', '::error::x.lt').decode()
        self.assertNotRegex(told, r'(?m)^\s*::')

    def test_several_formats_go_to_several_files(self):
        self.write(trace(SHOP))
        options = [word for form in FORMATS
                   for word in ('--format', f'{form}:out.{form}')]
        result = self.looptrace('check', *options, 'x.lt')
        self.assertEqual((result.returncode, result.stdout), (1, b''))
        for form in FORMATS:
            self.parse(form, (self.dir / f'out.{form}').read_bytes())


if __name__ == '__main__':
    unittest.main()
