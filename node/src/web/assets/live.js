// Keeps the parts of a page up to date. The page is whole without it.
(() => {
  "use strict";
  const from = document.body.dataset.live;
  const state = document.getElementById("live");
  if (!from || !state || !window.EventSource) return;

  // How long to wait before asking again when the node refused, in milliseconds.
  const PAUSE = 15000;
  let stream = null;

  const say = (word) => {
    if (state.dataset.state === word) return;
    state.dataset.state = word;
    state.textContent = state.dataset[word];
  };

  // What the keyboard stands on is found again after its surroundings were exchanged.
  const place = (element) => element.id || element.getAttribute("href");

  const put = (id, text) => {
    const old = document.getElementById(id);
    if (!old) return;
    const held = old.contains(document.activeElement) ? place(document.activeElement) : null;
    old.innerHTML = text;
    if (held === null) return;
    for (const element of old.querySelectorAll("a, button, summary, [tabindex]")) {
      if (place(element) === held) {
        element.focus({ preventScroll: true });
        return;
      }
    }
  };

  const open = () => {
    stream = new EventSource(from);
    stream.onmessage = (message) => {
      for (const [id, text] of Object.entries(JSON.parse(message.data))) put(id, text);
      say("on");
    };
    stream.addEventListener("end", () => {
      stream.close();
      stream = null;
      say("end");
    });
    stream.onerror = () => {
      if (!stream) return;
      say("off");
      // The browser tries again by itself unless the node refused.
      if (stream.readyState === EventSource.CLOSED) {
        stream = null;
        setTimeout(open, PAUSE);
      }
    };
  };

  // A page that is left gives its place back at once, and takes one again when it is come back to.
  addEventListener("pagehide", () => stream?.close());
  addEventListener("pageshow", (event) => { if (event.persisted) open(); });
  open();
})();
