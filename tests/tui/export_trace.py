"""A trace of a server that exports rows: tasks, a pool, samples, a loss."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'support'))

import trace_text  # noqa: E402

SITES = {'main': ('/src/server.c', 80), 'on_get': ('/src/server.c', 17),
         'on_connection': ('/src/server.c', 9), 'export': ('/src/export.c', 40),
         'heartbeat': ('/src/hb.c', 9), 'flush': ('/src/gz.c', 12),
         'read_rows': ('/src/rows.c', 21), 'lookup': ('/src/db.c', 30)}
THREADS = ('server', 'pool', 'pool')

# A server that exports rows: a task reads a file in its own loop's time.  Task
# #790 awaits #812, which is woken by what a pool thread read and then blocks
# for 371 ms; 6 timers and a connection wait.  Some events are lost before, and a
# last callback never comes back.
EXPORT = '''
0    loop+
0    spawn task=1 kind=listen site=on_connection from=main
0    spawn task=2 kind=timer site=heartbeat from=main
0    spawn task=3 kind=timer site=flush from=main
0    arm task=2 kind=timer site=heartbeat ms=40
0    arm task=3 kind=timer site=flush ms=120
1    poll
40   wake
40   resume task=2 kind=timer site=heartbeat
41   arm task=2 kind=timer site=heartbeat ms=40
41   await task=2
42   poll
60   lost n=1204 ms=8
60   poll
81   wake
81   resume task=2 kind=timer site=heartbeat
82   arm task=2 kind=timer site=heartbeat ms=40
82   await task=2
83   poll
90   wake n=1
90   resume task=1 kind=listen site=on_connection
91   spawn task=790 kind=task site=on_get from=on_connection
91   label task=790 text=GET
92   await task=1
92   resume task=790 kind=task site=on_get
93   spawn task=812 kind=task site=export from=on_get
93   label task=812 text=export
94   await task=790 for=812 why=3
94   resume task=812 kind=task site=export
95   spawn task=20 kind=fs site=read_rows from=export
95   spawn task=21 kind=dns site=lookup from=export
95   spawn task=22 kind=fs site=read_rows from=export
96   await task=812 why=10
96   poll
96.5 pool+ task=20 kind=fs site=read_rows thread=1
97   pool+ task=21 kind=dns site=lookup thread=2
110  pool- task=20 thread=1
110  pool+ task=22 kind=fs site=read_rows thread=1
110.5 wake n=1
110.5 usage cpu=9 vsw=3
110.5 resume task=20 kind=fs site=read_rows
111  ready task=812 cause=3 from=20
111  done task=20
111  fd on=32 text=/srv/rows.db
112  resume task=812 kind=task site=export
114  pool- task=22 thread=1
523  ready task=790 cause=1 from=812
170  sample state=D callee=pread on=32
270  sample state=D callee=pread on=32
300  pool- task=21 thread=2
470  sample state=D callee=pread on=32
490  call callee=pread ms=371 site=export on=32
524  done task=812
524  resume task=22 kind=fs site=read_rows
525  done task=22
525  resume task=21 kind=dns site=lookup
526  done task=21
526  resume task=790 kind=task site=on_get
528  done task=790
528  usage cpu=52 vsw=4
528  poll timeout=0
528  wake n=1
529  resume task=2 kind=timer site=heartbeat
530  arm task=2 kind=timer site=heartbeat ms=40
530  await task=2
531  resume task=3 kind=timer site=flush
533  await task=3
534  resume task=1 kind=listen site=on_connection
535  await task=1
536  poll
571  wake
571  resume task=2 kind=timer site=heartbeat
'''


def export():
    lines = sorted((line for line in EXPORT.splitlines() if line),
                   key=lambda line: float(line.split()[0]))
    return trace_text.trace('\n'.join(lines), sites=SITES, names=THREADS,
                            comm='server', end_ms=640)
