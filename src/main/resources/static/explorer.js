// The explorer page. Whatever comes from a post is put on the page as text, never as markup.

const $ = (id) => document.getElementById(id);

/** The filters that may stand among the words, and the API's parameter for each. */
const FILTERS = [
  { name: "from", parameter: "username", hint: "written by: from:alice.bsky.social" },
  { name: "mentions", parameter: "mention", hint: "mentions an account: mentions:bob.bsky.social" },
  { name: "lang", parameter: "lang", hint: "in a language: lang:pt" },
  { name: "has", parameter: "has", hint: "has media, link, quote or parent", values: ["media", "link", "quote", "parent"] },
  { name: "without", parameter: "without", hint: "has none of these", values: ["media", "link", "quote", "parent"] },
  { name: "domain", parameter: "domain", hint: "links to a host: domain:example.org" },
  { name: "url", parameter: "url", hint: "links to this address" },
  { name: "tag", parameter: "hashtag", hint: "has a hashtag: tag:sky" },
  { name: "since", parameter: "start", hint: "from a day or moment on: since:2026-07-04" },
  { name: "until", parameter: "end", hint: "to the end of a day, or a moment" },
  { name: "replies-to", parameter: "reply_to", hint: "answers a post: an at:// address" },
  { name: "thread", parameter: "thread", hint: "in the thread of a post" },
  { name: "quotes", parameter: "quotes", hint: "quotes a post" },
  { name: "deleted", parameter: "deleted", hint: "deleted posts too, or only", values: ["include", "only"] },
  { name: "sort", parameter: "sort", hint: "most likes, reposts, replies or quotes first", values: ["likes", "reposts", "replies", "quotes"] },
  { name: "min-likes", parameter: "min_likes", hint: "at least so many likes: min-likes:10" },
  { name: "min-reposts", parameter: "min_reposts", hint: "at least so many reposts" },
  { name: "min-replies", parameter: "min_replies", hint: "at least so many replies" },
  { name: "min-quotes", parameter: "min_quotes", hint: "at least so many quotes" },
];

const SHOWN = 30;
const LEFT_TO_THE_BROWSER = 100e6;
const STATE_MILLIS = 5000;
const HOUR = 3600e3;
const DAY = 24 * HOUR;
const INTERVALS = { minute: 60e3, hour: HOUR, day: DAY, month: 30 * DAY };

/** Asks the API; what it says is wrong becomes an error for people. */
async function ask(path, parameters, signal) {
  const response = await fetch(path + "?" + parameters, { signal });
  const type = response.headers.get("Content-Type") || "";
  if (response.ok) {
    return response.json();
  }
  if (type.includes("problem+json")) {
    const problem = await response.json();
    throw new Error(`${problem.detail} ${problem.fix || ""}`);
  }
  throw new Error(`The server answered ${response.status}. Try again in a moment.`);
}

/** Splits a question into words for the API's query, and filters. Quoted phrases stay together. */
function parse(question) {
  const parameters = new URLSearchParams();
  const words = [];
  for (const token of question.match(/[^\s"]*"[^"]*"?|\S+/g) || []) {
    const colon = token.indexOf(":");
    const filter = FILTERS.find((each) => each.name === token.slice(0, colon));
    const value = token.slice(colon + 1).replace(/^"|"$/g, "");
    if (colon > 0 && filter && value) {
      parameters.set(filter.parameter, value);
    } else {
      words.push(token);
    }
  }
  if (words.length > 0) {
    parameters.set("query", words.join(" "));
  }
  return parameters;
}

/** The question with another value of a filter, or without it. */
function withFilter(question, name, value) {
  const kept = (question.match(/[^\s"]*"[^"]*"?|\S+/g) || []).filter((token) => !token.startsWith(name + ":"));
  if (value !== null) {
    kept.push(`${name}:${/\s/.test(value) ? `"${value}"` : value}`);
  }
  return kept.join(" ");
}

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, value);
  }
  return made;
}

const number = (value) => value.toLocaleString("en");
const moment = (date) => date.toISOString().slice(0, 19).replace("T", " ");

function link(address, text) {
  return element("a", text, { href: address, rel: "noopener noreferrer nofollow", target: "_blank", dir: "auto" });
}

function post(found) {
  const [, did, rkey] = /^at:\/\/([^/]+)\/[^/]+\/(.+)$/.exec(found.id) || [];
  const item = document.createElement("li");
  const about = element("div", "", { class: "about" });
  about.append(link(`https://bsky.app/profile/${encodeURIComponent(did)}`, found.username));
  const when = link(`https://bsky.app/profile/${encodeURIComponent(did)}/post/${encodeURIComponent(rkey)}`, "");
  when.append(element("time", moment(new Date(found.timestamp)), { datetime: found.timestamp }));
  about.append(when);
  if (found.engagement) {
    const { likes, reposts, replies, quotes } = found.engagement;
    about.append(element("span", `${number(likes)} likes, ${number(reposts)} reposts, ${number(replies)} replies, ${number(quotes)} quotes`));
  }
  if (found.deleted) {
    about.append(element("span", "deleted"));
    item.className = "deleted";
  }
  item.append(about, element("p", found.text, { class: "text", dir: "auto" }));
  item.dataset.id = found.id;
  return item;
}

// ---- the state of the page

let asking = new AbortController();
let chart = null;
let next = null;
let shownRange = null;
let pinned = null;
let live = null;

function question() {
  return new URLSearchParams(location.search).get("q") || "";
}

function go(to) {
  const address = to ? "?" + new URLSearchParams({ q: to }) : location.pathname;
  history.pushState(null, "", address);
  show();
}

function problem(error) {
  $("problem").hidden = !error;
  $("problem").textContent = error ? error.message : "";
}

function copy(parameters, without = []) {
  const copied = new URLSearchParams(parameters);
  without.forEach((name) => copied.delete(name));
  return copied;
}

async function show() {
  asking.abort();
  asking = new AbortController();
  const signal = asking.signal;
  $("question").value = question();
  const parameters = parse(question());
  problem(null);
  const page = document.querySelector("main");
  page.setAttribute("aria-busy", "true");
  $("summary").textContent = "Searching …";
  $("export-state").textContent = "";
  if (live) {
    stopLive();
    startLive();
  }
  document.title = question() ? `${question()} – Bluesky Post Explorer` : "Bluesky Post Explorer";
  const parts = [posts(parameters, signal), volume(parameters, signal)];
  for (const of of ["hashtag", "domain", "language"]) {
    parts.push(top(of, parameters, signal));
  }
  const failed = (await Promise.allSettled(parts)).find((part) => part.status === "rejected" && part.reason.name !== "AbortError");
  if (signal.aborted) {
    return;
  }
  if (failed) {
    problem(failed.reason);
    $("summary").textContent = "";
  }
  page.setAttribute("aria-busy", "false");
}

async function posts(parameters, signal) {
  const asked = copy(parameters);
  asked.set("limit", SHOWN);
  const answer = await ask("search", asked, signal);
  next = answer.meta.next;
  pinned = answer.meta.pin;
  $("posts").replaceChildren(...answer.results.map(post));
  $("nothing").hidden = answer.results.length > 0;
  $("more").hidden = !next;
  $("summary").textContent = summary(answer.meta);
}

function summary(meta) {
  const about = meta.countIsExact ? "" : "about ";
  const parts = [`${about}${number(meta.count)} ${meta.count === 1 ? "post" : "posts"} in ${meta.seconds.toFixed(2)} s`];
  const complete = meta.completeness;
  if (complete && !complete.complete) {
    parts.push(`${(complete.covered * 100).toFixed(1)} % of that time is covered, with ${complete.gaps === 1 ? "one gap" : `${complete.gaps} gaps`}`);
  }
  if (meta.notice) {
    parts.push(meta.notice);
  }
  return parts.join("; ").replace(/^a/, "A") + (meta.notice ? "" : ".");
}

async function more() {
  $("more").disabled = true;
  try {
    const asked = copy(parse(question()));
    asked.set("limit", SHOWN);
    asked.set("cursor", next);
    const answer = await ask("search", asked, asking.signal);
    const added = answer.results.map(post);
    $("posts").append(...added);
    next = answer.meta.next;
    $("more").hidden = !next;
    added[0]?.querySelector("a").focus();
  } catch (error) {
    if (error.name !== "AbortError") {
      problem(error);
    }
  } finally {
    $("more").disabled = false;
  }
}

async function top(of, parameters, signal) {
  const asked = copy(parameters, ["sort"]);
  asked.set("of", of);
  asked.set("limit", 8);
  const answer = await ask("api/v1/stats/top", asked, signal);
  const filter = { hashtag: "tag", domain: "domain", language: "lang" }[of];
  $("top-" + of).replaceChildren(
    ...answer.values.map((value) => {
      const item = document.createElement("li");
      const button = element("button", (of === "hashtag" ? "#" : "") + value.value, { type: "button", dir: "auto" });
      button.addEventListener("click", () => go(withFilter(question(), filter, value.value)));
      item.append(button, element("span", (answer.countIsExact ? "" : "~") + number(value.posts)));
      return item;
    }),
  );
  if (answer.values.length === 0) {
    $("top-" + of).replaceChildren(element("li", "none", { class: "quiet" }));
  }
}

// ---- posts by time

/** The time that the question names, or what the archive covers of it. */
function rangeOf(completeness) {
  const from = new Date(completeness.from).getTime();
  const to = new Date(completeness.to).getTime();
  return from < to ? [from, to] : [to - HOUR, to];
}

function intervalFor(range) {
  const span = range[1] - range[0];
  return span <= 6 * HOUR ? "minute" : span <= 8 * DAY ? "hour" : span <= 800 * DAY ? "day" : "month";
}

async function volume(parameters, signal) {
  const time = new URLSearchParams();
  ["start", "end"].filter((name) => parameters.has(name)).forEach((name) => time.set(name, parameters.get(name)));
  const completeness = await ask("api/v1/completeness", time, signal);
  shownRange = rangeOf(completeness);
  const interval = intervalFor(shownRange);
  const asked = copy(parameters, ["sort"]);
  if (!asked.has("start")) {
    asked.set("start", new Date(shownRange[0]).toISOString());
  }
  asked.set("interval", interval);
  const answer = await ask("api/v1/stats/volume", asked, signal);
  draw(answer, completeness, interval);
}

function draw(answer, completeness, interval) {
  const length = INTERVALS[interval];
  const found = new Map(answer.buckets.map((bucket) => [Date.parse(bucket.start), bucket.posts]));
  const times = [];
  if (interval === "month") {
    times.push(...[...found.keys()].sort((a, b) => a - b));
  } else {
    for (let at = Math.floor(shownRange[0] / length) * length; at < shownRange[1] && times.length < 10080; at += length) {
      times.push(at);
    }
  }
  const counts = times.map((at) => found.get(at) || 0);
  const most = Math.max(0, ...counts);
  $("chart-text").textContent =
    `${answer.countIsExact ? "" : "About "}${number(answer.count)} posts by the ${interval}, from ${moment(new Date(shownRange[0]))} to ${moment(new Date(shownRange[1]))}; ` +
    `${number(most)} at most in one. ${completeness.gaps.length === 0 ? "Nothing of that time is missing." : "What is hatched was not received: " + holes(completeness)}`;
  $("numbers").replaceChildren(
    ...answer.buckets.slice(0, 1000).map((bucket) => {
      const row = document.createElement("tr");
      row.append(element("td", moment(new Date(bucket.start))), element("td", number(bucket.posts)));
      return row;
    }),
  );
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
  chart?.destroy();
  chart = new uPlot(
    {
      width: Math.max(200, $("chart").clientWidth),
      height: 190,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC"),
      cursor: { drag: { x: true, y: false, setScale: false }, points: { show: false } },
      legend: { show: false },
      scales: { x: { range: () => [shownRange[0] / 1e3, Math.max(shownRange[1], shownRange[0] + length) / 1e3] }, y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] } },
      axes: [{ ...axis, values: (_, times, __, ___, step) => times.map((time, at) => label(time, step, at === 0)) }, { ...axis, size: 60, values: (_, values) => values.map((value) => (Number.isInteger(value) ? number(value) : "")) }],
      series: [
        {},
        {
          fill: colour("--bar"),
          stroke: colour("--bar"),
          width: 0,
          points: { show: false },
          paths: uPlot.paths.bars({ size: [0.9, 60], align: 1 }),
        },
      ],
      hooks: {
        drawClear: [(self) => hatch(self, completeness.gaps, colour("--hole"))],
        setSelect: [
          (self) => {
            if (self.select.width > 4) {
              zoom(self.posToVal(self.select.left, "x") * 1e3, self.posToVal(self.select.left + self.select.width, "x") * 1e3);
            }
          },
        ],
      },
    },
    [times.map((at) => at / 1e3), counts],
    $("chart"),
  );
}

/** A time of the axis, as short as it can be: the date where a day begins. */
function label(seconds, step, first) {
  const text = new Date(seconds * 1e3).toISOString();
  return step >= DAY / 1e3 || seconds % (DAY / 1e3) === 0 ? text.slice(0, 10) : text.slice(11, 16) + (first ? `\n${text.slice(0, 10)}` : "");
}

function holes(completeness) {
  const all = completeness.gaps.map((gap) => `${moment(new Date(gap.from))} to ${moment(new Date(gap.to))}`);
  return all.slice(0, 5).join(", ") + (all.length > 5 ? ` and ${all.length - 5} more.` : ".");
}

/** Marks the time of which nothing was received. */
function hatch(self, gaps, colour) {
  const { ctx, bbox } = self;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1;
  for (const gap of gaps) {
    const left = self.valToPos(Date.parse(gap.from) / 1e3, "x", true);
    const width = Math.max(3, self.valToPos(Date.parse(gap.to) / 1e3, "x", true) - left);
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, bbox.top, width, bbox.height);
    ctx.clip();
    for (let x = left - bbox.height; x < left + width; x += 6) {
      ctx.beginPath();
      ctx.moveTo(x, bbox.top + bbox.height);
      ctx.lineTo(x + bbox.height, bbox.top);
      ctx.stroke();
    }
    ctx.restore();
  }
  ctx.restore();
}

function zoom(from, to) {
  const least = 60e3;
  const end = Math.max(to, from + least);
  let asked = withFilter(question(), "since", new Date(Math.round(from)).toISOString());
  asked = withFilter(asked, "until", new Date(Math.round(end)).toISOString());
  go(asked);
}

function move(share) {
  if (shownRange) {
    const span = shownRange[1] - shownRange[0];
    zoom(shownRange[0] + share * span, shownRange[1] + share * span);
  }
}

function scale(by) {
  if (shownRange) {
    const middle = (shownRange[0] + shownRange[1]) / 2;
    const half = ((shownRange[1] - shownRange[0]) / 2) * by;
    zoom(middle - half, middle + half);
  }
}

// ---- suggestions

let chosen = -1;

function suggestions() {
  const field = $("question");
  const before = field.value.slice(0, field.selectionStart);
  const word = /\S*$/.exec(before)[0];
  const colon = word.indexOf(":");
  const filter = colon > 0 && FILTERS.find((each) => each.name === word.slice(0, colon));
  if (filter) {
    const typed = word.slice(colon + 1);
    return (filter.values || [])
      .filter((value) => value.startsWith(typed) && value !== typed)
      .map((value) => ({ insert: `${filter.name}:${value} `, hint: "", replaces: word.length }));
  }
  return FILTERS.filter((each) => each.name.startsWith(word.toLowerCase())).map((each) => ({
    insert: each.name + ":",
    hint: each.hint,
    replaces: word.length,
  }));
}

function suggest() {
  const all = suggestions();
  chosen = -1;
  $("suggestions").replaceChildren(
    ...all.map((each, index) => {
      const item = element("li", "", { role: "option", id: `suggestion-${index}`, "aria-selected": "false" });
      item.append(element("code", each.insert.trim()), element("span", each.hint));
      item.addEventListener("mousedown", (event) => {
        event.preventDefault();
        take(index);
      });
      return item;
    }),
  );
  $("suggestions").hidden = all.length === 0;
  $("question").setAttribute("aria-expanded", String(all.length > 0));
  $("question").removeAttribute("aria-activedescendant");
}

function closeSuggestions() {
  $("suggestions").hidden = true;
  $("question").setAttribute("aria-expanded", "false");
  $("question").removeAttribute("aria-activedescendant");
  chosen = -1;
}

function choose(index) {
  const items = [...$("suggestions").children];
  chosen = (index + items.length) % items.length;
  items.forEach((item, at) => item.setAttribute("aria-selected", String(at === chosen)));
  $("question").setAttribute("aria-activedescendant", items[chosen].id);
  items[chosen].scrollIntoView({ block: "nearest" });
}

function take(index) {
  const field = $("question");
  const { insert, replaces } = suggestions()[index];
  const at = field.selectionStart;
  field.setRangeText(insert, at - replaces, at, "end");
  suggest();
}

// ---- live

function toggleLive() {
  if (live) {
    stopLive();
  } else {
    startLive();
  }
}

function stopLive() {
  live?.close();
  live = null;
  $("live").setAttribute("aria-pressed", "false");
}

/** Posts are put before the others as they come. */
function startLive() {
  const asked = copy(parse(question()), ["sort", "end", "deleted"]);
  [...asked.keys()].filter((name) => name.startsWith("min_")).forEach((name) => asked.delete(name));
  live = new EventSource("api/v1/stream?" + asked);
  $("live").setAttribute("aria-pressed", "true");
  live.addEventListener("post", (event) => {
    const { uri, sort_at, did, handle, text } = JSON.parse(event.data);
    if ([...$("posts").children].some((item) => item.dataset.id === uri)) {
      return;
    }
    const item = post({ id: uri, timestamp: sort_at, username: handle || did, text: text || "" });
    item.classList.add("new");
    $("posts").prepend(item);
    while ($("posts").children.length > 300) {
      $("posts").lastChild.remove();
    }
    $("nothing").hidden = true;
  });
  live.addEventListener("error", () => {
    if (live?.readyState === EventSource.CLOSED) {
      stopLive();
      problem(new Error("New posts cannot be shown now. Try again in a moment."));
    }
  });
}

// ---- export

let estimated = null;

function exported() {
  const parameters = copy(parse(question()), ["sort"]);
  const engaged = [...parameters.keys()].some((name) => name.startsWith("min_"));
  if (pinned && !engaged) {
    parameters.set("pin", pinned);
  }
  const format = $("export-format").value;
  parameters.set("format", format === "spreadsheet" ? "csv" : format);
  if (format === "spreadsheet") {
    parameters.set("spreadsheet", "true");
  }
  parameters.set("fields", $("export-fields").value);
  if ($("export-sample").value) {
    parameters.set("sample", $("export-sample").value);
    parameters.set("seed", "1");
  }
  return parameters;
}

async function estimate() {
  estimated = null;
  if (!$("export-sample").validity.valid) {
    $("export-estimate").textContent = "A sample has 1 to 1,000,000 posts.";
    return;
  }
  $("export-estimate").textContent = "Estimating …";
  try {
    const answer = await ask("api/v1/export/estimate", exported());
    estimated = answer;
    const about = answer.rowsAreExact ? "" : "About ";
    const left = answer.quotaLeft === undefined ? "" : ` ${number(answer.quotaLeft)} posts are left of today's quota.`;
    $("export-estimate").textContent = `${about}${number(answer.rows)} posts, about ${size(answer.bytes)}, made in about ${time(answer.seconds)}.${left}`;
  } catch (error) {
    $("export-estimate").textContent = error.message;
  }
}

function size(bytes) {
  return bytes < 1e6 ? `${number(Math.max(1, Math.round(bytes / 1e3)))} KB` : bytes < 1e9 ? `${number(Math.round(bytes / 1e6))} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

function time(seconds) {
  return seconds < 90 ? `${number(Math.max(1, Math.round(seconds)))} s` : duration(seconds);
}

/** Shows what comes while it comes; a large file is left to the browser, which writes it to the disk. */
async function download() {
  const address = "api/v1/export?" + exported();
  if (estimated && estimated.bytes > LEFT_TO_THE_BROWSER) {
    element("a", "", { href: address, download: "" }).click();
    $("export-state").textContent = "The browser downloads the file.";
    return;
  }
  const button = $("export");
  button.disabled = true;
  try {
    const response = await fetch(address);
    if (!response.ok) {
      const wrong = await response.json();
      throw new Error(`${wrong.detail} ${wrong.fix || ""}`);
    }
    const reader = response.body.getReader();
    const parts = [];
    let bytes = 0;
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      parts.push(part.value);
      bytes += part.value.length;
      $("export-state").textContent = `Exporting: ${size(bytes)}${estimated ? ` of about ${size(Math.max(bytes, estimated.bytes))}` : ""} …`;
    }
    const name = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") || "")?.[1] || "bluesky-posts.csv";
    const save = element("a", "", { href: URL.createObjectURL(new Blob(parts)), download: name });
    save.click();
    setTimeout(() => URL.revokeObjectURL(save.href), 60e3);
    $("export-state").textContent = `Exported ${name}, ${size(bytes)}${response.headers.get("Archive-Complete") === "false" ? "; the archive does not cover all of that time" : ""}.`;
  } catch (error) {
    $("export-state").textContent = "";
    problem(error);
  } finally {
    button.disabled = false;
  }
}

// ---- state

function duration(seconds) {
  const [length, name] = seconds < 2 * 3600 ? [60, "minutes"] : seconds < 2 * 86400 ? [3600, "hours"] : [86400, "days"];
  return `${number(Math.round(seconds / length))} ${name}`;
}

async function state() {
  try {
    const status = await ask("api/v1/status", "");
    const all = status.tables.find((table) => table.name === "posts");
    const parts = [status.demo ? "Made-up data" : "", `${number(all.rows)} posts archived`];
    if (status.ingest?.eventsPerSecond) {
      parts.push(`${number(Math.round(status.ingest.eventsPerSecond))} events a second`);
    }
    if (status.ingest?.lagSeconds !== undefined) {
      parts.push(status.ingest.lagSeconds < 60 ? "up to date" : `${duration(status.ingest.lagSeconds)} behind`);
    }
    $("state").textContent = parts.filter(Boolean).join(" · ");
  } catch {
    $("state").textContent = "The server cannot be reached.";
  }
}

// ---- what people do

$("search").addEventListener("submit", (event) => {
  event.preventDefault();
  if (chosen >= 0) {
    take(chosen);
  } else {
    closeSuggestions();
    go($("question").value.trim());
  }
});
$("question").addEventListener("input", suggest);
$("question").addEventListener("blur", closeSuggestions);
$("question").addEventListener("keydown", (event) => {
  const open = !$("suggestions").hidden;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    if (!open) {
      suggest();
    }
    if ($("suggestions").children.length > 0) {
      choose(chosen + (event.key === "ArrowDown" ? 1 : chosen < 0 ? 0 : -1));
    }
  } else if (event.key === "Escape" && open) {
    event.preventDefault();
    closeSuggestions();
  } else if (event.key === "Tab" && chosen >= 0) {
    event.preventDefault();
    take(chosen);
  }
});
$("more").addEventListener("click", more);
$("live").addEventListener("click", toggleLive);
$("export").addEventListener("click", () => {
  $("export-dialog").showModal();
  estimate();
});
["export-format", "export-fields", "export-sample"].forEach((id) => $(id).addEventListener("change", estimate));
$("export-dialog").addEventListener("close", () => {
  if ($("export-dialog").returnValue === "go") {
    download();
  }
  $("export-dialog").returnValue = "";
});
$("earlier").addEventListener("click", () => move(-0.5));
$("later").addEventListener("click", () => move(0.5));
$("zoom-in").addEventListener("click", () => scale(0.5));
$("zoom-out").addEventListener("click", () => scale(2));
$("all-time").addEventListener("click", () => go(withFilter(withFilter(question(), "since", null), "until", null)));
addEventListener("popstate", show);
addEventListener("resize", () => chart?.setSize({ width: Math.max(200, $("chart").clientWidth), height: 190 }));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);

show();
state();
setInterval(state, STATE_MILLIS);
