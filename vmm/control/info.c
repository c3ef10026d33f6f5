// SPDX-License-Identifier: GPL-2.0-or-later
/* "info": what the machine is made of and what state that is in. */
#include "vmm/control/control_int.h"

#include <stdio.h>
#include <stdlib.h>
#include "devices/dev.h"
#include "devices/pci/pci.h"
#include "vmm/accel/accel.h"
#include "vmm/bus.h"
#include "vmm/net/net.h"
#include "vmm/ui/view.h"
#include "vmm/vcpu.h"

#define ARRAY_SHOWN 16u /* elements of an array of state */

static json_t *hex(u64 v)
{
	char text[20];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)v);
	return json_string(text);
}

/* ---- CPUs ---- */

static const char *mode_name(const struct gm_regs *r)
{
	if (!(r->cr0 & X86_CR0_PE))
		return "real";
	if (r->rflags & X86_FL_VM)
		return "virtual-8086";
	if (r->efer & X86_EFER_LMA)
		return r->seg[X86_CS].attr & X86_SEG_L ? "64-bit" : "compatibility";
	return r->seg[X86_CS].attr & X86_SEG_DB ? "32-bit" : "16-bit";
}

/* Registers can be read while the vCPUs stand. */
static json_t *info_cpus(struct gm_control *c, const char *which, char *err, size_t errlen)
{
	struct gm_machine *m = c->m;
	struct gm_regs *r = calloc(1, sizeof(*r));
	bool running = m->state == GM_STATE_RUNNING;
	json_t *list = json_array();
	unsigned int i;

	if (running)
		gm_vcpus_pause(m);
	for (i = 0; r && i < m->nvcpus; i++) {
		if (gm_vcpu_regs_get(m->vcpus[i], GM_REGS_GPR | GM_REGS_SYS | GM_REGS_EVT, r))
			continue;
		json_array_append_new(list, json_pack(
			"{s:i, s:s, s:s, s:o, s:o, s:o, s:o}", "cpu", (int)i, "mode", mode_name(r),
			"state", r->evt.wait_sipi ? "waits for start-up" :
				 r->evt.halted ? "halted" : "runs",
			"cs", hex(r->seg[X86_CS].sel), "rip", hex(r->rip), "rsp",
			hex(r->gpr[X86_RSP]), "cr3", hex(r->cr3)));
	}
	if (running)
		gm_vcpus_resume(m);
	free(r);
	return list;
}

/* ---- PCI ---- */

static json_t *pci_bars(struct gm_pci_dev *d)
{
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; i <= GM_PCI_ROM; i++) {
		const struct gm_pci_bar *b = &d->bars[i];
		u64 base = b->size ? gm_pci_bar_base(d, i) : UINT64_MAX;

		if (!b->size)
			continue;
		json_array_append_new(list, json_pack("{s:i, s:s, s:o, s:o}", "bar", (int)i, "kind",
						      i == GM_PCI_ROM ? "rom" :
						      b->flags & GM_PCI_BAR_IO ? "io" : "memory",
						      "size", hex(b->size), "base",
						      base == UINT64_MAX ? json_null() : hex(base)));
	}
	return list;
}

static json_t *pci_device(struct gm_pci_dev *d)
{
	char slot[16], ids[16];

	snprintf(slot, sizeof(slot), "00:%02x.%x", d->devfn >> 3, d->devfn & 7);
	snprintf(ids, sizeof(ids), "%04x:%04x", gm_pci_get16(d, 0), gm_pci_get16(d, 2));
	return json_pack("{s:s, s:s, s:s, s:s, s:i, s:o}", "slot", slot, "ids", ids, "id", d->dev.id,
			 "title", d->dev.cls->title, "irq", d->config[0x3c], "bars", pci_bars(d));
}

static json_t *info_pci(struct gm_control *c, const char *which, char *err, size_t errlen)
{
	json_t *list = json_array();
	struct gm_pci_dev *d;
	unsigned int i;

	for (i = 0; i < 256 && c->cfg.pc && c->cfg.pc->pci; i++) {
		d = gm_pci_bus_find(c->cfg.pc->pci, (u8)i);
		if (d)
			json_array_append_new(list, pci_device(d));
	}
	return list;
}

/* ---- address spaces ---- */

static void mtree_one(void *opaque, const struct gm_flat *f, const char *name)
{
	json_array_append_new(opaque, json_pack("{s:o, s:o, s:s, s:s}", "from", hex(f->start), "to",
						hex(f->end - 1), "kind",
						!f->ram ? "registers" : f->readonly ? "rom" : "ram",
						"name", name));
}

static json_t *info_mtree(struct gm_control *c, const char *which, char *err, size_t errlen)
{
	json_t *mem = json_array(), *pio = json_array();

	gm_bus_dump(c->m->mem, mtree_one, mem);
	gm_bus_dump(c->m->pio, mtree_one, pio);
	return json_pack("{s:o, s:o}", "memory", mem, "ports", pio);
}

/* ---- devices, by their state descriptions ---- */

static u64 scalar(const u8 *p, u32 size)
{
	u64 v = 0;

	memcpy(&v, p, MIN(size, 8u));
	return v;
}

static json_t *state_json(const struct gm_state_desc *d, const u8 *state);

static json_t *field_one(const struct gm_field *f, const u8 *p)
{
	if (f->kind == GM_FIELD_STRUCT)
		return state_json(f->sub, p);
	if (f->kind == GM_FIELD_BOOL)
		return json_boolean(*(const bool *)p);
	if (f->kind == GM_FIELD_TIMER)
		return ((const struct gm_timer *)p)->expires == GM_TIME_NEVER
			       ? json_null()
			       : json_integer((json_int_t)((const struct gm_timer *)p)->expires);
	return hex(scalar(p, f->size));
}

static json_t *field_json(const struct gm_field *f, const u8 *p)
{
	char text[32];
	json_t *list;
	u32 i;

	if (f->kind == GM_FIELD_BYTES) {
		snprintf(text, sizeof(text), "(%u bytes)", f->size);
		return json_string(text);
	}
	if (f->count == 1)
		return field_one(f, p);
	list = json_array();
	for (i = 0; i < MIN(f->count, ARRAY_SHOWN); i++)
		json_array_append_new(list, field_one(f, p + (size_t)i * f->size));
	if (f->count > ARRAY_SHOWN)
		json_array_append_new(list, json_string("..."));
	return list;
}

static json_t *state_json(const struct gm_state_desc *d, const u8 *state)
{
	json_t *o = json_object();
	const struct gm_field *f;

	for (f = d->fields; f->kind; f++)
		if (f->kind != GM_FIELD_OMIT)
			json_object_set_new(o, f->name, field_json(f, state + f->offset));
	return o;
}

static json_t *info_irq(struct gm_control *c, const char *which, char *err, size_t errlen)
{
	static const char *const classes[] = {"i8259", "ioapic", "lapic", "kvm-irqchip"};
	json_t *o = json_object();
	struct gm_dev *d;
	size_t i;

	for (d = c->m->devices; d; d = d->next)
		for (i = 0; i < ARRAY_SIZE(classes); i++)
			if (!strcmp(d->cls->name, classes[i]) && d->cls->state)
				json_object_set_new(o, d->id, state_json(d->cls->state, (u8 *)d));
	return o;
}

static json_t *info_devices(struct gm_control *c, const char *which, char *err, size_t errlen)
{
	json_t *list;
	struct gm_dev *d;

	if (which) {
		for (d = c->m->devices; d; d = d->next)
			if (!strcmp(d->id, which) && d->cls->state)
				return state_json(d->cls->state, (u8 *)d);
		snprintf(err, errlen, "there is no device '%.40s'; 'info devices' lists them",
			 which);
		return NULL;
	}
	list = json_array();
	for (d = c->m->devices; d; d = d->next)
		json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "id", d->id, "class",
						      d->cls->name, "title", d->cls->title));
	return list;
}

/* ---- disks ---- */

static void block_add(json_t *list, const char *name, unsigned int n, const struct gm_blk *b)
{
	char id[16];
	json_t *path = b ? json_string(gm_blk_path(b)) : json_null();

	snprintf(id, sizeof(id), "%s%u", name, n);
	if (!path)
		path = json_string("(a name that is not UTF-8)");
	if (b)
		json_array_append_new(list, json_pack(
			"{s:s, s:o, s:s, s:I, s:b}", "drive", id, "path", path, "format",
			gm_blk_format(b), "size", (json_int_t)gm_blk_size(b), "readonly",
			gm_blk_readonly(b)));
	else
		json_array_append_new(list, json_pack("{s:s, s:o}", "drive", id, "path", path));
}

static json_t *info_block(struct gm_control *c, const char *which, char *err, size_t errlen)
{
	struct pc *pc = c->cfg.pc;
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; pc && i < CONFIG_NDISKS; i++)
		if (pc->disks[i])
			block_add(list, "hd", i, pc->disks[i]);
	for (i = 0; pc && i < pc->ncdroms; i++)
		block_add(list, "cd", i, pc->cdroms[i]);
	for (i = 0; pc && i < pc->nfloppies; i++)
		block_add(list, "fd", i, pc->floppies[i]);
	return list;
}

/* Network cards, what they are plugged into, and what went over the cable. */
static json_t *info_net(struct gm_control *c, const char *which, char *err, size_t errlen)
{
	const struct pc_cards *k = c->cfg.pc ? &c->cfg.pc->cards : NULL;
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; k && i < CONFIG_NNETS; i++) {
		const struct gm_net_stats *s = k->nets[i] ? gm_net_stats(k->nets[i]) : NULL;

		if (!s || !k->net_devs[i])
			continue;
		json_array_append_new(list, json_pack(
			"{s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I}", "id",
			k->net_devs[i]->id, "card", k->net_devs[i]->cls->name, "cable",
			gm_net_describe(k->nets[i]), "link", gm_net_link(k->nets[i]),
			"received", (json_int_t)s->rx_frames, "received_bytes",
			(json_int_t)s->rx_bytes, "sent", (json_int_t)s->tx_frames, "sent_bytes",
			(json_int_t)s->tx_bytes, "received_lost", (json_int_t)s->rx_dropped,
			"sent_lost", (json_int_t)s->tx_dropped));
	}
	return list;
}

/* The screen, and how often those who show it had to look at it. */
static json_t *info_display(struct gm_control *c, const char *which, char *err, size_t errlen)
{
	static const char *const kinds[] = {"off", "text", "graphics"};
	struct pc *pc = c->cfg.pc;
	const struct gm_view *view = pc ? pc->view : NULL;
	const struct gm_view_port *p;
	struct gm_screen s = {0};
	json_t *out = json_object();
	u64 since = 0;
	int viewers = 0;

	if (pc && pc->display.snapshot)
		pc->display.snapshot(pc->display.opaque, &s, true, &since);
	json_object_set_new(out, "screen", json_string(kinds[s.kind]));
	json_object_set_new(out, "width", json_integer(s.width));
	json_object_set_new(out, "height", json_integer(s.height));
	for (p = view ? view->ports : NULL; p; p = p->next)
		viewers++;
	json_object_set_new(out, "viewers", json_integer(viewers));
	json_object_set_new(out, "looks", json_integer(view ? (json_int_t)view->looks : 0));
	gm_screen_fini(&s);
	return out;
}

/* ---- the command ---- */

static const struct {
	const char *name;
	json_t *(*fn)(struct gm_control *c, const char *which, char *err, size_t errlen);
} topics[] = {
	{"cpus", info_cpus},   {"pci", info_pci},     {"mtree", info_mtree},
	{"irq", info_irq},     {"block", info_block}, {"net", info_net},
	{"display", info_display}, {"devices", info_devices},
};

json_t *control_info(struct gm_control *c, const json_t *args, char *err, size_t errlen)
{
	const char *what = json_string_value(json_object_get(args, "what"));
	const char *which = json_string_value(json_object_get(args, "which"));
	size_t i;

	for (i = 0; i < ARRAY_SIZE(topics); i++)
		if (!strcmp(topics[i].name, what))
			return topics[i].fn(c, which, err, errlen);
	snprintf(err, errlen, "'%.40s' is not known (cpus, pci, mtree, irq, block, net, display, devices)",
		 what);
	return NULL;
}
