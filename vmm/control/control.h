/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket of a running machine: commands as lines of JSON (docs/control.md), and the
 * same commands as words for the terminal's menu and for "vmm COMMAND NAME ...".
 */
#ifndef VMM_CONTROL_CONTROL_H
#define VMM_CONTROL_CONTROL_H

#include <jansson.h>
#include "vmm/machine_pc.h"

#define CONTROL_LINE_MAX   65536u /* bytes of a request */
#define CONTROL_CLIENTS    32u
#define CONTROL_OUT_MAX    (64 * MiB) /* of one reply */
#define CONTROL_STREAM_MAX (256 * KiB) /* console output that waits for a slow reader */
#define CONTROL_NAME_MAX   64u

struct gm_control;

struct gm_control_cfg {
	struct pc *pc;
	const char *path; /* of the socket; NULL: by the machine's name in the runtime folder */
	bool name_given;  /* by the user: a second machine of this name is an error */
	/* Presses the power button, and ends the machine when the guest does not follow. */
	void (*stop)(void *opaque);
	void *opaque;
};

/* Starts to listen. May change m->name (NAME-2, ...) when it was not given by the user. Machine
 * lock held. 0, or -errno with one line in err. */
int gm_control_start(struct gm_machine *m, const struct gm_control_cfg *cfg,
		     struct gm_control **out, char *err, size_t errlen);
/* Takes a machine's commands without a socket (the menu alone). NULL: out of memory. */
struct gm_control *gm_control_new(struct gm_machine *m, const struct gm_control_cfg *cfg);
/* No more commands. Those who are connected stay so until gm_control_free(), and so learn when
 * the machine is really gone. Machine lock held. */
void gm_control_stop(struct gm_control *c);
/* After the machine is freed: gives the name back. */
void gm_control_free(struct gm_control *c);

/* ---- commands.c; machine lock held, in the I/O loop's thread ---- */

/* Carries out a request {"command": ..., "arguments": {...}}. Returns the result, or NULL with one
 * line in err. */
json_t *gm_control_do(struct gm_control *c, json_t *request, char *err, size_t errlen);
/* A command typed as words. Returns its answer as text (malloc'ed), NULL when out of memory. */
char *gm_control_words(struct gm_control *c, const char *line);

/* ---- words.c ---- */

/* Turns words into a request; NULL with one line in err. */
json_t *gm_control_parse(int argc, char *const *argv, char *err, size_t errlen);
/* A result for people. */
void gm_control_print(const json_t *result, FILE *f);

/* ---- sockdir.c ---- */

/* The folder of the sockets, made when it is missing; -errno with one line in err. */
int gm_control_dir(char *buf, size_t len, char *err, size_t errlen);
/* A machine name that can be a file name: letters, digits and ._+- */
bool gm_control_name_ok(const char *name);

#endif
