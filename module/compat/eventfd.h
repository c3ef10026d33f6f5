/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event descriptors. GM_EVENTFDS is 1 where the kernel has them in the form of 2.6.34 and later; on older
 * ones no descriptor is taken for one, and the capabilities that need them are not announced.
 */
#ifndef GM_COMPAT_EVENTFD_H
#define GM_COMPAT_EVENTFD_H

#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/poll.h>

#ifdef GM_EXPORTS_EVENTFD_CTX_REMOVE_WAIT_QUEUE

#define GM_EVENTFDS 1

#ifndef GM_HAVE_WAIT_QUEUE_ENTRY
#define wait_queue_entry_t wait_queue_t
#endif
/* Poll masks have a type of their own since 4.16. */
#ifndef key_to_poll
#define __poll_t unsigned int
#define key_to_poll(key) ((unsigned int)(unsigned long)(key))
#endif
#ifndef EPOLLIN
#define EPOLLIN POLLIN
#define EPOLLHUP POLLHUP
#endif

/* What an event descriptor's file says at once; pt's function is given its wait queue. */
static inline __poll_t gm_eventfd_poll(struct file *file, poll_table *pt)
{
	return file->f_op->poll(file, pt);
}

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
