/* The texts of statuses.  Static data only; anybody may call it. */
#include <looptrace/status.h>

const char *lt_status_text(lt_status status) {
  switch (status) {
#define LT_STATUS_CASE(name, text)                                             \
  case LT_##name:                                                              \
    return text;
    LT_STATUS_MAP(LT_STATUS_CASE)
#undef LT_STATUS_CASE
  }
  return "an unknown status";
}
