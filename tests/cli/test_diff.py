"""looptrace diff, over traces whose every call is stated."""
import json
import random
import unittest

from hostile import assert_inert, fixture
from looptrace import Case
from trace_text import SHOP, trace


def calls(durations_ms, site='on_read', kind='read'):
    """A loop whose callback takes these times, 10 ms between them."""
    lines, now = ['0 loop+'], 0.0
    for ms in durations_ms:
        now += 10
        lines.append(f'{now:.6f} resume task=1 kind={kind} site={site}')
        now += ms
        lines.append(f'{now:.6f} await task=1')
    return '\n'.join(lines + [f'{now + 1:.6f} loop-'])


def around(mean_ms, n, seed):
    rng = random.Random(seed)
    return [max(0.01, rng.gauss(mean_ms, mean_ms / 10)) for _ in range(n)]


class Diff(Case):
    def diff_code(self, a, b, *options):
        (self.dir / 'a.lt').write_bytes(a if isinstance(a, bytes) else trace(a))
        (self.dir / 'b.lt').write_bytes(b if isinstance(b, bytes) else trace(b))
        return self.looptrace('diff', *options, 'a.lt', 'b.lt')

    def diff(self, a, b, *options):
        result = self.diff_code(a, b, '--format', 'json', *options)
        self.assertEqual(result.returncode, 0, result)
        return json.loads(result.stdout)

    def site(self, *arguments):
        row, = self.diff(*arguments)['sites']
        return row

    def test_a_trace_is_the_same_as_itself(self):
        told = self.diff(SHOP, SHOP, '--min-count', '1')
        self.assertEqual({row['verdict'] for row in told['sites']}, {'same'})
        self.assertEqual(told['regressions'], 0)

    def test_another_sample_of_the_same_is_the_same(self):
        for seed in range(20):
            row = self.site(calls(around(5, 200, seed)),
                            calls(around(5, 200, seed + 1000)))
            self.assertEqual(row['verdict'], 'same', (seed, row))

    def test_three_times_slower_is_told_with_the_ratio(self):
        slow, fast = calls(around(6, 100, 1)), calls(around(2, 100, 2))
        row = self.site(fast, slow)
        self.assertEqual((row['verdict'], row['regression']), ('slower', True))
        self.assertAlmostEqual(row['ratio'], 3, delta=0.3)
        self.assertLess(row['p'], 1e-4)
        row = self.site(slow, fast)
        self.assertEqual((row['verdict'], row['regression']),
                         ('faster', False))

    def test_a_tail_that_grew_is_told_although_the_median_is_the_same(self):
        fast = around(2, 1000, 3)
        row = self.site(calls(fast), calls(around(2, 960, 4) + [40] * 40))
        self.assertEqual((row['verdict'], row['ratio_of']), ('slower', 'p99'))
        self.assertGreater(row['ratio'], 10)

    def test_the_threshold_is_what_counts_as_a_change(self):
        a, b = calls(around(2, 300, 5)), calls(around(3, 300, 6))
        self.assertEqual(self.site(a, b)['verdict'], 'slower')
        self.assertEqual(self.site(a, b, '--threshold', '80%')['verdict'],
                         'same')

    def test_few_calls_are_no_evidence(self):
        a, b = calls([1] * 29), calls([90] * 29)
        self.assertEqual(self.site(a, b)['verdict'], 'few')
        self.assertEqual(self.site(a, b, '--min-count', '20')['verdict'],
                         'slower')

    def test_places_of_one_side_are_new_or_gone(self):
        rows = self.diff(calls([1]), calls([60], 'render', 'work'))['sites']
        self.assertEqual([(r['function'], r['verdict'], r['regression'])
                          for r in rows],
                         [('render', 'new', True), ('on_read', 'gone', False)])
        rows = self.diff(calls([1]), calls([40], 'render', 'work'))['sites']
        self.assertFalse(any(row['regression'] for row in rows))

    def test_counts_are_per_what_was_asked_for(self):
        text = calls([1] * 50)
        for unit, expected in (('count', 1000), ('none', 50),
                               ('time', 50 / 0.551)):
            row = self.site(text, text, '--normalize', unit)
            self.assertAlmostEqual(row['a']['count_normalised'], expected,
                                   places=2)

    def test_a_regression_fails_when_asked_to(self):
        a, b = calls([1] * 40), calls([9] * 40)
        self.assertEqual(self.diff_code(a, b).returncode, 0)
        result = self.diff_code(a, b, '--fail-on-regression')
        self.assertEqual(result.returncode, 1)
        self.assertTrue(result.stdout.splitlines()[-1]
                        .startswith(b'REGRESSION  1 of 1 places'))
        result = self.diff_code(b, a, '--fail-on-regression')
        self.assertEqual(result.returncode, 0)
        self.assertTrue(result.stdout.splitlines()[-1].startswith(b'ok  none'))

    def test_hostile_names_come_out_inert(self):
        data = fixture(SHOP)
        for name in ('text', 'json', 'markdown'):
            result = self.diff_code(data, data, '--format', name)
            self.assertEqual(result.returncode, 0)
            assert_inert(self, result.stdout)
            if name == 'markdown':
                rows = [line for line in result.stdout.decode().splitlines()
                        if line.startswith('|')]
                self.assertEqual({row.count('|') for row in rows}, {9})
                self.assertNotIn('</script', result.stdout.decode())

    def test_wrong_usage_and_no_file(self):
        for words in ([], ['a'], ['a', 'b', 'c'], ['--top', '0', 'a', 'b'],
                      ['--threshold', 'much', 'a', 'b'],
                      ['--min-count', '-1', 'a', 'b'],
                      ['--normalize', 'moon', 'a', 'b'],
                      ['--format', 'xml', 'a', 'b']):
            self.assertEqual(self.looptrace('diff', *words).returncode, 2)
        result = self.diff_code(SHOP, b'not a trace')
        self.assertEqual(result.returncode, 3)
        self.assertEqual(result.stdout, b'')
        told = self.looptrace('diff', '--help').stdout.decode()
        self.assertLessEqual(max(map(len, told.splitlines())), 80)


if __name__ == '__main__':
    unittest.main()
