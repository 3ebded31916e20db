// Keeps the parts of a page up to date. The page is whole without it.
(() => {
  "use strict";
  const from = document.body.dataset.live;
  const state = document.getElementById("live");
  if (!from || !state || !window.EventSource) return;

  // How long to wait before asking again when the node refused, in milliseconds.
  const PAUSE = 15000;
  let stream = null;
  let waiting = null;
  let ended = false;

  const say = (word) => {
    if (state.dataset.state === word) return;
    state.dataset.state = word;
    state.textContent = state.dataset[word];
  };

  // What the keyboard stands on is found again after its surroundings were exchanged: by its id, or where it is the
  // only one that leads to its address. Where it is gone, the keyboard stands on the part.
  const again = (part, was) => {
    if (was.id) return document.getElementById(was.id);
    const to = was.getAttribute("href");
    const same = [...part.querySelectorAll("a[href]")].filter((link) => link.getAttribute("href") === to);
    return same.length === 1 ? same[0] : null;
  };

  const put = (id, text) => {
    const part = document.getElementById(id);
    if (!part) return;
    const held = part.contains(document.activeElement) && part !== document.activeElement
      ? document.activeElement : null;
    part.innerHTML = text;
    if (!held) return;
    let found = again(part, held);
    if (!found) {
      part.tabIndex = -1;
      found = part;
    }
    found.focus({ preventScroll: true });
  };

  const close = () => {
    clearTimeout(waiting);
    stream?.close();
    stream = null;
  };

  const later = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { if (!document.hidden) open(); }, PAUSE);
  };

  const open = () => {
    if (stream || ended) return;
    clearTimeout(waiting);
    stream = new EventSource(from);
    stream.onmessage = (message) => {
      for (const [id, text] of Object.entries(JSON.parse(message.data))) put(id, text);
      say("on");
    };
    stream.addEventListener("end", () => {
      close();
      ended = true;
      say("end");
    });
    stream.addEventListener("full", () => {
      close();
      say("full");
      later();
    });
    stream.onerror = () => {
      if (!stream) return;
      say("off");
      // The browser tries again by itself unless the node refused.
      if (stream.readyState === EventSource.CLOSED) {
        stream = null;
        later();
      }
    };
  };

  // A page that nobody looks at gives its connection back, of which a browser has six for all pages of a node, and
  // takes one again when it is come back to.
  const look = () => {
    if (document.hidden) close();
    else open();
  };
  addEventListener("pagehide", close);
  addEventListener("pageshow", look);
  document.addEventListener("visibilitychange", look);
  look();
})();
