"""What the hooks see of programs that do everything, and that these do not
notice: same output, same status, and each slice that begins ends."""
import collections
import json
import re
import textwrap
import unittest

from looptrace import BUILDDIR, SRCDIR, Case, needs

HEADER = (SRCDIR / 'libtrace/include/looptrace/event.h').read_text()


def table(name):
    """Numbers and words of one of event.h's tables."""
    body = HEADER.split(f'#define {name}(X)')[1].split('typedef enum')[0]
    return {int(n): word
            for n, word in re.findall(r'X\((\d+), (\w+),', body)}


KINDS = table('LT_EVENT_MAP')
TASKS = table('LT_TASK_MAP')
CALLEES = table('LT_CALLEE_MAP')

LUV = '''
local uv = require 'luv'
local timer = uv.new_timer()
local n = 0
uv.fs_open('/etc/passwd', 'r', 420, function(err, fd)
  print('open', err, fd > 2)
  uv.fs_read(fd, 4, 0, function(err, text)
    print('read', err, #text)
    uv.fs_close(fd)
    timer:start(1, 1, function()
      n = n + 1
      print('timer', n)
      if n == 3 then timer:close() end
    end)
  end)
end)
uv.run()
'''

THROW = r'''
#include <cstdio>
#include <stdexcept>
#include <uv.h>
static void cb(uv_timer_t *timer) {
  uv_close((uv_handle_t *)timer, nullptr);
  throw std::runtime_error("out of a callback");
}
int main() {
  uv_timer_t timer;
  uv_timer_init(uv_default_loop(), &timer);
  uv_timer_start(&timer, cb, 0, 0);
  try {
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  } catch (const std::exception &e) {
    std::puts(e.what());
  }
  std::printf("%d\n", uv_run(uv_default_loop(), UV_RUN_DEFAULT));
}
'''

# A callback in code that no file has, as a compiler makes it at run time: ret.
MADE = r'''
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <uv.h>
#if defined(__x86_64__)
static const unsigned char code[] = {0xc3};
#else
static const unsigned char code[] = {0xc0, 0x03, 0x5f, 0xd6};
#endif
int main(void) {
  uv_timer_t timer;
  void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED)
    return 77;
  memcpy(page, code, sizeof code);
  __builtin___clear_cache(page, (char *)page + sizeof code);
  uv_timer_init(uv_default_loop(), &timer);
  uv_timer_start(&timer, (uv_timer_cb)page, 1, 0);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  puts("done");
  return 0;
}
'''

# Each waits in libuv for 30 ms, in a function that is named after what it calls.
WAITS = r'''
#include <uv.h>
static uv_mutex_t lock;
static uv_rwlock_t rw;
static uv_cond_t cond;
static uv_sem_t sem;
static uv_barrier_t barrier;
static uv_thread_t keeper;
static uv_sem_t kept;
static int what;
#define NAMED __attribute__((noinline))
#define BODY(call) { call; __asm__ volatile(""); }
NAMED static void in_uv_mutex_lock(void) BODY(uv_mutex_lock(&lock))
NAMED static void in_uv_rwlock_rdlock(void) BODY(uv_rwlock_rdlock(&rw))
NAMED static void in_uv_rwlock_wrlock(void) BODY(uv_rwlock_wrlock(&rw))
NAMED static void in_uv_cond_wait(void) BODY(uv_cond_wait(&cond, &lock))
NAMED static void in_uv_cond_timedwait(void)
BODY(uv_cond_timedwait(&cond, &lock, 30000000))
NAMED static void in_uv_sem_wait(void) BODY(uv_sem_wait(&sem))
NAMED static void in_uv_barrier_wait(void) BODY(uv_barrier_wait(&barrier))
NAMED static void in_uv_thread_join(void) BODY(uv_thread_join(&keeper))
static void (*const calls[])(void) = {
    in_uv_mutex_lock, in_uv_rwlock_rdlock, in_uv_rwlock_wrlock,
    in_uv_cond_wait, in_uv_cond_timedwait, in_uv_sem_wait, in_uv_barrier_wait,
    in_uv_thread_join};
static void keep(void *unused) {
  if (what == 0) uv_mutex_lock(&lock);
  if (what == 1 || what == 2) uv_rwlock_wrlock(&rw);
  uv_sem_post(&kept);
  uv_sleep(30);
  if (what == 0) uv_mutex_unlock(&lock);
  if (what == 1 || what == 2) uv_rwlock_wrunlock(&rw);
  if (what == 3) { uv_mutex_lock(&lock); uv_cond_signal(&cond);
                   uv_mutex_unlock(&lock); }
  if (what == 5) uv_sem_post(&sem);
  if (what == 6) uv_barrier_wait(&barrier);
}
static void on_timer(uv_timer_t *timer) {
  for (what = 0; what < 8; what++) {
    if (what == 3 || what == 4) uv_mutex_lock(&lock);
    uv_thread_create(&keeper, keep, 0);
    uv_sem_wait(&kept);
    calls[what]();
    if (what == 0 || what == 3 || what == 4) uv_mutex_unlock(&lock);
    if (what == 1) uv_rwlock_rdunlock(&rw);
    if (what == 2) uv_rwlock_wrunlock(&rw);
    if (what != 7) uv_thread_join(&keeper);
  }
}
int main(void) {
  uv_timer_t timer;
  uv_mutex_init(&lock);
  uv_rwlock_init(&rw);
  uv_cond_init(&cond);
  uv_sem_init(&sem, 0);
  uv_sem_init(&kept, 0);
  uv_barrier_init(&barrier, 2);
  uv_timer_init(uv_default_loop(), &timer);
  uv_timer_start(&timer, on_timer, 1, 0);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
'''

# Who wakes a loop: twice a timer's callback, a job of the pool, a thread.
SENDERS = r'''
#include <uv.h>
static uv_async_t async;
static uv_timer_t timer;
static uv_work_t work;
static uv_thread_t thread;
static int n_woken;
static void by_work(uv_work_t *req) { (void)req; uv_async_send(&async); }
static void by_thread(void *unused) { (void)unused; uv_async_send(&async); }
static void after(uv_work_t *req, int status) { (void)req; (void)status; }
static void on_timer(uv_timer_t *handle) {
  uv_async_send(&async);
  uv_async_send(&async);
  uv_close((uv_handle_t *)handle, NULL);
}
static void on_async(uv_async_t *handle) {
  if (++n_woken == 1) uv_queue_work(handle->loop, &work, by_work, after);
  if (n_woken == 2) uv_thread_create(&thread, by_thread, NULL);
  if (n_woken == 3) uv_close((uv_handle_t *)handle, NULL);
}
int main(void) {
  uv_loop_t *loop = uv_default_loop();
  uv_async_init(loop, &async, on_async);
  uv_timer_init(loop, &timer);
  uv_timer_start(&timer, on_timer, 1, 0);
  uv_run(loop, UV_RUN_DEFAULT);
  uv_thread_join(&thread);
  return 0;
}
'''


class Event:
    """One line of dump_trace, in words."""

    def __init__(self, line):
        told = json.loads(line)
        self.__dict__.update(told)
        self.kind = KINDS[told['kind']]

    def __repr__(self):
        return f'{self.kind} ref {self.ref} x {self.x} a {self.a} b {self.b}'


class Hooks(Case):
    def events(self, path):
        result = self.run_command(BUILDDIR / 'tests/support/dump_trace', path)
        self.assertEqual(result.returncode, 0, result.stderr)
        return [Event(line) for line in result.stdout.splitlines()]

    def same(self, *command, **options):
        """Run it with and without; returns the events of its trace."""
        plain = self.run_command(*command, **options)
        trace = self.dir / 'x.lt'
        trace.unlink(missing_ok=True)
        recorded = self.looptrace('record', '-q', '-o', trace, '--', *command,
                                  **options)
        # The recorder's own line, where something was lost, is no output.
        said = [line for line in recorded.stderr.splitlines()
                if not line.startswith(b'looptrace: ')]
        self.assertEqual(recorded.stdout.decode(), plain.stdout.decode())
        self.assertEqual(said, plain.stderr.splitlines())
        self.assertEqual(recorded.returncode, plain.returncode)
        return self.events(trace)

    def program(self, name):
        return BUILDDIR / 'tests/programs' / name

    def assert_balanced(self, events):
        """Each slice ends where it should, and belongs to a task that was
        spawned; loops and polls come in pairs."""
        known = {e.ref for e in events if e.kind == 'SPAWN'}
        done = collections.Counter(e.ref for e in events if e.kind == 'DONE')
        self.assertEqual({n for n in done.values()} | {1}, {1}, done)
        open_slices = collections.defaultdict(list)
        for e in events:
            stack = open_slices[e.thread]
            if e.kind in ('RESUME', 'LOOP_BEGIN', 'POLL_BEGIN', 'POOL_BEGIN'):
                stack.append(e)
                if e.kind in ('RESUME', 'POOL_BEGIN'):
                    self.assertIn(e.ref, known, e)
            elif e.kind == 'AWAIT':
                self.assertEqual(stack.pop().ref, e.ref, e)
            elif e.kind == 'DONE':
                if stack and (stack[-1].kind, stack[-1].ref) == ('RESUME',
                                                                 e.ref):
                    stack.pop()
            elif e.kind in ('LOOP_END', 'POLL_END', 'POOL_END'):
                began = stack.pop()
                self.assertEqual(began.kind[:4], e.kind[:4], (began, e))
        self.assertEqual([s for s in open_slices.values() if s], [])

    def slices(self, events):
        return collections.Counter(TASKS[e.x] for e in events
                                   if e.kind == 'RESUME')

    def calls(self, events):
        return [(CALLEES[e.x], e) for e in events if e.kind == 'CALL']


class Families(Hooks):
    def setUp(self):
        super().setUp()
        self.all = self.same(self.program('hook_families'), self.dir)

    def test_every_callback_is_a_slice_of_its_kind(self):
        self.assert_balanced(self.all)
        seen = self.slices(self.all)
        self.assertGreaterEqual(seen.pop('ALLOC'), 9)
        self.assertEqual(dict(seen), dict(
            TIMER=6, IDLE=1, PREPARE=1, CHECK=1, ASYNC=1, POLL=1, SIGNAL=2,
            LISTEN=2, CONNECT=3, READ=8, WRITE=4, SHUTDOWN=2, UDP_RECV=1,
            UDP_SEND=1, WORK=8, FS=8, GETADDRINFO=1, GETNAMEINFO=1, RANDOM=1,
            PROCESS_EXIT=1, FS_EVENT=1, FS_POLL=1, CLOSE=23))

    def test_every_task_is_done_once_all_is_closed(self):
        spawned = {e.ref for e in self.all if e.kind == 'SPAWN'}
        done = {e.ref for e in self.all if e.kind == 'DONE'}
        self.assertEqual(spawned, done)

    def test_a_request_is_spawned_in_the_callback_that_made_it(self):
        running, parents = [], collections.Counter()
        loop_thread = self.all[0].thread
        for e in self.all:
            if e.thread != loop_thread:
                continue
            if e.kind == 'RESUME':
                running.append(TASKS[e.x])
            elif e.kind == 'SPAWN':
                parent = running[-1] if running else 'main'
                parents[TASKS[e.x], parent] += 1
            elif e.kind in ('AWAIT', 'DONE') and running:
                running.pop()
        self.assertEqual(parents['FS', 'FS'], 7)
        self.assertEqual(parents['FS', 'main'], 2) # one is refused
        self.assertEqual(parents['WORK', 'WORK'], 2)
        self.assertEqual(parents['WRITE', 'CONNECT'], 2)
        self.assertEqual(parents['WRITE', 'READ'], 2)
        self.assertEqual(parents['SHUTDOWN', 'READ'], 2)
        self.assertEqual(parents['READ', 'LISTEN'], 2)

    def test_the_pool_says_when_it_works(self):
        begins = [e for e in self.all if e.kind == 'POOL_BEGIN']
        self.assertEqual(len(begins), 8)
        loop_thread = self.all[0].thread
        self.assertNotIn(loop_thread, {e.thread for e in begins})

    def test_what_failed_or_was_cancelled_says_so(self):
        status = [e.a if e.a < 1 << 63 else e.a - (1 << 64)
                  for e in self.all if e.kind == 'DONE']
        self.assertEqual(sum(e.x for e in self.all if e.kind == 'DONE'), 1)
        for expected in (-125, -2, -22): # cancelled, no such file, refused
            self.assertIn(expected, status)

    def test_a_wake_up_knows_its_task(self):
        ready = [e for e in self.all if e.kind == 'READY']
        self.assertEqual(len(ready), 1)
        task = next(e for e in self.all
                    if e.kind == 'RESUME' and TASKS[e.x] == 'ASYNC')
        self.assertEqual(ready[0].ref, task.ref)

    @needs('gcc')
    def test_a_wake_up_knows_who_sent_it(self):
        source = self.dir / 'senders.c'
        source.write_text(SENDERS)
        built = self.run_command('gcc', '-o', self.dir / 'senders', source,
                                 '-luv')
        self.assertEqual(built.returncode, 0, built.stderr)
        events = self.same(self.dir / 'senders')
        tasks = {TASKS[e.x]: e.ref for e in events if e.kind == 'SPAWN'}
        ready = [e for e in events if e.kind == 'READY']
        self.assertEqual([e.a for e in ready],
                         [tasks['TIMER']] * 2 + [tasks['WORK'], 0])
        self.assertEqual({e.ref for e in ready}, {tasks['ASYNC']})
        self.assertEqual(len({e.thread for e in ready}), 3)

    def test_a_timer_says_for_when(self):
        delays = [e.b for e in self.all
                  if e.kind == 'ARM' and TASKS[e.x] == 'TIMER']
        self.assertIn(50 * 1000000 + 1, delays)

    def test_freed_memory_that_is_overwritten_does_no_harm(self):
        self.same('env', 'MALLOC_PERTURB_=165',
                  self.program('hook_families'), self.dir)


class Leaving(Hooks):
    def test_a_slice_ends_however_its_callback_is_left(self):
        events = self.same(self.program('hook_leaving'))
        self.assert_balanced(events)
        left = [e for e in events if e.kind == 'AWAIT' and e.x == 1]
        self.assertEqual(len(left), 5) # four jumps, one thread
        self.assertEqual(len({e.thread for e in left}), 2)
        # After a jump out of another loop, the outer one is seen to wait.
        waits = [later.time - e.time for e, later in zip(events, events[1:])
                 if (e.kind, later.kind) == ('POLL_BEGIN', 'POLL_END')]
        self.assertGreater(max(waits), 10_000_000)

    @needs('g++')
    def test_an_exception_passes(self):
        source = self.dir / 'throw.cc'
        source.write_text(THROW)
        built = self.run_command('g++', '-o', self.dir / 'throw', source,
                                 '-luv')
        self.assertEqual(built.returncode, 0, built.stderr)
        events = self.same(self.dir / 'throw')
        self.assert_balanced(events)
        self.assertEqual([e.x for e in events if e.kind == 'AWAIT'], [1])


class Forks(Hooks):
    def test_each_child_that_turns_a_loop_has_a_whole_trace(self):
        self.assert_balanced(self.same(self.program('hook_forks')))
        children = [p for p in self.dir.iterdir() if p.name != 'x.lt']
        self.assertEqual(len(children), 3, children)
        for path in children:
            events = self.events(path)
            self.assert_balanced(events)
            self.assertGreater(self.slices(events)['TIMER'], 0)

    def test_a_child_with_loops_on_many_threads_has_one_trace(self):
        self.assert_balanced(self.same(self.program('hook_forks'), 'workers'))
        children = [p for p in self.dir.iterdir() if p.name != 'x.lt']
        self.assertEqual(len(children), 11, children)
        for path in children:
            events = self.events(path)
            self.assert_balanced(events)
            self.assertEqual(self.slices(events)['TIMER'], 9 * 3)
            self.assertEqual(len({e.thread for e in events
                                  if e.kind == 'LOOP_BEGIN'}), 9)


class Blocking(Hooks):
    # Not those that a warm cache answers at once.
    NAMES = '''usleep nanosleep clock_nanosleep uv_sleep read readv recvmsg
        poll ppoll select pselect epoll_wait epoll_pwait pthread_mutex_lock
        pthread_rwlock_rdlock pthread_rwlock_wrlock pthread_cond_wait
        pthread_cond_timedwait sem_wait pthread_join pthread_barrier_wait
        waitpid wait wait4 waitid system pclose flock lockf fcntl write'''

    def setUp(self):
        super().setUp()
        self.all = self.same(self.program('hook_blocking'), self.dir)

    def test_each_call_that_blocks_is_named(self):
        # On a busy machine what is waited for may be there before the wait.
        seen = collections.Counter()
        for _ in range(5):
            self.assert_balanced(self.all)
            names = {name for name, _ in self.calls(self.all)}
            seen.update(names)
            if not set(self.NAMES.split()) - set(seen):
                break
            self.all = self.same(self.program('hook_blocking'), self.dir)
        self.assertEqual(set(self.NAMES.split()) - set(seen), set())

    def test_a_call_is_recorded_once(self):
        seen = collections.Counter(name for name, _ in self.calls(self.all))
        for name in ('usleep', 'nanosleep', 'uv_sleep', 'poll', 'select'):
            self.assertEqual(seen[name], 1, name)

    def test_it_lasts_as_long_as_it_did(self):
        for name, event in self.calls(self.all):
            if name in ('usleep', 'nanosleep', 'uv_sleep', 'poll', 'select'):
                self.assertGreaterEqual(event.b, 2_900_000, name)

    @needs('gcc')
    def test_who_waits_in_libuv_is_named_not_libuv(self):
        source = self.dir / 'waits.c'
        source.write_text(WAITS)
        built = self.run_command('gcc', '-g', '-O2', '-o', self.dir / 'waits',
                                 source, '-luv')
        self.assertEqual(built.returncode, 0, built.stderr)
        events = self.same(self.dir / 'waits')
        defs = self.run_command(BUILDDIR / 'tests/support/dump_trace',
                                '--defs', self.dir / 'x.lt').stdout.decode()
        sites = dict(re.findall(r'^site (\d+) \S+ \S+ (\w+)\+', defs, re.M))
        callers = {sites.get(str(e.a)) for _, e in self.calls(events)}
        wanted = set(re.findall(r'(in_uv_\w+)\(void\)', WAITS))
        self.assertEqual(len(wanted), 8)
        self.assertEqual(wanted - callers, set(), (callers, defs))
        self.assertEqual({c for c in callers if c and c.startswith('uv_')},
                         set())

    def test_outside_the_loop_nobody_waits(self):
        end = next(e.time for e in self.all if e.kind == 'LOOP_END')
        self.assertTrue(all(e.time <= end for _, e in self.calls(self.all)))


class Crowd(Hooks):
    def test_nothing_is_lost_among_thousands(self):
        events = self.same(self.program('hook_crowd'))
        by_thread = collections.Counter(
            e.thread for e in events if e.kind == 'RESUME')
        self.assertEqual(len(by_thread), 1)
        info = self.run_command(BUILDDIR / 'tests/support/dump_trace',
                                '--info', self.dir / 'x.lt')
        if json.loads(info.stdout)['lost'] == 0:
            self.assert_balanced(events)
            seen = self.slices(events)
            self.assertGreaterEqual(seen['TIMER'], 7999)
            self.assertEqual(seen['WORK'], 2000)


class Reuse(Hooks):
    def test_each_handle_calls_what_it_was_armed_with_last(self):
        events = self.same(self.program('hook_reuse'))
        self.assert_balanced(events)
        self.assertEqual(dict(self.slices(events)),
                         dict(TIMER=18000, IDLE=6000, CLOSE=12000))
        sites = collections.defaultdict(list)
        for e in events:
            if e.kind == 'RESUME' and TASKS[e.x] == 'TIMER':
                sites[e.ref].append(e.a)
        self.assertEqual(len(sites), 6000)
        self.assertTrue(all(len(set(s)) == 3 for s in sites.values()))


class Untracked(Hooks):
    def test_no_callback_is_lost_where_there_is_no_memory(self):
        events = self.same(self.program('hook_untracked'))
        path = self.dir / 'x.lt'
        told = json.loads(self.looptrace('info', '--json', path).stdout)
        self.assertGreater(told['untracked'], 1000)
        # Those that could be followed have whole lives.
        if told['trace']['lost'] == 0:
            self.assert_balanced(events)
            self.assertGreater(self.slices(events)['TIMER'], 9000)
        self.assertIn(b'callbacks could not be followed: there was no memory',
                      self.looptrace('info', path).stdout)
        self.assertNotEqual(self.looptrace('check', path).returncode, 0)


class Repeat(Hooks):
    def setUp(self):
        super().setUp()
        self.all = self.same(self.program('hook_repeat'))
        self.assert_balanced(self.all)
        first = next(e for e in self.all if e.kind == 'RESUME')
        self.ticker = first.ref
        self.arms = [e for e in self.all
                     if (e.kind, e.ref) == ('ARM', self.ticker) and e.b]
        self.runs = [e for e in self.all
                     if (e.kind, e.ref) == ('RESUME', self.ticker) and
                     TASKS[e.x] == 'TIMER']

    def lags(self):
        """Of each run: when it began, less when it was due."""
        due = [e.time + e.b - 1 for e in self.arms]
        return [run.time - at for run, at in zip(self.runs, due)]

    def test_each_run_says_when_the_next_is_due(self):
        # By the program once, then in each run, but for the last, whose arm
        # the close forgets.
        self.assertEqual(len(self.runs), 20)
        self.assertEqual(len(self.arms), 1 + 20)
        for arm, run in zip(self.arms[1:], self.runs):
            self.assertGreaterEqual(arm.time, run.time)
        for period, runs in ((10, self.arms[1:13]), (20, self.arms[13:])):
            for arm in runs: # from the begin of the turn
                self.assertLessEqual(arm.b - 1, period * 1_000_000)

    def test_no_run_is_early(self):
        # The first is armed by the loop's time, which may be some ms old.
        self.assertGreaterEqual(min(self.lags()[1:]), -100_000)

    def test_what_holds_the_loop_makes_it_late(self):
        # Due at most 10 ms after the holder began its 50.
        self.assertGreaterEqual(max(self.lags()[1:]), 38_000_000)


class Others(Hooks):
    @needs('lua5.3')
    def test_a_libuv_that_comes_by_dlopen_is_found(self):
        script = self.dir / 'x.lua'
        script.write_text(textwrap.dedent(LUV))
        if self.run_command('lua5.3', '-e', 'require "luv"').returncode:
            self.skipTest('not installed: lua-luv')
        events = self.same('lua5.3', script)
        self.assert_balanced(events)
        seen = self.slices(events)
        self.assertEqual((seen['TIMER'], seen['FS']), (3, 2))

    @needs('gcc')
    def test_code_that_is_made_at_run_time_brings_no_file_in_twice(self):
        source = self.dir / 'made.c'
        source.write_text(MADE)
        built = self.run_command('gcc', '-o', self.dir / 'made', source,
                                 '-luv')
        self.assertEqual(built.returncode, 0, built.stderr)
        self.assert_balanced(self.same(self.dir / 'made'))
        defs = self.run_command(BUILDDIR / 'tests/support/dump_trace',
                                '--defs', self.dir / 'x.lt').stdout.decode()
        starts = re.findall(r'^module \d+ (\w+)-', defs, re.M)
        self.assertGreater(len(starts), 3)
        self.assertEqual(sorted(starts), sorted(set(starts)), defs)
        self.assertNotIn(b'several copies',
                         self.looptrace('info', self.dir / 'x.lt').stdout)

    def test_of_two_copies_one_records(self):
        # It links liblooptrace, and has the preload as well.
        events = self.events(self.record(BUILDDIR / 'samples' / 'stall'))
        loops = [e.kind for e in events if e.kind.startswith('LOOP_')]
        self.assertEqual(loops, ['LOOP_BEGIN', 'LOOP_END'] * (len(loops) // 2))
        self.assert_balanced(events)


if __name__ == '__main__':
    unittest.main()
