#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A kernel without one of the modules, each in turn: where weir cannot do without it, the error names
# it and nothing was changed; where it can, it does.
. "$(dirname "$0")/common.bash"

# Module, then a link that cannot be had without it.
NEEDED='sch_htb egress rate 1mbit
sch_ingress ingress rate 1mbit
act_mirred classifier kernel; ingress rate 1mbit
ifb ingress rate 1mbit
act_police police ingress rate 1mbit
act_connmark classifier kernel; ingress rate 1mbit { class a rate 100kbit { match mark 1 } }
cls_bpf classifier bpf; egress rate 1mbit { class a rate 100kbit { match udp dport 53 } }
cls_flower classifier kernel; egress rate 1mbit { class a rate 100kbit { match vlan 5 } }
cls_u32 classifier kernel; egress rate 1mbit { class a rate 100kbit { match tcp ack } }
sch_fq_codel egress rate 1mbit queue fq_codel
sch_fq egress rate 1mbit queue fq
sch_cake egress rate 1mbit queue cake
sch_codel egress rate 1mbit queue codel
sch_pie egress rate 1mbit queue pie
sch_sfq egress rate 1mbit queue sfq
sch_tbf egress rate 1mbit queue tbf rate 1mbit burst 10kb limit 10kb
sch_netem egress rate 1mbit queue netem delay 1ms'

# Module, what is made in its place, and a link.
REPLACED='cls_bpf flower egress rate 1mbit { class a rate 100kbit { match udp dport 53 } }
cls_flower u32 classifier kernel; egress rate 1mbit { class a rate 100kbit { match udp dport 53 } }
cls_matchall flower classifier kernel; ingress rate 1mbit
sch_fq_codel pfifo egress rate 1mbit'

# Neither has a module of its own, or a way into a policy.
ELSEWHERE=' sch_fifo sch_red cls_cgroup '

# A kernel that has it built in cannot do without.
is_module() {
	! grep -q "/$1\.ko" "/lib/modules/$(uname -r)/modules.builtin"
}

# What is asked for at once is not there.
missing() {
	local module=$1 policy=$2 before
	without_module "$module"
	before=$(state)
	echo "link wan0 { $policy }; link lan0 { egress rate 1mbit queue pfifo }" | conf x
	run 1 weir plan x.conf
	one_error
	expect_match "$err" "\\<$module\\>" "what plan says without $module"
	run 1 weir apply x.conf
	one_error
	expect_match "$err" "\\<$module\\>" "what apply says without $module"
	expect_no_match "$err" 'put back|as it was' "apply without $module"
	unchanged "$before" "the state without $module" || weir down >/dev/null
}

test_needed() {
	local module policy
	in_guest || skip "modules are hidden only in a guest"
	router
	while read -r module policy; do
		! is_module "$module" || missing "$module" "$policy"
	done <<<"$NEEDED"
}

test_replaced() {
	local module other policy before
	in_guest || skip "modules are hidden only in a guest"
	router
	before=$(state)
	while read -r module other policy; do
		is_module "$module" || continue
		without_module "$module"
		echo "link wan0 { $policy }" | conf x
		run 0 weir apply x.conf
		expect_match "$(state)" "\\<$other\\>" "the state without $module"
		run 0 weir plan x.conf
		run 0 weir down
		unchanged "$before" "the state without $module, after down"
	done <<<"$REPLACED"
}

# Gone after the apply: down still takes everything away.
test_gone_since() {
	local before
	in_guest || skip "modules are hidden only in a guest"
	router
	before=$(state)
	run 0 weir apply - <<<'link wan0 { egress rate 1mbit queue sfq; police ingress rate 1mbit }'
	printf 'install %s /bin/false\n' sch_sfq act_police sch_ingress sch_htb >"$HIDDEN_MODULES"
	run 0 weir down
	unchanged "$before" "the state after down"
}

test_each_module_is_here() {
	local module
	[ -d "$TOP/qdisc" ] || return 0	# a guest has no sources
	for module in $(sed -nE 's/.*\.module = "([a-z0-9_]+)".*/\1/p' "$TOP"/qdisc/*.c | sort -u); do
		[[ "$ELSEWHERE" == *" $module "* ]] || grep -q "^$module " <<<"$NEEDED"$'\n'"$REPLACED" ||
			not_ok "no test takes away $module"
	done
}

TEST_TIMEOUT=${TEST_TIMEOUT:-200}
run_tests "$@"
