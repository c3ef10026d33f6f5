/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two address spaces of the machine: guest-physical memory and I/O ports.
 *
 * A bus holds regions (device registers, with callbacks) and, for memory, windows onto RAM
 * blocks. Where several overlap, the highest priority is seen. The resulting flat view is
 * recomputed at every change and told to listeners (the accelerators).
 */
#ifndef VMM_BUS_H
#define VMM_BUS_H

#include "vmm/types.h"

struct gm_bus;
struct gm_region;

struct gm_region_ops {
	const char *name;
	/* off is relative to the region's base; size is 1, 2, 4 or 8 within min..max below, and
	 * off is a multiple of it. Machine lock held. */
	u64 (*read)(void *opaque, u64 off, unsigned int size);
	void (*write)(void *opaque, u64 off, unsigned int size, u64 val);
	/* Access sizes that the callbacks take (default 1 and 4 for 0). The bus splits larger
	 * accesses and widens smaller reads; smaller writes than min are widened by
	 * read-modify-write. A callback sees only aligned accesses unless `unaligned`. */
	u8 min_size, max_size;
	bool unaligned;
};

/* Priorities of what may overlap. */
enum {
	GM_PRIO_RAM = 0,   /* main memory */
	GM_PRIO_PCI = 1,   /* BARs: above holes, and seen before RAM where a guest maps them so */
	GM_PRIO_FIXED = 2, /* chipset registers, legacy VGA window, APICs */
	GM_PRIO_SHADOW = 3,/* PAM and SMRAM overrides */
};

#define GM_BUS_MEM 0
#define GM_BUS_PIO 1
struct gm_bus *gm_bus_new(int kind);
void gm_bus_free(struct gm_bus *b);

/* Adds device registers at [base, base + len). opaque goes to the callbacks. The region is
 * enabled. NULL when out of memory or the range wraps. Machine lock held (all functions). */
struct gm_region *gm_region_add(struct gm_bus *b, u64 base, u64 len,
				const struct gm_region_ops *ops, void *opaque);
struct gm_region *gm_region_add_prio(struct gm_bus *b, u64 base, u64 len, int prio,
				     const struct gm_region_ops *ops, void *opaque);
void gm_region_enable(struct gm_region *r, bool on);
/* Moves it; has no effect on whether it is enabled. */
void gm_region_move(struct gm_region *r, u64 base);
void gm_region_remove(struct gm_region *r);

/* ---- RAM ---- */

/* A block of host memory that can be seen through windows of a memory bus. */
struct gm_ram {
	const char *name;
	u8 *host;     /* page-aligned */
	u64 size;     /* bytes, a multiple of 4096 */
	u64 *dirty;   /* one bit a page, when dirty logging is on; atomic access */
	bool readonly_backing;
	/* Told of writes that set dirty bits: of those by devices and through registers always, of
	 * vCPUs' as gm_bus_listener.tells says. May be NULL. Machine lock held. */
	void (*dirtied)(void *opaque);
	void *dirtied_opaque;
	struct gm_ram *next;
	u32 id;
};

#define GM_RAM_DIRTY_LOG 1 /* keep a dirty bitmap (frame buffers) */
/* Allocates zeroed memory lazily (untouched pages cost nothing). NULL when out of memory. */
struct gm_ram *gm_ram_new(struct gm_bus *b, const char *name, u64 size, int flags);
/* A window of `len` bytes at `gpa` onto ram[off..]. readonly: guest writes are dropped. All
 * page-aligned. Starts enabled; enable/move/remove as any region. */
struct gm_region *gm_ram_map(struct gm_bus *b, struct gm_ram *ram, u64 off, u64 gpa, u64 len,
			     int prio, bool readonly);
/* Changes what a window shows: ram offset and writability (PAM, SMRAM, VGA banks). */
void gm_ram_remap(struct gm_region *r, struct gm_ram *ram, u64 off, bool readonly);
/* Copies the dirty bits of pages [first, first + npages) of ram into out (a bit a page, from
 * bit 0) and clears them. Returns true if any was set. Guest writes after the call set them
 * again. */
bool gm_ram_dirty_fetch(struct gm_bus *b, struct gm_ram *ram, u64 first, u64 npages, u64 *out);

/* ---- access (by vCPUs and by devices' DMA) ---- */

/* One access of 1, 2, 4 or 8 bytes, any alignment, as a CPU does it. Unmapped reads give all
 * ones, writes to read-only RAM or nothing are dropped. Machine lock held. */
u64 gm_bus_read(struct gm_bus *b, u64 addr, unsigned int size);
void gm_bus_write(struct gm_bus *b, u64 addr, unsigned int size, u64 val);

/* DMA: copies any length; what is not RAM goes to the regions byte by byte (at most 4096 bytes
 * of it a call). Marks pages dirty and tells the accelerator that code may have changed. */
void gm_dma_read(struct gm_bus *b, u64 gpa, void *buf, size_t len);
void gm_dma_write(struct gm_bus *b, u64 gpa, const void *buf, size_t len);
/* Host address of a RAM range for zero-copy transfers; *len is cut to what is contiguous. NULL
 * where there is no (writable, if `write`) RAM. After writing through it call gm_dma_dirty(). The
 * pointer stays valid until the machine is freed. */
void *gm_dma_map(struct gm_bus *b, u64 gpa, size_t *len, bool write);
void gm_dma_dirty(struct gm_bus *b, u64 gpa, size_t len);

/* ---- the flat view (accelerators) ---- */

struct gm_flat {
	u64 start, end;           /* [start, end) */
	struct gm_ram *ram;       /* or NULL: device registers */
	u64 ram_off;
	bool readonly;
	struct gm_region *region;
};
/* The entry that covers addr, or NULL. Machine lock held; take a copy of what is to last. */
const struct gm_flat *gm_bus_lookup(struct gm_bus *b, u64 addr);
/* The whole view, sorted; *n entries. Valid until the next change. */
const struct gm_flat *gm_bus_flat(struct gm_bus *b, size_t *n);

struct gm_bus_listener {
	/* The flat view changed (new one already in force). Machine lock held. */
	void (*changed)(void *opaque);
	/* RAM at [gpa, gpa + len) was written by other than a vCPU. Any thread. */
	void (*written)(void *opaque, u64 gpa, u64 len);
	/* Dirty bits of `ram` from page first on are about to be fetched and cleared: make sure
	 * later guest writes set them again, and set those that hardware knows of. */
	void (*dirty_sync)(void *opaque, struct gm_ram *ram, u64 first, u64 npages);
	/* A vCPU's first write to a page behind two fetches that found it clean is told to
	 * gm_ram.dirtied; else such writes are found by fetching only. */
	bool tells;
	void *opaque;
};
void gm_bus_set_listener(struct gm_bus *b, const struct gm_bus_listener *l);
/* Whether gm_ram.dirtied hears of every write. */
bool gm_bus_tells(const struct gm_bus *b);

/* Register accesses are told to gm_trace_put() of this machine; NULL ends that. */
struct gm_machine;
void gm_bus_set_trace(struct gm_bus *b, struct gm_machine *m);

/* The regions, for introspection: calls fn for each flat entry. */
void gm_bus_dump(struct gm_bus *b, void (*fn)(void *opaque, const struct gm_flat *f,
					      const char *name), void *opaque);

#endif
