"""looptrace check, over traces whose every number is stated in text."""
import json
import re
import subprocess
import unittest
import zlib

import lt_decode as d
import lt_encode as enc
from golden import compare
from looptrace import Case, needs
from trace_text import CALLEES, CLEAN, SHOP, SITES, trace

SOURCE = """\
static void render(struct job *job) {
	uv_sleep(400);
}
"""

EVIL = '\x1b]0;owned\x07\x1b[2J\u202ereversed\n\r\x9b31m"<b>&\\'


class Check(Case):
    def write(self, text, name='x.lt', **options):
        (self.dir / name).write_bytes(trace(text, **options))
        return name

    def check_code(self, code, *arguments, **options):
        result = self.looptrace('check', *arguments, **options)
        self.assertEqual(result.returncode, code,
                         (result.stdout + result.stderr).decode())
        return result

    def last_line(self, result):
        return result.stdout.decode().splitlines()[-1]


class Text(Check):
    def test_findings_are_told_with_place_cause_cost_path_and_help(self):
        self.write(SHOP)
        result = self.check_code(1, 'x.lt')
        compare(self, 'check-shop.txt', result.stdout)
        self.assertEqual(result.stderr, b'')

    def test_the_source_line_is_shown_where_the_file_is_there(self):
        (self.dir / 'shop.c').write_text(SOURCE)
        sites = dict(SITES, render=(f'{self.dir}/shop.c', 2))
        self.write(SHOP, sites=sites)
        text = self.check_code(1, 'x.lt').stdout.decode()
        self.assertIn('--> shop.c:2 in render\n', text)
        self.assertIn('    2 |  uv_sleep(400);\n', text)
        self.assertRegex(text, r'\| +\^{14} 400 ms of it in `uv_sleep`\n')

    def test_a_source_line_is_shown_as_it_stands(self):
        (self.dir / 'shop.c').write_text('x\n  printf("%d\\n", 1); /*\x1b[1m*/\n')
        self.write(SHOP, sites=dict(SITES, render=(f'{self.dir}/shop.c', 2)))
        told = self.check_code(1, 'x.lt').stdout.decode()
        seen = self.looptrace('view', '--dump-screen', '--size=150x40',
                              '--keys', '<Enter>', 'x.lt').stdout.decode()
        for text in told, seen:
            self.assertIn('  printf("%d\\n", 1); /*\\x1b[1m*/', text)

    def test_what_a_call_computes_is_told_as_its(self):
        self.write("""
0     loop+
0     usage
1     poll
100   wake n=1
100   usage
100   resume task=1 kind=read site=on_read
300   call callee=write ms=195 on=6 site=on_read
300   await task=1
300   usage cpu=175 vsw=1
301   poll
302   wake
303   loop-
""")
        text = self.check_code(1, 'x.lt').stdout.decode()
        self.assertIn('= cause: computation 175 ms (88 %; at least 170 ms of it '
                      'in `write`), blocked in `write` 25 ms (12 %)\n', text)
        found, = json.loads(self.check_code(1, '--format=json', 'x.lt')
                            .stdout)['findings']
        self.assertEqual(found['callee_cpu_at_least_ns'], 170 * 10**6)
        seen = self.looptrace('view', '--dump-screen', '--size=100x30',
                              '--keys', '<Enter>', 'x.lt').stdout.decode()
        self.assertRegex(seen, r'computing in write +175ms +88%')

    def test_a_stop_in_the_poll_is_told_as_in_the_report(self):
        self.write("""
0     loop+
0     usage
0     spawn task=1 kind=timer site=on_tick from=main
0     arm task=1 kind=timer site=on_tick ms=20
1     poll timeout=19
15    sample state=T
715   sample state=C
715   wake
715   usage vsw=1
715   resume task=1 kind=timer site=on_tick
716   await task=1
720   loop-
""")
        said = ('`main` was stopped by a signal for 700 ms, from 0.015 s on: '
                'neither that nor a timer that is late for it counts\n')
        text = self.check_code(0, '--max-timer-late=50ms', 'x.lt').stdout.decode()
        self.assertIn('note: ' + said, text)
        self.assertRegex(text, r'ok +`main`  timer\.late <= 50ms: 0 ns\n')
        report = self.looptrace('report', 'x.lt').stdout.decode()
        self.assertIn('  ' + said, report)
        self.assertNotIn('+70', report)
        markdown = self.check_code(0, '--format=markdown', 'x.lt').stdout
        self.assertIn(b'was stopped by a signal for 700 ms', markdown)
        loop = json.loads(self.check_code(0, '--format=json', 'x.lt')
                          .stdout)['traces'][0]['loops'][0]
        self.assertEqual((loop['stops'], loop['longest_stop_ns'],
                          loop['timers_late']), (1, 700000000, 0))

    def test_calls_of_a_ninth_function_are_told_in_one_sum(self):
        for n in (8, 9):
            calls = ''.join(f'{20 + 30 * i} call callee={name} ms={10 + i}\n'
                            for i, name in enumerate(sorted(CALLEES)[:n]))
            self.write(f"""
0     loop+
0     usage
10    resume task=1 kind=timer site=on_tick
{calls}
310   await task=1
310   usage vsw=9
310   loop-""")
            result = self.check_code(1, '--format', 'text', '--format',
                                     'json:x.json', 'x.lt')
            text = result.stdout.decode()
            stall, = json.loads((self.dir / 'x.json').read_text())['findings']
            (self.dir / 'x.json').unlink()
            if n == 8:
                self.assertNotIn('further functions', text)
                self.assertNotIn('calls_others', stall)
                continue
            self.assertRegex(text, r'and 5 shorter ones; 126 ms in all of them, '
                                   r'10(\.0)? ms of that in 1 of further functions\n')
            self.assertEqual(stall['calls_others'],
                             {'count': 1, 'ns': 10 * 10**6})

    def test_no_trace_makes_it_read_what_is_no_source(self):
        (self.dir / 'secret').write_text('a\nhunter2\n')
        (self.dir / 'link.c').mkdir()
        for name in ('secret', 'link.c', '../../../etc/passwd'):
            sites = dict(SITES, render=(f'{self.dir}/{name}', 2))
            self.write(SHOP, sites=sites)
            text = self.check_code(1, 'x.lt').stdout.decode()
            self.assertNotIn('hunter2', text)
            self.assertNotIn('2 |', text)

    def test_a_pass_is_one_look(self):
        self.write(CLEAN)
        result = self.check_code(0, 'x.lt')
        compare(self, 'check-clean.txt', result.stdout)

    def test_more_than_ten_places_become_a_table(self):
        sites = {f'place_{i:02}': ('/src/many.c', i) for i in range(1, 41)}
        lines = ['0 loop+', '1 poll']
        for i in range(1, 41):
            at = i * 1000
            lines += [f'{at} wake', f'{at} usage cpu={at}',
                      f'{at} resume task={i} kind=timer site=place_{i:02}',
                      f'{at + 100 + i} await task={i}',
                      f'{at + 100 + i} usage cpu={at + 100 + i}',
                      f'{at + 100 + i} poll']
        self.write('\n'.join(lines + ['50000 wake', '50000 loop-']), sites=sites)
        result = self.check_code(1, 'x.lt')
        compare(self, 'check-many.txt', result.stdout)
        told = self.check_code(1, '-v', 'x.lt').stdout.decode()
        self.assertEqual(told.count('error[stall]: '), 40)
        self.assertEqual(told.count('; why: looptrace explain stall'), 1)
        self.assertNotIn('more:', told)

    def test_what_is_counted_is_what_is_told(self):
        # on_tick: an error, a warning; on_read: two warnings; render: a note.
        lines, cpu, late = ['0 loop+', '1 poll'], 0, 0
        for i, (site, ms, busy) in enumerate((
                ('on_tick', 300, 300), ('on_tick', 70, 70), ('on_read', 60, 60),
                ('on_read', 60, 60), ('render', 200, 10))):
            at = (i + 1) * 1000
            lines += [f'{at} wake', f'{at} usage cpu={cpu} delay={late}',
                      f'{at} resume task={i + 1} kind=timer site={site}']
            cpu, late = cpu + busy, late + ms - busy
            lines += [f'{at + ms} await task={i + 1}',
                      f'{at + ms} usage cpu={cpu} delay={late}',
                      f'{at + ms} poll']
        self.write('\n'.join(lines + ['9000 wake', '9000 loop-']))
        text = self.check_code(1, 'x.lt').stdout.decode()
        self.assertIn('  1 error, 1 warning, 1 note\n', text)
        told = json.loads(self.looptrace('check', '--format', 'json',
                                         'x.lt').stdout)
        one = told['traces'][0]
        for level in ('error', 'warning', 'note'):
            n = len(re.findall(rf'^{level}\[', text, re.M))
            self.assertEqual(one[level + 's'], n, level)
            self.assertEqual(sum(f['level'] == level
                                 for f in told['findings']), n, level)
        self.assertEqual([f['count'] for f in told['findings']], [2, 2, 1])

    def test_stalls_of_one_place_are_told_once(self):
        lines = ['0 loop+', '1 poll']
        for i in range(1, 13):
            at = i * 1000
            lines += [f'{at} wake', f'{at} usage cpu={at}',
                      f'{at} resume task=1 kind=timer site=on_tick',
                      f'{at + 100 + i} await task=1',
                      f'{at + 100 + i} usage cpu={at + 100 + i}',
                      f'{at + 100 + i} poll']
        self.write('\n'.join(lines + ['20000 wake', '20000 loop-']))
        text = self.check_code(1, 'x.lt').stdout.decode()
        self.assertEqual(text.count('error[stall]'), 1)
        self.assertIn('seen: 12 times in this trace (101 ms, 102 ms, ', text)
        self.assertIn('blocked for 112 ms', text)

    def test_a_task_is_told_what_tasks_have_for_it(self):
        for callee, advice in (('uv_sleep', 'wait; in a task lt_sleep\n'),
                               ('fsync', 'fsync; in a task lt_to_thread\n')):
            self.write(f'''
                0    loop+
                0    poll
                1000 wake
                1000 resume task=1 kind=task site=on_tick
                2000 call callee={callee} ms=990 site=on_tick
                2000 await task=1
                2000 poll
                2100 loop-''')
            self.assertIn(advice, self.check_code(1, 'x.lt').stdout.decode())

    def test_it_is_said_how_an_interpreters_names_are_had(self):
        """Where its own frame is what there is, and for the first finding."""
        for program, frame, said in (
                ('/opt/node/bin/node', 'Builtins_InterpreterEntryTrampoline',
                 ['--perf-basic-prof']),
                ('/opt/node/bin/node', 'onRequest', []),
                ('/usr/bin/python3.11', '_PyEval_EvalFrameDefault',
                 ['PYTHONASYNCIODEBUG=1']),
                ('/usr/bin/shop', '_PyEval_EvalFrameDefault', [])):
            w = enc.Writer()
            w.generation([
                enc.process(7, 'x'), enc.clock(0, 0), enc.thread(0, 7, 1, 'x'),
                enc.string(1, frame), enc.module(1, 0x1000, 0x9000, program),
                enc.site(1, 0x1100, 1, 0x100, 1), enc.stack(1, 1)])
            events, ms = [(0, d.LOOP_BEGIN, 0, 1, 3, 0)], 1000000
            for begin in 10, 1010:
                events += [(begin * ms, d.POLL_END, 0, 0, 1, 0),
                           ((begin + 60) * ms, d.SAMPLE, 0, ord('R'), 0, 1),
                           ((begin + 400) * ms, d.POLL_BEGIN, 0, 0, 1, 0)]
                events[-3:-3] = [((begin - 9) * ms, d.USAGE, 0, 0, begin * ms, 1),
                                 ((begin - 9) * ms, d.POLL_BEGIN, 0, 0, 1, 0)]
            w.events(0, events + [(2000 * ms, d.LOOP_END, 0, 1, 0, 0)])
            w.epoch(2000 * ms)
            w.end()
            (self.dir / 'x.lt').write_bytes(w.data())
            with self.subTest(program=program, frame=frame):
                text = self.looptrace('check', 'x.lt').stdout.decode()
                self.assertIn('error[stall]', text)
                self.assertEqual(text.count('= note: names of '), len(said))
                for words in said:
                    self.assertIn(words, text)

    def test_the_advice_is_in_the_programs_language(self):
        for module, callee, advice in (
                ('/usr/bin/python3.11', 'uv_sleep', 'await asyncio.sleep'),
                ('/v/uvloop/loop.cpython-311.so', 'fsync', 'asyncio.to_thread'),
                ('/opt/node/bin/node', 'uv_sleep', 'setTimeout'),
                ('/opt/node/bin/node', 'fsync', 'fs.promises'),
                ('/opt/node/bin/node', 'epoll_wait', 'child_process.spawn'),
                ('/usr/bin/python3.11', 'epoll_pwait', 'asyncio.to_thread'),
                ('/usr/bin/nvim', 'getaddrinfo', 'vim.uv.getaddrinfo'),
                ('/usr/lib/lua/5.1/luv.so', 'fsync', 'call of luv'),
                ('/v/gevent/libev/corecext.cpython-311-x86_64-linux-gnu.so',
                 'uv_sleep', 'gevent.sleep'),
                ('/var/lib/gems/3.1.0/rubyeventmachine.so', 'fsync', 'EM.defer'),
                ('/usr/lib/perl5/auto/EV/EV.so', 'uv_sleep', 'EV::timer'),
                # These are C, whatever they are called.
                ('/usr/bin/node_exporter', 'uv_sleep', 'uv_timer_start'),
                ('/usr/bin/pythonic', 'uv_sleep', 'uv_timer_start'),
                ('/usr/lib/libpython3.11.so.1.0', 'fsync', 'uv_fs_fsync'),
                ('/opt/uvloop/shop', 'fsync', 'uv_fs_fsync')):
            self.write(f'''
                0    loop+
                0    poll
                1000 wake
                1000 resume task=1 kind=timer site=on_tick
                2000 call callee={callee} ms=990 site=on_tick
                2000 await task=1
                2000 poll
                2100 loop-''', module=module)
            with self.subTest(module=module, callee=callee):
                text = self.check_code(1, 'x.lt').stdout.decode()
                help_line, = re.findall(r'= help: use (.*)', text)
                self.assertIn(advice, help_line)
                told = json.loads(self.check_code(1, '--format', 'json',
                                                  'x.lt').stdout)
                self.assertEqual(told['findings'][0]['advice'], help_line)

    def test_what_computes_is_told_so_in_its_language(self):
        for module, advice in (
                ('/usr/bin/python3', 'await asyncio.sleep(0) between'),
                ('/usr/bin/node', 'setImmediate between'),
                ('/usr/bin/nvim', 'vim.schedule between'),
                ('/usr/bin/shop', 'in the thread pool: uv_queue_work')):
            self.write('''
                0    loop+
                0    poll
                1000 wake
                1000 usage cpu=0
                1000 resume task=1 kind=timer site=on_tick
                2000 await task=1
                2000 usage cpu=1000
                2000 poll
                2100 loop-''', module=module)
            with self.subTest(module=module):
                self.assertIn(advice,
                              self.check_code(1, 'x.lt').stdout.decode())

    def test_a_turn_of_many_callbacks_is_told_so_in_its_language(self):
        for module, advice in (('/usr/bin/python3', 'asyncio.sleep(0)'),
                               ('/usr/bin/shop', 'do less in one turn')):
            lines = ['0 loop+', '0 poll', '1000 wake', '1000 usage cpu=0']
            for i in range(6):
                at = 1000 + 30 * i
                lines += [f'{at} resume task={i + 1} kind=timer site=on_tick',
                          f'{at + 30} await task={i + 1}']
            lines += ['1180 usage cpu=180', '1180 poll', '1300 loop-']
            self.write('\n'.join(lines), module=module)
            with self.subTest(module=module):
                told = self.check_code(1, 'x.lt').stdout.decode()
                self.assertIn('error[long-turn]', told)
                self.assertIn(advice, told)

    def test_the_advice_is_for_the_programs_own_part(self):
        for own, call, advice in (
                (290, '', 'do it in pieces, one a turn'),
                (0, '', 'no blocking call was seen in it'),
                (0, '1100 call callee=fsync ms=20 site=on_tick',
                 'its calls are not most of it')):
            self.write(f'''
                0    loop+
                0    poll
                1000 wake
                1000 usage cpu=0 delay=0
                1000 resume task=1 kind=timer site=on_tick
                {call}
                2000 await task=1
                2000 usage cpu={own} delay=600 faults=9
                2000 poll
                2100 loop-''')
            told = self.check_code(1, 'x.lt').stdout.decode()
            self.assertIn(advice, told)

    def test_quiet_says_the_verdict_only_and_only_when_it_is_no_pass(self):
        self.write(SHOP, 'bad.lt')
        self.write(CLEAN, 'good.lt')
        self.assertEqual(self.check_code(0, '-q', 'good.lt').stdout, b'')
        told = self.check_code(1, '-q', 'bad.lt').stdout.decode()
        self.assertRegex(told, r'\AFAIL  longest stall 412 ms .*\n\Z')

    def test_colour_is_there_when_asked_and_not_in_a_pipe(self):
        self.write(SHOP)
        self.assertNotIn(b'\x1b', self.check_code(1, 'x.lt').stdout)
        told = self.check_code(1, '--color=always', 'x.lt').stdout
        self.assertIn(b'\x1b[1;31merror[stall]\x1b[0m', told)

    def test_nothing_in_a_trace_reaches_the_terminal_raw(self):
        sites = {name: (where and (EVIL + where[0], where[1]))
                 for name, where in SITES.items()}
        sites['render'] = (EVIL, 3)
        data = trace(SHOP, sites=sites, comm=EVIL[:12], names=(EVIL, EVIL))
        path = self.dir / 'evil\x1b[31m\n.lt'
        path.write_bytes(data)
        for command in (['check'], ['report'], ['info'], ['info', '-v'],
                        ['check', '--format', 'json'], ['info', '--json'],
                        ['report', '--format', 'json']):
            result = self.looptrace(*command, path)
            self.assertIn(result.returncode, (0, 1), result)
            for byte in result.stdout + result.stderr:
                self.assertTrue(byte == 10 or byte >= 32 and byte != 127,
                                command)
            printed = (result.stdout + result.stderr).decode()
            self.assertNotIn('\u202e', printed)
            self.assertNotIn('\x9b', printed)
            if any('json' in word for word in command):
                json.loads(result.stdout)


class Json(Check):
    def test_all_is_there(self):
        self.write(SHOP)
        result = self.check_code(1, '--format', 'json', 'x.lt')
        compare(self, 'check-shop.json', result.stdout)

    @needs('jq')
    def test_an_independent_parser_takes_it(self):
        self.write(SHOP)
        told = self.check_code(1, '--format', 'json', 'x.lt').stdout
        rules = subprocess.run(['jq', '-c', '[.findings[].rule]'], input=told,
                               capture_output=True, check=True)
        self.assertEqual(json.loads(rules.stdout), ['stall'] * 3)

    def test_fingerprints_survive_moved_lines_and_addresses(self):
        self.write(SHOP, 'a.lt')
        moved = {name: where and (where[0], where[1] + 100)
                 for name, where in reversed(SITES.items())
                 if name != 'stripped'}
        self.write(SHOP, 'b.lt', sites={**moved, 'stripped': None})
        prints = []
        for name in ('a.lt', 'b.lt'):
            told = self.check(name)
            prints.append([f['fingerprint'] for f in told['findings']
                           if f['site']['function']])
        self.assertEqual(prints[0], prints[1])
        self.assertEqual(len(set(prints[0])), 2)

    def test_json_can_go_to_a_file_beside_the_text(self):
        self.write(SHOP)
        result = self.check_code(1, '--format', 'text', '--format',
                                 'json:out.json', 'x.lt')
        self.assertIn(b'error[stall]', result.stdout)
        told = json.loads((self.dir / 'out.json').read_text())
        self.assertEqual(told['exit_code'], 1)
        self.assertEqual(told['verdict'], 'fail')

    def test_an_output_that_cannot_be_written_is_no_pass(self):
        self.write(CLEAN)
        result = self.check_code(3, '--format', 'json:/nowhere/x.json', 'x.lt')
        self.assertIn(b'cannot write /nowhere/x.json', result.stderr)


class Codes(Check):
    def test_budget_and_its_edges(self):
        self.write(SHOP)
        # The slice takes 412 ms, the turn that it is in 414 ms.
        self.check_code(0, '--max-stall', '414ms', 'x.lt')
        self.check_code(1, '--max-stall', '413.999ms', 'x.lt')
        self.check_code(1, '--max-stall', '414ms', '--fail-on', 'warn', 'x.lt')
        self.check_code(0, '--fail-on', 'none', 'x.lt')
        self.check_code(77, '--error-exitcode', '77', 'x.lt')

    def test_what_begins_in_the_warm_up_is_left_out(self):
        self.write(SHOP)
        told = self.check_code(0, '--warmup', '1.6s', 'x.lt').stdout.decode()
        self.assertIn('2 in the first 1.60 s (warm-up) left out', told)

    def test_starved_time_fails_nobody_and_hides_nothing(self):
        starved = """
            0   loop+
            1   poll
            50  wake
            50  usage
            50  resume task=1 kind=timer site=on_tick
            300 await task=1
            300 usage cpu=50 delay={delay}
            301 loop-
        """
        self.write(starved.format(delay=200))
        told = self.check_code(0, 'x.lt')
        self.assertIn(b'note[stall]', told.stdout)
        self.assertTrue(self.last_line(told).startswith('PASS  '))
        self.write(starved.format(delay=120))
        told = self.check_code(4, 'x.lt')
        self.assertTrue(self.last_line(told).startswith('INCONCLUSIVE  '))

    def test_incomplete_lossy_and_empty_traces_are_no_verdict(self):
        self.write(CLEAN, 'cut.lt', ended=False)
        self.write(CLEAN + '1001 lost n=7 ms=1\n', 'lossy.lt')
        self.write('0 usage\n1 usage\n', 'empty.lt')
        for name, word in (('cut.lt', b'incomplete'), ('lossy.lt', b'7 events'),
                           ('empty.lt', b'no loop ran')):
            result = self.check_code(4, name)
            self.assertIn(word, result.stdout)
        self.check_code(0, '--allow-incomplete', 'cut.lt', 'lossy.lt')
        self.check_code(4, '--allow-incomplete', 'empty.lt')

    def test_a_proven_stall_beats_a_trace_that_was_cut(self):
        self.write(SHOP, ended=False)
        self.check_code(1, 'x.lt')

    def test_what_cannot_be_read_is_3_and_says_what_to_do(self):
        (self.dir / 'text.lt').write_text('hello')
        result = self.check_code(3, 'none.lt')
        self.assertEqual(result.stderr, b'looptrace check: none.lt: there is no '
                                        b'such file\n')
        result = self.check_code(3, 'text.lt')
        self.assertIn(b'looptrace check: text.lt: this is not a looptrace '
                      b'trace', result.stderr)
        self.assertIn(b'looptrace record', result.stderr)
        self.write(SHOP)
        whole = (self.dir / 'x.lt').read_bytes()
        for at in (8, 12, 33, 60):  # also what would be another version
            (self.dir / 'spoiled.lt').write_bytes(
                whole[:at] + bytes([whole[at] ^ 8]) + whole[at + 1:])
            self.assertEqual(
                self.check_code(3, 'spoiled.lt').stderr,
                b'looptrace check: spoiled.lt: the trace is damaged in its '
                b'header, without which nothing can be read\n')
        newer = whole[:8] + b'\2' + whole[9:60]
        (self.dir / 'newer.lt').write_bytes(
            newer + zlib.crc32(newer).to_bytes(4, 'little') + whole[64:])
        self.assertIn(b'newer.lt: this trace needs a newer looptrace',
                      self.check_code(3, 'newer.lt').stderr)
        (self.dir / 'folder.lt').mkdir()
        self.assertIn(b'folder.lt: this is a folder',
                      self.check_code(3, 'folder.lt').stderr)

    def test_a_trace_of_what_the_command_started_is_pointed_at(self):
        self.write(CLEAN, 'app.worker-7.lt')
        self.write(CLEAN, 'apple.lt')
        self.assertEqual(self.check_code(3, 'app.lt').stderr,
                         b'looptrace check: app.lt: there is no such file; '
                         b'there is app.worker-7.lt\n')

    def test_of_several_traces_a_proven_stall_comes_first(self):
        self.write(SHOP, 'bad.lt')
        self.write(CLEAN, 'good.lt')
        self.check_code(0, 'good.lt', 'good.lt')
        self.check_code(3, 'good.lt', 'none.lt')
        self.check_code(1, 'good.lt', 'none.lt', 'bad.lt')

    def test_the_last_line_of_several_traces_is_the_verdict_on_all(self):
        self.write(SHOP, 'bad.lt')
        self.write(CLEAN, 'good.lt')
        for code, line, *names in (
                (1, 'FAIL  in all: 1 of 3 traces', 'good.lt', 'bad.lt',
                 'good.lt'),
                (0, 'PASS  in all: 2 of 2 traces', 'good.lt', 'good.lt'),
                (3, 'INCONCLUSIVE  in all: 1 of 2 traces', 'none.lt',
                 'good.lt')):
            self.assertEqual(self.last_line(self.check_code(code, *names)),
                             line)
        told = self.check_code(1, '-q', 'bad.lt', 'good.lt').stdout
        self.assertEqual(told.count(b'\n'), 2)
        self.assertEqual(
            self.check_code(0, '-q', 'good.lt', 'good.lt').stdout, b'')

    def test_wrong_usage_is_2_and_names_the_word(self):
        self.write(CLEAN)
        for words, told in (
                (['--max-stall', '100', 'x.lt'], b'`100`'),
                (['--max-stall', '0', 'x.lt'], b'`0`'),
                (['--warmup', 'soon', 'x.lt'], b'`soon`'),
                (['--fail-on', 'never', 'x.lt'], b'`never`'),
                (['--format', 'xml', 'x.lt'], b'`xml`'),
                (['--format', 'json:', 'x.lt'], b'`json:`'),
                (['--error-exitcode', '256', 'x.lt'], b'`256`'),
                (['--color', 'x', 'x.lt'], b'`x`'),
                (['--frobnicate', 'x.lt'], b'frobnicate'),
                (['--'], b'which command'),
                (['-o', 'y.lt', 'x.lt'], b'y.lt'),
                (['x.lt', '--', 'true'], b'x.lt')):
            result = self.check_code(2, *words)
            self.assertIn(told, result.stderr)
            self.assertIn(b'looptrace check --help', result.stderr)
            self.assertEqual(result.stdout, b'')


    def test_the_command_to_look_at_it_survives_a_shell(self):
        name = "it's $(touch pwned) *.lt"
        (self.dir / name).write_bytes(trace(SHOP))
        told = self.check_code(1, name).stdout.decode()
        line = re.search(r'look at it: (.*?); why: ', told).group(1)
        words = self.run_command('sh', '-c', f'printf "%s\\n" {line}').stdout
        self.assertEqual(words.decode().splitlines(),
                         ['looptrace', 'view', '--at', '0.300s', name])
        self.assertFalse((self.dir / 'pwned').exists())


class Command(Check):
    def test_a_command_without_a_loop_is_no_verdict(self):
        result = self.check_code(4, '--', '/usr/bin/true')
        self.assertIn(b'INCONCLUSIVE', result.stdout)

    def test_a_command_that_fails_is_5_with_its_status(self):
        result = self.check_code(5, '--format', 'json', '--', 'sh', '-c',
                                 'exit 9')
        self.assertEqual(json.loads(result.stdout)['command_status'], 9)

    def test_a_command_that_is_not_there_is_127(self):
        self.check_code(127, '--', '/nowhere/none')

    def test_nothing_is_left_behind(self):
        env = {'TMPDIR': str(self.dir), 'PATH': '/usr/bin:/bin'}
        self.check_code(4, '--', '/usr/bin/true', env=env)
        self.assertEqual(list(self.dir.iterdir()), [])


if __name__ == '__main__':
    unittest.main()
