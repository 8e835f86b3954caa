// Wires the controls and draws everything once.
async function showAll() {
  settle();
  pickArms();
  read();
  drawGates();
  drawTokens();
  drawVerdicts();
  drawSteadiness();
  drawCommitment();
  drawJudge();
  drawControls();
  await Promise.all([drawCurves(), drawGaps(), drawTries()]);
}

function search(wanted) {
  state.find = wanted;
  listing.page = 0;
  writeAddress();
  drawNumbers();
}

function wire() {
  byId("krange").addEventListener("input", (event) => moveTo(upTo3(2 ** Number(event.target.value))));
  byId("kvalue").addEventListener("change", (event) => moveTo(Number(event.target.value)));
  byId("kless").addEventListener("click", () => stepK(-1));
  byId("kmore").addEventListener("click", () => stepK(1));
  byId("trange").addEventListener("input", (event) => stepTries(Number(event.target.value) - allTries().indexOf(state.k)));
  byId("tless").addEventListener("click", () => stepTries(-1));
  byId("tmore").addEventListener("click", () => stepTries(1));
  byId("armfilter").addEventListener("input", pickArms);
  byId("triesarm").addEventListener("change", drawTries);
  byId("triesrung").addEventListener("change", (event) => { state.rung = Number(event.target.value); writeAddress(); read(); drawTries(); });
  for (const radio of document.querySelectorAll("input[name=x]")) {
    radio.addEventListener("change", () => { state.x = radio.value; writeAddress(); drawCurves(); });
  }
  byId("find").addEventListener("input", (event) => search(event.target.value));
  byId("previous").addEventListener("click", () => turn(-1));
  byId("next").addEventListener("click", () => turn(1));
  document.addEventListener("click", (event) => {
    const rung = event.target.closest("a[data-samples]");
    if (rung) byId("samples-" + rung.dataset.samples).closest("details").open = true;  // not every browser unfolds a target
    const link = event.target.closest("a[data-finding]");
    if (!link) return;
    event.preventDefault();
    search(link.dataset.finding);
    byId("numbers").scrollIntoView();
  });
  addEventListener("hashchange", () => { readAddress(); showAll(); drawNumbers(); });
}

readAddress();
wire();
drawNumbers();
Promise.all([showAll(), drawnAsGiven()]).then(() => { document.documentElement.dataset.ready = "true"; });
