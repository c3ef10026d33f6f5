// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest-physical memory and I/O ports: regions with priorities, painted into a sorted array of
 * disjoint ranges (the flat view) that accesses search.
 */
#include "vmm/bus.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "vmm/trace.h"

#define PAGE 4096ULL

struct gm_region {
	struct gm_bus *bus;
	struct gm_region *next; /* in order of rising priority, older first */
	u64 base, len;
	int prio;
	bool enabled;
	const struct gm_region_ops *ops;
	void *opaque;
	struct gm_ram *ram; /* a window onto RAM when set */
	u64 ram_off;
	bool readonly;
};

struct gm_bus {
	int kind;
	u64 limit; /* addresses are below it */
	struct gm_region *regions;
	struct gm_ram *rams;
	u32 next_ram_id;
	struct gm_flat *flat;
	size_t nflat, cap;
	struct gm_bus_listener listener;
	struct gm_machine *trace; /* NULL: not traced */
};

void gm_bus_set_trace(struct gm_bus *b, struct gm_machine *m)
{
	b->trace = m;
}

static void trace_access(struct gm_bus *b, const struct gm_region *r, u64 addr, unsigned int size,
			 u64 val, bool write)
{
	gm_trace_put(b->trace, b->kind == GM_BUS_PIO ? GM_TRACE_IO : GM_TRACE_MMIO,
		     "%s %#llx %s%u %#llx", r->ops->name, (unsigned long long)addr,
		     write ? "w" : "r", size, (unsigned long long)val);
}

struct gm_bus *gm_bus_new(int kind)
{
	struct gm_bus *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->kind = kind;
	b->limit = kind == GM_BUS_PIO ? 0x10000 : 1ULL << 52;
	return b;
}

void gm_bus_free(struct gm_bus *b)
{
	if (!b)
		return;
	while (b->regions) {
		struct gm_region *r = b->regions;

		b->regions = r->next;
		free(r);
	}
	while (b->rams) {
		struct gm_ram *ram = b->rams;

		b->rams = ram->next;
		munmap(ram->host, ram->size);
		free(ram->dirty);
		free(ram);
	}
	free(b->flat);
	free(b);
}

void gm_bus_set_listener(struct gm_bus *b, const struct gm_bus_listener *l)
{
	b->listener = *l;
}

/* ---- the flat view ---- */

static bool flat_reserve(struct gm_bus *b, size_t n)
{
	struct gm_flat *f;

	if (n <= b->cap)
		return true;
	f = realloc(b->flat, 2 * n * sizeof(*f));
	if (!f)
		return false;
	b->flat = f;
	b->cap = 2 * n;
	return true;
}

static void flat_insert(struct gm_bus *b, size_t at, const struct gm_flat *f)
{
	memmove(&b->flat[at + 1], &b->flat[at], (b->nflat - at) * sizeof(*f));
	b->flat[at] = *f;
	b->nflat++;
}

/* Cuts [start, end) out of what is painted so far; returns where a new entry belongs. */
static size_t flat_cut(struct gm_bus *b, u64 start, u64 end)
{
	size_t i = 0;

	while (i < b->nflat && b->flat[i].end <= start)
		i++;
	if (i < b->nflat && b->flat[i].start < start) {
		struct gm_flat tail = b->flat[i];

		b->flat[i].end = start;
		i++;
		if (tail.end > end) {
			tail.ram_off += end - tail.start;
			tail.start = end;
			flat_insert(b, i, &tail);
			return i;
		}
	}
	while (i < b->nflat && b->flat[i].end <= end) {
		memmove(&b->flat[i], &b->flat[i + 1], (b->nflat - i - 1) * sizeof(b->flat[0]));
		b->nflat--;
	}
	if (i < b->nflat && b->flat[i].start < end) {
		b->flat[i].ram_off += end - b->flat[i].start;
		b->flat[i].start = end;
	}
	return i;
}

static void bus_changed(struct gm_bus *b)
{
	struct gm_region *r;
	size_t n = 0;

	for (r = b->regions; r; r = r->next)
		n++;
	/* Each region adds itself and splits at most one other. When memory is short the old
	 * view stays in force: stale, but consistent. */
	if (!flat_reserve(b, 2 * n + 2))
		return;
	b->nflat = 0;
	for (r = b->regions; r; r = r->next) {
		struct gm_flat f = {.start = r->base, .end = r->base + r->len, .ram = r->ram,
				    .ram_off = r->ram_off, .readonly = r->readonly, .region = r};

		if (r->enabled && f.end > f.start)
			flat_insert(b, flat_cut(b, f.start, f.end), &f);
	}
	if (b->listener.changed)
		b->listener.changed(b->listener.opaque);
}

const struct gm_flat *gm_bus_lookup(struct gm_bus *b, u64 addr)
{
	size_t lo = 0, hi = b->nflat;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (b->flat[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < b->nflat && b->flat[lo].start <= addr ? &b->flat[lo] : NULL;
}

const struct gm_flat *gm_bus_flat(struct gm_bus *b, size_t *n)
{
	*n = b->nflat;
	return b->flat;
}

void gm_bus_dump(struct gm_bus *b, void (*fn)(void *, const struct gm_flat *, const char *),
		 void *opaque)
{
	size_t i;

	for (i = 0; i < b->nflat; i++) {
		const struct gm_flat *f = &b->flat[i];

		fn(opaque, f, f->ram ? f->ram->name : f->region->ops->name);
	}
}

/* ---- regions ---- */

static void region_link(struct gm_region *r)
{
	struct gm_region **p = &r->bus->regions;

	while (*p && (*p)->prio <= r->prio)
		p = &(*p)->next;
	r->next = *p;
	*p = r;
}

static struct gm_region *region_new(struct gm_bus *b, u64 base, u64 len, int prio)
{
	struct gm_region *r;

	if (!len || base >= b->limit || len > b->limit - base)
		return NULL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->bus = b;
	r->base = base;
	r->len = len;
	r->prio = prio;
	r->enabled = true;
	return r;
}

struct gm_region *gm_region_add_prio(struct gm_bus *b, u64 base, u64 len, int prio,
				     const struct gm_region_ops *ops, void *opaque)
{
	struct gm_region *r = region_new(b, base, len, prio);

	if (!r)
		return NULL;
	r->ops = ops;
	r->opaque = opaque;
	region_link(r);
	bus_changed(b);
	return r;
}

struct gm_region *gm_region_add(struct gm_bus *b, u64 base, u64 len,
				const struct gm_region_ops *ops, void *opaque)
{
	return gm_region_add_prio(b, base, len, GM_PRIO_FIXED, ops, opaque);
}

void gm_region_enable(struct gm_region *r, bool on)
{
	if (r->enabled == on)
		return;
	r->enabled = on;
	bus_changed(r->bus);
}

void gm_region_move(struct gm_region *r, u64 base)
{
	if (r->base == base || base >= r->bus->limit || r->len > r->bus->limit - base)
		return;
	r->base = base;
	if (r->enabled)
		bus_changed(r->bus);
}

void gm_region_remove(struct gm_region *r)
{
	struct gm_region **p;
	struct gm_bus *b;

	if (!r)
		return;
	b = r->bus;
	for (p = &b->regions; *p != r; p = &(*p)->next)
		;
	*p = r->next;
	free(r);
	bus_changed(b);
}

/* ---- RAM ---- */

struct gm_ram *gm_ram_new(struct gm_bus *b, const char *name, u64 size, int flags)
{
	struct gm_ram *ram;

	if (!size || size % PAGE || size > 1ULL << 46)
		return NULL;
	ram = calloc(1, sizeof(*ram));
	if (!ram)
		return NULL;
	ram->name = name;
	ram->size = size;
	ram->id = b->next_ram_id++;
	ram->host = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (ram->host == MAP_FAILED)
		goto fail;
	/* A core file of vmm is about vmm. It also keeps guest memory a mapping of its own, which
	 * tools can tell from the process's own memory (flag "dd" in smaps). */
	madvise(ram->host, size, MADV_DONTDUMP);
	if (flags & GM_RAM_DIRTY_LOG) {
		ram->dirty = calloc((size / PAGE + 63) / 64, sizeof(u64));
		if (!ram->dirty)
			goto fail_unmap;
	}
	ram->next = b->rams;
	b->rams = ram;
	return ram;

fail_unmap:
	munmap(ram->host, size);
fail:
	free(ram);
	return NULL;
}

struct gm_region *gm_ram_map(struct gm_bus *b, struct gm_ram *ram, u64 off, u64 gpa, u64 len,
			     int prio, bool readonly)
{
	struct gm_region *r;

	if ((off | gpa | len) % PAGE || off > ram->size || len > ram->size - off)
		return NULL;
	r = region_new(b, gpa, len, prio);
	if (!r)
		return NULL;
	r->ram = ram;
	r->ram_off = off;
	r->readonly = readonly;
	region_link(r);
	bus_changed(b);
	return r;
}

void gm_ram_remap(struct gm_region *r, struct gm_ram *ram, u64 off, bool readonly)
{
	if (off % PAGE || off > ram->size || r->len > ram->size - off)
		return;
	if (r->ram == ram && r->ram_off == off && r->readonly == readonly)
		return;
	r->ram = ram;
	r->ram_off = off;
	r->readonly = readonly;
	if (r->enabled)
		bus_changed(r->bus);
}

static void ram_mark_dirty(struct gm_ram *ram, u64 off, u64 len)
{
	u64 page;

	if (!ram->dirty || !len)
		return;
	for (page = off / PAGE; page <= (off + len - 1) / PAGE; page++)
		__atomic_or_fetch(&ram->dirty[page / 64], 1ULL << (page % 64), __ATOMIC_RELAXED);
	if (ram->dirtied)
		ram->dirtied(ram->dirtied_opaque);
}

bool gm_bus_tells(const struct gm_bus *b)
{
	return b->listener.tells || !b->listener.dirty_sync;
}

bool gm_ram_dirty_fetch(struct gm_bus *b, struct gm_ram *ram, u64 first, u64 npages, u64 *out)
{
	bool any = false;
	u64 i;

	memset(out, 0, (npages + 63) / 64 * sizeof(*out));
	if (!ram->dirty)
		return false;
	if (b->listener.dirty_sync)
		b->listener.dirty_sync(b->listener.opaque, ram, first, npages);
	for (i = 0; i < npages && first + i < ram->size / PAGE; i++) {
		u64 page = first + i, bit = 1ULL << (page % 64);

		if (!(__atomic_load_n(&ram->dirty[page / 64], __ATOMIC_RELAXED) & bit))
			continue;
		__atomic_and_fetch(&ram->dirty[page / 64], ~bit, __ATOMIC_RELAXED);
		out[i / 64] |= 1ULL << (i % 64);
		any = true;
	}
	return any;
}

/* ---- access ---- */

static u64 size_mask(unsigned int size)
{
	return size >= 8 ? UINT64_MAX : (1ULL << (8 * size)) - 1;
}

static unsigned int ops_max(const struct gm_region_ops *ops)
{
	return ops->max_size ? ops->max_size : 4;
}

static unsigned int ops_min(const struct gm_region_ops *ops)
{
	return ops->min_size ? ops->min_size : 1;
}

/* The largest piece of an access at off that the callbacks take. */
static unsigned int ops_piece(const struct gm_region_ops *ops, u64 off, unsigned int size)
{
	unsigned int piece = MIN(size, ops_max(ops));

	while (piece > 1 && (piece & (piece - 1) || (!ops->unaligned && off % piece)))
		piece--;
	return piece;
}

static u64 region_read(struct gm_region *r, u64 off, unsigned int size)
{
	const struct gm_region_ops *ops = r->ops;
	unsigned int done = 0, min = ops_min(ops);
	u64 val = 0;

	while (done < size) {
		unsigned int n = ops_piece(ops, off + done, size - done);
		u64 at = off + done, v;

		if (n < min) {
			v = ops->read(r->opaque, at & ~(u64)(min - 1), min) >> 8 * (at & (min - 1));
			n = MIN(size - done, min - (unsigned int)(at & (min - 1)));
		} else {
			v = ops->read(r->opaque, at, n);
		}
		val |= (v & size_mask(n)) << 8 * done;
		done += n;
	}
	return val;
}

static void region_write(struct gm_region *r, u64 off, unsigned int size, u64 val)
{
	const struct gm_region_ops *ops = r->ops;
	unsigned int done = 0, min = ops_min(ops);

	while (done < size) {
		unsigned int n = ops_piece(ops, off + done, size - done);
		u64 at = off + done, v = val >> 8 * done;

		if (n < min) {
			u64 word = at & ~(u64)(min - 1), shift = 8 * (at & (min - 1)), mask;

			n = MIN(size - done, min - (unsigned int)(at & (min - 1)));
			mask = size_mask(n) << shift;
			v = (ops->read(r->opaque, word, min) & ~mask) | (v << shift & mask);
			ops->write(r->opaque, word, min, v);
		} else {
			ops->write(r->opaque, at, n, v & size_mask(n));
		}
		done += n;
	}
}

u64 gm_bus_read(struct gm_bus *b, u64 addr, unsigned int size)
{
	u64 val = 0;
	unsigned int done = 0;

	while (done < size) {
		u64 at = (addr + done) & (b->limit - 1);
		const struct gm_flat *f = gm_bus_lookup(b, at);
		unsigned int n = size - done;
		u64 v = UINT64_MAX;

		if (!f) {
			n = 1;
		} else {
			n = (unsigned int)MIN((u64)n, f->end - at);
			if (f->ram)
				memcpy(&v, f->ram->host + f->ram_off + (at - f->start), n);
			else
				v = region_read(f->region, at - f->region->base, n);
			if (__builtin_expect(b->trace && !f->ram, 0))
				trace_access(b, f->region, at, n, v & size_mask(n), false);
		}
		val |= (v & size_mask(n)) << 8 * done;
		done += n;
	}
	return val;
}

void gm_bus_write(struct gm_bus *b, u64 addr, unsigned int size, u64 val)
{
	unsigned int done = 0;

	while (done < size) {
		u64 at = (addr + done) & (b->limit - 1);
		const struct gm_flat *f = gm_bus_lookup(b, at);
		u64 v = val >> 8 * done;
		unsigned int n = size - done;

		if (!f) {
			n = 1;
		} else if (f->ram) {
			n = (unsigned int)MIN((u64)n, f->end - at);
			gm_dma_write(b, at, &v, n);
		} else {
			n = (unsigned int)MIN((u64)n, f->end - at);
			if (__builtin_expect(b->trace != NULL, 0))
				trace_access(b, f->region, at, n, v & size_mask(n), true);
			region_write(f->region, at - f->region->base, n, v & size_mask(n));
		}
		done += n;
	}
}

/* What DMA may touch of device registers in one call: a guest can aim it there, nobody sane does. */
#define DMA_MMIO_MAX 4096

/* How much of len bytes at gpa lies in one gap between regions, or in the region there. */
static size_t dma_skip(struct gm_bus *b, u64 gpa, size_t len)
{
	const struct gm_flat *f = gm_bus_lookup(b, gpa);
	size_t i;

	if (f)
		return MIN((u64)len, f->end - gpa);
	for (i = 0; i < b->nflat; i++)
		if (b->flat[i].start > gpa)
			return MIN((u64)len, b->flat[i].start - gpa);
	return len;
}

void gm_dma_read(struct gm_bus *b, u64 gpa, void *buf, size_t len)
{
	u8 *p = buf;
	size_t mmio = 0;

	while (len) {
		size_t n = len;
		void *host = gm_dma_map(b, gpa, &n, false);

		if (host) {
			memcpy(p, host, n);
		} else if (gm_bus_lookup(b, gpa) && mmio++ < DMA_MMIO_MAX) {
			n = 1;
			*p = (u8)gm_bus_read(b, gpa, 1);
		} else {
			n = dma_skip(b, gpa, len);
			memset(p, 0xff, n);
		}
		p += n;
		gpa += n;
		len -= n;
	}
}

void gm_dma_write(struct gm_bus *b, u64 gpa, const void *buf, size_t len)
{
	const u8 *p = buf;
	size_t mmio = 0;

	while (len) {
		const struct gm_flat *f = gm_bus_lookup(b, gpa);
		size_t n;

		if (f && f->ram) {
			n = MIN((u64)len, f->end - gpa);
			if (!f->readonly) {
				memcpy(f->ram->host + f->ram_off + (gpa - f->start), p, n);
				gm_dma_dirty(b, gpa, n);
			}
		} else if (f && mmio++ < DMA_MMIO_MAX) {
			n = 1;
			region_write(f->region, gpa - f->region->base, 1, *p);
		} else {
			n = dma_skip(b, gpa, len);
		}
		p += n;
		gpa += n;
		len -= n;
	}
}

void *gm_dma_map(struct gm_bus *b, u64 gpa, size_t *len, bool write)
{
	const struct gm_flat *f = gm_bus_lookup(b, gpa);

	if (!f || !f->ram || (write && f->readonly))
		return NULL;
	*len = MIN((u64)*len, f->end - gpa);
	return f->ram->host + f->ram_off + (gpa - f->start);
}

void gm_dma_dirty(struct gm_bus *b, u64 gpa, size_t len)
{
	if (b->listener.written)
		b->listener.written(b->listener.opaque, gpa, len);
	while (len) {
		const struct gm_flat *f = gm_bus_lookup(b, gpa);
		size_t n;

		if (!f)
			return;
		n = MIN((u64)len, f->end - gpa);
		if (f->ram)
			ram_mark_dirty(f->ram, f->ram_off + (gpa - f->start), n);
		gpa += n;
		len -= n;
	}
}
