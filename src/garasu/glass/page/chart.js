// A small curve over the steps, with a cursor at the step shown. Its hands move the slider.
const SVG = "http://www.w3.org/2000/svg", WIDE = 320, TALL = 120, EDGE = 6;

function drawn(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
const short = (x) => (x === null || !Number.isFinite(x) ? "–" : Math.abs(x) >= 0.001 || x === 0 ? String(+x.toPrecision(3)) : x.toExponential(1));

// lines: [{values, className}] with one value or null a step; picked(step) is told where it is touched.
function chart(box, title, lines, {log = false, picked}) {
  const figure = document.createElement("figure"), caption = document.createElement("figcaption"), now = document.createElement("b");
  const all = lines.flatMap((line) => line.values).filter((x) => x !== null && Number.isFinite(x) && (!log || x > 0));
  const [low, most] = extent(all), least = log ? low : Math.min(0, low);
  const count = lines[0].values.length, form = log ? Math.log : (x) => x;
  const across = (step) => EDGE + (count > 1 ? step / (count - 1) : 0.5) * (WIDE - 2 * EDGE);
  const up = (x) => TALL - EDGE - (form(x) - form(least)) / (form(most) - form(least) || 1) * (TALL - 2 * EDGE);
  const svg = drawn("svg", {viewBox: `0 0 ${WIDE} ${TALL}`, role: "img", "aria-label": `${title}: from ${short(least)} to ${short(most)} over ${count} steps`});
  svg.append(drawn("line", {class: "axis", x1: EDGE, x2: WIDE - EDGE, y1: TALL - EDGE, y2: TALL - EDGE}));
  for (const line of lines) {
    let path = "", pen = "M";
    line.values.forEach((x, step) => {
      if (x === null || !Number.isFinite(x) || (log && x <= 0)) { pen = "M"; return; }
      path += `${pen}${across(step).toFixed(1)} ${up(x).toFixed(1)}${pen === "M" ? "h0" : ""}`;  // a dot, if it stays alone
      pen = "L";
    });
    svg.append(drawn("path", {class: `line ${line.className}`, d: path}));
  }
  const cursor = drawn("line", {class: "cursor", y1: 0, y2: TALL});
  const dots = lines.map((line) => drawn("circle", {class: `dot ${line.className}`, r: 4}));
  svg.append(cursor, ...dots);
  const touch = (event) => {
    const box = svg.getBoundingClientRect();
    picked(Math.round(((event.clientX - box.left) / box.width * WIDE - EDGE) / (WIDE - 2 * EDGE) * (count - 1)));
  };
  svg.addEventListener("pointerdown", touch);
  svg.addEventListener("pointermove", (event) => { if (event.buttons) touch(event); });
  const ends = document.createElement("div");
  ends.className = "ends";
  ends.append(`${short(least)} … ${short(most)}${log ? ", logarithmic" : ""}`);
  caption.append(title, " ", now);
  figure.append(caption, svg, ends);
  box.append(figure);
  return (step) => {
    cursor.setAttribute("x1", across(step));
    cursor.setAttribute("x2", across(step));
    lines.forEach((line, i) => {
      const x = line.values[step], there = x !== null && Number.isFinite(x) && (!log || x > 0);
      dots[i].setAttribute("visibility", there ? "visible" : "hidden");
      if (there) { dots[i].setAttribute("cx", across(step)); dots[i].setAttribute("cy", up(x)); }
    });
    now.textContent = lines.map((line) => short(line.values[step])).join(" / ");
  };
}
