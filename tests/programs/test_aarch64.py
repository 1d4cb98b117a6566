"""The switch for AArch64, run on an emulator where there is one."""
import unittest

from looptrace import BUILDDIR, SRCDIR, Case, needs

CC, EMULATOR = 'aarch64-linux-gnu-gcc', 'qemu-aarch64'
TASK = SRCDIR / 'libtrace/task'


class Switch(Case):
    @needs(CC)
    def test_it_is_assembled(self):
        result = self.run_command(CC, '-Wall', '-Werror', '-c', '-o', 'switch.o',
                                  TASK / 'switch.S')
        self.assertEqual(result.returncode, 0, result)

    @needs(CC, EMULATOR)
    def test_it_switches_and_keeps_registers(self):
        for optimise in ('-O0', '-O2'):
            built = self.run_command(
                CC, optimise, '-D_GNU_SOURCE', '-DLTI_TASK_ASM=1',
                '-static',
                '-I', SRCDIR / 'libtrace', '-I', BUILDDIR, '-o', 'alone',
                SRCDIR / 'tests/programs/switch_alone.c', TASK / 'context.c',
                TASK / 'switch.S')
            if b'stdlib.h' in built.stderr or b'cannot find' in built.stderr:
                self.skipTest('no libc6-dev-arm64-cross here')
            self.assertEqual(built.returncode, 0, built)
            result = self.run_command(EMULATOR, self.dir / 'alone')
            self.assertEqual(result.stdout,
                             b'3000 turns, sum 753750.0, kept 3000.25\n',
                             result)


if __name__ == '__main__':
    unittest.main()
