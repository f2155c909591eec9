#!/usr/bin/env bash
# What takes longer than the gate allows: long property runs, planted faults, the whole bench. Needs what the gate
# needs. FC_RUNS, FAULTS, IMAGES, FUZZ_SECONDS and SWAP_RUNS set how long; FUZZ_SEEDS is a folder of more rule files.
set -euo pipefail
cd "$(dirname "$0")/.."
npm run -s wasm
FC_RUNS=${FC_RUNS:-10000} node --import tsx test/run.ts property/engine-reference property/invariance property/service-promise property/swaps
node --import tsx test/fuzz/damage-images.ts "${IMAGES:-1000000}" "${FC_SEED:-$RANDOM}"
node --import tsx test/fuzz/damage-inputs.ts "${FUZZ_SECONDS:-3600}" "${FC_SEED:-$RANDOM}"
SWAP_RUNS=${SWAP_RUNS:-200} node --import tsx test/run.ts kernel/swap
node --import tsx scripts/mutate-wasm.mjs --count "${FAULTS:-300}"
# The kernel: random cases of its own, and those of another generator whose folder ORACLE names.
for seed in ${KERNEL_SEEDS:-1 2 3 4}; do
  node --import tsx test/kernel/run.ts --cases "${KERNEL_CASES:-500}" --seed "$seed" --table
done
node --import tsx test/kernel/run.ts --cases 40 --seed 5 --repeat 20
if [ -n "${ORACLE:-}" ]; then
  cases=$(mktemp -d)
  trap 'rm -rf "$cases"' EXIT
  for kind in generic kube; do
    for family in 4 6; do
      python3 "$ORACLE"/gen.py --seed "${FC_SEED:-1}" --kind $kind --family $family --count "${ORACLE_CASES:-500}" --packets 100 --out "$cases/$kind$family"
    done
  done
  find "$cases" -name host.json -printf '%h\n' | while read -r case; do
    python3 "$ORACLE"/oracle.py run "$case" --ct --trace --out "$case/expect.jsonl"
  done
  npm run -s test:conformance -- "$cases"
else
  echo "skipped: cases of another generator; ORACLE names its folder"
fi
npm run -s bench
