"""Loops that do random things: recorded, they do the same, and the trace tells it.

random_loop runs seeds, and logs each of its callbacks.  What each object sees is
the same with and without recording; and the trace of a run has the callbacks that
this run logged, one to one and in their order, each as a slice of the task of its
object or request, with its result.  200 seeds, or LOOPTRACE_SEEDS, or 10,000 in a
long test.
"""
import collections
import json
import os
import subprocess
import unittest

from looptrace import BUILDDIR, LONG, Case

PROGRAM = BUILDDIR / 'tests/programs/random_loop'
SEEDS = int(os.environ.get('LOOPTRACE_SEEDS') or (10000 if LONG else 200))
AT_ONCE = 100
REQUESTS = ('write', 'connect', 'shutdown', 'fs', 'work', 'udp-send',
            'getaddrinfo', 'getnameinfo')
CLOCK = '0' * 16  # how often it ticks is up to the machine

Call = collections.namedtuple('Call', 'seed path use kind result')


def read_log(text):
    return [Call(*line.split()) for line in text.decode().splitlines()]


def by_object(log):
    """What each object saw; how often a socket is asked is libuv's affair."""
    seen = collections.defaultdict(list)
    for call in log:
        if call.path != CLOCK and call.kind != 'alloc' and \
                (call.kind, call.result) != ('udp-recv', '0'):
            seen[call.seed, call.path].append(call)
    return seen


def task_key(call):
    if call.kind in REQUESTS:
        return call.seed, call.path, call.kind, call.use
    return call.seed, call.path


class Replay:
    """The trace's events of one thread against the log of its callbacks."""

    def __init__(self, log):
        self.log, self.n, self.open = log, 0, []
        self.task_of, self.key_of = {}, {}
        self.spawned, self.done, self.wrong = set(), {}, []

    def must(self, is_right, *what):
        if not is_right:
            self.wrong.append((self.n,) + what)

    def resume(self, e):
        call = self.log[self.n] if self.n < len(self.log) else None
        self.n += 1
        self.must(call and call.kind == e.get('task_kind'), call, e)
        task = e.get('task')
        self.open.append((task, call))
        if not call:
            return
        key = task_key(call)
        self.must(self.task_of.setdefault(key, task) == task and
                  self.key_of.setdefault(task, key) == key, call, e)
        self.must(task in self.spawned and task not in self.done, call, e)

    def leave(self, e):
        if e['kind'] == 'done':
            self.must(e['task'] not in self.done, 'done twice', e)
            self.done[e['task']] = e.get('value')
        if not self.open or self.open[-1][0] != e['task']:
            self.must(e['kind'] == 'done', 'not innermost', e)
            return
        _, call = self.open.pop()
        if call and call.kind in REQUESTS:
            self.must(e['kind'] == 'done' and
                      str(e.get('value')) == call.result, call, e)
        elif call:
            self.must((e['kind'] == 'done') == (call.kind == 'close'), call, e)

    def take(self, e):
        if e['kind'] == 'spawn':
            self.must(e['task'] not in self.spawned, 'spawned twice', e)
            self.spawned.add(e['task'])
        elif e['kind'] == 'resume':
            self.resume(e)
        elif e['kind'] in ('await', 'done'):
            self.leave(e)

    def finish(self):
        self.must(self.n == len(self.log), 'slices', self.n, len(self.log))
        self.must(not self.open, 'open', self.open)
        for key, task in self.task_of.items():
            if key[1] != CLOCK:
                self.must(task in self.done, 'never done', key, task)


class Switched:
    """The trace's events of one thread that was switched off and on: what is
    there of a task is in order, and nothing is of no task."""

    def __init__(self):
        self.open, self.spawned, self.done, self.wrong = [], set(), set(), []
        self.n = 0

    def must(self, is_right, *what):
        if not is_right:
            self.wrong.append(what)

    def take(self, e):
        kind, task = e['kind'], e.get('task')
        if kind in ('spawn', 'resume', 'done'):
            self.must(task and task not in self.done, e)
        if kind == 'spawn':
            self.must(task not in self.spawned, 'spawned twice', e)
            self.spawned.add(task)
        elif kind == 'resume':
            self.n += 1
            self.open.append(task)
        elif kind in ('await', 'done') and self.open[-1:] == [task]:
            self.open.pop()
        elif kind == 'await':
            self.must(False, 'not innermost', e)
        if kind == 'done':
            self.done.add(task)


class RandomLoops(Case):
    def run_both(self, *command):
        """Returns: the log with recording, and what objects see otherwise."""
        alone = self.run_command(*command)
        self.assertEqual(alone.returncode, 0, alone)
        result = self.looptrace('record', '-q', '--overwrite', '-o',
                                self.dir / 'x.lt', '--', *command)
        self.assertEqual((result.returncode, result.stderr), (0, b''), command)
        log = read_log(result.stdout)
        before, now = by_object(read_log(alone.stdout)), by_object(log)
        return log, [(key, before.get(key), now.get(key))
                     for key in before.keys() | now.keys()
                     if before.get(key) != now.get(key)]

    def replay(self, replay):
        with subprocess.Popen([BUILDDIR / 'looptrace', 'export', '-f', 'ndjson',
                               self.dir / 'x.lt'],
                              stdout=subprocess.PIPE) as export:
            for line in export.stdout:
                replay.take(json.loads(line))
        self.assertEqual(export.returncode, 0)

    def run_seeds(self, first):
        """Returns: what is wrong."""
        log, wrong = self.run_both(PROGRAM, first, AT_ONCE)
        replay = Replay(log)
        self.replay(replay)
        replay.finish()
        return len(log), wrong, replay.wrong

    def test_the_same_where_it_is_switched_off_and_on(self):
        n_calls = n_recorded = 0
        for first in range(1, SEEDS + 1, AT_ONCE):
            log, wrong = self.run_both(PROGRAM, first, AT_ONCE, 'switching')
            switched = Switched()
            self.replay(switched)
            n_calls += len(log)
            n_recorded += switched.n
            self.assertEqual((wrong[:3], switched.wrong[:3]), ([], []))
            self.assertLess(0, switched.n)
            self.assertLess(switched.n, len(log))
        self.measured(f'{SEEDS} seeds, switched off and on, {n_calls} '
                      f'callbacks: {n_recorded} recorded, none wrong')

    def test_the_same_with_and_without_and_in_the_trace(self):
        n_calls = n_other = n_untold = 0
        for first in range(1, SEEDS + 1, AT_ONCE):
            calls, other, untold = self.run_seeds(first)
            n_calls += calls
            n_other += len(other)
            n_untold += len(untold)
            for what in other[:3] + untold[:3]:
                print(first, what, flush=True)
        self.measured(f'{SEEDS} seeds, {n_calls} callbacks: {n_other} objects '
                      f'saw something else when recorded, {n_untold} '
                      f'differences between log and trace')
        self.assertEqual((n_other, n_untold), (0, 0))
        self.assertGreater(n_calls, SEEDS * 20)


if __name__ == '__main__':
    unittest.main()
