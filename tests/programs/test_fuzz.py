"""The reader against fuzzers, with an address sanitizer, for a minute."""
import os

from looptrace import BUILDDIR, LONG, SRCDIR, Case, needs

RUN = SRCDIR / 'tests' / 'fuzz' / 'run.sh'
MAKE = BUILDDIR / 'tests' / 'support' / 'make_trace'
SECONDS = {'reader': 35, 'index': 15, 'chunk': 10}


class Fuzz(Case):
    def fuzz(self, target):
        (self.dir / 'x.c').write_text(
            'int LLVMFuzzerTestOneInput(const char *p, long n) { return p && n < 0; }\n')
        built = self.run_command('clang', '-fsanitize=fuzzer,address', '-o', 'x', 'x.c')
        if built.returncode != 0:
            self.skipTest('clang has no fuzzer (libclang-rt-dev)')
        seconds = SECONDS[target] * (20 if LONG else 1)
        # The same inputs each time: what a machine does in the time is more or
        # less of one sequence.
        result = self.run_command('sh', RUN, target, seconds, self.dir / 'fuzz', MAKE, seconds=seconds + 200,
                                  env=dict(os.environ, FUZZ_SEED='1'))
        said = result.stderr.decode('utf-8', 'replace')
        self.assertEqual(result.returncode, 0, said[-4000:])
        self.assertIn('Done ', said)

    @needs('clang')
    def test_no_file_makes_the_reader_fail(self):
        self.fuzz('reader')

    @needs('clang')
    def test_no_index_takes_or_makes_events(self):
        self.fuzz('index')

    @needs('clang')
    def test_no_block_makes_the_decoder_fail(self):
        self.fuzz('chunk')
