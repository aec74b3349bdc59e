/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli.h"

#include <stdarg.h>
#include <stdio.h>

int cli_error(const char *fmt, ...)
{
	va_list ap;

	(void)fputs("qemu-depriv: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	return CLI_ERROR;
}

int cli_usage(const struct command *command)
{
	(void)fprintf(stderr, "usage: qemu-depriv %s%s%s%s%s\n", command->name,
	              command->sub != NULL ? " " : "", command->sub != NULL ? command->sub : "",
	              *command->usage != '\0' ? " " : "", command->usage);
	return CLI_ERROR;
}
