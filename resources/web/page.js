"use strict";

// Plays the run that the page has. All numbers come from the program that wrote it. Times are in milliseconds, lengths in units of a
// canvas, WIDTH across and HEIGHT down.

const TRAIL = 16; // recorded frames that a trail reaches back, of which the page may have every so manieth only
const SEGMENTS = 7000; // of all trails in a frame
const LENGTH = 8; // of a segment in the mean: if they are longer, there are fewer trails
const DURATION = 6000; // of a run at speed 1
const HELD = 1000; // for which the last frame stays before the run begins again
const NOWHERE = 65535; // stands for a coordinate that is not finite

const element = (id) => document.getElementById(id);
const made = (tag, of = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), of);
  node.append(...children);
  return node;
};
const grouped = (count) => count.toLocaleString("en").replaceAll(",", "\u2009");
const shown = JSON.parse(element("shown").textContent);
const [WIDTH, HEIGHT] = shown.size;
const state = { frame: 0, trained: 0, playing: false, waiting: false, speed: 1, theme: "dark", off: new Set(), mark: null };
let colors = shown.themes.dark;

async function unpacked() {
  const packed = Uint8Array.from(atob(element("numbers").textContent.trim()), (sign) => sign.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The array at a place; of 16-bit numbers the low bytes come first, then the high ones. */
function arrayAt(bytes, { at, shape, type, along }) {
  const length = shape.reduce((product, side) => product * side, 1);
  if (type === "uint8") return bytes.subarray(at, at + length);
  if (type === "int8") return new Int8Array(bytes.buffer, bytes.byteOffset + at, length);
  const found = new Uint16Array(length);
  for (let index = 0; index < length; index++) found[index] = bytes[at + index] | (bytes[at + length + index] << 8);
  const size = along ? length / shape[0] : length; // of a frame, if differences between frames are stored, modulo 65,536
  for (let index = size; index < length; index++) found[index] += found[index - size];
  return found;
}

/** Give each array that the page tells of its values. */
function read(bytes, told) {
  for (const part of Object.values(told)) if (part && typeof part === "object") read(bytes, part);
  if (told.shape) told.values = arrayAt(bytes, told);
}

const runOf = (column) => column.runs[Math.min(state.trained, column.runs.length - 1)];
const framesOf = (run) => run.frames.length;
const total = () => Math.max(...shown.columns.map((column) => framesOf(runOf(column))));
/** A run's own frame of the common timeline: all begin and end together. */
const ownFrame = (run) => Math.round((state.frame / Math.max(total() - 1, 1)) * (framesOf(run) - 1));
const isOn = (layer) => !state.off.has(layer);

/** The moment with a field and a density that is nearest to a frame. */
function momentOf(run, frame) {
  let best = 0;
  run.moments.forEach((moment, index) => {
    if (Math.abs(moment - frame) < Math.abs(run.moments[best] - frame)) best = index;
  });
  return best;
}

/** A canvas of small pixels, each [red, green, blue, opacity]; row 0 is at the top. */
function picture(rows, columns, colorAt) {
  const canvas = made("canvas", { width: columns, height: rows }), pixels = new ImageData(columns, rows);
  for (let pixel = 0; pixel < rows * columns; pixel++) pixels.data.set(colorAt(pixel), 4 * pixel);
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

function drawMap(context, { shape: [, rows, columns], values, corners }, moment, table) {
  const cell = (pixel) => (moment * rows + rows - 1 - Math.floor(pixel / columns)) * columns + (pixel % columns); // row 0 is at the bottom
  const [[left, top], [right, bottom]] = corners;
  context.imageSmoothingEnabled = true;
  context.drawImage(picture(rows, columns, (pixel) => table[values[cell(pixel)]]), left, top, right - left, bottom - top);
}

const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
const opaque = (table) => table.map((hex) => [...rgb(hex), 255]);
const errorTable = () => Array.from({ length: 256 }, (_, level) => [...rgb(colors.error), Math.round(level / 2)]);

function drawGrid(context, column) {
  const letters = Math.max(13, (11 * WIDTH) / column.canvas.clientWidth); // as high as eleven pixels
  const labels = (ticks) => ticks.filter((_, index) => index % Math.ceil((3 * letters * (ticks.length - 1)) / WIDTH) === 0);
  const [across, up] = column.ticks, [nameAcross, nameUp] = column.axes;
  Object.assign(context, { font: `${letters}px system-ui, sans-serif`, lineWidth: 1, strokeStyle: colors.grid, fillStyle: colors.muted });
  for (const [x] of across) context.strokeRect(x, -1, 0, HEIGHT + 2);
  for (const [y] of up) context.strokeRect(-1, y, WIDTH + 2, 0);
  context.textAlign = "center";
  for (const [x, text] of labels(across)) if (x > 3 * letters && x < WIDTH - 2 * letters) context.fillText(text, x, HEIGHT - 6);
  context.textAlign = "left";
  for (const [y, text] of labels(up)) if (y > 2 * letters && y < HEIGHT - 2 * letters) context.fillText(text, 6, y + letters / 3);
  if (nameAcross === "x" && nameUp === "y") return;
  context.fillText(nameUp, 8, letters + 3);
  context.textAlign = "right";
  context.fillText(nameAcross, WIDTH - 8, HEIGHT - letters - 9);
}

/** Discs at some points. One path for each is faster than a path of all, or copies of a picture. */
function drawDiscs(context, { values, scale: [sx, sy], offset: [tx, ty] }, first, count, radius, colorOf, alpha) {
  context.globalAlpha = alpha;
  for (let index = 0; index < count; index++) {
    const x = values[2 * (first + index)], y = values[2 * (first + index) + 1];
    if (x === NOWHERE || y === NOWHERE) continue;
    const px = x * sx + tx, py = y * sy + ty;
    if (px < -9 || py < -9 || px > WIDTH + 9 || py > HEIGHT + 9) continue;
    context.fillStyle = colorOf(index);
    context.beginPath();
    context.arc(px, py, radius, 0, 7);
    context.fill();
  }
  context.globalAlpha = 1;
}

function drawTrails(context, { frames, points }, frame) {
  if (!frame) return;
  const { values, shape: [, count], scale: [sx, sy], offset: [tx, ty] } = points, from = frames[frame] - TRAIL;
  const first = Math.min(frame - 1, frames.findIndex((recorded) => recorded >= from));
  let stride = Math.ceil((count * (frame - first)) / SEGMENTS), length = 0;
  for (let index = 0; index < count; index += stride) {
    const b = 2 * (frame * count + index), a = b - 2 * count;
    length += Math.min(WIDTH, Math.hypot((values[b] - values[a]) * sx, (values[b + 1] - values[a + 1]) * sy));
  }
  while ((length * (frame - first)) / stride > LENGTH * SEGMENTS && stride < count) stride *= 2;
  context.strokeStyle = colors.trails;
  context.lineWidth = 1;
  for (let age = first; age < frame; age++) {
    const path = new Path2D();
    for (let index = 0; index < count; index += stride) {
      const a = 2 * (age * count + index), b = a + 2 * count;
      if (values[a] === NOWHERE || values[b] === NOWHERE) continue;
      path.moveTo(values[a] * sx + tx, values[a + 1] * sy + ty);
      path.lineTo(values[b] * sx + tx, values[b + 1] * sy + ty);
    }
    context.globalAlpha = 0.12 + (0.48 * (age - first + 1)) / (frame - first);
    context.stroke(path);
  }
  context.globalAlpha = 1;
}

function drawField(context, { counts, middles, halves }, moment, color, width, alpha) {
  const path = new Path2D(), first = counts.slice(0, moment).reduce((sum, count) => sum + count, 0);
  for (let index = 2 * first; index < 2 * (first + counts[moment]); index += 2) {
    const x = middles.values[index] / 64, y = middles.values[index + 1] / 64;
    const dx = (halves.values[index] * 18) / 127, dy = (halves.values[index + 1] * 18) / 127;
    const length = Math.hypot(dx, dy) || 1, head = Math.min(0.84 * length, 5.5) / length;
    path.moveTo(x - dx, y - dy);
    path.lineTo(x + dx, y + dy);
    path.lineTo(x + dx - head * (dx + 0.55 * dy), y + dy - head * (dy - 0.55 * dx));
    path.moveTo(x + dx, y + dy);
    path.lineTo(x + dx - head * (dx - 0.55 * dy), y + dy - head * (dy + 0.55 * dx));
  }
  Object.assign(context, { strokeStyle: color, lineWidth: width, globalAlpha: alpha });
  context.stroke(path);
  context.globalAlpha = 1;
}

function drawPath(context, points) {
  const { values, scale: [sx, sy], offset: [tx, ty] } = points;
  context.strokeStyle = colors.likelihood;
  context.lineWidth = 2;
  context.beginPath();
  for (let index = 0; index < values.length; index += 2) {
    if (values[index] !== NOWHERE) context.lineTo(values[index] * sx + tx, values[index + 1] * sy + ty);
  }
  context.stroke();
  drawDiscs(context, points, 0, 1, 6, () => colors.likelihood, 1);
}

function drawImages(context, run, frame) {
  const [, count, rows, columns, channels] = run.images.shape, table = opaque(colors.inks);
  const across = Math.ceil(Math.sqrt((count * WIDTH) / HEIGHT)), down = Math.ceil(count / across);
  const pitch = Math.min(WIDTH / across, HEIGHT / down), side = 0.92 * pitch;
  context.imageSmoothingEnabled = false;
  for (let number = 0; number < count; number++) {
    const first = (frame * count + number) * rows * columns;
    const small = picture(rows, columns, (pixel) => {
      const at = (first + pixel) * channels;
      return channels === 3 ? [...run.images.values.subarray(at, at + 3), 255] : table[run.images.values[at]];
    });
    const left = (WIDTH - across * pitch) / 2 + (number % across) * pitch;
    context.drawImage(small, left, (HEIGHT - down * pitch) / 2 + Math.floor(number / across) * pitch, side, side);
  }
}

/** What lies below trails and particles, painted again when it changes. */
function stillOf(column, run, moment) {
  const { width, height } = column.canvas, { data, labels } = column, { maps, fields } = run;
  const name = [state.trained, moment, state.theme, width, ...state.off].join(" ");
  if (column.still?.name === name) return column.still.canvas;
  const canvas = made("canvas", { width, height }), context = canvas.getContext("2d", { alpha: false });
  context.scale(width / WIDTH, width / WIDTH);
  context.fillStyle = colors.background;
  context.fillRect(0, 0, WIDTH, HEIGHT);
  if (maps.density && isOn("density")) drawMap(context, maps.density, moment, opaque(colors.densities));
  if (maps.error && isOn("error")) drawMap(context, maps.error, moment, errorTable());
  drawGrid(context, column);
  if (data && isOn("data")) {
    const colorOf = labels ? (index) => colors.categories[labels.values[index]] : () => colors.data;
    drawDiscs(context, data, 0, data.shape[0], 1.4, colorOf, 0.65);
  }
  for (const [field, thickness, alpha] of [["exact", 2.6, 0.55], ["learned", 1.2, 0.9], ["error", 1.5, 0.9]]) {
    if (fields[field] && isOn(field)) drawField(context, fields[field], moment, colors[field], thickness, alpha);
  }
  column.still = { name, canvas };
  return canvas;
}

function draw(column) {
  const { canvas, layers, path } = column, run = runOf(column), frame = ownFrame(run), ratio = canvas.width / WIDTH;
  const context = canvas.getContext("2d", { alpha: false });
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  column.caption.replaceChildren(...run.captions[frame].map((line) => made("span", { textContent: line })));
  if (column.image) {
    context.fillStyle = colors.background;
    context.fillRect(0, 0, WIDTH, HEIGHT);
    drawImages(context, run, frame);
    return;
  }
  context.drawImage(stillOf(column, run, momentOf(run, frame)), 0, 0, WIDTH, HEIGHT);
  if (layers.includes("trails") && isOn("trails")) drawTrails(context, run, frame);
  if (layers.includes("particles") && isOn("particles")) {
    const count = run.points.shape[1], first = frame * count, table = run.labels && colors[run.colors.of];
    const colorOf = table ? (index) => table[run.labels.values[first + index]] : () => colors.particles;
    drawDiscs(context, run.points, first, count, Math.min(3, Math.max(1.5, 3 * (600 / count) ** 0.25)), colorOf, 0.95);
  }
  if (path && isOn("likelihood")) drawPath(context, path);
  for (const [place, color] of marks()) drawMark(context, column, place, color);
}

/** The point that a question is about, or the place that was marked, and the measured one. */
function marks() {
  const { point, measured } = shown.question ?? {}, place = state.mark ?? point, found = [];
  if (place) found.push([place, colors.text]);
  if (state.revealed && measured.length === 2) found.push([measured, colors.accent]);
  return found;
}

function drawMark(context, column, [x, y], color) {
  const [left, right, bottom, top] = column.viewport;
  const px = ((x - left) / (right - left)) * WIDTH, py = ((top - y) / (top - bottom)) * HEIGHT;
  const mark = new Path2D(`M${px - 14} ${py}h28M${px} ${py - 14}v28`);
  mark.moveTo(px + 9, py);
  mark.arc(px, py, 9, 0, 7);
  Object.assign(context, { strokeStyle: color, lineWidth: 2.5 });
  context.stroke(mark);
}

/** Mark on the chart where a column stands. */
function showPlace({ runs: [run], mark: { style } }) {
  const [x, y] = run.places?.[ownFrame(run)] ?? [];
  Object.assign(style, { display: x === undefined ? "none" : "", left: `${100 * x}%`, bottom: `${100 * y}%` });
}

/** Draw all columns, and show where the timelines stand. */
function show() {
  shown.columns.forEach(draw);
  shown.columns.forEach(showPlace);
  const run = runOf(shown.columns[0]);
  Object.assign(element("frame"), { max: total() - 1, value: state.frame });
  element("moment").value = `${grouped(run.frames[ownFrame(run)])} of ${grouped(run.frames.at(-1))}`;
  if (shown.steps.length > 1) element("trainedStep").value = grouped(shown.steps[state.trained]);
}

/** Say what is seen, for those who do not see it. It is said when the run stands, not for every frame. */
function say() {
  const said = shown.columns.map((column) => {
    const run = runOf(column), count = (run.images ?? run.points).shape[1], what = run.images ? "images" : "particles";
    const some = count < run.of ? `${grouped(count)} of ${grouped(run.of)}` : grouped(count);
    return `${column.letter} ${column.title}: ${some} ${what}; ${run.captions[ownFrame(run)].join(", ")}.`;
  });
  element("seen").textContent = said.join(" ").trim();
}

let last = 0; // the time of the last picture
let reached = 0; // the frame in view, with its fraction
let held = 0; // for how long the last frame has been in view

function play(on) {
  state.playing = on && !state.waiting;
  element("play").textContent = state.playing ? "Pause" : "Play";
  if (!state.playing) return say();
  if (state.frame >= total() - 1) state.frame = 0;
  reached = state.frame;
  held = 0;
  last = performance.now();
  requestAnimationFrame(step);
}

function step(now) {
  if (!state.playing) return;
  const spent = Math.max(0, now - last), end = total() - 1; // the first picture may have begun before the click
  last = now;
  if (reached >= end) {
    held += spent;
    if (held > HELD) [reached, held] = [0, 0];
  } else {
    reached = Math.min(end, reached + (spent * state.speed * end) / DURATION);
  }
  if (Math.floor(reached) !== state.frame) {
    state.frame = Math.floor(reached);
    show();
  }
  requestAnimationFrame(step);
}

function goTo(frame) {
  if (state.waiting) return;
  play(false);
  state.frame = Math.max(0, Math.min(total() - 1, frame));
  show();
  say();
}

const number = (value) => Number(value.toPrecision(3)).toString().replace("-", "−");

/** Paragraphs of a text with *emphasis*, **strength** and `code`; anything else is shown as it is. */
function paragraphs(text) {
  return text.split(/\n\s*\n/).map((paragraph) => {
    const node = made("p");
    for (const piece of paragraph.split(/(\*\*[^*]+\*\*|\*[^*]+\*|`[^`]+`)/)) {
      const mark = piece.match(/^(\*\*|\*|`)(.+)\1$/s);
      if (mark) node.append(made({ "**": "strong", "*": "em", "`": "code" }[mark[1]], { textContent: mark[2] }));
      else node.append(piece);
    }
    return node;
  });
}

/** What a prediction is made with: choices, a scale, or the first canvas. */
function predicting({ choices, scale }, choose) {
  if (choices.length) {
    const button = (index) => made("input", { type: "radio", name: "choice", onchange: () => choose(index) });
    return choices.map((text, index) => made("label", {}, button(index), ` ${text}`));
  }
  if (!scale) {
    markPlaces(choose);
    return [made("p", { textContent: "Click the place, or move the mark with the arrow keys." })];
  }
  const [low, high] = scale, output = made("output");
  const oninput = ({ target }) => {
    output.value = number(target.valueAsNumber);
    choose(target.valueAsNumber);
  };
  const input = made("input", { type: "range", min: low, max: high, step: (high - low) / 200, value: (low + high) / 2, oninput });
  return [made("label", {}, `Your prediction, from ${number(low)} to ${number(high)} `, input, output)];
}

/** The scale with what was said and what is measured, each named at its place. */
function scaleWith({ scale: [low, high], measured: [found] }, said) {
  const at = (value) => `${Math.min(100, Math.max(0, (100 * (value - low)) / (high - low)))}%`;
  const named = (className, value, textContent) => made("span", { className, style: `--at: ${at(value)}`, textContent });
  const line = made("div", {}, named("found", found, `measured: ${number(found)}`), named("you", said, `you: ${number(said)}`));
  return made("div", { className: "scale" }, number(low), line, number(high));
}

/** Show which choice is right, and what is measured of each column. */
function judge(labels, { columns, right }) {
  labels.forEach((label, index) => {
    if (columns.length) label.append(" ", made("output", { textContent: columns[index] }));
    if (index === right) label.className = "right";
  });
}

const drawn = (equations) =>
  equations.map(([latex, svg]) => made("div", { className: "equation", role: "img", ariaLabel: latex, innerHTML: svg }));

function ask(question) {
  let said = null; // the index of a choice, a number, or a place
  const answer = made("button", { type: "button", className: "main", textContent: "Reveal", disabled: true });
  const form = made("fieldset", {}, ...predicting(question, (value) => {
    said = value;
    answer.disabled = false;
  }));
  answer.onclick = () => {
    state.revealed = form.disabled = true;
    wait(false);
    if (question.scale) form.replaceChildren(scaleWith(question, said));
    judge(form.querySelectorAll("label"), question);
    answer.replaceWith(...drawn(question.valued), ...revealed(question, said));
    goTo(0);
    play(true);
  };
  const asked = paragraphs(`**${question.question}**`);
  element("question").append(...paragraphs(question.text), ...drawn(question.equations), ...asked, form, answer);
  element("question").hidden = false;
  wait(true);
}

/** Hold the run at its first frame, and hide what is measured, until there is a prediction. */
function wait(on) {
  state.waiting = on;
  for (const id of ["play", "frame", "trained"]) element(id).disabled = on;
  element("figures").hidden = on || !element("figures").rows.length;
  element("chart").hidden = on || !document.querySelector(".plot");
}

/** A number, or a place of two. */
const words = (value) => ([value].flat().length > 1 ? `(${value.map(number).join(", ")})` : number(Number(value)));

/** What was said, what is measured, and why. */
function revealed({ choices, measured, right, reach, explanation }, said) {
  const place = measured.length === 2, distance = place ? Math.hypot(said[0] - measured[0], said[1] - measured[1]) : 0;
  const you = choices[said] ?? words(said), isRight = place ? distance <= reach : right === null ? null : right === said;
  const filled = explanation.replace(/\{(you(?:_[xy])?|distance)\}/g, (_, name) =>
    name === "you" ? you : number({ you_x: said[0], you_y: said[1], distance }[name]));
  if (isRight === null && explanation.includes("{you")) return paragraphs(filled);
  const verdict = isRight === null ? "" : isRight ? " Right." : " Not this time.";
  const sentence = `You said ${you}. Measured: ${choices[right] ?? words(measured)}.${verdict}`;
  return [made("p", {}, made("strong", { textContent: sentence })), ...paragraphs(filled)];
}

/** Let a place be marked on the first canvas, by pointer or keys. */
function markPlaces(chosen) {
  const { canvas, viewport } = shown.columns[0], [left, right, bottom, top] = viewport;
  const put = (x, y) => {
    if (state.revealed) return;
    state.mark = [x, y];
    chosen(state.mark);
    show();
  };
  canvas.tabIndex = 0;
  canvas.addEventListener("click", (event) => {
    const box = canvas.getBoundingClientRect();
    put(left + ((event.clientX - box.left) / box.width) * (right - left), top - ((event.clientY - box.top) / box.height) * (top - bottom));
  });
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!move) return;
    const [x, y] = state.mark ?? [(left + right) / 2, (bottom + top) / 2];
    put(x + (move[0] * (right - left)) / 50, y + (move[1] * (top - bottom)) / 50);
    event.preventDefault();
    event.stopPropagation();
  });
}

function setTheme(name) {
  state.theme = name;
  colors = shown.themes[name];
  for (const [key, value] of Object.entries(colors)) {
    if (typeof value === "string") document.documentElement.style.setProperty(`--${key.replace("_", "-")}`, value);
  }
  document.documentElement.style.colorScheme = name;
  element("theme").textContent = name === "dark" ? "Light" : "Dark";
}

/** What the colors of particles mean. */
function legend(coloring) {
  if (!coloring) return [];
  const hue = (index) => `--hue: ${colors[coloring.of][index]}`;
  const swatch = ([index, textContent]) => made("span", { style: hue(index), className: "swatch", textContent });
  return [made("figcaption", {}, coloring.title, ...coloring.key.map(swatch))];
}

/** Give a canvas as many pixels as it has on the screen. */
function resize(column) {
  const { canvas } = column, width = Math.round(canvas.clientWidth * devicePixelRatio), height = Math.round((width * HEIGHT) / WIDTH);
  if (!width || (width === canvas.width && height === canvas.height)) return;
  [canvas.width, canvas.height] = [width, height];
  if (document.documentElement.dataset.ready) draw(column);
}

function build() {
  element("columns").className = shown.columns.length === 1 ? "one" : "several";
  for (const column of shown.columns) {
    column.canvas = made("canvas", { role: "img", ariaLabel: column.title });
    column.caption = made("figcaption");
    const style = `--hue: var(--${column.color})`, title = made("h2", {}, made("b", { style, textContent: column.letter }), column.title);
    column.mark = made("i", { style });
    document.querySelector(".plot")?.append(column.mark);
    element("columns").append(made("figure", {}, title, column.canvas, column.caption, ...legend(column.runs[0].colors)));
    new ResizeObserver(() => resize(column)).observe(column.canvas);
  }
  for (const [name, title] of shown.layers) {
    const onchange = ({ target }) => {
      state.off[target.checked ? "delete" : "add"](name);
      show();
    };
    const box = made("input", { type: "checkbox", checked: true, onchange });
    element("layers").append(made("label", { style: `--hue: var(--${name})` }, box, title));
  }
  element("layers").hidden = !shown.layers.length;
  element("training").hidden = shown.steps.length < 2;
  if (shown.steps.length) state.trained = shown.shown;
  Object.assign(element("trained"), { max: shown.steps.length - 1, value: state.trained });
}

function listen() {
  element("play").onclick = () => play(!state.playing);
  element("frame").oninput = (event) => goTo(event.target.valueAsNumber);
  element("trained").oninput = (event) => {
    const share = state.frame / Math.max(total() - 1, 1);
    state.trained = event.target.valueAsNumber;
    state.frame = reached = Math.round(share * (total() - 1));
    show();
    say();
  };
  element("speed").onchange = (event) => (state.speed = Number(event.target.value));
  element("theme").onclick = () => {
    setTheme(state.theme === "dark" ? "light" : "dark");
    show();
  };
  addEventListener("keydown", (event) => {
    if (event.target.matches("button, select, input, summary") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " ") play(!state.playing);
    else if (event.key === "ArrowRight") goTo(state.frame + 1);
    else if (event.key === "ArrowLeft") goTo(state.frame - 1);
    else return;
    event.preventDefault();
  });
}

async function open() {
  setTheme(matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
  build();
  read(await unpacked(), shown);
  listen();
  document.documentElement.dataset.ready = "yes";
  wait(false);
  if (shown.question) ask(shown.question);
  show();
  say();
  if (!shown.question && !matchMedia("(prefers-reduced-motion: reduce)").matches) play(true);
}

open().catch((error) => {
  element("seen").className = "";
  element("seen").textContent = `This browser cannot play the page: ${error.message}`;
});
