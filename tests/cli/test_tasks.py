"""looptrace tasks: what is alive, in a trace and in a program that runs."""
import json
import os
import re
import signal
import socket
import subprocess
import time
import unittest

import hostile
from looptrace import LOOPTRACE, SAMPLES, Case
from trace_text import trace

ALIVE = '''
0    loop+
1    spawn task=1 kind=task site=main from=main
2    resume task=1 kind=task site=main
3    spawn task=2 kind=task site=render from=on_tick
3    label task=2 text=painter
4    spawn task=3 kind=task site=on_read from=on_tick
5    await task=1 why=5 for=2
6    resume task=2 kind=task site=render
7    arm task=2 kind=task site=render ms=500
8    await task=2 why=2
9    resume task=3 kind=task site=on_read
10   spawn task=4 kind=fs site=on_other from=on_read
11   await task=3 why=11 for=4
12   spawn task=5 kind=task site=on_other
13   spawn task=6 kind=task site=on_other
14   resume task=6 kind=task site=on_other
15   done task=6
20   resume task=3 kind=task site=on_read
21   done task=3
100  poll
'''


class OfAFile(Case):
    def tasks(self, text, *options, code=0, **how):
        (self.dir / 'x.lt').write_bytes(trace(text, **how))
        result = self.looptrace('tasks', *options, 'x.lt')
        self.assertEqual(result.returncode, code, result)
        return result.stdout.decode()

    def test_the_tree_says_who_waits_for_what_and_since_when(self):
        told = self.tasks(ALIVE)
        self.assertEqual(told, '''\
shop, pid 4711, at 0.100 s: exited with status 0
#1 task main gathers #2 task "painter", for 95 ms
    spawned at 0.001 s by main (shop.c:80)
  #2 task "painter" sleeps, for 92 ms, 407 ms to go
      spawned at 0.003 s by on_tick (shop.c:12)
  #4 fs on_other is in the pool, or queued, for 90 ms
      spawned at 0.010 s by on_read (shop.c:31)
#5 task on_other has not begun, for 88 ms
    spawned at 0.012 s
4 alive
''')
        self.assertNotIn('fs', self.tasks(ALIVE, '-c'))

    def test_json_has_the_same(self):
        told = json.loads(self.tasks(ALIVE, '--json'))
        self.assertEqual(told['schema'], 'looptrace.tasks/1')
        tasks = {task['id']: task for task in told['tasks']}
        self.assertEqual(sorted(tasks), [1, 2, 4, 5])
        self.assertEqual((tasks[1]['awaits'], tasks[2]['parent'],
                          tasks[2]['name'], tasks[2]['waits']),
                         (2, 1, 'painter', 'sleeps'))
        self.assertEqual(tasks[2]['due_ns'], 507_000_000)

    def test_nothing_alive_and_a_trace_that_was_cut_are_said(self):
        self.assertIn('no task is alive', self.tasks('0 loop+\n1 loop-\n'))
        (self.dir / 'cut.lt').write_bytes(trace(ALIVE)[:-70])
        result = self.looptrace('tasks', 'cut.lt')
        self.assertEqual(result.returncode, 0, result)
        self.assertIn(b'without an end mark', result.stdout)

    def test_a_timer_is_ready_once_its_time_came_and_idle_when_not_started(self):
        text = """
0    loop+
1    spawn task=1 kind=timer site=on_tick
1    arm task=1 kind=timer ms=100
1    spawn task=2 kind=timer site=render
1    arm task=2 kind=timer ms=500
1    spawn task=3 kind=timer site=on_read
1    arm task=3 kind=timer ms=10
11   resume task=3 kind=timer site=on_read
12   await task=3
20   resume task=4 kind=read site=on_other
400  usage
"""
        told = self.tasks(text)
        self.assertEqual(re.findall(r'^#\d.*', told, re.M), [
            '#1 timer on_tick is ready, for 299 ms',
            '#2 timer render sleeps, for 399 ms, 101 ms to go',
            '#3 timer on_read is idle, for 388 ms',
            '#4 read on_other runs, for 380 ms'])
        self.assertIn('\n4 alive, 1 of them idle: timers that are not started\n',
                      told)
        told = json.loads(self.tasks(text, '--json'))['tasks']
        self.assertEqual([task['state'] for task in told],
                         ['is ready', 'sleeps', 'is idle', 'runs'])

    def test_losses_are_said(self):
        self.assertIn('3 events were lost',
                      self.tasks(ALIVE + '101 lost n=3 cause=1 ms=1\n'))

    def test_hostile_names_come_out_inert(self):
        (self.dir / 'x.lt').write_bytes(hostile.fixture(ALIVE))
        for options in ((), ('--json',)):
            result = self.looptrace('tasks', *options, 'x.lt')
            self.assertEqual(result.returncode, 0, result)
            hostile.assert_inert(self, result.stdout)

    def test_mistakes_are_explained(self):
        for words, code, said in (
                ((), 2, b'one program or trace at a time'),
                (('a', 'b'), 2, b'one program or trace at a time'),
                (('--dump', 'x.lt'), 2, b'x.lt is no PID'),
                (('--what', 'x.lt'), 2, b'--help'),
                (('none.lt',), 3, b'none.lt: there is no such file'),
                (('2147483647',), 3, b'process 2147483647 does not exist'),
                ((str(os.getpid()),), 3, b'is not being recorded'),
                (('--dump', str(os.getpid())), 3,
                 b'does not catch SIGQUIT')):
            result = self.looptrace('tasks', *words)
            self.assertEqual(result.returncode, code, result)
            self.assertIn(said, result.stderr)


class OfAProgram(Case):
    """A chat server that is being recorded, with three silent clients."""

    def setUp(self):
        super().setUp()
        self.recorder = subprocess.Popen(
            [LOOPTRACE, 'record', '-o', self.dir / 'chat.lt', '--', 'sh', '-c',
             f'echo $$; exec {SAMPLES}/chat --serve'],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self.addCleanup(self.end)
        self.pid = int(self.recorder.stdout.readline())
        port = int(self.recorder.stdout.readline().split()[1])
        self.clients = [socket.create_connection(('127.0.0.1', port))
                        for _ in range(3)]
        for client in self.clients:
            self.addCleanup(client.close)

    def end(self):
        if self.recorder.poll() is None:
            self.recorder.kill()  # the server ends with its standard input
            os.kill(self.pid, signal.SIGKILL)
        self.recorder.communicate()

    def until(self, seconds, ask):
        """What ask() gives as soon as that is true."""
        end = time.monotonic() + seconds
        while not (told := ask()) and time.monotonic() < end:
            time.sleep(0.05)
        self.assertTrue(told)
        return told

    def test_what_waits_waits_until_now(self):
        """Nothing is written of a program that does nothing."""
        def now():
            told = json.loads(self.looptrace('tasks', '--json', self.pid).stdout)
            return told['now_ns']
        self.until(20, self.clients_seen)
        first, after = now(), time.monotonic_ns()
        told = self.until(20, lambda: re.search(
            r'it runs; nothing was recorded of it for (\d\S*) s\n',
            self.looptrace('tasks', self.pid).stdout.decode()))
        self.assertGreaterEqual(float(told.group(1)), 1)
        before = time.monotonic_ns()
        self.assertGreaterEqual(now() - first, before - after)

    def test_it_is_shown_as_of_the_last_that_was_written(self):
        """What came since then is not known, nor how long it waits for that."""
        self.until(20, self.clients_seen)
        client = socket.create_connection(
            ('127.0.0.1', self.clients[0].getpeername()[1]))
        self.addCleanup(client.close)

        def fresh():
            client.send(b'x\n')
            told = json.loads(self.looptrace('tasks', '--json', self.pid).stdout)
            return told if told['age_ns'] else None
        told = self.until(20, fresh)
        self.assertLess(told['age_ns'], 1_000_000_000)
        self.assertLessEqual(max(t['since_ns'] for t in told['tasks']),
                             told['now_ns'])
        self.until(20, lambda: client.send(b'x\n') and re.search(
            r'it runs; as of \d\S* ms ago\n',
            self.looptrace('tasks', self.pid).stdout.decode()))

    def clients_seen(self):
        result = self.looptrace('tasks', '--json', self.pid)
        if result.returncode != 0:
            return None
        tasks = json.loads(result.stdout)['tasks']
        found = [task for task in tasks if task['name'] == 'client' and
                 task['waits'] == 'reads a stream']
        return tasks if len(found) == 3 else None

    def test_it_is_looked_at_while_it_runs(self):
        tasks = self.until(30, self.clients_seen)
        server, = [task for task in tasks if task['name'] == 'server']
        self.assertEqual(server['waits'], 'accepts connections')
        self.assertEqual({task['parent'] for task in tasks
                          if task['name'] == 'client'}, {server['id']})
        result = self.looptrace('tasks', self.pid)
        self.assertIn(b': it runs', result.stdout)
        self.assertIn(b'task "client" reads a stream, for ', result.stdout)
        os.kill(self.pid, signal.SIGINT)
        _, said = self.recorder.communicate(timeout=60)
        self.assertEqual(self.recorder.returncode, 0, said)

    def test_it_prints_its_own_tree_when_asked(self):
        self.until(30, self.clients_seen)
        result = self.looptrace('tasks', '--dump', self.pid)
        self.assertEqual(result.returncode, 0, result)
        said = b''
        while said.count(b'spawned at') < 5:  # main, the server, three clients
            line = self.recorder.stderr.readline()
            self.assertTrue(line, said)
            said += line
        os.kill(self.pid, signal.SIGINT)
        self.recorder.communicate(timeout=60)
        self.assertEqual(self.recorder.returncode, 0)
        self.assertRegex(said, rb'server accepts connections, for \d+ ms\n'
                               rb'( +at .*\n)+ +spawned at ')
        self.assertEqual(said.count(b'client reads a stream'), 3)

    def test_a_trace_ends_with_what_was_alive(self):
        self.until(30, self.clients_seen)
        os.kill(self.pid, signal.SIGKILL)
        self.recorder.communicate(timeout=60)
        result = self.looptrace('tasks', self.dir / 'chat.lt')
        self.assertIn(b'killed by signal 9', result.stdout)
        self.assertEqual(result.stdout.count(b'"client" reads a stream'), 3)


if __name__ == '__main__':
    unittest.main()
