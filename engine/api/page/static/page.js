// The page: one till, or the list of tills to choose from.

import { Fault, Heart, get, listen, now, post, tillPath } from "./agent.js";
import { lightUp, loadDrawing, putOut } from "./diagram.js";
import { drawFiles } from "./files.js";
import { gaps, noteGaps } from "./gaps.js";
import { drawLoads, loadAnswer, loadFault, loadTold } from "./loads.js";
import { drawMessages } from "./messages.js";
import { Machine, meaning, useSign } from "./signs.js";
import { drawSteps } from "./steps.js";
import { drawTills } from "./tills.js";
import { drawTimeline } from "./timeline.js";
import { drawWhy, whyOpened } from "./why.js";
import { countdown, language, moment, span, text, toTheSecond } from "./texts.js";

const DAY = 24 * 3600 * 1000;
const SELDOM = 10000; // ms after which the past is read again though nothing seems to have changed
const FILES = 5000; // ms between two questions about the files of the agent
const PAGE = 500; // entries in one answer
const PAGES = 12;
const RECENT = 60; // steps of all kinds that are looked through again and again

const find = (id) => document.getElementById(id);
const parameters = new URLSearchParams(location.search);

let machine = null;
let view = null;
let past = []; // steps in which a state was left or entered, and what befell the agent, newest first
let real = []; // the steps among them
let heart = null;

function put(id, words) {
  const place = find(id);
  if (place.textContent !== words) place.textContent = words;
}

// An address of this page that keeps what was chosen.
function address(changes) {
  const next = new URLSearchParams(parameters);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) next.delete(name);
    else next.set(name, value);
  }
  return `/${next.size ? `?${next}` : ""}`;
}

async function fetchMachine() {
  const told = await get("/v1/machine");
  if (machine && machine.view.hash === told.hash) return;
  const next = new Machine(told);
  await loadDrawing();
  machine = next; // not before: a drawing that did not come is asked for again
}

// What the agent does not tell is never shown as if it were now.
function silent(since, fault) {
  document.body.classList.add("silent");
  const unknown = fault instanceof Fault && fault.status === 404;
  put("state-word", unknown ? text("No such till") : text("Not known"));
  put("meaning", unknown ? "" : text("Selling is not affected by this page. Call somebody if it stays so."));
  put("since", "");
  put("next", "–");
  put("next-at", "");
  find("state").dataset.sign = "none";
  useSign(find("sign"), "none");
  putOut();
  document.title = text("No answer – tillwire");
  put("stale", unknown ? text("This agent looks after no such till.") : silence(since, fault));
}

function silence(since, fault) {
  const why = fault instanceof Fault && fault.status ? text("The agent on this till answers with a fault.")
    : text("The agent on this till does not answer.");
  return since
    ? `${why} ${text("What stands below is old: it is from {time}.", { time: toTheSecond(since) })}` : why;
}

function heard() {
  if (!document.body.classList.contains("silent")) return false;
  document.body.classList.remove("silent");
  put("stale", "");
  put("spoken", text("The agent answers again."));
  return true;
}

function told(answer) {
  const back = heard();
  const moved = back || !view || view.since !== answer.since || view.state !== answer.state;
  view = answer;
  find("till").hidden = false;
  put("where", text("Shop {shop}, till {till}", { shop: view.shop, till: view.till }));
  if (moved) put("answer", "");
  drawState(moved);
  if (moved) refresh();
}

function drawState(moved) {
  const label = view.label ? view.label[language] : view.state;
  const sign = machine ? machine.sign(view.active, view.state) : "unsure";
  const held = machine !== null && machine.held(view.active);
  find("state").dataset.sign = sign;
  useSign(find("sign"), sign);
  put("state-word", label);
  put("meaning", meaning(sign, held));
  put("pending", String(view.tickets.pending));
  put("refused", String(view.tickets.refused));
  put("refused-note", view.tickets.refused ? text("Somebody has to look at them.") : "");
  find("refused-fact").classList.toggle("alarm", view.tickets.refused > 0);
  document.title = `${label} – ${text("Till {till}", { till: view.till })} – tillwire`;
  if (moved) put("spoken", text("{state}. Tickets are kept here: {n}.", { state: label, n: view.tickets.pending }));
  drawButtons(held);
  tick();
}

function drawButtons(held) {
  for (const button of find("buttons").querySelectorAll("button")) {
    const event = button.dataset.event;
    const offered = machine && machine.handles(event)
      && (event === "sync.now" || (event === "offline.release") === held);
    button.hidden = !offered;
    // still there for the keyboard, and it says why when it is pressed
    button.setAttribute("aria-disabled", String(Boolean(offered) && !machine.handles(event, view.active)));
  }
}

// What counts by itself, four times a second.
function tick() {
  if (!view || !heart || !heart.live) return;
  const at = now().getTime();
  const told = (machine && machine.began(view.state, real)) || view.since;
  const since = new Date(Math.min(Date.parse(told), Date.parse(view.since)));
  put("since", text("Since {time}, for {span}", {
    time: moment(since, now()), span: span((at - since.getTime()) / 1000),
  }));
  const oldest = view.tickets.oldest_pending;
  put("oldest", oldest ? text("the oldest since {time}", { time: moment(new Date(oldest), now()) }) : "");
  drawNext(at);
}

function drawNext(at) {
  const held = machine !== null && machine.held(view.active);
  const next = view.next_try ? new Date(view.next_try) : null;
  if (next === null || next.getTime() <= at) {
    put("next", held ? text("none") : text("now"));
    put("next-at", held ? text("before it is released") : text("waiting for an answer"));
    return;
  }
  put("next", text("in {span}", { span: countdown((next.getTime() - at) / 1000) }));
  put("next-at", text("at {time}", { time: toTheSecond(next) }));
}

// The past, from the newest to a day ago; what is known already is not asked for again, unless
// the `whole` of it is wanted.
async function fetchReal(whole) {
  const before = whole ? [] : past;
  const last = before.length ? before[0].number : -1;
  const found = [];
  let below = null;
  let joined = last < 0;
  for (let page = 0; page < PAGES; page += 1) {
    const limit = last < 0 ? PAGE : 50;
    const rest = below === null ? "" : `&before=${below}`;
    const answer = await get(tillPath(view.till, `/trace?dull=false&limit=${limit}${rest}`));
    found.push(...answer.entries.filter((entry) => entry.number > last));
    below = answer.next_before;
    const oldest = answer.entries.at(-1);
    joined ||= oldest !== undefined && oldest.number <= last;
    if (below === null || joined && last >= 0) break;
    if (now() - Date.parse(oldest.at) > DAY) break;
  }
  // more came in between than was asked for: what is older would leave a hole
  past = joined || !found.length ? [...found, ...before].slice(0, PAGE * PAGES) : found;
  real = past.filter((entry) => entry.kind === "step");
  noteGaps(past);
}

let refreshing = false;
let again = false;
let incomplete = true; // the past is not known yet, or not all of it

async function refresh() {
  if (refreshing) {
    again = true;
    return;
  }
  refreshing = true;
  const whole = incomplete;
  incomplete = false;
  try {
    await fetchMachine();
    drawState(false);
    await fetchReal(whole);
    const answer = await get(tillPath(view.till, `/trace?limit=${RECENT}`));
    drawPast();
    drawSteps(machine, answer.entries);
    await drawWhy(machine, view.till);
    await drawMessages(view.till, act);
    await drawLoads(view.till);
  } catch (error) {
    incomplete ||= whole;
    if (!(error instanceof Fault)) throw error;
  } finally {
    refreshing = false;
    if (again) {
      again = false;
      setTimeout(refresh, 500);
    }
  }
}

function drawPast() {
  if (!heart.live) return;
  drawTimeline(machine, real, gaps());
  const changed = (step) => step.taken.some((one) => one.source !== one.target);
  lightUp(machine, view.active, real.find(changed));
}

// Posts what a button asks for and says what came of it, at a place near to the button.
async function act(path, body, place = "answer", words = outcome) {
  try {
    const answer = await post(path, body, askToken);
    if (answer === null) return false;
    put(place, words(answer));
    heart.beat();
    setTimeout(refresh, 400);
    return true;
  } catch (error) {
    put(place, faultWords(error));
    return false;
  }
}

function outcome(step) {
  if (!step.event) return text("Done.");
  const state = machine.label(step.state_after);
  if (step.unhandled) return notPossible(step.state_after);
  if (step.refused.length && !step.taken.length) {
    return text("Not now: the machine's condition does not hold: {guard}", { guard: step.refused[0].guard });
  }
  return text("Done. State: {state}.", { state });
}

function notPossible(state) {
  return text("Not possible in the state “{state}”.", { state: machine.label(state) });
}

function faultWords(error) {
  const known = {
    read_only: text("This agent has no token, so nothing can be changed here."),
    unknown_event: text("This machine knows no such wish."),
    not_loaded: text("This machine loads nothing."),
    no_catalogue: text("This till has no catalogue."),
    load_under_way: text("A load is under way already."),
    store_unavailable: text("Not now: the till's database does not answer. Try again in a moment."),
    stalled: text("Not now: the till's database does not answer. Try again in a moment."),
  }[error.error];
  return known || error.message || text("The agent on this till does not answer.");
}

function askToken(fault) {
  const dialog = find("token");
  const field = find("token-field");
  put("token-fault", fault && fault.error === "wrong_token" ? text("This is not the token of this agent.") : "");
  field.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  field.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "ok" ? field.value.trim() : "");
      field.value = "";
    }, { once: true });
  });
}

function showTill(till) {
  heart = new Heart(tillPath(till), { told, silent, tick });
  let due = null;
  listen(till, (kind, data) => {
    if (kind === "load") {
      loadTold(till, Boolean(data.ended));
      return;
    }
    if (kind === "missed") incomplete = true;
    if (due === null) {
      due = setTimeout(() => {
        due = null;
        heart.beat();
        refresh();
      }, 150);
    }
  });
  setInterval(() => {
    if (view && heart.live) refresh();
  }, SELDOM);
  whyOpened(() => {
    if (view) drawWhy(machine, view.till);
  });
  addEventListener("resize", () => {
    if (machine && view) drawTimeline(machine, real, gaps());
  });
  for (const button of find("buttons").querySelectorAll("button")) {
    button.addEventListener("click", () => {
      if (button.getAttribute("aria-disabled") === "true") put("answer", notPossible(view.state));
      else act(tillPath(till, "/events"), { event: button.dataset.event });
    });
  }
  for (const button of find("load-buttons").querySelectorAll("button")) {
    button.addEventListener("click", () => {
      const fault = loadFault();
      put("load-answer", fault);
      if (!fault) act(tillPath(till, "/loads"), { kind: button.dataset.kind }, "load-answer", loadAnswer);
    });
  }
}

function showTills(first) {
  let tills = first;
  const draw = () => drawTills(machine, tills, (till) => address({ till }));
  document.title = text("Tills – tillwire");
  put("where", first.length ? text("Shop {shop}", { shop: first[0].shop }) : "");
  find("tills").hidden = false;
  find("filter").addEventListener("input", draw);
  // Thousands of tills are asked for seldom; that the agent lives is still asked for at its pace.
  heart = new Heart(first.length > 50 ? "/healthz" : "/v1/tills", {
    silent,
    told: (answer) => {
      heard();
      if (answer.tills) tills = answer.tills;
      draw();
    },
  });
  if (first.length > 50) {
    setInterval(async () => {
      tills = (await get("/v1/tills", 15000)).tills;
      draw();
    }, SELDOM);
  }
  fetchMachine().then(draw, () => {});
}

async function start() {
  const other = language === "fr" ? "en" : "fr";
  const link = find("other-language");
  Object.assign(link, { href: address({ lang: other }), lang: other, hreflang: other });
  link.textContent = { en: "English", fr: "Français" }[other];
  const chosen = parameters.get("till");
  drawFiles();
  setInterval(drawFiles, FILES);
  if (chosen !== null) showTill(chosen);
  for (;;) {
    try {
      const { tills } = await get("/v1/tills", 15000);
      if (tills.length > 1 && chosen !== null) {
        Object.assign(find("all-tills"), { hidden: false, href: address({ till: null }) });
      }
      if (chosen === null && tills.length === 1) showTill(tills[0].till);
      else if (chosen === null) showTills(tills);
      return;
    } catch (error) {
      if (chosen === null) {
        find("till").hidden = false;
        silent(null, error);
      }
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}

start();
