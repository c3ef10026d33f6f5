// SPDX-License-Identifier: GPL-2.0-or-later
/* The values of --net and --device. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "vmm/config.h"

char *config_next_part(char **p)
{
	char *start = *p, *in = *p, *out = *p;

	if (!start)
		return NULL;
	while (*in) {
		if (in[0] == ',' && in[1] == ',')
			in++;
		else if (in[0] == ',')
			break;
		*out++ = *in++;
	}
	*p = *in ? in + 1 : NULL;
	*out = 0;
	return start;
}

/* ---- --net ---- */

static const struct {
	const char *name;
	enum gm_net_kind kind;
} net_kinds[] = {
	{"user", GM_NET_USER},
	{"tap", GM_NET_TAP},
	{"pair", GM_NET_PAIR},
	{"none", GM_NET_NONE},
};

static const struct {
	const char *name;
	enum config_nic model;
} net_models[] = {
	{"e1000", CONFIG_NIC_E1000},
	{"rtl8139", CONFIG_NIC_RTL8139},
	{"ne2000", CONFIG_NIC_NE2000},
	{"ne2000-isa", CONFIG_NIC_NE2000_ISA},
	{"virtio", CONFIG_NIC_VIRTIO},
	{"virtio-net", CONFIG_NIC_VIRTIO},
};

static int net_model(struct config_net *n, const char *v, char *err, size_t len)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(net_models); i++) {
		if (strcmp(net_models[i].name, v))
			continue;
		n->model = net_models[i].model;
		return 0;
	}
	return config_fail(err, len, "model=%s: not known (e1000, rtl8139, ne2000, ne2000-isa, virtio)",
		    v);
}

/* Six bytes; not a group address, which no card can have. */
static int net_mac(struct config_net *n, const char *v, char *err, size_t len)
{
	unsigned int b[6], i;
	int end = 0;

	if (sscanf(v, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
		   &end) != 6 || v[end])
		return config_fail(err, len, "mac=%s: not an address (52:54:00:12:34:56)", v);
	if (b[0] & 1)
		return config_fail(err, len, "mac=%s: is a group address", v);
	for (i = 0; i < 6; i++)
		n->mac[i] = (u8)b[i];
	n->has_mac = true;
	return 0;
}

static int net_forward(struct config_net *n, const char *v, char *err, size_t len)
{
	if (n->o.nforwards == GM_NET_FORWARDS)
		return config_fail(err, len, "too many forwards (at most %d)", GM_NET_FORWARDS);
	if (!gm_net_forward_valid(v))
		return config_fail(err, len, "forward=%s: not understood (tcp:2222:22 or "
			    "tcp:ADDRESS:2222:ADDRESS:22)", v);
	n->o.forwards[n->o.nforwards++] = v;
	return 0;
}

static int net_fd(struct config_net *n, const char *v, char *err, size_t len)
{
	char *end;
	long fd = strtol(v, &end, 10);

	if (end == v || *end || fd < 3 || fd > 65535)
		return config_fail(err, len, "fd=%s: not a descriptor", v);
	n->o.fd = (int)fd;
	return 0;
}

#define KINDS_ANY  0xff
#define KIND(k)    (1u << (k))

/* The strings stay in the copy of the whole value that `text` owns. */
static const struct net_key {
	const char *name;
	unsigned int kinds;
	size_t offset; /* of a string in struct gm_net_options, when set is NULL */
	int (*set)(struct config_net *n, const char *v, char *err, size_t len);
} net_keys[] = {
	{"model", KINDS_ANY, 0, net_model},
	{"mac", KINDS_ANY, 0, net_mac},
	{"capture", KINDS_ANY, offsetof(struct gm_net_options, capture), NULL},
	{"forward", KIND(GM_NET_USER), 0, net_forward},
	{"tftp", KIND(GM_NET_USER), offsetof(struct gm_net_options, tftp), NULL},
	{"bootfile", KIND(GM_NET_USER), offsetof(struct gm_net_options, bootfile), NULL},
	{"ifname", KIND(GM_NET_TAP), offsetof(struct gm_net_options, ifname), NULL},
	{"script", KIND(GM_NET_TAP), offsetof(struct gm_net_options, script), NULL},
	{"path", KIND(GM_NET_PAIR), offsetof(struct gm_net_options, path), NULL},
	{"fd", KIND(GM_NET_PAIR), 0, net_fd},
};

static int net_switch(struct config_net *n, const char *part, char *err, size_t len)
{
	if (!strcmp(part, "modern"))
		n->modern = true;
	else if (!strcmp(part, "split"))
		n->split = true;
	else if (!strcmp(part, "norom"))
		n->no_rom = true;
	else if (!strcmp(part, "restrict") && n->o.kind == GM_NET_USER)
		n->o.restrict_host = true;
	else
		return config_fail(err, len, "'%s' is not known here", part);
	return 0;
}

static int net_part(struct config_net *n, char *part, char *err, size_t len)
{
	char *value = strchr(part, '=');
	size_t i;

	if (!value)
		return net_switch(n, part, err, len);
	*value++ = 0;
	for (i = 0; i < ARRAY_SIZE(net_keys); i++) {
		const struct net_key *k = &net_keys[i];

		if (strcmp(k->name, part))
			continue;
		if (!(k->kinds & KIND(n->o.kind)))
			return config_fail(err, len, "%s= does not belong to this kind", part);
		if (!*value)
			return config_fail(err, len, "%s= needs a value", part);
		if (k->set)
			return k->set(n, value, err, len);
		*(const char **)((char *)&n->o + k->offset) = value;
		return 0;
	}
	return config_fail(err, len, "%s= is not known here", part);
}

/* What a kind cannot do without. */
static int net_check(const struct config_net *n, char *err, size_t len)
{
	if (n->o.kind == GM_NET_TAP && !n->o.ifname)
		return config_fail(err, len, "tap needs ifname=INTERFACE");
	if (n->o.kind == GM_NET_PAIR && !n->o.path && n->o.fd < 0)
		return config_fail(err, len, "pair needs path=SOCKET");
	return 0;
}

int config_net_parse(struct config *c, const char *v, char *err, size_t errlen)
{
	struct config_net *n = &c->nets[c->nnets];
	char *p, *part;
	size_t i;
	int ret;

	if (c->nnets == CONFIG_NNETS)
		return config_fail(err, errlen, "too many network cards (at most %d)", CONFIG_NNETS);
	p = n->text = strdup(v);
	if (!p)
		return config_fail(err, errlen, "out of memory");
	c->nnets++;
	n->o.fd = -1;
	part = config_next_part(&p);
	for (i = 0; i < ARRAY_SIZE(net_kinds); i++)
		if (!strcmp(net_kinds[i].name, part))
			break;
	if (i == ARRAY_SIZE(net_kinds))
		return config_fail(err, errlen, "'%s' is not known (user, tap, pair, none)", part);
	n->o.kind = net_kinds[i].kind;
	while ((part = config_next_part(&p))) {
		ret = net_part(n, part, err, errlen);
		if (ret)
			return ret;
	}
	return net_check(n, err, errlen);
}

/* ---- --device ---- */

static const char *const device_names[] = {
	[CONFIG_DEV_VIRTIO_RNG] = "virtio-rng",
	[CONFIG_DEV_VIRTIO_BALLOON] = "virtio-balloon",
	[CONFIG_DEV_VIRTIO_CONSOLE] = "virtio-console",
};

static int device_part(struct config_device *d, const char *part, char *err, size_t len)
{
	if (!strcmp(part, "modern") || !strcmp(part, "split")) {
		*(part[0] == 'm' ? &d->modern : &d->split) = true;
		return 0;
	}
	if (d->kind != CONFIG_DEV_VIRTIO_CONSOLE || strncmp(part, "chardev=", 8))
		return config_fail(err, len, "'%s' is not known here", part);
	free(d->chardev);
	d->chardev = strdup(part + 8);
	return d->chardev ? 0 : config_fail(err, len, "out of memory");
}

int config_device_parse(struct config *c, const char *v, char *err, size_t errlen)
{
	struct config_device *d = &c->devices[c->ndevices];
	char *copy, *p, *part;
	size_t i;
	int ret = 0;

	if (c->ndevices == CONFIG_NDEVICES)
		return config_fail(err, errlen, "too many devices (at most %d)", CONFIG_NDEVICES);
	p = copy = strdup(v);
	if (!copy)
		return config_fail(err, errlen, "out of memory");
	part = config_next_part(&p);
	for (i = 0; i < ARRAY_SIZE(device_names); i++)
		if (!strcmp(device_names[i], part))
			break;
	if (i == ARRAY_SIZE(device_names)) {
		ret = config_fail(err, errlen, "'%s' is not known (virtio-rng, virtio-balloon, "
			   "virtio-console)", part);
	} else {
		d->kind = (enum config_device_kind)i;
		c->ndevices++;
	}
	while (!ret && (part = config_next_part(&p)))
		ret = device_part(d, part, err, errlen);
	free(copy);
	return ret;
}

void config_net_fini(struct config *c)
{
	unsigned int i;

	for (i = 0; i < c->nnets; i++)
		free(c->nets[i].text);
	for (i = 0; i < c->ndevices; i++)
		free(c->devices[i].chardev);
}
