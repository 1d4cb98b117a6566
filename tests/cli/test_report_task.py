"""looptrace report --task: a path whose every number is known by construction."""
import json
import re
import unittest

from golden import compare
from hostile import assert_inert, fixture
from looptrace import LOOPTRACE, Case, needs
from trace_text import trace

# render (1) sleeps, waits for on_read (2), which waits for a job (3); while it
# is ready, on_tick (9) computes. Then two waits that could have been one.
JOURNEY = """
0    loop+
0    spawn task=1 kind=task site=render from=main
0    label task=1 text=GET/export
2    resume task=1 kind=task site=render        # ready 0-2, behind nobody
5    arm task=1 kind=task ms=50
5    await task=1                               # ran 2-5, due at 55
6    poll
40   wake n=1
40   resume task=9 kind=timer site=on_tick
100  await task=9                               # 40-100 on the thread
100  ready task=1 cause=2
101  resume task=1 kind=task site=render        # ready 55-101, 45 behind 9
104  call callee=read ms=2 site=render
110  spawn task=2 kind=task site=on_read from=render
110  await task=1 for=2                         # ran 101-110
110  resume task=2 kind=task site=on_read
112  spawn task=3 kind=work site=on_other from=on_read
112  await task=2 for=3                         # ran 110-112
113  poll
120  pool+ task=3 kind=work site=on_other thread=1
150  pool- task=3 thread=1                      # queued 112-120, pool 120-150
155  wake n=1
155  resume task=9 kind=timer site=on_tick
170  await task=9
170  done task=3                                # ready 150-170, 15 behind 9
171  resume task=2 kind=task site=on_read
175  done task=2                                # ready 170-171, ran 171-175
178  resume task=1 kind=task site=render        # ready 175-178
180  spawn task=4 kind=task site=on_other from=render
180  await task=1 for=4                         # ran 178-180
180  resume task=4 kind=task site=on_other
181  await task=4
182  poll
200  wake n=1
204  resume task=4 kind=task site=on_other      # events 181-200, ready 200-204
205  done task=4
205  resume task=1 kind=task site=render
206  spawn task=5 kind=task site=on_other from=render
206  await task=1 for=5                         # ran 205-206
206  resume task=5 kind=task site=on_other
206  await task=5
207  poll
221  wake n=1
221  resume task=5 kind=task site=on_other
221  done task=5                                # took 15
221  resume task=1 kind=task site=render
223  done task=1                                # ran 221-223
224  loop-
"""
STEPS = [  # state, begin, end, task, depth
    ('ready', 0, 2, 1, 0), ('run', 2, 5, 1, 0), ('timer', 5, 55, 1, 0),
    ('ready', 55, 101, 1, 0), ('run', 101, 110, 1, 0), ('run', 110, 112, 2, 1),
    ('queue', 112, 120, 3, 2), ('pool', 120, 150, 3, 2),
    ('ready', 150, 170, 3, 2), ('ready', 170, 171, 2, 1),
    ('run', 171, 175, 2, 1), ('ready', 175, 178, 1, 0), ('run', 178, 180, 1, 0),
    ('run', 180, 181, 4, 1), ('poll', 181, 200, 4, 1),
    ('ready', 200, 204, 4, 1), ('run', 204, 205, 4, 1), ('run', 205, 206, 1, 0),
    ('poll', 206, 221, 5, 1), ('run', 221, 223, 1, 0)]
MS = 10**6


class Task(Case):
    def report(self, *arguments, data=None):
        (self.dir / 'x.lt').write_bytes(data or trace(JOURNEY))
        return self.looptrace('report', *arguments, 'x.lt')

    def told(self, word='1', **how):
        result = self.report('--format', 'json', '--task', word, **how)
        self.assertEqual(result.returncode, 0, result)
        told = json.loads(result.stdout)
        self.assertEqual(told['schema'], 'looptrace.task/1')
        return told

    def test_the_path_has_exactly_these_steps(self):
        told = self.told()
        self.assertEqual(
            [(s['state'], s['start_ns'] / MS,
              (s['start_ns'] + s['duration_ns']) / MS, s['task'], s['depth'])
             for s in told['steps']], STEPS)
        totals = {}
        for state, begin, end, _, _ in STEPS:
            totals[state] = totals.get(state, 0) + (end - begin) * MS
        self.assertEqual({k: v for k, v in told['total_ns'].items() if v},
                         totals)
        self.assertEqual(sum(totals.values()), told['duration_ns'])
        self.assertEqual((told['start_ns'], told['duration_ns']), (0, 223 * MS))
        self.assertEqual((told['label'], told['done'], told['dropped']),
                         ('GET/export', True, 0))

    def test_what_was_in_the_way_is_named_with_its_time(self):
        steps = self.told()['steps']
        behind = {s['start_ns'] / MS: s['behind'] for s in steps
                  if s['state'] == 'ready' and 'behind' in s}
        self.assertEqual({at: (b['task'], b['site']['function'],
                               b['duration_ns'] / MS)
                          for at, b in behind.items()},
                         {55: (9, 'on_tick', 45), 150: (9, 'on_tick', 15)})
        self.assertEqual([s['blocked_ns'] / MS for s in steps
                          if s['start_ns'] == 101 * MS], [2])

    def test_a_request_that_is_not_followed_into_the_pool_is_told_so(self):
        """It waits for no event: a worker has it, or it waits for one."""
        for kind in ('fs', 'dns', 'read', 'work'):
            data = trace(f"""
0    loop+
0    spawn task=1 kind={kind} site=on_read from=main
1    poll
100  wake
100  resume task=9 kind=timer site=on_tick
110  await task=9
110  resume task=1 kind={kind} site=on_read
112  done task=1
113  loop-
""")
            told = self.told(data=data)
            first = {'read': 'poll', 'work': 'queue'}.get(kind, 'pool_unseen')
            self.assertEqual([(s['state'], s['duration_ns'] / MS)
                              for s in told['steps']],
                             [(first, 100), ('ready', 10), ('run', 2)], kind)
            text = self.report('--task', '1', data=data).stdout.decode()
            self.assertEqual('  in the pool, or queued     100 ms   89 %\n'
                             in text, first == 'pool_unseen', text)
            told = json.loads(self.report('-g', 'task', '--format', 'json',
                                          data=data).stdout)
            seen = {t['task']: t['pool_seen'] for t in told['by_task']}
            self.assertEqual(seen[1], first != 'pool_unseen')

    def test_text_for_people(self):
        result = self.report('--task', 'GET/export')
        self.assertEqual((result.returncode, result.stderr), (0, b''))
        compare(self, 'report-task.txt', result.stdout)

    def test_a_task_is_found_by_number_label_or_function(self):
        for word, task in (('1', 1), ('#2', 2), ('GET/export', 1),
                           ('on_read', 2)):
            self.assertEqual(self.told(word)['task'], task)
        result = self.report('--task', 'on_other')
        self.assertEqual(result.returncode, 0)
        self.assertIn(b'of 3 tasks of that name, the longest is #3',
                      result.stderr)
        for word in ('77', 'nobody', '#', ''):
            result = self.report('--task', word)
            self.assertEqual(result.returncode, 2, result)
            self.assertIn(b'there is no task', result.stderr)
        result = self.report('--task', '1', '--format', 'html')
        self.assertEqual(result.returncode, 2)

    def test_a_task_is_found_by_what_screens_show_of_it(self):
        data = trace(JOURNEY.replace('site=on_read', 'site=stripped'))
        text = self.report('--group-by', 'task', data=data).stdout.decode()
        shown = re.findall(r'  (#\d.*)$', text, re.M)
        self.assertIn('#2 task shop+0x60', shown)
        for name in shown:
            task = int(name[1:].split()[0])
            self.assertEqual(self.told(name, data=data)['task'], task)
        for word in ('shop+0x60', 'task shop+0x60',
                     'task "GET/export" render (shop.c:47)',
                     'task render (shop.c:47)', 'render (shop.c:47)',
                     'task GET/export'):
            task = self.told(word, data=data)['task']
            self.assertEqual(task, 2 if 'shop+' in word else 1, word)
        for word in ('timer shop+0x60', 'render (shop.c:48)', 'task ',
                     '#2task', '2 task'):
            self.assertEqual(self.report('--task', word, data=data).returncode,
                             2, word)

    def test_a_task_without_a_label_is_named_once(self):
        data = trace(JOURNEY.replace('site=on_read', 'site=stripped'))
        text = self.report('--task', 'shop+0x60', data=data).stdout.decode()
        self.assertEqual(text.splitlines()[0],
                         'Task #2 task shop+0x60, made in render (shop.c:47)')

    def test_waits_that_could_have_been_one_are_told_with_what_they_cost(self):
        result = self.report('--format', 'json')
        gather, = json.loads(result.stdout)['gatherable']
        # 65, 25 and 15 ms; the longest stays.
        self.assertEqual((gather['awaited'], gather['saved_ns'], gather['task'],
                          gather['site']['function'], gather['start_ns']),
                         (2, 15 * MS, 1, 'render', 180 * MS))
        self.assertIn(b'Waits one after the other', self.report().stdout)

    def test_a_task_that_is_not_done_has_a_path_to_the_end(self):
        text = '\n'.join(JOURNEY.strip().splitlines()[:12])
        told = self.told(data=trace(text, end_ms=300))
        self.assertFalse(told['done'])
        last = told['steps'][-1]
        self.assertEqual(last['start_ns'] + last['duration_ns'], 300 * MS)

    def test_tasks_that_wait_for_each_other_have_an_end(self):
        told = self.told(data=trace(
            '0 loop+\n0 spawn task=1 kind=task site=on_read\n'
            '0 spawn task=2 kind=task site=render\n'
            '1 resume task=1 kind=task site=on_read\n1 await task=1 for=2\n'
            '1 resume task=2 kind=task site=render\n2 await task=2 for=1\n'
            '3 poll\n9 wake\n10 loop-'))
        self.assertEqual(sum(s['duration_ns'] for s in told['steps']), 10 * MS)

    def exchanges(self, n):
        """Two tasks that wake each other and wait for each other, n times."""
        yield ('0 loop+\n0 spawn task=1 kind=task site=render from=main\n'
               '0 resume task=1 kind=task site=render\n'
               '0 spawn task=2 kind=task site=on_read from=render')
        for i in range(n):
            for k, (one, other) in enumerate(((1, 2), (2, 1))):
                site = ('on_read', 'render')[k]
                at = i + k / 2
                yield (f'{at + .1} ready task={other} from={one}\n'
                       f'{at + .2} await task={one}\n'
                       f'{at + .3} resume task={other} kind=task site={site}')
        yield f'{n} loop-'

    @needs('valgrind')
    def test_a_path_costs_no_more_a_step_where_it_is_long(self):
        counts = []
        for n in (1000, 4000):
            (self.dir / 'x.lt').write_bytes(trace('\n'.join(self.exchanges(n))))
            out = self.dir / 'callgrind'
            result = self.run_command(
                'valgrind', '--tool=callgrind', f'--callgrind-out-file={out}',
                LOOPTRACE, 'report', '--task', '1', 'x.lt', seconds=300)
            self.assertEqual(result.returncode, 0, result)
            counts.append(next(int(line.split()[1])
                               for line in out.read_text().splitlines()
                               if line.startswith(('summary:', 'totals:'))))
        self.assertLess(counts[1], 5 * counts[0])

    def test_damaged_and_hostile_traces(self):
        data = trace(JOURNEY)
        for cut in range(0, len(data), 97):
            self.assert_alive(self.report('--task', '1', data=data[:cut]),
                              (0, 2, 3))
        for form in ('text', 'json'):
            result = self.report('--task', '1', '--format', form,
                                 data=fixture(JOURNEY))
            self.assertEqual(result.returncode, 0)
            assert_inert(self, result.stdout)


if __name__ == '__main__':
    unittest.main()
