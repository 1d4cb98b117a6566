"""looptrace record: bounds of a recording, and disks that fail."""
import json
import os
import subprocess
import unittest

from looptrace import BUILDDIR, LOOPTRACE, Case

CROWD = str(BUILDDIR / 'tests/programs/record_crowd')

# Fails write() to a trace in looptrace itself: FAULT=ERRNO:FROM:TIMES, where
# errno 0 means a short write of one byte.
SHIM = r'''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
ssize_t write(int fd, const void *bytes, size_t size) {
  static ssize_t (*real)(int, const void *, size_t);
  static long at;
  char link[64], path[4096];
  long error, from, times;
  const char *fault = getenv("FAULT");
  if (!real) real = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  path[n > 0 ? n : 0] = 0;
  if (fault && n > 3 && !strcmp(path + n - 3, ".lt") &&
      sscanf(fault, "%ld:%ld:%ld", &error, &from, &times) == 3 &&
      ++at >= from && at < from + times) {
    if (error) { errno = (int)error; return -1; }
    size = size ? 1 : 0;
  }
  return real(fd, bytes, size);
}
'''
ONCE, ALWAYS = 1, 1 << 30
EINTR, EIO, ENOSPC = 4, 5, 28


class Bounds(Case):
    def crowd(self, *options, threads=2, events=300_000, **more):
        return self.looptrace('record', '--mode', 'lossless', '-o', 'x.lt',
                              *options, '--', CROWD, 'run', threads, events,
                              **more)

    def info(self, path='x.lt'):
        result = self.looptrace('info', '--json', path)
        self.assertEqual(result.returncode, 0, result)
        return json.loads(result.stdout)['trace']

    def assert_ran(self, result, threads=2):
        self.assertEqual(result.returncode, 0, result)
        self.assertEqual(len(result.stdout.splitlines()), threads, result)

    def test_max_size_closes_the_trace_and_not_the_program(self):
        result = self.crowd('--max-size', '64K')
        self.assert_ran(result)
        self.assertIn(b'x.lt reached --max-size', result.stderr)
        verified = self.looptrace('info', '--verify', 'x.lt')
        self.assertEqual(verified.returncode, 0, verified)
        self.assertGreaterEqual((self.dir / 'x.lt').stat().st_size, 64 << 10)
        self.assertLess((self.dir / 'x.lt').stat().st_size, 4 << 20)
        self.assertLess(self.info()['events'], 600_000)

    def test_duration_ends_the_recording_and_not_the_program(self):
        with subprocess.Popen(
                [LOOPTRACE, 'record', '-d', '300ms', '-o', 'x.lt', '--', CROWD,
                 'run', '1', '2000', '1000'], cwd=self.dir,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE) as process:
            self.addCleanup(process.kill)
            self.assertEqual(process.stdout.readline(), b'paused\n')
            while self.looptrace('info', '--verify', 'x.lt').returncode:
                self.assertIsNone(process.poll())
            out, err = process.communicate(b'\n', timeout=60)
        self.assertEqual(process.returncode, 0, err)
        self.assertTrue(out.endswith(b' 2000\n'), out)
        self.assertLess(self.info()['events'], 1500)

    def test_bad_sizes_and_durations_are_refused(self):
        for option, word in (('--max-size', '0'), ('--max-size', '1X'),
                             ('--ring-size', '-1'), ('--duration', '5'),
                             ('--duration', '0'), ('--mode', 'fast')):
            result = self.looptrace('record', option, word, '--', 'true')
            self.assertEqual(result.returncode, 2, result)
            self.assertIn(word.encode(), result.stderr)


class Faults(Bounds):
    def shim(self):
        source = self.dir / 'shim.c'
        source.write_text(SHIM)
        built = self.run_command('cc', '-shared', '-fPIC', source, '-o',
                                 self.dir / 'shim.so', '-ldl')
        if built.returncode:
            self.skipTest(built.stderr.decode())

    def faulty(self, error, at, times):
        environment = dict(os.environ, FAULT=f'{error}:{at}:{times}',
                           LD_PRELOAD=str(self.dir / 'shim.so'))
        (self.dir / 'x.lt').unlink(missing_ok=True)
        return self.crowd('--overwrite', env=environment, events=30_000)

    def assert_readable(self):
        """Up to the fault; where not even the header came, it is no trace."""
        result = self.looptrace('info', 'x.lt')
        size = (self.dir / 'x.lt').stat().st_size
        self.assertEqual(result.returncode, 0 if size >= 64 else 3, result)

    def test_a_write_that_fails_is_told_once_and_costs_the_program_nothing(self):
        self.shim()
        for error in (EIO, ENOSPC):
            for at in (1, 2):
                for times in (ONCE, ALWAYS):
                    with self.subTest(error=error, at=at, times=times):
                        result = self.faulty(error, at, times)
                        self.assert_ran(result)
                        self.assertEqual(
                            result.stderr.count(b'could not write'), 1, result)
                        self.assertIn(os.strerror(error).encode(),
                                      result.stderr)
                        self.assert_readable()

    def test_interrupted_and_short_writes_are_gone_on_with(self):
        self.shim()
        for error, times in ((EINTR, 3), (0, 500)):
            with self.subTest(error=error):
                result = self.faulty(error, 1, times)
                self.assert_ran(result)
                self.assertNotIn(b'could not', result.stderr)
                verified = self.looptrace('info', '--verify', 'x.lt')
                self.assertEqual(verified.returncode, 0, verified)

    def test_a_full_disk_costs_the_program_nothing(self):
        folder = self.dir / 'small'
        folder.mkdir()
        made = self.run_command('mount', '-t', 'tmpfs', '-o', 'size=1m',
                                'tmpfs', folder)
        if made.returncode:
            self.skipTest('cannot mount: ' + made.stderr.decode())
        self.addCleanup(self.run_command, 'umount', folder)
        result = self.looptrace('record', '--mode', 'lossless', '-o',
                                folder / 'x.lt', '--', CROWD, 'run', 4,
                                1_000_000)
        self.assert_ran(result, 4)
        self.assertEqual(result.stderr.count(b'could not write'), 1, result)
        self.assertGreater(self.info(folder / 'x.lt')['events'], 100_000)


if __name__ == '__main__':
    unittest.main()
