// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * "vmm doctor": looks at what running a machine leans on, says it in plain words, and what to do
 * about each lack. Nothing is changed, and nothing needs privileges.
 */
#include "vmm/doctor.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "vmm/audio/audio.h"
#include "vmm/control/control.h"
#include "vmm/run.h"
#include "vmm/ui/sdl.h"
#include "vmm/ui/vnc.h"

#define API_WANTED 12

struct doctor {
	bool virt;            /* the CPU has vmx or svm */
	bool amd;
	bool driver;          /* one of the two devices works */
	unsigned int lacks;   /* without which nothing runs */
};

/* ---- lines ---- */

static void line(const char *mark, const char *fmt, va_list ap)
{
	printf("%-5s ", mark);
	vprintf(fmt, ap);
	printf("\n");
}

static void good(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void good(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line("ok", fmt, ap);
	va_end(ap);
}

static void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line("note", fmt, ap);
	va_end(ap);
}

static void lack(struct doctor *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void lack(struct doctor *d, const char *fmt, ...)
{
	va_list ap;

	d->lacks++;
	va_start(ap, fmt);
	line("LACK", fmt, ap);
	va_end(ap);
}

static void advise(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void advise(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line("  ->", fmt, ap);
	va_end(ap);
}

/* ---- the processor ---- */

static void check_cpu(struct doctor *d)
{
	u32 a, b, c = 0, dd, ext = 0;
	char vendor[13] = "";
	bool vmx, svm, guest;

	if (__get_cpuid(0, &a, &b, &c, &dd)) {
		memcpy(vendor, &b, 4);
		memcpy(vendor + 4, &dd, 4);
		memcpy(vendor + 8, &c, 4);
	}
	c = 0;
	__get_cpuid(1, &a, &b, &c, &dd);
	vmx = c >> 5 & 1;
	guest = c >> 31;
	__get_cpuid(0x80000001, &a, &b, &ext, &dd);
	svm = ext >> 2 & 1;
	d->virt = vmx || svm;
	d->amd = !strcmp(vendor, "AuthenticAMD") || !strcmp(vendor, "HygonGenuine");
	if (d->virt) {
		good("processor: %s, with %s", vendor, vmx ? "VT-x (vmx)" : "AMD-V (svm)");
	} else {
		note("processor: %s, shows neither VT-x (vmx) nor AMD-V (svm): guests run on the "
		     "software CPU, some ten times slower", vendor);
		if (guest)
			advise("this is itself a virtual machine: its host must offer it nested "
			       "virtualization");
		else
			advise("switch %s on in the firmware setup, if this processor has it",
			       d->amd ? "SVM" : "Intel Virtualization Technology");
	}
	note("%ld processors online%s", sysconf(_SC_NPROCESSORS_ONLN),
	     guest ? ", in a virtual machine" : "");
}

/* ---- the drivers ---- */

static bool module_loaded(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	return !access(path, F_OK);
}

static void device_missing(struct doctor *d, const char *module)
{
	struct utsname u;

	if (uname(&u))
		return;
	if (!strcmp(module, "guestmode"))
		advise("build and load it: install the package guestmode-dkms (or make -C module), then "
		       "'modprobe guestmode' (kernel %s)", u.release);
	else if (d->virt)
		advise("'modprobe %s'", d->amd ? "kvm_amd" : "kvm_intel");
}

static void device_denied(const char *path)
{
	struct group *g;
	struct stat st;

	if (stat(path, &st))
		return;
	g = getgrgid(st.st_gid);
	advise("become a member of the group '%s': 'usermod -aG %s USER', then log in again",
	       g ? g->gr_name : "kvm", g ? g->gr_name : "kvm");
}

static void check_device(struct doctor *d, const char *path, const char *module)
{
	int fd = open(path, O_RDWR | O_CLOEXEC), version, vm, err = errno;

	if (fd < 0) {
		note("%s: %s", path, err == ENOENT && !module_loaded(module) ? "the driver is not "
		     "loaded" : strerror(err));
		if (err == ENOENT || err == ENODEV || err == ENXIO)
			device_missing(d, module);
		else if (err == EACCES || err == EPERM)
			device_denied(path);
		return;
	}
	version = ioctl(fd, KVM_GET_API_VERSION, 0);
	vm = version == API_WANTED ? ioctl(fd, KVM_CREATE_VM, 0) : -1;
	err = errno;
	if (version != API_WANTED) {
		note("%s: speaks version %d of the interface, wanted is %d", path, version,
		     API_WANTED);
	} else if (vm < 0) {
		note("%s: refuses to make a virtual machine: %s", path, strerror(err));
		if (err == EBUSY)
			advise("another hypervisor uses the processor's virtualization; unload its "
			       "driver");
	} else if (!d->virt && !strcmp(module, "kvm")) {
		note("%s: there, but the processor shows no vmx or svm: it is used only when asked "
		     "for (--accel kvm)", path);
	} else {
		good("%s: usable", path);
		d->driver = true;
	}
	if (vm >= 0)
		close(vm);
	close(fd);
}

static void check_drivers(struct doctor *d)
{
	check_device(d, "/dev/guestmode", "guestmode");
	check_device(d, "/dev/kvm", "kvm");
	if (d->driver)
		good("guests run on the processor itself (--accel auto)");
	else
		note("guests run on the software CPU (--accel auto takes it by itself)");
}

/* ---- firmware ---- */

static const char *file_find(const char *const *dirs, const char *name, char *buf, size_t len)
{
	for (; *dirs; dirs++) {
		snprintf(buf, len, "%s/%s", *dirs, name);
		if (!access(buf, R_OK))
			return buf;
	}
	return NULL;
}

static void check_firmware(struct doctor *d)
{
	static const char *const dirs[] = {"/usr/share/seabios", "/usr/share/qemu",
					   "/usr/local/share/seabios", NULL};
	static const char *const net[] = {"/usr/lib/ipxe/qemu", "/usr/share/ipxe/qemu",
					  "/usr/share/ipxe.efi", "/usr/share/qemu", NULL};
	static const char *const bios[] = {"bios-256k.bin", "bios.bin"};
	static const char *const vga[] = {"vgabios-stdvga.bin", "vgabios.bin"};
	const char *found = NULL;
	char buf[256];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bios) && !found; i++)
		found = file_find(dirs, bios[i], buf, sizeof(buf));
	if (found) {
		good("firmware: %s", found);
	} else {
		lack(d, "firmware: no SeaBIOS found");
		advise("install the package 'seabios' (Debian, Ubuntu) or 'seabios-bin' (Fedora), or "
		       "say --bios FILE");
	}
	for (i = 0, found = NULL; i < ARRAY_SIZE(vga) && !found; i++)
		found = file_find(dirs, vga[i], buf, sizeof(buf));
	if (found) {
		good("video firmware: %s", found);
	} else {
		lack(d, "video firmware: no SeaVGABIOS found");
		advise("install the package 'seabios' (Debian, Ubuntu) or 'seavgabios-bin' (Fedora)");
	}
	if (file_find(net, "pxe-e1000.rom", buf, sizeof(buf))) {
		good("network boot firmware: %s", buf);
	} else {
		note("network boot firmware: none; guests cannot boot from the network");
		advise("install the package 'ipxe-qemu' (Debian, Ubuntu) or 'ipxe-roms-qemu' (Fedora)");
	}
}

/* ---- memory, folders, permissions ---- */

static u64 meminfo(const char *key)
{
	FILE *f = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	char text[128];
	size_t n = strlen(key);

	while (f && fgets(text, sizeof(text), f))
		if (!strncmp(text, key, n) && text[n] == ':')
			sscanf(text + n + 1, "%llu", &kib);
	if (f)
		fclose(f);
	return kib * KiB;
}

static void check_memory(struct doctor *d)
{
	u64 total = meminfo("MemTotal"), avail = meminfo("MemAvailable");

	if (avail >= 1200 * MiB)
		good("memory: %llu MiB, %llu MiB of them available (a guest gets 1024 MiB unless "
		     "told)", (unsigned long long)(total / MiB), (unsigned long long)(avail / MiB));
	else
		note("memory: %llu MiB, only %llu MiB of them available: give guests less with "
		     "--memory", (unsigned long long)(total / MiB),
		     (unsigned long long)(avail / MiB));
}

static void check_folders(void)
{
	const char *tmp = getenv("TMPDIR");
	char dir[256], err[300];
	struct statvfs fs;
	u64 room;

	tmp = tmp && *tmp ? tmp : "/var/tmp";
	if (gm_control_dir(dir, sizeof(dir), err, sizeof(err))) {
		note("control sockets: %s", err);
		advise("without them 'vmm list' and the like do not see your machines");
	} else {
		good("control sockets: %s", dir);
	}
	if (statvfs(tmp, &fs) || access(tmp, W_OK)) {
		note("temporary files: %s cannot be written: disks with 'snapshot' do not work", tmp);
		advise("set TMPDIR to a folder with room");
		return;
	}
	room = (u64)fs.f_bavail * fs.f_frsize;
	if (room >= 1 * GiB)
		good("temporary files: %s, %llu MiB free", tmp, (unsigned long long)(room / MiB));
	else
		note("temporary files: %s has only %llu MiB free for disks with 'snapshot'", tmp,
		     (unsigned long long)(room / MiB));
}

static void check_network(void)
{
	if (access("/dev/net/tun", F_OK))
		note("network: no /dev/net/tun: user networking works, tap does not ('modprobe tun')");
	else if (access("/dev/net/tun", R_OK | W_OK))
		note("network: /dev/net/tun may not be opened: user networking works, tap does not");
	else
		good("network: user networking, and tap for who may configure it");
}

static void check_sound(void)
{
	char text[192];
	int err = gm_audio_host_probe(text, sizeof(text));

	if (!err) {
		good("sound: SDL2 plays through %s", text);
		return;
	}
	note("sound: %s; guests can be recorded ('--sound CARD,wav=FILE'), not heard", text);
	if (err == -ENOSYS)
		advise("build vmm with libsdl2-dev (Debian, Ubuntu) or SDL2-devel (Fedora) installed");
	else if (err == -ENODEV)
		advise("SDL2 finds no PulseAudio, PipeWire or ALSA; SDL_AUDIODRIVER names one that it is "
		       "to use");
}

static void check_displays(void)
{
	char why[300];

	if (gm_vnc_available(why, sizeof(why)))
		good("VNC: screens can be shown to VNC clients (--display vnc)");
	else
		note("VNC: --display vnc does not work: %s", why);
	if (gm_sdl_available(why, sizeof(why)))
		good("window: SDL is there (--display sdl)%s",
		     getenv("DISPLAY") || getenv("WAYLAND_DISPLAY") ? "" : ", but no desktop: "
		     "neither DISPLAY nor WAYLAND_DISPLAY is set");
	else
		note("window: --display sdl does not work: %s", why);
}

/* What the kernel's filters can do; the file came with Linux 4.14. */
static void check_sandbox(void)
{
	FILE *f = fopen("/proc/sys/kernel/seccomp/actions_avail", "re");
	char text[256] = "";

	if (f && !fgets(text, sizeof(text), f))
		text[0] = 0;
	if (f)
		fclose(f);
	if (strstr(text, "user_notif"))
		good("sandbox: machines open no files and start no programs");
	else if (strstr(text, "trap"))
		note("sandbox: this kernel's filters cannot ask (before Linux 5.9): guests of user "
		     "networking have no name service, or run with '--sandbox off'");
	else
		note("sandbox: nothing is known of this kernel's seccomp filters; a machine says when "
		     "it runs without");
}

static void check_user(void)
{
	if (!geteuid())
		note("you are root; machines need no privileges, any user will do");
	else
		good("user %u: no privileges are needed", (unsigned int)geteuid());
}

int vmm_doctor(int argc, char **argv)
{
	struct doctor d = {0};

	if (argc) {
		fprintf(stderr, "vmm: usage: vmm doctor\n");
		return VMM_EXIT_USAGE;
	}
	check_cpu(&d);
	check_drivers(&d);
	check_firmware(&d);
	check_memory(&d);
	check_folders();
	check_network();
	check_sound();
	check_displays();
	check_sandbox();
	check_user();
	if (d.lacks)
		printf("%u things are missing without which no machine runs\n", d.lacks);
	else
		printf("machines can run here: vmm run disk.img\n");
	return d.lacks ? VMM_EXIT_HOST : VMM_EXIT_OK;
}
