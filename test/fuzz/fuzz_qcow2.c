// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * qcow2: eight bytes that say what is done, then the image. It is read, checked, written, resized,
 * given snapshots, repaired. Whatever it holds, nothing may be read or written out of bounds; where
 * the check finds no error, a read after a write gives what was written.
 */
#include "test/fuzz/fuzz.h"
#include "vmm/block/image.h"
#include "vmm/block/qcow2.h"

#define FILE_MAX (1 * MiB)

static u8 buf[70000], back[70000];

static void read_some(struct img *i, struct fuzz_in *in)
{
	u64 size = i->size, off, n;
	enum img_kind kind;
	int k;

	for (k = 0; k < 4; k++) {
		off = size ? (fuzz_get(in, 1) * 0x10001 * (u64)(k + 1)) % size : 0;
		img_read(i, off, buf, sizeof(buf));
		if (size)
			img_map(i, off, size - off, &kind, &n);
	}
	if (size)
		img_read(i, size - 1, buf, 100);
}

static void write_some(struct img *i, struct fuzz_in *in)
{
	struct qcow2_check c = {0};
	/* Two places of a broken disk may be one of the file. */
	bool sound = !qcow2_check(i->q, false, &c) && !c.errors;
	u64 size = i->size, off, len;
	int k;

	for (k = 0; k < 3 && size; k++) {
		off = (fuzz_get(in, 1) * 0x8001) % size;
		len = MIN((u64)sizeof(buf), size - off);
		memset(buf, k + 1, sizeof(buf));
		if (!img_write(i, off, buf, len) && !img_read(i, off, back, len) && sound)
			fuzz_check(!memcmp(buf, back, len), "what was written is read");
	}
	if (!size)
		return;
	off = size / 3;
	if (!qcow2_write_zeroes(i->q, off, MIN(size - off, (u64)sizeof(buf))) &&
	    !img_read(i, off, back, MIN(size - off, (u64)sizeof(buf))) && sound)
		fuzz_check(!back[0], "zeros are read");
	qcow2_discard(i->q, 0, MIN(size, 1 * MiB));
}

static void change(struct img *i, unsigned int what)
{
	struct qcow2_check c = {0};
	char err[400];

	if (what & 1)
		qcow2_snapshot_create(i->q, "fuzz", err, sizeof(err));
	if (what & 2)
		qcow2_snapshot_apply(i->q, "fuzz", err, sizeof(err));
	if (what & 4)
		qcow2_snapshot_delete(i->q, "1", err, sizeof(err));
	if (what & 8)
		qcow2_resize(i->q, i->size / 512 * 512 + 512, true, err, sizeof(err));
	if (what & 16)
		qcow2_resize(i->q, i->size / 1024 * 512, true, err, sizeof(err));
	if (what & 32)
		qcow2_check(i->q, what & 64, &c);
	qcow2_flush(i->q);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct fuzz_in in = {data, data + MIN(len, (size_t)8)};
	unsigned int what = (unsigned int)fuzz_get(&in, 1);
	char path[64], err[512];
	struct img *i;
	int fd;

	if (len < 8 || len > FILE_MAX)
		return 0;
	fd = fuzz_file(path, data + 8, len - 8, what & 128 ? FILE_MAX : 0);
	if (!img_open(&i, path, "qcow2", IMG_GUESSED, err, sizeof(err))) {
		read_some(i, &in);
		img_close(i);
	}
	if (!img_open(&i, path, "qcow2", IMG_GUESSED | IMG_WRITE | (what & 64 ? IMG_BROKEN : 0), err,
		      sizeof(err))) {
		write_some(i, &in);
		change(i, what);
		i->size = qcow2_size(i->q);
		read_some(i, &in);
		write_some(i, &in);
		img_close(i);
	}
	close(fd);
	return 0;
}
