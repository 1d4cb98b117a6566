"""The samples, and what becomes of their traces: recorded, cut, damaged."""
import os
import random
import signal
import subprocess
import time
import unittest

import lt_decode
from looptrace import LONG, LOOPTRACE, SAMPLES, SANDIR, SRCDIR, Case

STALL, HELLO = str(SAMPLES / 'stall'), str(SAMPLES / 'hello')
CUTS = FLIPS = 5000 if LONG else 200


class Stall(Case):
    def test_each_of_the_four_is_flagged_with_its_cause(self):
        stalls = self.stalls(self.record(STALL), '--max-stall', '100ms')
        self.assertEqual(len(stalls), 4, stalls)
        self.assertEqual([s['callback']['function'] for s in stalls],
                         ['on_nap', 'on_save', 'on_primes', 'on_lock'])
        for stall in stalls:
            self.assertRegex(stall['site']['file'], r'samples/stall\.c$')
        self.assertEqual([s['kind'] for s in stalls],
                         ['timer', 'timer', 'timer', 'async'])
        nap, save, primes, lock = stalls
        self.assertIn(nap['callee'], ('usleep', 'nanosleep'))
        self.assertIn(save['callee'], ('fsync', 'write'))
        self.assertFalse(primes['callee'], primes)
        self.assertEqual(lock['callee'], 'pthread_mutex_lock')
        for stall in (nap, lock):
            self.assertGreater(stall['cause']['blocked_ns'], 140_000_000)
        cpu_ns = primes['cause']['cpu_ns']
        self.assertGreater(cpu_ns, 140_000_000)
        self.assertGreater(cpu_ns, 5 * primes['cause']['blocked_ns'])

    def test_the_text_says_what_each_was(self):
        result = self.looptrace('check', self.record(STALL))
        text = result.stdout.decode()
        self.assertEqual(result.returncode, 1, text)
        for word in ('on_nap', 'usleep', 'on_save', 'on_primes', 'computation',
                     'on_lock', 'pthread_mutex_lock', 'stall.c:'):
            self.assertIn(word, text)

    def test_the_source_line_is_shown_wherever_it_was_compiled(self):
        # The compiler may have been told of ../samples/stall.c.
        result = self.looptrace('check', self.record(STALL), cwd=SRCDIR)
        text = result.stdout.decode()
        self.assertRegex(text, r'\n   --> samples/stall\.c:\d+ in on_lock\n'
                         r' {6}\|\n *\d+ \|   pthread_mutex_lock\(&lock\);\n'
                         r' {6}\|   \^+ [\d.]+ \w+ of it in `pthread_mutex_')

    def test_check_can_run_the_command_itself(self):
        result = self.looptrace('check', '--max-stall', '100ms', '--', STALL)
        self.assertEqual(result.returncode, 1, result)
        self.assertIn(b'heartbeats', result.stdout + result.stderr)

    def test_a_higher_limit_makes_it_clean(self):
        trace = self.record(STALL)
        self.assertEqual(self.stalls(trace, '--max-stall', '10s'), [])
        self.assertEqual(self.check(trace, '--max-stall', '10s')['exit_code'],
                         0)


class Hello(Case):
    def test_records_itself_and_is_clean(self):
        result = self.run_command(HELLO)
        self.assertEqual(result.returncode, 0, result)
        self.assertEqual(len(result.stdout.splitlines()), 5)
        self.assertEqual(result.stderr, b'')
        traces = list(self.dir.glob('*.lt'))
        self.assertEqual(len(traces), 1)
        self.assertRegex(traces[0].name, r'^hello-\d+\.lt$')
        self.assertEqual(traces[0].stat().st_mode & 0o777, 0o600)
        report = self.check_hello(traces[0])
        self.assertIn('begin_greeting', report) # by the build-id, afterwards
        self.assertIn('deliver', report)

    def test_under_record_it_joins_that_recording(self):
        trace = self.record(HELLO)
        self.assertEqual(list(self.dir.glob('*.lt')), [trace])
        report = self.check_hello(trace)
        self.assertIn('begin_greeting', report)
        self.assertIn('deliver', report)

    def test_the_environment_names_its_file(self):
        path = self.dir / 'named.lt'
        result = self.run_command(HELLO,
                                  env={**os.environ, 'LOOPTRACE_OUT': path})
        self.assertEqual(result.returncode, 0, result)
        self.assertEqual(list(self.dir.glob('*.lt')), [path])

    def check_hello(self, trace):
        told = self.check(trace)
        self.assertEqual((told['exit_code'], told['findings']), (0, []))
        report = self.looptrace('report', trace).stdout.decode()
        for kind in ('timer', 'work', 'task'):
            self.assertRegex(report, rf'(?m)\b{kind}\b')
        return report


class Record(Case):
    def test_a_program_without_a_loop_is_told_so(self):
        result = self.looptrace('record', '-o', self.dir / 'x.lt', '--',
                                '/usr/bin/true')
        self.assertEqual(result.returncode, 0)
        self.assertEqual(result.stdout, b'')
        self.assertRegex(result.stderr, rb'no (libuv |event )?loop')
        self.assertEqual(list(self.dir.iterdir()), [])

    def test_killed_program_keeps_its_events(self):
        trace = self.dir / 'x.lt'
        with subprocess.Popen(
                [LOOPTRACE, 'record', '-o', trace, '--', 'sh', '-c',
                 f'echo $$; exec {STALL} --scale 20'],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE) as recorder:
            pid = int(recorder.stdout.readline())
            self.wait_for_beats(trace)
            os.kill(pid, signal.SIGKILL)
            _, told = recorder.communicate(timeout=30)
            self.assertEqual(recorder.returncode, 128 + 9, told)
        info = self.looptrace('info', trace)
        self.assertEqual(info.returncode, 0, info)
        text = info.stdout.decode()
        self.assertRegex(text, r'(?i)kill|signal 9')
        report = self.looptrace('report', trace).stdout.decode()
        self.assertIn('on_heartbeat', report)

    def wait_for_beats(self, trace):
        """Until the recorder has written to the file three times."""
        sizes = set()
        while len(sizes) < 3:
            if trace.exists() and trace.stat().st_size:
                sizes.add(trace.stat().st_size)
            time.sleep(0.01)


class Damage(Case):
    """One trace of several epochs without an error, spoilt in many ways."""

    def setUp(self):
        super().setUp()
        self.whole = self.record(STALL).read_bytes()
        self.spoilt = self.dir / 'spoilt.lt'
        program = SANDIR / 'looptrace'
        self.program = str(program if program.exists() else LOOPTRACE)
        self.random = random.Random(20)

    def tell(self, command, *options):
        return self.looptrace(command, *options, self.spoilt,
                              program=self.program)

    def test_cut_anywhere_is_said_and_never_passes(self):
        places = sorted(self.random.sample(range(len(self.whole)), min(
            CUTS, len(self.whole))))
        refused = 0
        for at in places:
            self.spoilt.write_bytes(self.whole[:at])
            result = self.tell('check', '--max-stall', '10s')
            with self.subTest(cut_at=at):
                self.assert_alive(result, (3, 4))
                self.assertRegex(result.stdout + result.stderr,
                                 rb'(?i)incomplete|not a (looptrace )?trace|'
                                 rb'empty|cut|ends before')
            # 3 only where the file has no whole header.
            refused += result.returncode == 3
            if at > 4096:
                self.assertEqual(result.returncode, 4, at)
        self.assertLess(refused, len(places) / 2)

    def index(self):
        """Where the index lies, which sums up what the events say already."""
        at, where = lt_decode.read_header(self.whole)['size'], range(0)
        while at < len(self.whole):
            block = lt_decode.Block(self.whole, at)
            if block.type == lt_decode.INDEX:
                where = range(where.start or block.at, block.end)
            at = block.end
        return where

    def test_flipped_bytes_never_crash_a_reader(self):
        index = self.index()
        self.assertGreater(len(index), 0)
        for number in range(FLIPS):
            damaged = bytearray(self.whole)
            at = self.random.randrange(len(damaged))
            damaged[at] ^= self.random.randrange(1, 256)
            self.spoilt.write_bytes(damaged)
            command = ('check', 'info', 'report')[number % 3]
            options = ('--max-stall', '10s') if command == 'check' else ()
            result = self.tell(command, *options)
            with self.subTest(flipped_at=at, command=command):
                # A damaged trace is never green; check reads no index.
                self.assert_alive(result, (3, 4) if command == 'check'
                                  and at not in index else (0, 3, 4))


if __name__ == '__main__':
    unittest.main()
