/* The peer's tracepoint: the same three numbers as one of our events. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER bench

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "./lttng_tp.h"

#if !defined(BENCH_LTTNG_TP_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define BENCH_LTTNG_TP_H

#include <lttng/tracepoint.h>
#include <stdint.h>

LTTNG_UST_TRACEPOINT_EVENT(
    bench, cb,
    LTTNG_UST_TP_ARGS(uint32_t, kind, uint32_t, x, uint64_t, a),
    LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(uint32_t, kind, kind)
                            lttng_ust_field_integer(uint32_t, x, x)
                                lttng_ust_field_integer(uint64_t, a, a)))

#endif

#include <lttng/tracepoint-event.h>
