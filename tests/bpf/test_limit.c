// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Limits in the real kernel: cgroups, users, processes; real traffic on the loopback device of the
 * test's own namespace. The root of cgroup v2, as weir sees it here, is a cgroup of the test's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "host/cgroup.h"
#include "host/limit_pins.h"
#include "host/limit_plan.h"
#include "tests/bpf/limit_lab.h"
#include "tests/feature.h"
#include "tests/kernel/kt.h"

#define KBIT UINT64_C(1000)
#define MBIT UINT64_C(1000000)
#define BURST_NS UINT64_C(100000000)	/* more than the pauses of the lab's senders */

static const struct backend *const ebpf = &backend_ebpf;

static void set_wish(struct limit_wish wish)
{
	CHECK_INT(ebpf->set(&kt_ctx, &wish, 1, LIMIT_WAY_EGRESS | LIMIT_WAY_INGRESS), 0);
	lab_remember();
}

static struct limit_wish upload(enum limit_subject subject, const char *name, uint64_t rate_bit,
				uint64_t burst_ns)
{
	return (struct limit_wish){
		.subject = subject, .name = name,
		.side[LIMIT_EGRESS] = { .set = true, .rate_bit = rate_bit, .burst_ns = burst_ns },
	};
}

static struct limit_wish download(enum limit_subject subject, const char *name, uint64_t rate_bit,
				  uint64_t burst_ns)
{
	return (struct limit_wish){
		.subject = subject, .name = name,
		.side[LIMIT_INGRESS] = { .set = true, .rate_bit = rate_bit, .burst_ns = burst_ns },
	};
}

static struct limit_key key_of(enum limit_subject subject, const char *name)
{
	struct limit_key key;
	int level;

	MUST(!limit_resolve(&kt_ctx, subject, name, &key, &level));
	return key;
}

/* The report of a limit; must be there. Kept until the next one. */
static struct limit_report report_of(struct limit_key key)
{
	static struct limit_list list;
	const struct limit_report *r;

	limit_list_free(&list);
	MUST(!ebpf->list(&kt_ctx, &list));
	r = limit_list_find(&list, key);
	MUST(r);
	return *r;
}

static size_t how_many(void)
{
	struct limit_list list = { 0 };
	size_t n;

	MUST(!ebpf->list(&kt_ctx, &list));
	n = list.n;
	limit_list_free(&list);
	return n;
}

static void remove_all(void)
{
	CHECK_INT(ebpf->remove(&kt_ctx, NULL, LIMIT_WAY_EGRESS | LIMIT_WAY_INGRESS), 0);
}

/* ---- packets by hand ---- */

static void counts_are_exact(void)
{
	struct limit_key key;
	struct limit_report r;
	struct limit_count *c;

	lab_begin();
	set_wish(upload(LIMIT_CGROUP, "/", 8 * KBIT, 10000000000));	/* 10,000 bytes, then one a ms */
	key = key_of(LIMIT_CGROUP, "/");
	CHECK_INT(lab_packet("weir_limit_out", "8.8.8.8", 1000, 1), 1);
	CHECK_INT(lab_packet("weir_limit_out", "8.8.8.8", 1000, 40), 2);
	r = report_of(key);
	c = &r.side[LIMIT_EGRESS].count;
	CHECK(r.side[LIMIT_EGRESS].wish.rate_bit == 8 * KBIT);
	CHECK(!r.side[LIMIT_INGRESS].wish.set);
	CHECK_INT(c->packets, 11);	/* the eleventh finds a queue of not quite the burst */
	CHECK_INT(c->bytes, 11000);
	CHECK_INT(c->dropped, 30);
	CHECK_INT(c->dropped_bytes, 30000);
	CHECK(c->notices >= 30);
	CHECK_INT(lab_packet("weir_limit_in", "8.8.8.8", 1000, 40), 1);
	r = report_of(key);
	CHECK_INT(r.side[LIMIT_INGRESS].count.packets, 0);
	remove_all();
}

static void a_change_keeps_counters_and_debt(void)
{
	struct limit_key key;

	lab_begin();
	set_wish(upload(LIMIT_CGROUP, "/", 8 * KBIT, 1000000000));
	key = key_of(LIMIT_CGROUP, "/");
	lab_packet("weir_limit_out", "8.8.8.8", 1000, 10);
	CHECK_INT(report_of(key).side[LIMIT_EGRESS].count.packets, 2);
	set_wish(upload(LIMIT_CGROUP, "/", 8 * KBIT, 1000000000));
	lab_packet("weir_limit_out", "8.8.8.8", 1000, 10);
	CHECK_INT(report_of(key).side[LIMIT_EGRESS].count.packets, 2);
	CHECK_INT(report_of(key).side[LIMIT_EGRESS].count.dropped, 18);
	set_wish(download(LIMIT_CGROUP, "/", 16 * KBIT, 1000000000));	/* the other direction stays */
	CHECK(report_of(key).side[LIMIT_EGRESS].wish.rate_bit == 8 * KBIT);
	CHECK(report_of(key).side[LIMIT_INGRESS].wish.rate_bit == 16 * KBIT);
	CHECK_INT(ebpf->remove(&kt_ctx, &key, LIMIT_WAY_EGRESS), 0);
	CHECK(!report_of(key).side[LIMIT_EGRESS].wish.set);
	CHECK_INT(lab_packet("weir_limit_out", "8.8.8.8", 1000, 10), 1);
	CHECK_INT(lab_packet("weir_limit_in", "8.8.8.8", 1000, 10), 0);
	CHECK_INT(ebpf->remove(&kt_ctx, &key, LIMIT_WAY_EGRESS | LIMIT_WAY_INGRESS), 0);
	lab_nothing_left();
}

static void sort_of_traffic(void)
{
	struct limit_wish wish = upload(LIMIT_CGROUP, "/", 8 * KBIT, 1000000);
	struct limit_count c;

	lab_begin();
	wish.side[LIMIT_INGRESS] = wish.side[LIMIT_EGRESS];
	wish.only = LIMIT_INTERNET;
	set_wish(wish);
	CHECK_INT(lab_packet("weir_limit_out", "192.168.1.1", 1000, 10), 1);
	CHECK_INT(lab_packet("weir_limit_in", "192.168.1.1", 1000, 10), 1);
	CHECK_INT(lab_packet("weir_limit_out", "8.8.8.8", 1000, 10), 2);
	CHECK_INT(lab_packet("weir_limit_in", "8.8.8.8", 1000, 10), 0);
	c = report_of(key_of(LIMIT_CGROUP, "/")).side[LIMIT_EGRESS].count;
	CHECK_INT(c.other, 10);
	CHECK_INT(c.packets, 1);
	wish.only = LIMIT_LOCAL;
	set_wish(wish);
	CHECK_INT(lab_packet("weir_limit_out", "8.8.8.8", 1000, 10), 1);
	CHECK_INT(lab_packet("weir_limit_out", "10.1.1.1", 1000, 10), 2);
	kt_sh("ip addr add 198.51.100.9/24 dev lo");	/* a network of the host's own is not the Internet */
	wish.only = LIMIT_INTERNET;
	set_wish(wish);
	CHECK_INT(lab_packet("weir_limit_out", "198.51.100.77", 1000, 10), 1);
	CHECK_INT(lab_packet("weir_limit_out", "198.51.101.77", 1000, 10), 2);
	remove_all();
}

static void block(void)
{
	struct limit_wish wish = upload(LIMIT_CGROUP, "/", 0, 0);

	lab_begin();
	wish.side[LIMIT_EGRESS].block = true;
	set_wish(wish);
	CHECK_INT(lab_packet("weir_limit_out", "8.8.8.8", 20, 1), 2);
	remove_all();
	wish.side[LIMIT_EGRESS].block = false;
	CHECK_INT(ebpf->set(&kt_ctx, &wish, 1, LIMIT_WAY_EGRESS), -EINVAL);
	CHECK_HAS(kt_ctx.error, "--block");
	ctx_clear(&kt_ctx);
	lab_nothing_left();
}

/* What a packet gave to one limit comes back when another one drops it. */
static void two_limits_of_a_packet(void)
{
	struct limit_count user, group;
	struct limit_key root, nobody;

	lab_begin();
	set_wish(upload(LIMIT_CGROUP, "/", 8 * KBIT, 20000000000));	/* 20,000 bytes */
	set_wish(upload(LIMIT_USER, "0", 8 * KBIT, 5000000000));	/* 5,000 */
	root = key_of(LIMIT_CGROUP, "/");
	nobody = key_of(LIMIT_USER, "0");
	CHECK_INT(lab_packet("weir_limit_out", "8.8.8.8", 1000, 100), 2);
	user = report_of(nobody).side[LIMIT_EGRESS].count;
	group = report_of(root).side[LIMIT_EGRESS].count;
	CHECK_INT(user.packets, 6);
	CHECK_INT(user.dropped, 94);
	CHECK_INT(group.packets, 6);
	CHECK_INT(group.bytes, 6000);
	CHECK_INT(group.dropped, 0);
	CHECK_INT(ebpf->remove(&kt_ctx, &nobody, LIMIT_WAY_EGRESS), 0);
	lab_packet("weir_limit_out", "8.8.8.8", 1000, 100);
	CHECK_INT(report_of(root).side[LIMIT_EGRESS].count.packets, 21);
	remove_all();
}

/* ---- real traffic ---- */

/* Emulated processors are slow, and do not always get to sending. */
static uint64_t scaled(uint64_t rate_bit)
{
	return lab_is_slow() ? rate_bit / 16 : rate_bit;
}

static double window(void)
{
	return lab_is_slow() ? 3.0 : 1.0;
}

static bool near(uint64_t bytes, uint64_t rate_bit)
{
	double wanted = (double)rate_bit * window() / 8, least = lab_is_slow() ? 0.6 : 0.93;

	return (double)bytes > least * wanted - 2000 && (double)bytes < 1.07 * wanted + 2000;
}

/* Of what has no limit, more than what has one of 8 Mbit/s. */
static bool is_free(uint64_t bytes)
{
	return (double)bytes > (double)scaled(10 * MBIT) * window() / 8;
}

/* IP bytes that arrived within a second, after the burst has gone. */
static void cgroups_apart(void)
{
	uint64_t a, b, c, a_in;

	lab_begin();
	lab_cgroup("a");
	lab_cgroup("b/deep");
	lab_cgroup("c");
	set_wish(upload(LIMIT_CGROUP, "a", scaled(4 * MBIT), BURST_NS));
	set_wish(upload(LIMIT_CGROUP, "b", scaled(16 * MBIT), BURST_NS));
	lab_flow((struct lab_flow[]){ { .from = "a" }, { .from = "b/deep" }, { .from = "c" } }, 3, window(),
		 (uint64_t *[]){ &a, &b, &c });
	if (!near(a, scaled(4 * MBIT)) || !near(b, scaled(16 * MBIT)) || !is_free(c))
		kt_fail(__FILE__, __LINE__, "%lu %lu %lu bytes", a, b, c);
	remove_all();
	set_wish(download(LIMIT_CGROUP, "a", scaled(4 * MBIT), BURST_NS));
	lab_flow((struct lab_flow[]){ { .from = "c", .to = "a" }, { .from = "a", .to = "c" } }, 2, window(),
		 (uint64_t *[]){ &a_in, &c });
	if (!near(a_in, scaled(4 * MBIT)) || !is_free(c))
		kt_fail(__FILE__, __LINE__, "download: %lu %lu bytes", a_in, c);
	remove_all();
	lab_nothing_left();
	feature("Hosts", "limits: ebpf, cgroups", true);
}

static void users(void)
{
	uint64_t limited, other;

	lab_begin();
	set_wish(upload(LIMIT_USER, "4242", scaled(8 * MBIT), BURST_NS));
	lab_flow((struct lab_flow[]){ { .uid = 4242 }, { .uid = 4243 } }, 2, window(),
		 (uint64_t *[]){ &limited, &other });
	if (!near(limited, scaled(8 * MBIT)) || !is_free(other))
		kt_fail(__FILE__, __LINE__, "%lu %lu bytes", limited, other);
	remove_all();
	feature("Hosts", "limits: ebpf, users", true);
}

/* ---- processes ---- */

static void process_with_open_sockets(void)
{
	struct lab_sender *limited, *other;
	uint64_t before, during, free_one;
	char pid[16];

	lab_begin();
	limited = lab_sender_start();
	other = lab_sender_start();
	before = lab_sender_bytes(limited, window());
	CHECK(is_free(before));
	snprintf(pid, sizeof(pid), "%d", lab_sender_pid(limited));
	set_wish(upload(LIMIT_PID, pid, scaled(4 * MBIT), BURST_NS));
	during = lab_sender_bytes(limited, window());
	free_one = lab_sender_bytes(other, window());
	if (!near(during, scaled(4 * MBIT)) || !is_free(free_one))
		kt_fail(__FILE__, __LINE__, "%lu %lu bytes", during, free_one);
	CHECK_INT(report_of(key_of(LIMIT_PID, pid)).members, 1);
	lab_sender_stop(limited);
	CHECK_INT(how_many(), 0);
	lab_sender_stop(other);
	lab_nothing_left();
	feature("Hosts", "limits: ebpf, processes", true);
}

/* The kernel's own doing: the map is looked at, not the list, which would tidy up. */
static void a_limit_ends_with_its_process(void)
{
	struct lab_sender *sender;
	struct limit_op another = { .before.backend[LIMIT_EGRESS] = ebpf };
	struct limit_entry entry;
	struct limit_pins pins;
	struct limit_key key;
	char pid[16];

	lab_begin();
	sender = lab_sender_start();
	snprintf(pid, sizeof(pid), "%d", lab_sender_pid(sender));
	set_wish(upload(LIMIT_PID, pid, 4 * MBIT, 0));
	set_wish(upload(LIMIT_USER, "4242", 4 * MBIT, 0));
	another.key = key = key_of(LIMIT_PID, pid);
	another.key.id -= 1 << LIMIT_PID_BITS;	/* had the number before: its limit is not put back on this one */
	another.before.wish = upload(LIMIT_PID, pid, MBIT, 0);
	CHECK_INT(limit_undo(&kt_ctx, &another), 0);
	CHECK_INT(report_of(key).side[LIMIT_EGRESS].wish.rate_bit, 4 * MBIT);
	MUST(!limit_pins_open(&kt_ctx, false, &pins));
	CHECK_INT(bpf_map_lookup_elem(pins.map[LIMIT_MAP_LIMITS], &key, &entry), 0);
	lab_sender_stop(sender);
	CHECK_INT(bpf_map_lookup_elem(pins.map[LIMIT_MAP_LIMITS], &key, &entry), -ENOENT);
	limit_pins_close(&pins);
	CHECK_INT(how_many(), 1);
	CHECK_INT(ebpf->set(&kt_ctx, &(struct limit_wish){ .subject = LIMIT_PID, .name = pid,
			    .side[0] = { .set = true, .rate_bit = MBIT } }, 1, LIMIT_WAY_EGRESS), -ESRCH);
	CHECK_HAS(kt_ctx.error, "there is no process");
	ctx_clear(&kt_ctx);
	CHECK_INT(how_many(), 1);
	remove_all();
}

/* Those that run already, those that are started later, and their new sockets. */
static void children(void)
{
	uint64_t with, without;
	struct limit_wish wish;
	struct lab_sender *s;
	char pid[16];

	lab_begin();
	s = lab_sender_start();
	snprintf(pid, sizeof(pid), "%d", lab_sender_pid(s));
	wish = upload(LIMIT_PID, pid, scaled(4 * MBIT), BURST_NS);
	set_wish(wish);
	lab_sender_fork(s);		/* its socket is its child's, which opens it anew */
	with = lab_sender_bytes(s, window());
	CHECK_INT(report_of(key_of(LIMIT_PID, pid)).members, 2);
	lab_sender_stop(s);
	CHECK_INT(how_many(), 0);
	s = lab_sender_start();
	snprintf(pid, sizeof(pid), "%d", lab_sender_pid(s));
	wish = upload(LIMIT_PID, pid, scaled(4 * MBIT), BURST_NS);
	wish.no_children = true;
	set_wish(wish);
	lab_sender_fork(s);
	without = lab_sender_bytes(s, window());
	CHECK_INT(report_of(key_of(LIMIT_PID, pid)).members, 1);
	lab_sender_stop(s);
	if (!near(with, scaled(4 * MBIT)) || !is_free(without))
		kt_fail(__FILE__, __LINE__, "%lu %lu bytes", with, without);
	CHECK_INT(how_many(), 0);
}

static void children_that_run_already(void)
{
	struct lab_sender *s;
	uint64_t bytes;
	char pid[16];

	lab_begin();
	s = lab_sender_start();
	lab_sender_fork(s);
	snprintf(pid, sizeof(pid), "%d", lab_sender_pid(s));
	set_wish(upload(LIMIT_PID, pid, scaled(4 * MBIT), BURST_NS));
	CHECK_INT(report_of(key_of(LIMIT_PID, pid)).members, 2);
	bytes = lab_sender_bytes(s, window());
	if (!near(bytes, scaled(4 * MBIT)))
		kt_fail(__FILE__, __LINE__, "%lu bytes", bytes);
	lab_sender_stop(s);
}

/* ---- what is pinned ---- */

static void foreign_pins(void)
{
	int map;

	lab_begin();
	set_wish(upload(LIMIT_CGROUP, "/", MBIT, 0));
	kt_sh("rm %s/weir_limits", LIMIT_PINS);
	map = bpf_map_create(BPF_MAP_TYPE_HASH, "weir_limits", 4, 4, 1, NULL);
	MUST(map >= 0 && !bpf_obj_pin(map, LIMIT_PINS "/weir_limits"));
	CHECK_INT(ebpf->set(&kt_ctx, &(struct limit_wish){ .name = "/", .side[0] = { .set = true,
			    .rate_bit = MBIT } }, 1, LIMIT_WAY_EGRESS), -EEXIST);
	CHECK_HAS(kt_ctx.error, "weir_limits is not what weir pins there");
	ctx_clear(&kt_ctx);
	kt_sh("rm %s/weir_limits", LIMIT_PINS);
	MUST(!bpf_obj_pin(lab_program("weir_limit_out"), LIMIT_PINS "/weir_limits"));
	CHECK_INT(ebpf->remove(&kt_ctx, NULL, LIMIT_WAY_EGRESS | LIMIT_WAY_INGRESS), -EEXIST);
	ctx_clear(&kt_ctx);
	kt_sh("chmod 755 %s", LIMIT_PINS);
	CHECK_INT(ebpf->remove(&kt_ctx, NULL, LIMIT_WAY_EGRESS | LIMIT_WAY_INGRESS), -EPERM);
	CHECK_HAS(kt_ctx.error, "0700");
	ctx_clear(&kt_ctx);
	kt_sh("rm -r %s", LIMIT_PINS);
	CHECK_INT(how_many(), 0);
}

/* What a killed run leaves: half a folder before its renaming, a folder that was to be taken apart. */
static void left_half_done(void)
{
	lab_begin();
	set_wish(upload(LIMIT_CGROUP, "/", MBIT, 0));
	kt_sh("mv %s %s-old", LIMIT_PINS, LIMIT_PINS);
	CHECK_INT(how_many(), 0);
	lab_nothing_left();
	set_wish(upload(LIMIT_CGROUP, "/", MBIT, 0));
	kt_sh("mv %s %s-new", LIMIT_PINS, LIMIT_PINS);
	set_wish(upload(LIMIT_CGROUP, "/", 2 * MBIT, 0));
	CHECK_INT(how_many(), 1);
	close(lab_program("weir_limit_out"));
	CHECK_INT(atoi(kt_sh("find %s -name 'weir_*' | wc -l", LIMIT_BPFFS)), 19);
	remove_all();
	lab_nothing_left();
}

static void a_cgroup_that_goes(void)
{
	lab_begin();
	lab_cgroup("gone");
	set_wish(upload(LIMIT_CGROUP, "gone", MBIT, 0));
	set_wish(upload(LIMIT_CGROUP, "/", MBIT, 0));
	CHECK_STR(report_of(key_of(LIMIT_CGROUP, "gone")).name, "gone");
	CHECK_INT(how_many(), 2);
	MUST(!rmdir(LAB_CGROUPS "/gone"));
	CHECK_INT(how_many(), 1);
	remove_all();
}

/* Not a benchmark: that it is possible at all. */
static void ten_thousand(void)
{
	const unsigned int N = lab_is_slow() ? 1000 : 10000;
	struct limit_wish *wishes = calloc(N, sizeof(*wishes));
	char (*names)[16] = calloc(N, sizeof(*names));
	unsigned int i;

	lab_begin();
	MUST(wishes && names);
	for (i = 0; i < N; i++) {
		snprintf(names[i], sizeof(names[i]), "%u", 100000 + i);
		wishes[i] = upload(LIMIT_USER, names[i], MBIT + i, 0);
	}
	CHECK_INT(ebpf->set(&kt_ctx, wishes, N, LIMIT_WAY_EGRESS), 0);
	CHECK_INT(how_many(), N);
	CHECK(report_of(key_of(LIMIT_USER, names[N - 1])).side[LIMIT_EGRESS].wish.rate_bit == MBIT + N - 1);
	remove_all();
	lab_nothing_left();
	free(names);
	free(wishes);
}

int main(int argc, char **argv)
{
	static const struct kt_test tests[] = {
		{ "counts are exact", counts_are_exact },
		{ "a change keeps counters and debt", a_change_keeps_counters_and_debt },
		{ "sort of traffic", sort_of_traffic }, { "block", block },
		{ "two limits of a packet", two_limits_of_a_packet },
		{ "cgroups apart", cgroups_apart }, { "users", users },
		{ "process with open sockets", process_with_open_sockets },
		{ "a limit ends with its process", a_limit_ends_with_its_process },
		{ "children", children }, { "children that run already", children_that_run_already },
		{ "foreign pins", foreign_pins }, { "left half done", left_half_done },
		{ "a cgroup that goes", a_cgroup_that_goes }, { "ten thousand", ten_thousand },
	};

	return lab_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
