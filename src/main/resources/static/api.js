// Shows the description of the API to people: nothing stands here that is not in openapi.json.

function element(name, text, ...children) {
  const made = document.createElement(name);
  made.textContent = text;
  made.append(...children);
  return made;
}

let description;

/** What a reference points to. */
function resolved(part) {
  return part?.$ref ? part.$ref.slice(2).split("/").reduce((found, key) => found[key], description) : part;
}

/** A type in words: its own, what it may be, and what it is if nothing is said. */
function type(schema) {
  if (schema?.$ref) {
    return schema.$ref.split("/").pop();
  }
  const known = resolved(schema) || {};
  const words = [known.type === "array" ? `list of ${type(known.items)}` : known.format || known.type || "any"];
  if (known.enum) {
    words[0] = known.enum.join(", ");
  }
  if (known.minimum !== undefined || known.maximum !== undefined) {
    words.push(`from ${known.minimum ?? "…"} to ${known.maximum ?? "…"}`);
  }
  if (known.default !== undefined) {
    words.push(`else ${known.default}`);
  }
  return words.join("; ");
}

function table(title, of, columns, rows) {
  const head = element("tr", "", ...columns.map((column) => {
    const cell = element("th", column);
    cell.scope = "col";
    return cell;
  }));
  const body = element("tbody", "");
  for (const [name, ...cells] of rows) {
    const first = element("th", "", element("code", name));
    first.scope = "row";
    body.append(element("tr", "", first, ...cells.map((cell) => element("td", cell))));
  }
  const made = element("table", "", element("caption", title), element("thead", "", head), body);
  const region = element("div", "", made);
  region.className = "scroll wide";
  region.tabIndex = 0;
  region.setAttribute("role", "region");
  region.setAttribute("aria-label", `${title} of ${of}`);
  return region;
}

function operation(path, method, described) {
  const section = element("section", "", element("h2", `${method.toUpperCase()} ${path}`));
  section.id = described.operationId;
  section.append(element("p", described.summary), element("p", described.description || ""));
  const parameters = (described.parameters || []).map(resolved);
  if (parameters.length > 0) {
    section.append(
      table("Parameters", described.operationId, ["Name", "Type", "Meaning"], parameters.map((each) => [each.name, type(each.schema), each.description || ""])),
    );
  }
  const answers = Object.entries(described.responses).map(([status, response]) => {
    const known = resolved(response);
    const content = Object.entries(known.content || {}).map(([media, body]) => `${media}: ${type(body.schema)}`);
    return [status, known.description || "", content.join(", ")];
  });
  section.append(table("Answers", described.operationId, ["Status", "Meaning", "Content"], answers));
  return section;
}

function schema(name, described) {
  const section = element("section", "", element("h3", name));
  section.append(element("p", described.description || ""));
  const properties = Object.entries(described.properties || {});
  if (properties.length > 0) {
    section.append(table("Members", name, ["Name", "Type", "Meaning"], properties.map(([key, value]) => [key, type(value), value.description || ""])));
  }
  return section;
}

try {
  const response = await fetch("api/v1/openapi.json");
  if (!response.ok) {
    throw new Error(`the server answered ${response.status}`);
  }
  description = await response.json();
  const main = document.getElementById("api");
  main.replaceChildren(element("p", description.info.description));
  for (const [path, operations] of Object.entries(description.paths)) {
    for (const [method, described] of Object.entries(operations)) {
      main.append(operation(path, method, described));
    }
  }
  main.append(element("h2", "What answers consist of"));
  for (const [name, described] of Object.entries(description.components.schemas)) {
    main.append(schema(name, described));
  }
} catch (error) {
  document.getElementById("loading").textContent = `The description cannot be read: ${error.message}. Try again in a moment.`;
}
