/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qemu-depriv: what an operator asks of, and about, device models that qemu-depriv-dm starts. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "util.h"

static const struct command commands[] = {
        {"check", NULL, "[--json] DOMID | --all",
         "look at a running device model from outside and say what its confinement lacks",
         cmd_check},
        {"config", "check", "[--dir DIR]", "read the configuration and name every problem",
         cmd_config_check},
        {"explain", NULL,
         "[--json] [--verbose] [--config DIR] [--name GUEST] DOMID | -- ARGUMENT...",
         "print everything that a device model with this command line will hold", cmd_explain},
        {"status", NULL, "[--json] [DOMID]", "print the device models that run", cmd_status},
        {"disable", NULL, "", "give libxl the distribution's QEMU again", cmd_host_default},
        {"enable", NULL, "", "make qemu-depriv-dm what libxl starts for every guest",
         cmd_host_default},
        {"probe", NULL, "run | inside | control | list [OPTION...]",
         "attack from where a taken-over QEMU would: qemu-depriv-probe(8)", cmd_probe},
};

static void print_help(void)
{
	(void)puts("usage: qemu-depriv COMMAND [ARGUMENT...]\n"
	           "       qemu-depriv --help | --version\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *c = &commands[i];

		(void)printf("  %s%s%s %s\n      %s\n", c->name, c->sub != NULL ? " " : "",
		             c->sub != NULL ? c->sub : "", c->usage, c->summary);
	}
	(void)puts("\nExit status: 0 all is well, 1 something is wrong, 2 it could not be done.");
}

/* The row that argv[1], and argv[2] if the row has a second word, name. */
static const struct command *find(int argc, char *argv[])
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *c = &commands[i];

		if (strcmp(argv[1], c->name) == 0 &&
		    (c->sub == NULL || (argc > 2 && strcmp(argv[2], c->sub) == 0)))
			return c;
	}
	return NULL;
}

static int run(int argc, char *argv[])
{
	const struct command *command;
	int words;

	if (argc < 2)
		return cli_error("no command: see qemu-depriv --help");
	if (strcmp(argv[1], "--help") == 0)
		return print_help(), CLI_OK;
	if (strcmp(argv[1], "--version") == 0)
		return (void)puts("qemu-depriv " VERSION), CLI_OK;
	command = find(argc, argv);
	if (command == NULL)
		return cli_error("%s%s%s: no such command: see qemu-depriv --help", argv[1],
		                 argc > 2 ? " " : "", argc > 2 ? argv[2] : "");
	words = command->sub != NULL ? 2 : 1;
	return command->run(command, argc - words, argv + words);
}

int main(int argc, char *argv[])
{
	int r = run(argc, argv);

	/* A result that nobody could read is none. */
	if (fflush(stdout) != 0 || ferror(stdout) != 0)
		return cli_error("cannot write to standard output");
	return r;
}
