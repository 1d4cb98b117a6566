"""Budgets, suppressions, baselines and runs of check."""
import json
import re
import unittest

from looptrace import Case
from trace_text import CLEAN, SHOP, SITES, trace

TWO_LOOPS = """
0    loop+ loop=1
0    usage
0    loop+ loop=2 thread=1
0    usage thread=1
1    poll
1    poll thread=1
100  wake
100  usage cpu=1
100  wake thread=1
100  usage cpu=1 thread=1
100  resume task=1 kind=timer site=on_tick
100  resume task=2 kind=timer site=on_other thread=1
180  await task=1
180  usage cpu=81
180  poll
300  await task=2 thread=1
300  usage cpu=201 thread=1
300  poll thread=1
900  wake
900  wake thread=1
900  loop- loop=1
900  loop- loop=2 thread=1
"""


class Base(Case):
    def setUp(self):
        super().setUp()
        (self.dir / 'x.lt').write_bytes(trace(SHOP))

    def code(self, code, *arguments, **options):
        result = self.looptrace('check', *arguments, **options)
        self.assertEqual(result.returncode, code,
                         (arguments, result.stderr.decode(),
                          result.stdout.decode()[-300:]))
        return result

    def told(self, code, *arguments, **options):
        return json.loads(self.code(code, '--format', 'json', *arguments,
                                    **options).stdout)

    def states(self, told):
        return [f['state'] for f in told['findings'] if f['level'] == 'error']


class Budgets(Base):
    def budget(self, text):
        (self.dir / 'b.ini').write_text(text)

    def test_each_line_of_a_budget_is_judged(self):
        self.budget('; ours\n[budget]\nstall.max = 500ms\nstall.p99 = 500ms\n'
                    'stall.count>150ms = 2\nutilization.max = 85%\n'
                    'blocking.count = 1\nlost_events.max = 0\n')
        told = self.told(0, '--budget', 'b.ini', 'x.lt')
        limits = {l['budget']: (l['measured'], l['verdict'])
                  for l in told['traces'][0]['limits']}
        self.assertEqual(limits, {
            'stall.max <= 500ms': (412000000, 'pass'),
            'stall.p99 <= 500ms': (414000000, 'pass'),
            'stall.count>150ms <= 2': (2, 'pass'),
            'utilization.max <= 85%': (357, 'pass'),
            'blocking.count <= 1': (1, 'pass'),
            'lost_events.max <= 0': (0, 'pass')})
        for line, rule in (('stall.max = 400ms', 'stall'),
                           ('stall.p99 = 100ms', 'slow-turns'),
                           ('stall.count>150ms = 1', 'stall-count'),
                           ('utilization.max = 20%', 'utilization'),
                           ('blocking.count = 0', 'blocking-call')):
            self.budget('[budget]\nstall.max = 500ms\n' + line)
            told = self.told(1, '--budget', 'b.ini', 'x.lt')
            rules = {f['rule'] for f in told['findings']
                     if f['level'] == 'error'}
            self.assertEqual(rules, {rule})

    def test_sections_hold_for_the_loops_they_name(self):
        (self.dir / 'two.lt').write_bytes(trace(TWO_LOOPS,
                                                names=('main', 'worker 1')))
        self.code(1, 'two.lt')
        self.budget('[budget]\nstall.max = 100ms\n[budget "worker*"]\n'
                    'stall.max = 250ms\n')
        self.code(0, '--budget', 'b.ini', 'two.lt')
        self.budget('[budget]\nstall.max = 250ms\n[budget "main"]\n'
                    'stall.max = 70ms\n')
        told = self.told(1, '--budget', 'b.ini', 'two.lt')
        self.assertEqual([f['loop'] for f in told['findings']
                          if f['level'] == 'error'], ['main'])

    def test_a_budget_that_no_loop_is_held_against_is_told(self):
        self.budget('[budget "wroker*"]\nstall.max = 1ms\n'
                    '[budget "mai*"]\nstall.max = 1s\n')
        told = self.code(0, '--budget', 'b.ini', 'x.lt').stdout.decode()
        self.assertIn('no loop is called `wroker*`: stall.max <= 1ms is held '
                      'against none\n', told)
        self.assertNotIn('is called `mai', told)

    def test_arguments_count_more_than_the_file(self):
        self.budget('[budget]\nstall.max = 1s\n[run]\nwarmup = 0\n')
        self.code(0, '--budget', 'b.ini', 'x.lt')
        self.code(1, '--max-stall', '100ms', '--budget', 'b.ini', 'x.lt')

    def test_levels_and_the_run_section(self):
        self.budget('[levels]\nstall = warn\n')
        told = self.told(0, '--budget', 'b.ini', 'x.lt')
        self.assertEqual(told['findings'][0]['level'], 'warning')
        self.budget('[levels]\nstall = off\n')
        self.assertEqual(self.told(0, '--budget', 'b.ini', 'x.lt')['findings'],
                         [])
        self.budget('[run]\nwarmup = 1.6s\n')
        self.code(0, '--budget', 'b.ini', 'x.lt')
        self.code(0, '-W', 'stall', 'x.lt')
        self.code(0, '-A', 'stall', 'x.lt')

    def test_errors_name_file_and_line(self):
        for text, line, word in (
                ('[budget]\n\nstall.mx = 1s\n', 3, 'did you mean `stall.max`'),
                ('[budget]\nstall.max = 100\n', 2, 'stall.max = 100'),
                ('[budget]\nutilization.max = 101%\n', 2, '101%'),
                ('[bugdet]\nstall.max = 1s\n', 2, 'bugdet'),
                ('[levels]\nstal = warn\n', 2, 'did you mean `stall`'),
                ('[levels]\nstall = loud\n', 2, 'loud'),
                ('[levels]\nxyz = warn\n', 2, 'looptrace explain lists'),
                ('[run]\nruns = 0\n', 2, '`runs = 0`: 1 to 1000'),
                ('[run]\naggregate = best\n', 2, 'median, pessimistic'),
                ('[run]\nwarmup = soon\n', 2, 'a number with a unit'),
                ('[budget\n', 1, 'INI'),
                ('[budget]\nnonsense\n', 2, 'INI'),
                ('[budget]\nstall.max = 1s ;' + 'x' * 500, 2, 'too long'),
                ('[budget "w*"]\nlost_events.max = 0\n', 2, 'lost_events')):
            self.budget(text)
            result = self.code(2, '--budget', 'b.ini', 'x.lt')
            told = result.stderr.decode()
            self.assertTrue(told.startswith(
                f'looptrace check: b.ini:{line}: '), told)
            self.assertIn(word, told)
        self.code(2, '--budget', 'none.ini', 'x.lt')
        self.assertIn(b'did you mean `stall`',
                      self.code(2, '-W', 'stal', 'x.lt').stderr)

    def test_a_limit_that_starvation_could_break_gives_no_verdict(self):
        (self.dir / 's.lt').write_bytes(trace("""
            0   loop+
            0   usage
            1   poll
            50  wake
            50  usage
            50  resume task=1 kind=timer site=on_tick
            130 await task=1
            130 usage cpu=10 delay=70
            131 poll
            200 wake
            200 loop-
        """))
        self.code(0, 's.lt')
        self.code(4, '--max-utilization', '20%', 's.lt')
        self.code(4, '--max-stall-p99', '20ms', 's.lt')
        self.code(1, '--max-stall-p99', '5ms', 's.lt')


class Suppressions(Base):
    def suppress(self, *lines, code=0, options=(), **more):
        (self.dir / '.looptrace-suppress').write_text('\n'.join(lines) + '\n')
        return self.told(code, *options, 'x.lt', **more)

    def test_what_is_accepted_fails_nothing_and_is_counted(self):
        told = self.suppress(
            '# ours', '', 'stall : uv_sleep < ^render$ < *  # start-up',
            'stall : on_rea* loop=main max=200ms  # small')
        self.assertEqual(self.states(told), ['muted', 'muted'])
        self.assertEqual(told['verdict'], 'pass')
        self.assertEqual(told['traces'][0]['muted'], 2)
        self.assertEqual({f['muted_because'] for f in told['findings']
                          if f['state'] == 'muted'}, {'start-up', 'small'})
        self.assertIn('.looptrace-suppress:3: muted 1 time: start-up',
                      told['notes'])
        text = self.code(0, 'x.lt').stdout.decode()
        self.assertNotIn('error[stall]', text)
        self.assertIn('2 muted', text)

    def test_frames_are_matched_from_where_the_time_went_outwards(self):
        rest = 'stall : ^on_read$ < *  # second'
        for pattern, is_muted in (
                ('uv_sleep', True), ('uv_sleep < render', True),
                ('render', False), ('sleep', True), ('^sleep', False),
                ('uv_sleep$', True), ('^uv_*p$', True), ('uv_*x', False),
                ('uv_sleep < on_read', False),
                ('uv_sleep < ... < on_read', True),
                ('uv_sleep < ... < main', True),
                ('uv_sleep < shop!render', True),
                ('uv_sleep < /src/shop.c:47', True),
                ('uv_sleep < shop.c:48', False),
                ('uv_sleep < render < on_read < main < *', True),
                ('uv_sleep < render < on_read < main < x', False),
                ('... < nothing', False), ('*', True)):
            told = self.suppress(rest, f'stall : {pattern}  # why',
                                 code=0 if is_muted else 1)
            self.assertEqual(told['findings'][-1]['state'] == 'muted' or
                             is_muted, True)

    def test_limits_of_a_suppression(self):
        rest = 'stall : ^on_read$ < *  # second'
        for keys, code in (('max=412ms', 0), ('max=411ms', 1),
                           ('before=300ms', 1), ('before=301ms', 0),
                           ('loop=main', 0), ('loop=m*', 0), ('loop=w*', 1),
                           ('until=2027-03-31', 0), ('until=2027-03-29', 1)):
            self.suppress(rest, f'stall : uv_sleep  {keys}  # why', code=code,
                          env={'LOOPTRACE_NOW': '2027-03-30'})

    def test_unused_expired_and_exceeded_ones_are_told(self):
        told = self.suppress(
            'stall : nothing_here # one', 'stall : * until=2020-01-01 # two',
            'stall : uv_sleep max=300ms # three', 'stall : ^on_read$ # four',
            code=1)
        self.assertEqual([re.sub(r'^\.looptrace-suppress:', '', note)
                          for note in told['notes']],
                         ['1: unused: one', '2: expired on 2020-01-01: two',
                          '3: 1 longer than it allows: 412 ms, max=300 ms',
                          '4: muted 1 time: four'])

    def test_strict_makes_unused_and_expired_ones_an_error(self):
        for line, code in (('stall : *  # all', 0),
                           ('stall : * # all\nlong-turn : * # none', 2),
                           ('stall : * # a\nstall : * until=2020-01-01 # b',
                            2)):
            self.suppress(line, code=code, options=('--strict',))

    def test_what_is_wrong_in_the_file_is_told_with_its_line(self):
        for line, word in (('stal : * # x', 'did you mean `stall`'),
                           ('stall : *', 'no reason'),
                           ('stall : * #', 'no reason'),
                           ('stall * # x', 'RULE : FRAME'),
                           ('stall : # x', 'frame is missing'),
                           ('stall : a < # x', 'frame is missing'),
                           ('stall : < a # x', 'frame is missing'),
                           ('stall : a mx=3ms # x', 'mx=3ms'),
                           ('stall : a max=3 # x', 'max=3'),
                           ('stall : a until=soon # x', 'until=soon')):
            (self.dir / 's').write_text('# one\n' + line + '\n')
            told = self.code(2, '--suppressions', 's', 'x.lt').stderr.decode()
            self.assertTrue(told.startswith('looptrace check: s:2: '), told)
            self.assertIn(word, told)
        self.code(2, '--suppressions', 'none.txt', 'x.lt')

    def test_none_reads_no_file(self):
        self.suppress('nonsense', code=1,
                      options=('--suppressions', 'none'))

    def test_generated_lines_need_a_reason_and_then_mute(self):
        text = self.code(1, '--gen-suppressions=all', 'x.lt').stdout.decode()
        lines = [l for l in text.splitlines() if l.startswith('stall : ')]
        self.assertEqual(len(lines), 2)
        (self.dir / 's').write_text('\n'.join(lines))
        self.code(2, '--suppressions', 's', 'x.lt')
        (self.dir / 's').write_text('\n'.join(l + ' known' for l in lines))
        self.code(0, '--suppressions', 's', 'x.lt')

    def test_blocking_calls_can_be_suppressed(self):
        self.suppress('stall : *  # s', code=1,
                      options=('--max-blocking', '0'))
        told = self.suppress('stall : *  # s', 'blocking-call : uv_sleep # b',
                             options=('--max-blocking', '0'))
        limit = [l for l in told['traces'][0]['limits']
                 if l['rule'] == 'blocking-call']
        self.assertEqual(limit[0]['measured'], 0)

    def test_a_verdict_on_something_else_says_that_stalls_were_allowed(self):
        text = self.code(1, '--max-blocking', '0', '-A', 'stall',
                         'x.lt').stdout.decode()
        self.assertNotIn('error[stall]', text)
        self.assertIn('\nFAIL  no stall over 50 ms that counts (budget 100 ms)',
                      text)

    def test_a_scope_in_the_code_mutes_with_its_reason(self):
        text = SHOP.replace('712   call', '301 allow+ why=migration\n'
                                          '712 allow-\n712   call')
        (self.dir / 'x.lt').write_bytes(trace(text))
        told = self.told(1, 'x.lt')
        self.assertEqual([f['muted_because'] for f in told['findings']
                          if f['state'] == 'muted'], ['migration'])


class Baselines(Base):
    def test_what_was_there_is_known_and_fails_nothing(self):
        self.code(0, '--baseline', 'b.json', '--update-baseline', 'x.lt')
        first = (self.dir / 'b.json').read_bytes()
        baseline = json.loads(first)
        self.assertEqual(baseline['schema'], 'looptrace.baseline/1')
        self.assertEqual(sorted(r['place'] for r in
                                baseline['findings'].values()),
                         ['on_read', 'render'])
        self.assertEqual(list(baseline['findings']),
                         sorted(baseline['findings']))
        told = self.told(0, '--baseline', 'b.json', 'x.lt')
        self.assertEqual(self.states(told), ['known', 'known'])
        self.code(0, '--baseline', 'b.json', '--update-baseline', 'x.lt')
        self.assertEqual((self.dir / 'b.json').read_bytes(), first)

    def test_beside_what_is_known_no_length_is_made_up(self):
        (self.dir / 'one.lt').write_bytes(trace('''
            0    loop+
            0    poll
            1000 wake
            1000 usage cpu=0
            1000 resume task=1 kind=timer site=on_tick
            1200 await task=1
            1200 usage cpu=200
            1200 poll
            1300 loop-'''))
        self.code(0, '--baseline', 'b.json', '--update-baseline', 'one.lt')
        told = self.told(0, '--baseline', 'b.json', 'one.lt')['traces'][0]
        self.assertTrue(told['longest_is_bound'])
        self.assertIn(b'\nPASS  no stall over 50 ms that counts (budget 100 ms)',
                      self.code(0, '--baseline', 'b.json', 'one.lt').stdout)
        self.assertFalse(self.told(1, 'one.lt')['traces'][0]['longest_is_bound'])

    def test_what_is_new_or_more_often_than_before_fails(self):
        self.code(0, '--baseline', 'b.json', '--update-baseline', 'x.lt')
        for remove in ('render', 'on_read'):
            baseline = json.loads((self.dir / 'b.json').read_text())
            baseline['findings'] = {k: v for k, v in
                                    baseline['findings'].items()
                                    if v['place'] != remove}
            (self.dir / 'c.json').write_text(json.dumps(baseline))
            told = self.told(1, '--baseline', 'c.json', '--new', 'x.lt')
            new = [f for f in told['findings'] if f['level'] == 'error']
            self.assertEqual([f['site']['function'] for f in new], [remove])
        twice = SHOP.replace('2201  loop- alive=1', '''2201 poll
            3000 wake
            3000 usage cpu=222 delay=160
            3000 resume task=1 kind=read site=on_read
            3200 await task=1
            3200 usage cpu=422 delay=160
            3200 loop-''')
        (self.dir / 'y.lt').write_bytes(trace(twice))
        told = self.told(1, '--baseline', 'b.json', 'y.lt')
        self.assertEqual(sorted(self.states(told)), ['known', 'new'])

    def test_a_baseline_survives_moved_lines(self):
        self.code(0, '--baseline', 'b.json', '--update-baseline', 'x.lt')
        moved = {name: where and (where[0], where[1] + 7)
                 for name, where in reversed(SITES.items())}
        (self.dir / 'y.lt').write_bytes(trace(SHOP, sites=moved))
        told = self.told(0, '--baseline', 'b.json', 'y.lt')
        self.assertEqual(self.states(told), ['known', 'known'])

    def test_a_trace_is_a_baseline_too(self):
        (self.dir / 'old.lt').write_bytes(trace(SHOP))
        (self.dir / 'clean.lt').write_bytes(trace(CLEAN))
        (self.dir / 's').write_text('stall : render  # known\n')
        told = self.told(0, '--baseline', 'old.lt', 'x.lt')
        self.assertEqual(self.states(told), ['known', 'known'])
        told = self.told(1, '--baseline', 'clean.lt', '--new', 'x.lt')
        self.assertEqual(self.states(told), ['new', 'new'])
        told = self.code(1, '--baseline', 'clean.lt', 'x.lt').stdout
        self.assertIn(b'= seen: once; new against the baseline clean.lt\n', told)
        # What a suppression takes of the old trace is not counted as used.
        result = self.code(0, '--suppressions', 's', '--baseline', 'old.lt',
                           'clean.lt')
        self.assertIn(b's:1: unused: known', result.stdout)
        result = self.code(2, '--baseline', 'old.lt', '--update-baseline',
                           'x.lt')
        self.assertIn(b'would write over it', result.stderr)
        self.assertEqual((self.dir / 'old.lt').read_bytes(), trace(SHOP))

    def test_a_baseline_that_cannot_be_believed_is_an_error(self):
        for text in ('', '{', '{}', '[]', '{"schema": "x", "findings": {}}',
                     '{"schema": "looptrace.baseline/1", "findings": {"a": 1}}'
                     ):
            (self.dir / 'b.json').write_text(text)
            self.code(2, '--baseline', 'b.json', 'x.lt')
        self.code(2, '--baseline', 'none.json', 'x.lt')
        self.code(2, '--new', 'x.lt')
        self.code(2, '--update-baseline', 'x.lt')

    def test_no_verdict_writes_no_baseline(self):
        (self.dir / 'cut.lt').write_bytes(trace(CLEAN, ended=False))
        self.code(4, '--baseline', 'b.json', '--update-baseline', 'cut.lt')
        self.assertFalse((self.dir / 'b.json').exists())


class Explain(Case):
    def test_every_rule_is_told_within_80_columns(self):
        listing = self.looptrace('explain').stdout.decode()
        rules = re.findall(r'^  ([a-z-]+)  ', listing, re.M)
        self.assertIn('stall', rules)
        for rule in rules:
            result = self.looptrace('explain', rule)
            text = result.stdout.decode()
            self.assertEqual(result.returncode, 0)
            for title in ('What it means', 'How it is measured',
                          'How to fix it', 'How to silence it'):
                self.assertIn('\n' + title + '\n', text)
            self.assertNotIn('RULE', text)
            self.assertLessEqual(max(map(len, text.splitlines())), 80, rule)

    def test_a_near_word_is_guessed(self):
        result = self.looptrace('explain', 'blocking-cal')
        self.assertEqual(result.returncode, 2)
        self.assertIn(b'did you mean `blocking-call`', result.stderr)
        self.assertEqual(self.looptrace('explain', 'zzz').returncode, 2)

    def test_help_fits_80_columns(self):
        for command in ('check', 'explain'):
            text = self.looptrace(command, '--help').stdout.decode()
            self.assertLessEqual(max(map(len, text.splitlines())), 80)


if __name__ == '__main__':
    unittest.main()
