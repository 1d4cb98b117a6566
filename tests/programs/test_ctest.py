"""ctest, which turns a libuv loop to run a project's tests side by side."""
import re
import unittest

from looptrace import Case, needs

PROJECT = '''cmake_minimum_required(VERSION 3.13)
project(small NONE)
enable_testing()
add_test(NAME says COMMAND sh -c "echo one; sleep 0.05; echo two")
add_test(NAME reads COMMAND sh -c "cat CMakeCache.txt")
add_test(NAME fails COMMAND sh -c "exit 3")
'''


def without_times(output):
    text = re.sub(rb'\d+\.\d+ sec', b'T sec', output)
    text = re.sub(rb' +T sec', b' T sec', text)
    return re.sub(rb' *\.\.+ *', b' .. ', text)


@needs('cmake', 'ctest')
class Ctest(Case):
    def test_runs_as_before_and_leaves_a_trace(self):
        (self.dir / 'CMakeLists.txt').write_text(PROJECT)
        made = self.run_command('cmake', '-S', '.', '-B', 'b')
        self.assertEqual(made.returncode, 0, made)

        run = ['ctest', '-j1', '--verbose']
        plain = self.run_command(*run, cwd=self.dir / 'b')
        path = self.dir / 'ctest.lt'
        recorded = self.looptrace('record', '-q', '-o', path, '--', *run,
                                  cwd=self.dir / 'b')
        self.assertIn(b'67% tests passed', plain.stdout)
        self.assertEqual(plain.returncode, 8)
        self.assertEqual(recorded.returncode, 8)
        self.assertEqual(without_times(recorded.stdout),
                         without_times(plain.stdout))
        self.assertEqual(recorded.stderr, plain.stderr)

        info = self.looptrace('info', path)
        self.assertEqual(info.returncode, 0, info)
        report = self.looptrace('report', path)
        self.assertEqual(report.returncode, 0, report)
        self.assertIn(b'process-exit', report.stdout)
        # The tests' own processes turn no loop: they leave no file.
        self.assertEqual([p.name for p in self.dir.glob('*.lt')], ['ctest.lt'])


if __name__ == '__main__':
    unittest.main()
