// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Vectors of host memory: slicing, filling, and complete reads and writes of a file with them.
 * Leans on preadv(2) and pwritev(2).
 */
#include <errno.h>
#include <limits.h>
#include <unistd.h>
#include "vmm/block/block_int.h"

#define SLICE_MAX 64 /* vectors given to one system call; well below IOV_MAX */

size_t gm_iov_len(const struct iovec *iov, int n)
{
	size_t len = 0;
	int i;

	for (i = 0; i < n; i++)
		len += iov[i].iov_len;
	return len;
}

size_t gm_iov_slice(const struct iovec *iov, int n, size_t off, size_t len, struct iovec *out,
		    int max, int *outn)
{
	size_t done = 0, part;
	int i, k = 0;

	for (i = 0; i < n && k < max && done < len; i++) {
		if (off >= iov[i].iov_len) {
			off -= iov[i].iov_len;
			continue;
		}
		part = MIN(iov[i].iov_len - off, len - done);
		out[k].iov_base = (char *)iov[i].iov_base + off;
		out[k++].iov_len = part;
		done += part;
		off = 0;
	}
	*outn = k;
	return done;
}

void gm_iov_zero(const struct iovec *iov, int n, size_t off, size_t len)
{
	struct iovec v;
	size_t part;
	int k;

	while (len) {
		part = gm_iov_slice(iov, n, off, len, &v, 1, &k);
		if (!part)
			return;
		memset(v.iov_base, 0, v.iov_len);
		off += part;
		len -= part;
	}
}

ssize_t gm_blk_pio(int fd, bool write, u64 off, const struct iovec *iov, int n)
{
	struct iovec v[SLICE_MAX];
	size_t done = 0, len = gm_iov_len(iov, n);
	ssize_t got;
	int k;

	while (done < len) {
		gm_iov_slice(iov, n, done, len - done, v, SLICE_MAX, &k);
		got = write ? pwritev(fd, v, k, (off_t)(off + done))
			    : preadv(fd, v, k, (off_t)(off + done));
		if (got < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (got == 0) {
			/* End of file; a writer that makes no progress has no room. */
			if (write)
				return -ENOSPC;
			break;
		}
		done += (size_t)got;
	}
	return (ssize_t)done;
}
