"""The index at a trace's end says what the events say."""
import json
import random
import zlib

import lt_decode
import lt_directory
import lt_encode
import lt_summary
from looptrace import BUILDDIR, LONG, SAMPLES, SRCDIR, Case

DUMP = BUILDDIR / 'tests' / 'support' / 'dump_trace'
MAKE = BUILDDIR / 'tests' / 'support' / 'make_trace'
FIXTURES = sorted((SRCDIR / 'tests' / 'fixtures').glob('*.txt'))
CROWD = BUILDDIR / 'tests' / 'programs' / 'record_crowd'
BIG = BUILDDIR / 'tests' / 'support' / 'make_big'
DIRECTORY, CHUNKS, SUMMARY = 1, 2, 3


def some_thread(rng, lines, thread, begin_ms, end_ms):
    """Runs, polls, slices and jobs, some of them without begin or end."""
    now = begin_ms
    while now < end_ms:
        what = rng.choice((
            'loop-begin x=%d' % rng.choice((1, 1, 2)), 'loop-end x=%d' % rng.choice((1, 1, 2)),
            'poll-begin a=0', 'poll-begin a=0', 'poll-end a=1', 'poll-end a=1',
            'resume ref=%d x=timer a=site:on_tick@t.c:%d' % (rng.randrange(1, 4), rng.randrange(1, 9)),
            'await ref=%d' % rng.randrange(1, 4), 'done ref=%d' % rng.randrange(1, 4),
            'pool-begin ref=%d x=work a=site:job' % rng.randrange(8, 10),
            'pool-end ref=%d' % rng.randrange(8, 10), 'mark a="x" b=1',
            'early-turn x=%d a=%dms b=%dms' % (rng.choice((1, 2)), rng.choice((1, 60, 300)), rng.choice((1, 55, 200))),
            'lost x=%s a=3 b=1ms' % rng.choice(('full', 'nested'))))
        if rng.random() < 0.05 and 'lost' not in what:
            continue
        lines.append((now, '%.3fms t%d %s' % (now, thread, what)))
        now += rng.choice((0, 0.01, 1, 7, 60, 200, 3000) if rng.random() < 0.3 else (0, 0.01, 0.5))


def some_trace(seed):
    rng = random.Random(seed)
    text = ['process 7 random', 'thread 0 main tid 7', 'thread 1 other tid 8']
    begin = 0
    n_epochs = rng.randrange(1, 5)
    for i in range(n_epochs):
        end = begin + rng.choice((20, 300, 9000))
        lines = []
        for thread in range(2):
            some_thread(rng, lines, thread, begin, end)
        text += [line for _, line in sorted(lines, key=lambda one: one[0])]
        end = max([end] + [at for at, _ in lines])
        text.append('epoch %.3fms' % end)
        if rng.random() < 0.3 and i + 1 < n_epochs:
            text.append('generation')
        begin = end
    return '\n'.join(text + ['end exited 0', ''])


def with_payload(data, trace, block, payload):
    """The file with another payload in one block, all else in order."""
    stored = zlib.compress(payload) if block.flags & 1 else payload
    head = bytearray(data[block.at:block.at + 64])
    head[8:12] = len(stored).to_bytes(4, 'little')
    head[12:16] = len(payload).to_bytes(4, 'little')
    head[56:60] = zlib.crc32(stored).to_bytes(4, 'little')
    head[60:64] = zlib.crc32(head[:60]).to_bytes(4, 'little')
    return data[:block.at] + head + stored + data[block.end:]


def raised(bins, level):
    """A coarser row of the pyramid."""
    out = {}
    for i, (busy, longest, count) in sorted(bins.items()):
        b, l, c = out.get(i >> level, (0, 0, 0))
        out[i >> level] = (b + busy, max(l, longest), c + count)
    return out


def as_dumped(summary):
    """What dump_trace --summary prints for it."""
    lines = ['summary bin %d warn %d left out %d' %
             (1 << summary['shift'], summary['least'], summary['left_out'])]
    for (is_pool, loop, thread), lane in summary['lanes'].items():
        lines.append('lane %d %d %d busy %d longest %d count %d' %
                     (is_pool, loop, thread, lane['busy'], lane['longest'], lane['count']))
        for level in range(12):
            lines += ['bin %d %d %d %d %d' % ((level, i) + values)
                      for i, values in sorted(raised(lane['bins'], level).items())]
        lines.append('stalls %d' % lane['stalls_all'])
        lines += ['stall ' + ' '.join(map(str, stall)) for stall in lane['stalls']]
    return lines


class Index(Case):
    def make(self, text):
        (self.dir / 'x.txt').write_text(text)
        result = self.run_command(MAKE, 'x.txt', 'x.lt')
        self.assertEqual(result.returncode, 0, (result, text))
        return self.dir / 'x.lt'

    def agree(self, path, what):
        data = path.read_bytes()
        trace = lt_decode.read(data)
        self.assertIsNone(trace.problem, what)
        self.assertEqual(lt_decode.read_directory(trace.sections[DIRECTORY]), lt_directory.directory(trace), what)
        self.assertEqual(lt_decode.read_chunks(trace.sections[CHUNKS], trace.header['size']),
                         lt_directory.chunks(trace), what)
        verified = self.run_command(DUMP, '--verify', path)
        self.assertEqual(verified.stdout.splitlines()[0], b'all is well', (what, verified))
        said = lt_decode.read_summary(trace.sections[SUMMARY])
        self.assertEqual(said, lt_summary.summary(data), what)
        dumped = self.run_command(DUMP, '--summary', path)
        self.assertEqual(dumped.returncode, 0, dumped)
        self.assertEqual(dumped.stdout.decode().splitlines(), as_dumped(said), what)
        return said

    def test_the_summary_of_a_fixture_is_that_of_its_events(self):
        for fixture in FIXTURES:
            text = fixture.read_text()
            if '\nend ' in text:
                self.agree(self.make(text), fixture)

    def test_the_summary_of_any_events_is_that_of_them(self):
        turns = 0
        for seed in range(400 if LONG else 40):
            said = self.agree(self.make(some_trace(seed)), 'seed %d' % seed)
            turns += sum(lane['count'] for lane in said['lanes'].values())
        self.assertGreater(turns, 100)

    def test_the_summary_of_a_recording_is_that_of_its_events(self):
        path = self.record(SAMPLES / 'stall')
        said = self.agree(path, 'stall')
        (_, _, thread), lane = next(iter(said['lanes'].items()))
        self.assertEqual(thread, 0)
        # Each of its stalls lasts 150 ms; two may fall into one turn.
        self.assertGreaterEqual(lane['stalls_all'], 1)
        self.assertGreaterEqual(lane['longest'], 140000000)
        self.assertGreaterEqual(max(stall[3] for stall in lane['stalls']), 140000000)

    def test_files_that_begin_in_the_middle_have_their_index(self):
        # Each with loops, polls and slices that others began.
        for command in ((SAMPLES / 'stall',), (CROWD, 'run', '2', '200000'), (SAMPLES / 'pipeline',)):
            result = self.looptrace('record', '-q', '--mode', 'lossless', '--max-size', '1K', '--keep', '999',
                                    '-o', 'y.lt', '--', *command)
            self.assertEqual(result.returncode, 0, result)
            paths = sorted(self.dir.glob('y.*.lt'))
            self.assertGreater(len(paths), 1)
            for path in paths:
                self.agree(path, path.name)
                self.assertIs(self.info(path, '--by-index')['by_index'], True)
                path.unlink()

    def test_snapshots_have_their_index(self):
        for command, window in (((SAMPLES / 'stall',), '64M'), ((CROWD, 'run', '2', '300000'), '100K'),
                                ((SAMPLES / 'pipeline',), '2K')):
            result = self.looptrace('record', '-q', '--mode', 'flight=' + window, '--snapshot-on-stall', '1us',
                                    '-o', 'y.lt', '--', *command)
            self.assertEqual(result.returncode, 0, result)
            paths = sorted(self.dir.glob('y.*.lt'))
            self.assertGreater(len(paths), 0)
            for path in paths:
                self.agree(path, path.name)
                self.assertIs(self.info(path, '--by-index')['by_index'], True)
                path.unlink()

    def test_the_index_of_a_trace_of_many_epochs_is_that_of_its_blocks(self):
        lines = ['process 7 many', 'thread 0 main tid 7', '0ms t0 loop-begin x=1']
        for i in range(8200):
            lines += ['%dms t0 mark a="x" b=%d' % (i + 1, i), 'epoch %dms' % (i + 1)]
            if i % 1000 == 700:
                lines.append('generation')
        path = self.make('\n'.join(lines + ['end exited 0', '']))
        self.agree(path, 'many')
        entries = lt_decode.read_directory(lt_decode.read(path.read_bytes()).sections[DIRECTORY])['entries']
        self.assertEqual(len(entries), 4100)
        # The file is large enough to be opened by its index.
        self.assertIs(self.info(path)['by_index'], True)
        for at_ns in (0, 1, 5000000, 8190500000, 8200000000):
            seen = self.run_command(DUMP, '--at', at_ns, path).stdout.splitlines()
            first = max(0, at_ns // 1000000 - 1) if at_ns > 1000000 else 0
            self.assertIn(b'"b": %d' % first, next(l for l in seen if b'"kind": 15' in l), at_ns)

    def dump(self, *arguments, path='x.lt'):
        result = self.run_command(DUMP, *arguments, path)
        return result.returncode, result.stdout, result.stderr

    def info(self, path, *how):
        status, out, error = self.dump(*how, '--info', path=path)
        self.assertIn(status, (0, 1, 2), error)
        return json.loads(out)

    def test_damage_is_the_same_with_and_without_the_index(self):
        rng = random.Random(3)
        data = self.make(some_trace(11) if not LONG else some_trace(5)).read_bytes()
        end = lt_decode.read(data).sections[DIRECTORY].at
        differ = 0
        for _ in range(2000 if LONG else 150):
            damaged = bytearray(data)
            for _ in range(rng.choice((1, 1, 3))):
                damaged[rng.randrange(64, end)] ^= 1 << rng.randrange(8)
            (self.dir / 'x.lt').write_bytes(damaged)
            # Each event, and then what is known of the file when all was read.
            self.assertEqual(self.dump('--by-index')[1], self.dump()[1])
            said = [json.loads(self.dump(*how, '--verify')[1].splitlines()[1]) for how in ((), ('--by-index',))]
            differ += said[1].pop('by_index') != said[0].pop('by_index')
            self.assertEqual(said[0], said[1])
            self.assertNotEqual(said[0]['problem'], 0)
        self.assertGreater(differ, 0)

    def test_an_index_that_lies_is_found_out(self):
        path = self.make(some_trace(3))
        data = path.read_bytes()
        trace = lt_decode.read(data)
        rng = random.Random(4)
        original = self.dump()[1]
        refused = 0
        for section in (DIRECTORY, CHUNKS, SUMMARY):
            block = trace.sections[section]
            payload = block.payload()
            for _ in range(60 if section == DIRECTORY else 20):
                changed = bytearray(payload)
                at = rng.randrange(len(changed))
                changed[at] = rng.choice((changed[at] ^ 1, changed[at] ^ 0x40, 0, 0x7f))
                if changed == payload:
                    continue
                path.write_bytes(with_payload(data, trace, block, bytes(changed)))
                # Whatever it says, the events are the same, and verify tells.
                status, events, _ = self.dump('--by-index')
                self.assertEqual(events, original)
                self.assertEqual(self.dump('--by-index', '--verify')[0], 1, (section, at))
                self.assertEqual(self.dump('--verify')[0], 1, (section, at))
                refused += not self.info(path, '--by-index')['by_index']
        self.assertGreater(refused, 20)

    def test_an_epoch_that_the_index_hides_is_read(self):
        # Found by fuzz_index.c: an entry without kinds was passed over, and a cursor
        # that only the index knew was believed after the index was found to lie.
        lines = ['process 7 hidden', 'thread 0 main tid 7']
        for i in range(1, 7):
            lines += ['%dms t0 mark a="x" b=%d' % (i, i), 'epoch %dms' % (i + 1)]
        path = self.make('\n'.join(lines + ['end exited 0', '']))
        data = path.read_bytes()
        trace = lt_decode.read(data)
        block = trace.sections[DIRECTORY]
        original = self.dump()[1]
        for change in (lambda e: None, lambda e: e[0].update(kinds=0), lambda e: e[3].update(kinds=0),
                       lambda e: e[0].update(watermark=e[0]['watermark'] + 900000, kinds=0),
                       lambda e: (e[2].update(bytes=e[2]['bytes'] + 64), e[3].update(bytes=e[3]['bytes'] - 64)),
                       lambda e: (e[2].update(blocks=e[2]['blocks'] + 1), e[3].update(blocks=e[3]['blocks'] - 1)),
                       lambda e: e[2].update(watermark=e[3]['watermark'], first=e[2]['watermark'])):
            directory = lt_decode.read_directory(block)
            change(directory['entries'])
            path.write_bytes(with_payload(data, trace, block, lt_encode.directory_payload(directory)))
            # What is wrong is the index: nothing that the blocks say.
            self.assertEqual(self.dump('--by-index'), (0, original, b''))
            for at_ms in range(1, 8):
                at = self.dump('--by-index', '--at', at_ms * 1000000)[1]
                self.assertEqual(at, self.dump('--at', at_ms * 1000000)[1])

    def test_only_some_kinds_are_read(self):
        path = self.make(some_trace(7))
        for kinds in (1 << lt_decode.LOST, 1 << lt_decode.MARK, 1 << lt_decode.RESUME | 1 << lt_decode.DONE):
            wanted = [line for line in self.dump()[1].splitlines() if kinds >> json.loads(line)['kind'] & 1]
            for how in ((), ('--by-index',)):
                self.assertEqual(self.dump(*how, '--only', kinds)[1].splitlines(), wanted)

    def test_a_large_trace_is_opened_by_its_index(self):
        made = self.run_command(BIG, 1500000, 3, 'x.lt')
        self.assertEqual(made.returncode, 0, made)
        words = made.stdout.split()
        info = self.info('x.lt')
        self.assertEqual((info['by_index'], info['events'], info['lost'], info['complete']),
                         (True, int(words[0]), int(words[2]), True))
        status, out, _ = self.dump('--verify')
        self.assertEqual((status, out.splitlines()[0]), (0, b'all is well'))
        said = json.loads(self.looptrace('info', '--json', 'x.lt').stdout)
        self.assertEqual(sum(said['lost_by_cause'].values()), int(words[2]))
        # A block is damaged: reading finds it, and tells what is there.
        data = bytearray((self.dir / 'x.lt').read_bytes())
        data[len(data) // 2] ^= 4
        (self.dir / 'x.lt').write_bytes(data)
        status, out, _ = self.dump('--verify')
        self.assertEqual((status, out.splitlines()[0]), (1, b'the trace is damaged'))

    def test_recover_gives_an_index(self):
        for seed in range(30 if LONG else 6):
            path = self.make(some_trace(seed))
            data = path.read_bytes()
            trace = lt_decode.read(data)
            first = trace.sections[DIRECTORY].at
            (self.dir / 'cut.lt').write_bytes(data[:first + seed])
            result = self.looptrace('recover', 'cut.lt')
            self.assertEqual(result.returncode, 0, result)
            self.agree(self.dir / 'cut.recovered.lt', seed)
            self.assertTrue(self.info('cut.recovered.lt', '--by-index')['by_index'])
            # A whole one keeps its end, and all else.
            result = self.looptrace('recover', '--index', 'x.lt')
            self.assertEqual(result.returncode, 0, result)
            self.agree(self.dir / 'x.indexed.lt', seed)
            again = lt_decode.read((self.dir / 'x.indexed.lt').read_bytes())
            self.assertEqual(again.end, trace.end)
            self.assertEqual(again.defs, trace.defs)
            for section in (DIRECTORY, CHUNKS, SUMMARY):
                self.assertEqual(again.sections[section].payload(), trace.sections[section].payload())
            for name in ('cut.recovered.lt', 'x.indexed.lt'):
                (self.dir / name).unlink()

    def test_a_damaged_trace_is_recovered_without_an_index(self):
        path = self.make(FIXTURES[0].read_text())
        data = bytearray(path.read_bytes())
        trace = lt_decode.read(bytes(data))
        data[next(b for b in trace.blocks if b.type == lt_decode.EVENTS).at + 70] ^= 1
        path.write_bytes(data[:trace.sections[DIRECTORY].at])
        result = self.looptrace('recover', 'x.lt')
        self.assertIn(b'without an index', result.stderr)
        self.assertEqual(self.dump('--summary', path='x.recovered.lt')[1], b'none\n')

    def test_a_cut_trace_has_no_summary(self):
        path = self.make(FIXTURES[0].read_text())
        data = path.read_bytes()
        trace = lt_decode.read(data)
        path.write_bytes(data[:trace.sections[SUMMARY].at + 70])
        dumped = self.run_command(DUMP, '--summary', path)
        self.assertEqual(dumped.returncode, 2, dumped)
        self.assertEqual(dumped.stdout, b'none\n')
