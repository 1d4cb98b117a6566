/* A test's expectations: what the poll's hook must tell them. */
#ifndef LTI_EXPECT_H
#define LTI_EXPECT_H

#include <looptrace/expect.h>

/* The innermost one of this thread, NULL none. */
extern __thread lt_expect *lti_expected
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* The thread enters a poll of this descriptor, or comes back. errno is
 * preserved. */
void lti_expect_poll(int fd);
void lti_expect_woke(int fd);

#endif
