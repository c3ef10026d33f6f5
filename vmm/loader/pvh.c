/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF kernels with a PVH entry point in a Xen note: 32-bit protected mode, EBX = start info.
 * Source: Xen, docs/misc/pvh.pandoc and public/arch-x86/hvm/start_info.h (layout).
 */
#include <errno.h>

#include "vmm/loader/elf.h"

#define NOTE_PHYS32_ENTRY 18

#define START_MAGIC    0x336ec578
#define START_LEN      56
#define START_VERSION  4
#define START_NMODS    12
#define START_MODS     16
#define START_CMDLINE  24
#define START_RSDP     32
#define START_MAP      40
#define START_MAP_COUNT 48
#define MOD_LEN        32

#define LOW_BASE       0x80000
#define CMDLINE_MAX    2048
#define PAGE           4096u

static int pvh_module(struct plan *p, const struct gm_boot_cfg *cfg, u32 info)
{
	struct plan_file *f;
	u64 at;
	u32 mod;
	int rc;

	p->err[0] = 0;
	rc = plan_open(p, cfg->initrd, "initrd", &f);
	if (rc)
		return rc;
	/* At the top: a kernel may use what follows its segments before it looks at modules. */
	at = f->len < p->ram_top ? (p->ram_top - f->len) & ~(u64)(PAGE - 1) : 0;
	if (at < plan_end(p))
		return plan_fail(p, -E2BIG, "initrd %s: too big for memory: %u KiB", cfg->initrd,
				 f->len / 1024);
	rc = plan_add_file(p, "the initrd", at, f);
	gm_blob_align(&p->low, 8);
	mod = gm_blob_add(&p->low, NULL, MOD_LEN);
	gm_blob_put(&p->low, mod, at, 8);
	gm_blob_put(&p->low, mod + 8, f->len, 8);
	gm_blob_put(&p->low, info + START_NMODS, 1, 4);
	gm_blob_put(&p->low, info + START_MODS, p->low_base + mod, 8);
	return rc;
}

int plan_pvh(struct plan *p, const struct gm_boot_cfg *cfg, const struct plan_file *k)
{
	u64 entry, elf_entry;
	u32 info;
	int rc;

	if (!elf_note(k, "Xen", NOTE_PHYS32_ENTRY, &entry))
		return -ENOEXEC;
	if (entry > UINT32_MAX)
		return plan_fail(p, -EINVAL, "its PVH entry point is beyond 4 GiB");
	if (cfg->append && strlen(cfg->append) >= CMDLINE_MAX)
		return plan_fail(p, -E2BIG, "the command line is longer than %d bytes", CMDLINE_MAX);
	p->low_base = LOW_BASE;
	rc = elf_load(p, k, &elf_entry);
	if (rc)
		return rc;
	info = gm_blob_add(&p->low, NULL, START_LEN);
	gm_blob_put(&p->low, info, START_MAGIC, 4);
	gm_blob_put(&p->low, info + START_VERSION, 1, 4);
	gm_blob_put(&p->low, info + START_CMDLINE, plan_low_string(p, cfg->append ? cfg->append : ""),
		    8);
	plan_map_room(p, 24, 0, 1);
	gm_blob_put(&p->low, info + START_MAP, p->map, 8);
	p->map_count = p->low_base + info + START_MAP_COUNT;
	p->rsdp = p->low_base + info + START_RSDP;
	p->mode = PLAN_PROTECTED;
	p->entry = (u32)entry;
	p->ebx = p->low_base + info;
	plan_gdt(p, false);
	return cfg->initrd ? pvh_module(p, cfg, info) : 0;
}
