"""What reaches a terminal is what the cell buffer holds: on every type of
terminal, in every locale, with and without colour, after any resize."""
import re
import signal
import unittest

import picture
import vterm
from viewer import GoldenCase
from vterm import VTermCase, needs_vterm

# The replay is paused, and gone back to its beginning, before it is looked at:
# how far it played until then depends on the machine.
VISIT = ('', '2', 'ee', '+', '3', 'j', '\r', 'K', 'q', 't', '4', 'jj', '5', 'G',
         '?', 'q', '3', '/', 'on_', '\x1b', '1', '  g', '.', '.')
MONO = {'overview': '1', 'lanes': '2', 'stalls': '3', 'sites': '4', 'tasks': '5',
        'help': '?'}
TERMS = {'xterm': 8, 'xterm-256color': 256, 'screen': 8, 'tmux-256color': 256,
         'linux': 8, 'vt100': 0}


def roles():
    """By letter: 256-colour, 8-colour, looks."""
    row = re.compile(r"X\(\w+, '(.)', (-?\d+), (-?\d+), ([\w |]+)\)")
    return {letter: (int(many), int(few), look)
            for letter, many, few, look in row.findall(
                picture.ROLES.read_text())}


@needs_vterm
class RealTerminal(VTermCase, GoldenCase):
    @staticmethod
    def script(keys):
        return ''.join({'\r': '<Enter>', '\x1b': '<Esc>', ' ': '<Space>'}.get(
            key, key) for key in keys)

    def dumps(self, path, steps, *words, environment=None, what='screen'):
        """The screen after each step of a script, in one run."""
        result = self.view(path, f'--dump-{what}', '--keys',
                           '<Dump>'.join([*steps, '']), *words,
                           environment={**vterm.UTF8, **(environment or {})})
        self.assertEqual(result.returncode, 0)
        return result.stdout.decode().split('\f\n')

    def visit(self, path, environment=None, *words, **options):
        """Each picture of a visit, in the terminal and in the dump."""
        terminal = self.open(path, *words, environment=environment, **options)
        steps = [self.script(keys) for keys in VISIT]
        for keys, wanted in zip(VISIT, self.dumps(path, steps, *words,
                                                  environment=environment)):
            terminal.send(keys.encode())
            yield self.assert_shows(terminal, wanted, keys)
        terminal.send(b'Q')
        self.assertEqual(terminal.wait_end(), 0)
        self.assertTrue(terminal.waits_until_given_back())

    def test_a_visit_on_every_type_of_terminal(self):
        path = self.trace()
        for term in TERMS:
            if not vterm.has_terminal(term):
                continue
            with self.subTest(term=term):
                for _ in self.visit(path, term=term):
                    pass

    def test_without_utf8_it_is_ascii(self):
        path = self.trace(hostile=True)
        for screen in self.visit(path, {'LC_ALL': 'C'}, term='screen'):
            self.assertTrue(screen.text.isascii())

    def test_colours_are_those_of_the_roles(self):
        known = roles()
        path = self.trace()
        for term, column in (('xterm-256color', 0), ('linux', 1)):
            if not vterm.has_terminal(term):
                continue
            steps = [self.script(keys) for keys in VISIT]
            for screen, letters in zip(self.visit(path, term=term),
                                       self.dumps(path, steps, what='attr')):
                for y, row in enumerate(letters.split('\n')[:-1]):
                    for x, letter in enumerate(row):
                        self.compare_cell(screen, x, y, letter, known, column)

    def compare_cell(self, screen, x, y, letter, known, column):
        cell = screen.cells[y][x]
        where = (x, y, letter, cell, screen.rows[y])
        if letter == ' ' or x >= len(screen.rows[y]):
            return
        if letter.isupper():
            self.assertIn('r', cell, where)
            return
        self.assertNotIn('p', cell, where)
        color = int(re.match(r'-?\d+', cell)[0])
        self.assertEqual(color, known[letter][column], where)
        self.assertEqual('b' in cell, 'LOOK_BOLD' in known[letter][2], where)

    def test_no_color_means_none(self):
        path = self.trace()
        for environment in ({'NO_COLOR': '1'}, {}):
            words = [] if environment else ['--color=never']
            for screen in self.visit(path, environment, *words):
                for row in screen.cells:
                    self.assertFalse([cell for cell in row
                                      if not cell.startswith('-1')])

    def test_without_colour_looks_tell_it(self):
        path = self.trace()
        terminal = self.open(path, environment={'NO_COLOR': '1'})
        for name, keys in MONO.items():
            terminal.send(keys.encode())
            screen = self.assert_shows(
                terminal, self.dump(path, '--keys', self.script(keys)), name)
            letters = (''.join(self.look(cell) for cell in row).rstrip()
                       for row in screen.cells)
            self.compare(f'mono-{name}-100x30.looks',
                         '\n'.join(letters) + '\n')

    @staticmethod
    def look(cell):
        """b bold, r reversed, B both."""
        bold, reverse = 'b' in cell, 'r' in cell
        return 'B' if bold and reverse else 'b' if bold else 'r' if reverse else ' '

    def test_any_size_at_any_moment(self):
        path = self.trace()
        terminal = self.open(path)
        sizes = ((60, 16), (300, 100), (59, 16), (1, 1), (80, 24), (200, 60),
                 (100, 30))
        pages = ('', 'ee', '3\r', '5')
        wanted = iter(self.dumps(path, [
            (self.script(keys) if size == sizes[0] else '') +
            '<Resize:%dx%d>' % size for keys in pages for size in sizes]))
        for keys in pages:
            terminal.send(keys.encode())
            for w, h in sizes:
                terminal.resize(w, h)
                self.assert_shows(terminal, next(wanted), (keys, w, h))
        terminal.resize(7, 3)
        terminal.send(b'Q')  # also where nothing fits
        self.assertEqual(terminal.wait_end(), 0)

    def test_every_state(self):
        for name in ('cut', 'empty', 'lost', 'hostile'):
            for _ in self.visit(self.trace(f'{name}.lt', **{name: True})):
                pass

    def test_it_is_given_back_after_any_death(self):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGSEGV,
                       signal.SIGBUS, signal.SIGABRT):
            with self.subTest(signal=number):
                terminal = self.open(self.trace())
                terminal.wait_for(lambda s: 'Worst stalls' in s.text)
                terminal.process.send_signal(number)
                self.assertIsNotNone(terminal.wait_end())
                self.assertTrue(terminal.waits_until_given_back(), number)

    def test_a_key_sends_little(self):
        terminal = self.open(self.trace())
        sent = []
        keys = '3jjkj2lllh3jk'
        for key, wanted in zip(keys, self.dumps(self.trace(), keys)):
            terminal.n_bytes = 0
            terminal.send(key.encode())
            self.assert_shows(terminal, wanted)
            sent.append(terminal.n_bytes)
        self.assertLess(sorted(sent)[len(sent) // 2], 2048, sent)


if __name__ == '__main__':
    unittest.main()
