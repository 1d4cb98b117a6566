"""looptrace info: what is in a trace, and is it whole."""
import json
import unittest

from golden import compare
from looptrace import Case
from trace_text import CLEAN, SHOP, trace


class Info(Case):
    def info(self, data, *options, code=0):
        (self.dir / 'x.lt').write_bytes(data)
        result = self.looptrace('info', *options, 'x.lt')
        self.assertEqual(result.returncode, code, result)
        return result.stdout

    def json(self, data, *options, code=0):
        return json.loads(self.info(data, '--json', *options, code=code))

    def test_all_of_it_in_words(self):
        text = SHOP + '2202 lost n=3 cause=1 ms=1\n2203 lost n=2 cause=2 ms=0\n'
        data = trace(text, notes=['libuv was loaded twice'])
        compare(self, 'info-shop.txt', self.info(data, '-v', '--verify', code=0))

    def test_json_has_it_in_numbers(self):
        data = trace(SHOP)
        told = self.json(data, '--verify')
        self.assertEqual(told['schema'], 'looptrace.info/1')
        self.assertEqual(told['trace']['events'], len(
            [line for line in SHOP.splitlines() if line.strip()]))
        self.assertEqual(told['trace']['pid'], 4711)
        self.assertEqual(told['trace']['complete'], True)
        self.assertEqual(told['verified'], True)
        self.assertEqual(told['size_bytes'], len(data))
        self.assertEqual(told['modules'][0]['build_id'], 'c0ffee')
        self.assertEqual([t['is_main'] for t in told['threads']],
                         [True, False])

    def test_how_the_process_ended(self):
        for reason, status, words in ((1, 7, b'exited with status 7'),
                                      (2, 9, b'killed by signal 9'),
                                      (3, 0, b'recording was stopped'),
                                      (4, 0, b'became another program')):
            told = self.info(trace(CLEAN, reason=reason, status=status))
            self.assertIn(words, told)

    def test_losses_are_told_by_cause(self):
        told = self.info(trace(CLEAN + '1001 lost n=3 cause=1 ms=1\n'
                                       '1002 lost n=4 cause=5 ms=1\n'))
        self.assertRegex(told, rb'lost +7\n +3: the ring was full, from '
                               rb'1\.000 s to 1\.001 s\n +4: the trace file '
                               rb'could not be written, from 1\.')

    def test_a_cut_trace_is_said_to_be_and_from_where(self):
        data = trace(SHOP)[:-70]
        told = self.json(data)
        self.assertEqual(told['trace']['problem'], 'incomplete')
        self.assertFalse(told['trace']['complete'])
        self.assertIn(b'incomplete from byte', self.info(data))
        self.info(data, '--verify', code=3)

    def test_damage_inside_is_found_by_verify(self):
        data = bytearray(trace(SHOP))
        data[-200] ^= 1
        told = self.json(bytes(data), '--verify', code=3)
        self.assertEqual(told['trace']['problem'], 'damaged')
        self.assertFalse(told['verified'])

    def test_wrong_usage_and_no_file(self):
        for words in ([], ['a', 'b'], ['--what', 'a']):
            self.assertEqual(self.looptrace('info', *words).returncode, 2)
        self.assertEqual(self.looptrace('info', 'none.lt').returncode, 3)


if __name__ == '__main__':
    unittest.main()
