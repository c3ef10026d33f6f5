/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the character back ends share: chardev.c, char_fd.c, char_sock.c. */
#ifndef VMM_UI_CHARDEV_INT_H
#define VMM_UI_CHARDEV_INT_H

#include "vmm/clock.h"
#include "vmm/machine.h"
#include "vmm/ui/chardev.h"
#include "vmm/ui/tty.h"

#define CHAR_RING_MIN 4096u
#define CHAR_RING_MAX (1u << 20)
#define CHAR_IN_MAX   4096u
#define CHAR_HISTORY  65536u

/* A byte ring that grows up to a bound and then forgets the oldest. */
struct char_ring {
	u8 *buf;
	size_t cap; /* a power of two, or 0 */
	size_t head, len;
	size_t max;
};

void char_ring_put(struct char_ring *r, const u8 *buf, size_t len);
/* The longest contiguous piece from the oldest byte on; *len is 0 when empty. */
const u8 *char_ring_peek(const struct char_ring *r, size_t *len);
void char_ring_drop(struct char_ring *r, size_t len);
size_t char_ring_copy(const struct char_ring *r, u8 *buf, size_t len);

struct char_fd {
	int fd;        /* -1: none */
	u32 events;    /* what the loop watches it for; 0: not in the loop */
};

struct char_kind {
	const char *name; /* "stdio", or "file:" with an argument */
	int (*open)(struct gm_char *c, const char *arg, char *err, size_t errlen);
	void (*close)(struct gm_char *c); /* optional: after the flush */
	/* optional: the other side is gone (end of file, error) */
	void (*hangup)(struct gm_char *c);
	bool no_wait; /* at close, do not wait for a reader who may not be there */
};

struct gm_char {
	struct gm_machine *m;
	const struct char_kind *kind;
	struct gm_char_client client;
	bool has_client;
	struct char_fd in, out; /* out.fd may equal in.fd: then in's watch serves both */
	bool out_direct;        /* a regular file: written at once, never buffered */
	bool in_polled;         /* input that epoll does not take: read from a timer */
	struct gm_timer poll;
	struct char_ring tx, rx;
	/* stdio */
	bool tty, escape_armed;
	int restore_flags; /* of descriptor 1; -1: nothing to restore */
	void (*escape)(void *opaque, u8 key);
	void *escape_opaque;
	/* screen */
	bool keep; /* tx is a history: it is never sent */
	void (*viewer)(void *opaque, const u8 *buf, size_t len);
	void *viewer_opaque;
	struct gm_char_tap *taps;
	/* sockets and pty */
	struct char_fd listen;
	int spare_fd; /* the pty's other side, held open */
	char *path;   /* socket to remove */
};

extern const struct char_kind char_stdio, char_file, char_pty, char_unix, char_tcp;

/* Makes the loop watch what the state of the rings asks for. */
void char_watch(struct gm_char *c);
/* Takes a descriptor out of the loop; does not close it. */
void char_unwatch(struct gm_char *c, struct char_fd *f);
/* Gives received bytes to the device, which said it has room for them. */
void char_deliver(struct gm_char *c, const u8 *buf, size_t len);
size_t char_room(struct gm_char *c);

#endif
