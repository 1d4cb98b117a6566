"""Stacks inside tasks: by the watchdog, by gdb, and from a core file."""
import re
import resource
import unittest

from looptrace import BUILDDIR, SRCDIR, Case, needs

PROGRAM = BUILDDIR / 'tests/programs/task_stack'
SCRIPT = SRCDIR / 'libtrace/task/looptrace-gdb.py'
IN_TASK = ['planted_inner', 'planted_outer', 'planted_task']


def in_order(names, wanted):
    """wanted, as far as names has them in that order."""
    rest = iter(names)
    return [name for name in wanted if name in rest]


class Watchdog(Case):
    def test_a_stack_in_a_task_is_whole_and_its_spawner_is_known(self):
        path = self.record(PROGRAM, 'nap')
        findings = self.check(path)['findings']
        stall, = [f for f in findings
                  if f['rule'] == 'stall' and f['callee'] == 'usleep']
        names = [(frame['site'] or {}).get('function')
                 for frame in stall['stack']]
        wanted = IN_TASK + ['main']  # through the switch into who resumed it
        self.assertEqual(in_order(names, wanted), wanted, names)
        sites = [(step['spawn_site'] or {}).get('function')
                 for step in stall['ancestry']]
        self.assertIn('planted_spawner', sites)
        self.assertNotIn('planted_spawner', names)  # it has returned


@needs('gdb')
class Gdb(Case):
    def gdb(self, *words, seconds=120):
        result = self.run_command('gdb', '-nx', '-batch', '-q', '-iex',
                                  'set debuginfod enabled off', *words,
                                  seconds=seconds)
        return (result.stdout + result.stderr).decode(errors='replace')

    def check_stack_and_list(self, told):
        stack = told[:told.index('ALL TASKS')]
        names = re.findall(r'^#\d+ .*?\b(\w+) \(', stack, re.M)
        wanted = IN_TASK + ['main']
        self.assertEqual(in_order(names, wanted), wanted, told)
        tasks = told[told.index('ALL TASKS'):]
        self.assertRegex(tasks, r'#1 start awaits "holder", spawned at ')
        self.assertRegex(tasks, r'#2 holder runs, spawned at \S*task_stack\.c:')
        self.assertRegex(tasks, r'#3 waiter sleeps, spawned at \S*task_stack')
        self.assertIn('3 tasks', tasks)
        waiter = tasks[tasks.index('#3 waiter'):]
        names = re.findall(r'^ +#\d+ .*?\b(\w+) \(', waiter, re.M)
        self.assertEqual(in_order(names, ['planted_wait', 'planted_waiter']),
                         ['planted_wait', 'planted_waiter'], told)

    LOOK = ('-ex', 'bt', '-ex', 'echo ALL TASKS\\n', '-ex', f'source {SCRIPT}',
            '-ex', 'looptrace tasks -bt')

    def test_a_program_that_is_debugged(self):
        told = self.gdb('-ex', 'set startup-with-shell off', '-ex', 'run',
                        *self.LOOK, '--args', PROGRAM, 'abort')
        if 'SIGABRT' not in told:
            self.skipTest('gdb may not trace here: ' + told[-200:])
        self.check_stack_and_list(told)

    def test_a_core_file(self):
        self.run_command(PROGRAM, 'abort', preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2))
        cores = [path for path in self.dir.iterdir() if 'core' in path.name]
        if not cores:
            self.skipTest('cores do not go into the working directory here')
        self.check_stack_and_list(self.gdb(*self.LOOK, PROGRAM, cores[0]))


if __name__ == '__main__':
    unittest.main()
