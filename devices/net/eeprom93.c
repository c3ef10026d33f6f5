// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The serial EEPROM that network cards keep their address in; see nic.h. Reading works, also of
 * several words in a row; writing and erasing are accepted and change nothing.
 */
#include "devices/net/nic.h"

#define CMD_BITS 9 /* start bit, two of operation, six of address */
#define OP_READ  2

void eeprom93_set(struct eeprom93 *e, bool cs, bool sk, bool di)
{
	bool rise = cs && e->cs && sk && !e->sk;

	if (!cs || !e->cs) {
		e->reading = false;
		e->count = 0;
		e->shift = 0;
		e->out = true; /* ready */
	}
	e->cs = cs;
	e->sk = sk;
	if (!rise)
		return;
	if (e->reading) {
		e->out = e->shift >> 15;
		e->shift = (u16)(e->shift << 1);
		if (++e->count < 16)
			return;
		e->addr = (e->addr + 1) & 63;
		e->shift = e->word[e->addr];
		e->count = 0;
		return;
	}
	/* Zeros before the start bit mean nothing; so does what follows a whole command. */
	if ((!e->count && !di) || e->count == CMD_BITS)
		return;
	e->shift = (u16)(e->shift << 1 | di);
	if (++e->count < CMD_BITS || (e->shift >> 6 & 3) != OP_READ)
		return;
	e->addr = e->shift & 63;
	e->shift = e->word[e->addr];
	e->count = 0;
	e->reading = true;
	e->out = false; /* a zero goes before the data */
}

static const struct gm_field eeprom93_fields[] = {
	GM_U16(struct eeprom93, word),
	GM_U16(struct eeprom93, shift),
	GM_U8(struct eeprom93, count),
	GM_U8(struct eeprom93, addr),
	GM_BOOL(struct eeprom93, cs),
	GM_BOOL(struct eeprom93, sk),
	GM_BOOL(struct eeprom93, reading),
	GM_BOOL(struct eeprom93, out),
	GM_FIELDS_END,
};

const struct gm_state_desc eeprom93_state = {
	.name = "eeprom93",
	.version = 1,
	.size = sizeof(struct eeprom93),
	.fields = eeprom93_fields,
};
