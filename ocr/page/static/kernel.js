// The inner loop of a network in WebAssembly with SIMD, assembled here: eight dot products at a
// time, of two rows with four columns. Where a browser has none of it, convolution.js does without.

const [I32, V128] = [0x7f, 0x7b];
const [ADDRESSES, COUNT, OUT, SUMS, LOADED] = [0, 6, 7, 8, 16];  // the function's local variables
const get = local => [0x20, local], set = local => [0x21, local];
const number = value => [0x41, value];  // up to 63
const load = [0xfd, 0x00, 4, 0], multiply = [0xfd, 0xe6, 1], add = [0xfd, 0xe4, 1];
const lane = i => [0xfd, 0x1f, i], addOne = [0x92], store = offset => [0x38, 2, offset];
const [addWhole, subtractWhole] = [0x6a, 0x6b];
const [LOOP, NOTHING, AGAIN_IF, END] = [0x03, 0x40, 0x0d, 0x0b];
const times = (count, code) => Array.from({ length: count }, (_, i) => code(i)).flat(2);

// tile(row, row, column, column, column, column, count, out): the addresses of the vectors, how
// many groups of four numbers they have, the address of the eight sums.
const tile = [
  LOOP, NOTHING,
  ...times(6, i => [get(ADDRESSES + i), load, set(LOADED + i)]),
  ...times(6, i => [get(ADDRESSES + i), number(16), addWhole, set(ADDRESSES + i)]),
  ...times(8, i => [
    get(SUMS + i), get(LOADED + (i >> 2)), get(LOADED + 2 + i % 4), multiply, add, set(SUMS + i),
  ]),
  ...get(COUNT), ...number(1), subtractWhole, ...set(COUNT), ...get(COUNT), AGAIN_IF, 0, END,
  ...times(8, i => [
    get(OUT), get(SUMS + i), lane(0), get(SUMS + i), lane(1), addOne,
    get(SUMS + i), lane(2), addOne, get(SUMS + i), lane(3), addOne, store(4 * i),
  ]),
  END,
];

// Lengths in LEB128, of up to 14 bits.
const sized = bytes => [bytes.length & 127 | 128, bytes.length >> 7, ...bytes];
const section = (id, bytes) => [id, ...sized(bytes)];
const text = word => [word.length, ...[...word].map(letter => letter.charCodeAt(0))];

const MODULE = Uint8Array.from([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,                              // "\0asm", version 1
  ...section(1, [1, 0x60, 8, ...Array(8).fill(I32), 0]),        // type: eight numbers, no result
  ...section(2, [1, ...text("page"), ...text("memory"), 2, 0, 1]),  // import: the memory
  ...section(3, [1, 0]),                                        // one function, of that type
  ...section(7, [1, ...text("tile"), 0, 0]),                    // its name
  ...section(10, [1, ...sized([1, 14, V128, ...tile])]),        // its variables, its code
]);

const PAGE = 65536;  // bytes
const FIRST = 64;    // address of the first vector, after the sums

// Memory of WebAssembly with the vectors of products: weights stay, others are put after them.
class Kernel {
  constructor() {
    this.memory = new WebAssembly.Memory({ initial: 16 });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(MODULE), {
      page: { memory: this.memory },
    });
    this.tile = instance.exports.tile;
    this.heap = new Float32Array(this.memory.buffer);
    this.end = FIRST;
    this.addresses = new WeakMap();
  }

  // Copy vectors of `depth` numbers to an address, each filled up with zeros to groups of four.
  copy(vectors, depth, address) {
    const step = depth + 3 & ~3, count = vectors.length / depth, end = address + 4 * count * step;
    if (end > this.memory.buffer.byteLength) {
      this.memory.grow(Math.ceil((end - this.memory.buffer.byteLength) / PAGE));
      this.heap = new Float32Array(this.memory.buffer);
    }
    const to = this.heap.subarray(address >> 2, end >> 2);
    if (step === depth) {
      to.set(vectors);
    } else {
      to.fill(0);
      for (let i = 0; i < count; i++) {
        to.set(vectors.subarray(i * depth, (i + 1) * depth), i * step);
      }
    }
    return end + 15 & ~15;
  }

  // The address of weights, which are copied when they are first asked for.
  addressOf(weights, depth) {
    if (!this.addresses.has(weights)) {
      this.addresses.set(weights, this.end);
      this.end = this.copy(weights, depth, this.end);
    }
    return this.addresses.get(weights);
  }

  // A function that computes the eight products of two rows with four columns.
  tileOf(rows, columns, depth, fixed) {
    const first = fixed ? this.addressOf(rows, depth) : this.end;
    const second = fixed ? this.end : this.copy(rows, depth, first);
    this.copy(columns, depth, second);
    const groups = depth + 3 >> 2, step = 16 * groups, { tile, heap } = this;
    return (r0, r1, c0, c1, c2, c3) => {
      tile(
        first + r0 * step, first + r1 * step, second + c0 * step, second + c1 * step,
        second + c2 * step, second + c3 * step, groups, 0);
      return heap;
    };
  }
}

function start() {
  try {
    return new Kernel();
  } catch {
    return null;  // no WebAssembly, or none with SIMD
  }
}

export const kernel = start();
