// Lines for one rule each, and what iptables 1.8.9 made of them when it was asked (with the kernel that takes the rule): the
// line that iptables-save prints, `=` for the line as it is, or `refused`. `stricter`: refused here, as what the tool
// prints could not be read back. Held against the tool by test/kernel/netfilter-fmt.test.ts, where it is there.
export const TARGET_LINES: string = `
4 mangle -A PREROUTING -j TTL --ttl-set 0
  =
4 mangle -A PREROUTING -j TTL --ttl-dec 0
  refused
4 mangle -A PREROUTING -j TTL --ttl-inc 0x10
  -A PREROUTING -j TTL --ttl-inc 16
4 mangle -A PREROUTING -j TTL --ttl-inc 256
  refused
4 mangle -A PREROUTING -j TTL
  refused
4 mangle -A PREROUTING -j TTL --ttl-inc 1 --ttl-dec 1
  refused
4 filter -A INPUT -j TTL --ttl-inc 1
  refused
4 mangle -A PREROUTING -j HL --hl-inc 1
  refused
6 mangle -A PREROUTING -j HL --hl-inc 1
  =
6 mangle -A PREROUTING -j HL --hl-set 255
  =
6 mangle -A PREROUTING -j HL --hl-dec 255
  =
6 mangle -A PREROUTING -j HL --hl-dec 0
  refused
6 mangle -A PREROUTING -j TTL --ttl-inc 1
  refused
4 mangle -A PREROUTING -j DSCP --set-dscp 63
  -A PREROUTING -j DSCP --set-dscp 0x3f
4 mangle -A PREROUTING -j DSCP --set-dscp 64
  refused
4 mangle -A PREROUTING -j DSCP --set-dscp-class af11
  -A PREROUTING -j DSCP --set-dscp 0x0a
4 mangle -A PREROUTING -j DSCP --set-dscp-class EFx
  -A PREROUTING -j DSCP --set-dscp 0x2e
4 mangle -A PREROUTING -j DSCP --set-dscp-class xx
  refused
4 mangle -A PREROUTING -j DSCP --set-dscp-class ef --set-dscp 1
  refused
4 mangle -A PREROUTING -j DSCP
  refused
6 mangle -A PREROUTING -j DSCP --set-dscp 1
  -A PREROUTING -j DSCP --set-dscp 0x01
4 mangle -A PREROUTING -j TOS --set-tos Minimize-Delay
  -A PREROUTING -j TOS --set-tos 0x10/0x3f
4 mangle -A PREROUTING -j TOS --set-tos normal-service
  -A PREROUTING -j TOS --set-tos 0x00/0x3f
4 mangle -A PREROUTING -j TOS --set-tos 0x12/3
  -A PREROUTING -j TOS --set-tos 0x12/0x03
4 mangle -A PREROUTING -j TOS --set-tos 0x12
  -A PREROUTING -j TOS --set-tos 0x12/0xff
4 mangle -A PREROUTING -j TOS --set-tos 256
  refused
4 mangle -A PREROUTING -j TOS --and-tos 0x12
  -A PREROUTING -j TOS --set-tos 0x00/0xed
4 mangle -A PREROUTING -j TOS --or-tos 0x12
  -A PREROUTING -j TOS --set-tos 0x12/0x12
4 mangle -A PREROUTING -j TOS --xor-tos 0x12
  -A PREROUTING -j TOS --set-tos 0x12/0x00
4 mangle -A PREROUTING -j TOS --xor-tos 0x12 --or-tos 1
  refused
4 mangle -A PREROUTING -j TOS --xor-tos 0x12/3
  refused
4 mangle -A PREROUTING -j TOS
  refused
6 mangle -A PREROUTING -j TOS --or-tos 1
  -A PREROUTING -j TOS --set-tos 0x01/0x01
4 mangle -A PREROUTING -p tcp -j ECN --ecn-tcp-remove
  =
4 mangle -A PREROUTING -p tcp -j ECN --ecn-tcp-ece 0 --ecn-tcp-cwr 0
  -A PREROUTING -p tcp -j ECN --ecn-tcp-remove
4 mangle -A PREROUTING -p tcp -j ECN --ecn-tcp-ece 1 --ecn-tcp-cwr 0 --ecn-ip-ect 3
  =
4 mangle -A PREROUTING -p tcp -j ECN --ecn-ip-ect 3 --ecn-tcp-remove
  -A PREROUTING -p tcp -j ECN --ecn-tcp-remove
4 mangle -A PREROUTING -p tcp -j ECN --ecn-tcp-remove --ecn-ip-ect 3
  -A PREROUTING -p tcp -j ECN --ecn-tcp-ece 0 --ecn-tcp-cwr 0 --ecn-ip-ect 3
4 mangle -A PREROUTING -p tcp -j ECN --ecn-tcp-remove --ecn-tcp-ece 0
  refused
4 mangle -A PREROUTING -p tcp -j ECN --ecn-tcp-ece 2
  refused
4 mangle -A PREROUTING -j ECN --ecn-tcp-remove
  refused
4 mangle -A PREROUTING -j ECN --ecn-ip-ect 0
  =
4 mangle -A PREROUTING -j ECN --ecn-ip-ect 4
  refused
4 mangle -A PREROUTING ! -p tcp -j ECN --ecn-tcp-remove
  refused
4 mangle -A PREROUTING -j ECN
  refused
6 mangle -A PREROUTING -p tcp -j ECN --ecn-tcp-remove
  refused
4 filter -A INPUT -j NFQUEUE
  -A INPUT -j NFQUEUE --queue-num 0
4 filter -A INPUT -j NFQUEUE --queue-num 65535
  =
4 filter -A INPUT -j NFQUEUE --queue-num 65536
  refused
4 filter -A INPUT -j NFQUEUE --queue-bypass
  -A INPUT -j NFQUEUE --queue-num 0 --queue-bypass
4 filter -A INPUT -j NFQUEUE --queue-balance 5
  refused
4 filter -A INPUT -j NFQUEUE --queue-balance 5:
  -A INPUT -j NFQUEUE --queue-balance 5:65535
4 filter -A INPUT -j NFQUEUE --queue-balance :5
  -A INPUT -j NFQUEUE --queue-balance 0:5
4 filter -A INPUT -j NFQUEUE --queue-balance :
  refused
4 filter -A INPUT -j NFQUEUE --queue-balance 5:5
  refused
4 filter -A INPUT -j NFQUEUE --queue-balance 5:4
  refused
4 filter -A INPUT -j NFQUEUE --queue-balance 0:65534
  =
4 filter -A INPUT -j NFQUEUE --queue-balance 0:65535
  refused
4 filter -A INPUT -j NFQUEUE --queue-balance 1:2 --queue-cpu-fanout
  =
4 filter -A INPUT -j NFQUEUE --queue-num 1 --queue-cpu-fanout
  refused
4 filter -A INPUT -j NFQUEUE --queue-num 1 --queue-balance 1:2
  refused
6 filter -A INPUT -j NFQUEUE --queue-num 1 --queue-bypass
  =
4 mangle -A PREROUTING -j TEE --gateway 10.0.0.1
  =
4 mangle -A PREROUTING -j TEE --gateway 0.0.0.0
  refused
4 mangle -A PREROUTING -j TEE
  refused
4 mangle -A PREROUTING -j TEE --gateway fd00::1
  refused
4 mangle -A PREROUTING -j TEE --gateway 10.0.0.1 --oif eth0
  =
4 mangle -A PREROUTING -j TEE --oif eth0
  refused
6 mangle -A PREROUTING -j TEE --gateway fd00::1 --oif eth0
  =
6 mangle -A PREROUTING -j TEE --gateway ::
  refused
4 mangle -A PREROUTING -p tcp -j TPROXY --on-port http
  -A PREROUTING -p tcp -j TPROXY --on-port 80 --on-ip 0.0.0.0 --tproxy-mark 0x0/0x0
4 mangle -A PREROUTING -p tcp -j TPROXY --on-port 0
  -A PREROUTING -p tcp -j TPROXY --on-port 0 --on-ip 0.0.0.0 --tproxy-mark 0x0/0x0
4 mangle -A PREROUTING -p tcp -j TPROXY --on-port 80 --on-ip 127.0.0.1 --tproxy-mark 1
  -A PREROUTING -p tcp -j TPROXY --on-port 80 --on-ip 127.0.0.1 --tproxy-mark 0x1/0xffffffff
4 mangle -A PREROUTING -p udp -j TPROXY --on-port 80 --tproxy-mark 0x10/0xf0
  -A PREROUTING -p udp -j TPROXY --on-port 80 --on-ip 0.0.0.0 --tproxy-mark 0x10/0xf0
4 mangle -A PREROUTING -p udp -j TPROXY --tproxy-mark 0x10/0xf0
  refused
4 mangle -A PREROUTING -j TPROXY --on-port 80
  refused
4 mangle -A PREROUTING ! -p tcp -j TPROXY --on-port 80
  refused
4 mangle -A INPUT -p tcp -j TPROXY --on-port 80
  refused
6 mangle -A PREROUTING -p udp -j TPROXY --on-port 80
  -A PREROUTING -p udp -j TPROXY --on-port 80 --on-ip :: --tproxy-mark 0x0/0x0
6 mangle -A PREROUTING -p tcp -j TPROXY --on-port 80 --on-ip fd00::1
  -A PREROUTING -p tcp -j TPROXY --on-port 80 --on-ip fd00::1 --tproxy-mark 0x0/0x0
4 filter -A INPUT -p tcp -j SYNPROXY
  =
4 filter -A INPUT -p tcp -j SYNPROXY --ecn --mss 1460 --wscale 7 --timestamp --sack-perm
  -A INPUT -p tcp -j SYNPROXY --sack-perm --timestamp --wscale 7 --mss 1460 --ecn
4 filter -A INPUT -p tcp -j SYNPROXY --mss 65536 --wscale 256
  -A INPUT -p tcp -j SYNPROXY --wscale 0 --mss 0
4 filter -A OUTPUT -p tcp -j SYNPROXY
  refused
4 filter -A INPUT -j SYNPROXY
  refused
6 filter -A INPUT -p tcp -j SYNPROXY --mss 5
  =
4 raw -A PREROUTING -j TRACE
  =
4 raw -A PREROUTING -j TRACE --x
  refused
4 mangle -A PREROUTING -j TRACE
  refused
4 filter -A INPUT -j AUDIT --type DROP
  -A INPUT -j AUDIT --type drop
4 filter -A INPUT -j AUDIT --type x
  refused
4 filter -A INPUT -j AUDIT
  refused
6 filter -A INPUT -j AUDIT --type reject
  =
4 mangle -A POSTROUTING -j CLASSIFY --set-class 1:2
  -A POSTROUTING -j CLASSIFY --set-class 0001:0002
4 mangle -A POSTROUTING -j CLASSIFY --set-class 0x1f:ffff
  -A POSTROUTING -j CLASSIFY --set-class 001f:ffff
4 mangle -A POSTROUTING -j CLASSIFY --set-class 1ffff:2ffff
  -A POSTROUTING -j CLASSIFY --set-class ffff:ffff
4 mangle -A POSTROUTING -j CLASSIFY --set-class 1
  refused
4 mangle -A POSTROUTING -j CLASSIFY --set-class 1:2zz
  -A POSTROUTING -j CLASSIFY --set-class 0001:0002
4 mangle -A POSTROUTING -j CLASSIFY --set-class "1: 2"
  -A POSTROUTING -j CLASSIFY --set-class 0001:0002
4 mangle -A POSTROUTING -j CLASSIFY --set-class "1 :2"
  refused
4 mangle -A POSTROUTING -j CLASSIFY --set-class 1:-2
  -A POSTROUTING -j CLASSIFY --set-class 0001:fffe
4 mangle -A POSTROUTING -j CLASSIFY
  refused
4 mangle -A PREROUTING -j CLASSIFY --set-class 1:2
  refused
6 mangle -A POSTROUTING -j CLASSIFY --set-class 1:2
  -A POSTROUTING -j CLASSIFY --set-class 0001:0002
4 mangle -A PREROUTING -j CONNSECMARK --save
  =
4 mangle -A PREROUTING -j CONNSECMARK --restore
  =
4 mangle -A PREROUTING -j CONNSECMARK --restore --save
  refused
4 mangle -A PREROUTING -j CONNSECMARK
  refused
4 security -A INPUT -j CONNSECMARK --save
  =
4 filter -A INPUT -j CONNSECMARK --save
  refused
4 filter -A INPUT -j IDLETIMER --timeout 600 --label abc
  =
4 filter -A INPUT -j IDLETIMER --timeout 0 --label abc
  refused
4 filter -A INPUT -j IDLETIMER --timeout 2147482 --label abc
  =
4 filter -A INPUT -j IDLETIMER --timeout 2147483 --label abc
  refused
4 filter -A INPUT -j IDLETIMER --timeout 6 --label abcdefghijklmnopqrstuvwxyz0123456789
  -A INPUT -j IDLETIMER --timeout 6 --label abcdefghijklmnopqrstuvwxyz0
4 filter -A INPUT -j IDLETIMER --timeout 6
  refused
4 filter -A INPUT -j IDLETIMER --label x
  refused
4 filter -A INPUT -j IDLETIMER --timeout 5 --label x --alarm
  =
4 filter -A INPUT -j IDLETIMER --timeout 5 --label ""
  refused
4 filter -A INPUT -j IDLETIMER --timeout 5 --label "a b"
  stricter than -A INPUT -j IDLETIMER --timeout 5 --label a b
4 filter -A INPUT -j IDLETIMER --timeout 5 --label a/b
  refused
6 filter -A INPUT -j IDLETIMER --timeout 5 --label ab
  =
4 filter -A INPUT -j RATEEST --rateest-name x --rateest-interval 250ms --rateest-ewmalog 500ms
  -A INPUT -j RATEEST --rateest-name x --rateest-interval 250.0ms --rateest-ewmalog 500.0ms
4 filter -A INPUT -j RATEEST --rateest-name x --rateest-interval 1s --rateest-ewmalog 8s
  -A INPUT -j RATEEST --rateest-name x --rateest-interval 1.0s --rateest-ewmalog 8.0s
4 filter -A INPUT -j RATEEST --rateest-name x --rateest-interval 3 --rateest-ewmalog 1sec
  -A INPUT -j RATEEST --rateest-name x --rateest-interval 250.0ms --rateest-ewmalog 1111.5s
4 filter -A INPUT -j RATEEST --rateest-name x --rateest-interval 8s --rateest-ewmalog 8s
  refused
4 filter -A INPUT -j RATEEST --rateest-name x --rateest-interval 8s --rateest-ewmalog 4000s
  -A INPUT -j RATEEST --rateest-name x --rateest-interval 8.0s --rateest-ewmalog 2048.0s
4 filter -A INPUT -j RATEEST --rateest-name x --rateest-interval 9s --rateest-ewmalog 8s
  refused
4 filter -A INPUT -j RATEEST --rateest-name x --rateest-interval 1.5s --rateest-ewmalog 8000000us
  -A INPUT -j RATEEST --rateest-name x --rateest-interval 2.0s --rateest-ewmalog 8.0s
4 filter -A INPUT -j RATEEST --rateest-name abcdefghijklmnopqrs --rateest-interval 1.5s --rateest-ewmalog 1e7
  -A INPUT -j RATEEST --rateest-name abcdefghijklmno --rateest-interval 2.0s --rateest-ewmalog 8.0s
4 filter -A INPUT -j RATEEST --rateest-name x --rateest-interval 1.5h --rateest-ewmalog 1e7
  refused
4 filter -A INPUT -j RATEEST --rateest-name x --rateest-interval x --rateest-ewmalog 1e7
  refused
4 filter -A INPUT -j RATEEST --rateest-name x --rateest-interval 1s
  refused
4 mangle -A PREROUTING -p tcp -j TCPOPTSTRIP --strip-options mss,sack,wscale,sack-permitted,timestamp,md5
  -A PREROUTING -p tcp -j TCPOPTSTRIP --strip-options 2,3,4,5,8,19
4 mangle -A PREROUTING -p tcp -j TCPOPTSTRIP --strip-options 2,mss
  refused
4 mangle -A PREROUTING -p tcp -j TCPOPTSTRIP --strip-options 1
  refused
4 mangle -A PREROUTING -p tcp -j TCPOPTSTRIP --strip-options 255,254
  -A PREROUTING -p tcp -j TCPOPTSTRIP --strip-options 254,255
4 mangle -A PREROUTING -p tcp -j TCPOPTSTRIP --strip-options 256
  refused
4 mangle -A PREROUTING -p tcp -j TCPOPTSTRIP --strip-options ""
  refused
4 mangle -A PREROUTING -p tcp -j TCPOPTSTRIP
  =
4 mangle -A PREROUTING -j TCPOPTSTRIP
  refused
4 filter -A INPUT -p tcp -j TCPOPTSTRIP
  refused
6 mangle -A PREROUTING -p tcp -j TCPOPTSTRIP --strip-options 3
  =
4 mangle -A PREROUTING -j CONNMARK --save-mark --left-shift-mark 3
  -A PREROUTING -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff --left-shift-mark 3
4 mangle -A PREROUTING -j CONNMARK --restore-mark --right-shift-mark 32 --mask 0xff
  refused
4 mangle -A PREROUTING -j CONNMARK --set-mark 3 --right-shift-mark 3
  -A PREROUTING -j CONNMARK --set-xmark 0x3/0xffffffff --right-shift-mark 3
4 mangle -A PREROUTING -j CONNMARK --set-mark 3 --right-shift-mark 0
  -A PREROUTING -j CONNMARK --set-xmark 0x3/0xffffffff
4 mangle -A PREROUTING -j CONNMARK --set-mark 3 --right-shift-mark 33
  refused
4 mangle -A PREROUTING -j CONNMARK --set-mark 3 --right-shift-mark 3 --left-shift-mark 4
  -A PREROUTING -j CONNMARK --set-xmark 0x3/0xffffffff --left-shift-mark 4
4 mangle -A PREROUTING -j CONNMARK --set-mark 3 --right-shift-mark 3 --left-shift-mark 0
  -A PREROUTING -j CONNMARK --set-xmark 0x3/0xffffffff
4 mangle -A PREROUTING -j CONNMARK --right-shift-mark 3
  refused
4 mangle -A PREROUTING -j CONNMARK --save-mark --mask 1 --nfmask 2
  refused
4 mangle -A PREROUTING -j CONNMARK --set-mark 3 --mask 1
  -A PREROUTING -j CONNMARK --set-xmark 0x3/0x1
4 mangle -A PREROUTING -j CONNMARK --set-mark 3 --nfmask 1
  -A PREROUTING -j CONNMARK --set-xmark 0x3/0xffffffff
4 mangle -A PREROUTING -j CONNMARK --set-mark 3 --ctmask 1
  -A PREROUTING -j CONNMARK --set-xmark 0x3/0x1
4 mangle -A PREROUTING -j CONNMARK --ctmask 1 --set-mark 3
  -A PREROUTING -j CONNMARK --set-xmark 0x3/0xffffffff
4 mangle -A PREROUTING -j CONNMARK --save-mark --restore-mark
  refused
4 mangle -A PREROUTING -j MARK --set-mark 3
  -A PREROUTING -j MARK --set-xmark 0x3/0xffffffff
4 mangle -A PREROUTING -j MARK --set-mark 0x3/0x1
  -A PREROUTING -j MARK --set-xmark 0x3/0x3
4 mangle -A PREROUTING -j MARK --set-xmark 0x3/0x1
  =
4 mangle -A PREROUTING -j MARK --and-mark 3
  -A PREROUTING -j MARK --set-xmark 0x0/0xfffffffc
4 mangle -A PREROUTING -j MARK --or-mark 3
  -A PREROUTING -j MARK --set-xmark 0x3/0x3
4 mangle -A PREROUTING -j MARK --xor-mark 3
  -A PREROUTING -j MARK --set-xmark 0x3/0x0
4 mangle -A PREROUTING -j MARK --xor-mark 3 --or-mark 1
  refused
4 mangle -A PREROUTING -j MARK
  refused
4 mangle -A PREROUTING -j MARK --set-mark 0x100000000
  refused
4 mangle -A PREROUTING -j MARK --set-mark -1
  refused
4 mangle -A PREROUTING -j MARK --set-mark 1/
  refused
4 mangle -A PREROUTING -j MARK --set-mark /1
  refused
4 mangle -A PREROUTING -j MARK --set-mark ""
  refused
4 nat -A PREROUTING -p tcp -j DNAT --to-destination 1.1.1.1:ftp-data
  -A PREROUTING -p tcp -j DNAT --to-destination 1.1.1.1:20
4 nat -A PREROUTING -p tcp -j REDIRECT --to-ports ftp-data
  -A PREROUTING -p tcp -j REDIRECT --to-ports 20
4 filter -A INPUT -p tcp -j REJECT --reject-with ""
  -A INPUT -p tcp -j REJECT --reject-with icmp-net-unreachable
4 filter -A INPUT -j NFQUEUE --queue-balance 1:65535
  =
4 filter -A INPUT -j TRACE
  refused
4 mangle -A FORWARD -p tcp -j TCPMSS --set-mss 42
  refused
`
