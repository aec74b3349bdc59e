/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <linux/seccomp.h>
#include <stdbool.h>

#include "manifest.h"
#include "request.h"

struct broker {
	const struct manifest *manifest;
	int listener; /* seccomp notifications of QEMU */
	int mem;      /* QEMU's memory; -1 until its first call after the exec */
	bool executed;
};

/*
 * Handles one notification and answers it. A notification that was cancelled meanwhile is ignored.
 * Returns false if the kernel does not take the answer: the call would wait for ever, unless the
 * listener is closed.
 */
bool broker_handle(struct broker *b, const struct seccomp_notif *notif);

/* Asks the monitor. Returns its result (-EIO: it is gone) and the fd in *ret_fd, else -1. */
int broker_ask(uint32_t type, uint32_t index, uint64_t arg0, uint64_t arg1, int *ret_fd);

/* The same for REQ_MEMBER: name is below directory `index` of the manifest. */
int broker_ask_member(uint32_t index, const char *name, int flags, int *ret_fd);

/* What becomes of an open that is none of the devices'. */
enum path_kind {
	PATH_FILE,    /* file *ret_index of the manifest */
	PATH_MEMBER,  /* below directory *ret_index of the manifest */
	PATH_JAIL,    /* the kernel decides, in QEMU's own root */
	PATH_REFUSED, /* a path of the host that the plan does not name */
};

/* *ret_name is the part of path below the directory, for PATH_MEMBER. */
enum path_kind path_find(const struct manifest *m, const char *path, uint32_t *ret_index,
                         const char **ret_name);

/* Logs an open that the plan does not allow, and how to allow it. */
void path_log_refusal(const char *path, int flags, enum path_kind kind, int error);
