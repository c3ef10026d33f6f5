/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two cascaded Intel 8237A DMA controllers and their page registers. */
#ifndef DEVICES_ISA_I8237_H
#define DEVICES_ISA_I8237_H

#include "devices/dev.h"

extern const struct gm_dev_class i8237_class; /* cfg is NULL */

enum dma_dir {
	DMA_IDLE,      /* masked, disabled or programmed as cascade: nothing moves */
	DMA_VERIFY,    /* addresses count, no data moves */
	DMA_TO_MEM,    /* device to memory ("write" in the datasheet) */
	DMA_FROM_MEM,  /* memory to device ("read") */
};

/* All: machine lock held; channel 0..3 (bytes) and 5..7 (words). */

/* What the channel is ready to do now. */
enum dma_dir dma_channel_direction(struct gm_dev *dma, unsigned int channel);
/* Bytes until terminal count. */
u32 dma_channel_left(struct gm_dev *dma, unsigned int channel);
/*
 * The device holds DREQ while up to len bytes pass between buf and memory, in the direction that
 * the guest programmed (for DMA_TO_MEM buf is read, for DMA_FROM_MEM it is filled, for DMA_VERIFY
 * it is left alone). Returns the bytes passed: less than len when terminal count came first or the
 * channel is idle (0). On 5..7 an odd last byte is not passed. *tc tells whether terminal count
 * was reached.
 */
size_t dma_channel_transfer(struct gm_dev *dma, unsigned int channel, void *buf, size_t len,
			    bool *tc);
/* The request line as the status register shows it, for devices that wait. */
void dma_channel_request(struct gm_dev *dma, unsigned int channel, bool on);

#endif
