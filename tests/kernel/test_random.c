// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What holds for every policy, tried with random ones:
 *   what was applied needs no change; from A to B leads where B alone leads; down leads back to the
 *   state before, with what others have there.
 *
 *   test_random [--count N] [--seed N] [TEST...]	N policies (200); the seed of the first four
 *   test_random --print N				the text of policies that are drawn from seed N
 *
 * Four policies are a case: in one network namespace each follows the other, in a second one each is
 * alone. A case that fails is made as small as it gets, and told with its seed.
 */
#include "kt.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cmd/session.h"
#include "cmd/transaction.h"
#include "tests/feature.h"
#include "tests/random_policy.h"
#include "tests/tc_view.h"

enum { POLICIES = 4, SHRINK_TRIES = 2000, SHRINK_S = 60, FAULT_BYTES = 16 * 1024 };

static unsigned int count = 200;
static uint64_t first_seed = 1;
static struct random_kernel kernel;

static const char *const links[] = { "wan0", "lan0", "old0", NULL };
/* A quarter of the links have what weir takes by itself: that the kernel verifies its programs takes an
 * emulated processor longer than all else. */
static const char *const classifiers[] = { "kernel", "kernel", "kernel", NULL };

/* ---- where it happens ---- */

/* A network namespace and what is in it before weir comes. */
struct place {
	int ns;
	char *before;
};

enum { CHAIN, ALONE, PLACES };
static struct place places[PLACES];

static void enter(const struct place *place)
{
	MUST(!setns(place->ns, CLONE_NEWNET));
}

/* wan0 has a clsact with filters of somebody else's, old0 a root tree of theirs (so it takes
 * --take-over), far0 is none of weir's business. No others: every link is looked at each time. */
static const char setup_links[] =
	"link add wan0 type veth peer name lan0\n"
	"link add old0 type veth peer name far0\n"
	"link set lo up\nlink set wan0 up\nlink set lan0 up\nlink set old0 up\nlink set far0 up\n";
static const char setup_tc[] =
	"qdisc add dev wan0 clsact\n"
	"filter add dev wan0 ingress protocol ip prio 100 u32 match ip src 198.51.100.0/24 action mirred egress redirect dev far0\n"
	"filter add dev wan0 egress protocol all prio 40000 u32 match u32 0 0 action mirred egress mirror dev far0\n"
	"qdisc add dev old0 root handle 1: htb default 20\n"
	"class add dev old0 parent 1: classid 1:1 htb rate 10mbit\n"
	"class add dev old0 parent 1:1 classid 1:10 htb rate 4mbit ceil 10mbit prio 1\n"
	"class add dev old0 parent 1:1 classid 1:20 htb rate 6mbit quantum 3000\n"
	"qdisc add dev old0 parent 1:10 handle 10: bfifo limit 33333\n"
	"filter add dev old0 parent 1: protocol ip prio 3 u32 match ip dport 53 0xffff flowid 1:10\n"
	"qdisc add dev far0 root handle 5: htb default 5\n"
	"class add dev far0 parent 5: classid 5:5 htb rate 1mbit\n"
	"qdisc add dev far0 clsact\n"
	"filter add dev far0 ingress protocol ip prio 7 u32 match ip dst 203.0.113.0/24 action mirred egress redirect dev wan0\n";

static void set_up(struct place *place)
{
	FILE *f;

	MUST(!unshare(CLONE_NEWNET));
	f = fopen("/proc/sys/net/ipv6/conf/default/disable_ipv6", "w");
	if (f) {
		fputs("1\n", f);
		fclose(f);
	}
	f = popen("ip -batch -", "w");
	MUST(f && fputs(setup_links, f) >= 0 && !pclose(f));
	f = popen("tc -batch -", "w");
	MUST(f && fputs(setup_tc, f) >= 0 && !pclose(f));
	place->ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	MUST(place->ns >= 0);
	place->before = tc_view(true);
	MUST(place->before);
}

/* ---- one step: what the commands do, in this process ---- */

/* Why a case failed; the first reason stays. */
struct fault {
	bool invalid;		/* no failure: the kernel or the language has not got it */
	char text[FAULT_BYTES];
};

static bool give_up(struct fault *fault, const char *what, const char *why, const char *more)
{
	if (!fault->text[0])
		snprintf(fault->text, sizeof(fault->text), "%s: %s%s", what, why, more);
	return false;
}

enum step { STEP_APPLY, STEP_PLAN, STEP_DOWN };

static int run_session(struct ctx *ctx, struct session *s, const struct args *args, enum step step,
		       struct fault *fault)
{
	int err = args->file ? session_open_file(ctx, args, true, s) : session_open(ctx, args, true, s);

	if (err) {
		fault->invalid = args->file && err == -EINVAL;
		return err;
	}
	s->probe = kernel.probe;
	err = session_plan(s);
	if (err == -EOPNOTSUPP && step == STEP_APPLY)
		fault->invalid = true;
	if (!err && step != STEP_PLAN)
		err = transaction_run(s);
	return err;
}

static bool take_step(const char *file, enum step step, struct fault *fault)
{
	static const char *const names[] = { "apply", "plan after apply", "down" };
	struct args args = { .file = file, .take_over = true };
	struct session s = { .lock = -1 };
	struct ctx ctx;
	char text[128];
	int err;

	ctx_init(&ctx);
	ctx.messages = fopen("/dev/null", "w");
	err = run_session(&ctx, &s, &args, step, fault);
	if (err)
		give_up(fault, names[step], ctx.error ? ctx.error : strerror(-err), "");
	else if (step == STEP_PLAN && s.ops.count)
		give_up(fault, names[step], "there is still something to change: ",
			op_object_text(s.ops.first, text, sizeof(text)));
	session_close(&s);
	fclose(ctx.messages);
	ctx_fini(&ctx);
	return !fault->text[0];
}

/* Takes both views. */
static bool same_view(struct fault *fault, const char *what, char *view, char *wanted, bool free_wanted)
{
	char *diff = NULL;

	if (!view || !wanted)
		give_up(fault, what, "tc could not be asked", "");
	else if (strcmp(view, wanted)) {
		diff = tc_view_diff(wanted, view);
		give_up(fault, what, "is not what it should be (- should, + is)\n", diff ? diff : "");
	}
	free(diff);
	free(view);
	if (free_wanted)
		free(wanted);
	return !fault->text[0];
}

/* ---- a case ---- */

static void write_policy(const char *path, struct choices *c)
{
	FILE *f = fopen(path, "w");

	MUST(f);
	random_policy(f, c, &kernel);
	MUST(!fclose(f));
}

static bool apply_both(const char *file, struct fault *fault)
{
	int i;

	for (i = 0; i < PLACES; i++) {
		enter(&places[i]);
		if (!take_step(file, STEP_APPLY, fault) || !take_step(file, STEP_PLAN, fault))
			return false;
	}
	return true;
}

static bool down(const struct place *place, const char *what, struct fault *fault)
{
	enter(place);
	return take_step(NULL, STEP_DOWN, fault) &&
	       same_view(fault, what, tc_view(true), place->before, false);
}

static bool run_case(struct choices *c, struct fault *fault)
{
	const char *file = "/run/policy.conf";
	unsigned int n = 1 + choose(c, POLICIES), i;
	char *chained;

	for (i = 0; i < n; i++) {
		write_policy(file, c);
		if (!apply_both(file, fault))
			return false;
		if (i) {
			enter(&places[CHAIN]);
			chained = tc_view(false);
			enter(&places[ALONE]);
			if (!same_view(fault, "the state after the policies before it", chained,
				       tc_view(false), true))
				return false;
		}
		if (!down(&places[ALONE], "the state after down", fault))
			return false;
	}
	return down(&places[CHAIN], "the state after the policies and down", fault);
}

/* In a process of its own, with new namespaces: false when it failed. */
static bool try_case(struct choices *c, struct fault *fault)
{
	struct { struct choices c; struct fault fault; } *shared;
	int fds[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	shared = calloc(1, sizeof(*shared));
	MUST(shared && !pipe(fds));
	pid = fork();
	if (pid == 0) {
		shared->c = *c;
		set_up(&places[CHAIN]);
		set_up(&places[ALONE]);
		run_case(&shared->c, &shared->fault);
		for (len = 0; len < sizeof(*shared) &&
		     (n = write(fds[1], (char *)shared + len, sizeof(*shared) - len)) > 0; len += (size_t)n)
			;
		_exit(0);
	}
	close(fds[1]);
	while (len < sizeof(*shared) &&
	       (n = read(fds[0], (char *)shared + len, sizeof(*shared) - len)) > 0)
		len += (size_t)n;
	close(fds[0]);
	waitpid(pid, &status, 0);
	if (len < sizeof(*shared))
		snprintf(shared->fault.text, sizeof(shared->fault.text), "the process ended early: status %d",
			 status);
	else
		*c = shared->c;
	*fault = shared->fault;
	free(shared);
	return !fault->text[0];
}

struct failing {
	struct fault *fault;
	time_t until;
};

static bool case_fails(void *arg, struct choices *c)
{
	static struct fault now;
	struct failing *failing = arg;

	if (time(NULL) > failing->until || try_case(c, &now) || now.invalid)
		return false;
	*failing->fault = now;
	return true;
}

static void print_case(FILE *f, struct choices *c)
{
	unsigned int n, i;

	c->at = 0;
	n = 1 + choose(c, POLICIES);
	for (i = 0; i < n; i++) {
		fprintf(f, "# policy %u of %u\n", i + 1, n);
		random_policy(f, c, &kernel);
	}
}

static void report_case(uint64_t seed, struct choices *c, struct fault *fault)
{
	struct failing failing = { fault, time(NULL) + SHRINK_S };
	unsigned int tries;
	char *text = NULL;
	size_t len = 0;
	FILE *f;

	if (try_case(c, fault))
		snprintf(fault->text, sizeof(fault->text), "not so when it was tried once more, by itself");
	tries = choices_shrink(c, SHRINK_TRIES, case_fails, &failing);
	f = open_memstream(&text, &len);
	MUST(f);
	print_case(f, c);
	fclose(f);
	kt_fail(__FILE__, __LINE__, "seed %llu (--count 1 --seed %llu), shrunk in %u tries: %s\n%s",
		(unsigned long long)seed, (unsigned long long)seed, tries, fault->text, text);
	free(text);
}

/* ---- the tests ---- */

static void look_around(void)
{
	alarm(0);	/* scripts know how long a program may take */
	kernel.links = links;
	kernel.classifiers = classifiers;
	kernel.version = kt_version();
	MUST(!kernel_probe(&kt_ctx, &kernel.probe));
	MUST(kernel.probe.done);
	MUST(system("mkdir -p -m 700 /run/weir") == 0);
}

/* Policies of every kind were seen to work. */
static void tell_features(void)
{
	feature("Classes and links", "egress: htb", true);
	feature("Classes and links", "ingress: clsact and ifb", true);
	feature("Actions", "connmark", probe_has(&kernel.probe, kind_find(KIND_ACTION, "connmark")));
	feature("Filters", "u32: mark", probe_can(&kernel.probe, FEATURE_U32_MARK));
	feature("Filters", "flower: port ranges", probe_can(&kernel.probe, FEATURE_FLOWER_PORT_RANGE));
}

static void policies(void)
{
	unsigned int done = 0, invalid = 0;
	static struct choices c;
	static struct fault fault;
	uint64_t seed;

	look_around();
	set_up(&places[CHAIN]);
	set_up(&places[ALONE]);
	for (seed = first_seed; done < count; seed++) {
		choices_seed(&c, seed);
		memset(&fault, 0, sizeof(fault));
		if (!run_case(&c, &fault) && !fault.invalid) {
			fprintf(stderr, "# seed %llu: %s\n", (unsigned long long)seed, fault.text);
			c.replay = true;
			c.at = 0;
			report_case(seed, &c, &fault);
			return;
		}
		if (fault.invalid) {
			fprintf(stderr, "# seed %llu: %s\n", (unsigned long long)seed, fault.text);
			invalid++;
			down(&places[CHAIN], "", &fault);
			down(&places[ALONE], "", &fault);
		}
		done += 1 + c.v[0];
	}
	CHECK(invalid <= count / 50);
	tell_features();
}

/* Shrinking finds the one thing that matters, whatever the seed. */
static bool has_a_nested_bfifo(void *arg, struct choices *c)
{
	char *text = NULL, *class;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	bool found;

	(void)arg;
	MUST(f);
	random_policy(f, c, &kernel);
	fclose(f);
	class = strstr(text, "    class ");
	found = class && strstr(class, "queue bfifo");
	free(text);
	return found;
}

static void shrinking(void)
{
	static struct choices c;
	char *text = NULL;
	size_t len = 0;
	uint64_t seed;
	FILE *f;

	look_around();
	for (seed = 1; ; seed++) {
		choices_seed(&c, seed);
		if (has_a_nested_bfifo(NULL, &c))
			break;
	}
	choices_shrink(&c, 20000, has_a_nested_bfifo, NULL);
	f = open_memstream(&text, &len);
	MUST(f);
	random_policy(f, &c, &kernel);
	fclose(f);
	CHECK_STR(text, "link wan0 {\n  egress rate 1000kbit {\n    class a rate 300kbit queue bfifo limit 1mb "
			"{ match dport 1; }\n  }\n}\n");
	free(text);
}

static int print_seed(uint64_t seed)
{
	static struct choices c;

	ctx_init(&kt_ctx);
	kernel.links = links;
	kernel.classifiers = classifiers;
	kernel.version = kt_version();
	if (kernel_probe(&kt_ctx, &kernel.probe))
		return 1;
	choices_seed(&c, seed);
	random_policy(stdout, &c, &kernel);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct kt_test tests[] = {
		{ "policies", policies }, { "shrinking", shrinking },
	};

	for (; argc > 2 && !strncmp(argv[1], "--", 2); argc -= 2, argv += 2) {
		if (!strcmp(argv[1], "--count"))
			count = (unsigned int)strtoul(argv[2], NULL, 10);
		else if (!strcmp(argv[1], "--seed"))
			first_seed = strtoull(argv[2], NULL, 10);
		else if (!strcmp(argv[1], "--print"))
			return print_seed(strtoull(argv[2], NULL, 10));
		else
			return 2;
	}
	return kt_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
