"""Random keys, mouse reports and resizes: the viewer neither dies nor shows
nothing, and q always leaves.

20 seconds; with --long, LOOPTRACE_FUZZ_SECONDS (300) of them.  A failure names
the seed and what was sent; LOOPTRACE_FUZZ_SEED tries it again.
"""
import os
import pwd
import random
import shutil
import time
import unittest

import looptrace
from vterm import VTermCase, needs_vterm

SECONDS = (float(os.environ.get('LOOPTRACE_FUZZ_SECONDS', 300))
           if looptrace.LONG else 12)

# Not Q and ^C, which leave at once; ^Z has nobody to come back to.
LETTERS = [chr(c) for c in range(0x20, 0x7f) if chr(c) != 'Q']
CONTROLS = ['\r', '\t', '\x1b', '\x7f', '\x04', '\x15', '\x0c', '\x00', 'µ', '時',
            '\u0301', '\x80', '\x9b']
CURSOR = ['\x1b[' + c for c in ('A', 'B', 'C', 'D', 'H', 'F', '5~', '6~', 'Z',
                                '1;2C', '1;2D', '11~', '200~', '9999z')]
SCREENS = list('123456') + ['e', 'E', 't', 'T', '\r', ' ', 'q', 'q', '?', 'K', 'I']
COMMANDS = [':goto 1.1s\r', ':zoom 1s..1.2s\r', ':zoom 0..0\r', ':goto 99h\r',
            ':screen tasks\r', '&dur>1ms -kind:timer\r', '&\r', '/site:on_*\r',
            '/[[\r', ':note x\r', 'xno\r', ':compare shop.lt\r', "ma'a''"]
SIZES = [(20, 5), (59, 15), (60, 16), (80, 24), (100, 30), (250, 60), (300, 100)]


def mouse(r):
    return (f'\x1b[<{r.choice((0, 1, 2, 32, 64, 65, 999))};{r.randint(0, 400)};'
            f'{r.randint(0, 120)}{r.choice("Mm")}')


def burst(r):
    """Some input, as a person, a mouse or a cat may give it."""
    kinds = ((LETTERS, 4), (SCREENS, 5), (CURSOR, 2), (CONTROLS, 2),
             (COMMANDS, 1))
    pools, weights = zip(*kinds)
    return [mouse(r) if r.random() < .08 else
            r.choice(r.choices(pools, weights)[0])
            for _ in range(r.randint(1, 40))]


@needs_vterm
class Fuzz(VTermCase):
    def setUp(self):
        super().setUp()
        self.options = {}
        source = looptrace.SANDIR / 'looptrace'
        self.program = source if source.exists() else looptrace.LOOPTRACE
        if os.geteuid() == 0:  # nothing that it may do needs root
            nobody = pwd.getpwnam('nobody')
            shutil.copy(self.program, self.dir / 'looptrace')
            self.program = self.dir / 'looptrace'
            self.dir.chmod(0o755)
            self.options = {'user': nobody.pw_uid, 'group': nobody.pw_gid,
                            'extra_groups': []}

    def leave(self, terminal):
        """Out of a prompt, and back from each screen."""
        terminal.send(b'\x1b' + b'q' * 12)
        return terminal.wait_end()

    def run_one(self, seed, paths, end):
        """Returns: how many inputs were sent."""
        r = random.Random(seed)
        sent, width, height = [], *r.choice(SIZES)
        edits, clicks = r.random() < .3, r.random() < .6
        terminal = self.open(*r.choice(paths), *['--mouse'][:clicks],
                             program=self.program, width=width, height=height,
                             **self.options)
        said = None
        while time.monotonic() < end and len(sent) < 1000:
            if r.random() < .15:
                width, height = r.choice(SIZES)
                terminal.resize(width, height)
                sent.append(f'<Resize:{width}x{height}>')
            keys = [key for key in burst(r) if edits or key != 'O']
            sent += keys
            terminal.send(''.join(keys).encode())
            if r.random() < .3:
                said = terminal.wait_for(
                    lambda s: s.text.strip() or terminal.is_blind or
                    terminal.process.poll() is not None, 60)
                self.assertIsNotNone(said, ('blank', seed, sent))
            if terminal.process.poll() is not None:
                break  # enough q
        status = self.leave(terminal)
        screen = terminal.screen().text
        self.assertEqual(status, 0, (seed, sent, screen))
        # Bytes that come while an editor has the terminal are echoed, and can
        # leave the emulator in any state; otherwise it must be given back.
        if not edits and not terminal.is_blind:
            self.assertTrue(terminal.wait_for(
                lambda _: terminal.is_given_back() or terminal.is_blind, 10),
                (seed, sent))
        self.assertNotIn('Sanitizer', screen)
        self.assertNotIn('runtime error', screen)
        terminal.close()
        return len(sent)

    def test_random_input_of_all_kinds(self):
        whole = self.trace()
        paths = [[whole], [whole], [self.trace('calm.lt', calm=True), whole]]
        for name in ('cut', 'empty', 'lost', 'hostile'):
            paths.append([self.trace(f'{name}.lt', **{name: True})])
        seed = int(os.environ.get('LOOPTRACE_FUZZ_SEED', 1))
        end, n, first = time.monotonic() + SECONDS, 0, seed
        while time.monotonic() < end:
            n += self.run_one(seed, paths, end)
            seed += 1
        self.measured(f'{n} inputs in {seed - first} runs')
        self.assertGreater(n, 0)


if __name__ == '__main__':
    unittest.main()
