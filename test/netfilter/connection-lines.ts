// As target-lines.ts: lines with connbytes and connlimit, and what iptables 1.8.9 made of them.
export const CONNECTION_LINES: string = `
4 filter -A INPUT -m connbytes --connbytes 5 --connbytes-mode avgpkt --connbytes-dir reply
  =
4 filter -A INPUT -m connbytes --connbytes 5 --connbytes-mode packets --connbytes-dir original
  =
4 filter -A INPUT -m connbytes --connbytes 5 --connbytes-mode bytes --connbytes-dir both
  =
4 filter -A INPUT -m connbytes ! --connbytes 5 --connbytes-mode avgpkt --connbytes-dir reply
  =
4 filter -A INPUT -m connbytes --connbytes 5:9 --connbytes-mode avgpkt --connbytes-dir reply
  =
4 filter -A INPUT -m connbytes ! --connbytes 5:9 --connbytes-mode avgpkt --connbytes-dir reply
  =
4 filter -A INPUT -m connbytes --connbytes 5: --connbytes-mode avgpkt --connbytes-dir reply
  -A INPUT -m connbytes --connbytes 5 --connbytes-mode avgpkt --connbytes-dir reply
4 filter -A INPUT -m connbytes --connbytes :9 --connbytes-mode avgpkt --connbytes-dir reply
  -A INPUT -m connbytes --connbytes 0:9 --connbytes-mode avgpkt --connbytes-dir reply
4 filter -A INPUT -m connbytes --connbytes 0 --connbytes-mode avgpkt --connbytes-dir reply
  =
4 filter -A INPUT -m connbytes --connbytes 0:0 --connbytes-mode avgpkt --connbytes-dir reply
  -A INPUT -m connbytes --connbytes 0 --connbytes-mode avgpkt --connbytes-dir reply
4 filter -A INPUT -m connbytes ! --connbytes 0:0 --connbytes-mode avgpkt --connbytes-dir reply
  -A INPUT -m connbytes --connbytes 0 --connbytes-mode avgpkt --connbytes-dir reply
4 filter -A INPUT -m connbytes ! --connbytes 0:9 --connbytes-mode avgpkt --connbytes-dir reply
  =
4 filter -A INPUT -m connbytes --connbytes 4294967295 --connbytes-mode avgpkt --connbytes-dir reply
  =
4 filter -A INPUT -m connbytes --connbytes 0:4294967295 --connbytes-mode avgpkt --connbytes-dir reply
  =
4 filter -A INPUT -m connbytes ! --connbytes 3:4294967296 --connbytes-mode avgpkt --connbytes-dir reply
  =
4 filter -A INPUT -m connbytes --connbytes 5:18446744073709551615 --connbytes-mode avgpkt --connbytes-dir reply
  -A INPUT -m connbytes --connbytes 5 --connbytes-mode avgpkt --connbytes-dir reply
4 filter -A INPUT -m connbytes --connbytes 9:5 --connbytes-mode avgpkt --connbytes-dir reply
  refused
4 filter -A INPUT -m connbytes --connbytes 0x10:020 --connbytes-mode avgpkt --connbytes-dir reply
  -A INPUT -m connbytes --connbytes 16:16 --connbytes-mode avgpkt --connbytes-dir reply
4 filter -A INPUT -m connbytes --connbytes : --connbytes-mode avgpkt --connbytes-dir reply
  -A INPUT -m connbytes --connbytes 0 --connbytes-mode avgpkt --connbytes-dir reply
4 filter -A INPUT -m connbytes ! --connbytes : --connbytes-mode avgpkt --connbytes-dir reply
  -A INPUT -m connbytes ! --connbytes 0 --connbytes-mode avgpkt --connbytes-dir reply
4 filter -A INPUT -m connbytes ! --connbytes 5: --connbytes-mode avgpkt --connbytes-dir reply
  -A INPUT -m connbytes ! --connbytes 5 --connbytes-mode avgpkt --connbytes-dir reply
4 filter -A INPUT -m connbytes --connbytes 18446744073709551616 --connbytes-mode avgpkt --connbytes-dir reply
  refused
4 filter -A INPUT -m connbytes --connbytes -1 --connbytes-mode avgpkt --connbytes-dir reply
  refused
4 filter -A INPUT -m connbytes --connbytes x --connbytes-mode avgpkt --connbytes-dir reply
  refused
4 filter -A INPUT -m connbytes --connbytes 1:2:3 --connbytes-mode avgpkt --connbytes-dir reply
  refused
4 filter -A INPUT -m connbytes --connbytes 5:5 --connbytes-mode avgpkt --connbytes-dir reply
  =
4 filter -A INPUT -m connbytes ! --connbytes 5:5 --connbytes-mode avgpkt --connbytes-dir reply
  -A INPUT -m connbytes --connbytes 5:5 --connbytes-mode avgpkt --connbytes-dir reply
6 mangle -A FORWARD -m connbytes --connbytes 5 --connbytes-dir orig --connbytes-mode packets
  refused
6 mangle -A FORWARD -m connbytes --connbytes 5 --connbytes-dir original --connbytes-mode pack
  refused
6 mangle -A FORWARD -m connbytes --connbytes 5 --connbytes-dir original
  refused
6 mangle -A FORWARD -m connbytes --connbytes 5 --connbytes-mode bytes
  refused
6 mangle -A FORWARD -m connbytes --connbytes-dir both --connbytes-mode bytes
  refused
6 mangle -A FORWARD -m connbytes --connbytes 5 --connbytes 6 --connbytes-dir original --connbytes-mode bytes
  refused
6 mangle -A FORWARD -m connbytes --connbytes-dir both --connbytes-mode packets --connbytes 7:8
  -A FORWARD -m connbytes --connbytes 7:8 --connbytes-mode packets --connbytes-dir both
6 mangle -A FORWARD -m connbytes --connbytes 7:8 ! --connbytes-dir both --connbytes-mode packets
  refused
4 filter -A INPUT -p tcp -m connlimit --connlimit-above 3
  -A INPUT -p tcp -m connlimit --connlimit-above 3 --connlimit-mask 32 --connlimit-saddr
4 filter -A INPUT -p tcp -m connlimit ! --connlimit-above 3
  -A INPUT -p tcp -m connlimit --connlimit-upto 3 --connlimit-mask 32 --connlimit-saddr
4 filter -A INPUT -p tcp -m connlimit --connlimit-upto 3
  -A INPUT -p tcp -m connlimit --connlimit-upto 3 --connlimit-mask 32 --connlimit-saddr
4 filter -A INPUT -p tcp -m connlimit ! --connlimit-upto 3
  -A INPUT -p tcp -m connlimit --connlimit-above 3 --connlimit-mask 32 --connlimit-saddr
4 filter -A INPUT -p tcp -m connlimit --connlimit-above 0
  -A INPUT -p tcp -m connlimit --connlimit-above 0 --connlimit-mask 32 --connlimit-saddr
4 filter -A INPUT -p tcp -m connlimit --connlimit-above 3 --connlimit-mask 24
  -A INPUT -p tcp -m connlimit --connlimit-above 3 --connlimit-mask 24 --connlimit-saddr
4 filter -A INPUT -p tcp -m connlimit --connlimit-above 3 --connlimit-mask 33
  -A INPUT -p tcp -m connlimit --connlimit-above 3 --connlimit-mask 32 --connlimit-saddr
4 filter -A INPUT -p tcp -m connlimit --connlimit-above 3 --connlimit-mask 255.255.0.0
  -A INPUT -p tcp -m connlimit --connlimit-above 3 --connlimit-mask 16 --connlimit-saddr
4 filter -A INPUT -p tcp -m connlimit --connlimit-above 3 --connlimit-mask 255.0.255.0
  -A INPUT -p tcp -m connlimit --connlimit-above 3 --connlimit-mask 32 --connlimit-saddr
4 filter -A INPUT -p tcp -m connlimit --connlimit-above 3 --connlimit-mask 255.0
  -A INPUT -p tcp -m connlimit --connlimit-above 3 --connlimit-mask 8 --connlimit-saddr
4 filter -A INPUT -p tcp -m connlimit --connlimit-above 3 --connlimit-mask 4294967040
  -A INPUT -p tcp -m connlimit --connlimit-above 3 --connlimit-mask 24 --connlimit-saddr
4 filter -A INPUT -p tcp -m connlimit --connlimit-above 3 --connlimit-mask 1.2.3.4.5
  refused
4 filter -A INPUT -p tcp -m connlimit --connlimit-mask 3
  refused
4 filter -A INPUT -p tcp -m connlimit --connlimit-above 4294967296
  refused
4 filter -A INPUT -p tcp -m connlimit --connlimit-above 0x10 --connlimit-mask 0x10
  -A INPUT -p tcp -m connlimit --connlimit-above 16 --connlimit-mask 16 --connlimit-saddr
4 filter -A INPUT -p tcp -m connlimit --connlimit-saddr --connlimit-daddr --connlimit-above 3
  refused
4 filter -A INPUT -p tcp -m connlimit --connlimit-daddr --connlimit-above 3
  -A INPUT -p tcp -m connlimit --connlimit-above 3 --connlimit-mask 32 --connlimit-daddr
4 filter -A INPUT -p tcp -m connlimit --connlimit-above 3 --connlimit-upto 3
  refused
4 filter -A INPUT -p tcp -m connlimit --connlimit-above 3 ! --connlimit-mask 5
  refused
6 raw -A PREROUTING -m connlimit --connlimit-above 3
  -A PREROUTING -m connlimit --connlimit-above 3 --connlimit-mask 128 --connlimit-saddr
6 raw -A PREROUTING -m connlimit --connlimit-upto 4294967295 --connlimit-mask 64 --connlimit-daddr
  =
6 raw -A PREROUTING -m connlimit --connlimit-above 3 --connlimit-mask 129
  refused
6 raw -A PREROUTING -m connlimit --connlimit-above 3 --connlimit-mask ffff:ff00::
  -A PREROUTING -m connlimit --connlimit-above 3 --connlimit-mask 24 --connlimit-saddr
6 raw -A PREROUTING -m connlimit --connlimit-above 3 --connlimit-mask ffff::ffff
  -A PREROUTING -m connlimit --connlimit-above 3 --connlimit-mask 128 --connlimit-saddr
6 raw -A PREROUTING -m connlimit --connlimit-above 3 --connlimit-mask 255.0.0.0
  refused
`
