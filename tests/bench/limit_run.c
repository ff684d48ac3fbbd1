// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * limit_run.c - limits by themselves, for the benchmarks: weir's programs, which are pinned, and the naive
 * bucket (naive.h) beside them. Needs root. CGROUP is the folder of the cgroup that this runs in.
 *
 *   limit_run attach CGROUP up|down BYTES BURST_MS     the naive bucket at a cgroup, BYTES a second;
 *                                               prints "ready", and it lasts as long as the program
 *   limit_run cost CGROUP PROGRAM N             ns a packet that passes, by the kernel's repetition of it
 *                                               (bpf_prog_test_run), the median of 15. PROGRAM: weir,
 *                                               naive, or in-place, which is naive.h's; N: limits
 *                                               that there are (0: one, not the packet's), for naive
 *   limit_run contend CGROUP PROGRAM BYTES      a thread a processor ask the one bucket of BYTES a
 *                                               second as fast as they can: what passed in a second, in
 *                                               percent of the rate, and what was asked for, in percent
 *
 * weir's limit is one on the uploads of the user 0, and set before; bursts are of two seconds.
 */
#include "tests/bench/bench.h"
#include "tests/bench/naive.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "host/limit_pins.h"

enum {
	RUNS = 15, REPEAT = 100000, REPEAT_WHILE_CONTENDING = 10000,
	FRAME_BYTES = 14 + 1000, IP_BYTES = 1000, MAX_THREADS = 64,
	SETTLE_US = 2500000, MEASURE_US = 1000000, AT_ONE_GO_NS = 100000,
};

/* A bucket: weir's counters when naive is NULL. */
struct bucket {
	struct naive *naive;
	int program, counts;
};

static int run_program(int program, uint32_t repeat, uint32_t *ns)
{
	uint8_t frame[FRAME_BYTES] = { [12] = 8, [14] = 0x45, [17] = IP_BYTES & 255,
				       [16] = IP_BYTES >> 8, [22] = 64, [23] = 17,
				       [26] = 192, [29] = 1, [30] = 198, [31] = 51, [32] = 100 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = repeat);
	int err = bpf_prog_test_run_opts(program, &opts);

	if (ns)
		*ns = opts.duration;
	return err ? err : (int)opts.retval;
}

static uint64_t cgroup_id(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_ino;
}

/* ---- what is measured */

static int open_weir(struct bucket *b)
{
	struct bpf_link_info info = { 0 };
	uint32_t len = sizeof(info);
	int link = bpf_obj_get(LIMIT_PINS "/weir_limit_out");

	b->counts = bpf_obj_get(LIMIT_PINS "/weir_counts");
	if (link < 0 || b->counts < 0 || bpf_obj_get_info_by_fd(link, &info, &len))
		return -1;
	b->program = bpf_prog_get_fd_by_id(info.prog_id);
	close(link);
	return b->program < 0 ? -1 : 0;
}

static int open_naive(struct bucket *b, const char *cgroup, bool in_place, uint64_t bytes,
		      unsigned long n)
{
	struct naive_limit limit = {
		.rate_bytes = { bytes, bytes }, .burst_bytes = { 2 * bytes, 2 * bytes },
	};
	unsigned long i;

	b->naive = naive_load(in_place);
	if (!b->naive)
		return -1;
	b->program = naive_program(b->naive, NAIVE_EGRESS);
	for (i = 1; i < n + !n; i++)
		if (naive_limit(b->naive, i, &limit))	/* cgroups of nobody: the root has 1 */
			return -1;
	return n && naive_limit(b->naive, cgroup_id(cgroup), &limit) ? -1 : 0;
}

static int open_bucket(struct bucket *b, const char *cgroup, const char *program, uint64_t bytes,
		       unsigned long n)
{
	*b = (struct bucket){ .naive = NULL };
	return !strcmp(program, "weir") ? open_weir(b) :
	       open_naive(b, cgroup, !strcmp(program, "in-place"), bytes, n);
}

static uint64_t passed(const struct bucket *b)
{
	struct limit_key key = { .kind = LIMIT_KIND_USER };
	int cpus = libbpf_num_possible_cpus(), cpu;
	struct limit_counts *counts;
	uint64_t sum = 0;

	if (b->naive)
		return naive_passed(b->naive, NAIVE_EGRESS);
	counts = cpus > 0 ? calloc((size_t)cpus, sizeof(*counts)) : NULL;
	if (counts && !bpf_map_lookup_elem(b->counts, &key, counts))
		for (cpu = 0; cpu < cpus; cpu++)
			sum += counts[cpu].side[LIMIT_EGRESS].bytes;
	free(counts);
	return sum;
}

/* ---- attach */

static int attach(char **argv)
{
	int way = !strcmp(argv[1], "down") ? NAIVE_INGRESS : NAIVE_EGRESS;
	int fd = open(argv[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct naive_limit limit = { 0 };
	unsigned long bytes, burst_ms;
	struct naive *n;

	if (!parse(argv[2], 1, UINT32_MAX, &bytes) || !parse(argv[3], 1, 100000, &burst_ms))
		return 2;
	limit.rate_bytes[way] = bytes;
	limit.burst_bytes[way] = bytes * burst_ms / 1000;
	n = fd < 0 ? NULL : naive_load(false);
	if (!n || naive_limit(n, cgroup_id(argv[0]), &limit) || naive_attach(n, fd))
		return give_up("limit_run attach");
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}

/* ---- cost */

static int order(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int cost(char **argv)
{
	uint32_t ns[RUNS];
	struct bucket b;
	unsigned long n;
	unsigned int i;

	if (!parse(argv[2], 0, NAIVE_ENTRIES, &n))
		return 2;
	if (open_bucket(&b, argv[0], argv[1], UINT64_C(125000000000), n))
		return give_up("limit_run cost");
	for (i = 0; i < RUNS; i++)
		if (run_program(b.program, REPEAT, &ns[i]) != 1)
			return give_up("limit_run cost: the packet does not pass");
	qsort(ns, RUNS, sizeof(*ns), order);
	printf("%u\n", ns[RUNS / 2]);
	if (b.naive)
		naive_free(b.naive);
	return 0;
}

/* ---- contend */

struct asker {
	pthread_t thread;
	int program, cpu;
	volatile bool end;
	volatile uint64_t bytes;
};

static void *ask(void *arg)
{
	struct asker *a = arg;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(a->cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	while (!a->end && run_program(a->program, REPEAT_WHILE_CONTENDING, NULL) >= 0)
		a->bytes += (uint64_t)REPEAT_WHILE_CONTENDING * IP_BYTES;
	return NULL;
}

static uint64_t asked(const struct asker *askers, int n)
{
	uint64_t sum = 0;

	while (n--)
		sum += askers[n].bytes;
	return sum;
}

struct sample {
	uint64_t time_ns, cpu_ns, passed, asked;
};

/* Whether the threads had the processors for nearly all of the time: what nobody asked for while others
 * ran is no fault of the bucket's. */
static bool was_busy(const struct sample *from, const struct sample *to, int n)
{
	return to->cpu_ns - from->cpu_ns > (to->time_ns - from->time_ns) * (uint64_t)n * 9 / 10;
}

/* The processors are busy: once more when it was not done at one go. */
static struct sample take(const struct bucket *b, const struct asker *askers, int n)
{
	struct sample s;
	unsigned int tries = 1000;
	uint64_t ns;

	do {
		s.cpu_ns = bench_ns(CLOCK_PROCESS_CPUTIME_ID);
		s.time_ns = now_ns();
		s.passed = passed(b);
		s.asked = asked(askers, n);
		ns = now_ns() - s.time_ns;
	} while (ns > AT_ONE_GO_NS && --tries);
	return s;
}

static int contend(char **argv)
{
	static struct asker askers[MAX_THREADS];
	struct sample from, to;
	unsigned long rate;
	struct bucket b;
	unsigned int tries = 5;
	double whole;
	int n, i;

	n = (int)sysconf(_SC_NPROCESSORS_ONLN);
	n = n < MAX_THREADS ? n : MAX_THREADS;
	if (!parse(argv[2], 1, UINT64_C(1000000000000), &rate))
		return 2;
	if (open_bucket(&b, argv[0], argv[1], rate, 1))
		return give_up("limit_run contend");
	for (i = 0; i < n; i++) {
		askers[i] = (struct asker){ .program = b.program, .cpu = i };
		if (pthread_create(&askers[i].thread, NULL, ask, &askers[i]))
			return give_up("limit_run contend");
	}
	do {
		usleep(SETTLE_US);	/* the burst is gone */
		from = take(&b, askers, n);
		usleep(MEASURE_US);
		to = take(&b, askers, n);
	} while (!was_busy(&from, &to, n) && --tries);
	for (i = 0; i < n; i++)
		askers[i].end = true;
	for (i = 0; i < n; i++)
		pthread_join(askers[i].thread, NULL);
	whole = (double)rate * (double)(to.time_ns - from.time_ns) / 1e9;
	printf("%.3f %.0f\n", (double)(to.passed - from.passed) * 100 / whole,
	       (double)(to.asked - from.asked) * 100 / whole);
	if (b.naive)
		naive_free(b.naive);
	return 0;
}

static int say_nothing(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level, (void)fmt, (void)ap;
	return 0;
}

int main(int argc, char **argv)
{
	int status = 2;

	libbpf_set_print(say_nothing);
	if (argc == 6 && !strcmp(argv[1], "attach"))
		status = attach(argv + 2);
	else if (argc == 5 && !strcmp(argv[1], "cost"))
		status = cost(argv + 2);
	else if (argc == 5 && !strcmp(argv[1], "contend"))
		status = contend(argv + 2);
	if (status == 2)
		fputs("usage: limit_run attach CGROUP up|down BYTES BURST_MS\n"
		      "       limit_run cost CGROUP weir|naive|in-place N\n"
		      "       limit_run contend CGROUP weir|naive|in-place BYTES\n", stderr);
	return status;
}
