"""looptrace report, over traces whose every number is stated in text."""
import html.parser
import json
import re
import unittest

from golden import compare
from hostile import assert_inert, fixture
from looptrace import Case
from trace_text import CLEAN, SCRIPT, SHOP, trace, unseen


class Page(html.parser.HTMLParser):
    """What a page has in it; tags must nest."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.rows, self.outside = [], set(), [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.outside += [v for k, v in attrs if k in ('src', 'href')
                         or k.startswith('on')]
        if tag not in ('meta', 'rect', 'line'):
            self.open.append(tag)
        if tag == 'tr':
            self.rows.append([])
        if tag in ('td', 'th'):
            self.rows[-1].append('')

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ('td', 'th'):
            self.rows[-1][-1] += data


class Report(Case):
    def report(self, text, *options, **how):
        data = text if isinstance(text, bytes) else trace(text, **how)
        (self.dir / 'x.lt').write_bytes(data)
        result = self.looptrace('report', *options, 'x.lt')
        self.assertEqual(result.returncode, 0, result)
        return result.stdout

    def test_loops_stalls_places_and_calls(self):
        told = self.report(SHOP, notes=['statically linked parts are not seen'])
        compare(self, 'report-shop.txt', told)

    def test_a_call_without_a_caller_was_made_in_its_callback(self):
        """As usleep() at the end of a function, which then is a jump."""
        told = self.report('''
            0    loop+
            0    poll
            1000 wake
            1000 resume task=1 kind=timer site=on_tick
            1200 call callee=uv_sleep ms=190
            1200 await task=1
            1200 poll
            1300 loop-''').decode()
        self.assertRegex(told, r'uv_sleep +on_tick \(shop\.c:12\)\n')

    def test_top_limits_each_table(self):
        told = self.report(SHOP, '--top', '1').decode()
        self.assertIn('412 ms', told)
        self.assertNotIn('160 ms', told.split('Callbacks by total time')[0]
                         .split('Worst stalls')[1])

    def test_json_has_the_same(self):
        told = json.loads(self.report(SHOP, '--format', 'json'))
        self.assertEqual(told['schema'], 'looptrace.report/1')
        loop, = told['loops']
        self.assertEqual((loop['name'], loop['turns'], loop['stalls']),
                         ('main', 6, 3))
        # In order: 1, 3, 414, 6, 161 and 201 ms.
        self.assertEqual(loop['busy_ns'], 786_000_000)
        self.assertEqual(loop['turn']['max_ns'], 414_000_000)
        self.assertEqual([s['duration_ns'] for s in told['stalls']],
                         [412_000_000, 160_000_000, 200_000_000])
        self.assertEqual(told['callbacks'][0]['site']['function'], 'render')
        call, = told['calls']
        self.assertEqual((call['callee'], call['total_ns']),
                         ('uv_sleep', 400_000_000))

    def test_a_stall_has_the_place_that_check_gives_it(self):
        data = unseen(SCRIPT)
        for form in ('text', 'markdown', 'html'):
            told = self.report(data, '--format', form).decode()
            for words in ('a turn, in readFile (server.js:8)',
                          'read_all (twin.c:44), longest in readFile '
                          '(server.js:8)'):
                self.assertIn(words, told.replace('\\', ''), form)
        told = json.loads(self.report(data, '--format', 'json'))
        self.assertEqual(told['stalls'][0]['place']['function'], 'readFile')
        told = self.report(unseen()).decode()
        self.assertIn('a turn, in parse_config (twin.c:12)\n', told)
        self.assertIn('a turn, callbacks not seen\n', told)
        self.assertRegex(told, r'read +read_all \(twin.c:44\)\n')

    def test_the_pool_is_told_where_there_was_one(self):
        from test_export import POOL
        told = self.report(POOL).decode()
        self.assertIn('Thread pool: 1 jobs on 1 workers, all busy 33 %', told)
        self.assertRegex(told, r'waited for a worker +2(\.0)? ms')
        told = json.loads(self.report(POOL, '--format', 'json'))
        self.assertEqual(told['pool']['service']['max_ns'], 20_000_000)
        self.assertEqual(told['pool']['saturated_ns'], 20_000_000)
        self.assertEqual(told['tasks'], {'seen': 2, 'unfinished': 1})
        self.assertNotIn(b'Thread pool', self.report(SHOP))

    def test_html_is_one_page_that_loads_nothing(self):
        page = Page(self.report(SHOP, '--format', 'html').decode())
        self.assertEqual((page.open, page.outside), ([], []))
        self.assertFalse(page.tags & {'script', 'link', 'img', 'iframe'})
        self.assertTrue({'svg', 'rect', 'table'} <= page.tags)
        self.assertIn(['412 ms', '0.300 s', 'main', 'uv_sleep',
                       'work render (shop.c:47)'], page.rows)
        self.assertIn('main', [row[0] for row in page.rows])

    def test_markdown_has_the_tables(self):
        told = self.report(SHOP, '--format', 'markdown').decode()
        self.assertIn('| 412 ms | 0.300 s | main | uv_sleep | work render '
                      '(shop.c:47) |', told)
        told = self.report(CLEAN, '--format', 'markdown').decode()
        self.assertIn('No stall of 50 ms or more.', told)

    def test_places_are_sorted_as_asked(self):
        def order(*options):
            told = json.loads(self.report(SHOP, '--format', 'json', *options))
            return [(c['kind'], c['total_ns'] // 10**6, c['count'])
                    for c in told['callbacks']]
        tick, read, work, other = (('timer', 1, 1), ('read', 163, 3),
                                   ('work', 412, 1), ('timer', 200, 1))
        self.assertEqual(order(), [work, other, read, tick])
        self.assertEqual(order('--sort', 'self'), [work, other, read, tick])
        self.assertEqual(order('-s', 'count')[0], read)
        self.assertEqual(order('-s', 'longest'), [work, other, read, tick])
        self.assertEqual(order('-s', 'count', '--top', '1'), [read])
        told = self.report(SHOP, '-s', 'count').decode()
        self.assertIn('Callbacks by count\n', told)
        self.assertIn('Blocking calls by count\n', told)

    def test_percentiles_are_told_when_asked_for(self):
        # Ninety callbacks of 1 ms, nine of 10 ms, one of 100 ms.
        text, at = '0 loop+\n1 poll\n', 2
        for i in range(100):
            took = 1 if i < 90 else 10 if i < 99 else 100
            text += (f'{at} wake n=1\n{at} resume task=1 kind=read '
                     f'site=on_read\n{at + took} await task=1\n'
                     f'{at + took} poll\n')
            at += took + 1
        text += f'{at} loop-\n'
        told = self.report(text, '--percentiles').decode()
        row = next(line.split('  ') for line in told.splitlines()
                   if line.endswith('read on_read (shop.c:31)') and
                   line.startswith('        100'))
        row = [cell.strip() for cell in row if cell.strip()]
        near = [float(number) * (1e-3 if unit == 'us' else 1)
                for number, unit in map(str.split, row[1:7])]
        for got, true in zip(near, (1, 1, 10, 100, 100, 100)):
            self.assertAlmostEqual(got, true, delta=true * 0.04)
        self.assertNotIn('Percentiles', self.report(text).decode())
        for name in ('markdown', 'html'):
            self.assertIn('p99.9', self.report(text, '--percentiles',
                                               '--format', name).decode())
        callback, = json.loads(self.report(text, '--format',
                                           'json'))['callbacks']
        self.assertEqual(callback['p999_ns'], 100_000_000)

    def test_time_by_loop_and_by_task(self):
        told = self.report(SHOP, '-g', 'loop').decode()
        row = told.split('Time by loop\n')[1].splitlines()[1]
        # busy 786 ms; 400 in calls; 160 of no CPU, as the usage says.
        self.assertEqual(re.split(r'  +', row.strip()),
                         ['786 ms', '400 ms', '160 ms', '1.42 s', '6', '1', '3',
                          'main'])
        told = json.loads(self.report(SHOP, '-g', 'task', '--format', 'json'))
        self.assertEqual(
            [(t['task'], t['run_ns'] // 10**6, t['blocked_ns'] // 10**6,
              t['runs'], t['longest_ns'] // 10**6) for t in told['by_task']],
            [(3, 412, 400, 1, 412), (2, 201, 0, 2, 200), (1, 163, 0, 3, 160)])
        told = self.report(SHOP, '-g', 'task', '--top', '1').decode()
        self.assertIn('#3 work "GET/export" render (shop.c:47)\n', told)
        self.assertNotIn('Callbacks by', told)
        self.assertNotIn('#2 ', told)

    def test_waits_that_could_be_one_are_in_every_form(self):
        from test_report_task import JOURNEY
        told = json.loads(self.report(JOURNEY, '--format', 'json'))
        gather, = told['gatherable']
        self.assertEqual((gather['saved_ns'], gather['awaited']),
                         (15_000_000, 2))
        for name in ('text', 'markdown', 'html'):
            told = self.report(JOURNEY, '--format', name).decode()
            told = told.replace('&#35;', '#')
            self.assertIn('they could save up to', told)
            row = next(line for line in told.splitlines()
                       if '#1 render (shop.c:47)' in line)
            self.assertIn('15 ms', row)
            self.assertIn('0.180 s', row)

    def test_diff_is_the_command_diff(self):
        (self.dir / 'old.lt').write_bytes(trace(CLEAN))
        told = self.report(SHOP, '--diff', 'old.lt')
        self.assertEqual(told, self.looptrace('diff', 'old.lt', 'x.lt').stdout)

    def test_hostile_names_come_out_inert(self):
        data = fixture(SHOP)
        for name in ('text', 'json', 'markdown', 'html'):
            told = self.report(data, '--format', name, '--percentiles')
            assert_inert(self, told)
            told = self.report(data, '--format', name, '-g', 'task')
            assert_inert(self, told)
            told = self.report(data, '--format', name)
            assert_inert(self, told)
            if name == 'html':
                page = Page(told.decode())
                self.assertEqual(page.open, [])
                self.assertNotIn('script', page.tags)
                self.assertIn(r"</script><!--]]>'", str(page.rows)
                              .replace("\\'", "'"))
            elif name == 'json':
                json.loads(told)
            elif name == 'markdown':
                self.assertEqual({line.count('|') for line in
                                  told.decode().splitlines()
                                  if line.startswith('|')}, {5, 6, 7})

    def test_a_damaged_trace_is_reported_on_and_said_to_be(self):
        data = bytearray(trace(SHOP))
        data[-200] ^= 1
        (self.dir / 'x.lt').write_bytes(data)
        result = self.looptrace('report', 'x.lt')
        self.assertEqual(result.returncode, 0, result)
        self.assertRegex(result.stdout, rb'damaged at byte \d+')
        (self.dir / 'x.lt').write_bytes(trace(CLEAN, ended=False))
        result = self.looptrace('report', 'x.lt')
        self.assertIn(b'incomplete from byte', result.stdout)

    def test_wrong_usage_and_no_file(self):
        for words in ([], ['a', 'b'], ['--top', '0', 'a'], ['--top', 'x', 'a'],
                      ['--format', 'pdf', 'a'], ['--what', 'a'],
                      ['-s', 'total self', 'a'], ['-g', 'thread', 'a']):
            self.assertEqual(self.looptrace('report', *words).returncode, 2)
        result = self.looptrace('report', 'none.lt')
        self.assertEqual(result.returncode, 3)
        self.assertIn(b'looptrace report: none.lt: there is no such file',
                      result.stderr)


if __name__ == '__main__':
    unittest.main()
