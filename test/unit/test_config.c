// SPDX-License-Identifier: GPL-2.0-or-later
/* Values of options that have parts. */
#include <errno.h>

#include "test/unit/lib/run.h"
#include "vmm/config.h"

START_TEST(test_sound)
{
	static const struct {
		const char *text;
		int ret;
		enum config_sound_card card;
		enum gm_audio_out out;
		const char *wav;
	} rows[] = {
		{"none", 0, CONFIG_SOUND_NONE, GM_AUDIO_MUTE, NULL},
		{"sb16", 0, CONFIG_SOUND_SB16, GM_AUDIO_HOST, NULL},
		{"speaker,mute", 0, CONFIG_SOUND_SPEAKER, GM_AUDIO_MUTE, NULL},
		{"ac97,wav=a,,b.wav", 0, CONFIG_SOUND_AC97, GM_AUDIO_WAV, "a,b.wav"},
		{"ac97,wav=", -EINVAL, 0, 0, NULL},
		{"ac98", -EINVAL, 0, 0, NULL},
		{"ac97,loud", -EINVAL, 0, 0, NULL},
		{"", -EINVAL, 0, 0, NULL},
	};
	struct config c;
	char err[256];

	config_init(&c);
	ck_assert_int_eq(config_set(&c, "sound", rows[_i].text, err, sizeof(err)), rows[_i].ret);
	if (!rows[_i].ret) {
		ck_assert_int_eq(c.sound.card, rows[_i].card);
		ck_assert_int_eq(c.sound.out, rows[_i].out);
		ck_assert_pstr_eq(c.sound.wav, rows[_i].wav);
	}
	config_fini(&c);
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_sound, 8},
	};

	return fake_run("config", tests, ARRAY_SIZE(tests));
}
