/* Parts of the JSON form that the line form shares. */
#ifndef LTV_CHECK_JSON_H
#define LTV_CHECK_JSON_H

#include "output/check.h"
#include "output/json.h"

/* One finding as an object, inside an array or alone. */
void check_json_finding(struct json *json, const struct checked *trace,
                        const struct finding *f);

#endif
