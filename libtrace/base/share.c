/* Where the shared memory of a recording lies.
 *
 * Invariant: no file is ever made at a name that somebody else could have
 * prepared.  Called by `record`, and by lt_trace_start() where a crash is to
 * leave the rings behind. */
#include "base/share.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define LARGE_BYTES (UINT64_C(8) << 20)
#define LARGE_RINGS 32
#define CROWD 8u
#define PLENTY_BYTES (UINT64_C(2) << 30)

/* Where memory is plenty, fewer and larger rings: they hold a burst of 8 ms
 * where the busiest loop's would hold 4. */
static void choose_rings(const char *folder, struct lti_arena_options *o) {
  struct statvfs fs;
  if (o->large_records || statvfs(folder, &fs) != 0 ||
      (uint64_t)fs.f_bavail * fs.f_frsize < PLENTY_BYTES)
    return;
  o->large_records = lti_arena_records(LARGE_BYTES);
  o->n_large = LARGE_RINGS;
}

static bool make_in(const char *folder, struct lti_share *made,
                    const struct lti_arena_options *wanted) {
  uint64_t secret;
  struct lti_arena_options options = *wanted;
  choose_rings(folder, &options);
  if (getrandom(&secret, sizeof secret, 0) != (ssize_t)sizeof secret)
    return false;
  snprintf(made->path, sizeof made->path, "%s/looptrace-%u-%016" PRIx64, folder,
           (unsigned)geteuid(), secret);
  made->fd = open(made->path,
                  O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (made->fd < 0)
    return false;
  struct stat st;
  if (!fchmod(made->fd, 0600) && /* the umask may have taken even this */
      !fstat(made->fd, &st)) {
    made->dev = st.st_dev;
    made->ino = st.st_ino;
    made->arena = lti_arena_create(made->fd, &options);
    if (made->arena)
      return true;
  }
  int error = errno;
  close(made->fd);
  unlink(made->path);
  errno = error;
  return false;
}

bool lti_share_make(struct lti_share *made,
                    const struct lti_arena_options *options, char *why,
                    size_t size) {
  const char *folders[] = {"/dev/shm", secure_getenv("XDG_RUNTIME_DIR"),
                           "/tmp"};
  size_t used = 0;
  for (int i = 0; i < 3; i++) {
    if (!folders[i] || *folders[i] != '/')
      continue;
    if (make_in(folders[i], made, options))
      return true;
    if (used < size)
      used += (size_t)snprintf(why + used, size - used, "%s%s: %s",
                               used ? "; " : "", folders[i], strerror(errno));
  }
  return false;
}

bool lti_share_is_crowded(void) {
  char prefix[32];
  unsigned n = 0;
  DIR *dir = opendir("/dev/shm");
  if (!dir)
    return false;
  size_t size = (size_t)snprintf(prefix, sizeof prefix, "looptrace-%u-",
                                 (unsigned)geteuid());
  for (struct dirent *e; (e = readdir(dir));) {
    const char *suffix = strchr(e->d_name, '.');
    n += suffix && !strcmp(suffix, LTI_SHARE_WINDOW) &&
         !strncmp(e->d_name, prefix, size);
  }
  closedir(dir);
  return n >= CROWD;
}

void lti_share_close(struct lti_share *made) {
  if (made->fd >= 0)
    close(made->fd);
  made->fd = -1;
}

int lti_share_reopen(const struct lti_share *made) {
  struct stat st;
  int fd = open(made->path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd >= 0 && (fstat(fd, &st) != 0 || st.st_dev != made->dev ||
                  st.st_ino != made->ino)) {
    close(fd);
    fd = -1;
  }
  return fd;
}

void lti_share_remove(struct lti_share *made) {
  unlink(made->path);
  lti_share_close(made);
}
