// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Firmware files that the user names: a BIOS, a video BIOS, an option ROM. The first byte says which
 * and how long the file is made by zeros behind it.
 */
#include "test/fuzz/fuzz.h"
#include "vmm/loader/bios.h"
#include "vmm/machine.h"

static const u64 sizes[] = {0, 512, 32 * KiB, 64 * KiB, 128 * KiB, 256 * KiB, 384 * KiB, 4 * MiB};

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct gm_machine *m = gm_machine_new("fuzz");
	char path[64], err[512] = "";
	struct gm_ram *ram = NULL;
	u64 size = len ? sizes[data[0] >> 2 & 7] : 0;
	u32 n = 0;
	u8 *rom = NULL;
	int fd, ret;

	if (!len || !m || gm_machine_add_ram(m, 2 * MiB))
		goto out;
	fd = fuzz_file(path, data + 1, len - 1, MAX(size, (u64)len - 1));
	if (data[0] & 1)
		ret = gm_bios_load(m, path, &ram, err, sizeof(err));
	else
		ret = gm_vgabios_load(path, &rom, &n, err, sizeof(err));
	fuzz_check(!ret || err[0], "an error without a message");
	fuzz_check(ret || (data[0] & 1 ? ram != NULL : rom && n), "nothing was loaded");
	gm_optrom_check(data + 1, len - 1);
	gm_bios_check(data + 1, len - 1);
	free(rom);
	close(fd);
out:
	gm_machine_free(m);
	return 0;
}
