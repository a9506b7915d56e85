// ONNX's LSTM, of one image: gates in the order input, output, forget, cell; no peepholes.

import { product } from "./convolution.js";

const sigmoid = x => 1 / (1 + Math.exp(-x));

// Run one direction; x: steps * depth numbers. Returns the hidden states and the last cell.
function run(x, steps, weights, recurrent, bias, hidden, cell, backward) {
  const units = hidden.length, gates = 4 * units, depth = x.length / steps;
  const fromInput = new Float32Array(steps * gates), fromState = new Float32Array(gates);
  product(x, weights, null, fromInput, steps, gates, depth);
  const states = new Float32Array(steps * units);
  for (let i = 0; i < steps; i++) {
    const step = backward ? steps - 1 - i : i;
    product(recurrent, hidden, null, fromState, gates, 1, units);
    const gate = k => {
      return fromInput[step * gates + k] + fromState[k] + (bias ? bias[k] + bias[gates + k] : 0);
    };
    const next = new Float32Array(units);
    for (let u = 0; u < units; u++) {
      const kept = sigmoid(gate(2 * units + u)) * cell[u];
      cell[u] = kept + sigmoid(gate(u)) * Math.tanh(gate(3 * units + u));
      next[u] = sigmoid(gate(units + u)) * Math.tanh(cell[u]);
    }
    hidden = next;
    states.set(hidden, step * units);
  }
  return { states, hidden, cell };
}

// Shapes: x [steps, 1, depth]; Y [steps, directions, 1, units]; Y_h, Y_c [directions, 1, units].
export function lstm([x, w, r, b, , h, c], { hidden_size: units, direction = "forward" }) {
  const [steps, , depth] = x.dims, directions = direction === "bidirectional" ? 2 : 1;
  const part = (tensor, d) => {
    const length = tensor ? tensor.data.length / directions : 0;
    return tensor?.data.subarray(d * length, (d + 1) * length);
  };
  const y = new Float32Array(steps * directions * units);
  const last = [new Float32Array(directions * units), new Float32Array(directions * units)];
  for (let d = 0; d < directions; d++) {
    const hidden = part(h, d)?.slice() ?? new Float32Array(units);
    const cell = part(c, d)?.slice() ?? new Float32Array(units);
    const backward = direction === "reverse" || d === 1;
    const done = run(x.data, steps, part(w, d), part(r, d), part(b, d), hidden, cell, backward);
    for (let step = 0; step < steps; step++) {
      const state = done.states.subarray(step * units, (step + 1) * units);
      y.set(state, (step * directions + d) * units);
    }
    last[0].set(done.hidden, d * units);
    last[1].set(done.cell, d * units);
  }
  const dims = [directions, 1, units];
  const tensors = last.map(data => ({ dims, data }));
  return [{ dims: [steps, ...dims], data: y }, ...tensors];
}
