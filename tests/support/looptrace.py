"""What the Python tests share: where things are, and how looptrace is run."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SRCDIR = pathlib.Path(os.environ['SRCDIR'])
BUILDDIR = pathlib.Path(os.environ['BUILDDIR'])
SANDIR = pathlib.Path(os.environ.get('SANDIR') or BUILDDIR)
LOOPTRACE = str(BUILDDIR / 'looptrace')
LONG = bool(os.environ.get('LOOPTRACE_LONG'))
SAMPLES = BUILDDIR / 'samples'

NVIM = ['nvim', '--headless', '-u', 'NONE', '-i', 'NONE', '-n']


def nvim_demo(stall_ms):
    """Neovim with samples/demo.lua, blocking one callback for so long."""
    return NVIM + ['--cmd', f'let g:stall_ms={stall_ms}',
                   '-c', f'luafile {SRCDIR}/samples/demo.lua']


def needs(*programs):
    """Skip a test where a program is not installed."""
    absent = [name for name in programs if not shutil.which(name)]
    return unittest.skipIf(absent, f'not installed: {" ".join(absent)}')


class Case(unittest.TestCase):
    """A test with a temporary folder, self.dir, which goes away with it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='looptrace-test.')
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)

    def measured(self, text):
        """A figure that tests/run prints where the test passes, too."""
        print(f'measured: {text}', flush=True)

    def run_command(self, *command, seconds=60, **options):
        """Run a command in self.dir without a terminal; output is bytes."""
        options.setdefault('cwd', self.dir)
        options.setdefault('stdin', subprocess.DEVNULL)
        return subprocess.run([str(word) for word in command],
                              capture_output=True, timeout=seconds,
                              check=False, **options)

    def looptrace(self, *arguments, program=LOOPTRACE, **options):
        """Run the looptrace that was built."""
        return self.run_command(program, *arguments, **options)

    def record(self, *command, path=None, **options):
        """Record a command that must exit 0.  Returns the trace's path."""
        path = path or self.dir / 'x.lt'
        result = self.looptrace('record', '-o', path, '--', *command,
                                **options)
        self.assertEqual(result.returncode, 0, result)
        self.assertTrue(path.exists(), result)
        return path

    def check(self, path, *options):
        """check --format json.  Returns its object; the codes must agree."""
        result = self.looptrace('check', '--format', 'json', *options, path)
        self.assertIn(result.returncode, (0, 1, 4), result)
        told = json.loads(result.stdout)
        self.assertEqual(told['schema'], 'looptrace.check/1')
        self.assertEqual(told['exit_code'], result.returncode)
        return told

    def stalls(self, path, *options):
        """The findings of rule "stall" at level error, in order of time."""
        told = self.check(path, *options)
        return sorted((f for f in told['findings']
                       if f['rule'] == 'stall' and f['level'] == 'error'),
                      key=lambda f: f['start_ns'])

    def busy_loops(self, n):
        """So many processes that compute until the test ends."""
        for _ in range(n):
            busy = subprocess.Popen([sys.executable, '-c',
                                     'while True: pass'])
            self.addCleanup(busy.wait)
            self.addCleanup(busy.kill)

    def assert_alive(self, result, allowed):
        """It ended by itself, with one of these codes, and no sanitizer spoke."""
        self.assertIn(result.returncode, allowed, result)
        for mark in (b'Sanitizer', b'runtime error:'):
            self.assertNotIn(mark, result.stderr)
