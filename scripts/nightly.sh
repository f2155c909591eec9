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
npm run -s bench
