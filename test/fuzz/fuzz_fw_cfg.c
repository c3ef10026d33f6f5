// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fw_cfg as a hostile guest uses it: selectors of entries that are there and that are not, reads and
 * writes of the data port, DMA descriptors that point anywhere. Entries are bytes, slices, numbers
 * and pieces of a file, one of which is shorter than it was said to be.
 */
#include "devices/fw_cfg/fw_cfg.h"
#include "test/fuzz/fuzz.h"
#include "vmm/bus.h"
#include "vmm/machine.h"

#define STEPS_MAX 200
#define RAM       (1 * MiB)
#define DESC      0x8000u /* where the input's descriptors lie */

static const u16 keys[] = {0, 1, 2, 5, 8, 0x11, 0x14, 0x15, 0x19, 0x1a, 0x20, 0x21, 0x22, 0x3fff,
			   0x4000, 0x7fff, 0x8000, 0xc020, 0xffff};

/* Control, length and address, big-endian, and the write that starts it. */
static void dma(struct gm_machine *m, struct fuzz_in *in)
{
	u8 d[16];
	unsigned int i;
	u32 at = DESC;

	for (i = 0; i < sizeof(d); i++)
		d[i] = (u8)fuzz_get(in, 1);
	/* Often small, so that something is copied. */
	if (d[0] & 1)
		d[4] = d[5] = d[8] = d[9] = d[10] = d[11] = 0;
	if (d[0] & 2)
		d[12] = d[13] = 0;
	for (i = 0; i < sizeof(d); i++)
		gm_bus_write(m->mem, DESC + i, 1, d[i]);
	if (d[0] & 4)
		at = (u32)fuzz_get(in, 4);
	if (d[0] & 8)
		gm_bus_write(m->pio, 0x514, 4, fuzz_get(in, 4));
	gm_bus_write(m->pio, 0x518, 4, __builtin_bswap32(at));
}

static void step(struct gm_machine *m, struct fuzz_in *in)
{
	unsigned int op = (unsigned int)fuzz_get(in, 1), i;

	switch (op & 3) {
	case 0:
		gm_bus_write(m->pio, 0x510, 2, op & 4 ? fuzz_get(in, 2)
						     : keys[fuzz_get(in, 1) % ARRAY_SIZE(keys)]);
		break;
	case 1:
		for (i = 0; i <= op >> 2; i++)
			gm_bus_read(m->pio, 0x511, 1);
		break;
	case 2:
		gm_bus_write(m->pio, 0x510 + (op >> 2 & 15), 1u << (op >> 6 & 1), fuzz_get(in, 4));
		gm_bus_read(m->pio, 0x510 + (op >> 2 & 15), 1u << (op >> 6));
		break;
	case 3: dma(m, in); break;
	}
}

static void fill(struct gm_dev *fw, int fd)
{
	u8 *slice = malloc(300);
	int ret;

	if (!slice)
		abort();
	memset(slice, 0x5a, 300);
	ret = gm_fw_cfg_add_file(fw, "etc/text", "some text", 9, GM_FW_WRITABLE) < 0;
	ret |= gm_fw_cfg_add_file(fw, "genroms/long", slice, 300, 0) < 0;
	ret |= gm_fw_cfg_add_u16(fw, 0x05, 4);
	ret |= gm_fw_cfg_add_u64(fw, 0x11, ~0ull);
	ret |= gm_fw_cfg_give(fw, slice);
	ret |= gm_fw_cfg_add_slice(fw, 0x14, slice + 100, 200);
	ret |= gm_fw_cfg_give_fd(fw, fd);
	ret |= gm_fw_cfg_add_fd(fw, 0x08, fd, 0, 4096);
	ret |= gm_fw_cfg_add_fd(fw, 0x15, fd, 4000, 8192); /* the file has less */
	if (ret)
		abort();
}

static void quiet(void *opaque, const char *text)
{
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct gm_machine *m = gm_machine_new("fuzz");
	struct fuzz_in in = {data, data + len};
	struct gm_dev *fw = NULL;
	int left = STEPS_MAX;
	char path[64];

	if (!m || gm_machine_add_ram(m, RAM) ||
	    gm_dev_create(m, &gm_fw_cfg_class, "fw_cfg", NULL, &fw))
		abort();
	m->warn = quiet;
	fill(fw, fuzz_file(path, (const u8 *)"file", 4, 5000));
	gm_lock(m);
	fw->cls->reset(fw);
	while (in.p < in.end && left--)
		step(m, &in);
	gm_unlock(m);
	gm_machine_free(m);
	return 0;
}
