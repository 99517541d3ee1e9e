// When the agent did not run: from its last sign of life to its next start. The steps alone would
// have it that the last state went on.

const SHORTEST = 60 * 1000; // ms; a quick restart tears no outage into two
let known = [];

// Takes note of what befell the agent; entries of all kinds, newest first.
export function noteGaps(entries) {
  known = [];
  for (const { kind, event, at, data } of [...entries].reverse()) {
    if (kind !== "agent" || event !== "agent.started" || !data.last) continue;
    const [begin, end] = [data.last * 1000, Date.parse(at)];
    if (end - begin >= SHORTEST) known.push({ begin, end });
  }
}

// The gaps so far, oldest first; times in ms.
export function gaps() {
  return known;
}
