"""The viewer is a libuv program: recorded by looptrace, it holds its loop no
longer than it lets others."""
import unittest

import browse
import looptrace
from vterm import UTF8, VTerm, VTermCase, needs_vterm

EVENTS = 24000000 if looptrace.LONG else 4000000


@needs_vterm
class Self(VTermCase):
    def record_a_visit(self, trace, keys):
        own = self.dir / 'own.lt'
        terminal = VTerm([looptrace.LOOPTRACE, 'record', '-q', '-o', own, '--',
                          looptrace.LOOPTRACE, 'view', trace], cwd=self.dir,
                         env={**UTF8, 'TERM': 'xterm-256color'})
        self.addCleanup(terminal.close)
        self.assertIsNotNone(terminal.wait_for(
            lambda s: 'reading' in s.text or 'Worst' in s.text), 'no frame')
        for key in keys:  # the first ones while it still reads
            terminal.send(key.encode())
            terminal.take(.01)
        self.assertIsNotNone(terminal.wait_for(
            lambda s: 'reading' not in s.text, 120))
        for key in keys:
            terminal.send(key.encode())
            while terminal.take(.01):
                pass
        terminal.send(b'\x1bQ')
        self.assertEqual(terminal.wait_end(), 0)
        return own

    def test_no_stall_over_50_ms_while_browsing_a_large_trace(self):
        made = self.run_command(looptrace.BUILDDIR / 'tests' / 'support' /
                                'make_big', EVENTS, 4, 'big.lt')
        self.assertEqual(made.returncode, 0, made)
        own = self.record_a_visit(self.dir / 'big.lt', browse.keys(200))
        told = self.looptrace('check', '--max-stall', '50ms', own)
        # 4: the machine was too busy to tell
        self.assertIn(told.returncode, (0, 4), told.stdout.decode())
        report = self.looptrace('report', own).stdout.decode()
        self.assertIn('on_input', report)  # it was a visit
        self.assertIn('on_slice', report)


if __name__ == '__main__':
    unittest.main()
