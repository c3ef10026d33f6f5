/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the IDE controller share.
 *
 * piix3_ide.c  the PCI function, ports, state, class
 * core.c       task file, drive selection, interrupts, resets
 * xfer.c       moves data between the host's ports or bus master, the buffer and the back end
 * bmdma.c      the bus master's registers and descriptor tables
 * ata.c        disk commands;  ata_identify.c, ata_smart.c  what they tell
 * atapi.c      CD-ROM: packet commands;  atapi_info.c  TOC, mode pages, configuration
 *
 * A channel runs one command at a time. Registers cannot be written while the selected drive has
 * BSY or DRQ set, so the other drive cannot start one in between.
 */
#ifndef DEVICES_IDE_INT_H
#define DEVICES_IDE_INT_H

#include "devices/ide/ide.h"

/* Status and error registers (ATA/ATAPI-6, 7.15 and 7.9). */
#define ST_ERR  0x01
#define ST_DRQ  0x08
#define ST_DSC  0x10
#define ST_DF   0x20
#define ST_DRDY 0x40
#define ST_BSY  0x80
#define ER_ABRT 0x04
#define ER_IDNF 0x10
#define ER_UNC  0x40

/* Command block registers, by offset from the channel's base. */
enum { R_DATA, R_FEATURE, R_NSECT, R_LBAL, R_LBAM, R_LBAH, R_DEVICE, R_COMMAND };
#define DEV_LBA    0x40
#define DEV_SLAVE  0x10
#define CTL_NIEN   0x02
#define CTL_SRST   0x04
#define CTL_HOB    0x80
#define IREASON_CD 0x01
#define IREASON_IO 0x02

#define IDE_BUF      65536 /* bytes buffered for PIO and for DMA that cannot go straight */
#define IDE_IOV      256
#define IDE_DMA_MAX  (1u << 20) /* bytes of one back-end request by DMA */
#define IDE_MULT_MAX 16

enum ide_kind { IDE_NONE, IDE_DISK, IDE_CD };

/* How the registers spelled the address of a disk command. */
enum ata_addr { ATA_CHS, ATA_LBA28, ATA_LBA48 };

/* What the command under way does ... */
enum ide_op {
	IDE_OP_NONE,
	IDE_OP_READ,   /* back end to host, `left` units from `lba` on */
	IDE_OP_WRITE,  /* host to back end */
	IDE_OP_REPLY,  /* buffer to host */
	IDE_OP_ACCEPT, /* host to buffer; then the command goes on with it */
	IDE_OP_VERIFY, /* read and forget */
	IDE_OP_FLUSH,
	IDE_OP_TRIM,   /* discard the ranges in the buffer */
};

/* ... and what it waits for. */
enum ide_phase {
	IDE_IDLE,
	IDE_PIO_IN,   /* the host reads the data register */
	IDE_PIO_OUT,  /* the host writes it */
	IDE_BLK,      /* the back end */
	IDE_DMA_WAIT, /* the bus master's start bit */
	IDE_STUCK,    /* the descriptor table ended early: a reset */
};

enum cd_event { CD_EVENT_NONE, CD_EVENT_EJECT, CD_EVENT_NEW, CD_EVENT_REMOVAL };

struct ide_channel;

struct ide_drive {
	struct ide_channel *ch;
	u8 unit;
	u8 kind;
	struct gm_blk *blk;
	char serial[21];
	u8 status, error;
	u8 tf[8], hob[8]; /* task file as written or left by a command, and what was there before */
	bool irq;         /* INTRQ, seen while the drive is selected */
	/* disks */
	u16 def_cyls;
	u8 def_heads, def_sectors; /* the default translation */
	u16 cyls;
	u8 heads, sectors; /* the current one */
	u8 mult;           /* sectors a DRQ block of READ/WRITE MULTIPLE; 0: not set */
	u8 xfer_mode;      /* as SET FEATURES 03h gave it */
	bool wcache, lookahead, smart, standby;
	u8 selftest;       /* type of the last SMART self-test; 0: none */
	bool warned;       /* said that a readonly disk was written */
	/* CD-ROMs */
	u8 sense, asc, ascq;
	bool attention;    /* UNIT ATTENTION is due, with ... */
	u8 ua_asc;
	bool open, locked;
	u8 event;          /* enum cd_event, for GET EVENT STATUS NOTIFICATION */
	u8 page01[8], page0e[14];
};

/* Where the bus master stands in its descriptor table. */
struct bm_cursor {
	u32 prd;       /* address of the next descriptor */
	u32 seg_addr;
	u32 seg_left;  /* bytes; 0: fetch the next one */
	bool eot;      /* the last one has been fetched */
};

struct ide_bm {
	u8 cmd, status;
	u32 dtpr;
	struct bm_cursor cur;  /* what has been transferred */
	struct bm_cursor next; /* where it will be once the request in flight is done */
};
#define BM_START  0x01
#define BM_ACTIVE 0x01
#define BM_ERROR  0x02
#define BM_INT    0x04

struct ide_dev;

struct ide_channel {
	struct ide_dev *dev;
	u8 idx;
	struct gm_irq intr;
	struct gm_region *r_cmd, *r_ctl;
	struct ide_drive drive[2];
	u8 control, select;
	bool line;     /* level of the interrupt line */
	/* the command under way */
	u8 cmd_drive, cmd;
	u8 op, phase;
	bool dma, fua;
	u8 addr;       /* enum ata_addr */
	u64 lba;       /* next unit */
	u32 left;      /* units that the back end has not done */
	u32 unit;      /* bytes of one on the medium */
	u32 out_unit;  /* bytes of one as the host sees it (READ CD) */
	u32 chunk;     /* units of the request in flight or in the buffer */
	u32 block;     /* bytes the host moves per DRQ */
	u32 buf_pos, buf_end, drq_end;
	bool packet;   /* the command is PACKET ... */
	bool cdb_wait; /* ... and its command block has not come yet */
	u32 limit;     /* bytes of a DRQ block that the host allows */
	u8 cdb[16];
	u8 raw;        /* READ CD: parts of the sector wanted */
	bool bounce;   /* the DMA request in flight goes through the buffer */
	bool inflight; /* the back end has req */
	bool deferred; /* the machine was stopped before it could be submitted */
	bool cancel;   /* what comes back is not wanted any more */
	struct gm_blk_req req;
	struct iovec iov[IDE_IOV];
	u64 gpa[IDE_IOV]; /* guest address of each vector */
	int iovs;
	struct ide_bm bm;
	u8 buf[IDE_BUF];
};

struct ide_dev {
	struct gm_pci_dev pci;
	bool paused;
	struct ide_channel ch[2];
};

/* ---- core.c ---- */
void ide_channel_init(struct ide_dev *dev, unsigned int idx, const struct ide_cfg *cfg);
void ide_channel_reset(struct ide_channel *ch);
extern const struct gm_region_ops ide_cmd_ops, ide_ctl_ops;
/* Recomputes the interrupt line. */
void ide_irq_update(struct ide_channel *ch);
void ide_irq_raise(struct ide_drive *d);
void ide_signature(struct ide_drive *d);
/* Drops the command under way; waits for the back end. */
void ide_cancel(struct ide_channel *ch);
static inline struct ide_drive *ide_selected(struct ide_channel *ch)
{
	return &ch->drive[ch->select];
}
static inline struct ide_drive *ide_active(struct ide_channel *ch)
{
	return &ch->drive[ch->cmd_drive];
}

/* ---- xfer.c ---- */
/* Starts what op, dma, lba, left, unit, block and the buffer describe; the command is answered
 * when it is done. */
void ide_xfer_start(struct ide_channel *ch);
/* PIO or DMA of the buffer's first len bytes to the host. */
void ide_xfer_reply(struct ide_channel *ch, u32 len);
/* len bytes from the host into the buffer, then ata_accepted() or atapi_accepted(). irq: the
 * request for them is announced by an interrupt. */
void ide_xfer_accept(struct ide_channel *ch, u32 len, bool irq);
u32 ide_data_read(struct ide_channel *ch, unsigned int size);
void ide_data_write(struct ide_channel *ch, unsigned int size, u32 val);
/* The bus master was started, or may run now. */
void ide_xfer_dma_go(struct ide_channel *ch);
void ide_xfer_resume(struct ide_channel *ch);
/* The command is done without error. */
void ide_complete(struct ide_channel *ch);

/* ---- bmdma.c ---- */
extern const struct gm_region_ops bm_ops;
bool bm_ready(const struct ide_channel *ch);
/* Fills ch->iov and ch->gpa with up to `want` bytes of guest memory in whole units; returns the
 * bytes, 0 when it must go through the buffer. */
u32 bm_gather(struct ide_channel *ch, u32 want, u32 unit, bool to_guest);
/* Copies between the buffer and the descriptors' memory; returns the bytes before their end. */
u32 bm_copy(struct ide_channel *ch, u8 *buf, u32 len, bool to_guest);
void bm_dirty(struct ide_channel *ch);
void bm_done(struct ide_channel *ch);

/* ---- ata.c ---- */
void ata_command(struct ide_drive *d, u8 cmd);
void ata_accepted(struct ide_drive *d);
/* Ends the command with an error of the back end. */
void ata_failed(struct ide_drive *d, int err);
void ata_abort(struct ide_drive *d, u8 error);
void ata_ok(struct ide_drive *d);
void ata_reset(struct ide_drive *d, bool hard);
/* Where the ranges of IDE_OP_TRIM are; false at the end. */
bool ata_trim_next(struct ide_drive *d, u64 *off, u64 *len);

/* ---- ata_identify.c, ata_smart.c ---- */
void ata_identify(struct ide_drive *d, u8 *buf);
void atapi_identify(struct ide_drive *d, u8 *buf);
void ata_smart(struct ide_drive *d, u8 cmd);
/* Sets the checksum in byte 511 so that the sum of all 512 bytes is 0. */
void ata_checksum(u8 *buf);

/* ---- atapi.c, atapi_raw.c, atapi_info.c, atapi_mode.c ---- */
void atapi_packet(struct ide_drive *d);
void atapi_accepted(struct ide_drive *d);
void atapi_done(struct ide_drive *d);
void atapi_failed(struct ide_drive *d, int err);
void atapi_sense(struct ide_drive *d, u8 key, u8 asc, u8 ascq);
/* Sends the buffer's first len bytes, at most alloc of them. */
void atapi_reply(struct ide_drive *d, u32 len, u32 alloc);
/* Is there a medium that can be read? */
bool atapi_medium(const struct ide_drive *d);
void atapi_msf(u8 *out, u32 lba);
void atapi_reset(struct ide_drive *d, bool hard);
/* Bytes that READ CD gives a sector when `parts` (byte 9) of it are wanted. */
u32 atapi_raw_size(u8 parts);
/* Turns `n` blocks of 2048 bytes at the buffer's start into READ CD's format, in place. */
void atapi_expand(struct ide_channel *ch, u32 n);
u32 atapi_blocks(const struct ide_drive *d);
#define SK_NOT_READY       0x2
#define SK_MEDIUM_ERROR    0x3
#define SK_ILLEGAL_REQUEST 0x5
#define SK_UNIT_ATTENTION  0x6
static inline u16 be16(const u8 *p)
{
	return (u16)(p[0] << 8 | p[1]);
}
static inline u32 be32(const u8 *p)
{
	return (u32)be16(p) << 16 | be16(p + 2);
}
static inline void put_be16(u8 *p, u32 v)
{
	p[0] = (u8)(v >> 8);
	p[1] = (u8)v;
}
static inline void put_be32(u8 *p, u32 v)
{
	put_be16(p, v >> 16);
	put_be16(p + 2, v);
}
void atapi_cmd_inquiry(struct ide_drive *d, const u8 *cdb);
void atapi_cmd_read_toc(struct ide_drive *d, const u8 *cdb);
void atapi_cmd_read_subchannel(struct ide_drive *d, const u8 *cdb);
void atapi_cmd_read_header(struct ide_drive *d, const u8 *cdb);
void atapi_cmd_mode_sense(struct ide_drive *d, const u8 *cdb);
/* False, with the sense set, when the parameters are not acceptable. */
bool atapi_mode_select_data(struct ide_drive *d, const u8 *buf, u32 len);
void atapi_mode_reset(struct ide_drive *d);
void atapi_cmd_get_configuration(struct ide_drive *d, const u8 *cdb);
void atapi_cmd_event_status(struct ide_drive *d, const u8 *cdb);
void atapi_cmd_disc_info(struct ide_drive *d, const u8 *cdb);
void atapi_cmd_track_info(struct ide_drive *d, const u8 *cdb);
void atapi_cmd_mechanism_status(struct ide_drive *d, const u8 *cdb);
void atapi_cmd_dvd_structure(struct ide_drive *d, const u8 *cdb);

#endif
