/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe-run, as qemu-depriv probe calls it: the attack battery, against its control.
 *
 * In QEMU's place it acts on a domain made for it, launched by the launcher as libxl does it. An
 * attempt that the filter answers with death ends the launch; then there is a new domain and a new
 * launch, and it goes on with the next one.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "probe.h"
#include "util.h"

#define ARGV_MAX 512

/* Every launch may die of one attempt; more deaths than that are not the filter's. */
#define MAX_FAILED_STARTS 3

struct options {
	const char *domain, *json, *only, *socket;
	bool tap, list, forks;
};

struct run {
	enum where where;
	struct options options;
	uint16_t guest; /* of --domain, or the one whose QEMU has the library */
	char *argv[ARGV_MAX];
	char own_file[256];
};

/* The command line in QEMU's place ------------------------------------------------------------- */

/* Some file of ours. */
static const char medium[] = "file=" ROLE_DIR "/qemu-depriv-shim.so,if=ide,index=2,readonly=on,"
                             "media=cdrom,format=raw,id=ide-832";

/* What libxl passes for a guest with a CD-ROM and no network. */
static const char *const minimal[] = {
        "-no-shutdown",
        "-nodefaults",
        "-no-user-config",
        "-name",
        "qemu-depriv-probe",
        "-vnc",
        "127.0.0.1:0,to=99",
        "-display",
        "none",
        "-machine",
        "xenfv",
        "-m",
        "64",
        "-device",
        "VGA,vgamem_mb=16",
        "-drive",
        medium,
};

/*
 * Not for the twin: the sockets and interfaces of the guest (they exist, and are the guest's), and
 * what says who QEMU is.
 */
static const char *const dropped[] = {"-chardev",  "-mon",    "-netdev",    "-incoming", "-runas",
                                      "-run-with", "-chroot", "-xen-domid", "-add-fd"};
static const char *const dropped_flags[] = {"-xen-domid-restrict", "-S"};

static bool is_one_of(const char *word, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(word, list[i]) == 0)
			return true;
	return false;
}

static int append(struct run *run, size_t *n, const char *word, struct error *err)
{
	if (*n == ARGV_MAX - 1)
		return error_set(err, "more than %d arguments", ARGV_MAX);
	run->argv[*n] = strdup(word);
	return run->argv[(*n)++] != NULL ? 0 : error_set(err, "out of memory");
}

/* words: the command line of a live QEMU, up to end. */
static int append_guests(struct run *run, size_t *n, const char *words, const char *end,
                         struct error *err)
{
	for (const char *w = words + strlen(words) + 1; w < end; w += strlen(w) + 1) {
		if (is_one_of(w, dropped, ARRAY_SIZE(dropped)))
			w += strlen(w) + 1;
		else if (!is_one_of(w, dropped_flags, ARRAY_SIZE(dropped_flags)) &&
		         append(run, n, w, err) < 0)
			return -1;
	}
	return 0;
}

/* A read-only image of the command line. */
static void find_own_file(struct run *run)
{
	for (size_t i = 0; run->argv[i] != NULL; i++) {
		const char *file = strstr(run->argv[i], "file=/");

		if (file == NULL || (strstr(run->argv[i], "readonly=on") == NULL &&
		                     strstr(run->argv[i], "read-only=on") == NULL))
			continue;
		file += sizeof("file=") - 1;
		(void)snprintf(run->own_file, sizeof(run->own_file), "%.*s",
		               (int)strcspn(file, ","), file);
	}
}

static int make_argv(struct run *run, struct error *err)
{
	static char words[65536];
	size_t n = 0;
	ssize_t len;
	char path[64];
	pid_t qemu;

	if (append(run, &n, LIBEXEC_DIR "/qemu-depriv-dm", err) < 0 ||
	    append(run, &n, "-qemu-depriv-probe", err) < 0 ||
	    append(run, &n, "-xen-domid", err) < 0 || append(run, &n, "?", err) < 0)
		return -1;
	if (run->guest == 0) {
		for (size_t i = 0; i < ARRAY_SIZE(minimal); i++)
			if (append(run, &n, minimal[i], err) < 0)
				return -1;
		find_own_file(run);
		return 0;
	}
	qemu = host_device_model(run->guest);
	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", qemu);

	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

	len = fd >= 0 ? read(fd, words, sizeof(words) - 1) : -1;
	if (len <= 0)
		return error_set(err, "domain %u has no device model here", run->guest);
	if (append_guests(run, &n, words, words + len, err) < 0)
		return -1;
	find_own_file(run);
	return 0;
}

static void free_argv(struct run *run)
{
	for (size_t i = 0; run->argv[i] != NULL; i++)
		free(run->argv[i]);
}

#define ARGV_DOMID 3

static int set_domid(struct run *run, uint16_t domid, struct error *err)
{
	char text[8];

	(void)snprintf(text, sizeof(text), "%u", domid);
	free(run->argv[ARGV_DOMID]);
	run->argv[ARGV_DOMID] = strdup(text);
	return run->argv[ARGV_DOMID] != NULL ? 0 : error_set(err, "out of memory");
}

/* One process ---------------------------------------------------------------------------------- */

/* A session and what it needs of the host. */
struct scene {
	struct twin twin;
	struct session session;
	struct facts facts;
	struct listeners listeners;
	bool running; /* it has told that it runs, and the twin is unpaused */
};

static void scene_end(struct scene *scene)
{
	session_end(&scene->session);
	twin_end(&scene->twin);
	close_fdp(&scene->listeners.inet);
	close_fdp(&scene->listeners.abstract);
}

static int start_session(struct run *run, struct scene *scene, enum where where, struct error *err)
{
	char *control_argv[] = {(char *)(uintptr_t) "probe", NULL};
	char path[108];
	pid_t qemu;

	if (where == CONTROL)
		return session_start(&scene->session, where, control_argv, err);
	if (where == IN_PLACE)
		return set_domid(run, scene->twin.domid, err) < 0
		               ? -1
		               : session_start(&scene->session, where, run->argv, err);
	qemu = host_device_model(run->guest);
	if (qemu == 0)
		return error_set(err, "domain %u has no device model here", run->guest);
	(void)snprintf(path, sizeof(path), BATTERY_SOCKET "%u", run->guest);
	return session_join(&scene->session,
	                    run->options.socket != NULL ? run->options.socket : path, qemu, err);
}

static int scene_start(struct run *run, struct scene *scene, enum where where, struct error *err)
{
	pid_t served;

	*scene = (struct scene){.session = {.fd = -1, .log = -1}, .listeners = {-1, -1}};
	if (twin_make(&scene->twin, err) < 0)
		return -1;
	/* The guest whose plan or QEMU this is has what it has: the one to attack is another. */
	if (host_facts(&scene->twin, run->guest, &scene->facts, &scene->listeners, err) < 0 ||
	    start_session(run, scene, where, err) < 0)
		return -1;
	if (where == INSIDE)
		scene->facts.domid = run->guest;
	served = where == INSIDE ? host_device_model(run->guest) : scene->session.child;
	scene->facts.forks = where == CONTROL || run->options.forks;
	(void)snprintf(scene->facts.own_file, sizeof(scene->facts.own_file), "%s", run->own_file);
	host_find_roles(served, &scene->facts);
	return session_tell(&scene->session, &scene->facts, err);
}

/* What libxl does when QEMU has said that it runs: from then on the monitor is sealed. */
static int let_run(struct scene *scene, struct error *err)
{
	char words[256];
	bool alive;
	int r;

	if (scene->running)
		return 0;
	scene->running = true;
	r = session_order(&scene->session, ORDER_RUNNING, &alive);
	session_last_words(&scene->session, words, sizeof(words));
	if (!alive)
		return error_set(err, "the launch failed: %s", words);
	if (r != 0)
		return error_set(err, "the battery cannot say that it runs: %s", outcome_name(r));
	return twin_unpause(&scene->twin, err);
}

/* All of them ---------------------------------------------------------------------------------- */

static bool kills(const struct attempt *a)
{
	return a->refused[0] == OUTCOME_KILLED;
}

/* The three passes: what must come before sealing, what comes after it, what kills. */
enum pass {
	BEFORE_SEALING,
	AFTER_SEALING,
	KILLING,
	PASSES
};

static bool in_pass(const struct attempt *a, enum pass pass)
{
	if (kills(a))
		return pass == KILLING;
	return pass == ((a->flags & EARLY) != 0 ? BEFORE_SEALING : AFTER_SEALING);
}

static bool left_out(enum where where, bool forks, const struct attempt *a)
{
	return where == INSIDE && !forks && (kills(a) || (a->flags & (EARLY | PLACE_ONLY)) != 0);
}

/* One attempt in a scene that lives; starts another if it is gone. */
static int try_one(struct run *run, struct scene *scene, enum where where, bool *live,
                   enum pass pass, size_t index, int *ret, struct error *err)
{
	const struct group *group;
	const struct attempt *a = attempt_get(index, &group);
	size_t logged;

	if (!*live) {
		if (scene_start(run, scene, where, err) < 0)
			return -1;
		*live = true;
	}
	if (where == IN_PLACE && pass != BEFORE_SEALING && let_run(scene, err) < 0)
		return -1;
	logged = session_log_size(&scene->session);
	*ret = session_order(&scene->session, (uint32_t)index, live);
	if (session_interrupted)
		return error_set(err, "interrupted");
	if ((a->flags & LOG_GROWTH) != 0 && *ret == 0)
		*ret = session_log_size(&scene->session) - logged > a->arg[0] ? 0 : EDQUOT;
	if (!*live)
		scene_end(scene);
	return 0;
}

/* Runs the battery in one place; outcomes[i] for each attempt. */
static int run_all(struct run *run, enum where where, int *outcomes, struct error *err)
{
	const bool forks = where == CONTROL || run->options.forks;
	const struct group *group;
	const struct attempt *a;
	struct scene scene = {.session = {.fd = -1, .log = -1}, .listeners = {-1, -1}};
	bool live = false;
	int r = 0;

	for (enum pass pass = BEFORE_SEALING; pass < PASSES && r == 0; pass++) {
		for (size_t i = 0; (a = attempt_get(i, &group)) != NULL && r == 0; i++) {
			if (!in_pass(a, pass))
				continue;
			if (!report_wanted(run->options.only, group, a) ||
			    left_out(where, forks, a))
				outcomes[i] = OUTCOME_LEFT_OUT;
			else
				r = try_one(run, &scene, where, &live, pass, i, &outcomes[i], err);
		}
	}
	scene_end(&scene);
	return r;
}

static int measure(struct run *run, struct result *results, struct error *err)
{
	const size_t n = attempt_count();
	int *outcomes = calloc(n, sizeof(*outcomes));
	int r = outcomes != NULL ? 0 : error_set(err, "out of memory");

	if (r == 0)
		r = run_all(run, CONTROL, outcomes, err);
	for (size_t i = 0; r == 0 && i < n; i++)
		results[i].control = results[i].outcome = outcomes[i];
	if (r == 0 && run->where != CONTROL) {
		r = run_all(run, run->where, outcomes, err);
		for (size_t i = 0; r == 0 && i < n; i++)
			results[i].outcome = outcomes[i];
	}
	free(outcomes);
	return r;
}

/* Commands ------------------------------------------------------------------------------------- */

static int parse(const struct command *self, int argc, char *argv[], struct options *ret)
{
	static const struct option options[] = {
	        {"domain", required_argument, NULL, 'd'}, {"json", required_argument, NULL, 'j'},
	        {"only", required_argument, NULL, 'o'},   {"tap", no_argument, NULL, 't'},
	        {"socket", required_argument, NULL, 's'}, {"unconfined", no_argument, NULL, 'u'},
	        {"list", no_argument, NULL, 'l'},         {0},
	};
	int c;

	*ret = (struct options){0};
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'd':
			ret->domain = optarg;
			break;
		case 'j':
			ret->json = optarg;
			break;
		case 'o':
			ret->only = optarg;
			break;
		case 's':
			ret->socket = optarg;
			break;
		case 't':
			ret->tap = true;
			break;
		case 'l':
			ret->list = true;
			break;
		case 'u':
			ret->forks = true;
			break;
		default:
			return cli_usage(self);
		}
	}
	if (optind < argc && self->sub != NULL && strcmp(self->sub, "inside") == 0)
		ret->domain = argv[optind++];
	return optind == argc ? CLI_OK : cli_usage(self);
}

static int print(const struct run *run, const struct result *results)
{
	struct outcome_counts total;

	if (run->options.tap)
		report_tap(results);
	if (run->options.json != NULL && report_json(run->options.json, run->where, results) < 0)
		return cli_error("%s: cannot be written", run->options.json);
	if (run->where == CONTROL)
		return CLI_OK;
	if (run->options.tap)
		(void)fflush(stdout);
	total = report_summary(results);
	return total.escaped == 0 ? CLI_OK : CLI_FINDINGS;
}

static void on_signal(int number)
{
	(void)number;
	session_interrupted = true;
}

/* So that no domain is left behind. No SA_RESTART: poll() has to end. */
static void catch_signals(void)
{
	const struct sigaction stop = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};

	(void)sigaction(SIGINT, &stop, NULL);
	(void)sigaction(SIGTERM, &stop, NULL);
	(void)sigaction(SIGHUP, &stop, NULL);
	(void)sigaction(SIGPIPE, &ignore, NULL);
}

static int run_battery(const struct command *self, enum where where, int argc, char *argv[])
{
	struct run run = {.where = where};
	struct result *results;
	struct error err;
	int r = parse(self, argc, argv, &run.options);

	if (r != CLI_OK)
		return r;
	if (run.options.list)
		return report_list(run.options.only), CLI_OK;
	if (geteuid() != 0)
		return cli_error("the battery's control is root: run this as root");
	if (where == INSIDE && run.options.domain == NULL)
		return cli_usage(self);
	if (run.options.domain != NULL &&
	    host_find_domain(run.options.domain, &run.guest, &err) < 0)
		return cli_error("%s", err.msg);
	if (make_argv(&run, &err) < 0) {
		free_argv(&run);
		return cli_error("%s", err.msg);
	}
	catch_signals();
	results = calloc(attempt_count(), sizeof(*results));
	if (results == NULL)
		r = cli_error("out of memory");
	else
		r = measure(&run, results, &err) < 0 ? cli_error("%s", err.msg)
		                                     : print(&run, results);
	free(results);
	free_argv(&run);
	return r;
}

static int do_run(const struct command *self, int argc, char *argv[])
{
	return run_battery(self, IN_PLACE, argc, argv);
}

static int do_inside(const struct command *self, int argc, char *argv[])
{
	return run_battery(self, INSIDE, argc, argv);
}

static int do_control(const struct command *self, int argc, char *argv[])
{
	return run_battery(self, CONTROL, argc, argv);
}

static int do_list(const struct command *self, int argc, char *argv[])
{
	(void)argv;
	if (argc != 1)
		return cli_usage(self);
	report_list(NULL);
	return CLI_OK;
}

static const struct command commands[] = {
        {"probe", "run", "[--domain NAME|DOMID] [--only GLOB] [--list] [--tap] [--json FILE]",
         "attack from QEMU's place, as the launcher confines it", do_run},
        {"probe", "inside", "[--only GLOB] [--list] [--tap] [--json FILE] NAME|DOMID",
         "attack from inside of a live QEMU that has the probe library", do_inside},
        {"probe", "control", "[--only GLOB] [--list] [--json FILE]",
         "attack as root, unconfined: what the others are compared with", do_control},
        {"probe", "list", "", "list the attempts", do_list},
};

static int help(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		(void)fprintf(stderr, "usage: qemu-depriv probe %s %s\n      %s\n", commands[i].sub,
		              commands[i].usage, commands[i].summary);
	return CLI_ERROR;
}

static int dispatch(int argc, char *argv[])
{
	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].sub, argv[1]) == 0)
			return commands[i].run(&commands[i], argc - 1, argv + 1);
	return help();
}

int main(int argc, char *argv[])
{
	int r = dispatch(argc, argv);

	/* A result that nobody could read is none. */
	if (fflush(stdout) != 0 || ferror(stdout) != 0)
		return cli_error("cannot write to standard output");
	return r;
}
