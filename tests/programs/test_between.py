"""Between two runs of a loop: what held it up is found, with its place and its
cause, and what is waiting, a start or an end is not taken for it."""
import re
import unittest

from looptrace import BUILDDIR, Case

BETWEEN = str(BUILDDIR / 'tests/programs/between')


class Between(Case):
    def told(self, what, status=0):
        self.path = self.dir / (what + '.lt')
        result = self.looptrace('record', '-q', '-o', self.path, '--', BETWEEN,
                                what)
        self.assertEqual(result.returncode, status, result)
        return self.check(self.path)

    def gaps(self, what, status=0):
        return [f for f in self.told(what, status)['findings']
                if f.get('stall_kind') == 'gap']

    def held(self, what):
        """The one finding, which is an error."""
        told = self.told(what)
        found = [f for f in told['findings'] if f['level'] == 'error']
        self.assertEqual(len(found), 1, told)
        self.assertEqual(found[0]['rule'], 'stall')
        self.assertEqual(found[0]['stall_kind'], 'gap')
        self.assertGreaterEqual(found[0]['duration_ns'], 299_000_000)
        self.assertEqual(told['exit_code'], 1)
        return found[0]

    def test_a_blocking_call_is_named_with_its_caller(self):
        found = self.held('asleep')
        self.assertIn(found['callee'], ('nanosleep', 'clock_nanosleep'))
        self.assertEqual(found['cause']['word'], 'blocked', found)
        self.assertGreaterEqual(found['cause']['blocked_ns'], 290_000_000)

    def test_a_computation_has_its_cause(self):
        found = self.held('computing')
        self.assertGreaterEqual(found['cause']['cpu_ns'], 290_000_000, found)
        self.assertIsNone(found['callee'])

    def test_who_waits_on_its_own_and_computes_is_found(self):
        found = self.held('poll-held')
        self.assertGreaterEqual(found['cause']['cpu_ns'], 290_000_000, found)

    def test_waiting_for_the_loop_on_its_own_is_nothing(self):
        for wait in ('poll', 'epoll'):
            with self.subTest(wait):
                self.assertEqual(self.gaps(wait), [])

    def test_nor_is_it_where_it_was_not_recorded_for_a_while(self):
        self.assertEqual(self.gaps('off'), [])

    def test_a_start_frames_and_whole_runs_are_no_stalls(self):
        for what in ('start', 'frames', 'twice'):
            with self.subTest(what):
                self.assertEqual([f for f in self.gaps(what)
                                  if f['level'] == 'error'], [])

    def test_the_end_of_the_program_is_none(self):
        self.assertEqual(self.gaps('over'), [])

    def test_one_that_was_killed_before_it_came_back_is_a_warning(self):
        found = self.gaps('killed', 137)
        self.assertEqual([f['level'] for f in found], ['warning'], found)
        self.assertTrue(found[0]['unfinished'])

    def test_the_longest_stall_and_the_numbers_agree(self):
        self.told('asleep')
        text = self.looptrace('check', self.path).stdout.decode()
        held = re.search(r'held up for (\S+ m?s) between two runs', text)
        self.assertTrue(held, text)
        self.assertIn(f'FAIL  longest stall {held[1]}', text)
        metrics = self.looptrace('export', '-f', 'openmetrics',
                                 self.path).stdout.decode()
        report = self.looptrace('report', self.path).stdout.decode()
        n = re.search(r'loop_stalls\{[^}]*\} (\d+)\n', metrics)[1]
        self.assertIn(f'of {n} of 50 ms or more', report)
        self.assertRegex(report, r'between two runs of the loop, in held_asleep')
        folded = self.looptrace('export', '-f', 'folded',
                                self.path).stdout.decode()
        self.assertIn('main;(between runs);held_asleep', folded)


if __name__ == '__main__':
    unittest.main()
