/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Boot plans: placing the pieces of a kernel, and turning the plan into the boot ROM. The ROM's
 * plan is described in bios/bootrom.S; it ends up as an option ROM file in fw_cfg.
 */
#include "vmm/loader/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "devices/fw_cfg/fw_cfg.h"
#include "loader/bootrom.h"
#include "vmm/loader/bios.h"
#include "vmm/machine.h"

#define FILE_MAX_LEN  (2 * GiB)
#define PAGE          4096u
#define MAP_ENTRIES   64

/* Offsets in the ROM. */
#define ROM_SIZE      0x02
#define ROM_SUM       0x06
#define ROM_PNP       0x1a
#define ROM_NSEGS     0x40
#define ROM_MODE      0x42
#define ROM_SEG       0x44
#define ROM_SP        0x46
#define ROM_ENTRY     0x48
#define ROM_EAX       0x4c
#define ROM_EBX       0x50
#define ROM_ESI       0x54
#define ROM_GDTR      0x58
#define ROM_CR3       0x60
#define ROM_MAP       0x64
#define ROM_STRIDE    0x68
#define ROM_PREFIX    0x6a
#define ROM_MAX       0x6c
#define ROM_UNIT      0x6e
#define ROM_COUNT     0x70
#define ROM_RSDP      0x74
#define ROM_CURSOR    0x78
#define ROM_SEGS      0x80
#define PNP_LEN       32
#define PNP_SUM       9

#define DMA_CONTROL   0x0a /* select, read */
#define FW_KEY_FIRST  0x1000
#define GDT_LEN       32

int plan_fail(struct plan *p, int rc, const char *fmt, ...)
{
	size_t used = strlen(p->err);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->err + used, p->errlen - used, fmt, ap);
	va_end(ap);
	return rc;
}

int plan_open(struct plan *p, const char *path, const char *what, struct plan_file **out)
{
	struct plan_file *f = &p->files[p->nfiles];

	if (p->nfiles == PLAN_FILES_MAX)
		return plan_fail(p, -E2BIG, "too many modules");
	f->data = NULL;
	f->fd = gm_file_open(path, what, 1, FILE_MAX_LEN, &f->len, p->err, p->errlen);
	if (f->fd < 0)
		return f->fd;
	p->nfiles++;
	*out = f;
	return 0;
}

int plan_read(struct plan *p, const char *path, const char *what, struct plan_file **out)
{
	struct plan_file *f;
	int rc = plan_open(p, path, what, &f);

	if (rc)
		return rc;
	f->data = malloc(f->len);
	rc = f->data ? gm_file_read_all(f->fd, f->data, f->len) : -ENOMEM;
	if (rc)
		return plan_fail(p, rc, "%s %s: %s", what, path, strerror(-rc));
	*out = f;
	return 0;
}

/* ---- placing ---- */

static bool plan_overlaps(const struct plan *p, u64 dest, u64 len)
{
	unsigned int i;

	for (i = 0; i < p->nsegs; i++) {
		const struct plan_seg *s = &p->segs[i];

		if (dest < s->dest + s->mem_len && s->dest < dest + len)
			return true;
	}
	return false;
}

int plan_add(struct plan *p, const char *what, u64 dest, const u8 *data, u32 data_len, u64 mem_len)
{
	struct plan_seg *s = &p->segs[p->nsegs];

	if (!mem_len)
		return 0;
	if (p->nsegs == PLAN_SEGS_MAX)
		return plan_fail(p, -E2BIG, "too many segments");
	if (mem_len > UINT32_MAX || dest > UINT32_MAX ||
	    (dest >= PLAN_HIGH_MIN && dest + mem_len > p->ram_top))
		return plan_fail(p, -E2BIG, "too big for memory: %s of %llu KiB at 0x%llx", what,
				 (unsigned long long)(mem_len / KiB), (unsigned long long)dest);
	if (dest < PLAN_LOW_MIN || (dest < PLAN_HIGH_MIN && dest + mem_len > PLAN_LOW_MAX))
		return plan_fail(p, -EINVAL, "%s at 0x%llx is where the firmware is", what,
				 (unsigned long long)dest);
	if (plan_overlaps(p, dest, mem_len))
		return plan_fail(p, -EINVAL, "%s at 0x%llx overlaps another piece", what,
				 (unsigned long long)dest);
	s->dest = dest;
	s->mem_len = (u32)mem_len;
	s->data = data;
	s->file = NULL;
	s->data_len = data_len;
	p->nsegs++;
	return 0;
}

int plan_add_file(struct plan *p, const char *what, u64 dest, const struct plan_file *f)
{
	int rc = plan_add(p, what, dest, NULL, f->len, f->len);

	if (!rc)
		p->segs[p->nsegs - 1].file = f;
	return rc;
}

u64 plan_end(const struct plan *p)
{
	u64 end = PLAN_HIGH_MIN;
	unsigned int i;

	for (i = 0; i < p->nsegs; i++)
		end = MAX(end, p->segs[i].dest + p->segs[i].mem_len);
	return (end + PAGE - 1) & ~(u64)(PAGE - 1);
}

/* ---- structures in low memory ---- */

u32 plan_low_string(struct plan *p, const char *s)
{
	return p->low_base + gm_blob_add(&p->low, s, (u32)strlen(s) + 1);
}

/* Intel SDM volume 3, section 3.4.5: flat, 4 GiB, present, ring 0. */
void plan_gdt(struct plan *p, bool code64)
{
	gm_blob_align(&p->low, 16);
	p->gdt = plan_low_here(p);
	gm_blob_add(&p->low, NULL, 16);
	gm_blob_u64(&p->low, code64 ? 0x00af9b000000ffffULL : 0x00cf9b000000ffffULL);
	gm_blob_u64(&p->low, 0x00cf93000000ffffULL);
}

/* Intel SDM volume 3, section 4.5: one PML4 and one PDPT entry per level, pages of 2 MiB. */
void plan_identity_map(struct plan *p)
{
	u32 i, table;

	gm_blob_align(&p->low, PAGE);
	p->cr3 = plan_low_here(p);
	table = gm_blob_add(&p->low, NULL, 6 * PAGE);
	gm_blob_put(&p->low, table, (p->cr3 + PAGE) | 3, 8);
	for (i = 0; i < 4; i++)
		gm_blob_put(&p->low, table + PAGE + 8 * i, (p->cr3 + (2 + i) * PAGE) | 3, 8);
	for (i = 0; i < 4 * 512; i++)
		gm_blob_put(&p->low, table + 2 * PAGE + 8 * i, (u64)i << 21 | 0x83, 8);
}

void plan_map_room(struct plan *p, u16 stride, u16 prefix, u16 unit)
{
	gm_blob_align(&p->low, 16);
	p->map = plan_low_here(p);
	gm_blob_add(&p->low, NULL, MAP_ENTRIES * stride);
	p->map_stride = stride;
	p->map_prefix = prefix;
	p->map_unit = unit;
	p->map_max = MAP_ENTRIES;
}

/* ---- the ROM ---- */

static void put16(u8 *b, u16 v)
{
	b[0] = (u8)v;
	b[1] = (u8)(v >> 8);
}

static void put32(u8 *b, u32 v)
{
	put16(b, (u16)v);
	put16(b + 2, (u16)(v >> 16));
}

static void put_be32(u8 *b, u32 v)
{
	put32(b, __builtin_bswap32(v));
}

static u8 rom_sum(const u8 *b, u32 len)
{
	u8 sum = 0;

	while (len--)
		sum = (u8)(sum + *b++);
	return (u8)-sum;
}

static void rom_fill(const struct plan *p, u8 *rom, u32 len)
{
	u8 *pnp = rom + le16(rom + ROM_PNP);
	unsigned int i;

	rom[ROM_SIZE] = (u8)(len / 512);
	put16(rom + ROM_NSEGS, (u16)p->nsegs);
	rom[ROM_MODE] = (u8)p->mode;
	put16(rom + ROM_SEG, p->real_seg);
	put16(rom + ROM_SP, p->real_sp);
	put32(rom + ROM_ENTRY, p->entry);
	put32(rom + ROM_EAX, p->eax);
	put32(rom + ROM_EBX, p->ebx);
	put32(rom + ROM_ESI, p->esi);
	put16(rom + ROM_GDTR, GDT_LEN - 1);
	put32(rom + ROM_GDTR + 2, p->gdt);
	put32(rom + ROM_CR3, p->cr3);
	put32(rom + ROM_MAP, p->map);
	put16(rom + ROM_STRIDE, p->map_stride);
	put16(rom + ROM_PREFIX, p->map_prefix);
	put16(rom + ROM_MAX, p->map_max);
	put16(rom + ROM_UNIT, p->map_unit);
	put32(rom + ROM_COUNT, p->map_count);
	put32(rom + ROM_RSDP, p->rsdp);
	put32(rom + ROM_CURSOR, p->cursor);
	for (i = 0; i < p->nsegs; i++) {
		u8 *cmd = rom + ROM_SEGS + 16 * i;

		put_be32(cmd, (FW_KEY_FIRST + i) << 16 | DMA_CONTROL);
		put_be32(cmd + 4, p->segs[i].mem_len);
		put_be32(cmd + 8, 0);
		put_be32(cmd + 12, (u32)p->segs[i].dest);
	}
	pnp[PNP_SUM] = rom_sum(pnp, PNP_LEN);
	rom[ROM_SUM] = rom_sum(rom, len);
}

/* Bytes of a file are left there; what is not in a file stays in memory. */
static int plan_commit_seg(const struct plan *p, struct gm_dev *fw_cfg, unsigned int i)
{
	const struct plan_seg *s = &p->segs[i];
	const struct plan_file *f = s->file;
	u16 key = (u16)(FW_KEY_FIRST + i);
	unsigned int n;

	if (f)
		return gm_fw_cfg_add_fd(fw_cfg, key, f->fd, 0, s->data_len);
	for (n = 0; n < p->nfiles; n++) {
		f = &p->files[n];
		if (f->fd >= 0 && f->data && s->data >= f->data && s->data <= f->data + f->len)
			return gm_fw_cfg_add_fd(fw_cfg, key, f->fd, (u64)(s->data - f->data),
						s->data_len);
	}
	return gm_fw_cfg_add_slice(fw_cfg, key, s->data, s->data_len);
}

static int plan_commit_file(struct plan_file *f, struct gm_dev *fw_cfg)
{
	int rc = f->fd >= 0 ? gm_fw_cfg_give_fd(fw_cfg, f->fd) : gm_fw_cfg_give(fw_cfg, f->data);

	if (rc < 0)
		return rc;
	if (f->fd < 0)
		f->data = NULL;
	f->fd = -1;
	return 0;
}

static int plan_commit(struct plan *p, struct gm_dev *fw_cfg)
{
	u32 len = (sizeof(gm_bootrom) + 511) / 512 * 512;
	u8 *rom = calloc(1, len);
	unsigned int i;
	int rc = 0;

	if (!rom)
		return -ENOMEM;
	memcpy(rom, gm_bootrom, sizeof(gm_bootrom));
	rom_fill(p, rom, len);
	rc = gm_fw_cfg_add_file(fw_cfg, "genroms/" GM_BOOT_ROM_NAME, rom, len, 0);
	free(rom);
	for (i = 0; rc >= 0 && i < p->nsegs; i++)
		rc = plan_commit_seg(p, fw_cfg, i);
	for (i = 0; rc >= 0 && i < p->nfiles; i++)
		rc = plan_commit_file(&p->files[i], fw_cfg);
	if (rc >= 0 && p->low.data) {
		rc = gm_fw_cfg_give(fw_cfg, p->low.data);
		if (rc >= 0)
			p->low.data = NULL;
	}
	return rc < 0 ? rc : 0;
}

/* ---- choosing the format ---- */

static int plan_kernel(struct plan *p, const struct gm_boot_cfg *cfg, const struct plan_file *k)
{
	int rc = -ENOEXEC;

	switch (cfg->entry) {
	case GM_BOOT_LINUX16:
	case GM_BOOT_LINUX32:
	case GM_BOOT_LINUX64: rc = plan_linux(p, cfg, k); break;
	case GM_BOOT_MULTIBOOT: rc = plan_multiboot(p, cfg, k); break;
	case GM_BOOT_PVH: rc = plan_pvh(p, cfg, k); break;
	case GM_BOOT_AUTO:
		rc = plan_linux(p, cfg, k);
		if (rc == -ENOEXEC)
			rc = plan_pvh(p, cfg, k);
		if (rc == -ENOEXEC)
			rc = plan_multiboot(p, cfg, k);
		break;
	}
	if (rc == -ENOEXEC)
		plan_fail(p, rc, "%s", cfg->entry == GM_BOOT_AUTO
			  ? "not a kernel: no Linux bzImage, no ELF file with a PVH note, no multiboot 1 header"
			  : "not a kernel that can be entered in the way asked for");
	return rc;
}

bool gm_boot_entry_parse(const char *name, enum gm_boot_entry *out)
{
	static const char *const names[] = {"auto", "16", "32", "64", "multiboot", "pvh"};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(name, names[i]))
			continue;
		*out = (enum gm_boot_entry)i;
		return true;
	}
	return false;
}

int gm_boot_setup(struct gm_machine *m, struct gm_dev *fw_cfg, const struct gm_boot_cfg *cfg,
		  char *err, size_t errlen)
{
	struct plan p = {.err = err, .errlen = errlen};
	struct plan_file *k;
	unsigned int i;
	int rc;

	err[0] = 0;
	p.ram_top = m->ram_below_4g > 2 * PLAN_TOP_RESERVED ? m->ram_below_4g - PLAN_TOP_RESERVED
							    : PLAN_HIGH_MIN;
	rc = plan_read(&p, cfg->kernel, "kernel", &k);
	if (rc)
		goto out;
	snprintf(err, errlen, "kernel %s: ", cfg->kernel);
	rc = plan_kernel(&p, cfg, k);
	if (!rc && p.low.failed)
		rc = plan_fail(&p, -ENOMEM, "out of memory");
	if (!rc && p.low.len)
		rc = plan_add(&p, "boot information", p.low_base, p.low.data, p.low.len, p.low.len);
	if (rc)
		goto out;
	rc = plan_commit(&p, fw_cfg);
	if (rc)
		plan_fail(&p, rc, "%s", strerror(-rc));
out:
	for (i = 0; i < p.nfiles; i++) {
		free(p.files[i].data);
		if (p.files[i].fd >= 0)
			close(p.files[i].fd);
	}
	gm_blob_free(&p.low);
	if (!rc)
		err[0] = 0;
	return rc;
}
