#!/usr/bin/env bash
# Node.js: worker threads that hand buffers over, zlib on the thread pool, and npm, a large program. They print what
# they print without loam.
source "$(dirname "$0")/common.sh"
need node npm
bound node node -e 0

cat >workers.mjs <<'JS'
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { fileURLToPath } from 'node:url';

const rounds = 60;

function fill(buffer, seed) {
  for (let i = 0; i < buffer.length; i++) {
    seed = (Math.imul(seed, 1103515245) + 12345) | 0;
    buffer[i] = (seed >>> 16) & 0x3f;
  }
}

// A buffer comes, is packed and unpacked, changed, and goes back.
async function work(message) {
  const { buffer, round } = message;
  const packed = await promisify(zlib.deflate)(buffer);
  const unpacked = await promisify(zlib.inflate)(packed);
  if (Buffer.compare(Buffer.from(buffer), unpacked) !== 0) throw new Error('inflate');
  const strings = [];
  for (let i = 0; i < 2000; i++) strings.push(Buffer.from(`${round}:${i}`.repeat(i % 9)).toString('base64'));
  buffer[0] ^= round;
  Atomics.add(new Int32Array(workerData), 0, strings.join('').length);
  parentPort.postMessage({ buffer, round }, [buffer.buffer]);
}

function run(shared, id) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: shared });
    const hash = createHash('sha256');
    const send = (round) => {
      const buffer = new Uint8Array(200000 + round * 1000);
      fill(buffer, id * 1000 + round);
      worker.postMessage({ buffer, round }, [buffer.buffer]);
    };
    worker.on('message', ({ buffer, round }) => {
      hash.update(buffer);
      if (round < rounds) send(round + 1);
      else worker.terminate().then(() => resolve(hash.digest('hex')));
    });
    worker.on('error', reject);
    send(1);
  });
}

if (isMainThread) {
  const shared = new SharedArrayBuffer(4);
  const hashes = await Promise.all([1, 2, 3, 4].map((id) => run(shared, id)));
  console.log(hashes.join('\n'), new Int32Array(shared)[0]);
} else {
  parentPort.on('message', work);
}
JS
same "the workers' output" "$(node workers.mjs)" "$(on_loam node workers.mjs)"

export npm_config_offline=true npm_config_update_notifier=false npm_config_audit=false npm_config_fund=false

# package LAUNCHER...: make a package, pack it, and install that in another; print what npm says of it.
package() {
    rm -rf package user && mkdir package user
    (cd package && cp ../workers.mjs . && "$@" npm init -y >/dev/null && "$@" npm pack --json)
    (cd user && "$@" npm init -y >/dev/null && "$@" npm install --silent ../package/package-1.0.0.tgz && "$@" npm ls --all)
    "$@" npm --version
}
expected=$(package env)
found=$(package "${launcher[@]}")
same "npm's output" "$expected" "$found"
cmp workers.mjs user/node_modules/package/workers.mjs || fail "what npm installed differs"
echo "node: four worker threads, and npm $(tail -n 1 <<<"$found") init, pack, install and ls; output equal"
