// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The USB tablet: control requests, descriptors, reports.
 *
 * Sources: USB specification 1.1, chapter 9; Device Class Definition for Human Interface Devices
 * 1.11, sections 6.2 and 7.2, appendix B; HID Usage Tables 1.12, section 4.
 */
#include "devices/usb/tablet.h"

#define PACKET0 8 /* bytes a packet of endpoint 0 */

static const u8 device_descriptor[] = {
	18, 1, 0x10, 0x01,      /* USB 1.1 */
	0, 0, 0, PACKET0,
	0x09, 0x12, 0x01, 0x00, /* 1209:0001 */
	0x00, 0x01, 1, 2, 3, 1, /* release, strings, one configuration */
};

/* Three buttons, x and y from 0 to 7FFFh, a wheel. */
static const u8 report_descriptor[] = {
	0x05, 0x01, 0x09, 0x02, 0xa1, 0x01, 0x09, 0x01, 0xa1, 0x00, /* mouse, pointer */
	0x05, 0x09, 0x19, 0x01, 0x29, 0x03, 0x15, 0x00, 0x25, 0x01, /* buttons 1 to 3 */
	0x95, 0x03, 0x75, 0x01, 0x81, 0x02, 0x95, 0x01, 0x75, 0x05, 0x81, 0x01,
	0x05, 0x01, 0x09, 0x30, 0x09, 0x31, 0x15, 0x00, 0x26, 0xff, 0x7f, /* x, y */
	0x35, 0x00, 0x46, 0xff, 0x7f, 0x75, 0x10, 0x95, 0x02, 0x81, 0x02,
	0x09, 0x38, 0x15, 0x81, 0x25, 0x7f, 0x35, 0x00, 0x45, 0x00, /* wheel, relative */
	0x75, 0x08, 0x95, 0x01, 0x81, 0x06, 0xc0, 0xc0,
};

#define REPORT 6

static const u8 config_descriptor[] = {
	9, 2, 34, 0, 1, 1, 0, 0x80, 50,      /* one interface, bus-powered, 100 mA */
	9, 4, 0, 0, 1, 3, 0, 0, 0,           /* HID, no boot protocol */
	9, 0x21, 0x11, 0x01, 0, 1, 0x22, sizeof(report_descriptor), 0,
	7, 5, 0x81, 3, REPORT + 2, 0, 8,     /* interrupt IN, every 8 ms */
};
#define HID_AT 18

static const char *const strings[] = {NULL, "Guestmode", "USB tablet", "1"};

void usb_tablet_reset(struct usb_tablet *t)
{
	struct tablet_report now = t->now;

	memset(t, 0, sizeof(*t));
	t->protocol = 1;
	t->now = now;
}

/* ---- control requests ---- */

static int answer(struct usb_tablet *t, const void *data, size_t len)
{
	unsigned int asked = t->setup[6] | t->setup[7] << 8;

	len = MIN(len, sizeof(t->data));
	memcpy(t->data, data, len);
	t->data_len = (u16)MIN(len, (size_t)asked);
	return 0;
}

static int answer_string(struct usb_tablet *t, unsigned int i)
{
	static const u8 languages[] = {4, 3, 0x09, 0x04};
	u8 out[64] = {0, 3};
	size_t n, k;

	if (!i)
		return answer(t, languages, sizeof(languages));
	if (i >= ARRAY_SIZE(strings))
		return USB_STALL;
	n = strlen(strings[i]);
	for (k = 0; k < n; k++)
		out[2 + 2 * k] = (u8)strings[i][k];
	out[0] = (u8)(2 + 2 * n);
	return answer(t, out, out[0]);
}

static int get_descriptor(struct usb_tablet *t)
{
	switch (t->setup[3]) {
	case 1:
		return answer(t, device_descriptor, sizeof(device_descriptor));
	case 2:
		return t->setup[2] ? USB_STALL : answer(t, config_descriptor, sizeof(config_descriptor));
	case 3:
		return answer_string(t, t->setup[2]);
	}
	return USB_STALL;
}

static int get_class_descriptor(struct usb_tablet *t)
{
	if (t->setup[3] == 0x21)
		return answer(t, config_descriptor + HID_AT, 9);
	if (t->setup[3] == 0x22)
		return answer(t, report_descriptor, sizeof(report_descriptor));
	return USB_STALL;
}

static void report_bytes(const struct tablet_report *r, u8 out[REPORT])
{
	out[0] = r->buttons;
	out[1] = (u8)r->x;
	out[2] = (u8)(r->x >> 8);
	out[3] = (u8)r->y;
	out[4] = (u8)(r->y >> 8);
	out[5] = (u8)r->wheel;
}

static int get_report(struct usb_tablet *t)
{
	u8 out[REPORT];

	report_bytes(&t->now, out);
	out[5] = 0;
	return answer(t, out, sizeof(out));
}

static int get_status(struct usb_tablet *t)
{
	u8 out[2] = {0};

	if (t->setup[0] == 0x82)
		out[0] = t->setup[4] == 0x81 && t->halted;
	return answer(t, out, sizeof(out));
}

static int set_configuration(struct usb_tablet *t)
{
	if (t->setup[2] > 1)
		return USB_STALL;
	t->configuration = t->setup[2];
	t->halted = false;
	t->count = 0;
	t->polled = 0;
	return 0;
}

/* Feature 0 of an endpoint is its halt; the device has none of its own. */
static int endpoint_feature(struct usb_tablet *t)
{
	if (t->setup[2] || t->setup[4] != 0x81)
		return USB_STALL;
	t->halted = t->setup[1] == 3;
	return 0;
}

static int set_address(struct usb_tablet *t)
{
	if (t->setup[2] > 127)
		return USB_STALL;
	t->new_address = t->setup[2] | 0x80;
	return 0;
}

static int get_configuration(struct usb_tablet *t)
{
	return answer(t, &t->configuration, 1);
}

static int get_interface(struct usb_tablet *t)
{
	return answer(t, "", 1);
}

static int set_interface(struct usb_tablet *t)
{
	return t->setup[2] || t->setup[4] ? USB_STALL : 0;
}

static int get_idle(struct usb_tablet *t)
{
	return answer(t, &t->idle, 1);
}

static int set_idle(struct usb_tablet *t)
{
	t->idle = t->setup[3];
	return 0;
}

static int get_protocol(struct usb_tablet *t)
{
	return answer(t, &t->protocol, 1);
}

static int set_protocol(struct usb_tablet *t)
{
	t->protocol = t->setup[2] & 1;
	return 0;
}

static int ignore(struct usb_tablet *t)
{
	return 0;
}

/* By bmRequestType and bRequest. */
static const struct {
	u8 type, request;
	int (*fn)(struct usb_tablet *t);
} requests[] = {
	{0x80, 0, get_status},		{0x81, 0, get_status},	   {0x82, 0, get_status},
	{0x02, 1, endpoint_feature},	{0x02, 3, endpoint_feature}, {0x00, 5, set_address},
	{0x80, 6, get_descriptor},	{0x81, 6, get_class_descriptor},
	{0x80, 8, get_configuration},	{0x00, 9, set_configuration},
	{0x81, 10, get_interface},	{0x01, 11, set_interface},
	{0xa1, 1, get_report},		{0x21, 9, ignore},	   {0xa1, 2, get_idle},
	{0x21, 10, set_idle},		{0xa1, 3, get_protocol},   {0x21, 11, set_protocol},
};

int usb_tablet_setup(struct usb_tablet *t, const u8 *buf, unsigned int len)
{
	size_t i;
	int ret = USB_STALL;

	if (len != sizeof(t->setup))
		return USB_STALL;
	memcpy(t->setup, buf, sizeof(t->setup));
	t->data_len = t->data_pos = 0;
	t->data_in = t->setup[0] & 0x80;
	t->new_address = 0;
	for (i = 0; i < ARRAY_SIZE(requests); i++)
		if (requests[i].type == t->setup[0] && requests[i].request == t->setup[1])
			ret = requests[i].fn(t);
	/* The request itself is always taken; what follows it is refused. */
	t->stalled = ret < 0;
	return (int)len;
}

static int control_in(struct usb_tablet *t, u8 *buf, unsigned int max)
{
	unsigned int n;

	if (t->stalled)
		return USB_STALL;
	if (!t->data_in) { /* the end of a request that writes */
		if (t->new_address)
			t->address = t->new_address & 127;
		t->new_address = 0;
		return 0;
	}
	n = MIN(MIN(max, (unsigned int)PACKET0), (unsigned int)(t->data_len - t->data_pos));
	memcpy(buf, t->data + t->data_pos, n);
	t->data_pos = (u16)(t->data_pos + n);
	return (int)n;
}

/* ---- reports ---- */

static int report_in(struct usb_tablet *t, u8 *buf, unsigned int max, u64 now)
{
	u8 out[REPORT];

	if (!t->configuration)
		return USB_NODEV;
	if (t->halted)
		return USB_STALL;
	t->polled = now ? now : 1;
	if (!t->count)
		return USB_NAK;
	report_bytes(&t->queue[t->head], out);
	t->head = (t->head + 1) % TABLET_QUEUE;
	t->count--;
	memcpy(buf, out, MIN(max, (unsigned int)REPORT));
	return (int)MIN(max, (unsigned int)REPORT);
}

int usb_tablet_in(struct usb_tablet *t, unsigned int endpoint, u8 *buf, unsigned int max, u64 now)
{
	if (!endpoint)
		return control_in(t, buf, max);
	return endpoint == 1 ? report_in(t, buf, max, now) : USB_STALL;
}

int usb_tablet_out(struct usb_tablet *t, unsigned int endpoint, const u8 *buf, unsigned int len)
{
	return endpoint || t->stalled ? USB_STALL : (int)len;
}

/* Positions that the guest has not fetched yet give way to newer ones; clicks and the wheel do
 * not. */
void usb_tablet_move(struct usb_tablet *t, unsigned int x, unsigned int y, int dz,
		     unsigned int buttons)
{
	unsigned int px = MIN(x, 0x7fffu), py = MIN(y, 0x7fffu);
	int up = -MIN(MAX(dz, -127), 127);
	struct tablet_report r = {.x = (u16)px, .y = (u16)py, .buttons = buttons & 7,
				  .wheel = (s8)up};
	struct tablet_report *last =
		&t->queue[(t->head + t->count + TABLET_QUEUE - 1) % TABLET_QUEUE];
	bool merge = t->count && last->buttons == r.buttons && !last->wheel && !r.wheel;

	t->now = r;
	if (!t->configuration)
		return;
	if (merge || t->count == TABLET_QUEUE)
		*last = r;
	else
		t->queue[(t->head + t->count++) % TABLET_QUEUE] = r;
}

/* ---- state ---- */

bool usb_tablet_valid(const struct usb_tablet *t)
{
	return t->head < TABLET_QUEUE && t->count <= TABLET_QUEUE &&
	       t->data_len <= sizeof(t->data) && t->data_pos <= t->data_len;
}

static const struct gm_field report_fields[] = {
	GM_U16(struct tablet_report, x),
	GM_U16(struct tablet_report, y),
	GM_U8(struct tablet_report, buttons),
	GM_U8(struct tablet_report, wheel),
	GM_FIELDS_END,
};

static const struct gm_state_desc report_desc = {
	.name = "tablet-report", .version = 1, .size = sizeof(struct tablet_report),
	.fields = report_fields,
};

static const struct gm_field tablet_fields[] = {
	GM_U8(struct usb_tablet, address),
	GM_U8(struct usb_tablet, new_address),
	GM_U8(struct usb_tablet, configuration),
	GM_U8(struct usb_tablet, idle),
	GM_U8(struct usb_tablet, protocol),
	GM_BOOL(struct usb_tablet, halted),
	GM_BYTES(struct usb_tablet, setup),
	GM_BYTES(struct usb_tablet, data),
	GM_U16(struct usb_tablet, data_len),
	GM_U16(struct usb_tablet, data_pos),
	GM_BOOL(struct usb_tablet, data_in),
	GM_BOOL(struct usb_tablet, stalled),
	GM_STRUCTS(struct usb_tablet, queue, struct tablet_report, &report_desc),
	GM_U8(struct usb_tablet, head),
	GM_U8(struct usb_tablet, count),
	GM_STRUCT(struct usb_tablet, now, &report_desc),
	GM_U64(struct usb_tablet, polled),
	GM_FIELDS_END,
};

const struct gm_state_desc usb_tablet_desc = {
	.name = "usb-tablet", .version = 1, .size = sizeof(struct usb_tablet),
	.fields = tablet_fields,
};
