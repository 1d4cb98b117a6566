"""What a callback costs under the preload, in instructions above the untraced
one: counts, so that a busy machine changes nothing.  The limits are what was
reached and a tenth; what exceeds them made the hot path longer."""
import pathlib
import unittest

from looptrace import BUILDDIR, LOOPTRACE, Case, needs

PROGRAM = BUILDDIR / 'tests/programs/callbacks'
FEW, MANY = 4000, 12000
OFF = ('--delay', '1h')
CLOCK = pathlib.Path('/sys/devices/system/clocksource/clocksource0/'
                     'current_clocksource')


def is_optimised():
    """By gcc with -O2, as the limits were measured."""
    lines = (BUILDDIR / 'Makefile').read_text().splitlines()
    flags = next(line for line in lines if line.startswith('CFLAGS ='))
    compiler = next(line for line in lines if line.startswith('CC ='))
    return '-O2' in flags.split() and 'gcc' in compiler


@needs('valgrind')
@unittest.skipUnless(is_optimised(), 'not built by gcc -O2')
@unittest.skipUnless(CLOCK.exists() and CLOCK.read_text().strip() == 'tsc',
                     'the clock is not the TSC')
class Instructions(Case):
    def count(self, workload, callbacks, options):
        """options: of record; None: not recorded."""
        out = self.dir / 'callgrind'
        command = ['valgrind', '--tool=callgrind',
                   f'--callgrind-out-file={out}', PROGRAM, workload, callbacks]
        if options is not None:
            command = [LOOPTRACE, 'record', *options, '--overwrite', '-o',
                       'x.lt', '--', *command]
        result = self.run_command(*command, seconds=120)
        self.assertEqual(result.returncode, 0, result)
        return next(int(line.split()[1])
                    for line in out.read_text().splitlines()
                    if line.startswith(('summary:', 'totals:')))

    def each(self, workload, options):
        few, many = (self.count(workload, n, options) for n in (FEW, MANY))
        return (many - few) / (MANY - FEW)

    def assert_at_most(self, workload, limit, *options):
        above = self.each(workload, options) - self.each(workload, None)
        self.assertGreater(above, 40, 'it was not traced')
        self.assertLessEqual(above, limit)

    def test_a_callback(self):
        self.assert_at_most('idle', 120)

    def test_a_timer_that_starts_itself_again(self):
        self.assert_at_most('timer', 335)

    def test_a_wake_up_with_its_turn(self):
        self.assert_at_most('async', 525)

    def test_a_byte_through_a_pipe(self):
        self.assert_at_most('pipe', 605)

    def test_a_callback_switched_off(self):
        self.assert_at_most('idle', 106, *OFF)

    def test_a_timer_that_starts_itself_again_switched_off(self):
        self.assert_at_most('timer', 316, *OFF)

    def test_a_byte_through_a_pipe_switched_off(self):
        self.assert_at_most('pipe', 445, *OFF)


if __name__ == '__main__':
    unittest.main()
