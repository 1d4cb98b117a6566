/* Run a command where less is allowed than usual, for test_watch.py and
 * test_processes.py.
 *
 *   confined noperf COMMAND...    perf_event_open says EACCES
 *   confined noread COMMAND...    process_vm_readv says EPERM
 *   confined notrace COMMAND...   without CAP_SYS_PTRACE */
#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int forbid(long number, unsigned error) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog filter = {sizeof code / sizeof *code, code};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

int main(int argc, char **argv) {
  if (argc < 3)
    return 2;
  if (strcmp(argv[1], "noperf") == 0) {
    if (forbid(SYS_perf_event_open, EACCES))
      return 77;
  } else if (strcmp(argv[1], "noread") == 0) {
    if (forbid(SYS_process_vm_readv, EPERM))
      return 77;
  } else if (prctl(PR_CAPBSET_DROP, CAP_SYS_PTRACE, 0, 0, 0) &&
             geteuid() == 0) {
    return 77; /* who is not root does not have it */
  }
  execvp(argv[2], argv + 2);
  perror(argv[2]);
  return 127;
}
