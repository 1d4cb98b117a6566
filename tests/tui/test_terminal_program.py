"""A program that has the terminal to itself: under record it draws what it draws
without, follows its size, is stopped and gone on with by the shell, and gives the
terminal back.  An editor: Neovim, which turns a loop, and vim, which does not."""
import fcntl
import re
import shutil
import termios
import unittest

import looptrace
from vterm import UTF8, VTerm, VTermCase, needs_vterm

TEXT = 'line one\nline two\nline three\n'
EDITORS = {'nvim': ['nvim', '-u', 'NONE', '-i', 'NONE', '-n'],
           'vim': ['vim', '-u', 'NONE', '-i', 'NONE', '-n', '-N']}


@needs_vterm
@looptrace.needs('bash')
class TerminalProgram(VTermCase):
    def shell(self):
        terminal = VTerm(
            ['bash', '--norc', '--noprofile', '-i'], cwd=self.dir,
            env={**UTF8, 'TERM': 'xterm-256color', 'PS1': '$ ',
                 'HISTFILE': ''},
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.addCleanup(terminal.close)
        return terminal

    def settled(self, terminal, is_so):
        """The first such screen that stays; None when there is none."""
        screen = terminal.wait_for(is_so)
        while screen:
            if not terminal.take(0.5) and terminal.screen().text == screen.text:
                break
            screen = terminal.wait_for(is_so)
        return screen

    def session(self, *command, wanted=None):
        """The screens of one session, or the wanted ones must come; the command
        is ./edit to the shell."""
        words = ' '.join(map(str, command))
        (self.dir / 'edit').write_text(f'#!/bin/sh\nexec {words} text\n')
        (self.dir / 'edit').chmod(0o755)
        (self.dir / 'text').write_text(TEXT)
        terminal, screens = self.shell(), []

        def step(keys, shows, lacks=None):
            terminal.send(keys.encode())
            if wanted:
                self.assert_shows(terminal, wanted[len(screens)], keys)
                screens.append(wanted[len(screens)])
                return
            screen = self.settled(
                terminal, lambda s: re.search(shows, s.text, re.M) and
                not (lacks and re.search(lacks, s.text, re.M)))
            self.assertIsNotNone(screen, (keys, terminal.screen().text))
            screens.append(screen.text)
        step('', r'^\$$')
        step('stty -a >before; clear; ./edit\r', r'line three\n~')
        step('jdd', 'line three', 'line two')
        step('ihello \x1b', 'hello line three')
        step('\x1a', r'Stopped +\./edit\n\$')
        step('fg\r', r'hello line three\n~')
        terminal.resize(80, 20)
        step('yyp', r'hello line three\nhello line three\n~')
        terminal.resize(100, 30)
        step('\x0c', r'hello line three\nhello line three(\n~){20}')
        step('\x03', r'[Tt]ype +:qa')
        step(':w\r:cq\r', r'^\$$')
        step('echo status=$?; stty -a >after; cmp before after && echo kept\r',
             r'status=1\nkept\n\$')
        screens.append((self.dir / 'text').read_text())
        terminal.send(b'exit\r')
        self.assertIsNotNone(terminal.wait_end())
        return screens

    def test_it_draws_the_same_and_follows_keys_and_the_shell(self):
        for name, command in EDITORS.items():
            if not shutil.which(name):
                continue
            with self.subTest(name):
                path = self.dir / f'{name}.lt'
                plain = self.session(*command)
                self.assertEqual(plain[-1], 'line one\n' +
                                 2 * 'hello line three\n')
                recorded = self.session(looptrace.LOOPTRACE, 'record', '-q',
                                        '-o', path, '--', *command,
                                        wanted=plain)
                self.assertEqual(plain, recorded)
                if name == 'nvim':  # vim waits for its terminal only: no loop
                    self.assertIn(b'exited with status 1',
                                  self.looptrace('info', path).stdout)


if __name__ == '__main__':
    unittest.main()
