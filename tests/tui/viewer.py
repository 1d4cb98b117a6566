"""What the tests of the viewer share: a trace, a dump, a terminal."""
import fcntl
import os
import pathlib
import pty
import re
import struct
import subprocess
import sys
import termios
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'support'))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import looptrace  # noqa: E402
import shop  # noqa: E402

UTF8 = {**os.environ, 'LC_ALL': 'C.UTF-8'}
UTF8.pop('NO_COLOR', None)
UTF8['XDG_CONFIG_HOME'] = '/nonexistent'  # not the settings of who tests
UTF8['TZ'] = 'UTC'

SOURCE = '''#include "beat.h"

static int interval_ms = 1000;

static void heartbeat(uv_timer_t *timer) {
  struct state *state = timer->data;
  state->beats++;
\tif (state->is_slow) {
    /* Wait for the other side: it may be busy.
     * \x1b]0;not a title\x07 */
    struct timespec pause = {0, 260000000};
    nanosleep(&pause, NULL);
  }
  report(state);
}
'''


class ViewCase(looptrace.Case):
    def setUp(self):
        super().setUp()
        self.sources = self.dir / 'src'
        self.sources.mkdir()
        (self.sources / 'beat.c').write_text(SOURCE)

    def trace(self, name='shop.lt', **options):
        path = self.dir / name
        path.write_bytes(shop.make(folder=str(self.sources), **options))
        return path

    def view(self, path, *arguments, environment=UTF8, **options):
        return self.looptrace('view', path, *arguments, env=environment,
                              **options)

    def dump(self, path, *arguments, **options):
        result = self.view(path, '--dump-screen', *arguments, **options)
        self.assertEqual((result.returncode, result.stderr), (0, b''))
        return result.stdout.decode()


GOLDEN = pathlib.Path(__file__).resolve().parent / 'golden'
SIZES = ['100x30', '80x24', '200x60', '60x16']


class GoldenCase(ViewCase):
    """Screens that are kept; UPDATE=1 writes them anew."""

    def compare(self, name, text):
        path = GOLDEN / name
        # The name of the temporary folder is in the trace: $TMPDIR has a share.
        text = re.sub(r'(?<=shop\.lt, 12\.)\d(?= KiB)', '0', text)
        if os.environ.get('UPDATE'):
            path.write_text(text)
        self.assertTrue(path.exists(), f'{path} is missing: UPDATE=1 makes it')
        self.assertEqual(text.split('\n'), path.read_text().split('\n'), name)

    def assert_shape(self, text, width, height):
        lines = text.split('\n')
        self.assertEqual(len(lines), height + 1)
        for line in lines:
            self.assertLessEqual(len(line), width, line)


class TerminalCase(ViewCase):
    """A pseudo-terminal of our own: how it is taken and given back."""

    def open_terminal(self, *arguments, term='xterm-256color', size=(30, 100),
                      **environment):
        """Returns the process and the terminal's other end."""
        leader, follower = pty.openpty()
        self.addCleanup(os.close, leader)
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack('4H', *size, 0, 0))
        self.before = termios.tcgetattr(follower)
        process = subprocess.Popen(
            [looptrace.LOOPTRACE, 'view', *map(str, arguments)],
            stdin=follower, stdout=follower, stderr=follower,
            start_new_session=True, env={**UTF8, 'TERM': term, **environment})
        self.addCleanup(self.end, process)
        self.follower = follower
        self.addCleanup(os.close, follower)
        return process, leader

    def setUp(self):
        super().setUp()
        self.unread = {}

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.wait()

    def read_until(self, leader, wanted, seconds=20):
        """Until wanted came, or nothing more can; what came with it behind it
        is there for the next call."""
        os.set_blocking(leader, False)
        data, end = self.unread.pop(leader, b''), time.monotonic() + seconds
        while wanted not in data:
            self.assertLess(time.monotonic(), end, (wanted, data[-600:]))
            try:
                data += os.read(leader, 65536)
            except BlockingIOError:
                time.sleep(0.005)
            except OSError:
                return data
        end = data.index(wanted) + len(wanted)
        self.unread[leader] = data[end:]
        return data[:end]

    def assert_given_back(self, data):
        self.assertIn(b'\x1b[?1049l', data)
        self.assertEqual(termios.tcgetattr(self.follower)[3], self.before[3])
