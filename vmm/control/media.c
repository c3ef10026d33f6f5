// SPDX-License-Identifier: GPL-2.0-or-later
/* Changing the media of CD-ROM and floppy drives while the machine runs. */
#include "vmm/control/control_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "devices/ide/ide.h"
#include "devices/isa/fdc.h"
#include "vmm/sandbox/keeper.h"

struct drive {
	bool cd;
	unsigned int n;
	struct gm_blk **blk; /* the board's, which closes it in the end */
};

static int drive_find(struct gm_control *c, const json_t *args, struct drive *d, char *err,
		      size_t errlen)
{
	const char *name = json_string_value(json_object_get(args, "drive"));
	struct pc *pc = c->cfg.pc;
	char *end = NULL;
	unsigned long n;

	d->cd = !strncmp(name, "cd", 2);
	if (pc && (d->cd || !strncmp(name, "fd", 2)) && name[2] >= '0' && name[2] <= '9') {
		n = strtoul(name + 2, &end, 10);
		d->n = (unsigned int)n;
		if (!*end && n < (d->cd ? pc->ncdroms : pc->nfloppies)) {
			d->blk = d->cd ? &pc->cdroms[n] : &pc->floppies[n];
			return 0;
		}
	}
	snprintf(err, errlen, "'%.40s' is not a drive of this machine (cd0, fd0; a drive without a "
			      "medium comes with --cdrom none, --floppy none)", name);
	return -ENODEV;
}

static int medium_change(struct gm_control *c, const struct drive *d, struct gm_blk *blk, bool force,
			 char *err, size_t errlen)
{
	struct pc *pc = c->cfg.pc;
	struct gm_blk *old = NULL;
	u8 place = d->cd ? pc->cd_place[d->n] : 0;
	int ret;

	if (d->cd)
		ret = ide_cd_change(pc->ide, place / 2, place % 2, blk, force, &old);
	else
		ret = fdc_media_change(pc->fdc, d->n, blk, &old);
	if (ret) {
		snprintf(err, errlen, ret == -EBUSY ? "the guest has locked the drive; it was told; "
						      "eject it there, or say force"
						    : "the medium cannot be changed");
		return ret;
	}
	*d->blk = blk;
	gm_blk_close(old);
	return 0;
}

json_t *control_eject(struct gm_control *c, const json_t *args, char *err, size_t errlen)
{
	bool force = json_is_true(json_object_get(args, "force"));
	struct drive d;

	if (drive_find(c, args, &d, err, errlen) ||
	    medium_change(c, &d, NULL, force, err, errlen))
		return NULL;
	return json_object();
}

/* In the sandbox the keeper opens what the user named before, for reading. */
static int medium_fetch(struct gm_control *c, const json_t *args, struct gm_blk_options *o, char *err,
			size_t errlen)
{
	o->fd = gm_keeper_medium(c->keeper, o->path);
	if (o->fd == -EACCES) {
		snprintf(err, errlen, "the machine is in its sandbox and opens only what --media named; a "
				      "shell's 'vmm insert %s %.40s FILE' opens other files for it",
			 c->name, json_string_value(json_object_get(args, "drive")));
		return o->fd;
	}
	if (o->fd < 0) {
		snprintf(err, errlen, "%s: cannot be opened: %s", o->path, strerror(-o->fd));
		return o->fd;
	}
	o->fd_given = o->readonly = o->share = true;
	return 0;
}

json_t *control_insert(struct gm_control *c, const json_t *args, char *err, size_t errlen)
{
	bool force = json_is_true(json_object_get(args, "force"));
	struct gm_blk_options o = {.path = json_string_value(json_object_get(args, "path")),
				   .fd_given = c->passed >= 0, .fd = c->passed};
	struct gm_blk *blk;
	struct drive d;

	if (drive_find(c, args, &d, err, errlen))
		return NULL;
	o.readonly = o.share = d.cd;
	if (!o.fd_given && gm_keeper_sealed(c->keeper) && medium_fetch(c, args, &o, err, errlen))
		return NULL;
	blk = gm_blk_open(c->m, &o, err, errlen);
	if (o.fd_given && c->passed < 0)
		close(o.fd);
	if (!blk)
		return NULL;
	if (medium_change(c, &d, blk, force, err, errlen)) {
		gm_blk_close(blk);
		return NULL;
	}
	return json_object();
}
