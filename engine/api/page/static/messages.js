// Messages of the central server, and the button that marks them read.

import { get, now, tillPath } from "./agent.js";
import { element } from "./signs.js";
import { moment, text } from "./texts.js";

const section = document.getElementById("messages");
const list = document.getElementById("messages-list");
const title = document.getElementById("messages-title");
let shown = null;
let known = true; // an agent without messages is asked once

export async function drawMessages(till, act) {
  if (!known) return;
  let messages;
  try {
    const answer = await get(tillPath(till, "/messages?unread=true"));
    messages = answer.messages || [];
  } catch (error) {
    if (error.status === 404) known = false;
    return;
  }
  section.hidden = false;
  const key = messages.map((one) => one.id).join(" ");
  if (key === shown) return;
  shown = key;
  document.getElementById("messages-none").hidden = messages.length > 0;
  title.textContent = messages.length
    ? text("Messages: {n}", { n: messages.length }) : text("Messages");
  const focused = document.activeElement?.closest(".message")?.dataset.id;
  list.replaceChildren(...messages.map((one) => row(till, one, act)));
  for (const item of list.children) {
    if (item.dataset.id === focused) item.querySelector("button").focus();
  }
}

function level(name) {
  return {
    urgent: ["◆", text("Urgent")], warning: ["▲", text("Warning")],
  }[name] || ["●", text("Information")];
}

function row(till, message, act) {
  const [mark, word] = level(message.level);
  const at = new Date(message.at || message.received);
  const when = Number.isNaN(at.getTime()) ? String(message.at || "") : moment(at, now());
  const button = element("button", { type: "button" }, text("Read"));
  button.setAttribute("aria-label", text("Read: {title}", { title: message.title }));
  const item = element("li", { className: "message" },
    element("p", { className: "level" }, element("span", { ariaHidden: "true" }, mark), ` ${word}, ${when}`),
    element("h3", {}, message.title),
    element("p", { className: "body" }, message.text),
    button);
  item.dataset.level = message.level;
  item.dataset.id = message.id;
  button.addEventListener("click", async () => {
    const done = await act(tillPath(till, `/messages/${encodeURIComponent(message.id)}/read`), {});
    if (!done) return;
    const next = item.nextElementSibling || item.previousElementSibling;
    item.remove();
    shown = null;
    (next ? next.querySelector("button") : title).focus();
    drawMessages(till, act);
  });
  return item;
}
