// Lines whose rules need what a new namespace has not: an estimator (what iptables 1.8.9 made of them where there was one),
// IPVS (as its source has it: no kernel at hand had the match).
export const HOST_LINES: string = `
4 mangle -A FORWARD -m rateest --rateest x --rateest-gt --rateest-bps 1000
  -A FORWARD -m rateest --rateest x --rateest-gt --rateest-bps 1000bit
4 mangle -A FORWARD -m rateest --rateest x --rateest-bps 1000 --rateest-gt
  -A FORWARD -m rateest --rateest x --rateest-gt --rateest-bps 1000bit
4 mangle -A FORWARD -m rateest --rateest x --rateest-bps 1000bit --rateest-lt
  -A FORWARD -m rateest --rateest x --rateest-lt --rateest-bps 1000bit
4 mangle -A FORWARD -m rateest --rateest x --rateest-bps2 1mbit ! --rateest-eq
  -A FORWARD -m rateest --rateest x ! --rateest-eq --rateest-bps 1000Kbit
4 mangle -A FORWARD -m rateest --rateest x --rateest-pps 10 --rateest-gt
  -A FORWARD -m rateest --rateest x --rateest-gt --rateest-pps 10
4 mangle -A FORWARD -m rateest --rateest x --rateest-pps1 10 --rateest-pps2 20 --rateest-lt
  -A FORWARD -m rateest --rateest x --rateest-lt --rateest-pps 20
4 mangle -A FORWARD -m rateest --rateest-delta --rateest x --rateest-bps1 1000 --rateest-bps2 2000 --rateest-lt
  -A FORWARD -m rateest --rateest-delta --rateest x --rateest-bps1 1000bit --rateest-lt --rateest-bps2 2000bit
4 mangle -A FORWARD -m rateest --rateest-delta --rateest x --rateest-bps1 1000 --rateest-pps2 2000 --rateest-lt
  stricter
4 mangle -A FORWARD -m rateest --rateest1 x --rateest-bps --rateest-lt --rateest2 y
  -A FORWARD -m rateest --rateest1 x --rateest-lt --rateest-bps --rateest2 y
4 mangle -A FORWARD -m rateest --rateest1 x --rateest-pps --rateest-lt --rateest2 y
  -A FORWARD -m rateest --rateest1 x --rateest-lt --rateest-pps --rateest2 y
4 mangle -A FORWARD -m rateest --rateest1 x --rateest-bps --rateest-pps ! --rateest-gt --rateest2 y
  stricter
4 mangle -A FORWARD -m rateest --rateest-delta --rateest1 x --rateest-bps1 5mbit --rateest-gt --rateest2 y --rateest-bps2 3mbit
  -A FORWARD -m rateest --rateest-delta --rateest1 x --rateest-bps1 5000Kbit --rateest-gt --rateest-bps2 3000Kbit --rateest2 y
4 mangle -A FORWARD -m rateest --rateest x
  refused
4 mangle -A FORWARD -m rateest --rateest x --rateest-bps 1000
  refused
4 mangle -A FORWARD -m rateest --rateest-bps 1000 --rateest-gt
  refused
4 mangle -A FORWARD -m rateest --rateest x --rateest-bps --rateest-gt
  -A FORWARD -m rateest --rateest x --rateest-gt --rateest-bps 0bit
4 mangle -A FORWARD -m rateest --rateest x --rateest-bps 1KiBps --rateest-gt
  -A FORWARD -m rateest --rateest x --rateest-gt --rateest-bps 8192bit
4 mangle -A FORWARD -m rateest --rateest x --rateest-bps 10Tbps --rateest-gt
  -A FORWARD -m rateest --rateest x --rateest-gt --rateest-bps 10529Mbit
4 mangle -A FORWARD -m rateest --rateest x --rateest-bps 8gbit --rateest-gt
  -A FORWARD -m rateest --rateest x --rateest-gt --rateest-bps 8000Mbit
4 mangle -A FORWARD -m rateest --rateest x --rateest-bps abc --rateest-gt
  refused
4 mangle -A FORWARD -m rateest --rateest x --rateest-bps 1000 --rateest-gt --rateest-lt
  -A FORWARD -m rateest --rateest x --rateest-lt --rateest-bps 1000bit
4 mangle -A FORWARD -m rateest --rateest x --rateest-bps 1000 --rateest-gt --rateest-gt
  refused
4 mangle -A FORWARD -m rateest ! --rateest x --rateest-bps 1 --rateest-gt
  refused
4 mangle -A FORWARD -m rateest --rateest x --rateest-pps 5 --rateest-bps 7 --rateest-gt
  stricter
4 mangle -A FORWARD -m rateest --rateest x --rateest-bps 999999 --rateest-gt
  -A FORWARD -m rateest --rateest x --rateest-gt --rateest-bps 999992bit
4 mangle -A FORWARD -m rateest --rateest x --rateest-bps 125000 --rateest-gt
  -A FORWARD -m rateest --rateest x --rateest-gt --rateest-bps 125000bit
4 mangle -A FORWARD -m rateest --rateest x --rateest-bps 124999 --rateest-gt
  -A FORWARD -m rateest --rateest x --rateest-gt --rateest-bps 124992bit
4 mangle -A FORWARD -m rateest --rateest x --rateest-bps 125000000 --rateest-gt
  -A FORWARD -m rateest --rateest x --rateest-gt --rateest-bps 125000Kbit
4 mangle -A FORWARD -m rateest --rateest x --rateest-bps 4294967295 --rateest-gt
  -A FORWARD -m rateest --rateest x --rateest-gt --rateest-bps 4295Mbit
4 mangle -A FORWARD -m rateest --rateest x --rateest-bps 12345678 --rateest-gt
  -A FORWARD -m rateest --rateest x --rateest-gt --rateest-bps 12346Kbit
4 mangle -A INPUT -m ipvs --ipvs
  =
4 mangle -A INPUT -m ipvs ! --ipvs
  =
4 mangle -A INPUT -m ipvs --ipvs --vport http
  -A INPUT -m ipvs --vport 80
4 mangle -A INPUT -m ipvs ! --ipvs --vport 80
  refused
6 mangle -A INPUT -m ipvs --vaddr fd00::1 ! --vport 80 --vdir reply ! --vmethod masq
  -A INPUT -m ipvs --vaddr fd00::1 ! --vport 80 --vdir REPLY ! --vmethod MASQ
4 mangle -A INPUT -m ipvs --vproto tcp ! --vaddr 10.0.0.0/8 --vportctl 21
  -A INPUT -m ipvs --vproto 6 ! --vaddr 10.0.0.0/8 --vportctl 21
4 mangle -A INPUT -m ipvs --vdir sideways
  refused
4 mangle -A INPUT -m ipvs
  refused
`
