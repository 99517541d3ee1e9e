// The list of tills to choose from; those that need somebody come first.

import { element, icon } from "./signs.js";
import { language, text } from "./texts.js";

const MOST = 200;
const ORDER = ["barred", "unsure", "loading", "sending", "connected"];
const list = document.getElementById("tills-list");
const filter = document.getElementById("filter");
const more = document.getElementById("tills-more");
let shown = "";

export function drawTills(machine, tills, address) {
  document.getElementById("tills-filter").hidden = tills.length <= 12;
  const wanted = filter.value.trim().toLowerCase();
  const rows = tills
    .map((till) => ({ till, sign: machine ? machine.sign(till.active, till.state) : "unsure" }))
    .filter(({ till }) => till.till.toLowerCase().includes(wanted));
  if (tills.length > 12) rows.sort((a, b) => ORDER.indexOf(a.sign) - ORDER.indexOf(b.sign));
  const key = JSON.stringify(rows.slice(0, MOST).map(({ till, sign }) => [till.till, till.state, sign, till.tickets]));
  more.textContent = rows.length > MOST
    ? text("{n} more tills: type a part of the name to find one.", { n: rows.length - MOST }) : "";
  if (key === shown) return;
  shown = key;
  const focused = document.activeElement?.dataset?.till;
  list.replaceChildren(...rows.slice(0, MOST).map(({ till, sign }) => row(till, sign, address)));
  if (focused) list.querySelector(`[data-till="${CSS.escape(focused)}"]`)?.focus();
}

function row(till, sign, address) {
  const label = till.label ? till.label[language] : till.state;
  const link = element("a", { href: address(till.till) },
    icon(sign),
    element("span", { className: "name" }, text("Till {till}", { till: till.till })),
    element("span", { className: "label" }, label),
    element("span", { className: "kept" }, text("kept here: {n}", { n: till.tickets.pending })),
    till.tickets.refused
      ? element("span", { className: "kept" }, text("refused: {n}", { n: till.tickets.refused })) : null);
  link.dataset.till = till.till;
  link.dataset.sign = sign;
  return element("li", {}, link);
}
