// The last steps: what happened, what it led to, and why something did not happen.

import { now } from "./agent.js";
import { cause, effectName, element } from "./signs.js";
import { moment, text, toTheSecond } from "./texts.js";

const MOST = 8;
const list = document.getElementById("steps-list");
const none = document.getElementById("steps-none");
let shown = "";

export function drawSteps(machine, steps) {
  const groups = grouped(steps).slice(0, MOST);
  const key = groups.map((one) => `${one.step.number}x${one.count}`).join(" ");
  if (key === shown) return;
  shown = key;
  const open = new Set([...list.querySelectorAll("details[open]")].map((one) => one.dataset.number));
  none.hidden = groups.length > 0;
  list.replaceChildren(...groups.map((one) => row(machine, one, open)));
}

// The same thing that changed nothing, again and again, is one line.
export function grouped(steps) {
  const groups = [];
  for (const step of steps) {
    const last = groups.at(-1);
    const same = last && last.step.dull && step.dull && last.step.event === step.event
      && Boolean(last.step.detail.unhandled) === Boolean(step.detail.unhandled);
    if (same) last.count += 1;
    else groups.push({ step, count: 1 });
  }
  return groups;
}

function row(machine, { step, count }, open) {
  const at = new Date(step.at);
  const moved = step.taken.filter((one) => !one.stays);
  const told = element("p", { className: "what" }, cause(step.event));
  if (count > 1) told.append(" ", element("span", { className: "count" }, text("{n} ×", { n: count })));
  const body = element("div", {}, told, element("p", { className: "led" }, outcome(machine, step, moved)));
  const refused = step.detail.refused || [];
  // Where something came of it, why nothing else did is told to those who ask.
  const led = moved.length || (step.detail.started || []).length || (step.detail.joined || []).length;
  // What is looked at after every event, whatever it is, says nothing of this one.
  const own = refused.filter((one) => !Array.isArray(one) || one[1] !== "always");
  if (!led) body.append(...own.map((one) => refusal(machine, one)));
  else if (refused.length) body.append(otherwise(machine, step, refused, open));
  const time = element("time", { dateTime: step.at, title: step.event },
    at.toDateString() === now().toDateString() ? toTheSecond(at) : moment(at, now()));
  return element("li", { className: moved.length ? "moved" : "stayed" }, time, body);
}

function outcome(machine, step, moved) {
  if (step.detail.unhandled) {
    return text("Ignored: in the state “{state}” nothing is done about it.", {
      state: machine.label(machine.told(step.states)),
    });
  }
  if (!moved.length) {
    const started = (step.detail.started || []).map(effectName);
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

// The agent tells a refusal as [state, event, guard].
function refusal(machine, refused) {
  const [state, , guard] = Array.isArray(refused) ? refused : [refused.state, "", refused.guard];
  const line = element("p", { className: "why" }, text("Not taken in “{state}”, because this does not hold:", {
    state: machine.label(state) || machine.view.machine,
  }), " ", element("code", {}, guard));
  return line;
}

function otherwise(machine, step, refused, open) {
  const details = element("details", { open: open.has(String(step.number)) },
    element("summary", {}, text("Why nothing else")),
    ...refused.map((one) => refusal(machine, one)));
  details.dataset.number = String(step.number);
  return details;
}
