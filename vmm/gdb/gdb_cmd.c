// SPDX-License-Identifier: GPL-2.0-or-later
/* The commands of gdb's remote protocol. What is not known is answered by an empty packet. Source:
 * the manual "Debugging with GDB", appendices E.2 to E.5. */
#include "vmm/control/control.h"
#include "vmm/gdb/gdb_int.h"
#include "vmm/vcpu.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MEM_MAX (GDB_PACKET_MAX / 2 - 16)

static void ok(struct gm_gdb *g)
{
	gdb_put(g, "OK");
}

/* ---- numbers ---- */

static bool number(const char **p, u64 *v)
{
	char *end;

	if (!((**p >= '0' && **p <= '9') || (**p >= 'a' && **p <= 'f') || (**p >= 'A' && **p <= 'F')))
		return false;
	errno = 0;
	*v = strtoull(*p, &end, 16);
	*p = end;
	return !errno;
}

static bool expect(const char **p, char c)
{
	if (**p != c)
		return false;
	++*p;
	return true;
}

/* A thread: 1 up; 0 and -1 mean any and all: they give the present one. */
static bool thread(struct gm_gdb *g, const char **p, unsigned int *cpu, bool *all)
{
	u64 n;

	*all = false;
	*cpu = g->cpu;
	if (!strncmp(*p, "-1", 2)) {
		*p += 2;
		*all = true;
		return true;
	}
	if (!number(p, &n) || n > g->m->nvcpus)
		return false;
	*all = n == 0;
	if (n)
		*cpu = (unsigned int)n - 1;
	return true;
}

/* ---- stops ---- */

void gdb_put_stop(struct gm_gdb *g)
{
	const struct gdb_event *e = &g->event;
	unsigned int i;

	gdb_put(g, "T%02x", e->set ? 5 : 2);
	if (e->set && e->why == GM_DEBUG_WATCH) {
		/* gdb knows a watchpoint by its address and kind. */
		for (i = 0; i < g->npoints; i++)
			if (g->points[i].kind != GM_POINT_EXEC && g->points[i].addr == e->addr)
				break;
		gdb_put(g, "%s:%llx;", i == g->npoints || g->points[i].kind == GM_POINT_WRITE ? "watch" :
			g->points[i].kind == GM_POINT_READ ? "rwatch" : "awatch",
			(unsigned long long)e->addr);
	}
	gdb_put(g, "thread:%x;", g->stop_cpu + 1);
}

static void cmd_reason(struct gm_gdb *g, const char *p, size_t len)
{
	gdb_put(g, "T05thread:%x;", g->stop_cpu + 1);
}

/* ---- registers ---- */

static int regs_read(struct gm_gdb *g, struct gm_regs **out)
{
	struct gm_regs *r = calloc(1, sizeof(*r));

	if (r && !g->m->vm->accel->regs_get(g->m->vcpus[g->cpu],
					    GM_REGS_GPR | GM_REGS_SYS | GM_REGS_FPU, r)) {
		*out = r;
		return 0;
	}
	free(r);
	gdb_put(g, "E05");
	return -EIO;
}

static void regs_write(struct gm_gdb *g, const struct gm_regs *r)
{
	if (g->m->vm->accel->regs_set(g->m->vcpus[g->cpu], GM_REGS_GPR | GM_REGS_FPU, r))
		gdb_put(g, "E05");
	else
		ok(g);
}

static void cmd_regs_get(struct gm_gdb *g, const char *p, size_t len)
{
	struct gm_regs *r;
	unsigned int i;
	u8 val[16];

	if (regs_read(g, &r))
		return;
	for (i = 0; i < g->nregs; i++) {
		gdb_reg_get(&g->regs[i], r, val);
		gdb_put_hex(g, val, g->regs[i].bits / 8);
	}
	free(r);
}

static void cmd_regs_set(struct gm_gdb *g, const char *p, size_t len)
{
	struct gm_regs *r;
	unsigned int i, n;
	u8 val[16];

	if (regs_read(g, &r))
		return;
	for (i = 0; i < g->nregs && *p; i++, p += 2 * n) {
		n = g->regs[i].bits / 8;
		if (strlen(p) < 2 * n || gdb_hex(p, val, n))
			break;
		gdb_reg_set(&g->regs[i], r, val);
	}
	regs_write(g, r);
	free(r);
}

static void cmd_reg_get(struct gm_gdb *g, const char *p, size_t len)
{
	struct gm_regs *r;
	u8 val[16];
	u64 n;

	if (!number(&p, &n) || n >= g->nregs) {
		gdb_put(g, "E22");
		return;
	}
	if (regs_read(g, &r))
		return;
	gdb_reg_get(&g->regs[n], r, val);
	gdb_put_hex(g, val, g->regs[n].bits / 8);
	free(r);
}

static void cmd_reg_set(struct gm_gdb *g, const char *p, size_t len)
{
	struct gm_regs *r;
	u8 val[16];
	u64 n;

	if (!number(&p, &n) || n >= g->nregs || !expect(&p, '=') ||
	    strlen(p) < g->regs[n].bits / 4 || gdb_hex(p, val, g->regs[n].bits / 8)) {
		gdb_put(g, "E22");
		return;
	}
	if (regs_read(g, &r))
		return;
	gdb_reg_set(&g->regs[n], r, val);
	regs_write(g, r);
	free(r);
}

/* ---- memory ---- */

static bool range(const char **p, u64 *addr, u64 *len)
{
	return number(p, addr) && expect(p, ',') && number(p, len) && *len <= MEM_MAX;
}

static void cmd_mem_get(struct gm_gdb *g, const char *p, size_t len)
{
	u64 addr, n;
	size_t got;
	u8 *buf;

	if (!range(&p, &addr, &n)) {
		gdb_put(g, "E22");
		return;
	}
	buf = malloc(n + 1);
	got = buf ? gdb_mem_access(g, addr, buf, n, false) : 0;
	if (n && !got)
		gdb_put(g, "E14");
	else
		gdb_put_hex(g, buf, got);
	free(buf);
}

static void mem_set(struct gm_gdb *g, const char *p, const char *end, bool hex)
{
	u64 addr, n;
	u8 *buf;

	if (!range(&p, &addr, &n) || !expect(&p, ':') || (u64)(end - p) < (hex ? 2 * n : n)) {
		gdb_put(g, "E22");
		return;
	}
	buf = malloc(n + 1);
	if (!buf || (hex && gdb_hex(p, buf, n))) {
		gdb_put(g, "E22");
		free(buf);
		return;
	}
	if (!hex)
		memcpy(buf, p, n);
	if (gdb_mem_access(g, addr, buf, n, true) == n)
		ok(g);
	else
		gdb_put(g, "E14");
	free(buf);
}

static void cmd_mem_set(struct gm_gdb *g, const char *p, size_t len)
{
	mem_set(g, p, p + len, true);
}

static void cmd_mem_set_raw(struct gm_gdb *g, const char *p, size_t len)
{
	mem_set(g, p, p + len, false);
}

/* ---- points ---- */

/* Z0 and Z1 are the same here: no byte of the guest's is changed for a breakpoint. */
static bool point(const char *p, struct gm_point *out)
{
	static const enum gm_point_kind kinds[] = {GM_POINT_EXEC, GM_POINT_EXEC, GM_POINT_WRITE,
						   GM_POINT_READ, GM_POINT_ACCESS};
	u64 type, len;

	if (!number(&p, &type) || type >= ARRAY_SIZE(kinds) || !expect(&p, ',') ||
	    !number(&p, &out->addr) || !expect(&p, ',') || !number(&p, &len) || !len || len > 65536)
		return false;
	out->kind = kinds[type];
	out->len = out->kind == GM_POINT_EXEC ? 1 : (u32)len;
	return true;
}

static void cmd_point_add(struct gm_gdb *g, const char *p, size_t len)
{
	struct gm_point pt;

	if (!point(p, &pt))
		gdb_put(g, "E22");
	else if (gdb_point_add(g, &pt))
		gdb_put(g, "E28");
	else
		ok(g);
}

static void cmd_point_del(struct gm_gdb *g, const char *p, size_t len)
{
	struct gm_point pt;

	if (!point(p, &pt) || gdb_point_del(g, &pt))
		gdb_put(g, "E22");
	else
		ok(g);
}

/* ---- going on ---- */

/* One letter for the chosen vCPU; for 'c' the others run too, for 's' they stand. */
static void go(struct gm_gdb *g, char how)
{
	char act[256] = {0};

	memset(act, how == 's' ? 0 : 'c', MIN(g->m->nvcpus, (unsigned int)sizeof(act)));
	act[g->cpu] = how;
	gdb_go(g, act);
}

static void cmd_continue(struct gm_gdb *g, const char *p, size_t len)
{
	go(g, 'c');
}

static void cmd_step(struct gm_gdb *g, const char *p, size_t len)
{
	go(g, 's');
}

/* vCont;ACTION[:THREAD]...: for each thread the leftmost action that names it. */
static void do_vcont(struct gm_gdb *g, const char *p)
{
	char act[256] = {0};
	bool set[256] = {false}, all;
	unsigned int cpu, i;
	char how;

	while (expect(&p, ';')) {
		how = *p == 'C' ? 'c' : *p == 'S' ? 's' : *p;
		if (how != 'c' && how != 's' && how != 't') {
			gdb_put(g, "E22");
			return;
		}
		/* The number of a signal means nothing to a machine. */
		for (p++; *p && *p != ':' && *p != ';'; p++)
			;
		all = true;
		if (expect(&p, ':') && !thread(g, &p, &cpu, &all)) {
			gdb_put(g, "E22");
			return;
		}
		for (i = 0; i < g->m->nvcpus && i < sizeof(act); i++) {
			if (set[i] || (!all && i != cpu))
				continue;
			set[i] = true;
			act[i] = how == 't' ? 0 : how;
		}
	}
	gdb_go(g, act);
}

static void cmd_v(struct gm_gdb *g, const char *p, size_t len)
{
	if (!strcmp(p, "Cont?"))
		gdb_put(g, "vCont;c;C;s;S;t");
	else if (!strncmp(p, "Cont;", 5))
		do_vcont(g, p + 4);
	else if (!strncmp(p, "Kill", 4)) {
		ok(g);
		gm_machine_end(g->m, GM_END_QUIT, "ended by the debugger");
	}
}

static void cmd_kill(struct gm_gdb *g, const char *p, size_t len)
{
	gm_machine_end(g->m, GM_END_QUIT, "ended by the debugger");
}

static void cmd_detach(struct gm_gdb *g, const char *p, size_t len)
{
	ok(g);
	gdb_release(g);
}

/* ---- threads ---- */

static void cmd_thread_set(struct gm_gdb *g, const char *p, size_t len)
{
	unsigned int cpu;
	char what = *p;
	bool all;

	if (what)
		p++;
	if (!thread(g, &p, &cpu, &all)) {
		gdb_put(g, "E22");
		return;
	}
	if (what == 'g')
		g->cpu = cpu;
	ok(g);
}

static void cmd_thread_alive(struct gm_gdb *g, const char *p, size_t len)
{
	unsigned int cpu;
	bool all;

	if (thread(g, &p, &cpu, &all))
		ok(g);
	else
		gdb_put(g, "E22");
}

/* ---- q and Q ---- */

static void q_supported(struct gm_gdb *g, const char *p)
{
	gdb_put(g, "PacketSize=%x;qXfer:features:read+;QStartNoAckMode+;vContSupported+",
		GDB_PACKET_MAX - 16);
}

static void q_features(struct gm_gdb *g, const char *p)
{
	u64 off, len;
	size_t i, n;

	if (strncmp(p, "target.xml:", 11)) {
		gdb_put(g, "E00");
		return;
	}
	p += 11;
	if (!number(&p, &off) || !expect(&p, ',') || !number(&p, &len)) {
		gdb_put(g, "E22");
		return;
	}
	n = off < g->xml_len ? g->xml_len - off : 0;
	len = MIN(len, (u64)MEM_MAX);
	gdb_put(g, "%c", n > len ? 'm' : 'l');
	/* The text holds none of the characters that would need an escape. */
	for (i = 0; i < MIN((u64)n, len); i++)
		gdb_put(g, "%c", g->xml[off + i]);
}

static void q_threads(struct gm_gdb *g, const char *p)
{
	unsigned int i;

	for (i = 0; i < g->m->nvcpus; i++)
		gdb_put(g, "%c%x", i ? ',' : 'm', i + 1);
}

static void q_threads_more(struct gm_gdb *g, const char *p)
{
	gdb_put(g, "l");
}

static void q_thread_info(struct gm_gdb *g, const char *p)
{
	char text[32];
	u64 n;

	if (!number(&p, &n) || !n || n > g->m->nvcpus) {
		gdb_put(g, "E22");
		return;
	}
	snprintf(text, sizeof(text), "CPU %u", (unsigned int)n - 1);
	gdb_put_hex(g, (u8 *)text, strlen(text));
}

static void q_current(struct gm_gdb *g, const char *p)
{
	gdb_put(g, "QC%x", g->cpu + 1);
}

static void q_attached(struct gm_gdb *g, const char *p)
{
	gdb_put(g, "1");
}

static void q_no_ack(struct gm_gdb *g, const char *p)
{
	ok(g);
	g->no_ack = true;
}

/* monitor phys on|off, or a command of the machine. */
static void q_monitor(struct gm_gdb *g, const char *p)
{
	size_t n = strlen(p) / 2;
	char line[512], *text;

	if (n >= sizeof(line) || gdb_hex(p, (u8 *)line, n)) {
		gdb_put(g, "E22");
		return;
	}
	line[n] = 0;
	if (!strcmp(line, "phys on") || !strcmp(line, "phys off")) {
		g->physical = !strcmp(line, "phys on");
		text = strdup(g->physical ? "addresses are physical now\n"
					  : "addresses are linear now\n");
	} else {
		text = g->control ? gm_control_words(g->control, line)
				  : strdup("only: phys on, phys off\n");
	}
	if (text && *text)
		gdb_put_hex(g, (u8 *)text, MIN(strlen(text), (size_t)MEM_MAX));
	else
		ok(g);
	free(text);
}

static const struct {
	const char *name;
	void (*fn)(struct gm_gdb *g, const char *rest);
} queries[] = {
	{"qSupported", q_supported},
	{"qXfer:features:read:", q_features},
	{"qfThreadInfo", q_threads},
	{"qsThreadInfo", q_threads_more},
	{"qThreadExtraInfo,", q_thread_info},
	{"qC", q_current},
	{"qAttached", q_attached},
	{"qRcmd,", q_monitor},
	{"QStartNoAckMode", q_no_ack},
};

static void query(struct gm_gdb *g, const char *p)
{
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(queries); i++) {
		n = strlen(queries[i].name);
		if (strncmp(p, queries[i].name, n) || (p[n - 1] == 'C' && p[n]))
			continue;
		queries[i].fn(g, p + n);
		return;
	}
}

/* ---- the table ---- */

static const struct {
	char letter;
	bool silent; /* answered later, when the machine stops */
	void (*fn)(struct gm_gdb *g, const char *p, size_t len);
} commands[] = {
	{'?', false, cmd_reason},      {'g', false, cmd_regs_get},   {'G', false, cmd_regs_set},
	{'p', false, cmd_reg_get},     {'P', false, cmd_reg_set},    {'m', false, cmd_mem_get},
	{'M', false, cmd_mem_set},     {'X', false, cmd_mem_set_raw}, {'Z', false, cmd_point_add},
	{'z', false, cmd_point_del},   {'c', true, cmd_continue},    {'C', true, cmd_continue},
	{'s', true, cmd_step},         {'S', true, cmd_step},        {'H', false, cmd_thread_set},
	{'T', false, cmd_thread_alive}, {'k', true, cmd_kill},       {'D', false, cmd_detach},
};

void gdb_command(struct gm_gdb *g, char *p, size_t len)
{
	size_t i;

	/* While the machine runs only an interrupt (a single byte) means something. */
	if (g->running)
		return;
	if (*p == 'v') {
		cmd_v(g, p + 1, len - 1);
		if (strncmp(p, "vCont;", 6) || g->reply_len)
			gdb_reply(g);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (commands[i].letter != *p)
			continue;
		commands[i].fn(g, p + 1, len - 1);
		if (!commands[i].silent)
			gdb_reply(g);
		return;
	}
	if (*p == 'q' || *p == 'Q')
		query(g, p);
	gdb_reply(g);
}
