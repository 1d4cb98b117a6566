"""The samples of asyncio: on libuv (uvloop) each callback is seen."""
import shutil
import subprocess
import sys
import unittest

from looptrace import SRCDIR, Case
from task_trace import Trace

FOLDER = SRCDIR / 'samples/python'
TIMER, IDLE = 2, 3  # kinds of tasks; uvloop runs what is ready in an idle handle


def python_with(module):
    """A Python that has it: Debian's packages are for Debian's own."""
    for python in ('/usr/bin/python3', sys.executable, shutil.which('python3')):
        if python and subprocess.run([python, '-c', f'import {module}'],
                                     capture_output=True,
                                     check=False).returncode == 0:
            return python
    return None


PYTHON = python_with('uvloop')
SYSTEM = python_with('asyncio')  # dynamically linked, as Debian's is


class Asyncio(Case):
    """On its own loop, of which turns and blocking calls are seen."""

    def test_blocking_is_flagged(self):
        trace = self.record(SYSTEM, FOLDER / 'blocking.py', '--scale', '0.3')
        stalls = self.stalls(trace, '--max-stall', '60ms')
        self.assertIn('clock_nanosleep', [stall['callee'] for stall in stalls])
        self.assertTrue([stall for stall in stalls
                         if stall['cause']['cpu_ns'] > 60e6], stalls)

    def test_delays_is_clean(self):
        trace = self.record(SYSTEM, FOLDER / 'delays.py', '--scale', '0.3')
        self.assertEqual(self.stalls(trace, '--max-stall', '200ms'), [])

    def test_they_run_on_asyncio_itself(self):
        for name, said in (('delays', b'1 done\n2 done\n3 done\n'
                            b'results 3, 1, 2\n'),
                           ('blocking', b'longest gap of the heartbeat: more '
                            b'than 200 ms\n')):
            result = self.run_command(sys.executable, FOLDER / f'{name}.py',
                                      '--scale', '0.3')
            self.assertEqual((result.returncode, result.stdout), (0, said),
                             result)


@unittest.skipUnless(PYTHON, 'no Python here has uvloop')
class Uvloop(Case):
    def sample(self, name):
        return self.record(PYTHON, FOLDER / f'{name}.py', '--uvloop',
                           '--scale', '0.3')

    def test_delays_waits_and_never_holds_the_loop(self):
        path = self.sample('delays')
        self.assertEqual(self.stalls(path), [])
        trace = Trace(path)
        timers = [e['t'] for e in trace.events
                  if e['kind'] == 'resume' and e['x'] == TIMER]
        self.assertGreaterEqual(len(timers), 3)
        last = max(e['t'] for e in trace.events)
        self.assertGreater(last - min(e['t'] for e in trace.events), 850e6)

    def test_blocking_is_flagged_with_its_cause(self):
        stalls = self.stalls(self.sample('blocking'), '--max-stall', '60ms')
        callees = [stall['callee'] for stall in stalls]
        self.assertIn('clock_nanosleep', callees)
        computed = [stall for stall in stalls if not stall['callee']]
        self.assertGreaterEqual(len(computed), 1, stalls)
        for stall in computed:
            self.assertGreater(stall['cause']['cpu_ns'], 60e6)


if __name__ == '__main__':
    unittest.main()
