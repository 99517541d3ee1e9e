// When the agent did not run: from its last step to its next start. The history alone would have
// it that the last state went on.

const SHORTEST = 60 * 1000; // ms; a quick restart tears no outage into two
const known = new Map(); // by the number of the step that ended it: dull steps are soon forgotten

const begins = (step) => ["begin", "restored"].includes(step.event);

// Takes note of all kinds of steps, newest first, without holes.
export function noteSteps(steps) {
  steps.slice(0, -1).forEach((step, place) => {
    const before = steps[place + 1];
    if (!begins(step) && (step.event !== "agent.started" || begins(before))) return;
    const [begin, end] = [Date.parse(before.at), Date.parse(step.at)];
    if (end - begin >= SHORTEST) known.set(step.number, { begin, end });
  });
}

// The gaps so far, oldest first; times in ms.
export function gaps() {
  return [...known.values()].sort((one, other) => one.begin - other.begin);
}
