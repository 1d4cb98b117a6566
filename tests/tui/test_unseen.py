"""A loop whose callbacks are not seen, in the viewer."""
import unittest

import trace_text
from viewer import ViewCase


class Unseen(ViewCase):
    """A loop whose callbacks are not seen."""

    def setUp(self):
        super().setUp()
        self.path = self.dir / 'twin.lt'
        self.path.write_bytes(trace_text.unseen())

    def test_a_stall_has_the_same_place_on_every_screen(self):
        self.path.write_bytes(trace_text.unseen(trace_text.SCRIPT))
        found, = self.check(self.path)['findings']
        self.assertEqual(found['site']['name'], 'readFile (server.js:8)')
        for keys, words in (('', 'read  readFile (server.js:8)'),
                            ('3', 'read  readFile (server.js:8)'),
                            ('4', 'read_all (twin.c:44), longest in readFile '
                                  '(server.js:8)'),
                            ('4', 'read  readFile (server.js:8)  not known')):
            self.assertIn(words, self.dump(self.path, '--keys', keys,
                                           '--size', '160x40'), keys)
        self.assertRegex(self.dump(self.path, '--size', '160x40'),
                         r'199ms +1× read +readFile \(server.js:8\)')

    def test_stalls_of_one_function_are_one_row(self):
        text = self.dump(self.path, '--keys', '3s', '--size', '120x30')
        self.assertRegex(text, r'2 × +main +300ms')
        self.assertIn('same place: 2 stalls, 480ms in all', text)
        self.assertRegex(text, r'1 × +main +250ms')

    def test_who_was_held_is_no_number(self):
        text = self.dump(self.path, '--keys', '3', '--size', '120x30')
        rows = [line.split() for line in text.splitlines()
                if ' computation ' in line]
        self.assertEqual(len(rows), 4, text)
        self.assertEqual({row[row.index('computation') - 1] for row in rows},
                         {'?'}, text)
        self.assertIn("held  not known: this loop's callbacks are not seen",
                      text)


if __name__ == '__main__':
    unittest.main()
