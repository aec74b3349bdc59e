/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host as the battery has to know it, and the domain that it acts on. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <xenctrl.h>
#include <xenstore.h>

#include "probe.h"
#include "util.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* What the battery's populate attempts may use up. */
#define TWIN_KIB 4096

/* What libxl gives an HVM guest with a device model (libxl__arch_domain_prepare_config). */
#define TWIN_EMULATION (XEN_X86_EMU_ALL & ~XEN_X86_EMU_VPCI)

/* The twin ------------------------------------------------------------------------------------- */

static int create(struct twin *twin, unsigned int flags, struct error *err)
{
	struct xen_domctl_createdomain config = {
	        .flags = flags,
	        .max_vcpus = 1,
	        .max_evtchn_port = 1023,
	        .max_grant_frames = -1,
	        .max_maptrack_frames = -1,
	        .grant_opts = XEN_DOMCTL_GRANT_version(1),
	        .arch = {.emulation_flags = TWIN_EMULATION},
	};
	uint32_t domid = 0;

	memset(config.handle, 0x71, sizeof(config.handle));
	if (xc_domain_create(twin->xch, &domid, &config) < 0)
		return error_errno(err, "cannot create a domain");
	twin->domid = (uint16_t)domid;
	return 0;
}

int twin_make(struct twin *twin, struct error *err)
{
	*twin = (struct twin){.xch = xc_interface_open(NULL, NULL, 0)};
	if (twin->xch == NULL)
		return error_errno(err, "cannot open the hypercall interface");
	/* Without hardware-assisted paging it gets along with shadow page tables. */
	if (create(twin, XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap, err) < 0 &&
	    create(twin, XEN_DOMCTL_CDF_hvm, err) < 0) {
		twin_end(twin);
		return -1;
	}
	if (xc_domain_max_vcpus(twin->xch, twin->domid, 1) < 0 ||
	    xc_domain_setmaxmem(twin->xch, twin->domid, TWIN_KIB) < 0) {
		(void)error_errno(err, "cannot set domain %u up", twin->domid);
		twin_end(twin);
		return -1;
	}
	return 0;
}

int twin_unpause(struct twin *twin, struct error *err)
{
	if (xc_domain_unpause(twin->xch, twin->domid) < 0)
		return error_errno(err, "cannot unpause domain %u", twin->domid);
	return 0;
}

static void remove_node(struct xs_handle *xs, const char *format, unsigned int domid)
{
	char path[64];
	const char *number = strchr(format, '%');

	(void)snprintf(path, sizeof(path), "%.*s%u", (int)(number - format), format, domid);
	(void)xs_rm(xs, XBT_NULL, path);
}

void twin_end(struct twin *twin)
{
	struct xs_handle *xs = twin->domid != 0 ? xs_open(0) : NULL;

	if (twin->domid != 0)
		(void)xc_domain_destroy(twin->xch, twin->domid);
	if (xs != NULL) {
		remove_node(xs, "/local/domain/%", twin->domid);
		remove_node(xs, "/local/domain/0/device-model/%", twin->domid);
		xs_close(xs);
	}
	if (twin->xch != NULL)
		(void)xc_interface_close(twin->xch);
	*twin = (struct twin){0};
}

/* Guests --------------------------------------------------------------------------------------- */

static char *read_node(const char *path)
{
	struct xs_handle *xs = xs_open(0);
	char *value = NULL;
	unsigned int len;

	if (xs != NULL) {
		value = xs_read(xs, XBT_NULL, path, &len);
		xs_close(xs);
	}
	return value;
}

static bool has_name(uint16_t domid, const char *name)
{
	char path[64];
	char *value cleanup(free_pp);

	(void)snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
	value = read_node(path);
	return value != NULL && strcmp(value, name) == 0;
}

#define DOMAINS_MAX 1024

/* The first domain of that name, or the first HVM one with a device model here; 0: none. */
static uint16_t first_domain(struct xc_interface_core *xch, const char *name, uint16_t twin,
                             uint16_t own)
{
	static xc_domaininfo_t infos[DOMAINS_MAX];
	int n = xc_domain_getinfolist(xch, 1, DOMAINS_MAX, infos);

	for (int i = 0; i < n; i++) {
		const xc_domaininfo_t *info = &infos[i];

		if (info->domain == twin || info->domain == own ||
		    (info->flags & XEN_DOMINF_dying) != 0)
			continue;
		if (name != NULL ? has_name(info->domain, name)
		                 : (info->flags & XEN_DOMINF_hvm_guest) != 0 &&
		                           host_device_model(info->domain) != 0)
			return info->domain;
	}
	return 0;
}

int host_find_domain(const char *name, uint16_t *ret, struct error *err)
{
	struct xc_interface_core *xch;
	xc_domaininfo_t info;
	uint64_t n;

	xch = xc_interface_open(NULL, NULL, 0);
	if (xch == NULL)
		return error_errno(err, "cannot open the hypercall interface");
	*ret = 0;
	if (parse_u64(name, 1, DOMID_FIRST_RESERVED - 1, &n) &&
	    xc_domain_getinfolist(xch, (uint32_t)n, 1, &info) == 1 && info.domain == n)
		*ret = (uint16_t)n;
	if (*ret == 0)
		*ret = first_domain(xch, name, 0, 0);
	(void)xc_interface_close(xch);
	return *ret != 0 ? 0 : error_set(err, "there is no domain %s", name);
}

pid_t host_device_model(uint16_t domid)
{
	char path[80];
	char *value cleanup(free_pp);
	uint64_t pid = 0;

	(void)snprintf(path, sizeof(path), "/local/domain/%u/image/device-model-pid", domid);
	value = read_node(path);
	return value != NULL && parse_u64(value, 2, INT32_MAX, &pid) ? (pid_t)pid : 0;
}

/* Reads a process's command line: strings, one behind the other. Returns how many bytes. */
static size_t read_cmdline(const char *pid, char *buf, size_t size)
{
	char path[64];
	ssize_t n = -1;

	(void)snprintf(path, sizeof(path), "/proc/%s/cmdline", pid);

	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		n = read(fd, buf, size - 1);
	if (n < 0)
		n = 0;
	buf[n] = '\0';
	return (size_t)n;
}

/* The first "file=/..." of a device model's command line. */
static void find_image(pid_t qemu, struct facts *facts)
{
	static char words[65536];
	char pid[16];
	struct stat st;
	size_t n;

	(void)snprintf(pid, sizeof(pid), "%d", qemu);
	n = read_cmdline(pid, words, sizeof(words));
	for (const char *w = words; w < words + n; w += strlen(w) + 1) {
		const char *file = strstr(w, "file=/");

		if (file == NULL)
			file = strstr(w, "filename=/");
		if (file == NULL)
			continue;
		file = strchr(file, '/');
		(void)snprintf(facts->foreign_image, sizeof(facts->foreign_image), "%.*s",
		               (int)strcspn(file, ","), file);
		if (stat(facts->foreign_image, &st) == 0) {
			facts->foreign_dev = st.st_dev;
			facts->foreign_ino = st.st_ino;
			return;
		}
		facts->foreign_image[0] = '\0';
	}
}

static void find_qmp(uint16_t domid, struct facts *facts)
{
	static const char *const names[] = {"qmp-libxl", "qmp-libxenstat"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void)snprintf(facts->foreign_socket, sizeof(facts->foreign_socket),
		               "/run/xen/%s-%u", names[i], domid);
		if (access(facts->foreign_socket, F_OK) == 0)
			return;
	}
	facts->foreign_socket[0] = '\0';
}

/* Listeners ------------------------------------------------------------------------------------ */

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_un un;
};

static int listen_inet(struct facts *facts)
{
	union address a = {.in = {.sin_family = AF_INET}};
	socklen_t len = sizeof(a.in), cookie_len = sizeof(facts->netns);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, &a.sa, sizeof(a.in)) < 0 || listen(fd, SOMAXCONN) < 0 ||
	    getsockname(fd, &a.sa, &len) < 0) {
		close_fdp(&fd);
		return -1;
	}
	facts->port = ntohs(a.in.sin_port);
	(void)getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &facts->netns, &cookie_len);
	return fd;
}

static int listen_abstract(struct facts *facts)
{
	union address a = {.un = {.sun_family = AF_UNIX}};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t n;

	(void)snprintf(facts->abstract, sizeof(facts->abstract), "qemu-depriv-probe-%d", getpid());
	n = strlen(facts->abstract);
	memcpy(a.un.sun_path + 1, facts->abstract, n);
	/* As the battery spells it: with the NUL, which counts here. */
	if (fd < 0 ||
	    bind(fd, &a.sa, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n)) < 0 ||
	    listen(fd, SOMAXCONN) < 0)
		close_fdp(&fd);
	return fd;
}

int host_facts(const struct twin *twin, uint16_t own, struct facts *ret,
               struct listeners *ret_listeners, struct error *err)
{
	struct stat st;

	*ret = (struct facts){.magic = FACTS_MAGIC, .domid = twin->domid};
	ret->foreign = first_domain(twin->xch, NULL, twin->domid, own);
	if (ret->foreign != 0) {
		ret->foreign_qemu = host_device_model(ret->foreign);
		find_image(ret->foreign_qemu, ret);
		find_qmp(ret->foreign, ret);
	}
	if (stat("/dev/xen/privcmd", &st) < 0)
		return error_errno(err, "/dev/xen/privcmd");
	ret->privcmd = st.st_rdev;
	if (stat("/dev/xen/evtchn", &st) < 0)
		return error_errno(err, "/dev/xen/evtchn");
	ret->evtchn = st.st_rdev;
	ret_listeners->inet = listen_inet(ret);
	ret_listeners->abstract = listen_abstract(ret);
	if (ret_listeners->inet < 0 || ret_listeners->abstract < 0)
		return error_errno(err, "cannot listen");
	return 0;
}

/* Roles ---------------------------------------------------------------------------------------- */

/* The launcher starts the monitor with QEMU's pid, and the others right after it. */
void host_find_roles(pid_t served, struct facts *facts)
{
	DIR *proc = opendir("/proc");
	const struct dirent *e;
	char words[256], pid[16];
	uint64_t n;

	(void)snprintf(pid, sizeof(pid), "%d", served);
	facts->monitor = facts->broker = facts->xsfilter = 0;
	while (proc != NULL && (e = readdir(proc)) != NULL) {
		if (!parse_u64(e->d_name, 1, INT32_MAX, &n))
			continue;
		if (read_cmdline(e->d_name, words, sizeof(words)) == 0)
			continue;
		if (strcmp(words, "monitor") == 0 && strcmp(words + sizeof("monitor"), pid) == 0)
			facts->monitor = (int32_t)n;
		if (strcmp(words, "broker") == 0 && (int32_t)n > facts->broker)
			facts->broker = (int32_t)n;
		if (strcmp(words, "xsfilter") == 0 && (int32_t)n > facts->xsfilter)
			facts->xsfilter = (int32_t)n;
	}
	if (proc != NULL)
		(void)closedir(proc);
}
