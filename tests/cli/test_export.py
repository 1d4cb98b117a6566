"""looptrace export: each format is read by somebody else's reader."""
import collections
import csv
import io
import json
import re
import subprocess
import unittest

from hostile import assert_inert, fixture
from looptrace import BUILDDIR, SRCDIR, Case, needs
from trace_text import CLEAN, SHOP, trace

# A read wakes a timer's task from another thread, after a job in the pool.
POOL = """
0     loop+
0     spawn task=1 kind=read site=on_read from=main
1     poll
10    wake n=1
10    resume task=1 kind=read site=on_read
11    spawn task=2 kind=fs site=on_tick from=on_read
12    await task=1
12    poll
13    pool+ task=2 kind=fs site=render thread=1
33    pool- task=2 thread=1
34    wake n=1
34    resume task=2 kind=fs site=on_tick
36    mark text=here n=7
36    counter text=open n=3
37    counter text=open n=-4
54    done task=2
55    poll
60    wake
61    loop- alive=1
"""
TEXTS = ('chrome-json', 'ndjson', 'csv', 'folded', 'otlp', 'openmetrics')


class Export(Case):
    def export(self, name, text=SHOP, *options, data=None):
        (self.dir / 'x.lt').write_bytes(data or trace(text))
        result = self.looptrace('export', '--format', name, *options, 'x.lt')
        self.assertEqual((result.returncode, result.stderr), (0, b''), result)
        return result.stdout

    def chrome(self, *arguments, **how):
        told = json.loads(self.export('chrome-json', *arguments, **how))
        return told['traceEvents']


class Chrome(Export):
    def test_slices_nest_on_each_thread(self):
        odd = ['0.000123 loop+'] + [  # no double is a round number of these
            f'{i * 0.7777777:.6f} {word}' for i in range(1, 3000)
            for word in (('wake', 'poll')[i % 2],)] + ['3000 loop-']
        for text in (SHOP, CLEAN, POOL, '\n'.join(odd)):
            tracks = collections.defaultdict(list)
            for e in self.chrome(text):
                if e['ph'] == 'X':
                    self.assertGreaterEqual(e['dur'], 0)
                    tracks[e['tid']].append((e['ts'], -e['dur'], e['name']))
            self.assertTrue(tracks)
            for slices in tracks.values():
                open_ends = []
                for begin, negative, name in sorted(slices):
                    while open_ends and open_ends[-1] <= begin:
                        open_ends.pop()
                    end = begin - negative
                    if open_ends:
                        self.assertLessEqual(end, open_ends[-1], name)
                    open_ends.append(end)

    def test_times_and_names_are_those_of_the_trace(self):
        slices = {(e['cat'], e['name']): (e['ts'], e['dur'])
                  for e in self.chrome(SHOP) if e['ph'] == 'X'}
        self.assertEqual(slices['callback', 'render'], (300_000, 412_000))
        self.assertEqual(slices['call', 'uv_sleep'], (312_000, 400_000))
        self.assertEqual(slices['run', 'main'], (0, 2_201_000))
        turns = [e for e in self.chrome(SHOP) if e.get('cat') == 'turn']
        self.assertEqual([t['dur'] for t in turns],
                         [1000, 3000, 414_000, 6000, 161_000, 201_000])

    def test_arrows_lead_from_a_spawn_through_the_pool_to_the_callback(self):
        flows = [e for e in self.chrome(POOL) if e.get('cat') == 'flow']
        ids = collections.Counter((e['ph'], e['id']) for e in flows)
        self.assertEqual(set(ids.values()), {1})
        self.assertEqual([(e['ph'], e['ts'], e['tid']) for e in flows],
                         [('s', 11_000, 4711), ('t', 13_000, 4712),
                          ('f', 34_000, 4711)])

    def test_tasks_are_async_spans_with_an_id_each(self):
        events = self.chrome(POOL)
        begins = {e['id']: e for e in events if e['ph'] == 'b'}
        ends = {e['id']: e for e in events if e['ph'] == 'e'}
        self.assertEqual(set(begins), {'0x1', '0x2'})
        self.assertEqual(set(ends), set(begins))
        self.assertEqual(ends['0x2']['ts'] - begins['0x2']['ts'], 43_000)
        self.assertEqual(begins['0x2']['args']['parent'], 1)
        self.assertTrue(begins['0x1']['args']['unfinished'])

    def test_marks_counters_threads_and_the_process_are_named(self):
        events = self.chrome(POOL)
        self.assertEqual([(e['name'], e['args']['value']) for e in events
                          if e['ph'] == 'i'], [('here', 7)])
        self.assertEqual([e['args'] for e in events if e['ph'] == 'C'],
                         [{'value': 3}, {'value': -4}])
        names = [e['args'] for e in events if e['name'].endswith('_name')]
        self.assertEqual([n['name'] for n in names],
                         ['shop', 'shop', r'pool\x1b[2J'])

    def test_a_range_leaves_out_what_does_not_touch_it(self):
        slices = [e for e in self.chrome(SHOP, '--range', '500ms..800ms')
                  if e['ph'] == 'X']
        self.assertEqual(sorted(e['name'] for e in slices),
                         ['main', 'on_read', 'on_tick', 'poll', 'poll',
                          'render', 'turn', 'turn', 'uv_sleep'])
        cut, = [e for e in slices if e['name'] == 'main']
        self.assertEqual((cut['dur'], cut['args']), (800_000, {'cut': True}))

    def test_what_did_not_end_reaches_to_the_end(self):
        last = [e for e in self.chrome('0 loop+\n5 resume task=1 kind=read\n'
                                       '9 lost n=4 ms=1\n')
                if e['ph'] == 'X']
        self.assertEqual({e['args'].get('unfinished') for e in last}, {True})


class Rows(Export):
    def rows(self, *arguments, **how):
        told = self.export('ndjson', *arguments, **how).decode()
        return [json.loads(line) for line in told.splitlines()]

    def test_every_event_is_a_line_with_names(self):
        rows = self.rows(SHOP)
        self.assertEqual(len(rows), SHOP.strip().count('\n') + 1)
        call, = [r for r in rows if r['kind'] == 'call']
        self.assertEqual(
            (call['callee'], call['duration_ns'], call['function'],
             call['task']), ('uv_sleep', 400_000_000, 'render', 3))
        spawn = next(r for r in rows if r.get('task') == 3)
        self.assertEqual((spawn['parent'], spawn['made_in']),
                         (1, 'on_read (shop.c:31)'))
        labelled = [r for r in rows if r['kind'] == 'resume' and r['task'] == 3]
        self.assertEqual(labelled[0]['label'], 'GET/export')

    def test_csv_says_the_same(self):
        for text in (SHOP, CLEAN, POOL):
            rows = self.rows(text)
            told = self.export('csv', text).decode()
            table = list(csv.DictReader(io.StringIO(told, newline='')))
            self.assertEqual(
                [{k: v for k, v in row.items() if v != ''} for row in table],
                [{k: str(v) for k, v in row.items()} for row in rows])

    def test_a_range_gives_the_events_in_it(self):
        rows = self.rows(SHOP, '--range', '500ms..713ms')
        self.assertEqual([r['kind'] for r in rows], ['call', 'done', 'usage'])


class Filter(Export):
    def spans(self, words, text=SHOP):
        events = self.chrome(text, '-q', '--filter', words)
        return [(e['cat'], e['name'], e['dur']) for e in events
                if e['ph'] == 'X']

    def test_spans_that_match_are_exported(self):
        render = ('callback', 'render', 412_000)
        call = ('call', 'uv_sleep', 400_000)
        self.assertEqual(self.spans('dur>300ms kind:cb'), [render])
        self.assertEqual(self.spans('rule:blocking-call'), [call])
        self.assertEqual(self.spans('site:render'), [call, render])
        self.assertEqual(self.spans('site:rend* -kind:call'), [render])
        self.assertEqual(self.spans('kind:work,timer dur:100ms..500ms'),
                         [render, ('callback', 'shop+0x60', 200_000)])
        self.assertEqual(self.spans('task:#3'), [call, render])
        self.assertEqual(self.spans('kind:turn dur>400ms'),
                         [('turn', 'turn', 414_000)])
        self.assertEqual(self.spans('loop:other'), [])
        self.assertEqual(self.spans('/^uv_/'), [call])
        self.assertEqual(self.spans(''), self.spans('loop:main,pool'))

    def test_arrows_need_both_their_ends(self):
        phases = {e['ph'] for e in self.chrome(POOL, '--filter', 'kind:fs')}
        self.assertFalse(phases & {'s', 't', 'f'})
        self.assertTrue({'X', 'b', 'e'} <= phases)

    def test_rows_and_spans_and_stacks_take_it_too(self):
        rows = [json.loads(line) for line in self.export(
            'ndjson', SHOP, '--filter', 'kind:call').decode().splitlines()]
        self.assertEqual([(r['kind'], r['callee']) for r in rows],
                         [('call', 'uv_sleep')])
        rows = self.export('csv', SHOP, '--filter', 'task:3 kind:resume')
        self.assertEqual(rows.decode().count('\n'), 2)
        self.assertEqual(
            self.export('folded', SHOP, '--filter', 'dur<200ms').decode(),
            'main;on_read 160000\nmain;shop+0x60;(starved) 200000\n')
        self.assertEqual(
            self.export('folded', SHOP, '--filter', 'uv_sleep').decode(),
            'main;read on_read;render 12000\n'
            'main;read on_read;render;uv_sleep 400000\n')
        told = json.loads(self.export('otlp', SHOP, '--filter', 'site:render'))
        spans = told['resourceSpans'][0]['scopeSpans'][0]['spans']
        self.assertEqual({s['name'] for s in spans},
                         {'render', 'uv_sleep', 'GET/export', 'read on_read'})

    def test_with_a_range_both_count(self):
        events = self.chrome(SHOP, '--filter', 'kind:cb', '--range',
                             '0.2s..1s')
        self.assertEqual([e['name'] for e in events if e['ph'] == 'X'],
                         ['render', 'on_read', 'on_tick'])

    def test_a_filter_that_nothing_matches_says_so(self):
        (self.dir / 'x.lt').write_bytes(trace(SHOP))
        said = b'looptrace export: nothing in the trace matches --filter\n'
        for name in ('chrome-json', 'ndjson', 'csv', 'folded', 'otlp'):
            for words in (('site:nowhere',), ('dur>1h', '--range', '0s..2s')):
                result = self.looptrace('export', '-f', name, '--filter',
                                        *words, 'x.lt')
                self.assertEqual((result.returncode, result.stderr),
                                 (0, said), (name, words))
        # It has the spawns, but draws them as arrows, of which there are none.
        result = self.looptrace('export', '-f', 'chrome-json', '--filter',
                                'kind:spawn', 'x.lt')
        self.assertEqual(result.stderr, said)
        self.assertNotIn(b'"X"', result.stdout)
        for words in (('-q', '--filter', 'site:nowhere'),
                      ('--filter', 'site:render')):
            result = self.looptrace('export', '-f', 'csv', *words, 'x.lt')
            self.assertEqual((result.returncode, result.stderr), (0, b''))

    def test_what_is_not_understood_is_wrong_usage(self):
        (self.dir / 'x.lt').write_bytes(trace(SHOP))
        for name, words, said in (
                ('csv', 'dur>soon', b'a duration is dur>10ms'),
                ('csv', '/(/', b'no regular expression'),
                ('csv', 'kind<timer', b'only dur takes'),
                ('csv', 'a' * 300, b'too long'),
                ('openmetrics', 'kind:fs', b'means nothing to openmetrics')):
            result = self.looptrace('export', '-f', name, '--filter', words,
                                    'x.lt')
            self.assertEqual((result.returncode, result.stdout), (2, b''))
            self.assertIn(said, result.stderr)


class Others(Export):
    def test_folded_stacks_weigh_what_the_stalls_took(self):
        lines = self.export('folded').decode().splitlines()
        self.assertEqual(lines, [
            'main;on_read 160000',
            'main;read on_read;render 12000',
            'main;read on_read;render;uv_sleep 400000',
            'main;shop+0x60;(starved) 200000'])

    def test_otlp_spans_have_their_parents(self):
        for floor, expected in (('1ms', 9), ('100ms', 6)):
            told = json.loads(self.export('otlp', SHOP, '--min', floor))
            spans = told['resourceSpans'][0]['scopeSpans'][0]['spans']
            by_id = {s['spanId']: s for s in spans}
            self.assertEqual(len(by_id), len(spans))
            for span in spans:
                self.assertRegex(span['traceId'], '^[0-9a-f]{32}$')
                self.assertLessEqual(int(span['startTimeUnixNano']),
                                     int(span['endTimeUnixNano']))
                if 'parentSpanId' in span:
                    parent = by_id[span['parentSpanId']]
                    self.assertEqual(parent['traceId'], span['traceId'])
            sleep, = [s for s in spans if s['name'] == 'uv_sleep']
            chain = []
            while sleep:
                chain.append(sleep['name'])
                sleep = by_id.get(sleep.get('parentSpanId'))
            self.assertEqual(chain, ['uv_sleep', 'render', 'GET/export',
                                     'read on_read'])

    def test_openmetrics_are_the_totals(self):
        told = self.export('openmetrics').decode()
        self.assertTrue(told.endswith('# EOF\n'))
        for line in ('looptrace_loop_turns{loop="main"} 6',
                     'looptrace_loop_busy_seconds{loop="main"} 0.786',
                     'looptrace_loop_turn_seconds_bucket{loop="main",le="0.1"} 3',
                     'looptrace_stall_seconds{loop="main",cause="starved"} 0.16',
                     'looptrace_trace_complete 1'):
            self.assertIn(line + '\n', told)

    @needs('promtool')
    def test_promtool_accepts_openmetrics(self):
        for data in (None, fixture(SHOP)):
            result = subprocess.run(
                ['promtool', 'check', 'metrics'], capture_output=True,
                input=self.export('openmetrics', data=data), check=False)
            self.assertEqual((result.returncode, result.stderr), (0, b''))


HAS_PERFETTO = '#define LTV_PERFETTO 1' in (BUILDDIR / 'config.h').read_text()


@unittest.skipUnless(HAS_PERFETTO, 'built without libprotobuf-c')
@needs('protoc')
class Perfetto(Export):
    def packets(self, text=SHOP, data=None):
        """What protoc makes of it, with the numbers of Perfetto's format."""
        result = subprocess.run(
            ['protoc', '--decode=lt_perfetto.Trace', 'perfetto.proto',
             '--proto_path', str(SRCDIR / 'viewer' / 'output')],
            input=self.export('perfetto', text, data=data),
            capture_output=True, check=True)
        told = result.stdout.decode()
        self.assertNotRegex(told, r'^ *\d+:', 'a field without a name')
        for packet in re.findall(r'^packet \{\n(.*?)^\}', told, re.M | re.S):
            yield collections.defaultdict(list, {
                key: re.findall(rf'^ *{key}: (.*)$', packet, re.M)
                for key in re.findall(r'^ *(\w+): ', packet, re.M)})

    def test_slices_end_in_the_order_of_time(self):
        slices = []
        for p in self.packets(SHOP):
            if 'SLICE' in str(p['type']):
                slices.append((int(p['timestamp'][0]), p))
        tracks, spans = collections.defaultdict(list), []
        for time, p in sorted(slices, key=lambda pair: pair[0]):
            track = tracks[p['track_uuid'][0]]
            if p['type'] == ['TYPE_SLICE_BEGIN']:
                track.append((p['name'][-1], time))
            else:
                name, begin = track.pop()
                spans.append((name.strip('"'), (time - begin) // 10**6))
        for expected in (('render', 412), ('uv_sleep', 400), ('main', 2201)):
            self.assertIn(expected, spans)
        left = [name for track in tracks.values() for name, _ in track]
        self.assertEqual(left, ['"read on_read"', '"timer on_tick"'])

    def test_arrows_and_counters(self):
        packets = list(self.packets(POOL))
        flows = [f for p in packets for f in p['flow_ids']]
        ends = [f for p in packets for f in p['terminating_flow_ids']]
        self.assertEqual(len(set(flows)), len(flows))
        self.assertEqual(sorted(ends), sorted(flows))
        self.assertEqual([p['counter_value'] for p in packets
                          if p['counter_value']], [['3'], ['-4']])

    def test_hostile_names_are_inert(self):
        names = [name for p in self.packets(data=fixture(SHOP))
                 for name in p['name']]
        self.assertTrue(any('x1b' in name for name in names))
        for name in names:
            self.assertNotRegex(name, r'\\0[0-3]\d|\\n|\\302\\2[0-3]')


class Hostile(Export):
    def test_hostile_names_come_out_inert_and_parse(self):
        data = fixture(SHOP)
        for name in TEXTS:
            told = self.export(name, data=data)
            assert_inert(self, told)
            if name in ('chrome-json', 'otlp'):
                json.loads(told)
            elif name == 'ndjson':
                self.assertEqual(len([json.loads(line) for line in
                                      told.splitlines()]), 38)
            elif name == 'csv':
                table = list(csv.reader(io.StringIO(told.decode())))
                self.assertEqual({len(row) for row in table}, {23})
                self.assertEqual(len(table), 39)
            elif name == 'folded':
                for line in told.decode().splitlines():
                    self.assertRegex(line, r'^[^\n]*;[^\n]* \d+$')

    def test_hostile_texts_can_be_told_from_what_is_shown(self):
        rows = [json.loads(line) for line in
                self.export('ndjson', data=fixture(SHOP)).splitlines()]
        names = {r.get('function') for r in rows}
        self.assertIn(r'caf\xe9\xff\xc0\x80\xed\xa0\x80\xf8end', names)

    def test_a_damaged_trace_is_exported_up_to_there(self):
        data = bytearray(trace(SHOP))
        data[-200] ^= 1
        for name in TEXTS:
            self.export(name, data=bytes(data))


class Usage(Export):
    def test_wrong_usage_is_said_in_a_line(self):
        (self.dir / 'x.lt').write_bytes(trace(CLEAN))
        for words, said in (
                (['x.lt'], b'which format?'),
                (['-f', 'exe\x1b', 'x.lt'], rb'no format `exe\x1b`'),
                (['-f', 'csv', 'a', 'b'], b'one trace at a time'),
                (['-f', 'csv', '--range', '3s', 'x.lt'], b'A before B'),
                (['-f', 'csv', '--range', '3s..2s', 'x.lt'], b'A before B'),
                (['-f', 'csv', '--range', '99s..', 'x.lt'],
                 b'begins at 1m39.000s, and the trace ends at 1.000 s\n'),
                (['-f', 'openmetrics', '--range', '1s..', 'x.lt'], b'nothing'),
                (['-f', 'otlp', '--min', '3', 'x.lt'], b'a unit')):
            result = self.looptrace('export', *words)
            self.assertEqual(result.returncode, 2, words)
            self.assertIn(said, result.stderr)
            self.assertEqual(result.stdout, b'')
            self.assertNotIn(b'\x1b', result.stderr)

    def test_what_cannot_be_read_or_written_is_3(self):
        (self.dir / 'x.lt').write_bytes(trace(CLEAN))
        (self.dir / 'text').write_text('{}')
        (self.dir / 'full').symlink_to('/dev/full')
        for words, said in ((['none.lt'], b'there is no such file'),
                            (['text'], b'not a looptrace trace'),
                            (['-o', 'no/such', 'x.lt'], b'no/such: '),
                            (['-o', 'full', '--overwrite', 'x.lt'],
                             b'full: cannot write it: No space')):
            result = self.looptrace('export', '-f', 'csv', *words)
            self.assertEqual(result.returncode, 3, result)
            self.assertIn(said, result.stderr)
            self.assertEqual(result.stderr.count(b'\n'), 1)

    def test_an_existing_file_is_kept_unless_told_otherwise(self):
        (self.dir / 'x.lt').write_bytes(trace(CLEAN))
        out = self.dir / 'x.csv'
        out.write_text('mine')
        words = ('export', '-f', 'csv', '-o', 'x.csv', 'x.lt')
        result = self.looptrace(*words)
        self.assertEqual((result.returncode, out.read_text()), (3, 'mine'))
        self.assertIn(b'--overwrite', result.stderr)
        self.assertEqual(self.looptrace(*words, '--overwrite').returncode, 0)
        self.assertTrue(out.read_text().startswith('time_ns,'))
        out.unlink()
        self.assertEqual(self.looptrace(*words).returncode, 0)
        self.assertEqual(out.stat().st_mode & 0o777, 0o600)

    def test_help_fits_80_columns(self):
        told = self.looptrace('export', '--help').stdout.decode()
        self.assertLessEqual(max(map(len, told.splitlines())), 80)
        for name in TEXTS:
            self.assertIn(name, told)


if __name__ == '__main__':
    unittest.main()
