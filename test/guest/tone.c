// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs in a Linux guest: sets the volumes and plays a sine wave through the OSS devices.
 * tone RATE BITS CHANNELS HERTZ MILLISECONDS
 *
 * It has no C library and makes the system calls of i386, so that one program runs on 32-bit and on
 * 64-bit kernels. Source of numbers: Linux, arch/x86/entry/syscalls/syscall_32.tbl, soundcard.h.
 */
#define SYS_EXIT   1
#define SYS_WRITE  4
#define SYS_OPEN   5
#define SYS_IOCTL  54

#define IOC_WR     0xc0040000u /* read and write, four bytes */
#define DSP_SYNC   0x5001u
#define DSP_SPEED  (IOC_WR | 'P' << 8 | 2)
#define DSP_FORMAT (IOC_WR | 'P' << 8 | 5)
#define DSP_CHANS  (IOC_WR | 'P' << 8 | 6)
#define MIX_MASTER (IOC_WR | 'M' << 8 | 0)
#define MIX_PCM    (IOC_WR | 'M' << 8 | 4)
#define FMT_U8     8
#define FMT_S16    16
#define O_RDWR     2
#define O_WRONLY   1
#define VOLUME(p)  ((p) | (p) << 8) /* AC'97 is at 0 dB with 74 */
#define CHUNK      256
#define AMPLITUDE  0.4

static int call(int nr, long a, long b, long c)
{
	int ret;

	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
	return ret;
}

static void say(const char *text)
{
	const char *end = text;

	while (*end)
		end++;
	call(SYS_WRITE, 1, (long)text, end - text);
}

static void check(int bad, const char *what)
{
	if (!bad)
		return;
	say("tone: ");
	say(what);
	say(": failed\n");
	call(SYS_EXIT, 1, 0, 0);
}

static int number(const char *p)
{
	int n = 0;

	while (*p >= '0' && *p <= '9')
		n = n * 10 + *p++ - '0';
	return n;
}

static double sine(double x)
{
	__asm__("fsin" : "+t"(x));
	return x;
}

static void set(int fd, unsigned int request, int value, int exact, const char *what)
{
	int v = value;

	check(call(SYS_IOCTL, fd, (long)request, (long)&v) < 0 || (exact && v != value), what);
}

static void play(int fd, int rate, int bits, int channels, int hertz, int ms)
{
	static unsigned char buf[CHUNK * 4];
	int left = rate / 1000 * ms, at = 0, n, c;
	unsigned char *p;
	double x;

	while (left > 0) {
		for (n = 0, p = buf; n < CHUNK; n++, at++) {
			x = AMPLITUDE * sine(6.283185307179586 * hertz * at / rate);
			for (c = 0; c < channels; c++) {
				int v = (int)(x * 32767);

				if (bits == 16)
					*p++ = (unsigned char)v;
				*p++ = (unsigned char)((v >> 8) + (bits == 8 ? 128 : 0));
			}
		}
		check(call(SYS_WRITE, fd, (long)buf, p - buf) != p - buf, "write");
		left -= CHUNK;
	}
}

__attribute__((used)) static void start(char **argv)
{
	int bits = number(argv[2]), mixer, fd;

	mixer = call(SYS_OPEN, (long)"/dev/mixer", O_RDWR, 0);
	check(mixer < 0, "/dev/mixer");
	set(mixer, MIX_MASTER, VOLUME(100), 0, "master volume");
	set(mixer, MIX_PCM, VOLUME(74), 0, "PCM volume");
	fd = call(SYS_OPEN, (long)"/dev/dsp", O_WRONLY, 0);
	check(fd < 0, "/dev/dsp");
	set(fd, DSP_FORMAT, bits == 8 ? FMT_U8 : FMT_S16, 1, "format");
	set(fd, DSP_CHANS, number(argv[3]), 1, "channels");
	set(fd, DSP_SPEED, number(argv[1]), 0, "rate");
	play(fd, number(argv[1]), bits, number(argv[3]), number(argv[4]), number(argv[5]));
	check(call(SYS_IOCTL, fd, DSP_SYNC, 0) < 0, "sync");
	say("tone: played\n");
	call(SYS_EXIT, 0, 0, 0);
}

/* The stack holds argc, then argv. */
__asm__(".globl _start\n_start: lea 4(%esp), %eax\n and $-16, %esp\n sub $12, %esp\n push %eax\n"
	"call start");
