"""chat for ten minutes: a thousand clients that come and go, and the server's
memory stays as it is.  LOOPTRACE_SOAK_SECONDS makes it shorter."""
import os
import pathlib
import resource
import signal
import subprocess
import time
import unittest

from looptrace import LONG, SAMPLES, Case

CLIENTS = 1000
SECONDS = float(os.environ.get('LOOPTRACE_SOAK_SECONDS', 600))


def more_files():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))


@unittest.skipUnless(LONG, 'takes ten minutes: ./dev test --long')
class Soak(Case):
    def rss_kib(self):
        for line in (self.proc / 'status').read_text().splitlines():
            if line.startswith('VmRSS:'):
                return int(line.split()[1])
        self.fail('no VmRSS')

    def n_files(self):
        return len(list((self.proc / 'fd').iterdir()))

    def settle(self, n_files):
        """Wait until the server has closed what clients left."""
        end = time.monotonic() + 60
        while self.n_files() > n_files and time.monotonic() < end:
            time.sleep(0.1)
        self.assertEqual(self.n_files(), n_files)

    def test_memory_stays_flat(self):
        server = subprocess.Popen([SAMPLES / 'chat', '--serve'],
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE,
                                  preexec_fn=more_files)
        self.addCleanup(server.communicate)
        self.addCleanup(server.kill)
        self.proc = pathlib.Path('/proc') / str(server.pid)
        port = server.stdout.readline().split()[1].decode()
        n_files = self.n_files()
        load = subprocess.Popen([SAMPLES / 'chat', '--load', port,
                                 str(CLIENTS), str(SECONDS)],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                preexec_fn=more_files)
        self.addCleanup(load.communicate)
        self.addCleanup(load.kill)
        seen, most = [], 0
        while load.poll() is None:
            seen.append(self.rss_kib())
            most = max(most, self.n_files() - n_files)
            time.sleep(SECONDS / 60)
        said, wrong = load.communicate()
        self.assertEqual((load.returncode, wrong), (0, b''))
        self.settle(n_files)
        third = len(seen) // 3
        early, late = max(seen[third:2 * third]), max(seen[2 * third:])
        self.measured(f'{said.decode().strip()}; RSS {early} KiB in the second '
                      f'third, {late} in the last; at most {most} clients at '
                      f'once')
        self.assertGreater(most, CLIENTS / 2)
        self.assertLess(late, early * 1.02 + 256)
        server.send_signal(signal.SIGINT)
        _, wrong = server.communicate(timeout=60)
        self.assertEqual((server.returncode, wrong), (0, b''))


if __name__ == '__main__':
    unittest.main()
