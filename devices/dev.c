// SPDX-License-Identifier: GPL-2.0-or-later
/* Creation of devices. */
#include "devices/dev.h"

#include <errno.h>
#include <stdlib.h>

int gm_dev_create(struct gm_machine *m, const struct gm_dev_class *cls, const char *id,
		  const void *cfg, struct gm_dev **out)
{
	struct gm_dev *d = NULL, **p;
	size_t align = 64;
	int err;

	d = aligned_alloc(align, (cls->size + align - 1) / align * align);
	if (!d)
		return -ENOMEM;
	memset(d, 0, cls->size);
	d->cls = cls;
	d->m = m;
	d->id = id;
	err = cls->init(d, cfg);
	if (err) {
		free(d);
		return err;
	}
	for (p = &m->devices; *p; p = &(*p)->next)
		;
	*p = d;
	if (out)
		*out = d;
	return 0;
}
