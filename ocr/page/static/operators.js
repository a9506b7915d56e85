// The operators of ONNX that the readers' networks have, for one image: f([tensors], attributes)
// gives [tensors]. Numbers of a network are Float32Arrays; shapes, which it also computes, are
// arrays of whole numbers.

import { convolve, product, windows } from "./convolution.js";
import { lstm } from "./lstm.js";

const size = dims => dims.reduce((a, b) => a * b, 1);

function strides(dims) {
  const steps = dims.map(() => 1);
  for (let i = dims.length - 2; i >= 0; i--) steps[i] = steps[i + 1] * dims[i + 1];
  return steps;
}

// Copy values in the order of new dims; steps: how far apart they lie in the source, along each.
function arrange(data, dims, steps, start = 0) {
  const out = new data.constructor(size(dims)), last = dims.length - 1;
  let k = 0;
  const walk = (axis, from) => {
    for (let i = 0; i < dims[axis]; i++, from += steps[axis]) {
      if (axis === last) out[k++] = data[from];
      else walk(axis + 1, from);
    }
  };
  if (dims.length) walk(0, start);
  else out[0] = data[start];
  return { dims, data: out };
}

// The shape that two shapes are stretched to, see ONNX's "broadcasting".
function common(a, b) {
  const rank = Math.max(a.length, b.length), at = (dims, i) => dims[dims.length - rank + i] ?? 1;
  return Array.from({ length: rank }, (_, i) => (at(a, i) === 1 ? at(b, i) : at(a, i)));
}

// Stretch a tensor to dims, which end as its own or have where it has 1.
function stretch(tensor, wanted) {
  const { dims, data } = tensor;
  if (dims.length === wanted.length && dims.every((n, i) => n === wanted[i])) return tensor;
  const own = [...Array(wanted.length - dims.length).fill(1), ...dims], steps = strides(own);
  return arrange(data, wanted, steps.map((step, i) => (own[i] === 1 ? 0 : step)));
}

function elementwise(compute) {
  return ([a, b]) => {
    const dims = common(a.dims, b.dims), x = stretch(a, dims).data, y = stretch(b, dims).data;
    const out = new Float32Array(x.length);
    for (let i = 0; i < out.length; i++) out[i] = compute(x[i], y[i]);
    return [{ dims, data: out }];
  };
}

function reshape([{ dims, data }, { data: wanted }]) {
  const shape = Array.from(wanted, (n, i) => (n === 0 ? dims[i] : n)), free = shape.indexOf(-1);
  if (free >= 0) shape[free] = size(dims) / -size(shape);
  return [{ dims: shape, data }];
}

function transpose([{ dims, data }], { perm = dims.map((_, i) => dims.length - 1 - i) }) {
  const steps = strides(dims);
  return [arrange(data, perm.map(axis => dims[axis]), perm.map(axis => steps[axis]))];
}

const turned = new WeakMap();  // the weights of products, transposed once

function transposed(tensor) {
  if (turned.has(tensor)) return turned.get(tensor);
  const [{ data }] = transpose([tensor], { perm: [1, 0] });
  if (tensor.fixed) turned.set(tensor, data);
  return data;
}

function matMul([a, b]) {
  const depth = a.dims.at(-1), width = b.dims.at(-1), height = size(a.dims) / depth;
  const data = new Float32Array(height * width), found = new Float32Array(height * width);
  product(transposed(b), a.data, null, found, width, height, depth, b.fixed);
  for (let i = 0; i < data.length; i++) data[i] = found[i % width * height + Math.floor(i / width)];
  return [{ dims: [...a.dims.slice(0, -1), width], data }];
}

function gather([{ dims, data }, indices], { axis = 0 }) {
  const before = size(dims.slice(0, axis)), after = size(dims.slice(axis + 1)), out = [];
  for (let i = 0; i < before; i++) {
    for (const index of indices.data) {
      const at = (i * dims[axis] + (index < 0 ? index + dims[axis] : index)) * after;
      out.push(...data.slice(at, at + after));
    }
  }
  const shape = [...dims.slice(0, axis), ...indices.dims, ...dims.slice(axis + 1)];
  return [{ dims: shape, data: data.constructor.from(out) }];
}

function slice([{ dims, data }, starts, ends, axes, jumps]) {
  const shape = [...dims], steps = strides(dims);
  let start = 0;
  starts.data.forEach((from, i) => {
    const axis = axes ? (axes.data[i] + dims.length) % dims.length : i, length = dims[axis];
    const jump = jumps ? jumps.data[i] : 1, low = jump < 0 ? -1 : 0;
    const inside = place => {
      return Math.max(low, Math.min(place < 0 ? place + length : place, length + low));
    };
    start += inside(from) * steps[axis];
    shape[axis] = Math.max(0, Math.ceil((inside(ends.data[i]) - inside(from)) / jump));
    steps[axis] *= jump;
  });
  return [arrange(data, shape, steps, start)];
}

function concat(tensors, { axis }) {
  const { dims, data } = tensors[0], at = (axis + dims.length) % dims.length;
  const total = tensors.reduce((sum, tensor) => sum + size(tensor.dims), 0);
  const shape = [...dims], out = new data.constructor(total);
  shape[at] = tensors.reduce((sum, tensor) => sum + tensor.dims[at], 0);
  const lengths = tensors.map(tensor => size(tensor.dims.slice(at)));
  for (let block = 0, k = 0; block < size(dims.slice(0, at)); block++) {
    tensors.forEach((tensor, t) => {
      for (let i = 0; i < lengths[t]; i++) out[k++] = tensor.data[block * lengths[t] + i];
    });
  }
  return [{ dims: shape, data: out }];
}

function unsqueeze([{ dims, data }, axes]) {
  const rank = dims.length + axes.data.length, rest = [...dims];
  const added = new Set(Array.from(axes.data, axis => (axis + rank) % rank));
  const shape = Array.from({ length: rank }, (_, i) => (added.has(i) ? 1 : rest.shift()));
  return [{ dims: shape, data }];
}

function squeeze([{ dims, data }, axes]) {
  const gone = axes && Array.from(axes.data, axis => (axis + dims.length) % dims.length);
  return [{ dims: dims.filter((n, i) => (gone ? !gone.includes(i) : n !== 1)), data }];
}

function globalAveragePool([{ dims, data }]) {
  const area = size(dims.slice(2)), out = new Float32Array(dims[1]);
  data.forEach((value, i) => { out[Math.floor(i / area)] += value / area; });
  return [{ dims: [1, dims[1], ...dims.slice(2).map(() => 1)], data: out }];
}

function maxPool([image], attributes) {
  const move = windows(image.dims, attributes), { high, wide, dilations, top, left } = move;
  const { rows, columns, strides: [down, right] } = move;
  const [, channels, height, width] = image.dims, out = new Float32Array(channels * rows * columns);
  for (let c = 0, k = 0; c < channels; c++) {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++, k++) {
        let most = -Infinity;
        for (let a = 0; a < high; a++) {
          for (let b = 0; b < wide; b++) {
            const row = y * down + a * dilations[0] - top;
            const column = x * right + b * dilations[1] - left;
            const inside = row >= 0 && row < height && column >= 0 && column < width;
            if (inside) most = Math.max(most, image.data[(c * height + row) * width + column]);
          }
        }
        out[k] = most;
      }
    }
  }
  return [{ dims: [1, channels, rows, columns], data: out }];
}

function each(compute) {
  return ([{ dims, data }]) => {
    const out = new Float32Array(data.length);
    for (let i = 0; i < out.length; i++) out[i] = compute(data[i]);
    return [{ dims, data: out }];
  };
}

export const OPERATORS = {
  Add: elementwise((a, b) => a + b),
  Cast: ([tensor]) => [tensor],  // of shapes, from one kind of whole numbers to another
  Concat: concat,
  Conv: convolve,
  Div: elementwise((a, b) => a / b),
  Expand: ([tensor, { data }]) => [stretch(tensor, common(tensor.dims, data))],
  Gather: gather,
  GlobalAveragePool: globalAveragePool,
  Identity: ([tensor]) => [tensor],
  LSTM: lstm,
  MatMul: matMul,
  MaxPool: maxPool,
  Mul: elementwise((a, b) => a * b),
  Relu: each(value => (value > 0 ? value : 0)),
  Reshape: reshape,
  Shape: ([{ dims }]) => [{ dims: [dims.length], data: dims }],
  Sigmoid: each(value => 1 / (1 + Math.exp(-value))),
  Slice: slice,
  Squeeze: squeeze,
  Sub: elementwise((a, b) => a - b),
  Tanh: each(Math.tanh),
  Transpose: transpose,
  Unsqueeze: unsqueeze,
};
