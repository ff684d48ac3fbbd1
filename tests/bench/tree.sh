# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tree.sh - one tree of 18 classes (17 and the default), in the language of each tool, for the
# benchmarks `apply` and `reload`. Sourced.
#
#   tree_weir SET DIRECTION      a file for weir
#   tree_fireqos SET DIRECTION   a file for FireQOS
#   tree_tc SET DIRECTION        a file for `tc -batch`: delete what is there, build it anew
#
# DIRECTION is egress or ingress of wan0. SET is a or b: in b every rate differs from a's, class 5 is
# gone and class 18 is new. Class N is for UDP to port TREE_PORT + N, IPv4 and IPv6. For FireQOS and
# tc, ingress is queued on an IFB as well. Leaves are pfifo, which every kernel has.

TREE_PORT=6000
TREE_PORTS=18
TREE_CLASSES=18

# Rates in kbit/s; these are of set a, those of b are 9/10 of them.
TREE_LINK=20000
TREE_DEFAULT=2000
TREE_QUEUE=50

# Lines `NUMBER RATE-KBIT PRIO`; the last one, number 0, is the default class.
tree_classes() {
	awk -v b="$([ "$1" = b ] && echo 1)" -v default="$TREE_DEFAULT" 'BEGIN {
		share = b ? 0.9 : 1
		for (i = 1; i <= 18; i++)
			if (i != (b ? 5 : 18))
				printf "%d %d %d\n", i, (500 + 50 * i) * share, i % 7
		printf "0 %d 7\n", default * share
	}'
}

tree_link_kbit() {
	[ "$1" = b ] && echo $((TREE_LINK * 9 / 10)) || echo "$TREE_LINK"
}

tree_weir() {
	local number kbit prio
	echo "link wan0 {"
	echo "	$2 rate $(tree_link_kbit "$1")kbit {"
	while read -r number kbit prio; do
		if [ "$number" = 0 ]; then
			echo "		default rate ${kbit}kbit ceil 100% prio $prio queue pfifo limit $TREE_QUEUE"
		else
			echo "		class c$number rate ${kbit}kbit ceil 100% prio $prio queue pfifo limit" \
				"$TREE_QUEUE { match udp dport $((TREE_PORT + number)) }"
		fi
	done < <(tree_classes "$1")
	printf '\t}\n}\n'
}

tree_fireqos() {
	local number kbit prio link direction=output
	link=$(tree_link_kbit "$1")
	[ "$2" = egress ] || direction=input
	echo "FIREQOS_DEFAULT_QDISC_OPTIONS_pfifo='limit $TREE_QUEUE'"
	echo "interface46 wan0 bench $direction rate ${link}kbit pfifo"
	while read -r number kbit prio; do
		if [ "$number" = 0 ]; then
			echo "class default commit ${kbit}kbit ceil ${link}kbit prio $prio"
		else
			echo "class c$number commit ${kbit}kbit ceil ${link}kbit prio $prio"
			echo "match udp dports $((TREE_PORT + number))"
		fi
	done < <(tree_classes "$1")
}

tree_tc_class() {
	local dev=$1 number=$2 minor kbit=$3 prio=$4 link=$5 port=$((TREE_PORT + $2))
	minor=$((number + 10))
	echo "class add dev $dev parent 1:1 classid 1:$minor htb rate ${kbit}kbit ceil ${link}kbit" \
		"prio $prio quantum 1514"
	echo "qdisc add dev $dev parent 1:$minor handle $minor: pfifo limit $TREE_QUEUE"
	[ "$number" -gt 0 ] || return 0
	echo "filter add dev $dev parent 1: protocol ip prio 1 u32 match ip protocol 17 0xff" \
		"match ip dport $port 0xffff flowid 1:$minor"
	echo "filter add dev $dev parent 1: protocol ipv6 prio 2 u32 match ip6 protocol 17 0xff" \
		"match ip6 dport $port 0xffff flowid 1:$minor"
}

# The IFB of ingress, ifb0, is there already.
tree_tc() {
	local dev=wan0 number kbit prio link
	link=$(tree_link_kbit "$1")
	[ "$2" = egress ] || dev=ifb0
	echo "qdisc del dev $dev root"
	echo "qdisc add dev $dev root handle 1: htb default 10"
	echo "class add dev $dev parent 1: classid 1:1 htb rate ${link}kbit ceil ${link}kbit" \
		"quantum 1514"
	while read -r number kbit prio; do
		tree_tc_class "$dev" "$number" "$kbit" "$prio" "$link"
	done < <(tree_classes "$1")
	[ "$2" = egress ] || {
		echo "qdisc del dev wan0 ingress"
		echo "qdisc add dev wan0 ingress"
		echo "filter add dev wan0 parent ffff: protocol all u32 match u32 0 0" \
			"action mirred egress redirect dev ifb0"
	}
}
