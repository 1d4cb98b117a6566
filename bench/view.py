#!/usr/bin/env python3
"""What the viewer costs somebody who looks: frames, keys, bytes, memory.

    bench/view.py [--build build] [--events 24000000] [--keys 1000] [--trace FILE]

Through a pseudo-terminal of 100x30: a frame is there when the process waits for
input again. Wall times are of a machine that may be busy; CPU times are not.
"""
import argparse
import fcntl
import os
import pathlib
import pty
import select
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'tests' / 'tui'))
import browse  # noqa: E402



class Visit:
    def __init__(self, command, **environment):
        leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack('4H', 30, 100, 0, 0))
        self.leader, self.began = leader, time.monotonic()
        self.process = subprocess.Popen(
            list(map(str, command)), stdin=follower, stdout=follower,
            stderr=follower, start_new_session=True,
            env={**os.environ, 'TERM': 'xterm-256color', 'LC_ALL': 'C.UTF-8',
                 'XDG_CONFIG_HOME': '/nonexistent', **environment})
        os.close(follower)

    def take(self, seconds):
        ready, _, _ = select.select([self.leader], [], [], seconds)
        try:
            return os.read(self.leader, 1 << 20) if ready else b''
        except OSError:
            return b''

    def until(self, *words, seconds=300):
        data, end = b'', time.monotonic() + seconds
        while time.monotonic() < end:
            data += self.take(.5)
            if any(word in data for word in words):
                return (time.monotonic() - self.began) * 1000
        raise SystemExit(f'{words} did not come: {data[-300:]!r}')

    def proc(self, name, field):
        text = pathlib.Path(f'/proc/{self.process.pid}/{name}').read_text()
        return int(next(line.split()[1] for line in text.splitlines()
                        if line.startswith(field)))

    def cpu_ms(self):
        text = pathlib.Path(f'/proc/{self.process.pid}/schedstat').read_text()
        return int(text.split()[0]) / 1e6

    def cpu_now_ms(self):
        """Of all its threads, to the moment."""
        return time.clock_gettime(~self.process.pid << 3 | 2) * 1000

    def turns(self):
        """How often it got a CPU; whether it sleeps now."""
        folder = pathlib.Path(f'/proc/{self.process.pid}')
        n = int((folder / 'schedstat').read_text().split()[2])
        return n, (folder / 'stat').read_text().rpartition(')')[2].split()[0] == 'S'

    def press(self, key):
        """Wall time to the last byte of the frame; the CPU time to it, and with
        what it begins; the frame's bytes."""
        before, _ = self.turns()
        cpu, begun, last, n = self.cpu_now_ms(), time.monotonic(), None, 0
        shown = cpu
        os.write(self.leader, key.encode())
        while time.monotonic() < begun + 1:
            data = self.take(.001 if last else .005)
            if data:
                n += len(data)
                last, shown = time.monotonic(), self.cpu_now_ms()
                continue
            after, sleeps = self.turns()
            if last or (after > before and sleeps):
                break  # the frame is there, or there is nothing new to show
        return (((last or begun) - begun) * 1000, shown - cpu,
                self.cpu_now_ms() - cpu, n)

    def end(self):
        self.process.kill()
        self.process.wait()
        os.close(self.leader)


def row(what, value, goal):
    print(f'{what:48} {value:>22}   goal {goal}')


def first_frames(looptrace, trace, folder):
    times, sizes = [], []
    for _ in range(7):
        visit = Visit([looptrace, 'view', trace])
        times.append(visit.until(b'Longest turns', b'Worst stalls'))
        sizes.append(visit.proc('io', 'rchar') / 1024)
        visit.end()
    row('first frame, with index', f'{statistics.median(times):.1f} ms', '<= 30 ms')
    row('  read by then, libraries with it',
        f'{statistics.median(sizes):.0f} KiB', '<= 1024 KiB')
    cut = folder / 'cut.lt'  # without its end there is no index
    size = trace.stat().st_size
    with trace.open('rb') as old, cut.open('wb') as new:
        shutil.copyfileobj(old, new, 1 << 20)
        new.truncate(size - 64)
    times = []
    for _ in range(7):
        visit = Visit([looptrace, 'view', cut])
        times.append(visit.until(b'reading', b'no end mark'))
        visit.end()
    row('first frame, without', f'{statistics.median(times):.1f} ms', '<= 50 ms')
    cut.unlink()


def keys(looptrace, trace, n):
    visit = Visit([looptrace, 'view', trace])
    read = visit.until(b'Worst stalls', seconds=900)
    row('complete', f'{read:.0f} ms, {visit.cpu_ms():.0f} of CPU', 'one read')
    rest = visit.proc('status', 'VmHWM')
    walls, frames, cpus, sizes = [], [], [], []
    for key in browse.keys(n, 7):
        wall, frame, cpu, size = visit.press(key)
        cpus.append(cpu)
        if size:
            walls.append(wall)
            frames.append(frame)
            sizes.append(size)
    row(f'a key that shows something, median of {len(walls)}', f'{statistics.median(walls):.2f} ms', '<= 5 ms')
    row('  worst', f'{max(walls):.1f} ms', '<= 16 ms')
    row('  of that CPU, all threads, median', f'{statistics.median(frames):.2f} ms', '')
    row('  99 of 100, worst', '%.1f, %.1f ms' % (
        sorted(frames)[len(frames) * 99 // 100], max(frames)), '')
    row('a key, CPU with what it begins, median', f'{statistics.median(cpus):.2f} ms', '')
    row('  99 of 100, worst', '%.1f, %.1f ms' % (sorted(cpus)[n * 99 // 100], max(cpus)), '')
    row('bytes a key, median', f'{statistics.median(sizes):.0f}', '<= 2048')
    row('memory: once read, most', '%.1f, %.1f MiB' % (
        rest / 1024, visit.proc('status', 'VmHWM') / 1024), '<= 64 MiB')
    visit.end()


def peer_lnav(folder, n):
    """A log of n lines; what lnav is for."""
    if not shutil.which('lnav'):
        return
    path = folder / 'big.log'
    with path.open('w') as log:
        for i in range(n):
            log.write(f'2026-01-01T00:{i // 60000 % 60:02}:{i // 1000 % 60:02}.'
                      f'{i % 1000:03} info loop timer on_tick run {i}\n')
    visit = Visit(['lnav', '-q', path], HOME=str(folder))
    row(f'lnav, first frame of {n / 1e6:g} M lines',
        f'{visit.until(b"on_tick"):.0f} ms', '')
    visit.end()
    path.unlink()


STEPS = '''#include <stdlib.h>
__attribute__((noinline)) static void step(volatile int *n) { ++*n; }
int main(int c, char **v) {
  volatile int n = 0;
  for (int m = atoi(v[c > 1]); n < m;) step(&n);
  return 0;
}
'''


def peer_uftrace(folder, n):
    """n events: two for each call of a function."""
    if not shutil.which('uftrace') or not shutil.which('gcc'):
        return
    (folder / 'a.c').write_text(STEPS)
    run = dict(cwd=folder, check=True, stdout=subprocess.DEVNULL,
               stderr=subprocess.DEVNULL)
    subprocess.run(['gcc', '-pg', '-O1', '-o', 'a', 'a.c'], **run)
    subprocess.run(['uftrace', 'record', '--no-libcall', '-d', 'd', './a',
                    str(n // 2)], **run)
    visit = Visit(['uftrace', 'tui', '-d', folder / 'd'])
    row(f'uftrace tui, first frame of {n / 1e6:g} M events',
        f'{visit.until(b"TOTAL"):.0f} ms', '')
    visit.end()


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--build', default='build')
    p.add_argument('--events', type=int, default=24000000)
    p.add_argument('--keys', type=int, default=1000)
    p.add_argument('--trace')
    p.add_argument('--peers', type=int, default=1000000,
                   help='events of uftrace, lines of lnav; 0: none')
    args = p.parse_args()
    build = pathlib.Path(args.build).resolve()
    looptrace = build / 'looptrace'
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        folder = pathlib.Path(folder)
        trace = pathlib.Path(args.trace or folder / 'big.lt')
        if not args.trace:
            subprocess.run([build / 'tests/support/make_big', str(args.events),
                            '4', trace], check=True, stdout=subprocess.DEVNULL)
        print(f'{trace.stat().st_size / 2**20:.0f} MiB; load '
              f'{os.getloadavg()[0]:.1f}')
        first_frames(looptrace, trace, folder)
        keys(looptrace, trace, args.keys)
        if args.peers:
            peer_lnav(folder, args.peers)
            peer_uftrace(folder, args.peers)


if __name__ == '__main__':
    main()
