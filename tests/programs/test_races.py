"""Threads of a program and the drain share memory: ThreadSanitizer watches them
over the rings, the switch and the flight recorder; and over the reader, which may
have a thread of its own."""
import os
import unittest

from looptrace import LONG, SRCDIR, Case

PROGRAMS = ['check_drain', 'check_switch', 'check_flight', 'check_window',
            'check_read', 'check_ahead']


@unittest.skipUnless(LONG, 'builds a part anew: ./dev test --long')
class Races(Case):
    def test_ring_drain_and_reader_share_nothing_unordered(self):
        made = self.run_command(
            SRCDIR / 'configure', '-q', '--enable-sanitize=thread',
            'CFLAGS=-g -O1', seconds=600)
        self.assertEqual(made.returncode, 0, made)
        targets = [f'tests/unit/{name}' for name in PROGRAMS]
        made = self.run_command('make', '-s', '-j2', *targets, seconds=1200)
        self.assertEqual(made.returncode, 0, made)
        environment = dict(os.environ, TSAN_OPTIONS='exitcode=66')
        for target in targets:
            with self.subTest(target):
                result = self.run_command(self.dir / target, seconds=600,
                                          env=environment)
                self.assertEqual(result.returncode, 0, result)
                self.assertNotIn(b'ThreadSanitizer', result.stderr)
