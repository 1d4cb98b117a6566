"""The viewer in a terminal that can be looked at: a pseudo-terminal whose output
goes through libvterm."""
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

import looptrace
from viewer import UTF8, ViewCase

VTSCREEN = looptrace.BUILDDIR / 'tests' / 'tui' / 'vtscreen'

needs_vterm = unittest.skipIf(not VTSCREEN.exists(),
                              'not installed: libvterm-dev')


class Screen:
    """One look: text is what a dump would be; cells[y][x] is a colour (-1: the
    terminal's own) and the looks b (bold), r (reversed), p (painted)."""

    def __init__(self, head, lines):
        (self.width, self.height, self.row, self.column, self.is_visible,
         self.is_alternate) = map(int, head.split())
        self.rows = [line.rstrip() for line in lines[::2]]
        self.text = '\n'.join(self.rows) + '\n'
        self.cells = [line.split() for line in lines[1::2]]


def whole_characters(data):
    """How much of it ends with a whole character: libvterm 0.1 forgets the
    first part of one that comes in two."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte >= 0xc0:
            length = 2 if byte < 0xe0 else 3 if byte < 0xf0 else 4
            return len(data) - back if length > back else len(data)
        if byte < 0x80:
            break
    return len(data)


def wait(descriptor, events, seconds):
    """Not by select(), which knows no descriptor beyond 1023."""
    poll = select.poll()
    poll.register(descriptor, events)
    return poll.poll(seconds * 1000)


class VTerm:
    def __init__(self, command, width=100, height=30, **options):
        self.is_blind = False
        self.leader, follower = pty.openpty()
        self.emulator = subprocess.Popen([VTSCREEN], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE)
        self.set_size(width, height)
        self.before = termios.tcgetattr(follower)
        self.follower = follower
        options.setdefault('stderr', follower)
        self.process = subprocess.Popen(
            list(map(str, command)), stdin=follower, stdout=follower,
            start_new_session=True, **options)
        os.set_blocking(self.leader, False)
        self.n_bytes = 0
        self.pending = b''
        self.newest = b''

    def close(self):
        """Harmless when it is closed already."""
        if self.leader < 0:
            return
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        try:
            self.emulator.stdin.close()
        except BrokenPipeError:
            pass
        self.emulator.wait()
        self.emulator.stdout.close()
        os.close(self.leader)
        os.close(self.follower)
        self.leader = self.follower = -1

    def set_size(self, width, height):
        fcntl.ioctl(self.leader, termios.TIOCSWINSZ,
                    struct.pack('4H', height, width, 0, 0))
        self.tell(b'size %d %d\n' % (width, height))

    def tell(self, command):
        """libvterm 0.1 can die of rare input itself; who sends at random asks
        is_blind then."""
        try:
            self.emulator.stdin.write(command)
            self.emulator.stdin.flush()
        except BrokenPipeError:
            self.is_blind = True

    def resize(self, width, height):
        self.take()
        self.set_size(width, height)
        if self.process.poll() is None:  # it has no controlling terminal
            self.process.send_signal(signal.SIGWINCH)

    def send(self, keys):
        while keys:
            self.take()
            try:
                keys = keys[os.write(self.leader, keys):]
            except BlockingIOError:
                wait(self.leader, select.POLLIN | select.POLLOUT, 1)

    def take(self, seconds=0):
        """Give the emulator what came so far.  Returns: whether any."""
        if not wait(self.leader, select.POLLIN, seconds):
            return False
        try:
            data = os.read(self.leader, 65536)
        except OSError:
            return False
        self.n_bytes += len(data)
        self.newest = (self.newest + data)[-200:]
        self.pending += data
        end = whole_characters(self.pending)
        self.tell(b'feed %d\n' % end + self.pending[:end])
        self.pending = self.pending[end:]
        return bool(data)

    def screen(self):
        while self.take():
            pass
        self.tell(b'screen\n')
        head = self.emulator.stdout.readline().decode()
        if not head:
            self.is_blind = True
            return Screen('0 0 0 0 1 0', [])
        rows = int(head.split()[1])
        return Screen(head, [self.emulator.stdout.readline().decode()[:-1]
                             for _ in range(2 * rows)])

    def wait_for(self, is_so, seconds=30):
        """The first screen of which it is so; None when that does not come."""
        end = time.monotonic() + seconds
        while True:
            screen = self.screen()
            if is_so(screen):
                return screen
            if time.monotonic() > end:
                return None
            self.take(0.05)

    def wait_end(self, seconds=60):
        """Its status.  Output is taken meanwhile: it must not have to wait."""
        end = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < end:
            self.take(0.02)
        return self.process.poll()

    def waits_until_given_back(self):
        """What was written last may come after the process is gone."""
        return self.wait_for(lambda _: self.is_given_back()) is not None

    def is_given_back(self):
        screen = self.screen()
        # libvterm 0.1 takes the cursor's visibility back with its place, where
        # curses had saved that to scroll; terminals do not.
        screen.is_visible |= (self.newest.rfind(b'\x1b[?25h') >
                              self.newest.rfind(b'\x1b[?25l'))
        now = termios.tcgetattr(self.follower)
        return (screen.is_visible and not screen.is_alternate and
                now[:4] == self.before[:4])


class VTermCase(ViewCase):
    def open(self, *arguments, program=looptrace.LOOPTRACE, term='xterm-256color',
             width=100, height=30, environment=None, **options):
        terminal = VTerm([program, 'view', *arguments], width, height,
                         env={**UTF8, 'TERM': term, 'EDITOR': 'true',
                              **(environment or {})}, cwd=self.dir, **options)
        self.addCleanup(terminal.close)
        return terminal

    def assert_shows(self, terminal, wanted, message=None):
        screen = terminal.wait_for(lambda screen: screen.text == wanted)
        if screen is None:
            screen = terminal.screen()
            self.assertEqual(screen.text.split('\n'), wanted.split('\n'),
                             message)
        return screen


def has_terminal(term):
    return not subprocess.run(['infocmp', term], capture_output=True,
                              check=False).returncode
