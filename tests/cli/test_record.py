"""looptrace record: it is not there, as far as the command can tell."""
import errno
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
import time
import unittest

from looptrace import BUILDDIR, LOOPTRACE, Case

ARENAS = pathlib.Path('/dev/shm')
NOBODY = 65534

# Turns a loop: a timer of so many ms, in a function with a name of its own.
TURN = r'''
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>
static int ticks;
static void tick_of_test(uv_timer_t *timer) {
  if (getenv("SLEEP_MS")) usleep(1000 * atoi(getenv("SLEEP_MS")));
  if (++ticks == 3) uv_close((uv_handle_t *)timer, NULL);
}
int main(int argc, char **argv) {
  uv_timer_t timer;
  if (argc > 1) { /* a daemon, which takes so many ms to begin */
    if (fork()) { printf("gone\n"); return 5; }
    setsid();
    usleep(1000 * atoi(argv[1]));
  }
  uv_timer_init(uv_default_loop(), &timer);
  uv_timer_start(&timer, tick_of_test, 10, 10);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
'''

# Its threads are called other; its child, which turns a loop too, is the worker.
RENAMED = r'''
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>
static void tick(uv_timer_t *timer) { uv_close((uv_handle_t *)timer, NULL); }
static void turn(void) {
  uv_loop_t loop;
  uv_timer_t timer;
  uv_loop_init(&loop);
  uv_timer_init(&loop, &timer);
  uv_timer_start(&timer, tick, 1, 0);
  uv_run(&loop, UV_RUN_DEFAULT);
  uv_loop_close(&loop);
}
int main(void) {
  prctl(PR_SET_NAME, "other");
  turn();
  if (fork() == 0) {
    prctl(PR_SET_NAME, "the worker");
    turn();
    return 0;
  }
  return wait(0) < 0;
}
'''


def is_listening(path):
    """Does a recorder wait at this socket?"""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as talk:
        try:
            talk.connect(str(path))
        except OSError as error:
            return error.errno not in (errno.ECONNREFUSED, errno.ENOENT)
    return True


def arenas():
    """Those that nobody uses: other recordings may run on this machine."""
    found = {path for path in ARENAS.glob('looptrace-*')
             if not (path.is_socket() and is_listening(path))}
    for maps in pathlib.Path('/proc').glob('[0-9]*/maps') if found else ():
        try:
            text = maps.read_text(errors='replace')
        except OSError:
            continue
        found = {path for path in found if str(path) not in text}
    return {path for path in found if path.exists()}


def arena_of(pid):
    """By the environment of a recorded process."""
    words = pathlib.Path(f'/proc/{pid}/environ').read_bytes().split(b'\0')
    name, = [w for w in words if w.startswith(b'LOOPTRACE_ARENA=')]
    return pathlib.Path(os.fsdecode(name.partition(b'=')[2]))


def children_of(pid):
    text = pathlib.Path(f'/proc/{pid}/task/{pid}/children').read_text()
    return [int(word) for word in text.split()]


class Record(Case):
    def setUp(self):
        super().setUp()
        # A recorder that was killed may have left one; ours must not.
        before = arenas()
        self.addCleanup(lambda: self.assertEqual(arenas() - before, set()))

    def record_args(self, *command, options=()):
        return [LOOPTRACE, 'record', '-o', 'x.lt', *options, '--', *command]

    def start(self, *command, **options):
        """A recording in a process group of its own; ended with the test."""
        process = subprocess.Popen(
            self.record_args(*command), cwd=self.dir, process_group=0,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, **options)

        def end():
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            process.stdout.close()
            process.stderr.close()
        self.addCleanup(end)
        return process

    def finish(self, process, seconds=30):
        out, err = process.communicate(timeout=seconds)
        return process.returncode, out, err

    def compile(self, name, source, *flags):
        path = self.dir / f'{name}.c'
        path.write_text(source)
        built = self.run_command('cc', '-g', path, '-o', self.dir / name,
                                 *flags)
        if built.returncode:
            self.skipTest(f'cc {flags}: {built.stderr.decode()}')
        return str(self.dir / name)

    def turner(self, *flags):
        return self.compile('turner', TURN, '-luv', *flags)


class PassesThrough(Record):
    def test_the_exit_status_is_the_commands(self):
        for status in (0, 1, 2, 77, 125, 255):
            result = self.looptrace('record', '--', 'sh', '-c',
                                    f'exit {status}')
            self.assertEqual(result.returncode, status, result)

    def test_a_signal_becomes_128_and_its_number(self):
        for number in (signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM):
            result = self.looptrace('record', '--', 'sh', '-c',
                                    f'ulimit -c 0; kill -{int(number)} $$')
            self.assertEqual(result.returncode, 128 + number, result)

    def test_input_and_output_are_untouched(self):
        text = os.urandom(300_000)
        result = self.looptrace('record', '-q', '--', 'sh', '-c',
                                'cat; echo to stderr >&2', input=text,
                                stdin=None)
        self.assertEqual(result.stdout, text)
        self.assertEqual(result.stderr, b'to stderr\n')

    def test_a_closed_output_stays_closed(self):
        for redirect in ('>&-', '2>&-', '<&-', '>&- 2>&- <&-'):
            result = self.run_command(
                'sh', '-c', f'"$0" record -q -- true {redirect}', LOOPTRACE)
            self.assertEqual(result.returncode, 0, (redirect, result))
        result = self.run_command(
            'sh', '-c', '"$0" record -q -- sh -c "echo x >&2; echo y" >&-',
            LOOPTRACE)
        self.assertIn(b'x\n', result.stderr)
        self.assertNotIn(b'y', result.stdout)

    def test_signals_and_descriptors_are_as_inherited(self):
        def prepare():
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK,
                                   [signal.SIGTERM, signal.SIGUSR2])
        for command in ("grep '^Sig[BI]' /proc/self/status",
                        'ls /proc/self/fd'):
            words = ['sh', '-c', f'exec {command}']
            plain = self.run_command(*words, preexec_fn=prepare)
            with_record = self.looptrace('record', '-q', '--', *words,
                                         preexec_fn=prepare)
            self.assertEqual(with_record.stdout, plain.stdout)
            self.assertEqual(with_record.returncode, 0)

    def test_the_users_own_preload_comes_after_ours(self):
        own = self.compile('own.so', 'int own_library;', '-shared', '-fPIC')
        result = self.looptrace(
            'record', '-q', '--', 'sh', '-c', 'echo $LD_PRELOAD',
            env=dict(os.environ, LD_PRELOAD=own))
        first, second = result.stdout.decode().strip().split(':')
        self.assertTrue(first.endswith('/liblooptrace-preload.so'), first)
        self.assertEqual(second, own)


class Refuses(Record):
    def assert_refused(self, result, code, *words):
        self.assertEqual(result.returncode, code, result)
        text = result.stderr.decode()
        self.assertTrue(text.startswith('looptrace record: '), text)
        for word in words:
            self.assertIn(word, text)
        self.assertEqual(result.stdout, b'')
        self.assertFalse((self.dir / 'started').exists())

    def refuse(self, path, *words, options=()):
        result = self.looptrace('record', '-o', path, *options, '--',
                                'touch', 'started')
        self.assert_refused(result, 125, *words)

    def test_a_command_that_is_not_there(self):
        for name in ('no-such-command', './no-such-command', ''):
            self.assert_refused(self.looptrace('record', '--', name), 127,
                                'not found')

    def test_a_command_that_cannot_be_executed(self):
        (self.dir / 'text').write_text('text\n')
        (self.dir / 'script').write_text('#!/no/such/interpreter\n')
        (self.dir / 'script').chmod(0o755)
        for name, word in (('./text', 'Permission denied'),
                           ('/', 'directory'), ('./script', 'interpreter')):
            self.assert_refused(self.looptrace('record', '--', name), 126,
                                word)

    def test_an_existing_file(self):
        (self.dir / 'old.lt').write_text('precious')
        self.refuse('old.lt', 'old.lt', '--overwrite')
        self.assertEqual((self.dir / 'old.lt').read_text(), 'precious')

    def test_what_is_no_regular_file(self):
        (self.dir / 'target').write_text('precious')
        os.symlink('target', self.dir / 'link')
        os.symlink('nowhere', self.dir / 'dangling')
        os.mkfifo(self.dir / 'fifo')
        (self.dir / 'folder').mkdir()
        for name in ('link', 'dangling', 'fifo', 'folder', '/dev/null'):
            for options in ((), ('--overwrite',)):
                self.refuse(name, 'not a regular file', options=options)
        self.assertEqual((self.dir / 'target').read_text(), 'precious')
        self.assertFalse((self.dir / 'nowhere').exists())

    def test_a_folder_that_is_not_there(self):
        self.refuse('no/such/x.lt', 'No such file')
        self.refuse('', 'empty')

    @unittest.skipIf(os.geteuid() == 0, 'root may write anywhere')
    def test_a_folder_that_cannot_be_written_to(self):
        (self.dir / 'closed').mkdir(mode=0o500)
        self.refuse('closed/x.lt', 'Permission denied')

    def test_a_missing_preload_library(self):
        result = self.looptrace(
            'record', '--', 'touch', 'started',
            env=dict(os.environ, LOOPTRACE_PRELOAD='/no/such.so'))
        self.assert_refused(result, 125, '/no/such.so')

    def test_wrong_usage(self):
        for arguments in ((), ('-o',), ('--bogus', '--', 'true'),
                          ('--min-block', '5', '--', 'true'),
                          ('--min-block', '-5ms', '--', 'true')):
            result = self.looptrace('record', *arguments)
            self.assertEqual(result.returncode, 2, result)
            self.assertIn(b'--help', result.stderr)


class SaysWhyNothingWasSeen(Record):
    def why(self, *command, **options):
        result = self.looptrace('record', '--', *command, **options)
        self.assertEqual(list(self.dir.glob('*.lt')), [])
        lines = [line for line in result.stderr.decode().splitlines()
                 if line.startswith('looptrace: ')]
        self.assertEqual(len(lines), 1, result)
        self.assertIn('no event loop ran in', lines[0])
        self.assertIn('Nothing was written', lines[0])
        return lines[0]

    def test_a_program_that_becomes_another_without_us(self):
        result = self.looptrace('record', '--', 'env', '-i', 'sleep', '2.5')
        self.assertRegex(result.stderr.decode(),
                         r'no event loop ran in \S*/env: it became '
                         r'\S*/(sleep|coreutils|busybox), and LD_PRELOAD')

    def test_a_program_without_libuv(self):
        self.assertIn('no event loop ran in /usr/bin/true: it does not use '
                      'libuv', self.why('/usr/bin/true'))

    def test_a_static_program(self):
        program = self.compile('fixed', 'int main(void) { return 0; }',
                               '-static')
        self.assertIn('statically linked', self.why(program))

    def test_a_program_that_has_libuv_but_turns_no_loop(self):
        program = self.compile('idle', '#include <uv.h>\nint main(void) '
                               '{ return uv_version() == 0; }', '-luv')
        self.assertIn('never turned a loop', self.why(program))

    def test_a_program_with_a_libuv_inside(self):
        program = self.compile(
            'inside', 'int uv_run(void) { return 0; }'
            'int main(void) { return uv_run(); }')
        self.assertIn('a libuv of its own', self.why(program))

    def test_a_script(self):
        script = self.dir / 'script'
        script.write_text('#!/bin/sh\ntrue\n')
        script.chmod(0o755)
        self.assertRegex(self.why('./script'),
                         r'\./script \(a script for /bin/sh\): it does not')
        script.write_text('true\n')
        self.assertIn('a script for /bin/sh', self.why('./script'))

    def test_the_programs_it_started_are_counted(self):
        self.assertIn('or in the 2 programs it started',
                      self.why('sh', '-c', '/bin/true; /bin/true; exit 3'))

    def test_a_setuid_program(self):
        mount = shutil.which('mount')
        if not mount or not os.stat(mount).st_mode & stat.S_ISUID:
            self.skipTest('no setuid mount here')
        options = {}
        if os.geteuid() == 0:
            options = {'user': NOBODY, 'group': NOBODY, 'extra_groups': []}
            self.dir.chmod(0o777)
            tried = self.run_command(LOOPTRACE, '--version', **options) \
                if os.access(BUILDDIR, os.X_OK) else None
            if not tried or tried.returncode:
                self.skipTest('nobody cannot execute what was built')
        self.assertIn('setuid', self.why(mount, '--version', **options))


class Signals(Record):
    LOOP = 'echo $$; while :; do read x < fifo; done'

    def start_sh(self, script, **options):
        """Returns the recorder, and the command's pid, which it printed."""
        os.mkfifo(self.dir / 'fifo')
        process = self.start('sh', '-c', script, **options)
        return process, int(process.stdout.readline())

    def wait_stopped(self, process):
        pid, status = os.waitpid(process.pid, os.WUNTRACED)
        self.assertEqual(pid, process.pid)
        self.assertTrue(os.WIFSTOPPED(status), status)

    def test_term_and_hup_are_passed_on(self):
        for name in ('TERM', 'HUP'):
            process, _ = self.start_sh(
                f'trap "echo got; exit 9" {name}; {self.LOOP}')
            os.kill(process.pid, getattr(signal, f'SIG{name}'))
            code, out, _ = self.finish(process)
            self.assertEqual((code, out), (9, b'got\n'))
            os.unlink(self.dir / 'fifo')

    def test_a_command_killed_by_term_gives_143(self):
        process, _ = self.start_sh(self.LOOP)
        os.kill(process.pid, signal.SIGTERM)
        self.assertEqual(self.finish(process)[0], 143)

    def test_ctrl_c_is_the_commands(self):
        process, pid = self.start_sh(
            f'trap "echo got" INT; trap "echo quit; exit 3" QUIT; {self.LOOP}')
        # Of the recorder alone: nothing happens.  Of the command: its own.
        os.kill(process.pid, signal.SIGINT)
        os.kill(process.pid, signal.SIGQUIT)
        os.kill(pid, signal.SIGINT)
        self.assertEqual(process.stdout.readline(), b'got\n')
        os.kill(pid, signal.SIGQUIT)
        code, out, _ = self.finish(process)
        self.assertEqual((code, out), (3, b'quit\n'))

    def test_a_term_of_the_commands_to_its_group_comes_once(self):
        process = self.start(
            'sh', '-c', 'trap "echo got" TERM; kill -TERM 0; sleep 0.3 & wait')
        code, out, _ = self.finish(process)
        self.assertEqual((code, out), (0, b'got\n'))

    def test_a_second_term_later_ends_the_recording_only(self):
        process, pid = self.start_sh(f'trap "echo got" TERM; {self.LOOP}')
        os.kill(process.pid, signal.SIGTERM)
        self.assertEqual(process.stdout.readline(), b'got\n')
        time.sleep(1.1)  # what the second one is told by
        os.kill(process.pid, signal.SIGTERM)
        process.wait(30)
        self.assertEqual(process.returncode, 143)
        os.kill(pid, 0)
        os.kill(pid, signal.SIGKILL)
        self.assertIn(b'runs on', process.stderr.read())

    def test_a_stop_is_followed_and_continued_by_the_recorder(self):
        for name in ('STOP', 'TSTP'):
            process = self.start('sh', '-c', f'kill -{name} $$; echo woke')
            self.wait_stopped(process)
            os.kill(process.pid, signal.SIGCONT)
            code, out, _ = self.finish(process)
            self.assertEqual((code, out), (0, b'woke\n'), name)

    def test_a_stop_is_followed_and_continued_by_the_command(self):
        process = self.start('sh', '-c', 'echo $$; kill -STOP $$; echo woke')
        pid = int(process.stdout.readline())
        self.wait_stopped(process)
        os.kill(pid, signal.SIGCONT)
        code, out, _ = self.finish(process)
        self.assertEqual((code, out), (0, b'woke\n'))

    def test_a_stopped_recorder_does_not_stop_the_command(self):
        os.mkfifo(self.dir / 'fifo')
        process = self.start('sh', '-c', 'echo up; read x < fifo; echo woke')
        self.assertEqual(process.stdout.readline(), b'up\n')
        os.kill(process.pid, signal.SIGSTOP)
        self.wait_stopped(process)
        (self.dir / 'fifo').write_text('go\n')
        self.assertEqual(process.stdout.readline(), b'woke\n')
        os.kill(process.pid, signal.SIGCONT)
        self.assertEqual(self.finish(process)[0], 0)

    def test_the_arena_is_gone_after_term_and_there_before(self):
        process, pid = self.start_sh(self.LOOP)
        arena = arena_of(pid)
        self.assertEqual(stat.S_IMODE(arena.stat().st_mode), 0o600)
        os.kill(process.pid, signal.SIGTERM)
        self.finish(process)
        self.assertFalse(arena.exists())

    def test_keys_of_a_terminal(self):
        # Ctrl-Z, then fg; then Ctrl-C: by a shell with job control.
        shell = shutil.which('bash')
        if not shell:
            self.skipTest('no bash')
        pid, fd = pty.fork()
        if pid == 0:
            os.chdir(self.dir)
            os.execv(shell, [shell, '--norc', '--noprofile', '-i'])
        self.addCleanup(os.waitpid, pid, 0)
        self.addCleanup(os.kill, pid, signal.SIGKILL)
        self.addCleanup(os.close, fd)

        def expect(pattern, seen=b''):
            end = time.monotonic() + 20
            while not re.search(pattern, seen):
                ready = select.select([fd], [], [], end - time.monotonic())[0]
                self.assertTrue(ready, (pattern, seen))
                seen += os.read(fd, 4096)
        # Nothing is forked after "up": a vfork would be stopped half-way.
        os.mkfifo(self.dir / 'fifo')
        command = ' '.join(self.record_args(
            'sh', '-c', "'echo u''p; read x < fifo'"))
        os.write(fd, command.encode() + b'\n')
        expect(rb'[\r\n]up\r')
        group = os.tcgetpgrp(fd)
        self.assertNotEqual(group, pid)
        os.write(fd, b'\x1a')
        expect(rb'Stopped')
        while os.tcgetpgrp(fd) == group:
            time.sleep(0.01)
        os.write(fd, b'fg\n')
        while os.tcgetpgrp(fd) != group:
            time.sleep(0.01)
        os.write(fd, b'\x03')
        while os.tcgetpgrp(fd) == group:
            time.sleep(0.01)
        os.write(fd, b'echo status=$?\n')
        expect(rb'status=130')


class Traces(Record):
    def assert_recorded(self, err, n=1):
        lines = re.findall(r'^looptrace: recorded ([\d,]+) events of (\S+) '
                           r'\(pid \d+\) in \S+ m?s, lost ([\d,]+), into '
                           r'(\S+) \(.*\)$', err.decode(), re.M)
        self.assertEqual(len(lines), n, err)
        return lines

    def test_one_line_says_what_was_recorded(self):
        result = self.looptrace('record', '-o', 'x.lt', '--', self.turner())
        self.assertEqual(result.returncode, 0, result)
        (events, comm, lost, path), = self.assert_recorded(result.stderr)
        self.assertGreater(int(events.replace(',', '')), 10)
        self.assertEqual((comm, lost, path), ('turner', '0', 'x.lt'))

    def test_a_program_is_called_what_it_was_started_as(self):
        program = self.compile('renamed', RENAMED, '-luv')
        result = self.looptrace('record', '-o', 'x.lt', '--', program)
        self.assertEqual(result.returncode, 0, result)
        self.assertIn(b' events of renamed (pid ', result.stderr)
        self.assertIn(b' events of the worker (pid ', result.stderr)
        self.assertRegex(self.looptrace('info', 'x.lt').stdout,
                         rb'threads +1\n +\d+ other \(main\)')
        self.assertEqual(len(list(self.dir.glob('x.the_worker-*.lt'))), 1)

    def test_info_and_report_tell_the_same_numbers(self):
        result = self.looptrace('record', '-o', 'x.lt', '--', self.turner())
        events, took = re.search(rb'recorded ([\d,]+) events .* in ([^,]+),',
                                 result.stderr).groups()
        info = self.looptrace('info', 'x.lt').stdout
        self.assertIn(b', for ' + took + b', by looptrace', info)
        self.assertIn(b'events     ' + events.replace(b',', b' ') + b', ', info)
        self.assertIn(b', ' + took + b', ' + events.replace(b',', b' ')
                      + b' events, ', self.looptrace('report', 'x.lt').stdout)

    def test_a_snapshot_is_as_long_to_all(self):
        result = self.looptrace('record', '--mode', 'flight=300ms',
                                '--snapshot-on-stall', '1us', '-o', 'x.lt',
                                '--', self.turner())
        self.assertEqual(result.returncode, 0, result)
        last = max(self.dir.glob('x.*.lt'), key=lambda p: int(p.suffixes[0][1:]))
        took = re.search(rb' in ([^,]+), lost', result.stderr).group(1)
        self.assertIn(b', for ' + took + b', by looptrace',
                      self.looptrace('info', last).stdout)
        self.assertIn(b'.lt: ' + took + b', ',
                      self.looptrace('check', last).stdout)

    def test_the_default_name_is_of_command_and_pid(self):
        result = self.looptrace('record', '--', self.turner())
        self.assert_recorded(result.stderr)
        names = [path.name for path in self.dir.glob('*.lt')]
        self.assertEqual(len(names), 1)
        self.assertRegex(names[0], r'^turner-\d+\.lt$')

    def test_files_are_private_whatever_the_umask(self):
        program = self.turner()
        for mask in (0, 0o777):
            result = self.looptrace('record', '-o', f'{mask}.lt', '--',
                                    program, umask=mask)
            self.assert_recorded(result.stderr)
            mode = (self.dir / f'{mask}.lt').stat().st_mode
            self.assertEqual(stat.S_IMODE(mode), 0o600)

    def test_overwrite_replaces(self):
        (self.dir / 'x.lt').write_text('old')
        result = self.looptrace('record', '--overwrite', '-o', 'x.lt', '--',
                                self.turner())
        self.assert_recorded(result.stderr)
        self.assertNotEqual((self.dir / 'x.lt').read_bytes()[:3], b'old')

    def test_quiet_says_nothing(self):
        result = self.looptrace('record', '-q', '-o', 'x.lt', '--',
                                self.turner())
        self.assertEqual(result.stderr, b'')
        self.assertTrue((self.dir / 'x.lt').exists())

    def test_children_get_files_of_their_own(self):
        program = self.turner()
        result = self.looptrace('record', '-o', 'x.lt', '--', 'sh', '-c',
                                f'{program}; {program} & wait; exit 4')
        self.assertEqual(result.returncode, 4)
        self.assert_recorded(result.stderr, 2)
        names = sorted(path.name for path in self.dir.glob('*.lt'))
        self.assertEqual(len(names), 2, names)
        for name in names:
            self.assertRegex(name, r'^x\.turner-\d+\.lt$')

    def test_no_follow_leaves_children_alone(self):
        program = self.turner()
        result = self.looptrace('record', '--no-follow', '-o', 'x.lt', '--',
                                'sh', '-c', f'{program}; exit 4')
        self.assertEqual(result.returncode, 4)
        self.assertEqual(list(self.dir.glob('*.lt')), [])

    def test_more_than_ten_files_take_eleven_lines(self):
        program = self.turner()
        result = self.looptrace('record', '-q', '-o', 'x.lt', '--', 'sh',
                                '-c', f'for i in 1 2 3 4 5 6 7 8 9 10 11 12; '
                                f'do {program}; done; true')
        self.assertEqual(len(list(self.dir.glob('*.lt'))), 12)
        self.assertEqual(result.stderr, b'')
        for path in self.dir.glob('*.lt'):
            path.unlink()
        result = self.looptrace('record', '-o', 'x.lt', '--', 'sh', '-c',
                                f'for i in 1 2 3 4 5 6 7 8 9 10 11 12; '
                                f'do {program}; done; true')
        self.assert_recorded(result.stderr, 10)
        self.assertIn(b'looptrace: and 2 more files', result.stderr)

    def test_a_daemon_is_recorded_to_its_end(self):
        # It begins its loop well after its parent has ended.
        result = self.looptrace('record', '-o', 'x.lt', '--', self.turner(),
                                '1500')
        self.assertEqual((result.returncode, result.stdout), (5, b'gone\n'))
        (_, comm, lost, path), = self.assert_recorded(result.stderr)
        self.assertEqual((comm, lost), ('turner', '0'))
        self.assertTrue((self.dir / path).exists())

    def test_ctrl_c_ends_the_recording_of_a_daemon(self):
        process = self.start(self.turner(), '100',
                             env=dict(os.environ, SLEEP_MS='20000'))
        self.assertEqual(process.stdout.readline(), b'gone\n')
        self.assertIn(b'still recording', process.stderr.readline())
        self.assertEqual(children_of(process.pid), [])
        os.kill(process.pid, signal.SIGINT)
        process.wait(30)
        text = process.stderr.readline()
        self.assertEqual(process.returncode, 5)
        self.assertIn(b'runs on', process.stderr.readline())
        daemon = int(re.search(rb'pid (\d+)', text).group(1))
        os.kill(daemon, signal.SIGKILL)
        self.assert_recorded(text)

    def test_a_program_that_is_not_position_independent_has_names(self):
        program = self.turner('-no-pie')
        result = self.looptrace('record', '-o', 'x.lt', '--', program,
                                env=dict(os.environ, SLEEP_MS='150'))
        self.assert_recorded(result.stderr)
        stalls = self.stalls(self.dir / 'x.lt', '--max-stall', '100ms')
        self.assertTrue(stalls)
        self.assertIn('tick_of_test', str(stalls[0]['site']))

    def test_a_full_disk_is_told_and_the_status_kept(self):
        # RLIMIT_FSIZE is the disk that is full; and the limit's signal.
        program = self.turner()
        result = self.run_command(
            'sh', '-c', 'ulimit -f 0; exec "$0" record -o x.lt -- sh -c '
            '"$1; exit 6"', LOOPTRACE, program)
        # Not even the arena can be made with this limit, which is of all files.
        self.assertIn(result.returncode, (6, 125), result)
        self.assertIn(b'looptrace', result.stderr)


class Help(Record):
    def test_overview_and_help_fit_80_columns(self):
        overview = self.looptrace()
        self.assertEqual(overview.returncode, 0)
        names = re.findall(r'^  ([a-z]+)  ', overview.stdout.decode(), re.M)
        self.assertIn('record', names)
        texts = [overview.stdout]
        for name in names:
            long, short = (self.looptrace(name, '--help'),
                           self.looptrace('help', name))
            self.assertEqual((long.returncode, short.returncode), (0, 0), name)
            self.assertEqual(long.stdout, short.stdout)
            self.assertEqual(long.stderr, b'')
            self.assertIn(b'--help', long.stdout)
            texts.append(long.stdout)
        for line in b'\n'.join(texts).decode().splitlines():
            self.assertLessEqual(len(line), 80, line)

    def test_an_unknown_command_gets_a_hint(self):
        for word, meant in (('chekc', b'check'), ('repord', b'rep|rec'),
                            ('recor', b'record'), ('veiw', b'view')):
            result = self.looptrace(word)
            self.assertEqual(result.returncode, 2)
            self.assertRegex(result.stderr, b"did you mean '(" + meant + b')')
        result = self.looptrace('frobnicate')
        self.assertEqual(result.returncode, 2)
        self.assertNotIn(b'did you mean', result.stderr)

    def test_a_word_with_escapes_is_shown_harmless(self):
        result = self.looptrace('a\x1b]0;x\x07')
        self.assertNotIn(b'\x1b', result.stderr)

    def test_version(self):
        self.assertRegex(self.looptrace('--version').stdout,
                         rb'^looptrace \d+\.\d+\.\d+\n$')

    def test_output_that_cannot_be_written_is_an_error(self):
        with open('/dev/full', 'wb') as full:
            result = subprocess.run([LOOPTRACE], stdout=full,
                                    stderr=subprocess.PIPE, check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(b'No space left', result.stderr)


if __name__ == '__main__':
    unittest.main()
