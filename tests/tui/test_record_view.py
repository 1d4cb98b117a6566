"""record --view: a program is recorded and looked at at once."""
import signal
import unittest

import looptrace
from vterm import UTF8, VTerm, VTermCase, needs_vterm

SAMPLES = looptrace.BUILDDIR / 'samples'


@needs_vterm
class RecordView(VTermCase):
    def start(self, *command, options=(), **more):
        terminal = VTerm([looptrace.LOOPTRACE, 'record', '--view', *options,
                          '-o', 'x.lt', '--', *command], cwd=self.dir,
                         env={**UTF8, 'TERM': 'xterm-256color',
                              'TMPDIR': str(self.dir)}, **more)
        self.addCleanup(terminal.close)
        return terminal

    def wait_for(self, terminal, *words):
        screen = terminal.wait_for(lambda s: any(w in s.text for w in words))
        self.assertIsNotNone(screen, (words, terminal.screen().text))
        return screen.text

    def test_it_is_seen_while_it_runs_and_told_of_in_the_end(self):
        terminal = self.start(SAMPLES / 'stall')
        self.wait_for(terminal, '● LIVE', '✔ complete')
        text = self.wait_for(terminal, '✔ complete')
        self.assertNotIn('heartbeats', text)  # what it says is kept
        self.assertIn('stall pid', text)
        terminal.send(b'q')
        self.assertEqual(terminal.wait_end(), 0)
        said = self.wait_for(terminal, 'into x.lt')
        self.assertIn('heartbeats', said)
        self.assertTrue(terminal.waits_until_given_back())
        self.assertEqual(self.looptrace('info', 'x.lt').returncode, 0)
        self.assertEqual(sorted(p.name for p in self.dir.iterdir()
                                if p.name != 'src'), ['x.lt'])

    def test_left_it_goes_on_and_ctrl_c_ends_the_command(self):
        terminal = self.start(SAMPLES / 'delay_server')
        self.wait_for(terminal, '● LIVE')
        terminal.send(b'q')
        self.assertIn('port ', self.wait_for(terminal, 'recording goes on'))
        self.assertIsNone(terminal.process.poll())
        terminal.process.send_signal(signal.SIGINT)
        self.assertEqual(terminal.wait_end(), 0)
        self.wait_for(terminal, 'into x.lt')

    def test_signals_reach_the_command(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            terminal = self.start(SAMPLES / 'delay_server',
                                  options=['--overwrite'])
            self.wait_for(terminal, '● LIVE')
            terminal.process.send_signal(number)
            self.assertEqual(terminal.wait_end(), 128 + number)

    def test_it_has_no_terminal_and_a_redirected_output_stays_its_own(self):
        with (self.dir / 'err').open('wb') as err:
            terminal = self.start('sh', '-c', 'tty; cat; echo told >&2; exit 7',
                                  stderr=err)
            self.assertEqual(terminal.wait_end(), 7)
        text = self.wait_for(terminal, 'not a tty')
        self.assertNotIn('told', text)
        said = (self.dir / 'err').read_text()
        self.assertIn('told', said)
        self.assertIn('no event loop ran', said)

    def test_what_cannot_be_run_is_told(self):
        terminal = self.start('no-such-program')
        self.assertEqual(terminal.wait_end(), 127)
        self.wait_for(terminal, 'command not found')

    def test_without_a_terminal_and_with_other_modes(self):
        result = self.looptrace('record', '--view', '--', 'true')
        self.assertEqual(result.returncode, 2)
        self.assertIn(b'--view needs a terminal', result.stderr)
        for options in (['--mode', 'flight'],
                        ['--max-size', '1M', '--keep', '2']):
            result = self.looptrace('record', '--view', *options, '--', 'true')
            self.assertEqual(result.returncode, 2)


if __name__ == '__main__':
    unittest.main()
