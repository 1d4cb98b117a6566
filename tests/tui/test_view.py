"""The viewer without a terminal: golden screens, key scripts.

UPDATE=1 writes the golden files anew; read their diff.
"""
import re
import unittest

import lt_encode as enc
import shop
import trace_text
from lt_decode import (DONE, EARLY_TURN, LOOP_BEGIN, LOOP_END, LOST,
                       POLL_BEGIN, POLL_END, SPAWN)
from viewer import SIZES, UTF8, GoldenCase, ViewCase

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
    'stalls-by-place': '3sj',
    'detail': '3<Enter>',
    'detail-fsync': '3j<Enter>',
    'sites': '4jjj',
    'tasks': '5G',
    'tasks-sorted': '5>>>g',
    'tasks-of-stall': '3jT',
    'tasks-path': '5p',
    'help': '?',
    'file': 'I',
    'explain': '3K',
    'compare-none': '6',
    'command': ':',
    'filter': '3&dur>80ms<Enter>&',
    'filter-nothing': '3&site:nothing<Enter>',
    'suppress': '3x',
    'frames': '3<Enter>R',
    'sites-in-lanes': '4<Enter>',
    'search': '4/site:on_* ki',
    'filtered': '3&dur>80ms -kind:timer<Enter>',
    'replay': 'ee<Space><Tick:400>',
    'replay-paused': 'ee<Space><Space>u.u..<Tick:9>,a<Tick:9>l{}[b',
}

# What is wrong with the trace: scripts.
STATES = {
    'cut': ('', '<Enter>2G', 'I'),
    'empty': ('', '2', '3', '4', '5'),
    'lost': ('', '<Enter>', 'I'),
    'nameless': ('', 'IG'),
    'hostile': ('3', '3<Enter>', '4jj', 'I'),
}

class Golden(GoldenCase):
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
            result = self.view(old, new, '--dump-attr', '--keys', script)
            self.compare(f'{name}-100x30.attr', result.stdout.decode())

    def test_stalls_that_an_older_trace_has_not_are_new(self):
        old, new = self.trace('old.lt', calm=True), self.trace()
        for size in SIZES:
            text = self.dump(old, new, '--size', size, '--keys', '3')
            self.assert_shape(text, *map(int, size.split('x')))
            self.compare(f'stalls-new-{size}.screen', text)
        self.assertIn('3 new since old.lt', text)
        rows = {row.split()[1]: row.rstrip().endswith('new')
                for row in self.dump(old, new, '--keys', '3').split('\n')
                if row[1:2] in ('✖', '⚠', '·')}
        self.assertEqual(rows, {'1.700s': True, '0.620s': False,
                                '0.980s': True, '0.400s': True,
                                '1.430s': False})
        self.assertNotIn(' new', self.dump(new, '--keys', '3'))

    def test_states(self):
        for name, scripts in STATES.items():
            path = self.dir / f'{name}.lt'
            path.write_bytes(shop.make(**{name: True}))
            for script in scripts:
                words = re.sub('[<>]', '', script)
                kept = f'state-{name}{"-" if words else ""}{words}'
                for size in SIZES:
                    with self.subTest(name=kept, size=size):
                        text = self.dump(path, '--size', size,
                                         '--keys', script)
                        self.assert_shape(text, *map(int, size.split('x')))
                        self.assertFalse(any(ord(c) < 32 and c != '\n'
                                             for c in text))
                        self.compare(f'{kept}-{size}.screen', text)
                result = self.view(path, '--dump-attr', '--keys', script)
                self.compare(f'{kept}-100x30.attr', result.stdout.decode())

    def test_the_file_is_told_of_from_any_screen(self):
        path = self.trace()
        told = self.dump(path, '--keys', 'I').split('\n')
        for keys in ('2', '3', '3<Enter>', '4', '5', '?', 'K', '3<Enter>K',
                     'ee<Space>'):
            self.assertEqual(self.dump(path, '--keys', keys + 'I')
                             .split('\n')[1], told[1])
            self.assertEqual(self.dump(path, '--keys', keys + 'Iq'),
                             self.dump(path, '--keys', keys))

    def test_symbols_are_missed_where_half_of_what_ran_has_none(self):
        badge = 'without symbols'
        self.assertNotIn(badge, self.dump(self.trace()))  # 1 of 11
        path = self.trace('nameless.lt', nameless=True)
        for size, has_badge in (('100x30', 1), ('80x24', 1), ('60x16', 0)):
            text = self.dump(path, '--size', size)
            self.assertEqual(badge in text.split('\n')[0], bool(has_badge))

    def test_what_was_lost_is_told_at_the_opening_of_a_cut_trace(self):
        path = self.trace('x.lt', cut=True, lost=True)
        text = self.dump(path)
        for words in ('Read     1 849 events in 29 blocks, up to 1.600 s.',
                      'Dropped  the last 1008 bytes, from byte ',
                      'Lost     1 204 events from 1.224 s to 1.229 s: the '
                      'ring was full',
                      'Open     23 tasks never ended'):
            self.assertIn(words, text)
            self.assertNotIn(words, self.dump(path, '--keys', '<Enter>'))
            self.assertIn(words, self.dump(path, '--keys', '<Enter>I'))

    def test_a_whole_trace_that_lost_events_says_so_first(self):
        path = self.trace('x.lt', lost=True)
        text = self.dump(path)
        for words in ('Events are missing from this trace',
                      'The file is whole',
                      'Lost     1 204 events from 1.224 s to 1.229 s'):
            self.assertIn(words, text)
            self.assertNotIn(words, self.dump(path, '--keys', '<Enter>'))
        axis = self.dump(path, '--keys', '<Enter>').split('\n')[5]
        self.assertRegex(axis, '▒ lost 1204')
        self.assertNotIn('the file ends', axis)
        self.assertIn('the file ends here ┘',
                      self.dump(self.trace('y.lt', cut=True)))
        axis = self.dump(self.trace('z.lt', cut=True, lost=True)).split('\n')[5]
        self.assertRegex(axis, '▒ lost 1204 +ends ┘$')

    def test_what_it_says_of_check_is_so(self):
        for options in ({'cut': True}, {'lost': True}):
            path = self.trace('x.lt', **options)
            self.assertIn('looptrace check cannot pass it, unless '
                          '--allow-incomplete', self.dump(path))
            codes = [self.check(path, '--max-stall', most, *more)['exit_code']
                     for most in ('100ms', '100s')
                     for more in ((), ('--allow-incomplete',))]
            self.assertEqual(codes, [1, 1, 4, 0])

    def test_a_function_leads_to_the_lanes(self):
        path = self.trace()
        self.assertIn('Enter shows its longest stall',
                      self.dump(path, '--keys', '4'))
        self.assertEqual(self.dump(path, '--keys', '4<Enter>').split('\n'),
                         self.dump(path, '--keys', '4t').split('\n'))
        self.assertIn('heartbeat (beat.c:12)', self.dump(path, '--keys',
                                                         '4<Enter>j'))
        row = next(i for i, line in enumerate(
            self.dump(path, '--keys', '4').split('\n'))
            if ' tick (shop.c:63)' in line) - 8
        text = self.dump(path, '--keys', '4' + 'j' * row + '<Enter>')
        self.assertIn('tick (shop.c:63) · timer · main', text)
        self.assertIn('tick (shop.c:63) · timer · main',
                      self.dump(path, '--keys', '4' + 'j' * row + '<Enter>nn'))

    def test_the_language_is_shown_with_words_of_the_trace(self):
        path = self.trace()
        text = self.dump(path, '--keys', '3&ki')
        self.assertRegex(text, r'>kind +of callback.* timer .*fsync')
        self.assertRegex(text, r' loop +name of a loop +main worker ')
        self.assertIn('>-', self.dump(path, '--keys', '3&-'))
        self.assertIn('>/re/', self.dump(path, '--keys', '3&/on'))
        self.assertNotIn('recent', text)
        self.assertIn('recent dur>80ms',
                      self.dump(path, '--keys', '3&dur>80ms<Enter>&'))
        self.assertNotIn('how long', self.dump(path, '--size', '60x16',
                                               '--keys', '3&'))

    def test_the_replay_names_who_waits(self):
        text = self.dump(self.trace(), '--size', '200x60', '--keys',
                         'ee<Space><Tick:2500>')
        now = text.partition('who waits')[2]
        self.assertRegex(now, r'5\dms  #10 timer tick')

    def test_what_the_replay_repeats_is_on_the_minimap(self):
        axis = self.dump(self.trace(), '--keys',
                         'ee<Space><Space>alllllbhh').split('\n')[5]
        self.assertRegex(axis, 'A═+╪═+B')

    def test_too_small(self):
        path = self.trace()
        for size in ('59x16', '60x15', '48x12', '1x1', '7x3'):
            text = self.dump(path, '--size', size)
            self.assert_shape(text, *map(int, size.split('x')))
        self.compare('too-small-48x12.screen',
                     self.dump(path, '--size', '48x12'))

    def test_a_filter_that_matches_nothing_is_dropped_with_ctrl_u(self):
        path = self.trace()
        for screen in '345':
            text = self.dump(path, '--keys', screen + '&site:nothing<Enter>')
            self.assertIn('Nothing here matches the filter site:nothing', text)
            keys = screen + '&site:nothing<Enter><C-u>'
            self.assertEqual(self.dump(path, '--keys', keys).split('\n'),
                             self.dump(path, '--keys', screen).split('\n'))

    def test_ascii(self):
        path = self.trace()
        text = self.dump(path, '--ascii')
        self.assertTrue(text.isascii())
        self.compare('overview-ascii-100x30.screen', text)
        for keys in ('3&', '3<Enter>'):  # every symbol of ours has a stand-in
            text = self.dump(path, '--ascii', '--keys', keys)
            self.assertNotIn('?', text.replace('? help', ''))
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


SECOND = 10**9


def growing(end=False, alive=True, lost=0, seconds=12,
            unbalanced=False, unknown=-1):
    """Each second 500 ms busy, in second s s + 1 callbacks of a timer, one
    socket more that lives on, or only until the next second; what is not known
    ends in second `unknown`."""
    t = shop.Thread(0)
    t.put(LOOP_BEGIN, x=1)
    if not unbalanced:
        t.put(POLL_BEGIN, a=11)
    for s in range(seconds):
        t.now = s * SECOND + SECOND // 10
        t.put(POLL_END, a=1)
        if s:
            t.put(LOST, 0, 1, lost, 0) if lost else None
            t.put(DONE, 100 + s - 1) if not alive else None
        if s == unknown:
            t.put(DONE, 77)
        t.put(SPAWN, 100 + s, shop.READ, 3, 2)
        for _ in range(s + 1):
            t.slice(1, shop.TIMER, 6, lambda: t.run(1000))
        t.now = s * SECOND + 6 * SECOND // 10
        t.put(POLL_BEGIN, a=11)
    w = enc.Writer()
    w.generation(shop.definitions('/opt', False, False))
    for s in range(seconds):
        w.events(0, [e for e in t.events if e[0] // SECOND == s])
        w.epoch((s + 1) * SECOND)
    if end:
        w.end()
    return w.data()


class Detail(ViewCase):
    def test_one_key_tells_what_held_it_since_when_and_who_waited(self):
        text = self.dump(self.trace(), '--keys', '<Enter>')
        for words in ('held by nanosleep, 1.700s to 1.963s · turn 154',
                      'blocked              260ms',
                      '10 callbacks, 8 timers (worst +265ms)',
                      '263ms  since 1.700s  timer tick',
                      '263ms  since 1.700s  listen on_connection'):
            self.assertIn(words, text)


class Foreign(ViewCase):
    """A loop that is not libuv's: its callbacks are not in the trace."""

    def trace_of(self, thread):
        w = enc.Writer()
        w.generation(shop.definitions('/opt', False, False) +
                     [enc.string(900, 'epoll 14'), enc.loop(1, 0, 900)])
        w.events(0, thread.events)
        w.epoch(thread.now)
        w.end()
        path = self.dir / 'x.lt'
        path.write_bytes(w.data())
        return path

    def test_what_is_not_seen_is_not_said_to_be_nothing(self):
        t = shop.Thread(0)
        t.put(LOOP_BEGIN, x=1, a=3)
        for turn in range(20):
            t.poll(turn * 50 * shop.MS)
            t.call(shop.NANOSLEEP, 6, (120 if turn == 7 else 2) * shop.MS)
        t.put(LOOP_END, x=1)
        path = self.trace_of(t)
        text = self.dump(path)
        self.assertIn("Time of epoll 14's ", text)
        self.assertNotIn('No callback was recorded', text)
        self.assertTrue(text.split('\n')[3].startswith(' epoll 14 '), text)
        self.assertIn('> epoll 14 ', text)
        self.assertIn('No task is known', self.dump(path, '--keys', '5'))
        self.assertIn("not known: this loop's callbacks are not seen",
                      self.dump(path, '--keys', '<Enter>'))

    def test_a_turn_that_is_told_late_is_drawn_where_it_was(self):
        t = shop.Thread(0)
        t.now = 50 * shop.MS
        t.call(shop.NANOSLEEP, 6, 200 * shop.MS)
        t.put(EARLY_TURN, x=1, a=200 * shop.MS, b=200 * shop.MS)
        t.put(LOOP_BEGIN, x=1, a=3)
        t.poll(300 * shop.MS)
        t.put(LOOP_END, x=1)
        path = self.trace_of(t)
        self.assertIn('0.050s 200ms', self.dump(path))
        # Also where it is told behind what is in sight.
        text = self.dump(path, '--range', '0.1s..0.2s')
        row, = (line for line in text.split('\n') if 'epoll 14 turn' in line)
        self.assertIn('turn 1 200ms', row)


class Follow(GoldenCase):
    """A file that is still being written, or seems so."""

    def live(self, keys='', size='100x30', **options):
        path = self.dir / 'live.lt'
        path.write_bytes(growing(**options))
        return self.dump(path, '-f', '--size', size, '--keys', keys)

    def test_the_overview_tells_of_the_last_ten_seconds(self):
        for size in SIZES:
            text = self.live(size=size)
            self.assert_shape(text, *map(int, size.split('x')))
            title, _, rest = text.partition('\n')  # its lag is of the moment
            self.assertIn('LIVE', title)
            self.compare(f'follow-{size}.screen', rest)
            text = self.live('=', size=size)
            self.assertIn('HELD', text)
            self.compare(f'held-{size}.screen', text)
        for name, keys in (('follow', ''), ('held', '=')):
            result = self.view(self.dir / 'live.lt', '-f', '--dump-attr',
                               '--keys', keys)
            self.compare(f'{name}-100x30.attr',
                         result.stdout.decode().partition('\n')[2])

    def test_each_number_is_that_of_the_last_second(self):
        text = self.live()
        self.assertRegex(text, r'> main +50% +10 +495ms +\d+ms +500ms  poll')
        self.assertIn('Loops, last 10s', text)
        self.assertRegex(text, r'callbacks +[▁▂▃▄▅▆▇█]{10} +12/s')
        self.assertRegex(text, r'timers +[▁▂▃▄▅▆▇█]{10} +12/s')
        self.assertRegex(text, r'tasks made +█{10} +1/s')
        self.assertRegex(text, r'tasks live +[▁▂▃▄▅▆▇█]{10} +1[23] growing')
        self.assertRegex(text, r'FOLLOW · 27 events/s · lost 0')

    def test_open_sockets_are_counted_back_as_far_as_all_is_known(self):
        self.assertRegex(self.live(), r'sockets open +[▁▂▃▄▅▆▇█]{10} +12 ')
        self.assertRegex(self.live(alive=False), r'sockets open +█{10} +1 ')
        self.assertRegex(self.live(unknown=8),
                         r'sockets open +[▁▂▃▄▅▆▇█]{4} +12 ')

    def test_stalls_of_the_last_minute_are_held_against_those_before(self):
        self.assertIn('│ 12 this minute ', self.live())
        self.assertIn('│ 60 this minute ', self.live(seconds=63))
        self.assertIn('│ 60 this minute, 60.0 a minute before ',
                      self.live(seconds=150))

    def test_the_minimap_shows_what_the_last_seconds_are_and_no_end(self):
        lines = self.live().split('\n')
        self.assertRegex(lines[4], 'last 10s └─+┘$')
        self.assertNotIn('╳', lines[2])
        self.assertNotIn('the file ends', lines[4])
        self.assertNotIn('last 10s', self.live(keys='2').split('\n')[4])

    def between(self, *waits):
        """What is said of a loop that was turned until 100 ms, now, at 500 ms,
        where its program has waited for it from and to (None: it does)."""
        t = shop.Thread(0)
        t.put(LOOP_BEGIN, x=1, a=2)
        t.now = 100 * shop.MS
        t.put(LOOP_END, x=1, a=1)
        for begin, end in waits:
            t.now = begin * shop.MS
            t.put(POLL_BEGIN, a=0)
            if end is not None:
                t.now = end * shop.MS
                t.put(POLL_END, a=1)
        w = enc.Writer()
        w.generation(shop.definitions('/opt', False, False))
        w.events(0, t.events)
        w.epoch(500 * shop.MS)
        path = self.dir / 'between.lt'
        path.write_bytes(w.data())
        return re.search(r'> main .*?100ms  (\S.*?) *│',
                         self.dump(path, '-f', '--size', '200x60'))[1]

    def test_a_loop_that_is_waited_for_between_two_runs_is_in_poll(self):
        self.assertRegex(self.between(), r'400ms between two runs$')
        self.assertRegex(self.between((200, None)), r'\bpoll$')
        self.assertRegex(self.between((200, 250)), r'250ms between two runs$')
        self.assertRegex(self.between((200, 250), (300, None)),
                         r'\bpoll$')

    def test_what_is_made_and_ends_does_not_grow(self):
        self.assertRegex(self.live(alive=False), r'tasks live +█{10} +2 +│')
        self.assertNotIn('growing', self.live(alive=False))
        self.assertNotIn('growing', self.live(seconds=4))

    def test_a_turn_without_an_end_is_none_behind_the_next_poll(self):
        text = self.live(unbalanced=True)
        self.assertRegex(text, r'> main +50% +10 .* 500ms  poll')

    def test_with_losses_what_lives_is_an_estimate(self):
        text = self.live(lost=7)
        self.assertIn('or so', text)
        self.assertNotIn('growing', text)
        self.assertIn('lost 77', text)
        self.assertGreater(self.live('2', lost=7).split('\n')[4].count('▒'), 9)

    def test_what_is_over_is_an_overview_like_any(self):
        self.assertNotIn('FOLLOW', self.live(end=True))

    def test_it_is_held_and_goes_on(self):
        for keys, word in (('=', 'HELD'), ('==', 'FOLLOW'), ('F', 'HELD'),
                           ('FF', 'FOLLOW'), ('=G', 'FOLLOW')):
            self.assertIn(word, self.live(keys).split('\n')[5], keys)


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
        self.assertRegex(text, r'timers late 8 \(\+\d+ms\)')
        self.assertIn('ready queue 10', text)

    def play(self, *arguments, keys=''):
        return self.dump(self.trace(), '--replay', *arguments, '--keys',
                         keys).split('\n')[6]

    def test_it_plays_from_the_command_line_as_fast_as_is_said(self):
        self.assertRegex(self.play(), r'REPLAY ▶ ×\S+ · 0\.0')
        self.assertIn('×0.25 · 1.70000s',
                      self.play('--speed', '0.25', '--at', '1.7s'))
        title = self.play('--speed', '0.25', '--at', '1.7s',
                          keys='<Tick:200>')
        self.assertIn('1.75000s', title)  # a quarter of it

    def test_idle_stretches_longer_than_the_limit_are_skipped(self):
        arguments = '--speed', '1', '--at', '2.385s'  # 10 ms of nothing
        for limit, then in (('1ms', '2.39500s'), ('50ms', '2.38600s')):
            self.assertIn(then, self.play(*arguments, '-i', limit,
                                          keys='<Tick:1>'), limit)

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
        self.assertIn('on_saved (orders.c:88) · fs · main · turn 85 · 0.6203s', text)
        back = self.dump(path, '--keys', '3jT<Enter><Esc>')
        self.assertEqual(back, self.dump(path, '--keys', '3jT'))
        self.assertIn('ready, others ran', self.dump(path, '--keys', '5>>>g'))

    def test_the_path_of_the_chosen_task_comes_and_goes(self):
        path = self.trace()
        plain = self.dump(path, '--keys', '3jT')
        shown = self.dump(path, '--keys', '3jTp')
        self.assertIn('#139 on_saved (orders.c:88) · critical path', shown)
        self.assertIn('running 151ms 100%', shown)
        self.assertRegex(shown, r'0\.620s +151ms +running +#139 fs on_saved '
                                r'\(orders\.c:88\), 142ms in blocking calls')
        self.assertEqual(plain, self.dump(path, '--keys', '3jTpp'))
        # Of one task only; that one is kept.
        self.assertNotIn('critical path', self.dump(path, '--keys', '3jTpk'))
        self.assertEqual(shown, self.dump(path, '--keys', '3jTpkj'))
        self.assertIn('no room for its path',
                      self.dump(path, '--size', '60x16', '--keys', '3jTp'))

    def test_a_path_goes_through_what_was_waited_for(self):
        path = self.dir / 'wait.lt'
        path.write_bytes(trace_text.trace('''
            0    loop+
            0    spawn task=1 kind=task site=render from=main
            0    resume task=1 kind=task site=render
            10   spawn task=4 kind=task site=on_other from=render
            10   await task=1 for=4
            10   resume task=4 kind=task site=on_other
            12   await task=4
            12   poll
            30   wake n=1
            30   resume task=4 kind=task site=on_other
            31   done task=4
            31   resume task=1 kind=task site=render
            32   spawn task=5 kind=task site=on_other from=render
            32   await task=1 for=5
            32   resume task=5 kind=task site=on_other
            33   await task=5
            33   poll
            52   wake n=1
            52   resume task=5 kind=task site=on_other
            53   done task=5
            53   resume task=1 kind=task site=render
            55   done task=1
            56   loop-
        '''))
        script = ['--keys', '5gp', '--size', '100x40']
        text = self.dump(path, *script)
        self.assertIn('it awaited 2 tasks one by one', text)
        self.assertRegex(text, r'10ms  running +#1 task render')
        self.assertRegex(text, r'18ms  waiting for events +└ #4 task on_other')
        short = self.dump(path, *script[:-1], '100x24')
        self.assertRegex(short, r'[1-9]\d* shorter steps left out: looptrace '
                                r'report --task 1 --top \d+')
        self.assertIn('18ms  waiting for events', short)

    def test_lossy_cut_and_empty_traces_have_tasks(self):
        for name in ('lost', 'cut', 'empty', 'hostile'):
            path = self.trace(f'{name}.lt', **{name: True})
            text = self.dump(path, '--screen', 'tasks', '--keys', 'jjGuupT<Enter>5>>>>ip')
            self.assertIn('5 Tasks', text)


class LoopInLoop(ViewCase):
    """A callback of one loop turns another, on the same thread."""

    TRACE = '''
        0    loop+ loop=1
        100  resume task=1 kind=timer site=on_tick
        200  loop+ loop=2
        250  resume task=2 kind=fs site=on_read
        400  call callee=read ms=100 site=on_read
        450  await task=2
        500  poll
        600  wake
        700  loop- loop=2
        800  await task=1
        810  poll
        990  wake
        1000 loop- loop=1
    '''

    def test_each_loop_has_its_own_lanes(self):
        path = self.dir / 'two.lt'
        path.write_bytes(trace_text.trace(self.TRACE))
        lines = self.dump(path, '--keys', '20').splitlines()
        rows = [line.split('│', 1)[1] for line in lines if '│' in line]
        self.assertEqual(len(rows), 6, lines)
        for row, text in enumerate(('810ms', '[on_tick 700ms', '┊', '300ms',
                                    '[on_read 200ms', '[read 1')):
            self.assertIn(text, rows[row])
        self.assertNotIn('on_read', rows[1])
        self.assertNotIn('read', rows[2])
        self.assertNotIn('on_tick', rows[4])

    def test_a_slice_that_is_found_is_selected_in_its_own_loop(self):
        path = self.dir / 'two.lt'
        path.write_bytes(trace_text.trace(self.TRACE))
        lines = self.dump(path, '--keys', '20/on_read<Enter>').splitlines()
        rows = [line for line in lines if '│' in line]
        self.assertIn('>', rows[4][:2], lines)

    def test_replay_tells_what_each_loop_does(self):
        path = self.dir / 'two.lt'
        path.write_bytes(trace_text.trace(self.TRACE))
        text = self.dump(path, '--keys', '2:goto 270ms<Enter><Space><Space>')
        now = [line for line in text.splitlines() if line.startswith('│ main')]
        self.assertEqual(len(now), 2, text)
        self.assertIn('on_tick', now[0])
        self.assertIn('on_read', now[1])


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

    def test_a_function_is_found_whatever_its_name_has_in_it(self):
        path = self.dir / 'x.lt'
        for name in ('reset[abi:cxx11](T*)', 'operator*?', 'a\\b', 'f<a:b>'):
            path.write_bytes(trace_text.trace(
                '0 loop+\n10 resume task=1 kind=timer site=f\n11 await task=1\n'
                '40 loop-'.replace('site=f', 'site=' + name),
                sites={name: ('/src/a.cc', 3)}))
            text = self.dump(path, '--keys', '4<Enter>')
            self.assertNotIn('no hit', text)
            self.assertIn('cursor 0.0100s', text)

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
        self.assertIn('this is JSON, not a looptrace trace',
                      self.fails(3, '--dump-screen', path=path))
        self.fails(3, '--dump-screen', path=self.dir / 'absent.lt')

    def test_usage(self):
        for words, what in ((['--keys', 'j<Nope>'], '<Nope>'),
                            (['--size', '100'], '100x30'),
                            (['--speed', '0'], 'no speed'),
                            (['--speed', 'nan'], 'no speed'),
                            (['--speed', '2x'], 'no speed'),
                            (['-i', '0ms'], 'no time'),
                            (['-i', '50'], 'no time'),
                            (['--size', '0x5'], '100x30'),
                            (['--at', '5'], '100ms'),
                            (['--screen', 'detial'], 'overview'),
                            (['--color', 'red'], 'always'),
                            (['b.lt', 'c.lt'], 'which trace')):
            self.assertIn(what, self.fails(2, '--dump-screen', *words))

    def test_help_lists_the_keys(self):
        result = self.looptrace('view', '--help', env=UTF8)
        self.assertEqual(result.returncode, 0)
        text = result.stdout.decode()
        for word in ('--dump-screen', 'next stall in time', 'PgDn ^D'):
            self.assertIn(word, text)


if __name__ == '__main__':
    unittest.main()
