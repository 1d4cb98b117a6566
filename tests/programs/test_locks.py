"""A lock that the loop waits for: which one, who holds it, and where that is."""
import json
import unittest

from looptrace import BUILDDIR, Case

LOCKS = str(BUILDDIR / 'tests/programs/locks')
CALLEES = dict(normal='pthread_mutex_lock', checked='pthread_mutex_lock',
               recursive='pthread_mutex_lock', timed='pthread_mutex_timedlock',
               clock='pthread_mutex_clocklock', reader='pthread_rwlock_rdlock',
               writer='pthread_rwlock_wrlock')
WAITS = dict(CALLEES, join='pthread_join')
HELD = r'^lock 0x\.\.[0-9a-f]+, held by kee\\x1bper \(thread \d+\)$'


class Locks(Case):
    def wait(self, kind, code=0, options=()):
        """The trace, and the call that waited for the lock in its one stall."""
        path = self.dir / f'{kind}.lt'
        result = self.looptrace('record', *options, '-o', path, '--', LOCKS,
                                kind)
        self.assertEqual(result.returncode, code, result)
        self.said = result.stderr.decode()
        found = [f for f in self.check(path)['findings']
                 if f['rule'] == 'stall']
        self.assertEqual(len(found), 1, found)
        return path, [c for c in found[0]['calls']
                      if c['callee'] == WAITS.get(kind, 'pthread_mutex_lock')
                      ][0]

    def functions(self, call):
        return [(f['site'] or {}).get('function')
                for f in call['holder_stack']]

    def test_the_holder_of_each_sort_of_lock_is_named(self):
        for kind in CALLEES:
            with self.subTest(kind):
                path, call = self.wait(kind)
                self.assertRegex(call['on'], HELD)
                self.assertIn('planted_keep', self.functions(call))
        text = self.looptrace('check', '--color', 'never', path).stdout
        self.assertRegex(text.decode(), r'= holder: [^=]*planted_keep')
        self.assertNotIn(b'\x1b', text)

    def test_a_thread_that_is_to_end_is_named(self):
        path, call = self.wait('join')
        self.assertRegex(call['on'], r'^kee\\x1bper \(thread \d+\)$')
        self.assertIn('planted_keep', self.functions(call))
        text = self.looptrace('check', '--color', 'never', path).stdout
        self.assertRegex(text.decode(), r'= thread: [^=]*planted_keep')

    def test_a_lock_that_is_never_given_back_has_a_holder(self):
        _, call = self.wait('dead', 128 + 9)
        self.assertTrue(call['unfinished'])
        self.assertRegex(call['on'], HELD)
        self.assertIn('planted_keep', self.functions(call))

    def test_who_has_the_lock_already_waits_for_itself(self):
        path, call = self.wait('self', 128 + 9, ['-v'])
        self.assertTrue(call['held_by_itself'])
        self.assertRegex(call['on'], r'^lock 0x\.\.[0-9a-f]+, held by this very '
                                     r'thread: it waits for itself$')
        self.assertEqual(call['holder_stack'], [])
        text = self.looptrace('check', '--color', 'never', path).stdout
        self.assertIn(b'= help: use a recursive lock, or unlock it before: '
                      b'this thread has it\n', text)
        self.assertIn(f"in futex on {call['on']}, callback on_timer",
                      self.said)

    def test_without_a_look_from_outside_the_name_is_there(self):
        path, call = self.wait('normal', options=['--stall-threshold', '10s'])
        self.assertRegex(call['on'], HELD)
        self.assertEqual(call['holder_stack'], [])
        rows = self.looptrace('export', '-f', 'ndjson', '-o', '-', path)
        told = [row['name'] for row in map(json.loads,
                                           rows.stdout.splitlines())
                if row.get('kind') == 'lock-holder']
        self.assertEqual(len(told), 1, told)


if __name__ == '__main__':
    unittest.main()
