"""Neovim, as Debian ships it (stripped, libuv dynamic), with samples/demo.lua."""
import unittest

from looptrace import Case, needs, nvim_demo


@needs('nvim')
class Neovim(Case):
    def test_the_sleeping_callback_is_found_and_named(self):
        trace = self.record(*nvim_demo(300))
        told = self.check(trace, '--max-stall', '100ms')
        self.assertEqual(told['exit_code'], 1)
        stalls = self.stalls(trace, '--max-stall', '100ms')
        self.assertEqual(len(stalls), 1, stalls)
        stall = stalls[0]
        self.assertEqual(stall['kind'], 'timer')
        self.assertIn(stall['callee'], ('uv_sleep', 'nanosleep'))
        self.assertGreaterEqual(stall['duration_ns'], 299_000_000)
        self.assertLess(stall['duration_ns'], 900_000_000)
        # Debian's luv has no symbol for its callback: module and offset.
        callback = stall['callback']
        self.assertRegex(callback['module'], r'luv')
        self.assertTrue(callback['function'] or callback['offset'], callback)

    def test_the_text_names_callback_time_and_call(self):
        trace = self.record(*nvim_demo(300))
        result = self.looptrace('check', '--max-stall', '100ms', trace)
        text = result.stdout.decode()
        self.assertEqual(result.returncode, 1, text)
        self.assertIn('error[stall]', text)
        self.assertRegex(text, r'\btimer\b')
        self.assertRegex(text, r'\b3\d\d ms')
        self.assertRegex(text, r'\b(uv_sleep|nanosleep)\b')
        self.assertRegex(text, r'[\w.-]+\+0x[0-9a-f]+|\w+ \(\S+:\d+\)')

    def test_without_the_sleep_it_is_clean(self):
        trace = self.record(*nvim_demo(0))
        told = self.check(trace, '--max-stall', '100ms')
        self.assertEqual(told['exit_code'], 0, told)
        self.assertEqual(self.stalls(trace), [])

    def between(self, lua):
        """The findings of a session that runs this when it has waited for a
        while, by vim.defer_fn: in between two runs of its loop."""
        start = ('lua local n = 0; local function beat() n = n + 1; '
                 'if n == 10 then ' + lua + ' end '
                 'if n == 20 then vim.cmd("qall!") else '
                 'vim.defer_fn(beat, 10) end end beat()')
        trace = self.record('nvim', '-u', 'NONE', '--headless', '-c', start,
                            path=self.dir / f'{len(lua)}.lt')
        return [f for f in self.check(trace)['findings']
                if f.get('stall_kind') == 'gap']

    def test_what_vim_put_off_and_blocks_is_found_with_its_call(self):
        for lua, callees in (('vim.loop.sleep(300)', ('uv_sleep', 'nanosleep')),
                             ('os.execute("sleep 0.3")', ('system',))):
            with self.subTest(lua):
                found = self.between(lua)
                self.assertEqual(len(found), 1, found)
                self.assertEqual(found[0]['level'], 'error')
                self.assertIn(found[0]['callee'], callees)
                self.assertEqual(found[0]['cause']['word'], 'blocked')

    def test_what_vim_put_off_and_computes_is_found_with_its_cause(self):
        found = self.between('local c = os.clock() '
                             'while os.clock() - c < 0.3 do end')
        self.assertEqual(len(found), 1, found)
        self.assertEqual(found[0]['level'], 'error')
        self.assertGreaterEqual(found[0]['cause']['cpu_ns'], 250_000_000)
        self.assertIsNone(found[0]['callee'])
        self.assertGreater(len(found[0]['samples']), 0, found[0])

    def test_output_and_status_are_those_without_recording(self):
        for stall_ms in (0, 300):
            plain = self.run_command(*nvim_demo(stall_ms))
            path = self.dir / f'{stall_ms}.lt'
            recorded = self.looptrace('record', '-q', '-o', path, '--',
                                      *nvim_demo(stall_ms))
            self.assertIn(b'heartbeat: 20 beats', plain.stdout)
            self.assertEqual(recorded.stdout, plain.stdout)
            self.assertEqual(recorded.stderr, plain.stderr)
            self.assertEqual(recorded.returncode, plain.returncode)
            self.assertTrue(path.exists())

    def test_the_exit_status_is_the_programs(self):
        result = self.looptrace('record', '-o', self.dir / 'x.lt', '--',
                                *nvim_demo(0)[:-1],
                                'lua vim.defer_fn(function() '
                                'vim.cmd("37cquit") end, 20)')
        self.assertEqual(result.returncode, 37, result)
        self.assertTrue((self.dir / 'x.lt').exists())


if __name__ == '__main__':
    unittest.main()
