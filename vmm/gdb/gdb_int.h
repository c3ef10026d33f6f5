/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the gdb server share. All of it runs in the I/O loop with the machine lock held,
 * but for the note that a vCPU's thread leaves when it comes to a point (gdb_run.c).
 */
#ifndef VMM_GDB_INT_H
#define VMM_GDB_INT_H

#include "vmm/accel/accel.h"
#include "vmm/gdb/gdb.h"

#define GDB_PACKET_MAX 16384u
#define GDB_POINTS_MAX 64u
#define GDB_REGS_MAX   96u

enum gdb_arch { GDB_AUTO, GDB_I8086, GDB_I386, GDB_X86_64 };

enum gdb_reg_kind {
	GDB_GPR, GDB_PC, GDB_FLAGS, GDB_SEG, GDB_ST, GDB_FCTRL, GDB_FSTAT, GDB_FTAG, GDB_FZERO,
	GDB_FOP, GDB_XMM, GDB_MXCSR, GDB_SEG_BASE, GDB_CR, GDB_EFER,
};

struct gdb_reg {
	char name[12];
	const char *type, *feature;
	u8 bits, kind, index;
};

struct gdb_event {
	bool set;
	unsigned int cpu;
	enum gm_debug_why why;
	u64 addr;
	bool write;
};

struct gm_gdb {
	struct gm_machine *m;
	struct gm_control *control;
	struct gm_state_listener listener;
	int listen_fd, fd;
	unsigned int port;
	char *path;
	enum gdb_arch arch_wanted, arch;
	/* packets */
	char in[GDB_PACKET_MAX + 8];
	size_t in_len;
	char *out;
	size_t out_at, out_len, out_cap;
	char reply[2 * GDB_PACKET_MAX + 8];
	size_t reply_len;
	bool no_ack, broken;
	u32 watched;
	/* registers as this client sees them */
	struct gdb_reg regs[GDB_REGS_MAX];
	unsigned int nregs;
	char *xml;
	size_t xml_len;
	/* the machine */
	bool running;            /* gdb waits for a stop */
	bool interrupted;        /* by gdb itself */
	unsigned int cpu;        /* chosen by Hg */
	unsigned int stop_cpu;
	struct gdb_event event;
	struct gm_point points[GDB_POINTS_MAX];
	unsigned int npoints;
	bool physical;           /* addresses are physical: "monitor phys on" */
};

/* ---- gdb_packet.c ---- */
/* Appends to the reply under way. */
void gdb_put(struct gm_gdb *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void gdb_put_hex(struct gm_gdb *g, const u8 *p, size_t n);
int gdb_hex(const char *p, u8 *out, size_t n);
/* Bytes from the client. */
void gdb_input(struct gm_gdb *g);
/* The reply under way goes out as a packet. */
void gdb_reply(struct gm_gdb *g);

/* ---- gdb_cmd.c ---- */
void gdb_command(struct gm_gdb *g, char *p, size_t len);
void gdb_put_stop(struct gm_gdb *g);

/* ---- gdb_regs.c ---- */
/* Chooses the architecture and makes the description. -ENOMEM. */
int gdb_regs_init(struct gm_gdb *g);
unsigned int gdb_regs_size(const struct gm_gdb *g);
void gdb_reg_get(const struct gdb_reg *d, const struct gm_regs *r, u8 *out);
void gdb_reg_set(const struct gdb_reg *d, struct gm_regs *r, const u8 *in);

/* ---- gdb_mem.c ---- */
/* Up to len bytes of RAM at a linear address of a vCPU (or physical); the number done. */
size_t gdb_mem_access(struct gm_gdb *g, u64 addr, u8 *buf, size_t len, bool write);

/* ---- gdb_run.c ---- */
/* Stops the machine if it runs, and keeps others from resuming it. */
void gdb_hold(struct gm_gdb *g);
/* Lets it run: `act` has a letter for each vCPU: 'c', 's', or 0 to stand still. */
void gdb_go(struct gm_gdb *g, const char *act);
/* No points, no holds: as if there were no debugger. */
void gdb_release(struct gm_gdb *g);
int gdb_point_add(struct gm_gdb *g, const struct gm_point *p);
int gdb_point_del(struct gm_gdb *g, const struct gm_point *p);
void gdb_run_init(struct gm_gdb *g);
void gdb_run_fini(struct gm_gdb *g);

/* ---- gdb.c ---- */
void gdb_flush(struct gm_gdb *g);

#endif
