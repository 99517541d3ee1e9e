// The last steps: what happened, what it led to, and why something did not happen. Each opens to
// show where it came from: the call that it answers, what changed, conditions with their values.

import { now } from "./agent.js";
import { cause, effectName, element } from "./signs.js";
import { moment, span, text, toTheSecond } from "./texts.js";

const MOST = 8;
const SHORT = 8; // characters of a hash that are enough to know it again
const list = document.getElementById("steps-list");
const none = document.getElementById("steps-none");
let shown = "";

export function drawSteps(machine, entries) {
  const groups = grouped(entries).slice(0, MOST);
  const key = groups.map((one) => `${one.step.number}x${one.count}`).join(" ");
  if (key === shown) return;
  shown = key;
  const open = new Set([...list.querySelectorAll("details[open]")].map((one) => one.dataset.number));
  none.hidden = groups.length > 0;
  list.replaceChildren(...groups.map((one) => row(machine, one, open)));
}

// The same thing that changed nothing, again and again, is one line.
export function grouped(entries) {
  const groups = [];
  for (const step of entries) {
    const last = groups.at(-1);
    const same = last && last.step.dull && step.dull && last.step.event === step.event
      && last.step.ignored === step.ignored;
    if (same) last.count += 1;
    else groups.push({ step, count: 1 });
  }
  return groups;
}

function row(machine, { step, count }, open) {
  const at = new Date(step.at);
  const time = element("time", { dateTime: step.at, title: step.event },
    at.toDateString() === now().toDateString() ? toTheSecond(at) : moment(at, now()));
  if (step.kind === "agent") return agentRow(time, step);
  const moved = step.taken.filter((one) => !one.stays);
  const told = element("p", { className: "what" }, cause(step.event));
  if (count > 1) told.append(" ", element("span", { className: "count" }, text("{n} ×", { n: count })));
  const body = element("div", {}, told, element("p", { className: "led" }, outcome(machine, step, moved)));
  // Where something came of it, why nothing else did is told to those who ask.
  const led = moved.length || step.started.length || step.joined.length;
  // What is looked at after every event, whatever it is, says nothing of this one.
  const plain = led ? [] : step.refused.filter((one) => one.event !== "always");
  body.append(...plain.map((one) => refusal(machine, one)));
  const more = [
    ...details(step),
    ...step.refused.filter((one) => !plain.includes(one)).map((one) => refusal(machine, one)),
  ];
  if (more.length) {
    const opened = element("details", { open: open.has(String(step.number)) },
      element("summary", {}, text("Cause and details")), ...more);
    opened.dataset.number = String(step.number);
    body.append(opened);
  }
  return element("li", { className: moved.length ? "moved" : "stayed" }, time, body);
}

// What befell the agent, and not this till alone.
function agentRow(time, { event, data }) {
  const hash = String(data.hash || "").slice(0, SHORT);
  const lines = {
    "agent.started": [
      text("The agent's process began"),
      data.before === "crashed" && data.last
        ? text("The one before it was not stopped; it was last heard of at {time}.", {
          time: moment(new Date(data.last * 1000), now()),
        }) : "",
      text("Version {version}, machine {machine} {hash}", {
        version: data.version, machine: data.machine, hash,
      }),
    ],
    "agent.stopped": [text("The agent was stopped"), data.reason || ""],
    "config.refused": [text("A file was refused"), data.message || ""],
    "clock.jumped": [
      text("The clock was set, or all slept"),
      (data.seconds > 0 ? text("{span} ahead", { span: span(data.seconds) })
        : text("{span} back", { span: span(-data.seconds) })),
    ],
  }[event] || [event];
  const [what, ...rest] = lines;
  const body = element("div", {}, element("p", { className: "what" }, what),
    ...rest.filter(Boolean).map((line) => element("p", { className: "led" }, line)));
  return element("li", { className: "agent" }, time, body);
}

function outcome(machine, step, moved) {
  if (step.ignored) {
    return text("Ignored: in the state “{state}” nothing is done about it.", {
      state: machine.label(machine.told(step.states)),
    });
  }
  if (!moved.length) {
    const started = step.started.map(effectName);
    return started.length ? text("Begun: {what}.", { what: started.join(", ") }) : text("Nothing changed.");
  }
  if (moved.every((one) => one.source === one.target)) {
    return text("{state}, once more", { state: machine.label(moved[0].target) });
  }
  return moved.map((one) => machine.label(one.source))
    .concat(machine.label(moved.at(-1).target))
    .filter((label, index, all) => label !== all[index - 1])
    .join(" → ");
}

function details(step) {
  const { answer, changed } = step;
  const lines = [];
  if (answer && answer.took !== null) {
    lines.push(text("Asked at {time} ({by}), answered after {span}.", {
      time: toTheSecond(new Date(answer.began)), by: cause(answer.by), span: seconds(answer.took),
    }));
  }
  if (step.event === "agent.reloaded") {
    lines.push(text("Machine {from} → {to}", {
      from: String(step.data.from || "?").slice(0, SHORT), to: String(step.data.to || "?").slice(0, SHORT),
    }));
  }
  const names = Object.entries(changed).map(([name, [before, after]]) => `${name} ${before} → ${after}`);
  if (names.length) lines.push(text("Changed: {what}.", { what: names.join(", ") }));
  if (step.raised.length) lines.push(text("Followed by: {what}.", { what: step.raised.join(", ") }));
  if (step.joined.length) {
    lines.push(text("Not begun again, as it is under way: {what}.", { what: step.joined.map(effectName).join(", ") }));
  }
  if (step.dropped.length) {
    lines.push(text("No longer waited for: {what}.", { what: step.dropped.map(effectName).join(", ") }));
  }
  return lines.map((line) => element("p", { className: "why" }, line));
}

// 0.25 -> "250 ms"; from ten seconds on whole ones.
function seconds(length) {
  if (length < 1) return `${Math.round(length * 1000)} ms`;
  return length < 10 ? `${length.toFixed(1)} s` : span(length);
}

// A condition that did not hold, and the values that it went by.
export function condition(guard, seen) {
  const values = Object.entries(seen).map(([name, value]) => `${name} = ${value}`);
  const made = [element("code", {}, guard)];
  if (values.length) made.push(` (${values.join(", ")})`);
  return made;
}

function refusal(machine, refused) {
  const words = text("Not taken in “{state}”, because this does not hold:", {
    state: machine.label(refused.state) || machine.view.machine,
  });
  return element("p", { className: "why" }, words, " ", ...condition(refused.guard, refused.seen));
}
