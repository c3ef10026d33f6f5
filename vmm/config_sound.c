// SPDX-License-Identifier: GPL-2.0-or-later
/* The value of --sound. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "vmm/config.h"

static const char *const cards[] = {
	[CONFIG_SOUND_NONE] = "none",
	[CONFIG_SOUND_SPEAKER] = "speaker",
	[CONFIG_SOUND_SB16] = "sb16",
	[CONFIG_SOUND_AC97] = "ac97",
};

static int sound_part(struct config_sound *s, const char *part, char *err, size_t len)
{
	if (!strcmp(part, "mute")) {
		s->out = GM_AUDIO_MUTE;
		return 0;
	}
	if (strncmp(part, "wav=", 4) || !part[4]) {
		snprintf(err, len, "'%s' is not known here (wav=FILE, mute)", part);
		return -EINVAL;
	}
	free(s->wav);
	s->wav = strdup(part + 4);
	s->out = GM_AUDIO_WAV;
	if (s->wav)
		return 0;
	snprintf(err, len, "out of memory");
	return -ENOMEM;
}

int config_sound_parse(struct config *c, const char *v, char *err, size_t errlen)
{
	char *copy = strdup(v), *p = copy, *part;
	struct config_sound *s = &c->sound;
	int ret = 0;
	size_t i;

	if (!copy) {
		snprintf(err, errlen, "out of memory");
		return -ENOMEM;
	}
	part = config_next_part(&p);
	for (i = 0; i < ARRAY_SIZE(cards); i++)
		if (!strcmp(cards[i], part))
			break;
	if (i == ARRAY_SIZE(cards)) {
		snprintf(err, errlen, "'%s' is not known (none, speaker, sb16, ac97)", part);
		ret = -EINVAL;
	} else {
		s->card = (enum config_sound_card)i;
		s->out = i == CONFIG_SOUND_NONE ? GM_AUDIO_MUTE : GM_AUDIO_HOST;
	}
	while (!ret && (part = config_next_part(&p)))
		ret = sound_part(s, part, err, errlen);
	free(copy);
	return ret;
}
