// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kernel and firmware files, good and hostile: what the loaders make of them, and the one line
 * that they say. The files are made here, byte by byte, from the formats' documents.
 */
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "devices/fw_cfg/fw_cfg.h"
#include "test/unit/lib/fake_board.h"
#include "vmm/loader/bios.h"
#include "vmm/loader/plan.h"

#define RAM (16 * MiB)
#define ROM_PLAN 0x40

static u8 image[64 * KiB];
static u32 image_len;
static char kernel_path[64], initrd_path[64], err[512];
static struct gm_dev *fw;

static void put(u32 off, u64 v, unsigned int size)
{
	for (unsigned int i = 0; i < size; i++)
		image[off + i] = (u8)(v >> 8 * i);
}

static void write_file(char *path, const void *data, size_t len)
{
	int fd;

	strcpy(path, "/tmp/gm-test-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
	close(fd);
}

/* ---- images ---- */

/* A bzImage of protocol 2.15: 4 sectors of setup, 8 KiB of kernel. */
static void make_linux(void)
{
	memset(image, 0, sizeof(image));
	image_len = 5 * 512 + 8192;
	memset(image + 5 * 512, 0x90, 8192);
	put(0x1f1, 4, 1);
	put(0x1fe, 0xaa55, 2);
	put(0x201, 0x66, 1);
	memcpy(image + 0x202, "HdrS", 4);
	put(0x206, 0x20f, 2);
	put(0x211, 1, 1);
	put(0x214, 0x100000, 4);
	put(0x22c, 0x7fffffff, 4);
	put(0x234, 1, 1);
	put(0x236, 1, 2);
	put(0x238, 64, 4);
	put(0x258, 0x200000, 8);
	put(0x260, 0x100000, 4);
}

/* A flat multiboot image at 1 MiB, header at 16, entry 100040h, bss up to 104000h. */
static void make_multiboot(void)
{
	memset(image, 0, sizeof(image));
	image_len = 4096;
	put(16, 0x1badb002, 4);
	put(20, 0x10003, 4);
	put(24, -(0x1badb002u + 0x10003u), 4);
	put(28, 0x100010, 4);
	put(32, 0x100000, 4);
	put(36, 0x101000, 4);
	put(40, 0x104000, 4);
	put(44, 0x100040, 4);
}

/* ELF32: one segment of 4 KiB at 1 MiB, and a note segment with Xen's entry at 100080h. */
static void make_elf(void)
{
	Elf32_Ehdr *eh = (Elf32_Ehdr *)image;
	Elf32_Phdr *ph = (Elf32_Phdr *)(image + 64);

	memset(image, 0, sizeof(image));
	image_len = 8192;
	memcpy(eh->e_ident, ELFMAG "\1\1\1", 7);
	eh->e_type = ET_EXEC;
	eh->e_machine = EM_386;
	eh->e_version = 1;
	eh->e_entry = 0xc0100040;
	eh->e_phoff = 64;
	eh->e_ehsize = sizeof(*eh);
	eh->e_phentsize = sizeof(*ph);
	eh->e_phnum = 2;
	ph[0] = (Elf32_Phdr){.p_type = PT_LOAD, .p_offset = 4096, .p_vaddr = 0xc0100000,
			     .p_paddr = 0x100000, .p_filesz = 4096, .p_memsz = 0x3000, .p_align = 4};
	ph[1] = (Elf32_Phdr){.p_type = PT_NOTE, .p_offset = 256, .p_filesz = 20, .p_align = 4};
	put(256, 4, 4);
	put(260, 4, 4);
	put(264, 18, 4);
	memcpy(image + 268, "Xen", 4);
	put(272, 0x100080, 4);
}

/* The same with a multiboot header instead of the note. */
static void make_elf_multiboot(void)
{
	make_elf();
	put(44, 1, 2); /* e_phnum */
	put(4096, 0x1badb002, 4);
	put(4100, 3, 4);
	put(4104, -(0x1badb002u + 3u), 4);
}

static void make_junk(void)
{
	memset(image, 0x42, sizeof(image));
	image_len = 4096;
}

static int load_at(u64 ram, const char *initrd, const char *append, enum gm_boot_entry entry)
{
	struct gm_boot_cfg cfg = {.initrd = initrd, .append = append, .entry = entry};
	int rc;

	board_new(RAM);
	m->ram_below_4g = ram;
	fw = fake_device(m, &gm_fw_cfg_class, NULL);
	write_file(kernel_path, image, image_len);
	cfg.kernel = kernel_path;
	rc = gm_boot_setup(m, fw, &cfg, err, sizeof(err));
	unlink(kernel_path);
	return rc;
}

static int load(const char *append, enum gm_boot_entry entry)
{
	return load_at(RAM, NULL, append, entry);
}

/* ---- the boot ROM, as it was put into fw_cfg ---- */

static const u8 *rom_file(void)
{
	u32 len, i;
	const u8 *r = gm_fw_cfg_find(fw, "genroms/" GM_BOOT_ROM_NAME, &len);
	const u8 *pnp;
	u8 s = 0;

	ck_assert_ptr_nonnull(r);
	ck_assert_ptr_null(gm_optrom_check(r, len));
	ck_assert_uint_eq(r[2] * 512u, len);
	pnp = r + le16(r + 0x1a);
	ck_assert_int_eq(memcmp(pnp, "$PnP", 4), 0);
	for (i = 0; i < 32; i++)
		s = (u8)(s + pnp[i]);
	ck_assert_uint_eq(s, 0);
	ck_assert_uint_ne(le16(pnp + 0x1a), 0);
	return r;
}

/* Carries out the ROM's DMA commands with the real device. */
static const u8 *boot(void)
{
	const u8 *r = rom_file();
	unsigned int i;

	for (i = 0; i < le16(r + ROM_PLAN); i++) {
		memcpy(m->ram->host + 0x7000, r + 0x80 + 16 * i, 16);
		gm_bus_write(m->pio, 0x514, 4, 0);
		gm_bus_write(m->pio, 0x518, 4, __builtin_bswap32(0x7000));
		ck_assert_uint_eq(le32(m->ram->host + 0x7000), 0);
	}
	return r;
}

START_TEST(test_linux16)
{
	const u8 *r, *s;

	make_linux();
	ck_assert_msg(load("console=ttyS0 vga=0x311", GM_BOOT_AUTO) == 0, "%s", err);
	r = boot();
	ck_assert_uint_eq(r[0x42], 0);
	s = m->ram->host + le16(r + 0x44) * 16;
	ck_assert_uint_le(0x202 + 0x66, le16(r + 0x46));
	ck_assert_int_eq(memcmp(s + 0x202, "HdrS", 4), 0);
	ck_assert_uint_eq(s[0x210], 0xff);
	ck_assert_uint_eq(s[0x211], 0x81);
	ck_assert_uint_eq(le16(s + 0x1fa), 0x311);
	ck_assert_uint_eq(le16(s + 0x224), le16(r + 0x46) - 0x200);
	ck_assert_str_eq((char *)m->ram->host + le32(s + 0x228), "console=ttyS0 vga=0x311");
	ck_assert_uint_eq(m->ram->host[0x100000], 0x90);
	ck_assert_uint_eq(m->ram->host[0x100000 + 8191], 0x90);
	ck_assert_uint_eq(m->ram->host[0x100000 + 8192], 0x5a);
	ck_assert_uint_eq(le32(s + 0x218), 0);
	board_free();
}
END_TEST

START_TEST(test_initrd)
{
	const u8 *r, *s;
	u32 at;

	make_linux();
	write_file(initrd_path, "an initial RAM disk", 19);
	ck_assert_msg(load_at(RAM, initrd_path, NULL, GM_BOOT_LINUX16) == 0, "%s", err);
	unlink(initrd_path);
	r = boot();
	s = m->ram->host + le16(r + 0x44) * 16;
	at = le32(s + 0x218);
	ck_assert_uint_eq(le32(s + 0x21c), 19);
	ck_assert_uint_eq(at % 4096, 0);
	ck_assert_uint_ge(at, 0x300000);
	ck_assert_uint_le(at + 19, RAM - PLAN_TOP_RESERVED);
	ck_assert_int_eq(memcmp(m->ram->host + at, "an initial RAM disk\x5a", 20), 0);
	board_free();
}
END_TEST

START_TEST(test_linux_flat)
{
	bool wide = _i;
	const u8 *r, *bp, *g;

	make_linux();
	ck_assert_msg(load("quiet", wide ? GM_BOOT_LINUX64 : GM_BOOT_LINUX32) == 0, "%s", err);
	r = boot();
	ck_assert_uint_eq(r[0x42], wide ? 2 : 1);
	ck_assert_uint_eq(le32(r + 0x48), wide ? 0x100200 : 0x100000);
	bp = m->ram->host + le32(r + 0x54);
	ck_assert_int_eq(memcmp(bp + 0x202, "HdrS", 4), 0);
	ck_assert_uint_eq(bp[0x06], 3);
	ck_assert_uint_eq(bp[0x290], 0);
	ck_assert_str_eq((char *)m->ram->host + le32(bp + 0x228), "quiet");
	ck_assert_uint_eq(le32(r + 0x64), le32(r + 0x54) + 0x2d0);
	ck_assert_uint_eq(le16(r + 0x68), 20);
	ck_assert_uint_eq(le32(r + 0x70), le32(r + 0x54) + 0x1e8);
	g = m->ram->host + le32(r + 0x5a);
	ck_assert_uint_eq(g[0x16] >> 5 & 3, wide ? 1 : 2); /* L, D/B */
	ck_assert_uint_eq(g[0x1d], 0x93);
	if (wide) {
		const u8 *pml4 = m->ram->host + le32(r + 0x60);
		const u8 *pdpt = m->ram->host + (le32(pml4) & ~0xfffu);
		const u8 *pd = m->ram->host + (le32(pdpt + 24) & ~0xfffu);

		ck_assert_uint_eq(le32(r + 0x60) % 4096, 0);
		ck_assert_uint_eq(le64(pd + 8 * 511), 0xffe00083);
	}
	board_free();
}
END_TEST

START_TEST(test_multiboot)
{
	const u8 *r, *mbi, *mod;

	make_multiboot();
	write_file(initrd_path, "module", 6);
	strcat(initrd_path, " arg");
	ck_assert_msg(load_at(RAM, initrd_path, "a=b", GM_BOOT_AUTO) == 0, "%s", err);
	r = boot();
	ck_assert_uint_eq(r[0x42], 1);
	ck_assert_uint_eq(le32(r + 0x48), 0x100040);
	ck_assert_uint_eq(le32(r + 0x4c), 0x2badb002);
	mbi = m->ram->host + le32(r + 0x50);
	ck_assert_uint_eq(le32(mbi) & 0x4d, 0x4d);
	ck_assert_ptr_nonnull(strstr((char *)m->ram->host + le32(mbi + 16), " a=b"));
	ck_assert_uint_eq(le32(mbi + 20), 1);
	mod = m->ram->host + le32(mbi + 24);
	ck_assert_uint_eq(le32(mod), 0x104000);
	ck_assert_uint_eq(le32(mod + 4), 0x104006);
	ck_assert_int_eq(memcmp(m->ram->host + 0x104000, "module", 6), 0);
	ck_assert_str_eq((char *)m->ram->host + le32(mod + 8), initrd_path);
	ck_assert_uint_eq(le32(mbi + 48), le32(r + 0x64));
	ck_assert_uint_eq(le32(r + 0x70), le32(r + 0x50) + 44);
	ck_assert_uint_eq(m->ram->host[0x103fff], 0); /* bss */
	*strchr(initrd_path, ' ') = 0;
	unlink(initrd_path);
	board_free();
}
END_TEST

START_TEST(test_elf)
{
	const u8 *r;

	if (_i)
		make_elf_multiboot();
	else
		make_elf();
	ck_assert_msg(load(NULL, GM_BOOT_AUTO) == 0, "%s", err);
	r = boot();
	ck_assert_uint_eq(le32(r + 0x48), _i ? 0x100040 : 0x100080);
	ck_assert_uint_eq(m->ram->host[0x102fff], 0);
	ck_assert_uint_eq(m->ram->host[0x103000], 0x5a);
	if (!_i)
		ck_assert_uint_eq(le32(m->ram->host + le32(r + 0x50)), 0x336ec578);
	board_free();
}
END_TEST

/* ---- hostile files ---- */

struct patch {
	u32 off;
	u64 val;
	u8 size;
};

static const struct {
	const char *name;
	void (*make)(void);
	u32 len; /* cut to this; 0: whole */
	struct patch patch[3];
	enum gm_boot_entry entry;
	int rc;
	const char *says;
} bad[] = {
	{"junk", make_junk, 0, {{0}}, GM_BOOT_AUTO, -ENOEXEC, "not a kernel"},
	{"one byte", make_junk, 1, {{0}}, GM_BOOT_AUTO, -ENOEXEC, "not a kernel"},
	{"junk as Linux", make_junk, 0, {{0}}, GM_BOOT_LINUX64, -ENOEXEC, "not a kernel"},
	{"ELF as Linux", make_elf, 0, {{0}}, GM_BOOT_LINUX16, -ENOEXEC, "not a kernel"},
	{"Linux as multiboot", make_linux, 0, {{0}}, GM_BOOT_MULTIBOOT, -ENOEXEC, "not a kernel"},
	{"Linux as PVH", make_linux, 0, {{0}}, GM_BOOT_PVH, -ENOEXEC, "not a kernel"},
	{"cut in the header", make_linux, 0x230, {{0}}, GM_BOOT_AUTO, -EINVAL, "truncated"},
	{"cut before the header", make_linux, 0x210, {{0}}, GM_BOOT_AUTO, -ENOEXEC, "not a kernel"},
	{"cut in the setup code", make_linux, 1024, {{0}}, GM_BOOT_AUTO, -EINVAL, "truncated"},
	{"cut at its end", make_linux, 2560, {{0}}, GM_BOOT_AUTO, -EINVAL, "truncated"},
	{"255 setup sectors", make_linux, 0, {{0x1f1, 255, 1}}, GM_BOOT_AUTO, -EINVAL, "truncated"},
	{"protocol 1.0", make_linux, 0, {{0x206, 0x100, 2}}, GM_BOOT_AUTO, -EINVAL, "older than 2.00"},
	{"init_size of 4 GiB", make_linux, 0, {{0x260, 0xffffffff, 4}}, GM_BOOT_AUTO, -E2BIG,
	 "too big for memory"},
	{"pref_address of 2^64", make_linux, 0, {{0x258, UINT64_MAX, 8}}, GM_BOOT_AUTO, -EINVAL,
	 "beyond 4 GiB"},
	{"no 64-bit entry", make_linux, 0, {{0x236, 0, 2}}, GM_BOOT_LINUX64, -EINVAL,
	 "no 64-bit entry"},
	{"zImage at 32 bits", make_linux, 0, {{0x211, 0, 1}}, GM_BOOT_LINUX32, -EINVAL, "too old"},
	{"header of 457 bytes", make_linux, 0, {{0x201, 0xff, 1}}, GM_BOOT_LINUX32, 0, NULL},
	{"command line too long", make_linux, 0, {{0x238, 3, 4}}, GM_BOOT_AUTO, -E2BIG,
	 "command line has 4 bytes, this kernel takes 3"},

	{"multiboot: wrong checksum", make_multiboot, 0, {{24, 0, 4}}, GM_BOOT_AUTO, -ENOEXEC,
	 "not a kernel"},
	{"multiboot: cut in the header", make_multiboot, 40, {{0}}, GM_BOOT_AUTO, -EINVAL,
	 "truncated"},
	{"multiboot: unknown requirement", make_multiboot, 0,
	 {{20, 0x10013, 4}, {24, -(0x1badb002u + 0x10013u), 4}}, GM_BOOT_AUTO, -EINVAL, "0x10"},
	{"multiboot: load above header", make_multiboot, 0, {{32, 0x100011, 4}}, GM_BOOT_AUTO,
	 -EINVAL, "load address"},
	{"multiboot: load far below header", make_multiboot, 0, {{32, 0x8000, 4}}, GM_BOOT_AUTO,
	 -EINVAL, "load address"},
	{"multiboot: longer than the file", make_multiboot, 0, {{36, 0x102000, 4}}, GM_BOOT_AUTO,
	 -EINVAL, "truncated"},
	{"multiboot: ends before it begins", make_multiboot, 0, {{36, 0x1000, 4}}, GM_BOOT_AUTO,
	 -EINVAL, "truncated"},
	{"multiboot: bss ends inside", make_multiboot, 0, {{40, 0x100800, 4}}, GM_BOOT_AUTO, -EINVAL,
	 "end addresses"},
	{"multiboot: bss of 4 GiB", make_multiboot, 0, {{40, 0xfffffff0, 4}}, GM_BOOT_AUTO, -E2BIG,
	 "too big for memory"},
	{"multiboot: over the firmware", make_multiboot, 0,
	 {{28, 0x7c10, 4}, {32, 0x7c00, 4}, {36, 0, 8}}, GM_BOOT_AUTO, -EINVAL, "firmware"},
	{"multiboot: over the screen", make_multiboot, 0,
	 {{28, 0x9f810, 4}, {32, 0x9f800, 4}, {36, 0, 8}}, GM_BOOT_AUTO, -EINVAL, "firmware"},
	{"multiboot: over the boot information", make_multiboot, 0,
	 {{28, 0x80010, 4}, {32, 0x80000, 4}, {36, 0, 8}}, GM_BOOT_AUTO, -EINVAL, "overlaps"},
	{"multiboot without addresses", make_multiboot, 0,
	 {{20, 3, 4}, {24, -(0x1badb002u + 3u), 4}}, GM_BOOT_AUTO, -EINVAL, "no ELF file"},

	{"ELF: neither note nor header", make_elf, 0, {{44, 1, 2}}, GM_BOOT_AUTO, -ENOEXEC,
	 "not a kernel"},
	{"ELF: 20 bytes", make_elf, 20, {{0}}, GM_BOOT_AUTO, -ENOEXEC, "not a kernel"},
	{"ELF: segment beyond the file", make_elf, 0, {{68, 8000, 4}}, GM_BOOT_AUTO, -EINVAL,
	 "truncated"},
	{"ELF: segment offset wraps", make_elf, 0, {{68, 0xfffffff0, 4}}, GM_BOOT_AUTO, -EINVAL,
	 "truncated"},
	{"ELF: file larger than memory", make_elf, 0, {{84, 16, 4}}, GM_BOOT_AUTO, -EINVAL,
	 "larger in the file"},
	{"ELF: memory of 4 GiB", make_elf, 0, {{84, 0xffffffff, 4}}, GM_BOOT_AUTO, -E2BIG,
	 "too big for memory"},
	{"ELF: at the end of 4 GiB", make_elf, 0, {{76, 0xfffff000, 4}}, GM_BOOT_AUTO, -E2BIG,
	 "too big for memory"},
	{"ELF: at address 0", make_elf, 0, {{76, 0, 4}}, GM_BOOT_AUTO, -EINVAL, "firmware"},
	{"ELF: 65534 program headers", make_elf, 0, {{44, 0xfffe, 2}}, GM_BOOT_PVH, -ENOEXEC,
	 "not a kernel"},
	{"ELF: note beyond the file", make_elf, 0, {{100, 0xfffffff0, 4}}, GM_BOOT_PVH, -ENOEXEC,
	 "not a kernel"},
	{"ELF: note name of 4 GiB", make_elf, 0, {{256, 0xffffffff, 4}}, GM_BOOT_PVH, -ENOEXEC,
	 "not a kernel"},
	{"ELF: note of 4 GiB", make_elf, 0, {{260, 0xfffffffc, 4}}, GM_BOOT_PVH, -ENOEXEC,
	 "not a kernel"},
	{"ELF: for another machine", make_elf, 0, {{18, EM_ARM, 2}}, GM_BOOT_AUTO, -ENOEXEC,
	 "not a kernel"},
	{"ELF: nothing to load", make_elf, 0, {{64, PT_NULL, 4}}, GM_BOOT_PVH, -EINVAL,
	 "nothing to load"},
};

START_TEST(test_bad)
{
	int rc;

	bad[_i].make();
	for (int i = 0; i < 3; i++)
		put(bad[_i].patch[i].off, bad[_i].patch[i].val, bad[_i].patch[i].size);
	if (bad[_i].len)
		image_len = bad[_i].len;
	rc = load("abcd", bad[_i].entry);
	ck_assert_msg(rc == bad[_i].rc, "%s: %d: %s", bad[_i].name, rc, err);
	if (bad[_i].says) {
		ck_assert_msg(strstr(err, bad[_i].says) != NULL, "%s: %s", bad[_i].name, err);
		ck_assert_msg(!strchr(err, '\n'), "%s", bad[_i].name);
		ck_assert_ptr_nonnull(strstr(err, kernel_path));
		ck_assert_ptr_null(gm_fw_cfg_find(fw, "genroms/" GM_BOOT_ROM_NAME, NULL));
	}
	board_free();
}
END_TEST

/* Random damage: any answer is right that is an answer. */
START_TEST(test_fuzz)
{
	static void (*const makes[])(void) = {make_linux, make_multiboot, make_elf,
					      make_elf_multiboot};
	u32 seed = 12345 + (u32)_i;

	for (int n = 0; n < 60; n++) {
		makes[_i]();
		for (int k = 0; k < 6; k++) {
			seed = seed * 1664525 + 1013904223;
			image[(seed >> 8) % 0x2a0] = (u8)seed;
		}
		load("x", (enum gm_boot_entry)(n % 6));
		ck_assert_ptr_null(strchr(err, '\n'));
		board_free();
	}
}
END_TEST

START_TEST(test_initrd_too_big)
{
	static u8 big[4 * MiB];

	make_linux();
	write_file(initrd_path, big, sizeof(big));
	ck_assert_int_eq(load_at(8 * MiB, initrd_path, NULL, GM_BOOT_AUTO), -E2BIG);
	unlink(initrd_path);
	ck_assert_ptr_nonnull(strstr(err, initrd_path));
	ck_assert_ptr_nonnull(strstr(err, "too big for memory"));
	board_free();
}
END_TEST

static const struct {
	const char *name, *path, *says;
	int rc;
} paths[] = {
	{"missing", "/nonexistent/kernel", "No such file", -ENOENT},
	{"directory", "/tmp", "not a regular file", -EINVAL},
	{"device", "/dev/null", "not a regular file", -EINVAL},
};

START_TEST(test_paths)
{
	struct gm_boot_cfg cfg = {.kernel = paths[_i].path};

	board_new(RAM);
	fw = fake_device(m, &gm_fw_cfg_class, NULL);
	ck_assert_int_eq(gm_boot_setup(m, fw, &cfg, err, sizeof(err)), paths[_i].rc);
	ck_assert_msg(strstr(err, paths[_i].says) != NULL, "%s: %s", paths[_i].name, err);
	make_linux();
	board_free();
	ck_assert_int_eq(load_at(RAM, paths[_i].path, NULL, GM_BOOT_AUTO), paths[_i].rc);
	ck_assert_msg(strstr(err, paths[_i].says) != NULL, "initrd %s: %s", paths[_i].name, err);
	board_free();
}
END_TEST

START_TEST(test_entry_names)
{
	enum gm_boot_entry e;

	ck_assert(gm_boot_entry_parse("64", &e) && e == GM_BOOT_LINUX64);
	ck_assert(gm_boot_entry_parse("pvh", &e) && e == GM_BOOT_PVH);
	ck_assert(!gm_boot_entry_parse("", &e));
	ck_assert(!gm_boot_entry_parse("8", &e));
}
END_TEST

/* ---- firmware images ---- */

static const struct {
	const char *name;
	u32 len;
	u8 vector[2];
	const char *says; /* NULL: good */
} bioses[] = {
	{"64 KiB", 64 * KiB, {0xea, 0x5b}, NULL},
	{"256 KiB", 256 * KiB, {0xea, 0x5b}, NULL},
	{"too small", 32 * KiB, {0xea, 0x5b}, "64 KiB to 4 MiB"},
	{"too large", 8 * MiB, {0xea, 0x5b}, "64 KiB to 4 MiB"},
	{"odd", 96 * KiB, {0xea, 0x5b}, "multiple"},
	{"zeros at the reset vector", 64 * KiB, {0, 0}, "reset vector"},
};

START_TEST(test_bios_check)
{
	u8 *b = calloc(1, bioses[_i].len);
	const char *says;

	memcpy(b + bioses[_i].len - 16, bioses[_i].vector, 2);
	says = gm_bios_check(b, bioses[_i].len);
	if (bioses[_i].says)
		ck_assert_msg(says && strstr(says, bioses[_i].says), "%s", bioses[_i].name);
	else
		ck_assert_msg(!says, "%s: %s", bioses[_i].name, says);
	free(b);
}
END_TEST

START_TEST(test_bios_file)
{
	struct gm_ram *ram = NULL;

	board_new(RAM);
	ck_assert_int_eq(gm_bios_load(m, "/nonexistent/bios", &ram, err, sizeof(err)), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err, "/nonexistent/bios"));
	make_junk();
	write_file(kernel_path, image, 64 * KiB);
	ck_assert_int_eq(gm_bios_load(m, kernel_path, &ram, err, sizeof(err)), -EINVAL);
	unlink(kernel_path);
	put(64 * KiB - 16, 0xea, 1);
	write_file(kernel_path, image, 64 * KiB);
	ck_assert_int_eq(gm_bios_load(m, kernel_path, &ram, err, sizeof(err)), 0);
	ck_assert_uint_eq(ram->size, 64 * KiB);
	ck_assert_int_eq(memcmp(ram->host, image, 64 * KiB), 0);
	unlink(kernel_path);
	board_free();
}
END_TEST

static const struct {
	const char *name, *says;
	u32 len;
	u8 head[3], last;
} roms[] = {
	{"good", NULL, 512, {0x55, 0xaa, 1}, 0},
	{"no signature", "not an option ROM", 512, {0x55, 0xab, 1}, 0},
	{"length 0", "truncated", 512, {0x55, 0xaa, 0}, 1},
	{"longer than the file", "truncated", 512, {0x55, 0xaa, 2}, 0},
	{"checksum", "checksum", 512, {0x55, 0xaa, 1}, 7},
	{"short", "not an option ROM", 2, {0x55, 0xaa, 1}, 0},
};

START_TEST(test_optrom_check)
{
	const char *says;

	memset(image, 0, 512);
	memcpy(image, roms[_i].head, 3);
	image[511] = (u8)(roms[_i].last - 0x55 - 0xaa - 1);
	says = gm_optrom_check(image, roms[_i].len);
	if (roms[_i].says)
		ck_assert_msg(says && strstr(says, roms[_i].says), "%s", roms[_i].name);
	else
		ck_assert_msg(!says, "%s: %s", roms[_i].name, says);
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_linux16, 0}, {test_initrd, 0}, {test_linux_flat, 2}, {test_multiboot, 0},
		{test_elf, 2}, {test_bad, ARRAY_SIZE(bad)}, {test_fuzz, 4}, {test_initrd_too_big, 0},
		{test_paths, ARRAY_SIZE(paths)}, {test_entry_names, 0},
		{test_bios_check, ARRAY_SIZE(bioses)}, {test_bios_file, 0},
		{test_optrom_check, ARRAY_SIZE(roms)},
	};

	return fake_run("loader", tests, ARRAY_SIZE(tests));
}
