"""check --runs N -- COMMAND: which run is judged."""
import json
import unittest

from looptrace import BUILDDIR, Case

NOISE = BUILDDIR / 'tests' / 'programs' / 'noise'
# Runs 1, 4, 7... sleep in a callback; the others do not.
SCRIPT = f"""
n=$(cat n 2>/dev/null || echo 0)
echo $((n + 1)) >n
[ $((n % 3)) = 0 ] && exec {NOISE} sleep 400
exec {NOISE} clean
"""


class Runs(Case):
    def told(self, code, *options):
        (self.dir / 'n').unlink(missing_ok=True)
        result = self.looptrace(
            'check', '--format', 'json', '--max-stall', '300ms', *options,
            '--', 'sh', '-c', SCRIPT, seconds=120,
            env={'PATH': '/usr/bin:/bin', 'TMPDIR': str(self.dir)})
        self.assertEqual(result.returncode, code, result.stderr)
        return json.loads(result.stdout)

    def test_the_run_that_is_asked_for_is_judged(self):
        for how, code in (('optimistic', 0), ('median', 0),
                          ('pessimistic', 1)):
            told = self.told(code, '--runs', '3', '--aggregate', how)
            self.assertEqual(told['notes'], [
                '3 runs: 2 pass, 1 fail, 0 inconclusive, 0 other; judged: '
                + how])
        # Of two, the worse is in the middle: no run is let off by a tie.
        self.told(1, '--runs', '2')

    def test_only_the_trace_that_was_judged_is_kept(self):
        self.told(1, '--runs', '3', '--aggregate', 'pessimistic')
        kept = [p for p in self.dir.iterdir() if p.is_dir()]
        self.assertEqual(len(kept), 1)
        self.told(0, '--runs', '3')
        self.assertEqual([p for p in self.dir.iterdir() if p.is_dir()], kept)

    def test_a_command_that_is_not_there_is_told_once(self):
        result = self.looptrace('check', '--runs', '5', '--', '/nowhere/none')
        self.assertEqual(result.returncode, 127)
        self.assertEqual(result.stderr.count(b'\n'), 1)
        result = self.looptrace('check', '--runs', '0', '--', 'true')
        self.assertEqual(result.returncode, 2)
        result = self.looptrace('check', '--runs', '2', '-o', 'x.lt', '--',
                                'true')
        self.assertEqual(result.returncode, 2)


if __name__ == '__main__':
    unittest.main()
