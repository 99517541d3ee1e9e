// The same in 220 x 48: the sign, the state in words, and how many tickets are kept.

import { Heart, get, listen, tillPath } from "./agent.js";
import { Machine, useSign } from "./signs.js";
import { language, text } from "./texts.js";

const find = (id) => document.getElementById(id);
let machine = null;

function put(sign, word, second) {
  find("state").dataset.sign = sign;
  useSign(find("sign"), sign);
  for (const [id, words] of [["state-word", word], ["pending", second]]) {
    if (find(id).textContent === words) continue;
    find(id).textContent = words;
    find(id).title = words;
    fit(find(id));
  }
}

// A long label of somebody's own machine is written smaller before it is cut.
function fit(place) {
  place.style.fontSize = "";
  let size = parseFloat(getComputedStyle(place).fontSize);
  while (size > 11 && place.scrollWidth > place.clientWidth) {
    size -= 0.5;
    place.style.fontSize = `${size}px`;
  }
}

function told(view) {
  const label = view.label ? view.label[language] : view.state;
  const sign = machine ? machine.sign(view.active, view.state) : "unsure";
  const { pending, refused } = view.tickets;
  put(sign, label, refused
    ? `${text("kept here: {n}", { n: pending })}, ${text("refused: {n}", { n: refused })}`
    : text("Tickets kept here: {n}", { n: pending }));
}

function silent(_since, fault) {
  if (fault && fault.status === 404) put("none", text("No such till"), "");
  else put("none", text("Not known"), text("The agent does not answer"));
}

async function start() {
  let till = new URLSearchParams(location.search).get("till");
  while (machine === null || till === null) {
    try {
      machine = new Machine(await get("/v1/machine"));
      if (till === null) {
        const { tills } = await get("/v1/tills", 15000);
        if (tills.length !== 1) {
          put("none", text("Which till?"), text("Add ?till= to the address"));
          return;
        }
        till = tills[0].till;
      }
    } catch (error) {
      silent(null, error);
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
  const heart = new Heart(tillPath(till), { told, silent });
  listen(till, () => heart.beat());
  setInterval(async () => {
    try {
      machine = new Machine(await get("/v1/machine"));
    } catch {
      // the heart tells when the agent is silent
    }
  }, 60000);
}

start();
