/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tracepoints, in /sys/kernel/tracing/events/guestmode where the kernel has them (2.6.31): every end of
 * guest mode, and every return to the program. Included once more by stats.c to make them.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM guestmode

#if !defined(GM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define GM_TRACE_H

#include <linux/tracepoint.h>

#if defined(TRACE_EVENT) && defined(CONFIG_TRACEPOINTS)

/* kind: enum gm_exit_kind; code: the vendor's. */
TRACE_EVENT(gm_exit,
	TP_PROTO(unsigned int vcpu, unsigned int kind, unsigned long long rip, unsigned long long code),
	TP_ARGS(vcpu, kind, rip, code),
	TP_STRUCT__entry(
		__field(unsigned int, vcpu)
		__field(unsigned int, kind)
		__field(unsigned long long, rip)
		__field(unsigned long long, code)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu;
		__entry->kind = kind;
		__entry->rip = rip;
		__entry->code = code;
	),
	TP_printk("vcpu %u kind %u rip 0x%llx code 0x%llx", __entry->vcpu, __entry->kind,
		  __entry->rip, __entry->code)
);

/* reason: GM_EXIT_*, meaningful if ret is 0. */
TRACE_EVENT(gm_return,
	TP_PROTO(unsigned int vcpu, unsigned int reason, long ret),
	TP_ARGS(vcpu, reason, ret),
	TP_STRUCT__entry(
		__field(unsigned int, vcpu)
		__field(unsigned int, reason)
		__field(long, ret)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu;
		__entry->reason = reason;
		__entry->ret = ret;
	),
	TP_printk("vcpu %u reason %u ret %ld", __entry->vcpu, __entry->reason, __entry->ret)
);

#else

#define trace_gm_exit(vcpu, kind, rip, code) do { } while (0)
#define trace_gm_return(vcpu, reason, ret) do { } while (0)

#endif
#endif

#if defined(TRACE_EVENT) && defined(CONFIG_TRACEPOINTS) && defined(CREATE_TRACE_POINTS)
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH module
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
#endif
