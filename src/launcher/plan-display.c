/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Displays that are served over TCP: VNC and SPICE. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "planner.h"
#include "util.h"

/* Display N listens at 5900 + N (qemu(1), -vnc); IANA's port for VNC. */
#define VNC_PORT 5900

/* QEMU will have no resolver, so the one name that needs none is put into argv as an address. */
static const char localhost[] = "127.0.0.1";

static bool is_numeric(const char *host)
{
	struct in6_addr addr;

	return host[0] == '\0' || inet_pton(AF_INET, host, &addr) == 1 ||
	       inet_pton(AF_INET6, host, &addr) == 1;
}

/* Plans a listener at host, which is "" for every address, on one of the ports first..last. */
static int add_inet(struct planner *p, const char *host, uint16_t first, uint16_t last)
{
	struct plan *plan = p->plan;
	struct plan_inet *inet;

	if (!is_numeric(host))
		return planner_refuse(p, "%s: not a numeric address", host);
	if (plan->n_inets == PLAN_MAX_INET)
		return planner_refuse(p, "%s: more than %d TCP listeners", host, PLAN_MAX_INET);
	inet = &plan->inets[plan->n_inets];
	inet->addr = strdup(host);
	if (inet->addr == NULL)
		return planner_no_memory(p);
	inet->port_first = first;
	inet->port_last = last;
	plan->n_inets++;
	return 0;
}

/* Splits HOST:DISPLAY; host gets HOST without brackets. */
static int split_vnc(struct planner *p, const char *text, char host[INET6_ADDRSTRLEN],
                     uint64_t *display)
{
	const char *colon = strrchr(text, ':');
	const char *start = text;
	size_t len;

	if (colon == NULL || !parse_u64(colon + 1, 0, UINT16_MAX - VNC_PORT, display))
		return planner_refuse(p, "%s: not HOST:DISPLAY", text);
	len = (size_t)(colon - text);
	if (len >= 2 && text[0] == '[' && colon[-1] == ']') {
		start++;
		len -= 2;
	}
	if (len >= INET6_ADDRSTRLEN)
		return planner_refuse(p, "%s: not a numeric address", text);
	memcpy(host, start, len);
	host[len] = '\0';
	return 0;
}

/* The last display number to try, which is the first one without to=. */
static int get_vnc_last(struct planner *p, const struct qemuopts *opts, uint64_t first,
                        uint64_t *last)
{
	const char *to = qemuopts_get(opts, "to");

	*last = first;
	if (to == NULL)
		return 0;
	if (!parse_u64(to, 0, UINT16_MAX - VNC_PORT, last) || (*last > 0 && *last < first))
		return planner_refuse(p, "to=%s: not a display number from %u to %d", to,
		                      (unsigned int)first, UINT16_MAX - VNC_PORT);
	if (*last == 0) /* for QEMU, no range */
		*last = first;
	return 0;
}

static int replace_localhost(struct planner *p, struct qemuopts *opts, uint64_t display, char **arg)
{
	char text[sizeof(localhost) + sizeof(":65535")];

	(void)snprintf(text, sizeof(text), "%s:%u", localhost, (unsigned int)display);
	if (qemuopts_set(opts, "vnc", text) < 0)
		return planner_no_memory(p);
	return planner_rewrite(p, opts, arg);
}

/* Nothing that names certificates, a websocket, SASL or a client to call. */
static const char *const vnc_keys[] = {
        "vnc",
        "password",
        "password-secret",
        "to",
        "share",
        "lossy",
        "id",
        "non-adaptive",
        "key-delay-ms",
        "lock-key-sync",
        "power-control",
        "display",
        "head",
        "ipv4",
        "ipv6",
        "audiodev",
        NULL,
};

int plan_vnc(struct planner *p, char **arg)
{
	struct qemuopts opts cleanup(qemuopts_free);
	char host[INET6_ADDRSTRLEN] = "";
	const char *vnc;
	uint64_t display = 0, last = 0;
	bool local;

	if (planner_opts(p, *arg, "vnc", &opts) < 0)
		return -1;
	vnc = qemuopts_get(&opts, "vnc");
	if (vnc != NULL && strcmp(vnc, "none") == 0)
		return PLANNER_KEEP;
	if (vnc == NULL || strncmp(vnc, "unix:", 5) == 0)
		return planner_refuse(p, "%s: only HOST:DISPLAY can be confined", *arg);
	if (planner_only(p, &opts, vnc_keys) < 0 || split_vnc(p, vnc, host, &display) < 0 ||
	    get_vnc_last(p, &opts, display, &last) < 0)
		return -1;
	local = strcmp(host, "localhost") == 0;
	if (add_inet(p, local ? localhost : host, (uint16_t)(VNC_PORT + display),
	             (uint16_t)(VNC_PORT + last)) < 0)
		return -1;
	return local ? replace_localhost(p, &opts, display, arg) : PLANNER_KEEP;
}

/* Nothing that names certificates, a unix socket, SASL or the host's GPU. */
static const char *const spice_keys[] = {
        "port",
        "tls-port",
        "addr",
        "ipv4",
        "ipv6",
        "password",
        "password-secret",
        "disable-ticketing",
        "disable-copy-paste",
        "disable-agent-file-xfer",
        "agent-mouse",
        "image-compression",
        "jpeg-wan-compression",
        "zlib-glz-wan-compression",
        "streaming-video",
        "playback-compression",
        "seamless-migration",
        "video-codecs",
        "max-refresh-rate",
        NULL,
};

int plan_spice(struct planner *p, char **arg)
{
	struct qemuopts opts cleanup(qemuopts_free);
	const char *addr, *port, *tls_port;
	uint64_t n = 0;
	bool local;

	if (planner_opts(p, *arg, NULL, &opts) < 0 || planner_only(p, &opts, spice_keys) < 0)
		return -1;
	port = qemuopts_get(&opts, "port");
	tls_port = qemuopts_get(&opts, "tls-port");
	addr = qemuopts_get(&opts, "addr");
	/* libxl gives tls-port=0 for none. */
	if (tls_port != NULL && strcmp(tls_port, "0") != 0)
		return planner_refuse(p, "tls-port=%s: needs certificates of the host", tls_port);
	if (port == NULL || !parse_u64(port, 1, UINT16_MAX, &n))
		return planner_refuse(p, "port=%s: not a port from 1 to %d",
		                      port != NULL ? port : "", UINT16_MAX);
	local = addr != NULL && strcmp(addr, "localhost") == 0;
	if (addr == NULL)
		addr = "";
	if (add_inet(p, local ? localhost : addr, (uint16_t)n, (uint16_t)n) < 0)
		return -1;
	if (!local)
		return PLANNER_KEEP;
	if (qemuopts_set(&opts, "addr", localhost) < 0)
		return planner_no_memory(p);
	return planner_rewrite(p, &opts, arg);
}

int plan_display(struct planner *p, char **arg)
{
	char *vnc, *text = NULL;
	int r;

	if (strcmp(*arg, "none") == 0)
		return PLANNER_KEEP;
	if (strncmp(*arg, "vnc=", 4) != 0)
		return planner_refuse(p, "%s: needs a display of the host", *arg);
	vnc = strdup(*arg + 4);
	if (vnc == NULL)
		return planner_no_memory(p);
	r = plan_vnc(p, &vnc);
	if (r == PLANNER_KEEP && asprintf(&text, "vnc=%s", vnc) < 0)
		r = planner_no_memory(p);
	free(vnc);
	if (r == PLANNER_KEEP) {
		free(*arg);
		*arg = text;
	}
	return r;
}
