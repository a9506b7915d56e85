// Unpack the graph that ocr/page/graph.py writes: its tensors, out of a text in base64.

function bytesOf(base64) {
  const letters = atob(base64), bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes.buffer;
}

// Whole numbers of 16 bits, with a scale for each block of them.
function unpackBlocks(buffer, at, count, block) {
  const scales = new Float32Array(buffer, at, Math.ceil(count / block));
  const whole = new Int16Array(buffer, at + scales.byteLength, count);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = whole[i] * scales[Math.floor(i / block)];
  return values;
}

// Tensors as network.js takes them; fixed: they never change.
export function unpack({ weights, tensors, ...graph }) {
  const buffer = bytesOf(weights), unpacked = {};
  for (const [name, { dims, ints, at, block }] of Object.entries(tensors)) {
    const count = dims.reduce((a, b) => a * b, 1);
    let data = ints;
    if (!ints) {
      data = block ? unpackBlocks(buffer, at, count, block) : new Float32Array(buffer, at, count);
    }
    unpacked[name] = { dims, data, fixed: true };
  }
  return { ...graph, tensors: unpacked };
}
