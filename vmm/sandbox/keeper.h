/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keeper: a small process beside the machine that does the few things with paths which a
 * machine in its sandbox still needs (docs/safety.md). It is forked before anything is opened.
 * While the machine is built it is told which paths may be used for what; from gm_keeper_seal() on
 * that list is closed, and the keeper does nothing that is not on it.
 *
 * Until it is sealed, and without a keeper (k == NULL, --sandbox off), the calls below do their
 * work in the calling process. Calls are safe from any thread.
 */
#ifndef VMM_SANDBOX_KEEPER_H
#define VMM_SANDBOX_KEEPER_H

#include "vmm/types.h"

struct gm_keeper;

enum gm_keeper_right {
	GM_KEEPER_UNLINK,   /* remove this file */
	GM_KEEPER_SAVE,     /* write it anew: PATH.part, which then takes its place */
	GM_KEEPER_STAMP,    /* the same for PATH followed by digits, '-' and ".png" */
	GM_KEEPER_JOIN,     /* a Unix socket of packets: connect to it, listen there, remove it */
	GM_KEEPER_READ,     /* a file that a library opens by itself */
	GM_KEEPER_READ_DIR, /* the same, for all regular files below a folder */
	GM_KEEPER_MEDIUM,   /* an image for a drive, opened for reading */
	GM_KEEPER_MEDIA_DIR, /* the same, for all regular files below a folder */
};

/* Forks it. -errno. */
int gm_keeper_start(struct gm_keeper **out);
/* Allows one thing, before it is sealed; a path may be relative to the working folder. -errno. */
int gm_keeper_allow(struct gm_keeper *k, enum gm_keeper_right right, const char *path);
/* Closes the list. notify_fd: the listener of a seccomp filter whose questions the keeper answers
 * from then on, or -1; it stays the caller's. -errno. */
int gm_keeper_seal(struct gm_keeper *k, int notify_fd);
bool gm_keeper_sealed(const struct gm_keeper *k);
/* The process id, and the descriptor that reports a violation (see sandbox.c). */
int gm_keeper_pid(const struct gm_keeper *k);
int gm_keeper_fd(const struct gm_keeper *k);
void gm_keeper_stop(struct gm_keeper *k);

/* As unlink(2), 0 or -errno. */
int gm_keeper_unlink(struct gm_keeper *k, const char *path);
/* Opens PATH.part empty for writing and returns the descriptor, or -errno. */
int gm_keeper_save(struct gm_keeper *k, const char *path);
/* PATH.part becomes PATH, or (keep: false) goes away. */
int gm_keeper_save_done(struct gm_keeper *k, const char *path, bool keep);
/* A socket (SOCK_SEQPACKET, close-on-exec, non-blocking) connected to who listens at the path, or
 * one that listens there, closed to other users; a socket left behind makes way. Or -errno. */
int gm_keeper_connect(struct gm_keeper *k, const char *path);
int gm_keeper_listen(struct gm_keeper *k, const char *path);
/* An image for a drive, for reading. In a folder that was allowed its name alone will do. -EACCES: it
 * was not allowed. */
int gm_keeper_medium(struct gm_keeper *k, const char *path);

#endif
