// Why the till is not elsewhere: the ways out of its state, and what held each. It is asked for
// only while somebody has it open.

import { Fault, get, now, tillPath } from "./agent.js";
import { cause, element } from "./signs.js";
import { condition } from "./steps.js";
import { moment, text, toTheSecond } from "./texts.js";

const place = document.getElementById("why");
const list = document.getElementById("why-list");
const none = document.getElementById("why-none");

export async function drawWhy(machine, till) {
  if (!place.open || !machine) return;
  try {
    const { ways } = await get(tillPath(till, "/why-not"));
    none.hidden = ways.length > 0;
    list.replaceChildren(...ways.map((way) => row(machine, way)));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
}

// `again` is called when somebody opens it.
export function whyOpened(again) {
  place.addEventListener("toggle", again);
}

function row(machine, way) {
  const head = element("p", { className: "what" },
    text("{what}: {outcome}", { what: `→ ${machine.label(way.target)}`, outcome: wanted(way.event) }));
  const lines = [element("p", { className: "led" }, held(way))];
  if (way.guard) {
    const values = way.held === "refused" && way.last ? way.seen : way.now;
    lines.push(element("p", { className: "why" }, text("Its condition:"), " ", ...condition(way.guard, values)));
  }
  const coming = bringing(way);
  if (coming) lines.push(element("p", { className: "why" }, coming));
  return element("li", {}, head, ...lines);
}

function wanted(event) {
  if (event === "always") return text("as soon as its condition holds");
  if (event.startsWith("after ")) return text("when the wait is over");
  return cause(event);
}

function held(way) {
  const time = way.last ? toTheSecond(new Date(way.last)) : "";
  if (way.held === "never") return text("That has not happened since.");
  if (way.held === "passed") return text("It happened at {time}, and another rule was first.", { time });
  if (way.held === "due") return text("That is at {time}.", { time: toTheSecond(new Date(way.due)) });
  if (way.held === "open") return text("Nothing that is known holds it.");
  return time ? text("It happened at {time}, and the condition did not hold.", { time })
    : text("The condition does not hold.");
}

function bringing(way) {
  if (way.by === "under way") return text("An answer is being waited for.");
  if (!way.by || !way.due) return "";
  return text("The next try is at {time}.", { time: toSoon(new Date(way.due)) });
}

function toSoon(date) {
  return date.toDateString() === now().toDateString() ? toTheSecond(date) : moment(date, now());
}
