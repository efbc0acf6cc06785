// Shows the tracks page by page. Foreign texts are only ever set as text.
"use strict"
const [rows, rejects, facts] = ["rows", "rejects", "facts"].map((id) => {
  const place = document.getElementById(id)
  const found = JSON.parse(place.textContent)
  place.remove() // Don't keep a large one twice.
  return found
})
const [NAME, STATE, SECONDS, JOB, FOLDER, SHAPE, SIZES, FAILURE, PARAMS, COPIES] = Array(10).keys()
const AUDIO = /\.(aac|aiff?|flac|m4a|mp3|oga|ogg|opus|wav|weba)$/i
const count = new Intl.NumberFormat("en").format

function make(tag, attributes, ...content) {
  const element = Object.assign(document.createElement(tag), attributes)
  element.append(...content.filter((each) => each !== null))
  return element
}

function link(path, text) {
  return make("a", { href: facts.base + path.split("/").map(encodeURIComponent).join("/") }, text)
}

function bytes(size) {
  if (size < 1000) return `${size} B`
  const step = Math.min(4, Math.floor(Math.log10(size) / 3))
  const value = size / 1000 ** step
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${["", "kB", "MB", "GB", "TB"][step]}`
}

function seconds(value) {
  if (value < 100) return `${value} s`
  const minutes = Math.round(value / 60)
  return minutes < 100 ? `${minutes} min` : `${(value / 3600).toFixed(1)} h`
}

const resolved = (texts, value) => (typeof value === "number" ? texts[value] : value)

function folderOf(row) {
  if (row[FOLDER]) return row[FOLDER]
  const name = row[NAME]
  const end = name.lastIndexOf(".")
  return end > name.lastIndexOf("/") + 1 ? name.slice(0, end) : name
}

function named(source) {
  const cut = source.replaceAll("\\", "/").lastIndexOf("/") + 1
  return make("bdi", { className: "name", title: facts.root + source }, make("span", {}, source.slice(0, cut)), source.slice(cut))
}

function output(row, [name, path], size) {
  const whole = `${folderOf(row)}/${path}`
  const label = name || "everything, as JSON"
  // Links into a bucket would need a signature, and the page never contains one.
  if (facts.bucket) return make("li", {}, label, " ", make("small", {}, `${bytes(size)} ${facts.bucket}/${whole}`))
  const item = make("li", {}, link(whole, label), " ", make("small", {}, bytes(size)))
  if (AUDIO.test(path)) {
    const player = make("audio", { controls: true, preload: "none", src: item.firstChild.href, ariaLabel: `${label} of ${row[NAME]}` })
    player.setAttribute("aria-label", player.ariaLabel)
    player.addEventListener("error", () => item.append(make("small", { className: "gone" }, "The file doesn't exist, or can't be played here.")), { once: true })
    item.append(player)
  }
  return item
}

function failure(row) {
  const [code, message, attempts, kept] = row[FAILURE]
  const retry = facts.states[row[STATE]] === "uncertain"
    ? "It is unknown whether its job was created; every run searches for it."
    : kept ? "A retry continues with its job, which is already paid for." : "A retry creates a new job, which costs money."
  const tried = attempts === 1 ? "Tried once." : `Tried ${count(attempts)} times.`
  return make("p", { className: "reason" }, make("b", {}, code), " ", make("bdi", {}, resolved(facts.texts, message)), " ",
    make("span", { className: "note" }, attempts ? `${tried} ${retry}` : retry))
}

function drawTrack(row) {
  const state = facts.states[row[STATE]]
  // The file with the whole result, which has no name, comes last.
  const sizes = [row[SIZES]].flat()
  const outputs = sizes.length ? JSON.parse(resolved(facts.shapes, row[SHAPE])).map((each, at) => [each, sizes[at]]) : []
  outputs.sort(([one], [other]) => !one[0] - !other[0])
  const extra = [
    row[SECONDS] === null ? null : `${seconds(row[SECONDS])} at the service`,
    row[JOB] ? make("span", { className: "job" }, row[JOB]) : null,
    row[PARAMS] === undefined || row[PARAMS] === "" ? null : make("code", {}, resolved(facts.texts, row[PARAMS])),
    row[COPIES]?.length ? make("span", {}, "Also for ", make("bdi", {}, row[COPIES].join(", "))) : null,
  ].filter((each) => each !== null)
  return make(
    "li",
    { className: state },
    make("div", { className: "top" }, named(row[NAME]), make("span", { className: "status", title: state }, facts.words[state])),
    extra.length ? make("p", { className: "facts" }, ...extra.map((each) => make("span", {}, each))) : null,
    row[FAILURE] ? failure(row) : null,
    outputs.length ? make("ul", { className: "outputs" }, ...outputs.map((each) => output(row, ...each))) : null,
  )
}

function drawReject([source, reason]) {
  return make("li", { className: "failed" }, make("div", { className: "top" }, named(source)), make("p", { className: "reason" }, make("bdi", {}, reason)))
}

/** A list of which one page is in the document. */
class Pages {
  constructor(section, size, draw) {
    this.section = document.getElementById(section)
    this.list = this.section.querySelector(".list")
    this.nav = this.section.querySelector("nav")
    this.buttons = this.nav.querySelectorAll("button")
    this.size = size
    this.draw = draw
    this.buttons.forEach((button, at) => button.addEventListener("click", () => this.turn(at ? 1 : -1)))
  }

  show(items) {
    this.items = items
    this.page = 0
    this.section.hidden = false
    this.section.querySelector("h2 small").textContent = count(items.length)
    this.render()
  }

  turn(by) {
    this.page += by
    this.render()
    if (this.section.getBoundingClientRect().top < 0) this.section.scrollIntoView()
  }

  render() {
    const start = this.page * this.size
    const end = Math.min(start + this.size, this.items.length)
    this.list.replaceChildren(...this.items.slice(start, end).map(this.draw))
    this.nav.querySelector("span").textContent = `${count(start + 1)} to ${count(end)} of ${count(this.items.length)}`
    this.nav.hidden = this.items.length <= this.size
    this.buttons[0].disabled = !this.page
    this.buttons[1].disabled = end === this.items.length
  }
}

function showFailures() {
  const failed = rows.filter((row) => row[FAILURE])
  const codes = new Map()
  for (const row of failed) codes.set(row[FAILURE][0], (codes.get(row[FAILURE][0]) ?? 0) + 1)
  const most = [...codes].sort((one, other) => other[1] - one[1]).slice(0, 12)
  const place = document.querySelector("#failures .codes")
  if (codes.size > 1) place.append(...most.map(([code, number]) => make("span", {}, `${code} × ${count(number)}`)))
  if (failed.length) new Pages("failures", 10, drawTrack).show(failed)
  if (rejects.length) new Pages("rejected", 10, drawReject).show(rejects)
}

const form = document.querySelector(".filters")
const tracks = new Pages("tracks", 25, drawTrack)

function matches(row, wanted) {
  const failed = row[FAILURE]
  return (
    row[NAME].toLowerCase().includes(wanted) ||
    (row[JOB] && row[JOB].toLowerCase().includes(wanted)) ||
    (failed && (failed[0].toLowerCase().includes(wanted) || resolved(facts.texts, failed[1]).toLowerCase().includes(wanted))) ||
    row[COPIES]?.some((each) => each.toLowerCase().includes(wanted))
  )
}

function filter() {
  const wanted = form.elements.find.value.trim().toLowerCase()
  const state = form.elements.state.value
  const order = form.elements.order.value
  let found = rows
  if (state) found = found.filter((row) => facts.states[row[STATE]] === state)
  if (wanted) found = found.filter((row) => matches(row, wanted))
  if (order === "long") found = found.toSorted((one, other) => (other[SECONDS] ?? -1) - (one[SECONDS] ?? -1))
  if (order === "name") {
    const { compare } = new Intl.Collator(undefined, { numeric: true })
    found = found.toSorted((one, other) => compare(one[NAME], other[NAME]))
  }
  tracks.show(found)
  document.getElementById("nothing").hidden = found.length > 0
  if (found !== rows) tracks.section.querySelector("h2 small").textContent += ` of ${count(rows.length)}`
}

let waiting
form.addEventListener("input", ({ target }) => {
  clearTimeout(waiting)
  waiting = setTimeout(filter, target.name === "find" ? 120 : 0)
})
form.addEventListener("submit", (event) => event.preventDefault())

for (const button of document.querySelectorAll(".legend button")) {
  const { state } = button.dataset
  form.elements.state.add(new Option(facts.words[state], state))
  button.addEventListener("click", () => {
    form.elements.state.value = state
    filter()
    tracks.section.scrollIntoView()
  })
}
for (const time of document.querySelectorAll("time")) {
  time.textContent = new Date(time.dateTime).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })
}
// One at a time: media events don't bubble.
document.addEventListener("play", ({ target }) => {
  for (const player of document.querySelectorAll("audio")) if (player !== target) player.pause()
}, true)

showFailures()
filter()
document.documentElement.dataset.ready = "true"
