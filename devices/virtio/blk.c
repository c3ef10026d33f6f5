// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * virtio block device, with several queues, discard and write zeroes. Source: VIRTIO 1.2, section
 * 5.2. Requests go straight from guest memory to the back end; several are under way at a time
 * and finish in any order.
 */
#include <errno.h>
#include <stdlib.h>

#include "devices/virtio/devices.h"

#define F_SEG_MAX      2
#define F_GEOMETRY     4
#define F_RO           5
#define F_BLK_SIZE     6
#define F_FLUSH        9
#define F_TOPOLOGY     10
#define F_CONFIG_WCE   11
#define F_MQ           12
#define F_DISCARD      13
#define F_WRITE_ZEROES 14

#define T_IN           0
#define T_OUT          1
#define T_FLUSH        4
#define T_GET_ID       8
#define T_DISCARD      11
#define T_WRITE_ZEROES 13

#define S_OK           0
#define S_IOERR        1
#define S_UNSUPP       2

#define HDR_LEN        16
#define ID_LEN         20
#define SEG_MAX        (VIRTIO_QUEUE_SIZE - 2)
#define IOV_MAX_REQ    1024
#define RANGES_MAX     16              /* of a discard or write-zeroes request */
#define RANGE_SECTORS  (1u << 22)      /* 2 GiB */
#define INFLIGHT_MAX   1024
#define WRITE_THROUGH  0

struct blk_config {
	u64 capacity;
	u32 size_max, seg_max;
	u16 cylinders;
	u8 heads, sectors;
	u32 blk_size;
	u8 physical_block_exp, alignment_offset;
	u16 min_io_size;
	u32 opt_io_size;
	u8 writeback, unused0;
	u16 num_queues;
	u32 max_discard_sectors, max_discard_seg, discard_sector_alignment;
	u32 max_write_zeroes_sectors, max_write_zeroes_seg;
	u8 write_zeroes_may_unmap, unused1[3];
} __attribute__((packed));

struct blk_header {
	u32 type, reserved;
	u64 sector;
};

struct blk_range {
	u64 sector;
	u32 sectors, flags; /* bit 0: may unmap */
};

struct vblk {
	struct virtio v;
	struct gm_blk *blk;
	char serial[ID_LEN];
	u8 writeback;          /* the guest's wish: 0 flushes after every write */
	unsigned int inflight;
	bool full;             /* a queue was left with requests: look again */
};

/* One request under way. */
struct vblk_req {
	struct gm_blk_req r;
	struct vblk *s;
	struct vq_chain c;
	unsigned int q;
	u32 type;
	u32 written;           /* bytes of data for the guest */
	unsigned int range, nranges;
	struct blk_range ranges[RANGES_MAX];
	struct iovec iov[];
};

static void vblk_kick(struct virtio *v, unsigned int q);

/* ---- the end of a request ---- */

static void req_finish(struct vblk_req *rq, u8 status)
{
	struct vblk *s = rq->s;
	u64 data = rq->c.in_len - 1;
	unsigned int i;

	if (rq->type == T_IN && status == S_OK)
		for (i = rq->c.nout; i < rq->c.nout + rq->c.nin; i++)
			gm_dma_dirty(s->v.pci.dev.m->mem, rq->c.seg[i].gpa, rq->c.seg[i].len);
	vq_write(&s->v, &rq->c, data, &status, 1);
	vq_push(&s->v, rq->q, rq->c.id, rq->c.slots, status == S_OK ? rq->written + 1 : 1);
	vq_notify(&s->v, rq->q);
	free(rq);
}

static u8 status_of(int err)
{
	return err ? S_IOERR : S_OK;
}

static void req_done(struct gm_blk_req *r, int err)
{
	struct vblk_req *rq = container_of(r, struct vblk_req, r);
	struct vblk *s = rq->s;
	unsigned int i;

	s->inflight--;
	/* Without a write cache a write is done when it is on the disk. */
	if (!err && rq->type == T_OUT && r->op == GM_BLK_WRITE && s->writeback == WRITE_THROUGH) {
		r->op = GM_BLK_FLUSH;
		s->inflight++;
		gm_blk_submit(s->blk, r);
		return;
	}
	if (!err && ++rq->range < rq->nranges) {
		r->offset = rq->ranges[rq->range].sector * 512;
		r->len = rq->ranges[rq->range].sectors * 512ULL;
		s->inflight++;
		gm_blk_submit(s->blk, r);
		return;
	}
	req_finish(rq, status_of(err));
	if (!s->full || s->inflight >= INFLIGHT_MAX)
		return;
	s->full = false;
	for (i = 0; i < s->v.nqueues; i++)
		virtio_kick(&s->v, i);
}

static void req_submit(struct vblk_req *rq, enum gm_blk_op op, u64 sector, u64 len, int iovcnt)
{
	/* The back end refuses what lies behind the end of the disk. */
	if (sector > UINT64_MAX / 512) {
		req_finish(rq, S_IOERR);
		return;
	}
	rq->r = (struct gm_blk_req){.op = op, .offset = sector * 512, .len = len, .iov = rq->iov,
				    .iovcnt = iovcnt, .done = req_done};
	rq->s->inflight++;
	gm_blk_submit(rq->s->blk, &rq->r);
}

/* ---- requests ---- */

/* Host memory of [off, off + len) of n segments; the number of pieces, or -1 when some of it is
 * not RAM or there are too many. */
static int segs_map(struct vblk *s, const struct vq_seg *seg, unsigned int n, u64 off, u64 len,
		    bool write, struct iovec *iov)
{
	int count = 0;

	for (; n-- && len; seg++) {
		u64 at = seg->gpa, left = seg->len;

		if (off >= left) {
			off -= left;
			continue;
		}
		at += off;
		left = MIN(left - off, len);
		off = 0;
		len -= left;
		while (left) {
			size_t part = left;
			void *p = gm_dma_map(s->v.pci.dev.m->mem, at, &part, write);

			if (!p || count == IOV_MAX_REQ)
				return -1;
			iov[count++] = (struct iovec){p, part};
			at += part;
			left -= part;
		}
	}
	return len ? -1 : count;
}

static void req_rw(struct vblk_req *rq, const struct blk_header *h)
{
	struct vblk *s = rq->s;
	bool write = h->type == T_OUT;
	struct vq_chain *c = &rq->c;
	u64 len = write ? c->out_len - HDR_LEN : c->in_len - 1;
	int n;

	if (len % 512 || len > UINT32_MAX) {
		req_finish(rq, S_IOERR);
		return;
	}
	if (write)
		n = segs_map(s, c->seg, c->nout, HDR_LEN, len, false, rq->iov);
	else
		n = segs_map(s, c->seg + c->nout, c->nin, 0, len, true, rq->iov);
	if (n < 0) {
		req_finish(rq, S_IOERR);
		return;
	}
	rq->written = write ? 0 : (u32)len;
	req_submit(rq, write ? GM_BLK_WRITE : GM_BLK_READ, h->sector, len, n);
}

static void req_ranges(struct vblk_req *rq, const struct blk_header *h)
{
	u64 len = rq->c.out_len - HDR_LEN;
	enum gm_blk_op op = h->type == T_DISCARD ? GM_BLK_DISCARD : GM_BLK_WRITE_ZEROES;
	unsigned int i;

	rq->nranges = (unsigned int)(len / sizeof(struct blk_range));
	if (!len || len % sizeof(struct blk_range) || len > sizeof(rq->ranges) ||
	    vq_read(&rq->s->v, &rq->c, HDR_LEN, rq->ranges, len) != len) {
		req_finish(rq, S_IOERR);
		return;
	}
	for (i = 0; i < rq->nranges; i++) {
		const struct blk_range *r = &rq->ranges[i];

		/* Unmapping is a wish of write zeroes only (5.2.6.2). */
		if (r->flags & (h->type == T_DISCARD ? ~0u : ~1u)) {
			req_finish(rq, S_UNSUPP);
			return;
		}
		if (r->sectors > RANGE_SECTORS || r->sector > UINT64_MAX / 512) {
			req_finish(rq, S_IOERR);
			return;
		}
	}
	req_submit(rq, op, rq->ranges[0].sector, rq->ranges[0].sectors * 512ULL, 0);
}

static void req_id(struct vblk_req *rq, const struct blk_header *h)
{
	rq->written = (u32)vq_write(&rq->s->v, &rq->c, 0, rq->s->serial,
				    MIN(rq->c.in_len - 1, (u64)ID_LEN));
	req_finish(rq, S_OK);
}

static void req_flush(struct vblk_req *rq, const struct blk_header *h)
{
	req_submit(rq, GM_BLK_FLUSH, 0, 0, 0);
}

static const struct {
	u32 type;
	int feature; /* that must have been agreed on; -1: none */
	bool writes;
	void (*run)(struct vblk_req *rq, const struct blk_header *h);
} req_types[] = {
	{T_IN, -1, false, req_rw},
	{T_OUT, -1, true, req_rw},
	{T_FLUSH, F_FLUSH, false, req_flush},
	{T_GET_ID, -1, false, req_id},
	{T_DISCARD, F_DISCARD, true, req_ranges},
	{T_WRITE_ZEROES, F_WRITE_ZEROES, true, req_ranges},
};

static void req_start(struct vblk_req *rq)
{
	struct virtio *v = &rq->s->v;
	struct blk_header h;
	size_t i;

	if (vq_read(v, &rq->c, 0, &h, sizeof(h)) != sizeof(h) || !rq->c.in_len) {
		/* There is no place for a status. */
		free(rq);
		virtio_break(v);
		return;
	}
	rq->type = h.type;
	for (i = 0; i < ARRAY_SIZE(req_types); i++)
		if (req_types[i].type == h.type)
			break;
	if (i == ARRAY_SIZE(req_types) ||
	    (req_types[i].feature >= 0 && !virtio_has(v, (unsigned int)req_types[i].feature)))
		req_finish(rq, S_UNSUPP);
	else if (req_types[i].writes && gm_blk_readonly(rq->s->blk))
		req_finish(rq, S_IOERR);
	else
		req_types[i].run(rq, &h);
}

static void vblk_kick(struct virtio *v, unsigned int q)
{
	struct vblk *s = container_of(v, struct vblk, v);
	struct vq_chain c;
	struct vblk_req *rq;

	for (;;) {
		if (s->inflight >= INFLIGHT_MAX) {
			s->full = true;
			return;
		}
		if (!vq_pop(v, q, &c))
			return;
		rq = malloc(sizeof(*rq) + IOV_MAX_REQ * sizeof(rq->iov[0]));
		if (!rq) {
			virtio_break(v);
			return;
		}
		memset(rq, 0, offsetof(struct vblk_req, iov));
		rq->s = s;
		rq->q = q;
		rq->c = c;
		req_start(rq);
	}
}

/* ---- configuration ---- */

static void vblk_config_get(struct virtio *v, u8 *buf)
{
	struct vblk *s = container_of(v, struct vblk, v);
	u64 sectors = gm_blk_size(s->blk) / 512, cylinders = MIN(sectors / (16 * 63), (u64)16383);
	struct blk_config c = {
		.capacity = sectors,
		.seg_max = SEG_MAX,
		.cylinders = (u16)cylinders,
		.heads = 16,
		.sectors = 63,
		.blk_size = 512,
		.physical_block_exp = 3,
		.min_io_size = 8,
		.writeback = s->writeback,
		.num_queues = v->nqueues,
		.max_discard_sectors = RANGE_SECTORS,
		.max_discard_seg = RANGES_MAX,
		.discard_sector_alignment = 8,
		.max_write_zeroes_sectors = RANGE_SECTORS,
		.max_write_zeroes_seg = RANGES_MAX,
		.write_zeroes_may_unmap = 1,
	};

	memcpy(buf, &c, sizeof(c));
}

static void vblk_config_set(struct virtio *v, unsigned int off, unsigned int size, u32 val)
{
	struct vblk *s = container_of(v, struct vblk, v);

	if (off == offsetof(struct blk_config, writeback) && virtio_has(v, F_CONFIG_WCE))
		s->writeback = val & 1;
}

static void vblk_soft_reset(struct virtio *v)
{
	struct vblk *s = container_of(v, struct vblk, v);

	gm_blk_abort(s->blk);
	s->writeback = 1;
	s->full = false;
}

static const struct virtio_ops vblk_ops = {
	.type = VIRTIO_BLK,
	.nqueues = VIRTIO_BLK_QUEUES,
	.config_len = sizeof(struct blk_config),
	.config_get = vblk_config_get,
	.config_set = vblk_config_set,
	.kick = vblk_kick,
	.reset = vblk_soft_reset,
};

/* ---- class ---- */

static int vblk_init(struct gm_dev *d, const void *cfg_)
{
	struct vblk *s = container_of(d, struct vblk, v.pci.dev);
	const struct virtio_blk_cfg *cfg = cfg_;
	const char *serial = cfg->serial ? cfg->serial : d->id;
	u8 queues = cfg->queues ? cfg->queues : 1;
	u64 offered = 1ULL << F_SEG_MAX | 1ULL << F_GEOMETRY | 1ULL << F_BLK_SIZE |
		      1ULL << F_FLUSH | 1ULL << F_TOPOLOGY | 1ULL << F_CONFIG_WCE | 1ULL << F_MQ;

	if (queues > VIRTIO_BLK_QUEUES)
		return -EINVAL;
	s->blk = cfg->blk;
	s->writeback = 1;
	memcpy(s->serial, serial, MIN(strlen(serial), sizeof(s->serial)));
	if (gm_blk_readonly(s->blk))
		offered |= 1ULL << F_RO;
	else
		offered |= 1ULL << F_DISCARD | 1ULL << F_WRITE_ZEROES;
	return virtio_init(&s->v, &cfg->v, &vblk_ops, queues, offered);
}

static void vblk_pause(struct gm_dev *d)
{
	struct vblk *s = container_of(d, struct vblk, v.pci.dev);

	virtio_pause(d);
	gm_blk_drain(s->blk);
}

static void vblk_resume(struct gm_dev *d)
{
	struct vblk *s = container_of(d, struct vblk, v.pci.dev);

	gm_blk_resume(s->blk);
	virtio_resume(d);
}

static void vblk_fini(struct gm_dev *d)
{
	struct vblk *s = container_of(d, struct vblk, v.pci.dev);

	gm_blk_abort(s->blk);
}

static const struct gm_field vblk_fields[] = {
	GM_STRUCT(struct vblk, v, &virtio_state),
	GM_U8(struct vblk, writeback),
	GM_OMIT(struct vblk, blk, "machine configuration"),
	GM_OMIT(struct vblk, serial, "machine configuration"),
	GM_OMIT(struct vblk, inflight, "a paused machine has no requests under way"),
	GM_OMIT(struct vblk, full, "every queue is looked at when the machine runs again"),
	GM_FIELDS_END,
};

static const struct gm_state_desc vblk_state = {
	.name = "virtio-blk",
	.version = 1,
	.size = sizeof(struct vblk),
	.fields = vblk_fields,
};

const struct gm_pci_class virtio_blk_class = {
	.dev = {
		.name = "virtio-blk",
		.title = "virtio block device",
		.size = sizeof(struct vblk),
		.state = &vblk_state,
		.init = vblk_init,
		.reset = virtio_reset,
		.pause = vblk_pause,
		.resume = vblk_resume,
		.loaded = virtio_loaded,
		.fini = vblk_fini,
	},
	.vendor = 0x1af4,
	.device = 0x1001,
	.subvendor = 0x1af4,
	.subdevice = VIRTIO_BLK,
	.class_code = 0x010000,
	.int_pin = 1,
	.config_written = virtio_config_written,
	.config_read = virtio_config_read,
};
