"""The summary of a trace, computed from its events as doc/format.md says.

summary(data) gives what lt_decode.read_summary() should give for the file."""
import lt_decode as d

NESTED = 2
LEAST = 50000000
BINS, SHIFT_MIN, STALLS_MAX = 2048, 10, 64


class Thread:
    def __init__(self, index, lanes):
        self.index, self.lanes = index, lanes
        self.turns = {}     # lane -> [begin, slice]
        self.brackets = d.Brackets()

    def begin(self, lane, time):
        self.lanes.setdefault(lane, [])
        self.turns[lane] = [time, (0, 0, 0, 0)]

    def end(self, lane, time, unfinished=0):
        turn = self.turns.pop(lane, None)
        if turn:
            self.lanes[lane].append((turn[0], time - turn[0], unfinished) + turn[1])

    def early(self, lane, time, ago, duration):
        ended = [begin + took for begin, took, *_ in self.lanes.get(lane, [])[-1:]] + [0]
        if lane not in self.turns and duration <= ago and time - ago >= ended[0]:
            self.begin(lane, time - ago)
            self.end(lane, time - ago + duration)

    def loop(self, x):
        return (0, x, self.index)

    def runs(self, x, stack):
        return [o for o in stack if o[0] == d.LOOP_BEGIN and o[1] == x]

    def close(self, stack, i):
        """A bracket at i is closed, with all above it."""
        for kind, x, _, _, _ in stack[i + 1:]:
            if kind == d.LOOP_BEGIN and not self.runs(x, stack[:i + 1]):
                self.turns.pop(self.loop(x), None)
            elif kind == d.POOL_BEGIN:
                self.turns.pop((1, 0, self.index), None)

    def consider(self, lane, bracket, time):
        turn = self.turns.get(lane)
        if turn:
            _, x, ref, a, begin = bracket
            part = time - max(begin, turn[0])
            if part > turn[1][0]:
                turn[1] = (part, ref, x, a)

    def open_slices(self, lane):
        stack = self.brackets.stack
        return [stack[i] for i in range(1, len(stack))
                if stack[i][0] == d.RESUME and stack[i - 1][:2] == (d.LOOP_BEGIN, lane[1])]

    def find(self, matches, below=None):
        stack = self.brackets.stack
        for i in range((len(stack) if below is None else below) - 1, -1, -1):
            if matches(stack[i]):
                return i
        return None

    def act(self, kind, time, ref, x, a, b):
        stack = self.brackets.stack
        if kind in (d.AWAIT, d.DONE):
            i = self.find(lambda o: o[0] == d.RESUME and o[2] == ref)
            if i is not None:
                self.close(stack, i)
                if i and stack[i - 1][0] == d.LOOP_BEGIN:
                    self.consider(self.loop(stack[i - 1][1]), stack[i], time)
        elif kind == d.LOOP_BEGIN:
            if not self.runs(x, stack):
                self.begin(self.loop(x), time)
        elif kind == d.LOOP_END:
            i = self.find(lambda o: o[:2] == (d.LOOP_BEGIN, x))
            if i is not None:
                self.close(stack, i)
                if not self.runs(x, stack[:i]):
                    self.end(self.loop(x), time)
        elif kind in (d.POLL_BEGIN, d.POLL_END):
            below = None
            if kind == d.POLL_END:
                below = self.find(lambda o: o[0] == d.POLL_BEGIN)
                if below is not None:
                    self.close(stack, below)
            i = self.find(lambda o: o[0] == d.LOOP_BEGIN, below)
            if i is not None and kind == d.POLL_END:
                self.begin(self.loop(stack[i][1]), time)
            elif i is not None:
                lane = self.loop(stack[i][1])
                for bracket in self.open_slices(lane):
                    self.consider(lane, bracket, time)
                self.end(lane, time)
        elif kind == d.POOL_BEGIN:
            self.begin((1, 0, self.index), time)
        elif kind == d.POOL_END:
            i = self.find(lambda o: o[0] == d.POOL_BEGIN and o[2] == ref)
            if i is not None:
                self.close(stack, i)
                self.end((1, 0, self.index), time)
        elif kind == d.EARLY_TURN:
            self.early(self.loop(x), time, a, b)
        elif kind == d.LOST and x != NESTED:
            self.turns.clear()

    def finish(self, time):
        for lane in list(self.turns):
            if lane[0] == 0:
                for bracket in self.open_slices(lane)[:1]:
                    self.consider(lane, bracket, time)
            self.end(lane, time, 1)


def bins_of(turns, shift):
    bins = {}
    for begin, duration, *_ in turns:
        a, b = max(begin, 0), max(begin + duration, 0)
        for i in range(a >> shift, (b >> shift) + 1):
            busy, longest, count = bins.get(i, (0, 0, 0))
            part = min(b, (i + 1) << shift) - max(a, i << shift)
            bins[i] = (busy + part, max(longest, duration), count + (i == a >> shift))
    return bins


def lane_of(key, turns, shift):
    stalls = sorted((t for t in turns if t[1] >= LEAST and key[0] == 0), key=lambda t: (-t[1], t[0]))
    return {"busy": sum(t[1] for t in turns), "longest": max([t[1] for t in turns], default=0),
            "count": len(turns), "bins": bins_of(turns, shift),
            "stalls_all": len(stalls), "stalls": stalls[:STALLS_MAX]}


def summary(data):
    trace = d.read(data)
    lanes, threads = {}, {}
    for block in trace.blocks:
        if block.type != d.EVENTS:
            continue
        thread = threads.setdefault(block.thread, Thread(block.thread, lanes))
        events, opens = d.read_events(block)
        thread.brackets.stack = list(opens)
        for time, _, kind, ref, x, a, b in events:
            thread.act(kind, time, ref, x, a, b)
            thread.brackets.act(kind, x, ref, a, time)
    for thread in threads.values():
        thread.finish(trace.end["last"])
    last = max([max(t[0] + t[1], 0) for turns in lanes.values() for t in turns], default=0)
    shift = SHIFT_MIN
    while last >> shift >= BINS:
        shift += 1
    return {"shift": shift, "bins": BINS, "least": LEAST, "left_out": 0,
            "lanes": {key: lane_of(key, lanes[key], shift) for key in sorted(lanes) if lanes[key]}}
