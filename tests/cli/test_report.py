"""looptrace report, over traces whose every number is stated in text."""
import html.parser
import json
import unittest

from golden import compare
from hostile import assert_inert, fixture
from looptrace import Case
from trace_text import CLEAN, SHOP, trace


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

    def test_hostile_names_come_out_inert(self):
        data = fixture(SHOP)
        for name in ('text', 'json', 'markdown', 'html'):
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
                                  if line.startswith('|')}, {6, 7})

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
                      ['--format', 'pdf', 'a'], ['--what', 'a']):
            self.assertEqual(self.looptrace('report', *words).returncode, 2)
        result = self.looptrace('report', 'none.lt')
        self.assertEqual(result.returncode, 3)
        self.assertIn(b'looptrace report: none.lt: there is no such file',
                      result.stderr)


if __name__ == '__main__':
    unittest.main()
