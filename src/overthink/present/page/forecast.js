// Draws the fan charts. The template comes with the page; what stands in it was made before.
(() => {
  "use strict";
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const [fans, chart] = [read("fans"), read("chart")];

  function hover(_handler, event, _item, value) {
    const box = document.getElementById("tip");
    box.hidden = !value;
    if (!value) return;
    box.textContent = value;
    box.style.left = Math.max(8, Math.min(event.clientX + 14, innerWidth - box.offsetWidth - 8)) + "px";
    box.style.top = Math.max(8, Math.min(event.clientY + 14, innerHeight - box.offsetHeight - 8)) + "px";
  }

  async function draw(place) {
    const fan = fans[Number(place.dataset.fan)];
    const template = structuredClone(chart);
    for (const parameter of template.params) parameter.value = fan.parameters[parameter.name];
    template.datasets = fan.datasets;
    template.description = fan.spoken;
    await vegaEmbed(place, template, { ast: true, actions: false, renderer: "svg", defaultStyle: false, tooltip: hover });
  }

  Promise.all([...document.querySelectorAll("[data-fan]")].map(draw)).then(() => {
    document.documentElement.dataset.ready = "true";
  });
})();
