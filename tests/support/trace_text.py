"""Traces from reviewed text: each line one event, every number by construction.

    0    loop+
    10   resume task=1 kind=timer site=on_tick
    310  call callee=uv_sleep ms=300 site=on_tick
    310  await task=1

A line is a time in ms, a word and members; "#" begins a comment.  Sites are
names given in `sites`: name -> (file, line), or None for code without a symbol;
behind the line may stand the function, where that is another name, and the path
of the module, None for code made at run time.
"""
import lt_decode as d
import lt_encode as e

KINDS = {'task': 1, 'timer': 2, 'async': 6, 'listen': 9, 'read': 11, 'write': 12,
         'work': 16, 'fs': 17, 'dns': 18}
CALLEES = {'uv_sleep': 5, 'read': 6, 'pread': 8, 'fsync': 15, 'epoll_wait': 29,
           'epoll_pwait': 30, 'getaddrinfo': 31,
           'pthread_mutex_lock': 34, 'write': 10, 'pwrite': 12, 'open': 14}
SITES = {'main': ('/src/shop.c', 80), 'on_tick': ('/src/shop.c', 12),
         'on_read': ('/src/shop.c', 31), 'render': ('/src/shop.c', 47),
         'on_other': ('/src/shop.c', 60), 'stripped': None}
EPOCH_NS = 10**9


def ns(ms):
    return round(float(ms) * 10**6)


class Fixture:
    """One trace on its way: definitions, and events by thread."""

    def __init__(self, sites=None, names=('shop', 'pool\x1b[2J'),
                 module='/opt/shop/bin/shop', stacks=None):
        self.sites = dict(SITES if sites is None else sites)
        self.names = names
        self.module = module
        self.stacks = stacks or {}  # name -> sites, innermost first
        self.strings = {}
        self.ids = {name: i for i, name in enumerate(self.sites, 1)}

    def where(self, name):
        """The file, line, function and module of a site."""
        given = self.sites[name] or (None, 0, None)
        return (*given, *(None, 0, name, self.module)[len(given):])

    def string(self, text):
        return self.strings.setdefault(text, len(self.strings) + 1)

    def event(self, line):
        time, word, *members = line.split()
        m = dict(member.split('=', 1) for member in members)
        num = lambda name, default=0: int(m.get(name, default))
        site = lambda name='site': self.ids[m[name]] if name in m else 0
        stack = lambda name: list(self.stacks).index(name) + 1 if name else 0
        kind = KINDS.get(m.get('kind'), 0)
        callee = CALLEES.get(m.get('callee'), 0)
        task, loop = num('task'), num('loop', 1)
        known = {
            'spawn': lambda: (d.SPAWN, task, kind, site(), site('from')),
            'arm': lambda: (d.ARM, task, kind, site(),
                            ns(m['ms']) + 1 if 'ms' in m else 0),
            'resume': lambda: (d.RESUME, task, kind, site(), 0),
            'await': lambda: (d.AWAIT, task, num('why'), num('for'), 0),
            'early': lambda: (d.EARLY_TURN, 0, loop, num('ago') * 1000000, num('for') * 1000000),
            'await-at': lambda: (d.AWAIT_SITE, task, 0, site(), 0),
            'done': lambda: (d.DONE, task, 0, 0, 0),
            'call': lambda: (d.CALL, num('on'), callee, site(), ns(m['ms'])),
            'call-open': lambda: (d.CALL_BEGIN, num('on'), callee, site(),
                                  ns(m['ms'])),
            'poll': lambda: (d.POLL_BEGIN, 0, 0, num('timeout', -1) + 1, 0),
            'wake': lambda: (d.POLL_END, 0, 0, num('n'), 0),
            'loop+': lambda: (d.LOOP_BEGIN, 0, loop, num('mode'), 0),
            'loop-': lambda: (d.LOOP_END, 0, loop, num('alive'), 0),
            'usage': lambda: (d.USAGE, num('vsw'), num('faults'),
                              ns(m.get('cpu', 0)), ns(m.get('delay', 0)) + 1),
            'label': lambda: (d.LABEL, task, 0, self.string(m['text']), 0),
            'allow+': lambda: (d.ALLOW_BEGIN, 0, 0, self.string(m['why']), 0),
            'allow-': lambda: (d.ALLOW_END, 0, 0, 0, 0),
            'pool+': lambda: (d.POOL_BEGIN, task, kind, site(), 0),
            'pool-': lambda: (d.POOL_END, task, 0, 0, 0),
            'mark': lambda: (d.MARK, 0, 0, self.string(m['text']), num('n')),
            'counter': lambda: (d.COUNTER, 0, 0, self.string(m['text']),
                                num('n') % 2**64),
            'ready': lambda: (d.READY, task, num('cause', 1), num('from'), 0),
            'sample': lambda: (d.SAMPLE, num('on'), ord(m['state']), callee,
                               stack(m.get('stack'))),
            'fd': lambda: (d.FD_NAME, num('on'), 0, self.string(m['text']), 0),
            'lost': lambda: (d.LOST, 0, num('cause', 1), num('n'), ns(m['ms'])),
        }
        return num('thread'), (ns(time),) + known[word]()

    def definitions(self, comm, notes):
        yield e.process(4711, comm)
        yield e.clock(0, 1700000000 * 10**9)
        modules = list(dict.fromkeys(
            [None, self.module] + [self.where(name)[3] for name in self.sites]))
        for i, path in enumerate(modules[1:]):
            yield e.module(i + 1, 0x1000 + i * 0x10000, 0x9000 + i * 0x10000,
                           path, bytes.fromhex('c0ffee'))
        for index, name in enumerate(self.names):
            yield e.thread(index, 4711 + index, index == 0, name)
        for name, i in self.ids.items():
            file, line, function, module = self.where(name)
            yield e.site(i, 0x1000 + i * 16, modules.index(module), i * 16,
                         self.string(function) if function else 0, 4,
                         self.string(file) if file else 0, line)
        for i, frames in enumerate(self.stacks.values(), 1):
            yield e.stack(i, *(self.ids[name] for name in frames))
        for note in notes:
            yield e.note(note)

    def make(self, text, comm='shop', notes=(), ended=True, reason=1, status=0,
             end_ms=None):
        events = []
        for line in text.splitlines():
            line = line.split('#')[0].strip()
            if line:
                events.append(self.event(line))
        defs = list(self.definitions(comm, notes))
        loops = sorted({(event[3], thread) for thread, event in events
                        if event[1] == d.LOOP_BEGIN})
        defs += [e.loop(id_, thread) for id_, thread in loops]
        writer = e.Writer()
        writer.generation([e.string(i, text) for text, i in
                           self.strings.items()] + defs)
        last = ns(end_ms) if end_ms is not None else events[-1][1][0]
        for start in range(0, last + 1, EPOCH_NS):
            end = min(start + EPOCH_NS - 1, last)
            inside = [(t, ev) for t, ev in events if start <= ev[0] <= end]
            for thread in sorted({t for t, _ in inside}):
                writer.events(thread, [ev for t, ev in inside if t == thread])
            writer.epoch(end)
        if ended:
            writer.end(reason, status)
        return writer.data()


# In it a script calls a function of its runtime.
SCRIPT = """
0     loop+ mode=3
1     poll
10    wake n=1
10    usage cpu=1
60    sample state=S callee=read stack=scripts
210   call callee=read ms=199 site=read_all
210   usage cpu=2 vsw=1
210   poll
300   wake
301   loop-
"""


def unseen(text=None, **options):
    """That trace, or another with its sites and stacks."""
    return trace(text or UNSEEN, sites=UNSEEN_SITES, stacks=UNSEEN_STACKS,
                 comm='twin', **options)


def trace(text, **options):
    """The bytes of a trace."""
    sites = options.pop('sites', None)
    own = {name: options.pop(name) for name in ('names', 'module', 'stacks')
           if name in options}
    fixture = Fixture(sites, **own)
    return fixture.make(text, **options)


# A server: one callback sleeps, one computes, one was starved.
SHOP = """
0     loop+
0     usage
0     spawn task=1 kind=read site=on_read from=main
0     spawn task=2 kind=timer site=on_tick from=main
0     arm task=2 kind=timer site=on_tick ms=400
1     poll
100   wake n=1
100   usage cpu=1 vsw=1
100   resume task=1 kind=read site=on_read
101   spawn task=3 kind=work site=render from=on_read
101   label task=3 text=GET/export
102   await task=1
103   poll
300   wake n=1
300   usage cpu=4 vsw=2
300   resume task=3 kind=work site=render
712   call callee=uv_sleep ms=400 site=render
712   done task=3
712   usage cpu=16 vsw=3
713   resume task=1 kind=read site=on_read
714   await task=1
714   poll timeout=0
714   wake
715   resume task=2 kind=timer site=on_tick
716   await task=2
720   poll
1500  wake n=1
1500  usage cpu=20 vsw=4
1500  resume task=1 kind=read site=on_read
1660  await task=1
1660  usage cpu=180 vsw=4
1661  poll
2000  wake n=1
2000  usage cpu=182 vsw=5
2000  resume task=2 kind=timer site=stripped
2200  await task=2
2200  usage cpu=222 delay=160 vsw=5
2201  loop- alive=1
"""

# A loop whose callbacks are not seen: what it computes is only seen from outside.
UNSEEN_SITES = {
    'main': ('/src/twin.c', 90), 'parse_config': ('/src/twin.c', 12),
    'parse_config_later': ('/src/twin.c', 14, 'parse_config'),
    'scan': ('/src/twin.c', 6), 'hash_password': ('/src/twin.c', 31),
    'round': ('/src/twin.c', 25), 'read_all': ('/src/twin.c', 44),
    'inner': None, 'readFile': ('/app/server.js', 8, 'readFile', None),
    'deflate': ('deflate.c', 3, 'deflate', '/usr/lib/libz.so.1'),
    'crc32': ('crc32.c', 5, 'crc32', '/usr/lib/libz.so.1'),
    'memcpy': ('memcpy.c', 7, 'memcpy', '/usr/lib/libc.so.6')}
UNSEEN_STACKS = {
    'scans': ['scan', 'parse_config', 'main'],
    'parses': ['parse_config_later', 'main'],
    'parses-inner': ['inner', 'parse_config_later', 'main'],
    'copies': ['memcpy', 'parse_config_later', 'main'],
    'hashes': ['round', 'hash_password', 'main'],
    'packs': ['deflate', 'hash_password', 'main'],
    'sums': ['crc32', 'hash_password', 'main'],
    'scripts': ['memcpy', 'read_all', 'readFile', 'main'],
    'reads': ['memcpy', 'read_all', 'main']}
UNSEEN = """
0     loop+ mode=3
1     poll
100   wake n=1
100   usage cpu=1
150   sample state=R
155   sample state=R stack=scans
156   sample state=R stack=parses
157   sample state=R stack=copies
400   usage cpu=301
400   poll
500   wake n=1
500   usage cpu=302
550   sample state=R stack=sums
551   sample state=R stack=packs
552   sample state=R stack=hashes
750   usage cpu=552
750   poll
900   wake n=1
900   usage cpu=553
950   sample state=R stack=parses-inner
1080  usage cpu=733
1080  poll
1200  wake n=1
1200  usage cpu=734
1350  usage cpu=884
1350  poll
1500  wake n=1
1500  usage cpu=885
1550  sample state=S callee=read stack=reads
1700  call callee=read ms=199 site=read_all
1700  usage cpu=886 vsw=1
1700  poll
2000  wake
2001  loop-
"""

# The same without anything to find.
CLEAN = """
0     loop+
0     usage
0     spawn task=1 kind=timer site=on_tick from=main
1     poll
100   wake n=1
100   resume task=1 kind=timer site=on_tick
104   call callee=fsync ms=2 site=on_tick on=6
105   await task=1
106   poll
1000  wake
1000  loop-
"""
