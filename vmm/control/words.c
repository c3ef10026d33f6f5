// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands as words and results as text: for the terminal's menu and the command line. */
#include "vmm/control/control_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define WORDS_MAX 16
#define COLUMNS   12
#define CELL      64

/* ---- words to a request ---- */

static json_t *word_value(const struct control_arg *a, const char *word)
{
	char *end;
	long n;

	if (a->kind == 'b')
		return strcmp(word, a->name) ? NULL : json_true();
	if (a->kind != 'i')
		return json_string(word);
	errno = 0;
	n = strtol(word, &end, 10);
	return errno || *end || end == word ? NULL : json_integer(n);
}

static char *words_join(int n, char *const *argv)
{
	size_t len = 1;
	char *out;
	int i;

	for (i = 0; i < n; i++)
		len += strlen(argv[i]) + 1;
	out = calloc(1, len);
	for (i = 0; out && i < n; i++) {
		strcat(out, i ? " " : "");
		strcat(out, argv[i]);
	}
	return out;
}

json_t *gm_control_parse(int argc, char *const *argv, char *err, size_t errlen)
{
	const struct control_command *k = argc ? control_command_find(argv[0]) : NULL;
	json_t *args = json_object(), *v;
	char *rest;
	int i;

	if (!k) {
		snprintf(err, errlen, "'%.40s' is not a command; 'help' lists them",
			 argc ? argv[0] : "");
		json_decref(args);
		return NULL;
	}
	for (i = 0; i + 1 < argc; i++) {
		const struct control_arg *a = &k->args[i];

		if (i == CONTROL_ARGS || !a->name) {
			snprintf(err, errlen, "%s: too many words", k->name);
			json_decref(args);
			return NULL;
		}
		if (a->kind == 't') {
			rest = words_join(argc - 1 - i, argv + 1 + i);
			json_object_set_new(args, a->name, json_string(rest ? rest : ""));
			free(rest);
			break;
		}
		v = word_value(a, argv[i + 1]);
		if (!v) {
			snprintf(err, errlen, "%s: '%.40s' is no %s", k->name, argv[i + 1], a->name);
			json_decref(args);
			return NULL;
		}
		json_object_set_new(args, a->name, v);
	}
	return json_pack("{s:s, s:o}", "command", k->name, "arguments", args);
}

char *gm_control_words(struct gm_control *c, const char *line)
{
	char *copy = strdup(line), *argv[WORDS_MAX], *save = NULL, *p, err[300] = "", *out = NULL;
	json_t *req, *result = NULL;
	size_t len = 0;
	int argc = 0;
	FILE *f;

	if (!copy)
		return NULL;
	for (p = strtok_r(copy, " \t", &save); p && argc < WORDS_MAX;
	     p = strtok_r(NULL, " \t", &save))
		argv[argc++] = p;
	req = gm_control_parse(argc, argv, err, sizeof(err));
	if (req)
		result = gm_control_do(c, req, err, sizeof(err));
	json_decref(req);
	free(copy);
	f = open_memstream(&out, &len);
	if (f && result)
		gm_control_print(result, f);
	else if (f)
		fprintf(f, "%s\n", err);
	if (f)
		fclose(f);
	json_decref(result);
	return out;
}

/* ---- results as text ---- */

static void scalar_text(const json_t *v, char *buf, size_t len)
{
	char *text;

	if (json_is_string(v)) {
		snprintf(buf, len, "%s", json_string_value(v));
	} else if (json_is_null(v)) {
		snprintf(buf, len, "-");
	} else if (json_is_real(v)) {
		snprintf(buf, len, "%.3f", json_real_value(v));
	} else {
		text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
		snprintf(buf, len, "%s", text ? text : "");
		free(text);
	}
}

/* A list of objects as a table; the keys of the first are its columns. */
static void print_table(const json_t *list, FILE *f)
{
	const char *keys[COLUMNS], *key;
	size_t width[COLUMNS] = {0}, n = 0, i, row;
	char cell[CELL];
	json_t *o, *v;

	json_object_foreach(json_array_get(list, 0), key, v)
		if (n < COLUMNS && !json_is_array(v))
			keys[n++] = key;
	for (i = 0; i < n; i++) {
		width[i] = strlen(keys[i]);
		json_array_foreach(list, row, o) {
			scalar_text(json_object_get(o, keys[i]), cell, sizeof(cell));
			width[i] = MAX(width[i], strlen(cell));
		}
	}
	for (i = 0; i < n; i++)
		fprintf(f, "%-*s%s", (int)width[i], keys[i], i + 1 < n ? "  " : "\n");
	json_array_foreach(list, row, o) {
		for (i = 0; i < n; i++) {
			v = json_object_get(o, keys[i]);
			scalar_text(v, cell, sizeof(cell));
			fprintf(f, "%-*s%s", (int)width[i], v ? cell : "", i + 1 < n ? "  " : "\n");
		}
	}
}

static void print_value(const json_t *v, FILE *f, int indent)
{
	char text[512];
	const char *key;
	json_t *o;

	if (json_is_array(v) && json_is_object(json_array_get(v, 0))) {
		print_table(v, f);
		return;
	}
	if (!json_is_object(v)) {
		scalar_text(v, text, sizeof(text));
		fprintf(f, "%*s%s\n", indent, "", text);
		return;
	}
	json_object_foreach((json_t *)v, key, o) {
		if (json_is_object(o) ||
		    (json_is_array(o) && json_is_object(json_array_get(o, 0)))) {
			fprintf(f, "%*s%s:\n", indent, "", key);
			print_value(o, f, indent + 2);
		} else if (json_is_string(o) && strchr(json_string_value(o), '\n')) {
			fprintf(f, "%s", json_string_value(o));
		} else {
			scalar_text(o, text, sizeof(text));
			fprintf(f, "%*s%s: %s\n", indent, "", key, text);
		}
	}
}

void gm_control_print(const json_t *result, FILE *f)
{
	if (json_is_array(result) && !json_array_size(result))
		return;
	if (json_is_object(result) && !json_object_size(result))
		return;
	print_value(result, f, 0);
}
