/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A boot plan: which bytes go where in guest memory, and how the kernel is entered. The loaders
 * of the kernel formats make one, plan.c turns it into fw_cfg items and a boot ROM.
 */
#ifndef VMM_LOADER_PLAN_H
#define VMM_LOADER_PLAN_H

#include "vmm/firmware/tables.h"
#include "vmm/loader/boot.h"

#define PLAN_SEGS_MAX 40
#define PLAN_FILES_MAX 32

/* Low memory that a kernel's pieces may use: the boot ROM works below, the EBDA lies above. */
#define PLAN_LOW_MIN  0x8000
#define PLAN_LOW_MAX  0x9f000
#define PLAN_HIGH_MIN 0x100000
/* What the firmware keeps at the top of memory below 4 GiB for its tables, generously. */
#define PLAN_TOP_RESERVED (2 * MiB)

enum plan_mode { PLAN_REAL, PLAN_PROTECTED, PLAN_LONG };

/* A file, or memory that the plan owns. fw_cfg takes the descriptor, or else the memory. */
struct plan_file {
	int fd;   /* -1: memory only */
	u8 *data; /* malloc()ed; NULL for a file nobody looks into */
	u32 len;
};

struct plan_seg {
	u64 dest;
	u32 mem_len;    /* beyond data_len it is filled with zeros */
	const u8 *data; /* inside one of the files' memory, or the blob's; NULL: `file` */
	const struct plan_file *file;
	u32 data_len;
};

struct plan {
	u64 ram_top; /* end of usable memory below 4 GiB */
	struct plan_file files[PLAN_FILES_MAX];
	unsigned int nfiles;
	struct plan_seg segs[PLAN_SEGS_MAX];
	unsigned int nsegs;
	/* Structures for the kernel, at `low_base` in guest memory. */
	struct gm_blob low;
	u32 low_base;

	enum plan_mode mode;
	u16 real_seg, real_sp;
	u32 entry, eax, ebx, esi;
	u32 gdt, cr3;                /* guest addresses in the blob */
	u32 map, map_count;          /* memory map: where entries and their count go; 0: none */
	u16 map_stride, map_prefix, map_max, map_unit;
	u32 rsdp, cursor;            /* 0: not wanted */

	char *err;
	size_t errlen;
};

/* Sets the message; returns rc. */
int plan_fail(struct plan *p, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Opens a file, which the plan then owns, for plan_add_file(). -errno. */
int plan_open(struct plan *p, const char *path, const char *what, struct plan_file **out);
/* The same, and its bytes can be looked at until the plan is carried out. */
int plan_read(struct plan *p, const char *path, const char *what, struct plan_file **out);

/* Checks that [dest, dest + mem_len) is memory a kernel may be put into and overlaps nothing
 * placed before; `what` names it in the message. -E2BIG, -EINVAL. */
int plan_add(struct plan *p, const char *what, u64 dest, const u8 *data, u32 data_len,
	     u64 mem_len);
/* The same with the whole of a file. */
int plan_add_file(struct plan *p, const char *what, u64 dest, const struct plan_file *f);
/* First address from `from` on where nothing placed before lies, page-aligned. */
u64 plan_end(const struct plan *p);

/* A descriptor table for flat 32-bit or 64-bit code (10h) and data (18h); sets p->gdt. */
void plan_gdt(struct plan *p, bool code64);
/* Page tables that map the first 4 GiB to themselves; sets p->cr3. */
void plan_identity_map(struct plan *p);
/* Room for the memory map in the blob. */
void plan_map_room(struct plan *p, u16 stride, u16 prefix, u16 unit);
/* Guest address of the blob's end; gm_blob_add() then puts something there. */
static inline u32 plan_low_here(const struct plan *p)
{
	return p->low_base + p->low.len;
}
u32 plan_low_string(struct plan *p, const char *s);

/* The kernel formats. -ENOEXEC: not this format (no message); other -errno with one. */
int plan_linux(struct plan *p, const struct gm_boot_cfg *cfg, const struct plan_file *k);
int plan_multiboot(struct plan *p, const struct gm_boot_cfg *cfg, const struct plan_file *k);
int plan_pvh(struct plan *p, const struct gm_boot_cfg *cfg, const struct plan_file *k);

/* Little-endian values out of a file. */
static inline u16 le16(const u8 *b)
{
	return (u16)(b[0] | b[1] << 8);
}

static inline u32 le32(const u8 *b)
{
	return le16(b) | (u32)le16(b + 2) << 16;
}

static inline u64 le64(const u8 *b)
{
	return le32(b) | (u64)le32(b + 4) << 32;
}

#endif
