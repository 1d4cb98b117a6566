"""The program cannot tell that it is recorded, but for what is declared; and the
probe that says so tells 29 preloads that do what ours must not (every fourth
of them but with --long)."""
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time
import unittest

from looptrace import BUILDDIR, LONG, LOOPTRACE, SRCDIR, Case, needs

PROBE = str(BUILDDIR / 'tests/programs/probe')
ERRNO = str(BUILDDIR / 'tests/programs/probe_errno')
PRELOAD = BUILDDIR / '.libs/liblooptrace-preload.so'
NEWER = {'uv_pipe_connect2'}  # than the oldest libuv that we build with
BAD = 29


class Invisible(Case):
    def probe(self, *before, **environment):
        env = dict(os.environ, **environment)
        result = self.run_command(*before, PROBE, env=env)
        self.assertEqual(result.returncode, 5, result)
        return result.stdout.decode().splitlines()

    def test_nothing_is_seen_of_the_recording(self):
        alone = self.probe()
        self.assertGreater(len(alone), 500)
        self.assertEqual(alone, self.probe())
        path = self.dir / 'x.lt'
        recorded = self.probe(LOOPTRACE, 'record', '-q', '-o', path, '--')
        self.assertEqual(alone, recorded)
        self.assertTrue(path.exists())

    @needs('gcc', 'pkg-config')
    def test_a_bad_preload_is_seen(self):
        flags = subprocess.run(['pkg-config', '--cflags', 'libuv'], check=True,
                               capture_output=True, text=True).stdout.split()
        alone = self.probe()
        unseen = []
        for bad in range(1, BAD + 1, 1 if LONG else 4):
            library = self.dir / f'bad{bad}.so'
            subprocess.run(['gcc', '-shared', '-fPIC', '-w', f'-DBAD={bad}',
                            *flags, '-include', 'poll.h', '-o', library,
                            SRCDIR / 'tests/programs/bad_preload.c'],
                           check=True)
            result = self.run_command(
                PROBE, env=dict(os.environ, LD_PRELOAD=str(library)))
            if result.returncode == 5 and \
                    result.stdout.decode().splitlines() == alone:
                unseen.append(bad)
        self.assertEqual(unseen, [])


class Errno(Case):
    """errno after each wrapped function, outside of a loop and in a callback."""

    def lines(self, *before, how=()):
        result = self.run_command(*before, ERRNO, *how)
        self.assertEqual(result.returncode, 5, result)
        return result.stdout.decode().splitlines()

    def recorded(self, *options):
        return self.lines(LOOPTRACE, 'record', '-q', '-o', self.dir / 'x.lt',
                          '--overwrite', *options, '--')

    def assert_same(self, alone, recorded):
        self.assertEqual([pair for pair in zip(alone, recorded)
                          if pair[0] != pair[1]], [])
        self.assertEqual(len(alone), len(recorded))

    @needs('nm')
    def test_no_wrapped_function_is_left_out(self):
        defined = self.run_command('nm', '-D', '--defined-only', PRELOAD)
        wrapped = set(re.findall(r' [TW] (?!lt_)(\w+)',
                                 defined.stdout.decode()))
        self.assertGreater(len(wrapped), 190)
        called = set(re.findall(r'^  (?:\w+ = )?(\w+)\(',
                                '\n'.join(self.lines()), re.M))
        self.assertEqual(wrapped - called, NEWER)

    def test_it_is_the_functions_own_while_all_is_recorded(self):
        alone = self.lines()
        self.assert_same(alone, self.lines())
        # Each call is written, with the name of its descriptor.
        self.assert_same(alone, self.recorded('--min-block', '1ns'))
        self.assert_same(alone, self.recorded('--no-fd-names'))

    def test_it_is_the_functions_own_while_nothing_is_recorded(self):
        self.assert_same(self.lines(), self.recorded('--delay', '1h'))

    def test_it_is_the_functions_own_while_the_ring_is_full(self):
        path = self.dir / 'x.lt'
        process = subprocess.Popen(
            [LOOPTRACE, 'record', '-q', '-o', path, '--ring-size', '64K',
             '--min-block', '1ns', '--', ERRNO, 'flood'], cwd=self.dir,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        lines = []
        # Should the program die, the recorder is what holds its output open.
        goes_on = threading.Timer(60, process.send_signal, [signal.SIGCONT])
        goes_on.start()
        try:
            for line in process.stdout:
                lines.append(line.decode().rstrip('\n'))
                if lines[-1] == 'ready':
                    lines.pop()
                    self.stop(process)
                    process.stdin.write(b'\n')
                    process.stdin.flush()
                if lines[-1].startswith('run '):
                    break
        finally:
            goes_on.cancel()
            process.send_signal(signal.SIGCONT)
            process.communicate(timeout=60)
        self.assertEqual(process.returncode, 5)
        self.assert_same(self.lines(), lines)
        told = json.loads(self.looptrace('info', '--json', path).stdout)
        self.assertGreater(told['trace']['lost'], 50_000)

    def stop(self, process):
        process.send_signal(signal.SIGSTOP)
        stat = pathlib.Path(f'/proc/{process.pid}/stat')
        while stat.read_text().rpartition(')')[2].split()[0] != 'T':
            time.sleep(0.001)


if __name__ == '__main__':
    unittest.main()
