"""node, where it uses the system's libuv (Debian's does)."""
import os
import pathlib
import shutil
import subprocess
import unittest

from looptrace import Case

PROGRAM = '''const fs = require('fs');
function runsAnother() {
  require('child_process').execSync('sleep 0.3');
}
setTimeout(function slowSync() {
  const end = Date.now() + 400;
  while (Date.now() < end);
  setTimeout(runsAnother, 100);
}, 20);
fs.readFile(__filename, 'utf8', (error, text) => console.log(text.length));
'''
NAMES = ['--perf-basic-prof', '--interpreted-frames-native-stack']


def uses_libuv():
    node = shutil.which('node')
    told = node and subprocess.run(['ldd', node], capture_output=True,
                                   text=True, check=False)
    return bool(told) and 'libuv.so' in told.stdout


@unittest.skipUnless(uses_libuv(), 'no node that uses the system\'s libuv')
class Node(Case):
    def setUp(self):
        super().setUp()
        (self.dir / 'app.js').write_text(PROGRAM)

    def run_recorded(self, *options):
        path = self.dir / 'node.lt'
        before = set(pathlib.Path('/tmp').glob('perf-*.map'))
        told = self.looptrace('record', '-q', '-o', path, '--', 'node',
                              *options, 'app.js')
        for made in set(pathlib.Path('/tmp').glob('perf-*.map')) - before:
            if made.stat().st_uid == os.getuid():
                made.unlink()
        self.assertEqual(told.returncode, 0, told)
        self.assertEqual(told.stdout, b'%d\n' % len(PROGRAM))
        return path

    def test_its_callbacks_have_readable_names(self):
        path = self.run_recorded()
        report = self.looptrace('report', path)
        self.assertIn(b'node::Environment::RunTimers', report.stdout)
        self.assertNotIn(b'_ZN', report.stdout)

    def test_a_loop_run_inside_a_callback_is_named(self):
        told = self.check(self.run_recorded(), '--max-stall', '100ms')
        callees = [f['callee'] for f in told['findings']
                   if f['rule'] == 'stall']
        self.assertIn('uv_run', callees)

    def test_functions_made_at_run_time_are_named(self):
        told = self.check(self.run_recorded(*NAMES), '--max-stall', '100ms')
        places = [(f['site']['function'], f['site']['line'])
                  for f in told['findings'] if f['rule'] == 'stall']
        self.assertIn(('slowSync', 5), places)
        self.assertIn(('runsAnother', 2), places)


if __name__ == '__main__':
    unittest.main()
