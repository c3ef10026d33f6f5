/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Multiboot 1 kernels: ELF files and flat images with addresses in their header.
 * Source: Multiboot Specification 0.6.96, section 3.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "vmm/loader/elf.h"

#define MB_SEARCH     8192
#define MB_MAGIC      0x1badb002
#define MB_LOADED     0x2badb002 /* in EAX */
#define MB_KNOWN      0x00010007 /* page-aligned modules, memory, video; addresses */
#define MB_REQUIRED   0x0000ffff
#define MB_ADDRESSES  0x00010000

/* Multiboot information */
#define MBI_LEN       120
#define MBI_FLAGS     0
#define MBI_MEM_LOWER 4
#define MBI_MEM_UPPER 8
#define MBI_CMDLINE   16
#define MBI_MODS      20
#define MBI_MODS_ADDR 24
#define MBI_MMAP_LEN  44
#define MBI_MMAP      48
#define MBI_LOADER    64
#define MBI_HAVE      (0x1 | 0x4 | 0x8 | 0x40 | 0x200)
#define MBI_MOD_LEN   16

#define LOW_BASE      0x80000
#define CMDLINE_MAX   4096
#define PAGE          4096u

/* Finds the header: -1 when there is none. */
static s64 multiboot_find(const struct plan_file *k)
{
	u32 end = MIN(k->len, (u32)MB_SEARCH), off;

	for (off = 0; off + 12 <= end; off += 4) {
		const u8 *h = k->data + off;

		if (le32(h) == MB_MAGIC && !(le32(h) + le32(h + 4) + le32(h + 8)))
			return off;
	}
	return -1;
}

/* Section 3.1.3: the address fields of the header. */
static int multiboot_load_flat(struct plan *p, const struct plan_file *k, u32 off, u64 *entry)
{
	const u8 *h = k->data + off;
	u32 header, load, load_end, bss_end, start, len;
	u64 mem;

	if (off + 32 > k->len)
		return plan_fail(p, -EINVAL, "truncated: the file ends within the header");
	header = le32(h + 12);
	load = le32(h + 16);
	load_end = le32(h + 20);
	bss_end = le32(h + 24);
	*entry = le32(h + 28);
	if (load > header || header - load > off)
		return plan_fail(p, -EINVAL, "its header's load address makes no sense");
	start = off - (header - load);
	len = k->len - start;
	if (load_end) {
		if (load_end < load || load_end - load > len)
			return plan_fail(p, -EINVAL, "truncated: it says it is %u KiB long",
					 (load_end - load) / 1024);
		len = load_end - load;
	}
	mem = len;
	if (bss_end) {
		if (bss_end < load || bss_end - load < len)
			return plan_fail(p, -EINVAL, "its header's end addresses make no sense");
		mem = bss_end - load;
	}
	return plan_add(p, "the kernel", load, k->data + start, len, mem);
}

/* One "file args" of the module list; the string passed on is all of it. */
static int multiboot_module(struct plan *p, const char *spec, size_t len, u32 mods, unsigned int n)
{
	struct plan_file *f;
	char *text = strndup(spec, len), *space;
	u64 at;
	u32 string;
	int rc;

	if (!text)
		return plan_fail(p, -ENOMEM, "out of memory");
	string = plan_low_string(p, text);
	space = strchr(text, ' ');
	if (space)
		*space = 0;
	p->err[0] = 0;
	rc = plan_open(p, text, "module", &f);
	if (!rc) {
		snprintf(p->err, p->errlen, "module %s: ", text);
		at = plan_end(p);
		rc = plan_add_file(p, "a module", at, f);
		gm_blob_put(&p->low, mods + MBI_MOD_LEN * n, at, 4);
		gm_blob_put(&p->low, mods + MBI_MOD_LEN * n + 4, at + f->len, 4);
		gm_blob_put(&p->low, mods + MBI_MOD_LEN * n + 8, string, 4);
	}
	free(text);
	return rc;
}

static int multiboot_modules(struct plan *p, const char *list, u32 mbi)
{
	const char *s = list;
	unsigned int n = 0, count = 1;
	u32 mods;
	int rc = 0;

	if (!list || !*list)
		return 0;
	while ((s = strchr(s, ','))) {
		s++;
		count++;
	}
	if (count >= PLAN_FILES_MAX)
		return plan_fail(p, -E2BIG, "too many modules");
	gm_blob_align(&p->low, 4);
	mods = gm_blob_add(&p->low, NULL, MBI_MOD_LEN * count);
	for (s = list; !rc && n < count; n++) {
		size_t len = strcspn(s, ",");

		rc = multiboot_module(p, s, len, mods, n);
		s += len + 1;
	}
	gm_blob_put(&p->low, mbi + MBI_MODS, count, 4);
	gm_blob_put(&p->low, mbi + MBI_MODS_ADDR, p->low_base + mods, 4);
	return rc;
}

/* Section 3.3. The upper memory told is what ends below the firmware's tables. */
static int multiboot_info(struct plan *p, const struct gm_boot_cfg *cfg)
{
	char line[CMDLINE_MAX];
	u32 mbi = gm_blob_add(&p->low, NULL, MBI_LEN);
	int n = snprintf(line, sizeof(line), "%s%s%s", cfg->kernel, cfg->append ? " " : "",
			 cfg->append ? cfg->append : "");

	if (n < 0 || (size_t)n >= sizeof(line))
		return plan_fail(p, -E2BIG, "the command line is longer than %d bytes", CMDLINE_MAX);
	gm_blob_put(&p->low, mbi + MBI_FLAGS, MBI_HAVE, 4);
	gm_blob_put(&p->low, mbi + MBI_MEM_LOWER, PLAN_LOW_MAX / 1024, 4);
	gm_blob_put(&p->low, mbi + MBI_MEM_UPPER, (p->ram_top - PLAN_HIGH_MIN) / 1024, 4);
	gm_blob_put(&p->low, mbi + MBI_CMDLINE, plan_low_string(p, line), 4);
	gm_blob_put(&p->low, mbi + MBI_LOADER, plan_low_string(p, "guestmode"), 4);
	plan_map_room(p, 24, 4, 24);
	gm_blob_put(&p->low, mbi + MBI_MMAP, p->map, 4);
	p->map_count = p->low_base + mbi + MBI_MMAP_LEN;
	p->ebx = p->low_base + mbi;
	return multiboot_modules(p, cfg->initrd, mbi);
}

int plan_multiboot(struct plan *p, const struct gm_boot_cfg *cfg, const struct plan_file *k)
{
	s64 off = multiboot_find(k);
	u64 entry;
	u32 flags;
	int rc;

	if (off < 0)
		return -ENOEXEC;
	flags = le32(k->data + off + 4);
	if (flags & MB_REQUIRED & ~MB_KNOWN)
		return plan_fail(p, -EINVAL, "it requires multiboot features 0x%x, which are not known",
				 flags & MB_REQUIRED & ~MB_KNOWN);
	p->low_base = LOW_BASE;
	if (flags & MB_ADDRESSES)
		rc = multiboot_load_flat(p, k, (u32)off, &entry);
	else if (elf_is(k->data, k->len))
		rc = elf_load(p, k, &entry);
	else
		rc = plan_fail(p, -EINVAL, "a multiboot header without addresses, but no ELF file");
	if (!rc && entry > UINT32_MAX)
		rc = plan_fail(p, -EINVAL, "its entry point is beyond 4 GiB");
	if (rc)
		return rc;
	p->mode = PLAN_PROTECTED;
	p->entry = (u32)entry;
	p->eax = MB_LOADED;
	rc = multiboot_info(p, cfg);
	plan_gdt(p, false);
	return rc;
}
