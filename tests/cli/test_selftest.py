"""looptrace selftest: each way of holding a loop is reported, and nothing stays."""
import os
import unittest

from looptrace import Case


class Selftest(Case):
    def test_each_way_is_reported(self):
        result = self.looptrace('selftest',
                                env=dict(os.environ, TMPDIR=str(self.dir)))
        text = result.stdout.decode()
        self.assertEqual((result.returncode, result.stderr), (0, b''), text)
        self.assertNotIn('MISSING', text)
        self.assertEqual(text.count('  ok '), 14, text)
        for word in ('nanosleep', 'read', 'pthread_mutex_lock',
                     'pthread_cond_timedwait', 'waitpid', 'cpu'):
            self.assertGreaterEqual(text.count(f' {word} '), 2, text)
        self.assertTrue(text.endswith('14 of 14 stalls reported\n'), text)
        self.assertEqual(list(self.dir.iterdir()), [])

    def test_what_cannot_be_recorded_is_125(self):
        env = dict(os.environ, LOOPTRACE_PRELOAD='/nowhere/preload.so')
        result = self.looptrace('selftest', env=env)
        self.assertEqual(result.returncode, 125, result)
        self.assertIn(b'/nowhere/preload.so', result.stderr)

    def test_usage(self):
        self.assertEqual(self.looptrace('selftest', 'x').returncode, 2)
        self.assertIn(b'Exit status', self.looptrace('selftest',
                                                     '--help').stdout)


if __name__ == '__main__':
    unittest.main()
