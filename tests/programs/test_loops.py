"""Loops that are not libuv's: their turns, blocking calls and stalls are seen,
and waits that are no loops are not taken for some."""
import ctypes.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import unittest

from looptrace import BUILDDIR, LOOPTRACE, SRCDIR, Case, needs

LOOPS = str(BUILDDIR / 'tests/programs/loops')

ASYNCIO = '''
import asyncio, time
def slow():
    time.sleep(0.2)
async def main():
    for i in range(20):
        await asyncio.sleep(0.002)
    slow()
    for i in range(20):
        await asyncio.sleep(0.002)
asyncio.run(main())
print('done')
'''

# What asyncio's first turn is held up by, and what main() does then.
BLOCKED_FIRST = '''
import asyncio, socket, sys, time
def sleep():
    time.sleep(0.2)
def compute():
    until = time.thread_time() + 0.2
    while time.thread_time() < until:
        pass
def connect():
    listens = socket.create_server(('127.0.0.1', 0), backlog=0)
    full = []
    for i in range(8):
        full.append(socket.socket())
        full[-1].setblocking(False)
        full[-1].connect_ex(listens.getsockname())
    try:
        socket.create_connection(listens.getsockname(), timeout=0.2)
    except TimeoutError:
        pass
async def main():
    globals()[sys.argv[1]]()
    for i in range(int(sys.argv[2])):
        await asyncio.sleep(0.002)
asyncio.run(main())
print('done')
'''

SUBPROCESS = '''
import subprocess, time
code = 'import sys, time\\nfor i in range(30): print(i, flush=True); ' \\
       'print(i, file=sys.stderr, flush=True); time.sleep(0.002)'
for i in range(2):
    subprocess.run(['python3', '-S', '-c', code], capture_output=True)
    time.sleep(0.2)
print('done')
'''

GLIB = '''
import ctypes, time
glib = ctypes.CDLL('libglib-2.0.so.0')
glib.g_main_loop_new.restype = ctypes.c_void_p
for name in ('run', 'quit', 'unref'):
    getattr(glib, 'g_main_loop_' + name).argtypes = [ctypes.c_void_p]
loop = glib.g_main_loop_new(None, 0)
left = [40]
@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
def on_timer(data):
    left[0] -= 1
    if left[0] == 20:
        time.sleep(0.2)
    if left[0] == 0:
        glib.g_main_loop_quit(loop)
    return left[0] > 0
glib.g_timeout_add(2, on_timer, None)
glib.g_main_loop_run(loop)
print('done')
'''

BY_HANDLE = '''
import ctypes, time
uv = ctypes.CDLL('libuv.so.1')
uv.uv_default_loop.restype = ctypes.c_void_p
uv.uv_run.argtypes = [ctypes.c_void_p, ctypes.c_int]
uv.uv_timer_init.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
TIMER_CB = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
uv.uv_timer_start.argtypes = [ctypes.c_void_p, TIMER_CB, ctypes.c_uint64,
                              ctypes.c_uint64]
uv.uv_timer_stop.argtypes = [ctypes.c_void_p]
timer = ctypes.create_string_buffer(1024)
left = [40]
@TIMER_CB
def on_timer(handle):
    left[0] -= 1
    if left[0] == 20:
        time.sleep(0.2)
    if left[0] == 0:
        uv.uv_timer_stop(handle)
uv.uv_timer_init(uv.uv_default_loop(), timer)
uv.uv_timer_start(timer, on_timer, 2, 2)
uv.uv_run(uv.uv_default_loop(), 0)
print('done')
'''


FIRST_TURN = '''
#include <string.h>
#include <unistd.h>
#include <uv.h>
static void block(uv_handle_t *handle) {
  usleep(200000);
  uv_close(handle, NULL);
}
static void on_timer(uv_timer_t *timer) { block((uv_handle_t *)timer); }
static void on_idle(uv_idle_t *idle) { block((uv_handle_t *)idle); }
static void on_prepare(uv_prepare_t *prepare) { block((uv_handle_t *)prepare); }
int main(int argc, char **argv) {
  uv_timer_t timer;
  uv_idle_t idle;
  uv_prepare_t prepare;
  if (argc != 2)
    return 1;
  if (strcmp(argv[1], "timer") == 0) {
    uv_timer_init(uv_default_loop(), &timer);
    uv_timer_start(&timer, on_timer, 0, 0);
  } else if (strcmp(argv[1], "idle") == 0) {
    uv_idle_init(uv_default_loop(), &idle);
    uv_idle_start(&idle, on_idle);
  } else {
    uv_prepare_init(uv_default_loop(), &prepare);
    uv_prepare_start(&prepare, on_prepare);
  }
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
'''

PLUGIN = '''
#include <uv.h>
static void on_timer(uv_timer_t *timer) {
  static int n;
  if (++n == 5)
    uv_timer_stop(timer);
}
void run(void) {
  uv_timer_t timer;
  uv_timer_init(uv_default_loop(), &timer);
  uv_timer_start(&timer, on_timer, 1, 1);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
'''

DEEP_HOST = '''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
int main(int argc, char **argv) {
  int is_deep = strcmp(argv[1], "seen") != 0, fd = epoll_create1(0);
  struct epoll_event ready;
  void *plugin = dlopen("./plugin.so", RTLD_NOW | is_deep * RTLD_DEEPBIND);
  void (*run)(void) = plugin ? (void (*)(void))dlsym(plugin, "run") : 0;
  if (!run)
    return 1;
  run();
  for (int i = 0; i < 5 && strcmp(argv[1], "beside") == 0; i++)
    epoll_wait(fd, &ready, 1, 1);
  puts("done");
  return argc != 2;
}
'''


class Loops(Case):
    def loops(self, told):
        return [loop['name'] for loop in told['traces'][0]['loops']]

    def only_stall(self, told):
        found = [f for f in told['findings'] if f['level'] == 'error']
        self.assertEqual(len(found), 1, told)
        self.assertEqual(found[0]['rule'], 'stall')
        self.assertFalse(found[0]['callbacks_seen'])
        return found[0]

    def assert_nap(self, path, name, callee='nanosleep'):
        """One loop, and in it the one stall that was planted."""
        told = self.check(path)
        self.assertEqual(len(told['traces'][0]['loops']), 1, told)
        loop = told['traces'][0]['loops'][0]
        self.assertRegex(loop['name'], name)
        self.assertFalse(loop['callbacks_seen'])
        self.assertGreater(loop['turns'], 15)
        stall = self.only_stall(told)
        self.assertEqual(stall['callee'], callee)
        self.assertEqual(stall['cause']['word'], 'blocked')
        self.assertGreaterEqual(stall['duration_ns'], 199_000_000)
        return told

    def assert_early(self, path, name, how='blocked', callee='nanosleep'):
        """One stall, in a turn before the loop was known to be one."""
        told = self.check(path)
        self.assertEqual(len(told['traces'][0]['loops']), 1, told)
        self.assertRegex(told['traces'][0]['loops'][0]['name'], name)
        stall = self.only_stall(told)
        self.assertEqual((stall['stall_kind'], stall['callee']),
                         ('turn', callee), stall)
        self.assertGreaterEqual(stall['cause'][f'{how}_ns'], 190_000_000)
        kinds = [json.loads(line)['kind'] for line in self.looptrace(
            'export', '-f', 'ndjson', path).stdout.splitlines()]
        self.assertLess(kinds.index('early-turn'), kinds.index('loop-begin'))
        verified = self.looptrace('info', '--verify', path)
        self.assertEqual(verified.returncode, 0, verified)
        return stall

    def away(self, *command, path=None):
        """The notes of a loop that looked, and was away: for how many ms."""
        told = json.loads(self.looptrace(
            'info', '--json', self.record(*command, path=path)).stdout)
        notes = [re.search(r'not come back for (\d+) ms before', note)
                 for note in told['notes']]
        return [int(found[1]) for found in notes if found]

    def assert_no_loop(self, *command):
        path = self.dir / 'none.lt'
        result = self.looptrace('record', '-o', path, '--', *command)
        self.assertEqual(result.returncode, 0, result)
        self.assertEqual(result.stdout, b'done\n')
        self.assertFalse(path.exists(), result)
        self.assertIn(b'no event loop ran', result.stderr)

    def test_a_thread_that_comes_back_to_its_wait_turns_a_loop(self):
        for how, name in (('epoll', r'^epoll \d+$'), ('poll', '^poll$'),
                          ('select', '^select$')):
            with self.subTest(how):
                self.assert_nap(self.record(LOOPS, how,
                                            path=self.dir / f'{how}.lt'), name)

    def test_what_comes_after_a_loop_is_no_stall(self):
        for how, n in (('closed', 1), ('left', 1), ('threads', 3),
                       ('another', 2)):
            with self.subTest(how):
                told = self.check(self.record(LOOPS, how,
                                              path=self.dir / f'{how}.lt'))
                self.assertNotEqual(told['verdict'], 'fail', told)
                self.assertEqual(len(told['traces'][0]['loops']), n)

    def test_a_loop_is_named_after_its_thread_too(self):
        path = self.record(LOOPS, 'threads')
        told = self.check(path)
        names = sorted(re.sub(r'\d+', 'N', name) for name in self.loops(told))
        self.assertEqual(names, ['epoll N', 'epoll N', 'worker epoll N'])
        text = self.looptrace('report', path).stdout.decode()
        table = text.split('\nLoops\n')[1].split('\n\n')[0].splitlines()
        self.assertEqual({row.index('%') + 1 for row in table[1:]},
                         {table[0].index('busy') + 4}, text)

    def test_waiting_for_one_thing_is_no_loop(self):
        for how in ('output', 'answer', 'bad', 'once', 'pictures', 'steps',
                    'dying'):
            with self.subTest(how):
                self.assert_no_loop(LOOPS, how)

    def test_polling_inside_a_turn_blocks_the_loop(self):
        told = self.check(self.record(LOOPS, 'inside'))
        stall = self.only_stall(told)
        self.assertEqual(stall['callee'], 'poll')
        self.assertGreaterEqual(stall['calls_count'], 20)
        self.assertEqual(len(told['traces'][0]['loops']), 1)

    def test_a_loop_that_is_killed_while_it_hangs_has_a_stall(self):
        path = self.dir / 'x.lt'
        result = self.looptrace('record', '-o', path, '--', LOOPS, 'hang')
        self.assertEqual(result.returncode, 128 + 9, result)
        stall = self.only_stall(self.check(path))
        self.assertTrue(stall['unfinished'])
        self.assertEqual(stall['callee'], 'nanosleep')

    def test_a_forked_child_is_not_in_its_parents_loop(self):
        path = self.record(LOOPS, 'forked')
        self.assertNotEqual(self.check(path)['verdict'], 'fail')
        others = [p for p in self.dir.glob('x.*.lt')]
        self.assertEqual(len(others), 1, others)
        self.assert_nap(others[0], r'^epoll \d+$')

    def test_switched_off_and_on_it_is_still_not_libuvs(self):
        path = self.dir / 'x.lt'
        process = subprocess.Popen(
            [LOOPTRACE, 'record', '-o', path, '--', LOOPS, 'until'],
            cwd=self.dir, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), b'up\n')
        self.wait_for_more(process)
        for word in ('off', 'on'):
            told = self.looptrace('ctl', process.pid, word)
            self.assertEqual(told.returncode, 0, told)
        self.wait_for_more(process)
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out), (0, b'done\n'), err)
        info = self.looptrace('info', path).stdout
        self.assertIn(b'switched off from', info)
        told = self.check(path)
        self.assertEqual([loop['callbacks_seen']
                          for loop in told['traces'][0]['loops']], [False])
        modes = [json.loads(line)['value'] for line in self.looptrace(
            'export', '-f', 'ndjson', path).stdout.splitlines()
                 if b'"loop-begin"' in line]
        self.assertEqual(modes, [3, 3])

    def wait_for_more(self, process):
        """Until more events are in the file than now."""
        def events():
            text = self.looptrace('ctl', process.pid, 'status').stdout.decode()
            return int(text.split(' events')[0].split()[-1]) \
                if 'events' in text else 0
        before, deadline = events(), time.monotonic() + 60
        while events() <= before:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def test_it_is_said_that_callbacks_are_not_seen(self):
        path = self.record(LOOPS, 'epoll')
        for words in (('check', path), ('report', path), ('info', path)):
            result = self.looptrace(*words)
            self.assertRegex(result.stdout.decode(), 'not seen', words)
        told = json.loads(self.looptrace('info', '--json', path).stdout)
        self.assertEqual(len([n for n in told['notes'] if 'libuv' in n]), 1)
        screen = self.looptrace('view', '--dump-screen', path).stdout.decode()
        self.assertIn('not seen', screen)

    def test_what_was_not_seen_before_the_first_wait_is_said(self):
        for how, n in (('busy', 1), ('epoll', 0)):
            told = json.loads(self.looptrace(
                'info', '--json', self.record(LOOPS, how,
                                              path=self.dir / how)).stdout)
            notes = [re.search(r'computed for (\d+) ms before its loop', note)
                     for note in told['notes']]
            notes = [int(found[1]) for found in notes if found]
            self.assertEqual(len(notes), n, told['notes'])
            self.assertTrue(all(149 <= ms < 10_000 for ms in notes), notes)

    def test_a_first_turn_before_the_first_wait_is_said(self):
        for how, n in (('patient', 1), ('epoll', 0), ('interrupted', 0)):
            with self.subTest(how):
                path = self.dir / f'{how}.lt'
                away = self.away(LOOPS, how, path=path)
                self.assertEqual(len(away), n, away)
                self.assertTrue(all(199 <= ms < 10_000 for ms in away), away)
                if n: # said, not judged: it may have been no turn
                    self.assertEqual(self.stalls(path), [])

    def test_a_turn_before_a_loop_is_known_is_judged(self):
        for how, name in (('late', r'^epoll \d+$'), ('looks', r'^epoll \d+$'),
                          ('early-poll', '^poll$'),
                          ('early-select', '^select$')):
            with self.subTest(how):
                path = self.record(LOOPS, how, path=self.dir / f'{how}.lt')
                stall = self.assert_early(path, name)
                self.assertIn('loops.c', stall['site']['name'])

    def test_a_start_before_a_loop_is_known_is_none(self):
        for how in ('elsewhere', 'starts', 'busy', 'interrupted-early'):
            with self.subTest(how):
                path = self.record(LOOPS, how, path=self.dir / f'{how}.lt')
                self.assertEqual(self.stalls(path), [])
                self.assertNotIn(b'early-turn', self.looptrace(
                    'export', '-f', 'ndjson', path).stdout)

    def test_a_forked_child_is_not_in_its_parents_first_turn(self):
        path = self.record(LOOPS, 'forked-early')
        self.assert_early(path, r'^epoll \d+$')
        others = [p for p in self.dir.glob('x.*.lt')]
        self.assertEqual(len(others), 1, others)
        self.assert_nap(others[0], r'^epoll \d+$')

    def test_a_flight_recorder_saves_an_early_turn(self):
        path = self.dir / 'x.lt'
        result = self.looptrace('record', '--mode', 'flight=30s',
                                '--snapshot-on-stall', '100ms', '-o', path,
                                '--', LOOPS, 'late')
        self.assertEqual(result.returncode, 0, result)
        self.assert_early(self.dir / 'x.1.lt', r'^epoll \d+$')

    def test_asyncio_that_blocks_before_it_waits_has_a_stall(self):
        python = '/usr/bin/python3'
        if not os.path.exists(python):
            self.skipTest('no /usr/bin/python3')
        for what, how, callee in (('sleep', 'blocked', 'clock_nanosleep'),
                                  ('compute', 'cpu', None),
                                  ('connect', 'blocked', 'poll')):
            for n in ('20', '0'):
                with self.subTest(f'{what} {n}'):
                    path = self.record(python, '-c', BLOCKED_FIRST, what, n,
                                       path=self.dir / f'{what}{n}.lt')
                    self.assert_early(path, r'^epoll \d+$', how,
                                      callee=callee)

    def loop_of(self, path):
        loop, = json.loads(self.looptrace('report', '--format', 'json', path)
                           .stdout)['loops']
        return loop

    def test_the_first_wait_is_one(self):
        loop = self.loop_of(self.record(LOOPS, 'waits-first'))
        self.assertGreater(loop['poll_ns'], 200_000_000)
        self.assertLess(loop['busy_ns'], loop['poll_ns'])
        path = self.dir / 'y.lt'
        result = self.looptrace('record', '-o', path, '--', LOOPS,
                                'waits-for-ever')
        self.assertEqual(result.returncode, 128 + 14, result)
        loop = self.loop_of(path)
        self.assertGreater(loop['poll_ns'], 150_000_000)
        self.assertLess(loop['busy_ns'], loop['poll_ns'])

    def test_who_never_has_to_wait_turns_a_loop(self):
        self.assert_nap(self.record(LOOPS, 'always-ready'), r'^epoll \d+$')

    def test_a_child_of_vfork_does_not_end_its_parents_loop(self):
        path = self.record(LOOPS, 'vforked')
        info = json.loads(self.looptrace('info', '--json', path).stdout)
        self.assertEqual(info['loops'], 1)

    def test_what_is_left_by_a_jump_is_no_turn_and_hides_none(self):
        path = self.record(LOOPS, 'jumps')
        self.assertEqual([f for f in self.check(path)['findings']
                          if f['level'] == 'error'], [])
        self.assertGreater(self.loop_of(path)['turns'], 15)

    def test_what_may_have_hung_in_its_first_turn_is_said(self):
        """It is no loop yet, so that there is no trace that could show it."""
        for options, told in ([], []), (['-v'], [
                r'looptrace: a thread of loops \(pid \d+\) that looked at its '
                r'descriptors has not come back for [\d.]+ s: in '
                r'(clock_)?nanosleep, called by .*']):
            result = self.looptrace('record', *options, '-o',
                                    self.dir / 'x.lt', '--', LOOPS,
                                    'hang-first')
            self.assertEqual(result.returncode, 128 + 9, result)
            lines = result.stderr.decode().splitlines()
            self.assertEqual(len(lines), len(told) + 1, lines)
            for pattern, line in zip(told, lines):
                self.assertRegex(line, f'^{pattern}$')
            self.assertRegex(lines[-1], r'; a thread that had looked at its '
                                        r'descriptors did not come back for '
                                        r'[\d.]+ s: if they were a loop')
            self.assertFalse((self.dir / 'x.lt').exists())

    @needs('gcc', 'pkg-config')
    def test_a_libuv_loop_is_judged_from_its_first_turn_on(self):
        flags = subprocess.run(['pkg-config', '--cflags', '--libs', 'libuv'],
                               check=True, capture_output=True,
                               text=True).stdout.split()
        (self.dir / 'first.c').write_text(FIRST_TURN)
        subprocess.run(['gcc', '-o', 'first', 'first.c', *flags], check=True,
                       cwd=self.dir)
        for kind in ('timer', 'idle', 'prepare'):
            with self.subTest(kind):
                path = self.record('./first', kind,
                                   path=self.dir / f'{kind}.lt')
                stalls = self.stalls(path)
                self.assertEqual(len(stalls), 1, stalls)
                self.assertEqual(stalls[0]['turn'], 1)
                self.assertEqual(stalls[0]['callee'], 'usleep')
                self.assertTrue(stalls[0]['callbacks_seen'])
                self.assertGreaterEqual(stalls[0]['duration_ns'], 199_000_000)

    def test_asyncio_is_a_loop(self):
        """The interpreter that Debian's programs use, not one of a builder."""
        python = '/usr/bin/python3'
        if not os.path.exists(python):
            self.skipTest('no /usr/bin/python3')
        path = self.record(python, '-c', ASYNCIO)
        self.assert_nap(path, r'^epoll \d+$', 'clock_nanosleep')

    def test_record_names_a_loop_as_check_does(self):
        result = self.looptrace('record', '-v', '-o', self.dir / 'x.lt', '--',
                                sys.executable, '-c', ASYNCIO)
        told = self.check(self.dir / 'x.lt')
        name, = {f['loop'] for f in told['findings'] if f['rule'] == 'stall'}
        self.assertRegex(name, r'^epoll \d+$')
        self.assertRegex(result.stderr.decode(),
                         f'looptrace: loop {name} of .* has not come back for ')

    def test_reading_a_childs_output_is_no_loop(self):
        self.assert_no_loop(sys.executable, '-c', SUBPROCESS)

    @unittest.skipUnless(ctypes.util.find_library('glib-2.0'), 'no glib')
    def test_glib_is_a_loop(self):
        path = self.record(sys.executable, '-c', GLIB)
        self.assert_nap(path, '^poll$', 'clock_nanosleep')

    @unittest.skipUnless(ctypes.util.find_library('uv'), 'no libuv')
    def test_a_libuv_that_is_called_past_the_hooks_is_said(self):
        path = self.record(sys.executable, '-c', BY_HANDLE)
        told = self.check(path)
        self.assertEqual(len(told['traces'][0]['loops']), 1, told)
        self.assertEqual(self.only_stall(told)['cause']['word'], 'blocked')
        info = self.looptrace('info', path).stdout.decode()
        self.assertIn('libuv is called past looptrace', info)
        self.assertRegex(info, r'coverage   /.*libuv\.so')
        self.assertIn('no call of it was seen', info)

    @needs('gcc', 'pkg-config')
    def test_a_libuv_that_is_bound_past_the_hooks_is_said(self):
        flags = subprocess.run(['pkg-config', '--cflags', '--libs', 'libuv'],
                               check=True, capture_output=True,
                               text=True).stdout.split()
        (self.dir / 'plugin.c').write_text(PLUGIN)
        (self.dir / 'host.c').write_text(DEEP_HOST)
        for out, options in (('plugin.so', ['-shared', '-fPIC']), ('host', [])):
            subprocess.run(['gcc', *options, '-o', out,
                            out.split('.')[0] + '.c', *flags[:0 if out == 'host'
                                                             else None]],
                           check=True, cwd=self.dir)
        path = self.dir / 'x.lt'
        result = self.looptrace('record', '-o', path, '--', './host', 'alone')
        self.assertEqual((result.returncode, result.stdout), (0, b'done\n'))
        self.assertIn(b'loaded with RTLD_DEEPBIND', result.stderr)
        self.record('./host', 'beside', path=path)
        self.assertIn(b'loaded with RTLD_DEEPBIND',
                      self.looptrace('info', path).stdout)
        # Without the flag it is seen, and nothing is said.
        self.record('./host', 'seen', path=self.dir / 'y.lt')
        info = self.looptrace('info', self.dir / 'y.lt').stdout
        self.assertNotIn(b'DEEPBIND', info)

    @needs('gcc')
    @unittest.skipUnless(list(pathlib.Path('/usr/lib').glob('*/libuv_a.a')),
                         'no static libuv')
    def test_a_libuv_inside_the_program_is_a_loop(self):
        program = self.dir / 'inside'
        library = next(iter(pathlib.Path('/usr/lib').glob('*/libuv_a.a')))
        subprocess.run(['gcc', '-g', '-o', program, SRCDIR / 'samples/stall.c',
                        library, '-lpthread', '-ldl', '-lrt'], check=True)
        told = self.check(self.record(program))
        self.assertEqual(len(told['traces'][0]['loops']), 1)
        found = [f for f in told['findings'] if f['rule'] == 'stall']
        callees = {f['callee'] for f in found}
        self.assertLessEqual({'usleep', 'pthread_mutex_lock'}, callees, told)
        self.assertTrue(all(not f['callbacks_seen'] for f in found))

    def test_redis_is_a_loop(self):
        binary = shutil.which('redis-server') or \
            shutil.which('redis-check-rdb')  # in redis-tools, the same program
        if not binary:
            self.skipTest('not installed: redis-tools')
        server = self.dir / 'redis-server'
        server.symlink_to(binary)
        path, socket = self.dir / 'r.lt', self.dir / 's'
        process = subprocess.Popen(
            [LOOPTRACE, 'record', '-o', path, '--', server, '--port', '0',
             '--unixsocket', socket, '--save', '', '--daemonize', 'no',
             '--enable-debug-command', 'yes', '--dir', self.dir],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        try:
            for line in process.stdout:
                if b'ready to accept connections at' in line or \
                        b'accept connections at' in line:
                    break
            answers = self.talk(socket, *[b'PING\r\n'] * 10,
                                b'DEBUG SLEEP 0.2\r\n', b'PING\r\n',
                                b'SHUTDOWN NOSAVE\r\n')
            self.assertEqual(answers[9:12], [b'+PONG', b'+OK', b'+PONG'])
            process.communicate(timeout=60)
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
        self.assertEqual(process.returncode, 0)
        told = self.check(path)
        self.assertEqual([name for name in self.loops(told)
                          if name.startswith('epoll')], self.loops(told))
        stalls = [f for f in told['findings']
                  if f['rule'] == 'stall' and f['level'] == 'error']
        self.assertTrue(any('nanosleep' in (f['callee'] or '')
                            for f in stalls), told)

    def talk(self, path, *requests):
        import socket
        answers = []
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(60)
            s.connect(str(path))
            stream = s.makefile('rwb')
            for request in requests:
                stream.write(request)
                stream.flush()
                answers.append(stream.readline().strip())
        return answers


if __name__ == '__main__':
    unittest.main()
