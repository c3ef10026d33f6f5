// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Capture files in the classic format of libpcap, with time stamps in nanoseconds.
 * Source: "PCAP Capture File Format", draft-ietf-opsawg-pcap, sections 4 and 5.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "vmm/net/net_int.h"

#define PCAP_MAGIC_NS  0xa1b23c4du
#define PCAP_ETHERNET  1
#define PCAP_SNAPLEN   65535

struct net_pcap {
	int fd;
};

struct pcap_header {
	u32 magic;
	u16 major, minor;
	u32 zone, sigfigs, snaplen, linktype;
};

struct pcap_record {
	u32 sec, nsec, captured, length;
};

struct net_pcap *net_pcap_open(const char *path, char *err, size_t errlen)
{
	struct pcap_header h = {.magic = PCAP_MAGIC_NS, .major = 2, .minor = 4,
				.snaplen = PCAP_SNAPLEN, .linktype = PCAP_ETHERNET};
	struct net_pcap *p = malloc(sizeof(*p));

	if (!p) {
		snprintf(err, errlen, "capture=%s: out of memory", path);
		return NULL;
	}
	p->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (p->fd >= 0 && write(p->fd, &h, sizeof(h)) == (ssize_t)sizeof(h))
		return p;
	snprintf(err, errlen, "capture=%s: %s", path, strerror(errno));
	net_pcap_close(p);
	return NULL;
}

void net_pcap_close(struct net_pcap *p)
{
	if (!p)
		return;
	if (p->fd >= 0)
		close(p->fd);
	free(p);
}

/* Unbuffered: what was captured is in the file even when the process is killed. */
int net_pcap_write(struct net_pcap *p, const u8 *frame, size_t len)
{
	struct pcap_record r = {.captured = (u32)len, .length = (u32)len};
	struct iovec iov[2] = {{&r, sizeof(r)}, {(void *)frame, len}};
	struct timespec ts;
	ssize_t n;

	clock_gettime(CLOCK_REALTIME, &ts);
	r.sec = (u32)ts.tv_sec;
	r.nsec = (u32)ts.tv_nsec;
	do
		n = writev(p->fd, iov, 2);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == sizeof(r) + len ? 0 : -ENOSPC;
}
