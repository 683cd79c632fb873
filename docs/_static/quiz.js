// Makes radio buttons of the questions on a quiz page. Without this script the page is the same quiz on paper.
"use strict";

(() => {
  const make = (name, properties, ...children) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  };

  // What a list item or a paragraph holds, without its letter ("A. ") or its number and letter ("1. B.").
  const inside = (element, start = "") => {
    const holder = (element.querySelector(":scope > p") ?? element).cloneNode(true);
    if (holder.firstChild.nodeName === "STRONG") holder.firstChild.remove();
    holder.firstChild.textContent = holder.firstChild.textContent.replace(start, "");
    return [...holder.childNodes];
  };

  // The answers: for each question its key, and why each option is right or wrong.
  const keys = (details) =>
    [...details.querySelectorAll("p")].flatMap((paragraph) => {
      const key = paragraph.querySelector(":scope > strong")?.textContent.match(/^\d+\. ([A-D])\.$/);
      if (!key) return [];
      const why = { [key[1]]: inside(paragraph, /^\s+/) };
      for (const item of paragraph.nextElementSibling.children) {
        why[item.textContent.trim()[0]] = inside(item, /^\s*[A-D]\.\s+/);
      }
      return [{ right: key[1], why }];
    });

  const start = () => {
    const details = document.querySelector("details.quiz-answers");
    if (!details) return;
    const answers = keys(details);
    const lists = [...document.querySelectorAll("ul")].filter(
      (list) => !details.contains(list) && /^A\.\s/.test(list.textContent.trim()),
    );
    const titles = [...document.querySelectorAll("h2")].filter((title) => /^\d+\. /.test(title.textContent));
    const first = []; // by question: was the first try right?
    const score = make("p", { className: "quiz-score" });
    const count = () => {
      const tried = first.filter((right) => right !== undefined);
      const right = tried.filter(Boolean).length;
      score.textContent = `Right at the first try: ${right} of ${tried.length} answered, ${lists.length} questions.`;
    };

    const ask = (list, number) => {
      const { right, why } = answers[number];
      const fields = make("fieldset", {}, make("legend", {}, "Choose one answer"));
      fields.setAttribute("aria-label", titles[number].firstChild.textContent);
      for (const item of list.children) {
        const value = item.textContent.trim()[0];
        const button = make("input", { type: "radio", name: `question-${number}`, value });
        fields.append(make("label", {}, button, make("span", {}, ...inside(item))));
      }
      const said = make("div", { className: "quiz-feedback" });
      said.setAttribute("role", "status"); // a screen reader tells what changes here
      const form = make("form", { className: "quiz" }, fields, make("button", { type: "submit" }, "Check"), said);
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        const chosen = new FormData(form).get(`question-${number}`);
        if (!chosen) {
          said.replaceChildren("Choose an answer first.");
          return;
        }
        first[number] ??= chosen === right;
        form.dataset.state = chosen === right ? "right" : "wrong";
        const verdict = chosen === right ? `${chosen} is right. ` : `${chosen} is not right. `;
        said.replaceChildren(make("strong", {}, verdict), ...why[chosen].map((node) => node.cloneNode(true)));
        count();
      });
      list.replaceWith(form);
    };

    lists.forEach(ask);
    count();
    (details.closest("section") ?? details).before(score);
  };

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
