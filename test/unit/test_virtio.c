// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * virtio: the transport, split and packed rings, interrupts, rings that a hostile guest made, and
 * the block device. Everything runs through the registers, as a driver does it.
 */
#include "test/unit/lib/fake_blk.h"
#include "test/unit/lib/fake_net.h"
#include "test/unit/lib/virtio_driver.h"

static int line_level;
static struct gm_blk *disk;

static int route(void *opaque, u8 fn, int pin)
{
	return 0;
}

static void set_irq(void *opaque, int line, int level)
{
	line_level = level;
}

static void setup(const struct gm_pci_class *cls, struct virtio_cfg *cfg)
{
	struct gm_pci_bus_ops ops = {.route = route, .set_irq = set_irq};

	board_new(8 * MiB);
	m->loop = gm_loop_new(m);
	gm_pci_bus_set_ops(bus, &ops);
	line_level = 0;
	cfg->pci = (struct gm_pci_cfg){.bus = bus, .devfn = drv_fn};
	fake_device(m, &cls->dev, cfg);
}

static void setup_rng(bool packed)
{
	drv_packed = packed;
	setup(&virtio_rng_class, &(struct virtio_cfg){0});
}

static void finish(void)
{
	pump(m);
	while (m->devices) {
		struct gm_dev *d = m->devices;

		m->devices = d->next;
		if (d->cls->fini)
			d->cls->fini(d);
		free(d);
	}
	gm_blk_close(disk);
	disk = NULL;
	gm_loop_free(m->loop);
	m->loop = NULL;
	board_free();
}

/* ---- transport ---- */

static const struct {
	const char *name;
	const struct gm_pci_class *cls;
	bool modern;
	u32 id, class_rev;
} ids[] = {
	{"rng, transitional", &virtio_rng_class, false, 0x10051af4, 0x00ff0000},
	{"rng, modern", &virtio_rng_class, true, 0x10441af4, 0x00ff0001},
	{"balloon, transitional", &virtio_balloon_class, false, 0x10021af4, 0x00ff0000},
	{"balloon, modern", &virtio_balloon_class, true, 0x10451af4, 0x00ff0001},
	{"console, modern", &virtio_console_class, true, 0x10431af4, 0x07800001},
	{"net, transitional", &virtio_net_class, false, 0x10001af4, 0x02000000},
	{"net, modern", &virtio_net_class, true, 0x10411af4, 0x02000001},
};

START_TEST(test_ids)
{
	union {
		struct virtio_cfg v;
		struct virtio_net_cfg net;
		struct virtio_console_cfg con;
	} cfg = {.v = {.modern = ids[_i].modern}};
	unsigned int vendor = 0, msix = 0, cap, left = 16;

	setup(ids[_i].cls, &cfg.v);
	ck_assert_msg(cfg_read(drv_fn, 0, 4) == ids[_i].id, "%s", ids[_i].name);
	ck_assert_msg(cfg_read(drv_fn, 8, 4) == ids[_i].class_rev, "%s", ids[_i].name);
	ck_assert_uint_eq(cfg_read(drv_fn, 6, 1) & 0x10, 0x10);
	ck_assert_uint_eq(cfg_read(drv_fn, 0x10, 4), ids[_i].modern ? 0 : 1);
	for (cap = cfg_read(drv_fn, 0x34, 1); cap && left--; cap = cfg_read(drv_fn, (u8)(cap + 1), 1)) {
		vendor |= cfg_read(drv_fn, (u8)cap, 1) == 9 ? 1u << cfg_read(drv_fn, (u8)(cap + 3), 1) : 0;
		msix += cfg_read(drv_fn, (u8)cap, 1) == 0x11;
	}
	ck_assert_uint_eq(vendor, 0x3e); /* types 1 to 5 */
	ck_assert_uint_eq(msix, 1);
	finish();
}
END_TEST

static const struct {
	const char *name;
	u64 want;
	u8 status;
} negotiations[] = {
	{"version 1 only", 1ULL << 32, 11},
	{"all of the rings", 1ULL << 28 | 1ULL << 29 | 1ULL << 32 | 1ULL << 34, 11},
	{"without version 1", 1ULL << 28, 3},
	{"nothing", 0, 3},
	{"what was not offered", 1ULL << 32 | 1ULL << 33, 3},
};

START_TEST(test_features)
{
	setup_rng(false);
	drv_map();
	ck_assert_msg(drv_features(negotiations[_i].want) == negotiations[_i].status, "%s",
		      negotiations[_i].name);
	/* Later changes have no effect. */
	if (negotiations[_i].status == 11) {
		drv_write(0x08, 4, 0);
		drv_write(0x0c, 4, 0xffffffff);
		drv_write(0x08, 4, 1);
		ck_assert_uint_eq(drv_read(0x0c, 4), negotiations[_i].want >> 32);
	}
	finish();
}
END_TEST

/* The window in configuration space reaches the same registers. */
START_TEST(test_config_window)
{
	setup_rng(false);
	drv_map();
	drv_write(0x14, 1, 3);
	cfg_write(drv_fn, 0x94 + 4, 1, 4);
	cfg_write(drv_fn, 0x94 + 8, 4, 0x14);
	cfg_write(drv_fn, 0x94 + 12, 4, 1);
	ck_assert_uint_eq(cfg_read(drv_fn, 0x94 + 16, 1), 3);
	cfg_write(drv_fn, 0x94 + 16, 1, 0);
	ck_assert_uint_eq(drv_read(0x14, 1), 0);
	/* Outside the BAR, or of a size that there is not: nothing. */
	cfg_write(drv_fn, 0x94 + 8, 4, 0xfffffff0);
	cfg_read(drv_fn, 0x94 + 16, 4);
	cfg_write(drv_fn, 0x94 + 12, 4, 3);
	cfg_write(drv_fn, 0x94 + 16, 4, 0);
	finish();
}
END_TEST

/* ---- rings ---- */

static const struct {
	const char *name;
	bool packed;
	u64 features;
	unsigned int segs;
} rings[] = {
	{"split", false, 0, 1},
	{"split, chains", false, 0, 3},
	{"split, event index", false, 1ULL << VIRTIO_F_EVENT_IDX, 2},
	{"packed", true, 0, 1},
	{"packed, chains", true, 0, 3},
	{"packed, event index", true, 1ULL << VIRTIO_F_EVENT_IDX, 5},
};

/* More buffers than the ring has places, so that everything wraps. */
START_TEST(test_ring)
{
	struct drv_seg s[5];
	unsigned int i, k;

	setup_rng(rings[_i].packed);
	drv_start(1, rings[_i].features);
	for (i = 0; i < 5 * DRV_SIZE; i++) {
		for (k = 0; k < rings[_i].segs; k++)
			s[k] = (struct drv_seg){DRV_BUF + 0x100 * k, 64, D_WRITE};
		memset(m->ram->host + DRV_BUF, 0, 0x1000);
		drv_offer(0, s, rings[_i].segs);
		ck_assert_int_eq(drv_used(0, rings[_i].segs), -1);
		drv_kick(0);
		ck_assert_msg(drv_used(0, rings[_i].segs) == 64 * (s64)rings[_i].segs,
			      "%s: buffer %u", rings[_i].name, i);
		for (k = 0; k < rings[_i].segs; k++)
			ck_assert_uint_ne(mem_r(DRV_BUF + 0x100 * k, 8) |
						  mem_r(DRV_BUF + 0x100 * k + 56, 8), 0);
		ck_assert_uint_eq(mem_r(DRV_BUF + 64, 8), 0);
	}
	ck_assert_uint_eq(drv_read(0x14, 1), DRV_READY);
	finish();
}
END_TEST

START_TEST(test_indirect)
{
	u64 table = DRV_BUF + 0x8000;
	unsigned int i;

	setup_rng(_i);
	drv_start(1, 1ULL << VIRTIO_F_INDIRECT);
	for (i = 0; i < 3; i++)
		drv_desc_split(table + 16 * i, DRV_BUF + 0x100 * i, 32,
			       D_WRITE | (!_i && i < 2 ? D_NEXT : 0), (u16)(i + 1));
	for (i = 0; i < 3 && _i; i++) {
		mem_w(table + 16 * i + 12, 0, 2);
		mem_w(table + 16 * i + 14, D_WRITE, 2);
	}
	drv_offer(0, &(struct drv_seg){table, 48, D_INDIRECT}, 1);
	drv_kick(0);
	ck_assert_int_eq(drv_used(0, 1), 96);
	finish();
}
END_TEST

/* Interrupts: the line, its acknowledgement, and the guest's wish not to have any. */
START_TEST(test_interrupt_line)
{
	struct drv_seg s = {DRV_BUF, 64, D_WRITE};

	setup_rng(_i);
	drv_start(1, 0);
	drv_offer(0, &s, 1);
	drv_kick(0);
	ck_assert_int_eq(line_level, 1);
	ck_assert_uint_eq(drv_read(0x1000, 1), 1);
	ck_assert_int_eq(line_level, 0);
	ck_assert_uint_eq(drv_read(0x1000, 1), 0);
	if (_i)
		mem_w(DRV_AVAIL + 2, 1, 2); /* packed: events disabled */
	else
		mem_w(DRV_AVAIL, 1, 2);     /* split: NO_INTERRUPT */
	drv_offer(0, &s, 1);
	drv_kick(0);
	ck_assert_int_eq(line_level, 0);
	finish();
}
END_TEST

/* With the event index there is an interrupt when the named entry is used, and not before. */
START_TEST(test_event_index)
{
	struct drv_seg s = {DRV_BUF, 64, D_WRITE};
	unsigned int i;

	setup_rng(_i);
	drv_start(1, 1ULL << VIRTIO_F_EVENT_IDX);
	if (_i) {
		mem_w(DRV_AVAIL, 3 | 0x8000, 2);
		mem_w(DRV_AVAIL + 2, 2, 2);
	} else {
		mem_w(DRV_AVAIL + 4 + 2 * DRV_SIZE, 3, 2);
	}
	/* The first one may interrupt: the device does not know what went before. */
	drv_offer(0, &s, 1);
	drv_kick(0);
	drv_read(0x1000, 1);
	for (i = 1; i < 6; i++) {
		drv_offer(0, &s, 1);
		drv_kick(0);
		ck_assert_msg(line_level == (i == 3), "entry %u", i);
		drv_read(0x1000, 1);
	}
	/* The device says at which entry it wants to be told. */
	if (!_i)
		ck_assert_uint_eq(mem_r(DRV_USED + 4 + 8 * DRV_SIZE, 2), 6);
	else
		ck_assert_uint_eq(mem_r(DRV_USED, 4), (6 | 0x8000) | 2 << 16);
	finish();
}
END_TEST

START_TEST(test_msix)
{
	struct drv_seg s = {DRV_BUF, 64, D_WRITE};
	u64 mail = 0x300000;

	setup_rng(false);
	drv_map();
	/* Vector 1 writes 1234h into memory; masked at first. */
	gm_bus_write(m->mem, DRV_MSIX + 16, 4, (u32)mail);
	gm_bus_write(m->mem, DRV_MSIX + 20, 4, 0);
	gm_bus_write(m->mem, DRV_MSIX + 24, 4, 0x1234);
	cfg_write(drv_fn, 0x42, 2, 0x8000);
	drv_start(1, 0);
	drv_write(0x16, 2, 0);
	drv_write(0x1a, 2, 1);
	ck_assert_uint_eq(drv_read(0x1a, 2), 1);
	drv_write(0x1a, 2, 7);
	ck_assert_uint_eq(drv_read(0x1a, 2), 0xffff); /* there is none of that number */
	drv_write(0x1a, 2, 1);
	mem_w(mail, 0, 4);
	drv_offer(0, &s, 1);
	drv_kick(0);
	ck_assert_uint_eq(mem_r(mail, 4), 0);
	ck_assert_uint_eq(gm_bus_read(m->mem, DRV_MSIX + 0x800, 4), 2);
	gm_bus_write(m->mem, DRV_MSIX + 28, 4, 0);
	ck_assert_uint_eq(mem_r(mail, 4), 0x1234);
	ck_assert_uint_eq(gm_bus_read(m->mem, DRV_MSIX + 0x800, 4), 0);
	/* The function's mask holds all back. */
	mem_w(mail, 0, 4);
	cfg_write(drv_fn, 0x42, 2, 0xc000);
	drv_offer(0, &s, 1);
	drv_kick(0);
	ck_assert_uint_eq(mem_r(mail, 4), 0);
	cfg_write(drv_fn, 0x42, 2, 0x8000);
	ck_assert_uint_eq(mem_r(mail, 4), 0x1234);
	ck_assert_int_eq(line_level, 0);
	finish();
}
END_TEST

/* ---- hostile rings ---- */

static void bad_head(void)
{
	mem_w(DRV_AVAIL + 4, DRV_SIZE, 2);
	mem_w(DRV_AVAIL + 2, 1, 2);
}

static void bad_loop(void)
{
	drv_offer(0, &(struct drv_seg){DRV_BUF, 1, D_WRITE | D_NEXT}, 1);
	mem_w(DRV_DESC + 14, 0, 2);
}

static void bad_next(void)
{
	drv_offer(0, &(struct drv_seg){DRV_BUF, 1, D_WRITE | D_NEXT}, 1);
	mem_w(DRV_DESC + 14, 999, 2);
}

static void bad_index(void)
{
	mem_w(DRV_AVAIL + 2, DRV_SIZE + 1, 2);
}

static void bad_order(void)
{
	drv_offer(0, (struct drv_seg[]){{DRV_BUF, 1, D_WRITE}, {DRV_BUF, 1, 0}}, 2);
}

static void bad_wrap(void)
{
	drv_offer(0, &(struct drv_seg){UINT64_MAX - 4, 64, D_WRITE}, 1);
}

static void bad_nested(void)
{
	drv_desc_split(DRV_BUF + 0x8000, DRV_BUF + 0x8000, 16, D_INDIRECT, 0);
	drv_offer(0, &(struct drv_seg){DRV_BUF + 0x8000, 16, D_INDIRECT}, 1);
}

static void bad_table_size(void)
{
	drv_offer(0, &(struct drv_seg){DRV_BUF + 0x8000, 17, D_INDIRECT}, 1);
}

static void bad_table_huge(void)
{
	drv_offer(0, &(struct drv_seg){DRV_BUF + 0x8000, 0xfffffff0, D_INDIRECT}, 1);
}

static void bad_table_place(void)
{
	drv_offer(0, &(struct drv_seg){0xd0000000, 32, D_INDIRECT}, 1);
}

static void bad_packed_id(void)
{
	drv_offer(0, &(struct drv_seg){DRV_BUF, 1, D_WRITE}, 1);
	mem_w(DRV_DESC + 12, 999, 2);
}

static void bad_packed_endless(void)
{
	struct drv_seg s[DRV_SIZE];
	unsigned int i;

	for (i = 0; i < DRV_SIZE; i++)
		s[i] = (struct drv_seg){DRV_BUF, 1, D_WRITE | D_NEXT};
	drv_offer(0, s, DRV_SIZE);
}

static const struct {
	const char *name;
	bool packed;
	void (*make)(void);
} hostile[] = {
	{"head beyond the ring", false, bad_head},
	{"chain that is a loop", false, bad_loop},
	{"next beyond the ring", false, bad_next},
	{"more available than there are", false, bad_index},
	{"readable behind writable", false, bad_order},
	{"buffer wraps", false, bad_wrap},
	{"indirect in indirect", false, bad_nested},
	{"indirect table of 17 bytes", false, bad_table_size},
	{"indirect table of 4 GiB", false, bad_table_huge},
	{"indirect table where there is no memory", false, bad_table_place},
	{"packed: readable behind writable", true, bad_order},
	{"packed: buffer wraps", true, bad_wrap},
	{"packed: indirect table of 17 bytes", true, bad_table_size},
	{"packed: indirect table where there is no memory", true, bad_table_place},
	{"packed: id beyond the ring", true, bad_packed_id},
	{"packed: chain longer than the ring", true, bad_packed_endless},
};

/* The device asks for a reset, does nothing until then, and works afterwards. */
START_TEST(test_hostile)
{
	struct drv_seg s = {DRV_BUF, 64, D_WRITE};

	setup_rng(hostile[_i].packed);
	drv_start(1, 1ULL << VIRTIO_F_INDIRECT);
	hostile[_i].make();
	drv_kick(0);
	ck_assert_msg(drv_read(0x14, 1) == (DRV_READY | 64), "%s: status %#x", hostile[_i].name,
		      drv_read(0x14, 1));
	ck_assert_uint_eq(drv_read(0x1000, 1) & 2, 2);
	drv_kick(0);
	drv_start(1, 0);
	drv_offer(0, &s, 1);
	drv_kick(0);
	ck_assert_int_eq(drv_used(0, 1), 64);
	finish();
}
END_TEST

/* A queue in the middle of nowhere: at the first access the device stops. */
START_TEST(test_ring_nowhere)
{
	setup_rng(_i);
	drv_start(0, 0);
	drv_queue_at(0, 0xd0000000, 0xd0001000, 0xd0002000);
	drv_kick(0);
	ck_assert_uint_eq(drv_read(0x14, 1), DRV_READY | 64);
	finish();
}
END_TEST

/* ---- block ---- */

static void setup_blk(bool readonly, unsigned int queues)
{
	struct virtio_blk_cfg cfg = {.queues = (u8)queues, .serial = "serial number"};
	struct gm_pci_bus_ops ops = {.route = route, .set_irq = set_irq};

	board_new(8 * MiB);
	m->loop = gm_loop_new(m);
	gm_pci_bus_set_ops(bus, &ops);
	disk = fake_disk_new(m, 2048, &(struct gm_blk_options){.readonly = readonly});
	cfg.blk = disk;
	cfg.v.pci = (struct gm_pci_cfg){.bus = bus, .devfn = drv_fn};
	fake_device(m, &virtio_blk_class.dev, &cfg);
}

#define F_BLK (1ULL << 9 | 1ULL << 11 | 1ULL << 13 | 1ULL << 14)

/* Header at DRV_BUF, data (or ranges) at +0x1000, status at +0x100. */
static u8 blk_request(u32 type, u64 sector, u32 out, u32 in)
{
	struct drv_seg s[4] = {{DRV_BUF, 16, 0}};
	unsigned int n = 1;

	mem_w(DRV_BUF, type, 8);
	mem_w(DRV_BUF + 8, sector, 8);
	mem_w(DRV_BUF + 0x100, 0xee, 1);
	if (out)
		s[n++] = (struct drv_seg){DRV_BUF + 0x1000, out, 0};
	if (in)
		s[n++] = (struct drv_seg){DRV_BUF + 0x1000, in, D_WRITE};
	s[n++] = (struct drv_seg){DRV_BUF + 0x100, 1, D_WRITE};
	drv_offer(0, s, n);
	drv_kick(0);
	pump(m);
	ck_assert_int_ge(drv_used(0, n), 1);
	return (u8)mem_r(DRV_BUF + 0x100, 1);
}

static const struct {
	const char *name;
	u32 type;
	u64 sector;
	u32 out, in;
	bool readonly;
	u8 want;
} requests[] = {
	{"read a sector", 0, 5, 0, 512, false, 0},
	{"read the last sector", 0, 2047, 0, 512, false, 0},
	{"read behind the end", 0, 2047, 0, 1024, false, 1},
	{"read far behind the end", 0, 1ULL << 60, 0, 512, false, 1},
	{"read where multiplication wraps", 0, 1ULL << 55, 0, 512, false, 1},
	{"read part of a sector", 0, 0, 0, 100, false, 1},
	{"read nothing", 0, 0, 0, 0, false, 0},
	{"write", 1, 7, 1024, 0, false, 0},
	{"write to a read-only disk", 1, 7, 512, 0, true, 1},
	{"flush", 4, 0, 0, 0, false, 0},
	{"identify", 8, 0, 0, 20, false, 0},
	{"unknown request", 77, 0, 512, 0, false, 2},
	{"SCSI command", 2, 0, 512, 0, false, 2},
	{"discard without a range", 11, 0, 0, 0, false, 1},
	{"discard with half a range", 11, 0, 8, 0, false, 1},
};

START_TEST(test_blk)
{
	drv_packed = _i % 2;
	setup_blk(requests[_i].readonly, 1);
	drv_start(1, requests[_i].readonly ? 1ULL << 9 : F_BLK);
	ck_assert_msg(blk_request(requests[_i].type, requests[_i].sector, requests[_i].out,
				  requests[_i].in) == requests[_i].want, "%s: %llu",
		      requests[_i].name, (unsigned long long)mem_r(DRV_BUF + 0x100, 1));
	finish();
}
END_TEST

START_TEST(test_blk_data)
{
	unsigned int i;

	drv_packed = _i;
	setup_blk(false, 4);
	drv_start(1, F_BLK);
	ck_assert_uint_eq(drv_read(0x2000, 4), 2048); /* capacity */
	ck_assert_uint_eq(drv_read(0x2000 + 34, 2), 4);
	ck_assert_uint_eq(blk_request(0, 9, 0, 1024), 0);
	ck_assert_uint_eq(mem_r(DRV_BUF + 0x1000, 4), 9);
	ck_assert_uint_eq(mem_r(DRV_BUF + 0x1200, 4), 10);
	memset(m->ram->host + DRV_BUF + 0x1000, 0x77, 512);
	ck_assert_uint_eq(blk_request(1, 9, 512, 0), 0);
	ck_assert_uint_eq(fake_disk.mem[9 * 512], 0x77);
	ck_assert_uint_eq(fake_disk.mem[10 * 512], 10);
	/* Without a write cache every write is flushed. */
	ck_assert_uint_eq(fake_disk.flushes, 0);
	drv_write(0x2000 + 32, 1, 0);
	ck_assert_uint_eq(blk_request(1, 9, 512, 0), 0);
	ck_assert_uint_eq(fake_disk.flushes, 1);
	ck_assert_uint_eq(blk_request(8, 0, 0, 20), 0);
	ck_assert(!memcmp(m->ram->host + DRV_BUF + 0x1000, "serial number\0", 14));
	/* Two ranges in one discard. */
	for (i = 0; i < 2; i++) {
		mem_w(DRV_BUF + 0x1000 + 16 * i, 100 + 50 * i, 8);
		mem_w(DRV_BUF + 0x1008 + 16 * i, 8, 8);
	}
	ck_assert_uint_eq(blk_request(11, 0, 32, 0), 0);
	ck_assert_uint_eq(fake_disk.discards, 2);
	ck_assert_uint_eq(fake_disk.mem[100 * 512], 0);
	ck_assert_uint_eq(fake_disk.mem[108 * 512], 108);
	ck_assert_uint_eq(fake_disk.mem[150 * 512], 0);
	/* The host cannot read. */
	fake_disk.fail_read = -EIO;
	ck_assert_uint_eq(blk_request(0, 9, 0, 512), 1);
	finish();
}
END_TEST

/* The driver resets while requests are under way: none of them writes to the ring afterwards. */
START_TEST(test_blk_reset)
{
	struct drv_seg s[] = {{DRV_BUF, 16, 0}, {DRV_BUF + 0x1000, 512, D_WRITE},
			      {DRV_BUF + 0x100, 1, D_WRITE}};
	unsigned int i;

	drv_packed = false;
	setup_blk(false, 1);
	drv_start(1, F_BLK);
	mem_w(DRV_BUF, 0, 8);
	mem_w(DRV_BUF + 8, 3, 8);
	for (i = 0; i < 5; i++)
		drv_offer(0, s, 3);
	drv_kick(0);
	drv_write(0x14, 1, 0);
	ck_assert_uint_eq(drv_read(0x14, 1), 0);
	memset(m->ram->host + DRV_USED, 0, 64);
	pump(m);
	ck_assert_uint_eq(mem_r(DRV_USED + 2, 2), 0);
	finish();
}
END_TEST

/* A header that is cut short, and a chain without a place for the status. */
START_TEST(test_blk_hostile)
{
	static const struct drv_seg chains[][2] = {
		{{DRV_BUF, 8, 0}, {DRV_BUF + 0x100, 1, D_WRITE}},
		{{DRV_BUF, 16, 0}, {DRV_BUF + 0x100, 512, 0}},
	};

	drv_packed = false;
	setup_blk(false, 1);
	drv_start(1, F_BLK);
	drv_offer(0, chains[_i], 2);
	drv_kick(0);
	ck_assert_uint_eq(drv_read(0x14, 1), DRV_READY | 64);
	finish();
}
END_TEST

/* The legacy registers: one address for the ring, no FEATURES_OK. */
START_TEST(test_blk_legacy)
{
	setup_blk(false, 1);
	drv_packed = false;
	drv_map();
	ck_assert_uint_eq(gm_bus_read(m->pio, DRV_IO + 20, 4), 2048);
	gm_bus_write(m->pio, DRV_IO + 18, 1, 3);
	gm_bus_write(m->pio, DRV_IO + 4, 4, 0);
	gm_bus_write(m->pio, DRV_IO + 14, 2, 0);
	ck_assert_uint_eq(gm_bus_read(m->pio, DRV_IO + 12, 2), 256);
	memset(m->ram->host + DRV_DESC, 0, 0x4000);
	gm_bus_write(m->pio, DRV_IO + 8, 4, DRV_DESC >> 12);
	gm_bus_write(m->pio, DRV_IO + 18, 1, 7);
	mem_w(DRV_BUF, 0, 8);
	mem_w(DRV_BUF + 8, 3, 8);
	drv_desc_split(DRV_DESC, DRV_BUF, 16, D_NEXT, 1);
	drv_desc_split(DRV_DESC + 16, DRV_BUF + 0x1000, 512, D_NEXT | D_WRITE, 2);
	drv_desc_split(DRV_DESC + 32, DRV_BUF + 0x100, 1, D_WRITE, 0);
	mem_w(DRV_DESC + 16 * 256 + 2, 1, 2);
	gm_bus_write(m->pio, DRV_IO + 16, 2, 0);
	pump(m);
	/* The used ring is on the page behind the available one. */
	ck_assert_uint_eq(mem_r(DRV_DESC + 0x2002, 2), 1);
	ck_assert_uint_eq(mem_r(DRV_DESC + 0x2008, 4), 513);
	ck_assert_uint_eq(mem_r(DRV_BUF + 0x1000, 4), 3);
	ck_assert_uint_eq(gm_bus_read(m->pio, DRV_IO + 19, 1), 1);
	ck_assert_int_eq(line_level, 0);
	gm_bus_write(m->pio, DRV_IO + 18, 1, 0);
	ck_assert_uint_eq(gm_bus_read(m->pio, DRV_IO + 8, 4), 0);
	finish();
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_ids, ARRAY_SIZE(ids)},
		{test_features, ARRAY_SIZE(negotiations)},
		{test_config_window},
		{test_ring, ARRAY_SIZE(rings)},
		{test_indirect, 2},
		{test_interrupt_line, 2},
		{test_event_index, 2},
		{test_msix},
		{test_hostile, ARRAY_SIZE(hostile)},
		{test_ring_nowhere, 2},
		{test_blk, ARRAY_SIZE(requests)},
		{test_blk_data, 2},
		{test_blk_reset},
		{test_blk_hostile, 2},
		{test_blk_legacy},
	};

	return fake_run("virtio", tests, ARRAY_SIZE(tests));
}
