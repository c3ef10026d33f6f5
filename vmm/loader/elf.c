/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF kernels: segments and notes. Source: System V ABI, chapter 5 (program loading). */
#include "vmm/loader/elf.h"

#include <errno.h>
#include <gelf.h>

bool elf_is(const u8 *data, u32 len)
{
	return len >= EI_NIDENT && !memcmp(data, ELFMAG, SELFMAG);
}

/* NULL when libelf does not take it for an ELF file of this architecture. */
static Elf *elf_open(const struct plan_file *k, GElf_Ehdr *eh)
{
	Elf *e;

	if (!elf_is(k->data, k->len) || elf_version(EV_CURRENT) == EV_NONE)
		return NULL;
	e = elf_memory((char *)k->data, k->len);
	if (!e)
		return NULL;
	if (elf_kind(e) == ELF_K_ELF && gelf_getehdr(e, eh) &&
	    (eh->e_machine == EM_386 || eh->e_machine == EM_X86_64) &&
	    eh->e_ident[EI_DATA] == ELFDATA2LSB)
		return e;
	elf_end(e);
	return NULL;
}

static int elf_load_segment(struct plan *p, const struct plan_file *k, const GElf_Phdr *ph)
{
	if (ph->p_offset > k->len || ph->p_filesz > k->len - ph->p_offset)
		return plan_fail(p, -EINVAL, "truncated: a segment ends beyond the file");
	if (ph->p_filesz > ph->p_memsz)
		return plan_fail(p, -EINVAL, "a segment is larger in the file than in memory");
	return plan_add(p, "a segment", ph->p_paddr, k->data + ph->p_offset, (u32)ph->p_filesz,
			ph->p_memsz);
}

int elf_load(struct plan *p, const struct plan_file *k, u64 *entry)
{
	GElf_Ehdr eh;
	GElf_Phdr ph;
	Elf *e = elf_open(k, &eh);
	unsigned int loaded = 0;
	size_t i, n;
	int rc = 0;

	if (!e || elf_getphdrnum(e, &n)) {
		rc = plan_fail(p, -EINVAL, "damaged ELF headers");
		goto out;
	}
	*entry = eh.e_entry;
	for (i = 0; !rc && i < n; i++) {
		if (!gelf_getphdr(e, (int)i, &ph)) {
			rc = plan_fail(p, -EINVAL, "damaged ELF program headers");
			break;
		}
		if (ph.p_type != PT_LOAD || !ph.p_memsz)
			continue;
		rc = elf_load_segment(p, k, &ph);
		loaded++;
		if (eh.e_entry >= ph.p_vaddr && eh.e_entry - ph.p_vaddr < ph.p_memsz)
			*entry = eh.e_entry - ph.p_vaddr + ph.p_paddr;
	}
	if (!rc && !loaded)
		rc = plan_fail(p, -EINVAL, "nothing to load in the ELF file");
out:
	if (e)
		elf_end(e);
	return rc;
}

static bool elf_note_in(Elf_Data *d, const char *name, u32 type, u64 *value)
{
	size_t off = 0, next, name_off, desc_off, want = strlen(name) + 1;
	GElf_Nhdr nh;

	while ((next = gelf_getnote(d, off, &nh, &name_off, &desc_off)) > 0) {
		const u8 *desc = (const u8 *)d->d_buf + desc_off;

		off = next;
		if (nh.n_type != type || nh.n_namesz != want ||
		    memcmp((const u8 *)d->d_buf + name_off, name, want))
			continue;
		if (nh.n_descsz != 4 && nh.n_descsz != 8)
			continue;
		*value = nh.n_descsz == 4 ? le32(desc) : le64(desc);
		return true;
	}
	return false;
}

bool elf_note(const struct plan_file *k, const char *name, u32 type, u64 *value)
{
	GElf_Ehdr eh;
	GElf_Phdr ph;
	Elf *e = elf_open(k, &eh);
	bool found = false;
	size_t i, n;

	if (!e)
		return false;
	if (elf_getphdrnum(e, &n))
		n = 0;
	for (i = 0; !found && i < n; i++) {
		Elf_Data *d;

		if (!gelf_getphdr(e, (int)i, &ph) || ph.p_type != PT_NOTE ||
		    ph.p_offset > k->len || ph.p_filesz > k->len - ph.p_offset)
			continue;
		d = elf_getdata_rawchunk(e, (int64_t)ph.p_offset, ph.p_filesz,
					 ph.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
		found = d && elf_note_in(d, name, type, value);
	}
	elf_end(e);
	return found;
}
