"""The samples of tasks: each is recorded, and its trace must show its lesson."""
import signal
import subprocess
import unittest

from looptrace import SAMPLES, SRCDIR, needs
from task_trace import SampleCase

POLL, WORK = 7, 16  # kinds of tasks


def needs_sample(name):
    """Skip a test of a sample whose library was not there for configure."""
    return unittest.skipUnless((SAMPLES / name).exists(),
                               f'not built: samples/{name}')


class TaskSamples(SampleCase):
    def test_greet_awaits_one_after_the_other(self):
        output, trace = self.sample('greet')
        self.assertEqual(output, 'hello, you\nhello, world\n')
        you, = trace.named('greet you')
        world, = trace.named('greet world')
        main = trace.parent[you]
        self.assertEqual([whom for who, whom in trace.awaits if who == main],
                         [you, world])
        self.assertGreaterEqual(trace.times('spawn', world)[0],
                                trace.done[you][2])
        self.assertEqual(self.stalls(self.path), [])

    def test_delays_end_by_time_and_come_by_call(self):
        output, trace = self.sample('delays')
        self.assertEqual(output,
                         '1 done\n2 done\n3 done\nresults 3, 1, 2\n')
        ends = [trace.done[trace.named(f'delay {n}')[0]] for n in (1, 2, 3)]
        self.assertEqual([end[1] for end in ends], [1, 2, 3])
        self.assertEqual(ends, sorted(ends, key=lambda end: end[2]))
        self.assertEqual(self.stalls(self.path), [])

    def test_blocking_is_flagged_and_names_the_tasks(self):
        output, trace = self.sample('blocking')
        stalls = self.stalls(self.path, '--max-stall', '60ms')
        blamed = {stall['task'] for stall in stalls}
        for name in ('ask database', 'compute'):
            task, = trace.named(name)
            self.assertIn(task, blamed, stalls)
            longest = max(end - begin for who, begin, end in trace.slices
                          if who == task)
            self.assertGreater(longest, 100e6)
            line = 1 + (SRCDIR / 'samples/blocking.c').read_text().split(
                f'lt_await(lt_spawn_named("{name}"')[0].count('\n')
            ancestry = next(s['ancestry'] for s in stalls if s['task'] == task)
            place = ancestry[0]['await_site']
            self.assertEqual((place['function'], place['line']),
                             ('start', line))
            self.assertEqual(ancestry[0]['awaited_by'], ancestry[1]['task'])
        beats = [begin for who, begin, _ in trace.slices
                 if who == trace.named('heartbeat')[0]]
        gaps = [b - a for a, b in zip(beats, beats[1:])]
        self.assertGreaterEqual(sum(gap > 100e6 for gap in gaps), 2)
        self.assertIn('more than', output)

    def test_to_thread_keeps_the_heart_beating(self):
        output, trace = self.sample('to_thread')
        self.assertEqual(self.stalls(self.path), [])
        jobs = trace.of_kind(WORK)
        self.assertEqual(len(jobs), 2)
        for job in jobs:
            begin, = trace.times('pool-begin', job)
            end, = trace.times('pool-end', job)
            self.assertGreater(end - begin, 100e6)
            self.assertEqual(sum(whom == job for _, whom in trace.awaits), 1)

    def test_pool_full_shows_the_queue(self):
        output, trace = self.sample('pool_full')
        self.assertEqual(output, '12 jobs took at least three rounds\n')
        jobs = trace.of_kind(WORK)
        self.assertEqual(len(jobs), 12)
        begins = sorted(trace.times('pool-begin', job)[0] for job in jobs)
        ends = sorted(trace.times('pool-end', job)[0] for job in jobs)
        for i in range(4, 12):  # a fifth begins when one of four has ended
            self.assertGreaterEqual(begins[i], ends[i - 4])
        queued = max(trace.times('pool-begin', job)[0] -
                     trace.times('spawn', job)[0] for job in jobs)
        self.assertGreater(queued, 2 * 60e6 - 5e6)

    def test_pipeline_shows_back_pressure(self):
        output, trace = self.sample('pipeline')
        self.assertEqual(output,
                         'sum 210; the producer waited again and again\n')
        producer, = trace.named('producer')
        workers = trace.named('worker')
        self.assertEqual(len(workers), 2)
        woken_by = [e['a'] for e in trace.events
                    if e['kind'] == 'ready' and e['ref'] == producer]
        self.assertGreater(len(woken_by), 5)
        self.assertLessEqual(set(woken_by), set(workers))

    def test_cancel_is_marked(self):
        output, trace = self.sample('cancel')
        self.assertEqual(output, 'slow: partial file removed\nslow: ETIMEDOUT\n'
                         'unwanted: partial file removed\n'
                         'unwanted: ECANCELED\nshielded: ECANCELED\n'
                         'saved in peace\n')
        for name, cancelled in (('slow', 1), ('unwanted', 1), ('shielded', 1),
                                ('save', 0)):
            task, = trace.named(name)
            self.assertEqual(trace.done[task][0], cancelled, name)

    def test_deadlock_is_reported_in_the_run_and_in_the_trace(self):
        _, trace = self.sample('deadlock')
        self.assertIn('task "egg" would wait for itself: it waits for "hen", '
                      'which waits for "egg"', self.said)
        hen, = trace.named('hen')
        egg, = trace.named('egg')
        self.assertIn((hen, egg), trace.awaits)
        self.assertIn((egg, hen), trace.awaits)
        self.assertEqual(trace.count('mark'), 1)

    def test_chat_shows_who_accepted_whom(self):
        output, trace = self.sample('chat')
        self.assertEqual(output, '5 clients talked; lines heard\n')
        server, = trace.named('server')
        clients = trace.named('client')
        self.assertEqual(len(clients), 5)
        self.assertEqual({trace.parent[c] for c in clients}, {server})

    def test_chat_bears_load(self):
        server = subprocess.Popen([self.samples / 'chat', '--serve'],
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE,
                                  env=self.environment())
        try:
            port = server.stdout.readline().split()[1].decode()
            load = self.run_command(self.samples / 'chat', '--load', port, '100',
                                    '2', env=self.environment())
            self.assertEqual(load.returncode, 0, load)
            self.assertEqual(load.stderr, b'')
            self.assertGreater(int(load.stdout.split()[0]), 99)
            server.send_signal(signal.SIGINT)
            _, said = server.communicate(timeout=20)
            self.assertEqual((server.returncode, said), (0, b''))
        finally:
            if server.poll() is None:
                server.kill()
                server.communicate()

    @needs_sample('fetch_sync')
    def test_fetch_sync_holds_the_loop_three_times(self):
        output, trace = self.sample('fetch_sync')
        self.assertEqual(output, 'three fetched; it took at least the sum of '
                         'their times\n'
                         'longest gap of the heartbeat: more than 200 ms\n')
        fetches = trace.named('fetch')
        self.assertEqual(len(fetches), 3)
        stalls = [stall for stall in
                  self.stalls(self.path, '--max-stall', '60ms')
                  if stall['task'] in fetches]
        self.assertEqual({stall['callee'] for stall in stalls}, {'poll'})
        took = sorted(ns for stall in stalls for ns in stall['durations_ns'])
        self.assertEqual(len(took), 3, stalls)
        for ns, ms in zip(took, (180, 240, 300)):
            self.assertGreater(ns, (ms - 5) * 1e6)
        heart, = trace.named('heartbeat')
        for task in fetches:
            (begin, end), = [(a, b) for who, a, b in trace.slices
                             if who == task]
            self.assertFalse([a for who, a, _ in trace.slices
                              if who == heart and begin < a < end])

    @needs_sample('fetch_all')
    def test_fetch_all_overlaps(self):
        output, trace = self.sample('fetch_all')
        self.assertIn('three fetched', output)
        fetches = trace.named('fetch')
        self.assertEqual(len(fetches), 3)
        begins = [trace.times('spawn', task)[0] for task in fetches]
        ends = [trace.done[task][2] for task in fetches]
        self.assertLess(max(begins), min(ends))  # all three at once
        self.assertEqual([trace.done[task][1] for task in fetches], [0, 0, 0])
        self.assertEqual(self.stalls(self.path), [])
        polls = [e for e in trace.events
                 if e['kind'] == 'spawn' and e['x'] == POLL]
        self.assertGreaterEqual(len(polls), 3)

    @needs('redis-server')
    @needs_sample('database')
    def test_database_flags_the_query_that_blocks_alone(self):
        output, trace = self.sample('database')
        self.assertEqual(output, 'asked without blocking: answered\n'
                         'asked while blocking: answered\n'
                         'longest gap of the heartbeat: more than 200 ms\n')
        blamed = {stall['task']: stall['callee'] for stall in
                  self.stalls(self.path, '--max-stall', '100ms')}
        waiting, = trace.named('waiting')
        blocking, = trace.named('blocking')
        self.assertEqual(blamed.get(blocking), 'read', blamed)
        self.assertNotIn(waiting, blamed)
        longest = max(b - a for who, a, b in trace.slices if who == blocking)
        self.assertGreater(longest, 150e6)
        self.assertEqual(trace.done[waiting][1], 0)


if __name__ == '__main__':
    unittest.main()
