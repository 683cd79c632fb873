// What the theme leaves to be mended.
"use strict";

// From a folder a page cannot read others: search then lists titles without excerpts.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// The keyboard reaches wide formulas that scroll, as the theme does it for code and tables.
window.addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  const reach = () => {
    for (const formula of document.querySelectorAll("mjx-container[display]")) {
      formula.tabIndex = formula.scrollWidth > formula.clientWidth ? 0 : -1;
    }
  };
  reach();
  window.addEventListener("resize", reach);
});
