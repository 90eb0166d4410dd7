// One run: its large picture, the tiles to choose from, its words, and what a place attends to.
const VIEWS = {
  x0: ["x0", "x0, what the network takes the finished picture to be at this step"],
  latent: ["x_t", "x_t, the noisy latent at this step"],
  eps: ["noise", "ε, the noise that the network says is in it, guided; its four numbers as colours"],
  guidance: ["guidance", "How far ε of the prompt is from ε of the negative prompt at each place: where the prompt acts"],
  finished: ["finished", "The finished picture"],
};
const percent = (x) => `${x >= 0.0995 ? (100 * x).toFixed(1) : (100 * x).toPrecision(2)}\u00a0%`;
const element = (tag, className, text) => {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};
// Which of a run's words is meant: the same word of the other run answers too.
const key = (words, index) => `${words[index].kind} ${words[index].text} ${words.slice(0, index).filter((one) => one.text === words[index].text).length}`;

class Panel {
  constructor(run, state, changed) {
    this.run = run; this.state = state; this.changed = changed;
    this.root = document.getElementById("panel").content.firstElementChild.cloneNode(true);
    this.stage = this.find(".stage");
    this.tiles = {};
    for (const [view, [name, meaning]] of Object.entries(VIEWS)) {
      const tile = element("button", "tile"), canvas = element("canvas");
      tile.type = "button"; tile.title = meaning; tile.dataset.view = view;
      canvas.setAttribute("aria-hidden", "true");
      tile.append(canvas, element("span", "", name));
      tile.addEventListener("click", () => changed({view}));
      this.find(".tiles").append(tile);
      this.tiles[view] = tile;
    }
    this.stage.addEventListener("click", (event) => this.pointed(event));
    this.stage.addEventListener("keydown", (event) => this.moved(event));
  }
  find(selector) { return this.root.querySelector(selector); }

  choose() {
    const shown = this.shown = new Shown(this.run, this.state.walk, this.state.row);
    this.keys = shown.words.map((_, index) => key(shown.words, index));
    this.find(".name").textContent = this.run.prompt || "(the empty prompt)";
    this.find(".words").replaceChildren(...shown.words.map((word, index) => this.button(element("button", `chip ${word.kind}`, word.text), index)));
    this.find(".missing").hidden = !shown.walk.missing;
    this.find(".missing").textContent = shown.walk.missing;
    this.find(".shares").hidden = !shown.words.length;
    this.find(".whole").replaceChildren(...shown.words.length ? ["word", "start", "end", "padding"].map((kind) => element("span", kind)) : []);
    this.rows = shown.words.map((word, index) => {
      const row = element("li"), name = this.button(element("button", `bar ${word.kind}`), index);
      name.append(element("span", "text", word.text), element("span", "fill"), element("span", "share"));
      name.querySelector(".fill").append(element("i"));
      row.append(name);
      return row;
    });
    this.find(".bars").replaceChildren(...this.rows.filter((_, index) => shown.words[index].kind === "word"));
    this.find(".parts").replaceChildren(...this.rows.filter((_, index) => shown.words[index].kind !== "word"));
    const steps = shown.row.pictures;  // decode them now, so that playing does not flicker
    for (const source of [shown.row.finished, ...Object.values(steps).flat()]) shown.image(source, () => this.changed({}));
  }
  button(made, index) {
    const word = this.keys[index];
    made.type = "button"; made.dataset.word = index;
    made.addEventListener("pointerenter", (event) => { if (event.pointerType !== "touch") this.changed({hovered: word}); });
    made.addEventListener("pointerleave", () => this.changed({hovered: null}));
    made.addEventListener("focus", () => { if (made.matches(":focus-visible")) this.changed({hovered: word}); });
    made.addEventListener("blur", () => this.changed({hovered: null}));
    made.addEventListener("click", () => this.changed({pinned: this.state.pinned === word ? null : word}));
    return made;
  }
  stackSize() { return this.shown.words.length ? this.shown.stack(this.state.layer).size : [this.shown.height, this.shown.width]; }
  // The place chosen, as the row and column of the maps shown.
  place() {
    const [tall, wide] = this.stackSize(), at = this.state.place;
    return at && [Math.min(tall - 1, Math.floor(at[0] * tall)), Math.min(wide - 1, Math.floor(at[1] * wide))];
  }
  pointed(event) {
    const box = this.stage.getBoundingClientRect(), before = this.place();
    const place = [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width].map((x) => Math.max(0, Math.min(0.9999, x)));
    this.state.place = place;
    const now = this.place();
    this.changed({place: before && before[0] === now[0] && before[1] === now[1] ? null : place});
  }
  moved(event) {
    const move = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]}[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    const size = this.stackSize(), at = this.place();
    const next = at ? at.map((x, i) => Math.max(0, Math.min(size[i] - 1, x + move[i]))) : size.map((x) => Math.floor(x / 2));
    this.changed({place: next.map((x, i) => (x + 0.5) / size[i])});
  }

  word() { return this.keys.indexOf(this.state.hovered ?? this.state.pinned); }

  draw(index) {
    this.index = index;
    const {state, shown} = this, word = this.word(), ratio = shown.height / shown.width;
    for (const [view, tile] of Object.entries(this.tiles)) {
      tile.setAttribute("aria-pressed", view === state.view);
      this.picture(sized(tile.querySelector("canvas"), ratio), view);
    }
    const context = sized(this.stage, ratio);
    this.stage.setAttribute("aria-label", `${VIEWS[state.view][1]}; arrow keys choose a place`);
    if (word >= 0) this.overlay(context, word);
    else this.picture(context, state.view);
    this.outline(context);
    this.scales(word);
    this.bars(word);
  }
  picture(context, view) {
    const {shown, index} = this, {width, height} = shown, {factors, base} = shown.run;
    const source = view === "finished" ? shown.row.finished : shown.row.pictures[view]?.[index];
    const image = source && shown.image(source, () => {});
    if (image) spread(context, image, true);
    else if (view === "x0" || view === "latent") {
      const values = view === "x0" ? shown.at("x0", index) : shown.latent(index);
      spread(context, previewed(values, width, height, factors, base), view === "x0");
    } else if (view === "eps") spread(context, previewed(shown.at("eps", index), width, height, factors, [0, 0, 0]), false);
    else if (view === "guidance") spread(context, scaled(shown.at("guidance", index), width, height, [0, shown.guidanceMost()], VIRIDIS), false);
  }
  overlay(context, word) {
    const {shown, state, index} = this, [tall, wide] = this.stackSize();
    const map = shown.map(state.layer, word, index, state.over), range = shown.mapRange(state.layer, word, state.over);
    if (!state.alone) {
      this.picture(context, state.view);
      context.globalAlpha = 0.7;
    }
    spread(context, scaled(map, wide, tall, range, INFERNO), !state.alone);
    context.globalAlpha = 1;
  }
  outline(context) {
    const at = this.place();
    if (!at) return;
    const [tall, wide] = this.stackSize(), w = context.canvas.width / wide, h = context.canvas.height / tall;
    for (const [colour, line] of [["#000", 5], ["#fff", 2.5]]) {
      context.strokeStyle = colour; context.lineWidth = line;
      context.strokeRect(at[1] * w, at[0] * h, w, h);
    }
  }
  scales(word) {
    const {shown, state, index} = this, box = this.find(".legend");
    this.find(".caption").textContent = `${VIEWS[state.view][1]}.`;
    if (word >= 0) {
      const [least, most] = shown.mapRange(state.layer, word, state.over).map(percent);
      const step = shown.mapStep(index), late = state.over === "step" && step !== shown.steps[index] ? ` (of step ${step})` : "";
      legend(box, INFERNO, least, most, `attention to “${shown.words[word].text}”${late}`);
    } else if (state.view === "guidance" && !Number.isFinite(shown.at("guidance", index)[0])) {
      box.textContent = shown.walk.unguided || "No guidance at this step, or it was not kept.";
    } else if (state.view === "guidance") legend(box, VIRIDIS, "0", short(shown.guidanceMost()), "length of ε of the prompt − ε of the negative");
    else box.textContent = shown.words.length ? "Point to a word to see where it acts, click the picture to see what acts there." : "";
  }
  bars(word) {
    const {shown, state} = this, {words} = shown, at = this.place();
    if (!words.length) return;
    for (const made of this.root.querySelectorAll("[data-word]")) {
      made.setAttribute("aria-pressed", this.keys[made.dataset.word] === state.pinned);
      made.classList.toggle("lit", +made.dataset.word === word);
    }
    const shares = shown.shares(state.layer, this.index, state.over, at);
    const own = shares.filter((_, i) => words[i].kind === "word"), most = Math.max(...own, 1e-9);
    const sum = own.reduce((total, x) => total + x, 0);
    this.find(".place").textContent = `${at ? `Row ${at[0]}, column ${at[1]}` : "The whole picture"} attends to words by ${percent(sum)}`;
    this.rows.forEach((row, i) => {
      row.querySelector(".share").textContent = percent(shares[i]);
      row.querySelector(".share").dataset.value = shares[i];
      row.querySelector("i").style.width = `${100 * (words[i].kind === "word" ? shares[i] / most : shares[i])}%`;
    });
    for (const span of this.find(".whole").children) {
      const some = shares.filter((_, i) => words[i].kind === span.className);
      span.style.flexGrow = some.reduce((total, x) => total + x, 0);
    }
  }
}
