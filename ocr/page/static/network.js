// Run the graph of a model.onnx, one image at a time. A tensor is {dims, data}.
//
// graph: {input, output, nodes: [{op, inputs, outputs, attributes}], tensors: {name: tensor}}, as
// ocr/page/graph.py writes it; the nodes are in an order in which they can run.

import { OPERATORS } from "./operators.js";

export class Network {
  constructor(graph) {
    this.graph = graph;
    this.lastUse = new Map();  // of each value that is not a weight: the number of a node
    graph.nodes.forEach((node, i) => {
      for (const name of node.inputs) if (!(name in graph.tensors)) this.lastUse.set(name, i);
    });
    this.lastUse.set(graph.output, Infinity);
  }

  // image: Float32Array of shape dims, [1, height, width, channels].
  logits(image, dims) {
    const { input, output, nodes, tensors } = this.graph;
    const values = new Map([[input, { dims, data: image }]]);
    nodes.forEach((node, i) => {
      const given = node.inputs.map(name => tensors[name] ?? values.get(name));
      const made = OPERATORS[node.op](given, node.attributes);
      node.outputs.forEach((name, k) => values.set(name, made[k]));
      for (const name of node.inputs) if (this.lastUse.get(name) === i) values.delete(name);
    });
    return values.get(output);
  }
}
