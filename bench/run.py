#!/usr/bin/env python3
"""What looptrace costs, beside its peers, in one run.

    run.py BUILDDIR [--compile] [--rounds N] [--quick] [--only emit,callbacks,instructions,drain,size,read]

Prints one table; every figure is a median over rounds in which ours and the
peer's alternate, pinned to one core, and stands as a ratio as well, because
machines differ and are noisy.  Peers that are not installed are left out and
named: lttng-tools liblttng-ust-dev babeltrace2 uftrace."""
import argparse
import glob
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SRC = os.path.dirname(HERE)
# Without the files that call what is above them: the API, the linked recorder.
RECORD = [path for folder in ("record", "base")
          for path in sorted(glob.glob(SRC + "/libtrace/%s/*.c" % folder))
          if os.path.basename(path) not in ("api.c", "linked.c", "recorder.c",
                                         "options.c", "trigger.c", "watch.c")]


class Table:
    def __init__(self):
        self.rows = []

    def row(self, what, ours, peer, goal, unit="ns", peer_name=""):
        ratio = "%.3f" % (ours / peer) if peer else "-"
        self.rows.append((what, "%.2f %s" % (ours, unit),
                          "%.2f %s" % (peer, peer_name) if peer else "-", ratio, goal))
        print("  " + " | ".join(self.rows[-1]), file=sys.stderr)

    def show(self):
        head = ("what", "ours", "peer or limit", "ratio", "goal")
        print("| " + " | ".join(head) + " |")
        print("|" + "---|" * len(head))
        for row in self.rows:
            print("| " + " | ".join(row) + " |")


class Bench:
    def __init__(self, args):
        self.args = args
        self.build = os.path.abspath(args.builddir)
        self.tmp = tempfile.mkdtemp(prefix="looptrace-bench-")
        self.table = Table()
        self.missing = []
        self.sessiond = None

    # Programs

    def programs(self):
        """What is compiled, by name: sources, flags and libraries.  Those of LTTng last."""
        libs = ["-DHAVE_CONFIG_H", "-lz", "-lpthread"] + subprocess.run(
            ["pkg-config", "--libs-only-l", "libdeflate"], text=True, stdout=subprocess.PIPE).stdout.split()
        written = RECORD + self.folder("drain", "format") + libs
        rows = {
            "emit": [HERE + "/emit.c"] + RECORD,
            "callbacks": [HERE + "/callbacks.c", "-luv"],
            "drain": [HERE + "/drain.c"] + written,
            "make_big": [SRC + "/tests/support/make_big.c"] + written,
            "read": [HERE + "/read.c"] + RECORD + self.folder("read", "format") + libs,
        }
        for name in ("emit", "callbacks", "make_big"):
            rows[name + "-lttng"] = rows[name] + [HERE + "/lttng_tp.c", "-DLTTNG", "-llttng-ust", "-ldl"]
        return rows

    def compile(self, name, *flags):
        out = os.path.join(self.tmp, name)
        subprocess.run(["gcc", "-O2", "-std=gnu11", "-D_GNU_SOURCE", "-I" + HERE,
                        "-I" + self.build, "-I" + SRC + "/libtrace/include", "-I" + SRC + "/libtrace",
                        "-o", out] + self.programs()[name] + list(flags), check=True)
        return out

    def compile_all(self):
        """For a test: everything that is measured still compiles."""
        has_lttng = subprocess.run(["gcc", "-E", "-x", "c", "-include", "lttng/tracepoint.h", "/dev/null"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
        for name in self.programs():
            if has_lttng or not name.endswith("-lttng"):
                self.compile(name, "-O0", "-Wall", "-Werror")
                print(name)

    def run(self, argv, env=None, pin="1", cpu=False):
        """Standard output's last line, or (that, CPU seconds of the whole tree)."""
        full = dict(os.environ, **(env or {}))
        before = os.times()
        out = subprocess.run(["taskset", "-c", pin] + argv, env=full, check=True,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        after = os.times()
        used = (after.children_user - before.children_user +
                after.children_system - before.children_system)
        return (out, used) if cpu else out

    def looptrace(self, *argv):
        return [os.path.join(self.build, "looptrace")] + list(argv)

    # The peer's daemon

    def lttng_start(self):
        if self.sessiond or not shutil.which("lttng-sessiond"):
            return bool(self.sessiond)
        env = dict(os.environ, LTTNG_HOME=self.tmp, HOME=self.tmp)
        self.sessiond = subprocess.Popen(["lttng-sessiond", "--no-kernel"], env=env,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # A program that began without the daemon's answer would not be traced.
        self.lttng_env = {"LTTNG_HOME": self.tmp, "HOME": self.tmp, "LTTNG_UST_REGISTER_TIMEOUT": "-1"}
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self.lttng("list", "-u", check=False) == 0:
                return True
            time.sleep(0.1)
        return False

    def lttng(self, *argv, check=True):
        return subprocess.run(["lttng", "--no-sessiond"] + list(argv), env=dict(os.environ, **self.lttng_env),
                              check=check, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode

    def lttng_session(self, name):
        out = os.path.join(self.tmp, "lttng-" + name)
        self.lttng("create", name, "--output=" + out)
        self.lttng("enable-channel", "--userspace", "--num-subbuf=16", "--subbuf-size=4M", "c")
        self.lttng("enable-event", "--userspace", "--channel=c", "bench:cb")
        self.lttng("start")
        return out

    def lttng_end(self, name):
        self.lttng("stop")
        self.lttng("destroy", name)

    def lttng_cpu(self):
        """CPU seconds of the peer's daemons so far: lttng-sessiond and what it started."""
        parents, used = {}, {}
        for path in glob.glob("/proc/[0-9]*/stat"):
            try:
                with open(path) as file:
                    words = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            pid = int(path.split("/")[2])
            parents[pid] = int(words[1])
            used[pid] = sum(int(word) for word in words[11:15])
        ours, found = {self.sessiond.pid}, set()
        while ours != found:
            found = set(ours)
            ours |= {pid for pid, parent in parents.items() if parent in found}
        return sum(used.get(pid, 0) for pid in ours) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        if self.sessiond:
            self.sessiond.send_signal(signal.SIGTERM)
            self.sessiond.wait()
        shutil.rmtree(self.tmp, ignore_errors=True)

    # The rows

    def emit(self):
        lttng = self.lttng_start()
        if lttng:
            exe = self.compile("emit-lttng")
            self.lttng_session("emit")
        else:
            exe = self.compile("emit")
            self.missing.append("LTTng-UST")
        events = "200000" if self.args.quick else "2000000"
        out = self.run([exe, str(self.args.rounds), events], env=getattr(self, "lttng_env", None))
        if lttng:
            self.lttng_end("emit")
        ns = dict((k, float(v)) for k, v in (line.split() for line in out.splitlines()))
        self.table.row("emit one event / rdtsc + 24-byte store", ns["ours"], ns["bare"], "<= 1.4")
        if lttng:
            self.table.row("emit one event / LTTng-UST", ns["ours"], ns["lttng"], "<= 0.15")
        self.table.row("emit, switched off", ns["off"], 0, "<= 1 ns")

    def per_callback(self, exe, workload, count, record=False, env=None):
        argv = [exe, workload, str(count)]
        if record:
            trace = os.path.join(self.tmp, "cb.lt")
            argv = self.looptrace("record", "--overwrite", "-o", trace, "--") + argv
        # Recorded: the program on one core, the recorder on the other.
        out, used = self.run(argv, env=env, pin="0,1" if record else "1", cpu=True)
        return float(out.split()[2]), 1e9 * used / count

    def callbacks(self):
        exe = self.compile("callbacks")
        lttng = self.lttng_start()
        peer = lttng and self.compile("callbacks-lttng")
        scale = 0.1 if self.args.quick else 1
        pair = None
        for workload, count in (("burst", 4000000), ("batch", 500000), ("timer", 1000000), ("async", 300000),
                                ("pipe", 300000), ("mix", 200000)):
            count = int(count * scale)
            plain, ours, all_ours, theirs, all_theirs = [], [], [], [], []
            for _ in range(self.args.rounds):
                plain.append(self.per_callback(exe, workload, count)[0])
                program, everything = self.per_callback(exe, workload, count, record=True)
                ours.append(program)
                all_ours.append(everything)
                if peer:
                    self.lttng_session("cb")
                    before = self.lttng_cpu()
                    program, everything = self.per_callback(peer, workload, count, env=self.lttng_env)
                    self.lttng_end("cb")
                    theirs.append(program)
                    all_theirs.append(everything + 1e9 * (self.lttng_cpu() - before) / count)
            p, o = statistics.median(plain), statistics.median(ours)
            t = statistics.median(theirs) if peer else 0
            if workload == "burst":
                # Nothing but callbacks: what is added is the callback's own cost.
                pair = o - p
                self.table.row("a callback above the untraced one", pair, t - p if peer else 0, "<= 30 ns",
                               peer_name="LTTng's pair")
                continue
            if workload != "mix":
                self.table.row("callback of %s and that, derived" % workload, p + pair, p,
                               "<= 1.03" if workload != "timer" else "", peer_name="plain")
            self.table.row("callback of %s with all its events, measured" % workload, o, p, "", peer_name="plain")
            self.table.row("  the same, the recorder's CPU too", statistics.median(all_ours), p, "",
                           peer_name="plain")
            if peer:
                a, b = statistics.median(all_ours), statistics.median(all_theirs)
                self.table.row("  all CPU / LTTng's program + consumer + sessiond", a, b, "<= 1.0",
                               peer_name="LTTng")
                self.table.row("  what of that is above plain", a - p, b - p, "", peer_name="LTTng")
                self.table.row("  the same / LTTng's pair in each callback", o, t, "", peer_name="LTTng")

    def instructions(self):
        """User instructions a callback, by callgrind: the same whatever else runs."""
        if not shutil.which("valgrind"):
            self.missing.append("valgrind")
            return
        exe = os.path.join(self.tmp, "callbacks")
        if not os.path.exists(exe):
            self.compile("callbacks")
        preload = os.path.join(self.build, ".libs", "liblooptrace-preload.so")

        def count(workload, recorded, callbacks):
            out = os.path.join(self.tmp, "callgrind.out")
            valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=" + out,
                        exe, workload, str(callbacks)]
            argv = (self.looptrace("record", "--overwrite", "-o", os.path.join(self.tmp, "i.lt"), "--")
                    if recorded else []) + valgrind
            subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           env=dict(os.environ, LOOPTRACE_PRELOAD=preload))
            for line in open(out):
                if line.startswith("summary:") or line.startswith("totals:"):
                    return int(line.split()[1])
            raise RuntimeError("callgrind printed no total")

        few, many = 20000, 60000
        for workload, goal in (("idle", 120), ("timer", 0), ("async", 0), ("pipe", 0)):
            plain, ours = ((count(workload, recorded, many) - count(workload, recorded, few)) / (many - few)
                           for recorded in (False, True))
            self.table.row("instructions, %s, above the untraced" % workload, ours - plain, goal or plain,
                           "<= 120" if goal else "", unit="instr", peer_name="goal" if goal else "plain")

    def drain(self):
        """The recorder's side alone: from rings to a file, on one core."""
        exe = self.compile("drain")
        trace = os.path.join(self.tmp, "drain.lt")
        events = "1000000" if self.args.quick else "10000000"
        ns, size = [], []
        for _ in range(self.args.rounds):
            words = self.run([exe, events, trace]).split()
            ns.append(float(words[4]))
            size.append(float(words[6]))
        self.table.row("drain one event, one core", statistics.median(ns), 100, "<= 100 ns", peer_name="goal")
        self.table.row("bytes an event of it", statistics.median(size), 2.0, "<= 2.0", unit="B",
                       peer_name="goal")
        seconds = "2" if self.args.quick else "60"
        words = self.run([exe, seconds, trace, "5"], pin="0,1").split()
        self.table.row("lost of a million, 5 M/s offered for %s s" % seconds,
                       1e6 * float(words[3].rstrip(",")) / float(words[0]), 0, "0", unit="events")

    def folder(self, *names):
        return [path for name in names for path in sorted(glob.glob(SRC + "/libtrace/%s/*.c" % name))]

    def read_tools(self):
        self.make_big = self.compile("make_big")
        self.reader = self.compile("read")

    def peer_trace(self, events):
        """The same events by LTTng; None where it, or babeltrace2, is not there."""
        if not shutil.which("babeltrace2") or not self.lttng_start():
            self.missing.append("babeltrace2 with LTTng-UST")
            return None, 0
        both = self.compile("make_big-lttng")
        out = self.lttng_session("read")
        self.run([both, str(events), "1", os.path.join(self.tmp, "both.lt")], env=self.lttng_env, pin="0,1")
        self.lttng_end("read")
        counted = self.run(["babeltrace2", out, "-c", "sink.utils.counter"], pin="0,1")
        return out, max(int(word) for word in counted.replace(",", "").split() if word.isdigit())

    def read(self):
        self.read_tools()
        events = 1000000 if self.args.quick else 10000000
        traces = {}
        for threads in (1, 16):
            traces[threads] = os.path.join(self.tmp, "read%d.lt" % threads)
            self.run([self.make_big, str(events), str(threads), traces[threads]])
        peer, peer_events = self.peer_trace(events)
        ours, theirs = {1: [], 16: []}, []
        for _ in range(self.args.rounds):
            for threads, path in traces.items():
                ours[threads].append(1e3 / float(self.run([self.reader, "scan", path]).split()[1]))
            if peer:
                _, seconds = self.run(["babeltrace2", peer, "-o", "dummy"], cpu=True)
                theirs.append(peer_events / seconds / 1e6)
        for threads, goal in ((1, ">= 8"), (16, ">= 5")):
            what = "read, one core, one thread" if threads == 1 else "the same, 16 threads merged in time"
            self.table.row(what, statistics.median(ours[threads]), statistics.median(theirs) if peer else 0, goal,
                           unit="M events/s", peer_name="babeltrace2")
        self.read_large()

    def read_large(self):
        scans = {}
        for events in (1000000, 10000000 if self.args.quick else 100000000):
            path = os.path.join(self.tmp, "large.lt")
            self.run([self.make_big, str(events), "1", path])
            scans[events] = self.run([self.reader, "scan", path]).split()
        small, large = sorted(scans)
        name = "%d M" % (large // 1000000)
        self.table.row("memory to read %s events / 1 M" % name, float(scans[large][2]) / 1024,
                       float(scans[small][2]) / 1024, "<= 64 MiB, the same", unit="MiB", peer_name="MiB")
        self.table.row("an event of %s / of 1 M" % name, float(scans[large][1]), float(scans[small][1]),
                       "linear: 1", peer_name="ns")
        opens = [[float(word) for word in self.run([self.reader, "open", path]).split()]
                 for _ in range(self.args.rounds)]
        opened, size, summary, seek = [statistics.median(column) for column in zip(*opens)]
        self.table.row("open a trace of %s events" % name, opened, 20, "<= 20 ms", unit="ms", peer_name="goal")
        self.table.row("bytes read for that", size / 1024, 1024, "<= 1 MiB", unit="KiB", peer_name="goal")
        self.table.row("its summary, for a first picture", summary, 0, "", unit="ms")
        self.table.row("seek in it, with the first event", seek, 10, "<= 10 ms", unit="ms", peer_name="goal")

    def size(self):
        exe = self.compile("callbacks")
        count = 100000 if self.args.quick else 500000
        trace = os.path.join(self.tmp, "size.lt")
        self.run(self.looptrace("record", "--overwrite", "-o", trace, "--", exe, "mix", str(count)), pin="0,1")
        info = subprocess.run(self.looptrace("info", "--json", trace), check=True, stdout=subprocess.PIPE).stdout
        import json
        events = json.loads(info)["trace"]["events"]
        self.table.row("bytes an event on disk, real mix", os.path.getsize(trace) / events, 2.0, "<= 2.0",
                       unit="B", peer_name="goal")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("builddir")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="fewer events, for a first look")
    parser.add_argument("--compile", action="store_true", help="compile what is run, and measure nothing")
    parser.add_argument("--only", default="emit,callbacks,instructions,drain,size,read")
    args = parser.parse_args()
    bench = Bench(args)
    try:
        if args.compile:
            bench.compile_all()
            return
        for part in args.only.split(","):
            getattr(bench, part)()
    finally:
        bench.stop()
    bench.table.show()
    if bench.missing:
        print("\nNot measured, because not installed: " + ", ".join(bench.missing))


if __name__ == "__main__":
    main()
