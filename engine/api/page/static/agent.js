// Speaking with the agent: bounded in time, and never in doubt about whether it still answers.

const LATE = 3800; // ms without an answer after which nothing on the page may look live
const EVERY = 2000; // ms between two questions
const SOON = 500; // ms until the next one where nobody listens at all
const PATIENCE = 4000; // ms for one answer
const TOKEN = "tillwire.token";

export class Fault extends Error {
  constructor(status, body) {
    super(body.message || "");
    this.status = status;
    this.error = body.error || "";
  }
}

// Nobody listens, the line broke, or (late) the answer did not come in time.
export class NoAnswer extends Fault {
  constructor(late) {
    super(0, {});
    this.late = late;
  }
}

let ahead = 0; // ms by which the agent's clock is ahead of the browser's

// The agent's time: its moments are counted from there, whatever the browser's clock says.
export function now() {
  return new Date(Date.now() + ahead);
}

function compareClocks(answer) {
  const told = Date.parse(answer.headers.get("date") || "");
  const apart = told + 500 - Date.now();
  if (!Number.isNaN(told)) ahead = Math.abs(apart) > 2000 ? apart : 0;
}

async function ask(path, options = {}) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), options.patience || PATIENCE);
  try {
    const answer = await fetch(path, { ...options, signal: stop.signal, cache: "no-store" });
    compareClocks(answer);
    const body = await answer.json();
    if (!answer.ok) throw new Fault(answer.status, body);
    return body;
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new NoAnswer(error.name === "AbortError");
  } finally {
    clearTimeout(timer);
  }
}

export function get(path, patience = PATIENCE) {
  return ask(path, { patience });
}

export function tillPath(till, rest = "") {
  return `/v1/tills/${encodeURIComponent(till)}${rest}`;
}

// Posts with the token; `askToken(fault)` gives one, or "" when the person would not.
export async function post(path, body, askToken) {
  let fault = null;
  for (;;) {
    let token = sessionStorage.getItem(TOKEN);
    if (!token || fault) token = await askToken(fault);
    if (!token) return null;
    try {
      const answer = await ask(path, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          // a header holds no other letters: such a token is wrong, and is told to be
          authorization: `Bearer ${token.replace(/[^\x20-\xff]/g, "?")}`,
        },
        body: JSON.stringify(body),
        patience: 15000,
      });
      sessionStorage.setItem(TOKEN, token);
      return answer;
    } catch (error) {
      if (error.status !== 401) throw error;
      sessionStorage.removeItem(TOKEN);
      fault = error;
    }
  }
}

// An SVG document of the agent, as an element. fetch gives texts only, and no text may become
// part of this page.
export function drawing(path) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", path);
    request.responseType = "document";
    request.timeout = PATIENCE;
    request.onload = () => {
      if (request.status === 200 && request.responseXML) {
        resolve(document.adoptNode(request.responseXML.documentElement));
      } else {
        reject(new Fault(request.status, {}));
      }
    };
    request.onerror = request.ontimeout = () => reject(new Fault(0, {}));
    request.send();
  });
}

// Asks `path` again and again. `told(body)` for each answer, `silent(since, fault)` once when none
// has come for too long, `tick()` four times a second for what counts.
export class Heart {
  constructor(path, { told, silent, tick = () => {}, every = EVERY }) {
    Object.assign(this, { path, told, silent, tick, every });
    this.heard = performance.now();
    this.heardAt = null;
    this.fault = null;
    this.nobody = false;
    this.asking = false;
    this.live = null;
    this.timer = null;
    setInterval(() => this.look(), 250);
    document.addEventListener("visibilitychange", () => this.look());
    this.beat();
  }

  look() {
    if (performance.now() - this.heard > LATE) this.fallSilent();
    this.tick();
  }

  fallSilent() {
    if (this.live === false) return;
    this.live = false;
    this.silent(this.heardAt, this.fault);
  }

  async beat() {
    clearTimeout(this.timer);
    if (this.asking) return;
    this.asking = true;
    const began = performance.now();
    let nobody = false;
    try {
      const body = await get(this.path);
      this.heard = began;
      this.heardAt = now();
      this.fault = null;
      this.live = true;
      this.told(body);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      nobody = error instanceof NoAnswer && !error.late;
      this.fault = error;
      // Twice nobody there, or a till that is not: there is nothing to wait for.
      if (error.status === 404 || (nobody && this.nobody)) this.fallSilent();
    } finally {
      this.nobody = nobody;
      this.asking = false;
      const wait = nobody ? SOON : this.every - (performance.now() - began);
      this.timer = setTimeout(() => this.beat(), Math.max(200, wait));
    }
  }
}

// What the agent tells by itself about a till, where it does. An old agent has no stream: then
// asking is all. `missed` says that more happened than it can still tell.
export function listen(till, heard) {
  if (!window.EventSource) return;
  const open = () => {
    const stream = new EventSource(`/v1/stream?till=${encodeURIComponent(till)}`);
    for (const kind of ["step", "progress", "message", "load", "missed"]) {
      stream.addEventListener(kind, (event) => heard(kind, JSON.parse(event.data || "{}")));
    }
    stream.addEventListener("error", () => {
      if (stream.readyState === EventSource.CLOSED) setTimeout(open, 60000);
    });
  };
  open();
}
