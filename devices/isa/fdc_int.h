/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the floppy controller share.
 *
 * fdc.c       registers, interrupts, resets, state, class
 * fdc_cmd.c   the commands: table, parameters, results
 * fdc_xfer.c  commands that move sectors: media, DMA and programmed I/O, the back end
 */
#ifndef DEVICES_ISA_FDC_INT_H
#define DEVICES_ISA_FDC_INT_H

#include "devices/isa/fdc.h"

#define FDC_SECTOR   512u
#define FDC_BUF      (36 * FDC_SECTOR) /* one side of a track of the densest format */
#define FDC_FIFO     16
#define FDC_TRACKS   84 /* the carriage stops here */

/* Status registers 0 to 3 (82077AA, section 5.1 and table 6). */
#define ST0_ABNORMAL 0x40
#define ST0_INVALID  0x80
#define ST0_CHANGED  0xc0
#define ST0_SE       0x20
#define ST0_EC       0x10
#define ST1_EN       0x80
#define ST1_DE       0x20
#define ST1_OR       0x10
#define ST1_ND       0x04
#define ST1_NW       0x02
#define ST1_MA       0x01
#define ST2_CM       0x40
#define ST2_DD       0x20
#define ST2_WC       0x10
#define ST2_SH       0x08
#define ST2_SN       0x04
#define ST2_BC       0x02
#define ST2_MD       0x01

#define DOR_RESET   0x04 /* 0: held in reset */
#define DOR_DMAGATE 0x08

#define CONFIG_EIS   0x40
#define CONFIG_EFIFO 0x20
#define CONFIG_POLL  0x10 /* set: no drive polling */

enum fdc_phase {
	FDC_RESET,   /* held in reset by DOR */
	FDC_COMMAND, /* idle, or taking parameters */
	FDC_BLK,     /* the back end works */
	FDC_PIO_IN,  /* execution, the host reads data */
	FDC_PIO_OUT, /* execution, the host writes data */
	FDC_RESULT,
};

enum fdc_op {
	FDC_OP_NONE,
	FDC_OP_READ,
	FDC_OP_READ_DELETED,
	FDC_OP_READ_TRACK,
	FDC_OP_WRITE,
	FDC_OP_VERIFY,
	FDC_OP_FORMAT,
	FDC_OP_SCAN_EQUAL,
	FDC_OP_SCAN_LOW,
	FDC_OP_SCAN_HIGH,
};

struct fdc_format {
	u32 kib;
	u8 cyls, heads, sectors;
	u8 rate;  /* code of the data rate register in its own drive */
	u8 drive; /* enum fdc_drive_type that it is made for */
};

struct fdc_drive {
	struct gm_blk *blk;
	u8 type;
	const struct fdc_format *fmt;
	u8 track;    /* where the heads are */
	u8 pcn;      /* where the controller believes they are */
	u8 id;       /* sector whose address mark passed last */
	bool changed; /* the DSKCHG line */
};

struct fdc {
	struct gm_dev dev;
	struct gm_irq intr;
	struct gm_dev *dma;
	u8 dma_channel;
	struct gm_region *r_low, *r_dir;
	struct fdc_drive drive[2];
	u8 dor, tdr, dsr, ccr; /* ccr: data rate code, last written by CCR or DSR */
	u8 specify[2], config[3], perpendicular, powerdown;
	bool lock;
	bool irq;       /* INT, before the DMA gate */
	bool line;      /* the interrupt line as driven */
	u8 seek_done;   /* a bit a drive: SENSE INTERRUPT STATUS is due, with ... */
	bool after_reset; /* (they come from a reset) */
	u8 seek_st0[4];
	u8 phase, op;
	u8 fifo[FDC_FIFO], fifo_pos, fifo_len;
	/* the command under way */
	u8 unit, head;  /* drive and head selected */
	bool mt, skip;
	u8 c, h, r, n;  /* the sector's ID that is looked for */
	u8 eot, count, filler; /* last sector; sectors to go (VERIFY with EC, FORMAT) */
	u8 st2;
	bool tc;        /* the DMA controller said "terminal count" */
	u16 chunk;      /* sectors in the buffer */
	u16 buf_pos, buf_len;
	bool inflight, deferred, cancel, paused;
	struct gm_blk_req req;
	struct iovec iov;
	u8 buf[FDC_BUF];
};

/* ---- fdc.c ---- */
void fdc_irq_update(struct fdc *f);
static inline void fdc_irq(struct fdc *f, bool on)
{
	f->irq = on;
	fdc_irq_update(f);
}
/* Drops the command under way; waits for the back end. */
void fdc_cancel(struct fdc *f);

/* ---- fdc_cmd.c ---- */
void fdc_fifo_write(struct fdc *f, u8 val);
u8 fdc_fifo_read(struct fdc *f);
/* Goes to the result phase with what is in fifo[0 .. n). irq: announces it. */
void fdc_result(struct fdc *f, u8 n, bool irq);
/* Ends a read, write ... with ST0-2 and the sector ID. */
void fdc_end(struct fdc *f, u8 st0, u8 st1, u8 st2);
/* The drive's carriage goes to `track`; the medium is noticed. */
void fdc_seek(struct fdc *f, u8 unit, unsigned int track);

/* ---- fdc_xfer.c ---- */
const struct fdc_format *fdc_format_find(u64 size);
/* Is there a formatted track at the selected drive's heads, at the selected data rate? */
bool fdc_track_readable(struct fdc *f, u8 unit, bool mfm);
/* The cylinder number in the sector IDs under the heads. */
u8 fdc_cylinder(const struct fdc *f, u8 unit);
static inline struct fdc_drive *fdc_drive(struct fdc *f, u8 unit)
{
	return unit < 2 && f->drive[unit].type ? &f->drive[unit] : NULL;
}
/* Starts op; its parameters are in fifo[]. */
void fdc_transfer(struct fdc *f, enum fdc_op op);
void fdc_pio_next(struct fdc *f);
void fdc_resume_xfer(struct fdc *f);

#endif
