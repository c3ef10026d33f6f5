// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Block back ends: requests, their life and their errors. The work itself is done by a format's
 * driver (raw.c) on the loop's worker threads.
 *
 * Ordering is that of a disk: requests in flight together may be done in any order; a flush
 * covers the writes that were done when it was submitted.
 *
 * A flush error is remembered and given to every later flush of this disk until it is opened
 * again: after a failed fsync the kernel may have thrown the data away, so that trying again
 * succeeds without having written anything.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "vmm/block/block_int.h"
#include "vmm/trace.h"

static const struct gm_blk_driver *const blk_drivers[] = {&gm_blk_raw, &gm_blk_qcow2};

/* Images of other programs, so that nobody boots a container's header as a raw disk. */
static const struct {
	const char *name;
	u32 off, len;
	const char *bytes;
} blk_magics[] = {
	{"qcow2", 0, 4, "QFI\xfb"},
	{"VMDK", 0, 4, "KDMV"},
	{"VDI", 64, 4, "\x7f\x10\xda\xbe"},
	{"VHDX", 0, 8, "vhdxfile"},
	{"VHD", 0, 8, "conectix"},
	{"QED", 0, 4, "QED\0"},
};

static const char *const op_names[] = {
	[GM_BLK_READ] = "read",
	[GM_BLK_WRITE] = "write",
	[GM_BLK_FLUSH] = "flush",
	[GM_BLK_DISCARD] = "discard",
	[GM_BLK_WRITE_ZEROES] = "write",
};

static const char *blk_foreign(const struct gm_blk_options *o)
{
	u8 buf[128] = {0};
	int fd = o->fd_given ? fcntl(o->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
			     : open(o->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t i;
	ssize_t n;

	if (fd < 0)
		return NULL;
	n = pread(fd, buf, sizeof(buf), 0);
	close(fd);
	for (i = 0; n == sizeof(buf) && i < ARRAY_SIZE(blk_magics); i++)
		if (!memcmp(buf + blk_magics[i].off, blk_magics[i].bytes, blk_magics[i].len))
			return blk_magics[i].name;
	return NULL;
}

/* Writing past RLIMIT_FSIZE must give EFBIG and not end the process. */
static void blk_ignore_sigxfsz(void)
{
	struct sigaction sa;

	if (!sigaction(SIGXFSZ, NULL, &sa) && sa.sa_handler == SIG_DFL)
		signal(SIGXFSZ, SIG_IGN);
}

struct gm_blk *gm_blk_open_driver(struct gm_machine *m, const struct gm_blk_driver *drv,
				  const struct gm_blk_options *o, char *err, size_t errlen)
{
	struct gm_blk *b = calloc(1, sizeof(*b));
	int ret;

	if (!b)
		goto nomem;
	b->path = strdup(o->path);
	if (!b->path)
		goto nomem;
	pthread_mutex_init(&b->flush_lock, NULL);
	b->m = m;
	b->drv = drv;
	b->on_error = o->on_error;
	b->readonly = o->readonly;
	err[0] = '\0';
	ret = drv->open(b, o, err, errlen);
	if (ret) {
		if (!err[0])
			snprintf(err, errlen, "%s: %s", o->path, strerror(-ret));
		goto fail;
	}
	if (o->snapshot && !o->readonly) {
		b->overlay = gm_overlay_new(b->size, err, errlen);
		if (!b->overlay) {
			drv->close(b);
			goto fail;
		}
	}
	return b;
nomem:
	snprintf(err, errlen, "%s: out of memory", o->path);
fail:
	if (b)
		free(b->path);
	free(b);
	return NULL;
}

struct gm_blk *gm_blk_open(struct gm_machine *m, const struct gm_blk_options *o, char *err,
			   size_t errlen)
{
	const char *foreign;
	size_t i;

	if (!o->path || !*o->path) {
		snprintf(err, errlen, "a disk needs a file name");
		return NULL;
	}
	blk_ignore_sigxfsz();
	if (!o->format) {
		foreign = blk_foreign(o);
		if (foreign && !strcmp(foreign, gm_blk_qcow2.name))
			return gm_blk_open_driver(m, &gm_blk_qcow2, o, err, errlen);
		if (foreign) {
			snprintf(err, errlen,
				 "%s: is a %s image, which cannot be used here; convert it to raw, "
				 "or say format=raw if it is one",
				 o->path, foreign);
			return NULL;
		}
		return gm_blk_open_driver(m, &gm_blk_raw, o, err, errlen);
	}
	for (i = 0; i < ARRAY_SIZE(blk_drivers); i++)
		if (!strcmp(blk_drivers[i]->name, o->format))
			return gm_blk_open_driver(m, blk_drivers[i], o, err, errlen);
	snprintf(err, errlen, "%s: unknown disk format '%s' (raw, qcow2)", o->path, o->format);
	return NULL;
}

/* ---- on the worker threads ---- */

/* One at a time: a second flush must not be done while the first still works on the same data. */
static int blk_do_flush(struct gm_blk *b)
{
	int err;

	if (b->overlay || b->readonly || !b->drv->flush)
		return 0;
	pthread_mutex_lock(&b->flush_lock);
	if (!b->flush_err && atomic_exchange(&b->dirty, false))
		b->flush_err = b->drv->flush(b);
	err = b->flush_err;
	pthread_mutex_unlock(&b->flush_lock);
	return err;
}

static int blk_zero_by_writing(struct gm_blk *b, u64 off, u64 len)
{
	static const u8 zeros[65536];
	struct iovec v = {(void *)zeros, 0};
	int err = 0;

	while (len && !err) {
		v.iov_len = MIN(len, (u64)sizeof(zeros));
		err = b->overlay ? gm_overlay_writev(b->overlay, b, off, &v, 1)
				 : b->drv->writev(b, off, &v, 1);
		off += v.iov_len;
		len -= v.iov_len;
	}
	return err;
}

static int blk_do(struct gm_blk *b, struct gm_blk_req *r)
{
	int err;

	switch (r->op) {
	case GM_BLK_READ:
		return b->overlay ? gm_overlay_readv(b->overlay, b, r->offset, r->iov, r->iovcnt)
				  : b->drv->readv(b, r->offset, r->iov, r->iovcnt);
	case GM_BLK_WRITE:
		err = b->overlay ? gm_overlay_writev(b->overlay, b, r->offset, r->iov, r->iovcnt)
				 : b->drv->writev(b, r->offset, r->iov, r->iovcnt);
		break;
	case GM_BLK_FLUSH:
		return blk_do_flush(b);
	case GM_BLK_DISCARD:
		if (b->overlay || !b->drv->discard)
			return 0;
		err = b->drv->discard(b, r->offset, r->len);
		break;
	case GM_BLK_WRITE_ZEROES:
		err = b->overlay || !b->drv->write_zeroes
			      ? blk_zero_by_writing(b, r->offset, r->len)
			      : b->drv->write_zeroes(b, r->offset, r->len);
		break;
	default:
		return -EINVAL;
	}
	/* Even a failed write may have written something. */
	atomic_store(&b->dirty, true);
	return err;
}

static void blk_run(struct gm_work *w)
{
	struct gm_blk_req *r = container_of(w, struct gm_blk_req, work);

	if (!r->err)
		r->err = blk_do(r->blk, r);
}

/* ---- in the I/O loop ---- */

/* Errors that the guest caused are its own affair; those of the host follow the policy. */
static bool blk_host_error(int err)
{
	return err && err != -EINVAL && err != -EROFS && err != -ENOMEDIUM;
}

/* Applies the policy to a failed request; true when the request is held back. */
static bool blk_failed(struct gm_blk *b, struct gm_blk_req *r)
{
	struct gm_blk_req **p;

	if (b->on_error == GM_BLK_STOP) {
		gm_machine_end(b->m, GM_END_ERROR, "%s: %s failed at byte %llu: %s", b->path,
			       op_names[r->op], (unsigned long long)r->offset, strerror(-r->err));
		return false;
	}
	if (b->on_error == GM_BLK_REPORT || b->draining) {
		gm_machine_warn(b->m, "%s: %s failed at byte %llu: %s", b->path, op_names[r->op],
				(unsigned long long)r->offset, strerror(-r->err));
		return false;
	}
	gm_machine_warn(b->m,
			"%s: %s failed at byte %llu: %s; the machine is paused: mend it and "
			"resume with the menu or 'kill -CONT %d'",
			b->path, op_names[r->op], (unsigned long long)r->offset,
			strerror(-r->err), (int)getpid());
	gm_machine_pause(b->m);
	for (p = &b->parked; *p; p = &(*p)->next)
		;
	r->next = NULL;
	*p = r;
	return true;
}

static void blk_done(struct gm_work *w)
{
	struct gm_blk_req *r = container_of(w, struct gm_blk_req, work);
	struct gm_blk *b = r->blk;

	b->inflight--;
	if (gm_trace_on(b->m, GM_TRACE_BLOCK))
		gm_trace_put(b->m, GM_TRACE_BLOCK, "%s: %s at %llu, %llu bytes: %s", b->path,
			     op_names[r->op], (unsigned long long)r->offset,
			     (unsigned long long)r->len, r->err ? strerror(-r->err) : "done");
	if (blk_host_error(r->err) && blk_failed(b, r))
		return;
	r->done(r, r->err);
}

static int blk_check(struct gm_blk *b, struct gm_blk_req *r)
{
	if (r->op == GM_BLK_FLUSH)
		return 0;
	if (r->op != GM_BLK_READ && b->readonly)
		return -EROFS;
	if (r->len > b->size || r->offset > b->size - r->len)
		return -EINVAL;
	if ((r->op == GM_BLK_READ || r->op == GM_BLK_WRITE) &&
	    (r->iovcnt < 0 || gm_iov_len(r->iov, r->iovcnt) != r->len))
		return -EINVAL;
	return 0;
}

void gm_blk_submit(struct gm_blk *b, struct gm_blk_req *r)
{
	r->blk = b;
	r->work.run = blk_run;
	r->work.done = blk_done;
	r->next = NULL;
	/* A bad request goes the same way: `done` is never called from in here. */
	r->err = blk_check(b, r);
	b->inflight++;
	gm_loop_submit(b->m->loop, &r->work);
}

void gm_blk_drain(struct gm_blk *b)
{
	while (b->inflight)
		gm_loop_drain(b->m->loop);
}

void gm_blk_abort(struct gm_blk *b)
{
	struct gm_blk_req *r;

	b->draining = true;
	gm_blk_drain(b);
	while ((r = b->parked)) {
		b->parked = r->next;
		r->done(r, r->err);
		gm_blk_drain(b);
	}
	b->draining = false;
}

void gm_blk_resume(struct gm_blk *b)
{
	struct gm_blk_req *r, *list = b->parked;

	b->parked = NULL;
	while ((r = list)) {
		list = r->next;
		/* A failed flush is final, its request carries the news; the rest gets its second
		 * chance. */
		r->next = NULL;
		if (r->op != GM_BLK_FLUSH) {
			gm_blk_submit(b, r);
			continue;
		}
		r->done(r, r->err);
	}
}

void gm_blk_close(struct gm_blk *b)
{
	int err;

	if (!b)
		return;
	gm_blk_abort(b);
	err = blk_do_flush(b);
	if (err)
		gm_machine_warn(b->m, "%s: flush failed, the last writes may be lost: %s", b->path,
				strerror(-err));
	b->drv->close(b);
	if (b->overlay)
		gm_overlay_free(b->overlay);
	pthread_mutex_destroy(&b->flush_lock);
	free(b->path);
	free(b);
}

u64 gm_blk_size(const struct gm_blk *b)
{
	return b->size;
}

bool gm_blk_readonly(const struct gm_blk *b)
{
	return b->readonly;
}

const char *gm_blk_path(const struct gm_blk *b)
{
	return b->path;
}

const char *gm_blk_format(const struct gm_blk *b)
{
	return b->drv->name;
}
