// Draws the fan charts. The template comes with the page; what stands in it was made before.
const [fans, chart] = [given("fans"), given("chart")];

function draw(place) {
  const { parameters, datasets, spoken } = fans[Number(place.dataset.fan)];
  return embed(place, chart, parameters, datasets, spoken);
}

Promise.all([...document.querySelectorAll("[data-fan]")].map(draw)).then(() => {
  document.documentElement.dataset.ready = "true";
});
