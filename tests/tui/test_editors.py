"""Editors in a terminal under record: they show, write and leave behind what they
do without."""
import os
import shutil
import unittest

from looptrace import LOOPTRACE, Case
from vterm import UTF8, VTerm, needs_vterm

EDITORS = {'nvim': ['-u', 'NONE', '-i', 'NONE', '-n'],
           'vim': ['-u', 'NONE', '-i', 'NONE', '-n', '-N']}


@needs_vterm
class Editors(Case):
    def edit(self, before, editor, name):
        """Type, look, save and leave: what is left behind."""
        command = [*before, editor, *EDITORS[editor], name]
        term = VTerm(command, 80, 24, cwd=self.dir,
                     env={**os.environ, **UTF8, 'TERM': 'xterm-256color'})
        try:
            return self.type_into(term, name)
        finally:
            term.close()

    def type_into(self, term, name):
        def see(*rows):
            self.assertIsNotNone(
                term.wait_for(lambda s: [row for row in s.rows
                                         if 'typed' in row] == list(rows)),
                (rows, term.screen().text))
        self.assertIsNotNone(term.wait_for(lambda s: name in s.text))
        term.send(b'ityped one\r')
        see('typed one')
        term.send('typed zwei \u00e4\x1b'.encode())
        see('typed one', 'typed zwei \u00e4')
        term.send(b':set number\r')
        see('  1 typed one', '  2 typed zwei \u00e4')
        term.send(b':wq\r')
        status = term.wait_end()
        return status, (self.dir / name).read_bytes(), term.waits_until_given_back()

    def test_an_editor_is_as_without(self):
        for editor in EDITORS:
            with self.subTest(editor):
                if not shutil.which(editor):
                    self.skipTest(f'not installed: {editor}')
                plain = self.edit([], editor, f'plain.{editor}')
                trace = self.dir / f'{editor}.lt'
                recorded = self.edit([LOOPTRACE, 'record', '-q', '-o', trace,
                                      '--'], editor, f'other.{editor}')
                self.assertEqual(recorded, plain)
                self.assertEqual(plain, (0, 'typed one\ntyped zwei \u00e4\n'
                                         .encode(), True))
                self.assertEqual(trace.exists(), editor == 'nvim')


if __name__ == '__main__':
    unittest.main()
