// The ways of one score as a graph. Each edge leads to its line and the Cypher of the list below, which says the same.
"use strict";

(() => {
  const place = document.getElementById("ways");
  if (!place) return;
  const { nodes, edges } = JSON.parse(place.dataset.graph);
  place.hidden = false;
  const isNarrow = place.clientWidth < 560;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // Layers from left to right, on a phone from top to bottom; nodes of a layer are spread evenly.
  const layers = [0, 1, 2, 3].map((layer) => nodes.filter((node) => node.layer === layer));
  const used = layers.filter((layer) => layer.length);
  const most = Math.max(...used.map((layer) => layer.length));
  const long = isNarrow ? 150 : 290;
  const wide = isNarrow ? 112 : 72;
  const at = (node) => {
    const along = used.findIndex((layer) => layer.includes(node));
    const layer = used[along];
    const across = (layer.indexOf(node) + 0.5) * (most / layer.length) * wide;
    return isNarrow ? { x: across, y: along * long } : { x: along * long, y: across };
  };

  const style = () => [
    {
      selector: "node",
      style: {
        label: "data(label)", "font-size": 11, "font-family": "system-ui, sans-serif", color: colour("--ink"),
        "text-wrap": "wrap", "text-max-width": isNarrow ? 98 : 150, "text-valign": "center", "text-halign": "center",
        shape: "round-rectangle", width: isNarrow ? 104 : 160, height: isNarrow ? 58 : 46, "background-color": colour("--shade"),
        "border-width": 1, "border-color": colour("--line"),
      },
    },
    { selector: 'node[kind = "user"], node[kind = "product"]', style: { "border-color": colour("--accent"), "border-width": 2 } },
    { selector: 'node[kind = "people"]', style: { "border-style": "dashed", "border-color": colour("--soft") } },
    {
      selector: "edge",
      style: {
        label: "data(label)", "font-size": 9, color: colour("--soft"), "text-background-color": colour("--card"),
        "text-background-opacity": 1, "text-background-padding": 2, width: 1.5, "line-color": colour("--for"),
        "target-arrow-color": colour("--for"), "target-arrow-shape": "triangle", "arrow-scale": 0.8, "curve-style": "bezier",
      },
    },
    { selector: ".is-shown", style: { "line-color": colour("--against"), "target-arrow-color": colour("--against"), width: 3 } },
  ];

  const graph = cytoscape({
    container: place,
    elements: {
      nodes: nodes.map((node) => ({ data: node, position: at(node) })),
      edges: edges.map((edge) => ({ data: edge })),
    },
    style: style(),
    layout: { name: "preset", fit: true, padding: 24 },
    userZoomingEnabled: false,
    userPanningEnabled: false,
    autoungrabify: true,
    boxSelectionEnabled: false,
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => graph.style(style()));
  window.addEventListener("resize", () => graph.fit(undefined, 24));

  graph.on("tap", "edge, node", (event) => {
    const number = event.target.data("line");
    const line = document.getElementById(`line-${number}`);
    if (!line) return;
    for (const one of document.querySelectorAll(".ledger .is-shown")) one.classList.remove("is-shown");
    graph.elements().removeClass("is-shown");
    graph.edges(`[line = ${number}]`).addClass("is-shown");
    line.classList.add("is-shown");
    const statement = line.querySelector("details");
    const more = line.parentElement.closest("details");
    if (more) more.open = true;
    if (statement) statement.open = true;
    line.scrollIntoView({ block: "nearest" });
    line.querySelector("summary")?.focus({ preventScroll: true });
  });
  place.dataset.ready = "true";
})();
