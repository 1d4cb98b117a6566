"""The mouse, and what else a terminal reports by itself: only what was asked
for, and never as keys."""
import os
import re
import unittest

from viewer import TerminalCase, ViewCase


def at(text, what):
    """Where it stands, as in <Click:X,Y>."""
    for y, line in enumerate(text.split('\n')):
        if what in line:
            return f'{line.index(what)},{y}'
    raise AssertionError(f'{what!r} is not on the screen:\n{text}')


class Mouse(ViewCase):
    def setUp(self):
        super().setUp()
        self.path = self.trace()

    def screen(self, keys, *words):
        return self.dump(self.path, '--keys', keys, *words)

    def test_a_click_on_a_tab_goes_there(self):
        text = self.screen('')
        self.assertIn('[4 Sites', self.screen(f'<Click:{at(text, "4 Sites")}>'))

    def test_a_click_selects_a_row_and_two_open_it(self):
        text = self.screen('3')
        click = f'<Click:{at(text, "fsync")}>'
        self.assertIn('stall 2 of', self.screen('3' + click))
        self.assertIn('held by fsync', self.screen('3' + click + click))
        self.assertIn('stall 2 of', self.screen('3' + click + 'jk' + click))

    def test_every_list_can_be_clicked(self):
        for screen in '45':
            rows = self.screen(screen + 'gjj', '--size', '100x60').split('\n')
            y = next(i for i, row in enumerate(rows) if row.startswith('>'))
            self.assertEqual(self.screen(f'{screen}g<Click:9,{y}>', '--size',
                                         '100x60').split('\n'), rows)

    def test_both_panes_of_the_overview(self):
        text = self.screen('')
        click = f'<Click:{at(text, "fsync")}>'
        self.assertIn('held by fsync', self.screen(click + '<Enter>'))
        worker = f'<Click:{at(text, "worker    9%")}>'
        self.assertNotEqual(self.screen(worker), text)

    def test_the_window_goes_where_the_minimap_is_dragged(self):
        def window(keys):
            return re.search(r'cursor (\S+)', self.screen(keys))[1]
        begin = window('2++<Click:20,3>')
        self.assertNotEqual(begin, window('2++<Click:20,3><Drag:60,9>'))
        self.assertEqual(window('2++<Click:60,3>'),
                         window('2++<Click:20,3><Drag:60,9>'))
        self.assertEqual(begin, window('2++<Click:20,3><Release:20,3>'
                                       '<Drag:60,9>'))

    def test_the_wheel_pans_and_zooms_at_the_mouse(self):
        def shown(keys):
            return re.search(r'─ (\S+) on screen', self.screen(keys))[1]
        whole, half = shown('2'), shown('2+')
        self.assertEqual(shown('2<C-WheelUp:50,8>'), half)
        self.assertEqual(shown('2<C-WheelUp:50,8><C-WheelDown:50,8>'), whole)
        self.assertEqual(shown('2+<WheelDown:50,8>'), half)
        self.assertNotEqual(self.screen('2+<WheelDown:50,8>'),
                            self.screen('2+'))
        self.assertIn('4 of', self.screen('3<WheelDown:50,8>'))

    def test_two_clicks_in_the_lanes_fit_what_is_there(self):
        text = self.screen('2')
        row = next(y for y, line in enumerate(text.split('\n'))
                   if ' turn ' in line)
        x = text.split('\n')[row].rindex('█')
        click = f'<Click:{x},{row}>'
        self.assertNotEqual(self.screen('2' + click),
                            self.screen('2' + click + click))

    def test_a_click_where_nothing_is_does_nothing(self):
        self.assertEqual(self.screen('3<Click:99,29><Click:400,400>'),
                         self.screen('3'))
        for name in ('empty', 'cut'):
            path = self.trace(f'{name}.lt', **{name: True})
            self.dump(path, '--keys', '<Click:20,3><Drag:30,3><WheelUp:9,9>'
                                      '2<Click:40,8><Click:40,8>3<Click:4,7>')

    def test_a_prompt_is_not_disturbed(self):
        self.assertIn('filter › dur',
                      self.screen('&dur<Click:1,1><WheelUp:3,3>'))


class Reports(TerminalCase):
    def start(self, *words, **environment):
        process, leader = self.open_terminal(self.trace(), '--screen', 'stalls',
                                             *words, **environment)
        first = self.read_until(leader, b' quit')
        return process, leader, first

    def leave(self, process, leader):
        os.write(leader, b'Q')
        data = self.read_until(leader, b'\x1b[?1049l')
        self.assertEqual(process.wait(20), 0)
        return data

    def test_without_being_asked_for_there_is_no_mouse(self):
        process, leader, first = self.start()
        os.write(leader, b'\x1b[<0;20;2M')  # a terminal that sends it anyhow
        data = self.leave(process, leader)
        self.assertNotIn(b'?1002', first + data)

    def test_asked_for_it_works_and_is_given_back(self):
        process, leader, first = self.start('--mouse')
        self.assertIn(b'\x1b[?1002h\x1b[?1006h', first)
        os.write(leader, b'\x1b[<0;41;2M\x1b[<0;41;2m')  # the tab of the sites
        self.read_until(leader, b'total')
        os.write(leader, b'M')
        self.read_until(leader, b'\x1b[?1006l\x1b[?1002l')
        os.write(leader, b'M')
        self.read_until(leader, b'\x1b[?1002h\x1b[?1006h')
        self.assertIn(b'\x1b[?1006l\x1b[?1002l', self.leave(process, leader))

    def test_a_report_that_breaks_off_holds_nothing_up(self):
        process, leader, _ = self.start('--mouse')
        for part in (b'\x1b[<', b'\x1b[<0;9999999999999M', b'\x1b[<0;1', b'\x1b]11;',
                     b'\x1b]11;rgb:', b'\x1b]11;rgb:zz/zz/zz\x07'):
            os.write(leader, part + b'\x1bOB' * 2)
        os.write(leader, b'  4')
        self.read_until(leader, b'total')
        self.leave(process, leader)

    def colors(self, data):
        return set(re.findall(rb'38;5;(\d+)', data))

    def test_a_light_or_dark_background_that_answers_is_used(self):
        for answer, expected in ((b'ffff/ffff/ffff', b'160'),
                                 (b'00/00/00', b'202')):
            process, leader, first = self.start()
            self.assertIn(b'\x1b]11;?\x1b\\', first)
            self.assertIn(b'166', self.colors(first))  # goes with both
            os.write(leader, b'\x1b]11;rgb:' + answer + b'\x1b\\')
            self.assertIn(expected,
                          self.colors(self.read_until(leader, b' quit')))
            self.leave(process, leader)

    def test_who_says_which_it_is_is_not_asked(self):
        for words, expected in ((['--background=light'], b'160'),
                                (['--background=dark'], b'202')):
            process, leader, first = self.start(*words)
            self.assertNotIn(b']11;', first)
            self.assertIn(expected, self.colors(first))
            self.leave(process, leader)

    def test_terminals_that_might_print_it_are_not_asked(self):
        for term in ('linux', 'vt100', 'screen'):
            process, leader, first = self.start(term=term)
            self.assertNotIn(b']11;', first)
            os.write(leader, b'Q')
            self.assertEqual(process.wait(20), 0)


class Options(TerminalCase):
    def test_set_completes_and_takes_effect(self):
        path = self.trace()
        text = self.dump(path, '--keys', ':set as<Tab> ')
        self.assertIn('command › set ascii █', text)
        self.assertIn('no  yes', text)
        self.assertTrue(self.dump(path, '--keys', ':set ascii yes<Enter>')
                        .isascii())
        self.assertIn('background is one of: auto dark light',
                      self.dump(path, '--keys', ':set background red<Enter>'))
        self.assertIn('there are ascii',
                      self.dump(path, '--keys', ':set fly 1<Enter>'))

    def test_wasd_can_be_off(self):
        path = self.trace()
        def window(keys):
            return re.search(r'─ (\S+) on screen',
                             self.dump(path, '--keys', keys))[1]
        self.assertNotEqual(window('2w'), window('2'))
        self.assertEqual(window(':set wasd off<Enter>2w'), window('2'))

    def test_fewer_colours_than_there_are(self):
        process, leader = self.open_terminal(self.trace(), '--color=8')
        data = self.read_until(leader, b' quit')
        self.assertNotIn(b'38;5;', data)
        self.assertIsNotNone(re.search(rb'\x1b\[(\d+;)*3[0-7]', data))
        os.write(leader, b'Q')
        self.assertEqual(process.wait(20), 0)


if __name__ == '__main__':
    unittest.main()
