"""The tables of libuv's functions are whole: each function that the installed
libuv exports is interposed, or left alone for a reason."""
import re
import unittest

from looptrace import BUILDDIR, SRCDIR, Case, needs

HOOK = SRCDIR / 'libtrace/hook'
WRAPPED = re.compile(r'X\((?:START|KEEP|HAND|REQUEST|TELL|ASK|WAIT), [\w ]+, '
                     r'(uv_\w+)|LTI_FS\(X, (uv_\w+)')
ONLY = re.compile(r'X\(ONLY, \w+, (uv_\w+)')
ALONE = re.compile(r'X\((QUICK|STOPS|LATER|BELOW), (uv_\w+)\)')


class Tables(Case):
    def setUp(self):
        super().setUp()
        rows = (HOOK / 'uv_map.h').read_text().replace('\\\n', ' ')
        self.wrapped = [a or b for a, b in WRAPPED.findall(rows)]
        self.only = ONLY.findall(rows)
        self.alone = [name for _, name in
                      ALONE.findall((HOOK / 'uv_alone.h').read_text())]

    def exports(self, library):
        result = self.run_command('nm', '-D', '--defined-only', library)
        self.assertEqual(result.returncode, 0, result.stderr)
        return {line.split()[2].split('@')[0]
                for line in result.stdout.decode().splitlines()
                if re.search(r' [TW] uv_', line)}

    def installed(self):
        ldd = self.run_command('ldd', BUILDDIR / 'tests/programs/hook_families')
        found = re.search(r'libuv\S* => (\S+)', ldd.stdout.decode())
        self.assertTrue(found, ldd.stdout)
        return found[1]

    @needs('nm')
    def test_every_function_of_libuv_is_classified(self):
        known = set(self.wrapped) | set(self.only) | set(self.alone)
        self.assertEqual(self.exports(self.installed()) - known, set())

    def test_none_is_classified_twice(self):
        rows = self.wrapped + self.only + self.alone
        self.assertEqual({n for n in rows if rows.count(n) > 1}, set())
        self.assertGreater(len(rows), 290)

    @needs('nm')
    def test_what_the_table_wraps_is_defined_by_the_preload(self):
        preload = BUILDDIR / '.libs/liblooptrace-preload.so'
        self.assertEqual(self.exports(preload), set(self.wrapped))

    @needs('readelf')
    def test_the_libraries_weigh_little_on_each_thread(self):
        # One that comes by dlopen() has 1664 bytes for all such libraries.
        for name in ('liblooptrace-preload.so', 'liblooptrace.so'):
            told = self.run_command('readelf', '-lW', BUILDDIR / '.libs' / name)
            size, = re.findall(rb'^ +TLS(?: +0x\w+){4} +0x(\w+)', told.stdout,
                               re.M)
            self.assertLessEqual(int(size, 16), 1024, name)
            told = self.run_command('readelf', '-dW', BUILDDIR / '.libs' / name)
            self.assertIn(b'NODELETE', told.stdout)
            needed = re.findall(rb'NEEDED.*\[(\w+)', told.stdout)
            if 'preload' in name:
                self.assertEqual(set(needed), {b'libc', b'libgcc_s'})


if __name__ == '__main__':
    unittest.main()
