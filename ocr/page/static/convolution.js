// Convolution and matrix product: the work of a network.

import { kernel } from "./kernel.js";

// A function that computes the eight products of two rows with four columns, without WebAssembly.
function plainTile(rows, columns, depth) {
  const sums = new Float64Array(8);
  return (r0, r1, c0, c1, c2, c3) => {
    const a0 = r0 * depth, a1 = r1 * depth;
    const b0 = c0 * depth, b1 = c1 * depth, b2 = c2 * depth, b3 = c3 * depth;
    let s0 = 0, s1 = 0, s2 = 0, s3 = 0, t0 = 0, t1 = 0, t2 = 0, t3 = 0;
    for (let k = 0; k < depth; k++) {
      const x = rows[a0 + k], y = rows[a1 + k];
      const p = columns[b0 + k], q = columns[b1 + k], u = columns[b2 + k], v = columns[b3 + k];
      s0 += x * p; s1 += x * q; s2 += x * u; s3 += x * v;
      t0 += y * p; t1 += y * q; t2 += y * u; t3 += y * v;
    }
    sums.set([s0, s1, s2, s3, t0, t1, t2, t3]);
    return sums;
  };
}

// out[row, column] = bias[row] + sum of rows[row, k] * columns[column, k]. Both lie k by k in
// memory. fixed: the rows are weights, which never change.
export function product(rows, columns, bias, out, height, width, depth, fixed = false) {
  const tile = kernel?.tileOf(rows, columns, depth, fixed) ?? plainTile(rows, columns, depth);
  const last = width - 1;
  for (let r = 0; r < height; r += 2) {
    const below = Math.min(r + 1, height - 1), i = r * width, j = below * width;
    const shift = bias ? bias[r] : 0, shiftBelow = bias ? bias[below] : 0;
    for (let c = 0; c < width; c += 4) {
      const c1 = Math.min(c + 1, last), c2 = Math.min(c + 2, last), c3 = Math.min(c + 3, last);
      const sums = tile(r, below, c, c1, c2, c3);
      out[i + c] = sums[0] + shift;
      out[i + c1] = sums[1] + shift;
      out[i + c2] = sums[2] + shift;
      out[i + c3] = sums[3] + shift;
      out[j + c] = sums[4] + shiftBelow;
      out[j + c1] = sums[5] + shiftBelow;
      out[j + c2] = sums[6] + shiftBelow;
      out[j + c3] = sums[7] + shiftBelow;
    }
  }
}

// [pad before, length of the output] along one side; SAME_UPPER puts the odd pixel behind.
function side(length, kernel, stride, dilation, before, after, autoPad) {
  const reach = (kernel - 1) * dilation + 1;
  if (autoPad === "SAME_UPPER" || autoPad === "SAME_LOWER") {
    const size = Math.ceil(length / stride);
    const pads = Math.max(0, (size - 1) * stride + reach - length);
    return [autoPad === "SAME_UPPER" ? Math.floor(pads / 2) : Math.ceil(pads / 2), size];
  }
  return [before, Math.floor((length + before + after - reach) / stride) + 1];
}

// Where a window moves over an image [1, channels, height, width].
export function windows([, , height, width], attributes) {
  const { kernel_shape: [high, wide], strides = [1, 1], dilations = [1, 1] } = attributes;
  const { pads = [0, 0, 0, 0], auto_pad: auto } = attributes;
  const [top, rows] = side(height, high, strides[0], dilations[0], pads[0], pads[2], auto);
  const [left, columns] = side(width, wide, strides[1], dilations[1], pads[1], pads[3], auto);
  return { high, wide, strides, dilations, top, left, rows, columns };
}

// The pixels under the kernel at each place, a row a place: (rows * columns, channels * kernel).
function gather({ dims: [, channels, height, width], data }, move, first) {
  const { high, wide, strides, dilations, top, left, rows, columns } = move;
  const depth = channels * high * wide, out = new Float32Array(rows * columns * depth);
  for (let c = 0, k = 0; c < channels; c++) {
    const plane = (first + c) * height * width;
    for (let a = 0; a < high; a++) {
      for (let b = 0; b < wide; b++, k++) {
        const down = a * dilations[0] - top, right = b * dilations[1] - left;
        for (let y = 0; y < rows; y++) {
          const row = y * strides[0] + down;
          if (row < 0 || row >= height) continue;
          let at = plane + row * width, i = y * columns * depth + k;
          for (let x = 0, column = right; x < columns; x++, column += strides[1], i += depth) {
            if (column >= 0 && column < width) out[i] = data[at + column];
          }
        }
      }
    }
  }
  return out;
}

// ONNX's Conv of one image; group: so many parts of the channels, each with its own kernels.
export function convolve([image, weights, bias], attributes) {
  const { group = 1 } = attributes, [kernels, channels, ...kernel] = weights.dims;
  const move = windows(image.dims, { kernel_shape: kernel, ...attributes });
  const places = move.rows * move.columns, depth = channels * kernel[0] * kernel[1];
  const each = kernels / group, data = new Float32Array(kernels * places);
  const fixed = weights.fixed && group === 1;
  const part = { dims: [1, channels, ...image.dims.slice(2)], data: image.data };
  for (let g = 0; g < group; g++) {
    const columns = gather(part, move, g * channels);
    const own = () => weights.data.subarray(g * each * depth, (g + 1) * each * depth);
    const shift = bias?.data.subarray(g * each, (g + 1) * each);
    const out = data.subarray(g * each * places, (g + 1) * each * places);
    product(fixed ? weights.data : own(), columns, shift, out, each, places, depth, fixed);
  }
  return [{ dims: [1, kernels, move.rows, move.columns], data }];
}
