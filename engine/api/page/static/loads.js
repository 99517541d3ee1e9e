// The catalogue: the load under way and how long it still takes, versions and their age, and the
// buttons that ask for a load.

import { get, now, tillPath } from "./agent.js";
import { element, loadKind } from "./signs.js";
import { language, moment, span, text } from "./texts.js";

const OFTEN = 1000; // ms between two questions while a load is under way
const ENOUGH = 2000; // ms of a stage that tell how fast it goes

const find = (id) => document.getElementById(id);
const number = new Intl.NumberFormat(language);
const percent = new Intl.NumberFormat(language, { style: "percent" });

let known = true; // an agent without loads is asked once
let told = null;
let pace = null; // when and where the stage began to be watched
let timer = null;
let asked = Infinity; // when the load was asked for whose answer stands there

function put(id, words) {
  const place = find(id);
  if (place.textContent !== words) place.textContent = words;
}

// Asks for the catalogue and draws it; again and again by itself while a load is under way.
export async function drawLoads(till) {
  if (!known) return;
  clearTimeout(timer);
  try {
    told = await get(tillPath(till, "/loads"));
  } catch (error) {
    if (error.status === 404) known = false;
    return;
  }
  find("catalogue").hidden = !told.configured;
  if (!told.configured) return;
  drawNow(told.now, till);
  drawWaits(told.waits);
  drawLast(told.last[0]);
  if (!told.now && told.last[0] && Date.parse(told.last[0].ended) >= asked) {
    asked = Infinity;
    put("load-answer", "");
  }
  drawDatasets(told.datasets);
  for (const button of find("load-buttons").querySelectorAll("button")) {
    button.setAttribute("aria-disabled", String(told.now !== null));
  }
  if (told.now) timer = setTimeout(() => drawLoads(till), OFTEN);
}

// The stream tells of a load: its beginning and its end are asked about at once, what is in between
// is asked about anyway.
export function loadTold(till, ended) {
  if (known && told && (ended || !told.now)) drawLoads(till);
}

// What a button of the catalogue says when it cannot do anything now; an empty text when it can.
export function loadFault() {
  return told && told.now ? text("A load is under way already.") : "";
}

// How far the stage has got: of its bytes or its rows, null where neither is known.
function measured(load) {
  const [done, total] = load.stage === "downloading" ? [load.bytes_done, load.bytes_total]
    : load.stage === "loading" ? [load.rows_done, load.rows_total] : [0, 0];
  return total > 0 ? { done: Math.min(done, total), total } : null;
}

function drawNow(load, till) {
  find("load").hidden = load === null;
  if (load === null) {
    pace = null;
    return;
  }
  const far = measured(load);
  const bar = find("load-bar");
  if (far) Object.assign(bar, { max: far.total, value: far.done });
  else bar.removeAttribute("value");
  // spoken when it changes, and not with each number
  const words = text("{what}: {stage}", { what: loadKind(load.kind), stage: stageWords(load) });
  put("load-stage", whose(load.till && load.till !== till ? load.till : "", words));
  put("load-far", [
    far ? percent.format(far.done / far.total) : "",
    load.tables_total ? text("table {n} of {all}", {
      n: Math.min(load.tables_done + 1, load.tables_total), all: load.tables_total,
    }) : "",
    left(load, far),
  ].filter(Boolean).join(" · "));
}

function stageWords(load) {
  return {
    asking: text("asking the server what there is"),
    downloading: text("downloading “{table}”", { table: load.table }),
    loading: text("reading “{table}”", { table: load.table }),
    swapping: text("taking the new data into use"),
  }[load.stage] || load.stage;
}

// The time that the stage still takes at the pace that was seen of it.
function left(load, far) {
  const at = performance.now();
  const stage = `${load.started} ${load.stage}`;
  if (!far) return "";
  if (!pace || pace.stage !== stage || far.done < pace.done) pace = { stage, at, done: far.done };
  const gone = at - pace.at;
  const made = far.done - pace.done;
  if (gone < ENOUGH || made <= 0) return "";
  return text("about {span} left", { span: span((far.total - far.done) * gone / made / 1000) });
}

// The tills of one agent share one catalogue: another one may have asked.
function whose(till, words) {
  return till ? text("Till {till}: {what}", { till, what: words }) : words;
}

function drawWaits(kind) {
  const words = kind && text("{what}: begins when the tickets are sent or the connection is back.", {
    what: loadKind(kind),
  });
  put("load-waits", words || "");
}

// What became of asking for a load; it is said until that load has ended.
export function loadAnswer(answer) {
  asked = Date.parse(answer.at || "") || Infinity;
  return {
    started: text("The load has begun."),
    later: text("The load begins when the tickets are sent or the connection is back."),
  }[answer.became] || text("Done.");
}

function drawLast(load) {
  const failed = load !== undefined && load.outcome !== "ok";
  // neither a gap nor a lost connection needs anybody: a load follows by itself
  const alarm = failed && load.outcome !== "gap" && load.outcome !== "cancelled";
  find("load-last").classList.toggle("alarm", alarm);
  if (load === undefined) {
    put("load-last", text("Nothing was loaded yet."));
    return;
  }
  const words = { kind: loadKind(load.kind), time: moment(new Date(load.ended), now()) };
  put("load-last", failed
    ? `${alarm ? "⚠ " : ""}${text("{kind}, {time}: not done.", words)} ${load.sentence}`
    : text("{kind}, {time}: done, {rows} rows.", { ...words, rows: number.format(load.rows) }));
}

function drawDatasets(datasets) {
  find("datasets").replaceChildren(...datasets.map((one) => {
    const loaded = one.loaded === null ? null : new Date(one.loaded);
    const age = loaded && span((now() - loaded) / 1000);
    return element("tr", {},
      element("th", { scope: "row" }, one.name),
      element("td", {}, one.version === null ? "–" : String(one.version)),
      element("td", {}, age || text("never")),
      element("td", {}, one.rows === null ? "–" : number.format(one.rows)));
  }));
}
