"""The watchdog: what holds a loop is seen from outside while it does, and the
program does not notice."""
import os
import pathlib
import signal
import subprocess
import time
import unittest

from looptrace import BUILDDIR, LOOPTRACE, SRCDIR, Case, needs

PROGRAMS = BUILDDIR / 'tests/programs'
SOURCE = SRCDIR / 'tests/programs/watched.c'
WATCHED, CONFINED = str(PROGRAMS / 'watched'), str(PROGRAMS / 'confined')
BUILDS = {
    'O0': ['-O0'],
    'frame-pointer': ['-O2', '-fno-omit-frame-pointer'],
    'no-tables': ['-O2', '-fomit-frame-pointer',
                  '-fno-asynchronous-unwind-tables'],
}
PLANTED = ['planted_inner', 'planted_outer', 'on_timer', 'main']


def may_sample():
    """Can perf sample a thread here, as the one who runs the tests?"""
    try:
        with open('/proc/sys/kernel/perf_event_paranoid') as file:
            return int(file.read()) <= 2 or os.geteuid() == 0
    except OSError:
        return False


class Watch(Case):
    def stall(self, how, ms=300, program=WATCHED, options=(), before=(),
              extra=()):
        """Record one way to hold the loop up; its finding, and the output."""
        path = self.dir / f'{how}.lt'
        result = self.run_command(*before, LOOPTRACE, 'record', '-o', path,
                                  '--overwrite', *options, '--', program, how,
                                  ms, *extra)
        self.assertEqual(result.returncode, 0, result)
        self.assertEqual(result.stdout, b'done\n')
        told = self.check(path)
        stalls = [f for f in told['findings'] if f['rule'] == 'stall']
        self.assertEqual(len(stalls), 1, told)
        return stalls[0], path, result

    def functions(self, stall):
        return [(f['site'] or {}).get('function') for f in stall['stack']]

    def assert_planted(self, stall, first):
        """The planted functions stand in the stack, in their order."""
        seen = [name for name in self.functions(stall)
                if name in [first] + PLANTED]
        # The preload's own function of that name is there too.
        self.assertEqual([name for i, name in enumerate(seen)
                          if i == 0 or name != seen[i - 1]],
                         [first] + PLANTED, stall['stack'])

    def test_a_raw_system_call_is_named(self):
        stall, _, _ = self.stall('rawread')
        self.assertEqual(stall['callee'], 'read')
        self.assertEqual(stall['cause']['word'], 'blocked')
        self.assertTrue(stall['calls'][0]['sampled'])
        self.assertRegex(stall['calls'][0]['on'], r'^fd \d+ pipe$')
        self.assertEqual(stall['site']['function'], 'planted_wait')
        self.assert_planted(stall, 'planted_wait')

    def test_what_a_wrapped_call_does_inside_has_a_stack(self):
        for how, callee in (('fgets', 'fgets'), ('nap', 'usleep'),
                            ('cond', 'pthread_cond_timedwait')):
            with self.subTest(how):
                stall, _, _ = self.stall(how)
                self.assertEqual(stall['callee'], callee)
                self.assertEqual(stall['cause']['word'], 'blocked')
                self.assertFalse(any(c['sampled'] for c in stall['calls']))
                self.assert_planted(stall, 'planted_wait')

    @unittest.skipUnless(may_sample(), 'perf_event_open is not allowed here')
    def test_computation_has_a_stack(self):
        for how, first in (('spin', 'planted_spin'), ('vdso', 'planted_clock')):
            with self.subTest(how):
                stall, _, _ = self.stall(how, 600)
                self.assertEqual(stall['samples'][0]['state'], 'R')
                self.assert_planted(stall, first)

    @needs('cc', 'pkg-config')
    def test_every_way_to_build_a_program(self):
        flags = subprocess.run(['pkg-config', '--cflags', '--libs', 'libuv'],
                               check=True, capture_output=True,
                               text=True).stdout.split()
        for name, options in BUILDS.items():
            program = self.dir / name
            self.run_command('cc', '-g', '-D_GNU_SOURCE', *options, '-o',
                             program, SOURCE, *flags, '-pthread')
            for how in ('rawread', 'fgets', 'nap', 'spin'):
                if how == 'spin' and not may_sample():
                    continue
                with self.subTest(f'{name} {how}'):
                    stall, _, _ = self.stall(how, 600 if how == 'spin' else 250,
                                             program=program)
                    self.assert_planted(stall, 'planted_spin' if how == 'spin'
                                        else 'planted_wait')

    @needs('strip', 'cc')
    def test_a_stripped_program_has_offsets(self):
        program = self.dir / 'stripped'
        # Libtool may have put a script there.
        real = PROGRAMS / '.libs/watched'
        self.run_command('strip', '-o', program,
                         real if real.exists() else WATCHED)
        stall, _, _ = self.stall('rawread', program=program)
        own = [f for f in stall['stack']
               if f['site'] and f['site']['module'].endswith('/stripped')]
        self.assertGreaterEqual(len(own), 5, stall['stack'])

    def test_a_hang_is_in_the_trace_after_a_kill(self):
        path = self.dir / 'hang.lt'
        process = subprocess.Popen(
            [LOOPTRACE, 'record', '-v', '-o', path, '--', WATCHED, 'hang', '1'],
            cwd=self.dir, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        try:
            line = process.stderr.readline()
            self.assertRegex(
                line, rb'^looptrace: loop main of \S+ \(pid \d+\) has not '
                rb'come back for .+: in pause, callback on_timer\n$')
            pid = int(line.split(b'(pid ')[1].split(b')')[0])
            os.kill(pid, signal.SIGKILL)
            self.assertEqual(process.wait(30), 128 + signal.SIGKILL)
        finally:
            process.kill()
            process.wait()
        told = self.check(path, '--max-stall', '10ms')
        stall = [f for f in told['findings'] if f['rule'] == 'stall'][0]
        self.assertTrue(stall['unfinished'])
        self.assertEqual(stall['samples'][0]['call'], 'pause')
        self.assert_planted(stall, 'planted_wait')

    def test_a_stop_is_not_the_programs_doing(self):
        path = self.dir / 'stop.lt'
        process = subprocess.Popen(
            [LOOPTRACE, 'record', '-v', '-o', path, '--', WATCHED, 'hang', '1'],
            cwd=self.dir, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        try:
            line = process.stderr.readline()
            pid = int(line.split(b'(pid ')[1].split(b')')[0])
            os.kill(pid, signal.SIGSTOP)
            self.wait_state(process.pid, 'T')  # the recorder follows
            time.sleep(0.5)  # as long as it is to be stopped at least
            os.kill(pid, signal.SIGCONT)
            self.wait_state(process.pid, 'RSD')
            os.kill(pid, signal.SIGKILL)
            self.assertEqual(process.wait(30), 128 + signal.SIGKILL)
        finally:
            process.kill()
            process.wait()
        told = self.check(path, '--max-stall', '10ms')
        cause = [f for f in told['findings']
                 if f['stall_kind'] == 'slice'][0]['cause']
        self.assertGreaterEqual(cause['suspended_ns'], 499_000_000, told)

    def wait_state(self, pid, states):
        for _ in range(6000):
            stat = pathlib.Path(f'/proc/{pid}/stat').read_text()
            if stat.rpartition(')')[2].split()[0] in states:
                return
            time.sleep(0.01)
        self.fail(f'{pid} never was in {states}')

    def test_a_turn_without_a_callback_is_seen_too(self):
        path = self.dir / 'turn.lt'
        self.record(WATCHED, 'turn', '300', path=path, seconds=20)
        told = self.check(path)['findings'][0]
        self.assertEqual(told['rule'], 'long-turn')
        self.assertGreaterEqual(len(told['samples']), 2)
        self.assertIn('planted_outer', self.functions(told))

    def test_without_perf_there_is_a_note(self):
        if self.run_command(CONFINED, 'noperf', 'true').returncode == 77:
            self.skipTest('no seccomp here')
        stall, path, result = self.stall('spin', before=[CONFINED, 'noperf'])
        self.assertEqual(stall['stack'], [])
        self.assertEqual(stall['samples'][0]['state'], 'R')
        info = self.looptrace('info', path).stdout
        self.assertIn(b'perf_event_open', info)
        self.assertEqual(result.stderr.count(b'\n'), 1, result)

    def test_a_program_that_may_not_be_traced_keeps_its_events(self):
        if self.run_command(CONFINED, 'notrace', 'true').returncode == 77:
            self.skipTest('the capability cannot be dropped')
        stall, path, result = self.stall('nap', before=[CONFINED, 'notrace'],
                                         extra=['undumpable'])
        self.assertEqual(stall['stack'], [])
        self.assertEqual(stall['callee'], 'usleep')
        self.assertIn(b'have no stacks', self.looptrace('info', path).stdout)
        self.assertEqual(result.stderr.count(b'\n'), 1, result)

    def test_the_threshold_is_that_of_the_option(self):
        stall, _, _ = self.stall('nap', options=['--stall-threshold', '10s'])
        self.assertEqual((stall['samples'], stall['stack']), ([], []))
        stall, _, _ = self.stall('nap', options=['--stall-threshold', '20ms'])
        self.assertGreaterEqual(len(stall['samples']), 3)
        for wrong in ('0', '5', '10us', 'x'):
            result = self.looptrace('record', '--stall-threshold', wrong,
                                    'true')
            self.assertEqual(result.returncode, 2, result)

    def test_text_shows_the_stack(self):
        _, path, _ = self.stall('rawread')
        text = self.looptrace('check', '--color', 'never', path).stdout
        lines = text.decode().split('    = stack: ')[1].splitlines()
        self.assertTrue(lines[1].startswith(' ' * 13 + 'planted_wait'), text)
        stack = [line for line in lines if not line.startswith('    =')]
        self.assertIn(b'(seen from outside)', text)
        self.assertLessEqual(len(stack[:stack.index('') if '' in stack
                                       else None]), 8)

    def test_nothing_is_seen_of_a_loop_that_comes_back(self):
        result = self.looptrace('record', '-v', '-o', self.dir / 'x.lt', '--',
                                WATCHED, 'nap', '1')
        self.assertNotIn(b'has not come back', result.stderr)
        self.assertEqual(self.check(self.dir / 'x.lt')['verdict'], 'pass')


if __name__ == '__main__':
    unittest.main()
