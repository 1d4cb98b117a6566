/* A program that runs: the trace that is being written of it. */
#ifndef LTV_LIVE_H
#define LTV_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum live {
  LIVE_FOUND,
  LIVE_GONE,     /* there is no such process */
  LIVE_DENIED,   /* it is somebody else's */
  LIVE_UNTRACED, /* nobody writes a trace of it */
};

/* Find the trace of a process that is being recorded now: an open file of its
 * own, of the recorder that it stands under, or of the one whose memory it
 * maps.
 *
 * path: where it can be opened, as long as the recorder lives; size bytes, 64
 * are enough. */
enum live live_trace(pid_t pid, char *path, size_t size);

/* Does a process run liblooptrace, and catch a signal? */
bool live_catches(pid_t pid, int signum);

#endif
