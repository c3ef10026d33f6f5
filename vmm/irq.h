/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An interrupt line: whoever drives it calls gm_irq_set(), whoever receives it supplies `set`. */
#ifndef VMM_IRQ_H
#define VMM_IRQ_H

#include "vmm/types.h"

struct gm_irq {
	void (*set)(void *opaque, int line, int level);
	void *opaque;
	int line;
};

/* level is 0 or 1. An unconnected line (set == NULL) is legal. Machine lock held. */
static inline void gm_irq_set(const struct gm_irq *irq, int level)
{
	if (irq->set)
		irq->set(irq->opaque, irq->line, level);
}

static inline void gm_irq_pulse(const struct gm_irq *irq)
{
	gm_irq_set(irq, 1);
	gm_irq_set(irq, 0);
}

#endif
