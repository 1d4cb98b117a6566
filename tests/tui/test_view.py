"""The viewer: golden screens without a terminal, and a real one under tmux.

UPDATE=1 writes the golden files anew; read their diff.
"""
import base64
import fcntl
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'support'))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import looptrace  # noqa: E402
import shop  # noqa: E402

GOLDEN = pathlib.Path(__file__).resolve().parent / 'golden'
UTF8 = {**os.environ, 'LC_ALL': 'C.UTF-8'}
UTF8.pop('NO_COLOR', None)

# name: size, script; each is one visit. 100x30 is kept with its roles too.
SCREENS = {
    'overview': '',
    'overview-loops': '<Tab>j',
    'lanes': '2',
    'lanes-stall': 'ee',
    'lanes-zoom': 'eej++l.',
    'lanes-pool': 'eejjjjjj.',
    'stalls': '3j',
    'stalls-sorted': '3>>i',
    'detail': '3<Enter>',
    'detail-fsync': '3j<Enter>',
    'sites': '4jjj',
    'tasks': '5G',
    'tasks-sorted': '5>>>g',
    'tasks-of-stall': '3jT',
    'help': '?',
    'search': '4/site:on_* ki',
    'filtered': '3&dur>80ms -kind:timer<Enter>',
    'replay': 'ee<Space><Tick:400>',
    'replay-paused': 'ee<Space><Space>u.u..<Tick:9>,a<Tick:9>l{}[b',
}
SIZES = ['100x30', '80x24', '200x60', '60x16']

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


class Golden(ViewCase):
    def compare(self, name, text):
        path = GOLDEN / name
        if os.environ.get('UPDATE'):
            path.write_text(text)
        self.assertTrue(path.exists(), f'{path} is missing: UPDATE=1 makes it')
        self.assertEqual(text.split('\n'), path.read_text().split('\n'), name)

    def assert_shape(self, text, width, height):
        lines = text.split('\n')
        self.assertEqual(len(lines), height + 1)
        for line in lines:
            self.assertLessEqual(len(line), width, line)

    def test_every_screen_in_every_size_class(self):
        path = self.trace()
        for name, script in SCREENS.items():
            for size in SIZES:
                with self.subTest(name=name, size=size):
                    text = self.dump(path, '--size', size, '--keys', script)
                    self.assert_shape(text, *map(int, size.split('x')))
                    self.compare(f'{name}-{size}.screen', text)

    def test_the_roles_of_every_screen(self):
        path = self.trace()
        for name, script in SCREENS.items():
            with self.subTest(name=name):
                result = self.view(path, '--dump-attr', '--keys', script)
                self.assertEqual(result.returncode, 0)
                self.compare(f'{name}-100x30.attr', result.stdout.decode())

    def test_two_traces(self):
        old, new = self.trace('old.lt', calm=True), self.trace()
        for name, script in (('compare', ''), ('compare-sorted', 'u>>jj')):
            for size in SIZES:
                with self.subTest(name=name, size=size):
                    text = self.dump(old, new, '--size', size,
                                     '--keys', script)
                    self.assert_shape(text, *map(int, size.split('x')))
                    self.compare(f'{name}-{size}.screen', text)

    def test_states(self):
        for name, script in (('cut', ''), ('cut', '<Enter>2G'), ('empty', ''),
                             ('empty', '2'), ('empty', '3'), ('empty', '4'),
                             ('lost', ''), ('hostile', '3'),
                             ('hostile', '4jj'), ('hostile', '3<Enter>')):
            with self.subTest(name=name, script=script):
                path = self.dir / f'{name}.lt'
                path.write_bytes(shop.make(**{name: True}))
                text = self.dump(path, '--keys', script)
                self.assertFalse(any(ord(c) < 32 and c != '\n' for c in text))
                words = script.replace('<', '').replace('>', '')
                self.compare(f'state-{name}{"-" if words else ""}{words}'
                             '-100x30.screen', text)

    def test_too_small(self):
        path = self.trace()
        for size in ('59x16', '60x15', '48x12', '1x1', '7x3'):
            text = self.dump(path, '--size', size)
            self.assert_shape(text, *map(int, size.split('x')))
        self.compare('too-small-48x12.screen',
                     self.dump(path, '--size', '48x12'))

    def test_ascii(self):
        path = self.trace()
        text = self.dump(path, '--ascii')
        self.assertTrue(text.isascii())
        self.compare('overview-ascii-100x30.screen', text)
        for name in ('hostile', 'cut'):
            text = self.dump(self.trace(f'{name}.lt', **{name: True}),
                             '--keys', '2<Dump>3<Dump><Enter><Dump>4<Dump>?<Dump>',
                             environment={**UTF8, 'LC_ALL': 'C'})
            self.assertTrue(text.isascii())

    def test_every_size_has_the_right_shape(self):
        path = self.trace()
        sizes = [(w, h) for w in (60, 61, 79, 80, 95, 96, 99, 119, 131, 220)
                 for h in (16, 17, 23, 24, 25, 31, 70)]
        for screen in ('1', '2', '3', '3<Enter>', '4', '?'):
            script = screen + ''.join(f'<Resize:{w}x{h}><Dump>'
                                      for w, h in sizes)
            dumps = self.dump(path, '--keys', script).split('\f\n')
            self.assertEqual(len(dumps), len(sizes))
            for (w, h), text in zip(sizes, dumps):
                self.assert_shape(text, w, h)


class Comparing(ViewCase):
    def setUp(self):
        super().setUp()
        self.old = self.trace('old.lt', calm=True)
        self.new = self.trace()

    def test_the_verdicts_are_those_of_diff(self):
        text = self.dump(self.old, self.new, '--size', '150x60')
        rows = json.loads(self.looptrace('diff', '--format', 'json', self.old,
                                         self.new).stdout)['sites']
        self.assertGreater(len(rows), 5)
        for row in rows:
            line = next(line for line in text.split('\n')
                        if line[2:].startswith(row.get('callee') or row['kind'])
                        and row['function'] in line)
            self.assertTrue(
                line.endswith(row['verdict']) or row['ratio'] and
                f'×{row["ratio"]:.2f}' in line, (row, line))

    def test_enter_opens_the_stall_or_the_site(self):
        for script, wanted in (('<Enter>', 'How it came to run'),
                               ('t', 'on screen'),
                               ('/site:tick<Enter><Enter>', '[4 Sites')):
            self.assertIn(wanted, self.dump(self.old, self.new, '--keys',
                                            script), script)

    def test_a_base_can_be_named_later(self):
        text = self.dump(self.new, '--keys', '6')
        self.assertIn(':compare FILE', text)
        text = self.dump(self.new, '--keys', f':compare {self.old}<Enter>')
        self.assertIn('of 14 slower', text)
        text = self.dump(self.new, '--keys', ':compare no-such.lt<Enter>')
        self.assertIn('compare takes an older trace', text)

    def test_filter_and_search(self):
        text = self.dump(self.old, self.new, '--keys', '&new -kind:timer<Enter>')
        self.assertIn('nanosleep in heartbeat', text)
        self.assertNotIn('timer heartbeat', text)

    def test_cut_empty_and_missing_ones(self):
        for a, b in (('cut', None), (None, 'cut'), ('empty', None),
                     (None, 'empty'), ('empty', 'empty')):
            x, y = (self.trace(f'{i}{name}.lt', **({name: True} if name else {}))
                    for i, name in enumerate((a, b)))
            self.assertIn('slower', self.dump(x, y, '--keys', '<Enter>6jj'))
        result = self.view('no-such.lt', self.new, '--dump-screen')
        self.assertEqual(result.returncode, 3)


class Replay(ViewCase):
    def now(self, script, **options):
        text = self.dump(self.trace(**options), '--keys', script)
        return text.split('\n')

    def test_a_paused_picture_is_the_same_however_one_came_there(self):
        first = self.now('ee <Tick:1> ....')
        self.assertIn('REPLAY paused', first[6])
        self.assertEqual(first, self.now('ee <Tick:1> ......,,'))
        self.assertEqual(first, self.now('ee <Tick:1> .....llllhhhh.,,'))

    def test_it_says_what_blocks_since_when(self):
        text = '\n'.join(self.now('ee <Tick:2500>'))
        self.assertIn('BLOCKED', text)
        self.assertIn('fsync', text)
        self.assertIn('late, worst +', text)

    def test_nothing_later_than_the_cursor_is_shown(self):
        lines = self.now('ee <Tick:400> ')
        self.assertFalse(any('142ms' in line for line in lines[8:]))

    def test_idle_gaps_are_skipped_and_a_to_b_repeats(self):
        self.assertIn('REPLAY ▶', self.now(' <Tick:900>')[6])
        text = self.now('ee <Tick:200> al b<Tick:100><Tick:60000>')
        self.assertIn('A–B repeats', text[6])

    def test_it_ends_with_the_recording(self):
        lines = self.now('1 }}}}}}}}}}<Tick:90000>')
        self.assertIn('REPLAY paused', lines[6])
        self.assertIn('the end of the recording', '\n'.join(lines))

    def test_lossy_cut_and_empty_traces_play(self):
        for name in ('lost', 'cut', 'empty', 'hostile'):
            text = '\n'.join(self.now('2 <Tick:2000>....,,uuG,g.', **{name: True}))
            self.assertTrue(name == 'empty' or 'REPLAY' in text)


class Tasks(ViewCase):
    def test_from_a_stall_to_its_task_to_the_lanes_and_back(self):
        path = self.trace()
        text = self.dump(path, '--keys', '3jT<Enter>')
        self.assertIn('[2 Lanes]', text)
        self.assertIn('on_saved (orders.c:88) · fs · main · 0.6203s', text)
        back = self.dump(path, '--keys', '3jT<Enter><Esc>')
        self.assertEqual(back, self.dump(path, '--keys', '3jT'))
        self.assertIn('ready, others ran', self.dump(path, '--keys', '5>>>g'))

    def test_lossy_cut_and_empty_traces_have_tasks(self):
        for name in ('lost', 'cut', 'empty', 'hostile'):
            path = self.trace(f'{name}.lt', **{name: True})
            text = self.dump(path, '--screen', 'tasks', '--keys', 'jjGuuT<Enter>5>>>>i')
            self.assertIn('5 Tasks', text)


class Searching(ViewCase):
    def last(self, script, line=-3):
        return self.dump(self.trace(), '--keys', script).split('\n')[line]

    def test_the_preview_counts_and_tab_completes(self):
        self.assertIn('1 of 5', self.last('3/fsync'))
        self.assertIn('kind:', self.last('3/ki<Tab>'))
        self.assertIn('loop:worker', self.last('3&-loop:w<Tab>'))
        self.assertIn('zoom', self.last(':z<Tab>'))
        self.assertIn('a duration is', self.last('3&dur:x'))

    def test_hits_follow_each_other(self):
        text = self.dump(self.trace(), '--keys', '3/fsync<Enter>')
        self.assertIn('>✖ 0.620s', text)
        text = self.dump(self.trace(), '--keys', '2/nanosleep<Enter>')
        self.assertIn('cursor 1.70s', text)
        self.assertIn('no hit for zzz', self.last('2/zzz<Enter>'))
        self.assertIn('search for something', self.last('2n'))

    def test_a_filter_leaves_what_matches_and_can_be_dropped(self):
        path = self.trace()
        self.assertIn('1 of 2', self.last('3&dur>100ms<Enter>'))
        self.assertIn('Nothing here matches',
                      self.dump(path, '--keys', '3&zzz<Enter>jjG<Enter>'))
        self.assertEqual(self.dump(path, '--keys', '3&zzz<Enter>&<C-u><Enter>'),
                         self.dump(path, '--keys', '3'))
        self.assertEqual(self.dump(path, '--keys', '3&zzz<Esc>'),
                         self.dump(path, '--keys', '3'))

    def test_history_commands_and_marks(self):
        path = self.trace()
        self.assertIn('fsync', self.last('3/fsync<Enter>/x<Esc>/<Up>'))
        text = self.dump(path, '--keys', ':zoom 1.2s..1.5s<Enter>')
        self.assertIn('300ms on screen', text)
        text = self.dump(path, '--keys', ":goto 620ms<Enter>ma1'a")
        self.assertIn('cursor 0.62s', text)
        self.assertIn('mark b is not set', self.last("'b"))
        self.assertIn('there is no command', self.last(':foo<Enter>'))
        self.assertEqual(self.dump(path, '--keys', ':quit<Enter>'), '')


class Dumping(ViewCase):
    def test_several_dumps_are_set_apart_by_a_form_feed(self):
        path = self.trace()
        both = self.dump(path, '--keys', '<Dump>3<Dump>')
        one, two = both.split('\f\n')
        self.assertEqual(one, self.dump(path))
        self.assertEqual(two, self.dump(path, '--keys', '3'))

    def test_a_script_that_quits_prints_no_more(self):
        self.assertEqual(self.dump(self.trace(), '--keys', 'q'), '')

    def test_text_and_roles_together(self):
        path = self.trace()
        both = self.dump(path, '--dump-attr')
        text, roles = both.split('\f\n')
        self.assertEqual(text, self.dump(path))
        self.assertEqual(len(roles.split('\n')), len(text.split('\n')))

    def test_at_and_screen(self):
        path = self.trace()
        text = self.dump(path, '--at', '620ms')
        self.assertIn('[2 Lanes]', text)
        self.assertIn('cursor 0.6200s', text)
        self.assertIn('held  10 callbacks', text)
        text = self.dump(path, '--screen', 'stalls', '--at', '700ms')
        self.assertIn('>✖ 0.620s', text)
        late = self.dump(path, '--at', '2h')
        self.assertIn('cursor 2.4000s', late)

    def test_a_trace_that_is_cut_anywhere_can_be_looked_at(self):
        data = shop.make()
        path = self.dir / 'cut.lt'
        for size in range(600, len(data), len(data) // 12):
            path.write_bytes(data[:size])
            text = self.dump(path, '--keys', '<Dump><Enter>2<Dump>3<Dump>4<Dump>')
            self.assertIn('⚠ TRUNCATED', text)


class Errors(ViewCase):
    def fails(self, code, *words, path=None, **options):
        result = self.view(path or self.trace(), *words, **options)
        self.assertEqual(result.returncode, code, result)
        self.assertEqual(result.stdout, b'')
        return result.stderr.decode()

    def test_no_terminal_names_report(self):
        text = self.fails(2)
        self.assertIn('not a terminal', text)
        self.assertIn('looptrace report', text)

    def test_not_a_trace(self):
        path = self.dir / 'x.json'
        path.write_text('{"not": "a trace"}' * 20)
        self.assertIn('not a looptrace trace',
                      self.fails(3, '--dump-screen', path=path))
        self.fails(3, '--dump-screen', path=self.dir / 'absent.lt')

    def test_usage(self):
        for words, what in ((['--keys', 'j<Nope>'], '<Nope>'),
                            (['--size', '100'], '100x30'),
                            (['--size', '0x5'], '100x30'),
                            (['--at', '5'], '100ms'),
                            (['--screen', 'detail'], 'overview'),
                            (['--color', 'red'], 'always'),
                            (['b.lt', 'c.lt'], 'which trace')):
            self.assertIn(what, self.fails(2, '--dump-screen', *words))

    def test_help_lists_the_keys(self):
        result = self.looptrace('view', '--help', env=UTF8)
        self.assertEqual(result.returncode, 0)
        text = result.stdout.decode()
        for word in ('--dump-screen', 'next stall in time', 'PgDn ^D'):
            self.assertIn(word, text)


class Terminal(ViewCase):
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

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.wait()

    def read_until(self, leader, wanted, seconds=20):
        """Until wanted came, or nothing more can."""
        os.set_blocking(leader, False)
        data, end = b'', time.monotonic() + seconds
        while wanted not in data:
            self.assertLess(time.monotonic(), end, (wanted, data[-600:]))
            try:
                data += os.read(leader, 65536)
            except BlockingIOError:
                time.sleep(0.005)
            except OSError:
                break
        return data

    def assert_given_back(self, data):
        self.assertIn(b'\x1b[?1049l', data)
        self.assertEqual(termios.tcgetattr(self.follower)[3], self.before[3])

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
                             (signal.SIGABRT, -6)):
            with self.subTest(signal=number):
                process, leader = self.open_terminal(self.trace())
                self.read_until(leader, b'Worst stalls')
                os.kill(process.pid, number)
                data = self.read_until(leader, b'\x1b[?1049l')
                self.assertEqual(process.wait(20), code)
                self.assert_given_back(data)

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
        self.assertEqual(text, b'looptrace view --screen stalls '
                               b'--at 0.620290000s shop.lt')
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

    def start(self):
        self.tmux('new-session', '-d', '-x', '100', '-y', '30', '-s', 't',
                  '-c', str(self.dir), f'exec {looptrace.LOOPTRACE} view {self.path}')
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
