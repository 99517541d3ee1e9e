// What a state looks like and is called: the machine's own labels, and five signs.

import { language, text } from "./texts.js";

export class Machine {
  constructor(view) {
    this.view = view;
    this.states = new Map(view.states.map((state) => [state.id, state]));
  }

  label(id) {
    const state = this.states.get(id);
    return (state && state.label && state.label[language]) || id || "";
  }

  // The state that a person is told: the innermost one with a label.
  told(active) {
    const labelled = active.filter((id) => this.states.has(id) && this.states.get(id).label);
    return (labelled.length ? labelled : active).at(-1) || "";
  }

  sign(active, told = this.told(active)) {
    const signs = active.map((id) => this.states.get(id)?.sign);
    if (signs.includes("barred")) return "barred";
    return this.states.get(told)?.sign || "unsure";
  }

  // When the state began: one that is entered anew after each failed try still goes on. `steps`
  // are real ones, newest first; an empty text when nothing is known.
  began(state, steps) {
    let at = "";
    for (const step of steps) {
      if (this.told(step.states) !== state) break;
      at = step.at;
    }
    return at;
  }

  around(id) {
    const found = [id];
    for (let state = this.states.get(id); state && state.parent; state = this.states.get(state.parent)) {
      found.push(state.parent);
    }
    return found;
  }

  // Whether any state (or any of these, and the machine itself) does something at this event.
  handles(event, active = null) {
    return this.view.transitions.some(
      (one) => one.event === event && (!active || one.source === "" || active.includes(one.source)),
    );
  }

  // A person has put the till where only a person lets it out.
  held(active) {
    return this.view.transitions.some(
      (one) => one.event === "offline.release" && one.target && active.includes(one.source),
    );
  }
}

export function signWords(sign) {
  return {
    connected: text("The server answers"),
    sending: text("Sending"),
    loading: text("Loading"),
    unsure: text("Unsure"),
    barred: text("No connection"),
    none: text("Not known"),
  }[sign];
}

export function meaning(sign, held) {
  if (held) {
    return text("Held offline by hand. Selling goes on; nothing is sent before it is released.");
  }
  return {
    connected: text("The central server answers."),
    sending: text("Tickets are being sent to the central server."),
    loading: text("Data are being loaded from the central server. Selling goes on."),
    unsure: text("The central server is slow or unsure. Selling goes on."),
    barred: text("The central server cannot be reached. Selling goes on; tickets are kept here."),
  }[sign];
}

// The title of a step: what happened, as a person would say it.
export function cause(event) {
  const known = {
    "begin": text("The machine began"),
    "restored": text("The agent took up where it had stopped"),
    "agent.started": text("The agent started"),
    "agent.reloaded": text("The machine was read anew"),
    "till.opened": text("The till was opened"),
    "till.closed": text("The till was closed"),
    "till.day_closed": text("The day was closed"),
    "ticket.started": text("A ticket was begun"),
    "ticket.customer": text("A customer code was typed"),
    "ticket.closed": text("A ticket was closed"),
    "sync.now": text("Somebody asked to send now"),
    "load.full": text("Somebody asked for a full load"),
    "load.changes": text("Somebody asked for the changes"),
    "offline.hold": text("Somebody held the till offline"),
    "offline.release": text("Somebody released the till"),
  }[event];
  if (known) return known;
  if (event.startsWith("after ")) return text("The wait was over");
  if (event.startsWith("every ")) return text("It was time again");
  return answered(event) || event;
}

function answered(event) {
  const [effect, ...rest] = event.split(".");
  const outcome = {
    "ok": text("done"),
    "rejected": text("refused by the server"),
    "failed.timeout": text("no answer in time"),
    "failed.unreachable": text("the server could not be reached"),
    "failed.unauthorized": text("the server refuses this till's credentials"),
    "failed.server_error": text("the server answered with an error"),
    "failed.bad_reply": text("the server's answer could not be read"),
    "failed.local_error": text("this till could not make the call"),
  }[rest.join(".")];
  if (!outcome) return "";
  return text("{what}: {outcome}", { what: effectName(effect), outcome });
}

export function loadKind(kind) {
  return kind === "full" ? text("Load of all data") : text("Load of the changes");
}

export function effectName(effect) {
  return {
    load: text("Loading the data"),
    ping: text("Ping"),
    send_tickets: text("Sending tickets"),
    poll_messages: text("Asking for messages"),
    fetch_offers: text("Asking for offers"),
  }[effect] || effect;
}

export function useSign(icon, sign) {
  icon.querySelector("use").setAttribute("href", `#sign-${sign}`);
}

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child !== null));
  return made;
}

export function icon(sign) {
  const space = "http://www.w3.org/2000/svg";
  const made = document.createElementNS(space, "svg");
  made.setAttribute("class", "icon");
  made.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `#sign-${sign}`);
  made.append(use);
  return made;
}
