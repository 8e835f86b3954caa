// Charts that the page was given filled: arms over total compute, and frontiers.
const drawnAsGiven = () => Promise.all([...document.querySelectorAll("[data-drawing]")].map((place) => {
  const { chart, parameters, datasets, spoken } = DATA.drawings[Number(place.dataset.drawing)];
  return draw(place, chart, parameters, datasets, spoken);
}));
