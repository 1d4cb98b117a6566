"""looptrace top: which recording it watches, and what it says without one."""
import os
import pathlib
import subprocess
import unittest

from looptrace import LOOPTRACE, Case, needs

UTF8 = {**os.environ, 'LC_ALL': 'C.UTF-8'}
# A timer that blocks its loop for 60 ms, until somebody ends it.
LUA = """
local timer = vim.loop.new_timer()
timer:start(10, 200, function() vim.loop.sleep(60) end)
"""


def child_of(pid):
    for path in pathlib.Path('/proc').glob('[0-9]*/stat'):
        try:
            if int(path.read_text().rpartition(')')[2].split()[1]) == pid:
                return path.parent.name
        except OSError:
            pass  # it ended meanwhile
    return None


class Top(Case):
    def test_what_is_not_recorded_is_told(self):
        for word, what in ((str(os.getpid()), 'is not being recorded'),
                           ('99999999', 'does not exist'),
                           ('12x', 'is no PID')):
            result = self.looptrace('top', word)
            self.assertIn(what, result.stderr.decode())
            self.assertIn(result.returncode, (2, 3))
        self.assertEqual(self.looptrace('top', '--help').returncode, 0)

    @needs('nvim')
    def test_it_shows_a_program_that_runs(self):
        (self.dir / 'live.lua').write_text(LUA)
        recorder = subprocess.Popen(
            [LOOPTRACE, 'record', '-o', 'live.lt', '--', 'nvim', '--headless',
             '-u', 'NONE', '-i', 'NONE', '-n', '-c', 'luafile live.lua'],
            cwd=self.dir, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)

        def end():
            if recorder.poll() is None:
                recorder.terminate()  # it ends the program, too
            recorder.wait(60)
        self.addCleanup(end)
        for _ in range(300):  # until something has been written
            result = self.looptrace('top', child_of(recorder.pid) or '99999999',
                                    '--dump-screen', env=UTF8)
            if 'uv_sleep' in result.stdout.decode():
                break
            self.assertIsNone(recorder.poll())
            self.run_command('sleep', '0.1')
        text = result.stdout.decode()
        for what in ('live.lt', 'nvim pid', 'LIVE', 'Newest stalls',
                     'uv_sleep', 'Loops, last '):
            self.assertIn(what, text)


if __name__ == '__main__':
    unittest.main()
