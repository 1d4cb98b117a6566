"""The watchdog of a program that records itself: what holds a loop is seen by
the recorder's thread, as far as that can without stacks."""
import os
import unittest

from looptrace import BUILDDIR, LOOPTRACE, Case

WATCH_ALONE = str(BUILDDIR / 'tests/programs/watch_alone')


class WatchAlone(Case):
    def told(self, how):
        path = self.dir / f'{how}.lt'
        result = self.run_command(WATCH_ALONE, path, how)
        self.assertEqual((result.returncode, result.stdout, result.stderr),
                         (0, b'', b''))
        return self.check(path)

    def stall(self, how):
        found, = [f for f in self.told(how)['findings']
                  if f['rule'] == 'stall']
        return found

    def test_a_system_call_that_no_hook_sees_is_named(self):
        found = self.stall('read')
        self.assertEqual(found['callee'], 'read')
        self.assertEqual(found['cause']['word'], 'blocked')
        self.assertTrue(found['calls'][0]['sampled'])
        self.assertRegex(found['calls'][0]['on'], r'^fd \d+ pipe$')

    def test_computation_is_seen_to_run(self):
        found = self.stall('spin')
        self.assertGreaterEqual(len(found['samples']), 2)
        self.assertEqual({s['state'] for s in found['samples']}, {'R'})
        self.assertGreaterEqual(found['cause']['cpu_ns'], 250_000_000)

    def test_a_loop_that_comes_back_is_left_alone(self):
        self.assertNotEqual(self.told('quick')['verdict'], 'fail')

    def test_a_program_that_forgets_to_start_is_told_when_one_waits(self):
        env = dict(os.environ, LOOPTRACE_OUT='x.lt')
        result = self.run_command(WATCH_ALONE, 'x.lt', 'forgot', env=env)
        self.assertEqual((result.returncode, result.stdout), (0, b''))
        self.assertRegex(result.stderr,
                         rb'^looptrace: .* never called lt_trace_start\(\)\n$')
        for command, more in (([WATCH_ALONE, 'x.lt', 'forgot'], {}),
                              ([WATCH_ALONE, 'x.lt', 'quick'], {'env': env}),
                              ([LOOPTRACE, 'record', '-q', WATCH_ALONE, 'x.lt',
                                'forgot'], {'env': env})):
            result = self.run_command(*command, **more)
            self.assertEqual((result.returncode, result.stderr), (0, b''))


if __name__ == '__main__':
    unittest.main()
