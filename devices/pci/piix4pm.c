/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel 82371AB function 3: the ACPI PM1 and general-purpose event blocks, the PM timer, the
 * SMI command port (B2h/B3h) and an SMBus host whose bus is empty.
 * Sources: Intel 82371AB (PIIX4) datasheet (290562), sections 7.1 to 7.3; ACPI specification
 * 1.0b, section 4.7 (fixed hardware).
 */
#include <errno.h>

#include "devices/pci/piix4pm.h"

/* Configuration space */
#define REG_PMBA     0x40
#define REG_DEVACTB  0x58
#define DEVACTB_APMC 0x02 /* bit 25: a write to B2h makes an SMI; in byte 5Bh */
#define REG_PMREGMISC 0x80
#define REG_SMBBA    0x90
#define REG_SMBHSTCFG 0xd2

/* PM block */
#define PM_LEN       64
#define PMSTS        0x00
#define PMEN         0x02
#define PMCNTRL      0x04
#define PMTMR        0x08
#define GPSTS        0x0c
#define GPEN         0x0e
#define PCNTRL       0x10
#define GLBSTS       0x18
#define GLBEN        0x20
#define GLBCTL       0x28
#define DEVCTL       0x2c

#define STS_TMROF    0x0001
#define STS_GBL      0x0020
#define STS_PWRBTN   0x0100
#define STS_RTC      0x0400
#define STS_WAK      0x8000
#define STS_ALL      (STS_TMROF | 0x0010 | STS_GBL | STS_PWRBTN | STS_RTC | STS_WAK)
#define EN_ALL       (STS_TMROF | STS_GBL | STS_PWRBTN | STS_RTC)
#define CNT_SCI_EN   0x0001
#define CNT_BM_RLD   0x0002
#define CNT_SLP_TYP  0x1c00
#define CNT_SLP_SHIFT 10
#define CNT_SLP_EN   0x2000

#define TMR_MASK     0xffffff /* 24 bits */
#define TMR_MSB      0x800000

/* SMBus host */
#define SMB_LEN      16
#define SMB_HSTSTS   0x00
#define SMB_HSTCNT   0x02
#define SMB_HSTADD   0x04
#define HSTSTS_INTER 0x02
#define HSTSTS_DEVERR 0x04
#define HSTSTS_W1C   0x1e
#define HSTCNT_START 0x40

struct piix4pm {
	struct gm_pci_dev pci;
	struct gm_irq sci, smi;
	struct gm_region *pm, *smb;
	bool smm;

	u16 pmsts, pmen, pmcntrl;
	u16 gpsts, gpen;
	u8 misc[PM_LEN];   /* registers that only hold what was written */
	u8 smbus[SMB_LEN];
	u8 apmc, apms;
	struct gm_timer overflow;
	u64 timer_seen;    /* ticks at which the overflow status was last brought up to date */
};

/* ---- timer and SCI ---- */

static u64 pm_ticks(const struct piix4pm *s)
{
	return gm_muldiv(gm_clock_now(s->pci.dev.m->clock), GM_PM_TIMER_HZ, NSEC_PER_SEC);
}

/* TMROF_STS is set whenever bit 23 changes, either way. */
static void pm_timer_update(struct piix4pm *s)
{
	u64 now = pm_ticks(s);
	u64 half = now / TMR_MSB;

	if (half != s->timer_seen / TMR_MSB)
		s->pmsts |= STS_TMROF;
	s->timer_seen = now;
	if (s->pmen & STS_TMROF && !(s->pmsts & STS_TMROF))
		/* one tick late rather than early, as the division rounds down */
		gm_timer_set(&s->overflow, gm_muldiv((half + 1) * TMR_MSB + 1, NSEC_PER_SEC,
						     GM_PM_TIMER_HZ));
	else
		gm_timer_cancel(&s->overflow);
}

static void pm_sci_update(struct piix4pm *s)
{
	bool level;

	pm_timer_update(s);
	level = s->pmcntrl & CNT_SCI_EN &&
		((s->pmsts & s->pmen & EN_ALL) || (s->gpsts & s->gpen));
	gm_irq_set(&s->sci, level);
}

static void pm_overflow(void *opaque)
{
	pm_sci_update(opaque);
}

bool gm_piix4pm_power_button(struct gm_dev *d)
{
	struct piix4pm *s = container_of(d, struct piix4pm, pci.dev);

	s->pmsts |= STS_PWRBTN;
	pm_sci_update(s);
	return s->pmcntrl & CNT_SCI_EN && s->pmen & STS_PWRBTN;
}

static bool pm_button_pressed(void *opaque)
{
	return gm_piix4pm_power_button(opaque);
}

/* ---- the PM block ---- */

static void pm_sleep(struct piix4pm *s, u16 val)
{
	unsigned int type = (val & CNT_SLP_TYP) >> CNT_SLP_SHIFT;

	if (!(val & CNT_SLP_EN))
		return;
	if (type == GM_PM_SLP_TYP_S5)
		gm_machine_request_poweroff(s->pci.dev.m);
	/* Other states are not described by the DSDT; the chip would leave them at once. */
}

/* Registers are 16 bits wide here; PMTMR is read as two halves. */
static u64 pm_read(void *opaque, u64 off, unsigned int size)
{
	struct piix4pm *s = opaque;
	u32 timer;

	switch (off) {
	case PMSTS:
		pm_timer_update(s);
		return s->pmsts;
	case PMEN: return s->pmen;
	case PMCNTRL: return s->pmcntrl;
	case PMTMR:
		timer = (u32)pm_ticks(s) & TMR_MASK;
		return size == 4 ? timer : timer & 0xffff;
	case PMTMR + 2: return pm_ticks(s) >> 16 & 0xff;
	case GPSTS: return s->gpsts;
	case GPEN: return s->gpen;
	default: break;
	}
	return (u64)s->misc[off] | (u64)s->misc[off + 1] << 8;
}

static void pm_write16(struct piix4pm *s, unsigned int off, u16 val)
{
	switch (off) {
	case PMSTS:
		pm_timer_update(s);
		s->pmsts &= (u16)~(val & STS_ALL);
		break;
	case PMEN: s->pmen = val & EN_ALL; break;
	case PMCNTRL:
		/* GBL_RLS and SLP_EN are write-only; SCI_EN belongs to the firmware, which our
		 * SMI command port stands for, but the chip's bit is writable. */
		s->pmcntrl = val & (CNT_SCI_EN | CNT_BM_RLD | CNT_SLP_TYP);
		pm_sleep(s, val);
		break;
	case PMTMR:
	case PMTMR + 2: return;
	case GPSTS: s->gpsts &= (u16)~val; break;
	case GPEN: s->gpen = val & 0x0f01; break;
	default:
		s->misc[off] = (u8)val;
		s->misc[off + 1] = (u8)(val >> 8);
		return;
	}
	pm_sci_update(s);
}

static void pm_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct piix4pm *s = opaque;
	unsigned int at = off & ~1u;

	if (size >= 2) {
		pm_write16(s, at, (u16)val);
		if (size == 4)
			pm_write16(s, at + 2, (u16)(val >> 16));
		return;
	}
	/* A byte write leaves the other half: 0 for bits that a one clears, as they are. */
	if (at == PMSTS || at == GPSTS) {
		pm_write16(s, at, (u16)(val << 8 * (off & 1)));
	} else {
		u16 old = (u16)pm_read(s, at, 2);

		pm_write16(s, at, off & 1 ? (u16)((old & 0xff) | val << 8)
					  : (u16)((old & 0xff00) | val));
	}
}

static u64 pm_port_read(void *opaque, u64 off, unsigned int size)
{
	u64 val = pm_read(opaque, off & ~1ULL, size);

	if (size == 4 && off != PMTMR)
		val = (val & 0xffff) | pm_read(opaque, off + 2, 2) << 16;
	return off & 1 ? val >> 8 : val;
}

static const struct gm_region_ops pm_ops = {
	.name = "piix4 pm",
	.read = pm_port_read,
	.write = pm_write,
	.min_size = 1,
	.max_size = 4,
};

/* ---- SMBus: nobody is on it ---- */

static u64 smb_read(void *opaque, u64 off, unsigned int size)
{
	struct piix4pm *s = opaque;

	return s->smbus[off];
}

static void smb_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct piix4pm *s = opaque;

	if (off == SMB_HSTSTS) {
		s->smbus[off] &= (u8)~(val & HSTSTS_W1C);
		return;
	}
	s->smbus[off] = (u8)val;
	if (off == SMB_HSTCNT && val & HSTCNT_START) {
		s->smbus[SMB_HSTCNT] &= (u8)~HSTCNT_START;
		s->smbus[SMB_HSTSTS] |= HSTSTS_DEVERR; /* no address acknowledge */
	}
}

static const struct gm_region_ops smb_ops = {
	.name = "piix4 smbus",
	.read = smb_read,
	.write = smb_write,
	.min_size = 1,
	.max_size = 1,
};

/* ---- SMI command port ---- */

static u64 apm_read(void *opaque, u64 off, unsigned int size)
{
	struct piix4pm *s = opaque;

	return off ? s->apms : s->apmc;
}

/* The firmware's SMI handler would set and clear SCI_EN: with SeaBIOS that is all it does, so the
 * port does it itself, with and without SMM. */
static void apm_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct piix4pm *s = opaque;

	if (off) {
		s->apms = (u8)val;
		return;
	}
	s->apmc = (u8)val;
	if (val == GM_PM_ACPI_ON)
		s->pmcntrl |= CNT_SCI_EN;
	else if (val == GM_PM_ACPI_OFF)
		s->pmcntrl &= (u16)~CNT_SCI_EN;
	pm_sci_update(s);
	if (s->smm && s->pci.config[REG_DEVACTB + 3] & DEVACTB_APMC)
		gm_irq_pulse(&s->smi);
}

static const struct gm_region_ops apm_ops = {
	.name = "piix4 smi command",
	.read = apm_read,
	.write = apm_write,
	.min_size = 1,
	.max_size = 1,
};

/* ---- decoding ---- */

static void pm_place(struct gm_region *r, u16 base, u16 len, bool on)
{
	base &= (u16)~(len - 1);
	on = on && base;
	if (on)
		gm_region_move(r, base);
	gm_region_enable(r, on);
}

static void pm_decode(struct piix4pm *s)
{
	const u8 *c = s->pci.config;

	pm_place(s->pm, gm_pci_get16(&s->pci, REG_PMBA), PM_LEN, c[REG_PMREGMISC] & 1);
	pm_place(s->smb, gm_pci_get16(&s->pci, REG_SMBBA), SMB_LEN, c[REG_SMBHSTCFG] & 1);
}

static void pm_config_written(struct gm_pci_dev *d, unsigned int off, unsigned int size)
{
	if (off >= 0x40)
		pm_decode(container_of(d, struct piix4pm, pci));
}

/* ---- class ---- */

static int pm_init(struct gm_dev *d, const void *cfg)
{
	struct piix4pm *s = container_of(d, struct piix4pm, pci.dev);
	const struct gm_piix4pm_cfg *c = cfg;
	u8 *w = s->pci.wmask;
	int rc = gm_pci_init(&s->pci, &c->pci);

	if (rc)
		return rc;
	s->sci = c->sci;
	s->smi = c->smi;
	s->smm = c->smm;
	w[REG_PMBA] = PM_LEN & 0xc0;
	w[REG_PMBA + 1] = 0xff;
	memset(w + 0x44, 0xff, 0x78 - 0x44); /* counters, device monitors */
	if (!s->smm)
		memset(w + REG_DEVACTB, 0, 4);
	w[REG_PMREGMISC] = 1;
	w[REG_SMBBA] = 0xf0;
	w[REG_SMBBA + 1] = 0xff;
	w[REG_SMBHSTCFG] = 0x0f;
	memset(w + 0xd3, 0xff, 3);

	s->pm = gm_region_add(d->m->pio, GM_PM_IO_BASE, PM_LEN, &pm_ops, s);
	s->smb = gm_region_add(d->m->pio, GM_PM_SMB_BASE, SMB_LEN, &smb_ops, s);
	if (!s->pm || !s->smb || !gm_region_add(d->m->pio, GM_PM_SMI_CMD, 2, &apm_ops, s))
		return -ENOMEM;
	gm_region_enable(s->pm, false);
	gm_region_enable(s->smb, false);
	gm_timer_init(&s->overflow, d->m->clock, pm_overflow, s);
	d->m->power_button = pm_button_pressed;
	d->m->power_button_opaque = d;
	return 0;
}

static void pm_reset(struct gm_dev *d)
{
	struct piix4pm *s = container_of(d, struct piix4pm, pci.dev);
	u8 *c = s->pci.config;

	gm_pci_reset(&s->pci);
	gm_pci_set16(&s->pci, 0x06, 0x0280);
	memset(c + 0x40, 0, 0xc0);
	c[REG_PMBA] = 1;
	c[REG_SMBBA] = 1;
	if (!s->smm)
		c[REG_DEVACTB + 3] = DEVACTB_APMC;
	s->pmsts = s->pmen = s->pmcntrl = 0;
	s->gpsts = s->gpen = 0;
	memset(s->misc, 0, sizeof(s->misc));
	memset(s->smbus, 0, sizeof(s->smbus));
	s->apmc = s->apms = 0;
	s->timer_seen = pm_ticks(s);
	pm_decode(s);
	pm_sci_update(s);
}

static int pm_loaded(struct gm_dev *d)
{
	struct piix4pm *s = container_of(d, struct piix4pm, pci.dev);

	gm_pci_loaded(&s->pci);
	pm_decode(s);
	pm_sci_update(s);
	return 0;
}

static const struct gm_field pm_fields[] = {
	GM_STRUCT(struct piix4pm, pci, &gm_pci_state),
	GM_U16(struct piix4pm, pmsts),
	GM_U16(struct piix4pm, pmen),
	GM_U16(struct piix4pm, pmcntrl),
	GM_U16(struct piix4pm, gpsts),
	GM_U16(struct piix4pm, gpen),
	GM_BYTES(struct piix4pm, misc),
	GM_BYTES(struct piix4pm, smbus),
	GM_U8(struct piix4pm, apmc),
	GM_U8(struct piix4pm, apms),
	GM_TIMER(struct piix4pm, overflow),
	GM_U64(struct piix4pm, timer_seen),
	GM_OMIT(struct piix4pm, sci, "wiring"),
	GM_OMIT(struct piix4pm, smi, "wiring"),
	GM_OMIT(struct piix4pm, pm, "follows from config"),
	GM_OMIT(struct piix4pm, smb, "follows from config"),
	GM_OMIT(struct piix4pm, smm, "machine configuration"),
	GM_FIELDS_END,
};

static const struct gm_state_desc pm_state = {
	.name = "piix4pm",
	.version = 1,
	.size = sizeof(struct piix4pm),
	.fields = pm_fields,
};

const struct gm_pci_class gm_piix4pm_class = {
	.dev = {
		.name = "piix4pm",
		.title = "Intel PIIX4 power management",
		.size = sizeof(struct piix4pm),
		.state = &pm_state,
		.init = pm_init,
		.reset = pm_reset,
		.loaded = pm_loaded,
	},
	.vendor = 0x8086,
	.device = 0x7113,
	.subvendor = 0x1af4,
	.subdevice = 0x1100,
	.class_code = 0x068000,
	.revision = 3,
	.int_pin = 1,
	.config_written = pm_config_written,
};
