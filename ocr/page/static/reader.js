// A reader: from a picture to a reading. It is what ocr/page/graph.py and page.py write into the
// page: {contract, networks: [graph]}; an ensemble has several networks.

import { logSoftmax } from "./ctc.js";
import { CharacterDecoder, judge, StringDecoder } from "./decoders.js";
import { narrow, normalise, prepare } from "./inputs.js";
import { lookAgain } from "./look.js";
import { Network } from "./network.js";

const NEVER = -30;  // log-probability of a symbol at a time step that lies in padding

export class Reader {
  constructor({ contract, networks }, rules) {
    this.contract = contract;
    this.networks = networks.map(graph => new Network(graph));
    const Decoder = contract.kind === "ctc" ? StringDecoder : CharacterDecoder;
    this.decoder = new Decoder(contract, rules);
  }

  // Returns {reading, prepared}. options: {top, pattern, script}. Throws ImageError where there is
  // no ink, Error for a pattern that the alphabet does not have.
  read(picture, options = {}) {
    const prepared = prepare(picture, this.contract.input);
    const decode = each => this.decoder.decode(this.logProbs(each), each, options);
    const found = lookAgain(prepared, decode, this.contract.decoding.second_look ?? 0);
    return { reading: judge(found, this.contract.trust), prepared };
  }

  // Of a single character: the probabilities of its network's symbols. Throws ImageError.
  probabilities(picture) {
    return this.logProbs(prepare(picture, this.contract.input)).map(Math.exp);
  }

  logProbs(prepared) {
    const { kind, input, decoding } = this.contract;
    if (kind !== "ctc") return this.cascade(prepared.pixels);
    const pixels = input.widths ? narrow(prepared, input.widths) : prepared.pixels;
    const frames = this.run(this.networks[0], pixels);
    return input.widths ? widen(frames, decoding.time_steps) : frames;
  }

  // The first confident network answers; where none is, the mean of their probabilities does.
  cascade(pixels) {
    const { thresholds = [] } = this.contract.decoding, opinions = [];
    for (const [i, network] of this.networks.entries()) {
      const [logProbs] = this.run(network, pixels);
      if (this.networks.length === 1) return logProbs;
      opinions.push(logProbs.map(Math.exp));
      if (i < thresholds.length && Math.max(...opinions[i]) >= thresholds[i]) return logProbs;
    }
    return opinions[0].map((_, c) => {
      return Math.log(opinions.reduce((sum, each) => sum + each[c], 0) / opinions.length);
    });
  }

  // Log-probabilities, a frame a time step.
  run(network, pixels) {
    const image = normalise(pixels, this.contract.input.normalisation);
    const { dims, data } = network.logits(image, [1, pixels.height, pixels.width, pixels.channels]);
    const classes = dims.at(-1);
    return Array.from({ length: data.length / classes }, (_, step) => {
      return logSoftmax(data.subarray(step * classes, (step + 1) * classes));
    });
  }
}

// Put the frames of a narrower input in the middle of `steps` time steps, else blank.
function widen(frames, steps) {
  const padding = Array(frames[0].length).fill(NEVER), start = (steps - frames.length) >> 1;
  padding[0] = 0;
  return Array.from({ length: steps }, (_, step) => frames[step - start] ?? padding);
}
