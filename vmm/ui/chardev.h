/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Character back ends: what a serial or parallel port or debug console is connected to.
 *
 * Specifications (--serial): "stdio", "none", "file:PATH", "pty", "unix:PATH" (listens),
 * "tcp:PORT" (listens on localhost), "screen" (the console view of the terminal user interface).
 */
#ifndef VMM_CHARDEV_H
#define VMM_CHARDEV_H

#include "vmm/types.h"

struct gm_char;
struct gm_machine;

/* The device's side. Machine lock held in all. */
struct gm_char_client {
	/* How many bytes the device can take now; 0 stops input until gm_char_ready(). */
	size_t (*can_receive)(void *opaque);
	void (*receive)(void *opaque, const u8 *buf, size_t len);
	void (*break_received)(void *opaque); /* optional */
	void *opaque;
};

/* NULL with a one-line message in err when the specification or the host refuses it. */
struct gm_char *gm_char_open(struct gm_machine *m, const char *spec, char *err, size_t errlen);
void gm_char_close(struct gm_char *c);
void gm_char_set_client(struct gm_char *c, const struct gm_char_client *client);
/* Never blocks: what the other side does not take is buffered (bounded: 1 MiB, then the oldest is
 * dropped; a file never drops). c may be NULL (not connected: swallowed). */
void gm_char_write(struct gm_char *c, const u8 *buf, size_t len);
/* The device has room again. */
void gm_char_ready(struct gm_char *c);

/* ---- for user interfaces; machine lock held ---- */

/* Input as if the other side had sent it: at most 4 KiB waits for the device, more is lost. */
void gm_char_input(struct gm_char *c, const u8 *buf, size_t len);
void gm_char_send_break(struct gm_char *c);
/* On a terminal ("stdio"): Ctrl-A and a key calls fn with that key; Ctrl-A twice sends one. Ctrl-C
 * then goes to the guest; without an escape function it interrupts the program as usual. */
void gm_char_set_escape(struct gm_char *c, void (*fn)(void *opaque, u8 key), void *opaque);
/* For "screen": output is given to fn as it comes; NULL ends that. */
void gm_char_set_viewer(struct gm_char *c, void (*fn)(void *opaque, const u8 *buf, size_t len),
			void *opaque);
/* A listener to the output of any kind of back end, beside where it goes. */
struct gm_char_tap {
	void (*fn)(void *opaque, const u8 *buf, size_t len);
	void *opaque;
	struct gm_char_tap *next;
};
void gm_char_tap_add(struct gm_char *c, struct gm_char_tap *t);
void gm_char_tap_remove(struct gm_char *c, struct gm_char_tap *t);
/* For "screen": copies the last output (at most 64 KiB are kept), returns the bytes copied. */
size_t gm_char_history(const struct gm_char *c, u8 *buf, size_t len);

#endif
