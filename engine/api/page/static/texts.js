// Words, times and lengths of time in the page's language. Texts are asked for by their English.

const texts = JSON.parse(document.getElementById("texts").textContent);

export const language = document.documentElement.lang;

export function text(english, values = {}) {
  const words = texts[english] || english;
  return words.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

// The browser's own kind of the language: with it come 24 hours or 12.
const locale = navigator.languages.find((one) => one.split("-")[0] === language) || language;
const hour = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
const second = new Intl.DateTimeFormat(locale, {
  hour: "2-digit", minute: "2-digit", second: "2-digit",
});
const day = new Intl.DateTimeFormat(locale, {
  weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit",
});

// A moment of today by its hour, another one with its day.
export function moment(date, now = new Date()) {
  return (date.toDateString() === now.toDateString() ? hour : day).format(date);
}

export function toTheSecond(date) {
  return second.format(date);
}

// 42 -> "42 s", 750 -> "12 min", 4500 -> "1 h 15 min".
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.floor(whole / 60);
  const hours = Math.floor(whole / 3600);
  if (whole < 60) return text("{n} s", { n: whole });
  if (hours >= 48) return text("{n} days", { n: Math.floor(hours / 24) });
  if (hours < 1) return text("{n} min", { n: minutes });
  return text("{h} h {m} min", { h: hours, m: String(minutes % 60).padStart(2, "0") });
}

// What is counted down: 42 -> "42 s", 137 -> "2:17".
export function countdown(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60 || whole >= 3600) return span(whole);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
