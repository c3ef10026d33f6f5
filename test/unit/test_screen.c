// SPDX-License-Identifier: GPL-2.0-or-later
/* Screen pictures: buffers, code page 437, PNG files that decode to the same pixels. */
#include <check.h>
#include <errno.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "vmm/ui/cp437.h"
#include "vmm/ui/display.h"
#include "vmm/ui/screen_save.h"

START_TEST(test_sizes)
{
	struct gm_screen s = { .kind = GM_SCREEN_OFF };

	ck_assert_int_eq(gm_screen_text_size(&s, 132, 60), 0);
	ck_assert_int_eq(gm_screen_text_size(&s, 80, 25), 0);
	ck_assert_uint_eq(s.cols * 100 + s.rows, 8025);
	ck_assert_int_eq(gm_screen_pixel_size(&s, 4096, 4096), 0);
	s.pixels[4096 * 4096 - 1] = 1;
	ck_assert_int_eq(gm_screen_pixel_size(&s, 4097, 1), -ENOMEM);
	ck_assert_int_eq(gm_screen_pixel_size(&s, 0, 1), -ENOMEM);
	ck_assert_int_eq(gm_screen_text_size(&s, 1, 5000), -ENOMEM);
	gm_screen_fini(&s);
	ck_assert_ptr_null(s.pixels);
}
END_TEST

static const struct {
	u8 byte;
	u32 code;
	const char *utf8;
} chars[] = {
	{ 'A', 'A', "A" },	    { 0x01, 0x263a, "\xe2\x98\xba" }, { 0x7f, 0x2302, "\xe2\x8c\x82" },
	{ 0x80, 0xc7, "\xc3\x87" }, { 0x81, 0xfc, "\xc3\xbc" },	      { 0xb3, 0x2502, "\xe2\x94\x82" },
	{ 0xc4, 0x2500, "\xe2\x94\x80" }, { 0xdb, 0x2588, "\xe2\x96\x88" },
	{ 0xe1, 0xdf, "\xc3\x9f" }, { 0xf1, 0xb1, "\xc2\xb1" },	      { 0xfe, 0x25a0, "\xe2\x96\xa0" },
};

START_TEST(test_cp437)
{
	char buf[5] = "";

	ck_assert_uint_eq(gm_cp437[chars[_i].byte], chars[_i].code);
	ck_assert_int_eq(gm_cp437_from(chars[_i].code), chars[_i].byte);
	buf[gm_utf8_put(chars[_i].code, buf)] = '\0';
	ck_assert_str_eq(buf, chars[_i].utf8);
}
END_TEST

START_TEST(test_utf8)
{
	struct gm_screen s = { .kind = GM_SCREEN_TEXT };
	char *text, four[5] = "";

	ck_assert_int_eq(gm_screen_text_size(&s, 4, 3), 0);
	memset(s.cells, 0, 12 * sizeof(*s.cells));
	s.cells[1].ch = 'x';
	s.cells[8].ch = 0xdb;
	s.cells[11].ch = 0xdb;
	text = gm_screen_to_utf8(&s);
	ck_assert_str_eq(text, " x\n\n\xe2\x96\x88  \xe2\x96\x88\n");
	free(text);
	s.kind = GM_SCREEN_PIXELS;
	text = gm_screen_to_utf8(&s);
	ck_assert_str_eq(text, "");
	free(text);
	ck_assert_uint_eq(gm_utf8_put(0x1f600, four), 4);
	ck_assert_str_eq(four, "\xf0\x9f\x98\x80");
	gm_screen_fini(&s);
}
END_TEST

START_TEST(test_png)
{
	char path[] = "/tmp/test_screen.XXXXXX";
	struct gm_screen s = { .kind = GM_SCREEN_PIXELS };
	png_image img = { .version = PNG_IMAGE_VERSION };
	int fd = mkstemp(path);
	unsigned int i;
	FILE *full;
	u8 *rgb;

	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(gm_screen_pixel_size(&s, 33, 17), 0);
	for (i = 0; i < 33 * 17; i++)
		s.pixels[i] = i * 0x012345u & 0xffffff;
	ck_assert_int_eq(gm_screen_save(NULL, &s, path), 0);
	ck_assert(png_image_begin_read_from_file(&img, path));
	ck_assert_uint_eq(img.width, 33);
	ck_assert_uint_eq(img.height, 17);
	img.format = PNG_FORMAT_RGB;
	rgb = malloc(PNG_IMAGE_SIZE(img));
	ck_assert(png_image_finish_read(&img, NULL, rgb, 0, NULL));
	for (i = 0; i < 33 * 17; i++)
		ck_assert_uint_eq((u32)(rgb[3 * i] << 16 | rgb[3 * i + 1] << 8 | rgb[3 * i + 2]),
				  s.pixels[i]);
	free(rgb);
	unlink(path);
	ck_assert_int_eq(gm_screen_save(NULL, &s, "/nonexistent/x.png"), -ENOENT);
	full = fopen("/dev/full", "we");
	if (full) {
		ck_assert_int_ne(gm_screen_write_png_file(&s, full) || fclose(full), 0);
	}
	s.kind = GM_SCREEN_OFF;
	ck_assert_int_eq(gm_screen_save(NULL, &s, path), -ENODATA);
	ck_assert_int_ne(access(path, F_OK), 0);
	gm_screen_fini(&s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("screen");
	TCase *t = tcase_create("screen");
	SRunner *r;
	int failed;

	tcase_add_test(t, test_sizes);
	tcase_add_loop_test(t, test_cp437, 0, ARRAY_SIZE(chars));
	tcase_add_test(t, test_utf8);
	tcase_add_test(t, test_png);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
