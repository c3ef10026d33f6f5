// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Uops of BMI1, BMI2, ADX and CRC32; results and flags come from module/x86/alu.h. In the forms with
 * a VEX prefix uop.aux is the register of vvvv.
 */
#include "vmm/cpu/op/op.h"

/* reg = f(aux, r/m) and reg = f(r/m, aux) with flags; aux = f(r/m) with flags; no flags */
#define DEF_AUX_RM(name, w)                                                                        \
	static UOP(name##w)                                                                        \
	{                                                                                          \
		u32 fl = 0;                                                                        \
		u##w r = x86_##name##w(RD##w(u->aux), rm_read##w(c, u), &fl);                      \
		fl_unpack(c, fl);                                                                  \
		WR##w(u->reg, r);                                                                  \
		NEXT(c, u);                                                                        \
	}
#define DEF_RM_AUX(name, w)                                                                        \
	static UOP(name##w)                                                                        \
	{                                                                                          \
		u32 fl = 0;                                                                        \
		u##w r = x86_##name##w(rm_read##w(c, u), RD##w(u->aux), &fl);                      \
		fl_unpack(c, fl);                                                                  \
		WR##w(u->reg, r);                                                                  \
		NEXT(c, u);                                                                        \
	}
#define DEF_LOW(name, w)                                                                           \
	static UOP(name##w)                                                                        \
	{                                                                                          \
		u32 fl = 0;                                                                        \
		u##w r = x86_##name##w(rm_read##w(c, u), &fl);                                     \
		fl_unpack(c, fl);                                                                  \
		WR##w(u->aux, r);                                                                  \
		NEXT(c, u);                                                                        \
	}
#define DEF_PURE(name, w, expr)                                                                    \
	static UOP(name##w)                                                                        \
	{                                                                                          \
		u##w v = rm_read##w(c, u);                                                         \
		WR##w(u->reg, expr);                                                               \
		NEXT(c, u);                                                                        \
	}

#define DEF_BMI(w)                                                                                 \
	DEF_AUX_RM(andn, w)                                                                        \
	DEF_RM_AUX(bextr, w)                                                                       \
	DEF_RM_AUX(bzhi, w)                                                                        \
	DEF_LOW(blsi, w)                                                                           \
	DEF_LOW(blsmsk, w)                                                                         \
	DEF_LOW(blsr, w)                                                                           \
	DEF_PURE(pdep, w, x86_pdep(RD##w(u->aux), v))                                              \
	DEF_PURE(pext, w, x86_pext(RD##w(u->aux), v))                                              \
	DEF_PURE(rorx, w, x86_rorx##w(v, (unsigned int)u->imm))                                    \
	DEF_PURE(sarx, w, x86_sarx##w(v, (unsigned int)c->gpr[u->aux]))                            \
	DEF_PURE(shlx, w, x86_shlx##w(v, (unsigned int)c->gpr[u->aux]))                            \
	DEF_PURE(shrx, w, x86_shrx##w(v, (unsigned int)c->gpr[u->aux]))                            \
	/* both destinations the same: the high half stays */                                      \
	static UOP(mulx##w)                                                                        \
	{                                                                                          \
		u##w hi, lo = x86_mulx##w(RD##w(X86_RDX), rm_read##w(c, u), &hi);                  \
		WR##w(u->aux, lo);                                                                 \
		WR##w(u->reg, hi);                                                                 \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(adcx##w)                                                                        \
	{                                                                                          \
		u32 fl = fl_cf(c);                                                                 \
		u64 r = x86_adx(RD##w(u->reg), rm_read##w(c, u), w, X86_FL_CF, &fl);               \
		fl_set_cf(c, fl);                                                                  \
		WR##w(u->reg, r);                                                                  \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(adox##w)                                                                        \
	{                                                                                          \
		u32 fl = fl_of(c) << 11;                                                           \
		u64 r = x86_adx(RD##w(u->reg), rm_read##w(c, u), w, X86_FL_OF, &fl);               \
		fl_set_cfof(c, fl_cf(c), fl >> 11);                                                \
		WR##w(u->reg, r);                                                                  \
		NEXT(c, u);                                                                        \
	}
DEF_BMI(32)
DEF_BMI(64)

/* aux: source bytes; an 8-bit source register is a byte offset in rm */
static UOP(crc32)
{
	u64 v;

	switch (u->aux) {
	case 1: v = rm_read8(c, u); break;
	case 2: v = rm_read16(c, u); break;
	case 4: v = rm_read32(c, u); break;
	default: v = rm_read64(c, u); break;
	}
	WR32(u->reg, x86_crc32c(RD32(u->reg), v, u->aux));
	NEXT(c, u);
}

static uop_fn find_crc32(const struct x86_insn *i, struct uop *u)
{
	bool byte = i->opcode == 0xf0;

	u->reg = i->reg;
	u->rm = (u8)(byte ? i->rm * 8 + !!(i->props & X86_P_HIGH_RM) : i->rm);
	u->aux = byte ? 1 : i->rex & 8 ? 8 : i->prefixes & X86_PFX_66 ? 2 : 4;
	return crc32;
}

static uop_fn find_vex(const struct x86_insn *i)
{
	switch (i->op) {
	case X86_OP_ANDN: return PICK2(andn);
	case X86_OP_BEXTR: return PICK2(bextr);
	case X86_OP_BLSI: return PICK2(blsi);
	case X86_OP_BLSMSK: return PICK2(blsmsk);
	case X86_OP_BLSR: return PICK2(blsr);
	case X86_OP_BZHI: return PICK2(bzhi);
	case X86_OP_MULX: return PICK2(mulx);
	case X86_OP_PDEP: return PICK2(pdep);
	case X86_OP_PEXT: return PICK2(pext);
	case X86_OP_RORX: return PICK2(rorx);
	case X86_OP_SARX: return PICK2(sarx);
	case X86_OP_SHLX: return PICK2(shlx);
	case X86_OP_SHRX: return PICK2(shrx);
	case X86_OP_ADCX: return PICK2(adcx);
	case X86_OP_ADOX: return PICK2(adox);
	default: return NULL;
	}
}

uop_fn uop_bmi_find(const struct x86_insn *i, struct uop *u)
{
	uop_fn f;

	if (i->op == X86_OP_CRC32)
		return find_crc32(i, u);
	f = find_vex(i);
	if (f)
		u->aux = i->vvvv;
	return f;
}
