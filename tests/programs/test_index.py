"""The index at a trace's end says what the events say."""
import random

import lt_decode
import lt_summary
from looptrace import BUILDDIR, LONG, SAMPLES, SRCDIR, Case

DUMP = BUILDDIR / 'tests' / 'support' / 'dump_trace'
MAKE = BUILDDIR / 'tests' / 'support' / 'make_trace'
FIXTURES = sorted((SRCDIR / 'tests' / 'fixtures').glob('*.txt'))
SUMMARY = 3


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
            'lost x=%s a=3 b=1ms' % rng.choice(('full', 'nested'))))
        if rng.random() < 0.05 and 'lost' not in what:
            continue
        lines.append((now, '%.3fms t%d %s' % (now, thread, what)))
        now += rng.choice((0, 0.01, 1, 7, 60, 200, 3000) if rng.random() < 0.3 else (0, 0.01, 0.5))


def some_trace(seed):
    rng = random.Random(seed)
    text = ['process 7 random', 'thread 0 main tid 7', 'thread 1 other tid 8']
    begin = 0
    for _ in range(rng.randrange(1, 5)):
        end = begin + rng.choice((20, 300, 9000))
        lines = []
        for thread in range(2):
            some_thread(rng, lines, thread, begin, end)
        text += [line for _, line in sorted(lines, key=lambda one: one[0])]
        end = max([end] + [at for at, _ in lines])
        text.append('epoch %.3fms' % end)
        if rng.random() < 0.3:
            text.append('generation')
        begin = end
    return '\n'.join(text + ['end exited 0', ''])


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
        self.assertGreaterEqual(lane['stalls_all'], 4)
        for stall in lane['stalls'][:4]:
            self.assertGreaterEqual(stall[1], 140000000)
            self.assertGreater(stall[3], 0.9 * stall[1] - 60000000)

    def test_a_cut_trace_has_no_summary(self):
        path = self.make(FIXTURES[0].read_text())
        data = path.read_bytes()
        trace = lt_decode.read(data)
        path.write_bytes(data[:trace.sections[SUMMARY].at + 70])
        dumped = self.run_command(DUMP, '--summary', path)
        self.assertEqual(dumped.returncode, 2, dumped)
        self.assertEqual(dumped.stdout, b'none\n')
