/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a device is. A device's state structure begins with struct gm_dev; its class is one const
 * table at the end of its file. Every class stands in devices/table.c.
 *
 * All callbacks run with the machine lock held. A device never opens a file: it is given back
 * ends (block, character, display) in its configuration.
 */
#ifndef GM_DEV_H
#define GM_DEV_H

#include "vmm/bus.h"
#include "vmm/clock.h"
#include "vmm/irq.h"
#include "vmm/machine.h"
#include "vmm/state.h"

struct gm_dev;

struct gm_dev_class {
	const char *name;  /* "i8254" */
	const char *title; /* "Intel 8254 programmable interval timer" */
	size_t size;       /* of the state structure */
	const struct gm_state_desc *state;
	/* cfg is the structure that the class's header names. -errno. */
	int (*init)(struct gm_dev *d, const void *cfg);
	/* Power-on and hardware reset: all guest-visible state to its documented default. */
	void (*reset)(struct gm_dev *d);
	void (*pause)(struct gm_dev *d);  /* optional: the machine stops */
	void (*resume)(struct gm_dev *d); /* optional */
	/* optional: state was loaded; check and rebuild what derives from it. -EINVAL. */
	int (*loaded)(struct gm_dev *d);
	void (*fini)(struct gm_dev *d);   /* optional */
};

struct gm_dev {
	const struct gm_dev_class *cls;
	struct gm_machine *m;
	const char *id; /* "ide0", unique in the machine */
	struct gm_dev *next;
};

/* Creates, adds to the machine, initializes; *out on success. Reset is called by the machine
 * before it starts. -ENOMEM or what init returned. */
int gm_dev_create(struct gm_machine *m, const struct gm_dev_class *cls, const char *id,
		  const void *cfg, struct gm_dev **out);

/* Every class there is; ends with NULL. */
extern const struct gm_dev_class *const gm_dev_classes[];

#endif
