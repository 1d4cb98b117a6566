"""Programs that others wrote: recorded, they say and end as without, each slice
of theirs begins and ends and has a task that was made, and info tells which libuv
it was.  Those that are not installed are left out."""
import json
import os
import signal
import socket
import struct
import subprocess
import time
import unittest

from looptrace import LOOPTRACE, needs, nvim_demo
from test_hooks import Hooks

PYTHON = '/usr/bin/python3'  # which Debian's libraries are for

UVLOOP = '''
import asyncio, uvloop
async def answer(reader, writer):
    writer.write(await reader.readline())
    writer.close()
async def main():
    server = await asyncio.start_server(answer, '127.0.0.1', 0)
    port = server.sockets[0].getsockname()[1]
    for i in range(5):
        reader, writer = await asyncio.open_connection('127.0.0.1', port)
        writer.write(b'line %d\\n' % i)
        print(await reader.readline())
        writer.close()
    child = await asyncio.create_subprocess_exec(
        'sh', '-c', 'echo child; exit 3', stdout=asyncio.subprocess.PIPE)
    print(await child.communicate(), child.returncode)
    print(await asyncio.to_thread(lambda: 7))
    server.close()
uvloop.install()
asyncio.run(main())
raise SystemExit(9)
'''

CTEST = '''cmake_minimum_required(VERSION 3.13)
project(small NONE)
enable_testing()
add_test(NAME says COMMAND sh -c "echo one")
add_test(NAME fails COMMAND sh -c "exit 3")
'''

NAMED = '''options {{
  directory "{folder}"; listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }}; pid-file "{folder}/pid"; session-keyfile none;
  recursion no; dnssec-validation no; notify no; minimal-responses yes;
}};
controls {{ }};
zone "x.test" {{ type primary; file "x.zone"; }};
'''
ZONE = '$TTL 60\n@ SOA ns root 1 60 60 60 60\n@ NS ns\nns A 127.0.0.1\n' \
       'a A 1.2.3.4\n'


def has_module(name):
    return os.path.exists(PYTHON) and not subprocess.run(
        [PYTHON, '-c', f'import {name}'], capture_output=True,
        check=False).returncode


class RealPrograms(Hooks):
    def assert_sound(self, path, *wanted):
        """A whole trace of libuv's loops, with slices of these kinds."""
        events = self.events(path)
        self.assert_balanced(events)
        seen = self.slices(events)
        self.assertEqual(set(wanted) - set(seen), set(), seen)
        told = json.loads(self.looptrace('info', '--json', path).stdout)
        self.assertTrue(told['trace']['complete'])
        self.assertEqual(told['untracked'], 0)
        text = self.looptrace('info', path).stdout.decode()
        self.assertRegex(text, r'\ncoverage   \S*/libuv\.so\S*\n(note|$)')
        self.assertNotIn('not seen', text)
        return events

    @needs('nvim')
    def test_neovim(self):
        self.same(*nvim_demo(0))
        self.assert_sound(self.dir / 'x.lt', 'TIMER', 'CLOSE')

    @needs('cmake', 'ctest')
    def test_ctest(self):
        (self.dir / 'CMakeLists.txt').write_text(CTEST)
        made = self.run_command('cmake', '-S', '.', '-B', 'b')
        self.assertEqual(made.returncode, 0, made)
        result = self.looptrace('record', '-q', '-o', 'x.lt', '--', 'ctest',
                                '--test-dir', 'b')
        self.assertEqual(result.returncode, 8, result)
        self.assert_sound(self.dir / 'x.lt', 'PROCESS_EXIT', 'READ')

    @unittest.skipUnless(has_module('uvloop'), 'not installed: python3-uvloop')
    def test_uvloop(self):
        self.same(PYTHON, '-c', UVLOOP)
        self.assert_sound(self.dir / 'x.lt', 'IDLE', 'LISTEN', 'CONNECT',
                          'READ', 'PROCESS_EXIT', 'ASYNC')

    def ask(self, port):
        """An address, by the protocol: what named answers for a.x.test."""
        question = b'\1a\1x\4test\0' + struct.pack('!HH', 1, 1)
        packet = struct.pack('!HHHHHH', 4711, 0, 1, 0, 0, 0) + question
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            asked.settimeout(1)
            for _ in range(60):
                asked.sendto(packet, ('127.0.0.1', port))
                try:
                    return asked.recv(512)[-4:]
                except OSError: # it does not listen yet
                    time.sleep(0.1)
        self.fail('named does not answer')

    def configure(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(('127.0.0.1', 0))
            port = free.getsockname()[1]
        (self.dir / 'conf').write_text(NAMED.format(folder=self.dir,
                                                    port=port))
        (self.dir / 'x.zone').write_text(ZONE)
        return port

    def named(self, *options):
        """Recorded, asked ten times, and ended by SIGTERM."""
        port = self.configure()
        process = subprocess.Popen(
            [LOOPTRACE, 'record', '-o', 'x.lt', '--', 'named', *options, '-c',
             self.dir / 'conf'], cwd=self.dir, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            for _ in range(10):
                self.assertEqual(self.ask(port), b'\1\2\3\4')
            # Of the daemon itself: record ends no more than its command.
            os.kill(int((self.dir / 'pid').read_text()), signal.SIGTERM)
            process.communicate(timeout=60)
        finally:
            if process.poll() is None:
                self.end(process)
        self.assertEqual(process.returncode, 0)

    def end(self, process):
        """What hangs; a daemon holds the recorder's output open."""
        process.kill()
        pid = self.dir / 'pid'
        if pid.exists():
            os.kill(int(pid.read_text()), signal.SIGKILL)
        process.communicate()

    @needs('named')
    def test_named_in_the_foreground_and_as_a_daemon(self):
        loops = []
        for options, name in ((['-f'], r'^x\.lt$'),
                              ([], r'^x\.named-\d+\.lt$')):
            with self.subTest(options):
                self.named(*options, '-n', '4')
                path, = self.dir.glob('*.lt')
                self.assertRegex(path.name, name)
                events = self.assert_sound(path, 'ASYNC', 'UDP_RECV',
                                           'UDP_SEND')
                loops.append(len({e.thread for e in events
                                  if e.kind == 'LOOP_BEGIN'}))
                path.unlink()
        self.assertGreater(loops[0], 2)
        self.assertEqual(loops[0], loops[1])


if __name__ == '__main__':
    unittest.main()
