// SPDX-License-Identifier: GPL-2.0-or-later
/* vmm: the command line's first word chooses what to do. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vmm/config.h"
#include "vmm/control/client.h"
#include "vmm/doctor.h"
#include "vmm/image.h"
#include "vmm/run.h"
#include "vmm/types.h"

static int cmd_help(int argc, char **argv);

static int cmd_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("vmm (guestmode) %s\n", VMM_VERSION);
	return VMM_EXIT_OK;
}

static const struct command {
	const char *name, *args, *help;
	int (*run)(int argc, char **argv);
} commands[] = {
	{"run", "[OPTION...] [DISK...] [MACHINE.conf]", "run a machine", vmm_run},
	{"list", "[--json]", "the machines that run", vmm_list},
	{"doctor", "", "what this machine offers for running guests", vmm_doctor},
	{"image", "create|info|convert|check|resize|snapshot ...", "work with disk images", vmm_image},
	{"help", "[run]", "this text, or the options of 'run'", cmd_help},
	{"version", "", "print the version", cmd_version},
};

static int cmd_help(int argc, char **argv)
{
	size_t i;

	if (argc && !strcmp(argv[0], "run"))
		return vmm_run(1, (char *[]){"--help", NULL});
	printf("usage: vmm COMMAND ...\n\n");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  vmm %s %s\n        %s\n", commands[i].name, commands[i].args,
		       commands[i].help);
	vmm_control_help();
	printf("\nTo boot a disk image: vmm run disk.img\n");
	return VMM_EXIT_OK;
}

/* A disk must not become standard input or output because the caller had closed that. */
static void std_fds_fill(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;
	size_t i;

	std_fds_fill();
	if (!name) {
		fprintf(stderr, "vmm: no command; 'vmm help' lists them\n");
		return VMM_EXIT_USAGE;
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h"))
		name = "help";
	if (!strcmp(name, "--version"))
		name = "version";
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(name, commands[i].name))
			return commands[i].run(argc - 2, argv + 2);
	if (vmm_control_known(name))
		return vmm_control(argc - 1, argv + 1);
	fprintf(stderr, "vmm: %s: unknown command; 'vmm help' lists them\n", name);
	return VMM_EXIT_USAGE;
}
