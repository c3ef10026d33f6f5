// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * "vmm run": from the command line to a running machine and back to an exit status.
 * Signals arrive through a signalfd in the I/O loop: SIGTERM and SIGHUP press the power button
 * first, and end the machine when the guest has not powered off after a grace period; SIGCONT
 * resumes a machine that a disk error paused; SIGUSR2 writes the screen to the file of
 * --screenshot.
 */
#include "vmm/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "vmm/accel/accel.h"
#include "vmm/clock.h"
#include "vmm/config.h"
#include "vmm/control/control.h"
#include "vmm/cpu/model.h"
#include "vmm/gdb/gdb.h"
#include "vmm/loop.h"
#include "vmm/machine.h"
#include "vmm/machine_pc.h"
#include "vmm/sandbox/keeper.h"
#include "vmm/sandbox/sandbox.h"
#include "vmm/trace.h"
#include "vmm/ui/feed.h"
#include "vmm/ui/screen_save.h"
#include "vmm/ui/sdl.h"
#include "vmm/ui/term.h"
#include "vmm/ui/view.h"
#include "vmm/ui/vnc.h"

#define STOP_GRACE_SECONDS 30

struct run {
	struct config config;
	struct gm_machine *m;
	struct pc *pc;
	struct gm_term *term;
	struct gm_view *view; /* of VNC and window, with the next two */
	struct gm_feed *feed;
	struct gm_vnc *vnc;
	struct gm_sdl *sdl;
	struct gm_control *control;
	struct gm_gdb *gdb;
	struct gm_keeper *keeper; /* NULL: --sandbox off */
	bool name_given;
	int sigfd, stopfd; /* signals; the grace period's timer */
	bool stopping;
	char err[512];
};

/* ---- screenshots ---- */

/* --screenshot. Machine lock held. */
static void write_screenshot(struct run *r)
{
	const char *path = r->config.screenshot;
	struct gm_screen s = {0};
	u64 since = 0;
	int err;

	if (!path || !r->pc->display.snapshot)
		return;
	r->pc->display.snapshot(r->pc->display.opaque, &s, !gm_screen_path_is_text(path), &since);
	err = gm_screen_save(r->keeper, &s, path);
	if (err)
		gm_machine_warn(r->m, "%s: %s", path, strerror(-err));
	gm_screen_fini(&s);
}

/* ---- signals ---- */

static void stop_expired(void *opaque, u32 events)
{
	struct run *r = opaque;

	gm_machine_end(r->m, GM_END_QUIT, "the guest did not power off within %d seconds: stopped",
		       STOP_GRACE_SECONDS);
}

/* Once: the power button. Again, or with a guest that does not listen to it: the end. */
static void stop_politely(struct run *r, const char *who)
{
	struct itimerspec grace = {.it_value.tv_sec = STOP_GRACE_SECONDS};

	if (r->stopping || r->m->state != GM_STATE_RUNNING) {
		gm_machine_end(r->m, GM_END_QUIT, "stopped by %s", who);
		return;
	}
	if (!gm_machine_power_button(r->m)) {
		gm_machine_end(r->m, GM_END_QUIT,
			       "stopped by %s: the guest does not listen to its power button", who);
		return;
	}
	r->stopping = true;
	timerfd_settime(r->stopfd, 0, &grace, NULL);
}

static void signal_ready(void *opaque, u32 events)
{
	struct run *r = opaque;
	struct signalfd_siginfo si;

	if (read(r->sigfd, &si, sizeof(si)) != sizeof(si))
		return;
	if (si.ssi_signo == SIGINT || si.ssi_signo == SIGQUIT)
		gm_machine_end(r->m, GM_END_QUIT, "interrupted");
	else if (si.ssi_signo == SIGUSR2)
		write_screenshot(r);
	else if (si.ssi_signo == SIGWINCH)
		gm_term_resized(r->term);
	else if (si.ssi_signo == SIGCONT)
		gm_machine_resume(r->m);
	else
		stop_politely(r, "a signal");
}

static int signals_setup(struct run *r)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGCONT);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* writes give EFBIG, which becomes a disk error */
	r->sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	r->stopfd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (r->sigfd < 0 || r->stopfd < 0 ||
	    gm_loop_add(r->m->loop, r->sigfd, EPOLLIN, signal_ready, r) ||
	    gm_loop_add(r->m->loop, r->stopfd, EPOLLIN, stop_expired, r)) {
		snprintf(r->err, sizeof(r->err), "cannot set up signals: %s", strerror(errno));
		return -EIO;
	}
	return 0;
}

/* ---- the terminal ---- */

static void ui_reset(void *opaque)
{
	gm_machine_request_reset(((struct run *)opaque)->m);
}

static void ui_power_button(void *opaque)
{
	gm_machine_power_button(((struct run *)opaque)->m);
}

static void ui_pause(void *opaque, bool on)
{
	struct run *r = opaque;

	if (on)
		gm_machine_pause(r->m);
	else
		gm_machine_resume(r->m);
}

static void ui_quit(void *opaque)
{
	gm_machine_end(((struct run *)opaque)->m, GM_END_QUIT, "ended by the user");
}

/* A line typed behind the menu's colon. */
static char *ui_command(void *opaque, const char *line)
{
	struct run *r = opaque;

	return gm_control_words(r->control, line);
}

static void ui_warn(void *opaque, const char *text)
{
	gm_term_message(((struct run *)opaque)->term, text);
}

static int term_setup(struct run *r)
{
	struct gm_term_cfg cfg = {
		.name = r->m->name,
		.display = r->pc->display,
		.input = r->pc->input,
		.serial = r->pc->serial[0],
		.reset = ui_reset,
		.powerbutton = ui_power_button,
		.pause = ui_pause,
		.quit = ui_quit,
		.command = ui_command,
		.opaque = r,
	};
	int err = gm_term_start(r->m, &cfg, &r->term);

	if (err) {
		snprintf(r->err, sizeof(r->err), "--display term: %s%s", strerror(-err),
			 err == -ENOTTY ? " (use --display none)" : "");
		return err;
	}
	r->m->warn = ui_warn;
	r->m->warn_opaque = r;
	return 0;
}

/* ---- other displays ---- */

static int vnc_setup(struct run *r)
{
	struct gm_vnc_cfg cfg = {.name = r->m->name, .address = r->config.display.address,
				 .password_file = r->config.display.password_file,
				 .view = r->view, .feed = r->feed};
	char why[300];
	int err = gm_vnc_start(r->m, &cfg, &r->vnc, why, sizeof(why));

	if (err)
		snprintf(r->err, sizeof(r->err), "--display vnc: %s", why);
	return err;
}

static void window_closed(void *opaque)
{
	stop_politely(opaque, "the user");
}

static int sdl_setup(struct run *r)
{
	struct gm_sdl_cfg cfg = {.name = r->m->name, .view = r->view, .feed = r->feed,
				 .fullscreen = r->config.display.fullscreen,
				 .close = window_closed, .opaque = r};
	char why[300];
	int err = gm_sdl_start(r->m, &cfg, &r->sdl, why, sizeof(why));

	if (err)
		snprintf(r->err, sizeof(r->err), "--display sdl: %s", why);
	return err;
}

static int picture_setup(struct run *r, int (*start)(struct run *r))
{
	int err;

	gm_lock(r->m);
	err = gm_view_new(r->m, &r->pc->display, &r->view);
	if (!err)
		err = gm_feed_new(r->m, &r->pc->input, &r->pc->tablet, &r->feed);
	if (err)
		snprintf(r->err, sizeof(r->err), "--display: %s", strerror(-err));
	else
		err = start(r);
	r->pc->view = r->view;
	gm_unlock(r->m);
	return err;
}

static int display_setup(struct run *r)
{
	const char *kind = r->config.display.kind;

	if (!strcmp(kind, "term"))
		return term_setup(r);
	if (!strcmp(kind, "vnc"))
		return picture_setup(r, vnc_setup);
	if (!strcmp(kind, "sdl"))
		return picture_setup(r, sdl_setup);
	return 0;
}

static void display_stop(struct run *r)
{
	gm_term_stop(r->term);
	gm_vnc_stop(r->vnc);
	gm_sdl_stop(r->sdl);
	if (r->m)
		gm_lock(r->m);
	if (r->pc)
		r->pc->view = NULL;
	gm_feed_free(r->feed);
	gm_view_free(r->view);
	if (r->m)
		gm_unlock(r->m);
	r->term = NULL;
	r->vnc = NULL;
	r->sdl = NULL;
	r->feed = NULL;
	r->view = NULL;
}

/* ---- the control socket ---- */

static void control_ask_stop(void *opaque)
{
	stop_politely(opaque, "the user");
}

/* Without a socket that nobody asked for the machine runs too; the menu has its commands. */
static int control_setup(struct run *r)
{
	struct gm_control_cfg cfg = {.pc = r->pc, .path = r->config.control,
				     .name_given = r->name_given, .stop = control_ask_stop,
				     .opaque = r};
	bool wanted = !cfg.path || strcmp(cfg.path, "none");
	int err = 0;

	gm_lock(r->m);
	if (wanted)
		err = gm_control_start(r->m, &cfg, &r->control, r->err, sizeof(r->err));
	if (err && !cfg.path && !cfg.name_given) {
		gm_machine_warn(r->m, "no control socket: %s", r->err);
		err = 0;
	}
	if (!err && !r->control)
		r->control = gm_control_new(r->m, &cfg);
	if (!err && r->config.gdb)
		err = gm_gdb_start(r->m, r->config.gdb, r->control, &r->gdb, r->err, sizeof(r->err));
	gm_unlock(r->m);
	return err || r->control ? err : -ENOMEM;
}

/* ---- the sandbox ---- */

/* What libslirp reads while the machine runs. */
static int allow_net(struct run *r)
{
	const struct config *c = &r->config;
	unsigned int i;
	int err = 0;

	for (i = 0; i < c->nnets && !err; i++) {
		const struct gm_net_options *n = &c->nets[i].o;

		if (n->kind != GM_NET_USER)
			continue;
		err = gm_keeper_allow(r->keeper, GM_KEEPER_READ, "/etc/resolv.conf");
		if (!err && n->tftp)
			err = gm_keeper_allow(r->keeper, GM_KEEPER_READ_DIR, n->tftp);
	}
	return err;
}

/* Files by which the machine's owner sees its screen. */
static int allow_screenshots(struct run *r)
{
	char prefix[CONTROL_NAME_MAX + 2];
	int err = 0;

	if (r->config.screenshot)
		err = gm_keeper_allow(r->keeper, GM_KEEPER_SAVE, r->config.screenshot);
	snprintf(prefix, sizeof(prefix), "%.*s-", (int)CONTROL_NAME_MAX, r->m->name);
	return err ? err : gm_keeper_allow(r->keeper, GM_KEEPER_STAMP, prefix);
}

/* Images that may be inserted later: those of --media, and what is in the drives now. */
static int allow_media(struct run *r)
{
	const struct config *c = &r->config;
	struct stat st;
	unsigned int i;
	int err = 0;

	for (i = 0; i < c->nmedia && !err; i++) {
		bool dir = !stat(c->media[i], &st) && S_ISDIR(st.st_mode);

		err = gm_keeper_allow(r->keeper, dir ? GM_KEEPER_MEDIA_DIR : GM_KEEPER_MEDIUM,
				      c->media[i]);
	}
	for (i = 0; i < c->ncdroms && !err; i++)
		if (c->cdroms[i].path)
			err = gm_keeper_allow(r->keeper, GM_KEEPER_MEDIUM, c->cdroms[i].path);
	for (i = 0; i < c->nfloppies && !err; i++)
		if (c->floppies[i].path)
			err = gm_keeper_allow(r->keeper, GM_KEEPER_MEDIUM, c->floppies[i].path);
	return err;
}

/* The last step before the machine runs: everything is open. */
static int sandbox_setup(struct run *r)
{
	struct gm_sandbox_cfg cfg = {.keeper = r->keeper,
				     .kvm = strcmp(r->m->vm->accel->name, "soft") != 0,
				     .libraries = !strcmp(r->config.display.kind, "sdl") ||
						  r->config.sound.out == GM_AUDIO_HOST};
	unsigned int i;
	int err;

	if (!r->keeper)
		return 0;
	for (i = 0; i < r->config.nnets; i++)
		cfg.sockets |= r->config.nets[i].o.kind == GM_NET_USER;
	err = allow_net(r);
	if (!err)
		err = allow_screenshots(r);
	if (!err)
		err = allow_media(r);
	if (err) {
		snprintf(r->err, sizeof(r->err), "the sandbox cannot be entered: %s",
			 strerror(-err));
		return err;
	}
	err = gm_sandbox_enter(&cfg, r->err, sizeof(r->err));
	if (err > 0) {
		gm_machine_warn(r->m, "this kernel (before Linux 5.9) cannot ask for files in the "
				"sandbox: user networking has no name service and no TFTP");
		err = 0;
	}
	/* A kernel that has no filters is no reason not to run, unless one was asked for. */
	if (err != -ENOSYS || r->config.sandbox_wanted)
		return err;
	gm_machine_warn(r->m, "%s", r->err);
	return 0;
}

/* ---- defaults ---- */

static int config_default(char **field, const char *value)
{
	if (!*field)
		*field = strdup(value);
	return *field ? 0 : -ENOMEM;
}

/* The machine's name: the first medium's file name without folder and suffix. */
static char *name_from_media(const struct config *c)
{
	const char *path = c->ndisks ? c->disks[0].path : c->ncdroms ? c->cdroms[0].path : NULL;
	const char *slash;
	char *name, *dot;

	if (!path)
		path = c->kernel ? c->kernel : "vmm";
	slash = strrchr(path, '/');
	name = strdup(slash && slash[1] ? slash + 1 : path);
	dot = name ? strrchr(name, '.') : NULL;
	if (dot && dot != name)
		*dot = 0;
	return name;
}

static int config_defaults(struct config *c)
{
	bool tty = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);

	if (!c->name)
		c->name = name_from_media(c);
	if (!c->name || config_default(&c->accel, "auto") ||
	    config_default(&c->display.kind, tty && !c->nserials ? "term" : "none"))
		return -ENOMEM;
	if (c->nserials)
		return 0;
	c->serials[0] = strdup(strcmp(c->display.kind, "none") ? "screen" : "stdio");
	c->nserials = c->serials[0] ? 1 : 0;
	return c->serials[0] ? 0 : -ENOMEM;
}

/* ---- the whole ---- */

static int print_cpu_models(void)
{
	const struct cpu_model *m;
	unsigned int i;

	for (i = 0; (m = cpu_model_at(i)); i++)
		printf("  %-12s %s\n", m->name, m->about);
	return VMM_EXIT_OK;
}

static int run_setup(struct run *r)
{
	struct gm_accel_options o = {.cpu_model = r->config.cpu, .device = r->config.device,
				     .irqchip = r->config.irqchip &&
						!strcmp(r->config.irqchip, "kernel")};
	int err;

	r->m = gm_machine_new(r->config.name);
	if (!r->m) {
		snprintf(r->err, sizeof(r->err), "out of memory");
		return -ENOMEM;
	}
	r->m->no_reboot = r->config.no_reboot;
	r->m->keeper = r->keeper;
	err = signals_setup(r);
	if (err)
		return err;
	if (r->config.trace) {
		err = gm_trace_start(r->m, r->config.trace, r->err, sizeof(r->err));
		if (err)
			return err;
	}
	err = gm_accel_open(r->m, r->config.accel, &o, r->err, sizeof(r->err));
	if (err)
		return err;
	err = pc_create(r->m, &r->config, &r->pc, r->err, sizeof(r->err));
	if (err)
		return err;
	err = control_setup(r);
	if (err)
		return err;
	err = display_setup(r);
	return err ? err : sandbox_setup(r);
}

static int exit_status(enum gm_end end)
{
	switch (end) {
	case GM_END_POWEROFF:
	case GM_END_QUIT: return VMM_EXIT_OK;
	case GM_END_RESET: return VMM_EXIT_RESET;
	case GM_END_CRASH: return VMM_EXIT_CRASH;
	default: return VMM_EXIT_HOST;
	}
}

static void run_cleanup(struct run *r)
{
	display_stop(r);
	if (r->m)
		gm_trace_stop(r->m);
	if (r->control) {
		gm_lock(r->m);
		gm_gdb_stop(r->gdb);
		gm_control_stop(r->control);
		gm_unlock(r->m);
	}
	gm_machine_free(r->m);
	gm_control_free(r->control);
	if (r->sigfd >= 0)
		close(r->sigfd);
	if (r->stopfd >= 0)
		close(r->stopfd);
	gm_keeper_stop(r->keeper);
	config_fini(&r->config);
}

static int run_machine(struct run *r)
{
	enum gm_end end = gm_machine_run(r->m);

	gm_lock(r->m);
	write_screenshot(r);
	gm_unlock(r->m);
	display_stop(r);
	r->m->warn = NULL;
	if (end != GM_END_POWEROFF)
		fprintf(stderr, "vmm: %s\n", r->m->end_reason);
	return exit_status(end);
}

static int usage_error(struct run *r)
{
	fprintf(stderr, "vmm: %s\n", r->err);
	config_fini(&r->config);
	return VMM_EXIT_USAGE;
}

static bool boots_from_net(const struct config *c)
{
	return c->nnets && c->boot && strchr(c->boot, 'n');
}

int vmm_run(int argc, char **argv)
{
	struct run r = {.sigfd = -1, .stopfd = -1};
	struct config *c = &r.config;
	int ret;

	config_init(c);
	ret = config_parse_args(c, argc, argv, r.err, sizeof(r.err));
	if (ret > 0) {
		printf("usage: vmm run [OPTION...] [DISK...] [MACHINE.conf]\n\n");
		config_print_help();
		config_fini(c);
		return VMM_EXIT_OK;
	}
	if (!ret && c->cpu && !strcmp(c->cpu, "help")) {
		config_fini(c);
		return print_cpu_models();
	}
	if (!ret && !c->ndisks && !c->ncdroms && !c->nfloppies && !c->kernel && !boots_from_net(c)) {
		snprintf(r.err, sizeof(r.err), "run: nothing to boot; try 'vmm run disk.img'");
		ret = -EINVAL;
	}
	if (!ret && c->cpu && !cpu_model_find(c->cpu)) {
		snprintf(r.err, sizeof(r.err), "--cpu: '%s' is not known; --cpu help lists them",
			 c->cpu);
		ret = -EINVAL;
	}
	if (!ret)
		ret = config_check(c, r.err, sizeof(r.err));
	if (ret)
		return usage_error(&r);
	r.name_given = c->name != NULL;
	if (config_defaults(c)) {
		fprintf(stderr, "vmm: out of memory\n");
		config_fini(c);
		return VMM_EXIT_HOST;
	}
	ret = c->no_sandbox ? 0 : gm_keeper_start(&r.keeper);
	if (ret)
		snprintf(r.err, sizeof(r.err), "the sandbox's keeper: %s", strerror(-ret));
	else
		ret = run_setup(&r);
	if (ret)
		fprintf(stderr, "vmm: %s\n", r.err);
	ret = ret ? (ret == -ENOMEM ? VMM_EXIT_HOST : VMM_EXIT_USAGE) : run_machine(&r);
	run_cleanup(&r);
	return ret;
}
