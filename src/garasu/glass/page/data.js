"use strict";
// The numbers of a record: little-endian float16 in base64, decoded when first asked for.
const HALF = new Float32Array(65536);
for (let bits = 0; bits < 65536; bits++) {
  const exponent = (bits >> 10) & 31, fraction = bits & 1023;
  const size = exponent === 0 ? fraction * 2 ** -24 : exponent === 31 ? (fraction ? NaN : Infinity) : (1024 + fraction) * 2 ** (exponent - 25);
  HALF[bits] = bits & 32768 ? -size : size;
}

function floats(text) {
  const bytes = atob(text), values = new Float32Array(bytes.length / 2);
  for (let i = 0; i < values.length; i++) values[i] = HALF[bytes.charCodeAt(2 * i) | (bytes.charCodeAt(2 * i + 1) << 8)];
  return values;
}

function extent(values) {
  let least = Infinity, most = -Infinity;
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return least > most ? [0, 1] : [least, most];
}
const rms = (values) => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);

// One picture of one walk of a run.
class Shown {
  constructor(run, walk, row) {
    this.run = run;
    this.walk = run.walks[Math.min(walk, run.walks.length - 1)];
    this.row = this.walk.rows[Math.min(row, this.walk.rows.length - 1)];
    [this.height, this.width] = this.walk.grid;
    this.steps = this.walk.steps;
    this.words = this.walk.words;
    this.known = new Map();
    this.images = new Map();
  }
  kept(name, make) {
    if (!this.known.has(name)) this.known.set(name, make());
    return this.known.get(name);
  }
  numbers(name) { return this.kept(name, () => floats(this.row[name])); }
  at(name, index) {  // x0, eps: 4 × h × w; guidance: h × w
    const values = this.numbers(name), size = values.length / this.steps.length;
    return values.subarray(index * size, (index + 1) * size);
  }
  latent(index) {
    const eps = this.at("eps", index), sigma = this.walk.sigma[this.steps[index]];
    return this.at("x0", index).map((x, i) => x + sigma * eps[i]);
  }
  guidanceMost() { return this.kept("guidance most", () => extent(this.numbers("guidance").filter(Number.isFinite))[1]); }

  stack(layer) { return this.row.maps.find((one) => one.name === layer) ?? this.row.maps[0]; }
  mapSteps() { return this.kept("map steps", () => [...new Set(this.walk.map_steps)].sort((a, b) => a - b)); }
  mapStep(index) { return this.walk.map_steps[index]; }
  // How much each place attends to a word; of a step shown, or the mean over all steps kept.
  map(layer, word, index, over) {
    const stack = this.stack(layer), size = stack.size[0] * stack.size[1], count = this.words.length;
    const values = this.kept(`maps ${stack.name}`, () => floats(stack.data));
    const of = (step) => values.subarray((step * count + word) * size, (step * count + word + 1) * size);
    if (over === "step") return of(this.mapSteps().indexOf(this.mapStep(index)));
    return this.kept(`mean ${stack.name} ${word}`, () => {
      const sum = new Float32Array(size), steps = this.mapSteps().length;
      for (let step = 0; step < steps; step++) of(step).forEach((x, i) => { sum[i] += x / steps; });
      return sum;
    });
  }
  // One scale for all steps of a word, so that it is seen to grow and fade.
  mapRange(layer, word, over) {
    return this.kept(`range ${this.stack(layer).name} ${word} ${over}`, () => {
      if (over === "mean") return extent(this.map(layer, word, 0, over));
      const ends = this.steps.map((_, index) => extent(this.map(layer, word, index, over)));
      return [Math.min(...ends.map(([least]) => least)), Math.max(...ends.map(([, most]) => most))];
    });
  }
  // The shares of all words: at a place [row, column], or of the whole picture.
  shares(layer, index, over, place) {
    const width = this.stack(layer).size[1];
    return this.words.map((_, word) => {
      const map = this.map(layer, word, index, over);
      return place ? map[place[0] * width + place[1]] : map.reduce((sum, x) => sum + x, 0) / map.length;
    });
  }
  image(source, done) {
    if (!this.images.has(source)) {
      const image = new Image();
      image.addEventListener("load", done);
      image.src = source;
      this.images.set(source, image);
    }
    const image = this.images.get(source);
    return image.complete && image.naturalWidth ? image : null;
  }
}

// The step of another walk with the same noise level: the same number where both have the same levels.
function matched(walk, other, step) {
  if (walk.sigma.length === other.sigma.length && walk.sigma.every((x, i) => x === other.sigma[i])) return step;
  const far = other.sigma.map((x) => Math.abs(Math.log(x) - Math.log(walk.sigma[step])));
  return far.indexOf(Math.min(...far));
}
function nearest(steps, step) {
  const far = steps.map((one) => Math.abs(one - step));
  return far.indexOf(Math.min(...far));
}
