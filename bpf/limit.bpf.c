// SPDX-License-Identifier: GPL-2.0-or-later
/* Limits on cgroups, users and processes: limit.h says how. */
#include <stdbool.h>

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "bpf/address.h"
#include "bpf/classes.h"
#include "bpf/kernel.h"
#include "bpf/limit.h"
#include "bpf/limit_maps.h"
#include "bpf/limit_place.h"
#include "bpf/socket.h"

enum {
	LINUX_AF_INET = 2, LINUX_AF_INET6 = 10, LINUX_ENOENT = 2,
	PROTO_TCP = 6, UDP_HEADER = 8, IP6_HEADER = 40,
	/* Return values, include/linux/bpf-cgroup.h, 6.1; ingress has the first two. */
	RET_DROP = 0, RET_PASS = 1, RET_DROP_NOTICE = 2, RET_PASS_NOTICE = 3,
};

/* ---- packets ---- */

struct packet {
	__u64 bytes;		/* IP on the wire */
	__u64 now;		/* bucket_time(); 0: not read yet */
	__u32 only;		/* the limit_flags of limits that are not for it; 0: not looked yet */
	__u32 way;		/* enum limit_way */
	__u32 has_prefixes;	/* bool */
	__u32 classed;		/* bool: a limit has put it into its class */
};

_Static_assert(LIMIT_EGRESS == 0 && LIMIT_INGRESS == 1 && LIMIT_WAYS == 2, "way_of()");

/* The verifier wants to see that it is one of two. */
static __always_inline __u32 way_of(const struct packet *p)
{
	return p->way & 1;
}

static __always_inline void add(__u64 *counter, __u64 n)
{
	__sync_fetch_and_add(counter, n);	/* a processor's own, but interrupts count as well */
}

/* Not static, so that the verifier looks at them once and not once for every way to them. */
__u32 limit_header_bytes(struct __sk_buff *skb);
__u32 limit_sort_of(struct __sk_buff *skb, __u32 egress, __u32 has_prefixes);
int limit_ask(struct __sk_buff *skb, struct packet *p, __u32 find);
int limit_take_back(struct __sk_buff *skb, struct packet *p, __u32 find);

/* Headers of IP and above, of each segment. IPv6 extension headers are not looked for. */
__noinline __u32 limit_header_bytes(struct __sk_buff *skb)
{
	__u8 first = 0, proto = 0, offset = 0;
	__u32 ip;

	if (bpf_skb_load_bytes(skb, 0, &first, 1))
		return 0;
	ip = first >> 4 == 6 ? IP6_HEADER : (first & 15) * 4;
	if (bpf_skb_load_bytes(skb, first >> 4 == 6 ? 6 : 9, &proto, 1))
		return ip;
	if (proto != PROTO_TCP)
		return ip + UDP_HEADER;
	if (bpf_skb_load_bytes(skb, ip + 12, &offset, 1))
		return ip;
	return ip + (offset >> 4) * 4;
}

static __always_inline __u64 wire_bytes(struct __sk_buff *skb)
{
	__u32 segments = skb->gso_segs, size = skb->gso_size, header;

	if (!size)
		return skb->len;
	header = limit_header_bytes(skb);
	if (!segments)			/* from a guest: not counted yet */
		segments = (skb->len - header + size - 1) / size;
	return bucket_wire_bytes(skb->len, segments, header);
}

/* What the remote end is: LIMIT_ONLY_INTERNET for a local one, as limits for the Internet only are
 * not for it, and the other way round. */
__noinline __u32 limit_sort_of(struct __sk_buff *skb, __u32 egress, __u32 has_prefixes)
{
	struct limit_prefix remote = { .bits = 128 };
	__u8 first = 0;
	bool local;

	if (bpf_skb_load_bytes(skb, 0, &first, 1))
		return LIMIT_ONLY_INTERNET;
	if (first >> 4 == 6) {
		bpf_skb_load_bytes(skb, egress ? 24 : 8, remote.addr, 16);
	} else {
		remote.addr[10] = 0xff;
		remote.addr[11] = 0xff;
		bpf_skb_load_bytes(skb, egress ? 16 : 12, remote.addr + 12, 4);
	}
	local = address_is_local(remote.addr) ||
		(has_prefixes && bpf_map_lookup_elem(&weir_own, &remote));
	return local ? LIMIT_ONLY_INTERNET : LIMIT_ONLY_LOCAL;
}

/* Whether there may be a limit, and its key. */
static __always_inline bool find_key(struct __sk_buff *skb, __u32 find, struct limit_key *key)
{
	struct bpf_sock *sk;
	__u64 *tag;

	key->zero = 0;
	if (find < LIMIT_LEVELS) {
		key->kind = LIMIT_KIND_CGROUP;
		key->id = bpf_skb_ancestor_cgroup_id(skb, find);
		return key->id;
	}
	if (find == LIMIT_FIND_USER) {
		key->kind = LIMIT_KIND_USER;
		key->id = socket_uid(skb->sk);
		return key->id != SOCKET_NO_UID;
	}
	key->kind = LIMIT_KIND_PROCESS;
	sk = skb->sk;
	sk = sk ? bpf_sk_fullsock(sk) : NULL;
	tag = sk ? bpf_sk_storage_get(&weir_sockets, sk, NULL, 0) : NULL;
	if (!tag)
		return false;
	key->id = *tag;
	return true;
}

static __always_inline bool concerns(struct __sk_buff *skb, struct packet *p, __u32 flags)
{
	if (!(flags & (LIMIT_ONLY_INTERNET | LIMIT_ONLY_LOCAL)))
		return true;
	if (!p->only)
		p->only = limit_sort_of(skb, p->way == LIMIT_EGRESS, p->has_prefixes);
	return !(flags & p->only);
}

/* Counts what was passed, marks it, tells of congestion. Returns RET_*. */
static __always_inline int passed(struct __sk_buff *skb, const struct packet *p,
				  struct limit_count *count, __u32 verdict)
{
	add(&count->packets, 1);
	add(&count->bytes, p->bytes);
	if (!verdict)
		return RET_PASS;
	if (verdict & BUCKET_MARK && bpf_skb_ecn_set_ce(skb))
		add(&count->marked, 1);
	if (!(verdict & BUCKET_NOTICE) || p->way != LIMIT_EGRESS)
		return RET_PASS;
	add(&count->notices, 1);
	return RET_PASS_NOTICE;
}

static __always_inline int dropped(const struct packet *p, struct limit_count *count)
{
	add(&count->dropped, 1);
	add(&count->dropped_bytes, p->bytes);
	if (p->way != LIMIT_EGRESS)
		return RET_DROP;
	add(&count->notices, 1);
	return RET_DROP_NOTICE;		/* without the notice, sendto() would fail with EPERM */
}

/* Whether it is in the class, or has been. Classes that are not of a link's HTB are everywhere. */
static __always_inline bool is_in_class(struct __sk_buff *skb, const struct packet *p, __u32 classid)
{
	return skb->priority == classid || (p->way == LIMIT_INGRESS && !classes_is_limit(classid));
}

/* Whether the limit's class has the packet. What leaves goes to the class of the first of its limits that has
 * one there: the others have their buckets. */
static __always_inline bool has_class(struct __sk_buff *skb, struct packet *p, __u32 classid)
{
	if (p->way == LIMIT_INGRESS)
		return is_in_class(skb, p, classid);
	if (p->classed || (classes_is_limit(classid) && !limit_is_placed(skb, classid)))
		return false;
	skb->priority = classid;
	p->classed = true;
	return true;
}

/* One limit of a packet. Returns RET_*. */
__noinline int limit_ask(struct __sk_buff *skb, struct packet *p, __u32 find)
{
	struct limit_key key = { 0 };
	struct limit_counts *counts;
	struct limit_count *count;
	struct limit_entry *entry;
	struct limit_side *side;
	__u32 verdict;

	if (!p || !find_key(skb, find, &key))
		return RET_PASS;
	entry = bpf_map_lookup_elem(&weir_limits, &key);
	if (!entry)
		return RET_PASS;
	side = &entry->side[way_of(p)];
	if (side->mode == LIMIT_OFF)
		return RET_PASS;
	counts = bpf_map_lookup_elem(&weir_counts, &key);
	if (!counts)
		return RET_PASS;	/* it is being taken away */
	count = &counts->side[way_of(p)];
	if (!concerns(skb, p, entry->flags)) {
		add(&count->other, 1);
		return RET_PASS;
	}
	if (!p->bytes)
		p->bytes = wire_bytes(skb);
	if (side->mode == LIMIT_BLOCK)
		return dropped(p, count);
	if (side->mode == LIMIT_CLASS && has_class(skb, p, side->priority)) {
		add(&count->classed, 1);
		return passed(skb, p, count, BUCKET_PASS);
	}
	if (!p->now)
		p->now = bucket_time(bpf_ktime_get_ns());
	verdict = bucket_take(&side->tat, &side->rate, p->now,
			      bucket_cost(side->rate.byte, p->bytes));
	return verdict & BUCKET_DROP ? dropped(p, count) : passed(skb, p, count, verdict);
}

/* A limit that was asked before another one dropped the packet gets back what it gave. */
__noinline int limit_take_back(struct __sk_buff *skb, struct packet *p, __u32 find)
{
	struct limit_counts *counts;
	struct limit_key key = { 0 };
	struct limit_entry *entry;
	struct limit_side *side;

	if (!p || !find_key(skb, find, &key))
		return 0;
	entry = bpf_map_lookup_elem(&weir_limits, &key);
	counts = bpf_map_lookup_elem(&weir_counts, &key);
	if (!entry || !counts || !concerns(skb, p, entry->flags))
		return 0;
	side = &entry->side[way_of(p)];
	if (side->mode == LIMIT_OFF || side->mode == LIMIT_BLOCK)
		return 0;
	if (side->mode == LIMIT_BUCKET || !is_in_class(skb, p, side->priority))
		bucket_refund(&side->tat, bucket_cost(side->rate.byte, p->bytes));
	else
		add(&counts->side[way_of(p)].classed, -1);
	add(&counts->side[way_of(p)].packets, -1);
	add(&counts->side[way_of(p)].bytes, -p->bytes);
	return 0;
}

static __always_inline void take_all_back(struct __sk_buff *skb, const struct limit_use *use,
					  struct packet *p, __u32 asked)
{
	__u32 find;

	for (find = 0; find < LIMIT_FINDS; find++) {
		if (find >= asked)
			break;
		if (limit_is_used(use, find))
			limit_take_back(skb, p, find);
	}
}

static __always_inline int limit(struct __sk_buff *skb, __u32 way)
{
	const struct limit_use *use = limit_get_use();
	__u64 *calls = bpf_map_lookup_elem(&weir_calls, &way);
	struct packet p = { .way = way };
	int ret = RET_PASS, one;
	__u32 find;

	if (!use || !calls)
		return RET_PASS;
	add(calls, 1);
	p.has_prefixes = use->prefixes;
	for (find = use->levels ? 0 : LIMIT_FIND_USER; find < LIMIT_FINDS; find++) {
		if (!limit_is_used(use, find))
			continue;
		one = limit_ask(skb, &p, find);
		if (one == RET_PASS)
			continue;
		ret = one;
		if (one == RET_PASS_NOTICE)
			continue;
		take_all_back(skb, use, &p, find);
		break;
	}
	return ret;
}

SEC("cgroup_skb/egress")
int weir_limit_out(struct __sk_buff *skb)
{
	int ret = limit(skb, LIMIT_EGRESS);

	return ret & 3;
}

SEC("cgroup_skb/ingress")
int weir_limit_in(struct __sk_buff *skb)
{
	int ret = limit(skb, LIMIT_INGRESS);

	return ret & 1;
}

/* ---- processes and their sockets ---- */

/* One process less; a limit without any is no more. */
static __always_inline void leave(__u32 pid)
{
	struct limit_member *member = bpf_map_lookup_elem(&weir_members, &pid);
	struct limit_key key = { .kind = LIMIT_KIND_PROCESS };
	struct limit_entry *entry;

	if (!member)
		return;
	key.id = member->limit;
	if (bpf_map_delete_elem(&weir_members, &pid))
		return;
	entry = bpf_map_lookup_elem(&weir_limits, &key);
	if (!entry || __sync_fetch_and_add(&entry->members, -1) != 1)
		return;
	bpf_map_delete_elem(&weir_limits, &key);
	bpf_map_delete_elem(&weir_counts, &key);
}

/* 0; -ENOENT: there is no such limit any more; or what adding to the map gave. */
static __always_inline int join(__u32 pid, const struct limit_member *wanted)
{
	struct limit_key key = { .kind = LIMIT_KIND_PROCESS, .id = wanted->limit };
	struct limit_member *member = bpf_map_lookup_elem(&weir_members, &pid);
	struct limit_entry *entry;
	int err;

	if (member && member->limit == wanted->limit && member->ticks == wanted->ticks) {
		member->flags = wanted->flags;
		return 0;
	}
	entry = bpf_map_lookup_elem(&weir_limits, &key);
	if (!entry)
		return -LINUX_ENOENT;
	__sync_fetch_and_add(&entry->members, 1);
	leave(pid);
	err = bpf_map_update_elem(&weir_members, &pid, wanted, BPF_ANY);
	if (err)
		__sync_fetch_and_add(&entry->members, -1);
	return err;
}

static __always_inline bool has_processes(void)
{
	const struct limit_use *use = limit_get_use();

	return use && use->processes;
}

static __always_inline __u64 start_ticks(__u64 start_boottime)
{
	return start_boottime / LIMIT_TICK_NS;
}

SEC("tp_btf/sched_process_fork")
int weir_limit_fork(const __u64 *arguments)
{
	struct task_struct *parent = (void *)arguments[0], *child = (void *)arguments[1];
	struct limit_member *member, own;
	__u32 pid = parent->tgid;

	if (!has_processes() || child->pid != child->tgid)
		return 0;
	member = bpf_map_lookup_elem(&weir_members, &pid);
	if (!member || member->flags & LIMIT_NO_CHILDREN)
		return 0;
	own = *member;
	own.ticks = start_ticks(child->start_boottime);
	join(child->tgid, &own);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int weir_limit_exit(const __u64 *arguments)
{
	struct task_struct *task = (void *)arguments[0];

	if (has_processes() && !task->signal->live.counter)
		leave(task->tgid);
	return 0;
}

SEC("cgroup/sock_create")
int weir_limit_sock(struct bpf_sock *sk)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct limit_member *member;
	__u64 id, *tag;

	if (!has_processes())
		return 1;
	member = bpf_map_lookup_elem(&weir_members, &pid);
	if (!member)
		return 1;
	id = member->limit;
	tag = bpf_sk_storage_get(&weir_sockets, sk, &id, BPF_SK_STORAGE_GET_F_CREATE);
	if (tag)
		*tag = id;
	return 1;
}

/* Run once after processes were added: their sockets that are open already. */
SEC("iter/task_file")
int weir_limit_tag(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct limit_member *member;
	struct socket *socket;
	__u64 id, *tag;
	__u32 pid;

	if (!task || !file)
		return 0;
	pid = task->tgid;
	member = bpf_map_lookup_elem(&weir_members, &pid);
	if (!member || member->ticks != start_ticks(task->group_leader->start_boottime))
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket || !socket->sk)
		return 0;
	if (socket->sk->__sk_common.skc_family != LINUX_AF_INET &&
	    socket->sk->__sk_common.skc_family != LINUX_AF_INET6)
		return 0;
	id = member->limit;
	tag = bpf_sk_storage_get(&weir_sockets, socket->sk, &id, BPF_SK_STORAGE_GET_F_CREATE);
	if (tag)
		*tag = id;
	return 0;
}

/* ---- changes, run by user space ---- */

#define SET(to, value) (*(volatile typeof(to) *)&(to) = (value))

static __always_inline void change_side(struct limit_side *to, const struct limit_side *from)
{
	bool settle = from->rate_bit > to->rate_bit || from->rate.drop < to->rate.drop;

	SET(to->rate.byte, from->rate.byte);
	SET(to->rate.mark, from->rate.mark);
	SET(to->rate.notice, from->rate.notice);
	SET(to->rate.drop, from->rate.drop);
	SET(to->rate_bit, from->rate_bit);
	SET(to->burst_ns, from->burst_ns);
	SET(to->priority, from->priority);
	SET(to->mode, from->mode);
	if (settle)
		bucket_settle(&to->tat, &to->rate, bucket_time(bpf_ktime_get_ns()));
}

SEC("syscall")
int weir_limit_change(struct limit_change *ctx)
{
	struct limit_key key = { .kind = ctx->key.kind, .id = ctx->key.id };
	struct limit_entry *entry = bpf_map_lookup_elem(&weir_limits, &key);

	if (!entry)
		return -LINUX_ENOENT;
	change_side(&entry->side[LIMIT_EGRESS], &ctx->entry.side[LIMIT_EGRESS]);
	change_side(&entry->side[LIMIT_INGRESS], &ctx->entry.side[LIMIT_INGRESS]);
	SET(entry->flags, ctx->entry.flags);
	return 0;
}

SEC("syscall")
int weir_limit_join(struct limit_join *ctx)
{
	struct limit_member member = {
		.ticks = ctx->member.ticks, .limit = ctx->member.limit, .flags = ctx->member.flags,
	};

	if (!ctx->leave)
		return join(ctx->pid, &member);
	leave(ctx->pid);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
