"""looptrace check: what it finds besides stalls."""
import json
import unittest

from golden import compare
from hostile import assert_inert, fixture
from looptrace import Case
from trace_text import trace, unseen

# Two tasks that wait for each other, one that never ends, timers that pile up,
# a job behind a full pool, and a callback that does not come back.
TROUBLE = '\n'.join([
    '0 loop+',
    '0 usage cpu=0',
    '0 spawn task=1 kind=task site=on_read from=main',
    '0 spawn task=2 kind=task site=render from=main',
    '0 resume task=1 kind=task site=on_read',
    '1 await task=1 for=2',
    '1 resume task=2 kind=task site=render',
    '2 await task=2 for=1',
    '3 poll'] + [line for i in range(1, 400) for line in (
        f'{i * 10} wake',
        f'{i * 10} spawn task={i + 10} kind=timer site=on_tick from=on_other',
        f'{i * 10 + 1} poll')] + [
    '4000 wake',
    '4000 usage cpu=100',
    '4000 resume task=5 kind=read site=on_read',
    '4000 spawn task=6 kind=work site=render from=on_read',
    '4000 spawn task=7 kind=fs site=on_tick from=on_read',
    '4001 pool+ task=6 kind=work site=render thread=1',
    '4001 await task=5',
    '4002 poll',
    '4251 pool- task=6 thread=1',
    '4251 pool+ task=7 kind=fs site=on_tick thread=1',
    '4252 pool- task=7 thread=1',
    '4300 wake',
    '4300 usage cpu=101',
    '4300 resume task=8 kind=read site=on_other'] + [
    f'{i * 10} spawn task={i + 10} kind=timer site=on_tick from=on_other '
    'thread=1' for i in range(431, 580)] + [
    '5800 usage cpu=1601',
])
RULES = ['await-cycle', 'never-yields', 'handle-leak', 'never-finished',
         'pool-saturated']


class Rules(Case):
    def told(self, *arguments, text=TROUBLE, code=1):
        (self.dir / 'x.lt').write_bytes(trace(text, end_ms=5800))
        result = self.looptrace('check', *arguments, 'x.lt')
        self.assertEqual((result.returncode, result.stderr), (code, b''))
        return result.stdout

    def findings(self, *arguments, **options):
        told = json.loads(self.told('--format', 'json', *arguments, **options))
        return {f['rule']: f for f in told['findings']}

    def test_each_is_told_with_evidence_and_advice(self):
        compare(self, 'check-trouble.txt', self.told())

    def test_each_has_its_numbers(self):
        found = self.findings()
        self.assertEqual(sorted(found), sorted(RULES))
        self.assertEqual({name: f['level'] for name, f in found.items()},
                         {'await-cycle': 'error', 'never-yields': 'error',
                          'handle-leak': 'warning',
                          'never-finished': 'warning',
                          'pool-saturated': 'warning'})
        leak = found['handle-leak']
        self.assertEqual(leak['trouble']['count'], 399 + 149)
        self.assertEqual(leak['trouble']['made_at']['function'], 'on_other')
        self.assertEqual(leak['site']['line'], 60)
        self.assertEqual(found['await-cycle']['trouble']['cycle'][1]['task'], 1)
        pool = found['pool-saturated']['trouble']
        self.assertEqual((pool['worst_ns'], pool['behind']['function']),
                         (251_000_000, 'render'))

    def test_levels_and_suppressions_hold_for_them(self):
        (self.dir / '.looptrace-suppress').write_text(
            'handle-leak : on_tick < on_other  # they are cached\n'
            'await-cycle : render < *  # known\n'
            'never-yields : ^on_other$ < *  # it is meant to\n')
        found = self.findings('-A', 'pool-saturated', code=0)
        self.assertEqual({name: f['state'] for name, f in found.items()},
                         {'await-cycle': 'muted', 'handle-leak': 'muted',
                          'never-yields': 'muted', 'never-finished': 'new'})

    def test_generated_suppressions_mute_them(self):
        lines = [line + ' because' for line in
                 self.told('--gen-suppressions=all').decode().splitlines()
                 if line.endswith('#')]
        self.assertEqual(len(lines), len(RULES) + 1)  # two tasks
        (self.dir / 'mute').write_text('\n'.join(lines) + '\n')
        found = self.findings('--suppressions', 'mute', '--strict', code=0)
        self.assertEqual({f['state'] for f in found.values()}, {'muted'})

    def test_a_baseline_knows_them(self):
        self.told('--baseline', 'b.json', '--update-baseline', code=0)
        found = self.findings('--baseline', 'b.json', code=0)
        self.assertEqual({f['state'] for f in found.values()}, {'known'})

    def test_budgets_make_errors_of_them(self):
        for value, level, code in (('249ms', 'error', 1), ('260ms', None, 0)):
            found = self.findings('--max-pool-queue', value, '-A', 'await-cycle',
                                  '-A', 'never-yields', code=code)
            self.assertEqual(found.get('pool-saturated', {}).get('level'),
                             level)
        text = '0 loop+\n0 usage\n0 spawn task=1 kind=timer site=on_tick\n' \
               '0 arm task=1 ms=20\n1 poll\n20 wake\n20 usage cpu=1\n' \
               '20 resume task=2 kind=read site=on_read\n50 await task=2\n' \
               '50 usage cpu=31\n50 resume task=1 kind=timer site=on_tick\n' \
               '51 await task=1\n52 loop-'
        for value, rules, code in (('29ms', ['late-timer'], 1), ('30ms', [], 0)):
            found = self.findings('--max-timer-late', value, text=text,
                                  code=code)
            self.assertEqual(list(found), rules)

    def test_loops_that_end_with_handles_leak_them(self):
        text = '\n'.join(
            f'{i * 10} loop+ loop={i} thread={i}\n'
            f'{i * 10} spawn task={i} kind=timer site=on_tick from=render '
            f'thread={i}\n{i * 10 + 5} loop- loop={i} thread={i}'
            for i in range(1, 4))
        (self.dir / 'x.lt').write_bytes(trace(text, names=tuple('abcd')))
        result = self.looptrace('check', 'x.lt')
        told = result.stdout.decode()
        self.assertIn('warning[handle-leak]: 3 timer tasks `on_tick` made in '
                      '`render` were never closed, of 3, though their loops '
                      'ended\n', told)
        self.assertIn('uv_close each before its loop ends', told)

    def test_junit_has_a_failure_for_a_cycle(self):
        told = self.told('--format', 'junit').decode()
        self.assertIn('<failure message="2 tasks wait for each other', told)

    def test_hostile_names_come_out_inert_in_each_form(self):
        (self.dir / 'x.lt').write_bytes(fixture(TROUBLE))
        for form in ('text', 'json', 'ndjson', 'junit', 'sarif', 'github',
                     'gitlab', 'markdown'):
            result = self.looptrace('check', '--format', form, 'x.lt')
            self.assertEqual(result.returncode, 1, result)
            assert_inert(self, result.stdout)



class Unseen(Case):
    """A loop whose callbacks are not seen: findings are by what looks saw."""

    def told(self, *arguments, code=1, text=None):
        (self.dir / 'x.lt').write_bytes(unseen(text))
        result = self.looptrace('check', *arguments, 'x.lt')
        self.assertEqual((result.returncode, result.stderr), (code, b''),
                         result.stdout)
        return result.stdout.decode()

    def findings(self, *arguments, **options):
        told = json.loads(self.told('--format', 'json', *arguments, **options))
        return {(f['site'] or {}).get('function'): f for f in told['findings']}

    def test_each_function_that_computes_is_a_finding(self):
        found = self.findings()
        self.assertEqual({name: (f['count'], f['duration_ns'] // 10**6)
                          for name, f in found.items()},
                         {'parse_config': (2, 300), 'hash_password': (1, 250),
                          'read_all': (1, 200), None: (1, 150)})
        text = self.told()
        self.assertIn('--> /src/twin.c:12 in parse_config\n', text)
        self.assertIn('--> /src/twin.c:31 in hash_password\n', text)

    def test_the_place_is_the_same_whatever_the_looks_hit(self):
        before = self.findings()['hash_password']['fingerprint']
        for other in ('packs packs', 'sums', 'sums hashes', 'hashes sums packs',
                      'reads packs sums hashes packs'):
            text = '\n'.join(
                ['0 loop+ mode=3', '1 poll', '10 wake', '10 usage cpu=1'] +
                [f'{60 + i} sample state=R stack={name}'
                 for i, name in enumerate(other.split())] +
                ['210 usage cpu=201', '210 poll', '300 wake', '301 loop-'])
            found = self.findings(text=text)
            self.assertEqual([f['fingerprint'] for f in found.values()],
                             [before], other)

    def test_looks_that_do_not_agree_name_their_caller(self):
        text = ('0 loop+ mode=3\n1 poll\n10 wake\n10 usage cpu=1\n'
                '60 sample state=R stack=scans\n'
                '61 sample state=R stack=hashes\n'
                '210 usage cpu=201\n210 poll\n300 wake\n301 loop-')
        self.assertEqual(list(self.findings(text=text)), ['main'])

    def test_a_generated_suppression_mutes_its_function_only(self):
        lines = [line for line in
                 self.told('--gen-suppressions=all').splitlines()
                 if line.startswith('stall : ') or line.startswith('# ')]
        self.assertEqual(lines, [
            'stall : ^parse_config$  loop=main max=376ms  #',
            'stall : ^hash_password$  loop=main max=313ms  #',
            'stall : ^read$ < ^read_all$  loop=main max=251ms  #',
            '# stall of 150 ms: no line can name it, its place is not known; '
            'a baseline can'])
        for i, muted in enumerate(('parse_config', 'hash_password',
                                   'read_all')):
            (self.dir / '.looptrace-suppress').write_text(lines[i] +
                                                          ' known\n')
            found = self.findings('--strict')
            self.assertEqual([name for name, f in found.items()
                              if f['state'] == 'muted'], [muted])
        text = self.told(code=1)
        self.assertNotIn('in read_all', text)
        (self.dir / '.looptrace-suppress').write_text(
            '\n'.join(line + ' known' for line in lines) + '\n')
        found = self.findings('--max-stall', '160ms', code=0)
        self.assertEqual({f['state'] for name, f in found.items() if name},
                         {'muted'})

    def test_a_baseline_knows_one_and_not_the_other(self):
        self.findings('--baseline', 'b.json', '--update-baseline', code=0)
        baseline = json.loads((self.dir / 'b.json').read_text())
        key = [key for key, row in baseline['findings'].items()
               if row['place'] == 'hash_password']
        del baseline['findings'][key[0]]
        (self.dir / 'b.json').write_text(json.dumps(baseline))
        found = self.findings('--baseline', 'b.json')
        self.assertEqual([name for name, f in found.items()
                          if f['state'] == 'new'], ['hash_password'])


if __name__ == '__main__':
    unittest.main()
