"""looptrace record: bounds of a recording, and disks that fail."""
import json
import os
import subprocess
import unittest

from looptrace import BUILDDIR, LOOPTRACE, Case

CROWD = str(BUILDDIR / 'tests/programs/record_crowd')

# Fails a call on a trace in looptrace itself: FAULT=CALL:ERRNO:FROM:TIMES, where
# errno 0 means a short write of one byte.
SHIM = r'''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define REAL(NAME) ((__typeof__(&NAME))dlsym(RTLD_NEXT, #NAME))
static long at;
static int fails(const char *call, const char *path, long *error) {
  char which[16];
  long from, times;
  const char *fault = getenv("FAULT");
  size_t n = strlen(path);
  return fault && n > 3 && !strcmp(path + n - 3, ".lt") &&
      sscanf(fault, "%15[a-z]:%ld:%ld:%ld", which, error, &from, &times) == 4 &&
      !strcmp(which, call) && ++at >= from && at < from + times;
}
static int fails_at(const char *call, int fd, long *error) {
  char link[64], path[4096];
  int before = errno;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  path[n > 0 ? n : 0] = 0;
  errno = before;
  return fails(call, path, error);
}
ssize_t write(int fd, const void *bytes, size_t size) {
  long error;
  if (fails_at("write", fd, &error)) {
    if (error) { errno = (int)error; return -1; }
    size = size ? 1 : 0;
  }
  return REAL(write)(fd, bytes, size);
}
int open(const char *path, int flags, ...) {
  long error;
  va_list rest;
  va_start(rest, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  if (flags & O_CREAT && fails("open", path, &error)) {
    errno = (int)error;
    return -1;
  }
  return REAL(open)(path, flags, mode);
}
int fchmod(int fd, mode_t mode) {
  long error;
  if (fails_at("fchmod", fd, &error)) { errno = (int)error; return -1; }
  return REAL(fchmod)(fd, mode);
}
int unlink(const char *path) {
  long error;
  if (fails("unlink", path, &error)) { errno = (int)error; return -1; }
  return REAL(unlink)(path);
}
int close(int fd) { /* Linux has closed it, whatever it says */
  long error;
  int is_due = fails_at("close", fd, &error), status = REAL(close)(fd);
  if (is_due) { errno = (int)error; return -1; }
  return status;
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

    def parts(self):
        return sorted(self.dir.glob('x*.lt'),
                      key=lambda path: int(path.name.split('.')[1]))

    def test_keep_goes_on_in_files_that_open_alone(self):
        result = self.crowd('--max-size', '16K', '--keep', '1000')
        self.assert_ran(result)
        self.assertEqual(result.stderr.count(b'\n'), 1, result)
        parts = self.parts()
        self.assertGreater(len(parts), 2)
        self.assertEqual([path.name for path in parts],
                         [f'x.{i + 1}.lt' for i in range(len(parts))])
        self.assertIn(f'into x.{len(parts)}.lt, the last of {len(parts)} files'
                      .encode(), result.stderr)
        events, attempts = 0, 0
        for path in parts:
            verified = self.looptrace('info', '--verify', path)
            self.assertEqual(verified.returncode, 0, verified)
            self.assertEqual(oct(path.stat().st_mode & 0o777), '0o600')
            events += self.info(path)['events']
            counted = self.run_command(CROWD, 'count', path)
            self.assertEqual(counted.returncode, 0, counted)
            for line in counted.stdout.decode().splitlines():
                if line[0].isdigit():  # a thread's
                    attempts += sum(map(int, line.split()[1:3]))
        self.assertIn(f'recorded {events:,} events'.encode(), result.stderr)
        self.assertEqual(attempts, 600_000 + 1)  # one by the main thread

    def test_each_of_the_files_knows_its_loop(self):
        result = self.looptrace('record', '--max-size', '1K', '--keep', '99',
                                '-o', 'x.lt', '--',
                                BUILDDIR / 'samples/stall')
        self.assertEqual(result.returncode, 0, result)
        for path in self.parts():
            info = self.looptrace('info', path)
            self.assertIn(b'1 main', info.stdout, info)
            checked = self.looptrace('check', path)
            self.assertIn(checked.returncode, (0, 1, 4), checked)
            self.assertNotIn(b'no loop ran', checked.stdout)

    def test_keep_removes_the_oldest(self):
        result = self.crowd('--max-size', '16K', '--keep', '2')
        self.assert_ran(result)
        first, last = self.parts()
        number = int(last.name.split('.')[1])
        self.assertEqual(first.name, f'x.{number - 1}.lt')
        self.assertGreater(number, 2)
        self.assertIn(f'removed {number - 2} older file'.encode(),
                      result.stderr)
        events = sum(self.info(path)['events'] for path in (first, last))
        self.assertIn(f'recorded {events:,} events'.encode(), result.stderr)

    def test_keep_with_a_wrong_number_or_alone_is_refused(self):
        for options in (('--keep', '3'), ('--max-size', '1M', '--keep', '1'),
                        ('--max-size', '1M', '--keep', 'x'),
                        ('--max-size', '1M', '--keep', '3', '--mode',
                         'flight')):
            result = self.looptrace('record', *options, '--', 'true')
            self.assertEqual(result.returncode, 2, result)
            self.assertIn(b'--keep', result.stderr)

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

    def faulty(self, error, at, times, call='write'):
        environment = dict(os.environ, FAULT=f'{call}:{error}:{at}:{times}',
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

    def test_a_file_that_cannot_be_made_costs_the_program_nothing(self):
        self.shim()
        for call, errors in (('open', (EIO, ENOSPC)), ('fchmod', (EIO,))):
            for error in errors:
                for times in (ONCE, ALWAYS):
                    with self.subTest(call=call, error=error, times=times):
                        result = self.faulty(error, 1, times, call)
                        self.assert_ran(result)
                        self.assertEqual(
                            result.stderr.count(b'could not create'), 1, result)
                        self.assertIn(os.strerror(error).encode(),
                                      result.stderr)
                        self.assertIn(b'there is no file of it', result.stderr)
                        self.assertFalse((self.dir / 'x.lt').exists())

    def test_a_close_that_fails_is_told_once_and_the_trace_is_there(self):
        self.shim()
        for error in (EIO, ENOSPC):
            for times in (ONCE, ALWAYS):
                with self.subTest(error=error, times=times):
                    result = self.faulty(error, 1, times, 'close')
                    self.assert_ran(result)
                    self.assertEqual(
                        result.stderr.count(b'could not close'), 1, result)
                    self.assertIn(os.strerror(error).encode(), result.stderr)
                    self.assert_readable()

    def test_interrupted_opens_and_closes_are_gone_on_with(self):
        self.shim()
        for call, times in (('open', 3), ('close', ALWAYS)):
            with self.subTest(call=call):
                result = self.faulty(EINTR, 1, times, call)
                self.assert_ran(result)
                self.assertNotIn(b'could not', result.stderr)
                verified = self.looptrace('info', '--verify', 'x.lt')
                self.assertEqual(verified.returncode, 0, verified)

    def test_a_trace_that_cannot_be_replaced_is_left_alone(self):
        self.shim()
        environment = dict(os.environ, FAULT=f'unlink:{EIO}:1:{ALWAYS}',
                           LD_PRELOAD=str(self.dir / 'shim.so'))
        (self.dir / 'x.lt').write_bytes(b'before')
        result = self.crowd('--overwrite', env=environment, events=1000)
        self.assert_ran(result)
        self.assertEqual(result.stderr.count(b'could not create'), 1, result)
        self.assertIn(os.strerror(EIO).encode(), result.stderr)
        self.assertEqual((self.dir / 'x.lt').read_bytes(), b'before')

    def test_a_next_file_that_cannot_be_made_ends_the_recording(self):
        self.shim()
        environment = dict(os.environ, FAULT=f'open:{ENOSPC}:2:{ALWAYS}',
                           LD_PRELOAD=str(self.dir / 'shim.so'))
        result = self.crowd('--max-size', '16K', '--keep', '9',
                            env=environment)
        self.assert_ran(result)
        self.assertEqual(result.stderr.count(b'could not create'), 1, result)
        self.assertEqual([path.name for path in self.parts()], ['x.1.lt'])
        verified = self.looptrace('info', '--verify', 'x.1.lt')
        self.assertEqual(verified.returncode, 0, verified)

    def test_an_older_file_that_cannot_be_removed_is_told_once(self):
        self.shim()
        environment = dict(os.environ, FAULT=f'unlink:{EIO}:1:{ALWAYS}',
                           LD_PRELOAD=str(self.dir / 'shim.so'))
        result = self.crowd('--max-size', '16K', '--keep', '2',
                            env=environment)
        self.assert_ran(result)
        self.assertEqual(result.stderr.count(b'could not remove'), 1, result)
        for path in self.parts():
            verified = self.looptrace('info', '--verify', path)
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
