/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fault sweep: launches the launcher again and again with its own command line of libxl's, each
 * time with one fault at one system call of one process between the launcher's first instruction
 * and QEMU's: the call fails, or the process is killed there. A payload is in QEMU's place.
 *
 * After each launch one of two things must be true: the payload ran and was, in everything that
 * look.c sees, what it is without a fault; or the launcher has ended with a status and one line
 * that say so. And nothing is left behind. After a kill there may be: what the toolstack removes
 * when it destroys the domain (--toolstack), and what the next launch for the domain removes.
 *
 * With --control nothing is swept: the payload without the launcher, and launches in which a call
 * says that it succeeded and was not made, must be called less confined.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <seccomp.h>

#include "sweep.h"
#include "util.h"

#define ARGS_MAX      256
#define TOOLSTACK_MAX 8

#define LAUNCHER_LINE "qemu-depriv-dm: "
#define ROLE_LINE     "qemu-depriv "

static const struct {
	const char *name;
	int number;
} errors[] = {
        {"EINVAL", EINVAL}, {"EPERM", EPERM}, {"ENOSYS", ENOSYS},
        {"ENOMEM", ENOMEM}, {"EINTR", EINTR}, {"EIO", EIO},
};

static struct {
	const char *payload;
	const char *listen_path; /* fd 9 is a socket that listens here, as libxl leaves it */
	const char *only;        /* label; NULL: every one */
	const char *toolstack[TOOLSTACK_MAX];
	size_t n_toolstack;
	unsigned int every, first; /* nth, nth + every, ... */
	bool control;
	char *argv[ARGS_MAX + 1];
} options = {.every = 1, .first = 1};

static struct outcome plain; /* without a fault */
static struct text host;     /* before any launch */
static unsigned int points, failures;

/* What libxl leaves to its device model: a socket that it has bound and listens on. */
static void make_listener(void)
{
	union {
		struct sockaddr sa;
		struct sockaddr_un un;
	} addr = {.un = {.sun_family = AF_UNIX}};
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)unlink(options.listen_path);
	(void)snprintf(addr.un.sun_path, sizeof(addr.un.sun_path), "%s", options.listen_path);
	if (bind(fd, &addr.sa, sizeof(addr.un)) < 0 || listen(fd, 1) < 0 || dup2(fd, 9) < 0)
		die("cannot listen on %s", options.listen_path);
}

static const char *fault_name(const struct point *p)
{
	if (p->fault == FAULT_KILL)
		return "killed";
	return p->fault == FAULT_LIE ? "not made" : strerrorname_np(p->error);
}

static void describe(const struct point *p, const struct outcome *o)
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, (int)o->call);

	(void)printf("#   %s, call %u (%s) %s", p->label, p->nth, name != NULL ? name : "?",
	             fault_name(p));
	free(name);
}

/* Whether what it has said is what a refused launch says. */
static bool says_why(const struct point *p, const struct outcome *o)
{
	unsigned int launcher = 0, others = 0;

	for (const char *s = o->said.s; *s != '\0';) {
		const size_t n = strcspn(s, "\n");

		if (strncmp(s, LAUNCHER_LINE, strlen(LAUNCHER_LINE)) == 0)
			launcher++;
		else if (strncmp(s, ROLE_LINE, strlen(ROLE_LINE)) != 0)
			others++;
		s += n + (s[n] == '\n');
	}
	/* libc says what it likes before main(), and a killed process nothing. */
	if (strcmp(p->label, "launcher") == 0 && (o->before_main || p->fault == FAULT_KILL))
		return launcher <= 1;
	return launcher == 1 && (others == 0 || o->before_main);
}

/* NULL: as it must be. */
static const char *judge(const struct point *p, const struct outcome *o)
{
	const bool own_signal = p->fault == FAULT_KILL || o->before_main;

	if (o->hung)
		return "hangs";
	if (o->second_exec && !plain.second_exec) /* the probe run may exec what its jail has */
		return "the payload has run another program";
	if (o->payload && strcmp(o->look.s, plain.look.s) != 0)
		return "LESS CONFINED";
	if (o->payload && WIFEXITED(o->status) && WEXITSTATUS(o->status) != 0)
		return "the payload was not refused all that it tried";
	if (o->payload)
		return NULL;
	if (WIFEXITED(o->status) && WEXITSTATUS(o->status) == 0)
		return "no payload, and yet success";
	if (WIFSIGNALED(o->status) && (strcmp(p->label, "launcher") != 0 || !own_signal))
		return "the launcher was ended by a signal";
	return says_why(p, o) ? NULL : "not one clear line";
}

static void report(const struct point *p, const struct outcome *o, const char *what)
{
	describe(p, o);
	(void)printf(": %s (status %#x)\n", what, (unsigned int)o->status);
	for (const char *s = o->said.s; *s != '\0';) {
		const size_t n = strcspn(s, "\n");

		(void)printf("#     says: %.*s\n", (int)n, s);
		s += n + (s[n] == '\n');
	}
	if (o->payload)
		text_diff(plain.look.s, o->look.s, "#     ");
}

static void launch(const struct point *p, struct outcome *o)
{
	if (options.listen_path != NULL)
		make_listener();
	trace_run(options.argv, options.payload, p, o);
	if (options.listen_path != NULL)
		(void)close(9);
	(void)unlink(options.listen_path != NULL ? options.listen_path : "");
}

static bool host_is_clean(struct text *ret)
{
	look_at_host(ret);
	return strcmp(host.s, ret->s) == 0;
}

/* What the toolstack removes when it destroys the domain after a launch that has failed. */
static void clean_up_as_toolstack(void)
{
	for (size_t i = 0; i < options.n_toolstack; i++)
		if (unlink(options.toolstack[i]) < 0)
			(void)rmdir(options.toolstack[i]);
}

/*
 * Whether somebody was left to clean up: not when a process was killed, nor when the monitor ended
 * before it knew what there is. The next launch for the domain does it then.
 */
static bool may_leave(const struct point *p)
{
	return p->fault == FAULT_KILL || strcmp(p->label, "monitor") == 0;
}

/* A launch without a fault; it must be as the first one was. */
static bool launch_again(void)
{
	const struct point none = {.fault = FAULT_NONE, .label = "nobody"};
	struct outcome o;
	bool good;

	launch(&none, &o);
	good = o.payload && judge(&none, &o) == NULL;
	outcome_free(&o);
	return good;
}

enum remains {
	REMAINS_NOTHING,
	REMAINS_FOR_NEXT, /* and the next launch has removed it */
	REMAINS,
};

static enum remains check_host(const struct point *p, const struct outcome *o)
{
	struct text now = {0}, later = {0};
	enum remains r = REMAINS_NOTHING;

	if (may_leave(p))
		clean_up_as_toolstack();
	if (!host_is_clean(&now)) {
		r = may_leave(p) && launch_again() && host_is_clean(&later) ? REMAINS_FOR_NEXT
		                                                            : REMAINS;
		text_free(&later);
	}
	if (r == REMAINS) {
		report(p, o, "left behind");
		text_diff(host.s, now.s, "#     ");
		/* Not the next point's fault. */
		if (!launch_again())
			(void)printf("#     and the next launch fails\n");
		text_free(&host);
		look_at_host(&host);
	}
	text_free(&now);
	return r;
}

/* One fault at every call of one process. */
static void sweep(enum fault fault, int error, const char *label)
{
	const time_t start = time(NULL);
	unsigned int n = 0, bad = 0, went_on = 0, in_libc = 0, left = 0;
	struct point p = {.fault = fault, .error = error, .label = label, .nth = options.first};

	for (;; p.nth += options.every) {
		struct outcome o;
		const char *what;
		enum remains remains;
		bool hit;

		launch(&p, &o);
		what = judge(&p, &o);
		hit = o.hit;
		if (what != NULL)
			report(&p, &o, what);
		remains = check_host(&p, &o);
		bad += what != NULL || remains == REMAINS;
		left += remains == REMAINS_FOR_NEXT;
		n += hit;
		went_on += hit && o.payload;
		in_libc += hit && o.before_main;
		outcome_free(&o);
		if (!hit)
			break;
	}
	(void)printf("%s - %s, %s: %u points (%u in libc's start), refused %u, went on fully "
	             "confined %u",
	             bad == 0 ? "ok" : "not ok", label, fault_name(&p), n, in_libc, n - went_on,
	             went_on);
	if (left > 0)
		(void)printf(", left something that the next launch removed %u", left);
	(void)printf(" (%ld s)\n", (long)(time(NULL) - start));
	(void)fflush(stdout);
	points += n;
	failures += bad;
}

static void sweep_labels(enum fault fault, int error)
{
	for (size_t i = 0; i < plain.n_labels; i++)
		if (options.only == NULL || strcmp(options.only, plain.labels[i].name) == 0)
			sweep(fault, error, plain.labels[i].name);
}

/* The launches without a fault that all others are compared with. Everything is traced. */
static void look_at_plain_launch(void)
{
	const struct point none = {.fault = FAULT_NONE};
	struct outcome again;

	launch(&none, &again); /* warms caches, makes what is only made once */
	outcome_free(&again);
	look_at_host(&host);
	launch(&none, &plain);
	launch(&none, &again);
	if (!plain.payload || !WIFEXITED(plain.status) || WEXITSTATUS(plain.status) != 0) {
		(void)printf("not ok - a launch without a fault (status %#x)\n",
		             (unsigned int)plain.status);
		(void)fputs(plain.said.s, stdout);
		exit(EXIT_FAILURE);
	}
	if (strcmp(plain.look.s, again.look.s) != 0) {
		(void)printf("not ok - two launches are alike\n");
		text_diff(plain.look.s, again.look.s, "#   ");
		exit(EXIT_FAILURE);
	}
	outcome_free(&again);
}

/* The payload as the tester's own child: everything about it must be called different. */
static void control_unconfined(void)
{
	const struct point none = {.fault = FAULT_NONE, .label = "launcher"};
	char *argv[] = {(char *)(uintptr_t)options.payload, NULL};
	struct outcome o;

	trace_run(argv, options.payload, &none, &o);
	if (judge(&none, &o) != NULL && o.payload && strcmp(o.look.s, plain.look.s) != 0 &&
	    WEXITSTATUS(o.status) != 0) {
		(void)printf("ok - control: the payload without the launcher is called less "
		             "confined, and is not refused attempt %d\n",
		             WEXITSTATUS(o.status));
	} else {
		(void)printf("not ok - control: the payload without the launcher passes\n");
		failures++;
	}
	outcome_free(&o);
}

/*
 * The same launches with a kernel that lies: where the launcher does not try afterwards what it has
 * given up, the payload runs, and must be called less confined. Only where that does not change the
 * host (a mount without a namespace of one's own would).
 */
static void control_lies(void)
{
	unsigned int called = 0, refused = 0, same = 0;

	for (unsigned int n = 0; n < plain.labels[0].n_calls; n++) {
		const struct point p = {
		        .fault = FAULT_LIE, .label = plain.labels[0].name, .nth = n + 1};
		struct outcome o;
		const char *what;

		if (!plain.labels[0].calls[n].harmless)
			continue;
		launch(&p, &o);
		what = judge(&p, &o);
		if (o.payload && what != NULL)
			report(&p, &o, what);
		called += o.payload && what != NULL;
		refused += !o.payload;
		same += o.payload && what == NULL;
		outcome_free(&o);
	}
	(void)printf("%s - control: calls that were not made and said that they were: %u less "
	             "confined payloads, called so; "
	             "%u launches refused; %u no different\n",
	             called > 0 ? "ok" : "not ok", called, refused, same);
	failures += called == 0;
}

/* The command line: words, each with a NUL behind it, as in /proc/PID/cmdline. */
static void read_argv(const char *launcher, const char *path)
{
	FILE *file = fopen(path, "re");
	char *word = NULL;
	size_t size = 0, n = 0;

	if (file == NULL)
		die("%s", path);
	while (getdelim(&word, &size, '\0', file) > 0) {
		if (n == ARGS_MAX)
			die("%s: too many words", path);
		options.argv[n] = strdup(n == 0 ? launcher : word);
		n++;
	}
	free(word);
	(void)fclose(file);
	if (n == 0)
		die("%s: empty", path);
}

_Noreturn static void usage(void)
{
	(void)fputs("usage: sweep [OPTION...] LAUNCHER CMDLINE FAULT...\n"
	            "FAULT: an errno's name (every call fails with it) or kill\n"
	            "  --payload PATH     what the launcher takes for QEMU\n"
	            "  --only PROCESS     launcher, launcher/1, monitor, ... instead of every one\n"
	            "  --every N[+FIRST]  every Nth call only, from the FIRST on\n"
	            "  --listen PATH      fd 9 is a socket listening there\n"
	            "  --toolstack PATH   removed by the toolstack when it destroys the domain\n"
	            "  --control          see whether the sweep can fail\n"
	            "  --look             print what the payload is without a fault\n",
	            stderr);
	exit(2);
}

static void sweep_fault(const char *name)
{
	size_t i = 0;

	if (strcmp(name, "kill") == 0) {
		sweep_labels(FAULT_KILL, 0);
		return;
	}
	while (i < ARRAY_SIZE(errors) && strcmp(errors[i].name, name) != 0)
		i++;
	if (i == ARRAY_SIZE(errors))
		usage();
	sweep_labels(FAULT_ERROR, errors[i].number);
}

int main(int argc, char *argv[])
{
	enum {
		PAYLOAD,
		ONLY,
		EVERY,
		LISTEN,
		TOOLSTACK,
		CONTROL,
		LOOK
	};
	static const struct option known[] = {
	        {"payload", required_argument, NULL, PAYLOAD},
	        {"only", required_argument, NULL, ONLY},
	        {"every", required_argument, NULL, EVERY},
	        {"listen", required_argument, NULL, LISTEN},
	        {"toolstack", required_argument, NULL, TOOLSTACK},
	        {"control", no_argument, NULL, CONTROL},
	        {"look", no_argument, NULL, LOOK},
	        {NULL, 0, NULL, 0},
	};
	const time_t start = time(NULL);
	bool look = false;
	int c;

	while ((c = getopt_long(argc, argv, "+", known, NULL)) >= 0) {
		switch (c) {
		case PAYLOAD:
			options.payload = optarg;
			break;
		case ONLY:
			options.only = optarg;
			break;
		case EVERY:
			if (sscanf(optarg, "%u+%u", &options.every, &options.first) < 1 ||
			    options.every == 0 || options.first == 0)
				usage();
			break;
		case LISTEN:
			options.listen_path = optarg;
			break;
		case TOOLSTACK:
			if (options.n_toolstack == TOOLSTACK_MAX)
				usage();
			options.toolstack[options.n_toolstack++] = optarg;
			break;
		case CONTROL:
			options.control = true;
			break;
		case LOOK:
			look = true;
			break;
		default:
			usage();
		}
	}
	if (argc - optind < 2 || options.payload == NULL)
		usage();
	read_argv(argv[optind], argv[optind + 1]);
	look_at_plain_launch();
	if (look)
		(void)fputs(plain.look.s, stdout);
	if (options.control) {
		control_unconfined();
		control_lies();
	}
	for (int i = optind + 2; i < argc; i++)
		sweep_fault(argv[i]);
	(void)printf("# points covered: %u in %ld s, of processes:", points,
	             (long)(time(NULL) - start));
	for (size_t i = 0; i < plain.n_labels; i++)
		(void)printf(" %s (%u calls)", plain.labels[i].name, plain.labels[i].n_calls);
	(void)printf("\n");
	return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
