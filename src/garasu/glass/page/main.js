// The page: one state, drawn anew when anything in it changes.
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const state = {index: 0, view: "x0", over: "step", layer: "", walk: 0, row: 0, alone: false, hovered: null, pinned: null, place: null};
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const panels = data.runs.map((run) => new Panel(run, state, change));
let cursors = [], waiting = false, timer = null;

function change(what) {
  Object.assign(state, what);
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; draw(); });
}

// For each step of the first run the step of the other with the same noise level, and the nearest that is shown.
function partner(panel, step) {
  const own = panels[0].shown.walk;
  return panel === panels[0] ? step : matched(own, panel.shown.walk, step);
}
const index = (panel, step) => nearest(panel.shown.steps, partner(panel, step));

function draw() {
  const {shown} = panels[0], step = shown.steps[state.index], {sigma, t} = shown.walk;
  $("step").value = state.index;
  const text = `step ${step} of ${sigma.length - 1} · σ ${short(sigma[step])} · t ${Math.round(t[step])}`;
  $("where").textContent = text;
  $("step").setAttribute("aria-valuetext", text);
  for (const panel of panels) panel.draw(index(panel, step));
  for (const cursor of cursors) cursor(step);
  if (panels.length > 1) apart(step);
}

const between = (a, b) => (a.length === b.length ? a.map((x, i) => x - b[i]) : null);
function differences() {
  const [a, b] = panels.map((panel) => panel.shown);
  if (a.height !== b.height || a.width !== b.width) return null;
  return a.steps.map((step, i) => between(a.at("x0", i), b.at("x0", index(panels[1], step))));
}
function apart(step) {
  const {shown} = panels[0], all = shown.kept(`against ${state.walk} ${state.row}`, differences);
  $("apart").hidden = false;
  $("difference").hidden = $("difference-legend").hidden = !all;
  if (!all) { $("distance").textContent = "The two are of different sizes: there is no difference of their numbers."; return; }
  const size = shown.height * shown.width;
  const lengths = (values) => Array.from({length: size}, (_, i) => Math.hypot(...[0, 1, 2, 3].map((c) => values[c * size + i])));
  const values = all[shown.steps.indexOf(step)], map = lengths(values), most = extent(map)[1];
  spread(sized($("difference"), shown.height / shown.width), scaled(map, shown.width, shown.height, [0, most], VIRIDIS), false);
  legend($("difference-legend"), VIRIDIS, "0", short(most), "length of the difference of the two x0, at each place");
  $("distance").textContent = `At this step the two x0 are ${short(rms(values))} apart (root mean square).`;
  $("difference").setAttribute("aria-label", $("distance").textContent);
}

function curves() {
  const [first, other] = panels.map((panel) => panel.shown), box = $("curves");
  const steps = first.walk.sigma.map((_, step) => step);
  const lines = (name) => panels.map((panel, i) => ({className: "ab"[i], values: steps.map((step) => panel.shown.row.curves[name][partner(panel, step)])}));
  const picked = (step) => change({index: nearest(first.steps, step)});
  box.replaceChildren();
  $("apart-curve").replaceChildren();
  cursors = [chart(box, "σ, how much noise", lines("sigma"), {log: true, picked})];
  const guided = lines("guidance"), changes = lines("change");
  if (guided.some((line) => line.values.some((x) => x !== null))) cursors.push(chart(box, "What the prompt adds, ‖ε prompt − ε negative‖", guided, {picked}));
  if (steps.length > 1) cursors.push(chart(box, "Change of x0 from the step before", changes, {picked}));
  const all = other && first.kept(`against ${state.walk} ${state.row}`, differences);
  if (all) {
    const values = steps.map(() => null);
    first.steps.forEach((step, i) => { values[step] = rms(all[i]); });
    cursors.push(chart($("apart-curve"), "Distance of the two x0", [{className: "a", values}], {picked}));
  }
}

function options(select, names) {
  const before = select.value;
  select.replaceChildren(...names.map((name, i) => new Option(name, i)));
  select.closest("label").hidden = names.length < 2;
  select.value = Math.min(+before || 0, names.length - 1);
}
function choose() {
  for (const panel of panels) panel.choose();
  const walks = panels.map((panel) => panel.run.walks).reduce((a, b) => (b.length > a.length ? b : a));
  options($("walk"), walks.map((walk, i) => `${i + 1}: ${walk.name}`));
  const rows = panels.map((panel) => panel.shown.walk.rows).reduce((a, b) => (b.length > a.length ? b : a));
  options($("row"), rows.map((row) => row.label));
  const stacks = panels.map((panel) => panel.shown.row.maps).reduce((a, b) => (b.length > a.length ? b : a));
  for (const label of document.querySelectorAll(".attention")) label.hidden = !stacks.length;
  $("layer").replaceChildren(...stacks.map((one) => new Option(`${one.name} (${one.size[0]}×${one.size[1]})`, one.name)));
  if (!stacks.some((one) => one.name === state.layer)) state.layer = stacks[0]?.name ?? "";
  $("layer").value = state.layer;
  $("step").max = panels[0].shown.steps.length - 1;
  state.index = Math.min(state.index, panels[0].shown.steps.length - 1);
  curves();
  change({});
}

function play(on) {
  clearInterval(timer);
  timer = null;
  const last = panels[0].shown.steps.length - 1;
  $("play").textContent = on ? "❚❚" : "▶";
  $("play").setAttribute("aria-label", on ? "Pause" : "Play");
  if (!on) return;
  if (state.index >= last) change({index: 0});
  timer = setInterval(() => {
    change({index: Math.min(last, state.index + 1)});
    if (state.index >= last) play(false);
  }, calm.matches ? 1000 : 160);
}

function keyed(event) {
  if (event.key === "Escape") return change({place: null, pinned: null});
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("select, pre")) return undefined;
  if (event.key === " " && event.target.closest("summary, button, [type=checkbox]")) return undefined;
  const last = panels[0].shown.steps.length - 1;
  const moved = {ArrowLeft: state.index - 1, ArrowRight: state.index + 1, Home: 0, End: last}[event.key];
  if (event.key !== " " && moved === undefined) return undefined;
  event.preventDefault();
  if (event.key === " ") return play(timer === null);
  play(false);
  return change({index: Math.max(0, Math.min(last, moved))});
}

function made() {
  for (const run of data.runs) {
    const box = element("div", "facts"), list = element("dl"), details = element("details");
    if (data.runs.length > 1) box.append(element("h3", "", run.name));
    for (const [name, text] of run.facts) list.append(element("dt", "", name), element("dd", "", text));
    if (run.negative) list.append(element("dt", "", "negative prompt"), element("dd", "", run.negative));
    details.append(element("summary", "", "The whole recipe"), element("pre", "", JSON.stringify(run.recipe, null, 1)));
    box.append(list, details);
    $("made").append(box);
  }
}

function start() {
  const prompts = data.runs.map((run) => run.prompt || "(the empty prompt)");
  document.title = `garasu: ${prompts.join(" / ").slice(0, 80)}`;
  document.body.classList.toggle("compare", panels.length > 1);
  $("title").textContent = panels.length > 1 ? "Two runs, step by step" : prompts[0];
  $("title").classList.toggle("long", prompts[0].length > 160);
  $("subtitle").textContent = panels.length > 1 ? data.runs.map((run) => run.name).join(" / ")
    : data.runs[0].facts.filter(([name]) => ["sampler", "guidance scale", "seed", "model"].includes(name)).map(([name, text]) => (name === "sampler" ? text : `${name} ${text}`)).join(" · ");
  $("detail").textContent = `On this page: ${data.detail}.`;
  $("runs").replaceChildren(...panels.map((panel) => panel.root));
  if (panels.length === 1) panels[0].find(".right").append($("course"));  // in sight while the slider moves
  made();
  for (const name of ["walk", "row"]) $(name).addEventListener("change", (event) => { state[name] = +event.target.value; choose(); });
  for (const name of ["layer", "over"]) $(name).addEventListener("change", (event) => change({[name]: event.target.value}));
  $("alone").addEventListener("change", (event) => change({alone: event.target.checked}));
  $("step").addEventListener("input", (event) => { play(false); change({index: +event.target.value}); });
  $("play").addEventListener("click", () => play(timer === null));
  addEventListener("keydown", keyed);
  addEventListener("resize", () => change({}));
  choose();
  change({index: panels[0].shown.steps.length - 1});
}
start();
