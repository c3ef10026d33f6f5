/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors that travel with the bytes of a Unix socket: unix(7), SCM_RIGHTS. */
#ifndef VMM_SANDBOX_FDPASS_H
#define VMM_SANDBOX_FDPASS_H

#include <sys/types.h>
#include "vmm/types.h"

/* Sends len bytes, and fd with them unless it is -1. The number of bytes sent, or -errno. */
ssize_t gm_fd_send(int sock, const void *buf, size_t len, int fd);
/* Receives up to len bytes; flags as for recvmsg(2). *fd: what came along (close-on-exec), or -1;
 * who sends more than one finds the others closed. The number of bytes, 0 at the end, or -errno. */
ssize_t gm_fd_recv(int sock, void *buf, size_t len, int flags, int *fd);

#endif
