/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The firmware configuration device: named blobs that firmware reads through ports 510h/511h or
 * by DMA. The board adds its files before the machine starts.
 */
#ifndef GM_FW_CFG_H
#define GM_FW_CFG_H

#include "devices/dev.h"

/* Well-known selectors. */
#define GM_FW_SIGNATURE   0x0000
#define GM_FW_ID          0x0001
#define GM_FW_UUID        0x0002
#define GM_FW_RAM_SIZE    0x0003
#define GM_FW_NOGRAPHIC   0x0004
#define GM_FW_NB_CPUS     0x0005
#define GM_FW_MACHINE_ID  0x0006
#define GM_FW_NUMA        0x000d
#define GM_FW_BOOT_MENU   0x000e
#define GM_FW_MAX_CPUS    0x000f
#define GM_FW_FILE_DIR    0x0019
#define GM_FW_FILE_FIRST  0x0020
#define GM_FW_IRQ0_OVERRIDE 0x8002
#define GM_FW_FILES_MAX   64
#define GM_FW_NAME_MAX    56 /* with the terminating 0 */

#define GM_FW_WRITABLE    1 /* the guest may change the bytes (by DMA) */

extern const struct gm_dev_class gm_fw_cfg_class; /* cfg is NULL */

/* All: machine lock held or machine not started. -errno: -EEXIST for a name or key taken, -ENOSPC
 * when the directory is full, -EINVAL, -ENOMEM. Data is copied, but for slices. */
int gm_fw_cfg_add_key(struct gm_dev *d, u16 key, const void *data, u32 len);
int gm_fw_cfg_add_u16(struct gm_dev *d, u16 key, u16 val);
int gm_fw_cfg_add_u32(struct gm_dev *d, u16 key, u32 val);
int gm_fw_cfg_add_u64(struct gm_dev *d, u16 key, u64 val);
/* An item that shows len bytes inside something that was or will be given to the device. */
int gm_fw_cfg_add_slice(struct gm_dev *d, u16 key, const void *data, u32 len);
/* Hands malloc()ed memory over: freed with the device. On error it stays the caller's. */
int gm_fw_cfg_give(struct gm_dev *d, void *data);
/* An item that shows len bytes from `off` on in a file which was or will be given to the device.
 * They are read when the guest asks for them, so that nobody holds them in memory; what cannot be
 * read by then is zeros. */
int gm_fw_cfg_add_fd(struct gm_dev *d, u16 key, int fd, u64 off, u32 len);
/* Hands a file descriptor over: closed with the device. On error it stays the caller's. */
int gm_fw_cfg_give_fd(struct gm_dev *d, int fd);
/* Adds a file; returns its selector (>= GM_FW_FILE_FIRST), or -errno. */
int gm_fw_cfg_add_file(struct gm_dev *d, const char *name, const void *data, u32 len, int flags);
/* The bytes of a file and its length, for tests and introspection; NULL when there is none. */
const u8 *gm_fw_cfg_find(struct gm_dev *d, const char *name, u32 *len);

#endif
