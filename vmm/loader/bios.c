/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Firmware images: where they are, whether they can be firmware at all, and how they get into a
 * machine. bios/README.md says which images are known to work.
 * Source of the option ROM checks: Plug and Play BIOS Specification 1.0A, section 3.1.
 */
#include "vmm/loader/bios.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/bus.h"
#include "vmm/machine.h"

#define RESET_VECTOR 16 /* bytes before the end of the image */
#define OPTROM_MAX   (255 * 512)

static const char *const bios_dirs[] = {
	"/usr/share/seabios", /* Debian, Fedora */
	"/usr/share/qemu",    /* Arch, openSUSE, Gentoo: with QEMU's copies */
	"/usr/local/share/seabios",
};
static const char *const bios_names[] = {"bios-256k.bin", "bios.bin"};
static const char *const vgabios_names[] = {"vgabios-stdvga.bin"};

#define BIOS_PACKAGES "install the package 'seabios' (Debian, Ubuntu) or 'seabios-bin' (Fedora)"
#define VGABIOS_PACKAGES                                                                           \
	"install the package 'seabios' (Debian, Ubuntu) or 'seavgabios-bin' (Fedora)"

int gm_file_read_all(int fd, u8 *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(fd, buf + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -EIO; /* shrank while we read it */
		done += (size_t)n;
	}
	return 0;
}

int gm_file_open(const char *path, const char *what, u64 min, u64 max, u32 *len, char *err,
		 size_t errlen)
{
	struct stat st;
	int rc, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st) < 0) {
		rc = -errno;
		snprintf(err, errlen, "%s %s: %s", what, path, strerror(-rc));
		goto fail;
	}
	rc = -EINVAL;
	if (!S_ISREG(st.st_mode)) {
		snprintf(err, errlen, "%s %s: not a regular file", what, path);
		goto fail;
	}
	if ((u64)st.st_size < min || (u64)st.st_size > max) {
		snprintf(err, errlen, "%s %s: its size, %lld bytes, is not within %llu to %llu",
			 what, path, (long long)st.st_size, (unsigned long long)min,
			 (unsigned long long)max);
		goto fail;
	}
	*len = (u32)st.st_size;
	return fd;
fail:
	if (fd >= 0)
		close(fd);
	return rc;
}

int gm_file_read(const char *path, const char *what, u64 min, u64 max, u8 **data, u32 *len,
		 char *err, size_t errlen)
{
	int rc, fd = gm_file_open(path, what, min, max, len, err, errlen);

	*data = NULL;
	if (fd < 0)
		return fd;
	*data = malloc(*len ? *len : 1);
	rc = *data ? gm_file_read_all(fd, *data, *len) : -ENOMEM;
	if (rc) {
		snprintf(err, errlen, "%s %s: %s", what, path, strerror(-rc));
		free(*data);
		*data = NULL;
	}
	close(fd);
	return rc;
}

/* The first of the known places that has one of `names`; buf gets the path. */
static const char *firmware_find(const char *const *names, size_t n, char *buf, size_t len)
{
	size_t d, i;

	for (i = 0; i < n; i++) {
		for (d = 0; d < ARRAY_SIZE(bios_dirs); d++) {
			snprintf(buf, len, "%s/%s", bios_dirs[d], names[i]);
			if (!access(buf, R_OK))
				return buf;
		}
	}
	return NULL;
}

const char *gm_bios_check(const u8 *data, u64 len)
{
	const u8 *v;
	u64 i;

	if (len < GM_BIOS_MIN || len > GM_BIOS_MAX)
		return "its size is not within 64 KiB to 4 MiB";
	if (len % (64 * KiB))
		return "its size is not a multiple of 64 KiB";
	v = data + len - RESET_VECTOR;
	for (i = 1; i < RESET_VECTOR && v[i] == v[0]; i++)
		;
	if (i == RESET_VECTOR)
		return "there is no code at the reset vector";
	return NULL;
}

int gm_bios_load(struct gm_machine *m, const char *path, struct gm_ram **out, char *err,
		 size_t errlen)
{
	char found[256];
	const char *bad;
	struct gm_ram *ram;
	u8 *data;
	u32 len;
	int rc;

	if (!path)
		path = firmware_find(bios_names, ARRAY_SIZE(bios_names), found, sizeof(found));
	if (!path) {
		snprintf(err, errlen, "no firmware: SeaBIOS is not installed: %s", BIOS_PACKAGES);
		return -ENOENT;
	}
	rc = gm_file_read(path, "BIOS image", GM_BIOS_MIN, GM_BIOS_MAX, &data, &len, err, errlen);
	if (rc)
		return rc;
	bad = gm_bios_check(data, len);
	if (bad) {
		snprintf(err, errlen, "BIOS image %s: %s", path, bad);
		rc = -EINVAL;
		goto out;
	}
	ram = gm_ram_new(m->mem, "bios", len, 0);
	if (!ram) {
		snprintf(err, errlen, "BIOS image %s: out of memory", path);
		rc = -ENOMEM;
		goto out;
	}
	memcpy(ram->host, data, len);
	ram->readonly_backing = true;
	*out = ram;
out:
	free(data);
	return rc;
}

const char *gm_optrom_check(const u8 *data, u64 len)
{
	u8 sum = 0;
	u64 i, size;

	if (len < 512 || data[0] != 0x55 || data[1] != 0xaa)
		return "not an option ROM";
	size = data[2] * 512ULL;
	if (!size || size > len)
		return "truncated option ROM";
	for (i = 0; i < size; i++)
		sum = (u8)(sum + data[i]);
	return sum ? "wrong checksum" : NULL;
}

int gm_vgabios_load(const char *path, u8 **data, u32 *len, char *err, size_t errlen)
{
	char found[256];
	const char *bad;
	int rc;

	if (!path)
		path = firmware_find(vgabios_names, ARRAY_SIZE(vgabios_names), found,
				     sizeof(found));
	if (!path) {
		snprintf(err, errlen, "no firmware: the VGA BIOS is not installed: %s",
			 VGABIOS_PACKAGES);
		return -ENOENT;
	}
	rc = gm_file_read(path, "VGA BIOS", 512, OPTROM_MAX, data, len, err, errlen);
	if (rc)
		return rc;
	bad = gm_optrom_check(*data, *len);
	if (bad) {
		snprintf(err, errlen, "VGA BIOS %s: %s", path, bad);
		free(*data);
		*data = NULL;
		return -EINVAL;
	}
	return 0;
}
