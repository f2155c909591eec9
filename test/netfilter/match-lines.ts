// As target-lines.ts: lines with matches, and what iptables 1.8.9 made of them.
export const MATCH_LINES: string = String.raw`
4 filter -A INPUT -p esp --espspi 5
  -A INPUT -p esp -m esp --espspi 5
4 filter -A INPUT -p esp -m esp --espspi 0x10:
  -A INPUT -p esp -m esp --espspi 16:4294967295
4 filter -A INPUT -p esp -m esp ! --espspi :5
  -A INPUT -p esp -m esp ! --espspi 0:5
4 filter -A INPUT -p esp -m esp --espspi 5:3
  =
4 filter -A INPUT -p esp -m esp --espspi 0:4294967295
  -A INPUT -p esp -m esp
4 filter -A INPUT -p esp -m esp --espspi 4294967296
  refused
4 filter -A INPUT -p esp -m esp
  =
4 filter -A INPUT -m esp --espspi 4
  refused
6 filter -A INPUT -p esp -m esp --espspi 4:9
  =
4 filter -A INPUT -p ah -m ah --ahspi 4
  =
4 filter -A INPUT -p ah --ahspi 4:6
  -A INPUT -p ah -m ah --ahspi 4:6
4 filter -A INPUT -m ah --ahspi 4
  refused
4 filter -A INPUT -p ah -m ah --ahlen 4
  refused
6 filter -A INPUT -m ah --ahspi 4 --ahlen 5 --ahres
  =
6 filter -A INPUT -m ah ! --ahlen 5
  =
6 filter -A INPUT -m ah --ahlen 0
  -A INPUT -m ah
6 filter -A INPUT -m ah ! --ahlen 0
  =
6 filter -A INPUT -p ah -m ah
  =
4 filter -A INPUT -p ipcomp -m ipcomp
  -A INPUT -p ipcomp -m ipcomp --ipcompspi 0
6 filter -A OUTPUT -m eui64
  refused
4 filter -A INPUT -p ipcomp -m ipcomp --ipcompspi 4
  =
4 filter -A INPUT -p ipcomp -m ipcomp ! --ipcompspi 4:5 --compres
  =
4 filter -A INPUT -p 108 --ipcompspi 4
  -A INPUT -p ipcomp -m ipcomp --ipcompspi 4
4 filter -A INPUT -m ipcomp --ipcompspi 4
  refused
6 filter -A INPUT -p ipcomp -m ipcomp --ipcompspi 4
  =
4 filter -A INPUT -p dccp -m dccp --sport 4 --dport 5:6
  =
4 filter -A INPUT -p dccp --dport 5
  -A INPUT -p dccp -m dccp --dport 5
4 filter -A INPUT -p dccp --destination-port :5 ! --source-port 1
  -A INPUT -p dccp -m dccp ! --sport 1 --dport 0:5
4 filter -A INPUT -p dccp -m dccp --dport 0:65535
  =
4 filter -A INPUT -p dccp -m dccp --dport 6:5
  =
4 filter -A INPUT -p dccp -m dccp --dccp-types request,ACK
  -A INPUT -p dccp -m dccp --dccp-types REQUEST,ACK
4 filter -A INPUT -p dccp -m dccp ! --dccp-types INVALID,SYNCACK
  -A INPUT -p dccp -m dccp ! --dccp-types SYNCACK,INVALID
4 filter -A INPUT -p dccp -m dccp --dccp-types x
  refused
4 filter -A INPUT -p dccp -m dccp --dccp-option 5
  =
4 filter -A INPUT -p dccp -m dccp ! --dccp-option 255
  =
4 filter -A INPUT -p dccp -m dccp --dccp-option 0
  refused
4 filter -A INPUT -p udp -m dccp --dport 5
  refused
6 filter -A INPUT -p dccp -m dccp --dport 5
  =
4 filter -A INPUT -p tcp -m tcpmss --mss 5
  =
4 filter -A INPUT -p tcp -m tcpmss ! --mss 5:9
  =
4 filter -A INPUT -p tcp -m tcpmss --mss 9:5
  refused
4 filter -A INPUT -p tcp -m tcpmss --mss 9:
  -A INPUT -p tcp -m tcpmss --mss 9:65535
4 filter -A INPUT -p tcp -m tcpmss --mss 65536
  refused
4 filter -A INPUT -p tcp -m tcpmss
  refused
4 filter -A INPUT -m tcpmss --mss 5
  refused
6 filter -A INPUT -p tcp -m tcpmss --mss 5
  =
4 filter -A INPUT -m devgroup --src-group 5
  -A INPUT -m devgroup --src-group 0x5
4 filter -A INPUT -m devgroup --src-group 0
  -A INPUT -m devgroup --src-group default
4 filter -A INPUT -m devgroup --src-group default
  =
4 filter -A INPUT -m devgroup --src-group 5/7
  -A INPUT -m devgroup --src-group 0x5/0x7
4 filter -A INPUT -m devgroup --src-group 5/0xffffffff
  -A INPUT -m devgroup --src-group 0x5
4 filter -A INPUT -m devgroup --src-group x
  refused
4 filter -A FORWARD -m devgroup ! --dst-group 5 --src-group 3
  -A FORWARD -m devgroup --src-group 0x3 ! --dst-group 0x5
4 filter -A INPUT -m devgroup --dst-group 5
  refused
4 filter -A OUTPUT -m devgroup --src-group 5
  refused
4 filter -A INPUT -m devgroup
  refused
6 filter -A INPUT -m devgroup --src-group 5
  -A INPUT -m devgroup --src-group 0x5
4 filter -A OUTPUT -m cgroup --cgroup 5
  =
4 filter -A OUTPUT -m cgroup ! --cgroup 0x10001
  -A OUTPUT -m cgroup ! --cgroup 65537
4 filter -A OUTPUT -m cgroup --path /
  -A OUTPUT -m cgroup --path "/"
4 filter -A OUTPUT -m cgroup --path / --cgroup 4
  refused
4 filter -A OUTPUT -m cgroup
  refused
4 filter -A FORWARD -m cgroup --cgroup 5
  refused
4 filter -A INPUT -m policy --dir in --pol none
  =
4 filter -A INPUT -m policy --dir in --pol ipsec
  =
4 filter -A INPUT -m policy --dir in
  -A INPUT -m policy --dir in --pol ipsec
4 filter -A INPUT -m policy --pol none
  refused
4 filter -A INPUT -m policy --dir x
  refused
4 filter -A INPUT -m policy --dir out --pol none
  refused
4 filter -A OUTPUT -m policy --dir out --pol ipsec --strict --reqid 5 --spi 0x10 --proto esp --mode tunnel --tunnel-src 10.0.0.1 --tunnel-dst 10.0.0.0/8 --next --reqid 6
  -A OUTPUT -m policy --dir out --pol ipsec --strict --reqid 5 --spi 0x10 --proto esp --mode tunnel --tunnel-dst 10.0.0.0/8 --tunnel-src 10.0.0.1 --next --reqid 6
4 filter -A OUTPUT -m policy --dir out --pol ipsec ! --reqid 5 ! --proto 51
  -A OUTPUT -m policy --dir out --pol ipsec ! --reqid 5 ! --proto ah
4 filter -A OUTPUT -m policy --dir out --pol ipsec --strict
  refused
4 filter -A OUTPUT -m policy --dir out --pol ipsec --strict --reqid 5 --next
  refused
4 filter -A OUTPUT -m policy --dir out --pol ipsec --reqid 5 --next --reqid 6
  refused
4 filter -A OUTPUT -m policy --dir out --pol ipsec --mode transport --tunnel-src 1.2.3.4
  refused
4 filter -A OUTPUT -m policy --dir out --pol ipsec --tunnel-src 1.2.3.4/24
  refused
4 filter -A OUTPUT -m policy --dir out --pol none --strict
  refused
4 filter -A OUTPUT -m policy --dir out --pol none --reqid 4
  -A OUTPUT -m policy --dir out --pol none
4 filter -A OUTPUT -m policy --dir out --pol ipsec --reqid 4 --reqid 5
  refused
6 filter -A OUTPUT -m policy --dir out --pol ipsec --mode tunnel --tunnel-src fd00::1 --tunnel-dst fd00::/64
  -A OUTPUT -m policy --dir out --pol ipsec --mode tunnel --tunnel-dst fd00::/64 --tunnel-src fd00::1
4 filter -A INPUT -m realm --realm 5
  -A INPUT -m realm --realm 0x5
4 filter -A INPUT -m realm ! --realm 0x10/0xf0
  =
4 filter -A INPUT -m realm --realm cosmos
  =
4 filter -A INPUT -m realm --realm 0
  -A INPUT -m realm --realm cosmos
4 filter -A INPUT -m realm --realm x
  refused
4 filter -A INPUT -m realm
  refused
4 mangle -A PREROUTING -m realm --realm 5
  refused
6 filter -A INPUT -m realm --realm 5
  refused
4 mangle -A PREROUTING -m socket
  =
4 mangle -A PREROUTING -m socket --nowildcard --transparent --restore-skmark
  -A PREROUTING -m socket --transparent --nowildcard --restore-skmark
4 mangle -A PREROUTING -m socket ! --transparent
  refused
4 filter -A OUTPUT -m socket
  refused
6 mangle -A PREROUTING -m socket --restore-skmark
  =
4 filter -A INPUT -m connlabel --label 5
  -A INPUT -m connlabel --label "5"
4 filter -A INPUT -m connlabel ! --label 127 --set
  -A INPUT -m connlabel ! --label "127" --set
4 filter -A INPUT -m connlabel --label 128
  refused
4 filter -A INPUT -m connlabel --label foo
  refused
4 filter -A INPUT -m connlabel
  refused
6 filter -A INPUT -m connlabel --label 0x10
  -A INPUT -m connlabel --label "16"
4 filter -A INPUT -m helper --helper ftp
  =
4 filter -A INPUT -m helper ! --helper ftp-2121
  =
4 filter -A INPUT -m helper --helper ""
  =
4 filter -A INPUT -m helper --helper "a b"
  =
4 filter -A INPUT -m helper --helper abcdefghijklmnopqrstuvwxyz0123456789
  -A INPUT -m helper --helper abcdefghijklmnopqrstuvwxyz012
4 filter -A INPUT -m helper
  refused
6 filter -A INPUT -m helper --helper sip
  =
4 filter -A INPUT -m cluster --cluster-total-nodes 2 --cluster-local-node 1 --cluster-hash-seed 5
  -A INPUT -m cluster --cluster-local-nodemask 0x00000001 --cluster-total-nodes 2 --cluster-hash-seed 0x00000005
4 filter -A INPUT -m cluster --cluster-total-nodes 4 ! --cluster-local-node 4 --cluster-hash-seed 0xdeadbeef
  -A INPUT -m cluster ! --cluster-local-nodemask 0x00000008 --cluster-total-nodes 4 --cluster-hash-seed 0xdeadbeef
4 filter -A INPUT -m cluster --cluster-total-nodes 4 --cluster-local-node 5 --cluster-hash-seed 5
  refused
4 filter -A INPUT -m cluster --cluster-total-nodes 4 --cluster-local-nodemask 3 --cluster-hash-seed 5
  -A INPUT -m cluster --cluster-local-nodemask 0x00000003 --cluster-total-nodes 4 --cluster-hash-seed 0x00000005
4 filter -A INPUT -m cluster --cluster-total-nodes 4 --cluster-local-nodemask 16 --cluster-hash-seed 5
  refused
4 filter -A INPUT -m cluster --cluster-total-nodes 33 --cluster-local-nodemask 3 --cluster-hash-seed 5
  refused
4 filter -A INPUT -m cluster --cluster-total-nodes 32 --cluster-local-nodemask 33 --cluster-hash-seed 5
  refused
4 filter -A INPUT -m cluster --cluster-total-nodes 32 --cluster-local-node 32 --cluster-hash-seed 5
  -A INPUT -m cluster --cluster-local-nodemask 0x80000000 --cluster-total-nodes 32 --cluster-hash-seed 0x00000005
4 filter -A INPUT -m cluster --cluster-total-nodes 4 --cluster-local-nodemask 3
  refused
4 filter -A INPUT -m cluster --cluster-total-nodes 4 --cluster-hash-seed 3
  refused
4 filter -A INPUT -m cluster --cluster-total-nodes 4 --cluster-local-nodemask 3 --cluster-local-node 1 --cluster-hash-seed 5
  refused
6 filter -A INPUT -m cluster --cluster-total-nodes 2 --cluster-local-node 1 --cluster-hash-seed 5
  -A INPUT -m cluster --cluster-local-nodemask 0x00000001 --cluster-total-nodes 2 --cluster-hash-seed 0x00000005
4 filter -A INPUT -m string --string x --algo bm
  -A INPUT -m string --string "x" --algo bm
4 filter -A INPUT -m string ! --string "GET /" --algo kmp --from 5 --to 100 --icase
  =
4 filter -A INPUT -m string --string x --algo bm --from 0 --to 65535
  -A INPUT -m string --string "x" --algo bm
4 filter -A INPUT -m string --string x --algo bm --from 9 --to 5
  refused
4 filter -A INPUT -m string --string x --algo xx
  refused
4 filter -A INPUT -m string --string x
  refused
4 filter -A INPUT -m string --algo bm
  refused
4 filter -A INPUT -m string --string "" --algo bm
  refused
4 filter -A INPUT -m string --string "a\"b\\c" --algo bm
  =
4 filter -A INPUT -m string --string "abc\\" --algo bm
  -A INPUT -m string --hex-string "|6162635c|" --algo bm
4 filter -A INPUT -m string --hex-string "|41 42 43|" --algo bm
  -A INPUT -m string --string "ABC" --algo bm
4 filter -A INPUT -m string --hex-string "a|00ff|b" --algo bm
  -A INPUT -m string --hex-string "|6100ff62|" --algo bm
4 filter -A INPUT -m string --hex-string "a|0|" --algo bm
  refused
4 filter -A INPUT -m string --hex-string "a|0g|" --algo bm
  refused
4 filter -A INPUT -m string --hex-string "a\\|b" --algo bm
  -A INPUT -m string --string "a|b" --algo bm
4 filter -A INPUT -m string --hex-string "a|41" --algo bm
  refused
4 filter -A INPUT -m string --hex-string "" --algo bm
  refused
4 filter -A INPUT -m string --hex-string "| 41|" --algo bm
  -A INPUT -m string --string "A" --algo bm
4 filter -A INPUT -m string --hex-string "||" --algo bm
  refused
4 filter -A INPUT -m string --hex-string "abc" --string abc --algo bm
  refused
4 filter -A INPUT -m string --string "é" --algo bm
  -A INPUT -m string --hex-string "|c3a9|" --algo bm
6 filter -A INPUT -m string --string "x y" --algo bm
  =
4 filter -A INPUT -p tcp -m osf --genre Linux
  =
4 filter -A INPUT -p tcp -m osf ! --genre Linux --ttl 1 --log 2
  =
4 filter -A INPUT -p tcp -m osf --genre Linux --ttl 3
  refused
4 filter -A INPUT -p tcp -m osf
  refused
4 filter -A INPUT -m osf --genre Linux
  refused
4 filter -A INPUT -m bpf --bytecode "1,6 0 0 1"
  =
4 filter -A INPUT -m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0"
  =
4 filter -A INPUT -m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0,"
  -A INPUT -m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0"
4 filter -A INPUT -m bpf --bytecode "2,6 0 0 1"
  refused
4 filter -A INPUT -m bpf --bytecode "0,"
  refused
4 filter -A INPUT -m bpf --bytecode "1,6 0 0"
  refused
4 filter -A INPUT -m bpf --bytecode "1,48 0 0 9"
  refused
4 filter -A INPUT -m bpf --bytecode "2,5 0 0 7,6 0 0 1"
  refused
4 filter -A INPUT -m bpf
  refused
6 filter -A INPUT -m ipv6header --header hop
  -A INPUT -m ipv6header --header hop-by-hop
6 filter -A INPUT -m ipv6header --header dst,route,frag,auth,esp,none,prot,hop-by-hop
  -A INPUT -m ipv6header --header hop-by-hop,ipv6-opts,ipv6-route,ipv6-frag,ah,esp,ipv6-nonxt,protocol
6 filter -A INPUT -m ipv6header ! --header 0,60 --soft
  -A INPUT -m ipv6header ! --header hop-by-hop,ipv6-opts --soft
6 filter -A INPUT -m ipv6header ! --header 0,60
  -A INPUT -m ipv6header ! --header hop-by-hop,ipv6-opts
6 filter -A INPUT -m ipv6header --header tcp
  refused
6 filter -A INPUT -m ipv6header --header x
  refused
6 filter -A INPUT -m ipv6header
  refused
6 filter -A INPUT -m frag
  =
6 filter -A INPUT -m frag --fragid 5 --fraglen 6 --fragres --fragfirst --fragmore
  =
6 filter -A INPUT -m frag ! --fragid 5:6 ! --fraglen 6 --fraglast
  =
6 filter -A INPUT -m frag --fragmore --fraglast
  refused
6 filter -A INPUT -m frag --fragid 0:
  -A INPUT -m frag
6 filter -A INPUT -m hbh --hbh-len 5
  =
6 filter -A INPUT -m hbh ! --hbh-len 5 --hbh-opts 1:2,3,0x10:255
  -A INPUT -m hbh ! --hbh-len 5 --hbh-opts 1:2,3,16
6 filter -A INPUT -m hbh --hbh-opts 0:4
  refused
6 filter -A INPUT -m hbh --hbh-opts 0
  =
6 filter -A INPUT -m hbh --hbh-opts 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16
  =
6 filter -A INPUT -m hbh --hbh-opts 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17
  refused
6 filter -A INPUT -m hbh --hbh-opts x
  refused
6 filter -A INPUT -m hbh
  =
6 filter -A INPUT -m dst --dst-len 5
  =
6 filter -A INPUT -m dst ! --dst-len 0 --dst-opts 1:2,300:5
  -A INPUT -m dst ! --dst-len 0 --dst-opts 1:2,44:5
6 filter -A INPUT -m rt --rt-type 0
  =
6 filter -A INPUT -m rt ! --rt-type 2 ! --rt-segsleft 1:3 ! --rt-len 5
  =
6 filter -A INPUT -m rt --rt-type 0 --rt-0-res --rt-0-addrs fd00::1,fd00::2 --rt-0-not-strict
  =
6 filter -A INPUT -m rt --rt-0-res
  refused
6 filter -A INPUT -m rt --rt-type 2 --rt-0-res
  refused
6 filter -A INPUT -m rt --rt-type 0 --rt-0-not-strict
  refused
6 filter -A INPUT -m rt --rt-type 0 --rt-0-addrs fd00::x
  refused
6 filter -A INPUT -m rt
  =
6 filter -A INPUT -p mh -m mh --mh-type 5
  -A INPUT -p mobility-header -m mh --mh-type 5
6 filter -A INPUT -p mh --mh-type bu
  -A INPUT -p mobility-header -m mh --mh-type 5
6 filter -A INPUT -p mh -m mh --mh-type binding-update:ba
  -A INPUT -p mobility-header -m mh --mh-type 5:6
6 filter -A INPUT -p mh -m mh --mh-type home
  -A INPUT -p mobility-header -m mh --mh-type 1
6 filter -A INPUT -p mh -m mh --mh-type hot
  -A INPUT -p mobility-header -m mh --mh-type 3
6 filter -A INPUT -p mh -m mh ! --mh-type 3:
  -A INPUT -p mobility-header -m mh ! --mh-type 3:255
6 filter -A INPUT -p mh -m mh --mh-type 0:255
  -A INPUT -p mobility-header -m mh
6 filter -A INPUT -p mh -m mh --mh-type 5:3
  refused
6 filter -A INPUT -m mh --mh-type 5
  refused
6 filter -A INPUT -m srh --srh-tag 5
  =
6 filter -A INPUT -m srh ! --srh-next-hdr 6 --srh-hdr-len-gt 3 --srh-segs-left-eq 1 --srh-last-entry-lt 5 ! --srh-tag 7
  =
6 filter -A INPUT -m srh --srh-psid fd00::/64 ! --srh-nsid fd00::1 --srh-lsid fd00::5/128
  -A INPUT -m srh --srh-psid fd00::/64 ! --srh-nsid fd00::1/128 --srh-lsid fd00::5/128
6 filter -A INPUT -m srh
  =
6 filter -A INPUT -m eui64
  =
4 filter -A INPUT -m eui64
  refused
4 filter -A INPUT -m frag
  refused
6 filter -A INPUT -p tcp -m eui64 -j DROP
  =
4 filter -A INPUT -m u32 --u32 "0x0=0x0&&0x0=0x1"
  =
4 filter -A INPUT -m u32 ! --u32 " 6 & 0xFF = 1 , 017:0x20 && 0 >> 22 & 0x3C @ 0 >> 24 = 0 "
  -A INPUT -m u32 ! --u32 "0x6&0xff=0x1,0xf:0x20&&0x0>>0x16&0x3c@0x0>>0x18=0x0"
4 filter -A INPUT -m u32 --u32 0=-1
  refused
4 filter -A INPUT -m u32 --u32 "0=+1:0"
  -A INPUT -m u32 --u32 "0x0=0x1:0x0"
4 filter -A INPUT -m u32 --u32 0=-0
  refused
4 filter -A INPUT -m u32 --u32 0=5:3
  -A INPUT -m u32 --u32 "0x0=0x5:0x3"
4 filter -A INPUT -m u32 --u32 0=4294967295
  -A INPUT -m u32 --u32 "0x0=0xffffffff"
4 filter -A INPUT -m u32 --u32 0=4294967296
  refused
4 filter -A INPUT -m u32 --u32 "0&1&2&3&4&5&6&7&8&9=1,2,3,4,5,6,7,8,9,10"
  -A INPUT -m u32 --u32 "0x0&0x1&0x2&0x3&0x4&0x5&0x6&0x7&0x8&0x9=0x1,0x2,0x3,0x4,0x5,0x6,0x7,0x8,0x9,0xa"
4 filter -A INPUT -m u32 --u32 "0&1&2&3&4&5&6&7&8&9&10=1"
  refused
4 filter -A INPUT -m u32 --u32 0=1,2,3,4,5,6,7,8,9,10,11
  refused
4 filter -A INPUT -m u32 --u32 "0=0&&1=0&&2=0&&3=0&&4=0&&5=0&&6=0&&7=0&&8=0&&9=0"
  -A INPUT -m u32 --u32 "0x0=0x0&&0x1=0x0&&0x2=0x0&&0x3=0x0&&0x4=0x0&&0x5=0x0&&0x6=0x0&&0x7=0x0&&0x8=0x0&&0x9=0x0"
4 filter -A INPUT -m u32 --u32 "0<<31=0"
  -A INPUT -m u32 --u32 "0x0<<0x1f=0x0"
4 filter -A INPUT -m u32 --u32 "0<<32=0"
  refused
4 filter -A INPUT -m u32 --u32 "0>>32=0"
  refused
4 filter -A INPUT -m u32 --u32 08=0
  refused
4 filter -A INPUT -m u32 --u32 0x=0
  refused
4 filter -A INPUT -m u32 --u32 ""
  refused
4 filter -A INPUT -m u32 --u32 0
  refused
4 filter -A INPUT -m u32 --u32 0=
  refused
4 filter -A INPUT -m u32 --u32 =0
  refused
4 filter -A INPUT -m u32 --u32 "0=0&1=0"
  refused
4 filter -A INPUT -m u32 --u32 "0=0&&"
  refused
4 filter -A INPUT -m u32 --u32 "0=&&0=0"
  refused
4 filter -A INPUT -m u32 --u32 "0=0 1"
  refused
4 filter -A INPUT -m u32 --u32 "0<1=0"
  refused
4 filter -A INPUT -m u32 --u32 0=0, --u32 0=1
  refused
4 filter -A INPUT -m u32
  refused
6 filter -A INPUT -m u32 --u32 "4>>8&0xFF=6"
  -A INPUT -m u32 --u32 "0x4>>0x8&0xff=0x6"
4 filter -A INPUT -p esp -m esp --espspi ""
  -A INPUT -p esp -m esp --espspi 0
4 filter -A INPUT -p tcp -m tcpmss --mss ""
  -A INPUT -p tcp -m tcpmss --mss 0
4 filter -A INPUT -m length --length ""
  -A INPUT -m length --length 0
6 filter -A INPUT -m frag --fragid ""
  -A INPUT -m frag --fragid 0
4 filter -A INPUT -m conntrack --ctorigsrc 1.2.3.4/24
  =
4 filter -A INPUT -m conntrack --ctorigsrc 6
  -A INPUT -m conntrack --ctorigsrc 0.0.0.6
4 filter -A INPUT -m conntrack --ctrepldst 4294967295
  -A INPUT -m conntrack --ctrepldst 255.255.255.255
6 filter -A INPUT -m conntrack --ctorigsrc fd00::1/64
  =
4 filter -A INPUT -m conntrack --ctorigsrcport 6:5
  =
4 filter -A INPUT -m conntrack --ctrepldstport ""
  -A INPUT -m conntrack --ctrepldstport 0
4 filter -A INPUT -m conntrack --ctexpire 6:5
  =
4 filter -A INPUT -m conntrack --ctexpire ""
  -A INPUT -m conntrack --ctexpire 0
4 filter -A INPUT -p dccp -m dccp --sport http:https
  -A INPUT -p dccp -m dccp --sport 80:443
4 filter -A INPUT -p dccp -m dccp --sport 0x10
  refused
4 filter -A INPUT -p udp -m udp --sport http
  -A INPUT -p udp -m udp --sport 80
4 filter -A INPUT -p udp -m udp --sport 2:1
  =
4 filter -A INPUT -p udp -m udp --dport ""
  -A INPUT -p udp -m udp --dport 0
4 filter -A INPUT -p udp -m udp --dport 0x10
  refused
4 filter -A INPUT -p tcp -m tcp --dport 2:1
  refused
4 filter -A INPUT -p tcp -m osf --genre xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
  -A INPUT -p tcp -m osf --genre xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
4 filter -A INPUT -m string --algo fsm --string x
  refused
4 filter -A INPUT -m bpf --bytecode "2,96 0 0 0,6 0 0 1"
  refused
4 filter -A INPUT -m bpf --bytecode "3,2 0 0 0,96 0 0 0,6 0 0 1"
  =
4 filter -A INPUT -m bpf --bytecode "2,32 0 0 4294963200,6 0 0 1"
  =
4 filter -A INPUT -m bpf --bytecode "2,32 0 0 4294963300,6 0 0 1"
  refused
4 filter -A INPUT -p icmp -m icmp --icmp-type 3/1:2
  -A INPUT -p icmp -m icmp --icmp-type 3/1
6 filter -A INPUT -m srh --srh-psid fd00::1/64
  =
6 filter -A INPUT -m srh --srh-nsid fd00::1/0
  =
4 filter -A INPUT -n
  refused
`
