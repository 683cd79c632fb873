// Lets the keyboard reach wide formulas that scroll. The theme does the same for code and tables.
"use strict";

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
