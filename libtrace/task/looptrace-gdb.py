"""gdb: the tasks of a program, alive or in a core file.

    (gdb) source looptrace-gdb.py
    (gdb) looptrace tasks           every task: name, what it waits for
    (gdb) looptrace tasks -bt       and its stack

Needs the symbols of liblooptrace.  (gdb's own generate-core-file cannot read past
guard pages; cores written by the kernel are whole.)
"""
import gdb
import gdb.unwinder

STATES = ('free', 'is ready', 'runs', 'waits', 'done')


def waits():
    """What lt_wait_text() says, from the table that it is made of."""
    table = gdb.parse_and_eval('lti_wait_texts')
    low, high = table.type.range()
    return [table[i].string() if int(table[i]) else 'waits'
            for i in range(low, high + 1)]


def scheds():
    """The scheduler of each thread that has one."""
    here = gdb.selected_thread()
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        try:
            sched = gdb.parse_and_eval("lti_sched")
        except gdb.error as error:
            raise gdb.GdbError(f'no symbols of liblooptrace: {error}')
        if int(sched):
            yield thread, sched
    if here:
        here.switch()


def tasks(sched):
    found = []
    slab = sched['slabs']
    while int(slab):
        blocks = slab['tasks']
        low, high = blocks.type.range()
        for i in range(low, high + 1):
            if int(blocks[i]['state']) not in (0, 4):
                found.append(blocks[i])
        slab = slab['next']
    return sorted(found, key=lambda task: int(task['serial']))


def name_of(task):
    text = task['name'].string()
    if text:
        return text
    block = gdb.block_for_pc(int(task['fn']))
    return block.function.name if block and block.function else hex(
        int(task['fn']))


def place_of(address):
    sal = gdb.find_pc_line(int(address) - 1)
    if sal.symtab:
        return f'{sal.symtab.filename}:{sal.line}'
    return hex(int(address))


def line_of(task):
    state = STATES[int(task['state'])]
    wait = task['wait']
    if int(task['state']) == 3 and int(wait):
        state = waits()[int(wait['why'])]
        if int(wait['until']):
            state += f' "{name_of(wait["until"].dereference())}"'
    return (f'#{int(task["serial"])} {name_of(task)} {state}, '
            f'spawned at {place_of(task["spawner"])}')


def saved_registers(task):
    """What lti_switch saved: see switch.S."""
    at = int(task['context'])
    word = gdb.lookup_type('unsigned long')

    def load(offset):
        return int(gdb.Value(at + offset).cast(word.pointer()).dereference())
    arch = gdb.selected_frame().architecture().name()
    if 'x86-64' in arch:
        names = {'r12': 8, 'r13': 16, 'r14': 24, 'r15': 32, 'rbx': 40,
                 'rbp': 48, 'rip': 56}
        size = 192
        registers = {name: load(offset) for name, offset in names.items()}
        registers['rsp'] = at + size
    else:
        registers = {f'x{19 + i}': load(8 * i) for i in range(12)}
        registers['pc'] = registers['x30']
        registers['sp'] = at + 176
    return registers


class FrameId:
    """Low, so that gdb never finds the next frame on the wrong side of it."""

    def __init__(self, pc):
        self.sp, self.pc = gdb.Value(1), pc


class TaskUnwinder(gdb.unwinder.Unwinder):
    """While registers is set, the thread's innermost frame seems to have been
    called by the task that they belong to.  Nothing is written, so that it
    works in a core file, too."""

    def __init__(self):
        super().__init__('looptrace-task')
        self.registers = self.at = None

    def __call__(self, pending):
        if self.registers is None:
            return None
        sp, pc = ('rsp', 'rip') if 'rip' in self.registers else ('sp', 'pc')
        if int(pending.read_register(sp)) != self.at:
            return None
        info = pending.create_unwind_info(FrameId(pending.read_register(pc)))
        for name, value in self.registers.items():
            register = pending.read_register(name)
            info.add_saved_register(name, gdb.Value(value).cast(register.type))
        return info

    def print_stack(self, task):
        frame = gdb.newest_frame()
        self.at = int(frame.read_register('sp'))
        self.registers = saved_registers(task)
        gdb.invalidate_cached_frames()
        try:
            lines = gdb.execute('bt', to_string=True).splitlines()
        finally:
            self.registers = None
            gdb.invalidate_cached_frames()
        for line in lines[1:]:  # the first is the thread's
            if '<signal handler called>' in line:
                break  # what comes then resumed it
            print('    ' + line)


UNWINDER = TaskUnwinder()
gdb.unwinder.register_unwinder(None, UNWINDER, replace=True)


class Looptrace(gdb.Command):
    """Tasks of looptrace: looptrace tasks [-bt]"""

    def __init__(self):
        super().__init__('looptrace', gdb.COMMAND_STACK, prefix=True)


class Tasks(gdb.Command):
    """List the tasks; -bt: with their stacks."""

    def __init__(self):
        super().__init__('looptrace tasks', gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        n = 0
        for thread, sched in scheds():
            for task in tasks(sched):
                n += 1
                print(line_of(task))
                if (argument.strip() == '-bt' and int(task['state']) != 2 and
                        int(task['has_begun'])):
                    UNWINDER.print_stack(task)
        print(f'{n} tasks')


Looptrace()
Tasks()
