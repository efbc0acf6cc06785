// A job's page: waveforms, the chords over them, and a playhead that follows the sound.
const state = document.getElementById("state")
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`

function draw(canvas, peaks) {
  const { width, height } = canvas
  const pen = canvas.getContext("2d")
  pen.clearRect(0, 0, width, height)
  pen.fillStyle = getComputedStyle(canvas).color
  const step = width / peaks.length
  const most = Math.max(0.05, ...peaks)
  peaks.forEach((peak, index) => {
    const tall = Math.max(1, (peak / most) * (height - 40))
    pen.fillRect(index * step, (height + 30 - tall) / 2, Math.max(1, step - 0.5), tall)
  })
}

function place(strip, chords, seconds) {
  strip.replaceChildren(
    ...chords.map((chord, index) => {
      const box = document.createElement("span")
      const name = chord.chord_basic_pop ?? chord.chord_majmin
      box.className = `chord ${name === "N" ? "none" : index % 2 ? "odd" : "even"}`
      box.textContent = name === "N" ? "" : name
      box.title = `${name} ${chord.start.toFixed(2)}–${chord.end.toFixed(2)} s`
      box.style.left = `${(100 * chord.start) / seconds}%`
      box.style.width = `${(100 * (chord.end - chord.start)) / seconds}%`
      return box
    }),
  )
}

async function fetched(url) {
  if (!url) return null
  try {
    const answer = await fetch(url)
    return answer.ok ? await answer.json() : null
  } catch {
    return null
  }
}

function follow(figure, chords, waveform) {
  const audio = figure.querySelector("audio")
  const wave = figure.querySelector(".wave")
  const canvas = figure.querySelector("canvas")
  const playhead = figure.querySelector(".playhead")
  const strip = figure.querySelector(".chords")
  const seconds = () => waveform?.seconds || audio.duration || chords?.at(-1)?.end || 1

  function move() {
    const at = audio.currentTime
    playhead.style.left = `${(100 * at) / seconds()}%`
    wave.setAttribute("aria-valuemax", seconds().toFixed(1))
    wave.setAttribute("aria-valuenow", at.toFixed(1))
    const now = chords?.findIndex((chord) => chord.start <= at && at < chord.end) ?? -1
    wave.setAttribute("aria-valuetext", `${clock(at)} of ${clock(seconds())}${now < 0 ? "" : `, ${strip.children[now].title}`}`)
    ;[...strip.children].forEach((box, index) => box.classList.toggle("now", index === now))
    if (!audio.paused) requestAnimationFrame(move)
  }

  function seek(to) {
    audio.currentTime = Math.min(Math.max(to, 0), seconds())
    move()
  }

  if (waveform) draw(canvas, waveform.peaks)
  if (chords) place(strip, chords, seconds())
  for (const name of ["play", "pause", "seeked", "timeupdate", "loadedmetadata"]) audio.addEventListener(name, move)
  audio.addEventListener("play", () => {
    for (const other of document.querySelectorAll("audio")) if (other !== audio) other.pause()
  })
  audio.addEventListener("error", () => figure.classList.add("broken"))
  wave.addEventListener("click", (event) => seek((seconds() * event.offsetX) / wave.clientWidth))
  wave.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -5, ArrowRight: 5, ArrowDown: -5, ArrowUp: 5, PageDown: -30, PageUp: 30 }
    if (event.key in steps) seek(audio.currentTime + steps[event.key])
    else if (event.key === "Home") seek(0)
    else if (event.key === "End") seek(seconds())
    else if (event.key === " " || event.key === "Enter") audio.paused ? audio.play() : audio.pause()
    else return
    event.preventDefault()
  })
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => waveform && draw(canvas, waveform.peaks))
  move()
}

async function open() {
  const job = document.getElementById("job")
  const chords = await fetched(job.dataset.chords)
  await Promise.all(
    [...job.querySelectorAll(".track")].map(async (figure) => {
      const wave = figure.querySelector(".wave")
      const waveform = await fetched(wave.dataset.peaks)
      if (wave.dataset.peaks && !waveform) figure.remove() // It isn't audio.
      else follow(figure, chords, waveform)
    }),
  )
  job.dataset.ready = "true"
}

async function refreshForever() {
  const job = document.getElementById("job")
  try {
    const answer = await fetch(`/__sandbox__/jobs/${encodeURIComponent(job.dataset.id)}/version`)
    const { version } = await answer.json()
    if (version === null) {
      state.textContent = "deleted"
      return
    }
    state.textContent = "live"
    if (version !== job.dataset.version) {
      const text = await (await fetch(location.href)).text()
      const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("job")
      job.replaceWith(document.adoptNode(fresh))
      await open()
    }
  } catch {
    state.textContent = "not running"
  }
  setTimeout(refreshForever, 700)
}

await open()
refreshForever()
