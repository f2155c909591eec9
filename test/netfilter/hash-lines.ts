// As target-lines.ts: lines with HMARK, and what iptables 1.8.9 made of them.
export const HASH_LINES: string = `
4 mangle -A PREROUTING -j HMARK --hmark-tuple src,dst --hmark-mod 10 --hmark-rnd 1
  -A PREROUTING -j HMARK --hmark-src-prefix 32 --hmark-dst-prefix 32 --hmark-rnd 0x00000001 --hmark-mod 10
6 mangle -A PREROUTING -j HMARK --hmark-tuple src,dst --hmark-mod 10 --hmark-rnd 1
  -A PREROUTING -j HMARK --hmark-src-prefix 128 --hmark-dst-prefix 128 --hmark-rnd 0x00000001 --hmark-mod 10
4 mangle -A PREROUTING -j HMARK --hmark-tuple src,dst,sport,dport --hmark-mod 10 --hmark-rnd 0xcafe --hmark-offset 100
  -A PREROUTING -j HMARK --hmark-src-prefix 32 --hmark-dst-prefix 32 --hmark-sport-mask 0xffff --hmark-dport-mask 0xffff --hmark-rnd 0x0000cafe --hmark-mod 10 --hmark-offset 100
6 mangle -A PREROUTING -j HMARK --hmark-tuple src,dst,sport,dport --hmark-mod 10 --hmark-rnd 0xcafe --hmark-offset 100
  -A PREROUTING -j HMARK --hmark-src-prefix 128 --hmark-dst-prefix 128 --hmark-sport-mask 0xffff --hmark-dport-mask 0xffff --hmark-rnd 0x0000cafe --hmark-mod 10 --hmark-offset 100
4 mangle -A PREROUTING -j HMARK --hmark-tuple src --hmark-mod 10
  refused
6 mangle -A PREROUTING -j HMARK --hmark-tuple src --hmark-mod 10
  refused
4 mangle -A PREROUTING -j HMARK --hmark-src-prefix 24 --hmark-mod 10 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-src-prefix 24 --hmark-rnd 0x00000001 --hmark-mod 10
6 mangle -A PREROUTING -j HMARK --hmark-src-prefix 24 --hmark-mod 10 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-src-prefix 24 --hmark-rnd 0x00000001 --hmark-mod 10
4 mangle -A PREROUTING -j HMARK --hmark-src-prefix 24 --hmark-dst-prefix 16 --hmark-rnd 7 --hmark-mod 0xff
  -A PREROUTING -j HMARK --hmark-src-prefix 24 --hmark-dst-prefix 16 --hmark-rnd 0x00000007 --hmark-mod 255
6 mangle -A PREROUTING -j HMARK --hmark-src-prefix 24 --hmark-dst-prefix 16 --hmark-rnd 7 --hmark-mod 0xff
  -A PREROUTING -j HMARK --hmark-src-prefix 24 --hmark-dst-prefix 16 --hmark-rnd 0x00000007 --hmark-mod 255
4 mangle -A PREROUTING -j HMARK --hmark-tuple ct,src,dst --hmark-mod 10 --hmark-rnd 1
  -A PREROUTING -j HMARK --hmark-src-prefix 32 --hmark-dst-prefix 32 --hmark-rnd 0x00000001 --hmark-mod 10 --hmark-tuple ct
6 mangle -A PREROUTING -j HMARK --hmark-tuple ct,src,dst --hmark-mod 10 --hmark-rnd 1
  -A PREROUTING -j HMARK --hmark-src-prefix 128 --hmark-dst-prefix 128 --hmark-rnd 0x00000001 --hmark-mod 10 --hmark-tuple ct
4 mangle -A PREROUTING -j HMARK --hmark-tuple ct --hmark-mod 10 --hmark-rnd 1
  -A PREROUTING -j HMARK --hmark-rnd 0x00000001 --hmark-mod 10 --hmark-tuple ct
6 mangle -A PREROUTING -j HMARK --hmark-tuple ct --hmark-mod 10 --hmark-rnd 1
  -A PREROUTING -j HMARK --hmark-rnd 0x00000001 --hmark-mod 10 --hmark-tuple ct
4 mangle -A PREROUTING -j HMARK --hmark-sport-mask 0x12 --hmark-tuple src --hmark-mod 5 --hmark-rnd 2
  -A PREROUTING -j HMARK --hmark-src-prefix 32 --hmark-sport-mask 0x0012 --hmark-rnd 0x00000002 --hmark-mod 5
6 mangle -A PREROUTING -j HMARK --hmark-sport-mask 0x12 --hmark-tuple src --hmark-mod 5 --hmark-rnd 2
  -A PREROUTING -j HMARK --hmark-src-prefix 128 --hmark-sport-mask 0x0012 --hmark-rnd 0x00000002 --hmark-mod 5
4 mangle -A PREROUTING -j HMARK --hmark-dport-mask 0x1234 --hmark-mod 5 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-dport-mask 0x1234 --hmark-rnd 0x00000001 --hmark-mod 5
6 mangle -A PREROUTING -j HMARK --hmark-dport-mask 0x1234 --hmark-mod 5 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-dport-mask 0x1234 --hmark-rnd 0x00000001 --hmark-mod 5
4 mangle -A PREROUTING -j HMARK --hmark-tuple src,spi --hmark-mod 5 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-src-prefix 32 --hmark-spi-mask 0xffffffff --hmark-rnd 0x00000001 --hmark-mod 5
6 mangle -A PREROUTING -j HMARK --hmark-tuple src,spi --hmark-mod 5 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-src-prefix 128 --hmark-spi-mask 0xffffffff --hmark-rnd 0x00000001 --hmark-mod 5
4 mangle -A PREROUTING -j HMARK --hmark-spi-mask 0x12 --hmark-mod 5 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-spi-mask 0x00000012 --hmark-rnd 0x00000001 --hmark-mod 5
6 mangle -A PREROUTING -j HMARK --hmark-spi-mask 0x12 --hmark-mod 5 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-spi-mask 0x00000012 --hmark-rnd 0x00000001 --hmark-mod 5
4 mangle -A PREROUTING -j HMARK --hmark-proto-mask 0x12 --hmark-mod 5 --hmark-tuple src --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-src-prefix 32 --hmark-proto-mask 0x12 --hmark-rnd 0x00000001 --hmark-mod 5
6 mangle -A PREROUTING -j HMARK --hmark-proto-mask 0x12 --hmark-mod 5 --hmark-tuple src --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-src-prefix 128 --hmark-proto-mask 0x12 --hmark-rnd 0x00000001 --hmark-mod 5
4 mangle -A PREROUTING -j HMARK --hmark-tuple src,proto --hmark-mod 5 --hmark-rnd 9
  -A PREROUTING -j HMARK --hmark-src-prefix 32 --hmark-proto-mask 0xffff --hmark-rnd 0x00000009 --hmark-mod 5
6 mangle -A PREROUTING -j HMARK --hmark-tuple src,proto --hmark-mod 5 --hmark-rnd 9
  -A PREROUTING -j HMARK --hmark-src-prefix 128 --hmark-proto-mask 0xffff --hmark-rnd 0x00000009 --hmark-mod 5
4 mangle -A PREROUTING -j HMARK --hmark-sport 5 --hmark-mod 5 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-sport 0x0005 --hmark-rnd 0x00000001 --hmark-mod 5
6 mangle -A PREROUTING -j HMARK --hmark-sport 5 --hmark-mod 5 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-sport 0x0005 --hmark-rnd 0x00000001 --hmark-mod 5
4 mangle -A PREROUTING -j HMARK --hmark-dport 80 --hmark-sport 8 --hmark-mod 5 --hmark-tuple dst --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-dst-prefix 32 --hmark-sport 0x0008 --hmark-dport 0x0050 --hmark-rnd 0x00000001 --hmark-mod 5
6 mangle -A PREROUTING -j HMARK --hmark-dport 80 --hmark-sport 8 --hmark-mod 5 --hmark-tuple dst --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-dst-prefix 128 --hmark-sport 0x0008 --hmark-dport 0x0050 --hmark-rnd 0x00000001 --hmark-mod 5
4 mangle -A PREROUTING -j HMARK --hmark-spi 5 --hmark-mod 2 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-spi 0x00000005 --hmark-rnd 0x00000001 --hmark-mod 2
6 mangle -A PREROUTING -j HMARK --hmark-spi 5 --hmark-mod 2 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-spi 0x00000005 --hmark-rnd 0x00000001 --hmark-mod 2
4 mangle -A PREROUTING -j HMARK --hmark-spi 5 --hmark-mod 2 --hmark-tuple spi --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-spi-mask 0xffffffff --hmark-spi 0x00000005 --hmark-rnd 0x00000001 --hmark-mod 2
6 mangle -A PREROUTING -j HMARK --hmark-spi 5 --hmark-mod 2 --hmark-tuple spi --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-spi-mask 0xffffffff --hmark-spi 0x00000005 --hmark-rnd 0x00000001 --hmark-mod 2
4 mangle -A PREROUTING -j HMARK --hmark-mod 0 --hmark-tuple src --hmark-rnd 0x1
  refused
6 mangle -A PREROUTING -j HMARK --hmark-mod 0 --hmark-tuple src --hmark-rnd 0x1
  refused
4 mangle -A PREROUTING -j HMARK --hmark-tuple src --hmark-rnd 0x1
  refused
6 mangle -A PREROUTING -j HMARK --hmark-tuple src --hmark-rnd 0x1
  refused
4 mangle -A PREROUTING -j HMARK --hmark-mod 5 --hmark-rnd 0x1
  refused
6 mangle -A PREROUTING -j HMARK --hmark-mod 5 --hmark-rnd 0x1
  refused
4 mangle -A PREROUTING -j HMARK --hmark-tuple src --hmark-mod 1 --hmark-offset 4294967295 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-src-prefix 32 --hmark-rnd 0x00000001 --hmark-mod 1 --hmark-offset 4294967295
6 mangle -A PREROUTING -j HMARK --hmark-tuple src --hmark-mod 1 --hmark-offset 4294967295 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-src-prefix 128 --hmark-rnd 0x00000001 --hmark-mod 1 --hmark-offset 4294967295
4 mangle -A PREROUTING -j HMARK --hmark-src-prefix 33 --hmark-mod 2 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-src-prefix 32 --hmark-rnd 0x00000001 --hmark-mod 2
6 mangle -A PREROUTING -j HMARK --hmark-src-prefix 33 --hmark-mod 2 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-src-prefix 33 --hmark-rnd 0x00000001 --hmark-mod 2
4 mangle -A PREROUTING -j HMARK --hmark-src-prefix 0 --hmark-mod 2 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-src-prefix 0 --hmark-rnd 0x00000001 --hmark-mod 2
6 mangle -A PREROUTING -j HMARK --hmark-src-prefix 0 --hmark-mod 2 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-src-prefix 0 --hmark-rnd 0x00000001 --hmark-mod 2
4 mangle -A PREROUTING -j HMARK --hmark-src-prefix 255.255.0.0 --hmark-mod 2 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-src-prefix 16 --hmark-rnd 0x00000001 --hmark-mod 2
6 mangle -A PREROUTING -j HMARK --hmark-src-prefix 255.255.0.0 --hmark-mod 2 --hmark-rnd 0x1
  refused
4 mangle -A PREROUTING -j HMARK --hmark-src-prefix 255.0.255.0 --hmark-mod 2 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-src-prefix 32 --hmark-rnd 0x00000001 --hmark-mod 2
6 mangle -A PREROUTING -j HMARK --hmark-src-prefix 255.0.255.0 --hmark-mod 2 --hmark-rnd 0x1
  refused
4 mangle -A PREROUTING -j HMARK --hmark-tuple src,foo --hmark-mod 2 --hmark-rnd 0x1
  refused
6 mangle -A PREROUTING -j HMARK --hmark-tuple src,foo --hmark-mod 2 --hmark-rnd 0x1
  refused
4 mangle -A PREROUTING -j HMARK --hmark-tuple sport,dport --hmark-mod 2 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-sport-mask 0xffff --hmark-dport-mask 0xffff --hmark-rnd 0x00000001 --hmark-mod 2
6 mangle -A PREROUTING -j HMARK --hmark-tuple sport,dport --hmark-mod 2 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-sport-mask 0xffff --hmark-dport-mask 0xffff --hmark-rnd 0x00000001 --hmark-mod 2
4 mangle -A PREROUTING -j HMARK --hmark-tuple src --hmark-src-prefix 8 --hmark-mod 3 --hmark-rnd 0x1
  refused
6 mangle -A PREROUTING -j HMARK --hmark-tuple src --hmark-src-prefix 8 --hmark-mod 3 --hmark-rnd 0x1
  refused
4 mangle -A PREROUTING -j HMARK --hmark-src-prefix 8 --hmark-tuple src --hmark-mod 3 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-src-prefix 32 --hmark-rnd 0x00000001 --hmark-mod 3
6 mangle -A PREROUTING -j HMARK --hmark-src-prefix 8 --hmark-tuple src --hmark-mod 3 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-src-prefix 128 --hmark-rnd 0x00000001 --hmark-mod 3
4 mangle -A PREROUTING -j HMARK --hmark-tuple src --hmark-mod 3 --hmark-mod 4 --hmark-rnd 0x1
  refused
6 mangle -A PREROUTING -j HMARK --hmark-tuple src --hmark-mod 3 --hmark-mod 4 --hmark-rnd 0x1
  refused
4 mangle -A PREROUTING -j HMARK --hmark-tuple spi,sport --hmark-mod 3 --hmark-rnd 0
  refused
6 mangle -A PREROUTING -j HMARK --hmark-tuple spi,sport --hmark-mod 3 --hmark-rnd 0
  refused
4 mangle -A PREROUTING -j HMARK --hmark-spi-mask 1 --hmark-sport-mask 3 --hmark-mod 3 --hmark-rnd 0x1
  refused
6 mangle -A PREROUTING -j HMARK --hmark-spi-mask 1 --hmark-sport-mask 3 --hmark-mod 3 --hmark-rnd 0x1
  refused
4 mangle -A PREROUTING -j HMARK --hmark-spi 1 --hmark-dport 3 --hmark-mod 3 --hmark-rnd 0x1
  refused
6 mangle -A PREROUTING -j HMARK --hmark-spi 1 --hmark-dport 3 --hmark-mod 3 --hmark-rnd 0x1
  refused
4 mangle -A PREROUTING -j HMARK --hmark-tuple SRC,Dst --hmark-mod 3 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-src-prefix 32 --hmark-dst-prefix 32 --hmark-rnd 0x00000001 --hmark-mod 3
6 mangle -A PREROUTING -j HMARK --hmark-tuple SRC,Dst --hmark-mod 3 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-src-prefix 128 --hmark-dst-prefix 128 --hmark-rnd 0x00000001 --hmark-mod 3
4 mangle -A PREROUTING -j HMARK --hmark-tuple s,d,p --hmark-mod 3 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-src-prefix 32 --hmark-dst-prefix 32 --hmark-proto-mask 0xffff --hmark-rnd 0x00000001 --hmark-mod 3
6 mangle -A PREROUTING -j HMARK --hmark-tuple s,d,p --hmark-mod 3 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-src-prefix 128 --hmark-dst-prefix 128 --hmark-proto-mask 0xffff --hmark-rnd 0x00000001 --hmark-mod 3
4 mangle -A PREROUTING -j HMARK --hmark-tuple sp --hmark-mod 3 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-sport-mask 0xffff --hmark-rnd 0x00000001 --hmark-mod 3
6 mangle -A PREROUTING -j HMARK --hmark-tuple sp --hmark-mod 3 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-sport-mask 0xffff --hmark-rnd 0x00000001 --hmark-mod 3
4 mangle -A PREROUTING -j HMARK --hmark-tuple src, --hmark-mod 3 --hmark-rnd 0x1
  refused
6 mangle -A PREROUTING -j HMARK --hmark-tuple src, --hmark-mod 3 --hmark-rnd 0x1
  refused
4 mangle -A PREROUTING -j HMARK --hmark-tuple ,src --hmark-mod 3 --hmark-rnd 0x1
  refused
6 mangle -A PREROUTING -j HMARK --hmark-tuple ,src --hmark-mod 3 --hmark-rnd 0x1
  refused
4 mangle -A PREROUTING -j HMARK --hmark-tuple src --hmark-tuple dst --hmark-mod 3 --hmark-rnd 0x1
  refused
6 mangle -A PREROUTING -j HMARK --hmark-tuple src --hmark-tuple dst --hmark-mod 3 --hmark-rnd 0x1
  refused
4 mangle -A PREROUTING -j HMARK --hmark-offset 0 --hmark-tuple src --hmark-mod 3 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-src-prefix 32 --hmark-rnd 0x00000001 --hmark-mod 3 --hmark-offset 0
6 mangle -A PREROUTING -j HMARK --hmark-offset 0 --hmark-tuple src --hmark-mod 3 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-src-prefix 128 --hmark-rnd 0x00000001 --hmark-mod 3 --hmark-offset 0
4 mangle -A PREROUTING -j HMARK --hmark-sport-mask 65536 --hmark-mod 3 --hmark-rnd 0x1
  refused
6 mangle -A PREROUTING -j HMARK --hmark-sport-mask 65536 --hmark-mod 3 --hmark-rnd 0x1
  refused
4 mangle -A PREROUTING -j HMARK --hmark-proto-mask 0x1ff --hmark-mod 3 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-proto-mask 0x1ff --hmark-rnd 0x00000001 --hmark-mod 3
6 mangle -A PREROUTING -j HMARK --hmark-proto-mask 0x1ff --hmark-mod 3 --hmark-rnd 0x1
  -A PREROUTING -j HMARK --hmark-proto-mask 0x1ff --hmark-rnd 0x00000001 --hmark-mod 3
4 mangle -A PREROUTING -j HMARK ! --hmark-mod 3 --hmark-tuple src --hmark-rnd 0x1
  refused
6 mangle -A PREROUTING -j HMARK ! --hmark-mod 3 --hmark-tuple src --hmark-rnd 0x1
  refused
4 filter -A INPUT -j HMARK --hmark-tuple src --hmark-mod 3 --hmark-rnd 0x1
  -A INPUT -j HMARK --hmark-src-prefix 32 --hmark-rnd 0x00000001 --hmark-mod 3
4 nat -A POSTROUTING -p tcp -j HMARK --hmark-tuple src --hmark-mod 3 --hmark-rnd 0x1
  -A POSTROUTING -p tcp -j HMARK --hmark-src-prefix 32 --hmark-rnd 0x00000001 --hmark-mod 3
`
