// Colours of numbers, and canvases of them. Both scales are matplotlib's, at eleven points.
const scale = (text) => text.split(" ").map((one) => [0, 2, 4].map((i) => parseInt(one.slice(i, i + 2), 16)));
const INFERNO = scale("000004 160b39 420a68 6a176e 932667 bc3754 dd513a f37819 fca50a f6d746 fcffa4");
const VIRIDIS = scale("440154 482475 414487 355f8d 2a788e 21918c 22a884 44bf70 7ad151 bddf26 fde725");

function coloured(scale, x) {
  const place = Math.max(0, Math.min(1, x)) * (scale.length - 1), low = Math.min(scale.length - 2, Math.floor(place));
  return scale[low].map((from, i) => Math.round(from + (scale[low + 1][i] - from) * (place - low)));
}

// A canvas with one pixel a place; colour(i) gives [red, green, blue, alpha].
function cells(width, height, colour) {
  const canvas = document.createElement("canvas");
  canvas.width = width; canvas.height = height;
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) image.data.set(colour(i), 4 * i);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

function scaled(values, width, height, [least, most], scale, alpha = 255) {
  return cells(width, height, (i) => (Number.isFinite(values[i]) ? [...coloured(scale, (values[i] - least) / (most - least || 1)), alpha] : [128, 128, 128, 40]));
}

// Four numbers of each cell as a colour: the linear preview of a latent.
function previewed(values, width, height, factors, base) {
  const size = width * height;
  return cells(width, height, (i) => [...[0, 1, 2].map((c) => {
    let x = base[c];
    for (let channel = 0; channel < 4; channel++) x += values[channel * size + i] * factors[channel][c];
    return Math.max(0, Math.min(255, Math.round((x + 1) * 127.5)));
  }), 255]);
}

// Sized to the screen's own pixels.
function sized(canvas, ratio) {
  const width = Math.max(1, Math.round(canvas.clientWidth * (devicePixelRatio || 1))), height = Math.max(1, Math.round(width * ratio));
  if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  return context;
}

function spread(context, source, smooth) {
  context.imageSmoothingEnabled = smooth;
  context.drawImage(source, 0, 0, context.canvas.width, context.canvas.height);
}

function legend(box, scale, least, most, text) {
  const bar = cells(64, 1, (i) => [...coloured(scale, i / 63), 255]);
  bar.setAttribute("aria-hidden", "true");
  const said = document.createElement("span"), range = document.createElement("span");
  said.textContent = text;
  range.className = "scale";
  range.append(least, bar, most);
  box.replaceChildren(said, range);
}
