"""Nothing is lost that is not counted: what threads emitted is what the trace
holds plus what it says is missing, thread by thread, whatever the recorder
does meanwhile."""
import os
import pathlib
import random
import re
import signal
import struct
import subprocess
import time

from looptrace import BUILDDIR, LONG, LOOPTRACE, Case

CROWD = BUILDDIR / 'tests/programs/record_crowd'
THREADS = 16
EVENTS = 1_000_000 if LONG else 50_000
FLUSH_MS, WRITE_MS = 200, 20 # the drain's epoch, and time to write it


def per_thread(text):
    """{tid: numbers}, and whether the trace is complete."""
    lines = [line.split() for line in text.decode().splitlines()]
    rows = {int(line[0]): [int(word) for word in line[1:]]
            for line in lines if line and line[0].isdigit()}
    return rows, ['complete', '1'] in lines


class Losses(Case):
    def setUp(self):
        super().setUp()
        self.arenas_before = set(pathlib.Path('/dev/shm').glob('looptrace-*'))

    def start(self, mode, *run, options=()):
        process = subprocess.Popen(
            [LOOPTRACE, 'record', '--mode', mode, '-o', 'x.lt', *options, '--',
             str(CROWD), 'run', *(str(word) for word in run)],
            cwd=self.dir, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)

        def end():
            if process.poll() is None:
                process.kill()
                process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                pipe.close()
        self.addCleanup(end)
        return process

    def finish(self, process):
        process.stdin.close()
        process.stdin = open('/dev/null')
        out, err = process.communicate(timeout=240)
        self.assertEqual(process.returncode, 0, err)
        return per_thread(out)[0]

    def recorded(self, name='x.lt'):
        result = self.run_command(CROWD, 'count', self.dir / name, seconds=120)
        self.assertEqual(result.returncode, 0, result)
        return per_thread(result.stdout)

    def assert_exact(self, attempted, lossless=False):
        recorded, complete = self.recorded()
        self.assertTrue(complete)
        self.assertEqual(len(attempted), THREADS)
        for tid, (events,) in attempted.items():
            marks, lost, _ = recorded[tid]
            self.assertEqual(events, marks + lost, (tid, marks, lost))
            if lossless:
                self.assertEqual(lost, 0)
        return recorded

    def stop_recorder(self, process, seconds):
        """Stopped, and heard to be stopped: then the threads go on."""
        process.send_signal(signal.SIGSTOP)
        stat = pathlib.Path(f'/proc/{process.pid}/stat')
        while stat.read_text().rpartition(')')[2].split()[0] != 'T':
            time.sleep(0.001)
        process.stdin.write(b'\n')
        process.stdin.flush()
        time.sleep(seconds)

    def test_dropping_counts_every_event_that_is_missing(self):
        process = self.start('drop', THREADS, EVENTS)
        self.assert_exact(self.finish(process))

    def test_lossless_loses_nothing_and_records_its_waits(self):
        process = self.start('lossless', THREADS, EVENTS)
        recorded = self.assert_exact(self.finish(process), lossless=True)
        self.assertTrue(any(waits for _, _, waits in recorded.values()))

    def test_a_thousand_threads_at_once_are_all_there(self):
        process = self.start('lossless', 1000, 200)
        attempted = self.finish(process)
        self.assertEqual(len(attempted), 1000)
        recorded, complete = self.recorded()
        self.assertTrue(complete)
        # Who came before there were rings enough is counted, on the first thread.
        self.assertEqual(sum(marks + lost for marks, lost, _ in recorded.values()), 1000 * 200 + 1)

    def test_a_stopped_recorder_costs_events_and_not_the_program(self):
        for mode in ('drop', 'lossless'):
            with self.subTest(mode):
                process = self.start(mode, THREADS, EVENTS, 1000)
                self.assertEqual(process.stdout.readline(), b'paused\n')
                self.stop_recorder(process, 5 if LONG else 2)
                process.send_signal(signal.SIGCONT)
                self.assert_exact(self.finish(process))
                (self.dir / 'x.lt').unlink()

    def test_a_killed_recorder_costs_no_event_that_is_not_counted(self):
        for mode in ('drop', 'lossless'):
            with self.subTest(mode):
                process = self.start(mode, THREADS, EVENTS, 1000)
                self.assertEqual(process.stdout.readline(), b'paused\n')
                self.wait_for_the_file()
                process.kill()
                process.wait()
                process.stdin.write(b'\n')
                process.stdin.close()
                attempted = per_thread(process.stdout.read())[0]
                process.stdin = open('/dev/null')
                self.assertEqual(len(attempted), THREADS)
                self.recover_both()
                self.assert_sum_is_exact(attempted)
                for path in self.dir.glob('*.lt'):
                    path.unlink()

    def wait_for_the_file(self):
        """Until an epoch is in it: the arena's books agree with it then."""
        path = self.dir / 'x.lt'
        deadline = time.monotonic() + 30
        while not (path.exists() and path.stat().st_size):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)

    def recover_both(self):
        """The cut file, and the rings that were left."""
        told = self.looptrace('recover', 'x.lt')
        self.assertEqual(told.returncode, 0, told)
        arena, = [path for path in pathlib.Path('/dev/shm').glob('looptrace-*')
                  if path not in self.arenas_before and self.is_left(path)]
        result = self.looptrace('recover', '-o', 'rest.lt', arena)
        self.assertEqual(result.returncode, 0, result)
        self.assertIn(f'looptrace recover {arena}\n', told.stderr.decode())
        self.assertFalse(arena.exists())
        self.assertFalse(pathlib.Path(f'{arena}.ctl').exists())

    def is_left(self, path):
        return str(path).encode() in self.looptrace('recover').stdout

    def assert_sum_is_exact(self, attempted):
        """What the recorder had taken, and not yet written, when it died is
        told on the first thread, main: there are waits of the threads in it,
        too, so that it may be more."""
        told, owed = 0, 0
        for name in ('x.recovered.lt', 'rest.lt'):
            rows, complete = self.recorded(name)
            self.assertTrue(complete, name)
            for tid, (marks, lost, _) in rows.items():
                told += lost + marks if tid in attempted else 0
                owed += lost if tid not in attempted else 0
        expected = sum(n for n, in attempted.values())
        self.assertLessEqual(told, expected)
        self.assertGreaterEqual(told + owed, expected)

    def kill_at_random(self, *command, most=500_000):
        """Start a program that emits for ever, and kill it.  Returns how many
        marks it had emitted by then, at least."""
        tally = self.dir / 'tally'
        tally.write_bytes(bytes(4096))
        process = subprocess.Popen([str(word) for word in command],
                                   cwd=self.dir, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE)
        wanted = random.randrange(1, most)
        pid = marks = 0
        deadline = time.monotonic() + 60
        while marks < wanted:
            self.assertLess(time.monotonic(), deadline)
            self.assertIsNone(process.poll())
            pid, marks = struct.unpack('QQ', tally.read_bytes()[:16])
            time.sleep(0.001)
        os.kill(pid, signal.SIGKILL) # ours, or the child of ours
        process.communicate(timeout=120)
        return struct.unpack('QQ', tally.read_bytes()[:16])[1]

    def marks(self, name):
        rows, complete = self.recorded(name)
        self.assertTrue(complete)
        (marks, lost, _), = rows.values()
        self.assertEqual(lost, 0)
        return marks

    def test_a_killed_program_loses_nothing_that_it_emitted(self):
        for _ in range(200 if LONG else 10):
            emitted = self.kill_at_random(
                LOOPTRACE, 'record', '--overwrite', '--mode', 'lossless', '-o',
                'x.lt', '--', CROWD, 'forever', 'tally')
            self.assertIn(self.marks('x.lt') - emitted, (0, 1))

    def test_a_killed_program_that_records_itself_leaves_what_was_flushed(self):
        for _ in range(20 if LONG else 5):
            for path in self.dir.glob('*.lt'):
                path.unlink()
            emitted = self.kill_at_random(CROWD, 'forever', 'tally', 'x.lt')
            if self.looptrace('recover', 'x.lt').returncode == 0:
                self.assertLessEqual(self.marks('x.recovered.lt'), emitted + 1)
            else: # before the first flush: there may be a header, or nothing
                self.assertEqual(self.looptrace('info', '--verify', 'x.lt')
                                 .returncode, 3)

    def test_what_it_loses_is_younger_than_the_flush_period(self):
        # But for what the system kept its thread waiting: when it should wake, and
        # while it wrote.  How long that can be, a thread beside it measures.
        lost_ms = []
        for _ in range(200 if LONG else 10):
            (self.dir / 'x.lt').unlink(missing_ok=True)
            self.kill_at_random(CROWD, 'forever', 'tally', 'x.lt', 500_000, most=1500)
            _, _, emitted_ns, late_ns = struct.unpack('4Q', (self.dir / 'tally').read_bytes()[:32])
            if self.looptrace('recover', '--overwrite', 'x.lt').returncode:
                continue # before the first flush
            out = self.run_command(CROWD, 'count', 'x.recovered.lt').stdout.decode()
            last_ns = int(re.search(r'^last (\d+)$', out, re.M)[1])
            lost_ms.append((emitted_ns - last_ns) / 1e6)
            self.assertLessEqual(lost_ms[-1], FLUSH_MS + WRITE_MS + 8 * late_ns / 1e6,
                                 late_ns)
        lost_ms.sort()
        self.assertTrue(lost_ms)
        self.measured(f'lost at kill -9, {len(lost_ms)} times: '
                      f'{lost_ms[len(lost_ms) // 2]:.0f} ms median, '
                      f'{lost_ms[-1]:.0f} most')

    def test_the_linked_recorder_counts_as_exactly(self):
        for options in ([], ['-l'], ['-r', '65536']):
            with self.subTest(options):
                path = self.dir / 'x.lt'
                result = self.run_command(CROWD, 'run', *options, '-o', path,
                                          THREADS, EVENTS, seconds=240)
                self.assertEqual(result.returncode, 0, result)
                self.assert_exact(per_thread(result.stdout)[0],
                                  lossless='-l' in options)
                path.unlink()

    def test_the_linked_recorder_keeps_its_file_private(self):
        result = self.run_command(
            'sh', '-c', f'umask 777; exec {CROWD} run -o y.lt 1 10')
        self.assertEqual(result.returncode, 0, result)
        self.assertEqual((self.dir / 'y.lt').stat().st_mode & 0o777, 0o600)

