// pool.js SCALE: a pool of workers that pack and unpack buffers, and a main thread that hands them out.
// What lies outside of the engine's own heap is the allocator's: buffers, zlib's state, messages between threads.
const { Worker, isMainThread, parentPort } = require('worker_threads');
const zlib = require('zlib');

const WORKERS = 2;

function text(seed, length) {
  const lines = [];
  for (let size = 0; size < length; size += lines[lines.length - 1].length) {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    lines.push(JSON.stringify({ id: seed, name: 'item ' + (seed % 997), tags: [seed % 7, seed % 11, 'x'.repeat(seed % 40)] }));
  }
  return lines.join('\n');
}

function work({ seed, length }) {
  const parts = text(seed, length).split('\n').map((line) => Buffer.from(line));
  const packed = zlib.deflateSync(Buffer.concat(parts), { level: 1 });
  const unpacked = zlib.inflateSync(packed);
  return { packed, sum: unpacked.reduce((sum, byte) => (sum + byte) % 65521, 0) };
}

function run(jobs) {
  let next = 0, running = 0, sum = 0;
  const kept = [];
  const give = (worker) => {
    if (next < jobs) {
      running++;
      worker.postMessage({ seed: next, length: 2000 + (next++ * 7919) % 60000 });
    } else {
      worker.terminate();
    }
  };
  for (let i = 0; i < WORKERS; i++) {
    const worker = new Worker(__filename);
    worker.on('message', (result) => {
      running--;
      sum = (sum + result.sum) % 65521;
      kept.push(Buffer.from(result.packed));
      if (kept.length > 500) kept.shift();
      give(worker);
      if (next >= jobs && running === 0) console.log(sum);
    });
    give(worker);
  }
}

if (isMainThread) run(Math.max(1, Math.floor(1500 * parseFloat(process.argv[2] || '1'))));
else parentPort.on('message', (job) => parentPort.postMessage(work(job)));
