"""The program cannot tell that it is recorded, but for what is declared; and the
probe that says so tells 28 preloads that do what ours must not (every fourth
of them but with --long)."""
import os
import subprocess
import unittest

from looptrace import BUILDDIR, LONG, LOOPTRACE, SRCDIR, Case, needs

PROBE = str(BUILDDIR / 'tests/programs/probe')
BAD = 28


class Invisible(Case):
    def probe(self, *before, **environment):
        env = dict(os.environ, **environment)
        result = self.run_command(*before, PROBE, env=env)
        self.assertEqual(result.returncode, 5, result)
        return result.stdout.decode().splitlines()

    def test_nothing_is_seen_of_the_recording(self):
        alone = self.probe()
        self.assertGreater(len(alone), 500)
        self.assertEqual(alone, self.probe())
        path = self.dir / 'x.lt'
        recorded = self.probe(LOOPTRACE, 'record', '-q', '-o', path, '--')
        self.assertEqual(alone, recorded)
        self.assertTrue(path.exists())

    @needs('gcc', 'pkg-config')
    def test_a_bad_preload_is_seen(self):
        flags = subprocess.run(['pkg-config', '--cflags', 'libuv'], check=True,
                               capture_output=True, text=True).stdout.split()
        alone = self.probe()
        unseen = []
        for bad in range(1, BAD + 1, 1 if LONG else 4):
            library = self.dir / f'bad{bad}.so'
            subprocess.run(['gcc', '-shared', '-fPIC', '-w', f'-DBAD={bad}',
                            *flags, '-include', 'poll.h', '-o', library,
                            SRCDIR / 'tests/programs/bad_preload.c'],
                           check=True)
            result = self.run_command(
                PROBE, env=dict(os.environ, LD_PRELOAD=str(library)))
            if result.returncode == 5 and \
                    result.stdout.decode().splitlines() == alone:
                unseen.append(bad)
        self.assertEqual(unseen, [])


if __name__ == '__main__':
    unittest.main()
