"""Verdicts on a machine that is busy with other things.

A clean program must never fail, one with a planted stall of 120 ms never pass a
budget of 100 ms, and hardly any run may be without a verdict.  N runs of each
beside four busy loops: LOOPTRACE_NOISE_RUNS, else 5, or 200 in a long test
(1,000 of the clean one), which then also judges the shares.
"""
import collections
import os
import unittest

from looptrace import BUILDDIR, LONG, Case

NOISE = BUILDDIR / 'tests' / 'programs' / 'noise'
RUNS = int(os.environ.get('LOOPTRACE_NOISE_RUNS') or (200 if LONG else 5))
CLEAN_RUNS = RUNS * 5 if LONG else RUNS
BUSY = 4


class Noise(Case):
    def setUp(self):
        super().setUp()
        self.busy_loops(BUSY)

    def counts(self, *arguments, runs=RUNS):
        """How many runs ended with each exit status of check."""
        counts = collections.Counter()
        for _ in range(runs):
            result = self.looptrace('check', '--max-stall', '100ms', '-q',
                                    '--', NOISE, *arguments, seconds=120,
                                    env={'PATH': '/usr/bin:/bin',
                                         'TMPDIR': str(self.dir)})
            self.assertIn(result.returncode, (0, 1, 4), result)
            counts[result.returncode] += 1
        self.measured(f'{" ".join(arguments)}: {counts[0]} pass, '
                      f'{counts[1]} fail, {counts[4]} inconclusive of {runs}')
        return counts

    def test_a_clean_program_never_fails(self):
        counts = self.counts('clean', runs=CLEAN_RUNS)
        self.assertEqual(counts[1], 0)
        if RUNS >= 100:
            self.assertLessEqual(counts[4], CLEAN_RUNS * 0.05)

    def test_a_planted_sleep_never_passes(self):
        self.planted(self.counts('sleep', '120'))

    def test_planted_computing_never_passes(self):
        self.planted(self.counts('cpu', '120'))

    def planted(self, counts):
        self.assertEqual(counts[0], 0)
        if RUNS >= 100:
            self.assertGreaterEqual(counts[1], RUNS * 0.95)
            self.assertLessEqual(counts[4], RUNS * 0.05)


class Allowed(Case):
    def test_a_stall_that_the_code_allows_is_muted_with_its_reason(self):
        told = self.check(self.record(NOISE, 'allow', '300'))
        self.assertEqual(told['verdict'], 'pass')
        self.assertEqual([(f['state'], f['muted_because'])
                          for f in told['findings']
                          if f['duration_ns'] >= 300_000_000],
                         [('muted', 'a nap that the test knows of')])
        path = self.record(NOISE, 'sleep', '300', path=self.dir / 'y.lt')
        self.assertEqual(len(self.stalls(path)), 1)


if __name__ == '__main__':
    unittest.main()
