"""Two readers, two writers: the library's, and those of doc/format.md alone."""
import json
import os
import random
import subprocess
import unittest
import zlib

import lt_decode
import lt_encode as enc
from looptrace import BUILDDIR, LONG, SRCDIR, Case

DUMP = BUILDDIR / 'tests' / 'support' / 'dump_trace'
MAKE = BUILDDIR / 'tests' / 'support' / 'make_trace'
FIXTURES = sorted((SRCDIR / 'tests' / 'fixtures').glob('*.txt'))

WHOLE, DAMAGED, CUT, REFUSED = 0, 1, 2, 3
MIB = 1 << 20
ZEROS = zlib.compress(bytes(MIB), 9)
ZEROS_SIZE = {'flags': 1, 'size': MIB}


def lines_of(events):
    return [lt_decode.event_line(e) for e in events]


def random_events(rng, n, begin_ns, codecs=enc.CODECS):
    """One thread's: any kinds and values, whatever makes no sense included."""
    events = []
    time_ns = begin_ns
    for _ in range(n):
        time_ns += rng.choice((0, 1, 100, 10**4, 10**9))
        kind = rng.choice(sorted(codecs))
        wide = [rng.choice((0, 1, rng.getrandbits(7), rng.getrandbits(63),
                            lt_decode.M64, rng.getrandbits(64)))
                for _ in 'ab']
        # A kind has no value where its codec is NONE.
        values = [rng.choice((0, 3, 5, rng.getrandbits(40))),
                  rng.choice((0, 1, rng.getrandbits(16)))] + wide
        values = [v if c != lt_decode.NONE else 0
                  for v, c in zip(values, codecs[kind])]
        events.append((time_ns, kind, *values))
    return events


def random_trace(seed):
    rng = random.Random(seed)
    w = enc.Writer(deflate=rng.random() < 0.8)
    w.generation([enc.string(i, 's%d' % i) for i in range(1, 9)] +
                 [enc.thread(i, 100 + i, i == 0, 't%d' % i)
                  for i in range(5)] +
                 [enc.process(4711, 'random')])
    codecs = enc.CODECS
    if rng.random() < 0.3:  # what another recorder might write
        codecs = {kind: (lt_decode.UINT,) * 4 for kind in enc.CODECS}
    if rng.random() < 0.3:  # kinds from the future
        codecs = {**codecs, 22: (lt_decode.UINT,) * 4,
                  63: (lt_decode.DELTA,) * 4}
    for _ in range(rng.randrange(1, 6)):
        if rng.random() < 0.3:
            w.generation([enc.string(1, 'again'), enc.thread(0, 100, 1, 't')])
        begin = w.watermark
        last = begin
        for thread in rng.sample(range(5), rng.randrange(0, 6)):
            at = begin
            for _ in range(rng.randrange(1, 3)):
                events = random_events(rng, rng.randrange(1, 60), at, codecs)
                w.events(thread, events, codecs=codecs)
                at = events[-1][0]
                last = max(last, at)
            if rng.random() < 0.2:
                w.defs([enc.string(2, 'later'), enc.definition(77, 1, b'x')])
            if rng.random() < 0.2:
                w.block(200, b'from the future')
        w.epoch(last + rng.randrange(3), late=rng.randrange(3), short=2)
    w.end()
    return w.data()


def small_trace():
    w = enc.Writer()
    w.generation([enc.string(1, 'x'), enc.thread(0, 1, 1, 'main')])
    for begin in (0, 100, 200):
        w.events(0, [(begin + 1, lt_decode.RESUME, 5, 2, 1, 0),
                     (begin + 9, lt_decode.AWAIT, 5, 0, 0, 0)])
        w.events(1, [(begin + 9, lt_decode.MARK, 0, 0, 1, 2)])
        w.epoch(begin + 50)
    w.end()
    return w.data()


class SecondReader(Case):
    def write(self, data):
        path = self.dir / 'x.lt'
        path.write_bytes(data)
        return path

    def dump(self, *arguments, status=None):
        result = self.run_command(DUMP, *arguments)
        if status is not None:
            self.assertEqual(result.returncode, status, result)
        return result

    def compare(self, data, status, what):
        """Both readers must give the same events and the same verdict."""
        trace = lt_decode.read(data)
        mine = (WHOLE if trace.problem is None else
                CUT if isinstance(trace.problem, lt_decode.Cut) else DAMAGED)
        self.assertEqual(mine, status, (what, trace.problem))
        result = self.dump(self.write(data), status=status)
        self.assertEqual(result.stdout.decode().splitlines(),
                         lines_of(trace.events()), what)
        return trace


class Agreement(SecondReader):
    def test_both_read_what_the_recorder_writes(self):
        self.assertTrue(FIXTURES)
        for text in FIXTURES:
            path = self.dir / (text.stem + '.lt')
            made = self.run_command(MAKE, text, path)
            self.assertEqual(made.returncode, 0, made)
            data = path.read_bytes()
            trace = lt_decode.read(data)
            self.compare(data, CUT if trace.end is None else WHOLE, text)
            self.assertGreater(len(list(trace.events())), 0)

    def test_both_read_random_traces(self):
        for seed in range(1000 if LONG else 100):
            self.compare(random_trace(seed), WHOLE, 'seed %d' % seed)

    def test_both_stop_at_the_same_place_of_a_cut_trace(self):
        data = small_trace()
        for size in range(64, len(data), 1 if LONG else 7):
            self.compare(data[:size], CUT, 'cut at %d' % size)

    def test_definitions_are_those_of_the_second_reader(self):
        w = enc.Writer()
        w.generation([enc.string(1, 'main'), enc.string(2, 'stall.c'),
                      enc.module(1, 0x1000, 0x9000, '/bin/x', b'\xab\x01'),
                      enc.site(1, 0x1234, 1, 0x234),
                      enc.thread(0, 4711, 1, 'main'),
                      enc.loop(1, 0, 0), enc.note('seen from afar')])
        w.epoch(10)
        w.defs([enc.site(1, 0x1234, 1, 0x234, 1, 4, 2, 48),
                enc.loop(1, 0, 1)])
        w.generation([enc.thread(0, 4711, 1, 'renamed')])
        w.epoch(20)
        w.end()
        result = self.dump('--defs', self.write(w.data()), status=WHOLE)
        self.assertEqual(result.stdout.decode().splitlines(), [
            'thread 0 4711 1 renamed', 'note 0 seen from afar',
            'string 1 main', 'module 1 1000-9000 /bin/x ab01',
            'site 1 1234 1+234 main+4 stall.c:48', 'loop 1 0 main',
            'string 2 stall.c'])
        last = {}
        for one in lt_decode.read(w.data()).defs:
            last[one['def'], one.get('id', one.get('index'))] = one
        self.assertEqual(last['site', 1]['line'], 48)
        self.assertEqual(last['thread', 0]['name'], 'renamed')

    def test_what_is_open_at_an_epoch_is_what_the_second_reader_says(self):
        w = enc.Writer()
        w.generation([enc.thread(0, 1), enc.thread(1, 2)])
        w.events(0, [(5, lt_decode.LOOP_BEGIN, 0, 1, 0, 0),
                     (6, lt_decode.RESUME, 9, 2, 1, 0)])
        w.events(1, [(7, lt_decode.POOL_BEGIN, 4, 16, 1, 0)])
        w.epoch(10)
        w.events(0, [(15, lt_decode.MARK, 0, 0, 1, 0)])
        w.epoch(20)
        w.events(1, [(25, lt_decode.POOL_END, 4, 0, 0, 0)])
        w.epoch(30)
        w.end()
        result = self.dump('--at', '15', self.write(w.data()), status=WHOLE)
        opened = [line for line in result.stdout.decode().splitlines()
                  if line.startswith('open')]
        trace = lt_decode.read(w.data())
        self.assertEqual(opened, [
            'open thread %d kind %d x %d ref %d a %d since %d' %
            (thread, kind, x, ref, a, begin)
            for thread, opens in ((0, trace.opens[1][0]),
                                  (1, trace.opens[2][1]))
            for kind, x, ref, a, begin in opens])
        self.assertEqual(len(opened), 3)


class Flips(SecondReader):
    def test_the_second_reader_notices_every_changed_byte(self):
        data = small_trace()
        for at in range(len(data)):
            bad = bytearray(data)
            bad[at] ^= 1 << at % 8
            try:
                problem = lt_decode.read(bytes(bad)).problem
            except lt_decode.Wrong as wrong:
                problem = wrong
            self.assertIsNotNone(problem, at)

    def test_what_the_second_reader_refuses_the_first_reports(self):
        rng = random.Random(5)
        for _ in range(300 if LONG else 60):
            bad = bytearray(random_trace(rng.randrange(1000)))
            for _ in range(rng.randrange(1, 4)):
                bad[rng.randrange(64, len(bad))] ^= 1 << rng.randrange(8)
            result = self.dump('--verify', self.write(bytes(bad)))
            problem = lt_decode.read(bytes(bad)).problem
            self.assertEqual(result.returncode == WHOLE, problem is None,
                             (result, problem))


class Bombs(SecondReader):
    """Files that are small and ask for much."""

    def setUp(self):
        super().setUp()
        self.sanitized = b'__asan_init' in DUMP.read_bytes() or any(
            b'__asan_init' in path.read_bytes()
            for path in DUMP.parent.glob('.libs/*dump_trace*'))

    def refuse(self, path, seconds=2.0, rss=64 * MIB):
        """Verify: soon, in little memory, and with a problem that is placed."""
        process = subprocess.Popen([str(DUMP), '--verify', str(path)],
                                   stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)
        with process.stdout as out:
            text = out.read().decode('utf-8', 'replace')
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertIn(process.returncode, (DAMAGED, CUT), text)
        info = json.loads(text.splitlines()[1])
        self.assertIn('byte', info['text'])
        if not self.sanitized:
            self.assertLess(usage.ru_maxrss * 1024, rss + 2 * MIB, text)
            cpu = usage.ru_utime + usage.ru_stime
            self.assertLess(cpu, seconds, (cpu, text))
        return info

    def test_a_payload_of_zeros_that_inflates_a_thousandfold(self):
        w = enc.Writer(deflate=False)
        w.generation([])
        for thread in range(2000):
            w.block(lt_decode.EVENTS, ZEROS, ZEROS_SIZE, thread=thread,
                    count=65536, kinds=1)
        w.epoch(10, header={'count': 2000})
        w.end()
        info = self.refuse(self.write(w.data()))
        self.assertEqual(info['events'], 0)

    def test_definitions_that_inflate_a_thousandfold(self):
        w = enc.Writer(deflate=False)
        w.generation([])
        for _ in range(1500):
            w.block(lt_decode.DEFS, ZEROS, ZEROS_SIZE, count=MIB // 2)
        w.end()
        self.refuse(self.write(w.data()), seconds=6)

    def test_more_definitions_than_memory_is_given_to(self):
        w = enc.Writer()
        w.generation([])
        for block in range(150):
            w.defs([enc.string(1 + block * 500 + i, bytes(1900))
                    for i in range(500)])
        w.end()
        info = self.refuse(self.write(w.data()), rss=64 * MIB)
        self.assertIn('memory', info['text'])

    def test_ids_of_any_size_and_many(self):
        w = enc.Writer()
        w.generation([])
        for block in range(40):
            w.defs([enc.site((block * 20000 + i) * 5003 % 2**32, 1)
                    for i in range(20000)])
        w.end(header={'count': 1})
        self.dump('--verify', self.write(w.data()))
        self.refuse(self.write(w.data()[:-100]))

    def test_an_epoch_of_more_events_than_there_may_be(self):
        w = enc.Writer(deflate=False)
        w.generation([])
        events = [(1, lt_decode.MARK, 0, 0, 1, 1)] * 65536
        for thread in range(18):
            w.events(thread, events)
        w.epoch(10)
        w.end()
        info = self.refuse(self.write(w.data()))
        self.assertEqual(info['events'], 1 << 20)
        self.assertEqual(info['lost'], 18 * 65536 - (1 << 20))

    def test_an_epoch_of_a_block_for_each_of_many_threads(self):
        w = enc.Writer(deflate=False)
        w.generation([])
        for thread in range(70000):
            w.events(thread, [(1, lt_decode.MARK, 0, 0, 1, 1)])
        w.epoch(10)
        w.end()
        info = self.refuse(self.write(w.data()))
        self.assertEqual(info['events'], 65536)

    def test_a_sparse_terabyte(self):
        path = self.write(small_trace()[:-100])
        os.truncate(path, 1 << 40)
        info = self.refuse(path)
        self.assertGreater(info['events'], 0)

    def test_blocks_inside_blocks(self):
        inner = small_trace()
        w = enc.Writer(deflate=False)
        w.generation([])
        w.block(77, inner * 50)
        w.end()
        data = bytearray(w.data())
        data[64 + 64 + 4] ^= 1  # the header around them
        info = self.refuse(self.write(bytes(data)))
        self.assertLess(info['events'], 100)

    def test_headers_that_are_almost_right(self):
        head = lt_decode.BLOCK_MAGIC * 16
        w = enc.Writer()
        self.refuse(self.write(w.data() + head * 100000))


if __name__ == '__main__':
    unittest.main()
