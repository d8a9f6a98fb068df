"use strict";

// Plays the run that the page has. All numbers come from the program that wrote it; nothing is computed here but their places on the
// screen. Times are in milliseconds, lengths in units of shown.size unless they are said to be pixels.

const TRAIL = 16; // recorded frames that a trail reaches back, of which the page may have every so manieth only
const SEGMENTS = 7000; // of all trails in a frame
const LENGTH = 8; // of a segment in the mean: if they are longer, there are fewer trails
const DURATION = 6000; // of a run at speed 1
const HELD = 1000; // for which the last frame stays before the run begins again
const NOWHERE = 65535; // stands for a coordinate that is not finite
const LAYERS = {
  data: ["data", "data"],
  density: ["density", "density"],
  errorMap: ["error", "score error"],
  exact: ["exact", "exact "], // what the arrows are follows
  learned: ["learned", "learned "],
  error: ["error", "error of the "],
  trails: ["trails", "trails"],
  particles: ["particles", "particles"],
  path: ["likelihood", "likelihood path"],
};

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
function arrayAt(bytes, place) {
  const length = place.shape.reduce((product, side) => product * side, 1);
  if (place.type === "uint8") return bytes.subarray(place.at, place.at + length);
  if (place.type === "int8") return new Int8Array(bytes.buffer, bytes.byteOffset + place.at, length);
  const found = new Uint16Array(length);
  for (let index = 0; index < length; index++) {
    found[index] = bytes[place.at + index] | (bytes[place.at + length + index] << 8);
  }
  return found;
}

/** Positions of all frames from their differences, which are counted modulo 65,536. */
function summed(differences, [frames]) {
  const size = differences.length / frames;
  for (let index = size; index < differences.length; index++) differences[index] += differences[index - size];
  return differences;
}

/** The factors and offsets that take a whole number x to its place on the canvas: x * sx + tx, y * sy + ty. */
function placing(box, viewport) {
  const [x0, y0, x1, y1] = box;
  const [left, right, bottom, top] = viewport;
  const sx = WIDTH / (right - left), sy = HEIGHT / (top - bottom);
  return {
    sx: (sx * (x1 - x0)) / (NOWHERE - 1), tx: (x0 - left) * sx,
    sy: (-sy * (y1 - y0)) / (NOWHERE - 1), ty: (top - y0) * sy,
  };
}

function read(bytes) {
  for (const column of shown.columns) {
    for (const still of [column.data, column.path]) {
      if (!still) continue;
      still.points = arrayAt(bytes, still);
      still.to = placing(still.box, column.viewport);
      if (still.labels) still.labels = arrayAt(bytes, still.labels);
    }
    for (const run of column.runs) {
      if (run.images) run.pixels = arrayAt(bytes, run.images);
      if (run.positions) {
        run.count = run.positions.shape[1];
        run.points = summed(arrayAt(bytes, run.positions), run.positions.shape);
        run.to = placing(run.positions.box, column.viewport);
      }
      if (run.labels) run.labels = arrayAt(bytes, run.labels);
      for (const map of Object.values(run.maps ?? {})) map.cells = arrayAt(bytes, map);
      for (const field of Object.values(run.fields ?? {})) {
        field.middles = arrayAt(bytes, field.middles);
        field.halves = arrayAt(bytes, field.halves);
        let from = 0;
        field.from = field.counts.map((count) => (from += count) - count);
      }
    }
  }
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

function drawMap(context, map, moment, table, viewport) {
  const [, rows, columns] = map.shape; // row 0 is at the bottom
  const cell = (pixel) => (moment * rows + rows - 1 - Math.floor(pixel / columns)) * columns + (pixel % columns);
  const small = picture(rows, columns, (pixel) => table[map.cells[cell(pixel)]]);
  const [x0, x1, y0, y1] = map.extent, [left, right, bottom, top] = viewport;
  const sx = WIDTH / (right - left), sy = HEIGHT / (top - bottom);
  context.imageSmoothingEnabled = true;
  context.drawImage(small, (x0 - left) * sx, (top - y1) * sy, (x1 - x0) * sx, (y1 - y0) * sy);
}

const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
const opaque = (table) => table.map((hex) => [...rgb(hex), 255]);
const errorTable = () => Array.from({ length: 256 }, (_, level) => [...rgb(colors.error), Math.round(level / 2)]);

/** Call `call` with each round number between two ends, and its text. */
function atTicks(low, high, length, call) {
  const rough = (high - low) / Math.max(2, length / 130), power = 10 ** Math.floor(Math.log10(rough));
  const apart = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  for (let index = Math.ceil(low / apart); index * apart < high; index++) {
    call(index * apart, Number((index * apart).toPrecision(6)).toString().replace("-", "−"));
  }
}

function drawGrid(context, column) {
  const [left, right, bottom, top] = column.viewport;
  context.font = "13px system-ui, sans-serif";
  context.lineWidth = 1;
  context.strokeStyle = colors.grid;
  context.fillStyle = colors.muted;
  context.textAlign = "center";
  atTicks(left, right, WIDTH, (value, text) => {
    const x = ((value - left) / (right - left)) * WIDTH;
    context.strokeRect(x, -1, 0, HEIGHT + 2);
    if (x > 30 && x < WIDTH - 30) context.fillText(text, x, HEIGHT - 6);
  });
  context.textAlign = "right";
  if (`${column.axes}` !== "x,y") context.fillText(column.axes[0], WIDTH - 8, HEIGHT - 22);
  context.textAlign = "left";
  if (`${column.axes}` !== "x,y") context.fillText(column.axes[1], 8, 16);
  atTicks(bottom, top, HEIGHT, (value, text) => {
    const y = ((top - value) / (top - bottom)) * HEIGHT;
    context.strokeRect(-1, y, WIDTH + 2, 0);
    if (y > 20 && y < HEIGHT - 30) context.fillText(text, 6, y + 4);
  });
}

/** Discs at whole-number points. One path for each is faster than a path of all, or copies of a picture. */
function drawDiscs(context, points, start, count, to, radius, colorOf, alpha) {
  context.globalAlpha = alpha;
  for (let index = 0; index < count; index++) {
    const x = points[start + 2 * index], y = points[start + 2 * index + 1];
    if (x === NOWHERE || y === NOWHERE) continue;
    const px = x * to.sx + to.tx, py = y * to.sy + to.ty;
    if (px < -9 || py < -9 || px > WIDTH + 9 || py > HEIGHT + 9) continue;
    context.fillStyle = colorOf(index);
    context.beginPath();
    context.arc(px, py, radius, 0, 7);
    context.fill();
  }
  context.globalAlpha = 1;
}

function drawTrails(context, run, frame) {
  if (!frame) return;
  const { to, points } = run, from = run.frames[frame] - TRAIL;
  const first = Math.min(frame - 1, run.frames.findIndex((recorded) => recorded >= from));
  let stride = Math.ceil((run.count * (frame - first)) / SEGMENTS), length = 0;
  for (let index = 0; index < run.count; index += stride) {
    const b = 2 * (frame * run.count + index), a = b - 2 * run.count;
    length += Math.min(WIDTH, Math.hypot((points[b] - points[a]) * to.sx, (points[b + 1] - points[a + 1]) * to.sy));
  }
  while ((length * (frame - first)) / stride > LENGTH * SEGMENTS && stride < run.count) stride *= 2;
  context.strokeStyle = colors.trails;
  context.lineWidth = 1;
  for (let age = first; age < frame; age++) {
    const path = new Path2D();
    for (let index = 0; index < run.count; index += stride) {
      const a = 2 * (age * run.count + index), b = a + 2 * run.count;
      if (points[a] === NOWHERE || points[b] === NOWHERE) continue;
      path.moveTo(points[a] * to.sx + to.tx, points[a + 1] * to.sy + to.ty);
      path.lineTo(points[b] * to.sx + to.tx, points[b + 1] * to.sy + to.ty);
    }
    context.globalAlpha = 0.12 + (0.48 * (age - first + 1)) / (frame - first);
    context.stroke(path);
  }
  context.globalAlpha = 1;
}

function drawField(context, field, moment, color, width, alpha) {
  const path = new Path2D(), end = field.from[moment] + field.counts[moment];
  for (let index = field.from[moment]; index < end; index++) {
    const x = field.middles[2 * index] / 64, y = field.middles[2 * index + 1] / 64;
    const dx = (field.halves[2 * index] * 18) / 127, dy = (field.halves[2 * index + 1] * 18) / 127;
    const length = Math.hypot(dx, dy) || 1, head = Math.min(0.84 * length, 5.5) / length;
    path.moveTo(x - dx, y - dy);
    path.lineTo(x + dx, y + dy);
    path.lineTo(x + dx - head * (dx + 0.55 * dy), y + dy - head * (dy - 0.55 * dx));
    path.moveTo(x + dx, y + dy);
    path.lineTo(x + dx - head * (dx - 0.55 * dy), y + dy - head * (dy + 0.55 * dx));
  }
  context.strokeStyle = color;
  context.lineWidth = width;
  context.globalAlpha = alpha;
  context.stroke(path);
  context.globalAlpha = 1;
}

function drawPath(context, still) {
  context.strokeStyle = colors.likelihood;
  context.lineWidth = 2;
  context.beginPath();
  for (let index = 0; index < still.points.length; index += 2) {
    if (still.points[index] === NOWHERE) continue;
    context.lineTo(still.points[index] * still.to.sx + still.to.tx, still.points[index + 1] * still.to.sy + still.to.ty);
  }
  context.stroke();
  drawDiscs(context, still.points, 0, 1, still.to, 6, () => colors.likelihood, 1);
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
      return channels === 3 ? [...run.pixels.subarray(at, at + 3), 255] : table[run.pixels[at]];
    });
    const left = (WIDTH - across * pitch) / 2 + (number % across) * pitch;
    context.drawImage(small, left, (HEIGHT - down * pitch) / 2 + Math.floor(number / across) * pitch, side, side);
  }
}

/** The color of each label: of numbers from low to high, or of categories. */
const colorsOf = (coloring) => (coloring && coloring.numbers ? colors.values : colors.categories);

/** What lies below trails and particles, painted again when it changes. */
function stillOf(column, run, moment) {
  const { width, height } = column.canvas, { data } = column, { maps, fields } = run;
  const name = [state.trained, moment, state.theme, width, ...state.off].join(" ");
  if (column.still?.name === name) return column.still.canvas;
  const canvas = made("canvas", { width, height }), context = canvas.getContext("2d", { alpha: false });
  context.scale(width / WIDTH, width / WIDTH);
  context.fillStyle = colors.background;
  context.fillRect(0, 0, WIDTH, HEIGHT);
  if (maps.density && isOn("density")) drawMap(context, maps.density, moment, opaque(colors.densities), column.viewport);
  if (maps.error && isOn("errorMap")) drawMap(context, maps.error, moment, errorTable(), column.viewport);
  drawGrid(context, column);
  if (data && isOn("data")) {
    const colorOf = data.labels ? (index) => colors.categories[data.labels[index] % 8] : () => colors.data;
    drawDiscs(context, data.points, 0, data.points.length / 2, data.to, 1.4, colorOf, 0.65);
  }
  if (fields.exact && isOn("exact")) drawField(context, fields.exact, moment, colors.exact, 2.6, 0.55);
  if (fields.learned && isOn("learned")) drawField(context, fields.learned, moment, colors.learned, 1.2, 0.9);
  if (fields.error && isOn("error")) drawField(context, fields.error, moment, colors.error, 1.5, 0.9);
  column.still = { name, canvas };
  return canvas;
}

function draw(column) {
  const { canvas } = column, run = runOf(column), frame = ownFrame(run), ratio = canvas.width / WIDTH;
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
  if (!column.hidden.includes("trails") && isOn("trails")) drawTrails(context, run, frame);
  if (!column.hidden.includes("particles") && isOn("particles")) {
    const radius = Math.min(3, Math.max(1.5, 3 * (600 / run.count) ** 0.25)), table = colorsOf(run.colors);
    const first = frame * run.count;
    const colorOf = run.labels ? (index) => table[run.labels[first + index]] : () => colors.particles;
    drawDiscs(context, run.points, 2 * first, run.count, run.to, radius, colorOf, 0.95);
  }
  if (column.path && isOn("path")) drawPath(context, column.path);
  if (shown.question?.point && !state.mark) drawMark(context, column, shown.question.point, colors.text);
  if (state.mark) drawMark(context, column, state.mark, colors.text);
  if (state.revealed && shown.question.measured.length === 2) drawMark(context, column, shown.question.measured, colors.accent);
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

/** Draw all columns, and show where the timelines stand. */
function show() {
  for (const column of shown.columns) draw(column);
  const run = runOf(shown.columns[0]);
  Object.assign(element("frame"), { max: total() - 1, value: state.frame });
  element("moment").value = `${grouped(run.frames[ownFrame(run)])} of ${grouped(run.frames.at(-1))}`;
  if (shown.steps.length > 1) element("trainedStep").value = grouped(shown.steps[state.trained]);
}

/** Say what is seen, for those who do not see it. It is said when the run stands, not for every frame. */
function say() {
  const said = shown.columns.map((column) => {
    const run = runOf(column), count = (run.images ?? run.positions).shape[1], what = run.images ? "images" : "particles";
    const some = count < run.of ? `${grouped(count)} of ${grouped(run.of)}` : grouped(count);
    return `${column.title}: ${some} ${what}; ${run.captions[ownFrame(run)].join(", ")}.`;
  });
  element("seen").textContent = said.join(" ");
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

function ask(question) {
  const box = element("question"), answer = made("button", { type: "button", className: "main", textContent: "Reveal", disabled: true });
  let said = null; // the index of a choice, a number, or a place
  const choose = (value) => {
    said = value;
    answer.disabled = false;
  };
  const form = made("div");
  if (question.choices.length) {
    question.choices.forEach((text, index) => {
      const input = made("input", { type: "radio", name: "choice", onchange: () => choose(index) });
      form.append(made("label", {}, input, ` ${text}`));
    });
  } else if (question.scale) {
    const [low, high] = question.scale, output = made("output");
    const input = made("input", { type: "range", min: low, max: high, step: (high - low) / 200, value: (low + high) / 2 });
    input.oninput = () => {
      output.value = number(input.valueAsNumber);
      choose(input.valueAsNumber);
    };
    form.append(made("label", {}, `Your prediction, from ${number(low)} to ${number(high)} `, input, output));
  } else {
    form.append(made("p", { textContent: "Click the place, or move the mark with the arrow keys." }));
    markPlaces((where) => choose(where));
  }
  answer.onclick = () => {
    state.revealed = true;
    wait(false);
    form.querySelectorAll("input").forEach((input) => (input.disabled = true));
    answer.remove();
    box.append(...revealed(question, said));
    goTo(0);
    play(true);
  };
  box.append(...paragraphs(question.text), ...paragraphs(`**${question.question}**`), form, answer);
  box.hidden = false;
  wait(true);
}

/** Hold the run at its first frame, and hide what is measured, until there is a prediction. */
function wait(on) {
  state.waiting = on;
  for (const id of ["play", "frame", "trained"]) element(id).disabled = on;
  element("figures").hidden = on || !shown.figures.length;
}

/** What was said, what is measured, and why. */
function revealed(question, said) {
  const place = question.measured.length === 2;
  const words = (value) => (Array.isArray(value) ? `(${value.map(number).join(", ")})` : number(value));
  const you = question.choices.length ? question.choices[said] : words(said);
  const distance = place ? Math.hypot(said[0] - question.measured[0], said[1] - question.measured[1]) : 0;
  const right = place ? distance <= question.reach : question.right === null ? null : question.right === said;
  const verdict = right === null ? "" : right ? " Right." : " Not this time.";
  const truth = question.choices.length && question.right !== null ? question.choices[question.right]
    : words(place ? question.measured : question.measured[0]);
  const values = { you, you_x: place && number(said[0]), you_y: place && number(said[1]), distance: number(distance) };
  const filled = question.explanation.replace(/\{(you(?:_[xy])?|distance)\}/g, (_, name) => values[name]);
  const told = right === null && question.explanation.includes("{you");
  return [...(told ? [] : [made("p", {}, made("strong", { textContent: `You said ${you}. Measured: ${truth}.${verdict}` }))]), ...paragraphs(filled)];
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

/** The layers that some column has. */
function layersThere() {
  const there = new Set();
  for (const column of shown.columns.filter((one) => !one.image)) {
    if (column.data) there.add("data");
    if (column.path) there.add("path");
    for (const name of ["trails", "particles"]) if (!column.hidden.includes(name)) there.add(name);
    for (const { maps, fields } of column.runs) {
      if (maps.density) there.add("density");
      if (maps.error) there.add("errorMap");
      Object.keys(fields).forEach((name) => there.add(name));
    }
  }
  return Object.keys(LAYERS).filter((name) => there.has(name));
}

/** What the colors of particles mean. */
function legend(coloring) {
  if (!coloring) return [];
  const swatch = (index, text) => made("span", { style: `--hue: ${colorsOf(coloring)[index]}`, className: "swatch", textContent: text });
  const entries = coloring.numbers ? coloring.numbers.map(([share, text]) => swatch(Math.round(255 * share), text))
    : coloring.names.map((name, index) => swatch(coloring.order[index], name));
  return [made("figcaption", {}, coloring.title, ...entries)];
}

function build() {
  document.querySelector("h1").textContent = shown.title;
  const versions = [...new Set(shown.provenance.map((one) => one.version))].join(", ");
  const details = made("pre", { textContent: JSON.stringify(shown.provenance, null, 1) });
  document.querySelector("footer").append(made("details", {}, made("summary", { textContent: `Made by Score Playground ${versions}` }), details));
  const columns = element("columns");
  columns.className = shown.columns.length === 1 ? "one" : "several";
  for (const column of shown.columns) {
    column.canvas = made("canvas", { role: "img" });
    column.canvas.setAttribute("aria-label", column.title);
    column.caption = made("figcaption");
    const title = made("h2", { textContent: column.title });
    columns.append(made("figure", {}, title, column.canvas, column.caption, ...legend(column.runs[0].colors)));
    new ResizeObserver(() => {
      const width = Math.round(column.canvas.clientWidth * devicePixelRatio), height = Math.round((width * HEIGHT) / WIDTH);
      if (!width || (width === column.canvas.width && height === column.canvas.height)) return;
      [column.canvas.width, column.canvas.height] = [width, height];
      if (document.documentElement.dataset.ready) draw(column);
    }).observe(column.canvas);
  }
  for (const name of layersThere()) {
    const what = shown.columns.map((column) => column.runs[0].fields?.[name]?.what).find(Boolean);
    const hue = LAYERS[name][0], title = LAYERS[name][1] + (what ?? "");
    const box = made("input", { type: "checkbox", checked: true });
    box.onchange = () => {
      state.off[box.checked ? "delete" : "add"](name);
      show();
    };
    const label = made("label", {}, box, title);
    label.style.setProperty("--hue", `var(--${hue})`);
    element("layers").append(label);
  }
  element("layers").hidden = !element("layers").querySelector("label");
  if (shown.steps.length > 1) {
    element("training").hidden = false;
    state.trained = shown.shown;
    Object.assign(element("trained"), { max: shown.steps.length - 1, value: state.trained });
    element("figures").caption.textContent = `Figures with the weights of training step ${grouped(shown.steps[shown.shown])}`;
  }
  for (const [name, value] of shown.figures) {
    const row = made("tr", {}, made("th", { scope: "row", textContent: name }), made("td", { textContent: value }));
    element("figures").tBodies[0].append(row);
  }
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
  read(await unpacked());
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
