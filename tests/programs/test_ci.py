"""The templates under doc/ci and the budget in doc/check.md, tried."""
import json
import os
import pty
import re
import subprocess
import unittest
import xml.etree.ElementTree

try:
    import yaml
except ImportError:
    yaml = None

from looptrace import BUILDDIR, LONG, LOOPTRACE, SAMPLES, SRCDIR, Case, needs


class Templates(Case):
    def setUp(self):
        super().setUp()
        os.symlink(LOOPTRACE, self.dir / 'looptrace')
        budget = re.search(r'```ini\n(.*?)```', (SRCDIR / 'doc/check.md')
                           .read_text(), re.S).group(1)
        # The baseline is one that nobody has written yet.
        (self.dir / 'ci.budget').write_text(
            re.sub(r'(?m)^(baseline|suppressions|runs|warmup) .*\n', '', budget))

    def sh(self, command, sample):
        app = self.dir / 'app'
        app.write_text(f'#!/bin/sh\nexec {SAMPLES / sample}\n')
        app.chmod(0o755)
        env = {'PATH': f'{self.dir}:/usr/bin:/bin', 'TMPDIR': str(self.dir)}
        return self.run_command('sh', '-c', command, env=env)

    def commands(self, name):
        """The looptrace commands of a template, each in one line."""
        text = (SRCDIR / 'doc/ci' / name).read_text()
        text = re.sub(r' *\\\n\s+|\n\s+(?=--)', ' ', text)
        found = re.findall(r'looptrace check .*', text)
        self.assertTrue(found)
        return found

    def test_github(self):
        command, = self.commands('github.yml')
        self.assertEqual(self.sh(command, 'stall').returncode, 1)
        self.assertTrue((self.dir / 'looptrace.lt').exists())
        log = (self.dir / 'looptrace.sarif').read_bytes()
        self.assertIn(b'"version": "2.1.0"', log)
        self.assertIn(b'on_nap', log)

    def test_gitlab(self):
        command, = self.commands('gitlab.yml')
        self.assertEqual(self.sh(command, 'stall').returncode, 1)
        self.assertTrue((self.dir / 'looptrace.lt').exists())
        suites = xml.etree.ElementTree.parse(self.dir / 'looptrace.xml')
        self.assertTrue(list(suites.iter('failure')))
        issues = json.loads((self.dir / 'looptrace.json').read_text())
        self.assertIn('samples/stall.c',
                      [i['location']['path'][-15:] for i in issues])

    @unittest.skipUnless(yaml, 'no yaml for Python')
    def test_the_templates_are_yaml_with_the_steps_they_need(self):
        told = {name: yaml.safe_load((SRCDIR / 'doc/ci' / name).read_text())
                for name in ('github.yml', 'gitlab.yml')}
        steps = told['github.yml']['jobs']['check']['steps']
        sarif = steps[-1]['with']['sarif_file']
        check, keep = steps[-3]['run'], steps[-2]
        self.assertIn(f'--format sarif:{sarif}', check)
        self.assertEqual(steps[-1]['if'], 'always()')
        self.assertIn('--output looptrace.lt ', check)
        self.assertEqual((keep['if'], keep['with']['path']),
                         ('failure()', 'looptrace*.lt'))
        job = told['gitlab.yml']['looptrace']
        reports = job['artifacts']['reports']
        for form, path in (('junit', reports['junit']),
                           ('gitlab', reports['codequality'])):
            self.assertIn(f'--format {form}:{path}', job['script'][-1])
        self.assertEqual(job['artifacts']['when'], 'always')
        self.assertIn('--output looptrace.lt ', job['script'][-1])
        self.assertEqual(job['artifacts']['paths'], ['looptrace*.lt'])

    @needs('make')
    def test_make(self):
        rule = f'make -f {SRCDIR}/doc/ci/check.mk check-loops'
        self.assertIn(self.sh(rule, 'stall').returncode, (1, 2))
        baseline = rule.replace('check-loops', 'update-baseline')
        result = self.sh(baseline, 'stall')
        self.assertEqual(result.returncode, 0, result)
        self.assertTrue((self.dir / '.looptrace-baseline.json').exists())


class Progress(Case):
    def run_on_terminal(self, *arguments):
        """What looptrace writes to standard error when that is a terminal."""
        leader, follower = pty.openpty()
        child = subprocess.Popen([LOOPTRACE, *map(str, arguments)],
                                 stdin=subprocess.DEVNULL, stderr=follower,
                                 stdout=subprocess.DEVNULL, cwd=self.dir)
        os.close(follower)
        told = b''
        try:
            while True:
                told += os.read(leader, 4096)
        except OSError:  # the other side is closed
            pass
        os.close(leader)
        return child.wait(), told

    @unittest.skipUnless(LONG, 'makes a large trace: ./dev test --long')
    def test_a_bar_on_a_terminal_and_nothing_elsewhere(self):
        big = self.dir / 'big.lt'
        self.run_command(BUILDDIR / 'tests/support/make_big', 10_000_000, 2,
                         big, seconds=300)
        for words, codes in ((('export', '-f', 'csv', '-o', '/dev/null',
                               '--overwrite', big), (0,)),
                             (('check', '-q', big), (0, 1, 4)),
                             (('report', big), (0,))):
            code, told = self.run_on_terminal(*words)
            self.assertIn(code, codes, told[-500:])
            self.assertIn(b'#', told)
            self.assertRegex(told.decode(), r'\[#* *\] +\d+ %')
            self.assertTrue(told.endswith(b'\r'), told[-100:])
            quiet = self.looptrace(*words, seconds=300)
            self.assertNotIn(b'%', quiet.stderr)


if __name__ == '__main__':
    unittest.main()
