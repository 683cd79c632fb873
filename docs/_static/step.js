// The step-through of docs/see_it_move.md: both arms side by side, a frame at a time.
// film.js (python -m study film) has set window.FILM; without either, the page keeps its picture.
"use strict";

(function () {
  const place = document.getElementById("step-through");
  if (!place || !window.FILM) return;

  const film = window.FILM;
  const folder = place.dataset.film;
  const milliseconds = 600; // a frame, while it plays
  const state = { reel: 0, rate: film.reels[0].rates.length - 1, frame: 0, timer: null };

  function make(tag, properties, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  function choice(name, legend, labels, chosen) {
    const box = make("fieldset", {}, make("legend", { textContent: legend }));
    labels.forEach((label, index) => {
      const input = make("input", { type: "radio", name: `step-${name}`, checked: index === chosen });
      input.addEventListener("change", () => { state[name] = index; restart(); });
      box.append(make("label", {}, input, ` ${label}`));
    });
    return box;
  }

  function button(text, action) {
    const element = make("button", { type: "button", textContent: text });
    element.addEventListener("click", action);
    return element;
  }

  function screen(arm) {
    const picture = make("div", { className: "step-picture" });
    picture.setAttribute("role", "img");
    const title = make("strong");
    const scores = make("span");
    const figure = make("figure", { className: `step-${arm}` }, make("figcaption", {}, title, scores), picture);
    return { figure, picture, title, scores };
  }

  const slider = make("input", { type: "range", id: "step-slider", min: 0, step: 1, ariaLabel: "Place in training" });
  const where = make("strong");
  const judged = make("p", { className: "step-judged" });
  const play = button("Play", () => (state.timer ? stop() : start()));
  const screens = Object.fromEntries(Object.keys(film.reels[0].rates[0].arms).map((arm) => [arm, screen(arm)]));

  place.replaceChildren(
    choice("reel", "How long", film.reels.map((reel) => reel.title), state.reel),
    choice("rate", "Learning rate", film.reels[0].rates.map((rate) => rate.rate), state.rate),
    make("div", { className: "step-screens" }, ...Object.values(screens).map((one) => one.figure)),
    make("div", { className: "step-slide" }, where, slider),
    make("div", { className: "step-buttons" },
      button("Back", () => { stop(); go(state.frame - 1); }), play,
      button("Forward", () => { stop(); go(state.frame + 1); })),
    judged,
  );

  slider.addEventListener("input", () => { stop(); go(Number(slider.value)); });
  slider.addEventListener("keydown", (event) => {
    if (event.key !== " ") return;
    event.preventDefault();
    play.click();
  });
  restart();

  function shown() {
    return film.reels[state.reel].rates[state.rate];
  }

  function restart() {
    stop();
    slider.max = shown().places.length - 1;
    go(0);
  }

  function start() {
    if (state.frame === Number(slider.max)) go(0);
    state.timer = setInterval(() => {
      go(state.frame + 1);
      if (state.frame === Number(slider.max)) stop();
    }, milliseconds);
    play.textContent = "Stop";
  }

  function stop() {
    clearInterval(state.timer);
    state.timer = null;
    play.textContent = "Play";
  }

  function told(arm) {
    const [distance, entropy] = [arm.distance[state.frame], arm.entropy[state.frame]];
    if (distance === null) return "not judged";
    return `FD ${distance.toFixed(0)}, label entropy ${entropy.toFixed(2)}`;
  }

  function go(frame) {
    const reel = film.reels[state.reel];
    const last = Number(slider.max);
    state.frame = Math.min(Math.max(frame, 0), last);
    slider.value = state.frame;
    where.textContent = `${reel.unit} ${shown().places[state.frame]}`;
    const sentences = Object.entries(shown().arms).map(([name, arm]) => {
      const { picture, title, scores } = screens[name];
      picture.style.backgroundImage = `url("${folder}/${arm.strip}")`;
      picture.style.backgroundSize = `${100 * (last + 1)}% 100%`;
      picture.style.backgroundPosition = `${(100 * state.frame) / last}% 0`;
      title.textContent = arm.label;
      scores.textContent = told(arm);
      picture.setAttribute("aria-label", `${film.latents} images, ${arm.label}, rate ${shown().rate}, ` +
        `${where.textContent}: ${told(arm)}`);
      return `${arm.label}: ${told(arm)}`;
    });
    slider.setAttribute("aria-valuetext", `${where.textContent}; ${sentences.join("; ")}`);
    judged.textContent = `Recorded runs of seed ${film.seed}, one pair. Each frame was judged on ` +
      `${reel.judged.toLocaleString("en")} images.`;
  }
})();
