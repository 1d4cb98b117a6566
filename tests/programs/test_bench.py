"""What measures still compiles: it is built by nothing else."""
import sys

from looptrace import BUILDDIR, SRCDIR, Case


class Bench(Case):
    def test_every_program_compiles(self):
        result = self.run_command(sys.executable, SRCDIR / 'bench/run.py', BUILDDIR, '--compile', seconds=240)
        self.assertEqual(result.returncode, 0, result)
        built = result.stdout.decode().split()
        self.assertLessEqual({'emit', 'callbacks', 'drain', 'make_big', 'read'}, set(built))
        for name in ('task_bench', 'task_switch', 'task_echo'): # by make tests-ready
            self.assertTrue((BUILDDIR / 'bench' / name).exists(), name)
