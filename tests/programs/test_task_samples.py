"""The samples of tasks: each is recorded, and its trace must show its lesson."""
import signal
import subprocess
import unittest

import lt_decode
from looptrace import Case, SAMPLES

SCALE = '0.3'
NAMES = {getattr(lt_decode, name.upper().replace('-', '_')): name
         for name in ('spawn', 'arm', 'ready', 'resume', 'await', 'done', 'call',
                      'poll-begin', 'poll-end', 'loop-begin', 'loop-end',
                      'pool-begin', 'pool-end', 'usage', 'mark', 'counter',
                      'label', 'lost', 'sample', 'loop-name', 'call-begin')}


class Trace:
    """What a trace says of tasks: by id, with the events of each."""

    def __init__(self, path):
        self.events = []
        self.label, self.kind, self.parent, self.done = {}, {}, {}, {}
        self.awaits = []  # (who, whom)
        self.slices = []  # (task, begin, end)
        open_by_thread = {}
        trace = lt_decode.read(path.read_bytes())
        strings = trace_strings(trace)
        for event in trace.events():
            e = dict(zip(('t', 'thread', 'kind', 'ref', 'x', 'a', 'b'), event))
            e['kind'] = NAMES[e['kind']]
            self.events.append(e)
            stack = open_by_thread.setdefault(e['thread'], [])
            running = stack[-1][0] if stack else 0
            if e['kind'] == 'spawn':
                self.kind[e['ref']] = e['x']
                self.parent[e['ref']] = running
            elif e['kind'] == 'label':
                self.label[e['ref']] = strings[e['a']]
            elif e['kind'] == 'resume':
                stack.append((e['ref'], e['t']))
            elif e['kind'] in ('await', 'done'):
                if e['kind'] == 'done':
                    self.done[e['ref']] = (e['x'], e['a'], e['t'])
                elif e['a']:
                    self.awaits.append((e['ref'], e['a']))
                if stack and stack[-1][0] == e['ref']:
                    task, began = stack.pop()
                    self.slices.append((task, began, e['t']))

    def named(self, label):
        return [task for task, text in self.label.items() if text == label]

    def of_kind(self, number):
        return [task for task, kind in self.kind.items() if kind == number]

    def count(self, kind):
        return sum(e['kind'] == kind for e in self.events)

    def times(self, kind, ref):
        return [e['t'] for e in self.events
                if e['kind'] == kind and e['ref'] == ref]


def trace_strings(trace):
    return {d['id']: d['text'] for d in trace.defs if d['def'] == 'string'}


class TaskSamples(Case):
    def sample(self, name, *arguments):
        """Record a sample.  Returns its output and its trace."""
        path = self.dir / f'{name}.lt'
        result = self.looptrace('record', '-o', path, '--', SAMPLES / name,
                                '--scale', SCALE, *arguments)
        self.assertEqual(result.returncode, 0, result)
        self.said = result.stderr.decode()
        self.path = path
        return result.stdout.decode(), Trace(path)

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
        text = str(stalls)
        self.assertGreaterEqual(len(stalls), 1, text)
        for name in ('ask database', 'compute'):
            task, = trace.named(name)
            longest = max(end - begin for who, begin, end in trace.slices
                          if who == task)
            self.assertGreater(longest, 100e6)
        beats = [begin for who, begin, _ in trace.slices
                 if who == trace.named('heartbeat')[0]]
        gaps = [b - a for a, b in zip(beats, beats[1:])]
        self.assertGreaterEqual(sum(gap > 100e6 for gap in gaps), 2)
        self.assertIn('more than', output)

    def test_to_thread_keeps_the_heart_beating(self):
        output, trace = self.sample('to_thread')
        for name in ('ask database', 'compute'):
            task, = trace.named(name)
            longest = max(end - begin for who, begin, end in trace.slices
                          if who == task)
            self.assertLess(longest, 90e6)
        jobs = trace.of_kind(16)
        self.assertEqual(len(jobs), 2)
        for job in jobs:
            begin, = trace.times('pool-begin', job)
            end, = trace.times('pool-end', job)
            self.assertGreater(end - begin, 100e6)
            self.assertEqual(sum(whom == job for _, whom in trace.awaits), 1)

    def test_pool_full_shows_the_queue(self):
        output, trace = self.sample('pool_full')
        self.assertEqual(output, '12 jobs took at least three rounds\n')
        queued = sorted(trace.times('pool-begin', job)[0] -
                        trace.times('spawn', job)[0]
                        for job in trace.of_kind(16))
        self.assertEqual(len(queued), 12)
        self.assertLess(queued[3], 40e6)
        self.assertGreater(queued[-1], 2 * 60e6 - 1e6)

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
        server = subprocess.Popen([SAMPLES / 'chat', '--serve'],
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
        try:
            port = server.stdout.readline().split()[1].decode()
            load = self.run_command(SAMPLES / 'chat', '--load', port, '100',
                                    '2')
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


if __name__ == '__main__':
    unittest.main()
