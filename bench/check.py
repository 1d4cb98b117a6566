#!/usr/bin/env python3
"""How fast a trace is checked and exported, beside what only reads as much.

    check.py BUILDDIR [--events N] [--rounds N]

Each figure is CPU time on one core, the median of rounds in which ours and the
peers' alternate, as events a second; ratios stand beside them, because machines
differ and are noisy.  The peers read traces of their own, of fewer events (100 M
of them would take minutes): LTTng's, read by babeltrace2 into nothing; uftrace's,
summed up by `uftrace report`; and the trace as Chrome's JSON, by JSON.parse of
node.  Peers that are not installed are left out and named."""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

from run import Bench

PEER_EVENTS = 2000000


def measure(argv, ok=(0,)):
    """CPU seconds on core 1, and the peak of resident memory in MiB (as time(1)
    tells it: what this interpreter has would count for a child of its own)."""
    with tempfile.NamedTemporaryFile("r") as told:
        child = subprocess.run(["time", "-o", told.name, "-f", "%U %S %M", "taskset", "-c", "1"] + argv,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
        if child.returncode not in ok:
            sys.exit("%s ended with status %d" % (" ".join(argv), child.returncode))
        user, system, peak = told.read().splitlines()[-1].split()
    return float(user) + float(system), int(peak) / 1024


class Reading(Bench):
    """Who reads what: name -> (argv, events, exit statuses)."""

    def __init__(self, args):
        super().__init__(args)
        self.readers = {}

    def ours(self):
        trace = os.path.join(self.tmp, "big.lt")
        out = subprocess.run([os.path.join(self.build, "tests/support/make_big"), str(self.args.events), "4",
                              trace], check=True, stdout=subprocess.PIPE, text=True).stdout
        events = int(out.split()[0])
        # Events were lost in it on purpose: 4, no verdict.
        self.readers["check"] = (self.looptrace("check", "-q", trace), events, (0, 1, 4))
        self.readers["export ndjson"] = (self.looptrace("export", "-f", "ndjson", "--overwrite", "-o",
                                                        "/dev/null", trace), events, (0,))
        small = os.path.join(self.tmp, "small.lt")
        subprocess.run([os.path.join(self.build, "tests/support/make_big"), str(PEER_EVENTS), "4", small],
                       check=True, stdout=subprocess.DEVNULL)
        return small

    def node(self, small):
        if not shutil.which("node"):
            self.missing.append("node")
            return
        path = os.path.join(self.tmp, "small.json")
        subprocess.run(self.looptrace("export", "-f", "chrome-json", "-o", path, small), check=True)
        script = ("const d=require('fs').readFileSync(process.argv[1]);"
                  "console.log(JSON.parse(d).traceEvents.length)")
        events = int(subprocess.run(["node", "-e", script, path], check=True, stdout=subprocess.PIPE).stdout)
        self.readers["node JSON.parse"] = (["node", "-e", script, path], events, (0,))

    def babeltrace(self):
        if not (shutil.which("babeltrace2") and shutil.which("lttng") and self.lttng_start()):
            self.missing.append("babeltrace2 with lttng-tools")
            return
        exe = self.compile("callbacks-lttng")
        out = self.lttng_session("reading")
        self.run([exe, "idle", str(PEER_EVENTS // 2)], env=self.lttng_env, pin="0,1")
        self.lttng_end("reading")
        told = subprocess.run(["babeltrace2", out, "-c", "sink.utils.counter"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        counts = [int(line.split()[0].replace(",", "")) for line in told.splitlines()
                  if "Event messages" in line]
        events = counts[-1] if counts else 0
        if events:
            self.readers["babeltrace2 to nothing"] = (["babeltrace2", "-o", "dummy", out], events, (0,))
        else:
            self.missing.append("a trace of LTTng's")

    def uftrace(self):
        if not shutil.which("uftrace"):
            self.missing.append("uftrace")
            return
        exe = self.compile("callbacks", "-finstrument-functions")
        out = os.path.join(self.tmp, "uftrace")
        calls = PEER_EVENTS // 2
        subprocess.run(["uftrace", "record", "-d", out, exe, "idle", str(calls)], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.readers["uftrace report"] = (["uftrace", "report", "--no-pager", "-d", out], 2 * calls, (0,))

    def compare(self):
        small = self.ours()
        self.node(small)
        self.babeltrace()
        self.uftrace()
        seconds = {name: [] for name in self.readers}
        memory = dict.fromkeys(self.readers, 0)
        for _ in range(self.args.rounds):
            for name, (argv, _, ok) in self.readers.items():
                used, peak = measure(argv, ok)
                seconds[name].append(used)
                memory[name] = max(memory[name], peak)
        each = {name: 1e9 * statistics.median(seconds[name]) / self.readers[name][1] for name in self.readers}
        print("| reader | events | ns an event | M events/s | against check | peak MiB |\n|---|---|---|---|---|---|")
        for name, ns in each.items():
            print("| %s | %d | %.1f | %.2f | %.2f | %.1f |" % (
                name, self.readers[name][1], ns, 1e3 / ns, ns / each["check"], memory[name]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("builddir")
    parser.add_argument("--events", type=int, default=100000000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    bench = Reading(args)
    try:
        bench.compare()
    finally:
        bench.stop()
    if bench.missing:
        print("\nNot measured, because not there: " + ", ".join(bench.missing))


if __name__ == "__main__":
    main()
