// Draws templates, and tells in one box what is under the pointer.

/** The JSON that the page brings under an id. */
const given = (id) => JSON.parse(document.getElementById(id).textContent);

function hover(_handler, event, _item, value) {
  const box = document.getElementById("tip");
  box.hidden = !value;
  if (!value) return;
  box.textContent = value;
  box.style.left = Math.max(8, Math.min(event.clientX + 14, innerWidth - box.offsetWidth - 8)) + "px";
  box.style.top = Math.max(8, Math.min(event.clientY + 14, innerHeight - box.offsetHeight - 8)) + "px";
}

/** Draws a template into an element: parameters by name, data sets by name. */
async function embed(element, chart, parameters, datasets, spoken) {
  const template = structuredClone(chart);
  for (const parameter of template.params) parameter.value = parameters[parameter.name] ?? parameter.value;
  if (parameters.floor) template.height = Math.round(template.height * (1 - parameters.floor));
  template.datasets = datasets;
  template.description = spoken;
  const { view } = await vegaEmbed(element, template, { ast: true, actions: false, renderer: "svg", defaultStyle: false, tooltip: hover });
  return view;
}
