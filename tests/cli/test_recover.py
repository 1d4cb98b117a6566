"""looptrace recover: what it says where it cannot."""
import unittest

from looptrace import Case
from trace_text import CLEAN, trace


class Recover(Case):
    def test_what_could_not_be_written_is_named(self):
        (self.dir / 'x.lt').write_bytes(trace(CLEAN, ended=False))
        (self.dir / 'text.lt').write_text('hello')
        for words, said in (
                (['-o', 'no/y.lt', 'x.lt'], b'looptrace recover: no/y.lt: '),
                (['none.lt'], b'looptrace recover: none.lt: there is no such'),
                (['text.lt'], b'looptrace recover: text.lt: this is not a')):
            result = self.looptrace('recover', *words)
            self.assertEqual(result.returncode, 3, result)
            self.assertIn(said, result.stderr)
            self.assertEqual(result.stderr.count(b'\n'), 1)
            self.assertEqual(result.stdout, b'')


if __name__ == '__main__':
    unittest.main()
