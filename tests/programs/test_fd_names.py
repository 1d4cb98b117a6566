"""What a blocking call waited for is named: a path, whom a socket talks to."""
import json
import unittest

from looptrace import BUILDDIR, Case

WAITS_FOR = str(BUILDDIR / 'tests/programs/waits_for')


class Names(Case):
    def waits(self, *options, name='some\x1b[31mfile'):
        """Record it; what each call of the one stall waited on, and the port."""
        trace = self.dir / 'x.lt'
        result = self.looptrace('record', *options, '--overwrite', '-o', trace,
                                '--', WAITS_FOR, self.dir / name)
        self.assertEqual(result.returncode, 0, result)
        told = self.check(trace)
        stall = [f for f in told['findings']
                 if f.get('stall_kind') == 'slice'][0]
        calls = sorted(stall['calls'], key=lambda c: c['start_ns'])
        return ([(c['callee'], c['on']) for c in calls
                 if c['duration_ns'] > 30_000_000 and c['on']], trace,
                int(result.stdout))

    def test_each_sort_of_descriptor_has_its_name(self):
        calls, trace, port = self.waits()
        named = [(callee, on.split(' ', 2)[2]) for callee, on in calls
                 if on.startswith('fd ') and on.count(' ') > 1]
        file = f'{self.dir}/some\\x1b[31mfile'
        for wanted in (('read', 'pipe'), ('read', 'eventfd'), ('flock', file),
                       ('read', f'socket to 127.0.0.1:{port}')):
            self.assertIn(wanted, named, calls)
        text = self.looptrace('check', trace).stdout
        self.assertNotIn(b'\x1b', text)
        self.assertIn(b'flock', text)

    def test_names_can_be_left_out(self):
        calls, trace, _ = self.waits('--no-fd-names', name='secret')
        self.assertGreaterEqual(len(calls), 4)
        for _, on in calls:
            self.assertRegex(on, r'^(fd \d+|lock .*)$')
        self.assertNotIn(b'secret', trace.read_bytes())
        rows = self.looptrace('export', '-f', 'ndjson', '-o', '-', trace)
        kinds = {json.loads(line).get('kind')
                 for line in rows.stdout.splitlines()}
        self.assertNotIn('fd-name', kinds)

    def test_a_name_is_told_once(self):
        # By the program; the watchdog has its own eyes.
        _, trace, _ = self.waits('--stall-threshold', '10s')
        rows = self.looptrace('export', '-f', 'ndjson', '-o', '-', trace)
        told = [(row['value'], row['name'])
                for row in map(json.loads, rows.stdout.splitlines())
                if row.get('kind') == 'fd-name']
        self.assertGreaterEqual(len(told), 4)
        self.assertEqual(len(told), len(set(told)), told)


if __name__ == '__main__':
    unittest.main()
