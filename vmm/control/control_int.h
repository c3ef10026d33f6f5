/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the control socket share. */
#ifndef VMM_CONTROL_INT_H
#define VMM_CONTROL_INT_H

#include "vmm/control/control.h"

struct control_conn;

#define CONTROL_KEYS_MAX 1024u /* key events that wait to be typed */
#define CONTROL_COMBO    32u
#define CONTROL_EVENTS   32u   /* presses and releases of one key event */

struct control_key {
	u32 ch;                    /* a character, or 0: see combo */
	char combo[CONTROL_COMBO];
};

struct control_event {
	u16 key;
	bool down;
};

struct gm_control {
	struct gm_machine *m;
	struct gm_control_cfg cfg;
	struct gm_keeper *keeper;  /* the machine's; outlives it */
	struct gm_state_listener listener;
	char *path, *lock_path, *name;
	bool bound;                /* the socket is ours to remove */
	int fd, lock_fd;           /* listening socket; -1: none */
	int passed;                /* the descriptor of the request being carried out, or -1 */
	struct control_conn *conns;
	unsigned int nconns;
	/* typing at a speed that the guest's keyboard takes */
	int key_timer;
	struct control_key *keys;
	unsigned int key_head, key_len, key_stalled;
	struct control_event events[CONTROL_EVENTS]; /* of the key that is being typed */
	unsigned int event_at, event_len;
};

/* ---- arguments ---- */

#define CONTROL_ARGS 3

struct control_arg {
	const char *name;
	char kind;      /* 's' string, 'i' integer, 'b' boolean (as a word: its name), 't' the rest
			   of the line as one string */
	bool optional;
};

struct control_command {
	const char *name, *help;
	struct control_arg args[CONTROL_ARGS];
	/* NULL with err; the request's arguments were checked for their kinds. */
	json_t *(*fn)(struct gm_control *c, const json_t *args, char *err, size_t errlen);
	bool connection; /* belongs to a connection: server.c carries it out */
};

extern const struct control_command control_commands[];
const struct control_command *control_command_find(const char *name);
/* Finds the command of a request and checks its arguments (*args: borrowed, may be NULL). */
const struct control_command *control_request_check(const json_t *request, const json_t **args,
						    char *err, size_t errlen);

/* info.c */
json_t *control_info(struct gm_control *c, const json_t *args, char *err, size_t errlen);
/* media.c */
json_t *control_insert(struct gm_control *c, const json_t *args, char *err, size_t errlen);
json_t *control_eject(struct gm_control *c, const json_t *args, char *err, size_t errlen);
/* keys.c: types what waits; the rest at the next tick. */
json_t *control_sendkey(struct gm_control *c, const json_t *args, char *err, size_t errlen);
json_t *control_type(struct gm_control *c, const json_t *args, char *err, size_t errlen);
void control_keys_fini(struct gm_control *c);

/* sockdir.c: takes the name: its lock file and the path of its socket, free of stale ones.
 * -EADDRINUSE when a machine of this name runs. */
int control_name_take(struct gm_control *c, const char *name, char *err, size_t errlen);
void control_name_drop(struct gm_control *c);

/* server.c */
int control_listen(struct gm_control *c, char *err, size_t errlen);
void control_unlisten(struct gm_control *c);
void control_conns_free(struct gm_control *c);
/* {"event": name} to those who asked for events. */
void control_event(struct gm_control *c, const char *name);

#endif
