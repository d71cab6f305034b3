// What the page does beyond its HTML, which works without this file.
"use strict";

// The slider of dates: each step is a date that has a model of its own, the last one is today.
for (const slider of document.querySelectorAll("input.slider")) {
  const dates = slider.dataset.dates.split(" ");
  const field = document.getElementById(slider.dataset.field);
  const said = () => dates[slider.valueAsNumber] ?? "";
  slider.hidden = false;
  slider.addEventListener("input", () => {
    field.value = said().slice(0, 10);
    slider.setAttribute("aria-valuetext", said() || slider.dataset.today);
  });
  slider.addEventListener("change", () => slider.form.requestSubmit());
}

// A part that was loaded is read from where it begins; problems that the service answers with are shown too.
document.addEventListener("htmx:beforeSwap", (event) => {
  const status = event.detail.xhr.status;
  if (status >= 400) {
    window.location.assign(event.detail.pathInfo.finalRequestPath);
  }
});
