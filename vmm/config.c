// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of configuration keys and what each accepts. */
#include "vmm/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "vmm/loader/boot.h"
#include "vmm/trace.h"

#define MEMORY_MIN (2 * MiB)
#define MEMORY_MAX (512 * GiB)

struct key {
	const char *name;
	const char *value; /* what stands in the help; NULL: a switch */
	const char *help;
	int (*set)(struct config *c, const struct key *k, const char *v, char *err, size_t len);
	size_t offset;     /* of the member, for the general setters */
};

int config_fail(char *err, size_t len, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, len, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static int set_string(struct config *c, const struct key *k, const char *v, char *err, size_t len)
{
	char **p = (char **)((char *)c + k->offset), *copy = strdup(v);

	if (!copy)
		return config_fail(err, len, "out of memory");
	free(*p);
	*p = copy;
	return 0;
}

static int set_bool(struct config *c, const struct key *k, const char *v, char *err, size_t len)
{
	bool *p = (bool *)((char *)c + k->offset);

	if (!strcmp(v, "yes") || !strcmp(v, "on") || !strcmp(v, "true"))
		*p = true;
	else if (!strcmp(v, "no") || !strcmp(v, "off") || !strcmp(v, "false"))
		*p = false;
	else
		return config_fail(err, len, "'%s' is neither yes nor no", v);
	return 0;
}

static int set_memory(struct config *c, const struct key *k, const char *v, char *err, size_t len)
{
	static const struct {
		char suffix;
		u64 unit;
	} units[] = {{0, MiB}, {'k', KiB}, {'K', KiB}, {'m', MiB}, {'M', MiB}, {'g', GiB},
		     {'G', GiB}};
	char *end;
	u64 n;
	size_t i;

	errno = 0;
	n = strtoull(v, &end, 10);
	if (end == v || errno || v[0] == '-')
		return config_fail(err, len, "'%s' is not a size (512, 512M, 2G)", v);
	for (i = 0; i < ARRAY_SIZE(units); i++)
		if (end[0] == units[i].suffix && (!end[0] || !end[1]))
			break;
	if (i == ARRAY_SIZE(units))
		return config_fail(err, len, "'%s' is not a size (512, 512M, 2G)", v);
	if (n > MEMORY_MAX / units[i].unit)
		return config_fail(err, len, "%s is too large (at most %lluG)", v,
			    (unsigned long long)(MEMORY_MAX / GiB));
	c->memory = n * units[i].unit;
	if (c->memory < MEMORY_MIN)
		return config_fail(err, len, "%s is too small (at least %lluM)", v,
			    (unsigned long long)(MEMORY_MIN / MiB));
	if (c->memory % 4096)
		return config_fail(err, len, "%s is not a multiple of 4K", v);
	return 0;
}

/* ---- disks ---- */

static int disk_part(struct config_disk *d, const char *part, char *err, size_t len)
{
	if (!strncmp(part, "format=", 7)) {
		free(d->format);
		d->format = strdup(part + 7);
		return d->format ? 0 : config_fail(err, len, "out of memory");
	}
	if (!strcmp(part, "readonly"))
		d->readonly = true;
	else if (!strcmp(part, "snapshot"))
		d->snapshot = true;
	else if (!strcmp(part, "if=virtio") || !strcmp(part, "if=ide"))
		d->virtio = part[3] == 'v';
	else if (!strcmp(part, "modern"))
		d->modern = true;
	else if (!strcmp(part, "split"))
		d->split = true;
	else if (!strncmp(part, "queues=", 7) && part[7] >= '1' && part[7] <= '8' && !part[8])
		d->queues = (unsigned int)(part[7] - '0');
	else
		return config_fail(err, len, "'%s' is not known here (format=raw|qcow2, readonly, snapshot, "
			    "if=virtio, queues=1 to 8, modern, split)", part);
	return 0;
}

static int disk_parse(struct config_disk *d, const char *v, char *err, size_t len)
{
	char *copy = strdup(v), *p = copy, *part;
	int ret = 0;

	if (!copy)
		return config_fail(err, len, "out of memory");
	part = config_next_part(&p);
	if (strcmp(part, "none")) {
		d->path = strdup(part);
		if (!d->path)
			ret = config_fail(err, len, "out of memory");
		else if (!*part)
			ret = config_fail(err, len, "the path is empty");
	}
	while (!ret && (part = config_next_part(&p)))
		ret = disk_part(d, part, err, len);
	free(copy);
	return ret;
}

static int drive_add(struct config_disk *list, unsigned int *n, unsigned int max, const char *what,
		     const char *v, char *err, size_t len)
{
	if (*n == max)
		return config_fail(err, len, "too many %s (at most %u)", what, max);
	return disk_parse(&list[(*n)++], v, err, len);
}

static int set_disk(struct config *c, const struct key *k, const char *v, char *err, size_t len)
{
	if (!strcmp(v, "none"))
		return config_fail(err, len, "a hard disk needs a path");
	return drive_add(c->disks, &c->ndisks, CONFIG_NDISKS, "disks", v, err, len);
}

static int set_net(struct config *c, const struct key *k, const char *v, char *err, size_t len)
{
	return config_net_parse(c, v, err, len);
}

static int set_device(struct config *c, const struct key *k, const char *v, char *err, size_t len)
{
	return config_device_parse(c, v, err, len);
}

static int set_sound(struct config *c, const struct key *k, const char *v, char *err, size_t len)
{
	return config_sound_parse(c, v, err, len);
}

static int set_cdrom(struct config *c, const struct key *k, const char *v, char *err, size_t len)
{
	int ret = drive_add(c->cdroms, &c->ncdroms, CONFIG_NCDROMS, "CD-ROM drives", v, err, len);

	if (!ret)
		c->cdroms[c->ncdroms - 1].readonly = true;
	return ret;
}

static int set_media(struct config *c, const struct key *k, const char *v, char *err, size_t len)
{
	if (c->nmedia == CONFIG_NMEDIA)
		return config_fail(err, len, "too many (at most %d); a folder stands for all its images",
				   CONFIG_NMEDIA);
	if (access(v, R_OK))
		return config_fail(err, len, "%s: %s", v, strerror(errno));
	c->media[c->nmedia] = strdup(v);
	if (!c->media[c->nmedia])
		return config_fail(err, len, "out of memory");
	c->nmedia++;
	return 0;
}

static int set_floppy(struct config *c, const struct key *k, const char *v, char *err, size_t len)
{
	return drive_add(c->floppies, &c->nfloppies, CONFIG_NFLOPPIES, "floppy drives", v, err,
			 len);
}

/* ---- choices ---- */

static int set_boot(struct config *c, const struct key *k, const char *v, char *err, size_t len)
{
	if (!*v || strspn(v, "acdn") != strlen(v) || strlen(v) > 4)
		return config_fail(err, len,
			    "'%s' is not a boot order (letters a floppy, c disk, d CD-ROM, n network)",
			    v);
	return set_string(c, k, v, err, len);
}

static int set_serial(struct config *c, const struct key *k, const char *v, char *err, size_t len)
{
	if (c->nserials == CONFIG_NSERIALS)
		return config_fail(err, len, "too many serial ports (at most %u)", CONFIG_NSERIALS);
	c->serials[c->nserials] = strdup(v);
	if (!c->serials[c->nserials])
		return config_fail(err, len, "out of memory");
	c->nserials++;
	return 0;
}

static int set_choice(struct config *c, const struct key *k, const char *v, char *err, size_t len,
		      const char *const *list)
{
	size_t i;

	for (i = 0; list[i]; i++)
		if (!strcmp(list[i], v))
			return set_string(c, k, v, err, len);
	return config_fail(err, len, "'%s' is not known (%s)", v, k->value);
}

static int set_accel(struct config *c, const struct key *k, const char *v, char *err, size_t len)
{
	static const char *const list[] = {"auto", "guestmode", "kvm", "soft", NULL};

	return set_choice(c, k, v, err, len, list);
}

static int set_irqchip(struct config *c, const struct key *k, const char *v, char *err, size_t len)
{
	static const char *const list[] = {"user", "kernel", NULL};

	return set_choice(c, k, v, err, len, list);
}

static int set_display(struct config *c, const struct key *k, const char *v, char *err, size_t len)
{
	return config_display_parse(&c->display, v, err, len);
}

static int set_sandbox(struct config *c, const struct key *k, const char *v, char *err, size_t len)
{
	if (strcmp(v, "on") && strcmp(v, "off"))
		return config_fail(err, len, "'%s' is neither on nor off", v);
	c->sandbox_wanted = !strcmp(v, "on");
	c->no_sandbox = !c->sandbox_wanted;
	return 0;
}

static int set_trace(struct config *c, const struct key *k, const char *v, char *err, size_t len)
{
	if (!gm_trace_check(v))
		return config_fail(err, len, "'%s' is not known (%s)", v, k->value);
	return set_string(c, k, v, err, len);
}

static int set_entry(struct config *c, const struct key *k, const char *v, char *err, size_t len)
{
	enum gm_boot_entry entry;

	if (!gm_boot_entry_parse(v, &entry))
		return config_fail(err, len, "'%s' is not known (%s)", v, k->value);
	return set_string(c, k, v, err, len);
}

static int set_on_disk_error(struct config *c, const struct key *k, const char *v, char *err,
			     size_t len)
{
	static const char *const list[] = {"report", "pause", "stop"};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(list); i++) {
		if (strcmp(list[i], v))
			continue;
		c->on_disk_error = (enum gm_blk_on_error)i;
		return 0;
	}
	return config_fail(err, len, "'%s' is not known (%s)", v, k->value);
}

static int set_clock(struct config *c, const struct key *k, const char *v, char *err, size_t len)
{
	struct tm tm = {0};
	const char *end;

	if (!strcmp(v, "utc")) {
		c->clock = CONFIG_CLOCK_UTC;
	} else if (!strcmp(v, "local")) {
		c->clock = CONFIG_CLOCK_LOCAL;
	} else {
		end = strptime(v, "%Y-%m-%dT%H:%M:%S", &tm);
		if (!end || *end)
			return config_fail(err, len, "'%s' is not known (utc, local, "
				    "2026-01-31T12:00:00)", v);
		c->clock = CONFIG_CLOCK_DATE;
		c->clock_date = timegm(&tm);
	}
	return 0;
}

/* "N", "N,sockets=S,cores=C,threads=T" or those without N; what is not said follows: one thread a
 * core, one socket, and cores to make up N. */
static int set_cpus(struct config *c, const struct key *k, const char *v, char *err, size_t len)
{
	enum { TOTAL, SOCKETS, CORES, THREADS, N };
	static const char *const names[N] = {"", "sockets=", "cores=", "threads="};
	unsigned long n[N] = {0}, total;
	const char *p = v;
	char *end = NULL;
	int i;

	do {
		for (i = N - 1; i > TOTAL && strncmp(p, names[i], strlen(names[i])); i--)
			;
		if (i == TOTAL && p != v)
			return config_fail(err, len, "'%s' is not understood (%s)", v, k->value);
		p += strlen(names[i]);
		n[i] = *p >= '0' && *p <= '9' ? strtoul(p, &end, 10) : 0;
		if (!n[i] || n[i] > GM_CPUS_MAX || (*end && *end != ','))
			return config_fail(err, len, "'%s' is not understood (%s, 1 to %d CPUs)", v,
				    k->value, GM_CPUS_MAX);
		p = end + 1;
	} while (*end);
	n[THREADS] = n[THREADS] ? n[THREADS] : 1;
	if (n[TOTAL] && n[CORES] && !n[SOCKETS])
		n[SOCKETS] = MAX(n[TOTAL] / (n[CORES] * n[THREADS]), 1ul);
	n[SOCKETS] = n[SOCKETS] ? n[SOCKETS] : 1;
	if (!n[CORES])
		n[CORES] = MAX(n[TOTAL] / (n[SOCKETS] * n[THREADS]), 1ul);
	total = n[SOCKETS] * n[CORES] * n[THREADS];
	if (total > GM_CPUS_MAX)
		return config_fail(err, len, "'%s': %lu CPUs; a machine has 1 to %d", v, total, GM_CPUS_MAX);
	if (n[TOTAL] && total != n[TOTAL])
		return config_fail(err, len, "'%s': %lu sockets of %lu cores of %lu threads are not %lu CPUs",
			    v, n[SOCKETS], n[CORES], n[THREADS], n[TOTAL]);
	c->cpus = (struct gm_topology){(u32)n[SOCKETS], (u32)n[CORES], (u32)n[THREADS]};
	return 0;
}

#define STR(f) .set = set_string, .offset = offsetof(struct config, f)

static const struct key keys[] = {
	{"name", "NAME", "name of the machine (default: from the first disk)", STR(name)},
	{"memory", "SIZE", "guest memory, MiB or with suffix K, M, G (default 1G)", set_memory},
	{"cpus", "N[,sockets=S][,cores=C][,threads=T]",
	 "number of CPUs, 1 to 255, and how they are spread (default 1)", set_cpus},
	{"disk", "PATH[,format=raw|qcow2][,readonly][,snapshot][,if=virtio]",
	 "hard disk; the first is IDE primary master", set_disk},
	{"cdrom", "PATH|none", "CD-ROM drive with this image, or empty", set_cdrom},
	{"floppy", "PATH[,readonly][,snapshot]", "floppy disk, first A then B", set_floppy},
	{"media", "PATH", "image, or folder of images, for :insert in the menu of a running machine; read only",
	 set_media},
	{"net", "user|tap|pair|none[,model=CARD][,mac=ADDRESS][,capture=FILE][,...]",
	 "network card (e1000, rtl8139, ne2000, ne2000-isa, virtio) and what it is plugged into",
	 set_net},
	{"device", "virtio-rng|virtio-balloon|virtio-console[,chardev=WHERE][,modern][,split]",
	 "further device", set_device},
	{"sound", "none|speaker|sb16|ac97[,wav=FILE|,mute]",
	 "sound card, and where it is heard: on this host, in a file, nowhere (default none)",
	 set_sound},
	{"boot", "ORDER", "letters a (floppy), c (disk), d (CD-ROM), n (network)", set_boot,
	 offsetof(struct config, boot)},
	{"kernel", "FILE", "boot this Linux bzImage, multiboot or PVH ELF file", STR(kernel)},
	{"initrd", "FILE[,FILE...]", "initial RAM disk, or multiboot modules", STR(initrd)},
	{"append", "TEXT", "kernel command line", STR(append)},
	{"entry", "auto|16|32|64|multiboot|pvh", "entry point of the kernel (default: what it offers)",
	 set_entry, offsetof(struct config, entry)},
	{"serial", "none|stdio|screen|pty|file:PATH|unix:PATH|tcp:PORT",
	 "what serial port 1 (then 2) is connected to", set_serial},
	{"parallel", "none|file:PATH|...", "what the parallel port is connected to",
	 STR(parallel)},
	{"debugcon", "stderr|file:PATH|...", "what ports 402h and E9h are connected to",
	 STR(debugcon)},
	{"display", "term|vnc[=ADDRESS][,password-file=FILE]|sdl[,fullscreen]|none",
	 "the guest's screen: in this terminal, for VNC clients, in a window, or not shown",
	 set_display},
	{"screenshot", "FILE", "write the screen (.png or .txt) when the machine ends and at SIGUSR2", STR(screenshot)},
	{"control", "PATH|none", "the control socket (default: the machine's name in the user's runtime "
	 "folder)", STR(control)},
	{"gdb", "[ADDRESS:]PORT|unix:PATH[,wait][,arch=...]", "wait for gdb's \"target remote\"",
	 STR(gdb)},
	{"trace", "exit|io|mmio|irq|block|state|all[,...][=FILE]",
	 "write a line for each such event, to FILE or standard error", set_trace,
	 offsetof(struct config, trace)},
	{"accel", "auto|guestmode|kvm|soft", "who runs guest code", set_accel,
	 offsetof(struct config, accel)},
	{"accel-device", "FILE", "device file of the accelerator", STR(device)},
	{"irqchip", "user|kernel", "whose interrupt controllers: vmm's, or the accelerator's",
	 set_irqchip, offsetof(struct config, irqchip)},
	{"cpu", "MODEL", "CPU model of the software CPU; 'help' lists them", STR(cpu)},
	{"clock", "utc|local|DATE", "what the guest's real-time clock shows", set_clock},
	{"bios", "FILE", "firmware instead of the distribution's SeaBIOS", STR(bios)},
	{"vgabios", "FILE", "video BIOS instead of SeaVGABIOS", STR(vgabios)},
	{"on-disk-error", "report|pause|stop", "when the host cannot read or write a disk",
	 set_on_disk_error},
	{"sandbox", "on|off", "once it is built the machine opens no file and starts no program (default "
	 "on; off is for debugging vmm)", set_sandbox},
	{"no-reboot", NULL, "end instead of resetting", set_bool,
	 offsetof(struct config, no_reboot)},
};

static const struct key *key_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (!strcmp(keys[i].name, name))
			return &keys[i];
	return NULL;
}

bool config_key_known(const char *key, bool *wants_value)
{
	const struct key *k = key_find(key);

	if (k)
		*wants_value = k->value != NULL;
	return k;
}

int config_set(struct config *c, const char *key, const char *value, char *err, size_t errlen)
{
	const struct key *k = key_find(key);

	if (!k)
		return config_fail(err, errlen, "not known; 'vmm help run' lists what there is");
	return k->set(c, k, value, err, errlen);
}

void config_print_help(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		printf("  --%s%s%s\n        %s\n", keys[i].name, keys[i].value ? " " : "",
		       keys[i].value ? keys[i].value : "", keys[i].help);
}

void config_init(struct config *c)
{
	memset(c, 0, sizeof(*c));
	c->memory = 1 * GiB;
	c->cpus = (struct gm_topology){1, 1, 1};
}

static void disks_free(struct config_disk *d, unsigned int n)
{
	while (n--) {
		free(d[n].path);
		free(d[n].format);
	}
}

void config_fini(struct config *c)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].value && keys[i].offset)
			free(*(char **)((char *)c + keys[i].offset));
	free(c->name);
	for (i = 0; i < c->nserials; i++)
		free(c->serials[i]);
	for (i = 0; i < c->nmedia; i++)
		free(c->media[i]);
	disks_free(c->disks, c->ndisks);
	disks_free(c->cdroms, c->ncdroms);
	disks_free(c->floppies, c->nfloppies);
	config_net_fini(c);
	config_display_fini(&c->display);
	free(c->sound.wav);
}

int config_check(struct config *c, char *err, size_t errlen)
{
	u64 host = (u64)sysconf(_SC_PHYS_PAGES) * (u64)sysconf(_SC_PAGESIZE);
	unsigned int i, ide = 0;

	if (c->memory > host)
		return config_fail(err, errlen, "--memory: %lluM is too large: this host has %lluM",
			    (unsigned long long)(c->memory / MiB),
			    (unsigned long long)(host / MiB));
	for (i = 0; i < c->ndisks; i++)
		ide += !c->disks[i].virtio;
	if (ide + c->ncdroms > 4)
		return config_fail(err, errlen, "too many disks and CD-ROM drives: IDE has room for 4");
	if (!c->kernel && (c->initrd || c->append || c->entry))
		return config_fail(err, errlen, "--initrd, --append and --entry need --kernel");
	return 0;
}
