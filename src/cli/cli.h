/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qemu-depriv(8): one file a command, and one row a command in main.c's table.
 *
 * A command prints its result to stdout and what went wrong to stderr, one line each.
 */
#pragma once

#include <stddef.h>

/* Exit statuses, the same for all commands. */
enum cli_exit {
	CLI_OK = 0,       /* done, and nothing is wrong */
	CLI_FINDINGS = 1, /* done, and the answer is no: something is wrong or not there */
	CLI_ERROR = 2,    /* could not be done, or wrong usage */
};

struct command {
	const char *name;    /* first word */
	const char *sub;     /* second word, or NULL */
	const char *usage;   /* what follows the words, or "" */
	const char *summary; /* one line, a verb first, no full stop */
	/*
	 * argv[0] is the command's last word, argv[1] the first one after it, as getopt_long(3)
	 * wants it. Returns an enum cli_exit.
	 */
	int (*run)(const struct command *self, int argc, char *argv[]);
};

/* Prints "qemu-depriv: ..." to stderr; CLI_ERROR. */
int cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Prints how the command is called to stderr; CLI_ERROR. */
int cli_usage(const struct command *command);

/* The commands. */
int cmd_check(const struct command *self, int argc, char *argv[]);
int cmd_config_check(const struct command *self, int argc, char *argv[]);
int cmd_explain(const struct command *self, int argc, char *argv[]);
int cmd_status(const struct command *self, int argc, char *argv[]);
int cmd_host_default(const struct command *self, int argc, char *argv[]);
int cmd_probe(const struct command *self, int argc, char *argv[]);
