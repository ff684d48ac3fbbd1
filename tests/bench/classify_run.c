// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * classify_run - what the BPF classifier costs by itself: ns a packet under the kernel's own
 * repetition of one packet (bpf_prog_test_run), the median of 15 packets; and how long it takes to
 * compile and to load a set. Prints lines
 *
 *	rules N ns NS compile_us US load_us US
 *	prefixes N ns NS compile_us US load_us US
 *	hosts N ns NS compile_us US load_us US
 *
 * Rules are mixed: prefixes, port ranges and DSCP; prefixes are IPv4's of 24 to 32 bits, as an access
 * list has them; hosts are IPv4 addresses, as subscribers have. Needs root.
 */
#include "tests/bench/bench.h"

#include <string.h>

#include "kernel/bpf.h"
#include "plan/ruleset.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

enum { PACKETS = 15, REPEAT = 200000 };

struct bench {
	struct ctx ctx;
	struct arena arena;
	struct rule *rules;
	unsigned int n;
};

static uint32_t random32(void)
{
	return (uint32_t)rand() << 16 ^ (uint32_t)rand();
}

static struct prefix *new_prefix(struct bench *b, uint32_t addr, uint8_t bits)
{
	struct prefix *p = arena_alloc(&b->arena, sizeof(*p));

	addr &= UINT32_MAX << (32 - bits);
	p->bits = bits;
	p->addr[0] = (uint8_t)(addr >> 24);
	p->addr[1] = (uint8_t)(addr >> 16);
	p->addr[2] = (uint8_t)(addr >> 8);
	p->addr[3] = (uint8_t)addr;
	return p;
}

static struct match *new_match(struct bench *b, unsigned int i)
{
	struct match *m = arena_alloc(&b->arena, sizeof(*m));
	unsigned int port = 1024 + i * 37 % 60000;

	b->rules[i] = (struct rule){ .match = m, .classid = 0x77e00010 + i % 60000, .what = "bench" };
	m->proto = 17;
	m->sport = m->dport = arena_alloc(&b->arena, sizeof(*m->dport));
	m->dport[0] = (struct range){ (uint16_t)port, (uint16_t)(port + 20) };
	return m;
}

static void mixed_rules(struct bench *b)
{
	struct match *m;
	unsigned int i;

	for (i = 0; i < b->n; i++) {
		m = new_match(b, i);
		m->set = i % 3 == 2 ? MATCH_PROTO | MATCH_TO | MATCH_DSCP :
			 i % 3 ? MATCH_PROTO | MATCH_DPORT : MATCH_PROTO | MATCH_FROM | MATCH_DPORT;
		m->from = m->to = new_prefix(b, 0x0a000000 | i << 12, 20);
		m->n_from = m->n_to = m->n_sport = m->n_dport = 1;
		m->dscp = UINT64_C(3) << i % 60;
	}
}

static void random_prefixes(struct bench *b, uint8_t least)
{
	struct match *m;
	unsigned int i;

	for (i = 0; i < b->n; i++) {
		m = new_match(b, i);
		m->set = MATCH_FROM;
		m->from = new_prefix(b, random32(), (uint8_t)(least + rand() % (33 - least)));
		m->n_from = 1;
	}
}

static void prefix_rules(struct bench *b)
{
	random_prefixes(b, 24);
}

static void host_rules(struct bench *b)
{
	random_prefixes(b, 32);
}

/* UDP, mostly one that the rule is about. */
static void make_packet(const struct match *m, uint8_t frame[64])
{
	static const uint8_t head[24] = {
		2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 50, 0, 0, 0, 0, 64, 17,
	};

	memset(frame, 0, 64);
	memcpy(frame, head, sizeof(head));
	memcpy(frame + 26, m->from->addr, 4);
	memcpy(frame + 30, m->from->addr, 4);
	frame[36] = (uint8_t)(m->dport->lo >> 8);
	frame[37] = (uint8_t)m->dport->lo;
	if (m->set & MATCH_DSCP)
		frame[15] = (uint8_t)(__builtin_ctzll(m->dscp) << 2);
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static uint32_t measure(const struct bench *b, int fd)
{
	uint32_t ns[PACKETS];
	uint8_t frame[64];
	unsigned int i;

	for (i = 0; i < PACKETS; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = 64, .repeat = REPEAT);

		make_packet(b->rules[b->n ? (b->n - 1) * i / (PACKETS - 1) : 0].match, frame);
		if (bpf_prog_test_run_opts(fd, &opts))
			abort();
		ns[i] = opts.duration;
	}
	qsort(ns, PACKETS, sizeof(*ns), compare);
	return ns[PACKETS / 2];
}

static int run(const char *what, unsigned int n, void (*fill)(struct bench *b))
{
	const struct ruleset_hook hook = {
		.what = "bench", .ethernet = true, .classid = 0x77e00002, .source_hash = 1,
	};
	struct bench b = { .n = n, .rules = calloc(n + 1, sizeof(*b.rules)) };
	struct program *program;
	struct loaded *loaded;
	uint64_t start, compiled, ready;

	ctx_init(&b.ctx);
	new_match(&b, n)->from = new_prefix(&b, 0x0b000001, 32);	/* for the packets of no rules */
	fill(&b);
	start = now_ns() / 1000;
	if (ruleset_program(&b.ctx, &b.arena, &hook, b.rules, n, &program))
		return fprintf(stderr, "%s\n", b.ctx.error), 1;
	compiled = now_ns() / 1000;
	if (program_load(&b.ctx, program, "bench", &loaded))
		return fprintf(stderr, "%s\n", b.ctx.error), 1;
	ready = now_ns() / 1000;
	printf("%s %u ns %u compile_us %llu load_us %llu\n", what, n, measure(&b, program_fd(loaded)),
	       (unsigned long long)(compiled - start), (unsigned long long)(ready - compiled));
	fflush(stdout);
	program_unload(loaded);
	arena_free(&b.arena);
	free(b.rules);
	ctx_fini(&b.ctx);
	return 0;
}

int main(void)
{
	static const unsigned int rules[] = { 0, 10, 100, 1000 }, prefixes[] = { 10, 10000, 1000000 };
	unsigned int i;
	int failed = 0;

	srand(1);
	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		failed |= run("rules", rules[i], mixed_rules);
	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		failed |= run("prefixes", prefixes[i], prefix_rules);
	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		failed |= run("hosts", prefixes[i], host_rules);
	return failed;
}
