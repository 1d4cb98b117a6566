/* The socket through which a running recording is told what to do.
 *
 * It stands beside the recording's shared memory (its path and ".ctl"), is the
 * user's alone, and takes one line a connection: a verb, which is answered by
 * lines of text, the first of which is "ok" or "error WHY".  The program that
 * is recorded has no part in it. */
#ifndef LTV_CONTROL_H
#define LTV_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#define CONTROL_SUFFIX ".ctl"
#define CONTROL_LINE_MAX 256

struct control;

/* Listen beside the arena at a path.
 * Returns: owned; NULL where that cannot be had: the recording goes on without.
 */
struct control *control_open(const char *arena_path);

/* End, and remove the socket; NULL is a no-op. */
void control_close(struct control *control);

/* What to wait for, with POLLIN; -1 for none.  A client that connects and says
 * nothing for a second is let go. */
int control_fd(const struct control *control);

/* What a verb does.  Returns: the answer, to be freed, NULL without memory. */
typedef char *control_answer(void *context, const char *verb);

/* Serve the client that waits, if one does. */
void control_serve(const struct control *control, control_answer *answer,
                   void *context);

/* The other side: say a verb at a socket.
 * answer: owned, NUL-terminated.  Returns: false, with errno, when nobody
 * answered. */
bool control_ask(const char *socket_path, const char *verb, char **answer);

#endif
