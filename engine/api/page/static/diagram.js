// The machine's drawing, with the active states and the last transition lit.

import { drawing, now } from "./agent.js";
import { cause } from "./signs.js";
import { language, moment, text } from "./texts.js";

const place = document.getElementById("machine-drawing");
const words = document.getElementById("machine-words");

export async function loadDrawing() {
  place.replaceChildren(await drawing(`/v1/machine/diagram.svg?lang=${language}`));
}

// `step` is the newest one that led from one state to another.
export function lightUp(machine, active, step) {
  for (const shape of place.querySelectorAll("[data-state]")) {
    const lit = active.includes(shape.dataset.state);
    shape.classList.toggle("active", lit);
    shape.querySelector(".mark")?.setAttribute("fill", lit ? "currentColor" : "none");
  }
  const taken = step ? step.taken.filter((one) => one.source !== one.target) : [];
  const lines = taken.map((one) => line(machine, one)).filter(Boolean);
  for (const shape of place.querySelectorAll(".line")) shape.classList.toggle("lit", lines.includes(shape));
  for (const shape of lines) shape.parentNode.append(shape); // above the others
  for (const shape of place.querySelectorAll(".state")) shape.parentNode.append(shape);
  const here = text("Now: {state}.", { state: machine.label(machine.told(active)) });
  words.textContent = taken.length ? `${here} ${lastWords(machine, step, taken)}` : here;
}

// Nothing is known of where the machine is now.
export function putOut() {
  for (const shape of place.querySelectorAll(".active, .lit")) shape.classList.remove("active", "lit");
  for (const mark of place.querySelectorAll(".mark")) mark.setAttribute("fill", "none");
  words.textContent = "";
}

function lastWords(machine, step, taken) {
  return text("Last change: {from} → {to} at {time}. Cause: {cause}.", {
    from: machine.label(taken[0].source),
    to: machine.label(taken.at(-1).target),
    time: moment(new Date(step.at), now()),
    cause: cause(step.event),
  });
}

// A transition may have been declared by a state around the one that was left.
function line(machine, taken) {
  for (const source of [...machine.around(taken.source), ""]) {
    for (const target of machine.around(taken.target)) {
      const found = [...place.querySelectorAll(".line")].find(
        (one) => one.dataset.source === source && one.dataset.target === target,
      );
      if (found) return found;
    }
  }
  return null;
}
