// The last 24 hours as bands. Each slice of time shows the worst that was in it, so that a short
// outage is never too thin to see; of what is equally good, what lasted longer.

import { now } from "./agent.js";
import { element, signWords } from "./signs.js";
import { moment, span, text } from "./texts.js";

const DAY = 24 * 3600 * 1000;
const MINUTE = 60 * 1000;
const SLICE = 4; // units of the drawing
const HIGH = 46;
const SIGNS = ["none", "connected", "sending", "loading", "unsure", "barred"];
const RANK = { none: 0, connected: 1, sending: 1, loading: 1, unsure: 2, barred: 3 };
const SPACE = "http://www.w3.org/2000/svg";

const bands = document.getElementById("timeline-bands");
const legend = document.getElementById("timeline-legend");
const words = document.getElementById("timeline-words");

// Periods of one sign and label each, oldest first. `steps` are real ones, newest first; `gaps`
// are when nobody was there to know.
export function periods(machine, steps, gaps, until) {
  const from = until - DAY;
  const found = [];
  for (const step of [...steps].reverse()) {
    const at = Date.parse(step.at);
    const told = machine.told(step.states);
    const last = found.at(-1);
    const sign = machine.sign(step.states, told);
    if (last && last.told === told && last.sign === sign) continue;
    if (last) last.end = at;
    found.push({ told, sign, label: machine.label(told), begin: at, end: until });
  }
  const inside = found.flatMap((one) => without(one, gaps)).filter((one) => one.end > from && one.begin <= until);
  const begin = Math.max(from, inside.length ? inside[0].begin : until);
  if (begin > from) inside.unshift({ told: "", sign: "none", label: "", begin: from, end: begin });
  return inside.map((one) => ({ ...one, begin: Math.max(from, one.begin) }));
}

// What is left of a period without the gaps in it, and the gaps; both oldest first.
function without(period, gaps) {
  const parts = [];
  let { begin } = period;
  for (const gap of gaps) {
    if (gap.end <= begin || gap.begin >= period.end) continue;
    if (gap.begin > begin) parts.push({ ...period, begin, end: gap.begin });
    const end = Math.min(gap.end, period.end);
    parts.push({ told: "", sign: "none", label: "", begin: Math.max(gap.begin, begin), end });
    begin = end;
  }
  if (begin < period.end) parts.push({ ...period, begin });
  return parts;
}

// Neighbouring slices of the same sign and label become one band.
export function sliced(found, until, count) {
  const slices = [];
  const length = DAY / count;
  const from = until - DAY;
  for (const one of found) {
    const first = Math.min(count - 1, Math.floor((one.begin - from) / length));
    const last = Math.min(count - 1, Math.max(first, Math.ceil((one.end - from) / length) - 1));
    for (let slice = first; slice <= last; slice += 1) {
      const begin = from + slice * length;
      const lasted = Math.min(one.end, begin + length) - Math.max(one.begin, begin);
      const held = slices[slice];
      const worse = held ? RANK[one.sign] - RANK[held.sign] : 1;
      if (worse > 0 || (worse === 0 && lasted > held.lasted)) slices[slice] = { ...one, lasted };
    }
  }
  const merged = [];
  for (let slice = 0; slice < count; slice += 1) {
    const { sign, label } = slices[slice] || { sign: "none", label: "" };
    const last = merged.at(-1);
    if (last && last.sign === sign && last.label === label) last.length += 1;
    else merged.push({ sign, label, start: slice, length: 1 });
  }
  return merged;
}

export function drawTimeline(machine, steps, gaps) {
  const until = now().getTime();
  const found = periods(machine, steps, gaps, until);
  const wide = Math.max(280, Math.floor(bands.clientWidth || 900));
  const merged = sliced(found, until, Math.floor(wide / SLICE));
  bands.replaceChildren(picture(merged, wide, until));
  const signs = SIGNS.filter((sign) => merged.some((one) => one.sign === sign));
  legend.replaceChildren(...signs.map((sign) => element("li", {}, swatch(sign), signWords(sign))));
  words.textContent = summary(found);
}

function summary(found) {
  const dark = found.filter((one) => one.sign === "none").reduce((all, one) => all + one.end - one.begin, 0);
  if (dark < MINUTE || dark >= DAY - 1) return outages(found);
  return `${outages(found)} ${text("Nothing is known of {span} of this time.", { span: span(dark / 1000) })}`;
}

function outages(found) {
  const lost = found.filter((one) => one.sign === "barred");
  if (!lost.length) {
    return found.every((one) => one.sign === "none")
      ? text("Nothing is known of this time yet.")
      : text("The connection was never lost.");
  }
  const lengths = lost.map((one) => (one.end - one.begin) / 1000);
  const longest = lengths.indexOf(Math.max(...lengths));
  const sum = span(lengths.reduce((all, one) => all + one, 0));
  const since = moment(new Date(lost[longest].begin), now());
  if (lost.length === 1) return text("Without connection for {sum}, from {since}.", { sum, since });
  return text("Without connection for {sum} in all ({count} ×); the longest {longest}, from {since}.", {
    count: lost.length, sum, longest: span(lengths[longest]), since,
  });
}

function shape(name, attributes, content = "") {
  const made = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (content) made.textContent = content;
  return made;
}

function patterns(prefix) {
  const made = shape("defs", {});
  const drawings = {
    connected: "",
    sending: "M0 10 10 0",
    loading: "M0 0 10 10",
    unsure: "M5 0v4M0 7h0M10 7h0M5 8v2",
    barred: "M0 0 10 10M10 0 0 10",
    none: "M0 5h4",
  };
  for (const [sign, drawing] of Object.entries(drawings)) {
    const pattern = shape("pattern", {
      id: `${prefix}-${sign}`, width: 10, height: 10, patternUnits: "userSpaceOnUse",
    });
    pattern.append(shape("rect", { width: 10, height: 10, class: `ground ${sign}` }));
    if (drawing) pattern.append(shape("path", { d: drawing, class: `mesh ${sign}` }));
    made.append(pattern);
  }
  return made;
}

function picture(merged, wide, until) {
  const made = shape("svg", {
    viewBox: `0 0 ${wide} ${HIGH + 22}`, width: wide, height: HIGH + 22, role: "img",
    "aria-labelledby": "timeline-title timeline-words",
  });
  made.append(patterns("day"));
  for (const { sign, label, start, length } of merged) {
    const x = start * SLICE;
    const width = length * SLICE;
    const band = shape("g", { class: "band", "data-sign": sign });
    band.append(shape("title", {}, label || signWords(sign)));
    band.append(shape("rect", { x, y: 0, width, height: HIGH, fill: `url(#day-${sign})` }));
    const named = label || signWords(sign);
    if (width > 18 + named.length * 8.2) {
      const middle = x + width / 2;
      const plate = named.length * 8.2 + 12;
      band.append(shape("rect", { x: middle - plate / 2, y: 10, width: plate, height: 26, rx: 5, class: "plate" }));
      band.append(shape("text", { x: middle, y: 28, "text-anchor": "middle" }, named));
    }
    made.append(band);
  }
  made.append(shape("rect", { x: 0.5, y: 0.5, width: wide - 1, height: HIGH - 1, class: "rim" }));
  for (const tick of ticks(until, wide)) made.append(...tick);
  return made;
}

function* ticks(until, wide) {
  const apart = wide < 600 ? 6 : 3;
  const hour = new Date(until - DAY);
  hour.setMinutes(0, 0, 0);
  for (let step = 0; step < 26; step += 1) {
    hour.setHours(hour.getHours() + 1);
    const x = ((hour.getTime() - until + DAY) / DAY) * wide;
    if (hour.getHours() % apart === 0 && x > 24 && x < wide - 24) {
      yield [
        shape("path", { d: `M${x} ${HIGH}v5`, class: "tick" }),
        shape("text", { x, y: HIGH + 19, "text-anchor": "middle", class: "hour" }, moment(new Date(hour), hour)),
      ];
    }
  }
}

function swatch(sign) {
  const made = shape("svg", { width: 34, height: 20, "aria-hidden": "true" });
  made.append(patterns(`key-${sign}`));
  made.append(shape("rect", { width: 34, height: 20, fill: `url(#key-${sign}-${sign})` }));
  made.append(shape("rect", { x: 0.5, y: 0.5, width: 33, height: 19, class: "rim" }));
  return made;
}
