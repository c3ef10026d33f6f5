/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For cppcheck, which does not read the kernel's headers: what their loops over lists stand for. */
#define list_for_each_entry(p, h, m)                                                               \
	for (p = list_entry((h)->next, __typeof__(*p), m); &p->m != (h);                           \
	     p = list_entry(p->m.next, __typeof__(*p), m))
#define list_for_each_entry_safe(p, n, h, m)                                                       \
	for (p = list_entry((h)->next, __typeof__(*p), m),                                         \
	     n = list_entry(p->m.next, __typeof__(*p), m);                                         \
	     &p->m != (h); p = n, n = list_entry(n->m.next, __typeof__(*p), m))
