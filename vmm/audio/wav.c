// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sound into a WAV file: RIFF WAVE, PCM, 16 bits, two channels. The lengths in its header are brought
 * up to date every second, so that the file of a machine that was killed can be played too. Times
 * when nothing sounds are not in it.
 *
 * Source: Multimedia Programming Interface and Data Specifications 1.0, RIFF and WAVE.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/audio/audio_int.h"
#include "vmm/machine.h"

#define HEADER   44u
#define DATA_MAX (0xffffffffu - HEADER - 8)
#define BUFFER   (64 * KiB)

struct wav {
	struct gm_machine *m;
	char *path;
	int fd;
	u32 size;    /* bytes of sound in the file */
	u32 written; /* of those, what the header knows */
	size_t used;
	bool failed;
	u8 buf[BUFFER];
};

static void put(u8 *p, u32 val, unsigned int n)
{
	while (n--) {
		*p++ = (u8)val;
		val >>= 8;
	}
}

static int header_write(struct wav *w)
{
	u8 h[HEADER];

	memcpy(h, "RIFF....WAVEfmt ", 16);
	put(h + 4, HEADER - 8 + w->size, 4);
	put(h + 16, 16, 4);                  /* bytes of the format */
	put(h + 20, 1, 2);                   /* PCM */
	put(h + 22, 2, 2);                   /* channels */
	put(h + 24, GM_AUDIO_HZ, 4);
	put(h + 28, GM_AUDIO_HZ * 4, 4);     /* bytes a second */
	put(h + 32, 4, 2);                   /* bytes a frame */
	put(h + 34, 16, 2);                  /* bits a sample */
	memcpy(h + 36, "data", 4);
	put(h + 40, w->size, 4);
	w->written = w->size;
	return pwrite(w->fd, h, HEADER, 0) == HEADER ? 0 : errno ? -errno : -ENOSPC;
}

static void give_up(struct wav *w, const char *why)
{
	w->failed = true;
	gm_machine_warn(w->m, "%s: %s: the sound is no longer recorded", w->path, why);
}

static void buffer_flush(struct wav *w)
{
	size_t done = 0;
	ssize_t n;

	while (done < w->used && !w->failed) {
		n = pwrite(w->fd, w->buf + done, w->used - done, (off_t)HEADER + w->size);
		if (n <= 0) {
			give_up(w, n ? strerror(errno) : "no room");
			break;
		}
		done += (size_t)n;
		w->size += (u32)n;
	}
	w->used = 0;
	if (!w->failed && header_write(w))
		give_up(w, strerror(errno));
}

static void wav_write(void *state, const gm_frame *frames, size_t n)
{
	struct wav *w = state;
	size_t i;

	for (i = 0; i < n && !w->failed; i++) {
		if (w->size + w->used + 4 > DATA_MAX) {
			give_up(w, "the file is as large as a WAV file can be");
			break;
		}
		put(w->buf + w->used, (u16)frames[i][0], 2);
		put(w->buf + w->used + 2, (u16)frames[i][1], 2);
		w->used += 4;
		if (w->used == BUFFER)
			buffer_flush(w);
	}
	if (w->size + w->used - w->written >= GM_AUDIO_HZ * 4)
		buffer_flush(w);
}

static void wav_active(void *state, bool on)
{
	struct wav *w = state;

	if (!on && w->used)
		buffer_flush(w);
}

static void wav_close(void *state)
{
	struct wav *w = state;

	if (w->used)
		buffer_flush(w);
	if (close(w->fd) && !w->failed)
		give_up(w, strerror(errno));
	free(w->path);
	free(w);
}

/* A pipe or a device could make the guest wait, and has no place for the lengths. */
static int file_open(const char *path, int *fd)
{
	struct stat st;

	*fd = open(path, O_WRONLY | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0666);
	if (*fd < 0)
		return errno == ENXIO ? -EINVAL : -errno;
	if (!fstat(*fd, &st) && S_ISREG(st.st_mode) && !ftruncate(*fd, 0))
		return 0;
	close(*fd);
	return -EINVAL;
}

static int wav_open(void **state, const struct gm_audio_options *o, struct gm_machine *m, char *err,
		    size_t errlen)
{
	struct wav *w = calloc(1, sizeof(*w));
	int ret = -ENOMEM;

	if (!w)
		goto fail;
	w->m = m;
	w->path = strdup(o->path);
	if (!w->path)
		goto fail;
	ret = file_open(o->path, &w->fd);
	if (ret)
		goto fail;
	ret = header_write(w);
	if (ret) {
		close(w->fd);
		goto fail;
	}
	*state = w;
	return 0;
fail:
	snprintf(err, errlen, "--sound: %s: %s", o->path,
		 ret == -EINVAL ? "is not an ordinary file" : strerror(-ret));
	if (w)
		free(w->path);
	free(w);
	return ret;
}

const struct audio_back audio_wav = {
	.open = wav_open,
	.write = wav_write,
	.active = wav_active,
	.close = wav_close,
};
