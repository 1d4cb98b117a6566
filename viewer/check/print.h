/* Write a result in all the formats that were asked for. */
#ifndef LTV_CHECK_PRINT_H
#define LTV_CHECK_PRINT_H

#include "check/options.h"
#include "output/check.h"

/* Returns: false when a file could not be written; has said so. */
bool check_print(const struct options *options,
                 const struct check_result *result);

#endif
