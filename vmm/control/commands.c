// SPDX-License-Identifier: GPL-2.0-or-later
/* The commands of a running machine: one table for the socket, the menu and the command line. */
#include "vmm/control/control_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "devices/virtio/devices.h"
#include "vmm/accel/accel.h"
#include "vmm/clock.h"
#include "vmm/loop.h"
#include "vmm/sandbox/keeper.h"
#include "vmm/sandbox/sandbox.h"
#include "vmm/vcpu.h"

/* ---- state ---- */

static const char *state_name(const struct gm_machine *m)
{
	static const char *const names[] = {"running", "paused", "ended"};

	return names[m->state];
}

static void stat_add(void *opaque, const char *name, u64 value)
{
	json_object_set_new(opaque, name, json_integer((json_int_t)value));
}

/* The accelerator's counters: those of the machine, then an object for each vCPU that has some. */
static json_t *accel_stats(struct gm_machine *m)
{
	json_t *o = json_object(), *vcpu;
	char name[16];
	unsigned int i;

	if (!m->vm || !m->vm->accel->stats)
		return o;
	m->vm->accel->stats(m->vm, NULL, stat_add, o);
	for (i = 0; i < m->nvcpus; i++) {
		vcpu = json_object();
		m->vm->accel->stats(m->vm, m->vcpus[i], stat_add, vcpu);
		snprintf(name, sizeof(name), "vcpu%u", i);
		json_object_set_new(o, name, vcpu);
	}
	return o;
}

static const char *sandbox_name(const struct gm_control *c)
{
	if (!gm_keeper_sealed(c->keeper))
		return "off";
	return gm_sandbox_is_wide() ? "wide" : "on";
}

static json_t *do_stat(struct gm_control *c, const json_t *args, char *err, size_t errlen)
{
	struct gm_machine *m = c->m;
	json_t *counters = accel_stats(m), *o;

	o = json_pack("{s:s, s:s, s:i, s:s, s:I, s:i, s:f, s:i, s:s}", "name", c->name, "state",
		      state_name(m), "pid", (int)getpid(), "accel",
		      m->vm ? m->vm->accel->name : "none", "memory", (json_int_t)m->ram_size,
		      "cpus", (int)m->nvcpus, "seconds",
		      (double)gm_clock_now(m->clock) / NSEC_PER_SEC, "resets", (int)m->resets,
		      "sandbox", sandbox_name(c));
	if (o && json_object_size(counters))
		json_object_set(o, "counters", counters);
	json_decref(counters);
	return o;
}

/* The request is carried out now and not soon, so that the answer comes when it is done. */
static json_t *done(struct gm_control *c)
{
	gm_machine_service(c->m);
	return json_pack("{s:s}", "state", state_name(c->m));
}

static json_t *do_pause(struct gm_control *c, const json_t *args, char *err, size_t errlen)
{
	gm_machine_pause(c->m);
	return done(c);
}

static json_t *do_resume(struct gm_control *c, const json_t *args, char *err, size_t errlen)
{
	if (c->m->held) {
		snprintf(err, errlen, "a debugger has stopped the machine; let it continue there");
		return NULL;
	}
	gm_machine_resume(c->m);
	return done(c);
}

static json_t *do_reset(struct gm_control *c, const json_t *args, char *err, size_t errlen)
{
	gm_machine_request_reset(c->m);
	return done(c);
}

static json_t *do_nmi(struct gm_control *c, const json_t *args, char *err, size_t errlen)
{
	unsigned int i;

	for (i = 0; i < c->m->nvcpus; i++)
		gm_vcpu_nmi(c->m->vcpus[i]);
	return json_object();
}

static json_t *do_stop(struct gm_control *c, const json_t *args, char *err, size_t errlen)
{
	if (c->cfg.stop)
		c->cfg.stop(c->cfg.opaque);
	return json_object();
}

static json_t *do_power(struct gm_control *c, const json_t *args, char *err, size_t errlen)
{
	if (gm_machine_power_button(c->m))
		return json_object();
	snprintf(err, errlen, "the guest does not listen to its power button");
	return NULL;
}

static json_t *do_kill(struct gm_control *c, const json_t *args, char *err, size_t errlen)
{
	gm_machine_end(c->m, GM_END_QUIT, "ended by the user");
	return json_object();
}

/* ---- the screen ---- */

static char *base64(const u8 *p, size_t n)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *out = malloc((n + 2) / 3 * 4 + 1), *o = out;
	size_t i;

	for (i = 0; out && i < n; i += 3) {
		u32 v = (u32)p[i] << 16 | (i + 1 < n ? p[i + 1] << 8 : 0) |
			(i + 2 < n ? p[i + 2] : 0);

		*o++ = set[v >> 18];
		*o++ = set[v >> 12 & 63];
		*o++ = i + 1 < n ? set[v >> 6 & 63] : '=';
		*o++ = i + 2 < n ? set[v & 63] : '=';
	}
	if (out)
		*o = 0;
	return out;
}

static json_t *screen_png(const struct gm_screen *s, char *err, size_t errlen)
{
	char *data = NULL, *text;
	size_t len = 0;
	FILE *f = open_memstream(&data, &len);
	json_t *o = NULL;
	int ret = f ? gm_screen_write_png_file(s, f) : -ENOMEM;

	if (f)
		fclose(f);
	if (!ret && len > CONTROL_OUT_MAX / 2)
		ret = -EFBIG;
	text = ret ? NULL : base64((u8 *)data, len);
	if (text)
		o = json_pack("{s:i, s:i, s:s}", "width", s->width, "height", s->height, "png",
			      text);
	else
		snprintf(err, errlen, "no picture: %s",
			 ret == -ENODATA ? "the screen is off" : strerror(ret ? -ret : ENOMEM));
	free(text);
	free(data);
	return o;
}

static json_t *do_screenshot(struct gm_control *c, const json_t *args, char *err, size_t errlen)
{
	const char *format = json_string_value(json_object_get(args, "format"));
	const struct gm_display_source *d = c->cfg.pc ? &c->cfg.pc->display : NULL;
	bool text = format && !strcmp(format, "text");
	struct gm_screen s = {0};
	char *lines;
	u64 since = 0;
	json_t *o;

	if (format && !text && strcmp(format, "png")) {
		snprintf(err, errlen, "'%s' is not a format (png, text)", format);
		return NULL;
	}
	if (!d || !d->snapshot) {
		snprintf(err, errlen, "this machine has no screen");
		return NULL;
	}
	d->snapshot(d->opaque, &s, !text, &since);
	if (text) {
		lines = gm_screen_to_utf8(&s);
		o = json_pack("{s:s?}", "text", lines);
		free(lines);
	} else {
		o = screen_png(&s, err, errlen);
	}
	gm_screen_fini(&s);
	return o;
}

/* ---- memory ---- */

/* The balloon holds what the guest gave back; said and told is what it keeps. */
static json_t *do_balloon(struct gm_control *c, const json_t *args, char *err, size_t errlen)
{
	struct gm_dev *d = c->cfg.pc ? c->cfg.pc->cards.balloon : NULL;
	json_int_t all = (json_int_t)(c->m->ram_size / MiB), keep;
	const json_t *size = json_object_get(args, "size");

	if (!d) {
		snprintf(err, errlen, "this machine has no balloon (--device virtio-balloon)");
		return NULL;
	}
	if (size) {
		keep = json_integer_value(size);
		if (keep < 1 || keep > all) {
			snprintf(err, errlen, "'%lld' is not a number of MiB from 1 to %lld",
				 (long long)keep, (long long)all);
			return NULL;
		}
		virtio_balloon_set(d, (u32)(all - keep));
	}
	return json_pack("{s:I, s:I, s:I}", "memory", all, "wanted",
			 all - (json_int_t)virtio_balloon_wanted(d), "guest",
			 all - (json_int_t)virtio_balloon_get(d));
}

/* ---- help ---- */

static json_t *do_help(struct gm_control *c, const json_t *args, char *err, size_t errlen)
{
	json_t *list = json_array(), *names;
	const struct control_command *k;
	size_t i;

	for (k = control_commands; k->name; k++) {
		names = json_array();
		for (i = 0; i < CONTROL_ARGS && k->args[i].name; i++)
			json_array_append_new(names, json_string(k->args[i].name));
		json_array_append_new(list, json_pack("{s:s, s:o, s:s}", "command", k->name,
						      "arguments", names, "help", k->help));
	}
	return json_pack("{s:o}", "commands", list);
}

const struct control_command control_commands[] = {
	{"stat", "name, state, memory, time", .fn = do_stat},
	{"stop", "press the power button; end the machine if the guest does not follow",
	 .fn = do_stop},
	{"kill", "end the machine at once", .fn = do_kill},
	{"pause", "stop the machine and its time", .fn = do_pause},
	{"resume", "let it go on", .fn = do_resume},
	{"reset", "press the reset button", .fn = do_reset},
	{"power", "press the power button", .fn = do_power},
	{"nmi", "send a non-maskable interrupt to every CPU", .fn = do_nmi},
	{"screenshot", "the screen as png (base64) or text", {{"format", 's', true}},
	 .fn = do_screenshot},
	{"sendkey", "press keys together: ctrl-alt-delete", {{"keys", 's'}}, .fn = control_sendkey},
	{"type", "type a text", {{"text", 't'}}, .fn = control_type},
	{"eject", "take the medium out of cd0, fd0", {{"drive", 's'}, {"force", 'b', true}},
	 .fn = control_eject},
	{"insert", "put an image into cd0, fd0",
	 {{"drive", 's'}, {"path", 's'}, {"force", 'b', true}}, .fn = control_insert},
	{"balloon", "how many MiB of memory the guest is to keep, and keeps", {{"size", 'i', true}},
	 .fn = do_balloon},
	{"info", "cpus, pci, mtree, irq, block, net, display, devices", {{"what", 's'}, {"which", 's', true}},
	 .fn = control_info},
	{"console", "this connection becomes a serial port", {{"port", 'i', true}},
	 .connection = true},
	{"events", "tell this connection when the machine pauses, resumes, resets",
	 .connection = true},
	{"help", "the commands", .fn = do_help},
	{0},
};

/* ---- checking and doing ---- */

const struct control_command *control_command_find(const char *name)
{
	const struct control_command *k;

	for (k = control_commands; k->name; k++)
		if (!strcmp(k->name, name))
			return k;
	return NULL;
}

static bool kind_fits(const json_t *v, char kind)
{
	switch (kind) {
	case 'i': return json_is_integer(v);
	case 'b': return json_is_boolean(v);
	default: return json_is_string(v);
	}
}

static int args_check(const struct control_command *k, const json_t *args, char *err, size_t errlen)
{
	size_t i, known = 0;
	const json_t *v;

	for (i = 0; i < CONTROL_ARGS && k->args[i].name; i++) {
		v = json_object_get(args, k->args[i].name);
		known += v != NULL;
		if (!v && !k->args[i].optional) {
			snprintf(err, errlen, "%s: needs '%s'", k->name, k->args[i].name);
			return -EINVAL;
		}
		if (v && !kind_fits(v, k->args[i].kind)) {
			snprintf(err, errlen, "%s: '%s' has the wrong type", k->name,
				 k->args[i].name);
			return -EINVAL;
		}
	}
	if (json_object_size(args) > known) {
		snprintf(err, errlen, "%s: has arguments that are not known", k->name);
		return -EINVAL;
	}
	return 0;
}

const struct control_command *control_request_check(const json_t *request, const json_t **args,
						    char *err, size_t errlen)
{
	const char *name = json_string_value(json_object_get(request, "command"));
	const struct control_command *k = name ? control_command_find(name) : NULL;

	*args = json_object_get(request, "arguments");
	if (!name)
		snprintf(err, errlen, "a request is an object with \"command\"");
	else if (!k)
		snprintf(err, errlen, "'%.40s' is not a command; 'help' lists them", name);
	else if (*args && !json_is_object(*args))
		snprintf(err, errlen, "%s: \"arguments\" is no object", name);
	else if (!args_check(k, *args, err, errlen))
		return k;
	return NULL;
}

json_t *gm_control_do(struct gm_control *c, json_t *request, char *err, size_t errlen)
{
	const json_t *args;
	const struct control_command *k = control_request_check(request, &args, err, errlen);

	if (!k)
		return NULL;
	if (k->connection) {
		snprintf(err, errlen, "%s: works on a connection only", k->name);
		return NULL;
	}
	/* A machine that has ended still answers, until its process is gone. */
	if (c->m->state == GM_STATE_ENDED && k->fn != do_stat) {
		snprintf(err, errlen, "the machine has ended");
		return NULL;
	}
	return k->fn(c, args, err, errlen);
}

/* ---- life ---- */

static void state_changed(void *opaque, struct gm_machine *m)
{
	struct gm_control *c = opaque;

	if (c->conns)
		control_event(c, state_name(m));
}

/* Names that nobody gave: what cannot be in a file name becomes '_'. */
static void name_clean(char *name)
{
	size_t i, n = strlen(name);

	if (n > CONTROL_NAME_MAX - 4)
		name[n = CONTROL_NAME_MAX - 4] = 0;
	for (i = 0; i < n; i++) {
		char one[2] = {name[i], 0};

		if (!gm_control_name_ok(one) && (name[i] != '.' || !i))
			name[i] = '_';
	}
}

struct gm_control *gm_control_new(struct gm_machine *m, const struct gm_control_cfg *cfg)
{
	struct gm_control *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	json_object_seed(0); /* while its source of random numbers can be opened */
	c->m = m;
	c->cfg = *cfg;
	c->keeper = m->keeper;
	c->fd = c->lock_fd = c->passed = c->key_timer = -1;
	c->name = strdup(m->name ? m->name : "vmm");
	if (!c->name) {
		free(c);
		return NULL;
	}
	if (!cfg->name_given)
		name_clean(c->name);
	c->listener = (struct gm_state_listener){.fn = state_changed, .opaque = c};
	gm_machine_listen(m, &c->listener);
	return c;
}

static int name_take(struct gm_control *c, char *err, size_t errlen)
{
	char *base = c->name;
	unsigned int i;
	int ret;

	if (c->cfg.name_given && !gm_control_name_ok(base)) {
		snprintf(err, errlen, "--name: '%.80s' cannot be a machine's name (letters, digits "
				      "and . _ + -)", base);
		return -EINVAL;
	}
	ret = control_name_take(c, base, err, errlen);
	for (i = 2; ret == -EADDRINUSE && !c->cfg.name_given && i < 100; i++) {
		if (asprintf(&c->name, "%s-%u", base, i) < 0) {
			c->name = base;
			return -ENOMEM;
		}
		ret = control_name_take(c, c->name, err, errlen);
		if (ret)
			free(c->name);
		else
			free(base);
	}
	if (ret)
		c->name = base;
	return ret;
}

int gm_control_start(struct gm_machine *m, const struct gm_control_cfg *cfg,
		     struct gm_control **out, char *err, size_t errlen)
{
	struct gm_control *c = gm_control_new(m, cfg);
	int ret;

	if (!c) {
		snprintf(err, errlen, "out of memory");
		return -ENOMEM;
	}
	if (cfg->path) {
		c->path = strdup(cfg->path);
		ret = c->path ? 0 : -ENOMEM;
	} else {
		ret = name_take(c, err, errlen);
	}
	if (!ret)
		ret = control_listen(c, err, errlen);
	if (ret) {
		gm_control_stop(c);
		gm_control_free(c);
		return ret;
	}
	*out = c;
	return 0;
}

void gm_control_stop(struct gm_control *c)
{
	if (!c)
		return;
	control_event(c, "ended");
	gm_machine_unlisten(c->m, &c->listener);
	control_unlisten(c);
	control_keys_fini(c);
}

void gm_control_free(struct gm_control *c)
{
	if (!c)
		return;
	control_conns_free(c);
	control_name_drop(c);
	free(c->name);
	free(c);
}
