// What is wrong with the files that say how the till works.

import { get } from "./agent.js";
import { element } from "./signs.js";
import { text } from "./texts.js";

const place = document.getElementById("files");
let shown = "";

export async function drawFiles() {
  let told;
  try {
    told = await get("/v1/config");
  } catch {
    return; // an agent without files says so, and one that is silent is told of elsewhere
  }
  const lines = [];
  if (!told.good) {
    lines.push(text("▲ till.yaml or its machine is at fault. The till works on."));
    const errors = told.problems.filter((one) => one.severity === "error");
    for (const one of errors.slice(0, 3)) {
      lines.push(`${one.file}${one.line ? `:${one.line}:${one.column}` : ""}: ${one.message}`);
    }
    if (errors.length > 3) lines.push(text("And {n} more.", { n: errors.length - 3 }));
  }
  if (told.restart.length) {
    lines.push(text("Takes effect when the agent is started again: {keys}", { keys: told.restart.join(", ") }));
  }
  const key = lines.join("\n");
  if (key === shown) return;
  shown = key;
  place.replaceChildren(...lines.map((line) => element("p", {}, line)));
}
