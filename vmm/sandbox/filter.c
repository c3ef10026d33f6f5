// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the filter lets through. Four lists: calls that are allowed whatever their arguments; calls
 * allowed with certain values of one argument; what is refused with an error that programs know how
 * to live with; and what no machine does, which ends it. All else is answered as by a kernel that
 * does not know the call, so that a newer C library falls back to an older call.
 *
 * Nothing may be mapped executable. A translator in the software CPU would have its buffer mapped
 * twice, writable and executable, before the sandbox is entered: these rules stay as they are.
 *
 * Follows seccomp_rule_add(3); the calls' arguments are those of their manual pages in section 2.
 */
#include "vmm/sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/kvm.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#define LIST_END (-100000)

/* ---- allowed ---- */

static const int memory_and_threads[] = {
	SCMP_SYS(brk), SCMP_SYS(clock_getres), SCMP_SYS(clock_getres_time64),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_gettime64), SCMP_SYS(clock_nanosleep),
	SCMP_SYS(clock_nanosleep_time64), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(futex),
	SCMP_SYS(futex_time64), SCMP_SYS(get_robust_list), SCMP_SYS(getcpu), SCMP_SYS(getegid),
	SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getpgrp), SCMP_SYS(getpid),
	SCMP_SYS(getppid), SCMP_SYS(getrandom),
	SCMP_SYS(getrlimit), SCMP_SYS(getrusage), SCMP_SYS(gettid), SCMP_SYS(gettimeofday),
	SCMP_SYS(getuid), SCMP_SYS(madvise), SCMP_SYS(mremap), SCMP_SYS(munmap),
	SCMP_SYS(nanosleep), SCMP_SYS(restart_syscall), SCMP_SYS(rseq), SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigpending), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigtimedwait), SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_yield),
	SCMP_SYS(set_robust_list), SCMP_SYS(set_thread_area), SCMP_SYS(sigaltstack),
	SCMP_SYS(sigreturn), SCMP_SYS(sysinfo), SCMP_SYS(time), SCMP_SYS(times),
	SCMP_SYS(ugetrlimit), SCMP_SYS(uname), LIST_END,
};

/* On what is open. */
static const int descriptors[] = {
	SCMP_SYS(_llseek), SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(close),
	SCMP_SYS(close_range), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3),
	SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2), SCMP_SYS(epoll_wait), SCMP_SYS(eventfd2), SCMP_SYS(fallocate),
	SCMP_SYS(fdatasync), SCMP_SYS(fstat), SCMP_SYS(fstat64), SCMP_SYS(fsync),
	SCMP_SYS(ftruncate), SCMP_SYS(ftruncate64), SCMP_SYS(getpeername),
	SCMP_SYS(getsockname), SCMP_SYS(getsockopt), SCMP_SYS(lseek), SCMP_SYS(pipe2),
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(ppoll_time64), SCMP_SYS(pread64),
	SCMP_SYS(preadv), SCMP_SYS(preadv2), SCMP_SYS(pselect6), SCMP_SYS(pselect6_time64),
	SCMP_SYS(pwrite64), SCMP_SYS(pwritev), SCMP_SYS(pwritev2), SCMP_SYS(read),
	SCMP_SYS(readv), SCMP_SYS(recvfrom), SCMP_SYS(recvmmsg), SCMP_SYS(recvmsg),
	SCMP_SYS(select), SCMP_SYS(_newselect), SCMP_SYS(send), SCMP_SYS(recv),
	SCMP_SYS(sendmmsg), SCMP_SYS(sendmsg), SCMP_SYS(sendto), SCMP_SYS(setsockopt),
	SCMP_SYS(shutdown), SCMP_SYS(signalfd4), SCMP_SYS(sync_file_range),
	SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_gettime), SCMP_SYS(timerfd_settime),
	SCMP_SYS(timerfd_settime64), SCMP_SYS(write), SCMP_SYS(writev), LIST_END,
};

static const int for_sockets[] = {
	SCMP_SYS(bind), SCMP_SYS(connect), SCMP_SYS(listen), LIST_END,
};

/* SDL's shared memory with the X server. */
static const int for_libraries[] = {
	SCMP_SYS(memfd_create), SCMP_SYS(shmctl), SCMP_SYS(shmdt), SCMP_SYS(shmget), LIST_END,
};

/* Reports, symbols and the search for leaks of the sanitizers; never in what is installed. */
static const int for_sanitizers[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(newfstatat),
	SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(access), SCMP_SYS(faccessat),
	SCMP_SYS(getdents), SCMP_SYS(getdents64), SCMP_SYS(getcwd), SCMP_SYS(clone), SCMP_SYS(wait4),
	SCMP_SYS(ptrace), SCMP_SYS(prctl), SCMP_SYS(arch_prctl), SCMP_SYS(mmap),
	SCMP_SYS(mprotect), SCMP_SYS(tgkill), SCMP_SYS(sched_getparam),
	SCMP_SYS(sched_getscheduler), SCMP_SYS(process_vm_readv), LIST_END,
};

static const int for_keeper[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(stat), SCMP_SYS(stat64),
	SCMP_SYS(newfstatat), SCMP_SYS(fstatat64), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
	SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(socket),
	SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(listen), SCMP_SYS(chmod), SCMP_SYS(fchmodat),
	SCMP_SYS(lstat), SCMP_SYS(process_vm_readv), SCMP_SYS(ioctl), LIST_END,
};

/* ---- allowed with certain values of one argument ---- */

struct value {
	int nr;
	unsigned int arg;
	u64 mask, value;
};

#define THREAD     (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)
#define NAMESPACES (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
		    CLONE_NEWPID | CLONE_NEWNET)
#define ALL_32     0xffffffffull

#define FCNTL(cmd)  {SCMP_SYS(fcntl), 1, ALL_32, cmd}, {SCMP_SYS(fcntl64), 1, ALL_32, cmd}
#define IOCTL(nr)   {SCMP_SYS(ioctl), 1, ALL_32, (nr) & ALL_32}
#define IOCTLS(c)   {SCMP_SYS(ioctl), 1, 0xff00, (c) << 8}

static const struct value values[] = {
	/* Threads, but no processes and no new namespaces. */
	{SCMP_SYS(clone), 0, THREAD | NAMESPACES, THREAD},
	{SCMP_SYS(mmap), 2, PROT_EXEC, 0},
	{SCMP_SYS(mmap2), 2, PROT_EXEC, 0},
	{SCMP_SYS(mprotect), 2, PROT_EXEC, 0},
	{SCMP_SYS(prctl), 0, ALL_32, PR_SET_NAME},
	{SCMP_SYS(prctl), 0, ALL_32, PR_GET_NAME},
	{SCMP_SYS(prlimit64), 2, ~0ull, 0}, /* looking, not setting */
	/* What the C library makes of fstat(): of a descriptor, in truth, though not for certain. */
	{SCMP_SYS(newfstatat), 3, AT_EMPTY_PATH, AT_EMPTY_PATH},
	{SCMP_SYS(fstatat64), 3, AT_EMPTY_PATH, AT_EMPTY_PATH},
	{SCMP_SYS(statx), 2, AT_EMPTY_PATH, AT_EMPTY_PATH},
	FCNTL(F_DUPFD), FCNTL(F_DUPFD_CLOEXEC), FCNTL(F_GETFD), FCNTL(F_SETFD), FCNTL(F_GETFL),
	FCNTL(F_SETFL), FCNTL(F_OFD_GETLK), FCNTL(F_OFD_SETLK), FCNTL(F_GETLK), FCNTL(F_SETLK),
	IOCTL(TCGETS), IOCTL(TCSETS), IOCTL(TCSETSW), IOCTL(TCSETSF), IOCTL(TCFLSH),
	/* TCGETS2 to TCSETSF2, which newer C libraries use. */
	IOCTL(0x802c542a), IOCTL(0x402c542b), IOCTL(0x402c542c), IOCTL(0x402c542d),
	IOCTL(TIOCGWINSZ), IOCTL(TIOCGPGRP), IOCTL(FIONREAD), IOCTL(FIONBIO), IOCTL(BLKDISCARD),
	{LIST_END},
};

static const struct value values_kvm[] = {
	IOCTL(KVM_RUN), IOCTL(KVM_INTERRUPT), IOCTL(KVM_IRQ_LINE), IOCTL(KVM_SIGNAL_MSI),
	IOCTL(KVM_NMI), IOCTL(KVM_GET_REGS), IOCTL(KVM_SET_REGS), IOCTL(KVM_GET_SREGS),
	IOCTL(KVM_SET_SREGS), IOCTL(KVM_GET_MSRS), IOCTL(KVM_SET_MSRS), IOCTL(KVM_GET_XSAVE),
	IOCTL(KVM_SET_XSAVE), IOCTL(KVM_GET_XCRS), IOCTL(KVM_SET_XCRS), IOCTL(KVM_GET_DEBUGREGS),
	IOCTL(KVM_SET_DEBUGREGS), IOCTL(KVM_GET_VCPU_EVENTS), IOCTL(KVM_SET_VCPU_EVENTS),
	IOCTL(KVM_GET_LAPIC), IOCTL(KVM_SET_LAPIC), IOCTL(KVM_GET_IRQCHIP),
	IOCTL(KVM_SET_IRQCHIP), IOCTL(KVM_GET_MP_STATE), IOCTL(KVM_SET_MP_STATE),
	IOCTL(KVM_SET_GSI_ROUTING), IOCTL(KVM_SET_USER_MEMORY_REGION), IOCTL(KVM_GET_DIRTY_LOG),
	IOCTL(KVM_SET_GUEST_DEBUG), IOCTL(KVM_GET_CLOCK), IOCTL(KVM_SET_CLOCK),
	IOCTL(KVM_KVMCLOCK_CTRL), IOCTL(KVM_GET_DEVICE_ATTR), IOCTL(KVM_SET_DEVICE_ATTR),
	IOCTL(KVM_GET_TSC_KHZ), IOCTL(KVM_SET_CPUID2), IOCTL(KVM_CHECK_EXTENSION),
	{LIST_END},
};

static const struct value values_sockets[] = {
	{SCMP_SYS(socket), 0, ALL_32, AF_INET},
	{SCMP_SYS(socket), 0, ALL_32, AF_INET6},
	{LIST_END},
};

/* Shared memory that is not executable; ALSA's and DRM's own numbers, by their letter. */
static const struct value values_libraries[] = {
	{SCMP_SYS(shmat), 2, SHM_EXEC, 0}, IOCTLS('A'), IOCTLS('d'), {LIST_END},
};

/* ---- refused ---- */

/* EACCES: what looks for a file, a connection or executable memory finds that it may not. */
static const int no_access[] = {
	SCMP_SYS(access), SCMP_SYS(bind), SCMP_SYS(connect), SCMP_SYS(creat), SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2), SCMP_SYS(getdents), SCMP_SYS(getdents64),
	SCMP_SYS(inotify_init1), SCMP_SYS(link),
	SCMP_SYS(linkat), SCMP_SYS(listen), SCMP_SYS(lstat), SCMP_SYS(mkdir), SCMP_SYS(mkdirat),
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(readlink),
	SCMP_SYS(readlinkat), SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2),
	SCMP_SYS(rmdir), SCMP_SYS(stat), SCMP_SYS(stat64), SCMP_SYS(symlink),
	SCMP_SYS(symlinkat), SCMP_SYS(truncate), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
	SCMP_SYS(chmod), SCMP_SYS(fchmodat), SCMP_SYS(chown), SCMP_SYS(fchownat),
	SCMP_SYS(mknod), SCMP_SYS(mknodat), SCMP_SYS(name_to_handle_at), LIST_END,
};

/* A new process is a violation like starting a program. */
static const struct value values_violations[] = {
	{SCMP_SYS(clone), 0, CLONE_THREAD, 0},
	{LIST_END},
};

static const struct value values_no_access[] = {
	{SCMP_SYS(mmap), 2, PROT_EXEC, PROT_EXEC},
	{SCMP_SYS(mmap2), 2, PROT_EXEC, PROT_EXEC},
	{SCMP_SYS(mprotect), 2, PROT_EXEC, PROT_EXEC},
	{SCMP_SYS(newfstatat), 3, AT_EMPTY_PATH, 0},
	{SCMP_SYS(fstatat64), 3, AT_EMPTY_PATH, 0},
	{LIST_END},
};

/* The questions that the keeper answers when it is there (keeper_notify.c). */
static const int asked[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(stat), SCMP_SYS(stat64), LIST_END,
};

/* ---- ends the machine ---- */

static const int violations[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(kcmp),
	SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_getfd), SCMP_SYS(bpf), SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register), SCMP_SYS(io_setup), SCMP_SYS(mount), SCMP_SYS(umount),
	SCMP_SYS(umount2), SCMP_SYS(move_mount), SCMP_SYS(open_tree), SCMP_SYS(fsopen),
	SCMP_SYS(fsmount), SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(unshare),
	SCMP_SYS(setns), SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load), SCMP_SYS(reboot), SCMP_SYS(swapon),
	SCMP_SYS(swapoff), SCMP_SYS(setuid), SCMP_SYS(setgid), SCMP_SYS(setreuid),
	SCMP_SYS(setregid), SCMP_SYS(setresuid), SCMP_SYS(setresgid), SCMP_SYS(setgroups),
	SCMP_SYS(setfsuid), SCMP_SYS(setfsgid), SCMP_SYS(capset), SCMP_SYS(keyctl),
	SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(open_by_handle_at), SCMP_SYS(iopl),
	SCMP_SYS(ioperm), SCMP_SYS(modify_ldt), SCMP_SYS(personality), SCMP_SYS(quotactl),
	SCMP_SYS(acct), SCMP_SYS(sethostname), SCMP_SYS(setdomainname), SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime), SCMP_SYS(adjtimex), SCMP_SYS(clock_adjtime), SCMP_SYS(syslog),
	SCMP_SYS(seccomp), SCMP_SYS(socketpair), LIST_END,
};

/* ---- making it ---- */

static bool listed(const int *list, int nr)
{
	while (*list != LIST_END && *list != nr)
		list++;
	return *list == nr;
}

/* Calls that this processor's kernel does not have are passed over. */
static int add(gm_filter f, u32 action, int nr, unsigned int n, const struct value *v)
{
	struct scmp_arg_cmp c = SCMP_A0(SCMP_CMP_MASKED_EQ, 0, 0);
	int ret;

	if (n) {
		c.arg = v->arg;
		c.datum_a = v->mask;
		c.datum_b = v->value;
	}
	ret = seccomp_rule_add_array(f, action, nr, n, &c);
	return ret == -EDOM || ret == -EEXIST ? 0 : ret;
}

static int add_list(gm_filter f, u32 action, const int *list, const int *but)
{
	int ret = 0;

	for (; *list != LIST_END && !ret; list++)
		if (!but || !listed(but, *list))
			ret = add(f, action, *list, 0, NULL);
	return ret;
}

static int add_values(gm_filter f, u32 action, const struct value *v, const int *but)
{
	int ret = 0;

	for (; v->nr != LIST_END && !ret; v++)
		if (!but || !listed(but, v->nr))
			ret = add(f, action, v->nr, 1, v);
	return ret;
}

static gm_filter filter_new(void)
{
	gm_filter f = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));

	if (!f)
		return NULL;
	if (seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS))
		seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL);
	/* The filter changes nothing about speculation: what the host has set stays. Refused by
	 * libraries and kernels that do not know it, as what follows. */
	seccomp_attr_set(f, SCMP_FLTATR_CTL_SSB, 1);
	seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	/* The kernel's own error, not just that there was one. */
	seccomp_attr_set(f, SCMP_FLTATR_API_SYSRAWRC, 1);
	seccomp_syscall_priority(f, SCMP_SYS(ioctl), 255);
	seccomp_syscall_priority(f, SCMP_SYS(futex), 254);
	return f;
}

/* libseccomp takes each call into one list only as long as it has no arguments to look at: what a
 * wider list allows is left out of the narrower ones. */
static int machine_rules(gm_filter f, const struct gm_sandbox_cfg *c, bool notify)
{
	static const int none[] = {LIST_END};
	const int *wide = gm_sandbox_is_wide() ? for_sanitizers : none;
	u32 self[2] = {SCMP_ACT_ALLOW, SCMP_ACT_ERRNO(EACCES)};
	struct value kick = {SCMP_SYS(tgkill), 0, ALL_32, (u32)getpid()};
	const int *skip = c->sockets ? for_sockets : none;
	int ret = add_list(f, self[0], wide, NULL);
	size_t i;

	if ((ret = ret ? ret : add_list(f, self[0], memory_and_threads, NULL)) ||
	    (ret = add_list(f, self[0], descriptors, NULL)) ||
	    (ret = add_values(f, self[0], values, wide)) ||
	    (ret = listed(wide, kick.nr) ? 0 : add(f, self[0], kick.nr, 1, &kick)) ||
	    (ret = c->kvm ? add_values(f, self[0], values_kvm, NULL) : 0) ||
	    (ret = c->sockets ? add_list(f, self[0], for_sockets, NULL) : 0) ||
	    (ret = c->sockets ? add_values(f, self[0], values_sockets, NULL) : 0) ||
	    (ret = c->libraries ? add_list(f, self[0], for_libraries, NULL) : 0) ||
	    (ret = c->libraries ? add_values(f, self[0], values_libraries, NULL) : 0) ||
	    (ret = notify ? add_list(f, SCMP_ACT_NOTIFY, asked, NULL) : 0))
		return ret;
	for (i = 0; no_access[i] != LIST_END && !ret; i++)
		if (!listed(wide, no_access[i]) && !listed(skip, no_access[i]) &&
		    !(notify && listed(asked, no_access[i])))
			ret = add(f, self[1], no_access[i], 0, NULL);
	for (i = 0; values_no_access[i].nr != LIST_END && !ret; i++)
		if (!listed(wide, values_no_access[i].nr))
			ret = add(f, notify && values_no_access[i].arg == 3 ? SCMP_ACT_NOTIFY : self[1],
				  values_no_access[i].nr, 1, &values_no_access[i]);
	if (!ret)
		ret = add_values(f, SCMP_ACT_TRAP, values_violations, wide);
	return ret ? ret : add_list(f, SCMP_ACT_TRAP, violations, wide);
}

int gm_filter_machine(const struct gm_sandbox_cfg *cfg, bool notify, gm_filter *out)
{
	gm_filter f = filter_new();
	int ret = f ? 0 : -ENOMEM;

	if (!ret)
		ret = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!ret)
		ret = machine_rules(f, cfg, notify);
	*out = f;
	return ret;
}

int gm_filter_keeper(gm_filter *out)
{
	gm_filter f = filter_new();
	int ret = f ? 0 : -ENOMEM;

	*out = f;
	if (!ret && gm_sandbox_is_wide())
		ret = add_list(f, SCMP_ACT_ALLOW, for_sanitizers, NULL);
	if (!ret)
		ret = add_list(f, SCMP_ACT_ALLOW, memory_and_threads, NULL);
	if (!ret)
		ret = add_list(f, SCMP_ACT_ALLOW, descriptors, NULL);
	if (!ret)
		ret = add_list(f, SCMP_ACT_ALLOW, for_keeper, NULL);
	return ret ? ret : add_values(f, SCMP_ACT_ALLOW, values, for_sanitizers);
}
