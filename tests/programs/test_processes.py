"""Programs that change what they are, and programs in surroundings that allow
little: as without the recording, with less evidence and a note at worst."""
import json
import os

from looptrace import BUILDDIR, LOOPTRACE, Case, needs

PROCESSES = str(BUILDDIR / 'tests/programs/processes')
STRICT = str(BUILDDIR / 'tests/programs/strict')
CONFINED = str(BUILDDIR / 'tests/programs/confined')
WATCHED = str(BUILDDIR / 'tests/programs/watched')


class Same(Case):
    def same(self, how, *options, program=PROCESSES):
        """Run it with and without; the traces, the command's own first."""
        plain = self.run_command(program, how)
        if plain.returncode == 77:
            self.skipTest('not permitted here')
        self.assertEqual(plain.returncode, 5, plain)
        path = self.dir / 'x.lt'
        result = self.looptrace('record', *options, '-o', path, '--',
                                program, how)
        self.assertEqual((result.returncode, result.stdout),
                         (plain.returncode, plain.stdout), result)
        return sorted(self.dir.glob('x*.lt'), key=lambda p: len(p.name))

    def assert_nap(self, path):
        """Its one loop was held by the nap that was planted, and by nothing
        else."""
        found, = self.stalls(path)
        self.assertEqual(found['callee'], 'nanosleep')
        self.assertEqual(found['cause']['word'], 'blocked')
        self.assertIn('planted_nap', [(f['site'] or {}).get('function')
                                      for f in found['stack']])

    def notes(self, path):
        return json.loads(self.looptrace('info', '--json', path)
                          .stdout)['notes']

    def test_a_grandchild_is_recorded_to_its_end(self):
        path, = self.same('double')
        self.assertNotEqual(path.name, 'x.lt')
        self.assert_nap(path)

    def test_children_that_become_other_programs_leave_nothing(self):
        path, = self.same('starts')
        self.assertEqual(self.check(path)['verdict'], 'pass')

    def test_a_program_that_forbids_itself_system_calls_lives(self):
        path, = self.same('confined')
        self.assert_nap(path)
        self.assertIn('seccomp', ' '.join(self.notes(path)))
        # Where nobody looks from outside, the call is what is known.
        path.unlink()
        path, = self.same('confined', '--stall-threshold', '10s')
        self.assertEqual([f['callee'] for f in self.stalls(path)],
                         ['nanosleep'])

    def test_no_call_is_made_that_may_be_forbidden(self):
        path, = self.same('held', program=STRICT)
        found, = self.stalls(path)
        self.assertEqual(found['callee'], 'clock_nanosleep')
        for how, n_loops in ('child', 1), ('threads', 2), ('modules', 2):
            with self.subTest(how):
                path.unlink()
                path, = self.same(how, program=STRICT)
                info = json.loads(self.looptrace('info', '--json', path).stdout)
                self.assertEqual(info['loops'], n_loops)
                tids = [thread['tid'] for thread in info['threads']]
                self.assertEqual(len(set(tids)), len(tids))
                self.assertIn(info['trace']['pid'], tids)

    def test_a_child_that_a_handler_forks_goes_on(self):
        """It may come back into the middle of an event, whose ring and slot are
        its parent's."""
        for how in 'alarmed', 'alarmed-uv':
            for path in self.same(how):
                verified = self.looptrace('info', '--json', '--verify', path)
                self.assertEqual(verified.returncode, 0, verified)
                self.assertNotIn('damaged', ' '.join(
                    json.loads(verified.stdout)['lost_by_cause']))
                path.unlink()

    def test_a_child_that_does_so_lives_and_its_parent_is_not_meant(self):
        parent, child = self.same('filtered')
        self.assert_nap(parent)
        self.assert_nap(child)
        self.assertEqual(self.notes(parent), [])
        self.assertIn('seccomp', ' '.join(self.notes(child)))

    def test_a_program_in_an_empty_folder_is_recorded(self):
        path, = self.same('chroot')
        self.assert_nap(path)

    def test_ten_thousand_threads_have_their_loops(self):
        path, = self.same('threads')
        told = json.loads(self.looptrace('info', '--json', path).stdout)
        self.assertTrue(told['trace']['complete'])
        # Threads may come faster than their rings are emptied: counted, then.
        if told['trace']['lost'] == 0:
            self.assertEqual(told['loops'], 10_000)
        else:
            self.assertEqual(list(told['lost_by_cause']),
                             ['no ring was left for the thread'])
            self.assertGreater(told['loops'], 1000)

    def test_each_wait_is_interrupted_as_often_as_without(self):
        # The watchdog looks at each of them, too.
        self.same('signals', '--stall-threshold', '1ms')


class Little(Case):
    def stall(self, *before, env=None, options=(), how='nap'):
        """The one stall of a program that is recorded like that."""
        path = self.dir / 'x.lt'
        path.unlink(missing_ok=True)
        result = self.run_command(*before, LOOPTRACE, 'record', *options, '-o',
                                  path, '--', WATCHED, how, '300', env=env)
        self.assertEqual((result.returncode, result.stdout), (0, b'done\n'),
                         result)
        found, = [f for f in self.check(path)['findings']
                  if f['rule'] == 'stall']
        return found, path, result

    def test_a_recorder_that_may_not_read_memory_says_so(self):
        if self.run_command(CONFINED, 'noread', 'true').returncode == 77:
            self.skipTest('no seccomp here')
        found, path, result = self.stall(CONFINED, 'noread')
        self.assertEqual(found['callee'], 'usleep')
        self.assertEqual(found['cause']['word'], 'blocked')
        self.assertIn(b'have no stacks', self.looptrace('info', path).stdout)
        self.assertEqual(result.stderr.count(b'\n'), 1, result)

    @needs('setpriv')
    def test_a_user_without_rights_records(self):
        if os.geteuid() != 0:
            self.skipTest('only root can become another user')
        self.dir.chmod(0o777)
        before = ['setpriv', '--reuid', '65534', '--regid', '65534',
                  '--clear-groups', '--inh-caps=-all', '--bounding-set=-all']
        if self.run_command(*before, LOOPTRACE, '--version').returncode:
            self.skipTest('nobody may not run what was built')
        found, path, _ = self.stall(*before)
        self.assertEqual(found['callee'], 'usleep')
        self.assertIn('planted_wait', [(f['site'] or {}).get('function')
                                       for f in found['stack']])
        self.assertEqual(path.stat().st_uid, 65534)

    @needs('unshare', 'mount')
    def test_a_small_dev_shm_is_enough(self):
        for size in ('64m', '64k'):
            before = ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs -o '
                      f'size={size} none /dev/shm && exec "$@"', 'sh']
            if self.run_command(*before, 'true').returncode:
                self.skipTest('nothing may be mounted here')
            found, _, _ = self.stall(*before)
            self.assertEqual(found['callee'], 'usleep')
            self.assertNotEqual(found['stack'], [])


if __name__ == '__main__':
    import unittest
    unittest.main()
