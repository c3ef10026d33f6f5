/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A USB tablet: a pointing device that reports positions, which every system of the last decades
 * knows without a driver of its own. Part of the host controller's state; no lock of its own.
 */
#ifndef DEVICES_USB_TABLET_H
#define DEVICES_USB_TABLET_H

#include "vmm/state.h"
#include "vmm/types.h"

#define USB_NAK    (-1) /* nothing to say now */
#define USB_STALL  (-2)
#define USB_NODEV  (-3) /* nobody answers */

#define USB_CONTROL_MAX 256 /* bytes of an answer to a control request */
#define TABLET_QUEUE    16

struct tablet_report {
	u16 x, y;
	u8 buttons;
	s8 wheel;
};

struct usb_tablet {
	u8 address, new_address;  /* the new one counts from the end of its request on */
	u8 configuration, idle, protocol;
	bool halted;              /* endpoint 1 */
	/* control request in progress */
	u8 setup[8];
	u8 data[USB_CONTROL_MAX];
	u16 data_len, data_pos;
	bool data_in, stalled;
	/* reports that wait; the last one is what the guest will know at the end */
	struct tablet_report queue[TABLET_QUEUE];
	u8 head, count;
	struct tablet_report now;
	u64 polled;               /* guest time of the last IN to endpoint 1; 0: never */
};

extern const struct gm_state_desc usb_tablet_desc;

/* Bus reset. */
void usb_tablet_reset(struct usb_tablet *t);
/* Transactions. IN returns bytes put into buf (up to max) or USB_*; the others 0 or more, or USB_*. */
int usb_tablet_setup(struct usb_tablet *t, const u8 *buf, unsigned int len);
int usb_tablet_in(struct usb_tablet *t, unsigned int endpoint, u8 *buf, unsigned int max, u64 now);
int usb_tablet_out(struct usb_tablet *t, unsigned int endpoint, const u8 *buf, unsigned int len);
/* The user moved it. Buttons as in struct gm_input_sink; dz away from the user is negative. */
void usb_tablet_move(struct usb_tablet *t, unsigned int x, unsigned int y, int dz,
		     unsigned int buttons);
bool usb_tablet_valid(const struct usb_tablet *t);

#endif
