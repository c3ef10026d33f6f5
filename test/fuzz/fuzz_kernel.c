// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel loaders: bzImage, ELF with PVH note, multiboot; the first byte chooses the entry. */
#include "devices/fw_cfg/fw_cfg.h"
#include "test/fuzz/fuzz.h"
#include "vmm/firmware/firmware.h"

#define RAM (32 * MiB)

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct gm_boot_cfg cfg = {.append = "console=ttyS0"};
	struct gm_machine *m = gm_machine_new("fuzz");
	char path[64], initrd[64], err[512];
	struct gm_dev *fw = NULL;
	int fd, fd2;

	if (!len || !m || gm_machine_add_ram(m, RAM) ||
	    gm_dev_create(m, &gm_fw_cfg_class, "fw_cfg", NULL, &fw))
		goto out;
	cfg.entry = data[0] % (GM_BOOT_PVH + 1);
	fd = fuzz_file(path, data + 1, len - 1, 0);
	fd2 = fuzz_file(initrd, data, len, 0);
	cfg.kernel = path;
	cfg.initrd = data[0] & 0x80 ? initrd : NULL;
	if (gm_boot_setup(m, fw, &cfg, err, sizeof(err)))
		fuzz_check(strlen(err) > 0, "an error without a message");
	close(fd);
	close(fd2);
out:
	gm_machine_free(m);
	return 0;
}
