"""The samples of tasks once more, built with sanitizers.

SANDIR is a build with the address sanitizer, TSANDIR one with the thread
sanitizer (`dev test --long` makes it).
"""
import os
import pathlib
import unittest

import test_task_samples
from looptrace import BUILDDIR, SANDIR, SRCDIR

TSANDIR = os.environ.get('TSANDIR')


@unittest.skipIf(SANDIR == BUILDDIR, 'SANDIR names no other build')
class AddressSanitizer(test_task_samples.TaskSamples):
    samples = SANDIR / 'samples'
    sanitizer = {'ASAN_OPTIONS': 'detect_leaks=1'}


@unittest.skipUnless(TSANDIR, 'TSANDIR names no build')
class ThreadSanitizer(test_task_samples.TaskSamples):
    samples = pathlib.Path(TSANDIR or '.') / 'samples'
    sanitizer = {'TSAN_OPTIONS': 'halt_on_error=1:suppressions='
                 f'{SRCDIR}/tests/support/tsan.supp'}


if __name__ == '__main__':
    unittest.main()
