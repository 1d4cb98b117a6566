/* The parts of check_tui. */
#ifndef CHECK_TUI_H
#define CHECK_TUI_H

#include <check.h>

/* check_tui_slices.c */
TCase *slices_case(void);

#endif
