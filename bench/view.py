#!/usr/bin/env python3
"""What the viewer costs somebody who looks: frames, keys, bytes, memory.

    bench/view.py [--build build] [--events 24000000] [--keys 1000] [--trace FILE]
                  [--record]

Through a pseudo-terminal of 100x30: a frame is there when the process waits for
input again. Wall times are of a machine that may be busy: beside them stand what
a program that only echoes takes there, and the times without those in which the
viewer's loop could run and no CPU was free. --record has looptrace record the
viewer while it is browsed, and check it.
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



# What shows a key's effect within so much of the viewer's CPU time after it was
# taken is its frame; later comes how far work in the background is.
FRAME_CPU_MS = 8


# Where one is when all was read: events are missing in the trace made here.
WHOLE = b'Worst stalls', b'Events are missing'


class Visit:
    def __init__(self, command, **environment):
        self.leader, self.follower = pty.openpty()
        fcntl.ioctl(self.follower, termios.TIOCSWINSZ,
                    struct.pack('4H', 30, 100, 0, 0))
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            list(map(str, command)), stdin=self.follower, stdout=self.follower,
            stderr=self.follower, start_new_session=True,
            env={**os.environ, 'TERM': 'xterm-256color', 'LC_ALL': 'C.UTF-8',
                 'XDG_CONFIG_HOME': '/nonexistent', **environment})

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

    def settle(self):
        """Until it has nothing to say for a second."""
        while self.take(1):
            pass

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
        """How often its first thread got a CPU, whether it sleeps now, and for
        how long it could run and no CPU was free."""
        folder = pathlib.Path(f'/proc/{self.process.pid}')
        _, delay, n = (folder / 'schedstat').read_text().split()
        state = (folder / 'stat').read_text().rpartition(')')[2].split()[0]
        return int(n), state == 'S', int(delay) / 1e6

    def waits(self):
        """Keys that it has not taken yet."""
        n = fcntl.ioctl(self.follower, termios.FIONREAD, b'\0' * 4)
        return struct.unpack('i', n)[0] > 0

    def press(self, key):
        before, _, delay = self.turns()
        k = Key(key, time.monotonic(), self.cpu_now_ms())
        os.write(self.leader, key.encode())
        while time.monotonic() < k.begun + 1:
            if k.taken is None and not self.waits():
                k.taken, k.taken_cpu = time.monotonic(), self.cpu_now_ms()
            data = self.take(.0005)
            if data:
                k.saw(len(data), self.cpu_now_ms())
            elif k.taken and k.last and time.monotonic() > k.last + .001:
                break
            elif k.taken:
                after, sleeps, _ = self.turns()
                if after > before and sleeps and time.monotonic() > k.taken + .005:
                    break  # there is nothing new to show
        k.delay = self.turns()[2] - delay
        k.cpu = self.cpu_now_ms() - k.begun_cpu
        return k

    def end(self):
        self.process.kill()
        self.process.wait()
        os.close(self.leader)
        os.close(self.follower)


class Key:
    """What came of a key: all times in ms but for those of the clock."""

    def __init__(self, key, begun, cpu):
        self.key, self.begun, self.begun_cpu = key, begun, cpu
        self.taken = self.taken_cpu = self.last = None
        self.size, self.later, self.frame_cpu = 0, False, 0

    def saw(self, n, cpu):
        if self.taken and not self.last and cpu > self.taken_cpu + FRAME_CPU_MS:
            self.later = True
        self.last, self.size = time.monotonic(), self.size + n
        self.frame_cpu = cpu - self.begun_cpu

    def wall(self):
        return (self.last - self.begun) * 1000

    def own(self):
        return max(self.wall() - self.delay, 0)


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


ECHO = """import os, tty
tty.setraw(0)
os.write(1, b'Worst stalls')
while os.read(0, 100):
    os.write(1, b'x' * 500)
"""


def echo(n):
    """What the machine and this program cost: who only echoes."""
    visit = Visit([sys.executable, '-c', ECHO])
    visit.until(b'Worst stalls')
    time.sleep(.1)
    walls = [visit.press(key).wall() for key in browse.keys(n, 7)]
    visit.end()
    row('who only echoes: a key, median, worst', '%.2f, %.1f ms' % (
        statistics.median(walls), max(walls)), '')


def tell_keys(all_keys):
    n = len(all_keys)
    shown = [k for k in all_keys if k.last and not k.later]
    later = [k.wall() for k in all_keys if k.last and k.later]
    taken = [(k.taken - k.begun) * 1000 for k in all_keys if k.taken]
    if len(taken) < n:
        raise SystemExit(f'{n - len(taken)} keys were not taken within a second')
    walls, owns = [k.wall() for k in shown], [k.own() for k in shown]
    frames = sorted(k.frame_cpu for k in shown)
    cpus = sorted(k.cpu for k in all_keys)
    row(f'a key that shows something, median of {len(shown)}',
        f'{statistics.median(walls):.2f} ms', '<= 5 ms')
    row('  99 of 100, worst', '%.1f, %.1f ms' % (
        sorted(walls)[len(walls) * 99 // 100], max(walls)), '<= 16 ms')
    row('  worst but for waiting for a CPU', f'{max(owns):.1f} ms', '<= 16 ms')
    row('  of that CPU, all threads, median', f'{statistics.median(frames):.2f} ms', '')
    row('  99 of 100, worst', '%.1f, %.1f ms' % (
        frames[len(frames) * 99 // 100], frames[-1]), '')
    row('a key is taken: median, worst', '%.2f, %.1f ms' % (
        statistics.median(taken), max(taken)), '')
    row(f'no frame of its own: {n - len(shown)} keys; what came then, worst',
        f'{max(later, default=0):.0f} ms', '')
    row('a key, CPU with what it begins, median', f'{statistics.median(cpus):.2f} ms', '')
    row('  99 of 100, worst', '%.1f, %.1f ms' % (cpus[n * 99 // 100], cpus[-1]), '')
    row('bytes a key, median', f'{statistics.median(k.size for k in shown):.0f}', '<= 2048')


def keys(looptrace, trace, n):
    visit = Visit([looptrace, 'view', trace])
    read = visit.until(*WHOLE, seconds=900)
    row('complete', f'{read:.0f} ms, {visit.cpu_ms():.0f} of CPU', 'one read')
    rest = visit.proc('status', 'VmHWM')
    visit.press('\r')  # what is missing was said
    tell_keys([visit.press(key) for key in browse.keys(n, 7)])
    row('memory: once read, most', '%.1f, %.1f MiB' % (
        rest / 1024, visit.proc('status', 'VmHWM') / 1024), '<= 64 MiB')
    row('  now: anonymous, of files', '%.1f, %.1f MiB' % (
        visit.proc('status', 'RssAnon') / 1024,
        visit.proc('status', 'RssFile') / 1024), '')
    visit.end()


def record(looptrace, trace, n, folder):
    """It records itself: does it hold its loop?"""
    own = folder / 'own.lt'
    visit = Visit([looptrace, 'record', '-q', '-o', own, '--', looptrace, 'view',
                   trace])
    visit.until(b'reading', *WHOLE, seconds=60)
    for key in browse.keys(50, 3):  # while it still reads
        os.write(visit.leader, key.encode())
        visit.take(.02)
    visit.settle()
    for key in browse.keys(n, 7):
        os.write(visit.leader, key.encode())
        while visit.take(.01):
            pass
    os.write(visit.leader, b'\x1bQ')
    while visit.process.poll() is None:
        visit.take(.05)
    visit.end()
    told = subprocess.run([looptrace, 'check', '--max-stall', '50ms', own],
                          capture_output=True, text=True)
    print(f'recorded by itself: check --max-stall 50ms says {told.returncode}')
    print(''.join('  ' + line + '\n' for line in told.stdout.splitlines()[-2:]))


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
    p.add_argument('--record', action='store_true',
                   help='only: have it recorded by itself while it is browsed')
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
        if args.record:
            record(looptrace, trace, args.keys, folder)
            return
        first_frames(looptrace, trace, folder)
        echo(args.keys)
        keys(looptrace, trace, args.keys)
        if args.peers:
            peer_lnav(folder, args.peers)
            peer_uftrace(folder, args.peers)


if __name__ == '__main__':
    main()
