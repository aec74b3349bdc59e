/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must be made with privilege before QEMU exists. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "launch.h"
#include "pin.h"
#include "util.h"
#include "xenfd.h"

void resources_init(struct resources *res)
{
	memset(res, 0, sizeof(*res));
	res->privcmd = res->evtchn = -1;
	for (size_t i = 0; i < ARRAY_SIZE(res->files); i++)
		res->files[i] = -1;
	for (size_t i = 0; i < ARRAY_SIZE(res->dirs); i++)
		res->dirs[i] = -1;
	for (size_t i = 0; i < ARRAY_SIZE(res->listeners); i++)
		res->listeners[i] = -1;
	for (size_t i = 0; i < ARRAY_SIZE(res->taps); i++)
		res->taps[i] = -1;
}

/* Only a socket is removed to make place, as libxl does: anything else there is not ours. */
static int remove_old_socket(const char *path, struct error *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : error_errno(err, "%s", path);
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, "%s exists and is no socket", path);
	return unlink(path) < 0 ? error_errno(err, "cannot remove %s", path) : 0;
}

static int make_listener(const char *path, struct stat *ret_stat, int *ret_fd, struct error *err)
{
	union {
		struct sockaddr sa;
		struct sockaddr_un un;
	} addr = {.un = {.sun_family = AF_UNIX}};
	mode_t mask;
	int r;

	if (strlen(path) >= sizeof(addr.un.sun_path))
		return error_set(err, "%s: too long for a socket", path);
	memcpy(addr.un.sun_path, path, strlen(path));
	if (remove_old_socket(path, err) < 0)
		return -1;

	/* Nonblocking: see fds_unblock_listener(). */
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return error_errno(err, "cannot make a socket");
	mask = umask(0177); /* root only: it is the toolstack's */
	r = bind(fd, &addr.sa, sizeof(addr.un));
	(void)umask(mask);
	if (r < 0)
		return error_errno(err, "cannot bind %s", path);
	if (lstat(path, ret_stat) < 0 || listen(fd, 1) < 0) {
		(void)error_errno(err, "cannot listen on %s", path);
		(void)unlink(path);
		return -1;
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

/* The flags that QEMU's own tap_open() sets, and no attaching to an interface that exists. */
static int make_tap(const char *ifname, int *ret_fd, struct error *err)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	cleanup_fd int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "cannot open /dev/net/tun for %s", ifname);
	ifr.ifr_flags = (short)(ifr.ifr_flags | (short)IFF_TUN_EXCL);
	memcpy(ifr.ifr_name, ifname, strnlen(ifname, sizeof(ifr.ifr_name) - 1));
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		return error_errno(err, "cannot create the interface %s", ifname);
	*ret_fd = steal_fd(&fd);
	return 0;
}

int resources_make(const struct plan *plan, struct resources *res, struct error *err)
{
	res->privcmd = xenfd_privcmd(plan->domid, err);
	if (res->privcmd < 0)
		return -1;
	res->evtchn = xenfd_evtchn(plan->domid, err);
	if (res->evtchn < 0)
		return -1;
	for (size_t i = 0; i < plan->n_files; i++)
		if (pin_file(plan->files[i].path, plan->files[i].origin, &res->file_stats[i],
		             &res->files[i], err) < 0)
			return -1;
	for (size_t i = 0; i < plan->n_dirs; i++)
		if (pin_directory(plan->dirs[i].path, plan->dirs[i].origin, &res->dirs[i], err) < 0)
			return -1;
	for (size_t i = 0; i < plan->n_listeners; i++)
		if (make_listener(plan->listeners[i].path, &res->listener_stats[i],
		                  &res->listeners[i], err) < 0)
			return -1;
	for (size_t i = 0; i < plan->n_taps; i++)
		if (make_tap(plan->taps[i].ifname, &res->taps[i], err) < 0)
			return -1;
	return 0;
}

void resources_undo(const struct plan *plan, struct resources *res)
{
	for (size_t i = 0; i < plan->n_listeners; i++) {
		if (res->listeners[i] < 0)
			continue;
		(void)unlink(plan->listeners[i].path);
		close_fdp(&res->listeners[i]);
	}
	for (size_t i = 0; i < plan->n_taps; i++)
		close_fdp(&res->taps[i]);
	for (size_t i = 0; i < plan->n_files; i++)
		close_fdp(&res->files[i]);
	for (size_t i = 0; i < plan->n_dirs; i++)
		close_fdp(&res->dirs[i]);
	close_fdp(&res->privcmd);
	close_fdp(&res->evtchn);
}
