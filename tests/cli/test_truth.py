"""Traces whose every number is known by construction, and what is said of them.

Each script says beside its lines what follows from them; check and report must
give exactly that, in nanoseconds.  The critical path has its own script, in
test_report_task.py.
"""
import json
import unittest

from looptrace import Case
from trace_text import trace

MS = 10**6

# on_read (1) holds the loop from 100 to 300: 150 ms of sleeping, 50 of computing.
# Behind it wait: render (9), ready at 170; on_tick (2), due at 150; a job (3), done
# at 130; a timer (4), due at 50 already; a callback (5) of the same turn.
HELD = """
0    loop+
0    usage cpu=0
0    spawn task=9 kind=task site=render from=main
0    spawn task=2 kind=timer site=on_tick from=main
0    arm task=2 kind=timer site=on_tick ms=150
0    spawn task=3 kind=work site=on_other from=main
0    spawn task=4 kind=timer site=on_other from=main
0    arm task=4 kind=timer site=on_other ms=50
1    poll                                       # the 1st turn took 1 ms
10   pool+ task=3 kind=work site=on_other thread=1  # queued for 10 ms
100  wake n=1                                   # 99 ms in the poll
100  usage cpu=1
100  resume task=1 kind=read site=on_read
130  pool- task=3 thread=1                      # worked on for 120 ms
170  ready task=9 cause=1 from=1
250  call callee=uv_sleep ms=150 site=on_read
300  await task=1
300  usage cpu=51
301  resume task=5 kind=write site=on_other
301  done task=5
302  poll timeout=0                             # the 2nd took 202 ms
303  wake
310  resume task=4 kind=timer site=on_other     # 260 ms late
310  await task=4
310  resume task=2 kind=timer site=on_tick      # 160 ms late
310  await task=2
311  resume task=3 kind=work site=on_other      # 181 ms after it was done
311  done task=3
312  resume task=9 kind=task site=render
312  await task=9
313  poll                                       # the 3rd took 10 ms
700  wake
701  loop-                                      # 1 ms more
"""

# Three jobs on two workers. The third waits for one of them.
POOL = """
0    loop+
0    spawn task=1 kind=work site=on_read from=main
0    spawn task=2 kind=work site=on_read from=main
0    spawn task=3 kind=fs site=render from=main
1    poll
2    pool+ task=1 kind=work site=on_read thread=1  # queued 2
4    pool+ task=2 kind=work site=on_read thread=2  # queued 4
52   pool- task=1 thread=1                         # 50 of work
52   pool+ task=3 kind=fs site=render thread=1     # queued 52
64   pool- task=2 thread=2                         # 60 of work
72   pool- task=3 thread=1                         # 20 of work
73   wake n=1
73   resume task=1 kind=work site=on_read          # 21 after it was done
73   done task=1
73   resume task=2 kind=work site=on_read          # 9
73   done task=2
74   resume task=3 kind=fs site=render             # 2
74   done task=3
75   loop-
"""

# main's task (1) awaits render (2), which awaits on_other (3), which blocks.
AWAITS = """
0    loop+
0    usage
0    spawn task=1 kind=task site=main from=main
0    resume task=1 kind=task site=main
1    spawn task=2 kind=task site=render from=main
1    label task=2 text=export
2    await-at task=1 site=on_read
2    await task=1 for=2
2    resume task=2 kind=task site=render
3    spawn task=3 kind=task site=on_other from=render
4    await-at task=2 site=on_tick
4    await task=2 for=3
4    resume task=3 kind=task site=on_other
204  call callee=fsync ms=200 site=on_other on=6
204  done task=3
204  usage
205  resume task=2 kind=task site=render
206  done task=2
206  resume task=1 kind=task site=main
207  spawn task=4 kind=task site=on_tick from=main
207  await task=1
207  poll
210  wake n=1
210  usage
210  resume task=4 kind=task site=on_tick
410  call callee=fsync ms=200 site=on_tick on=6
410  await task=4
410  usage
411  loop-
"""


class Truth(Case):
    def told(self, command, text, *options):
        (self.dir / 'x.lt').write_bytes(trace(text))
        result = self.looptrace(command, '--format', 'json', *options, 'x.lt')
        self.assertIn(result.returncode, (0, 1), result)
        return json.loads(result.stdout)

    def stalls_of(self, text):
        found = self.told('check', text)['findings']
        return sorted((f for f in found if f['rule'] == 'stall'),
                      key=lambda f: f['start_ns'])

    def test_a_stall_its_cause_and_its_victims(self):
        finding, = self.stalls_of(HELD)
        self.assertEqual(
            {key: finding[key] for key in ('rule', 'level', 'loop', 'turn',
                                           'start_ns', 'duration_ns', 'task',
                                           'calls_ns', 'calls_count')},
            {'rule': 'stall', 'level': 'error', 'loop': 'main', 'turn': 2,
             'start_ns': 100 * MS, 'duration_ns': 200 * MS, 'task': 1,
             'calls_ns': 150 * MS, 'calls_count': 1})
        self.assertEqual(finding['attributable_ns'], 200 * MS)
        self.assertEqual((finding['cause']['cpu_ns'],
                          finding['cause']['blocked_ns']),
                         (50 * MS, 150 * MS))
        call, = finding['calls']
        self.assertEqual((call['callee'], call['start_ns'], call['duration_ns']),
                         ('uv_sleep', 100 * MS, 150 * MS))
        cost = finding['cost']
        self.assertEqual(
            [(v['task'], v['kind'], v['since_ns'] // MS, v['delay_ns'] // MS)
             for v in cost['victims']],
            [(5, 'write', 100, 200), (4, 'timer', 50, 200),
             (3, 'work', 130, 170), (2, 'timer', 150, 150),
             (9, 'task', 170, 130)])
        self.assertEqual(cost['blame_ns'], 850 * MS)
        self.assertEqual(cost['blame_ns'],
                         sum(v['delay_ns'] for v in cost['victims']))
        self.assertEqual((cost['victims_count'], cost['waited'],
                          cost['timers_late'], cost['worst_late_ns']),
                         (5, 1, 1, 160 * MS))  # of those due in it

    def test_turns_lag_and_utilisation(self):
        told = self.told('report', HELD)
        loop, = told['loops']
        # Turns of 1, 202, 10 and 1 ms; polls of 99, 1 and 387 ms.
        self.assertEqual((loop['turns'], loop['busy_ns'], loop['poll_ns']),
                         (4, 214 * MS, 487 * MS))
        self.assertEqual(loop['turn']['max_ns'], 202 * MS)
        self.assertAlmostEqual(loop['busy_share'], 214 / 701, places=3)
        self.assertEqual((loop['timers_late'], loop['worst_late_ns']),
                         (2, 260 * MS))
        self.assertEqual({c['site']['function']: c['total_ns']
                          for c in told['callbacks']
                          if c['total_ns']}, {'on_read': 200 * MS})

    def test_queue_service_and_saturation_of_the_pool(self):
        pool = self.told('report', POOL)['pool']
        self.assertEqual((pool['jobs'], pool['workers'], pool['peak']),
                         (3, 2, 2))
        self.assertEqual([pool[part]['max_ns'] // MS
                          for part in ('queue', 'service', 'result')],
                         [52, 60, 21])
        # One ran 2-72; both workers had one 4-64.
        self.assertEqual((pool['busy_ns'], pool['saturated_ns']),
                         (70 * MS, 60 * MS))

    def test_the_chain_of_tasks_with_where_each_is_awaited(self):
        first, second = self.stalls_of(AWAITS)

        def steps(finding):
            name = lambda site: site and site['function']
            return [(a['task'], name(a['site']), name(a['spawn_site']),
                     a['awaited_by'], name(a['await_site']))
                    for a in finding['ancestry']]
        self.assertEqual(steps(first), [
            (3, 'on_other', 'render', 2, 'on_tick'),
            (2, 'render', 'main', 1, 'on_read'),
            (1, 'main', 'main', 0, None)])
        # Nobody awaits the fourth.
        self.assertEqual(steps(second), [(4, 'on_tick', 'main', 0, None),
                                         (1, 'main', 'main', 0, None)])

    def test_text_sarif_and_flame_graphs_tell_where_it_is_awaited(self):
        (self.dir / 'x.lt').write_bytes(trace(AWAITS))
        told = self.looptrace('check', 'x.lt').stdout.decode()
        self.assertIn(
            'path: main -> #1 task main from main (shop.c:80), which waits for'
            ' -> #2 task "export" render from main (shop.c:80), awaited at '
            'on_read (shop.c:31), which waits for -> #3 task on_other from '
            'render (shop.c:47), awaited at on_tick (shop.c:12)\n', told)
        sarif = json.loads(self.looptrace('check', '--format', 'sarif',
                                          'x.lt').stdout)
        flow = sarif['runs'][0]['results'][0]['codeFlows'][0]
        self.assertEqual(
            [(l['location']['message']['text'],
              l['location']['physicalLocation']['region']['startLine'])
             for l in flow['threadFlows'][0]['locations']],
            [('#1 task', 80), ('#2 task export', 80), ('#1 awaits #2', 31),
             ('#3 task', 47), ('#2 awaits #3', 12)])
        folded = self.looptrace('export', '-f', 'folded', 'x.lt').stdout
        self.assertEqual(folded.decode(),
                         'main;task main;(await) on_read (shop.c:31);export;'
                         '(await) on_tick (shop.c:12);on_other;fsync 200000\n'
                         'main;task main;on_tick;fsync 200000\n')


if __name__ == '__main__':
    unittest.main()
