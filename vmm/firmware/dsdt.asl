/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the operating system cannot find out by itself about this board: the PCI host bridge's
 * windows, how PCI interrupts are steered, the legacy devices, and how to switch off.
 *
 * The values of two names are replaced by acpi.c for each machine:
 *   \PMIN  first address of the PCI memory window below 4 GiB
 *   \DEVS  which optional devices are there: bit 0 COM1, 1 COM2, 2 LPT1, 3 floppy
 * Source: ACPI specification 2.0; device ids: PNP ids of the "Plug and Play" device list.
 */
DefinitionBlock ("dsdt.aml", "DSDT", 1, "GSTMD ", "GSTMPC  ", 1)
{
	Name (PMIN, 0xe0000000)
	Name (DEVS, 0x80000000)

	/* Soft off: SLP_TYP 0 in the power management function's control register. */
	Name (\_S5, Package () { 0, 0, 0, 0 })

	Scope (\_SB)
	{
		Device (PCI0)
		{
			Name (_HID, EisaId ("PNP0A03"))
			Name (_UID, 0)

			Name (CRES, ResourceTemplate ()
			{
				WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
					0, 0, 0xff, 0, 0x100)
				IO (Decode16, 0x0cf8, 0x0cf8, 1, 8)
				WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
					0, 0, 0x0cf7, 0, 0x0cf8)
				WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
					0, 0x0d00, 0xffff, 0, 0xf300)
				DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable,
					ReadWrite, 0, 0x000a0000, 0x000bffff, 0, 0x00020000)
				DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
					NonCacheable, ReadWrite,
					0, 0xe0000000, 0xfebfffff, 0, 0x1ec00000)
			})
			/* The last descriptor starts at byte 82 of the template. */
			Method (_CRS, 0, Serialized)
			{
				CreateDWordField (CRES, 92, WMIN)
				CreateDWordField (CRES, 104, WLEN)
				Store (\PMIN, WMIN)
				Subtract (0xfec00000, \PMIN, WLEN)
				Return (CRES)
			}

			/*
			 * Slot n's INTx# is on PIRQ (n - 1 + x) mod 4. INTA# of slot 1 is the power
			 * management function's, which is hard-wired to the SCI.
			 */
			Name (PRTS, Package (128) {})
			Method (_PRT, 0, Serialized)
			{
				Store (0, Local0)
				While (LLess (Local0, 128))
				{
					Store (ShiftRight (Local0, 2), Local1)
					And (Local0, 3, Local2)
					And (Add (Add (Local1, Local2), 3), 3, Local3)
					If (LEqual (Local0, 4)) { Store (Package () { 0, 0, LNKS, 0 }, Local4) }
					ElseIf (LEqual (Local3, 0)) { Store (Package () { 0, 0, LNKA, 0 }, Local4) }
					ElseIf (LEqual (Local3, 1)) { Store (Package () { 0, 0, LNKB, 0 }, Local4) }
					ElseIf (LEqual (Local3, 2)) { Store (Package () { 0, 0, LNKC, 0 }, Local4) }
					Else { Store (Package () { 0, 0, LNKD, 0 }, Local4) }
					Store (Or (ShiftLeft (Local1, 16), 0xffff), Index (Local4, 0))
					Store (Local2, Index (Local4, 1))
					Store (Local4, Index (PRTS, Local0))
					Increment (Local0)
				}
				Return (PRTS)
			}

			/* PIIX3: bridge to the legacy devices, steers PCI interrupts. */
			Device (ISA)
			{
				Name (_ADR, 0x00010000)
				OperationRegion (PIRQ, PCI_Config, 0x60, 4)
				Field (PIRQ, ByteAcc, NoLock, Preserve)
				{
					PRQA, 8, PRQB, 8, PRQC, 8, PRQD, 8
				}

				Device (PIC)
				{
					Name (_HID, EisaId ("PNP0000"))
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x0020, 0x0020, 1, 2)
						IO (Decode16, 0x00a0, 0x00a0, 1, 2)
						IO (Decode16, 0x04d0, 0x04d0, 1, 2)
						IRQNoFlags () { 2 }
					})
				}

				Device (TMR)
				{
					Name (_HID, EisaId ("PNP0100"))
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x0040, 0x0040, 1, 4)
						IRQNoFlags () { 0 }
					})
				}

				Device (DMAC)
				{
					Name (_HID, EisaId ("PNP0200"))
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x0000, 0x0000, 1, 0x10)
						IO (Decode16, 0x0081, 0x0081, 1, 0x0f)
						IO (Decode16, 0x00c0, 0x00c0, 1, 0x20)
						DMA (Compatibility, NotBusMaster, Transfer8) { 4 }
					})
				}

				Device (RTC)
				{
					Name (_HID, EisaId ("PNP0B00"))
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x0070, 0x0070, 1, 8)
						IRQNoFlags () { 8 }
					})
				}

				Device (SPKR)
				{
					Name (_HID, EisaId ("PNP0800"))
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x0061, 0x0061, 1, 1)
					})
				}

				Device (COPR)
				{
					Name (_HID, EisaId ("PNP0C04"))
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x00f0, 0x00f0, 1, 0x10)
						IRQNoFlags () { 13 }
					})
				}

				Device (KBD)
				{
					Name (_HID, EisaId ("PNP0303"))
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x0060, 0x0060, 1, 1)
						IO (Decode16, 0x0064, 0x0064, 1, 1)
						IRQNoFlags () { 1 }
					})
				}

				Device (MOU)
				{
					Name (_HID, EisaId ("PNP0F13"))
					Name (_CRS, ResourceTemplate () { IRQNoFlags () { 12 } })
				}

				Device (COM1)
				{
					Name (_HID, EisaId ("PNP0501"))
					Name (_UID, 1)
					Method (_STA) { If (And (\DEVS, 1)) { Return (15) } Return (0) }
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x03f8, 0x03f8, 1, 8)
						IRQNoFlags () { 4 }
					})
				}

				Device (COM2)
				{
					Name (_HID, EisaId ("PNP0501"))
					Name (_UID, 2)
					Method (_STA) { If (And (\DEVS, 2)) { Return (15) } Return (0) }
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x02f8, 0x02f8, 1, 8)
						IRQNoFlags () { 3 }
					})
				}

				Device (LPT1)
				{
					Name (_HID, EisaId ("PNP0400"))
					Name (_UID, 1)
					Method (_STA) { If (And (\DEVS, 4)) { Return (15) } Return (0) }
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x0378, 0x0378, 1, 8)
						IRQNoFlags () { 7 }
					})
				}

				Device (FDC0)
				{
					Name (_HID, EisaId ("PNP0700"))
					Method (_STA) { If (And (\DEVS, 8)) { Return (15) } Return (0) }
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x03f2, 0x03f2, 1, 4)
						IO (Decode16, 0x03f7, 0x03f7, 1, 1)
						IRQNoFlags () { 6 }
						DMA (Compatibility, NotBusMaster, Transfer8) { 2 }
					})
				}
			}
		}

		/* The firmware configuration ports belong to the board, not to a PCI function. */
		Device (FWCF)
		{
			Name (_HID, "QEMU0002")
			Name (_STA, 0x0b)
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, 0x0510, 0x0510, 1, 0x0c)
			})
		}

		/* The four steerable interrupts. A register's bit 7 means "not routed". */
		Name (CRSS, ResourceTemplate ()
		{
			Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 0 }
		})
		Method (LSTA, 1)
		{
			If (And (Arg0, 0x80)) { Return (9) }
			Return (11)
		}
		Method (LCRS, 1, Serialized)
		{
			CreateDWordField (CRSS, 5, IRQN)
			If (And (Arg0, 0x80)) { Store (0, IRQN) }
			Else { And (Arg0, 15, IRQN) }
			Return (CRSS)
		}
		Method (LSRS, 1, Serialized)
		{
			CreateDWordField (Arg0, 5, IRQS)
			Return (IRQS)
		}

		Device (LNKA)
		{
			Name (_HID, EisaId ("PNP0C0F"))
			Name (_UID, 0)
			Name (_PRS, ResourceTemplate ()
			{
				Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 5, 10, 11 }
			})
			Method (_STA) { Return (LSTA (\_SB.PCI0.ISA.PRQA)) }
			Method (_DIS) { Or (\_SB.PCI0.ISA.PRQA, 0x80, \_SB.PCI0.ISA.PRQA) }
			Method (_CRS) { Return (LCRS (\_SB.PCI0.ISA.PRQA)) }
			Method (_SRS, 1) { Store (LSRS (Arg0), \_SB.PCI0.ISA.PRQA) }
		}

		Device (LNKB)
		{
			Name (_HID, EisaId ("PNP0C0F"))
			Name (_UID, 1)
			Name (_PRS, ResourceTemplate ()
			{
				Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 5, 10, 11 }
			})
			Method (_STA) { Return (LSTA (\_SB.PCI0.ISA.PRQB)) }
			Method (_DIS) { Or (\_SB.PCI0.ISA.PRQB, 0x80, \_SB.PCI0.ISA.PRQB) }
			Method (_CRS) { Return (LCRS (\_SB.PCI0.ISA.PRQB)) }
			Method (_SRS, 1) { Store (LSRS (Arg0), \_SB.PCI0.ISA.PRQB) }
		}

		Device (LNKC)
		{
			Name (_HID, EisaId ("PNP0C0F"))
			Name (_UID, 2)
			Name (_PRS, ResourceTemplate ()
			{
				Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 5, 10, 11 }
			})
			Method (_STA) { Return (LSTA (\_SB.PCI0.ISA.PRQC)) }
			Method (_DIS) { Or (\_SB.PCI0.ISA.PRQC, 0x80, \_SB.PCI0.ISA.PRQC) }
			Method (_CRS) { Return (LCRS (\_SB.PCI0.ISA.PRQC)) }
			Method (_SRS, 1) { Store (LSRS (Arg0), \_SB.PCI0.ISA.PRQC) }
		}

		Device (LNKD)
		{
			Name (_HID, EisaId ("PNP0C0F"))
			Name (_UID, 3)
			Name (_PRS, ResourceTemplate ()
			{
				Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 5, 10, 11 }
			})
			Method (_STA) { Return (LSTA (\_SB.PCI0.ISA.PRQD)) }
			Method (_DIS) { Or (\_SB.PCI0.ISA.PRQD, 0x80, \_SB.PCI0.ISA.PRQD) }
			Method (_CRS) { Return (LCRS (\_SB.PCI0.ISA.PRQD)) }
			Method (_SRS, 1) { Store (LSRS (Arg0), \_SB.PCI0.ISA.PRQD) }
		}

		/* The SCI: fixed. */
		Device (LNKS)
		{
			Name (_HID, EisaId ("PNP0C0F"))
			Name (_UID, 4)
			Name (_PRS, ResourceTemplate ()
			{
				Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 9 }
			})
			Method (_STA) { Return (11) }
			Method (_DIS) {}
			Method (_CRS) { Return (_PRS) }
			Method (_SRS, 1) {}
		}
	}
}
