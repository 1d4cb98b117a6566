"""A program that records itself: bounds, files and crashes, as with `record`.

What it is told stands in its environment here; lt_trace_options say the same."""
import json
import os
import pathlib
import random
import resource
import signal
import struct
import subprocess
import time

from looptrace import BUILDDIR, LONG, Case

CROWD = BUILDDIR / 'tests/programs/record_crowd'
AGAIN = BUILDDIR / 'tests/programs/record_again'
THREADS, EVENTS = 4, 150_000

# Holds each write to a trace back until what FIFO leads to says a word.
SHIM = r'''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
ssize_t write(int fd, const void *bytes, size_t size) {
  char link[64], path[4096], byte;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n > 3 && !memcmp(path + n - 3, ".lt", 3)) {
    int gate = open(getenv("FIFO"), O_RDONLY); /* waits for a writer */
    (void)!read(gate, &byte, 1);
    close(gate);
  }
  return ((__typeof__(&write))dlsym(RTLD_NEXT, "write"))(fd, bytes, size);
}
'''


class Linked(Case):
    def rings_of(self, pid):
        """What a process has left of shared memory."""
        listed = self.looptrace('recover').stdout.decode().splitlines()
        return [pathlib.Path(line.split()[0]) for line in listed if f'(pid {pid})' in line]

    def crowd(self, *arguments, **variables):
        return self.run_command(CROWD, 'run', '-o', 'x.lt', *arguments, seconds=240,
                                env=self.environment(**variables))

    def environment(self, **variables):
        return dict(os.environ, **{f'LOOPTRACE_{name}': str(value) for name, value in variables.items()})

    def parts(self):
        return sorted(self.dir.glob('x*.lt'), key=lambda path: int(path.name.split('.')[1]))

    def counted(self, path):
        """Marks, and events that are said to be lost, of all threads."""
        result = self.run_command(CROWD, 'count', path, seconds=120)
        self.assertEqual(result.returncode, 0, (path, result))
        self.assertIn(b'complete 1', result.stdout)
        rows = [line.split() for line in result.stdout.splitlines() if line[:1].isdigit()]
        return sum(int(row[1]) for row in rows), sum(int(row[2]) for row in rows)

    def verify(self, path):
        result = self.looptrace('info', '--verify', path)
        self.assertEqual(result.returncode, 0, result)

    def test_rotated_files_hold_all_that_was_emitted(self):
        result = self.crowd('-l', THREADS, EVENTS, MAX_SIZE='16K', KEEP=1000)
        self.assertEqual(result.returncode, 0, result)
        parts = self.parts()
        self.assertGreater(len(parts), 2)
        marks = 0
        for path in parts:
            self.verify(path)
            marks += sum(self.counted(path))
        self.assertEqual(marks, THREADS * EVENTS + 1)

    def test_the_oldest_files_go(self):
        result = self.crowd('-l', THREADS, EVENTS, MAX_SIZE='16K', KEEP=2)
        self.assertEqual(result.returncode, 0, result)
        first, last = self.parts()
        number = int(last.name.split('.')[1])
        self.assertGreater(number, 2)
        self.assertEqual(first.name, f'x.{number - 1}.lt')

    def test_a_file_is_closed_at_its_bound_and_the_program_goes_on(self):
        result = self.crowd('-l', THREADS, EVENTS, MAX_SIZE='64K')
        self.assertEqual(result.returncode, 0, result)
        self.assertEqual(len(result.stdout.splitlines()), THREADS)
        self.verify('x.lt')
        self.assertLess(self.counted('x.lt')[0], THREADS * EVENTS)
        self.assertLess((self.dir / 'x.lt').stat().st_size, 4 << 20)

    def test_the_recording_ends_after_its_time_and_the_program_goes_on(self):
        with self.wait_at_gate(DURATION='300ms') as process:
            while self.looptrace('info', '--verify', 'x.lt').returncode:
                self.assertIsNone(process.poll())
            out, _ = process.communicate(b'\n', timeout=60)
        self.assertEqual(process.returncode, 0)
        self.assertTrue(out.endswith(b' 2000\n'), out)
        self.verify('x.lt')
        self.assertLess(self.counted('x.lt')[0], 1500)

    def test_a_stall_has_the_flight_recorder_write_a_snapshot(self):
        # The one turn of its loop lasts as long as all that it does.
        result = self.crowd(THREADS, EVENTS, MODE='flight=8M', SNAPSHOT_ON_STALL='1us')
        self.assertEqual(result.returncode, 0, result)
        self.assertEqual([path.name for path in self.parts()], ['x.1.lt'])
        self.verify('x.1.lt')
        self.assertGreater(self.counted('x.1.lt')[0], 0)

    def test_a_signal_has_the_flight_recorder_write_a_snapshot(self):
        for name in ('USR2', 'SIGUSR2', '12'):
            with self.subTest(name), self.wait_at_gate(MODE='flight=8M', SNAPSHOT_ON_SIGNAL=name) as process:
                process.send_signal(signal.SIGUSR2)
                deadline = time.monotonic() + 60
                while not self.parts() or self.looptrace('info', '--verify', 'x.1.lt').returncode:
                    self.assertLess(time.monotonic(), deadline)
                    self.assertIsNone(process.poll())
                out, _ = process.communicate(b'\n', timeout=60)
                self.assertEqual(process.returncode, 0)
                self.assertTrue(out.endswith(b' 2000\n'), out)
                self.assertGreaterEqual(self.counted('x.1.lt')[0], 1000)
                (self.dir / 'x.1.lt').unlink()

    def wait_at_gate(self, **variables):
        """A program that is in the middle of its events, until it hears a line."""
        process = subprocess.Popen([CROWD, 'run', '-o', 'x.lt', '1', '2000', '1000'], cwd=self.dir,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   env=self.environment(**variables))
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), b'paused\n')
        return process

    def test_a_signal_that_the_program_ignores_is_left_to_it(self):
        result = self.run_command('sh', '-c', f"trap '' USR2; exec {CROWD} run -o x.lt 1 1",
                                  env=self.environment(MODE='flight', SNAPSHOT_ON_SIGNAL='USR2'))
        self.assertEqual(result.returncode, 2, result)

    def test_without_a_reason_the_flight_recorder_writes_nothing(self):
        result = self.crowd(THREADS, 1000, MODE='flight')
        self.assertEqual(result.returncode, 0, result)
        self.assertEqual(list(self.dir.glob('*.lt')), [])

    def test_what_makes_no_sense_is_refused(self):
        for variables in ({'MODE': 'fast'}, {'MODE': 'flight='}, {'MODE': 'flight=x'}, {'MAX_SIZE': '0'},
                          {'KEEP': '3'}, {'MAX_SIZE': '1M', 'KEEP': '1'}, {'MAX_SIZE': '1M', 'KEEP': 'x'},
                          {'MAX_SIZE': '1M', 'KEEP': '10001'}, {'MODE': 'flight', 'MAX_SIZE': '1M', 'KEEP': '2'},
                          {'DURATION': '5'}, {'SNAPSHOT_ON_STALL': '1s'}, {'SNAPSHOT_ON_SIGNAL': 'USR2'},
                          {'MODE': 'flight', 'SNAPSHOT_ON_SIGNAL': 'USR3'}, {'MODE': 'flight', 'SNAPSHOT_ON_SIGNAL': 'KILL'},
                          {'MODE': 'flight', 'SNAPSHOT_ON_SIGNAL': 'SEGV'}, {'MODE': 'flight', 'SNAPSHOT_ON_SIGNAL': '99'},
                          {'RECOVERABLE': 'yes'},
                          {'RING_SIZE': '-1'}, {'MIN_BLOCK': 'x'}, {'OVERWRITE': '2'}):
            with self.subTest(variables):
                self.assertEqual(self.crowd(1, 1, **variables).returncode, 2)
                self.assertEqual(list(self.dir.glob('*.lt')), [])

    def test_what_the_program_says_goes_before_its_environment(self):
        # -l: it says lossless.
        result = self.crowd('-l', THREADS, EVENTS, MODE='flight')
        self.assertEqual(result.returncode, 0, result)
        self.assertEqual(self.counted('x.lt'), (THREADS * EVENTS + 1, 0))
        self.assertEqual(self.crowd(1, 1).returncode, 2)  # it exists
        self.assertEqual(self.crowd(1, 1, OVERWRITE='1').returncode, 0)

    def test_a_disk_that_hangs_costs_events_and_not_the_program(self):
        (self.dir / 'shim.c').write_text(SHIM)
        built = self.run_command('cc', '-shared', '-fPIC', 'shim.c', '-o', 'shim.so', '-ldl')
        if built.returncode:
            self.skipTest(built.stderr.decode())
        os.mkfifo(self.dir / 'fifo')
        for mode in ('drop', 'lossless'):
            with self.subTest(mode):
                environment = dict(self.environment(MODE=mode), LD_PRELOAD=str(self.dir / 'shim.so'),
                                   FIFO=str(self.dir / 'fifo'))
                with subprocess.Popen([CROWD, 'run', '-o', 'x.lt', '-r', '65536', str(THREADS), str(EVENTS)],
                                      cwd=self.dir, stdout=subprocess.PIPE, env=environment) as process:
                    self.addCleanup(process.kill)
                    # All threads come to their ends while no byte is written.
                    lines = [process.stdout.readline() for _ in range(THREADS)]
                    while process.poll() is None:
                        self.open_gate()
                self.assertEqual(process.returncode, 0)
                self.assertEqual([int(line.split()[1]) for line in lines], [EVENTS] * THREADS)
                self.assertEqual(sum(self.counted('x.lt')), THREADS * EVENTS + 1)
                (self.dir / 'x.lt').unlink()

    def open_gate(self):
        """One write goes on, if one waits; else the process has ended soon."""
        try:
            fd = os.open(self.dir / 'fifo', os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            time.sleep(0.001)
            return
        try:
            os.write(fd, b'x')
        except OSError:
            pass
        os.close(fd)

    def test_a_limit_to_files_does_not_kill_the_program(self):
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200 << 10, 200 << 10))
        for variables, status in (({}, 3), ({'MODE': 'flight=1M'}, 0), ({'RECOVERABLE': '1'}, 2)):
            with self.subTest(variables):
                result = self.run_command(CROWD, 'run', '-o', 'x.lt', THREADS, EVENTS, seconds=120, preexec_fn=limit,
                                          env=self.environment(OVERWRITE=1, **variables))
                self.assertEqual(result.returncode, status, result)

    def test_its_rings_go_with_it_and_stay_when_it_is_killed(self):
        with subprocess.Popen([CROWD, 'run', '-o', 'x.lt', '1', '10'], cwd=self.dir, stdout=subprocess.PIPE,
                              env=self.environment(RECOVERABLE='1')) as process:
            process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(self.rings_of(process.pid), [])
        for i in range(100 if LONG else 6):
            for path in self.dir.glob('*.lt'):
                path.unlink()
            pid, emitted = self.kill((signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT)[i % 3])
            rings, = self.rings_of(pid)
            self.assertEqual(rings.stat().st_mode & 0o777, 0o600)
            result = self.looptrace('recover', '-o', 'rest.lt', rings)
            self.assertEqual(result.returncode, 0, result)
            self.assertFalse(rings.exists())
            marks, lost = self.counted('rest.lt')
            if self.looptrace('recover', 'x.lt').returncode == 0:
                filed, lost_before = self.counted('x.recovered.lt')
                marks, lost = marks + filed, lost + lost_before
            # What was on its way to the file is lost, and counted; there are
            # waits of the thread in it, too, so that it may be more.
            self.assertLessEqual(marks, emitted + 1)
            self.assertGreaterEqual(marks + lost, emitted)

    def test_it_is_recorded_again_and_again(self):
        result = self.run_command(AGAIN, '3')
        self.assertEqual(result.returncode, 0, result)
        tasks = set()
        for i in range(3):
            told = json.loads(self.looptrace('report', '--format', 'json', f'x{i}.lt').stdout)
            self.assertEqual(told['trace']['lost'], 0, told['trace'])
            turns = sorted(loop['turns'] for loop in told['loops'])
            self.assertGreaterEqual(turns[0], 5)
            self.assertGreaterEqual(turns[-1], 45)
            self.assertEqual(len(turns), 2)
            rows = [json.loads(line) for line in
                    self.looptrace('export', '-f', 'ndjson', f'x{i}.lt').stdout.splitlines()]
            marks = [row for row in rows if row['kind'] == 'mark']
            self.assertGreater(len(marks), 10)
            self.assertEqual({row['name'] for row in marks[1:]}, {'mark'}) # the first may have been on its way
            # Each recording has what is made in it, under ids of its own.
            made = {row['task'] for row in rows if row['kind'] == 'spawn'}
            self.assertTrue(made)
            self.assertFalse(made & tasks)
            tasks |= made

    def test_it_is_ended_while_others_emit_and_ask(self):
        result = self.run_command(AGAIN, 'race', '100')
        self.assertEqual(result.returncode, 0, result)

    def recover(self, rings):
        """Returns the marks, and what is said to be lost, of both traces."""
        result = self.looptrace('recover', '--overwrite', '-o', 'y.lt', rings)
        self.assertEqual(result.returncode, 0, result)
        both = [self.counted(path) for path in (self.dir / 'y.lt', self.dir / 'y.rest.lt') if path.exists()]
        return sum(marks for marks, _ in both), sum(lost for _, lost in both), result.stderr

    def test_a_crash_leaves_what_the_flight_recorder_kept(self):
        unequal = 0
        for i in range(30 if LONG else 6):
            for path in self.dir.glob('*.lt'):
                path.unlink()
            # Fewer events than a ring holds, so that what had been taken out of it
            # is still there.
            pid, emitted = self.kill((signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT)[i % 3], 1500, 200_000,
                                     MODE='flight=4M')
            rings, = self.rings_of(pid)
            window = pathlib.Path(f'{rings}.window')
            if window.exists(): # not before the first epoch
                self.assertEqual(window.stat().st_mode & 0o777, 0o600)
            marks, lost, said = self.recover(rings)
            self.assertEqual(list(pathlib.Path('/dev/shm').glob(f'{rings.name}*')), [])
            self.assertLessEqual(marks, emitted + 1)
            self.assertGreaterEqual(marks + lost, emitted)
            # An epoch on its way into the window is told as lost.
            unequal += marks < emitted
            if (self.dir / 'y.rest.lt').exists():
                self.assertIn(b'what the flight recorder kept when the program died', said)
                self.verify('y.lt')
                self.assertIn(b'ended, unknown how', self.looptrace('info', 'y.lt').stdout)
        self.assertLessEqual(unequal, 1)

    def test_a_crash_costs_nothing_where_the_rings_are_recoverable(self):
        unequal = 0
        for _ in range(30 if LONG else 6):
            for path in self.dir.glob('*.lt'):
                path.unlink()
            pid, emitted = self.kill(signal.SIGKILL, 1500, 200_000, MODE='drop', RECOVERABLE='1')
            marks, lost, _ = self.recover(*self.rings_of(pid))
            if self.looptrace('recover', 'x.lt').returncode == 0:
                filed, lost_before = self.counted('x.recovered.lt')
                marks, lost = marks + filed, lost + lost_before
            self.assertLessEqual(marks, emitted + 1)
            self.assertGreaterEqual(marks + lost, emitted)
            unequal += marks < emitted # an epoch on its way into the file
        self.assertLessEqual(unequal, 1)

    def test_the_window_is_the_newest_part(self):
        pid, _ = self.kill(signal.SIGKILL, 3_000_000, 0, MODE='flight=1M')
        rings, = self.rings_of(pid)
        self.recover(rings)
        self.verify('y.lt')
        self.assertLess((self.dir / 'y.lt').stat().st_size, 4 << 20)

    def test_a_window_that_is_none_does_not_keep_the_rings_back(self):
        pid, emitted = self.kill(signal.SIGKILL, 100, 0, MODE='flight=1M')
        rings, = self.rings_of(pid)
        window = pathlib.Path(f'{rings}.window')
        self.addCleanup(window.unlink)
        window.write_bytes(b'x' * 10000)
        marks, lost, said = self.recover(rings)
        self.assertGreaterEqual(marks + lost, emitted)
        self.assertIn(b"no flight recorder's window", said)
        self.assertFalse(rings.exists())
        self.assertEqual(window.read_bytes(), b'x' * 10000)

    def test_crashes_do_not_fill_the_memory(self):
        taken = [pathlib.Path(f'/dev/shm/looptrace-{os.geteuid()}-{os.getpid()}{i}.window') for i in range(8)]
        for path in taken:
            path.touch()
            self.addCleanup(path.unlink)
        pid, _ = self.kill(signal.SIGKILL, 100, 0, MODE='flight=1M')
        self.assertEqual(self.rings_of(pid), [])
        pid, _ = self.kill(signal.SIGKILL, 100, 0, MODE='flight=1M', RECOVERABLE='1')
        self.recover(*self.rings_of(pid))

    def test_a_clean_end_leaves_nothing_of_the_window(self):
        before = set(pathlib.Path('/dev/shm').glob('*.window'))
        result = self.crowd(THREADS, EVENTS, MODE='flight=1M')
        self.assertEqual(result.returncode, 0, result)
        with self.wait_at_gate(MODE='flight=1M') as process:
            process.communicate(b'\n', timeout=60)
        self.assertEqual(self.rings_of(process.pid), [])
        for path in set(pathlib.Path('/dev/shm').glob('*.window')) - before:
            self.assertTrue(pathlib.Path(str(path).removesuffix('.window')).exists(), path)

    def kill(self, how, most=500_000, pause_ns=0, **variables):
        """Returns its process id, and how many marks it had emitted."""
        tally = self.dir / 'tally'
        tally.write_bytes(bytes(4096))
        process = subprocess.Popen([CROWD, 'forever', 'tally', 'x.lt', str(pause_ns)], cwd=self.dir,
                                   stdin=subprocess.DEVNULL,
                                   env=self.environment(**variables or {'RECOVERABLE': '1'}))
        wanted = random.randrange(1, most)
        marks, deadline = 0, time.monotonic() + 60
        while marks < wanted:
            self.assertLess(time.monotonic(), deadline)
            self.assertIsNone(process.poll())
            marks = struct.unpack('QQ', tally.read_bytes()[:16])[1]
            time.sleep(0.001)
        process.send_signal(how)
        process.wait(timeout=60)
        return struct.unpack('QQ', tally.read_bytes()[:16])
