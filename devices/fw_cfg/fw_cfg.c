/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The firmware configuration device that SeaBIOS, GRUB's and Linux's drivers know: a selector
 * port, a data port, and a DMA register that takes the address of a command in guest memory.
 * Source: the interface description "QEMU Firmware Configuration (fw_cfg) Device".
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "devices/fw_cfg/fw_cfg.h"

#define FW_PORT       0x510
#define FW_PORT_DMA   0x514
#define FW_ID_TRAD    1
#define FW_ID_DMA     2
#define FW_KEY_MASK   0xbfff /* bit 14 was "write channel": selects the same item */
#define FW_KEY_NONE   0xffff
#define FW_DMA_SIGNATURE 0x51454d5520434647ULL /* "QEMU CFG" */

#define DMA_ERROR     1
#define DMA_READ      2
#define DMA_SKIP      4
#define DMA_SELECT    8
#define DMA_WRITE     16

#define FW_ITEMS_MAX  (GM_FW_FILES_MAX + 64)
#define FW_GIVEN_MAX  64
#define FW_SLICE      0x80 /* item flag: data is not the item's own */
#define FW_FILE       0x40 /* item flag: no data, the bytes are read from a file when asked for */
#define FW_DIR_ENTRY  64 /* u32 size, u16 select, u16 reserved, char name[56]; big-endian */
#define FW_CHUNK      16384

struct fw_item {
	u16 key;
	u8 flags;
	u32 len;
	u8 *data;   /* own, or inside what was given; NULL for FW_FILE */
	int fd;     /* FW_FILE: given, like a slice's memory */
	u64 file_off;
	u8 *pristine; /* of writable items: what reset brings back */
	char name[GM_FW_NAME_MAX];
};

struct fw_cfg {
	struct gm_dev dev;
	struct fw_item items[FW_ITEMS_MAX];
	unsigned int nitems, nfiles, ngiven, nfds;
	void *given[FW_GIVEN_MAX]; /* memory that slices point into */
	int fds[FW_GIVEN_MAX];
	bool warned; /* that a file could not be read: once is enough */
	u8 dir[4 + GM_FW_FILES_MAX * FW_DIR_ENTRY];
	u16 key;
	u32 offset;   /* into the selected item */
	u64 dma_addr; /* the high half waits here for the low one */
};

static void put_be32(u8 *p, u32 v)
{
	p[0] = (u8)(v >> 24);
	p[1] = (u8)(v >> 16);
	p[2] = (u8)(v >> 8);
	p[3] = (u8)v;
}

static u32 get_be32(const u8 *p)
{
	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

static struct fw_item *fw_item_find(struct fw_cfg *s, u16 key)
{
	unsigned int i;

	for (i = 0; i < s->nitems; i++)
		if (s->items[i].key == key)
			return &s->items[i];
	return NULL;
}

/* ---- items ---- */

static int fw_item_add(struct fw_cfg *s, u16 key, const char *name, const void *data, u32 len,
		       int flags)
{
	struct fw_item *it;

	if (s->nitems == FW_ITEMS_MAX)
		return -ENOSPC;
	if (fw_item_find(s, key))
		return -EEXIST;
	it = &s->items[s->nitems];
	memset(it, 0, sizeof(*it));
	it->key = key;
	it->flags = (u8)flags;
	it->len = len;
	if (flags & (FW_SLICE | FW_FILE)) {
		it->data = (u8 *)data; /* never written: slices are read-only */
	} else {
		it->data = malloc(len ? len : 1);
		if (!it->data)
			return -ENOMEM;
		memcpy(it->data, data, len);
	}
	if (flags & GM_FW_WRITABLE) {
		it->pristine = malloc(len ? len : 1);
		if (!it->pristine) {
			free(it->data);
			return -ENOMEM;
		}
		memcpy(it->pristine, data, len);
	}
	if (name)
		strcpy(it->name, name);
	s->nitems++;
	return 0;
}

int gm_fw_cfg_add_key(struct gm_dev *d, u16 key, const void *data, u32 len)
{
	return fw_item_add(container_of(d, struct fw_cfg, dev), key, NULL, data, len, 0);
}

int gm_fw_cfg_add_slice(struct gm_dev *d, u16 key, const void *data, u32 len)
{
	return fw_item_add(container_of(d, struct fw_cfg, dev), key, NULL, data, len, FW_SLICE);
}

int gm_fw_cfg_add_fd(struct gm_dev *d, u16 key, int fd, u64 off, u32 len)
{
	struct fw_cfg *s = container_of(d, struct fw_cfg, dev);
	int rc = fw_item_add(s, key, NULL, NULL, len, FW_FILE);

	if (rc)
		return rc;
	s->items[s->nitems - 1].fd = fd;
	s->items[s->nitems - 1].file_off = off;
	return 0;
}

int gm_fw_cfg_give_fd(struct gm_dev *d, int fd)
{
	struct fw_cfg *s = container_of(d, struct fw_cfg, dev);

	if (s->nfds == FW_GIVEN_MAX)
		return -ENOSPC;
	s->fds[s->nfds++] = fd;
	return 0;
}

int gm_fw_cfg_give(struct gm_dev *d, void *data)
{
	struct fw_cfg *s = container_of(d, struct fw_cfg, dev);

	if (s->ngiven == FW_GIVEN_MAX)
		return -ENOSPC;
	s->given[s->ngiven++] = data;
	return 0;
}

int gm_fw_cfg_add_u16(struct gm_dev *d, u16 key, u16 val)
{
	u8 b[2] = {(u8)val, (u8)(val >> 8)};

	return gm_fw_cfg_add_key(d, key, b, sizeof(b));
}

int gm_fw_cfg_add_u32(struct gm_dev *d, u16 key, u32 val)
{
	u8 b[4] = {(u8)val, (u8)(val >> 8), (u8)(val >> 16), (u8)(val >> 24)};

	return gm_fw_cfg_add_key(d, key, b, sizeof(b));
}

int gm_fw_cfg_add_u64(struct gm_dev *d, u16 key, u64 val)
{
	u8 b[8];
	int i;

	for (i = 0; i < 8; i++)
		b[i] = (u8)(val >> 8 * i);
	return gm_fw_cfg_add_key(d, key, b, sizeof(b));
}

int gm_fw_cfg_add_file(struct gm_dev *d, const char *name, const void *data, u32 len, int flags)
{
	struct fw_cfg *s = container_of(d, struct fw_cfg, dev);
	u16 key = (u16)(GM_FW_FILE_FIRST + s->nfiles);
	u8 *e;
	int rc;

	if (strlen(name) >= GM_FW_NAME_MAX || flags & ~GM_FW_WRITABLE)
		return -EINVAL;
	if (s->nfiles == GM_FW_FILES_MAX)
		return -ENOSPC;
	if (gm_fw_cfg_find(d, name, NULL))
		return -EEXIST;
	rc = fw_item_add(s, key, name, data, len, flags);
	if (rc)
		return rc;
	e = s->dir + 4 + s->nfiles * FW_DIR_ENTRY;
	put_be32(e, len);
	e[4] = (u8)(key >> 8);
	e[5] = (u8)key;
	strcpy((char *)e + 8, name);
	put_be32(s->dir, ++s->nfiles);
	return key;
}

const u8 *gm_fw_cfg_find(struct gm_dev *d, const char *name, u32 *len)
{
	struct fw_cfg *s = container_of(d, struct fw_cfg, dev);
	unsigned int i;

	for (i = 0; i < s->nitems; i++) {
		if (strcmp(s->items[i].name, name))
			continue;
		if (len)
			*len = s->items[i].len;
		return s->items[i].data;
	}
	return NULL;
}

/* ---- access ---- */

/* The selected item, and how much is left of it from the current offset on: 0 past its end or
 * when there is none. *data is NULL for what has to be read from a file. */
static struct fw_item *fw_current(struct fw_cfg *s, u32 *left, u8 **data)
{
	struct fw_item *it = NULL;
	u8 *bytes = s->dir;
	u32 len = 4 + s->nfiles * FW_DIR_ENTRY;

	if (s->key != GM_FW_FILE_DIR) {
		it = fw_item_find(s, s->key);
		bytes = it ? it->data : NULL;
		len = it ? it->len : 0;
	}
	*left = s->offset < len ? len - s->offset : 0;
	*data = *left && bytes ? bytes + s->offset : NULL;
	return it;
}

/* n bytes of a file item at the current offset. The file's size was checked at start: what cannot
 * be read now reads as zeros, and the user is told once. */
static void fw_file_read(struct fw_cfg *s, const struct fw_item *it, u8 *buf, u32 n)
{
	u64 off = it->file_off + s->offset;
	ssize_t got = 1;
	u32 done = 0;

	while (done < n && got > 0) {
		got = pread(it->fd, buf + done, n - done, (off_t)(off + done));
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got > 0)
			done += (u32)got;
	}
	if (done == n)
		return;
	memset(buf + done, 0, n - done);
	if (!s->warned)
		gm_machine_warn(s->dev.m, "a kernel or initrd file cannot be read any more (%s): "
				"the guest gets zeros", got ? strerror(errno) : "it became shorter");
	s->warned = true;
}

static void fw_select(struct fw_cfg *s, u16 key)
{
	s->key = key & FW_KEY_MASK;
	s->offset = 0;
}

static void fw_advance(struct fw_cfg *s, u32 n)
{
	s->offset = n > UINT32_MAX - s->offset ? UINT32_MAX : s->offset + n;
}

static u64 fw_port_read(void *opaque, u64 off, unsigned int size)
{
	struct fw_cfg *s = opaque;
	struct fw_item *it;
	u32 left;
	u8 *p, byte = 0;

	if (off != 1)
		return 0;
	it = fw_current(s, &left, &p);
	if (!left)
		return 0;
	if (p)
		byte = *p;
	else if (it)
		fw_file_read(s, it, &byte, 1);
	fw_advance(s, 1);
	return byte;
}

/* Writing through the data port went out of the interface with its version 2.4. */
static void fw_port_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	if (off == 0 && size == 2)
		fw_select(opaque, (u16)val);
}

static const struct gm_region_ops fw_port_ops = {
	.name = "fw_cfg",
	.read = fw_port_read,
	.write = fw_port_write,
	.min_size = 1,
	.max_size = 2,
};

/* Copies the next n bytes of a file item into guest memory. */
static void fw_dma_file(struct fw_cfg *s, const struct fw_item *it, u64 gpa, u32 n)
{
	u8 buf[FW_CHUNK];

	while (n) {
		u32 chunk = MIN(n, (u32)FW_CHUNK);
		size_t run = chunk;

		if (!gm_dma_map(s->dev.m->mem, gpa, &run, true))
			break;
		fw_file_read(s, it, buf, chunk);
		gm_dma_write(s->dev.m->mem, gpa, buf, chunk);
		fw_advance(s, chunk);
		gpa += chunk;
		n -= chunk;
	}
	fw_advance(s, n);
}

/* Fills guest memory: item bytes first, zeros after its end. The length is the guest's, so what
 * lies beyond all memory is not walked through. */
static void fw_dma_in(struct fw_cfg *s, u64 gpa, u32 len)
{
	static const u8 zeros[FW_CHUNK];
	struct gm_bus *mem = s->dev.m->mem;
	struct fw_item *it;
	u32 left, n;
	u8 *p;

	it = fw_current(s, &left, &p);
	n = MIN(left, len);
	if (n && p) {
		gm_dma_write(mem, gpa, p, n);
		fw_advance(s, n);
	} else if (n && it) {
		fw_dma_file(s, it, gpa, n);
	}
	gpa += n;
	len -= n;
	while (len) {
		size_t chunk = MIN(len, (u32)FW_CHUNK), run = chunk;

		if (!gm_dma_map(mem, gpa, &run, true))
			break;
		gm_dma_write(mem, gpa, zeros, chunk);
		gpa += chunk;
		len -= (u32)chunk;
	}
}

static u32 fw_dma_out(struct fw_cfg *s, u64 gpa, u32 len)
{
	struct fw_item *it;
	u32 left;
	u8 *p;

	it = fw_current(s, &left, &p);
	if (!it || !(it->flags & GM_FW_WRITABLE) || len > left)
		return DMA_ERROR;
	if (len)
		gm_dma_read(s->dev.m->mem, gpa, p, len);
	fw_advance(s, len);
	return 0;
}

/* One command: u32 control, u32 length, u64 address, all big-endian. */
static void fw_dma_run(struct fw_cfg *s, u64 gpa)
{
	struct gm_bus *mem = s->dev.m->mem;
	u8 cmd[16], done[4];
	u32 control, len, status = 0;
	u64 addr;

	gm_dma_read(mem, gpa, cmd, sizeof(cmd));
	control = get_be32(cmd);
	len = get_be32(cmd + 4);
	addr = (u64)get_be32(cmd + 8) << 32 | get_be32(cmd + 12);
	if (control & DMA_SELECT)
		fw_select(s, (u16)(control >> 16));
	if (control & DMA_READ)
		fw_dma_in(s, addr, len);
	else if (control & DMA_WRITE)
		status = fw_dma_out(s, addr, len);
	else if (control & DMA_SKIP)
		fw_advance(s, len);
	put_be32(done, status);
	gm_dma_write(mem, gpa, done, sizeof(done));
}

static u64 fw_dma_port_read(void *opaque, u64 off, unsigned int size)
{
	u8 sig[8];
	u64 val = 0;
	unsigned int i;

	put_be32(sig, (u32)(FW_DMA_SIGNATURE >> 32));
	put_be32(sig + 4, (u32)FW_DMA_SIGNATURE);
	for (i = 0; i < size; i++)
		val |= (u64)sig[off + i] << 8 * i;
	return val;
}

static void fw_dma_port_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct fw_cfg *s = opaque;
	u64 gpa;

	if (size != 4)
		return;
	if (off == 0) {
		s->dma_addr = (u64)__builtin_bswap32((u32)val) << 32;
		return;
	}
	gpa = s->dma_addr | __builtin_bswap32((u32)val);
	s->dma_addr = 0;
	fw_dma_run(s, gpa);
}

static const struct gm_region_ops fw_dma_ops = {
	.name = "fw_cfg dma",
	.read = fw_dma_port_read,
	.write = fw_dma_port_write,
	.min_size = 1,
	.max_size = 4,
};

/* ---- class ---- */

static int fw_cfg_init(struct gm_dev *d, const void *cfg)
{
	struct fw_cfg *s = container_of(d, struct fw_cfg, dev);
	int rc = gm_fw_cfg_add_key(d, GM_FW_SIGNATURE, "QEMU", 4);

	if (!rc)
		rc = gm_fw_cfg_add_u32(d, GM_FW_ID, FW_ID_TRAD | FW_ID_DMA);
	if (rc)
		return rc;
	if (!gm_region_add(d->m->pio, FW_PORT, 2, &fw_port_ops, s) ||
	    !gm_region_add(d->m->pio, FW_PORT_DMA, 8, &fw_dma_ops, s))
		return -ENOMEM;
	return 0;
}

static void fw_cfg_reset(struct gm_dev *d)
{
	struct fw_cfg *s = container_of(d, struct fw_cfg, dev);
	unsigned int i;

	for (i = 0; i < s->nitems; i++)
		if (s->items[i].pristine)
			memcpy(s->items[i].data, s->items[i].pristine, s->items[i].len);
	s->key = FW_KEY_NONE;
	s->offset = 0;
	s->dma_addr = 0;
}

static void fw_cfg_fini(struct gm_dev *d)
{
	struct fw_cfg *s = container_of(d, struct fw_cfg, dev);
	unsigned int i;

	for (i = 0; i < s->nitems; i++) {
		if (!(s->items[i].flags & FW_SLICE))
			free(s->items[i].data);
		free(s->items[i].pristine);
	}
	for (i = 0; i < s->ngiven; i++)
		free(s->given[i]);
	for (i = 0; i < s->nfds; i++)
		close(s->fds[i]);
}

static const struct gm_field fw_cfg_fields[] = {
	GM_U16(struct fw_cfg, key),
	GM_U32(struct fw_cfg, offset),
	GM_U64(struct fw_cfg, dma_addr),
	GM_OMIT(struct fw_cfg, dev, "set up at creation"),
	GM_OMIT(struct fw_cfg, items, "machine configuration"),
	GM_OMIT(struct fw_cfg, nitems, "machine configuration"),
	GM_OMIT(struct fw_cfg, nfiles, "machine configuration"),
	GM_OMIT(struct fw_cfg, ngiven, "machine configuration"),
	GM_OMIT(struct fw_cfg, given, "machine configuration"),
	GM_OMIT(struct fw_cfg, nfds, "machine configuration"),
	GM_OMIT(struct fw_cfg, fds, "machine configuration"),
	GM_OMIT(struct fw_cfg, warned, "what the user was told"),
	GM_OMIT(struct fw_cfg, dir, "machine configuration"),
	GM_FIELDS_END,
};

static const struct gm_state_desc fw_cfg_state = {
	.name = "fw_cfg",
	.version = 1,
	.size = sizeof(struct fw_cfg),
	.fields = fw_cfg_fields,
};

const struct gm_dev_class gm_fw_cfg_class = {
	.name = "fw_cfg",
	.title = "firmware configuration device",
	.size = sizeof(struct fw_cfg),
	.state = &fw_cfg_state,
	.init = fw_cfg_init,
	.reset = fw_cfg_reset,
	.fini = fw_cfg_fini,
};
