"""Modules that have a libuv of their own: each call reaches the one that it would
reach without us, whichever comes first, and only one is followed."""
import json
import re
import unittest

from looptrace import BUILDDIR, needs
from test_hooks import Hooks

HOST = r'''
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv) {
  for (int round = 0; round < 2; round++)
    for (int i = 1; i < argc; i++) {
      void *plugin = dlopen(argv[i], RTLD_NOW | RTLD_LOCAL);
      void (*run)(void) = plugin ? (void (*)(void))dlsym(plugin, "run") : 0;
      if (!run) {
        puts(dlerror());
        return 1;
      }
      run();
    }
  return 0;
}
'''

# What libuv does with threads, signals and requests that it passes on to itself.
PLUGIN = r'''
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>
static uv_timer_t timer;
static uv_signal_t watcher;
static uv_async_t async;
static uv_work_t work;
static uv_write_t request;
static uv_pipe_t ends[2];
static int n;
static char bytes[16];
static void on_timer(uv_timer_t *t) {
  if (++n % 5 == 0) uv_close((uv_handle_t *)t, NULL);
}
static void on_signal(uv_signal_t *s, int number) {
  printf("signal %d\n", number);
  uv_close((uv_handle_t *)s, NULL);
}
static void on_async(uv_async_t *a) { uv_close((uv_handle_t *)a, NULL); }
static void on_work(uv_work_t *w) { (void)w; uv_async_send(&async); }
static void after(uv_work_t *w, int status) {
  (void)w;
  printf("worked %d\n", status);
  uv_kill(uv_os_getpid(), SIGUSR1);
}
static void on_alloc(uv_handle_t *h, size_t size, uv_buf_t *buf) {
  (void)h; (void)size;
  *buf = uv_buf_init(bytes, sizeof bytes);
}
static void on_read(uv_stream_t *s, ssize_t size, const uv_buf_t *buf) {
  printf("read %.*s\n", size > 0 ? (int)size : 0, buf->base);
  uv_close((uv_handle_t *)s, NULL);
}
static void on_write(uv_write_t *w, int status) {
  printf("written %d\n", status);
  uv_close((uv_handle_t *)w->handle, NULL);
}
void run(void) {
  uv_loop_t loop;
  uv_file fds[2];
  uv_buf_t buf = uv_buf_init("text", 4);
  uv_loop_init(&loop);
  uv_timer_init(&loop, &timer);
  uv_signal_init(&loop, &watcher);
  uv_async_init(&loop, &async, on_async);
  printf("%d", uv_signal_start(&watcher, on_signal, SIGUSR1));
  printf("%d", uv_timer_start(&timer, on_timer, 1, 1));
  printf("%d", uv_queue_work(&loop, &work, on_work, after));
  printf("%d\n", uv_pipe(fds, 0, 0));
  for (int i = 0; i < 2; i++) {
    uv_pipe_init(&loop, &ends[i], 0);
    uv_pipe_open(&ends[i], fds[i]);
  }
  uv_read_start((uv_stream_t *)&ends[0], on_alloc, on_read);
  uv_write(&request, (uv_stream_t *)&ends[1], &buf, 1, on_write);
  printf("run %d\n", uv_run(&loop, UV_RUN_DEFAULT));
  printf("close %d, %d timers\n", uv_loop_close(&loop), n);
  fflush(stdout);
}
'''

# As one that has libuv inside, linked statically, as far as calls go.
INSIDE = r'''
#include <stdio.h>
int uv_run(void *loop, int mode) { return loop ? 0 : 42 + mode; }
void uv_close(void *handle, void *cb) { printf("closes %d%d\n", !handle, !cb); }
int uv_write2(void *a, void *b, void *c, unsigned d, void *e, void *f) {
  return a || b || c || d || e || f ? 0 : 43;
}
int uv_write(void *a, void *b, void *c, unsigned d, void *f) {
  return uv_write2(a, b, c, d, 0, f);
}
int uv_loop_close(void *loop) { return loop ? 0 : 44; }
void uv_sleep(unsigned ms) { printf("sleeps %u\n", ms); }
void uv_mutex_lock(void *lock) { printf("locks %d\n", !lock); }
int uv_async_send(void *async) { return async ? 0 : 45; }
int uv_fs_stat(void *a, void *b, const char *c, void *d) {
  return a || b || c || d ? 0 : 46;
}
void run(void) {
  printf("%d %d %d ", uv_run(0, 1), uv_write(0, 0, 0, 0, 0), uv_loop_close(0));
  printf("%d %d\n", uv_async_send(0), uv_fs_stat(0, 0, 0, 0));
  uv_close(0, 0);
  uv_sleep(7);
  uv_mutex_lock(0);
  fflush(stdout);
}
'''


@needs('gcc')
class TwoLibuvs(Hooks):
    def setUp(self):
        super().setUp()
        ldd = self.run_command('ldd', BUILDDIR / 'tests/programs/hook_families')
        path = re.search(r'libuv\S* => (\S+)', ldd.stdout.decode())[1]
        with open(path, 'rb') as library:
            code = library.read()
        # Another library, to the dynamic linker.
        (self.dir / 'libuW.so.1').write_bytes(
            code.replace(b'libuv.so.1\0', b'libuW.so.1\0'))
        shared = ['-w', '-fPIC', '-shared', '-O2']
        for out, source, flags in (
                ('host', HOST, ['-w']), ('normal.so', PLUGIN, [*shared, '-luv']),
                ('other.so', PLUGIN, [*shared, './libuW.so.1',
                                      '-Wl,-rpath,$ORIGIN']),
                ('inside.so', INSIDE, shared)):
            (self.dir / 'x.c').write_text(source)
            built = self.run_command('gcc', '-o', out, 'x.c', *flags)
            self.assertEqual(built.returncode, 0, built.stderr)

    def host(self, *plugins):
        """As without; the events, and the notes."""
        command = ['./host', *(f'./{name}.so' for name in plugins)]
        plain = self.run_command(*command)
        self.assertEqual(plain.returncode, 0, plain)
        result = self.looptrace('record', '--overwrite', '-o', 'x.lt', '--',
                                *command)
        # What comes first, the pool's work or the pipe's, is up to the machine.
        self.assertEqual(sorted(result.stdout.splitlines()),
                         sorted(plain.stdout.splitlines()), result)
        self.assertEqual(result.returncode, 0)
        if not (self.dir / 'x.lt').exists():
            return [], ''
        told = json.loads(self.looptrace('info', '--json', 'x.lt').stdout)
        return self.events(self.dir / 'x.lt'), '\n'.join(told['notes'])

    def test_one_inside_a_module_is_reached(self):
        events, _ = self.host('inside')
        self.assertEqual(events, [])

    def test_one_beside_another_is_reached_and_only_one_is_followed(self):
        for plugins in (['normal', 'inside'], ['inside', 'normal'],
                        ['normal', 'other'], ['other', 'normal'],
                        ['other', 'inside', 'normal']):
            with self.subTest(plugins):
                events, notes = self.host(*plugins)
                slices = self.slices(events)
                self.assertEqual((slices['TIMER'], slices['WORK'],
                                  slices['READ'], slices['SIGNAL']),
                                 (10, 2, 2, 2))
                for name in set(plugins) - {'normal'}:
                    self.assertRegex(notes, f'{name}.so has or brings a libuv')
                self.assertNotIn('normal.so', notes)

    def test_one_that_is_alone_is_reached(self):
        self.host('other')


if __name__ == '__main__':
    unittest.main()
