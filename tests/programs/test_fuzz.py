"""The reader against a fuzzer, with an address sanitizer, for a minute."""
import os

from looptrace import BUILDDIR, LONG, SRCDIR, Case, needs

RUN = SRCDIR / 'tests' / 'fuzz' / 'run.sh'
MAKE = BUILDDIR / 'tests' / 'support' / 'make_trace'
SECONDS = 600 if LONG else 45


class Fuzz(Case):
    @needs('clang')
    def test_no_bytes_make_the_reader_fail(self):
        (self.dir / 'x.c').write_text(
            'int LLVMFuzzerTestOneInput(const char *p, long n) { return p && n < 0; }\n')
        built = self.run_command('clang', '-fsanitize=fuzzer,address', '-o', 'x', 'x.c')
        if built.returncode != 0:
            self.skipTest('clang has no fuzzer (libclang-rt-dev)')
        # The same inputs each time: what a machine does in the time is more or
        # less of one sequence.
        result = self.run_command('sh', RUN, SECONDS, self.dir / 'fuzz', MAKE, seconds=SECONDS + 200,
                                  env=dict(os.environ, FUZZ_SEED='1'))
        said = result.stderr.decode('utf-8', 'replace')
        self.assertEqual(result.returncode, 0, said[-4000:])
        self.assertIn('Done ', said)
