"""Large traces and bombs: memory stays within its bound, whatever the size."""
import json

import lt_decode
import lt_encode
from looptrace import BUILDDIR, LOOPTRACE, SRCDIR, Case
from test_index import BIG, CHUNKS, DIRECTORY, DUMP, MAKE, SUMMARY, with_payload

BOUND_KIB = 64 << 10
# A sanitizer has memory of its own.
IS_PLAIN = b'__asan' not in DUMP.read_bytes()


class Large(Case):
    def make(self, events, threads, name='x.lt'):
        made = self.run_command(BIG, events, threads, name)
        self.assertEqual(made.returncode, 0, made)
        words = made.stdout.split()
        return int(words[0]), int(words[2])

    def peak_kib(self, name):
        """The most memory that it takes to read all, to seek and to sum up."""
        result = self.run_command(DUMP, '--peak', name)
        self.assertEqual(result.returncode, 0, result)
        return int(result.stdout)

    def test_memory_does_not_grow_with_events(self):
        self.make(400000, 2, 'small.lt')
        events, _ = self.make(3000000, 2, 'large.lt')
        small, large = self.peak_kib('small.lt'), self.peak_kib('large.lt')
        if IS_PLAIN:
            self.assertLess(large, BOUND_KIB)
            self.assertLess(large, small + 8192)
        self.assertEqual(json.loads(self.run_command(DUMP, '--info', 'large.lt').stdout)['events'], events)

    def test_a_thousand_threads_are_read_back_in_order_within_the_bound(self):
        events, _ = self.make(900000, 1000)
        if IS_PLAIN:
            self.assertLess(self.peak_kib('x.lt'), BOUND_KIB)
        said = self.run_command(DUMP, '--count', 'x.lt').stdout
        self.assertEqual(int(said.split()[0]), events)
        info = json.loads(self.run_command(DUMP, '--verify', 'x.lt').stdout.splitlines()[1])
        self.assertEqual((info['events'], info['complete']), (events, True))
        summary = self.run_command(DUMP, '--summary', 'x.lt').stdout.decode()
        self.assertEqual(summary.splitlines()[0].split()[-3:], ['left', 'out', '744'])
        self.assertEqual(summary.count('\nlane '), 256)
        listed = json.loads(self.looptrace('info', '--json', 'x.lt').stdout)
        self.assertEqual(len(listed['threads']), 1000)


class Bomb(Case):
    """An index that is made to do harm."""

    def setUp(self):
        super().setUp()
        result = self.run_command(MAKE, SRCDIR / 'tests' / 'fixtures' / 'stall.txt', 'x.lt')
        self.assertEqual(result.returncode, 0, result)
        self.data = (self.dir / 'x.lt').read_bytes()
        self.trace = lt_decode.read(self.data)
        self.events = self.run_command(DUMP, 'x.lt').stdout

    def refused(self, data, problem=0):
        (self.dir / 'x.lt').write_bytes(data)
        result = self.run_command(DUMP, '--by-index', 'x.lt', seconds=20)
        self.assertEqual(result.stdout, self.events)
        info = json.loads(self.run_command(DUMP, '--by-index', '--info', 'x.lt').stdout)
        self.assertFalse(info['by_index'])
        self.assertEqual(info['problem'], problem)
        self.assertEqual(self.run_command(DUMP, '--summary', 'x.lt').returncode, 1 if problem else 0)
        self.assertEqual(self.run_command(LOOPTRACE, 'info', '--verify', 'x.lt').returncode, 3)

    def test_sections_that_inflate_a_thousandfold_are_refused(self):
        for section in (DIRECTORY, CHUNKS, SUMMARY):
            for fill in (b'\0', b'\x7f', b'\xff'):
                block = self.trace.sections[section]
                data = with_payload(self.data, self.trace, block, fill * (16 << 20))
                (self.dir / 'x.lt').write_bytes(data)
                result = self.run_command(DUMP, '--by-index', 'x.lt', seconds=20)
                self.assertEqual(result.stdout, self.events)
                summary = self.run_command(DUMP, '--by-index', '--summary', 'x.lt', seconds=20)
                self.assertEqual(summary.returncode, 0, summary)
                if section == SUMMARY:
                    self.assertEqual(summary.stdout, b'none\n')

    def test_an_index_that_points_elsewhere_is_refused(self):
        end = self.trace.blocks[-1]
        payload = end.payload()
        known = lt_decode.Cursor(payload, 0, len(payload), 0)
        for _ in range(5):
            known.varint()
        for at in (1, 64, end.at, end.at + 1, self.trace.blocks[2].at, self.trace.sections[CHUNKS].at, 1 << 62):
            there = bytearray()
            n = at
            while n >= 0x80:
                there.append(n & 0x7f | 0x80)
                n >>= 7
            there.append(n)
            data = with_payload(self.data, self.trace, end, payload[:known.at] + bytes(there))
            (self.dir / 'x.lt').write_bytes(data)
            self.assertEqual(self.run_command(DUMP, '--by-index', 'x.lt', seconds=20).stdout, self.events)
            info = json.loads(self.run_command(DUMP, '--by-index', '--info', 'x.lt').stdout)
            self.assertFalse(info['by_index'], at)

    def test_entries_that_overlap_or_leave_gaps_are_refused(self):
        block = self.trace.sections[DIRECTORY]
        payload = bytearray(block.payload())
        entries = lt_decode.read_directory(block)['entries']
        # The first entry's size is a varint of two bytes or more; change its low bits.
        size = entries[0]['bytes']
        low = bytes([size & 0x7f | 0x80, size >> 7 & 0x7f | (0x80 if size >> 14 else 0)])
        at = payload.index(low, payload.index(bytes([len(entries)])))
        for change in (1, 0x40):
            changed = bytearray(payload)
            changed[at] ^= change
            self.refused(with_payload(self.data, self.trace, block, bytes(changed)))


class BombOfBlocks(Case):
    """Small files whose blocks inflate a thousandfold."""

    def refused(self, data):
        """Within the bound, and told with its place."""
        self.assertLess(len(data), 3 << 20)
        (self.dir / 'x.lt').write_bytes(data)
        info = json.loads(self.run_command(DUMP, '--info', 'x.lt', seconds=60).stdout)
        self.assertNotEqual(info['problem'], 0)
        self.assertIn('at byte %d:' % info['at'], info['text'])
        verified = self.looptrace('info', '--verify', 'x.lt', seconds=60)
        self.assertEqual(verified.returncode, 3, verified)
        peak = self.run_command(DUMP, '--peak', 'x.lt', seconds=60)
        self.assertIn(peak.returncode, (1, 2), peak)
        if IS_PLAIN and peak.stdout:
            self.assertLess(int(peak.stdout), BOUND_KIB)
        return info['text']

    def test_definitions_that_inflate_to_a_gigabyte_are_refused(self):
        w = lt_encode.Writer()
        w.generation([lt_encode.string(1, 'x')])
        for i in range(2, 1000):
            w.defs([lt_encode.string(i, b'a' * ((1 << 20) - 16))])
        w.events(0, [(0, lt_decode.MARK, 0, 0, 1, 0)])
        w.epoch(1)
        w.end()
        self.assertIn('too much memory', self.refused(w.data()))

    def marks(self, per_block):
        """2,000 blocks of marks, each of one moment, which all can be decoded."""
        payload = lt_encode.events_payload([(0, lt_decode.MARK, 0, 0, 1, 0)] * per_block, lt_decode.Brackets())
        w = lt_encode.Writer()
        w.generation([lt_encode.string(1, 'x')])
        for time in range(2000):
            w.events(0, [(time, lt_decode.MARK, 0, 0, 1, 0)], payload=payload, header={'count': per_block})
            w.epoch_events += per_block - 1
            w.n_events += per_block - 1
            if time % 10 == 9:
                w.epoch(time + 1)
        w.end()
        return w.data()

    def test_blocks_with_more_events_than_their_bytes_may_hold_are_refused(self):
        self.assertIn('more events than so few bytes', self.refused(self.marks(65536)))
        self.assertEqual(json.loads(self.run_command(DUMP, '--info', 'x.lt').stdout)['events'], 0)

    def test_blocks_that_are_nearly_so_dense_are_read(self):
        data = self.marks(3000)
        self.assertGreater(2000 * 3000, lt_decode.LIMIT_PER_BYTE / 2 * len(data))
        (self.dir / 'x.lt').write_bytes(data)
        info = json.loads(self.run_command(DUMP, '--info', 'x.lt').stdout)
        self.assertEqual((info['problem'], info['events']), (0, 2000 * 3000))

    def test_events_that_inflate_a_thousandfold_are_passed_over(self):
        w = lt_encode.Writer()
        w.generation([lt_encode.string(1, 'x')])
        for epoch in range(500):
            for _ in range(3):
                w.events(0, [(epoch, lt_decode.MARK, 0, 0, 1, 0)], payload=bytes(1 << 20),
                         header={'count': 65536})
            w.epoch(epoch + 1)
        w.end()
        self.refused(w.data())
