/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "error.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void error_write(struct error *err, int errnum, const char *fmt, ...)
{
	int saved = errno;
	size_t len;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	if (errnum != 0) {
		len = strlen(err->msg);
		(void)snprintf(err->msg + len, sizeof(err->msg) - len, ": %s", strerror(errnum));
	}
	/* Names in it may be anybody's: one line stays one, and no terminal takes orders from it.
	 */
	for (char *c = err->msg; *c != '\0'; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
	errno = saved;
}

int error_prefix(struct error *err, const char *prefix)
{
	const struct error old = *err;

	if (prefix != NULL)
		error_write(err, 0, "%s: %s", prefix, old.msg);
	return -1;
}
