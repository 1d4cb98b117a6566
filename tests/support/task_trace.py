"""What a trace says of tasks, and how a sample of them is recorded."""
import os

import lt_decode
from looptrace import SAMPLES, Case

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
            e['kind'] = NAMES.get(e['kind'], e['kind'])
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


class SampleCase(Case):
    """samples: the folder of those that are run; sanitizer: its environment."""
    samples = SAMPLES
    sanitizer = None

    def sample(self, name, *arguments):
        """Record a sample.  Returns its output and its trace."""
        path = self.dir / f'{name}.lt'
        command = [self.samples / name, '--scale', SCALE, *arguments]
        if self.sanitizer is None:
            result = self.looptrace('record', '-o', path, '--', *command)
        else:  # by itself: a preload would stand before the sanitizer's runtime
            result = self.run_command(*command, env=self.environment(path))
        self.assertEqual(result.returncode, 0, result)
        self.said = result.stderr.decode()
        self.assertNotIn('Sanitizer', self.said)
        self.path = path
        return result.stdout.decode(), Trace(path)

    def environment(self, trace=None):
        told = dict(os.environ, **(self.sanitizer or {}))
        if trace:
            told['LOOPTRACE_OUT'] = str(trace)
        return told
