// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names that the driver would like to link with: modpost says which of them this kernel exports to a
 * GPL module that is not its own kvm. One GM_SYMBOL a line; probe.sh reads the names from here. The
 * assembler's name is given apart, so that no header's declaration is in the way.
 */
#include <linux/module.h>

#define GM_SYMBOL(name)                                                                            \
	extern char gm_sym_##name[] __asm__(#name);                                                \
	char *gm_ref_##name = gm_sym_##name;

/* clang-format off */
GM_SYMBOL(gm_no_such_symbol_first)
GM_SYMBOL(kfree)
GM_SYMBOL(__mmdrop)
GM_SYMBOL(account_locked_vm)
GM_SYMBOL(asm_load_gs_index)
GM_SYMBOL(load_gs_index)
GM_SYMBOL(native_load_gs_index)
GM_SYMBOL(anon_inode_getfd)
GM_SYMBOL(clear_bhb_loop)
GM_SYMBOL(do_machine_check)
GM_SYMBOL(entry_untrain_ret)
GM_SYMBOL(eventfd_ctx_remove_wait_queue)
GM_SYMBOL(get_user_pages_fast)
GM_SYMBOL(mmu_notifier_register)
GM_SYMBOL(pin_user_pages_fast)
GM_SYMBOL(preempt_notifier_register)
GM_SYMBOL(set_page_dirty_lock)
GM_SYMBOL(smp_ops)
GM_SYMBOL(srso_alias_untrain_ret)
GM_SYMBOL(tsc_khz)
GM_SYMBOL(unpin_user_pages_dirty_lock)
GM_SYMBOL(gm_no_such_symbol_last)
/* clang-format on */

MODULE_LICENSE("GPL");
