// SPDX-License-Identifier: GPL-2.0-or-later
/* fw_cfg: selector, data port, directory, DMA commands. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "devices/fw_cfg/fw_cfg.h"
#include "test/unit/lib/fake_board.h"

#define CMD  0x1000 /* where the tests put DMA commands */
#define DATA 0x2000

static struct gm_dev *fw;

static void setup(void)
{
	board_new(1 * MiB);
	fw = fake_device(m, &gm_fw_cfg_class, NULL);
}

static void fw_select(u16 key)
{
	gm_bus_write(m->pio, 0x510, 2, key);
}

static u32 be32(const u8 *b)
{
	return (u32)b[0] << 24 | (u32)b[1] << 16 | (u32)b[2] << 8 | b[3];
}

/* Runs one DMA command; its control word afterwards. */
static u32 dma(u32 control, u32 len, u64 addr)
{
	u8 cmd[16];
	u32 words[4] = {control, len, (u32)(addr >> 32), (u32)addr};

	for (int i = 0; i < 16; i++)
		cmd[i] = (u8)(words[i / 4] >> (24 - 8 * (i % 4)));
	memcpy(m->ram->host + CMD, cmd, sizeof(cmd));
	gm_bus_write(m->pio, 0x514, 4, 0);
	gm_bus_write(m->pio, 0x518, 4, __builtin_bswap32(CMD));
	return be32(m->ram->host + CMD);
}

START_TEST(test_signature)
{
	static const char want[] = "QEMU";

	setup();
	fw_select(GM_FW_SIGNATURE);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(fake_inb(m, 0x511), want[i]);
	ck_assert_int_eq(fake_inb(m, 0x511), 0); /* past the end */
	fw_select(GM_FW_ID);
	ck_assert_int_eq(fake_inb(m, 0x511), 3);
	/* Selecting starts from the beginning again; a byte write selects nothing. */
	fw_select(GM_FW_ID);
	fake_outb(m, 0x510, GM_FW_SIGNATURE);
	ck_assert_int_eq(fake_inb(m, 0x511), 3);
	/* The DMA register shows its signature, big-endian. */
	ck_assert_uint_eq(gm_bus_read(m->pio, 0x514, 4), __builtin_bswap32(0x51454d55));
	ck_assert_uint_eq(gm_bus_read(m->pio, 0x518, 4), __builtin_bswap32(0x20434647));
	board_free();
}
END_TEST

START_TEST(test_unknown_key)
{
	setup();
	fw_select(0x7777);
	ck_assert_int_eq(fake_inb(m, 0x511), 0);
	fw_select(0xffff);
	ck_assert_int_eq(fake_inb(m, 0x511), 0);
	board_free();
}
END_TEST

START_TEST(test_integers)
{
	setup();
	ck_assert_int_eq(gm_fw_cfg_add_u16(fw, GM_FW_NB_CPUS, 0x1234), 0);
	ck_assert_int_eq(gm_fw_cfg_add_u16(fw, GM_FW_NB_CPUS, 1), -EEXIST);
	ck_assert_int_eq(gm_fw_cfg_add_u64(fw, GM_FW_RAM_SIZE, 0x1122334455667788), 0);
	fw_select(GM_FW_NB_CPUS);
	ck_assert_int_eq(fake_inb(m, 0x511), 0x34);
	ck_assert_int_eq(fake_inb(m, 0x511), 0x12);
	ck_assert_int_eq(dma(GM_FW_RAM_SIZE << 16 | 0x0a, 8, DATA), 0);
	ck_assert_int_eq(memcmp(m->ram->host + DATA, "\x88\x77\x66\x55\x44\x33\x22\x11", 8), 0);
	board_free();
}
END_TEST

START_TEST(test_directory)
{
	const u8 *d;

	setup();
	ck_assert_int_eq(gm_fw_cfg_add_file(fw, "etc/one", "first", 5, 0), 0x20);
	ck_assert_int_eq(gm_fw_cfg_add_file(fw, "etc/two", "second!", 7, 0), 0x21);
	ck_assert_int_eq(gm_fw_cfg_add_file(fw, "etc/two", "x", 1, 0), -EEXIST);
	ck_assert_int_eq(gm_fw_cfg_add_file(fw, "etc/a name that does not fit into the fifty-six bytes",
					    "x", 1, 0), 0x22);
	ck_assert_int_eq(gm_fw_cfg_add_file(fw, "etc/another name that does not fit into fifty-six bytes!",
					    "x", 1, 0), -EINVAL);
	ck_assert_int_eq(dma(GM_FW_FILE_DIR << 16 | 0x0a, 4 + 3 * 64, DATA), 0);
	d = m->ram->host + DATA;
	ck_assert_uint_eq(be32(d), 3);
	ck_assert_uint_eq(be32(d + 4), 5);
	ck_assert_uint_eq(be32(d + 8), 0x200000);
	ck_assert_str_eq((const char *)d + 12, "etc/one");
	ck_assert_uint_eq(be32(d + 68), 7);
	ck_assert_uint_eq(be32(d + 72), 0x210000);
	ck_assert_str_eq((const char *)d + 76, "etc/two");
	board_free();
}
END_TEST

START_TEST(test_directory_full)
{
	char name[16];
	int i;

	setup();
	for (i = 0; i < GM_FW_FILES_MAX; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		ck_assert_int_gt(gm_fw_cfg_add_file(fw, name, name, 3, 0), 0);
	}
	ck_assert_int_eq(gm_fw_cfg_add_file(fw, "one more", name, 3, 0), -ENOSPC);
	board_free();
}
END_TEST

START_TEST(test_dma)
{
	static const char text[] = "0123456789";
	u16 key;

	setup();
	key = (u16)gm_fw_cfg_add_file(fw, "file", text, 10, 0);
	/* Select and read, go on, skip, read beyond the end: zeros. */
	ck_assert_int_eq(dma((u32)key << 16 | 0x0a, 3, DATA), 0);
	ck_assert_int_eq(memcmp(m->ram->host + DATA, "012\x5a", 4), 0);
	ck_assert_int_eq(dma(0x02, 2, DATA), 0);
	ck_assert_int_eq(memcmp(m->ram->host + DATA, "342", 3), 0);
	ck_assert_int_eq(dma(0x04, 3, 0), 0);
	ck_assert_int_eq(dma(0x02, 5, DATA), 0);
	ck_assert_int_eq(memcmp(m->ram->host + DATA, "89\0\0\0\x5a", 6), 0);
	/* The data port goes on where DMA stopped. */
	dma((u32)key << 16 | 0x0a, 4, DATA);
	ck_assert_int_eq(fake_inb(m, 0x511), '4');
	/* A read-only file takes no writes. */
	ck_assert_int_eq(dma((u32)key << 16 | 0x18, 1, DATA), 1);
	fw_select(key);
	ck_assert_int_eq(fake_inb(m, 0x511), '0');
	board_free();
}
END_TEST

START_TEST(test_dma_write)
{
	u16 key;

	setup();
	key = (u16)gm_fw_cfg_add_file(fw, "file", "abcdef", 6, GM_FW_WRITABLE);
	memcpy(m->ram->host + DATA, "XYZ", 3);
	ck_assert_int_eq(dma((u32)key << 16 | 0x18, 3, DATA), 0);
	ck_assert_int_eq(memcmp(gm_fw_cfg_find(fw, "file", NULL), "XYZdef", 6), 0);
	ck_assert_int_eq(dma((u32)key << 16 | 0x18, 7, DATA), 1); /* longer than the file */
	gm_fw_cfg_class.reset(fw);
	ck_assert_int_eq(memcmp(gm_fw_cfg_find(fw, "file", NULL), "abcdef", 6), 0);
	board_free();
}
END_TEST

/* Whatever the guest asks for ends, and touches nothing outside. */
static const struct {
	const char *name;
	u32 control, len;
	u64 addr;
} hostile[] = {
	{"length of 4 GiB", 0x0002000a, 0xffffffff, DATA},
	{"4 GiB from the end of memory", 0x0002000a, 0xffffffff, 0xff000},
	{"to the end of the address space", 0x0000000a, 0xffffffff, 0xfffffffffffffff0},
	{"to nowhere", 0x0000000a, 16, 0xfd00000000},
	{"skip by 4 GiB twice", 0x0000000c, 0xffffffff, 0},
	{"into the ROM", 0x0000000a, 4, 0xfffffff0},
	{"write from nowhere", 0x00000018, 0xffffffff, 0xfd00000000},
	{"no operation", 0x00000008, 16, DATA},
	{"onto the command itself", 0x0000000a, 16, CMD},
};

START_TEST(test_hostile)
{
	setup();
	dma(hostile[_i].control, hostile[_i].len, hostile[_i].addr);
	dma(hostile[_i].control & 0xffff0006, hostile[_i].len, hostile[_i].addr);
	fw_select(GM_FW_SIGNATURE);
	ck_assert_msg(fake_inb(m, 0x511) == 'Q', "%s", hostile[_i].name);
	board_free();
}
END_TEST

START_TEST(test_command_nowhere)
{
	setup();
	gm_bus_write(m->pio, 0x514, 4, __builtin_bswap32(0xfd));
	gm_bus_write(m->pio, 0x518, 4, __builtin_bswap32(0x1000));
	fw_select(GM_FW_SIGNATURE);
	ck_assert_int_eq(fake_inb(m, 0x511), 'Q');
	board_free();
}
END_TEST

START_TEST(test_slices)
{
	char *mem = malloc(16);

	setup();
	strcpy(mem, "hello, world");
	ck_assert_int_eq(gm_fw_cfg_add_slice(fw, 0x1000, mem + 7, 5), 0);
	ck_assert_int_eq(gm_fw_cfg_give(fw, mem), 0);
	ck_assert_int_eq(dma(0x1000 << 16 | 0x0a, 8, DATA), 0);
	ck_assert_int_eq(memcmp(m->ram->host + DATA, "world\0\0\0", 8), 0);
	board_free();
}
END_TEST

/* A file's bytes come from the file; what it lost after the start reads as zeros. */
START_TEST(test_file_descriptor)
{
	char path[] = "/tmp/fwcfg-XXXXXX";
	int fd = mkstemp(path), i;
	u8 *big = malloc(100000);

	setup();
	unlink(path);
	for (i = 0; i < 100000; i++)
		big[i] = (u8)(i * 7 + i / 251);
	ck_assert_int_eq(write(fd, big, 100000), 100000);
	ck_assert_int_eq(gm_fw_cfg_add_fd(fw, 0x1000, fd, 10, 99000), 0);
	ck_assert_int_eq(gm_fw_cfg_add_fd(fw, 0x1000, fd, 0, 1), -EEXIST);
	ck_assert_int_eq(gm_fw_cfg_give_fd(fw, fd), 0);
	/* More than one piece, and zeros behind the item's end. */
	ck_assert_int_eq(dma(0x1000 << 16 | 0x0a, 99004, DATA), 0);
	ck_assert_int_eq(memcmp(m->ram->host + DATA, big + 10, 99000), 0);
	ck_assert_int_eq(memcmp(m->ram->host + DATA + 99000, "\0\0\0\0\x5a", 5), 0);
	/* In steps, skipping, and by the data port. */
	dma(0x1000 << 16 | 0x0a, 3, DATA);
	dma(0x04, 50000, 0);
	dma(0x02, 2, DATA);
	ck_assert_int_eq(memcmp(m->ram->host + DATA, big + 10 + 50003, 2), 0);
	ck_assert_int_eq(fake_inb(m, 0x511), big[10 + 50005]);
	/* Read-only. */
	ck_assert_int_eq(dma(0x1000 << 16 | 0x18, 1, DATA), 1);
	/* Truncated meanwhile. */
	ck_assert_int_eq(ftruncate(fd, 40000), 0);
	ck_assert_int_eq(dma(0x1000 << 16 | 0x0a, 99000, DATA), 0);
	ck_assert_int_eq(memcmp(m->ram->host + DATA, big + 10, 39990), 0);
	for (i = 39990; i < 99000; i++)
		ck_assert_int_eq(m->ram->host[DATA + i], 0);
	fw_select(0x1000);
	ck_assert_int_eq(fake_inb(m, 0x511), big[10]);
	/* To where there is no memory. */
	dma(0x1000 << 16 | 0x0a, 0xffffffff, 0xfd00000000);
	free(big);
	board_free();
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_signature, 0}, {test_unknown_key, 0}, {test_integers, 0}, {test_directory, 0},
		{test_directory_full, 0}, {test_dma, 0}, {test_dma_write, 0},
		{test_hostile, ARRAY_SIZE(hostile)}, {test_command_nowhere, 0}, {test_slices, 0},
		{test_file_descriptor, 0},
	};

	return fake_run("fwcfg", tests, ARRAY_SIZE(tests));
}
