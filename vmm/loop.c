// SPDX-License-Identifier: GPL-2.0-or-later
/* The I/O loop: epoll, an eventfd for wake-ups, the clock's timers, and worker threads. */
#include "vmm/loop.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "vmm/clock.h"
#include "vmm/machine.h"
#include "vmm/sandbox/sandbox.h"

#define LOOP_WORKERS 4

struct watch {
	int fd;
	gm_fd_fn fn; /* NULL once removed; freed after the round of events */
	void *opaque;
	struct watch *next;
};

struct gm_loop {
	struct gm_machine *m;
	int epfd, wakefd;
	int quit;           /* atomic */
	struct watch *watches;
	bool swept;         /* a watch was removed: sweep after this round */
	/* work queue; its own lock, taken inside the machine lock */
	pthread_mutex_t work_lock;
	pthread_cond_t work_cond, done_cond;
	struct gm_work *queued, **queued_tail, *finished, **finished_tail;
	unsigned int pending; /* submitted, done() not yet called; machine lock */
	unsigned int nthreads, idle;
	bool stopping;
	pthread_t threads[LOOP_WORKERS];
};

static void loop_clock_notify(void *opaque)
{
	gm_loop_wake(opaque);
}

struct gm_loop *gm_loop_new(struct gm_machine *m)
{
	struct gm_loop *l = calloc(1, sizeof(*l));
	struct epoll_event ev = {.events = EPOLLIN};

	if (!l)
		return NULL;
	l->m = m;
	l->queued_tail = &l->queued;
	l->finished_tail = &l->finished;
	pthread_mutex_init(&l->work_lock, NULL);
	pthread_cond_init(&l->work_cond, NULL);
	pthread_cond_init(&l->done_cond, NULL);
	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	l->wakefd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->epfd < 0 || l->wakefd < 0 || epoll_ctl(l->epfd, EPOLL_CTL_ADD, l->wakefd, &ev)) {
		gm_loop_free(l);
		return NULL;
	}
	gm_clock_set_notify(m->clock, loop_clock_notify, l);
	return l;
}

void gm_loop_free(struct gm_loop *l)
{
	unsigned int i;

	if (!l)
		return;
	pthread_mutex_lock(&l->work_lock);
	l->stopping = true;
	pthread_cond_broadcast(&l->work_cond);
	pthread_mutex_unlock(&l->work_lock);
	for (i = 0; i < l->nthreads; i++)
		pthread_join(l->threads[i], NULL);
	while (l->watches) {
		struct watch *w = l->watches;

		l->watches = w->next;
		free(w);
	}
	if (l->m->clock)
		gm_clock_set_notify(l->m->clock, NULL, NULL);
	if (l->epfd >= 0)
		close(l->epfd);
	if (l->wakefd >= 0)
		close(l->wakefd);
	pthread_cond_destroy(&l->work_cond);
	pthread_cond_destroy(&l->done_cond);
	pthread_mutex_destroy(&l->work_lock);
	free(l);
}

void gm_loop_wake(struct gm_loop *l)
{
	u64 one = 1;

	if (write(l->wakefd, &one, sizeof(one)) < 0)
		return; /* full: a wake-up is already pending */
}

void gm_loop_quit(struct gm_loop *l)
{
	__atomic_store_n(&l->quit, 1, __ATOMIC_RELEASE);
	gm_loop_wake(l);
}

/* ---- file descriptors ---- */

static struct watch *watch_find(struct gm_loop *l, int fd)
{
	struct watch *w;

	for (w = l->watches; w; w = w->next)
		if (w->fd == fd && w->fn)
			return w;
	return NULL;
}

int gm_loop_add(struct gm_loop *l, int fd, u32 events, gm_fd_fn fn, void *opaque)
{
	struct watch *w = calloc(1, sizeof(*w));
	struct epoll_event ev = {.events = events, .data.ptr = w};

	if (!w)
		return -ENOMEM;
	if (epoll_ctl(l->epfd, EPOLL_CTL_ADD, fd, &ev)) {
		free(w);
		return -errno;
	}
	*w = (struct watch){.fd = fd, .fn = fn, .opaque = opaque, .next = l->watches};
	l->watches = w;
	return 0;
}

int gm_loop_modify(struct gm_loop *l, int fd, u32 events)
{
	struct watch *w = watch_find(l, fd);
	struct epoll_event ev = {.events = events, .data.ptr = w};

	if (!w)
		return -ENOENT;
	return epoll_ctl(l->epfd, EPOLL_CTL_MOD, fd, &ev) ? -errno : 0;
}

void gm_loop_remove(struct gm_loop *l, int fd)
{
	struct watch *w = watch_find(l, fd);

	if (!w)
		return;
	epoll_ctl(l->epfd, EPOLL_CTL_DEL, fd, NULL);
	w->fn = NULL;
	l->swept = true;
	gm_loop_wake(l);
}

static void watches_sweep(struct gm_loop *l)
{
	struct watch **p = &l->watches;

	while (*p) {
		struct watch *w = *p;

		if (w->fn) {
			p = &w->next;
			continue;
		}
		*p = w->next;
		free(w);
	}
	l->swept = false;
}

/* ---- work ---- */

static void *worker(void *arg)
{
	struct gm_loop *l = arg;
	struct gm_work *w;

	pthread_mutex_lock(&l->work_lock);
	for (;;) {
		while (!l->queued && !l->stopping) {
			l->idle++;
			pthread_cond_wait(&l->work_cond, &l->work_lock);
			l->idle--;
		}
		if (!l->queued)
			break;
		w = l->queued;
		l->queued = w->next;
		if (!l->queued)
			l->queued_tail = &l->queued;
		pthread_mutex_unlock(&l->work_lock);
		w->run(w);
		pthread_mutex_lock(&l->work_lock);
		w->next = NULL;
		*l->finished_tail = w;
		l->finished_tail = &w->next;
		pthread_cond_broadcast(&l->done_cond);
		gm_loop_wake(l);
	}
	pthread_mutex_unlock(&l->work_lock);
	return NULL;
}

/* Signals go to the main thread: workers are started with all of them blocked. */
static void worker_start(struct gm_loop *l)
{
	sigset_t all, old;

	gm_sandbox_sigmask(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (!pthread_create(&l->threads[l->nthreads], NULL, worker, l))
		l->nthreads++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void gm_loop_submit(struct gm_loop *l, struct gm_work *w)
{
	bool inline_run;

	l->pending++;
	pthread_mutex_lock(&l->work_lock);
	if (!l->idle && l->nthreads < LOOP_WORKERS)
		worker_start(l);
	/* No thread to be had at all: do it here, slowly but surely. */
	inline_run = !l->nthreads;
	w->next = NULL;
	if (!inline_run) {
		*l->queued_tail = w;
		l->queued_tail = &w->next;
		pthread_cond_signal(&l->work_cond);
	}
	pthread_mutex_unlock(&l->work_lock);
	if (!inline_run)
		return;
	w->run(w);
	pthread_mutex_lock(&l->work_lock);
	*l->finished_tail = w;
	l->finished_tail = &w->next;
	pthread_mutex_unlock(&l->work_lock);
	gm_loop_wake(l);
}

static void work_finish(struct gm_loop *l)
{
	struct gm_work *w;

	/* One by one: a done() may drain, and must find those that wait behind it. */
	for (;;) {
		pthread_mutex_lock(&l->work_lock);
		w = l->finished;
		if (w)
			l->finished = w->next;
		if (!l->finished)
			l->finished_tail = &l->finished;
		pthread_mutex_unlock(&l->work_lock);
		if (!w)
			return;
		l->pending--;
		w->done(w);
	}
}

void gm_loop_drain(struct gm_loop *l)
{
	while (l->pending) {
		pthread_mutex_lock(&l->work_lock);
		while (!l->finished)
			pthread_cond_wait(&l->done_cond, &l->work_lock);
		pthread_mutex_unlock(&l->work_lock);
		work_finish(l);
	}
}

/* ---- the loop ---- */

static int loop_wait(struct gm_loop *l, struct epoll_event *ev, int max, u64 ns)
{
	struct timespec ts = {.tv_sec = (time_t)(ns / NSEC_PER_SEC),
			      .tv_nsec = (long)(ns % NSEC_PER_SEC)};
	struct pollfd pfd = {.fd = l->epfd, .events = POLLIN};

	if (ns == GM_TIME_NEVER)
		return epoll_wait(l->epfd, ev, max, -1);
	/* epoll_wait() knows milliseconds only, and epoll_pwait2() only new kernels. */
	ppoll(&pfd, 1, &ts, NULL);
	return epoll_wait(l->epfd, ev, max, 0);
}

static bool loop_quits(const struct gm_loop *l)
{
	return __atomic_load_n(&l->quit, __ATOMIC_ACQUIRE);
}

/* Machine lock held, released while waiting. */
static void loop_round(struct gm_loop *l)
{
	struct epoll_event ev[16];
	u64 wait, drop;
	int i, n;

	work_finish(l);
	gm_machine_service(l->m);
	wait = gm_clock_run(l->m->clock);
	if (loop_quits(l))
		wait = 0;
	gm_unlock(l->m);
	n = loop_wait(l, ev, ARRAY_SIZE(ev), wait);
	gm_lock(l->m);
	for (i = 0; i < n; i++) {
		struct watch *w = ev[i].data.ptr;

		if (!w) {
			if (read(l->wakefd, &drop, sizeof(drop)) < 0)
				continue;
		} else if (w->fn) {
			w->fn(w->opaque, ev[i].events);
		}
	}
	if (l->swept)
		watches_sweep(l);
}

void gm_loop_run(struct gm_loop *l)
{
	gm_lock(l->m);
	while (!loop_quits(l))
		loop_round(l);
	gm_unlock(l->m);
}

void gm_loop_step(struct gm_loop *l)
{
	gm_lock(l->m);
	loop_round(l);
	gm_unlock(l->m);
}
