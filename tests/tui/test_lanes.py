"""Screen 2 and what it leads to: every kind of lane, and visits along them.

UPDATE=1 writes the golden files anew; read their diff.
"""
import pathlib
import re
import subprocess
import tempfile
import unittest

import looptrace
import lt_encode as enc
import shop
import trace_text
from export_trace import export
from lt_decode import LOOP_BEGIN, LOOP_END, POLL_BEGIN, POLL_END, SAMPLE
from shop import MS
from viewer import SIZES, GoldenCase, ViewCase

# name: script; each is one visit.
SCREENS = {
    'lanes-export': '2e',
    'lanes-ready': '2e:goto 300ms<Enter>jjjj',
    'lanes-late': '2e:goto 300ms<Enter>jjjjj',
    'lanes-seen': '2e:goto 300ms<Enter>jj',
    'lanes-queue': '2e:goto 100ms<Enter>jjjjjj',
    'lanes-task': '2e:goto 300ms<Enter>' + 'j' * 11,
    'lanes-open': '2eC:goto 300ms<Enter>' + 'j' * 12,
    'lanes-lost': '20:goto 56ms<Enter>',
    'lanes-pinned': '2ejjjpjjpH:goto 300ms<Enter>',
    'lanes-folded': '2ec',
    'lanes-loops': '2evjjjj.',
    'lanes-never': '2G',
    'lanes-marks': '2:goto 112ms<Enter>ma:goto 490ms<Enter>mb',
    'lanes-cause': '2e:goto 113ms<Enter>jr',
    'replay-export': '2e:goto 200ms<Enter><Space><Space>',
}


class Screens(GoldenCase):
    def trace(self, **_):
        path = self.dir / 'export.lt'
        path.write_bytes(export())
        return path

    def test_every_lane_in_every_size_class(self):
        path = self.trace()
        for name, script in SCREENS.items():
            for size in SIZES:
                with self.subTest(name=name, size=size):
                    text = self.dump(path, '--size', size, '--screen', 'lanes',
                                     '--keys', script)
                    self.assert_shape(text, *map(int, size.split('x')))
                    self.compare(f'{name}-{size}.screen', text)

    def test_the_roles_of_every_lane(self):
        path = self.trace()
        for name, script in SCREENS.items():
            with self.subTest(name=name):
                result = self.view(path, '--dump-attr', '--screen', 'lanes',
                                   '--keys', script)
                self.assertEqual(result.returncode, 0)
                self.compare(f'{name}-100x30.attr', result.stdout.decode())

    def test_ascii(self):
        path = self.trace()
        for name in ('lanes-task', 'lanes-open', 'lanes-lost', 'replay-export'):
            text = self.dump(path, '--ascii', '--screen', 'lanes', '--keys',
                             SCREENS[name])
            self.assertTrue(text.isascii(), name)
            self.compare(f'{name}-ascii-100x30.screen', text)


def sampled():
    """A callback of 200 ms that is looked at from outside each 20 ms, and is in
    encode() and what that calls, then not, then there again."""
    t = shop.Thread(0)
    t.put(LOOP_BEGIN, x=1)
    t.put(POLL_BEGIN, a=11)
    t.now = 100 * MS
    t.put(POLL_END, a=1)

    def body():
        for stack in (1, 1, 2, 3, 1, 1, 4):
            t.run(20 * MS)
            t.put(SAMPLE, x=ord('R'), b=stack)
        t.run(60 * MS)
    t.slice(7, shop.TIMER, 21, body)
    t.put(POLL_BEGIN, a=11)
    t.now = 400 * MS
    t.put(POLL_END, a=1)
    t.put(LOOP_END, x=1)
    w = enc.Writer()
    names = ['main', 'on_tick', 'encode', 'write_all', 'uv_run', 'write']
    modules = [1, 1, 1, 1, 2, 3]
    main, on_tick, encode, write_all, uv_run, write = range(20, 26)
    outside = [uv_run, main]
    w.generation(shop.definitions('/opt', False, False) + [
        enc.module(2, 0x500000, 0x510000, '/usr/lib/libuv.so.1'),
        enc.module(3, 0x600000, 0x610000, '/usr/lib/libc.so.6'),
        *(enc.string(900 + i, name) for i, name in enumerate(names)),
        *(enc.site(20 + i, 0x500000 + i * 256, modules[i], i * 256, 900 + i)
          for i in range(len(names))),
        enc.stack(1, encode, on_tick, *outside),
        enc.stack(2, write, write_all, encode, on_tick, *outside),
        enc.stack(3, on_tick, *outside),
        enc.stack(4, encode, main)])  # a loop that is a part of the program
    w.events(0, t.events)
    w.epoch(400 * MS)
    w.end()
    return w.data()


class Sampled(ViewCase):
    def test_what_a_callback_had_called_has_a_lane(self):
        path = self.trace()
        path.write_bytes(sampled())
        text = self.dump(path, '--keys', 'e', '--size', '200x60')
        rows = [line for line in text.split('\n') if '├ calls' in line]
        self.assertEqual(len(rows), 1, text)
        # The stack of the first of those samples; not of the one between.
        self.assertEqual(re.findall(r'\((\w+)[ )┄]', rows[0]),
                         ['encode', 'encode'])
        text = self.dump(path, '--keys', 'ejj:goto 141ms<Enter>')
        self.assertIn('encode · seen from outside · main', text)
        self.assertNotIn('calls', self.dump(self.trace(), '--keys', 'e'))

    def test_all_frames_of_a_stack_are_shown_where_they_are_asked_for(self):
        path = self.trace()
        path.write_bytes(sampled())
        for keys in ('3', '3<Enter>', 'e'):
            folded = self.dump(path, '--keys', keys)
            self.assertIn(' encode', folded)
            self.assertNotIn('uv_run', folded)
            self.assertIn('uv_run', self.dump(path, '--keys', keys + 'R'))
            again = self.dump(path, '--keys', keys + 'RRk')
            self.assertEqual(again, self.dump(path, '--keys', keys + 'k'))


class Visits(ViewCase):
    def setUp(self):
        super().setUp()
        self.path = self.dir / 'export.lt'
        self.path.write_bytes(export())

    def see(self, script, *options):
        return self.dump(self.path, '--screen', 'lanes', '--keys', script,
                         *options)

    def row(self, text, name):
        rows = [line for line in text.splitlines() if name in line[:16]]
        self.assertEqual(len(rows), 1, (name, text))
        return rows[0].split('│', 1)[1]

    def test_what_waits_is_counted_and_named(self):
        text = self.see('e:goto 290ms<Enter>jjjj')
        self.assertIn('main ready q · 0.29', text)
        # Both timers, and what the pool has done.
        self.assertRegex(text, r'168ms  #2 timer heartbeat')
        self.assertRegex(text, r'170ms  #3 timer flush')
        self.assertRegex(text, r'176ms  #22 fs read_rows')
        self.assertIn('3 waiting for the loop', text)
        self.assertNotIn('on_connection (', text)  # nobody knows since when

    def test_lateness_grows_to_full_height(self):
        row = self.row(self.see('e'), 'late')
        for height in '▁▂▃▄▅▆▇█':
            self.assertIn(height, row)

    def test_jobs_of_the_pool_wait_and_workers_have_names(self):
        text = self.see(':zoom 90ms..130ms<Enter>')
        self.assertIn('pool 2 thr', text)
        self.assertIn('[read_rows', self.row(text, 'w0 fs'))
        self.assertIn('[lookup', self.row(text, 'w1 dns'))
        text = self.see(':goto 100ms<Enter>:zoom 90ms..120ms<Enter>jjjjjj')
        self.assertIn('1 waiting for a worker', text)
        self.assertIn('#22 fs read_rows', text)

    def test_a_task_awaits_the_other_and_is_followed(self):
        text = self.see('e')
        self.assertIn('●', self.row(text, '#790 GET'))
        self.assertIn('await #812', self.row(text, '#790 GET'))
        self.assertIn('██ export', self.row(text, '#812 export'))
        # From where the first waits, to where the other runs, and back.
        before = self.see(':goto 93.5ms<Enter>j')
        there = self.see(':goto 93.5ms<Enter>j<Enter>')
        self.assertIn('export (export.c:40) · task · main', there)
        self.assertEqual(before, self.see(':goto 93.5ms<Enter>j<Enter>q'))
        self.assertEqual(before, self.see(':goto 93.5ms<Enter>j<Enter><Esc>'))

    def test_the_cause_is_who_woke_it(self):
        text = self.see(':goto 110.7ms<Enter>j:zoom 105ms..112ms<Enter>')
        self.assertIn('its job was done by', text)
        text = self.see(':zoom 105ms..112ms<Enter>:goto 110.7ms<Enter>jr')
        self.assertIn('read_rows (rows.c:21) · fs · thread pool', text)
        text = self.see(':zoom 105ms..115ms<Enter>:goto 113ms<Enter>jr')
        self.assertIn('read_rows (rows.c:21) · fs · main', text)
        self.assertIn('cursor 0.1110s', text)

    def test_losses_are_drawn_with_their_count(self):
        text = self.see('0')
        self.assertIn('▒▒ lost 1204 ', self.row(text, 'seen'))
        text = self.see(':zoom 0ms..80ms<Enter>')
        self.assertIn('▒ lost 1204', self.row(text, 'main   turn'))
        text = self.see('0:goto 56ms<Enter>')
        self.assertIn('lower bounds', text)
        self.assertIn('the ring was full', text)

    def test_what_never_ended_goes_on_to_the_right(self):
        text = self.see('G:zoom 560ms..640ms<Enter>')
        self.assertTrue(self.row(text, 'callback').endswith('▶'), text)

    def test_samples_are_dimmer_than_what_was_traced(self):
        text = self.see('e', '--dump-attr')
        lines = text.split('\n')
        y = next(i for i, line in enumerate(lines) if '├ seen' in line)
        self.assertIn('(pread', lines[y])
        roles = lines[lines.index('\f') + 1 + y]
        self.assertEqual(roles[lines[y].index('(pread')], 'd')

    def test_lanes_are_pinned_hidden_folded_and_chosen(self):
        lines = self.see('ejjjjp').splitlines()
        top = next(i for i, line in enumerate(lines) if '│' in line)
        self.assertIn('▲main ready q', lines[top])
        self.assertEqual(self.see('e'), self.see('ejjjjppgkkkkkkke'))
        self.assertNotIn('blocking', self.see(':zoom 0ms..30ms<Enter>H'))
        self.assertIn('blocking', self.see(':zoom 0ms..30ms<Enter>HH'))
        folded = self.see('ec')
        self.assertNotIn('callback  ', folded)
        self.assertIn('▸tasks', folded)
        self.assertIn('callback', self.see('ecC'))
        self.assertNotIn('pool 2', self.see('ev'))
        self.assertIn('tasks', self.see('evv'))
        self.assertIn('pool 2', self.see('evvv'))
        self.assertEqual(self.see('e'), self.see('evvvv'))

    def test_marks_a_and_b_tell_what_lies_between(self):
        self.assertIn('a–b 378ms', self.see(SCREENS['lanes-marks']))

    def test_zoom_to_what_is_under_the_cursor_and_back(self):
        before = self.see('0:goto 200ms<Enter>jjj')
        self.assertEqual(before, self.see('0:goto 200ms<Enter>jjjz:goto 200ms'
                                          '<Enter>Z'))
        self.assertIn('[pread 371ms', self.see('0:goto 200ms<Enter>jjjz'))

    def test_every_key_on_every_kind_of_trace(self):
        keys = 'eoCjjjjjpHvrr<Enter>qcC.,.,zZ' + 'j' * 20 + 'p<Enter>rvvvHG.g,'
        for name in ('lost', 'cut', 'empty', 'hostile'):
            path = self.dir / f'{name}.lt'
            path.write_bytes(shop.make(**{name: True}))
            text = self.dump(path, '--keys', '2' + keys)
            self.assertFalse(any(ord(c) < 32 and c != '\n' for c in text))
            self.assertIn('looptrace', text)


class Waiting(ViewCase):
    """Who waited, and who did not."""

    def rows(self, text):
        path = self.dir / 'waiting.lt'
        path.write_bytes(trace_text.trace(text, end_ms=400))
        lines = self.dump(path, '--screen', 'lanes').splitlines()
        return {line[4:15].strip(): line.split('│', 1)[1] for line in lines
                if '│' in line[:17]}

    STUCK = '''
        0    loop+
        0    spawn task=1 kind=timer site=on_tick from=main
        0    spawn task=2 kind=timer site=on_read from=main
        0    spawn task=3 kind=timer site=on_other from=main
        0    arm task=1 kind=timer site=on_tick ms=100
        0    arm task=2 kind=timer site=on_read ms=20
        0    arm task=3 kind=timer site=on_other ms=50
        1    poll
        100  wake
        100  resume task=1 kind=timer site=on_tick
        {}
    '''

    def test_a_timer_that_was_stopped_is_not_late(self):
        # 2 was due at 20 ms and 3 at 50, but the loop came back from its poll
        # and polled again without them.
        rows = self.rows(self.STUCK.format('''
            110 await task=1
            110 poll
            200 wake
            200 resume task=1 kind=timer site=on_tick
            300 await task=1
            310 poll'''))
        self.assertNotIn('timers late', rows)
        self.assertNotIn('ready q', rows)

    def test_what_a_loop_never_came_back_to_waits_with_no_end(self):
        rows = self.rows(self.STUCK.format('''
            110 spawn task=9 kind=async site=render
            150 ready task=9 cause=1'''))
        self.assertRegex(rows['ready q'], r'^[·┊ ]+(1 ?)+$')
        turn = next(row for name, row in rows.items() if 'turn' in name)
        self.assertTrue(turn.endswith('▶'), rows)

    def test_callbacks_of_one_poll_wait_for_each_other(self):
        rows = self.rows('''
            0    loop+
            0    spawn task=1 kind=read site=on_read from=main
            0    spawn task=2 kind=read site=on_other from=main
            1    poll
            100  wake n=2
            100  resume task=1 kind=read site=on_read
            200  await task=1
            200  resume task=2 kind=read site=on_other
            300  await task=2
            301  poll''')
        row = rows['ready q']
        width = 84 / 400
        self.assertEqual(set(row[int(105 * width):int(190 * width)]) - {' '},
                         {'1'}, row)
        self.assertNotIn('1', row[int(210 * width):])


class Long(ViewCase):
    """More events than are kept one by one."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.path = pathlib.Path(cls.folder.name) / 'big.lt'
        subprocess.run([looptrace.BUILDDIR / 'tests/support/make_big', '400000',
                        '2', cls.path], check=True, stdout=subprocess.DEVNULL)

    def rows(self, script):
        text = self.dump(self.path, '--screen', 'lanes', '--keys', script)
        return text, [line.split('│', 1) for line in text.splitlines()
                      if '│' in line[:17]]

    def test_a_long_stretch_is_drawn_in_bins_and_a_short_one_by_name(self):
        text, rows = self.rows('0')
        self.assertNotIn('reading', text)
        self.assertIn('zoom in (+)', self.rows('0j')[0])
        for name, row in rows:
            if 'turn' in name:
                self.assertRegex(row, '[▄▅█]{5,}')  # busy, by height
            if 'callback' in name:
                self.assertRegex(row, '▒{10}')
        text, rows = self.rows('0e' + '+' * 12)
        self.assertRegex(text, r'\[big\+0x.*━')

    def test_bins_and_spans_tell_the_same_of_a_stall(self):
        self.assertRegex(self.rows('0e' + '-' * 8)[1][0][1], '█+')
        text, rows = self.rows('0e')
        self.assertRegex(rows[0][1], r'█ turn \d+ \d+ms █+')
        self.assertIn('held', text)

    def test_the_next_event_is_found_in_the_windows_beside(self):
        first = self.rows('0:goto 1ms<Enter>' + '+' * 16 + 'j.')[0]
        self.assertNotIn('nothing', first.splitlines()[-2])


if __name__ == '__main__':
    unittest.main()
