/* Where libuv's functions are: see libuv.h.  Called when a scheduler opens. */
#include "config.h"

#include "task/libuv.h"

#include <dlfcn.h>
#include <string.h>

struct lti_task_uv lti_task_uv;

static uv_once_t once = UV_ONCE_INIT;

/* The object that the program's libuv lies in: uv_version() is not hooked. */
static void *libuv_handle(void) {
  Dl_info info;
  if (!dladdr(__extension__(void *) uv_version, &info) || !info.dli_fname)
    return NULL;
  return dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
}

static void find(void) {
  void *handle = libuv_handle();
  if (!handle) /* linked statically: a path of the program itself may not open */
    handle = dlopen("libuv.so.1", RTLD_LAZY | RTLD_NOLOAD);
  void *at;
#define LTI_LIBUV_FIND(name)                                                      \
  at = handle ? dlsym(handle, "uv_" #name) : NULL;                             \
  if (at)                                                                      \
    memcpy(&lti_task_uv.name, &at, sizeof at);                                      \
  else                                                                         \
    lti_task_uv.name = uv_##name;
  LTI_LIBUV_MAP(LTI_LIBUV_FIND)
#undef LTI_LIBUV_FIND
}

void lti_libuv_find(void) {
  uv_once(&once, find);
}
