"""The viewer in a real terminal: how it is taken and given back, what is sent."""
import base64
import os
import pty
import re
import shutil
import signal
import subprocess
import time
import unittest

import looptrace
from viewer import UTF8, TerminalCase, ViewCase


class Terminal(TerminalCase):
    def test_q_gives_the_terminal_back(self):
        process, leader = self.open_terminal(self.trace())
        self.read_until(leader, b'Worst stalls')
        os.write(leader, b'q')
        data = self.read_until(leader, b'\x1b[?1049l')
        self.assertEqual(process.wait(20), 0)
        self.assert_given_back(data)

    def test_escape_is_felt_at_once(self):
        process, leader = self.open_terminal(self.trace(), '--screen', 'stalls')
        self.read_until(leader, b'sort: duration')
        begun = time.monotonic()
        os.write(leader, b'\x1b')
        self.read_until(leader, b'\x1b[?1049l')
        self.assertLess(time.monotonic() - begun, 0.9)  # curses: 1 s
        self.assertEqual(process.wait(20), 0)

    def test_signals_give_the_terminal_back(self):
        for number, code in ((signal.SIGTERM, 128 + 15), (signal.SIGHUP, 128 + 1),
                             (signal.SIGINT, 0), (signal.SIGSEGV, -11),
                             (signal.SIGABRT, -6), (signal.SIGQUIT, -3),
                             (signal.SIGUSR1, -10), (signal.SIGALRM, -14)):
            with self.subTest(signal=number):
                process, leader = self.open_terminal(self.trace())
                self.read_until(leader, b'Worst stalls')
                os.kill(process.pid, number)
                data = self.read_until(leader, b'\x1b[?1049l')
                self.assertEqual(process.wait(20), code)
                self.assert_given_back(data)

    def test_a_crash_leaves_what_was_pressed(self):
        path = self.trace()
        process, leader = self.open_terminal(path, TMPDIR=str(self.dir))
        self.read_until(leader, b' quit')
        os.write(leader, b'3j\r')
        self.read_until(leader, b'held by fsync')
        os.kill(process.pid, signal.SIGSEGV)
        data = self.read_until(leader, b'shop.lt\r\n')
        self.assertEqual(process.wait(20), -11)
        self.assertIn(b'killed by a signal', data)
        self.assertLess(data.index(b'\x1b[?1049l'), data.index(b'killed'))
        log = self.dir / f'looptrace-keys-{process.pid}'
        self.assertEqual(log.stat().st_mode & 0o777, 0o600)
        self.assertIn('held by fsync',
                      self.dump(path, '--keys', log.read_text().rstrip('\n')))

    def test_standard_input_stays_as_it_was(self):
        process, leader = self.open_terminal(self.trace())
        self.read_until(leader, b' quit')
        self.assertTrue(os.get_blocking(self.follower))
        os.write(leader, b'q')
        self.read_until(leader, b'\x1b[?1049l')
        self.assertEqual(process.wait(20), 0)
        self.assertTrue(os.get_blocking(self.follower))

    def test_a_terminal_that_goes_away_ends_it(self):
        leader, follower = pty.openpty()
        process = subprocess.Popen(
            [looptrace.LOOPTRACE, 'view', str(self.trace())], stdin=follower,
            stdout=follower, stderr=follower, start_new_session=True,
            env={**UTF8, 'TERM': 'xterm'})
        self.addCleanup(self.end, process)
        os.close(follower)
        self.read_until(leader, b'Worst stalls')
        os.close(leader)
        self.assertNotEqual(process.wait(20), None)

    def test_no_color_and_color_always(self):
        def colors(*arguments, **environment):
            _, leader = self.open_terminal(self.trace(), *arguments,
                                           **environment)
            data = self.read_until(leader, b' quit')
            return re.search(rb'\x1b\[(\d+;)*3[0-8](;\d+)*m', data) is not None
        self.assertTrue(colors())
        self.assertFalse(colors(NO_COLOR='1'))
        self.assertTrue(colors('--color=always', NO_COLOR='1'))
        self.assertFalse(colors('--color=never'))

    def test_terminals_of_all_sorts(self):
        for term in ('xterm', 'xterm-256color', 'screen', 'tmux-256color',
                     'linux', 'vt100', 'ansi'):
            if not shutil.which('infocmp') or subprocess.run(
                    ['infocmp', term], capture_output=True,
                    check=False).returncode:
                continue
            with self.subTest(term=term):
                process, leader = self.open_terminal(self.trace(), term=term)
                self.read_until(leader, b'Worst stalls')
                os.write(leader, b'2+3')
                self.read_until(leader, b'duration')
                os.write(leader, b'Q')
                self.assertEqual(process.wait(20), 0)

    def test_a_terminal_that_cannot_place_text_is_told(self):
        for term in ('dumb', 'no-such-terminal'):
            process, leader = self.open_terminal(self.trace(), term=term)
            data = self.read_until(leader, b'looptrace report')
            self.assertEqual(process.wait(20), 2)
            self.assertNotIn(b'\x1b', data)

    def test_a_key_sends_little(self):
        process, leader = self.open_terminal(self.trace(), '--screen', 'stalls')
        self.read_until(leader, b' quit')
        os.write(leader, b'j')
        data = self.read_until(leader, b'fs on_saved')
        time_out = time.monotonic() + 0.1
        while time.monotonic() < time_out:
            try:
                data += os.read(leader, 65536)
            except BlockingIOError:
                time.sleep(0.005)
        self.assertLess(len(data), 2048)
        self.assertNotIn(b'\x1b[2J', data)
        os.write(leader, b'Q')
        process.wait(20)


    def test_a_file_that_grows_is_followed(self):
        path = self.trace()
        whole = path.read_bytes()
        path.write_bytes(whole[:len(whole) * 2 // 3])
        process, leader = self.open_terminal('-f', path)
        self.read_until(leader, b'LIVE')
        os.write(leader, b'FF3')
        with path.open('ab') as file:
            file.write(whole[len(whole) * 2 // 3:])
        self.read_until(leader, b'complete')
        os.write(leader, b'Q')
        self.assertEqual(process.wait(20), 0)

    def test_a_command_that_comes_back_here_is_copied(self):
        process, leader = self.open_terminal(self.trace(), '--screen', 'stalls')
        self.read_until(leader, b'sort: duration')
        os.write(leader, b'jy')
        data = self.read_until(leader, b'\x1b\\')
        text = base64.b64decode(re.search(rb'\x1b]52;c;([^\x1b]*)', data)[1])
        self.assertEqual(text.decode(),
                         'looptrace view --screen stalls --at 0.620290000s '
                         f'--select main/85 {self.dir}/shop.lt')
        os.write(leader, b'Q')
        self.assertEqual(process.wait(20), 0)

    def test_a_moment_and_keys_wait_for_the_reading(self):
        process, leader = self.open_terminal('--at', '620ms', self.trace(),
                                             '--keys', 'j')
        self.read_until(leader, b'cursor 0.620')
        os.write(leader, b'Q')
        self.assertEqual(process.wait(20), 0)


@looptrace.needs('tmux')
class Tmux(ViewCase):
    """The picture in a real terminal is that of the dump."""

    def setUp(self):
        super().setUp()
        self.socket = str(self.dir / 'tmux')
        self.path = self.trace()

    def tmux(self, *words):
        result = subprocess.run(['tmux', '-S', self.socket, '-f', '/dev/null',
                                 *words], capture_output=True, env=UTF8,
                                check=False, timeout=30)
        return result.stdout.decode()

    def start(self, command=None):
        self.tmux('new-session', '-d', '-x', '100', '-y', '30', '-s', 't',
                  '-c', str(self.dir),
                  command or f'exec {looptrace.LOOPTRACE} view {self.path}')
        self.tmux('set', '-g', 'status', 'off')
        self.tmux('set', '-g', 'window-size', 'manual')
        self.tmux('resize-window', '-t', 't', '-x', '100', '-y', '30')
        self.addCleanup(self.tmux, 'kill-server')

    def wait_for(self, wanted):
        end = time.monotonic() + 20
        while True:
            lines = self.tmux('capture-pane', '-p', '-t', 't').split('\n')
            text = '\n'.join(line.rstrip() for line in lines).rstrip('\n')
            if text == wanted:
                return
            if time.monotonic() > end:
                self.assertEqual(text.split('\n'), wanted.split('\n'))
            time.sleep(0.02)

    def wait_for_text(self, wanted):
        end = time.monotonic() + 20
        while wanted not in self.tmux('capture-pane', '-p', '-t', 't'):
            self.assertLess(time.monotonic(), end, wanted)
            time.sleep(0.02)

    def test_suspended_it_gives_the_terminal_back_and_comes_again(self):
        self.start('exec sh -i')
        self.tmux('send-keys', '-t', 't',
                  f'{looptrace.LOOPTRACE} view {self.path}', 'Enter')
        self.wait_for(self.expected())
        self.tmux('send-keys', '-t', 't', '3')
        self.wait_for(self.expected('--keys', '3'))
        self.tmux('send-keys', '-t', 't', 'C-z')
        self.wait_for_text('Stopped')
        self.tmux('send-keys', '-t', 't', 'stty -a | grep -c " icanon"', 'Enter')
        self.wait_for_text('\n1\n')
        self.tmux('send-keys', '-t', 't', 'fg', 'Enter')
        self.wait_for(self.expected('--keys', '3'))
        self.tmux('send-keys', '-t', 't', 'j')
        self.wait_for(self.expected('--keys', '3j'))

    def expected(self, *arguments):
        return self.dump(self.path, *arguments).rstrip('\n')

    def test_the_terminal_shows_what_the_dump_shows(self):
        self.start()
        self.wait_for(self.expected())
        script = ''
        for keys, names in ((['3'], '3'), (['Down'], '<Down>'),
                            (['Enter'], '<Enter>'), (['t'], 't'),
                            (['+', '+', 'l'], '++l'), (['Escape'], '<Esc>'),
                            (['?'], '?')):
            script += names
            self.tmux('send-keys', '-t', 't', *keys)
            self.wait_for(self.expected('--keys', script))
        for w, h in ((80, 24), (50, 10), (120, 40), (60, 16)):
            self.tmux('resize-window', '-t', 't', '-x', str(w), '-y', str(h))
            self.wait_for(self.expected('--keys', script, '--size', f'{w}x{h}'))
        self.tmux('send-keys', '-t', 't', 'Q')
        end = time.monotonic() + 20
        while self.tmux('list-sessions'):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)


if __name__ == '__main__':
    unittest.main()
