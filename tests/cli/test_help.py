"""Help, and what is understood of a command line."""
import os
import pty
import re
import subprocess
import unittest

from looptrace import LOOPTRACE, Case
from trace_text import CLEAN, trace

COMMANDS = ('record', 'view', 'top', 'check', 'report', 'diff', 'export',
            'info', 'explain', 'tasks', 'ctl', 'recover', 'selftest')


class HelpCase(Case):
    def help_of(self, command):
        result = self.looptrace(command, '--help')
        self.assertEqual((result.returncode, result.stderr), (0, b''))
        return result.stdout.decode()

    def options_of(self, command):
        return set(re.findall(r'^  (?:-\w, |    )--([\w-]+)',
                              self.help_of(command), re.M))


class Help(HelpCase):
    def test_the_list_names_every_command(self):
        told = self.looptrace().stdout.decode()
        self.assertEqual(
            re.findall(r'^  ([a-z]+) ', told.split('Commands\n')[1], re.M),
            list(COMMANDS))

    def test_no_help_is_wider_than_a_terminal(self):
        for command in ('', *COMMANDS):
            told = self.help_of(command) if command else \
                self.looptrace().stdout.decode()
            for line in told.splitlines():
                self.assertLessEqual(len(line), 80, f'{command}: {line}')

    def test_help_says_usage_options_status(self):
        for command in COMMANDS:
            told = self.help_of(command)
            self.assertIn(f'Usage: looptrace {command}', told)
            self.assertIn('-h, --help', told)
            self.assertEqual(told,
                             self.looptrace('help', command).stdout.decode())
            if command != 'explain':
                self.assertIn('\nExit status: ', told)

    def test_options_stand_before_or_after_the_command(self):
        before = self.looptrace('--no-pager', '--color', 'never', '-q',
                                'explain', 'stall')
        after = self.looptrace('explain', '-q', '--color=never', 'stall',
                               '--no-pager')
        self.assertEqual((before.returncode, before.stdout),
                         (0, after.stdout))
        self.assertEqual(self.looptrace('report', '--version').stdout,
                         self.looptrace('--version').stdout)

    def test_nearly_right_words_are_recognised(self):
        for words, meant in (
                (('chekc',), "did you mean 'check'"),
                (('reprot',), "did you mean 'report'"),
                (('check', '--max-stal', '1ms'), '--max-stall'),
                (('check', '--max-satll', '1ms'), 'did you mean `--max-stall`'),
                (('report', '--tpo', '3'), 'did you mean `--top`'),
                (('export', '--fromat=csv'), 'did you mean `--format`'),
                (('record', '--ouput', 'x'), 'did you mean `--output`'),
                (('view', '--fitler', 'x'), 'did you mean `--filter`'),
                (('info', '--no-pagre'), 'did you mean `--no-pager`'),
                (('explain', 'stal'), 'did you mean `stall`')):
            result = self.looptrace(*words)
            self.assertEqual(result.returncode, 2, words)
            self.assertIn(meant, result.stderr.decode(), words)

    def test_wrong_options_are_named(self):
        for words, told in (
                (('check', '--frobnicate'), 'no option `--frobnicate`\n'),
                (('check', '-Z'), 'no option `-Z`'),
                (('check', '--runs'), '`--runs` needs a value'),
                (('export', '-f'), '`-f` needs a value'),
                (('check', '--strict=yes'), '`--strict=yes` takes no value'),
                (('check', '--max', '1'), '--max-stall, --max-stall-p99'),
                (('report', '--color', 'red'), 'auto, always or never'),
                (('--frobnicate', 'check'), 'its command comes first'),
                (('info', '--\x1b[31m'), r'no option `--\x1b[31m`')):
            result = self.looptrace(*words)
            self.assertEqual(result.returncode, 2, words)
            self.assertIn(told, result.stderr.decode(), words)
            self.assertEqual(result.stdout, b'', words)


class Newest(HelpCase):
    def setUp(self):
        super().setUp()
        for age, name in enumerate(('new.lt', 'old.lt', 'older.lt')):
            path = self.dir / name
            path.write_bytes(trace(CLEAN))
            os.utime(path, (1e9 - age, 1e9 - age))
        (self.dir / 'newest.txt').write_text('no trace')
        (self.dir / 'folder.lt').mkdir()

    def test_the_newest_trace_here_is_taken_where_none_is_named(self):
        for words in (('report',), ('info',), ('check',),
                      ('export', '-f', 'folded'),
                      ('view', '--dump-screen')):
            result = self.looptrace(*words)
            self.assertEqual(result.returncode, 0, result)
            self.assertEqual(
                result.stderr.decode(),
                f'looptrace {words[0]}: new.lt, the newest trace here\n')
            named = self.looptrace(*words, 'new.lt')
            self.assertEqual(result.stdout, named.stdout)
            self.assertEqual(named.stderr, b'')

    def test_quiet_does_not_name_it(self):
        for command in ('report', 'info'):
            self.assertEqual(self.looptrace(command, '-q').stderr, b'')

    def test_no_trace_here_is_wrong_usage(self):
        for path in self.dir.glob('*.lt'):
            if path.is_file():
                path.unlink()
        for command in ('report', 'info', 'check', 'view'):
            result = self.looptrace(command)
            self.assertEqual(result.returncode, 2, result)
            self.assertIn(b'no file here ends in .lt', result.stderr)


class Pager(HelpCase):
    def on_a_terminal(self, *words, pager):
        """Run with a terminal for output.  Returns what came out there."""
        leader, follower = pty.openpty()
        environment = dict(os.environ, TERM='xterm', LOOPTRACE_PAGER=pager)
        try:
            result = subprocess.run(
                [LOOPTRACE, *words], cwd=self.dir, env=environment,
                stdin=subprocess.DEVNULL, stdout=follower,
                stderr=subprocess.PIPE, timeout=60, check=False)
        finally:
            os.close(follower)
        self.assertEqual(result.returncode, 0, result.stderr)
        out = b''
        while True:
            try:
                part = os.read(leader, 65536)
            except OSError:
                break
            if not part:
                break
            out += part
        os.close(leader)
        return out

    def test_long_output_goes_through_it_on_a_terminal_only(self):
        pager = 'tee paged >/dev/null'
        told = self.looptrace('explain', 'stall').stdout
        self.assertEqual(self.on_a_terminal('explain', 'stall', pager=pager),
                         b'')
        paged = self.dir / 'paged'
        self.assertEqual(paged.read_bytes(), told)
        paged.unlink()
        shown = self.on_a_terminal('explain', '--no-pager', 'stall',
                                   pager=pager)
        self.assertEqual(shown.replace(b'\r\n', b'\n'), told)
        self.looptrace('explain', 'stall',
                       env=dict(os.environ, LOOPTRACE_PAGER=pager))
        self.assertFalse(paged.exists())

    def test_one_that_is_left_early_or_is_not_there_is_no_error(self):
        told = self.looptrace('explain', 'stall').stdout
        for pager in ('true', 'head -c 10 >/dev/null'):
            self.assertEqual(self.on_a_terminal('explain', 'stall',
                                                pager=pager), b'')
        for pager in ('no-such-pager -x', ''):
            shown = self.on_a_terminal('explain', 'stall', pager=pager)
            self.assertEqual(shown.replace(b'\r\n', b'\n'), told)


if __name__ == '__main__':
    unittest.main()
