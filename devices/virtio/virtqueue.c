// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtqueues, split (VIRTIO 1.2, section 2.7) and packed (2.8). The rings lie in guest memory and
 * are read as what they are, another's: indices are compared with the ring's size, a chain has at
 * most VIRTIO_QUEUE_SIZE descriptors, tables and buffers must be RAM.
 */
#include <stdatomic.h>

#include "devices/virtio/virtio.h"

#define DESC_NEXT     1
#define DESC_WRITE    2
#define DESC_INDIRECT 4
#define DESC_AVAIL    0x0080 /* packed */
#define DESC_USED     0x8000

#define AVAIL_NO_INTERRUPT 1 /* split: flags of the available ring */
#define USED_NO_NOTIFY     1

#define EVENT_ENABLE  0 /* packed: flags of the event suppression structures */
#define EVENT_DISABLE 1
#define EVENT_DESC    2

struct desc_split {
	u64 addr;
	u32 len;
	u16 flags, next;
};

struct desc_packed {
	u64 addr;
	u32 len;
	u16 id, flags;
};

/* ---- guest memory ---- */

/* RAM only; false (and a broken device) where there is none. */
static bool ring_read(struct virtio *v, u64 gpa, void *buf, size_t len)
{
	size_t n = len;
	void *host = gm_dma_map(v->pci.dev.m->mem, gpa, &n, false);

	if (!host || n < len) {
		virtio_break(v);
		return false;
	}
	memcpy(buf, host, len);
	return true;
}

static bool ring_write(struct virtio *v, u64 gpa, const void *buf, size_t len)
{
	size_t n = len;
	void *host = gm_dma_map(v->pci.dev.m->mem, gpa, &n, true);

	if (!host || n < len) {
		virtio_break(v);
		return false;
	}
	memcpy(host, buf, len);
	gm_dma_dirty(v->pci.dev.m->mem, gpa, len);
	return true;
}

/* Index and flag words are read and written whole, whatever the guest's CPUs do meanwhile. */
static u16 ring_read16(struct virtio *v, u64 gpa)
{
	size_t n = 2;
	u16 *host = gm_dma_map(v->pci.dev.m->mem, gpa, &n, false);

	if (!host || n < 2 || gpa & 1) {
		virtio_break(v);
		return 0;
	}
	return __atomic_load_n(host, __ATOMIC_ACQUIRE);
}

static void ring_write16(struct virtio *v, u64 gpa, u16 val)
{
	size_t n = 2;
	u16 *host = gm_dma_map(v->pci.dev.m->mem, gpa, &n, true);

	if (!host || n < 2 || gpa & 1) {
		virtio_break(v);
		return;
	}
	__atomic_store_n(host, val, __ATOMIC_RELEASE);
	gm_dma_dirty(v->pci.dev.m->mem, gpa, 2);
}

/* ---- chains ---- */

/* Adds one buffer; false when the chain breaks a rule. */
static bool chain_add(struct vq_chain *c, u64 addr, u32 len, u16 flags)
{
	if (c->nout + c->nin == VIRTIO_QUEUE_SIZE || addr + len < addr)
		return false;
	c->seg[c->nout + c->nin] = (struct vq_seg){addr, len};
	if (flags & DESC_WRITE) {
		c->nin++;
		c->in_len += len;
		return true;
	}
	/* What the device reads comes before what it writes (2.7.4.2). */
	c->nout++;
	c->out_len += len;
	return !c->nin;
}

static void chain_clear(struct vq_chain *c)
{
	c->slots = 1;
	c->nout = c->nin = 0;
	c->out_len = c->in_len = 0;
}

/* Follows `next` through a table of n descriptors, which may end in an indirect one. */
static bool split_walk(struct virtio *v, u64 table, u32 n, u32 at, bool inner, struct vq_chain *c)
{
	u32 left = n;
	struct desc_split d;

	for (;;) {
		if (at >= n || !left-- || !ring_read(v, table + 16ULL * at, &d, sizeof(d)))
			return false;
		if (d.flags & DESC_INDIRECT) {
			if (inner || !virtio_has(v, VIRTIO_F_INDIRECT) || d.flags & DESC_NEXT ||
			    !d.len || d.len % 16 || d.len / 16 > VIRTIO_QUEUE_SIZE)
				return false;
			return split_walk(v, d.addr, d.len / 16, 0, true, c);
		}
		if (!chain_add(c, d.addr, d.len, d.flags))
			return false;
		if (!(d.flags & DESC_NEXT))
			return true;
		at = d.next;
	}
}

static bool split_pop(struct virtio *v, struct virtqueue *vq, struct vq_chain *c)
{
	u16 idx = ring_read16(v, vq->avail + 2);

	if (idx == vq->last_avail) {
		/* Ask for a notification; then look again, as one may just not have come. */
		if (virtio_has(v, VIRTIO_F_EVENT_IDX))
			ring_write16(v, vq->used + 4 + 8ULL * vq->size, vq->last_avail);
		atomic_thread_fence(memory_order_seq_cst);
		idx = ring_read16(v, vq->avail + 2);
	}
	if (v->broken || idx == vq->last_avail)
		return false;
	if ((u16)(idx - vq->last_avail) > vq->size)
		goto bad;
	chain_clear(c);
	c->id = ring_read16(v, vq->avail + 4 + 2ULL * (vq->last_avail % vq->size));
	if (v->broken || !split_walk(v, vq->desc, vq->size, c->id, false, c))
		goto bad;
	vq->last_avail++;
	return true;
bad:
	virtio_break(v);
	return false;
}

static bool packed_indirect(struct virtio *v, const struct desc_packed *p, struct vq_chain *c)
{
	struct desc_packed d;
	u32 i;

	if (!virtio_has(v, VIRTIO_F_INDIRECT) || !p->len || p->len % 16 ||
	    p->len / 16 > VIRTIO_QUEUE_SIZE)
		return false;
	for (i = 0; i < p->len / 16; i++)
		if (!ring_read(v, p->addr + 16ULL * i, &d, sizeof(d)) ||
		    !chain_add(c, d.addr, d.len, d.flags))
			return false;
	return true;
}

static bool packed_available(const struct virtqueue *vq, u16 flags)
{
	return !!(flags & DESC_AVAIL) == vq->avail_wrap && !!(flags & DESC_USED) != vq->avail_wrap;
}

static void packed_ask(struct virtio *v, const struct virtqueue *vq)
{
	if (!virtio_has(v, VIRTIO_F_EVENT_IDX))
		return;
	ring_write16(v, vq->used, (u16)(vq->last_avail | vq->avail_wrap << 15));
	ring_write16(v, vq->used + 2, EVENT_DESC);
}

static bool packed_pop(struct virtio *v, struct virtqueue *vq, struct vq_chain *c)
{
	u16 at = vq->last_avail;
	bool wrap = vq->avail_wrap;
	struct desc_packed d;

	if (!packed_available(vq, ring_read16(v, vq->desc + 16ULL * at + 14))) {
		packed_ask(v, vq);
		atomic_thread_fence(memory_order_seq_cst);
	}
	if (v->broken || !packed_available(vq, ring_read16(v, vq->desc + 16ULL * at + 14)))
		return false;
	chain_clear(c);
	c->slots = 0;
	do {
		if (c->slots == vq->size ||
		    !ring_read(v, vq->desc + 16ULL * at, &d, sizeof(d)))
			goto bad;
		if (d.flags & DESC_INDIRECT ? c->slots || d.flags & DESC_NEXT ||
						      !packed_indirect(v, &d, c)
					    : !chain_add(c, d.addr, d.len, d.flags))
			goto bad;
		c->slots++;
		c->id = d.id;
		if (++at == vq->size) {
			at = 0;
			wrap = !wrap;
		}
	} while (d.flags & DESC_NEXT);
	if (c->id >= vq->size)
		goto bad;
	vq->last_avail = at;
	vq->avail_wrap = wrap;
	return true;
bad:
	virtio_break(v);
	return false;
}

static struct virtqueue *queue_get(struct virtio *v, unsigned int q)
{
	return q < v->nqueues && v->vq[q].enabled && !v->broken ? &v->vq[q] : NULL;
}

bool vq_pop(struct virtio *v, unsigned int q, struct vq_chain *c)
{
	struct virtqueue *vq = queue_get(v, q);

	if (!vq)
		return false;
	return virtio_has(v, VIRTIO_F_PACKED) ? packed_pop(v, vq, c) : split_pop(v, vq, c);
}

void vq_unpop(struct virtio *v, unsigned int q, const struct vq_chain *c)
{
	struct virtqueue *vq = queue_get(v, q);

	if (!vq)
		return;
	if (!virtio_has(v, VIRTIO_F_PACKED)) {
		vq->last_avail--;
		return;
	}
	if (vq->last_avail < c->slots) {
		vq->last_avail += vq->size;
		vq->avail_wrap = !vq->avail_wrap;
	}
	vq->last_avail -= c->slots;
}

/* ---- used buffers ---- */

static void split_push(struct virtio *v, struct virtqueue *vq, u16 id, u32 written)
{
	u32 elem[2] = {id, written};

	ring_write(v, vq->used + 4 + 8ULL * (vq->used_idx % vq->size), elem, sizeof(elem));
	vq->used_idx++;
	ring_write16(v, vq->used + 2, vq->used_idx);
	/* The count of what was not signalled would be ambiguous. */
	if ((u16)(vq->used_idx - vq->signalled) > vq->size)
		vq->signalled_valid = false;
}

static void packed_push(struct virtio *v, struct virtqueue *vq, u16 id, u16 slots, u32 written)
{
	struct desc_packed d = {.len = written, .id = id};
	u64 at = vq->desc + 16ULL * vq->used_idx;
	u16 flags = (vq->used_wrap ? DESC_AVAIL | DESC_USED : 0) | (written ? DESC_WRITE : 0);

	/* Length and id first: the flags are what the guest looks at. */
	ring_write(v, at + 8, &d.len, 4);
	ring_write(v, at + 12, &d.id, 2);
	ring_write16(v, at + 14, flags);
	vq->used_idx += slots;
	if (vq->used_idx >= vq->size) {
		vq->used_idx -= vq->size;
		vq->used_wrap = !vq->used_wrap;
		vq->signalled_valid = false;
	}
}

void vq_push(struct virtio *v, unsigned int q, u16 id, u16 slots, u32 written)
{
	struct virtqueue *vq = queue_get(v, q);

	if (!vq)
		return;
	if (virtio_has(v, VIRTIO_F_PACKED))
		packed_push(v, vq, id, slots, written);
	else
		split_push(v, vq, id, written);
}

/* Whether `event` lies among the entries (old, now] (2.7.7.2). */
static bool event_reached(u16 event, u16 now, u16 old)
{
	return (u16)(now - event - 1) < (u16)(now - old);
}

static bool split_wants(struct virtio *v, struct virtqueue *vq)
{
	u16 old = vq->signalled;
	bool valid = vq->signalled_valid;

	if (!virtio_has(v, VIRTIO_F_EVENT_IDX))
		return !(ring_read16(v, vq->avail) & AVAIL_NO_INTERRUPT);
	vq->signalled = vq->used_idx;
	vq->signalled_valid = true;
	return !valid || event_reached(ring_read16(v, vq->avail + 4 + 2ULL * vq->size),
				       vq->used_idx, old);
}

static bool packed_wants(struct virtio *v, struct virtqueue *vq)
{
	u16 flags = ring_read16(v, vq->avail + 2), event = ring_read16(v, vq->avail);
	u16 old = vq->signalled, off = event & 0x7fff;
	bool valid = vq->signalled_valid;

	vq->signalled = vq->used_idx;
	vq->signalled_valid = true;
	if (flags == EVENT_DISABLE)
		return false;
	if (flags != EVENT_DESC || !valid)
		return true;
	if (event >> 15 != vq->used_wrap)
		off = (u16)(off - vq->size);
	return event_reached(off, vq->used_idx, old);
}

void vq_notify(struct virtio *v, unsigned int q)
{
	struct virtqueue *vq = queue_get(v, q);
	bool wants;

	if (!vq)
		return;
	/* The used index is visible before the guest's wish is read. */
	atomic_thread_fence(memory_order_seq_cst);
	wants = virtio_has(v, VIRTIO_F_PACKED) ? packed_wants(v, vq) : split_wants(v, vq);
	if (wants && !v->broken)
		virtio_interrupt(v, vq->vector, 1);
}

void vq_start(struct virtio *v, unsigned int q)
{
	struct virtqueue *vq = &v->vq[q];

	vq->enabled = true;
	vq->last_avail = vq->used_idx = vq->signalled = 0;
	vq->avail_wrap = vq->used_wrap = true;
	vq->signalled_valid = false;
}

void vq_reset(struct virtqueue *vq)
{
	*vq = (struct virtqueue){.size = VIRTIO_QUEUE_SIZE, .vector = GM_MSIX_NONE};
}

/* ---- buffers ---- */

typedef void (*seg_copy)(struct gm_pci_dev *d, u64 gpa, void *buf, size_t len);

static void seg_read(struct gm_pci_dev *d, u64 gpa, void *buf, size_t len)
{
	gm_pci_dma_read(d, gpa, buf, len);
}

static void seg_write(struct gm_pci_dev *d, u64 gpa, void *buf, size_t len)
{
	gm_pci_dma_write(d, gpa, buf, len);
}

static size_t segs_copy(struct virtio *v, const struct vq_seg *s, unsigned int n, u64 off,
			u8 *buf, size_t len, seg_copy copy)
{
	size_t done = 0;

	for (; n-- && done < len; s++) {
		size_t part;

		if (off >= s->len) {
			off -= s->len;
			continue;
		}
		part = MIN(len - done, (size_t)(s->len - off));
		copy(&v->pci, s->gpa + off, buf + done, part);
		done += part;
		off = 0;
	}
	return done;
}

size_t vq_read(struct virtio *v, const struct vq_chain *c, u64 off, void *buf, size_t len)
{
	return segs_copy(v, c->seg, c->nout, off, buf, len, seg_read);
}

size_t vq_write(struct virtio *v, const struct vq_chain *c, u64 off, const void *buf, size_t len)
{
	return segs_copy(v, c->seg + c->nout, c->nin, off, (u8 *)buf, len, seg_write);
}
