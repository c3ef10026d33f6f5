// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PS/2 mouse, with the wheel of Microsoft's IntelliMouse and the five buttons of its Explorer
 * model once the guest has knocked with the sample rates 200, 100, 80 and 200, 200, 80.
 *
 * Source: IBM Personal System/2 Hardware Interface Technical Reference, "Mouse"; Microsoft,
 * "Mouse support: wheel detection". The resolution is kept and reported; counts are the user
 * interface's.
 */
#include "devices/isa/ps2.h"

#include "vmm/clock.h"

#define ACK       0xfa
#define RESEND    0xfe
#define BAT_OK    0xaa
#define MOTION_MAX 100000 /* more than any packet queue ever works off */

static void mouse_defaults(struct ps2_mouse *p)
{
	ps2_fifo_clear(&p->packets);
	p->rate = 100;
	p->resolution = 2;
	p->scale2 = p->remote = p->reporting = p->wrap = false;
	p->dx = p->dy = p->dz = 0;
	p->command = 0;
}

void ps2_mouse_reset(struct ps2_mouse *p)
{
	memset(p, 0, sizeof(*p));
	mouse_defaults(p);
}

static void mouse_reply(struct ps2_mouse *p, const u8 *bytes, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		ps2_fifo_put(&p->reply, bytes[i]);
	memcpy(p->last, bytes, MIN(n, 4u));
	p->last_len = MIN(n, 4u);
}

static void reply1(struct ps2_mouse *p, u8 byte)
{
	mouse_reply(p, &byte, 1);
}

/* ---- packets ---- */

static int take(s32 *v, int min, int max)
{
	int n = *v < min ? min : MIN(*v, max);

	*v -= n;
	return n;
}

/* 2:1 scaling of the reports in stream mode. */
static int scale(int v)
{
	static const u8 small[6] = {0, 1, 1, 3, 6, 9};
	int a = v < 0 ? -v : v;

	a = a < 6 ? small[a] : MIN(2 * a, 255);
	return v < 0 ? -a : a;
}

/* Builds a packet from what has been collected; its length. */
static unsigned int mouse_packet(struct ps2_mouse *p, u8 out[4])
{
	int dx = take(&p->dx, -255, 255), dy = take(&p->dy, -255, 255), dz;

	if (p->scale2 && !p->remote) {
		dx = scale(dx);
		dy = scale(dy);
	}
	out[0] = 0x08 | (p->buttons & 7) | (dx < 0 ? 0x10 : 0) | (dy < 0 ? 0x20 : 0);
	out[1] = (u8)dx;
	out[2] = (u8)dy;
	p->sent_buttons = p->buttons;
	if (!p->id) {
		p->dz = 0;
		return 3;
	}
	if (p->id == 3) {
		out[3] = (u8)take(&p->dz, -128, 127);
	} else {
		dz = take(&p->dz, -8, 7);
		out[3] = (dz & 15) | (p->buttons & 0x18) << 1;
	}
	return 4;
}

static u8 button_mask(const struct ps2_mouse *p)
{
	return p->id == 4 ? 0x1f : 0x07;
}

static bool mouse_moved(const struct ps2_mouse *p)
{
	return p->dx || p->dy || (p->dz && p->id) ||
	       (p->buttons ^ p->sent_buttons) & button_mask(p);
}

static bool mouse_streams(const struct ps2_mouse *p)
{
	return p->reporting && !p->remote && !p->wrap;
}

static void mouse_queue_packet(struct ps2_mouse *p)
{
	u8 out[4];
	unsigned int n;

	if (p->packets.count + 4 > PS2_FIFO)
		return;
	n = mouse_packet(p, out);
	for (unsigned int i = 0; i < n; i++)
		ps2_fifo_put(&p->packets, out[i]);
	memcpy(p->last, out, n);
	p->last_len = n;
}

static s32 collect(s32 sum, int d)
{
	s64 v = (s64)sum + d;

	return v > MOTION_MAX ? MOTION_MAX : v < -MOTION_MAX ? -MOTION_MAX : (s32)v;
}

void ps2_mouse_move(struct ps2_mouse *p, int dx, int dy, int dz, unsigned int buttons)
{
	/* A click shorter than the time between two packets must not vanish. */
	if (mouse_streams(p) && (buttons ^ p->buttons) & 0x1f &&
	    (p->buttons ^ p->sent_buttons) & button_mask(p))
		mouse_queue_packet(p);
	p->dx = collect(p->dx, dx);
	p->dy = collect(p->dy, dy == INT32_MIN ? INT32_MAX : -dy);
	p->dz = collect(p->dz, dz);
	p->buttons = buttons & 0x1f;
}

bool ps2_mouse_get(struct ps2_mouse *p, u64 now, u8 *byte)
{
	if (ps2_fifo_get(&p->reply, byte))
		return true;
	if (!p->packets.count && mouse_streams(p) && mouse_moved(p) && now >= p->next_packet) {
		mouse_queue_packet(p);
		p->next_packet = now + NSEC_PER_SEC / (p->rate ? p->rate : 100);
	}
	return ps2_fifo_get(&p->packets, byte);
}

u64 ps2_mouse_due(const struct ps2_mouse *p)
{
	if (p->reply.count || p->packets.count)
		return 0;
	return mouse_streams(p) && mouse_moved(p) ? p->next_packet : GM_TIME_NEVER;
}

/* ---- commands ---- */

static void set_rate(struct ps2_mouse *p, u8 rate)
{
	if (p->rates[0] == 200 && p->rates[1] == 100 && rate == 80)
		p->id = 3;
	else if (p->rates[0] == 200 && p->rates[1] == 200 && rate == 80)
		p->id = 4;
	p->rates[0] = p->rates[1];
	p->rates[1] = rate;
	p->rate = rate ? rate : 100;
}

static void send_status(struct ps2_mouse *p)
{
	u8 out[4] = {ACK, 0, p->resolution, p->rate};

	out[1] = (p->buttons & 1) << 2 | (p->buttons & 2) >> 1 | (p->buttons & 4) >> 1;
	out[1] |= p->scale2 << 4 | p->reporting << 5 | p->remote << 6;
	mouse_reply(p, out, 4);
}

static void read_data(struct ps2_mouse *p)
{
	u8 out[4];
	unsigned int n;

	reply1(p, ACK);
	n = mouse_packet(p, out);
	mouse_reply(p, out, n);
}

static bool mouse_argument(struct ps2_mouse *p, u8 byte)
{
	u8 command = p->command;

	p->command = 0;
	if (!command)
		return false;
	if (command == 0xe8) {
		if (byte > 3) {
			reply1(p, RESEND);
			return true;
		}
		p->resolution = byte;
	} else {
		set_rate(p, byte);
	}
	reply1(p, ACK);
	return true;
}

static void mouse_full_reset(struct ps2_mouse *p)
{
	static const u8 answer[3] = {ACK, BAT_OK, 0};
	u8 buttons = p->buttons;

	ps2_mouse_reset(p);
	p->buttons = p->sent_buttons = buttons;
	mouse_reply(p, answer, sizeof(answer));
}

/* Commands that change one thing and are acknowledged; false for an unknown one. */
static bool mouse_simple(struct ps2_mouse *p, u8 byte)
{
	switch (byte) {
	case 0xe6:
	case 0xe7:
		p->scale2 = byte & 1;
		return true;
	case 0xe8:
	case 0xf3:
		p->command = byte;
		return true;
	case 0xea:
	case 0xf0:
		p->remote = byte == 0xf0;
		return true;
	case 0xec:
	case 0xee:
		p->wrap = byte == 0xee;
		return true;
	case 0xf4:
	case 0xf5:
		p->reporting = byte == 0xf4;
		p->sent_buttons = p->buttons;
		p->dx = p->dy = p->dz = 0;
		return true;
	case 0xf6:
		mouse_defaults(p);
		return true;
	}
	return false;
}

void ps2_mouse_write(struct ps2_mouse *p, u8 byte)
{
	u8 id[2];

	if (p->wrap && byte != 0xec && byte != 0xff) {
		reply1(p, byte);
		return;
	}
	/* A command ends what is being sent. */
	ps2_fifo_clear(&p->packets);
	if (mouse_argument(p, byte))
		return;
	switch (byte) {
	case 0xe9:
		send_status(p);
		break;
	case 0xeb:
		read_data(p);
		break;
	case 0xf2:
		id[0] = ACK;
		id[1] = p->id;
		mouse_reply(p, id, 2);
		break;
	case 0xfe:
		for (unsigned int i = 0; i < p->last_len; i++)
			ps2_fifo_put(&p->reply, p->last[i]);
		break;
	case 0xff:
		mouse_full_reset(p);
		break;
	default:
		reply1(p, mouse_simple(p, byte) ? ACK : RESEND);
	}
}

/* ---- state ---- */

bool ps2_mouse_valid(const struct ps2_mouse *p)
{
	return ps2_fifo_valid(&p->reply) && ps2_fifo_valid(&p->packets) && p->last_len <= 4 &&
	       (p->id == 0 || p->id == 3 || p->id == 4);
}

static const struct gm_field mouse_fields[] = {
	GM_STRUCT(struct ps2_mouse, reply, &ps2_fifo_desc),
	GM_STRUCT(struct ps2_mouse, packets, &ps2_fifo_desc),
	GM_U8(struct ps2_mouse, command),
	GM_U8(struct ps2_mouse, id),
	GM_U8(struct ps2_mouse, rate),
	GM_U8(struct ps2_mouse, resolution),
	GM_U8(struct ps2_mouse, rates),
	GM_U8(struct ps2_mouse, buttons),
	GM_U8(struct ps2_mouse, sent_buttons),
	GM_U8(struct ps2_mouse, last),
	GM_U8(struct ps2_mouse, last_len),
	GM_BOOL(struct ps2_mouse, reporting),
	GM_BOOL(struct ps2_mouse, remote),
	GM_BOOL(struct ps2_mouse, wrap),
	GM_BOOL(struct ps2_mouse, scale2),
	GM_U32(struct ps2_mouse, dx),
	GM_U32(struct ps2_mouse, dy),
	GM_U32(struct ps2_mouse, dz),
	GM_U64(struct ps2_mouse, next_packet),
	GM_FIELDS_END,
};

const struct gm_state_desc ps2_mouse_desc = {
	.name = "mouse", .version = 1, .size = sizeof(struct ps2_mouse), .fields = mouse_fields,
};
