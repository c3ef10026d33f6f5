// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CPUID of a vCPU behind the KVM ABI: what the kernel supports, less what the VMM's own local APIC
 * does not give, with the machine's topology in the leaves that tell of it.
 *
 * Source: Intel SDM volume 2, CPUID (leaves 1, 4, 0Bh, 1Fh); AMD APM volume 3, appendix E
 * (80000008h, 8000001Dh, 8000001Eh).
 */
#include "vmm/accel/kvm.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#define MAX_CPUID 128

struct topo {
	struct gm_topology t;
	unsigned int thread_bits, package_bits;
	u32 apic_id;
	bool irqchip; /* the local APIC is the kernel's */
};

/* IDs that share a cache: those of a core, or of the package for the last level (3). */
static u32 cache_sharing(const struct topo *t, u32 eax)
{
	return (eax >> 5 & 7) >= 3 ? (1u << t->package_bits) - 1 : (1u << t->thread_bits) - 1;
}

/* Leaves whose count of subleaves is not the kernel's: made anew by extended_topology(). */
static bool is_extended_topology(const struct kvm_cpuid_entry2 *e)
{
	return e->function == 0xb || e->function == 0x1f;
}

static void filter(struct kvm_cpuid_entry2 *e, const struct topo *t)
{
	u32 n = t->t.cores * t->t.threads;
	u32 core_ids = 1u << (t->package_bits - t->thread_bits);

	switch (e->function) {
	case 1:
		/* x2APIC, TSC deadline: not with a local APIC of ours */
		e->ebx = (e->ebx & 0xff00) | t->apic_id << 24 | MIN(1u << t->package_bits, 255u) << 16;
		e->ecx = t->irqchip ? e->ecx | 1u << 21 | 1u << 24 : e->ecx & ~(1u << 21 | 1u << 24);
		e->ecx |= 1u << 31;
		e->edx |= 1u << 9;
		e->edx = n > 1 ? e->edx | 1u << 28 : e->edx & ~(1u << 28);
		break;
	case 4:
		if (e->eax & 31)
			e->eax = (e->eax & 0x3fff) | cache_sharing(t, e->eax) << 14 |
				 (MIN(core_ids, 64u) - 1) << 26;
		break;
	case 0x40000001:
		/* none of the paravirtual features that live in a kernel APIC; the clock ones stay */
		if (!t->irqchip)
			e->eax &= 1u << 0 | 1u << 3 | 1u << 24;
		break;
	case 0x80000001:
		e->ecx = n > 1 ? e->ecx | 1u << 1 : e->ecx & ~(1u << 1); /* CmpLegacy */
		break;
	case 0x80000008:
		e->ecx = (e->ecx & ~0xf0ffu) | t->package_bits << 12 | (n - 1);
		break;
	case 0x8000001d:
		if (e->eax & 31)
			e->eax = (e->eax & 0x3fff) | cache_sharing(t, e->eax) << 14;
		break;
	case 0x8000001e:
		e->eax = t->apic_id;
		e->ebx = (t->t.threads - 1) << 8 | (t->apic_id >> t->thread_bits & 0xff);
		e->ecx = t->apic_id >> t->package_bits & 0xff;
		break;
	}
}

/* CmpLegacy and the size fields of 80000008h are AMD's; on Intel's processors they are reserved. */
static bool is_amd_only(const struct kvm_cpuid_entry2 *e)
{
	return e->function == 0x80000001 || e->function == 0x80000008;
}

/* Threads, cores, and the level that ends the list. */
static void extended_topology(struct kvm_cpuid2 *c, u32 leaf, const struct topo *t)
{
	const u32 shift[3] = {t->thread_bits, t->package_bits, 0};
	const u32 count[3] = {t->t.threads, t->t.cores * t->t.threads, 0};
	u32 i;

	for (i = 0; i < 3 && c->nent < MAX_CPUID; i++)
		c->entries[c->nent++] = (struct kvm_cpuid_entry2){
			.function = leaf, .index = i, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
			.eax = shift[i], .ebx = count[i], .ecx = (i < 2 ? (i + 1) << 8 : 0) | i,
			.edx = t->apic_id,
		};
}

int kvm_cpuid_setup(struct gm_vcpu *v)
{
	struct kvm_vcpu *k = v->priv;
	struct topo t = {.t = gm_topology_of(v->m->topology, v->m->nvcpus), .apic_id = v->apic_id,
			 .irqchip = k->vm->vm.irqchip};
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + MAX_CPUID * sizeof(c->entries[0]));
	bool amd = false, ext = false;
	unsigned int i, n = 0;
	int err;

	if (!c)
		return -ENOMEM;
	t.thread_bits = gm_topology_thread_bits(&t.t);
	t.package_bits = gm_topology_package_bits(&t.t);
	c->nent = MAX_CPUID;
	err = ioctl(k->vm->devfd, KVM_GET_SUPPORTED_CPUID, c) ? -errno : 0;
	for (i = 0; !err && i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		/* "Auth", "Hygo" */
		if (e->function == 0)
			amd = e->ebx == 0x68747541 || e->ebx == 0x6f677948;
		ext = ext || e->function == 0xb;
		if (is_extended_topology(e))
			continue;
		if (amd || !is_amd_only(e))
			filter(e, &t);
		c->entries[n++] = *e;
	}
	if (!err) {
		c->nent = n;
		if (ext)
			extended_topology(c, 0xb, &t);
		err = ioctl(k->fd, KVM_SET_CPUID2, c) ? -errno : 0;
	}
	free(c);
	return err;
}
