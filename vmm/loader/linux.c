/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Linux kernels: setup header of protocol 2.00 to 2.15, entered through its real-mode setup code
 * or at the 32-bit or 64-bit entry point.
 * Source: Linux, Documentation/x86/boot.rst ("The Linux/x86 Boot Protocol") and zero-page.rst.
 */
#include <errno.h>
#include <stdlib.h>

#include "vmm/loader/plan.h"

/* Setup header; offsets in the file and in struct boot_params alike. */
#define HDR_SETUP_SECTS  0x1f1
#define HDR_VID_MODE     0x1fa
#define HDR_BOOT_FLAG    0x1fe
#define HDR_JUMP         0x201 /* header ends at 202h + this byte */
#define HDR_MAGIC        0x202
#define HDR_VERSION      0x206
#define HDR_LOADER       0x210
#define HDR_LOADFLAGS    0x211
#define HDR_CODE32       0x214
#define HDR_RAMDISK      0x218
#define HDR_RAMDISK_SIZE 0x21c
#define HDR_HEAP_END     0x224
#define HDR_CMDLINE      0x228
#define HDR_INITRD_MAX   0x22c
#define HDR_RELOCATABLE  0x234
#define HDR_XLOADFLAGS   0x236
#define HDR_CMDLINE_SIZE 0x238
#define HDR_PREF_ADDRESS 0x258
#define HDR_INIT_SIZE    0x260
#define HDR_END_MAX      0x290
#define HDR_MIN          0x230 /* what must be there to be read at all */

#define LOADED_HIGH      0x01
#define CAN_USE_HEAP     0x80
#define XLF_KERNEL_64    0x01
#define LOADER_UNKNOWN   0xff

/* struct boot_params */
#define BP_SIZE          0x1000
#define BP_CURSOR        0x000
#define BP_SCREEN_MODE   0x006
#define BP_SCREEN_COLS   0x007
#define BP_SCREEN_LINES  0x00e
#define BP_SCREEN_VGA    0x00f
#define BP_SCREEN_POINTS 0x010
#define BP_RSDP          0x070
#define BP_E820_COUNT    0x1e8
#define BP_HEADER        0x1f1
#define BP_E820          0x2d0
#define BP_E820_MAX      128

#define SETUP_ADDR       0x10000 /* of a bzImage's setup code */
#define SETUP_OLD_ADDR   0x90000 /* of a zImage's: it is not relocatable */
#define SETUP_STACK      0xe000
#define LOW_ADDR         0x1e000 /* right above the stack: old protocols want it in the segment */
#define LOW_OLD_ADDR     0x9a000
#define KERNEL_OLD_ADDR  0x10000
#define KERNEL_ADDR      0x100000
#define INITRD_MAX       0x37ffffff
#define CMDLINE_MAX      255
#define PAGE             4096u

struct linux_image {
	const u8 *hdr;    /* start of the file */
	u32 len;
	u16 version;
	u32 setup_len;
	bool high;        /* a bzImage */
	u32 cmdline_max;
	u32 initrd_max;
	u64 kernel_dest, kernel_end; /* end: with what the running kernel needs at first */
};

static int linux_parse(struct plan *p, const struct plan_file *k, struct linux_image *im)
{
	const u8 *h = k->data;
	u64 pref, size;

	if (k->len < HDR_MIN || le16(h + HDR_BOOT_FLAG) != 0xaa55 ||
	    memcmp(h + HDR_MAGIC, "HdrS", 4))
		return -ENOEXEC;
	im->hdr = h;
	im->len = k->len;
	im->version = le16(h + HDR_VERSION);
	if (im->version < 0x200)
		return plan_fail(p, -EINVAL, "its boot protocol is older than 2.00");
	im->setup_len = ((h[HDR_SETUP_SECTS] ? h[HDR_SETUP_SECTS] : 4) + 1) * 512u;
	if (im->setup_len >= k->len || k->len < HDR_END_MAX)
		return plan_fail(p, -EINVAL, "truncated: the file ends within the setup code");
	if (im->setup_len > SETUP_STACK - 0x1000)
		return plan_fail(p, -EINVAL, "its setup code is too large");
	im->high = h[HDR_LOADFLAGS] & LOADED_HIGH;
	im->cmdline_max = im->version >= 0x206 ? le32(h + HDR_CMDLINE_SIZE) : CMDLINE_MAX;
	im->initrd_max = im->version >= 0x203 ? le32(h + HDR_INITRD_MAX) : INITRD_MAX;
	im->kernel_dest = im->high ? KERNEL_ADDR : KERNEL_OLD_ADDR;
	im->kernel_end = im->kernel_dest + (k->len - im->setup_len);
	if (im->high && im->version >= 0x20a) {
		pref = le64(h + HDR_PREF_ADDRESS);
		size = le32(h + HDR_INIT_SIZE);
		if (pref > UINT32_MAX)
			return plan_fail(p, -EINVAL, "its preferred address is beyond 4 GiB");
		im->kernel_end = MAX(im->kernel_end, MAX(pref, im->kernel_dest) + size);
	}
	if (im->high && im->kernel_end > p->ram_top)
		return plan_fail(p, -E2BIG, "too big for memory: it needs %llu MiB",
				 (unsigned long long)((im->kernel_end + PLAN_TOP_RESERVED + MiB - 1) /
						      MiB));
	return 0;
}

/* The highest place that kernel and memory allow: above what the kernel uses at first. */
static int linux_initrd(struct plan *p, const struct gm_boot_cfg *cfg, struct linux_image *im,
			u8 *hdr)
{
	struct plan_file *f;
	u64 top, at;
	int rc;

	if (!cfg->initrd)
		return 0;
	p->err[0] = 0;
	rc = plan_open(p, cfg->initrd, "initrd", &f);
	if (rc)
		return rc;
	top = MIN(p->ram_top, (u64)im->initrd_max + 1);
	at = f->len < top ? (top - f->len) & ~(u64)(PAGE - 1) : 0;
	if (at < MAX(im->kernel_end, (u64)PLAN_HIGH_MIN))
		return plan_fail(p, -E2BIG, "initrd %s: too big for memory: %u KiB", cfg->initrd,
				 f->len / 1024);
	rc = plan_add_file(p, "the initrd", at, f);
	hdr[HDR_RAMDISK] = (u8)at;
	hdr[HDR_RAMDISK + 1] = (u8)(at >> 8);
	hdr[HDR_RAMDISK + 2] = (u8)(at >> 16);
	hdr[HDR_RAMDISK + 3] = (u8)(at >> 24);
	hdr[HDR_RAMDISK_SIZE] = (u8)f->len;
	hdr[HDR_RAMDISK_SIZE + 1] = (u8)(f->len >> 8);
	hdr[HDR_RAMDISK_SIZE + 2] = (u8)(f->len >> 16);
	hdr[HDR_RAMDISK_SIZE + 3] = (u8)(f->len >> 24);
	return rc;
}

/* The boot loader, not the kernel, understands "vga=". */
static void linux_video_mode(const char *cmdline, u8 *hdr)
{
	static const struct {
		const char *name;
		u16 mode;
	} names[] = {{"normal", 0xffff}, {"ext", 0xfffe}, {"ask", 0xfffd}};
	const char *v = cmdline;
	unsigned long mode = 0xffff;
	unsigned int i;

	while ((v = strstr(v, "vga="))) {
		if (v == cmdline || v[-1] == ' ')
			break;
		v += 4;
	}
	if (v) {
		mode = strtoul(v + 4, NULL, 0);
		for (i = 0; i < ARRAY_SIZE(names); i++)
			if (!strncmp(v + 4, names[i].name, strlen(names[i].name)))
				mode = names[i].mode;
	}
	hdr[HDR_VID_MODE] = (u8)mode;
	hdr[HDR_VID_MODE + 1] = (u8)(mode >> 8);
}

static int linux_cmdline(struct plan *p, const struct gm_boot_cfg *cfg, const struct linux_image *im,
			 u8 *hdr)
{
	const char *s = cfg->append ? cfg->append : "";
	size_t len = strlen(s);
	u32 at;

	if (len > im->cmdline_max || len > 0xffff)
		return plan_fail(p, -E2BIG, "the command line has %zu bytes, this kernel takes %u",
				 len, im->cmdline_max);
	at = plan_low_string(p, s);
	linux_video_mode(s, hdr);
	if (im->version >= 0x202) {
		hdr[HDR_CMDLINE] = (u8)at;
		hdr[HDR_CMDLINE + 1] = (u8)(at >> 8);
		hdr[HDR_CMDLINE + 2] = (u8)(at >> 16);
		hdr[HDR_CMDLINE + 3] = (u8)(at >> 24);
	} else {
		u32 off = at - (u32)p->real_seg * 16;

		hdr[0x20] = 0x3f; /* magic A33Fh, then the offset from the setup code */
		hdr[0x21] = 0xa3;
		hdr[0x22] = (u8)off;
		hdr[0x23] = (u8)(off >> 8);
	}
	return 0;
}

/* A copy of the setup code whose header we may write to; the plan owns it. */
static u8 *linux_setup_copy(struct plan *p, const struct linux_image *im)
{
	struct plan_file *f = &p->files[p->nfiles];

	if (p->nfiles == PLAN_FILES_MAX)
		return NULL;
	f->data = malloc(im->setup_len);
	if (!f->data)
		return NULL;
	p->nfiles++;
	f->fd = -1;
	f->len = im->setup_len;
	memcpy(f->data, im->hdr, im->setup_len);
	return f->data;
}

static int linux_fill_header(struct plan *p, const struct gm_boot_cfg *cfg, struct linux_image *im,
			     u8 *hdr)
{
	int rc;

	hdr[HDR_LOADER] = LOADER_UNKNOWN;
	if (im->version >= 0x201) {
		hdr[HDR_LOADFLAGS] |= CAN_USE_HEAP;
		hdr[HDR_HEAP_END] = (u8)(SETUP_STACK - 0x200);
		hdr[HDR_HEAP_END + 1] = (SETUP_STACK - 0x200) >> 8;
	}
	rc = linux_cmdline(p, cfg, im, hdr);
	return rc ? rc : linux_initrd(p, cfg, im, hdr);
}

static int linux_entry16(struct plan *p, const struct gm_boot_cfg *cfg, struct linux_image *im)
{
	u32 at = im->high ? SETUP_ADDR : SETUP_OLD_ADDR;
	u8 *setup = linux_setup_copy(p, im);
	int rc;

	if (!setup)
		return plan_fail(p, -ENOMEM, "out of memory");
	p->mode = PLAN_REAL;
	p->real_seg = (u16)(at >> 4);
	p->real_sp = im->high ? SETUP_STACK : 0x9ff0;
	p->low_base = im->high ? LOW_ADDR : LOW_OLD_ADDR;
	rc = plan_add(p, "the setup code", at, setup, im->setup_len, im->setup_len);
	return rc ? rc : linux_fill_header(p, cfg, im, setup);
}

/* The 32-bit and 64-bit entries: we do what the setup code would, as far as it is asked for. */
static int linux_entry_flat(struct plan *p, const struct gm_boot_cfg *cfg, struct linux_image *im,
			    bool wide)
{
	u8 *setup = linux_setup_copy(p, im);
	u32 end, bp;
	int rc;

	if (!setup)
		return plan_fail(p, -ENOMEM, "out of memory");
	if (!im->high || im->version < 0x202)
		return plan_fail(p, -EINVAL, "it is too old for the 32-bit entry");
	if (wide && (im->version < 0x20c || !(le16(im->hdr + HDR_XLOADFLAGS) & XLF_KERNEL_64)))
		return plan_fail(p, -EINVAL, "it has no 64-bit entry");
	p->low_base = LOW_ADDR;
	bp = gm_blob_add(&p->low, NULL, BP_SIZE);
	rc = linux_fill_header(p, cfg, im, setup);
	if (rc)
		return rc;
	end = MIN(0x202u + setup[HDR_JUMP], (u32)HDR_END_MAX);
	if (p->low.failed)
		return plan_fail(p, -ENOMEM, "out of memory");
	memcpy(p->low.data + bp + BP_HEADER, setup + BP_HEADER, end - BP_HEADER);
	gm_blob_put(&p->low, bp + BP_SCREEN_MODE, 3, 1);
	gm_blob_put(&p->low, bp + BP_SCREEN_COLS, 80, 1);
	gm_blob_put(&p->low, bp + BP_SCREEN_LINES, 25, 1);
	gm_blob_put(&p->low, bp + BP_SCREEN_VGA, 1, 1);
	gm_blob_put(&p->low, bp + BP_SCREEN_POINTS, 16, 2);
	p->esi = p->low_base + bp;
	p->cursor = p->esi + BP_CURSOR;
	p->rsdp = p->esi + BP_RSDP;
	p->map = p->esi + BP_E820;
	p->map_stride = 20;
	p->map_unit = 1;
	p->map_max = BP_E820_MAX;
	p->map_count = p->esi + BP_E820_COUNT;
	p->mode = wide ? PLAN_LONG : PLAN_PROTECTED;
	p->entry = (u32)im->kernel_dest + (wide ? 0x200 : 0);
	plan_gdt(p, wide);
	if (wide)
		plan_identity_map(p);
	return 0;
}

int plan_linux(struct plan *p, const struct gm_boot_cfg *cfg, const struct plan_file *k)
{
	struct linux_image im;
	int rc = linux_parse(p, k, &im);

	if (!rc)
		rc = plan_add(p, "the kernel", im.kernel_dest, k->data + im.setup_len,
			      k->len - im.setup_len, k->len - im.setup_len);
	if (rc)
		return rc;
	if (cfg->entry == GM_BOOT_LINUX32 || cfg->entry == GM_BOOT_LINUX64)
		return linux_entry_flat(p, cfg, &im, cfg->entry == GM_BOOT_LINUX64);
	return linux_entry16(p, cfg, &im);
}
