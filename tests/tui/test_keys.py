"""What keys do with the thing that is selected, and two traces side by side."""
import json
import os
import sys
import re
import unittest

import keys_table
import looptrace
import trace_text
from viewer import SOURCE, TerminalCase, ViewCase


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


class Notes(ViewCase):
    def test_a_note_is_kept_beside_the_trace(self):
        path = self.trace()
        kept = self.dir / 'shop.lt.notes'
        self.dump(path, '--keys', "eema:note  <Enter>")
        self.assertFalse(kept.exists())  # neither a mark nor nothing
        text = self.dump(path, '--keys', 'ee:note it hung here<Enter>mb')
        self.assertIn('◆ it hung here', self.dump(path, '--keys', "2G'["))
        self.assertEqual(kept.read_text(), "0.620290000s it hung here\n"
                                           "'b 0.620290000s\n")
        self.assertIn('cursor 0.62', self.dump(path, '--keys', "2G'b"))
        self.assertIn('no note before', self.dump(path, '--keys', "2g'["))
        self.assertEqual(kept.stat().st_mode & 0o777, 0o600)

    def test_back_to_where_one_was(self):
        path = self.trace()
        self.assertIn('cursor 0.98', self.dump(path, '--keys',
                                                "eee:goto 2s<Enter>''"))

    def test_a_hostile_file_of_notes_is_text(self):
        path = self.trace()
        (self.dir / 'shop.lt.notes').write_bytes(
            b'620ms \x1b[2Jcleared\xff\n\nno moment\n\'z \n99999999h x\n' +
            b'1s ' + b'w' * 5000 + b'\n' + b'2ms x\n' * 3000)
        text = self.dump(path, '--keys', "ee'[")
        self.assertNotIn('\x1b', text)


class Suppress(ViewCase):
    def test_it_asks_for_the_reason_and_check_obeys(self):
        path = self.trace()
        self.assertIn('needs its reason', self.dump(path, '--keys', '3jx<Enter>'))
        self.assertFalse((self.dir / '.looptrace-suppress').exists())
        self.dump(path, '--keys', '3jxnot now<Esc>')
        self.assertFalse((self.dir / '.looptrace-suppress').exists())
        text = self.dump(path, '--keys', '3jxslow disk, #12<Enter>')
        self.assertIn('check will pass it', text)
        lines = (self.dir / '.looptrace-suppress').read_text()
        self.assertRegex(lines, r'^stall : \^fsync\$ < .*# slow disk, #12\n$')
        told = self.check(path)
        self.assertEqual([f['state'] for f in told['findings']
                          if f.get('callee') == 'fsync' or
                          'fsync' in json.dumps(f)], ['muted'])

    def test_what_is_suppressed_is_hidden_until_asked_for(self):
        path = self.trace()
        keys = '3jxslow disk<Enter>'
        text = self.dump(path, '--keys', keys)
        self.assertIn('1 suppressed (H shows)', text)
        self.assertNotIn('fsync  on_saved', text)
        for later in (self.dump(path, '--keys', '3H'),
                      self.dump(path, '--keys', '3HHH')):
            self.assertRegex(later, r'\n ·.*fsync')
            self.assertIn('1 suppressed (H hides)', later)
        self.assertIn('stall 1 of 4', self.dump(path, '--keys', '3'))

    def test_a_broken_file_is_told_and_hides_nothing(self):
        path = self.trace()
        (self.dir / '.looptrace-suppress').write_text('stall ; x # why\n')
        result = self.view(path, '--dump-screen', '--keys', '3')
        self.assertEqual(result.returncode, 0)
        self.assertIn(b'.looptrace-suppress:1:', result.stderr)
        self.assertNotIn(b'suppressed', result.stdout)

    def test_all_suppressed_says_so(self):
        path = self.trace()
        (self.dir / '.looptrace-suppress').write_text('stall : *  # all\n')
        self.assertIn('are suppressed; H shows them',
                      self.dump(path, '--keys', '3'))

    def test_a_stall_whose_callback_is_not_seen_is_named_by_its_function(self):
        path = self.dir / 'twin.lt'
        path.write_bytes(trace_text.unseen())
        self.dump(path, '--keys', '3jxnext week<Enter>')
        lines = (self.dir / '.looptrace-suppress').read_text()
        self.assertEqual(lines, 'stall : ^hash_password$  loop=main max=313ms'
                                '  # next week\n')
        self.assertIn('1 suppressed', self.dump(path, '--keys', '3'))
        self.assertEqual([(f['site'] or {}).get('function')
                          for f in self.check(path)['findings']
                          if f['state'] == 'muted'], ['hash_password'])

    def test_nothing_is_written_where_no_line_could_name_it(self):
        path = self.dir / 'twin.lt'
        path.write_bytes(trace_text.unseen())
        self.assertIn('its place is not known',
                      self.dump(path, '--keys', '3Gxbecause<Enter>'))
        self.assertFalse((self.dir / '.looptrace-suppress').exists())

    def test_a_file_that_cannot_be_written_is_told(self):
        path = self.trace()
        (self.dir / '.looptrace-suppress').mkdir()
        result = self.view(path, '--dump-screen', '--keys', '3xbecause<Enter>')
        self.assertIn('cannot be written', result.stdout.decode())

    def test_one_row_stands_for_all_stalls_of_a_place(self):
        made = self.run_command(looptrace.BUILDDIR / 'tests' / 'support' / 'make_big',
                                2000000, 2, 'big.lt')
        self.assertEqual(made.returncode, 0, made)
        text = self.dump(self.dir / 'big.lt', '--keys', '3s', '--size', '100x60')
        n = int(re.search(r'─ (\d+) stalls? of', text)[1])
        times = [int(t) for t in re.findall(r' (\d+) × ', text)]
        self.assertEqual(sum(times), n)
        self.assertLess(len(times), n)
        self.assertIn(f'1 of {len(times)}', text)


class Settings(TerminalCase):
    def settings(self, text):
        path = self.dir / 'config'
        path.write_text(text)
        return path

    def test_keys_of_ones_own_work_and_are_told(self):
        path = self.settings('[keys]\nnext-stall = W <C-x>\nQUIT = X\n')
        text = self.dump(self.trace(), '--config', path, '--keys', 'W?',
                         '--size', '100x90')
        self.assertIn('W ^X', text)
        text = self.dump(self.trace(), '--config', path, '--keys', 'WW')
        self.assertIn('cursor 0.620', text)
        self.assertIn('W ^X stall', text)
        text = self.dump(self.trace(), '--config', path, '--keys', 'W2e')
        self.assertIn('cursor 0.400', text)  # e is free now

    def test_a_mistake_is_told_with_its_line(self):
        for text, what in (('[keys]\n\nfly = x\n', ':3: `fly`: no such action'),
                           ('[keys]\nquit = <Nope>\n', ':2: `quit`'),
                           ('[colors]\nerror = red\n', ':2: `error`'),
                           ('[views]\nx = 1\n', ':2: `x`: there is no such'),
                           ('[view]\nascii\n', ':2: not of the form')):
            result = self.view(self.trace(), '--dump-screen', '--config',
                               self.settings(text))
            self.assertEqual(result.returncode, 2, text)
            self.assertIn(what, result.stderr.decode())
        result = self.view(self.trace(), '--dump-screen', '--config', 'absent')
        self.assertEqual(result.returncode, 2)

    def test_the_file_at_home_sets_colours_and_ascii(self):
        home = self.dir / 'home' / 'looptrace'
        home.mkdir(parents=True)
        (home / 'config').write_text('[view]\nascii = yes\ncolor = always\n'
                                     '[colors]\nerror = 201\n')
        process, leader = self.open_terminal(
            self.trace(), XDG_CONFIG_HOME=str(self.dir / 'home'), NO_COLOR='1')
        data = self.read_until(leader, b' quit')
        self.assertIn(b'\x1b[38;5;201m', data)
        self.assertTrue(data.isascii())
        os.write(leader, b'Q')
        self.assertEqual(process.wait(20), 0)


class Document(ViewCase):
    def test_the_keys_in_the_document_are_those_of_the_table(self):
        doc = keys_table.DOC.read_text()
        self.assertEqual(
            doc, keys_table.with_table(doc, keys_table.table(
                looptrace.LOOPTRACE)), 'tests/tui/keys_table.py --write')


class Explain(ViewCase):
    def test_a_stall_has_the_rule_that_check_gives_it(self):
        path = self.dir / 'x.lt'
        for text, rule in ((trace_text.unseen(), 'stall'),
                           (trace_text.trace(
                               '0 loop+\n1 poll\n10 wake\n10 usage\n'
                               '10 resume task=1 kind=timer site=on_tick\n'
                               '1500 usage cpu=1490'), 'never-yields')):
            path.write_bytes(text)
            self.assertEqual({f['rule'] for f in
                              self.check(path)['findings']}, {rule})
            self.assertIn(f'rule {rule} ', self.dump(path, '--keys', '3K'))
            self.assertNotIn('stall 1 of', self.dump(
                path, '--keys', '3&rule:long-turn<Enter>'))
            self.assertIn('stall 1 of', self.dump(
                path, '--keys', f'3&rule:{rule}<Enter>'))

    def test_the_rule_of_what_is_selected(self):
        path = self.trace()
        for script, rule in (('3K', 'rule stall'), ('4K', 'rule stall'),
                             ('4/nanosleep<Enter>K', 'rule blocking-call'),
                             ('eeKj', 'rule stall')):
            self.assertIn(rule, self.dump(path, '--keys', script), script)
        text = self.dump(path, '--keys', '3KG', '--size', '80x24')
        self.assertIn('looptrace check -A stall', text)
        self.assertIn('[3 Stalls', self.dump(path, '--keys', '3Kjq'))


class Links(ViewCase):
    """y copies a command; what it opens is what was seen."""

    def test_a_link_comes_back(self):
        path = self.trace()
        for keys, same in (('3j', '3j'), ('3jj<Enter>', '3jj<Enter>'),
                           ('4jj', '4jj'), ('5G', '5G'),
                           ('3&dur>80ms<Enter>j', '3&dur>80ms<Enter>j')):
            seen = self.dump(path, '--keys', keys)
            link = self.copied(path, keys)
            again = self.run_command('sh', '-c', link.replace(
                'looptrace view', f'"$0" view --dump-screen', 1), os.environ[
                    'BUILDDIR'] + '/looptrace', env={**os.environ,
                                                     'LC_ALL': 'C.UTF-8'})
            self.assertEqual(again.returncode, 0, (link, again))
            # how far back q would go is not part of it
            self.assertEqual(
                self.body(again.stdout.decode()), self.body(seen), link)

    @staticmethod
    def body(text):
        lines = text.split('\n')
        return [line for i, line in enumerate(lines)
                if i not in (5, len(lines) - 2)]  # the cursor; the hints

    def copied(self, path, keys):
        text = self.dump(path, '--keys', keys + 'y', '--size', '300x30')
        return re.search(r'copied: (looptrace view .*)', text)[1]

    def test_select_and_range(self):
        path = self.trace()
        text = self.dump(path, '--select', 'main/85')
        self.assertIn('How it came to run', text)
        self.assertIn('no such thing', self.dump(path, '--select', 'main/9999'))
        text = self.dump(path, '--range', '500ms..700ms')
        self.assertIn('200ms on screen', text)
        for words, what in ((['--range', '2s..1s'], '1.2s..1.4s'),
                            (['--filter', 'dur>'], '--filter')):
            result = self.view(path, '--dump-screen', *words)
            self.assertEqual(result.returncode, 2)
            self.assertIn(what, result.stderr.decode())


class Edit(TerminalCase):
    def test_the_editor_gets_the_line_and_the_terminal(self):
        script = self.dir / 'my editor'
        script.write_text('#!/bin/sh\necho "EDITS $*" ENDS; read line; '
                          'echo "HEARD $line"\n')
        script.chmod(0o755)
        process, leader = self.open_terminal(
            self.trace(), '--screen', 'stalls', EDITOR=f"'{script}' -x",
            VISUAL='')
        self.read_until(leader, b'sort: duration')
        os.write(leader, b'O')
        data = self.read_until(leader, b' ENDS')
        self.assertIn(b'-x +12 ', data)
        os.write(leader, b'\x03hello\r')
        self.read_until(leader, b'HEARD hello')
        self.read_until(leader, b'sort: duration')
        os.write(leader, b'Q')
        self.assertEqual(process.wait(20), 0)

    def test_what_an_editor_does_to_the_terminal_is_undone(self):
        script = self.dir / 'editor'
        script.write_text(f'#!{sys.executable}\nimport os\n'
                          'print("BLOCKS", os.get_blocking(1), "END")\n'
                          'os.set_blocking(1, False)\n')
        script.chmod(0o755)
        process, leader = self.open_terminal(
            self.trace(), '--screen', 'stalls', EDITOR=str(script), VISUAL='')
        for _ in range(2):
            self.read_until(leader, b'sort: duration')
            os.write(leader, b'O')
            self.assertIn(b'BLOCKS True', self.read_until(leader, b' END'))
        self.read_until(leader, b'sort: duration')
        os.write(leader, b'Q')
        self.assertEqual(process.wait(20), 0)

    def test_what_is_not_here_is_told(self):
        path = self.trace()
        self.assertIn('is not here', self.dump(path, '--keys', '3jO'))
        self.assertTrue(SOURCE)


if __name__ == '__main__':
    unittest.main()
