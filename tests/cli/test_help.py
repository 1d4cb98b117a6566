"""Help, the manual and completion: all from the same tables of options."""
import os
import pty
import re
import select
import shutil
import subprocess
import unittest

from looptrace import LOOPTRACE, SRCDIR, Case, needs
from trace_text import CLEAN, trace

COMMANDS = ('record', 'view', 'top', 'check', 'report', 'diff', 'export',
            'info', 'explain', 'tasks', 'ctl', 'recover', 'selftest',
            'completion')
# Any of these run by a shell would leave a file behind.
HOSTILE = ('a b.lt', '$(touch pwned).lt', '`touch pwned`.lt', ';touch pwned.lt',
           "it's.lt", '"q".lt', '*.lt', '-n.lt', 'back\\slash.lt', '\x1b[2J.lt')


class HelpCase(Case):
    def help_of(self, command):
        result = self.looptrace(command, '--help')
        self.assertEqual((result.returncode, result.stderr), (0, b''))
        return result.stdout.decode()

    def options_of(self, command):
        return set(re.findall(r'^  (?:-\w, |    )--([\w-]+)',
                              self.help_of(command), re.M))


class Output(Case):
    def test_output_that_nothing_takes_is_an_error_of_every_command(self):
        path = self.dir / 'x.lt'
        path.write_bytes(trace(CLEAN))
        before = sorted(self.dir.iterdir())
        for words in ('', '--version', 'help report', 'report x.lt',
                      'report --format json x.lt', 'info x.lt', 'check x.lt',
                      'check --format json x.lt', 'diff x.lt x.lt',
                      'export -f ndjson x.lt', 'export -f openmetrics x.lt',
                      'explain', 'explain stall', 'tasks x.lt',
                      'completion bash'):
            for redirect in ('>&-', '<&- >&-', '>/dev/full'):
                result = self.run_command(
                    'sh', '-c', f'"$0" {words} {redirect}', LOOPTRACE)
                with self.subTest(words=words, redirect=redirect):
                    self.assertEqual(result.returncode, 3, result.stderr)
                    self.assertRegex(result.stderr,
                                     rb'\Alooptrace: cannot write the output'
                                     rb'(: [^\n]*)?\n\Z')
        self.assertEqual(sorted(self.dir.iterdir()), before)

    def test_without_any_descriptor_the_trace_is_left_alone(self):
        path = self.dir / 'x.lt'
        path.write_bytes(trace(CLEAN))
        result = self.run_command('sh', '-c',
                                  '"$0" report x.lt <&- >&- 2>&-', LOOPTRACE)
        self.assertEqual(result.returncode, 3)
        self.assertEqual(path.read_bytes(), trace(CLEAN))


class Together(Case):
    def test_an_option_that_would_do_nothing_is_refused(self):
        (self.dir / 'x.lt').write_bytes(trace(CLEAN))
        for words, said in (
                ('check --runs 3 x.lt', '--runs is for a command'),
                ('check --aggregate median x.lt', '--aggregate goes with'),
                ('check --aggregate median -- true', '--aggregate goes with'),
                ('check --overwrite -- true', '--overwrite goes with -o'),
                ('check -v -q x.lt', '--verbose is for'),
                ('check -v --format json x.lt', '--verbose is for'),
                ('check --gen-suppressions=all --format json x.lt',
                 '--gen-suppressions is for'),
                ('export -f csv --overwrite x.lt', '--overwrite goes with -o'),
                ('export -f csv --min 2ms x.lt', '--min means nothing to csv'),
                ('report --task 1 --sort self x.lt', '--sort is not for --task'),
                ('report --task 1 --percentiles x.lt', '--percentiles is not'),
                ('report --diff x.lt -g loop x.lt',
                 '--group-by is not for --diff'),
                ('report --diff x.lt --task 1 x.lt', 'either --task or --diff'),
                ('tasks --dump --json 1', '--dump goes without --json'),
                ('tasks --dump -c 1', '--dump goes without --coroutines'),
                ('record --mode flight --max-size 1M -- true',
                 '--max-size does not bound --mode flight'),
                ('view --size 80x24 x.lt', '--size goes with --dump-screen')):
            with self.subTest(words=words):
                result = self.looptrace(*words.split())
                self.assertEqual((result.returncode, result.stdout), (2, b''),
                                 result)
                self.assertIn(said, result.stderr.decode())
        self.assertEqual(os.listdir(self.dir), ['x.lt'])

    def test_one_that_does_something_is_not(self):
        (self.dir / 'x.lt').write_bytes(trace(CLEAN))
        (self.dir / 'runs.ini').write_text('[run]\nruns = 2\n'
                                           'aggregate = median\n')
        for words in ('check -v --format json:x.json --format text x.lt',
                      'check --gen-suppressions=all x.lt',
                      'check --budget runs.ini x.lt',
                      'check --gen-suppressions=no -q x.lt',
                      'export -f otlp --min 2ms -o x.json --overwrite x.lt'):
            with self.subTest(words=words):
                self.assertEqual(self.looptrace(*words.split()).returncode, 0)


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

    def test_help_names_what_users_know(self):
        for command, known in (('record', ('perf record', 'strace')),
                               ('report', ('perf report',)),
                               ('check', ('valgrind', 'TSan'))):
            told = ' '.join(self.help_of(command).split())
            for word in known:
                self.assertIn(word, told)

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


class Manual(HelpCase):
    def page(self):
        path = self.dir / 'looptrace.1'
        path.write_bytes(self.looptrace('help', '--man').stdout)
        return path

    @needs('man')
    def test_it_tells_every_option_of_every_command(self):
        text = self.run_command('man', '-l', self.page(),
                                env=dict(os.environ, MANWIDTH='200',
                                         LC_ALL='C.UTF-8')).stdout.decode()
        text = re.sub(r'.\x08', '', text).split('\nCOMMANDS')[1]
        for command in COMMANDS:
            part = re.split(rf'\n   {command}\n', text)[1]
            part = re.split(r'\n   ?[a-zA-Z]', part)[0]
            for option in self.options_of(command) - {'help'}:
                self.assertRegex(part, rf'\n +(-\w, )?--{option}\b', command)

    def check_clean(self, path):
        if shutil.which('mandoc'):
            lint = self.run_command('mandoc', '-T', 'lint', '-W', 'warning',
                                    path)
            self.assertEqual((lint.returncode, lint.stdout), (0, b''))
        groff = self.run_command('groff', '-ww', '-man', '-Tutf8', '-z', path)
        self.assertEqual((groff.returncode, groff.stderr), (0, b''))

    @needs('groff')
    def test_the_pages_are_clean_roff(self):
        self.check_clean(self.page())
        self.check_clean(SRCDIR / 'doc/man/looptrace.3')

    def test_the_library_page_names_its_headers(self):
        page = (SRCDIR / 'doc/man/looptrace.3').read_text()
        headers = list((SRCDIR / 'libtrace/include/looptrace').glob('*.h'))
        self.assertTrue(headers)
        for header in headers:
            self.assertIn(f'<looptrace/{header.name}>', page)
        declared = ''.join(h.read_text() for h in headers)
        for name in re.findall(r'\b(lt_\w+|LT_\w+)', page):
            self.assertRegex(declared, rf'\b{name}\b')


class Completion(HelpCase):
    def setUp(self):
        super().setUp()
        self.paths = {}
        for shell in ('bash', 'zsh', 'fish'):
            result = self.looptrace('completion', shell)
            self.assertEqual((result.returncode, result.stderr), (0, b''))
            self.paths[shell] = self.dir / f'completion.{shell}'
            self.paths[shell].write_bytes(result.stdout)

    def bash(self, *words):
        script = ('source ./completion.bash\n'
                  'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))\n'
                  '_looptrace\n'
                  'printf "%s\\0" "${COMPREPLY[@]}"\n')
        result = self.run_command('bash', '--norc', '-c', script, 'bash',
                                  'looptrace', *words)
        self.assertEqual(result.stderr, b'', words)
        return set(result.stdout.decode().split('\0')) - {''}

    @needs('bash')
    def test_bash_completes_what_the_tables_say(self):
        self.assertEqual(self.bash(''), {*COMMANDS, 'help'})
        self.assertEqual(self.bash('chec'), {'check'})
        self.assertEqual(self.bash('--color', 'a'), {'auto', 'always'})
        self.assertEqual(self.bash('--color', 'never', 'reco'),
                         {'record', 'recover'})
        for command in COMMANDS:
            offered = self.bash(command, '--')
            self.assertGreaterEqual({o[2:] for o in offered},
                                    self.options_of(command), command)
        self.assertEqual(self.bash('check', '--format', '=', 'j'),
                         {'json', 'junit'})
        self.assertEqual(self.bash('check', '-W', 'late'), {'late-timer'})
        self.assertEqual(self.bash('report', '--format', ''),
                         {'text', 'html', 'markdown', 'json'})
        self.assertEqual(self.bash('ctl', 's'), {'status', 'snapshot'})
        self.assertIn('csv', self.bash('export', '-f', ''))

    @needs('bash')
    def test_bash_completes_files_and_programs(self):
        (self.dir / 'x.lt').touch()
        (self.dir / 'x.txt').touch()
        (self.dir / 'xfolder').mkdir()
        self.assertEqual(self.bash('view', 'x'), {'x.lt', 'xfolder'})
        self.assertEqual(self.bash('check', '--budget', 'x'),
                         {'x.lt', 'x.txt', 'xfolder'})
        self.assertIn('printf', self.bash('record', '--', 'printf'))
        self.assertEqual(self.bash('check', '--', 'cat', 'x.t'), {'x.txt'})

    @needs('bash')
    def test_names_of_files_are_not_run(self):
        for name in HOSTILE:
            (self.dir / name).touch()
        self.assertEqual(self.bash('report', ''), set(HOSTILE))
        for name in HOSTILE:
            self.bash('report', name[:4])
            self.bash(name, '')
        self.assertFalse((self.dir / 'pwned').exists())

    @needs('zsh')
    def test_zsh_reads_it(self):
        told = self.run_command(
            'zsh', '-f', '-c', 'autoload -Uz compinit; compinit -u -D\n'
            'source ./completion.zsh\necho $_comps[looptrace]')
        self.assertEqual((told.stdout, told.stderr), (b'_looptrace\n', b''))

    @needs('zsh')
    def test_zsh_completes_at_its_prompt(self):
        (self.dir / '.zshrc').write_text(
            'autoload -Uz compinit; compinit -u -D\n'
            'source ./completion.zsh\nbindkey "^I" complete-word\nPS1="> "\n')
        (self.dir / 'one.lt').touch()
        leader, follower = pty.openpty()
        shell = subprocess.Popen(
            ['zsh', '-i'], cwd=self.dir, stdin=follower, stdout=follower,
            stderr=follower, start_new_session=True,
            env=dict(os.environ, ZDOTDIR=str(self.dir), TERM='dumb'))
        os.close(follower)
        try:
            seen = self.read_until(leader, b'> ')
            os.write(leader, b'looptrace check --max-ut\t85% --fail-on wa\t on\t')
            seen = self.read_until(leader, b'one.lt')
        finally:
            shell.kill()
            shell.wait()
            os.close(leader)
        self.assertIn(b'ilization=', seen)
        self.assertIn(b'rn', seen.split(b'fail-on wa')[1])

    def read_until(self, fd, end):
        seen = b''
        while end not in seen:
            ready, _, _ = select.select([fd], [], [], 30)
            self.assertTrue(ready, seen)
            seen += os.read(fd, 4096)
        return seen

    @needs('fish')
    def test_fish_completes_what_the_tables_say(self):
        def offered(line):
            result = self.run_command(
                'fish', '--no-config', '-c',
                f'source completion.fish; complete -C "looptrace {line}"',
                env=dict(os.environ, HOME=str(self.dir)))
            self.assertEqual(result.stderr, b'')
            return {row.split('\t')[0]
                    for row in result.stdout.decode().splitlines()}
        (self.dir / 'x.lt').touch()
        self.assertEqual(offered('chec'), {'check'})
        self.assertEqual(offered('explain never-y'), {'never-yields'})
        self.assertIn('x.lt', offered('view x'))
        for command in ('record', 'check', 'export'):
            self.assertGreaterEqual({o[2:] for o in offered(f'{command} --')},
                                    self.options_of(command), command)

    def test_another_shell_is_wrong_usage(self):
        for words in ((), ('tcsh',), ('bash', 'zsh')):
            self.assertEqual(self.looptrace('completion', *words).returncode,
                             2)


if __name__ == '__main__':
    unittest.main()
