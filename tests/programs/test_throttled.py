"""A cgroup's CPU limit is the machine's doing, not the program's."""
import errno
import os
import pathlib
import time
import unittest

from looptrace import BUILDDIR, Case

WATCHED = str(BUILDDIR / 'tests/programs/watched')
PERIOD_US, QUOTA_US = 100_000, 20_000


def v2():
    """A group of our own below the unified hierarchy, or None."""
    for root in ('/sys/fs/cgroup', '/sys/fs/cgroup/unified'):
        control = pathlib.Path(root) / 'cgroup.subtree_control'
        try:
            if 'cpu' in control.read_text().split():
                return pathlib.Path(root), {
                    'cpu.max': f'{QUOTA_US} {PERIOD_US}'}
        except OSError:
            continue
    return None


def v1():
    root = pathlib.Path('/sys/fs/cgroup/cpu')
    if (root / 'cpu.cfs_quota_us').exists() or root.is_dir():
        return root, {'cpu.cfs_period_us': str(PERIOD_US),
                      'cpu.cfs_quota_us': str(QUOTA_US)}
    return None


def remove(group):
    """A group goes when its last process has, which may take a moment."""
    for _ in range(1000):
        try:
            group.rmdir()
            return
        except OSError as error:
            if error.errno != errno.EBUSY:
                return
            time.sleep(0.01)


class Throttled(Case):
    def group(self):
        """A cgroup that gets a fifth of a CPU; its path."""
        for found in (v2(), v1()):
            if not found:
                continue
            root, limits = found
            group = root / f'looptrace-test-{os.getpid()}'
            try:
                group.mkdir()
            except OSError:
                continue
            self.addCleanup(remove, group)
            try:
                for name, value in limits.items():
                    (group / name).write_text(value)
                return group
            except OSError:
                continue
        self.skipTest('no cgroup with a CPU limit can be made here')

    def test_time_without_a_quota_is_starvation(self):
        group = self.group()
        path = self.dir / 'x.lt'
        # The command only goes into the group: the recorder keeps up.
        result = self.looptrace(
            'record', '-o', path, '--', 'sh', '-c',
            'echo $$ > "$1/cgroup.procs" && exec "$2" spin 1000', 'sh', group,
            WATCHED)
        self.assertEqual(result.returncode, 0, result)
        told = self.check(path)
        stall = [f for f in told['findings'] if f['stall_kind'] == 'slice'][0]
        cause = stall['cause']
        self.assertEqual(cause['word'], 'starved', told)
        self.assertGreater(cause['starved_ns'], stall['duration_ns'] // 2)
        self.assertLess(cause['cpu_ns'], stall['duration_ns'] // 2)
        self.assertLess(cause['blocked_ns'], stall['duration_ns'] // 10)


if __name__ == '__main__':
    unittest.main()
