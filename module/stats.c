// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Counters of VMs and vCPUs, from one table each, in two forms: a text file per VM in debugfs, for root
 * (docs/driver.md has its format); and GET_STATS_FD, for the program itself, with the self-describing
 * layout of the KVM ABI (uapi/guestmode.h). Reading takes no lock of a vCPU: a counter may be one step old.
 */
#include "module/gm.h"

#include <linux/debugfs.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#define CREATE_TRACE_POINTS
#include "module/trace.h"

struct stat_desc {
	const char *name;
	u32 offset;
	u32 flags; /* GM_STATS_* */
};

#define VCPU(field) offsetof(struct gm_vcpu, stats.field)
#define EXITS(kind) offsetof(struct gm_vcpu, stats.exits) + (kind) * sizeof(u64)
static const struct stat_desc vcpu_stats[] = {
	{ "runs", VCPU(runs), 0 },
	{ "signals", VCPU(signals), 0 },
	{ "emulated", VCPU(emulated), 0 },
	{ "exits_interrupt", EXITS(GM_X_NONE), 0 },
	{ "exits_cpuid", EXITS(GM_X_CPUID), 0 },
	{ "exits_hlt", EXITS(GM_X_HLT), 0 },
	{ "exits_io", EXITS(GM_X_IO), 0 },
	{ "exits_emulate", EXITS(GM_X_EMULATE), 0 },
	{ "exits_rdmsr", EXITS(GM_X_RDMSR), 0 },
	{ "exits_wrmsr", EXITS(GM_X_WRMSR), 0 },
	{ "exits_page", EXITS(GM_X_PAGE), 0 },
	{ "exits_invlpg", EXITS(GM_X_INVLPG), 0 },
	{ "exits_skipped", EXITS(GM_X_SKIP), 0 },
	{ "exits_ud", EXITS(GM_X_UD), 0 },
	{ "exits_ud_insn", EXITS(GM_X_UD_INSN), 0 },
	{ "exits_hypercall", EXITS(GM_X_HYPERCALL), 0 },
	{ "exits_db", EXITS(GM_X_DB), 0 },
	{ "exits_bp", EXITS(GM_X_BP), 0 },
	{ "exits_gp", EXITS(GM_X_GP), 0 },
	{ "exits_xsetbv", EXITS(GM_X_XSETBV), 0 },
	{ "exits_shutdown", EXITS(GM_X_SHUTDOWN), 0 },
	{ "exits_refused", EXITS(GM_X_FAIL), 0 },
	{ "exits_unknown", EXITS(GM_X_UNKNOWN), 0 },
};

#define VM(field) offsetof(struct gm_vm, stats.field)
static const struct stat_desc vm_stats[] = {
	{ "flushes", VM(flushes), 0 },
	{ "zaps", VM(zaps), 0 },
	{ "shadow_pages", VM(shadow_pages), GM_STATS_INSTANT },
	{ "shadow_recycled", VM(shadow_recycled), 0 },
};

static u64 value(const void *object, const struct stat_desc *d)
{
	return READ_ONCE(*(const u64 *)((const char *)object + d->offset));
}

/* ---- debugfs ---- */

static struct dentry *root;

static int show(struct seq_file *m, void *unused)
{
	struct gm_vm *vm = m->private;
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(vm_stats); i++)
		seq_printf(m, "%s %llu\n", vm_stats[i].name, value(vm, &vm_stats[i]));
	mutex_lock(&vm->lock);
	for (k = 0; k < GM_MAX_VCPUS; k++) {
		if (!vm->vcpus[k])
			continue;
		for (i = 0; i < ARRAY_SIZE(vcpu_stats); i++)
			seq_printf(m, "vcpu%u.%s %llu\n", k, vcpu_stats[i].name,
				   value(vm->vcpus[k], &vcpu_stats[i]));
	}
	mutex_unlock(&vm->lock);
	return 0;
}

static int show_open(struct inode *inode, struct file *file)
{
	return single_open(file, show, gm_inode_data(inode));
}

static const struct file_operations debug_fops = {
	.owner = THIS_MODULE,
	.open = show_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
};

void gm_stats_init(void)
{
	root = debugfs_create_dir("guestmode", NULL);
}

void gm_stats_exit(void)
{
	if (!IS_ERR_OR_NULL(root))
		debugfs_remove(root);
}

/* VMs that have a file. */
static LIST_HEAD(files);
static DEFINE_MUTEX(names_lock);

/*
 * A closed descriptor's VM lives on in its copies: then another VM may get the number, and stays without a file.
 * debugfs would refuse the name too, but with a line in the log that any program could repeat for ever.
 */
void gm_stats_vm(struct gm_vm *vm, int fd)
{
	struct gm_vm *other;
	char name[32];

	if (IS_ERR_OR_NULL(root))
		return;
	mutex_lock(&names_lock);
	list_for_each_entry(other, &files, stats_list)
		if (other->stats_pid == current->tgid && other->stats_fd == fd)
			goto out;
	snprintf(name, sizeof(name), "%d-%d", current->tgid, fd);
	vm->stats_file = debugfs_create_file(name, 0400, root, vm, GM_FOPS(&debug_fops));
	if (IS_ERR_OR_NULL(vm->stats_file)) {
		vm->stats_file = NULL;
		goto out;
	}
	vm->stats_pid = current->tgid;
	vm->stats_fd = fd;
	list_add(&vm->stats_list, &files);
out:
	mutex_unlock(&names_lock);
}

void gm_stats_vm_end(struct gm_vm *vm)
{
	mutex_lock(&names_lock);
	if (vm->stats_file) {
		debugfs_remove(vm->stats_file);
		vm->stats_file = NULL;
		list_del(&vm->stats_list);
	}
	mutex_unlock(&names_lock);
}

/* ---- a descriptor for the program ---- */

struct reader {
	struct file *owner;    /* whose object it is; held */
	const void *object;
	const struct stat_desc *desc;
	unsigned int n;
};

#define NAME_SIZE 48
#define DESC_SIZE (sizeof(struct gm_stats_desc) + NAME_SIZE)

static size_t blob_size(unsigned int n)
{
	return sizeof(struct gm_stats_header) + NAME_SIZE + n * (DESC_SIZE + sizeof(u64));
}

static void blob_fill(const struct reader *r, u8 *blob)
{
	struct gm_stats_header *h = (void *)blob;
	struct gm_stats_desc *d;
	unsigned int i;

	h->name_size = NAME_SIZE;
	h->num_desc = r->n;
	h->id_offset = sizeof(*h);
	h->desc_offset = h->id_offset + NAME_SIZE;
	h->data_offset = h->desc_offset + r->n * DESC_SIZE;
	snprintf((char *)blob + h->id_offset, NAME_SIZE, "kvm-%d", current->tgid);
	for (i = 0; i < r->n; i++) {
		d = (void *)(blob + h->desc_offset + i * DESC_SIZE);
		d->flags = r->desc[i].flags;
		d->size = 1;
		d->offset = i * sizeof(u64);
		snprintf(d->name, NAME_SIZE, "%s", r->desc[i].name);
		*(u64 *)(blob + h->data_offset + i * sizeof(u64)) = value(r->object, &r->desc[i]);
	}
}

static ssize_t reader_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	const struct reader *r = file->private_data;
	size_t size = blob_size(r->n);
	u8 *blob = kzalloc(size, GFP_KERNEL);
	ssize_t ret;

	if (!blob)
		return -ENOMEM;
	blob_fill(r, blob);
	ret = simple_read_from_buffer(buf, len, pos, blob, size);
	kfree(blob);
	return ret;
}

static int reader_release(struct inode *inode, struct file *file)
{
	struct reader *r = file->private_data;

	fput(r->owner);
	kfree(r);
	return 0;
}

static const struct file_operations reader_fops = {
	.owner = THIS_MODULE,
	.read = reader_read,
	.release = reader_release,
	.llseek = noop_llseek,
};

static int reader_open(struct file *owner, const void *object, const struct stat_desc *desc,
		       unsigned int n)
{
	struct reader *r = kzalloc(sizeof(*r), GFP_KERNEL);
	struct file *file;
	int fd;

	if (!r)
		return -ENOMEM;
	r->owner = owner;
	r->object = object;
	r->desc = desc;
	r->n = n;
	get_file(owner);
	fd = gm_fd_get(owner, "guestmode-stats", &reader_fops, r);
	if (fd < 0) {
		fput(owner);
		kfree(r);
		return fd;
	}
	/* Descriptors without a path cannot be read at an offset unless told so. */
	file = fget(fd);
	if (file && file->f_op == &reader_fops)
		file->f_mode |= FMODE_PREAD;
	if (file)
		fput(file);
	return fd;
}

int gm_stats_fd_vm(struct file *file, struct gm_vm *vm)
{
	return reader_open(file, vm, vm_stats, ARRAY_SIZE(vm_stats));
}

int gm_stats_fd_vcpu(struct file *file, struct gm_vcpu *vcpu)
{
	return reader_open(file, vcpu, vcpu_stats, ARRAY_SIZE(vcpu_stats));
}
