// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control socket and the gdb server: bytes as a client sends them, to a small machine that never
 * runs. The first byte chooses: 'g' is gdb, 'w' a line of the menu's words, all else JSON.
 */
#include "test/fuzz/fuzz.h"

#include <sys/socket.h>
#include <sys/un.h>
#include "vmm/accel/accel.h"
#include "vmm/bus.h"
#include "vmm/control/control.h"
#include "vmm/gdb/gdb.h"
#include "vmm/loop.h"
#include "vmm/vcpu.h"

static bool no_intr(struct gm_vcpu *v)
{
	return false;
}

static int no_ack(struct gm_vcpu *v)
{
	return -1;
}

static void setup(void *opaque, struct gm_vcpu *v)
{
	v->intr_pending = no_intr;
	v->intr_ack = no_ack;
}

static struct gm_machine *machine_make(void)
{
	struct gm_accel_options o = {0};
	struct gm_machine *m = gm_machine_new("fuzz");
	char err[300];

	m->nvcpus = 2;
	if (gm_accel_open(m, "soft", &o, err, sizeof(err)))
		abort();
	gm_lock(m);
	if (gm_machine_add_ram(m, 2 * MiB) || gm_vcpus_create(m, setup, NULL))
		abort();
	m->held = true;
	gm_unlock(m);
	return m;
}

/* Runs the loop until the client's bytes are dealt with: it ends when the client is gone. */
static void pump(struct gm_machine *m, const char *path, const u8 *data, size_t len)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct timeval quick = {.tv_usec = 1000};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), k;
	char drop[4096];

	strcpy(a.sun_path, path);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)))
		abort();
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &quick, sizeof(quick));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &quick, sizeof(quick));
	if (send(fd, data, len, MSG_NOSIGNAL) < 0)
		len = 0;
	shutdown(fd, SHUT_WR);
	for (k = 0; k < 12; k++) {
		gm_loop_wake(m->loop);
		gm_loop_step(m->loop);
		while (recv(fd, drop, sizeof(drop), MSG_DONTWAIT) > 0)
			;
	}
	close(fd);
	gm_loop_wake(m->loop);
	gm_loop_step(m->loop);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct gm_control_cfg cfg = {0};
	struct gm_control *c = NULL;
	struct gm_gdb *g = NULL;
	struct gm_machine *m;
	char path[64], spec[80], err[300], *text;

	if (!len || len > 100000)
		return 0;
	m = machine_make();
	snprintf(path, sizeof(path), "/tmp/fuzz-control-%d", (int)getpid());
	snprintf(spec, sizeof(spec), "unix:%s,wait", path);
	unlink(path);
	cfg.path = data[0] == 'g' || data[0] == 'w' ? NULL : path;
	gm_lock(m);
	if (cfg.path && gm_control_start(m, &cfg, &c, err, sizeof(err)))
		abort();
	if (!c)
		c = gm_control_new(m, &cfg);
	if (data[0] == 'g' && gm_gdb_start(m, spec, c, &g, err, sizeof(err)))
		abort();
	if (data[0] == 'w') {
		text = strndup((const char *)data + 1, len - 1);
		free(gm_control_words(c, text));
		free(text);
	}
	gm_unlock(m);
	if (data[0] != 'w')
		pump(m, path, data + (data[0] == 'g'), len - (data[0] == 'g'));
	gm_lock(m);
	gm_gdb_stop(g);
	gm_control_stop(c);
	gm_unlock(m);
	gm_machine_free(m);
	gm_control_free(c);
	return 0;
}
