// First script of the page: whatever goes wrong later is written where a reader and a test can see it.
(() => {
  "use strict";
  const root = document.documentElement;
  const told = [];
  const tell = (text) => {
    told.push(String(text).slice(0, 300));
    root.dataset.problems = told.join(" | ");
    const place = document.getElementById("problems");
    if (place) {
      place.hidden = false;
      place.textContent = "A part of this page could not be drawn: " + told.join("; ");
    }
  };
  addEventListener("error", (event) => tell(event.message || "a script failed"));
  addEventListener("unhandledrejection", (event) => tell(event.reason));
  document.addEventListener("securitypolicyviolation", (event) =>
    tell("blocked by policy: " + event.violatedDirective + " " + event.blockedURI));
})();
