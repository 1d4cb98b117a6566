"""looptrace ctl, --delay, lt_trace_pause(): recording on and off at run time."""
import json
import os
import pathlib
import re
import signal
import subprocess
import time

from looptrace import LOOPTRACE, Case

PROGRAM = r'''
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

/* A loop with a timer that lives from the beginning, and one job after the other;
 * it ends when its input does. */
static uv_timer_t timer;
static uv_work_t work;
static uv_pipe_t input;
static char space[16];

static void on_timer(uv_timer_t *t) { (void)t; }
static void on_work(uv_work_t *w) { (void)w; usleep(100); }
static void on_worked(uv_work_t *w, int status) {
  if (status == 0)
    uv_queue_work(uv_default_loop(), w, on_work, on_worked);
}
static void on_alloc(uv_handle_t *h, size_t n, uv_buf_t *buf) {
  (void)h; (void)n;
  *buf = uv_buf_init(space, sizeof space);
}
static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf) {
  (void)s; (void)buf;
  if (n < 0)
    uv_stop(uv_default_loop());
}
int main(void) {
  uv_loop_t *loop = uv_default_loop();
  uv_timer_init(loop, &timer);
  uv_timer_start(&timer, on_timer, 1, 1);
  uv_queue_work(loop, &work, on_work, on_worked);
  uv_pipe_init(loop, &input, 0);
  uv_pipe_open(&input, 0);
  uv_read_start((uv_stream_t *)&input, on_alloc, on_read);
  puts("up");
  fflush(stdout);
  uv_run(loop, UV_RUN_DEFAULT);
  return 7;
}
'''


class Ctl(Case):
    def start(self, *options):
        source = self.dir / 'program.c'
        source.write_text(PROGRAM)
        built = self.run_command('cc', '-g', source, '-o', 'program', '-luv')
        self.assertEqual(built.returncode, 0, built)
        process = subprocess.Popen(
            [LOOPTRACE, 'record', *options, '-o', 'x.lt', '--', './program'],
            cwd=self.dir, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)

        def end():
            if process.poll() is None:
                process.kill()
                process.wait()
        self.addCleanup(end)
        self.assertEqual(process.stdout.readline(), b'up\n')
        return process

    def ctl(self, *words, code=0):
        result = self.looptrace('ctl', *words)
        self.assertEqual(result.returncode, code, result)
        return result

    def finish(self, process):
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out), (7, b''), err)
        return err

    def events(self, process):
        text = self.ctl(process.pid, 'status').stdout.decode()
        return int(text.split(' events')[0].split()[-1]) if 'events' in text else 0

    def wait_a_while(self, process):
        time.sleep(0.3)
        return self.events(process)

    def wait_for_more(self, process, than):
        deadline = time.monotonic() + 60
        while self.events(process) <= than:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def trace(self):
        verified = self.looptrace('info', '--verify', 'x.lt')
        self.assertEqual(verified.returncode, 0, verified)
        result = self.looptrace('export', '-f', 'ndjson', 'x.lt')
        self.assertEqual(result.returncode, 0, result)
        return [json.loads(line) for line in result.stdout.splitlines()]

    def stretches(self):
        """The stretches that were not recorded, as the trace notes them, in ns."""
        info = self.looptrace('info', 'x.lt').stdout.decode()
        return [(float(a) * 1e9, float(b) * 1e9) for a, b in
                re.findall(r'switched off from ([\d.]+) s to ([\d.]+) s', info)]

    def assert_well_told(self, events):
        """Slices are in a loop and of tasks that are known by name, and nothing
        is open over a stretch that was not recorded."""
        known, open_now, seen = set(), {}, 0
        middles = [(a + b) / 2 for a, b in self.stretches()]
        self.assertEqual(len(middles), 1)
        for event in events:
            kind, stack = event['kind'], open_now.setdefault(event['tid'], [])
            if middles and event['time_ns'] > middles[0]:
                middles.pop()
                self.assertFalse([s for s in open_now.values() if s], event)
            if kind == 'spawn':
                known.add(event['task'])
            elif kind == 'resume':
                seen += 1
                self.assertIn('loop', stack, event)
                self.assertTrue(event.get('function'), event)
                self.assertIn(event['task'], known, event)
                stack.append(event['task'])
            elif kind == 'loop-begin':
                stack.append('loop')
            elif kind == 'loop-end':
                del stack[stack.index('loop'):]
            elif kind in ('await', 'done') and event.get('task') in stack:
                del stack[stack.index(event['task']):]
        self.assertGreater(seen, 10)
        self.assertFalse(middles)

    def test_a_late_begin_tells_of_the_loop_and_of_what_lives_in_it(self):
        process = self.start('--delay', '1h')
        status = self.ctl(process.pid, 'status').stdout
        self.assertIn(b': off, mode drop', status)
        self.assertFalse((self.dir / 'x.lt').exists())
        self.ctl(process.pid, 'on')
        self.wait_for_more(process, 100)
        self.finish(process)
        self.assert_well_told(self.trace())
        self.assertEqual(self.stretches()[0][0], 0)

    def test_off_and_on_again_leaves_no_stall_behind(self):
        process = self.start()
        self.wait_for_more(process, 100)
        self.ctl(process.pid, 'off')
        time.sleep(1.2) # a gap that would be a stall, were it taken for one
        still = self.events(process)
        while still != (still := self.wait_a_while(process)):
            continue
        self.ctl(self.dir / 'x.lt', 'on')
        self.wait_for_more(process, still + 100)
        self.finish(process)
        self.assert_well_told(self.trace())
        told = self.check(self.dir / 'x.lt', '--max-stall', '1s')
        self.assertEqual([f for f in told['findings'] if f['level'] == 'error'],
                         [])

    def test_what_cannot_be_meant_is_refused(self):
        self.ctl(code=2)
        self.ctl('loudly', code=2)
        self.ctl('a', 'b', 'on', code=2)
        self.assertIn(b'nobody records that', self.ctl('1', 'off', code=3).stderr)
        self.assertIn(b'Usage: looptrace ctl', self.ctl('--help').stdout)

    def test_nothing_is_left_of_the_socket(self):
        process = self.start()
        text = self.ctl(process.pid, 'status').stdout
        self.assertIn(b'recorder %d: on' % process.pid, text)
        self.finish(process)
        self.ctl(process.pid, 'status', code=3)
        maps = list(pathlib.Path('/dev/shm').glob('looptrace-*.ctl'))
        for path in maps: # of other tests that run at the same time
            self.assertTrue(path.is_socket() or not path.exists())

    def test_after_the_duration_there_is_nothing_to_switch_on(self):
        process = self.start('-d', '50ms')
        deadline = time.monotonic() + 60
        while b': over' not in self.ctl(process.pid, 'status').stdout:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        self.assertIn(b'recording is over',
                      self.ctl(process.pid, 'on', code=3).stderr)
        self.finish(process)

    def test_a_flight_recorder_writes_what_it_is_asked_for(self):
        process = self.start('--mode', 'flight=1M')
        self.wait_for_more(process, 100)
        self.assertFalse(list(self.dir.glob('*.lt')))
        told = self.ctl(process.pid, 'snapshot').stdout.decode()
        self.assertEqual(told, f'{(self.dir / "x.1.lt").resolve()}\n')
        process.send_signal(signal.SIGUSR1) # to the recorder
        deadline = time.monotonic() + 60
        while not (self.dir / 'x.2.lt').exists():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        err = self.finish(process)
        self.assertIn(b'wrote 2 snapshots; the last has ', err)
        self.assertEqual(sorted(p.name for p in self.dir.glob('*.lt')),
                         ['x.1.lt', 'x.2.lt'])
        for name in ('x.1.lt', 'x.2.lt'):
            result = self.looptrace('info', '--verify', name)
            self.assertEqual(result.returncode, 0, result)
            self.check(self.dir / name, '--max-stall', '1h')

    def test_a_crash_leaves_a_snapshot_and_a_good_end_none(self):
        process = self.start('--mode', 'flight')
        self.wait_for_more(process, 100)
        status = self.ctl(process.pid, 'status').stdout.decode()
        os.kill(int(re.search(r'\(pid (\d+)\)', status)[1]), signal.SIGSEGV)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 128 + signal.SIGSEGV, err)
        self.assertIn(b'killed', self.looptrace('info', 'x.1.lt').stdout)
        process = self.start('--overwrite', '--mode', 'flight=2s')
        self.wait_for_more(process, 100)
        self.assertIn(b'was not asked for a snapshot', self.finish(process))

    def test_only_a_flight_recorder_has_snapshots(self):
        process = self.start()
        self.wait_for_more(process, 0)
        self.assertIn(b'not a flight recorder',
                      self.ctl(process.pid, 'snapshot', code=3).stderr)
        self.finish(process)
        for words in (['--mode', 'flight=fast'], ['--snapshot-on-stall', '1s']):
            result = self.looptrace('record', *words, '--', 'true')
            self.assertEqual(result.returncode, 2, result)
