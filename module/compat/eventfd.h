/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event descriptors. GM_EVENTFDS is 1 where the kernel has them in the form of 2.6.34 and later; on older
 * ones no descriptor is taken for one, and the capabilities that need them are not announced.
 */
#ifndef GM_COMPAT_EVENTFD_H
#define GM_COMPAT_EVENTFD_H

#include <linux/err.h>
#include <linux/eventfd.h>

#ifdef GM_EXPORTS_EVENTFD_CTX_REMOVE_WAIT_QUEUE

#define GM_EVENTFDS 1
static inline void gm_eventfd_signal(struct eventfd_ctx *ctx)
{
#ifdef GM_HAVE_EVENTFD_SIGNAL_COUNT
	eventfd_signal(ctx, 1);
#else
	eventfd_signal(ctx);
#endif
}

#else

#define GM_EVENTFDS 0
#define eventfd_ctx_fdget(fd) ((struct eventfd_ctx *)ERR_PTR(-ENOSYS))
#define eventfd_ctx_put(ctx) ((void)(ctx))
#define gm_eventfd_signal(ctx) ((void)(ctx))
struct eventfd_ctx;

#endif
#endif
